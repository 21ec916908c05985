//! Runs title plugins: loads components of the interface in `wit/`, bounds what they may use, calls their hooks, replaces them
//! while their title is played.
//!
//! It is not the server: it knows no connection, no account and no message. What a plugin can see and do comes from whoever owns its
//! instance, through [`LobbyHost`] or [`RelayHost`]. It is synchronous, too: a hook is an ordinary call.
//!
//! - [`Runtime`]: the engine; [`Runtime::load`] makes a [`Plugin`] of bytes, or says in one sentence why not.
//! - [`Plugin`]: compiled code and manifest; [`Plugin::prepare`] makes a [`Candidate`] in an [`Env`].
//! - [`Guest`]: what serves. A method per hook. [`Guest::swap`] puts a candidate in its place.
//! - [`Subscriptions`]: what the plugin is to be called for, asked before each message.

pub mod api;
mod assets;
mod bindings;
mod bulk;
mod cache;
mod calls;
mod error;
mod exports;
#[cfg(test)]
#[path = "../tests/runtime/fixture.rs"]
mod fixture;
mod grants;
mod guest;
mod hook;
mod hooks;
mod host;
mod http;
mod instance;
mod interface;
mod limits;
mod log;
mod manifest;
mod meter;
pub mod metrics;
mod own_metrics;
mod plugin;
mod rate;
mod runtime;
mod settings;
mod timers;
mod unchecked;

pub use crate::assets::{AssetError, Assets, MAX_ASSET_SIZE, MAX_ASSETS, MAX_ASSETS_SIZE};
pub use crate::error::{FailureKind, LoadError, LoadFailure, RuntimeError};
pub use crate::grants::{Grant, Grants, UnknownGrant};
pub use crate::guest::{Guest, Health, Retired};
pub use crate::hook::{Hook, Subscriptions};
pub use crate::host::{Clock, Entries, Host, LobbyHost, RelayHost};
pub use crate::http::HttpDone;
pub use crate::limits::{Limits, MAX_KEY, MAX_VALUE};
pub use crate::metrics::METRICS;
pub use crate::plugin::{Candidate, Env, Manifest, Plugin};
pub use crate::runtime::{Runtime, RuntimeConfig};
pub use crate::settings::{SettingError, Settings};
