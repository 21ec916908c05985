//! Clans (servers.md 7.9). Rights and states are the store's, inside the step that needs them; here they become statuses.
//! Durable before it is acknowledged: first the store, then the universe's copy of who is in which clan, then the answer.
//!
//! Nothing is pushed: an invited player, a removed member and the readers of a message find out when they ask, as with
//! every known server.

use medley_store::{
    AccountId as StoredId, Clan, ClanChallenge, ClanChallengeId, ClanChallengeStatus as ChallengeState,
    ClanId as StoredClan, ClanInvitation, ClanInvitationId, ClanInvitationStatus, ClanMessage, ClanMessageId,
    ClanMessageStatus as MessageState, ClanRefusal, LadderOrder, LadderStat, NewClan, Pending, Ranked, Stats,
    StatsUpdate, Store, StoreError, Text as StoredText,
};
use medley_universe::SetClan;
use medley_wire::enums::{
    CallbackStatus, ClanChallengeStatus, ClanInvitationsResponseStatus, ClanMessageStatus, ClanStatus,
    NetMessageClass,
};
use medley_wire::messages::{
    AddPlayerToClanRequest, CheckMyClanInvitationsRequest, ClanRenameRequest,
    ConfirmClanTeamChallengeRequest, CreateClanRequest, DeleteClanMessageRequest, DisbandClanRequest,
    GetAllClanMessagesRequest, GetClanByIDRequest, GetClanByNameRequest, GetClanInvitationsSentRequest,
    GetClanMemberList_ExtraInfoRequest, GetClanMemberListRequest, GetClanTeamChallengeHistoryRequest,
    GetClanTeamChallengesRequest, GetMyClanMessagesRequest, GetMyClansRequest,
    InvitePlayerToClan_ByNameRequest, InvitePlayerToClanRequest, InvitePlayerToClanResponse,
    ModifyClanMessageRequest, RemovePlayerFromClanRequest, Request, RequestClanTeamChallengeRequest,
    RespondToClanInvitationRequest, RespondToClanTeamChallengeRequest, RevokeClanInvitationRequest,
    RevokeClanTeamChallengeRequest, SendClanMessageRequest, SetMessageAsReadRequest,
    TransferClanLeadershipRequest, UpdateClanLadderStatsWide_DeltaRequest, UpdateClanStatsRequest,
};
use medley_wire::types::{Blob, Text, VarText};
use medley_wire::{AccountId, AppId, ClanId, Dialect};

use super::rows::{online_state, row_of};
use crate::context::{Context, HandlerResult, Refusal, StoreFailure};
use crate::dispatch::status_response;
use crate::text_filter::{has_word, name_passes};

/// Rounds in which the universe is told of a clan that changes meanwhile.
const TELL_ROUNDS: usize = 4;

// ---- ids, statuses, pages ----

pub(super) fn stored_clan(id: ClanId) -> Option<StoredClan> {
    u32::try_from(id.0).ok().filter(|id| *id > 0).map(StoredClan)
}

pub(super) fn wire_clan(id: StoredClan) -> ClanId {
    ClanId(wire_number(id.0))
}

/// The store's counters end at `i32::MAX`.
fn wire_number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn wire_account(id: StoredId) -> AccountId {
    AccountId(id.get())
}

/// Seconds since 1970 as they travel; 0 is "not yet".
fn wire_time(at: Option<i64>) -> i32 {
    at.map_or(0, |at| i32::try_from(at).unwrap_or(i32::MAX))
}

fn clan_status(clan: &Clan) -> ClanStatus {
    if clan.disbanded { ClanStatus::DISBANDED } else { ClanStatus::ACTIVE }
}

fn challenge_status(state: ChallengeState) -> ClanChallengeStatus {
    match state {
        ChallengeState::Requested => ClanChallengeStatus::REQUEST,
        ChallengeState::Accepted => ClanChallengeStatus::ACCEPTED,
        ChallengeState::Revoked => ClanChallengeStatus::REVOKED,
        ChallengeState::Refused => ClanChallengeStatus::REFUSED,
        ChallengeState::Confirmed => ClanChallengeStatus::CONFIRMED,
    }
}

fn invitation_status(status: ClanInvitationStatus) -> ClanInvitationsResponseStatus {
    match status {
        ClanInvitationStatus::Undecided => ClanInvitationsResponseStatus::UNDECIDED,
        ClanInvitationStatus::Accepted => ClanInvitationsResponseStatus::ACCEPT,
        ClanInvitationStatus::Declined => ClanInvitationsResponseStatus::DECLINE,
        ClanInvitationStatus::Revoked => ClanInvitationsResponseStatus::REVOKED,
    }
}

fn message_status(state: MessageState) -> ClanMessageStatus {
    match state {
        MessageState::Unread => ClanMessageStatus::UNREAD,
        MessageState::Modified => ClanMessageStatus::MODIFIED,
        MessageState::Deleted => ClanMessageStatus::DELETED,
        MessageState::Read => ClanMessageStatus::READ,
    }
}

/// The rows from `start`, which counts from 1 and by rows, not pages (servers.md 7.9); a size of 0 is none.
fn page<T>(rows: impl Iterator<Item = T>, start: i32, size: i32) -> Vec<T> {
    let skip = usize::try_from(start.saturating_sub(1)).unwrap_or(0);
    rows.skip(skip).take(usize::try_from(size).unwrap_or(0)).collect()
}

/// A text for a field of 200 bytes, or of at least 1200 with Medius 1.13; cut so that its NUL stays.
fn field(dialect: Dialect, text: &[u8]) -> VarText {
    if dialect.medius_version == 113 {
        VarText::new(Text::<1200>::new(text).as_bytes())
    } else {
        VarText::new(Text::<200>::new(text).as_bytes())
    }
}

// ---- the store ----

/// A change. Refusals that `statuses` does not name are the request's default failure.
async fn change<T: Send + 'static>(
    ctx: &Context,
    statuses: &[(ClanRefusal, CallbackStatus)],
    call: impl FnOnce(&dyn Store) -> Result<Pending<T>, StoreError> + Send + 'static,
) -> Result<T, Refusal> {
    match ctx.write(call).await {
        Ok(value) => Ok(value),
        Err(StoreFailure::Store(StoreError::Clan { refusal, .. })) => {
            let status = statuses.iter().find(|(of, _)| *of == refusal).map(|(_, status)| *status);
            Err(status.map_or(Refusal::Default, Refusal::Status))
        }
        Err(StoreFailure::Store(error)) if error.is_refusal() => Err(Refusal::Default),
        Err(failure) => Err(failure.into()),
    }
}

/// Tells the universe which clan an account is in, as the store has it. Again if that changed meanwhile, so that of two
/// changes at the same time the last one is what stays.
async fn tell_universe(ctx: &Context, account: StoredId) {
    let mut told = None;
    for _ in 0..TELL_ROUNDS {
        let title = ctx.title_id();
        let clan = match ctx.read(move |store| store.clan_of(&title, account)).await {
            Ok(clan) => clan.map(|clan| clan.id),
            Err(error) => {
                tracing::warn!(?error, %account, "the universe could not be told of a clan");
                return;
            }
        };
        if told == Some(clan) {
            return;
        }
        let set = SetClan { account: wire_account(account), clan: clan.map(wire_clan) };
        if ctx.title().run(set).await.is_err() {
            return;
        }
        told = Some(clan);
    }
}

async fn clan_of_player(ctx: &Context) -> Result<Option<Clan>, Refusal> {
    let (title, account) = (ctx.title_id(), ctx.stored_account()?);
    Ok(ctx.read(move |store| store.clan_of(&title, account)).await?)
}

/// The player's clan if they lead it; a list that only leaders see is empty for everybody else.
async fn led_clan(ctx: &Context) -> Result<Clan, Refusal> {
    let account = ctx.stored_account()?;
    let clan = clan_of_player(ctx).await?.filter(|clan| clan.leader == account);
    clan.ok_or(Refusal::Status(CallbackStatus::NO_RESULT))
}

/// A clan with the name of its leader.
async fn with_leader(
    ctx: &Context,
    find: impl FnOnce(&dyn Store, &medley_store::TitleId) -> Result<Option<Clan>, StoreError> + Send + 'static,
) -> Result<Option<(Clan, StoredText, Stats)>, Refusal> {
    let title = ctx.title_id();
    let found = ctx.read(move |store| {
        let Some(clan) = find(store, &title)? else { return Ok(None) };
        let leader =
            store.account(&title, clan.leader)?.map_or_else(StoredText::default, |leader| leader.name);
        let stats = store.clan_stats(&title, clan.id)?.unwrap_or_default();
        Ok(Some((clan, leader, stats)))
    });
    Ok(found.await?)
}

// ---- texts ----

/// Fail for a name that holds a filtered word or is reserved.
fn check_name(ctx: &Context, name: &[u8]) -> Result<(), Refusal> {
    let app = ctx.app();
    let config = &app.title().config;
    let reserved =
        config.accounts.reserved_names.iter().any(|reserved| reserved.as_bytes().eq_ignore_ascii_case(name));
    if name_passes(name, config) && !reserved { Ok(()) } else { Err(CallbackStatus::FAIL.into()) }
}

/// The request's default failure for a text that holds a filtered word.
fn check_text(ctx: &Context, text: &[u8]) -> Result<(), Refusal> {
    let app = ctx.app();
    if has_word(text, &app.title().config.text_filter.words) { Err(Refusal::Default) } else { Ok(()) }
}

// ---- the clan itself ----

pub(super) async fn create(ctx: &mut Context, request: &CreateClanRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, leader) = (ctx.title_id(), ctx.stored_account()?);
    check_name(ctx, request.clan_name.as_bytes())?;
    let new = NewClan {
        name: StoredText::from(request.clan_name.as_bytes()),
        leader,
        app_id: ctx.app_id().0.cast_signed(),
        created: ctx.unix_now(),
    };
    let statuses = [
        (ClanRefusal::AlreadyInClan, CallbackStatus::ALREADY_LEADER_OF_CLAN),
        (ClanRefusal::NameTaken, CallbackStatus::CLAN_NAME_IN_USE),
    ];
    let clan = change(ctx, &statuses, move |store| store.create_clan(&title, &new)).await?;
    tell_universe(ctx, leader).await;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.clan_id = wire_clan(clan.id);
    ctx.reply(answer);
    Ok(())
}

/// ClanRename; its answer is the generic StatusResponse.
pub(super) async fn rename(ctx: &mut Context, request: &ClanRenameRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, account) = (ctx.title_id(), ctx.stored_account()?);
    let clan = stored_clan(request.clan_id).ok_or(CallbackStatus::CLAN_NOT_FOUND)?;
    check_name(ctx, request.new_clan_name.as_bytes())?;
    let name = request.new_clan_name;
    let statuses = [
        (ClanRefusal::NotLeader, CallbackStatus::NOT_CLAN_LEADER),
        (ClanRefusal::NameTaken, CallbackStatus::CLAN_NAME_IN_USE),
        (ClanRefusal::NoClan, CallbackStatus::CLAN_NOT_FOUND),
    ];
    change(ctx, &statuses, move |store| store.rename_clan(&title, account, clan, name.as_bytes())).await?;
    ctx.reply(status_response(NetMessageClass::LOBBY_EXT, 0x7d, request.message_id, CallbackStatus::SUCCESS));
    Ok(())
}

pub(super) async fn disband(ctx: &mut Context, request: &DisbandClanRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, account, now) = (ctx.title_id(), ctx.stored_account()?, ctx.unix_now());
    let clan = stored_clan(request.clan_id).ok_or(Refusal::Default)?;
    let statuses = [(ClanRefusal::NotLeader, CallbackStatus::NOT_CLAN_LEADER)];
    let members = change(ctx, &statuses, move |store| store.disband_clan(&title, account, clan, now)).await?;
    for member in members {
        tell_universe(ctx, member).await;
    }
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

/// GetMyClans: one row, since an account has one clan. None: NoResult with ClanID -1 (`crate::dispatch`).
pub(super) async fn get_mine(ctx: &mut Context, request: &GetMyClansRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    // Anonymous players have no account, so no clan.
    let account = ctx.stored_account().map_err(|_| CallbackStatus::NO_RESULT)?;
    tell_universe(ctx, account).await;
    let found = with_leader(ctx, move |store, title| store.clan_of(title, account)).await?;
    let row = row_of(request);
    let rows = found.into_iter().map(|(clan, leader, stats)| {
        let mut row = row.clone();
        row.clan_id = wire_clan(clan.id);
        row.application_id = AppId(clan.app_id.cast_unsigned());
        row.clan_name = Text::new(clan.name.as_bytes());
        row.leader_account_id = wire_account(clan.leader);
        row.leader_account_name = Text::new(leader.as_bytes());
        row.stats = Blob(stats.blob);
        row.status = clan_status(&clan);
        row
    });
    let rows = page(rows, request.start, request.page_size);
    ctx.reply_list(rows)
}

/// GetClanByID; a disbanded clan says so in its status.
pub(super) async fn get_by_id(ctx: &mut Context, request: &GetClanByIDRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let id = known_clan(request.clan_id)?;
    let found = with_leader(ctx, move |store, title| store.clan(title, id)).await?;
    let (clan, leader, stats) = found.ok_or(CallbackStatus::CLAN_NOT_FOUND)?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.application_id = AppId(clan.app_id.cast_unsigned());
    answer.clan_name = Text::new(clan.name.as_bytes());
    answer.leader_account_id = wire_account(clan.leader);
    answer.leader_account_name = Text::new(leader.as_bytes());
    answer.stats = Blob(stats.blob);
    answer.status = clan_status(&clan);
    ctx.reply(answer);
    Ok(())
}

pub(super) async fn get_by_name(ctx: &mut Context, request: &GetClanByNameRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let name = request.clan_name;
    let found = with_leader(ctx, move |store, title| store.clan_by_name(title, name.as_bytes())).await?;
    let (clan, leader, stats) = found.ok_or(CallbackStatus::CLAN_NOT_FOUND)?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.clan_id = wire_clan(clan.id);
    answer.leader_account_id = wire_account(clan.leader);
    answer.leader_account_name = Text::new(leader.as_bytes());
    answer.stats = Blob(stats.blob);
    answer.status = clan_status(&clan);
    ctx.reply(answer);
    Ok(())
}

/// A number that may be a clan's. -1, which titles keep while they have none: NoResult.
pub(super) fn known_clan(id: ClanId) -> Result<StoredClan, Refusal> {
    if id == ClanId(-1) {
        return Err(CallbackStatus::NO_RESULT.into());
    }
    stored_clan(id).ok_or(Refusal::Status(CallbackStatus::CLAN_NOT_FOUND))
}

// ---- members ----

/// GetClanMemberList, in ascending account id. A disbanded clan has none and is not found.
pub(super) async fn members(ctx: &mut Context, request: &GetClanMemberListRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, clan) = (ctx.title_id(), known_clan(request.clan_id)?);
    let members = ctx.read(move |store| store.clan_members(&title, clan)).await?;
    if members.is_empty() {
        return Err(CallbackStatus::CLAN_NOT_FOUND.into());
    }
    let row = row_of(request);
    let rows = members.iter().map(|member| {
        let mut row = row.clone();
        row.account_id = wire_account(member.id);
        row.account_name = Text::new(member.name.as_bytes());
        row
    });
    let rows = rows.collect();
    ctx.reply_list(rows)
}

/// GetClanMemberList_ExtraInfo: LadderPosition is the place among all accounts of the title, not among the members
/// (`uya_ps2_join_game_dme`, lines 122 to 137). Of an index beyond the stats it is 0.
pub(super) async fn members_extra_info(
    ctx: &mut Context,
    request: &GetClanMemberList_ExtraInfoRequest,
) -> HandlerResult {
    let (title, clan) = (ctx.title_id(), known_clan(request.clan_id)?);
    let index = u8::try_from(request.ladder_stat_index.unwrap_or(0)).ok().filter(|index| *index < 100);
    let stat = index.map(LadderStat::Index);
    if let Some(stat) = stat {
        ctx.bounded(ctx.shared.store.load_ladder(&title, Ranked::Accounts, stat)).await?;
    }
    let found = ctx.read(move |store| {
        let mut rows = Vec::new();
        for member in store.clan_members(&title, clan)? {
            let place = match stat {
                Some(stat) => store.ladder_place(&title, stat, LadderOrder::HighestFirst, member.id)?,
                None => None,
            };
            let stats = store.stats(&title, member.id)?.unwrap_or_default();
            rows.push((member, place, stats.blob));
        }
        Ok(rows)
    });
    let found = found.await?;
    if found.is_empty() {
        return Err(CallbackStatus::CLAN_NOT_FOUND.into());
    }
    let accounts: Vec<AccountId> = found.iter().map(|(member, ..)| wire_account(member.id)).collect();
    let presences: Vec<_> = ctx
        .title()
        .ask(move |state| accounts.iter().map(|account| online_state(&state.presence(*account))).collect())
        .await?;
    let row = row_of(request);
    let rows = found.into_iter().zip(presences).map(|((member, place, blob), online)| {
        let mut row = row.clone();
        row.account_id = wire_account(member.id);
        row.account_name = Text::new(member.name.as_bytes());
        row.stats = Blob(blob);
        row.online_state = online;
        if let Some(place) = place {
            row.ladder_stat = place.value;
            row.ladder_position = place.position;
            row.total_rankings = place.total;
        }
        row
    });
    let rows = rows.collect();
    ctx.reply_list(rows)
}

/// AddPlayerToClan: nobody is put into a clan unasked; the leader invites. Fail, as public servers answer it.
pub(super) async fn add_player(ctx: &mut Context, request: &AddPlayerToClanRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    tracing::debug!(account = request.player_account_id.0, "a player was to be put into a clan unasked");
    Err(CallbackStatus::FAIL.into())
}

pub(super) async fn remove_player(ctx: &mut Context, request: &RemovePlayerFromClanRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, by) = (ctx.title_id(), ctx.stored_account()?);
    let clan = stored_clan(request.clan_id).ok_or(Refusal::Default)?;
    let account = StoredId::new(request.player_account_id.0).ok_or(CallbackStatus::NOT_CLAN_MEMBER)?;
    let statuses = [
        (ClanRefusal::NotMember, CallbackStatus::NOT_CLAN_MEMBER),
        (ClanRefusal::LeaderCannotLeave, CallbackStatus::LEADER_CANNOT_LEAVE_CLAN),
    ];
    change(ctx, &statuses, move |store| store.remove_clan_member(&title, by, clan, account)).await?;
    tell_universe(ctx, account).await;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

pub(super) async fn transfer(ctx: &mut Context, request: &TransferClanLeadershipRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, by) = (ctx.title_id(), ctx.stored_account()?);
    let to = StoredId::new(request.new_leader_account_id.0).ok_or(Refusal::Default)?;
    change(ctx, &[], move |store| store.transfer_clan(&title, by, to)).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

// ---- invitations ----

pub(super) async fn invite(ctx: &mut Context, request: &InvitePlayerToClanRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let account = StoredId::new(request.player_account_id.0);
    send_invitation(ctx, account, &request.invite_message).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

/// InvitePlayerToClan_ByName; its answer is InvitePlayerToClanResponse.
pub(super) async fn invite_by_name(
    ctx: &mut Context,
    request: &InvitePlayerToClan_ByNameRequest,
) -> HandlerResult {
    let (title, name) = (ctx.title_id(), request.account_name);
    let account = ctx.read(move |store| store.account_by_name(&title, name.as_bytes())).await?;
    send_invitation(ctx, account.map(|account| account.id), &request.invite_message).await?;
    ctx.reply(InvitePlayerToClanResponse {
        message_id: request.message_id,
        status_code: CallbackStatus::SUCCESS,
    });
    Ok(())
}

async fn send_invitation(ctx: &Context, account: Option<StoredId>, message: &Text<200>) -> HandlerResult {
    let (title, by, now) = (ctx.title_id(), ctx.stored_account()?, ctx.unix_now());
    let leads = clan_of_player(ctx).await?.is_some_and(|clan| clan.leader == by);
    if !leads {
        return Err(CallbackStatus::NOT_CLAN_LEADER.into());
    }
    let account = account.ok_or(Refusal::Default)?;
    check_text(ctx, message.as_bytes())?;
    let message = *message;
    let statuses = [(ClanRefusal::NotLeader, CallbackStatus::NOT_CLAN_LEADER)];
    let call = move |store: &dyn Store| store.invite_to_clan(&title, by, account, message.as_bytes(), now);
    change(ctx, &statuses, call).await?;
    Ok(())
}

/// GetClanInvitationsSent: those that wait, and those that were answered with what the player answered. What the leader
/// took back is not shown.
pub(super) async fn invitations_sent(
    ctx: &mut Context,
    request: &GetClanInvitationsSentRequest,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, clan) = (ctx.title_id(), led_clan(ctx).await?.id);
    let found = ctx.read(move |store| {
        let mut rows = Vec::new();
        for row in store.clan_invitations(&title, clan)? {
            let account = store.account(&title, row.account)?;
            rows.extend(account.map(|account| (row, account.name)));
        }
        Ok(rows)
    });
    let found = found.await?.into_iter();
    let dialect = ctx.dialect();
    let row = row_of(request);
    let rows = found.filter(|(row, _)| row.status != ClanInvitationStatus::Revoked).map(
        |(invitation, name): (ClanInvitation, _)| {
            let mut row = row.clone();
            row.account_id = wire_account(invitation.account);
            row.account_name = Text::new(name.as_bytes());
            row.response_msg = field(dialect, invitation.response.as_bytes());
            row.response_status = invitation_status(invitation.status);
            row.response_time = wire_time(invitation.responded);
            row
        },
    );
    let rows = page(rows, request.start, request.page_size);
    ctx.reply_list(rows)
}

pub(super) async fn my_invitations(
    ctx: &mut Context,
    request: &CheckMyClanInvitationsRequest,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let title = ctx.title_id();
    let account = ctx.stored_account().map_err(|_| CallbackStatus::NO_RESULT)?;
    let found = ctx.read(move |store| {
        let mut rows = Vec::new();
        for row in store.invitations_to_clans(&title, account)? {
            let Some(clan) = store.clan(&title, row.clan)? else { continue };
            let leader = store.account(&title, clan.leader)?;
            rows.extend(leader.map(|leader| (row, leader)));
        }
        Ok(rows)
    });
    let found = found.await?.into_iter();
    let dialect = ctx.dialect();
    let row = row_of(request);
    let rows = found.map(|(invitation, leader)| {
        let mut row = row.clone();
        row.clan_invitation_id = wire_number(invitation.id.0);
        row.clan_id = wire_clan(invitation.clan);
        row.response_status = invitation_status(invitation.status);
        row.message = field(dialect, invitation.message.as_bytes());
        row.leader_account_id = wire_account(leader.id);
        row.leader_account_name = Text::new(leader.name.as_bytes());
        row
    });
    let rows = page(rows, request.start, request.page_size);
    ctx.reply_list(rows)
}

pub(super) async fn respond(ctx: &mut Context, request: &RespondToClanInvitationRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, account, now) = (ctx.title_id(), ctx.stored_account()?, ctx.unix_now());
    let id = u32::try_from(request.clan_invitation_id).map_err(|_| Refusal::Default)?;
    let accept = match request.response {
        ClanInvitationsResponseStatus::ACCEPT => true,
        ClanInvitationsResponseStatus::DECLINE => false,
        _ => return Err(Refusal::Default),
    };
    check_text(ctx, request.message.as_bytes())?;
    let text = request.message;
    let call = move |store: &dyn Store| {
        store.answer_clan_invitation(&title, account, ClanInvitationId(id), accept, text.as_bytes(), now)
    };
    change(ctx, &[], call).await?;
    if accept {
        tell_universe(ctx, account).await;
    }
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

pub(super) async fn revoke(ctx: &mut Context, request: &RevokeClanInvitationRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, by, now) = (ctx.title_id(), ctx.stored_account()?, ctx.unix_now());
    let account = StoredId::new(request.player_account_id.0).ok_or(Refusal::Default)?;
    change(ctx, &[], move |store| store.revoke_clan_invitation(&title, by, account, now)).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

// ---- messages ----

pub(super) async fn send_message(ctx: &mut Context, request: &SendClanMessageRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, by, now) = (ctx.title_id(), ctx.stored_account()?, ctx.unix_now());
    check_text(ctx, request.message.as_bytes())?;
    let text = request.message.clone();
    change(ctx, &[], move |store| store.send_clan_message(&title, by, text.as_bytes(), now)).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

pub(super) async fn modify_message(ctx: &mut Context, request: &ModifyClanMessageRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, by) = (ctx.title_id(), ctx.stored_account()?);
    let id = ClanMessageId(u32::try_from(request.clan_message_id).map_err(|_| Refusal::Default)?);
    check_text(ctx, request.new_message.as_bytes())?;
    let text = request.new_message;
    change(ctx, &[], move |store| store.modify_clan_message(&title, by, id, text.as_bytes())).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

pub(super) async fn delete_message(ctx: &mut Context, request: &DeleteClanMessageRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, by) = (ctx.title_id(), ctx.stored_account()?);
    let id = ClanMessageId(u32::try_from(request.clan_message_id).map_err(|_| Refusal::Default)?);
    change(ctx, &[], move |store| store.delete_clan_message(&title, by, id)).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

/// Messages of the player's clan, newest first: a title that asks for one shows the newest, as the public servers have it.
/// Deleted ones are left out.
async fn messages(ctx: &Context) -> Result<(StoredClan, Vec<ClanMessage>), Refusal> {
    let (title, clan) = (ctx.title_id(), clan_of_player(ctx).await?);
    let clan = clan.ok_or(CallbackStatus::NO_RESULT)?.id;
    let mut found = ctx.read(move |store| store.clan_messages(&title, clan)).await?;
    found.retain(|message| !message.deleted);
    found.reverse();
    Ok((clan, found))
}

/// GetMyClanMessages. Of a clan that is not the player's: NoResult.
pub(super) async fn my_messages(ctx: &mut Context, request: &GetMyClanMessagesRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (clan, found) = messages(ctx).await?;
    if wire_clan(clan) != request.clan_id {
        return Err(CallbackStatus::NO_RESULT.into());
    }
    let dialect = ctx.dialect();
    let row = row_of(request);
    let rows = found.into_iter().map(|message| {
        let mut row = row.clone();
        row.clan_id = wire_clan(clan);
        row.clan_message_id = Some(wire_number(message.id.0));
        row.message = field(dialect, message.text.as_bytes());
        row
    });
    let rows = page(rows, request.start, request.page_size);
    ctx.reply_list(rows)
}

pub(super) async fn all_messages(ctx: &mut Context, request: &GetAllClanMessagesRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let account = ctx.stored_account()?;
    let (_, found) = messages(ctx).await?;
    let row = row_of(request);
    let rows = found.into_iter().map(|message| {
        let mut row = row.clone();
        row.clan_message_id = wire_number(message.id.0);
        row.message = Text::new(message.text.as_bytes());
        row.status = message_status(message.status_for(account));
        row
    });
    let rows = page(rows, request.start, request.page_size);
    ctx.reply_list(rows)
}

/// SetMessageAsRead. Only messages of a clan are known to be read or not, so every number is taken as one of those,
/// whatever its MessageType (the SDK's list names announcements alone). What is not there is read: Success always
/// (servers.md 7.1), by the generic StatusResponse.
pub(super) async fn set_message_as_read(
    ctx: &mut Context,
    request: &SetMessageAsReadRequest,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let title = ctx.title_id();
    if let (Ok(account), Ok(id)) = (ctx.stored_account(), u32::try_from(request.message_id_to_tag)) {
        let call = move |store: &dyn Store| store.read_clan_message(&title, account, ClanMessageId(id));
        match ctx.write(call).await {
            Err(StoreFailure::Store(StoreError::Clan { .. })) => {}
            other => other?,
        }
    }
    ctx.reply(status_response(NetMessageClass::LOBBY, 0xc7, request.message_id, CallbackStatus::SUCCESS));
    Ok(())
}

// ---- stats ----

/// Of a member; a clan that is not there is ClanNotFound.
const STATS: [(ClanRefusal, CallbackStatus); 2] = [
    (ClanRefusal::NoClan, CallbackStatus::CLAN_NOT_FOUND),
    (ClanRefusal::NotMember, CallbackStatus::NOT_CLAN_MEMBER),
];

pub(super) async fn update_stats(ctx: &mut Context, request: &UpdateClanStatsRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, by) = (ctx.title_id(), ctx.stored_account()?);
    let clan = stored_clan(request.clan_id).ok_or(CallbackStatus::CLAN_NOT_FOUND)?;
    let update = StatsUpdate::Blob(Box::new(request.stats.0));
    change(ctx, &STATS, move |store| store.update_clan_stats(&title, by, clan, &[update])).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

/// Stats of a clan; `None` for an unknown one.
pub(super) async fn stats(ctx: &Context, id: ClanId) -> Result<Option<Stats>, Refusal> {
    let Some(clan) = stored_clan(id) else { return Ok(None) };
    let title = ctx.title_id();
    Ok(ctx.read(move |store| store.clan_stats(&title, clan)).await?)
}

/// UpdateLadderStats and UpdateLadderStatsWide of the clan ladder: the player's own clan. NotClanMember without one.
pub(super) async fn update_own_stats(ctx: &Context, update: StatsUpdate) -> HandlerResult {
    let (title, by) = (ctx.title_id(), ctx.stored_account()?);
    let clan = clan_of_player(ctx).await?.ok_or(CallbackStatus::NOT_CLAN_MEMBER)?.id;
    change(ctx, &STATS, move |store| store.update_clan_stats(&title, by, clan, &[update])).await
}

/// UpdateClanLadderStatsWide_Delta: FeatureNotEnabled unless the title has it (`clans.stat_deltas`).
pub(super) async fn add_to_stats(
    ctx: &mut Context,
    request: &UpdateClanLadderStatsWide_DeltaRequest,
) -> HandlerResult {
    if !ctx.app().title().config.clans.stat_deltas {
        return Err(CallbackStatus::FEATURE_NOT_ENABLED.into());
    }
    let (title, by, deltas) = (ctx.title_id(), ctx.stored_account()?, request.stats);
    let clan = stored_clan(request.clan_id).ok_or(CallbackStatus::CLAN_NOT_FOUND)?;
    change(ctx, &STATS, move |store| store.add_to_clan_stats(&title, by, clan, &deltas)).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

// ---- team challenges ----

pub(super) async fn challenge(ctx: &mut Context, request: &RequestClanTeamChallengeRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, by, now) = (ctx.title_id(), ctx.stored_account()?, ctx.unix_now());
    check_text(ctx, request.message.as_bytes())?;
    let against = stored_clan(request.clan_id).ok_or(Refusal::Default)?;
    let text = request.message;
    let statuses = [(ClanRefusal::NotLeader, CallbackStatus::NOT_CLAN_LEADER)];
    let call = move |store: &dyn Store| store.challenge_clan(&title, by, against, text.as_bytes(), now);
    change(ctx, &statuses, call).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

fn challenge_id(id: i32) -> Result<ClanChallengeId, Refusal> {
    u32::try_from(id).map(ClanChallengeId).map_err(|_| Refusal::Default)
}

pub(super) async fn answer_challenge(
    ctx: &mut Context,
    request: &RespondToClanTeamChallengeRequest,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, by, now) = (ctx.title_id(), ctx.stored_account()?, ctx.unix_now());
    let id = challenge_id(request.clan_challenge_id)?;
    let accept = match request.challenge_status {
        ClanChallengeStatus::ACCEPTED => true,
        ClanChallengeStatus::REFUSED => false,
        _ => return Err(Refusal::Default),
    };
    check_text(ctx, request.message.as_bytes())?;
    let text = request.message;
    let call =
        move |store: &dyn Store| store.answer_clan_challenge(&title, by, id, accept, text.as_bytes(), now);
    change(ctx, &[], call).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

pub(super) async fn revoke_challenge(
    ctx: &mut Context,
    request: &RevokeClanTeamChallengeRequest,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, by, now) = (ctx.title_id(), ctx.stored_account()?, ctx.unix_now());
    let id = challenge_id(request.clan_challenge_id)?;
    change(ctx, &[], move |store| store.revoke_clan_challenge(&title, by, id, now)).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

pub(super) async fn confirm_challenge(
    ctx: &mut Context,
    request: &ConfirmClanTeamChallengeRequest,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, by, now) = (ctx.title_id(), ctx.stored_account()?, ctx.unix_now());
    let id = challenge_id(request.clan_challenge_id)?;
    change(ctx, &[], move |store| store.confirm_clan_challenge(&title, by, id, now)).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

/// Challenges of the clan that the player leads, newest first; NoResult if it is not that clan.
async fn challenges_of(ctx: &Context, id: ClanId) -> Result<(StoredClan, Vec<ClanChallenge>), Refusal> {
    let (title, clan) = (ctx.title_id(), led_clan(ctx).await?.id);
    if wire_clan(clan) != id {
        return Err(CallbackStatus::NO_RESULT.into());
    }
    let mut rows = ctx.read(move |store| store.clan_challenges(&title, clan)).await?;
    rows.reverse();
    Ok((clan, rows))
}

/// GetClanTeamChallenges: those of one status; with ChallengedOnly those that others made.
pub(super) async fn challenges(ctx: &mut Context, request: &GetClanTeamChallengesRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (clan, found) = challenges_of(ctx, request.clan_id).await?;
    let row = row_of(request);
    let wanted = |challenge: &ClanChallenge| {
        challenge_status(challenge.status) == request.status
            && (request.challenged_only == 0 || challenge.against == clan)
    };
    let rows = found.into_iter().filter(wanted).map(|challenge| {
        let mut row = row.clone();
        row.challenger_clan_id = wire_clan(challenge.challenger);
        row.against_clan_id = wire_clan(challenge.against);
        row.status = challenge_status(challenge.status);
        row.response_time = wire_time(challenge.responded);
        row.challenge_msg = Text::new(challenge.message.as_bytes());
        row.response_msg = Text::new(challenge.response.as_bytes());
        row.clan_challenge_id = wire_number(challenge.id.0);
        row
    });
    let rows = page(rows, request.start, request.page_size);
    ctx.reply_list(rows)
}

/// GetClanTeamChallengeHistory: challenges that are over, made by the clan or (ThisClanIsChallenger 0) to it. The row
/// names the other clan.
pub(super) async fn challenge_history(
    ctx: &mut Context,
    request: &GetClanTeamChallengeHistoryRequest,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (clan, found) = challenges_of(ctx, request.clan_id).await?;
    let row = row_of(request);
    let made = request.this_clan_is_challenger != 0;
    let wanted =
        |challenge: &ClanChallenge| !challenge.status.is_open() && (challenge.challenger == clan) == made;
    let rows = found.into_iter().filter(wanted).map(|challenge| {
        let mut row = row.clone();
        row.against_clan_id = wire_clan(if made { challenge.against } else { challenge.challenger });
        row.status = challenge_status(challenge.status);
        row
    });
    let rows = page(rows, request.start, request.page_size);
    ctx.reply_list(rows)
}
