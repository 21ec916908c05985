//! `medley relay`: the game relay in a process of its own.

use anyhow::Result;
use medley_session::Transport;
use medley_simulator::{Dialect, GameSetup};
use medley_wire::enums::WorldStatus;

use crate::host::{Host, Place};

const TITLE: &str = "ratchet-deadlocked";

/// A host without a relay of its own.
fn without_relay(secret: &str) -> Result<Place> {
    Ok(Place::new()?.with("MEDLEY_RELAY_ENABLED", false).with("MEDLEY_RELAY_SECRET", secret))
}

/// The place of a relay for this host.
fn relay_of(host: &Host, secret: &str) -> Result<Place> {
    let place = Place::new()?.with("MEDLEY_RELAY_MPS", host.address("MPS", "TCP")?);
    Ok(place.with("MEDLEY_RELAY_SECRET", secret).with("MEDLEY_RELAY_RECONNECT", 1))
}

#[tokio::test]
async fn a_game_is_played_over_a_relay_in_a_process_of_its_own() -> Result<()> {
    let home = without_relay("between us")?;
    let host = home.host()?;
    assert!(host.address("DME", "TCP").is_err());
    let mut first = host.player(Dialect::V110, 1, "Badger41").await?;
    let setup = GameSetup::new("Badger41's", 10);
    let refused = first.create_game(&setup).await;
    assert!(refused.is_err_and(|error| error.status().is_some()), "a game without any relay");

    let place = relay_of(&host, "between us")?;
    let mut relay = place.listener(&["relay"])?;
    let text = relay.process.out()?;
    let (tcp, udp) = (relay.address("DME", "TCP")?, relay.address("DME", "UDP")?);
    assert!(text.contains(&format!("  DME TCP {tcp}\n  DME UDP {udp}\n")), "{text}");
    host.relay_joined(TITLE).await?;
    let game = first.create_game(&setup).await?;
    assert_eq!(first.join_game(game, "").await?, 0);
    first.world_report(&setup, 1, WorldStatus(1))?;
    let mut second = host.player(Dialect::V110, 2, "Guest").await?;
    assert_eq!(second.join_game(game, "").await?, 1);
    for transport in [Transport::Tcp, Transport::Udp] {
        second.broadcast(transport, b"hello")?;
        let heard = first.recv_relay().await?;
        assert_eq!((heard.source, heard.transport, heard.payload), (1, transport, b"hello".to_vec()));
    }

    // The relay ends in order: its games are gone, the host goes on and says what it lost.
    assert_eq!(relay.stop()?.code(), Some(0), "{}", relay.process.err()?);
    let path = format!("/api/v1/titles/{TITLE}");
    let gone = |title: &serde_json::Value| {
        let empty = |key: &str| title[key].as_array().is_some_and(Vec::is_empty);
        empty("game_servers") && empty("games")
    };
    host.until("the relay is gone", |host| host.json(&path), gone).await?;
    assert!(host.process.err()?.contains("game server lost"), "{}", host.process.err()?);

    // Another one takes its place.
    let mut relay = place.listener(&["relay"])?;
    host.relay_joined(TITLE).await?;
    first.leave_game().await?;
    let game = first.create_game(&setup).await?;
    assert_eq!(first.join_game(game, "").await?, 0);
    relay.process.kill()?;
    host.until("the killed relay is gone", |host| host.json(&path), gone).await?;
    Ok(())
}

#[tokio::test]
async fn a_relay_with_a_wrong_secret_is_refused_and_counted() -> Result<()> {
    let home = without_relay("between us")?;
    let host = home.host()?;
    let place = relay_of(&host, "guessed")?;
    let relay = place.listener(&["relay"])?;
    let series = "medius_server_connections_closed_total{reason=\"unknown_key\"}";
    host.until("the refusal is counted", |host| host.metric(series), |count| *count >= 2.0).await?;
    // It says so, and goes on trying.
    let log = relay.process.err()?;
    assert!(log.contains("no link to MPS"), "{log}");
    let mut console = host.player(Dialect::V110, 1, "Badger41").await?;
    assert!(console.create_game(&GameSetup::new("none", 4)).await.is_err());
    let title = host.json(&format!("/api/v1/titles/{TITLE}"))?;
    assert_eq!(title["game_servers"].as_array().map(Vec::len), Some(0), "{title}");
    Ok(())
}

#[test]
fn a_relay_must_know_its_host() -> Result<()> {
    let said = Place::new()?.medley(&["relay"])?.failed(64)?;
    assert!(said.starts_with("medley: relay.mps: wanted the address and port of the host's MPS"), "{said}");
    Ok(())
}
