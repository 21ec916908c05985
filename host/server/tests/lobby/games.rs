use std::net::Ipv4Addr;

use medley_store::{BanScope, BanSubject, NewBan};
use medley_wire::AnyMessage;
use medley_wire::MediusWorldId;
use medley_wire::enums::{
    CallbackStatus as S, GameHostType, JoinType, MgclErrorCode, MgclGameHostType, NetAddressType,
    NetConnectionType, PlayerStatus, WorldAttributesType, WorldStatus,
};
use medley_wire::messages::*;
use medley_wire::types::Text;

use crate::harness::{APP, Behaviour, DME, DME_KEY, Host, Player, TITLE, game, join};
use crate::reports::staging;

async fn online_state(player: &mut Player) -> PlayerOnlineState {
    let names =
        GetLobbyPlayerNames_ExtraInfoRequest { medius_world_id: player.channel, ..Default::default() };
    let rows = player.list(names).await;
    rows.into_iter().find(|row| row.account_id == player.account).expect("itself").online_state
}

#[tokio::test]
async fn a_game_is_made_by_way_of_the_game_server() {
    let host = Host::start().await;
    let mut dme = host.dme().await;
    let mut player = host.player("Badger41").await;
    let created = player.ask(game("Battledome")).await;
    assert_eq!((created.status_code, created.message_id), (S::SUCCESS, "1".into()));
    let AnyMessage::ServerCreateGameWithAttributesRequest(asked) = dme.next().await else {
        panic!("another request")
    };
    assert_eq!((asked.application_id.0, asked.max_clients), (APP, 8));
    let info = GameInfoRequest { medius_world_id: created.medius_world_id, ..Default::default() };
    let info = player.ask(info).await;
    assert_eq!((info.world_status, info.player_count), (WorldStatus::PENDING_CREATION, 0));
    assert_eq!((info.application_id.0, info.game_name), (APP, Text::new("Battledome")));
}

#[tokio::test]
async fn every_form_of_create_and_join_leads_into_a_game() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let mut player = host.player_of("Badger41", 108, APP).await;
    let aux = GameHostType::CLIENT_SERVER_AUX_UDP;
    let form0 = CreateGameRequest0 {
        game_name: Text::new("Zero"),
        max_players: 4,
        generic_field3: 33,
        game_host_type: aux,
        ..Default::default()
    };
    let zero = player.ask(form0).await.medius_world_id;
    let form1 = CreateGameRequest1 {
        game_name: Text::new("One"),
        game_password: Text::new("pw"),
        max_players: 4,
        generic_field2: 22,
        game_host_type: aux,
        ..Default::default()
    };
    let one = player.ask(form1).await.medius_world_id;
    let info = |id| GameInfoRequest0 { medius_world_id: id, ..Default::default() };
    assert_eq!(player.ask(info(zero)).await.generic_field3, 33);
    assert_eq!(player.ask(info(one)).await.generic_field2, 22);
    let form0 = JoinGameRequest0 {
        medius_world_id: one,
        game_password: Text::new("pw"),
        game_host_type: aux,
        ..Default::default()
    };
    let joined = player.ask(form0).await;
    assert_eq!((joined.status_code, joined.max_players), (S::SUCCESS, None));
    dme.player(joined.connect_info.world_id.0, &player, true);
    host.until("in the game", move |state| state.game(one).is_some_and(|game| game.player_count() == 1))
        .await;
}

#[tokio::test]
async fn a_join_answer_leads_to_the_game_server_with_its_key() {
    let host = Host::start().await;
    let mut dme = host.dme().await;
    let mut player = host.player("Badger41").await;
    let id = player.ask(game("Battledome")).await.medius_world_id;
    let joined = player.ask(join(id)).await;
    assert_eq!(
        (joined.status_code, joined.game_host_type),
        (S::SUCCESS, GameHostType::CLIENT_SERVER_AUX_UDP)
    );
    let info = &joined.connect_info;
    assert_eq!(info.connection_type, NetConnectionType::CLIENT_SERVER_TCP_AUX_UDP);
    let [external, unused] = info.address_list.address_list;
    assert_eq!((external.address_type, external.ip()), (NetAddressType::EXTERNAL, Some(DME.0)));
    assert_eq!((external.port, unused), (DME.1.into(), NetAddress::UNUSED));
    assert_eq!((info.world_id.0, info.session_key), (1, player.session));
    assert_eq!((info.access_key, info.server_key.key), (Text::new(DME_KEY), [7; 16]));
    dme.next().await;
    let AnyMessage::ServerJoinGameRequest(asked) = dme.next().await else { panic!("another request") };
    assert_eq!(asked.connect_info.session_key, player.session);
    assert_eq!(asked.connect_info.world_id.0, 1);
}

#[tokio::test]
async fn from_1_12_on_a_join_answer_tells_max_players() {
    let host = Host::start().await;
    let _dme = host.dme().await;
    let mut player = host.player_of("Badger41", 113, APP).await;
    let id = player.ask(game("Battledome")).await.medius_world_id;
    assert_eq!(player.ask(join(id)).await.max_players, Some(8));
}

#[tokio::test]
async fn a_player_is_in_the_game_only_after_the_connect() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let mut player = host.player("Badger41").await;
    let id = player.ask(game("Battledome")).await.medius_world_id;
    let world = player.ask(join(id)).await.connect_info.world_id.0;
    let state = online_state(&mut player).await;
    assert_eq!(state.connect_status, PlayerStatus::PLAYER_IN_CHAT_WORLD);
    assert_eq!((state.medius_game_world_id.0, state.game_name), (0, Text::EMPTY));
    dme.player(world, &player, true);
    host.until("in the game", move |state| state.game(id).is_some_and(|game| game.player_count() == 1)).await;
    let state = online_state(&mut player).await;
    assert_eq!(state.connect_status, PlayerStatus::PLAYER_IN_GAME_WORLD);
    assert_eq!((state.medius_game_world_id, state.game_name), (id, Text::new("Battledome")));
    assert_eq!((state.medius_lobby_world_id, state.lobby_name), (player.channel, Text::new("General")));
    dme.player(world, &player, false);
    host.until("out of the game", move |state| state.game(id).is_none_or(|game| game.player_count() == 0))
        .await;
    assert_eq!(online_state(&mut player).await.connect_status, PlayerStatus::PLAYER_IN_CHAT_WORLD);
}

#[tokio::test]
async fn without_a_game_server_no_game_is_made() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    let refused = player.ask(game("Battledome")).await;
    assert_eq!((refused.status_code, refused.medius_world_id.0), (S::EXCEEDS_MAX_WORLDS, -1));
}

#[tokio::test]
async fn a_game_that_the_game_server_refuses_is_dropped() {
    let host = Host::start().await;
    let _dme = host.dme_that(Behaviour { refuses_creation: true, ..Default::default() }).await;
    let mut player = host.player("Badger41").await;
    let refused = player.ask(game("Battledome")).await;
    assert_eq!((refused.status_code, refused.medius_world_id.0), (S::FAIL, -1));
    host.until("no game", |state| state.all_games().next().is_none()).await;
}

#[tokio::test]
async fn creating_a_game_is_refused_for_each_reason() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    player.host_game(&dme, "Battledome").await;
    let taken = other.ask(game("BATTLEDOME")).await;
    assert_eq!((taken.status_code, taken.medius_world_id.0), (S::GAME_NAME_EXISTS, -1));
    assert_eq!(other.ask(game("darn it")).await.status_code, S::FAIL);
    let foreign = CreateGameRequest { session_key: Text::new("1"), ..game("Mine") };
    assert_eq!(other.ask(foreign).await.status_code, S::SESSION_KEY_INVALID);
    let large = other.ask(CreateGameRequest { max_players: 70_000, ..game("Large") }).await;
    assert_eq!(large.status_code, S::WORLD_CREATED_SIZE_REDUCED);
    for name in ["Third", "Fourth"] {
        assert_eq!(other.ask(game(name)).await.status_code, S::SUCCESS);
    }
    // The title takes four games, in all and in a channel.
    assert_eq!(other.ask(game("Fifth")).await.status_code, S::NUM_GAME_WORLDS_PER_LOBBY_WORLD_EXCEEDED);
}

#[tokio::test]
async fn a_title_may_take_fewer_games_in_a_channel_than_in_all() {
    let title = TITLE.replace("max_games = 4", "max_games = 4\nmax_games_per_channel = 1");
    let host = Host::with(&title).await;
    let _dme = host.dme().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    assert_eq!(player.ask(game("First")).await.status_code, S::SUCCESS);
    assert_eq!(other.ask(game("Second")).await.status_code, S::NUM_GAME_WORLDS_PER_LOBBY_WORLD_EXCEEDED);
}

#[tokio::test]
async fn one_player_makes_a_few_games_only() {
    let host = Host::with("name = \"T\"\n[[app]]\nid = 11184\n[[channel]]\nname = \"A\"\n").await;
    let _dme = host.dme().await;
    let mut player = host.player("Badger41").await;
    for name in ["1", "2", "3", "4"] {
        assert_eq!(player.ask(game(name)).await.status_code, S::SUCCESS);
    }
    assert_eq!(player.ask(game("5")).await.status_code, S::REQUEST_DENIED);
}

#[tokio::test]
async fn joining_a_game_is_refused_for_each_reason() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let duel = CreateGameRequest { max_players: 1, ..game("Duel") };
    let full = player.ask(duel).await.medius_world_id;
    player.enter_game(&dme, full).await;
    let secret = CreateGameRequest { game_password: Text::new("pw"), ..game("Secret") };
    let secret = player.ask(secret).await.medius_world_id;
    let open = player.ask(game("Open")).await.medius_world_id;

    let mut refused = async |request: JoinGameRequest, status| {
        let answer = other.ask(request).await;
        assert_eq!(answer.status_code, status);
        assert!(answer.connect_info.access_key.is_empty());
    };
    refused(join(MediusWorldId(4711)), S::GAME_NOT_FOUND).await;
    refused(join(secret), S::INVALID_PASSWORD).await;
    refused(JoinGameRequest { game_password: Text::new("PW"), ..join(secret) }, S::INVALID_PASSWORD).await;
    refused(join(full), S::WORLD_IS_FULL).await;
    let other_type = JoinGameRequest { game_host_type: GameHostType::PEER_TO_PEER, ..join(open) };
    refused(other_type, S::REQUEST_DENIED).await;
    for join_type in [JoinType::SPECTATOR, JoinType::MASS_SPECTATOR] {
        refused(JoinGameRequest { join_type, ..join(open) }, S::REQUEST_DENIED).await;
    }
    refused(JoinGameRequest { session_key: Text::new("1"), ..join(open) }, S::SESSION_KEY_INVALID).await;
    player.enter_game(&dme, open).await;
    host.until("in the game", move |state| state.game(open).is_some_and(|game| game.player_count() == 1))
        .await;
    player.send(WorldReport { world_status: WorldStatus::CLOSED, ..staging(open) }).await;
    player.settle().await;
    refused(join(open), S::WORLD_CLOSED).await;
}

#[tokio::test]
async fn a_game_server_that_refuses_a_join_is_a_failure_of_the_join() {
    let host = Host::start().await;
    let _dme = host.dme_that(Behaviour { refuses_joins: true, ..Default::default() }).await;
    let mut player = host.player("Badger41").await;
    let id = player.ask(game("Battledome")).await.medius_world_id;
    assert_eq!(player.ask(join(id)).await.status_code, S::FAIL);
}

#[tokio::test]
async fn a_spectator_joins_by_the_spectators_password_where_spectators_are_allowed() {
    let host = Host::start().await;
    let _dme = host.dme().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let arena = CreateGameRequest {
        attributes: WorldAttributesType::ALLOW_SPECTATOR,
        spectator_password: Text::new("watch"),
        ..game("Arena")
    };
    let id = player.ask(arena).await.medius_world_id;
    let watch = JoinGameRequest { join_type: JoinType::SPECTATOR, ..join(id) };
    assert_eq!(other.ask(watch.clone()).await.status_code, S::INVALID_PASSWORD);
    let watch = JoinGameRequest { game_password: Text::new("watch"), ..watch };
    assert_eq!(other.ask(watch).await.status_code, S::SUCCESS);
}

#[tokio::test]
async fn who_names_no_game_gets_the_first_of_the_list() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    assert_eq!(other.ask(join(MediusWorldId(-1))).await.status_code, S::GAME_NOT_FOUND);
    let (id, world) = player.host_game(&dme, "Battledome").await;
    host.until("in the game", move |state| state.game(id).is_some_and(|game| game.player_count() == 1)).await;
    player.send(staging(id)).await;
    player.settle().await;
    let joined = other.ask(join(MediusWorldId(-1))).await;
    assert_eq!((joined.status_code, joined.connect_info.world_id.0), (S::SUCCESS, world));
}

#[tokio::test]
async fn a_console_that_hosts_is_joined_at_its_own_addresses() {
    let host = Host::start().await;
    let (player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let addresses = |last| NetAddressList {
        address_list: [
            NetAddress::text(NetAddressType::EXTERNAL, Ipv4Addr::new(10, 0, 0, last), 3658),
            NetAddress::text(NetAddressType::INTERNAL, Ipv4Addr::new(192, 168, 0, last), 3658),
        ],
    };
    let mut console = host.console(&player).await;
    let on_me = ServerCreateGameOnMeRequest {
        game_name: Text::new("Mine"),
        max_players: 8,
        game_host_type: MgclGameHostType::PEER_TO_PEER,
        address_list: addresses(1),
        account_id: player.account,
        world_id: 1,
        ..Default::default()
    };
    let made = console.ask(on_me).await;
    assert_eq!(made.confirmation, MgclErrorCode::SUCCESS);
    let join = JoinGameRequest {
        game_host_type: GameHostType::PEER_TO_PEER,
        address_list: addresses(2),
        ..join(made.medius_world_id)
    };
    other.send(join).await;
    let asked: ServerJoinGameRequest = console.expect().await;
    assert_eq!(
        (asked.connect_info.address_list, asked.connect_info.session_key),
        (addresses(2), other.session)
    );
    let granted = ServerJoinGameResponse {
        message_id: asked.message_id,
        confirmation: MgclErrorCode::SUCCESS,
        access_key: Text::new("peer"),
        pub_key: RsaKey::default(),
        dme_client_index: 1,
    };
    console.send(granted).await;
    let joined: JoinGameResponse = other.expect().await;
    assert_eq!((joined.status_code, joined.game_host_type), (S::SUCCESS, GameHostType::PEER_TO_PEER));
    let info = &joined.connect_info;
    assert_eq!(info.connection_type, NetConnectionType::PEER_TO_PEER_UDP);
    assert_eq!((&info.address_list, info.access_key), (&addresses(1), Text::new("peer")));
    assert!(info.server_key.is_zero());
}

#[tokio::test]
async fn a_player_who_was_banned_since_the_login_joins_nothing() {
    let host = Host::start().await;
    let _dme = host.dme().await;
    let mut player = host.player("Badger41").await;
    let id = player.ask(game("Battledome")).await.medius_world_id;
    let account = medley_store::AccountId::new(player.account.0).expect("an account");
    let ban = NewBan {
        scope: BanScope::Title(host.title.clone()),
        subject: BanSubject::Account(account),
        reason: "test".into(),
        created: 0,
        expires: None,
    };
    host.store.write(move |store| store.add_ban(&ban)).await.expect("a ban");
    assert_eq!(player.ask(join(id)).await.status_code, S::FAIL);
}
