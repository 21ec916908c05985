//! What ends a session, and what a caller did wrong.

use medley_crypto::{Context, DecryptError, RsaError};
use medley_wire::fragment::FragmentError;
use medley_wire::frame::FrameTooLong;
use medley_wire::{AppId, DecodeError, RtId};
use thiserror::Error;

use crate::State;

/// The peer broke the protocol on TCP. The session is closed; what [`crate::ServerSession::output`] holds may still be
/// sent, then the connection is to be closed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// A frame longer than any peer sends: most likely not this protocol at all.
    #[error(transparent)]
    FrameTooLong(#[from] FrameTooLong),
    /// The body does not hash to what the frame says.
    #[error("state {state}: {id} does not verify: {error}")]
    BadHash {
        /// State of the session.
        state: State,
        /// Message.
        id: RtId,
        /// The numbers, the cipher context among them.
        error: DecryptError,
    },
    /// A cipher context for which the connection has no key.
    #[error("state {state}: {id} is enciphered under {context}, for which this connection has no key")]
    NoKey {
        /// State of the session.
        state: State,
        /// Message.
        id: RtId,
        /// Context of the frame.
        context: Context,
    },
    /// A handshake message out of order.
    #[error("state {state}: found {id}, wanted {wanted}")]
    Unexpected {
        /// State of the session.
        state: State,
        /// Message that came.
        id: RtId,
        /// What could have come.
        wanted: &'static str,
    },
    /// The body has not the layout of its message.
    #[error("state {state}: {id}: {error}")]
    Undecodable {
        /// State of the session.
        state: State,
        /// Message.
        id: RtId,
        /// Field, offset, wanted and found.
        error: DecodeError,
    },
    /// A body of another length than its message has.
    #[error("state {state}: {id}: wanted {wanted} bytes, found {found}")]
    WrongLength {
        /// State of the session.
        state: State,
        /// Message.
        id: RtId,
        /// Length of the message.
        wanted: usize,
        /// Length of the body.
        found: usize,
    },
    /// A key message that cannot be opened, or a modulus that cannot be enciphered to.
    #[error("state {state}: {id}: {error}")]
    Rsa {
        /// State of the session.
        state: State,
        /// Message.
        id: RtId,
        /// Why.
        error: RsaError,
    },
    /// Fragments that are no message.
    #[error("state {state}: {error}")]
    Fragment {
        /// State of the session.
        state: State,
        /// Why.
        error: FragmentError,
    },
    /// A container that is not a run of clear messages: the inner id that has bit 7 set, or is a container itself.
    #[error("state {state}: message {first:#04x} inside {id}, wanted a clear message that is no container")]
    Container {
        /// State of the session.
        state: State,
        /// The container.
        id: RtId,
        /// First byte of the inner message.
        first: u8,
    },
    /// More was pipelined behind the handshake than is kept.
    #[error("state {state}: {id}: more than {limit} bytes sent ahead of the handshake")]
    PipelineFull {
        /// State of the session.
        state: State,
        /// Message that did not fit any more.
        id: RtId,
        /// Bytes that are kept.
        limit: usize,
    },
    /// Nobody serves this app id. CONNECT_REJECT is in the output.
    #[error("app id {} is not served here", app_id.0)]
    AppNotServed {
        /// App id of the CONNECT message.
        app_id: AppId,
    },
    /// The server refused the connection (client side).
    #[error("state {state}: CONNECT_REJECT with reason {reason}")]
    Rejected {
        /// State of the session.
        state: State,
        /// 0 version, 1 world full, 2 world id, 3 app signature, 4 encryption, 5 access key, 6 aux UDP failure.
        reason: u8,
    },
}

/// What a caller asked for cannot be done. The peer is not to blame; the session goes on.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// Longer than any peer takes.
    #[error("{id} with a body of {length} bytes, a frame takes {limit}")]
    TooLong {
        /// Message.
        id: RtId,
        /// Length of the body.
        length: usize,
        /// Longest body.
        limit: usize,
    },
    /// The call belongs to another state.
    #[error("{call} in state {state}, wanted {wanted}")]
    WrongState {
        /// The method.
        call: &'static str,
        /// State of the session.
        state: State,
        /// State in which it may be called.
        wanted: State,
    },
    /// No UDP endpoint is known yet.
    #[error("no datagrams: the connection has no aux UDP")]
    NoUdp,
}

/// Why a session ended of itself.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Timeout {
    /// The handshake took too long.
    #[error("the handshake took too long")]
    Handshake,
    /// Nothing came for too long.
    #[error("nothing came for too long")]
    Idle,
}
