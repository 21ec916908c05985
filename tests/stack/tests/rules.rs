//! Who may come in, and what a title tells.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use medley_simulator::{Console, Dialect, GameSetup, Options};
use medley_stack_tests::host::{HostSetup, TestHost};
use medley_store::{BanScope, BanSubject, NewBan, PolicyKind};
use medley_wire::enums::{CallbackStatus, ChatMessageType, WorldStatus};
use medley_wire::messages::{
    AccountLogoutRequest, ChatFwdMessage, ChatMessage, GameList_ExtraInfoRequest0,
    GetAllAnnouncementsRequest, GetLobbyPlayerNames_ExtraInfoRequest, GetPolicyRequest, GetTotalGamesRequest,
};
use medley_wire::types::Text;

fn console(options: Options, seed: u64) -> Console {
    Console::new(Arc::new(options.seed(seed)))
}

/// A title without exceptions, for the rules that shipped titles change.
const STRICT: &str = r#"
name = "Strict"
[[app]]
id = 11184
[[channel]]
name = "General"
"#;

#[tokio::test]
async fn pal_and_ntsc_consoles_share_one_community() -> Result<()> {
    let host = TestHost::start().await?;
    let app = Dialect::V108.app_id();
    host.account(app, "American", "secret").await?;
    let mut american = console(host.options(Dialect::V108)?, 1);
    american.login(host.mas(), "American", "secret").await?;
    american.enter_lobby().await?;
    // The PAL disc has no registration screen: its first login makes the account.
    let mut european = console(host.options(Dialect::V108)?.app(10683), 2);
    european.login(host.mas(), "European", "geheim").await?;
    european.enter_lobby().await?;
    assert_eq!(american.channel, european.channel);

    let names =
        GetLobbyPlayerNames_ExtraInfoRequest { medius_world_id: american.channel, ..Default::default() };
    let rows = american.list(names).await?;
    let mut names: Vec<_> = rows.iter().map(|row| row.account_name.to_string()).collect();
    names.sort();
    assert_eq!(names, ["American", "European"]);

    american.send(ChatMessage {
        session_key: american.session_key,
        message_type: ChatMessageType(0),
        message: Text::new("howdy"),
        ..Default::default()
    })?;
    let chat: ChatFwdMessage = european.expect_push().await?;
    assert_eq!((chat.originator_account_name, chat.message), (Text::new("American"), Text::new("howdy")));

    let setup = GameSetup::new("Transatlantic", 4);
    let game = american.create_game(&setup).await?;
    american.join_game(game, "").await?;
    american.world_report(&setup, 1, WorldStatus(1))?;
    american.ask(GetTotalGamesRequest { session_key: american.session_key, ..Default::default() }).await?;
    let list = GameList_ExtraInfoRequest0 { page_id: 1, page_size: 10, ..Default::default() };
    let games = european.list(list).await?;
    assert_eq!(games.iter().map(|row| row.medius_world_id).collect::<Vec<_>>(), [game]);
    assert_eq!(european.join_game(game, "").await?, 1);
    Ok(())
}

#[tokio::test]
async fn an_account_is_registered_once_and_then_logs_in() -> Result<()> {
    let host = HostSetup::new()?.titles(&[("strict", STRICT)])?.start().await?;
    let mut first = console(host.options(Dialect::V110)?, 1);
    first.begin_session(host.mas()).await?;
    let unknown = first.try_login("Newcomer", "secret").await?;
    assert_eq!(unknown.status_code, CallbackStatus::ACCOUNT_NOT_FOUND);
    let account = first.register("Newcomer", "secret").await?;
    let taken = first.register("NEWCOMER", "other").await.expect_err("the name is taken, case ignored");
    assert_eq!(taken.status(), Some(CallbackStatus::ACCOUNT_ALREADY_EXISTS));
    let wrong = first.try_login("Newcomer", "wrong").await?;
    assert_eq!(wrong.status_code, CallbackStatus::INVALID_PASSWORD);
    let right = first.try_login("Newcomer", "secret").await?;
    assert_eq!((right.status_code, right.account_id), (CallbackStatus::SUCCESS, account));
    Ok(())
}

#[tokio::test]
async fn a_second_login_is_refused_while_the_first_player_is_there() -> Result<()> {
    let host = TestHost::start().await?;
    let app = Dialect::V110.app_id();
    host.account(app, "Twice", "secret").await?;
    let mut first = console(host.options(Dialect::V110)?, 1);
    first.login(host.mas(), "Twice", "secret").await?;
    first.enter_lobby().await?;
    let mut second = console(host.options(Dialect::V110)?, 2);
    second.begin_session(host.mas()).await?;
    let refused = second.try_login("Twice", "secret").await?;
    assert_eq!(refused.status_code, CallbackStatus::ACCOUNT_LOGGED_IN);
    // Once the first has logged out, the second may.
    first.succeed(AccountLogoutRequest { session_key: first.session_key, ..Default::default() }).await?;
    let accepted = second.try_login("Twice", "secret").await?;
    assert_eq!(accepted.status_code, CallbackStatus::SUCCESS);
    Ok(())
}

#[tokio::test]
async fn a_player_whose_console_died_logs_in_again_at_once() -> Result<()> {
    let host = TestHost::start().await?;
    let app = Dialect::V110.app_id();
    host.account(app, "Unlucky", "secret").await?;
    let mut first = console(host.options(Dialect::V110)?, 1);
    first.login(host.mas(), "Unlucky", "secret").await?;
    first.enter_lobby().await?;
    let old = first.session_key;
    first.power_off();
    host.until(app, |now| now.players.iter().all(|player| player.connections == 0)).await?;
    let mut again = console(host.options(Dialect::V110)?, 2);
    again.login(host.mas(), "Unlucky", "secret").await?;
    again.enter_lobby().await?;
    assert_ne!(again.session_key, old);
    host.until(app, |now| now.players.len() == 1).await?;
    Ok(())
}

#[tokio::test]
async fn a_banned_account_does_not_log_in_and_one_banned_online_is_put_out() -> Result<()> {
    let host = TestHost::start().await?;
    let app = Dialect::V110.app_id();
    let title = host.title_of(app)?;
    let banned = host.account(app, "Banned", "secret").await?;
    let online = host.account(app, "Online", "secret").await?;
    let ban = |account| NewBan {
        scope: BanScope::Title(title.clone()),
        subject: BanSubject::Account(account),
        reason: "for the test".into(),
        created: 0,
        expires: None,
    };
    let first = ban(banned);
    host.store.write(move |store| store.add_ban(&first)).await?;
    let mut refused = console(host.options(Dialect::V110)?, 1);
    refused.begin_session(host.mas()).await?;
    let answer = refused.try_login("Banned", "secret").await?;
    assert_eq!(answer.status_code, CallbackStatus::ACCOUNT_BANNED);

    let mut player = console(host.options(Dialect::V110)?, 2);
    player.login(host.mas(), "Online", "secret").await?;
    player.enter_lobby().await?;
    let second = ban(online);
    host.store.write(move |store| store.add_ban(&second)).await?;
    host.server.check_bans().await;
    host.until(app, |now| now.players.is_empty()).await?;
    let gone = player.ask(GetTotalGamesRequest::default()).await;
    assert!(gone.is_err(), "a banned player was answered");
    Ok(())
}

#[tokio::test]
async fn announcements_and_policies_of_the_store_reach_every_dialect() -> Result<()> {
    let host = TestHost::start().await?;
    for (seed, dialect) in Dialect::ALL.into_iter().enumerate() {
        let app = dialect.app_id();
        let title = host.title_of(app)?;
        host.account(app, "Reader", "secret").await?;
        let policy: String = (0..600).map(|number| format!("{number} ")).collect();
        let (of, text) = (title.clone(), policy.clone());
        host.store
            .write(move |store| store.set_policy(&of, PolicyKind::Usage, Some(text.as_bytes())))
            .await?;
        for text in ["The older", "The newer"] {
            let of = title.clone();
            host.store.write(move |store| store.add_announcement(&of, text.as_bytes(), 0)).await?;
        }
        let mut reader = console(host.options(dialect)?, seed as u64);
        reader.login(host.mas(), "Reader", "secret").await?;
        reader.enter_lobby().await?;
        let rows =
            reader.list(GetPolicyRequest { session_key: reader.session_key, ..Default::default() }).await?;
        let told: Vec<u8> = rows.iter().flat_map(|row| row.policy.as_bytes()).copied().collect();
        assert_eq!(String::from_utf8_lossy(&told), policy, "{dialect:?}");
        let request = GetAllAnnouncementsRequest {
            session_key: reader.session_key,
            application_id: app,
            ..Default::default()
        };
        let rows = reader.list(request).await?;
        let texts: Vec<_> = rows.iter().map(|row| row.announcement.to_string_lossy().into_owned()).collect();
        assert_eq!(texts, ["The newer", "The older"], "{dialect:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_access_key_lets_one_connection_in_and_no_more() -> Result<()> {
    let host = HostSetup::new()?.impatient(Duration::from_secs(2)).start().await?;
    let app = Dialect::V110.app_id();
    host.account(app, "Keeper", "secret").await?;
    let mut first = console(host.options(Dialect::V110)?, 1);
    first.login(host.mas(), "Keeper", "secret").await?;
    let redirect = first.lobby_redirect.clone();
    first.enter_lobby().await?;
    let mut thief = console(host.options(Dialect::V110)?, 2);
    thief.lobby_redirect = redirect;
    assert!(thief.connect_lobby().await.is_err(), "a used access key let somebody in");
    // The owner is not disturbed.
    first.ask(GetTotalGamesRequest { session_key: first.session_key, ..Default::default() }).await?;
    Ok(())
}
