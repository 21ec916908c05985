//! What players without a clan ask about clans.

use medley_wire::ClanId;
use medley_wire::enums::{CallbackStatus, NetMessageClass};
use medley_wire::messages::{GetMyClansRequest, Request, SetMessageAsReadRequest};

use crate::context::{Context, HandlerResult};
use crate::dispatch::status_response;

/// GetMyClans of who has none: one row of NoResult with ClanID -1.
pub(super) async fn get_mine(ctx: &mut Context, request: &GetMyClansRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let mut answer = request.answer_with(CallbackStatus::NO_RESULT);
    answer.clan_id = ClanId(-1);
    ctx.reply(answer);
    Ok(())
}

/// SetMessageAsRead: there are no messages, so whichever it names is read. Answered by the generic StatusResponse.
pub(super) async fn set_message_as_read(
    ctx: &mut Context,
    request: &SetMessageAsReadRequest,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    ctx.reply(status_response(NetMessageClass::LOBBY, 0xc7, request.message_id, CallbackStatus::SUCCESS));
    Ok(())
}
