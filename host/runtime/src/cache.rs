//! Compiled code on disk, so that a host that starts again does not compile every plugin again.
//!
//! Compiled code is run without any further check, so it may come only from where nobody else can write: the folder is made for this user
//! alone (0700), is opened once and used through that handle whatever its path comes to mean later, and is not used if somebody else owns it or
//! may enter it. An entry begins with the digest of the rest; a damaged one is compiled again.

use std::collections::hash_map::DefaultHasher;
use std::ffi::CString;
use std::fs::{DirBuilder, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, Mode, OFlags, fstat, openat, renameat, statat, unlinkat};
use rustix::process::geteuid;
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::unchecked::deserialize;

/// Largest entry that is read, in bytes.
const MAX_ENTRY: u64 = 512 << 20;
/// Entries that are kept; the oldest go.
const MAX_ENTRIES: usize = 128;
const MAGIC: &[u8; 8] = b"medley01";
const DIGEST: usize = 32;

/// The folder.
pub(crate) struct Cache {
    folder: OwnedFd,
    /// What tells code of another wasmtime, processor or configuration.
    engine: u64,
}

impl Cache {
    /// Makes or opens the folder; the error is a sentence about why it is not used.
    pub(crate) fn open(path: &Path, engine: &Engine) -> Result<Self, String> {
        let told = |error: io::Error| format!("{}: {error}", path.display());
        if let Err(error) = DirBuilder::new().recursive(true).mode(0o700).create(path) {
            return Err(told(error));
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| told(error.into()))?;
        let about = fstat(&folder).map_err(|error| told(error.into()))?;
        if about.st_uid != geteuid().as_raw() || about.st_mode & 0o077 != 0 {
            return Err(format!(
                "{}: others than this user may enter it (mode {:o}, owner {}), so compiled code is not kept there",
                path.display(),
                about.st_mode & 0o777,
                about.st_uid
            ));
        }
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { folder, engine: hasher.finish() })
    }

    /// The component with that digest, if it was compiled before and its entry is whole.
    pub(crate) fn get(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let code = self.read(&self.name(digest)).ok()??;
        deserialize(engine, &code).ok()
    }

    /// Keeps a component's code.
    pub(crate) fn put(&self, digest: &str, component: &Component) -> io::Result<()> {
        let code = component.serialize().map_err(|error| io::Error::other(error.to_string()))?;
        let name = self.name(digest);
        let fresh = format!("{name}.{}.new", std::process::id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let written = openat(&self.folder, &fresh, flags, Mode::RUSR | Mode::WUSR).map(File::from);
        let written = written.map_err(io::Error::from).and_then(|mut file| {
            file.write_all(MAGIC)?;
            file.write_all(&Sha256::digest(&code))?;
            file.write_all(&code)?;
            Ok(renameat(&self.folder, &fresh, &self.folder, &name)?)
        });
        if written.is_err() {
            // It may be there in part.
            let _ = unlinkat(&self.folder, &fresh, AtFlags::empty());
        }
        written?;
        self.prune()
    }

    fn name(&self, digest: &str) -> String {
        format!("{digest}-{:016x}", self.engine)
    }

    /// `None`: the entry is damaged.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let file =
            openat(&self.folder, name, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        let mut head = [0; MAGIC.len() + DIGEST];
        let mut code = Vec::new();
        let mut file = File::from(file);
        if file.read_exact(&mut head).is_err() {
            return Ok(None);
        }
        file.take(MAX_ENTRY).read_to_end(&mut code)?;
        let (magic, digest) = head.split_at(MAGIC.len());
        let whole = magic == MAGIC && Sha256::digest(&code).as_slice() == digest;
        Ok(whole.then_some(code))
    }

    /// Removes the oldest entries beyond the number that is kept.
    fn prune(&self) -> io::Result<()> {
        let mut entries: Vec<(i64, CString)> = Vec::new();
        for entry in Dir::read_from(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_owned();
            if name.to_bytes().starts_with(b".") {
                continue;
            }
            let about = statat(&self.folder, &name, AtFlags::SYMLINK_NOFOLLOW)?;
            entries.push((about.st_mtime, name));
        }
        entries.sort_unstable();
        let surplus = entries.len().saturating_sub(MAX_ENTRIES);
        for (_, name) in entries.iter().take(surplus) {
            unlinkat(&self.folder, name, AtFlags::empty())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const EMPTY: &str = "(component)";

    #[test]
    fn code_is_kept_and_a_damaged_entry_is_not_loaded() {
        let engine = Engine::default();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let cache = Cache::open(&path, &engine).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(cache.get(&engine, "d1").is_none());
        let component = Component::new(&engine, wat::parse_str(EMPTY).unwrap()).unwrap();
        cache.put("d1", &component).unwrap();
        assert!(cache.get(&engine, "d1").is_some());
        assert!(cache.get(&engine, "d2").is_none());

        let entry = fs::read_dir(&path).unwrap().next().unwrap().unwrap().path();
        let mut bytes = fs::read(&entry).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&entry, &bytes).unwrap();
        assert!(cache.get(&engine, "d1").is_none());
        fs::write(&entry, b"short").unwrap();
        assert!(cache.get(&engine, "d1").is_none());
        cache.put("d1", &component).unwrap();
        assert!(cache.get(&engine, "d1").is_some());
    }

    #[test]
    fn a_folder_that_others_may_enter_is_not_used() {
        let engine = Engine::default();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).unwrap();
        let refused = Cache::open(&path, &engine).err().unwrap();
        assert!(refused.contains("others than this user may enter it (mode 770"), "{refused}");
        let link = folder.path().join("link");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(Cache::open(&link, &engine).is_err());
    }

    #[test]
    fn the_oldest_entries_go() {
        let engine = Engine::default();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let cache = Cache::open(&path, &engine).unwrap();
        for number in 0..MAX_ENTRIES + 5 {
            fs::write(path.join(format!("{number:03}")), "").unwrap();
        }
        cache.prune().unwrap();
        assert_eq!(fs::read_dir(&path).unwrap().count(), MAX_ENTRIES);
    }
}
