//! What went otherwise than the script wanted.

use std::io;

use medley_session::{SendError, SessionError};
use medley_wire::DecodeError;
use medley_wire::enums::CallbackStatus;
use thiserror::Error;

/// Why a console could not do what it was told.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SimulatorError {
    /// A socket.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The server broke the protocol.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// What was to be sent cannot be.
    #[error(transparent)]
    Send(#[from] SendError),
    /// An answer that its layout does not fit.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It did not come in time.
    #[error("{awaited} did not come in time; what came and was not asked for: {came}")]
    Timeout {
        /// What was waited for.
        awaited: String,
        /// Names of what lies in the queues, and the state of the connections.
        came: String,
    },
    /// The server closed the connection.
    #[error("the server closed {connection} while {awaited} was awaited; what came before: {came}")]
    Closed {
        /// Which connection.
        connection: &'static str,
        /// What was waited for.
        awaited: String,
        /// As in [`SimulatorError::Timeout`].
        came: String,
    },
    /// CONNECT_REJECT.
    #[error("{connection} was rejected, reason {reason}")]
    Rejected {
        /// Which connection.
        connection: &'static str,
        /// As in the message.
        reason: u8,
    },
    /// The request was answered, with a status that is no success.
    #[error("{request} was answered {status:?}")]
    Refused {
        /// SDK name.
        request: &'static str,
        /// StatusCode.
        status: CallbackStatus,
    },
    /// An answer without what a console needs to go on.
    #[error("{message} has no {missing}")]
    Incomplete {
        /// SDK name.
        message: &'static str,
        /// What is not there.
        missing: &'static str,
    },
    /// A step that needs a connection which is not there.
    #[error("no connection to {0}")]
    NotConnected(&'static str),
    /// More waits in a queue than anybody will ever read.
    #[error("{0} messages came that nobody asked for")]
    Flooded(usize),
    /// [`crate::Options::fuse`] burnt out: the console is off.
    #[error("powered off")]
    PoweredOff,
}

impl SimulatorError {
    /// The status of a refused request.
    #[must_use]
    pub fn status(&self) -> Option<CallbackStatus> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}
