//! [`StoreHandle`]: the store for async code.
//!
//! Calls run on a few threads of the handle's own, password hashes on others, so that neither a slow disk nor a rush of
//! logins holds up a runtime thread. Queues are bounded: a caller waits for a place, it does not pile up jobs.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};

use tokio::sync::{Semaphore, mpsc, oneshot};
use zeroize::Zeroizing;

use crate::commit::{Pending, lock};
use crate::error::{Result, StoreError};
use crate::password::{PasswordOptions, Passwords, check_password};
use crate::traits::Store;
use crate::types::{Account, AccountId, LadderStat, NewAccount, Ranked, Text, TitleId, UnixSeconds};

/// Threads and queues of a [`StoreHandle`].
#[derive(Debug, Clone)]
pub struct HandleOptions {
    /// Threads for store calls. Durable writes do not hold one while they wait for the disk.
    pub threads: NonZeroUsize,
    /// Threads for password hashes: each may use [`PasswordOptions::memory_kib`] and a core.
    pub hash_threads: NonZeroUsize,
    /// Calls that may wait or run at once, for each of the two; more callers wait their turn.
    pub queue: NonZeroUsize,
    /// Cost of hashes and size of the warm cache.
    pub passwords: PasswordOptions,
}

impl Default for HandleOptions {
    /// 2 threads for calls, one for hashes per two cores (1 to 4), 1024 calls.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            threads: const { NonZeroUsize::new(2).expect("not zero") },
            hash_threads: NonZeroUsize::new((cores / 2).clamp(1, 4)).unwrap_or(NonZeroUsize::MIN),
            queue: const { NonZeroUsize::new(1024).expect("not zero") },
            passwords: PasswordOptions::default(),
        }
    }
}

/// What a password check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordCheck {
    /// The right one.
    Match,
    /// A wrong one.
    Mismatch,
    /// The account has no password login (made by a ticket).
    NoPassword,
    /// An operator asked for a new password: take the given one with [`StoreHandle::set_password`] and let them in.
    ResetPending,
}

/// The async front of a [`Store`]. Cheap to clone.
///
/// A call whose future is dropped may still be carried out.
#[derive(Clone)]
pub struct StoreHandle {
    shared: Arc<Shared>,
}

struct Shared {
    /// Held by the workers, so that it goes with the last of them.
    store: Weak<dyn Store>,
    calls: Pool,
    hashes: Pool,
    passwords: Passwords,
    /// Closes when the last worker is gone.
    ended: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

impl std::fmt::Debug for StoreHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreHandle").field("passwords", &self.shared.passwords).finish_non_exhaustive()
    }
}

impl StoreHandle {
    /// Starts the threads.
    pub fn new(store: Arc<dyn Store>, options: &HandleOptions) -> Result<Self> {
        let passwords = Passwords::new(&options.passwords)?;
        let (alive, ended) = mpsc::channel(1);
        let calls = Pool::start("medley-store", options.threads, options.queue, &store, &alive)?;
        let hashes = Pool::start("medley-hash", options.hash_threads, options.queue, &store, &alive)?;
        let ended = tokio::sync::Mutex::new(ended);
        let store = Arc::downgrade(&store);
        Ok(Self { shared: Arc::new(Shared { store, calls, hashes, passwords, ended }) })
    }

    /// Runs a reading call, e.g. `handle.read(move |store| store.account(&title, id)).await`.
    pub async fn read<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.shared.calls.run(call).await
    }

    /// Runs a reading call of a few look-ups by key, or notes a login, on the caller's own thread. What is warm takes
    /// microseconds, less than handing it to another thread; what is cold waits for the disk. Not for long scans, not for
    /// writes.
    ///
    /// # Errors
    /// As the call; [`StoreError::Closed`] after [`StoreHandle::close`].
    pub fn glance<T>(&self, call: impl FnOnce(&dyn Store) -> Result<T>) -> Result<T> {
        if lock(&self.shared.calls.queue.jobs).stop {
            return Err(StoreError::Closed);
        }
        let store = self.shared.store.upgrade().ok_or(StoreError::Closed)?;
        call(&*store)
    }

    /// Runs a writing call and waits until it is durable, e.g.
    /// `handle.write(move |store| store.add_ban(&ban)).await`.
    pub async fn write<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Store) -> Result<Pending<T>> + Send + 'static,
    ) -> Result<T> {
        self.shared.calls.run(call).await?.await
    }

    /// Makes an account with a password (`None`: a ticket account). The name is looked up before the hash is paid for.
    pub async fn create_account(
        &self,
        title: &TitleId,
        name: Text,
        password: Option<&[u8]>,
        created: UnixSeconds,
    ) -> Result<Account> {
        let (of, wanted) = (title.clone(), name.clone());
        let taken = self.read(move |store| store.account_by_name(&of, &wanted.0)).await?;
        if taken.is_some() {
            return Err(StoreError::AlreadyExists {
                what: "account name",
                title: title.to_string(),
                key: name.to_string(),
            });
        }
        let hash = match password {
            Some(password) => Some(self.hash(password).await?),
            None => None,
        };
        let (of, new) = (title.clone(), NewAccount { name, password: hash, created });
        let account = self.write(move |store| store.create_account(&of, &new)).await?;
        if let (Some(hash), Some(password)) = (&account.password, password) {
            self.shared.passwords.warm(account.id, hash, password);
        }
        Ok(account)
    }

    /// Checks a password. Warm accounts (verified before in this process, or just created) cost microseconds.
    pub async fn verify_password(
        &self,
        title: &TitleId,
        id: AccountId,
        password: &[u8],
    ) -> Result<PasswordCheck> {
        let of = title.clone();
        let account = self.read(move |store| store.account(&of, id)).await?;
        let account = account.ok_or_else(|| crate::accounts::no_account(title, id))?;
        self.verify_account(&account, password).await
    }

    /// As [`StoreHandle::verify_password`], for an account that was just read.
    pub async fn verify_account(&self, account: &Account, password: &[u8]) -> Result<PasswordCheck> {
        if account.reset_password {
            return Ok(PasswordCheck::ResetPending);
        }
        let Some(hash) = &account.password else { return Ok(PasswordCheck::NoPassword) };
        if check_password(password).is_err() {
            return Ok(PasswordCheck::Mismatch);
        }
        let matches = if self.shared.passwords.is_warm(account.id, hash, password) {
            true
        } else {
            let (shared, id) = (Arc::downgrade(&self.shared), account.id);
            let (hash, password) = (hash.clone(), Zeroizing::new(password.to_vec()));
            let verify = move |_: &dyn Store| match shared.upgrade() {
                Some(shared) => shared.passwords.verify(id, &hash, &password),
                None => Err(StoreError::Closed),
            };
            self.shared.hashes.run(verify).await?
        };
        Ok(if matches { PasswordCheck::Match } else { PasswordCheck::Mismatch })
    }

    /// Sets a new password (`None`: no password login) and clears the reset flag.
    pub async fn set_password(&self, title: &TitleId, id: AccountId, password: Option<&[u8]>) -> Result<()> {
        let hash = match password {
            Some(password) => Some(self.hash(password).await?),
            None => None,
        };
        let (of, new) = (title.clone(), hash.clone());
        self.write(move |store| store.set_password(&of, id, new)).await?;
        match (&hash, password) {
            (Some(hash), Some(password)) => self.shared.passwords.warm(id, hash, password),
            _ => self.shared.passwords.forget(id),
        }
        Ok(())
    }

    /// Makes a ladder if it is not in memory, so that questions about it are quick: on a thread for hashes, which are for
    /// what takes long.
    pub async fn load_ladder(&self, title: &TitleId, ranked: Ranked, stat: LadderStat) -> Result<()> {
        let of = title.clone();
        if self.read(move |store| Ok(store.ladder_is_loaded(&of, ranked, stat))).await? {
            return Ok(());
        }
        let of = title.clone();
        self.shared.hashes.run(move |store| store.load_ladder(&of, ranked, stat)).await
    }

    /// Ends the threads after the calls that are queued, and waits until the store is released (its lock too). Later
    /// calls, also of clones, answer [`StoreError::Closed`].
    pub async fn close(&self) {
        self.shared.calls.stop();
        self.shared.hashes.stop();
        // Nothing is ever sent: `recv` ends when the last worker drops its side.
        let _ = self.shared.ended.lock().await.recv().await;
    }

    async fn hash(&self, password: &[u8]) -> Result<crate::types::PasswordHash> {
        check_password(password)?;
        let shared = Arc::downgrade(&self.shared);
        let password = Zeroizing::new(password.to_vec());
        let hash = move |_: &dyn Store| match shared.upgrade() {
            Some(shared) => shared.passwords.hash(&password),
            None => Err(StoreError::Closed),
        };
        self.shared.hashes.run(hash).await
    }
}

type Job = Box<dyn FnOnce(&dyn Store) + Send>;

/// Threads with one queue.
struct Pool {
    queue: Arc<Queue>,
    places: Arc<Semaphore>,
}

struct Queue {
    jobs: Mutex<Jobs>,
    work: Condvar,
}

struct Jobs {
    waiting: VecDeque<Job>,
    stop: bool,
}

impl Pool {
    fn start(
        name: &'static str,
        threads: NonZeroUsize,
        places: NonZeroUsize,
        store: &Arc<dyn Store>,
        alive: &mpsc::Sender<()>,
    ) -> Result<Self> {
        let queue = Arc::new(Queue {
            jobs: Mutex::new(Jobs { waiting: VecDeque::new(), stop: false }),
            work: Condvar::new(),
        });
        // Made first: if a thread cannot be started, dropping it ends those that were.
        let pool = Self { queue, places: Arc::new(Semaphore::new(places.get().min(Semaphore::MAX_PERMITS))) };
        for number in 0..threads.get() {
            let (queue, store, alive) = (Arc::clone(&pool.queue), Arc::clone(store), alive.clone());
            std::thread::Builder::new()
                .name(format!("{name}-{number}"))
                .spawn(move || {
                    work(&queue, &*store);
                    drop(store);
                    drop(alive);
                })
                .map_err(|error| StoreError::Io {
                    action: "start a thread for the store",
                    path: name.into(),
                    detail: error.to_string(),
                })?;
        }
        Ok(pool)
    }

    async fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |store| {
            let outcome =
                std::panic::catch_unwind(AssertUnwindSafe(|| call(store))).unwrap_or_else(|panic| {
                    let detail = crate::engine::panic_text(&*panic);
                    tracing::error!(%detail, "a store call panicked");
                    Err(StoreError::Engine { path: Default::default(), tree: "*", detail })
                });
            drop(place);
            // The caller may have gone; the work is done either way.
            let _ = answer.send(outcome);
        });
        {
            let mut jobs = lock(&self.queue.jobs);
            if jobs.stop {
                return Err(StoreError::Closed);
            }
            jobs.waiting.push_back(job);
        }
        self.queue.work.notify_one();
        answered.await.map_err(|_| StoreError::Closed)?
    }

    fn stop(&self) {
        self.places.close();
        lock(&self.queue.jobs).stop = true;
        self.queue.work.notify_all();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop();
    }
}

fn work(queue: &Queue, store: &dyn Store) {
    loop {
        let job = {
            let mut jobs = lock(&queue.jobs);
            loop {
                if let Some(job) = jobs.waiting.pop_front() {
                    break job;
                }
                if jobs.stop {
                    return;
                }
                jobs = queue.work.wait(jobs).unwrap_or_else(PoisonError::into_inner);
            }
        };
        job(store);
    }
}
