//! Buddies and ignored players. Durable before it is acknowledged: first the store, then the universe's copy, then the
//! answer.

use medley_store::{AccountId as StoredId, ListKind};
use medley_universe::{
    AddBuddy, AddIgnored, AnswerBuddyInvitation, Buddy, InviteBuddy, Name, RemoveBuddy, RemoveIgnored,
    SetBuddies, SetIgnored,
};
use medley_wire::AccountId;
use medley_wire::enums::CallbackStatus;
use medley_wire::messages::{
    AddToBuddyListConfirmationRequest, AddToBuddyListFwdConfirmationResponse, AddToBuddyListRequest,
    AddToIgnoreListRequest, BuddySetListRequest, GetBuddyInvitationsRequest, GetBuddyInvitationsResponse,
    GetBuddyList_ExtraInfoRequest, GetBuddyList_ExtraInfoResponse, GetBuddyListRequest, GetBuddyListResponse,
    GetIgnoreListRequest, GetIgnoreListResponse, IgnoreSetListRequest, LengthPrefixedName,
    RemoveFromBuddyListRequest, RemoveFromIgnoreListRequest, Request,
};
use medley_wire::types::Text;

use super::rows::{online_state, row_of};
use crate::context::{Context, HandlerResult, Refusal};

/// The account id of somebody on a PS3's list who has no account (servers.md 7.6). Offline, whoever else has this number.
const NO_ACCOUNT: AccountId = AccountId(-1);

/// GetBuddyList, in ascending account id as UYA's list came (`uya_ps2_join_game_dme`, lines 91 to 120).
pub(super) async fn list(ctx: &mut Context, request: &GetBuddyListRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (session, row) = (ctx.session()?, row_of(request));
    let rows = ctx
        .title()
        .ask(move |state| {
            let Some(session) = state.session(session) else { return Vec::new() };
            let buddies = session.buddies.values().map(|buddy| GetBuddyListResponse {
                account_id: buddy.account,
                account_name: Text::new(&buddy.name),
                player_status: state.presence(buddy.account).status,
                ..row.clone()
            });
            let strangers = session.buddy_strangers.iter().map(|name| GetBuddyListResponse {
                account_id: NO_ACCOUNT,
                account_name: Text::new(name),
                ..row.clone()
            });
            buddies.chain(strangers).collect()
        })
        .await?;
    ctx.reply_list(rows)
}

/// GetBuddyList_ExtraInfo; who is offline has zeros and empty names (observed.md 3.25).
pub(super) async fn list_extra_info(
    ctx: &mut Context,
    request: &GetBuddyList_ExtraInfoRequest,
) -> HandlerResult {
    let (session, row) = (ctx.session()?, row_of(request));
    let rows = ctx
        .title()
        .ask(move |state| {
            let Some(session) = state.session(session) else { return Vec::new() };
            let buddies = session.buddies.values().map(|buddy| GetBuddyList_ExtraInfoResponse {
                account_id: buddy.account,
                account_name: Text::new(&buddy.name),
                online_state: online_state(&state.presence(buddy.account)),
                ..row.clone()
            });
            let strangers = session.buddy_strangers.iter().map(|name| GetBuddyList_ExtraInfoResponse {
                account_id: NO_ACCOUNT,
                account_name: Text::new(name),
                ..row.clone()
            });
            buddies.chain(strangers).collect()
        })
        .await?;
    ctx.reply_list(rows)
}

pub(super) async fn ignore_list(ctx: &mut Context, request: &GetIgnoreListRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (session, row) = (ctx.session()?, row_of(request));
    let rows = ctx
        .title()
        .ask(move |state| {
            let Some(session) = state.session(session) else { return Vec::new() };
            let ignored = session.ignored.values().map(|ignored| GetIgnoreListResponse {
                ignore_account_id: ignored.account,
                ignore_account_name: Text::new(&ignored.name),
                player_status: state.presence(ignored.account).status,
                ..row.clone()
            });
            let strangers = session.ignored_strangers.iter().map(|name| GetIgnoreListResponse {
                ignore_account_id: NO_ACCOUNT,
                ignore_account_name: Text::new(name),
                ..row.clone()
            });
            ignored.chain(strangers).collect()
        })
        .await?;
    ctx.reply_list(rows)
}

pub(super) async fn add(ctx: &mut Context, request: &AddToBuddyListRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (session, account) = (ctx.session()?, request.account_id);
    ctx.title().ask(move |state| state.may_add_buddy(session, account)).await??;
    let buddy = enlist(ctx, ListKind::Buddies, account).await?;
    // The store has it. If the universe's copy has it meanwhile (an invitation was accepted), that is as well.
    let _ = ctx.title().run(AddBuddy { session, buddy }).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

pub(super) async fn ignore(ctx: &mut Context, request: &AddToIgnoreListRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (session, account) = (ctx.session()?, request.ignore_account_id);
    ctx.title().ask(move |state| state.may_ignore(session, account)).await??;
    let buddy = enlist(ctx, ListKind::Ignored, account).await?;
    let _ = ctx.title().run(AddIgnored { session, buddy }).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

pub(super) async fn remove(ctx: &mut Context, request: &RemoveFromBuddyListRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (session, account) = (ctx.session()?, request.account_id);
    strike(ctx, ListKind::Buddies, account).await?;
    let _ = ctx.title().run(RemoveBuddy { session, account }).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

pub(super) async fn stop_ignoring(ctx: &mut Context, request: &RemoveFromIgnoreListRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (session, account) = (ctx.session()?, request.ignore_account_id);
    strike(ctx, ListKind::Ignored, account).await?;
    let _ = ctx.title().run(RemoveIgnored { session, account }).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

/// Writes somebody on a list of the player. DBError for oneself, an unknown account, a double, a full list.
async fn enlist(ctx: &Context, kind: ListKind, account: AccountId) -> Result<Buddy, Refusal> {
    let (title, owner, now) = (ctx.title_id(), ctx.stored_account()?, ctx.unix_now());
    let other = StoredId::new(account.0).ok_or(CallbackStatus::DB_ERROR)?;
    let of = title.clone();
    let listed = ctx.read(move |store| store.account(&of, other)).await?.ok_or(CallbackStatus::DB_ERROR)?;
    ctx.write(move |store| store.add_to_list(&title, kind, owner, other, now)).await?;
    Ok(Buddy { account, name: Name::new(listed.name.as_bytes()) })
}

/// Takes somebody off a list of the player. DBError if they are not on it.
async fn strike(ctx: &Context, kind: ListKind, account: AccountId) -> HandlerResult {
    let (title, owner) = (ctx.title_id(), ctx.stored_account()?);
    let other = StoredId::new(account.0).ok_or(CallbackStatus::DB_ERROR)?;
    ctx.write(move |store| store.remove_from_list(&title, kind, owner, other)).await?;
    Ok(())
}

/// BuddySetList: the friends list of a PS3, for this session. Names without an account stand on it with id -1, offline. An
/// empty list is NoResult.
pub(super) async fn set_list(ctx: &mut Context, request: &BuddySetListRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let limit = ctx.app().title().config.limits.max_buddies;
    let (list, strangers) = accounts_named(ctx, &request.list, limit).await?;
    ctx.title().run(SetBuddies { session: ctx.session()?, list, strangers }).await??;
    ctx.reply(request.answer_with(set_status(&request.list)));
    Ok(())
}

/// IgnoreSetList, as BuddySetList; its answer is IgnoreSetListStatusResponse.
pub(super) async fn set_ignore_list(ctx: &mut Context, request: &IgnoreSetListRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let limit = ctx.app().title().config.limits.max_ignored;
    let (list, strangers) = accounts_named(ctx, &request.list, limit).await?;
    ctx.title().run(SetIgnored { session: ctx.session()?, list, strangers }).await??;
    ctx.reply(request.answer_with(set_status(&request.list)));
    Ok(())
}

fn set_status(names: &[LengthPrefixedName]) -> CallbackStatus {
    if names.is_empty() { CallbackStatus::NO_RESULT } else { CallbackStatus::SUCCESS }
}

/// Who of `names` has an account, and who has none. Of a name that is there twice the second one counts for nothing.
async fn accounts_named(
    ctx: &Context,
    names: &[LengthPrefixedName],
    limit: u32,
) -> Result<(Vec<Buddy>, Vec<Name>), Refusal> {
    let title = ctx.title_id();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let names: Vec<Name> = names.iter().take(limit).map(|name| Name::new(name.name.as_bytes())).collect();
    let found = ctx.read(move |store| {
        let (mut found, mut strangers) = (Vec::new(), Vec::new());
        for name in names {
            if let Some(account) = store.account_by_name(&title, name.as_bytes())? {
                let name = Name::new(account.name.as_bytes());
                found.push(Buddy { account: AccountId(account.id.get()), name });
            } else if !name.is_empty() && !strangers.contains(&name) {
                strangers.push(name);
            }
        }
        Ok((found, strangers))
    });
    Ok(found.await?)
}

/// AddToBuddyListConfirmation. The answer comes when the other player has answered (`crate::pushes`), so only a refusal
/// is answered here.
pub(super) async fn invite(ctx: &mut Context, request: &AddToBuddyListConfirmationRequest) -> HandlerResult {
    if let Err(refusal) = ask_to_be_buddies(ctx, request).await {
        let status = match refusal {
            Refusal::Status(status) => status,
            Refusal::Default | Refusal::Answered => CallbackStatus::FAIL,
        };
        let mut answer = request.answer_with(status);
        answer.target_account_id = request.target_account_id;
        ctx.reply(answer);
    }
    Ok(())
}

async fn ask_to_be_buddies(ctx: &Context, request: &AddToBuddyListConfirmationRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    ctx.stored_account()?;
    let (title, target) = (ctx.title_id(), request.target_account_id);
    let stored = StoredId::new(target.0).ok_or(CallbackStatus::ACCOUNT_NOT_FOUND)?;
    ctx.read(move |store| store.account(&title, stored)).await?.ok_or(CallbackStatus::ACCOUNT_NOT_FOUND)?;
    let invite = InviteBuddy { session: ctx.session()?, target, add_type: request.add_type };
    ctx.title().run(invite).await??;
    Ok(())
}

/// AddToBuddyListFwdConfirmationResponse, of the one who was asked. Not answered.
pub(super) async fn answer_invitation(
    ctx: &mut Context,
    request: &AddToBuddyListFwdConfirmationResponse,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let answer = AnswerBuddyInvitation {
        session: ctx.session()?,
        originator: request.originator_account_id,
        status: request.status_code,
    };
    ctx.title().run(answer).await??;
    Ok(())
}

pub(super) async fn invitations(ctx: &mut Context, request: &GetBuddyInvitationsRequest) -> HandlerResult {
    let (session, row) = (ctx.session()?, row_of(request));
    let rows = ctx
        .title()
        .ask(move |state| {
            let waiting = state.session(session).into_iter().flat_map(|session| session.invitations.values());
            let row = |invitation: &medley_universe::Invitation| GetBuddyInvitationsResponse {
                account_id: invitation.from,
                account_name: Text::new(&invitation.name),
                add_type: invitation.add_type,
                ..row.clone()
            };
            waiting.map(row).collect()
        })
        .await?;
    ctx.reply_list(rows)
}
