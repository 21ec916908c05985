//! The control socket: how `medley account`, `announce`, `export` reach a running host, which holds the store's lock.
//!
//! A Unix socket in the data folder, for its owner only. One JSON line in, an operation; one JSON line out.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::exit;
use crate::operations::{Operation, OperationError};

/// Longest request: a policy text of 64 KiB with JSON's escapes.
const MAX_REQUEST: u64 = 512 * 1024;
/// Time for the request to come. Who connects and says nothing must not keep the host from stopping.
const REQUEST_TIME: Duration = Duration::from_secs(5);

/// Longest path of a socket: Linux has 108 bytes for it, with its NUL.
const MAX_PATH: usize = 107;

/// What comes back.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Reply {
    Done(Vec<String>),
    Failed { error: String, code: u8 },
}

/// Why the socket is not there.
#[derive(Debug, Error)]
pub(crate) enum ControlError {
    /// The system's answer.
    #[error("control socket {path}: {error}")]
    Socket { path: PathBuf, error: std::io::Error },
    /// A Unix socket's path is short, whatever the file system takes.
    #[error(
        "control socket {path}: the path has {} bytes, and a socket's may have {MAX_PATH}; choose a shorter data_dir, \
         or one relative to the working folder", path.as_os_str().len()
    )]
    PathTooLong { path: PathBuf },
    /// The host refused or failed.
    #[error("{error}")]
    Failed { error: String, code: u8 },
    /// The other side does not speak this.
    #[error("control socket {path}: no answer from the host ({detail}); is it the same version?")]
    Garbled { path: PathBuf, detail: String },
}

impl ControlError {
    /// Exit code of the command that asked.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Failed { code, .. } => *code,
            Self::Socket { .. } | Self::PathTooLong { .. } => exit::IO,
            Self::Garbled { .. } => exit::FAILED,
        }
    }
}

/// Where the socket of a data folder is.
pub(crate) fn path_in(data_dir: &Path) -> PathBuf {
    data_dir.join("control.sock")
}

/// Binds the socket. The store's lock is held already, so a socket that is there is a dead host's.
pub(crate) fn bind(path: &Path) -> Result<UnixListener, ControlError> {
    use std::os::unix::fs::PermissionsExt as _;
    let wrap = |error| ControlError::Socket { path: path.into(), error };
    if path.as_os_str().len() > MAX_PATH {
        return Err(ControlError::PathTooLong { path: path.into() });
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(wrap(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(wrap)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(wrap)?;
    Ok(listener)
}

/// Serves operations until `shutdown`.
pub(crate) async fn serve<F, Fut>(
    listener: UnixListener,
    perform: F,
    tasks: TaskTracker,
    shutdown: CancellationToken,
) where
    F: Fn(Operation) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Vec<String>, OperationError>> + Send + 'static,
{
    let perform = Arc::new(perform);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let perform = Arc::clone(&perform);
                tasks.spawn(async move {
                    if let Err(error) = answer(stream, &*perform).await {
                        tracing::warn!(%error, "a control connection broke");
                    }
                });
            }
            Err(error) => {
                tracing::error!(%error, "the control socket is lost");
                return;
            }
        }
    }
}

async fn answer<F, Fut>(stream: UnixStream, perform: &F) -> std::io::Result<()>
where
    F: Fn(Operation) -> Fut,
    Fut: Future<Output = Result<Vec<String>, OperationError>>,
{
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut read = BufReader::new(read.take(MAX_REQUEST));
    tokio::time::timeout(REQUEST_TIME, read.read_line(&mut line)).await??;
    let reply = match serde_json::from_str(&line) {
        Ok(operation) => match perform(operation).await {
            Ok(lines) => Reply::Done(lines),
            Err(error) => Reply::Failed { error: error.to_string(), code: error.code() },
        },
        Err(error) => Reply::Failed {
            error: format!("the host does not understand the request: {error}; is it the same version?"),
            code: exit::FAILED,
        },
    };
    let mut text = serde_json::to_vec(&reply)?;
    text.push(b'\n');
    write.write_all(&text).await
}

/// Asks the running host. `None`: no host runs on this data folder.
pub(crate) async fn ask(path: &Path, operation: &Operation) -> Option<Result<Vec<String>, ControlError>> {
    if path.as_os_str().len() > MAX_PATH {
        // No host could bind it.
        return None;
    }
    let stream = match UnixStream::connect(path).await {
        Ok(stream) => stream,
        Err(error) => {
            use std::io::ErrorKind::{ConnectionRefused, NotADirectory, NotFound};
            return match error.kind() {
                // What is wrong with the folder itself the store tells better.
                NotFound | ConnectionRefused | NotADirectory => None,
                _ => Some(Err(ControlError::Socket { path: path.into(), error })),
            };
        }
    };
    Some(exchange(stream, path, operation).await)
}

async fn exchange(
    mut stream: UnixStream,
    path: &Path,
    operation: &Operation,
) -> Result<Vec<String>, ControlError> {
    let wrap = |error| ControlError::Socket { path: path.into(), error };
    let garbled = |detail: String| ControlError::Garbled { path: path.into(), detail };
    let mut request = serde_json::to_vec(operation).map_err(|error| garbled(error.to_string()))?;
    request.push(b'\n');
    stream.write_all(&request).await.map_err(wrap)?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.map_err(wrap)?;
    match serde_json::from_str(&reply) {
        Ok(Reply::Done(lines)) => Ok(lines),
        Ok(Reply::Failed { error, code }) => Err(ControlError::Failed { error, code }),
        Err(error) => Err(garbled(error.to_string())),
    }
}
