//! Totals and small things of MAS and MLS.

use medley_wire::enums::CallbackStatus;
use medley_wire::messages::{
    GetTotalChannelsRequest, GetTotalGamesRequest, GetTotalUsersRequest, PostDebugInfoRequest, Request,
};

use crate::context::{Context, HandlerResult};

pub(super) async fn get_total_games(ctx: &mut Context, request: &GetTotalGamesRequest) -> HandlerResult {
    let total = ctx.title().ask(|state| state.total_games()).await?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.total = i32::try_from(total).unwrap_or(i32::MAX);
    ctx.reply(answer);
    Ok(())
}

pub(super) async fn get_total_channels(
    ctx: &mut Context,
    request: &GetTotalChannelsRequest,
) -> HandlerResult {
    let app_id = ctx.app_id();
    let total = ctx.title().ask(move |state| state.total_channels(app_id)).await?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.total = u32::try_from(total).unwrap_or(u32::MAX);
    ctx.reply(answer);
    Ok(())
}

/// The second total is players in games, not games (servers.md 7.1).
pub(super) async fn get_total_users(ctx: &mut Context, request: &GetTotalUsersRequest) -> HandlerResult {
    let (online, in_games) = ctx.title().ask(|state| state.total_users()).await?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.total_in_system = u32::try_from(online).unwrap_or(u32::MAX);
    answer.total_in_game = u32::try_from(in_games).unwrap_or(u32::MAX);
    ctx.reply(answer);
    Ok(())
}

pub(super) async fn post_debug_info(ctx: &mut Context, request: &PostDebugInfoRequest) -> HandlerResult {
    // Quoted: what a client says must not look like lines of the log's own.
    tracing::info!(text = ?request.message.to_string_lossy(), "debug information of a client");
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}
