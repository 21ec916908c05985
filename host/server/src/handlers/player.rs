//! Players: where one is, who one is, network ids, votes and bans.

use medley_store::{AccountId as StoredId, BanScope, BanSubject, NewBan, PluginScope, Text as StoredText};
use medley_universe::{EndReason, Kick, Session, State};
use medley_wire::AccountId;
use medley_wire::enums::{CallbackStatus, NetMessageClass, PlayerSearchType, PlayerStatus};
use medley_wire::messages::{
    BanPlayerRequest, FindPlayerRequest, FindPlayerResponse, NpIdPostRequest, NpIdsGetByAccountNamesRequest,
    NpIdsGetByAccountNamesResponse, PlayerInfoRequest, Request, VoteToBanPlayerRequest,
};
use medley_wire::types::{Blob, Text};

use super::rows::{name, row_of};
use crate::context::{Context, HandlerResult};
use crate::dispatch::status_response;

/// Where an account's network id lies in the store, beside the data of plugins.
const NP_ID_KEY: &[u8] = b"\0host/np-id";
/// SceNpId: online id 16, terminator 1, dummy 3, options 8, reserved 8.
const NP_ID_BYTES: usize = 36;
/// Names that one NpIdsGetByAccountNames may look up.
const NAMES: usize = 256;

/// FindPlayer, by id or by name: who is online. ApplicationType 0 with the game of who is in one, else 1 with the channel
/// (observed.md 3.28). Not online: AccountNotFound, with what was searched for.
pub(super) async fn find(ctx: &mut Context, request: &FindPlayerRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let row = row_of(request);
    let app = ctx.app();
    let by_name = request.search_type == PlayerSearchType::NAME;
    let (id, wanted) = (AccountId(request.id), name(&request.name));
    let mut rows: Vec<FindPlayerResponse> = ctx
        .title()
        .ask(move |state| {
            let row = |player: &Session| {
                let (application_type, medius_world_id) = state.whereabouts(player);
                let apps = &app.title().apps;
                let found = apps.iter().find(|app| app.id == player.app_id.0).unwrap_or_else(|| app.app());
                Some(FindPlayerResponse {
                    application_id: player.app_id,
                    application_name: Text::new(&found.application_name),
                    application_type,
                    medius_world_id,
                    account_id: player.account?,
                    account_name: Text::new(&player.name),
                    ..row.clone()
                })
            };
            if by_name {
                state.players_named(&wanted).filter_map(row).collect()
            } else {
                state.player(id).into_iter().filter_map(row).collect()
            }
        })
        .await?;
    if rows.is_empty() {
        let mut answer = request.answer_with(CallbackStatus::ACCOUNT_NOT_FOUND);
        answer.account_id = AccountId(request.id);
        answer.account_name = request.name;
        rows.push(answer);
    }
    ctx.reply_list(rows)
}

/// PlayerInfo, of anybody who has an account. Unknown: NoResult; but of nobody (UYA asks for account -1 and shows an error
/// unless it is Success): an empty Success.
pub(super) async fn info(ctx: &mut Context, request: &PlayerInfoRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let id = request.account_id;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    let online = ctx
        .title()
        .ask(move |state: &State| {
            let player = state.player(id)?;
            let stats = Blob::new(&player.stats);
            Some((player.name.clone(), player.app_id, player.status(), player.connection_class, stats))
        })
        .await?;
    if let Some((name, app_id, status, class, stats)) = online {
        answer.account_name = Text::new(&name);
        answer.application_id = app_id;
        answer.player_status = status;
        answer.connection_class = class;
        answer.stats = stats;
        ctx.reply(answer);
        return Ok(());
    }
    if let Some(stored) = StoredId::new(id.0) {
        let title = ctx.title_id();
        let found = ctx.read(move |store| {
            let Some(account) = store.account(&title, stored)? else { return Ok(None) };
            Ok(Some((account.name, store.stats(&title, stored)?.unwrap_or_default())))
        });
        let (name, stats) = found.await?.ok_or(CallbackStatus::NO_RESULT)?;
        answer.account_name = Text::new(name.as_bytes());
        answer.application_id = ctx.app_id();
        answer.player_status = PlayerStatus::PLAYER_DISCONNECTED;
        answer.stats = Blob(stats.blob);
    }
    ctx.reply(answer);
    Ok(())
}

/// NpIdPost: keeps the account's network id. Answered by the generic StatusResponse (servers.md 1, rule 11).
pub(super) async fn post_np_id(ctx: &mut Context, request: &NpIdPostRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (title, account) = (ctx.title_id(), ctx.stored_account()?);
    let mut id = Vec::with_capacity(NP_ID_BYTES);
    id.extend_from_slice(&request.data.0);
    id.push(request.term);
    id.extend_from_slice(&request.dummy.0);
    id.extend_from_slice(&request.opt.0);
    id.extend_from_slice(&request.reserved.0);
    ctx.write(move |store| store.plugin_set(&title, PluginScope::Account(account), NP_ID_KEY, &id)).await?;
    ctx.reply(status_response(NetMessageClass::LOBBY_EXT, 0x6e, request.message_id, CallbackStatus::SUCCESS));
    Ok(())
}

/// NpIdsGetByAccountNames: a row for each name whose account has posted its id.
pub(super) async fn np_ids(ctx: &mut Context, request: &NpIdsGetByAccountNamesRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let title = ctx.title_id();
    let names: Vec<Vec<u8>> =
        request.account_names.iter().take(NAMES).map(|name| name.name.as_bytes().to_vec()).collect();
    let found = ctx.read(move |store| {
        let mut found = Vec::new();
        for name in names {
            let Some(account) = store.account_by_name(&title, &name)? else { continue };
            if let Some(id) = store.plugin_get(&title, PluginScope::Account(account.id), NP_ID_KEY)? {
                found.push((account.name, id));
            }
        }
        Ok(found)
    });
    let row = row_of(request);
    let row = |(name, id): (StoredText, Vec<u8>)| {
        let part = |from: usize, to: usize| id.get(from..to).unwrap_or_default();
        NpIdsGetByAccountNamesResponse {
            account_name: Text::new(name.as_bytes()),
            data: Blob::new(part(0, 16)),
            term: part(16, 17).first().copied().unwrap_or_default(),
            dummy: Blob::new(part(17, 20)),
            opt: Blob::new(part(20, 28)),
            reserved: Blob::new(part(28, NP_ID_BYTES)),
            ..row.clone()
        }
    };
    let rows = found.await?.into_iter().map(row).collect();
    ctx.reply_list(rows)
}

/// VoteToBanPlayer is not answered and decides nothing here: which votes suffice is the title's own business.
pub(super) async fn vote_to_ban(ctx: &mut Context, vote: &VoteToBanPlayerRequest) -> HandlerResult {
    tracing::info!(
        account = ctx.player()?.id.0,
        game = vote.medius_world_id.0,
        index = vote.dme_client_index,
        action = ?vote.vote_action,
        reason = ?vote.ban_reason,
        "a player votes to ban another"
    );
    Ok(())
}

/// BanPlayer: moderators only, else PlayerNotPrivileged. Holds in the whole title for BanMinutes, 0 or less for good, and
/// puts the player out at once. Of nobody: AccountNotFound.
pub(super) async fn ban(ctx: &mut Context, request: &BanPlayerRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (session, account) = (ctx.session()?, request.ban_account_id);
    let privileged = move |state: &State| state.session(session).is_some_and(|session| session.moderator);
    if !ctx.title().ask(privileged).await? {
        return Err(CallbackStatus::PLAYER_NOT_PRIVILEGED.into());
    }
    let (title, now) = (ctx.title_id(), ctx.unix_now());
    let stored = StoredId::new(account.0).ok_or(CallbackStatus::ACCOUNT_NOT_FOUND)?;
    let of = title.clone();
    ctx.read(move |store| store.account(&of, stored)).await?.ok_or(CallbackStatus::ACCOUNT_NOT_FOUND)?;
    let mut reason = b"banned by moderator ".to_vec();
    reason.extend_from_slice(ctx.player()?.name.as_bytes());
    let ban = NewBan {
        scope: BanScope::Title(title),
        subject: BanSubject::Account(stored),
        reason: StoredText(reason),
        created: now,
        expires: (request.ban_minutes > 0).then(|| now + 60 * i64::from(request.ban_minutes)),
    };
    ctx.write(move |store| store.add_ban(&ban)).await?;
    ctx.title().run(Kick { account, reason: EndReason::Banned }).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}
