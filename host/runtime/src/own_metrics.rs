//! Numbers that a plugin counts itself.

use std::collections::HashMap;

use metrics::{Counter, Gauge, Label, counter, gauge};

use crate::metrics::{OWN_COUNTER, OWN_GAUGE};

/// Most names that a plugin may use, counters and gauges together: each is a series for the operator's database.
const MAX_NAMES: usize = 64;
/// Longest name, in bytes.
const MAX_NAME: usize = 64;

/// A plugin's counters and gauges by name.
#[derive(Default)]
pub(crate) struct OwnMetrics {
    counters: HashMap<String, Counter>,
    gauges: HashMap<String, Gauge>,
}

impl OwnMetrics {
    /// False: the name is not `[a-z0-9_-]`, too long, or one too many.
    pub(crate) fn add(&mut self, title: &str, name: String, by: u64) -> bool {
        if !self.allowed(&name, self.counters.contains_key(&name)) {
            return false;
        }
        let make = |name: &String| counter!(OWN_COUNTER, labels(title, name));
        self.counters.entry(name).or_insert_with_key(make).increment(by);
        true
    }

    /// As [`Self::add`].
    pub(crate) fn set(&mut self, title: &str, name: String, to: f64) -> bool {
        if !self.allowed(&name, self.gauges.contains_key(&name)) {
            return false;
        }
        let make = |name: &String| gauge!(OWN_GAUGE, labels(title, name));
        self.gauges.entry(name).or_insert_with_key(make).set(to);
        true
    }

    fn allowed(&self, name: &str, known: bool) -> bool {
        let legal =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
        known
            || (!name.is_empty()
                && name.len() <= MAX_NAME
                && name.bytes().all(legal)
                && self.counters.len() + self.gauges.len() < MAX_NAMES)
    }
}

fn labels(title: &str, name: &str) -> Vec<Label> {
    vec![Label::new("title", title.to_owned()), Label::new("name", name.to_owned())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_in_number_and_form() {
        let mut own = OwnMetrics::default();
        assert!(!own.add("title", "Shots fired".to_owned(), 1));
        assert!(!own.add("title", "a".repeat(MAX_NAME + 1), 1));
        for number in 0..MAX_NAMES {
            assert!(own.add("title", format!("shots-{number}"), 1));
        }
        assert!(!own.set("title", "one-too-many".to_owned(), 1.0));
        assert!(own.add("title", "shots-0".to_owned(), 1));
    }
}
