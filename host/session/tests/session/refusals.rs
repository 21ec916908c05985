//! Clients that break the protocol: what the error says, and that nothing panics or grows.

use std::sync::Arc;

use medley_session::*;
use medley_wire::{AppId, RtId};
use proptest::prelude::*;

use crate::pair::{PEER, Pair, clear_frame, client_config, server_config};

fn at_start(kind: ServerKind) -> Pair {
    Pair::new(client_config(110, kind, false), server_config(kind))
}

/// The error that `bytes` cause, and the state afterwards.
fn error_of(pair: &mut Pair, bytes: Vec<u8>) -> String {
    pair.feed_server(bytes);
    assert_eq!(pair.server.state(), State::Closed);
    pair.server_error.take().unwrap().to_string()
}

#[test]
fn an_http_request_is_told_from_a_client_at_once() {
    let error = error_of(&mut at_start(ServerKind::Mas), b"GET / HTTP/1.1\r\n\r\n".to_vec());
    assert_eq!(error, "frame of 0x47: a body of 21573 bytes, wanted at most 16384");
}

#[test]
fn handshake_messages_out_of_order_say_what_was_wanted() {
    let wanted = "CLIENT_HELLO, CLIENT_CRYPTKEY_PUBLIC or CLIENT_CONNECT_TCP";
    for id in [
        RtId::CLIENT_CONNECT_READY_REQUIRE,
        RtId::CLIENT_CONNECT_READY_AUX_UDP,
        RtId::CLIENT_APP_TOSERVER,
        RtId::CLIENT_APP_BROADCAST,
        RtId::SERVER_ECHO,
        RtId(0x7f),
    ] {
        let error = error_of(&mut at_start(ServerKind::Dme), clear_frame(id, &[0]));
        assert_eq!(error, format!("state Start: found {id}, wanted {wanted}"));
    }

    let mut pair = at_start(ServerKind::Mas);
    let hello = pair.client.take_output();
    pair.feed_server(hello.clone());
    let error = error_of(&mut pair, hello);
    assert_eq!(
        error,
        "state Greeted: found CLIENT_HELLO, wanted CLIENT_CRYPTKEY_PUBLIC or CLIENT_CONNECT_TCP"
    );

    let mut pair = at_start(ServerKind::Mas);
    pair.run();
    let error = error_of(&mut pair, clear_frame(RtId::CLIENT_CONNECT_TCP, &[0; 72]));
    assert_eq!(error, "state Ready: found CLIENT_CONNECT_TCP, wanted no handshake message");
    let mut pair = at_start(ServerKind::Mas);
    pair.run();
    let error = error_of(&mut pair, clear_frame(RtId::CLIENT_CRYPTKEY_PUBLIC, &[1; 64]));
    assert_eq!(error, "state Ready: found CLIENT_CRYPTKEY_PUBLIC, wanted no handshake message");
}

#[test]
fn bodies_that_are_cut_or_of_another_length_say_where() {
    let error = error_of(&mut at_start(ServerKind::Mas), clear_frame(RtId::CLIENT_CONNECT_TCP, &[0; 20]));
    assert_eq!(
        error,
        "state Start: CLIENT_CONNECT_TCP: CLIENT_CONNECT_TCP.Key at offset 9: wanted 64 bytes, found 11"
    );
    let error = error_of(&mut at_start(ServerKind::Mas), clear_frame(RtId::CLIENT_CRYPTKEY_PUBLIC, &[0; 63]));
    assert_eq!(error, "state Start: CLIENT_CRYPTKEY_PUBLIC: wanted 64 bytes, found 63");
    let error = error_of(&mut at_start(ServerKind::Mas), clear_frame(RtId::CLIENT_HELLO, &[2, 0, 0x6e]));
    assert!(error.starts_with("state Start: CLIENT_HELLO: "), "{error}");
}

#[test]
fn a_frame_that_does_not_verify_ends_the_session_and_says_id_and_context() {
    let mut pair = Pair::new(client_config(110, ServerKind::Mls, true), server_config(ServerKind::Mls));
    pair.run();
    pair.client.send_app_payload(&[1, 0x31, 9, 9]).unwrap();
    let mut frame = pair.client.take_output();
    frame[8] ^= 1;
    let error = error_of(&mut pair, frame);
    assert!(
        error.starts_with(
            "state Ready: CLIENT_APP_TOSERVER does not verify: hash mismatch in 4 bytes under RC_CLIENT_SESSION"
        ),
        "{error}"
    );
}

#[test]
fn a_context_without_a_key_is_refused() {
    for (context, name) in
        [(3u8, "RC_CLIENT_SESSION"), (1, "RC_SERVER_SESSION"), (7, "RSA_AUTH"), (5, "context 5")]
    {
        let mut frame = vec![0x80, 72, 0, 1, 2, 3, context << 5];
        frame.resize(7 + 72, 0);
        let error = error_of(&mut at_start(ServerKind::Mas), frame);
        assert_eq!(
            error,
            format!(
                "state Start: CLIENT_CONNECT_TCP is enciphered under {name}, for which this connection has no key"
            )
        );
    }
}

#[test]
fn a_key_message_that_no_key_opens_is_refused() {
    let mut frame = vec![0x92, 64, 0, 1, 2, 3, 0xe4];
    frame.resize(7 + 64, 5);
    let error = error_of(&mut at_start(ServerKind::Mas), frame.clone());
    assert!(
        error.starts_with("state Start: CLIENT_CRYPTKEY_PUBLIC: hash mismatch in a key message"),
        "{error}"
    );
    frame[6] = 0x64;
    let error = error_of(&mut at_start(ServerKind::Mas), frame.clone());
    assert_eq!(
        error,
        "state Start: CLIENT_CRYPTKEY_PUBLIC: a key message under RC_CLIENT_SESSION, RSA_AUTH wanted"
    );
    // Null hash: plaintext, and no modulus.
    frame[3..7].copy_from_slice(&[0, 0, 0, 0xe0]);
    frame[7..].fill(0);
    let error = error_of(&mut at_start(ServerKind::Mas), frame);
    assert_eq!(error, "state Start: CLIENT_CRYPTKEY_PUBLIC: the modulus is zero");
}

#[test]
fn an_app_id_that_nobody_serves_is_rejected_with_reason_3() {
    let rules = |_: ServerKind, app: AppId| (app.0 == 1).then(Handshake::default);
    let mut pair = Pair::with_rules(
        client_config(108, ServerKind::Mas, true),
        server_config(ServerKind::Mas),
        Arc::new(rules),
    );
    pair.run();
    assert_eq!(pair.server_error, Some(SessionError::AppNotServed { app_id: AppId(10684) }));
    assert_eq!(pair.line(), ">12:64/7 <13:64/7 >00:73/3 <06:3/3");
    assert_eq!(pair.heard, ["Rejected { reason: 3 }"]);
}

#[test]
fn containers_must_hold_whole_clear_messages() {
    let ready = || {
        let server = server_config(ServerKind::Mas).with_clear_ps3();
        let mut pair = Pair::new(client_config(113, ServerKind::Mas, false), server);
        pair.run();
        pair
    };
    let container = |body: &[u8]| clear_frame(RtId::CLIENT_MULTI_APP_TOSERVER, body);
    let error = error_of(&mut ready(), container(&[0x8b, 2, 0, 1, 2]));
    assert_eq!(
        error,
        "state Ready: message 0x8b inside CLIENT_MULTI_APP_TOSERVER, wanted a clear message that is no container"
    );
    let error = error_of(&mut ready(), container(&[0x3b, 0, 0]));
    assert!(error.contains("message 0x3b inside"), "{error}");
    for body in [&[0x0b][..], &[0x0b, 1], &[0x0b, 9, 0, 1]] {
        let error = error_of(&mut ready(), container(body));
        assert!(
            error.starts_with("state Ready: CLIENT_MULTI_APP_TOSERVER: wanted 3 bytes, found "),
            "{error}"
        );
    }
}

#[test]
fn fragments_that_do_not_fit_end_the_session() {
    let mut pair = at_start(ServerKind::Mls);
    pair.run();
    let mut piece = vec![0, 2, 4, 0x11, 4, 0, 2, 0, 1, 0, 0, 0, 0, 0];
    piece.extend(100i32.to_le_bytes());
    piece.extend(50i32.to_le_bytes());
    piece.extend([1; 4]);
    let error = error_of(&mut pair, clear_frame(RtId::CLIENT_APP_TOSERVER, &piece));
    assert_eq!(error, "state Ready: fragment at 50 with 4 bytes of 100, wanted offset 0");
}

#[test]
fn an_access_key_without_its_nul_is_taken() {
    for cut in 1..=17 {
        let mut pair = Pair::new(client_config(108, ServerKind::Mls, false), server_config(ServerKind::Mls));
        let mut connect = pair.client.take_output();
        connect.truncate(connect.len() - cut);
        connect[1] -= cut as u8;
        pair.feed_server(connect);
        assert_eq!(pair.server_error, None, "{cut}");
        let key = &"gywtmWftxdvh6ZFU"[..17 - cut];
        assert_eq!(
            pair.told[0],
            format!("Connect app 10684 world 9 session 13088 access {key} udp false enciphered false")
        );
    }
}

#[test]
fn calls_in_the_wrong_state_are_the_callers_fault() {
    let mut pair = at_start(ServerKind::Mas);
    let error = pair.server.accept(Accept::default(), pair.now).unwrap_err();
    assert_eq!(error.to_string(), "accept in state Start, wanted Connecting");
    assert!(pair.server.reject(1).is_err());
    assert!(pair.server.complete(1, pair.now).is_err());
    pair.run();
    assert!(pair.is_ready());
}

/// A server session on its own that accepts whatever comes.
fn feed(kind: ServerKind, chunks: &[Vec<u8>]) -> ServerSession {
    let config = Arc::new(server_config(kind));
    let mut session = ServerSession::new(config, Arc::new(Usual), PEER, [3; 32], Time::ZERO);
    for chunk in chunks {
        let _ = session.receive(Time::ZERO, &mut chunk.clone(), |session, event| match event {
            Event::Connect(_) => {
                let accept = Accept { udp: Some(crate::pair::SERVER_UDP), ..Default::default() };
                session.accept(accept, Time::ZERO).unwrap();
            }
            Event::AuxUdpReady => session.complete(1, Time::ZERO).unwrap(),
            _ => {}
        });
        session.receive_datagram(Time::ZERO, &mut chunk.clone(), |_, _| {});
        session.try_open_connect_aux_udp(chunk);
    }
    session
}

/// Frames with ids of the protocol and any body, clear.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    (0u8..0x44, prop::collection::vec(any::<u8>(), 0..120))
        .prop_map(|(id, body)| clear_frame(RtId(id), &body))
}

/// Frames that make up a clear DME session, and others among them.
fn session_frames() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => Just(clear_frame(RtId::CLIENT_HELLO, &[2, 0, 0x6e, 0, 0x6d, 0, 1, 0, 1, 0])),
        4 => Just(clear_frame(RtId::CLIENT_CONNECT_TCP_AUX_UDP, &[1; 106])),
        4 => Just(clear_frame(RtId::CLIENT_CONNECT_READY_REQUIRE, &[0])),
        4 => Just(clear_frame(RtId::CLIENT_CONNECT_READY_TCP, &[0x0e, 5])),
        4 => Just(clear_frame(RtId::CLIENT_CONNECT_READY_AUX_UDP, &[])),
        1 => frames(),
    ]
}

proptest! {
    #[test]
    fn random_bytes_never_panic(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8)) {
        feed(ServerKind::Mas, &chunks);
    }

    #[test]
    fn random_frames_never_panic_and_keep_memory_bounded(chunks in prop::collection::vec(frames(), 0..24)) {
        for kind in [ServerKind::Mls, ServerKind::Dme] {
            let mut session = feed(kind, &chunks);
            session.take_output();
            prop_assert!(session.heap_size() < 0x20000);
        }
    }

    #[test]
    fn sessions_with_stray_frames_never_panic(chunks in prop::collection::vec(session_frames(), 0..16)) {
        let ordered = [
            clear_frame(RtId::CLIENT_HELLO, &[2, 0, 0x6e, 0, 0x6d, 0, 1, 0, 1, 0]),
            clear_frame(RtId::CLIENT_CONNECT_TCP_AUX_UDP, &[1; 106]),
            clear_frame(RtId::CLIENT_CONNECT_READY_REQUIRE, &[0]),
        ];
        feed(ServerKind::Dme, &chunks);
        feed(ServerKind::Dme, &[&ordered[..], &chunks[..]].concat());
    }

    #[test]
    fn a_client_survives_whatever_a_server_sends(chunks in prop::collection::vec(frames(), 0..16), version in 107u16..114) {
        let config = Arc::new(client_config(version, ServerKind::Dme, false));
        let mut client = ClientSession::new(config, [1; 32], Time::ZERO).unwrap();
        for chunk in chunks {
            let _ = client.receive(Time::ZERO, &mut chunk.clone(), |_, _| {});
            client.receive_datagram(Time::ZERO, &mut chunk.clone(), |_, _| {});
        }
    }
}
