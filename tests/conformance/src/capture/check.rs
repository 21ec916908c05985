//! The second pass: decode, encode again, compare.

use std::collections::BTreeMap;

use medley_crypto::{Hash, KEY_LEN, seal_key};
use medley_wire::codec::IgnoredBytes;
use medley_wire::fragment::Reassembly;
use medley_wire::frame::Header;
use medley_wire::messages::AnyMessage;
use medley_wire::{AppId, Dialect, RtId, RtMessage};
use serde_json::Value;

use super::keys::FileKeys;
use super::open::{How, Opened, Opener};
use super::record::{Record, Side};
use super::{Options, counts};
use crate::diff;
use crate::report::FileReport;
use crate::vectors::keep_bit_7;

/// Dialects that are tried, in this order, on a capture that does not tell its own: those of the captures known.
const GUESSES: [(u16, u32); 7] =
    [(108, 10684), (108, 0), (109, 10994), (110, 11184), (112, 20464), (113, 24180), (113, 20464)];

/// The dialect of each connection.
pub(super) struct Dialects {
    by_connection: BTreeMap<String, Dialect>,
    notes: Vec<String>,
}

impl Dialects {
    pub(super) fn find(
        records: &[Record],
        opened: &[Opened],
        opener: &Opener<'_>,
        keys: Option<&FileKeys>,
        options: Options,
    ) -> Self {
        let mut found = Self { by_connection: BTreeMap::new(), notes: Vec::new() };
        let elsewhere_version = opener.connections().find_map(|learned| learned.medius_version);
        let no_hello =
            elsewhere_version.is_none() && opener.connections().any(|learned| learned.begins_without_hello);
        let elsewhere_app = opener.connections().find_map(|learned| learned.app_id);
        let keys_version = keys.and_then(|keys| keys.connections().find_map(|keys| keys.medius_version));
        let keys_app = keys.and_then(|keys| keys.connections().find_map(|keys| keys.app_id));
        let mut guess = None;
        for record in records {
            if found.by_connection.contains_key(&record.conn) {
                continue;
            }
            let own = opener.connection(&record.conn);
            let listed = keys.and_then(|keys| keys.connection(&record.conn));
            let without_hello =
                own.is_some_and(|own| own.begins_without_hello && own.medius_version.is_none());
            let version = own
                .and_then(|own| own.medius_version)
                .or_else(|| without_hello.then_some(108))
                .or_else(|| listed.and_then(|keys| keys.medius_version))
                .or(elsewhere_version)
                .or_else(|| no_hello.then_some(108))
                .or(keys_version)
                .or(options.medius_version);
            let app = own
                .and_then(|own| own.app_id)
                .or_else(|| listed.and_then(|keys| keys.app_id))
                .or(elsewhere_app)
                .or(keys_app)
                .or(options.app_id);
            let d = match (version, app) {
                (Some(version), Some(app)) => Dialect::new(version, AppId(app)),
                _ => {
                    let best = *guess.get_or_insert_with(|| best_guess(records, opened, version, app));
                    Dialect::new(version.unwrap_or(best.0), AppId(app.unwrap_or(best.1)))
                }
            };
            found.by_connection.insert(record.conn.clone(), d);
        }
        let carries_app = |(record, opened): (&Record, &Opened)| {
            let app = [RtId::SERVER_APP, RtId::CLIENT_APP_TOSERVER];
            matches!(opened, Opened::Plain { .. })
                && record.header().is_some_and(|header| app.contains(&header.id))
        };
        if let Some((version, app)) = guess.filter(|_| records.iter().zip(opened).any(carries_app)) {
            found.notes.push(format!(
                "the capture does not tell its whole dialect: version {version} and app id {app} decode the most messages"
            ));
        }
        found
    }

    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    fn of(&self, conn: &str) -> Dialect {
        self.by_connection.get(conn).copied().unwrap_or(Dialect::new(108, AppId(0)))
    }
}

/// The dialect under which the most messages come back byte for byte.
fn best_guess(records: &[Record], opened: &[Opened], version: Option<u16>, app: Option<u32>) -> (u16, u32) {
    let mut best: Option<(usize, u16, u32)> = None;
    for (guessed_version, guessed_app) in GUESSES {
        let (version, app) = (version.unwrap_or(guessed_version), app.unwrap_or(guessed_app));
        let d = Dialect::new(version, AppId(app));
        let mut score = 0;
        for (record, opened) in records.iter().zip(opened) {
            if let (Some(header), Opened::Plain { body, .. }) = (record.header(), opened) {
                let mut found = Found::default();
                found.rt(header.id, body, &d, "");
                score += usize::from(found.problems.is_empty());
            }
        }
        if best.is_none_or(|(most, ..)| score > most) {
            best = Some((score, version, app));
        }
    }
    best.map_or((108, 0), |(_, version, app)| (version, app))
}

/// What one frame's messages showed.
#[derive(Default)]
struct Found {
    problems: Vec<String>,
    /// Names of all messages, outermost first.
    names: Vec<String>,
    no_layout: Vec<String>,
    leftovers: Vec<(String, diff::Ignored)>,
    messages_with_leftovers: usize,
    app_messages: usize,
    app: Option<(u8, u32, &'static str)>,
    inner: Vec<(u8, Vec<u8>)>,
    fragments: Vec<medley_wire::messages::DmePacketFragment>,
}

impl Found {
    fn compare(&mut self, what: &str, original: &[u8], encoded: &[u8], trace: &medley_wire::codec::Trace) {
        match diff::body(what, original, encoded, trace) {
            Ok(ignored) => {
                self.messages_with_leftovers += usize::from(!ignored.is_empty());
                self.leftovers.extend(ignored.into_iter().map(|ignored| (what.to_owned(), ignored)));
            }
            Err(problem) => self.problems.push(problem),
        }
    }

    fn rt(&mut self, id: RtId, body: &[u8], d: &Dialect, inside: &str) {
        let what = format!("{inside}{id}");
        self.names.push(what.clone());
        let (message, trace, surplus) = match RtMessage::decode_traced(id, body, d) {
            Ok(decoded) => decoded,
            Err(error) => return self.problems.push(format!("{what}: {error}")),
        };
        if surplus > 0 {
            self.problems.push(format!("{what}: {surplus} bytes behind the last field"));
            return;
        }
        self.compare(&what, body, &message.to_body(d), &trace);
        match message {
            RtMessage::Unknown { id, body } => {
                self.no_layout.push(format!("{what} ({:#04x}, {} bytes)", id.0, body.len()))
            }
            RtMessage::ServerApp(app) | RtMessage::ClientAppToServer(app) => {
                self.app(&app.payload.0, d, &what)
            }
            RtMessage::ClientMultiAppToServer(container) | RtMessage::ServerMultiAppToClient(container) => {
                for inner in container.messages {
                    if inner.id & 0x80 != 0 {
                        self.problems.push(format!("{what}: bit 7 is set in inner id {:#04x}", inner.id));
                    } else {
                        self.rt(RtId(inner.id), &inner.body.0, d, &format!("{what} > "));
                    }
                    self.inner.push((inner.id, inner.body.0));
                }
            }
            _ => {}
        }
    }

    /// An APP payload: class, id, body.
    fn app(&mut self, payload: &[u8], d: &Dialect, inside: &str) {
        let (message, decoded) = match AnyMessage::decode_traced(payload, d) {
            Ok(decoded) => decoded,
            Err(error) => {
                let head = hex::encode(&payload[..payload.len().min(2)]);
                return self.problems.push(format!("{inside}, class and id {head}: {error}"));
            }
        };
        let what = format!("{inside} {}", message.name());
        self.app_messages += 1;
        self.app = Some((message.class().0, message.id(), message.name()));
        if let Some(name) = self.names.last_mut() {
            name.clone_from(&what);
        }
        if decoded.surplus > 0 {
            self.problems.push(format!("{what}: {} bytes behind the last field", decoded.surplus));
            return;
        }
        let encoded = message.encode(d);
        let trace = decoded.trace.unwrap_or_default();
        match (payload.get(..2), encoded.get(..2)) {
            (Some(a), Some(b)) if a == b => self.compare(&what, &payload[2..], &encoded[2..], &trace),
            _ => self.problems.push(format!("{what}: class and id do not come back")),
        }
        match message {
            AnyMessage::Unknown(unknown) => self.no_layout.push(format!(
                "{what} (class {}, id {:#04x}, {} bytes)",
                unknown.class.0,
                unknown.id,
                unknown.body.len()
            )),
            AnyMessage::DmePacketFragment(fragment) => self.fragments.push(*fragment),
            _ => {}
        }
    }
}

/// Checks records in their order.
pub(super) struct Checker<'d> {
    dialects: &'d Dialects,
    reassembly: BTreeMap<(String, Side), Reassembly>,
    names: BTreeMap<String, usize>,
}

impl<'d> Checker<'d> {
    pub(super) fn new(dialects: &'d Dialects) -> Self {
        Self { dialects, reassembly: BTreeMap::new(), names: BTreeMap::new() }
    }

    pub(super) fn record(
        &mut self,
        record: &Record,
        opened: &Opened,
        foreign: bool,
        report: &mut FileReport,
    ) {
        let label = record.label();
        match opened {
            Opened::NotRt => not_rt(record, report),
            Opened::Locked => {
                report.count(counts::NOT_DECRYPTABLE);
                report.details.push(format!("not decryptable: {label}"));
            }
            Opened::Wrong(problem) => {
                let mut problems = vec![problem.clone()];
                problems.extend(record.header().map(|header| told(record, header)).unwrap_or_default());
                report.result(label, problems);
            }
            Opened::Plain { body, how } => {
                let problems = self.plain(record, body, how, foreign, report);
                report.result(label, problems);
            }
        }
    }

    fn plain(
        &mut self,
        record: &Record,
        body: &[u8],
        how: &How,
        foreign: bool,
        report: &mut FileReport,
    ) -> Vec<String> {
        let Some(header) = record.header() else { return vec!["frame_hex: not one frame".into()] };
        let mut problems = told(record, header);
        match &record.plain {
            Some(plain) => problems.extend(diff::bytes("plain_hex", plain, body, |_| None)),
            None => {
                report.count(counts::OPENED_ANYWAY);
                report.details.push(format!("opened although plain_hex is null: {}", record.label()));
            }
        }
        if let How::TagOnly { .. } = how {
            report.count(counts::TAG_ONLY);
        }
        problems.extend(sealed_again(record, header, body, how));
        if foreign {
            report.count(counts::LOOKS_LIKE_RT);
            report.details.push(format!("RT by look only: {}", record.label()));
            return problems;
        }
        let d = self.dialects.of(&record.conn);
        let mut found = Found::default();
        found.rt(header.id, body, &d, "");
        for fragment in std::mem::take(&mut found.fragments) {
            let reassembly = self.reassembly.entry((record.conn.clone(), record.side)).or_default();
            match reassembly.push(&fragment) {
                Ok(None) => {}
                Ok(Some(whole)) => {
                    report.count(counts::REASSEMBLED);
                    let fragment_app = found.app;
                    found.names.push(String::new());
                    found.app(&whole, &d, "put together:");
                    found.app = fragment_app;
                }
                Err(error) => found.problems.push(error.to_string()),
            }
        }
        problems.append(&mut found.problems);
        problems.extend(told_message(record, &found));
        *report.counts.entry(counts::APP_MESSAGES).or_default() += found.app_messages;
        for name in found.names {
            *self.names.entry(name).or_default() += 1;
        }
        for name in found.no_layout {
            report.count(counts::NO_LAYOUT);
            report.details.push(format!("no known layout: line {}: {name}", record.line));
        }
        if found.messages_with_leftovers > 0 {
            *report.counts.entry(counts::LEFTOVERS).or_default() += found.messages_with_leftovers;
        }
        for (message, ignored) in found.leftovers {
            let why = match ignored.why {
                IgnoredBytes::Pad => "pad".to_owned(),
                IgnoredBytes::BehindNul => format!("behind the NUL of {}", ignored.field),
            };
            report.details.push(format!(
                "leftover: line {}: {message} bytes {}..{} {why}: {}",
                record.line,
                ignored.range.start,
                ignored.range.end,
                hex::encode(ignored.bytes)
            ));
        }
        problems
    }

    pub(super) fn finish(self, report: &mut FileReport) {
        report.details.extend(self.names.iter().map(|(name, count)| format!("message: {count} x {name}")));
    }
}

/// Writes the frame again, enciphered with the same key, and compares all of it.
fn sealed_again(record: &Record, header: Header, plain: &[u8], how: &How) -> Option<String> {
    let mut body = plain.to_vec();
    let hash = match how {
        How::Clear | How::NullHash => header.hash,
        How::Key { suite, key, prefix } => {
            let context = Hash(header.hash?).context();
            Some(suite.encrypt_in_place(key, context, body.get_mut(*prefix..)?).0)
        }
        How::Rsa { suite, to } => {
            let (hash, sealed) = seal_key(*suite, to, <&[u8; KEY_LEN]>::try_from(plain).ok()?);
            body = sealed.to_vec();
            Some(hash.0)
        }
        // Without a key there is nothing to encipher with; the hash was compared.
        How::TagOnly { .. } => return None,
    };
    let mut written = Vec::with_capacity(record.frame.len());
    Header::write(header.id, hash, body.len(), &mut written);
    written.extend_from_slice(&body);
    keep_bit_7(&record.frame, &mut written);
    diff::bytes("frame sealed again", &record.frame, &written, |at| {
        Some(
            if at < 3 {
                "header"
            } else if at < header.body {
                "hash"
            } else {
                "body"
            }
            .to_owned(),
        )
    })
}

/// What the capture says about the frame.
fn told(record: &Record, header: Header) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(Some(id)) = record.rt_id
        && id != header.id.0
    {
        problems.push(format!("rt_id: the capture says {id}, the frame {} ({})", header.id.0, header.id));
    }
    if let Some(name) = &record.rt_name {
        let name = name.strip_prefix("RT_MSG_").unwrap_or(name);
        if header.id.name() != Some(name) {
            problems.push(format!("rt_name: the capture says {name}, the name is {}", header.id));
        }
    }
    if let Some(wanted) = record.ctx {
        let found = header.hash.map(|hash| Hash(hash).context().bits());
        if wanted != found {
            problems.push(format!("ctx: the capture says {wanted:?}, the frame {found:?}"));
        }
    }
    problems
}

/// What the capture says about the messages inside. The name is not compared: it is the one that emulators use.
fn told_message(record: &Record, found: &Found) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(medius) = &record.medius {
        let number = |key: &str| medius.get(key).and_then(Value::as_u64);
        let wanted = (number("class"), number("id"));
        let ours = found.app.map(|(class, id, _)| (Some(u64::from(class)), Some(u64::from(id))));
        if ours != Some(wanted) {
            problems.push(format!("medius: the capture says {medius}, the payload is {:?}", found.app));
        }
    }
    let Some(sub) = &record.sub else { return problems };
    if sub.len() != found.inner.len() {
        problems.push(format!("sub: the capture says {} messages, found {}", sub.len(), found.inner.len()));
    }
    for (i, (wanted, (id, body))) in sub.iter().zip(&found.inner).enumerate() {
        if let Some(wanted) = wanted.get("rt_id").and_then(Value::as_u64)
            && wanted != u64::from(*id)
        {
            problems.push(format!("sub[{i}].rt_id: the capture says {wanted}, found {id}"));
        }
        if let Some(plain) = wanted.get("plain_hex").and_then(Value::as_str) {
            match hex::decode(plain) {
                Ok(plain) => {
                    problems.extend(diff::bytes(&format!("sub[{i}].plain_hex"), &plain, body, |_| None))
                }
                Err(error) => problems.push(format!("sub[{i}].plain_hex: {error}")),
            }
        }
    }
    problems
}

/// NAT datagrams have one of two shapes; other datagrams are consoles talking among themselves.
fn not_rt(record: &Record, report: &mut FileReport) {
    if record.server != "NAT" {
        report.count(counts::NOT_RT);
        return;
    }
    let problem = match (record.side, record.frame.as_slice()) {
        (Side::Client, [..]) if record.frame.len() != 4 => {
            format!("a NAT request of {} bytes, wanted 4", record.frame.len())
        }
        (Side::Server, [..]) if record.frame.len() != 6 => {
            format!("a NAT reply of {} bytes, wanted 4 of address and 2 of port", record.frame.len())
        }
        (Side::Server, [0, 0, 0, 0, ..] | [.., 0, 0]) => "a NAT reply without address or port".into(),
        _ => {
            report.count(counts::NAT);
            return;
        }
    };
    report.result(record.label(), vec![problem]);
}
