//! What a game's fields say.
//!
//! Sources: the field layouts of public tools of the game's community (horizon-uya-bot and the status page of its servers), and
//! the level numbers of the open game database *wrench*. A game in the captures (uya_ps2_browse_game, line 10: GenericField1 40,
//! GenericField3 300154888, RulesSet 0) agrees with both: Siege on Bakisi Isles without a time limit.

use std::fmt;

/// GenericField1 of the first map; the others follow.
const FIRST_LEVEL: i32 = 40;
const MAPS: [&str; 10] = [
    "Bakisi Isles",
    "Hoven Gorge",
    "Outpost X12",
    "Korgon Outpost",
    "Metropolis",
    "Blackwater City",
    "Command Center",
    "Blackwater Docks",
    "Aquatos Sewers",
    "Marcadia Palace",
];
/// From the low byte's highest bit down; a bit that is set takes the weapon away.
const WEAPONS: [&str; 8] = [
    "Lava Gun",
    "Morph-O-Ray",
    "Mine Glove",
    "Gravity Bomb",
    "Rocket Tube",
    "Blitz Gun",
    "N60 Storm",
    "Flux Rifle",
];

/// RulesSet, and two bits of GenericField3.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Bases and nodes.
    Siege,
    /// Capture the flag.
    Ctf,
    /// Each for themselves, or in teams.
    Deathmatch,
    /// None of these.
    Unknown(u8),
}

/// What the players of a game agreed on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settings {
    map: u8,
    /// What is played.
    pub mode: Mode,
    /// Time limit; 0: none.
    pub minutes: u32,
    /// In teams.
    pub teams: bool,
    /// Attrition in Siege, Chaos in CTF.
    pub attrition: bool,
    /// Turrets at the bases.
    pub base_defences: bool,
    /// Charge boots from the start.
    pub charge_boots: bool,
    /// Weapons lie about.
    pub spawn_weapons: bool,
    /// Ammunition without end.
    pub unlimited_ammo: bool,
    /// Names over heads.
    pub player_names: bool,
    /// Vehicles.
    pub vehicles: bool,
    weapons_off: u8,
}

impl Settings {
    /// Of GenericField3 and PlayerSkillLevel.
    pub fn of(generic_field_3: i32, player_skill_level: i32) -> Self {
        let [first, second, third, fourth] = generic_field_3.to_le_bytes();
        let bit = |byte: u8, place: u8| byte >> place & 1 == 1;
        Self {
            map: first >> 3,
            minutes: u32::from(first & 7) * 5,
            mode: match second >> 3 & 3 {
                0 => Mode::Siege,
                1 => Mode::Ctf,
                2 => Mode::Deathmatch,
                other => Mode::Unknown(other),
            },
            vehicles: !bit(second, 6),
            teams: bit(third, 2),
            player_names: bit(third, 6),
            attrition: bit(fourth, 3),
            base_defences: bit(fourth, 4),
            charge_boots: bit(fourth, 5),
            spawn_weapons: bit(fourth, 6),
            unlimited_ammo: bit(fourth, 7),
            weapons_off: player_skill_level.to_le_bytes()[0],
        }
    }

    /// Where it is played.
    pub fn map(&self) -> &'static str {
        self.map.checked_sub(1).and_then(|at| MAPS.get(usize::from(at))).copied().unwrap_or("an unknown map")
    }

    /// GenericField1 says the map too, by its number among all levels of the game.
    pub fn agrees_with_level(&self, generic_field_1: i32) -> bool {
        i32::from(self.map) == generic_field_1 - FIRST_LEVEL + 1
    }

    /// Weapons that there are.
    pub fn weapons(&self) -> impl Iterator<Item = &'static str> {
        let off = self.weapons_off;
        WEAPONS.iter().enumerate().filter(move |(at, _)| off >> (7 - at) & 1 == 0).map(|(_, name)| *name)
    }

    /// The mode in the words of the game's menu.
    pub fn mode_name(&self) -> &'static str {
        match (self.mode, self.teams, self.attrition) {
            (Mode::Siege, _, false) => "Siege",
            (Mode::Siege, _, true) => "Siege (Attrition)",
            (Mode::Ctf, _, false) => "CTF",
            (Mode::Ctf, _, true) => "CTF (Chaos)",
            (Mode::Deathmatch, false, _) => "Deathmatch",
            (Mode::Deathmatch, true, _) => "Deathmatch (Teams)",
            (Mode::Unknown(_), ..) => "an unknown mode",
        }
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.mode_name(), self.map())?;
        match self.minutes {
            0 => write!(f, ", no time limit"),
            minutes => write!(f, ", {minutes} minutes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_captured_game_is_siege_on_bakisi_isles_without_a_time_limit() {
        let settings = Settings::of(300_154_888, 0x0400_0000);
        assert_eq!(settings.to_string(), "Siege on Bakisi Isles, no time limit");
        assert_eq!(settings.mode, Mode::Siege);
        assert!(settings.agrees_with_level(40) && !settings.agrees_with_level(41));
        assert!(settings.teams && settings.player_names && settings.base_defences && settings.vehicles);
        assert!(
            !settings.attrition
                && !settings.unlimited_ammo
                && !settings.spawn_weapons
                && !settings.charge_boots
        );
        assert_eq!(settings.weapons().count(), 8);
    }

    #[test]
    fn each_field_is_read_from_its_own_bits() {
        let first = 10 << 3 | 7;
        let second = 2 << 3 | 1 << 6;
        let field = i32::from_le_bytes([first, second, 0, 0b1110_1000]);
        let settings = Settings::of(field, 0b1000_0001);
        assert_eq!(settings.to_string(), "Deathmatch on Marcadia Palace, 35 minutes");
        assert!(!settings.vehicles && !settings.teams && !settings.base_defences);
        assert!(
            settings.attrition && settings.charge_boots && settings.spawn_weapons && settings.unlimited_ammo
        );
        let weapons: Vec<_> = settings.weapons().collect();
        assert_eq!(weapons.len(), 6);
        assert!(!weapons.contains(&"Lava Gun") && !weapons.contains(&"Flux Rifle"));
    }

    #[test]
    fn unknown_maps_and_modes_are_called_so() {
        let settings = Settings::of(i32::from_le_bytes([31 << 3, 3 << 3, 0, 0]), 0);
        assert_eq!(settings.to_string(), "an unknown mode on an unknown map, no time limit");
        assert_eq!(Settings::of(0, 0).map(), "an unknown map");
    }
}
