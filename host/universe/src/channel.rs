//! Channels (lobby worlds): who is in which, who may enter, lists.

use std::collections::BTreeSet;

use medley_wire::enums::{CallbackStatus, WorldSecurityLevelType};
use medley_wire::{AccountId, AppId, MediusWorldId};
use serde::{Deserialize, Serialize};

use crate::command::Operation;
use crate::output::Notice;
use crate::session::{Purpose, Session};
use crate::state::State;
use crate::timers::Timer;
use crate::types::{AccessKey, Name, Page, SessionKey};

/// A channel.
#[derive(Clone, Debug, Serialize)]
pub struct Channel {
    /// MediusWorldID.
    pub id: MediusWorldId,
    /// ConnectInfo.WorldID of those who are sent here.
    pub net_world: u16,
    /// LobbyName.
    pub name: Name,
    /// Empty: none is asked for.
    pub password: Name,
    /// Who may enter.
    pub security: WorldSecurityLevelType,
    /// MaxPlayers.
    pub max_players: u16,
    /// GenericField1 to 4.
    pub generic_fields: [u32; 4],
    /// GenericFieldLevel.
    pub generic_field_level: i32,
    /// Only players of these app ids see it. Empty: all.
    pub app_ids: Vec<AppId>,
    /// Configured by the operator: it never goes by itself.
    pub persistent: bool,
    /// Made from outside ([`crate::AddChannel`]): it does not go by itself either.
    pub kept: bool,
    /// The player who made it.
    pub creator: Option<AccountId>,
    /// Unix seconds.
    pub created: i64,
    /// Who is in it, players in games included.
    pub members: BTreeSet<SessionKey>,
    /// The open games that were made in it.
    pub games: BTreeSet<MediusWorldId>,
    /// Who was let in and is on the way.
    pub(crate) reserved: BTreeSet<SessionKey>,
    pub(crate) empty_since: Option<u64>,
}

impl Channel {
    /// Whether clients of `app_id` see it.
    pub fn is_for(&self, app_id: AppId) -> bool {
        self.app_ids.is_empty() || self.app_ids.contains(&app_id)
    }

    fn is_full_for(&self, key: SessionKey) -> bool {
        let others = self.members.union(&self.reserved).filter(|other| **other != key).count();
        others >= usize::from(self.max_players)
    }
}

/// SetLobbyWorldFilter, as told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct LobbyFilter {
    /// FilterMask1 to 4.
    pub masks: [u32; 4],
    /// LobbyFilterType: 0 equals lobby, 1 equals filter.
    pub filter_type: i32,
    /// FilterMaskLevel.
    pub level: i32,
}

impl LobbyFilter {
    /// Whether a channel with these generic fields is in the list.
    ///
    /// The capture `uya_ps2_to_aridia` has both ends: masks all ones with type 0 find everything, (1, 2^n, 0, 0) with type
    /// 1 and level 32 the one city with these values. servers.md 7.2 has the formula and says that it is inferred.
    pub fn admits(&self, fields: &[u32; 4], level: i32) -> bool {
        let named: &[usize] = match self.level {
            1 => &[0],
            2 => &[1],
            4 => &[2],
            8 => &[3],
            16 => &[0, 1],
            32 => &[0, 1, 2],
            64 => &[0, 1, 2, 3],
            128 => &[1, 2],
            256 => &[1, 2, 3],
            512 => &[2, 3],
            _ => return true,
        };
        level == self.level
            && named.iter().all(|index| {
                let (field, mask) = (fields[*index], self.masks[*index]);
                match self.filter_type {
                    0 => field & mask == field,
                    1 => field & mask == mask,
                    _ => field == mask,
                }
            })
    }
}

/// CreateChannel in all its forms. The creator does not enter; a JoinChannel follows.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct CreateChannel {
    /// Who.
    pub session: SessionKey,
    /// LobbyName.
    pub name: Name,
    /// Empty: none is asked for.
    pub password: Name,
    /// MaxPlayers; 0 or too many is as many as are allowed.
    pub max_players: i32,
    /// GenericField1 to 4.
    pub generic_fields: [u32; 4],
    /// GenericFieldLevel.
    pub generic_field_level: i32,
}

/// Why a channel was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelRefused {
    /// ChannelNameExists, ExceedsMaxWorlds (too many channels), RequestDenied (too many of this player).
    pub status: CallbackStatus,
    /// The channel that has the name already.
    pub existing: Option<MediusWorldId>,
}

impl From<CallbackStatus> for ChannelRefused {
    fn from(status: CallbackStatus) -> Self {
        Self { status, existing: None }
    }
}

impl Operation for CreateChannel {
    type Reply = Result<MediusWorldId, ChannelRefused>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let (_, account) = state.logged_in(self.session)?;
        let name = state.name(self.name);
        if let Some(existing) = state.channel_names.get(&name.folded()) {
            return Err(ChannelRefused {
                status: CallbackStatus::CHANNEL_NAME_EXISTS,
                existing: Some(*existing),
            });
        }
        let limits = &state.config.limits;
        let most = limits.players_per_channel.max(1);
        if state.channels.len() >= limits.channels {
            return Err(CallbackStatus::EXCEEDS_MAX_WORLDS.into());
        }
        let own = state.channels.values().filter(|channel| channel.creator == Some(account)).count();
        if own >= limits.channels_per_player {
            return Err(CallbackStatus::REQUEST_DENIED.into());
        }
        let password = state.name(self.password);
        let channel = Channel {
            id: MediusWorldId(0),
            net_world: 0,
            name,
            security: if password.is_empty() {
                WorldSecurityLevelType::NONE
            } else {
                WorldSecurityLevelType::PLAYER_PASSWORD
            },
            password,
            max_players: u16::try_from(self.max_players)
                .ok()
                .filter(|wanted| *wanted > 0)
                .unwrap_or(most)
                .min(most),
            generic_fields: self.generic_fields,
            generic_field_level: self.generic_field_level,
            app_ids: Vec::new(),
            persistent: false,
            kept: false,
            creator: Some(account),
            created: state.now.unix,
            members: BTreeSet::new(),
            games: BTreeSet::new(),
            reserved: BTreeSet::new(),
            empty_since: None,
        };
        let id = state.add_channel(channel).ok_or(CallbackStatus::EXCEEDS_MAX_WORLDS)?;
        state.counters.channels_created += 1;
        state.channel_emptied(id);
        Ok(id)
    }
}

/// JoinChannel: checks and reserves; the player moves when the new connection comes with the new key.
///
/// ChannelNotFound, InvalidPassword, WorldIsFull; RequestDenied if the channel is closed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct JoinChannel {
    /// Who.
    pub session: SessionKey,
    /// Where to.
    pub channel: MediusWorldId,
    /// What the player typed.
    pub password: Name,
}

/// JoinLeastPopulatedChannel among the open channels without a password.
///
/// ChannelNotFound if there is none; WorldIsFull if all are full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct JoinLeastPopulatedChannel {
    /// Who.
    pub session: SessionKey,
    /// AlwaysLeaveCurrentLobbyServer: Success also where the player is there already.
    pub always_leave: bool,
}

/// The way into a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelJoin {
    /// Success, or AlreadyInLeastPopulatedChannel.
    pub status: CallbackStatus,
    /// The channel.
    pub channel: MediusWorldId,
    /// ConnectInfo.WorldID.
    pub net_world: u16,
    /// ConnectInfo.AccessKey.
    pub access_key: AccessKey,
}

impl Operation for JoinChannel {
    type Reply = Result<ChannelJoin, CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let (session, _) = state.logged_in(self.session)?;
        let app_id = session.app_id;
        let channel = state
            .channels
            .get(&self.channel)
            .filter(|channel| channel.is_for(app_id))
            .ok_or(CallbackStatus::CHANNEL_NOT_FOUND)?;
        if channel.password != self.password && !channel.password.is_empty() {
            return Err(CallbackStatus::INVALID_PASSWORD);
        }
        if channel.is_full_for(self.session) {
            return Err(CallbackStatus::WORLD_IS_FULL);
        }
        if channel.security == WorldSecurityLevelType::CLOSED {
            return Err(CallbackStatus::REQUEST_DENIED);
        }
        let (net_world, access_key) =
            state.reserve_channel(self.session, self.channel).ok_or(CallbackStatus::CHANNEL_NOT_FOUND)?;
        Ok(ChannelJoin { status: CallbackStatus::SUCCESS, channel: self.channel, net_world, access_key })
    }
}

impl Operation for JoinLeastPopulatedChannel {
    type Reply = Result<ChannelJoin, CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let (session, _) = state.logged_in(self.session)?;
        let (app_id, current) = (session.app_id, session.channel);
        let mut open = state
            .channels
            .values()
            .filter(|channel| {
                channel.is_for(app_id)
                    && channel.password.is_empty()
                    && channel.security != WorldSecurityLevelType::CLOSED
            })
            .peekable();
        open.peek().ok_or(CallbackStatus::CHANNEL_NOT_FOUND)?;
        let channel = open
            .filter(|channel| !channel.is_full_for(self.session))
            .min_by_key(|channel| (channel.members.len(), Some(channel.id) != current, channel.id))
            .map(|channel| channel.id)
            .ok_or(CallbackStatus::WORLD_IS_FULL)?;
        let status = if Some(channel) == current && !self.always_leave {
            CallbackStatus::ALREADY_IN_LEAST_POPULATED_CHANNEL
        } else {
            CallbackStatus::SUCCESS
        };
        let (net_world, access_key) =
            state.reserve_channel(self.session, channel).ok_or(CallbackStatus::CHANNEL_NOT_FOUND)?;
        Ok(ChannelJoin { status, channel, net_world, access_key })
    }
}

/// SetLobbyWorldFilter. Level 0 is no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SetLobbyFilter {
    /// Who.
    pub session: SessionKey,
    /// The filter.
    pub filter: LobbyFilter,
}

/// Takes the lobby world filter away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ClearLobbyFilter {
    /// Who.
    pub session: SessionKey,
}

impl Operation for SetLobbyFilter {
    type Reply = Result<(), CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        state.heard(self.session)?.lobby_filter = Some(self.filter);
        Ok(())
    }
}

impl Operation for ClearLobbyFilter {
    type Reply = Result<(), CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        state.heard(self.session)?.lobby_filter = None;
        Ok(())
    }
}

/// Questions about channels.
impl State {
    /// The channel `id`.
    pub fn channel(&self, id: MediusWorldId) -> Option<&Channel> {
        self.channels.get(&id)
    }

    /// The channel of that name, without regard to case.
    pub fn channel_named(&self, name: &Name) -> Option<&Channel> {
        self.channel_names.get(&name.folded()).and_then(|id| self.channels.get(id))
    }

    /// A page of the channels that `session` sees, by ascending id; with its lobby world filter if `filtered`.
    pub fn channels(&self, session: SessionKey, filtered: bool, page: Page) -> Vec<&Channel> {
        let Some(session) = self.sessions.get(&session) else { return Vec::new() };
        let filter = session.lobby_filter.filter(|_| filtered);
        page.of(self.channels.values().filter(|channel| {
            channel.is_for(session.app_id)
                && filter
                    .is_none_or(|filter| filter.admits(&channel.generic_fields, channel.generic_field_level))
        }))
    }

    /// A page of the channels that clients of an app id see, by ascending id, for who has no session.
    pub fn channels_for(&self, app_id: AppId, page: Page) -> Vec<&Channel> {
        page.of(self.channels.values().filter(|channel| channel.is_for(app_id)))
    }

    /// All channels, in order of their ids.
    pub fn all_channels(&self) -> impl Iterator<Item = &Channel> {
        self.channels.values()
    }

    /// GetTotalChannels: those that clients of `app_id` see.
    pub fn total_channels(&self, app_id: AppId) -> usize {
        self.channels.values().filter(|channel| channel.is_for(app_id)).count()
    }

    /// The players of a channel, players in games included; nothing for an unknown channel.
    pub fn channel_players(&self, id: MediusWorldId) -> impl Iterator<Item = &Session> {
        self.channels
            .get(&id)
            .into_iter()
            .flat_map(|channel| &channel.members)
            .filter_map(|key| self.sessions.get(key))
    }
}

impl State {
    /// Brings the persistent channels in line with the configuration.
    pub(crate) fn configure_channels(&mut self) {
        let configured = self.config.channels.clone();
        for config in &configured {
            let name = config.name.folded();
            let id = match self.channel_names.get(&name) {
                Some(id) => Some(*id),
                None => self.add_channel(Channel {
                    id: MediusWorldId(0),
                    net_world: 0,
                    name: config.name.clone(),
                    password: Name::default(),
                    security: WorldSecurityLevelType::NONE,
                    max_players: 0,
                    generic_fields: [0; 4],
                    generic_field_level: 0,
                    app_ids: Vec::new(),
                    persistent: true,
                    kept: false,
                    creator: None,
                    created: self.now.unix,
                    members: BTreeSet::new(),
                    games: BTreeSet::new(),
                    reserved: BTreeSet::new(),
                    empty_since: None,
                }),
            };
            let Some(channel) = id.and_then(|id| self.channels.get_mut(&id)) else { continue };
            channel.persistent = true;
            channel.creator = None;
            channel.empty_since = None;
            channel.password = config.password.clone();
            channel.security = config.security;
            channel.max_players = config.max_players;
            channel.generic_fields = config.generic_fields;
            channel.generic_field_level = config.generic_field_level;
            channel.app_ids = config.app_ids.clone();
        }
        let names = configured.iter().map(|config| config.name.folded()).collect::<BTreeSet<_>>();
        let dropped = self
            .channels
            .values_mut()
            .filter(|channel| channel.persistent && !names.contains(&channel.name.folded()))
            .map(|channel| {
                channel.persistent = false;
                channel.id
            })
            .collect::<Vec<_>>();
        for id in dropped {
            self.channel_emptied(id);
        }
    }

    pub(crate) fn add_channel(&mut self, mut channel: Channel) -> Option<MediusWorldId> {
        let net_world = self.next_net_world()?;
        let id = self.next_world();
        channel.id = id;
        channel.net_world = net_world;
        self.channel_names.insert(channel.name.folded(), id);
        self.net_worlds.insert(net_world, id);
        self.channels.insert(id, channel);
        self.notice(Notice::ChannelCreated(id));
        Some(id)
    }

    /// Where a player of `app_id` arrives: the first configured channel that is open to it and has room, else the one
    /// with the fewest players, full or not: nobody is locked out at login.
    pub(crate) fn arrival_channel(&self, app_id: AppId) -> Option<MediusWorldId> {
        let open =
            || {
                self.config.channels.iter().filter_map(|config| self.channel_named(&config.name)).filter(
                    |channel| channel.is_for(app_id) && channel.security == WorldSecurityLevelType::NONE,
                )
            };
        open()
            .find(|channel| channel.members.len() + channel.reserved.len() < usize::from(channel.max_players))
            .or_else(|| open().min_by_key(|channel| (channel.members.len(), channel.id)))
            .map(|channel| channel.id)
    }

    /// Holds a place and makes the key for it.
    pub(crate) fn reserve_channel(&mut self, key: SessionKey, id: MediusWorldId) -> Option<(u16, AccessKey)> {
        if !self.channels.contains_key(&id) {
            return None;
        }
        // Makes the key of an earlier reservation void, and with it that reservation.
        let access_key = self.issue_key(key, Purpose::Lobby { channel: id });
        let channel = self.channels.get_mut(&id)?;
        channel.reserved.insert(key);
        channel.empty_since = None;
        let net_world = channel.net_world;
        if let Some(session) = self.sessions.get_mut(&key) {
            session.reserved_channel = Some(id);
        }
        Some((net_world, access_key))
    }

    pub(crate) fn free_channel_reservation(&mut self, key: SessionKey, id: MediusWorldId) {
        if let Some(session) =
            self.sessions.get_mut(&key).filter(|session| session.reserved_channel == Some(id))
        {
            session.reserved_channel = None;
        }
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.reserved.remove(&key);
        }
        self.channel_emptied(id);
    }

    pub(crate) fn enter_channel(&mut self, key: SessionKey, id: MediusWorldId) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if session.channel == Some(id) {
            return;
        }
        self.leave_channel(key);
        let Some(channel) = self.channels.get_mut(&id) else { return };
        channel.members.insert(key);
        channel.empty_since = None;
        if let Some(session) = self.sessions.get_mut(&key) {
            session.channel = Some(id);
        }
        self.notice(Notice::EnteredChannel { session: key, channel: id });
    }

    pub(crate) fn leave_channel(&mut self, key: SessionKey) {
        let Some(id) = self.sessions.get_mut(&key).and_then(|session| session.channel.take()) else { return };
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.members.remove(&key);
        }
        self.channel_emptied(id);
    }

    /// Starts the clock of a channel that nothing holds any more.
    pub(crate) fn channel_emptied(&mut self, id: MediusWorldId) {
        let now = self.now.millis;
        let delay = self.config.timeouts.empty_channel;
        let Some(channel) = self.channels.get_mut(&id) else { return };
        let held = channel.persistent
            || channel.kept
            || !channel.members.is_empty()
            || !channel.reserved.is_empty()
            || !channel.games.is_empty();
        if !held {
            let since = *channel.empty_since.get_or_insert(now);
            self.timers.schedule(Timer::Channel(id), since.saturating_add(delay));
        }
    }

    pub(crate) fn channel_due(&mut self, id: MediusWorldId) {
        let delay = self.config.timeouts.empty_channel;
        let Some(since) = self.channels.get(&id).and_then(|channel| channel.empty_since) else { return };
        let due = since.saturating_add(delay);
        if due > self.now.millis {
            self.timers.schedule(Timer::Channel(id), due);
            return;
        }
        self.remove_channel(id);
    }

    pub(crate) fn remove_channel(&mut self, id: MediusWorldId) {
        let Some(channel) = self.channels.remove(&id) else { return };
        self.channel_names.remove(&channel.name.folded());
        self.net_worlds.remove(&channel.net_world);
        self.notice(Notice::ChannelRemoved(id));
    }
}
