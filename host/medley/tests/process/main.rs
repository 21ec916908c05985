//! The real binary, as an operator starts it: commands, configuration, a running host, its end, a relay of its own, and
//! `kill -9` under load.
//!
//! Every test has a folder of its own and lets the system choose all ports; whatever it started ends with it.

mod cli;
#[path = "../../../runtime/tests/runtime/fixture.rs"]
mod fixture;
mod host;
mod kill;
mod metrics;
mod plugins;
mod relay;
mod run;
