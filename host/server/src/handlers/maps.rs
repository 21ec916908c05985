//! MAPS, the profile server of MAG and SOCOM 4 (servers.md 12): what gets the titles past their start-up.
//!
//! Its messages travel in CLIENT_APP_TO_PLUGIN and SERVER_PLUGIN_TO_APP and are known from one public server only. They are
//! taken on MUIS's manners, without a session: MAPS is one more door of it (`listen.maps`).

use medley_wire::messages::{
    NetMessageAccountLogoutRequest, NetMessageAccountLogoutResponse, NetMessageHello, NetMessageMAPSHello,
    NetMessageNewsEulaRequest, NetMessageNewsEulaResponse, NetMessageProtocolInfo,
};
use medley_wire::types::{BigEndian, Blob};

use crate::context::{Context, HandlerResult};

/// The protocol version that the titles accept.
const PROTOCOL: u32 = 1725;
/// Bits of the factions that may be played: all three of MAG's.
const ALL_FACTIONS: u8 = 7;

pub(super) async fn hello(ctx: &mut Context, _: &NetMessageHello) -> HandlerResult {
    ctx.reply(NetMessageProtocolInfo { protocol_info: BigEndian(PROTOCOL), build_number: BigEndian(0) });
    Ok(())
}

/// The client's own version, which is not compared: the title goes by ours.
pub(super) async fn protocol_info(ctx: &mut Context, info: &NetMessageProtocolInfo) -> HandlerResult {
    tracing::debug!(protocol = info.protocol_info.0, build = info.build_number.0, "MAPS client");
    ctx.reply(NetMessageMAPSHello {
        success: true.into(),
        is_online: true.into(),
        available_factions: Blob([ALL_FACTIONS, 0, 0]),
    });
    Ok(())
}

pub(super) async fn log_out(ctx: &mut Context, _: &NetMessageAccountLogoutRequest) -> HandlerResult {
    ctx.reply(NetMessageAccountLogoutResponse { success: true.into() });
    Ok(())
}

/// News and terms of use: none, and that was all. What ContentType tells apart is not known; the first kind is 0.
pub(super) async fn news(ctx: &mut Context, _: &NetMessageNewsEulaRequest) -> HandlerResult {
    ctx.reply(NetMessageNewsEulaResponse { finished: 1, ..NetMessageNewsEulaResponse::default() });
    Ok(())
}

/// Our own answers, which no client is known to send, though the layouts do not say whose they are.
pub(super) async fn ignore<M>(_: &mut Context, _: &M) -> HandlerResult {
    Ok(())
}
