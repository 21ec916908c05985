//! Databases that must not be opened: damaged, newer, busy. Each is refused with its path and left byte for byte.

// Helpers of tests assert by unwrapping, as the tests themselves do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, its helpers too")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use medley_store::{
    Account, Accounts, Batch, Database, Engine, NewAccount, SledEngine, SledOptions, StatsUpdate, Store,
    StoreError, Text, TitleId, Tree, limits,
};

fn options() -> SledOptions {
    SledOptions { cache_bytes: 8 * 1024 * 1024, ..SledOptions::default() }
}

fn title() -> TitleId {
    TitleId::new("ratchet-uya").unwrap()
}

/// A database of `count` accounts with stats, closed.
fn filled(folder: &Path, count: i32) -> (PathBuf, Vec<Account>) {
    let path = folder.join("db");
    let store = Database::open(&path, &options()).unwrap();
    let mut pending = Vec::new();
    for number in 0..count {
        let name = Text(format!("player{number}").into_bytes());
        let new = NewAccount { name, password: None, created: i64::from(number) };
        pending.push(store.create_account(&title(), &new).unwrap());
    }
    let accounts: Vec<Account> = pending.into_iter().map(|pending| pending.wait().unwrap()).collect();
    for account in &accounts {
        let wide =
            StatsUpdate::Wide(Box::new([account.id.get().wrapping_mul(7_777_777); limits::WIDE_STATS]));
        drop(store.update_stats(&title(), account.id, &[wide]).unwrap());
    }
    store.flush().unwrap();
    drop(store);
    (path, accounts)
}

fn files(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap().path();
        if entry.is_dir() {
            found.extend(files(&entry));
        } else {
            found.insert(entry.clone(), fs::read(&entry).unwrap());
        }
    }
    found
}

/// Waits until nobody holds the database (sled lets go a moment after the drop), by the means of a host: opening it.
fn settle(path: &Path) {
    drop(Database::open(path, &options()).unwrap());
    let file = fs::File::open(path.join("db")).unwrap();
    file.lock().unwrap();
}

fn refused(path: &Path) -> StoreError {
    let before = files(path);
    let Err(error) = Database::open(path, &options()) else { panic!("opened") };
    assert!(files(path) == before, "the database was changed: {error}");
    error
}

fn assert_damaged(path: &Path) {
    let error = refused(path);
    let text = error.to_string();
    assert!(matches!(&error, StoreError::Damaged { path: found, .. } if found == path), "{text}");
    assert!(text.contains(&path.display().to_string()) && text.contains("medley import"), "{text}");
    assert!(!text.contains("/check"), "names the copy: {text}");
}

#[test]
fn an_undamaged_database_opens_again_with_everything() {
    let folder = tempfile::tempdir().unwrap();
    let (path, accounts) = filled(folder.path(), 500);
    let store = Database::open(&path, &options()).unwrap();
    for account in &accounts {
        assert_eq!(store.account(&title(), account.id).unwrap().as_ref(), Some(account));
        let stats = store.stats(&title(), account.id).unwrap().unwrap();
        assert_eq!(stats.wide[99], account.id.get().wrapping_mul(7_777_777));
    }
    assert!(!path.join("check").exists());
}

#[test]
fn a_database_file_of_garbage_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = filled(folder.path(), 100);
    settle(&path);
    let length = fs::metadata(path.join("db")).unwrap().len() as usize;
    fs::write(path.join("db"), vec![0xa5; length]).unwrap();
    assert_damaged(&path);
}

#[test]
fn a_database_file_of_zeros_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = filled(folder.path(), 100);
    settle(&path);
    let length = fs::metadata(path.join("db")).unwrap().len() as usize;
    fs::write(path.join("db"), vec![0; length]).unwrap();
    assert_damaged(&path);
}

#[test]
fn an_empty_database_file_is_refused_when_writes_were_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = filled(folder.path(), 100);
    settle(&path);
    fs::write(path.join("db"), b"").unwrap();
    assert_damaged(&path);
}

#[test]
fn a_database_file_cut_short_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = filled(folder.path(), 2000);
    settle(&path);
    let bytes = fs::read(path.join("db")).unwrap();
    // The tail of the log is preallocated: cut inside what is used.
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    fs::write(path.join("db"), &bytes[..used / 2]).unwrap();
    assert_damaged(&path);
}

/// A flipped bit either hits something alive (then: refused, untouched) or something dead (then: opened, and all is there).
/// Never a third thing.
#[test]
fn a_flipped_bit_is_refused_or_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let (path, accounts) = filled(folder.path(), 300);
    settle(&path);
    let good = files(&path);
    let bytes = good[&path.join("db")].clone();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let mut refusals = 0;
    for step in 0..24 {
        let at = used * step / 24 + 31;
        let work = folder.path().join(format!("flip{step}"));
        fs::create_dir_all(work.join("blobs")).unwrap();
        for (name, content) in &good {
            fs::write(work.join(name.strip_prefix(&path).unwrap()), content).unwrap();
        }
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        fs::write(work.join("db"), &flipped).unwrap();
        let before = files(&work);
        match Database::open(&work, &options()) {
            Err(error) => {
                assert!(matches!(error, StoreError::Damaged { .. }), "byte {at}: {error}");
                assert!(files(&work) == before, "byte {at}: the database was changed: {error}");
                refusals += 1;
            }
            Ok(store) => {
                for account in &accounts {
                    let found = store.account(&title(), account.id).unwrap();
                    assert_eq!(found.as_ref(), Some(account), "byte {at}");
                    let stats = store.stats(&title(), account.id).unwrap().unwrap();
                    assert_eq!(stats.wide[5], account.id.get().wrapping_mul(7_777_777), "byte {at}");
                }
            }
        }
    }
    assert!(refusals > 0, "no flip hit anything alive");
}

#[test]
fn a_newer_schema_is_refused_and_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = filled(folder.path(), 3);
    let engine = SledEngine::open(&path, &options()).unwrap();
    let mut batch = Batch::new();
    batch.insert((Tree::Meta, b"schema".to_vec()), Some(99_u32.to_be_bytes().to_vec()));
    engine.commit(&batch).unwrap();
    engine.sync().unwrap();
    drop(engine);
    let Err(error) = Database::open(&path, &options()) else { panic!("opened") };
    assert!(matches!(error, StoreError::NewerSchema { found: 99, supported: 1, .. }), "{error}");
    // Still as its own version left it.
    let engine = SledEngine::open(&path, &options()).unwrap();
    assert_eq!(engine.get(Tree::Meta, b"schema").unwrap(), Some(99_u32.to_be_bytes().to_vec()));
    assert_eq!(engine.scan(Tree::Accounts, b"", None, false).count(), 3);
}

#[test]
fn a_database_in_use_is_refused_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let _owner = Database::open(&path, &options()).unwrap();
    let impatient = SledOptions { lock_wait: Duration::ZERO, ..options() };
    let Err(error) = Database::open(&path, &impatient) else { panic!("opened") };
    assert!(matches!(&error, StoreError::Locked { path: found } if *found == path), "{error}");
}
