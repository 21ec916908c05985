//! Many client connections on one thread: dialled, shaken hands with, read, written, each a [`ClientSession`] or a bare
//! stream of clear frames.
//!
//! It stands on `mio` so that the generator costs little next to the host it shares a machine with: no task and no
//! buffer a connection, one read buffer for all.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use medley_session::{
    ClientConfig, ClientEvent, ClientSession, Cover, Datagrams, SendError, ServerKind, SessionError, State,
    Time, Transport,
};
use medley_wire::frame::{FrameBuffer, FrameTooLong, Header, split_datagram};
use medley_wire::rt::{IpText, RtId};
use mio::net::{TcpStream, UdpSocket};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use socket2::{Domain, Protocol, Socket, Type};

const TIMER: Token = Token(usize::MAX - 1);
/// Read at once.
const CHUNK: usize = 64 * 1024;
/// Asked of the kernel for each datagram socket: a blast's worth for one player.
const UDP_BUFFER: usize = 4 * 1024 * 1024;
/// What a bare client puts into one datagram, like a console's library.
const BARE_DATAGRAM: usize = 584;
/// Application messages that may wait on one connection; older ones are dropped, load does not read pushes.
const INBOX: usize = 64;

/// Why a workload stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A system call failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// The server broke the protocol.
    #[error("connection {connection}: {source}")]
    Session {
        /// Number in the fleet.
        connection: usize,
        /// How.
        source: SessionError,
    },
    /// What was to be sent does not fit.
    #[error(transparent)]
    Send(#[from] SendError),
    /// An answer was a refusal or none.
    #[error("{request}: answered {found}")]
    Refused {
        /// SDK name of the request.
        request: &'static str,
        /// Status, or what came instead.
        found: String,
    },
    /// Nothing came for too long.
    #[error("{awaited} did not come within {seconds} s")]
    Timeout {
        /// What.
        awaited: &'static str,
        /// Seconds waited.
        seconds: u64,
    },
    /// An answer sends clients to a machine that nobody named.
    #[error("an answer leads to {address}; load goes to loopback and the address given only")]
    Elsewhere {
        /// Where to.
        address: IpAddr,
    },
    /// Other errors: key pairs, child processes, arguments.
    #[error("{0}")]
    Other(String),
}

/// A shorthand.
pub type Result<T> = core::result::Result<T, LoadError>;

pub(crate) fn io_error(what: &'static str) -> impl Fn(io::Error) -> LoadError {
    move |source| LoadError::Io { what, source }
}

/// A relayed message that came.
#[derive(Debug)]
pub struct Heard<'a> {
    /// Connection that heard it.
    pub to: usize,
    /// Index of the sender in its world.
    pub source: u16,
    /// Payload. `None`: the connection counts messages without deciphering them.
    pub payload: Option<&'a [u8]>,
    /// When the bytes were read.
    pub at: Time,
}

/// What a connection speaks.
enum Speech {
    Session(Box<ClientSession>),
    Bare { frames: FrameBuffer, output: Vec<u8>, datagrams: Datagrams, pongs: u32 },
}

/// One connection.
pub struct Connection {
    stream: TcpStream,
    udp: Option<UdpSocket>,
    speech: Speech,
    /// Bytes of the output that the stream has taken.
    written: usize,
    dirty: bool,
    timer: Option<Time>,
    /// Application messages that came: class, id, body.
    pub inbox: VecDeque<Vec<u8>>,
    /// The server closed, refused or sent away.
    pub ended: bool,
    /// CONNECT_REJECT.
    pub rejected: Option<u8>,
    /// Replies to echoes.
    pub echoes: u32,
    /// Datagrams that the own socket did not take: losses of the generator's.
    pub unsent: u64,
    /// Relayed messages are counted by their headers, see [`Connection::count_only`].
    counts: Option<FrameBuffer>,
}

impl Connection {
    /// The session; `None` on a bare connection.
    pub fn session(&mut self) -> Option<&mut ClientSession> {
        match &mut self.speech {
            Speech::Session(session) => Some(session),
            Speech::Bare { .. } => None,
        }
    }

    /// The handshake is over; a bare connection has none.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        match &self.speech {
            Speech::Session(session) => session.state() == State::Ready,
            Speech::Bare { .. } => true,
        }
    }

    /// Relayed messages are from now on counted by their headers and not deciphered: seven receivers on one thread cost
    /// more than the server that serves them. To be switched while nothing is under way.
    pub fn count_only(&mut self, on: bool) {
        self.counts = on.then(FrameBuffer::new);
    }

    /// Puts a broadcast into the output.
    ///
    /// # Errors
    /// No UDP yet, or too long.
    pub fn broadcast(&mut self, transport: Transport, cover: Cover, payload: &[u8]) -> Result<()> {
        match &mut self.speech {
            Speech::Session(session) => session.broadcast(transport, cover, payload)?,
            Speech::Bare { output, datagrams, .. } => {
                let mut frame = Vec::with_capacity(payload.len() + 3);
                Header::write(RtId::CLIENT_APP_BROADCAST, None, payload.len(), &mut frame);
                frame.extend_from_slice(payload);
                match transport {
                    Transport::Tcp => output.extend_from_slice(&frame),
                    Transport::Udp => datagrams.push(&frame),
                }
            }
        }
        Ok(())
    }

    /// Puts an echo into the output; [`Connection::echoes`] counts replies.
    ///
    /// # Errors
    /// No UDP yet.
    pub fn echo(&mut self, transport: Transport, now: Time) -> Result<()> {
        match &mut self.speech {
            Speech::Session(session) => session.echo(transport, now)?,
            Speech::Bare { output, datagrams, .. } => {
                let frame = [RtId::CLIENT_ECHO.0, 1, 0, 0xa5];
                match transport {
                    Transport::Tcp => output.extend_from_slice(&frame),
                    Transport::Udp => datagrams.push(&frame),
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self) {
        let mut written = self.written;
        let Self { stream, speech, ended, .. } = self;
        let output = match speech {
            Speech::Session(session) => session.output(),
            Speech::Bare { output, .. } => output,
        };
        while written < output.len() && !*ended {
            match stream.write(&output[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Not connected yet, or a full buffer: readiness comes.
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                    break;
                }
                Err(_) => *ended = true,
            }
        }
        if written == output.len() {
            output.clear();
            if output.capacity() > CHUNK {
                *output = Vec::new();
            }
            written = 0;
        }
        self.written = written;
        let Self { udp: Some(udp), speech, unsent, .. } = self else { return };
        let datagrams = match speech {
            Speech::Session(session) => session.datagrams(),
            Speech::Bare { datagrams, .. } => Some(datagrams),
        };
        if let Some(datagrams) = datagrams {
            for datagram in datagrams.iter() {
                if udp.send(datagram).is_err() {
                    *unsent += 1;
                }
            }
            datagrams.clear();
        }
    }
}

/// The connections of one generator thread.
pub struct Fleet {
    poll: Poll,
    events: Events,
    timer: OwnedFd,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    dirty: Vec<usize>,
    timers: BinaryHeap<Reverse<(Time, usize)>>,
    buffer: Vec<u8>,
    origin: Instant,
    rng: ChaCha20Rng,
    /// Addresses that answers may lead to, besides loopback.
    allowed: Vec<IpAddr>,
    /// Source addresses of loopback are taken from 127.0.0.0/8 in turn, so that limits per address do not apply.
    spread: Option<u32>,
    /// Connections on which something happened in the last turn.
    pub changed: Vec<usize>,
}

impl Fleet {
    /// No connections yet. `allowed`: addresses besides loopback that may be dialled.
    ///
    /// # Errors
    /// The system gives no poll or timer.
    pub fn new(allowed: Vec<IpAddr>) -> Result<Self> {
        let poll = Poll::new().map_err(io_error("poll"))?;
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC);
        let timer = timer.map_err(|error| LoadError::Io { what: "timerfd", source: error.into() })?;
        let source = timer.as_raw_fd();
        poll.registry()
            .register(&mut SourceFd(&source), TIMER, Interest::READABLE)
            .map_err(io_error("timerfd"))?;
        Ok(Self {
            poll,
            events: Events::with_capacity(4096),
            timer,
            connections: Vec::new(),
            free: Vec::new(),
            dirty: Vec::new(),
            timers: BinaryHeap::new(),
            buffer: vec![0; CHUNK],
            origin: Instant::now(),
            rng: ChaCha20Rng::seed_from_u64(u64::from(std::process::id())),
            allowed,
            spread: None,
            changed: Vec::new(),
        })
    }

    /// Dials loopback from many loopback addresses in turn.
    pub const fn spread(&mut self) {
        self.spread = Some(0);
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Time {
        Time(self.origin.elapsed())
    }

    /// Connections that are open.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.connections.len() - self.free.len()
    }

    /// None is open.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A connection by number.
    pub fn get(&mut self, number: usize) -> Option<&mut Connection> {
        self.connections.get_mut(number)?.as_mut()
    }

    fn check(&self, address: IpAddr) -> Result<()> {
        if address.is_loopback() || self.allowed.contains(&address) {
            Ok(())
        } else {
            Err(LoadError::Elsewhere { address })
        }
    }

    fn source(&mut self, to: SocketAddr) -> Option<Ipv4Addr> {
        let counter = self.spread.as_mut().filter(|_| to.ip().is_loopback())?;
        *counter = (*counter + 1) % 16_384;
        // 127.64.0.0/18: none of the addresses that servers usually listen on.
        Some(Ipv4Addr::from(0x7f40_0000 + *counter))
    }

    fn connect(&mut self, to: SocketAddr) -> Result<(TcpStream, Option<Ipv4Addr>)> {
        self.check(to.ip())?;
        let from = self.source(to);
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP));
        let socket = socket.map_err(io_error("TCP socket"))?;
        socket.set_nonblocking(true).map_err(io_error("TCP socket"))?;
        socket.set_tcp_nodelay(true).map_err(io_error("TCP_NODELAY"))?;
        if let Some(from) = from {
            socket.bind(&SocketAddr::from((from, 0)).into()).map_err(io_error("bind"))?;
        }
        match socket.connect(&to.into()) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
            Err(source) => return Err(LoadError::Io { what: "connect", source }),
        }
        Ok((TcpStream::from_std(socket.into()), from))
    }

    /// Opens a connection with a session; its first frame goes out in the next turn.
    ///
    /// # Errors
    /// The address is not allowed, or the system refuses.
    pub fn dial(&mut self, mut config: ClientConfig, to: SocketAddr) -> Result<usize> {
        let (stream, _) = self.connect(to)?;
        config.server_address = (IpText::new(to.ip().to_string()), to.port());
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        let session = ClientSession::new(Arc::new(config), seed, self.now())?;
        self.insert(stream, None, Speech::Session(Box::new(session)))
    }

    /// Opens a connection of bare clear frames, with a datagram socket to `udp`.
    ///
    /// # Errors
    /// The address is not allowed, or the system refuses.
    pub fn dial_bare(&mut self, to: SocketAddr, udp: Option<SocketAddr>) -> Result<usize> {
        let (stream, from) = self.connect(to)?;
        let socket = udp.map(|udp| datagram_socket(from, udp)).transpose()?;
        let speech = Speech::Bare {
            frames: FrameBuffer::new(),
            output: Vec::new(),
            datagrams: Datagrams::new(BARE_DATAGRAM),
            pongs: 0,
        };
        self.insert(stream, socket, speech)
    }

    fn insert(&mut self, mut stream: TcpStream, mut udp: Option<UdpSocket>, speech: Speech) -> Result<usize> {
        let number = self.free.pop().unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        let registry = self.poll.registry();
        registry
            .register(&mut stream, Token(number * 2), Interest::READABLE | Interest::WRITABLE)
            .map_err(io_error("register"))?;
        if let Some(udp) = &mut udp {
            let token = Token(number * 2 + 1);
            registry.register(udp, token, Interest::READABLE).map_err(io_error("register"))?;
        }
        let connection = Connection {
            stream,
            udp,
            speech,
            written: 0,
            dirty: false,
            timer: None,
            inbox: VecDeque::new(),
            ended: false,
            rejected: None,
            echoes: 0,
            unsent: 0,
            counts: None,
        };
        if let Some(place) = self.connections.get_mut(number) {
            *place = Some(connection);
        }
        self.touch(number);
        Ok(number)
    }

    /// Closes a connection, with a goodbye if `goodbye`.
    pub fn hang_up(&mut self, number: usize, goodbye: bool) {
        let Some(mut connection) = self.connections.get_mut(number).and_then(Option::take) else { return };
        if goodbye && let Speech::Session(session) = &mut connection.speech {
            // One byte: it cannot be too long.
            let _ = session.disconnect();
            connection.flush();
        }
        let _ = self.poll.registry().deregister(&mut connection.stream);
        if let Some(udp) = &mut connection.udp {
            let _ = self.poll.registry().deregister(udp);
        }
        self.free.push(number);
    }

    /// Something was put into a connection's output: it goes out at the end of the turn, or by [`Fleet::flush`].
    pub fn touch(&mut self, number: usize) {
        if let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut)
            && !connection.dirty
        {
            connection.dirty = true;
            self.dirty.push(number);
        }
    }

    /// Writes what waits.
    pub fn flush(&mut self) {
        let mut dirty = core::mem::take(&mut self.dirty);
        for number in dirty.drain(..) {
            let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else {
                continue;
            };
            connection.dirty = false;
            connection.flush();
            if let Speech::Session(session) = &connection.speech
                && let Some(at) = session.poll_timeout()
                && connection.timer.is_none_or(|timer| at < timer)
            {
                connection.timer = Some(at);
                self.timers.push(Reverse((at, number)));
            }
        }
        self.dirty = dirty;
    }

    /// Writes, waits until something comes or it is `until`, reads all there is, and writes again.
    ///
    /// # Errors
    /// A server broke the protocol.
    pub fn turn(&mut self, until: Time, sink: &mut dyn FnMut(Heard<'_>)) -> Result<()> {
        self.flush();
        self.changed.clear();
        let now = self.now();
        let next = self.timers.peek().map_or(until, |Reverse((at, _))| until.min(*at));
        let wait = next.since(now);
        if !wait.is_zero() {
            let spec = Itimerspec {
                it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
                it_value: Timespec {
                    tv_sec: wait.as_secs().cast_signed(),
                    tv_nsec: wait.subsec_nanos().into(),
                },
            };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec)
                .map_err(|error| LoadError::Io { what: "timerfd", source: error.into() })?;
        }
        // The timer wakes to the microsecond; the poll's own time-out, in milliseconds, is a safety net.
        let limit = if wait.is_zero() { wait } else { wait + Duration::from_millis(2) };
        if let Err(error) = self.poll.poll(&mut self.events, Some(limit))
            && error.kind() != ErrorKind::Interrupted
        {
            return Err(LoadError::Io { what: "poll", source: error });
        }
        let events = core::mem::replace(&mut self.events, Events::with_capacity(1));
        let mut result = Ok(());
        for event in &events {
            if event.token() == TIMER {
                let _ = rustix::io::read(&self.timer, &mut [0; 8]);
                continue;
            }
            let (number, datagrams) = (event.token().0 / 2, event.token().0 % 2 == 1);
            if event.is_writable() {
                self.touch(number);
            }
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                let read = if datagrams {
                    self.read_datagrams(number, sink)
                } else {
                    self.read_stream(number, sink)
                };
                result = result.and(read);
                self.touch(number);
                self.changed.push(number);
            }
        }
        self.events = events;
        self.fire()?;
        self.flush();
        result
    }

    fn fire(&mut self) -> Result<()> {
        let now = self.now();
        while let Some(Reverse((at, number))) = self.timers.peek().copied()
            && at <= now
        {
            self.timers.pop();
            let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else {
                continue;
            };
            if connection.timer != Some(at) {
                continue;
            }
            connection.timer = None;
            if let Speech::Session(session) = &mut connection.speech {
                session.handle_timeout(now)?;
            }
            self.touch(number);
        }
        Ok(())
    }

    fn read_stream(&mut self, number: usize, sink: &mut dyn FnMut(Heard<'_>)) -> Result<()> {
        loop {
            let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else {
                return Ok(());
            };
            let count = match connection.stream.read(&mut self.buffer) {
                Ok(0) => {
                    connection.ended = true;
                    return Ok(());
                }
                Ok(count) => count,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => {
                    connection.ended = true;
                    return Ok(());
                }
            };
            let at = Time(self.origin.elapsed());
            let input = self.buffer.get_mut(..count).unwrap_or_default();
            let Connection { speech, inbox, ended, rejected, echoes, counts, .. } = connection;
            let mut udp_at = None;
            match speech {
                Speech::Session(session) => {
                    let mut receive = |input: &mut [u8], sink: &mut dyn FnMut(Heard<'_>)| {
                        session.receive(at, input, |_, event| {
                            take(event, number, at, inbox, rejected, ended, echoes, &mut udp_at, sink);
                        })
                    };
                    let result = match counts {
                        None => receive(input, sink),
                        Some(frames) => {
                            frames.feed(input, |header, frame| match counted(&header, frame, number, at) {
                                Some(heard) => {
                                    sink(heard);
                                    Ok(())
                                }
                                None => receive(frame, sink),
                            })
                        }
                    };
                    if let Err(source) = result {
                        *ended = true;
                        return Err(LoadError::Session { connection: number, source });
                    }
                }
                Speech::Bare { frames, pongs, .. } => {
                    let fed: core::result::Result<(), FrameTooLong> = frames.feed(input, |header, frame| {
                        bare(&header, frame, number, at, pongs, sink);
                        Ok(())
                    });
                    *echoes = *pongs;
                    *ended |= fed.is_err();
                }
            }
            if let Some((ip, port)) = udp_at {
                self.open_datagrams(number, &ip, port)?;
            }
            if count < CHUNK {
                return Ok(());
            }
        }
    }

    fn read_datagrams(&mut self, number: usize, sink: &mut dyn FnMut(Heard<'_>)) -> Result<()> {
        loop {
            let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else {
                return Ok(());
            };
            let Some(udp) = &connection.udp else { return Ok(()) };
            let count = match udp.recv(&mut self.buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // An ICMP answer to something that was sent.
                Err(_) => continue,
            };
            let at = Time(self.origin.elapsed());
            let input = self.buffer.get_mut(..count).unwrap_or_default();
            let Connection { speech, inbox, ended, rejected, echoes, counts, .. } = connection;
            match speech {
                Speech::Session(session) => {
                    let mut receive = |input: &mut [u8], sink: &mut dyn FnMut(Heard<'_>)| {
                        session.receive_datagram(at, input, |_, event| {
                            take(event, number, at, inbox, rejected, ended, echoes, &mut None, sink);
                        });
                    };
                    if counts.is_none() {
                        receive(input, sink);
                    } else {
                        let _ = split_datagram(input, |header, frame| {
                            match counted(&header, frame, number, at) {
                                Some(heard) => sink(heard),
                                None => receive(frame, sink),
                            }
                            Ok::<_, core::convert::Infallible>(())
                        });
                    }
                }
                Speech::Bare { pongs, .. } => {
                    let _ = split_datagram(input, |header, frame| {
                        bare(&header, frame, number, at, pongs, sink);
                        Ok::<_, core::convert::Infallible>(())
                    });
                    *echoes = *pongs;
                }
            }
        }
    }

    fn open_datagrams(&mut self, number: usize, ip: &IpText, port: u16) -> Result<()> {
        let ip: Ipv4Addr = ip
            .to_string_lossy()
            .parse()
            .map_err(|_| LoadError::Other("SERVER_INFO_AUX_UDP names no address".to_owned()))?;
        self.check(ip.into())?;
        let Some(connection) = self.connections.get_mut(number).and_then(Option::as_mut) else {
            return Ok(());
        };
        // Servers hold the two addresses of a player against each other.
        let local = connection.stream.local_addr().map_err(io_error("local address"))?;
        let from = match local.ip() {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        };
        let mut socket = datagram_socket(from, SocketAddr::V4(SocketAddrV4::new(ip, port)))?;
        self.poll
            .registry()
            .register(&mut socket, Token(number * 2 + 1), Interest::READABLE)
            .map_err(io_error("register"))?;
        connection.udp = Some(socket);
        Ok(())
    }

    /// Turns until `done` says so.
    ///
    /// # Errors
    /// It does not within `patience`, or a server broke the protocol.
    pub fn until(
        &mut self,
        awaited: &'static str,
        patience: Duration,
        mut done: impl FnMut(&mut Self) -> Result<bool>,
    ) -> Result<()> {
        let end = self.now() + patience;
        while !done(self)? {
            if self.now() >= end {
                return Err(LoadError::Timeout { awaited, seconds: patience.as_secs() });
            }
            self.turn(end, &mut |_| {})?;
        }
        Ok(())
    }

    /// Turns until the connection's handshake is over.
    ///
    /// # Errors
    /// It is refused or takes too long.
    pub fn ready(&mut self, number: usize) -> Result<()> {
        self.until("CONNECT_COMPLETE", Duration::from_secs(30), |fleet| {
            let Some(connection) = fleet.get(number) else { return Ok(true) };
            if connection.ended || connection.rejected.is_some() {
                let found = connection
                    .rejected
                    .map_or_else(|| "a close".to_owned(), |reason| format!("reject {reason}"));
                return Err(LoadError::Refused { request: "CONNECT", found });
            }
            Ok(connection.is_ready())
        })
    }

    /// Sends an echo and waits for its reply: all that was sent before has been handled.
    ///
    /// # Errors
    /// None comes.
    pub fn settle(&mut self, number: usize, transport: Transport) -> Result<()> {
        let now = self.now();
        let Some(connection) = self.get(number) else { return Ok(()) };
        let before = connection.echoes;
        connection.echo(transport, now)?;
        self.touch(number);
        self.until("an echo", Duration::from_secs(30), |fleet| {
            Ok(fleet.get(number).is_none_or(|connection| connection.ended || connection.echoes > before))
        })
    }
}

fn datagram_socket(from: Option<Ipv4Addr>, to: SocketAddr) -> Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(to), Type::DGRAM, Some(Protocol::UDP));
    let socket = socket.map_err(io_error("UDP socket"))?;
    // Less than asked is no reason to stop: losses are counted.
    let _ = socket.set_recv_buffer_size(UDP_BUFFER);
    socket.set_nonblocking(true).map_err(io_error("UDP socket"))?;
    let from = from.unwrap_or(Ipv4Addr::UNSPECIFIED);
    socket.bind(&SocketAddr::from((from, 0)).into()).map_err(io_error("UDP bind"))?;
    socket.connect(&to.into()).map_err(io_error("UDP connect"))?;
    Ok(UdpSocket::from_std(socket.into()))
}

#[expect(clippy::too_many_arguments, reason = "the parts of one connection, borrowed apart")]
fn take(
    event: ClientEvent<'_>,
    to: usize,
    at: Time,
    inbox: &mut VecDeque<Vec<u8>>,
    rejected: &mut Option<u8>,
    ended: &mut bool,
    echoes: &mut u32,
    udp_at: &mut Option<(IpText, u16)>,
    sink: &mut dyn FnMut(Heard<'_>),
) {
    match event {
        ClientEvent::Relay { source, payload, .. } => sink(Heard { to, source, payload: Some(payload), at }),
        ClientEvent::App { payload } => {
            if inbox.len() >= INBOX {
                inbox.pop_front();
            }
            inbox.push_back(payload.to_vec());
        }
        ClientEvent::AuxUdp { ip, port } => *udp_at = Some((ip, port)),
        ClientEvent::Rejected { reason } => {
            *rejected = Some(reason);
            *ended = true;
        }
        ClientEvent::Disconnect { .. } => *ended = true,
        ClientEvent::EchoReply { .. } => *echoes += 1,
        _ => {}
    }
}

fn bare(
    header: &Header,
    frame: &[u8],
    to: usize,
    at: Time,
    pongs: &mut u32,
    sink: &mut dyn FnMut(Heard<'_>),
) {
    let body = frame.get(header.body_at(0)).unwrap_or_default();
    if header.id == RtId::CLIENT_ECHO {
        *pongs += 1;
    } else if let Some((source, payload)) = body.split_first_chunk() {
        sink(Heard { to, source: u16::from_le_bytes(*source), payload: Some(payload), at });
    }
}

/// A relayed message by its header: the sender's index is in clear in front of the ciphertext.
fn counted(header: &Header, frame: &[u8], to: usize, at: Time) -> Option<Heard<'static>> {
    let body = frame.get(header.body_at(0)).unwrap_or_default();
    let (source, _) = body.split_first_chunk().filter(|_| header.id == RtId::CLIENT_APP_SINGLE)?;
    Some(Heard { to, source: u16::from_le_bytes(*source), payload: None, at })
}

/// What a dialled server is, and as what it is dialled.
#[derive(Clone, Debug)]
pub struct Style {
    /// Version, title and ciphers; kind, world and keys are set for each connection.
    pub config: ClientConfig,
}

impl Style {
    /// For a server of `kind`.
    #[must_use]
    pub fn to(&self, kind: ServerKind) -> ClientConfig {
        let mut config = self.config.clone();
        config.kind = kind;
        config.aux_udp = kind == ServerKind::Dme;
        config
    }
}
