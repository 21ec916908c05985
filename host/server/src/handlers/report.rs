//! What clients report about games. None of it is answered (observed.md 3.6), whatever becomes of it.

use medley_universe::{
    EndGame, EndReport, IgnoredReport, ReassignWorld, ReportPlayer, ReportWorld, WorldUpdate,
};
use medley_wire::MediusWorldId;
use medley_wire::enums::{CallbackStatus, WorldStatus};
use medley_wire::messages::{
    EndGameReport, PlayerReport, ReassignGameMediusWorldID, WorldReport, WorldReport0,
};

use super::rows::name;
use crate::context::{Context, HandlerResult};

pub(super) async fn world(ctx: &mut Context, report: &WorldReport) -> HandlerResult {
    let update = WorldUpdate {
        player_count: small(report.player_count),
        name: Some(name(&report.game_name)),
        min_players: small(report.min_players),
        max_players: small(report.max_players),
        game_level: Some(report.game_level),
        player_skill_level: Some(report.player_skill_level),
        rules_set: Some(report.rules_set),
        generic_fields: vec![
            report.generic_field1,
            report.generic_field2,
            report.generic_field3,
            report.generic_field4,
            report.generic_field5,
            report.generic_field6,
            report.generic_field7,
            report.generic_field8,
        ],
        stats: Some(report.game_stats.0.to_vec()),
        status: known(report.world_status),
    };
    tell_world(ctx, report.medius_world_id, update).await
}

/// WorldReport0: the session key first, three generic fields.
pub(super) async fn world0(ctx: &mut Context, report: &WorldReport0) -> HandlerResult {
    ctx.check_session_key(&report.session_key)?;
    let update = WorldUpdate {
        player_count: small(report.player_count),
        name: Some(name(&report.game_name)),
        min_players: small(report.min_players),
        max_players: small(report.max_players),
        game_level: Some(report.game_level),
        player_skill_level: Some(report.player_skill_level),
        rules_set: Some(report.rules_set),
        generic_fields: vec![report.generic_field1, report.generic_field2, report.generic_field3],
        stats: Some(report.game_stats.0.to_vec()),
        status: known(report.world_status),
    };
    tell_world(ctx, report.medius_world_id, update).await
}

async fn tell_world(ctx: &Context, game: MediusWorldId, update: WorldUpdate) -> HandlerResult {
    let outcome = ctx.title().run(ReportWorld { session: ctx.session()?, game, update }).await?;
    note("WorldReport", game, outcome);
    Ok(())
}

fn small(number: i32) -> Option<u16> {
    u16::try_from(number).ok()
}

/// A status that the SDK names; another leaves the game's as it is.
fn known(status: WorldStatus) -> Option<WorldStatus> {
    status.name().map(|_| status)
}

pub(super) async fn player(ctx: &mut Context, report: &PlayerReport) -> HandlerResult {
    ctx.check_session_key(&report.session_key)?;
    let (game, stats) = (report.medius_world_id, report.stats.0.to_vec());
    let outcome = ctx.title().run(ReportPlayer { session: ctx.session()?, game, stats }).await?;
    note("PlayerReport", game, outcome);
    Ok(())
}

pub(super) async fn end_game(ctx: &mut Context, report: &EndGameReport) -> HandlerResult {
    ctx.check_session_key(&report.session_key)?;
    let game = report.medius_world_id;
    let end = EndReport {
        winning_team: name(&report.winning_team),
        winning_player: name(&report.winning_player),
        final_score: report.final_score,
    };
    let outcome = ctx.title().run(EndGame { session: ctx.session()?, game, report: end }).await?;
    note("EndGameReport", game, outcome);
    Ok(())
}

/// ReassignGameMediusWorldID goes back to its sender, with the id that the game has now: the new one, or after a refusal
/// still the old one (ours).
pub(super) async fn reassign(ctx: &mut Context, request: &ReassignGameMediusWorldID) -> HandlerResult {
    let (old, new) = (request.old_medius_world_id, request.new_medius_world_id);
    let outcome: Result<(), CallbackStatus> =
        ctx.title().run(ReassignWorld { session: ctx.session()?, old, new }).await?;
    let new_medius_world_id = if outcome.is_ok() { new } else { old };
    ctx.reply(ReassignGameMediusWorldID { old_medius_world_id: old, new_medius_world_id });
    Ok(())
}

fn note(report: &'static str, game: MediusWorldId, outcome: Result<(), IgnoredReport>) {
    if let Err(why) = outcome {
        tracing::debug!(report, game = game.0, ?why, "report ignored");
    }
}
