//! `kill -9` at random moments under load: what was acknowledged is there afterwards, and nothing is half there.
//!
//! The parent starts itself as a child that writes from several threads and prints a line before (`try`) and after
//! (`ack`) every operation, kills it, opens the database and compares. All rounds share one database, so that later
//! rounds recover what earlier ones left. 20 rounds; `MEDLEY_KILL_ROUNDS=200` for more, `MEDLEY_KILL_SEED` to repeat.
//!
//! It proves that acknowledged writes have left the process. That they survive a power cut rests on the fdatasync in
//! `SledEngine::sync` and on the disk.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use medley_store::{
    Account, AccountId, Accounts, Database, FilePermissions, FileSpace, FileUsage, FileUser, Files, ListKind,
    NewAccount, NewFile, Page, PluginData, PluginScope, SledEngine, SledOptions, Social, StatsUpdate, Text,
    TitleId, limits,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

const CHILD_PATH: &str = "MEDLEY_KILL_CHILD_PATH";
const CHILD_SEED: &str = "MEDLEY_KILL_CHILD_SEED";
const THREADS: u64 = 8;
const PLUGIN_KEY: &[u8] = b"state";
const PLUGIN_WORDS: usize = 12_000;
/// Three chunks.
const FILE_WORDS: usize = 20_000;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn title() -> TitleId {
    TitleId::new("kill-test").expect("a legal key")
}

fn open(path: &Path) -> Result<Database<SledEngine>, Failure> {
    Ok(Database::open(path, &SledOptions { cache_bytes: 8 * 1024 * 1024, ..SledOptions::default() })?)
}

fn main() -> ExitCode {
    let outcome = match std::env::var_os(CHILD_PATH) {
        Some(path) => child(Path::new(&path)),
        None => parent(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn below(rng: &mut ChaCha8Rng, bound: u64) -> u64 {
    rng.next_u64() % bound
}

// ---- the child ----

fn child(path: &Path) -> Result<(), Failure> {
    let seed: u64 = std::env::var(CHILD_SEED)?.parse()?;
    let store = Arc::new(open(path)?);
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let store = Arc::clone(&store);
            std::thread::spawn(move || write_for_ever(&store, seed, thread))
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| "a writer panicked")??;
    }
    Ok(())
}

fn say(line: &str) -> Result<(), Failure> {
    // One write per line: lines of several threads do not mix, and nothing waits in a buffer.
    std::io::stdout().lock().write_all(format!("{line}\n").as_bytes())?;
    Ok(())
}

fn write_for_ever(store: &Database<SledEngine>, seed: u64, thread: u64) -> Result<(), Failure> {
    let title = title();
    let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_add(thread));
    let mut own: Vec<(AccountId, String)> = Vec::new();
    let mut stats: i32 = 0;
    for step in 0_u64.. {
        let pick = |rng: &mut ChaCha8Rng, own: &[(AccountId, String)]| {
            own.get(below(rng, own.len() as u64) as usize).cloned().ok_or("no account")
        };
        if own.len() < 3 || below(&mut rng, 8) == 0 {
            let name = format!("S{seed:x}-{thread}-{step}");
            say(&format!("{thread} try create 0 {name}"))?;
            let new = NewAccount { name: Text::from(name.as_str()), password: None, created: step as i64 };
            let account = store.create_account(&title, &new)?.wait()?;
            say(&format!("{thread} ack create {} {name}", account.id))?;
            own.push((account.id, name));
            continue;
        }
        let ((a, name), (b, _)) = (pick(&mut rng, &own)?, pick(&mut rng, &own)?);
        match below(&mut rng, 20) {
            0 if own.len() > 4 => {
                own.retain(|(id, _)| *id != a);
                say(&format!("{thread} try delete {a} {name}"))?;
                store.delete_account(&title, a)?.wait()?;
                say(&format!("{thread} ack delete {a} {name}"))?;
            }
            // Long enough that sled keeps it in a file of its own.
            1 => {
                stats += 1;
                let value = stats.to_le_bytes().repeat(PLUGIN_WORDS);
                say(&format!("{thread} try plugin {a} {stats}"))?;
                store.plugin_set(&title, PluginScope::Account(a), PLUGIN_KEY, &value)?.wait()?;
                say(&format!("{thread} ack plugin {a} {stats}"))?;
            }
            2 => {
                stats += 1;
                say(&format!("{thread} try file {a} {stats}"))?;
                upload(store, a, stats)?;
                say(&format!("{thread} ack file {a} {stats}"))?;
            }
            3..=9 => {
                stats += 1;
                let updates = [
                    StatsUpdate::Wide(Box::new([stats; limits::WIDE_STATS])),
                    StatsUpdate::Ladder([stats; limits::LADDER_STATS]),
                ];
                say(&format!("{thread} try stats {a} {stats}"))?;
                store.update_stats(&title, a, &updates)?.wait()?;
                say(&format!("{thread} ack stats {a} {stats}"))?;
            }
            10..=13 if a != b => {
                say(&format!("{thread} try buddies {a} {b}"))?;
                store.add_mutual_buddies(&title, a, b, 1)?.wait()?;
                say(&format!("{thread} ack buddies {a} {b}"))?;
            }
            _ if a != b => {
                let listed = store.is_listed(&title, ListKind::Ignored, a, b)?;
                let what = if listed { "heed" } else { "ignore" };
                say(&format!("{thread} try {what} {a} {b}"))?;
                if listed {
                    store.remove_from_list(&title, ListKind::Ignored, a, b)?.wait()?;
                } else {
                    store.add_to_list(&title, ListKind::Ignored, a, b, 1)?.wait()?;
                }
                say(&format!("{thread} ack {what} {a} {b}"))?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn file_name(owner: AccountId) -> String {
    format!("of {owner}")
}

/// Replaces the account's file, chunk by chunk; makes it first, if need be.
fn upload(store: &Database<SledEngine>, owner: AccountId, word: i32) -> Result<(), Failure> {
    let name = file_name(owner);
    let file = match store.file_by_name(&title(), name.as_bytes())? {
        Some(file) => file,
        None => {
            let new = NewFile {
                name: Text::from(name.as_str()),
                owner: Some(owner),
                group: 0,
                permissions: FilePermissions::default(),
                size: 0,
                description: Vec::new(),
                streamable: 0,
                data_rate: 0,
                created: 0,
            };
            store.create_file(&title(), &new, &FileSpace::UNBOUNDED)?.wait()?
        }
    };
    let content = word.to_le_bytes().repeat(FILE_WORDS);
    let by = FileUser::Account(owner);
    let upload = store
        .begin_upload(&title(), by, file.id, u32::try_from(content.len())?, &FileSpace::UNBOUNDED)?
        .wait()?;
    for (index, chunk) in (0..).zip(content.chunks(limits::FILE_CHUNK as usize)) {
        store.upload_chunk(&title(), upload, index, chunk)?;
    }
    store.finish_upload(&title(), upload, 1)?.wait()?;
    Ok(())
}

// ---- the parent ----

/// What must be there.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Expected {
    name: String,
    stats: i32,
    plugin: i32,
    file: i32,
    buddies: BTreeSet<i32>,
    ignored: BTreeSet<i32>,
}

#[derive(Default)]
struct Ledger {
    accounts: BTreeMap<i32, Expected>,
    deleted: BTreeMap<i32, String>,
    /// Acknowledged operations, by kind.
    acknowledged: BTreeMap<String, u64>,
}

impl Ledger {
    fn acknowledge(&mut self, what: &str, id: i32, rest: &str) -> Result<(), Failure> {
        *self.acknowledged.entry(what.to_owned()).or_default() += 1;
        let entry = self.accounts.entry(id).or_default();
        match what {
            "create" => entry.name = rest.to_owned(),
            "plugin" => entry.plugin = rest.parse()?,
            "stats" => entry.stats = rest.parse()?,
            "file" => entry.file = rest.parse()?,
            "ignore" => {
                entry.ignored.insert(rest.parse()?);
            }
            "heed" => {
                entry.ignored.remove(&rest.parse()?);
            }
            "buddies" => {
                let other = rest.parse()?;
                entry.buddies.insert(other);
                self.accounts.entry(other).or_default().buddies.insert(id);
            }
            "delete" => {
                self.accounts.remove(&id);
                self.deleted.insert(id, rest.to_owned());
                for entry in self.accounts.values_mut() {
                    entry.buddies.remove(&id);
                    entry.ignored.remove(&id);
                }
            }
            other => return Err(format!("unknown operation `{other}`").into()),
        }
        Ok(())
    }

    /// An operation that was begun and not acknowledged may have happened or not, in full: what it touches is taken as
    /// found (the invariants are checked all the same).
    fn settle(&mut self, store: &Database<SledEngine>, ids: &BTreeSet<i32>) -> Result<(), Failure> {
        for id in ids {
            if !self.accounts.contains_key(id) {
                continue;
            }
            match store.account(&title(), account_id(*id)?)? {
                Some(account) => {
                    let found = read(store, &account)?;
                    self.accounts.insert(*id, found);
                }
                None => {
                    if let Some(gone) = self.accounts.remove(id) {
                        self.deleted.insert(*id, gone.name);
                    }
                    for entry in self.accounts.values_mut() {
                        entry.buddies.remove(id);
                        entry.ignored.remove(id);
                    }
                }
            }
        }
        Ok(())
    }
}

fn account_id(id: i32) -> Result<AccountId, Failure> {
    Ok(AccountId::new(id).ok_or("an id below 1")?)
}

fn read(store: &Database<SledEngine>, account: &Account) -> Result<Expected, Failure> {
    let stats = store.stats(&title(), account.id)?.ok_or("an account without stats")?;
    let first = stats.wide[0];
    if stats.wide != [first; limits::WIDE_STATS] || stats.ladder != [first; limits::LADDER_STATS] {
        return Err(format!("stats of {} are half written: {stats:?}", account.id).into());
    }
    let plugin = match store.plugin_get(&title(), PluginScope::Account(account.id), PLUGIN_KEY)? {
        Some(value) => {
            let first = *value.first_chunk::<4>().ok_or("an empty value")?;
            if value != first.repeat(PLUGIN_WORDS) {
                return Err(format!("plugin data of {} is half written", account.id).into());
            }
            i32::from_le_bytes(first)
        }
        None => 0,
    };
    let file = match store.file_by_name(&title(), file_name(account.id).as_bytes())? {
        Some(file) if file.size > 0 => {
            let mut content = Vec::new();
            for index in 0..file.chunks() {
                content.extend(store.file_chunk(&title(), &file, index)?);
            }
            let first = *content.first_chunk::<4>().ok_or("an empty file")?;
            if content != first.repeat(FILE_WORDS) {
                return Err(format!("the file of {} is half written", account.id).into());
            }
            i32::from_le_bytes(first)
        }
        _ => 0,
    };
    let list = |kind| -> Result<BTreeSet<i32>, Failure> {
        Ok(store.list(&title(), kind, account.id)?.iter().map(|row| row.id.get()).collect())
    };
    Ok(Expected {
        name: account.name.to_string(),
        stats: first,
        plugin,
        file,
        buddies: list(ListKind::Buddies)?,
        ignored: list(ListKind::Ignored)?,
    })
}

fn check(store: &Database<SledEngine>, ledger: &Ledger, from: i32) -> Result<u64, Failure> {
    let mut checked = 0;
    for (id, expected) in ledger.accounts.range(from..) {
        let account = store.account(&title(), account_id(*id)?)?;
        let account = account.ok_or_else(|| format!("account {id} was acknowledged and is gone"))?;
        let found = read(store, &account)?;
        if found != *expected {
            return Err(format!("account {id}: acknowledged {expected:?}, found {found:?}").into());
        }
        checked += 1;
    }
    for (id, name) in ledger.deleted.range(from..) {
        if store.account(&title(), account_id(*id)?)?.is_some()
            || store.account_by_name(&title(), name.as_bytes())?.is_some()
        {
            return Err(format!("account {id} ({name}) was deleted and is back").into());
        }
        checked += 1;
    }
    Ok(checked)
}

/// What must hold whatever was acknowledged.
fn check_whole(store: &Database<SledEngine>, from: i32) -> Result<(), Failure> {
    let title = title();
    let mut page = Page { after: AccountId::new(from - 1), limit: limits::PAGE };
    let mut seen = 0;
    loop {
        let accounts = store.accounts(&title, page)?;
        for account in &accounts {
            let by_name = store.account_by_name(&title, account.name.as_bytes())?;
            if by_name.as_ref() != Some(account) {
                return Err(format!("account {} without its name: {by_name:?}", account.id).into());
            }
            for buddy in store.list(&title, ListKind::Buddies, account.id)? {
                if !store.is_listed(&title, ListKind::Buddies, buddy.id, account.id)? {
                    return Err(format!("{} has buddy {} but not the reverse", account.id, buddy.id).into());
                }
            }
            seen += 1;
        }
        match accounts.last() {
            Some(last) => page.after = Some(last.id),
            None => break,
        }
    }
    let (mut taken, mut files) = (FileUsage::default(), Page::default());
    loop {
        let rows = store.files(&title, b"", files)?;
        let Some(last) = rows.last() else { break };
        files = Page { after: Some(last.name.clone()), ..Page::default() };
        for file in rows {
            taken.files += 1;
            taken.bytes += u64::from(file.size);
        }
    }
    let counted = store.file_usage(&title, None)?;
    if counted != taken {
        return Err(format!("the count says {counted:?}, the files take {taken:?}").into());
    }
    let count = store.account_count(&title)?;
    if from <= 1 && count != seen {
        return Err(format!("the count says {count} accounts, there are {seen}").into());
    }
    Ok(())
}

fn parent() -> Result<(), Failure> {
    let rounds: u64 = std::env::var("MEDLEY_KILL_ROUNDS").map_or(Ok(20), |rounds| rounds.parse())?;
    let seed: u64 =
        std::env::var("MEDLEY_KILL_SEED").map_or_else(|_| Ok(rand::random()), |seed| seed.parse())?;
    println!("kill: {rounds} rounds, MEDLEY_KILL_SEED={seed}");
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("db");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut ledger = Ledger::default();
    let mut checked = 0;
    for round in 1..=rounds {
        let (mut new, pending) = run_and_kill(&path, &mut rng, &mut ledger)
            .map_err(|error| format!("round {round} of seed {seed}: {error}"))?;
        let store = open(&path).map_err(|error| format!("round {round} of seed {seed}: {error}"))?;
        // The last round looks at everything, the others at what they wrote.
        if round == rounds {
            new = 1;
        }
        let outcome = ledger
            .settle(&store, &pending)
            .and_then(|()| check(&store, &ledger, new))
            .and_then(|count| check_whole(&store, new).map(|()| count));
        checked += outcome.map_err(|error| format!("round {round} of seed {seed}: {error}"))?;
    }
    let operations: u64 = ledger.acknowledged.values().sum();
    println!("kill: {rounds} rounds passed, {operations} acknowledged operations {:?}", ledger.acknowledged);
    println!("kill: {checked} accounts compared, {} at the end", ledger.accounts.len());
    Ok(())
}

/// One round; says from which account number on it may have written, and which accounts had an operation in flight.
fn run_and_kill(
    path: &Path,
    rng: &mut ChaCha8Rng,
    ledger: &mut Ledger,
) -> Result<(i32, BTreeSet<i32>), Failure> {
    let last = ledger.accounts.keys().chain(ledger.deleted.keys()).max().copied().unwrap_or(0);
    let mut child = Command::new(std::env::current_exe()?)
        .env(CHILD_PATH, path)
        .env(CHILD_SEED, rng.next_u64().to_string())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().ok_or("no output of the child")?;
    let child = Arc::new(Mutex::new(child));
    let kill = || child.lock().map_err(|_| "lock")?.kill().map_err(Failure::from);
    // One round in eight hits the opening of the database, whose moments have no line to count.
    let after_lines = if below(rng, 8) == 0 {
        std::thread::sleep(Duration::from_micros(below(rng, 40_000)));
        kill()?;
        u64::MAX
    } else {
        1 + below(rng, 1200)
    };
    let mut begun: HashMap<String, (String, i32, String)> = HashMap::new();
    let mut reader = BufReader::new(output);
    let mut line = String::new();
    for count in 1.. {
        line.clear();
        // A last line without its end was cut by the kill: the operation was not acknowledged.
        if reader.read_line(&mut line)? == 0 || !line.ends_with('\n') {
            break;
        }
        let mut words = line.trim_end().splitn(5, ' ');
        let mut word = || words.next().ok_or_else(|| format!("bad line `{line}`"));
        let (thread, step, what, id, rest) = (word()?, word()?, word()?, word()?.parse::<i32>()?, word()?);
        if step == "try" {
            begun.insert(thread.to_owned(), (what.to_owned(), id, rest.to_owned()));
        } else {
            begun.remove(thread);
            ledger.acknowledge(what, id, rest)?;
        }
        if count == after_lines {
            kill()?;
        }
    }
    let status = child.lock().map_err(|_| "lock")?.wait()?;
    if std::os::unix::process::ExitStatusExt::signal(&status) != Some(libc::SIGKILL) {
        return Err(format!("the child ended by itself: {status}").into());
    }
    let mut pending = BTreeSet::new();
    for (what, id, rest) in begun.into_values() {
        pending.insert(id);
        if matches!(what.as_str(), "buddies" | "ignore" | "heed") {
            pending.insert(rest.parse()?);
        }
        if what == "delete"
            && let Some(entry) = ledger.accounts.get(&id)
        {
            pending.extend(&entry.buddies);
        }
    }
    Ok((last + 1, pending))
}
