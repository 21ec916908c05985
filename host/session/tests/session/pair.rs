//! A client and a server session with nothing but time and bytes between them.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use medley_crypto::{KeyStore, RsaKeyPair};
use medley_session::*;
use medley_wire::frame::Header;
use medley_wire::types::Text;
use medley_wire::{AppId, RtId};

pub(crate) const PEER: Ipv4Addr = Ipv4Addr::new(24, 214, 45, 115);
pub(crate) const CLIENT_UDP: SocketAddrV4 = SocketAddrV4::new(PEER, 6981);
pub(crate) const SERVER_UDP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(160, 33, 34, 90), 50002);

/// One private operation sets a key up in some hundred microseconds: once is enough.
pub(crate) fn store() -> &'static KeyStore {
    static STORE: OnceLock<KeyStore> = OnceLock::new();
    STORE.get_or_init(|| KeyStore::embedded().unwrap())
}

pub(crate) fn pair_named(name: &str) -> Arc<RsaKeyPair> {
    Arc::new(store().pair(name).unwrap().pair.clone())
}

pub(crate) fn server_config(kind: ServerKind) -> ServerConfig {
    ServerConfig::new(kind, vec![pair_named("medius_global")])
}

/// A client as the title of this version would be: UYA, Deadlocked, Deadlocked HD.
pub(crate) fn client_config(version: u16, kind: ServerKind, enciphered: bool) -> ClientConfig {
    let app = match version {
        ..=108 => 10684,
        109 => 10994,
        110..=111 => 11184,
        _ => 24180,
    };
    let mut config = ClientConfig::new(version, AppId(app), kind);
    config.certificate = vec![0x30; 727];
    config.server_address = (Text::new("160.33.34.90"), 10079);
    if !matches!(kind, ServerKind::Muis | ServerKind::Mas) {
        config = config.redirected(9, b"13088", b"gywtmWftxdvh6ZFU");
    }
    if enciphered {
        let global = store().pair("medius_global").unwrap().pair.public().clone();
        config = config.with_keys(pair_named("client_dl_ps2_ntsc"), global);
    }
    config
}

/// A server event without its borrow, as text where that is enough.
pub(crate) type Told = Vec<String>;

pub(crate) struct Pair {
    pub(crate) now: Time,
    pub(crate) server: ServerSession,
    pub(crate) client: ClientSession,
    /// `> id:length/context`, `<` for the server's: c clear, n null hash.
    pub(crate) wire: Vec<String>,
    pub(crate) told: Told,
    pub(crate) heard: Told,
    pub(crate) accept: Accept,
    /// Accept not inside of the sink but when all is quiet.
    pub(crate) late: bool,
    /// Datagrams that get through: called with a running number, from the client or not.
    pub(crate) drops: fn(usize) -> Datagram,
    pub(crate) datagrams: usize,
    held_back: Vec<(bool, Vec<u8>)>,
    /// At most so many bytes a read.
    pub(crate) chunk: usize,
    pub(crate) server_error: Option<SessionError>,
    pub(crate) client_error: Option<SessionError>,
}

/// What the network does to a datagram.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Datagram {
    Pass,
    Lose,
    Double,
    /// Behind the next one.
    Late,
}

impl Pair {
    pub(crate) fn new(client: ClientConfig, server: ServerConfig) -> Self {
        Self::with_rules(client, server, Arc::new(Usual))
    }

    pub(crate) fn with_rules(
        client: ClientConfig,
        server: ServerConfig,
        rules: Arc<dyn HandshakeRules + Send + Sync>,
    ) -> Self {
        let now = Time::from_millis(1000);
        let mut server = server;
        server.unix_time_at_zero = Duration::from_secs(1_336_367_872);
        let udp = client.aux_udp.then_some(SERVER_UDP);
        Self {
            now,
            server: ServerSession::new(Arc::new(server), rules, PEER, [7; 32], now),
            client: ClientSession::new(Arc::new(client), [8; 32], now).unwrap(),
            wire: Vec::new(),
            told: Vec::new(),
            heard: Vec::new(),
            accept: Accept { player_id: 0, scert_id: 0x52d4, player_count: 1, udp, ..Default::default() },
            late: false,
            drops: |_| Datagram::Pass,
            datagrams: 0,
            held_back: Vec::new(),
            chunk: usize::MAX,
            server_error: None,
            client_error: None,
        }
    }

    fn tap(&mut self, direction: char, mut bytes: &[u8]) {
        while let Ok(Some(header)) = Header::parse(bytes) {
            let context = match header.hash {
                None => "c".to_owned(),
                Some([0, 0, 0, last]) if last & 0x1f == 0 => "n".to_owned(),
                Some(hash) => (hash[3] >> 5).to_string(),
            };
            self.wire.push(format!("{direction}{:02x}:{}/{context}", header.id.0, header.length));
            bytes = &bytes[header.total()..];
        }
    }

    /// The frames since the last call, in one line.
    pub(crate) fn line(&mut self) -> String {
        std::mem::take(&mut self.wire).join(" ")
    }

    /// Hands everything over until both are quiet.
    pub(crate) fn run(&mut self) {
        loop {
            let c2s = self.client.take_output();
            let s2c = self.server.take_output();
            let mut udp = std::mem::take(&mut self.held_back);
            for (from_client, datagrams) in
                [(true, self.client.datagrams()), (false, self.server.datagrams())]
            {
                let Some(datagrams) = datagrams else { continue };
                for datagram in datagrams.iter() {
                    self.datagrams += 1;
                    match (self.drops)(self.datagrams) {
                        Datagram::Pass => udp.push((from_client, datagram.to_vec())),
                        Datagram::Lose => {}
                        Datagram::Double => {
                            udp.extend([(from_client, datagram.to_vec()), (from_client, datagram.to_vec())])
                        }
                        Datagram::Late => self.held_back.push((from_client, datagram.to_vec())),
                    }
                }
                datagrams.clear();
            }
            let quiet = c2s.is_empty() && s2c.is_empty() && udp.is_empty();
            if quiet && !self.decide() {
                return;
            }
            self.tap('>', &c2s);
            self.feed_server(c2s);
            self.tap('<', &s2c);
            self.feed_client(s2c);
            for (from_client, datagram) in udp {
                self.tap(if from_client { '}' } else { '{' }, &datagram);
                self.datagram(from_client, datagram);
            }
        }
    }

    /// The owner's late answers. True if there was one to give.
    fn decide(&mut self) -> bool {
        let now = self.now;
        match self.server.state() {
            State::Connecting if self.late => self.server.accept(self.accept.clone(), now).unwrap(),
            State::Completing if self.late => self.server.complete(3, now).unwrap(),
            _ => return false,
        }
        let told = &mut self.told;
        let result = self.server.resume(now, |_, event| tell(told, &event));
        self.server_error = result.err().or_else(|| self.server_error.take());
        true
    }

    pub(crate) fn feed_server(&mut self, bytes: Vec<u8>) {
        let (now, late, accept) = (self.now, self.late, self.accept.clone());
        for chunk in bytes.chunks(self.chunk) {
            let told = &mut self.told;
            let result = self.server.receive(now, &mut chunk.to_vec(), |session, event| {
                tell(told, &event);
                match event {
                    Event::Connect(_) if !late => session.accept(accept.clone(), now).unwrap(),
                    Event::AuxUdpReady if !late => session.complete(3, now).unwrap(),
                    Event::TimebaseQuery { client_time } => session.timebase(client_time, 976).unwrap(),
                    _ => {}
                }
            });
            self.server_error = result.err().or_else(|| self.server_error.take());
        }
    }

    pub(crate) fn feed_client(&mut self, bytes: Vec<u8>) {
        for chunk in bytes.chunks(self.chunk) {
            let heard = &mut self.heard;
            let result = self.client.receive(self.now, &mut chunk.to_vec(), |_, event| hear(heard, &event));
            self.client_error = result.err().or_else(|| self.client_error.take());
        }
    }

    pub(crate) fn datagram(&mut self, from_client: bool, mut datagram: Vec<u8>) {
        if from_client {
            let told = &mut self.told;
            self.server.receive_datagram(self.now, &mut datagram, |session, event| {
                tell(told, &event);
                if let Event::ConnectAuxUdp(_) = event {
                    session.accept_aux_udp(CLIENT_UDP).unwrap();
                }
            });
        } else {
            let heard = &mut self.heard;
            self.client.receive_datagram(self.now, &mut datagram, |_, event| hear(heard, &event));
        }
    }

    /// Lets time pass to the next deadline of either side and does what is due.
    pub(crate) fn next_deadline(&mut self) -> Option<Timeout> {
        let at = self.server.poll_timeout().into_iter().chain(self.client.poll_timeout()).min()?;
        self.now = self.now.max(at);
        let timeout = self.server.handle_timeout(self.now);
        self.client.handle_timeout(self.now).unwrap();
        self.run();
        timeout
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.server.state() == State::Ready && self.client.state() == State::Ready
    }
}

/// Short words for a server event.
pub(crate) fn tell(told: &mut Told, event: &Event<'_>) {
    let mut text = String::new();
    match event {
        Event::App { payload, transport } => {
            write!(text, "App {:02x}{:02x} {} {transport:?}", payload[0], payload[1], payload.len())
        }
        Event::Relay(relay) => write!(
            text,
            "Relay {:?} {:?} {:?} {}",
            relay.transport,
            relay.cover,
            relay.target,
            hex::encode(relay.payload)
        ),
        Event::Connect(request) => write!(
            text,
            "Connect app {} world {} session {} access {} udp {} enciphered {}",
            request.app_id.0,
            request.target_world_id,
            request.session_key,
            request.access_key,
            request.aux_udp,
            request.enciphered
        ),
        other => write!(text, "{other:?}"),
    }
    .unwrap();
    told.push(text);
}

/// Short words for a client event.
pub(crate) fn hear(heard: &mut Told, event: &ClientEvent<'_>) {
    heard.push(match event {
        ClientEvent::App { payload } => {
            format!("App {:02x}{:02x} {}", payload[0], payload[1], payload.len())
        }
        ClientEvent::Relay { transport, cover, source, payload } => {
            format!("Relay {transport:?} {cover:?} {source} {}", hex::encode(payload))
        }
        other => format!("{other:?}"),
    });
}

/// Bytes of one frame with bit 7 off.
pub(crate) fn clear_frame(id: RtId, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    Header::write(id, None, body.len(), &mut frame);
    frame.extend_from_slice(body);
    frame
}
