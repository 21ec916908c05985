//! Game servers on MPS: relays (DME) and peer-to-peer hosts.

use medley_wire::enums::{CallbackStatus, JoinType, MgclErrorCode};
use medley_wire::{AccountId, AppId, MediusWorldId};
use serde::{Deserialize, Serialize};

use crate::command::Operation;
use crate::game::{GameSpec, IgnoredReport, NewWorld, WorldUpdate};
use crate::output::{Answer, EndReason, GameCreated, GameJoined, Notice, Output};
use crate::session::ServerKind;
use crate::state::State;
use crate::types::{GameServerId, Name, PeerAddress, RequestId, SessionKey};

/// A relay or a peer-to-peer host.
#[derive(Clone, Debug, Serialize)]
pub struct GameServer {
    /// The caller's number for it.
    pub id: GameServerId,
    /// What it is.
    pub kind: GameServerKind,
    /// The app ids it serves; empty: any.
    pub app_ids: Vec<AppId>,
    /// Its location; players of the same location are sent to it first.
    pub location: i32,
    /// Where players reach it over TCP.
    pub address: PeerAddress,
    /// Worlds it can have.
    pub max_worlds: u32,
    /// Clients that a world of it can have.
    pub max_players_per_world: u16,
    /// Worlds of this universe on it.
    pub worlds: u32,
    /// Worlds as last reported, those of other titles included.
    pub reported_worlds: u32,
    /// Players as last reported.
    pub reported_players: u32,
}

/// What kind of game server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum GameServerKind {
    /// A DME.
    Dedicated,
    /// A player's console, for its own games.
    Peer {
        /// The player.
        session: SessionKey,
    },
}

/// A game server has come, or has told new attributes (ServerSetAttributes). ServerBusy when there are too many;
/// SessionKeyInvalid for a peer whose session is gone; FeatureNotEnabled for a peer where the title allows none.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct RegisterGameServer {
    /// The caller's number for it.
    pub id: GameServerId,
    /// What it is.
    pub kind: GameServerKind,
    /// The app ids it serves; empty: any.
    pub app_ids: Vec<AppId>,
    /// Its location.
    pub location: i32,
    /// Where players reach it over TCP.
    pub address: PeerAddress,
    /// Worlds it can have.
    pub max_worlds: u32,
    /// Clients that a world of it can have.
    pub max_players_per_world: u16,
}

impl Operation for RegisterGameServer {
    type Reply = Result<(), CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        if let GameServerKind::Peer { session } = self.kind {
            if !state.config.rules.peer_to_peer {
                return Err(CallbackStatus::FEATURE_NOT_ENABLED);
            }
            state.logged_in(session)?;
        }
        if let Some(server) = state.servers.get_mut(&self.id).filter(|server| server.kind == self.kind) {
            server.app_ids = self.app_ids;
            server.location = self.location;
            server.address = self.address;
            server.max_worlds = self.max_worlds;
            server.max_players_per_world = self.max_players_per_world;
            return Ok(());
        }
        // Consoles that host must not take the places of relays, without which nobody else plays.
        let dedicated = self.kind == GameServerKind::Dedicated;
        let alike = |server: &&GameServer| (server.kind == GameServerKind::Dedicated) == dedicated;
        let full = state.servers.values().filter(alike).count() >= state.config.limits.game_servers;
        if state.servers.contains_key(&self.id) || full {
            return Err(CallbackStatus::SERVER_BUSY);
        }
        let server = GameServer {
            id: self.id,
            kind: self.kind,
            app_ids: self.app_ids,
            location: self.location,
            address: self.address,
            max_worlds: self.max_worlds,
            max_players_per_world: self.max_players_per_world,
            worlds: 0,
            reported_worlds: 0,
            reported_players: 0,
        };
        state.servers.insert(self.id, server);
        Ok(())
    }
}

/// ServerReport. Says whether the game server is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ReportLoad {
    /// Which.
    pub server: GameServerId,
    /// MaxWorlds; 0 leaves it.
    pub max_worlds: u32,
    /// MaxPlayersPerWorld; 0 leaves it.
    pub max_players_per_world: u16,
    /// ActiveWorldCount.
    pub worlds: u32,
    /// TotalActivePlayers.
    pub players: u32,
}

impl Operation for ReportLoad {
    type Reply = bool;

    fn perform(self, state: &mut State) -> bool {
        let Some(server) = state.servers.get_mut(&self.server) else { return false };
        if self.max_worlds > 0 {
            server.max_worlds = self.max_worlds;
        }
        if self.max_players_per_world > 0 {
            server.max_players_per_world = self.max_players_per_world;
        }
        server.reported_worlds = self.worlds;
        server.reported_players = self.players;
        true
    }
}

/// A game server's connection is gone: its games are closed, its players out of them, who waits for it gets DMEError.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct LoseGameServer {
    /// Which.
    pub server: GameServerId,
}

impl Operation for LoseGameServer {
    type Reply = ();

    fn perform(self, state: &mut State) {
        state.lose_server(self.server);
    }
}

/// ServerCreateGameWithAttributesResponse. Says whether the request was waited for; if not (too late), the world is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct GameServerCreated {
    /// Who answers.
    pub server: GameServerId,
    /// What is answered.
    pub request: RequestId,
    /// The world's id on that server, or why not.
    pub result: Result<i32, MgclErrorCode>,
}

impl Operation for GameServerCreated {
    type Reply = bool;

    fn perform(self, state: &mut State) -> bool {
        let taken = |dme_world| state.dme_worlds.contains_key(&(self.server, dme_world));
        let result = self
            .result
            .and_then(|world| if taken(world) { Err(MgclErrorCode::WORLDID_INUSE) } else { Ok(world) });
        let waited = state
            .pending
            .get(&self.request)
            .is_some_and(|pending| pending.server == self.server && !pending.join);
        if !waited {
            if let (Ok(dme_world), true) = (result, state.servers.contains_key(&self.server)) {
                let command = crate::ServerCommand::End { dme_world, brutal: true };
                state.outputs.push_back(Output::GameServer { server: self.server, command });
            }
            return false;
        }
        let Ok(dme_world) = result else {
            state.refuse_request(self.request, CallbackStatus::FAIL);
            return true;
        };
        let Some(pending) = state.answered(self.request, self.server, false) else { return false };
        if let Some(status) = state.game_stands(pending.game, dme_world) {
            let answer = Answer::Created(Ok(GameCreated { game: pending.game, status }));
            state.outputs.push_back(Output::Answer {
                request: self.request,
                session: pending.session,
                answer,
            });
        }
        true
    }
}

/// What a game server gives a joiner.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ServerJoinGrant {
    /// AccessKey, as text.
    pub access_key: Name,
    /// pubKey: 64 bytes, or empty for a clear connection.
    pub server_key: Vec<u8>,
    /// DmeClientIndex.
    pub dme_index: i32,
}

/// ServerJoinGameResponse. Says whether the request was waited for; if not, the slot times out on the game server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct GameServerJoined {
    /// Who answers.
    pub server: GameServerId,
    /// What is answered.
    pub request: RequestId,
    /// The slot, or why not.
    pub result: Result<ServerJoinGrant, MgclErrorCode>,
}

impl Operation for GameServerJoined {
    type Reply = bool;

    fn perform(self, state: &mut State) -> bool {
        if !state
            .pending
            .get(&self.request)
            .is_some_and(|pending| pending.server == self.server && pending.join)
        {
            return false;
        }
        let Ok(grant) = self.result else {
            state.refuse_request(self.request, CallbackStatus::FAIL);
            return true;
        };
        let Some(pending) = state.answered(self.request, self.server, true) else { return false };
        let session = pending.session;
        let joined = state.games.any_mut(pending.game).and_then(|game| {
            let member = game.members.get_mut(&session)?;
            member.dme_index = Some(grant.dme_index);
            let party_index = member.party_index;
            Some(GameJoined {
                game: game.id,
                host_type: game.spec.host_type,
                server: game.server,
                addresses: game.addresses,
                dme_world: game.dme_world?,
                access_key: grant.access_key.bounded(16),
                server_key: grant.server_key.into_iter().take(64).collect(),
                dme_index: grant.dme_index,
                party_index,
                max_players: game.spec.max_players,
            })
        });
        match joined {
            Some(_) => state.counters.joins += 1,
            None => state.counters.joins_failed += 1,
        }
        let answer = Answer::Joined(joined.ok_or(CallbackStatus::GAME_NOT_FOUND));
        state.outputs.push_back(Output::Answer { request: self.request, session, answer });
        true
    }
}

/// ServerConnectNotification: a player's connection to a world came or went. Says whether it was a player of that game.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct PlayerConnection {
    /// Who tells.
    pub server: GameServerId,
    /// The world on that server; a peer-to-peer host may name the MediusWorldID.
    pub dme_world: i32,
    /// PlayerSessionKey.
    pub session: SessionKey,
    /// ConnectEventType 1 or 0.
    pub connected: bool,
}

impl Operation for PlayerConnection {
    type Reply = bool;

    fn perform(self, state: &mut State) -> bool {
        let Some(game) = state.find_on_server(self.server, self.dme_world) else { return false };
        let member = state.games.any(game).is_some_and(|game| game.members.contains_key(&self.session));
        if member && self.connected {
            state.player_connected(self.session, game);
        } else if member {
            state.leave_world(self.session, game, false);
        }
        member
    }
}

/// ServerCreateGameOnMe, ServerCreateGameOnSelf: a peer-to-peer game. Its host is in it at once.
///
/// GAME_NAME_EXISTS; WORLDID_INUSE; NUM_GAME_WORLDS_PER_LOBBY_WORLD_EXCEEDED; INVALID_ARG from what is no peer-to-peer
/// host, or for another's account; UNSUCCESSFUL for other limits.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct CreateGameOnHost {
    /// Who.
    pub server: GameServerId,
    /// AccountID of the request; must be the host's, or 0 or less for "not told".
    pub account: AccountId,
    /// WorldID of the request.
    pub world: i32,
    /// What.
    pub spec: GameSpec,
    /// Where joiners find the host.
    pub addresses: [PeerAddress; 2],
}

impl Operation for CreateGameOnHost {
    type Reply = Result<MediusWorldId, MgclErrorCode>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let key = match state.servers.get(&self.server) {
            Some(GameServer { kind: GameServerKind::Peer { session }, .. }) => *session,
            _ => return Err(MgclErrorCode::INVALID_ARG),
        };
        let (session, account) = state.logged_in(key).map_err(|_| MgclErrorCode::INVALID_ARG)?;
        let channel = session.channel;
        if self.account.0 > 0 && self.account != account {
            return Err(MgclErrorCode::INVALID_ARG);
        }
        state.may_create_game(account, channel, &self.spec.name).map_err(|status| match status {
            CallbackStatus::GAME_NAME_EXISTS => MgclErrorCode::GAME_NAME_EXISTS,
            CallbackStatus::NUM_GAME_WORLDS_PER_LOBBY_WORLD_EXCEEDED => {
                MgclErrorCode::NUM_GAME_WORLDS_PER_LOBBY_WORLD_EXCEEDED
            }
            _ => MgclErrorCode::UNSUCCESSFUL,
        })?;
        if state.dme_worlds.contains_key(&(self.server, self.world)) {
            return Err(MgclErrorCode::WORLDID_INUSE);
        }
        let game = state
            .add_game(key, account, self.spec, self.server, NewWorld::Game { superset: None })
            .map_err(|_| MgclErrorCode::UNSUCCESSFUL)?;
        if let Some(game) = state.games.get_mut(&game) {
            game.addresses = Some(self.addresses);
        }
        state.game_stands(game, self.world);
        state.remove_player_from_game(key, true);
        state.reserve_seat(key, account, game, JoinType::PLAYER);
        state.player_connected(key, game);
        Ok(game)
    }
}

/// ServerWorldReportOnMe. There is no answer.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ReportWorldOnHost {
    /// Who.
    pub server: GameServerId,
    /// Which.
    pub world: i32,
    /// What.
    pub update: WorldUpdate,
}

impl Operation for ReportWorldOnHost {
    type Reply = Result<(), IgnoredReport>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let game = state.find_on_server(self.server, self.world).ok_or(IgnoredReport::UnknownGame);
        let allowed = game.and_then(|id| match state.games.get(&id) {
            Some(game) if game.is_closed() => Err(IgnoredReport::Closed),
            Some(_) => Ok(id),
            None => Err(IgnoredReport::UnknownGame),
        });
        state.count_report(&allowed.map(|_| ()));
        state.update_game(allowed?, self.update);
        Ok(())
    }
}

/// ServerMoveGameWorldOnMe: the world goes by another id and its host by other addresses. UNSUCCESSFUL if there is no such
/// game or the new id is another game's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct MoveGameOnHost {
    /// Who.
    pub server: GameServerId,
    /// CurrentWorldID.
    pub current: i32,
    /// NewWorldID.
    pub new: i32,
    /// The host's addresses now.
    pub addresses: [PeerAddress; 2],
}

impl Operation for MoveGameOnHost {
    type Reply = Result<(), MgclErrorCode>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let id = state.find_on_server(self.server, self.current).ok_or(MgclErrorCode::UNSUCCESSFUL)?;
        if state.dme_worlds.get(&(self.server, self.new)).is_some_and(|other| *other != id) {
            return Err(MgclErrorCode::UNSUCCESSFUL);
        }
        let game = state
            .games
            .get_mut(&id)
            .filter(|game| !game.is_closed() && game.addresses.is_some())
            .ok_or(MgclErrorCode::UNSUCCESSFUL)?;
        game.addresses = Some(self.addresses);
        if let Some(old) = game.dme_world.replace(self.new) {
            state.dme_worlds.remove(&(self.server, old));
        }
        state.dme_worlds.insert((self.server, self.new), id);
        Ok(())
    }
}

/// ServerEndGameOnMe. INVALID_ARG if there is no such game.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct EndGameOnHost {
    /// Who.
    pub server: GameServerId,
    /// Which.
    pub world: i32,
}

impl Operation for EndGameOnHost {
    type Reply = Result<(), MgclErrorCode>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let id = state.find_on_server(self.server, self.world).ok_or(MgclErrorCode::INVALID_ARG)?;
        state.close_game(id);
        state.remove_game(id);
        Ok(())
    }
}

/// Questions about game servers.
impl State {
    /// The game server `id`.
    pub fn game_server(&self, id: GameServerId) -> Option<&GameServer> {
        self.servers.get(&id)
    }

    /// All game servers.
    pub fn game_servers(&self) -> impl Iterator<Item = &GameServer> {
        self.servers.values()
    }
}

impl State {
    /// The relay for a new game: of the player's location before others, then the one with the fewest worlds.
    pub(crate) fn choose_server(&self, app_id: AppId, location: i32) -> Option<GameServerId> {
        self.servers
            .values()
            .filter(|server| {
                server.kind == GameServerKind::Dedicated
                    && (server.app_ids.is_empty()
                        || server.app_ids.iter().any(|id| *id == app_id || id.0 == 0))
                    && server.load() < server.max_worlds
            })
            .min_by_key(|server| (server.location != location, server.load(), server.id))
            .map(|server| server.id)
    }

    pub(crate) fn lose_server(&mut self, id: GameServerId) {
        let Some(server) = self.servers.remove(&id) else { return };
        let waiting = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.server == id)
            .map(|(id, _)| *id)
            .collect::<Vec<_>>();
        for request in waiting {
            self.refuse_request(request, CallbackStatus::DME_ERROR);
        }
        let games = self.games.all().filter(|game| game.server == id).map(|game| game.id).collect::<Vec<_>>();
        for game in games {
            self.close_game(game);
            self.remove_game(game);
        }
        if let GameServerKind::Peer { session } = server.kind
            && let Some(session) = self.sessions.get(&session)
        {
            // The console's lobby connection stays; only its way to MPS is of no more use.
            for (connection, server) in &session.connections {
                if *server == ServerKind::GameServer {
                    let reason = EndReason::Left;
                    self.outputs.push_back(Output::Close {
                        session: session.key,
                        connection: *connection,
                        reason,
                    });
                }
            }
        }
        self.notice(Notice::GameServerLost(id));
    }

    /// A game by the world id that its server uses.
    fn find_on_server(&self, server: GameServerId, world: i32) -> Option<MediusWorldId> {
        self.dme_worlds.get(&(server, world)).copied().or_else(|| {
            let id = MediusWorldId(world);
            let peer = matches!(self.servers.get(&server)?.kind, GameServerKind::Peer { .. });
            self.games.get(&id).filter(|game| peer && game.server == server).map(|game| game.id)
        })
    }
}

impl GameServer {
    /// Worlds on it, as far as known.
    fn load(&self) -> u32 {
        self.worlds.max(self.reported_worlds)
    }
}
