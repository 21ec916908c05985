//! A folder to run `medley` in, a process, a running host.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, SocketAddrV4, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use medley_crypto::KeyStore;
use medley_simulator::{Console, Dialect, Options};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Longest wait for a process: a busy machine with an unoptimised build is slow.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// All ports chosen by the system, loopback, hashes that cost nothing, and no limits on the one address that all consoles
/// of a test come from.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("MEDLEY_LISTEN_BIND", "127.0.0.1"),
    ("MEDLEY_LISTEN_MUIS", "0"),
    ("MEDLEY_LISTEN_MUIS_EXTRA", ""),
    ("MEDLEY_LISTEN_MAS", "0"),
    ("MEDLEY_LISTEN_MLS", "0"),
    ("MEDLEY_LISTEN_MPS", "0"),
    ("MEDLEY_LISTEN_NAT", "0"),
    ("MEDLEY_LISTEN_DME_TCP", "0"),
    ("MEDLEY_LISTEN_DME_UDP", "0"),
    ("MEDLEY_LISTEN_CONSOLE", "0"),
    ("MEDLEY_PASSWORD_MEMORY_KIB", "8"),
    ("MEDLEY_PASSWORD_ITERATIONS", "1"),
    ("MEDLEY_LIMITS_NEW_CONNECTIONS_PER_IP", "0"),
    // Few enough for the descriptors that any system allows.
    ("MEDLEY_LIMITS_MAX_CONNECTIONS", "200"),
    ("MEDLEY_LIMITS_MAX_CONNECTIONS_PER_IP", "200"),
    ("MEDLEY_LIMITS_NAT_PER_SECOND", "0"),
];

/// A working folder with the environment of its processes.
pub(crate) struct Place {
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
    processes: AtomicU32,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Standard output of a command that succeeded.
    pub(crate) fn done(self) -> Result<String> {
        ensure!(self.code == Some(0) && self.err.is_empty(), "{self:?}");
        Ok(self.out)
    }

    /// Standard error of a command that ended with `code` and printed nothing else.
    pub(crate) fn failed(self, code: i32) -> Result<String> {
        ensure!(self.code == Some(code) && self.out.is_empty(), "wanted exit code {code}: {self:?}");
        Ok(self.err)
    }
}

impl Place {
    pub(crate) fn new() -> Result<Self> {
        let environment = ENVIRONMENT.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        Ok(Self { folder: tempfile::tempdir()?, environment, processes: AtomicU32::new(0) })
    }

    /// With another variable.
    pub(crate) fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        self.environment.retain(|(known, _)| *known != key);
        self.environment.push((key, value.to_string()));
        self
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, with its folders.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        fs::write(&path, text)?;
        Ok(path)
    }

    /// `medley` in this folder and environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_medley"));
        let environment = self.environment.iter().map(|(key, value)| (key, value));
        command.args(args).current_dir(&self.folder).env_clear().envs(environment);
        command
    }

    /// Starts `medley`, its output in files of the folder.
    pub(crate) fn spawn(&self, args: &[&str], input: &str) -> Result<Process> {
        let number = self.processes.fetch_add(1, Ordering::Relaxed);
        let [out, err] = ["out", "err"].map(|stream| self.path(format!("process-{number}.{stream}")));
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(File::create(&out)?)
            .stderr(File::create(&err)?)
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // Who does not read its input has closed it.
            let _ = stdin.write_all(input.as_bytes());
        }
        Ok(Process { child, out, err })
    }

    /// Runs a command to its end.
    pub(crate) fn medley(&self, args: &[&str]) -> Result<Said> {
        self.medley_with(args, "")
    }

    /// The same with standard input.
    pub(crate) fn medley_with(&self, args: &[&str], input: &str) -> Result<Said> {
        let mut process = self.spawn(args, input)?;
        let code = process.wait().with_context(|| format!("medley {args:?}"))?.code();
        Ok(Said { code, out: process.out()?, err: process.err()? })
    }

    /// Starts a host and waits until everything listens.
    pub(crate) fn host(&self) -> Result<Host> {
        self.listener(&["run"])
    }

    /// Starts a command that listens, and waits until it does.
    pub(crate) fn listener(&self, args: &[&str]) -> Result<Host> {
        let mut starting = self.starting(args)?;
        starting.wait_ready()?;
        starting.ready()
    }

    /// Starts a command that will listen.
    pub(crate) fn starting(&self, args: &[&str]) -> Result<Starting> {
        let ready = self.path(format!("ready-{}.json", self.processes.load(Ordering::Relaxed)));
        let file = ready.to_str().context("a path that is no text")?;
        let process = self.spawn(&[args, &["--ready-file", file]].concat(), "")?;
        Ok(Starting { process, file: ready })
    }
}

/// A process; it is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Process {
    pub(crate) fn out(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.out)?)
    }

    /// What it has written to standard error so far: its log.
    pub(crate) fn err(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.err)?)
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(Instant::now() < until, "it does not end; its log:\n{}", self.err()?);
            std::thread::sleep(LOOK);
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, as a rule.
        let _ = self.kill();
    }
}

/// A host on its way up.
pub(crate) struct Starting {
    pub(crate) process: Process,
    file: PathBuf,
}

impl Starting {
    pub(crate) fn wait_ready(&mut self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        while !self.file.exists() {
            if let Some(status) = self.process.child.try_wait()? {
                bail!("the host ended at its start ({status}):\n{}", self.process.err()?);
            }
            ensure!(Instant::now() < until, "the host does not start:\n{}", self.process.err()?);
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// The host, once it is ready.
    pub(crate) fn ready(self) -> Result<Host> {
        let listeners = serde_json::from_str(&fs::read_to_string(&self.file)?)?;
        let key = KeyStore::embedded()?.default_server_key().context("no server key")?.pair.public().clone();
        Ok(Host { process: self.process, listeners, key })
    }
}

/// A host that listens.
pub(crate) struct Host {
    pub(crate) process: Process,
    listeners: Value,
    key: medley_crypto::RsaPublicKey,
}

impl Host {
    /// Where a server listens.
    pub(crate) fn address(&self, server: &str, transport: &str) -> Result<SocketAddrV4> {
        let rows = self.listeners.as_array().context("no list of listeners")?;
        let row = rows.iter().find(|row| row["name"] == server && row["transport"] == transport);
        let address = row.and_then(|row| row["address"].as_str()).and_then(|text| text.parse().ok());
        address.with_context(|| format!("{server} over {transport} is not in {}", self.listeners))
    }

    pub(crate) fn mas(&self) -> Result<SocketAddrV4> {
        self.address("MAS", "TCP")
    }

    pub(crate) fn listeners(&self) -> &Value {
        &self.listeners
    }

    /// Options of consoles that know the host's key.
    pub(crate) fn options(&self, dialect: Dialect) -> Result<Options> {
        let mut options = Options::new(dialect, self.key.clone())?;
        options.timeout = PATIENCE;
        Ok(options)
    }

    pub(crate) fn console(&self, dialect: Dialect, seed: u64) -> Result<Console> {
        Ok(Console::new(Arc::new(self.options(dialect)?.seed(seed))))
    }

    /// A console in the lobby, with an account of its own.
    pub(crate) async fn player(&self, dialect: Dialect, seed: u64, name: &str) -> Result<Console> {
        let mut console = self.console(dialect, seed)?;
        console.begin_session(self.mas()?).await?;
        console.register(name, "secret").await?;
        console.try_login(name, "secret").await?;
        console.leave_lobby().await?;
        console.enter_lobby().await?;
        Ok(console)
    }

    /// A page of the operator's console: status and text.
    pub(crate) fn page(&self, path: &str) -> Result<(u16, String)> {
        let address = SocketAddr::from(self.address("console", "TCP")?);
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no end of the head")?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok((status.with_context(|| format!("no status in {head:?}"))?, body.to_owned()))
    }

    /// A page that is JSON.
    pub(crate) fn json(&self, path: &str) -> Result<Value> {
        let (status, text) = self.page(path)?;
        ensure!(status == 200, "{path} answered {status}: {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// A series of `/metrics`, by its name and labels as they stand there; 0 if it is not there.
    pub(crate) fn metric(&self, series: &str) -> Result<f64> {
        let (_, text) = self.page("/metrics")?;
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        Ok(value.map_or(Ok(0.0), str::parse)?)
    }

    /// Waits until `holds`; an error shows what was seen last.
    pub(crate) async fn until<T: std::fmt::Debug>(
        &self,
        what: &str,
        mut look: impl FnMut(&Self) -> Result<T>,
        holds: impl Fn(&T) -> bool,
    ) -> Result<T> {
        let until = Instant::now() + PATIENCE;
        loop {
            let seen = look(self)?;
            if holds(&seen) {
                return Ok(seen);
            }
            ensure!(Instant::now() < until, "{what} never: {seen:?}; the log:\n{}", self.process.err()?);
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until a relay serves the title.
    pub(crate) async fn relay_joined(&self, title: &str) -> Result<()> {
        let path = format!("/api/v1/titles/{title}");
        let there = |title: &Value| title["game_servers"].as_array().is_some_and(|rows| !rows.is_empty());
        self.until("a relay joins", |host| host.json(&path), there).await.map(drop)
    }

    /// SIGTERM, and the end.
    pub(crate) fn stop(&mut self) -> Result<ExitStatus> {
        self.process.signal(Signal::TERM)?;
        self.process.wait()
    }
}
