//! Sans-IO connection state machines of SCE-RT.
mod config;
mod datagrams;
mod error;
mod event;
mod link;
mod server;
mod time;

pub use config::{
    CERTIFICATE_MODULUS, Handshake, HandshakeRules, Limits, MAS_1_CERTIFICATE, ServerConfig, ServerKind,
    Timeouts, Usual,
};
pub use datagrams::Datagrams;
pub use error::{SendError, SessionError, Timeout};
pub use event::{Accept, ConnectRequest, Event, Relay, Target};
pub use link::{Cover, Transport};
pub use server::{ServerSession, State, UdpCounters};
pub use time::Time;
