//! Matchmaking of PS3 titles (servers.md 7.11). Who is sent where is the universe's; here are the forms of it.
//!
//! All of it is known from one public server only, which answers with fixed rows. Not known: what ServerSessionKey is for
//! (not used), what a MediusWorldID in MatchFindGame restricts (nothing), and the roster of MatchPartyResponse (told empty).

use medley_universe::{CancelMatch, CreateGame, FindMatch, GameCreated, GameSpec, MatchParty, MatchWish};
use medley_wire::AccountId;
use medley_wire::enums::{CallbackStatus, MatchOptions, NetMessageClass};
use medley_wire::messages::{
    MatchCancelRequest, MatchCreateGameRequest, MatchFindGameRequest, MatchGetSupersetListRequest,
    MatchPartyRequest, MatchPartyResponse, NetAddress, NetAddressList, Request,
};
use medley_wire::types::{Text, VarBytes};

use super::game::{check_name, world};
use super::rows::{eight_fields, game_spec, name, players, row_of};
use crate::context::{Context, HandlerResult, Refusal};
use crate::dispatch::status_response;

/// SupersetID of the one row of a title that has none.
const ANY_SUPERSET: u32 = 1;
/// Accounts of a group that are looked at; a game has fewer players.
const GROUP: usize = 256;

/// MatchGetSupersetList: the title's supersets (`[[superset]]`), or one row, without which titles cannot go on.
pub(super) async fn supersets(ctx: &mut Context, request: &MatchGetSupersetListRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let app = ctx.app();
    let config = &app.title().config;
    let mut row = row_of(request);
    if config.superset.is_empty() {
        row.superset_id = ANY_SUPERSET;
        row.superset_name = Text::new(&config.name);
        return ctx.reply_list(vec![row]);
    }
    let rows = config.superset.iter().map(|superset| {
        let mut row = row.clone();
        row.superset_id = superset.id;
        row.superset_name = Text::new(&superset.name);
        row.superset_description = Text::new(&superset.description);
        row.extra_info = Text::new(&superset.extra_info);
        row
    });
    ctx.reply_list(rows.collect())
}

/// Refuses with MatchServerNotFound a superset that the title does not have, if it has any.
fn check_superset(ctx: &Context, superset: u32) -> Result<(), Refusal> {
    let app = ctx.app();
    let known = &app.title().config.superset;
    if known.is_empty() || known.iter().any(|row| row.id == superset) {
        return Ok(());
    }
    Err(CallbackStatus::MATCH_SERVER_NOT_FOUND.into())
}

/// Who comes along: the list without the player itself.
fn group(ctx: &Context, accounts: impl Iterator<Item = i32>) -> Result<Vec<AccountId>, Refusal> {
    let own = ctx.player()?.id;
    Ok(accounts.map(AccountId).filter(|account| *account != own).take(GROUP).collect())
}

fn account_ids(list: &VarBytes) -> impl Iterator<Item = i32> {
    list.0.chunks_exact(4).filter_map(|bytes| bytes.try_into().ok().map(i32::from_le_bytes))
}

/// MatchFindGame: MatchingInProgress at once; AssignedGameToJoinMessage follows, with a game or with NoResult.
pub(super) async fn find(ctx: &mut Context, request: &MatchFindGameRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    check_superset(ctx, request.superset_id)?;
    let bound = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
    let wish = MatchWish {
        superset: request.superset_id,
        min_players: bound(request.min_players),
        max_players: bound(request.max_players),
        host_types: request.game_host_type_bit_field,
        options: request.match_options,
        group: group(ctx, account_ids(&request.group_member_account_id_list))?,
    };
    let find = FindMatch {
        session: ctx.session()?,
        wish,
        join_type: request.player_join_type,
        request_data: request.request_data.0,
        application_data: request.application_data.0.clone(),
    };
    ctx.title().run(find).await??;
    ctx.reply(request.answer_with(CallbackStatus::MATCHING_IN_PROGRESS));
    Ok(())
}

/// MatchCancel. NoResult if the player waits for no game of that superset.
pub(super) async fn cancel(ctx: &mut Context, request: &MatchCancelRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let superset = request.superset_id.cast_unsigned();
    ctx.title().run(CancelMatch { session: ctx.session()?, superset }).await??;
    let (class, id) = (NetMessageClass::LOBBY_EXT, 0x93);
    ctx.reply(status_response(class, id, request.message_id, CallbackStatus::SUCCESS));
    Ok(())
}

/// MatchParty: JoinAssignedGame if there is a game with room for the whole party, else MatchTypeHostGame: the party makes
/// one with MatchCreateGame, and others are sent to that. MatchGameID, which nobody knows the use of, is 0.
pub(super) async fn party(ctx: &mut Context, request: &MatchPartyRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let superset = request.superset_id.cast_unsigned();
    check_superset(ctx, superset)?;
    let wish = MatchWish {
        superset,
        min_players: players(request.min_game_size),
        max_players: players(request.max_game_size),
        host_types: 0,
        options: request.match_options,
        group: group(ctx, request.party_account_id_list.iter().copied())?,
    };
    let matched = ctx.title().run(MatchParty { session: ctx.session()?, wish }).await??;
    let (size, data) = (request.application_data_size, request.application_data.clone());
    let answer = match matched {
        Some(matched) => MatchPartyResponse {
            game_world_id: Some(matched.game.0),
            game_password: Some(Text::new(&matched.spec.password)),
            game_host_type: Some(matched.spec.host_type),
            address_list: Some(NetAddressList { address_list: [NetAddress::UNUSED, NetAddress::UNUSED] }),
            application_data_size_jas: Some(size),
            application_data_jas: Some(data),
            match_roster: Some(0),
            num_players: Some(0),
            players: Some(0),
            num_parties: Some(0),
            parties: Some(0),
            ..request.answer_with(CallbackStatus::JOIN_ASSIGNED_GAME)
        },
        None => MatchPartyResponse {
            match_game_id: Some(0),
            application_data_size_hg: Some(size),
            application_data_hg: Some(data),
            ..request.answer_with(CallbackStatus::MATCH_TYPE_HOST_GAME)
        },
    };
    ctx.reply(answer);
    Ok(())
}

/// MatchCreateGame: CreateGame, for matchmaking to send others to. A refusal, too, gives RequestData and ApplicationData
/// back. A game with MatchCustomGame is taken for one that its players gather for themselves: nobody is sent to it.
pub(super) async fn create(ctx: &mut Context, request: &MatchCreateGameRequest) -> HandlerResult {
    let created = make(ctx, request).await;
    let status = match &created {
        Ok(created) => created.status,
        Err(Refusal::Status(status)) => *status,
        Err(Refusal::Default | Refusal::Answered) => CallbackStatus::MATCH_GAME_CREATION_FAILED,
    };
    let mut answer = request.answer_with(status);
    answer.medius_world_id.0 = created.map_or(-1, |created| created.game.0);
    answer.request_data = Text::full(request.request_data.0);
    answer.application_data_size = i32::try_from(request.application_data.0.len()).unwrap_or(0);
    answer.application_data = request.application_data.clone();
    ctx.reply(answer);
    Ok(())
}

async fn make(ctx: &Context, request: &MatchCreateGameRequest) -> Result<GameCreated, Refusal> {
    ctx.check_session_key(&request.session_key)?;
    check_superset(ctx, request.superset_id)?;
    let spec = GameSpec {
        spectator_password: name(&request.spectator_password),
        attributes: request.world_attributes_type,
        ..game_spec!(request, eight_fields!(request))
    };
    check_name(ctx, &spec)?;
    let custom = request.match_options.0 & MatchOptions::CUSTOM_GAME.0 != 0;
    let superset = (!custom).then_some(request.superset_id);
    world(ctx, CreateGame { session: ctx.session()?, spec, superset }).await
}
