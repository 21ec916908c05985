//! An engine that keeps everything in memory, for tests and for hosts that shall forget.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use super::{Batch, Engine, KeyRange, Pair, Tree, scan_range};
use crate::error::Result;

/// Rows fetched per lock of a scan.
const CHUNK: usize = 64;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Ordered maps behind a lock. Its data ends with the process.
#[derive(Debug, Default)]
pub struct MemoryEngine {
    trees: RwLock<BTreeMap<Tree, Rows>>,
}

impl MemoryEngine {
    fn chunk(&self, tree: Tree, prefix: &[u8], after: Option<&[u8]>, reverse: bool) -> Vec<Pair> {
        let Some(range) = scan_range(prefix, after, reverse) else { return Vec::new() };
        let trees = self.trees.read().unwrap_or_else(PoisonError::into_inner);
        let Some(rows) = trees.get(&tree) else { return Vec::new() };
        let rows = rows.range::<Vec<u8>, KeyRange>(range);
        let own = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        if reverse { rows.rev().take(CHUNK).map(own).collect() } else { rows.take(CHUNK).map(own).collect() }
    }
}

impl Engine for MemoryEngine {
    fn path(&self) -> &Path {
        Path::new("")
    }

    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let trees = self.trees.read().unwrap_or_else(PoisonError::into_inner);
        Ok(trees.get(&tree).and_then(|rows| rows.get(key)).cloned())
    }

    fn scan(
        &self,
        tree: Tree,
        prefix: &[u8],
        after: Option<&[u8]>,
        reverse: bool,
    ) -> Box<dyn Iterator<Item = Result<Pair>> + '_> {
        let prefix = prefix.to_vec();
        let mut after = after.map(<[u8]>::to_vec);
        let mut chunk = Vec::new().into_iter();
        Box::new(std::iter::from_fn(move || {
            let pair: Pair = match chunk.next() {
                Some(pair) => pair,
                None => {
                    chunk = self.chunk(tree, &prefix, after.as_deref(), reverse).into_iter();
                    chunk.next()?
                }
            };
            after = Some(pair.0.clone());
            Some(Ok(pair))
        }))
    }

    fn commit(&self, batch: &Batch) -> Result<()> {
        let mut trees = self.trees.write().unwrap_or_else(PoisonError::into_inner);
        for ((tree, key), value) in batch {
            let rows = trees.entry(*tree).or_default();
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn set_watermark(&self, _generation: u64) -> Result<()> {
        Ok(())
    }

    fn watermark(&self) -> Result<Option<u64>> {
        Ok(None)
    }

    fn is_durable(&self) -> bool {
        false
    }
}
