//! Writes down what a universe wants kept: one task a title, in order.

use medley_store::{GameRecord, ListKind, StoreHandle, Text, TitleId};
use medley_universe::StoreEffect;
use tokio::sync::mpsc;

use crate::clock::Clock;

/// Runs until the title's actor is gone and everything it asked for is written.
pub(crate) async fn write(
    title: TitleId,
    mut effects: mpsc::Receiver<StoreEffect>,
    store: StoreHandle,
    clock: Clock,
) {
    while let Some(effect) = effects.recv().await {
        if let Err(error) = write_one(&title, effect, &store, clock.unix_now()).await {
            if error.is_refusal() {
                tracing::debug!(%error, "the store refused an effect of the universe");
            } else {
                tracing::error!(%error, "an effect of the universe is not kept");
            }
        }
    }
}

async fn write_one(
    title: &TitleId,
    effect: StoreEffect,
    store: &StoreHandle,
    now: i64,
) -> Result<(), medley_store::StoreError> {
    let title = title.clone();
    let account = |id: medley_wire::AccountId| medley_store::AccountId::new(id.0);
    match effect {
        StoreEffect::AddBuddy { owner, buddy } => {
            // Players without an account have nothing that lasts.
            let (Some(owner), Some(buddy)) = (account(owner), account(buddy)) else { return Ok(()) };
            store.write(move |store| store.add_to_list(&title, ListKind::Buddies, owner, buddy, now)).await
        }
        StoreEffect::AddInvitation { from, to, add_type, .. } => {
            let (Some(from), Some(to)) = (account(from), account(to)) else { return Ok(()) };
            store.write(move |store| store.invite_buddy(&title, from, to, add_type.0, now)).await
        }
        StoreEffect::RemoveInvitation { from, to } => {
            let (Some(from), Some(to)) = (account(from), account(to)) else { return Ok(()) };
            store.write(move |store| store.remove_invitation(&title, from, to)).await
        }
        StoreEffect::GameEnded(game) => {
            let record = GameRecord {
                name: Text(game.name.as_bytes().to_vec()),
                app_id: i32::try_from(game.app_id.0).unwrap_or(i32::MAX),
                created: game.created,
                started: game.started,
                ended: Some(game.ended),
                host: account(game.creator),
                players: game.players_at_start.iter().filter_map(|id| account(*id)).collect(),
                status: if game.result.is_some() { "finished" } else { "closed" }.to_owned(),
                metadata: game.metadata,
            };
            // One that never began is of no interest to anybody later.
            if record.started.is_none() {
                return Ok(());
            }
            store.write(move |store| store.add_game(&title, &record)).await.map(drop)
        }
    }
}
