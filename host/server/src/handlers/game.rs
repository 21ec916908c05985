//! Games: making one and joining one, with the game server in between (servers.md 8.1 and 8.2).

use medley_store::BanQuery;
use medley_universe::{
    Answer, CreateGame, GameCreated, GameJoined, GameSpec, JoinGame, Operation, Page, PeerAddress, RequestId,
};
use medley_wire::MediusWorldId;
use medley_wire::enums::{CallbackStatus, JoinType, NetConnectionType};
use medley_wire::messages::{
    CreateGameRequest, CreateGameRequest0, CreateGameRequest1, CreateGameResponse, JoinGameRequest,
    JoinGameRequest0, JoinGameResponse, NetAddress, NetAddressList, NetConnectionInfo, Request, RsaKey,
};
use medley_wire::types::{NetWorldId, Text};

use super::rows::{eight_fields, game_spec, name, three_fields};
use crate::context::{Context, HandlerResult, Refusal};
use crate::mgcl::relay_connection;
use crate::text_filter::has_word;

/// What a joiner names for "any game", so one emulator.
const ANY_GAME: MediusWorldId = MediusWorldId(-1);

pub(super) async fn create(ctx: &mut Context, request: &CreateGameRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let spec = GameSpec {
        spectator_password: name(&request.spectator_password),
        attributes: request.attributes,
        ..game_spec!(request, eight_fields!(request))
    };
    make(ctx, request.answer_with(CallbackStatus::SUCCESS), spec).await
}

/// CreateGame0: no spectator password, no attributes.
pub(super) async fn create0(ctx: &mut Context, request: &CreateGameRequest0) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let spec = game_spec!(request, three_fields!(request));
    make(ctx, request.answer_with(CallbackStatus::SUCCESS), spec).await
}

pub(super) async fn create1(ctx: &mut Context, request: &CreateGameRequest1) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let spec = GameSpec {
        spectator_password: name(&request.spectator_password),
        attributes: request.attributes,
        ..game_spec!(request, three_fields!(request))
    };
    make(ctx, request.answer_with(CallbackStatus::SUCCESS), spec).await
}

/// Makes a game and waits for its game server. The creator is not in it: it sends JoinGame next.
async fn make(ctx: &mut Context, mut answer: CreateGameResponse, spec: GameSpec) -> HandlerResult {
    check_name(ctx, &spec)?;
    let create = CreateGame { session: ctx.session()?, spec, superset: None };
    let GameCreated { game, status } = world(ctx, create).await?;
    answer.medius_world_id = game;
    answer.status_code = status;
    ctx.reply(answer);
    Ok(())
}

/// Fail for a name with a filtered word.
pub(super) fn check_name(ctx: &Context, spec: &GameSpec) -> Result<(), Refusal> {
    let filtered = has_word(spec.name.as_bytes(), &ctx.app().title().config.text_filter.words);
    if filtered { Err(CallbackStatus::FAIL.into()) } else { Ok(()) }
}

/// Carries out the creation of a game or party, and waits for its game server.
pub(super) async fn world<O>(ctx: &Context, create: O) -> Result<GameCreated, Refusal>
where
    O: Operation<Reply = Result<RequestId, CallbackStatus>> + Send + 'static,
{
    match ctx.title().request(create).await?? {
        Answer::Created(created) => Ok(created?),
        Answer::Joined(_) => Err(Refusal::Default),
    }
}

pub(super) async fn join(ctx: &mut Context, request: &JoinGameRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let join = JoinGame {
        session: ctx.session()?,
        game: request.medius_world_id,
        join_type: request.join_type,
        password: name(&request.game_password),
        host_type: request.game_host_type,
        addresses: addresses(&request.address_list),
    };
    enter(ctx, request.answer_with(CallbackStatus::SUCCESS), join).await
}

pub(super) async fn join0(ctx: &mut Context, request: &JoinGameRequest0) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let join = JoinGame {
        session: ctx.session()?,
        game: request.medius_world_id,
        join_type: JoinType::PLAYER,
        password: name(&request.game_password),
        host_type: request.game_host_type,
        addresses: addresses(&request.address_list),
    };
    enter(ctx, request.answer_with(CallbackStatus::SUCCESS), join).await
}

pub(super) fn addresses(list: &NetAddressList) -> [PeerAddress; 2] {
    list.address_list.map(PeerAddress::from)
}

/// Gets a place on the game server and tells the way there.
async fn enter(ctx: &mut Context, mut answer: JoinGameResponse, mut join: JoinGame) -> HandlerResult {
    refuse_banned(ctx).await?;
    if join.game == ANY_GAME {
        let session = join.session;
        let first = move |state: &medley_universe::State| {
            state.games(session, Page { id: 1, size: 1 }).first().map(|game| game.id)
        };
        join.game = ctx.title().ask(first).await?.ok_or(CallbackStatus::GAME_NOT_FOUND)?;
    }
    let (joined, connect_info) = seat(ctx, join).await?;
    answer.game_host_type = joined.host_type;
    answer.max_players = Some(match ctx.app().title().config.games.join_max_players {
        0 => joined.max_players.into(),
        told => i32::try_from(told).unwrap_or(i32::MAX),
    });
    answer.connect_info = connect_info;
    ctx.reply(answer);
    Ok(())
}

/// Carries out a join of a game or party, waits for its game server, and gives the way there.
pub(super) async fn seat<O>(ctx: &Context, join: O) -> Result<(GameJoined, NetConnectionInfo), Refusal>
where
    O: Operation<Reply = Result<RequestId, CallbackStatus>> + Send + 'static,
{
    let joined = match ctx.title().request(join).await?? {
        Answer::Joined(joined) => joined?,
        Answer::Created(_) => return Err(Refusal::Default),
    };
    let server = joined.server;
    let address = ctx
        .title()
        .ask(move |state| state.game_server(server).map(|server| server.address))
        .await?
        .ok_or(CallbackStatus::DME_ERROR)?;
    let connection_type = if joined.addresses.is_some() {
        NetConnectionType::PEER_TO_PEER_UDP
    } else {
        // 3 for what UYA and Deadlocked join (observed.md 3.16).
        relay_connection(&ctx.app(), Some(joined.host_type))
    };
    let connect_info = way_in(ctx, &joined, connection_type, address);
    Ok((joined, connect_info))
}

/// A player whose account, address or machine was banned since the login (servers.md 8.2: Fail and the text).
pub(super) async fn refuse_banned(ctx: &mut Context) -> HandlerResult {
    let (title, ip, now) = (ctx.title_id(), ctx.client_ip(), ctx.unix_now());
    let account = ctx.player()?.stored();
    let banned = ctx
        .read(move |store| {
            let machine_id = match account {
                Some(account) => store.account(&title, account)?.and_then(|account| account.machine_id),
                None => None,
            };
            store.is_banned(&BanQuery { title: Some(title), account, ip: Some(ip), machine_id }, now)
        })
        .await?;
    if let Some(ban) = banned {
        tracing::info!(ban = %ban.id, "a banned player wanted to join a game");
        let text = ctx.app().title().config.system_message.banned.clone();
        ctx.system_message(&text);
        return Err(CallbackStatus::FAIL.into());
    }
    Ok(())
}

/// The way to a game: of a relay its address and an unused slot (`dl_ps2_full_session`, line 288), of a console both of
/// its addresses.
fn way_in(
    ctx: &Context,
    joined: &GameJoined,
    connection_type: NetConnectionType,
    server: PeerAddress,
) -> NetConnectionInfo {
    let address_list = match joined.addresses {
        Some(own) => own.map(NetAddress::from),
        None => [server.into(), NetAddress::UNUSED],
    };
    NetConnectionInfo {
        connection_type,
        address_list: NetAddressList { address_list },
        world_id: NetWorldId(joined.dme_world),
        server_key: joined.server_key.as_slice().try_into().map(RsaKey::from_wire).unwrap_or_default(),
        session_key: ctx.session_key_text(),
        access_key: Text::new(&joined.access_key),
    }
}
