//! Start, live reload and end of the servers.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use medley_crypto::KeyStore;
use medley_session::ServerKind;
use medley_store::{AccountId as StoredId, StoreHandle};
use medley_titles::{HostConfig, TitleSet};
use medley_universe::{EndReason, Kick, Reconfigure, Snapshot};
use medley_wire::AccountId;
use medley_wire::types::Text;
use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;
use tokio::net::{TcpListener, UdpSocket};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::actor::TitleHandle;
use crate::connection::{self, Listener};
use crate::events::Event;
use crate::limits::Turned;
use crate::probes;
use crate::shared::{Bound, Shared};

/// Connections that the system may hold for a listener that is busy.
const BACKLOG: i32 = 1024;
/// How long a listener rests when the system has no more file handles.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// What the servers are started with.
#[derive(Debug)]
pub struct ServerOptions {
    /// The host's configuration.
    pub config: HostConfig,
    /// The titles to serve.
    pub titles: TitleSet,
    /// Durable data.
    pub store: StoreHandle,
    /// Keys of the servers.
    pub keys: Arc<KeyStore>,
    /// The access key with which a game relay proves that it belongs to this host (`medley_relay::mps_access_key` of
    /// the shared secret). `None`: relays are taken from this machine only, without a key.
    pub relay_key: Option<Text<17>>,
    /// Cancelled: stop accepting, tell the clients, drain, end.
    pub shutdown: CancellationToken,
}

/// Why the servers did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A port is taken or forbidden.
    #[error("{server} cannot listen on {address}: {error}; set listen.{key} to another port, or 0 for any")]
    Bind {
        /// Name of the server.
        server: &'static str,
        /// Key of the port in `medley.toml`.
        key: &'static str,
        /// Where it was to listen.
        address: SocketAddr,
        /// The system's word.
        error: io::Error,
    },
    /// No key pair to open clients' keys with.
    #[error("the key store has no default server key; load one that has `medius_global`")]
    NoServerKey,
}

/// How often the gauges are shown.
const GAUGES_EVERY: Duration = Duration::from_secs(1);

/// The servers.
#[derive(Debug)]
pub struct Server;

/// Running servers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    shared: Arc<Shared>,
    connections: TaskTracker,
    shutdown: CancellationToken,
}

impl Server {
    /// Binds every listener and begins to serve.
    pub async fn start(options: ServerOptions) -> Result<ServerHandle, StartError> {
        let ServerOptions { config, titles, store, keys, relay_key, shutdown } = options;
        if keys.default_server_key().is_none() {
            return Err(StartError::NoServerKey);
        }
        let listen = config.listen.clone();
        let bind = listen.bind;
        let mut muis = vec![tcp("MUIS", "muis", bind, listen.muis)?];
        for port in &listen.muis_extra {
            muis.push(tcp("MUIS", "muis_extra", bind, *port)?);
        }
        let mas = tcp("MAS", "mas", bind, listen.mas)?;
        let mls = tcp("MLS", "mls", bind, listen.mls)?;
        let mps = tcp("MPS", "mps", bind, listen.mps)?;
        let nat = udp("NAT", "nat", bind, listen.nat)?;
        let maps = many(&listen.maps, |port| tcp("MAPS", "maps", bind, port))?;
        let mms = many(&listen.mms, |port| tcp("MMS", "mms", bind, port))?;
        let mucg = many(&listen.mucg, |port| tcp("MUCG", "mucg", bind, port))?;
        let bwps = many(&listen.bwps, |port| udp("BWPS", "bwps", bind, port))?;

        let shared = Arc::new(Shared::new(config, titles, store, keys, relay_key, shutdown.clone()));
        shared.set_bound(Bound {
            muis: addresses(&muis),
            mas: mas.1,
            mls: mls.1,
            mps: mps.1,
            nat: nat.1,
            maps: addresses(&maps),
            mms: addresses(&mms),
            mucg: addresses(&mucg),
            bwps: addresses(&bwps),
        });
        let connections = TaskTracker::new();
        let handle = ServerHandle { shared: Arc::clone(&shared), connections, shutdown: shutdown.clone() };
        for (listener, _) in muis {
            handle.listen(ServerKind::Muis, listener, Event::AcceptedMuis);
        }
        handle.listen(ServerKind::Mas, mas.0, Event::AcceptedMas);
        handle.listen(ServerKind::Mls, mls.0, Event::AcceptedMls);
        handle.listen(ServerKind::Mps, mps.0, Event::AcceptedMps);
        // Who comes to these needs no session and gets no other answers than at MUIS: the same door under other numbers.
        for (listeners, accepted) in
            [(maps, Event::AcceptedMaps), (mms, Event::AcceptedMms), (mucg, Event::AcceptedMucg)]
        {
            for (listener, _) in listeners {
                handle.listen(ServerKind::Muis, listener, accepted);
            }
        }
        let span = tracing::info_span!("nat");
        let nat = probes::serve(&probes::NAT, nat.0, Arc::clone(&shared), shutdown.clone());
        handle.connections.spawn(nat.instrument(span));
        for (socket, _) in bwps {
            let span = tracing::info_span!("bwps");
            let bwps = probes::serve(&probes::BWPS, socket, Arc::clone(&shared), shutdown.clone());
            handle.connections.spawn(bwps.instrument(span));
        }
        handle.connections.spawn(Self::look_after(Arc::clone(&shared), handle.shutdown.clone()));
        Ok(handle)
    }

    /// Looks bans up again for players who are online.
    async fn look_after(shared: Arc<Shared>, shutdown: CancellationToken) {
        let mut looked = Instant::now();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(GAUGES_EVERY) => {}
            }
            metrics::gauge!(crate::events::CONNECTIONS).set(shared.door.open());
            metrics::gauge!(crate::events::HALF_OPEN).set(shared.door.half_open());
            if looked.elapsed() >= shared.config().timeouts.ban_check {
                looked = Instant::now();
                put_out_banned(&shared).await;
            }
        }
    }
}

impl ServerHandle {
    /// Where the listeners are.
    pub fn bound(&self) -> &Bound {
        static NOWHERE: std::sync::LazyLock<Bound> = std::sync::LazyLock::new(|| {
            let nowhere = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);
            Bound {
                muis: Vec::new(),
                mas: nowhere,
                mls: nowhere,
                mps: nowhere,
                nat: nowhere,
                maps: Vec::new(),
                mms: Vec::new(),
                mucg: Vec::new(),
                bwps: Vec::new(),
            }
        });
        self.shared.bound().unwrap_or(&NOWHERE)
    }

    /// What connections and titles share.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// How often something happened.
    pub fn count(&self, event: Event) -> u64 {
        self.shared.counters.get(event)
    }

    /// Takes a new host configuration: limits, timeouts, texts and addresses hold at once. Ports keep until a restart.
    pub async fn reload_config(&self, config: HostConfig) {
        self.shared.set_config(config);
        self.reconfigure_titles().await;
    }

    /// Takes a new set of titles. Players online stay, also those of a title that is gone.
    pub async fn reload_titles(&self, titles: TitleSet) {
        self.shared.set_titles(titles);
        self.reconfigure_titles().await;
    }

    async fn reconfigure_titles(&self) {
        let titles = Arc::clone(&self.shared.titles());
        for handle in self.shared.running_titles() {
            let Some(title) = titles.title(handle.id().as_str()) else { continue };
            if handle.run(Reconfigure(self.shared.universe_config(title))).await.is_err() {
                tracing::error!(title = %handle.id(), "the title did not take its new configuration");
            }
        }
    }

    /// A title's live state, for operators; `None` if nobody asked for the title yet.
    pub async fn snapshot(&self, title: &str) -> Option<Snapshot> {
        let handle = self.title(title)?;
        handle.ask(|state| state.snapshot()).await.ok()
    }

    /// A title that runs.
    pub fn title(&self, id: &str) -> Option<TitleHandle> {
        self.shared.running_titles().into_iter().find(|handle| handle.id().as_str() == id)
    }

    /// Shows a text to everybody of a title, or of all.
    pub async fn announce(&self, title: Option<&str>, text: &str) {
        for handle in self.shared.running_titles() {
            if title.is_none_or(|title| handle.id().as_str() == title) {
                let _ = handle.announce(text).await;
            }
        }
    }

    /// Puts a player out. Says whether it was online.
    pub async fn kick(&self, title: &str, account: AccountId, banned: bool) -> bool {
        let reason = if banned { EndReason::Banned } else { EndReason::Kicked };
        match self.title(title) {
            Some(handle) => handle.run(Kick { account, reason }).await.unwrap_or(false),
            None => false,
        }
    }

    /// Looks bans up now for everybody who is online, instead of at the next round. Says how many were put out.
    pub async fn check_bans(&self) -> usize {
        put_out_banned(&self.shared).await
    }

    /// Hands the numbers of this moment to the installed metrics exporter: called when somebody reads them.
    pub fn refresh_gauges(&self) {
        metrics::gauge!(crate::events::CONNECTIONS).set(self.shared.door.open());
        metrics::gauge!(crate::events::HALF_OPEN).set(self.shared.door.half_open());
    }

    /// Waits for the end after the shutdown was asked for: connections are told to go and drained for
    /// `timeouts.drain`, then the titles end and what they have for the store is written. Says whether every connection
    /// ended in time.
    pub async fn wait(&self) -> bool {
        self.shutdown.cancelled().await;
        self.connections.close();
        let drain = self.shared.config().timeouts.drain;
        let drained = tokio::time::timeout(drain, self.connections.wait()).await.is_ok();
        self.shared.stop_titles.cancel();
        self.shared.tasks.close();
        let written = tokio::time::timeout(drain, self.shared.tasks.wait()).await.is_ok();
        if !written {
            tracing::error!("the titles' last effects are not written: the store is too slow");
        }
        drained && written
    }

    fn listen(&self, kind: ServerKind, listener: TcpListener, accepted: Event) {
        let prototype = Listener {
            shared: Arc::clone(&self.shared),
            config: self.shared.session_config(kind),
            rules: self.shared.handshake_rules(),
            shutdown: self.shutdown.clone(),
        };
        let (connections, shutdown) = (self.connections.clone(), self.shutdown.clone());
        let span = tracing::info_span!("listener", server = connection::kind_name(kind));
        self.connections.spawn(
            async move {
                loop {
                    let incoming = tokio::select! {
                        () = shutdown.cancelled() => return,
                        incoming = listener.accept() => incoming,
                    };
                    let (stream, peer) = match incoming {
                        Ok(incoming) => incoming,
                        Err(error) => {
                            tracing::warn!(%error, "accept failed");
                            tokio::time::sleep(ACCEPT_REST).await;
                            continue;
                        }
                    };
                    let shared = &prototype.shared;
                    let place = shared.door.enter(peer.ip(), &shared.config().limits, Instant::now());
                    let place = match place {
                        Ok(place) => place,
                        Err(turned) => {
                            // Dropping the stream closes it.
                            shared.counters.count(turned_event(turned));
                            continue;
                        }
                    };
                    shared.counters.count(accepted);
                    let _ = stream.set_nodelay(true);
                    // Its timeouts are those in force now.
                    let config = shared.session_config(kind);
                    let listener = Listener { config, ..prototype.clone() };
                    connections.spawn(connection::run(listener, stream, peer, place));
                }
            }
            .instrument(span),
        );
    }
}

fn turned_event(turned: Turned) -> Event {
    match turned {
        Turned::HostFull => Event::RefusedHostFull,
        Turned::AddressFull => Event::RefusedAddressFull,
        Turned::AddressTooFast => Event::RefusedAddressTooFast,
        Turned::HalfOpenFull => Event::RefusedHalfOpenFull,
    }
}

/// Kicks players whose account, address or machine was banned since they logged in (servers.md 13: every 60 s).
async fn put_out_banned(shared: &Arc<Shared>) -> usize {
    let mut put_out = 0;
    let now = shared.clock.unix_now();
    for handle in shared.running_titles() {
        let players = handle.ask(|state| {
            let players = state.sessions().filter_map(|session| Some((session.account?, session.client_ip)));
            players.collect::<Vec<_>>()
        });
        for (account, ip) in players.await.unwrap_or_default() {
            let (title, account_id) = (handle.id().clone(), StoredId::new(account.0));
            let banned = shared.store.read(move |store| {
                let machine_id = match account_id {
                    // Noted at the login.
                    Some(id) => store.account(&title, id)?.and_then(|account| account.machine_id),
                    None => None,
                };
                let query = medley_store::BanQuery {
                    title: Some(title),
                    account: account_id,
                    ip: Some(ip),
                    machine_id,
                };
                store.is_banned(&query, now)
            });
            match banned.await {
                Ok(None) => {}
                Ok(Some(_)) => {
                    put_out += usize::from(
                        handle.run(Kick { account, reason: EndReason::Banned }).await.unwrap_or(false),
                    );
                }
                Err(error) => {
                    tracing::warn!(%error, "bans cannot be looked up");
                    return put_out;
                }
            }
        }
    }
    put_out
}

fn socket(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if kind == Type::STREAM {
        // A host that restarts finds its ports free at once.
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    if kind == Type::STREAM {
        socket.listen(BACKLOG)?;
    }
    Ok(socket)
}

/// Binds each port of a list.
fn many<T>(
    ports: &[u16],
    bind: impl Fn(u16) -> Result<(T, SocketAddr), StartError>,
) -> Result<Vec<(T, SocketAddr)>, StartError> {
    ports.iter().map(|port| bind(*port)).collect()
}

fn addresses<T>(bound: &[(T, SocketAddr)]) -> Vec<SocketAddr> {
    bound.iter().map(|(_, address)| *address).collect()
}

fn tcp(
    server: &'static str,
    key: &'static str,
    bind: IpAddr,
    port: u16,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let address = SocketAddr::new(bind, port);
    let fail = |error| StartError::Bind { server, key, address, error };
    let socket = socket(address, Type::STREAM, Protocol::TCP).map_err(fail)?;
    let listener = TcpListener::from_std(socket.into()).map_err(fail)?;
    let local = listener.local_addr().map_err(fail)?;
    Ok((listener, local))
}

fn udp(
    server: &'static str,
    key: &'static str,
    bind: IpAddr,
    port: u16,
) -> Result<(UdpSocket, SocketAddr), StartError> {
    let address = SocketAddr::new(bind, port);
    let fail = |error| StartError::Bind { server, key, address, error };
    let socket = socket(address, Type::DGRAM, Protocol::UDP).map_err(fail)?;
    let socket = UdpSocket::from_std(socket.into()).map_err(fail)?;
    let local = socket.local_addr().map_err(fail)?;
    Ok((socket, local))
}
