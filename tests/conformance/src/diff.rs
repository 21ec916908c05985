//! Differences between what was wanted and what was found, for people to read.

use core::ops::Range;

use medley_wire::codec::Trace;
use serde_json::Value;

/// Longest value that a difference shows.
const MAX_SHOWN: usize = 160;

fn shown(value: &Value) -> String {
    let mut text = value.to_string();
    if text.len() > MAX_SHOWN {
        text.truncate(text.floor_char_boundary(MAX_SHOWN - 3));
        text.push_str("...");
    }
    text
}

/// The same number, whether it is written `1` or `1.0`, and whether it went through 32 bits or not.
fn same_number(a: &Value, b: &Value) -> bool {
    if a == b {
        return true;
    }
    if !a.is_f64() && !b.is_f64() {
        return false;
    }
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a as f32).to_bits() == (b as f32).to_bits(),
        _ => false,
    }
}

/// Each field in which two JSON views differ: `Path: wanted .., found ..`.
#[must_use]
pub fn fields(wanted: &Value, found: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    compare("", wanted, found, &mut differences);
    differences
}

fn compare(path: &str, wanted: &Value, found: &Value, out: &mut Vec<String>) {
    let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            for (name, value) in wanted {
                match found.get(name) {
                    Some(other) => compare(&at(name), value, other, out),
                    None => out.push(format!("field {}: wanted {}, found nothing", at(name), shown(value))),
                }
            }
            for (name, value) in found.iter().filter(|(name, _)| !wanted.contains_key(*name)) {
                out.push(format!("field {}: wanted nothing, found {}", at(name), shown(value)));
            }
        }
        (Value::Array(wanted), Value::Array(found)) => {
            for (i, (a, b)) in wanted.iter().zip(found).enumerate() {
                compare(&at(&i.to_string()), a, b, out);
            }
            if wanted.len() != found.len() {
                let name = if path.is_empty() { "the array" } else { path };
                out.push(format!("field {name}: wanted {} values, found {}", wanted.len(), found.len()));
            }
        }
        (Value::Number(_), Value::Number(_)) if same_number(wanted, found) => {}
        _ if wanted == found => {}
        _ => {
            let name = if path.is_empty() { "the whole" } else { path };
            out.push(format!("field {name}: wanted {}, found {}", shown(wanted), shown(found)));
        }
    }
}

/// The first difference of two byte strings, with its offset and what stands around it. `None` if they are equal.
///
/// `name` gives the field at an offset, if it is known.
#[must_use]
pub fn bytes(
    what: &str,
    wanted: &[u8],
    found: &[u8],
    name: impl Fn(usize) -> Option<String>,
) -> Option<String> {
    if wanted == found {
        return None;
    }
    let at =
        wanted.iter().zip(found).position(|(a, b)| a != b).unwrap_or_else(|| wanted.len().min(found.len()));
    let field = name(at).map_or_else(String::new, |name| format!(" (field {name})"));
    let lengths = if wanted.len() == found.len() {
        String::new()
    } else {
        format!("; {} bytes wanted, {} found", wanted.len(), found.len())
    };
    Some(format!(
        "{what}: differs at offset {at}{field}{lengths}\n  wanted {}\n  found  {}",
        around(wanted, at),
        around(found, at)
    ))
}

/// Up to eight bytes before and sixteen from `at` on, the bytes from `at` on behind a bar.
fn around(bytes: &[u8], at: usize) -> String {
    let start = at.saturating_sub(8);
    let before = bytes.get(start..at.min(bytes.len())).unwrap_or_default();
    let after = bytes.get(at..(at + 16).min(bytes.len())).unwrap_or_default();
    let more = if at + 16 < bytes.len() { ".." } else { "" };
    let less = if start > 0 { ".." } else { "" };
    format!("{less}{}|{}{more}", hex::encode(before), hex::encode(after))
}

/// The innermost field of a trace that holds the byte at `offset`.
#[must_use]
pub fn field_at(trace: &Trace, offset: usize) -> Option<String> {
    let holds = trace.fields.iter().filter(|(_, range)| range.contains(&offset));
    holds.min_by_key(|(_, range)| range.len()).map(|(name, _)| name.clone())
}

/// A stretch of bytes that a re-encoded body need not repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Pad, or behind the NUL of a text.
    pub why: medley_wire::codec::IgnoredBytes,
    /// The text field; empty for a pad.
    pub field: String,
    /// Where.
    pub range: Range<usize>,
    /// What stands there.
    pub bytes: Vec<u8>,
}

/// Compares a body with what its decoded message encodes to. Pads and bytes behind a NUL may differ; those that do
/// are listed.
///
/// # Errors
/// The first other difference.
pub fn body(what: &str, original: &[u8], encoded: &[u8], trace: &Trace) -> Result<Vec<Ignored>, String> {
    let mut expected = original.to_vec();
    let mut ignored = Vec::new();
    for (why, range) in &trace.ignored {
        let (Some(bytes), Some(ours)) = (expected.get_mut(range.clone()), encoded.get(range.clone())) else {
            continue;
        };
        if bytes != ours {
            let field = field_at(trace, range.start).unwrap_or_default();
            ignored.push(Ignored { why: *why, field, range: range.clone(), bytes: bytes.to_vec() });
            bytes.copy_from_slice(ours);
        }
    }
    // Some senders leave out the pad at a body's end (messages.md section 6); three bytes at most.
    if let Some(tail) = encoded.strip_prefix(expected.as_slice())
        && tail.len() <= 3
        && tail.iter().all(|byte| *byte == 0)
        && trace.fields.last().is_none_or(|(_, range)| range.end <= expected.len())
    {
        expected.extend_from_slice(tail);
    }
    match bytes(what, &expected, encoded, |offset| field_at(trace, offset)) {
        None => Ok(ignored),
        Some(difference) => Err(difference),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_difference_names_the_path_and_both_values() {
        let wanted = json!({ "A": 1, "B": { "C": [1, 2] }, "D": 0.1 });
        let found = json!({ "A": 1, "B": { "C": [1, 3] }, "D": f64::from(0.1_f32), "E": 5 });
        assert_eq!(
            fields(&wanted, &found),
            ["field B.C.1: wanted 2, found 3", "field E: wanted nothing, found 5"]
        );
    }

    #[test]
    fn a_byte_difference_names_offset_and_lengths() {
        let text = bytes("frame", &[1, 2, 3], &[1, 2, 4, 5], |at| Some(format!("f{at}"))).unwrap();
        assert_eq!(
            text,
            "frame: differs at offset 2 (field f2); 3 bytes wanted, 4 found\n  wanted 0102|03\n  found  0102|0405"
        );
        assert_eq!(bytes("frame", &[1], &[1], |_| None), None);
    }
}
