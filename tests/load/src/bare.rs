//! The baseline: the work of a relay without being one. A loop that reads clear frames, puts each into the outboxes of
//! the seven others, and writes each outbox once per turn. No handshake, keys, worlds, rights, counters or limits.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use medley_session::Datagrams;
use medley_wire::frame::{FrameBuffer, FrameTooLong, Header, split_datagram};
use medley_wire::rt::RtId;
use mio::net::{TcpListener, TcpStream, UdpSocket};
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::{Domain, Protocol, Socket, Type};

use crate::fleet::{Result, io_error};

/// The name of the baseline's thread, for [`crate::meter::Subject::Threads`].
pub const THREAD: &str = "bare-relay";
const WAKER: Token = Token(0);
const LISTENER: Token = Token(1);
const UDP: Token = Token(2);
const FIRST: usize = 3;
const CHUNK: usize = 64 * 1024;
const UDP_BUFFER: usize = 4 * 1024 * 1024;
/// As the relay: so many datagrams, then a flush.
const DATAGRAMS_A_TURN: usize = 2048;

/// A running baseline. It stops when dropped.
#[derive(Debug)]
pub struct Bare {
    /// TCP.
    pub tcp: SocketAddr,
    /// UDP.
    pub udp: SocketAddr,
    stop: Arc<AtomicBool>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

struct Client {
    stream: TcpStream,
    frames: FrameBuffer,
    output: Vec<u8>,
    written: usize,
    endpoint: Option<SocketAddr>,
    datagrams: Datagrams,
    dirty: bool,
}

struct Loop {
    poll: Poll,
    listener: TcpListener,
    udp: UdpSocket,
    clients: Vec<Client>,
    dirty: Vec<usize>,
    world: usize,
    limit: usize,
    buffer: Vec<u8>,
}

impl Bare {
    /// Starts on loopback. Clients form worlds of `world` in the order in which they come; a datagram holds `limit`
    /// bytes at most, 0: one frame.
    ///
    /// # Errors
    /// The system gives no socket or thread.
    pub fn start(world: usize, limit: usize) -> Result<Self> {
        let poll = Poll::new().map_err(io_error("poll"))?;
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut listener = TcpListener::bind(loopback).map_err(io_error("baseline TCP"))?;
        let mut udp = datagram_socket(loopback).map_err(io_error("baseline UDP"))?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER).map_err(io_error("waker"))?);
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)
            .map_err(io_error("register"))?;
        poll.registry().register(&mut udp, UDP, Interest::READABLE).map_err(io_error("register"))?;
        let (tcp, udp_at) = (listener.local_addr(), udp.local_addr());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let state = Loop {
            poll,
            listener,
            udp,
            clients: Vec::new(),
            dirty: Vec::new(),
            world,
            limit,
            buffer: vec![0; CHUNK],
        };
        let thread = std::thread::Builder::new().name(THREAD.to_owned());
        let thread = thread.spawn(move || state.run(&stopped)).map_err(io_error("thread"))?;
        Ok(Self {
            tcp: tcp.map_err(io_error("baseline TCP"))?,
            udp: udp_at.map_err(io_error("baseline UDP"))?,
            stop,
            waker,
            thread: Some(thread),
        })
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn datagram_socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    let _ = socket.set_recv_buffer_size(UDP_BUFFER);
    let _ = socket.set_send_buffer_size(UDP_BUFFER);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(UdpSocket::from_std(socket.into()))
}

impl Loop {
    fn run(mut self, stop: &AtomicBool) {
        let mut events = Events::with_capacity(1024);
        let mut again = false;
        while !stop.load(Ordering::Acquire) {
            let timeout = again.then_some(std::time::Duration::ZERO);
            if self.poll.poll(&mut events, timeout).is_err_and(|error| error.kind() != ErrorKind::Interrupted)
            {
                return;
            }
            let mut udp = core::mem::take(&mut again);
            for event in &events {
                match event.token() {
                    WAKER => {}
                    LISTENER => self.accept(),
                    UDP => udp = true,
                    Token(token) => {
                        let number = token - FIRST;
                        if event.is_writable() {
                            self.mark(number);
                        }
                        if event.is_readable() {
                            self.read(number);
                        }
                    }
                }
            }
            if udp {
                again = self.read_udp();
            }
            self.flush();
        }
    }

    fn accept(&mut self) {
        while let Ok((mut stream, _)) = self.listener.accept() {
            let _ = stream.set_nodelay(true);
            let token = Token(FIRST + self.clients.len());
            let interest = Interest::READABLE | Interest::WRITABLE;
            if self.poll.registry().register(&mut stream, token, interest).is_err() {
                continue;
            }
            self.clients.push(Client {
                stream,
                frames: FrameBuffer::new(),
                output: Vec::new(),
                written: 0,
                endpoint: None,
                datagrams: Datagrams::new(self.limit),
                dirty: false,
            });
        }
    }

    fn mark(&mut self, number: usize) {
        if let Some(client) = self.clients.get_mut(number)
            && !client.dirty
        {
            client.dirty = true;
            self.dirty.push(number);
        }
    }

    fn read(&mut self, number: usize) {
        let mut buffer = core::mem::take(&mut self.buffer);
        while let Some(client) = self.clients.get_mut(number) {
            let count = match client.stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            let mut frames = core::mem::take(&mut client.frames);
            let fed: core::result::Result<(), FrameTooLong> =
                frames.feed(buffer.get_mut(..count).unwrap_or_default(), |header, frame| {
                    self.frame(number, &header, frame, false);
                    Ok(())
                });
            if fed.is_ok()
                && let Some(client) = self.clients.get_mut(number)
            {
                client.frames = frames;
            }
            if count < CHUNK {
                break;
            }
        }
        self.buffer = buffer;
    }

    fn read_udp(&mut self) -> bool {
        let mut buffer = core::mem::take(&mut self.buffer);
        let mut more = true;
        for _ in 0..DATAGRAMS_A_TURN {
            let Ok((count, from)) = self.udp.recv_from(&mut buffer) else {
                more = false;
                break;
            };
            let known = self.clients.iter().position(|client| client.endpoint == Some(from));
            // The first datagram of somebody new is that of the first client without one: they come one by one.
            let number = known.or_else(|| self.clients.iter().position(|client| client.endpoint.is_none()));
            let Some(number) = number else { continue };
            if let Some(client) = self.clients.get_mut(number) {
                client.endpoint = Some(from);
            }
            let _ = split_datagram(buffer.get_mut(..count).unwrap_or_default(), |header, frame| {
                self.frame(number, &header, frame, true);
                Ok::<_, core::convert::Infallible>(())
            });
        }
        self.buffer = buffer;
        more
    }

    fn frame(&mut self, number: usize, header: &Header, frame: &[u8], udp: bool) {
        let body = frame.get(header.body_at(0)).unwrap_or_default();
        if header.id == RtId::CLIENT_ECHO {
            if let Some(client) = self.clients.get_mut(number) {
                client.put(frame, &[], &[], udp);
            }
            self.mark(number);
            return;
        }
        let world = number - number % self.world;
        let index = ((number - world) as u16).to_le_bytes();
        let [low, high] = ((body.len() + 2) as u16).to_le_bytes();
        let head = [RtId::CLIENT_APP_SINGLE.0, low, high];
        for other in world..(world + self.world).min(self.clients.len()) {
            if other != number {
                if let Some(client) = self.clients.get_mut(other) {
                    client.put(&head, &index, body, udp);
                }
                self.mark(other);
            }
        }
    }

    fn flush(&mut self) {
        let mut dirty = core::mem::take(&mut self.dirty);
        for number in dirty.drain(..) {
            if let Some(client) = self.clients.get_mut(number) {
                client.dirty = false;
                client.flush(&self.udp);
            }
        }
        self.dirty = dirty;
    }
}

impl Client {
    fn put(&mut self, head: &[u8], index: &[u8], body: &[u8], udp: bool) {
        if udp {
            let mut frame = [0; 1400];
            let length = head.len() + index.len() + body.len();
            if let Some(frame) = frame.get_mut(..length) {
                let (first, rest) = frame.split_at_mut(head.len());
                first.copy_from_slice(head);
                let (second, rest) = rest.split_at_mut(index.len());
                second.copy_from_slice(index);
                rest.copy_from_slice(body);
                self.datagrams.push(frame);
            }
            return;
        }
        self.output.extend_from_slice(head);
        self.output.extend_from_slice(index);
        self.output.extend_from_slice(body);
    }

    fn flush(&mut self, udp: &UdpSocket) {
        if let Some(endpoint) = self.endpoint {
            for datagram in self.datagrams.iter() {
                let _ = udp.send_to(datagram, endpoint);
            }
        }
        self.datagrams.clear();
        while self.written < self.output.len() {
            match self.stream.write(&self.output[self.written..]) {
                Ok(count) if count > 0 => self.written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                _ => break,
            }
        }
        self.output.clear();
        self.written = 0;
    }
}
