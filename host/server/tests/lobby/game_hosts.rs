//! Game servers on MAS and MPS, and consoles that host their games themselves (servers.md 8.4 and 9).

use std::net::Ipv4Addr;

use medley_session::{ClientConfig, ServerKind};
use medley_wire::AppId;
use medley_wire::enums::{
    CallbackStatus as S, GameHostType, MgclErrorCode, MgclEventType, MgclGameHostType, NetAddressType,
    NetConnectionType, WorldStatus,
};
use medley_wire::messages::*;
use medley_wire::types::{Blob, MediusWorldId, MessageId, Text, VarText};

use crate::harness::*;

fn addresses(last: u8) -> NetAddressList {
    NetAddressList {
        address_list: [
            NetAddress::text(NetAddressType::EXTERNAL, Ipv4Addr::new(10, 0, 0, last), 3658),
            NetAddress::text(NetAddressType::INTERNAL, Ipv4Addr::new(192, 168, 0, last), 3658),
        ],
    }
}

fn on_me(name: &str) -> ServerCreateGameOnMeRequest {
    ServerCreateGameOnMeRequest {
        game_name: Text::new(name),
        max_players: 8,
        min_players: 2,
        game_level: 3,
        generic_field8: 88,
        game_host_type: MgclGameHostType::PEER_TO_PEER,
        address_list: addresses(1),
        world_id: 1,
        ..Default::default()
    }
}

/// Asks what has another type of answer than its declaration says.
async fn create<M: Message>(console: &mut Client, request: M) -> ServerCreateGameOnMeResponse {
    let id = request.message_id();
    console.send(request).await;
    let answer: ServerCreateGameOnMeResponse = console.expect().await;
    assert_eq!(answer.message_id(), id);
    answer
}

async fn info(player: &mut Player, game: MediusWorldId) -> GameInfoResponse {
    player.ask(GameInfoRequest { medius_world_id: game, ..Default::default() }).await
}

/// On MAS: each request, and the way to MPS that its answer tells.
async fn begun(mas: &mut Client, form: usize) -> (MgclErrorCode, NetConnectionInfo) {
    match form {
        0 => {
            let answer = mas.ask(ServerSessionBeginRequest::default()).await;
            (answer.confirmation, answer.connect_info)
        }
        1 => {
            let answer = mas.ask(ServerSessionBeginRequest1::default()).await;
            (answer.confirmation, answer.connect_info)
        }
        2 => {
            let answer = mas.ask(ServerSessionBeginRequest2::default()).await;
            (answer.confirmation, answer.connect_info)
        }
        _ => {
            let answer = mas.ask(ServerAuthenticationRequest::default()).await;
            (answer.confirmation, answer.connect_info)
        }
    }
}

#[tokio::test]
async fn every_form_of_session_begin_leads_a_game_server_to_mps() {
    let host = Host::start().await;
    for form in 0..4 {
        let mut mas = host.mas(110, APP).await;
        let (confirmation, info) = begun(&mut mas, form).await;
        assert_eq!(confirmation, MgclErrorCode::SUCCESS, "form {form}");
        let [address, _] = info.address_list.address_list;
        let mps = host.handle.bound().mps;
        assert_eq!(
            (address.ip(), address.port),
            (Some(Ipv4Addr::LOCALHOST), mps.port().into()),
            "form {form}"
        );
        let world = u32::try_from(info.world_id.0).expect("a world");
        let config = ClientConfig::new(110, AppId(APP), ServerKind::Mps).redirected(
            world,
            info.session_key.as_bytes(),
            info.access_key.as_bytes(),
        );
        let mut server = Client::connect(mps, config).await;
        let attributes = ServerSetAttributesRequest {
            listen_server_address: NetAddress::text(NetAddressType::EXTERNAL, DME.0, DME.1),
            ..Default::default()
        };
        assert_eq!(server.ask(attributes).await.confirmation, MgclErrorCode::SUCCESS, "form {form}");
        host.until("registered", |state| {
            state.game_servers().any(|server| server.address.port == u32::from(DME.1))
        })
        .await;
        assert_eq!(server.ask(ServerSessionEndRequest::default()).await.error_code, MgclErrorCode::SUCCESS);
        drop(server);
        host.until("gone", |state| state.game_servers().next().is_none()).await;
    }
}

#[tokio::test]
async fn a_second_session_begin_of_a_game_server_keeps_the_session_and_gives_another_key() {
    let host = Host::start().await;
    let mut mas = host.mas(110, APP).await;
    let (_, first) = begun(&mut mas, 0).await;
    let (_, second) = begun(&mut mas, 3).await;
    assert_eq!(first.session_key, second.session_key);
    assert_ne!(first.access_key, second.access_key);
}

/// The older answer, from a game server that tells nothing of itself but its load.
#[tokio::test]
async fn an_older_game_server_that_only_reports_makes_a_game() {
    let host = Host::start().await;
    let mut server =
        Client::connect(host.handle.bound().mps, ClientConfig::new(110, AppId(0), ServerKind::Mps)).await;
    server.send(ServerReport { max_worlds: 7, max_players_per_world: 16, ..Default::default() }).await;
    // Any title shows it once it runs.
    let mut player = host.player("Badger41").await;
    host.until("reported", |state| state.game_servers().any(|server| server.max_worlds == 7)).await;
    player.send(game("Battledome")).await;
    let asked: ServerCreateGameWithAttributesRequest = server.expect().await;
    let made = ServerCreateGameResponse {
        message_id: asked.message_id,
        confirmation: MgclErrorCode::SUCCESS,
        medius_world_id: MediusWorldId(5),
    };
    server.send(made).await;
    let created: CreateGameResponse = player.expect().await;
    assert_eq!(created.status_code, S::SUCCESS);
    player.send(join(created.medius_world_id)).await;
    let asked: ServerJoinGameRequest = server.expect().await;
    assert_eq!(asked.connect_info.world_id.0, 5);
}

#[tokio::test]
async fn answers_that_nobody_waits_for_change_nothing_and_the_game_server_stays() {
    let host = Host::start().await;
    let _player = host.player("Badger41").await;
    let mut server =
        Client::connect(host.handle.bound().mps, ClientConfig::new(110, AppId(0), ServerKind::Mps)).await;
    let id = MessageId::new("1-0-9999-0");
    server.send(ServerEndGameResponse { message_id: id, ..Default::default() }).await;
    server.send(ServerWorldStatusResponse { message_id: id, active_clients: 3, ..Default::default() }).await;
    server.send(ServerConnectGamesResponse { message_id: id, ..Default::default() }).await;
    server.send(ServerCreateGameResponse { message_id: id, ..Default::default() }).await;
    server.send(ServerJoinGameResponse { message_id: id, ..Default::default() }).await;
    server
        .send(ServerConnectNotification {
            connect_event_type: MgclEventType::CONNECT,
            medius_world_uid: MediusWorldId(5),
            player_session_key: Text::new("1"),
        })
        .await;
    let answer = server.ask(ServerSetAttributesRequest::default()).await;
    assert_eq!(answer.confirmation, MgclErrorCode::SUCCESS);
    host.until("registered, without a game", |state| {
        state.game_servers().count() == 1 && state.all_games().next().is_none()
    })
    .await;
}

/// servers.md 8.4, from the first word to the last.
#[tokio::test]
async fn a_console_hosts_an_evening_of_its_own() {
    let host = Host::start().await;
    let (player, mut guest) = (host.player("Badger41").await, host.player("Otter").await);
    let mut console = host.console(&player).await;
    let made =
        create(&mut console, ServerCreateGameOnMeRequest { account_id: player.account, ..on_me("Mine") })
            .await;
    assert_eq!(made.confirmation, MgclErrorCode::SUCCESS);
    let id = made.medius_world_id;

    let report = ServerWorldReportOnMe {
        game_name: Text::new("Mine"),
        game_stats: Blob([9; 256]),
        max_players: 6,
        min_players: 2,
        player_count: 1,
        game_level: 4,
        rules_set: 5,
        generic_field1: 11,
        generic_field8: 88,
        medius_world_id: id,
        world_status: WorldStatus(1),
        ..Default::default()
    };
    console.send(report.clone()).await;
    // Another's game: ignored.
    console.send(ServerWorldReportOnMe { medius_world_id: MediusWorldId(999), ..report }).await;
    host.until("reported", |state| state.all_games().any(|game| game.spec.game_level == 4)).await;
    let told = info(&mut guest, id).await;
    assert_eq!((told.status_code, told.game_host_type), (S::SUCCESS, GameHostType::PEER_TO_PEER));
    assert_eq!((told.max_players, told.rules_set, told.generic_field1, told.generic_field8), (6, 5, 11, 88));
    assert_eq!((told.game_stats, told.world_status), (Blob([9; 256]), WorldStatus(1)));

    guest
        .send(JoinGameRequest {
            game_host_type: GameHostType::PEER_TO_PEER,
            address_list: addresses(2),
            ..join(id)
        })
        .await;
    let asked: ServerJoinGameRequest = console.expect().await;
    let answer = ServerJoinGameResponse {
        message_id: asked.message_id,
        confirmation: MgclErrorCode::SUCCESS,
        access_key: Text::new("peer"),
        dme_client_index: 1,
        ..Default::default()
    };
    console.send(answer).await;
    let joined: JoinGameResponse = guest.expect().await;
    assert_eq!((joined.status_code, joined.connect_info.address_list), (S::SUCCESS, addresses(1)));
    assert_eq!(joined.connect_info.connection_type, NetConnectionType::PEER_TO_PEER_UDP);
    let players = async |guest: &mut Player| {
        let list = GameWorldPlayerListRequest { medius_world_id: id, ..Default::default() };
        let mut names: Vec<_> = guest
            .list(list)
            .await
            .iter()
            .map(|row| row.account_name.to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(players(&mut guest).await, ["Badger41"]);
    let notice = |connect_event_type, world| ServerConnectNotification {
        connect_event_type,
        medius_world_uid: MediusWorldId(world),
        player_session_key: guest.session,
    };
    let came = notice(MgclEventType::CONNECT, asked.connect_info.world_id.0);
    let left = notice(MgclEventType::DISCONNECT, 2);
    console.send(came).await;
    host.until("both in the game", |state| state.all_games().any(|game| game.connected().count() == 2)).await;
    assert_eq!(players(&mut guest).await, ["Badger41", "Otter"]);

    // The host moves: who joins now is told its new addresses.
    let moved = ServerMoveGameWorldOnMeRequest {
        current_medius_world_id: id,
        new_game_medius_world_id: MediusWorldId(2),
        address_list: addresses(3),
        ..Default::default()
    };
    let answer = console.ask(moved).await;
    assert_eq!((answer.confirmation, answer.medius_world_id), (MgclErrorCode::SUCCESS, MediusWorldId(2)));
    let nowhere = ServerMoveGameWorldOnMeRequest {
        current_medius_world_id: MediusWorldId(999),
        new_game_medius_world_id: MediusWorldId(3),
        ..Default::default()
    };
    let answer = console.ask(nowhere).await;
    assert_eq!(
        (answer.confirmation, answer.medius_world_id),
        (MgclErrorCode::UNSUCCESSFUL, MediusWorldId(999))
    );
    console.send(left).await;
    host.until("the guest is gone", |state| state.all_games().any(|game| game.connected().count() == 1))
        .await;
    guest.send(JoinGameRequest { game_host_type: GameHostType::PEER_TO_PEER, ..join(id) }).await;
    let asked: ServerJoinGameRequest = console.expect().await;
    assert_eq!(asked.connect_info.world_id.0, 2);
    console.send(ServerJoinGameResponse { message_id: asked.message_id, ..Default::default() }).await;
    let joined: JoinGameResponse = guest.expect().await;
    assert_eq!((joined.status_code, joined.connect_info.address_list), (S::SUCCESS, addresses(3)));

    // The host's connection is the game's life.
    drop(console);
    host.until("no game", |state| state.all_games().next().is_none()).await;
    assert_eq!(info(&mut guest, id).await.status_code, S::GAME_NOT_FOUND);
}

#[tokio::test]
async fn every_form_of_create_on_host_makes_a_game_of_three_or_eight_fields() {
    let host = Host::start().await;
    let mut guest = host.player("Otter").await;
    for form in 0..3 {
        let player = host.player(&format!("Badger{form}")).await;
        let mut console = host.console(&player).await;
        let name = format!("Game {form}");
        let made = match form {
            0 => {
                create(
                    &mut console,
                    ServerCreateGameOnMeRequest { account_id: player.account, ..on_me(&name) },
                )
                .await
            }
            1 => {
                let request = ServerCreateGameOnSelfRequest {
                    message_id: MessageId::new("7"),
                    game_name: Text::new(&name),
                    max_players: 8,
                    generic_field3: 33,
                    game_host_type: MgclGameHostType::PEER_TO_PEER,
                    address_list: addresses(1),
                    account_id: player.account,
                    ..Default::default()
                };
                create(&mut console, request).await
            }
            _ => {
                let request = ServerCreateGameOnSelfRequest0 {
                    message_id: MessageId::new("7"),
                    game_name: VarText::new(&name),
                    max_players: 8,
                    generic_field3: 33,
                    game_host_type: MgclGameHostType::PEER_TO_PEER,
                    address_list: addresses(1),
                    ..Default::default()
                };
                create(&mut console, request).await
            }
        };
        assert_eq!(made.confirmation, MgclErrorCode::SUCCESS, "form {form}");
        let told = info(&mut guest, made.medius_world_id).await;
        let fields = (told.generic_field3, told.generic_field8);
        assert_eq!(fields, if form == 0 { (0, 88) } else { (33, 0) }, "form {form}");
        assert_eq!((told.status_code, told.game_name, told.max_players), (S::SUCCESS, Text::new(&name), 8));
    }
}

#[tokio::test]
async fn a_game_on_a_host_is_refused_for_each_reason() {
    let host = Host::start().await;
    let (player, other) = (host.player("Badger41").await, host.player("Otter").await);
    let mut console = host.console(&player).await;
    let vulgar = create(&mut console, on_me("darn it")).await;
    assert_eq!(vulgar.confirmation, MgclErrorCode::INVALID_ARG);
    let of_other = ServerCreateGameOnMeRequest { account_id: other.account, ..on_me("Hers") };
    assert_eq!(create(&mut console, of_other).await.confirmation, MgclErrorCode::INVALID_ARG);
    assert_eq!(create(&mut console, on_me("Mine")).await.confirmation, MgclErrorCode::SUCCESS);
    assert_eq!(create(&mut console, on_me("Mine")).await.confirmation, MgclErrorCode::GAME_NAME_EXISTS);
    assert_eq!(create(&mut console, on_me("Second")).await.confirmation, MgclErrorCode::WORLDID_INUSE);

    // A game server hosts no games of its own.
    let mut server =
        Client::connect(host.handle.bound().mps, ClientConfig::new(110, AppId(0), ServerKind::Mps)).await;
    assert_eq!(create(&mut server, on_me("Third")).await.confirmation, MgclErrorCode::INVALID_ARG);
    // Nor does who is in the lobby: the paired failure.
    let mut other = other;
    other.send(on_me("Fourth")).await;
    let refused: ServerCreateGameOnMeResponse = other.expect().await;
    assert_eq!(refused.confirmation, MgclErrorCode::UNSUCCESSFUL);
}
