//! Texts of a title: versions, locations, announcements, policies, the word filter (servers.md 6).

use medley_session::ServerKind;
use medley_store::PolicyKind;
use medley_wire::enums::{CallbackStatus, PolicyType, TextFilterType};
use medley_wire::messages::{
    GetAllAnnouncementsRequest, GetAnnouncementsRequest, GetAnnouncementsResponse, GetLocationsRequest,
    GetLocationsResponse, GetPolicyRequest, Request, TextFilterRequest, TextFilterRequest1,
    VersionServerRequest,
};
use medley_wire::types::{MessageId, Text, VarText};

use crate::context::{Context, HandlerResult};
use crate::text_filter::{has_word, name_passes, without_words};

/// Rows of GetAllAnnouncements (servers.md 6).
const NEWEST: usize = 10;
/// A policy row is filled to its last byte, with no NUL (`dl_ps2_full_session`, lines 162 to 198).
const POLICY_ROW: usize = 256;

pub(super) async fn version_server(ctx: &mut Context, request: &VersionServerRequest) -> HandlerResult {
    let app = ctx.app();
    let versions = &app.app().versions;
    let text = match ctx.server() {
        ServerKind::Muis => &versions.muis,
        ServerKind::Mls => &versions.mls,
        _ => &versions.mas,
    };
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.version_server = Text::new(text);
    ctx.reply(answer);
    Ok(())
}

pub(super) async fn get_locations(ctx: &mut Context, request: &GetLocationsRequest) -> HandlerResult {
    let app = ctx.app();
    let rows = app.app().locations.iter().map(|location| GetLocationsResponse {
        message_id: request.message_id,
        location_id: i32::try_from(location.id).unwrap_or(i32::MAX),
        location_name: Text::new(&location.name),
        status_code: CallbackStatus::SUCCESS,
        end_of_list: false.into(),
    });
    let rows = rows.collect();
    ctx.reply_list(rows)
}

pub(super) async fn get_announcements(ctx: &mut Context, request: &GetAnnouncementsRequest) -> HandlerResult {
    announcements(ctx, request.message_id, 1).await
}

pub(super) async fn get_all_announcements(
    ctx: &mut Context,
    request: &GetAllAnnouncementsRequest,
) -> HandlerResult {
    announcements(ctx, request.message_id, NEWEST).await
}

/// The operator's own, newest first, then those of the title's file. With none the list is empty: NoResult, as Sony
/// answered (`dl_ps2_full_session`, lines 204 to 206).
async fn announcements(ctx: &mut Context, message_id: MessageId, most: usize) -> HandlerResult {
    let title = ctx.title_id();
    let kept = ctx.read(move |store| store.announcements(&title)).await?;
    let app = ctx.app();
    let app_id = ctx.app_id().0;
    let kept = kept.into_iter().map(|row| (i32::try_from(row.id.0).unwrap_or(i32::MAX), row.text.0));
    let configured = app.title().config.announcement.iter();
    let configured = configured.filter(|row| row.app_ids.is_empty() || row.app_ids.contains(&app_id));
    // Those of the file have no number; theirs are negative, so that they are never an operator's.
    let configured =
        (1..).zip(configured).map(|(number, row): (i32, _)| (-number, row.whole_text().into_bytes()));
    let rows = kept.chain(configured).take(most).map(|(announcement_id, text)| GetAnnouncementsResponse {
        message_id,
        status_code: CallbackStatus::SUCCESS,
        announcement_id,
        announcement: VarText::new(text),
        end_of_list: false.into(),
    });
    let rows = rows.collect();
    ctx.reply_list(rows)
}

/// A text in rows of 256 bytes; an empty text is one empty row, without which titles hang (servers.md trap 1).
pub(super) async fn get_policy(ctx: &mut Context, request: &GetPolicyRequest) -> HandlerResult {
    let kind = if request.policy == PolicyType::PRIVACY { PolicyKind::Privacy } else { PolicyKind::Usage };
    let title = ctx.title_id();
    let kept = ctx.read(move |store| store.policy(&title, kind)).await?;
    let app = ctx.app();
    let policy = &app.title().config.policy;
    let text = kept.unwrap_or_else(|| match kind {
        PolicyKind::Usage => policy.usage.clone().into_bytes(),
        PolicyKind::Privacy => policy.privacy.clone().into_bytes(),
    });
    let empty: &[u8] = &[];
    let pieces = if text.is_empty() { vec![empty] } else { text.chunks(POLICY_ROW).collect() };
    let rows = pieces.into_iter().map(|piece| {
        let mut row = request.answer_with(CallbackStatus::SUCCESS);
        row.policy = Text::full(piece);
        row.end_of_text = false.into();
        row
    });
    let rows = rows.collect();
    ctx.reply_list(rows)
}

/// What becomes of a text: its own form, or a status that refuses it.
fn filtered(ctx: &Context, kind: TextFilterType, text: &[u8]) -> Result<Vec<u8>, CallbackStatus> {
    let app = ctx.app();
    let config = &app.title().config;
    if kind == TextFilterType::REPLACE {
        return Ok(without_words(text, &config.text_filter.words));
    }
    // On MAS the text is an account name (servers.md 6), in the lobby anything a player says.
    let (passes, refusal) = if ctx.server() == ServerKind::Mls {
        (!has_word(text, &config.text_filter.words), CallbackStatus::TEXT_STRING_INVALID)
    } else {
        (name_passes(text, config), CallbackStatus::FAIL)
    };
    if passes { Ok(text.to_vec()) } else { Err(refusal) }
}

/// Pass is status 4 with the text (`dl_ps2_full_session`, line 257).
pub(super) async fn text_filter(ctx: &mut Context, request: &TextFilterRequest) -> HandlerResult {
    let text = filtered(ctx, request.text_filter_type, request.text.as_bytes())?;
    let mut answer = request.answer_with(CallbackStatus::PASS);
    answer.text = Text::full(text);
    ctx.reply(answer);
    Ok(())
}

pub(super) async fn text_filter1(ctx: &mut Context, request: &TextFilterRequest1) -> HandlerResult {
    let text =
        filtered(ctx, request.text_filter, request.text.as_bytes()).map_err(|_| CallbackStatus::FAIL)?;
    let mut answer = request.answer_with(CallbackStatus::PASS);
    // The NUL is counted, as it is in the request's size.
    answer.text_size = u32::try_from(text.len() + 1).unwrap_or(0);
    answer.text = VarText::new(text);
    ctx.reply(answer);
    Ok(())
}
