//! Channels: lists, what and who is in them, making and joining them.

use medley_session::ServerKind;
use medley_universe::{
    Channel, ChannelJoin, ChannelRefused, CreateChannel, JoinChannel, JoinLeastPopulatedChannel, LobbyFilter,
    Page, SetLobbyFilter, WorldFound,
};
use medley_wire::MediusWorldId;
use medley_wire::enums::{
    ApplicationType, CallbackStatus, LobbyFilterMaskLevelType, LobbyFilterType, WorldGenericFieldLevelType,
    WorldStatus,
};
use medley_wire::messages::{
    ChannelInfoRequest, ChannelList_ExtraInfoRequest, ChannelList_ExtraInfoRequest0,
    ChannelList_ExtraInfoRequest1, ChannelList_ExtraInfoResponse, ChannelListRequest, ChannelListResponse,
    CreateChannelRequest, CreateChannelRequest0, CreateChannelRequest1, CreateChannelResponse,
    FindWorldByNameRequest, FindWorldByNameResponse, GetLobbyPlayerNames_ExtraInfoRequest,
    GetLobbyPlayerNames_ExtraInfoResponse, GetLobbyPlayerNamesRequest, GetLobbyPlayerNamesResponse,
    GetWorldSecurityLevelRequest, JoinChannelRequest, JoinLeastPopulatedChannelRequest,
    LobbyWorldPlayerListRequest, LobbyWorldPlayerListResponse, NetConnectionInfo, Request,
    SetLobbyWorldFilterRequest, SetLobbyWorldFilterRequest1, SetLobbyWorldFilterResponse,
};
use medley_wire::types::{Blob, Text};

use super::rows::{count, game_name, name, online_state, row_of};
use crate::context::{Context, HandlerResult};
use crate::text_filter::has_word;

/// ChannelList: every channel that the client's app id sees; no filter.
pub(super) async fn list(ctx: &mut Context, request: &ChannelListRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let session = ctx.session()?;
    let page = Page { id: request.page_id.into(), size: request.page_size.into() };
    let row = row_of(request);
    let rows = ctx
        .title()
        .ask(move |state| {
            let row = |channel: &Channel| ChannelListResponse {
                medius_world_id: channel.id,
                lobby_name: Text::new(&channel.name),
                player_count: count(channel.members.len(), i32::MAX),
                ..row.clone()
            };
            state.channels(session, false, page).into_iter().map(row).collect()
        })
        .await?;
    ctx.reply_list(rows)
}

pub(super) async fn list_extra_info(
    ctx: &mut Context,
    request: &ChannelList_ExtraInfoRequest,
) -> HandlerResult {
    extra_info(ctx, row_of(request), request.page_id, request.page_size).await
}

pub(super) async fn list_extra_info0(
    ctx: &mut Context,
    request: &ChannelList_ExtraInfoRequest0,
) -> HandlerResult {
    extra_info(ctx, row_of(request), request.page_id, request.page_size).await
}

pub(super) async fn list_extra_info1(
    ctx: &mut Context,
    request: &ChannelList_ExtraInfoRequest1,
) -> HandlerResult {
    extra_info(ctx, row_of(request), request.page_id, request.page_size).await
}

/// The list with details, by the session's lobby world filter. Form 1 follows it in `uya_ps2_to_aridia`; who sets a filter
/// expects that of the others too. On MUIS, which has no sessions, all channels of the app id (servers.md 5).
async fn extra_info(
    ctx: &mut Context,
    row: ChannelList_ExtraInfoResponse,
    page_id: u16,
    page_size: u16,
) -> HandlerResult {
    let session = if ctx.server() == ServerKind::Muis { None } else { Some(ctx.session()?) };
    let app_id = ctx.app_id();
    let page = Page { id: page_id.into(), size: page_size.into() };
    let rows = ctx
        .title()
        .ask(move |state| {
            let row = |channel: &Channel| {
                let [field1, field2, field3, field4] = channel.generic_fields;
                ChannelList_ExtraInfoResponse {
                    medius_world_id: channel.id,
                    player_count: count(channel.members.len(), u16::MAX),
                    max_players: channel.max_players,
                    game_world_count: Some(count(channel.games.len(), u16::MAX)),
                    security_level: channel.security,
                    generic_field1: field1,
                    generic_field2: Some(field2),
                    generic_field3: Some(field3),
                    generic_field4: Some(field4),
                    generic_field_level: Some(WorldGenericFieldLevelType(channel.generic_field_level)),
                    lobby_name: Text::new(&channel.name),
                    ..row.clone()
                }
            };
            let channels = match session {
                Some(session) => state.channels(session, true, page),
                None => state.channels_for(app_id, page),
            };
            channels.into_iter().map(row).collect()
        })
        .await?;
    ctx.reply_list(rows)
}

/// ChannelInfo. Players in games count too: 25 of 25 rows of the player list (observed.md 3.25). Unknown: NoResult.
pub(super) async fn info(ctx: &mut Context, request: &ChannelInfoRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (id, app_id) = (MediusWorldId(request.world_id), ctx.app_id());
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    let found = ctx
        .title()
        .ask(move |state| {
            let channel = state.channel(id).filter(|channel| channel.is_for(app_id))?;
            Some((channel.name.clone(), channel.members.len(), channel.max_players))
        })
        .await?;
    let (lobby_name, players, max_players) = found.ok_or(CallbackStatus::NO_RESULT)?;
    answer.lobby_name = Text::new(&lobby_name);
    answer.active_player_count = count(players, i32::MAX);
    answer.max_players = max_players.into();
    ctx.reply(answer);
    Ok(())
}

pub(super) async fn create(ctx: &mut Context, request: &CreateChannelRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let channel = CreateChannel {
        session: ctx.session()?,
        name: name(&request.lobby_name),
        password: name(&request.lobby_password),
        max_players: request.max_players,
        generic_fields: [
            request.generic_field1,
            request.generic_field2,
            request.generic_field3,
            request.generic_field4,
        ],
        generic_field_level: request.generic_field_level.0,
    };
    make(ctx, request.answer_with(CallbackStatus::SUCCESS), channel).await
}

/// CreateChannel0 carries no name: the channel goes by its creator's (ours).
pub(super) async fn create0(ctx: &mut Context, request: &CreateChannelRequest0) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let channel = CreateChannel {
        session: ctx.session()?,
        name: ctx.player()?.name.clone(),
        password: name(&request.game_password),
        max_players: request.max_players,
        generic_fields: [request.generic_field1, request.generic_field2, request.generic_field3, 0],
        generic_field_level: 0,
    };
    make(ctx, request.answer_with(CallbackStatus::SUCCESS), channel).await
}

pub(super) async fn create1(ctx: &mut Context, request: &CreateChannelRequest1) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let channel = CreateChannel {
        session: ctx.session()?,
        name: name(&request.lobby_name),
        password: name(&request.lobby_password),
        max_players: request.max_players,
        generic_fields: [0; 4],
        generic_field_level: 0,
    };
    make(ctx, request.answer_with(CallbackStatus::SUCCESS), channel).await
}

/// Makes a channel; its creator does not enter it. A name that is taken is answered with the channel that has it.
async fn make(ctx: &mut Context, mut answer: CreateChannelResponse, channel: CreateChannel) -> HandlerResult {
    if has_word(channel.name.as_bytes(), &ctx.app().title().config.text_filter.words) {
        return Err(CallbackStatus::FAIL.into());
    }
    match ctx.title().run(channel).await? {
        Ok(id) => answer.world_id = id.0,
        Err(ChannelRefused { status, existing }) => {
            answer.status_code = status;
            answer.world_id = existing.map_or(0, |id| id.0);
        }
    }
    ctx.reply(answer);
    Ok(())
}

/// JoinChannel: a reservation. The player moves when the connection with the new key comes (observed.md 3.10).
pub(super) async fn join(ctx: &mut Context, request: &JoinChannelRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let join = JoinChannel {
        session: ctx.session()?,
        channel: MediusWorldId(request.world_id),
        password: name(&request.lobby_channel_password),
    };
    let join = ctx.title().run(join).await??;
    let mut answer = request.answer_with(join.status);
    answer.connect_info = way_in(ctx, &join);
    ctx.reply(answer);
    Ok(())
}

/// JoinLeastPopulatedChannel; a player who is there already gets the way in all the same, since titles compare it.
pub(super) async fn join_least_populated(
    ctx: &mut Context,
    request: &JoinLeastPopulatedChannelRequest,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let join = JoinLeastPopulatedChannel {
        session: ctx.session()?,
        always_leave: request.always_leave_current_lobby_server.is_set(),
    };
    let join = ctx.title().run(join).await??;
    let mut answer = request.answer_with(join.status);
    answer.medius_world_id = join.channel;
    answer.connect_info = way_in(ctx, &join);
    ctx.reply(answer);
    Ok(())
}

fn way_in(ctx: &Context, join: &ChannelJoin) -> NetConnectionInfo {
    ctx.channel_info(join.net_world, &join.access_key)
}

pub(super) async fn set_filter(ctx: &mut Context, request: &SetLobbyWorldFilterRequest) -> HandlerResult {
    let masks = [request.filter_mask1, request.filter_mask2, request.filter_mask3, request.filter_mask4];
    let answer = request.answer_with(CallbackStatus::SUCCESS);
    remember_filter(ctx, answer, masks, request.lobby_filter_type, request.filter_mask_level).await
}

pub(super) async fn set_filter1(ctx: &mut Context, request: &SetLobbyWorldFilterRequest1) -> HandlerResult {
    let masks = [request.filter_mask1, request.filter_mask2, request.filter_mask3, request.filter_mask4];
    let answer = request.answer_with(CallbackStatus::SUCCESS);
    remember_filter(ctx, answer, masks, request.lobby_filter_type, request.filter_mask_level).await
}

/// Keeps the filter for the session; the answer repeats all of it.
async fn remember_filter(
    ctx: &mut Context,
    answer: SetLobbyWorldFilterResponse,
    masks: [u32; 4],
    filter_type: LobbyFilterType,
    level: LobbyFilterMaskLevelType,
) -> HandlerResult {
    let filter = LobbyFilter { masks, filter_type: filter_type.0, level: level.0 };
    ctx.title().run(SetLobbyFilter { session: ctx.session()?, filter }).await??;
    let [filter_mask1, filter_mask2, filter_mask3, filter_mask4] = masks;
    ctx.reply(SetLobbyWorldFilterResponse {
        filter_mask1,
        filter_mask2,
        filter_mask3,
        filter_mask4,
        lobby_filter_type: filter_type,
        filter_mask_level: level,
        ..answer
    });
    Ok(())
}

/// GetLobbyPlayerNames: the members of the channel that is named, the asker and players in games included.
pub(super) async fn player_names(ctx: &mut Context, request: &GetLobbyPlayerNamesRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (id, row) = (request.medius_world_id, row_of(request));
    let rows = ctx
        .title()
        .ask(move |state| {
            let players = state.channel_players(id).filter_map(|player| {
                Some(GetLobbyPlayerNamesResponse {
                    account_id: player.account?,
                    account_name: Text::new(&player.name),
                    ..row.clone()
                })
            });
            players.collect()
        })
        .await?;
    ctx.reply_list(rows)
}

pub(super) async fn player_names_extra_info(
    ctx: &mut Context,
    request: &GetLobbyPlayerNames_ExtraInfoRequest,
) -> HandlerResult {
    let (id, row) = (request.medius_world_id, row_of(request));
    let rows = ctx
        .title()
        .ask(move |state| {
            let players = state.channel_players(id).filter_map(|player| {
                Some(GetLobbyPlayerNames_ExtraInfoResponse {
                    account_id: player.account?,
                    account_name: Text::new(&player.name),
                    online_state: online_state(&state.presence_of(player)),
                    ..row.clone()
                })
            });
            players.collect()
        })
        .await?;
    ctx.reply_list(rows)
}

/// LobbyWorldPlayerList: as the names, with the accounts' stats.
pub(super) async fn player_list(ctx: &mut Context, request: &LobbyWorldPlayerListRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (id, row) = (MediusWorldId(request.world_id), row_of(request));
    let rows = ctx
        .title()
        .ask(move |state| {
            let players = state.channel_players(id).filter_map(|player| {
                Some(LobbyWorldPlayerListResponse {
                    player_status: player.status(),
                    account_id: player.account?,
                    account_name: Text::new(&player.name),
                    stats: Blob::new(&player.stats),
                    connection_class: player.connection_class,
                    ..row.clone()
                })
            });
            players.collect()
        })
        .await?;
    ctx.reply_list(rows)
}

/// FindWorldByName: games and channels of that name.
pub(super) async fn find_world(ctx: &mut Context, request: &FindWorldByNameRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (wanted, find, app_id) = (name(&request.name), request.world_type, ctx.app_id());
    let row = row_of(request);
    let app = ctx.app();
    let titles_app = move |id: medley_wire::AppId| {
        let apps = &app.title().apps;
        let found = apps.iter().find(|app| app.id == id.0).unwrap_or_else(|| app.app());
        Text::new(&found.application_name)
    };
    let rows = ctx
        .title()
        .ask(move |state| {
            let row = |found: &WorldFound<'_>| match found {
                WorldFound::Game(game) => FindWorldByNameResponse {
                    application_id: game.app_id,
                    application_name: titles_app(game.app_id),
                    application_type: ApplicationType::APP_TYPE_GAME,
                    medius_world_id: game.id,
                    world_name: game_name(game),
                    world_status: game.status,
                    ..row.clone()
                },
                WorldFound::Channel(channel) => FindWorldByNameResponse {
                    application_id: app_id,
                    application_name: titles_app(app_id),
                    application_type: ApplicationType::LOBBY_CHAT_CHANNEL,
                    medius_world_id: channel.id,
                    world_name: Text::new(&channel.name),
                    // A channel has no life cycle; it is always open to play in.
                    world_status: WorldStatus::ACTIVE,
                    ..row.clone()
                },
            };
            state.find_world(&wanted, find, app_id).iter().map(row).collect()
        })
        .await?;
    ctx.reply_list(rows)
}

/// GetWorldSecurityLevel of a game (AppType 0) or a channel (1). Unknown: GameNotFound, ChannelNotFound; id and AppType
/// are repeated either way.
pub(super) async fn security_level(
    ctx: &mut Context,
    request: &GetWorldSecurityLevelRequest,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let (id, app_type, app_id) = (request.medius_world_id, request.app_type, ctx.app_id());
    let level = ctx
        .title()
        .ask(move |state| match app_type {
            ApplicationType::LOBBY_CHAT_CHANNEL => state
                .channel(id)
                .filter(|channel| channel.is_for(app_id))
                .map(|channel| channel.security)
                .ok_or(CallbackStatus::CHANNEL_NOT_FOUND),
            _ => state.game(id).map(medley_universe::Game::security).ok_or(CallbackStatus::GAME_NOT_FOUND),
        })
        .await?;
    let mut answer = request.answer_with(level.err().unwrap_or(CallbackStatus::SUCCESS));
    answer.medius_world_id = id;
    answer.app_type = app_type;
    answer.security_level = level.unwrap_or_default();
    ctx.reply(answer);
    Ok(())
}
