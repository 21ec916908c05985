//! A running host: start, pages, players, reload, bans, the end.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use medley_session::Transport;
use medley_simulator::{Console, Dialect, GameSetup};
use medley_wire::AccountId;
use medley_wire::enums::{PolicyType, WorldStatus};
use medley_wire::messages::{GetAllAnnouncementsRequest, GetPolicyRequest};
use rustix::process::Signal;
use serde_json::Value;

use crate::host::{Host, Place};
use crate::metrics;

/// In which an edited file must hold.
const LIVE: Duration = Duration::from_secs(1);

/// A game.toml of Deadlocked with texts and a limit to edit.
fn title(announcement: &str, policy: &str, max_games: u32) -> String {
    format!(
        r#"name = "Ratchet: Deadlocked"

[[app]]
id = 11184
medius_version = "1.10"

[[channel]]
name = "Lobby"

[[announcement]]
text = "{announcement}"

[policy]
usage = "{policy}"

[limits]
max_games = {max_games}
"#
    )
}

#[test]
fn the_start_up_text_says_what_listens_and_what_a_console_must_be_pointed_to() -> Result<()> {
    let place = Place::new()?;
    let mut host = place.listener(&["run", "--public-address", "203.0.113.7"])?;
    let text = host.process.out()?;
    let version = concat!("Medley ", env!("CARGO_PKG_VERSION"), "\n");
    assert!(text.starts_with(version), "{text}");
    let mut seen = BTreeSet::new();
    for (name, transport) in [
        ("MUIS", "TCP"),
        ("MAS", "TCP"),
        ("MLS", "TCP"),
        ("MPS", "TCP"),
        ("NAT", "UDP"),
        ("DME", "TCP"),
        ("DME", "UDP"),
        ("console", "TCP"),
    ] {
        let address = host.address(name, transport)?;
        assert!(
            address.ip().is_loopback() && address.port() != 0 && seen.insert(address),
            "{name} {address}"
        );
        assert!(text.contains(&format!("  {name:<8} {transport} {address} ")), "{text}");
    }
    assert_eq!(host.listeners().as_array().map(Vec::len), Some(seen.len()));
    assert!(text.contains("Clients are told 203.0.113.7 (public_address).\n"), "{text}");
    assert!(text.contains("49 titles with 79 app ids."), "{text}");
    assert!(text.contains("ratchet3-prod1.pdonline.scea.com and 7 more\n"), "{text}");
    assert!(host.stop()?.success());
    assert_eq!(host.process.out()?, text);
    Ok(())
}

#[test]
fn the_log_is_for_people_without_colours_or_json_and_an_orderly_end_warns_of_nothing() -> Result<()> {
    let place = Place::new()?;
    let mut host = place.host()?;
    wait_joined(&host)?;
    assert!(host.stop()?.success());
    let log = host.process.err()?;
    assert!(log.contains(" INFO ") && log.contains("stopped drained=true"), "{log}");
    assert!(!log.contains('\u{1b}') && !log.contains("WARN") && !log.contains("ERROR"), "{log}");

    let place = place.with("MEDLEY_LOG_FORMAT", "json");
    let mut host = place.host()?;
    wait_joined(&host)?;
    assert!(host.stop()?.success());
    for line in host.process.err()?.lines() {
        let line: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        assert_eq!(line["level"], "INFO", "{line}");
        assert!(line["timestamp"].is_string() && line["message"].is_string(), "{line}");
    }
    Ok(())
}

/// Waits for the log's word that the relay is there.
fn wait_joined(host: &Host) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(60);
    while !host.process.err()?.contains("game relay registered") {
        ensure!(Instant::now() < until, "{}", host.process.err()?);
        std::thread::yield_now();
    }
    Ok(())
}

#[test]
fn who_closes_the_output_stops_neither_a_command_nor_the_host() -> Result<()> {
    let place = Place::new()?;
    let closed = || -> Result<Stdio> {
        let (reader, writer) = std::io::pipe()?;
        drop(reader);
        Ok(writer.into())
    };
    for args in [&["check-config"][..], &["account", "list", "ratchet-uya"]] {
        let ended =
            place.command(args).stdin(Stdio::null()).stdout(closed()?).stderr(Stdio::piped()).output()?;
        assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
    }
    let mut child =
        place.command(&["run", "--ready-file", "ready"]).stdout(closed()?).stderr(Stdio::null()).spawn()?;
    let until = Instant::now() + Duration::from_secs(60);
    while !place.path("ready").exists() && child.try_wait()?.is_none() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    let ended = child.try_wait()?;
    child.kill()?;
    child.wait()?;
    ensure!(ended.is_none() && place.path("ready").exists(), "the host ended: {ended:?}");
    Ok(())
}

async fn evening(dialect: Dialect, id: &str) -> Result<()> {
    let place = Place::new()?;
    let host = place.host()?;
    let mut first = host.console(dialect, 1)?;
    let muis = host.address("MUIS", "TCP")?;
    let mas = first.universe(muis).await?.context("MUIS names no MAS")?;
    assert_eq!(mas, host.mas()?);
    let mut first = host.player(dialect, 2, "Badger41").await?;
    let mut second = host.player(dialect, 3, "Guest").await?;
    host.relay_joined(id).await?;
    let path = format!("/api/v1/titles/{id}");

    let setup = GameSetup::new("Badger41's", 10);
    let game = first.create_game(&setup).await?;
    assert_eq!(first.join_game(game, "").await?, 0);
    first.world_report(&setup, 1, WorldStatus(1))?;
    let staged = |title: &Value| title["games"][0]["status"] == 1;
    host.until("the game is staged", |host| host.json(&path), staged).await?;
    assert_eq!(second.join_game(game, "").await?, 1);
    for transport in [Transport::Tcp, Transport::Udp] {
        first.broadcast(transport, b"hello")?;
        let heard = second.recv_relay().await?;
        assert_eq!((heard.source, heard.transport, heard.payload), (0, transport, b"hello".to_vec()));
    }

    let live = host.json(&path)?;
    let names: BTreeSet<_> =
        live["players"].as_array().into_iter().flatten().map(|player| player["name"].as_str()).collect();
    assert_eq!(names, BTreeSet::from([Some("Badger41"), Some("Guest")]), "{live}");
    assert_eq!(host.json(&format!("{path}/games"))?.as_array().map(Vec::len), Some(1));
    let rows = host.json("/api/v1/titles")?;
    let row = rows.as_array().and_then(|rows| rows.iter().find(|row| row["id"] == id)).context("no row")?;
    assert_eq!((&row["players"], &row["games"]), (&Value::from(2), &Value::from(1)));
    let own = host.json("/api/v1/host")?;
    assert_eq!(
        (&own["version"], &own["listeners"]),
        (&Value::from(env!("CARGO_PKG_VERSION")), host.listeners())
    );

    let (status, text) = host.page("/metrics")?;
    assert_eq!(status, 200);
    let described: BTreeSet<_> = metrics::described().into_iter().collect();
    let documented: BTreeSet<_> = metrics::documented()?.into_iter().collect();
    let mut shown = BTreeSet::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|line| line.split_once(' ')) {
            assert!(described.contains(&(name, help)), "{line}");
            assert!(documented.contains(name), "{name} is not in docs/metrics.md");
            shown.insert(name);
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap_or_default();
            assert!(shown.contains(name), "{name} has no description");
        }
    }
    // What is there once people play; the others need a defect, a refusal, a request without a handler, or a plugin.
    let absent: Vec<_> =
        described.iter().map(|(name, _)| *name).filter(|name| !shown.contains(name)).collect();
    for name in &absent {
        let open = ["title_restarts", "apps_refused", "unhandled_requests", "refusals", "_plugin_"];
        assert!(open.iter().any(|open| name.contains(open)), "{name} is not shown");
    }
    let two = |value: &f64| *value == 2.0;
    host.until("two players", |host| host.metric("medius_relay_players"), two).await?;
    // Two lobby connections and the relay's.
    assert_eq!(host.metric("medius_server_connections")?, 3.0);

    assert_eq!(host.page("/ready")?, (200, "ready\n".into()));
    assert_eq!(host.page("/nosuch")?.0, 404);
    assert_eq!(host.page("/api/v1/titles/nosuch")?.0, 404);
    Ok(())
}

#[tokio::test]
async fn two_players_of_1_08_meet_in_a_game_and_every_page_shows_them() -> Result<()> {
    evening(Dialect::V108, "ratchet-uya").await
}

#[tokio::test]
async fn two_players_of_1_10_meet_in_a_game_and_every_page_shows_them() -> Result<()> {
    evening(Dialect::V110, "ratchet-deadlocked").await
}

/// The first announcement and the policy, as a console reads them.
async fn texts(console: &mut Console) -> Result<(String, String)> {
    let request = GetAllAnnouncementsRequest { session_key: console.session_key, ..Default::default() };
    let rows = console.list(request).await?;
    let announcement = rows.first().context("no row")?.announcement.to_string_lossy().into_owned();
    let request = GetPolicyRequest {
        session_key: console.session_key,
        policy: PolicyType::USAGE,
        ..Default::default()
    };
    let rows = console.list(request).await?;
    Ok((announcement, rows.first().context("no row")?.policy.to_string_lossy().into_owned()))
}

/// Waits until a console reads these texts; says how long it took.
async fn until_texts(console: &mut Console, announcement: &str, policy: &str) -> Result<Duration> {
    let start = Instant::now();
    loop {
        let (a, p) = texts(console).await?;
        if (a.as_str(), p.as_str()) == (announcement, policy) {
            return Ok(start.elapsed());
        }
        ensure!(start.elapsed() < 10 * LIVE, "still {a:?} and {p:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_edited_title_is_live_within_a_second_and_nobody_is_disconnected() -> Result<()> {
    const FILE: &str = "games/ratchet-deadlocked/game.toml";
    let place = Place::new()?;
    place.write(FILE, title("Welcome", "Be kind", 2))?;
    let host = place.host()?;
    let mut console = host.player(Dialect::V110, 1, "Badger41").await?;
    host.relay_joined("ratchet-deadlocked").await?;
    assert_eq!(texts(&mut console).await?, ("Welcome".into(), "Be kind".into()));
    let one = console.create_game(&GameSetup::new("one", 4)).await?;
    console.join_game(one, "").await?;

    // By the watch.
    place.write(FILE, title("Tournament", "Be kinder", 1))?;
    let took = until_texts(&mut console, "Tournament", "Be kinder").await?;
    assert!(took < LIVE, "{took:?}");
    let refused = console.create_game(&GameSetup::new("two", 4)).await;
    assert!(refused.is_err_and(|error| error.status().is_some()), "the limit of one game does not hold");
    let log = host.process.err()?;
    for change in ["announcement holds now", "policy.usage holds now", "limits.max_games holds now"] {
        assert!(log.contains(&format!("ratchet-deadlocked: {change}")), "{log}");
    }

    // A broken file: the old one holds, and the log says why.
    place.write(FILE, title("Broken", "Broken", 1).replace("max_games = 1", "max_gamez = 1"))?;
    let told = |log: &String| log.contains("configuration not taken: the old one stays in force");
    let log = host.until("the refusal is logged", |host| host.process.err(), told).await?;
    assert!(log.contains("game.toml:17:1: limits.max_gamez: wanted one of the keys"), "{log}");
    assert_eq!(texts(&mut console).await?, ("Tournament".into(), "Be kinder".into()));
    // The command says it too, and so does the signal.
    let said = place.medley(&["reload"])?;
    assert!(said.err.contains("limits.max_gamez"), "{said:?}");
    host.process.signal(Signal::HUP)?;
    let twice = |log: &String| log.matches("configuration not taken").count() >= 2;
    host.until("SIGHUP reads again", |host| host.process.err(), twice).await?;

    // Mended, and by command, which answers when it holds.
    place.write(FILE, title("Mended", "Kindest", 2))?;
    place.medley(&["reload"])?.done()?;
    assert_eq!(texts(&mut console).await?, ("Mended".into(), "Kindest".into()));
    console.create_game(&GameSetup::new("two", 4)).await?;

    // A new title is served, by the signal.
    let new = title("x", "x", 1).replace("11184", "65000");
    place.write("games/homebrew/game.toml", new)?;
    host.process.signal(Signal::HUP)?;
    let served =
        |titles: &Value| titles.as_array().is_some_and(|rows| rows.iter().any(|row| row["id"] == "homebrew"));
    host.until("the new title is served", |host| host.json("/api/v1/titles"), served).await?;

    // All the while nobody lost a connection.
    console.broadcast(Transport::Tcp, b"alone")?;
    assert!(console.lobby().is_some_and(|lobby| !lobby.ended()));
    assert!(console.game().is_some_and(|game| !game.ended()));
    assert_eq!(host.metric("medius_server_connections_closed_total{reason=\"title\"}")?, 0.0);
    Ok(())
}

#[tokio::test]
async fn a_changed_configuration_file_is_taken_up_and_what_needs_a_start_is_said() -> Result<()> {
    let place = Place::new()?;
    place.write("medley.toml", "")?;
    let host = place.host()?;
    place.write("medley.toml", "[maintenance]\nenabled = true\n\n[store]\nwarm_logins = 7\n")?;
    let taken = |log: &String| log.contains("maintenance.enabled holds now");
    let log = host.until("the change is taken up", |host| host.process.err(), taken).await?;
    assert!(log.contains("store.warm_logins holds from the next start on"), "{log}");
    let mut console = host.console(Dialect::V110, 1)?;
    assert!(console.begin_session(host.mas()?).await.is_err());
    assert_eq!(host.metric("medius_server_connections_refused_total{reason=\"maintenance\"}")?, 1.0);
    Ok(())
}

/// Serves a console's connections until its lobby connection ends.
async fn until_ended(console: &mut Console) -> Result<()> {
    let until = tokio::time::Instant::now() + Duration::from_secs(30);
    while console.lobby().is_some_and(|lobby| !lobby.ended()) {
        ensure!(tokio::time::Instant::now() < until, "nobody ends the connection");
        console.pump(until).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_ban_puts_the_player_out_at_once_and_keeps_it_out() -> Result<()> {
    let place = Place::new()?;
    let host = place.host()?;
    let mut banned = host.player(Dialect::V110, 1, "Badger41").await?;
    let mut other = host.player(Dialect::V110, 2, "Guest").await?;
    let ban = ["account", "ban", "Badger41", "--title", "ratchet-deadlocked", "--reason", "cheats"];
    let start = Instant::now();
    let said = place.medley(&ban)?.done()?;
    assert_eq!(said, "ban 1\tratchet-deadlocked\taccount #1\tfor good\tcheats\n1 players put out\n");
    until_ended(&mut banned).await?;
    assert!(start.elapsed() < 10 * LIVE, "{:?}", start.elapsed());
    let again = host.console(Dialect::V110, 3)?.login(host.mas()?, "Badger41", "secret").await;
    assert!(again.is_err());
    texts(&mut other).await?;
    place.medley(&["account", "unban", "1"])?.done()?;
    host.console(Dialect::V110, 4)?.login(host.mas()?, "Badger41", "secret").await?;
    Ok(())
}

#[tokio::test]
async fn accounts_of_the_command_line_log_in_and_those_of_players_are_listed() -> Result<()> {
    let place = Place::new()?;
    place.medley_with(&["account", "add", "ratchet-deadlocked", "Stopped"], "before\n")?.done()?;
    let host = place.host()?;
    place.medley_with(&["account", "add", "ratchet-deadlocked", "Running"], "before\n")?.done()?;
    for (name, id) in [("Stopped", 1), ("Running", 2)] {
        let mut console = host.console(Dialect::V110, 1)?;
        console.login(host.mas()?, name, "before").await?;
        assert_eq!(console.account_id, AccountId(id));
        // The running host remembers the login; a new password holds all the same.
        place.medley_with(&["account", "passwd", "ratchet-deadlocked", name], "after\n")?.done()?;
        let old = host.console(Dialect::V110, 2)?.login(host.mas()?, name, "before").await;
        assert!(old.is_err_and(|error| error.status().is_some()));
        host.console(Dialect::V110, 3)?.login(host.mas()?, name, "after").await?;
    }
    host.player(Dialect::V110, 4, "Wired").await?;
    let list = place.medley(&["account", "list", "ratchet-deadlocked"])?.done()?;
    assert!(list.contains("\n3\tWired\tcreated 20") && list.contains("\t127.0.0.1\t"), "{list}");
    assert!(!list.contains("last login never"), "{list}");
    Ok(())
}

#[tokio::test]
async fn sigterm_tells_the_players_and_ends_with_0() -> Result<()> {
    let place = Place::new()?;
    let mut host = place.host()?;
    let mut console = host.player(Dialect::V110, 1, "Badger41").await?;
    host.process.signal(Signal::TERM)?;
    until_ended(&mut console).await?;
    let told = console.lobby().and_then(|lobby| lobby.inbox.disconnected);
    assert!(told.is_some(), "the connection ended without a word");
    assert_eq!(host.process.wait()?.code(), Some(0), "{}", host.process.err()?);
    let log = host.process.err()?;
    assert!(log.contains("stopping") && log.contains("stopped drained=true"), "{log}");
    // What was acknowledged is there.
    let list = place.medley(&["account", "list", "ratchet-deadlocked"])?.done()?;
    assert!(list.starts_with("1\tBadger41\t"), "{list}");
    Ok(())
}

#[tokio::test]
async fn a_host_is_ready_when_its_relay_has_joined_and_at_once_without_one() -> Result<()> {
    let place = Place::new()?;
    let host = place.host()?;
    let (status, why) = host.page("/ready")?;
    let joining = (503, "the game relay has not joined MPS\n");
    ensure!([joining, (200, "ready\n")].contains(&(status, why.as_str())), "{status} {why}");
    host.until("the relay joins", |host| host.page("/ready"), |(status, _)| *status == 200).await?;
    let place = Place::new()?.with("MEDLEY_RELAY_ENABLED", "false");
    assert_eq!(place.host()?.page("/ready")?, (200, "ready\n".into()));
    Ok(())
}

#[tokio::test]
async fn while_it_drains_the_host_says_so_and_a_second_signal_ends_it_with_130() -> Result<()> {
    let place = Place::new()?;
    let mut host = place.host()?;
    let silent = host.player(Dialect::V110, 1, "Badger41").await?.go_silent();
    host.process.signal(Signal::INT)?;
    let not_ready = |(status, _): &(u16, String)| *status == 503;
    let (_, why) = host.until("the host drains", |host| host.page("/ready"), not_ready).await?;
    assert_eq!(why, "the host is stopping\n");
    host.process.signal(Signal::TERM)?;
    assert_eq!(host.process.wait()?.code(), Some(130), "{}", host.process.err()?);
    assert!(host.process.err()?.ends_with("medley: stopped at once by a second signal\n"));
    drop(silent);
    Ok(())
}

#[tokio::test]
async fn a_silent_player_keeps_the_host_for_the_drain_time_and_no_longer() -> Result<()> {
    let place = Place::new()?.with("MEDLEY_TIMEOUTS_DRAIN", 1).with("MEDLEY_TIMEOUTS_FAREWELL", 30);
    let mut host = place.host()?;
    let silent = host.player(Dialect::V110, 1, "Badger41").await?.go_silent();
    let start = Instant::now();
    assert_eq!(host.stop()?.code(), Some(0), "{}", host.process.err()?);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    drop(silent);
    Ok(())
}
