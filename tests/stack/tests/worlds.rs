//! Many players in one world, and the client that is no console.

use std::sync::Arc;

use anyhow::Result;
use medley_session::{Cover, Transport};
use medley_simulator::{Console, Dialect, GameSetup, Options};
use medley_stack_tests::host::TestHost;
use medley_wire::MediusWorldId;
use medley_wire::enums::{CallbackStatus, WorldStatus};
use medley_wire::messages::GameInfoRequest0;

/// Logs a player in, account and all.
async fn player(host: &TestHost, options: Options, name: &str) -> Result<Console> {
    host.account(options.app_id, name, "secret").await?;
    let mut console = Console::new(Arc::new(options));
    console.login(host.mas(), name, "secret").await?;
    console.enter_lobby().await?;
    Ok(console)
}

/// `count` players in one world; each tells everybody else something by both transports, and hears all of them.
async fn everybody_hears_everybody(dialect: Dialect, count: u64) -> Result<()> {
    let host = TestHost::start().await?;
    let setup = GameSetup::new("All together", i32::try_from(count)?);
    let mut consoles = Vec::new();
    let mut game = MediusWorldId(0);
    for number in 0..count {
        let options = host.options(dialect)?.seed(number);
        let mut console = player(&host, options, &format!("Player {number}")).await?;
        if number == 0 {
            game = console.create_game(&setup).await?;
        }
        assert_eq!(u64::from(console.join_game(game, "").await?), number);
        if number == 0 {
            console.world_report(&setup, 1, WorldStatus(1))?;
        }
        consoles.push(console);
    }
    host.until(dialect.app_id(), |now| {
        now.games.first().is_some_and(|game| game.accounts.len() as u64 == count)
    })
    .await?;
    for (transport, word) in [(Transport::Tcp, "tcp"), (Transport::Udp, "udp")] {
        for (number, console) in consoles.iter_mut().enumerate() {
            console.broadcast(transport, format!("{word} {number}").as_bytes())?;
        }
        for (number, console) in consoles.iter_mut().enumerate() {
            let mut heard = vec![false; consoles_len(count)];
            for _ in 1..count {
                let message = console.recv_relay().await?;
                assert_eq!(message.transport, transport);
                assert_eq!(message.payload, format!("{word} {}", message.source).as_bytes());
                let first = !std::mem::replace(&mut heard[usize::from(message.source)], true);
                assert!(first, "player {number} heard {} twice", message.source);
            }
            assert!(!heard[number], "player {number} heard itself");
        }
    }
    // The world is full.
    let mut late = player(&host, host.options(dialect)?.seed(9999), "Late").await?;
    let refused = late.join_game(game, "").await.expect_err("the world is full");
    assert_eq!(refused.status(), Some(CallbackStatus::WORLD_IS_FULL), "{refused}");
    drop(late);
    for console in &mut consoles {
        console.leave_game().await?;
    }
    host.until(dialect.app_id(), |now| now.games.is_empty()).await?;
    host.relay_empty().await
}

fn consoles_len(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[tokio::test]
async fn two_players_hear_each_other() -> Result<()> {
    everybody_hears_everybody(Dialect::V110, 2).await
}

#[tokio::test]
async fn eight_players_hear_each_other() -> Result<()> {
    everybody_hears_everybody(Dialect::V108, 8).await
}

#[tokio::test]
async fn sixty_four_players_hear_each_other() -> Result<()> {
    everybody_hears_everybody(Dialect::V110, 64).await
}

#[tokio::test]
async fn a_null_hash_broadcast_reaches_others_in_clear() -> Result<()> {
    let host = TestHost::start().await?;
    let setup = GameSetup::new("Deadlocked's way", 4);
    let mut first = player(&host, host.options(Dialect::V110)?.seed(1), "First").await?;
    let mut second = player(&host, host.options(Dialect::V110)?.seed(2), "Second").await?;
    let game = first.create_game(&setup).await?;
    first.join_game(game, "").await?;
    first.world_report(&setup, 1, WorldStatus(1))?;
    second.join_game(game, "").await?;
    first.broadcast_as(Transport::Udp, Cover::NullHash, &[2, 9, 127])?;
    let heard = second.recv_relay().await?;
    assert_eq!((heard.source, heard.payload.as_slice()), (0, &[2, 9, 127][..]));
    assert_ne!(heard.cover, Cover::Enciphered);
    Ok(())
}

/// The client of the issue: plaintext frames of 1.08, no hello, no key exchange, the access key cut to 16 bytes.
#[tokio::test]
async fn a_foreign_plaintext_client_joins_a_game_that_a_console_hosts() -> Result<()> {
    let host = TestHost::start().await?;
    let setup = GameSetup::new("Foreigners welcome", 8);
    let mut console = player(&host, host.options(Dialect::V108)?.seed(1), "Host").await?;
    let game = console.create_game(&setup).await?;
    console.join_game(game, "").await?;
    console.world_report(&setup, 1, WorldStatus(1))?;
    host.until(Dialect::V108.app_id(), |now| now.games.iter().any(|game| game.status == 1)).await?;

    host.account(Dialect::V108.app_id(), "Foreign", "secret").await?;
    let options = host.options(Dialect::V108)?.foreign().seed(2);
    let mut foreign = Console::new(Arc::new(options));
    foreign.login(host.mas(), "Foreign", "secret").await?;
    foreign.connect_lobby().await?;
    let info = foreign
        .ask(GameInfoRequest0 {
            session_key: foreign.session_key,
            medius_world_id: game,
            ..Default::default()
        })
        .await?;
    assert_eq!((info.status_code, info.player_count, info.max_players), (CallbackStatus::SUCCESS, 1, 8));
    assert_eq!(info.game_name, "Foreigners welcome");
    let index = foreign.join_game(game, "").await?;
    assert_eq!((index, foreign.game().map(|game| game.enciphered())), (1, Some(false)));
    assert_eq!(foreign.drain_names(), Vec::<&str>::new(), "nothing is pushed between connect and join");

    for number in 0..3_u8 {
        foreign.single(Transport::Udp, 0, &[number, 1])?;
        let heard = console.recv_relay().await?;
        assert_eq!(
            (heard.source, heard.transport, &heard.payload[..]),
            (1, Transport::Udp, &[number, 1][..])
        );
        console.single(Transport::Udp, 1, &[number, 2])?;
        let heard = foreign.recv_relay().await?;
        assert_eq!(
            (heard.source, heard.transport, &heard.payload[..]),
            (0, Transport::Udp, &[number, 2][..])
        );
    }
    // Its echo is answered on every connection, in clear.
    foreign.echo_all()?;
    foreign.wait_for_echoes(1).await?;
    foreign.leave_game().await?;
    console.leave_game().await?;
    host.until(Dialect::V108.app_id(), |now| now.games.is_empty()).await?;
    Ok(())
}
