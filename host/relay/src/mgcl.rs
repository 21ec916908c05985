//! The link to MPS: this relay as an RT client that speaks MGCL (servers.md 9.3), also when MPS is in the same process.
//!
//! # Who may register
//!
//! Nothing in MGCL tells a relay from any other peer, so the CONNECT_TCP of this link carries proof: the session key
//! [`MPS_SESSION_KEY`] and, where both ends are configured with a secret, the access key [`mps_access_key`] of it. MPS
//! takes a relay that shows this access key, or one that connects from loopback while no secret is configured; it
//! refuses all others with CONNECT_REJECT 5. The link is enciphered with keys that are public knowledge: between
//! machines it belongs on a trusted network or in a tunnel.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use medley_crypto::RsaKeyPair;
use medley_session::{ClientConfig, ClientEvent, ClientSession, SendError, ServerKind, SessionError, Time};
use medley_wire::enums::{
    MgclAlertLevel, MgclErrorCode, MgclEventType, MgclServerAttributes, NetAddressType,
};
use medley_wire::messages::{
    NetAddress, RsaKey, ServerConnectNotification, ServerCreateGameResponse,
    ServerCreateGameWithAttributesResponse, ServerEndGameOnMeRequest, ServerEndGameResponse,
    ServerJoinGameResponse, ServerReport, ServerSetAttributesRequest,
};
use medley_wire::types::{MediusWorldId, MessageId, Text};
use medley_wire::{AnyMessage, AppId};
use rand::RngCore;
use rand::rngs::OsRng;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::MpsLink;
use crate::relay::{RelayHandle, WorldError};
use crate::shard::Notice;
use crate::world::{DmeWorldId, Refused};

/// What a relay says as its session key: a name, not a secret.
pub const MPS_SESSION_KEY: &str = "MEDLEY-RELAY";

/// How often the load is reported without a change.
const REPORT: Duration = Duration::from_secs(10);
/// Changes within this time make one report.
const REPORT_AT_MOST: Duration = Duration::from_millis(250);
/// The first pause after a lost link; it doubles up to [`MpsLink::reconnect`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// From the TCP connection to the end of the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The dialect of the link: hellos of both public emulators say 0x6e.
const VERSION: u16 = 110;

/// The access key that proves a relay to MPS: 16 hexadecimal characters of the SHA-1 of a fixed text and the secret.
#[must_use]
pub fn mps_access_key(secret: &str) -> Text<17> {
    let digest = Sha1::new().chain_update(b"medley relay to MPS\0").chain_update(secret).finalize();
    let text: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Text::new(text)
}

/// Why the link broke.
#[derive(Debug, thiserror::Error)]
enum LinkError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Session(#[from] SessionError),
    #[error("{0}")]
    Send(#[from] SendError),
    #[error("MPS closed the connection")]
    Closed,
    #[error("MPS said goodbye, reason {0}")]
    Goodbye(u8),
    #[error("no answer within {} s", HANDSHAKE.as_secs())]
    Silent,
    #[error("the relay can serve nobody any more")]
    Dead,
}

/// Keeps the link up until the relay stops.
pub(crate) async fn run(
    relay: RelayHandle,
    keys: Arc<RsaKeyPair>,
    mut notices: mpsc::Receiver<Notice>,
    shutdown: CancellationToken,
) {
    let mut pause = FIRST_PAUSE;
    let Some(link) = relay.config().mps.clone() else {
        // Nobody to tell. The shards' queue must not fill all the same.
        while let Some(Some(_)) = shutdown.run_until_cancelled(notices.recv()).await {}
        return;
    };
    loop {
        let mut registered = false;
        let one = one_link(&relay, &link, &keys, &mut notices, &mut registered);
        let ended = shutdown.run_until_cancelled(one).await;
        relay.set_joined(false);
        let Some(ended) = ended else { return };
        if shutdown.is_cancelled() {
            // A host that stops says goodbye to its relay too: the end that was asked for, and no trouble.
            return;
        }
        if relay.is_dead() {
            // MPS must not place a game here. What it has here it closes when the link is gone.
            tracing::error!(mps = %link.address, "the relay can serve nobody any more and leaves MPS");
            while let Some(Some(_)) = shutdown.run_until_cancelled(notices.recv()).await {}
            return;
        }
        if let Err(error) = ended {
            tracing::warn!(%error, mps = %link.address, "no link to MPS");
        }
        pause = if registered { FIRST_PAUSE } else { (pause * 2).min(link.reconnect) };
        let wait = async {
            let waiting = sleep(pause);
            tokio::pin!(waiting);
            loop {
                tokio::select! {
                    () = &mut waiting => return,
                    // What happens now MPS will see in the next report; players who join or leave it cannot know.
                    notice = notices.recv() => if notice.is_none() { return },
                }
            }
        };
        if shutdown.run_until_cancelled(wait).await.is_none() {
            return;
        }
    }
}

struct Link {
    session: ClientSession,
    started: Instant,
    last_report: Option<(Instant, ServerReport)>,
}

/// From the connection to its end.
async fn one_link(
    relay: &RelayHandle,
    link: &MpsLink,
    keys: &Arc<RsaKeyPair>,
    notices: &mut mpsc::Receiver<Notice>,
    registered: &mut bool,
) -> Result<(), LinkError> {
    let connecting = timeout(HANDSHAKE, TcpStream::connect(link.address)).await;
    let mut stream = connecting.map_err(|_| LinkError::Silent)??;
    stream.set_nodelay(true)?;
    let access_key = link.secret.as_deref().map(mps_access_key).unwrap_or_default();
    // As one public emulator's DME does: the pair of MPS is its own too.
    let config = ClientConfig::new(VERSION, link.app_id, ServerKind::Mps)
        .with_keys(Arc::clone(keys), keys.public().clone())
        .redirected(1, MPS_SESSION_KEY.as_bytes(), access_key.as_bytes());
    let mut seed = [0; 32];
    OsRng.fill_bytes(&mut seed);
    let started = Instant::now();
    let session = ClientSession::new(Arc::new(config), seed, Time::ZERO)?;
    let mut state = Link { session, started, last_report: None };
    let mut buffer = vec![0; 16 * 1024];
    let mut requests: Vec<AnyMessage> = Vec::new();
    let mut told = None;
    loop {
        let output = state.session.take_output();
        if !output.is_empty() {
            stream.write_all(&output).await?;
        }
        let now = started.elapsed();
        let mut wake = state.session.poll_timeout().map_or(REPORT, |at| at.0.saturating_sub(now));
        wake = wake.min(if *registered { REPORT } else { HANDSHAKE.saturating_sub(now) });
        if *registered && state.report_waits(relay) {
            wake = wake.min(REPORT_AT_MOST);
        }
        tokio::select! {
            read = stream.read(&mut buffer) => {
                let count = read?;
                if count == 0 {
                    return Err(LinkError::Closed);
                }
                let mut connected = false;
                let mut goodbye = None;
                let input = buffer.get_mut(..count).unwrap_or_default();
                state.session.receive(Time(started.elapsed()), input, |session, event| match event {
                    ClientEvent::Connected { .. } => connected = true,
                    ClientEvent::App { payload } => {
                        match AnyMessage::decode(payload, &session.dialect()) {
                            Ok(message) => requests.push(message),
                            Err(error) => tracing::warn!(%error, "MPS sent something that cannot be read"),
                        }
                    }
                    ClientEvent::Disconnect { reason } => goodbye = Some(reason),
                    _ => {}
                })?;
                if let Some(reason) = goodbye {
                    return Err(LinkError::Goodbye(reason));
                }
                if connected {
                    told = relay.public_address();
                    state.session.send_app(&attributes(relay, link, told).into())?;
                    *registered = true;
                    tracing::info!(mps = %link.address, "relay registers with MPS");
                    state.report(relay, true)?;
                }
                for request in requests.drain(..) {
                    if *registered {
                        answer(relay, &mut state.session, request).await?;
                    }
                }
            }
            notice = notices.recv() => match notice {
                None => return Ok(()),
                Some(notice) if *registered => state.notify(&notice)?,
                Some(_) => {}
            },
            () = sleep(wake) => {
                if !*registered && started.elapsed() >= HANDSHAKE {
                    return Err(LinkError::Silent);
                }
            }
        }
        if relay.is_dead() {
            let _ = state.session.disconnect();
            let _ = stream.write_all(&state.session.take_output()).await;
            return Err(LinkError::Dead);
        }
        state.session.handle_timeout(Time(started.elapsed()))?;
        if *registered {
            let address = relay.public_address();
            if address != told {
                told = address;
                state.session.send_app(&attributes(relay, link, told).into())?;
            }
            state.report(relay, false)?;
        }
    }
}

impl Link {
    fn notify(&mut self, notice: &Notice) -> Result<(), SendError> {
        let (event, world, session_key) = match notice {
            Notice::Joined { world, session_key } => (MgclEventType::CONNECT, world, session_key),
            Notice::Left { world, session_key } => (MgclEventType::DISCONNECT, world, session_key),
            Notice::Load => return Ok(()),
            Notice::Lost { world } => {
                let end = ServerEndGameOnMeRequest {
                    message_id: Text::new("1"),
                    medius_world_id: world_id(*world),
                };
                return self.session.send_app(&end.into());
            }
        };
        let notification = ServerConnectNotification {
            connect_event_type: event,
            medius_world_uid: world_id(*world),
            player_session_key: *session_key,
        };
        self.session.send_app(&notification.into())
    }

    fn report_waits(&self, relay: &RelayHandle) -> bool {
        self.last_report.as_ref().is_none_or(|(_, last)| *last != load(relay))
    }

    /// Tells the load when it has changed, but not at each change of a crowd; and when it has not, now and then.
    fn report(&mut self, relay: &RelayHandle, now: bool) -> Result<(), SendError> {
        let report = load(relay);
        let due = self.last_report.as_ref().is_none_or(|(at, last)| {
            let age = at.elapsed();
            age >= REPORT || (*last != report && age >= REPORT_AT_MOST)
        });
        if due || now {
            self.session.send_app(&report.clone().into())?;
            self.last_report = Some((Instant::now(), report));
        }
        tracing::trace!(up = ?self.started.elapsed(), "link to MPS looked after");
        Ok(())
    }
}

fn load(relay: &RelayHandle) -> ServerReport {
    let counters = relay.counters();
    let config = relay.config();
    let short = |number: u64| i16::try_from(number).unwrap_or(i16::MAX);
    let full = counters.worlds >= u64::from(config.max_worlds);
    ServerReport {
        session_key: Text::new(MPS_SESSION_KEY),
        max_worlds: short(config.max_worlds.into()),
        max_players_per_world: short(config.max_players_per_world.into()),
        active_world_count: short(counters.worlds),
        total_active_players: short(counters.players),
        alert_level: if full { MgclAlertLevel::HIGH } else { MgclAlertLevel::NONE },
    }
}

/// Who we are: the address that clients are to be told. Without a configured one MPS knows ours best: it sees it.
fn attributes(relay: &RelayHandle, link: &MpsLink, address: Option<Ipv4Addr>) -> ServerSetAttributesRequest {
    // All zero then, the port apart: MPS is to take the address of the connection.
    let ip = address.unwrap_or(Ipv4Addr::UNSPECIFIED);
    ServerSetAttributesRequest {
        message_id: Text::new("1"),
        attributes: MgclServerAttributes(link.location),
        listen_server_address: NetAddress::text(NetAddressType::NONE, ip, relay.tcp_addr().port()),
    }
}

fn world_id(id: DmeWorldId) -> MediusWorldId {
    MediusWorldId(id.0 as i32)
}

fn dme_world(id: i32) -> DmeWorldId {
    // A negative number is nobody's.
    DmeWorldId(u32::try_from(id).unwrap_or(0))
}

fn confirmation(error: WorldError) -> MgclErrorCode {
    match error {
        WorldError::Refused(Refused::NoWorld(_)) => MgclErrorCode::INVALID_ARG,
        WorldError::Refused(Refused::Allot(_)) | WorldError::TooMany { .. } | WorldError::Busy => {
            MgclErrorCode::UNSUCCESSFUL
        }
    }
}

async fn create(relay: &RelayHandle, app: AppId, max_clients: i32) -> (MgclErrorCode, MediusWorldId) {
    let max_clients = u16::try_from(max_clients.max(0)).unwrap_or(u16::MAX);
    match relay.create_world(app, max_clients).await {
        Ok(id) => (MgclErrorCode::SUCCESS, world_id(id)),
        Err(error) => {
            tracing::warn!(%error, app = app.0, "no world for MPS");
            (confirmation(error), MediusWorldId(0))
        }
    }
}

/// Answers one request of MPS; its MessageID goes back as it came.
async fn answer(
    relay: &RelayHandle,
    session: &mut ClientSession,
    request: AnyMessage,
) -> Result<(), SendError> {
    match request {
        AnyMessage::ServerCreateGameWithAttributesRequest(request) => {
            let (confirmation, medius_world_id) =
                create(relay, request.application_id, request.max_clients).await;
            let message_id = request.message_id;
            session.send_app(
                &ServerCreateGameWithAttributesResponse { message_id, confirmation, medius_world_id }.into(),
            )
        }
        AnyMessage::ServerCreateGameWithAttributesRequest2(request) => {
            let (confirmation, medius_world_id) =
                create(relay, request.application_id, request.max_clients).await;
            let message_id = request.message_id;
            session.send_app(
                &ServerCreateGameWithAttributesResponse { message_id, confirmation, medius_world_id }.into(),
            )
        }
        AnyMessage::ServerCreateGameRequest(request) => {
            let (confirmation, medius_world_id) =
                create(relay, request.application_id, request.max_clients).await;
            let message_id = request.message_id;
            session.send_app(&ServerCreateGameResponse { message_id, confirmation, medius_world_id }.into())
        }
        AnyMessage::ServerJoinGameRequest(request) => {
            let info = &request.connect_info;
            let world = dme_world(info.world_id.0);
            let response = match relay.allot(world, info.session_key).await {
                Ok(allotment) => ServerJoinGameResponse {
                    message_id: request.message_id,
                    confirmation: MgclErrorCode::SUCCESS,
                    access_key: Text::new(allotment.access_key.as_bytes()),
                    pub_key: RsaKey::from_wire(
                        &relay.app_of(world).map_or([0; 64], |app| relay.server_key(app)),
                    ),
                    dme_client_index: allotment.index.0.into(),
                },
                Err(error) => {
                    tracing::warn!(%error, world = world.0, "no place for a player of MPS");
                    refused_join(request.message_id, confirmation(error))
                }
            };
            session.send_app(&response.into())
        }
        AnyMessage::ServerEndGameRequest(request) => {
            let world = dme_world(request.medius_world_id.0);
            let confirmation = match relay.end_world(world, request.brutal_flag.is_set()).await {
                Ok(()) => MgclErrorCode::SUCCESS,
                Err(error) => confirmation(error),
            };
            let message_id = request.message_id;
            session.send_app(&ServerEndGameResponse { message_id, confirmation }.into())
        }
        AnyMessage::ServerDisconnectPlayerRequest(request) => {
            // No answer is declared for it: the ServerConnectNotification of the leaver tells.
            if let Ok(index) = u16::try_from(request.dme_client_index) {
                let _ = relay.put_out(dme_world(request.dme_world_id), index).await;
            }
            Ok(())
        }
        AnyMessage::ServerSetAttributesResponse(response) => {
            relay.set_joined(response.confirmation == MgclErrorCode::SUCCESS);
            if !relay.joined() {
                tracing::warn!(code = response.confirmation.0, "MPS did not take our attributes");
            }
            Ok(())
        }
        other => {
            tracing::debug!(name = other.info().map(|info| info.name), "MPS sent something unexpected");
            Ok(())
        }
    }
}

fn refused_join(message_id: MessageId, confirmation: MgclErrorCode) -> ServerJoinGameResponse {
    ServerJoinGameResponse { message_id, confirmation, ..Default::default() }
}
