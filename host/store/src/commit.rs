//! Group commit: many writers, one flush.
//!
//! A write is applied to the engine's memory, then waits in the open batch. The flush thread closes the batch, opens
//! the next, flushes once, and only then lets every waiter of the closed batch know. While a flush runs, the next
//! batch collects; so the more writers there are, the more of them share a flush, and a lone writer never waits for others.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::error::{Result, StoreError};

/// A note is written and durable after this.
pub(crate) const NOTED_WITHIN: Duration = Duration::from_secs(2);

/// Locks even when another thread panicked inside: every critical section of this crate leaves its data whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A write that is applied (visible to readers) but perhaps not durable yet. The value is out of reach until it is:
/// [`Pending::wait`] blocks a thread for it, `.await` does not.
///
/// Dropping it does not undo the write; it only gives up knowing.
#[must_use = "the write is not durable until this was waited for"]
#[derive(Debug)]
pub struct Pending<T> {
    value: T,
    batch: Option<Arc<Completion>>,
}

impl<T> Pending<T> {
    /// A value that needs no flush: nothing was written, or the engine keeps nothing anyway.
    pub fn ready(value: T) -> Self {
        Self { value, batch: None }
    }

    pub(crate) fn new(value: T, batch: Option<Arc<Completion>>) -> Self {
        Self { value, batch }
    }

    /// Changes the value, not the promise.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Pending<U> {
        Pending { value: f(self.value), batch: self.batch }
    }

    /// Blocks this thread until the write is durable. Not for async tasks: those `.await`.
    pub fn wait(self) -> Result<T> {
        if let Some(batch) = self.batch {
            batch.wait()?;
        }
        Ok(self.value)
    }
}

impl<T: Send + 'static> IntoFuture for Pending<T> {
    type Output = Result<T>;
    type IntoFuture = Durable<T>;

    fn into_future(self) -> Durable<T> {
        Durable { value: Some(self.value), batch: self.batch }
    }
}

/// The future of a [`Pending`] write: ready when the write is durable.
#[derive(Debug)]
pub struct Durable<T> {
    value: Option<T>,
    batch: Option<Arc<Completion>>,
}

// No field is ever pinned structurally.
impl<T> Unpin for Durable<T> {}

impl<T> Future for Durable<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        if let Some(batch) = &self.batch {
            match batch.poll(cx.waker()) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => {}
            }
        }
        // A future polled again after it was ready has no value left to give: stay pending, as `Fuse` does.
        self.value.take().map_or(Poll::Pending, |value| Poll::Ready(Ok(value)))
    }
}

/// The fate of one batch of writes.
#[derive(Debug, Default)]
pub(crate) struct Completion {
    state: Mutex<CompletionState>,
    done: Condvar,
}

#[derive(Debug, Default)]
struct CompletionState {
    outcome: Option<Result<(), Arc<str>>>,
    wakers: Vec<Waker>,
}

impl Completion {
    fn wait(&self) -> Result<()> {
        let mut state = lock(&self.state);
        loop {
            if let Some(outcome) = &state.outcome {
                return outcome.clone().map_err(StoreError::Flush);
            }
            state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn poll(&self, waker: &Waker) -> Poll<Result<()>> {
        let mut state = lock(&self.state);
        if let Some(outcome) = &state.outcome {
            return Poll::Ready(outcome.clone().map_err(StoreError::Flush));
        }
        if !state.wakers.iter().any(|known| known.will_wake(waker)) {
            state.wakers.push(waker.clone());
        }
        Poll::Pending
    }

    fn complete(&self, outcome: Result<(), Arc<str>>) {
        let wakers = {
            let mut state = lock(&self.state);
            state.outcome = Some(outcome);
            std::mem::take(&mut state.wakers)
        };
        self.done.notify_all();
        for waker in wakers {
            waker.wake();
        }
    }
}

/// The flush thread and the batch that is open for writers.
pub(crate) struct Committer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    open: Arc<Completion>,
    waiting: bool,
    /// When notes that nobody waits for are to be written.
    noted: Option<Instant>,
    stop: bool,
}

impl Committer {
    /// Starts the flush thread. `flush` must make every write durable that was applied before it was called;
    /// `write_notes` applies the notes that wait.
    pub(crate) fn start(
        write_notes: impl FnMut() -> Result<(), Arc<str>> + Send + 'static,
        flush: impl FnMut() -> Result<(), Arc<str>> + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State { open: Arc::default(), waiting: false, noted: None, stop: false }),
            work: Condvar::new(),
        });
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("medley-store-flush".to_owned())
            .spawn(move || run(&for_thread, write_notes, flush))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Joins the open batch. Call it after the write was applied: the flush that closes this batch covers it.
    pub(crate) fn join(&self) -> Arc<Completion> {
        let mut state = lock(&self.shared.state);
        if !state.waiting {
            state.waiting = true;
            self.shared.work.notify_one();
        }
        Arc::clone(&state.open)
    }

    /// Something was noted that nobody waits for: it is written and durable within `delay`.
    pub(crate) fn later(&self, delay: Duration) {
        let mut state = lock(&self.shared.state);
        if state.noted.is_none() {
            state.noted = Some(Instant::now() + delay);
            self.shared.work.notify_one();
        }
    }
}

impl Drop for Committer {
    /// Writes and flushes what waits, then ends the thread.
    fn drop(&mut self) {
        lock(&self.shared.state).stop = true;
        self.shared.work.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's flush thread panicked");
        }
    }
}

fn run(
    shared: &Shared,
    mut write_notes: impl FnMut() -> Result<(), Arc<str>>,
    mut flush: impl FnMut() -> Result<(), Arc<str>>,
) {
    loop {
        let (batch, notes_due) = {
            let mut state = lock(&shared.state);
            while !state.waiting && !state.stop {
                state = match state.noted.map(|due| due.saturating_duration_since(Instant::now())) {
                    None => shared.work.wait(state).unwrap_or_else(PoisonError::into_inner),
                    Some(Duration::ZERO) => break,
                    Some(left) => {
                        let waited = shared.work.wait_timeout(state, left);
                        waited.unwrap_or_else(PoisonError::into_inner).0
                    }
                };
            }
            if !state.waiting && state.noted.is_none() {
                return;
            }
            state.waiting = false;
            // Not with every flush: many writers would make many small batches of notes.
            let (now, stop) = (Instant::now(), state.stop);
            let notes_due = state.noted.take_if(|due| stop || *due <= now).is_some();
            (std::mem::take(&mut state.open), notes_due)
        };
        if notes_due && let Err(detail) = guarded(&mut write_notes) {
            tracing::error!(%detail, "notes could not be written");
            let mut state = lock(&shared.state);
            if !state.stop {
                // They still wait.
                state.noted.get_or_insert_with(|| Instant::now() + NOTED_WITHIN);
            }
        }
        let outcome = guarded(&mut flush);
        if let Err(detail) = &outcome {
            tracing::error!(%detail, "flush failed");
        }
        batch.complete(outcome);
    }
}

/// A panic inside the engine must not leave writers waiting for ever.
fn guarded(work: &mut impl FnMut() -> Result<(), Arc<str>>) -> Result<(), Arc<str>> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Arc::from("the engine panicked while flushing")))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn no_notes() -> Result<(), Arc<str>> {
        Ok(())
    }

    fn tells(
        word: &'static str,
        to: &mpsc::Sender<&'static str>,
    ) -> impl FnMut() -> Result<(), Arc<str>> + use<> {
        let to = to.clone();
        move || {
            to.send(word).unwrap();
            Ok(())
        }
    }

    #[test]
    fn writes_that_come_during_a_flush_share_the_next_one() {
        let (began, begins) = mpsc::channel();
        let (go, goes) = mpsc::channel::<Result<(), Arc<str>>>();
        let committer = Committer::start(no_notes, move || {
            began.send(()).unwrap();
            goes.recv().unwrap()
        })
        .unwrap();
        let first = Pending::new(0, Some(committer.join()));
        begins.recv().unwrap();
        let during: Vec<_> = (1..=50).map(|n| Pending::new(n, Some(committer.join()))).collect();
        go.send(Ok(())).unwrap();
        assert_eq!(first.wait().unwrap(), 0);
        begins.recv().unwrap();
        assert!(during.iter().all(|pending| lock(&pending.batch.as_ref().unwrap().state).outcome.is_none()));
        go.send(Ok(())).unwrap();
        let values: Vec<_> = during.into_iter().map(|pending| pending.wait().unwrap()).collect();
        assert_eq!(values, (1..=50).collect::<Vec<_>>());
        // Two flushes served 51 writes.
        drop(committer);
        assert!(begins.try_recv().is_err());
    }

    #[test]
    fn a_failed_or_panicking_flush_is_told_to_its_writers_and_ends_nothing() {
        let mut count = 0;
        let committer = Committer::start(no_notes, move || {
            count += 1;
            match count {
                1 => Err(Arc::from("disk full")),
                2 => panic!("a bug"),
                _ => Ok(()),
            }
        })
        .unwrap();
        let outcomes: Vec<_> = (0..3)
            .map(|_| Pending::new((), Some(committer.join())).wait().map_err(|e| e.to_string()))
            .collect();
        assert_eq!(outcomes[0], Err("the write could not be made durable: disk full".to_owned()));
        assert!(outcomes[1].as_ref().is_err_and(|text| text.contains("panicked")), "{outcomes:?}");
        assert_eq!(outcomes[2], Ok(()));
    }

    #[test]
    fn notes_wait_for_their_time_whatever_is_flushed_meanwhile_and_are_written_at_the_end() {
        let (tell, told) = mpsc::channel();
        let committer = Committer::start(tells("notes", &tell), tells("flush", &tell)).unwrap();
        drop(tell);
        committer.later(Duration::from_secs(3600));
        Pending::new((), Some(committer.join())).wait().unwrap();
        assert_eq!(told.recv().unwrap(), "flush");
        drop(committer);
        assert_eq!(told.iter().collect::<Vec<_>>(), ["notes", "flush"]);
    }

    #[test]
    fn notes_that_are_due_are_written_and_flushed_though_nobody_waits() {
        let (tell, told) = mpsc::channel();
        let committer = Committer::start(tells("notes", &tell), tells("flush", &tell)).unwrap();
        drop(tell);
        committer.later(Duration::from_millis(1));
        assert_eq!([told.recv().unwrap(), told.recv().unwrap()], ["notes", "flush"]);
        drop(committer);
        assert!(told.recv().is_err());
    }

    #[test]
    fn notes_that_cannot_be_written_do_not_fail_the_writes_beside_them() {
        let committer = Committer::start(|| Err(Arc::from("disk full")), || Ok(())).unwrap();
        committer.later(Duration::ZERO);
        assert_eq!(Pending::new(7, Some(committer.join())).wait().unwrap(), 7);
    }

    #[test]
    fn dropping_the_committer_flushes_what_waits() {
        let committer = Committer::start(no_notes, || Ok(())).unwrap();
        let pending = Pending::new(7, Some(committer.join()));
        drop(committer);
        assert_eq!(pending.wait().unwrap(), 7);
    }
}
