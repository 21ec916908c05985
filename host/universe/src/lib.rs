//! The universe manager (MUM): the live state of one Medius title, which is all app ids whose players meet.
//!
//! Players and their sessions, access keys, channels, games with their life cycle, parties, matchmaking, game servers, chat
//! routing, buddies and presence. Pure and sequential: no sockets, no clock, no tasks. The time comes with each operation, randomness from a seed,
//! so a recorded log replays to the same state. It knows no message layouts either; ids, enums and status codes are the wire's.
//!
//! - [`Universe::run`] carries out an [`Operation`] ([`Login`], [`JoinChannel`], [`CreateGame`] ...) and returns its reply.
//! - [`Universe::drain`] hands out the [`Output`]s: pushes, late answers, commands to game servers, things to store.
//! - [`State`] answers questions (`universe.game(id)`, `universe.channels(..)`); a `Universe` derefs to it.
//! - [`Tick`] at [`State::next_deadline`] makes time pass.
//! - [`Command`] and [`Record`] are operations as data, for the log; [`Snapshot`] is the operator's view.
//!
//! Not here: passwords, bans, texts, stats tables and clans, which are the store's and the server's.
//!
//! # A session
//!
//! | state | entered by | status told |
//! |---|---|---|
//! | begun | [`BeginSession`] on MAS | 1 in authentication |
//! | logged in | [`Login`]: channel reserved, access key out | 1 in authentication |
//! | in the lobby | [`ConnectLobby`] with that key | 2 in a channel |
//! | in the lobby, no socket | [`Disconnect`] between two servers, for the grace period | as before |
//! | in a game | [`PlayerConnection`] from the game server | 3 in a game |
//! | over | [`EndSession`], [`Logout`], [`Kick`], grace over | 0 |
//!
//! # A game
//!
//! | status | entered by |
//! |---|---|
//! | PendingCreation | [`CreateGame`]; the game server has 5 s to answer |
//! | Staging, Active | the host's [`ReportWorld`] |
//! | Closed, for good | [`ReportWorld`], [`EndGame`], empty after the host came, host never came, server lost |
//! | gone | 1 s after it is closed and empty |

mod channel;
mod chat;
mod command;
mod config;
mod game;
mod list;
mod matching;
mod operator;
mod output;
mod party;
mod server;
mod session;
mod snapshot;
mod social;
mod state;
#[cfg(test)]
mod tests;
mod timers;
mod types;
mod worlds;

pub use channel::{
    Channel, ChannelJoin, ChannelRefused, ClearLobbyFilter, CreateChannel, JoinChannel,
    JoinLeastPopulatedChannel, LobbyFilter, SetLobbyFilter,
};
pub use chat::{CHAT_BURST, ChatKind, SendBinary, SendChat, SendCrossChat, SetChat, SetChatFilter};
pub use command::{Command, Operation, Record};
pub use config::{ChannelConfig, Limits, Rules, Timeouts, UniverseConfig};
pub use game::{
    AddGameFilter, ClearGameSort, CloseGame, CreateGame, EndGame, EndReport, Game, GameSpec, IgnoredReport,
    JoinGame, LeaveGame, Member, ReassignWorld, RemoveGameFilter, ReportPlayer, ReportWorld, SetGameSort,
    WorldUpdate,
};
pub use list::{FilterKey, GameFilter, GameSort, WorldFound};
pub use matching::{CancelMatch, FindMatch, MatchParty, MatchWish};
pub use operator::{
    AddChannel, ChangeChannel, ChangeGame, ChangeRefused, ChannelChange, GameChange, MovePlayer, PutOut,
    RemoveChannel,
};
pub use output::{
    Answer, BinaryLine, ChatLine, CrossChatLine, EndReason, GameCreated, GameJoined, GameRecord,
    MatchOutcome, MatchedGame, Notice, Output, Push, ServerCommand, StoreEffect,
};
pub use party::{CreateParty, JoinParty, LeaveParty, ReportParty};
pub use server::{
    CreateGameOnHost, EndGameOnHost, GameServer, GameServerCreated, GameServerJoined, GameServerKind,
    LoseGameServer, MoveGameOnHost, PlayerConnection, RegisterGameServer, ReportLoad, ReportWorldOnHost,
    ServerJoinGrant,
};
pub use session::{
    BeginSession, ConnectGameServer, ConnectLobby, ConnectRefused, Connected, Disconnect, EndSession, Heard,
    IssueAccessKey, KeepAlive, Kick, Localization, Login, LoginAnonymously, LoginInfo, Logout, Purpose,
    ServerKind, Session, SetAccountStats, SetClan, SetLocalization, SetLocation, SetMachine,
};
pub use snapshot::{ChannelView, GameView, PlayerView, Snapshot};
pub use social::{
    AddBuddy, AddIgnored, AnswerBuddyInvitation, Buddy, Invitation, InviteBuddy, Presence, RemoveBuddy,
    RemoveIgnored, SetBuddies, SetIgnored,
};
pub use state::{Counters, Reconfigure, State, Tick};
pub use types::{
    AccessKey, ConnectionId, FilterId, GameServerId, Name, Page, PeerAddress, RequestId, SessionKey, Time,
};

/// Where the command log goes.
pub type Recorder = Box<dyn FnMut(&Record) + Send>;

/// The live state of one title.
pub struct Universe {
    state: State,
    recorder: Option<Recorder>,
}

impl Universe {
    /// An empty universe with its persistent channels.
    ///
    /// `seed` makes the access keys: take it from the system's generator, and keep it as secret as a log of this universe.
    pub fn new(config: UniverseConfig, seed: [u8; 32]) -> Self {
        Self { state: State::new(config, seed), recorder: None }
    }

    /// Hands every operation to `recorder` from now on, before it is carried out.
    ///
    /// For a replay the log must begin with the universe, and its seed be known.
    pub fn record_to(&mut self, recorder: Recorder) {
        self.recorder = Some(recorder);
    }

    /// Carries out `operation`. A `now` before the last one counts as the last one.
    pub fn run<O: Operation>(&mut self, now: Time, operation: O) -> O::Reply {
        if let Some(recorder) = &mut self.recorder {
            recorder(&Record { now, command: operation.clone().into() });
        }
        self.advance(now);
        operation.perform(&mut self.state)
    }

    /// Carries out a recorded operation. Its outputs are waiting in [`Universe::drain`] as they were the first time.
    pub fn replay(&mut self, record: Record) {
        if let Some(recorder) = &mut self.recorder {
            recorder(&record);
        }
        self.advance(record.now);
        record.command.perform(&mut self.state);
    }

    /// What is to be done, oldest first. To be taken after each operation.
    pub fn drain(&mut self) -> impl Iterator<Item = Output> + '_ {
        self.state.outputs.drain(..)
    }

    fn advance(&mut self, now: Time) {
        self.state.now.millis = self.state.now.millis.max(now.millis);
        self.state.now.unix = now.unix;
    }
}

impl core::ops::Deref for Universe {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl core::fmt::Debug for Universe {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Universe").field("state", &self.state).finish_non_exhaustive()
    }
}
