//! Matchmaking: supersets, being sent to a game, one's own games for it, parties.

use medley_wire::AnyMessage;
use medley_wire::enums::{AssignedGameType, CallbackStatus as S, GameHostType, JoinType, MatchOptions};
use medley_wire::messages::*;
use medley_wire::types::{Blob, MediusWorldId, Text, VarBytes};

use crate::harness::{APP, Behaviour, Host, Player};

const TITLE: &str = "name = \"Duel\"\n[[app]]\nid = 11184\n[[channel]]\nname = \"A\"\n[text_filter]\nwords = [\"darn\"]\n\
                     [[superset]]\nid = 3\nname = \"Ranked\"\ndescription = \"For keeps\"\nextra_info = \"x\"\n\
                     [[superset]]\nid = 9\nname = \"Friendly\"\n";

fn find(superset: u32) -> MatchFindGameRequest {
    MatchFindGameRequest {
        superset_id: superset,
        player_join_type: JoinType::PLAYER,
        min_players: 1,
        max_players: 4,
        request_data: Blob([7; 16]),
        application_data_size: 3,
        application_data: VarBytes(vec![1, 2, 3]),
        ..Default::default()
    }
}

fn create(superset: u32, name: &str) -> MatchCreateGameRequest {
    MatchCreateGameRequest {
        superset_id: superset,
        min_players: 1,
        max_players: 4,
        game_name: Text::new(name),
        game_password: Text::new("pw"),
        game_host_type: GameHostType::CLIENT_SERVER_AUX_UDP,
        request_data: Blob(*b"sixteen bytes ok"),
        application_data_size: 2,
        application_data: VarBytes(vec![8, 9]),
        ..Default::default()
    }
}

fn party(superset: i32, accounts: Vec<i32>) -> MatchPartyRequest {
    MatchPartyRequest {
        superset_id: superset,
        party_size: accounts.len().try_into().expect("few"),
        min_game_size: 1,
        max_game_size: 8,
        application_data_size: 1,
        party_account_id_list: accounts,
        application_data: VarBytes(vec![5]),
        ..Default::default()
    }
}

async fn player(host: &Host, name: &str) -> Player {
    host.player_of(name, 113, APP).await
}

#[tokio::test]
async fn a_title_tells_its_supersets_or_one_that_stands_for_any() {
    let host = Host::with(TITLE).await;
    let mut badger = player(&host, "Badger41").await;
    let rows = badger.list(MatchGetSupersetListRequest::default()).await;
    let seen: Vec<_> = rows.iter().map(|row| (row.superset_id, row.superset_name)).collect();
    assert_eq!(seen, [(3, Text::new("Ranked")), (9, Text::new("Friendly"))]);
    assert_eq!((rows[0].superset_description, rows[0].extra_info), (Text::new("For keeps"), Text::new("x")));
    let wrong = MatchGetSupersetListRequest { session_key: Text::new("1"), ..Default::default() };
    assert_eq!(badger.list(wrong).await[0].status_code, S::SESSION_KEY_INVALID);
    let plain = Host::start().await;
    let rows = player(&plain, "Badger41").await.list(MatchGetSupersetListRequest::default()).await;
    assert_eq!(
        (rows.len(), rows[0].superset_id, rows[0].superset_name, rows[0].status_code),
        (1, 1, Text::new("Lobby"), S::SUCCESS)
    );
}

#[tokio::test]
async fn who_finds_no_game_gets_one_made_and_the_next_is_sent_to_it() {
    let host = Host::with(TITLE).await;
    let dme = host.dme().await;
    let (mut badger, mut otter) = (player(&host, "Badger41").await, player(&host, "Otter").await);
    assert_eq!(badger.ask(find(3)).await.status_code, S::MATCHING_IN_PROGRESS);
    let assigned: AssignedGameToJoinMessage = badger.expect().await;
    assert_eq!(
        (assigned.status_code, assigned.assigned_game_type, assigned.assigned_game_message_request_data),
        (S::JOIN_ASSIGNED_GAME, AssignedGameType::MMS, Blob([7; 16]))
    );
    assert_eq!((assigned.max_players, assigned.join_type), (Some(4), Some(JoinType::PLAYER)));
    assert_eq!(assigned.app_data, Some(VarBytes(vec![1, 2, 3])));
    let game = MediusWorldId(assigned.game_world_id.expect("a game").cast_signed());
    badger.enter_game(&dme, game).await;
    assert_eq!(otter.ask(find(3)).await.status_code, S::MATCHING_IN_PROGRESS);
    let assigned: AssignedGameToJoinMessage = otter.expect().await;
    assert_eq!(assigned.game_world_id, Some(game.0.cast_unsigned()));
    otter.enter_game(&dme, game).await;
}

#[tokio::test]
async fn looking_for_a_game_is_refused_given_up_or_in_vain() {
    let host = Host::with(TITLE).await;
    let mut badger = player(&host, "Badger41").await;
    for (status, request) in [
        (S::MATCH_SERVER_NOT_FOUND, find(4)),
        (S::REQUEST_DENIED, MatchFindGameRequest { player_join_type: JoinType::SPECTATOR, ..find(3) }),
        (S::SESSION_KEY_INVALID, MatchFindGameRequest { session_key: Text::new("1"), ..find(3) }),
    ] {
        assert_eq!(badger.ask(request).await.status_code, status);
    }
    // No relay.
    assert_eq!(badger.ask(find(3)).await.status_code, S::MATCHING_IN_PROGRESS);
    let assigned: AssignedGameToJoinMessage = badger.expect().await;
    assert_eq!(
        (assigned.status_code, assigned.assigned_game_message_request_data, assigned.game_world_id),
        (S::MATCH_GAME_CREATION_FAILED, Blob([7; 16]), None)
    );
    let _dme = host.dme().await;
    let two = MatchFindGameRequest { min_players: 2, ..find(3) };
    assert_eq!(badger.ask(two).await.status_code, S::MATCHING_IN_PROGRESS);
    let mut cancel = async |superset_id| {
        let request = MatchCancelRequest { message_id: "7".into(), superset_id, ..Default::default() };
        badger.send(request).await;
        let answer = badger.client.expect_raw(4, 0x93).await;
        assert_eq!((answer.len(), &answer[2..4]), (30, &b"7\0"[..]));
        S(i32::from_le_bytes(answer[26..30].try_into().expect("four bytes")))
    };
    assert_eq!(cancel(9).await, S::NO_RESULT);
    assert_eq!(cancel(3).await, S::SUCCESS);
    assert_eq!(cancel(3).await, S::NO_RESULT);
    assert!(badger.settle().await.is_empty());
}

#[tokio::test]
async fn a_search_that_finds_nobody_ends_after_the_titles_patience() {
    let host = Host::with(&format!("{TITLE}[games]\nmatch_wait = 1\n")).await;
    let _dme = host.dme().await;
    let mut badger = player(&host, "Badger41").await;
    let two = MatchFindGameRequest { min_players: 2, ..find(3) };
    assert_eq!(badger.ask(two).await.status_code, S::MATCHING_IN_PROGRESS);
    let assigned: AssignedGameToJoinMessage = badger.expect().await;
    assert_eq!(assigned.status_code, S::NO_RESULT);
}

#[tokio::test]
async fn a_game_made_for_matchmaking_is_found_and_its_data_given_back() {
    let host = Host::with(TITLE).await;
    let mut badger = player(&host, "Badger41").await;
    let refused = badger.ask(create(3, "Duel")).await;
    assert_eq!((refused.status_code, refused.medius_world_id), (S::EXCEEDS_MAX_WORLDS, MediusWorldId(-1)));
    assert_eq!(
        (refused.request_data, refused.application_data.0),
        (Text::full(*b"sixteen bytes ok"), vec![8, 9])
    );
    let dme = host.dme().await;
    for (status, request) in [
        (S::FAIL, create(3, "darn")),
        (S::MATCH_SERVER_NOT_FOUND, create(4, "Duel")),
        (S::SESSION_KEY_INVALID, MatchCreateGameRequest { session_key: Text::new("1"), ..create(3, "Duel") }),
    ] {
        assert_eq!(badger.ask(request).await.status_code, status);
    }
    let created = badger.ask(create(3, "Duel")).await;
    assert_eq!((created.status_code, created.application_data.0), (S::SUCCESS, vec![8, 9]));
    let own = MatchCreateGameRequest { match_options: MatchOptions::CUSTOM_GAME, ..create(9, "Own") };
    assert_eq!(badger.ask(own).await.status_code, S::SUCCESS);
    assert_eq!(badger.ask(create(3, "Duel")).await.status_code, S::GAME_NAME_EXISTS);
    let mut otter = player(&host, "Otter").await;
    otter.ask(find(3)).await;
    let assigned: AssignedGameToJoinMessage = otter.expect().await;
    assert_eq!(
        (assigned.game_world_id, assigned.game_password, assigned.game_name),
        (Some(created.medius_world_id.0.cast_unsigned()), Some(Text::new("pw")), Some(Text::new("Duel")))
    );
    // A custom game is nobody's match: another one is made.
    otter.ask(find(9)).await;
    let assigned: AssignedGameToJoinMessage = otter.expect().await;
    assert_ne!(assigned.game_name, Some(Text::new("Own")));
    drop(dme);
}

#[tokio::test]
async fn a_party_is_sent_to_a_game_with_room_or_told_to_host_one() {
    let host = Host::with(TITLE).await;
    let _dme = host.dme().await;
    let (mut badger, mut otter) = (player(&host, "Badger41").await, player(&host, "Otter").await);
    let us = vec![otter.account.0, 77, 78];
    let told = otter.ask(party(3, us.clone())).await;
    assert_eq!(
        (told.status_code, told.match_game_id, told.application_data_hg),
        (S::MATCH_TYPE_HOST_GAME, Some(0), Some(VarBytes(vec![5])))
    );
    let game = badger.ask(create(3, "Duel")).await.medius_world_id;
    let told = otter.ask(party(3, us)).await;
    assert_eq!(
        (told.status_code, told.game_world_id, told.game_password, told.application_data_jas),
        (S::JOIN_ASSIGNED_GAME, Some(game.0), Some(Text::new("pw")), Some(VarBytes(vec![5])))
    );
    let five = vec![otter.account.0, 77, 78, 79, 80];
    assert_eq!(otter.ask(party(3, five)).await.status_code, S::MATCH_TYPE_HOST_GAME);
    assert_eq!(otter.ask(party(4, Vec::new())).await.status_code, S::MATCH_SERVER_NOT_FOUND);
    let wrong = MatchPartyRequest { session_key: Text::new("1"), ..party(3, Vec::new()) };
    assert_eq!(otter.ask(wrong).await.status_code, S::SESSION_KEY_INVALID);
}

#[tokio::test]
async fn a_game_server_that_refuses_ends_the_search() {
    let host = Host::with(TITLE).await;
    let mut dme = host.dme_that(Behaviour { refuses_creation: true, ..Behaviour::default() }).await;
    let mut badger = player(&host, "Badger41").await;
    badger.ask(find(3)).await;
    assert!(matches!(dme.next().await, AnyMessage::ServerCreateGameWithAttributesRequest(_)));
    let assigned: AssignedGameToJoinMessage = badger.expect().await;
    assert_eq!(assigned.status_code, S::MATCH_GAME_CREATION_FAILED);
}
