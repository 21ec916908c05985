//! Parties of PS3 titles: making, joining, places, leaving.

use medley_wire::enums::{CallbackStatus as S, GameHostType, NetConnectionType, PlayerStatus, UserAction};
use medley_wire::messages::*;
use medley_wire::types::{MediusWorldId, Text};

use crate::harness::{APP, Behaviour, DME, DME_KEY, Dme, Host, Player};

fn party(name: &str) -> PartyCreateRequest {
    PartyCreateRequest {
        min_players: 1,
        max_players: 3,
        party_name: Text::new(name),
        party_password: Text::new("sesame"),
        party_host_type: GameHostType::CLIENT_SERVER_AUX_UDP,
        ..Default::default()
    }
}

fn join(party: MediusWorldId) -> PartyJoinRequest {
    PartyJoinRequest {
        medius_world_id: party,
        party_password: Text::new("sesame"),
        party_host_type: GameHostType::CLIENT_SERVER_AUX_UDP,
        ..Default::default()
    }
}

fn join_at(party: MediusWorldId, party_index: i32) -> PartyJoinByIndexRequest {
    PartyJoinByIndexRequest {
        medius_world_id: party,
        party_password: Text::new("sesame"),
        party_host_type: GameHostType::CLIENT_SERVER_AUX_UDP,
        party_index,
        ..Default::default()
    }
}

async fn players<const N: usize>(host: &Host) -> [Player; N] {
    let mut players = Vec::new();
    for number in 0..N {
        players.push(host.player_of(&format!("Player{number}"), 113, APP).await);
    }
    players.try_into().ok().expect("as many")
}

/// Makes a party and is connected to its world; the party and the world.
async fn found(leader: &mut Player, dme: &Dme) -> (MediusWorldId, i32) {
    let made = leader.ask(party("Us")).await;
    assert_eq!(made.status_code, S::SUCCESS);
    let joined = leader.ask(join(made.medius_world_id)).await;
    assert_eq!(joined.status_code, S::SUCCESS);
    let world = joined.connection_info.world_id.0;
    dme.player(world, leader, true);
    (made.medius_world_id, world)
}

#[tokio::test]
async fn a_party_is_made_and_its_answer_shows_the_way_to_the_relay() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let [mut leader, mut second] = players(&host).await;
    let (id, world) = found(&mut leader, &dme).await;
    let joined = second.ask(join_at(id, 2)).await;
    assert_eq!((joined.status_code, joined.party_index), (S::SUCCESS, 2));
    assert_eq!(joined.party_host_type, GameHostType::CLIENT_SERVER_AUX_UDP);
    let info = &joined.connection_info;
    assert_eq!(
        (info.connection_type, info.world_id.0),
        (NetConnectionType::CLIENT_SERVER_TCP_AUX_UDP, world)
    );
    assert_eq!(info.address_list.address_list[0].ip(), Some(DME.0));
    assert_eq!((info.session_key, info.access_key), (second.session, Text::new(DME_KEY)));
    dme.player(world, &second, true);
    host.until("both are in it", move |state| state.party(id).is_some_and(|party| party.player_count() == 2))
        .await;
    // Nobody's status is that of a game, and no list has it.
    let info = PlayerInfoRequest { account_id: second.account, ..Default::default() };
    assert_eq!(leader.ask(info).await.player_status, PlayerStatus::PLAYER_IN_CHAT_WORLD);
    let game = GameInfoRequest { medius_world_id: id, ..Default::default() };
    assert_eq!(leader.ask(game).await.status_code, S::GAME_NOT_FOUND);
}

#[tokio::test]
async fn a_party_is_left_by_word_and_by_the_relays() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let [mut leader, mut second] = players(&host).await;
    let (id, world) = found(&mut leader, &dme).await;
    assert_eq!(second.ask(join(id)).await.status_code, S::SUCCESS);
    dme.player(world, &second, true);
    host.until("both are in it", move |state| state.party(id).is_some_and(|party| party.player_count() == 2))
        .await;
    leader.send(UpdateUserState { user_action: UserAction::LEFT_PARTY_WORLD, ..Default::default() }).await;
    host.until("the other one leads", move |state| {
        state.party(id).is_some_and(|party| party.members.len() == 1 && party.host.is_some())
    })
    .await;
    dme.player(world, &second, false);
    host.until("it is over", move |state| state.party(id).is_none()).await;
}

#[tokio::test]
async fn a_member_reports_its_place_without_an_answer() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let [mut leader, mut stranger] = players(&host).await;
    let (id, _) = found(&mut leader, &dme).await;
    let report = PartyPlayerReport { medius_world_id: id, party_index: 1, ..Default::default() };
    leader.send(report.clone()).await;
    stranger.send(PartyPlayerReport { party_index: 2, ..report }).await;
    leader.settle().await;
    assert!(stranger.settle().await.is_empty());
    host.until("its place is another", move |state| {
        state.party(id).is_some_and(|party| {
            party.members.values().map(|member| member.party_index).collect::<Vec<_>>() == [Some(1)]
        })
    })
    .await;
}

#[tokio::test]
async fn joins_of_parties_are_refused_with_their_statuses() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let [mut leader, mut second, mut third] = players(&host).await;
    let (id, _) = found(&mut leader, &dme).await;
    let game = leader.host_game(&dme, "Match").await.0;
    for (status, request) in [
        (S::GAME_NOT_FOUND, join(MediusWorldId(4711))),
        (S::GAME_NOT_FOUND, join(game)),
        (S::INVALID_PASSWORD, PartyJoinRequest { party_password: Text::new("x"), ..join(id) }),
        (S::REQUEST_DENIED, PartyJoinRequest { party_host_type: GameHostType::PEER_TO_PEER, ..join(id) }),
        (S::SESSION_KEY_INVALID, PartyJoinRequest { session_key: Text::new("1"), ..join(id) }),
    ] {
        assert_eq!(second.ask(request).await.status_code, status);
    }
    for (status, request) in [
        (S::GAME_NOT_FOUND, join_at(MediusWorldId(4711), 0)),
        (S::WORLD_IS_FULL, join_at(id, 0)),
        (S::WORLD_IS_FULL, join_at(id, 3)),
        (S::SESSION_KEY_INVALID, PartyJoinByIndexRequest { session_key: Text::new("1"), ..join_at(id, 1) }),
    ] {
        assert_eq!(second.ask(request).await.status_code, status);
    }
    assert_eq!(second.ask(join_at(id, -1)).await.party_index, 1);
    assert_eq!(third.ask(join(id)).await.status_code, S::SUCCESS);
    let mut fourth = host.player_of("Fourth", 113, APP).await;
    assert_eq!(fourth.ask(join(id)).await.status_code, S::WORLD_IS_FULL);
}

#[tokio::test]
async fn parties_are_refused_for_their_names_and_without_a_relay() {
    let host = Host::start().await;
    let [mut leader] = players(&host).await;
    let refused = leader.ask(party("Us")).await;
    assert_eq!((refused.status_code, refused.medius_world_id), (S::EXCEEDS_MAX_WORLDS, MediusWorldId(-1)));
    let dme = host.dme_that(Behaviour { refuses_creation: true, ..Behaviour::default() }).await;
    assert_eq!(leader.ask(party("Us")).await.status_code, S::FAIL);
    assert_eq!(leader.ask(party("darn it")).await.status_code, S::FAIL);
    let wrong = PartyCreateRequest { session_key: Text::new("1"), ..party("Us") };
    assert_eq!(leader.ask(wrong).await.status_code, S::SESSION_KEY_INVALID);
    drop(dme);
}
