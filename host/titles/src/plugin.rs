//! Where a title's plugin and its assets are, on disk or in the program, and reading them.
//!
//! A folder on disk goes before what is built in: `games/<title>/plugin.wasm` alone, with no `game.toml`, gives a built-in
//! title a plugin.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::check::plugin_path;
use crate::title::PluginConfig;

/// Bytes of a component at most; those of the shipped plugins are below one million.
pub const MAX_PLUGIN_BYTES: u64 = 16 << 20;
/// Bytes of all assets of a title together.
pub const MAX_ASSET_BYTES: u64 = 64 << 20;
/// Assets of a title.
pub const MAX_ASSETS: usize = 4096;
/// What is looked for where `plugin.file` is empty.
pub const PLUGIN_FILE: &str = "plugin.wasm";
/// Folder of the assets beside `game.toml`.
pub const ASSETS: &str = "assets";

/// A file that is built into the program: its path below `games`, and its bytes.
pub(crate) type BuiltInFile = (&'static str, &'static [u8]);

/// Where the bytes of a plugin are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PluginFile {
    /// A file of the games folder.
    Disk(PathBuf),
    /// Built in, by its path below `games`.
    BuiltIn(&'static str),
}

/// Why a plugin or its assets cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PluginFileError {
    /// The system's reason.
    #[error("{file}: {error}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        error: std::io::Error,
    },
    /// Above the limit.
    #[error("{file}: has more than {limit} bytes, the most that is taken")]
    TooLarge {
        /// The file, or the folder of assets.
        file: String,
        /// Bytes.
        limit: u64,
    },
    /// Above the limit.
    #[error("{folder}: holds more than {limit} files, the most that is taken")]
    TooMany {
        /// The folder of assets.
        folder: String,
        /// Files.
        limit: usize,
    },
}

impl std::fmt::Display for PluginFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Disk(path) => write!(f, "{}", path.display()),
            Self::BuiltIn(path) => write!(f, "built-in/{path}"),
        }
    }
}

impl PluginFile {
    /// Finds the plugin that a title's configuration means. `None`: it has none, or does not use it.
    ///
    /// A file that is named and is not there is found all the same, so that reading it says so.
    pub(crate) fn find(
        config: &PluginConfig,
        id: &str,
        games_dir: Option<&Path>,
        built_in: &[BuiltInFile],
    ) -> Option<Self> {
        if !config.enabled {
            return None;
        }
        let named = (!config.file.is_empty()).then_some(config.file.as_str());
        let (folder, file) = plugin_path(named.unwrap_or(PLUGIN_FILE))?;
        let below = format!("{}/{file}", folder.unwrap_or(id));
        let on_disk = games_dir.map(|dir| dir.join(&below));
        if let Some(path) = on_disk.as_ref().filter(|path| path.is_file()) {
            return Some(Self::Disk(path.clone()));
        }
        if let Some((path, _)) = built_in.iter().find(|(path, _)| *path == below) {
            return Some(Self::BuiltIn(path));
        }
        named.and(on_disk).map(Self::Disk)
    }

    /// Reads it. Blocks.
    ///
    /// # Errors
    /// It is not there, may not be read, or is larger than [`MAX_PLUGIN_BYTES`].
    pub fn read(&self) -> Result<Vec<u8>, PluginFileError> {
        match self {
            Self::Disk(path) => read_bounded(path, MAX_PLUGIN_BYTES),
            Self::BuiltIn(wanted) => Ok(crate::set::BUILT_IN_FILES
                .iter()
                .find(|(path, _)| path == wanted)
                .map(|(_, bytes)| bytes.to_vec())
                .unwrap_or_default()),
        }
    }
}

/// Reads the assets of the title `id`, by their paths inside of its folder `assets`. Blocks.
///
/// # Errors
/// One cannot be read, there are more than [`MAX_ASSETS`], or they have more than [`MAX_ASSET_BYTES`] together.
pub fn read_assets(id: &str, games_dir: Option<&Path>) -> Result<BTreeMap<String, Vec<u8>>, PluginFileError> {
    let mut found = BTreeMap::new();
    if let Some(folder) = games_dir.map(|dir| dir.join(id).join(ASSETS)).filter(|folder| folder.is_dir()) {
        let mut left = MAX_ASSET_BYTES;
        read_folder(&folder, &folder, &mut left, &mut found)?;
        return Ok(found);
    }
    let prefix = format!("{id}/{ASSETS}/");
    for (path, bytes) in crate::set::BUILT_IN_FILES {
        if let Some(name) = path.strip_prefix(&prefix) {
            found.insert(name.to_owned(), bytes.to_vec());
        }
    }
    Ok(found)
}

fn read_folder(
    root: &Path,
    folder: &Path,
    left: &mut u64,
    found: &mut BTreeMap<String, Vec<u8>>,
) -> Result<(), PluginFileError> {
    let unreadable = |path: &Path| {
        let file = path.display().to_string();
        move |error| PluginFileError::Unreadable { file, error }
    };
    for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
        let entry = entry.map_err(unreadable(folder))?;
        let path = entry.path();
        // Links are not followed: an asset is a file of the folder.
        let kind = entry.file_type().map_err(unreadable(&path))?;
        if kind.is_dir() {
            read_folder(root, &path, left, found)?;
            continue;
        }
        let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str).filter(|_| kind.is_file())
        else {
            continue;
        };
        if found.len() >= MAX_ASSETS {
            return Err(PluginFileError::TooMany { folder: root.display().to_string(), limit: MAX_ASSETS });
        }
        let bytes = read_bounded(&path, *left).map_err(|error| match error {
            PluginFileError::TooLarge { .. } => {
                PluginFileError::TooLarge { file: root.display().to_string(), limit: MAX_ASSET_BYTES }
            }
            error => error,
        })?;
        *left = left.saturating_sub(bytes.len() as u64);
        found.insert(name.to_owned(), bytes);
    }
    Ok(())
}

fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, PluginFileError> {
    let unreadable = |error| PluginFileError::Unreadable { file: path.display().to_string(), error };
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(PluginFileError::TooLarge { file: path.display().to_string(), limit });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILT_IN: &[BuiltInFile] = &[("uya/plugin.wasm", b"old"), ("shared/one.wasm", b"shared")];

    fn config(file: &str) -> PluginConfig {
        PluginConfig { file: file.to_owned(), ..PluginConfig::default() }
    }

    #[test]
    fn a_file_on_disk_goes_before_the_one_built_in() {
        let dir = tempfile::tempdir().unwrap();
        let find = |config: &PluginConfig, id| PluginFile::find(config, id, Some(dir.path()), BUILT_IN);
        assert_eq!(find(&config(""), "uya"), Some(PluginFile::BuiltIn("uya/plugin.wasm")));
        assert_eq!(find(&config(""), "other"), None);
        std::fs::create_dir(dir.path().join("uya")).unwrap();
        let file = dir.path().join("uya/plugin.wasm");
        std::fs::write(&file, "new").unwrap();
        let found = find(&config(""), "uya").unwrap();
        assert_eq!(found, PluginFile::Disk(file));
        assert_eq!(found.read().unwrap(), b"new");
        assert_eq!(find(&PluginConfig { enabled: false, ..config("") }, "uya"), None);
    }

    #[test]
    fn a_plugin_may_lie_in_the_folder_of_another_title_and_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let find = |file| PluginFile::find(&config(file), "mine", Some(dir.path()), BUILT_IN);
        assert_eq!(find("../shared/one.wasm"), Some(PluginFile::BuiltIn("shared/one.wasm")));
        for outside in ["../../etc/passwd", "/etc/passwd", "../one.wasm", "a/../../b", "a\\b"] {
            assert_eq!(find(outside), None, "{outside}");
        }
        // Named and missing: told when it is read.
        let missing = find("gone.wasm").unwrap();
        let error = missing.read().unwrap_err().to_string();
        assert!(error.ends_with("mine/gone.wasm: No such file or directory (os error 2)"), "{error}");
    }

    #[test]
    fn assets_are_named_by_their_path_in_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("mine/assets/maps")).unwrap();
        std::fs::write(dir.path().join("mine/assets/maps/one.bin"), [1, 2]).unwrap();
        std::fs::write(dir.path().join("mine/assets/readme"), "hi").unwrap();
        let assets = read_assets("mine", Some(dir.path())).unwrap();
        let assets: Vec<_> = assets.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        assert_eq!(assets, [("maps/one.bin", &[1, 2][..]), ("readme", b"hi")]);
        assert!(read_assets("other", Some(dir.path())).unwrap().is_empty());
    }
}
