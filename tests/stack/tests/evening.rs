//! A console's whole evening, in every dialect.

use std::sync::Arc;

use anyhow::Result;
use medley_session::Transport;
use medley_simulator::{Ciphering, Console, Dialect, GameSetup};
use medley_stack_tests::host::TestHost;
use medley_wire::enums::WorldStatus;

/// Universe, login, channel, game, reports, leave.
async fn evening(dialect: Dialect, ciphering: Ciphering) -> Result<()> {
    let host = TestHost::start().await?;
    let app = dialect.app_id();
    for name in ["Badger41", "Guest"] {
        host.account(app, name, "secret").await?;
    }
    let options =
        |seed| Ok::<_, anyhow::Error>(Arc::new(host.options(dialect)?.ciphering(ciphering).seed(seed)));
    let mut consoles = [Console::new(options(1)?), Console::new(options(2)?)];
    for (console, name) in consoles.iter_mut().zip(["Badger41", "Guest"]) {
        let mas = console.universe(host.muis()?).await?;
        console.login(mas.unwrap_or_else(|| host.mas()), name, "secret").await?;
        console.enter_lobby().await?;
    }
    let [first, second] = &mut consoles;
    let channel = first.create_channel("G:000179A5-000548A1", 20, [8, 0, 0, 0], 0).await?;
    first.join_channel(channel, "").await?;
    second.join_channel(channel, "").await?;

    let setup = GameSetup::new("Badger41's", 10);
    let game = first.create_game(&setup).await?;
    assert_eq!(first.join_game(game, "").await?, 0);
    first.world_report(&setup, 1, WorldStatus(1))?;
    first.player_report([7; 256])?;
    host.until(app, |now| now.games.iter().any(|game| game.status == 1)).await?;
    assert_eq!(second.join_game(game, "").await?, 1);

    for transport in [Transport::Tcp, Transport::Udp] {
        first.broadcast(transport, b"to all")?;
        let heard = second.recv_relay().await?;
        assert_eq!((heard.source, heard.transport, &heard.payload[..]), (0, transport, &b"to all"[..]));
        second.single(transport, 0, b"to the host")?;
        let heard = first.recv_relay().await?;
        assert_eq!((heard.source, heard.transport, &heard.payload[..]), (1, transport, &b"to the host"[..]));
        second.multicast(transport, &[1], b"to a list")?;
        let heard = first.recv_relay().await?;
        assert_eq!((heard.source, &heard.payload[..]), (1, &b"to a list"[..]));
    }
    first.world_report(&setup, 2, WorldStatus(2))?;
    host.until(app, |now| now.games.iter().any(|game| game.status == 2 && game.players == 2)).await?;
    second.leave_game().await?;
    host.until(app, |now| now.games.iter().any(|game| game.accounts.len() == 1)).await?;
    first.world_report(&setup, 1, WorldStatus(3))?;
    first.end_game_report()?;
    first.leave_game().await?;
    host.until(app, |now| now.games.is_empty() && now.players.len() == 2).await?;
    host.relay_empty().await?;
    Ok(())
}

macro_rules! evenings {
    ($($name:ident: $dialect:ident, $ciphering:ident;)*) => {$(
        #[tokio::test]
        async fn $name() -> Result<()> {
            evening(Dialect::$dialect, Ciphering::$ciphering).await
        }
    )*};
}

evenings! {
    a_1_08_console_spends_an_evening_enciphered: V108, AsTold;
    a_1_08_console_spends_an_evening_in_clear: V108, Never;
    a_1_09_console_spends_an_evening_enciphered: V109, AsTold;
    a_1_09_console_spends_an_evening_in_clear: V109, Never;
    a_1_10_console_spends_an_evening_enciphered: V110, AsTold;
    a_1_10_console_spends_an_evening_in_clear: V110, Never;
    a_1_12_console_spends_an_evening_enciphered: V112, AsTold;
    a_1_12_console_spends_an_evening_in_clear: V112, Never;
    a_1_13_console_spends_an_evening_enciphered: V113, AsTold;
    a_1_13_console_spends_an_evening_in_clear: V113, Never;
    a_1_08_console_that_logs_in_clear_and_then_follows_the_answers: V108, ClearLogin;
    a_1_10_console_that_logs_in_clear_and_then_follows_the_answers: V110, ClearLogin;
}
