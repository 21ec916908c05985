//! A bound per second, with a burst.

use std::time::Duration;

/// A bucket that fills at a rate and is taken from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    per_second: u32,
    burst: u32,
    /// In millionths.
    level: u64,
    seen: Option<Duration>,
}

const WHOLE: u64 = 1_000_000;

impl Rate {
    /// Full at first. A rate of 0 lets nothing through.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst, level: u64::from(burst) * WHOLE, seen: None }
    }

    /// Takes so many, if they are there at that time.
    pub(crate) fn take(&mut self, now: Duration, count: u32) -> bool {
        let passed = now.saturating_sub(self.seen.unwrap_or(now)).as_micros();
        self.seen = Some(now);
        let gained = passed.saturating_mul(u128::from(self.per_second));
        let gained = u64::try_from(gained).unwrap_or(u64::MAX);
        self.level = self.level.saturating_add(gained).min(u64::from(self.burst) * WHOLE);
        match self.level.checked_sub(u64::from(count) * WHOLE) {
            Some(rest) => {
                self.level = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let mut rate = Rate::new(2, 3);
        let at = Duration::from_millis;
        assert!(rate.take(at(1000), 3));
        assert!(!rate.take(at(1000), 1));
        assert!(!rate.take(at(1499), 1));
        assert!(rate.take(at(1500), 1));
        assert!(!rate.take(at(1500), 1));
        assert!(rate.take(at(60_000), 3));
        assert!(!rate.take(at(60_000), 1));
    }

    #[test]
    fn time_that_goes_back_gives_nothing() {
        let mut rate = Rate::new(1, 1);
        assert!(rate.take(Duration::from_secs(10), 1));
        assert!(!rate.take(Duration::from_secs(5), 1));
    }
}
