//! What a server session tells its owner.

use core::time::Duration;
use medley_crypto::Verified;

use medley_wire::rt::{CheatQuery, ClientAppToPlugin, ClientConnectAuxUdp, ClientTokenMessage};
use medley_wire::types::Text;
use medley_wire::{AppId, Dialect, RtId};

use crate::{Cover, Transport};

/// What came from the client. Payloads borrow from the bytes that were read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The client says who it is. To be answered with [`crate::ServerSession::accept`] or
    /// [`crate::ServerSession::reject`], at once or later; what the client sends meanwhile is kept.
    Connect(ConnectRequest),
    /// The handshake is over and application messages may flow. Not on DME with aux UDP: see
    /// [`Event::AuxUdpReady`].
    Connected,
    /// DME: the first datagram (or a repetition) of this client; player id and scert id are verified. To be answered
    /// with [`crate::ServerSession::accept_aux_udp`], each time.
    ConnectAuxUdp(ClientConnectAuxUdp),
    /// DME: the client has got the answer to its datagram. To be followed by [`crate::ServerSession::complete`].
    AuxUdpReady,
    /// A whole application message: class, id and body.
    App {
        /// Class, id, body: for [`medley_wire::AnyMessage::decode`].
        payload: &'a [u8],
        /// How it came.
        transport: Transport,
    },
    /// Title data for other players.
    Relay(Relay<'a>),
    /// What the client wants to be sent, as [`medley_wire::rt::receive_flags`]: from READY_TCP and SET_RECV_FLAG. At
    /// 1.08 only broadcasts can be switched off.
    ReceiveFlags(u8),
    /// How long relayed messages to this client may be held back to send several at once.
    AggregationTime(Duration),
    /// Whatever is held back for other players from this client should go now.
    FlushAll,
    /// The same, for one other player.
    FlushSingle {
        /// Index in the world.
        target: u16,
    },
    /// Wants the world's clock: to be answered at once with [`crate::ServerSession::timebase`].
    TimebaseQuery {
        /// To be repeated in the answer.
        client_time: u32,
    },
    /// CLIENT_TOKEN_MESSAGE.
    Token(ClientTokenMessage),
    /// The answer to a CHEAT_QUERY.
    CheatReply(CheatQuery),
    /// The client returned a SERVER_ECHO.
    EchoReply {
        /// From the echo to its reply.
        rtt: Duration,
    },
    /// CLIENT_APP_TO_PLUGIN.
    Plugin(ClientAppToPlugin),
    /// The client says goodbye. The session is closed.
    Disconnect {
        /// 1 normal; `None` for the message without a reason.
        reason: Option<u8>,
    },
    /// A message that nothing is known about, or that only servers send. Ignored.
    Unknown {
        /// Id.
        id: RtId,
        /// Plain body.
        body: &'a [u8],
    },
}

/// A message for other players of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relay<'a> {
    /// It is to be passed on the way it came.
    pub transport: Transport,
    /// How it came.
    pub cover: Cover,
    /// For whom.
    pub target: Target<'a>,
    /// One or more title messages; not to be split.
    pub payload: &'a [u8],
    /// What deciphering it left behind, for [`medley_crypto::FanOut::again`]. `None`: it came in clear or in a container.
    pub verified: Option<&'a Verified>,
}

/// Receivers of a relayed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// Everybody else.
    Broadcast,
    /// One index.
    Single(u16),
    /// The indices whose bit is set, least significant bit and lowest byte first.
    List(&'a [u8]),
}

impl Target<'_> {
    /// Whether the player with this index is meant. The source itself is the caller's to leave out.
    #[must_use]
    pub fn includes(&self, index: u16) -> bool {
        match self {
            Self::Broadcast => true,
            Self::Single(target) => *target == index,
            Self::List(mask) => {
                mask.get(usize::from(index / 8)).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
            }
        }
    }
}

/// CONNECT_TCP or CONNECT_TCP_AUX_UDP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectRequest {
    /// Title.
    pub app_id: AppId,
    /// Version and title, for everything that is encoded for this client.
    pub dialect: Dialect,
    /// `ConnectInfo.WorldID` of the answer that led here; not to be relied on: some clients send another.
    pub target_world_id: u32,
    /// Empty on MUIS and MAS.
    pub session_key: Text<17>,
    /// Empty on MUIS and MAS. Some clients cut it to 15 or 16 characters.
    pub access_key: Text<17>,
    /// CONNECT_TCP_AUX_UDP: datagrams follow.
    pub aux_udp: bool,
    /// The connection has a ctx 3 key.
    pub enciphered: bool,
}

/// What the owner of a session answers to [`Event::Connect`].
#[derive(Clone, Debug)]
pub struct Accept {
    /// Index in the DME world; 0 elsewhere.
    pub player_id: u16,
    /// Unique per server process; random on DME, where it proves the first datagram.
    pub scert_id: u32,
    /// Players in the DME world, this one included; 1 elsewhere.
    pub player_count: u16,
    /// What CONNECT_COMPLETE tells where it is another number: Sony's MLS told UYA the clients of the channel's world
    /// there and 1 in CONNECT_ACCEPT_TCP. `None`: `player_count`.
    pub complete_count: Option<u16>,
    /// CRYPTKEY_GAME, ctx 1: one key for all clients of a lobby world lets a push be enciphered once. `None`: a key of
    /// this connection's own.
    pub game_key: Option<std::sync::Arc<medley_crypto::SymmetricKey>>,
    /// DME: the second CRYPTKEY_PEER, ctx 3. One key for a whole world lets the relay encipher a payload once for all
    /// its players. `None`: a key of this connection's own.
    pub peer_key: Option<std::sync::Arc<medley_crypto::SymmetricKey>>,
    /// DME: milliseconds since the first client entered the world, at this moment.
    pub time_base: u32,
    /// DME with aux UDP: where the client's datagrams are to go.
    pub udp: Option<std::net::SocketAddrV4>,
    /// DME: the title's ServerVersion text. `None`: that of [`crate::ServerConfig`].
    pub dme_version: Option<Text<16>>,
}

impl Default for Accept {
    /// What every server but DME says: index 0, alone.
    fn default() -> Self {
        Self {
            player_id: 0,
            scert_id: 0,
            player_count: 1,
            complete_count: None,
            game_key: None,
            peer_key: None,
            time_base: 0,
            dme_version: None,
            udp: None,
        }
    }
}
