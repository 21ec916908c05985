//! Scripted consoles: what a title's network library does, without the title.
//!
//! A [`Console`] walks the whole way of an evening: universe, login, lobby, channels, games, relay. Like a real one it
//! knows nothing but its first address: every other address, key, world id and access key is taken from the answers.
//! [`Options`] says which [`Dialect`] it speaks and how it enciphers; the same machine
//! ([`medley_session::ClientSession`]) serves all of them.
//!
//! Answers are matched by message type, then by MessageID where the title gives it a meaning (most give every request
//! the id `1`). Every wait is bounded and its error says what was awaited and what came instead.
//!
//! It is not a model of any title's rules, and spawns no tasks: a console is a few sockets, a session for each, and
//! three queues, driven by whoever calls it. Thousands fit in a process; nothing is global.

mod console;
mod error;
mod game;
mod link;
mod options;

pub use console::{Console, Heard, Redirect, Silent};
pub use error::SimulatorError;
pub use game::{GameSetup, RelayMessage};
pub use link::{Connection, Inbox};
pub use options::{Ciphering, Dialect, Options};
