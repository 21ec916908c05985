//! What a game's fields say.
//!
//! Sources: the game's community plugin (horizon-deadlocked-plugin) for RulesSet, GenericField3 and GenericField7, the open game
//! database *wrench* for the level numbers. The game in dl_ps2_full_session (line 278: GameLevel 53, RulesSet 2, GenericField3 10,
//! GenericField7 34434824, GenericField2 the channel) agrees: Deathmatch to ten kills in Maraxus Prison without a time limit.

use std::fmt;

use medley_plugin::Game;

/// GameLevel of a split-screen variant lies so much higher.
const SPLIT_SCREEN: i32 = 20;

/// What the players of a game agreed on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settings {
    level: i32,
    rules_set: i32,
    /// To win: kills, flags, points of the hill; 0: none.
    pub score: i32,
    /// Time limit; 0: none. Conquest has none.
    pub minutes: i32,
    /// Conquest with nodes that lock.
    pub lockdown: bool,
    /// Conquest with home nodes.
    pub home_nodes: bool,
}

impl Settings {
    /// Of a game of the lobby.
    pub fn of(game: &Game) -> Self {
        let field = |place: usize| game.generic_fields.get(place - 1).copied().unwrap_or(0);
        let rules = field(7);
        Self {
            level: game.game_level,
            rules_set: game.rules_set,
            score: field(3),
            minutes: (rules >> 27 & 7) * 5,
            lockdown: rules & 1 << 12 != 0,
            home_nodes: rules & 1 << 6 != 0,
        }
    }

    /// Where it is played.
    pub fn map(&self) -> &'static str {
        let level = if self.level > 60 { self.level - SPLIT_SCREEN } else { self.level };
        match level {
            41 => "Battledome Tower",
            42 => "Catacrom Graveyard",
            44 => "Sarathos Swamp",
            45 => "Dark Cathedral",
            46 => "Temple of Shaar",
            47 => "Valix Lighthouse",
            48 => "Mining Facility",
            50 => "Torval Ruins",
            51 => "Tempus Station",
            53 => "Maraxus Prison",
            54 => "Ghost Station",
            _ => "an unknown map",
        }
    }

    /// What is played.
    pub fn mode(&self) -> &'static str {
        match self.rules_set {
            0 => "Conquest",
            1 => "CTF",
            2 => "Deathmatch",
            3 => "King of the Hill",
            4 => "Juggernaut",
            _ => "an unknown mode",
        }
    }

    fn goal(&self) -> Option<&'static str> {
        match self.rules_set {
            0 => Some("bolts"),
            1 => Some("flags"),
            2 | 4 => Some("kills"),
            3 => Some("of hill time"),
            _ => None,
        }
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.mode(), self.map())?;
        if self.rules_set == 0 && (self.lockdown || self.home_nodes) {
            return write!(f, ", {}", if self.lockdown { "lockdown" } else { "home nodes" });
        }
        if let (Some(goal), 1..) = (self.goal(), self.score) {
            write!(f, ", {} {goal}", self.score)?;
        }
        match self.minutes {
            0 => Ok(()),
            minutes => write!(f, ", {minutes} minutes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn game(level: i32, rules_set: i32, score: i32, rules: i32) -> Game {
        Game {
            game_level: level,
            rules_set,
            generic_fields: vec![0, 28035, score, 1, 1, -1_066_975_243, rules, 96677],
            ..Game::default()
        }
    }

    #[test]
    fn the_captured_game_is_deathmatch_to_ten_kills_in_maraxus_prison() {
        let settings = Settings::of(&game(53, 2, 10, 34_434_824));
        assert_eq!(settings.to_string(), "Deathmatch in Maraxus Prison, 10 kills");
    }

    #[test]
    fn time_limits_and_kinds_of_conquest_are_told() {
        assert_eq!(
            Settings::of(&game(42, 1, 3, 4 << 27)).to_string(),
            "CTF in Catacrom Graveyard, 3 flags, 20 minutes"
        );
        assert_eq!(
            Settings::of(&game(65, 0, 0, 1 << 12)).to_string(),
            "Conquest in Dark Cathedral, lockdown"
        );
        assert_eq!(
            Settings::of(&game(46, 0, 0, 1 << 6)).to_string(),
            "Conquest in Temple of Shaar, home nodes"
        );
        assert_eq!(Settings::of(&game(99, 9, 5, 0)).to_string(), "an unknown mode in an unknown map");
        assert_eq!(Settings::of(&Game::default()).mode(), "Conquest");
    }
}
