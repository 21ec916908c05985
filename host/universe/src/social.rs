//! Buddies, ignored players, presence.

use medley_wire::enums::{ApplicationType, BuddyAddType, CallbackStatus, PlayerStatus};
use medley_wire::{AccountId, MediusWorldId};
use serde::{Deserialize, Serialize};

use crate::command::Operation;
use crate::output::{Output, Push, StoreEffect};
use crate::session::Session;
use crate::state::State;
use crate::types::{Name, SessionKey};

/// An entry of a buddy or ignore list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Buddy {
    /// Who.
    pub account: AccountId,
    /// The name, for when the account is offline.
    pub name: Name,
}

/// A buddy invitation that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Invitation {
    /// Who asks.
    pub from: AccountId,
    /// The asker's name.
    pub name: Name,
    /// One way or both.
    pub add_type: BuddyAddType,
}

/// OnlineState of a player. Of somebody offline everything is zero and empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// ConnectStatus.
    pub status: PlayerStatus,
    /// MediusLobbyWorldID.
    pub lobby: MediusWorldId,
    /// MediusGameWorldID; 0: in no game.
    pub game: MediusWorldId,
    /// LobbyName.
    pub lobby_name: Name,
    /// GameName.
    pub game_name: Name,
}

// The two lists differ in nothing but the field, so each operation is written once for both.
macro_rules! lists {
    ($($list:ident, $strangers:ident, $add:ident, $remove:ident, $set:ident, $may:ident;)*) => {$(
        /// Adds to the cached list, after the store has it. DBError for oneself, a double and a full list (servers.md 7.6).
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
        pub struct $add {
            /// Whose list.
            pub session: SessionKey,
            /// Who is added.
            pub buddy: Buddy,
        }

        /// Removes from the cached list, after the store has done so. DBError if it was not there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
        pub struct $remove {
            /// Whose list.
            pub session: SessionKey,
            /// Who is removed.
            pub account: AccountId,
        }

        /// Replaces the whole list: a PS3 title sets it from its friends list.
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
        pub struct $set {
            /// Whose list.
            pub session: SessionKey,
            /// The list; what is above the limit is left out.
            pub list: Vec<Buddy>,
            /// Names of the list that have no account here, as far as the limit leaves room.
            pub strangers: Vec<Name>,
        }

        impl Operation for $add {
            type Reply = Result<(), CallbackStatus>;

            fn perform(self, state: &mut State) -> Self::Reply {
                state.logged_in(self.session)?;
                state.$may(self.session, self.buddy.account)?;
                let name = state.name(self.buddy.name);
                if let Some(session) = state.sessions.get_mut(&self.session) {
                    session.$list.insert(self.buddy.account, Buddy { account: self.buddy.account, name });
                }
                Ok(())
            }
        }

        impl Operation for $remove {
            type Reply = Result<(), CallbackStatus>;

            fn perform(self, state: &mut State) -> Self::Reply {
                let (session, _) = state.logged_in(self.session)?;
                session.$list.remove(&self.account).map(|_| ()).ok_or(CallbackStatus::DB_ERROR)
            }
        }

        impl Operation for $set {
            type Reply = Result<(), CallbackStatus>;

            fn perform(self, state: &mut State) -> Self::Reply {
                let limit = state.config.limits.$list;
                let (session, own) = state.logged_in(self.session)?;
                session.$list = self
                    .list
                    .into_iter()
                    .filter(|buddy| buddy.account != own)
                    .take(limit)
                    .map(|buddy| (buddy.account, buddy))
                    .collect();
                let room = limit.saturating_sub(session.$list.len());
                session.$strangers = self.strangers.into_iter().take(room).collect();
                Ok(())
            }
        }

        impl State {
            /// Whether the list takes `account`: ask before the store writes it. DBError for oneself, a double, a full list.
            pub fn $may(&self, session: SessionKey, account: AccountId) -> Result<(), CallbackStatus> {
                let session = self.sessions.get(&session).ok_or(CallbackStatus::SESSION_KEY_INVALID)?;
                let refused = session.account == Some(account)
                    || session.$list.contains_key(&account)
                    || session.$list.len() >= self.config.limits.$list;
                if refused { Err(CallbackStatus::DB_ERROR) } else { Ok(()) }
            }
        }
    )*};
}

lists! {
    buddies, buddy_strangers, AddBuddy, RemoveBuddy, SetBuddies, may_add_buddy;
    ignored, ignored_strangers, AddIgnored, RemoveIgnored, SetIgnored, may_ignore;
}

/// AddToBuddyListConfirmation: asks the target if it is online; either way the invitation waits for an answer.
///
/// DBError for oneself, a buddy already, a full list; MaxExceeded if too many invitations wait for the target already, or
/// from who says more than the title lets: an invitation pops up at the target and is written down. An
/// ignored asker is not told: the target just never hears of it. The server has looked up that the target exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct InviteBuddy {
    /// Who.
    pub session: SessionKey,
    /// TargetAccountID.
    pub target: AccountId,
    /// AddType.
    pub add_type: BuddyAddType,
}

impl Operation for InviteBuddy {
    type Reply = Result<(), CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let (session, from) = state.logged_in(self.session)?;
        let name = session.name.clone();
        state.may_add_buddy(self.session, self.target)?;
        state.spend_chat(self.session)?;
        let limit = state.config.limits.invitations;
        if let Some(target) = state.by_account.get(&self.target).copied()
            && let Some(session) = state.sessions.get_mut(&target)
        {
            if session.ignored.contains_key(&from) {
                return Ok(());
            }
            if session.invitations.len() >= limit && !session.invitations.contains_key(&from) {
                return Err(CallbackStatus::MAX_EXCEEDED);
            }
            session
                .invitations
                .insert(from, Invitation { from, name: name.clone(), add_type: self.add_type });
            if state.config.rules.live_buddy_requests {
                state.push(target, Push::BuddyRequest { from, name: name.clone(), add_type: self.add_type });
            }
        }
        let effect = StoreEffect::AddInvitation { from, name, to: self.target, add_type: self.add_type };
        state.outputs.push_back(Output::Store(effect));
        Ok(())
    }
}

/// AddToBuddyListFwdConfirmationResponse, from the one who was asked. There is no answer to it.
///
/// DataDoesNotExist if that invitation does not wait: nobody becomes a buddy without having asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct AnswerBuddyInvitation {
    /// Who answers.
    pub session: SessionKey,
    /// OriginatorAccountID: who asked.
    pub originator: AccountId,
    /// RequestAccepted, or anything else for no.
    pub status: CallbackStatus,
}

impl Operation for AnswerBuddyInvitation {
    type Reply = Result<(), CallbackStatus>;

    fn perform(self, state: &mut State) -> Self::Reply {
        let limit = state.config.limits.buddies;
        let (session, own) = state.logged_in(self.session)?;
        let own_name = session.name.clone();
        let invitation =
            session.invitations.remove(&self.originator).ok_or(CallbackStatus::DATA_DOES_NOT_EXIST)?;
        let accepted = matches!(self.status, CallbackStatus::REQUEST_ACCEPTED | CallbackStatus::SUCCESS);
        let effect = StoreEffect::RemoveInvitation { from: self.originator, to: own };
        state.outputs.push_back(Output::Store(effect));
        let originator = state.by_account.get(&self.originator).copied();
        if accepted {
            state.agree_on_buddy(
                originator,
                self.originator,
                Buddy { account: own, name: own_name.clone() },
                limit,
            );
            if invitation.add_type == BuddyAddType::SYMMETRIC {
                let buddy = Buddy { account: self.originator, name: invitation.name };
                state.agree_on_buddy(Some(self.session), own, buddy, limit);
            }
        }
        if let Some(originator) = originator {
            let status =
                if accepted { CallbackStatus::REQUEST_ACCEPTED } else { CallbackStatus::REQUEST_DENIED };
            state.push(originator, Push::BuddyAnswer { status, target: own, name: own_name });
        }
        Ok(())
    }
}

/// Questions about who is where.
impl State {
    /// Where `account` is. All zero if offline.
    pub fn presence(&self, account: AccountId) -> Presence {
        self.player(account).map(|session| self.presence_of(session)).unwrap_or_default()
    }

    /// Where a player is: the game counts from the moment its connection is up (capture `uya_ps2_join_game_dme`).
    pub fn presence_of(&self, session: &Session) -> Presence {
        let channel = session.channel.and_then(|id| self.channels.get(&id));
        let game = session.game.filter(|_| session.in_game).and_then(|id| self.games.get(&id));
        Presence {
            status: session.status(),
            lobby: channel.map_or(MediusWorldId(0), |channel| channel.id),
            game: game.map_or(MediusWorldId(0), |game| game.id),
            lobby_name: channel.map(|channel| channel.name.clone()).unwrap_or_default(),
            game_name: game.map(|game| game.spec.name.clone()).unwrap_or_default(),
        }
    }

    /// ApplicationType and MediusWorldID of FindPlayer: the game of who is in one, else the channel.
    pub fn whereabouts(&self, session: &Session) -> (ApplicationType, MediusWorldId) {
        match session.game.filter(|_| session.in_game) {
            Some(game) => (ApplicationType::APP_TYPE_GAME, game),
            None => (ApplicationType::LOBBY_CHAT_CHANNEL, session.channel.unwrap_or_default()),
        }
    }
}

impl State {
    fn agree_on_buddy(&mut self, owner: Option<SessionKey>, account: AccountId, buddy: Buddy, limit: usize) {
        let effect = StoreEffect::AddBuddy { owner: account, buddy: buddy.account };
        if let Some(session) = owner.and_then(|key| self.sessions.get_mut(&key)) {
            if session.buddies.len() >= limit && !session.buddies.contains_key(&buddy.account) {
                return;
            }
            session.buddies.insert(buddy.account, buddy);
        }
        self.outputs.push_back(Output::Store(effect));
    }
}
