//! Our own program, started again: as a relay by itself, and as a host with its limits out of the way.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::fleet::{LoadError, Result, io_error};

/// A host that is not ready by then will not be.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a host is given to end in order.
const DRAIN: Duration = Duration::from_secs(15);
/// What a measurement needs: ports of the system's choice, and no limit per address or player.
const ENVIRONMENT: [(&str, &str); 14] = [
    ("MEDLEY_LISTEN_MUIS", "0"),
    ("MEDLEY_LISTEN_MUIS_EXTRA", "0"),
    ("MEDLEY_LISTEN_MAS", "0"),
    ("MEDLEY_LISTEN_MLS", "0"),
    ("MEDLEY_LISTEN_MPS", "0"),
    ("MEDLEY_LISTEN_NAT", "0"),
    ("MEDLEY_LISTEN_DME_TCP", "0"),
    ("MEDLEY_LISTEN_DME_UDP", "0"),
    ("MEDLEY_LISTEN_CONSOLE", "0"),
    ("MEDLEY_LIMITS_NEW_CONNECTIONS_PER_IP", "0"),
    ("MEDLEY_LIMITS_MAX_CONNECTIONS_PER_IP", "20000"),
    ("MEDLEY_LIMITS_MESSAGES_PER_SECOND", "0"),
    ("MEDLEY_LIMITS_RELAY_MESSAGES_PER_SECOND", "0"),
    ("MEDLEY_LIMITS_RELAY_BYTES_PER_SECOND", "0"),
];

/// The program that the load tool is part of.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    /// What leads to the load tool's own commands.
    load: &'static [&'static str],
    /// What runs a host, if the program is one.
    host: Option<&'static str>,
}

impl Program {
    /// A program at `path`, whose arguments `load` lead here and whose command `host` runs a host.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, load: &'static [&'static str], host: Option<&'static str>) -> Self {
        Self { path: path.into(), load, host }
    }

    /// The running program.
    ///
    /// # Errors
    /// The system does not say where it is.
    pub fn running(load: &'static [&'static str], host: Option<&'static str>) -> Result<Self> {
        let path = std::env::current_exe().map_err(io_error("own program"))?;
        Ok(Self::new(path, load, host))
    }

    /// The load tool again, its command still to be named.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(self.load);
        command
    }
}

/// A host on loopback with a store of its own in a folder for temporary files. It ends, and the folder goes, on drop.
#[derive(Debug)]
pub struct HostProcess {
    child: Child,
    folder: PathBuf,
    /// MAS.
    pub mas: SocketAddr,
}

impl HostProcess {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// The program is no host, or does not come up.
    pub fn start(program: &Program) -> Result<Self> {
        let Some(host) = program.host else {
            return Err(LoadError::Other("say which server: --mas, --muis or --ready-file".to_owned()));
        };
        let folder = std::env::temp_dir().join(format!("medley-load-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(io_error("folder of the host"))?;
        let ready = folder.join("ready.json");
        let log = File::create(folder.join("log")).map_err(io_error("log of the host"))?;
        let mut command = Command::new(&program.path);
        command.arg("--data").arg(folder.join("data")).arg(host).arg("--ready-file").arg(&ready);
        command.envs(ENVIRONMENT);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(io_error("log of the host"))?)
            .stderr(log);
        let child = command.spawn().map_err(io_error("host"))?;
        let unspecified = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut host = Self { child, folder, mas: unspecified };
        let start = Instant::now();
        loop {
            if let Ok(mas) = mas_of(&ready) {
                host.mas = mas;
                return Ok(host);
            }
            let ended = host.child.try_wait().map_err(io_error("host"))?;
            if ended.is_some() || start.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(host.folder.join("log")).unwrap_or_default();
                let last = log.lines().last().unwrap_or("nothing").to_owned();
                return Err(LoadError::Other(format!("the host did not come up; it said: {last}")));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for HostProcess {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let start = Instant::now();
        while start.elapsed() < DRAIN && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// MAS in a ready file: a JSON list of `{name, transport, address}`.
///
/// # Errors
/// The file is not there yet, or names no MAS.
pub fn mas_of(file: &Path) -> Result<SocketAddr> {
    let other = |error: &dyn core::fmt::Display| LoadError::Other(format!("{}: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| other(&error))?;
    let listeners: Vec<serde_json::Value> = serde_json::from_str(&text).map_err(|error| other(&error))?;
    let mas = listeners.iter().find(|listener| listener.get("name").is_some_and(|name| name == "MAS"));
    let address = mas.and_then(|listener| listener.get("address")?.as_str()?.parse::<SocketAddr>().ok());
    let mut address = address.ok_or_else(|| other(&"names no MAS"))?;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    Ok(address)
}
