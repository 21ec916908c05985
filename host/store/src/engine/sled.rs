//! The embedded default: sled 0.34.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use ::sled::transaction::{ConflictableTransactionError, TransactionError, Transactional};

use super::{Batch, Engine, Pair, Tree, scan_range};
use crate::error::{Result, StoreError};

/// How sled is set up.
#[derive(Debug, Clone)]
pub struct SledOptions {
    /// Page cache in bytes. It holds what is warm; everything else is read from disk again.
    pub cache_bytes: u64,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self { cache_bytes: 64 * 1024 * 1024 }
    }
}

/// A sled database in a folder.
pub struct SledEngine {
    path: PathBuf,
    db: ::sled::Db,
    /// In the order of [`Tree::ALL`].
    trees: Vec<::sled::Tree>,
}

impl std::fmt::Debug for SledEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SledEngine").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SledEngine {
    /// Opens or creates the database in `path`.
    pub fn open(path: &Path, options: &SledOptions) -> Result<Self> {
        // The store flushes each durable write itself: sled's timer would only add work.
        let config =
            ::sled::Config::new().path(path).cache_capacity(options.cache_bytes).flush_every_ms(None);
        // sled 0.34 panics on some kinds of damage instead of saying so.
        let opened = std::panic::catch_unwind(AssertUnwindSafe(|| -> Result<_, ::sled::Error> {
            let db = config.open()?;
            let trees =
                Tree::ALL.iter().map(|tree| db.open_tree(tree.name())).collect::<Result<Vec<_>, _>>()?;
            Ok((db, trees))
        }));
        match opened {
            Ok(Ok((db, trees))) => Ok(Self { path: path.to_owned(), db, trees }),
            Ok(Err(error)) => Err(open_error(path, error)),
            Err(panic) => Err(StoreError::Damaged { path: path.to_owned(), detail: panic_text(&*panic) }),
        }
    }

    fn tree(&self, tree: Tree) -> Result<&::sled::Tree> {
        // `trees` is made from `Tree::ALL`, whose order is that of the declaration.
        self.trees.get(tree as usize).ok_or_else(|| self.error(tree.name(), &"no such tree"))
    }

    fn error(&self, tree: &'static str, error: &dyn std::fmt::Display) -> StoreError {
        StoreError::Engine { path: self.path.clone(), tree, detail: error.to_string() }
    }
}

fn open_error(path: &Path, error: ::sled::Error) -> StoreError {
    let path = path.to_owned();
    match error {
        ::sled::Error::Io(error) => {
            let detail = error.to_string();
            if detail.contains("could not acquire lock") {
                StoreError::Locked { path }
            } else {
                StoreError::Io { action: "open the database in", path, detail }
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
        self.db.flush().map(|_| ()).map_err(|error| self.error("*", &error))
    }

    fn is_durable(&self) -> bool {
        true
    }
}
