//! The timers of one instance. They go with it: what the next one wants, it sets in `start`.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::api::SessionId;

/// Shortest time between two firings of a repeating timer.
const SHORTEST_REPEAT: Duration = Duration::from_millis(1);
/// A timer beyond this never fires while a host runs.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

#[derive(Clone, Copy, Debug)]
struct Timer {
    due: Duration,
    repeat: Option<Duration>,
    session: Option<SessionId>,
}

/// Timers by number, in order of time.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    timers: HashMap<u64, Timer>,
    order: BTreeSet<(Duration, u64)>,
}

impl Timers {
    pub(crate) fn len(&self) -> usize {
        self.timers.len()
    }

    pub(crate) fn has(&self, number: u64) -> bool {
        self.timers.contains_key(&number)
    }

    /// Sets or replaces a timer.
    pub(crate) fn set(
        &mut self,
        number: u64,
        now: Duration,
        after_millis: u64,
        repeat: bool,
        session: Option<SessionId>,
    ) {
        self.cancel(number);
        let after = Duration::from_millis(after_millis).min(LONGEST);
        let timer = Timer { due: now + after, repeat: repeat.then(|| after.max(SHORTEST_REPEAT)), session };
        self.timers.insert(number, timer);
        self.order.insert((timer.due, number));
    }

    pub(crate) fn cancel(&mut self, number: u64) {
        if let Some(timer) = self.timers.remove(&number) {
            self.order.remove(&(timer.due, number));
        }
    }

    /// Takes the timers of a session away.
    pub(crate) fn session_ended(&mut self, session: SessionId) {
        let order = &mut self.order;
        self.timers.retain(|number, timer| {
            let stays = timer.session != Some(session);
            if !stays {
                order.remove(&(timer.due, *number));
            }
            stays
        });
    }

    pub(crate) fn next(&self) -> Option<Duration> {
        self.order.first().map(|(due, _)| *due)
    }

    /// Takes the next timer that is due. A repeating one is set again, and not for times that have passed meanwhile.
    pub(crate) fn take(&mut self, now: Duration) -> Option<u64> {
        let (due, number) = self.order.first().copied().filter(|(due, _)| *due <= now)?;
        self.order.remove(&(due, number));
        match self.timers.get_mut(&number).and_then(|timer| Some((timer.repeat?, timer))) {
            Some((repeat, timer)) => {
                timer.due = (due + repeat).max(now + SHORTEST_REPEAT);
                self.order.insert((timer.due, number));
            }
            None => {
                self.timers.remove(&number);
            }
        }
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn timers_fire_in_order_of_time_and_repeating_ones_again() {
        let mut timers = Timers::default();
        timers.set(1, at(0), 30, false, None);
        timers.set(2, at(0), 10, true, None);
        assert_eq!(timers.next(), Some(at(10)));
        assert_eq!(timers.take(at(9)), None);
        assert_eq!(timers.take(at(30)), Some(2));
        assert_eq!(timers.take(at(30)), Some(1));
        assert_eq!(timers.take(at(30)), None);
        assert_eq!(timers.next(), Some(at(31)));
        assert_eq!(timers.len(), 1);
    }

    #[test]
    fn a_second_set_replaces_the_first_and_a_session_takes_its_own_along() {
        let mut timers = Timers::default();
        timers.set(1, at(0), 10, false, Some(7));
        timers.set(1, at(0), 50, false, Some(7));
        timers.set(2, at(0), 20, false, None);
        assert_eq!(timers.take(at(20)), Some(2));
        timers.session_ended(7);
        assert_eq!((timers.len(), timers.next()), (0, None));
    }

    #[test]
    fn a_timer_of_no_time_that_repeats_does_not_fire_twice_in_one_moment() {
        let mut timers = Timers::default();
        timers.set(1, at(5), 0, true, None);
        assert_eq!(timers.take(at(5)), Some(1));
        assert_eq!(timers.take(at(5)), None);
        timers.set(2, at(5), u64::MAX, true, None);
        assert_eq!(timers.take(at(6)), Some(1));
    }
}
