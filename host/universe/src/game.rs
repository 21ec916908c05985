//! Games: making, joining, leaving, reports, the end.

use std::collections::BTreeMap;

use medley_wire::enums::{
    CallbackStatus, ComparisonOperator, GameHostType, GameListFilterField, GameListSortDirection, JoinType,
    WorldAttributesType, WorldSecurityLevelType, WorldStatus,
};
use medley_wire::{AccountId, AppId, MediusWorldId};
use serde::{Deserialize, Serialize};

use crate::command::Operation;
use crate::list::{FilterKey, GameFilter, GameSort};
use crate::output::{Answer, GameRecord, Notice, Output, ServerCommand, StoreEffect};
use crate::state::State;
use crate::timers::Timer;
use crate::types::{FilterId, GameServerId, Name, PeerAddress, RequestId, SessionKey};

/// What a client says about a game it makes or reports.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct GameSpec {
    /// GameName.
    pub name: Name,
    /// GamePassword; empty: none.
    pub password: Name,
    /// SpectatorPassword; empty: none.
    pub spectator_password: Name,
    /// MinPlayers.
    pub min_players: u16,
    /// MaxPlayers.
    pub max_players: u16,
    /// GameLevel.
    pub game_level: i32,
    /// PlayerSkillLevel.
    pub player_skill_level: i32,
    /// RulesSet.
    pub rules_set: i32,
    /// GenericField1 to 8.
    pub generic_fields: [i32; 8],
    /// GameStats; empty stands for zeros.
    pub stats: Vec<u8>,
    /// GameHostType.
    pub host_type: GameHostType,
    /// Attributes.
    pub attributes: WorldAttributesType,
}

impl Default for GameSpec {
    fn default() -> Self {
        Self {
            name: Name::default(),
            password: Name::default(),
            spectator_password: Name::default(),
            min_players: 1,
            max_players: 8,
            game_level: 0,
            player_skill_level: 0,
            rules_set: 0,
            generic_fields: [0; 8],
            stats: Vec::new(),
            host_type: GameHostType::CLIENT_SERVER_AUX_UDP,
            attributes: WorldAttributesType::NONE,
        }
    }
}

/// A game, or a party: the same shape (servers.md 4).
#[derive(Clone, Debug, Serialize)]
pub struct Game {
    /// MediusWorldID.
    pub id: MediusWorldId,
    /// A party: in no list of games, of no channel, beside whatever game its members are in.
    pub party: bool,
    /// The creator's app id.
    pub app_id: AppId,
    /// What its creator and host said.
    pub spec: GameSpec,
    /// WorldStatus.
    pub status: WorldStatus,
    /// Who made it.
    pub creator: AccountId,
    /// Who is host now.
    pub host: Option<SessionKey>,
    /// Whether a host was ever connected to it.
    pub host_joined: bool,
    /// The channel it was made in.
    pub channel: Option<MediusWorldId>,
    /// The location of its creator.
    pub location: i32,
    /// The superset of a game of matchmaking.
    pub superset: Option<u32>,
    /// Who was sent here by matchmaking and has not joined, and until when a place is kept.
    pub(crate) assigned: BTreeMap<SessionKey, u64>,
    /// The relay or peer that carries it.
    pub server: GameServerId,
    /// The world on that server, once it has answered.
    pub dme_world: Option<i32>,
    /// A peer-to-peer game's addresses.
    pub addresses: Option<[PeerAddress; 2]>,
    /// Players and spectators, on the way or connected.
    pub members: BTreeMap<SessionKey, Member>,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds of the first Active report.
    pub started: Option<i64>,
    /// Unix seconds of the end.
    pub ended: Option<i64>,
    /// The accounts that were in it when it started.
    pub players_at_start: Vec<AccountId>,
    /// EndGameReport.
    pub result: Option<EndReport>,
    /// Free text that goes with it into the history ([`crate::ChangeGame`]).
    pub metadata: String,
    /// PlayerCount as last reported.
    pub reported_players: u16,
    created_at: u64,
    empty_since: Option<u64>,
    last_report: u64,
    arrivals: u64,
    size_reduced: bool,
}

impl Game {
    /// PlayerCount: of a peer-to-peer game as its host reports it, else those who are connected and play.
    pub fn player_count(&self) -> u16 {
        if self.addresses.is_some() {
            return self.reported_players.max(u16::from(!self.members.is_empty()));
        }
        let count = self.members.values().filter(|member| member.connected && !member.is_spectator()).count();
        u16::try_from(count).unwrap_or(u16::MAX)
    }

    /// SecurityLevel, of both passwords.
    pub fn security(&self) -> WorldSecurityLevelType {
        let mut level = WorldSecurityLevelType::NONE.0;
        if !self.spec.password.is_empty() {
            level |= WorldSecurityLevelType::PLAYER_PASSWORD.0;
        }
        if !self.spec.spectator_password.is_empty() {
            level |= WorldSecurityLevelType::SPECTATOR_PASSWORD.0;
        }
        WorldSecurityLevelType(level)
    }

    /// Whether it has ended.
    pub fn is_closed(&self) -> bool {
        self.status == WorldStatus::CLOSED
    }

    /// Connected players and spectators.
    pub fn connected(&self) -> impl Iterator<Item = (&SessionKey, &Member)> {
        self.members.iter().filter(|(_, member)| member.connected)
    }

    /// The connected player with the lowest index, who is session master in the eyes of the others.
    pub fn session_master(&self) -> Option<SessionKey> {
        self.connected().min_by_key(|(key, member)| (member.dme_index, **key)).map(|(key, _)| *key)
    }
}

/// Somebody in a game.
#[derive(Clone, Debug, Serialize)]
pub struct Member {
    /// The account.
    pub account: AccountId,
    /// JoinType.
    pub join_type: JoinType,
    /// The index on the game server, once it has answered.
    pub dme_index: Option<i32>,
    /// The connection to the game server is up.
    pub connected: bool,
    /// Stats of PlayerReport; empty stands for zeros.
    pub stats: Vec<u8>,
    /// PartyIndex; in a party only.
    pub party_index: Option<i32>,
    reserved_until: u64,
    arrival: u64,
}

impl Member {
    /// Watches only.
    pub fn is_spectator(&self) -> bool {
        self.join_type != JoinType::PLAYER
    }
}

/// EndGameReport.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct EndReport {
    /// WinningTeam.
    pub winning_team: Name,
    /// WinningPlayer.
    pub winning_player: Name,
    /// FinalScore.
    pub final_score: i32,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Pending {
    pub(crate) session: SessionKey,
    pub(crate) server: GameServerId,
    pub(crate) game: MediusWorldId,
    pub(crate) deadline: u64,
    pub(crate) join: bool,
}

/// CreateGame in all its forms. The answer comes as [`Answer::Created`] when the game server has answered, or 5 s later.
///
/// At once: GameNameExists, NumGameWorldsPerLobbyWorldExceeded, RequestDenied (too many games of this player),
/// ExceedsMaxWorlds (too many games, or no game server has room).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct CreateGame {
    /// Who.
    pub session: SessionKey,
    /// What.
    pub spec: GameSpec,
    /// MatchCreateGame: the superset in which matchmaking finds it.
    pub superset: Option<u32>,
}

impl Operation for CreateGame {
    type Reply = Result<RequestId, CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let (session, account) = state.logged_in(self.session)?;
        let (app_id, location, channel) = (session.app_id, session.location, session.channel);
        state.may_create_game(account, channel, &self.spec.name)?;
        let server = state.choose_server(app_id, location).ok_or(CallbackStatus::EXCEEDS_MAX_WORLDS)?;
        let kind = NewWorld::Game { superset: self.superset };
        let game = state.add_game(self.session, account, self.spec, server, kind)?;
        state.ask_for_world(self.session, game)
    }
}

/// What a new world is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NewWorld {
    Game { superset: Option<u32> },
    Party,
}

/// JoinGame in all its forms. The answer comes as [`Answer::Joined`] when the game server has answered, or 5 s later.
///
/// At once, in this order (servers.md 8.2): GameNotFound, InvalidPassword, WorldIsFull, RequestDenied for another host
/// type, WorldClosed, RequestDenied for spectators where none are allowed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct JoinGame {
    /// Who.
    pub session: SessionKey,
    /// Which.
    pub game: MediusWorldId,
    /// Player or spectator.
    pub join_type: JoinType,
    /// What the player typed.
    pub password: Name,
    /// GameHostType of the request.
    pub host_type: GameHostType,
    /// The joiner's addresses, for peer-to-peer hosts.
    pub addresses: [PeerAddress; 2],
}

impl Operation for JoinGame {
    type Reply = Result<RequestId, CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let (session, account) = state.logged_in(self.session)?;
        let current = session.game;
        let game = state.games.get(&self.game).ok_or(CallbackStatus::GAME_NOT_FOUND)?;
        let spectates = self.join_type != JoinType::PLAYER;
        let asks = Admission {
            session: self.session,
            spectates,
            password: &self.password,
            host_type: self.host_type,
        };
        let dme_world = state.may_join(game, &asks)?;
        if spectates && game.spec.attributes.0 & WorldAttributesType::ALLOW_SPECTATOR.0 == 0 {
            return Err(CallbackStatus::REQUEST_DENIED);
        }
        // A second join to the same game keeps the member; the relay reuses the slot of a session key it knows.
        let stays = current == Some(self.game) && game.members.contains_key(&self.session);
        if !stays {
            state.remove_player_from_game(self.session, true);
        }
        state.reserve_seat(self.session, account, self.game, self.join_type);
        state.ask_for_seat(self.session, self.game, dme_world, self.addresses)
    }
}

/// Who asks to be let in, and how.
pub(crate) struct Admission<'a> {
    pub(crate) session: SessionKey,
    pub(crate) spectates: bool,
    pub(crate) password: &'a Name,
    pub(crate) host_type: GameHostType,
}

/// The player is out of its game whatever the game server says; it is told to let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct LeaveGame {
    /// Who.
    pub session: SessionKey,
}

impl Operation for LeaveGame {
    type Reply = ();

    fn perform(self, state: &mut State) {
        state.remove_player_from_game(self.session, true);
    }
}

/// What WorldReport says; what a form of it does not carry stays.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct WorldUpdate {
    /// PlayerCount.
    pub player_count: Option<u16>,
    /// GameName.
    pub name: Option<Name>,
    /// MinPlayers.
    pub min_players: Option<u16>,
    /// MaxPlayers.
    pub max_players: Option<u16>,
    /// GameLevel.
    pub game_level: Option<i32>,
    /// PlayerSkillLevel.
    pub player_skill_level: Option<i32>,
    /// RulesSet.
    pub rules_set: Option<i32>,
    /// GenericField1 upwards: three or eight.
    pub generic_fields: Vec<i32>,
    /// GameStats.
    pub stats: Option<Vec<u8>>,
    /// WorldStatus.
    pub status: Option<WorldStatus>,
}

/// WorldReport, WorldReport0. There is no answer; what the reply says is for the log.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ReportWorld {
    /// Who.
    pub session: SessionKey,
    /// Which game.
    pub game: MediusWorldId,
    /// What.
    pub update: WorldUpdate,
}

/// PlayerReport. There is no answer.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ReportPlayer {
    /// Who.
    pub session: SessionKey,
    /// Which game.
    pub game: MediusWorldId,
    /// Stats.
    pub stats: Vec<u8>,
}

/// EndGameReport. There is no answer.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct EndGame {
    /// Who.
    pub session: SessionKey,
    /// Which game.
    pub game: MediusWorldId,
    /// Who won.
    pub report: EndReport,
}

/// Why a report changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IgnoredReport {
    /// No such game.
    UnknownGame,
    /// It is not the sender's game.
    NotInGame,
    /// The sender is neither host nor session master.
    NotHost,
    /// The game is closed.
    Closed,
}

impl Operation for ReportWorld {
    type Reply = Result<(), IgnoredReport>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let _ = state.heard(self.session);
        let allowed = state.may_report(self.session, self.game, true);
        state.count_report(&allowed);
        allowed?;
        state.update_game(self.game, self.update);
        Ok(())
    }
}

impl Operation for ReportPlayer {
    type Reply = Result<(), IgnoredReport>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let _ = state.heard(self.session);
        let allowed = state.may_report(self.session, self.game, false);
        state.count_report(&allowed);
        allowed?;
        let stats = state.stats(self.stats);
        if let Some(member) =
            state.games.get_mut(&self.game).and_then(|game| game.members.get_mut(&self.session))
        {
            member.stats = stats;
        }
        Ok(())
    }
}

impl Operation for EndGame {
    type Reply = Result<(), IgnoredReport>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let _ = state.heard(self.session);
        // The last host reports Closed first and the winner afterwards (servers.md 7.4), so a closed game takes this still.
        let allowed = match state.may_report(self.session, self.game, true) {
            Err(IgnoredReport::Closed) => Ok(()),
            other => other,
        };
        state.count_report(&allowed);
        allowed?;
        let report = EndReport {
            winning_team: state.name(self.report.winning_team),
            winning_player: state.name(self.report.winning_player),
            final_score: self.report.final_score,
        };
        if let Some(game) = state.games.get_mut(&self.game) {
            game.result.get_or_insert(report);
        }
        state.close_game(self.game);
        Ok(())
    }
}

/// ReassignGameMediusWorldID: the sender's game goes by a new id, which must be free. The message goes back to the sender.
///
/// GameNotFound unless the sender is host of `old`; RequestDenied if `new` is taken or not positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ReassignWorld {
    /// Who.
    pub session: SessionKey,
    /// The id now.
    pub old: MediusWorldId,
    /// The id then.
    pub new: MediusWorldId,
}

impl Operation for ReassignWorld {
    type Reply = Result<(), CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        state.logged_in(self.session)?;
        state.may_report(self.session, self.old, true).map_err(|_| CallbackStatus::GAME_NOT_FOUND)?;
        if self.old == self.new {
            return Ok(());
        }
        if self.new.0 <= 0 || state.games.any(self.new).is_some() || state.channels.contains_key(&self.new) {
            return Err(CallbackStatus::REQUEST_DENIED);
        }
        state.rename_game(self.old, self.new);
        Ok(())
    }
}

/// Ends a game or party from outside, with all its players put out of it. Says whether there was such a one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct CloseGame {
    /// Which.
    pub game: MediusWorldId,
}

impl Operation for CloseGame {
    type Reply = bool;

    fn perform(self, state: &mut State) -> bool {
        let Some(game) = state.games.any(self.game) else { return false };
        let (server, dme_world) = (game.server, game.dme_world);
        if let Some(dme_world) = dme_world {
            let command = ServerCommand::End { dme_world, brutal: true };
            state.outputs.push_back(Output::GameServer { server, command });
        }
        state.close_game(self.game);
        true
    }
}

/// SetGameListFilter, SetGameListFilter0. NumFiltersAtMax; SetGameListFilterFailed for an unknown field or operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct AddGameFilter {
    /// Who.
    pub session: SessionKey,
    /// SetGameListFilter0: replaces the filter of this field.
    pub without_id: bool,
    /// FilterField.
    pub field: GameListFilterField,
    /// Mask; all ones for the form without.
    pub mask: u32,
    /// ComparisonOperator.
    pub operator: ComparisonOperator,
    /// BaselineValue.
    pub baseline: i32,
}

impl Operation for AddGameFilter {
    type Reply = Result<FilterId, CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let limit = state.config.limits.filters;
        let session = state.heard(self.session)?;
        if self.field.name().is_none() || self.operator.name().is_none() {
            return Err(CallbackStatus::SET_GAME_LIST_FILTER_FAILED);
        }
        if self.without_id {
            session.game_filters.retain(|filter| !filter.without_id || filter.field != self.field);
        }
        if session.game_filters.len() >= limit {
            return Err(CallbackStatus::NUM_FILTERS_AT_MAX);
        }
        let id = session.next_filter();
        session.game_filters.push(GameFilter {
            id,
            without_id: self.without_id,
            field: self.field,
            mask: self.mask,
            operator: self.operator,
            baseline: self.baseline,
        });
        Ok(id)
    }
}

/// ClearGameListFilter, ClearGameListFilter0. FilterNotFound if nothing was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct RemoveGameFilter {
    /// Who.
    pub session: SessionKey,
    /// Which.
    pub filter: FilterKey,
}

impl Operation for RemoveGameFilter {
    type Reply = Result<(), CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let session = state.heard(self.session)?;
        let before = session.game_filters.len();
        session.game_filters.retain(|filter| match self.filter {
            FilterKey::Field(field) => filter.field != field,
            FilterKey::Id(id) => filter.id != id,
        });
        if session.game_filters.len() == before { Err(CallbackStatus::FILTER_NOT_FOUND) } else { Ok(()) }
    }
}

/// SetGameListSort: one criterion, replacing that of the same priority. NumSortCriteriaAtMax; GameListSortOperationFailed
/// for an unknown field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SetGameSort {
    /// Who.
    pub session: SessionKey,
    /// The criterion.
    pub sort: GameSort,
}

/// Takes sort criteria away: those of `priority`, or all. SortCriteriaNotFound if there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ClearGameSort {
    /// Who.
    pub session: SessionKey,
    /// Which; `None`: all.
    pub priority: Option<i32>,
}

impl Operation for SetGameSort {
    type Reply = Result<(), CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let limit = state.config.limits.sort_criteria;
        let session = state.heard(self.session)?;
        if self.sort.field.name().is_none()
            || !matches!(
                self.sort.direction,
                GameListSortDirection::ASCENDING | GameListSortDirection::DESCENDING
            )
        {
            return Err(CallbackStatus::GAME_LIST_SORT_OPERATION_FAILED);
        }
        session.game_sort.retain(|sort| sort.priority != self.sort.priority);
        if session.game_sort.len() >= limit {
            return Err(CallbackStatus::NUM_SORT_CRITERIA_AT_MAX);
        }
        session.game_sort.push(self.sort);
        session.game_sort.sort_by_key(|sort| sort.priority);
        Ok(())
    }
}

impl Operation for ClearGameSort {
    type Reply = Result<(), CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let session = state.heard(self.session)?;
        let before = session.game_sort.len();
        session.game_sort.retain(|sort| self.priority.is_some_and(|priority| sort.priority != priority));
        if session.game_sort.len() == before { Err(CallbackStatus::SORT_CRITERIA_NOT_FOUND) } else { Ok(()) }
    }
}

/// Questions about games.
impl State {
    /// The game `id`, open or just closed.
    pub fn game(&self, id: MediusWorldId) -> Option<&Game> {
        self.games.get(&id)
    }

    /// All games, whatever their status.
    pub fn all_games(&self) -> impl Iterator<Item = &Game> {
        self.games.values()
    }

    /// The game that runs in `dme_world` of `server`; not a party.
    pub fn game_on(&self, server: GameServerId, dme_world: i32) -> Option<&Game> {
        self.dme_worlds.get(&(server, dme_world)).and_then(|id| self.games.get(id))
    }

    /// GameWorldPlayerList: the connected players, in order of arrival. `None`: no such game.
    pub fn game_players(&self, id: MediusWorldId) -> Option<Vec<(&crate::Session, &Member)>> {
        let game = self.games.get(&id)?;
        let mut members = game.connected().collect::<Vec<_>>();
        members.sort_by_key(|(_, member)| member.arrival);
        Some(
            members.into_iter().filter_map(|(key, member)| Some((self.sessions.get(key)?, member))).collect(),
        )
    }
}

impl State {
    /// The world of a game or party on its game server, if somebody may join it. In the order of servers.md 8.2.
    pub(crate) fn may_join(&self, game: &Game, asks: &Admission<'_>) -> Result<i32, CallbackStatus> {
        let dme_world = game.dme_world.ok_or(CallbackStatus::GAME_NOT_FOUND)?;
        let spec = &game.spec;
        let wanted = if asks.spectates { &spec.spectator_password } else { &spec.password };
        if !wanted.is_empty() && wanted != asks.password {
            return Err(CallbackStatus::INVALID_PASSWORD);
        }
        let others = game
            .members
            .iter()
            .filter(|(key, member)| **key != asks.session && member.is_spectator() == asks.spectates)
            .count();
        let room = if asks.spectates { self.config.limits.spectators_per_game } else { spec.max_players };
        if others >= usize::from(room) {
            return Err(CallbackStatus::WORLD_IS_FULL);
        }
        if self.config.rules.check_host_type && asks.host_type != spec.host_type {
            return Err(CallbackStatus::REQUEST_DENIED);
        }
        if game.is_closed() {
            return Err(CallbackStatus::WORLD_CLOSED);
        }
        Ok(dme_world)
    }

    /// Whether an open game whose host is online has that name (servers.md 8.1).
    pub(crate) fn game_name_taken(&self, name: &Name, but: Option<MediusWorldId>) -> bool {
        let folded = name.folded();
        self.game_names
            .range((folded.clone(), MediusWorldId(i32::MIN))..=(folded, MediusWorldId(i32::MAX)))
            .filter(|(_, id)| Some(*id) != but)
            .filter_map(|(_, id)| self.games.get(id))
            .any(|game| !game.is_closed() && game.host.is_some_and(|host| self.sessions.contains_key(&host)))
    }

    pub(crate) fn may_create_game(
        &self,
        account: AccountId,
        channel: Option<MediusWorldId>,
        name: &Name,
    ) -> Result<(), CallbackStatus> {
        let limits = &self.config.limits;
        if self.game_name_taken(&name.clone().bounded(limits.name_bytes), None) {
            return Err(CallbackStatus::GAME_NAME_EXISTS);
        }
        if let Some(channel) = channel.and_then(|id| self.channels.get(&id))
            && channel.games.len() >= limits.games_per_channel
        {
            return Err(CallbackStatus::NUM_GAME_WORLDS_PER_LOBBY_WORLD_EXCEEDED);
        }
        if self.games.values().filter(|game| game.creator == account && !game.is_closed()).count()
            >= limits.games_per_player
        {
            return Err(CallbackStatus::REQUEST_DENIED);
        }
        if self.games.len() >= limits.games {
            return Err(CallbackStatus::EXCEEDS_MAX_WORLDS);
        }
        Ok(())
    }

    /// Registers a game or party in PendingCreation.
    pub(crate) fn add_game(
        &mut self,
        key: SessionKey,
        account: AccountId,
        spec: GameSpec,
        server: GameServerId,
        kind: NewWorld,
    ) -> Result<MediusWorldId, CallbackStatus> {
        let id = self.next_world();
        let session = self.sessions.get(&key).ok_or(CallbackStatus::SESSION_KEY_INVALID)?;
        let (app_id, location) = (session.app_id, session.location);
        let party = matches!(kind, NewWorld::Party);
        let channel = session.channel.filter(|_| !party);
        let most = self.servers.get(&server).map_or(u16::MAX, |server| server.max_players_per_world);
        let most = most.min(self.config.limits.players_per_game).max(1);
        let wanted = if spec.max_players == 0 { most } else { spec.max_players };
        let spec = GameSpec {
            name: self.name(spec.name),
            password: self.name(spec.password),
            spectator_password: self.name(spec.spectator_password),
            max_players: wanted.min(most),
            stats: self.stats(spec.stats),
            ..spec
        };
        if !party {
            self.game_names.insert((spec.name.folded(), id));
        }
        if let Some(channel) = channel.and_then(|id| self.channels.get_mut(&id)) {
            channel.games.insert(id);
            channel.empty_since = None;
        }
        if let Some(server) = self.servers.get_mut(&server) {
            server.worlds += 1;
        }
        let game = Game {
            id,
            party,
            app_id,
            spec,
            status: WorldStatus::PENDING_CREATION,
            creator: account,
            host: Some(key),
            host_joined: false,
            channel,
            location,
            superset: match kind {
                NewWorld::Game { superset } => superset,
                NewWorld::Party => None,
            },
            assigned: BTreeMap::new(),
            server,
            dme_world: None,
            addresses: None,
            members: BTreeMap::new(),
            created: self.now.unix,
            started: None,
            ended: None,
            players_at_start: Vec::new(),
            result: None,
            metadata: String::new(),
            reported_players: 0,
            created_at: self.now.millis,
            empty_since: Some(self.now.millis),
            last_report: self.now.millis,
            arrivals: 0,
            size_reduced: wanted > most,
        };
        self.games.insert(game);
        self.schedule_game(id);
        Ok(id)
    }

    /// Asks the game server of a registered game or party for its world.
    pub(crate) fn ask_for_world(
        &mut self,
        key: SessionKey,
        id: MediusWorldId,
    ) -> Result<RequestId, CallbackStatus> {
        let game = self.games.any(id).ok_or(CallbackStatus::FAIL)?;
        let (server, app_id, attributes) = (game.server, game.app_id, game.spec.attributes);
        let spectators = if attributes.0 & WorldAttributesType::ALLOW_SPECTATOR.0 == 0 {
            0
        } else {
            self.config.limits.spectators_per_game
        };
        let most = self.servers.get(&server).map_or(u16::MAX, |server| server.max_players_per_world);
        let max_clients = game.spec.max_players.saturating_add(spectators).min(most);
        let request = self.wait_for(key, server, id, false);
        let command = ServerCommand::Create { request, app_id, game: id, max_clients, attributes };
        self.outputs.push_back(Output::GameServer { server, command });
        Ok(request)
    }

    /// Asks the game server of a game or party to let a player in, for whom a seat is reserved.
    pub(crate) fn ask_for_seat(
        &mut self,
        key: SessionKey,
        id: MediusWorldId,
        dme_world: i32,
        addresses: [PeerAddress; 2],
    ) -> Result<RequestId, CallbackStatus> {
        let (session, account) = self.logged_in(key)?;
        let (app_id, version) = (session.app_id, session.version);
        let server = self.games.any(id).ok_or(CallbackStatus::GAME_NOT_FOUND)?.server;
        let request = self.wait_for(key, server, id, true);
        let command = ServerCommand::Join {
            request,
            dme_world,
            game: id,
            session: key,
            app_id,
            version,
            account,
            addresses,
        };
        self.outputs.push_back(Output::GameServer { server, command });
        Ok(request)
    }

    /// The game server has made the world.
    pub(crate) fn game_stands(&mut self, id: MediusWorldId, dme_world: i32) -> Option<CallbackStatus> {
        let game = self.games.any_mut(id)?;
        game.dme_world = Some(dme_world);
        // The host's time to arrive begins now.
        game.created_at = self.now.millis;
        let status = if game.size_reduced {
            CallbackStatus::WORLD_CREATED_SIZE_REDUCED
        } else {
            CallbackStatus::SUCCESS
        };
        let superset = game.superset;
        self.dme_worlds.insert((game.server, dme_world), id);
        if game.party {
            self.counters.parties_created += 1;
        } else {
            self.counters.games_created += 1;
            self.notice(Notice::GameCreated(id));
        }
        self.schedule_game(id);
        if let Some(superset) = superset {
            self.match_players(superset);
        }
        Some(status)
    }

    pub(crate) fn wait_for(
        &mut self,
        session: SessionKey,
        server: GameServerId,
        game: MediusWorldId,
        join: bool,
    ) -> RequestId {
        // A client that asks to join again, here or elsewhere, has given the first one up: a session waits for one join of
        // a game and one of a party.
        let is_party = |id| self.games.party(id).is_some();
        let party = is_party(game);
        let earlier = self
            .pending
            .iter()
            .find(|(_, pending)| {
                join && pending.join && pending.session == session && is_party(pending.game) == party
            })
            .map(|(request, _)| *request);
        if let Some(earlier) = earlier {
            self.pending.remove(&earlier);
            self.timers.cancel(Timer::Request(earlier));
            self.answer(earlier, session, join, CallbackStatus::TRANSACTION_CANCELED);
        }
        let request = self.next_request();
        let deadline = self.after(self.config.timeouts.game_server_answer);
        self.pending.insert(request, Pending { session, server, game, deadline, join });
        self.timers.schedule(Timer::Request(request), deadline);
        request
    }

    /// Takes a request whose answer has come.
    pub(crate) fn answered(
        &mut self,
        request: RequestId,
        server: GameServerId,
        join: bool,
    ) -> Option<Pending> {
        let fits = self
            .pending
            .get(&request)
            .is_some_and(|pending| pending.server == server && pending.join == join);
        if !fits {
            return None;
        }
        self.timers.cancel(Timer::Request(request));
        self.pending.remove(&request)
    }

    /// Says no to a request that waits.
    pub(crate) fn refuse_request(&mut self, request: RequestId, status: CallbackStatus) {
        let Some(pending) = self.pending.remove(&request) else { return };
        self.timers.cancel(Timer::Request(request));
        if pending.join {
            self.counters.joins_failed += 1;
            let on_the_way = self
                .games
                .any(pending.game)
                .and_then(|game| game.members.get(&pending.session))
                .is_some_and(|member| !member.connected);
            if on_the_way {
                self.leave_world(pending.session, pending.game, true);
            }
        } else {
            self.counters.games_failed += 1;
            let superset = self.games.any(pending.game).and_then(|game| game.superset);
            self.close_game(pending.game);
            self.remove_game(pending.game);
            if let Some(superset) = superset {
                self.matching_failed(superset);
            }
        }
        self.answer(request, pending.session, pending.join, status);
    }

    fn answer(&mut self, request: RequestId, session: SessionKey, join: bool, status: CallbackStatus) {
        let answer = if join { Answer::Joined(Err(status)) } else { Answer::Created(Err(status)) };
        self.outputs.push_back(Output::Answer { request, session, answer });
    }

    pub(crate) fn request_due(&mut self, request: RequestId) {
        let Some(pending) = self.pending.get(&request) else { return };
        if pending.deadline > self.now.millis {
            self.timers.schedule(Timer::Request(request), pending.deadline);
        } else {
            self.refuse_request(request, CallbackStatus::TRANSACTION_TIMED_OUT);
        }
    }

    /// The requests of a session that ends: its games go, its joins are void.
    pub(crate) fn drop_requests_of(&mut self, key: SessionKey) {
        let requests = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.session == key)
            .map(|(id, _)| *id)
            .collect::<Vec<_>>();
        for request in requests {
            self.refuse_request(request, CallbackStatus::TRANSACTION_CANCELED);
        }
    }

    /// Lets a player into a game, until the connection comes or the time is over.
    pub(crate) fn reserve_seat(
        &mut self,
        key: SessionKey,
        account: AccountId,
        id: MediusWorldId,
        join_type: JoinType,
    ) {
        let until = self.after(self.config.timeouts.join_reservation);
        let Some(game) = self.games.any_mut(id) else { return };
        game.arrivals += 1;
        let arrival = game.arrivals;
        game.empty_since = None;
        game.assigned.remove(&key);
        let party = game.party;
        let member = game.members.entry(key).or_insert_with(|| Member {
            account,
            join_type,
            dme_index: None,
            connected: false,
            stats: Vec::new(),
            party_index: None,
            reserved_until: until,
            arrival,
        });
        member.join_type = join_type;
        member.reserved_until = until;
        if let Some(session) = self.sessions.get_mut(&key) {
            let place = if party { &mut session.party } else { &mut session.game };
            *place = Some(id);
        }
        self.schedule_game(id);
    }

    /// The player's connection to the game server is up.
    pub(crate) fn player_connected(&mut self, key: SessionKey, id: MediusWorldId) {
        let Some(game) = self.games.any_mut(id) else { return };
        let Some(member) = game.members.get_mut(&key) else { return };
        if core::mem::replace(&mut member.connected, true) {
            return;
        }
        if game.host == Some(key) {
            game.host_joined = true;
        }
        if game.party {
            return;
        }
        if let Some(session) = self.sessions.get_mut(&key)
            && !core::mem::replace(&mut session.in_game, true)
        {
            self.players_in_games += 1;
        }
        self.notice(Notice::JoinedGame { session: key, game: id });
    }

    /// Takes a player out of its game, connected or on the way. `tell_server`: make the game server let go too.
    pub(crate) fn remove_player_from_game(&mut self, key: SessionKey, tell_server: bool) {
        if let Some(game) = self.sessions.get(&key).and_then(|session| session.game) {
            self.leave_world(key, game, tell_server);
        }
    }

    /// Takes a player out of a game or party.
    pub(crate) fn leave_world(&mut self, key: SessionKey, id: MediusWorldId, tell_server: bool) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if session.game == Some(id) {
            session.game = None;
            if core::mem::take(&mut session.in_game) {
                self.players_in_games -= 1;
            }
            // Nothing but the game may have held the session.
            self.extend_grace(key);
        } else if session.party == Some(id) {
            session.party = None;
        } else {
            return;
        }
        let now = self.now.millis;
        let Some(game) = self.games.any_mut(id) else { return };
        let Some(member) = game.members.remove(&key) else { return };
        if game.members.is_empty() {
            game.empty_since = Some(now);
        }
        if tell_server && let (Some(dme_world), Some(dme_index)) = (game.dme_world, member.dme_index) {
            let server = game.server;
            let command = ServerCommand::Disconnect { dme_world, dme_index };
            self.outputs.push_back(Output::GameServer { server, command });
        }
        let (party, superset) = (game.party, game.superset);
        if member.connected {
            if !party {
                self.notice(Notice::LeftGame { session: key, game: id });
            }
            self.host_left(key, id);
        }
        self.schedule_game(id);
        if let Some(superset) = superset {
            // There is a place again.
            self.match_players(superset);
        }
    }

    /// From 1.09 on the first who came is the next host; at 1.08 and before the game goes on without one (servers.md 8.3).
    fn host_left(&mut self, key: SessionKey, id: MediusWorldId) {
        let Some(game) = self.games.any_mut(id) else { return };
        if game.host != Some(key) {
            return;
        }
        let migrates = self.sessions.get(&key).is_some_and(|session| session.version >= 109);
        game.host = game
            .members
            .iter()
            .filter(|(_, member)| migrates && member.connected && !member.is_spectator())
            .min_by_key(|(_, member)| member.arrival)
            .map(|(key, _)| *key);
        let new_host = game.host;
        // The host of a peer-to-peer game takes it along.
        let ends = game.addresses.is_some();
        if !game.party {
            self.notice(Notice::HostLeft { game: id, new_host });
        }
        if ends {
            self.close_game(id);
        }
    }

    fn may_report(&self, key: SessionKey, id: MediusWorldId, as_host: bool) -> Result<(), IgnoredReport> {
        let game = self.games.get(&id).ok_or(IgnoredReport::UnknownGame)?;
        if !game.members.contains_key(&key) {
            return Err(IgnoredReport::NotInGame);
        }
        if as_host && game.host != Some(key) && game.session_master() != Some(key) {
            return Err(IgnoredReport::NotHost);
        }
        if as_host && game.is_closed() {
            return Err(IgnoredReport::Closed);
        }
        Ok(())
    }

    pub(crate) fn count_report(&mut self, report: &Result<(), IgnoredReport>) {
        self.counters.reports_ignored += u64::from(report.is_err());
    }

    /// Takes a report over. Does nothing to a closed game.
    pub(crate) fn update_game(&mut self, id: MediusWorldId, update: WorldUpdate) {
        let most = self.config.limits.players_per_game.max(1);
        let stats = update.stats.map(|stats| self.stats(stats));
        let name =
            update.name.map(|name| self.name(name)).filter(|name| !self.game_name_taken(name, Some(id)));
        let (now, unix) = (self.now.millis, self.now.unix);
        let Some(game) = self.games.get_mut(&id).filter(|game| !game.is_closed()) else { return };
        game.last_report = now;
        if let Some(name) = name.filter(|name| *name != game.spec.name) {
            self.game_names.remove(&(game.spec.name.folded(), id));
            self.game_names.insert((name.folded(), id));
            game.spec.name = name;
        }
        let spec = &mut game.spec;
        for (field, value) in spec.generic_fields.iter_mut().zip(update.generic_fields) {
            *field = value;
        }
        spec.min_players = update.min_players.unwrap_or(spec.min_players);
        spec.max_players = update.max_players.filter(|most| *most > 0).unwrap_or(spec.max_players).min(most);
        spec.game_level = update.game_level.unwrap_or(spec.game_level);
        spec.player_skill_level = update.player_skill_level.unwrap_or(spec.player_skill_level);
        spec.rules_set = update.rules_set.unwrap_or(spec.rules_set);
        spec.stats = stats.unwrap_or_else(|| core::mem::take(&mut spec.stats));
        game.reported_players = update.player_count.unwrap_or(game.reported_players);
        match update.status {
            Some(WorldStatus::CLOSED) => self.close_game(id),
            Some(status @ (WorldStatus::STAGING | WorldStatus::ACTIVE)) if status != game.status => {
                let from = core::mem::replace(&mut game.status, status);
                if status == WorldStatus::ACTIVE && game.started.is_none() {
                    game.started = Some(unix);
                    game.players_at_start = game
                        .connected()
                        .filter(|(_, member)| !member.is_spectator())
                        .map(|(_, member)| member.account)
                        .collect();
                }
                self.notice(Notice::GameStatus { game: id, from, to: status });
            }
            // The other values are the server's own.
            _ => {}
        }
        self.schedule_game(id);
    }

    /// Ends a game for good: it never opens again, and its name is free.
    pub(crate) fn close_game(&mut self, id: MediusWorldId) {
        let unix = self.now.unix;
        let Some(game) = self.games.any_mut(id).filter(|game| !game.is_closed()) else { return };
        let from = core::mem::replace(&mut game.status, WorldStatus::CLOSED);
        game.ended = Some(unix);
        if game.members.is_empty() {
            game.empty_since = Some(self.now.millis);
        }
        if !game.party {
            self.notice(Notice::GameStatus { game: id, from, to: WorldStatus::CLOSED });
        }
        self.schedule_game(id);
    }

    fn schedule_game(&mut self, id: MediusWorldId) {
        if let Some(at) = self.game_deadline(id) {
            self.timers.schedule(Timer::Game(id), at);
        }
    }

    /// When something is due in a game by itself.
    fn game_deadline(&self, id: MediusWorldId) -> Option<u64> {
        let game = self.games.any(id)?;
        let timeouts = &self.config.timeouts;
        let reservation = game
            .members
            .values()
            .filter(|member| !member.connected)
            .map(|member| member.reserved_until)
            .min();
        let own = if game.dme_world.is_none() {
            // The request for it has a deadline of its own.
            None
        } else if game.is_closed() {
            game.empty_since.map(|since| since.saturating_add(timeouts.closed_game))
        } else if game.addresses.is_some() {
            Some(game.last_report.saturating_add(timeouts.game))
        } else if !game.members.is_empty() {
            None
        } else if game.host_joined {
            game.empty_since
        } else {
            Some(game.created_at.saturating_add(timeouts.game))
        };
        reservation.into_iter().chain(own).min()
    }

    pub(crate) fn game_due(&mut self, id: MediusWorldId) {
        let now = self.now.millis;
        let Some(game) = self.games.any(id) else { return };
        let late = game
            .members
            .iter()
            .filter(|(_, member)| !member.connected && member.reserved_until <= now)
            .map(|(key, _)| *key)
            .collect::<Vec<_>>();
        for key in late {
            self.leave_world(key, id, true);
        }
        if self.game_deadline(id).is_some_and(|at| at <= now) {
            if self.games.any(id).is_some_and(Game::is_closed) {
                self.remove_game(id);
            } else {
                self.close_game(id);
            }
        }
        self.schedule_game(id);
    }

    /// Forgets a game. Whoever is still in it is out.
    pub(crate) fn remove_game(&mut self, id: MediusWorldId) {
        let Some(game) = self.games.any(id) else { return };
        for key in game.members.keys().copied().collect::<Vec<_>>() {
            self.leave_world(key, id, false);
        }
        let joins = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.game == id)
            .map(|(id, _)| *id)
            .collect::<Vec<_>>();
        for request in joins {
            if self.pending.get(&request).is_some_and(|pending| pending.join) {
                self.refuse_request(request, CallbackStatus::GAME_NOT_FOUND);
            }
        }
        let Some(game) = self.games.remove(id) else { return };
        let game_is_party = game.party;
        self.timers.cancel(Timer::Game(id));
        self.game_names.remove(&(game.spec.name.folded(), id));
        if let Some(channel) = game.channel {
            if let Some(channel) = self.channels.get_mut(&channel) {
                channel.games.remove(&id);
            }
            self.channel_emptied(channel);
        }
        if let Some(server) = self.servers.get_mut(&game.server) {
            server.worlds = server.worlds.saturating_sub(1);
        }
        if let Some(dme_world) = game.dme_world {
            self.dme_worlds.remove(&(game.server, dme_world));
            if self.servers.contains_key(&game.server) {
                let command = ServerCommand::End { dme_world, brutal: false };
                self.outputs.push_back(Output::GameServer { server: game.server, command });
            }
            if game.party {
                return;
            }
            let record = GameRecord {
                game: id,
                app_id: game.app_id,
                name: game.spec.name,
                creator: game.creator,
                game_level: game.spec.game_level,
                rules_set: game.spec.rules_set,
                generic_fields: game.spec.generic_fields,
                stats: game.spec.stats,
                created: game.created,
                started: game.started,
                ended: game.ended.unwrap_or(self.now.unix),
                players_at_start: game.players_at_start,
                result: game.result,
                metadata: game.metadata,
            };
            self.outputs.push_back(Output::Store(StoreEffect::GameEnded(Box::new(record))));
        }
        if !game_is_party {
            self.notice(Notice::GameRemoved(id));
        }
    }

    fn rename_game(&mut self, old: MediusWorldId, new: MediusWorldId) {
        let Some(mut game) = self.games.remove(old) else { return };
        self.timers.cancel(Timer::Game(old));
        game.id = new;
        self.game_names.remove(&(game.spec.name.folded(), old));
        self.game_names.insert((game.spec.name.folded(), new));
        if let Some(dme_world) = game.dme_world {
            self.dme_worlds.insert((game.server, dme_world), new);
        }
        if let Some(channel) = game.channel.and_then(|id| self.channels.get_mut(&id)) {
            channel.games.remove(&old);
            channel.games.insert(new);
        }
        for key in game.members.keys() {
            if let Some(session) = self.sessions.get_mut(key) {
                session.game = Some(new);
            }
        }
        for pending in self.pending.values_mut().filter(|pending| pending.game == old) {
            pending.game = new;
        }
        self.games.insert(game);
        self.schedule_game(new);
    }
}
