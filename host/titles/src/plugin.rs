//! Where a title's plugin and its assets are, on disk or in the program.
//!
//! A folder on disk goes before what is built in: `games/<title>/plugin.wasm` alone, with no `game.toml`, gives a built-in
//! title a plugin.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::check::plugin_path;
use crate::title::PluginConfig;

/// Bytes of a component at most; those of the shipped plugins are below one million.
pub const MAX_PLUGIN_BYTES: u64 = 16 << 20;
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

/// Why a plugin cannot be read.
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
        /// The file.
        file: String,
        /// Bytes.
        limit: u64,
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

/// Where the assets of a title are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TitleAssets {
    /// A folder on disk; it need not be there.
    Folder(PathBuf),
    /// Built in: paths inside of the folder, and bytes.
    BuiltIn(Vec<(&'static str, &'static [u8])>),
}

/// Finds the assets of the title `id`: the folder on disk, else what is built in.
pub(crate) fn find_assets(id: &str, games_dir: Option<&Path>, built_in: &[BuiltInFile]) -> TitleAssets {
    if let Some(folder) = games_dir.map(|dir| dir.join(id).join(ASSETS)).filter(|folder| folder.is_dir()) {
        return TitleAssets::Folder(folder);
    }
    let prefix = format!("{id}/{ASSETS}/");
    let files = built_in.iter().filter_map(|(path, bytes)| Some((path.strip_prefix(&prefix)?, *bytes)));
    TitleAssets::BuiltIn(files.collect())
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
    fn assets_on_disk_go_before_those_built_in() {
        let dir = tempfile::tempdir().unwrap();
        let built_in: &[BuiltInFile] = &[("mine/assets/maps/one.bin", &[1, 2]), ("mine/plugin.wasm", b"")];
        let found = find_assets("mine", Some(dir.path()), built_in);
        assert_eq!(found, TitleAssets::BuiltIn(vec![("maps/one.bin", &[1, 2])]));
        let folder = dir.path().join("mine/assets");
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(find_assets("mine", Some(dir.path()), built_in), TitleAssets::Folder(folder));
    }
}
