//! Parties of PS3 titles (servers.md 7.11). A party is a world of a game server, as a game is; the rules are the universe's.

use medley_universe::{CreateParty, GameCreated, GameSpec, JoinParty, ReportParty};
use medley_wire::enums::CallbackStatus;
use medley_wire::messages::{
    PartyCreateRequest, PartyJoinByIndexRequest, PartyJoinRequest, PartyPlayerReport, Request,
};

use super::game::{addresses, check_name, refuse_banned, seat, world};
use super::rows::{eight_fields, name, players};
use crate::context::{Context, HandlerResult};

/// PartyCreate. The creator is not in it: it joins next. What ServerSessionKey is for is not known; it is not used.
pub(super) async fn create(ctx: &mut Context, request: &PartyCreateRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let spec = GameSpec {
        name: name(&request.party_name),
        password: name(&request.party_password),
        min_players: players(request.min_players),
        max_players: players(request.max_players),
        generic_fields: eight_fields!(request),
        host_type: request.party_host_type,
        ..GameSpec::default()
    };
    check_name(ctx, &spec)?;
    let GameCreated { game, status } = world(ctx, CreateParty { session: ctx.session()?, spec }).await?;
    let mut answer = request.answer_with(status);
    answer.medius_world_id = game;
    ctx.reply(answer);
    Ok(())
}

/// PartyJoin: at the first free place.
pub(super) async fn join(ctx: &mut Context, request: &PartyJoinRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    refuse_banned(ctx).await?;
    let join = JoinParty {
        session: ctx.session()?,
        party: request.medius_world_id,
        password: name(&request.party_password),
        host_type: request.party_host_type,
        addresses: addresses(&request.address_list),
        index: None,
    };
    let (joined, connection_info) = seat(ctx, join).await?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.party_host_type = joined.host_type;
    answer.connection_info = connection_info;
    ctx.reply(answer);
    Ok(())
}

/// PartyJoinByIndex: at a place of the joiner's choice; a negative one is no choice. The answer tells the place.
pub(super) async fn join_by_index(ctx: &mut Context, request: &PartyJoinByIndexRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    refuse_banned(ctx).await?;
    let join = JoinParty {
        session: ctx.session()?,
        party: request.medius_world_id,
        password: name(&request.party_password),
        host_type: request.party_host_type,
        addresses: addresses(&request.address_list),
        index: Some(request.party_index),
    };
    let (joined, connection_info) = seat(ctx, join).await?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.party_host_type = joined.host_type;
    answer.connection_info = connection_info;
    answer.party_index = joined.party_index.unwrap_or(request.party_index);
    answer.max_players = Some(joined.max_players.into());
    ctx.reply(answer);
    Ok(())
}

/// PartyPlayerReport. Not answered; one of another's party is ignored and counted by the universe.
pub(super) async fn report(ctx: &mut Context, request: &PartyPlayerReport) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let report =
        ReportParty { session: ctx.session()?, party: request.medius_world_id, index: request.party_index };
    let _ = ctx.title().run(report).await?;
    Ok(())
}
