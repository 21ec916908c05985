//! Recorded consoles against a server session that was given Sony's keys: what the session answers must be Sony's
//! bytes, and what the console sent must be understood.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use medley_crypto::{Hash, KEY_LEN, KeyRole, Suite, SymmetricKey, open_key, seal_key};
use medley_session::*;
use medley_wire::frame::Header;
use medley_wire::{AppId, Dialect, RtId, RtMessage};
use serde_json::Value;

use crate::pair::{server_config, store, tell};

/// One recorded frame.
struct Frame {
    line: usize,
    from_client: bool,
    udp: bool,
    server: String,
    id: RtId,
    bytes: Vec<u8>,
    plain: Option<Vec<u8>>,
}

/// The folder of the shared fixtures; `None` where they are not at hand, which CI does not let pass.
fn shared() -> Option<PathBuf> {
    let shared = std::env::var_os("MEDLEY_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    if shared.join("captures").is_dir() {
        return Some(shared);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "no captures in {}", shared.display());
    eprintln!("no captures in {}: nothing was replayed", shared.display());
    None
}

fn connections(capture: &str) -> Option<BTreeMap<u64, Vec<Frame>>> {
    let text = std::fs::read_to_string(shared()?.join("captures").join(capture)).unwrap();
    let mut connections: BTreeMap<u64, Vec<Frame>> = BTreeMap::new();
    for (line, record) in text.lines().enumerate() {
        let record: Value = serde_json::from_str(record).unwrap();
        let Some(id) = record["rt_id"].as_u64() else { continue };
        connections.entry(record["conn"].as_u64().unwrap()).or_default().push(Frame {
            line: line + 1,
            from_client: record["dir"] == "c2s",
            udp: record["proto"] == "udp",
            server: record["server"].as_str().unwrap().to_owned(),
            id: RtId(id as u8),
            bytes: hex::decode(record["frame_hex"].as_str().unwrap()).unwrap(),
            plain: record["plain_hex"].as_str().map(|plain| hex::decode(plain).unwrap()),
        });
    }
    Some(connections)
}

/// The messages of Sony's side, containers taken apart.
fn server_messages(frames: &[Frame], d: &Dialect) -> Vec<RtMessage> {
    let mut messages = Vec::new();
    for frame in frames.iter().filter(|frame| !frame.from_client) {
        let Some(plain) = &frame.plain else { continue };
        match RtMessage::decode(frame.id, plain, d).unwrap() {
            RtMessage::ServerMultiAppToClient(container) => {
                let inner = container.messages.iter();
                messages.extend(inner.map(|m| RtMessage::decode(RtId(m.id), &m.body.0, d).unwrap()));
            }
            message => messages.push(message),
        }
    }
    messages
}

/// The modulus that a console sent: known from the frame, or by the key pair that opens what was sealed to it.
fn client_modulus(frames: &[Frame], suite: Suite) -> Option<[u8; KEY_LEN]> {
    let public = frames.iter().find(|frame| frame.id == RtId::CLIENT_CRYPTKEY_PUBLIC)?;
    if let Some(plain) = &public.plain {
        return plain.as_slice().try_into().ok();
    }
    let peer = frames.iter().find(|frame| frame.id == RtId::SERVER_CRYPTKEY_PEER)?;
    let hash = Hash(peer.bytes[3..7].try_into().unwrap());
    let body = peer.bytes[7..].try_into().ok()?;
    store()
        .pairs()
        .filter(|entry| entry.role == KeyRole::Client)
        .find(|entry| open_key(suite, &entry.pair, hash, &body).is_ok())
        .map(|entry| entry.pair.public().modulus_le())
}

#[derive(Debug, Default, PartialEq)]
struct Outcome {
    /// Frames of Sony's that the session gave byte for byte.
    equal: usize,
    /// Client frames that the session took.
    taken: usize,
    /// Application messages told, fragments put together.
    apps: usize,
    /// Relay messages told.
    relays: usize,
    /// CLIENT_ECHOs answered as Sony did.
    echoes: usize,
    /// Datagram frames that were dropped.
    bad_datagrams: u32,
}

/// Answers of the handshake: what Sony's application layer sent is not the session's.
fn is_sessions(frame: &Frame) -> bool {
    match frame.id {
        RtId::SERVER_APP => frame.plain.as_ref().is_some_and(|plain| plain.starts_with(&[0, 0])),
        RtId::SERVER_HELLO
        | RtId::SERVER_CRYPTKEY_PEER
        | RtId::SERVER_CRYPTKEY_GAME
        | RtId::SERVER_CONNECT_REQUIRE
        | RtId::SERVER_CONNECT_ACCEPT_TCP
        | RtId::SERVER_CONNECT_COMPLETE
        | RtId::SERVER_STARTUP_INFO_NOTIFY
        | RtId::SERVER_INFO_AUX_UDP
        | RtId::SERVER_CONNECT_ACCEPT_AUX_UDP
        | RtId::SERVER_MULTI_APP_TOCLIENT
        | RtId::SERVER_ECHO => true,
        _ => false,
    }
}

/// Feeds the console's frames of one TCP connection, and of its UDP, to a session that has Sony's keys and numbers.
fn replay(tcp: &[Frame], udp: &[Frame]) -> Outcome {
    let kind = match tcp[0].server.as_str() {
        "MUIS" => ServerKind::Muis,
        "MAS" => ServerKind::Mas,
        "MLS" => ServerKind::Mls,
        "DME" => ServerKind::Dme,
        other => panic!("{other}"),
    };
    let hello = tcp.iter().find(|frame| frame.id == RtId::CLIENT_HELLO);
    let version = hello.map_or(108, |hello| u16::from_le_bytes([hello.bytes[5], hello.bytes[6]]));
    let d = Dialect::new(version, AppId(0));
    let suite = Suite::for_medius_version(version);

    // What Sony chose: keys, ids, counts, clocks.
    let mut accept = Accept::default();
    let mut config = server_config(kind);
    let mut handshake = Handshake::default();
    let mut peer = Ipv4Addr::UNSPECIFIED;
    let mut peer_keys = Vec::new();
    for message in server_messages(tcp, &d).into_iter().rev() {
        match message {
            RtMessage::ServerCryptKeyPeer(key) => peer_keys.push(SymmetricKey::new(key.key.0)),
            RtMessage::ServerCryptKeyGame(key) => {
                accept.game_key = Some(Arc::new(SymmetricKey::new(key.key.0)));
            }
            RtMessage::ServerConnectAcceptTcp(message) => {
                peer = message.ip.to_string().parse().unwrap();
                accept.player_id = message.player_id;
                accept.scert_id = message.scert_client_id.unwrap_or(0);
                accept.player_count = message.player_count;
                handshake.accept_version = message.server_version.unwrap_or_default();
            }
            RtMessage::ServerConnectComplete(message) => accept.complete_count = Some(message.player_count),
            RtMessage::ServerStartupInfoNotify(message) => accept.time_base = message.time_base.unwrap(),
            RtMessage::ServerInfoAuxUdp(message) => {
                let ip = message.ip.to_string().parse().unwrap();
                accept.udp = Some(SocketAddrV4::new(ip, message.port));
            }
            RtMessage::ServerEcho(echo) => {
                config.unix_time_at_zero = Duration::new(echo.seconds.into(), echo.microseconds * 1000);
            }
            _ => {}
        }
    }
    let first_key = peer_keys.pop().unwrap();
    accept.peer_key = peer_keys.pop().map(Arc::new);

    let rules = move |_: ServerKind, _: AppId| Some(handshake);
    let mut session = ServerSession::new(Arc::new(config), Arc::new(rules), peer, [0; 32], Time::ZERO)
        .with_peer_key(first_key);
    let mut told = Vec::new();
    let mut outcome = Outcome::default();
    let mut sent = Vec::new();
    let mut sent_udp = Vec::new();
    let client_udp = udp.iter().find(|frame| frame.id == RtId::SERVER_CONNECT_ACCEPT_AUX_UDP).map(|frame| {
        match RtMessage::decode(frame.id, frame.plain.as_ref().unwrap(), &d).unwrap() {
            RtMessage::ServerConnectAcceptAuxUdp(accept) => SocketAddrV4::new(peer, accept.port),
            other => panic!("{other:?}"),
        }
    });

    let mut all: Vec<&Frame> = tcp.iter().chain(udp).filter(|frame| frame.from_client).collect();
    all.sort_by_key(|frame| frame.line);
    // The clocks of the two directions differ by a tenth of a second: READY_TCP of `dl_ps2_full_session` stands before
    // the datagrams and before what it answers (lines 299 to 303), which is right for the client's side alone.
    for frame in all {
        if frame.udp {
            session.receive_datagram(Time::ZERO, &mut frame.bytes.clone(), |session, event| {
                tell(&mut told, &event);
                if let Event::ConnectAuxUdp(_) = event {
                    session.accept_aux_udp(client_udp.unwrap()).unwrap();
                }
            });
            if let Some(datagrams) = session.datagrams() {
                sent_udp.extend(datagrams.iter().map(<[u8]>::to_vec));
                datagrams.clear();
            }
            continue;
        }
        let mut bytes = frame.bytes.clone();
        if frame.id == RtId::CLIENT_CRYPTKEY_PUBLIC && frame.plain.is_none() {
            // Sealed to a key of Sony's whose private half is unknown: sealed anew to the one that is.
            let modulus = client_modulus(tcp, suite).unwrap();
            let global = store().default_server_key().unwrap().pair.public();
            let (hash, body) = seal_key(suite, global, &modulus);
            bytes[3..7].copy_from_slice(&hash.0);
            bytes[7..].copy_from_slice(&body);
        }
        session
            .receive(Time::ZERO, &mut bytes, |session, event| {
                tell(&mut told, &event);
                match event {
                    Event::Connect(_) => session.accept(accept.clone(), Time::ZERO).unwrap(),
                    Event::AuxUdpReady => {
                        session.complete(accept.complete_count.unwrap(), Time::ZERO).unwrap();
                    }
                    _ => {}
                }
            })
            .unwrap_or_else(|error| panic!("line {}: {error}", frame.line));
        outcome.taken += 1;
        let output = session.take_output();
        let mut rest = output.as_slice();
        while let Some(header) = Header::parse(rest).unwrap() {
            sent.push((header.id, rest[..header.total()].to_vec()));
            rest = &rest[header.total()..];
        }
    }

    let mut first_echo = true;
    let wanted: Vec<_> = tcp
        .iter()
        .filter(|frame| !frame.from_client && is_sessions(frame))
        // The later ones are the clock's.
        .filter(|frame| frame.id != RtId::SERVER_ECHO || std::mem::take(&mut first_echo))
        .collect();
    let given: Vec<_> = sent.iter().filter(|(id, _)| *id != RtId::CLIENT_ECHO).collect();
    assert_eq!(
        given.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        wanted.iter().map(|frame| frame.id).collect::<Vec<_>>()
    );
    for (given, wanted) in given.iter().zip(&wanted) {
        assert_eq!(hex::encode(&given.1), hex::encode(&wanted.bytes), "line {}: {}", wanted.line, wanted.id);
        outcome.equal += 1;
    }
    let udp_wanted: Vec<_> = udp
        .iter()
        .filter(|frame| !frame.from_client && frame.id == RtId::SERVER_CONNECT_ACCEPT_AUX_UDP)
        .collect();
    let udp_given: Vec<_> =
        sent_udp.iter().filter(|frame| frame[0] & 0x7f == RtId::SERVER_CONNECT_ACCEPT_AUX_UDP.0).collect();
    assert_eq!(udp_given.len(), udp_wanted.len());
    for (given, wanted) in udp_given.iter().zip(&udp_wanted) {
        assert_eq!(hex::encode(given), hex::encode(&wanted.bytes), "line {}: {}", wanted.line, wanted.id);
        outcome.equal += 1;
    }
    let sonys: Vec<_> = tcp
        .iter()
        .chain(udp)
        .filter(|frame| !frame.from_client && frame.id == RtId::CLIENT_ECHO)
        .map(|frame| &frame.bytes)
        .collect();
    let ours = sent.iter().map(|(_, bytes)| bytes).chain(&sent_udp);
    let ours: Vec<_> = ours.filter(|bytes| bytes[0] & 0x7f == RtId::CLIENT_ECHO.0).collect();
    for ours in &ours {
        assert!(sonys.is_empty() || sonys.contains(ours), "{}", hex::encode(ours));
    }
    outcome.echoes = ours.len();
    outcome.apps = told.iter().filter(|event| event.starts_with("App ")).count();
    outcome.relays = told.iter().filter(|event| event.starts_with("Relay ")).count();
    outcome.bad_datagrams = session.udp_counters().bad_hash;
    let unknown: Vec<_> = told.iter().filter(|event| event.starts_with("Unknown")).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    outcome
}

fn client_frames(frames: &[Frame], id: RtId) -> usize {
    frames.iter().filter(|frame| frame.from_client && frame.id == id).count()
}

#[test]
fn deadlocked_on_ps2_is_answered_as_sony_answered_it_on_muis_mas_and_mls() {
    let Some(connections) = connections("dl_ps2_full_session.jsonl") else { return };
    for (connection, equal) in [(0, 7), (1, 7), (2, 7), (3, 7)] {
        let frames = &connections[&connection];
        let outcome = replay(frames, &[]);
        assert_eq!(outcome.equal, equal, "connection {connection}");
        assert_eq!(outcome.apps, client_frames(frames, RtId::CLIENT_APP_TOSERVER), "connection {connection}");
        assert_eq!(outcome.echoes, client_frames(frames, RtId::CLIENT_ECHO), "connection {connection}");
    }
}

#[test]
fn deadlocked_on_ps2_is_answered_as_sony_answered_it_on_dme() {
    let Some(connections) = connections("dl_ps2_full_session.jsonl") else { return };
    let (tcp, udp) = (&connections[&5], &connections[&6]);
    let outcome = replay(tcp, udp);
    // 25, 13, 22, 14, 13, 07, 26, 18, 1a, 0a, 1f, and two 19 on UDP.
    assert_eq!(outcome.equal, 13);
    let broadcasts =
        client_frames(tcp, RtId::CLIENT_APP_BROADCAST) + client_frames(udp, RtId::CLIENT_APP_BROADCAST);
    assert_eq!(outcome.relays, broadcasts);
    assert_eq!(broadcasts, 39 + 481);
    // The one that the client itself sent damaged.
    assert_eq!(outcome.bad_datagrams, 1);
    let echoes = client_frames(tcp, RtId::CLIENT_ECHO) + client_frames(udp, RtId::CLIENT_ECHO);
    assert_eq!(outcome.echoes, echoes - 1);
}

#[test]
fn up_your_arsenal_joining_a_game_is_answered_as_sony_answered_it() {
    let Some(connections) = connections("uya_ps2_join_game_dme.jsonl") else { return };
    let (tcp, udp) = (&connections[&1], &connections[&2]);
    let outcome = replay(tcp, udp);
    // 13, 14, 13, 07, 18, 1a, 0a, and 19 on UDP.
    assert_eq!(outcome.equal, 8);
    let relays = [RtId::CLIENT_APP_SINGLE, RtId::CLIENT_APP_BROADCAST];
    let wanted: usize = relays.iter().map(|id| client_frames(tcp, *id) + client_frames(udp, *id)).sum();
    assert_eq!(outcome.relays, wanted);
    assert_eq!(outcome.bad_datagrams, 0);
}

#[test]
fn up_your_arsenal_changing_channels_is_answered_as_sony_answered_it() {
    let cities =
        ["uya_ps2_to_novalis", "uya_ps2_to_tyhrranosis", "uya_ps2_to_aridia", "uya_ps2_enter_city_aquatos"];
    for city in cities {
        let Some(connections) = connections(&format!("{city}.jsonl")) else { return };
        let mut replayed = 0;
        for frames in connections.values() {
            let whole =
                frames.iter().any(|frame| frame.id == RtId::SERVER_CRYPTKEY_PEER && frame.plain.is_some());
            if !whole {
                // Begins before the recording.
                continue;
            }
            let outcome = replay(frames, &[]);
            // 13, 14, 07, 1a.
            assert_eq!(outcome.equal, 4, "{city}");
            assert_eq!(outcome.apps, client_frames(frames, RtId::CLIENT_APP_TOSERVER), "{city}");
            replayed += 1;
        }
        assert_eq!(replayed, 1, "{city}");
    }
}

#[test]
fn up_your_arsenal_logging_in_at_a_hobby_server_is_answered_as_it_was() {
    for capture in ["uya_ps2_mas_login_1.jsonl", "uya_ps2_mas_login_3.jsonl"] {
        let Some(connections) = connections(capture) else { return };
        let frames = connections.values().next().unwrap();
        let outcome = replay(frames, &[]);
        assert_eq!(outcome.equal, 4, "{capture}");
        assert_eq!(outcome.apps, client_frames(frames, RtId::CLIENT_APP_TOSERVER), "{capture}");
    }
}

#[test]
fn deadlocked_on_ps3_is_answered_as_sony_answered_it_on_mas() {
    let Some(connections) = connections("dl_ps3_full_session.jsonl") else { return };
    let frames = &connections[&0];
    let outcome = replay(frames, &[]);
    // 25 with its certificate, 13, 22, 3c, 3c.
    assert_eq!(outcome.equal, 5);
    // Four, of which two in one container.
    assert_eq!(client_frames(frames, RtId::CLIENT_MULTI_APP_TOSERVER), 1);
    assert_eq!(outcome.apps, client_frames(frames, RtId::CLIENT_APP_TOSERVER) + 2);
}

#[test]
fn ps3_consoles_that_want_to_resume_are_greeted_for_the_full_exchange() {
    for capture in ["dl_ps3_full_session.jsonl", "uya_ps3_mas_mls.jsonl"] {
        let Some(connections) = connections(capture) else { return };
        let mut greeted = 0;
        for frames in connections.values() {
            let Some(hello) = frames.iter().find(|frame| frame.id == RtId::CLIENT_HELLO) else { continue };
            let config = Arc::new(server_config(ServerKind::Mls));
            let mut session =
                ServerSession::new(config, Arc::new(Usual), Ipv4Addr::LOCALHOST, [0; 32], Time::ZERO);
            session.receive(Time::ZERO, &mut hello.bytes.clone(), |_, _| {}).unwrap();
            let output = session.take_output();
            assert_eq!(output.len(), 756);
            assert_eq!(output[752..], [0; 4]);
            greeted += 1;
        }
        assert!(greeted > 1, "{capture}");
    }
}
