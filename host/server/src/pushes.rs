//! Dresses what a universe pushes for the client that gets it.

use medley_universe::{MatchOutcome, Push};
use medley_wire::enums::{AssignedGameType, CallbackStatus, JoinType};
use medley_wire::messages::{
    AddToBuddyListConfirmationResponse, AddToBuddyListFwdConfirmationRequest, AssignedGameToJoinMessage,
    BinaryFwdMessage, BinaryFwdMessage1, ChatFwdMessage, CrossChatFwdMessage, GenericChatFwdMessage,
    GenericChatFwdMessage1, NetAddress, NetAddressList,
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
        Push::Assigned(outcome) => assigned(*outcome).into(),
    }
}

/// What matchmaking found. The player is not let in yet: it joins with JoinGame, so there are no addresses to tell. What
/// AssignedGameMessageID counts and TeamID means is not known; both are 0.
fn assigned(outcome: MatchOutcome) -> AssignedGameToJoinMessage {
    let mut message = AssignedGameToJoinMessage {
        assigned_game_message_request_data: Blob(outcome.request_data),
        assigned_game_type: AssignedGameType::MMS,
        ..AssignedGameToJoinMessage::default()
    };
    let found = match outcome.result {
        Ok(found) => found,
        Err(status) => {
            message.status_code = status;
            return message;
        }
    };
    let spec = found.spec;
    let [field1, field2, field3, field4, field5, field6, field7, field8] = spec.generic_fields;
    AssignedGameToJoinMessage {
        status_code: CallbackStatus::JOIN_ASSIGNED_GAME,
        game_world_id: Some(found.game.0.cast_unsigned()),
        team_id: Some(0),
        player_count: Some(found.player_count.into()),
        game_name: Some(Text::new(&spec.name)),
        game_stats: Some(Blob::new(&spec.stats)),
        min_players: Some(spec.min_players.into()),
        max_players: Some(spec.max_players.into()),
        game_level: Some(spec.game_level),
        player_skill_level: Some(spec.player_skill_level),
        rules_set: Some(spec.rules_set),
        generic_field1: Some(field1),
        generic_field2: Some(field2),
        generic_field3: Some(field3),
        generic_field4: Some(field4),
        generic_field5: Some(field5),
        generic_field6: Some(field6),
        generic_field7: Some(field7),
        generic_field8: Some(field8),
        world_status: Some(found.status),
        join_type: Some(JoinType::PLAYER),
        game_password: Some(Text::new(&spec.password)),
        game_host_type: Some(spec.host_type),
        address_list: Some(NetAddressList { address_list: [NetAddress::UNUSED, NetAddress::UNUSED] }),
        app_data_size: Some(u32::try_from(outcome.application_data.len()).unwrap_or(0)),
        app_data: Some(VarBytes(outcome.application_data)),
        ..message
    }
}
