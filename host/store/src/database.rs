//! [`Database`]: the store's rules on top of any [`Engine`]. Opening, schema, migrations, counters, atomic writes.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::bans::BanIndex;
use crate::codec;
use crate::commit::{Committer, NOTED_WITHIN, Pending, lock};
use crate::engine::{Batch, Engine, MemoryEngine, Pair, SledEngine, SledOptions, Tree};
use crate::error::{Result, StoreError};
use crate::ladders::LadderIndexes;
use crate::login_notes::{LoginNotes, MAX_NOTES};
use crate::types::{Account, AccountId, LoginRecord, TitleId};

/// Key of the schema version in [`Tree::Meta`].
const SCHEMA_KEY: &[u8] = b"schema";

/// Key of the number of the last write in [`Tree::Meta`].
const GENERATION_KEY: &[u8] = b"generation";

/// Logins written in one step. Writers wait for a step, a millisecond or two.
const NOTES_PORTION: usize = 128;

/// Number of the last write that the database knows.
pub(crate) fn generation<E: Engine>(engine: &E) -> Result<u64> {
    let Some(bytes) = engine.get(Tree::Meta, GENERATION_KEY)? else { return Ok(0) };
    <[u8; 8]>::try_from(bytes.as_slice()).map(u64::from_be_bytes).map_err(|_| StoreError::Damaged {
        path: engine.path().to_owned(),
        detail: format!("the number of the last write is {} bytes long instead of 8", bytes.len()),
    })
}

/// One step from a schema to the next: reads the old records, writes the new ones. Its writes and the new schema number
/// become durable together, or not at all; they are held in memory until then.
pub type Migration = fn(&mut Transaction<'_>) -> Result<()>;

/// What schema a database is brought to: entry `i` leads from schema `i + 1` to `i + 2`.
pub(crate) const MIGRATIONS: &[Migration] = &[];

/// Schema that this version writes.
pub const SCHEMA: u32 = schema_after(MIGRATIONS);

const fn schema_after(migrations: &[Migration]) -> u32 {
    migrations.len() as u32 + 1
}

/// The store on an engine. Use it through [`Store`](crate::Store).
///
/// Writers take turns (a lock around "read, decide, commit", microseconds), so operations may read what they depend on
/// without transactions of their own; the wait for the disk is outside that lock.
pub struct Database<E: Engine> {
    core: Arc<Core<E>>,
    /// `None`: the engine keeps nothing anyway. Its thread holds the core too, until this is dropped.
    committer: Option<Committer>,
}

/// What the callers' threads and the flush thread share.
struct Core<E> {
    engine: E,
    writer: Mutex<()>,
    /// Number of the last write that was applied.
    generation: AtomicU64,
    ladders: LadderIndexes,
    bans: BanIndex,
    logins: LoginNotes,
}

impl Database<MemoryEngine> {
    /// An empty store that ends with the process.
    pub fn in_memory() -> Result<Self> {
        Self::with_engine(MemoryEngine::default())
    }
}

impl Database<SledEngine> {
    /// Opens or creates the database in a folder. A damaged, newer or busy one is refused and left as it is.
    pub fn open(path: &Path, options: &SledOptions) -> Result<Self> {
        Self::with_engine(SledEngine::open(path, options)?)
    }
}

impl<E: Engine> Database<E> {
    /// The store on an engine of one's own.
    pub fn with_engine(engine: E) -> Result<Self> {
        Self::with_migrations(engine, MIGRATIONS)
    }

    pub(crate) fn with_migrations(engine: E, migrations: &[Migration]) -> Result<Self> {
        migrate(&engine, migrations)?;
        let core = Arc::new(Core {
            generation: AtomicU64::new(generation(&engine)?),
            bans: BanIndex::of(&engine)?,
            engine,
            writer: Mutex::new(()),
            ladders: LadderIndexes::default(),
            logins: LoginNotes::default(),
        });
        let committer = if core.engine.is_durable() {
            let text = |error: StoreError| Arc::from(error.to_string());
            let (notes, flushed) = (Arc::clone(&core), Arc::clone(&core));
            let write_notes = move || notes.write_notes().map_err(text);
            let flush = move || flushed.flush().map_err(text);
            let committer = Committer::start(write_notes, flush).map_err(|error| StoreError::Io {
                action: "start the flush thread for",
                path: core.engine.path().to_owned(),
                detail: error.to_string(),
            })?;
            Some(committer)
        } else {
            None
        };
        let database = Self { core, committer };
        database.sweep_uploads()?;
        Ok(database)
    }

    pub(crate) fn engine(&self) -> &E {
        &self.core.engine
    }

    pub(crate) fn ladders(&self) -> &LadderIndexes {
        &self.core.ladders
    }

    pub(crate) fn ban_index(&self) -> &BanIndex {
        &self.core.bans
    }

    /// Logins that are not in their records yet.
    pub(crate) fn login_notes(&self) -> &LoginNotes {
        &self.core.logins
    }

    /// Writes what was noted. For whoever reads records past [`Database::login_notes`].
    pub(crate) fn write_notes(&self) -> Result<()> {
        self.core.write_notes()
    }

    /// Keeps writers out while `f` runs, for a consistent view over several reads.
    pub(crate) fn frozen<T>(&self, f: impl FnOnce(&E) -> T) -> T {
        let _turn = lock(&self.core.writer);
        f(&self.core.engine)
    }

    /// Runs one atomic step. Nothing is written if `f` refuses.
    pub(crate) fn write<T>(&self, f: impl FnOnce(&mut Transaction<'_>) -> Result<T>) -> Result<Pending<T>> {
        let (value, applied) = self.core.apply(f)?;
        let batch = if applied { self.committer.as_ref().map(Committer::join) } else { None };
        Ok(Pending::new(value, batch))
    }

    /// Notes a login of the account with this key in its tree: readers see it, the flush thread writes it.
    pub(crate) fn note_login(&self, key: Vec<u8>, login: &LoginRecord) -> Result<()> {
        let waiting = self.core.logins.add(key, login.clone());
        if waiting >= MAX_NOTES || self.committer.is_none() {
            self.core.write_notes()?;
        }
        if let Some(committer) = &self.committer {
            committer.later(NOTED_WITHIN);
        }
        Ok(())
    }

    pub(crate) fn get<T: serde::de::DeserializeOwned>(&self, tree: Tree, key: &[u8]) -> Result<Option<T>> {
        let Some(bytes) = self.engine().get(tree, key)? else { return Ok(None) };
        codec::decode(tree, key, &bytes).map(Some)
    }
}

impl<E: Engine> Core<E> {
    /// Applies one atomic step; says whether it wrote anything.
    fn apply<T>(&self, f: impl FnOnce(&mut Transaction<'_>) -> Result<T>) -> Result<(T, bool)> {
        let _turn = lock(&self.writer);
        let mut transaction = Transaction { engine: &self.engine, batch: Batch::new() };
        let value = f(&mut transaction)?;
        if transaction.batch.is_empty() {
            return Ok((value, false));
        }
        // Under the writer's lock, so nobody else counts.
        let next = self.generation.load(Ordering::Relaxed).wrapping_add(1);
        transaction.put_raw(Tree::Meta, GENERATION_KEY, next.to_be_bytes().to_vec());
        self.engine.commit(&transaction.batch)?;
        self.ladders.committed(&transaction.batch);
        self.bans.committed(&transaction.batch);
        self.generation.store(next, Ordering::Release);
        Ok((value, true))
    }

    /// Writes the logins that wait, in portions.
    fn write_notes(&self) -> Result<()> {
        // Those that come meanwhile are not waited for: there is no end to them on a busy host.
        let mut left = self.logins.len();
        while left > 0 {
            let notes = self.logins.some(left.min(NOTES_PORTION));
            if notes.is_empty() {
                return Ok(());
            }
            self.apply(|tx| {
                for (key, login) in &notes {
                    match tx.get::<Account>(Tree::Accounts, key) {
                        Ok(Some(mut account)) => {
                            account.note_login(login);
                            tx.put(Tree::Accounts, key, &account)?;
                        }
                        // Deleted meanwhile.
                        Ok(None) => {}
                        // One damaged record must not keep the others' logins from being written.
                        Err(error @ StoreError::Record { .. }) => {
                            tracing::error!(%error, "the login of an account is lost");
                        }
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            })?;
            self.logins.written(&notes);
            left = left.saturating_sub(notes.len());
        }
        Ok(())
    }

    /// Makes everything durable that was applied before, and notes how far that is. For the flush thread alone.
    fn flush(&self) -> Result<()> {
        let covered = self.generation.load(Ordering::Acquire);
        self.engine.sync().and_then(|()| self.engine.set_watermark(covered))
    }
}

fn migrate<E: Engine>(engine: &E, migrations: &[Migration]) -> Result<()> {
    let supported = schema_after(migrations);
    let found = match engine.get(Tree::Meta, SCHEMA_KEY)? {
        Some(bytes) => {
            let bytes = <[u8; 4]>::try_from(bytes.as_slice()).map_err(|_| StoreError::Damaged {
                path: engine.path().to_owned(),
                detail: format!("the schema number is {} bytes long instead of 4", bytes.len()),
            })?;
            u32::from_be_bytes(bytes)
        }
        None => {
            for tree in Tree::ALL {
                if engine.scan(*tree, b"", None, false).next().is_some() {
                    return Err(StoreError::Damaged {
                        path: engine.path().to_owned(),
                        detail: format!(
                            "tree `{}` has records, but the schema number is missing",
                            tree.name()
                        ),
                    });
                }
            }
            let mut batch = Batch::new();
            batch.insert((Tree::Meta, SCHEMA_KEY.to_vec()), Some(supported.to_be_bytes().to_vec()));
            engine.commit(&batch)?;
            return engine.sync();
        }
    };
    if found > supported {
        return Err(StoreError::NewerSchema { path: engine.path().to_owned(), supported, found });
    }
    let Some(first) = found.checked_sub(1) else {
        return Err(StoreError::Damaged {
            path: engine.path().to_owned(),
            detail: "the schema number is 0, the first one is 1".to_owned(),
        });
    };
    for (index, migration) in migrations.iter().enumerate().skip(first as usize) {
        let from = index as u32 + 1;
        let mut transaction = Transaction { engine, batch: Batch::new() };
        migration(&mut transaction).map_err(|error| StoreError::Migration {
            from,
            to: from + 1,
            detail: error.to_string(),
        })?;
        transaction.put_raw(Tree::Meta, SCHEMA_KEY, (from + 1).to_be_bytes().to_vec());
        engine.commit(&transaction.batch)?;
        engine.sync()?;
        tracing::info!(from, to = from + 1, path = %engine.path().display(), "migrated the database");
    }
    Ok(())
}

/// One atomic step in the making: reads see the step's own writes.
pub struct Transaction<'e> {
    engine: &'e dyn Engine,
    batch: Batch,
}

impl Transaction<'_> {
    /// One value as bytes.
    pub fn get_raw(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.batch.get(&(tree, key.to_vec())) {
            Some(value) => Ok(value.clone()),
            None => self.engine.get(tree, key),
        }
    }

    /// Sets a value.
    pub fn put_raw(&mut self, tree: Tree, key: &[u8], value: Vec<u8>) {
        self.batch.insert((tree, key.to_vec()), Some(value));
    }

    /// Removes a value.
    pub fn remove(&mut self, tree: Tree, key: &[u8]) {
        self.batch.insert((tree, key.to_vec()), None);
    }

    /// Pairs whose keys begin with `prefix` as they were before this step, ascending.
    pub fn scan_before(&self, tree: Tree, prefix: &[u8]) -> Box<dyn Iterator<Item = Result<Pair>> + '_> {
        self.engine.scan(tree, prefix, None, false)
    }

    pub(crate) fn get<T: serde::de::DeserializeOwned>(&self, tree: Tree, key: &[u8]) -> Result<Option<T>> {
        let Some(bytes) = self.get_raw(tree, key)? else { return Ok(None) };
        codec::decode(tree, key, &bytes).map(Some)
    }

    pub(crate) fn put<T: serde::Serialize>(&mut self, tree: Tree, key: &[u8], value: &T) -> Result<()> {
        let bytes = codec::encode(tree, key, value)?;
        self.put_raw(tree, key, bytes);
        Ok(())
    }

    pub(crate) fn contains(&self, tree: Tree, key: &[u8]) -> Result<bool> {
        Ok(self.get_raw(tree, key)?.is_some())
    }

    /// Gives the next number of a counter, from 1 to `i32::MAX` (ids go on the wire as 32 signed bits).
    pub(crate) fn next_number(&mut self, counter: &'static str) -> Result<u32> {
        let last: u32 = self.get(Tree::Counters, counter.as_bytes())?.unwrap_or(0);
        if last >= i32::MAX as u32 {
            return Err(StoreError::LimitReached {
                what: "the numbers",
                owner: counter.to_owned(),
                max: i32::MAX as usize,
            });
        }
        let next = last + 1;
        self.put(Tree::Counters, counter.as_bytes(), &next)?;
        Ok(next)
    }
}

/// Counters by name. Names are stored: never change one.
pub(crate) mod counter {
    pub(crate) const ACCOUNT: &str = "account";
    pub(crate) const ANNOUNCEMENT: &str = "announcement";
    pub(crate) const BAN: &str = "ban";
    pub(crate) const CLAN: &str = "clan";
    pub(crate) const CLAN_CHALLENGE: &str = "clan_challenge";
    pub(crate) const CLAN_INVITATION: &str = "clan_invitation";
    pub(crate) const CLAN_MESSAGE: &str = "clan_message";
    pub(crate) const FILE: &str = "file";
    pub(crate) const FILE_CONTENT: &str = "file_content";
    pub(crate) const GAME: &str = "game";
}

/// Keys. A title is its text and a NUL (which no title contains); numbers are big-endian, so that byte order is their order.
pub(crate) mod key {
    use super::{AccountId, TitleId};

    pub(crate) fn title(title: &TitleId) -> Vec<u8> {
        let mut key = title.as_str().as_bytes().to_vec();
        key.push(0);
        key
    }

    pub(crate) fn numbered(scope: &TitleId, number: u32) -> Vec<u8> {
        let mut key = title(scope);
        key.extend_from_slice(&number.to_be_bytes());
        key
    }

    pub(crate) fn account(title: &TitleId, id: AccountId) -> Vec<u8> {
        numbered(title, id.get().unsigned_abs())
    }

    pub(crate) fn pair(title: &TitleId, a: AccountId, b: AccountId) -> Vec<u8> {
        let mut key = account(title, a);
        key.extend_from_slice(&b.get().to_be_bytes());
        key
    }

    /// The last four bytes of a key as a number.
    pub(crate) fn last_number(key: &[u8]) -> Option<u32> {
        key.last_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes))
    }

    pub(crate) fn last_account(key: &[u8]) -> Option<AccountId> {
        last_number(key).and_then(|number| i32::try_from(number).ok()).and_then(AccountId::new)
    }

    /// The title at the start of a key, and what follows.
    pub(crate) fn split_title(key: &[u8]) -> Option<(TitleId, &[u8])> {
        let end = key.iter().position(|byte| *byte == 0)?;
        let text = std::str::from_utf8(key.get(..end)?).ok()?;
        Some((TitleId::new(text).ok()?, key.get(end + 1..)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traits::Accounts;
    use crate::types::{NewAccount, Text};

    fn title() -> TitleId {
        TitleId::new("socom").unwrap()
    }

    /// Schema 1 -> 2: texts in capitals.
    fn shout(tx: &mut Transaction<'_>) -> Result<()> {
        let rows: Vec<_> = tx.scan_before(Tree::Policies, b"").collect::<Result<_>>()?;
        for (key, value) in rows {
            tx.put_raw(Tree::Policies, &key, value.to_ascii_uppercase());
        }
        Ok(())
    }

    /// Schema 2 -> 3: from one tree to another.
    fn move_over(tx: &mut Transaction<'_>) -> Result<()> {
        let rows: Vec<_> = tx.scan_before(Tree::Policies, b"").collect::<Result<_>>()?;
        for (key, value) in rows {
            tx.remove(Tree::Policies, &key);
            tx.put_raw(Tree::PluginData, &key, value);
        }
        Ok(())
    }

    fn fail(tx: &mut Transaction<'_>) -> Result<()> {
        tx.remove(Tree::PluginData, b"k");
        Err(StoreError::Closed)
    }

    /// A database as a host of schema 1 left it.
    fn fixture(path: &Path) {
        let engine = SledEngine::open(path, &SledOptions::default()).unwrap();
        let mut batch = Batch::new();
        batch.insert((Tree::Meta, b"schema".to_vec()), Some(vec![0, 0, 0, 1]));
        batch.insert((Tree::Policies, b"k".to_vec()), Some(b"text".to_vec()));
        engine.commit(&batch).unwrap();
        engine.sync().unwrap();
    }

    fn open(path: &Path, migrations: &[Migration]) -> Result<Database<SledEngine>> {
        Database::with_migrations(SledEngine::open(path, &SledOptions::default())?, migrations)
    }

    fn schema(store: &Database<SledEngine>) -> Option<Vec<u8>> {
        store.engine().get(Tree::Meta, SCHEMA_KEY).unwrap()
    }

    #[test]
    fn an_older_database_is_brought_up_step_by_step_once() {
        let folder = tempfile::tempdir().unwrap();
        fixture(folder.path());
        for _ in 0..2 {
            let store = open(folder.path(), &[shout, move_over]).unwrap();
            assert_eq!(schema(&store), Some(vec![0, 0, 0, 3]));
            assert_eq!(store.engine().get(Tree::Policies, b"k").unwrap(), None);
            assert_eq!(store.engine().get(Tree::PluginData, b"k").unwrap(), Some(b"TEXT".to_vec()));
        }
    }

    #[test]
    fn a_migration_that_fails_leaves_the_schema_before_it() {
        let folder = tempfile::tempdir().unwrap();
        fixture(folder.path());
        let Err(error) = open(folder.path(), &[shout, move_over, fail]) else { panic!("opened") };
        assert!(matches!(error, StoreError::Migration { from: 3, to: 4, .. }), "{error}");
        let store = open(folder.path(), &[shout, move_over]).unwrap();
        assert_eq!(store.engine().get(Tree::PluginData, b"k").unwrap(), Some(b"TEXT".to_vec()));
        drop(store);
        // An older host refuses what the newer one wrote.
        let Err(error) = open(folder.path(), &[shout]) else { panic!("opened") };
        assert!(matches!(error, StoreError::NewerSchema { supported: 2, found: 3, .. }), "{error}");
    }

    #[test]
    fn a_database_whose_records_have_no_schema_is_damaged() {
        let engine = MemoryEngine::default();
        let batch = Batch::from([((Tree::Games, b"k".to_vec()), Some(b"v".to_vec()))]);
        engine.commit(&batch).unwrap();
        let Err(error) = Database::with_engine(engine) else { panic!("opened") };
        assert!(matches!(&error, StoreError::Damaged { detail, .. } if detail.contains("games")), "{error}");
    }

    #[test]
    fn a_refused_step_writes_nothing() {
        let store = Database::in_memory().unwrap();
        let refused = store.write(|tx| {
            tx.put_raw(Tree::Policies, b"k", b"v".to_vec());
            Err::<(), _>(StoreError::Closed)
        });
        assert!(matches!(refused, Err(StoreError::Closed)));
        assert_eq!(store.engine().get(Tree::Policies, b"k").unwrap(), None);
    }

    #[test]
    fn numbers_end_at_the_largest_that_the_wire_carries() {
        let store = Database::in_memory().unwrap();
        let last = i32::MAX as u32;
        let set = |value: u32| {
            store.write(|tx| tx.put(Tree::Counters, b"account", &value)).unwrap().wait().unwrap()
        };
        let create = |name: &str| {
            let new = NewAccount { name: Text::from(name), password: None, created: 0 };
            store.create_account(&title(), &new).map(|pending| pending.wait().unwrap().id.get())
        };
        set(last - 1);
        assert_eq!(create("a").unwrap(), i32::MAX);
        assert!(matches!(create("b"), Err(StoreError::LimitReached { .. })));
        set(u32::MAX);
        assert!(matches!(create("c"), Err(StoreError::LimitReached { .. })));
    }

    #[test]
    fn a_damaged_record_is_an_error_that_names_tree_and_key() {
        let store = Database::in_memory().unwrap();
        let new = NewAccount { name: Text::from("a"), password: None, created: 0 };
        let id = store.create_account(&title(), &new).unwrap().wait().unwrap().id;
        for garbage in
            [vec![], vec![1], vec![2, 0, 0], vec![1, 0xff, 0xff, 0xff, 0xff, 0x0f], vec![0xff; 300]]
        {
            drop(store.write(|tx| {
                tx.put_raw(Tree::Accounts, &key::account(&title(), id), garbage.clone());
                Ok(())
            }));
            let error = store.account(&title(), id).unwrap_err();
            let text = error.to_string();
            assert!(text.contains("`accounts`") && text.contains("736f636f6d0000000001"), "{text}");
            assert!(!error.is_refusal());
        }
    }
}
