//! What clients report about games. None of it is answered (observed.md 3.6), whatever becomes of it.

use medley_universe::{
    EndGame, EndReport, IgnoredReport, ReassignWorld, ReportPlayer, ReportWorld, WorldUpdate,
};
use medley_wire::MediusWorldId;
use medley_wire::enums::CallbackStatus;
use medley_wire::messages::{
    EndGameReport, PlayerReport, ReassignGameMediusWorldID, WorldReport, WorldReport0,
};

use super::rows::{eight_fields, name, world_update};
use crate::context::{Context, HandlerResult};

pub(super) async fn world(ctx: &mut Context, report: &WorldReport) -> HandlerResult {
    let update = world_update!(report, eight_fields!(report).to_vec());
    tell_world(ctx, report.medius_world_id, update).await
}

/// WorldReport0: the session key first, three generic fields.
pub(super) async fn world0(ctx: &mut Context, report: &WorldReport0) -> HandlerResult {
    ctx.check_session_key(&report.session_key)?;
    let fields = vec![report.generic_field1, report.generic_field2, report.generic_field3];
    let update = world_update!(report, fields);
    tell_world(ctx, report.medius_world_id, update).await
}

async fn tell_world(ctx: &Context, game: MediusWorldId, update: WorldUpdate) -> HandlerResult {
    let outcome = ctx.title().run(ReportWorld { session: ctx.session()?, game, update }).await?;
    note("WorldReport", game, outcome);
    Ok(())
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
