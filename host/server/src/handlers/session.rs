//! Session begin and end, what a client says about itself, addresses and the clock (servers.md 6 and 7.1).

use medley_universe::{
    BeginSession, EndSession, KeepAlive, LeaveParty, Localization, Name, SessionKey, SetLocalization,
    SetLocation, SetMachine,
};
use medley_wire::enums::{CallbackStatus, ConnectionType, DnasCategory, TimeZone, UserAction};
use medley_wire::messages::{
    DnasSignaturePost, ExtendedSessionBeginRequest, GetMyIPRequest, GetServerTimeRequest,
    MachineSignaturePost, PickLocationRequest, Request, SessionBeginRequest, SessionBeginRequest1,
    SessionBeginResponse, SessionEndRequest, SetLocalizationParamsRequest, SetLocalizationParamsRequest1,
    SetLocalizationParamsRequest2, UpdateUserState,
};
use medley_wire::types::Text;

use crate::context::{Context, HandlerResult, Refusal};

pub(super) async fn begin(ctx: &mut Context, request: &SessionBeginRequest) -> HandlerResult {
    let answer = request.answer_with(CallbackStatus::SUCCESS);
    begin_session(ctx, request.connection_class, answer).await
}

pub(super) async fn begin1(ctx: &mut Context, request: &SessionBeginRequest1) -> HandlerResult {
    let answer = request.answer_with(CallbackStatus::SUCCESS);
    begin_session(ctx, request.connection_class, answer).await
}

pub(super) async fn extended_begin(
    ctx: &mut Context,
    request: &ExtendedSessionBeginRequest,
) -> HandlerResult {
    let answer = request.answer_with(CallbackStatus::SUCCESS);
    begin_session(ctx, request.connection_class, answer).await
}

async fn begin_session(
    ctx: &mut Context,
    class: ConnectionType,
    mut answer: SessionBeginResponse,
) -> HandlerResult {
    // A second begin on one connection gets the session that is there (servers.md 6: "or reuse the connection's").
    if ctx.session.is_none() {
        open_session(ctx, class).await?;
    }
    answer.session_key = ctx.session_key_text();
    ctx.reply(answer);
    Ok(())
}

/// Begins a session for this connection, of a client or a game server.
pub(super) async fn open_session(
    ctx: &mut Context,
    connection_class: ConnectionType,
) -> Result<SessionKey, Refusal> {
    let key = ctx.shared.next_session();
    let begin = BeginSession {
        key,
        connection: ctx.id,
        app_id: ctx.app_id(),
        version: ctx.dialect.medius_version,
        connection_class,
        client_ip: ctx.client_ip(),
    };
    let parcels = ctx.parcels();
    ctx.title.attach(ctx.id, parcels, begin).await??;
    ctx.session = Some(key);
    // A signature may have come before the session.
    if let Some(machine) = ctx.machine.clone() {
        ctx.title.run(SetMachine { session: key, machine: Name::new(machine) }).await??;
    }
    Ok(key)
}

pub(super) async fn end(ctx: &mut Context, request: &SessionEndRequest) -> HandlerResult {
    let session = ctx.session()?;
    if SessionKey::parse(request.session_key.as_bytes()) != Some(session) {
        return Err(CallbackStatus::SESSION_KEY_INVALID.into());
    }
    ctx.title.run(EndSession { session }).await??;
    ctx.session = None;
    ctx.player = None;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

async fn localize(ctx: &Context, localization: Localization, location: Option<i32>) -> HandlerResult {
    let session = ctx.session()?;
    ctx.title.run(SetLocalization { session, localization }).await??;
    if let Some(location) = location {
        ctx.title.run(SetLocation { session, location }).await??;
    }
    Ok(())
}

pub(super) async fn set_localization(
    ctx: &mut Context,
    request: &SetLocalizationParamsRequest,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let said =
        Localization { encoding: request.character_encoding, language: request.language, time_zone: 0 };
    localize(ctx, said, None).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

pub(super) async fn set_localization1(
    ctx: &mut Context,
    request: &SetLocalizationParamsRequest1,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let said = Localization {
        encoding: request.character_encoding,
        language: request.language,
        time_zone: request.time_zone.0,
    };
    localize(ctx, said, Some(request.location_id)).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

pub(super) async fn set_localization2(
    ctx: &mut Context,
    request: &SetLocalizationParamsRequest2,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let said = Localization {
        encoding: request.character_encoding,
        language: request.language,
        time_zone: request.time_zone.0,
    };
    localize(ctx, said, None).await?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

/// Remembers the console's id; a ban of it is looked up at login. Never answered.
async fn remember_machine(ctx: &mut Context, signature: &[u8]) -> HandlerResult {
    ctx.machine = Some(signature.into());
    if let Some(session) = ctx.session {
        ctx.title.run(SetMachine { session, machine: Name::new(hex(signature)) }).await??;
    }
    Ok(())
}

pub(super) async fn dnas_signature_post(ctx: &mut Context, request: &DnasSignaturePost) -> HandlerResult {
    // Of title and disc nothing is kept (servers.md 6).
    if request.dnas_signature_type != DnasCategory::CONSOLE_ID {
        return Ok(());
    }
    let length = usize::from(request.dnas_signature_length).min(request.dnas_signature.0.len());
    let signature = request.dnas_signature.0.get(..length).unwrap_or_default().to_vec();
    remember_machine(ctx, &signature).await
}

pub(super) async fn machine_signature_post(
    ctx: &mut Context,
    request: &MachineSignaturePost,
) -> HandlerResult {
    let signature = request.machine_signature.0.to_vec();
    remember_machine(ctx, &signature).await
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Never answered (all captures). What the player does in a game is told by the game server.
pub(super) async fn update_user_state(ctx: &mut Context, request: &UpdateUserState) -> HandlerResult {
    let session = ctx.session()?;
    match request.user_action {
        UserAction::KEEP_ALIVE => ctx.title.run(KeepAlive { session }).await??,
        UserAction::LEFT_PARTY_WORLD => ctx.title.run(LeaveParty { session }).await?,
        // That a game was left the game server tells, and a channel is entered by connecting.
        _ => {}
    }
    Ok(())
}

pub(super) async fn get_my_ip(ctx: &mut Context, request: &GetMyIPRequest) -> HandlerResult {
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    // MessageID and SessionKey of UYA's request begin with NUL here (`uya_ps2_join_game_dme`, lines 67 and 80).
    answer.ip = Text::new(ctx.client_ip().to_string());
    ctx.reply(answer);
    Ok(())
}

pub(super) async fn get_server_time(ctx: &mut Context, request: &GetServerTimeRequest) -> HandlerResult {
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.gmt_time = i32::try_from(ctx.unix_now()).unwrap_or(i32::MAX);
    answer.local_server_timezone = TimeZone(ctx.app().title().config.time.zone);
    ctx.reply(answer);
    Ok(())
}

pub(super) async fn pick_location(ctx: &mut Context, request: &PickLocationRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let session = ctx.session()?;
    ctx.title.run(SetLocation { session, location: request.location_id }).await??;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}
