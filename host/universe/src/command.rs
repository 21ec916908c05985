//! Operations: what can be done to a universe, each declared once, in the module of its subject.
//!
//! An operation is a struct with a reply type. [`Command`] is any of them, for the log; it is made from the list at the
//! end of this file.

use serde::{Deserialize, Serialize};

use crate::state::State;
use crate::types::Time;
use crate::{channel, chat, game, matching, operator, party, server, session, social, state};

/// Something that changes a universe.
pub trait Operation: Clone + Into<Command> {
    /// What the caller gets at once.
    type Reply;

    /// Carries it out. Called by [`crate::Universe::run`], which alone has a `State` to give.
    fn perform(self, state: &mut State) -> Self::Reply;
}

/// A command of the log.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Record {
    /// When.
    pub now: Time,
    /// What.
    pub command: Command,
}

macro_rules! commands {
    ($($module:ident::$operation:ident,)*) => {
        /// Any operation.
        #[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
        pub enum Command {
            $($operation($module::$operation),)*
        }

        $(impl From<$module::$operation> for Command {
            fn from(operation: $module::$operation) -> Self {
                Self::$operation(operation)
            }
        })*

        impl Command {
            /// The operation's name, for counters and spans.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$operation(_) => stringify!($operation),)*
                }
            }

            /// Carries the operation out and drops its reply.
            pub(crate) fn perform(self, state: &mut State) {
                match self {
                    $(Self::$operation(operation) => { let _ = operation.perform(state); })*
                }
            }
        }
    };
}

commands! {
    session::BeginSession,
    session::Login,
    session::LoginAnonymously,
    session::Logout,
    session::EndSession,
    session::Kick,
    session::SetLocalization,
    session::SetLocation,
    session::SetMachine,
    session::SetAccountStats,
    session::SetClan,
    session::IssueAccessKey,
    session::ConnectLobby,
    session::ConnectGameServer,
    session::Disconnect,
    session::Heard,
    session::KeepAlive,
    channel::CreateChannel,
    channel::JoinChannel,
    channel::JoinLeastPopulatedChannel,
    channel::SetLobbyFilter,
    channel::ClearLobbyFilter,
    game::CreateGame,
    game::JoinGame,
    game::LeaveGame,
    game::ReportWorld,
    game::ReportPlayer,
    game::EndGame,
    game::ReassignWorld,
    game::CloseGame,
    game::AddGameFilter,
    game::RemoveGameFilter,
    game::SetGameSort,
    game::ClearGameSort,
    party::CreateParty,
    party::JoinParty,
    party::LeaveParty,
    party::ReportParty,
    matching::FindMatch,
    matching::CancelMatch,
    matching::MatchParty,
    chat::SendChat,
    chat::SendBinary,
    chat::SendCrossChat,
    chat::SetChat,
    chat::SetChatFilter,
    social::AddBuddy,
    social::RemoveBuddy,
    social::SetBuddies,
    social::AddIgnored,
    social::RemoveIgnored,
    social::SetIgnored,
    social::InviteBuddy,
    social::AnswerBuddyInvitation,
    server::RegisterGameServer,
    server::ReportLoad,
    server::LoseGameServer,
    server::GameServerCreated,
    server::GameServerJoined,
    server::PlayerConnection,
    server::CreateGameOnHost,
    server::ReportWorldOnHost,
    server::MoveGameOnHost,
    server::EndGameOnHost,
    operator::AddChannel,
    operator::ChangeChannel,
    operator::RemoveChannel,
    operator::MovePlayer,
    operator::ChangeGame,
    operator::PutOut,
    state::Reconfigure,
    state::Tick,
}
