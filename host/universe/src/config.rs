//! What the operator decides: channels, limits, timeouts, rules.

use medley_wire::AppId;
use medley_wire::enums::WorldSecurityLevelType;
use serde::{Deserialize, Serialize};

use crate::types::Name;

/// Everything about a title that its universe has to know.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct UniverseConfig {
    /// The app ids that share this universe.
    pub app_ids: Vec<AppId>,
    /// The channels that always exist. The first one that an app id sees is where its players arrive.
    pub channels: Vec<ChannelConfig>,
    /// Upper bounds.
    pub limits: Limits,
    /// Times, all in milliseconds.
    pub timeouts: Timeouts,
    /// Rules in which titles differ.
    pub rules: Rules,
    /// The universe's first MediusWorldID; below 1: 1. Looked at when the universe is made. A start by the clock keeps a
    /// console that still holds an id from before a restart from naming somebody else's world.
    pub first_world: i32,
}

/// A persistent channel.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ChannelConfig {
    /// LobbyName, unique in the title without regard to case.
    pub name: Name,
    /// Empty: none is asked for.
    pub password: Name,
    /// `CLOSED` lets nobody in.
    pub security: WorldSecurityLevelType,
    /// MaxPlayers.
    pub max_players: u16,
    /// GenericField1 to 4.
    pub generic_fields: [u32; 4],
    /// GenericFieldLevel.
    pub generic_field_level: i32,
    /// Only players of these app ids see it. Empty: all.
    pub app_ids: Vec<AppId>,
}

impl ChannelConfig {
    /// An open channel `name` for `max_players`.
    pub fn new(name: impl AsRef<[u8]>, max_players: u16) -> Self {
        Self {
            name: Name::new(name),
            password: Name::default(),
            security: WorldSecurityLevelType::NONE,
            max_players,
            generic_fields: [0; 4],
            generic_field_level: 0,
            app_ids: Vec::new(),
        }
    }
}

/// Upper bounds: each of them is what keeps a map or a list finite.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Limits {
    /// Sessions at one time; one more is ServerBusy.
    pub sessions: usize,
    /// Channels at one time, persistent ones included. At most 65,000: net world ids are 16 bits.
    pub channels: usize,
    /// Channels that one player may have made and that still exist.
    pub channels_per_player: usize,
    /// Players in a channel, whatever its creator asks for.
    pub players_per_channel: u16,
    /// Games at one time, and as many parties; one more is ExceedsMaxWorlds.
    pub games: usize,
    /// Open games made in one channel; one more is NumGameWorldsPerLobbyWorldExceeded.
    pub games_per_channel: usize,
    /// Open games that one player may have made, and as many parties; one more is RequestDenied.
    pub games_per_player: usize,
    /// Players in a game, whatever its creator asks for.
    pub players_per_game: u16,
    /// Spectators in a game.
    pub spectators_per_game: u16,
    /// Game list filters of one session; one more is NumFiltersAtMax.
    pub filters: usize,
    /// Sort criteria of one session; one more is NumSortCriteriaAtMax.
    pub sort_criteria: usize,
    /// Buddies of one account.
    pub buddies: usize,
    /// Ignored accounts of one account.
    pub ignored: usize,
    /// Buddy invitations that wait for one account.
    pub invitations: usize,
    /// Connections of one session; one more closes its oldest.
    pub connections_per_session: usize,
    /// Unused access keys of one session; one more revokes its oldest.
    pub keys_per_session: usize,
    /// Relays at one time; and as many consoles that host games.
    pub game_servers: usize,
    /// Bytes of a name or password; the rest is cut.
    pub name_bytes: usize,
    /// Bytes of a chat or binary message; the rest is cut.
    pub message_bytes: usize,
    /// Bytes of a stats blob; the rest is cut.
    pub stats_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 20_000,
            channels: 1024,
            channels_per_player: 4,
            players_per_channel: 1024,
            games: 1024,
            games_per_channel: 1024,
            games_per_player: 4,
            players_per_game: 256,
            spectators_per_game: 64,
            filters: 32,
            sort_criteria: 8,
            buddies: 256,
            ignored: 256,
            invitations: 64,
            connections_per_session: 4,
            keys_per_session: 4,
            game_servers: 256,
            name_bytes: 64,
            message_bytes: 4096,
            stats_bytes: 256,
        }
    }
}

/// Times in milliseconds; defaults from servers.md section 13.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Timeouts {
    /// Between two servers a client has no socket; its session lives on for so long.
    pub grace: u64,
    /// An access key that nobody used.
    pub access_key: u64,
    /// An older session of the same account is put out by a new login if it has been silent for so long or has no socket.
    pub stale_login: u64,
    /// A game server that does not answer a create or a join.
    pub game_server_answer: u64,
    /// A player who was let into a game and never connected.
    pub join_reservation: u64,
    /// A created game whose host has not arrived, a peer-to-peer game without a report.
    pub game: u64,
    /// A player who waits for a game of matchmaking.
    pub matching: u64,
    /// From a game's end, if it is empty, to its disappearance.
    pub closed_game: u64,
    /// An empty channel made by a player.
    pub empty_channel: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            grace: 8_000,
            access_key: 8_000,
            stale_login: 10_000,
            game_server_answer: 5_000,
            join_reservation: 15_000,
            game: 30_000,
            matching: 60_000,
            closed_game: 1_000,
            empty_channel: 60_000,
        }
    }
}

/// Rules in which titles differ.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Rules {
    /// Refuse a join whose host type differs from the game's. UYA and others ask for another type than they made.
    pub check_host_type: bool,
    /// Apply the clients' game list filters.
    pub filter_game_lists: bool,
    /// Games hosted by a console itself are allowed.
    pub peer_to_peer: bool,
    /// Let a connection in by its session key when its access key is unknown, if an unused key of that session waits
    /// and the address is the one the session began from. Some clients cut the access key.
    pub session_key_fallback: bool,
    /// Chat to the own channel.
    pub chat_channel: bool,
    /// Chat to one player.
    pub chat_whisper: bool,
    /// Chat to everybody of the title.
    pub chat_universe: bool,
    /// Chat to everybody of the title is for moderators only.
    pub chat_universe_moderators_only: bool,
    /// Chat to the own clan.
    pub chat_clan: bool,
    /// Chat to all buddies.
    pub chat_buddy: bool,
    /// Channel chat reaches members of the channel who are in games.
    pub chat_reaches_games: bool,
    /// Chat messages a second from one player, on average over [`crate::CHAT_BURST`]. 0 is no limit.
    pub chat_per_second: u32,
    /// Tell a player at once that somebody wants to be a buddy. Off, the invitation waits for the next GetBuddyInvitations.
    pub live_buddy_requests: bool,
}

impl Rules {
    /// Whether a player may say something to everybody of the title.
    pub(crate) fn may_speak_to_universe(&self, moderator: bool) -> bool {
        self.chat_universe && (moderator || !self.chat_universe_moderators_only)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            check_host_type: true,
            filter_game_lists: true,
            peer_to_peer: true,
            session_key_fallback: true,
            chat_channel: true,
            chat_whisper: true,
            chat_universe: true,
            chat_universe_moderators_only: false,
            chat_clan: true,
            chat_buddy: true,
            chat_reaches_games: true,
            chat_per_second: 0,
            live_buddy_requests: true,
        }
    }
}
