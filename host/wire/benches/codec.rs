//! Decode and encode of single messages, and of a stream of mixed captured frames.
//!
//! Goal: below 300 ns for decode and encode of AccountLoginRequest and of CreateGameRequest1, on a quiet core.

use std::hint::black_box;
use std::path::PathBuf;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medley_crypto::{Hash, Suite, SymmetricKey};
use medley_wire::frame::{FrameBuffer, FrameTooLong};
use medley_wire::messages::{AccountLoginRequest, CreateGameRequest1};
use medley_wire::types::Text;
use medley_wire::{AnyMessage, AppId, Dialect, RtId, RtMessage};

const D: Dialect = Dialect::new(110, AppId(11184));

fn messages(c: &mut Criterion) {
    let login = AccountLoginRequest {
        message_id: "1".into(),
        session_key: "13088".into(),
        username: "Badger41".into(),
        password: "PASSWORD10".into(),
    };
    let create = CreateGameRequest1 {
        message_id: "1".into(),
        session_key: "13088".into(),
        application_id: D.app_id,
        max_players: 8,
        game_name: Text::new("Badger41's"),
        ..CreateGameRequest1::default()
    };
    for message in [AnyMessage::from(login), AnyMessage::from(create)] {
        let payload = message.encode(&D);
        let mut group = c.benchmark_group(message.name());
        group.bench_function("decode and encode", |b| {
            let mut output = Vec::with_capacity(1024);
            b.iter(|| {
                let message = AnyMessage::decode(black_box(&payload), &D);
                output.clear();
                if let Ok(message) = message {
                    output = message.encode_onto(std::mem::take(&mut output), &D);
                }
                output.len()
            });
        });
        group.bench_function("decode", |b| b.iter(|| AnyMessage::decode(black_box(&payload), &D)));
        group.finish();
    }
}

/// The frames of one connection of a capture that are deciphered with one key, as a stream.
fn stream(conn: u64, side: &str) -> Option<(Vec<u8>, SymmetricKey, u64)> {
    let root = std::env::var_os("MEDLEY_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let read = |file: &str| std::fs::read_to_string(root.join("captures").join(file)).ok();
    let keys: serde_json::Value = serde_json::from_str(&read("keys.json")?).ok()?;
    let key = &keys["captures"]["dl_ps2_full_session"][conn.to_string()]["decrypt_keys_by_ctx"]["3"];
    let key = SymmetricKey::new(hex::decode(key.as_str()?).ok()?.try_into().ok()?);
    let (mut bytes, mut frames) = (Vec::new(), 0);
    for line in read("dl_ps2_full_session.jsonl")?.lines() {
        let record: serde_json::Value = serde_json::from_str(line).ok()?;
        let wanted = record["conn"] == conn && record["dir"] == side && record["ctx"] == 3;
        if wanted && !record["plain_hex"].is_null() {
            bytes.extend(hex::decode(record["frame_hex"].as_str()?).ok()?);
            frames += 1;
        }
    }
    Some((bytes, key, frames))
}

fn streams(c: &mut Criterion) {
    let mut group = c.benchmark_group("captured frames: cut, decipher, decode");
    for (name, conn, side) in [
        ("lobby, to the client", 3, "s2c"),
        ("lobby, to the server", 3, "c2s"),
        ("game, to the server", 5, "c2s"),
    ] {
        let Some((bytes, key, frames)) = stream(conn, side) else {
            eprintln!("{name}: no captures beside the checkout; set MEDLEY_SHARED");
            continue;
        };
        group.throughput(Throughput::Elements(frames));
        let mut input = bytes.clone();
        group.bench_function(name, |b| {
            b.iter(|| {
                input.copy_from_slice(&bytes);
                let mut buffer = FrameBuffer::new();
                let mut decoded = 0_usize;
                let result = buffer.feed(&mut input, |header, frame| {
                    let clear = if header.id == RtId::CLIENT_APP_SINGLE { 2 } else { 0 };
                    let body = &mut frame[header.body..];
                    let opened = header.hash.is_none_or(|hash| {
                        Suite::Ps2.decrypt_in_place(&key, Hash(hash), &mut body[clear..]).is_ok()
                    });
                    match RtMessage::decode(header.id, body, &D) {
                        Ok(RtMessage::ServerApp(app) | RtMessage::ClientAppToServer(app)) if opened => {
                            decoded += usize::from(AnyMessage::decode(&app.payload.0, &D).is_ok());
                        }
                        Ok(_) if opened => decoded += 1,
                        _ => {}
                    }
                    Ok::<_, FrameTooLong>(())
                });
                assert!(result.is_ok());
                black_box(decoded)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, messages, streams);
criterion_main!(benches);
