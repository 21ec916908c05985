//! The console: an evening's steps.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use medley_crypto::RsaPublicKey;
use medley_session::{ClientCipher, ClientConfig, Cover, ServerKind, Transport};
use medley_wire::codec::Reader;
use medley_wire::enums::{
    AccountType, CallbackStatus, CharacterEncodingType, ConnectionType, GameHostType, LanguageType,
    UniverseVariableInformationInfoFilter, UserAction, WorldGenericFieldLevelType, WorldStatus,
};
use medley_wire::messages::{
    AccountLoginRequest, AccountLoginResponse, AccountRegistrationRequest, CreateChannelRequest,
    CreateGameRequest, CreateGameRequest0, EndGameReport, ExtendedSessionBeginRequest, GetServerTimeRequest,
    GetServerTimeResponse, GetUniverseInformationRequest, JoinChannelRequest, JoinGameRequest, Message,
    MessageInfo, NetConnectionInfo, PlayerReport, Request, SessionBeginRequest, SessionBeginRequest1,
    SetLocalizationParamsRequest, SetLocalizationParamsRequest1, TicketLoginRequest, UpdateUserState,
    WorldReport, WorldReport0,
};
use medley_wire::rt::{ClientSetAggTime, ClientSetRecvFlag, ClientTimebaseQuery};
use medley_wire::types::{BigEndian, Blob, MessageId, Text, VarBytes};
use medley_wire::{AccountId, AnyMessage, Dialect as WireDialect, MediusWorldId, RtMessage};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until, timeout};

use crate::game::To;
use crate::{Ciphering, Connection, Dialect, GameSetup, Inbox, Options, RelayMessage, SimulatorError};

/// Where an answer sends a console.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// Server.
    pub address: SocketAddrV4,
    /// Address service, if the answer has one.
    pub nat: Option<SocketAddrV4>,
    /// World to name in CONNECT.
    pub world: u32,
    /// ServerKey; `None` if it is zero.
    pub key: Option<RsaPublicKey>,
    /// SessionKey.
    pub session_key: Text<17>,
    /// AccessKey.
    pub access_key: Text<17>,
}

impl Redirect {
    /// What a NetConnectionInfo says.
    ///
    /// # Errors
    /// No address, or a ServerKey that is none.
    pub fn new(message: &'static str, info: &NetConnectionInfo) -> Result<Self> {
        let [first, second] = &info.address_list.address_list;
        let endpoint = |address: &medley_wire::messages::NetAddress| {
            Some(SocketAddrV4::new(address.ip()?, u16::try_from(address.port).ok()?))
        };
        let key = if info.server_key.is_zero() {
            None
        } else {
            let key = RsaPublicKey::from_modulus_le(info.server_key.to_wire());
            Some(key.map_err(|_| SimulatorError::Incomplete { message, missing: "sound ServerKey" })?)
        };
        Ok(Self {
            address: endpoint(first).ok_or(SimulatorError::Incomplete { message, missing: "address" })?,
            nat: endpoint(second).filter(|address| address.port() != 0),
            world: info.world_id.0.cast_unsigned(),
            key,
            session_key: info.session_key,
            access_key: info.access_key,
        })
    }
}

/// What came between a message and the answer of the request behind it.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Application messages (class, id, body) in the order of their coming.
    pub payloads: Vec<Vec<u8>>,
    /// The server closed the connection instead of answering the request behind.
    pub closed: bool,
}

/// The sockets of a console that has gone silent: open, never read, until this is dropped.
#[derive(Debug)]
pub struct Silent {
    _lobby: Option<Connection>,
    _game: Option<Connection>,
}

/// A scripted console.
#[derive(Debug)]
pub struct Console {
    options: Arc<Options>,
    rng: ChaCha20Rng,
    origin: Instant,
    fuse: Option<u32>,
    requests: u32,
    /// Of the login.
    pub name: Text<32>,
    /// Of the login; 0 before.
    pub account_id: AccountId,
    /// Of SessionBegin.
    pub session_key: Text<17>,
    /// MediusWorldID of the channel that the login or a join led to.
    pub channel: MediusWorldId,
    /// Where the next lobby connection goes.
    pub lobby_redirect: Option<Redirect>,
    /// Address service.
    pub nat: Option<SocketAddrV4>,
    lobby: Option<Connection>,
    game: Option<Connection>,
    /// The game that was joined.
    pub game_id: Option<MediusWorldId>,
    /// Sockets of a console without power.
    dead: [Option<Connection>; 2],
}

type Result<T> = core::result::Result<T, SimulatorError>;

/// The one of a console's two connections that a step is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// MUIS, MAS or MLS.
    Lobby,
    /// DME.
    Game,
}

impl Console {
    /// A console that is switched on and has connected nowhere.
    #[must_use]
    pub fn new(options: Arc<Options>) -> Self {
        Self {
            rng: ChaCha20Rng::seed_from_u64(options.seed),
            origin: Instant::now(),
            fuse: options.fuse,
            requests: 0,
            name: Text::EMPTY,
            account_id: AccountId(0),
            session_key: Text::EMPTY,
            channel: MediusWorldId(0),
            lobby_redirect: None,
            nat: None,
            lobby: None,
            game: None,
            game_id: None,
            dead: [None, None],
            options,
        }
    }

    /// What it is made of.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The connection to MUIS, MAS or MLS.
    pub const fn lobby(&mut self) -> Option<&mut Connection> {
        self.lobby.as_mut()
    }

    /// The connection to DME.
    pub const fn game(&mut self) -> Option<&mut Connection> {
        self.game.as_mut()
    }

    /// Index in the world of the game.
    pub fn player_id(&self) -> Option<u16> {
        self.game.as_ref().map(Connection::player_id)
    }

    fn wire(&self) -> WireDialect {
        WireDialect::new(self.options.dialect.version(), self.options.app_id)
    }

    fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        seed
    }

    /// PS2 titles give every request the id `1`; PS3 titles count.
    fn message_id(&mut self) -> MessageId {
        self.requests += 1;
        if self.options.dialect.has_certificates() {
            Text::new(self.requests.to_string())
        } else {
            Text::new("1")
        }
    }

    // ---- The wheel: everything that waits goes through here, so both connections are served at all times.

    fn flush(&mut self) -> Result<()> {
        for connection in self.lobby.iter_mut().chain(self.game.iter_mut()) {
            if !connection.has_output() {
                continue;
            }
            if let Some(fuse) = &mut self.fuse {
                if *fuse == 0 {
                    let dead = [self.lobby.take(), self.game.take()];
                    if self.options.dies_silently {
                        self.dead = dead;
                    }
                    return Err(SimulatorError::PoweredOff);
                }
                *fuse -= 1;
            }
            connection.flush()?;
        }
        Ok(())
    }

    /// Writes what waits, then reads until something came or it is `until`.
    ///
    /// # Errors
    /// A server broke the protocol.
    pub async fn pump(&mut self, until: Instant) -> Result<()> {
        self.flush()?;
        let due = [&self.lobby, &self.game]
            .into_iter()
            .filter_map(|connection| connection.as_ref().and_then(Connection::deadline))
            .fold(until, Instant::min);
        let ready = async |connection: &Option<Connection>| match connection {
            Some(connection) => connection.ready().await,
            None => core::future::pending().await,
        };
        tokio::select! {
            () = ready(&self.lobby) => {}
            () = ready(&self.game) => {}
            () = sleep_until(due) => {}
        }
        for connection in self.lobby.iter_mut().chain(self.game.iter_mut()) {
            connection.turn()?;
        }
        self.flush()
    }

    /// Serves its connections until `until`.
    ///
    /// # Errors
    /// A server broke the protocol.
    pub async fn idle(&mut self, until: Instant) -> Result<()> {
        while Instant::now() < until {
            self.pump(until).await?;
        }
        Ok(())
    }

    const fn connection(&mut self, way: Way) -> Result<&mut Connection> {
        let (connection, name) = match way {
            Way::Lobby => (self.lobby.as_mut(), "the lobby"),
            Way::Game => (self.game.as_mut(), "the game"),
        };
        match connection {
            Some(connection) => Ok(connection),
            None => Err(SimulatorError::NotConnected(name)),
        }
    }

    /// Pumps until `pick` finds what it wants in the inbox of one connection.
    async fn wait<T>(
        &mut self,
        way: Way,
        awaited: &str,
        mut pick: impl FnMut(&mut Connection) -> Option<T>,
    ) -> Result<T> {
        let until = Instant::now() + self.options.timeout;
        loop {
            let connection = self.connection(way)?;
            if let Some(found) = pick(connection) {
                return Ok(found);
            }
            if let Some(reason) = connection.inbox.rejected {
                return Err(SimulatorError::Rejected { connection: connection.name(), reason });
            }
            let (awaited, name) = (awaited.to_owned(), connection.name());
            let came = |connection: &Connection| connection.inbox.describe(&connection.dialect());
            if connection.ended() {
                let came = came(connection);
                return Err(SimulatorError::Closed { connection: name, awaited, came });
            }
            if Instant::now() >= until {
                let came = format!("{} ({connection:?})", came(connection));
                return Err(SimulatorError::Timeout { awaited, came });
            }
            self.pump(until).await?;
        }
    }

    // ---- Connections.

    fn config(&self, kind: ServerKind, key: Option<RsaPublicKey>) -> ClientConfig {
        let mut config = ClientConfig::new(self.options.dialect.version(), self.options.app_id, kind);
        config.echo = self.options.echo;
        if self.options.dialect.has_certificates() {
            config.certificate = medley_session::MAS_1_CERTIFICATE.to_vec();
        }
        match (self.options.ciphering, key) {
            (Ciphering::Never, _) | (_, None) => config.cipher = ClientCipher::Clear,
            (_, Some(key)) => config = config.with_keys(Arc::clone(&self.options.own_key), key),
        }
        config
    }

    fn disc_key(&self) -> Option<RsaPublicKey> {
        (self.options.ciphering == Ciphering::AsTold).then(|| self.options.disc_key.clone())
    }

    async fn open(&mut self, way: Way, config: ClientConfig, address: SocketAddrV4) -> Result<()> {
        let seed = self.seed();
        let opening = Connection::open(&self.options, config, address, seed, self.origin);
        let connection = timeout(self.options.timeout, opening).await;
        let connection = connection.map_err(|_| SimulatorError::Timeout {
            awaited: format!("a connection to {address}"),
            came: "nothing".to_owned(),
        })??;
        match way {
            Way::Lobby => self.lobby = Some(connection),
            Way::Game => self.game = Some(connection),
        }
        self.wait(way, "CONNECT_COMPLETE", |connection| connection.is_ready().then_some(())).await
    }

    fn access_key(&self, key: &Text<17>) -> Text<17> {
        let bytes = key.as_bytes();
        let kept = if self.options.cuts_access_key { 15 } else { bytes.len() };
        Text::new(bytes.get(..kept).unwrap_or(bytes))
    }

    fn redirected(&self, kind: ServerKind, to: &Redirect) -> ClientConfig {
        let access_key = self.access_key(&to.access_key);
        self.config(kind, to.key.clone()).redirected(
            to.world,
            to.session_key.as_bytes(),
            access_key.as_bytes(),
        )
    }

    async fn say_goodbye(&mut self, way: Way) -> Result<()> {
        if let Ok(connection) = self.connection(way)
            && !connection.ended()
        {
            connection.session().disconnect()?;
            self.flush()?;
        }
        match way {
            Way::Lobby => self.lobby = None,
            Way::Game => self.game = None,
        }
        Ok(())
    }

    // ---- Messages.

    /// Sends a message and waits for nothing.
    ///
    /// # Errors
    /// Not connected.
    pub fn send(&mut self, message: impl Into<AnyMessage>) -> Result<()> {
        self.connection(Way::Lobby)?.session().send_app(&message.into())?;
        self.flush()
    }

    /// Waits for the next message of a type, of whatever MessageID.
    ///
    /// # Errors
    /// It does not come.
    pub async fn expect_push<M: Message>(&mut self) -> Result<M> {
        let d = self.wire();
        self.wait(Way::Lobby, M::INFO.name, |connection| take::<M>(&mut connection.inbox, &d, None)).await?
    }

    /// The next message of a type, if it has come already.
    ///
    /// # Errors
    /// Its layout does not fit.
    pub fn received<M: Message>(&mut self) -> Result<Option<M>> {
        let d = self.wire();
        take(&mut self.connection(Way::Lobby)?.inbox, &d, None).transpose()
    }

    /// Names of all application messages that came and nobody asked for, oldest first; they are gone afterwards.
    pub fn drain_names(&mut self) -> Vec<&'static str> {
        let d = self.wire();
        let Some(connection) = self.lobby.as_mut() else { return Vec::new() };
        let names = connection.inbox.app.drain(..);
        names.map(|payload| AnyMessage::decode(&payload, &d).map_or("Undecodable", |m| m.name())).collect()
    }

    /// Sends a request and waits for its answer, of whatever status.
    ///
    /// # Errors
    /// No answer.
    pub async fn ask<R: Request>(&mut self, mut request: R) -> Result<R::Answer> {
        let d = self.wire();
        if request.message_id() == Some(MessageId::EMPTY) {
            request.set_message_id(self.message_id());
        }
        let id = request.message_id();
        self.send(request)?;
        let awaited = R::Answer::INFO.name;
        self.wait(Way::Lobby, awaited, |connection| take::<R::Answer>(&mut connection.inbox, &d, id)).await?
    }

    /// As [`Console::ask`], and the status must be a success.
    ///
    /// # Errors
    /// No answer, or a failure.
    pub async fn succeed<R: Request>(&mut self, request: R) -> Result<R::Answer> {
        let answer = self.ask(request).await?;
        succeeded(R::INFO.name, &answer)?;
        Ok(answer)
    }

    /// Sends a request and waits for all rows of its answer.
    ///
    /// # Errors
    /// No answer, or not to its end.
    pub async fn list<R: Request>(&mut self, request: R) -> Result<Vec<R::Answer>> {
        let d = self.wire();
        let first = self.ask(request).await?;
        let (mut rows, id) = (vec![first], None);
        while !rows.last().is_some_and(ends) {
            let awaited = format!("row {} of {}", rows.len() + 1, R::Answer::INFO.name);
            let row = self
                .wait(Way::Lobby, &awaited, |connection| take::<R::Answer>(&mut connection.inbox, &d, id))
                .await??;
            rows.push(row);
        }
        Ok(rows)
    }

    /// Sends any request, gives its answer, all rows of it.
    ///
    /// # Errors
    /// A message that nothing is declared to answer; no answer.
    pub async fn request(&mut self, request: AnyMessage) -> Result<Vec<AnyMessage>> {
        let d = self.wire();
        let none = SimulatorError::Incomplete { message: request.name(), missing: "answer" };
        let answer = request.info().and_then(|info| info.answer).and_then(AnyMessage::empty);
        let Some(info) = answer.as_ref().and_then(AnyMessage::info) else { return Err(none) };
        self.send(request)?;
        let mut rows = Vec::new();
        loop {
            let row = self
                .wait(Way::Lobby, info.name, |connection| take_any(&mut connection.inbox, &d, info))
                .await??;
            let end = !info.list || row.to_json().get("EndOfList").is_none_or(|end| end == true);
            rows.push(row);
            if end {
                return Ok(rows);
            }
        }
    }

    /// Sends a message and, behind it, a request that every server answers: gives all that came up to that answer. As
    /// answers keep the order of their requests, whatever answers the message is in it.
    ///
    /// # Errors
    /// Neither the last answer nor the end of the connection comes.
    pub async fn exchange(&mut self, message: impl Into<AnyMessage>) -> Result<Heard> {
        const BEHIND: &[u8] = b"behind";
        let d = self.wire();
        self.send(message)?;
        self.send(GetServerTimeRequest { message_id: Text::new(BEHIND) })?;
        let mut payloads = Vec::new();
        self.wait(Way::Lobby, "the answer behind", |connection| {
            while let Some(payload) = connection.inbox.app.pop_front() {
                let behind = is(&payload, GetServerTimeResponse::INFO)
                    && decode::<GetServerTimeResponse>(&payload, &d)
                        .is_ok_and(|last| last.message_id.as_bytes() == BEHIND);
                if behind {
                    return Some(Heard { payloads: core::mem::take(&mut payloads), closed: false });
                }
                payloads.push(payload);
            }
            connection.ended().then(|| Heard { payloads: core::mem::take(&mut payloads), closed: true })
        })
        .await
    }

    // ---- The evening.

    /// A server, without a session: as a game server or who only wants to ask something does.
    ///
    /// # Errors
    /// Not let in.
    pub async fn connect(&mut self, kind: ServerKind, address: SocketAddrV4) -> Result<()> {
        let config = self.config(kind, self.disc_key());
        self.open(Way::Lobby, config, address).await
    }

    /// A server, with keys: MPS as a game server, or as the host of one's own games.
    ///
    /// # Errors
    /// Not let in.
    pub async fn connect_with(
        &mut self,
        kind: ServerKind,
        address: SocketAddrV4,
        session_key: &[u8],
        access_key: &[u8],
    ) -> Result<()> {
        let config = self.config(kind, self.disc_key()).redirected(1, session_key, access_key);
        self.open(Way::Lobby, config, address).await
    }

    /// MUIS: asks for the universes and leaves; gives the address of MAS where it is a number.
    ///
    /// # Errors
    /// No universe.
    pub async fn universe(&mut self, muis: SocketAddrV4) -> Result<Option<SocketAddrV4>> {
        let config = self.config(ServerKind::Muis, self.disc_key());
        self.open(Way::Lobby, config, muis).await?;
        let rows = self
            .list(GetUniverseInformationRequest {
                // What Deadlocked asks for.
                info_type: UniverseVariableInformationInfoFilter(0x33c),
                character_encoding: CharacterEncodingType(1),
                language: LanguageType(1),
                ..Default::default()
            })
            .await?;
        self.say_goodbye(Way::Lobby).await?;
        let row = rows.into_iter().next();
        let row = row.ok_or(SimulatorError::Incomplete { message: "universe list", missing: "row" })?;
        succeeded(GetUniverseInformationRequest::INFO.name, &row)?;
        let address = row.dns.and_then(|dns| dns.to_string_lossy().parse().ok());
        let port = row.port.and_then(|port| u16::try_from(port).ok());
        Ok(address.zip(port).map(|(ip, port): (Ipv4Addr, u16)| SocketAddrV4::new(ip, port)))
    }

    /// MAS: connects and begins a session.
    ///
    /// # Errors
    /// No session.
    pub async fn begin_session(&mut self, mas: SocketAddrV4) -> Result<()> {
        let config = self.config(ServerKind::Mas, self.disc_key());
        self.open(Way::Lobby, config, mas).await?;
        let ethernet = ConnectionType(1);
        let answer = match self.options.dialect {
            Dialect::V108 | Dialect::V109 => {
                let request = SessionBeginRequest { connection_class: ethernet, ..Default::default() };
                self.succeed(request).await?
            }
            Dialect::V110 => {
                let mut request =
                    ExtendedSessionBeginRequest { connection_class: ethernet, ..Default::default() };
                (request.client_version_major, request.client_version_minor) = (2, 10);
                self.succeed(request).await?
            }
            Dialect::V112 | Dialect::V113 => {
                let mut request = SessionBeginRequest1 { connection_class: ethernet, ..Default::default() };
                (request.client_version_major, request.client_version_minor) = (3, 5);
                self.succeed(request).await?
            }
        };
        self.session_key = answer.session_key;
        if self.options.dialect.has_certificates() {
            let request = SetLocalizationParamsRequest1 {
                session_key: self.session_key,
                character_encoding: CharacterEncodingType(2),
                language: LanguageType(1),
                ..Default::default()
            };
            self.succeed(request).await?;
        } else {
            let request = SetLocalizationParamsRequest {
                session_key: self.session_key,
                character_encoding: CharacterEncodingType(2),
                language: LanguageType(1),
                ..Default::default()
            };
            self.succeed(request).await?;
        }
        Ok(())
    }

    /// MAS, in a session: makes an account.
    ///
    /// # Errors
    /// Refused.
    pub async fn register(&mut self, name: &str, password: &str) -> Result<AccountId> {
        let request = AccountRegistrationRequest {
            session_key: self.session_key,
            account_type: AccountType(1),
            account_name: Text::new(name),
            password: Text::new(password),
            ..Default::default()
        };
        Ok(self.succeed(request).await?.account_id)
    }

    /// MAS, in a session: tries to log in, and stays.
    ///
    /// # Errors
    /// No answer. A refusal is in the answer.
    pub async fn try_login(&mut self, name: &str, password: &str) -> Result<AccountLoginResponse> {
        let request = AccountLoginRequest {
            session_key: self.session_key,
            username: Text::new(name),
            password: Text::new(password),
            ..Default::default()
        };
        let answer = self.ask(request).await?;
        if answer.status_code.0 >= 0 {
            self.name = Text::new(name);
            self.logged_in(answer.account_id, MediusWorldId(answer.world_id), &answer.connect_info)?;
        }
        Ok(answer)
    }

    fn logged_in(
        &mut self,
        account: AccountId,
        channel: MediusWorldId,
        info: &NetConnectionInfo,
    ) -> Result<()> {
        let redirect = Redirect::new("AccountLoginResponse", info)?;
        self.account_id = account;
        self.channel = channel;
        self.nat = redirect.nat;
        self.lobby_redirect = Some(redirect);
        Ok(())
    }

    /// MAS: session, login, goodbye.
    ///
    /// # Errors
    /// Refused.
    pub async fn login(&mut self, mas: SocketAddrV4, name: &str, password: &str) -> Result<()> {
        self.begin_session(mas).await?;
        let answer = self.try_login(name, password).await?;
        succeeded(AccountLoginRequest::INFO.name, &answer)?;
        self.say_goodbye(Way::Lobby).await
    }

    /// MAS, PS3: session, login by network ticket, goodbye.
    ///
    /// # Errors
    /// Refused.
    pub async fn login_with_ticket(&mut self, mas: SocketAddrV4, name: &str, ticket: &[u8]) -> Result<()> {
        self.begin_session(mas).await?;
        let request = TicketLoginRequest {
            session_key: self.session_key,
            ticket_data_size: BigEndian(u32::try_from(ticket.len()).unwrap_or(u32::MAX)),
            ticket_data: VarBytes(ticket.to_vec()),
            ..Default::default()
        };
        let answer = self.ask(request).await?;
        for status in [answer.status_code_ticket_login, answer.status_code_account_login] {
            if status.0 < 0 {
                return Err(SimulatorError::Refused { request: TicketLoginRequest::INFO.name, status });
            }
        }
        self.name = Text::new(name);
        self.logged_in(answer.account_id, answer.medius_world_id, &answer.connect_info)?;
        self.say_goodbye(Way::Lobby).await
    }

    /// MLS: connects to where the last answer sent us.
    ///
    /// # Errors
    /// Not let in.
    pub async fn enter_lobby(&mut self) -> Result<()> {
        self.connect_lobby().await?;
        self.report_state(UserAction(1))
    }

    /// MLS: connects, and says nothing.
    ///
    /// # Errors
    /// Not let in.
    pub async fn connect_lobby(&mut self) -> Result<()> {
        let redirect = self
            .lobby_redirect
            .take()
            .ok_or(SimulatorError::NotConnected("an answer that led to the lobby"))?;
        let config = self.redirected(ServerKind::Mls, &redirect);
        self.open(Way::Lobby, config, redirect.address).await
    }

    /// UpdateUserState: 1 joined a channel, 2 left a game.
    ///
    /// # Errors
    /// Not connected.
    pub fn report_state(&mut self, user_action: UserAction) -> Result<()> {
        self.send(UpdateUserState { session_key: self.session_key, user_action })
    }

    /// Makes a channel; it is not entered.
    ///
    /// # Errors
    /// Refused.
    pub async fn create_channel(
        &mut self,
        name: &str,
        max_players: i32,
        fields: [u32; 4],
        level: u32,
    ) -> Result<MediusWorldId> {
        let request = CreateChannelRequest {
            session_key: self.session_key,
            application_id: self.options.app_id,
            max_players,
            lobby_name: Text::new(name),
            generic_field1: fields[0],
            generic_field2: fields[1],
            generic_field3: fields[2],
            generic_field4: fields[3],
            generic_field_level: WorldGenericFieldLevelType(level as _),
            ..Default::default()
        };
        Ok(MediusWorldId(self.succeed(request).await?.world_id))
    }

    /// Changes the channel: asks, disconnects, connects again with the fresh access key.
    ///
    /// # Errors
    /// Refused.
    pub async fn join_channel(&mut self, channel: MediusWorldId, password: &str) -> Result<()> {
        let request = JoinChannelRequest {
            session_key: self.session_key,
            world_id: channel.0,
            lobby_channel_password: Text::new(password),
            ..Default::default()
        };
        let answer = self.succeed(request).await?;
        self.lobby_redirect = Some(Redirect::new("JoinChannelResponse", &answer.connect_info)?);
        self.say_goodbye(Way::Lobby).await?;
        self.channel = channel;
        self.enter_lobby().await
    }

    /// Makes a game; it is not joined.
    ///
    /// # Errors
    /// Refused.
    pub async fn create_game(&mut self, setup: &GameSetup) -> Result<MediusWorldId> {
        let (session_key, application_id) = (self.session_key, self.options.app_id);
        let [f1, f2, f3, f4, f5, f6, f7, f8] = setup.fields;
        let answer = if self.options.dialect == Dialect::V108 {
            let request = CreateGameRequest0 {
                message_id: MessageId::EMPTY,
                session_key,
                application_id,
                min_players: setup.min_players,
                max_players: setup.max_players,
                game_level: setup.level,
                game_name: Text::new(&setup.name),
                game_password: Text::new(&setup.password),
                player_skill_level: setup.skill,
                rules_set: setup.rules,
                generic_field1: f1,
                generic_field2: f2,
                generic_field3: f3,
                game_host_type: GameHostType(setup.host_type),
            };
            self.succeed(request).await?
        } else {
            let request = CreateGameRequest {
                session_key,
                application_id,
                min_players: setup.min_players,
                max_players: setup.max_players,
                game_level: setup.level,
                game_name: Text::new(&setup.name),
                game_password: Text::new(&setup.password),
                player_skill_level: setup.skill,
                rules_set: setup.rules,
                generic_field1: f1,
                generic_field2: f2,
                generic_field3: f3,
                generic_field4: f4,
                generic_field5: f5,
                generic_field6: f6,
                generic_field7: f7,
                generic_field8: f8,
                game_host_type: GameHostType(setup.host_type),
                ..Default::default()
            };
            self.succeed(request).await?
        };
        Ok(answer.medius_world_id)
    }

    /// Joins a game: JoinGame, address probe, relay over TCP and UDP, and what titles send when they are in.
    ///
    /// # Errors
    /// Refused, or the relay cannot be reached.
    pub async fn join_game(&mut self, game: MediusWorldId, password: &str) -> Result<u16> {
        let redirect = self.ask_to_join(game, password, GameHostType(4)).await?;
        self.enter_game(game, &redirect).await
    }

    /// JoinGame: where the game is.
    ///
    /// # Errors
    /// Refused.
    pub async fn ask_to_join(
        &mut self,
        game: MediusWorldId,
        password: &str,
        game_host_type: GameHostType,
    ) -> Result<Redirect> {
        let request = JoinGameRequest {
            session_key: self.session_key,
            medius_world_id: game,
            game_password: Text::new(password),
            game_host_type,
            ..Default::default()
        };
        let answer = self.succeed(request).await?;
        Redirect::new("JoinGameResponse", &answer.connect_info)
    }

    /// Connects to the relay that `redirect` names.
    ///
    /// # Errors
    /// Not let in.
    pub async fn enter_game(&mut self, game: MediusWorldId, redirect: &Redirect) -> Result<u16> {
        if self.nat.is_some() {
            self.probe_nat().await?;
        }
        let config = self.redirected(ServerKind::Dme, redirect);
        self.open(Way::Game, config, redirect.address).await?;
        self.game_id = Some(game);
        let old = self.options.dialect == Dialect::V108;
        let connection = self.connection(Way::Game)?;
        let player = connection.player_id();
        // `02 01` from UYA, `0f` from Deadlocked; 30 ms from both.
        let flags = ClientSetRecvFlag { kind: old.then_some(2), flags: if old { 1 } else { 0x0f } };
        let aggregation = ClientSetAggTime { milliseconds: 30 };
        connection.session().send_rt(Transport::Tcp, &RtMessage::ClientSetRecvFlag(flags))?;
        connection.session().send_rt(Transport::Tcp, &RtMessage::ClientSetAggTime(aggregation))?;
        self.flush()?;
        Ok(player)
    }

    /// Asks the address service for our address.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn probe_nat(&mut self) -> Result<SocketAddrV4> {
        let nat = self.nat.ok_or(SimulatorError::NotConnected("an address service"))?;
        let io = |source| SimulatorError::Io { what: "address probe", source };
        let socket = UdpSocket::bind((self.options.local, 0)).await.map_err(io)?;
        socket.connect(nat).await.map_err(io)?;
        let probe = match self.options.dialect {
            Dialect::V108 => [0x00, 0x00, 0xe4, 0x00],
            Dialect::V112 | Dialect::V113 => [0x3f, 0xf0, 0xe4, 0xae],
            _ => [0xa0, 0xe6, 0xe4, 0x01],
        };
        let until = Instant::now() + self.options.timeout;
        while Instant::now() < until {
            socket.send(&probe).await.map_err(io)?;
            let mut answer = [0; 16];
            // PS3 titles ask again after half a second.
            match timeout(Duration::from_millis(500), socket.recv(&mut answer)).await {
                Ok(Ok(6)) => {
                    let [a, b, c, d, high, low, ..] = answer;
                    let port = u16::from_be_bytes([high, low]);
                    return Ok(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port));
                }
                Ok(Ok(_)) | Err(_) => {}
                Ok(Err(source)) => return Err(io(source)),
            }
        }
        Err(SimulatorError::Timeout { awaited: "an address".to_owned(), came: "nothing".to_owned() })
    }

    // ---- In the game.

    fn relay(&mut self, transport: Transport, to: &To<'_>, payload: &[u8], cover: Cover) -> Result<()> {
        self.connection(Way::Game)?.relay(transport, cover, to, payload)?;
        self.flush()
    }

    /// Title data for everybody else.
    ///
    /// # Errors
    /// In no game.
    pub fn broadcast(&mut self, transport: Transport, payload: &[u8]) -> Result<()> {
        self.relay(transport, &To::All, payload, Cover::Enciphered)
    }

    /// The same with a cover of one's own: Deadlocked sends all its game data under a null hash.
    ///
    /// # Errors
    /// In no game.
    pub fn broadcast_as(&mut self, transport: Transport, cover: Cover, payload: &[u8]) -> Result<()> {
        self.relay(transport, &To::All, payload, cover)
    }

    /// Title data for one player.
    ///
    /// # Errors
    /// In no game.
    pub fn single(&mut self, transport: Transport, target: u16, payload: &[u8]) -> Result<()> {
        self.relay(transport, &To::One(target), payload, Cover::Enciphered)
    }

    /// Title data for the players whose bits are set.
    ///
    /// # Errors
    /// In no game.
    pub fn multicast(&mut self, transport: Transport, mask: &[u8], payload: &[u8]) -> Result<()> {
        self.relay(transport, &To::List(mask), payload, Cover::Enciphered)
    }

    /// The next title data.
    ///
    /// # Errors
    /// None comes.
    pub async fn recv_relay(&mut self) -> Result<RelayMessage> {
        self.wait(Way::Game, "title data", |connection| connection.inbox.relay.pop_front()).await
    }

    /// The next RT message of the relay that fits.
    ///
    /// # Errors
    /// None comes.
    pub async fn expect_game_rt<T>(
        &mut self,
        awaited: &str,
        mut pick: impl FnMut(&RtMessage) -> Option<T>,
    ) -> Result<T> {
        self.wait(Way::Game, awaited, |connection| {
            let position = connection.inbox.rt.iter().position(|message| pick(message).is_some())?;
            connection.inbox.rt.remove(position).and_then(|message| pick(&message))
        })
        .await
    }

    /// The world's clock, milliseconds.
    ///
    /// # Errors
    /// No answer.
    pub async fn time_base(&mut self, client_time: u32) -> Result<u32> {
        let query = RtMessage::ClientTimebaseQuery(ClientTimebaseQuery { client_time });
        self.connection(Way::Game)?.session().send_rt(Transport::Tcp, &query)?;
        self.wait(Way::Game, "TIMEBASE_QUERY_NOTIFY", |connection| {
            let position = connection.inbox.timebase.iter().position(|(client, _)| *client == client_time)?;
            connection.inbox.timebase.remove(position).map(|(_, server)| server)
        })
        .await
    }

    /// CLIENT_ECHO on every transport that is open.
    ///
    /// # Errors
    /// None but those of sending.
    pub fn echo_all(&mut self) -> Result<()> {
        for connection in self.lobby.iter_mut().chain(self.game.iter_mut()) {
            connection.echo()?;
        }
        self.flush()
    }

    /// Waits until each connection has had `count` replies to its echoes, on each transport one.
    ///
    /// # Errors
    /// They do not come.
    pub async fn wait_for_echoes(&mut self, count: u32) -> Result<()> {
        for way in [Way::Lobby, Way::Game] {
            if self.connection(way).is_ok() {
                self.wait(way, "the reply to an echo", |connection| {
                    let transports = if connection.udp_address().is_some() { 2 } else { 1 };
                    (connection.inbox.echoes >= count * transports).then_some(())
                })
                .await?;
            }
        }
        Ok(())
    }

    /// Sends an RT message to the relay.
    ///
    /// # Errors
    /// In no game.
    pub fn send_game_rt(&mut self, transport: Transport, message: &RtMessage) -> Result<()> {
        self.connection(Way::Game)?.session().send_rt(transport, message)?;
        self.flush()
    }

    /// The host's report: WorldReport, or WorldReport0 at 1.08.
    ///
    /// # Errors
    /// In no game.
    pub fn world_report(&mut self, setup: &GameSetup, players: i32, status: WorldStatus) -> Result<()> {
        let medius_world_id = self.game_id.ok_or(SimulatorError::NotConnected("a game"))?;
        let [f1, f2, f3, f4, f5, f6, f7, f8] = setup.fields;
        if self.options.dialect == Dialect::V108 {
            self.send(WorldReport0 {
                session_key: self.session_key,
                medius_world_id,
                player_count: players,
                game_name: Text::new(&setup.name),
                game_stats: Blob(setup.stats),
                min_players: setup.min_players,
                max_players: setup.max_players,
                game_level: setup.level,
                player_skill_level: setup.skill,
                rules_set: setup.rules,
                generic_field1: f1,
                generic_field2: f2,
                generic_field3: f3,
                world_status: status,
            })
        } else {
            self.send(WorldReport {
                medius_world_id,
                player_count: players,
                game_name: Text::new(&setup.name),
                game_stats: Blob(setup.stats),
                min_players: setup.min_players,
                max_players: setup.max_players,
                game_level: setup.level,
                player_skill_level: setup.skill,
                rules_set: setup.rules,
                generic_field1: f1,
                generic_field2: f2,
                generic_field3: f3,
                generic_field4: f4,
                generic_field5: f5,
                generic_field6: f6,
                generic_field7: f7,
                generic_field8: f8,
                world_status: status,
            })
        }
    }

    /// PlayerReport: our stats in the game.
    ///
    /// # Errors
    /// In no game.
    pub fn player_report(&mut self, stats: [u8; 256]) -> Result<()> {
        let medius_world_id = self.game_id.ok_or(SimulatorError::NotConnected("a game"))?;
        self.send(PlayerReport { session_key: self.session_key, medius_world_id, stats: Blob(stats) })
    }

    /// EndGameReport: the host's last word.
    ///
    /// # Errors
    /// In no game.
    pub fn end_game_report(&mut self) -> Result<()> {
        let medius_world_id = self.game_id.ok_or(SimulatorError::NotConnected("a game"))?;
        self.send(EndGameReport { session_key: self.session_key, medius_world_id, ..Default::default() })
    }

    /// Leaves the relay and tells the lobby.
    ///
    /// # Errors
    /// Not connected.
    pub async fn leave_game(&mut self) -> Result<()> {
        self.say_goodbye(Way::Game).await?;
        self.game_id = None;
        self.report_state(UserAction(2))
    }

    /// Leaves the lobby connection, as before a change of servers.
    ///
    /// # Errors
    /// Not connected.
    pub async fn leave_lobby(&mut self) -> Result<()> {
        self.say_goodbye(Way::Lobby).await
    }

    /// The plug is pulled, and the network notices: the sockets are closed without a word.
    pub fn power_off(self) {}

    /// The plug is pulled, and the network does not notice: the sockets stay open and silent.
    #[must_use]
    pub fn go_silent(self) -> Silent {
        Silent { _lobby: self.lobby, _game: self.game }
    }

    /// Writes so far; with a fuse, how many are left.
    pub const fn fuse(&self) -> Option<u32> {
        self.fuse
    }
}

/// A negative status is a failure; NoResult, 1, is none.
fn succeeded<M: Message>(request: &'static str, answer: &M) -> Result<()> {
    match answer.status() {
        Some(status) if status.0 < 0 => Err(SimulatorError::Refused { request, status }),
        _ => Ok(()),
    }
}

/// A row that closes its list.
fn ends<M: Message>(row: &M) -> bool {
    let fields = row.to_json().unwrap_or_default();
    let end = fields.get("EndOfList").or_else(|| fields.get("EndOfText"));
    end.is_none_or(|end| end == true)
}

fn is(payload: &[u8], info: &MessageInfo) -> bool {
    matches!(payload, [class, id, ..] if *class == info.class.0 && u32::from(*id) == info.id)
}

fn decode<M: Message>(payload: &[u8], d: &WireDialect) -> Result<M> {
    let body = payload.get(2..).unwrap_or_default();
    Ok(M::decode(&mut Reader::new(M::INFO.name, body), d)?)
}

fn take<M: Message>(inbox: &mut Inbox, d: &WireDialect, id: Option<MessageId>) -> Option<Result<M>> {
    let position = inbox.app.iter().position(|payload| {
        // What cannot be decoded is taken for the answer, so that its error is seen.
        is(payload, M::INFO)
            && (id.is_none() || decode::<M>(payload, d).map_or(true, |message| message.message_id() == id))
    })?;
    Some(decode(&inbox.app.remove(position)?, d))
}

fn take_any(inbox: &mut Inbox, d: &WireDialect, info: &MessageInfo) -> Option<Result<AnyMessage>> {
    let position = inbox.app.iter().position(|payload| is(payload, info))?;
    let payload = inbox.app.remove(position)?;
    Some(AnyMessage::decode(&payload, d).map_err(SimulatorError::Decode))
}

/// Statuses that scripts compare with.
impl SimulatorError {
    /// Whether a request was refused with `status`.
    #[must_use]
    pub fn is_refusal(&self, status: CallbackStatus) -> bool {
        self.status() == Some(status)
    }
}
