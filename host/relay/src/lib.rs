//! The DME game relay of Medley: game worlds over TCP and UDP.
//!
//! What it is: players come with an access key, finish their handshake, and what one of them says reaches those in the
//! same world who want to hear it. MPS orders worlds and places over MGCL ([`mps_access_key`] tells how the relay
//! proves itself there), also when both are in one process; [`RelayHandle`] does the same directly.
//!
//! What it is not: it knows no accounts, no games by name, no lobby. It does not read what titles say to each other,
//! adds no reliability to UDP, and does not split or reorder anything.
//!
//! - [`world`]: the pure core: slots, access keys, receive flags, routing, tokens, the clock, ends. No I/O, no clock.
//! - [`Relay::start`], [`RelayHandle`]: the running thing. Threads: one *door* that accepts and shakes hands (RSA
//!   never delays a packet), and [`RelayConfig::shards`] *shards* that own whole worlds. The caller's tokio runtime
//!   carries the link to MPS and the metrics.
//! - [`RelayConfig`], [`RelayRules`], [`RelayTitle`]: what the operator and the titles decide; [`TitleRelays`]: the rules
//!   that the titles' folders have.
//! - [`METRICS`], [`RelayCounters`]: what is counted.
//!
//! # UDP
//!
//! A player's endpoint is the source of its CONNECT_AUX_UDP, which must open under its key, name its index and scert
//! id, and come from the address of its TCP connection ([`RelayConfig::check_udp_address`]). With READY_AUX_UDP it is
//! final: datagrams from anywhere else are dropped and counted.

mod config;
mod door;
mod metrics;
mod mgcl;
mod placement;
mod player;
mod plugin;
mod relay;
mod segments;
mod shard;
mod sockets;
mod titles;
pub mod world;

pub use crate::config::{MpsLink, RelayCipher, RelayConfig, RelayRules, RelayTitle, UdpMode};
pub use crate::metrics::{METRICS, MetricInfo, MetricKind, RelayCounters};
pub use crate::mgcl::{MPS_SESSION_KEY, mps_access_key};
pub use crate::plugin::LobbyLink;
pub use crate::relay::{Relay, RelayHandle, StartError, WorldError};
pub use crate::titles::TitleRelays;
