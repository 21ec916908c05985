//! The counters of one title's plugin, looked up once so that a call costs an addition.

use std::time::Duration;

use metrics::{Counter, Gauge, Label, counter, gauge, histogram};

use crate::error::FailureKind;
use crate::hook::Hook;
use crate::metrics::{
    CALL_NANOSECONDS, CALLS, FAILURES, HOST_REFUSALS, LOG_DROPPED, MEMORY, QUARANTINES, RESTARTS, SWAP_PAUSE,
    SWAPS,
};

/// Counters of one title, by hook where it matters.
pub(crate) struct Meter {
    /// `None`: nothing is counted.
    title: Option<String>,
    hooks: Vec<(Counter, Counter)>,
    log_dropped: Counter,
    memory: Gauge,
}

impl Meter {
    pub(crate) fn new(title: &str) -> Self {
        let label = || Label::new("title", title.to_owned());
        let of_hook = |name, hook: &Hook| counter!(name, vec![label(), Label::new("hook", hook.name())]);
        Self {
            title: Some(title.to_owned()),
            hooks: Hook::ALL
                .iter()
                .map(|hook| (of_hook(CALLS, hook), of_hook(CALL_NANOSECONDS, hook)))
                .collect(),
            log_dropped: counter!(LOG_DROPPED, vec![label()]),
            memory: gauge!(MEMORY, vec![label()]),
        }
    }

    /// Counts nothing: for instances that do not serve.
    pub(crate) fn none() -> Self {
        Self { title: None, hooks: Vec::new(), log_dropped: Counter::noop(), memory: Gauge::noop() }
    }

    #[inline]
    pub(crate) fn called(&self, hook: Hook, took: Duration) {
        if let Some((calls, nanoseconds)) = self.hooks.get(hook as usize) {
            calls.increment(1);
            nanoseconds.increment(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    pub(crate) fn failed(&self, hook: Hook, kind: FailureKind) {
        self.count(FAILURES, &[("hook", hook.name()), ("kind", kind.label())]);
    }

    pub(crate) fn restarted(&self) {
        self.count(RESTARTS, &[]);
    }

    pub(crate) fn quarantined(&self) {
        self.count(QUARANTINES, &[]);
    }

    pub(crate) fn swapped(&self, result: &'static str, pause: Duration) {
        self.count(SWAPS, &[("result", result)]);
        if let Some(title) = &self.title {
            histogram!(SWAP_PAUSE, "title" => title.clone()).record(pause.as_secs_f64());
        }
    }

    pub(crate) fn log_dropped(&self) {
        self.log_dropped.increment(1);
    }

    pub(crate) fn refused(&self, reason: &'static str) {
        self.count(HOST_REFUSALS, &[("reason", reason)]);
    }

    /// An instance had so many bytes of memory and has so many now.
    pub(crate) fn memory(&self, before: usize, after: usize) {
        #[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 bytes")]
        self.memory.increment(after as f64 - before as f64);
    }

    fn count(&self, name: &'static str, labels: &[(&'static str, &'static str)]) {
        if let Some(title) = &self.title {
            let title = Label::new("title", title.clone());
            let labels = labels.iter().map(|(key, value)| Label::new(*key, *value));
            counter!(name, std::iter::once(title).chain(labels).collect::<Vec<_>>()).increment(1);
        }
    }
}
