//! What a title's plugin or an operator changes from outside, with no player asking for it.

use std::collections::BTreeSet;

use medley_wire::MediusWorldId;
use medley_wire::enums::{WorldAttributesType, WorldSecurityLevelType};
use serde::{Deserialize, Serialize};

use crate::channel::Channel;
use crate::command::Operation;
use crate::output::EndReason;
use crate::state::State;
use crate::types::{Name, SessionKey};

/// Why a change from outside was not made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChangeRefused {
    /// There is no such game, channel or player.
    NotFound,
    /// An open game, or a channel, has that name.
    NameTaken,
    /// Somebody is in the channel or on the way there.
    InUse,
    /// The channel is one of `game.toml`.
    Configured,
    /// As many channels as there may be.
    Full,
    /// The new host is not in the game.
    NotInGame,
    /// A name is needed.
    NoName,
}

/// What is to be changed of a channel; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct ChannelChange {
    /// LobbyName.
    pub name: Option<Name>,
    /// Empty: none is asked for.
    pub password: Option<Name>,
    /// MaxPlayers; at most what the title allows. Nobody is put out.
    pub max_players: Option<u16>,
    /// GenericField1 to 4.
    pub generic_fields: Option<[u32; 4]>,
    /// GenericFieldLevel.
    pub generic_field_level: Option<i32>,
}

/// Makes a channel that stays, also empty, until [`RemoveChannel`] or the end of the universe.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct AddChannel {
    /// What it is; the name is needed.
    pub channel: ChannelChange,
}

/// Changes a channel. Those of `game.toml` are as the file says again after the next [`crate::Reconfigure`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ChangeChannel {
    /// Which.
    pub channel: MediusWorldId,
    /// What.
    pub change: ChannelChange,
}

/// Removes a channel that is not configured and has nobody in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct RemoveChannel {
    /// Which.
    pub channel: MediusWorldId,
}

/// Moves a player to a channel, as if by JoinChannel, whatever its password and number of players. The client is not told.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct MovePlayer {
    /// Who.
    pub session: SessionKey,
    /// Where to.
    pub channel: MediusWorldId,
}

/// What is to be changed of a game; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct GameChange {
    /// GameName.
    pub name: Option<Name>,
    /// GamePassword; empty: none.
    pub password: Option<Name>,
    /// MinPlayers.
    pub min_players: Option<u16>,
    /// MaxPlayers; at least 1, at most what the title allows. Nobody is put out.
    pub max_players: Option<u16>,
    /// GameLevel.
    pub game_level: Option<i32>,
    /// PlayerSkillLevel.
    pub player_skill_level: Option<i32>,
    /// RulesSet.
    pub rules_set: Option<i32>,
    /// GenericField1 to 8.
    pub generic_fields: Option<[i32; 8]>,
    /// GameStats.
    pub stats: Option<Vec<u8>>,
    /// Who is host now; somebody in the game.
    pub host: Option<SessionKey>,
    /// Attributes.
    pub attributes: Option<WorldAttributesType>,
    /// Text that goes with the game into the history.
    pub metadata: Option<String>,
}

/// Changes a game, open or closed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ChangeGame {
    /// Which.
    pub game: MediusWorldId,
    /// What.
    pub change: GameChange,
}

/// Ends a session, logged in or not, with all its connections.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct PutOut {
    /// Whose.
    pub session: SessionKey,
    /// Kicked or banned.
    pub reason: EndReason,
}

impl Operation for AddChannel {
    type Reply = Result<MediusWorldId, ChangeRefused>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let change = self.channel;
        let name = state.name(change.name.unwrap_or_default());
        if name.is_empty() {
            return Err(ChangeRefused::NoName);
        }
        if state.channel_names.contains_key(&name.folded()) {
            return Err(ChangeRefused::NameTaken);
        }
        if state.channels.len() >= state.config.limits.channels {
            return Err(ChangeRefused::Full);
        }
        let most = state.config.limits.players_per_channel.max(1);
        let password = state.name(change.password.unwrap_or_default());
        let channel = Channel {
            id: MediusWorldId(0),
            net_world: 0,
            name,
            security: security_of(&password),
            password,
            max_players: change.max_players.filter(|wanted| *wanted > 0).unwrap_or(most).min(most),
            generic_fields: change.generic_fields.unwrap_or_default(),
            generic_field_level: change.generic_field_level.unwrap_or_default(),
            app_ids: Vec::new(),
            persistent: false,
            kept: true,
            creator: None,
            created: state.now.unix,
            members: BTreeSet::new(),
            games: BTreeSet::new(),
            reserved: BTreeSet::new(),
            empty_since: None,
        };
        state.add_channel(channel).ok_or(ChangeRefused::Full)
    }
}

impl Operation for ChangeChannel {
    type Reply = Result<(), ChangeRefused>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let (id, change) = (self.channel, self.change);
        let most = state.config.limits.players_per_channel.max(1);
        let name = change.name.map(|name| state.name(name));
        let password = change.password.map(|password| state.name(password));
        let channel = state.channels.get(&id).ok_or(ChangeRefused::NotFound)?;
        if let Some(name) = &name {
            let old = channel.name.folded();
            if name.is_empty() {
                return Err(ChangeRefused::NoName);
            }
            if state.channel_names.get(&name.folded()).is_some_and(|other| *other != id) {
                return Err(ChangeRefused::NameTaken);
            }
            state.channel_names.remove(&old);
            state.channel_names.insert(name.folded(), id);
        }
        let Some(channel) = state.channels.get_mut(&id) else { return Err(ChangeRefused::NotFound) };
        if let Some(name) = name {
            channel.name = name;
        }
        if let Some(password) = password {
            channel.security = security_of(&password);
            channel.password = password;
        }
        let max_players = change.max_players.filter(|wanted| *wanted > 0);
        channel.max_players = max_players.unwrap_or(channel.max_players).min(most);
        channel.generic_fields = change.generic_fields.unwrap_or(channel.generic_fields);
        channel.generic_field_level = change.generic_field_level.unwrap_or(channel.generic_field_level);
        Ok(())
    }
}

fn security_of(password: &Name) -> WorldSecurityLevelType {
    if password.is_empty() { WorldSecurityLevelType::NONE } else { WorldSecurityLevelType::PLAYER_PASSWORD }
}

impl Operation for RemoveChannel {
    type Reply = Result<(), ChangeRefused>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let channel = state.channels.get(&self.channel).ok_or(ChangeRefused::NotFound)?;
        if channel.persistent {
            return Err(ChangeRefused::Configured);
        }
        if !channel.members.is_empty() || !channel.reserved.is_empty() || !channel.games.is_empty() {
            return Err(ChangeRefused::InUse);
        }
        state.remove_channel(self.channel);
        Ok(())
    }
}

impl Operation for MovePlayer {
    type Reply = Result<(), ChangeRefused>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let online = state.sessions.get(&self.session).is_some_and(|session| session.account.is_some());
        if !online || !state.channels.contains_key(&self.channel) {
            return Err(ChangeRefused::NotFound);
        }
        state.enter_channel(self.session, self.channel);
        Ok(())
    }
}

impl Operation for ChangeGame {
    type Reply = Result<(), ChangeRefused>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let (id, change) = (self.game, self.change);
        let most = state.config.limits.players_per_game.max(1);
        let name = change.name.map(|name| state.name(name));
        let password = change.password.map(|password| state.name(password));
        let stats = change.stats.map(|stats| state.stats(stats));
        let game = state.games.get(&id).ok_or(ChangeRefused::NotFound)?;
        if change.host.is_some_and(|host| !game.members.contains_key(&host)) {
            return Err(ChangeRefused::NotInGame);
        }
        if name.as_ref().is_some_and(|name| state.game_name_taken(name, Some(id))) {
            return Err(ChangeRefused::NameTaken);
        }
        let Some(game) = state.games.get_mut(&id) else { return Err(ChangeRefused::NotFound) };
        if let Some(name) = name {
            state.game_names.remove(&(game.spec.name.folded(), id));
            state.game_names.insert((name.folded(), id));
            game.spec.name = name;
        }
        let spec = &mut game.spec;
        spec.password = password.unwrap_or_else(|| core::mem::take(&mut spec.password));
        spec.min_players = change.min_players.unwrap_or(spec.min_players);
        spec.max_players = change.max_players.map_or(spec.max_players, |wanted| wanted.clamp(1, most));
        spec.game_level = change.game_level.unwrap_or(spec.game_level);
        spec.player_skill_level = change.player_skill_level.unwrap_or(spec.player_skill_level);
        spec.rules_set = change.rules_set.unwrap_or(spec.rules_set);
        spec.generic_fields = change.generic_fields.unwrap_or(spec.generic_fields);
        spec.stats = stats.unwrap_or_else(|| core::mem::take(&mut spec.stats));
        spec.attributes = change.attributes.unwrap_or(spec.attributes);
        game.host = change.host.or(game.host);
        game.metadata = change.metadata.unwrap_or_else(|| core::mem::take(&mut game.metadata));
        Ok(())
    }
}

impl Operation for PutOut {
    type Reply = bool;

    fn perform(self, state: &mut State) -> bool {
        let online = state.sessions.contains_key(&self.session);
        if online {
            state.end_session(self.session, self.reason);
        }
        online
    }
}
