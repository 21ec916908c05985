//! Finds a compiler for plugins.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ToolError;

/// What plugins are compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's compiler, where `rustc` is another one. The package rustc-web has the same place.
const SYSTEM_RUSTC: &str = "/usr/bin/rustc";

/// A compiler for [`TARGET`].
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// The compiler.
    pub rustc: PathBuf,
    /// Its sources of the standard library, where it has none ready for the target and cargo has to build it.
    pub build_std: Option<PathBuf>,
    /// The linker, if it is not the compiler's own.
    pub linker: Option<PathBuf>,
    /// The compiler's name of itself, and whether it built the standard library: equal names make equal bytes of equal sources.
    pub name: String,
}

impl Toolchain {
    /// The first compiler that can: `$RUSTC` or `rustc`, then Debian's; one with the target ready before one that has to build
    /// the standard library.
    pub fn find() -> Result<Self, ToolError> {
        let default = std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
        let candidates = [default, PathBuf::from(SYSTEM_RUSTC)];
        let there: Vec<Candidate> = candidates.into_iter().filter_map(Candidate::ask).collect();
        if let Some(ready) = there.iter().find(|candidate| candidate.has_target()) {
            return Ok(Self {
                rustc: ready.rustc.clone(),
                build_std: None,
                linker: None,
                name: ready.version.clone(),
            });
        }
        let linker = there
            .iter()
            .find_map(Candidate::linker)
            .or_else(|| in_path("wasm-ld"))
            .or_else(|| in_path("rust-lld"));
        let builder = there.iter().find_map(|candidate| Some((candidate, candidate.sources()?)));
        let (Some((candidate, sources)), Some(linker)) = (builder, linker) else {
            return Err(ToolError::NoToolchain);
        };
        Ok(Self {
            rustc: candidate.rustc.clone(),
            build_std: Some(sources),
            linker: Some(linker),
            name: format!("{}, standard library of its sources", candidate.version),
        })
    }

    /// Makes a cargo command use this compiler.
    pub(crate) fn apply(&self, cargo: &mut Command) {
        cargo.env("RUSTC", &self.rustc);
        if let Some(linker) = &self.linker {
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        if self.build_std.is_some() {
            // build-std is not stable; without it there is no standard library for the target.
            cargo.env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort");
        }
    }
}

/// A compiler that answers.
struct Candidate {
    rustc: PathBuf,
    version: String,
    sysroot: PathBuf,
}

impl Candidate {
    fn ask(rustc: PathBuf) -> Option<Self> {
        let version = said(&rustc, &["--version"])?;
        let sysroot = said(&rustc, &["--print", "sysroot"])?.into();
        Some(Self { rustc, version, sysroot })
    }

    fn has_target(&self) -> bool {
        let Some(folder) = said(&self.rustc, &["--print", "target-libdir", "--target", TARGET]) else {
            return false;
        };
        let Ok(entries) = std::fs::read_dir(folder) else { return false };
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
    }

    fn sources(&self) -> Option<PathBuf> {
        let sources = self.sysroot.join("lib/rustlib/src/rust");
        sources.join("library/Cargo.lock").exists().then_some(sources)
    }

    fn linker(&self) -> Option<PathBuf> {
        let targets = std::fs::read_dir(self.sysroot.join("lib/rustlib")).ok()?;
        targets.flatten().map(|target| target.path().join("bin/rust-lld")).find(|linker| linker.exists())
    }
}

fn said(program: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
