//! The client side of a connection: for consoles in tests, for load, and for a game relay that registers with MPS.

use core::fmt;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use medley_crypto::{
    Context, Hash, KEY_LEN, ModulusError, RsaError, RsaKeyPair, RsaPublicKey, Suite, SymmetricKey, open_key,
    seal_key,
};
use medley_wire::frame::{FrameBuffer, Header, split_datagram};
use medley_wire::rt::*;
use medley_wire::types::{Blob, Text, VarBytes};
use medley_wire::{AnyMessage, AppId, Dialect, RtId, RtMessage, fragment};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::link::{self, Link, Opened};
use crate::{
    CERTIFICATE_MODULUS, Cover, Datagrams, SendError, ServerKind, SessionError, State, Time, Transport,
};

/// What a client enciphers with.
#[derive(Clone, Debug)]
pub enum ClientCipher {
    /// Nothing: no key exchange, every frame with bit 7 off.
    Clear,
    /// Nothing, but the modulus is sent in clear and clear key messages are waited for: the plaintext UYA client.
    ClearKeyExchange,
    /// The connection has keys.
    Keys {
        /// The client's own pair: one per title on PS2, one per session on PS3.
        own: Arc<RsaKeyPair>,
        /// The server's key: on the disc, or the ServerKey of the answer that led here. A PS3 client takes that of
        /// SERVER_HELLO instead, and goes on in clear if it is zero.
        server: Box<RsaPublicKey>,
    },
}

/// How a client connects.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Version and title. 108 and older send no hello, 112 and later send a certificate.
    pub dialect: Dialect,
    /// Which server: decides the receive flags and whether datagrams follow.
    pub kind: ServerKind,
    /// Ciphers.
    pub cipher: ClientCipher,
    /// WorldID of the answer that led here; 1 on MUIS and MAS.
    pub world: u32,
    /// Session and access key, sent everywhere but to MUIS and MAS.
    pub keys: Option<(Text<17>, Text<17>)>,
    /// CONNECT_TCP_AUX_UDP instead of CONNECT_TCP.
    pub aux_udp: bool,
    /// The server's address as CONNECT_AUX_UDP tells it.
    pub server_address: (IpText, u16),
    /// Until CONNECT_AUX_UDP is repeated. Deadlocked: 57 ms.
    pub udp_retry: Duration,
    /// CLIENT_ECHO cadence, on each open transport. `None`: no echoes.
    pub echo: Option<Duration>,
    /// At 1.08: whether CONNECT_COMPLETE is waited for.
    pub waits_for_complete: bool,
    /// DER certificate of a PS3 hello. Servers do not look at it.
    pub certificate: Vec<u8>,
    /// Resume id and nonce of a PS3 hello. No way to resume is known, so the full exchange is gone through anyway.
    pub resume: Option<(u32, [u8; 16])>,
}

impl ClientConfig {
    /// A client of `version` and `app_id` to a server of `kind`, world 1, no keys, in clear.
    #[must_use]
    pub fn new(version: u16, app_id: AppId, kind: ServerKind) -> Self {
        Self {
            dialect: Dialect::new(version, app_id),
            kind,
            cipher: ClientCipher::Clear,
            world: 1,
            keys: None,
            aux_udp: kind == ServerKind::Dme,
            server_address: (Text::EMPTY, 0),
            udp_retry: Duration::from_millis(60),
            echo: Some(Duration::from_secs(15)),
            waits_for_complete: true,
            certificate: Vec::new(),
            resume: None,
        }
    }

    /// With ciphers.
    #[must_use]
    pub fn with_keys(mut self, own: Arc<RsaKeyPair>, server: RsaPublicKey) -> Self {
        self.cipher = ClientCipher::Keys { own, server: Box::new(server) };
        self
    }

    /// With the keys of the answer that led here, and its WorldID.
    #[must_use]
    pub fn redirected(mut self, world: u32, session_key: &[u8], access_key: &[u8]) -> Self {
        self.world = world;
        self.keys = Some((Text::new(session_key), Text::new(access_key)));
        self
    }
}

/// What came from the server. Payloads borrow from the bytes that were read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ClientEvent<'a> {
    /// CONNECT_ACCEPT_TCP.
    Accepted {
        /// Index in the DME world; 0 elsewhere.
        player_id: u16,
        /// Unique per server process; `None` at 1.08.
        scert_id: Option<u32>,
        /// Players in the world.
        player_count: u16,
        /// Our address as the server sees it.
        ip: IpText,
    },
    /// INFO_AUX_UDP: datagrams go there. They are in [`ClientSession::datagrams`] from now on.
    AuxUdp {
        /// Address.
        ip: IpText,
        /// Port.
        port: u16,
    },
    /// STARTUP_INFO_NOTIFY.
    StartupInfo {
        /// Milliseconds since the first client entered the world.
        time_base: Option<u32>,
    },
    /// CONNECT_ACCEPT_AUX_UDP: our UDP address as the server sees it.
    AuxUdpAccepted {
        /// Address.
        ip: IpText,
        /// Port.
        port: u16,
    },
    /// The handshake is over.
    Connected {
        /// Of CONNECT_COMPLETE, else of CONNECT_ACCEPT_TCP.
        player_count: u16,
    },
    /// A whole application message: class, id, body.
    App {
        /// For [`AnyMessage::decode`].
        payload: &'a [u8],
    },
    /// Title data of another player.
    Relay {
        /// How it came.
        transport: Transport,
        /// How it came.
        cover: Cover,
        /// The player's index.
        source: u16,
        /// One or more title messages.
        payload: &'a [u8],
    },
    /// TIMEBASE_QUERY_NOTIFY.
    Timebase {
        /// Of our query.
        client_time: u32,
        /// The world's clock.
        server_time: u32,
    },
    /// SERVER_ECHO came; the session returned it.
    ServerEcho(ServerEcho),
    /// A CLIENT_ECHO came back.
    EchoReply {
        /// From echo to reply.
        rtt: Duration,
        /// The way of both.
        transport: Transport,
    },
    /// CONNECT_REJECT. The session is closed.
    Rejected {
        /// As [`SessionError::Rejected`].
        reason: u8,
    },
    /// FORCED_DISCONNECT or DISCONNECT_WITH_REASON. The session is closed.
    Disconnect {
        /// As the message says.
        reason: u8,
    },
    /// Any other message: notifications, tokens, cheat queries, texts of the operator.
    Message(RtMessage),
}

/// The client side of one connection.
pub struct ClientSession {
    config: Arc<ClientConfig>,
    link: Link,
    state: State,
    rng: ChaCha20Rng,
    player_id: u16,
    scert_id: Option<u32>,
    player_count: u16,
    udp: Option<Datagrams>,
    udp_open: bool,
    next_udp_connect: Option<Time>,
    next_echo: Option<Time>,
    echoes: [VecDeque<Time>; 2],
    /// Datagrams that did not verify.
    bad_datagrams: u32,
}

/// Echoes under way, at most: a server that answers none must not fill our memory.
const ECHOES: usize = 64;

impl ClientSession {
    /// A client that opens its connection at `now`; its first frame is in the output. `seed` makes the random field of
    /// CONNECT.
    ///
    /// # Errors
    /// The certificate is longer than a frame.
    pub fn new(config: Arc<ClientConfig>, seed: [u8; 32], now: Time) -> Result<Self, SendError> {
        let mut session = Self {
            link: Link::new(config.dialect),
            state: State::Start,
            rng: ChaCha20Rng::from_seed(seed),
            player_id: 0,
            scert_id: None,
            player_count: 0,
            udp: None,
            udp_open: false,
            next_udp_connect: None,
            next_echo: config.echo.map(|echo| now + echo),
            echoes: Default::default(),
            bad_datagrams: 0,
            config,
        };
        if session.link.dialect.is_108() {
            session.exchange_keys(None)?;
        } else {
            session.hello()?;
        }
        Ok(session)
    }

    /// Where the connection stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Version and title.
    pub fn dialect(&self) -> Dialect {
        self.link.dialect
    }

    /// The cipher suite.
    pub fn suite(&self) -> Suite {
        self.link.suite
    }

    /// Whether what is sent is enciphered.
    pub fn enciphered(&self) -> bool {
        self.link.peer_key.is_some()
    }

    /// Index in the DME world, once accepted.
    pub fn player_id(&self) -> u16 {
        self.player_id
    }

    /// Bytes to be sent on the stream. Take or drain them after each call.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.link.output
    }

    /// Takes the bytes to be sent on the stream and their buffer.
    pub fn take_output(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.link.output)
    }

    /// Datagrams to be sent, once [`ClientEvent::AuxUdp`] told where to.
    pub fn datagrams(&mut self) -> Option<&mut Datagrams> {
        self.udp.as_mut()
    }

    /// Datagrams whose frames did not verify.
    pub fn bad_datagrams(&self) -> u32 {
        self.bad_datagrams
    }

    /// Takes bytes of the stream. `sink` gets the session too; it must not call [`ClientSession::receive`].
    ///
    /// # Errors
    /// The server broke the protocol. The session is closed.
    pub fn receive(
        &mut self,
        now: Time,
        input: &mut [u8],
        mut sink: impl FnMut(&mut Self, ClientEvent<'_>),
    ) -> Result<(), SessionError> {
        let mut frames = core::mem::take(&mut self.link.frames);
        let result = frames.feed(input, |header, frame| self.frame(now, header, frame, &mut sink));
        if result.is_err() || self.state == State::Closed {
            self.close();
        } else {
            self.link.frames = frames;
        }
        result
    }

    /// Takes one datagram.
    pub fn receive_datagram(
        &mut self,
        now: Time,
        datagram: &mut [u8],
        mut sink: impl FnMut(&mut Self, ClientEvent<'_>),
    ) {
        if self.udp.is_none() || self.state == State::Closed {
            return;
        }
        let _ = split_datagram(datagram, |header, frame| {
            match self.link.open(&header, frame) {
                Ok(Opened { cover, body, .. }) => {
                    if self.message(now, header.id, cover, Transport::Udp, body, &mut sink).is_err() {
                        self.bad_datagrams += 1;
                    }
                }
                Err(_) => self.bad_datagrams += 1,
            }
            Ok::<_, core::convert::Infallible>(())
        });
    }

    /// Ends the session without a word.
    pub fn close(&mut self) {
        self.state = State::Closed;
        self.link.frames = FrameBuffer::new();
        self.next_echo = None;
        self.next_udp_connect = None;
    }

    /// Says goodbye as the title would: DISCONNECT in clear at 1.08, DISCONNECT_WITH_REASON 1 later.
    ///
    /// # Errors
    /// None in practice: the message is one byte.
    pub fn disconnect(&mut self) -> Result<(), SendError> {
        let sent = if self.link.dialect.is_108() {
            self.link.put_clear(&RtMessage::ClientDisconnect(NoBody {}))
        } else {
            self.link.put(&RtMessage::ClientDisconnectWithReason(ClientDisconnectWithReason { reason: 1 }))
        };
        self.close();
        sent
    }

    /// Sends an application message to the server.
    ///
    /// # Errors
    /// Longer than a frame, for a version without fragments.
    pub fn send_app(&mut self, message: &AnyMessage) -> Result<(), SendError> {
        let piece = self.piece();
        self.link.put_message(RtId::CLIENT_APP_TOSERVER, Context::RC_CLIENT_SESSION, piece, message)
    }

    /// Sends an application message that is encoded already.
    ///
    /// # Errors
    /// As [`ClientSession::send_app`].
    pub fn send_app_payload(&mut self, payload: &[u8]) -> Result<(), SendError> {
        let piece = self.piece();
        self.link.put_app(RtId::CLIENT_APP_TOSERVER, Context::RC_CLIENT_SESSION, piece, payload)
    }

    /// Sends several messages in one CLIENT_MULTI_APP_TOSERVER, as PS3 titles do.
    ///
    /// # Errors
    /// Longer than a frame.
    pub fn send_container(&mut self, messages: &[RtMessage]) -> Result<(), SendError> {
        self.link.put_container(RtId::CLIENT_MULTI_APP_TOSERVER, messages)
    }

    /// Sends an RT message.
    ///
    /// # Errors
    /// Longer than a frame, or [`Transport::Udp`] before [`ClientEvent::AuxUdp`].
    pub fn send_rt(&mut self, transport: Transport, message: &RtMessage) -> Result<(), SendError> {
        let d = self.link.dialect;
        self.put(transport, message.id(), Cover::Enciphered, |output| link::encode(message, output, &d))
    }

    /// Sends title data to everybody else in the world.
    ///
    /// # Errors
    /// As [`ClientSession::send_rt`].
    pub fn broadcast(&mut self, transport: Transport, cover: Cover, payload: &[u8]) -> Result<(), SendError> {
        self.put(transport, RtId::CLIENT_APP_BROADCAST, cover, |output| output.extend_from_slice(payload))
    }

    /// Sends title data to one player.
    ///
    /// # Errors
    /// As [`ClientSession::send_rt`].
    pub fn single(
        &mut self,
        transport: Transport,
        cover: Cover,
        target: u16,
        payload: &[u8],
    ) -> Result<(), SendError> {
        self.put(transport, RtId::CLIENT_APP_SINGLE, cover, |output| {
            output.extend_from_slice(&target.to_le_bytes());
            output.extend_from_slice(payload);
        })
    }

    /// Sends title data to the players whose bit is set in `mask`, at most 255 bytes of it.
    ///
    /// # Errors
    /// As [`ClientSession::send_rt`].
    pub fn list(
        &mut self,
        transport: Transport,
        cover: Cover,
        mask: &[u8],
        payload: &[u8],
    ) -> Result<(), SendError> {
        let mask = &mask[..mask.len().min(255)];
        self.put(transport, RtId::CLIENT_APP_LIST, cover, |output| {
            output.push(mask.len() as u8);
            output.extend_from_slice(mask);
            output.extend_from_slice(payload);
        })
    }

    /// Sends a CLIENT_ECHO; its reply tells the round trip.
    ///
    /// # Errors
    /// As [`ClientSession::send_rt`].
    pub fn echo(&mut self, transport: Transport, now: Time) -> Result<(), SendError> {
        self.put(transport, RtId::CLIENT_ECHO, Cover::Enciphered, |output| output.push(0xa5))?;
        let under_way = &mut self.echoes[transport as usize];
        if under_way.len() < ECHOES {
            under_way.push_back(now);
        }
        Ok(())
    }

    /// When [`ClientSession::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.next_udp_connect.into_iter().chain(self.next_echo).min()
    }

    /// Repeats CONNECT_AUX_UDP and sends echoes, as they are due.
    ///
    /// # Errors
    /// None in practice: the messages are short.
    pub fn handle_timeout(&mut self, now: Time) -> Result<(), SendError> {
        if self.next_udp_connect.is_some_and(|at| now >= at) {
            self.connect_aux_udp(now)?;
        }
        if let (Some(at), Some(cadence)) = (self.next_echo, self.config.echo)
            && now >= at
        {
            self.next_echo = Some(now + cadence);
            self.echo(Transport::Tcp, now)?;
            if self.udp_open {
                self.echo(Transport::Udp, now)?;
            }
        }
        Ok(())
    }

    fn piece(&self) -> Option<usize> {
        let piece = if self.link.suite == Suite::Ps3 { fragment::PIECE_PS3 } else { fragment::PIECE };
        (!self.link.dialect.is_108()).then_some(piece)
    }

    fn put(
        &mut self,
        transport: Transport,
        id: RtId,
        cover: Cover,
        body: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), SendError> {
        match transport {
            Transport::Tcp => {
                let mut output = core::mem::take(&mut self.link.output);
                let result = self.link.seal_covered(&mut output, id, cover, body);
                self.link.output = output;
                result
            }
            Transport::Udp => {
                let Self { link, udp, .. } = self;
                let udp = udp.as_mut().ok_or(SendError::NoUdp)?;
                udp.append(|output| link.seal_covered(output, id, cover, body))
            }
        }
    }

    fn hello(&mut self) -> Result<(), SendError> {
        let version = self.link.dialect.medius_version;
        let hello = if self.link.suite == Suite::Ps3 {
            ClientHello {
                kind: 1,
                version,
                parameters: [3, 0x0600, 0x0400],
                certificate_count: Some(1),
                certificate_length: Some(self.config.certificate.len() as u16),
                certificate: Some(VarBytes(self.config.certificate.clone())),
                resume_id: Some(self.config.resume.map_or(0, |(id, _)| id)),
                resume_nonce: self.config.resume.map(|(_, nonce)| Blob(nonce)),
            }
        } else {
            ClientHello {
                kind: 2,
                version,
                parameters: [0x6d, 1, 1],
                certificate_count: None,
                certificate_length: None,
                certificate: None,
                resume_id: None,
                resume_nonce: None,
            }
        };
        self.link.put_clear(&RtMessage::ClientHello(hello))
    }

    /// CLIENT_CRYPTKEY_PUBLIC, or CONNECT at once on a clear connection. `certified` is the key of SERVER_HELLO.
    fn exchange_keys(
        &mut self,
        certified: Option<Result<RsaPublicKey, ModulusError>>,
    ) -> Result<(), SendError> {
        let config = Arc::clone(&self.config);
        let (own, server) = match (&config.cipher, certified) {
            (ClientCipher::Clear, _) | (ClientCipher::Keys { .. }, Some(Err(_))) => return self.connect(),
            (ClientCipher::ClearKeyExchange, _) => {
                let mut key = [0; KEY_LEN];
                self.rng.fill_bytes(&mut key);
                self.state = State::Greeted;
                return self.link.put_clear(&RtMessage::ClientCryptKeyPublic(CryptKey { key: Blob(key) }));
            }
            (ClientCipher::Keys { own, server }, None) => (own, RsaPublicKey::clone(server)),
            (ClientCipher::Keys { own, .. }, Some(Ok(server))) => (own, server),
        };
        self.state = State::Greeted;
        let (hash, body) = seal_key(self.link.suite, &server, &own.public().modulus_le());
        Header::write(RtId::CLIENT_CRYPTKEY_PUBLIC, Some(hash.0), body.len(), &mut self.link.output);
        self.link.output.extend_from_slice(&body);
        Ok(())
    }

    fn connect(&mut self) -> Result<(), SendError> {
        let d = self.link.dialect;
        let mut key = [0; KEY_LEN];
        if self.link.peer_key.is_some() {
            self.rng.fill_bytes(&mut key);
        }
        self.state = State::Keyed;
        let connect = ClientConnectTcp {
            client_version: d.is_108().then_some(CLIENT_VERSION_108),
            target_world_id: RtWorldId(self.config.world),
            app_id: d.app_id,
            key: Blob(key),
            session_key: self.config.keys.as_ref().map(|(session, _)| *session),
            access_key: self.config.keys.as_ref().map(|(_, access)| *access),
        };
        self.link.put(&if self.config.aux_udp {
            RtMessage::ClientConnectTcpAuxUdp(connect)
        } else {
            RtMessage::ClientConnectTcp(connect)
        })
    }

    fn connect_aux_udp(&mut self, now: Time) -> Result<(), SendError> {
        let d = self.link.dialect;
        self.next_udp_connect = Some(now + self.config.udp_retry);
        let message = RtMessage::ClientConnectAuxUdp(ClientConnectAuxUdp {
            client_version: d.is_108().then_some(CLIENT_VERSION_108),
            world_id: RtWorldId(self.config.world),
            app_id: d.app_id,
            server_ip: self.config.server_address.0,
            server_port: self.config.server_address.1,
            player_id: self.player_id,
            scert_client_id: self.scert_id,
        });
        self.send_rt(Transport::Udp, &message)
    }

    fn frame(
        &mut self,
        now: Time,
        header: Header,
        frame: &mut [u8],
        sink: &mut impl FnMut(&mut Self, ClientEvent<'_>),
    ) -> Result<(), SessionError> {
        let (id, state) = (header.id, self.state);
        if state == State::Closed {
            return Ok(());
        }
        let context = header.hash.map(|hash| Hash(hash).context());
        if id == RtId::SERVER_CRYPTKEY_PEER && (context.is_none() || context == Some(Context::RSA_AUTH)) {
            return self.first_key(header, frame);
        }
        let Opened { cover, body, .. } =
            self.link.open(&header, frame).map_err(|error| error.at(state, id, header.length))?;
        if id != RtId::SERVER_MULTI_APP_TOCLIENT {
            return self.message(now, id, cover, Transport::Tcp, body, sink);
        }
        let mut rest = &*body;
        while let [first, ..] = *rest {
            let inner = Header::parse(rest)?.filter(|inner| inner.total() <= rest.len());
            let inner = inner.ok_or(SessionError::WrongLength { state, id, wanted: 3, found: rest.len() })?;
            if first & 0x80 != 0 || inner.id == id {
                return Err(SessionError::Container { state, id, first });
            }
            let (message, later) = rest.split_at(inner.total());
            rest = later;
            if let Some(body) = message.get(inner.body_at(0)) {
                self.message(now, inner.id, cover, Transport::Tcp, body, sink)?;
            }
        }
        Ok(())
    }

    /// The first CRYPTKEY_PEER: under RSA, or in clear to a client that asked in clear.
    fn first_key(&mut self, header: Header, frame: &[u8]) -> Result<(), SessionError> {
        let (id, state, found) = (header.id, self.state, header.length);
        if state != State::Greeted {
            return Err(SessionError::Unexpected { state, id, wanted: "SERVER_CONNECT_REQUIRE or later" });
        }
        let body = frame.get(header.body_at(0)).and_then(|body| <[u8; KEY_LEN]>::try_from(body).ok());
        let body = body.ok_or(SessionError::WrongLength { state, id, wanted: KEY_LEN, found })?;
        let config = Arc::clone(&self.config);
        if let (ClientCipher::Keys { own, .. }, Some(hash)) = (&config.cipher, header.hash) {
            let key = open_key(self.link.suite, own, Hash(hash), &body)
                .map_err(|error| SessionError::Rsa { state, id, error })?;
            self.link.rekey(key);
        }
        self.connect().map_err(|_| SessionError::WrongLength { state, id, wanted: KEY_LEN, found })
    }

    fn message(
        &mut self,
        now: Time,
        id: RtId,
        cover: Cover,
        transport: Transport,
        body: &[u8],
        sink: &mut impl FnMut(&mut Self, ClientEvent<'_>),
    ) -> Result<(), SessionError> {
        let state = self.state;
        let d = self.link.dialect;
        let undecodable = |error| SessionError::Undecodable { state, id, error };
        let message = RtMessage::decode(id, body, &d).map_err(undecodable)?;
        let expect = |expected: bool, wanted: &'static str| {
            if expected { Ok(()) } else { Err(SessionError::Unexpected { state, id, wanted }) }
        };
        // Our own answers are a few bytes long: they cannot fail for their size.
        let sent = |result: Result<(), SendError>| {
            result.map_err(|_| SessionError::WrongLength { state, id, wanted: 0, found: body.len() })
        };
        let event = match message {
            RtMessage::ServerHello(hello) => {
                expect(state == State::Start && !d.is_108(), "SERVER_CRYPTKEY_PEER or later")?;
                let certified = hello.certificate.and_then(|certificate| {
                    let mut modulus =
                        <[u8; KEY_LEN]>::try_from(certificate.0.get(CERTIFICATE_MODULUS)?).ok()?;
                    modulus.reverse();
                    Some(RsaPublicKey::from_modulus_le(modulus))
                });
                if let Some(Err(error)) = &certified
                    && *error != ModulusError::Zero
                {
                    let error = RsaError::from(*error);
                    return Err(SessionError::Rsa { state, id, error });
                }
                return sent(self.exchange_keys(certified));
            }
            RtMessage::ServerConnectRequire(_) => {
                expect(state == State::Keyed, "another message of the handshake")?;
                self.state = State::Required;
                return sent(self.link.put(&RtMessage::ClientConnectReadyRequire(
                    ClientConnectReadyRequire { flags: 0, password_length: None, password: None },
                )));
            }
            RtMessage::ServerCryptKeyGame(key) => {
                if self.link.peer_key.is_some() {
                    self.link.game_key = Some(Arc::new(SymmetricKey::new(key.key.0)));
                }
                return Ok(());
            }
            RtMessage::ServerCryptKeyPeer(key) => {
                expect(
                    self.link.peer_key.is_some() && transport == Transport::Tcp,
                    "a first key before a second",
                )?;
                self.link.rekey(SymmetricKey::new(key.key.0));
                return Ok(());
            }
            RtMessage::ServerConnectAcceptTcp(accept) => {
                expect(matches!(state, State::Keyed | State::Required), "another message of the handshake")?;
                self.player_id = accept.player_id;
                self.scert_id = accept.scert_client_id;
                self.player_count = accept.player_count;
                self.state = State::Accepted;
                sink(
                    self,
                    ClientEvent::Accepted {
                        player_id: accept.player_id,
                        scert_id: accept.scert_client_id,
                        player_count: accept.player_count,
                        ip: accept.ip,
                    },
                );
                if !d.is_108() {
                    let receive_flags = if self.config.kind == ServerKind::Dme { 0x05 } else { 0x01 };
                    let ready = ClientConnectReadyTcp { start_options: 0x0e, receive_flags };
                    return sent(self.link.put(&RtMessage::ClientConnectReadyTcp(ready)));
                }
                if self.config.waits_for_complete || self.config.aux_udp {
                    return Ok(());
                }
                self.state = State::Ready;
                ClientEvent::Connected { player_count: self.player_count }
            }
            RtMessage::ServerStartupInfoNotify(info) => {
                ClientEvent::StartupInfo { time_base: info.time_base }
            }
            RtMessage::ServerInfoAuxUdp(info) => {
                expect(state == State::Accepted && self.config.aux_udp, "another message of the handshake")?;
                self.state = State::AuxUdp;
                self.udp = Some(Datagrams::new(DATAGRAM));
                sink(self, ClientEvent::AuxUdp { ip: info.ip, port: info.port });
                return sent(self.connect_aux_udp(now));
            }
            RtMessage::ServerConnectAcceptAuxUdp(accept) => {
                if transport != Transport::Udp || self.udp_open {
                    return Ok(());
                }
                self.udp_open = true;
                self.next_udp_connect = None;
                if state == State::AuxUdp {
                    self.state = State::Completing;
                    sent(self.send_rt(Transport::Tcp, &RtMessage::ClientConnectReadyAuxUdp(NoBody {})))?;
                }
                ClientEvent::AuxUdpAccepted { ip: accept.ip, port: accept.port }
            }
            RtMessage::ServerConnectComplete(complete) => {
                expect(
                    matches!(state, State::Accepted | State::Completing) && transport == Transport::Tcp,
                    "another message of the handshake",
                )?;
                self.state = State::Ready;
                self.player_count = complete.player_count;
                ClientEvent::Connected { player_count: complete.player_count }
            }
            RtMessage::ServerEcho(echo) => {
                sent(self.link.put(&RtMessage::ServerEcho(echo.clone())))?;
                ClientEvent::ServerEcho(echo)
            }
            RtMessage::ClientEcho(_) => match self.echoes[transport as usize].pop_front() {
                Some(at) => ClientEvent::EchoReply { rtt: now.since(at), transport },
                None => return Ok(()),
            },
            RtMessage::ServerApp(_) if !link::is_fragment(body) => ClientEvent::App { payload: body },
            RtMessage::ServerApp(_) => {
                if let Some(whole) = self.link.reassemble(body, state)? {
                    sink(self, ClientEvent::App { payload: &whole });
                }
                return Ok(());
            }
            RtMessage::ClientAppSingle(single) => ClientEvent::Relay {
                transport,
                cover,
                source: single.index,
                payload: body.get(2..).unwrap_or_default(),
            },
            RtMessage::ServerTimebaseQueryNotify(notify) => {
                ClientEvent::Timebase { client_time: notify.client_time, server_time: notify.server_time }
            }
            RtMessage::ServerConnectReject(reject) => {
                sink(self, ClientEvent::Rejected { reason: reject.reason });
                self.close();
                return Ok(());
            }
            RtMessage::ServerForcedDisconnect(ServerForcedDisconnect { reason })
            | RtMessage::ClientDisconnectWithReason(ClientDisconnectWithReason { reason }) => {
                sink(self, ClientEvent::Disconnect { reason });
                self.close();
                return Ok(());
            }
            other => ClientEvent::Message(other),
        };
        sink(self, event);
        Ok(())
    }
}

/// Bytes of a datagram, at most: what servers announce.
const DATAGRAM: usize = 584;

impl fmt::Debug for ClientSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSession")
            .field("kind", &self.config.kind)
            .field("state", &self.state)
            .field("dialect", &self.link.dialect)
            .field("enciphered", &self.enciphered())
            .finish_non_exhaustive()
    }
}
