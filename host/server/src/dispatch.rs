//! From a decoded message to its answers.
//!
//! decode -> row of the table -> server and needs -> hooks of the title's plugin -> handler -> hooks -> answers.

use medley_session::ServerKind;
use medley_wire::enums::{CallbackStatus, MgclErrorCode, NetMessageClass};
use medley_wire::messages::{
    self, File, FileUpdateMetaDataResponse, FileUploadServerRequest, InvitePlayerToClanResponse, MessageInfo,
    ServerCreateGameOnMeResponse, StatusResponse_0, UniverseStatusList_ExtraInfoResponse, UnknownMessage,
};
use medley_wire::rt::{ClientAppToPlugin, RtMessage, ServerPluginToApp};
use medley_wire::types::{BigEndian, MessageId, Text, VarBytes};
use medley_wire::{AnyMessage, DecodeError, Dialect};

use crate::context::{Context, Out, Refusal};
use crate::events::{self, Event};
use crate::handlers::{self, Early, Failure, HandlerInfo, Needs};
use crate::plugin::hooks::{self, Flow};

/// What came in an application frame.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A message that the title's plugin wants to see as it came.
    Raw(Vec<u8>),
    /// A message.
    Message(AnyMessage),
    /// The body does not fit the message's layout.
    Undecodable(Undecodable),
}

/// A message that does not decode.
#[derive(Debug)]
pub(crate) struct Undecodable {
    info: Option<&'static MessageInfo>,
    message_id: Option<MessageId>,
    error: DecodeError,
}

impl Incoming {
    /// Decodes class, id and body.
    pub(crate) fn decode(payload: &[u8], dialect: &Dialect) -> Self {
        match AnyMessage::decode(payload, dialect) {
            Ok(message) => Self::Message(message),
            Err(error) => {
                let info = match payload {
                    [class, id, ..] => messages::info(NetMessageClass(*class), (*id).into()),
                    _ => None,
                };
                let message_id = info.and_then(|info| salvage_message_id(info, payload, dialect));
                Self::Undecodable(Undecodable { info, message_id, error })
            }
        }
    }
}

/// What came in CLIENT_APP_TO_PLUGIN.
pub(crate) fn decode_plugin(message: &ClientAppToPlugin, dialect: &Dialect) -> Incoming {
    let id = message.plugin_message_id.0;
    match AnyMessage::decode_plugin(id, &message.body.0, dialect) {
        Ok(message) => Incoming::Message(message),
        Err(error) => {
            let info = messages::info(NetMessageClass::APPLICATION, id);
            Incoming::Undecodable(Undecodable { info, message_id: None, error })
        }
    }
}

/// The frame of a message of class Application.
pub(crate) fn plugin_frame(message: &AnyMessage, dialect: &Dialect) -> RtMessage {
    let body = message.encode_plugin(dialect);
    RtMessage::ServerPluginToApp(ServerPluginToApp {
        incoming: 0,
        zero: 0,
        size: u8::try_from(body.len()).unwrap_or(u8::MAX),
        plugin_id: MAPS_PLUGIN,
        plugin_message_id: BigEndian(message.id()),
        body: VarBytes(body),
    })
}

/// The plugin id that the one public server with MAPS sends.
const MAPS_PLUGIN: u8 = 31;

/// The MessageID of a request that is otherwise broken, if it lies whole inside of what came.
fn salvage_message_id(info: &MessageInfo, payload: &[u8], dialect: &Dialect) -> Option<MessageId> {
    // Where the field lies shows in an empty request that carries a marker.
    const MARKER: [u8; 20] = [0x7f; 20];
    let mut empty = AnyMessage::empty(info.name)?;
    empty.message_id()?;
    empty.set_message_id(Text::full(MARKER));
    let encoded = empty.encode(dialect);
    let at = encoded.windows(MARKER.len()).position(|window| window == MARKER)?;
    payload.get(at..at + 21).map(Text::full)
}

/// Answers one request. Afterwards everything to be sent is in [`Context::out`].
pub(crate) async fn dispatch(ctx: &mut Context, mut request: Incoming) {
    if let Incoming::Raw(mut payload) = request {
        let flow = hooks::incoming(ctx, &mut payload).await;
        request = Incoming::decode(&payload, &ctx.dialect);
        match flow {
            Flow::Go => {}
            Flow::Done => return,
            Flow::Refuse(status) => return refuse_raw(ctx, &request, status),
        }
    }
    match request {
        // Decoded above.
        Incoming::Raw(_) => {}
        Incoming::Message(AnyMessage::Unknown(unknown)) => ignore_unknown(ctx, &unknown),
        Incoming::Undecodable(undecodable) => refuse_undecodable(ctx, &undecodable),
        Incoming::Message(message) => match handlers::find(message.class().0, message.id()) {
            Some(info) => handle(ctx, info, message).await,
            None => ignore_unhandled(ctx, &message),
        },
    }
}

/// Answers a message with its failure where it has one.
fn refuse_raw(ctx: &mut Context, request: &Incoming, status: CallbackStatus) {
    let Incoming::Message(message) = request else { return };
    match handlers::find(message.class().0, message.id()) {
        Some(info) => refuse(ctx, info, message, status),
        None => ctx.out.extend(failure_answer(message, status).map(Out::App)),
    }
}

async fn handle(ctx: &mut Context, info: &'static HandlerInfo, mut message: AnyMessage) {
    if let Err(why) = check(ctx, info) {
        tracing::debug!(message = info.message.name, server = ?ctx.kind, ?why, "request refused");
        match why {
            Early::Unanswered => {}
            Early::Status(status) => refuse(ctx, info, &message, status),
            Early::Refused => refuse(ctx, info, &message, default_status(info.failure)),
        }
        return;
    }
    metrics::counter!(events::REQUESTS, "message" => info.message.name).increment(1);
    let hooks = ctx.title.hooks().clone();
    if let Some(hooks) = &hooks {
        // Boxed, so that a request of a title without a plugin has no room for it.
        match Box::pin(hooks::before(ctx, hooks, &mut message)).await {
            Flow::Go => {}
            Flow::Done => return,
            Flow::Refuse(status) => return refuse(ctx, info, &message, status),
        }
    }
    let before = ctx.out.len();
    let result = (info.call)(ctx, &message).await;
    if let Some(hooks) = &hooks
        && let Some(status) = Box::pin(hooks::after(ctx, hooks, &message, before)).await
    {
        ctx.out.truncate(before);
        return refuse(ctx, info, &message, status);
    }
    let message = &message;
    let replied = |out: &Out| matches!(out, Out::App(_) | Out::Raw(_));
    let replied = ctx.out.get(before..).is_some_and(|out| out.iter().any(replied));
    match result {
        Err(Refusal::Answered) => {}
        Err(_) if replied => {
            tracing::error!(
                message = info.message.name,
                "a handler replied and then failed; the reply stands"
            );
        }
        Err(Refusal::Status(status)) => refuse(ctx, info, message, status),
        Err(Refusal::Default) => refuse(ctx, info, message, default_status(info.failure)),
        Ok(()) if !replied && info.failure != Failure::Silent => {
            tracing::error!(message = info.message.name, "a handler did not reply");
            refuse(ctx, info, message, default_status(info.failure));
        }
        Ok(()) => {}
    }
}

/// Whether this server takes the request, now.
fn check(ctx: &Context, info: &HandlerInfo) -> Result<(), Early> {
    let counters = &ctx.shared.counters;
    if !info.servers.include(ctx.kind) {
        counters.count(Event::ErrorWrongServer);
        return Err(Early::Refused);
    }
    let missing = match info.needs {
        // MUIS has no sessions; what it takes needs none there.
        _ if ctx.kind == ServerKind::Muis => None,
        Needs::Connection => None,
        Needs::Session => ctx.session.is_none().then_some(CallbackStatus::SESSION_KEY_INVALID),
        Needs::Login if ctx.session.is_none() => Some(CallbackStatus::SESSION_KEY_INVALID),
        Needs::Login => ctx.player.is_none().then_some(CallbackStatus::PLAYER_NOT_PRIVILEGED),
    };
    match missing {
        None => Ok(()),
        Some(status) => {
            counters.count(Event::ErrorPrecondition);
            Err(if info.early == Early::Refused { Early::Status(status) } else { info.early })
        }
    }
}

fn default_status(failure: Failure) -> CallbackStatus {
    match failure {
        Failure::Status(status) => status,
        Failure::Silent => CallbackStatus::FAIL,
    }
}

fn refuse(ctx: &mut Context, info: &HandlerInfo, message: &AnyMessage, status: CallbackStatus) {
    if info.failure == Failure::Silent {
        return;
    }
    metrics::counter!(events::REFUSALS, "message" => info.message.name).increment(1);
    if let Some(answer) = failure_answer(message, status) {
        ctx.reply(answer);
    }
}

/// The paired failure of a request: its declared answer with the status, or what is documented where none is declared.
pub(crate) fn failure_answer(message: &AnyMessage, status: CallbackStatus) -> Option<AnyMessage> {
    let id = message.message_id().unwrap_or_default();
    if let Some((class, number)) = generic_answer(message) {
        return Some(status_response(class, number, id, status));
    }
    match message {
        AnyMessage::GetUniverse_ExtraInfoRequest(_) => Some(
            UniverseStatusList_ExtraInfoResponse {
                message_id: id,
                status_code: status,
                end_of_list: true.into(),
                ..Default::default()
            }
            .into(),
        ),
        AnyMessage::ServerCreateGameOnSelfRequest(_) | AnyMessage::ServerCreateGameOnSelfRequest0(_) => {
            let answer = ServerCreateGameOnMeResponse { message_id: id, ..Default::default() };
            let mut answer = AnyMessage::from(answer);
            complete_failure(&mut answer, id, status);
            Some(answer)
        }
        // Its declared answer is the client's own, with the bytes (servers.md 7.10).
        AnyMessage::FileUploadRequest(_) => {
            Some(FileUploadServerRequest { message_id: id, status_code: status, ..Default::default() }.into())
        }
        AnyMessage::FileUpdateAuxMetaDataRequest(_) => {
            Some(aux_metadata_response(id, status, File::default()))
        }
        AnyMessage::InvitePlayerToClan_ByNameRequest(_) => {
            Some(InvitePlayerToClanResponse { message_id: id, status_code: status }.into())
        }
        _ => {
            let mut answer = message.answer_with(status)?;
            complete_failure(&mut answer, id, status);
            Some(answer)
        }
    }
}

/// Fills in where an answer keeps its status elsewhere than in StatusCode, and the ids that say "none".
fn complete_failure(answer: &mut AnyMessage, id: MessageId, status: CallbackStatus) {
    let refused = MgclErrorCode::UNSUCCESSFUL;
    match answer {
        // Two answers in one body: both carry the request's id (servers.md trap 9).
        AnyMessage::TicketLoginResponse(answer) => {
            answer.message_id_account_login = id;
            answer.status_code_ticket_login = status;
            answer.status_code_account_login = status;
        }
        AnyMessage::AccountGetIDResponse(answer) => answer.account_id.0 = -1,
        AnyMessage::CreateGameResponse(answer) => answer.medius_world_id.0 = -1,
        AnyMessage::PartyCreateResponse(answer) => answer.medius_world_id.0 = -1,
        AnyMessage::CreateClanResponse(answer) => answer.clan_id.0 = -1,
        AnyMessage::GetMyClansResponse(answer) => answer.clan_id.0 = -1,
        AnyMessage::ServerAuthenticationResponse(answer) => answer.confirmation = refused,
        AnyMessage::ServerSessionBeginResponse(answer) => answer.confirmation = refused,
        AnyMessage::ServerSessionBeginResponse1(answer) => answer.confirmation = refused,
        AnyMessage::ServerSessionEndResponse(answer) => answer.error_code = refused,
        AnyMessage::ServerCreateGameOnMeResponse(answer) => answer.confirmation = refused,
        AnyMessage::ServerEndGameOnMeResponse(answer) => answer.confirmation = refused,
        AnyMessage::ServerMoveGameWorldOnMeResponse(answer) => answer.confirmation = refused,
        AnyMessage::ServerSetAttributesResponse(answer) => answer.confirmation = refused,
        _ => {}
    }
}

/// TokenResponse. The table of answers in Twisted Metal: Harbor City's program has it as LobbyExt 41, right behind the
/// request's 40; the 0x41 of public servers (and of servers.md) is that number in the wrong base, and the id of a request.
const TOKEN_RESPONSE: (NetMessageClass, u8) = (NetMessageClass::LOBBY_EXT, 41);

/// The answer of TokenRequest.
pub(crate) fn token_response(message_id: MessageId, status: CallbackStatus) -> AnyMessage {
    status_response(TOKEN_RESPONSE.0, TOKEN_RESPONSE.1, message_id, status)
}

/// The answer of FileUpdateAuxMetaData, which no table names. Answers have the id behind their request's, and LobbyExt 71 is
/// free behind this one's 70, as 41 is behind TokenRequest's; its layout is taken to be that of FileUpdateMetaData's answer.
pub(crate) fn aux_metadata_response(
    message_id: MessageId,
    status_code: CallbackStatus,
    medius_file: File,
) -> AnyMessage {
    let layout =
        FileUpdateMetaDataResponse { medius_file, status_code, message_id, end_of_list: true.into() };
    let body = AnyMessage::from(layout).encode_plugin(&Dialect::new(113, medley_wire::AppId(0)));
    AnyMessage::Unknown(UnknownMessage { class: NetMessageClass::LOBBY_EXT, id: 71, body })
}

/// Requests that are answered with the generic StatusResponse, under which class and id (servers.md 1, rule 11). Of the
/// last four the id tables name the answer, right behind the request, and nobody has its layout: nearly every answer has
/// its first two fields, MessageID and StatusCode (messages.md 3), in this form.
fn generic_answer(message: &AnyMessage) -> Option<(NetMessageClass, u8)> {
    match message {
        AnyMessage::TokenRequest(_) => Some(TOKEN_RESPONSE),
        AnyMessage::SetMessageAsReadRequest(_) => Some((NetMessageClass::LOBBY, 0xc7)),
        AnyMessage::NpIdPostRequest(_) => Some((NetMessageClass::LOBBY_EXT, 0x6e)),
        AnyMessage::ClanRenameRequest(_) => Some((NetMessageClass::LOBBY_EXT, 0x7d)),
        AnyMessage::AddAliasRequest(_) => Some((NetMessageClass::LOBBY_EXT, 0x4f)),
        AnyMessage::MatchCancelRequest(_) => Some((NetMessageClass::LOBBY_EXT, 0x93)),
        AnyMessage::GroupJoinChannelRequest(_) => Some((NetMessageClass::LOBBY_EXT, 0x91)),
        AnyMessage::UtilAddLobbyWorldRequest(_) => Some((NetMessageClass::LOBBY, 0xf6)),
        _ => None,
    }
}

/// The generic StatusResponse under a class and id.
pub(crate) fn status_response(
    class: NetMessageClass,
    number: u8,
    message_id: MessageId,
    status_code: CallbackStatus,
) -> AnyMessage {
    let layout = AnyMessage::from(StatusResponse_0 { message_id, status_code });
    let body = layout.encode_plugin(&Dialect::new(113, medley_wire::AppId(0)));
    AnyMessage::Unknown(UnknownMessage { class, id: number.into(), body })
}

/// Every message of a client has its row (a test of the table sees to it), so this one is of those that only servers send:
/// there is nothing to answer.
fn ignore_unhandled(ctx: &Context, message: &AnyMessage) {
    let Some(info) = message.info() else { return };
    let title = ctx.title.id().as_str().to_owned();
    if ctx.shared.first_unhandled(&title, info.class.0, info.id) {
        tracing::warn!(message = info.name, app = ctx.dialect.app_id.0, "no handler for this message");
    }
    metrics::counter!(events::UNHANDLED, "title" => title, "message" => info.name).increment(1);
    ctx.shared.counters.count(Event::Unhandled);
}

fn ignore_unknown(ctx: &Context, unknown: &UnknownMessage) {
    ctx.shared.counters.count(Event::ErrorUnknownMessage);
    if ctx.shared.first_unhandled(ctx.title.id().as_str(), unknown.class.0, unknown.id) {
        tracing::warn!(
            class = unknown.class.0,
            id = unknown.id,
            length = unknown.body.len(),
            app = ctx.dialect.app_id.0,
            "a message of unknown layout is ignored"
        );
    }
}

fn refuse_undecodable(ctx: &mut Context, undecodable: &Undecodable) {
    ctx.shared.counters.count(Event::ErrorUndecodable);
    tracing::debug!(error = %undecodable.error, "a message does not decode");
    let Some(info) = undecodable.info else { return };
    let row = handlers::find(info.class.0, info.id).filter(|row| row.failure != Failure::Silent);
    // Without its MessageID the answer would be some other request's.
    let (Some(row), Some(id)) = (row, undecodable.message_id) else { return };
    let Some(mut empty) = AnyMessage::empty(info.name) else { return };
    empty.set_message_id(id);
    let muis = ctx.kind == ServerKind::Muis;
    let status = if muis { CallbackStatus::INVALID_REQUEST_MSG } else { default_status(row.failure) };
    if let Some(answer) = failure_answer(&empty, status) {
        ctx.reply(answer);
    }
}

#[cfg(test)]
mod tests {
    use medley_wire::AppId;
    use medley_wire::messages::*;

    use super::*;

    const D: Dialect = Dialect::new(110, AppId(11184));

    #[test]
    fn the_message_id_of_a_broken_request_is_found_wherever_it_stands() {
        let mut request = AccountLoginRequest { message_id: "29269.0".into(), ..Default::default() };
        request.username = "Badger41".into();
        let whole = AnyMessage::from(request).encode(&D);
        let Incoming::Undecodable(broken) = Incoming::decode(&whole[..60], &D) else { panic!("it decodes") };
        assert_eq!(broken.message_id, Some("29269.0".into()));
        assert_eq!(broken.info.map(|info| info.name), Some("MediusAccountLoginRequest"));
        let Incoming::Undecodable(shorter) = Incoming::decode(&whole[..20], &D) else { panic!("it decodes") };
        assert_eq!(shorter.message_id, None);
    }

    #[test]
    fn a_failure_repeats_the_id_and_closes_the_list() {
        let request = AnyMessage::from(GetBuddyList_ExtraInfoRequest { message_id: "1".into() });
        let Some(AnyMessage::GetBuddyList_ExtraInfoResponse(answer)) =
            failure_answer(&request, CallbackStatus::NO_RESULT)
        else {
            panic!("another answer")
        };
        assert_eq!(answer.message_id, "1");
        assert_eq!((answer.status_code, answer.end_of_list), (CallbackStatus::NO_RESULT, true.into()));
    }

    #[test]
    fn both_halves_of_a_ticket_logins_failure_say_so() {
        let request = AnyMessage::from(TicketLoginRequest { message_id: "3".into(), ..Default::default() });
        let Some(AnyMessage::TicketLoginResponse(answer)) =
            failure_answer(&request, CallbackStatus::MACHINE_BANNED)
        else {
            panic!("another answer")
        };
        assert_eq!(answer.message_id_account_login, "3");
        assert_eq!(answer.status_code_ticket_login, CallbackStatus::MACHINE_BANNED);
        assert_eq!(answer.status_code_account_login, CallbackStatus::MACHINE_BANNED);
    }

    #[test]
    fn a_generic_answer_is_thirty_bytes_under_its_own_id() {
        let request =
            AnyMessage::from(SetMessageAsReadRequest { message_id: "7".into(), ..Default::default() });
        let answer = failure_answer(&request, CallbackStatus::SUCCESS).map(|answer| answer.encode(&D));
        let answer = answer.unwrap_or_default();
        assert_eq!((answer.len(), &answer[..3]), (30, &[0x01, 0xc7, b'7'][..]));
    }

    #[test]
    fn every_request_with_a_declared_answer_has_a_failure() {
        for info in
            ALL.iter().filter(|info| info.direction == Direction::ClientToServer && info.answer.is_some())
        {
            let Some(empty) = AnyMessage::empty(info.name) else { panic!("no empty {}", info.name) };
            assert!(failure_answer(&empty, CallbackStatus::FAIL).is_some(), "{}", info.name);
        }
    }
}
