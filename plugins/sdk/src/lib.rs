//! What a Medley title plugin is written with.
//!
//! A plugin is a WebAssembly component that the host loads from `games/<title>/plugin.wasm`. It is a type with the trait
//! [`Plugin`], whose methods all have defaults; [`plugin`](macro@plugin) on the `impl` subscribes to those that are written:
//!
//! ```
#![doc = include_str!("../../polite/src/lib.rs")]
//! ```
//!
//! - [`Plugin`]: hooks, events and answers. Hooks answer with a [`Verdict`].
//! - [`host`]: what a plugin can ask of the host, and do.
//! - [`Settings`](macro@Settings): `[plugin.settings]` of `game.toml` as a struct.
//! - [`wire`]: the typed messages, for [`Message::decode`] and [`Message::encode`].
//! - `testing`: a host to test a plugin against, as plain Rust, with a fake clock. Not in a component.
//!
//! It is not the host's own side of the interface, and keeps nothing itself: guest memory is gone after a trap. What has to
//! last goes to [`host::store`] or [`host::state`].

#[doc(hidden)]
pub mod bindings;
#[doc(hidden)]
pub mod guest;
pub mod host;
pub mod manifest;
mod plugin;
pub mod settings;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
mod types;

/// The Medius messages, each a type.
pub use medley_wire as wire;

pub use medley_plugin_macros::{Settings, plugin};
pub use plugin::{Manifest, Plugin};
pub use types::*;

/// What the host is called through: the component's imports, or the host of `testing`.
#[cfg(target_family = "wasm")]
use bindings::medley::plugin as sys;
#[cfg(not(target_family = "wasm"))]
use testing::calls as sys;

/// What nearly every plugin names.
pub mod prelude {
    pub use crate::settings::Settings as _;
    pub use crate::types::*;
    pub use crate::{Plugin, Settings, debug, error, host, info, plugin, trace, warn, wire};
}

/// The code of the guide, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins.md")]
pub struct Guide;
