//! Starting a relay, and what its owner can ask of it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use medley_crypto::{KEY_LEN, KeyStore, RsaKeyPair};
use medley_runtime::api::Role;
use medley_runtime::{Candidate, LoadError};
use medley_session::{Handshake, HandshakeRules, ServerConfig, ServerKind};
use medley_wire::types::{AppId, SessionKeyText};
use mio::net::TcpListener;
use mio::{Poll, Waker};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::config::{RelayConfig, RelayRules, UdpMode};
use crate::door::{self, Door, ShardLink};
use crate::metrics::{self, Counters, RelayCounters};
use crate::mgcl;
use crate::placement::Placement;
use crate::plugin::LobbyLink;
use crate::shard::{Command, Common, Notice, Shard};
use crate::sockets;
use crate::world::{Allotment, DmeWorldId, Refused};

/// Requests that may wait for a shard.
const COMMANDS: usize = 4096;
/// Notifications that may wait for the link to MPS.
const NOTICES: usize = 65_536;
/// How often numbers are handed to the metrics recorder.
const PUBLISH: Duration = Duration::from_secs(1);

/// Why a relay did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address is taken or not ours.
    #[error("cannot listen on {protocol} {address}: {source}")]
    Bind {
        /// `TCP` or `UDP`.
        protocol: &'static str,
        /// Address.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// The system gives no poll, waker or thread.
    #[error("cannot start a thread of the relay: {0}")]
    Thread(#[from] io::Error),
    /// No key for clients to encipher to.
    #[error("the key store holds no default server key")]
    NoKey,
}

/// Why a world was not made, joined or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorldError {
    /// As many worlds as there may be.
    #[error("no room for another world: {limit} are the limit")]
    TooMany {
        /// Worlds at one time.
        limit: u32,
    },
    /// The world does not exist or takes nobody.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The relay is stopping, or a shard is far behind.
    #[error("the relay does not answer")]
    Busy,
}

/// A running relay. Clones refer to the same one. It stops when the token given to [`Relay::start`] is cancelled.
#[derive(Clone)]
pub struct RelayHandle {
    inner: Arc<Inner>,
}

struct Inner {
    common: Arc<Common>,
    shards: Vec<ShardLink>,
    counters: Vec<Arc<Counters>>,
    tcp: SocketAddr,
    udp: Vec<SocketAddr>,
    keys: Arc<KeyStore>,
    stop: Arc<AtomicBool>,
    door: Arc<Waker>,
    /// Threads that ended unasked.
    lost: watch::Receiver<Vec<LostThread>>,
    /// Nobody can be served any more: the door or the last shard is gone.
    dead: AtomicBool,
    /// MPS took our attributes, and the link is up.
    joined: AtomicBool,
    done: tokio_util::task::TaskTracker,
}

impl Inner {
    /// Asks all threads to end.
    fn halt(&self) {
        self.stop.store(true, Ordering::Release);
        let _ = self.door.wake();
        for shard in &self.shards {
            shard.send(Command::Stop);
        }
    }
}

impl Inner {
    /// A thread is gone: MPS hears that its worlds have ended, and no new ones are placed there. Without the door, or
    /// without any shard, there is nothing to place: the link to MPS ends.
    fn give_up(&self, shard: Option<usize>) {
        let (worlds, alive) = match shard {
            Some(shard) => self.common.placement.close(shard),
            None => (Vec::new(), false),
        };
        for world in worlds {
            let _ = self.common.notices.try_send(Notice::Lost { world });
        }
        if let Some(counters) = shard.and_then(|shard| self.counters.get(shard)) {
            // Its own thread was the only writer.
            for gauge in [&counters.worlds, &counters.players, &counters.connections] {
                gauge.set(0);
            }
        }
        if !alive {
            self.dead.store(true, Ordering::Release);
        }
        let _ = self.common.notices.try_send(Notice::Load);
    }
}

impl Drop for Inner {
    /// A runtime that is dropped takes the relay's tasks with it: the threads must not be left behind.
    fn drop(&mut self) {
        self.halt();
    }
}

/// A thread of the relay.
#[derive(Clone, Debug)]
struct LostThread {
    name: String,
    /// `None`: the door.
    shard: Option<usize>,
}

/// Held by a thread of the relay: tells of its end, a panic too, unless the relay is stopping.
struct Watched {
    thread: LostThread,
    stop: Arc<AtomicBool>,
    lost: Arc<watch::Sender<Vec<LostThread>>>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.stop.load(Ordering::Acquire) {
            self.lost.send_modify(|lost| lost.push(self.thread.clone()));
        }
    }
}

/// See [`Relay::start`].
#[derive(Debug)]
pub struct Relay;

struct Handshakes(Arc<dyn RelayRules>);

impl HandshakeRules for Handshakes {
    fn for_app(&self, _: ServerKind, app: AppId) -> Option<Handshake> {
        Some(self.0.for_app(app).handshake)
    }
}

impl Relay {
    /// Starts the relay's threads and, if there is one to go to, its link to MPS. To be called inside a tokio runtime,
    /// which the link and the metrics use; the relay itself does not. Returns when all ports are open.
    ///
    /// # Errors
    /// A port is taken, the system is out of something, or `keys` has no default server key.
    pub fn start(
        config: RelayConfig,
        rules: Arc<dyn RelayRules>,
        keys: Arc<KeyStore>,
        shutdown: CancellationToken,
    ) -> Result<RelayHandle, StartError> {
        let config = RelayConfig { shards: config.shards.clamp(1, 64), ..config };
        let default_key = keys.default_server_key().ok_or(StartError::NoKey)?;
        let server = Arc::new(server_config(&config, &keys));
        let by_clock = first_world(server.unix_time_at_zero);
        let first = if config.first_world == 0 { by_clock } else { config.first_world };
        let (notices_in, notices_out) = mpsc::channel(NOTICES);
        let common = Arc::new(Common {
            placement: Placement::new(config.shards, config.max_worlds, first),
            rules: Arc::clone(&rules),
            started: Instant::now(),
            notices: notices_in,
            next_port: AtomicU32::new(0),
            public_address: AtomicU32::new(address_bits(config.public_address)),
            config: ArcSwap::from_pointee(config),
            lobby_link: OnceLock::new(),
            peers: OnceLock::new(),
        });
        let config = common.config.load_full();

        let address = SocketAddr::new(config.bind, config.tcp_port);
        let bind = |protocol, address| move |source| StartError::Bind { protocol, address, source };
        let listener = TcpListener::bind(address).map_err(bind("TCP", address))?;
        let tcp = listener.local_addr()?;
        let mut udp = Vec::new();
        let mut shards = Vec::new();
        let mut counters = Vec::new();
        let mut loops = Vec::new();
        for number in 0..config.shards {
            let port = match config.udp {
                UdpMode::Shared { port: 0 } | UdpMode::PortPerClient { .. } => 0,
                UdpMode::Shared { port } => port.saturating_add(number as u16),
            };
            let address = SocketAddr::new(config.bind, port);
            let socket = sockets::udp(address).map_err(bind("UDP", address))?;
            udp.push(socket.local_addr()?);
            let poll = Poll::new()?;
            let waker = Arc::new(Shard::waker(&poll)?);
            let (commands, receiver) = sync_channel(COMMANDS);
            let numbers = Arc::new(Counters::default());
            counters.push(Arc::clone(&numbers));
            let link = Arc::clone(&waker);
            loops.push(Shard::new(number, Arc::clone(&common), numbers, receiver, (poll, link), socket)?);
            shards.push(ShardLink { commands, waker });
        }
        // Set here and nowhere else.
        let _ = common.peers.set(shards.clone());
        let poll = Poll::new()?;
        let door_waker = Arc::new(Waker::new(poll.registry(), door::WAKER)?);
        let stop = Arc::new(AtomicBool::new(false));
        let numbers = Arc::new(Counters::default());
        counters.push(Arc::clone(&numbers));
        let door = Door {
            common: Arc::clone(&common),
            counters: numbers,
            poll,
            _waker: Arc::clone(&door_waker),
            listener,
            shards: shards.clone(),
            stop: Arc::clone(&stop),
            taken: Arc::new(AtomicUsize::new(0)),
            config: Arc::clone(&config),
            server,
            handshakes: Arc::new(Handshakes(rules)),
        };
        let (lost_in, lost) = watch::channel(Vec::new());
        let lost_in = Arc::new(lost_in);
        let watched = |name, shard| Watched {
            thread: LostThread { name, shard },
            stop: Arc::clone(&stop),
            lost: Arc::clone(&lost_in),
        };
        let mut threads = vec![spawn(watched("relay-door".to_owned(), None), move || door.run())?];
        for (number, shard) in loops.into_iter().enumerate() {
            threads.push(spawn(watched(format!("relay-{number}"), Some(number)), move || shard.run())?);
        }

        let done = tokio_util::task::TaskTracker::new();
        let link_keys = Arc::new(default_key.pair.clone());
        let handle = RelayHandle {
            inner: Arc::new(Inner {
                common,
                shards,
                counters,
                tcp,
                udp,
                keys,
                stop,
                door: door_waker,
                lost: lost.clone(),
                dead: AtomicBool::new(false),
                joined: AtomicBool::new(false),
                done: done.clone(),
            }),
        };
        done.spawn(mgcl::run(handle.clone(), link_keys, notices_out, shutdown.clone()));
        done.spawn(look_after(handle.clone(), shutdown, threads, lost));
        done.close();
        Ok(handle)
    }
}

fn spawn(watched: Watched, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(watched.thread.name.clone()).spawn(move || {
        let _watched = watched;
        body();
    })
}

/// An address as an atomic holds it; 0.0.0.0, which can be told to nobody, is none.
fn address_bits(address: Option<Ipv4Addr>) -> u32 {
    address.map_or(0, u32::from)
}

/// Publishes numbers, notices threads that end unasked, and stops them all in the end.
async fn look_after(
    handle: RelayHandle,
    shutdown: CancellationToken,
    threads: Vec<JoinHandle<()>>,
    mut lost: watch::Receiver<Vec<LostThread>>,
) {
    metrics::describe();
    let mut told = 0;
    let mut tick = tokio::time::interval(PUBLISH);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            _ = tick.tick() => metrics::publish(&handle.counters()),
            Ok(()) = lost.changed() => {
                let threads = lost.borrow_and_update();
                for LostThread { name, shard } in threads.iter().skip(told) {
                    tracing::error!(thread = name, "a thread of the relay ended unasked: what it served is lost until a restart");
                    handle.inner.give_up(*shard);
                }
                told = threads.len();
            }
        }
    }
    handle.inner.halt();
    // Joining blocks for as long as a turn takes.
    let joined = tokio::task::spawn_blocking(move || {
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the relay panicked");
            }
        }
    });
    let _ = joined.await;
    metrics::publish(&handle.counters());
}

/// Where the ids of worlds start: with the quarter minutes since the epoch, in their 16 bits, so that a console which
/// still holds an id from before a restart of the relay does not name somebody else's world. It would take four new
/// worlds a minute, all the time, for the ids to be ahead of the clock.
fn first_world(unix: Duration) -> u32 {
    (unix.as_secs() / 15 % 0xffff) as u32 + 1
}

fn server_config(config: &RelayConfig, keys: &KeyStore) -> ServerConfig {
    // The default first: nearly all clients encipher to it.
    let overrides = keys.overrides().filter_map(|(_, name)| keys.pair(name));
    let mut pairs: Vec<Arc<RsaKeyPair>> = Vec::new();
    for entry in keys.default_server_key().into_iter().chain(overrides) {
        if !pairs.iter().any(|pair| pair.public() == entry.pair.public()) {
            pairs.push(Arc::new(entry.pair.clone()));
        }
    }
    let mut server = ServerConfig::new(ServerKind::Dme, pairs);
    config.apply_to(&mut server);
    server.unix_time_at_zero = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    server
}

impl RelayHandle {
    /// Where TCP listens.
    #[must_use]
    pub fn tcp_addr(&self) -> SocketAddr {
        self.inner.tcp
    }

    /// Where UDP of the first shard listens (of no use to clients with a port per client).
    #[must_use]
    pub fn udp_addr(&self) -> SocketAddr {
        self.inner.udp.first().copied().unwrap_or(self.inner.tcp)
    }

    /// Where UDP listens, a socket a shard.
    #[must_use]
    pub fn udp_addrs(&self) -> &[SocketAddr] {
        &self.inner.udp
    }

    /// The settings that it runs with.
    #[must_use]
    pub fn config(&self) -> Arc<RelayConfig> {
        self.inner.common.config.load_full()
    }

    /// Takes other settings: limits at once, times and sizes for the connections and worlds that come from now on. Ports,
    /// the way of UDP, shards and the link to MPS stay what they are.
    pub fn reload(&self, config: RelayConfig) {
        let common = &self.inner.common;
        let RelayConfig { bind, tcp_port, udp, shards, mps, .. } = RelayConfig::clone(&common.config.load());
        let config = RelayConfig { bind, tcp_port, udp, shards, mps, ..config };
        common.placement.set_max_worlds(config.max_worlds);
        self.set_public_address(config.public_address);
        common.config.store(Arc::new(config));
    }

    /// The address that clients are told from now on; `None`: the one at which they reach the relay. MPS is told too.
    pub fn set_public_address(&self, address: Option<Ipv4Addr>) {
        let common = &self.inner.common;
        if common.public_address.swap(address_bits(address), Ordering::Relaxed) != address_bits(address) {
            // Wakes the link. A link that has so much to do finds the new address without it.
            let _ = common.notices.try_send(Notice::Load);
        }
    }

    /// The address that clients are told; `None`: the one at which they reach the relay.
    #[must_use]
    pub fn public_address(&self) -> Option<Ipv4Addr> {
        self.inner.common.public_address()
    }

    /// A thread, of the door or of a shard, ended though nobody stopped the relay: a defect, and what it served is lost.
    #[must_use]
    pub fn failed(&self) -> bool {
        !self.inner.lost.borrow().is_empty()
    }

    /// MPS took the relay's attributes and the link to it is up. Never, if the relay has no MPS to go to.
    #[must_use]
    pub fn joined(&self) -> bool {
        self.inner.joined.load(Ordering::Acquire)
    }

    /// Nobody can be served any more.
    pub(crate) fn is_dead(&self) -> bool {
        self.inner.dead.load(Ordering::Acquire)
    }

    pub(crate) fn set_joined(&self, joined: bool) {
        self.inner.joined.store(joined, Ordering::Release);
    }

    /// All numbers, at this moment.
    #[must_use]
    pub fn counters(&self) -> RelayCounters {
        let mut sum = RelayCounters::default();
        for counters in &self.inner.counters {
            sum.add(counters);
        }
        sum
    }

    /// The title of a world, while it lives.
    #[must_use]
    pub fn app_of(&self, world: DmeWorldId) -> Option<AppId> {
        self.inner.common.placement.find(world).map(|place| place.app_id)
    }

    /// The modulus that clients of a title encipher to, little-endian; zero where its title wants them in clear.
    #[must_use]
    pub fn server_key(&self, app: AppId) -> [u8; KEY_LEN] {
        if !self.inner.common.rules.for_app(app).enciphered {
            return [0; KEY_LEN];
        }
        self.inner.keys.server_key_for(app.0).map_or([0; KEY_LEN], |entry| entry.pair.public().modulus_le())
    }

    /// Makes a world for at most `max_clients` players; 0 leaves it to the title and the relay.
    ///
    /// # Errors
    /// There are as many worlds as there may be, or the relay is stopping.
    pub async fn create_world(&self, app_id: AppId, max_clients: u16) -> Result<DmeWorldId, WorldError> {
        let limit = self.inner.common.config.load().max_worlds;
        let (id, shard) = self.inner.common.placement.place(app_id).ok_or(WorldError::TooMany { limit })?;
        let max_clients = if max_clients == 0 { u16::MAX } else { max_clients };
        let made = self.ask(shard, |reply| Command::Create { id, app_id, max_clients, reply }).await;
        if made != Some(true) {
            self.inner.common.placement.remove(id);
            return Err(WorldError::Busy);
        }
        Ok(id)
    }

    /// Allots a place in a world to a session and mints the access key that opens it.
    ///
    /// # Errors
    /// No such world, it takes nobody, or the relay is stopping.
    pub async fn allot(&self, id: DmeWorldId, session_key: SessionKeyText) -> Result<Allotment, WorldError> {
        let place = self.inner.common.placement.find(id).ok_or(Refused::NoWorld(id))?;
        let answer = self.ask(place.shard, |reply| Command::Allot { id, session_key, reply }).await;
        Ok(answer.ok_or(WorldError::Busy)??)
    }

    /// Orders a world to end: when its last player leaves, or (`brutal`) now.
    ///
    /// # Errors
    /// No such world, or the relay is stopping.
    pub async fn end_world(&self, id: DmeWorldId, brutal: bool) -> Result<(), WorldError> {
        let place = self.inner.common.placement.find(id).ok_or(Refused::NoWorld(id))?;
        match self.ask(place.shard, |reply| Command::End { id, brutal, reply }).await {
            Some(true) => Ok(()),
            Some(false) => Err(Refused::NoWorld(id).into()),
            None => Err(WorldError::Busy),
        }
    }

    /// Puts a player out. `false`: there is nobody at this index.
    ///
    /// # Errors
    /// No such world, or the relay is stopping.
    pub async fn put_out(&self, id: DmeWorldId, index: u16) -> Result<bool, WorldError> {
        let place = self.inner.common.placement.find(id).ok_or(Refused::NoWorld(id))?;
        let answer = self.ask(place.shard, |reply| Command::PutOut { id, index, reply }).await;
        answer.ok_or(WorldError::Busy)
    }

    /// Threads that relay: a plugin that takes part in the relay has an instance in each.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.inner.shards.len()
    }

    /// Puts a title's plugin into the threads, instead of whatever serves: a candidate for each, made for the relay. What
    /// it gives are the refusals of threads that keep what they had.
    pub async fn install_plugin(&self, title: &str, candidates: Vec<Candidate>) -> Vec<LoadError> {
        let mut refusals = Vec::new();
        for (shard, candidate) in candidates.into_iter().enumerate() {
            let (title, candidate) = (title.to_owned(), Box::new(candidate));
            // A thread that is gone has no players.
            let installed = self.ask(shard, |reply| Command::InstallPlugin { title, candidate, reply }).await;
            match installed {
                Some(Err(refusal)) => refusals.push(refusal),
                Some(Ok(retired)) => drop(retired),
                None => {}
            }
        }
        refusals
    }

    /// Takes a title's plugin out of the threads.
    pub async fn remove_plugin(&self, title: &str) {
        for shard in 0..self.threads() {
            let title = title.to_owned();
            drop(self.ask(shard, |reply| Command::RemovePlugin { title, reply }).await);
        }
    }

    /// Ends the quarantine of a title's plugin.
    pub fn resume_plugin(&self, title: &str) {
        for shard in &self.inner.shards {
            shard.send(Command::ResumePlugin { title: title.to_owned() });
        }
    }

    /// Tells a title's plugin which of its settings have other values.
    pub fn plugin_settings_changed(&self, title: &str, changed: &[String]) {
        for shard in &self.inner.shards {
            shard.send(Command::PluginSettings { title: title.to_owned(), changed: changed.to_vec() });
        }
    }

    /// Hands a message of the plugin's instance in the lobby to those in the relay. `false`: one of them missed it.
    #[must_use]
    pub fn send_link(&self, title: &str, data: &[u8]) -> bool {
        let data: Arc<[u8]> = data.into();
        let mut all = true;
        for shard in &self.inner.shards {
            let (title, data) = (title.to_owned(), Arc::clone(&data));
            all &= shard.send(Command::Link { title, from: Role::Lobby, data });
        }
        all
    }

    /// Says how messages of plugins' instances in the relay get to those in the lobby. Once, at the start.
    pub fn set_lobby_link(&self, link: LobbyLink) {
        let _ = self.inner.common.lobby_link.set(link);
    }

    /// Waits until everything has stopped, after the token was cancelled.
    pub async fn stopped(&self) {
        self.inner.done.wait().await;
    }

    async fn ask<T>(&self, shard: usize, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let sent = self.inner.shards.get(shard)?.send(command(reply));
        if sent { answer.await.ok() } else { None }
    }
}

impl core::fmt::Debug for RelayHandle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RelayHandle").field("tcp", &self.inner.tcp).field("udp", &self.inner.udp).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_restart_ids_go_on_behind_those_that_were_given_out() {
        let start = Duration::from_secs(1_780_000_000);
        let first = first_world(start);
        assert!((1..=0xffff).contains(&first));
        // An hour later, with two hundred worlds made meanwhile.
        let second = first_world(start + Duration::from_secs(3600));
        assert!(second > first + 200, "{first} {second}");
        assert_eq!((first_world(Duration::ZERO), first_world(Duration::from_secs(0xfffe * 15))), (1, 0xffff));
        assert_eq!(first_world(Duration::from_secs(0xffff * 15)), 1);
    }
}
