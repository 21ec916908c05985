//! Captured sessions: every frame opened, decoded, named, encoded again and compared.
//!
//! Two passes over a file. The first opens the frames in their order and learns from them: the version from
//! CLIENT_HELLO, keys from the CRYPTKEY messages, the application id from CONNECT. The second decodes with the dialect
//! that the first found, because a capture may begin in the middle of a connection.

mod check;
mod keys;
mod open;
mod record;

use std::collections::BTreeMap;

use medley_wire::frame::FrameBuffer;
use medley_wire::frame::{FrameTooLong, Header};

pub use self::keys::{ConnectionKeys, FileKeys, Keys, stem};
pub(crate) use self::open::clear_prefixes;
pub use self::open::{How, Opened};
pub use self::record::{Record, Side};

use crate::report::FileReport;

/// How a capture is checked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The Medius version where neither the capture nor the keys tell it.
    pub medius_version: Option<u16>,
    /// The application id where neither the capture nor the keys tell it.
    pub app_id: Option<u32>,
}

/// Names of what [`FileReport::counts`] holds for a capture.
pub mod counts {
    /// Frames that neither a key nor the capture opens.
    pub const NOT_DECRYPTABLE: &str = "not decryptable";
    /// Datagrams of the NAT server, of the right shape.
    pub const NAT: &str = "NAT datagrams";
    /// Other datagrams that are no RT frames.
    pub const NOT_RT: &str = "not RT";
    /// Messages whose id has no known layout: kept as bytes.
    pub const NO_LAYOUT: &str = "messages without a known layout";
    /// Messages with leftovers in pads or behind a NUL.
    pub const LEFTOVERS: &str = "messages with leftovers in pads or behind a NUL";
    /// Fragmented messages that were put together.
    pub const REASSEMBLED: &str = "messages put together from fragments";
    /// Application messages decoded.
    pub const APP_MESSAGES: &str = "application messages";
    /// Frames that the capture holds as not decryptable and that were opened all the same.
    pub const OPENED_ANYWAY: &str = "opened although the capture has no plaintext";
    /// Frames whose tag was verified on the capture's plaintext for want of a key.
    pub const TAG_ONLY: &str = "without a key, tag verified on plain_hex";
    /// Frames that happen to look like RT on a connection that carries something else.
    pub const LOOKS_LIKE_RT: &str = "of them RT by look only";
}

/// Checks one capture. `stem` is its name in `keys`: the file name without folder and `.jsonl`.
#[must_use]
pub fn check(file: &str, stem: &str, text: &str, keys: Option<&Keys>, options: Options) -> FileReport {
    let mut report = FileReport::new(file);
    let records = read(text, &mut report);
    let file_keys = keys.and_then(|keys| keys.file(stem));
    if keys.is_some() && file_keys.is_none() {
        report
            .notes
            .push(format!("the key file has no keys for {stem:?}: plain_hex and keys from the stream only"));
    }
    let mut opener = open::Opener::new(keys, file_keys);
    let opened: Vec<_> = records.iter().map(|record| opener.open(record)).collect();
    let dialects = check::Dialects::find(&records, &opened, &opener, file_keys, options);
    report.notes.extend(dialects.notes().iter().cloned());
    let foreign = connections_without_rt(&records);
    let mut checker = check::Checker::new(&dialects);
    for (record, opened) in records.iter().zip(&opened) {
        checker.record(record, opened, foreign.contains(&record.conn.as_str()), &mut report);
    }
    checker.finish(&mut report);
    streams(&records, &mut report);
    report
}

fn read(text: &str, report: &mut FileReport) -> Vec<Record> {
    let mut records = Vec::new();
    for (i, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        match Record::parse(i + 1, line) {
            Ok(record) => records.push(record),
            Err((place, problem)) => report.error(place, problem),
        }
    }
    if records.is_empty() && report.errors.is_empty() {
        report.error("the whole file", "wanted one JSON object a line, found none");
    }
    records
}

/// UDP connections most of whose datagrams are no RT frames: what looks like one there is chance (the game traffic of
/// `dl_ps3_full_session` has such six).
fn connections_without_rt(records: &[Record]) -> Vec<&str> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for record in records.iter().filter(|record| record.udp) {
        let (rt, other) = counts.entry(&record.conn).or_default();
        *if record.is_rt() { rt } else { other } += 1;
    }
    counts.into_iter().filter(|(_, (rt, other))| other > rt).map(|(conn, _)| conn).collect()
}

/// Each TCP stream once more through [`FrameBuffer`], in reads of changing size: the same frames must come out.
fn streams(records: &[Record], report: &mut FileReport) {
    let mut by_stream: BTreeMap<(&str, Side), Vec<&Record>> = BTreeMap::new();
    for record in records.iter().filter(|record| !record.udp && record.is_rt() && record.whole_frame()) {
        by_stream.entry((&record.conn, record.side)).or_default().push(record);
    }
    for ((conn, side), frames) in by_stream {
        let mut stream: Vec<u8> = frames.iter().flat_map(|record| record.frame.iter().copied()).collect();
        let mut found = Vec::new();
        let mut buffer = FrameBuffer::new();
        let mut left = stream.as_mut_slice();
        let mut result = Ok(());
        // 1, 2, 3 .. 600 bytes: ends in headers, in hashes and in bodies all occur.
        for size in (1..=600).cycle() {
            if left.is_empty() || result.is_err() {
                break;
            }
            let (now, later) = left.split_at_mut(size.min(left.len()));
            result = buffer.feed(now, |_: Header, frame: &mut [u8]| {
                found.push(frame.to_vec());
                Ok::<_, FrameTooLong>(())
            });
            left = later;
        }
        let same = result.is_ok()
            && found.len() == frames.len()
            && found.iter().zip(&frames).all(|(a, b)| *a == b.frame)
            && buffer.pending() == 0;
        if !same {
            let problem = format!("{} frames went in, {} came out: {result:?}", frames.len(), found.len());
            report.result(format!("TCP stream of connection {conn} {side}"), vec![problem]);
        }
    }
}
