//! Every dialect, clear and enciphered, on every kind of server: the frames of `protocol/transport.md` section 5, by
//! id, length and context.

use std::sync::Arc;

use medley_session::*;
use medley_wire::AppId;

use crate::pair::{Pair, client_config, server_config};

const LOBBY: [ServerKind; 4] = [ServerKind::Muis, ServerKind::Mas, ServerKind::Mls, ServerKind::Mps];

fn walk(version: u16, kind: ServerKind, enciphered: bool) -> Pair {
    let mut server = server_config(kind);
    if !enciphered {
        server = server.with_clear_ps3();
    }
    let mut pair = Pair::new(client_config(version, kind, enciphered), server);
    pair.run();
    assert_eq!(pair.server_error, None, "{version} {kind:?}");
    assert_eq!(pair.client_error, None, "{version} {kind:?}");
    assert!(pair.is_ready(), "{version} {kind:?} {enciphered}: {:?}", pair.wire);
    pair
}

/// The length of CONNECT on this server.
fn connect(kind: ServerKind, bare: usize) -> usize {
    if matches!(kind, ServerKind::Muis | ServerKind::Mas) { bare } else { bare + 34 }
}

#[test]
fn a_client_of_1_08_is_let_in_as_sony_let_uya_in() {
    for kind in LOBBY {
        let size = connect(kind, 73);
        let enciphered = walk(108, kind, true).line();
        assert_eq!(
            enciphered,
            format!(">12:64/7 <13:64/7 >00:{size}/3 <14:64/3 <07:23/3 <1a:2/3"),
            "{kind:?}"
        );
        let clear = walk(108, kind, false).line();
        assert_eq!(clear, format!(">00:{size}/c <07:23/c <1a:2/c"), "{kind:?}");
    }
}

#[test]
fn clients_of_1_09_to_1_11_are_let_in_as_sony_let_deadlocked_in() {
    for version in [109, 110, 111] {
        for kind in LOBBY {
            let size = connect(kind, 72);
            let enciphered = walk(version, kind, true).line();
            assert_eq!(
                enciphered,
                format!(
                    ">24:10/c <25:4/c >12:64/7 <13:64/7 >00:{size}/3 <22:3/3 >23:1/3 <14:64/3 <07:24/3 >21:2/3 \
                     <1a:2/3 <1f:8/3 >1f:8/3"
                ),
                "{version} {kind:?}"
            );
            let clear = walk(version, kind, false).line();
            assert_eq!(
                clear,
                format!(
                    ">24:10/c <25:4/c >00:{size}/c <22:3/c >23:1/c <07:24/c >21:2/c <1a:2/c <1f:8/c >1f:8/c"
                ),
                "{version} {kind:?}"
            );
        }
    }
}

#[test]
fn ps3_clients_are_let_in_with_certificates_and_containers() {
    for version in [112, 113] {
        for kind in LOBBY {
            let size = connect(kind, 72);
            let enciphered = walk(version, kind, true).line();
            assert_eq!(
                enciphered,
                format!(
                    ">24:745/c <25:753/c >12:64/7 <13:64/7 >00:{size}/3 <22:3/3 >23:1/3 <3c:94/3 >21:2/3 <3c:16/3 \
                     >1f:8/3"
                ),
                "{version} {kind:?}"
            );
            let clear = walk(version, kind, false).line();
            assert_eq!(
                clear,
                format!(">24:745/c <25:753/c >00:{size}/c <22:3/c >23:1/c <07:24/c >21:2/c <3c:16/c >1f:8/c"),
                "{version} {kind:?}"
            );
        }
    }
}

#[test]
fn dme_with_aux_udp_takes_1_08_through_the_second_key() {
    assert_eq!(
        walk(108, ServerKind::Dme, true).line(),
        ">12:64/7 <13:64/7 >15:107/3 <14:64/3 <13:64/3 <07:23/3 <18:18/3 }16:29/3 {19:25/3 >17:0/c <1a:2/3 <0a:18/1"
    );
    assert_eq!(
        walk(108, ServerKind::Dme, false).line(),
        ">15:107/c <07:23/c <18:18/c }16:29/c {19:25/c >17:0/c <1a:2/c <0a:18/c"
    );
}

#[test]
fn dme_with_aux_udp_takes_1_10_through_the_second_key() {
    assert_eq!(
        walk(110, ServerKind::Dme, true).line(),
        ">24:10/c <25:4/c >12:64/7 <13:64/7 >15:106/3 <22:5/3 >23:1/3 <14:64/3 <13:64/3 <07:24/3 >21:2/3 <26:5/3 \
         <18:18/3 }16:32/3 {19:26/3 >17:0/c <1a:2/3 <0a:18/3 <1f:8/3 >1f:8/3"
    );
    assert_eq!(
        walk(110, ServerKind::Dme, false).line(),
        ">24:10/c <25:4/c >15:106/c <22:5/c >23:1/c <07:24/c >21:2/c <26:5/c <18:18/c }16:32/c {19:26/c >17:0/c \
         <1a:2/c <0a:18/c <1f:8/c >1f:8/c"
    );
}

#[test]
fn dme_takes_a_ps3_client_with_frames_one_by_one() {
    let mut pair = walk(113, ServerKind::Dme, true);
    let line = pair.line();
    assert!(line.contains("<14:64/3 <13:64/3 <07:24/3"), "{line}");
    assert!(line.ends_with("<1a:2/3 <0a:18/3 <1f:8/3 >1f:8/3"), "{line}");
}

#[test]
fn dme_without_datagrams_lets_in_over_tcp_alone() {
    let mut config = client_config(110, ServerKind::Dme, true);
    config.aux_udp = false;
    let mut pair = Pair::new(config, server_config(ServerKind::Dme));
    pair.run();
    assert!(pair.is_ready());
    let line = pair.line();
    assert!(line.ends_with("<07:24/3 >21:2/3 <26:5/3 <1a:2/3 <0a:18/3 <1f:8/3 >1f:8/3"), "{line}");
    assert!(pair.told.contains(&"Connected".to_owned()));

    let mut config = client_config(108, ServerKind::Dme, false);
    config.aux_udp = false;
    config.waits_for_complete = false;
    let mut pair = Pair::new(config, server_config(ServerKind::Dme));
    pair.run();
    assert!(pair.is_ready());
    assert_eq!(pair.line(), ">00:107/c <07:23/c");
}

#[test]
fn a_plaintext_client_that_sends_its_key_in_clear_gets_13_14_07_1a_in_clear() {
    let mut config = client_config(108, ServerKind::Mas, false);
    config.cipher = ClientCipher::ClearKeyExchange;
    let mut pair = Pair::new(config, server_config(ServerKind::Mas));
    pair.run();
    assert!(pair.is_ready());
    assert_eq!(pair.line(), ">12:64/c <13:64/c >00:73/c <14:64/c <07:23/c <1a:2/c");
}

#[test]
fn a_ps3_client_that_wants_to_resume_is_taken_through_the_full_exchange() {
    let mut config = client_config(113, ServerKind::Mls, true);
    config.resume = Some((0x30d9_86f2, [9; 16]));
    let mut pair = Pair::new(config, server_config(ServerKind::Mls));
    pair.run();
    assert!(pair.is_ready());
    assert!(pair.line().starts_with(">24:761/c <25:753/c >12:64/7 <13:64/7 >00:106/3"));
}

#[test]
fn what_connect_says_reaches_the_owner() {
    let pair = walk(110, ServerKind::Mls, true);
    let connect = "Connect app 11184 world 9 session 13088 access gywtmWftxdvh6ZFU udp false enciphered true";
    assert_eq!(pair.told[..3], [connect, "ReceiveFlags(1)", "Connected"]);
    assert_eq!(pair.told.len(), 4, "{:?}", pair.told);
    assert!(pair.heard[0].starts_with("Accepted { player_id: 0, scert_id: Some(21204), player_count: 1"));
    assert!(pair.heard[0].contains("24.214.45.115"));
    let dme = walk(108, ServerKind::Dme, true);
    assert_eq!(
        dme.told[0],
        "Connect app 10684 world 9 session 13088 access gywtmWftxdvh6ZFU udp true enciphered true"
    );
    assert!(dme.told[1].starts_with("ConnectAuxUdp("));
    assert_eq!(dme.told[2..], ["AuxUdpReady"]);
    assert_eq!(dme.heard.last().unwrap(), "App 0000 18");
}

#[test]
fn an_owner_that_answers_late_sees_the_same_sequence() {
    for version in [108, 110, 113] {
        for kind in [ServerKind::Mls, ServerKind::Dme] {
            let mut early = walk(version, kind, true);
            let mut late = Pair::new(client_config(version, kind, true), server_config(kind));
            late.late = true;
            late.run();
            assert!(late.is_ready());
            assert_eq!(late.line(), early.line(), "{version} {kind:?}");
            assert_eq!(late.told, early.told, "{version} {kind:?}");
        }
    }
}

fn with_handshake(version: u16, kind: ServerKind, handshake: Handshake) -> String {
    let rules = move |_: ServerKind, _: AppId| Some(handshake);
    let mut config = client_config(version, kind, true);
    config.waits_for_complete = handshake.complete_after_accept;
    let mut pair = Pair::with_rules(config, server_config(kind), Arc::new(rules));
    pair.run();
    assert!(pair.is_ready(), "{:?}", (pair.wire, pair.server_error, pair.client_error));
    let line = pair.line();
    line.split_once("<13:64/7 ").unwrap().1.to_owned()
}

#[test]
fn each_exception_of_a_title_changes_what_it_says() {
    let usual = Handshake::default();
    let mas = ServerKind::Mas;
    // Warhawk: in at once.
    assert_eq!(
        with_handshake(113, mas, Handshake { skip_connect_require: true, ..usual }),
        ">00:72/3 <3c:94/3 >21:2/3 <3c:16/3 >1f:8/3"
    );
    assert_eq!(
        with_handshake(110, mas, Handshake { treat_as_108: true, ..usual }),
        ">00:72/3 <14:64/3 <07:24/3 <1a:2/3 >21:2/3"
    );
    assert_eq!(
        with_handshake(110, mas, Handshake { complete_unasked_above_108: true, ..usual }),
        ">00:72/3 <22:3/3 >23:1/3 <14:64/3 <07:24/3 <1a:2/3 <1f:8/3 >21:2/3 >1f:8/3"
    );
    assert_eq!(
        with_handshake(108, mas, Handshake { complete_after_accept: false, ..usual }),
        ">00:73/3 <14:64/3 <07:23/3"
    );
    assert_eq!(
        with_handshake(108, mas, Handshake { send_cryptkey_game: false, ..usual }),
        ">00:73/3 <07:23/3 <1a:2/3"
    );
    assert_eq!(
        with_handshake(110, mas, Handshake { server_echo: false, ..usual }),
        ">00:72/3 <22:3/3 >23:1/3 <14:64/3 <07:24/3 >21:2/3 <1a:2/3"
    );
    let one_key = with_handshake(108, ServerKind::Dme, Handshake { send_second_peer_key: false, ..usual });
    assert!(one_key.contains("<14:64/3 <07:23/3 <18:18/3"), "{one_key}");
}

#[test]
fn the_accept_version_of_a_title_stands_first_at_1_08() {
    let rules =
        |_: ServerKind, _: AppId| Some(Handshake { accept_version: [1, 8, 0x10], ..Handshake::default() });
    let config = client_config(108, ServerKind::Mas, false);
    let server = ServerSession::new(
        Arc::new(server_config(ServerKind::Mas)),
        Arc::new(rules),
        crate::pair::PEER,
        [1; 32],
        Time::ZERO,
    );
    let mut server = server;
    let mut client = ClientSession::new(Arc::new(config), [2; 32], Time::ZERO).unwrap();
    server
        .receive(Time::ZERO, &mut client.take_output(), |session, event| {
            if let Event::Connect(_) = event {
                session.accept(Accept { player_count: 1, ..Default::default() }, Time::ZERO).unwrap();
            }
        })
        .unwrap();
    assert_eq!(hex::encode(&server.output()[..10]), "071700010810000001 00".replace(' ', ""));
}

#[test]
fn two_sessions_with_the_same_session_key_do_not_disturb_each_other() {
    let mut first = walk(110, ServerKind::Mls, true);
    let mut second = walk(110, ServerKind::Mls, true);
    assert_eq!(first.told[0], second.told[0]);
    first.client.disconnect().unwrap();
    first.run();
    assert_eq!(first.told.last().unwrap(), "Disconnect { reason: Some(1) }");
    second.client.send_app_payload(&[1, 0x31, 0]).unwrap();
    second.run();
    assert_eq!(second.told.last().unwrap(), "App 0131 3 Tcp");
}
