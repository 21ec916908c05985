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

/// A number of players from a field of the wire; less than none is none.
pub(super) fn players(number: i32) -> u16 {
    u16::try_from(number.max(0)).unwrap_or(u16::MAX)
}

/// The eight generic fields of a message.
macro_rules! eight_fields {
    ($message:expr) => {
        [
            $message.generic_field1,
            $message.generic_field2,
            $message.generic_field3,
            $message.generic_field4,
            $message.generic_field5,
            $message.generic_field6,
            $message.generic_field7,
            $message.generic_field8,
        ]
    };
}

/// The generic fields of an older message, which has three.
macro_rules! three_fields {
    ($message:expr) => {
        [$message.generic_field1, $message.generic_field2, $message.generic_field3, 0, 0, 0, 0, 0]
    };
}

/// The game that a message asks for, as far as all messages name their fields alike.
macro_rules! game_spec {
    ($request:expr, $fields:expr) => {
        medley_universe::GameSpec {
            name: medley_universe::Name::new($request.game_name.as_bytes()),
            password: medley_universe::Name::new($request.game_password.as_bytes()),
            min_players: $crate::handlers::rows::players($request.min_players),
            max_players: $crate::handlers::rows::players($request.max_players),
            game_level: $request.game_level,
            player_skill_level: $request.player_skill_level,
            rules_set: $request.rules_set,
            generic_fields: $fields,
            host_type: medley_wire::enums::GameHostType($request.game_host_type.0),
            ..medley_universe::GameSpec::default()
        }
    };
}

/// What a report says about a game. A number of players below none or above what there can be, and a status that the SDK
/// does not name, leave the game's as they are.
macro_rules! world_update {
    ($report:expr, $fields:expr) => {
        medley_universe::WorldUpdate {
            player_count: u16::try_from($report.player_count).ok(),
            name: Some($crate::handlers::rows::name(&$report.game_name)),
            min_players: u16::try_from($report.min_players).ok(),
            max_players: u16::try_from($report.max_players).ok(),
            game_level: Some($report.game_level),
            player_skill_level: Some($report.player_skill_level),
            rules_set: Some($report.rules_set),
            generic_fields: $fields,
            stats: Some($report.game_stats.0.to_vec()),
            status: $report.world_status.name().map(|_| $report.world_status),
        }
    };
}

pub(super) use {eight_fields, game_spec, three_fields, world_update};
