use medley_wire::enums::{CallbackStatus as S, LadderType, PlayerStatus, SortOrder};

use medley_wire::messages::*;
use medley_wire::types::{Blob, Text};
use medley_wire::{AccountId, ClanId};

use crate::harness::{Host, Player, assert_empty};

fn wide(at: usize, value: i32) -> UpdateLadderStatsWideRequest {
    let mut stats = [0; 100];
    stats[at] = value;
    UpdateLadderStatsWideRequest { stats, ..Default::default() }
}

fn page(index: i32, start: u32, size: u32) -> LadderList_ExtraInfoRequest {
    LadderList_ExtraInfoRequest {
        ladder_stat_index: index,
        start_position: start,
        page_size: size,
        ..Default::default()
    }
}

fn place(account: AccountId, index: i32) -> LadderPosition_ExtraInfoRequest {
    LadderPosition_ExtraInfoRequest { account_id: account, ladder_stat_index: index, ..Default::default() }
}

/// Three players and one who never came: accounts 1 to 4, with 0, 50, 7 and 7.
async fn four() -> (Host, [Player; 3], AccountId) {
    let host = Host::start().await;
    let absent = host.account("Absent").await;
    let mut players = [host.player("Badger41").await, host.player("Otter").await, host.player("Heron").await];
    for (player, value) in players.iter_mut().zip([50, 7, 7]) {
        assert_eq!(player.ask(wide(3, value)).await.status_code, S::SUCCESS);
    }
    (host, players, absent)
}

#[tokio::test]
async fn a_ladder_list_has_every_account_from_the_highest() {
    let (_host, [mut badger, otter, heron], absent) = four().await;
    let blob = AccountUpdateStatsRequest { stats: Blob::new(&[9; 256]), ..Default::default() };
    assert_eq!(badger.ask(blob).await.status_code, S::SUCCESS);
    let rows = badger.list(page(3, 1, 10)).await;
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.status_code, row.account_id, row.ladder_position, row.ladder_stat))
        .collect();
    assert_eq!(
        seen,
        [
            (S::SUCCESS, badger.account, 1, 50),
            (S::SUCCESS, otter.account, 2, 7),
            (S::SUCCESS, heron.account, 3, 7),
            (S::SUCCESS, absent, 4, 0),
        ]
    );
    assert_eq!((rows[0].account_name, rows[0].account_stats), (Text::new("Badger41"), Blob([9; 256])));
    assert_eq!(rows[0].online_state.connect_status, PlayerStatus::PLAYER_IN_CHAT_WORLD);
    assert_eq!(rows[0].online_state.medius_lobby_world_id, badger.channel);
    assert_eq!(
        (rows[3].account_name, &rows[3].online_state),
        (Text::new("Absent"), &PlayerOnlineState::default())
    );
    // The older class asks for the same.
    let old = LadderList_ExtraInfoRequest0 {
        ladder_stat_index: 3,
        start_position: 1,
        page_size: 10,
        ..Default::default()
    };
    assert_eq!(
        badger.list(old).await,
        rows.into_iter()
            .map(|mut row| {
                row.message_id = "29269.7".into();
                row
            })
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn pages_of_a_ladder_start_at_a_position_from_one() {
    let (_host, [mut badger, ..], absent) = four().await;
    for (start, size, positions) in [
        (0, 2, vec![1, 2]),
        (1, 2, vec![1, 2]),
        (2, 2, vec![2, 3]),
        (4, 9, vec![4]),
        (1, u32::MAX, vec![1, 2, 3, 4]),
    ] {
        let rows = badger.list(page(3, start, size)).await;
        assert_eq!(
            rows.iter().map(|row| row.ladder_position).collect::<Vec<_>>(),
            positions,
            "{start} {size}"
        );
    }
    for (index, start, size) in [(3, 5, 1), (3, u32::MAX, 1), (3, 1, 0), (100, 1, 1), (-1, 1, 1)] {
        assert_empty(&badger.list(page(index, start, size)).await);
    }
    let reversed = LadderList_ExtraInfoRequest { sort_order: SortOrder::DESCENDING, ..page(3, 1, 1) };
    let lowest = badger.list(reversed).await;
    assert_eq!((lowest[0].account_id, lowest[0].ladder_position), (absent, 1));
    let odd = LadderList_ExtraInfoRequest { sort_order: SortOrder(77), ..page(3, 1, 1) };
    assert_eq!(badger.list(odd).await[0].account_id, badger.account);
}

#[tokio::test]
async fn a_position_moves_with_the_stats() {
    let (host, [mut badger, mut otter, heron], absent) = four().await;
    let mut at = async |account, index| {
        let answer = badger.ask(place(account, index)).await;
        (answer.status_code, answer.ladder_position, answer.total_rankings)
    };
    assert_eq!(at(heron.account, 3).await, (S::SUCCESS, 3, 4));
    assert_eq!(at(absent, 3).await, (S::SUCCESS, 4, 4));
    otter.ask(wide(3, -1)).await;
    assert_eq!(at(heron.account, 3).await, (S::SUCCESS, 2, 4));
    assert_eq!(at(otter.account, 3).await, (S::SUCCESS, 4, 4));
    host.account("Newt").await;
    assert_eq!(at(otter.account, 3).await, (S::SUCCESS, 5, 5));
    // Of a stat that nobody has, everybody by number.
    assert_eq!(at(otter.account, 60).await, (S::SUCCESS, 3, 5));
    for (account, index) in
        [(AccountId(4711), 3), (AccountId(-1), 3), (AccountId(0), 3), (absent, 100), (absent, -1)]
    {
        assert_eq!(at(account, index).await, (S::NO_RESULT, 0, 0));
    }
    let lowest =
        LadderPosition_ExtraInfoRequest { sort_order: SortOrder::DESCENDING, ..place(otter.account, 3) };
    assert_eq!(badger.ask(lowest).await.ladder_position, 1);
}

#[tokio::test]
async fn a_title_with_narrow_stats_is_ranked_by_them() {
    let host = Host::start().await;
    let (mut badger, mut otter) = (host.player("Badger41").await, host.player("Otter").await);
    let mut stats = [0; 15];
    stats[14] = 4;
    otter.ask(UpdateLadderStatsRequest { stats, ..Default::default() }).await;
    let old = LadderList_ExtraInfoRequest0 {
        ladder_stat_index: 14,
        start_position: 1,
        page_size: 1,
        ..Default::default()
    };
    let rows = badger.list(old).await;
    assert_eq!((rows.len(), rows[0].account_id, rows[0].ladder_stat), (1, otter.account, 4));
    assert_eq!(badger.ask(place(badger.account, 14)).await.ladder_position, 2);
    assert_eq!(badger.ask(place(badger.account, 15)).await.ladder_position, 1);
}

#[tokio::test]
async fn the_oldest_ladders_are_of_bytes_of_the_stats_blob() {
    let host = Host::start().await;
    let (mut badger, mut otter) = (host.player("Badger41").await, host.player("Otter").await);
    let mut blob = [0; 256];
    blob[8..12].copy_from_slice(&70_000_i32.to_le_bytes());
    otter.ask(AccountUpdateStatsRequest { stats: Blob(blob), ..Default::default() }).await;
    let list = |start_byte, end_byte| LadderListRequest {
        start_byte,
        end_byte,
        start_position: 1,
        page_size: 5,
        ..Default::default()
    };
    let rows = badger.list(list(8, 11)).await;
    let seen: Vec<_> =
        rows.iter().map(|row| (row.account_id, row.account_name, row.ladder_position)).collect();
    assert_eq!(seen, [(otter.account, Text::new("Otter"), 1), (badger.account, Text::new("Badger41"), 2)]);
    for (start, end) in [(9, 8), (254, 257), (-4, -1), (0, 200), (i32::MIN, i32::MAX)] {
        assert_empty(&badger.list(list(start, end)).await);
    }
    let from = LadderListRequest { start_position: -3, page_size: 1, ..list(8, 11) };
    assert_eq!(badger.list(from).await[0].account_id, otter.account);
    assert_empty(&badger.list(LadderListRequest { page_size: -1, ..list(8, 11) }).await);
    let position = |start_byte, account_id| LadderPositionRequest {
        start_byte,
        end_byte: start_byte + 3,
        account_id,
        ..Default::default()
    };
    let answer = badger.ask(position(8, badger.account)).await;
    assert_eq!((answer.status_code, answer.ladder_position), (S::SUCCESS, 2));
    assert_eq!(badger.ask(position(8, AccountId(4711))).await.status_code, S::NO_RESULT);
    assert_eq!(badger.ask(position(300, badger.account)).await.status_code, S::NO_RESULT);
    let wrong = LadderPositionRequest { session_key: Text::new("1"), ..position(8, badger.account) };
    assert_eq!(badger.ask(wrong).await.status_code, S::SESSION_KEY_INVALID);
    let wrong = LadderListRequest { session_key: Text::new("1"), ..list(8, 11) };
    assert_eq!(badger.list(wrong).await[0].status_code, S::SESSION_KEY_INVALID);
}

fn clans(index: i32, start: i32, size: i32) -> ClanLadderListRequest {
    ClanLadderListRequest {
        clan_ladder_stat_index: index,
        start_position: start,
        page_size: size,
        ..Default::default()
    }
}

fn clan_place(clan_id: ClanId, index: i32) -> ClanLadderPositionRequest {
    ClanLadderPositionRequest { clan_id, clan_ladder_stat_index: index, ..Default::default() }
}

/// Makes a clan with a value at an index.
async fn clan(leader: &mut Player, name: &str, at: usize, value: i32) -> ClanId {
    let made = leader.ask(CreateClanRequest { clan_name: Text::new(name), ..Default::default() }).await;
    assert_eq!(made.status_code, S::SUCCESS);
    let stats = UpdateLadderStatsWideRequest { ladder_type: LadderType::CLAN, ..wide(at, value) };
    assert_eq!(leader.ask(stats).await.status_code, S::SUCCESS);
    made.clan_id
}

#[tokio::test]
async fn a_clan_ladder_has_every_clan_from_the_highest_and_pages_from_one() {
    let (_host, [mut badger, mut otter, mut heron], _) = four().await;
    assert_empty(&badger.list(clans(3, 1, 10)).await);
    let rangers = clan(&mut badger, "Rangers", 3, 7).await;
    let rovers = clan(&mut otter, "Rovers", 3, 50).await;
    let late = clan(&mut heron, "Late", 3, 7).await;
    let rows = badger.list(clans(3, 1, 10)).await;
    let seen: Vec<_> =
        rows.iter().map(|row| (row.status_code, row.clan_id, row.clan_name, row.ladder_position)).collect();
    assert_eq!(
        seen,
        [
            (S::SUCCESS, rovers, Text::new("Rovers"), 1),
            (S::SUCCESS, rangers, Text::new("Rangers"), 2),
            (S::SUCCESS, late, Text::new("Late"), 3),
        ]
    );
    for (start, size, expected) in [(0, 1, vec![rovers]), (-7, 1, vec![rovers]), (2, 9, vec![rangers, late])]
    {
        let rows = badger.list(clans(3, start, size)).await;
        assert_eq!(rows.iter().map(|row| row.clan_id).collect::<Vec<_>>(), expected, "{start} {size}");
    }
    for (index, start, size) in [(3, 4, 1), (3, 1, 0), (3, 1, -1), (100, 1, 1), (-1, 1, 1)] {
        assert_empty(&badger.list(clans(index, start, size)).await);
    }
    let reversed = ClanLadderListRequest { sort_order: SortOrder::DESCENDING, ..clans(3, 1, 1) };
    assert_eq!(badger.list(reversed).await[0].clan_id, late);
}

#[tokio::test]
async fn a_clans_position_moves_with_its_stats_and_ends_with_the_clan() {
    let (_host, [mut badger, mut otter, mut heron], _) = four().await;
    let rangers = clan(&mut badger, "Rangers", 3, 7).await;
    let rovers = clan(&mut otter, "Rovers", 3, 50).await;
    let mut at = async |clan, index| {
        let answer = heron.ask(clan_place(clan, index)).await;
        (answer.status_code, answer.ladder_position, answer.total_rankings)
    };
    assert_eq!(at(rangers, 3).await, (S::SUCCESS, 2, 2));
    let stats = UpdateLadderStatsWideRequest { ladder_type: LadderType::CLAN, ..wide(3, 51) };
    assert_eq!(badger.ask(stats).await.status_code, S::SUCCESS);
    assert_eq!(at(rangers, 3).await, (S::SUCCESS, 1, 2));
    // Of a stat that no clan has, by their numbers.
    assert_eq!(at(rovers, 60).await, (S::SUCCESS, 2, 2));
    let disband = DisbandClanRequest { clan_id: rovers, ..Default::default() };
    assert_eq!(otter.ask(disband).await.status_code, S::SUCCESS);
    assert_eq!(at(rangers, 3).await, (S::SUCCESS, 1, 1));
    for clan in [rovers, ClanId(4711), ClanId(0), ClanId(-2)] {
        assert_eq!(at(clan, 3).await, (S::CLAN_NOT_FOUND, 0, 0));
    }
    assert_eq!(at(ClanId(-1), 3).await, (S::NO_RESULT, 0, 0));
    for index in [100, -1] {
        assert_eq!(at(rangers, index).await, (S::NO_RESULT, 0, 0));
    }
    let rows = heron.list(clans(3, 1, 10)).await;
    assert_eq!(rows.iter().map(|row| row.clan_id).collect::<Vec<_>>(), [rangers]);
}
