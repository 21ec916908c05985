//! The embedded default: sled 0.34.
//!
//! sled repairs while it opens: a log that does not read on is cut where it stops, in place and without a word. So a
//! database that is there is first opened as a copy, read from end to end and compared with the watermark, the number of
//! the last write known to be durable. Only if the copy is whole is the database itself opened.
//!
//! sled's flush is not durable by itself on Linux: `pagecache/iobuf.rs` of 0.34.7 calls `sync_file_range`, which reaches the
//! kernel's write-back but neither the disk's cache nor the file's length, and `blob_io.rs` syncs nothing for the long
//! values kept in files of their own. So
//! [`Engine::sync`] here follows it with an fdatasync of the log and of each new blob.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ::sled::transaction::{ConflictableTransactionError, TransactionError, Transactional};

use super::{Batch, Engine, Pair, Tree, scan_range};
use crate::commit::lock;
use crate::error::{Result, StoreError};

/// How sled is set up.
#[derive(Debug, Clone)]
pub struct SledOptions {
    /// Page cache in bytes. It holds what is warm; everything else is read from disk again.
    pub cache_bytes: u64,
    /// How long to wait for another owner to let go of the database. sled frees its lock a moment *after* it was dropped
    /// (its threads hold on to it; seen in 1 of 200 rounds of `tests/kill.rs`), and a host that is restarted may still be
    /// ending.
    pub lock_wait: Duration,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self { cache_bytes: 64 * 1024 * 1024, lock_wait: Duration::from_secs(10) }
    }
}

/// A sled database in a folder.
pub struct SledEngine {
    path: PathBuf,
    db: ::sled::Db,
    /// In the order of [`Tree::ALL`].
    trees: Vec<::sled::Tree>,
    watermark: File,
    /// The log once more, to sync it.
    log: File,
    /// Blobs that are on disk.
    synced_blobs: Mutex<HashSet<OsString>>,
}

impl std::fmt::Debug for SledEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SledEngine").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SledEngine {
    /// Opens or creates the database in `path`. A damaged one is refused and left as it is; so is one that another
    /// process has open.
    pub fn open(path: &Path, options: &SledOptions) -> Result<Self> {
        if path.join("db").exists() {
            inspect_copy(path, options)?;
        }
        Self::open_in_place(path, options)
    }

    fn open_in_place(path: &Path, options: &SledOptions) -> Result<Self> {
        // The store flushes each durable write itself: sled's timer would only add work.
        let config =
            ::sled::Config::new().path(path).cache_capacity(options.cache_bytes).flush_every_ms(None);
        let opened = catch(path, || {
            let db = config.open().map_err(|error| open_error(path, error))?;
            let trees = Tree::ALL.iter().map(|tree| db.open_tree(tree.name()));
            let trees = trees.collect::<Result<Vec<_>, _>>().map_err(|error| open_error(path, error))?;
            Ok((db, trees))
        });
        let (db, trees) = opened?;
        let watermark_path = path.join(WATERMARK);
        let watermark = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&watermark_path)
            .map_err(|error| StoreError::Io {
                action: "open",
                path: watermark_path,
                detail: error.to_string(),
            })?;
        let log_path = path.join("db");
        let log = File::open(&log_path).and_then(|log| {
            // The new files' names are part of what must last.
            sync_folder(path)?;
            Ok(log)
        });
        let log = log.map_err(|error| StoreError::Io {
            action: "open and sync",
            path: log_path,
            detail: error.to_string(),
        })?;
        Ok(Self { path: path.to_owned(), db, trees, watermark, log, synced_blobs: Mutex::default() })
    }

    /// Syncs the blobs that came since the last time. A blob is written once and never changed.
    fn sync_blobs(&self) -> std::io::Result<()> {
        let folder = self.path.join("blobs");
        let mut known = lock(&self.synced_blobs);
        let mut there = HashSet::new();
        let mut news = false;
        for entry in std::fs::read_dir(&folder)? {
            let name = entry?.file_name();
            if !known.contains(&name) {
                match File::open(folder.join(&name)).and_then(|file| file.sync_data()) {
                    // Collected meanwhile: nothing refers to it any more.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    done => done?,
                }
                news = true;
            }
            there.insert(name);
        }
        *known = there;
        if news { sync_folder(&folder) } else { Ok(()) }
    }

    /// Reads everything once.
    fn read_through(&self) -> Result<()> {
        for tree in Tree::ALL {
            for row in self.scan(*tree, b"", None, false) {
                row?;
            }
        }
        Ok(())
    }

    fn tree(&self, tree: Tree) -> Result<&::sled::Tree> {
        // `trees` is made from `Tree::ALL`, whose order is that of the declaration.
        self.trees.get(tree as usize).ok_or_else(|| self.error(tree.name(), &"no such tree"))
    }

    fn error(&self, tree: &'static str, error: &dyn std::fmt::Display) -> StoreError {
        StoreError::Engine { path: self.path.clone(), tree, detail: error.to_string() }
    }
}

/// File beside sled's own that holds the watermark: the number and its complement, both little-endian.
const WATERMARK: &str = "watermark";

/// Runs an operation of sled: version 0.34 panics on some kinds of damage instead of saying so.
fn catch<T>(path: &Path, f: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| {
        Err(StoreError::Damaged { path: path.to_owned(), detail: panic_text(&*panic) })
    })
}

/// Makes the names in a folder durable. Only Unix can, and needs to.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Opens a copy of the database and reads it through.
fn inspect_copy(path: &Path, options: &SledOptions) -> Result<()> {
    let io = |action: &'static str, path: &Path| {
        let path = path.to_owned();
        move |error: std::io::Error| StoreError::Io { action, path, detail: error.to_string() }
    };
    let file = path.join("db");
    // The lock that sled takes: nobody writes while the copy is made.
    let lock = File::open(&file).map_err(io("open", &file))?;
    let begun = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if begun.elapsed() < options.lock_wait => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(io("lock", &file)(error)),
        }
    }
    let copy = Scratch(path.join("check"));
    copy.remove().map_err(io("remove the folder", &copy.0))?;
    std::fs::create_dir(&copy.0).map_err(io("create the folder", &copy.0))?;
    copy_files(path, &copy.0).map_err(io("copy the database to", &copy.0))?;
    let damaged = |detail: String| StoreError::Damaged { path: path.to_owned(), detail };
    let outcome = catch(path, || {
        let engine = SledEngine::open_in_place(&copy.0, options)?;
        engine.read_through()?;
        if let Some(durable) = engine.watermark()? {
            let found = crate::database::generation(&engine)?;
            if found < durable {
                return Err(damaged(format!(
                    "write number {durable} was made durable, but the last one that can be read is number {found}"
                )));
            }
        }
        Ok(())
    });
    // Words about the copy's path would lead the reader astray.
    outcome.map_err(|error| match error {
        StoreError::Damaged { detail, .. } | StoreError::Engine { detail, .. } => damaged(detail),
        other => other,
    })
}

/// A folder that goes when this does.
struct Scratch(PathBuf);

impl Scratch {
    fn remove(&self) -> std::io::Result<()> {
        match std::fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            tracing::warn!(path = %self.0.display(), %error, "cannot remove the copy made for the check");
        }
    }
}

/// Copies the files of a database folder: those in it, and the blobs.
fn copy_files(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        } else if entry.file_name() == "blobs" {
            let blobs = to.join("blobs");
            std::fs::create_dir(&blobs)?;
            copy_files(&entry.path(), &blobs)?;
        }
    }
    Ok(())
}

fn open_error(path: &Path, error: ::sled::Error) -> StoreError {
    let path = path.to_owned();
    match error {
        ::sled::Error::Io(error) => {
            let detail = error.to_string();
            if detail.contains("could not acquire lock") {
                return StoreError::Locked { path };
            }
            match error.kind() {
                // What sled says of files that do not hold what they should.
                ErrorKind::InvalidData | ErrorKind::Other | ErrorKind::UnexpectedEof => {
                    StoreError::Damaged { path, detail }
                }
                _ => StoreError::Io { action: "open the database in", path, detail },
            }
        }
        ::sled::Error::Corruption { at, .. } => {
            StoreError::Damaged { path, detail: format!("corrupt data at {at:?}") }
        }
        other => StoreError::Damaged { path, detail: other.to_string() },
    }
}

pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the engine gave up: {}", text.unwrap_or("no reason given"))
}

impl Engine for SledEngine {
    fn path(&self) -> &Path {
        &self.path
    }

    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let found = self.tree(tree)?.get(key).map_err(|error| self.error(tree.name(), &error))?;
        Ok(found.map(|value| value.to_vec()))
    }

    fn scan(
        &self,
        tree: Tree,
        prefix: &[u8],
        after: Option<&[u8]>,
        reverse: bool,
    ) -> Box<dyn Iterator<Item = Result<Pair>> + '_> {
        let Some(range) = scan_range(prefix, after, reverse) else { return Box::new(std::iter::empty()) };
        let rows = match self.tree(tree) {
            Ok(tree) => tree.range(range),
            Err(error) => return Box::new(std::iter::once(Err(error))),
        };
        let own = move |row: ::sled::Result<(::sled::IVec, ::sled::IVec)>| {
            row.map(|(key, value)| (key.to_vec(), value.to_vec()))
                .map_err(|error| self.error(tree.name(), &error))
        };
        if reverse { Box::new(rows.rev().map(own)) } else { Box::new(rows.map(own)) }
    }

    fn commit(&self, batch: &Batch) -> Result<()> {
        let mut batches: Vec<(Tree, ::sled::Batch)> = Vec::new();
        for ((tree, key), value) in batch {
            // Keys of a batch come in the order of trees.
            if batches.last().is_none_or(|(last, _)| last != tree) {
                batches.push((*tree, ::sled::Batch::default()));
            }
            if let Some((_, batch)) = batches.last_mut() {
                match value {
                    Some(value) => batch.insert(key.as_slice(), value.as_slice()),
                    None => batch.remove(key.as_slice()),
                }
            }
        }
        let trees = batches.iter().map(|(tree, _)| self.tree(*tree)).collect::<Result<Vec<_>>>()?;
        let done = trees.as_slice().transaction(|views| {
            for (view, (_, batch)) in views.iter().zip(&batches) {
                view.apply_batch(batch)?;
            }
            Ok::<(), ConflictableTransactionError<std::convert::Infallible>>(())
        });
        match done {
            Ok(()) => Ok(()),
            Err(TransactionError::Storage(error)) => Err(self.error("*", &error)),
            Err(TransactionError::Abort(never)) => match never {},
        }
    }

    fn sync(&self) -> Result<()> {
        self.db.flush().map_err(|error| self.error("*", &error))?;
        self.sync_blobs().and_then(|()| self.log.sync_data()).map_err(|error| StoreError::Io {
            action: "sync",
            path: self.path.clone(),
            detail: error.to_string(),
        })
    }

    fn set_watermark(&self, generation: u64) -> Result<()> {
        let mut note = [0; 16];
        note[..8].copy_from_slice(&generation.to_le_bytes());
        note[8..].copy_from_slice(&(!generation).to_le_bytes());
        let mut file = &self.watermark;
        file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&note)).map_err(|error| StoreError::Io {
            action: "write",
            path: self.path.join(WATERMARK),
            detail: error.to_string(),
        })
    }

    fn watermark(&self) -> Result<Option<u64>> {
        let path = self.path.join(WATERMARK);
        let note = std::fs::read(&path).map_err(|error| StoreError::Io {
            action: "read",
            path,
            detail: error.to_string(),
        })?;
        // A note that is torn or missing says nothing.
        let numbers = note.split_first_chunk::<8>().and_then(|(number, rest)| {
            Some((u64::from_le_bytes(*number), u64::from_le_bytes(rest.try_into().ok()?)))
        });
        Ok(numbers.and_then(|(number, complement)| (number == !complement).then_some(number)))
    }

    fn is_durable(&self) -> bool {
        true
    }
}
