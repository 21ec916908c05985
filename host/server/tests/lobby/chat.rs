use medley_wire::AccountId;
use medley_wire::enums::{
    BinaryMessageType, CallbackStatus as S, ChatMessageType as Chat, ChatToggle, CrossChatMessageType,
};
use medley_wire::messages::*;
use medley_wire::types::{Blob, Text, VarBytes, VarText};

use crate::harness::{APP, Host, Player};

const NOTHING: [&str; 0] = [];

fn say(message_type: Chat, target: i32, text: &str) -> ChatMessage {
    ChatMessage { message_type, target_id: target, message: Text::new(text), ..Default::default() }
}

fn say_generic(message_type: Chat, text: &str) -> GenericChatMessage {
    GenericChatMessage { message_type, message: Text::new(text), ..Default::default() }
}

/// Everything that `sender` has said is delivered; names of what `receiver` was sent.
async fn heard(sender: &mut Player, receiver: &mut Player) -> Vec<&'static str> {
    assert_eq!(sender.settle().await, NOTHING, "the sender hears nothing");
    receiver.settle().await
}

#[tokio::test]
async fn channel_chat_reaches_the_others_as_captured() {
    let host = Host::start().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    player.send(say(Chat::BROADCAST, 0, "G")).await;
    let line: ChatFwdMessage = other.expect().await;
    assert_eq!((line.message_id, line.originator_account_id), ("1".into(), player.account));
    assert_eq!((line.originator_account_name, line.message), (Text::new("Badger41"), Text::new("G")));
    assert_eq!(line.message_type, Chat::BROADCAST);
    assert_eq!(heard(&mut player, &mut other).await, NOTHING);
}

#[tokio::test]
async fn chat_stays_in_its_channel_and_a_whisper_finds_its_target_anywhere() {
    let host = Host::start().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let city = FindWorldByNameRequest {
        name: Text::new("City"),
        world_type: medley_wire::enums::FindWorldType(1),
        ..Default::default()
    };
    let city = other.list(city).await[0].medius_world_id;
    let way = other.ask(JoinChannelRequest { world_id: city.0, ..Default::default() }).await;
    other.client = host.mls(110, APP, &way.connect_info).await;
    player.send(say(Chat::BROADCAST, 0, "anybody?")).await;
    assert_eq!(heard(&mut player, &mut other).await, NOTHING);
    player.send(say(Chat::WHISPER, other.account.0, "psst")).await;
    let line: ChatFwdMessage = other.expect().await;
    assert_eq!((line.message_type, line.message), (Chat::WHISPER, Text::new("psst")));
    player.send(say(Chat::WHISPER, 4711, "nobody there")).await;
    assert_eq!(heard(&mut player, &mut other).await, NOTHING);
}

#[tokio::test]
async fn chat_to_everybody_is_for_moderators() {
    let host = Host::start().await;
    let (mut player, mut warden) = (host.player("Badger41").await, host.player("Warden").await);
    player.send(say(Chat::BROADCAST_ACROSS_ENTIRE_UNIVERSE, 0, "buy")).await;
    assert_eq!(heard(&mut player, &mut warden).await, NOTHING);
    warden.send(say(Chat::BROADCAST_ACROSS_ENTIRE_UNIVERSE, 0, "restart at six")).await;
    let line: ChatFwdMessage = player.expect().await;
    assert_eq!((line.originator_account_id, line.message), (warden.account, Text::new("restart at six")));
}

#[tokio::test]
async fn buddy_chat_reaches_buddies_and_clan_chat_without_a_clan_nobody() {
    let host = Host::start().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    player.send(say(Chat::BUDDY, 0, "hi")).await;
    player.send(say(Chat::CLAN, 0, "hi")).await;
    assert_eq!(heard(&mut player, &mut other).await, NOTHING);
    player.ask(AddToBuddyListRequest { account_id: other.account, ..Default::default() }).await;
    player.send(say(Chat::BUDDY, 0, "hi")).await;
    assert_eq!(heard(&mut player, &mut other).await, ["MediusChatFwdMessage"]);
}

#[tokio::test]
async fn chat_with_a_filtered_word_of_an_unknown_kind_or_by_another_key_is_dropped() {
    let host = Host::start().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    player.send(say(Chat::BROADCAST, 0, "DARN it")).await;
    player.send(say(Chat(77), 0, "hi")).await;
    player.send(ChatMessage { session_key: Text::new("1"), ..say(Chat::BROADCAST, 0, "hi") }).await;
    player.send(say_generic(Chat::BROADCAST, "darn")).await;
    assert_eq!(heard(&mut player, &mut other).await, NOTHING);
}

#[tokio::test]
async fn a_title_may_have_filtered_words_taken_out_of_chat_from_one_moment_to_the_next() {
    let host = Host::start().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let title = crate::harness::TITLE.replace("filter = true", "filter = true\nfilter_mode = \"replace\"");
    let titles = medley_titles::TitleSet::from_texts([("lobby", "lobby.toml", title.as_str())]);
    host.handle.reload_titles(titles.expect("a title")).await;
    player.send(say(Chat::BROADCAST, 0, "oh DARN it")).await;
    let line: ChatFwdMessage = other.expect().await;
    assert_eq!(line.message, Text::new("oh  it"));
    player.send(say_generic(Chat::BROADCAST, " darn! ")).await;
    let line: GenericChatFwdMessage = other.expect().await;
    assert_eq!(line.message, Text::new("!"));
    // Nothing is left of it.
    player.send(say(Chat::BROADCAST, 0, "darn")).await;
    assert_eq!(heard(&mut player, &mut other).await, NOTHING);
}

#[tokio::test]
async fn an_ignored_player_is_not_heard() {
    let host = Host::start().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let ignore = AddToIgnoreListRequest { ignore_account_id: player.account, ..Default::default() };
    assert_eq!(other.ask(ignore).await.status_code, S::SUCCESS);
    player.send(say(Chat::BROADCAST, 0, "hi")).await;
    player.send(say(Chat::WHISPER, other.account.0, "hi")).await;
    assert_eq!(heard(&mut player, &mut other).await, NOTHING);
    let stop = RemoveFromIgnoreListRequest { ignore_account_id: player.account, ..Default::default() };
    assert_eq!(other.ask(stop).await.status_code, S::SUCCESS);
    player.send(say(Chat::BROADCAST, 0, "hi")).await;
    assert_eq!(heard(&mut player, &mut other).await, ["MediusChatFwdMessage"]);
}

#[tokio::test]
async fn who_switched_chat_off_hears_none() {
    let host = Host::start().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let toggle = |chat_toggle| ChatToggleRequest { chat_toggle, ..Default::default() };
    assert_eq!(other.ask(toggle(ChatToggle::DISABLE)).await.status_code, S::SUCCESS);
    player.send(say(Chat::BROADCAST, 0, "hi")).await;
    assert_eq!(heard(&mut player, &mut other).await, NOTHING);
    assert_eq!(other.ask(toggle(ChatToggle::ENABLE)).await.status_code, S::SUCCESS);
    player.send(say(Chat::BROADCAST, 0, "hi")).await;
    assert_eq!(heard(&mut player, &mut other).await, ["MediusChatFwdMessage"]);
}

#[tokio::test]
async fn generic_chat_comes_in_the_form_of_the_receivers_version() {
    let host = Host::start().await;
    let (mut old, mut new) = (host.player("Badger41").await, host.player_of("Otter", 113, APP).await);
    old.send(say_generic(Chat::BROADCAST, "hello")).await;
    let line: GenericChatFwdMessage1 = new.expect().await;
    assert_eq!((line.originator_account_id, line.message.as_bytes()), (old.account, &b"hello"[..]));
    assert!(line.time_stamp > 1_700_000_000);
    let text = "x".repeat(100);
    let long = GenericChatMessage1 {
        message_type: Chat::BROADCAST,
        message_length: 100,
        message: VarText::new(&text),
        ..Default::default()
    };
    new.send(long).await;
    let line: GenericChatFwdMessage = old.expect().await;
    assert_eq!((line.originator_account_id, line.message), (new.account, Text::new(&text[..63])));
    assert_eq!(line.originator_account_name, "Otter");
}

#[tokio::test]
async fn the_generic_chat_filter_is_repeated_and_holds_back_what_its_bits_say() {
    let host = Host::start().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let filter = |byte| {
        let mut bits = [0xff; 16];
        bits[0] = byte;
        GenericChatSetFilterRequest {
            generic_chat_filter: GenericChatFilter { generic_chat_filter_bitfield: Blob(bits) },
            ..Default::default()
        }
    };
    let answer = other.ask(filter(0xfe)).await;
    assert_eq!(answer.status_code, S::SUCCESS);
    assert_eq!(answer.chat_filter, filter(0xfe).generic_chat_filter);
    player.send(say_generic(Chat::BROADCAST, "hi")).await;
    assert_eq!(heard(&mut player, &mut other).await, NOTHING);
    other.ask(filter(0xff)).await;
    player.send(say_generic(Chat::BROADCAST, "hi")).await;
    assert_eq!(heard(&mut player, &mut other).await, ["MediusGenericChatFwdMessage"]);
}

#[tokio::test]
async fn the_number_of_old_chat_lines_is_taken_and_none_follow() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    let request = SetAutoChatHistoryRequest { auto_chat_history_num_messages: 10, ..Default::default() };
    assert_eq!(player.ask(request).await.status_code, S::SUCCESS);
    assert_eq!(player.settle().await, NOTHING);
}

#[tokio::test]
async fn binary_messages_reach_the_channel_or_their_target() {
    let host = Host::start().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let fixed = |message_type, target| BinaryMessage {
        message_type,
        target_account_id: target,
        message: Blob::new(&[8; 400]),
        ..Default::default()
    };
    player.send(fixed(BinaryMessageType::BROADCAST_BINARY_MSG, AccountId(0))).await;
    let line: BinaryFwdMessage = other.expect().await;
    assert_eq!((line.originator_account_id, line.message), (player.account, Blob([8; 400])));
    player.send(fixed(BinaryMessageType::TARGET_BINARY_MSG, other.account)).await;
    assert_eq!(heard(&mut player, &mut other).await, ["MediusBinaryFwdMessage"]);
    player.send(fixed(BinaryMessageType(99), other.account)).await;
    assert_eq!(heard(&mut player, &mut other).await, NOTHING);
    // PlayStation Home: target 0 is the sender itself.
    player.send(fixed(BinaryMessageType::TARGET_BINARY_MSG, AccountId(0))).await;
    assert_eq!(player.settle().await, ["MediusBinaryFwdMessage"]);

    let variable = BinaryMessage1 {
        message_type: BinaryMessageType::TARGET_BINARY_MSG,
        target_account_id: other.account,
        message_size: 3,
        message: VarBytes(vec![1, 2, 3]),
        ..Default::default()
    };
    player.send(variable).await;
    let line: BinaryFwdMessage1 = other.expect().await;
    assert_eq!((line.originator_account_id, line.message.0), (player.account, vec![1, 2, 3]));
}

#[tokio::test]
async fn cross_chat_reaches_its_target_with_all_it_carries() {
    let host = Host::start().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let message = CrossChatMessage {
        target_account_id: other.account,
        target_routing_dme_world_id: 5,
        source_dme_world_id: 6,
        msg_type: CrossChatMessageType(2),
        contents: VarBytes(vec![4; 20]),
        ..Default::default()
    };
    player.send(message).await;
    let line: CrossChatFwdMessage = other.expect().await;
    assert_eq!((line.originator_account_id, line.target_routing_dme_world_id), (player.account, 5));
    assert_eq!((line.source_dme_world_id, line.msg_type.0, line.contents.0), (6, 2, vec![4; 20]));
}
