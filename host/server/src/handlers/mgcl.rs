//! MGCL: game servers and console hosts on MAS and MPS (servers.md 8.4 and 9). "Client" and "server" of the layouts are
//! the game server and we.

use medley_universe::{
    CreateGameOnHost, EndGameOnHost, GameServerCreated, GameServerJoined, GameSpec, IssueAccessKey,
    MoveGameOnHost, PeerAddress, PlayerConnection, Purpose, ReportLoad, ReportWorldOnHost, ServerJoinGrant,
    SessionKey,
};
use medley_wire::AccountId;
use medley_wire::enums::{CallbackStatus, ConnectionType, MgclErrorCode, MgclEventType};
use medley_wire::messages::{
    NetAddressList, NetConnectionInfo, Request, ServerAuthenticationRequest, ServerConnectGamesResponse,
    ServerConnectNotification, ServerCreateGameOnMeRequest, ServerCreateGameOnMeResponse,
    ServerCreateGameOnSelfRequest, ServerCreateGameOnSelfRequest0, ServerCreateGameResponse,
    ServerCreateGameWithAttributesResponse, ServerEndGameOnMeRequest, ServerEndGameResponse,
    ServerJoinGameResponse, ServerMoveGameWorldOnMeRequest, ServerReport, ServerSessionBeginRequest,
    ServerSessionBeginRequest1, ServerSessionBeginRequest2, ServerSessionEndRequest,
    ServerSetAttributesRequest, ServerWorldReportOnMe, ServerWorldStatusResponse,
};
use medley_wire::types::MessageId;

use super::rows::{eight_fields, game_spec, three_fields, world_update};
use crate::actor::TitleHandle;
use crate::context::{Context, HandlerResult, Refusal};
use crate::mgcl::{self, LinkKind, MpsLink};
use crate::text_filter::has_word;

/// A session for a game server, and its way to MPS.
async fn begin(ctx: &mut Context) -> Result<NetConnectionInfo, Refusal> {
    let session = match ctx.session {
        Some(session) => session,
        None => super::session::open_session(ctx, ConnectionType(1)).await?,
    };
    let key = ctx.title().run(IssueAccessKey { session, purpose: Purpose::GameServer }).await??;
    Ok(ctx.mps_info(&key))
}

pub(super) async fn session_begin(ctx: &mut Context, request: &ServerSessionBeginRequest) -> HandlerResult {
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.connect_info = begin(ctx).await?;
    ctx.reply(answer);
    Ok(())
}

pub(super) async fn session_begin1(ctx: &mut Context, request: &ServerSessionBeginRequest1) -> HandlerResult {
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.connect_info = begin(ctx).await?;
    ctx.reply(answer);
    Ok(())
}

pub(super) async fn session_begin2(ctx: &mut Context, request: &ServerSessionBeginRequest2) -> HandlerResult {
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.connect_info = begin(ctx).await?;
    ctx.reply(answer);
    Ok(())
}

pub(super) async fn authenticate(ctx: &mut Context, request: &ServerAuthenticationRequest) -> HandlerResult {
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.connect_info = begin(ctx).await?;
    ctx.reply(answer);
    Ok(())
}

/// The answer, then the end of the connection (servers.md 9.1).
pub(super) async fn session_end(ctx: &mut Context, request: &ServerSessionEndRequest) -> HandlerResult {
    if let Some(session) = ctx.session.take() {
        // A session that is over already is what was asked for.
        let _ = ctx.title().run(medley_universe::EndSession { session }).await?;
        ctx.player = None;
    }
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    ctx.close();
    Ok(())
}

pub(super) async fn set_attributes(ctx: &mut Context, request: &ServerSetAttributesRequest) -> HandlerResult {
    // On MAS it is part of the session's beginning; what it says is of use on MPS only.
    if ctx.mps.is_some() {
        // A public server's relay tells its location here (servers.md 9.2).
        mgcl::register(ctx, request.attributes.0, Some(request.listen_server_address)).await?;
    }
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

/// Not answered. A relay that never sent ServerSetAttributes is known from here on.
pub(super) async fn report(ctx: &mut Context, request: &ServerReport) -> HandlerResult {
    let number = |value: i16| u32::try_from(value).unwrap_or(0);
    let Some(link) = &ctx.mps else { return Ok(()) };
    if link.registration.is_none() && link.kind == LinkKind::Relay {
        mgcl::register(ctx, 0, None).await?;
    }
    let Some(link) = ctx.mps.as_deref_mut() else { return Ok(()) };
    let load = ReportLoad {
        server: link.server,
        max_worlds: number(request.max_worlds),
        max_players_per_world: u16::try_from(request.max_players_per_world).unwrap_or(0),
        worlds: number(request.active_world_count),
        players: number(request.total_active_players),
    };
    let Some(registration) = &mut link.registration else { return Ok(()) };
    if load.max_worlds > 0 {
        registration.max_worlds = load.max_worlds;
    }
    let registration = registration.clone();
    for title in mgcl::titles_of(&ctx.shared, &registration) {
        title.run(load).await?;
    }
    Ok(())
}

fn confirmed<T>(confirmation: MgclErrorCode, value: T) -> Result<T, MgclErrorCode> {
    if confirmation == MgclErrorCode::SUCCESS { Ok(value) } else { Err(confirmation) }
}

async fn game_created(
    ctx: &mut Context,
    id: &MessageId,
    result: Result<i32, MgclErrorCode>,
) -> HandlerResult {
    let Some(link) = ctx.mps.as_deref_mut() else { return Ok(()) };
    let server = link.server;
    let Some((title, request)) = link.answered(id) else {
        tracing::debug!(id = %id, "a game server answers what nobody asked");
        return Ok(());
    };
    if let Ok(world) = result {
        link.note_world(world, title.clone());
    }
    title.run(GameServerCreated { server, request, result }).await?;
    Ok(())
}

pub(super) async fn created_with_attributes(
    ctx: &mut Context,
    answer: &ServerCreateGameWithAttributesResponse,
) -> HandlerResult {
    game_created(ctx, &answer.message_id, confirmed(answer.confirmation, answer.medius_world_id.0)).await
}

pub(super) async fn created(ctx: &mut Context, answer: &ServerCreateGameResponse) -> HandlerResult {
    game_created(ctx, &answer.message_id, confirmed(answer.confirmation, answer.medius_world_id.0)).await
}

pub(super) async fn joined(ctx: &mut Context, answer: &ServerJoinGameResponse) -> HandlerResult {
    let Some(link) = ctx.mps.as_deref_mut() else { return Ok(()) };
    let server = link.server;
    let Some((title, request)) = link.answered(&answer.message_id) else { return Ok(()) };
    let server_key = if answer.pub_key.is_zero() { Vec::new() } else { answer.pub_key.to_wire().to_vec() };
    let grant = ServerJoinGrant {
        access_key: answer.access_key.into(),
        server_key,
        dme_index: answer.dme_client_index,
    };
    title.run(GameServerJoined { server, request, result: confirmed(answer.confirmation, grant) }).await?;
    Ok(())
}

/// Nobody waits for these: the universe has decided already.
pub(super) async fn ended(_: &mut Context, answer: &ServerEndGameResponse) -> HandlerResult {
    tracing::debug!(confirmation = ?answer.confirmation, "game server ended a world");
    Ok(())
}

pub(super) async fn world_status(_: &mut Context, answer: &ServerWorldStatusResponse) -> HandlerResult {
    tracing::debug!(active = answer.active_clients, "world status of a game server");
    Ok(())
}

pub(super) async fn games_connected(_: &mut Context, answer: &ServerConnectGamesResponse) -> HandlerResult {
    tracing::debug!(confirmation = ?answer.confirmation, "game server connected two games");
    Ok(())
}

/// A player came to a world or left it. Not answered.
pub(super) async fn connect_notification(
    ctx: &mut Context,
    notice: &ServerConnectNotification,
) -> HandlerResult {
    let Some(session) = SessionKey::parse(notice.player_session_key.as_bytes()) else { return Ok(()) };
    let Some(link) = &ctx.mps else { return Ok(()) };
    let world = notice.medius_world_uid.0;
    let change = PlayerConnection {
        server: link.server,
        dme_world: world,
        session,
        connected: notice.connect_event_type == MgclEventType::CONNECT,
    };
    for title in titles_of_world(ctx, link, world) {
        if title.run(change).await? {
            return Ok(());
        }
    }
    tracing::debug!(world, "a game server tells of a player of no game");
    Ok(())
}

/// The titles that a world of a game server may belong to: one, where it is known.
fn titles_of_world(ctx: &Context, link: &MpsLink, world: i32) -> Vec<TitleHandle> {
    match (link.title_of(world), link.kind, &link.registration) {
        (Some(title), ..) => vec![title.clone()],
        (None, LinkKind::Host(_), _) => vec![ctx.title().clone()],
        (None, LinkKind::Relay, Some(registration)) => mgcl::titles_of(&ctx.shared, registration),
        (None, LinkKind::Relay, None) => Vec::new(),
    }
}

/// A console makes a game on itself.
async fn create_on_host(
    ctx: &mut Context,
    message_id: MessageId,
    account: AccountId,
    world: i32,
    addresses: &NetAddressList,
    spec: GameSpec,
) -> HandlerResult {
    let mut answer = ServerCreateGameOnMeResponse {
        message_id,
        confirmation: MgclErrorCode::SUCCESS,
        ..Default::default()
    };
    let app = ctx.app();
    let host = ctx.mps.as_ref().is_some_and(|link| matches!(link.kind, LinkKind::Host(_)));
    if !host || has_word(spec.name.as_bytes(), &app.title().config.text_filter.words) {
        answer.confirmation = MgclErrorCode::INVALID_ARG;
        ctx.reply(answer);
        return Ok(());
    }
    if ctx.mps.as_ref().is_some_and(|link| link.registration.is_none()) {
        mgcl::register(ctx, 0, addresses.address_list.first().copied()).await?;
    }
    let Some(link) = &ctx.mps else { return Err(Refusal::Default) };
    let create = CreateGameOnHost {
        server: link.server,
        account,
        world,
        spec,
        addresses: addresses.address_list.map(PeerAddress::from),
    };
    match ctx.title().run(create).await? {
        Ok(game) => answer.medius_world_id = game,
        Err(code) => answer.confirmation = code,
    }
    ctx.reply(answer);
    Ok(())
}

pub(super) async fn create_on_me(ctx: &mut Context, request: &ServerCreateGameOnMeRequest) -> HandlerResult {
    let spec =
        GameSpec { stats: request.game_stats.0.to_vec(), ..game_spec!(request, eight_fields!(request)) };
    create_on_host(ctx, request.message_id, request.account_id, request.world_id, &request.address_list, spec)
        .await
}

pub(super) async fn create_on_self(
    ctx: &mut Context,
    request: &ServerCreateGameOnSelfRequest,
) -> HandlerResult {
    let spec =
        GameSpec { stats: request.game_stats.0.to_vec(), ..game_spec!(request, three_fields!(request)) };
    create_on_host(ctx, request.message_id, request.account_id, request.world_id, &request.address_list, spec)
        .await
}

pub(super) async fn create_on_self0(
    ctx: &mut Context,
    request: &ServerCreateGameOnSelfRequest0,
) -> HandlerResult {
    let spec =
        GameSpec { stats: request.game_stats.0.to_vec(), ..game_spec!(request, three_fields!(request)) };
    // This form has no AccountID.
    let account = AccountId(-1);
    create_on_host(ctx, request.message_id, account, request.world_id, &request.address_list, spec).await
}

/// Not answered; a report of another's game is ignored and counted by the universe.
pub(super) async fn world_report(ctx: &mut Context, report: &ServerWorldReportOnMe) -> HandlerResult {
    let Some(link) = &ctx.mps else { return Ok(()) };
    let update = world_update!(report, eight_fields!(report).to_vec());
    let report = ReportWorldOnHost { server: link.server, world: report.medius_world_id.0, update };
    if let Err(ignored) = ctx.title().run(report).await? {
        tracing::debug!(?ignored, "a host's report is ignored");
    }
    Ok(())
}

pub(super) async fn move_game(ctx: &mut Context, request: &ServerMoveGameWorldOnMeRequest) -> HandlerResult {
    let Some(link) = &ctx.mps else { return Err(Refusal::Default) };
    let step = MoveGameOnHost {
        server: link.server,
        current: request.current_medius_world_id.0,
        new: request.new_game_medius_world_id.0,
        addresses: request.address_list.address_list.map(PeerAddress::from),
    };
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.medius_world_id = request.new_game_medius_world_id;
    if let Err(code) = ctx.title().run(step).await? {
        answer.confirmation = code;
        answer.medius_world_id = request.current_medius_world_id;
    }
    ctx.reply(answer);
    Ok(())
}

pub(super) async fn end_game(ctx: &mut Context, request: &ServerEndGameOnMeRequest) -> HandlerResult {
    let Some(link) = &ctx.mps else { return Err(Refusal::Default) };
    let end = EndGameOnHost { server: link.server, world: request.medius_world_id.0 };
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.confirmation = MgclErrorCode::INVALID_ARG;
    for title in titles_of_world(ctx, link, end.world) {
        match title.run(end).await? {
            Ok(()) => {
                answer.confirmation = MgclErrorCode::SUCCESS;
                break;
            }
            Err(code) => answer.confirmation = code,
        }
    }
    ctx.reply(answer);
    Ok(())
}
