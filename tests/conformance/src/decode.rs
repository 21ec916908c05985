//! Explains one frame, or one application message, to a person: bytes and keys in, JSON out.

use core::ops::Range;

use medley_crypto::{Context, Hash, KEY_LEN, KeyStore, Suite, SymmetricKey};
use medley_wire::codec::{IgnoredBytes, Trace};
use medley_wire::frame::{Header, MAX_BODY};
use medley_wire::messages::{AnyMessage, Direction};
use medley_wire::{Dialect, RtId, RtMessage};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::capture::Side;

/// What the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A frame if it fits, else an application payload.
    Guess,
    /// One frame.
    Frame,
    /// Frames back to back: a datagram, or a piece of a stream.
    Frames,
    /// Class, id and body.
    App,
}

/// How to read and what to show.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the bytes are.
    pub input: Input,
    /// Version and title.
    pub dialect: Dialect,
    /// The cipher suite; both are tried if it is not given.
    pub suite: Option<Suite>,
    /// Session keys.
    pub keys: Vec<SymmetricKey>,
    /// Names of RSA pairs of the built-in key store; all are tried if none is given.
    pub rsa: Vec<String>,
    /// Who sent it, if known.
    pub side: Option<Side>,
    /// Show where each field lies.
    pub offsets: bool,
    /// Show the names of enum values too.
    pub names: bool,
}

/// Why the bytes cannot be explained.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeFailure {
    /// No bytes.
    #[error("nothing to decode: the input is empty")]
    Empty,
    /// Not hexadecimal.
    #[error(
        "character {position} is {found:?}: wanted hexadecimal digits (blanks, colons, commas and 0x are skipped)"
    )]
    NotHex {
        /// Counted from 1.
        position: usize,
        /// What is there.
        found: char,
    },
    /// Half a byte.
    #[error("{digits} hexadecimal digits: wanted an even number")]
    OddDigits {
        /// How many.
        digits: usize,
    },
    /// A header that does not fit its bytes.
    #[error(
        "no frame: the header says {id} with a body of {length} bytes, {wanted} bytes in all, and {found} are given{hint}"
    )]
    Length {
        /// Message id.
        id: RtId,
        /// Body length.
        length: usize,
        /// Whole frame.
        wanted: usize,
        /// Given.
        found: usize,
        /// What may help.
        hint: &'static str,
    },
    /// Cut inside the header.
    #[error("no frame: {found} bytes end inside a header, which takes 3, or 7 with a hash")]
    Header {
        /// Given.
        found: usize,
    },
    /// No such RSA pair.
    #[error("no RSA pair {name:?} in the built-in key store; there are {known}")]
    NoSuchRsaKey {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
}

/// Reads hexadecimal digits as people paste them.
///
/// # Errors
/// Another character, an odd number of digits, or none.
pub fn parse_hex(text: &str) -> Result<Vec<u8>, DecodeFailure> {
    let mut digits = String::with_capacity(text.len());
    let mut characters = text.chars().enumerate().peekable();
    while let Some((i, character)) = characters.next() {
        match character {
            '0' if characters.next_if(|(_, next)| matches!(next, 'x' | 'X')).is_some() => {}
            _ if character.is_ascii_hexdigit() => digits.push(character),
            _ if character.is_whitespace() || matches!(character, ':' | ',' | '-' | '_' | '"' | '|') => {}
            found => return Err(DecodeFailure::NotHex { position: i + 1, found }),
        }
    }
    if digits.is_empty() {
        return Err(DecodeFailure::Empty);
    }
    hex::decode(&digits).map_err(|_| DecodeFailure::OddDigits { digits: digits.len() })
}

/// Explains `bytes`.
///
/// # Errors
/// The bytes are no frame, or a key is not known. What is inside a frame and does not decode is told in the JSON.
pub fn explain(bytes: &[u8], request: &Request) -> Result<Value, DecodeFailure> {
    if bytes.is_empty() {
        return Err(DecodeFailure::Empty);
    }
    let store = KeyStore::embedded().unwrap_or_default();
    for name in &request.rsa {
        if store.pair(name).is_none() {
            let known = store.pairs().map(|entry| entry.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(DecodeFailure::NoSuchRsaKey { name: name.clone(), known });
        }
    }
    match request.input {
        Input::App => Ok(app(bytes, request)),
        Input::Frame => one_frame(bytes, request, &store, "; several frames need --udp, a payload --app"),
        Input::Frames => {
            let mut frames = Vec::new();
            let mut left = bytes;
            while !left.is_empty() {
                let total = match Header::parse(left) {
                    Ok(Some(header)) if header.total() <= left.len() => header.total(),
                    _ if !frames.is_empty() => {
                        frames.push(json!({ "tail": hex::encode(left), "why": "no whole frame: ignored on the wire" }));
                        break;
                    }
                    _ => left.len(),
                };
                let (frame, later) = left.split_at(total);
                frames.push(one_frame(frame, request, &store, "")?);
                left = later;
            }
            Ok(Value::Array(frames))
        }
        Input::Guess => {
            match one_frame(bytes, request, &store, "; several frames need --udp, a payload --app") {
                // Class bytes go from 0 to 5, and nothing of that shape is a frame by chance and fits its length.
                Err(_)
                    if bytes.first().is_some_and(|class| *class <= 5)
                        && bytes.len() >= 2
                        && known_app(bytes) =>
                {
                    Ok(app(bytes, request))
                }
                other => other,
            }
        }
    }
}

fn known_app(bytes: &[u8]) -> bool {
    let [class, id, ..] = bytes else { return false };
    medley_wire::messages::info(medley_wire::enums::NetMessageClass(*class), (*id).into()).is_some()
}

fn one_frame(
    bytes: &[u8],
    request: &Request,
    store: &KeyStore,
    hint: &'static str,
) -> Result<Value, DecodeFailure> {
    let header = match Header::parse(bytes) {
        Ok(Some(header)) => header,
        Ok(None) => return Err(DecodeFailure::Header { found: bytes.len() }),
        Err(error) => {
            let hint = if error.length > MAX_BODY { "; no body is longer than 16384 bytes" } else { hint };
            return Err(DecodeFailure::Length {
                id: error.id,
                length: error.length,
                wanted: error.length + if bytes[0] & 0x80 == 0 { 3 } else { 7 },
                found: bytes.len(),
                hint,
            });
        }
    };
    if header.total() != bytes.len() {
        return Err(DecodeFailure::Length {
            id: header.id,
            length: header.length,
            wanted: header.total(),
            found: bytes.len(),
            hint,
        });
    }
    let mut out = Map::new();
    out.insert("rt_id".into(), header.id.0.into());
    out.insert("rt_name".into(), header.id.name().into());
    out.insert("length".into(), header.length.into());
    let body = &bytes[header.body..];
    let plain = match header.hash.map(Hash) {
        None => {
            out.insert("cipher".into(), "none".into());
            Some(body.to_vec())
        }
        Some(hash) => {
            out.insert("hash".into(), hash.to_string().into());
            out.insert("context".into(), hash.context().bits().into());
            out.insert("context_name".into(), hash.context().to_string().into());
            match open(header.id, hash, body, request, store) {
                Ok((plain, cipher)) => {
                    out.insert("cipher".into(), cipher.into());
                    Some(plain)
                }
                Err(why) => {
                    out.insert("cipher".into(), Value::Null);
                    out.insert("error".into(), why.into());
                    None
                }
            }
        }
    };
    match plain {
        Some(plain) => {
            out.insert("plain_hex".into(), hex::encode(&plain).into());
            message(header.id, &plain, request, &mut out);
        }
        None => {
            out.insert("body_hex".into(), hex::encode(body).into());
        }
    }
    Ok(Value::Object(out))
}

fn open(
    id: RtId,
    hash: Hash,
    body: &[u8],
    request: &Request,
    store: &KeyStore,
) -> Result<(Vec<u8>, String), String> {
    if hash.is_null() {
        return Ok((body.to_vec(), "null hash: clear text".into()));
    }
    let suites = request.suite.map_or_else(
        || {
            let likely = Suite::for_medius_version(request.dialect.medius_version);
            let other = if likely == Suite::Ps2 { Suite::Ps3 } else { Suite::Ps2 };
            vec![likely, other]
        },
        |suite| vec![suite],
    );
    if hash.context() == Context::RSA_AUTH {
        let cipher = <&[u8; KEY_LEN]>::try_from(body)
            .map_err(|_| format!("RSA needs a body of {KEY_LEN} bytes, found {}", body.len()))?;
        for suite in &suites {
            let wanted = |name: &String| request.rsa.is_empty() || request.rsa.contains(name);
            for entry in store.pairs().filter(|entry| wanted(&entry.name)) {
                if let Ok(plain) = entry.pair.decrypt(*suite, hash, cipher) {
                    return Ok((
                        plain.to_vec(),
                        format!("RSA, {} hash, key {}", suite_name(*suite), entry.name),
                    ));
                }
            }
        }
        return Err("no RSA pair of the built-in key store opens it".into());
    }
    for suite in &suites {
        for prefix in crate::capture::clear_prefixes(id, body) {
            for (i, key) in request.keys.iter().enumerate() {
                let mut plain = body.to_vec();
                if suite.decrypt_in_place(key, hash, &mut plain[prefix..]).is_ok() {
                    let clear =
                        if prefix > 0 { format!(", first {prefix} bytes in clear") } else { String::new() };
                    return Ok((plain, format!("{}, key {}{clear}", suite_name(*suite), i + 1)));
                }
            }
        }
    }
    let names = suites.iter().map(|suite| suite_name(*suite)).collect::<Vec<_>>().join(" and ");
    Err(match request.keys.len() {
        0 => format!("enciphered under {}: --key is needed", hash.context()),
        1 => format!("the key does not open it ({names} tried): the hash does not verify"),
        several => format!("none of {several} keys opens it ({names} tried): the hash does not verify"),
    })
}

const fn suite_name(suite: Suite) -> &'static str {
    match suite {
        Suite::Ps2 => "ps2",
        Suite::Ps3 => "ps3",
    }
}

fn message(id: RtId, plain: &[u8], request: &Request, out: &mut Map<String, Value>) {
    let d = &request.dialect;
    let (message, trace, surplus) = match RtMessage::decode_traced(id, plain, d) {
        Ok(decoded) => decoded,
        Err(error) => {
            let asked = format!("{error} (version {}, app id {})", d.medius_version, d.app_id);
            out.insert("error".into(), asked.into());
            return;
        }
    };
    match &message {
        RtMessage::ServerApp(payload) | RtMessage::ClientAppToServer(payload) => {
            out.insert("app".into(), app(&payload.payload.0, request));
            return;
        }
        RtMessage::ClientMultiAppToServer(container) | RtMessage::ServerMultiAppToClient(container) => {
            let messages = container.messages.iter().map(|inner| {
                let mut each = Map::new();
                each.insert("rt_id".into(), inner.id.into());
                each.insert("rt_name".into(), RtId(inner.id).name().into());
                each.insert("plain_hex".into(), hex::encode(&inner.body.0).into());
                // A container in a container is not known; do not let one nest without end.
                let nested = [RtId::CLIENT_MULTI_APP_TOSERVER, RtId::SERVER_MULTI_APP_TOCLIENT]
                    .contains(&RtId(inner.id));
                if inner.id & 0x80 != 0 || nested {
                    each.insert("error".into(), "no legal id inside a container".into());
                } else {
                    self::message(RtId(inner.id), &inner.body.0, request, &mut each);
                }
                Value::Object(each)
            });
            let messages = messages.collect();
            out.insert("messages".into(), messages);
            return;
        }
        RtMessage::Unknown { .. } => {
            out.insert("note".into(), "no layout is known for this id".into());
        }
        _ => {}
    }
    out.insert("fields".into(), message.to_json());
    if request.names {
        out.insert("names".into(), format!("{message:#?}").into());
    }
    more(&trace, surplus, plain, request, out);
    // In-game messages of the DME library; several may stand back to back, only the first is looked at.
    let relayed = match &message {
        RtMessage::ClientAppBroadcast(broadcast) => &broadcast.payload.0,
        RtMessage::ClientAppSingle(single) => &single.payload.0,
        RtMessage::ClientAppList(list) => &list.payload.0,
        _ => return,
    };
    if relayed.first() == Some(&0) && relayed.len() >= 2 {
        out.insert("first_payload_message".into(), app(relayed, request));
    }
}

/// Class, id and body of an application message.
fn app(payload: &[u8], request: &Request) -> Value {
    let d = &request.dialect;
    let mut out = Map::new();
    if let [class, id, ..] = payload {
        out.insert("class".into(), (*class).into());
        out.insert("id".into(), (*id).into());
    }
    match AnyMessage::decode_traced(payload, d) {
        Err(error) => {
            if let [class, id, ..] = payload {
                let info =
                    medley_wire::messages::info(medley_wire::enums::NetMessageClass(*class), (*id).into());
                out.insert("name".into(), info.map(|info| info.name).into());
            }
            let asked = format!("{error} (version {}, app id {})", d.medius_version, d.app_id);
            out.insert("error".into(), asked.into());
            out.insert("plain_hex".into(), hex::encode(payload).into());
        }
        Ok((message, decoded)) => {
            out.insert("name".into(), message.info().map(|info| info.name).into());
            if let Some(info) = message.info() {
                let direction = match info.direction {
                    Direction::ClientToServer => "c2s",
                    Direction::ServerToClient => "s2c",
                    Direction::Both => "both",
                };
                out.insert("direction".into(), direction.into());
                if let Some(side) = request.side
                    && direction != "both"
                    && direction != side.to_string()
                {
                    out.insert("warning".into(), format!("a message {direction}, sent {side}").into());
                }
                if let Some(answer) = info.answer {
                    out.insert("answer".into(), answer.into());
                }
            } else {
                out.insert("note".into(), "no layout is known for this class and id".into());
            }
            out.insert("fields".into(), message.to_json());
            if request.names {
                out.insert("names".into(), format!("{message:#?}").into());
            }
            let body = payload.get(2..).unwrap_or_default();
            more(&decoded.trace.unwrap_or_default(), decoded.surplus, body, request, &mut out);
        }
    }
    Value::Object(out)
}

/// Offsets, if they are wanted, and bytes that belong to no field.
fn more(trace: &Trace, surplus: usize, body: &[u8], request: &Request, out: &mut Map<String, Value>) {
    if surplus > 0 {
        let tail = body.get(body.len().saturating_sub(surplus)..).unwrap_or_default();
        out.insert("surplus".into(), hex::encode(tail).into());
    }
    if !request.offsets {
        return;
    }
    let place = |range: &Range<usize>| {
        let bytes = body.get(range.clone()).unwrap_or_default();
        (range.start, range.len(), hex::encode(bytes))
    };
    let fields = trace.fields.iter().map(|(name, range)| {
        let (offset, length, hex) = place(range);
        json!({ "field": name, "offset": offset, "length": length, "hex": hex })
    });
    out.insert("offsets".into(), fields.collect());
    let ignored = trace.ignored.iter().filter(|(_, range)| body[range.clone()].iter().any(|byte| *byte != 0));
    let ignored = ignored.map(|(why, range)| {
        let (offset, length, hex) = place(range);
        let why = match why {
            IgnoredBytes::Pad => "pad",
            IgnoredBytes::BehindNul => "behind a NUL",
        };
        json!({ "why": why, "offset": offset, "length": length, "hex": hex })
    });
    out.insert("leftovers".into(), ignored.collect());
}
