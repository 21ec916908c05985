//! The task of one TCP connection to MUIS, MAS, MLS or MPS.
//!
//! A turn: wait for bytes, parcels of the title, room to write, or the next deadline; read at most one buffer; handle
//! its requests in order, each to its end; write once. While something waits to be written nothing is read, so what a
//! client asks for is bounded by what it takes. An idle connection holds no buffer: bytes are read into the thread's.
//!
//! | state | ends by |
//! |---|---|
//! | handshake | `timeouts.auth` |
//! | connected, no session yet | `timeouts.auth` (half-open) |
//! | with a session | `timeouts.client` of silence |
//! | told to go | `timeouts.farewell`, or when the client closes |

use std::cell::RefCell;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use medley_runtime::api::{Direction, Encryption, Event as PluginEvent};
use medley_runtime::{Hook, Subscriptions};
use medley_session::{
    Accept, ConnectRequest, Event as SessionEvent, SendError, ServerConfig, ServerKind, ServerSession, State,
};
use medley_store::BanQuery;
use medley_universe::{
    AccessKey, ConnectGameServer, ConnectLobby, ConnectionId, Disconnect, EndReason, Heard, SessionKey,
};
use medley_wire::enums::NetMessageClass;
use medley_wire::rt::CheatQuery;
use medley_wire::{AccountId, RtId, RtMessage};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::actor::Parcel;
use crate::context::{Context, Out, Player};
use crate::dispatch::{self, Incoming};
use crate::events::Event;
use crate::limits::{Place, TokenBucket};
use crate::mgcl;
use crate::plugin::hooks::{self, Leaving};
use crate::pushes;
use crate::shared::Shared;
use crate::transfers;

/// Bytes read in one turn.
const READ: usize = 16 * 1024;
/// Bytes that may wait for a client who does not read. The longest answer there is, a full player list, has about 400 KiB.
const MAX_PENDING: usize = 1024 * 1024;
/// How often the universe is told that a session is alive.
const HEARD_EVERY: Duration = Duration::from_secs(3);
/// Reasons of SERVER_FORCED_DISCONNECT.
mod forced {
    pub(super) const ERROR: u8 = 1;
    pub(super) const SHUTDOWN: u8 = 2;
    pub(super) const END_SESSION: u8 = 3;
    pub(super) const BANNED: u8 = 7;
}

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into_boxed_slice());
}

/// What the session machine told in a turn, to be handled in order.
enum Inbound {
    Connect(ConnectRequest),
    Connected,
    Request(Incoming),
    /// An RT message that the title's plugin wants to see.
    Rt(RtId, Vec<u8>),
    CheatReply(CheatQuery),
    Goodbye,
    Noise,
}

/// What listeners give each of their connections.
#[derive(Clone)]
pub(crate) struct Listener {
    pub(crate) shared: Arc<Shared>,
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) rules: Arc<dyn medley_session::HandshakeRules + Send + Sync>,
    pub(crate) shutdown: CancellationToken,
}

struct Connection {
    stream: TcpStream,
    session: ServerSession,
    shared: Arc<Shared>,
    id: ConnectionId,
    kind: ServerKind,
    place: Place,
    peer: SocketAddr,
    local: Ipv4Addr,
    ctx: Option<Box<Context>>,
    /// Unsent bytes, and since when the client has taken none.
    pending: Vec<u8>,
    stalled_since: Option<Instant>,
    bucket: TokenBucket,
    auth_deadline: Option<Instant>,
    farewell: Option<Instant>,
    heard: Instant,
    /// Not let in: shown a text once connected, then told to go.
    turned_away: Option<Box<(String, Event)>>,
}

/// Runs a connection to its end.
pub(crate) async fn run(listener: Listener, stream: TcpStream, peer: SocketAddr, place: Place) {
    let (kind, shared) = (listener.config.kind, Arc::clone(&listener.shared));
    let local = stream.local_addr().map_or(Ipv4Addr::LOCALHOST, |local| v4(local.ip()));
    let id = shared.next_connection();
    let unknown = tracing::field::Empty;
    let span = tracing::info_span!(
        "connection",
        id = %id,
        server = kind_name(kind),
        %peer,
        title = unknown,
        app = unknown,
        account = unknown
    );
    let session = ServerSession::new(
        listener.config,
        listener.rules,
        v4(peer.ip()),
        rand::random(),
        shared.clock.session_now(),
    );
    let now = Instant::now();
    let config = shared.config();
    let connection = Connection {
        stream,
        session,
        id,
        kind,
        place,
        peer,
        local,
        ctx: None,
        pending: Vec::new(),
        stalled_since: None,
        bucket: TokenBucket::new(config.limits.messages_burst, now.into_std()),
        auth_deadline: Some(now + config.timeouts.auth),
        farewell: None,
        heard: now,
        turned_away: None,
        shared: Arc::clone(&shared),
    };
    drop(config);
    connection.serve(listener.shutdown).instrument(span).await;
}

pub(crate) fn v4(ip: IpAddr) -> Ipv4Addr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip,
        // A console has no IPv6 address; a tool that does is told nothing wrong.
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    }
}

enum Wake {
    Readable,
    Parcel(Option<Parcel>),
    Writable,
    /// The client took what it got, and there is more of a file.
    Sending,
    Deadline,
    Shutdown,
}

impl Connection {
    async fn serve(mut self, shutdown: CancellationToken) {
        let mut timer = Box::pin(tokio::time::sleep_until(self.deadline()));
        let why = loop {
            self.arm(timer.as_mut());
            let wake = self.wait(timer.as_mut(), &shutdown).await;
            let mut end = match wake {
                Wake::Readable => self.read().await,
                Wake::Parcel(parcel) => self.parcel(parcel).await,
                Wake::Writable => None,
                Wake::Sending => self.send_file().await,
                Wake::Deadline => self.due().await,
                Wake::Shutdown => Some(self.say_goodbye(forced::SHUTDOWN, Event::ClosedShutdown)),
            };
            if let Err(event) = self.flush() {
                end = end.or(Some(event));
            }
            if let Some(event) = end {
                break event;
            }
        };
        self.shared.counters.count(why);
        tracing::debug!(reason = ?why, "connection closed");
        self.last_words().await;
        self.leave().await;
    }

    /// Waits for the next thing to do.
    async fn wait(&mut self, timer: Pin<&mut Sleep>, shutdown: &CancellationToken) -> Wake {
        let writing = !self.pending.is_empty();
        let sending = !writing && self.ctx.as_ref().is_some_and(|ctx| ctx.is_sending());
        let queue = self.ctx.as_mut().and_then(|ctx| ctx.queue.as_mut());
        let parcel = async {
            match queue {
                Some(queue) => queue.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = shutdown.cancelled() => Wake::Shutdown,
            _ = self.stream.writable(), if writing => Wake::Writable,
            parcel = parcel => Wake::Parcel(parcel),
            _ = self.stream.readable(), if !writing => Wake::Readable,
            () = std::future::ready(()), if sending => Wake::Sending,
            () = timer => Wake::Deadline,
        }
    }

    /// When something is due if nothing happens.
    fn deadline(&self) -> Instant {
        let session = self.session.poll_timeout().map(|time| self.shared.clock.at(time));
        let stalled = self.stalled_since.map(|since| since + self.shared.config().timeouts.client);
        let upload = self.ctx.as_ref().and_then(|ctx| ctx.upload_deadline());
        [session, stalled, self.auth_deadline, self.farewell, upload]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or_else(|| Instant::now() + self.shared.config().timeouts.client)
    }

    /// Sets the timer if the deadline moved forward; one that moved back is found when the timer fires.
    fn arm(&self, mut timer: Pin<&mut Sleep>) {
        let deadline = self.deadline();
        if deadline < timer.deadline() || timer.is_elapsed() {
            timer.as_mut().reset(deadline);
        }
    }

    async fn due(&mut self) -> Option<Event> {
        let now = Instant::now();
        if self.farewell.is_some_and(|at| now >= at) {
            return Some(Event::ClosedByTitle);
        }
        if self.auth_deadline.is_some_and(|at| now >= at) {
            return Some(self.say_goodbye(forced::ERROR, Event::ClosedHalfOpen));
        }
        let patience = self.shared.config().timeouts.client;
        if self.stalled_since.is_some_and(|since| now >= since + patience) {
            return Some(Event::ClosedSlowReader);
        }
        if let Some(ctx) = self.ctx.as_deref_mut()
            && ctx.upload_deadline().is_some_and(|at| now >= at)
        {
            Box::pin(transfers::expire_upload(ctx)).await;
            self.send_out().await;
        }
        // With nobody identified an idle session is a half-open one.
        let half_open = self.auth_deadline.is_some();
        let ended = self.session.handle_timeout(self.shared.clock.session_now());
        ended.map(|_| if half_open { Event::ClosedHalfOpen } else { Event::ClosedIdle })
    }

    async fn read(&mut self) -> Option<Event> {
        let mut inbox = Vec::new();
        let hooks = self.hooks();
        let hooks = hooks.as_deref();
        let (received, outcome) = BUFFER.with_borrow_mut(|buffer| match self.stream.try_read(buffer) {
            Ok(0) => (0, Err(Event::ClosedByPeer)),
            Ok(length) => {
                let bytes = buffer.get_mut(..length).unwrap_or_default();
                let now = self.shared.clock.session_now();
                let result = self
                    .session
                    .receive(now, bytes, |session, event| take(session, event, hooks, &mut inbox));
                (length, result.map_err(|error| self.protocol_error(&error)))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => (0, Ok(())),
            Err(error) if error.kind() == ErrorKind::Interrupted => (0, Ok(())),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => (0, Err(Event::ClosedByPeer)),
            Err(error) => {
                tracing::debug!(%error, "read failed");
                (0, Err(Event::ClosedIo))
            }
        });
        if received > 0 {
            self.note_heard();
        }
        // What was whole before the error is still answered.
        let end = self.handle_all(inbox).await;
        end.or_else(|| outcome.err())
    }

    fn protocol_error(&self, error: &medley_session::SessionError) -> Event {
        if let medley_session::SessionError::AppNotServed { app_id } = error {
            if self.shared.first_unhandled("", 0, app_id.0) {
                tracing::warn!(
                    app = app_id.0,
                    "an app id that no title has; add it to a game.toml to serve it"
                );
            }
            metrics::counter!(crate::events::APPS_REFUSED, "server" => kind_name(self.kind)).increment(1);
            return Event::ClosedAppNotServed;
        }
        self.shared.counters.count(Event::ErrorSession);
        tracing::debug!(%error, "protocol error");
        Event::ClosedProtocol
    }

    async fn handle_all(&mut self, inbox: Vec<Inbound>) -> Option<Event> {
        let mut waiting = std::collections::VecDeque::from(inbox);
        while let Some(inbound) = waiting.pop_front() {
            let end = match inbound {
                Inbound::Connect(request) => {
                    let end = self.connect(request).await;
                    // What the session kept back while it waited to be accepted comes before the rest.
                    let mut kept = Vec::new();
                    let now = self.shared.clock.session_now();
                    let hooks = self.hooks();
                    let hooks = hooks.as_deref();
                    let resumed =
                        self.session.resume(now, |session, event| take(session, event, hooks, &mut kept));
                    for inbound in kept.into_iter().rev() {
                        waiting.push_front(inbound);
                    }
                    end.or_else(|| resumed.err().map(|error| self.protocol_error(&error)))
                }
                Inbound::Connected => self.connected().await,
                Inbound::Request(request) => self.request(request).await,
                Inbound::Rt(id, body) => self.rt_message(id, body).await,
                Inbound::CheatReply(reply) => {
                    if let Some(ctx) = &self.ctx {
                        Box::pin(hooks::cheat_reply(ctx, reply)).await;
                    }
                    None
                }
                Inbound::Goodbye => Some(Event::ClosedByPeer),
                Inbound::Noise => {
                    self.shared.counters.count(Event::ErrorUnknownMessage);
                    None
                }
            };
            if end.is_some() {
                return end;
            }
        }
        None
    }

    /// CONNECT_TCP: the app id picks the title, the keys the session.
    async fn connect(&mut self, request: ConnectRequest) -> Option<Event> {
        let ip = self.peer.ip().to_canonical();
        let any = self.kind == ServerKind::Mps && request.app_id.0 == mgcl::ANY_APP;
        let found = if any { mgcl::first_app(&self.shared) } else { self.shared.lookup(request.app_id) };
        let Some((app, title)) = found.and_then(|app| {
            let title = self.shared.title(app.title())?;
            Some((app, title))
        }) else {
            // The rules let it in a moment ago: a reload took the title away.
            let _ = self.session.reject(3);
            return Some(Event::ClosedAppNotServed);
        };
        let mut ctx = Box::new(Context {
            shared: Arc::clone(&self.shared),
            kind: self.kind,
            id: self.id,
            peer: self.peer,
            local: self.local,
            dialect: request.dialect,
            enciphered: request.enciphered,
            app,
            title,
            session: None,
            player: None,
            machine: None,
            queue: None,
            losses: 0,
            mps: None,
            transfers: None,
            out: Vec::new(),
            close: false,
        });
        let span = tracing::Span::current();
        // A relay of all titles is filed under the first one, but is not its.
        span.record("title", if any { "any" } else { ctx.title.id().as_str() })
            .record("app", request.app_id.0);
        tracing::debug!(version = request.dialect.medius_version, enciphered = request.enciphered, "connect");
        if self.kind != ServerKind::Mps {
            self.turned_away = turn_away(&ctx, ip).await;
        }
        if self.turned_away.is_none()
            && let Err(event) = self.claim(&mut ctx, &request).await
        {
            let _ = self.session.reject(5);
            return Some(event);
        }
        self.ctx = Some(ctx);
        let accept = Accept { player_count: 1, scert_id: self.shared.next_scert(), ..Accept::default() };
        if let Err(error) = self.session.accept(accept, self.shared.clock.session_now()) {
            tracing::error!(%error, "a connection could not be accepted");
            return Some(Event::ClosedDefect);
        }
        None
    }

    /// Finds the session that the keys of a connection to MLS or MPS open.
    async fn claim(&mut self, ctx: &mut Context, request: &ConnectRequest) -> Result<(), Event> {
        let access_key = AccessKey::parse(request.access_key.as_bytes());
        let session_key = SessionKey::parse(request.session_key.as_bytes());
        let (connection, app_id, client_ip) = (self.id, request.app_id, self.peer.ip().to_canonical());
        let parcels;
        let claimed = match self.kind {
            ServerKind::Muis | ServerKind::Mas | ServerKind::Dme => return Ok(()),
            ServerKind::Mls => {
                parcels = None;
                let connect = ConnectLobby { connection, app_id, access_key, session_key, client_ip };
                let queue = ctx.parcels();
                ctx.title.attach(connection, queue, connect).await
            }
            ServerKind::Mps => match mgcl::admit(ctx, request) {
                mgcl::Admission::Relay => {
                    self.identified();
                    return Ok(());
                }
                mgcl::Admission::Refused => return Err(Event::ClosedUnknownKey),
                mgcl::Admission::ByKey => {
                    let queue = ctx.parcels();
                    parcels = Some(queue.clone());
                    let connect =
                        ConnectGameServer { connection, app_id, access_key, session_key, client_ip };
                    ctx.title.attach(connection, queue, connect).await
                }
            },
        };
        let connected = match claimed {
            Ok(Ok(connected)) => connected,
            Ok(Err(refused)) => {
                tracing::info!(?refused, "a connection's keys open no session");
                ctx.title.detach(connection, Disconnect { connection }).await;
                return Err(Event::ClosedUnknownKey);
            }
            Err(_) => return Err(Event::ClosedDefect),
        };
        ctx.session = Some(connected.session);
        if let Some(account) = connected.account {
            ctx.player = player(ctx, connected.session, account).await;
            tracing::Span::current().record("account", account.0);
            tracing::info!(first = connected.first, "player connected");
        }
        if let Some(parcels) = parcels
            && !mgcl::attach_session(ctx, connected.session, parcels)
        {
            ctx.title.detach(connection, Disconnect { connection }).await;
            return Err(Event::ClosedUnknownKey);
        }
        self.identified();
        Ok(())
    }

    fn identified(&mut self) {
        self.auth_deadline = None;
        self.place.identified();
    }

    /// What the title's plugin is called for.
    fn hooks(&self) -> Option<Arc<Subscriptions>> {
        self.ctx.as_ref().and_then(|ctx| ctx.title.hooks().clone())
    }

    /// An RT message that the title's plugin subscribes to.
    async fn rt_message(&mut self, id: RtId, mut body: Vec<u8>) -> Option<Event> {
        let ctx = self.ctx.as_deref_mut()?;
        if !Box::pin(hooks::rt_incoming(ctx, id, &mut body)).await {
            return None;
        }
        if id == RtId::CLIENT_APP_TOSERVER {
            let wants = ctx.title.hooks().as_ref().is_some_and(|hooks| hooks::wants_payload(hooks, &body));
            let dialect = ctx.dialect;
            let request = if wants { Incoming::Raw(body) } else { Incoming::decode(&body, &dialect) };
            return self.request(request).await;
        }
        // Nothing else is for the host.
        self.shared.counters.count(Event::ErrorUnknownMessage);
        None
    }

    /// The handshake is over.
    async fn connected(&mut self) -> Option<Event> {
        let Some(ctx) = self.ctx.as_deref_mut() else { return Some(Event::ClosedDefect) };
        if let Some(turned) = self.turned_away.as_deref() {
            let severity = ctx.app().title().config.system_message.severity;
            let sent = self.session.system_message(severity, &turned.0);
            if let Err(error) = sent {
                tracing::debug!(%error, "the text for who is turned away is too long");
            }
            let event = turned.1;
            return Some(self.say_goodbye(forced::BANNED, event));
        }
        if ctx.title.hooks().as_ref().is_some_and(|hooks| hooks.wants(Hook::Connected)) {
            ctx.title.tell_event(PluginEvent::Connected(ctx.who())).await;
        }
        if self.kind == ServerKind::Muis {
            // Nobody identifies themselves there; a connection ends by silence.
            self.identified();
        }
        None
    }

    async fn request(&mut self, request: Incoming) -> Option<Event> {
        let config = self.shared.config();
        let (rate, burst) = (config.limits.messages_per_second, config.limits.messages_burst);
        drop(config);
        let Some(ctx) = self.ctx.as_deref_mut() else { return Some(Event::ClosedDefect) };
        // A relay speaks for all of its players (a world of 256 that ends is 256 notifications at once), has shown who
        // it is, and takes every game with it when it is cut.
        let relay = ctx.mps.as_ref().is_some_and(|link| link.kind == mgcl::LinkKind::Relay);
        if !relay && !ctx.asked_for(&request) && !self.bucket.take(rate, burst, Instant::now().into_std()) {
            return Some(self.say_goodbye(forced::ERROR, Event::ClosedFlood));
        }
        if self.turned_away.is_some() {
            return None;
        }
        // Boxed, so that the idle connection's task has no room for the largest handler.
        Box::pin(dispatch::dispatch(ctx, request)).await;
        self.send_out().await
    }

    /// Sends the next packets of a download.
    async fn send_file(&mut self) -> Option<Event> {
        let ctx = self.ctx.as_deref_mut()?;
        Box::pin(transfers::send_some(ctx)).await;
        self.send_out().await
    }

    /// Hands what handlers wrote to the session.
    async fn send_out(&mut self) -> Option<Event> {
        let ctx = self.ctx.as_deref_mut()?;
        let identified = ctx.session.is_some() || ctx.mps.is_some();
        let hooks = ctx.title.hooks().clone();
        let hooks =
            hooks.filter(|hooks| hooks.any_message(Direction::ToClient) || hooks.any_rt(Direction::ToClient));
        for out in std::mem::take(&mut ctx.out) {
            if let Some(hooks) = &hooks {
                // Boxed, so that a title without a plugin has no room for it.
                Box::pin(self.send_one_hooked(&out, hooks)).await;
            } else {
                self.send_one(&out);
            }
        }
        let ctx = self.ctx.as_deref()?;
        let close = ctx.close;
        if identified && self.auth_deadline.is_some() {
            self.identified();
        }
        if identified && !close {
            // A new session on a connection whose last one had ended.
            self.farewell = None;
        }
        if close {
            // Once: who goes on asking is not let stay for it.
            self.farewell.get_or_insert_with(|| Instant::now() + self.shared.config().timeouts.farewell);
        }
        None
    }

    fn send_one(&mut self, out: &Out) {
        let sent = match out {
            Out::App(message) if message.class() == NetMessageClass::APPLICATION => {
                self.session.send_rt(&dispatch::plugin_frame(message, &self.session.dialect()))
            }
            Out::App(message) => self.session.send_app(message),
            Out::Raw(payload) => self.session.send_app_payload(payload),
            Out::System(text) => {
                let severity = self.severity();
                self.session.system_message(severity, text)
            }
        };
        if let Err(error) = sent {
            tracing::error!(%error, "an answer cannot be sent");
        }
    }

    /// Severity of the title's own system messages.
    fn severity(&self) -> u8 {
        self.ctx.as_ref().map_or(0, |ctx| ctx.app().title().config.system_message.severity)
    }

    /// As [`Connection::send_one`], where the title's plugin sees what leaves.
    async fn send_one_hooked(&mut self, out: &Out, hooks: &Subscriptions) {
        let Some(ctx) = self.ctx.as_deref() else { return };
        match out {
            Out::App(message) if message.class() != NetMessageClass::APPLICATION => {
                match hooks::outgoing(ctx, hooks, message).await {
                    Leaving::Same => self.send_one(out),
                    Leaving::Payloads(payloads) => {
                        for payload in payloads {
                            self.send_one(&Out::Raw(payload));
                        }
                    }
                }
            }
            Out::System(text) if hooks.rt(RtId::SERVER_SYSTEM_MESSAGE.0, Direction::ToClient) => {
                let message = self.session.system_text(self.severity(), text);
                let body = hooks::rt_body(&message, &ctx.dialect);
                if let Some(body) = hooks::rt_outgoing(ctx, RtId::SERVER_SYSTEM_MESSAGE, body).await {
                    let id = RtId::SERVER_SYSTEM_MESSAGE;
                    if let Err(error) = self.session.send_rt(&RtMessage::Unknown { id, body }) {
                        tracing::warn!(%error, "a system message cannot be sent");
                    }
                }
            }
            // The plugin's own, and what travels in no application frame.
            Out::App(_) | Out::Raw(_) | Out::System(_) => self.send_one(out),
        }
    }

    async fn parcel(&mut self, parcel: Option<Parcel>) -> Option<Event> {
        let Some(parcel) = parcel else {
            // The title let go of this connection: its queue was full, or the title's state was lost.
            let lost = self.ctx.as_ref().is_some_and(|ctx| ctx.title.losses() != ctx.losses);
            let event = if lost { Event::ClosedDefect } else { Event::ClosedPushQueue };
            return Some(self.say_goodbye(forced::ERROR, event));
        };
        let ctx = self.ctx.as_deref_mut()?;
        match parcel {
            Parcel::Push(push) => {
                let message = pushes::dress(*push, &ctx.dialect);
                let seen = |hooks: &Subscriptions| {
                    let id = u8::try_from(message.id()).unwrap_or(u8::MAX);
                    hooks.message(message.class().0, id, Direction::ToClient)
                        || hooks.rt(RtId::SERVER_APP.0, Direction::ToClient)
                };
                if ctx.title.hooks().as_ref().is_some_and(|hooks| seen(hooks)) {
                    ctx.reply(message);
                    return self.send_out().await;
                }
                if let Err(error) = self.session.send_app(&message) {
                    tracing::warn!(%error, "a push cannot be sent");
                }
            }
            Parcel::Payload(payload, encryption) => self.send_plugins(encryption, |session, clear| {
                if clear {
                    session.send_app_payload_clear(&payload)
                } else {
                    session.send_app_payload(&payload)
                }
            }),
            Parcel::Rt(message, encryption) => self.send_plugins(encryption, |session, clear| {
                if clear { session.send_rt_clear(&message) } else { session.send_rt(&message) }
            }),
            Parcel::System(severity, text) => {
                if let Err(error) = self.session.system_message(severity, &text) {
                    tracing::warn!(%error, "a plugin's system message cannot be sent");
                }
            }
            Parcel::Command(command, title) => {
                if let Some(message) = mgcl::command(ctx, *command, title) {
                    ctx.reply(message);
                }
                if ctx.mps.as_ref().is_some_and(|link| link.overflowed()) {
                    return Some(self.say_goodbye(forced::ERROR, Event::ClosedPushQueue));
                }
                return self.send_out().await;
            }
            Parcel::Text(text) => {
                ctx.system_message(&text);
                return self.send_out().await;
            }
            Parcel::Close(EndReason::Left) => {
                // The player's own wish: the answer is out, the client closes.
                ctx.session = None;
                ctx.player = None;
                self.farewell = Some(Instant::now() + self.shared.config().timeouts.farewell);
            }
            Parcel::Close(reason) => {
                ctx.session = None;
                ctx.player = None;
                let code = match reason {
                    EndReason::Banned => {
                        let app = ctx.app();
                        let text = app.title().config.system_message.banned.clone();
                        ctx.system_message(&text);
                        forced::BANNED
                    }
                    _ => forced::END_SESSION,
                };
                self.send_out().await;
                return Some(self.say_goodbye(code, Event::ClosedByTitle));
            }
        }
        None
    }

    /// Sends something of the title's plugin, if it may travel as it is to: 0 as the connection is, 1 in the clear, 2
    /// enciphered or not at all.
    fn send_plugins(
        &mut self,
        encryption: Encryption,
        send: impl FnOnce(&mut ServerSession, bool) -> Result<(), SendError>,
    ) {
        if self.session.state() != State::Ready || encryption == 2 && !self.session.enciphered() {
            return;
        }
        if let Err(error) = send(&mut self.session, encryption == 1) {
            tracing::warn!(%error, "a plugin's message cannot be sent");
        }
    }

    /// Tells the client to go, where the handshake is far enough for it, and gives back `event`.
    fn say_goodbye(&mut self, reason: u8, event: Event) -> Event {
        if self.session.state() == State::Ready {
            let _ = self.session.forced_disconnect(reason);
        }
        event
    }

    /// Tells the title now and then that the client lives.
    fn note_heard(&mut self) {
        let now = Instant::now();
        if now.saturating_duration_since(self.heard) < HEARD_EVERY {
            return;
        }
        self.heard = now;
        if let Some(ctx) = &self.ctx
            && let Some(session) = ctx.session
        {
            ctx.title.tell(Heard { session });
        }
    }

    /// Writes what there is, as far as the client takes it.
    fn flush(&mut self) -> Result<(), Event> {
        if !self.session.output().is_empty() {
            if self.pending.is_empty() {
                self.pending = self.session.take_output();
            } else {
                self.pending.append(self.session.output());
                let _ = self.session.take_output();
            }
        }
        let mut written = 0;
        while written < self.pending.len() {
            match self.stream.try_write(self.pending.get(written..).unwrap_or_default()) {
                Ok(0) => return Err(Event::ClosedByPeer),
                Ok(length) => written += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::debug!(%error, "write failed");
                    return Err(Event::ClosedByPeer);
                }
            }
        }
        if written == self.pending.len() {
            // The buffer too: most connections are idle.
            self.pending = Vec::new();
            self.stalled_since = None;
            return Ok(());
        }
        self.pending.drain(..written);
        if written > 0 || self.stalled_since.is_none() {
            self.stalled_since = Some(Instant::now());
        }
        if self.pending.len() > MAX_PENDING { Err(Event::ClosedSlowReader) } else { Ok(()) }
    }

    /// Sends what is left, for a moment, and ends the stream as TCP wants it.
    async fn last_words(&mut self) {
        let farewell = self.shared.config().timeouts.farewell;
        let sending = async {
            while self.flush().is_ok() && !self.pending.is_empty() {
                if self.stream.writable().await.is_err() {
                    return;
                }
            }
            // Bytes that were not read would turn the end into a reset, which takes the last words with it.
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut self.stream).await;
            while self.stream.readable().await.is_ok() {
                let read = BUFFER.with_borrow_mut(|buffer| self.stream.try_read(buffer));
                match read {
                    Ok(0) => return,
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
            }
        };
        let _ = tokio::time::timeout(farewell, sending).await;
    }

    /// Tells the title that the connection is gone. The session lives on for its grace period.
    async fn leave(mut self) {
        let Some(mut ctx) = self.ctx.take() else { return };
        if ctx.transfers.is_some() {
            Box::pin(transfers::abandon(&mut ctx)).await;
        }
        mgcl::leave(&ctx).await;
        if ctx.title.hooks().as_ref().is_some_and(|hooks| hooks.wants(Hook::Disconnected)) {
            ctx.title.tell_event(PluginEvent::Disconnected(ctx.who())).await;
        }
        if ctx.session.is_some() || ctx.queue.is_some() {
            ctx.title.detach(self.id, Disconnect { connection: self.id }).await;
        }
    }
}

/// Keeps an event of the session for after the call: payloads are decoded at once, while their bytes are there.
fn take(
    session: &mut ServerSession,
    event: SessionEvent<'_>,
    hooks: Option<&Subscriptions>,
    inbox: &mut Vec<Inbound>,
) {
    let shown = |id: RtId| hooks.is_some_and(|hooks| hooks.rt(id.0, Direction::FromClient));
    inbox.push(match event {
        SessionEvent::Connect(request) => Inbound::Connect(request),
        SessionEvent::Connected => Inbound::Connected,
        SessionEvent::App { payload, .. } if shown(RtId::CLIENT_APP_TOSERVER) => {
            Inbound::Rt(RtId::CLIENT_APP_TOSERVER, payload.to_vec())
        }
        SessionEvent::App { payload, .. }
            if hooks.is_some_and(|hooks| hooks::wants_payload(hooks, payload)) =>
        {
            Inbound::Request(Incoming::Raw(payload.to_vec()))
        }
        SessionEvent::App { payload, .. } => Inbound::Request(Incoming::decode(payload, &session.dialect())),
        SessionEvent::Plugin(message) => {
            Inbound::Request(dispatch::decode_plugin(&message, &session.dialect()))
        }
        SessionEvent::Disconnect { .. } => Inbound::Goodbye,
        SessionEvent::Unknown { id, body } if shown(id) => Inbound::Rt(id, body.to_vec()),
        SessionEvent::CheatReply(reply) if hooks.is_some() => Inbound::CheatReply(reply),
        SessionEvent::Unknown { id, body } => {
            tracing::debug!(%id, length = body.len(), "an RT message that is not for here");
            Inbound::Noise
        }
        // Echoes and cheat replies need nothing; relay traffic does not belong on these servers.
        SessionEvent::EchoReply { .. } | SessionEvent::ReceiveFlags(_) | SessionEvent::CheatReply(_) => {
            return;
        }
        _ => Inbound::Noise,
    });
}

/// Why a client may not be served at all, with what it is shown.
async fn turn_away(ctx: &Context, ip: IpAddr) -> Option<Box<(String, Event)>> {
    let now = ctx.unix_now();
    let config = ctx.shared.config();
    if config.maintenance.applies_to(ip, now) {
        return Some(Box::new((config.maintenance.message.clone(), Event::RefusedMaintenance)));
    }
    drop(config);
    let query = BanQuery { title: Some(ctx.title_id()), ip: Some(ip), ..BanQuery::default() };
    match ctx.glance(|store| store.is_banned(&query, now)) {
        Ok(Some(_)) => {
            let text = ctx.app().title().config.system_message.banned.clone();
            Some(Box::new((text, Event::RefusedBanned)))
        }
        Ok(None) => None,
        Err(error) => {
            // A store in trouble is no reason to turn everybody away.
            tracing::warn!(?error, "bans cannot be looked up");
            None
        }
    }
}

async fn player(ctx: &Context, session: SessionKey, id: AccountId) -> Option<Player> {
    let name = ctx.title.ask(move |state| state.session(session).map(|session| session.name.clone())).await;
    Some(Player { id, name: name.ok().flatten().unwrap_or_default() })
}

/// The name of a kind of server in labels.
pub(crate) const fn kind_name(kind: ServerKind) -> &'static str {
    match kind {
        ServerKind::Muis => "muis",
        ServerKind::Mas => "mas",
        ServerKind::Mls => "mls",
        ServerKind::Mps => "mps",
        ServerKind::Dme => "dme",
    }
}
