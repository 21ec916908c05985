//! Replacing a plugin while its title is played.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use medley_plugins::Change;
use medley_session::Transport;
use medley_simulator::{Console, GameSetup};
use medley_wire::enums::CallbackStatus;
use medley_wire::messages::GetServerTimeRequest;

use crate::fixture::{Default as Setting, Fixture, SCRATCH, ok, pass, variant};
use crate::stage::{MINE, Stage, hear, say, whisper};

/// A chat hook that replaces every line by this one letter.
fn letter(letter: char) -> Fixture {
    let body = format!(
        "(i32.store8 (i32.const {text}) (i32.const {letter}))
        (i32.store (i32.const {SCRATCH}) (i32.const 1))
        (i32.store offset=4 (i32.const {SCRATCH}) (local.get 6))
        (i32.store offset=8 (i32.const {SCRATCH}) (local.get 7))
        (i32.store offset=12 (i32.const {SCRATCH}) (i32.const {text}))
        (i32.store offset=16 (i32.const {SCRATCH}) (i32.const 1))
        (i32.const {SCRATCH})",
        text = SCRATCH + 64,
        letter = u32::from(letter)
    );
    Fixture::new().name("letter").hook("chat", &body)
}

/// Broken in one of the ways in which files are.
fn broken(kind: usize) -> Vec<u8> {
    match kind % 4 {
        0 => b"this is no WebAssembly".to_vec(),
        1 => Fixture::new().version("0.9.0").hook("chat", &pass()).build(),
        2 => letter('x')
            .function("lifecycle", "restore", "unreachable")
            .function("lifecycle", "self-check", &refuse())
            .build(),
        _ => letter('x').function("lifecycle", "self-check", "(loop (br 0)) unreachable").build(),
    }
}

/// `err("no")` of `result<_, string>`.
fn refuse() -> String {
    format!(
        "(i32.store16 (i32.const {text}) (i32.const 0x6f6e))
        (i32.store offset=4 (i32.const {SCRATCH}) (i32.const {text}))
        (i32.store offset=8 (i32.const {SCRATCH}) (i32.const 2))
        (i32.store (i32.const {SCRATCH}) (i32.const 1))
        (i32.const {SCRATCH})",
        text = SCRATCH + 128
    )
}

async fn heard_after(speaker: &mut Console, listener: &mut Console) -> Result<String> {
    say(speaker, "line")?;
    hear(listener).await
}

#[tokio::test]
async fn a_new_file_serves_at_once_a_bad_one_is_told_and_the_old_one_comes_back() -> Result<()> {
    let mut stage = Stage::empty("").await?;
    let (mut a, mut b) = (stage.player(MINE, "A").await?, stage.player(MINE, "B").await?);
    assert_eq!(heard_after(&mut a, &mut b).await?, "line");

    stage.write(&letter('1').build())?;
    let began = Instant::now();
    let changes = stage.refresh().await?;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(
        matches!(changes.as_slice(), [(title, Ok(Change::Loaded { generation: 1, .. }))] if title == "mine")
    );
    assert_eq!(heard_after(&mut a, &mut b).await?, "1");

    stage.write(&letter('2').build())?;
    stage.refresh().await?;
    assert_eq!(heard_after(&mut a, &mut b).await?, "2");

    for kind in 0..4 {
        stage.write(&broken(kind))?;
        let changes = stage.refresh().await?;
        let [(_, Err(error))] = changes.as_slice() else { bail!("{changes:?}") };
        let sentence = error.to_string();
        assert!(sentence.contains("mine/plugin.wasm: it"), "{sentence}");
        assert!(!sentence.contains('\n'), "{sentence}");
        assert_eq!(stage.plugins.status("mine").await?.error, Some(sentence));
        assert_eq!(heard_after(&mut a, &mut b).await?, "2");
        // The same bad file is not tried again and again.
        assert!(stage.refresh().await?.is_empty());
    }

    stage.plugins.rollback("mine").await?;
    assert_eq!(heard_after(&mut a, &mut b).await?, "1");
    stage.plugins.rollback("mine").await?;
    assert_eq!(heard_after(&mut a, &mut b).await?, "2");

    stage.configure("[plugin]\nenabled = false\n")?;
    let changes = stage.refresh().await?;
    assert!(matches!(changes.as_slice(), [(_, Ok(Change::Removed))]));
    assert_eq!(heard_after(&mut a, &mut b).await?, "line");
    Ok(())
}

#[tokio::test]
async fn settings_change_without_a_reload_and_wrong_ones_are_told_with_their_line() -> Result<()> {
    let plugin = letter('1').setting("greeting", Setting::Text("hi".to_owned()));
    let stage = Stage::with(&plugin, "[plugin.settings]\ngreeting = \"hello\"\n").await?;
    stage.configure("[plugin.settings]\ngreeting = \"good day\"\n")?;
    let changes = stage.refresh().await?;
    let [(_, Ok(change))] = changes.as_slice() else { bail!("{changes:?}") };
    assert_eq!(*change, Change::Settings(vec!["greeting".to_owned()]));
    stage.configure("[plugin.settings]\ngreeting = 5\n")?;
    let changes = stage.refresh().await?;
    let [(_, Err(error))] = changes.as_slice() else { bail!("{changes:?}") };
    let sentence = error.to_string();
    assert!(sentence.contains("game.toml:13:1: setting `greeting` wants"), "{sentence}");
    let status = stage.plugins.status("mine").await?;
    assert_eq!(status.serving.map(|view| view.generation), Some(1));
    Ok(())
}

#[tokio::test]
async fn an_operators_command_is_answered_by_the_plugin() -> Result<()> {
    use medley_runtime::api::CommandOutcome;
    // ok("no"), err("no") by the number of arguments.
    let body = format!(
        "(i32.store (i32.const {SCRATCH}) (local.get 3)) (drop {}) (i32.store (i32.const {SCRATCH}) (local.get 3)) (i32.const {SCRATCH})",
        refuse()
    );
    let stage = Stage::with(&Fixture::new().command("greet").function("commands", "run", &body), "").await?;
    let run = |name: &str, arguments: &[&str]| {
        let arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
        stage.plugins.command("mine", name.to_owned(), arguments)
    };
    assert_eq!(run("greet", &[]).await?, CommandOutcome::Done("no".to_owned()));
    assert_eq!(run("greet", &["Badger41"]).await?, CommandOutcome::Refused("no".to_owned()));
    assert_eq!(run("sing", &[]).await?, CommandOutcome::Unknown);
    Ok(())
}

/// Players of the test under load. The full size is asked for by the environment.
fn players() -> usize {
    std::env::var("MEDLEY_RELOAD_PLAYERS").ok().and_then(|text| text.parse().ok()).unwrap_or(24)
}

const SWAPS: usize = 100;

/// A pair: lines and packets go one way, numbered, and each is heard once and in order; requests are answered once.
async fn play(
    mut a: Console,
    mut b: Console,
    game: bool,
    over: Arc<AtomicBool>,
    said: Arc<AtomicUsize>,
) -> Result<()> {
    let to = b.account_id;
    let mut round = 0;
    while !over.load(Ordering::Relaxed) {
        let line = format!("{round}");
        whisper(&mut a, to, &line)?;
        ensure!(hear(&mut b).await? == line, "a line was lost, doubled or overtaken");
        a.ask(GetServerTimeRequest::default()).await.context("an answer")?;
        if game {
            a.broadcast(Transport::Tcp, line.as_bytes())?;
            let heard = b.recv_relay().await.context("a packet")?;
            ensure!(heard.payload[..] == *line.as_bytes(), "a packet was lost, doubled or overtaken");
        }
        if round % 10 == 0 && !game {
            let setup = GameSetup::new(&format!("{to}-{round}"), 4);
            // A player may have only so many games; a refusal is an answer too.
            let created = a.create_game(&setup).await;
            let denied = matches!(&created, Err(error) if error.is_refusal(CallbackStatus::REQUEST_DENIED));
            ensure!(denied || created.is_ok(), "{created:?}");
        }
        round += 1;
        said.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Nothing came twice.
    ensure!(b.received::<medley_wire::messages::ChatFwdMessage>()?.is_none(), "a line came twice");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_swapped_a_hundred_times_under_load_and_nobody_notices() -> Result<()> {
    let good = |_: usize| {
        let nothing = format!(
            "(i32.store (i32.const {SCRATCH}) (i32.const 0)) (i32.store offset=4 (i32.const {SCRATCH}) (i32.const 0)) (i32.const {SCRATCH})"
        );
        Fixture::new()
            .hook("chat", &pass())
            .hook("create-game", &variant(0, 0))
            .subscribe_packets(3, b"")
            .function("relay", "packets", &nothing)
            .function("lifecycle", "save", &nothing)
            .function("lifecycle", "restore", &ok())
    };
    // So that an endless self-check is found out soon.
    let limits = "[plugin.limits]\nload_cpu_millis = 200\n";
    let mut stage = Stage::with(&good(0), limits).await?;
    let (over, said) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = tokio::task::JoinSet::new();
    for pair in 0..players() / 2 {
        let mut a = stage.player(MINE, &format!("A{pair}")).await?;
        let mut b = stage.player(MINE, &format!("B{pair}")).await?;
        let game = pair % 4 == 0;
        if game {
            let game = a.create_game(&GameSetup::new(&format!("Game {pair}"), 4)).await?;
            a.join_game(game, "").await?;
            b.join_game(game, "").await?;
        }
        tasks.spawn(play(a, b, game, Arc::clone(&over), Arc::clone(&said)));
    }
    let mut pauses = Vec::new();
    for swap in 1..=SWAPS {
        // Each third file is broken.
        if swap % 3 == 0 {
            stage.write(&broken(swap / 3))?;
            ensure!(stage.plugins.reload("mine").await.is_err(), "a broken file was taken");
        } else {
            stage.write(&good(swap).name(&format!("good-{swap}")).build())?;
            match stage.plugins.reload("mine").await? {
                Change::Loaded { pause, .. } => pauses.push(pause),
                other => bail!("{other}"),
            }
        }
        if let Some(ended) = tasks.try_join_next() {
            ended??;
            bail!("a player stopped");
        }
    }
    over.store(true, Ordering::Relaxed);
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    pauses.sort_unstable();
    let at = |part: f64| pauses.get((pauses.len() as f64 * part) as usize).copied().unwrap_or_default();
    println!(
        "{} players, {} rounds, {} swaps and {} refusals: pause p50 {:?}, p99 {:?}, longest {:?}",
        players(),
        said.load(Ordering::Relaxed),
        pauses.len(),
        SWAPS - pauses.len(),
        at(0.5),
        at(0.99),
        pauses.last(),
    );
    ensure!(said.load(Ordering::Relaxed) > players(), "nobody talked");
    let (health, failures) = stage.health().await?;
    ensure!((health, failures) == ("serving", 0), "{health} after {failures} failures");
    Ok(())
}
