//! A small lobby with virtual time, and what must hold of every universe.

mod channels;
mod games;
mod matches;
mod operator;
mod parties;
mod sessions;
mod talk;
mod walk;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use medley_wire::enums::{ConnectionType, GameHostType, JoinType, NetAddressType, WorldStatus};
use medley_wire::{AccountId, AppId, MediusWorldId};

use crate::*;

pub(super) const APP: AppId = AppId(10684);
pub(super) const PAL: AppId = AppId(10683);
pub(super) const DME: GameServerId = GameServerId(900);
pub(super) const NOWHERE: [PeerAddress; 2] =
    [PeerAddress { address_type: NetAddressType::NONE, address: [0; 16], port: 0 }; 2];

pub(super) struct Lobby {
    pub(super) universe: Universe,
    pub(super) now: Time,
    pub(super) outputs: Vec<Output>,
    numbers: u64,
}

pub(super) fn config() -> UniverseConfig {
    UniverseConfig {
        app_ids: vec![APP, PAL],
        channels: vec![ChannelConfig::new("General", 100), ChannelConfig::new("Other", 2)],
        ..UniverseConfig::default()
    }
}

pub(super) fn ip(session: SessionKey) -> IpAddr {
    Ipv4Addr::from(0x0a00_0000 + session.0 as u32).into()
}

impl Lobby {
    pub(super) fn new() -> Self {
        Self::with(config())
    }

    pub(super) fn with(config: UniverseConfig) -> Self {
        let now = Time { millis: 0, unix: 1_000_000 };
        Self { universe: Universe::new(config, [7; 32]), now, outputs: Vec::new(), numbers: 1000 }
    }

    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn run<O: Operation>(&mut self, operation: O) -> O::Reply {
        let reply = self.universe.run(self.now, operation);
        self.outputs.extend(self.universe.drain());
        check(&self.universe);
        reply
    }

    /// Lets `millis` pass, waking at each deadline as a server would.
    pub(super) fn wait(&mut self, millis: u64) {
        let end = self.now.millis + millis;
        while let Some(at) = self.universe.next_deadline().filter(|at| *at <= end) {
            self.set_time(at);
            self.run(Tick);
        }
        self.set_time(end);
        self.run(Tick);
    }

    fn set_time(&mut self, millis: u64) {
        self.now.millis = self.now.millis.max(millis);
        self.now.unix = 1_000_000 + (self.now.millis / 1000) as i64;
    }

    pub(super) fn begin(&mut self) -> (SessionKey, ConnectionId) {
        self.begin_as(APP, 110)
    }

    pub(super) fn begin_as(&mut self, app_id: AppId, version: u16) -> (SessionKey, ConnectionId) {
        let (key, connection) = (SessionKey(self.number()), ConnectionId(self.number()));
        let operation = BeginSession {
            key,
            connection,
            app_id,
            version,
            connection_class: ConnectionType::ETHERNET,
            client_ip: ip(key),
        };
        self.run(operation).unwrap();
        (key, connection)
    }

    pub(super) fn login(&self, session: SessionKey, account: i32) -> Login {
        Login {
            session,
            account: AccountId(account),
            name: Name::new(format!("Player{account}")),
            clan: None,
            stats: vec![1, 2, 3],
            moderator: false,
            buddies: Vec::new(),
            ignored: Vec::new(),
            invitations: Vec::new(),
        }
    }

    pub(super) fn connect(
        &self,
        session: SessionKey,
        connection: ConnectionId,
        key: AccessKey,
    ) -> ConnectLobby {
        let app_id = self.universe.session(session).map_or(APP, |session| session.app_id);
        ConnectLobby {
            connection,
            app_id,
            access_key: Some(key),
            session_key: Some(session),
            client_ip: ip(session),
        }
    }

    /// A player in the lobby, as after MAS and the first MLS connection.
    pub(super) fn player(&mut self, account: i32) -> SessionKey {
        let (session, _) = self.begin();
        self.enter(session, account);
        session
    }

    pub(super) fn enter(&mut self, session: SessionKey, account: i32) -> ConnectionId {
        let mas = self.universe.session(session).unwrap().connections[0].0;
        let login = self.login(session, account);
        let info = self.run(login).unwrap();
        let mls = ConnectionId(self.number());
        let connect = self.connect(session, mls, info.access_key);
        self.run(connect).unwrap();
        self.run(Disconnect { connection: mas });
        mls
    }

    pub(super) fn move_to(&mut self, session: SessionKey, channel: MediusWorldId) {
        let join = self.run(JoinChannel { session, channel, password: Name::default() }).unwrap();
        let old = self.universe.session(session).unwrap().lobby_connection().unwrap();
        self.run(Disconnect { connection: old });
        let connection = ConnectionId(self.number());
        let connect = self.connect(session, connection, join.access_key);
        self.run(connect).unwrap();
    }

    pub(super) fn relay(&mut self) {
        self.register(DME, 0, 64);
    }

    pub(super) fn register(&mut self, id: GameServerId, location: i32, max_worlds: u32) {
        let operation = RegisterGameServer {
            id,
            kind: GameServerKind::Dedicated,
            app_ids: Vec::new(),
            location,
            address: NOWHERE[0],
            max_worlds,
            max_players_per_world: 16,
        };
        self.run(operation).unwrap();
    }

    pub(super) fn answer(&mut self, request: RequestId) -> Answer {
        let found = self.outputs.iter().rposition(
            |output| matches!(output, Output::Answer { request: answered, .. } if *answered == request),
        );
        match found.map(|index| self.outputs.remove(index)) {
            Some(Output::Answer { answer, .. }) => answer,
            _ => panic!("request {request} is not answered"),
        }
    }

    pub(super) fn create(&mut self, session: SessionKey, spec: GameSpec) -> MediusWorldId {
        let request = self.run(CreateGame { session, spec, superset: None }).unwrap();
        let world = self.number() as i32;
        assert!(self.run(GameServerCreated { server: DME, request, result: Ok(world) }));
        match self.answer(request) {
            Answer::Created(Ok(created)) => created.game,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn join(&self, session: SessionKey, game: MediusWorldId) -> JoinGame {
        JoinGame {
            session,
            game,
            join_type: JoinType::PLAYER,
            password: Name::default(),
            host_type: GameHostType::CLIENT_SERVER_AUX_UDP,
            addresses: NOWHERE,
        }
    }

    pub(super) fn grant(&mut self, request: RequestId, dme_index: i32) -> GameJoined {
        let result = Ok(ServerJoinGrant { access_key: "k".into(), server_key: Vec::new(), dme_index });
        assert!(self.run(GameServerJoined { server: DME, request, result }));
        match self.answer(request) {
            Answer::Joined(Ok(joined)) => joined,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn notify(&mut self, session: SessionKey, game: MediusWorldId, connected: bool) -> bool {
        let (server, dme_world) =
            self.universe.game(game).map_or((DME, -1), |game| (game.server, game.dme_world.unwrap_or(-1)));
        self.run(PlayerConnection { server, dme_world, session, connected })
    }

    /// Joins and connects.
    pub(super) fn play(&mut self, session: SessionKey, game: MediusWorldId, dme_index: i32) {
        let password = self.universe.game(game).unwrap().spec.password.clone();
        let join = JoinGame { password, ..self.join(session, game) };
        let request = self.run(join).unwrap();
        self.grant(request, dme_index);
        assert!(self.notify(session, game, true));
    }

    pub(super) fn report(
        &mut self,
        session: SessionKey,
        game: MediusWorldId,
        status: WorldStatus,
    ) -> Result<(), IgnoredReport> {
        let update = WorldUpdate { status: Some(status), ..WorldUpdate::default() };
        self.run(ReportWorld { session, game, update })
    }

    /// A staging game with its host in it.
    pub(super) fn staged(&mut self, session: SessionKey, spec: GameSpec) -> MediusWorldId {
        let game = self.create(session, spec);
        self.play(session, game, 0);
        self.report(session, game, WorldStatus::STAGING).unwrap();
        game
    }

    pub(super) fn channel(&self, name: &str) -> MediusWorldId {
        self.universe.channel_named(&name.into()).unwrap().id
    }

    pub(super) fn pushes(&mut self) -> Vec<(SessionKey, Push)> {
        let mut pushes = Vec::new();
        self.outputs.retain(|output| match output {
            Output::Push { session, push, .. } => {
                pushes.push((*session, push.clone()));
                false
            }
            _ => true,
        });
        pushes
    }

    pub(super) fn commands(&mut self) -> Vec<ServerCommand> {
        let mut commands = Vec::new();
        self.outputs.retain(|output| match output {
            Output::GameServer { command, .. } => {
                commands.push(command.clone());
                false
            }
            _ => true,
        });
        commands
    }
}

pub(super) fn spec(name: &str) -> GameSpec {
    GameSpec { name: name.into(), ..GameSpec::default() }
}

/// What holds after every operation.
pub(super) fn check(state: &State) {
    let limits = &state.config.limits;
    assert!(state.sessions.len() <= limits.sessions && state.games.len() <= limits.games);
    let mut connections = 0;
    let mut in_games = 0;
    for (key, session) in &state.sessions {
        assert_eq!(session.key, *key);
        assert!(session.connections.len() <= limits.connections_per_session);
        assert!(session.keys.len() <= limits.keys_per_session);
        for (connection, _) in &session.connections {
            assert_eq!(state.by_connection.get(connection), Some(key));
            connections += 1;
        }
        for access_key in &session.keys {
            assert_eq!(state.keys[access_key].session, *key);
        }
        if let Some(account) = session.account {
            assert_eq!(state.by_account.get(&account), Some(key));
            assert!(state.by_name.contains(&(session.name.folded(), *key)));
        }
        if let Some(channel) = session.channel {
            assert!(state.channels[&channel].members.contains(key));
        }
        if let Some(channel) = session.reserved_channel {
            assert!(state.channels[&channel].reserved.contains(key));
        }
        if let Some(game) = session.game {
            assert_eq!(state.games.get(&game).unwrap().members[key].connected, session.in_game);
        } else {
            assert!(!session.in_game);
        }
        if let Some(party) = session.party {
            assert!(state.games.party(party).unwrap().members.contains_key(key));
        }
        in_games += usize::from(session.in_game);
        if session.connections.is_empty() && !session.in_game {
            assert!(
                session.grace_until + 1 > state.now.millis || state.next_deadline() <= Some(state.now.millis)
            );
            assert!(state.next_deadline().is_some(), "a session without a socket must end by itself");
        }
    }
    for key in state.tickets.keys() {
        assert!(state.sessions[key].account.is_some());
    }
    assert_eq!(in_games, state.players_in_games);
    assert_eq!(connections, state.by_connection.len());
    assert_eq!(
        state.by_account.len(),
        state.sessions.values().filter(|session| session.account.is_some()).count()
    );
    assert_eq!(state.by_name.len(), state.by_account.len());
    assert_eq!(state.keys.len(), state.sessions.values().map(|session| session.keys.len()).sum::<usize>());
    assert_eq!(state.by_clan.len(), state.sessions.values().filter(|session| session.clan.is_some()).count());
    assert_eq!(state.channel_names.len(), state.channels.len());
    assert_eq!(state.net_worlds.len(), state.channels.len());
    for (id, channel) in &state.channels {
        assert!(channel.id == *id && id.0 > 0 && channel.net_world > 0);
        assert!(state.games.any(*id).is_none());
        assert_eq!(state.net_worlds[&channel.net_world], *id);
        assert_eq!(state.channel_names[&channel.name.folded()], *id);
        for member in &channel.members {
            assert_eq!(state.sessions[member].channel, Some(*id));
        }
        for reserved in &channel.reserved {
            assert_eq!(state.sessions[reserved].reserved_channel, Some(*id));
        }
        for game in &channel.games {
            assert_eq!(state.games.get(game).unwrap().channel, Some(*id));
        }
    }
    assert_eq!(state.game_names.len(), state.games.len());
    let mut worlds = BTreeSet::new();
    for game in state.games.all() {
        let id = &game.id;
        assert_eq!(state.games.party(*id).is_some(), game.party);
        assert_eq!(state.games.get(id).is_some(), !game.party);
        assert!(game.party || state.game_names.contains(&(game.spec.name.folded(), *id)));
        assert!(state.servers.contains_key(&game.server));
        if let Some(dme_world) = game.dme_world {
            assert_eq!(state.dme_worlds[&(game.server, dme_world)], *id);
            assert!(worlds.insert((game.server, dme_world)));
        }
        for key in game.members.keys() {
            let session = &state.sessions[key];
            assert_eq!(if game.party { session.party } else { session.game }, Some(*id));
        }
        let mut places = BTreeSet::new();
        for member in game.members.values() {
            assert_eq!(member.party_index.is_some(), game.party);
            assert!(member.party_index.is_none_or(|index| places.insert(index)), "two on one place");
        }
        let players = game.members.values().filter(|member| !member.is_spectator()).count();
        assert!(players <= usize::from(limits.players_per_game));
        assert_eq!(game.is_closed(), game.ended.is_some());
    }
    assert_eq!(worlds.len(), state.dme_worlds.len());
    for pending in state.pending.values() {
        assert!(state.games.any(pending.game).is_some() && state.sessions.contains_key(&pending.session));
    }
    for server in state.servers.values() {
        let games = state.games.all().filter(|game| game.server == server.id).count();
        assert_eq!(server.worlds as usize, games);
    }
}
