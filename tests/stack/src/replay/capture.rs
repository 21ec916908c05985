//! Captured sessions: `shared/captures/*.jsonl`, one frame a line.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use medley_wire::fragment::Reassembly;
use medley_wire::{AnyMessage, AppId, Dialect, RtId, RtMessage};
use serde_json::Value;

/// Who sent a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The console, whose part is played.
    ToServer,
    /// The server, whose part is checked.
    ToClient,
}

/// Which server a connection went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Server {
    /// Universe information.
    Muis,
    /// Authentication.
    Mas,
    /// Lobby.
    Mls,
    /// Relay, TCP or UDP.
    Dme,
    /// Address service.
    Nat,
    /// Another console: nothing of the host's.
    Peer,
}

/// How a frame was covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cover {
    /// Bit 7 off, or no body.
    Clear,
    /// Hash of zero: plaintext.
    NullHash,
    /// The 512-bit RSA of the key messages.
    Rsa,
    /// Enciphered under this context: 1 game key, 3 peer key.
    Context(u8),
}

/// One frame of a capture.
#[derive(Clone, Debug)]
pub struct Record {
    /// Line of the file, from 1.
    pub line: usize,
    /// Seconds since the start of the capture.
    pub time: f64,
    /// Who sent it.
    pub direction: Direction,
    /// In a datagram.
    pub udp: bool,
    /// Number of the connection in the file.
    pub conn: usize,
    /// What the connection went to.
    pub server: Server,
    /// Offset in its stream or datagram: above 0 in a datagram, it shares that of the record before.
    pub offset: usize,
    /// RT id; `None` where the bytes are no RT frame.
    pub id: Option<RtId>,
    /// How it was covered.
    pub cover: Cover,
    /// The frame as it was, header included.
    pub frame: Vec<u8>,
    /// The plain body; `None` where nobody could read it.
    pub plain: Option<Vec<u8>>,
}

/// A captured session.
#[derive(Clone, Debug)]
pub struct Capture {
    /// File name without its suffix.
    pub name: String,
    /// RT version of the title.
    pub dialect: Dialect,
    /// Frames in the order of the file.
    pub records: Vec<Record>,
}

/// The shared data beside the checkout, or of `MEDLEY_SHARED`.
#[must_use]
pub fn shared() -> PathBuf {
    std::env::var_os("MEDLEY_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from)
}

/// The folder of the captures.
#[must_use]
pub fn folder() -> PathBuf {
    shared().join("captures")
}

/// Whether the captures are at hand. Where they are not, replays say that they checked nothing; continuous integration
/// must not be there.
///
/// # Errors
/// It is.
pub fn at_hand() -> Result<bool> {
    let folder = folder();
    if folder.is_dir() {
        return Ok(true);
    }
    if std::env::var_os("CI").is_some_and(|ci| ci == "true") {
        bail!("{} is not there; set MEDLEY_SHARED", folder.display());
    }
    eprintln!("{} is not there: nothing checked; set MEDLEY_SHARED", folder.display());
    Ok(false)
}

/// Names of all captures, sorted.
///
/// # Errors
/// The folder cannot be read.
pub fn names() -> Result<Vec<String>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder())? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "jsonl") {
            all.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    all.sort();
    Ok(all)
}

fn text<'v>(row: &'v Value, key: &str) -> Result<&'v str> {
    row.get(key).and_then(Value::as_str).with_context(|| format!("no text {key}"))
}

fn number(row: &Value, key: &str) -> Result<usize> {
    let number = row.get(key).and_then(Value::as_u64).with_context(|| format!("no number {key}"))?;
    Ok(usize::try_from(number)?)
}

fn record(line: usize, row: &Value) -> Result<Record> {
    let direction = match text(row, "dir")? {
        "c2s" => Direction::ToServer,
        "s2c" => Direction::ToClient,
        other => bail!("direction {other}"),
    };
    let server = match text(row, "server")? {
        "MUIS" => Server::Muis,
        "MAS" => Server::Mas,
        "MLS" => Server::Mls,
        "DME" => Server::Dme,
        "NAT" => Server::Nat,
        "P2P" => Server::Peer,
        other => bail!("server {other}"),
    };
    let context = row.get("ctx").and_then(Value::as_u64).and_then(|bits| u8::try_from(bits).ok());
    let cover = match (row.get("cipher").and_then(Value::as_str), context) {
        (Some("null-hash"), _) => Cover::NullHash,
        (_, Some(7)) => Cover::Rsa,
        (_, Some(bits)) => Cover::Context(bits),
        _ => Cover::Clear,
    };
    let id = row.get("rt_id").and_then(Value::as_u64).and_then(|id| u8::try_from(id).ok());
    Ok(Record {
        line,
        time: row.get("t").and_then(Value::as_f64).context("no time")?,
        direction,
        udp: text(row, "proto")? == "udp",
        conn: number(row, "conn")?,
        server,
        offset: number(row, "off")?,
        id: id.map(RtId),
        cover,
        frame: hex::decode(text(row, "frame_hex")?)?,
        plain: row.get("plain_hex").and_then(Value::as_str).map(hex::decode).transpose()?,
    })
}

impl Capture {
    /// Reads `name.jsonl` of the captures' folder.
    ///
    /// # Errors
    /// No file, or not of that shape.
    pub fn load(name: &str) -> Result<Self> {
        let path = folder().join(format!("{name}.jsonl"));
        let file = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let records = file
            .lines()
            .enumerate()
            .map(|(index, row)| {
                let row = serde_json::from_str(row)?;
                record(index + 1, &row).with_context(|| format!("{name}, line {}", index + 1))
            })
            .collect::<Result<Vec<_>>>()?;
        let dialect = dialect(name, &records);
        Ok(Self { name: name.to_owned(), dialect, records })
    }

    /// The frames of one direction that somebody could read, with the application messages they carry put together.
    pub fn messages(&self, direction: Direction) -> Vec<(&Record, Decoded)> {
        let mut decoders: std::collections::BTreeMap<usize, Decoder> = std::collections::BTreeMap::new();
        let mut all = Vec::new();
        for record in self.records.iter().filter(|record| record.direction == direction) {
            let (Some(id), Some(plain)) = (record.id, record.plain.as_deref()) else { continue };
            let decoder = decoders.entry(record.conn).or_insert_with(|| Decoder::new(self.dialect));
            all.extend(decoder.push(id, plain).into_iter().map(|decoded| (record, decoded)));
        }
        all
    }
}

/// Version and title: of the hello and the CONNECT if there are any, else what the captures' notes say of the file.
fn dialect(name: &str, records: &[Record]) -> Dialect {
    let version = if name.contains("ps3") {
        113
    } else if name.starts_with("dl_") {
        110
    } else {
        108
    };
    let mut dialect = Dialect::new(version, AppId(if name.starts_with("dl_") { 11184 } else { 10684 }));
    for record in records {
        let (Some(id), Some(plain)) = (record.id, &record.plain) else { continue };
        if let Ok(RtMessage::ClientConnectTcp(connect) | RtMessage::ClientConnectTcpAuxUdp(connect)) =
            RtMessage::decode(id, plain, &dialect)
        {
            dialect.app_id = connect.app_id;
            break;
        }
    }
    dialect
}

/// A message as it is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// `SERVER_ECHO`, or the SDK name of an application message.
    pub name: String,
    /// Its fields.
    pub fields: Value,
    /// The application message itself.
    pub app: Option<AnyMessage>,
}

/// Turns the frames of one connection and direction into messages: opens containers, joins fragments.
#[derive(Debug)]
pub struct Decoder {
    dialect: Dialect,
    fragments: Reassembly,
}

impl Decoder {
    /// A decoder for one connection and direction.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, fragments: Reassembly::default() }
    }

    /// Takes one frame's plain body. A fragment is told as a message of its own, without its payload, and the message it
    /// completes behind it.
    pub fn push(&mut self, id: RtId, plain: &[u8]) -> Vec<Decoded> {
        let name = id.to_string();
        match RtMessage::decode(id, plain, &self.dialect) {
            Ok(RtMessage::ServerApp(app) | RtMessage::ClientAppToServer(app)) => self.app(&app.payload.0),
            Ok(RtMessage::ServerMultiAppToClient(multi) | RtMessage::ClientMultiAppToServer(multi)) => {
                let ids: Vec<_> = multi.messages.iter().map(|inner| inner.id).collect();
                let fields = serde_json::json!({ "Ids": ids });
                let mut all = vec![Decoded { name, fields, app: None }];
                for inner in multi.messages {
                    all.extend(self.push(RtId(inner.id & 0x7f), &inner.body.0));
                }
                all
            }
            Ok(message) => vec![Decoded { name, fields: message.to_json(), app: None }],
            Err(error) => {
                let fields =
                    serde_json::json!({ "Undecodable": error.to_string(), "Body": hex::encode(plain) });
                vec![Decoded { name, fields, app: None }]
            }
        }
    }

    fn app(&mut self, payload: &[u8]) -> Vec<Decoded> {
        let message = match AnyMessage::decode(payload, &self.dialect) {
            Ok(message) => message,
            Err(error) => {
                let fields =
                    serde_json::json!({ "Undecodable": error.to_string(), "Body": hex::encode(payload) });
                return vec![Decoded { name: "undecodable message".into(), fields, app: None }];
            }
        };
        let mut all = Vec::new();
        if let AnyMessage::DmePacketFragment(fragment) = &message {
            let mut fields = message.to_json();
            if let Some(fields) = fields.as_object_mut() {
                fields.remove("Payload");
            }
            all.push(Decoded { name: message.name().to_owned(), fields, app: None });
            if let Ok(Some(whole)) = self.fragments.push(fragment) {
                all.extend(self.app(&whole));
            }
            return all;
        }
        all.push(Decoded { name: message.name().to_owned(), fields: message.to_json(), app: Some(message) });
        all
    }
}

/// The message `fields` of the same kind as `original`, with whatever `payload`, which `original` was decoded from, has
/// in the places that mean nothing: consoles leave their memory there, and a host must not mind.
pub fn encode_like(
    original: &AnyMessage,
    payload: &[u8],
    fields: Value,
    dialect: &Dialect,
) -> Result<Vec<u8>> {
    let message = AnyMessage::from_json(original.name(), fields.clone())?;
    let mut encoded = message.encode(dialect);
    let (_, decoded) = AnyMessage::decode_traced(payload, dialect)?;
    let ignored = decoded.trace.map(|trace| trace.ignored).unwrap_or_default();
    for (_, range) in ignored {
        let range = range.start + 2..range.end + 2;
        let (Some(from), Some(to)) = (payload.get(range.clone()), encoded.get(range.clone())) else {
            continue;
        };
        let before = to.to_vec();
        let from = from.to_vec();
        encoded[range.clone()].copy_from_slice(&from);
        if AnyMessage::decode(&encoded, dialect).map(|again| again.to_json()) != Ok(fields.clone()) {
            encoded[range].copy_from_slice(&before);
        }
    }
    Ok(encoded)
}
