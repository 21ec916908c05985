//! A host in the test's process, consoles with real sockets, and a game server whose every answer the test decides.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use medley_crypto::KeyStore;
use medley_server::{Server, ServerHandle, ServerOptions};
use medley_session::{ClientConfig, ClientEvent, ClientSession, ServerKind, State, Time};
use medley_store::{Database, HandleOptions, MemoryEngine, PasswordOptions, StoreHandle, TitleId};
use medley_titles::{HostConfig, TitleSet};
use medley_wire::codec::Reader;
use medley_wire::enums::{CallbackStatus, MgclErrorCode, MgclEventType, NetAddressType};
use medley_wire::messages::*;
use medley_wire::types::{MediusWorldId, MessageId, Text};
use medley_wire::{AccountId, AnyMessage, AppId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Longest wait for anything: only a test that fails takes it.
const PATIENCE: Duration = Duration::from_secs(30);
/// The title of most tests.
pub(crate) const APP: u32 = 11_184;
/// A second app id of the same title.
pub(crate) const SISTER_APP: u32 = 11_185;
/// Where the fake game server says that it listens.
pub(crate) const DME: (Ipv4Addr, u16) = (Ipv4Addr::new(10, 9, 8, 7), 10_079);
/// The key that the fake game server gives to who joins.
pub(crate) const DME_KEY: &str = "XiiFHEibnt2n4t+0";

pub(crate) const TITLE: &str = r#"
name = "Lobby"
[[app]]
id = 11184
name = "RATCHET3_4"
[[app]]
id = 11185
name = "SISTER"
[[app]]
id = 10984
[[channel]]
name = "General"
max_players = 8
[[channel]]
name = "Locked"
max_players = 8
security = "player-password"
password = "sesame"
[[channel]]
name = "Shut"
max_players = 8
security = "closed"
[[channel]]
name = "City"
max_players = 224
generic_fields = [1, 1, 0, 0]
generic_field_level = 32
[[channel]]
name = "Closet"
max_players = 1
[accounts]
moderators = ["Warden"]
[limits]
max_games = 4
[chat]
filter = true
[text_filter]
words = ["darn"]
"#;

/// A running host.
pub(crate) struct Host {
    pub(crate) handle: ServerHandle,
    pub(crate) store: StoreHandle,
    pub(crate) title: TitleId,
    stop: CancellationToken,
}

impl Host {
    pub(crate) async fn start() -> Self {
        Self::with(TITLE).await
    }

    pub(crate) async fn with(title: &str) -> Self {
        let mut config = HostConfig::ephemeral();
        config.limits.max_connections_per_ip = 1000;
        config.limits.new_connections_per_ip = 1000;
        config.limits.new_connections_burst = 1000;
        let titles = TitleSet::from_texts([("lobby", "lobby.toml", title)]).expect("a title");
        let options = HandleOptions { passwords: PasswordOptions::cheapest(), ..HandleOptions::default() };
        let database = Database::<MemoryEngine>::in_memory().expect("a store");
        let store = StoreHandle::new(Arc::new(database), &options).expect("threads");
        let stop = CancellationToken::new();
        let options = ServerOptions {
            config,
            titles,
            store: store.clone(),
            keys: Arc::new(KeyStore::embedded().expect("keys")),
            relay_key: None,
            shutdown: stop.clone(),
        };
        let handle = Server::start(options).await.expect("a server");
        Self { handle, store, title: TitleId::new("lobby").expect("a key"), stop }
    }

    /// Makes an account that is not online.
    pub(crate) async fn account(&self, name: &str) -> AccountId {
        let account =
            self.store.create_account(&self.title, name.into(), Some(b"pw"), 0).await.expect("account");
        AccountId(account.id.get())
    }

    /// A player in the lobby, of Medius 1.10.
    pub(crate) async fn player(&self, name: &str) -> Player {
        self.player_of(name, 110, APP).await
    }

    pub(crate) async fn player_of(&self, name: &str, version: u16, app: u32) -> Player {
        let account = self.account(name).await;
        self.log_in(account, name, version, app).await
    }

    /// Logs an account in and goes to the lobby.
    pub(crate) async fn log_in(&self, account: AccountId, name: &str, version: u16, app: u32) -> Player {
        let mut mas = self.mas(version, app).await;
        let begun = mas.ask(SessionBeginRequest::default()).await;
        let session = begun.session_key;
        let login = AccountLoginRequest {
            session_key: session,
            username: Text::new(name),
            password: Text::new("pw"),
            ..Default::default()
        };
        let login = mas.ask(login).await;
        assert_eq!((login.status_code, login.account_id), (CallbackStatus::SUCCESS, account), "{name}");
        let mls = self.mls(version, app, &login.connect_info).await;
        Player { client: mls, account, session, channel: MediusWorldId(login.world_id) }
    }

    /// A player without an account.
    pub(crate) async fn stranger(&self, name: &str) -> Player {
        let mut mas = self.mas(110, APP).await;
        let session = mas.ask(SessionBeginRequest::default()).await.session_key;
        let login = AnonymousLoginRequest {
            session_key: session,
            session_display_name: Text::new(name),
            ..Default::default()
        };
        let login = mas.ask(login).await;
        assert_eq!(login.status_code, CallbackStatus::SUCCESS);
        let client = self.mls(110, APP, &login.connect_info).await;
        Player { client, account: login.account_id, session, channel: MediusWorldId(login.world_id) }
    }

    pub(crate) async fn mas(&self, version: u16, app: u32) -> Client {
        let config = ClientConfig::new(version, AppId(app), ServerKind::Mas);
        Client::connect(self.handle.bound().mas, config).await
    }

    pub(crate) async fn mls(&self, version: u16, app: u32, info: &NetConnectionInfo) -> Client {
        let address = &info.address_list.address_list[0];
        assert_eq!(address.ip(), Some(Ipv4Addr::LOCALHOST));
        assert_eq!(u32::from(self.handle.bound().mls.port()), address.port);
        let world = u32::try_from(info.world_id.0).expect("a net world");
        let config = ClientConfig::new(version, AppId(app), ServerKind::Mls).redirected(
            world,
            info.session_key.as_bytes(),
            info.access_key.as_bytes(),
        );
        Client::connect(self.handle.bound().mls, config).await
    }

    /// A player's second connection, to MPS: its console hosts games itself.
    pub(crate) async fn console(&self, player: &Player) -> Client {
        let config = ClientConfig::new(110, AppId(APP), ServerKind::Mps);
        let config = config.redirected(1, player.session.as_bytes(), b"");
        Client::connect(self.handle.bound().mps, config).await
    }

    /// A game server that answers as it should.
    pub(crate) async fn dme(&self) -> Dme {
        self.dme_that(Behaviour::default()).await
    }

    pub(crate) async fn dme_that(&self, behaviour: Behaviour) -> Dme {
        let config = ClientConfig::new(110, AppId(0), ServerKind::Mps);
        let mut client = Client::connect(self.handle.bound().mps, config).await;
        let attributes = ServerSetAttributesRequest {
            listen_server_address: NetAddress::text(NetAddressType::EXTERNAL, DME.0, DME.1),
            ..Default::default()
        };
        assert_eq!(client.ask(attributes).await.confirmation, MgclErrorCode::SUCCESS);
        let (notify, notices) = mpsc::unbounded_channel();
        let (commands, seen) = mpsc::unbounded_channel();
        tokio::spawn(serve_games(client, behaviour, notices, commands));
        Dme { notify, seen }
    }

    /// Waits until the universe says so.
    pub(crate) async fn until(
        &self,
        what: &str,
        holds: impl Fn(&medley_universe::State) -> bool + Clone + Send + 'static,
    ) {
        let deadline = Instant::now() + PATIENCE;
        let title = self.handle.title("lobby").expect("a title that runs");
        loop {
            let holds = holds.clone();
            if title.ask(move |state| holds(state)).await.expect("state") {
                return;
            }
            assert!(Instant::now() < deadline, "never: {what}");
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What the game server answers.
#[derive(Clone, Copy, Default)]
pub(crate) struct Behaviour {
    pub(crate) refuses_creation: bool,
    pub(crate) refuses_joins: bool,
}

/// The fake game server.
pub(crate) struct Dme {
    notify: mpsc::UnboundedSender<ServerConnectNotification>,
    /// Requests that it got, oldest first.
    pub(crate) seen: mpsc::UnboundedReceiver<AnyMessage>,
}

impl Dme {
    /// A player's connection to a world came or went.
    pub(crate) fn player(&self, world: i32, player: &Player, connected: bool) {
        let notice = ServerConnectNotification {
            connect_event_type: if connected { MgclEventType::CONNECT } else { MgclEventType::DISCONNECT },
            medius_world_uid: MediusWorldId(world),
            player_session_key: player.session,
        };
        self.notify.send(notice).expect("a game server");
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> AnyMessage {
        tokio::time::timeout(PATIENCE, self.seen.recv()).await.expect("in time").expect("a game server")
    }
}

async fn serve_games(
    mut client: Client,
    behaviour: Behaviour,
    mut notices: mpsc::UnboundedReceiver<ServerConnectNotification>,
    seen: mpsc::UnboundedSender<AnyMessage>,
) {
    let refused = MgclErrorCode::UNSUCCESSFUL;
    let (mut worlds, mut index) = (0, -1);
    loop {
        let message = tokio::select! {
            message = client.receive() => match message {
                Some(message) => message,
                None => return,
            },
            notice = notices.recv() => {
                let Some(notice) = notice else { return };
                client.send(notice).await;
                continue;
            }
        };
        let answer: Option<AnyMessage> = match &message {
            AnyMessage::ServerCreateGameWithAttributesRequest(request) => {
                worlds += 1;
                let confirmation = if behaviour.refuses_creation { refused } else { MgclErrorCode::SUCCESS };
                let answer = ServerCreateGameWithAttributesResponse {
                    message_id: request.message_id,
                    confirmation,
                    medius_world_id: MediusWorldId(worlds),
                };
                Some(answer.into())
            }
            AnyMessage::ServerJoinGameRequest(request) => {
                index += 1;
                let confirmation = if behaviour.refuses_joins { refused } else { MgclErrorCode::SUCCESS };
                let answer = ServerJoinGameResponse {
                    message_id: request.message_id,
                    confirmation,
                    access_key: Text::new(DME_KEY),
                    pub_key: RsaKey { key: [7; 16] },
                    dme_client_index: index,
                };
                Some(answer.into())
            }
            _ => None,
        };
        if let Some(answer) = answer {
            client.send(answer).await;
        }
        let _ = seen.send(message);
    }
}

/// Somebody in the lobby.
pub(crate) struct Player {
    pub(crate) client: Client,
    pub(crate) account: AccountId,
    pub(crate) session: Text<17>,
    pub(crate) channel: MediusWorldId,
}

impl Player {
    pub(crate) async fn ask<R: Request>(&mut self, request: R) -> R::Answer {
        self.client.ask(request).await
    }

    pub(crate) async fn list<R: Request>(&mut self, request: R) -> Vec<R::Answer> {
        self.client.list(request).await
    }

    pub(crate) async fn send(&mut self, message: impl Into<AnyMessage>) {
        self.client.send(message).await;
    }

    /// The next message of a type, asked for or not.
    pub(crate) async fn expect<M: Message>(&mut self) -> M {
        self.client.expect().await
    }

    /// Everything sent before is handled, and what it led to has arrived, if it was for this player. Names what came.
    pub(crate) async fn settle(&mut self) -> Vec<&'static str> {
        self.client.settle().await
    }

    /// Makes a game and joins it; the game and its world.
    pub(crate) async fn host_game(&mut self, dme: &Dme, name: &str) -> (MediusWorldId, i32) {
        let created = self.ask(game(name)).await;
        assert_eq!(created.status_code, CallbackStatus::SUCCESS, "{name}");
        let world = self.enter_game(dme, created.medius_world_id).await;
        (created.medius_world_id, world)
    }

    /// Joins a game and is connected to its world.
    pub(crate) async fn enter_game(&mut self, dme: &Dme, id: MediusWorldId) -> i32 {
        let joined = self.ask(join(id)).await;
        assert_eq!(joined.status_code, CallbackStatus::SUCCESS);
        let world = joined.connect_info.world_id.0;
        dme.player(world, self, true);
        world
    }
}

/// A game for eight, hosted by a relay with UDP.
pub(crate) fn game(name: &str) -> CreateGameRequest {
    CreateGameRequest {
        message_id: MessageId::new("1"),
        game_name: Text::new(name),
        min_players: 1,
        max_players: 8,
        game_host_type: medley_wire::enums::GameHostType::CLIENT_SERVER_AUX_UDP,
        ..Default::default()
    }
}

pub(crate) fn join(game: MediusWorldId) -> JoinGameRequest {
    JoinGameRequest {
        message_id: MessageId::new("1"),
        medius_world_id: game,
        game_host_type: medley_wire::enums::GameHostType::CLIENT_SERVER_AUX_UDP,
        ..Default::default()
    }
}

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    session: ClientSession,
    inbox: VecDeque<Vec<u8>>,
    origin: Instant,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, config: ClientConfig) -> Self {
        let stream = TcpStream::connect(address).await.expect("a listener");
        let origin = Instant::now();
        let session = ClientSession::new(Arc::new(config), [3; 32], Time::default()).expect("a session");
        let mut client = Self { stream, session, inbox: VecDeque::new(), origin };
        client.flush().await;
        while client.session.state() != State::Ready {
            assert!(client.read().await, "not let in");
        }
        client
    }

    async fn flush(&mut self) {
        let output = self.session.take_output();
        // A server that is gone shows at the next read.
        let _ = self.stream.write_all(&output).await;
    }

    /// Reads once; false at the end. Safe to drop.
    async fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let length =
            match tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("in time") {
                Ok(0) | Err(_) => return false,
                Ok(length) => length,
            };
        let now = Time(self.origin.elapsed());
        let (inbox, input) = (&mut self.inbox, &mut buffer[..length]);
        let received = self.session.receive(now, input, |_, event| {
            if let ClientEvent::App { payload } = event {
                inbox.push_back(payload.to_vec());
            }
        });
        received.expect("the protocol");
        self.flush().await;
        self.session.state() != State::Closed
    }

    pub(crate) async fn send(&mut self, message: impl Into<AnyMessage>) {
        self.session.send_app(&message.into()).expect("sendable");
        self.flush().await;
    }

    /// The next message, `None` at the end.
    pub(crate) async fn receive(&mut self) -> Option<AnyMessage> {
        loop {
            if let Some(payload) = self.inbox.pop_front() {
                return Some(AnyMessage::decode(&payload, &self.session.dialect()).expect("a message"));
            }
            if !self.read_patiently().await {
                return None;
            }
        }
    }

    /// As `read`, however long it takes.
    async fn read_patiently(&mut self) -> bool {
        self.stream.readable().await.expect("a socket");
        self.read().await
    }

    pub(crate) async fn expect<M: Message>(&mut self) -> M {
        loop {
            if let Some(payload) = self.take(M::INFO.class.0, M::INFO.id) {
                let body = &payload[2..];
                return M::decode(&mut Reader::new(M::INFO.name, body), &self.session.dialect())
                    .expect("its layout");
            }
            assert!(self.read().await, "the connection ended before {}", M::INFO.name);
        }
    }

    fn take(&mut self, class: u8, id: u32) -> Option<Vec<u8>> {
        let is = |payload: &Vec<u8>| payload[0] == class && u32::from(payload[1]) == id;
        self.inbox.iter().position(is).and_then(|at| self.inbox.remove(at))
    }

    /// The next message of class and id, as bytes.
    pub(crate) async fn expect_raw(&mut self, class: u8, id: u32) -> Vec<u8> {
        loop {
            if let Some(payload) = self.take(class, id) {
                return payload;
            }
            assert!(self.read().await, "the connection ended before {class}/{id:#x}");
        }
    }

    /// Asks; the answer must repeat the MessageID.
    pub(crate) async fn ask<R: Request>(&mut self, mut request: R) -> R::Answer {
        if request.message_id() == Some(MessageId::EMPTY) {
            request.set_message_id(MessageId::new("29269.7"));
        }
        let id = request.message_id();
        self.send(request).await;
        let answer: R::Answer = self.expect().await;
        assert_eq!(answer.message_id(), id, "MessageID of {}", R::INFO.name);
        answer
    }

    /// Asks for a list: all of its rows, to the one that is marked as the last.
    pub(crate) async fn list<R: Request>(&mut self, request: R) -> Vec<R::Answer> {
        let mut rows = vec![self.ask(request).await];
        while rows.last().is_some_and(|row| !is_last(row)) {
            rows.push(self.expect().await);
        }
        rows
    }

    pub(crate) async fn settle(&mut self) -> Vec<&'static str> {
        self.ask(GetTotalUsersRequest::default()).await;
        let dialect = self.session.dialect();
        let name = |payload: Vec<u8>| {
            let message = AnyMessage::decode(&payload, &dialect).expect("a message");
            message.info().map_or("unknown", |info| info.name)
        };
        self.inbox.drain(..).map(name).collect()
    }

    /// True once the server has closed the connection.
    pub(crate) async fn ends(&mut self) -> bool {
        while self.read().await {}
        true
    }
}

fn is_last<M: Message>(row: &M) -> bool {
    row.to_json().expect("a message is an object").get("EndOfList") == Some(&serde_json::Value::Bool(true))
}

/// The one row that says that a list is empty.
pub(crate) fn assert_empty<M: Message>(rows: &[M]) {
    assert_eq!(rows.len(), 1, "{}", M::INFO.name);
    assert_eq!(rows[0].status(), Some(CallbackStatus::NO_RESULT), "{}", M::INFO.name);
    assert!(is_last(&rows[0]), "{}", M::INFO.name);
}
