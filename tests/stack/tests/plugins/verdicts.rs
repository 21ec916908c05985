//! What the verdicts of hooks do to requests.

use anyhow::Result;
use medley_session::Transport;
use medley_simulator::GameSetup;
use medley_wire::enums::CallbackStatus;
use medley_wire::messages::{
    ChannelListRequest, GetMyIPRequest, GetMyIPResponse, GetServerTimeRequest, Message as _,
};

use crate::fixture::{Fixture, SCRATCH, pass, variant};
use crate::stage::{MINE, OTHER, Stage, hear, say};

/// A chat hook that takes the first letter away, lets lines that begin with `p` pass and denies those with `d`.
fn clipper() -> Fixture {
    let replace = format!(
        "(i32.store (i32.const {SCRATCH}) (i32.const 1))
        (i32.store offset=4 (i32.const {SCRATCH}) (local.get 6))
        (i32.store offset=8 (i32.const {SCRATCH}) (local.get 7))
        (i32.store offset=12 (i32.const {SCRATCH}) (i32.add (local.get 8) (i32.const 1)))
        (i32.store offset=16 (i32.const {SCRATCH}) (i32.sub (local.get 9) (i32.const 1)))
        (i32.const {SCRATCH})"
    );
    let first = "(i32.load8_u (local.get 8))";
    Fixture::new().hook(
        "chat",
        &format!(
            "(if (result i32) (i32.eq {first} (i32.const 112)) (then {})
             (else (if (result i32) (i32.eq {first} (i32.const 100)) (then {}) (else {replace}))))",
            pass(),
            variant(3, -1000)
        ),
    )
}

#[tokio::test]
async fn chat_passes_is_replaced_and_denied() -> Result<()> {
    let mut stage = Stage::with(&clipper(), "").await?;
    let mut speaker = stage.player(MINE, "Speaker").await?;
    let mut listener = stage.player(MINE, "Listener").await?;
    for line in ["hello", "denied", "pass", "world"] {
        say(&mut speaker, line)?;
    }
    for heard in ["ello", "pass", "orld"] {
        assert_eq!(hear(&mut listener).await?, heard);
    }
    // The other title has no plugin.
    let (mut a, mut b) = (stage.player(OTHER, "A").await?, stage.player(OTHER, "B").await?);
    say(&mut a, "hello")?;
    assert_eq!(hear(&mut b).await?, "hello");
    assert_eq!(stage.health().await?, ("serving", 0));
    Ok(())
}

#[tokio::test]
async fn a_game_is_refused_with_the_plugins_status_and_a_list_is_emptied() -> Result<()> {
    let hide_all = format!(
        "(i32.store (i32.const {SCRATCH}) (local.get 7))
        (i32.store offset=4 (i32.const {SCRATCH}) (local.get 8))
        (i32.const {SCRATCH})"
    );
    let plugin = Fixture::new().hook("create-game", &variant(3, -42)).hook("hidden", &hide_all);
    let mut stage = Stage::with(&plugin, "").await?;
    let mut player = stage.player(MINE, "Player").await?;
    let created = player.create_game(&GameSetup::new("Mine", 4)).await;
    assert!(created.is_err_and(|refused| refused.is_refusal(CallbackStatus(-42))));
    let list = ChannelListRequest { page_id: 1, page_size: 10, ..Default::default() };
    let rows = player.request(list.into()).await?;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].status(), Some(CallbackStatus::NO_RESULT));
    Ok(())
}

#[tokio::test]
async fn a_login_is_denied_before_the_password_is_looked_at() -> Result<()> {
    let mut stage = Stage::with(&Fixture::new().hook("login", &variant(3, -993)), "").await?;
    stage.host.account(MINE.app_id(), "Somebody", "secret").await?;
    let mut console = stage.host.console(MINE, 9)?;
    console.begin_session(stage.host.mas()).await?;
    assert_eq!(console.try_login("Somebody", "wrong").await?.status_code, CallbackStatus(-993));
    // The other title feels nothing.
    stage.player(OTHER, "Other").await?;
    Ok(())
}

#[tokio::test]
async fn a_message_by_number_is_answered_by_the_plugin_and_by_nobody_else() -> Result<()> {
    let info = GetMyIPResponse::INFO;
    let size = medley_wire::AnyMessage::from(GetMyIPResponse::default())
        .encode_plugin(&medley_wire::Dialect::new(110, MINE.app_id()))
        .len();
    // reply([{class, id, body: zeros with the request's id in front}]): the body is that of the answer.
    let body = format!(
        "(i32.store (i32.const {SCRATCH}) (i32.const 2))
        (i32.store offset=4 (i32.const {SCRATCH}) (i32.const {list}))
        (i32.store offset=8 (i32.const {SCRATCH}) (i32.const 1))
        (i32.store8 (i32.const {list}) (i32.const {class}))
        (i32.store8 offset=1 (i32.const {list}) (i32.const {id}))
        (i32.store offset=4 (i32.const {list}) (i32.const {text}))
        (i32.store offset=8 (i32.const {list}) (i32.const {size}))
        (memory.copy (i32.const {text}) (local.get 8) (i32.const 21))
        (i32.store8 offset=21 (i32.const {text}) (i32.const 57))
        (i32.const {SCRATCH})",
        list = SCRATCH + 64,
        text = SCRATCH + 128,
        class = info.class.0,
        id = info.id,
    );
    let asked = GetMyIPRequest::INFO;
    let plugin = Fixture::new()
        .subscribe_message(asked.class.0, u8::try_from(asked.id).ok(), 1)
        .function("messages", "incoming", &body);
    let mut stage = Stage::with(&plugin, "").await?;
    let mut player = stage.player(MINE, "Player").await?;
    let answer = player.ask(GetMyIPRequest::default()).await?;
    assert_eq!(answer.ip.to_string(), "9", "the plugin's answer, and the host's did not come");
    let time = player.ask(GetServerTimeRequest::default()).await?;
    assert_eq!(time.status_code, CallbackStatus::SUCCESS);
    assert_eq!(stage.health().await?, ("serving", 0));
    Ok(())
}

/// `relay.packets` that lets all pass but the first packet of a batch that begins with `x`.
fn censor() -> String {
    format!(
        "(local $n i32)
        (if (i32.eq (i32.load8_u (i32.load offset=16 (local.get 0))) (i32.const 120)) (then (local.set $n (i32.const 1))))
        (i32.store (i32.const {SCRATCH}) (i32.const {list}))
        (i32.store offset=4 (i32.const {SCRATCH}) (local.get $n))
        (i32.store (i32.const {list}) (i32.const 0))
        (i32.store offset=4 (i32.const {list}) (i32.const 0))
        (i32.const {SCRATCH})",
        list = SCRATCH + 64
    )
}

#[tokio::test]
async fn relayed_packets_pass_the_plugin_in_order_and_are_dropped_by_it() -> Result<()> {
    let plugin = Fixture::new().subscribe_packets(3, b"").function("relay", "packets", &censor());
    let mut stage = Stage::with(&plugin, "").await?;
    let (mut first, mut second) = (stage.player(MINE, "First").await?, stage.player(MINE, "Second").await?);
    let game = first.create_game(&GameSetup::new("Mine", 4)).await?;
    first.join_game(game, "").await?;
    second.join_game(game, "").await?;
    for transport in [Transport::Tcp, Transport::Udp] {
        first.broadcast(transport, b"one")?;
        assert_eq!(second.recv_relay().await?.payload[..], b"one"[..]);
        first.broadcast(transport, b"x is dropped")?;
        first.broadcast(transport, b"two")?;
        first.single(transport, 1, b"three")?;
        assert_eq!(second.recv_relay().await?.payload[..], b"two"[..]);
        assert_eq!(second.recv_relay().await?.payload[..], b"three"[..]);
    }
    Ok(())
}
