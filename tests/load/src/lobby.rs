//! What a load client says on MAS and MLS: session, account, lobby, games.

use std::net::{IpAddr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use medley_crypto::{KeyStore, RsaKeyPair, RsaPublicKey};
use medley_session::{ClientCipher, ClientConfig, MAS_1_CERTIFICATE, ServerKind, Transport};
use medley_wire::enums::{
    AccountType, CallbackStatus, ConnectionType, GameHostType, UniverseVariableInformationInfoFilter,
};
use medley_wire::messages::{
    AccountLoginRequest, AccountRegistrationRequest, AnonymousLoginRequest, CreateChannelRequest,
    CreateGameRequest, CreateGameRequest0, ExtendedSessionBeginRequest, GetUniverseInformationRequest,
    JoinChannelRequest, JoinGameRequest, NetConnectionInfo, SessionBeginRequest, SessionBeginRequest1,
};
use medley_wire::rt::ClientSetRecvFlag;
use medley_wire::types::{MessageId, Text};
use medley_wire::{AnyMessage, AppId, Dialect, MediusWorldId, RtMessage};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::fleet::{Fleet, LoadError, Result, Style};

/// Longest wait for an answer: a cold login hashes a password, and two hundred may be in front of it.
const PATIENCE: Duration = Duration::from_secs(60);
/// Password of all accounts that load makes.
pub(crate) const PASSWORD: &str = "load-password";

impl Style {
    /// A client of `version` (108, 109, 110 or 113) and title `app`. `enciphered`: with the key of the disc, else in
    /// clear throughout.
    ///
    /// # Errors
    /// No key pair could be made.
    pub fn new(version: u16, app: u32, enciphered: bool) -> Result<Self> {
        let mut config = ClientConfig::new(version, AppId(app), ServerKind::Mas);
        if version > 111 {
            config.certificate = MAS_1_CERTIFICATE.to_vec();
        }
        if enciphered {
            let other = |error: &dyn core::fmt::Display| LoadError::Other(error.to_string());
            // One pair for all clients, as on a disc.
            let own = RsaKeyPair::generate(&mut ChaCha20Rng::seed_from_u64(version.into()));
            let own = own.map_err(|error| other(&error))?;
            let keys = KeyStore::embedded().map_err(|error| other(&error))?;
            let server = keys.default_server_key().map(|entry| entry.pair.public().clone());
            let server = server.ok_or_else(|| LoadError::Other("no server key is known".to_owned()))?;
            config = config.with_keys(Arc::new(own), server);
        }
        Ok(Self { config })
    }

    /// For where an answer leads.
    pub(crate) fn follow(&self, kind: ServerKind, to: &Redirect) -> ClientConfig {
        let mut config =
            self.to(kind).redirected(to.world, to.session_key.as_bytes(), to.access_key.as_bytes());
        config.cipher = match (config.cipher, &to.key) {
            (ClientCipher::Keys { own, .. }, Some(key)) => {
                ClientCipher::Keys { own, server: Box::new(key.clone()) }
            }
            _ => ClientCipher::Clear,
        };
        config
    }
}

/// Where an answer leads.
#[derive(Clone, Debug)]
pub(crate) struct Redirect {
    pub(crate) address: SocketAddr,
    pub(crate) world: u32,
    /// ServerKey, unless it is zero.
    pub(crate) key: Option<RsaPublicKey>,
    pub(crate) session_key: Text<17>,
    pub(crate) access_key: Text<17>,
}

impl Redirect {
    pub(crate) fn new(request: &'static str, info: &NetConnectionInfo) -> Result<Self> {
        let refused = |found: &str| LoadError::Refused { request, found: found.to_owned() };
        let [first, _] = &info.address_list.address_list;
        let port = u16::try_from(first.port).ok();
        let address = first.ip().zip(port).map(|(ip, port)| SocketAddr::V4(SocketAddrV4::new(ip, port)));
        let key = (!info.server_key.is_zero())
            .then(|| RsaPublicKey::from_modulus_le(info.server_key.to_wire()))
            .transpose()
            .map_err(|error| refused(&error.to_string()))?;
        Ok(Self {
            address: address.ok_or_else(|| refused("no address"))?,
            world: info.world_id.0.cast_unsigned(),
            key,
            session_key: info.session_key,
            access_key: info.access_key,
        })
    }
}

fn id() -> MessageId {
    Text::new("1")
}

/// SessionBegin as the dialect has it.
pub(crate) fn session_begin(d: Dialect) -> AnyMessage {
    let connection_class = ConnectionType(1);
    match d.medius_version {
        ..=109 => SessionBeginRequest { message_id: id(), connection_class }.into(),
        110 | 111 => ExtendedSessionBeginRequest {
            message_id: id(),
            connection_class,
            client_version_major: 2,
            client_version_minor: 10,
            ..Default::default()
        }
        .into(),
        _ => SessionBeginRequest1 { message_id: id(), connection_class, ..Default::default() }.into(),
    }
}

pub(crate) fn register(session_key: Text<17>, name: &str) -> AnyMessage {
    AccountRegistrationRequest {
        message_id: id(),
        session_key,
        account_type: AccountType(1),
        account_name: Text::new(name),
        password: Text::new(PASSWORD),
    }
    .into()
}

pub(crate) fn login(session_key: Text<17>, name: &str) -> AnyMessage {
    AccountLoginRequest {
        message_id: id(),
        session_key,
        username: Text::new(name),
        password: Text::new(PASSWORD),
    }
    .into()
}

pub(crate) fn refused(request: &'static str, status: CallbackStatus) -> LoadError {
    LoadError::Refused { request, found: format!("{status:?}") }
}

pub(crate) fn check(request: &'static str, status: CallbackStatus) -> Result<()> {
    if status.0 < 0 { Err(refused(request, status)) } else { Ok(()) }
}

/// A player in the lobby.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its connection to MLS.
    pub lobby: usize,
    /// Of SessionBegin.
    pub session_key: Text<17>,
    /// Channel of the login.
    pub channel: i32,
}

/// The addresses of a running server.
#[derive(Clone, Debug)]
pub struct Target {
    /// MAS: all others follow from its answers.
    pub mas: SocketAddr,
    /// Process of the server, where it is on this machine.
    pub pid: Option<u32>,
}

impl Target {
    /// Addresses besides loopback that may be dialled.
    #[must_use]
    pub fn allowed(&self) -> Vec<IpAddr> {
        vec![self.mas.ip()]
    }
}

/// Sends a request and turns until an answer that `pick` takes.
pub(crate) fn ask<T>(
    fleet: &mut Fleet,
    number: usize,
    awaited: &'static str,
    request: &AnyMessage,
    pick: impl Fn(AnyMessage) -> Option<T>,
) -> Result<T> {
    let gone = || LoadError::Refused { request: awaited, found: "a close".to_owned() };
    let session = fleet.get(number).and_then(|connection| connection.session()).ok_or_else(gone)?;
    let d = session.dialect();
    session.send_app(request)?;
    fleet.touch(number);
    let mut found = None;
    fleet.until(awaited, PATIENCE, |fleet| {
        let connection = fleet.get(number).ok_or_else(gone)?;
        while let Some(payload) = connection.inbox.pop_front() {
            let message = AnyMessage::decode(&payload, &d)
                .map_err(|error| LoadError::Refused { request: awaited, found: error.to_string() })?;
            if let Some(taken) = pick(message) {
                found = Some(taken);
                return Ok(true);
            }
        }
        if connection.ended { Err(gone()) } else { Ok(false) }
    })?;
    found.ok_or_else(gone)
}

/// Asks MUIS where MAS is, and leaves. Its answer may lead to its own machine only.
///
/// # Errors
/// No universe, or one without a numeric address.
pub fn universe(style: &Style, muis: SocketAddr) -> Result<SocketAddr> {
    let mut fleet = Fleet::new(vec![muis.ip()])?;
    let number = fleet.dial(style.to(ServerKind::Muis), muis)?;
    fleet.ready(number)?;
    let request = GetUniverseInformationRequest {
        message_id: id(),
        // What Deadlocked asks for.
        info_type: UniverseVariableInformationInfoFilter(0x33c),
        ..Default::default()
    };
    let answer = ask(&mut fleet, number, "GetUniverseInformation", &request.into(), |answer| match answer {
        AnyMessage::UniverseVariableInformationResponse(answer) => Some(answer),
        _ => None,
    })?;
    fleet.hang_up(number, true);
    check("GetUniverseInformation", answer.status_code)?;
    let ip = answer.dns.and_then(|dns| dns.to_string_lossy().parse::<IpAddr>().ok());
    let port = answer.port.and_then(|port| u16::try_from(port).ok());
    let mas = ip.zip(port).map(SocketAddr::from).ok_or_else(|| LoadError::Refused {
        request: "GetUniverseInformation",
        found: "no numeric address of MAS: name it by --mas".to_owned(),
    })?;
    if mas.ip() != muis.ip() && !mas.ip().is_loopback() {
        return Err(LoadError::Elsewhere { address: mas.ip() });
    }
    Ok(mas)
}

/// MAS with an anonymous login or an account that is made if need be, and MLS.
///
/// # Errors
/// Refused on the way.
pub fn enter(
    fleet: &mut Fleet,
    style: &Style,
    target: &Target,
    name: &str,
    anonymous: bool,
) -> Result<Member> {
    let mas = fleet.dial(style.to(ServerKind::Mas), target.mas)?;
    fleet.ready(mas)?;
    let begin = session_begin(style.config.dialect);
    let session_key = ask(fleet, mas, "SessionBegin", &begin, |answer| match answer {
        AnyMessage::SessionBeginResponse(answer) => Some((answer.status_code, answer.session_key)),
        _ => None,
    })?;
    check("SessionBegin", session_key.0)?;
    let session_key = session_key.1;
    let (channel, info) = if anonymous {
        let request = AnonymousLoginRequest {
            message_id: id(),
            session_key,
            session_display_name: Text::new(name),
            ..Default::default()
        };
        let answer = ask(fleet, mas, "AnonymousLogin", &request.into(), |answer| match answer {
            AnyMessage::AnonymousLoginResponse(answer) => Some(answer),
            _ => None,
        })?;
        check("AnonymousLogin", answer.status_code)?;
        (answer.world_id, answer.connect_info)
    } else {
        let mut answer = account_login(fleet, mas, session_key, name)?;
        if answer.status_code == CallbackStatus::ACCOUNT_NOT_FOUND {
            let made =
                ask(
                    fleet,
                    mas,
                    "AccountRegistration",
                    &register(session_key, name),
                    |answer| match answer {
                        AnyMessage::AccountRegistrationResponse(answer) => Some(answer.status_code),
                        _ => None,
                    },
                )?;
            check("AccountRegistration", made)?;
            answer = account_login(fleet, mas, session_key, name)?;
        }
        check("AccountLogin", answer.status_code)?;
        (answer.world_id, answer.connect_info)
    };
    let redirect = Redirect::new("login", &info)?;
    fleet.hang_up(mas, true);
    let lobby = fleet.dial(style.follow(ServerKind::Mls, &redirect), redirect.address)?;
    fleet.ready(lobby)?;
    Ok(Member { lobby, session_key, channel })
}

fn account_login(
    fleet: &mut Fleet,
    mas: usize,
    session_key: Text<17>,
    name: &str,
) -> Result<medley_wire::messages::AccountLoginResponse> {
    ask(fleet, mas, "AccountLogin", &login(session_key, name), |answer| match answer {
        AnyMessage::AccountLoginResponse(answer) => Some(*answer),
        _ => None,
    })
}

/// Makes a channel for `max_players`.
///
/// # Errors
/// Refused.
pub(crate) fn create_channel(
    fleet: &mut Fleet,
    style: &Style,
    member: &Member,
    name: &str,
    max_players: i32,
) -> Result<i32> {
    let request = CreateChannelRequest {
        message_id: id(),
        session_key: member.session_key,
        application_id: style.config.dialect.app_id,
        max_players,
        lobby_name: Text::new(name),
        ..Default::default()
    };
    let (status, world) =
        ask(fleet, member.lobby, "CreateChannel", &request.into(), |answer| match answer {
            AnyMessage::CreateChannelResponse(answer) => Some((answer.status_code, answer.world_id)),
            _ => None,
        })?;
    check("CreateChannel", status)?;
    Ok(world)
}

/// Goes to a channel, as consoles do: by a new connection to where the answer leads.
///
/// # Errors
/// Refused.
pub(crate) fn join_channel(
    fleet: &mut Fleet,
    style: &Style,
    member: &mut Member,
    channel: i32,
) -> Result<()> {
    let request = JoinChannelRequest {
        message_id: id(),
        session_key: member.session_key,
        world_id: channel,
        ..Default::default()
    };
    let answer = ask(fleet, member.lobby, "JoinChannel", &request.into(), |answer| match answer {
        AnyMessage::JoinChannelResponse(answer) => Some(answer),
        _ => None,
    })?;
    check("JoinChannel", answer.status_code)?;
    let redirect = Redirect::new("JoinChannel", &answer.connect_info)?;
    fleet.hang_up(member.lobby, true);
    member.lobby = fleet.dial(style.follow(ServerKind::Mls, &redirect), redirect.address)?;
    member.channel = channel;
    fleet.ready(member.lobby)
}

/// Makes a game for `max_players` on the relay.
///
/// # Errors
/// Refused.
pub fn create_game(
    fleet: &mut Fleet,
    style: &Style,
    member: &Member,
    name: &str,
    max_players: i32,
) -> Result<MediusWorldId> {
    let (session_key, application_id) = (member.session_key, style.config.dialect.app_id);
    let game_host_type = GameHostType(4);
    let request = if style.config.dialect.medius_version <= 108 {
        CreateGameRequest0 {
            message_id: id(),
            session_key,
            application_id,
            max_players,
            game_name: Text::new(name),
            game_host_type,
            ..Default::default()
        }
        .into()
    } else {
        CreateGameRequest {
            message_id: id(),
            session_key,
            application_id,
            max_players,
            game_name: Text::new(name),
            game_host_type,
            ..Default::default()
        }
        .into()
    };
    let (status, world) = ask(fleet, member.lobby, "CreateGame", &request, |answer| match answer {
        AnyMessage::CreateGameResponse(answer) => Some((answer.status_code, answer.medius_world_id)),
        _ => None,
    })?;
    check("CreateGame", status)?;
    Ok(world)
}

/// Joins a game and enters its world on the relay; gives the connection to it.
///
/// # Errors
/// Refused.
pub fn join_game(
    fleet: &mut Fleet,
    style: &Style,
    member: &Member,
    game: MediusWorldId,
    udp: bool,
) -> Result<usize> {
    let request = JoinGameRequest {
        message_id: id(),
        session_key: member.session_key,
        medius_world_id: game,
        game_host_type: GameHostType(4),
        ..Default::default()
    };
    let answer = ask(fleet, member.lobby, "JoinGame", &request.into(), |answer| match answer {
        AnyMessage::JoinGameResponse(answer) => Some(answer),
        _ => None,
    })?;
    check("JoinGame", answer.status_code)?;
    let redirect = Redirect::new("JoinGame", &answer.connect_info)?;
    let mut config = style.follow(ServerKind::Dme, &redirect);
    config.aux_udp = udp;
    enter_world(fleet, config, redirect.address)
}

/// Enters a world on a relay and asks to hear everything.
///
/// # Errors
/// Refused.
pub(crate) fn enter_world(fleet: &mut Fleet, config: ClientConfig, address: SocketAddr) -> Result<usize> {
    let old = config.dialect.is_108();
    let number = fleet.dial(config, address)?;
    fleet.ready(number)?;
    if let Some(session) = fleet.get(number).and_then(|connection| connection.session()) {
        // `02 01` from UYA, `0f` from Deadlocked.
        let flags = ClientSetRecvFlag { kind: old.then_some(2), flags: if old { 1 } else { 0x0f } };
        session.send_rt(Transport::Tcp, &RtMessage::ClientSetRecvFlag(flags))?;
    }
    fleet.settle(number, Transport::Tcp)?;
    Ok(number)
}
