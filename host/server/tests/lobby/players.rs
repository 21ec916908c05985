use medley_wire::AccountId;
use medley_wire::enums::{ApplicationType, CallbackStatus as S, PlayerSearchType, PlayerStatus};
use medley_wire::messages::*;
use medley_wire::types::{Blob, Text};

use crate::harness::{APP, Host, SISTER_APP, assert_empty};

fn by_id(id: AccountId) -> FindPlayerRequest {
    FindPlayerRequest { search_type: PlayerSearchType::ID, id: id.0, ..Default::default() }
}

fn by_name(name: &str) -> FindPlayerRequest {
    FindPlayerRequest { search_type: PlayerSearchType::NAME, name: Text::new(name), ..Default::default() }
}

#[tokio::test]
async fn a_player_is_found_in_its_channel_or_its_game() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let (mut player, mut other) =
        (host.player("Badger41").await, host.player_of("Otter", 110, SISTER_APP).await);
    let rows = player.list(by_name("OTTER")).await;
    assert_eq!(rows.len(), 1);
    let found = &rows[0];
    assert_eq!((found.status_code, found.account_id), (S::SUCCESS, other.account));
    assert_eq!((found.account_name, found.application_name), (Text::new("Otter"), Text::new("SISTER")));
    assert_eq!((found.application_id.0, found.medius_world_id), (SISTER_APP, other.channel));
    assert_eq!(found.application_type, ApplicationType::LOBBY_CHAT_CHANNEL);
    let (game, _) = player.host_game(&dme, "Battledome").await;
    host.until("in the game", move |state| state.game(game).is_some_and(|game| game.player_count() == 1))
        .await;
    let found = &other.list(by_id(player.account)).await[0];
    assert_eq!((found.application_type, found.medius_world_id), (ApplicationType::APP_TYPE_GAME, game));
    assert_eq!(found.application_name, "RATCHET3_4");
}

#[tokio::test]
async fn who_is_not_online_is_not_found() {
    let host = Host::start().await;
    let absent = host.account("Absent").await;
    let mut player = host.player("Badger41").await;
    for (request, id, name) in [(by_id(absent), absent.0, ""), (by_name("Absent"), 0, "Absent")] {
        let rows = player.list(request).await;
        assert_eq!((rows.len(), rows[0].status_code), (1, S::ACCOUNT_NOT_FOUND));
        assert_eq!((rows[0].account_id.0, rows[0].account_name), (id, Text::new(name)));
    }
}

#[tokio::test]
async fn player_info_is_told_of_everybody_with_an_account() {
    let host = Host::start().await;
    let absent = host.account("Absent").await;
    let mut player = host.player("Badger41").await;
    let info = |id| PlayerInfoRequest { account_id: id, ..Default::default() };
    let stats = AccountUpdateStatsRequest { stats: Blob::new(&[1; 256]), ..Default::default() };
    assert_eq!(player.ask(stats).await.status_code, S::SUCCESS);
    let me = player.ask(info(player.account)).await;
    assert_eq!((me.status_code, me.account_name), (S::SUCCESS, Text::new("Badger41")));
    assert_eq!((me.application_id.0, me.player_status), (APP, PlayerStatus::PLAYER_IN_CHAT_WORLD));
    assert_eq!(me.stats, Blob([1; 256]));
    let (title, id) = (host.title.clone(), medley_store::AccountId::new(absent.0).expect("an account"));
    let update = [medley_store::StatsUpdate::Blob(Box::new([2; 256]))];
    host.store.write(move |store| store.update_stats(&title, id, &update)).await.expect("stats");
    let other = player.ask(info(absent)).await;
    assert_eq!(
        (other.account_name, other.player_status),
        (Text::new("Absent"), PlayerStatus::PLAYER_DISCONNECTED)
    );
    assert_eq!((other.status_code, other.stats), (S::SUCCESS, Blob([2; 256])));
    assert_eq!(player.ask(info(AccountId(4711))).await.status_code, S::NO_RESULT);
    // UYA asks for -1 and shows an error unless it is a success.
    let nobody = player.ask(info(AccountId(-1))).await;
    assert_eq!((nobody.status_code, nobody.account_name), (S::SUCCESS, Text::EMPTY));
}

#[tokio::test]
async fn network_ids_are_kept_and_given_by_name() {
    let host = Host::start().await;
    let (mut player, mut other) =
        (host.player_of("Badger41", 113, APP).await, host.player_of("Otter", 113, APP).await);
    let post = NpIdPostRequest {
        message_id: "5".into(),
        data: Blob::new(b"Badger_41"),
        term: 0,
        opt: Blob::new(&[1; 8]),
        reserved: Blob::new(&[2; 8]),
        ..Default::default()
    };
    player.send(post).await;
    let answer = player.client.expect_raw(4, 0x6e).await;
    assert_eq!((answer.len(), &answer[2..4], &answer[26..30]), (30, &b"5\0"[..], &[0; 4][..]));
    let ask = |names: &[&str]| NpIdsGetByAccountNamesRequest {
        num_names: names.len().try_into().expect("few"),
        account_names: names.iter().map(LengthPrefixedName::new).collect(),
        ..Default::default()
    };
    let rows = other.list(ask(&["badger41", "Otter", "Nobody"])).await;
    assert_eq!(
        (rows.len(), rows[0].account_name, rows[0].data),
        (1, Text::new("Badger41"), Blob::new(b"Badger_41"))
    );
    assert_eq!((rows[0].opt, rows[0].reserved), (Blob([1; 8]), Blob([2; 8])));
    assert_empty(&other.list(ask(&["Otter"])).await);
    assert_empty(&other.list(ask(&[])).await);
}

#[tokio::test]
async fn banning_is_for_moderators_and_puts_the_player_out() {
    let host = Host::start().await;
    let (mut player, mut warden) = (host.player("Badger41").await, host.player("Warden").await);
    let ban = |account| BanPlayerRequest { ban_account_id: account, ban_minutes: 10, ..Default::default() };
    assert_eq!(player.ask(ban(warden.account)).await.status_code, S::PLAYER_NOT_PRIVILEGED);
    assert_eq!(warden.ask(ban(AccountId(4711))).await.status_code, S::ACCOUNT_NOT_FOUND);
    assert_eq!(warden.ask(ban(player.account)).await.status_code, S::SUCCESS);
    assert!(player.client.ends().await);
    let mut mas = host.mas(110, APP).await;
    mas.ask(SessionBeginRequest::default()).await;
    let login = AccountLoginRequest {
        username: Text::new("Badger41"),
        password: Text::new("pw"),
        ..Default::default()
    };
    assert_eq!(mas.ask(login).await.status_code, S::ACCOUNT_BANNED);
}

#[tokio::test]
async fn a_vote_to_ban_is_taken_without_an_answer() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    player.send(VoteToBanPlayerRequest::default()).await;
    assert_eq!(player.settle().await, Vec::<&str>::new());
}
