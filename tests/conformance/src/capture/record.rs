//! One line of a capture.

use core::fmt;

use medley_wire::frame::Header;
use serde_json::{Map, Value};

/// Who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// `c2s`
    Client,
    /// `s2c`
    Server,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "c2s",
            Self::Server => "s2c",
        })
    }
}

/// One captured frame or datagram. What the capture says about it beyond the bytes is optional, and checked.
#[derive(Clone, Debug)]
pub struct Record {
    /// Line in the file, from 1.
    pub line: usize,
    /// Seconds since the start.
    pub t: Option<f64>,
    /// Who sent it.
    pub side: Side,
    /// A datagram, or a frame of one.
    pub udp: bool,
    /// Connection within the file.
    pub conn: String,
    /// MUIS, MAS, MLS, DME, NAT, P2P.
    pub server: String,
    /// The raw bytes, header included.
    pub frame: Vec<u8>,
    /// `Some(None)`: the capture says that this is no RT frame. `None`: it says nothing.
    pub rt_id: Option<Option<u8>>,
    /// Name of the RT message.
    pub rt_name: Option<String>,
    /// `Some(None)`: the capture says that there is no hash.
    pub ctx: Option<Option<u8>>,
    /// How it is enciphered, in words.
    pub cipher: Option<String>,
    /// The plaintext, if it is known.
    pub plain: Option<Vec<u8>>,
    /// Class, id and name of the application message.
    pub medius: Option<Value>,
    /// The messages inside a container.
    pub sub: Option<Vec<Value>>,
}

type Problem = (String, String);

impl Record {
    /// Reads line number `line`; unknown keys are ignored.
    ///
    /// # Errors
    /// Place and problem: no JSON, a key is missing that cannot be done without, or has the wrong type.
    pub fn parse(line: usize, text: &str) -> Result<Self, Problem> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            (format!("line {line} column {}", error.column()), format!("no JSON: {error}"))
        })?;
        let Value::Object(object) = value else {
            return Err((format!("line {line}"), "wanted a JSON object".into()));
        };
        let keys = Keys { line, object: &object };
        let side = match keys.wanted_text("dir")? {
            "c2s" => Side::Client,
            "s2c" => Side::Server,
            other => return Err(keys.wrong("dir", "\"c2s\" or \"s2c\"", Some(&other.into()))),
        };
        let udp = match keys.text("proto")? {
            None | Some("tcp") => false,
            Some("udp") => true,
            Some(other) => return Err(keys.wrong("proto", "\"tcp\" or \"udp\"", Some(&other.into()))),
        };
        let conn = match keys.get("conn") {
            None => "0".into(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::String(text)) => text.clone(),
            other => return Err(keys.wrong("conn", "a number", other)),
        };
        let frame =
            keys.hex("frame_hex")?.ok_or_else(|| keys.wrong("frame_hex", "hexadecimal digits", None))?;
        let medius = match keys.get("medius") {
            None => None,
            Some(value @ Value::Object(_)) => Some(value.clone()),
            other => return Err(keys.wrong("medius", "an object with class and id", other)),
        };
        let sub = match keys.get("sub") {
            None => None,
            Some(Value::Array(messages)) => Some(messages.clone()),
            other => return Err(keys.wrong("sub", "a list of messages", other)),
        };
        Ok(Self {
            line,
            t: keys.get("t").and_then(Value::as_f64),
            side,
            udp,
            conn,
            server: keys.text("server")?.unwrap_or_default().to_owned(),
            frame,
            rt_id: keys.small("rt_id", 0x7f)?,
            rt_name: keys.text("rt_name")?.map(str::to_owned),
            ctx: keys.small("ctx", 7)?,
            cipher: keys.text("cipher")?.map(str::to_owned),
            plain: keys.hex("plain_hex")?,
            medius,
            sub,
        })
    }

    /// The frame's header, if the bytes are exactly one frame.
    #[must_use]
    pub fn header(&self) -> Option<Header> {
        Header::parse(&self.frame).ok().flatten().filter(|header| header.total() == self.frame.len())
    }

    /// The bytes are one whole frame.
    #[must_use]
    pub fn whole_frame(&self) -> bool {
        self.header().is_some()
    }

    /// An RT frame, by what the capture says, else by its look.
    #[must_use]
    pub fn is_rt(&self) -> bool {
        match self.rt_id {
            Some(id) => id.is_some(),
            None => !matches!(self.server.as_str(), "NAT" | "P2P") && self.whole_frame(),
        }
    }

    /// For reports.
    #[must_use]
    pub fn label(&self) -> String {
        let mut label = format!("line {}: connection {} {}", self.line, self.conn, self.side);
        if let Some(t) = self.t {
            label.push_str(&format!(" t {t}"));
        }
        if let Some(header) = self.header().filter(|_| self.is_rt()) {
            label.push_str(&format!(" {}", header.id));
        }
        label
    }
}

struct Keys<'v> {
    line: usize,
    object: &'v Map<String, Value>,
}

impl Keys<'_> {
    /// A null counts as missing.
    fn get(&self, key: &str) -> Option<&Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    fn wrong(&self, key: &str, wanted: &str, found: Option<&Value>) -> Problem {
        let mut found = found.map_or_else(|| "nothing".to_owned(), ToString::to_string);
        if found.len() > 60 {
            found.truncate(found.floor_char_boundary(57));
            found.push_str("...");
        }
        (format!("line {}: {key}", self.line), format!("wanted {wanted}, found {found}"))
    }

    fn text(&self, key: &str) -> Result<Option<&str>, Problem> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            other => Err(self.wrong(key, "a text", other)),
        }
    }

    fn wanted_text(&self, key: &str) -> Result<&str, Problem> {
        self.text(key)?.ok_or_else(|| self.wrong(key, "a text", None))
    }

    fn hex(&self, key: &str) -> Result<Option<Vec<u8>>, Problem> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        match hex::decode(text) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(_) => Err(self.wrong(key, "an even number of hexadecimal digits", Some(&text.into()))),
        }
    }

    /// Missing, null, or a number up to `most`.
    fn small(&self, key: &str, most: u8) -> Result<Option<Option<u8>>, Problem> {
        match self.object.get(key) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            found => {
                let number = found.and_then(Value::as_u64).and_then(|number| u8::try_from(number).ok());
                match number.filter(|number| *number <= most) {
                    Some(number) => Ok(Some(Some(number))),
                    None => Err(self.wrong(key, &format!("a number from 0 to {most}"), found)),
                }
            }
        }
    }
}
