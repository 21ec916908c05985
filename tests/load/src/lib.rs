//! Load for a Medius server, and what the same work costs without one.
//!
//! What it is: workloads that run against any Medius server by address: logins, handshakes, relayed messages paced and
//! as fast as possible, many worlds, a soak, idle connections, a lobby's mix; and a [`bare`] loop that does a relay's work
//! with nothing around it, so that each figure of a relay is also a ratio measured in the same run. Counts and times
//! are bounded by arguments; connections go to loopback and the address given, wherever answers lead.
//!
//! What it is not: a check of behaviour (`tests/simulator`, `tests/stack`), or a stand-in for many machines: generator
//! and server share this one, so a server's cost is read as CPU time of its process and not as what was left over.
//! Linux only: it reads `/proc` and uses timer descriptors.
//!
//! - [`fleet`]: client connections on one thread, each a `ClientSession`.
//! - [`lobby`], [`logins`], [`chatter`]: MAS and MLS.
//! - [`traffic`]: worlds on a relay: of a host, of a [`relay_host`] process by itself, of the baseline.
//! - [`idle`]: memory per connection.
//! - [`meter`], [`report`]: CPU and memory of the server; tables and JSON.
//! - [`cli`]: the command line, for this crate's program and for `medley load`; [`own`]: processes that it starts;
//!   [`pin`]: server and generator on a CPU each.

pub mod bare;
pub mod chatter;
pub mod cli;
pub mod fleet;
pub mod idle;
pub mod lobby;
pub mod logins;
pub mod meter;
pub mod own;
pub mod pin;
pub mod relay_host;
pub mod report;
pub mod traffic;
