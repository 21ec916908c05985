//! The crate that `medley plugin new` makes.

use std::path::{Path, PathBuf};

use crate::ToolError;

/// Where a new plugin gets the SDK from.
#[derive(Clone, Debug)]
pub(crate) enum Sdk {
    /// Medley's repository.
    Repository,
    /// A folder with Medley's sources.
    Folder(PathBuf),
}

impl Sdk {
    /// The SDK in this folder of Medley's sources.
    pub(crate) fn folder(sources: &Path) -> Result<Self, ToolError> {
        let sdk = sources.join("plugins/sdk");
        let sdk = sdk.canonicalize().map_err(ToolError::file(&sdk))?;
        Ok(Self::Folder(sdk))
    }

    fn dependency(&self) -> String {
        match self {
            Self::Repository => format!("{{ git = \"{}\" }}", env!("CARGO_PKG_REPOSITORY")),
            Self::Folder(sdk) => format!("{{ path = {:?} }}", sdk.display().to_string()),
        }
    }
}

/// What the template calls the crate, and its attribute's arguments: they are replaced.
const CRATE: &str = "title_plugin";
const ARGUMENTS: &str = "settings = Rules";

/// The template. As it stands, it is compiled and run by a test.
const FILES: [(&str, &str); 4] = [
    ("Cargo.toml", include_str!("../template/Cargo.toml.in")),
    ("src/lib.rs", include_str!("../template/lib.rs")),
    ("tests/plugin.rs", include_str!("../template/plugin_test.rs")),
    (".gitignore", "/target\n/plugin.wasm\n"),
];

/// Writes the crate into a new folder.
pub(crate) fn write(folder: &Path, name: &str, apps: &[u32], sdk: &Sdk) -> Result<(), ToolError> {
    let name =
        Path::new(name).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let legal = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !legal {
        return Err(ToolError::Name(name));
    }
    if folder.exists() {
        return Err(ToolError::Exists(folder.to_owned()));
    }
    let krate = name.replace('-', "_");
    let arguments = match apps {
        [] => ARGUMENTS.to_owned(),
        apps => format!("{ARGUMENTS}, app_ids = {apps:?}"),
    };
    for (file, text) in FILES {
        let path = folder.join(file);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(ToolError::file(parent))?;
        let text = text
            .replace("{{name}}", &name)
            .replace(CRATE, &krate)
            .replace(ARGUMENTS, &arguments)
            .replace("{{sdk}}", &sdk.dependency());
        std::fs::write(&path, text).map_err(ToolError::file(&path))?;
    }
    Ok(())
}
