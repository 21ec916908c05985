//! What keeps one peer from harming the others at the door: token buckets, connections per address, connections in all.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use medley_titles::host::HostLimits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Addresses remembered at one time by [`Door`] and [`SourceRates`]. An address without a connection and with a full
/// bucket carries no information and is forgotten when room is needed.
const MAX_SOURCES: usize = 65_536;
/// Passwords of one address that may be hashed or wait for it at one time. As many as a store has threads for it, so
/// that a house full of players loses nothing, and one who tries passwords holds no more than this of the queue.
const HASHES_PER_ADDRESS: usize = 4;

/// A rate with a burst. A rate of 0 is no limit.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    tokens: f32,
    at: Instant,
}

impl TokenBucket {
    /// A full bucket.
    pub fn new(burst: u32, now: Instant) -> Self {
        Self { tokens: burst as f32, at: now }
    }

    /// Takes one token; false if there is none.
    pub fn take(&mut self, per_second: u32, burst: u32, now: Instant) -> bool {
        if per_second == 0 {
            return true;
        }
        self.fill(per_second, burst, now);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }

    fn fill(&mut self, per_second: u32, burst: u32, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f32();
        self.at = now;
        self.tokens = (self.tokens + seconds * per_second as f32).min(burst.max(1) as f32);
    }

    fn is_full(mut self, per_second: u32, burst: u32, now: Instant) -> bool {
        self.fill(per_second, burst, now);
        self.tokens >= burst.max(1) as f32
    }
}

/// Why a new connection is turned away before a byte of it is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Turned {
    /// `limits.max_connections`.
    HostFull,
    /// `limits.max_connections_per_ip`.
    AddressFull,
    /// `limits.new_connections_per_ip`.
    AddressTooFast,
    /// `limits.max_half_open`.
    HalfOpenFull,
}

/// Counts connections, in all and by address.
#[derive(Debug, Default)]
pub struct Door {
    open: AtomicU32,
    half_open: AtomicU32,
    sources: Mutex<HashMap<IpAddr, Source>>,
}

#[derive(Debug)]
struct Source {
    connections: u32,
    bucket: TokenBucket,
    hashes: Option<Arc<Semaphore>>,
}

/// A connection's place. Dropping it gives the place back.
#[derive(Debug)]
pub struct Place {
    door: Arc<Door>,
    address: IpAddr,
    half_open: bool,
}

impl Door {
    /// Gives a place to a connection from `address`, or says why not.
    pub fn enter(
        self: &Arc<Self>,
        address: IpAddr,
        limits: &HostLimits,
        now: Instant,
    ) -> Result<Place, Turned> {
        let address = address.to_canonical();
        if self.open.load(Ordering::Relaxed) >= limits.max_connections {
            return Err(Turned::HostFull);
        }
        if self.half_open.load(Ordering::Relaxed) >= limits.max_half_open {
            return Err(Turned::HalfOpenFull);
        }
        {
            let mut sources = lock(&self.sources);
            if sources.len() >= MAX_SOURCES && !sources.contains_key(&address) {
                let (rate, burst) = (limits.new_connections_per_ip, limits.new_connections_burst);
                sources
                    .retain(|_, s| s.connections > 0 || !(rate == 0 || s.bucket.is_full(rate, burst, now)));
                if sources.len() >= MAX_SOURCES {
                    return Err(Turned::AddressTooFast);
                }
            }
            let bucket = TokenBucket::new(limits.new_connections_burst, now);
            let source = sources.entry(address).or_insert(Source { connections: 0, bucket, hashes: None });
            if !source.bucket.take(limits.new_connections_per_ip, limits.new_connections_burst, now) {
                return Err(Turned::AddressTooFast);
            }
            if source.connections >= limits.max_connections_per_ip {
                return Err(Turned::AddressFull);
            }
            source.connections += 1;
        }
        self.open.fetch_add(1, Ordering::Relaxed);
        self.half_open.fetch_add(1, Ordering::Relaxed);
        Ok(Place { door: Arc::clone(self), address, half_open: true })
    }

    /// Waits until an address may have one more password hashed. It may as long as the turn is held.
    pub async fn hash_turn(&self, address: IpAddr) -> Option<OwnedSemaphorePermit> {
        let new = || Arc::new(Semaphore::new(HASHES_PER_ADDRESS));
        let turns = {
            let mut sources = lock(&self.sources);
            // Who asks has a connection, so its source is there.
            Arc::clone(sources.get_mut(&address.to_canonical())?.hashes.get_or_insert_with(new))
        };
        // Never closed.
        turns.acquire_owned().await.ok()
    }

    /// Connections that are open.
    pub fn open(&self) -> u32 {
        self.open.load(Ordering::Relaxed)
    }

    /// Connections that have not identified themselves.
    pub fn half_open(&self) -> u32 {
        self.half_open.load(Ordering::Relaxed)
    }

    fn leave(&self, address: IpAddr, half_open: bool) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        if half_open {
            self.half_open.fetch_sub(1, Ordering::Relaxed);
        }
        let mut sources = lock(&self.sources);
        if let Some(source) = sources.get_mut(&address) {
            source.connections = source.connections.saturating_sub(1);
        }
    }
}

impl Place {
    /// The connection identified itself: it no longer counts as half-open.
    pub fn identified(&mut self) {
        if std::mem::take(&mut self.half_open) {
            self.door.half_open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.door.leave(self.address, self.half_open);
    }
}

/// A token bucket a source, for datagrams.
#[derive(Debug)]
pub struct SourceRates<K> {
    buckets: HashMap<K, TokenBucket>,
}

impl<K> Default for SourceRates<K> {
    fn default() -> Self {
        Self { buckets: HashMap::new() }
    }
}

impl<K: Copy + Eq + Hash> SourceRates<K> {
    /// Takes a token of `source`; false if it has none. The burst is one second's worth.
    pub fn take(&mut self, source: K, per_second: u32, now: Instant) -> bool {
        if per_second == 0 {
            return true;
        }
        if self.buckets.len() >= MAX_SOURCES && !self.buckets.contains_key(&source) {
            self.buckets.retain(|_, bucket| !bucket.is_full(per_second, per_second, now));
            if self.buckets.len() >= MAX_SOURCES {
                return false;
            }
        }
        let bucket = self.buckets.entry(source).or_insert_with(|| TokenBucket::new(per_second, now));
        bucket.take(per_second, per_second, now)
    }
}

/// Locks a mutex whose data stays whole when a holder panics (every section here is a few assignments).
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn limits() -> HostLimits {
        HostLimits {
            max_connections: 5,
            max_connections_per_ip: 2,
            new_connections_per_ip: 1,
            new_connections_burst: 3,
            max_half_open: 4,
            ..HostLimits::default()
        }
    }

    fn address(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    #[test]
    fn an_address_gets_so_many_places_and_no_more_until_one_is_given_back() {
        let (door, now) = (Arc::new(Door::default()), Instant::now());
        let limits = HostLimits { new_connections_per_ip: 0, ..limits() };
        let first = door.enter(address(1), &limits, now).unwrap();
        let _second = door.enter(address(1), &limits, now).unwrap();
        assert_eq!(door.enter(address(1), &limits, now).unwrap_err(), Turned::AddressFull);
        drop(first);
        assert!(door.enter(address(1), &limits, now).is_ok());
    }

    #[test]
    fn an_address_that_comes_too_fast_waits_and_others_do_not() {
        let (door, now) = (Arc::new(Door::default()), Instant::now());
        for _ in 0..3 {
            drop(door.enter(address(1), &limits(), now).unwrap());
        }
        assert_eq!(door.enter(address(1), &limits(), now).unwrap_err(), Turned::AddressTooFast);
        assert!(door.enter(address(2), &limits(), now).is_ok());
        assert!(door.enter(address(1), &limits(), now + Duration::from_secs(1)).is_ok());
    }

    #[test]
    fn half_open_connections_are_bounded_and_identified_ones_make_room() {
        let (door, now) = (Arc::new(Door::default()), Instant::now());
        let mut places: Vec<_> = (0..4).map(|i| door.enter(address(i), &limits(), now).unwrap()).collect();
        assert_eq!(door.enter(address(9), &limits(), now).unwrap_err(), Turned::HalfOpenFull);
        places[0].identified();
        places[0].identified();
        assert_eq!(door.half_open(), 3);
        places.push(door.enter(address(9), &limits(), now).unwrap());
        places[1].identified();
        assert_eq!(door.enter(address(10), &limits(), now).unwrap_err(), Turned::HostFull);
        drop(places);
        assert_eq!((door.open(), door.half_open()), (0, 0));
    }

    #[tokio::test]
    async fn an_address_has_so_many_passwords_hashed_at_a_time_and_others_do_not_wait_for_it() {
        let (door, now) = (Arc::new(Door::default()), Instant::now());
        let _places = [1, 2].map(|last| door.enter(address(last), &limits(), now).unwrap());
        let mut turns = Vec::new();
        for _ in 0..HASHES_PER_ADDRESS {
            turns.push(door.hash_turn(address(1)).await.unwrap());
        }
        let mut waiting = Box::pin(door.hash_turn(address(1)));
        assert!(poll_once(waiting.as_mut()).is_none());
        assert!(door.hash_turn(address(2)).await.is_some());
        turns.pop();
        assert!(poll_once(waiting.as_mut()).is_some_and(|turn| turn.is_some()));
    }

    fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        match future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn a_rate_of_zero_is_no_limit() {
        let (mut rates, now) = (SourceRates::default(), Instant::now());
        assert!((0..10_000).all(|_| rates.take(1, 0, now)));
        assert_eq!((0..100).filter(|_| rates.take(1, 10, now)).count(), 10);
    }
}
