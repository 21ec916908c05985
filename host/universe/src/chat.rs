//! Chat and binary messages: who hears whom. Nothing here has an answer; what cannot be delivered is dropped.

use medley_wire::AccountId;
use medley_wire::enums::{BinaryMessageType, CallbackStatus, ChatMessageType, CrossChatMessageType};
use serde::{Deserialize, Serialize};

use crate::command::Operation;
use crate::output::{BinaryLine, ChatLine, CrossChatLine, Push};
use crate::session::Session;
use crate::state::State;
use crate::types::{Name, SessionKey};

/// Milliseconds over which `Rules::chat_per_second` is an average: what was not said in them may be said at once.
pub const CHAT_BURST: u64 = 4_000;

/// Which request a chat message came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum ChatKind {
    /// ChatMessage.
    Plain,
    /// GenericChatMessage, GenericChatMessage1.
    Generic,
}

/// ChatMessage, GenericChatMessage: says how many get it. PlayerNotPrivileged before the login; RequestDenied for a kind of
/// chat that the title has switched off, MaxExceeded for more than a player may say; all for the log.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct SendChat {
    /// Who.
    pub session: SessionKey,
    /// By which request.
    pub kind: ChatKind,
    /// To whom.
    pub message_type: ChatMessageType,
    /// Of a whisper.
    pub target: AccountId,
    /// What.
    pub text: Name,
}

/// BinaryMessage, BinaryMessage1. Says how many get it. To the whole universe it is for whom chat to the universe is, and
/// is counted with the chat: RequestDenied, MaxExceeded.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct SendBinary {
    /// Who.
    pub session: SessionKey,
    /// BinaryMessage1, the form of variable size.
    pub variable: bool,
    /// To whom.
    pub message_type: BinaryMessageType,
    /// The account, where it is for one. 0: back to the sender (PlayStation Home).
    pub target: AccountId,
    /// What.
    pub payload: Vec<u8>,
}

/// CrossChatMessage. Says whether it is delivered.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct SendCrossChat {
    /// Who.
    pub session: SessionKey,
    /// TargetAccountID.
    pub target: AccountId,
    /// TargetRoutingDmeWorldID.
    pub target_dme_world: i32,
    /// SourceDmeWorldID.
    pub source_dme_world: i32,
    /// msgType.
    pub message_type: CrossChatMessageType,
    /// Contents.
    pub payload: Vec<u8>,
}

/// ChatToggle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SetChat {
    /// Who.
    pub session: SessionKey,
    /// Chat reaches this player.
    pub enabled: bool,
}

/// GenericChatSetFilter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SetChatFilter {
    /// Who.
    pub session: SessionKey,
    /// A bit a message type, the lowest of the first byte for type 0; 1 lets it through.
    pub filter: [u8; 16],
}

impl Operation for SendChat {
    type Reply = Result<usize, CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let (session, from) = state.logged_in(self.session)?;
        let (name, moderator) = (session.name.clone(), session.moderator);
        let rules = &state.config.rules;
        let allowed = match self.message_type {
            ChatMessageType::BROADCAST => rules.chat_channel,
            ChatMessageType::WHISPER => rules.chat_whisper,
            ChatMessageType::BROADCAST_ACROSS_ENTIRE_UNIVERSE => rules.may_speak_to_universe(moderator),
            ChatMessageType::CLAN => rules.chat_clan,
            ChatMessageType::BUDDY => rules.chat_buddy,
            _ => false,
        };
        if !allowed {
            return Err(CallbackStatus::REQUEST_DENIED);
        }
        state.spend_chat(self.session)?;
        let audience = match self.message_type {
            ChatMessageType::BROADCAST => state.channel_audience(self.session),
            ChatMessageType::WHISPER => state.by_account.get(&self.target).copied().into_iter().collect(),
            ChatMessageType::BROADCAST_ACROSS_ENTIRE_UNIVERSE => state.everybody_but(self.session),
            ChatMessageType::CLAN => state.clan_audience(self.session),
            _ => state.buddy_audience(self.session),
        };
        let line = ChatLine {
            from,
            name,
            message_type: self.message_type,
            unix: state.now.unix,
            text: self.text.bounded(state.config.limits.message_bytes),
        };
        let generic = self.kind == ChatKind::Generic;
        Ok(state.deliver(from, audience, |receiver| {
            if !receiver.chat_enabled || (generic && !receiver.lets_through(line.message_type)) {
                return None;
            }
            Some(if generic { Push::GenericChat(line.clone()) } else { Push::Chat(line.clone()) })
        }))
    }
}

impl Operation for SendBinary {
    type Reply = Result<usize, CallbackStatus>;

    fn perform(mut self, state: &mut State) -> Self::Reply {
        let (session, from) = state.logged_in(self.session)?;
        let moderator = session.moderator;
        let audience = match self.message_type {
            BinaryMessageType::BROADCAST_BINARY_MSG | BinaryMessageType::BROADCAST_BINARY_MSG_DEPRECATED0 => {
                state.channel_audience(self.session)
            }
            BinaryMessageType::TARGET_BINARY_MSG | BinaryMessageType::TARGET_BINARY_MSG_DEPRECATED0 => {
                let target = if self.target.0 == 0 { from } else { self.target };
                state.by_account.get(&target).copied().into_iter().collect()
            }
            BinaryMessageType::BROADCAST_BINARY_MSG_ACROSS_ENTIRE_UNIVERSE
            | BinaryMessageType::BROADCAST_BINARY_MSG_ACROSS_ENTIRE_UNIVERSE_DEPRECATED0 => {
                if !state.config.rules.may_speak_to_universe(moderator) {
                    return Err(CallbackStatus::REQUEST_DENIED);
                }
                state.spend_chat(self.session)?;
                state.everybody_but(self.session)
            }
            _ => return Err(CallbackStatus::REQUEST_DENIED),
        };
        self.payload.truncate(state.config.limits.message_bytes);
        let line = BinaryLine { from, message_type: self.message_type, payload: self.payload };
        Ok(state.deliver(from, audience, |_| {
            Some(if self.variable { Push::Binary1(line.clone()) } else { Push::Binary(line.clone()) })
        }))
    }
}

impl Operation for SendCrossChat {
    type Reply = Result<usize, CallbackStatus>;

    fn perform(mut self, state: &mut State) -> Self::Reply {
        let (_, from) = state.logged_in(self.session)?;
        self.payload.truncate(state.config.limits.message_bytes);
        let audience = state.by_account.get(&self.target).copied().into_iter().collect();
        let line = CrossChatLine {
            from,
            target_dme_world: self.target_dme_world,
            source_dme_world: self.source_dme_world,
            message_type: self.message_type,
            payload: self.payload,
        };
        Ok(state.deliver(from, audience, |_| Some(Push::CrossChat(line.clone()))))
    }
}

impl Operation for SetChat {
    type Reply = Result<(), CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        state.heard(self.session)?.chat_enabled = self.enabled;
        Ok(())
    }
}

impl Operation for SetChatFilter {
    type Reply = Result<(), CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        state.heard(self.session)?.chat_filter = self.filter;
        Ok(())
    }
}

impl State {
    /// Takes one message off what the player may say. Each message is paid with its share of a second, up to
    /// [`CHAT_BURST`] in advance.
    pub(crate) fn spend_chat(&mut self, key: SessionKey) -> Result<(), CallbackStatus> {
        let (now, rate) = (self.now.millis, u64::from(self.config.rules.chat_per_second));
        let session = self.sessions.get_mut(&key).ok_or(CallbackStatus::SESSION_KEY_INVALID)?;
        if rate == 0 {
            return Ok(());
        }
        let paid_until = session.chat_paid_until.max(now).saturating_add((1000 / rate).max(1));
        if paid_until > now.saturating_add(CHAT_BURST) {
            return Err(CallbackStatus::MAX_EXCEEDED);
        }
        session.chat_paid_until = paid_until;
        Ok(())
    }

    /// Sends to everybody in `audience` who does not ignore `from`.
    fn deliver(
        &mut self,
        from: AccountId,
        audience: Vec<SessionKey>,
        message: impl Fn(&Session) -> Option<Push>,
    ) -> usize {
        let mut delivered = 0;
        for key in audience {
            let push = self
                .sessions
                .get(&key)
                .filter(|receiver| !receiver.ignored.contains_key(&from))
                .and_then(&message);
            if let Some(push) = push {
                delivered += usize::from(self.push(key, push));
            }
        }
        self.counters.chat_messages += 1;
        self.counters.chat_deliveries += delivered as u64;
        delivered
    }

    fn channel_audience(&self, sender: SessionKey) -> Vec<SessionKey> {
        let reaches_games = self.config.rules.chat_reaches_games;
        let Some(channel) = self.sessions.get(&sender).and_then(|session| session.channel) else {
            return Vec::new();
        };
        self.channel_players(channel)
            .filter(|player| player.key != sender && (reaches_games || !player.in_game))
            .map(|player| player.key)
            .collect()
    }

    fn everybody_but(&self, sender: SessionKey) -> Vec<SessionKey> {
        self.by_account.values().filter(|key| **key != sender).copied().collect()
    }

    fn clan_audience(&self, sender: SessionKey) -> Vec<SessionKey> {
        let Some(clan) = self.sessions.get(&sender).and_then(|session| session.clan) else {
            return Vec::new();
        };
        self.by_clan
            .range((clan.0, SessionKey(0))..=(clan.0, SessionKey(u64::MAX)))
            .map(|(_, key)| *key)
            .filter(|key| *key != sender)
            .collect()
    }

    fn buddy_audience(&self, sender: SessionKey) -> Vec<SessionKey> {
        self.sessions
            .get(&sender)
            .into_iter()
            .flat_map(|session| session.buddies.keys())
            .filter_map(|buddy| self.by_account.get(buddy).copied())
            .collect()
    }
}

impl Session {
    fn lets_through(&self, message_type: ChatMessageType) -> bool {
        let Ok(bit) = usize::try_from(message_type.0) else { return true };
        self.chat_filter.get(bit / 8).is_none_or(|byte| byte >> (bit % 8) & 1 == 1)
    }
}
