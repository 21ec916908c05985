//! The servers of a Medius host: MUIS, MAS, MLS and MPS over TCP, the NAT service over UDP.
//!
//! [`Server::start`] binds the listeners and gives a [`ServerHandle`]. One listener serves every title: the app id of a
//! client's CONNECT picks it. Each connection is a task ([`connection`]); each title is an actor ([`actor`]) that owns
//! the title's [`medley_universe::Universe`]; each request has a handler ([`handlers`], one module per area, one table).
//! The way of a message: bytes -> `medley-session` -> [`dispatch`] -> handler -> actor and store -> answers -> bytes.
//!
//! It is not the game relay (that is `medley-relay`, which joins MPS as any DME would), holds no rules of channels and
//! games (those are the universe's) and no message layouts (the wire's). The address that clients are told is decided in
//! one place, [`net_info`]. What is counted is in [`events`].

#![recursion_limit = "256"]

pub mod actor;
mod clock;
pub mod connection;
pub mod context;
pub mod dispatch;
mod effects;
pub mod events;
pub mod handlers;
pub mod limits;
pub mod mgcl;
pub mod net_info;
pub mod np_ticket;
pub mod plugin;
mod probes;
mod pushes;
mod server;
pub mod shared;
pub mod text_filter;
mod transfers;

pub use self::actor::{TitleGone, TitleHandle};
pub use self::clock::Clock;
pub use self::events::{Event, METRICS, describe as describe_metrics};
pub use self::handlers::{HandlerInfo, REGISTRY};
pub use self::plugin::{Installed, PluginView};
pub use self::server::{Server, ServerHandle, ServerOptions, StartError};
pub use self::shared::{Bound, Shared};
