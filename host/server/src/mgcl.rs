//! MPS: game servers (DME relays) and consoles that host games themselves, and the MGCL requests that go to them.
//!
//! Who is taken for what, when its CONNECT arrives (servers.md 9.2, 14; the rules are ours, since both public servers
//! take anybody):
//!
//! | keys of CONNECT | from | link |
//! |---|---|---|
//! | the relay key of this host as access key | anywhere | relay |
//! | none | this machine, and no relay key is set | relay |
//! | keys of a session with a login | anywhere | console host |
//! | keys of a session without a login | this machine, and no relay key is set | relay |
//! | anything else | | refused |
//!
//! A request to a game server carries a MessageID `<game>-0-<number>-0`; the number finds the request again when the
//! answer comes. The other parts are for foreign relays, of which one takes the game's id from the first part and
//! rewrites it in the answer (servers.md 9.3).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use medley_session::ConnectRequest;
use medley_titles::title::GameConnection;
use medley_titles::{AppRef, Cipher};
use medley_universe::{
    GameServerId, GameServerKind, PeerAddress, RegisterGameServer, RequestId, ServerCommand, SessionKey,
};
use medley_wire::enums::{NetAddressType, NetConnectionType};
use medley_wire::messages::{
    NetAddress, NetAddressList, NetConnectionInfo, RsaKey, ServerCreateGameWithAttributesRequest,
    ServerDisconnectPlayerRequest, ServerEndGameRequest, ServerJoinGameRequest,
};
use medley_wire::types::{MediusWorldId, MessageId, NetWorldId, Text};
use medley_wire::{AnyMessage, AppId};
use tokio::sync::mpsc;

use crate::actor::{Parcel, TitleHandle};
use crate::context::{Context, Refusal};
use crate::limits::lock;
use crate::shared::Shared;

/// App id with which a game server says that it serves every title.
pub const ANY_APP: u32 = 0;
/// Numbers of requests under way; above this the oldest is forgotten. The universe gives an unanswered one up after 5 s.
const MAX_REQUESTS: usize = 4096;
/// Numbers repeat after this many, so that a MessageID fits its 20 characters.
const NUMBERS: u32 = 10_000;
/// Worlds of one game server that are known by title.
const MAX_WORLDS: usize = 65_536;

/// The way to a game server's connection.
#[derive(Clone, Debug)]
pub(crate) struct ServerLine {
    pub(crate) parcels: mpsc::Sender<Parcel>,
    /// The queue was full once: commands are lost, the link has to end.
    pub(crate) overflow: Arc<AtomicBool>,
}

impl ServerLine {
    pub(crate) fn send(&self, parcel: Parcel) -> bool {
        let sent = self.parcels.try_send(parcel).is_ok();
        if !sent {
            self.overflow.store(true, Ordering::Relaxed);
        }
        sent
    }
}

/// Relays that are connected, for titles that start later.
#[derive(Debug, Default)]
pub(crate) struct GameServers {
    key: Option<Text<17>>,
    relays: Mutex<HashMap<GameServerId, (RegisterGameServer, ServerLine)>>,
}

impl GameServers {
    pub(crate) fn new(key: Option<Text<17>>) -> Self {
        Self { key: key.filter(|key| !key.is_empty()), relays: Mutex::default() }
    }

    /// What a title has to know when it starts.
    pub(crate) fn of_title(&self, apps: &[AppId]) -> Vec<(RegisterGameServer, ServerLine)> {
        let relays = lock(&self.relays);
        relays.values().filter(|(relay, _)| serves(relay, apps)).cloned().collect()
    }

    fn is_key(&self, given: &Text<17>) -> bool {
        let Some(key) = &self.key else { return false };
        let (key, given) = (key.as_bytes(), given.as_bytes());
        // Some clients cut the access key to 15 characters, but a relay is ours or wants to be: the whole key or nothing.
        // Every byte is looked at, so that the time says nothing about the first wrong one.
        key.len() == given.len() && key.iter().zip(given).fold(0, |found, (a, b)| found | (a ^ b)) == 0
    }
}

fn serves(relay: &RegisterGameServer, apps: &[AppId]) -> bool {
    relay.app_ids.is_empty() || relay.app_ids.iter().any(|app| apps.contains(app))
}

/// What is at the other end of a connection to MPS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LinkKind {
    /// A game relay.
    Relay,
    /// A player's console.
    Host(SessionKey),
}

/// The MPS side of a connection.
#[derive(Debug)]
pub struct MpsLink {
    pub(crate) server: GameServerId,
    pub(crate) kind: LinkKind,
    line: ServerLine,
    /// As last told; `None` before ServerSetAttributes or a first game.
    pub(crate) registration: Option<RegisterGameServer>,
    requests: HashMap<u32, (TitleHandle, RequestId)>,
    next: u32,
    /// The title of each world, for notifications.
    worlds: HashMap<i32, TitleHandle>,
}

impl MpsLink {
    fn new(ctx: &Context, kind: LinkKind, parcels: mpsc::Sender<Parcel>) -> Self {
        let line = ServerLine { parcels, overflow: Arc::default() };
        Self {
            server: GameServerId(ctx.id.0),
            kind,
            line,
            registration: None,
            requests: HashMap::new(),
            next: 0,
            worlds: HashMap::new(),
        }
    }

    /// True if commands were lost.
    pub(crate) fn overflowed(&self) -> bool {
        self.line.overflow.load(Ordering::Relaxed)
    }

    /// Remembers a request and gives its MessageID.
    fn correlate(&mut self, game: MediusWorldId, title: TitleHandle, request: RequestId) -> MessageId {
        self.next = (self.next + 1) % NUMBERS;
        if self.requests.len() >= MAX_REQUESTS {
            self.requests.clear();
            tracing::warn!("a game server leaves {MAX_REQUESTS} requests unanswered; they are forgotten");
        }
        self.requests.insert(self.next, (title, request));
        message_id(game.0, self.next)
    }

    /// The request that a MessageID answers.
    pub(crate) fn answered(&mut self, id: &MessageId) -> Option<(TitleHandle, RequestId)> {
        self.requests.remove(&number_of(id)?)
    }

    /// Notes whose world it is.
    pub(crate) fn note_world(&mut self, world: i32, title: TitleHandle) {
        if self.worlds.len() < MAX_WORLDS {
            self.worlds.insert(world, title);
        }
    }

    /// Whose world it is.
    pub(crate) fn title_of(&self, world: i32) -> Option<&TitleHandle> {
        self.worlds.get(&world)
    }
}

fn message_id(game: i32, number: u32) -> MessageId {
    MessageId::new(format!("{game}-0-{number}-0"))
}

/// The third part, whatever a foreign relay made of the others.
fn number_of(id: &MessageId) -> Option<u32> {
    core::str::from_utf8(id.as_bytes()).ok()?.split('-').nth(2)?.parse().ok()
}

/// What becomes of a connection to MPS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Admission {
    /// It is a relay.
    Relay,
    /// Its keys must open a session.
    ByKey,
    /// It is nobody.
    Refused,
}

/// Decides about a CONNECT to MPS. A relay's link is made at once.
pub(crate) fn admit(ctx: &mut Context, request: &ConnectRequest) -> Admission {
    let servers = &ctx.shared.game_servers;
    // What is no number is no session's key: a relay of ours says a name there, one of a public emulator nothing.
    let without_keys =
        request.access_key.is_empty() && SessionKey::parse(request.session_key.as_bytes()).is_none();
    let relay = servers.is_key(&request.access_key) || (without_keys && may_be_local_relay(ctx));
    if relay {
        let parcels = ctx.parcels();
        let link = MpsLink::new(ctx, LinkKind::Relay, parcels);
        tracing::info!(app = request.app_id.0, "a game relay connected");
        ctx.mps = Some(Box::new(link));
        return Admission::Relay;
    }
    if without_keys || request.app_id.0 == ANY_APP { Admission::Refused } else { Admission::ByKey }
}

/// From this machine, on a host that has no relay key.
fn may_be_local_relay(ctx: &Context) -> bool {
    let from = ctx.client_ip();
    ctx.shared.game_servers.key.is_none() && (from.is_loopback() || from == std::net::IpAddr::V4(ctx.local))
}

/// The keys opened a session: a player hosts, or a foreign relay came by way of MAS. Says whether it may stay. Commands
/// come by the session's queue, whose sending end is `parcels`.
pub(crate) fn attach_session(ctx: &mut Context, session: SessionKey, parcels: mpsc::Sender<Parcel>) -> bool {
    let kind = match &ctx.player {
        Some(_) => LinkKind::Host(session),
        None if may_be_local_relay(ctx) => LinkKind::Relay,
        None => return false,
    };
    let link = MpsLink::new(ctx, kind, parcels);
    ctx.mps = Some(Box::new(link));
    true
}

/// The first title: what a relay of all titles is filed under where one is wanted.
pub(crate) fn first_app(shared: &Arc<Shared>) -> Option<AppRef> {
    let titles = shared.titles();
    titles.titles().iter().flat_map(|title| &title.apps).find_map(|app| titles.lookup(app.id).cloned())
}

/// Makes the game server known, to one title or to all, with what it told about itself.
pub(crate) async fn register(
    ctx: &mut Context,
    location: i32,
    address: Option<NetAddress>,
) -> Result<(), Refusal> {
    let (app_id, peer_ip) = (ctx.dialect.app_id, crate::connection::v4(ctx.peer.ip()));
    let config = ctx.shared.config();
    // Until it reports, it is taken to have as much room as a relay of ours.
    let (max_worlds, max_players) = (config.relay.max_worlds.max(1), config.relay.max_players_per_world);
    drop(config);
    let Some(link) = ctx.mps.as_deref_mut() else { return Err(Refusal::Default) };
    let kind = match link.kind {
        LinkKind::Relay => GameServerKind::Dedicated,
        LinkKind::Host(session) => GameServerKind::Peer { session },
    };
    let told = address.or_else(|| link.registration.as_ref().map(|told| told.address.into()));
    // One that names no address of its own is reached where it came from.
    let port = told.map_or(0, |address| u16::try_from(address.port).unwrap_or(0));
    let ip = told.and_then(|address| address.ip()).filter(|ip| !ip.is_unspecified()).unwrap_or(peer_ip);
    let registration = RegisterGameServer {
        id: link.server,
        kind,
        app_ids: if app_id.0 == ANY_APP { Vec::new() } else { vec![app_id] },
        location,
        address: PeerAddress::from(NetAddress::text(NetAddressType::EXTERNAL, ip, port)),
        max_worlds: link.registration.as_ref().map_or(max_worlds, |told| told.max_worlds),
        max_players_per_world: u16::try_from(max_players).unwrap_or(u16::MAX),
    };
    link.registration = Some(registration.clone());
    let (server, line, relay) = (link.server, link.line.clone(), link.kind == LinkKind::Relay);
    if !relay {
        return Ok(ctx.title.attach_server(server, line, registration).await??);
    }
    // First where titles that start look, then to those that run: a title hears of it once or twice, never not at all.
    lock(&ctx.shared.game_servers.relays).insert(server, (registration.clone(), line.clone()));
    for title in titles_of(&ctx.shared, &registration) {
        title.attach_server(server, line.clone(), registration.clone()).await??;
    }
    tracing::info!(%server, %ip, port, app = app_id.0, "game relay registered");
    Ok(())
}

/// The running titles that a game server serves.
pub(crate) fn titles_of(shared: &Shared, registration: &RegisterGameServer) -> Vec<TitleHandle> {
    let titles = shared.titles();
    let mut running = shared.running_titles();
    running.retain(|handle| {
        registration.app_ids.is_empty()
            || titles.title(handle.id().as_str()).is_some_and(|title| {
                title.apps.iter().any(|app| registration.app_ids.contains(&AppId(app.id)))
            })
    });
    running
}

/// The connection is gone: so are its games.
pub(crate) async fn leave(ctx: &Context) {
    let Some(link) = &ctx.mps else { return };
    lock(&ctx.shared.game_servers.relays).remove(&link.server);
    let Some(registration) = &link.registration else { return };
    if link.kind == LinkKind::Relay {
        for title in titles_of(&ctx.shared, registration) {
            title.detach_server(link.server).await;
        }
    } else {
        ctx.title.detach_server(link.server).await;
    }
}

/// The MGCL request that says a universe's command.
pub(crate) fn command(ctx: &mut Context, command: ServerCommand, title: TitleHandle) -> Option<AnyMessage> {
    let shared = Arc::clone(&ctx.shared);
    let link = ctx.mps.as_deref_mut()?;
    let host = matches!(link.kind, LinkKind::Host(_));
    Some(match command {
        ServerCommand::Create { request, app_id, game, max_clients, attributes } => {
            ServerCreateGameWithAttributesRequest {
                message_id: link.correlate(game, title, request),
                application_id: app_id,
                max_clients: max_clients.into(),
                attributes,
                // A foreign relay takes this for the id of the world (servers.md 9.3).
                world_id: game.0,
            }
            .into()
        }
        ServerCommand::Join { request, dme_world, game, session, app_id, addresses, .. } => {
            let (connection_type, server_key) = join_terms(&shared, app_id, host);
            ServerJoinGameRequest {
                message_id: link.correlate(game, title, request),
                connect_info: NetConnectionInfo {
                    connection_type,
                    address_list: NetAddressList { address_list: addresses.map(NetAddress::from) },
                    world_id: NetWorldId(dme_world),
                    server_key,
                    session_key: Text::new(session.to_string()),
                    access_key: Text::EMPTY,
                },
            }
            .into()
        }
        ServerCommand::End { dme_world, brutal } => {
            link.worlds.remove(&dme_world);
            ServerEndGameRequest {
                message_id: message_id(0, 0),
                medius_world_id: MediusWorldId(dme_world),
                brutal_flag: brutal.into(),
            }
            .into()
        }
        ServerCommand::Disconnect { dme_world, dme_index } => ServerDisconnectPlayerRequest {
            message_id: message_id(0, 0),
            dme_world_id: dme_world,
            dme_client_index: dme_index,
        }
        .into(),
    })
}

/// How a joiner will connect, and the key it is to be given: zeros where the title's games are clear.
fn join_terms(shared: &Shared, app_id: AppId, host: bool) -> (NetConnectionType, RsaKey) {
    if host {
        return (NetConnectionType::PEER_TO_PEER_UDP, RsaKey::default());
    }
    let Some(app) = shared.lookup(app_id) else {
        return (NetConnectionType::CLIENT_SERVER_TCP_AUX_UDP, RsaKey::default());
    };
    let clear = app.app().encryption(&shared.config().encryption).dme == Cipher::Clear;
    let modulus = if clear { None } else { shared.server_modulus(&app) };
    (
        relay_connection(&app, None),
        modulus.map_or_else(RsaKey::default, |modulus| RsaKey::from_wire(&modulus)),
    )
}

/// NetConnectionType of a game on a relay: the title's rule, else what the game's host type asks for (servers.md 8.2;
/// type 3 for host type 4 in both captures).
pub(crate) fn relay_connection(
    app: &AppRef,
    host_type: Option<medley_wire::enums::GameHostType>,
) -> NetConnectionType {
    let config = &app.title().config;
    match config.games.connection {
        _ if !config.relay.udp => NetConnectionType::CLIENT_SERVER_TCP,
        GameConnection::Tcp => NetConnectionType::CLIENT_SERVER_TCP,
        GameConnection::Udp => NetConnectionType::CLIENT_SERVER_UDP,
        GameConnection::TcpAuxUdp => NetConnectionType::CLIENT_SERVER_TCP_AUX_UDP,
        GameConnection::HostType => match host_type {
            Some(medley_wire::enums::GameHostType::CLIENT_SERVER) => NetConnectionType::CLIENT_SERVER_TCP,
            // Host type 5 is the HD titles' own transport, which no relay speaks; they take type 3 (servers.md 8.2).
            _ => NetConnectionType::CLIENT_SERVER_TCP_AUX_UDP,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_found_by_its_number_also_after_a_foreign_relay_rewrote_the_rest() {
        let id = message_id(i32::MAX, NUMBERS - 1);
        assert_eq!((id.as_bytes().len() <= 20, number_of(&id)), (true, Some(NUMBERS - 1)));
        assert_eq!(number_of(&MessageId::new("3-0-17-1")), Some(17));
        assert_eq!(number_of(&MessageId::new("3-0-17")), Some(17));
        for bad in ["", "1", "1-2", "1-2-x", "1-2-99999999999"] {
            assert_eq!(number_of(&MessageId::new(bad)), None, "{bad}");
        }
    }

    #[test]
    fn only_the_whole_relay_key_is_the_relay_key() {
        let servers = GameServers::new(Some(Text::new("0123456789abcdef")));
        assert!(servers.is_key(&Text::new("0123456789abcdef")));
        for bad in ["", "0123456789abcde", "0123456789abcdeF"] {
            assert!(!servers.is_key(&Text::new(bad)), "{bad}");
        }
        assert!(!GameServers::new(None).is_key(&Text::EMPTY));
        assert!(!GameServers::new(Some(Text::EMPTY)).is_key(&Text::EMPTY));
    }
}
