use medley_wire::ClanId;
use medley_wire::enums::{CallbackStatus as S, LadderType};
use medley_wire::messages::*;
use medley_wire::types::{Blob, Text};

use crate::harness::{Host, assert_empty};

#[tokio::test]
async fn wide_stats_come_back_as_they_were_written() {
    let host = Host::start().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let get = |id| GetLadderStatsWideRequest { account_id_or_clan_id: ClanId(id), ..Default::default() };
    let fresh = player.ask(get(player.account.0)).await;
    assert_eq!((fresh.status_code, fresh.stats), (S::SUCCESS, [0; 100]));
    let mut stats = [0; 100];
    (stats[0], stats[99]) = (i32::MIN, 7);
    let update = UpdateLadderStatsWideRequest { stats, ..Default::default() };
    assert_eq!(player.ask(update.clone()).await.status_code, S::SUCCESS);
    let read = other.ask(get(player.account.0)).await;
    assert_eq!(
        (read.status_code, read.account_id_or_clan_id.0, read.stats),
        (S::SUCCESS, player.account.0, stats)
    );
    for unknown in [4711, -1] {
        let answer = player.ask(get(unknown)).await;
        assert_eq!((answer.status_code, answer.account_id_or_clan_id.0), (S::NO_RESULT, unknown));
    }
    let clan = GetLadderStatsWideRequest { ladder_type: LadderType::CLAN, ..get(player.account.0) };
    assert_eq!(player.ask(clan).await.status_code, S::NO_RESULT);
    let clan = UpdateLadderStatsWideRequest { ladder_type: LadderType::CLAN, ..update.clone() };
    assert_eq!(player.ask(clan).await.status_code, S::NOT_CLAN_MEMBER);
    let mut stranger = host.stranger("Guest").await;
    assert_eq!(stranger.ask(update).await.status_code, S::PLAYER_NOT_PRIVILEGED);
}

#[tokio::test]
async fn narrow_stats_are_apart_from_the_wide_ones() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    let get = |id| GetLadderStatsRequest { account_id_or_clan_id: ClanId(id), ..Default::default() };
    let update = UpdateLadderStatsRequest { stats: [3; 15], ..Default::default() };
    assert_eq!(player.ask(update).await.status_code, S::SUCCESS);
    let read = player.ask(get(player.account.0)).await;
    assert_eq!((read.status_code, read.stats), (S::SUCCESS, [3; 15]));
    assert_eq!(player.ask(get(4711)).await.status_code, S::NO_RESULT);
    let clan = UpdateLadderStatsRequest { ladder_type: LadderType::CLAN, ..Default::default() };
    assert_eq!(player.ask(clan).await.status_code, S::NOT_CLAN_MEMBER);
    let wide =
        GetLadderStatsWideRequest { account_id_or_clan_id: ClanId(player.account.0), ..Default::default() };
    assert_eq!(player.ask(wide).await.stats, [0; 100]);
}

#[tokio::test]
async fn open_access_stats_are_written_without_an_answer() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    let update = AccountUpdateStats_OpenAccessRequest { stats: Blob::new(&[6; 256]), ..Default::default() };
    player.send(AccountUpdateStats_OpenAccessRequest { session_key: Text::new("1"), ..update.clone() }).await;
    assert_eq!(player.settle().await, Vec::<&str>::new());
    let info = PlayerInfoRequest { account_id: player.account, ..Default::default() };
    assert_eq!(player.ask(info.clone()).await.stats, Blob([0; 256]));
    player.send(update).await;
    assert_eq!(player.settle().await, Vec::<&str>::new());
    assert_eq!(player.ask(info).await.stats, Blob([6; 256]));
}

#[tokio::test]
async fn every_account_is_ranked_and_no_clan() {
    let host = Host::start().await;
    host.account("Absent").await;
    let mut player = host.player("Badger41").await;
    let total = |ladder_type| GetTotalRankingsRequest { ladder_type, ..Default::default() };
    let players = player.ask(total(LadderType::PLAYER)).await;
    assert_eq!((players.status_code, players.total_rankings), (S::SUCCESS, 2));
    let clans = player.ask(total(LadderType::CLAN)).await;
    assert_eq!((clans.status_code, clans.total_rankings), (S::SUCCESS, 0));
}

#[tokio::test]
async fn who_has_no_clan_has_one_row_of_no_result() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    let rows = player.list(GetMyClansRequest { start: 1, page_size: 1, ..Default::default() }).await;
    assert_empty(&rows);
    assert_eq!(rows[0].clan_id, ClanId(-1));
}

#[tokio::test]
async fn a_file_that_is_not_there_is_a_database_error_as_captured() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    let file = File { file_name: Text::new("Post_Score_11101001.post"), ..Default::default() };
    let answer = player.ask(FileDownloadRequest { medius_file_info: file, ..Default::default() }).await;
    assert_eq!((answer.status_code, answer.i_data_size, answer.i_xfer_status.0), (S::DB_ERROR, 0, 0));
    assert_eq!((answer.i_start_byte_index, answer.i_packet_number), (0, 0));
}

#[tokio::test]
async fn a_message_is_marked_as_read_by_the_generic_answer() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    player.send(SetMessageAsReadRequest { message_id: "9".into(), ..Default::default() }).await;
    let answer = player.client.expect_raw(1, 0xc7).await;
    assert_eq!((answer.len(), &answer[2..4], &answer[26..30]), (30, &b"9\0"[..], &[0; 4][..]));
}
