use medley_wire::MediusWorldId;
use medley_wire::enums::{CallbackStatus as S, WorldStatus};
use medley_wire::messages::*;
use medley_wire::types::{Blob, Text};

use crate::harness::{Host, game, join};

/// What a host reports first.
pub(crate) fn staging(id: MediusWorldId) -> WorldReport {
    WorldReport {
        medius_world_id: id,
        player_count: 1,
        game_name: Text::new("Battledome"),
        min_players: 1,
        max_players: 8,
        world_status: WorldStatus::STAGING,
        ..Default::default()
    }
}

fn info(id: MediusWorldId) -> GameInfoRequest {
    GameInfoRequest { medius_world_id: id, ..Default::default() }
}

#[tokio::test]
async fn the_hosts_world_report_is_what_others_are_told() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let (id, _) = player.host_game(&dme, "Battledome").await;
    let report = WorldReport {
        game_level: 1861,
        player_skill_level: 0x0400_0000,
        rules_set: 3,
        generic_field1: 40,
        generic_field8: -8,
        game_stats: Blob::new(&[9; 256]),
        max_players: 6,
        ..staging(id)
    };
    player.send(report).await;
    assert_eq!(player.settle().await, Vec::<&str>::new(), "no report is answered");
    let answer = other.ask(info(id)).await;
    assert_eq!((answer.world_status, answer.game_level, answer.rules_set), (WorldStatus::STAGING, 1861, 3));
    assert_eq!((answer.player_skill_level, answer.generic_field1), (0x0400_0000, 40));
    assert_eq!((answer.generic_field8, answer.max_players, answer.game_stats), (-8, 6, Blob([9; 256])));
}

#[tokio::test]
async fn reports_of_others_and_about_other_games_change_nothing() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let (id, _) = player.host_game(&dme, "Battledome").await;
    player.send(staging(id)).await;
    player.settle().await;
    let active = WorldReport { world_status: WorldStatus::ACTIVE, ..staging(id) };
    other.send(active.clone()).await;
    other.send(WorldReport { medius_world_id: MediusWorldId(4711), ..active.clone() }).await;
    other.enter_game(&dme, id).await;
    other.send(active).await;
    other.send(EndGameReport { medius_world_id: id, ..Default::default() }).await;
    assert_eq!(other.settle().await, Vec::<&str>::new());
    assert_eq!(other.ask(info(id)).await.world_status, WorldStatus::STAGING);
}

#[tokio::test]
async fn the_older_world_report_leaves_the_later_generic_fields() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let mut player = host.player("Badger41").await;
    let created = player.ask(CreateGameRequest { generic_field5: 5, ..game("Battledome") }).await;
    let id = created.medius_world_id;
    player.enter_game(&dme, id).await;
    let report = WorldReport0 {
        session_key: player.session,
        medius_world_id: id,
        game_name: Text::new("Battledome"),
        max_players: 8,
        generic_field3: 3,
        world_status: WorldStatus::ACTIVE,
        ..Default::default()
    };
    player.send(WorldReport0 { session_key: Text::new("1"), generic_field3: 7, ..report.clone() }).await;
    player.send(report).await;
    player.settle().await;
    let answer = player.ask(info(id)).await;
    assert_eq!((answer.generic_field3, answer.generic_field5), (3, 5));
    assert_eq!(answer.world_status, WorldStatus::ACTIVE);
}

#[tokio::test]
async fn a_closed_game_does_not_open_again() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let mut player = host.player("Badger41").await;
    let (id, _) = player.host_game(&dme, "Battledome").await;
    player.send(staging(id)).await;
    player.send(WorldReport { world_status: WorldStatus::CLOSED, ..staging(id) }).await;
    player.send(WorldReport { world_status: WorldStatus::ACTIVE, ..staging(id) }).await;
    player.settle().await;
    assert_eq!(player.ask(info(id)).await.world_status, WorldStatus::CLOSED);
    // Its name is free again.
    assert_eq!(player.ask(game("Battledome")).await.status_code, S::SUCCESS);
}

#[tokio::test]
async fn an_end_game_report_closes_the_game_and_is_kept() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let (id, _) = player.host_game(&dme, "Battledome").await;
    player.send(WorldReport { world_status: WorldStatus::ACTIVE, ..staging(id) }).await;
    let end = EndGameReport {
        session_key: player.session,
        medius_world_id: id,
        winning_team: Text::new("Red"),
        winning_player: Text::new("Badger41"),
        final_score: 15,
    };
    player.send(end).await;
    assert_eq!(player.settle().await, Vec::<&str>::new());
    assert_eq!(other.ask(join(id)).await.status_code, S::WORLD_CLOSED);
    let title = host.handle.title("lobby").expect("a title");
    let result =
        title.ask(move |state| state.game(id).and_then(|game| game.result.clone())).await.expect("state");
    assert_eq!(
        result.map(|result| (result.winning_team.to_string(), result.final_score)),
        Some(("Red".to_owned(), 15))
    );
}

#[tokio::test]
async fn stats_of_a_player_report_stand_in_the_games_player_list() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let mut player = host.player("Badger41").await;
    let (id, _) = player.host_game(&dme, "Battledome").await;
    let report =
        |session| PlayerReport { session_key: session, medius_world_id: id, stats: Blob::new(&[5; 256]) };
    player.send(report(player.session)).await;
    player.send(PlayerReport { stats: Blob::new(&[6; 256]), ..report(Text::new("1")) }).await;
    assert_eq!(player.settle().await, Vec::<&str>::new());
    host.until("connected", move |state| state.game(id).is_some_and(|game| game.player_count() == 1)).await;
    let list = GameWorldPlayerListRequest { medius_world_id: id, ..Default::default() };
    assert_eq!(player.list(list).await[0].stats, Blob([5; 256]));
}

#[tokio::test]
async fn a_reassigned_world_id_comes_back_as_it_is_now() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let (id, _) = player.host_game(&dme, "Battledome").await;
    let new = MediusWorldId(90_000);
    let message = ReassignGameMediusWorldID { old_medius_world_id: id, new_medius_world_id: new };
    other.send(message.clone()).await;
    let refused: ReassignGameMediusWorldID = other.expect().await;
    assert_eq!((refused.old_medius_world_id, refused.new_medius_world_id), (id, id));
    host.until("connected", move |state| state.game(id).is_some_and(|game| game.player_count() == 1)).await;
    player.send(message).await;
    let done: ReassignGameMediusWorldID = player.expect().await;
    assert_eq!((done.old_medius_world_id, done.new_medius_world_id), (id, new));
    assert_eq!(other.ask(info(new)).await.game_name, "Battledome");
}
