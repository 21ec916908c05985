//! What a login and a durable write cost, as ratios within one run: `cargo bench -p medley-store`.
//!
//! - a warm password check against argon2id at the default cost;
//! - durable writes by 1 and by 64 writers, sync threads and the async front, against a bare append + fsync of a file in
//!   the same folder;
//! - opening a database of 10,000 accounts, whose copy is checked first.

use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use medley_store::{
    AccountId, Accounts, Database, HandleOptions, NewAccount, PasswordOptions, Passwords, SledEngine,
    SledOptions, StatsUpdate, Store, StoreHandle, Text, TitleId, limits,
};

const SPAN: Duration = Duration::from_secs(2);

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    passwords()?;
    writes()?;
    opening()
}

/// Time of one call, over at least half a second.
fn time_of(mut f: impl FnMut() -> Result<(), Failure>) -> Result<Duration, Failure> {
    let begun = Instant::now();
    let mut calls = 0;
    while begun.elapsed() < SPAN / 4 {
        f()?;
        calls += 1;
    }
    Ok(begun.elapsed() / calls)
}

fn passwords() -> Result<(), Failure> {
    let passwords = Passwords::new(&PasswordOptions::default())?;
    let id = AccountId::new(1).ok_or("1 is positive")?;
    let hash = passwords.hash(b"a password of a console")?;
    let cold = time_of(|| {
        passwords.forget(id);
        black_box(passwords.verify(id, &hash, b"a password of a console")?);
        Ok(())
    })?;
    let warm = time_of(|| {
        black_box(passwords.verify(id, &hash, b"a password of a console")?);
        Ok(())
    })?;
    println!(
        "password check: argon2id {cold:.2?}, warm {warm:.2?}: 1/{:.0}",
        cold.as_secs_f64() / warm.as_secs_f64()
    );
    Ok(())
}

fn title() -> Result<TitleId, Failure> {
    Ok(TitleId::new("bench")?)
}

fn fill(store: &Database<SledEngine>, count: i64) -> Result<(), Failure> {
    let title = title()?;
    for number in 0..count {
        let name = Text(format!("player{number}").into_bytes());
        let account = store.create_account(&title, &NewAccount { name, password: None, created: number })?;
        // Durable together with the last one.
        let _ = account.map(drop);
    }
    store.flush()?;
    Ok(())
}

fn stats(number: u64) -> [StatsUpdate; 1] {
    [StatsUpdate::Wide(Box::new([number as i32; limits::WIDE_STATS]))]
}

/// Durable stats updates per second by so many threads.
fn by_threads(store: &Arc<Database<SledEngine>>, writers: i32) -> Result<f64, Failure> {
    let count = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let threads: Vec<_> = (1..=writers)
        .map(|writer| {
            let (store, count) = (Arc::clone(store), Arc::clone(&count));
            std::thread::spawn(move || -> Result<(), Failure> {
                let (title, id) = (title()?, AccountId::new(writer).ok_or("positive")?);
                while begun.elapsed() < SPAN {
                    let number = count.fetch_add(1, Ordering::Relaxed);
                    store.update_stats(&title, id, &stats(number))?.wait()?;
                }
                Ok(())
            })
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| "a writer panicked")??;
    }
    Ok(count.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64())
}

async fn by_tasks(store: &StoreHandle, writers: i32) -> Result<f64, Failure> {
    let count = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 1..=writers {
        let (store, count) = (store.clone(), Arc::clone(&count));
        tasks.spawn(async move {
            let (title, id) = (title()?, AccountId::new(writer).ok_or("positive")?);
            while begun.elapsed() < SPAN {
                let number = count.fetch_add(1, Ordering::Relaxed);
                let title = title.clone();
                store.write(move |store| store.update_stats(&title, id, &stats(number))).await?;
            }
            Ok::<(), Failure>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(count.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64())
}

/// Appends of 800 bytes and fsyncs per second: what the disk itself allows one writer.
fn bare(folder: &Path) -> Result<f64, Failure> {
    let mut file = std::fs::File::create(folder.join("bare"))?;
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < SPAN {
        file.write_all(&[0x5a; 800])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

fn writes() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let bare = bare(folder.path())?;
    println!("durable writes: bare append + fdatasync {bare:.0}/s");
    let store = Arc::new(Database::open(&folder.path().join("db"), &SledOptions::default())?);
    fill(&store, 64)?;
    for writers in [1, 64] {
        let rate = by_threads(&store, writers)?;
        println!("durable writes: {writers} threads {rate:.0}/s, {:.2} of bare", rate / bare);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    let handle = StoreHandle::new(store, &HandleOptions::default())?;
    for writers in [1, 64] {
        let rate = runtime.block_on(by_tasks(&handle, writers))?;
        println!("durable writes: {writers} tasks {rate:.0}/s, {:.2} of bare", rate / bare);
    }
    Ok(())
}

fn opening() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("db");
    let store = Database::open(&path, &SledOptions::default())?;
    fill(&store, 10_000)?;
    let title = title()?;
    for number in 1..=10_000 {
        let id = AccountId::new(number).ok_or("positive")?;
        let _ = store.update_stats(&title, id, &stats(1))?.map(drop);
    }
    store.flush()?;
    drop(store);
    let begun = Instant::now();
    let store = Database::open(&path, &SledOptions::default())?;
    let took = begun.elapsed();
    let bytes = std::fs::metadata(path.join("db"))?.len();
    let count = store.account_count(&title)?;
    println!("opening: {count} accounts with stats, a file of {} KiB, {took:.2?}", bytes / 1024);
    Ok(())
}
