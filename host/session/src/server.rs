//! The server side of a connection: MUIS, MAS, MLS, MPS and DME.

use core::fmt;
use core::time::Duration;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use medley_crypto::{
    Context, FanOut, Hash, KEY_LEN, RsaError, RsaPublicKey, Suite, SymmetricKey, Verified, seal_key,
};
use medley_wire::codec::{Reader, Wire};
use medley_wire::frame::{FrameBuffer, Header, MAX_BODY, split_datagram};
use medley_wire::messages::DmeServerVersion;
use medley_wire::rt::*;
use medley_wire::types::{Blob, Text, VarBytes, VarText};
use medley_wire::{AnyMessage, AppId, Dialect, RtId, RtMessage};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::link::{self, Link, Opened};
use crate::{
    Accept, ConnectRequest, Cover, Datagrams, Event, Handshake, HandshakeRules, Relay, SendError,
    ServerConfig, ServerKind, SessionError, Target, Time, Timeout, Transport,
};

/// Where a connection stands. The table is in the crate's documentation; a [`crate::ClientSession`] is in the state in
/// which a server would be that has got everything the client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Nothing has come.
    Start,
    /// CLIENT_HELLO came.
    Greeted,
    /// CLIENT_CRYPTKEY_PUBLIC came.
    Keyed,
    /// CONNECT came; the owner is asked.
    Connecting,
    /// CONNECT_REQUIRE went out.
    Required,
    /// CONNECT_ACCEPT_TCP went out to a client above 1.08.
    Accepted,
    /// INFO_AUX_UDP went out.
    AuxUdp,
    /// READY_AUX_UDP came; the owner completes.
    Completing,
    /// The handshake is over.
    Ready,
    /// Nothing is taken any more.
    Closed,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl State {
    /// The handshake messages that may come next.
    const fn wanted(self) -> &'static str {
        match self {
            Self::Start => "CLIENT_HELLO, CLIENT_CRYPTKEY_PUBLIC or CLIENT_CONNECT_TCP",
            Self::Greeted => "CLIENT_CRYPTKEY_PUBLIC or CLIENT_CONNECT_TCP",
            Self::Keyed => "CLIENT_CONNECT_TCP",
            Self::Required => "CLIENT_CONNECT_READY_REQUIRE",
            Self::Accepted => "CLIENT_CONNECT_READY_TCP",
            Self::AuxUdp => "CLIENT_CONNECT_READY_AUX_UDP",
            Self::Connecting | Self::Completing | Self::Ready | Self::Closed => "no handshake message",
        }
    }
}

/// Datagrams that were dropped. They never end a session: the client itself sends damaged ones
/// (`dl_ps2_full_session`, 51.7 s).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UdpCounters {
    /// Frames that did not verify, or came under a context without a key.
    pub bad_hash: u32,
    /// Frames whose body is none, and messages that do not belong on UDP or do not fit the state.
    pub refused: u32,
}

/// Aux UDP of a DME connection.
#[derive(Debug)]
struct Udp {
    output: Datagrams,
    counters: UdpCounters,
}

/// The server side of one connection. See the crate's documentation for the states.
pub struct ServerSession {
    config: Arc<ServerConfig>,
    rules: Arc<dyn HandshakeRules + Send + Sync>,
    link: Link,
    handshake: Handshake,
    state: State,
    /// CLIENT_CRYPTKEY_PUBLIC came, in clear or not: the client waits for the key messages.
    wants_keys: bool,
    aux_udp: bool,
    peer: Ipv4Addr,
    /// For the keys of this connection. Wiped when the last is made.
    seed: [u8; 32],
    /// The ctx 3 key, if it is not to be made of the seed.
    chosen_key: Option<Box<SymmetricKey>>,
    accept: Accept,
    /// Frames that came ahead of their time, as they came.
    held: Vec<u8>,
    /// The held frames' time has come.
    release: bool,
    /// [`Event::Connected`] is still to be told.
    announce: bool,
    opened: Time,
    heard: Time,
    next_echo: Option<Time>,
    echo_sent: Option<(Time, ServerEcho)>,
    udp: Option<Box<Udp>>,
}

impl ServerSession {
    /// A session for a connection that was accepted at `now` from `peer`. `seed` must be fresh randomness: the keys of
    /// the connection are made of it.
    pub fn new(
        config: Arc<ServerConfig>,
        rules: Arc<dyn HandshakeRules + Send + Sync>,
        peer: Ipv4Addr,
        seed: [u8; 32],
        now: Time,
    ) -> Self {
        Self {
            config,
            rules,
            link: Link::new(Dialect::new(108, AppId(0))),
            handshake: Handshake::default(),
            state: State::Start,
            wants_keys: false,
            aux_udp: false,
            peer,
            seed,
            chosen_key: None,
            accept: Accept::default(),
            held: Vec::new(),
            release: false,
            announce: false,
            opened: now,
            heard: now,
            next_echo: None,
            echo_sent: None,
            udp: None,
        }
    }

    /// Takes this ctx 3 key instead of making one of the seed: for replaying a captured session. CRYPTKEY_GAME and the
    /// second CRYPTKEY_PEER are chosen in [`Accept`].
    #[must_use]
    pub fn with_peer_key(mut self, key: SymmetricKey) -> Self {
        self.chosen_key = Some(Box::new(key));
        self
    }

    /// Where the connection stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Version and title; the title is 0 before [`Event::Connect`].
    pub fn dialect(&self) -> Dialect {
        self.link.dialect
    }

    /// The cipher suite of this connection.
    pub fn suite(&self) -> Suite {
        self.link.suite
    }

    /// Whether what is sent is enciphered.
    pub fn enciphered(&self) -> bool {
        self.link.peer_key.is_some()
    }

    /// The exceptions of the title.
    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// Bytes to be sent on the stream. Take or drain them after each call.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.link.output
    }

    /// Takes the bytes to be sent on the stream and their buffer.
    pub fn take_output(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.link.output)
    }

    /// Datagrams to be sent, if the connection has aux UDP. Drain them after each call.
    pub fn datagrams(&mut self) -> Option<&mut Datagrams> {
        self.udp.as_deref_mut().map(|udp| &mut udp.output)
    }

    /// Datagrams that were dropped.
    pub fn udp_counters(&self) -> UdpCounters {
        self.udp.as_ref().map_or_else(UdpCounters::default, |udp| udp.counters)
    }

    /// Bytes of this session on the heap, for accounts of memory.
    pub fn heap_size(&self) -> usize {
        let udp = self.udp.as_ref().map_or(0, |udp| size_of::<Udp>() + udp.output.heap_size());
        self.link.heap_size() + self.held.capacity() + udp
    }

    /// Takes bytes of the stream, deciphers them in place, and tells what they say. `sink` gets the session too, so it
    /// can answer on the spot; it must not call [`ServerSession::receive`].
    ///
    /// # Errors
    /// The client broke the protocol. The session is closed, [`ServerSession::output`] may hold a last word.
    pub fn receive(
        &mut self,
        now: Time,
        input: &mut [u8],
        mut sink: impl FnMut(&mut Self, Event<'_>),
    ) -> Result<(), SessionError> {
        self.receive_dyn(now, input, &mut sink)
    }

    fn receive_dyn(
        &mut self,
        now: Time,
        input: &mut [u8],
        sink: &mut dyn FnMut(&mut Self, Event<'_>),
    ) -> Result<(), SessionError> {
        let mut frames = core::mem::take(&mut self.link.frames);
        let result = self.release(now, sink).and_then(|()| {
            frames.feed(input, |header, frame| {
                self.heard = now;
                self.frame(now, header, frame, sink)?;
                self.release(now, sink)
            })
        });
        if result.is_err() || self.state == State::Closed {
            self.close();
        } else {
            self.link.frames = frames;
        }
        result
    }

    /// Handles what was kept until [`ServerSession::accept`] or [`ServerSession::complete`]. To be called after them,
    /// unless they were called inside of `sink`.
    ///
    /// # Errors
    /// As [`ServerSession::receive`].
    pub fn resume(&mut self, now: Time, sink: impl FnMut(&mut Self, Event<'_>)) -> Result<(), SessionError> {
        self.receive(now, &mut [], sink)
    }

    /// Ends the session: nothing is taken any more, buffers for input are freed. Output stays.
    pub fn close(&mut self) {
        self.state = State::Closed;
        self.link.frames = FrameBuffer::new();
        self.held = Vec::new();
        self.next_echo = None;
    }

    /// Lets the client in. Answers go to the output; call [`ServerSession::resume`] afterwards.
    ///
    /// # Errors
    /// Not in [`State::Connecting`].
    pub fn accept(&mut self, accept: Accept, now: Time) -> Result<(), SendError> {
        self.in_state("accept", State::Connecting)?;
        self.accept = accept;
        self.release = true;
        if self.aux_udp && self.accept.udp.is_some() {
            let limit = usize::from(self.config.limits.max_udp);
            self.udp =
                Some(Box::new(Udp { output: Datagrams::new(limit), counters: UdpCounters::default() }));
        }
        if self.old_sequence() || self.handshake.skip_connect_require {
            return self.let_in(now);
        }
        let limits = &self.config.limits;
        let max_tcp = if self.link.suite == Suite::Ps3 { limits.max_tcp_ps3 } else { limits.max_tcp };
        let max_udp = (self.config.kind == ServerKind::Dme).then_some(limits.max_udp);
        self.state = State::Required;
        self.link.put(&RtMessage::ServerConnectRequire(ServerConnectRequire {
            flags: if max_udp.is_some() { 0x06 } else { 0x02 },
            max_tcp: Some(max_tcp),
            max_udp,
        }))
    }

    /// Refuses the client: CONNECT_REJECT, and the session is closed. Reasons: 0 version, 1 world full, 2 world id,
    /// 3 app signature, 4 encryption, 5 access key, 6 aux UDP failure.
    ///
    /// # Errors
    /// Not in [`State::Connecting`].
    pub fn reject(&mut self, reason: u8) -> Result<(), SendError> {
        self.in_state("reject", State::Connecting)?;
        let result =
            self.link.put(&RtMessage::ServerConnectReject(ServerConnectReject { reason, unknown: 0 }));
        self.close();
        result
    }

    /// Answers a [`Event::ConnectAuxUdp`] that came from `from`, into [`ServerSession::datagrams`]. Whether `from` is to
    /// be believed is the caller's to judge.
    ///
    /// # Errors
    /// The connection has no aux UDP.
    pub fn accept_aux_udp(&mut self, from: SocketAddrV4) -> Result<(), SendError> {
        let d = self.link.dialect;
        let answer = RtMessage::ServerConnectAcceptAuxUdp(ServerConnectAcceptAuxUdp {
            server_version: d.is_108().then_some(self.handshake.accept_version),
            player_id: self.accept.player_id,
            scert_client_id: (!d.is_108()).then_some(self.accept.scert_id),
            player_count: self.accept.player_count,
            ip: ip_text(*from.ip()),
            port: from.port(),
        });
        self.send_udp(&answer)
    }

    /// DME: lets the client that is [`Event::AuxUdpReady`] into the world of `player_count` players, itself included:
    /// CONNECT_COMPLETE, ServerVersion and, above 1.08, SERVER_ECHO. Call [`ServerSession::resume`] afterwards.
    ///
    /// # Errors
    /// Not in [`State::Completing`].
    pub fn complete(&mut self, player_count: u16, now: Time) -> Result<(), SendError> {
        self.in_state("complete", State::Completing)?;
        self.accept.complete_count = Some(player_count);
        self.finish(now)
    }

    /// Sends an application message, in fragments if the dialect has them and the message is long.
    ///
    /// # Errors
    /// Longer than a frame, for a client that takes no fragments.
    pub fn send_app(&mut self, message: &AnyMessage) -> Result<(), SendError> {
        self.link.put_message(RtId::SERVER_APP, self.app_context(), self.piece(), message)
    }

    /// Sends an application message that is encoded already: class, id, body.
    ///
    /// # Errors
    /// As [`ServerSession::send_app`].
    pub fn send_app_payload(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.link.put_app(RtId::SERVER_APP, self.app_context(), self.piece(), payload)
    }

    /// As [`ServerSession::send_app_payload`], with bit 7 off, whatever keys there are.
    ///
    /// # Errors
    /// As [`ServerSession::send_app`].
    pub fn send_app_payload_clear(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.link.put_app_clear(RtId::SERVER_APP, self.piece(), payload)
    }

    /// Sends an RT message.
    ///
    /// # Errors
    /// Longer than a frame.
    pub fn send_rt(&mut self, message: &RtMessage) -> Result<(), SendError> {
        self.link.put(message)
    }

    /// Sends an RT message with bit 7 off, whatever keys there are (MEMORY_POKE, as public emulators do).
    ///
    /// # Errors
    /// Longer than a frame.
    pub fn send_rt_clear(&mut self, message: &RtMessage) -> Result<(), SendError> {
        self.link.put_clear(message)
    }

    /// Sends an RT message in a datagram.
    ///
    /// # Errors
    /// Longer than a frame, or the connection has no aux UDP.
    pub fn send_udp(&mut self, message: &RtMessage) -> Result<(), SendError> {
        let Self { link, udp, .. } = self;
        let udp = udp.as_deref_mut().ok_or(SendError::NoUdp)?;
        let d = link.dialect;
        udp.output.append(|output| {
            link.seal_onto(output, message.id(), Context::RC_CLIENT_SESSION, |output| {
                link::encode(message, output, &d);
            })
        })
    }

    /// Answers [`Event::TimebaseQuery`], on TCP: milliseconds since the first client entered the world.
    ///
    /// # Errors
    /// None but those of [`ServerSession::send_rt`].
    pub fn timebase(&mut self, client_time: u32, server_time: u32) -> Result<(), SendError> {
        self.link.put(&RtMessage::ServerTimebaseQueryNotify(ServerTimebaseQueryNotify {
            client_time,
            server_time,
        }))
    }

    /// Shows the operator's text. Its encoding is told as UTF-8.
    ///
    /// # Errors
    /// The text is longer than a frame.
    pub fn system_message(&mut self, severity: u8, text: &str) -> Result<(), SendError> {
        self.link.put(&self.system_text(severity, text))
    }

    /// The message of [`ServerSession::system_message`].
    #[must_use]
    pub fn system_text(&self, severity: u8, text: &str) -> RtMessage {
        RtMessage::ServerSystemMessage(ServerSystemMessage {
            severity,
            encoding: 2,
            language: 0,
            end_of_message: 1,
            text: VarText::new(text),
        })
    }

    /// Sends SERVER_FORCED_DISCONNECT and closes the session: 0 none, 1 error, 2 shutdown, 3 end session, 4 end game,
    /// 5 timeout, 6 bad performance, 7 banned.
    ///
    /// # Errors
    /// None but those of [`ServerSession::send_rt`].
    pub fn forced_disconnect(&mut self, reason: u8) -> Result<(), SendError> {
        let sent = self.link.put(&RtMessage::ServerForcedDisconnect(ServerForcedDisconnect { reason }));
        self.close();
        sent
    }

    /// Sends DISCONNECT_WITH_REASON, as public emulators force clients off, and closes the session.
    ///
    /// # Errors
    /// None but those of [`ServerSession::send_rt`].
    pub fn disconnect_with_reason(&mut self, reason: u8) -> Result<(), SendError> {
        let sent =
            self.link.put(&RtMessage::ClientDisconnectWithReason(ClientDisconnectWithReason { reason }));
        self.close();
        sent
    }

    /// Sends `payload` as APP_SINGLE from the player `source`. [`Cover::Enciphered`] is clear where there is no key.
    /// For many receivers use [`ServerSession::relay_slot`].
    ///
    /// # Errors
    /// Longer than a frame, or [`Transport::Udp`] without aux UDP.
    pub fn send_relay(
        &mut self,
        transport: Transport,
        cover: Cover,
        source: u16,
        payload: &[u8],
    ) -> Result<(), SendError> {
        let hash = match cover {
            Cover::Clear => None,
            Cover::NullHash => self.relay_key().map(|_| Hash::null(Context::RC_CLIENT_SESSION)),
            Cover::Enciphered => {
                if self.link.peer_key.is_some() {
                    let fan_out = FanOut::new(self.link.suite, Context::RC_CLIENT_SESSION, payload);
                    if let Some((key, room)) =
                        self.relay_slot(transport, source, fan_out.hash(), payload.len())?
                    {
                        // The room is as long as the payload by construction.
                        let _ = fan_out.encrypt_for(key, room);
                    }
                    return Ok(());
                }
                None
            }
        };
        let room = self.relay_room(transport, source, hash, payload.len())?;
        room.copy_from_slice(payload);
        Ok(())
    }

    /// Appends the header of an APP_SINGLE from `source` and gives this connection's ctx 3 key with the room into which
    /// [`FanOut::encrypt_for_many`] is to write the `length` bytes of payload. `hash` is [`FanOut::hash`] for this
    /// connection's suite under ctx 3. `None` on a clear connection: nothing was appended, use
    /// [`ServerSession::send_relay`].
    ///
    /// # Errors
    /// Longer than a frame, or [`Transport::Udp`] without aux UDP.
    pub fn relay_slot(
        &mut self,
        transport: Transport,
        source: u16,
        hash: Hash,
        length: usize,
    ) -> Result<Option<(&SymmetricKey, &mut [u8])>, SendError> {
        if self.link.peer_key.is_none() {
            return Ok(None);
        }
        let Self { link: Link { peer_key, output, .. }, udp, .. } = self;
        let frame = reserve(output, udp.as_deref_mut(), transport, true, length)?;
        let room = link::begin_relay(frame, Some(hash), source, length);
        Ok(peer_key.as_ref().map(|key| (key, room)))
    }

    /// Appends the header of an APP_SINGLE from `source` and gives the room for its payload, which goes as it is.
    ///
    /// # Errors
    /// Longer than a frame, or [`Transport::Udp`] without aux UDP.
    pub fn relay_room(
        &mut self,
        transport: Transport,
        source: u16,
        hash: Option<Hash>,
        length: usize,
    ) -> Result<&mut [u8], SendError> {
        let Self { link: Link { output, .. }, udp, .. } = self;
        let frame = reserve(output, udp.as_deref_mut(), transport, hash.is_some(), length)?;
        Ok(link::begin_relay(frame, hash, source, length))
    }

    /// The ctx 3 key, for [`FanOut`].
    pub fn relay_key(&self) -> Option<&SymmetricKey> {
        self.link.peer_key.as_ref()
    }

    /// Takes one datagram of this client, deciphers it in place, and tells what it says. Frames that do not verify, or
    /// have no business here, are dropped and counted.
    pub fn receive_datagram(
        &mut self,
        now: Time,
        datagram: &mut [u8],
        mut sink: impl FnMut(&mut Self, Event<'_>),
    ) {
        if self.udp.is_none() || self.state == State::Closed {
            return;
        }
        let _ = split_datagram(datagram, |header, frame| {
            let outcome = match self.link.open(&header, frame) {
                Ok(Opened { cover, verified, body }) => {
                    let came = Came { cover, verified: verified.as_ref() };
                    self.datagram_frame(header.id, came, body, &mut sink)
                }
                Err(_) => Outcome::BadHash,
            };
            match (outcome, self.udp.as_deref_mut()) {
                (Outcome::Taken, _) => self.heard = now,
                (Outcome::BadHash, Some(udp)) => udp.counters.bad_hash += 1,
                (Outcome::Refused, Some(udp)) => udp.counters.refused += 1,
                (_, None) => {}
            }
            Ok::<_, core::convert::Infallible>(())
        });
    }

    /// Whether `datagram` is a CONNECT_AUX_UDP of this client, and what it says: tells the owner of a first datagram on
    /// a port that many share. Most others are sorted out without deciphering. Changes nothing; the owner's
    /// [`ServerSession::receive_datagram`] is to be called with the datagram afterwards.
    pub fn try_open_connect_aux_udp(&self, datagram: &[u8]) -> Option<ClientConnectAuxUdp> {
        if self.udp.is_none() || !self.takes_aux_udp() {
            return None;
        }
        let d = &self.link.dialect;
        let header = Header::parse(datagram).ok().flatten()?;
        let length = if d.is_108() { 29 } else { 32 };
        if header.id != RtId::CLIENT_CONNECT_AUX_UDP || header.length != length {
            return None;
        }
        let mut body = [0; 32];
        let body = body.get_mut(..length)?;
        body.copy_from_slice(datagram.get(header.body_at(0))?);
        let hash = header.hash.map(Hash).filter(|hash| !hash.is_null());
        match (&self.link.peer_key, hash) {
            (None, None) => {}
            (Some(key), Some(hash)) if hash.context() == Context::RC_CLIENT_SESSION => {
                self.link.suite.decrypt_in_place(key, hash, body).ok()?;
            }
            _ => return None,
        }
        let connect: ClientConnectAuxUdp = decode(RtId::CLIENT_CONNECT_AUX_UDP, body, d).ok()?;
        self.is_mine(&connect).then_some(connect)
    }

    /// When [`ServerSession::handle_timeout`] wants to be called, if nothing else happens.
    pub fn poll_timeout(&self) -> Option<Time> {
        let timeouts = &self.config.timeouts;
        let idle = self.heard + timeouts.idle;
        match self.state {
            State::Closed => None,
            State::Ready => Some(self.next_echo.map_or(idle, |echo| echo.min(idle))),
            _ => Some((self.opened + timeouts.handshake).min(idle)),
        }
    }

    /// Does what is due: SERVER_ECHO goes to the output, or the session ends.
    pub fn handle_timeout(&mut self, now: Time) -> Option<Timeout> {
        let timeouts = self.config.timeouts;
        let ended = match self.state {
            State::Closed => return None,
            _ if now >= self.heard + timeouts.idle => Some(Timeout::Idle),
            State::Ready => None,
            _ if now >= self.opened + timeouts.handshake => Some(Timeout::Handshake),
            _ => None,
        };
        if ended.is_some() {
            self.close();
        } else if self.next_echo.is_some_and(|at| now >= at) {
            // A body of eight bytes is never too long.
            let _ = self.server_echo(now);
        }
        ended
    }

    fn in_state(&self, call: &'static str, wanted: State) -> Result<(), SendError> {
        if self.state == wanted {
            return Ok(());
        }
        Err(SendError::WrongState { call, state: self.state, wanted })
    }

    /// The sequence of 1.08: nothing is required, nothing is asked.
    fn old_sequence(&self) -> bool {
        self.link.dialect.is_108() || self.handshake.treat_as_108
    }

    fn app_context(&self) -> Context {
        if self.link.dialect.is_108() && self.handshake.game_key_for_apps {
            Context::RC_SERVER_SESSION
        } else {
            Context::RC_CLIENT_SESSION
        }
    }

    fn piece(&self) -> Option<usize> {
        let limits = &self.config.limits;
        let cuts = !self.link.dialect.is_108() && self.handshake.fragment;
        cuts.then_some(if self.link.suite == Suite::Ps3 { limits.piece_ps3 } else { limits.piece })
    }

    /// A fresh key. Each has its own stream of the seed.
    fn key(&self, stream: u64) -> SymmetricKey {
        let mut rng = ChaCha20Rng::from_seed(self.seed);
        rng.set_stream(stream);
        SymmetricKey::random(&mut rng)
    }

    /// CRYPTKEY_GAME, the second CRYPTKEY_PEER on DME, CONNECT_ACCEPT_TCP, and what follows unasked.
    fn let_in(&mut self, now: Time) -> Result<(), SendError> {
        let d = self.link.dialect;
        let dme = self.config.kind == ServerKind::Dme;
        let mut game = None;
        if self.wants_keys && self.handshake.send_cryptkey_game {
            let key = self.accept.game_key.take().unwrap_or_else(|| Arc::new(self.key(GAME_STREAM)));
            game = Some(RtMessage::ServerCryptKeyGame(CryptKey { key: Blob(*key.as_bytes()) }));
            self.link.game_key = self.link.peer_key.as_ref().map(|_| key);
        }
        let accept = RtMessage::ServerConnectAcceptTcp(ServerConnectAcceptTcp {
            server_version: d.is_108().then_some(self.handshake.accept_version),
            player_id: self.accept.player_id,
            scert_client_id: (!d.is_108()).then_some(self.accept.scert_id),
            player_count: self.accept.player_count,
            ip: ip_text(self.peer),
        });
        match game {
            Some(game) if self.link.suite == Suite::Ps3 && !dme => {
                self.link.put_container(RtId::SERVER_MULTI_APP_TOCLIENT, &[game, accept])?;
            }
            game => {
                if let Some(game) = game {
                    self.link.put(&game)?;
                }
                if dme && self.link.peer_key.is_some() && self.handshake.send_second_peer_key {
                    let key = match self.accept.peer_key.take() {
                        Some(key) => SymmetricKey::clone(&key),
                        None => self.key(SECOND_PEER_STREAM),
                    };
                    let message = CryptKey { key: Blob(*key.as_bytes()) };
                    self.link.put(&RtMessage::ServerCryptKeyPeer(message))?;
                    self.link.rekey(key);
                }
                self.link.put(&accept)?;
            }
        }
        self.seed = [0; 32];
        if !self.old_sequence() && !self.handshake.complete_unasked_above_108 {
            self.state = State::Accepted;
            return Ok(());
        }
        self.after_ready_tcp(now)
    }

    /// What follows READY_TCP, or CONNECT_ACCEPT_TCP where no READY_TCP comes.
    fn after_ready_tcp(&mut self, now: Time) -> Result<(), SendError> {
        if self.config.kind == ServerKind::Dme && !self.old_sequence() {
            self.link.put(&RtMessage::ServerStartupInfoNotify(ServerStartupInfoNotify {
                flags: 0x04,
                startup_info: None,
                time_base: Some(self.accept.time_base),
                sets: VarBytes(Vec::new()),
            }))?;
        }
        if self.aux_udp
            && let Some(udp) = self.accept.udp
        {
            self.state = State::AuxUdp;
            return self.link.put(&RtMessage::ServerInfoAuxUdp(ServerInfoAuxUdp {
                ip: ip_text(*udp.ip()),
                port: udp.port(),
            }));
        }
        self.finish(now)
    }

    /// CONNECT_COMPLETE and what goes with it.
    fn finish(&mut self, now: Time) -> Result<(), SendError> {
        self.announce = self.state != State::Completing;
        self.state = State::Ready;
        self.release = true;
        let dme = self.config.kind == ServerKind::Dme;
        let old = self.link.dialect.is_108();
        let complete = RtMessage::ServerConnectComplete(ServerConnectComplete {
            player_count: self.accept.complete_count.unwrap_or(self.accept.player_count),
        });
        // A DME client of 1.08 without aux UDP gets CONNECT_ACCEPT_TCP alone (public emulators).
        let asked = if dme { self.aux_udp } else { self.handshake.complete_after_accept };
        if asked || !self.old_sequence() {
            if self.link.suite == Suite::Ps3 && !dme && self.sends_echo() {
                let echo = self.next_server_echo(now);
                let pair = [complete, RtMessage::ServerEcho(echo)];
                return self.link.put_container(RtId::SERVER_MULTI_APP_TOCLIENT, &pair);
            }
            self.link.put(&complete)?;
            if dme {
                let usual = if old { self.config.dme_version_108 } else { self.config.dme_version };
                let version = self.accept.dme_version.unwrap_or(usual);
                self.send_app(&DmeServerVersion { version }.into())?;
            }
        }
        if self.sends_echo() { self.server_echo(now) } else { Ok(()) }
    }

    fn sends_echo(&self) -> bool {
        !self.old_sequence() && self.handshake.server_echo
    }

    fn server_echo(&mut self, now: Time) -> Result<(), SendError> {
        let echo = self.next_server_echo(now);
        self.link.put(&RtMessage::ServerEcho(echo))
    }

    fn next_server_echo(&mut self, now: Time) -> ServerEcho {
        let unix = self.config.unix_time_at_zero.saturating_add(now.0);
        let echo = ServerEcho { seconds: unix.as_secs() as u32, microseconds: unix.subsec_micros() };
        self.next_echo = Some(now + self.config.timeouts.server_echo);
        self.echo_sent = Some((now, echo.clone()));
        echo
    }

    /// Handles the kept frames once their time has come.
    fn release(&mut self, now: Time, sink: &mut dyn FnMut(&mut Self, Event<'_>)) -> Result<(), SessionError> {
        while core::mem::take(&mut self.release) {
            if core::mem::take(&mut self.announce) {
                sink(self, Event::Connected);
            }
            let mut held = core::mem::take(&mut self.held);
            split_datagram(&mut held, |header, frame| {
                self.frame(now, header, frame, sink)?;
                // What had to wait a second time comes before the rest of these. As deep as the handshake is long.
                self.release(now, sink)
            })?;
        }
        Ok(())
    }

    /// Whether a message has to wait, by its id alone: it is then kept as it came, not deciphered.
    fn waits(&self, id: RtId) -> bool {
        match self.state {
            State::Connecting | State::Completing => !matches!(
                id,
                RtId::CLIENT_ECHO | RtId::CLIENT_DISCONNECT | RtId::CLIENT_DISCONNECT_WITH_REASON
            ),
            State::Required | State::Accepted | State::AuxUdp => is_traffic(id),
            _ => false,
        }
    }

    fn hold(&mut self, id: RtId, frame: &[u8]) -> Result<(), SessionError> {
        let limit = self.config.limits.pipelined;
        if self.held.len() + frame.len() > limit {
            return Err(SessionError::PipelineFull { state: self.state, id, limit });
        }
        self.held.extend_from_slice(frame);
        Ok(())
    }

    /// One frame of the stream.
    fn frame(
        &mut self,
        now: Time,
        header: Header,
        frame: &mut [u8],
        sink: &mut dyn FnMut(&mut Self, Event<'_>),
    ) -> Result<(), SessionError> {
        let id = header.id;
        if self.state == State::Closed {
            return Ok(());
        }
        if self.waits(id) {
            return self.hold(id, frame);
        }
        if id == RtId::CLIENT_CRYPTKEY_PUBLIC {
            return self.public_key(header, frame);
        }
        let state = self.state;
        let Opened { cover, verified, body } =
            self.link.open(&header, frame).map_err(|error| error.at(state, id, header.length))?;
        if id == RtId::CLIENT_MULTI_APP_TOSERVER {
            return self.container(now, cover, body, sink);
        }
        self.message(now, id, Came { cover, verified: verified.as_ref() }, body, sink)
    }

    /// Each message of a container as if it had come alone.
    fn container(
        &mut self,
        now: Time,
        cover: Cover,
        body: &mut [u8],
        sink: &mut dyn FnMut(&mut Self, Event<'_>),
    ) -> Result<(), SessionError> {
        let mut rest = body;
        while let [first, ..] = *rest {
            let state = self.state;
            if state == State::Closed {
                break;
            }
            let id = RtId::CLIENT_MULTI_APP_TOSERVER;
            if first & 0x80 != 0 || RtId(first) == id {
                return Err(SessionError::Container { state, id, first });
            }
            let header = Header::parse(rest)?.filter(|header| header.total() <= rest.len());
            let header =
                header.ok_or(SessionError::WrongLength { state, id, wanted: 3, found: rest.len() })?;
            let (message, later) = rest.split_at_mut(header.total());
            rest = later;
            if self.waits(header.id) {
                // What is clear inside reads as a clear frame later.
                self.hold(header.id, message)?;
            } else if header.id == RtId::CLIENT_CRYPTKEY_PUBLIC {
                self.public_key(header, message)?;
            } else if let Some(body) = message.get(header.body_at(0)) {
                self.message(now, header.id, Came { cover, verified: None }, body, sink)?;
            }
            self.release(now, sink)?;
        }
        Ok(())
    }

    /// CLIENT_CRYPTKEY_PUBLIC, enciphered to one of our keys or in clear; answered the same way.
    fn public_key(&mut self, header: Header, frame: &[u8]) -> Result<(), SessionError> {
        let (id, state, found) = (header.id, self.state, header.length);
        if !matches!(state, State::Start | State::Greeted) {
            return Err(SessionError::Unexpected { state, id, wanted: state.wanted() });
        }
        let body = frame.get(header.body_at(0)).and_then(|body| <[u8; KEY_LEN]>::try_from(body).ok());
        let body = body.ok_or(SessionError::WrongLength { state, id, wanted: KEY_LEN, found })?;
        let suite = self.link.suite;
        let key = self.chosen_key.take().map_or_else(|| self.key(PEER_STREAM), |key| *key);
        let Some(hash) = header.hash.map(Hash) else {
            // A plaintext client that asks for keys all the same gets them, in clear, and goes on in clear.
            let answer = RtMessage::ServerCryptKeyPeer(CryptKey { key: Blob(*key.as_bytes()) });
            self.wants_keys = true;
            self.state = State::Keyed;
            return self.link.put_clear(&answer).map_err(|_| too_long(state, id));
        };
        let rsa = |error| SessionError::Rsa { state, id, error };
        if hash.context() != Context::RSA_AUTH {
            return Err(rsa(RsaError::NotRsaContext { found: hash.context() }));
        }
        let mut modulus = Err(SessionError::NoKey { state, id, context: hash.context() });
        for pair in &self.config.key_pairs {
            modulus = pair.decrypt(suite, hash, &body).map_err(rsa);
            if modulus.is_ok() {
                break;
            }
        }
        let client = RsaPublicKey::from_modulus_le(modulus?).map_err(|error| rsa(error.into()))?;
        let (hash, body) = seal_key(suite, &client, key.as_bytes());
        Header::write(RtId::SERVER_CRYPTKEY_PEER, Some(hash.0), KEY_LEN, &mut self.link.output);
        self.link.output.extend_from_slice(&body);
        self.link.rekey(key);
        self.wants_keys = true;
        self.state = State::Keyed;
        Ok(())
    }

    /// One plain message of the stream.
    fn message(
        &mut self,
        now: Time,
        id: RtId,
        came: Came<'_>,
        body: &[u8],
        sink: &mut dyn FnMut(&mut Self, Event<'_>),
    ) -> Result<(), SessionError> {
        let state = self.state;
        let d = self.link.dialect;
        let unexpected = Err(SessionError::Unexpected { state, id, wanted: state.wanted() });
        // Our own answers are a few bytes long: they cannot fail for their size.
        let sent = |result: Result<(), SendError>| result.map_err(|_| too_long(state, id));
        let undecodable = |error| SessionError::Undecodable { state, id, error };
        let connected = !matches!(state, State::Start | State::Greeted | State::Keyed | State::Connecting);
        let event = match id {
            RtId::CLIENT_ECHO => {
                let echo = |output: &mut Vec<u8>| output.extend_from_slice(body);
                return sent(self.link.seal(id, Context::RC_CLIENT_SESSION, echo));
            }
            RtId::CLIENT_DISCONNECT => Event::Disconnect { reason: None },
            RtId::CLIENT_DISCONNECT_WITH_REASON => Event::Disconnect { reason: body.first().copied() },
            RtId::CLIENT_HELLO => {
                if state != State::Start {
                    return unexpected;
                }
                let hello: ClientHello = decode(id, body, &d).map_err(undecodable)?;
                return sent(self.greet(&hello));
            }
            RtId::CLIENT_CONNECT_TCP | RtId::CLIENT_CONNECT_TCP_AUX_UDP => {
                if !matches!(state, State::Start | State::Greeted | State::Keyed) {
                    return unexpected;
                }
                Event::Connect(self.connect(id, body)?)
            }
            RtId::CLIENT_CONNECT_READY_REQUIRE => match state {
                State::Required => {
                    // The owner asked for no password, so one that is given is not looked at.
                    return sent(self.let_in(now));
                }
                // Not asked for, but harmless: titles that skip CONNECT_REQUIRE may send it all the same.
                State::Accepted | State::AuxUdp | State::Ready if self.handshake.skip_connect_require => {
                    return Ok(());
                }
                _ => return unexpected,
            },
            RtId::CLIENT_CONNECT_READY_TCP => {
                let ready: ClientConnectReadyTcp = decode(id, body, &d).map_err(undecodable)?;
                match state {
                    State::Accepted => {
                        sink(self, Event::ReceiveFlags(ready.receive_flags));
                        return sent(self.after_ready_tcp(now));
                    }
                    // Completed unasked: what is left of it are the flags.
                    State::AuxUdp | State::Ready
                        if self.handshake.complete_unasked_above_108 || self.handshake.treat_as_108 =>
                    {
                        Event::ReceiveFlags(ready.receive_flags)
                    }
                    _ => return unexpected,
                }
            }
            RtId::CLIENT_CONNECT_READY_AUX_UDP => match state {
                State::AuxUdp => {
                    self.state = State::Completing;
                    Event::AuxUdpReady
                }
                // The answer to the repetition of a datagram.
                State::Ready if self.aux_udp => return Ok(()),
                _ => return unexpected,
            },
            // Before CONNECT nobody is there who could say anything else.
            _ if !connected => return unexpected,
            RtId::CLIENT_APP_TOSERVER => return self.app(body, Transport::Tcp, sink),
            RtId::SERVER_ECHO => match self.echo_reply(now, body) {
                Some(event) => event,
                None => return Ok(()),
            },
            RtId::CLIENT_APP_TO_PLUGIN => Event::Plugin(decode(id, body, &d).map_err(undecodable)?),
            RtId::SERVER_CHEAT_QUERY => Event::CheatReply(decode(id, body, &d).map_err(undecodable)?),
            _ => in_game(id, came, Transport::Tcp, body, &d).map_err(undecodable)?,
        };
        let goodbye = matches!(event, Event::Disconnect { .. });
        sink(self, event);
        if goodbye {
            self.close();
        }
        Ok(())
    }

    fn greet(&mut self, hello: &ClientHello) -> Result<(), SendError> {
        self.link.set_version(hello.version);
        self.state = State::Greeted;
        // With a tail of zero a client that wanted to resume goes through the whole exchange.
        let ps3 = self.link.suite == Suite::Ps3;
        self.link.put_clear(&RtMessage::ServerHello(ServerHello {
            version: hello.version,
            encryption_version: if ps3 { 0x0600 } else { 1 },
            certificate_length: ps3.then_some(self.config.certificate.len() as u16),
            certificate: ps3.then(|| VarBytes(self.config.certificate.to_vec())),
            resume_id: ps3.then_some(0),
            resume_nonce: None,
        }))
    }

    fn connect(&mut self, id: RtId, body: &[u8]) -> Result<ConnectRequest, SessionError> {
        let state = self.state;
        // Some clients cut the access key short of its NUL; what is missing reads as zero.
        let (least, most) = if self.link.dialect.is_108() { (73, 107) } else { (72, 106) };
        let mut whole = [0; 107];
        let body = match whole.get_mut(..most) {
            Some(whole) if body.len() > least && body.len() < most => {
                whole[..body.len()].copy_from_slice(body);
                &*whole
            }
            _ => body,
        };
        let connect: ClientConnectTcp = decode(id, body, &self.link.dialect)
            .map_err(|error| SessionError::Undecodable { state, id, error })?;
        let app_id = connect.app_id;
        let Some(handshake) = self.rules.for_app(self.config.kind, app_id) else {
            let reject = RtMessage::ServerConnectReject(ServerConnectReject { reason: 3, unknown: 0 });
            self.link.put(&reject).map_err(|_| too_long(state, id))?;
            return Err(SessionError::AppNotServed { app_id });
        };
        self.handshake = handshake;
        self.link.set_app(app_id);
        self.aux_udp = id == RtId::CLIENT_CONNECT_TCP_AUX_UDP;
        self.state = State::Connecting;
        Ok(ConnectRequest {
            app_id,
            dialect: self.link.dialect,
            target_world_id: connect.target_world_id.0,
            session_key: connect.session_key.unwrap_or_default(),
            access_key: connect.access_key.unwrap_or_default(),
            aux_udp: self.aux_udp,
            enciphered: self.link.peer_key.is_some(),
        })
    }

    fn app(
        &mut self,
        payload: &[u8],
        transport: Transport,
        sink: &mut dyn FnMut(&mut Self, Event<'_>),
    ) -> Result<(), SessionError> {
        if !link::is_fragment(payload) {
            sink(self, Event::App { payload, transport });
        } else if let Some(whole) = self.link.reassemble(payload, self.state)? {
            sink(self, Event::App { payload: &whole, transport });
        }
        Ok(())
    }

    /// A SERVER_ECHO that comes back. One that never went out is not worth an error.
    fn echo_reply(&mut self, now: Time, body: &[u8]) -> Option<Event<'static>> {
        let echo: ServerEcho = decode(RtId::SERVER_ECHO, body, &self.link.dialect).ok()?;
        let (at, sent) = self.echo_sent.take()?;
        if sent != echo {
            self.echo_sent = Some((at, sent));
            return None;
        }
        Some(Event::EchoReply { rtt: now.since(at) })
    }

    fn takes_aux_udp(&self) -> bool {
        matches!(self.state, State::AuxUdp | State::Completing | State::Ready)
    }

    fn is_mine(&self, connect: &ClientConnectAuxUdp) -> bool {
        let scert = connect.scert_client_id.is_none_or(|id| id == self.accept.scert_id);
        scert && connect.player_id == self.accept.player_id && connect.app_id == self.link.dialect.app_id
    }

    /// One frame of a datagram.
    fn datagram_frame(
        &mut self,
        id: RtId,
        came: Came<'_>,
        body: &[u8],
        sink: &mut dyn FnMut(&mut Self, Event<'_>),
    ) -> Outcome {
        let d = self.link.dialect;
        let event = match id {
            RtId::CLIENT_ECHO if self.takes_aux_udp() => {
                let Self { link, udp: Some(udp), .. } = self else { return Outcome::Refused };
                let answered = udp.output.append(|output| {
                    link.seal_onto(output, id, Context::RC_CLIENT_SESSION, |output| {
                        output.extend_from_slice(body)
                    })
                });
                return if answered.is_ok() { Outcome::Taken } else { Outcome::Refused };
            }
            // Its hash is all that authenticates it, so on an enciphered connection it must have one.
            RtId::CLIENT_CONNECT_AUX_UDP
                if self.takes_aux_udp() && (came.cover == Cover::Enciphered || !self.enciphered()) =>
            {
                match decode(id, body, &d) {
                    Ok(connect) if self.is_mine(&connect) => Event::ConnectAuxUdp(connect),
                    _ => return Outcome::Refused,
                }
            }
            // On UDP only what a world lives of. A goodbye or a handshake message could be anybody's where the
            // connection is clear.
            RtId::CLIENT_APP_BROADCAST
            | RtId::CLIENT_APP_SINGLE
            | RtId::CLIENT_APP_LIST
            | RtId::CLIENT_FLUSH_ALL
            | RtId::CLIENT_FLUSH_SINGLE
            | RtId::CLIENT_TIMEBASE_QUERY
                if self.state == State::Ready =>
            {
                match in_game(id, came, Transport::Udp, body, &d) {
                    Ok(event) => event,
                    Err(_) => return Outcome::Refused,
                }
            }
            RtId::CLIENT_APP_TOSERVER if self.state == State::Ready && !link::is_fragment(body) => {
                Event::App { payload: body, transport: Transport::Udp }
            }
            _ => return Outcome::Refused,
        };
        sink(self, event);
        Outcome::Taken
    }
}

impl fmt::Debug for ServerSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSession")
            .field("kind", &self.config.kind)
            .field("state", &self.state)
            .field("dialect", &self.link.dialect)
            .field("peer", &self.peer)
            .field("enciphered", &self.enciphered())
            .finish_non_exhaustive()
    }
}

enum Outcome {
    Taken,
    BadHash,
    Refused,
}

/// Streams of the seed, one a key.
const PEER_STREAM: u64 = 0;
const GAME_STREAM: u64 = 1;
const SECOND_PEER_STREAM: u64 = 2;

/// Messages that belong behind the handshake, and wait for its end.
fn is_traffic(id: RtId) -> bool {
    matches!(
        id,
        RtId::CLIENT_APP_TOSERVER
            | RtId::CLIENT_APP_BROADCAST
            | RtId::CLIENT_APP_SINGLE
            | RtId::CLIENT_APP_LIST
            | RtId::CLIENT_FLUSH_ALL
            | RtId::CLIENT_FLUSH_SINGLE
            | RtId::CLIENT_TOKEN_MESSAGE
            | RtId::CLIENT_APP_TO_PLUGIN
    )
}

/// How a message came.
#[derive(Clone, Copy)]
struct Came<'a> {
    cover: Cover,
    verified: Option<&'a Verified>,
}

/// The messages of a world, TCP and UDP alike.
fn in_game<'a>(
    id: RtId,
    came: Came<'a>,
    transport: Transport,
    body: &'a [u8],
    d: &Dialect,
) -> Result<Event<'a>, medley_wire::DecodeError> {
    let Came { cover, verified } = came;
    let relay = |target, payload| Event::Relay(Relay { transport, cover, target, payload, verified });
    Ok(match (id, body) {
        (RtId::CLIENT_APP_BROADCAST, payload) => relay(Target::Broadcast, payload),
        (RtId::CLIENT_APP_SINGLE, [low, high, payload @ ..]) => {
            relay(Target::Single(u16::from_le_bytes([*low, *high])), payload)
        }
        (RtId::CLIENT_APP_LIST, [size, rest @ ..]) if usize::from(*size) <= rest.len() => {
            let (mask, payload) = rest.split_at(usize::from(*size));
            relay(Target::List(mask), payload)
        }
        // 1.08: two bytes, of which the second switches broadcasts; all else counts as wanted.
        (RtId::CLIENT_SET_RECV_FLAG, [_, on, ..]) => {
            let rest = receive_flags::LIST | receive_flags::SINGLE | receive_flags::NOTIFICATION;
            Event::ReceiveFlags(if *on == 0 { rest } else { rest | receive_flags::BROADCAST })
        }
        (RtId::CLIENT_SET_RECV_FLAG, [flags]) => Event::ReceiveFlags(*flags),
        (RtId::CLIENT_SET_AGG_TIME, _) => {
            let time: ClientSetAggTime = decode(id, body, d)?;
            Event::AggregationTime(Duration::from_millis(time.milliseconds.into()))
        }
        (RtId::CLIENT_FLUSH_ALL, _) => Event::FlushAll,
        (RtId::CLIENT_FLUSH_SINGLE, [low, high, ..]) => {
            Event::FlushSingle { target: u16::from_le_bytes([*low, *high]) }
        }
        (RtId::CLIENT_TIMEBASE_QUERY, _) => {
            let query: ClientTimebaseQuery = decode(id, body, d)?;
            Event::TimebaseQuery { client_time: query.client_time }
        }
        // Of the token messages for sets no layout is known.
        (RtId::CLIENT_TOKEN_MESSAGE, [0..=3 | 7.., _, _]) => Event::Token(decode(id, body, d)?),
        (RtId::CLIENT_APP_SINGLE, _) => {
            // Too short: the decoder's words for it.
            let _: AppSingle = decode(id, body, d)?;
            Event::Unknown { id, body }
        }
        (RtId::CLIENT_APP_LIST, _) => {
            let _: AppList = decode(id, body, d)?;
            Event::Unknown { id, body }
        }
        _ => Event::Unknown { id, body },
    })
}

fn decode<T: Wire>(id: RtId, body: &[u8], d: &Dialect) -> Result<T, medley_wire::DecodeError> {
    T::decode(&mut Reader::new(id.name().unwrap_or("RT message"), body), d)
}

fn too_long(state: State, id: RtId) -> SessionError {
    SessionError::WrongLength { state, id, wanted: MAX_BODY, found: MAX_BODY + 1 }
}

/// Room for a relayed frame at the end of the stream or of the datagrams.
fn reserve<'a>(
    output: &'a mut Vec<u8>,
    udp: Option<&'a mut Udp>,
    transport: Transport,
    hashed: bool,
    payload: usize,
) -> Result<&'a mut [u8], SendError> {
    if payload + 2 > MAX_BODY {
        let id = RtId::CLIENT_APP_SINGLE;
        return Err(SendError::TooLong { id, length: payload + 2, limit: MAX_BODY });
    }
    let length = link::relay_header(hashed) + payload;
    match transport {
        Transport::Tcp => {
            let start = output.len();
            output.resize(start + length, 0);
            Ok(&mut output[start..])
        }
        Transport::Udp => Ok(udp.ok_or(SendError::NoUdp)?.output.reserve(length)),
    }
}

fn ip_text(ip: Ipv4Addr) -> IpText {
    // At most fifteen characters.
    Text::new(ip.to_string())
}
