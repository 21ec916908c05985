//! Messages of unknown meaning: each is refused in its own form, or heard without an answer.

use medley_wire::AnyMessage;
use medley_wire::enums::CallbackStatus as S;
use medley_wire::messages::*;
use medley_wire::types::Text;

use crate::harness::{Host, Player};

/// Asks; the status of the generic answer under class and id.
async fn refusal(player: &mut Player, request: impl Into<AnyMessage>, class: u8, id: u32) -> S {
    let mut request = request.into();
    request.set_message_id("7".into());
    player.send(request).await;
    let answer = player.client.expect_raw(class, id).await;
    assert_eq!((answer.len(), &answer[2..4]), (30, &b"7\0"[..]));
    S(i32::from_le_bytes(answer[26..30].try_into().expect("four bytes")))
}

#[tokio::test]
async fn requests_of_unknown_meaning_are_refused_under_the_id_behind_their_own() {
    let host = Host::start().await;
    let mut player = host.player_of("Badger41", 113, crate::harness::APP).await;
    assert_eq!(refusal(&mut player, AddAliasRequest::default(), 4, 0x4f).await, S::FEATURE_NOT_ENABLED);
    assert_eq!(
        refusal(&mut player, GroupJoinChannelRequest::default(), 4, 0x91).await,
        S::FEATURE_NOT_ENABLED
    );
    assert_eq!(
        refusal(&mut player, UtilAddLobbyWorldRequest::default(), 1, 0xf6).await,
        S::FEATURE_NOT_ENABLED
    );
    let other = AddAliasRequest { session_key: Text::new("1"), ..Default::default() };
    assert_eq!(refusal(&mut player, other, 4, 0x4f).await, S::SESSION_KEY_INVALID);
    let other = GroupJoinChannelRequest { session_key: Text::new("1"), ..Default::default() };
    assert_eq!(refusal(&mut player, other, 4, 0x91).await, S::SESSION_KEY_INVALID);
}

#[tokio::test]
async fn what_has_no_answer_is_heard_and_nothing_comes_of_it() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    player.send(DListSubscription::default()).await;
    for message in [
        AnyMessage::from(DmePing::default()),
        DmeDataStreamEnd::default().into(),
        DmeAcceptClient::default().into(),
        DmeClientUpdate::default().into(),
        DmeClientConnect::default().into(),
        DmeClientLeaves::default().into(),
        DmeServerResponse::default().into(),
        DmeUpdateClientStatus::default().into(),
        DmeSMMigrateOrder::default().into(),
    ] {
        player.send(message).await;
    }
    assert_eq!(player.settle().await, [""; 0]);
    assert_eq!(host.handle.count(medley_server::Event::Unhandled), 0);
}
