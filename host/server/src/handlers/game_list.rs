//! Games: lists, filters, sort order, what and who is in one.

use medley_universe::{
    AddGameFilter, FilterId, FilterKey, Game, GameFilter, GameSort, Page, RemoveGameFilter, SetGameSort,
};
use medley_wire::enums::{CallbackStatus, GameListFilterField};
use medley_wire::messages::{
    ClearGameListFilterRequest, ClearGameListFilterRequest0, GameInfoRequest, GameInfoRequest0,
    GameInfoResponse, GameInfoResponse0, GameList_ExtraInfoRequest, GameList_ExtraInfoRequest0,
    GameList_ExtraInfoResponse, GameList_ExtraInfoResponse0, GameListRequest, GameListResponse,
    GameWorldPlayerListRequest, GameWorldPlayerListResponse, GetGameListFilterRequest,
    GetGameListFilterResponse, GetGameListFilterResponse0, Request, SetGameListFilterRequest,
    SetGameListFilterRequest0, SetGameListSortRequest, UtilGetTotalGamesFilteredRequest,
};
use medley_wire::types::{Blob, Text};

use super::rows::{count, game_name, game_stats, row_of};
use crate::context::{Context, HandlerResult};

/// App id that reads the filter list by the older answer only (servers.md 7.3).
const FILTER_LIST_0: u32 = 10_984;

/// GameList, by the session's filters: nothing else restricts it (capture `uya_ps2_browse_game`).
pub(super) async fn list(ctx: &mut Context, request: &GameListRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let row = row_of(request);
    let rows = games(ctx, request.page_id, request.page_size, move |game| GameListResponse {
        medius_world_id: game.id,
        game_name: game_name(game),
        world_status: game.status,
        game_host_type: game.spec.host_type,
        player_count: game.player_count().into(),
        ..row.clone()
    })
    .await?;
    ctx.reply_list(rows)
}

pub(super) async fn list_extra_info(ctx: &mut Context, request: &GameList_ExtraInfoRequest) -> HandlerResult {
    let row = row_of(request);
    let rows = games(ctx, request.page_id, request.page_size, move |game| {
        let spec = &game.spec;
        let [field1, field2, field3, field4, field5, field6, field7, field8] = spec.generic_fields;
        GameList_ExtraInfoResponse {
            medius_world_id: game.id,
            player_count: game.player_count(),
            min_players: spec.min_players,
            max_players: spec.max_players,
            game_level: spec.game_level,
            player_skill_level: spec.player_skill_level,
            rules_set: spec.rules_set,
            generic_field1: field1,
            generic_field2: field2,
            generic_field3: field3,
            generic_field4: field4,
            generic_field5: field5,
            generic_field6: field6,
            generic_field7: field7,
            generic_field8: field8,
            security_level: game.security(),
            world_status: game.status,
            game_host_type: spec.host_type,
            game_name: game_name(game),
            game_stats: Blob::new(&spec.stats),
            ..row.clone()
        }
    })
    .await?;
    ctx.reply_list(rows)
}

pub(super) async fn list_extra_info0(
    ctx: &mut Context,
    request: &GameList_ExtraInfoRequest0,
) -> HandlerResult {
    let row = row_of(request);
    let rows = games(ctx, request.page_id, request.page_size, move |game| {
        let spec = &game.spec;
        let [field1, field2, field3, ..] = spec.generic_fields;
        GameList_ExtraInfoResponse0 {
            medius_world_id: game.id,
            player_count: game.player_count(),
            min_players: spec.min_players,
            max_players: spec.max_players,
            game_level: spec.game_level,
            player_skill_level: spec.player_skill_level,
            rules_set: spec.rules_set,
            generic_field1: field1,
            generic_field2: field2,
            generic_field3: field3,
            security_level: game.security(),
            world_status: game.status,
            game_host_type: spec.host_type,
            game_name: game_name(game),
            game_stats: Blob::new(&spec.stats),
            ..row.clone()
        }
    })
    .await?;
    ctx.reply_list(rows)
}

/// A page of the games that the session sees, as rows.
async fn games<T: Send + 'static>(
    ctx: &Context,
    page_id: u16,
    page_size: u16,
    row: impl Fn(&Game) -> T + Send + 'static,
) -> Result<Vec<T>, crate::context::Refusal> {
    let session = ctx.session()?;
    let page = Page { id: page_id.into(), size: page_size.into() };
    Ok(ctx.title().ask(move |state| state.games(session, page).into_iter().map(row).collect()).await?)
}

pub(super) async fn total_filtered(
    ctx: &mut Context,
    request: &UtilGetTotalGamesFilteredRequest,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let session = ctx.session()?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.total = count(ctx.title().ask(move |state| state.total_games_filtered(session)).await?, i32::MAX);
    ctx.reply(answer);
    Ok(())
}

pub(super) async fn info(ctx: &mut Context, request: &GameInfoRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (id, answer) = (request.medius_world_id, request.answer_with(CallbackStatus::SUCCESS));
    let found = ctx
        .title()
        .ask(move |state| {
            let game = state.game(id)?;
            let spec = &game.spec;
            let [field1, field2, field3, field4, field5, field6, field7, field8] = spec.generic_fields;
            Some(GameInfoResponse {
                application_id: game.app_id,
                min_players: spec.min_players.into(),
                max_players: spec.max_players.into(),
                game_level: spec.game_level,
                player_skill_level: spec.player_skill_level,
                player_count: game.player_count().into(),
                game_stats: Blob::new(&spec.stats),
                game_name: game_name(game),
                rules_set: spec.rules_set,
                generic_field1: field1,
                generic_field2: field2,
                generic_field3: field3,
                generic_field4: field4,
                generic_field5: field5,
                generic_field6: field6,
                generic_field7: field7,
                generic_field8: field8,
                world_status: game.status,
                game_host_type: spec.host_type,
                ..answer
            })
        })
        .await?;
    ctx.reply(found.ok_or(CallbackStatus::GAME_NOT_FOUND)?);
    Ok(())
}

pub(super) async fn info0(ctx: &mut Context, request: &GameInfoRequest0) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (id, answer) = (request.medius_world_id, request.answer_with(CallbackStatus::SUCCESS));
    let found = ctx
        .title()
        .ask(move |state| {
            let game = state.game(id)?;
            let spec = &game.spec;
            let [field1, field2, field3, ..] = spec.generic_fields;
            Some(GameInfoResponse0 {
                application_id: game.app_id,
                min_players: spec.min_players.into(),
                max_players: spec.max_players.into(),
                game_level: spec.game_level,
                player_skill_level: spec.player_skill_level,
                player_count: game.player_count().into(),
                game_stats: Blob::new(&spec.stats),
                game_name: game_name(game),
                rules_set: spec.rules_set,
                generic_field1: field1,
                generic_field2: field2,
                generic_field3: field3,
                world_status: game.status,
                game_host_type: spec.host_type,
                ..answer
            })
        })
        .await?;
    ctx.reply(found.ok_or(CallbackStatus::GAME_NOT_FOUND)?);
    Ok(())
}

/// GameWorldPlayerList: who is connected, in order of arrival. A game with nobody in it is NoResult, never silence.
pub(super) async fn player_list(ctx: &mut Context, request: &GameWorldPlayerListRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (id, row) = (request.medius_world_id, row_of(request));
    let rows = ctx
        .title()
        .ask(move |state| {
            let players = state.game_players(id)?;
            let row = |(session, member): (&medley_universe::Session, &medley_universe::Member)| {
                GameWorldPlayerListResponse {
                    account_id: member.account,
                    account_name: Text::new(&session.name),
                    stats: game_stats(session, member),
                    connection_class: session.connection_class,
                    ..row.clone()
                }
            };
            Some(players.into_iter().map(row).collect())
        })
        .await?;
    ctx.reply_list(rows.ok_or(CallbackStatus::GAME_NOT_FOUND)?)
}

pub(super) async fn set_filter(ctx: &mut Context, request: &SetGameListFilterRequest) -> HandlerResult {
    let filter = AddGameFilter {
        session: ctx.session()?,
        without_id: false,
        field: request.filter_field,
        mask: request.mask.cast_unsigned(),
        operator: request.comparison_operator,
        baseline: request.baseline_value,
    };
    let id = ctx.title().run(filter).await??;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.filter_id = wire_id(id);
    ctx.reply(answer);
    Ok(())
}

/// SetGameListFilter0: no mask, and at 1.08 no id in the answer (28 bytes in `uya_ps2_browse_game`).
pub(super) async fn set_filter0(ctx: &mut Context, request: &SetGameListFilterRequest0) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let filter = AddGameFilter {
        session: ctx.session()?,
        without_id: true,
        field: request.filter_field,
        mask: u32::MAX,
        operator: request.comparison_operator,
        baseline: request.baseline_value,
    };
    let id = ctx.title().run(filter).await??;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.filter_id = Some(wire_id(id));
    ctx.reply(answer);
    Ok(())
}

fn wire_id(id: FilterId) -> u32 {
    // A session sets far fewer filters in its life.
    u32::try_from(id.0).unwrap_or(u32::MAX)
}

pub(super) async fn clear_filter(ctx: &mut Context, request: &ClearGameListFilterRequest) -> HandlerResult {
    let filter = FilterKey::Id(FilterId(request.filter_id.into()));
    ctx.title().run(RemoveGameFilter { session: ctx.session()?, filter }).await??;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

/// ClearGameListFilter0: the id is the FilterField (observed.md 3.5).
pub(super) async fn clear_filter0(ctx: &mut Context, request: &ClearGameListFilterRequest0) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let filter = FilterKey::Field(GameListFilterField(request.filter_id.cast_signed()));
    ctx.title().run(RemoveGameFilter { session: ctx.session()?, filter }).await??;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

/// GetGameListFilter: one row a filter; none is one row of zeros with NoResult (observed.md 3.26).
pub(super) async fn get_filters(ctx: &mut Context, request: &GetGameListFilterRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let session = ctx.session()?;
    let filters = ctx
        .title()
        .ask(move |state| {
            state.session(session).map(|session| session.game_filters.clone()).unwrap_or_default()
        })
        .await?;
    if ctx.app_id().0 == FILTER_LIST_0 {
        let row = GetGameListFilterResponse0 { message_id: request.message_id, ..Default::default() };
        if filters.is_empty() {
            ctx.reply(GetGameListFilterResponse0 {
                status_code: CallbackStatus::NO_RESULT,
                end_of_list: true.into(),
                ..row
            });
            return Ok(());
        }
        let row = |filter: &GameFilter| GetGameListFilterResponse0 {
            filter_field: filter.field,
            comparison_operator: filter.operator,
            baseline_value: filter.baseline,
            ..row.clone()
        };
        return ctx.reply_list(filters.iter().map(row).collect());
    }
    let row = row_of(request);
    let row = |filter: &GameFilter| GetGameListFilterResponse {
        filter_id: wire_id(filter.id),
        filter_field: filter.field,
        mask: filter.mask.cast_signed(),
        comparison_operator: filter.operator,
        baseline_value: filter.baseline,
        ..row.clone()
    };
    ctx.reply_list(filters.iter().map(row).collect())
}

/// SetGameListSort. No source tells what SortID is; it is the priority, by which a criterion is replaced.
pub(super) async fn set_sort(ctx: &mut Context, request: &SetGameListSortRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let sort = GameSort {
        priority: request.sort_priority,
        field: request.sort_field,
        mask: request.mask.cast_unsigned(),
        direction: request.sort_direction,
    };
    ctx.title().run(SetGameSort { session: ctx.session()?, sort }).await??;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.sort_id = request.sort_priority;
    ctx.reply(answer);
    Ok(())
}
