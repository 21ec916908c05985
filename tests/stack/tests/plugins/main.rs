//! Title plugins on a whole host: verdicts, hostile plugins, live replacement, the relay.

#[path = "../../../../host/runtime/tests/runtime/fixture.rs"]
mod fixture;
mod hostile;
mod reload;
mod stage;
mod verdicts;
