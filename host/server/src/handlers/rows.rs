//! Pieces that the answers of several areas share.

use medley_universe::{Game, Member, Name, Presence, Session};
use medley_wire::enums::CallbackStatus;
use medley_wire::messages::{Message, PlayerOnlineState, Request};
use medley_wire::types::{Blob, Text};

/// A row of the list that answers `request`, to be filled in; not the last one.
pub(super) fn row_of<R: Request>(request: &R) -> R::Answer {
    let mut row = request.answer_with(CallbackStatus::SUCCESS);
    row.set_end_of_list(false);
    row
}

/// OnlineState as captured: in a channel 2 with game id 0 and no game name, in a game 3 with both, offline all zero
/// (observed.md 3.25).
pub(super) fn online_state(presence: &Presence) -> PlayerOnlineState {
    PlayerOnlineState {
        connect_status: presence.status,
        medius_lobby_world_id: presence.lobby,
        medius_game_world_id: presence.game,
        lobby_name: Text::new(&presence.lobby_name),
        game_name: Text::new(&presence.game_name),
    }
}

/// The stats blob of a player in a game: what its last PlayerReport said, else the account's.
pub(super) fn game_stats(session: &Session, member: &Member) -> Blob<256> {
    Blob::new(if member.stats.is_empty() { &session.stats } else { &member.stats })
}

/// GameName as it travels.
pub(super) fn game_name(game: &Game) -> Text<64> {
    Text::new(&game.spec.name)
}

/// A count as a field of the wire; too much is as much as fits.
pub(super) fn count<T: TryFrom<usize>>(number: usize, most: T) -> T {
    T::try_from(number).unwrap_or(most)
}

/// A name from a field of the wire.
pub(super) fn name<const N: usize>(text: &Text<N>) -> Name {
    Name::new(text.as_bytes())
}
