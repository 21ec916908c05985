//! The commands.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::ToolError;
use crate::build::{Project, verify};
use crate::report::{Loaded, runtime};
use crate::template::{self, Sdk};
use crate::toolchain::Toolchain;
use crate::trial::Trial;

/// For plugin authors.
#[derive(Debug, Subcommand)]
pub enum Tool {
    /// Makes a folder with a working plugin crate.
    New {
        /// Name of the plugin and the folder.
        name: String,
        /// Application ids of the title that it is for.
        #[arg(long = "app", value_name = "ID")]
        apps: Vec<u32>,
        /// Where the SDK is: the folder of Medley's sources, instead of its repository.
        #[arg(long, value_name = "DIR")]
        sdk: Option<PathBuf>,
    },
    /// Builds a plugin crate into a component.
    Build {
        /// The crate's folder.
        #[arg(default_value = ".", conflicts_with = "verify")]
        path: PathBuf,
        /// The file to be made; without it plugin.wasm in the crate's folder.
        #[arg(long, value_name = "FILE", conflicts_with = "verify")]
        out: Option<PathBuf>,
        /// Builds nothing new, but fails unless these files are what their crates in this workspace make.
        #[arg(long, value_name = "FILE", num_args = 1..)]
        verify: Vec<PathBuf>,
    },
    /// Says what a plugin is and wants, and whether this host would take it.
    Check {
        /// The component.
        #[arg(default_value = "plugin.wasm")]
        file: PathBuf,
    },
    /// Prints the whole manifest, imports, exports and sizes.
    Inspect {
        /// The component.
        #[arg(default_value = "plugin.wasm")]
        file: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Calls each hook once with a made-up request, then with the messages of captures, and prints the verdicts.
    Test {
        /// The component.
        #[arg(default_value = "plugin.wasm")]
        file: PathBuf,
        /// Captures, one JSON object a line, with deciphered bodies in `plain_hex`.
        #[arg(long, value_name = "FILE", num_args = 1..)]
        capture: Vec<PathBuf>,
        /// The Medius version of the client, e.g. 110.
        #[arg(long, default_value_t = 110)]
        version: u16,
        /// Settings, as in `game.toml`: `--set max_players=6`.
        #[arg(long, value_name = "NAME=VALUE")]
        set: Vec<String>,
    },
    /// Times each hook that the plugin is called for.
    Bench {
        /// The component.
        #[arg(default_value = "plugin.wasm")]
        file: PathBuf,
        /// Calls of each.
        #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
        calls: u32,
    },
}

impl Tool {
    /// Does it. What it found goes to standard output.
    pub fn run(self) -> Result<(), ToolError> {
        match self {
            Self::New { name, apps, sdk } => {
                let sdk = sdk.map_or(Ok(Sdk::Repository), |folder| Sdk::folder(&folder))?;
                template::write(Path::new(&name), &name, &apps, &sdk)?;
                println!("{name}/ is made: `cargo test` tests it, `medley plugin build` builds it");
                Ok(())
            }
            Self::Build { path, out, verify: files } if files.is_empty() => {
                let project = Project::open(&path)?;
                let toolchain = Toolchain::find()?;
                let built = project.build(&toolchain)?;
                let out = out.unwrap_or_else(|| project.folder().join("plugin.wasm"));
                write_whole(&out, &built.component)?;
                println!("{}: {} bytes, by {}", out.display(), built.component.len(), built.origin.compiler);
                Ok(())
            }
            Self::Build { verify: files, .. } => {
                let toolchain = Toolchain::find().ok();
                for file in files {
                    let bytes = verify(&file, Path::new("."), toolchain.as_ref())?;
                    let how = if bytes { "bytes" } else { "sources alone: another compiler made it" };
                    println!("{}: as its sources make it ({how})", file.display());
                }
                Ok(())
            }
            Self::Check { file } => {
                print!("{}", Loaded::read(&file, &runtime()?)?.short());
                Ok(())
            }
            Self::Inspect { file, json } => {
                let loaded = Loaded::read(&file, &runtime()?)?;
                if json {
                    println!("{}", loaded.json()?)
                } else {
                    print!("{}", loaded.long())
                }
                Ok(())
            }
            Self::Test { file, capture, version, set } => {
                let runtime = runtime()?;
                let loaded = Loaded::read(&file, &runtime)?;
                let mut trial = Trial::new(&loaded.plugin, version, &set)?;
                let mut failed = trial.samples();
                for path in capture {
                    failed += trial.capture(&path)?;
                }
                match failed {
                    0 => Ok(()),
                    failed => Err(ToolError::Refused(format!("{}: {failed} calls failed", file.display()))),
                }
            }
            Self::Bench { file, calls } => {
                let runtime = runtime()?;
                let loaded = Loaded::read(&file, &runtime)?;
                Trial::new(&loaded.plugin, 110, &[])?.bench(calls);
                Ok(())
            }
        }
    }
}

/// A host that watches the file sees the old one or the new one, nothing between.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ToolError> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".new");
    let aside = PathBuf::from(aside);
    std::fs::write(&aside, bytes).map_err(ToolError::file(&aside))?;
    std::fs::rename(&aside, path).map_err(ToolError::file(path))
}
