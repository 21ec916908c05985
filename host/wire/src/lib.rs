//! The Medius (SCE-RT) wire: frames, fragments, containers, and every message, each declared once.
//!
//! Sans-IO: no sockets, no clock, no logging. Bytes in, typed messages out, and back. Ciphers are in `medley-crypto`,
//! handshakes in `medley-session`.
//!
//! - [`frame`]: the outermost layer, `id, length, hash, body`, for TCP streams and UDP datagrams.
//! - [`rt`]: the RT messages that frames carry (CLIENT_HELLO, CONNECT_TCP, SERVER_APP ...).
//! - [`messages`]: the application messages inside CLIENT_APP_TOSERVER and SERVER_APP; [`messages::AnyMessage`] is any of them.
//! - [`fragment`]: long messages cut in pieces.
//! - [`enums`], [`types`]: open enums and field types. An unknown number survives a round trip.
//! - [`json`]: the JSON view of all of these.
//!
//! A decoder never panics, and never allocates more than its input justifies.

pub mod codec;
pub mod enums;
pub mod fragment;
pub mod frame;
pub mod json;
pub mod messages;
pub mod rt;
pub mod types;

pub use self::codec::{DecodeError, DecodeErrorKind, Dialect};
pub use self::messages::AnyMessage;
pub use self::rt::{RtId, RtMessage};
pub use self::types::{AccountId, AppId, ClanId, MediusWorldId, NetWorldId};
