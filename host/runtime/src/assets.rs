//! The folder `assets` beside `game.toml`: read whole when a plugin is loaded, so that a host call never waits for the disk.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most files in the folder.
pub const MAX_ASSETS: usize = 1024;
/// Largest single file, in bytes.
pub const MAX_ASSET_SIZE: u64 = 16 << 20;
/// Most bytes of all files together.
pub const MAX_ASSETS_SIZE: u64 = 64 << 20;
/// How many folders a file may be down in.
const MAX_DEPTH: usize = 8;

/// A plugin's files by name; a name has `/` where the file is in a folder of the folder.
#[derive(Clone, Debug, Default)]
pub struct Assets(Arc<BTreeMap<String, Vec<u8>>>);

impl Assets {
    /// Reads a folder; none there is the same as an empty one. Links are not followed.
    pub fn read(folder: &Path) -> Result<Self, AssetError> {
        let mut reader = Reader { files: BTreeMap::new(), size: 0 };
        match fs::symlink_metadata(folder) {
            Ok(_) => reader.folder(folder, "", 0)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(AssetError::Io { path: folder.to_owned(), error }),
        }
        Ok(Self(Arc::new(reader.files)))
    }

    /// A file's bytes.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromIterator<(String, Vec<u8>)> for Assets {
    fn from_iter<I: IntoIterator<Item = (String, Vec<u8>)>>(files: I) -> Self {
        Self(Arc::new(files.into_iter().collect()))
    }
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssetError {
    /// The system says no.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Too many files.
    #[error("{}: more than {MAX_ASSETS} files", path.display())]
    TooMany {
        /// The file that is one too many.
        path: PathBuf,
    },
    /// Too large a file, or all together.
    #[error("{}: larger than {MAX_ASSET_SIZE} bytes, or all files together than {MAX_ASSETS_SIZE}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A link, a device, a name that is not UTF-8, or too many folders down.
    #[error("{}: only files and folders with UTF-8 names, {MAX_DEPTH} deep at most, can be assets", path.display())]
    Kind {
        /// What it is.
        path: PathBuf,
    },
}

struct Reader {
    files: BTreeMap<String, Vec<u8>>,
    size: u64,
}

impl Reader {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), AssetError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |error| AssetError::Io { path, error }
        };
        for entry in fs::read_dir(folder).map_err(io(folder))? {
            let entry = entry.map_err(io(folder))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(io(&path))?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|_| depth < MAX_DEPTH) else {
                return Err(AssetError::Kind { path });
            };
            if kind.is_dir() {
                self.folder(&path, &format!("{prefix}{name}/"), depth + 1)?;
            } else if kind.is_file() {
                self.file(&path, format!("{prefix}{name}"))?;
            } else {
                return Err(AssetError::Kind { path });
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, name: String) -> Result<(), AssetError> {
        if self.files.len() >= MAX_ASSETS {
            return Err(AssetError::TooMany { path: path.to_owned() });
        }
        let room = MAX_ASSET_SIZE.min(MAX_ASSETS_SIZE - self.size);
        let mut bytes = Vec::new();
        // One byte more than there is room tells a file that is too large, also one that grows meanwhile.
        fs::File::open(path)
            .and_then(|file| file.take(room + 1).read_to_end(&mut bytes))
            .map_err(|error| AssetError::Io { path: path.to_owned(), error })?;
        let size = bytes.len() as u64;
        if size > room {
            return Err(AssetError::TooLarge { path: path.to_owned() });
        }
        self.size += size;
        self.files.insert(name, bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_with_their_folders_and_no_folder_is_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Assets::read(&folder.path().join("none")).unwrap().names().count(), 0);
        fs::create_dir(folder.path().join("maps")).unwrap();
        fs::write(folder.path().join("maps/1.bin"), [1, 2]).unwrap();
        fs::write(folder.path().join("words"), "a\nb").unwrap();
        let assets = Assets::read(folder.path()).unwrap();
        assert_eq!(assets.names().collect::<Vec<_>>(), ["maps/1.bin", "words"]);
        assert_eq!(assets.get("maps/1.bin"), Some(&[1, 2][..]));
        assert_eq!(assets.get("../words"), None);
    }

    #[test]
    fn links_and_files_beyond_the_bounds_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        assert!(matches!(Assets::read(folder.path()), Err(AssetError::Kind { .. })));
        fs::remove_file(folder.path().join("link")).unwrap();
        let large = fs::File::create(folder.path().join("large")).unwrap();
        large.set_len(MAX_ASSET_SIZE + 1).unwrap();
        assert!(matches!(Assets::read(folder.path()), Err(AssetError::TooLarge { .. })));
        fs::remove_file(folder.path().join("large")).unwrap();
        for number in 0..=MAX_ASSETS {
            fs::write(folder.path().join(number.to_string()), "").unwrap();
        }
        assert!(matches!(Assets::read(folder.path()), Err(AssetError::TooMany { .. })));
    }
}
