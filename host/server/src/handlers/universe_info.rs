//! MUIS: which universes there are (servers.md 5).

use medley_titles::title::Universe;
use medley_wire::AnyMessage;
use medley_wire::enums::{CallbackStatus, UniverseVariableInformationInfoFilter as Filter};
use medley_wire::messages::{
    GetUniverse_ExtraInfoRequest, GetUniverseInformationRequest, UniverseNewsResponse,
    UniverseStatusList_ExtraInfoResponse, UniverseStatusListResponse, UniverseSvoURLResponse,
    UniverseVariableInformationResponse,
};
use medley_wire::types::{MessageId, Text, VarText};

use crate::context::{Context, HandlerResult};

/// Fields of the variable flow: everything but UNIVERSES and NEWS.
const VARIABLE: u32 = Filter::ID.0
    | Filter::NAME.0
    | Filter::DNS.0
    | Filter::DESCRIPTION.0
    | Filter::STATUS.0
    | Filter::BILLING.0
    | Filter::EXTRAINFO.0;

fn asks(mask: Filter, bit: Filter) -> bool {
    mask.0 & bit.0 != 0
}

/// A universe as one client is told it.
struct Told {
    universe: Universe,
    dns: Text<128>,
    port: i32,
    users: i32,
    extended_info: Text<128>,
    svo_url: String,
}

async fn told(ctx: &Context) -> Vec<Told> {
    let app = ctx.app();
    let users = ctx.title().ask(|state| state.total_users().0).await.unwrap_or(0);
    let host = ctx.told_address().to_string();
    let mas = ctx.shared.bound().map_or(0, |bound| bound.mas.port());
    let with_host = |text: &str| text.replace("{host}", &host);
    let enabled = app.app().universes.iter().filter(|universe| universe.enabled);
    enabled
        .map(|universe| Told {
            dns: Text::new(if universe.dns.is_empty() { host.as_str() } else { universe.dns.as_str() }),
            port: if universe.port == 0 { mas } else { universe.port }.into(),
            users: i32::try_from(users).unwrap_or(i32::MAX),
            extended_info: Text::new(with_host(&universe.extended_info)),
            // Titles want a space behind it; with none set an empty one is told all the same.
            svo_url: if universe.svo_url.is_empty() {
                String::new()
            } else {
                format!("{} ", with_host(&universe.svo_url).trim_end())
            },
            universe: universe.clone(),
        })
        .collect()
}

impl Told {
    fn svo(&self, id: MessageId, version: u16) -> UniverseSvoURLResponse {
        // Sony's empty URL has length 1: its NUL (`dl_ps2_full_session`, line 14).
        let url = VarText::new(&self.svo_url);
        let length = u8::try_from(url.as_bytes().len() + 1).unwrap_or(u8::MAX);
        // 1.08 has no length: the text is 128 bytes wide.
        UniverseSvoURLResponse { message_id: id, url_length: (version >= 109).then_some(length), url }
    }

    fn variable(&self, id: MessageId, mask: Filter, end: bool) -> UniverseVariableInformationResponse {
        let universe = &self.universe;
        UniverseVariableInformationResponse {
            message_id: id,
            status_code: CallbackStatus::SUCCESS,
            info_filter: mask,
            universe_id: Some(universe.id),
            universe_name: Some(Text::new(&universe.name)),
            dns: Some(self.dns),
            port: Some(self.port),
            universe_description: Some(Text::new(&universe.description)),
            status: Some(universe.status),
            user_count: Some(self.users),
            max_users: Some(i32::try_from(universe.max_users).unwrap_or(i32::MAX)),
            universe_billing: Some(Text::new(&universe.billing)),
            billing_system_name: Some(Text::new(&universe.billing_name)),
            extended_info: Some(self.extended_info),
            svo_url: Some(Text::new(&self.svo_url)),
            end_of_list: end.into(),
        }
    }

    fn standard(&self, id: MessageId, end: bool) -> UniverseStatusListResponse {
        let universe = &self.universe;
        UniverseStatusListResponse {
            message_id: id,
            status_code: CallbackStatus::SUCCESS,
            universe_name: Text::new(&universe.name),
            dns: self.dns,
            port: self.port,
            universe_description: Text::new(&universe.description),
            status: universe.status,
            user_count: self.users,
            max_users: i32::try_from(universe.max_users).unwrap_or(i32::MAX),
            end_of_list: end.into(),
        }
    }

    fn extended(&self, id: MessageId, end: bool) -> UniverseStatusList_ExtraInfoResponse {
        let universe = &self.universe;
        UniverseStatusList_ExtraInfoResponse {
            message_id: id,
            status_code: CallbackStatus::SUCCESS,
            universe_name: Text::new(&universe.name),
            dns: self.dns,
            port: self.port,
            universe_description: Text::new(&universe.description),
            status: universe.status,
            user_count: self.users,
            max_users: i32::try_from(universe.max_users).unwrap_or(i32::MAX),
            universe_billing: Text::new(&universe.billing),
            billing_system_name: Text::new(&universe.billing_name),
            end_of_list: end.into(),
            extended_info: self.extended_info,
        }
    }
}

fn news(ctx: &mut Context, id: MessageId, universes: &[Told]) {
    let text = universes.iter().map(|told| told.universe.news.as_str()).find(|news| !news.is_empty());
    ctx.reply(UniverseNewsResponse {
        message_id: id,
        status_code: CallbackStatus::SUCCESS,
        news: Text::new(text.unwrap_or_default()),
        end_of_list: true.into(),
    });
}

/// The one row that says why there is none.
fn none(request: &GetUniverseInformationRequest, status: CallbackStatus) -> AnyMessage {
    if asks(request.info_type, Filter::UNIVERSES) {
        return UniverseStatusListResponse {
            message_id: request.message_id,
            status_code: status,
            end_of_list: true.into(),
            ..Default::default()
        }
        .into();
    }
    UniverseVariableInformationResponse {
        message_id: request.message_id,
        status_code: status,
        info_filter: request.info_type,
        end_of_list: true.into(),
        ..Default::default()
    }
    .into()
}

pub(super) async fn get_universe_information(
    ctx: &mut Context,
    request: &GetUniverseInformationRequest,
) -> HandlerResult {
    let (id, mask, version) = (request.message_id, request.info_type, ctx.dialect().medius_version);
    if mask.0 == 0 {
        ctx.reply(none(request, CallbackStatus::INVALID_REQUEST_MSG));
        return Ok(());
    }
    let universes = told(ctx).await;
    let last = universes.len().saturating_sub(1);
    if universes.is_empty() {
        ctx.reply(none(request, CallbackStatus::NO_RESULT));
        return Ok(());
    }
    for (at, told) in universes.iter().enumerate() {
        if asks(mask, Filter::UNIVERSES) {
            ctx.reply(told.standard(id, at == last));
            continue;
        }
        // The address goes first, in Sony's order, also when it is empty.
        if asks(mask, Filter::SVO_URL) {
            ctx.reply(told.svo(id, version));
        }
        if mask.0 & VARIABLE != 0 {
            ctx.reply(told.variable(id, mask, at == last));
        }
    }
    if asks(mask, Filter::NEWS) {
        news(ctx, id, &universes);
    }
    Ok(())
}

pub(super) async fn get_universe_extra_info(
    ctx: &mut Context,
    request: &GetUniverse_ExtraInfoRequest,
) -> HandlerResult {
    let (id, mask, version) = (request.message_id, request.info_type, ctx.dialect().medius_version);
    if mask.0 == 0 {
        return Err(CallbackStatus::INVALID_REQUEST_MSG.into());
    }
    let universes = told(ctx).await;
    let last = universes.len().saturating_sub(1);
    for (at, told) in universes.iter().enumerate() {
        if asks(mask, Filter::SVO_URL) {
            ctx.reply(told.svo(id, version));
        }
        if asks(mask, Filter::UNIVERSES) {
            ctx.reply(told.extended(id, at == last));
        }
    }
    if asks(mask, Filter::NEWS) {
        news(ctx, id, &universes);
    }
    if ctx.out.is_empty() {
        return Err(CallbackStatus::NO_RESULT.into());
    }
    Ok(())
}
