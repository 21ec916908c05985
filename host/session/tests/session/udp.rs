//! Datagrams: loss, doubling, lateness, forgeries, and a port that many share.

use std::net::{Ipv4Addr, SocketAddrV4};

use medley_session::*;
use medley_wire::RtId;

use crate::pair::{Datagram, Pair, clear_frame, client_config, server_config};

fn dme(version: u16, enciphered: bool) -> Pair {
    Pair::new(client_config(version, ServerKind::Dme, enciphered), server_config(ServerKind::Dme))
}

#[test]
fn a_lost_first_datagram_or_answer_is_made_good_by_repetition() {
    for drops in [(|n| if n <= 3 { Datagram::Lose } else { Datagram::Pass }) as fn(usize) -> Datagram, |n| {
        if n % 2 == 0 && n < 8 { Datagram::Lose } else { Datagram::Pass }
    }] {
        for version in [108, 110] {
            let mut pair = dme(version, true);
            pair.drops = drops;
            pair.run();
            assert_eq!(pair.server.state(), State::AuxUdp);
            for _ in 0..6 {
                pair.next_deadline();
            }
            assert!(pair.is_ready(), "{version}");
            assert_eq!(pair.told.iter().filter(|event| *event == "AuxUdpReady").count(), 1);
        }
    }
}

#[test]
fn doubled_and_late_datagrams_complete_once() {
    for drops in [(|_| Datagram::Double) as fn(usize) -> Datagram, |n| {
        if n == 1 { Datagram::Late } else { Datagram::Double }
    }] {
        for version in [108, 110, 113] {
            let mut pair = dme(version, true);
            pair.drops = drops;
            pair.run();
            pair.next_deadline();
            assert!(pair.is_ready(), "{version}");
            assert_eq!(pair.told.iter().filter(|event| *event == "AuxUdpReady").count(), 1);
            assert!(pair.told.iter().filter(|event| event.starts_with("ConnectAuxUdp")).count() >= 2);
            assert_eq!((pair.server_error, pair.client_error), (None, None));
        }
    }
}

#[test]
fn reordered_traffic_is_told_as_it_comes() {
    let mut pair = dme(110, true);
    pair.run();
    pair.told.clear();
    pair.drops = |n| if n % 2 == 1 { Datagram::Late } else { Datagram::Pass };
    for number in 0..6u8 {
        pair.client.single(Transport::Udp, Cover::Enciphered, 1, &[number]).unwrap();
        pair.run();
    }
    assert_eq!(pair.told.len(), 6);
    let mut payloads: Vec<_> = pair.told.iter().map(|told| told[told.len() - 2..].to_owned()).collect();
    payloads.sort();
    assert_eq!(payloads, ["00", "01", "02", "03", "04", "05"]);
}

#[test]
fn echoes_on_udp_are_answered_on_udp_and_share_a_datagram() {
    let mut pair = dme(110, true);
    pair.run();
    pair.line();
    pair.told.clear();
    pair.heard.clear();
    pair.client.broadcast(Transport::Udp, Cover::NullHash, &[9; 34]).unwrap();
    pair.client.echo(Transport::Udp, pair.now).unwrap();
    assert_eq!(pair.client.datagrams().unwrap().count(), 1);
    pair.run();
    assert_eq!(pair.line(), "}02:34/n }05:1/3 {05:1/3");
    assert_eq!(pair.heard, ["EchoReply { rtt: 0ns, transport: Udp }"]);
}

#[test]
fn what_does_not_verify_is_dropped_and_counted_and_ends_nothing() {
    let mut pair = dme(110, true);
    pair.run();
    pair.told.clear();
    pair.client.single(Transport::Udp, Cover::Enciphered, 1, b"payload").unwrap();
    let mut datagram = pair.client.datagrams().unwrap().iter().next().unwrap().to_vec();
    pair.client.datagrams().unwrap().clear();
    datagram[12] ^= 1;
    pair.datagram(true, datagram.clone());
    // Nothing is told of goodbyes, handshake messages or nonsense; a short tail is ignored.
    pair.datagram(true, clear_frame(RtId::CLIENT_DISCONNECT, &[]));
    pair.datagram(true, clear_frame(RtId::CLIENT_CONNECT_TCP, &[0; 72]));
    pair.datagram(true, clear_frame(RtId::CLIENT_APP_SINGLE, &[0]));
    pair.datagram(true, vec![0x83, 0xff]);
    pair.datagram(true, vec![]);
    assert_eq!(pair.server.udp_counters(), UdpCounters { bad_hash: 1, refused: 3 });
    assert!(pair.told.is_empty(), "{:?}", pair.told);
    datagram[12] ^= 1;
    pair.datagram(true, datagram);
    assert_eq!(pair.told, ["Relay Udp Enciphered Single(1) 7061796c6f6164"]);
}

#[test]
fn the_first_datagram_finds_its_owner_among_many() {
    for version in [108, 110, 113] {
        for enciphered in [true, false] {
            let mut pairs: Vec<Pair> = (0..4u16)
                .map(|index| {
                    let server = server_config(ServerKind::Dme).with_clear_ps3();
                    let server = if enciphered { server_config(ServerKind::Dme) } else { server };
                    let mut pair = Pair::new(client_config(version, ServerKind::Dme, enciphered), server);
                    pair.accept.player_id = index;
                    pair.accept.scert_id = 1000 + u32::from(index);
                    pair.accept.peer_key =
                        Some(std::sync::Arc::new(medley_crypto::SymmetricKey::new([index as u8; 64])));
                    pair.drops = |_| Datagram::Lose;
                    pair.run();
                    pair
                })
                .collect();
            for index in 0..4 {
                let pair = &mut pairs[index];
                pair.now = pair.client.poll_timeout().unwrap();
                pair.client.handle_timeout(pair.now).unwrap();
                let datagram = pair.client.datagrams().unwrap().iter().next().unwrap().to_vec();
                let owners: Vec<_> = pairs
                    .iter()
                    .enumerate()
                    .filter_map(|(owner, pair)| {
                        Some((owner, pair.server.try_open_connect_aux_udp(&datagram)?))
                    })
                    .collect();
                assert_eq!(owners.len(), 1, "{version} {enciphered}");
                assert_eq!(owners[0].0, index);
                assert_eq!(owners[0].1.player_id, index as u16);
                assert_eq!(owners[0].1.server_port, 10079);
            }
        }
    }
}

#[test]
fn a_clear_first_datagram_is_refused_on_an_enciphered_connection() {
    let mut pair = dme(108, true);
    pair.drops = |_| Datagram::Lose;
    pair.run();
    assert_eq!(pair.server.state(), State::AuxUdp);
    let mut body = vec![1, 8, 1, 9, 0];
    body.extend(10684u32.to_le_bytes());
    body.resize(29, 0);
    let forged = clear_frame(RtId::CLIENT_CONNECT_AUX_UDP, &body);
    assert_eq!(pair.server.try_open_connect_aux_udp(&forged), None);
    let told = pair.told.len();
    pair.datagram(true, forged.clone());
    assert_eq!(pair.told.len(), told);
    assert_eq!(pair.server.udp_counters().refused, 1);

    let mut clear = dme(108, false);
    clear.drops = |_| Datagram::Lose;
    clear.run();
    assert!(clear.server.try_open_connect_aux_udp(&forged).is_some());
}

#[test]
fn datagrams_are_not_looked_at_where_there_is_no_aux_udp() {
    let mut pair = Pair::new(client_config(110, ServerKind::Mls, false), server_config(ServerKind::Mls));
    pair.run();
    pair.datagram(true, clear_frame(RtId::CLIENT_ECHO, &[0xa5]));
    assert!(pair.server.datagrams().is_none());
    assert_eq!(pair.server.accept_aux_udp(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1)), Err(SendError::NoUdp));
    assert_eq!(pair.server.send_relay(Transport::Udp, Cover::Clear, 0, b"x"), Err(SendError::NoUdp));
}
