//! The door: one thread that accepts TCP connections and takes them through the handshake up to their access key. RSA
//! is done here, so that it never delays a relayed packet, and a crowd of half-open connections crowds nobody else.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use medley_session::{ConnectRequest, Event, HandshakeRules, ServerConfig, ServerSession, State, Time};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use rand::rngs::{OsRng, StdRng};
use rand::{RngCore, SeedableRng};

use crate::config::RelayConfig;
use crate::metrics::Counters;
use crate::player::Seat;
use crate::shard::{Arrival, Command, Common};
use crate::world::AccessKey;

pub(crate) const WAKER: Token = Token(0);
const LISTENER: Token = Token(1);
const FIRST: usize = 2;

/// Bytes up to CONNECT, at most: a hello, a key and a CONNECT have some 200, an echo or two come on top. Without this a
/// peer whose echoes never cease would have the door for itself, since a connection is read until nothing is left.
const MAX_HANDSHAKE: usize = 16 * 1024;
/// More than any handshake has under way.
const CHUNK: usize = 8 * 1024;
/// How often deadlines of half-open connections are looked at.
const SWEEP: Duration = Duration::from_millis(500);
/// Addresses that are remembered at one time.
const MAX_SOURCES: usize = 65_536;
/// After an error that accepting again at once would only repeat (no descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The way to a shard.
#[derive(Clone)]
pub(crate) struct ShardLink {
    pub(crate) commands: SyncSender<Command>,
    pub(crate) waker: Arc<Waker>,
}

impl ShardLink {
    /// `false`: the shard is gone, or far behind.
    pub(crate) fn send(&self, command: Command) -> bool {
        let sent = match self.commands.try_send(command) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        };
        // A shard that is behind is awake anyway, but a lost wake-up would be worse than one too many.
        self.waker.wake().is_ok() && sent
    }
}

struct Half {
    stream: TcpStream,
    session: ServerSession,
    peer: SocketAddrV4,
    seat: Seat,
    received: usize,
}

pub(crate) struct Door {
    pub(crate) common: Arc<Common>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) poll: Poll,
    /// Held so that a wake-up outlives whoever sent it: dropping the last waker takes its events along.
    pub(crate) _waker: Arc<Waker>,
    pub(crate) listener: TcpListener,
    pub(crate) shards: Vec<ShardLink>,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) taken: Arc<AtomicUsize>,
    /// In force, as of the last turn.
    pub(crate) config: Arc<RelayConfig>,
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) handshakes: Arc<dyn HandshakeRules + Send + Sync>,
}

/// An address that connections come from.
struct Source {
    /// Half-open ones.
    open: usize,
    /// New ones that may come at once.
    tokens: f32,
    /// When the tokens were counted.
    at: Time,
}

impl Source {
    fn fill(&mut self, config: &RelayConfig, now: Time) {
        let gained = now.since(self.at).as_secs_f32() * config.new_connections_per_address as f32;
        self.tokens = (self.tokens + gained).min(config.new_connections_burst.max(1) as f32);
        self.at = now;
    }

    /// Whether one more connection may come.
    fn take(&mut self, config: &RelayConfig, now: Time) -> bool {
        if config.new_connections_per_address == 0 {
            return true;
        }
        self.fill(config, now);
        let may = self.tokens >= 1.0;
        if may {
            self.tokens -= 1.0;
        }
        may
    }

    /// Nothing is to be remembered about it.
    fn is_quiet(&mut self, config: &RelayConfig, now: Time) -> bool {
        self.fill(config, now);
        let full = self.tokens >= config.new_connections_burst.max(1) as f32;
        self.open == 0 && (full || config.new_connections_per_address == 0)
    }
}

struct Hall {
    door: Door,
    halves: Vec<Option<Half>>,
    free: Vec<usize>,
    open: usize,
    by_address: HashMap<Ipv4Addr, Source>,
    buffer: Vec<u8>,
    rng: StdRng,
    paused: bool,
}

impl Door {
    pub(crate) fn run(mut self) {
        if let Err(error) = self.poll.registry().register(&mut self.listener, LISTENER, Interest::READABLE) {
            tracing::error!(%error, "cannot listen");
            return;
        }
        Hall {
            door: self,
            halves: Vec::new(),
            free: Vec::new(),
            open: 0,
            by_address: HashMap::new(),
            buffer: vec![0; CHUNK],
            rng: StdRng::from_rng(OsRng).unwrap_or_else(|_| StdRng::from_entropy()),
            paused: false,
        }
        .run();
    }
}

impl Hall {
    fn run(&mut self) {
        let mut events = Events::with_capacity(1024);
        let mut swept = self.door.common.now();
        while !self.door.stop.load(Ordering::Acquire) {
            let timeout = match (self.paused, self.open) {
                (true, _) => Some(ACCEPT_PAUSE),
                (false, 0) => None,
                (false, _) => Some(SWEEP),
            };
            if let Err(error) = self.door.poll.poll(&mut events, timeout)
                && error.kind() != ErrorKind::Interrupted
            {
                tracing::error!(%error, "polling failed, the relay takes no more connections");
                return;
            }
            self.take_config();
            for event in &events {
                match event.token() {
                    WAKER => {}
                    LISTENER => self.accept(),
                    Token(number) => self.serve(number - FIRST),
                }
            }
            if core::mem::take(&mut self.paused) {
                self.accept();
            }
            let now = self.door.common.now();
            if now.since(swept) >= SWEEP {
                swept = now;
                self.sweep();
            }
            self.door.counters.half_open.set(self.open as u64);
        }
    }

    /// Other settings hold for connections that come from now on.
    fn take_config(&mut self) {
        let door = &mut self.door;
        if Arc::ptr_eq(&door.config, &door.common.config.load()) {
            return;
        }
        door.config = door.common.config.load_full();
        let mut server = ServerConfig::clone(&door.server);
        door.config.apply_to(&mut server);
        door.server = Arc::new(server);
    }

    fn accept(&mut self) {
        loop {
            match self.door.listener.accept() {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    // Edge-triggered: nobody calls again for those that wait, so this must.
                    tracing::warn!(%error, "cannot accept a connection");
                    self.paused = true;
                    return;
                }
            }
        }
    }

    fn admit(&mut self, mut stream: TcpStream, peer: SocketAddr) {
        let (config, now) = (Arc::clone(&self.door.config), self.door.common.now());
        self.door.counters.accepted.increment();
        let std::net::IpAddr::V4(ip) = peer.ip().to_canonical() else { return };
        if self.by_address.len() >= MAX_SOURCES && !self.by_address.contains_key(&ip) {
            self.by_address.retain(|_, source| !source.is_quiet(&config, now));
            if self.by_address.len() >= MAX_SOURCES {
                self.door.counters.too_many.increment();
                return;
            }
        }
        let tokens = config.new_connections_burst.max(1) as f32;
        let source = self.by_address.entry(ip).or_insert(Source { open: 0, tokens, at: now });
        // Each connection is an RSA operation, and this thread makes them all.
        if !source.take(&config, now) {
            self.door.counters.too_often.increment();
            return;
        }
        let room = self.open < config.max_half_open && source.open < config.max_half_open_per_address;
        let seat = Seat::take(&self.door.taken, config.max_connections).filter(|_| room);
        let Some(seat) = seat else {
            self.door.counters.too_many.increment();
            return;
        };
        // Frames are put together before they are written: waiting for more only delays.
        let _ = stream.set_nodelay(true);
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        let session = ServerSession::new(
            Arc::clone(&self.door.server),
            Arc::clone(&self.door.handshakes),
            ip,
            seed,
            now,
        );
        let number = self.free.pop().unwrap_or(self.halves.len());
        let token = Token(FIRST + number);
        if self.door.poll.registry().register(&mut stream, token, Interest::READABLE).is_err() {
            self.free.push(number);
            return;
        }
        let half =
            Some(Half { stream, session, peer: SocketAddrV4::new(ip, peer.port()), seat, received: 0 });
        if number == self.halves.len() {
            self.halves.push(half);
        } else {
            self.halves[number] = half;
        }
        self.open += 1;
        if let Some(source) = self.by_address.get_mut(&ip) {
            source.open += 1;
        }
    }

    fn remove(&mut self, number: usize) -> Option<Half> {
        let mut half = self.halves.get_mut(number)?.take()?;
        self.free.push(number);
        self.open -= 1;
        if let Some(source) = self.by_address.get_mut(half.peer.ip()) {
            source.open -= 1;
        }
        let _ = self.door.poll.registry().deregister(&mut half.stream);
        Some(half)
    }

    fn serve(&mut self, number: usize) {
        let mut asked: Option<ConnectRequest> = None;
        let ended = loop {
            let Some(Some(half)) = self.halves.get_mut(number) else { return };
            let count = match half.stream.read(&mut self.buffer) {
                Ok(0) => break true,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break false,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => break true,
            };
            self.door.counters.tcp_bytes_in.add(count as u64);
            let now = self.door.common.now();
            let input = self.buffer.get_mut(..count).unwrap_or_default();
            let result = half.session.receive(now, input, |_, event| {
                if let Event::Connect(request) = event {
                    asked = Some(request);
                }
            });
            // A few hundred bytes into an empty socket buffer: one that does not take them is not worth waiting for.
            let output = half.session.take_output();
            let written = half.stream.write(&output).ok();
            if let Err(error) = &result {
                tracing::debug!(%error, peer = %half.peer, "handshake broken off");
                self.door.counters.protocol_errors.increment();
            }
            if result.is_err() || half.session.state() == State::Closed {
                break true;
            }
            if !output.is_empty() && written != Some(output.len()) {
                break true;
            }
            if asked.is_some() {
                break false;
            }
            half.received = half.received.saturating_add(count);
            if half.received > MAX_HANDSHAKE {
                tracing::debug!(peer = %half.peer, "more bytes than a handshake has");
                self.door.counters.protocol_errors.increment();
                break true;
            }
        };
        if ended {
            self.remove(number);
        } else if let Some(request) = asked
            && let Some(half) = self.remove(number)
        {
            self.hand_over(half, request);
        }
    }

    /// The access key names the shard; whether it opens anything there is the shard's to say.
    fn hand_over(&mut self, half: Half, request: ConnectRequest) {
        let Half { stream, session, peer, seat, .. } = half;
        let shard = AccessKey::shard(request.access_key.as_bytes(), self.door.shards.len());
        let arrival = Arrival { stream, session, request, peer, seat };
        if let Some(link) = self.door.shards.get(shard)
            && !link.send(Command::Arrive(Box::new(arrival)))
        {
            self.door.counters.too_many.increment();
        }
    }

    fn sweep(&mut self) {
        let now = self.door.common.now();
        let config = Arc::clone(&self.door.config);
        self.by_address.retain(|_, source| !source.is_quiet(&config, now));
        for number in 0..self.halves.len() {
            let Some(Some(half)) = self.halves.get_mut(number) else { continue };
            if half.session.handle_timeout(now).is_some() {
                self.door.counters.timeouts.increment();
                self.remove(number);
            }
        }
    }
}
