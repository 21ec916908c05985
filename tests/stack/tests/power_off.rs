//! Consoles that are switched off, at every step of an evening: nothing of them stays behind.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use medley_session::Transport;
use medley_simulator::{Console, Dialect, GameSetup, SimulatorError};
use medley_stack_tests::host::{HostSetup, TestHost};
use medley_wire::MediusWorldId;
use medley_wire::enums::WorldStatus;

/// A title of the dialect's app id whose empty channels go at once.
const TITLE: &str = r#"
name = "Power cuts"
[[app]]
id = APP
[[channel]]
name = "General"
[limits]
empty_channel = 1
"#;

/// An evening; the fuse decides how far it gets.
async fn evening(console: &mut Console, host: &TestHost, name: &str) -> Result<(), SimulatorError> {
    let mas = host.mas();
    if let Ok(muis) = host.muis() {
        console.universe(muis).await?;
    }
    console.login(mas, name, "secret").await?;
    console.enter_lobby().await?;
    let channel = console.create_channel(&format!("of {name}"), 8, [1, 2, 3, 4], 0).await?;
    console.join_channel(channel, "").await?;
    let setup = GameSetup::new(&format!("{name}'s"), 4);
    let game = console.create_game(&setup).await?;
    console.join_game(game, "").await?;
    console.world_report(&setup, 1, WorldStatus(1))?;
    console.player_report([1; 256])?;
    console.broadcast(Transport::Tcp, b"hello")?;
    console.broadcast(Transport::Udp, b"hello")?;
    console.world_report(&setup, 1, WorldStatus(2))?;
    console.time_base(1).await?;
    console.end_game_report()?;
    console.leave_game().await?;
    console.join_channel(MediusWorldId(1), "").await.or_else(|error| match error {
        // The configured channel may have another id.
        SimulatorError::Refused { .. } => Ok(()),
        other => Err(other),
    })?;
    console.leave_lobby().await
}

/// Switches one console off after each number of writes, until one gets to the end of its evening.
async fn every_step(dialect: Dialect, silently: bool) -> Result<()> {
    let app = dialect.app_id();
    let title = TITLE.replace("APP", &app.to_string());
    let patience = Duration::from_millis(1500);
    let host = HostSetup::new()?.impatient(patience).titles(&[("power-cuts", &title)])?.start().await?;
    let mut dead = Vec::new();
    for writes in 0.. {
        let name = format!("Player {writes}");
        host.account(app, &name, "secret").await?;
        let mut options = host.options(dialect)?.seed(writes.into()).fuse(writes);
        options.dies_silently = silently;
        let mut console = Console::new(Arc::new(options));
        match evening(&mut console, &host, &name).await {
            Ok(()) => {
                assert!(writes > 20, "an evening of {writes} writes is none");
                break;
            }
            Err(SimulatorError::PoweredOff) => dead.push(console),
            Err(error) => panic!("after {writes} writes: {error}"),
        }
    }
    host.until_empty(app).await?;
    drop(dead);
    Ok(())
}

#[tokio::test]
async fn a_1_08_console_that_is_switched_off_leaves_nothing_behind() -> Result<()> {
    every_step(Dialect::V108, false).await
}

#[tokio::test]
async fn a_1_10_console_that_is_switched_off_leaves_nothing_behind() -> Result<()> {
    every_step(Dialect::V110, false).await
}

#[tokio::test]
async fn a_1_08_console_that_falls_silent_leaves_nothing_behind() -> Result<()> {
    every_step(Dialect::V108, true).await
}

#[tokio::test]
async fn a_1_10_console_that_falls_silent_leaves_nothing_behind() -> Result<()> {
    every_step(Dialect::V110, true).await
}

#[tokio::test]
async fn a_1_13_console_that_falls_silent_leaves_nothing_behind() -> Result<()> {
    every_step(Dialect::V113, true).await
}
