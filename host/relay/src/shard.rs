//! A shard: one thread that owns whole worlds, their connections and a UDP socket.
//!
//! Its loop is a *turn*: wait for readiness; read everything that is there, relaying it in memory; then flush each
//! player that got something, once. Nothing is held back by a timer, so an idle relay adds no latency and a busy one
//! puts as many frames into a packet as came at a time. Nobody else touches its state: there is no lock, and a relayed
//! packet allocates nothing once the buffers have grown.
//!
//! It stands on `mio` itself and not on an async runtime: "read all, then flush all" is the order of the loop here,
//! while a runtime polls its tasks in an order of its own, and a task a connection costs memory for ten thousand idle
//! ones.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io::{ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use medley_crypto::SymmetricKey;
use medley_runtime::api::{Event as PluginEvent, Role};
use medley_runtime::{Candidate, LoadError, Retired};
use medley_session::{Accept, ConnectRequest, Event, Relay, ServerSession, State, Target, Time, Transport};
use medley_wire::messages::DmePing;
use medley_wire::rt::{IpText, ServerConnectNotify, ServerDisconnectNotify, ServerTokenMessage};
use medley_wire::types::{AppId, Blob, Flag, SessionKeyText};
use medley_wire::{AnyMessage, RtMessage};
use mio::net::{TcpStream, UdpSocket};
use mio::{Events, Interest, Poll, Token, Waker};
use rand::rngs::{OsRng, StdRng};
use rand::{RngCore, SeedableRng};
use tokio::sync::{mpsc, oneshot};

use crate::config::{RelayConfig, RelayRules, RelayTitle, UdpMode};
use crate::metrics::Counters;
use crate::placement::Placement;
use crate::player::{Delivery, Excess, Flushed, Player, Players, Seat, deliver};
use crate::plugin::{LobbyLink, Peers, Seats};
use crate::world::{
    Allotment, DmeIndex, DmeWorldId, Ending, KeyRefused, Left, Mask, Refused, Route, WorldRules, Worlds,
};

const WAKER: Token = Token(0);
const UDP: Token = Token(1);
const FIRST_PLAYER: usize = 2;

/// Read at once from one connection.
const CHUNK: usize = 64 * 1024;
/// Reads from one connection in one turn: a sender that never stops must not keep the others waiting.
const CHUNKS_A_TURN: usize = 16;
/// Datagrams in one turn, for the same reason.
const DATAGRAMS_A_TURN: usize = 2048;
/// When so much waits to be written in the middle of a turn, it is: what is written soon is still in the cache.
const EARLY_FLUSH: usize = 256 * 1024;
/// First datagrams that are compared with those who wait for theirs, per datagram of unknown origin.
const FIRST_DATAGRAM_TRIES: usize = 32;
/// CLIENT_CONNECT_AUX_UDP.
const FIRST_DATAGRAM: u8 = 0x16;
/// Goodbye reason with which public emulators force clients off.
const PUT_OUT: u8 = 0;
/// CONNECT_REJECT for a wrong access key.
const REJECT_ACCESS_KEY: u8 = 5;

/// What the rest of the relay asks of a shard.
pub(crate) enum Command {
    /// A connection with an access key that names this shard.
    Arrive(Box<Arrival>),
    Create {
        id: DmeWorldId,
        app_id: AppId,
        max_clients: u16,
        reply: oneshot::Sender<bool>,
    },
    Allot {
        id: DmeWorldId,
        session_key: SessionKeyText,
        reply: oneshot::Sender<Result<Allotment, Refused>>,
    },
    End {
        id: DmeWorldId,
        brutal: bool,
        reply: oneshot::Sender<bool>,
    },
    PutOut {
        id: DmeWorldId,
        index: u16,
        reply: oneshot::Sender<bool>,
    },
    /// A title's plugin, instead of whatever serves.
    InstallPlugin {
        title: String,
        candidate: Box<Candidate>,
        reply: oneshot::Sender<Result<Option<Retired>, LoadError>>,
    },
    RemovePlugin {
        title: String,
        reply: oneshot::Sender<Option<Retired>>,
    },
    ResumePlugin {
        title: String,
    },
    /// Names of settings whose values changed.
    PluginSettings {
        title: String,
        changed: Vec<String>,
    },
    /// A message of the title's plugin from elsewhere.
    Link {
        title: String,
        from: Role,
        data: Arc<[u8]>,
    },
    Stop,
}

/// A connection in [`State::Connecting`].
pub(crate) struct Arrival {
    pub(crate) stream: TcpStream,
    pub(crate) session: ServerSession,
    pub(crate) request: ConnectRequest,
    pub(crate) peer: SocketAddrV4,
    pub(crate) seat: Seat,
}

/// What MPS is to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    Joined {
        world: DmeWorldId,
        session_key: SessionKeyText,
    },
    Left {
        world: DmeWorldId,
        session_key: SessionKeyText,
    },
    /// Its shard is dead.
    Lost {
        world: DmeWorldId,
    },
    /// Worlds or players changed in number, or something else that the link is to look at.
    Load,
}

/// What all threads of a relay share.
pub(crate) struct Common {
    /// In force. The threads hold it themselves and look once a turn whether there is another one.
    pub(crate) config: ArcSwap<RelayConfig>,
    pub(crate) rules: Arc<dyn RelayRules>,
    pub(crate) started: Instant,
    pub(crate) placement: Placement,
    pub(crate) notices: mpsc::Sender<Notice>,
    pub(crate) next_port: AtomicU32,
    /// See [`Common::public_address`].
    pub(crate) public_address: AtomicU32,
    /// The way to the plugins' instances in the lobby.
    pub(crate) lobby_link: OnceLock<LobbyLink>,
    /// All shards, this one included.
    pub(crate) peers: OnceLock<Peers>,
}

impl Common {
    pub(crate) fn now(&self) -> Time {
        Time(self.started.elapsed())
    }

    /// The address told to clients, as last set. `None`: the one at which a client reached the relay.
    pub(crate) fn public_address(&self) -> Option<Ipv4Addr> {
        let bits = self.public_address.load(Ordering::Relaxed);
        (bits != 0).then(|| Ipv4Addr::from(bits))
    }
}

/// A world's connections and what its title decided when it was made.
pub(crate) struct Room {
    pub(crate) players: Players,
    pub(crate) title: RelayTitle,
    key: Option<Arc<SymmetricKey>>,
    /// The place of the title's plugin.
    pub(crate) seat: Option<usize>,
    /// A packet of this world waits for the plugin.
    pub(crate) held: bool,
}

pub(crate) struct Shard {
    number: usize,
    common: Arc<Common>,
    poll: Poll,
    /// Held so that a wake-up outlives whoever sent it: dropping the last waker takes its events along.
    _waker: Arc<Waker>,
    commands: Receiver<Command>,
    udp: UdpSocket,
    udp_port: u16,
    core: Core,
    buffer: Vec<u8>,
    datagram: Vec<u8>,
    /// Connections that had more to read when their turn ended.
    again: Vec<(usize, DmeIndex)>,
    udp_again: bool,
    stopping: bool,
    rng: StdRng,
}

/// All of a shard that the handling of one player's input changes.
pub(crate) struct Core {
    pub(crate) number: usize,
    pub(crate) plugins: Seats,
    pub(crate) common: Arc<Common>,
    config: Arc<RelayConfig>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) worlds: Worlds,
    pub(crate) rooms: Vec<Option<Room>>,
    pub(crate) dirty: Vec<(usize, DmeIndex)>,
    /// Bytes put into outputs since the last flush.
    pub(crate) pending: usize,
    endpoints: HashMap<SocketAddrV4, (usize, DmeIndex)>,
    /// Who has yet to send a first datagram, or to say READY_AUX_UDP.
    waiting: Vec<(usize, DmeIndex)>,
    timers: BinaryHeap<Reverse<(Time, usize, DmeIndex)>>,
    world_deadline: Option<Time>,
    /// Worlds or slots changed: the deadline must be looked for again.
    worlds_changed: bool,
    connections: u64,
    joined: u64,
    pub(crate) now: Time,
}

fn token(slot: usize, index: DmeIndex, udp: bool) -> Token {
    Token(FIRST_PLAYER + slot * 512 + usize::from(index.0) * 2 + usize::from(udp))
}

fn place(token: Token) -> (usize, DmeIndex, bool) {
    let number = token.0 - FIRST_PLAYER;
    (number / 512, DmeIndex((number % 512 / 2) as u8), number % 2 == 1)
}

fn ip_text(address: SocketAddrV4) -> IpText {
    IpText::new(address.ip().to_string())
}

fn v4(address: SocketAddr) -> Option<SocketAddrV4> {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => Some(SocketAddrV4::new(ip, address.port())),
        IpAddr::V6(_) => None,
    }
}

impl Core {
    fn room(&mut self, slot: usize) -> Option<&mut Room> {
        self.rooms.get_mut(slot)?.as_mut()
    }

    /// Title and world of a room, for logs.
    fn place_of(&self, slot: usize) -> (Option<&str>, Option<u32>) {
        let title = self.rooms.get(slot).and_then(Option::as_ref).map(|room| &*room.title.id);
        (title, self.worlds.at(slot).map(|world| world.id().0))
    }

    fn player(&mut self, slot: usize, index: DmeIndex) -> Option<&mut Player> {
        self.room(slot)?.players.get_mut(usize::from(index.0))?.as_deref_mut()
    }

    fn take(&mut self, slot: usize, index: DmeIndex) -> Option<Box<Player>> {
        self.room(slot)?.players.get_mut(usize::from(index.0))?.take()
    }

    fn put_back(&mut self, slot: usize, index: DmeIndex, player: Box<Player>) {
        let Some(room) = self.room(slot) else { return };
        let at = usize::from(index.0);
        if room.players.len() <= at {
            room.players.resize_with(at + 1, || None);
        }
        room.players[at] = Some(player);
    }

    /// To be flushed at the end of the turn, before any holding back.
    fn urgent(&mut self, slot: usize, index: DmeIndex) {
        let Some(player) = self.player(slot, index) else { return };
        player.io.urgent = true;
        if !player.io.dirty {
            player.io.dirty = true;
            self.dirty.push((slot, index));
        }
    }

    /// Sends an RT message to each of `to`; those who are not here (any more) miss it.
    fn tell(&mut self, slot: usize, to: Mask, message: &RtMessage) {
        for index in to.iter() {
            if let Some(player) = self.player(slot, index)
                && player.session.send_rt(message).is_ok()
            {
                self.urgent(slot, index);
            }
        }
    }

    fn notice(&self, notice: Notice) {
        // The link drains its queue whether MPS is there or not; only a stalled process can fill it.
        if self.common.notices.try_send(notice).is_err() {
            self.counters.lost_notices.increment();
        }
    }

    /// What came from a player that is taken out of its room.
    fn event(
        &mut self,
        slot: usize,
        index: DmeIndex,
        session: &mut ServerSession,
        io: &mut crate::player::Io,
        event: Event<'_>,
        from: Option<SocketAddrV4>,
    ) {
        match event {
            Event::Relay(relay) => self.relay(slot, index, io, &relay),
            Event::TimebaseQuery { client_time } => {
                if let Some(world) = self.worlds.at_mut(slot) {
                    let _ = session.timebase(client_time, world.time_base(self.now));
                }
            }
            Event::ReceiveFlags(flags) => {
                if let Some(world) = self.worlds.at_mut(slot) {
                    world.set_receive_flags(index, flags);
                }
            }
            Event::AggregationTime(time) => io.aggregation = time.min(Duration::from_millis(200)),
            // "Send now": all goes at the end of the turn anyway.
            Event::FlushAll | Event::FlushSingle { .. } => {}
            Event::ConnectAuxUdp(_) => {
                if let Some(from) = from {
                    let _ = session.accept_aux_udp(from);
                }
            }
            Event::AuxUdpReady => {
                let count = self.worlds.at(slot).map_or(1, |world| world.player_count());
                if session.complete(count, self.now).is_ok() {
                    self.join(slot, index, session, io);
                }
            }
            Event::Connected => self.join(slot, index, session, io),
            Event::Token(message) => self.token(slot, index, session, message.token_type, message.token),
            Event::App { payload, transport } => ping(session, payload, transport),
            Event::Disconnect { .. } => io.gone = true,
            _ => {}
        }
    }

    fn relay(&mut self, slot: usize, index: DmeIndex, io: &mut crate::player::Io, relay: &Relay<'_>) {
        match relay.transport {
            Transport::Tcp => self.counters.tcp_messages_in.increment(),
            Transport::Udp => self.counters.udp_messages_in.increment(),
        }
        let Some(world) = self.worlds.at(slot) else { return };
        match io.may_send(&self.config, relay.payload.len(), self.now) {
            Ok(()) => {}
            Err(Excess::Messages) => return self.counters.too_fast.increment(),
            Err(Excess::Bytes) => return self.counters.too_much.increment(),
        }
        if !world.joined().contains(index) {
            self.counters.not_joined.increment();
            return;
        }
        let route = match relay.target {
            Target::Broadcast => Route::Broadcast,
            Target::List(mask) => Route::List(Mask::from_list(mask)),
            Target::Single(target) => {
                let known = u8::try_from(target).is_ok_and(|at| world.joined().contains(DmeIndex(at)));
                if !known {
                    self.counters.unknown_target.increment();
                    return;
                }
                Route::Single(target)
            }
        };
        let receivers = world.receivers(index, route);
        if self.hold(slot, index, receivers, relay) {
            return;
        }
        let Some(Some(room)) = self.rooms.get_mut(slot) else { return };
        let delivery = Delivery { receivers, source: index, cipher: room.title.cipher };
        let dirty = &mut self.dirty;
        self.pending += deliver(&mut room.players, &delivery, relay, &self.counters, |index| {
            dirty.push((slot, index));
        });
    }

    /// The handshake is over.
    fn join(
        &mut self,
        slot: usize,
        index: DmeIndex,
        session: &mut ServerSession,
        io: &mut crate::player::Io,
    ) {
        let now = self.now;
        let Some(world) = self.worlds.at_mut(slot) else { return };
        let id = world.id();
        // What was said before the newcomer is there is not for it.
        let Some(joined) = world.join(now, index) else { return };
        let session_key = world.session_key(index).copied().unwrap_or_default();
        let app = world.app_id().0;
        let seat = medley_runtime::api::Seat {
            world: id.0,
            index: index.0.into(),
            app,
            medius_version: session.dialect().medius_version,
            session_key: session_key.as_bytes().to_vec(),
        };
        io.pinned = true;
        self.waiting.retain(|place| *place != (slot, index));
        self.joined += 1;
        self.counters.joined.increment();
        if !joined.tokens.is_empty() {
            let _ = session
                .send_rt(&RtMessage::ServerTokenMessage(ServerTokenMessage { entries: joined.tokens }));
        }
        let address = io.endpoint.unwrap_or(io.peer);
        for to in joined.notify.iter() {
            let Some(player) = self.player(slot, to) else { continue };
            let old = player.session.dialect().is_108();
            let message = RtMessage::ServerConnectNotify(ServerConnectNotify {
                player_index: index.0.into(),
                scert_client_id: (!old).then_some(io.scert_id),
                ip: ip_text(address),
                key: Blob::default(),
            });
            if player.session.send_rt(&message).is_ok() {
                self.urgent(slot, to);
            }
        }
        self.notice(Notice::Joined { world: id, session_key });
        self.tell_joined(slot, &seat);
    }

    fn token(&mut self, slot: usize, index: DmeIndex, session: &mut ServerSession, kind: u8, token: u16) {
        let Some(world) = self.worlds.at_mut(slot) else { return };
        let Some((to, entry)) = world.token(index, kind, token) else { return };
        let message = RtMessage::ServerTokenMessage(ServerTokenMessage { entries: vec![entry] });
        if to.contains(index) {
            let _ = session.send_rt(&message);
        }
        self.tell(slot, to, &message);
    }

    /// A player left its world: the others are told. The player itself is the caller's to drop.
    fn left(&mut self, slot: usize, left: &Left, scert_id: u32, address: SocketAddrV4) {
        // What was said before is heard before.
        self.show_packets();
        self.worlds_changed = true;
        self.waiting.retain(|place| *place != (slot, left.index));
        for to in left.notify.iter() {
            let Some(player) = self.player(slot, to) else { continue };
            let old = player.session.dialect().is_108();
            let message = RtMessage::ServerDisconnectNotify(ServerDisconnectNotify {
                player_index: left.index.0.into(),
                scert_client_id: (!old).then_some(scert_id),
                ip: ip_text(address),
            });
            if player.session.send_rt(&message).is_ok() {
                self.urgent(slot, to);
            }
        }
        let (to, tokens) = &left.freed;
        if !tokens.is_empty() {
            let freed = |token: &u16| medley_wire::rt::TokenEntry {
                token_type: crate::world::token_type::SERVER_FREED,
                token: Some(*token),
                owner: None,
            };
            let entries = tokens.iter().map(freed).collect();
            self.tell(slot, *to, &RtMessage::ServerTokenMessage(ServerTokenMessage { entries }));
        }
        if left.was_joined {
            self.joined -= 1;
            if let Some(world) = self.worlds.at(slot).map(|world| world.id()) {
                self.notice(Notice::Left { world, session_key: left.session_key });
                self.tell_left(slot, world, left.index);
            }
        }
    }

    /// Lets go of a connection that is out of its room already.
    fn drop_player(&mut self, mut player: Box<Player>, poll: &Poll) {
        let _ = poll.registry().deregister(&mut player.io.stream);
        if let Some(socket) = &mut player.io.socket {
            let _ = poll.registry().deregister(socket);
        }
        if let Some(endpoint) = player.io.endpoint {
            self.endpoints.remove(&endpoint);
        }
        self.connections -= 1;
    }

    /// Sets the player's timer to its session's deadline, unless an earlier one is set already: deadlines move away
    /// with every message, and the timer finds out when it fires.
    fn arm(&mut self, slot: usize, index: DmeIndex, player: &mut Player) {
        let Some(deadline) = player.session.poll_timeout() else { return };
        if player.io.timer.is_none_or(|timer| deadline < timer) {
            player.io.timer = Some(deadline);
            self.timers.push(Reverse((deadline, slot, index)));
        }
    }
}

/// DmePing to the server itself is answered with the same fields and no wish for an echo; nothing else of a player is
/// the server's business.
fn ping(session: &mut ServerSession, payload: &[u8], transport: Transport) {
    if !payload.starts_with(&[0, 1]) || transport != Transport::Tcp {
        return;
    }
    if let Ok(AnyMessage::DmePing(ping)) = AnyMessage::decode(payload, &session.dialect())
        && ping.request_echo.is_set()
    {
        let _ = session.send_app(&DmePing { request_echo: Flag(0), ..*ping }.into());
    }
}

impl Shard {
    pub(crate) fn new(
        number: usize,
        common: Arc<Common>,
        counters: Arc<Counters>,
        commands: Receiver<Command>,
        (poll, waker): (Poll, Arc<Waker>),
        mut udp: UdpSocket,
    ) -> std::io::Result<Self> {
        poll.registry().register(&mut udp, UDP, Interest::READABLE)?;
        let udp_port = udp.local_addr()?.port();
        let core = Core {
            number,
            plugins: Seats::default(),
            common: Arc::clone(&common),
            config: common.config.load_full(),
            counters,
            worlds: Worlds::new(),
            rooms: Vec::new(),
            dirty: Vec::new(),
            pending: 0,
            endpoints: HashMap::new(),
            waiting: Vec::new(),
            timers: BinaryHeap::new(),
            world_deadline: None,
            worlds_changed: false,
            connections: 0,
            joined: 0,
            now: Time::ZERO,
        };
        Ok(Self {
            number,
            common,
            poll,
            _waker: waker,
            commands,
            udp,
            udp_port,
            core,
            buffer: vec![0; CHUNK],
            datagram: vec![0; CHUNK],
            again: Vec::new(),
            udp_again: false,
            stopping: false,
            rng: StdRng::from_rng(OsRng).unwrap_or_else(|_| StdRng::from_entropy()),
        })
    }

    /// A waker for [`Shard::run`]'s loop; made before the shard, with its poll.
    pub(crate) fn waker(poll: &Poll) -> std::io::Result<Waker> {
        Waker::new(poll.registry(), WAKER)
    }

    /// Turns until [`Command::Stop`].
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        while !self.stopping {
            self.core.now = self.common.now();
            let timeout = self.timeout();
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != ErrorKind::Interrupted
            {
                tracing::error!(%error, shard = self.number, "polling failed, the shard stops");
                break;
            }
            self.core.now = self.common.now();
            self.core.counters.turns.increment();
            if !Arc::ptr_eq(&self.core.config, &self.common.config.load()) {
                self.core.config = self.common.config.load_full();
            }
            self.turn(&events);
        }
        self.farewell();
    }

    fn timeout(&self) -> Option<Duration> {
        if self.udp_again || !self.again.is_empty() {
            return Some(Duration::ZERO);
        }
        let timer = self.core.timers.peek().map(|Reverse((at, ..))| *at);
        let plugins = self.core.plugins.deadline();
        let next = timer.into_iter().chain(self.core.world_deadline).chain(plugins).min()?;
        // Rounded up, or the last fraction of a millisecond is spent in a busy loop.
        Some(next.since(self.core.now) + Duration::from_millis(1))
    }

    fn turn(&mut self, events: &Events) {
        for (slot, index) in core::mem::take(&mut self.again) {
            self.read(slot, index, false);
        }
        let mut udp = core::mem::take(&mut self.udp_again);
        for event in events {
            match event.token() {
                WAKER => self.obey(),
                UDP => udp = true,
                token => {
                    let (slot, index, datagrams) = place(token);
                    if datagrams {
                        self.read_own_socket(slot, index);
                        continue;
                    }
                    if event.is_writable()
                        && let Some(player) = self.core.player(slot, index)
                        && player.io.written < player.session.output().len()
                    {
                        self.core.urgent(slot, index);
                    }
                    if event.is_readable() || event.is_read_closed() || event.is_error() {
                        self.read(slot, index, event.is_read_closed() || event.is_error());
                    }
                }
            }
        }
        if udp {
            self.read_shared_socket();
        }
        self.fire_timers();
        self.core.run_plugin_timers();
        self.core.show_packets();
        self.tick_worlds();
        for (slot, index) in self.core.take_put_out() {
            self.order_out(slot, index);
        }
        self.flush();
        let counters = &self.core.counters;
        counters.worlds.set(self.core.worlds.len() as u64);
        counters.connections.set(self.core.connections);
        counters.players.set(self.core.joined);
    }

    /// Reads what a connection has.
    fn read(&mut self, slot: usize, index: DmeIndex, closed: bool) {
        for _ in 0..CHUNKS_A_TURN {
            let Some(mut player) = self.core.take(slot, index) else { return };
            let (count, gone) = match player.io.stream.read(&mut self.buffer) {
                Ok(0) => (0, true),
                Ok(count) => (count, false),
                Err(error) if error.kind() == ErrorKind::WouldBlock => (0, false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    self.core.put_back(slot, index, player);
                    continue;
                }
                Err(_) => (0, true),
            };
            self.core.counters.tcp_bytes_in.add(count as u64);
            if count > 0 {
                let input = self.buffer.get_mut(..count).unwrap_or_default();
                let before = player.session.output().len();
                let Player { session, io } = &mut *player;
                let core = &mut self.core;
                let result = session.receive(core.now, input, |session, event| {
                    core.event(slot, index, session, io, event, None);
                });
                if let Err(error) = result {
                    let (title, world) = self.core.place_of(slot);
                    tracing::debug!(%error, title, world, peer = %player.io.peer, "player broke the protocol");
                    self.core.counters.protocol_errors.increment();
                    player.io.gone = true;
                }
                self.settle(slot, index, player, before, gone);
            } else {
                self.settle(slot, index, player, usize::MAX, gone);
            }
            self.core.relieve_plugins();
            if self.core.pending > EARLY_FLUSH {
                self.flush();
            }
            // A short read has emptied the socket; only a close may be behind it.
            if gone || count == 0 || (count < CHUNK && !closed) {
                return;
            }
        }
        self.again.push((slot, index));
    }

    /// After a player's input: it goes back to its place, or out. `before`: length of its output before.
    fn settle(&mut self, slot: usize, index: DmeIndex, mut player: Box<Player>, before: usize, gone: bool) {
        if gone || player.io.gone || player.session.state() == State::Closed {
            self.put_out_taken(slot, index, player);
            return;
        }
        let answered = player.session.output().len() > before
            || player.session.datagrams().is_some_and(|datagrams| !datagrams.is_empty());
        self.core.arm(slot, index, &mut player);
        self.core.put_back(slot, index, player);
        if answered {
            self.core.urgent(slot, index);
        }
    }

    /// Ends a connection that is in its place.
    fn put_out(&mut self, slot: usize, index: DmeIndex) {
        if let Some(player) = self.core.take(slot, index) {
            self.put_out_taken(slot, index, player);
        }
    }

    fn put_out_taken(&mut self, slot: usize, index: DmeIndex, mut player: Box<Player>) {
        // A last word, if there is one; whether it arrives is the network's business.
        let _ = player.flush(&self.udp, usize::MAX, &self.core.counters);
        if let Some(left) = self.core.worlds.at_mut(slot).and_then(|world| world.leave(index)) {
            self.core.left(slot, &left, player.io.scert_id, player.address());
        }
        self.core.drop_player(player, &self.poll);
    }

    fn read_shared_socket(&mut self) {
        for _ in 0..DATAGRAMS_A_TURN {
            let (count, from) = match self.udp.recv_from(&mut self.datagram) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // An ICMP answer to something that was sent.
                Err(_) => continue,
            };
            self.core.counters.datagrams_in.increment();
            self.core.counters.udp_bytes_in.add(count as u64);
            let Some(from) = v4(from) else { continue };
            // A console that opens its next connection before the last one is gone sends from the same port.
            let opening = self.datagram.first().is_some_and(|first| first & 0x7f == FIRST_DATAGRAM);
            let known = self.core.endpoints.get(&from).copied();
            let place = match known {
                Some(_) if !opening => known,
                _ => self.first_datagram(from, count).or(known),
            };
            match place {
                Some((slot, index)) => self.datagram(slot, index, from, count),
                None => self.core.counters.unknown_datagrams.increment(),
            }
            self.core.relieve_plugins();
            if self.core.pending > EARLY_FLUSH {
                self.flush();
            }
        }
        self.udp_again = true;
    }

    /// In a mode with a socket a player. Its token says whose datagram it is; who sent it is to be shown all the same.
    fn read_own_socket(&mut self, slot: usize, index: DmeIndex) {
        for _ in 0..DATAGRAMS_A_TURN {
            let Some(player) = self.core.player(slot, index) else { return };
            let Some(socket) = &player.io.socket else { return };
            let (count, from) = match socket.recv_from(&mut self.datagram) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => continue,
            };
            let Some(from) = v4(from) else { continue };
            let known = player.io.endpoint == Some(from);
            self.core.counters.datagrams_in.increment();
            self.core.counters.udp_bytes_in.add(count as u64);
            if known || self.first_datagram_of(slot, index, from, count) {
                self.datagram(slot, index, from, count);
                self.core.relieve_plugins();
            } else {
                self.core.counters.unknown_datagrams.increment();
            }
        }
        // Edge-triggered: what is left must be asked for again. The socket is drained on the next datagram at the
        // latest; nobody sends 2048 within a turn who means well.
    }

    /// Whose first datagram this is, if anybody's who waits for one.
    fn first_datagram(&mut self, from: SocketAddrV4, count: usize) -> Option<(usize, DmeIndex)> {
        let mut tries = 0;
        for at in 0..self.core.waiting.len() {
            let (slot, index) = *self.core.waiting.get(at)?;
            let Some(player) = self.core.player(slot, index) else { continue };
            if player.io.peer.ip() != from.ip() && self.core.config.check_udp_address {
                continue;
            }
            tries += 1;
            if self.first_datagram_of(slot, index, from, count) {
                return Some((slot, index));
            }
            if tries == FIRST_DATAGRAM_TRIES {
                break;
            }
        }
        None
    }

    /// Whether the datagram is this player's first one. If so, its source is the player's endpoint from now on.
    fn first_datagram_of(&mut self, slot: usize, index: DmeIndex, from: SocketAddrV4, count: usize) -> bool {
        let check = self.core.config.check_udp_address;
        let Some(world) = self.core.worlds.at(slot).map(|world| world.id()) else { return false };
        let Some(datagram) = self.datagram.get(..count) else { return false };
        let Some(player) = self.core.player(slot, index) else { return false };
        let Some(connect) = player.session.try_open_connect_aux_udp(datagram) else { return false };
        // The client repeats the world that it named on TCP, which may be cut or off by one.
        let named = [world.0, player.io.named_world].contains(&connect.world_id.0)
            || (player.session.dialect().is_108() && connect.world_id.0 == player.io.named_world & 0xffff);
        if !named || player.io.pinned || (check && player.io.peer.ip() != from.ip()) {
            self.core.counters.spoofed_datagrams.increment();
            return false;
        }
        let shared = player.io.socket.is_none();
        if let Some((other_slot, other)) = self.core.endpoints.get(&from).copied()
            && (other_slot, other) != (slot, index)
            && let Some(other) = self.core.player(other_slot, other)
        {
            // Believed only where the address was checked: else anybody could take anybody's endpoint by forging it.
            if other.io.pinned && !check {
                self.core.counters.spoofed_datagrams.increment();
                return false;
            }
            // What is still said to its older connection goes over TCP.
            other.io.endpoint = None;
        }
        let Some(player) = self.core.player(slot, index) else { return false };
        let old = player.io.endpoint.replace(from);
        if let Some(old) = old.filter(|old| shared && *old != from) {
            self.core.endpoints.remove(&old);
        }
        if shared {
            self.core.endpoints.insert(from, (slot, index));
        }
        true
    }

    fn datagram(&mut self, slot: usize, index: DmeIndex, from: SocketAddrV4, count: usize) {
        let Some(mut player) = self.core.take(slot, index) else { return };
        let input = self.datagram.get_mut(..count).unwrap_or_default();
        let before = player.session.output().len();
        let bad = player.session.udp_counters();
        let Player { session, io } = &mut *player;
        let core = &mut self.core;
        session.receive_datagram(core.now, input, |session, event| {
            core.event(slot, index, session, io, event, Some(from));
        });
        let now_bad = player.session.udp_counters();
        let dropped = now_bad.bad_hash.wrapping_sub(bad.bad_hash) + now_bad.refused.wrapping_sub(bad.refused);
        self.core.counters.bad_datagrams.add(dropped.into());
        self.settle(slot, index, player, before, false);
    }

    fn fire_timers(&mut self) {
        while let Some(Reverse((at, slot, index))) = self.core.timers.peek().copied() {
            if at > self.core.now {
                return;
            }
            self.core.timers.pop();
            let Some(mut player) = self.core.take(slot, index) else { continue };
            if player.io.timer != Some(at) {
                // Of an earlier player at this place, or overtaken by an earlier deadline.
                self.core.put_back(slot, index, player);
                continue;
            }
            player.io.timer = None;
            let due = player.session.poll_timeout().is_some_and(|deadline| deadline <= self.core.now);
            let ended = if due { player.session.handle_timeout(self.core.now) } else { None };
            let held = player.io.held_since.is_some();
            if let Some(timeout) = ended {
                let (title, world) = self.core.place_of(slot);
                tracing::debug!(%timeout, title, world, peer = %player.io.peer, "player given up");
                self.core.counters.timeouts.increment();
                self.put_out_taken(slot, index, player);
                continue;
            }
            player.release_buffers();
            self.core.arm(slot, index, &mut player);
            let answered = due || held;
            self.core.put_back(slot, index, player);
            if answered {
                self.core.urgent(slot, index);
            }
        }
    }

    fn tick_worlds(&mut self) {
        let due = self.core.world_deadline.is_some_and(|deadline| deadline <= self.core.now);
        if !due && !self.core.worlds_changed {
            return;
        }
        let tick = self.core.worlds.tick(self.core.now);
        self.core.counters.expired_slots.add(tick.expired as u64);
        for (slot, id) in tick.removed {
            let room = self.core.rooms.get_mut(slot).and_then(Option::take);
            let app = self.common.placement.remove(id).map(|place| place.app_id.0);
            let title = room.as_ref().map(|room| &*room.title.id);
            tracing::info!(title, app, world = id.0, "game world ended");
        }
        self.core.worlds_changed = false;
        self.core.world_deadline = self.core.worlds.deadline();
        self.core.notice(Notice::Load);
    }

    /// Each player that got something, once.
    fn flush(&mut self) {
        self.core.pending = 0;
        let mut broken = Vec::new();
        let mut dirty = core::mem::take(&mut self.core.dirty);
        let obey = self.core.config.obey_aggregation_time;
        for (slot, index) in dirty.drain(..) {
            let now = self.core.now;
            let Some(Some(room)) = self.core.rooms.get_mut(slot) else { continue };
            let Some(Some(player)) = room.players.get_mut(usize::from(index.0)) else { continue };
            player.io.dirty = false;
            let urgent = core::mem::take(&mut player.io.urgent);
            if obey && !urgent && !player.io.aggregation.is_zero() {
                let due = *player.io.held_since.get_or_insert(now) + player.io.aggregation;
                if due > now {
                    if player.io.timer.is_none_or(|timer| due < timer) {
                        player.io.timer = Some(due);
                        self.core.timers.push(Reverse((due, slot, index)));
                    }
                    continue;
                }
            }
            player.io.held_since = None;
            match player.flush(&self.udp, self.core.config.queue_bytes, &self.core.counters) {
                Flushed::Done => {}
                Flushed::TooSlow => {
                    let (title, world) = (&*room.title.id, self.core.worlds.at(slot).map(|at| at.id().0));
                    tracing::debug!(title, world, peer = %player.io.peer, "player reads too slowly and is cut");
                    self.core.counters.slow_readers.increment();
                    broken.push((slot, index));
                }
                Flushed::Broken => broken.push((slot, index)),
            }
        }
        if self.core.dirty.is_empty() {
            self.core.dirty = dirty;
        }
        // The others hear of it at once: see below.
        for (slot, index) in broken {
            self.put_out(slot, index);
        }
        if !self.core.dirty.is_empty() {
            self.flush();
        }
    }

    fn obey(&mut self) {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Arrive(arrival)) => self.arrive(*arrival),
                Ok(Command::Create { id, app_id, max_clients, reply }) => {
                    let _ = reply.send(self.create(id, app_id, max_clients));
                }
                Ok(Command::Allot { id, session_key, reply }) => {
                    let shards = (self.number, self.core.config.shards);
                    let now = self.core.now;
                    let allotment = self.core.worlds.allot(now, id, session_key, &mut self.rng, shards);
                    self.core.worlds_changed = true;
                    let _ = reply.send(allotment);
                }
                Ok(Command::End { id, brutal, reply }) => {
                    let _ = reply.send(self.end(id, brutal));
                }
                Ok(Command::PutOut { id, index, reply }) => {
                    let slot = self.core.worlds.slot_of(id);
                    let index = u8::try_from(index).ok().map(DmeIndex);
                    let found = slot.zip(index).is_some_and(|(slot, index)| self.order_out(slot, index));
                    let _ = reply.send(found);
                }
                Ok(Command::InstallPlugin { title, candidate, reply }) => {
                    let _ = reply.send(self.core.install_plugin(&title, *candidate));
                }
                Ok(Command::RemovePlugin { title, reply }) => {
                    let _ = reply.send(self.core.remove_plugin(&title));
                }
                Ok(Command::ResumePlugin { title }) => self.core.resume_plugin(&title),
                Ok(Command::PluginSettings { title, changed }) => {
                    self.core.tell_plugin(&title, &PluginEvent::SettingsChanged(changed));
                }
                Ok(Command::Link { title, from, data }) => {
                    self.core.tell_plugin(&title, &PluginEvent::Link((from as u8, data.to_vec())));
                }
                Ok(Command::Stop) | Err(TryRecvError::Disconnected) => {
                    self.stopping = true;
                    return;
                }
                Err(TryRecvError::Empty) => return,
            }
        }
    }

    fn create(&mut self, id: DmeWorldId, app_id: AppId, max_clients: u16) -> bool {
        let config = &self.core.config;
        let title = self.common.rules.for_app(app_id);
        let rules = WorldRules {
            max_clients: max_clients.min(title.max_players).min(config.max_players_per_world),
            allotment_timeout: config.allotment_timeout,
            game_timeout: config.game_timeout,
        };
        let Some(slot) = self.core.worlds.create(id, app_id, rules, self.core.now) else { return false };
        let key = config.shared_world_key.then(|| Arc::new(SymmetricKey::random(&mut self.rng)));
        while self.core.rooms.len() <= slot {
            self.core.rooms.push(None);
        }
        let max_clients = rules.max_clients;
        let seat = self.core.plugins.of(&title.id);
        tracing::info!(title = %title.id, app = app_id.0, world = id.0, max_clients, "game world made");
        self.core.rooms[slot] = Some(Room { players: Vec::new(), title, key, seat, held: false });
        self.core.worlds_changed = true;
        true
    }

    fn end(&mut self, id: DmeWorldId, brutal: bool) -> bool {
        let Some(slot) = self.core.worlds.slot_of(id) else { return false };
        let Some(ending) = self.core.worlds.end(id, brutal) else { return false };
        self.core.worlds_changed = true;
        if let Ending::PutOut(clients) = ending {
            for index in clients.iter() {
                self.order_out(slot, index);
            }
        }
        true
    }

    fn order_out(&mut self, slot: usize, index: DmeIndex) -> bool {
        let Some(player) = self.core.player(slot, index) else { return false };
        let _ = player.session.disconnect_with_reason(PUT_OUT);
        self.core.counters.put_out.increment();
        self.put_out(slot, index);
        true
    }

    /// A connection with an access key: it gets its place or is refused.
    fn arrive(&mut self, arrival: Arrival) {
        let Arrival { stream, mut session, request, peer, seat } = arrival;
        let now = self.core.now;
        let old = request.dialect.is_108();
        let entered = self.core.worlds.enter(now, request.access_key.as_bytes(), &request.session_key, old);
        let located = match entered {
            Ok(located) => located,
            Err(refused) => {
                let counters = &self.core.counters;
                match refused {
                    KeyRefused::Unknown => counters.key_unknown.increment(),
                    KeyRefused::Expired => counters.key_expired.increment(),
                    KeyRefused::WrongSession => counters.key_session.increment(),
                }
                let app = request.app_id;
                let title = self.common.rules.for_app(app).id;
                tracing::debug!(%refused, %title, app = app.0, %peer, "connection refused");
                let _ = session.reject(REJECT_ACCESS_KEY);
                let mut player = Player::new(session, stream, peer, seat);
                let _ = player.flush(&self.udp, usize::MAX, &self.core.counters);
                return;
            }
        };
        let (slot, index) = (located.slot, located.entered.index);
        self.core.worlds_changed = true;
        if let Some(left) = located.entered.displaced
            && let Some(old) = self.core.take(slot, index)
        {
            self.core.counters.displaced.increment();
            self.core.left(slot, &left, old.io.scert_id, old.address());
            self.core.drop_player(old, &self.poll);
        }
        let Some(room) = self.core.rooms.get(slot).and_then(Option::as_ref) else { return };
        let title = room.title.clone();
        let mut player = Box::new(Player::new(session, stream, peer, seat));
        player.io.named_world = request.target_world_id;
        player.io.scert_id = self.rng.next_u32();
        self.core.counters.entered.increment();
        self.core.connections += 1;
        let wants_udp = request.aux_udp && title.udp;
        let udp = if wants_udp { self.udp_address(&mut player, slot, index) } else { None };
        let key = if request.enciphered { room_key(&self.core, slot) } else { None };
        player.io.shares_key = key.is_some() && title.handshake.send_second_peer_key;
        let time_base = self.core.worlds.at_mut(slot).map_or(0, |world| world.time_base(now));
        let accept = Accept {
            player_id: index.0.into(),
            scert_id: player.io.scert_id,
            player_count: located.entered.player_count,
            peer_key: key,
            time_base,
            udp,
            dme_version: Some(if old { title.version_108 } else { title.version }),
            ..Accept::default()
        };
        let Player { session, io } = &mut *player;
        let accepted = session.accept(accept, now).is_ok();
        let ps3 = request.dialect.medius_version >= 112;
        let config = Arc::clone(&self.core.config);
        let limit = if ps3 { config.max_datagram_ps3 } else { config.max_datagram_ps2 };
        if let Some(datagrams) = session.datagrams() {
            // A limit of nothing: every frame travels alone.
            datagrams.set_limit(if config.aggregation && title.aggregation { limit } else { 0 });
        }
        let core = &mut self.core;
        let resumed = session.resume(now, |session, event| {
            core.event(slot, index, session, io, event, None);
        });
        let registered = self.poll.registry().register(
            &mut player.io.stream,
            token(slot, index, false),
            Interest::READABLE | Interest::WRITABLE,
        );
        if udp.is_some() && !player.io.pinned {
            self.core.waiting.push((slot, index));
        }
        let gone = !accepted || resumed.is_err() || registered.is_err();
        self.settle(slot, index, player, 0, gone);
    }

    /// Where this client's datagrams are to go. `None`: nowhere, it plays over TCP.
    fn udp_address(&mut self, player: &mut Player, slot: usize, index: DmeIndex) -> Option<SocketAddrV4> {
        let config = Arc::clone(&self.core.config);
        let reached = player.io.stream.local_addr().ok().and_then(v4)?;
        let ip = self.common.public_address().unwrap_or_else(|| *reached.ip());
        let UdpMode::PortPerClient { base, count } = config.udp else {
            return Some(SocketAddrV4::new(ip, self.udp_port));
        };
        let tries = if base == 0 { 1 } else { count.min(64) };
        for _ in 0..tries {
            let port = if base == 0 {
                0
            } else {
                let next = self.common.next_port.fetch_add(1, Ordering::Relaxed) % u32::from(count.max(1));
                base.saturating_add(next as u16)
            };
            let Ok(mut socket) = crate::sockets::udp(SocketAddr::new(config.bind, port)) else { continue };
            let Ok(address) = socket.local_addr() else { continue };
            let token = token(slot, index, true);
            if self.poll.registry().register(&mut socket, token, Interest::READABLE).is_ok() {
                player.io.socket = Some(socket);
                return Some(SocketAddrV4::new(ip, address.port()));
            }
        }
        tracing::warn!(base, count, "no free UDP port for a player, it plays over TCP alone");
        None
    }

    /// Everybody is told to go.
    fn farewell(&mut self) {
        for slot in 0..self.core.rooms.len() {
            let count = self.core.room(slot).map_or(0, |room| room.players.len());
            for index in 0..count {
                if let Some(player) = self.core.player(slot, DmeIndex(index as u8)) {
                    let _ = player.session.disconnect_with_reason(PUT_OUT);
                    self.put_out(slot, DmeIndex(index as u8));
                }
            }
        }
    }
}

fn room_key(core: &Core, slot: usize) -> Option<Arc<SymmetricKey>> {
    core.rooms.get(slot)?.as_ref()?.key.clone()
}
