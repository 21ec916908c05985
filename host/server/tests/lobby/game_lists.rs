use medley_wire::MediusWorldId;
use medley_wire::enums::{
    CallbackStatus as S, ComparisonOperator as Op, GameListFilterField as Field, GameListSortDirection,
    WorldStatus,
};
use medley_wire::messages::*;
use medley_wire::types::{Blob, Text};

use crate::harness::{APP, Dme, Host, Player, assert_empty, game};
use crate::reports::staging;

fn all_games() -> GameList_ExtraInfoRequest {
    GameList_ExtraInfoRequest { page_id: 1, page_size: 100, ..Default::default() }
}

async fn names(player: &mut Player) -> Vec<String> {
    let rows = player.list(all_games()).await;
    rows.iter().filter(|row| row.status_code == S::SUCCESS).map(|row| row.game_name.to_string()).collect()
}

/// A game with its host in it, as its host reports it.
async fn running(host: &Host, dme: &Dme, player: &mut Player, report: WorldReport) -> MediusWorldId {
    let name = report.game_name.to_string();
    let (id, _) = player.host_game(dme, &name).await;
    host.until("in the game", move |state| state.game(id).is_some_and(|game| game.player_count() == 1)).await;
    player.send(WorldReport { medius_world_id: id, ..report }).await;
    player.settle().await;
    id
}

fn report(name: &str, game_level: i32, player_skill_level: i32) -> WorldReport {
    WorldReport { game_name: Text::new(name), game_level, player_skill_level, ..staging(MediusWorldId(0)) }
}

#[tokio::test]
async fn lists_without_games_are_one_row_of_no_result() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    assert_empty(&player.list(all_games()).await);
    assert_empty(
        &player.list(GameList_ExtraInfoRequest0 { page_id: 1, page_size: 9, ..Default::default() }).await,
    );
    assert_empty(&player.list(GameListRequest { page_id: 1, page_size: 9, ..Default::default() }).await);
    let total = player.ask(UtilGetTotalGamesFilteredRequest::default()).await;
    assert_eq!((total.status_code, total.total), (S::SUCCESS, 0));
}

#[tokio::test]
async fn a_game_is_listed_once_its_host_has_reported() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let pending = other.ask(game("Pending")).await;
    assert_eq!(pending.status_code, S::SUCCESS);
    let stats = Blob::new(&[3; 256]);
    let told = WorldReport { generic_field4: 4, rules_set: 2, game_stats: stats, ..report("Dome", 1861, 5) };
    let id = running(&host, &dme, &mut player, told).await;

    let rows = other.list(all_games()).await;
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!((row.medius_world_id, row.game_name, row.player_count), (id, Text::new("Dome"), 1));
    assert_eq!((row.min_players, row.max_players, row.game_level), (1, 8, 1861));
    assert_eq!((row.player_skill_level, row.rules_set, row.generic_field4), (5, 2, 4));
    assert_eq!((row.world_status, row.game_host_type.0, row.game_stats), (WorldStatus::STAGING, 4, stats));
    let form0 = GameList_ExtraInfoRequest0 { page_id: 1, page_size: 9, ..Default::default() };
    let rows = other.list(form0).await;
    assert_eq!((rows.len(), rows[0].medius_world_id, rows[0].game_stats), (1, id, stats));
    let plain = GameListRequest { page_id: 1, page_size: 9, ..Default::default() };
    let rows = other.list(plain).await;
    assert_eq!((rows.len(), rows[0].medius_world_id, rows[0].player_count), (1, id, 1));
    assert_eq!((rows[0].world_status, rows[0].game_host_type.0), (WorldStatus::STAGING, 4));
    assert_empty(&other.list(GameList_ExtraInfoRequest { page_id: 2, ..all_games() }).await);
}

fn filter0(field: Field, operator: Op, baseline: i32) -> SetGameListFilterRequest0 {
    SetGameListFilterRequest0 {
        filter_field: field,
        comparison_operator: operator,
        baseline_value: baseline,
        ..Default::default()
    }
}

fn filter(field: Field, mask: u32, operator: Op, baseline: i32) -> SetGameListFilterRequest {
    SetGameListFilterRequest {
        filter_field: field,
        mask: mask.cast_signed(),
        comparison_operator: operator,
        baseline_value: baseline,
        ..Default::default()
    }
}

#[tokio::test]
async fn all_filters_must_hold_with_the_field_on_the_left() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let (mut a, mut b, mut other) =
        (host.player("A").await, host.player("B").await, host.player_of("Otter", 108, APP).await);
    running(&host, &dme, &mut a, report("Low", 1861, 0x0400_0000)).await;
    running(&host, &dme, &mut b, report("High", 1861, 0x0800_0000)).await;
    let cleared = |field: Field| ClearGameListFilterRequest0 {
        filter_id: field.0.cast_unsigned(),
        ..Default::default()
    };
    // The captured sequence of UYA: 6 was never set, 4 and 5 are set by field and cleared by field.
    assert_eq!(other.ask(cleared(Field::RULES_SET)).await.status_code, S::FILTER_NOT_FOUND);
    let answer = other.ask(filter0(Field::GAME_LEVEL, Op::EQUAL_TO, 1861)).await;
    assert_eq!((answer.status_code, answer.filter_id), (S::SUCCESS, None));
    assert_eq!(names(&mut other).await, ["Low", "High"]);
    other.ask(filter0(Field::PLAYER_SKILL_LEVEL, Op::LESS_THAN, 0x0800_0000)).await;
    assert_eq!(names(&mut other).await, ["Low"]);
    assert_eq!(other.ask(UtilGetTotalGamesFilteredRequest::default()).await.total, 1);
    // Set anew, the field's filter is replaced.
    other.ask(filter0(Field::GAME_LEVEL, Op::EQUAL_TO, 68_459)).await;
    assert_empty(&other.list(all_games()).await);
    assert_eq!(other.ask(cleared(Field::GAME_LEVEL)).await.status_code, S::SUCCESS);
    assert_eq!(other.ask(cleared(Field::GAME_LEVEL)).await.status_code, S::FILTER_NOT_FOUND);
    assert_eq!(names(&mut other).await, ["Low"]);
}

#[tokio::test]
async fn every_operator_compares_the_masked_field() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let (mut player, mut other) = (host.player("A").await, host.player("Otter").await);
    running(&host, &dme, &mut player, report("Dome", 0x35, 0)).await;
    for (operator, below, at, above) in [
        (Op::LESS_THAN, false, false, true),
        (Op::LESS_THAN_OR_EQUAL_TO, false, true, true),
        (Op::EQUAL_TO, false, true, false),
        (Op::GREATER_THAN_OR_EQUAL_TO, true, true, false),
        (Op::GREATER_THAN, true, false, false),
        (Op::NOT_EQUALS, true, false, true),
    ] {
        for (baseline, listed) in [(4, below), (5, at), (6, above)] {
            let id = other.ask(filter(Field::GAME_LEVEL, 0x0f, operator, baseline)).await.filter_id;
            assert_eq!(!names(&mut other).await.is_empty(), listed, "0x35 & 0xf {operator:?} {baseline}");
            let clear = ClearGameListFilterRequest { filter_id: id, ..Default::default() };
            assert_eq!(other.ask(clear.clone()).await.status_code, S::SUCCESS);
            assert_eq!(other.ask(clear).await.status_code, S::FILTER_NOT_FOUND);
        }
    }
}

#[tokio::test]
async fn filters_are_listed_and_none_is_a_row_of_zeros() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    let rows = player.list(GetGameListFilterRequest::default()).await;
    assert_empty(&rows);
    assert_eq!(
        (rows[0].filter_id, rows[0].filter_field.0, rows[0].mask, rows[0].baseline_value),
        (0, 0, 0, 0)
    );
    let first = player.ask(filter(Field::MAX_PLAYERS, 0xff, Op::GREATER_THAN, 4)).await;
    let second = player.ask(filter(Field::MAX_PLAYERS, u32::MAX, Op::LESS_THAN, 9)).await;
    assert_ne!(first.filter_id, second.filter_id);
    let rows = player.list(GetGameListFilterRequest::default()).await;
    let row = |row: &GetGameListFilterResponse| {
        (row.filter_id, row.mask, row.comparison_operator, row.baseline_value)
    };
    assert_eq!(
        rows.iter().map(row).collect::<Vec<_>>(),
        [(first.filter_id, 0xff, Op::GREATER_THAN, 4), (second.filter_id, -1, Op::LESS_THAN, 9)]
    );
}

#[tokio::test]
async fn one_app_reads_its_filters_by_the_older_answer() {
    let host = Host::start().await;
    let mut player = host.player_of("Badger41", 110, 10_984).await;
    player.send(GetGameListFilterRequest::default()).await;
    assert_empty(&[player.expect::<GetGameListFilterResponse0>().await]);
    player.ask(filter0(Field::MAX_PLAYERS, Op::GREATER_THAN, 4)).await;
    player.send(GetGameListFilterRequest::default()).await;
    let row: GetGameListFilterResponse0 = player.expect().await;
    assert_eq!(
        (row.filter_field, row.baseline_value, row.end_of_list.is_set()),
        (Field::MAX_PLAYERS, 4, true)
    );
}

#[tokio::test]
async fn filters_of_unknown_fields_and_too_many_are_refused() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    let unknown = player.ask(filter(Field(99), u32::MAX, Op::EQUAL_TO, 0)).await;
    assert_eq!(unknown.status_code, S::SET_GAME_LIST_FILTER_FAILED);
    let unknown = player.ask(filter0(Field::GAME_LEVEL, Op(77), 0)).await;
    assert_eq!(unknown.status_code, S::SET_GAME_LIST_FILTER_FAILED);
    for baseline in 0..32 {
        let set = player.ask(filter(Field::GAME_LEVEL, u32::MAX, Op::NOT_EQUALS, baseline)).await;
        assert_eq!(set.status_code, S::SUCCESS);
    }
    let surplus = player.ask(filter(Field::GAME_LEVEL, u32::MAX, Op::NOT_EQUALS, 32)).await;
    assert_eq!(surplus.status_code, S::NUM_FILTERS_AT_MAX);
    let foreign = GetGameListFilterRequest { session_key: Text::new("1"), ..Default::default() };
    assert_eq!(player.ask(foreign).await.status_code, S::SESSION_KEY_INVALID);
}

#[tokio::test]
async fn a_sort_criterion_orders_the_list() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let (mut a, mut b, mut other) =
        (host.player("A").await, host.player("B").await, host.player("Otter").await);
    running(&host, &dme, &mut a, report("First", 1, 0)).await;
    running(&host, &dme, &mut b, report("Second", 2, 0)).await;
    assert_eq!(names(&mut other).await, ["First", "Second"]);
    let sort = SetGameListSortRequest {
        sort_priority: 1,
        sort_field: Field::GAME_LEVEL,
        mask: -1,
        sort_direction: GameListSortDirection::DESCENDING,
        ..Default::default()
    };
    assert_eq!(other.ask(sort.clone()).await.status_code, S::SUCCESS);
    assert_eq!(names(&mut other).await, ["Second", "First"]);
    let unknown = SetGameListSortRequest { sort_field: Field(99), ..sort.clone() };
    assert_eq!(other.ask(unknown).await.status_code, S::GAME_LIST_SORT_OPERATION_FAILED);
    for priority in 2..9 {
        other.ask(SetGameListSortRequest { sort_priority: priority, ..sort.clone() }).await;
    }
    let surplus = SetGameListSortRequest { sort_priority: 9, ..sort };
    assert_eq!(other.ask(surplus).await.status_code, S::NUM_SORT_CRITERIA_AT_MAX);
}

#[tokio::test]
async fn an_unknown_game_has_no_info_and_no_players() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    let id = MediusWorldId(4711);
    let info = GameInfoRequest { medius_world_id: id, ..Default::default() };
    assert_eq!(player.ask(info).await.status_code, S::GAME_NOT_FOUND);
    let info = GameInfoRequest0 { medius_world_id: id, ..Default::default() };
    assert_eq!(player.ask(info).await.status_code, S::GAME_NOT_FOUND);
    let list = GameWorldPlayerListRequest { medius_world_id: id, ..Default::default() };
    let rows = player.list(list).await;
    assert_eq!((rows.len(), rows[0].status_code), (1, S::GAME_NOT_FOUND));
}

#[tokio::test]
async fn the_players_of_a_game_are_those_who_are_connected() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let id = player.ask(game("Battledome")).await.medius_world_id;
    let list = GameWorldPlayerListRequest { medius_world_id: id, ..Default::default() };
    assert_empty(&player.list(list.clone()).await);
    player.enter_game(&dme, id).await;
    other.enter_game(&dme, id).await;
    host.until("both", move |state| state.game(id).is_some_and(|game| game.player_count() == 2)).await;
    let rows = other.list(list).await;
    let row = |row: &GameWorldPlayerListResponse| (row.account_id, row.account_name.to_string());
    assert_eq!(
        rows.iter().map(row).collect::<Vec<_>>(),
        [(player.account, "Badger41".to_owned()), (other.account, "Otter".to_owned())]
    );
}
