//! What can go wrong, each in one sentence.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use thiserror::Error;

/// Why a command of `medley plugin` did not do its work.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ToolError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A program cannot be started.
    #[error("cannot run `{program}`: {source}")]
    Run {
        /// Its name.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// A program failed; it has said why by itself.
    #[error("`{program}` failed ({status})")]
    Failed {
        /// Its name.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A program said something unexpected.
    #[error("`{program}` said something unexpected: {why}")]
    Answer {
        /// Its name.
        program: &'static str,
        /// What.
        why: String,
    },
    /// No compiler for plugins.
    #[error(
        "no Rust compiler here can build for wasm32-unknown-unknown: run `rustup target add wasm32-unknown-unknown`, or on \
         Debian `apt-get install --no-install-recommends rustc-web rust-web-src`"
    )]
    NoToolchain,
    /// Not a plugin crate.
    #[error("{}: {why}", manifest.display())]
    NotAPlugin {
        /// Its Cargo.toml.
        manifest: PathBuf,
        /// Why not.
        why: String,
    },
    /// A module that cannot become a component.
    #[error("the module is no plugin: {0}")]
    Module(String),
    /// A component that is not ours, or broken.
    #[error("{}: {why}", path.display())]
    Component {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The runtime does not take a plugin, or cannot start.
    #[error("{0}")]
    Refused(String),
    /// A built plugin does not come of the sources that are here.
    #[error("{} is not what its sources make: {why}; run `medley plugin build {} --out {}`", path.display(), krate.display(), path.display())]
    Differs {
        /// The file.
        path: PathBuf,
        /// What differs.
        why: String,
        /// The crate that makes it.
        krate: PathBuf,
    },
    /// A name that no crate can have.
    #[error(
        "`{0}` is no name for a plugin: lower-case letters, digits and hyphens, a letter first, at most 64 of them"
    )]
    Name(String),
    /// There is something already.
    #[error("{} is already there", .0.display())]
    Exists(PathBuf),
}

impl ToolError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::File { path, source }
    }

    pub(crate) fn component(path: &Path, why: impl ToString) -> Self {
        Self::Component { path: path.to_owned(), why: why.to_string() }
    }
}
