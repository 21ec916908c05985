//! Tokens (servers.md 7.1): SOCOM's clan tags and the like. Unique in their category; whose they are is the store's affair.

use medley_store::{ClanRefusal, StoreError, TokenCategory};
use medley_wire::enums::{CallbackStatus, TokenActionType, TokenCategoryType};
use medley_wire::messages::TokenRequest;

use crate::context::{Context, HandlerResult, Refusal, StoreFailure};
use crate::dispatch::token_response;

/// TokenRequest: add, update, remove. A clan's token is for its leader to change, any other for who set it.
pub(super) async fn change(ctx: &mut Context, request: &TokenRequest) -> HandlerResult {
    let invalid = CallbackStatus::INVALID_REQUEST_MSG;
    let category = match request.token_category {
        TokenCategoryType::GENERIC_TOKEN1 => TokenCategory::Generic1,
        TokenCategoryType::GENERIC_TOKEN2 => TokenCategory::Generic2,
        TokenCategoryType::GENERIC_TOKEN3 => TokenCategory::Generic3,
        TokenCategoryType::ACCOUNT_TOKEN => TokenCategory::Account,
        TokenCategoryType::CLAN_TOKEN => TokenCategory::Clan,
        _ => return Err(invalid.into()),
    };
    let (title, by, now, entity) = (ctx.title_id(), ctx.stored_account()?, ctx.unix_now(), request.entity_id);
    let (token, before) = (text(&request.token.0), text(&request.token_to_replace.0));
    let done = match request.token_action {
        TokenActionType::ADD_TOKEN => {
            ctx.write(move |store| store.add_token(&title, by, category, entity, &token, now)).await
        }
        TokenActionType::UPDATE_TOKEN => {
            ctx.write(move |store| store.update_token(&title, by, category, entity, &before, &token, now))
                .await
        }
        TokenActionType::REMOVE_TOKEN => {
            // No source says in which of the two fields a client puts it.
            let token = if token.is_empty() { before } else { token };
            ctx.write(move |store| store.remove_token(&title, by, category, entity, &token)).await
        }
        _ => return Err(invalid.into()),
    };
    done.map_err(refusal)?;
    ctx.reply(token_response(request.message_id, CallbackStatus::SUCCESS));
    Ok(())
}

/// A token in its field of 8 bytes, which it may fill to the end.
fn text(field: &[u8]) -> Vec<u8> {
    field.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()
}

fn refusal(failure: StoreFailure) -> Refusal {
    let StoreFailure::Store(error) = &failure else { return failure.into() };
    let status = match error {
        StoreError::AlreadyExists { .. } => CallbackStatus::TOKEN_ALREADY_TAKEN,
        StoreError::NotFound { what: "token", .. } => CallbackStatus::TOKEN_DOES_NOT_EXIST,
        StoreError::Invalid { .. } | StoreError::TooLong { .. } => CallbackStatus::INVALID_REQUEST_MSG,
        StoreError::Forbidden { .. } => CallbackStatus::PLAYER_NOT_PRIVILEGED,
        StoreError::LimitReached { .. } => CallbackStatus::MAX_EXCEEDED,
        StoreError::Clan { refusal: ClanRefusal::NotLeader, .. } => CallbackStatus::NOT_CLAN_LEADER,
        StoreError::Clan { refusal: ClanRefusal::NoClan, .. } => CallbackStatus::CLAN_NOT_FOUND,
        _ => return failure.into(),
    };
    Refusal::Status(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_at_its_nul_or_at_the_end_of_its_field() {
        assert_eq!(text(b"SEAL\0xyz"), b"SEAL");
        assert_eq!(text(b"12345678"), b"12345678");
        assert_eq!(text(&[0; 8]), b"");
    }
}
