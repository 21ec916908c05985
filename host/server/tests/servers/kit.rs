//! What the tests share: a host on loopback with an in-memory store, and a console on `medley_session::ClientSession`.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use medley_crypto::{KeyStore, RsaKeyPair, RsaPublicKey};
use medley_server::{Event, Server, ServerHandle, ServerOptions};
use medley_session::{ClientConfig, ClientEvent, ClientSession, ServerKind, State, Time};
use medley_store::{Database, HandleOptions, PasswordOptions, StoreHandle, TitleId};
use medley_titles::{HostConfig, TitleSet};
use medley_wire::messages::*;
use medley_wire::rt::ClientAppToPlugin;
use medley_wire::types::{BigEndian, Text, VarBytes};
use medley_wire::{AnyMessage, AppId, Dialect, RtMessage};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// No step of a test takes as long as this, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// UYA: no hello, 1.08.
pub(crate) const UYA: u32 = 10684;
/// Deadlocked: 1.10.
pub(crate) const DEADLOCKED: u32 = 11184;
/// Deadlocked HD: 1.13.
pub(crate) const DEADLOCKED_HD: u32 = 24180;
/// A clear 1.08 title.
pub(crate) const CLEAR: u32 = 10190;
/// An app id that nobody serves.
pub(crate) const NOBODY: u32 = 4711;

pub(crate) static KEYS: LazyLock<Arc<KeyStore>> = LazyLock::new(|| Arc::new(KeyStore::embedded().unwrap()));
static OWN: LazyLock<Arc<RsaKeyPair>> =
    LazyLock::new(|| Arc::new(RsaKeyPair::generate(&mut rand::thread_rng()).unwrap()));

pub(crate) const TITLES: &[(&str, &str)] = &[
    (
        "uya",
        r#"
        name = "Up Your Arsenal"
        [[app]]
        id = 10684
        [[app]]
        id = 10683
        [[location]]
        id = 40
        name = "Aquatos"
        [[channel]]
        name = "CY00000000-00"
        generic_fields = [1, 1, 0, 0]
        generic_field_level = 32
        [policy]
        usage = "Be kind."
        [accounts]
        forbidden_in_names = ["badword"]
        moderators = ["Boss"]
        [text_filter]
        words = ["darn"]
        "#,
    ),
    (
        "deadlocked",
        r#"
        name = "Deadlocked"
        [[app]]
        id = 11184
        [[universe]]
        id = 1
        name = "Prod"
        dns = "ratchetdl-prod.pdonline.scea.com"
        port = 10075
        [[channel]]
        name = "General"
        [accounts]
        create_on_login = true
        "#,
    ),
    (
        "deadlocked-hd",
        r#"
        name = "Deadlocked HD"
        [[app]]
        id = 24180
        [[channel]]
        name = "General"
        "#,
    ),
    (
        "clear",
        r#"
        name = "A clear title"
        [[app]]
        id = 10190
        [[channel]]
        name = "General"
        [encryption]
        mls = "clear"
        dme = "clear"
        "#,
    ),
];

pub(crate) fn titles(over: &[(&str, &str)]) -> TitleSet {
    let texts = TITLES.iter().map(|(id, text)| {
        let text = over.iter().find(|(other, _)| other == id).map_or(*text, |(_, text)| *text);
        (*id, "game.toml", text)
    });
    TitleSet::from_texts(texts).unwrap_or_else(|errors| panic!("{errors}"))
}

pub(crate) struct Host {
    pub(crate) handle: ServerHandle,
    pub(crate) store: StoreHandle,
    pub(crate) shutdown: CancellationToken,
}

impl Host {
    pub(crate) async fn start() -> Self {
        Self::with(HostConfig::ephemeral(), titles(&[])).await
    }

    pub(crate) async fn with(config: HostConfig, titles: TitleSet) -> Self {
        Self::with_relay_key(config, titles, None).await
    }

    pub(crate) async fn with_relay_key(
        config: HostConfig,
        titles: TitleSet,
        relay_key: Option<Text<17>>,
    ) -> Self {
        let database = Arc::new(Database::in_memory().unwrap());
        let options = HandleOptions { passwords: PasswordOptions::cheapest(), ..HandleOptions::default() };
        let store = StoreHandle::new(database, &options).unwrap();
        let shutdown = CancellationToken::new();
        let handle = Server::start(ServerOptions {
            config,
            titles,
            store: store.clone(),
            keys: Arc::clone(&KEYS),
            relay_key,
            shutdown: shutdown.clone(),
        });
        Self { handle: handle.await.unwrap(), store, shutdown }
    }

    pub(crate) fn address(&self, kind: ServerKind) -> SocketAddr {
        let bound = self.handle.bound();
        match kind {
            ServerKind::Muis => bound.muis[0],
            ServerKind::Mas => bound.mas,
            ServerKind::Mls => bound.mls,
            ServerKind::Mps => bound.mps,
            ServerKind::Dme => panic!("no relay here"),
        }
    }

    pub(crate) async fn account(&self, title: &str, name: &str, password: &str) -> medley_store::Account {
        let title = TitleId::new(title).unwrap();
        self.store.create_account(&title, name.into(), Some(password.as_bytes()), 1).await.unwrap()
    }

    /// Waits until something was counted so often. What is counted comes a moment after what the console sees.
    pub(crate) async fn counted(&self, event: Event, times: u64) {
        let counting = async {
            while self.handle.count(event) < times {
                tokio::task::yield_now().await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, counting).await;
        assert!(found.is_ok(), "{event:?}: wanted {times}, found {}", self.handle.count(event));
    }
}

/// What a console sees besides application messages.
#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    App(AnyMessage),
    System(String),
    Forced(u8),
    Rejected(u8),
    Closed,
    /// A message of the plugin transport, with its plugin id and size.
    Plugin(u8, u8, AnyMessage),
}

pub(crate) struct Console {
    stream: TcpStream,
    session: ClientSession,
    seen: VecDeque<Seen>,
    start: Instant,
    connected: bool,
}

/// How a console of `app` speaks.
pub(crate) fn version(app: u32) -> u16 {
    match app {
        DEADLOCKED => 110,
        DEADLOCKED_HD => 113,
        _ => 108,
    }
}

pub(crate) fn config(app: u32, kind: ServerKind) -> ClientConfig {
    let config = ClientConfig::new(version(app), AppId(app), kind);
    if app == CLEAR {
        return config;
    }
    let server = KEYS.default_server_key().unwrap().pair.public().clone();
    config.with_keys(Arc::clone(&OWN), server)
}

/// The configuration for where an answer points.
pub(crate) fn follow(app: u32, kind: ServerKind, info: &NetConnectionInfo) -> ClientConfig {
    let config = ClientConfig::new(version(app), AppId(app), kind).redirected(
        u32::try_from(info.world_id.0).unwrap(),
        info.session_key.as_bytes(),
        info.access_key.as_bytes(),
    );
    if info.server_key.is_zero() {
        return config;
    }
    let server = RsaPublicKey::from_modulus_le(info.server_key.to_wire()).unwrap();
    config.with_keys(Arc::clone(&OWN), server)
}

impl Console {
    /// Opens a connection and goes through the handshake.
    pub(crate) async fn connect(host: &Host, app: u32, kind: ServerKind) -> Self {
        let mut console = Self::dial(host, kind, config(app, kind)).await;
        assert!(console.handshake().await, "not connected: {:?}", console.seen);
        console
    }

    /// Opens a connection and sends its first bytes.
    pub(crate) async fn dial(host: &Host, kind: ServerKind, config: ClientConfig) -> Self {
        Self::dial_at(host.address(kind), config).await
    }

    pub(crate) async fn dial_at(address: SocketAddr, config: ClientConfig) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let session = ClientSession::new(Arc::new(config), rand::random(), Time::ZERO).unwrap();
        let mut console =
            Self { stream, session, seen: VecDeque::new(), start: Instant::now(), connected: false };
        console.flush().await;
        console
    }

    /// To the server that an answer points to.
    pub(crate) async fn follow(host: &Host, app: u32, kind: ServerKind, info: &NetConnectionInfo) -> Self {
        let mut console = Self::dial(host, kind, follow(app, kind, info)).await;
        assert!(console.handshake().await, "not connected: {:?}", console.seen);
        console
    }

    /// True once connected, false if the server closed.
    pub(crate) async fn handshake(&mut self) -> bool {
        while !self.connected && !self.seen.contains(&Seen::Closed) {
            self.receive().await;
        }
        self.connected
    }

    async fn flush(&mut self) {
        let bytes = self.session.take_output();
        // The server may be gone; that shows when reading.
        let _ = self.stream.write_all(&bytes).await;
    }

    async fn receive(&mut self) {
        let mut buffer = vec![0; 16 * 1024];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer));
        let length = read.await.expect("the server says nothing").unwrap_or(0);
        if length == 0 {
            self.seen.push_back(Seen::Closed);
            return;
        }
        let now = Time(self.start.elapsed());
        let (seen, connected) = (&mut self.seen, &mut self.connected);
        let result = self.session.receive(now, &mut buffer[..length], |session, event| match event {
            ClientEvent::Connected { .. } => *connected = true,
            ClientEvent::App { payload } => {
                seen.push_back(Seen::App(AnyMessage::decode(payload, &session.dialect()).unwrap()));
            }
            ClientEvent::Message(RtMessage::ServerSystemMessage(message)) => {
                seen.push_back(Seen::System(message.text.to_string_lossy().into_owned()));
            }
            ClientEvent::Message(RtMessage::ServerPluginToApp(message)) => {
                let id = message.plugin_message_id.0;
                let decoded = AnyMessage::decode_plugin(id, &message.body.0, &session.dialect()).unwrap();
                seen.push_back(Seen::Plugin(message.plugin_id, message.size, decoded));
            }
            ClientEvent::Disconnect { reason } => seen.push_back(Seen::Forced(reason)),
            ClientEvent::Rejected { reason } => seen.push_back(Seen::Rejected(reason)),
            _ => {}
        });
        if let Err(error) = result {
            assert!(!self.seen.is_empty() || self.session.state() == State::Closed, "{error}");
        }
        self.flush().await;
    }

    /// The next thing that comes.
    pub(crate) async fn next(&mut self) -> Seen {
        loop {
            if let Some(seen) = self.seen.pop_front() {
                return seen;
            }
            self.receive().await;
        }
    }

    pub(crate) async fn next_app(&mut self) -> AnyMessage {
        match self.next().await {
            Seen::App(message) => message,
            other => panic!("wanted a message, found {other:?}"),
        }
    }

    pub(crate) async fn send(&mut self, message: impl Into<AnyMessage>) {
        self.session.send_app(&message.into()).unwrap();
        self.flush().await;
    }

    /// Several messages in one write.
    pub(crate) async fn send_all(&mut self, messages: Vec<AnyMessage>) {
        for message in &messages {
            self.session.send_app(message).unwrap();
        }
        self.flush().await;
    }

    /// Sends a message of the plugin transport.
    pub(crate) async fn send_plugin(&mut self, id: u32, body: Vec<u8>) {
        let message = RtMessage::ClientAppToPlugin(ClientAppToPlugin {
            size: body.len() as u8,
            plugin_message_id: BigEndian(id),
            body: VarBytes(body),
        });
        self.session.send_rt(medley_session::Transport::Tcp, &message).unwrap();
        self.flush().await;
    }

    pub(crate) async fn send_payload(&mut self, payload: &[u8]) {
        self.session.send_app_payload(payload).unwrap();
        self.flush().await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Sends a request and takes its answer.
    pub(crate) async fn ask<M: Into<AnyMessage>, A>(
        &mut self,
        request: M,
        of: fn(AnyMessage) -> Option<A>,
    ) -> A {
        self.send(request).await;
        let answer = self.next_app().await;
        let text = format!("{answer:?}");
        of(answer).unwrap_or_else(|| panic!("another answer: {text}"))
    }

    /// Everything until the server closes.
    pub(crate) async fn until_closed(&mut self) -> Vec<Seen> {
        let mut all = Vec::new();
        loop {
            match self.next().await {
                Seen::Closed => return all,
                seen => all.push(seen),
            }
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.session.dialect()
    }

    pub(crate) fn enciphered(&self) -> bool {
        self.session.enciphered()
    }

    /// A session on MAS; its key.
    pub(crate) async fn begin(&mut self) -> Text<17> {
        let answer =
            self.ask(SessionBeginRequest { message_id: "1".into(), ..Default::default() }, |any| match any {
                AnyMessage::SessionBeginResponse(answer) => Some(*answer),
                _ => None,
            });
        answer.await.session_key
    }

    pub(crate) async fn login(&mut self, name: &str, password: &str) -> AccountLoginResponse {
        let request = AccountLoginRequest {
            message_id: "1".into(),
            session_key: Text::EMPTY,
            username: name.into(),
            password: password.into(),
        };
        self.ask(request, |any| match any {
            AnyMessage::AccountLoginResponse(answer) => Some(*answer),
            _ => None,
        })
        .await
    }

    /// From the socket to the lobby.
    pub(crate) async fn in_lobby(host: &Host, app: u32, name: &str, password: &str) -> Self {
        let mut mas = Self::connect(host, app, ServerKind::Mas).await;
        mas.begin().await;
        let answer = mas.login(name, password).await;
        assert_eq!(answer.status_code.0, 0, "login: {:?}", answer.status_code);
        Self::follow(host, app, ServerKind::Mls, &answer.connect_info).await
    }
}

/// Takes an answer of one type.
macro_rules! of {
    ($message:ident) => {
        |any| match any {
            medley_wire::AnyMessage::$message(answer) => Some(*answer),
            _ => None,
        }
    };
}
pub(crate) use of;

pub(crate) const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;
