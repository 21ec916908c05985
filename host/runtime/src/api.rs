//! The types that hooks and host calls use: those of the newest interface version, which is all that the host's crates see.
//!
//! They are generated from `wit/`; the meaning of each field is written there.

pub use crate::bindings::exports::medley::plugin::answers::HttpResponse;
pub use crate::bindings::exports::medley::plugin::events::{
    ChannelEvent, EndReason, Event, GameEvent, GameStatus, SessionEvent,
};
pub use crate::bindings::exports::medley::plugin::lobby::{
    ChatLine, CreateChannelRequest, CreateGameRequest, EndGameReport, FindPlayerRequest, JoinChannelRequest,
    JoinGameAnswer, JoinGameRequest, LoginRequest, PlayerStatsReport, RegistrationRequest,
    SessionBeginRequest, WorldStatusReport,
};
pub use crate::bindings::exports::medley::plugin::manifest::{
    Capability, Command, Description, MessageFilter, PacketFilter, RtFilter, Setting,
};
pub use crate::bindings::exports::medley::plugin::relay::{Packet, Seat};
pub use crate::bindings::exports::medley::plugin::stats::LadderStats;
pub use crate::bindings::medley::plugin::accounts::Account;
pub use crate::bindings::medley::plugin::admin::Subject;
pub use crate::bindings::medley::plugin::channels::{Channel, Edit as ChannelEdit};
pub use crate::bindings::medley::plugin::clans::Clan;
pub use crate::bindings::medley::plugin::games::{Edit as GameEdit, Game};
pub use crate::bindings::medley::plugin::http::HttpRequest;
pub use crate::bindings::medley::plugin::ladders::Place;
pub use crate::bindings::medley::plugin::players::Player;
pub use crate::bindings::medley::plugin::send::{Bulk, Target};
pub use crate::bindings::medley::plugin::types::{
    AccountId, ChannelId, ClanId, Encryption, Error, Field, GameId, Message, SessionId, Status, Text,
    UnixSeconds, Value, Who,
};

/// What a hook says about a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict<T> {
    /// Goes on.
    Pass,
    /// Goes on with this instead.
    Replace(T),
    /// These messages go to the sender, and nothing else happens.
    Reply(Vec<Message>),
    /// The request's own failure answer, with this status, which is negative.
    Deny(Status),
}

/// What a hook says about an RT message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RtVerdict {
    /// Goes on.
    Pass,
    /// Goes on with this body.
    Replace(Vec<u8>),
    /// Goes nowhere.
    Drop,
}

/// What becomes of a relayed packet that does not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PacketVerdict {
    /// Goes nowhere.
    Drop,
    /// Goes on with this payload.
    Replace(Vec<u8>),
}

/// What an operator's command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandOutcome {
    /// The plugin's answer.
    Done(String),
    /// The plugin refused it, with this text.
    Refused(String),
    /// It has no such command.
    Unknown,
    /// It failed or does not serve now, for this reason.
    Failed(String),
}

/// Where an instance serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Role {
    /// In the actor of its title.
    Lobby = 1,
    /// In a thread of the relay.
    Relay = 2,
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Direction {
    /// From the client.
    FromClient = 1,
    /// To the client.
    ToClient = 2,
}
