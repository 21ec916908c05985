//! Players in worlds: handshakes, transports, ciphers, routing.

use medley_relay::{RelayCipher, RelayConfig, RelayTitle, UdpMode};
use medley_session::{Cover, Transport};
use medley_wire::rt::{ServerConnectNotify, ServerDisconnectNotify, ServerTokenMessage, TokenEntry};
use medley_wire::{AnyMessage, RtMessage};

use crate::console::{Console, DEADLOCKED, Host, Seen, Style, host, key, usual};

const BOTH: [Transport; 2] = [Transport::Tcp, Transport::Udp];

/// Each says something to all over each transport; everybody else hears it from the right index, in order.
async fn everybody_talks(players: &mut [Console], cover: Cover) {
    for transport in BOTH {
        for (index, speaker) in players.iter_mut().enumerate() {
            for number in 0..3u8 {
                let payload = [&[2, 13, index as u8, number][..], &[0xab; 40]].concat();
                speaker.broadcast(transport, cover, &payload).await;
            }
        }
        for listener in 0..players.len() {
            for speaker in (0..players.len()).filter(|speaker| *speaker != listener) {
                for number in 0..3 {
                    // The next one of this speaker: others' may come in between.
                    let (way, payload) = players[listener]
                        .until(|seen| match seen {
                            Seen::Relay { transport, source, payload, .. }
                                if usize::from(*source) == speaker =>
                            {
                                Some((*transport, payload.clone()))
                            }
                            _ => None,
                        })
                        .await;
                    assert_eq!((way, payload[2], payload[3]), (transport, speaker as u8, number));
                    assert_eq!(payload.len(), 44);
                }
            }
        }
    }
}

async fn game(host: &Host, style: &Style, count: usize) -> Vec<Console> {
    let world = host.world().await;
    let mut players = Vec::new();
    for number in 0..count {
        players.push(host.player(style, world, &format!("session-{number}")).await);
    }
    players
}

#[tokio::test]
async fn two_players_of_every_dialect_and_cipher_hear_each_other() {
    let host = usual();
    for version in [108, 109, 110, 113] {
        for enciphered in [false, true] {
            let mut players = game(&host, &host.style(version, enciphered), 2).await;
            assert_eq!(players[0].session.enciphered(), enciphered, "{version}");
            everybody_talks(&mut players, Cover::Enciphered).await;
            everybody_talks(&mut players, Cover::NullHash).await;
        }
    }
}

#[tokio::test]
async fn eight_players_hear_each_other() {
    let host = usual();
    let mut players = game(&host, &host.style(110, true), 8).await;
    everybody_talks(&mut players, Cover::Enciphered).await;
    assert_eq!(host.relay.counters().unknown_datagrams, 0);
}

#[tokio::test]
async fn sixty_four_players_hear_one_of_them_over_both_transports() {
    let host = host(
        RelayConfig { max_half_open_per_address: 100, ..RelayConfig::ephemeral() },
        RelayTitle::default(),
    );
    let mut players = game(&host, &host.style(110, true), 64).await;
    for transport in BOTH {
        players[63].broadcast(transport, Cover::Enciphered, &[2, 1, 99]).await;
        for (number, player) in players.iter_mut().enumerate().take(63) {
            let (way, cover, source, payload) = player.relayed().await;
            assert_eq!((way, cover, source), (transport, Cover::Enciphered, 63), "{number}");
            assert_eq!(payload, [2, 1, 99]);
        }
    }
    // To every eighth.
    players[0].session.list(Transport::Tcp, Cover::Enciphered, &[1; 8], &[2, 7]).unwrap();
    players[0].send().await;
    players[1].broadcast(Transport::Tcp, Cover::Enciphered, &[2, 8]).await;
    for number in [8, 9, 16, 17, 56, 57] {
        let (_, _, source, payload) = players[number].relayed().await;
        let wanted = if number % 8 == 0 { (0, vec![2, 7]) } else { (1, vec![2, 8]) };
        assert_eq!((source, payload), wanted, "{number}");
    }
}

#[tokio::test]
async fn a_world_of_old_and_new_and_clear_clients_is_one_world() {
    let host = usual();
    let world = host.world().await;
    let mut players = vec![
        host.player(&host.style(108, true), world, "a").await,
        host.player(&host.style(110, false), world, "b").await,
        host.player(&host.style(110, true), world, "c").await,
        host.player(&host.style(113, true), world, "d").await,
        host.player(&host.style(108, false), world, "e").await,
    ];
    everybody_talks(&mut players, Cover::Enciphered).await;
}

#[tokio::test]
async fn what_came_in_clear_goes_on_in_clear_and_what_came_enciphered_enciphered() {
    let host = usual();
    let mut players = game(&host, &host.style(110, true), 2).await;
    for (sent, wanted) in [
        (Cover::NullHash, Cover::NullHash),
        (Cover::Clear, Cover::NullHash),
        (Cover::Enciphered, Cover::Enciphered),
    ] {
        for transport in BOTH {
            players[0].broadcast(transport, sent, &[2, 5, 6, 7]).await;
            let (way, cover, _, payload) = players[1].relayed().await;
            assert_eq!((way, cover, payload), (transport, wanted, vec![2, 5, 6, 7]), "{sent:?}");
        }
    }
}

#[tokio::test]
async fn a_title_decides_whether_messages_between_players_are_enciphered() {
    for (cipher, sent, wanted) in [
        (RelayCipher::Enciphered, Cover::NullHash, Cover::Enciphered),
        (RelayCipher::Clear, Cover::Enciphered, Cover::NullHash),
    ] {
        let host = host(RelayConfig::ephemeral(), RelayTitle { cipher, ..RelayTitle::default() });
        let mut players = game(&host, &host.style(110, true), 2).await;
        players[0].broadcast(Transport::Udp, sent, &[2, 5, 6, 7]).await;
        assert_eq!(players[1].relayed().await.1, wanted);
    }
}

#[tokio::test]
async fn players_who_share_the_worlds_key_hear_each_other() {
    let config = RelayConfig { shared_world_key: true, ..RelayConfig::ephemeral() };
    let host = host(config, RelayTitle::default());
    for version in [108, 110, 113] {
        let mut players = game(&host, &host.style(version, true), 5).await;
        everybody_talks(&mut players, Cover::Enciphered).await;
    }
}

#[tokio::test]
async fn worlds_on_several_shards_hear_only_themselves() {
    let host = host(RelayConfig { shards: 3, ..RelayConfig::ephemeral() }, RelayTitle::default());
    assert_eq!(host.relay.udp_addrs().len(), 3);
    let mut games = Vec::new();
    for _ in 0..4 {
        games.push(game(&host, &host.style(110, true), 2).await);
    }
    for players in &mut games {
        everybody_talks(players, Cover::Enciphered).await;
    }
    for player in games.iter().flatten() {
        assert!(!player.seen.iter().any(|seen| matches!(seen, Seen::Relay { .. })), "{:?}", player.seen);
    }
}

#[tokio::test]
async fn players_with_a_port_each_hear_each_other() {
    let udp = UdpMode::PortPerClient { base: 0, count: 0 };
    let host = host(RelayConfig { udp, ..RelayConfig::ephemeral() }, RelayTitle::default());
    let mut players = game(&host, &host.style(110, true), 3).await;
    let ports: std::collections::HashSet<_> = players.iter().map(|player| player.server_udp).collect();
    assert_eq!(ports.len(), 3);
    everybody_talks(&mut players, Cover::Enciphered).await;
}

#[tokio::test]
async fn a_player_without_udp_gets_datagrams_messages_over_tcp() {
    let host = usual();
    let world = host.world().await;
    let mut tcp = host.player(&host.style(110, true).tcp_only(), world, "tcp").await;
    let mut udp = host.player(&host.style(110, true), world, "udp").await;
    udp.broadcast(Transport::Udp, Cover::Enciphered, &[2, 9]).await;
    assert_eq!(tcp.relayed().await, (Transport::Tcp, Cover::Enciphered, 1, vec![2, 9]));
    // A title that offers no UDP at all.
    let host =
        crate::console::host(RelayConfig::ephemeral(), RelayTitle { udp: false, ..RelayTitle::default() });
    let world = host.world().await;
    let player = host.player(&host.style(110, true), world, "a").await;
    assert_eq!(player.server_udp, None);
}

#[tokio::test]
async fn joining_goes_as_captured_with_count_version_and_the_worlds_clock() {
    let title = RelayTitle { version: "9.9.title".into(), ..RelayTitle::default() };
    let host = host(RelayConfig::ephemeral(), title);
    let world = host.world().await;
    let mut here = Vec::new();
    for (number, version) in [(0, 110), (1, 108), (2, 113)] {
        let session = format!("s{number}");
        let allotment = host.allot(world, &session).await;
        let style = host.style(version, true);
        let mut console = Console::dial(&host, &style, world.0, &session, &key(&allotment)).await;
        assert_eq!(console.ready().await, number + 1, "{version}");
        let accepted = Seen::Accepted { index: number, count: number + 1 };
        assert!(console.seen.contains(&accepted), "{:?}", console.seen);
        let payload = console
            .until(|seen| if let Seen::App(payload) = seen { Some(payload.clone()) } else { None })
            .await;
        let AnyMessage::DmeServerVersion(text) =
            AnyMessage::decode(&payload, &console.session.dialect()).unwrap()
        else {
            panic!("no ServerVersion: {payload:?}")
        };
        assert_eq!(text.version, if version <= 108 { "1.22.0141" } else { "9.9.title" });
        if number == 0 {
            assert!(console.seen.contains(&Seen::Startup(Some(0))), "{:?}", console.seen);
        }
        here.push(console);
    }
}

#[tokio::test]
async fn the_clock_is_told_over_tcp_whichever_way_it_is_asked() {
    let host = usual();
    let mut players = game(&host, &host.style(110, true), 1).await;
    for transport in BOTH {
        let query = medley_wire::rt::ClientTimebaseQuery { client_time: 0x1b15b };
        players[0].session.send_rt(transport, &RtMessage::ClientTimebaseQuery(query)).unwrap();
        let told = players[0]
            .until(|seen| match seen {
                Seen::Timebase { client_time, server_time } => Some((*client_time, *server_time)),
                _ => None,
            })
            .await;
        assert_eq!(told.0, 0x1b15b);
        assert!(told.1 < 60_000, "{told:?}");
    }
}

#[tokio::test]
async fn echoes_come_back_on_their_transport_and_flushes_are_taken() {
    let host = usual();
    let mut players = game(&host, &host.style(108, true), 2).await;
    for transport in BOTH {
        players[0].settled(transport).await;
        let flush = RtMessage::ClientFlushAll(medley_wire::rt::NoBody {});
        players[0].session.send_rt(transport, &flush).unwrap();
        let flush = RtMessage::ClientFlushSingle(medley_wire::rt::ClientFlushSingle { target: 1 });
        players[0].session.send_rt(transport, &flush).unwrap();
        let hold = RtMessage::ClientSetAggTime(medley_wire::rt::ClientSetAggTime { milliseconds: 30 });
        players[0].session.send_rt(Transport::Tcp, &hold).unwrap();
        players[0].settled(transport).await;
    }
    assert_eq!(host.relay.counters().bad_datagrams, 0);
}

#[tokio::test]
async fn a_relay_that_obeys_aggregation_times_still_delivers_everything() {
    let config = RelayConfig { obey_aggregation_time: true, ..RelayConfig::ephemeral() };
    let host = host(config, RelayTitle::default());
    let mut players = game(&host, &host.style(110, true), 2).await;
    for player in &mut players {
        let hold = RtMessage::ClientSetAggTime(medley_wire::rt::ClientSetAggTime { milliseconds: 5 });
        player.session.send_rt(Transport::Tcp, &hold).unwrap();
        player.settled(Transport::Tcp).await;
    }
    everybody_talks(&mut players, Cover::Enciphered).await;
}

#[tokio::test]
async fn singles_lists_and_flags_choose_who_hears() {
    let host = usual();
    let mut players = game(&host, &host.style(110, true), 4).await;
    players[2].flags(0x01).await;
    for transport in BOTH {
        players[0].single(transport, 1, &[2, 1]).await;
        players[0].single(transport, 2, &[2, 2]).await;
        players[0].single(transport, 0, &[2, 0]).await;
        players[0].session.list(transport, Cover::Enciphered, &[0b1110], &[2, 3]).unwrap();
        players[0].session.list(transport, Cover::NullHash, &[0b1000, 0, 0xff], &[2, 4]).unwrap();
        players[0].broadcast(transport, Cover::Enciphered, &[2, 5]).await;
        for (listener, wanted) in [(1, vec![1, 3, 5]), (2, vec![5]), (3, vec![3, 4, 5])] {
            for number in wanted {
                let (way, _, source, payload) = players[listener].relayed().await;
                assert_eq!((way, source, payload), (transport, 0, vec![2, number]), "{listener}");
            }
        }
    }
    players[0].settled(Transport::Tcp).await;
    assert!(!players[0].seen.iter().any(|seen| matches!(seen, Seen::Relay { .. })));
    for target in [4, 300, 0xffff] {
        players[0].single(Transport::Tcp, target, &[2, 6]).await;
    }
    players[0].settled(Transport::Tcp).await;
    assert_eq!(host.relay.counters().unknown_target, 3);
}

#[tokio::test]
async fn comings_and_goings_are_told_to_those_who_want_to_hear_of_them() {
    let host = usual();
    let world = host.world().await;
    let mut first = host.player(&host.style(110, true), world, "a").await;
    let mut second = host.player(&host.style(108, true), world, "b").await;
    let RtMessage::ServerConnectNotify(ServerConnectNotify { player_index, scert_client_id, ip, key }) =
        first.message().await
    else {
        panic!("{:?}", first.seen)
    };
    assert_eq!((player_index, ip.to_string_lossy().as_ref(), key.0), (1, "127.0.0.1", [0; 64]));
    assert!(scert_client_id.is_some());
    first.session.disconnect().unwrap();
    first.send().await;
    let RtMessage::ServerDisconnectNotify(ServerDisconnectNotify { player_index, scert_client_id, .. }) =
        second.message().await
    else {
        panic!("{:?}", second.seen)
    };
    assert_eq!((player_index, scert_client_id), (0, None));
    // Nobody was told of itself, or of those who were there before.
    assert!(!second.seen.iter().any(|seen| matches!(seen, Seen::Message(_))), "{:?}", second.seen);
}

#[tokio::test]
async fn the_last_words_of_a_leaver_come_before_the_news_that_it_left() {
    let host = usual();
    let mut players = game(&host, &host.style(110, true), 2).await;
    let (leaver, rest) = players.split_first_mut().unwrap();
    leaver.session.broadcast(Transport::Tcp, Cover::Enciphered, &[2, 42]).unwrap();
    leaver.session.disconnect().unwrap();
    leaver.send().await;
    let notice = rest[0].message().await;
    assert!(matches!(notice, RtMessage::ServerDisconnectNotify(_)), "{notice:?}");
    let heard =
        rest[0].seen.iter().any(|seen| matches!(seen, Seen::Relay { payload, .. } if payload == &[2, 42]));
    assert!(heard, "{:?}", rest[0].seen);
}

#[tokio::test]
async fn tokens_are_owned_waited_for_freed_and_told_to_newcomers() {
    let host = usual();
    let world = host.world().await;
    let mut a = host.player(&host.style(110, true), world, "a").await;
    let mut b = host.player(&host.style(110, true), world, "b").await;
    a.until(|seen| matches!(seen, Seen::Message(RtMessage::ServerConnectNotify(_))).then_some(())).await;
    let owned = |token, owner| TokenEntry { token_type: 7, token: Some(token), owner: Some(owner) };
    let plain = |token_type, token| TokenEntry { token_type, token: Some(token), owner: None };
    let message = |entries| RtMessage::ServerTokenMessage(ServerTokenMessage { entries });
    a.token(2, 5).await;
    assert_eq!(a.message().await, message(vec![owned(5, 0)]));
    assert_eq!(b.message().await, message(vec![owned(5, 0)]));
    b.token(2, 5).await;
    assert_eq!(b.message().await, message(vec![plain(8, 5)]));
    let mut c = host.player(&host.style(110, true), world, "c").await;
    assert_eq!(c.message().await, message(vec![owned(5, 0)]));
    b.until(|seen| matches!(seen, Seen::Message(RtMessage::ServerConnectNotify(_))).then_some(())).await;
    a.session.disconnect().unwrap();
    a.send().await;
    assert!(matches!(b.message().await, RtMessage::ServerDisconnectNotify(_)));
    assert_eq!(b.message().await, message(vec![plain(9, 5)]));
}

#[tokio::test]
async fn a_game_of_a_full_size_needs_the_title_and_the_order_to_agree() {
    let host = host(RelayConfig::ephemeral(), RelayTitle { max_players: 3, ..RelayTitle::default() });
    let world = host.relay.create_world(DEADLOCKED, 100).await.unwrap();
    for number in 0..3 {
        host.allot(world, &format!("s{number}")).await;
    }
    assert!(host.relay.allot(world, "late".into()).await.is_err());
    let small = host.relay.create_world(DEADLOCKED, 1).await.unwrap();
    host.allot(small, "a").await;
    assert!(host.relay.allot(small, "b".into()).await.is_err());
}
