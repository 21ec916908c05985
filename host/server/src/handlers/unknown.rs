//! Messages whose layout is known and whose meaning is not, or which are none of the lobby's business.
//!
//! No capture has any of them and no public server does anything with them. A request is refused rather than guessed at,
//! and rather than left without an answer, on which a client may wait for ever (servers.md 1, rule 2). The layouts of
//! their answers are not known either; they are the generic StatusResponse under the id right behind the request's, where
//! the id tables have the answer (`crate::dispatch`).

use medley_wire::enums::CallbackStatus;
use medley_wire::messages::{
    AddAliasRequest, DListSubscription, GroupJoinChannelRequest, UtilAddLobbyWorldRequest,
};

use crate::context::{Context, HandlerResult};

/// AddAlias: it carries a session key and no name, so what an alias is remains unknown. FeatureNotEnabled.
pub(super) async fn add_alias(ctx: &mut Context, request: &AddAliasRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    Err(CallbackStatus::FEATURE_NOT_ENABLED.into())
}

/// UtilAddLobbyWorld, of an operator's tool: channels that outlast their players are the configuration's. FeatureNotEnabled;
/// what MABNotificationThreshold and MABNotificationStep are is not known.
pub(super) async fn add_lobby_world(_: &mut Context, _: &UtilAddLobbyWorldRequest) -> HandlerResult {
    Err(CallbackStatus::FEATURE_NOT_ENABLED.into())
}

/// GroupJoinChannel: a party goes to a channel together. How the other members are told (AssignedLobbyToJoinMessage, id
/// 0x91) is not known, so it is refused and each member joins for itself. FeatureNotEnabled.
pub(super) async fn group_join_channel(
    ctx: &mut Context,
    request: &GroupJoinChannelRequest,
) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    Err(CallbackStatus::FEATURE_NOT_ENABLED.into())
}

/// DListSubscription, which has no MessageID and so no answer (messages.md 3). What it subscribes to is pushed by messages
/// that nobody has a layout of; nothing is.
pub(super) async fn subscribe_to_list(_: &mut Context, _: &DListSubscription) -> HandlerResult {
    Ok(())
}

/// Messages of class DME, which clients send each other through a relay. The lobby has no use for one that strays here, and
/// they have no answer. (PacketFragment is put together before messages are dispatched; a whole one never comes here.)
pub(super) async fn between_clients<M>(_: &mut Context, _: &M) -> HandlerResult {
    Ok(())
}
