//! Builds a plugin crate: cargo makes the module, [`componentize`] the component.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::ToolError;
use crate::component::{self, Origin, WIT, componentize};
use crate::toolchain::{TARGET, Toolchain};

/// How every plugin is built, whatever its workspace says. Names stay, for backtraces; nothing depends on the machine.
const PROFILE: [(&str, &str); 7] = [
    ("LTO", "fat"),
    ("CODEGEN_UNITS", "1"),
    ("OPT_LEVEL", "3"),
    ("PANIC", "abort"),
    ("DEBUG", "0"),
    ("STRIP", "debuginfo"),
    ("INCREMENTAL", "false"),
];

/// A plugin crate, as cargo sees it.
#[derive(Debug)]
pub struct Project {
    /// Its Cargo.toml.
    pub manifest: PathBuf,
    /// Its name.
    pub package: String,
    workspace: PathBuf,
    target: PathBuf,
    /// SHA-256 of what it is made of; see [`Origin::sources`].
    pub sources: String,
    /// Folders of the crates that are not from a registry, and what they are called in the built file.
    folders: BTreeMap<PathBuf, String>,
}

/// A built plugin.
#[derive(Debug)]
pub struct Built {
    /// The component.
    pub component: Vec<u8>,
    /// Of what it was built.
    pub origin: Origin,
}

impl Project {
    /// The crate at `path`: its folder or its Cargo.toml.
    pub fn open(path: &Path) -> Result<Self, ToolError> {
        let manifest = if path.is_dir() { path.join("Cargo.toml") } else { path.to_owned() };
        let manifest = manifest.canonicalize().map_err(ToolError::file(&manifest))?;
        let metadata = Metadata::read(&manifest)?;
        let package = metadata.packages.iter().find(|package| package.manifest_path == manifest);
        let Some(package) = package else {
            return Err(ToolError::NotAPlugin {
                manifest,
                why: "this is a workspace; name a plugin's own folder".into(),
            });
        };
        Self::of(&metadata, package)
    }

    /// The crate of this name in the workspace around `folder`.
    pub fn named(name: &str, folder: &Path) -> Result<Self, ToolError> {
        let manifest = folder.join("Cargo.toml");
        let metadata = Metadata::read(&manifest)?;
        match metadata.packages.iter().find(|package| package.name == name && package.source.is_none()) {
            Some(package) => Self::of(&metadata, package),
            None => {
                let why = format!("there is no crate `{name}` in this workspace");
                Err(ToolError::NotAPlugin { manifest, why })
            }
        }
    }

    fn of(metadata: &Metadata, package: &Package) -> Result<Self, ToolError> {
        let manifest = package.manifest_path.clone();
        let wrong = |why: &str| ToolError::NotAPlugin { manifest: manifest.clone(), why: why.to_owned() };
        if !package.targets.iter().any(|target| target.crate_types.iter().any(|kind| kind == "cdylib")) {
            return Err(wrong("a plugin needs `[lib] crate-type = [\"cdylib\", \"rlib\"]`"));
        }
        let used = metadata.used_by(&package.id);
        if !used.iter().any(|package| package.name == "medley-plugin") {
            return Err(wrong("it does not depend on medley-plugin"));
        }
        let mut folders = BTreeMap::new();
        for package in
            used.iter().filter(|package| package.source.as_ref().is_none_or(|s| s.starts_with("git+")))
        {
            if let Some(folder) = package.manifest_path.parent() {
                folders.insert(folder.to_owned(), format!("/medley/{}", package.name));
            }
        }
        Ok(Self {
            manifest: package.manifest_path.clone(),
            package: package.name.clone(),
            workspace: metadata.workspace_root.clone(),
            target: metadata.target_directory.join("guest"),
            sources: sources(&used)?,
            folders,
        })
    }

    /// The plugin's own folder.
    pub fn folder(&self) -> &Path {
        self.manifest.parent().unwrap_or_else(|| Path::new("."))
    }

    /// Builds it. What cargo and the compiler say goes to standard error.
    pub fn build(&self, toolchain: &Toolchain) -> Result<Built, ToolError> {
        let module = self.module(toolchain)?;
        let bytes = std::fs::read(&module).map_err(ToolError::file(&module))?;
        let origin = Origin {
            package: self.package.clone(),
            sources: self.sources.clone(),
            compiler: toolchain.name.clone(),
        };
        Ok(Built { component: componentize(&bytes, &origin)?, origin })
    }

    fn module(&self, toolchain: &Toolchain) -> Result<PathBuf, ToolError> {
        let program = cargo_program();
        let mut cargo = Command::new(&program);
        cargo.args([
            "build",
            "--release",
            "--lib",
            "--target",
            TARGET,
            "--message-format",
            "json-render-diagnostics",
        ]);
        cargo.arg("--manifest-path").arg(&self.manifest).arg("--target-dir").arg(&self.target);
        toolchain.apply(&mut cargo);
        for (name, value) in PROFILE {
            cargo.env(format!("CARGO_PROFILE_RELEASE_{name}"), value);
        }
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_BUILD_RUSTFLAGS").env_remove("RUSTC_WRAPPER");
        cargo
            .env_remove("RUSTC_WORKSPACE_WRAPPER")
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags(toolchain).join("\u{1f}"));
        let output = cargo.stderr(Stdio::inherit()).output();
        let output = output.map_err(|source| ToolError::Run { program: program.clone(), source })?;
        if !output.status.success() {
            return Err(ToolError::Failed { program: "cargo build".into(), status: output.status });
        }
        let messages = output.stdout.split(|byte| *byte == b'\n');
        let artifacts = messages.filter_map(|line| serde_json::from_slice::<Artifact>(line).ok());
        let mut files =
            artifacts.filter(|artifact| artifact.manifest_path == self.manifest).flat_map(|a| a.filenames);
        let module = files.find(|file| file.extension().is_some_and(|extension| extension == "wasm"));
        module.ok_or_else(|| ToolError::Answer { program: "cargo", why: "it built no wasm file".into() })
    }

    /// Paths of this machine are replaced by names.
    fn flags(&self, toolchain: &Toolchain) -> Vec<String> {
        let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
        // The last that fits counts: the general ones first.
        let mut flags = vec![remap(&self.workspace, "/medley")];
        flags.extend(self.folders.iter().map(|(folder, name)| remap(folder, name)));
        flags.push(remap(&self.target, "/target"));
        if let Some(home) = cargo_home() {
            flags.push(remap(&home, "/cargo"));
        }
        if let Some(sources) = &toolchain.build_std {
            flags.push(remap(sources, "/rust"));
        }
        flags
    }
}

/// Compares a built plugin with what the workspace around `folder` makes of its sources. The bytes are compared where the
/// compiler that made it is here. True: they were.
pub fn verify(file: &Path, folder: &Path, toolchain: Option<&Toolchain>) -> Result<bool, ToolError> {
    let there = std::fs::read(file).map_err(ToolError::file(file))?;
    let Some(origin) = component::origin(&there, file)? else {
        return Err(ToolError::component(
            file,
            "it does not say of what it was built; `medley plugin build` makes those that do",
        ));
    };
    let project = Project::named(&origin.package, folder)?;
    let krate =
        project.folder().strip_prefix(&project.workspace).unwrap_or_else(|_| project.folder()).to_owned();
    let differs =
        |why: &str| ToolError::Differs { path: file.to_owned(), why: why.to_owned(), krate: krate.clone() };
    if project.sources != origin.sources {
        return Err(differs("the sources have changed since it was built"));
    }
    let Some(toolchain) = toolchain.filter(|toolchain| toolchain.name == origin.compiler) else {
        return Ok(false);
    };
    let built = project.build(toolchain)?;
    if built.component != there {
        return Err(differs("the same sources and compiler make other bytes"));
    }
    Ok(true)
}

/// SHA-256 over what goes into a plugin, in an order of its own.
fn sources(used: &[&Package]) -> Result<String, ToolError> {
    let mut parts = BTreeSet::new();
    for package in used {
        let Some(folder) = package.manifest_path.parent().filter(|_| package.source.is_none()) else {
            parts.insert(format!(
                "{} {} {}",
                package.name,
                package.version,
                package.source.as_deref().unwrap_or("")
            ));
            continue;
        };
        let mut files = vec![package.manifest_path.clone()];
        rust_files(&folder.join("src"), &mut files)?;
        let build = folder.join("build.rs");
        files.extend(build.exists().then_some(build));
        for file in files {
            let text = std::fs::read(&file).map_err(ToolError::file(&file))?;
            let name = file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().replace('\\', "/");
            parts.insert(format!("{}/{name} {}", package.name, hex::encode(Sha256::digest(text))));
        }
    }
    for (name, text) in WIT {
        parts.insert(format!("wit/{name} {}", hex::encode(Sha256::digest(text))));
    }
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update("\n");
    }
    Ok(hex::encode(hash.finalize()))
}

/// Everything in a source folder, whatever it is: `include_bytes!` may want it.
fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), ToolError> {
    for entry in std::fs::read_dir(folder).map_err(ToolError::file(folder))? {
        let path = entry.map_err(ToolError::file(folder))?.path();
        if path.is_dir() {
            rust_files(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn cargo_program() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

fn cargo_home() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))
}

/// Of `cargo metadata`.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    source: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

/// A line of `cargo build --message-format json`.
#[derive(Deserialize)]
struct Artifact {
    manifest_path: PathBuf,
    filenames: Vec<PathBuf>,
}

impl Metadata {
    fn read(manifest: &Path) -> Result<Self, ToolError> {
        let program = cargo_program();
        let mut cargo = Command::new(&program);
        cargo
            .args(["metadata", "--format-version", "1", "--filter-platform", TARGET])
            .arg("--manifest-path")
            .arg(manifest);
        let output = cargo.stderr(Stdio::inherit()).output();
        let output = output.map_err(|source| ToolError::Run { program: program.clone(), source })?;
        if !output.status.success() {
            return Err(ToolError::Failed { program: "cargo metadata".into(), status: output.status });
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|error| ToolError::Answer { program: "cargo metadata", why: error.to_string() })
    }

    /// A package and all that it is built of, tests left out.
    fn used_by(&self, id: &str) -> Vec<&Package> {
        let nodes: BTreeMap<&str, &Node> =
            self.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let mut seen = BTreeSet::from([id]);
        let mut next = vec![id];
        while let Some(id) = next.pop() {
            let dependencies = nodes.get(id).map_or(&[][..], |node| &node.deps);
            for dependency in dependencies {
                let built = dependency.dep_kinds.iter().any(|kind| kind.kind.as_deref() != Some("dev"));
                if built && seen.insert(&dependency.pkg) {
                    next.push(&dependency.pkg);
                }
            }
        }
        self.packages.iter().filter(|package| seen.contains(package.id.as_str())).collect()
    }
}
