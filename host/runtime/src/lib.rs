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
mod error;
mod grants;
mod guest;
mod hook;
mod host;
mod http;
mod limits;
mod metrics;
mod plugin;
mod runtime;
mod settings;

pub use crate::assets::{AssetError, Assets};
pub use crate::error::{FailureKind, LoadError, LoadFailure, RuntimeError};
pub use crate::grants::{Grant, Grants, UnknownGrant};
pub use crate::guest::{Guest, Health, Retired};
pub use crate::hook::{Hook, Subscriptions};
pub use crate::host::{Clock, Entries, Host, LobbyHost, RelayHost};
pub use crate::http::HttpDone;
pub use crate::limits::Limits;
pub use crate::metrics::{METRICS, Metric, MetricKind, describe as describe_metrics};
pub use crate::plugin::{Candidate, Env, Manifest, Plugin};
pub use crate::runtime::{Runtime, RuntimeConfig};
pub use crate::settings::{SettingError, Settings};
