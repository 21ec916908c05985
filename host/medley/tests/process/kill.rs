//! `kill -9` of the whole host at random moments under load: every account, stat and buddy that was acknowledged over the
//! wire is there afterwards, and nothing is half there.
//!
//! All rounds share one data folder, so that later rounds recover what earlier ones left. 6 rounds;
//! `MEDLEY_KILL_ROUNDS=200` for more, `MEDLEY_KILL_SEED` to repeat the choices (not the timing).
//!
//! It proves that what is acknowledged has left the process; for power cuts see `host/store/tests/kill.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use medley_simulator::{Console, Dialect, Options};
use medley_store::{
    AccountId as StoredId, Accounts as _, Database, ListKind, SledEngine, SledOptions, Social as _, TitleId,
};
use medley_wire::enums::LadderType;
use medley_wire::messages::{
    AccountUpdateStatsRequest, AddToBuddyListRequest, GetLadderStatsWideRequest, PlayerInfoRequest,
    UpdateLadderStatsWideRequest,
};
use medley_wire::types::Blob;
use medley_wire::{AccountId, ClanId};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use std::net::SocketAddrV4;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::host::{Host, Place};

const TITLE: &str = "ratchet-deadlocked";
const CONSOLES: u64 = 6;
/// Longest wait for a round's load.
const PATIENCE: Duration = Duration::from_secs(60);

/// A number that an account has stored: the last that was acknowledged, and the last that was sent.
#[derive(Clone, Copy, Debug, Default)]
struct Written {
    acknowledged: u32,
    sent: u32,
}

/// What an acknowledged account must have.
#[derive(Debug, Default)]
struct Known {
    name: String,
    blob: Written,
    wide: Written,
    buddies: BTreeSet<i32>,
    asked_buddies: BTreeSet<i32>,
}

#[derive(Default)]
struct Ledger {
    accounts: Mutex<BTreeMap<i32, Known>>,
    acknowledged: AtomicU32,
}

impl Ledger {
    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<i32, Known>) -> T) -> T {
        work(&mut self.accounts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, id: i32, work: impl FnOnce(&mut Known)) {
        self.with(|accounts| work(accounts.entry(id).or_default()));
    }

    fn acknowledge(&self, id: i32, work: impl FnOnce(&mut Known)) {
        self.note(id, work);
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }
}

fn below(rng: &mut ChaCha8Rng, bound: u64) -> u64 {
    rng.next_u64() % bound
}

fn blob(number: u32) -> Result<[u8; 256]> {
    Ok(number.to_le_bytes().repeat(64).as_slice().try_into()?)
}

/// One console after the other: registers, logs in, writes; until the host is gone, which is an error.
async fn play(
    options: Options,
    mas: SocketAddrV4,
    names: String,
    seed: u64,
    ledger: Arc<Ledger>,
) -> Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for number in 0_u32.. {
        let name = format!("{names}-{number}");
        let mut console = Console::new(Arc::new(options.clone().seed(rng.next_u64())));
        console.begin_session(mas).await?;
        let id = console.register(&name, "secret").await?;
        ledger.acknowledge(id.0, |known| known.name.clone_from(&name));
        let answer = console.try_login(&name, "secret").await?;
        ensure!(answer.status_code.0 >= 0, "login of {name}: {:?}", answer.status_code);
        console.leave_lobby().await?;
        console.enter_lobby().await?;
        for _ in 0..3 + below(&mut rng, 10) {
            write(&mut console, id, &mut rng, &ledger).await?;
        }
        console.leave_lobby().await?;
    }
    Ok(())
}

async fn write(console: &mut Console, id: AccountId, rng: &mut ChaCha8Rng, ledger: &Ledger) -> Result<()> {
    let next = |known: &mut Written| {
        known.sent += 1;
        known.sent
    };
    let mut number = 0;
    match below(rng, 3) {
        0 => {
            ledger.note(id.0, |known| number = next(&mut known.blob));
            let stats = Blob(blob(number)?);
            let request =
                AccountUpdateStatsRequest { session_key: console.session_key, stats, ..Default::default() };
            console.succeed(request).await?;
            ledger.acknowledge(id.0, |known| known.blob.acknowledged = number);
        }
        1 => {
            ledger.note(id.0, |known| number = next(&mut known.wide));
            let stats = [number.cast_signed(); 100];
            let request =
                UpdateLadderStatsWideRequest { ladder_type: LadderType::PLAYER, stats, ..Default::default() };
            console.succeed(request).await?;
            ledger.acknowledge(id.0, |known| known.wide.acknowledged = number);
        }
        _ => {
            let others = ledger.with(|accounts| {
                let asked = accounts.get(&id.0).map(|known| known.asked_buddies.clone()).unwrap_or_default();
                let free = accounts.keys().filter(|other| **other != id.0 && !asked.contains(other));
                free.copied().collect::<Vec<_>>()
            });
            let Some(other) = others.get(below(rng, others.len().max(1) as u64) as usize).copied() else {
                return Ok(());
            };
            ledger.note(id.0, |known| _ = known.asked_buddies.insert(other));
            let request = AddToBuddyListRequest {
                session_key: console.session_key,
                account_id: AccountId(other),
                ..Default::default()
            };
            console.succeed(request).await?;
            ledger.acknowledge(id.0, |known| _ = known.buddies.insert(other));
        }
    }
    Ok(())
}

/// Reads the store itself. What was under way is taken as found.
fn check_store(place: &Place, ledger: &Ledger) -> Result<usize> {
    // The engine frees its lock some time after it was dropped: that of the last round may still be held by this process.
    let options = SledOptions { cache_bytes: 8 << 20, lock_wait: Duration::from_secs(60) };
    let store: Database<SledEngine> = Database::open(&place.path("data/store"), &options)?;
    let title = TitleId::new(TITLE)?;
    ledger.with(|accounts| {
        for (id, known) in accounts.iter_mut() {
            check_account(&store, &title, *id, known).with_context(|| format!("account {id}: {known:?}"))?;
        }
        Ok(accounts.len())
    })
}

fn check_account(store: &Database<SledEngine>, title: &TitleId, id: i32, known: &mut Known) -> Result<()> {
    let stored = StoredId::new(id).context("a number below 1")?;
    let account = store.account(title, stored)?.context("was acknowledged and is gone")?;
    ensure!(account.name.to_string_lossy() == known.name, "is {account:?}");
    ensure!(account.password.is_some(), "has lost its password");
    ensure!(
        store.account_by_name(title, known.name.as_bytes())?.as_ref() == Some(&account),
        "is not under its name"
    );
    let stats = store.stats(title, stored)?.context("has no stats")?;
    let first = u32::from_le_bytes(*stats.blob.first_chunk().context("no blob")?);
    ensure!(stats.blob == blob(first)?, "the blob is half written: {:?}", stats.blob);
    let wide = stats.wide[0].cast_unsigned();
    ensure!(stats.wide == [stats.wide[0]; 100], "the wide stats are half written: {:?}", stats.wide);
    for (found, written) in [(first, &mut known.blob), (wide, &mut known.wide)] {
        ensure!((written.acknowledged..=written.sent).contains(&found), "{written:?}, found {found}");
        *written = Written { acknowledged: found, sent: found };
    }
    let list = store.list(title, ListKind::Buddies, stored)?;
    let buddies: BTreeSet<_> = list.iter().map(|row| row.id.get()).collect();
    ensure!(known.buddies.is_subset(&buddies), "buddies are gone, found {buddies:?}");
    ensure!(buddies.is_subset(&known.asked_buddies), "buddies nobody asked for, found {buddies:?}");
    known.buddies = buddies;
    Ok(())
}

/// Logs in with one of the accounts, and reads its stats over the wire.
async fn check_login(host: &Host, ledger: &Ledger, rng: &mut ChaCha8Rng) -> Result<()> {
    let pick = |accounts: &mut BTreeMap<i32, Known>| {
        let at = below(rng, accounts.len().max(1) as u64) as usize;
        let (id, known) = accounts.iter().nth(at)?;
        Some((*id, known.name.clone(), known.blob.acknowledged, known.wide.acknowledged))
    };
    let Some((id, name, first, wide)) = ledger.with(pick) else { return Ok(()) };
    let mut console = host.console(Dialect::V110, 7)?;
    console.login(host.mas()?, &name, "secret").await?;
    ensure!(console.account_id == AccountId(id), "{name} is {:?} and was {id}", console.account_id);
    console.enter_lobby().await?;
    let request = GetLadderStatsWideRequest {
        account_id_or_clan_id: ClanId(id),
        ladder_type: LadderType::PLAYER,
        ..Default::default()
    };
    ensure!(console.succeed(request).await?.stats == [wide.cast_signed(); 100], "wide stats of {name}");
    let request = PlayerInfoRequest {
        session_key: console.session_key,
        account_id: AccountId(id),
        ..Default::default()
    };
    ensure!(console.succeed(request).await?.stats == Blob(blob(first)?), "stats of {name}");
    console.leave_lobby().await?;
    Ok(())
}

async fn round(place: &Place, number: u64, rng: &mut ChaCha8Rng, ledger: &Arc<Ledger>) -> Result<()> {
    let mut starting = place.starting(&["run"])?;
    if below(rng, 8) == 0 {
        // While it starts.
        tokio::time::sleep(Duration::from_millis(below(rng, 300))).await;
        return starting.process.kill();
    }
    starting.wait_ready()?;
    let mut host = starting.ready()?;
    check_login(&host, ledger, rng).await?;
    let options = host.options(Dialect::V110)?;
    let mut consoles = JoinSet::new();
    for console in 0..CONSOLES {
        let names = format!("K{number}-{console}");
        consoles.spawn(play(options.clone(), host.mas()?, names, rng.next_u64(), Arc::clone(ledger)));
    }
    let wanted = ledger.acknowledged.load(Ordering::Relaxed) + below(rng, 150) as u32;
    let until = Instant::now() + PATIENCE;
    while ledger.acknowledged.load(Ordering::Relaxed) < wanted {
        if let Some(ended) = consoles.try_join_next() {
            bail!("a console ended before the host did: {:?}; the log:\n{}", ended?, host.process.err()?);
        }
        ensure!(Instant::now() < until, "the load does not proceed; the log:\n{}", host.process.err()?);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_micros(below(rng, 20_000))).await;
    host.process.kill()?;
    // What came before the end is still read: it was acknowledged.
    while consoles.join_next().await.is_some() {}
    Ok(())
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9_at_random_moments() -> Result<()> {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>()).transpose();
    let rounds = number("MEDLEY_KILL_ROUNDS")?.unwrap_or(6);
    let seed = number("MEDLEY_KILL_SEED")?.unwrap_or_else(|| u64::from(std::process::id()) << 32 | now());
    println!("kill: {rounds} rounds, MEDLEY_KILL_SEED={seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // A busy machine's disk may take longer than the 3 seconds after which a request gets its failure.
    let place = Place::new()?.with("MEDLEY_LOG_LEVEL", "warn").with("MEDLEY_TIMEOUTS_STORE", 60);
    let ledger = Arc::new(Ledger::default());
    let mut accounts = 0;
    for round_number in 1..=rounds {
        let told = || format!("round {round_number} of {rounds}, MEDLEY_KILL_SEED={seed}");
        round(&place, round_number, &mut rng, &ledger).await.with_context(told)?;
        accounts = check_store(&place, &ledger).with_context(told)?;
    }
    let acknowledged = ledger.acknowledged.load(Ordering::Relaxed);
    println!("kill: {rounds} rounds, {acknowledged} operations acknowledged, {accounts} accounts, all there");
    // The last word is the host's own.
    let mut host = place.host()?;
    check_login(&host, &ledger, &mut rng).await?;
    ensure!(host.stop()?.success(), "{}", host.process.err()?);
    Ok(())
}

/// Something that differs from run to run.
fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::from(now.subsec_nanos())
}
