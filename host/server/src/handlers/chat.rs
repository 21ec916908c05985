//! Chat and binary messages. They are not answered; who hears them is the universe's business, and what cannot be
//! delivered is dropped without a word (servers.md 7.5).

use medley_titles::ChatFilter;
use medley_universe::{ChatKind, Name, SendBinary, SendChat, SendCrossChat, SetChat, SetChatFilter};
use medley_wire::AccountId;
use medley_wire::enums::{CallbackStatus, ChatMessageType, ChatToggle};
use medley_wire::messages::{
    BinaryMessage, BinaryMessage1, ChatMessage, ChatToggleRequest, CrossChatMessage, GenericChatMessage,
    GenericChatMessage1, GenericChatSetFilterRequest, Request, SetAutoChatHistoryRequest,
};

use super::rows::name;
use crate::context::{Context, HandlerResult};
use crate::text_filter::{has_word, without_words};

pub(super) async fn chat(ctx: &mut Context, message: &ChatMessage) -> HandlerResult {
    ctx.check_session_key(&message.session_key)?;
    say(ctx, ChatKind::Plain, message.message_type, message.target_id, name(&message.message)).await
}

pub(super) async fn generic_chat(ctx: &mut Context, message: &GenericChatMessage) -> HandlerResult {
    ctx.check_session_key(&message.session_key)?;
    say(ctx, ChatKind::Generic, message.message_type, message.target_id, name(&message.message)).await
}

pub(super) async fn generic_chat1(ctx: &mut Context, message: &GenericChatMessage1) -> HandlerResult {
    ctx.check_session_key(&message.session_key)?;
    let text = Name::new(message.message.as_bytes());
    say(ctx, ChatKind::Generic, message.message_type, message.target_id, text).await
}

async fn say(
    ctx: &Context,
    kind: ChatKind,
    message_type: ChatMessageType,
    target: i32,
    text: Name,
) -> HandlerResult {
    let app = ctx.app();
    let config = &app.title().config;
    let words = &config.text_filter.words;
    let text = if config.chat.filter && has_word(text.as_bytes(), words) {
        let left = match config.chat.filter_mode {
            ChatFilter::Reject => Vec::new(),
            ChatFilter::Replace => without_words(text.as_bytes(), words),
        };
        if left.is_empty() {
            tracing::debug!("a chat message with a filtered word is dropped");
            return Ok(());
        }
        Name::new(left)
    } else {
        text
    };
    let chat = SendChat { session: ctx.session()?, kind, message_type, target: AccountId(target), text };
    let heard = ctx.title().run(chat).await?;
    tracing::trace!(?message_type, ?heard, "chat");
    Ok(())
}

pub(super) async fn binary(ctx: &mut Context, message: &BinaryMessage) -> HandlerResult {
    ctx.check_session_key(&message.session_key)?;
    let binary = SendBinary {
        session: ctx.session()?,
        variable: false,
        message_type: message.message_type,
        target: message.target_account_id,
        payload: message.message.0.to_vec(),
    };
    ctx.title().run(binary).await??;
    Ok(())
}

pub(super) async fn binary1(ctx: &mut Context, message: &BinaryMessage1) -> HandlerResult {
    ctx.check_session_key(&message.session_key)?;
    let binary = SendBinary {
        session: ctx.session()?,
        variable: true,
        message_type: message.message_type,
        target: message.target_account_id,
        payload: message.message.0.clone(),
    };
    ctx.title().run(binary).await??;
    Ok(())
}

pub(super) async fn cross_chat(ctx: &mut Context, message: &CrossChatMessage) -> HandlerResult {
    ctx.check_session_key(&message.session_key)?;
    let cross_chat = SendCrossChat {
        session: ctx.session()?,
        target: message.target_account_id,
        target_dme_world: message.target_routing_dme_world_id,
        source_dme_world: message.source_dme_world_id,
        message_type: message.msg_type,
        payload: message.contents.0.clone(),
    };
    ctx.title().run(cross_chat).await??;
    Ok(())
}

pub(super) async fn toggle(ctx: &mut Context, request: &ChatToggleRequest) -> HandlerResult {
    ctx.check_session_key(&request.session_key)?;
    let enabled = request.chat_toggle != ChatToggle::DISABLE;
    ctx.title().run(SetChat { session: ctx.session()?, enabled }).await??;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

/// GenericChatSetFilter; the answer repeats the field (`dl_ps2_full_session`, line 97).
pub(super) async fn set_filter(ctx: &mut Context, request: &GenericChatSetFilterRequest) -> HandlerResult {
    let filter = request.generic_chat_filter.generic_chat_filter_bitfield.0;
    ctx.title().run(SetChatFilter { session: ctx.session()?, filter }).await??;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.chat_filter = request.generic_chat_filter.clone();
    ctx.reply(answer);
    Ok(())
}

/// SetAutoChatHistory. No server is known to send a history, and none follows.
pub(super) async fn set_auto_history(
    ctx: &mut Context,
    request: &SetAutoChatHistoryRequest,
) -> HandlerResult {
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}
