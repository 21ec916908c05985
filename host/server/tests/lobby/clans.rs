//! Clans: each request's success, its refusals and its empty list.

use medley_wire::enums::{
    CallbackStatus as S, ChatMessageType, ClanChallengeStatus as Challenge,
    ClanInvitationsResponseStatus as Invitation, ClanMessageStatus, ClanStatus, LadderType, NetMessageClass,
    PlayerStatus,
};
use medley_wire::messages::*;
use medley_wire::types::{Blob, Text, VarText};
use medley_wire::{AccountId, ClanId};

use crate::harness::{APP, Host, Player, assert_empty};

const RULES: &str = "name = \"T\"\n[[app]]\nid = 11184\n[[channel]]\nname = \"A\"\n[accounts]\n\
                     reserved_names = [\"Admin\"]\n[text_filter]\nwords = [\"darn\"]\n[clans]\nstat_deltas = true\n";

fn create(name: &str) -> CreateClanRequest {
    CreateClanRequest { clan_name: Text::new(name), ..Default::default() }
}

async fn found(leader: &mut Player, name: &str) -> ClanId {
    let made = leader.ask(create(name)).await;
    assert_eq!(made.status_code, S::SUCCESS);
    made.clan_id
}

fn invite(account: AccountId, text: &str) -> InvitePlayerToClanRequest {
    InvitePlayerToClanRequest {
        player_account_id: account,
        invite_message: Text::new(text),
        ..Default::default()
    }
}

fn check() -> CheckMyClanInvitationsRequest {
    CheckMyClanInvitationsRequest { start: 1, page_size: 10, ..Default::default() }
}

fn respond(id: i32, response: Invitation, text: &str) -> RespondToClanInvitationRequest {
    RespondToClanInvitationRequest {
        clan_invitation_id: id,
        response,
        message: Text::new(text),
        ..Default::default()
    }
}

/// Invites and accepts.
async fn enlist(leader: &mut Player, member: &mut Player) {
    assert_eq!(leader.ask(invite(member.account, "come")).await.status_code, S::SUCCESS);
    let waiting = member.list(check()).await;
    let answer = respond(waiting[0].clan_invitation_id, Invitation::ACCEPT, "yes");
    assert_eq!(member.ask(answer).await.status_code, S::SUCCESS);
}

fn mine() -> GetMyClansRequest {
    GetMyClansRequest { start: 1, page_size: 1, ..Default::default() }
}

fn remove(account: AccountId, clan_id: ClanId) -> RemovePlayerFromClanRequest {
    RemovePlayerFromClanRequest { player_account_id: account, clan_id, ..Default::default() }
}

fn members(clan_id: ClanId) -> GetClanMemberListRequest {
    GetClanMemberListRequest { clan_id, ..Default::default() }
}

async fn rename(player: &mut Player, clan_id: ClanId, name: &str) -> S {
    let request = ClanRenameRequest {
        message_id: "7".into(),
        clan_id,
        new_clan_name: Text::new(name),
        ..Default::default()
    };
    player.send(request).await;
    let answer = player.client.expect_raw(NetMessageClass::LOBBY_EXT.0, 0x7d).await;
    assert_eq!((answer.len(), &answer[2..4]), (30, &b"7\0"[..]));
    S(i32::from_le_bytes(answer[26..30].try_into().expect("four bytes")))
}

#[tokio::test]
async fn a_clan_is_created_found_by_id_and_name_and_disbanded() {
    let host = Host::start().await;
    let (mut leader, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let empty = leader.list(mine()).await;
    assert_empty(&empty);
    assert_eq!(empty[0].clan_id, ClanId(-1));
    let clan = found(&mut leader, "Rangers").await;
    let row = leader.list(mine()).await.remove(0);
    assert_eq!((row.status_code, row.clan_id, row.application_id.0), (S::SUCCESS, clan, APP));
    assert_eq!((row.clan_name, row.status), (Text::new("Rangers"), ClanStatus::ACTIVE));
    assert_eq!((row.leader_account_id, row.leader_account_name), (leader.account, Text::new("Badger41")));
    let none = leader.list(GetMyClansRequest { start: 2, page_size: 1, ..Default::default() }).await;
    assert_empty(&none);
    let by_id = GetClanByIDRequest { clan_id: clan, ..Default::default() };
    let answer = other.ask(by_id.clone()).await;
    assert_eq!((answer.status_code, answer.clan_name), (S::SUCCESS, Text::new("Rangers")));
    assert_eq!((answer.leader_account_id, answer.application_id.0), (leader.account, APP));
    let by_name = GetClanByNameRequest { clan_name: Text::new("rANGERS"), ..Default::default() };
    assert_eq!(other.ask(by_name.clone()).await.clan_id, clan);
    let unknown = GetClanByIDRequest { clan_id: ClanId(99), ..Default::default() };
    assert_eq!(other.ask(unknown).await.status_code, S::CLAN_NOT_FOUND);
    let minus = GetClanByIDRequest { clan_id: ClanId(-1), ..Default::default() };
    assert_eq!(other.ask(minus).await.status_code, S::NO_RESULT);
    let total = GetTotalRankingsRequest { ladder_type: LadderType::CLAN, ..Default::default() };
    assert_eq!(other.ask(total).await.total_rankings, 1);
    // Only its leader ends it.
    let disband = |clan_id| DisbandClanRequest { clan_id, ..Default::default() };
    assert_eq!(other.ask(disband(clan)).await.status_code, S::NOT_CLAN_LEADER);
    assert_eq!(leader.ask(disband(ClanId(99))).await.status_code, S::FAIL);
    assert_eq!(leader.ask(disband(clan)).await.status_code, S::SUCCESS);
    assert_empty(&leader.list(mine()).await);
    assert_eq!(other.ask(by_id).await.status, ClanStatus::DISBANDED);
    assert_eq!(other.ask(by_name).await.status_code, S::CLAN_NOT_FOUND);
    assert_eq!(other.list(members(clan)).await[0].status_code, S::CLAN_NOT_FOUND);
}

#[tokio::test]
async fn names_that_are_filtered_reserved_or_taken_and_second_clans_are_refused() {
    let host = Host::with(RULES).await;
    let (mut leader, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    for name in ["DARNers", "aDMIN", ""] {
        let refused = leader.ask(create(name)).await;
        assert_eq!((refused.status_code, refused.clan_id), (S::FAIL, ClanId(-1)), "{name}");
    }
    let clan = found(&mut leader, "Rangers").await;
    assert_eq!(leader.ask(create("Second")).await.status_code, S::ALREADY_LEADER_OF_CLAN);
    assert_eq!(other.ask(create("RANGERS")).await.status_code, S::CLAN_NAME_IN_USE);
    let second = found(&mut other, "Pirates").await;
    assert_eq!(rename(&mut other, clan, "Mine").await, S::NOT_CLAN_LEADER);
    assert_eq!(rename(&mut leader, clan, "Pirates").await, S::CLAN_NAME_IN_USE);
    assert_eq!(rename(&mut leader, clan, "darn").await, S::FAIL);
    assert_eq!(rename(&mut leader, ClanId(99), "Mine").await, S::CLAN_NOT_FOUND);
    assert_eq!(rename(&mut leader, clan, "Rovers").await, S::SUCCESS);
    assert_eq!(leader.list(mine()).await[0].clan_name, Text::new("Rovers"));
    assert_eq!(other.list(mine()).await[0].clan_id, second);
    let mut stranger = host.stranger("Guest").await;
    assert_eq!(stranger.ask(create("Ghosts")).await.status_code, S::PLAYER_NOT_PRIVILEGED);
    let foreign = CreateClanRequest { session_key: Text::new("1"), ..create("Ghosts") };
    assert_eq!(leader.ask(foreign).await.status_code, S::SESSION_KEY_INVALID);
}

#[tokio::test]
async fn an_invited_player_accepts_and_the_leader_sees_the_answer() {
    let host = Host::with(RULES).await;
    let absent = host.account("Absent").await;
    let (mut leader, mut guest) = (host.player("Badger41").await, host.player("Otter").await);
    let sent = || GetClanInvitationsSentRequest { start: 1, page_size: 10, ..Default::default() };
    assert_empty(&guest.list(check()).await);
    assert_empty(&leader.list(sent()).await);
    assert_eq!(leader.ask(invite(guest.account, "come")).await.status_code, S::NOT_CLAN_LEADER);
    let clan = found(&mut leader, "Rangers").await;
    assert_empty(&leader.list(sent()).await);
    assert_eq!(leader.ask(invite(guest.account, "oh darn")).await.status_code, S::FAIL);
    assert_eq!(leader.ask(invite(AccountId(4711), "come")).await.status_code, S::FAIL);
    assert_eq!(leader.ask(invite(guest.account, "come")).await.status_code, S::SUCCESS);
    assert_eq!(leader.ask(invite(guest.account, "come")).await.status_code, S::FAIL);
    for (name, status) in [("absent", S::SUCCESS), ("Nobody", S::FAIL)] {
        let by_name =
            InvitePlayerToClan_ByNameRequest { account_name: Text::new(name), ..Default::default() };
        leader.send(InvitePlayerToClan_ByNameRequest { message_id: "3".into(), ..by_name }).await;
        let answer: InvitePlayerToClanResponse = leader.expect().await;
        assert_eq!((answer.message_id, answer.status_code), ("3".into(), status), "{name}");
    }
    let waiting = guest.list(check()).await;
    assert_eq!(
        (waiting.len(), waiting[0].clan_id, waiting[0].message.clone()),
        (1, clan, VarText::new("come"))
    );
    assert_eq!(
        (waiting[0].leader_account_id, waiting[0].response_status),
        (leader.account, Invitation::UNDECIDED)
    );
    let id = waiting[0].clan_invitation_id;
    assert_eq!(leader.ask(respond(id, Invitation::ACCEPT, "")).await.status_code, S::FAIL);
    for wrong in [Invitation::UNDECIDED, Invitation::REVOKED] {
        assert_eq!(guest.ask(respond(id, wrong, "")).await.status_code, S::FAIL);
    }
    assert_eq!(guest.ask(respond(id, Invitation::ACCEPT, "gladly")).await.status_code, S::SUCCESS);
    assert_eq!(guest.ask(respond(id, Invitation::ACCEPT, "again")).await.status_code, S::FAIL);
    assert_eq!(guest.list(mine()).await[0].clan_id, clan);
    let rows = leader.list(sent()).await;
    let row = |row: &GetClanInvitationsSentResponse| {
        (row.account_id, row.response_status, row.response_msg.clone(), row.response_time > 0)
    };
    assert_eq!(
        rows.iter().map(row).collect::<Vec<_>>(),
        [
            (guest.account, Invitation::ACCEPT, VarText::new("gladly"), true),
            (absent, Invitation::UNDECIDED, VarText::new(""), false),
        ]
    );
    assert_empty(&guest.list(sent()).await);
    let revoke = |account| RevokeClanInvitationRequest { player_account_id: account, ..Default::default() };
    assert_eq!(guest.ask(revoke(absent)).await.status_code, S::FAIL);
    assert_eq!(leader.ask(revoke(absent)).await.status_code, S::SUCCESS);
    assert_eq!(leader.ask(revoke(absent)).await.status_code, S::FAIL);
    assert_eq!(leader.list(sent()).await.len(), 1);
}

#[tokio::test]
async fn members_leave_are_removed_and_lead() {
    let host = Host::start().await;
    let (mut leader, mut member) = (host.player("Badger41").await, host.player("Otter").await);
    let clan = found(&mut leader, "Rangers").await;
    enlist(&mut leader, &mut member).await;
    let rows = member.list(members(clan)).await;
    let ids: Vec<_> = rows.iter().map(|row| (row.account_id, row.account_name.to_string())).collect();
    assert_eq!(ids, [(leader.account, "Badger41".to_owned()), (member.account, "Otter".to_owned())]);
    assert_empty(&member.list(members(ClanId(-1))).await);
    assert_eq!(member.list(members(ClanId(99))).await[0].status_code, S::CLAN_NOT_FOUND);
    let add = AddPlayerToClanRequest { player_account_id: member.account, ..Default::default() };
    assert_eq!(leader.ask(add).await.status_code, S::FAIL);
    assert_eq!(member.ask(remove(leader.account, clan)).await.status_code, S::FAIL);
    assert_eq!(leader.ask(remove(leader.account, clan)).await.status_code, S::LEADER_CANNOT_LEAVE_CLAN);
    assert_eq!(leader.ask(remove(AccountId(4711), clan)).await.status_code, S::NOT_CLAN_MEMBER);
    assert_eq!(leader.ask(remove(member.account, ClanId(99))).await.status_code, S::FAIL);
    let lead =
        |account| TransferClanLeadershipRequest { new_leader_account_id: account, ..Default::default() };
    assert_eq!(member.ask(lead(member.account)).await.status_code, S::FAIL);
    assert_eq!(leader.ask(lead(AccountId(4711))).await.status_code, S::FAIL);
    assert_eq!(leader.ask(lead(member.account)).await.status_code, S::SUCCESS);
    assert_eq!(member.list(mine()).await[0].leader_account_id, member.account);
    assert_eq!(leader.ask(remove(leader.account, clan)).await.status_code, S::SUCCESS);
    assert_empty(&leader.list(mine()).await);
    assert_eq!(member.list(members(clan)).await.len(), 1);
}

#[tokio::test]
async fn member_rows_tell_where_members_are_and_their_place_among_all_accounts() {
    let host = Host::start().await;
    let (mut leader, mut member) = (host.player("Badger41").await, host.player("Otter").await);
    let mut best = host.player("Best").await;
    let clan = found(&mut leader, "Rangers").await;
    enlist(&mut leader, &mut member).await;
    for (player, value) in [(&mut best, 90), (&mut member, 50)] {
        let mut stats = [0; 100];
        stats[4] = value;
        let update = UpdateLadderStatsWideRequest { stats, ..Default::default() };
        assert_eq!(player.ask(update).await.status_code, S::SUCCESS);
    }
    let list = |index| GetClanMemberList_ExtraInfoRequest {
        clan_id: clan,
        ladder_stat_index: Some(index),
        ..Default::default()
    };
    let rows = leader.list(list(4)).await;
    let row = |row: &GetClanMemberList_ExtraInfoResponse| {
        (row.account_id, row.ladder_stat, row.ladder_position, row.total_rankings)
    };
    assert_eq!(
        rows.iter().map(row).collect::<Vec<_>>(),
        [(leader.account, 0, 3, 3), (member.account, 50, 2, 3)]
    );
    assert_eq!(rows[1].online_state.connect_status, PlayerStatus::PLAYER_IN_CHAT_WORLD);
    assert_eq!(rows[1].online_state.lobby_name, Text::new("General"));
    let beyond = leader.list(list(100)).await;
    assert_eq!((beyond[1].ladder_position, beyond[1].total_rankings), (0, 0));
    let none = GetClanMemberList_ExtraInfoRequest { clan_id: ClanId(-1), ..list(0) };
    assert_empty(&leader.list(none.clone()).await);
    let unknown = GetClanMemberList_ExtraInfoRequest { clan_id: ClanId(9), ..none };
    assert_eq!(leader.list(unknown).await[0].status_code, S::CLAN_NOT_FOUND);
}

fn all(start: i32, page_size: i32) -> GetAllClanMessagesRequest {
    GetAllClanMessagesRequest { start, page_size, ..Default::default() }
}

fn send(text: &str) -> SendClanMessageRequest {
    SendClanMessageRequest { message: VarText::new(text), ..Default::default() }
}

#[tokio::test]
async fn messages_are_sent_read_modified_and_deleted() {
    let host = Host::with(RULES).await;
    let (mut leader, mut member) = (host.player("Badger41").await, host.player("Otter").await);
    let clan = found(&mut leader, "Rangers").await;
    enlist(&mut leader, &mut member).await;
    assert_empty(&member.list(all(1, 10)).await);
    for text in ["one", "two", "three"] {
        assert_eq!(leader.ask(send(text)).await.status_code, S::SUCCESS);
    }
    assert_eq!(leader.ask(send("oh DARN")).await.status_code, S::FAIL);
    assert_eq!(member.ask(send("four")).await.status_code, S::FAIL);
    let rows = member.list(all(1, 10)).await;
    let texts: Vec<_> = rows.iter().map(|row| row.message.to_string()).collect();
    assert_eq!(texts, ["three", "two", "one"]);
    assert_eq!(rows[0].status, ClanMessageStatus::UNREAD);
    assert_eq!(member.list(all(2, 1)).await[0].message, Text::new("two"));
    assert_empty(&member.list(all(1, 0)).await);
    assert_empty(&member.list(all(4, 10)).await);
    let mine = |clan_id| GetMyClanMessagesRequest { clan_id, start: 1, page_size: 10, ..Default::default() };
    let rows_of_mine = member.list(mine(clan)).await;
    assert_eq!((rows_of_mine.len(), rows_of_mine[0].message.clone()), (3, VarText::new("three")));
    assert_empty(&member.list(mine(ClanId(99))).await);
    let (three, two) = (rows[0].clan_message_id, rows[1].clan_message_id);
    let read = SetMessageAsReadRequest { message_id_to_tag: three, ..Default::default() };
    member.send(read).await;
    member.client.expect_raw(1, 0xc7).await;
    assert_eq!(member.list(all(1, 1)).await[0].status, ClanMessageStatus::READ);
    assert_eq!(leader.list(all(1, 1)).await[0].status, ClanMessageStatus::UNREAD);
    let modify = |id, text: &str| ModifyClanMessageRequest {
        clan_message_id: id,
        new_message: Text::new(text),
        ..Default::default()
    };
    assert_eq!(member.ask(modify(three, "3")).await.status_code, S::FAIL);
    assert_eq!(leader.ask(modify(4711, "3")).await.status_code, S::FAIL);
    assert_eq!(leader.ask(modify(three, "darn")).await.status_code, S::FAIL);
    assert_eq!(leader.ask(modify(three, "3")).await.status_code, S::SUCCESS);
    let row = member.list(all(1, 1)).await.remove(0);
    assert_eq!((row.message, row.status), (Text::new("3"), ClanMessageStatus::MODIFIED));
    let delete = |id| DeleteClanMessageRequest { clan_message_id: id, ..Default::default() };
    assert_eq!(member.ask(delete(two)).await.status_code, S::FAIL);
    assert_eq!(leader.ask(delete(two)).await.status_code, S::SUCCESS);
    assert_eq!(leader.ask(delete(two)).await.status_code, S::FAIL);
    assert_eq!(member.list(all(1, 10)).await.len(), 2);
    let mut other = host.player("Stranger").await;
    assert_empty(&other.list(all(1, 10)).await);
    assert_empty(&other.list(mine(clan)).await);
}

#[tokio::test]
async fn a_title_of_medius_113_has_longer_messages_with_their_numbers() {
    let host = Host::start().await;
    let mut leader = host.player_of("Badger41", 113, APP).await;
    let (mut guest, mut old) = (host.player_of("Otter", 113, APP).await, host.player("Older").await);
    let clan = found(&mut leader, "Rangers").await;
    assert_eq!(leader.ask(invite(guest.account, "come")).await.status_code, S::SUCCESS);
    let waiting = guest.list(check()).await;
    assert_eq!(
        (waiting[0].message.clone(), waiting[0].leader_account_id),
        (VarText::new("come"), leader.account)
    );
    let accept = respond(waiting[0].clan_invitation_id, Invitation::ACCEPT, "yes");
    assert_eq!(guest.ask(accept).await.status_code, S::SUCCESS);
    let sent = GetClanInvitationsSentRequest { start: 1, page_size: 1, ..Default::default() };
    assert_eq!(leader.list(sent).await[0].response_msg, VarText::new("yes"));
    enlist(&mut leader, &mut old).await;
    let long = "x".repeat(900);
    assert_eq!(leader.ask(send(&long)).await.status_code, S::SUCCESS);
    let mine = GetMyClanMessagesRequest { clan_id: clan, start: 1, page_size: 1, ..Default::default() };
    let row = guest.list(mine.clone()).await.remove(0);
    assert_eq!((row.message, row.clan_id, row.clan_message_id), (VarText::new(&long), clan, Some(1)));
    // An older title gets what its field holds.
    let row = old.list(mine).await.remove(0);
    assert_eq!((row.message, row.clan_message_id), (VarText::new("x".repeat(199)), None));
    assert_eq!(old.list(all(1, 1)).await[0].message, Text::new("x".repeat(199)));
}

#[tokio::test]
async fn clan_stats_are_written_by_members_of_that_clan() {
    let host = Host::with(RULES).await;
    let (mut leader, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let clan = found(&mut leader, "Rangers").await;
    let blob =
        |clan_id| UpdateClanStatsRequest { clan_id, stats: Blob::new(&[6; 256]), ..Default::default() };
    assert_eq!(other.ask(blob(clan)).await.status_code, S::NOT_CLAN_MEMBER);
    assert_eq!(leader.ask(blob(ClanId(9))).await.status_code, S::CLAN_NOT_FOUND);
    assert_eq!(leader.ask(blob(clan)).await.status_code, S::SUCCESS);
    assert_eq!(leader.list(mine()).await[0].stats, Blob([6; 256]));
    let wide =
        UpdateLadderStatsWideRequest { ladder_type: LadderType::CLAN, stats: [5; 100], ..Default::default() };
    assert_eq!(other.ask(wide.clone()).await.status_code, S::NOT_CLAN_MEMBER);
    assert_eq!(leader.ask(wide).await.status_code, S::SUCCESS);
    let narrow =
        UpdateLadderStatsRequest { ladder_type: LadderType::CLAN, stats: [3; 15], ..Default::default() };
    assert_eq!(leader.ask(narrow).await.status_code, S::SUCCESS);
    let delta =
        |clan_id| UpdateClanLadderStatsWide_DeltaRequest { clan_id, stats: [-7; 100], ..Default::default() };
    assert_eq!(other.ask(delta(clan)).await.status_code, S::NOT_CLAN_MEMBER);
    assert_eq!(leader.ask(delta(ClanId(9))).await.status_code, S::CLAN_NOT_FOUND);
    assert_eq!(leader.ask(delta(clan)).await.status_code, S::SUCCESS);
    let get = GetLadderStatsWideRequest {
        account_id_or_clan_id: clan,
        ladder_type: LadderType::CLAN,
        ..Default::default()
    };
    assert_eq!(other.ask(get.clone()).await.stats, [-2; 100]);
    let unknown = GetLadderStatsWideRequest { account_id_or_clan_id: ClanId(9), ..get };
    assert_eq!(other.ask(unknown).await.status_code, S::NO_RESULT);
    let get = GetLadderStatsRequest {
        account_id_or_clan_id: clan,
        ladder_type: LadderType::CLAN,
        ..Default::default()
    };
    assert_eq!(other.ask(get).await.stats, [3; 15]);
}

#[tokio::test]
async fn deltas_of_clan_stats_are_off_unless_the_title_has_them() {
    let host = Host::start().await;
    let mut leader = host.player("Badger41").await;
    let clan_id = found(&mut leader, "Rangers").await;
    let delta = UpdateClanLadderStatsWide_DeltaRequest { clan_id, ..Default::default() };
    assert_eq!(leader.ask(delta).await.status_code, S::FEATURE_NOT_ENABLED);
}

#[tokio::test]
async fn a_team_challenge_is_made_answered_confirmed_and_remembered() {
    let host = Host::with(RULES).await;
    let (mut a, mut b) = (host.player("Badger41").await, host.player("Otter").await);
    let mut nobody = host.player("Nobody").await;
    let (one, other) = (found(&mut a, "Rangers").await, found(&mut b, "Pirates").await);
    let challenge = |clan_id, text: &str| RequestClanTeamChallengeRequest {
        clan_id,
        message: Text::new(text),
        ..Default::default()
    };
    let list = |clan_id, status, challenged_only| GetClanTeamChallengesRequest {
        clan_id,
        start: 1,
        page_size: 10,
        status,
        challenged_only,
        ..Default::default()
    };
    let history = |clan_id, this_clan_is_challenger| GetClanTeamChallengeHistoryRequest {
        clan_id,
        this_clan_is_challenger,
        start: 1,
        page_size: 10,
        ..Default::default()
    };
    assert_empty(&b.list(list(other, Challenge::REQUEST, 0)).await);
    assert_empty(&b.list(history(other, 0)).await);
    assert_eq!(nobody.ask(challenge(other, "hm")).await.status_code, S::NOT_CLAN_LEADER);
    assert_eq!(a.ask(challenge(ClanId(9), "hm")).await.status_code, S::DB_ERROR);
    assert_eq!(a.ask(challenge(other, "darn")).await.status_code, S::DB_ERROR);
    assert_eq!(a.ask(challenge(other, "fight")).await.status_code, S::SUCCESS);
    assert_eq!(a.ask(challenge(other, "fight")).await.status_code, S::DB_ERROR);
    let row = b.list(list(other, Challenge::REQUEST, 1)).await.remove(0);
    assert_eq!((row.challenger_clan_id, row.against_clan_id), (one, other));
    assert_eq!((row.challenge_msg, row.status), (Text::new("fight"), Challenge::REQUEST));
    assert_empty(&a.list(list(one, Challenge::REQUEST, 1)).await);
    assert_empty(&a.list(list(other, Challenge::REQUEST, 0)).await);
    assert_empty(&nobody.list(list(one, Challenge::REQUEST, 0)).await);
    let id = row.clan_challenge_id;
    let answer = |challenge_status| RespondToClanTeamChallengeRequest {
        clan_challenge_id: id,
        challenge_status,
        message: Text::new("ok"),
        ..Default::default()
    };
    let confirm = || ConfirmClanTeamChallengeRequest { clan_challenge_id: id, ..Default::default() };
    let revoke = |id| RevokeClanTeamChallengeRequest { clan_challenge_id: id, ..Default::default() };
    assert_eq!(a.ask(answer(Challenge::ACCEPTED)).await.status_code, S::DB_ERROR);
    assert_eq!(b.ask(answer(Challenge::CONFIRMED)).await.status_code, S::DB_ERROR);
    assert_eq!(a.ask(confirm()).await.status_code, S::DB_ERROR);
    assert_eq!(b.ask(answer(Challenge::ACCEPTED)).await.status_code, S::SUCCESS);
    let row = a.list(list(one, Challenge::ACCEPTED, 0)).await.remove(0);
    assert_eq!((row.response_msg, row.response_time > 0), (Text::new("ok"), true));
    assert_eq!(b.ask(confirm()).await.status_code, S::DB_ERROR);
    assert_eq!(a.ask(confirm()).await.status_code, S::SUCCESS);
    assert_eq!(a.ask(revoke(id)).await.status_code, S::DB_ERROR);
    assert_eq!(b.ask(challenge(one, "again")).await.status_code, S::SUCCESS);
    assert_eq!(b.ask(revoke(id + 1)).await.status_code, S::SUCCESS);
    let made = a.list(history(one, 1)).await;
    assert_eq!((made.len(), made[0].against_clan_id, made[0].status), (1, other, Challenge::CONFIRMED));
    let met = a.list(history(one, 0)).await;
    assert_eq!((met.len(), met[0].against_clan_id, met[0].status), (1, other, Challenge::REVOKED));
    assert_empty(&nobody.list(history(one, 1)).await);
}

#[tokio::test]
async fn clan_chat_reaches_members_from_the_moment_they_join_to_the_moment_they_leave() {
    let host = Host::start().await;
    let (mut leader, mut member) = (host.player("Badger41").await, host.player("Otter").await);
    let mut other = host.player("Stranger").await;
    let clan = found(&mut leader, "Rangers").await;
    let say = || GenericChatMessage {
        message_type: ChatMessageType::CLAN,
        message: Text::new("hello"),
        ..Default::default()
    };
    let heard = |names: &[&str]| names.iter().any(|name| name.contains("ChatFwd"));
    leader.send(say()).await;
    leader.settle().await;
    assert!(!heard(&member.settle().await));
    enlist(&mut leader, &mut member).await;
    leader.send(say()).await;
    leader.settle().await;
    assert!(heard(&member.settle().await));
    assert!(!heard(&other.settle().await));
    // Who logs in again is in the clan at once.
    let account = member.account;
    member.ask(AccountLogoutRequest { session_key: member.session, ..Default::default() }).await;
    let mut member = host.log_in(account, "Otter", 110, APP).await;
    leader.send(say()).await;
    leader.settle().await;
    assert!(heard(&member.settle().await));
    assert_eq!(leader.ask(remove(account, clan)).await.status_code, S::SUCCESS);
    leader.send(say()).await;
    leader.settle().await;
    assert!(!heard(&member.settle().await));
}
