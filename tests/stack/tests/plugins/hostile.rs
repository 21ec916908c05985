//! Plugins that mean ill, or are simply broken: players stay connected, the host's own rules go on, other titles feel nothing.

use anyhow::{Result, ensure};
use medley_wire::enums::CallbackStatus;
use medley_wire::messages::GetServerTimeRequest;

use crate::fixture::{Fixture, SCRATCH, pass, variant};
use crate::stage::{MINE, OTHER, Stage, hear, say};

/// Two players talk through a hostile chat hook; two of another title talk beside them.
async fn survives(plugin: Fixture, health: &[&str]) -> Result<()> {
    // Deadlines are short, so that a test of an endless loop takes no second.
    let limits = "[plugin.limits]\ncall_cpu_millis = 20\ncall_wall_millis = 250\nmemory_bytes = 4194304\n";
    let mut stage = Stage::with(&plugin, limits).await?;
    let (mut a, mut b) = (stage.player(MINE, "A").await?, stage.player(MINE, "B").await?);
    let (mut c, mut d) = (stage.player(OTHER, "C").await?, stage.player(OTHER, "D").await?);
    for round in 0..8 {
        let line = format!("line {round}");
        say(&mut a, &line)?;
        ensure!(hear(&mut b).await? == line, "the line passes where the hook fails");
        say(&mut c, &line)?;
        ensure!(hear(&mut d).await? == line, "the other title feels nothing");
        for console in [&mut a, &mut b, &mut c, &mut d] {
            let time = console.ask(GetServerTimeRequest::default()).await?;
            ensure!(time.status_code == CallbackStatus::SUCCESS);
        }
    }
    let found = stage.health().await?.0;
    ensure!(health.contains(&found), "the plugin is {found}");
    ensure!(
        stage.host.server.title("mine").is_some_and(|title| title.losses() == 0),
        "the title's state is whole"
    );
    Ok(())
}

const FAILED: &[&str] = &["restarting", "quarantined"];
const SERVING: &[&str] = &["serving"];

fn chat(body: &str) -> Fixture {
    Fixture::new().hook("chat", body)
}

/// Does `body` 100,000 times, then passes.
fn often(body: &str) -> String {
    format!(
        "(local $i i32)
        (loop $again
            {body}
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $i) (i32.const 100000))))
        {}",
        pass()
    )
}

#[tokio::test]
async fn an_endless_loop_is_cut() -> Result<()> {
    survives(chat("(loop (br 0)) unreachable"), FAILED).await
}

#[tokio::test]
async fn a_memory_bomb_meets_its_limit() -> Result<()> {
    let body = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    survives(chat(body), FAILED).await
}

#[tokio::test]
async fn a_stack_overflow_is_a_trap() -> Result<()> {
    let plugin = chat("(call $deep) unreachable").extra("(func $deep (call $deep) (call $deep))");
    survives(plugin, FAILED).await
}

#[tokio::test]
async fn a_trap_lets_the_request_pass() -> Result<()> {
    survives(chat("unreachable"), FAILED).await
}

#[tokio::test]
async fn an_endless_row_of_host_calls_is_cut() -> Result<()> {
    let plugin =
        chat("(loop (drop (call $clock.unix-millis)) (br 0)) unreachable").import("clock", "unix-millis");
    survives(plugin, FAILED).await
}

#[tokio::test]
async fn a_flood_of_log_lines_is_bounded() -> Result<()> {
    let write = "(call $log.write (i32.const 1) (i32.const 1024) (i32.const 8) (i32.const 0) (i32.const 0))";
    let plugin = chat(&often(write)).import("log", "write");
    survives(plugin, &["serving", "restarting", "quarantined"]).await
}

#[tokio::test]
async fn a_flood_of_writes_is_bounded() -> Result<()> {
    // The key is the loop's counter, the value 1 KiB.
    let set = format!(
        "(i32.store (i32.const {SCRATCH}) (local.get $i))
        (call $store.set (i32.const 0) (i32.const {SCRATCH}) (i32.const 4) (i32.const 1024) (i32.const 1024) (i32.const {}))",
        SCRATCH + 64
    );
    let plugin = chat(&often(&set)).import("store", "set");
    survives(plugin, &["serving", "restarting", "quarantined"]).await
}

#[tokio::test]
async fn a_giant_answer_is_refused() -> Result<()> {
    // replace({0, 0, text of 2 GiB})
    let body = format!(
        "(i32.store (i32.const {SCRATCH}) (i32.const 1))
        (i32.store offset=12 (i32.const {SCRATCH}) (i32.const 0))
        (i32.store offset=16 (i32.const {SCRATCH}) (i32.const 0x7fffffff))
        (i32.const {SCRATCH})"
    );
    survives(chat(&body), FAILED).await
}

#[tokio::test]
async fn an_answer_that_does_not_fit_the_message_is_refused() -> Result<()> {
    // replace({0, 0, text of 64 bytes}): the field holds 63 and a NUL.
    let body = format!(
        "(i32.store (i32.const {SCRATCH}) (i32.const 1))
        (i32.store offset=12 (i32.const {SCRATCH}) (i32.const 1024))
        (i32.store offset=16 (i32.const {SCRATCH}) (i32.const 64))
        (i32.const {SCRATCH})"
    );
    survives(chat(&body), FAILED).await
}

#[tokio::test]
async fn a_forged_verdict_is_refused() -> Result<()> {
    survives(chat(&variant(77, 0)), FAILED).await?;
    // A refusal that is a success.
    survives(chat(&variant(3, 0)), FAILED).await
}

#[tokio::test]
async fn a_plugin_that_makes_its_own_events_is_not_called_from_within_itself() -> Result<()> {
    // Each new channel makes the plugin make another, until the title has no room.
    let create = format!(
        "(i32.store (i32.const {SCRATCH}) (i32.add (i32.load (i32.const {SCRATCH})) (i32.const 1)))
        (if (global.get $inside) (then unreachable))
        (global.set $inside (i32.const 1))
        (call $channels.create (i32.const {SCRATCH}) (i32.const 2) (i32.const 0) (i32.const 0) (i32.const {}))
        (global.set $inside (i32.const 0))",
        SCRATCH + 64
    );
    let plugin = Fixture::new()
        .import("channels", "create")
        .extra("(global $inside (mut i32) (i32.const 0))")
        .extra(&format!("(data (i32.const {SCRATCH}) \"\\41\\41\\41\\41\")"))
        .subscribe("channel-created", None)
        .subscribe("entered-channel", None)
        .function("events", "happened", &create);
    survives(plugin, SERVING).await
}
