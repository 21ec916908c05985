//! What a host and a title are, as data.
//!
//! - [`HostConfig`] is `medley.toml`: ports, addresses, limits, timeouts. Built-in values, then the file, then `MEDLEY_*`
//!   variables; flags are the binary's business, which sets fields of the loaded value.
//! - [`TitleConfig`] is `games/<title>/game.toml`: app ids, universes, channels, texts, account rules and the exceptions of the
//!   connect sequence. [`Title`] and [`App`] are the same with everything resolved, which is what servers ask.
//! - [`TitleSet`] is all titles, found by app id; it is loaded and reloaded as a whole or not at all.
//! - [`ConfigErrors`] is every problem of a load at once, each with file, line, key, what was wanted, what was found and what
//!   to do.
//!
//! It is not a place for rules (that is the universe) or message layouts (that is the wire), opens no socket, reads no clock
//! and knows no runtime. The files it reads are its own.

pub mod app;
mod check;
pub mod docs;
mod document;
pub mod host;
pub mod instant;
pub mod keys;
pub mod load;
pub mod plugin;
pub mod problem;
pub mod set;
pub mod title;

pub use app::{App, AppRef, DEFAULT_RSA_KEY, Encryption, Title};
pub use host::HostConfig;
pub use load::{ChangedKey, Effect};
pub use plugin::{PluginFile, PluginFileError, TitleAssets};
pub use problem::{ConfigErrors, Problem};
pub use set::{TitleChange, TitleSet};
pub use title::{
    ChatFilter, Cipher, GameConnection, Handshake, PluginConfig, PluginLimits, RelayCipher, Security,
    ServerKind, Status, TicketCheck, TicketKey, TicketNetwork, TitleConfig,
};
