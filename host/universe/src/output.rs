//! What the universe wants done: everything that leaves it besides the replies of operations.

use medley_wire::enums::{
    BinaryMessageType, BuddyAddType, CallbackStatus, ChatMessageType, CrossChatMessageType, GameHostType,
    WorldAttributesType, WorldStatus,
};
use medley_wire::{AccountId, AppId, MediusWorldId};
use serde::Serialize;

use crate::game::GameSpec;
use crate::types::{ConnectionId, GameServerId, Name, PeerAddress, RequestId, SessionKey};

/// One thing to do, in the order in which it was decided.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Output {
    /// Send a message of the server's own accord.
    Push {
        /// Who gets it.
        session: SessionKey,
        /// That session's lobby connection.
        connection: ConnectionId,
        /// What to say.
        push: Push,
    },
    /// Answer a request that had to wait for a game server.
    Answer {
        /// What the operation returned.
        request: RequestId,
        /// Who asked; may be gone by now.
        session: SessionKey,
        /// The answer.
        answer: Answer,
    },
    /// Ask a game server, over MGCL or in process.
    GameServer {
        /// Which.
        server: GameServerId,
        /// What.
        command: ServerCommand,
    },
    /// End a connection.
    Close {
        /// Whose.
        session: SessionKey,
        /// Which.
        connection: ConnectionId,
        /// Why.
        reason: EndReason,
    },
    /// Something to write down durably.
    Store(StoreEffect),
    /// Something that happened, for logs, counters and plugins.
    Notice(Notice),
}

/// A message to a client, by content; the server dresses it for the receiver's version.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Push {
    /// ChatFwdMessage.
    Chat(ChatLine),
    /// GenericChatFwdMessage, or GenericChatFwdMessage1 to a receiver of 1.12 and later.
    GenericChat(ChatLine),
    /// BinaryFwdMessage.
    Binary(BinaryLine),
    /// BinaryFwdMessage1.
    Binary1(BinaryLine),
    /// CrossChatFwdMessage.
    CrossChat(CrossChatLine),
    /// AddToBuddyListFwdConfirmationRequest.
    BuddyRequest {
        /// Who wants to be a buddy.
        from: AccountId,
        /// Its name.
        name: Name,
        /// One way or both.
        add_type: BuddyAddType,
    },
    /// AddToBuddyListConfirmationResponse.
    BuddyAnswer {
        /// What was answered.
        status: CallbackStatus,
        /// Who answered.
        target: AccountId,
        /// Its name.
        name: Name,
    },
    /// AssignedGameToJoinMessage: the game that matchmaking found, or why there is none.
    Assigned(Box<MatchOutcome>),
}

/// What became of a request for a game.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MatchOutcome {
    /// RequestData of the request; zeros for somebody who comes along.
    pub request_data: [u8; 16],
    /// ApplicationData of the request.
    pub application_data: Vec<u8>,
    /// The game, or NoResult or MatchGameCreationFailed.
    pub result: Result<MatchedGame, CallbackStatus>,
}

/// A game that matchmaking sends a player to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MatchedGame {
    /// The game.
    pub game: MediusWorldId,
    /// What it is, its password included.
    pub spec: GameSpec,
    /// WorldStatus.
    pub status: WorldStatus,
    /// Players in it.
    pub player_count: u16,
}

/// A line of chat.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChatLine {
    /// Who says it.
    pub from: AccountId,
    /// The sender's name.
    pub name: Name,
    /// To whom: channel, one player, universe, clan, buddies.
    pub message_type: ChatMessageType,
    /// Unix seconds.
    pub unix: i64,
    /// What is said.
    pub text: Name,
}

/// A binary message.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BinaryLine {
    /// Who sends it.
    pub from: AccountId,
    /// To whom.
    pub message_type: BinaryMessageType,
    /// The bytes.
    pub payload: Vec<u8>,
}

/// A message across titles' worlds (PlayStation Home).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CrossChatLine {
    /// Who sends it.
    pub from: AccountId,
    /// TargetRoutingDmeWorldID, passed on.
    pub target_dme_world: i32,
    /// SourceDmeWorldID, passed on.
    pub source_dme_world: i32,
    /// msgType, passed on.
    pub message_type: CrossChatMessageType,
    /// The contents.
    pub payload: Vec<u8>,
}

/// The answer to a create or join.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Answer {
    /// For CreateGameResponse.
    Created(Result<GameCreated, CallbackStatus>),
    /// For JoinGameResponse.
    Joined(Result<GameJoined, CallbackStatus>),
}

/// A game that stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GameCreated {
    /// Its id.
    pub game: MediusWorldId,
    /// Success, or WorldCreatedSizeReduced where MaxPlayers was above what is allowed.
    pub status: CallbackStatus,
}

/// A player's way into a game.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GameJoined {
    /// The game.
    pub game: MediusWorldId,
    /// GameHostType of the game.
    pub host_type: GameHostType,
    /// The relay or peer that carries it.
    pub server: GameServerId,
    /// The peer's own addresses; for a DME, use those of the [`crate::GameServer`].
    pub addresses: Option<[PeerAddress; 2]>,
    /// ConnectInfo.WorldID.
    pub dme_world: i32,
    /// ConnectInfo.AccessKey, minted by the game server.
    pub access_key: Name,
    /// ConnectInfo.ServerKey as the game server gave it: 64 bytes, or empty for a clear connection.
    pub server_key: Vec<u8>,
    /// The index that the player got.
    pub dme_index: i32,
    /// PartyIndex; of a party only.
    pub party_index: Option<i32>,
    /// MaxPlayers.
    pub max_players: u16,
}

/// A request to a game server.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum ServerCommand {
    /// ServerCreateGameWithAttributesRequest; answer with [`crate::GameServerCreated`].
    Create {
        /// Correlation; goes into the MGCL MessageID.
        request: RequestId,
        /// Of the creator.
        app_id: AppId,
        /// The game's MediusWorldID.
        game: MediusWorldId,
        /// Players and spectators together.
        max_clients: u16,
        /// As the creator gave them.
        attributes: WorldAttributesType,
    },
    /// ServerJoinGameRequest; answer with [`crate::GameServerJoined`].
    Join {
        /// Correlation; goes into the MGCL MessageID.
        request: RequestId,
        /// The world on that server.
        dme_world: i32,
        /// The game's MediusWorldID.
        game: MediusWorldId,
        /// The joiner.
        session: SessionKey,
        /// The joiner's app id.
        app_id: AppId,
        /// The joiner's Medius version, e.g. 108.
        version: u16,
        /// The joiner's account.
        account: AccountId,
        /// The joiner's addresses.
        addresses: [PeerAddress; 2],
    },
    /// ServerEndGameRequest.
    End {
        /// The world on that server.
        dme_world: i32,
        /// Put everybody out now, instead of when the last one leaves.
        brutal: bool,
    },
    /// ServerDisconnectPlayerRequest.
    Disconnect {
        /// The world on that server.
        dme_world: i32,
        /// The player's index there.
        dme_index: i32,
    },
}

/// Why a session or connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub enum EndReason {
    /// SessionEnd or AccountLogout.
    Left,
    /// No socket for longer than the grace period.
    TimedOut,
    /// The same account logged in anew while this one was silent.
    Replaced,
    /// Put out by an operator or a plugin.
    Kicked,
    /// Banned while online.
    Banned,
    /// The session opened more connections than it may have.
    TooManyConnections,
}

/// What must survive a restart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum StoreEffect {
    /// A buddy was agreed on.
    AddBuddy {
        /// Whose list.
        owner: AccountId,
        /// Who is added.
        buddy: AccountId,
    },
    /// A buddy invitation waits for `to`.
    AddInvitation {
        /// Who asks.
        from: AccountId,
        /// Its name.
        name: Name,
        /// Who is asked.
        to: AccountId,
        /// One way or both.
        add_type: BuddyAddType,
    },
    /// An invitation was answered.
    RemoveInvitation {
        /// Who asked.
        from: AccountId,
        /// Who was asked.
        to: AccountId,
    },
    /// A game is over.
    GameEnded(Box<GameRecord>),
}

/// A finished game, for the history.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GameRecord {
    /// Its id.
    pub game: MediusWorldId,
    /// The creator's app id.
    pub app_id: AppId,
    /// Its name.
    pub name: Name,
    /// Who made it.
    pub creator: AccountId,
    /// GameLevel at the end.
    pub game_level: i32,
    /// RulesSet at the end.
    pub rules_set: i32,
    /// GenericField1 to 8 at the end.
    pub generic_fields: [i32; 8],
    /// GameStats at the end.
    pub stats: Vec<u8>,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds of the first Active report; `None`: it was never started and need not be kept.
    pub started: Option<i64>,
    /// Unix seconds.
    pub ended: i64,
    /// The accounts that were in it when it started.
    pub players_at_start: Vec<AccountId>,
    /// EndGameReport, if the host sent one.
    pub result: Option<crate::game::EndReport>,
    /// Text of the title's plugin, JSON or empty.
    pub metadata: String,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Notice {
    /// A player arrived.
    LoggedIn {
        /// The session.
        session: SessionKey,
        /// The account.
        account: AccountId,
    },
    /// A session is over. Its key may be forgotten.
    SessionEnded {
        /// The session.
        session: SessionKey,
        /// The account, if it was logged in.
        account: Option<AccountId>,
        /// Why.
        reason: EndReason,
    },
    /// A player is in a channel now.
    EnteredChannel {
        /// The session.
        session: SessionKey,
        /// The channel.
        channel: MediusWorldId,
    },
    /// A channel was made.
    ChannelCreated(MediusWorldId),
    /// A channel is gone.
    ChannelRemoved(MediusWorldId),
    /// A game stands.
    GameCreated(MediusWorldId),
    /// A game's status changed.
    GameStatus {
        /// The game.
        game: MediusWorldId,
        /// Before.
        from: WorldStatus,
        /// Now.
        to: WorldStatus,
    },
    /// A player's connection to a game is up.
    JoinedGame {
        /// The session.
        session: SessionKey,
        /// The game.
        game: MediusWorldId,
    },
    /// A player's connection to a game is down.
    LeftGame {
        /// The session.
        session: SessionKey,
        /// The game.
        game: MediusWorldId,
    },
    /// A game's host left it.
    HostLeft {
        /// The game.
        game: MediusWorldId,
        /// Who is host now.
        new_host: Option<SessionKey>,
    },
    /// A game is gone.
    GameRemoved(MediusWorldId),
    /// A game server is gone, with its games.
    GameServerLost(GameServerId),
}
