//! `medley plugin new`, `build`, `check`, `inspect`, `test` and `bench`: what a plugin author needs besides the SDK.
//!
//! It is not the host's runtime, and changes nothing on a running host.
//!
//! - [`Tool`]: the commands, for the command line.
//! - [`Toolchain`]: the compiler for plugins.
//! - [`Project`]: a plugin crate, and its build.
//! - [`component`]: from a core module to a component.

mod build;
mod cli;
pub mod component;
mod error;
mod quiet;
mod report;
mod template;
mod toolchain;
mod trial;

pub use build::{Built, Project, verify};
pub use cli::Tool;
pub use error::ToolError;
pub use toolchain::{TARGET, Toolchain};
