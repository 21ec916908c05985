use medley_wire::ClanId;
use medley_wire::enums::{
    ApplicationType, BinaryMessageType, BuddyAddType, CallbackStatus, ChatMessageType, CrossChatMessageType,
    PlayerStatus,
};

use super::*;

fn say(session: SessionKey, message_type: ChatMessageType, target: i32) -> SendChat {
    SendChat { session, kind: ChatKind::Plain, message_type, target: AccountId(target), text: "hi".into() }
}

fn buddy(account: i32) -> Buddy {
    Buddy { account: AccountId(account), name: Name::new(format!("Player{account}")) }
}

#[test]
fn a_broadcast_reaches_the_channel_and_not_its_sender() {
    let mut lobby = Lobby::new();
    let (a, b, c) = (lobby.player(5), lobby.player(6), lobby.player(7));
    let other = lobby.channel("Other");
    lobby.move_to(c, other);
    assert_eq!(lobby.run(say(a, ChatMessageType::BROADCAST, 0)), Ok(1));
    let pushes = lobby.pushes();
    let (to, Push::Chat(line)) = &pushes[0] else { panic!("{pushes:?}") };
    assert_eq!((*to, line.from, &line.name, &line.text), (b, AccountId(5), &"Player5".into(), &"hi".into()));
}

#[test]
fn whispers_universe_clan_and_buddy_chat_find_their_receivers() {
    let mut lobby = Lobby::new();
    let (a, b, c) = (lobby.player(5), lobby.player(6), lobby.player(7));
    let other = lobby.channel("Other");
    lobby.move_to(c, other);
    lobby.run(SetClan { account: AccountId(5), clan: Some(ClanId(3)) });
    lobby.run(SetClan { account: AccountId(7), clan: Some(ClanId(3)) });
    lobby.run(AddBuddy { session: a, buddy: buddy(6) }).unwrap();
    lobby.run(AddBuddy { session: a, buddy: buddy(99) }).unwrap();
    let mut heard = |operation: SendChat| {
        lobby.run(operation).unwrap();
        lobby.pushes().into_iter().map(|(to, _)| to).collect::<Vec<_>>()
    };
    assert_eq!(heard(say(a, ChatMessageType::WHISPER, 7)), [c]);
    assert_eq!(heard(say(a, ChatMessageType::WHISPER, 99)), []);
    assert_eq!(heard(say(a, ChatMessageType::BROADCAST_ACROSS_ENTIRE_UNIVERSE, 0)), [b, c]);
    assert_eq!(heard(say(a, ChatMessageType::CLAN, 0)), [c]);
    assert_eq!(heard(say(b, ChatMessageType::CLAN, 0)), []);
    assert_eq!(heard(say(a, ChatMessageType::BUDDY, 0)), [b]);
    assert_eq!(lobby.run(say(a, ChatMessageType(77), 0)), Err(CallbackStatus::REQUEST_DENIED));
}

#[test]
fn ignored_senders_switched_off_chat_and_filtered_types_are_not_heard() {
    let mut lobby = Lobby::new();
    let (a, b) = (lobby.player(5), lobby.player(6));
    let generic = SendChat { kind: ChatKind::Generic, ..say(a, ChatMessageType::WHISPER, 6) };
    lobby.run(AddIgnored { session: b, buddy: buddy(5) }).unwrap();
    assert_eq!(lobby.run(generic.clone()), Ok(0));
    lobby.run(RemoveIgnored { session: b, account: AccountId(5) }).unwrap();
    assert_eq!(lobby.run(generic.clone()), Ok(1));
    assert!(matches!(lobby.pushes()[..], [(_, Push::GenericChat(_))]));
    let mut filter = [0xff; 16];
    filter[0] = !0b10;
    lobby.run(SetChatFilter { session: b, filter }).unwrap();
    assert_eq!(lobby.run(generic.clone()), Ok(0));
    assert_eq!(lobby.run(say(a, ChatMessageType::WHISPER, 6)), Ok(1), "the filter is for generic chat");
    lobby.run(SetChat { session: b, enabled: false }).unwrap();
    assert_eq!(lobby.run(say(a, ChatMessageType::WHISPER, 6)), Ok(0));
}

#[test]
fn a_title_may_switch_kinds_of_chat_off_and_keep_the_universe_for_moderators() {
    let mut config = config();
    config.rules.chat_channel = false;
    config.rules.chat_universe_moderators_only = true;
    config.rules.chat_reaches_games = false;
    let mut lobby = Lobby::with(config);
    let a = lobby.player(5);
    for kind in [ChatMessageType::BROADCAST, ChatMessageType::BROADCAST_ACROSS_ENTIRE_UNIVERSE] {
        assert_eq!(lobby.run(say(a, kind, 0)), Err(CallbackStatus::REQUEST_DENIED));
    }
    let (b, _) = lobby.begin();
    let login = Login { moderator: true, ..lobby.login(b, 6) };
    lobby.run(login).unwrap();
    assert_eq!(lobby.run(say(b, ChatMessageType::BROADCAST_ACROSS_ENTIRE_UNIVERSE, 0)), Ok(1));
    let (begun, _) = lobby.begin();
    assert_eq!(
        lobby.run(say(begun, ChatMessageType::WHISPER, 5)),
        Err(CallbackStatus::PLAYER_NOT_PRIVILEGED)
    );
}

#[test]
fn a_binary_message_to_everybody_is_for_whom_chat_to_everybody_is_and_costs_as_much() {
    let mut config = config();
    config.rules.chat_universe_moderators_only = true;
    config.rules.chat_per_second = 5;
    let mut lobby = Lobby::with(config);
    let a = lobby.player(5);
    let to_all = |session| SendBinary {
        session,
        variable: false,
        message_type: BinaryMessageType::BROADCAST_BINARY_MSG_ACROSS_ENTIRE_UNIVERSE,
        target: AccountId(0),
        payload: vec![1; 400],
    };
    assert_eq!(lobby.run(to_all(a)), Err(CallbackStatus::REQUEST_DENIED));
    let old = BinaryMessageType::BROADCAST_BINARY_MSG_ACROSS_ENTIRE_UNIVERSE_DEPRECATED0;
    assert_eq!(lobby.run(SendBinary { message_type: old, ..to_all(a) }), Err(CallbackStatus::REQUEST_DENIED));
    let (b, _) = lobby.begin();
    let login = Login { moderator: true, ..lobby.login(b, 6) };
    lobby.run(login).unwrap();
    for _ in 0..20 {
        assert_eq!(lobby.run(to_all(b)), Ok(1));
    }
    assert_eq!(lobby.run(to_all(b)), Err(CallbackStatus::MAX_EXCEEDED));
}

#[test]
fn invitations_are_counted_with_what_a_player_says() {
    let mut config = config();
    config.rules.chat_per_second = 5;
    let mut lobby = Lobby::with(config);
    let (a, _) = (lobby.player(5), lobby.player(6));
    let invite = InviteBuddy { session: a, target: AccountId(6), add_type: BuddyAddType::SYMMETRIC };
    for _ in 0..20 {
        assert_eq!(lobby.run(invite), Ok(()));
    }
    assert_eq!(lobby.run(invite), Err(CallbackStatus::MAX_EXCEEDED));
    assert_eq!(lobby.pushes().len(), 20);
}

#[test]
fn a_player_says_no_more_than_the_title_lets_on_average() {
    let mut config = config();
    config.rules.chat_per_second = 5;
    let mut lobby = Lobby::with(config);
    let (a, b) = (lobby.player(5), lobby.player(6));
    let line = say(a, ChatMessageType::BROADCAST, 0);
    for _ in 0..20 {
        assert_eq!(lobby.run(line.clone()), Ok(1));
    }
    assert_eq!(lobby.run(line.clone()), Err(CallbackStatus::MAX_EXCEEDED));
    assert_eq!(lobby.run(say(b, ChatMessageType::BROADCAST, 0)), Ok(1), "others have their own allowance");
    lobby.wait(400);
    assert_eq!(lobby.run(line.clone()), Ok(1));
    assert_eq!(lobby.run(line.clone()), Ok(1));
    assert_eq!(lobby.run(line), Err(CallbackStatus::MAX_EXCEEDED));
}

#[test]
fn a_title_may_let_buddy_requests_wait_for_the_next_list() {
    let mut config = config();
    config.rules.live_buddy_requests = false;
    let mut lobby = Lobby::with(config);
    let (a, b) = (lobby.player(5), lobby.player(6));
    lobby.run(InviteBuddy { session: a, target: AccountId(6), add_type: BuddyAddType::SINGLE }).unwrap();
    assert!(lobby.pushes().is_empty());
    assert!(lobby.universe.session(b).unwrap().invitations.contains_key(&AccountId(5)));
}

#[test]
fn binary_messages_go_the_same_ways_and_target_zero_comes_back() {
    let mut lobby = Lobby::new();
    let (a, b) = (lobby.player(5), lobby.player(6));
    let send = |message_type, target, variable| SendBinary {
        session: a,
        variable,
        message_type,
        target: AccountId(target),
        payload: vec![1; 9999],
    };
    lobby.run(send(BinaryMessageType::BROADCAST_BINARY_MSG, 0, false)).unwrap();
    lobby.run(send(BinaryMessageType::TARGET_BINARY_MSG, 6, true)).unwrap();
    lobby.run(send(BinaryMessageType::TARGET_BINARY_MSG, 0, true)).unwrap();
    lobby.run(send(BinaryMessageType::BROADCAST_BINARY_MSG_ACROSS_ENTIRE_UNIVERSE, 0, false)).unwrap();
    assert_eq!(lobby.run(send(BinaryMessageType(9), 0, false)), Err(CallbackStatus::REQUEST_DENIED));
    let pushes = lobby.pushes();
    assert_eq!(pushes.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [b, b, a, b]);
    assert!(matches!(&pushes[0].1, Push::Binary(line) if line.payload.len() == 4096));
    assert!(matches!(pushes[1].1, Push::Binary1(_)));
    let cross = SendCrossChat {
        session: a,
        target: AccountId(6),
        target_dme_world: 1,
        source_dme_world: 2,
        message_type: CrossChatMessageType::CHAT_REQUEST,
        payload: vec![3],
    };
    assert_eq!(lobby.run(cross), Ok(1));
}

#[test]
fn a_buddy_list_refuses_oneself_doubles_and_more_than_its_limit() {
    let mut config = config();
    config.limits.buddies = 2;
    let mut lobby = Lobby::with(config);
    let session = lobby.player(5);
    let add = |account| AddBuddy { session, buddy: buddy(account) };
    assert_eq!(lobby.run(add(5)), Err(CallbackStatus::DB_ERROR));
    lobby.run(add(6)).unwrap();
    assert_eq!(lobby.run(add(6)), Err(CallbackStatus::DB_ERROR));
    lobby.run(add(7)).unwrap();
    assert_eq!(lobby.run(add(8)), Err(CallbackStatus::DB_ERROR));
    lobby.run(RemoveBuddy { session, account: AccountId(6) }).unwrap();
    assert_eq!(lobby.run(RemoveBuddy { session, account: AccountId(6) }), Err(CallbackStatus::DB_ERROR));
    let strangers = vec!["Nobody".into()];
    lobby
        .run(SetBuddies { session, list: (1..9).map(buddy).collect(), strangers: strangers.clone() })
        .unwrap();
    assert!(lobby.universe.session(session).unwrap().buddy_strangers.is_empty(), "no room for them");
    assert_eq!(lobby.universe.session(session).unwrap().buddies.len(), 2);
    lobby.run(SetIgnored { session, list: vec![buddy(5), buddy(6)], strangers: strangers.clone() }).unwrap();
    assert_eq!(lobby.universe.session(session).unwrap().ignored_strangers, strangers);
    assert_eq!(lobby.universe.session(session).unwrap().ignored.len(), 1);
}

#[test]
fn presence_follows_a_player_from_nowhere_to_a_game() {
    let mut lobby = Lobby::new();
    lobby.relay();
    assert_eq!(lobby.universe.presence(AccountId(5)), Presence::default());
    let session = lobby.player(5);
    let general = lobby.channel("General");
    let game = lobby.create(session, spec("Match"));
    let join = lobby.join(session, game);
    let request = lobby.run(join).unwrap();
    lobby.grant(request, 0);
    let presence = lobby.universe.presence(AccountId(5));
    assert_eq!((presence.status, presence.game), (PlayerStatus::PLAYER_IN_CHAT_WORLD, MediusWorldId(0)));
    lobby.notify(session, game, true);
    let presence = lobby.universe.presence(AccountId(5));
    assert_eq!(
        (presence.status, presence.lobby, presence.game),
        (PlayerStatus::PLAYER_IN_GAME_WORLD, general, game)
    );
    assert_eq!((presence.lobby_name, presence.game_name), ("General".into(), "Match".into()));
    let player = lobby.universe.player(AccountId(5)).unwrap();
    assert_eq!(lobby.universe.whereabouts(player), (ApplicationType::APP_TYPE_GAME, game));
    assert_eq!(lobby.universe.total_users(), (1, 1));
    assert_eq!(lobby.universe.channel_players(general).count(), 1, "a player in a game stays in its channel");
    lobby.notify(session, game, false);
    assert_eq!(lobby.universe.presence(AccountId(5)).status, PlayerStatus::PLAYER_IN_CHAT_WORLD);
    let player = lobby.universe.player(AccountId(5)).unwrap();
    assert_eq!(lobby.universe.whereabouts(player), (ApplicationType::LOBBY_CHAT_CHANNEL, general));
}

#[test]
fn a_symmetric_invitation_that_is_accepted_makes_both_buddies() {
    let mut lobby = Lobby::new();
    let (a, b) = (lobby.player(5), lobby.player(6));
    lobby.run(InviteBuddy { session: a, target: AccountId(6), add_type: BuddyAddType::SYMMETRIC }).unwrap();
    assert!(matches!(&lobby.pushes()[..], [(to, Push::BuddyRequest { from: AccountId(5), .. })] if *to == b));
    let answer = AnswerBuddyInvitation {
        session: b,
        originator: AccountId(5),
        status: CallbackStatus::REQUEST_ACCEPTED,
    };
    lobby.run(answer).unwrap();
    assert!(lobby.universe.session(a).unwrap().buddies.contains_key(&AccountId(6)));
    assert!(lobby.universe.session(b).unwrap().buddies.contains_key(&AccountId(5)));
    let expected = Push::BuddyAnswer {
        status: CallbackStatus::REQUEST_ACCEPTED,
        target: AccountId(6),
        name: "Player6".into(),
    };
    assert_eq!(lobby.pushes(), [(a, expected)]);
    for (owner, buddy) in [(5, 6), (6, 5)] {
        let effect = StoreEffect::AddBuddy { owner: AccountId(owner), buddy: AccountId(buddy) };
        assert!(lobby.outputs.contains(&Output::Store(effect)));
    }
    assert_eq!(lobby.run(answer), Err(CallbackStatus::DATA_DOES_NOT_EXIST));
}

#[test]
fn an_invitation_to_somebody_offline_is_stored_and_a_refusal_is_told() {
    let mut lobby = Lobby::new();
    let a = lobby.player(5);
    lobby.run(InviteBuddy { session: a, target: AccountId(6), add_type: BuddyAddType::SINGLE }).unwrap();
    let stored = lobby
        .outputs
        .iter()
        .any(|output| matches!(output, Output::Store(StoreEffect::AddInvitation { to: AccountId(6), .. })));
    assert!(stored);
    let (b, _) = lobby.begin();
    let invitation =
        Invitation { from: AccountId(5), name: "Player5".into(), add_type: BuddyAddType::SINGLE };
    let login = Login { invitations: vec![invitation], ..lobby.login(b, 6) };
    lobby.run(login).unwrap();
    let answer = AnswerBuddyInvitation {
        session: b,
        originator: AccountId(5),
        status: CallbackStatus::REQUEST_DENIED,
    };
    lobby.run(answer).unwrap();
    assert!(lobby.universe.session(a).unwrap().buddies.is_empty());
    assert!(matches!(
        &lobby.pushes()[..],
        [(to, Push::BuddyAnswer { status: CallbackStatus::REQUEST_DENIED, .. })] if *to == a
    ));
}
