//! A relay by itself, with worlds made and access keys minted: in a process of its own, so that what it costs can be
//! read off that process, or in this one.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use medley_crypto::KeyStore;
use medley_relay::{Relay, RelayConfig, RelayTitle};
use medley_wire::AppId;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::fleet::{LoadError, Result, io_error};
use crate::own::Program;

/// A child's first line is at most this long: ten thousand keys.
const MAX_LINE: u64 = 4 * 1024 * 1024;

/// What a relay is started with.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub struct RelaySpec {
    /// Worlds.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=2048))]
    pub worlds: u32,
    /// Players of each world.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub players: u16,
    /// App id.
    #[arg(long, default_value_t = 11184)]
    pub app: u32,
    /// Threads that relay.
    #[arg(long, default_value_t = 1)]
    pub shards: usize,
    /// All players of a world get the same key.
    #[arg(long)]
    pub shared_key: bool,
}

impl RelaySpec {
    /// One world of `players`.
    #[must_use]
    pub const fn one_world(players: u16, app: u32) -> Self {
        Self { worlds: 1, players, app, shards: 1, shared_key: false }
    }
}

/// A world and the keys to its places.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct World {
    /// DME world id.
    pub id: u32,
    /// Session key and access key, a pair a player.
    pub keys: Vec<(String, String)>,
}

/// Where a relay listens and which worlds it has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Offer {
    /// TCP.
    pub tcp: SocketAddr,
    /// Its process.
    pub pid: u32,
    /// Worlds.
    pub worlds: Vec<World>,
}

/// A relay in a child process. It ends when dropped.
#[derive(Debug)]
pub struct RelayProcess {
    child: Child,
    /// What it offers.
    pub offer: Offer,
}

impl RelayProcess {
    /// Starts `program ... relay-host` and waits for its offer.
    ///
    /// # Errors
    /// The program does not start or says something else.
    pub fn start(program: &Program, spec: &RelaySpec) -> Result<Self> {
        let mut command = program.command();
        command.arg("relay-host");
        for (name, value) in [
            ("--worlds", spec.worlds.to_string()),
            ("--players", spec.players.to_string()),
            ("--app", spec.app.to_string()),
            ("--shards", spec.shards.to_string()),
        ] {
            command.args([name, &value]);
        }
        if spec.shared_key {
            command.arg("--shared-key");
        }
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(io_error("relay process"))?;
        let mut line = String::new();
        let read = match child.stdout.take() {
            Some(stdout) => BufReader::new(stdout.take(MAX_LINE)).read_line(&mut line),
            None => Ok(0),
        };
        let offer = read.map_err(io_error("relay process")).and_then(|_| {
            serde_json::from_str(&line).map_err(|error| LoadError::Other(format!("relay process: {error}")))
        });
        match offer {
            Ok(offer) => Ok(Self { child, offer }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }
}

impl Drop for RelayProcess {
    fn drop(&mut self) {
        // It ends with its standard input; a child that hangs is ended all the same.
        drop(self.child.stdin.take());
        for _ in 0..200 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The child's work: starts a relay, prints the offer, serves until standard input ends.
///
/// # Errors
/// The relay does not start.
pub fn serve(spec: &RelaySpec) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(io_error("runtime"))?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let (relay, offer) = start(spec, stop.clone()).await?;
        let text = serde_json::to_string(&offer).map_err(|error| LoadError::Other(error.to_string()))?;
        let mut out = std::io::stdout();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(io_error("standard output"))?;
        drop((text, offer));
        let ended = tokio::task::spawn_blocking(|| {
            let mut byte = [0];
            while matches!(std::io::stdin().read(&mut byte), Ok(1..)) {}
        });
        let _ = ended.await;
        stop.cancel();
        relay.stopped().await;
        Ok(())
    })
}

/// Starts a relay in this process, inside a tokio runtime, with worlds and keys for all players.
///
/// # Errors
/// The relay does not start.
pub async fn start(spec: &RelaySpec, stop: CancellationToken) -> Result<(medley_relay::RelayHandle, Offer)> {
    fn other(error: impl core::fmt::Display) -> LoadError {
        LoadError::Other(error.to_string())
    }
    let keys = Arc::new(KeyStore::embedded().map_err(other)?);
    let config = RelayConfig {
        max_worlds: spec.worlds,
        shards: spec.shards,
        shared_world_key: spec.shared_key,
        // The figures are to be the relay's own: all its limits are out of the way.
        messages_per_second: 0,
        bytes_per_second: 0,
        queue_bytes: 64 * 1024 * 1024,
        allotment_timeout: Duration::from_secs(600),
        game_timeout: Duration::from_secs(600),
        max_half_open_per_address: 4096,
        ..RelayConfig::ephemeral()
    };
    let relay = Relay::start(config, Arc::new(RelayTitle::default()), keys, stop).map_err(other)?;
    let mut worlds = Vec::new();
    for number in 0..spec.worlds {
        let id = relay.create_world(AppId(spec.app), 0).await.map_err(other)?;
        let mut keys = Vec::new();
        for player in 0..spec.players {
            let session = format!("{number}-{player}");
            let allotment = relay.allot(id, session.as_str().into()).await.map_err(other)?;
            let key = String::from_utf8_lossy(allotment.access_key.as_bytes()).into_owned();
            keys.push((session, key));
        }
        worlds.push(World { id: id.0, keys });
    }
    let offer = Offer { tcp: relay.tcp_addr(), pid: std::process::id(), worlds };
    Ok((relay, offer))
}
