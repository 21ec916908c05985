//! MPS: the MGCL exchange of servers.md 9.3 with a relay that the test plays, and who is let in.

use medley_server::Event;
use medley_session::{ClientConfig, ServerKind};
use medley_titles::HostConfig;
use medley_universe::{Answer, CreateGame, GameSpec, JoinGame, SessionKey};
use medley_wire::enums::{
    CallbackStatus, MgclErrorCode, MgclEventType, MgclServerAttributes, NetAddressType,
};
use medley_wire::messages::*;
use medley_wire::types::{MediusWorldId, NetWorldId};
use medley_wire::{AnyMessage, AppId};

use crate::kit::*;

const RELAY_KEY: &str = "0123456789abcdef";

fn relay_config(key: Option<&str>) -> ClientConfig {
    let config = ClientConfig::new(110, AppId(0), ServerKind::Mps);
    match key {
        Some(key) => config.redirected(1, b"MEDLEY-RELAY", key.as_bytes()),
        None => config,
    }
}

/// Connects as a relay and tells where it is.
async fn relay(host: &Host, key: Option<&str>) -> Console {
    let mut relay = Console::dial(host, ServerKind::Mps, relay_config(key)).await;
    assert!(relay.handshake().await);
    let attributes = ServerSetAttributesRequest {
        message_id: "1".into(),
        attributes: MgclServerAttributes(0),
        listen_server_address: NetAddress::text(NetAddressType(0), LOOPBACK, 10079),
    };
    let answer = relay.ask(attributes, of!(ServerSetAttributesResponse)).await;
    assert_eq!(answer.confirmation, MgclErrorCode::SUCCESS);
    relay
}

/// A player in the lobby, and its session key.
async fn player(host: &Host, name: &str) -> (Console, SessionKey) {
    host.account("uya", name, "x").await;
    let mut mas = Console::connect(host, UYA, ServerKind::Mas).await;
    mas.begin().await;
    let info = mas.login(name, "x").await.connect_info;
    let key = SessionKey::parse(info.session_key.as_bytes()).unwrap();
    (Console::follow(host, UYA, ServerKind::Mls, &info).await, key)
}

#[tokio::test]
async fn a_relay_makes_a_world_lets_a_player_in_tells_of_it_and_is_lost() {
    let host = Host::start().await;
    let mut relay = relay(&host, None).await;
    let (_mls, session) = player(&host, "Badger41").await;
    let title = host.handle.title("uya").unwrap();

    let spec = GameSpec { name: "Arena".into(), max_players: 4, ..GameSpec::default() };
    let create = CreateGame { session, spec, superset: None };
    let asking = tokio::spawn({
        let title = title.clone();
        async move { title.request(create).await.unwrap().unwrap() }
    });
    let AnyMessage::ServerCreateGameWithAttributesRequest(asked) = relay.next_app().await else {
        panic!("no request")
    };
    assert_eq!(asked.application_id, AppId(UYA));
    relay
        .send(ServerCreateGameWithAttributesResponse {
            message_id: asked.message_id,
            confirmation: MgclErrorCode::SUCCESS,
            medius_world_id: MediusWorldId(3),
        })
        .await;
    let Answer::Created(Ok(game)) = asking.await.unwrap() else { panic!("not created") };
    assert_eq!((game.game.0, game.status), (asked.world_id, CallbackStatus::SUCCESS));

    let join = join_of(session, game.game);
    let asking = tokio::spawn({
        let title = title.clone();
        async move { title.request(join).await.unwrap().unwrap() }
    });
    let AnyMessage::ServerJoinGameRequest(asked) = relay.next_app().await else { panic!("no request") };
    assert_eq!(asked.connect_info.world_id, NetWorldId(3));
    assert_eq!(asked.connect_info.session_key, session.to_string().as_str());
    relay
        .send(ServerJoinGameResponse {
            message_id: asked.message_id,
            confirmation: MgclErrorCode::SUCCESS,
            access_key: "XiiFHEibnt2n4t+0".into(),
            pub_key: RsaKey::from_wire(&[7; 64]),
            dme_client_index: 0,
        })
        .await;
    let Answer::Joined(Ok(joined)) = asking.await.unwrap() else { panic!("not joined") };
    assert_eq!((joined.dme_world, joined.access_key.as_bytes()), (3, &b"XiiFHEibnt2n4t+0"[..]));
    assert_eq!(joined.server_key, [7; 64]);

    relay
        .send(ServerConnectNotification {
            connect_event_type: MgclEventType::CONNECT,
            medius_world_uid: MediusWorldId(3),
            player_session_key: session.to_string().as_str().into(),
        })
        .await;
    // The report is handled after the notification: when its effect shows, the player is in the game.
    relay.send(ServerReport { max_worlds: 9, active_world_count: 1, ..Default::default() }).await;
    let in_game = move |state: &medley_universe::State| {
        let reported = state.game_servers().any(|server| server.max_worlds == 9);
        reported.then(|| state.session(session).is_some_and(|session| session.in_game()))
    };
    let in_game = loop {
        if let Some(in_game) = title.ask(in_game).await.unwrap() {
            break in_game;
        }
    };
    assert!(in_game);

    drop(relay);
    let left = move |state: &medley_universe::State| state.game_servers().next().is_none();
    while !title.ask(left).await.unwrap() {}
    assert!(title.ask(move |state| state.game(game.game).is_none()).await.unwrap());
}

fn join_of(session: SessionKey, game: MediusWorldId) -> JoinGame {
    JoinGame {
        session,
        game,
        join_type: medley_wire::enums::JoinType::PLAYER,
        password: "".into(),
        host_type: medley_wire::enums::GameHostType::CLIENT_SERVER_AUX_UDP,
        addresses: [NetAddress::default().into(), NetAddress::default().into()],
    }
}

#[tokio::test]
async fn a_relay_on_this_machine_needs_no_key_whether_it_names_itself_or_not() {
    let host = Host::start().await;
    relay(&host, None).await;
    relay(&host, Some("")).await;
}

/// A world of 256 that ends is 256 notifications at once, and a relay that is cut takes every game with it.
#[tokio::test]
async fn a_relay_tells_more_at_once_than_a_console_may() {
    let mut config = HostConfig::ephemeral();
    config.limits.messages_per_second = 1;
    config.limits.messages_burst = 10;
    let host = Host::with(config, titles(&[])).await;
    let mut relay = relay(&host, None).await;
    let notice = |player: u64| {
        AnyMessage::from(ServerConnectNotification {
            connect_event_type: MgclEventType::DISCONNECT,
            medius_world_uid: MediusWorldId(3),
            player_session_key: player.to_string().as_str().into(),
        })
    };
    relay.send_all((0..256).map(notice).collect()).await;
    let attributes = ServerSetAttributesRequest { message_id: "2".into(), ..Default::default() };
    let answer = relay.ask(attributes, of!(ServerSetAttributesResponse)).await;
    assert_eq!(answer.confirmation, MgclErrorCode::SUCCESS);
    assert_eq!(host.handle.count(Event::ClosedFlood), 0);
}

/// What a title asks of a relay comes in crowds too: a game night begins, an operator ends all games.
#[tokio::test]
async fn a_relay_is_asked_more_at_once_than_a_console_is_pushed() {
    let mut config = HostConfig::ephemeral();
    config.limits.push_queue = 8;
    let host = Host::with(config, titles(&[])).await;
    let mut relay = relay(&host, None).await;
    let mut players = Vec::new();
    for number in 0..5 {
        players.push(player(&host, &format!("Player{number}")).await);
    }
    let title = host.handle.title("uya").unwrap();
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..20 {
        let (title, session) = (title.clone(), players[number / 4].1);
        let spec = GameSpec { name: format!("Arena{number}").as_str().into(), ..GameSpec::default() };
        asking.spawn(async move {
            title.request(CreateGame { session, spec, superset: None }).await.unwrap().unwrap()
        });
    }
    for _ in 0..20 {
        let AnyMessage::ServerCreateGameWithAttributesRequest(asked) = relay.next_app().await else {
            panic!("no request")
        };
        relay
            .send(ServerCreateGameWithAttributesResponse {
                message_id: asked.message_id,
                confirmation: MgclErrorCode::SUCCESS,
                medius_world_id: MediusWorldId(asked.world_id),
            })
            .await;
    }
    while let Some(answer) = asking.join_next().await {
        assert!(matches!(answer, Ok(Answer::Created(Ok(_)))), "{answer:?}");
    }
}

#[tokio::test]
async fn a_relay_that_refuses_fails_the_creation() {
    let host = Host::start().await;
    let mut relay = relay(&host, None).await;
    let (_mls, session) = player(&host, "Badger41").await;
    let title = host.handle.title("uya").unwrap();
    let spec = GameSpec { name: "Arena".into(), ..GameSpec::default() };
    let create = CreateGame { session, spec, superset: None };
    let asking = tokio::spawn(async move { title.request(create).await.unwrap().unwrap() });
    let AnyMessage::ServerCreateGameWithAttributesRequest(asked) = relay.next_app().await else {
        panic!("no request")
    };
    relay
        .send(ServerCreateGameWithAttributesResponse {
            message_id: asked.message_id,
            confirmation: MgclErrorCode::UNSUCCESSFUL,
            medius_world_id: MediusWorldId(0),
        })
        .await;
    assert_eq!(asking.await.unwrap(), Answer::Created(Err(CallbackStatus::FAIL)));
}

#[tokio::test]
async fn with_a_relay_key_only_who_has_it_is_a_relay() {
    let config = HostConfig::ephemeral();
    let host = Host::with_relay_key(config, titles(&[]), Some(RELAY_KEY.into())).await;
    for wrong in [None, Some("0123456789abcdeX"), Some("0123456789abcde")] {
        let mut console = Console::dial(&host, ServerKind::Mps, relay_config(wrong)).await;
        assert!(!console.handshake().await);
        assert_eq!(console.next().await, Seen::Rejected(5));
    }
    host.counted(Event::ClosedUnknownKey, 3).await;
    relay(&host, Some(RELAY_KEY)).await;
}

#[tokio::test]
async fn a_console_makes_a_game_on_itself_and_another_is_sent_to_it() {
    let host = Host::start().await;
    let (_mls, session) = player(&host, "Badger41").await;
    let keys = ClientConfig::new(108, AppId(UYA), ServerKind::Mps).redirected(
        1,
        session.to_string().as_bytes(),
        b"",
    );
    let mut mps = Console::dial(&host, ServerKind::Mps, keys).await;
    assert!(mps.handshake().await);
    let own = NetAddress::text(NetAddressType::EXTERNAL, LOOPBACK, 50000);
    let create = ServerCreateGameOnMeRequest {
        message_id: "1".into(),
        game_name: "Mine".into(),
        application_id: AppId(UYA),
        max_players: 8,
        min_players: 1,
        world_id: 5,
        address_list: NetAddressList { address_list: [own, NetAddress::UNUSED] },
        game_host_type: medley_wire::enums::MgclGameHostType::PEER_TO_PEER,
        ..Default::default()
    };
    let made = mps.ask(create.clone(), of!(ServerCreateGameOnMeResponse)).await;
    assert_eq!(made.confirmation, MgclErrorCode::SUCCESS);
    let again = mps.ask(create, of!(ServerCreateGameOnMeResponse)).await;
    assert_eq!(again.confirmation, MgclErrorCode::GAME_NAME_EXISTS);

    let (_other, joiner) = player(&host, "Other").await;
    let title = host.handle.title("uya").unwrap();
    let mut join = join_of(joiner, made.medius_world_id);
    join.host_type = medley_wire::enums::GameHostType::PEER_TO_PEER;
    let asking = tokio::spawn(async move { title.request(join).await.unwrap().unwrap() });
    let AnyMessage::ServerJoinGameRequest(asked) = mps.next_app().await else { panic!("no request") };
    mps.send(ServerJoinGameResponse {
        message_id: asked.message_id,
        access_key: "host".into(),
        dme_client_index: 1,
        ..Default::default()
    })
    .await;
    let Answer::Joined(Ok(joined)) = asking.await.unwrap() else { panic!("not joined") };
    assert_eq!(joined.addresses.map(|[first, _]| NetAddress::from(first)), Some(own));

    let end = ServerEndGameOnMeRequest { medius_world_id: made.medius_world_id, ..Default::default() };
    let ended = mps.ask(end.clone(), of!(ServerEndGameOnMeResponse)).await;
    assert_eq!(ended.confirmation, MgclErrorCode::SUCCESS);
    // The universe tells whoever carries a game that it is over, also who said so.
    let AnyMessage::ServerEndGameRequest(told) = mps.next_app().await else { panic!("not told") };
    assert_eq!(told.medius_world_id, MediusWorldId(5));
    assert_eq!(mps.ask(end, of!(ServerEndGameOnMeResponse)).await.confirmation, MgclErrorCode::INVALID_ARG);
}

#[tokio::test]
async fn a_game_server_gets_its_way_to_mps_on_mas() {
    let host = Host::start().await;
    let mut mas = Console::connect(&host, UYA, ServerKind::Mas).await;
    let begin = ServerSessionBeginRequest { message_id: "1".into(), ..Default::default() };
    let answer = mas.ask(begin, of!(ServerSessionBeginResponse)).await;
    assert_eq!(answer.confirmation, MgclErrorCode::SUCCESS);
    let info = answer.connect_info;
    let [mps, _] = info.address_list.address_list;
    assert_eq!((mps.ip(), mps.port), (Some(LOOPBACK), host.handle.bound().mps.port().into()));
    Console::follow(&host, UYA, ServerKind::Mps, &info).await;
}
