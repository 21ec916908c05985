//! Dresses what a universe pushes for the client that gets it.

use medley_universe::Push;
use medley_wire::messages::{
    AddToBuddyListConfirmationResponse, AddToBuddyListFwdConfirmationRequest, BinaryFwdMessage,
    BinaryFwdMessage1, ChatFwdMessage, CrossChatFwdMessage, GenericChatFwdMessage, GenericChatFwdMessage1,
};
use medley_wire::types::{Blob, MessageId, Text, VarBytes, VarText};
use medley_wire::{AnyMessage, Dialect};

/// First Medius version that gets GenericChatFwdMessage1 (servers.md 7.5).
const GENERIC_CHAT_1_FROM: u16 = 112;

/// Sony's ChatFwdMessage has the MessageID "1" (observed.md 3.19); other pushes have none.
const CHAT_MESSAGE_ID: &str = "1";

/// The message that says `push` to a client of this dialect.
pub(crate) fn dress(push: Push, dialect: &Dialect) -> AnyMessage {
    match push {
        Push::Chat(line) => ChatFwdMessage {
            message_id: MessageId::new(CHAT_MESSAGE_ID),
            originator_account_id: line.from,
            originator_account_name: Text::new(&line.name),
            message_type: line.message_type,
            message: Text::new(&line.text),
        }
        .into(),
        Push::GenericChat(line) => {
            let time_stamp = u32::try_from(line.unix).unwrap_or(u32::MAX);
            if dialect.medius_version >= GENERIC_CHAT_1_FROM {
                GenericChatFwdMessage1 {
                    time_stamp,
                    originator_account_id: line.from,
                    message_type: line.message_type,
                    originator_account_name: Text::new(&line.name),
                    message_length: i32::try_from(line.text.as_bytes().len()).unwrap_or(0),
                    message: VarText::new(&line.text),
                }
                .into()
            } else {
                GenericChatFwdMessage {
                    time_stamp,
                    originator_account_id: line.from,
                    message_type: line.message_type,
                    originator_account_name: Text::new(&line.name),
                    message: Text::new(&line.text),
                }
                .into()
            }
        }
        Push::Binary(line) => BinaryFwdMessage {
            message_id: MessageId::EMPTY,
            originator_account_id: line.from,
            message_type: line.message_type,
            message: Blob::new(&line.payload),
        }
        .into(),
        Push::Binary1(line) => BinaryFwdMessage1 {
            message_id: MessageId::EMPTY,
            originator_account_id: line.from,
            message_type: line.message_type,
            message_size: i32::try_from(line.payload.len()).unwrap_or(0),
            message: VarBytes(line.payload),
        }
        .into(),
        Push::CrossChat(line) => CrossChatFwdMessage {
            message_id: MessageId::EMPTY,
            originator_account_id: line.from,
            target_routing_dme_world_id: line.target_dme_world,
            source_dme_world_id: line.source_dme_world,
            msg_type: line.message_type,
            contents: VarBytes(line.payload),
        }
        .into(),
        Push::BuddyRequest { from, name, add_type } => AddToBuddyListFwdConfirmationRequest {
            message_id: MessageId::EMPTY,
            originator_account_id: from,
            originator_account_name: Text::new(&name),
            add_type,
        }
        .into(),
        Push::BuddyAnswer { status, target, name } => AddToBuddyListConfirmationResponse {
            message_id: MessageId::EMPTY,
            status_code: status,
            target_account_id: target,
            target_account_name: Text::new(&name),
        }
        .into(),
    }
}
