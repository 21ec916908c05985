//! What a console says and hears in a game.

use medley_session::{Cover, Transport};

/// Title data that another player sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayMessage {
    /// How it came.
    pub transport: Transport,
    /// How it came.
    pub cover: Cover,
    /// Index of the sender.
    pub source: u16,
    /// One or more title messages.
    pub payload: Vec<u8>,
}

/// Receivers of title data.
#[derive(Clone, Copy, Debug)]
pub(crate) enum To<'a> {
    /// Everybody else.
    All,
    /// One index.
    One(u16),
    /// The indices whose bits are set.
    List(&'a [u8]),
}

/// A game to be made.
#[derive(Clone, Debug)]
pub struct GameSetup {
    /// GameName.
    pub name: Vec<u8>,
    /// GamePassword.
    pub password: Vec<u8>,
    /// MinPlayers.
    pub min_players: i32,
    /// MaxPlayers.
    pub max_players: i32,
    /// GameLevel.
    pub level: i32,
    /// PlayerSkillLevel.
    pub skill: i32,
    /// RulesSet.
    pub rules: i32,
    /// GenericField1 to 8; 1.08 has three.
    pub fields: [i32; 8],
    /// GameHostType: 4, ClientServerAuxUDP, in the captures.
    pub host_type: i32,
    /// GameStats of the first report.
    pub stats: [u8; 256],
}

impl GameSetup {
    /// An open game of `max_players`.
    #[must_use]
    pub fn new(name: &str, max_players: i32) -> Self {
        Self {
            name: name.as_bytes().to_vec(),
            password: Vec::new(),
            min_players: 0,
            max_players,
            level: 0,
            skill: 0,
            rules: 0,
            fields: [0; 8],
            host_type: 4,
            stats: [0; 256],
        }
    }
}
