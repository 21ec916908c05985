//! The operator's view: what is there, as plain data.

use std::collections::BTreeMap;

use medley_wire::enums::WorldStatus;
use serde::Serialize;

use crate::server::GameServer;
use crate::state::{Counters, State};
use crate::types::Name;

/// A universe at one moment. No keys and no passwords are in it.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// Channels by ascending id.
    pub channels: Vec<ChannelView>,
    /// Games by ascending id.
    pub games: Vec<GameView>,
    /// Players online by ascending account id.
    pub players: Vec<PlayerView>,
    /// Game servers.
    pub game_servers: Vec<GameServer>,
    /// Sessions, those that are not logged in included.
    pub sessions: usize,
    /// Counters since the start.
    pub counters: Counters,
}

/// A channel.
#[derive(Clone, Debug, Serialize)]
pub struct ChannelView {
    /// MediusWorldID.
    pub id: i32,
    /// The net world id.
    pub net_world: u16,
    /// LobbyName.
    pub name: Name,
    /// Players in it.
    pub players: usize,
    /// MaxPlayers.
    pub max_players: u16,
    /// Games made in it.
    pub games: usize,
    /// Configured by the operator.
    pub persistent: bool,
    /// A password is asked for.
    pub password: bool,
    /// GenericField1 to 4.
    pub generic_fields: [u32; 4],
    /// GenericFieldLevel.
    pub generic_field_level: i32,
}

/// A game.
#[derive(Clone, Debug, Serialize)]
pub struct GameView {
    /// MediusWorldID.
    pub id: i32,
    /// The creator's app id.
    pub app_id: u32,
    /// GameName.
    pub name: Name,
    /// WorldStatus by its number.
    pub status: i32,
    /// WorldStatus by its name.
    pub status_name: &'static str,
    /// PlayerCount.
    pub players: u16,
    /// MaxPlayers.
    pub max_players: u16,
    /// Accounts connected.
    pub accounts: Vec<i32>,
    /// The host's account.
    pub host: Option<i32>,
    /// The channel it was made in.
    pub channel: Option<i32>,
    /// The relay or peer.
    pub server: u64,
    /// The world there.
    pub dme_world: Option<i32>,
    /// A password is asked for.
    pub password: bool,
    /// GameLevel.
    pub game_level: i32,
    /// RulesSet.
    pub rules_set: i32,
    /// GenericField1 to 8.
    pub generic_fields: [i32; 8],
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds.
    pub started: Option<i64>,
}

/// A player.
#[derive(Clone, Debug, Serialize)]
pub struct PlayerView {
    /// The account.
    pub account: i32,
    /// AccountName.
    pub name: Name,
    /// The app id.
    pub app_id: u32,
    /// The Medius version.
    pub version: u16,
    /// PlayerStatus.
    pub status: i32,
    /// The channel.
    pub channel: Option<i32>,
    /// The game it is in or on the way to.
    pub game: Option<i32>,
    /// Unix seconds of the login.
    pub since: Option<i64>,
    /// Sockets to MAS, MLS and MPS.
    pub connections: usize,
}

impl State {
    /// Everything an operator may see, now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            channels: self
                .channels
                .values()
                .map(|channel| ChannelView {
                    id: channel.id.0,
                    net_world: channel.net_world,
                    name: channel.name.clone(),
                    players: channel.members.len(),
                    max_players: channel.max_players,
                    games: channel.games.len(),
                    persistent: channel.persistent,
                    password: !channel.password.is_empty(),
                    generic_fields: channel.generic_fields,
                    generic_field_level: channel.generic_field_level,
                })
                .collect(),
            games: self
                .games
                .values()
                .map(|game| GameView {
                    id: game.id.0,
                    app_id: game.app_id.0,
                    name: game.spec.name.clone(),
                    status: game.status.0,
                    status_name: game.status.name().unwrap_or("unknown"),
                    players: game.player_count(),
                    max_players: game.spec.max_players,
                    accounts: game.connected().map(|(_, member)| member.account.0).collect(),
                    host: game
                        .host
                        .and_then(|host| self.sessions.get(&host))
                        .and_then(|session| session.account)
                        .map(|account| account.0),
                    channel: game.channel.map(|id| id.0),
                    server: game.server.0,
                    dme_world: game.dme_world,
                    password: !game.spec.password.is_empty(),
                    game_level: game.spec.game_level,
                    rules_set: game.spec.rules_set,
                    generic_fields: game.spec.generic_fields,
                    created: game.created,
                    started: game.started,
                })
                .collect(),
            players: self
                .by_account
                .iter()
                .filter_map(|(account, key)| Some((account, self.sessions.get(key)?)))
                .map(|(account, session)| PlayerView {
                    account: account.0,
                    name: session.name.clone(),
                    app_id: session.app_id.0,
                    version: session.version,
                    status: session.status().0,
                    channel: session.channel.map(|id| id.0),
                    game: session.game.map(|id| id.0),
                    since: session.logged_in_at,
                    connections: session.connections.len(),
                })
                .collect(),
            game_servers: self.servers.values().cloned().collect(),
            sessions: self.sessions.len(),
            counters: self.counters,
        }
    }

    /// Games by status, for gauges.
    pub fn games_by_status(&self) -> BTreeMap<WorldStatus, usize> {
        let mut counts = BTreeMap::new();
        for game in self.games.values() {
            *counts.entry(game.status).or_insert(0) += 1;
        }
        counts
    }

    /// The whole state as bytes. Equal states give equal bytes: a replayed log must come to the same.
    pub fn encoded(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_allocvec(self)
    }
}
