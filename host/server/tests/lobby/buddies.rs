use medley_store::ListKind;
use medley_wire::AccountId;
use medley_wire::enums::{BuddyAddType, CallbackStatus as S, PlayerStatus};
use medley_wire::messages::*;
use medley_wire::types::Text;

use crate::harness::{APP, Host, assert_empty};

fn add(account: AccountId) -> AddToBuddyListRequest {
    AddToBuddyListRequest { account_id: account, ..Default::default() }
}

async fn stored(host: &Host, kind: ListKind, owner: AccountId) -> Vec<i32> {
    let (title, owner) = (host.title.clone(), medley_store::AccountId::new(owner.0).expect("an account"));
    let list = host.store.read(move |store| store.list(&title, kind, owner)).await.expect("a list");
    list.iter().map(|row| row.id.get()).collect()
}

#[tokio::test]
async fn buddies_are_listed_in_ascending_account_id_with_where_they_are() {
    let host = Host::start().await;
    let offline = host.account("Absent").await;
    let dme = host.dme().await;
    let (mut other, mut player) = (host.player("Otter").await, host.player("Badger41").await);
    assert_empty(&player.list(GetBuddyListRequest::default()).await);
    assert_empty(&player.list(GetBuddyList_ExtraInfoRequest::default()).await);
    for account in [other.account, offline] {
        assert_eq!(player.ask(add(account)).await.status_code, S::SUCCESS);
    }
    assert_eq!(stored(&host, ListKind::Buddies, player.account).await, [offline.0, other.account.0]);
    let rows = player.list(GetBuddyListRequest::default()).await;
    let row =
        |row: &GetBuddyListResponse| (row.account_id, row.account_name.to_string(), row.player_status.0);
    assert_eq!(
        rows.iter().map(row).collect::<Vec<_>>(),
        [(offline, "Absent".to_owned(), 0), (other.account, "Otter".to_owned(), 2)]
    );
    let (game, _) = other.host_game(&dme, "Battledome").await;
    host.until("in the game", move |state| state.game(game).is_some_and(|game| game.player_count() == 1))
        .await;
    let rows = player.list(GetBuddyList_ExtraInfoRequest::default()).await;
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].account_id, &rows[0].online_state), (offline, &PlayerOnlineState::default()));
    let state = &rows[1].online_state;
    assert_eq!(state.connect_status, PlayerStatus::PLAYER_IN_GAME_WORLD);
    assert_eq!((state.medius_lobby_world_id, state.medius_game_world_id), (other.channel, game));
    assert_eq!((state.lobby_name, state.game_name), (Text::new("General"), Text::new("Battledome")));
}

#[tokio::test]
async fn nobody_is_a_buddy_twice_or_of_themselves_and_unknown_accounts_are_not() {
    let host = Host::start().await;
    let absent = host.account("Absent").await;
    let mut player = host.player("Badger41").await;
    for wrong in [player.account, AccountId(4711), AccountId(-1), AccountId(0)] {
        assert_eq!(player.ask(add(wrong)).await.status_code, S::DB_ERROR, "{wrong}");
    }
    assert_eq!(player.ask(add(absent)).await.status_code, S::SUCCESS);
    assert_eq!(player.ask(add(absent)).await.status_code, S::DB_ERROR);
    let remove = |account| RemoveFromBuddyListRequest { account_id: account, ..Default::default() };
    assert_eq!(player.ask(remove(absent)).await.status_code, S::SUCCESS);
    assert_eq!(player.ask(remove(absent)).await.status_code, S::DB_ERROR);
    assert_empty(&player.list(GetBuddyListRequest::default()).await);
    assert!(stored(&host, ListKind::Buddies, player.account).await.is_empty());
    let mut stranger = host.stranger("Guest").await;
    assert_eq!(stranger.ask(add(absent)).await.status_code, S::PLAYER_NOT_PRIVILEGED);
}

#[tokio::test]
async fn a_buddy_list_has_a_limit() {
    let title = "name = \"T\"\n[[app]]\nid = 11184\n[[channel]]\nname = \"A\"\n[limits]\nmax_buddies = 1\nmax_ignored = 1\n";
    let host = Host::with(title).await;
    let (a, b) = (host.account("A").await, host.account("B").await);
    let mut player = host.player("Badger41").await;
    assert_eq!(player.ask(add(a)).await.status_code, S::SUCCESS);
    assert_eq!(player.ask(add(b)).await.status_code, S::DB_ERROR);
    let ignore = |account| AddToIgnoreListRequest { ignore_account_id: account, ..Default::default() };
    assert_eq!(player.ask(ignore(a)).await.status_code, S::SUCCESS);
    assert_eq!(player.ask(ignore(b)).await.status_code, S::DB_ERROR);
}

#[tokio::test]
async fn the_lists_are_there_again_at_the_next_login() {
    let host = Host::start().await;
    let absent = host.account("Absent").await;
    let mut player = host.player("Badger41").await;
    player.ask(add(absent)).await;
    let ignore = AddToIgnoreListRequest { ignore_account_id: absent, ..Default::default() };
    player.ask(ignore).await;
    let account = player.account;
    assert_eq!(
        player
            .ask(AccountLogoutRequest { session_key: player.session, ..Default::default() })
            .await
            .status_code,
        S::SUCCESS
    );
    let mut again = host.log_in(account, "Badger41", 110, APP).await;
    assert_eq!(again.list(GetBuddyListRequest::default()).await[0].account_id, absent);
    let ignored = again.list(GetIgnoreListRequest::default()).await;
    assert_eq!((ignored[0].ignore_account_id, ignored[0].ignore_account_name), (absent, Text::new("Absent")));
    assert_eq!(ignored[0].player_status, PlayerStatus::PLAYER_DISCONNECTED);
}

#[tokio::test]
async fn the_ignore_list_refuses_as_the_buddy_list_does() {
    let host = Host::start().await;
    let absent = host.account("Absent").await;
    let mut player = host.player("Badger41").await;
    assert_empty(&player.list(GetIgnoreListRequest::default()).await);
    let ignore = |account| AddToIgnoreListRequest { ignore_account_id: account, ..Default::default() };
    for (account, status) in [
        (player.account, S::DB_ERROR),
        (AccountId(4711), S::DB_ERROR),
        (absent, S::SUCCESS),
        (absent, S::DB_ERROR),
    ] {
        assert_eq!(player.ask(ignore(account)).await.status_code, status, "{account}");
    }
    assert_eq!(stored(&host, ListKind::Ignored, player.account).await, [absent.0]);
    let stop = |account| RemoveFromIgnoreListRequest { ignore_account_id: account, ..Default::default() };
    assert_eq!(player.ask(stop(absent)).await.status_code, S::SUCCESS);
    assert_eq!(player.ask(stop(absent)).await.status_code, S::DB_ERROR);
    let foreign = GetIgnoreListRequest { session_key: Text::new("1"), ..Default::default() };
    assert_eq!(player.list(foreign).await[0].status_code, S::SESSION_KEY_INVALID);
}

fn name_list(names: &[&str]) -> Vec<LengthPrefixedName> {
    names.iter().map(LengthPrefixedName::new).collect()
}

#[tokio::test]
async fn a_friends_list_of_names_replaces_the_sessions_list() {
    let host = Host::start().await;
    let (a, b) = (host.account("Absent").await, host.account("Busy").await);
    let mut player = host.player_of("Badger41", 113, APP).await;
    player.ask(add(b)).await;
    let set = |names: &[&str]| BuddySetListRequest {
        num_entries: names.len().try_into().expect("few"),
        list: name_list(names),
        ..Default::default()
    };
    assert_eq!(player.ask(set(&["absent", "Nobody"])).await.status_code, S::SUCCESS);
    let rows = player.list(GetBuddyListRequest::default()).await;
    let seen: Vec<_> = rows.iter().map(|row| (row.account_id, row.account_name)).collect();
    let nobody = (AccountId(-1), Text::new("Nobody"));
    assert_eq!(seen, [(a, Text::new("Absent")), nobody]);
    assert_eq!(rows[1].player_status, PlayerStatus::PLAYER_DISCONNECTED);
    let rows = player.list(GetBuddyList_ExtraInfoRequest::default()).await;
    let seen: Vec<_> = rows.iter().map(|row| (row.account_id, row.account_name)).collect();
    assert_eq!(seen, [(a, Text::new("Absent")), nobody]);
    assert_eq!(rows[1].online_state, PlayerOnlineState::default());
    // The stored list is another one.
    assert_eq!(stored(&host, ListKind::Buddies, player.account).await, [b.0]);
    assert_eq!(player.ask(set(&["Nobody", "Nobody"])).await.status_code, S::SUCCESS);
    assert_eq!(player.list(GetBuddyListRequest::default()).await.len(), 1);
    assert_eq!(player.ask(set(&[])).await.status_code, S::NO_RESULT);
    assert_empty(&player.list(GetBuddyListRequest::default()).await);

    let names = ["Nobody", "Busy"];
    let ignore = IgnoreSetListRequest { num_entries: 2, list: name_list(&names), ..Default::default() };
    assert_eq!(player.ask(ignore).await.status_code, S::SUCCESS);
    let rows = player.list(GetIgnoreListRequest::default()).await;
    assert_eq!(rows.iter().map(|row| row.ignore_account_id).collect::<Vec<_>>(), [b, AccountId(-1)]);
    assert_eq!(player.ask(IgnoreSetListRequest::default()).await.status_code, S::NO_RESULT);
    assert_empty(&player.list(GetIgnoreListRequest::default()).await);
}

fn invite(target: AccountId, add_type: BuddyAddType) -> AddToBuddyListConfirmationRequest {
    AddToBuddyListConfirmationRequest { target_account_id: target, add_type, ..Default::default() }
}

fn answer(originator: AccountId, status_code: S) -> AddToBuddyListFwdConfirmationResponse {
    AddToBuddyListFwdConfirmationResponse {
        status_code,
        originator_account_id: originator,
        ..Default::default()
    }
}

#[tokio::test]
async fn an_accepted_invitation_makes_both_buddies() {
    let host = Host::start().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    player.send(invite(other.account, BuddyAddType::SYMMETRIC)).await;
    assert_eq!(player.settle().await, Vec::<&str>::new(), "the answer is the other player's");
    let asked: AddToBuddyListFwdConfirmationRequest = other.expect().await;
    assert_eq!(
        (asked.originator_account_id, asked.originator_account_name),
        (player.account, Text::new("Badger41"))
    );
    assert_eq!(asked.add_type, BuddyAddType::SYMMETRIC);
    let waiting = other.list(GetBuddyInvitationsRequest::default()).await;
    assert_eq!((waiting.len(), waiting[0].account_id), (1, player.account));
    assert_eq!(
        (waiting[0].account_name, waiting[0].add_type),
        (Text::new("Badger41"), BuddyAddType::SYMMETRIC)
    );
    other.send(answer(player.account, S::REQUEST_ACCEPTED)).await;
    let told: AddToBuddyListConfirmationResponse = player.expect().await;
    assert_eq!((told.status_code, told.target_account_id), (S::REQUEST_ACCEPTED, other.account));
    assert_eq!(told.target_account_name, "Otter");
    assert_eq!(player.list(GetBuddyListRequest::default()).await[0].account_id, other.account);
    assert_eq!(other.list(GetBuddyListRequest::default()).await[0].account_id, player.account);
    assert_empty(&other.list(GetBuddyInvitationsRequest::default()).await);
    assert_eq!(other.settle().await, Vec::<&str>::new(), "the answer to an invitation is not answered");
}

#[tokio::test]
async fn a_denied_invitation_leaves_no_buddies_and_an_uninvited_yes_none_either() {
    let host = Host::start().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    other.send(answer(player.account, S::REQUEST_ACCEPTED)).await;
    other.settle().await;
    assert_empty(&player.list(GetBuddyListRequest::default()).await);
    player.send(invite(other.account, BuddyAddType::SINGLE)).await;
    let _: AddToBuddyListFwdConfirmationRequest = other.expect().await;
    other.send(answer(player.account, S::REQUEST_DENIED)).await;
    let told: AddToBuddyListConfirmationResponse = player.expect().await;
    assert_eq!((told.status_code, told.target_account_id), (S::REQUEST_DENIED, other.account));
    assert_empty(&player.list(GetBuddyListRequest::default()).await);
    assert_empty(&other.list(GetBuddyInvitationsRequest::default()).await);
}

#[tokio::test]
async fn an_invitation_waits_for_who_is_offline() {
    let host = Host::start().await;
    let absent = host.account("Absent").await;
    let mut player = host.player("Badger41").await;
    player.send(invite(absent, BuddyAddType::SINGLE)).await;
    player.settle().await;
    let (title, id) = (host.title.clone(), medley_store::AccountId::new(absent.0).expect("an account"));
    loop {
        let title = title.clone();
        let kept = host.store.read(move |store| store.invitations(&title, id)).await.expect("invitations");
        if !kept.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let mut other = host.log_in(absent, "Absent", 110, APP).await;
    let waiting = other.list(GetBuddyInvitationsRequest::default()).await;
    assert_eq!(waiting[0].account_id, player.account);
    other.send(answer(player.account, S::REQUEST_ACCEPTED)).await;
    let told: AddToBuddyListConfirmationResponse = player.expect().await;
    assert_eq!(told.target_account_id, absent);
    assert_empty(&other.list(GetBuddyListRequest::default()).await);
}

#[tokio::test]
async fn an_invitation_that_cannot_be_is_refused_at_once() {
    let host = Host::start().await;
    let absent = host.account("Absent").await;
    let mut player = host.player("Badger41").await;
    player.ask(add(absent)).await;
    for (target, status) in [
        (AccountId(4711), S::ACCOUNT_NOT_FOUND),
        (AccountId(-1), S::ACCOUNT_NOT_FOUND),
        (player.account, S::DB_ERROR),
        (absent, S::DB_ERROR),
    ] {
        let refused = player.ask(invite(target, BuddyAddType::SINGLE)).await;
        assert_eq!((refused.status_code, refused.target_account_id), (status, target));
    }
    assert_empty(&player.list(GetBuddyInvitationsRequest::default()).await);
}

#[tokio::test]
async fn before_the_login_the_buddy_list_is_not_answered_as_captured() {
    let host = Host::start().await;
    let mut mas = host.mas(110, APP).await;
    mas.send(GetBuddyList_ExtraInfoRequest::default()).await;
    // The session begins all the same, and its answer is the first thing that comes.
    mas.ask(SessionBeginRequest::default()).await;
    assert_empty(&mas.list(GetIgnoreListRequest::default()).await);
    assert_empty(&mas.list(GetMyClansRequest::default()).await);
    assert_eq!(mas.settle().await, Vec::<&str>::new());
}
