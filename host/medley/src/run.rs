//! `medley run`: all servers in one process, until SIGTERM or Ctrl-C.
//!
//! Order of the start: store (its lock tells whether another host runs), control socket, servers, relay, console. Order
//! of the end: nothing new is accepted, clients are told, connections drain with a deadline, titles write what they
//! have, the store is flushed and let go. A second signal ends at once.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use medley_console::{Answer, Console, Source};
use medley_plugins::{Plugins, Status};
use medley_relay::{MpsLink, Relay, RelayHandle, TitleRelays};
use medley_server::{Server, ServerHandle, ServerOptions};
use medley_store::{StoreHandle, TitleId};
use medley_titles::{HostConfig, TitleSet};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cli::RunArgs;
use crate::operations::{Around, Operation};
use crate::plugins::{self, PluginOrder};
use crate::report::{self, Listener};
use crate::rules::relay_config;
use crate::setup::{self, Setup};
use crate::watch::Watch;
use crate::{Failure, control, exit, logging, process};

/// Time for the last answers to the operator when the players are gone.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Runs until it is told to stop.
pub(crate) fn run(mut setup: Setup, args: RunArgs) -> Result<(), Failure> {
    if let Some(address) = args.public_address {
        setup.config.public_address = Some(address);
    }
    logging::start(&setup.config.log).map_err(|error| Failure::new(exit::CONFIG, error))?;
    if let Some(descriptors) = process::raise_descriptor_limit()
        && descriptors < u64::from(setup.config.limits.max_connections) + 256
    {
        tracing::warn!(
            descriptors,
            max_connections = setup.config.limits.max_connections,
            "the system allows fewer open descriptors than limits.max_connections may need"
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(setup, args))
}

async fn serve(setup: Setup, args: RunArgs) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let metrics = if setup.config.metrics.enabled { Some(install_metrics()?) } else { None };
    let store = setup.open_store()?;
    let host = Host::start(setup, args.public_address, store).await?;
    host.offer_control()?;
    host.offer_console(metrics).await?;
    host.watch_files();
    host.announce_start(args.ready_file.as_deref())?;

    let second = loop {
        match signals.next().await {
            Asked::Reload => host.reload_and_log().await,
            Asked::Stop => break host.stop(&mut signals).await,
        }
    };
    if second { Err(interrupted()) } else { Ok(()) }
}

/// What a second signal means.
pub(crate) fn interrupted() -> Failure {
    Failure::new(exit::INTERRUPTED, anyhow::anyhow!("stopped at once by a second signal"))
}

/// A running host.
struct Host {
    inner: Arc<Inner>,
}

struct Inner {
    setup: Setup,
    public_address: Option<Ipv4Addr>,
    store: StoreHandle,
    server: ServerHandle,
    relay: Option<RelayHandle>,
    relays: Arc<TitleRelays>,
    plugins: Plugins,
    listeners: std::sync::Mutex<Vec<Listener>>,
    /// What is in force; the lock makes reloads one after the other.
    current: Mutex<(HostConfig, TitleSet)>,
    started: u64,
    draining: AtomicBool,
    shutdown: CancellationToken,
    /// Ends the console: after the players, so that `/ready` and `/metrics` tell of the drain.
    shutdown_console: CancellationToken,
    tasks: TaskTracker,
}

impl Host {
    async fn start(
        setup: Setup,
        public_address: Option<Ipv4Addr>,
        store: StoreHandle,
    ) -> Result<Self, Failure> {
        let shutdown = CancellationToken::new();
        let unavailable = |error: anyhow::Error| Failure::new(exit::UNAVAILABLE, error);
        let keys = Arc::new(setup::keys()?);
        let (config, titles) = (setup.config.clone(), setup.titles.clone());
        // In one process the two ends share a secret that nobody else has; relays elsewhere need the operator's.
        let secret = config.relay.secret.as_ref().map_or_else(random_secret, |secret| secret.0.clone());
        let server = Server::start(ServerOptions {
            config: config.clone(),
            titles: titles.clone(),
            store: store.clone(),
            keys: Arc::clone(&keys),
            relay_key: Some(medley_relay::mps_access_key(&secret)),
            shutdown: shutdown.clone(),
        })
        .await
        .map_err(|error| unavailable(error.into()))?;
        let relays = Arc::new(TitleRelays::new(&config, titles.clone()));
        let relay = if config.relay.enabled {
            let link = MpsLink::new(reachable(server.bound().mps), Some(secret));
            let rules: Arc<dyn medley_relay::RelayRules> = relays.clone();
            let relay = Relay::start(relay_config(&config, Some(link)), rules, keys, shutdown.clone());
            Some(relay.context("the game relay (listen.dme_tcp, listen.dme_udp)").map_err(unavailable)?)
        } else {
            None
        };
        let plugins = plugins::start(&config.data_dir, server.clone(), relay.clone()).await?;
        let listeners = std::sync::Mutex::new(listeners(&server, relay.as_ref()));
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let inner = Inner {
            setup,
            public_address,
            store,
            server,
            relay,
            relays,
            plugins,
            listeners,
            current: Mutex::new((config, titles)),
            started,
            draining: AtomicBool::new(false),
            shutdown,
            shutdown_console: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Opens the control socket and serves it.
    fn offer_control(&self) -> Result<(), Failure> {
        let inner = Arc::clone(&self.inner);
        let path = inner.setup.control_socket();
        let listener = control::bind(&path).map_err(|error| Failure::new(error.code(), error))?;
        let perform = move |operation: Operation| {
            let inner = Arc::clone(&inner);
            async move {
                tracing::info!(operation = ?Named(&operation), "operator");
                let around = Running(&inner);
                operation.perform(&inner.store, &around, setup::unix_now()).await
            }
        };
        let (tasks, shutdown) = (self.inner.tasks.clone(), self.inner.shutdown.clone());
        self.inner.tasks.spawn(control::serve(listener, perform, tasks, shutdown));
        Ok(())
    }

    async fn offer_console(&self, metrics: Option<PrometheusHandle>) -> Result<(), Failure> {
        let listen = &self.inner.setup.config.listen;
        let address = SocketAddr::new(listen.console_bind, listen.console);
        let console = Console::bind(address).await.map_err(|error| Failure::new(exit::UNAVAILABLE, error))?;
        let row = Listener {
            name: "console",
            transport: "TCP",
            address: console.address(),
            purpose: "JSON view, metrics, probes, for you alone",
        };
        self.inner.lock_listeners().push(row);
        let source: Arc<dyn Source> = self.inner.clone();
        self.inner.tasks.spawn(console.serve(source, metrics, self.inner.shutdown_console.clone()));
        Ok(())
    }

    /// Takes changed files up. A host without a watch still reloads by command.
    fn watch_files(&self) {
        let setup = &self.inner.setup;
        let files: Vec<PathBuf> =
            setup.config_file.iter().filter_map(|file| std::path::absolute(file).ok()).collect();
        let mut watch = match Watch::start(&files, &setup.config.games_dir) {
            Ok(watch) => watch,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "files are not watched; use `medley reload`");
                return;
            }
        };
        let inner = Arc::clone(&self.inner);
        self.inner.tasks.spawn(async move {
            loop {
                let changed = tokio::select! {
                    changed = watch.changed() => changed,
                    () = inner.shutdown.cancelled() => None,
                };
                if changed.is_none() {
                    return;
                }
                inner.reload_and_log().await;
            }
        });
    }

    fn announce_start(&self, ready_file: Option<&std::path::Path>) -> Result<(), Failure> {
        let inner = &self.inner;
        let listeners = inner.lock_listeners().clone();
        report::say(&report::banner(&inner.setup.config, &inner.setup.titles, &listeners))?;
        ready_file.map_or(Ok(()), |file| setup::write_ready(file, &listeners))
    }

    async fn reload_and_log(&self) {
        self.inner.reload_and_log().await;
    }

    /// Drains. True if a second signal ended it.
    async fn stop(self, signals: &mut Signals) -> bool {
        let inner = &self.inner;
        tracing::info!(deadline_seconds = inner.setup.config.timeouts.drain.as_secs(), "stopping");
        inner.draining.store(true, Ordering::Relaxed);
        let drain = async {
            inner.shutdown.cancel();
            let drained = inner.server.wait().await;
            if let Some(relay) = &inner.relay {
                relay.stopped().await;
            }
            inner.shutdown_console.cancel();
            inner.tasks.close();
            // A page or a control request that somebody never reads to its end does not keep the store open.
            if tokio::time::timeout(LAST_ANSWERS, inner.tasks.wait()).await.is_err() {
                tracing::warn!("an operator's request was cut off");
            }
            inner.store.close().await;
            drained
        };
        tokio::select! {
            drained = drain => {
                let _ = std::fs::remove_file(inner.setup.control_socket());
                tracing::info!(drained, "stopped");
                false
            }
            () = signals.stop() => true,
        }
    }
}

impl Inner {
    fn lock_listeners(&self) -> std::sync::MutexGuard<'_, Vec<Listener>> {
        self.listeners.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What holds is logged before plugins are compiled, which may take seconds.
    async fn reload_and_log(&self) {
        match self.take_in().await {
            Ok((lines, _)) => tracing::info!(changes = lines.join("; "), "configuration read again"),
            Err(error) => {
                tracing::error!(%error, "configuration not taken: the old one stays in force");
                return;
            }
        }
        let plugins = plugins::refresh(&self.plugins).await;
        if !plugins.is_empty() {
            tracing::info!(changes = plugins.join("; "), "plugins looked at again");
        }
    }

    /// For the operator's command, which answers when everything holds.
    async fn reload(&self) -> Result<Vec<String>, String> {
        let (lines, titles_changed) = self.take_in().await?;
        let plugins = plugins::refresh(&self.plugins).await;
        if !plugins.is_empty() && !titles_changed {
            // "nothing changed" would not be true.
            return Ok(plugins);
        }
        Ok(lines.into_iter().chain(plugins).collect())
    }

    /// Reads configuration and titles again: all of it or nothing. What changed, and whether titles did.
    async fn take_in(&self) -> Result<(Vec<String>, bool), String> {
        let mut current = self.current.lock().await;
        let (config, titles) = &mut *current;
        let mut new_config = self.setup.read_config().map_err(|failure| format!("{:#}", failure.error))?;
        if self.public_address.is_some() {
            new_config.public_address = self.public_address;
        }
        let (new_titles, title_changes) = titles
            .reload(&new_config.games_dir, new_config.default_titles)
            .map_err(|errors| errors.to_string())?;
        let lines = report::changes(&config.changes(&new_config), &title_changes);
        let live = config.live_part_of(&new_config);
        self.relays.replace(&live, new_titles.clone());
        if let Some(relay) = &self.relay {
            relay.reload(relay_config(&live, None));
        }
        self.server.reload_config(live.clone()).await;
        self.server.reload_titles(new_titles.clone()).await;
        (*config, *titles) = (live, new_titles);
        Ok((lines, !title_changes.is_empty()))
    }
}

impl Source for Inner {
    fn host(&self) -> Value {
        let titles = self.server.shared().titles();
        let titles: Vec<_> = titles.titles().iter().map(|title| title.id.as_str()).collect();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "started": self.started,
            "listeners": report::listeners_json(&self.lock_listeners()),
            "titles": titles,
            "relay": self.relay.as_ref().map(|relay| {
                relay.counters().rows().map(|(info, value)| (series(info), json!(value))).collect::<serde_json::Map<_, _>>()
            }),
        })
    }

    fn not_ready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.draining.load(Ordering::Relaxed) {
            // Its relay leaves MPS too, as it should.
            reasons.push("the host is stopping".into());
        } else if let Some(relay) = &self.relay {
            if relay.failed() {
                reasons.push("the game relay has stopped".into());
            }
            if !relay.joined() {
                reasons.push("the game relay has not joined MPS".into());
            }
        }
        reasons
    }

    fn refresh_gauges(&self) {
        self.server.refresh_gauges();
    }

    fn titles(&self) -> Answer<'_, Vec<Value>> {
        Box::pin(async move {
            let titles = Arc::clone(&self.server.shared().titles());
            let mut rows = Vec::new();
            for title in titles.titles() {
                let live = self.server.snapshot(&title.id).await;
                rows.push(json!({
                    "id": title.id,
                    "name": title.config.name,
                    "app_ids": title.apps.iter().map(|app| app.id).collect::<Vec<_>>(),
                    "players": live.as_ref().map_or(0, |live| live.players.len()),
                    "channels": live.as_ref().map_or(0, |live| live.channels.len()),
                    "games": live.as_ref().map_or(0, |live| live.games.len()),
                    "sessions": live.as_ref().map_or(0, |live| live.sessions),
                    "plugin": self.plugins.status(&title.id).await.ok().filter(Status::is_known),
                }));
            }
            rows
        })
    }

    fn title<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Value>> {
        Box::pin(async move {
            self.server.shared().titles().title(id)?;
            match self.server.snapshot(id).await {
                Some(live) => serde_json::to_value(live).ok(),
                None => Some(
                    json!({ "channels": [], "games": [], "players": [], "game_servers": [], "sessions": 0 }),
                ),
            }
        })
    }
}

/// Surroundings of an operation in a running host.
struct Running<'a>(&'a Inner);

impl Around for Running<'_> {
    fn titles(&self) -> Vec<String> {
        self.0.server.shared().titles().titles().iter().map(|title| title.id.clone()).collect()
    }

    async fn bans_changed(&self) -> Option<usize> {
        Some(self.0.server.check_bans().await)
    }

    async fn reload(&self) -> Result<Vec<String>, String> {
        self.0.reload().await
    }

    async fn plugin(&self, title: &TitleId, order: PluginOrder) -> Result<Vec<String>, String> {
        order.obey(&self.0.plugins, title.as_str()).await
    }
}

/// An operation without what it carries: passwords do not go into the log.
struct Named<'a>(&'a Operation);

impl std::fmt::Debug for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = serde_json::to_value(self.0).unwrap_or_default();
        f.write_str(value.get("operation").and_then(Value::as_str).unwrap_or("operation"))
    }
}

/// What the signals ask for.
enum Asked {
    Stop,
    Reload,
}

/// The signals that the host heeds.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hangup.recv() => Asked::Reload,
        }
    }

    /// Waits for SIGTERM or Ctrl-C.
    pub(crate) async fn stop(&mut self) {
        while !matches!(self.next().await, Asked::Stop) {}
    }
}

fn install_metrics() -> Result<PrometheusHandle, Failure> {
    let handle = PrometheusBuilder::new().install_recorder().context("metrics cannot be recorded")?;
    medley_server::describe_metrics();
    medley_runtime::metrics::describe();
    Ok(handle)
}

fn series(info: &medley_relay::MetricInfo) -> String {
    info.label.map_or_else(
        || info.name.to_owned(),
        |(label, value)| format!("{}{{{label}=\"{value}\"}}", info.name),
    )
}

fn random_secret() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}

/// An address that a listener can be reached at from its own machine.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}

fn listeners(server: &ServerHandle, relay: Option<&RelayHandle>) -> Vec<Listener> {
    let bound = server.bound();
    let row = |name, transport, address, purpose| Listener { name, transport, address, purpose };
    let mut rows: Vec<_> = bound
        .muis
        .iter()
        .map(|address| row("MUIS", "TCP", *address, "universe information: where games begin"))
        .collect();
    rows.push(row("MAS", "TCP", bound.mas, "login: where older games begin"));
    rows.push(row("MLS", "TCP", bound.mls, "lobby"));
    rows.push(row("MPS", "TCP", bound.mps, "game servers and hosting players"));
    rows.push(row("NAT", "UDP", bound.nat, "tells a console its outer address"));
    if let Some(relay) = relay {
        rows.push(row("DME", "TCP", relay.tcp_addr(), "game relay"));
        rows.extend(relay.udp_addrs().iter().map(|address| row("DME", "UDP", *address, "game relay")));
    }
    rows
}
