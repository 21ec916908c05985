//! Title plugins between the servers and `medley-runtime`.
//!
//! A plugin's instance lives in its title's actor (`seat`) and is called between two messages. What it asks of the host goes
//! through `host`, over the universe, the store and the connections. `hooks` stands around the handlers: it decides which
//! hook a request is for, turns the request into the hook's record and back (`records`), and carries out the verdict.
//!
//! A title without a plugin, and a message that the plugin does not subscribe to, cost one atomic load and a bit test.

pub(crate) mod hooks;
pub(crate) mod host;
pub(crate) mod records;
pub(crate) mod seat;

pub use seat::{Installed, PluginView};
