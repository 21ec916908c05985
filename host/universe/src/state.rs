//! The state itself, its clock and its configuration.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use medley_wire::{AccountId, AppId, MediusWorldId};
use rand::RngCore as _;
use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;
use serde::{Deserialize, Serialize};

use crate::channel::Channel;
use crate::command::Operation;
use crate::config::UniverseConfig;
use crate::game::Pending;
use crate::matching::Ticket;
use crate::output::{Notice, Output, Push};
use crate::server::GameServer;
use crate::session::{IssuedKey, Session};
use crate::timers::{Timer, Timers};
use crate::types::{AccessKey, ConnectionId, GameServerId, Name, RequestId, SessionKey, Time};
use crate::worlds::Worlds;

/// Everything that a universe knows. Questions are methods of this; changes are [`Operation`]s.
///
/// All maps are ordered, so that the same commands give the same state and the same order of outputs.
#[derive(Debug, Serialize)]
pub struct State {
    pub(crate) config: UniverseConfig,
    pub(crate) now: Time,
    #[serde(skip)]
    pub(crate) rng: ChaCha20Rng,
    pub(crate) sessions: BTreeMap<SessionKey, Session>,
    pub(crate) by_account: BTreeMap<AccountId, SessionKey>,
    pub(crate) by_name: BTreeSet<(Name, SessionKey)>,
    pub(crate) by_connection: BTreeMap<ConnectionId, SessionKey>,
    pub(crate) by_clan: BTreeSet<(i32, SessionKey)>,
    pub(crate) keys: BTreeMap<AccessKey, IssuedKey>,
    pub(crate) channels: BTreeMap<MediusWorldId, Channel>,
    pub(crate) channel_names: BTreeMap<Name, MediusWorldId>,
    pub(crate) net_worlds: BTreeMap<u16, MediusWorldId>,
    pub(crate) games: Worlds,
    pub(crate) game_names: BTreeSet<(Name, MediusWorldId)>,
    pub(crate) dme_worlds: BTreeMap<(GameServerId, i32), MediusWorldId>,
    pub(crate) servers: BTreeMap<GameServerId, GameServer>,
    pub(crate) pending: BTreeMap<RequestId, Pending>,
    /// Players whom matchmaking owes a game.
    pub(crate) tickets: BTreeMap<SessionKey, Ticket>,
    pub(crate) players_in_games: usize,
    pub(crate) counters: Counters,
    pub(crate) timers: Timers,
    last_world: i32,
    last_net_world: u16,
    last_request: u64,
    last_anonymous: i32,
    #[serde(skip)]
    pub(crate) outputs: VecDeque<Output>,
}

/// What happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Sessions begun.
    pub sessions_begun: u64,
    /// Logins, anonymous ones included.
    pub logins: u64,
    /// Sessions that ended because their grace period was over.
    pub sessions_timed_out: u64,
    /// Access keys made.
    pub keys_issued: u64,
    /// Access keys used.
    pub keys_claimed: u64,
    /// Connections refused for want of a valid key.
    pub keys_refused: u64,
    /// Channels made by players.
    pub channels_created: u64,
    /// Games that came to stand.
    pub games_created: u64,
    /// Parties that came to stand.
    pub parties_created: u64,
    /// Times that matchmaking sent a player or party to a game.
    pub matches: u64,
    /// Games and parties that a relay or host did not take.
    pub games_failed: u64,
    /// Joins that were let in.
    pub joins: u64,
    /// Joins that a relay or host refused or did not answer.
    pub joins_failed: u64,
    /// Reports that were ignored: not of the sender's game, not from its host, after its end.
    pub reports_ignored: u64,
    /// Chat and binary messages sent.
    pub chat_messages: u64,
    /// Deliveries of them.
    pub chat_deliveries: u64,
}

impl State {
    pub(crate) fn new(config: UniverseConfig, seed: [u8; 32]) -> Self {
        let mut state = Self {
            config: UniverseConfig::default(),
            now: Time::default(),
            rng: ChaCha20Rng::from_seed(seed),
            sessions: BTreeMap::new(),
            by_account: BTreeMap::new(),
            by_name: BTreeSet::new(),
            by_connection: BTreeMap::new(),
            by_clan: BTreeSet::new(),
            keys: BTreeMap::new(),
            channels: BTreeMap::new(),
            channel_names: BTreeMap::new(),
            net_worlds: BTreeMap::new(),
            games: Worlds::default(),
            game_names: BTreeSet::new(),
            dme_worlds: BTreeMap::new(),
            servers: BTreeMap::new(),
            pending: BTreeMap::new(),
            tickets: BTreeMap::new(),
            players_in_games: 0,
            counters: Counters::default(),
            timers: Timers::default(),
            last_world: config.first_world.max(1) - 1,
            last_net_world: 0,
            last_request: 0,
            last_anonymous: 0,
            outputs: VecDeque::new(),
        };
        state.configure(config);
        state
    }

    /// The configuration in force.
    pub fn config(&self) -> &UniverseConfig {
        &self.config
    }

    /// The time of the last command.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Counters since the start.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// When [`Tick`] has something to do next, in milliseconds of [`Time::millis`]. May be early, never late.
    pub fn next_deadline(&self) -> Option<u64> {
        self.timers.next()
    }

    /// Whether this universe is of `app_id`'s title. An empty list takes every app id.
    pub fn serves(&self, app_id: AppId) -> bool {
        self.config.app_ids.is_empty() || self.config.app_ids.contains(&app_id)
    }

    pub(crate) fn after(&self, millis: u64) -> u64 {
        self.now.millis.saturating_add(millis)
    }

    pub(crate) fn random_key(&mut self) -> AccessKey {
        let mut random = [0; 12];
        self.rng.fill_bytes(&mut random);
        AccessKey::from_random(random)
    }

    /// A MediusWorldID that nothing has. Counts up, so that late reports about an old game meet no new one (servers.md
    /// trap 12); never 0, which titles take for "none".
    pub(crate) fn next_world(&mut self) -> MediusWorldId {
        loop {
            self.last_world = self.last_world.checked_add(1).unwrap_or(1);
            let id = MediusWorldId(self.last_world);
            if !self.channels.contains_key(&id) && self.games.any(id).is_none() {
                return id;
            }
        }
    }

    /// A net world id for a channel: 16 bits, as CONNECT at 1.08 has it, never 0. `None` if all are taken.
    pub(crate) fn next_net_world(&mut self) -> Option<u16> {
        if self.net_worlds.len() >= usize::from(u16::MAX) {
            return None;
        }
        loop {
            self.last_net_world = self.last_net_world.checked_add(1).unwrap_or(1);
            if !self.net_worlds.contains_key(&self.last_net_world) {
                return Some(self.last_net_world);
            }
        }
    }

    pub(crate) fn next_request(&mut self) -> RequestId {
        self.last_request += 1;
        RequestId(self.last_request)
    }

    /// An account id for somebody without an account: negative, and of nobody who is online.
    pub(crate) fn next_anonymous(&mut self) -> AccountId {
        loop {
            self.last_anonymous = self.last_anonymous.checked_sub(1).unwrap_or(-1);
            let id = AccountId(self.last_anonymous);
            if !self.by_account.contains_key(&id) {
                return id;
            }
        }
    }

    pub(crate) fn notice(&mut self, notice: Notice) {
        self.outputs.push_back(Output::Notice(notice));
    }

    /// Sends `push` if `session` has a lobby connection now.
    pub(crate) fn push(&mut self, session: SessionKey, push: Push) -> bool {
        let Some(connection) = self.sessions.get(&session).and_then(Session::lobby_connection) else {
            return false;
        };
        self.outputs.push_back(Output::Push { session, connection, push });
        true
    }

    pub(crate) fn name(&self, name: Name) -> Name {
        name.bounded(self.config.limits.name_bytes)
    }

    pub(crate) fn stats(&self, mut stats: Vec<u8>) -> Vec<u8> {
        stats.truncate(self.config.limits.stats_bytes);
        stats
    }

    fn configure(&mut self, config: UniverseConfig) {
        self.config = config;
        // Net world ids are 16 bits wide and 0 is not used.
        self.config.limits.channels = self.config.limits.channels.min(65_000);
        self.configure_channels();
    }
}

/// Takes a new configuration. What is online stays: a channel that is no longer configured goes when it is empty.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Reconfigure(pub UniverseConfig);

impl Operation for Reconfigure {
    type Reply = ();

    fn perform(self, state: &mut State) {
        state.configure(self.0);
    }
}

/// Lets everything that is due happen. To be run at [`State::next_deadline`] or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Tick;

impl Operation for Tick {
    type Reply = ();

    fn perform(self, state: &mut State) {
        while let Some(timer) = state.timers.due(state.now.millis) {
            match timer {
                Timer::Session(session) => state.session_due(session),
                Timer::Key(key) => state.key_due(key),
                Timer::Channel(channel) => state.channel_due(channel),
                Timer::Game(game) => state.game_due(game),
                Timer::Request(request) => state.request_due(request),
                Timer::Match(session) => state.match_due(session),
            }
        }
    }
}
