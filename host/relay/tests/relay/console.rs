//! A console on real sockets: a `ClientSession` and what it has seen.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use medley_crypto::KeyStore;
use medley_relay::world::{Allotment, DmeWorldId};
use medley_relay::{Relay, RelayConfig, RelayHandle, RelayRules, RelayTitle};
use medley_session::{ClientConfig, ClientEvent, ClientSession, Cover, ServerKind, State, Time, Transport};
use medley_wire::types::{AppId, Text};
use medley_wire::{RtMessage, rt};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Nothing in these tests takes a tenth of it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const UYA: AppId = AppId(10684);
pub(crate) const DEADLOCKED: AppId = AppId(11184);

/// A relay that stops with the test.
pub(crate) struct Host {
    pub(crate) relay: RelayHandle,
    pub(crate) keys: Arc<KeyStore>,
    pub(crate) stop: CancellationToken,
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A defect: to look this title up ends the thread that does.
pub(crate) struct Defect;

impl RelayRules for Defect {
    fn for_app(&self, app: AppId) -> RelayTitle {
        assert_ne!(app, UYA, "a defect");
        RelayTitle::default()
    }
}

pub(crate) fn host(config: RelayConfig, title: RelayTitle) -> Host {
    let keys = Arc::new(KeyStore::embedded().unwrap());
    let stop = CancellationToken::new();
    let relay = Relay::start(config, Arc::new(title), Arc::clone(&keys), stop.clone()).unwrap();
    Host { relay, keys, stop }
}

pub(crate) fn usual() -> Host {
    host(RelayConfig::ephemeral(), RelayTitle::default())
}

impl Host {
    pub(crate) async fn world(&self) -> DmeWorldId {
        self.relay.create_world(DEADLOCKED, 0).await.unwrap()
    }

    pub(crate) async fn allot(&self, world: DmeWorldId, session: &str) -> Allotment {
        self.relay.allot(world, session.into()).await.unwrap()
    }

    pub(crate) fn style(&self, version: u16, enciphered: bool) -> Style {
        let app = if version <= 108 { UYA } else { DEADLOCKED };
        let mut config = ClientConfig::new(version, app, ServerKind::Dme);
        config.echo = None;
        if enciphered {
            let pair = self.keys.default_server_key().unwrap().pair.clone();
            let public = pair.public().clone();
            config = config.with_keys(Arc::new(pair), public);
        }
        Style { config }
    }

    /// A player whose handshake is over.
    pub(crate) async fn player(&self, style: &Style, world: DmeWorldId, session: &str) -> Console {
        let allotment = self.allot(world, session).await;
        let mut console = Console::dial(self, style, world.0, session, &key(&allotment)).await;
        console.ready().await;
        assert_eq!(console.session.player_id(), u16::from(allotment.index.0));
        if style.config.dialect.medius_version > 108 {
            console.flags(0x0f).await;
        }
        console
    }

    /// Waits until a counter has this value.
    pub(crate) async fn counted(&self, what: &str, value: u64) {
        let read = || {
            let counters = self.relay.counters();
            let debug = format!("{counters:?}");
            let field =
                debug.split([' ', ',', '{', '}']).skip_while(|word| *word != format!("{what}:")).nth(1);
            field.unwrap().parse::<u64>().unwrap()
        };
        let waiting = async {
            while read() != value {
                tokio::task::yield_now().await;
            }
        };
        let waited = timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "{what} is {} and not {value}: {:?}", read(), self.relay.counters());
    }
}

pub(crate) fn key(allotment: &Allotment) -> Vec<u8> {
    allotment.access_key.as_bytes().to_vec()
}

/// How a console connects.
#[derive(Clone)]
pub(crate) struct Style {
    pub(crate) config: ClientConfig,
}

impl Style {
    pub(crate) fn tcp_only(mut self) -> Self {
        self.config.aux_udp = false;
        self
    }
}

/// What came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Accepted { index: u16, count: u16 },
    AuxUdp(SocketAddr),
    Startup(Option<u32>),
    Connected(u16),
    App(Vec<u8>),
    Relay { transport: Transport, cover: Cover, source: u16, payload: Vec<u8> },
    Timebase { client_time: u32, server_time: u32 },
    Echo(Transport),
    Rejected(u8),
    Goodbye,
    Closed,
    Message(RtMessage),
}

pub(crate) struct Console {
    pub(crate) session: ClientSession,
    pub(crate) tcp: TcpStream,
    pub(crate) udp: UdpSocket,
    pub(crate) server_udp: Option<SocketAddr>,
    pub(crate) seen: VecDeque<Seen>,
    started: Instant,
    closed: bool,
}

impl Console {
    /// Opens the connection; the handshake goes on as the console is pumped.
    pub(crate) async fn dial(host: &Host, style: &Style, world: u32, session: &str, access: &[u8]) -> Self {
        let mut config = style.config.clone().redirected(world, session.as_bytes(), access);
        config.keys = Some((Text::new(session), Text::new(access)));
        let address = host.relay.tcp_addr();
        config.server_address = (Text::new(address.ip().to_string()), address.port());
        let session = ClientSession::new(Arc::new(config), [7; 32], Time::ZERO).unwrap();
        let tcp = TcpStream::connect(address).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (seen, started) = (VecDeque::new(), Instant::now());
        Self { session, tcp, udp, server_udp: None, seen, started, closed: false }
    }

    pub(crate) fn now(&self) -> Time {
        Time(self.started.elapsed())
    }

    /// Sends what waits. A server that is gone is noticed when reading.
    pub(crate) async fn send(&mut self) {
        let output = self.session.take_output();
        let mut rest = &output[..];
        while !rest.is_empty() {
            self.tcp.writable().await.unwrap();
            match self.tcp.try_write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
        if let (Some(to), Some(datagrams)) = (self.server_udp, self.session.datagrams()) {
            let all: Vec<Vec<u8>> = datagrams.iter().map(<[u8]>::to_vec).collect();
            datagrams.clear();
            for datagram in all {
                self.udp.send_to(&datagram, to).await.unwrap();
            }
        }
    }

    /// One exchange: sends, waits for something, takes it in.
    pub(crate) async fn pump(&mut self) {
        self.send().await;
        let mut buffer = vec![0; 65_536];
        let wake = self.session.poll_timeout().map_or(PATIENCE, |at| at.since(self.now()));
        let (seen, server_udp) = (&mut self.seen, &mut self.server_udp);
        let mut sink = |_: &mut ClientSession, event: ClientEvent<'_>| {
            seen.extend(saw(event, server_udp));
        };
        let now = Time(self.started.elapsed());
        tokio::select! {
            _ = self.tcp.readable() => match self.tcp.try_read(&mut buffer) {
                Ok(0) => self.closed = true,
                Ok(count) => self.session.receive(now, &mut buffer[..count], &mut sink).unwrap(),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => self.closed = true,
            },
            Ok((count, _)) = self.udp.recv_from(&mut buffer) => {
                self.session.receive_datagram(now, &mut buffer[..count], &mut sink);
            }
            () = tokio::time::sleep(wake) => {}
        }
        self.session.handle_timeout(self.now()).unwrap();
        if self.closed {
            self.seen.push_back(Seen::Closed);
        }
        self.send().await;
    }

    /// As [`Console::pump`], for a server that may refuse.
    pub(crate) async fn pump_leniently(&mut self) {
        self.send().await;
        let mut buffer = vec![0; 65_536];
        let count = self.tcp.read(&mut buffer).await.unwrap_or(0);
        let (seen, server_udp) = (&mut self.seen, &mut self.server_udp);
        let received =
            self.session.receive(Time(self.started.elapsed()), &mut buffer[..count], |_, event| {
                seen.extend(saw(event, server_udp));
            });
        if count == 0 || received.is_err() {
            self.closed = true;
            self.seen.push_back(Seen::Closed);
        }
    }

    /// The server closes the connection, with a rejection or without a word.
    pub(crate) async fn refused(&mut self) {
        let work = async {
            while !self.closed {
                self.pump_leniently().await;
            }
        };
        assert!(timeout(PATIENCE, work).await.is_ok(), "not refused; state {}", self.session.state());
    }

    /// Pumps until something that `wanted` takes has come, and takes it out of what was seen.
    pub(crate) async fn until<T>(&mut self, mut wanted: impl FnMut(&Seen) -> Option<T>) -> T {
        let work = async {
            let mut looked_at = 0;
            loop {
                while looked_at < self.seen.len() {
                    if let Some(found) = wanted(&self.seen[looked_at]) {
                        self.seen.remove(looked_at);
                        return Ok(found);
                    }
                    looked_at += 1;
                }
                if self.closed {
                    return Err(format!("closed; seen {:?}", self.seen));
                }
                self.pump().await;
            }
        };
        match timeout(PATIENCE, work).await {
            Ok(found) => found.unwrap(),
            Err(_) => panic!("nothing of the kind came; state {}", self.session.state()),
        }
    }

    pub(crate) async fn ready(&mut self) -> u16 {
        let count =
            self.until(|seen| if let Seen::Connected(count) = seen { Some(*count) } else { None }).await;
        assert_eq!(self.session.state(), State::Ready);
        count
    }

    /// The next relayed message.
    pub(crate) async fn relayed(&mut self) -> (Transport, Cover, u16, Vec<u8>) {
        self.until(|seen| match seen {
            Seen::Relay { transport, cover, source, payload } => {
                Some((*transport, *cover, *source, payload.clone()))
            }
            _ => None,
        })
        .await
    }

    pub(crate) async fn message(&mut self) -> RtMessage {
        self.until(|seen| if let Seen::Message(message) = seen { Some(message.clone()) } else { None }).await
    }

    pub(crate) async fn closed(&mut self) {
        self.until(|seen| (*seen == Seen::Closed).then_some(())).await;
    }

    /// All that was sent before this has been handled when it returns: the relay answers in order.
    pub(crate) async fn settled(&mut self, transport: Transport) {
        let now = self.now();
        self.session.echo(transport, now).unwrap();
        self.until(|seen| (*seen == Seen::Echo(transport)).then_some(())).await;
    }

    pub(crate) async fn flags(&mut self, flags: u8) {
        let message = RtMessage::ClientSetRecvFlag(rt::ClientSetRecvFlag {
            kind: (self.session.dialect().medius_version <= 108).then_some(2),
            flags,
        });
        self.session.send_rt(Transport::Tcp, &message).unwrap();
        self.settled(Transport::Tcp).await;
    }

    pub(crate) async fn token(&mut self, token_type: u8, token: u16) {
        let message = RtMessage::ClientTokenMessage(rt::ClientTokenMessage { token_type, token });
        self.session.send_rt(Transport::Tcp, &message).unwrap();
        self.send().await;
    }

    pub(crate) async fn broadcast(&mut self, transport: Transport, cover: Cover, payload: &[u8]) {
        self.session.broadcast(transport, cover, payload).unwrap();
        self.send().await;
    }

    pub(crate) async fn single(&mut self, transport: Transport, target: u16, payload: &[u8]) {
        self.session.single(transport, Cover::Enciphered, target, payload).unwrap();
        self.send().await;
    }
}

fn saw(event: ClientEvent<'_>, server_udp: &mut Option<SocketAddr>) -> Option<Seen> {
    Some(match event {
        ClientEvent::Accepted { player_id, player_count, .. } => {
            Seen::Accepted { index: player_id, count: player_count }
        }
        ClientEvent::AuxUdp { ip, port } => {
            let address = SocketAddr::new(ip.to_string_lossy().parse().unwrap(), port);
            *server_udp = Some(address);
            Seen::AuxUdp(address)
        }
        ClientEvent::StartupInfo { time_base } => Seen::Startup(time_base),
        ClientEvent::Connected { player_count } => Seen::Connected(player_count),
        ClientEvent::App { payload } => Seen::App(payload.to_vec()),
        ClientEvent::Relay { transport, cover, source, payload } => {
            Seen::Relay { transport, cover, source, payload: payload.to_vec() }
        }
        ClientEvent::Timebase { client_time, server_time } => Seen::Timebase { client_time, server_time },
        ClientEvent::EchoReply { transport, .. } => Seen::Echo(transport),
        ClientEvent::Rejected { reason } => Seen::Rejected(reason),
        ClientEvent::Disconnect { .. } => Seen::Goodbye,
        ClientEvent::Message(message) => Seen::Message(message),
        _ => return None,
    })
}
