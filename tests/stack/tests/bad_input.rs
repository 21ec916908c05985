//! Peers that break the protocol: they are turned away, counted, and disturb nobody.

use std::net::SocketAddrV4;
use std::time::Duration;

use anyhow::{Context as _, Result};
use medley_simulator::{Console, Dialect, GameSetup};
use medley_stack_tests::host::{HostSetup, TestHost};
use medley_wire::enums::WorldStatus;
use medley_wire::messages::GetTotalGamesRequest;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

/// Sends bytes and waits for the end of the connection.
async fn closes(address: SocketAddrV4, bytes: &[u8]) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    // The server may close while this is still going out.
    let _ = stream.write_all(bytes).await;
    let mut rest = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    let _ = ended.with_context(|| {
        format!("{address} keeps a connection that said {}", hex::encode(&bytes[..bytes.len().min(16)]))
    })?;
    Ok(())
}

/// A console in a game, with somebody to talk to.
async fn witness(host: &TestHost, name: &str, seed: u64) -> Result<Console> {
    host.account(Dialect::V110.app_id(), name, "secret").await?;
    let mut console = host.console(Dialect::V110, seed)?;
    console.login(host.mas(), name, "secret").await?;
    console.enter_lobby().await?;
    Ok(console)
}

#[tokio::test]
async fn garbage_on_every_port_ends_its_connection_and_no_other() -> Result<()> {
    let host = HostSetup::new()?.impatient(Duration::from_secs(3)).start().await?;
    let mut player = witness(&host, "Witness", 1).await?;
    let dme = SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, host.relay.tcp_addr().port());
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let mut noise = vec![0; 4096];
    rng.fill_bytes(&mut noise);
    // A frame of 65535 bytes is longer than any peer sends.
    let too_long = [0x0b, 0xff, 0xff, 0, 0, 0, 0];
    // Application data before anything else.
    let out_of_order = [0x0b, 0x04, 0x00, 1, 2, 3, 4];
    // A CONNECT under a key that nobody has.
    let mut no_key = vec![0x80, 0x48, 0x00, 0x11, 0x22, 0x33, 0x64];
    no_key.extend_from_slice(&[0x5a; 72]);
    // A client key under RSA that does not verify.
    let mut bad_tag = vec![0x92, 0x40, 0x00, 0x11, 0x22, 0x33, 0xe4];
    bad_tag.extend_from_slice(&[0x5a; 64]);
    // A hello cut short by the end of the stream is no error: the other end just left.
    for address in [host.muis()?, host.mas(), host.mls(), dme] {
        for bytes in [&noise[..], &too_long, &out_of_order, &no_key, &bad_tag] {
            closes(address, bytes).await?;
        }
        drop(TcpStream::connect(address).await?);
        let mut half = TcpStream::connect(address).await?;
        half.write_all(&[0x24, 0x0a]).await?;
    }
    player.ask(GetTotalGamesRequest { session_key: player.session_key, ..Default::default() }).await?;
    let setup = GameSetup::new("Unharmed", 4);
    let game = player.create_game(&setup).await?;
    player.join_game(game, "").await?;
    player.world_report(&setup, 1, WorldStatus(1))?;
    Ok(())
}

#[tokio::test]
async fn connections_that_say_nothing_are_closed_in_time() -> Result<()> {
    let host = HostSetup::new()?.impatient(Duration::from_millis(500)).start().await?;
    let dme = SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, host.relay.tcp_addr().port());
    for address in [host.muis()?, host.mas(), host.mls(), dme] {
        closes(address, &[]).await?;
        closes(address, &[0x24, 0x0a, 0x00]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn datagrams_of_nobody_reach_no_player() -> Result<()> {
    let host = TestHost::start().await?;
    let setup = GameSetup::new("Listening", 4);
    let mut first = witness(&host, "First", 1).await?;
    let mut second = witness(&host, "Second", 2).await?;
    let game = first.create_game(&setup).await?;
    first.join_game(game, "").await?;
    first.world_report(&setup, 1, WorldStatus(1))?;
    second.join_game(game, "").await?;
    let udp = host.relay.udp_addr().port();
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    socket.connect(("127.0.0.1", udp)).await?;
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    for length in 0..64 {
        let mut noise = vec![0; length * 8];
        rng.fill_bytes(&mut noise);
        socket.send(&noise).await?;
        // Title data in clear, as if a player had sent it.
        socket.send(&[0x02, 0x02, 0x00, 1, 2]).await?;
    }
    first.broadcast(medley_session::Transport::Udp, b"real")?;
    let heard = second.recv_relay().await?;
    assert_eq!((heard.source, &heard.payload[..]), (0, &b"real"[..]));
    assert!(host.relay.counters().unknown_datagrams > 0, "they are counted");
    Ok(())
}

#[tokio::test]
async fn a_player_who_does_not_read_is_closed_and_the_others_miss_nothing() -> Result<()> {
    let mut setup = HostSetup::new()?;
    setup.relay.messages_per_second = 0;
    setup.relay.bytes_per_second = 0;
    let host = setup.start().await?;
    let game_setup = GameSetup::new("Patience", 4);
    let mut talker = witness(&host, "Talker", 1).await?;
    let mut listener = witness(&host, "Listener", 2).await?;
    host.account(Dialect::V110.app_id(), "Sleeper", "secret").await?;
    let mut options = host.options(Dialect::V110)?.seed(3);
    options.receive_buffer = Some(4096);
    let mut sleeper = Console::new(std::sync::Arc::new(options));
    sleeper.login(host.mas(), "Sleeper", "secret").await?;
    sleeper.enter_lobby().await?;
    let game = talker.create_game(&game_setup).await?;
    talker.join_game(game, "").await?;
    talker.world_report(&game_setup, 1, WorldStatus(1))?;
    listener.join_game(game, "").await?;
    sleeper.join_game(game, "").await?;
    let sleeper = sleeper.go_silent();
    // More than any system keeps for a socket, in portions that the listener reads.
    let closed = || host.relay.counters().slow_readers;
    let mut sent = 0_u32;
    while closed() == 0 && sent < 400_000 {
        for _ in 0..200 {
            let mut payload = [0x5a; 480];
            payload[..4].copy_from_slice(&sent.to_le_bytes());
            talker.broadcast(medley_session::Transport::Tcp, &payload)?;
            sent += 1;
        }
        for number in sent - 200..sent {
            let heard = listener.recv_relay().await?;
            assert_eq!(heard.payload[..4], number.to_le_bytes(), "nothing is lost and nothing overtakes");
        }
    }
    assert_eq!(closed(), 1, "after {sent} messages");
    drop(sleeper);
    host.until(Dialect::V110.app_id(), |now| now.games.first().is_some_and(|game| game.accounts.len() == 2))
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_flood_from_one_address_is_refused_and_counted() -> Result<()> {
    let mut setup = HostSetup::new()?;
    setup.config.limits.max_connections_per_ip = 16;
    let host = setup.start().await?;
    let mut held = Vec::new();
    let mut refused = 0;
    for _ in 0..64 {
        let mut stream = TcpStream::connect(host.mas()).await?;
        // Who is refused is closed at once; who is let in hears nothing until it speaks.
        let mut byte = [0];
        match timeout(Duration::from_millis(100), stream.read(&mut byte)).await {
            Ok(_) => refused += 1,
            Err(_) => held.push(stream),
        }
    }
    assert!(held.len() <= 16, "{} connections of one address", held.len());
    let counted = host.server.count(medley_server::Event::RefusedAddressFull);
    assert_eq!(counted, refused, "refusals are counted");
    // Another address is not concerned.
    let mut options = host.options(Dialect::V110)?;
    options.local = std::net::Ipv4Addr::new(127, 0, 0, 2);
    host.account(Dialect::V110.app_id(), "Elsewhere", "secret").await?;
    let mut console = Console::new(std::sync::Arc::new(options));
    console.login(host.mas(), "Elsewhere", "secret").await?;
    Ok(())
}
