//! Deadlines, in order.

use std::collections::{BTreeMap, BTreeSet};

use medley_wire::MediusWorldId;
use serde::Serialize;

use crate::types::{AccessKey, RequestId, SessionKey};

/// What a deadline is about. Who is called decides anew whether anything is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Timer {
    Session(SessionKey),
    Key(AccessKey),
    Channel(MediusWorldId),
    Game(MediusWorldId),
    Request(RequestId),
    Match(SessionKey),
}

/// At most one entry a timer: bounded by the things that have one.
///
/// A later deadline leaves the entry where it is: when it comes up, the owner says when it is due really. So keeping a
/// session alive costs nothing here.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Timers {
    queue: BTreeSet<(u64, Timer)>,
    at: BTreeMap<Timer, u64>,
}

impl Timers {
    pub(crate) fn schedule(&mut self, timer: Timer, at: u64) {
        match self.at.get(&timer) {
            Some(scheduled) if *scheduled <= at => {}
            _ => {
                self.cancel(timer);
                self.queue.insert((at, timer));
                self.at.insert(timer, at);
            }
        }
    }

    pub(crate) fn cancel(&mut self, timer: Timer) {
        if let Some(at) = self.at.remove(&timer) {
            self.queue.remove(&(at, timer));
        }
    }

    pub(crate) fn due(&mut self, now: u64) -> Option<Timer> {
        let (at, timer) = *self.queue.first()?;
        if at > now {
            return None;
        }
        self.cancel(timer);
        Some(timer)
    }

    pub(crate) fn next(&self) -> Option<u64> {
        self.queue.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_comes_up_once_at_its_earliest_time() {
        let (a, b) = (Timer::Session(SessionKey(1)), Timer::Session(SessionKey(2)));
        let mut timers = Timers::default();
        timers.schedule(a, 10);
        timers.schedule(a, 20);
        timers.schedule(b, 9);
        timers.schedule(b, 5);
        assert_eq!(timers.next(), Some(5));
        assert_eq!(timers.due(4), None);
        assert_eq!(timers.due(30), Some(b));
        assert_eq!(timers.due(30), Some(a));
        assert_eq!(timers.due(30), None);
        assert_eq!(timers.next(), None);
    }
}
