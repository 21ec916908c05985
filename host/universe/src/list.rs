//! Game lists: filters, sort order, pages; finding worlds by name.

use core::cmp::Ordering;

use medley_wire::enums::{
    ComparisonOperator, FindWorldType, GameListFilterField, GameListSortDirection, WorldStatus,
};
use medley_wire::{AppId, MediusWorldId};
use serde::{Deserialize, Serialize};

use crate::channel::Channel;
use crate::game::Game;
use crate::session::Session;
use crate::state::State;
use crate::types::{FilterId, Name, Page, SessionKey};

/// A game list filter: `(field & mask) operator baseline` must hold (field on the left: servers.md 7.3, from captures).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct GameFilter {
    /// The id that the client was told.
    pub id: FilterId,
    /// Set by SetGameListFilter0, whose client was told no id.
    pub without_id: bool,
    /// What is compared.
    pub field: GameListFilterField,
    /// Which of its bits.
    pub mask: u32,
    /// How.
    pub operator: ComparisonOperator,
    /// With what.
    pub baseline: i32,
}

/// Which filter is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum FilterKey {
    /// ClearGameListFilter0: all of this field (capture `uya_ps2_browse_game`).
    Field(GameListFilterField),
    /// ClearGameListFilter: this one.
    Id(FilterId),
}

/// One criterion of SetGameListSort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct GameSort {
    /// SortPriority: the lowest counts first.
    pub priority: i32,
    /// By what.
    pub field: GameListFilterField,
    /// Which of its bits.
    pub mask: u32,
    /// Which way.
    pub direction: GameListSortDirection,
}

/// A row of FindWorldByName.
#[derive(Clone, Copy, Debug)]
pub enum WorldFound<'a> {
    /// ApplicationType 0.
    Game(&'a Game),
    /// ApplicationType 1.
    Channel(&'a Channel),
}

impl State {
    /// A page of the games that `session` sees: Staging or Active, all of its filters held, in its sort order, else by
    /// ascending id. Nothing but the filters restricts the list (capture `uya_ps2_browse_game`).
    pub fn games(&self, session: SessionKey, page: Page) -> Vec<&Game> {
        let Some(session) = self.sessions.get(&session) else { return Vec::new() };
        let mut games = self.games_for(session).collect::<Vec<_>>();
        if !session.game_sort.is_empty() {
            games.sort_by(|a, b| self.sorted(session, a, b));
        }
        page.of(games.into_iter())
    }

    /// UtilGetTotalGamesFiltered: how many games `session` sees.
    pub fn total_games_filtered(&self, session: SessionKey) -> usize {
        self.sessions.get(&session).map_or(0, |session| self.games_for(session).count())
    }

    /// GetTotalGames: games in Staging or Active.
    pub fn total_games(&self) -> usize {
        self.games.values().filter(|game| game.is_listed()).count()
    }

    /// FindWorldByName: games and channels of that name, without regard to case, that clients of `app_id` see.
    pub fn find_world(&self, name: &Name, find: FindWorldType, app_id: AppId) -> Vec<WorldFound<'_>> {
        let games = find != FindWorldType::FIND_LOBBY_WORLD;
        let channels = find != FindWorldType::FIND_GAME_WORLD;
        let folded = name.folded();
        let range = (folded.clone(), MediusWorldId(i32::MIN))..=(folded, MediusWorldId(i32::MAX));
        let games = games
            .then(|| self.game_names.range(range))
            .into_iter()
            .flatten()
            .filter_map(|(_, id)| self.games.get(id))
            .filter(|game| game.is_listed())
            .map(WorldFound::Game);
        let channel =
            channels.then(|| self.channel_named(name)).flatten().filter(|channel| channel.is_for(app_id));
        games.chain(channel.map(WorldFound::Channel)).collect()
    }

    fn games_for<'s>(&'s self, session: &'s Session) -> impl Iterator<Item = &'s Game> {
        let filters: &[GameFilter] =
            if self.config.rules.filter_game_lists { &session.game_filters } else { &[] };
        self.games
            .values()
            .filter(|game| game.is_listed())
            .filter(move |game| filters.iter().all(|filter| self.holds(session, game, filter)))
    }

    fn holds(&self, session: &Session, game: &Game, filter: &GameFilter) -> bool {
        let Some(value) = self.field(session, game, filter.field) else { return true };
        let masked = masked(value, filter.mask);
        let baseline = i64::from(filter.baseline);
        match filter.operator {
            ComparisonOperator::LESS_THAN => masked < baseline,
            ComparisonOperator::LESS_THAN_OR_EQUAL_TO => masked <= baseline,
            ComparisonOperator::EQUAL_TO => masked == baseline,
            ComparisonOperator::GREATER_THAN_OR_EQUAL_TO => masked >= baseline,
            ComparisonOperator::GREATER_THAN => masked > baseline,
            ComparisonOperator::NOT_EQUALS => masked != baseline,
            _ => true,
        }
    }

    fn sorted(&self, session: &Session, a: &Game, b: &Game) -> Ordering {
        let value =
            |game, sort: &GameSort| masked(self.field(session, game, sort.field).unwrap_or(0), sort.mask);
        session
            .game_sort
            .iter()
            .map(|sort| {
                let order = value(a, sort).cmp(&value(b, sort));
                if sort.direction == GameListSortDirection::DESCENDING { order.reverse() } else { order }
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// The value of a filter field; `None` for a field that nobody knows.
    fn field(&self, session: &Session, game: &Game, field: GameListFilterField) -> Option<i32> {
        let spec = &game.spec;
        let generic = |number: usize| spec.generic_fields[number - 1];
        let players = |counts: &dyn Fn(&Session) -> bool| {
            game.members
                .keys()
                .filter_map(|key| self.sessions.get(key))
                .filter(|player| counts(player))
                .count() as i32
        };
        Some(match field {
            GameListFilterField::PLAYER_COUNT => game.player_count().into(),
            GameListFilterField::MIN_PLAYERS => spec.min_players.into(),
            GameListFilterField::MAX_PLAYERS => spec.max_players.into(),
            GameListFilterField::GAME_LEVEL => spec.game_level,
            GameListFilterField::PLAYER_SKILL_LEVEL => spec.player_skill_level,
            GameListFilterField::RULES_SET => spec.rules_set,
            GameListFilterField::GENERIC_FIELD_1 => generic(1),
            GameListFilterField::GENERIC_FIELD_2 => generic(2),
            GameListFilterField::GENERIC_FIELD_3 => generic(3),
            GameListFilterField::GENERIC_FIELD_4 => generic(4),
            GameListFilterField::GENERIC_FIELD_5 => generic(5),
            GameListFilterField::GENERIC_FIELD_6 => generic(6),
            GameListFilterField::GENERIC_FIELD_7 => generic(7),
            GameListFilterField::GENERIC_FIELD_8 => generic(8),
            GameListFilterField::LOBBY_WORLDID => game.channel.map_or(0, |channel| channel.0),
            GameListFilterField::MATCH_MAKING_GAMES => game.superset.is_some().into(),
            GameListFilterField::LOCATION_ID => game.location,
            GameListFilterField::BUDDY_COUNT => players(&|player| {
                player.account.is_some_and(|account| session.buddies.contains_key(&account))
            }),
            GameListFilterField::CLAN_MEMBER_COUNT => players(&|player| {
                player.clan.is_some() && player.clan == session.clan && player.key != session.key
            }),
            GameListFilterField::IGNORED_PLAYER_COUNT => players(&|player| {
                player.account.is_some_and(|account| session.ignored.contains_key(&account))
            }),
            _ => return None,
        })
    }
}

impl Game {
    /// In lists: Staging or Active.
    pub fn is_listed(&self) -> bool {
        matches!(self.status, WorldStatus::STAGING | WorldStatus::ACTIVE)
    }
}

/// `value & mask`, as the signed number that it stands for: a whole mask keeps the sign, a narrower one leaves bits.
fn masked(value: i32, mask: u32) -> i64 {
    i64::from((value as u32 & mask) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_mask_keeps_the_sign_of_a_field() {
        assert_eq!(masked(-5, u32::MAX), -5);
        assert_eq!(masked(-5, 0xff), 0xfb);
        assert_eq!(masked(0x0400_0000, 0x0800_0000), 0);
    }
}
