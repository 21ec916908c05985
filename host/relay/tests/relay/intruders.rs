//! What must not harm anybody: wrong keys, false datagrams, slow readers, power-offs, floods.

use std::sync::Arc;
use std::time::Duration;

use medley_crypto::KeyStore;
use medley_relay::{Relay, RelayConfig, RelayHandle, RelayTitle, WorldError};
use medley_session::{ClientConfig, ClientEvent, ClientSession, Cover, ServerKind, Time, Transport};
use medley_wire::types::Text;
use medley_wire::{RtId, RtMessage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::console::{Console, DEADLOCKED, Defect, PATIENCE, Seen, UYA, host, key, usual};

#[tokio::test]
async fn wrong_used_and_foreign_access_keys_are_refused_and_counted() {
    let host = usual();
    let world = host.world().await;
    let style = host.style(110, true);
    let allotment = host.allot(world, "a").await;
    let good = key(&allotment);
    let mut wrong = good.clone();
    wrong[7] ^= 1;
    for (session, access) in [("a", &wrong[..]), ("a", b""), ("a", &good[..14]), ("thief", &good)] {
        let mut console = Console::dial(&host, &style, world.0, session, access).await;
        console.refused().await;
    }
    host.counted("key_unknown", 3).await;
    host.counted("key_session", 1).await;
    // The owner of the key is not disturbed, and is the only one it serves.
    let mut owner = Console::dial(&host, &style, world.0, "a", &good).await;
    owner.ready().await;
    let mut again = Console::dial(&host, &style, world.0, "a", &good).await;
    again.refused().await;
    host.counted("key_unknown", 4).await;
    owner.settled(Transport::Udp).await;
}

#[tokio::test]
async fn a_key_that_came_too_late_is_refused_and_its_place_is_free() {
    let config = RelayConfig { allotment_timeout: Duration::ZERO, ..RelayConfig::ephemeral() };
    let host = host(config, RelayTitle::default());
    let world = host.relay.create_world(UYA, 1).await.unwrap();
    host.allot(world, "a").await;
    host.counted("expired_slots", 1).await;
    host.allot(world, "b").await;
}

#[tokio::test]
async fn the_key_decides_where_the_world_id_is_cut_or_off_by_one() {
    let host = host(RelayConfig { max_worlds: 300, ..RelayConfig::ephemeral() }, RelayTitle::default());
    let mut world = host.world().await;
    // Over 255, so that a byte of it is another number.
    while world.0 < 300 {
        world = host.world().await;
    }
    assert!(host.relay.create_world(UYA, 0).await.is_err());
    let mut players = Vec::new();
    for (number, named) in [world.0, world.0 & 0xff, world.0 + 1, world.0 - 1, 0].into_iter().enumerate() {
        for version in [108, 110] {
            let session = format!("{number}-{version}");
            let allotment = host.allot(world, &session).await;
            // UYA clients of the plaintext kind cut the key's field to 16 bytes, which may cost its last character.
            let mut access = key(&allotment);
            access.truncate(16 - number % 2);
            let style = host.style(version, true);
            let mut console = Console::dial(&host, &style, named, &session, &access).await;
            console.ready().await;
            assert!(console.server_udp.is_some());
            console.settled(Transport::Udp).await;
            players.push(console);
        }
    }
    let (speaker, rest) = players.split_first_mut().unwrap();
    speaker.broadcast(Transport::Udp, Cover::Enciphered, &[2, 2]).await;
    // Those of 1.10 sent no SET_RECV_FLAG, and 1.08 needs none.
    for listener in rest.iter_mut().filter(|player| player.session.dialect().is_108()) {
        assert_eq!(listener.relayed().await.0, Transport::Udp);
    }
}

#[tokio::test]
async fn datagrams_from_another_source_are_refused_before_and_after_the_join() {
    let host = usual();
    let world = host.world().await;
    for enciphered in [false, true] {
        let style = host.style(110, enciphered);
        let mut victim = host.player(&style, world, &format!("v{enciphered}")).await;
        let mut witness = host.player(&style, world, &format!("w{enciphered}")).await;
        let server = victim.server_udp.unwrap();
        // The victim's own frames, sent again from elsewhere: a broadcast and a first datagram.
        victim.session.broadcast(Transport::Udp, Cover::Enciphered, &[2, 66]).unwrap();
        let forged: Vec<Vec<u8>> = victim.session.datagrams().unwrap().iter().map(<[u8]>::to_vec).collect();
        victim.session.datagrams().unwrap().clear();
        let before = host.relay.counters().unknown_datagrams;
        let thief = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        for datagram in &forged {
            thief.send_to(datagram, server).await.unwrap();
        }
        host.counted("unknown_datagrams", before + 1).await;
        victim.broadcast(Transport::Udp, Cover::Enciphered, &[2, 67]).await;
        assert_eq!(witness.relayed().await.3, [2, 67]);
        // And still the victim hears, not the thief.
        witness.broadcast(Transport::Udp, Cover::Enciphered, &[2, 68]).await;
        assert_eq!(victim.relayed().await.3, [2, 68]);
    }
}

#[tokio::test]
async fn a_first_datagram_from_another_address_than_the_tcp_connections_is_refused() {
    let host = usual();
    let world = host.world().await;
    let allotment = host.allot(world, "a").await;
    let style = host.style(110, true);
    let mut console = Console::dial(&host, &style, world.0, "a", &key(&allotment)).await;
    console.udp = UdpSocket::bind("127.0.0.2:0").await.unwrap();
    while host.relay.counters().unknown_datagrams < 2 {
        console.pump().await;
    }
    assert_eq!(host.relay.counters().players, 0);
    // From the right address it is let in.
    console.udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    console.ready().await;
    // Networks that leave by several addresses: by option.
    let config = RelayConfig { check_udp_address: false, ..RelayConfig::ephemeral() };
    let host = crate::console::host(config, RelayTitle::default());
    let world = host.world().await;
    let allotment = host.allot(world, "a").await;
    let mut console = Console::dial(&host, &style, world.0, "a", &key(&allotment)).await;
    console.udp = UdpSocket::bind("127.0.0.2:0").await.unwrap();
    console.ready().await;
}

#[tokio::test]
async fn a_console_that_comes_again_from_the_same_port_takes_its_endpoint_along() {
    let host = usual();
    let world = host.world().await;
    let style = host.style(110, true);
    let mut old = host.player(&style, world, "a").await;
    let mut other = host.player(&style, world, "b").await;
    let allotment = host.allot(world, "c").await;
    let mut new = Console::dial(&host, &style, world.0, "c", &key(&allotment)).await;
    std::mem::swap(&mut old.udp, &mut new.udp);
    new.ready().await;
    new.flags(0x0f).await;
    other.broadcast(Transport::Udp, Cover::Enciphered, &[2, 2]).await;
    assert_eq!(new.relayed().await.0, Transport::Udp);
    assert_eq!(old.relayed().await.0, Transport::Tcp);
    drop(old);
    host.counted("connections", 2).await;
    new.settled(Transport::Udp).await;
}

#[tokio::test]
async fn damaged_datagrams_are_dropped_and_counted_and_the_player_plays_on() {
    let host = usual();
    let world = host.world().await;
    let mut players = [
        host.player(&host.style(110, true), world, "a").await,
        host.player(&host.style(110, true), world, "b").await,
    ];
    players[0].session.broadcast(Transport::Udp, Cover::Enciphered, &[2, 1, 1, 1, 1, 1]).unwrap();
    let mut datagram = players[0].session.datagrams().unwrap().iter().next().unwrap().to_vec();
    players[0].session.datagrams().unwrap().clear();
    *datagram.last_mut().unwrap() ^= 0x55;
    let to = players[0].server_udp.unwrap();
    players[0].udp.send_to(&datagram, to).await.unwrap();
    for junk in [&[][..], &[0x83], &[0x82, 0xff, 0xff], &[0x7f; 600], &[0; 1400]] {
        players[0].udp.send_to(junk, to).await.unwrap();
    }
    players[0].broadcast(Transport::Udp, Cover::Enciphered, &[2, 9]).await;
    assert_eq!(players[1].relayed().await.3, [2, 9]);
    assert!(host.relay.counters().bad_datagrams >= 1);
}

#[tokio::test]
async fn a_slow_reader_is_cut_and_the_others_hear_everything() {
    let config = RelayConfig {
        queue_bytes: 100_000,
        messages_per_second: 0,
        bytes_per_second: 0,
        ..RelayConfig::ephemeral()
    };
    let host = host(config, RelayTitle::default());
    let world = host.world().await;
    let style = host.style(110, false).tcp_only();
    let mut speaker = host.player(&style, world, "speaker").await;
    let mut listener = host.player(&style, world, "listener").await;
    let slow = host.player(&style, world, "slow").await;
    let payload = vec![2; 8000];
    let mut heard = 0;
    let mut said = 0;
    while host.relay.counters().slow_readers == 0 {
        assert!(said < 20_000, "never cut: {:?}", host.relay.counters());
        for _ in 0..10 {
            speaker.broadcast(Transport::Tcp, Cover::Clear, &payload).await;
            said += 1;
        }
        while heard < said {
            assert_eq!(listener.relayed().await.3.len(), 8000);
            heard += 1;
        }
    }
    let notices = [speaker.until(left).await, listener.until(left).await];
    assert_eq!(notices, [2, 2]);
    speaker.settled(Transport::Tcp).await;
    assert_eq!(host.relay.counters().slow_readers, 1);
    drop(slow);
}

fn left(seen: &Seen) -> Option<u16> {
    match seen {
        Seen::Message(RtMessage::ServerDisconnectNotify(notify)) => Some(notify.player_index),
        _ => None,
    }
}

#[tokio::test]
async fn a_power_off_at_any_step_of_the_handshake_frees_the_place() {
    let host = usual();
    let world = host.relay.create_world(UYA, 1).await.unwrap();
    for version in [108, 110, 113] {
        let style = host.style(version, true);
        for steps in 0.. {
            let session = format!("{version}-{steps}");
            // With room for one, each allotment proves that the last one's place is free.
            let allotted = timeout(PATIENCE, async {
                loop {
                    match host.relay.allot(world, session.as_str().into()).await {
                        Ok(allotment) => return allotment,
                        Err(_) => tokio::task::yield_now().await,
                    }
                }
            });
            let allotment = allotted.await.expect("the place was not freed");
            let mut console = Console::dial(&host, &style, world.0, &session, &key(&allotment)).await;
            let joined =
                |console: &Console| console.seen.iter().any(|seen| matches!(seen, Seen::Connected(_)));
            let mut done = 0;
            while done < steps && !joined(&console) {
                console.pump().await;
                done += 1;
            }
            let finished = joined(&console);
            let entered = console.seen.iter().any(|seen| matches!(seen, Seen::Accepted { .. }));
            drop(console);
            if !entered {
                // Nobody came yet: the place waits for the session, whose second try takes it over and leaves.
                let mut again = Console::dial(&host, &style, world.0, &session, &key(&allotment)).await;
                let _ = timeout(PATIENCE, async {
                    while !again.seen.iter().any(|seen| matches!(seen, Seen::Accepted { .. } | Seen::Closed))
                    {
                        // The key may have been used just before the power went.
                        again.pump_leniently().await;
                    }
                })
                .await;
            }
            if finished {
                break;
            }
        }
    }
    host.counted("connections", 0).await;
    host.counted("half_open", 0).await;
    host.counted("players", 0).await;
}

#[tokio::test]
async fn half_open_connections_are_bounded_by_address_and_go_after_a_while() {
    let config = RelayConfig {
        max_half_open_per_address: 5,
        handshake_timeout: Duration::from_millis(300),
        ..RelayConfig::ephemeral()
    };
    let host = host(config, RelayTitle::default());
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(TcpStream::connect(host.relay.tcp_addr()).await.unwrap());
    }
    host.counted("too_many", 3).await;
    host.counted("timeouts", 5).await;
    host.counted("half_open", 0).await;
    let world = host.world().await;
    host.player(&host.style(110, true), world, "a").await;
}

#[tokio::test]
async fn bytes_that_are_no_handshake_close_the_connection_and_nothing_else() {
    let host = usual();
    let world = host.world().await;
    let mut player = host.player(&host.style(110, true), world, "a").await;
    for junk in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 64], &[0x92, 64, 0, 1, 2, 3, 4], &[0x00, 1, 0, 9], &[0; 300]]
    {
        let mut stream = TcpStream::connect(host.relay.tcp_addr()).await.unwrap();
        stream.write_all(junk).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
    }
    host.counted("half_open", 0).await;
    player.settled(Transport::Tcp).await;
}

#[tokio::test]
async fn echoes_without_end_before_the_handshake_do_not_keep_the_door() {
    let host = usual();
    let world = host.world().await;
    let stream = TcpStream::connect(host.relay.tcp_addr()).await.unwrap();
    let (mut answers, mut flood) = stream.into_split();
    let reading = tokio::spawn(async move { tokio::io::copy(&mut answers, &mut tokio::io::sink()).await });
    let echoes = [RtId::CLIENT_ECHO.0, 1, 0, 7].repeat(4096);
    let flooding = timeout(PATIENCE, async { while flood.write_all(&echoes).await.is_ok() {} });
    assert!(flooding.await.is_ok(), "never closed");
    let _ = reading.await.unwrap();
    host.counted("protocol_errors", 1).await;
    host.counted("half_open", 0).await;
    host.player(&host.style(110, true), world, "a").await;
}

#[tokio::test]
async fn a_player_that_sends_too_much_is_not_relayed_and_not_put_out() {
    let config = RelayConfig { messages_per_second: 50, ..RelayConfig::ephemeral() };
    let host = host(config, RelayTitle::default());
    let world = host.world().await;
    let mut flood = host.player(&host.style(110, false), world, "a").await;
    let mut other = host.player(&host.style(110, false), world, "b").await;
    for _ in 0..1000 {
        flood.session.broadcast(Transport::Tcp, Cover::Clear, &[2, 2]).unwrap();
    }
    flood.settled(Transport::Tcp).await;
    other.settled(Transport::Tcp).await;
    let heard = other.seen.iter().filter(|seen| matches!(seen, Seen::Relay { .. })).count();
    // A second's worth, or two where the clock's second changed in between.
    assert!(heard == 50 || heard == 100, "{heard}");
    assert_eq!(host.relay.counters().too_fast, 1000 - heard as u64);
}

#[tokio::test]
async fn a_player_that_sends_too_many_bytes_is_relayed_up_to_the_limit() {
    let config = RelayConfig { bytes_per_second: 1000, ..RelayConfig::ephemeral() };
    let host = host(config, RelayTitle::default());
    let world = host.world().await;
    let mut flood = host.player(&host.style(110, false), world, "a").await;
    let mut other = host.player(&host.style(110, false), world, "b").await;
    for _ in 0..50 {
        flood.session.broadcast(Transport::Tcp, Cover::Clear, &[2; 300]).unwrap();
        // What does not fit takes nothing from what is left.
        flood.session.broadcast(Transport::Tcp, Cover::Clear, &[2; 100]).unwrap();
    }
    flood.settled(Transport::Tcp).await;
    other.settled(Transport::Tcp).await;
    let relayed = |seen: &Seen| if let Seen::Relay { payload, .. } = seen { payload.len() } else { 0 };
    let heard: usize = other.seen.iter().map(relayed).sum();
    assert!(heard == 1000 || heard == 2000, "{heard}");
    let counters = host.relay.counters();
    assert!(counters.too_much >= 90 && counters.too_fast == 0, "{counters:?}");
}

#[tokio::test]
async fn new_limits_hold_for_players_who_are_there_already() {
    let host = usual();
    let world = host.world().await;
    let mut flood = host.player(&host.style(110, false), world, "a").await;
    let mut other = host.player(&host.style(110, false), world, "b").await;
    let ports = (host.relay.tcp_addr(), host.relay.config().shards);
    // Ports and shards are not to be changed.
    let config = RelayConfig { tcp_port: 1, shards: 9, max_worlds: 1, ..RelayConfig::ephemeral() };
    host.relay.reload(RelayConfig { bytes_per_second: 10, ..config });
    assert_eq!((host.relay.tcp_addr(), host.relay.config().shards), ports);
    let full = host.relay.create_world(DEADLOCKED, 0).await;
    assert_eq!(full, Err(WorldError::TooMany { limit: 1 }));
    for _ in 0..20 {
        flood.session.broadcast(Transport::Tcp, Cover::Clear, &[2, 2]).unwrap();
    }
    flood.settled(Transport::Tcp).await;
    other.settled(Transport::Tcp).await;
    let heard = other.seen.iter().filter(|seen| matches!(seen, Seen::Relay { .. })).count();
    assert!(heard == 5 || heard == 10, "{heard}");
    assert_eq!(host.relay.counters().too_much, 20 - heard as u64);
}

#[tokio::test]
async fn one_address_cannot_keep_the_door_busy_with_handshakes() {
    let config =
        RelayConfig { new_connections_per_address: 1, new_connections_burst: 3, ..RelayConfig::ephemeral() };
    let host = host(config, RelayTitle::default());
    let mut streams = Vec::new();
    for _ in 0..30 {
        streams.push(TcpStream::connect(host.relay.tcp_addr()).await.unwrap());
    }
    host.counted("accepted", 30).await;
    let counters = host.relay.counters();
    // The burst, and what the seconds of a slow machine added.
    assert!((20..=27).contains(&counters.too_often), "{counters:?}");
    assert_eq!(counters.too_often + counters.half_open, 30);
}

#[tokio::test]
async fn a_silent_player_is_given_up() {
    let config = RelayConfig { client_timeout: Duration::from_millis(200), ..RelayConfig::ephemeral() };
    let host = host(config, RelayTitle::default());
    let world = host.world().await;
    let mut player = host.player(&host.style(108, true), world, "a").await;
    player.closed().await;
    host.counted("timeouts", 1).await;
    host.counted("connections", 0).await;
}

#[tokio::test]
async fn a_session_that_comes_again_takes_its_place_over() {
    let host = usual();
    let world = host.world().await;
    let style = host.style(110, true);
    let mut old = host.player(&style, world, "a").await;
    let mut other = host.player(&style, world, "b").await;
    let mut new = host.player(&style, world, "a").await;
    old.closed().await;
    assert_eq!(new.session.player_id(), 0);
    assert_eq!(other.until(left).await, 0);
    other.broadcast(Transport::Udp, Cover::Enciphered, &[2, 2]).await;
    assert_eq!(new.relayed().await.3, [2, 2]);
    host.counted("displaced", 1).await;
}

#[tokio::test]
async fn orders_put_players_out_end_worlds_and_stop_the_relay() {
    let host = usual();
    let world = host.world().await;
    let style = host.style(110, true);
    let mut players = Vec::new();
    for name in ["a", "b", "c"] {
        players.push(host.player(&style, world, name).await);
    }
    assert_eq!(host.relay.put_out(world, 1).await, Ok(true));
    players[1].until(|seen| (*seen == Seen::Goodbye).then_some(())).await;
    assert_eq!(host.relay.put_out(world, 1).await, Ok(false));
    assert_eq!(host.relay.put_out(world, 70_00).await, Ok(false));
    assert_eq!(players[0].until(left).await, 1);
    host.relay.end_world(world, true).await.unwrap();
    for at in [0, 2] {
        players[at].until(|seen| (*seen == Seen::Goodbye).then_some(())).await;
    }
    host.counted("worlds", 0).await;
    assert!(host.relay.end_world(world, true).await.is_err());
    let last = host.world().await;
    let mut player = host.player(&style, last, "d").await;
    host.stop.cancel();
    player.until(|seen| (*seen == Seen::Goodbye).then_some(())).await;
    timeout(PATIENCE, host.relay.stopped()).await.unwrap();
    assert!(TcpStream::connect(host.relay.tcp_addr()).await.is_err());
    assert!(host.relay.create_world(UYA, 0).await.is_err());
}

#[test]
fn a_runtime_that_is_dropped_takes_the_relays_threads_along() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (address, threads) = {
        let _entered = runtime.enter();
        let host = usual();
        (host.relay.tcp_addr(), Arc::downgrade(&host.keys))
    };
    drop(runtime);
    // The port closes when the door's thread has ended.
    let start = std::time::Instant::now();
    while std::net::TcpStream::connect(address).is_ok() || threads.strong_count() > 0 {
        assert!(start.elapsed() < PATIENCE, "still there");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn the_plaintext_uya_client_gets_in_without_a_key_exchange() {
    let host = usual();
    let world = host.world().await;
    let allotment = host.allot(world, "13088").await;
    let mut config = ClientConfig::new(108, UYA, ServerKind::Dme);
    config.world = world.0;
    config.keys = Some((Text::new("13088"), Text::new(allotment.access_key.as_bytes())));
    let mut session = ClientSession::new(Arc::new(config), [1; 32], Time::ZERO).unwrap();
    let mut frame = session.take_output();
    assert_eq!((frame.len(), frame[0]), (110, 0x15));
    // Its access key ends the message after 16 bytes.
    frame.truncate(109);
    frame[1] = 106;
    let mut stream = TcpStream::connect(host.relay.tcp_addr()).await.unwrap();
    stream.write_all(&frame).await.unwrap();
    let mut info = None;
    while info.is_none() {
        let mut buffer = [0; 512];
        let count = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
        assert_ne!(count, 0, "refused");
        let received = session.receive(Time::ZERO, &mut buffer[..count], |_, event| {
            if let ClientEvent::AuxUdp { port, .. } = event {
                info = Some(port);
            }
        });
        received.unwrap();
    }
    assert_eq!(info, Some(host.relay.udp_addr().port()));
}

async fn failed(relay: &RelayHandle) {
    let waiting = async {
        while !relay.failed() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap();
}

#[tokio::test]
async fn a_shard_that_panics_is_noticed_and_a_stop_is_no_failure() {
    let keys = Arc::new(KeyStore::embedded().unwrap());
    let stop = CancellationToken::new();
    let config = RelayConfig { shards: 2, ..RelayConfig::ephemeral() };
    let relay = Relay::start(config, Arc::new(Defect), keys, stop.clone()).unwrap();
    assert!(!relay.failed());
    assert_eq!(relay.create_world(UYA, 2).await, Err(WorldError::Busy));
    failed(&relay).await;
    // The other shard takes all that come after.
    for _ in 0..4 {
        let taken = async {
            while relay.create_world(DEADLOCKED, 2).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, taken).await.unwrap();
    }
    stop.cancel();
    timeout(PATIENCE, relay.stopped()).await.unwrap();

    let sound = usual();
    sound.stop.cancel();
    timeout(PATIENCE, sound.relay.stopped()).await.unwrap();
    assert!(!sound.relay.failed());
}

#[tokio::test]
async fn a_door_that_panics_is_noticed() {
    let keys = Arc::new(KeyStore::embedded().unwrap());
    let stop = CancellationToken::new();
    let relay = Relay::start(RelayConfig::ephemeral(), Arc::new(Defect), keys, stop.clone()).unwrap();
    let mut config = ClientConfig::new(108, UYA, ServerKind::Dme);
    config.keys = Some((Text::new("a"), Text::new("b")));
    let mut session = ClientSession::new(Arc::new(config), [1; 32], Time::ZERO).unwrap();
    let mut stream = TcpStream::connect(relay.tcp_addr()).await.unwrap();
    stream.write_all(&session.take_output()).await.unwrap();
    failed(&relay).await;
    stop.cancel();
    timeout(PATIENCE, relay.stopped()).await.unwrap();
}
