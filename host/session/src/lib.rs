//! Connection state machines of SCE-RT (SCERT): handshakes, keys, keep-alive, fragments, aux UDP.
//!
//! What it is: [`ServerSession`], one client's connection to a MUIS, MAS, MLS, MPS or DME, and [`ClientSession`], the
//! same machine turned round, for consoles in tests, load, and a game relay that registers with MPS. Sans-IO, in the
//! manner of quinn-proto: bytes and a [`Time`] in; bytes, events and a deadline out.
//!
//! What it is not: it opens no sockets, reads no clock, draws no randomness (a seed is an argument), knows no accounts
//! or worlds, and judges no access key: [`Event::Connect`] asks the owner. It does not relay either: it opens and
//! seals the frames that a relay passes on.
//!
//! - [`ServerConfig`]: what all sessions of a listener share; [`HandshakeRules`] tells a title's exceptions as
//!   [`Handshake`] data.
//! - [`ServerSession::receive`] deciphers in place and hands [`Event`]s that borrow from what was read to a closure
//!   that gets the session too. [`ServerSession::output`] and [`ServerSession::datagrams`] hold what is to be sent.
//! - [`ServerSession::poll_timeout`] and [`ServerSession::handle_timeout`]: the deadline.
//! - [`SessionError`]: the peer broke the protocol, the session is closed. [`SendError`]: the caller's fault, the
//!   session goes on. [`Timeout`]: nobody's.
//!
//! # States of a server session
//!
//! | state | came | goes out | next |
//! |---|---|---|---|
//! | [`Start`](State::Start) | 24 HELLO | 25 HELLO (with certificate from 1.12 on, resume id 0) | Greeted |
//! | Start, [`Greeted`](State::Greeted) | 12 CRYPTKEY_PUBLIC | 13 CRYPTKEY_PEER, the same way: RSA or clear | Keyed |
//! | Start, Greeted, [`Keyed`](State::Keyed) | 00 CONNECT_TCP, 15 ..AUX_UDP | [`Event::Connect`]; 06 REJECT if the app id is not served | Connecting |
//! | [`Connecting`](State::Connecting) | `accept`, above 1.08 | 22 CONNECT_REQUIRE | Required |
//! | Connecting | `accept`, 1.08 (or `treat_as_108`) | *let in*, then as for 21 READY_TCP | |
//! | Connecting | `accept`, `skip_connect_require` | *let in* | Accepted |
//! | Connecting | `reject` | 06 REJECT | Closed |
//! | [`Required`](State::Required) | 23 READY_REQUIRE | *let in*: 14 GAME, on DME 13 PEER, 07 ACCEPT_TCP | Accepted |
//! | [`Accepted`](State::Accepted) | 21 READY_TCP, not DME | 1a COMPLETE; 1f ECHO above 1.08 | Ready |
//! | Accepted | 21 READY_TCP, DME | 26 STARTUP_INFO above 1.08; aux UDP: 18 INFO_AUX_UDP | AuxUdp |
//! | Accepted | 21 READY_TCP, DME without aux UDP | 26, 1a, 0a ServerVersion, 1f; nothing at 1.08 | Ready |
//! | [`AuxUdp`](State::AuxUdp) | UDP 16 CONNECT_AUX_UDP | [`Event::ConnectAuxUdp`]; UDP 19 by `accept_aux_udp` | AuxUdp |
//! | AuxUdp | 17 READY_AUX_UDP | [`Event::AuxUdpReady`] | Completing |
//! | [`Completing`](State::Completing) | `complete` | 1a, 0a ServerVersion; 1f above 1.08 | Ready |
//! | [`Ready`](State::Ready) | traffic | events | Ready |
//! | any | 05 ECHO | 05 ECHO, the way it came | same |
//! | any | 01 DISCONNECT, 20 ..WITH_REASON | [`Event::Disconnect`] | Closed |
//! | any | a deadline, an error | | [`Closed`](State::Closed) |
//!
//! 14 and 13 go out to clients that sent 12 only. A PS3 gets 14 + 07 and 1a + 1f in 3c containers, as captured. From the
//! second 13 on everything is under its key; what the client had under way under the first is still read.
//! Messages that come ahead of their time wait, up to [`Limits::pipelined`] bytes: all but echoes and goodbyes in
//! Connecting and Completing, application and title data before Ready. Handshake messages out of order are errors;
//! ids that nothing is known about are reported and ignored once CONNECT has come.
//!
//! # Ciphers
//!
//! Each frame stands alone: bit 7, the null hash and the context bits of a frame decide how it is read, never a mode.
//! What goes out is enciphered if the connection has a ctx 3 key, and clear if not. Application messages to clients of
//! 1.08 go under ctx 1, all else under ctx 3.

mod client;
mod config;
mod datagrams;
mod error;
mod event;
mod link;
mod server;
mod time;

pub use client::{ClientCipher, ClientConfig, ClientEvent, ClientSession};
pub use config::{
    CERTIFICATE_MODULUS, Handshake, HandshakeRules, Limits, MAS_1_CERTIFICATE, ServerConfig, ServerKind,
    Timeouts, Usual,
};
pub use datagrams::{Datagrams, Run};
pub use error::{SendError, SessionError, Timeout};
pub use event::{Accept, ConnectRequest, Event, Relay, Target};
pub use link::{Cover, Transport};
pub use server::{ServerSession, State, UdpCounters};
pub use time::Time;
