//! What every connection and title of one running host shares.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use arc_swap::ArcSwap;
use medley_crypto::{KEY_LEN, KeyStore};
use medley_session::{Handshake, HandshakeRules, ServerConfig, ServerKind};
use medley_store::{StoreHandle, TitleId};
use medley_titles::{AppRef, HostConfig, Title, TitleSet};
use medley_universe::{ChannelConfig, ConnectionId, Limits, Rules, SessionKey, Timeouts, UniverseConfig};
use medley_wire::AppId;
use medley_wire::enums::WorldSecurityLevelType;
use medley_wire::types::Text;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::actor::TitleHandle;
use crate::clock::Clock;
use crate::events::Counters;
use crate::limits::{Door, lock};
use crate::mgcl::GameServers;

/// Addresses that the listeners are bound to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bound {
    /// MUIS, and its further ports.
    pub muis: Vec<SocketAddr>,
    /// MAS.
    pub mas: SocketAddr,
    /// MLS.
    pub mls: SocketAddr,
    /// MPS.
    pub mps: SocketAddr,
    /// NAT service, UDP.
    pub nat: SocketAddr,
    /// MAPS.
    pub maps: Vec<SocketAddr>,
    /// MMS.
    pub mms: Vec<SocketAddr>,
    /// MUCG.
    pub mucg: Vec<SocketAddr>,
    /// Bandwidth probes, UDP.
    pub bwps: Vec<SocketAddr>,
}

/// Hands a message of a title's plugin to the relay's threads; false if one of them could not take it.
pub type RelayLink = Box<dyn Fn(&str, &[u8]) -> bool + Send + Sync>;

/// What was warned of once already.
#[derive(Debug, Default)]
struct Seen(HashSet<(String, u8, u32)>);

/// A client can say any class and id: what is warned of must neither fill the memory nor the log.
const MAX_SEEN: usize = 4096;

impl Seen {
    /// True the first time, while there is room to remember it.
    fn first(&mut self, title: &str, class: u8, id: u32) -> bool {
        self.0.len() < MAX_SEEN && self.0.insert((title.to_owned(), class, id))
    }
}

/// What each kind of server gives its sessions. Made anew for each configuration, for it holds timeouts: sessions that
/// began keep theirs.
struct SessionConfigs {
    muis: Arc<ServerConfig>,
    mas: Arc<ServerConfig>,
    mls: Arc<ServerConfig>,
    mps: Arc<ServerConfig>,
}

impl SessionConfigs {
    fn new(config: &HostConfig, keys: &KeyStore, clock: &Clock) -> Self {
        let mut named = Vec::new();
        let default = keys.default_server_key();
        let others = keys.pairs().filter(|entry| entry.role == medley_crypto::KeyRole::Server);
        for entry in default.into_iter().chain(others) {
            if !named.iter().any(|(name, _)| *name == entry.name) {
                named.push((entry.name.as_str(), Arc::new(entry.pair.clone())));
            }
        }
        let pairs: Vec<_> = named.into_iter().map(|(_, pair)| pair).collect();
        let of = |kind| {
            let mut session = ServerConfig::new(kind, pairs.clone());
            session.unix_time_at_zero = clock.unix_at_start();
            session.timeouts.handshake = config.timeouts.auth;
            session.timeouts.idle = config.timeouts.client;
            session.timeouts.server_echo = config.timeouts.server_echo;
            Arc::new(session)
        };
        Self {
            muis: of(ServerKind::Muis),
            mas: of(ServerKind::Mas),
            mls: of(ServerKind::Mls),
            mps: of(ServerKind::Mps),
        }
    }
}

/// Shared state of the servers.
pub struct Shared {
    config: ArcSwap<HostConfig>,
    sessions: ArcSwap<SessionConfigs>,
    titles: Arc<ArcSwap<TitleSet>>,
    actors: Mutex<HashMap<String, TitleHandle>>,
    unhandled: Mutex<Seen>,
    next_connection: AtomicU64,
    next_session: AtomicU64,
    next_scert: AtomicU32,
    bound: OnceLock<Bound>,
    /// The way of plugins' messages from the lobby to the relay's threads.
    relay_link: OnceLock<RelayLink>,
    /// Keys of the servers.
    pub keys: Arc<KeyStore>,
    /// Durable data.
    pub store: StoreHandle,
    /// Time.
    pub clock: Clock,
    /// Counters.
    pub counters: Arc<Counters>,
    /// Connections in all and by address.
    pub door: Arc<Door>,
    /// Game servers on MPS.
    pub(crate) game_servers: GameServers,
    /// Cancelled when the host is to stop: connections are told to go.
    pub(crate) shutdown: CancellationToken,
    /// Cancelled when the titles are to end: after the connections.
    pub(crate) stop_titles: CancellationToken,
    /// Tasks of the titles.
    pub(crate) tasks: TaskTracker,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("bound", &self.bound).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(
        config: HostConfig,
        titles: TitleSet,
        store: StoreHandle,
        keys: Arc<KeyStore>,
        relay_key: Option<Text<17>>,
        shutdown: CancellationToken,
    ) -> Self {
        let clock = Clock::start();
        let sessions = ArcSwap::from_pointee(SessionConfigs::new(&config, &keys, &clock));
        Self {
            sessions,
            config: ArcSwap::from_pointee(config),
            titles: Arc::new(ArcSwap::from_pointee(titles)),
            actors: Mutex::default(),
            unhandled: Mutex::default(),
            next_connection: AtomicU64::new(1),
            // Decimal as Sony's; beginning at the time makes the keys of an earlier run of the host unknown to this one.
            next_session: AtomicU64::new(u64::try_from(clock.unix_now()).unwrap_or(1)),
            next_scert: AtomicU32::new(1),
            bound: OnceLock::new(),
            relay_link: OnceLock::new(),
            keys,
            store,
            clock,
            counters: Arc::default(),
            door: Arc::default(),
            game_servers: GameServers::new(relay_key),
            shutdown,
            stop_titles: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// The host's configuration in force.
    pub fn config(&self) -> arc_swap::Guard<Arc<HostConfig>> {
        self.config.load()
    }

    /// The titles in force.
    pub fn titles(&self) -> arc_swap::Guard<Arc<TitleSet>> {
        self.titles.load()
    }

    /// The title and app that `app` is, if it is served.
    pub fn lookup(&self, app: AppId) -> Option<AppRef> {
        self.titles.load().lookup(app.0).cloned()
    }

    /// Where the listeners are; ports 0 before they are bound.
    pub fn bound(&self) -> Option<&Bound> {
        self.bound.get()
    }

    pub(crate) fn set_bound(&self, bound: Bound) {
        // Set once, by the start of the server.
        let _ = self.bound.set(bound);
    }

    /// Says how a message of a title's plugin gets to its instances in the relay. Once, at the start.
    pub fn set_relay_link(&self, link: RelayLink) {
        let _ = self.relay_link.set(link);
    }

    /// Sends a message of a title's plugin to its instances in the relay.
    pub(crate) fn to_relay(&self, title: &str, data: &[u8]) -> Result<(), medley_runtime::api::Error> {
        match self.relay_link.get() {
            Some(link) if link(title, data) => Ok(()),
            Some(_) => Err(medley_runtime::api::Error::Full("the relay is far behind".to_owned())),
            None => Err(medley_runtime::api::Error::Unavailable("this process has no relay".to_owned())),
        }
    }

    pub(crate) fn set_config(&self, config: HostConfig) {
        self.sessions.store(Arc::new(SessionConfigs::new(&config, &self.keys, &self.clock)));
        self.config.store(Arc::new(config));
    }

    pub(crate) fn set_titles(&self, titles: TitleSet) {
        self.titles.store(Arc::new(titles));
    }

    pub(crate) fn next_connection(&self) -> ConnectionId {
        ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn next_session(&self) -> SessionKey {
        SessionKey(self.next_session.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn next_scert(&self) -> u32 {
        self.next_scert.fetch_add(1, Ordering::Relaxed)
    }

    /// The actor of a title, started if this is the first that is asked of it. `None` if the title's name is no key of
    /// the store (checked configurations have no such title) or the host is about to end.
    pub fn title(self: &Arc<Self>, title: &Title) -> Option<TitleHandle> {
        let mut actors = lock(&self.actors);
        if let Some(handle) = actors.get(&title.id) {
            return Some(handle.clone());
        }
        if self.stop_titles.is_cancelled() {
            return None;
        }
        let id = TitleId::new(&title.id).ok()?;
        let handle = TitleHandle::start(id, title, self);
        actors.insert(title.id.clone(), handle.clone());
        Some(handle)
    }

    /// The actors of all titles that somebody asked something of.
    pub fn running_titles(&self) -> Vec<TitleHandle> {
        lock(&self.actors).values().cloned().collect()
    }

    /// True the first time that a title lacks a handler for a message.
    pub(crate) fn first_unhandled(&self, title: &str, class: u8, id: u32) -> bool {
        lock(&self.unhandled).first(title, class, id)
    }

    /// The modulus that MUIS, MAS and MLS open keys of this app with, little-endian as it travels.
    pub fn server_modulus(&self, app: &AppRef) -> Option<[u8; KEY_LEN]> {
        let entry = self.keys.pair(&app.app().rsa_key).or_else(|| self.keys.default_server_key())?;
        Some(entry.pair.public().modulus_le())
    }

    /// The settings for a session that begins now.
    pub(crate) fn session_config(&self, kind: ServerKind) -> Arc<ServerConfig> {
        let sessions = self.sessions.load();
        Arc::clone(match kind {
            ServerKind::Muis => &sessions.muis,
            ServerKind::Mas => &sessions.mas,
            ServerKind::Mls => &sessions.mls,
            // There is no listener for DME here.
            ServerKind::Mps | ServerKind::Dme => &sessions.mps,
        })
    }

    pub(crate) fn handshake_rules(&self) -> Arc<dyn HandshakeRules + Send + Sync> {
        Arc::new(TitleRules { titles: Arc::clone(&self.titles) })
    }

    /// What the universe of `title` has to know.
    pub(crate) fn universe_config(&self, title: &Title) -> UniverseConfig {
        let first_world = first_world(self.clock.unix_at_start().as_secs());
        UniverseConfig { first_world, ..universe_config(&self.config(), title) }
    }
}

/// The connect sequence of each app id, from the titles in force.
struct TitleRules {
    titles: Arc<ArcSwap<TitleSet>>,
}

impl HandshakeRules for TitleRules {
    fn for_app(&self, kind: ServerKind, app: AppId) -> Option<Handshake> {
        // A game server that serves every title names no app id (servers.md 9.2: "or app id 0 = any").
        if kind == ServerKind::Mps && app.0 == crate::mgcl::ANY_APP {
            return Some(Handshake::default());
        }
        let titles = self.titles.load();
        Some(titles.lookup(app.0)?.app().handshake.on(kind))
    }
}

/// Where MediusWorldIDs start: with the seconds since 2024. One world a second would have to be made all the time for the
/// next start to come upon an id of this one; Sony's own ids were large too (68465).
pub(crate) fn first_world(unix: u64) -> i32 {
    const YEAR_2024: u64 = 1_704_067_200;
    (unix.saturating_sub(YEAR_2024) % 0x7fff_0000) as i32 + 1
}

fn universe_config(host: &HostConfig, title: &Title) -> UniverseConfig {
    let config = &title.config;
    let (limits, timeouts) = (&config.limits, &host.timeouts);
    let players = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let players_per_game =
        limits.max_players_per_game.min(config.relay.max_players).min(host.relay.max_players_per_world);
    UniverseConfig {
        // Of a running host: see `Shared::universe_config`.
        first_world: 0,
        app_ids: title.apps.iter().map(|app| AppId(app.id)).collect(),
        channels: config
            .channel
            .iter()
            .map(|channel| ChannelConfig {
                password: channel.password.as_str().into(),
                security: WorldSecurityLevelType(channel.security.number() as _),
                generic_fields: channel.generic_fields,
                generic_field_level: i32::try_from(channel.generic_field_level).unwrap_or(i32::MAX),
                app_ids: channel.app_ids.iter().copied().map(AppId).collect(),
                ..ChannelConfig::new(&channel.name, players(channel.max_players))
            })
            .collect(),
        limits: Limits {
            sessions: if limits.max_players == 0 {
                count(host.limits.max_connections)
            } else {
                count(limits.max_players)
            },
            channels: count(limits.max_channels),
            players_per_channel: players(limits.max_players_per_channel),
            games: count(limits.max_games),
            games_per_channel: count(match limits.max_games_per_channel {
                0 => limits.max_games,
                own => own,
            }),
            players_per_game: players(players_per_game),
            buddies: count(limits.max_buddies),
            ignored: count(limits.max_ignored),
            ..Limits::default()
        },
        timeouts: Timeouts {
            grace: millis(timeouts.keep_alive_grace),
            access_key: millis(timeouts.access_key),
            stale_login: millis(timeouts.stale_login),
            join_reservation: millis(host.relay.game_timeout),
            game: millis(timeouts.game),
            matching: millis(config.games.match_wait),
            empty_channel: millis(limits.empty_channel),
            ..Timeouts::default()
        },
        rules: Rules {
            check_host_type: config.games.check_host_type,
            filter_game_lists: config.games.filter_lists,
            peer_to_peer: config.games.peer_to_peer,
            chat_channel: config.chat.channel,
            chat_whisper: config.chat.whisper,
            chat_universe: config.chat.broadcast,
            chat_universe_moderators_only: config.chat.broadcast,
            chat_clan: config.chat.clan,
            chat_buddy: config.chat.buddies,
            chat_reaches_games: config.chat.reach_players_in_games,
            chat_per_second: config.chat.per_second,
            live_buddy_requests: config.games.confirm_buddies_live,
            ..Rules::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn world_ids_of_a_later_start_are_ahead_of_those_of_an_earlier_one() {
        let now = 1_795_000_000;
        assert_eq!(first_world(now), 90_932_801);
        assert_eq!(first_world(now + 60) - first_world(now), 60);
        // A clock that is wrong gives ids all the same.
        assert_eq!(first_world(0), 1);
        assert!(first_world(u64::MAX) > 0);
    }

    #[test]
    fn every_kind_of_server_takes_its_timeouts_from_the_configuration() {
        let mut config = HostConfig::ephemeral();
        config.timeouts.auth = std::time::Duration::from_secs(1);
        config.timeouts.client = std::time::Duration::from_secs(2);
        config.timeouts.server_echo = std::time::Duration::from_secs(3);
        let keys = KeyStore::embedded().unwrap();
        let sessions = SessionConfigs::new(&config, &keys, &Clock::start());
        for (kind, session) in [
            (ServerKind::Muis, sessions.muis),
            (ServerKind::Mas, sessions.mas),
            (ServerKind::Mls, sessions.mls),
            (ServerKind::Mps, sessions.mps),
        ] {
            let found = [session.timeouts.handshake, session.timeouts.idle, session.timeouts.server_echo];
            assert_eq!((session.kind, found.map(|time| time.as_secs())), (kind, [1, 2, 3]));
        }
    }

    /// The least that a game.toml has.
    const LEAST: &str = "name = \"Test\"\n[[app]]\nid = 7\n[[channel]]\nname = \"Aquatos\"\n";

    fn universe_of(host: &HostConfig, game: &str) -> UniverseConfig {
        let titles = TitleSet::from_texts([("test", "test/game.toml", game)]).unwrap();
        universe_config(host, titles.title("test").unwrap())
    }

    #[test]
    fn what_a_game_toml_says_about_its_universe_reaches_it() {
        let mut host = HostConfig::default();
        let seconds = std::time::Duration::from_secs;
        host.timeouts.keep_alive_grace = seconds(1);
        host.timeouts.access_key = seconds(2);
        host.timeouts.stale_login = seconds(3);
        host.timeouts.game = seconds(4);
        host.relay.game_timeout = seconds(5);
        let told = universe_of(
            &host,
            r#"
            name = "Test"
            [[app]]
            id = 7
            [[app]]
            id = 8
            [[channel]]
            name = "Aquatos"
            max_players = 100
            security = "player-password"
            password = "sesame"
            generic_fields = [1, 2, 3, 4]
            generic_field_level = 32
            app_ids = [8]
            [limits]
            max_players = 10
            max_channels = 11
            max_players_per_channel = 12
            max_games = 13
            max_games_per_channel = 6
            max_players_per_game = 14
            max_buddies = 15
            max_ignored = 16
            empty_channel = 17
            [games]
            check_host_type = false
            filter_lists = false
            peer_to_peer = false
            confirm_buddies_live = false
            match_wait = 18
            [chat]
            channel = false
            whisper = false
            broadcast = false
            clan = false
            buddies = false
            reach_players_in_games = true
            per_second = 19
            "#,
        );
        let usual = UniverseConfig::default();
        assert_eq!(told.app_ids, [AppId(7), AppId(8)]);
        let aquatos = ChannelConfig {
            password: "sesame".into(),
            security: WorldSecurityLevelType::PLAYER_PASSWORD,
            generic_fields: [1, 2, 3, 4],
            generic_field_level: 32,
            app_ids: vec![AppId(8)],
            ..ChannelConfig::new("Aquatos", 100)
        };
        assert_eq!(told.channels, [aquatos]);
        let limits = Limits {
            sessions: 10,
            channels: 11,
            players_per_channel: 12,
            games: 13,
            games_per_channel: 6,
            players_per_game: 14,
            buddies: 15,
            ignored: 16,
            ..usual.limits
        };
        assert_eq!(told.limits, limits);
        let timeouts = Timeouts {
            grace: 1000,
            access_key: 2000,
            stale_login: 3000,
            game: 4000,
            join_reservation: 5000,
            empty_channel: 17_000,
            matching: 18_000,
            ..usual.timeouts
        };
        assert_eq!(told.timeouts, timeouts);
        let rules = Rules {
            check_host_type: false,
            filter_game_lists: false,
            peer_to_peer: false,
            chat_channel: false,
            chat_whisper: false,
            chat_universe: false,
            chat_universe_moderators_only: false,
            chat_clan: false,
            chat_buddy: false,
            chat_reaches_games: true,
            chat_per_second: 19,
            live_buddy_requests: false,
            ..usual.rules
        };
        assert_eq!(told.rules, rules);
    }

    #[test]
    fn a_world_holds_no_more_players_than_the_title_its_relay_and_the_host_allow() {
        let game = |own: u32, relay: u32| {
            format!("{LEAST}[limits]\nmax_players_per_game = {own}\n[relay]\nmax_players = {relay}\n")
        };
        let mut host = HostConfig::default();
        host.relay.max_players_per_world = 20;
        for (own, relay, least) in [(10, 64, 10), (64, 16, 16), (64, 64, 20)] {
            assert_eq!(universe_of(&host, &game(own, relay)).limits.players_per_game, least);
        }
    }

    #[test]
    fn a_title_without_a_limit_of_its_own_takes_as_many_players_as_the_host_connections() {
        let mut host = HostConfig::default();
        host.limits.max_connections = 123;
        let told = universe_of(&host, LEAST);
        assert_eq!(told.limits.sessions, 123);
    }

    #[test]
    fn what_clients_make_up_is_warned_of_a_bounded_number_of_times() {
        let mut seen = Seen::default();
        assert_eq!(
            (seen.first("uya", 1, 2), seen.first("uya", 1, 2), seen.first("other", 1, 2)),
            (true, false, true)
        );
        assert_eq!((0..100_000).filter(|id| seen.first("uya", 9, *id)).count(), MAX_SEEN - 2);
        assert_eq!(seen.0.len(), MAX_SEEN);
    }
}
