//! A whole host in the test's process: store, servers, relay, every port chosen by the system.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use medley_crypto::{KeyStore, RsaKeyPair};
use medley_relay::{MpsLink, Relay, RelayConfig, RelayHandle, TitleRelays, mps_access_key};
use medley_server::{Server, ServerHandle, ServerOptions};
use medley_simulator::{Console, Dialect, Options};
use medley_store::{AccountId, Database, HandleOptions, MemoryEngine, PasswordOptions, StoreHandle, TitleId};
use medley_titles::{HostConfig, TitleSet};
use medley_universe::Snapshot;
use medley_wire::AppId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Longest wait for the host to come to rest.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a test host and its game servers share.
pub const SECRET: &str = "whole-stack tests";

/// What a test changes about its host.
#[derive(Debug)]
pub struct HostSetup {
    /// Configuration. The ports are 0 and the limits wide: all consoles of a test come from one address.
    pub config: HostConfig,
    /// Titles.
    pub titles: TitleSet,
    /// The relay.
    pub relay: RelayConfig,
}

impl HostSetup {
    /// The shipped titles.
    ///
    /// # Errors
    /// A shipped title is broken.
    pub fn new() -> Result<Self> {
        let mut config = HostConfig::ephemeral();
        config.limits.max_connections_per_ip = 20_000;
        config.limits.new_connections_per_ip = 20_000;
        config.limits.new_connections_burst = 20_000;
        config.limits.nat_per_second = 20_000;
        let relay = RelayConfig { max_half_open_per_address: 4096, ..RelayConfig::ephemeral() };
        Ok(Self { config, titles: TitleSet::built_in()?, relay })
    }

    /// Every wait for a console that does not come back is `patience`, so that a test sees its end.
    #[must_use]
    pub fn impatient(mut self, patience: Duration) -> Self {
        let timeouts = &mut self.config.timeouts;
        for timeout in [
            &mut timeouts.auth,
            &mut timeouts.client,
            &mut timeouts.farewell,
            &mut timeouts.session,
            &mut timeouts.keep_alive_grace,
            &mut timeouts.game,
            &mut timeouts.access_key,
            &mut self.config.relay.game_timeout,
            &mut self.config.relay.client_timeout,
            &mut self.relay.allotment_timeout,
            &mut self.relay.game_timeout,
            &mut self.relay.handshake_timeout,
            &mut self.relay.client_timeout,
        ] {
            *timeout = patience;
        }
        // The relay's link to MPS is heard of by its answers to these.
        self.config.timeouts.server_echo = patience / 4;
        self
    }

    /// With one title more, or one instead of the shipped.
    ///
    /// # Errors
    /// Its game.toml is wrong.
    pub fn titles(mut self, titles: &[(&str, &str)]) -> Result<Self> {
        self.titles = TitleSet::from_texts(titles.iter().map(|(id, text)| (*id, "test", *text)))?;
        Ok(self)
    }

    /// Starts it.
    ///
    /// # Errors
    /// A port, a thread, a key.
    pub async fn start(self) -> Result<TestHost> {
        let Self { config, titles, relay } = self;
        let database = Database::<MemoryEngine>::in_memory()?;
        let options = HandleOptions { passwords: PasswordOptions::cheapest(), ..HandleOptions::default() };
        let store = StoreHandle::new(Arc::new(database), &options)?;
        let keys = Arc::new(KeyStore::embedded()?);
        let shutdown = CancellationToken::new();
        let secret = SECRET.to_owned();
        let server = Server::start(ServerOptions {
            config: config.clone(),
            titles: titles.clone(),
            store: store.clone(),
            keys: Arc::clone(&keys),
            relay_key: Some(mps_access_key(&secret)),
            shutdown: shutdown.clone(),
        })
        .await?;
        let relay = Relay::start(
            RelayConfig { mps: Some(MpsLink::new(server.bound().mps, Some(secret))), ..relay },
            Arc::new(TitleRelays::new(&config, titles)),
            Arc::clone(&keys),
            shutdown.clone(),
        )?;
        let host = TestHost { server, relay, store, keys, shutdown };
        host.relay_joined().await?;
        Ok(host)
    }
}

/// A running host.
pub struct TestHost {
    /// MUIS, MAS, MLS, MPS, NAT.
    pub server: ServerHandle,
    /// DME.
    pub relay: RelayHandle,
    /// Durable data, in memory.
    pub store: StoreHandle,
    keys: Arc<KeyStore>,
    shutdown: CancellationToken,
}

fn v4(address: SocketAddr) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, address.port())
}

impl TestHost {
    /// A host with the shipped titles.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start() -> Result<Self> {
        HostSetup::new()?.start().await
    }

    /// MUIS.
    ///
    /// # Errors
    /// It does not listen.
    pub fn muis(&self) -> Result<SocketAddrV4> {
        self.server.bound().muis.first().copied().map(v4).context("no MUIS")
    }

    /// MAS.
    pub fn mas(&self) -> SocketAddrV4 {
        v4(self.server.bound().mas)
    }

    /// MLS.
    pub fn mls(&self) -> SocketAddrV4 {
        v4(self.server.bound().mls)
    }

    /// MPS.
    pub fn mps(&self) -> SocketAddrV4 {
        v4(self.server.bound().mps)
    }

    /// NAT.
    pub fn nat(&self) -> SocketAddrV4 {
        v4(self.server.bound().nat)
    }

    /// Options of a console that knows this host's key.
    ///
    /// # Errors
    /// No key.
    pub fn options(&self, dialect: Dialect) -> Result<Options> {
        // One pair for all consoles of all tests: making it is the slowest thing a console does.
        static OWN: std::sync::OnceLock<Arc<RsaKeyPair>> = std::sync::OnceLock::new();
        let key = self.keys.default_server_key().context("no server key")?.pair.public().clone();
        let own = match OWN.get() {
            Some(own) => Arc::clone(own),
            None => {
                let made = Options::new(dialect, key.clone())?.own_key;
                Arc::clone(OWN.get_or_init(|| made))
            }
        };
        Ok(Options::with_keys(dialect, own, key))
    }

    /// A console of this dialect.
    ///
    /// # Errors
    /// No key.
    pub fn console(&self, dialect: Dialect, seed: u64) -> Result<Console> {
        Ok(Console::new(Arc::new(self.options(dialect)?.seed(seed))))
    }

    /// Makes an account in the title of `app`.
    ///
    /// # Errors
    /// The name is taken.
    pub async fn account(&self, app: AppId, name: &str, password: &str) -> Result<AccountId> {
        let title = self.title_of(app)?;
        let account = self.store.create_account(&title, name.into(), Some(password.as_bytes()), 0).await?;
        Ok(account.id)
    }

    /// Key of the title of `app` in the store.
    ///
    /// # Errors
    /// No title has it.
    pub fn title_of(&self, app: AppId) -> Result<TitleId> {
        let titles = self.server.shared().titles();
        let found = titles.lookup(app.0).with_context(|| format!("no title has app id {app}"))?;
        Ok(TitleId::new(&found.title().id)?)
    }

    /// The live state of the title of `app`; `None` if nobody was there yet.
    pub async fn snapshot(&self, app: AppId) -> Option<Snapshot> {
        let title = self.title_of(app).ok()?;
        self.server.snapshot(title.as_str()).await
    }

    /// Waits until `holds` of the title of `app`.
    ///
    /// # Errors
    /// It never does; the error shows the last state.
    pub async fn until(&self, app: AppId, holds: impl Fn(&Snapshot) -> bool) -> Result<Snapshot> {
        let until = Instant::now() + PATIENCE;
        loop {
            let snapshot = self.snapshot(app).await;
            if let Some(snapshot) = snapshot.as_ref().filter(|snapshot| holds(snapshot)) {
                return Ok(snapshot.clone());
            }
            if Instant::now() >= until {
                bail!("the title's state is still {snapshot:#?}");
            }
            rest().await;
        }
    }

    /// Waits until nobody is online in the title of `app`, no game is left and no channel but the configured ones, and
    /// the relay has no world.
    ///
    /// # Errors
    /// Something stays behind.
    pub async fn until_empty(&self, app: AppId) -> Result<()> {
        self.until(app, |snapshot| {
            snapshot.players.is_empty()
                && snapshot.sessions == 0
                && snapshot.games.is_empty()
                && snapshot.channels.iter().all(|channel| channel.persistent)
        })
        .await?;
        self.relay_empty().await
    }

    /// Waits until the relay has neither players nor worlds.
    ///
    /// # Errors
    /// It keeps some.
    pub async fn relay_empty(&self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let counters = self.relay.counters();
            let rows: Vec<_> = counters
                .rows()
                .filter(|(info, value)| info.kind == medley_relay::MetricKind::Gauge && *value > 0)
                .map(|(info, value)| format!("{} {value}", info.name))
                .filter(|row| row.contains("worlds") || row.contains("players"))
                .collect();
            if rows.is_empty() {
                return Ok(());
            }
            if Instant::now() >= until {
                bail!("the relay still has {rows:?}");
            }
            rest().await;
        }
    }

    /// Has the title of `app` run: it does from the first question on.
    ///
    /// # Errors
    /// No title has it.
    pub fn run_title(&self, app: AppId) -> Result<()> {
        let titles = self.server.shared().titles();
        let title = titles.lookup(app.0).map(|found| Arc::clone(found.title())).context("no title to ask")?;
        self.server.shared().title(&title).map(drop).context("the title does not start")
    }

    async fn relay_joined(&self) -> Result<()> {
        // Any title shows the relays that joined.
        let titles = self.server.shared().titles();
        let app = titles.titles().iter().find_map(|title| title.apps.first());
        let app = AppId(app.context("no title")?.id);
        self.run_title(app)?;
        let joined = self.until(app, |snapshot| !snapshot.game_servers.is_empty()).await;
        joined.map(drop).context("the relay did not join MPS")
    }

    /// Stops it and waits for the end.
    pub async fn stop(self) -> bool {
        self.shutdown.cancel();
        let drained = self.server.wait().await;
        self.relay.stopped().await;
        drained
    }
}

impl Drop for TestHost {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Lets everything else run.
async fn rest() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}
