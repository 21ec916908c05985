//! What guests log, as events of the host's own log.

use std::fmt::Write as _;

use tracing::Level;

use crate::instance::State;

/// Longest text, in bytes.
const MAX_LINE: usize = 4096;
/// Most fields of a line.
const MAX_FIELDS: usize = 16;
/// Longest name and longest value of a field, in bytes.
const MAX_FIELD: usize = 256;

/// Writes a line of the guest.
pub(crate) fn write(state: &State, level: u8, text: &str, fields: &[(String, String)]) {
    macro_rules! say {
        ($level:expr) => {
            if tracing::enabled!(target: "medley_plugin", $level) {
                let (text, fields) = (printable(text, MAX_LINE), join(fields));
                tracing::event!(
                    target: "medley_plugin",
                    $level,
                    title = %state.env.title,
                    plugin = %state.plugin,
                    generation = state.env.generation,
                    hook = state.hook.name(),
                    fields,
                    "{text}"
                );
            }
        };
    }
    match level {
        1 => say!(Level::ERROR),
        2 => say!(Level::WARN),
        3 => say!(Level::INFO),
        5 => say!(Level::TRACE),
        _ => say!(Level::DEBUG),
    }
}

fn join(fields: &[(String, String)]) -> String {
    let mut joined = String::new();
    for (name, value) in fields.iter().take(MAX_FIELDS) {
        let gap = if joined.is_empty() { "" } else { " " };
        let (name, value) = (printable(name, MAX_FIELD), printable(value, MAX_FIELD));
        // Writing to a string does not fail.
        let _ = write!(joined, "{gap}{name}={value}");
    }
    joined
}

/// The text within a bound, on one line, and without what a terminal would obey.
pub(crate) fn printable(text: &str, limit: usize) -> String {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut shown = String::with_capacity(end);
    for letter in text[..end].chars() {
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    if end < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_long_text_is_cut() {
        assert_eq!(printable("a\nb\u{1b}[31m", 100), "a\\nb\\u{1b}[31m");
        assert_eq!(printable("grüße", 3), "gr…");
        assert_eq!(printable("grüße", 4), "grü…");
    }

    #[test]
    fn fields_are_joined_and_bounded_in_number() {
        let field = |number: usize| (format!("k{number}"), "v".to_owned());
        let fields: Vec<_> = (0..20).map(field).collect();
        assert!(join(&fields).starts_with("k0=v k1=v "));
        assert_eq!(join(&fields).split(' ').count(), MAX_FIELDS);
    }
}
