//! One connection: a stream, perhaps a datagram socket, and the session that makes sense of them.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;

use medley_session::{ClientConfig, ClientEvent, ClientSession, Cover, ServerKind, State, Time, Transport};
use medley_wire::rt::IpText;
use medley_wire::{AnyMessage, Dialect, RtMessage};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::time::Instant;

use crate::game::RelayMessage;
use crate::{Options, SimulatorError};

/// Bytes read at once.
const CHUNK: usize = 16 * 1024;

/// What came on a connection and waits to be read.
#[derive(Debug, Default)]
pub struct Inbox {
    /// Application messages: class, id, body.
    pub app: VecDeque<Vec<u8>>,
    /// Title data.
    pub relay: VecDeque<RelayMessage>,
    /// Other messages: notifications, tokens, texts of the operator.
    pub rt: VecDeque<RtMessage>,
    /// Answers to TIMEBASE_QUERY: client time, server time.
    pub timebase: VecDeque<(u32, u32)>,
    /// Replies to CLIENT_ECHO.
    pub echoes: u32,
    /// SERVER_ECHOs, all returned.
    pub server_echoes: u32,
    /// STARTUP_INFO_NOTIFY.
    pub time_base: Option<u32>,
    /// CONNECT_REJECT.
    pub rejected: Option<u8>,
    /// FORCED_DISCONNECT or DISCONNECT_WITH_REASON.
    pub disconnected: Option<u8>,
    /// Players at CONNECT_COMPLETE.
    pub players_at_connect: u16,
}

impl Inbox {
    fn take(&mut self, event: ClientEvent<'_>) {
        match event {
            ClientEvent::App { payload } => self.app.push_back(payload.to_vec()),
            ClientEvent::Relay { transport, cover, source, payload } => {
                self.relay.push_back(RelayMessage { transport, cover, source, payload: payload.to_vec() });
            }
            ClientEvent::Message(message) => self.rt.push_back(message),
            ClientEvent::Timebase { client_time, server_time } => {
                self.timebase.push_back((client_time, server_time));
            }
            ClientEvent::StartupInfo { time_base } => self.time_base = time_base,
            ClientEvent::Connected { player_count } => self.players_at_connect = player_count,
            ClientEvent::ServerEcho(_) => self.server_echoes += 1,
            ClientEvent::EchoReply { .. } => self.echoes += 1,
            ClientEvent::Rejected { reason } => self.rejected = Some(reason),
            ClientEvent::Disconnect { reason } => self.disconnected = Some(reason),
            _ => {}
        }
    }

    fn len(&self) -> usize {
        self.app.len() + self.relay.len() + self.rt.len() + self.timebase.len()
    }

    /// Names of what waits, for errors.
    pub(crate) fn describe(&self, dialect: &Dialect) -> String {
        let names = self.app.iter().take(8).map(|payload| match AnyMessage::decode(payload, dialect) {
            Ok(message) => match message.status() {
                Some(status) => format!("{} {status:?}", message.name()),
                None => message.name().to_owned(),
            },
            Err(error) => error.to_string(),
        });
        let rt = self.rt.iter().take(8).map(|message| message.id().to_string());
        let mut all: Vec<_> = names.chain(rt).collect();
        if !self.relay.is_empty() {
            all.push(format!("{} relayed", self.relay.len()));
        }
        if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
    }
}

/// One connection of a console.
#[derive(Debug)]
pub struct Connection {
    kind: ServerKind,
    stream: TcpStream,
    udp: Option<UdpSocket>,
    session: Box<ClientSession>,
    /// Output that the stream would not take yet; none of the session's is written before it.
    unsent: Vec<u8>,
    local: Ipv4Addr,
    origin: Instant,
    ended: bool,
    queue: usize,
    /// What came.
    pub inbox: Inbox,
}

fn io_error(what: &'static str) -> impl Fn(io::Error) -> SimulatorError {
    move |source| SimulatorError::Io { what, source }
}

impl Connection {
    /// Connects to `address` and has the first frame ready.
    pub(crate) async fn open(
        options: &Options,
        mut config: ClientConfig,
        address: SocketAddrV4,
        seed: [u8; 32],
        origin: Instant,
    ) -> Result<Self, SimulatorError> {
        let socket = TcpSocket::new_v4().map_err(io_error("socket"))?;
        if !options.local.is_unspecified() {
            socket.bind(SocketAddr::from((options.local, 0))).map_err(io_error("bind"))?;
        }
        if let Some(size) = options.receive_buffer {
            socket.set_recv_buffer_size(size).map_err(io_error("SO_RCVBUF"))?;
        }
        let stream = socket.connect(SocketAddr::V4(address)).await.map_err(io_error("connect"))?;
        stream.set_nodelay(true).map_err(io_error("TCP_NODELAY"))?;
        config.server_address = (IpText::new(address.ip().to_string()), address.port());
        let kind = config.kind;
        let now = Time(Instant::now().duration_since(origin));
        let session = Box::new(ClientSession::new(Arc::new(config), seed, now)?);
        Ok(Self {
            kind,
            stream,
            udp: None,
            session,
            unsent: Vec::new(),
            local: options.local,
            origin,
            ended: false,
            queue: options.queue,
            inbox: Inbox::default(),
        })
    }

    /// The session, to send by.
    pub fn session(&mut self) -> &mut ClientSession {
        &mut self.session
    }

    /// Version and title.
    pub fn dialect(&self) -> Dialect {
        self.session.dialect()
    }

    /// Which server, for errors.
    pub const fn name(&self) -> &'static str {
        match self.kind {
            ServerKind::Muis => "MUIS",
            ServerKind::Mas => "MAS",
            ServerKind::Mls => "MLS",
            ServerKind::Mps => "MPS",
            ServerKind::Dme => "DME",
        }
    }

    /// Nothing comes any more.
    pub fn ended(&self) -> bool {
        self.ended || self.session.state() == State::Closed
    }

    /// The handshake is over.
    pub fn is_ready(&self) -> bool {
        self.session.state() == State::Ready
    }

    /// Index in the world.
    pub fn player_id(&self) -> u16 {
        self.session.player_id()
    }

    /// What is sent is enciphered.
    pub fn enciphered(&self) -> bool {
        self.session.enciphered()
    }

    pub(crate) fn now(&self) -> Time {
        Time(Instant::now().duration_since(self.origin))
    }

    /// Something waits to be written.
    pub(crate) fn has_output(&mut self) -> bool {
        !self.unsent.is_empty()
            || !self.session.output().is_empty()
            || self.session.datagrams().is_some_and(|datagrams| !datagrams.is_empty())
    }

    /// Writes what the sockets take. Never waits.
    pub(crate) fn flush(&mut self) -> Result<(), SimulatorError> {
        if self.unsent.is_empty() {
            core::mem::swap(&mut self.unsent, self.session.output());
        }
        while !self.unsent.is_empty() && !self.ended {
            match self.stream.try_write(&self.unsent) {
                Ok(written) => {
                    self.unsent.drain(..written);
                    if self.unsent.is_empty() {
                        core::mem::swap(&mut self.unsent, self.session.output());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.ended = true,
            }
        }
        if let (Some(udp), Some(datagrams)) = (&self.udp, self.session.datagrams()) {
            for datagram in datagrams.iter() {
                // A datagram that cannot go is lost, as datagrams are.
                let _ = udp.try_send(datagram);
            }
            datagrams.clear();
        }
        Ok(())
    }

    /// Until a socket has something, or takes what waits. Safe to drop.
    pub(crate) async fn ready(&self) {
        let writable = async {
            if self.unsent.is_empty() {
                core::future::pending::<()>().await;
            }
            let _ = self.stream.writable().await;
        };
        let datagram = async {
            match &self.udp {
                Some(udp) => drop(udp.readable().await),
                None => core::future::pending().await,
            }
        };
        let readable = async {
            if self.ended {
                core::future::pending::<()>().await;
            }
            let _ = self.stream.readable().await;
        };
        tokio::select! {
            () = readable => {}
            () = datagram => {}
            () = writable => {}
        }
    }

    /// When the session wants to be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.session.poll_timeout().and_then(|time| self.origin.checked_add(time.0))
    }

    /// Reads all there is into the inbox, and does what is due. Never waits.
    pub(crate) fn turn(&mut self) -> Result<(), SimulatorError> {
        let mut inbox = core::mem::take(&mut self.inbox);
        let result = self.turn_with(&mut |_, event| inbox.take(event));
        let length = inbox.len();
        self.inbox = inbox;
        result?;
        if length > self.queue { Err(SimulatorError::Flooded(length)) } else { Ok(()) }
    }

    /// Reads all there is and hands it to `sink`, and does what is due. Never waits.
    ///
    /// # Errors
    /// The server broke the protocol.
    pub fn turn_with(
        &mut self,
        sink: &mut dyn FnMut(&mut ClientSession, ClientEvent<'_>),
    ) -> Result<(), SimulatorError> {
        let mut buffer = [0; CHUNK];
        let now = self.now();
        let mut udp_at = None;
        while !self.ended {
            match self.stream.try_read(&mut buffer) {
                Ok(0) => self.ended = true,
                Ok(length) => {
                    let input = buffer.get_mut(..length).unwrap_or_default();
                    self.session.receive(now, input, |session, event| {
                        if let ClientEvent::AuxUdp { ip, port } = &event {
                            udp_at = Some((*ip, *port));
                        }
                        sink(session, event);
                    })?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // A reset is an end too.
                Err(_) => self.ended = true,
            }
        }
        if let Some((ip, port)) = udp_at {
            self.open_udp(ip, port)?;
        }
        if let Some(udp) = &self.udp {
            // Errors are told of datagrams that nobody took: nothing to a console.
            while let Ok(length) = udp.try_recv(&mut buffer) {
                let datagram = buffer.get_mut(..length).unwrap_or_default();
                self.session.receive_datagram(now, datagram, &mut *sink);
            }
        }
        if self.session.poll_timeout().is_some_and(|due| now >= due) {
            self.session.handle_timeout(now)?;
        }
        Ok(())
    }

    fn open_udp(&mut self, ip: IpText, port: u16) -> Result<(), SimulatorError> {
        let address: Ipv4Addr = ip
            .to_string_lossy()
            .parse()
            .map_err(|_| SimulatorError::Incomplete { message: "SERVER_INFO_AUX_UDP", missing: "address" })?;
        let socket = std::net::UdpSocket::bind((self.local, 0)).map_err(io_error("UDP bind"))?;
        socket.connect((address, port)).map_err(io_error("UDP connect"))?;
        socket.set_nonblocking(true).map_err(io_error("UDP"))?;
        self.udp = Some(UdpSocket::from_std(socket).map_err(io_error("UDP"))?);
        Ok(())
    }

    /// CLIENT_ECHO, by datagram too where there are any.
    pub(crate) fn echo(&mut self) -> Result<(), SimulatorError> {
        let now = self.now();
        self.session.echo(Transport::Tcp, now)?;
        if self.udp.is_some() {
            self.session.echo(Transport::Udp, now)?;
        }
        Ok(())
    }

    /// Our datagram address, once there is one.
    pub fn udp_address(&self) -> Option<SocketAddr> {
        self.udp.as_ref().and_then(|udp| udp.local_addr().ok())
    }

    /// Sends title data on one transport: to all, to one, to a list.
    pub(crate) fn relay(
        &mut self,
        transport: Transport,
        cover: Cover,
        to: &crate::game::To<'_>,
        payload: &[u8],
    ) -> Result<(), SimulatorError> {
        use crate::game::To;
        match to {
            To::All => self.session.broadcast(transport, cover, payload)?,
            To::One(target) => self.session.single(transport, cover, *target, payload)?,
            To::List(mask) => self.session.list(transport, cover, mask, payload)?,
        }
        Ok(())
    }
}
