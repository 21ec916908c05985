//! Players' sessions: keys, connections, login, grace periods, the end.

use std::collections::BTreeMap;
use std::net::IpAddr;

use medley_wire::enums::{CallbackStatus, CharacterEncodingType, ConnectionType, LanguageType, PlayerStatus};
use medley_wire::{AccountId, AppId, ClanId, MediusWorldId};
use serde::{Deserialize, Serialize};

use crate::channel::LobbyFilter;
use crate::command::Operation;
use crate::list::{GameFilter, GameSort};
use crate::output::{EndReason, Notice, Output};
use crate::server::GameServerKind;
use crate::social::{Buddy, Invitation};
use crate::state::State;
use crate::timers::Timer;
use crate::types::{AccessKey, ConnectionId, FilterId, Name, SessionKey};

/// A player (or a game server) from SessionBegin to the end.
#[derive(Clone, Debug, Serialize)]
pub struct Session {
    /// Its key.
    pub key: SessionKey,
    /// The client's app id.
    pub app_id: AppId,
    /// The client's Medius version: 108 to 113.
    pub version: u16,
    /// Modem or ethernet, as the client said.
    pub connection_class: ConnectionType,
    /// The address the session began from.
    pub client_ip: IpAddr,
    /// Unix seconds of the beginning.
    pub began: i64,
    /// Unix seconds of the login.
    pub logged_in_at: Option<i64>,
    /// [`crate::Time::millis`] of the last sign of life.
    pub last_heard: u64,
    /// SetLocalizationParams.
    pub localization: Localization,
    /// PickLocation.
    pub location: i32,
    /// Id of the machine from DnasSignaturePost or MachineSignaturePost; empty: none.
    pub machine: Name,
    /// The account; `None` before the login.
    pub account: Option<AccountId>,
    /// AccountName; empty before the login.
    pub name: Name,
    /// Logged in without an account.
    pub anonymous: bool,
    /// May do what moderators may.
    pub moderator: bool,
    /// The clan.
    pub clan: Option<ClanId>,
    /// The account's stats blob; empty stands for zeros.
    pub stats: Vec<u8>,
    /// The channel the player is in.
    pub channel: Option<MediusWorldId>,
    /// The game the player is let into or in.
    pub game: Option<MediusWorldId>,
    /// The party the player is let into or in.
    pub party: Option<MediusWorldId>,
    /// ChatToggle.
    pub chat_enabled: bool,
    /// GenericChatSetFilter: a bit a message type, 1 lets it through.
    pub chat_filter: [u8; 16],
    /// SetLobbyWorldFilter.
    pub lobby_filter: Option<LobbyFilter>,
    /// SetGameListFilter.
    pub game_filters: Vec<GameFilter>,
    /// SetGameListSort.
    pub game_sort: Vec<GameSort>,
    /// Buddies by account id.
    pub buddies: BTreeMap<AccountId, Buddy>,
    /// Names of the list of BuddySetList that have no account.
    pub buddy_strangers: Vec<Name>,
    /// Ignored accounts by account id.
    pub ignored: BTreeMap<AccountId, Buddy>,
    /// Names of the list of IgnoreSetList that have no account.
    pub ignored_strangers: Vec<Name>,
    /// Buddy invitations that wait for this player, by who asks.
    pub invitations: BTreeMap<AccountId, Invitation>,
    /// Connections, oldest first.
    pub connections: Vec<(ConnectionId, ServerKind)>,
    pub(crate) in_game: bool,
    pub(crate) keys: Vec<AccessKey>,
    pub(crate) reserved_channel: Option<MediusWorldId>,
    pub(crate) grace_until: u64,
    pub(crate) last_filter: u64,
    pub(crate) chat_paid_until: u64,
    reached_lobby: bool,
}

impl Session {
    /// PlayerStatus, as presence and player info tell it.
    pub fn status(&self) -> PlayerStatus {
        if self.account.is_none() || !self.reached_lobby {
            PlayerStatus::PLAYER_IN_AUTH_WORLD
        } else if self.in_game {
            PlayerStatus::PLAYER_IN_GAME_WORLD
        } else {
            PlayerStatus::PLAYER_IN_CHAT_WORLD
        }
    }

    /// Whether the player's connection to the game is up, as opposed to on its way.
    pub fn in_game(&self) -> bool {
        self.in_game
    }

    /// Whether the player has been on the lobby server.
    pub fn reached_lobby(&self) -> bool {
        self.reached_lobby
    }

    /// The newest connection to the lobby server, where pushes go.
    pub fn lobby_connection(&self) -> Option<ConnectionId> {
        self.connections.iter().rev().find(|(_, server)| *server == ServerKind::Lobby).map(|(id, _)| *id)
    }

    pub(crate) fn next_filter(&mut self) -> FilterId {
        self.last_filter += 1;
        FilterId(self.last_filter)
    }

    /// Whether something holds the session beyond its grace period: a socket or a game that goes on.
    fn is_held(&self) -> bool {
        !self.connections.is_empty() || self.in_game
    }
}

/// Which server a connection is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum ServerKind {
    /// MAS.
    Authentication,
    /// MLS.
    Lobby,
    /// MPS.
    GameServer,
}

/// What a client said about its texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Localization {
    /// Of the client's texts.
    pub encoding: CharacterEncodingType,
    /// Of the player.
    pub language: LanguageType,
    /// TimeZone, where it was given.
    pub time_zone: i32,
}

/// What an access key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Purpose {
    /// The lobby, in this channel.
    Lobby {
        /// Where the player goes.
        channel: MediusWorldId,
    },
    /// A relay, in this game.
    Game {
        /// The game.
        game: MediusWorldId,
    },
    /// MPS.
    GameServer,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct IssuedKey {
    pub(crate) session: SessionKey,
    pub(crate) app_id: AppId,
    pub(crate) account: Option<AccountId>,
    pub(crate) purpose: Purpose,
    pub(crate) expires: u64,
}

/// SessionBegin in all its forms, also of a game server.
///
/// ServerBusy when full, IncompatibleAppID for a foreign app id, BeginSessionFailed for a key or connection in use.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct BeginSession {
    /// The new session's key, from the host's one counter.
    pub key: SessionKey,
    /// The connection on MAS.
    pub connection: ConnectionId,
    /// The client's app id.
    pub app_id: AppId,
    /// The client's Medius version: 108 to 113.
    pub version: u16,
    /// As the client said.
    pub connection_class: ConnectionType,
    /// Where it comes from.
    pub client_ip: IpAddr,
}

impl Operation for BeginSession {
    type Reply = Result<(), CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        if !state.serves(self.app_id) {
            return Err(CallbackStatus::INCOMPATIBLE_APP_ID);
        }
        if state.sessions.len() >= state.config.limits.sessions {
            return Err(CallbackStatus::SERVER_BUSY);
        }
        if state.sessions.contains_key(&self.key) || state.by_connection.contains_key(&self.connection) {
            return Err(CallbackStatus::BEGIN_SESSION_FAILED);
        }
        let session = Session {
            key: self.key,
            app_id: self.app_id,
            version: self.version,
            connection_class: self.connection_class,
            client_ip: self.client_ip,
            began: state.now.unix,
            logged_in_at: None,
            last_heard: state.now.millis,
            localization: Localization::default(),
            location: 0,
            machine: Name::default(),
            account: None,
            name: Name::default(),
            anonymous: false,
            moderator: false,
            clan: None,
            stats: Vec::new(),
            channel: None,
            game: None,
            party: None,
            chat_enabled: true,
            chat_filter: [0xff; 16],
            lobby_filter: None,
            game_filters: Vec::new(),
            game_sort: Vec::new(),
            buddies: BTreeMap::new(),
            buddy_strangers: Vec::new(),
            ignored: BTreeMap::new(),
            ignored_strangers: Vec::new(),
            invitations: BTreeMap::new(),
            connections: Vec::new(),
            in_game: false,
            keys: Vec::new(),
            reserved_channel: None,
            grace_until: 0,
            last_filter: 0,
            chat_paid_until: 0,
            reached_lobby: false,
        };
        state.sessions.insert(self.key, session);
        state.counters.sessions_begun += 1;
        state.attach(self.key, self.connection, ServerKind::Authentication);
        Ok(())
    }
}

/// The end of a successful AccountLogin or TicketLogin: name, password and bans are checked, the lists are loaded.
///
/// AccountLoggedIn if the account is online and not stale (ask [`State::may_log_in`] first, before the password is
/// looked at); a stale session is put out. IncorrectLoginStep if this session is logged in already, SessionKeyInvalid
/// without a session, ChannelNotFound if the title has no channel for this app id.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Login {
    /// Of the connection.
    pub session: SessionKey,
    /// Positive.
    pub account: AccountId,
    /// AccountName as registered.
    pub name: Name,
    /// The clan.
    pub clan: Option<ClanId>,
    /// The stats blob.
    pub stats: Vec<u8>,
    /// May do what moderators may.
    pub moderator: bool,
    /// The buddy list.
    pub buddies: Vec<Buddy>,
    /// The ignore list.
    pub ignored: Vec<Buddy>,
    /// Invitations that wait.
    pub invitations: Vec<Invitation>,
}

/// Where a player who logged in goes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginInfo {
    /// The account.
    pub account: AccountId,
    /// MediusWorldID of the answer.
    pub channel: MediusWorldId,
    /// ConnectInfo.WorldID.
    pub net_world: u16,
    /// ConnectInfo.AccessKey.
    pub access_key: AccessKey,
}

impl Operation for Login {
    type Reply = Result<LoginInfo, CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        state.may_log_in(self.account)?;
        let channel = state.login_channel(self.session)?;
        if let Some(older) = state.by_account.get(&self.account).copied() {
            state.end_session(older, EndReason::Replaced);
        }
        let limits = &state.config.limits;
        let bounded = |list: Vec<Buddy>, limit| {
            list.into_iter().take(limit).map(|buddy| (buddy.account, buddy)).collect()
        };
        let (buddies, ignored) =
            (bounded(self.buddies, limits.buddies), bounded(self.ignored, limits.ignored));
        let invitations = self
            .invitations
            .into_iter()
            .take(limits.invitations)
            .map(|invitation| (invitation.from, invitation))
            .collect();
        let stats = state.stats(self.stats);
        if let Some(session) = state.sessions.get_mut(&self.session) {
            session.moderator = self.moderator;
            session.stats = stats;
            session.buddies = buddies;
            session.ignored = ignored;
            session.invitations = invitations;
        }
        state.set_clan(self.session, self.clan);
        state.log_in(self.session, self.account, self.name, channel)
    }
}

/// AnonymousLogin: a negative account id, nothing is stored. Refused as [`Login`] is.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct LoginAnonymously {
    /// Of the connection.
    pub session: SessionKey,
    /// The display name.
    pub name: Name,
    /// The stats blob that the client sent.
    pub stats: Vec<u8>,
}

impl Operation for LoginAnonymously {
    type Reply = Result<LoginInfo, CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let channel = state.login_channel(self.session)?;
        let account = state.next_anonymous();
        let stats = state.stats(self.stats);
        if let Some(session) = state.sessions.get_mut(&self.session) {
            session.anonymous = true;
            session.stats = stats;
        }
        state.log_in(self.session, account, self.name, channel)
    }
}

/// AccountLogout: the session ends. Fail if the player is not logged in or `key` is another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Logout {
    /// Of the connection.
    pub session: SessionKey,
    /// As the request says it.
    pub key: SessionKey,
}

impl Operation for Logout {
    type Reply = Result<(), CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let session = state.sessions.get(&self.session).ok_or(CallbackStatus::FAIL)?;
        if self.key != self.session || session.account.is_none() {
            return Err(CallbackStatus::FAIL);
        }
        state.end_session(self.session, EndReason::Left);
        Ok(())
    }
}

/// SessionEnd. SessionKeyInvalid without such a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct EndSession {
    /// As the request says it; the server has compared it with the connection's.
    pub session: SessionKey,
}

impl Operation for EndSession {
    type Reply = Result<(), CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        if !state.sessions.contains_key(&self.session) {
            return Err(CallbackStatus::SESSION_KEY_INVALID);
        }
        state.end_session(self.session, EndReason::Left);
        Ok(())
    }
}

/// Puts an account out, with all its connections. Says whether it was online.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Kick {
    /// Who.
    pub account: AccountId,
    /// Kicked or banned.
    pub reason: EndReason,
}

impl Operation for Kick {
    type Reply = bool;

    fn perform(self, state: &mut State) -> bool {
        let session = state.by_account.get(&self.account).copied();
        if let Some(session) = session {
            state.end_session(session, self.reason);
        }
        session.is_some()
    }
}

/// SetLocalizationParams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SetLocalization {
    /// Of the connection.
    pub session: SessionKey,
    /// What the client said.
    pub localization: Localization,
}

/// PickLocation, and the location of SetLocalizationParams1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SetLocation {
    /// Of the connection.
    pub session: SessionKey,
    /// LocationID.
    pub location: i32,
}

/// DnasSignaturePost of a console id, or MachineSignaturePost.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SetMachine {
    /// Of the connection.
    pub session: SessionKey,
    /// The machine's id, as text.
    pub machine: Name,
}

/// AccountUpdateStats, after the store has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SetAccountStats {
    /// Of the connection.
    pub session: SessionKey,
    /// The blob.
    pub stats: Vec<u8>,
}

/// The player joined or left a clan, says the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SetClan {
    /// Who.
    pub account: AccountId,
    /// The clan now.
    pub clan: Option<ClanId>,
}

/// Any message or echo of the client. Needed about once in two seconds at most: it tells a silent session from a live one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Heard {
    /// Of the connection.
    pub session: SessionKey,
}

/// UpdateUserState KeepAlive: the client is about to connect elsewhere; its grace period begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct KeepAlive {
    /// Of the connection.
    pub session: SessionKey,
}

macro_rules! session_updates {
    ($($operation:ident($self:ident, $state:ident, $session:ident) $body:block)*) => {$(
        impl Operation for $operation {
            type Reply = Result<(), CallbackStatus>;

            fn perform($self, $state: &mut State) -> Self::Reply {
                $state.heard($self.session)?;
                let $session = $self.session;
                $body
                Ok(())
            }
        }
    )*};
}

session_updates! {
    SetLocalization(self, state, key) {
        if let Some(session) = state.sessions.get_mut(&key) {
            session.localization = self.localization;
        }
    }
    SetLocation(self, state, key) {
        if let Some(session) = state.sessions.get_mut(&key) {
            session.location = self.location;
        }
    }
    SetMachine(self, state, key) {
        let machine = state.name(self.machine);
        if let Some(session) = state.sessions.get_mut(&key) {
            session.machine = machine;
        }
    }
    SetAccountStats(self, state, key) {
        let stats = state.stats(self.stats);
        if let Some(session) = state.sessions.get_mut(&key) {
            session.stats = stats;
        }
    }
    Heard(self, state, _key) {}
    KeepAlive(self, state, key) {
        state.extend_grace(key);
    }
}

impl Operation for SetClan {
    type Reply = ();

    fn perform(self, state: &mut State) {
        if let Some(session) = state.by_account.get(&self.account).copied() {
            state.set_clan(session, self.clan);
        }
    }
}

/// Makes an access key for a session: for MPS after ServerSessionBegin, or for a relay that lets the universe mint its keys.
///
/// SessionKeyInvalid without a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct IssueAccessKey {
    /// Whose.
    pub session: SessionKey,
    /// What for.
    pub purpose: Purpose,
}

impl Operation for IssueAccessKey {
    type Reply = Result<AccessKey, CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        state.heard(self.session)?;
        Ok(state.issue_key(self.session, self.purpose))
    }
}

/// A connection to MLS with the keys of its CONNECT_TCP. The access key is used up; the player is in its channel.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ConnectLobby {
    /// The new connection.
    pub connection: ConnectionId,
    /// Of CONNECT_TCP.
    pub app_id: AppId,
    /// Of CONNECT_TCP, if it looks like one.
    pub access_key: Option<AccessKey>,
    /// Of CONNECT_TCP, if it looks like one.
    pub session_key: Option<SessionKey>,
    /// Where the connection comes from.
    pub client_ip: IpAddr,
}

/// A connection that found its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// The session.
    pub session: SessionKey,
    /// The account.
    pub account: Option<AccountId>,
    /// The channel; `None` on MPS.
    pub channel: Option<MediusWorldId>,
    /// Whether it is the first one to the lobby since the login.
    pub first: bool,
}

/// Why a connection was not let in. The connection ends in each case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectRefused {
    /// No such access key, or used before.
    UnknownKey,
    /// The access key is too old.
    ExpiredKey,
    /// The access key is for another server, app id or session.
    WrongPurpose,
    /// The connection has a session already.
    AlreadyConnected,
    /// There is no channel to put the player into.
    NoChannel,
}

impl Operation for ConnectLobby {
    type Reply = Result<Connected, ConnectRefused>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let claimed = state.claim(
            self.connection,
            self.app_id,
            self.access_key,
            self.session_key,
            self.client_ip,
            |purpose| matches!(purpose, Purpose::Lobby { .. }),
        );
        let (session, purpose) = state.count_claim(claimed)?;
        let Purpose::Lobby { channel } = purpose else {
            return Err(ConnectRefused::WrongPurpose);
        };
        // The channel may have gone since, if it was empty and the reservation had run out.
        let channel = if state.channels.contains_key(&channel) {
            Some(channel)
        } else {
            state.arrival_channel(self.app_id)
        };
        let channel = channel.ok_or(ConnectRefused::NoChannel)?;
        state.attach(session, self.connection, ServerKind::Lobby);
        state.enter_channel(session, channel);
        let first = state
            .sessions
            .get_mut(&session)
            .is_some_and(|session| !std::mem::replace(&mut session.reached_lobby, true));
        let account = state.sessions.get(&session).and_then(|session| session.account);
        Ok(Connected { session, account, channel: Some(channel), first })
    }
}

/// A connection to MPS with the keys of its CONNECT_TCP.
///
/// A peer-to-peer host comes with the keys of its login, and that access key was for the lobby: then the session key
/// does, from the address the session began from, if the title allows peer-to-peer games (servers.md 8.4).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ConnectGameServer {
    /// The new connection.
    pub connection: ConnectionId,
    /// Of CONNECT_TCP.
    pub app_id: AppId,
    /// Of CONNECT_TCP, if it looks like one.
    pub access_key: Option<AccessKey>,
    /// Of CONNECT_TCP, if it looks like one.
    pub session_key: Option<SessionKey>,
    /// Where the connection comes from.
    pub client_ip: IpAddr,
}

impl Operation for ConnectGameServer {
    type Reply = Result<Connected, ConnectRefused>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let host = self.session_key.filter(|key| {
            state.config.rules.peer_to_peer
                && state.sessions.get(key).is_some_and(|session| {
                    session.account.is_some()
                        && session.app_id == self.app_id
                        && session.client_ip == self.client_ip
                })
        });
        let claimed = state
            .claim(
                self.connection,
                self.app_id,
                self.access_key,
                self.session_key,
                self.client_ip,
                |purpose| matches!(purpose, Purpose::GameServer),
            )
            .map(|(session, _)| session);
        let claimed = match (claimed, host) {
            (Err(ConnectRefused::AlreadyConnected), _) | (Ok(_), _) | (Err(_), None) => claimed,
            (Err(_), Some(host)) => Ok(host),
        };
        let session = state.count_claim(claimed)?;
        state.attach(session, self.connection, ServerKind::GameServer);
        let account = state.sessions.get(&session).and_then(|session| session.account);
        Ok(Connected { session, account, channel: None, first: false })
    }
}

/// A connection to MAS, MLS or MPS is gone. The session goes on for its grace period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Disconnect {
    /// Which.
    pub connection: ConnectionId,
}

impl Operation for Disconnect {
    type Reply = Option<SessionKey>;

    fn perform(self, state: &mut State) -> Option<SessionKey> {
        let key = state.by_connection.remove(&self.connection)?;
        if let Some(session) = state.sessions.get_mut(&key) {
            session.connections.retain(|(id, _)| *id != self.connection);
        }
        state.extend_grace(key);
        Some(key)
    }
}

/// Questions about players.
impl State {
    /// The session `key`.
    pub fn session(&self, key: SessionKey) -> Option<&Session> {
        self.sessions.get(&key)
    }

    /// The session of a connection.
    pub fn session_of(&self, connection: ConnectionId) -> Option<&Session> {
        self.by_connection.get(&connection).and_then(|key| self.sessions.get(key))
    }

    /// The player `account`, if online.
    pub fn player(&self, account: AccountId) -> Option<&Session> {
        self.by_account.get(&account).and_then(|key| self.sessions.get(key))
    }

    /// The players of that name who are online, without regard to case: accounts of different app ids may share a name.
    pub fn players_named<'s>(&'s self, name: &Name) -> impl Iterator<Item = &'s Session> + use<'s> {
        let folded = name.folded();
        self.by_name
            .range((folded.clone(), SessionKey(0))..=(folded, SessionKey(u64::MAX)))
            .filter_map(|(_, key)| self.sessions.get(key))
    }

    /// All sessions.
    pub fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.sessions.values()
    }

    /// Players online, and of these in games: GetTotalUsers.
    pub fn total_users(&self) -> (usize, usize) {
        (self.by_account.len(), self.players_in_games)
    }

    /// AccountLoggedIn if `account` is online and would not be put out by a new login. Changes nothing.
    pub fn may_log_in(&self, account: AccountId) -> Result<(), CallbackStatus> {
        let stale = |older: &Session| {
            older.connections.is_empty()
                || self.now.millis.saturating_sub(older.last_heard) > self.config.timeouts.stale_login
        };
        if self.player(account).is_none_or(stale) { Ok(()) } else { Err(CallbackStatus::ACCOUNT_LOGGED_IN) }
    }
}

impl State {
    /// The session, noted as heard from.
    pub(crate) fn heard(&mut self, key: SessionKey) -> Result<&mut Session, CallbackStatus> {
        let now = self.now.millis;
        let session = self.sessions.get_mut(&key).ok_or(CallbackStatus::SESSION_KEY_INVALID)?;
        session.last_heard = now;
        Ok(session)
    }

    /// The session of a player who is logged in, noted as heard from, and the account.
    pub(crate) fn logged_in(&mut self, key: SessionKey) -> Result<(&mut Session, AccountId), CallbackStatus> {
        let session = self.heard(key)?;
        let account = session.account.ok_or(CallbackStatus::PLAYER_NOT_PRIVILEGED)?;
        Ok((session, account))
    }

    pub(crate) fn extend_grace(&mut self, key: SessionKey) {
        let until = self.after(self.config.timeouts.grace);
        if let Some(session) = self.sessions.get_mut(&key) {
            session.grace_until = session.grace_until.max(until);
            self.timers.schedule(Timer::Session(key), until);
        }
    }

    pub(crate) fn session_due(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get(&key) else { return };
        if session.is_held() {
            // Its next Disconnect, or the end of its game, begins a new grace period.
            return;
        }
        if session.grace_until > self.now.millis {
            self.timers.schedule(Timer::Session(key), session.grace_until);
            return;
        }
        self.counters.sessions_timed_out += 1;
        self.end_session(key, EndReason::TimedOut);
    }

    pub(crate) fn issue_key(&mut self, key: SessionKey, purpose: Purpose) -> AccessKey {
        let mut access_key = self.random_key();
        while self.keys.contains_key(&access_key) {
            access_key = self.random_key();
        }
        let Some(session) = self.sessions.get_mut(&key) else { return access_key };
        let (app_id, account) = (session.app_id, session.account);
        // A second redirection to the same kind of server makes the first one void.
        let void = session
            .keys
            .iter()
            .filter(|old| {
                self.keys.get(old).is_some_and(|old| {
                    core::mem::discriminant(&old.purpose) == core::mem::discriminant(&purpose)
                })
            })
            .copied()
            .collect::<Vec<_>>();
        let oldest = (session.keys.len() - void.len() >= self.config.limits.keys_per_session.max(1))
            .then(|| session.keys.iter().find(|key| !void.contains(key)).copied())
            .flatten();
        session.keys.push(access_key);
        for old in void.into_iter().chain(oldest) {
            self.revoke_key(old);
        }
        let expires = self.after(self.config.timeouts.access_key);
        self.keys.insert(access_key, IssuedKey { session: key, app_id, account, purpose, expires });
        self.timers.schedule(Timer::Key(access_key), expires);
        self.counters.keys_issued += 1;
        self.extend_grace(key);
        access_key
    }

    pub(crate) fn key_due(&mut self, key: AccessKey) {
        let Some(issued) = self.keys.get(&key) else { return };
        if issued.expires > self.now.millis {
            self.timers.schedule(Timer::Key(key), issued.expires);
            return;
        }
        self.revoke_key(key);
    }

    /// Takes a key away; a channel that was reserved with it is free again.
    pub(crate) fn revoke_key(&mut self, key: AccessKey) -> Option<IssuedKey> {
        let issued = self.keys.remove(&key)?;
        self.timers.cancel(Timer::Key(key));
        if let Some(session) = self.sessions.get_mut(&issued.session) {
            session.keys.retain(|other| *other != key);
        }
        if let Purpose::Lobby { channel } = issued.purpose {
            self.free_channel_reservation(issued.session, channel);
        }
        Some(issued)
    }

    /// Finds the session of a new connection and uses its access key up.
    fn claim(
        &mut self,
        connection: ConnectionId,
        app_id: AppId,
        access_key: Option<AccessKey>,
        session_key: Option<SessionKey>,
        client_ip: IpAddr,
        fits: impl Fn(&Purpose) -> bool,
    ) -> Result<(SessionKey, Purpose), ConnectRefused> {
        if self.by_connection.contains_key(&connection) {
            return Err(ConnectRefused::AlreadyConnected);
        }
        let (key, by_access_key) = match access_key {
            Some(key) if self.keys.contains_key(&key) => (key, true),
            _ => (self.fallback_key(session_key, client_ip, &fits).ok_or(ConnectRefused::UnknownKey)?, false),
        };
        let issued = self.keys.get(&key).ok_or(ConnectRefused::UnknownKey)?;
        if issued.expires <= self.now.millis {
            self.revoke_key(key);
            return Err(ConnectRefused::ExpiredKey);
        }
        let account = self.sessions.get(&issued.session).and_then(|session| session.account);
        // UYA PAL and NTSC share a universe, but a console does not change its app id on the way.
        let other_session = by_access_key && session_key.is_some_and(|given| given != issued.session);
        if !fits(&issued.purpose) || issued.app_id != app_id || issued.account != account || other_session {
            return Err(ConnectRefused::WrongPurpose);
        }
        let (session, purpose) = (issued.session, issued.purpose);
        self.revoke_key(key);
        Ok((session, purpose))
    }

    /// The waiting key of the session that `session_key` names, for clients whose access key arrives damaged. The session
    /// key alone is a guessable number, so the address must be the session's too.
    fn fallback_key(
        &self,
        session_key: Option<SessionKey>,
        client_ip: IpAddr,
        fits: impl Fn(&Purpose) -> bool,
    ) -> Option<AccessKey> {
        let session = self.sessions.get(&session_key?)?;
        if !self.config.rules.session_key_fallback || session.client_ip != client_ip {
            return None;
        }
        session
            .keys
            .iter()
            .rev()
            .find(|key| self.keys.get(key).is_some_and(|issued| fits(&issued.purpose)))
            .copied()
    }

    fn count_claim<T>(&mut self, claimed: Result<T, ConnectRefused>) -> Result<T, ConnectRefused> {
        match &claimed {
            Ok(_) => self.counters.keys_claimed += 1,
            Err(_) => self.counters.keys_refused += 1,
        }
        claimed
    }

    fn attach(&mut self, key: SessionKey, connection: ConnectionId, server: ServerKind) {
        let limit = self.config.limits.connections_per_session.max(1);
        let now = self.now.millis;
        let Some(session) = self.sessions.get_mut(&key) else { return };
        session.last_heard = now;
        let surplus = (session.connections.len() >= limit).then(|| session.connections.remove(0).0);
        session.connections.push((connection, server));
        self.by_connection.insert(connection, key);
        if let Some(surplus) = surplus {
            self.by_connection.remove(&surplus);
            let reason = EndReason::TooManyConnections;
            self.outputs.push_back(Output::Close { session: key, connection: surplus, reason });
        }
    }

    /// Where a player who logs in now will arrive, if this session may log in at all.
    fn login_channel(&self, key: SessionKey) -> Result<MediusWorldId, CallbackStatus> {
        let session = self.sessions.get(&key).ok_or(CallbackStatus::SESSION_KEY_INVALID)?;
        if session.account.is_some() {
            return Err(CallbackStatus::INCORRECT_LOGIN_STEP);
        }
        self.arrival_channel(session.app_id).ok_or(CallbackStatus::CHANNEL_NOT_FOUND)
    }

    fn log_in(
        &mut self,
        key: SessionKey,
        account: AccountId,
        name: Name,
        channel: MediusWorldId,
    ) -> Result<LoginInfo, CallbackStatus> {
        let name = self.name(name);
        let unix = self.now.unix;
        let session = self.heard(key)?;
        session.account = Some(account);
        session.name = name.clone();
        session.logged_in_at = Some(unix);
        self.by_account.insert(account, key);
        self.by_name.insert((name.folded(), key));
        self.counters.logins += 1;
        // What the account's clan is may have been told before the account itself.
        let clan = self.sessions.get(&key).and_then(|session| session.clan);
        self.set_clan(key, clan);
        let (net_world, access_key) =
            self.reserve_channel(key, channel).ok_or(CallbackStatus::CHANNEL_NOT_FOUND)?;
        self.notice(Notice::LoggedIn { session: key, account });
        Ok(LoginInfo { account, channel, net_world, access_key })
    }

    pub(crate) fn set_clan(&mut self, key: SessionKey, clan: Option<ClanId>) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if let Some(old) = core::mem::replace(&mut session.clan, clan) {
            self.by_clan.remove(&(old.0, key));
        }
        if let Some(clan) = clan {
            self.by_clan.insert((clan.0, key));
        }
    }

    /// Ends a session: out of game and channel, keys void, connections closed, every index without it.
    pub(crate) fn end_session(&mut self, key: SessionKey, reason: EndReason) {
        self.remove_player_from_game(key, true);
        self.leave_party(key);
        self.cancel_match(key);
        let hosted = self
            .servers
            .values()
            .filter(|server| server.kind == GameServerKind::Peer { session: key })
            .map(|server| server.id)
            .collect::<Vec<_>>();
        for server in hosted {
            self.lose_server(server);
        }
        self.leave_channel(key);
        let Some(session) = self.sessions.get_mut(&key) else { return };
        for access_key in core::mem::take(&mut session.keys) {
            self.revoke_key(access_key);
        }
        self.drop_requests_of(key);
        self.set_clan(key, None);
        self.timers.cancel(Timer::Session(key));
        let Some(session) = self.sessions.remove(&key) else { return };
        for (connection, _) in &session.connections {
            self.by_connection.remove(connection);
            self.outputs.push_back(Output::Close { session: key, connection: *connection, reason });
        }
        if let Some(account) = session.account {
            if self.by_account.get(&account) == Some(&key) {
                self.by_account.remove(&account);
            }
            self.by_name.remove(&(session.name.folded(), key));
        }
        self.notice(Notice::SessionEnded { session: key, account: session.account, reason });
    }
}
