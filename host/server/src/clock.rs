//! The host's one clock: a monotonic start, and the wall clock's time there.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Time since the host started, in the forms that sessions and universes want. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    unix_at_start: Duration,
}

impl Clock {
    /// Starts it now.
    pub fn start() -> Self {
        let unix_at_start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { start: Instant::now(), unix_at_start }
    }

    /// Unix time when it was started.
    pub fn unix_at_start(&self) -> Duration {
        self.unix_at_start
    }

    /// Now, for a session.
    pub fn session_now(&self) -> medley_session::Time {
        medley_session::Time(self.start.elapsed())
    }

    /// A session's deadline as the runtime knows it.
    pub fn at(&self, time: medley_session::Time) -> Instant {
        self.start + time.0
    }

    /// A universe's deadline as the runtime knows it.
    pub fn at_millis(&self, millis: u64) -> Instant {
        self.start + Duration::from_millis(millis)
    }

    /// Now, for a universe.
    pub fn universe_now(&self) -> medley_universe::Time {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        medley_universe::Time { millis, unix: self.unix_now() }
    }

    /// Seconds since 1970, UTC. Follows the wall clock as it was at the start plus the time since: it never jumps.
    pub fn unix_now(&self) -> i64 {
        i64::try_from((self.unix_at_start + self.start.elapsed()).as_secs()).unwrap_or(i64::MAX)
    }
}
