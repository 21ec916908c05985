//! Recorded sessions as input: the application messages of a capture, one after the other.

use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

use super::Harness;
use crate::manifest::Subscription;
use crate::plugin::Manifest;
use crate::types::{Message, Verdict, Who};

/// A recorded application message.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// True: from the client.
    pub from_client: bool,
    /// MAS, MLS, ... as the capture names it.
    pub server: String,
    /// The message.
    pub message: Message,
}

/// The application messages of a capture file: a JSON object a line, with `dir` (`c2s`, `s2c`), `server`, `rt_name` and
/// `plain_hex`, the deciphered body. Lines whose body nobody deciphered are left out and counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Capture {
    /// In the order they were sent.
    pub messages: Vec<Recorded>,
    /// Application messages that are still enciphered.
    pub closed: usize,
}

/// Why a capture could not be read.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// The file.
    #[error("{path}: {source}")]
    Read {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of it.
    #[error("{path}:{line}: {why}")]
    Line {
        /// Where.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Why.
        why: String,
    },
}

impl Capture {
    /// Reads a file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, CaptureError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|source| CaptureError::Read { path: path.to_owned(), source })?;
        let mut capture = Self::default();
        for (line, row) in (1..).zip(text.lines()) {
            let wrong = |why: String| CaptureError::Line { path: path.to_owned(), line, why };
            let row: Value = serde_json::from_str(row).map_err(|error| wrong(error.to_string()))?;
            let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
            let name = text("rt_name");
            if name != "CLIENT_APP_TOSERVER" && name != "SERVER_APP" {
                continue;
            }
            let plain = text("plain_hex");
            if plain.is_empty() {
                capture.closed += 1;
                continue;
            }
            let bytes = hex::decode(plain).map_err(|error| wrong(format!("plain_hex: {error}")))?;
            let [class, id, body @ ..] = bytes.as_slice() else {
                return Err(wrong(format!(
                    "an application message has at least 2 bytes, this has {}",
                    bytes.len()
                )));
            };
            let message = Message { class: *class, id: *id, body: body.to_vec() };
            let server = text("server").to_owned();
            capture.messages.push(Recorded { from_client: text("dir") == "c2s", server, message });
        }
        Ok(capture)
    }
}

impl<P: Manifest> Harness<P> {
    /// Feeds the messages of a capture to `incoming` and `outgoing`, those that are subscribed, as `who`'s; what was said to each.
    pub fn replay<'c>(&mut self, who: &Who, capture: &'c Capture) -> Vec<(&'c Recorded, Verdict<Message>)> {
        let subscriptions = P::subscriptions();
        let wanted = |recorded: &&Recorded| {
            let (direction, message) = (if recorded.from_client { 1 } else { 2 }, &recorded.message);
            subscriptions.iter().any(|subscription| match subscription {
                Subscription::Message(filter) => {
                    filter.class == message.class
                        && filter.id.is_none_or(|id| id == message.id)
                        && filter.direction & direction != 0
                }
                _ => false,
            })
        };
        let mut verdicts = Vec::new();
        for recorded in capture.messages.iter().filter(wanted) {
            let message = recorded.message.clone();
            let verdict =
                if recorded.from_client { self.incoming(who, message) } else { self.outgoing(who, message) };
            verdicts.push((recorded, verdict));
        }
        verdicts
    }
}
