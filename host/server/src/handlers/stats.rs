//! Stats of players: the opaque blob's kin, wide and narrow. Written before they are acknowledged.

use medley_store::{AccountId as StoredId, StatsUpdate};
use medley_universe::SetAccountStats;
use medley_wire::ClanId;
use medley_wire::enums::{CallbackStatus, LadderType};
use medley_wire::messages::{
    AccountUpdateStats_OpenAccessRequest, GetLadderStatsRequest, GetLadderStatsWideRequest,
    GetTotalRankingsRequest, Request, UpdateLadderStatsRequest, UpdateLadderStatsWideRequest,
};

use crate::context::{Context, HandlerResult, Refusal};

/// GetLadderStatsWide: 100 numbers in wire order (`dl_ps2_full_session`, line 85), zeros for an account that never wrote
/// any. Unknown: NoResult, with the id.
pub(super) async fn get_wide(ctx: &mut Context, request: &GetLadderStatsWideRequest) -> HandlerResult {
    let stats = read(ctx, request.account_id_or_clan_id, request.ladder_type).await?;
    let mut answer =
        request.answer_with(stats.as_ref().map_or(CallbackStatus::NO_RESULT, |_| CallbackStatus::SUCCESS));
    answer.account_id_or_clan_id = request.account_id_or_clan_id;
    if let Some(stats) = stats {
        answer.stats = stats.wide;
    }
    ctx.reply(answer);
    Ok(())
}

/// GetLadderStats: the 15 numbers that older titles keep.
pub(super) async fn get_narrow(ctx: &mut Context, request: &GetLadderStatsRequest) -> HandlerResult {
    let stats = read(ctx, request.account_id_or_clan_id, request.ladder_type).await?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.stats = stats.ok_or(CallbackStatus::NO_RESULT)?.ladder;
    ctx.reply(answer);
    Ok(())
}

/// Stats of a player or a clan; `None` for an unknown one.
async fn read(ctx: &Context, id: ClanId, ladder: LadderType) -> Result<Option<medley_store::Stats>, Refusal> {
    if ladder != LadderType::PLAYER {
        return super::clan::stats(ctx, id).await;
    }
    let Some(account) = StoredId::new(id.0) else { return Ok(None) };
    let title = ctx.title_id();
    Ok(ctx.read(move |store| store.stats(&title, account)).await?)
}

pub(super) async fn update_wide(ctx: &mut Context, request: &UpdateLadderStatsWideRequest) -> HandlerResult {
    write(ctx, request.ladder_type, StatsUpdate::Wide(Box::new(request.stats))).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

pub(super) async fn update_narrow(ctx: &mut Context, request: &UpdateLadderStatsRequest) -> HandlerResult {
    write(ctx, request.ladder_type, StatsUpdate::Ladder(request.stats)).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

/// Replaces part of the player's own stats, or of their clan's.
async fn write(ctx: &Context, ladder: LadderType, update: StatsUpdate) -> HandlerResult {
    if ladder != LadderType::PLAYER {
        return super::clan::update_own_stats(ctx, update).await;
    }
    let (title, account) = (ctx.title_id(), ctx.stored_account()?);
    ctx.write(move |store| store.update_stats(&title, account, &[update])).await?;
    Ok(())
}

/// AccountUpdateStats_OpenAccess: as AccountUpdateStats, without an answer.
pub(super) async fn update_open_access(
    ctx: &mut Context,
    request: &AccountUpdateStats_OpenAccessRequest,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let blob = request.stats.0;
    write(ctx, LadderType::PLAYER, StatsUpdate::Blob(Box::new(blob))).await?;
    ctx.title().run(SetAccountStats { session: ctx.session()?, stats: blob.to_vec() }).await??;
    Ok(())
}

/// GetTotalRankings: how many are ranked, which is every account of the title (observed.md 3.30), or every clan.
pub(super) async fn total_rankings(ctx: &mut Context, request: &GetTotalRankingsRequest) -> HandlerResult {
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    let (title, players) = (ctx.title_id(), request.ladder_type == LadderType::PLAYER);
    let count =
        ctx.read(move |store| if players { store.account_count(&title) } else { store.clan_count(&title) });
    answer.total_rankings = count.await?;
    ctx.reply(answer);
    Ok(())
}
