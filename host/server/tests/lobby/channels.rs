use medley_wire::MediusWorldId;
use medley_wire::enums::{
    ApplicationType, CallbackStatus as S, FindWorldType, LobbyFilterMaskLevelType, LobbyFilterType,
    NetAddressType, NetConnectionType, PlayerStatus, WorldGenericFieldLevelType, WorldSecurityLevelType,
};
use medley_wire::messages::*;
use medley_wire::types::Text;

use crate::harness::{APP, Host, Player, assert_empty, game};

fn all_channels() -> ChannelList_ExtraInfoRequest {
    ChannelList_ExtraInfoRequest { page_id: 1, page_size: 100, ..Default::default() }
}

async fn channel_named(player: &mut Player, name: &str) -> ChannelList_ExtraInfoResponse {
    let rows = player.list(all_channels()).await;
    rows.into_iter().find(|row| row.lobby_name == *name).expect(name)
}

fn join(id: MediusWorldId, password: &str) -> JoinChannelRequest {
    JoinChannelRequest { world_id: id.0, lobby_channel_password: Text::new(password), ..Default::default() }
}

/// Goes to a channel the way clients do: answer, new connection with the new key.
async fn go_to(host: &Host, player: &mut Player, id: MediusWorldId) {
    let answer = player.ask(join(id, "")).await;
    assert_eq!(answer.status_code, S::SUCCESS);
    player.client = host.mls(110, APP, &answer.connect_info).await;
    player.channel = id;
}

#[tokio::test]
async fn channel_list_comes_page_by_page_with_the_number_of_players() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    let page = |id, size| ChannelListRequest { page_id: id, page_size: size, ..Default::default() };
    let rows = player.list(page(1, 2)).await;
    let row = |row: &ChannelListResponse| (row.lobby_name.to_string(), row.player_count, row.status_code);
    assert_eq!(
        rows.iter().map(row).collect::<Vec<_>>(),
        [("General".to_owned(), 1, S::SUCCESS), ("Locked".to_owned(), 0, S::SUCCESS)]
    );
    assert_eq!(player.list(page(3, 2)).await.len(), 1);
    assert_eq!(player.list(page(0, 100)).await.len(), 5);
    assert_empty(&player.list(page(4, 2)).await);
    assert_empty(&player.list(page(1, 0)).await);
}

#[tokio::test]
async fn every_form_of_the_channel_list_with_details_has_the_same_rows() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    let city = channel_named(&mut player, "City").await;
    assert_eq!((city.player_count, city.max_players, city.game_world_count), (0, 224, Some(0)));
    assert_eq!((city.generic_field1, city.generic_field2, city.generic_field3), (1, Some(1), Some(0)));
    assert_eq!(city.generic_field_level, Some(WorldGenericFieldLevelType(32)));
    assert_eq!(
        channel_named(&mut player, "Locked").await.security_level,
        WorldSecurityLevelType::PLAYER_PASSWORD
    );
    let form0 = ChannelList_ExtraInfoRequest0 { page_id: 4, page_size: 1, ..Default::default() };
    let form1 = ChannelList_ExtraInfoRequest1 { page_id: 4, page_size: 1, ..Default::default() };
    for rows in [player.list(form0.clone()).await, player.list(form1.clone()).await] {
        assert_eq!(
            (rows.len(), rows[0].medius_world_id, rows[0].max_players),
            (1, city.medius_world_id, 224)
        );
    }
    assert_empty(&player.list(ChannelList_ExtraInfoRequest0 { page_id: 9, ..form0 }).await);
    assert_empty(&player.list(ChannelList_ExtraInfoRequest1 { page_id: 9, ..form1 }).await);
    assert_empty(
        &player.list(ChannelList_ExtraInfoRequest { page_id: 9, page_size: 9, ..Default::default() }).await,
    );
}

fn filter(masks: [u32; 4], filter_type: i32, level: i32) -> SetLobbyWorldFilterRequest {
    let [filter_mask1, filter_mask2, filter_mask3, filter_mask4] = masks;
    SetLobbyWorldFilterRequest {
        filter_mask1,
        filter_mask2,
        filter_mask3,
        filter_mask4,
        lobby_filter_type: LobbyFilterType(filter_type),
        filter_mask_level: LobbyFilterMaskLevelType(level),
        ..Default::default()
    }
}

#[tokio::test]
async fn the_lobby_filter_finds_the_one_city_as_captured() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    let answer = player.ask(filter([1, 1, 0, 0], 1, 32)).await;
    assert_eq!((answer.status_code, answer.filter_mask1, answer.filter_mask2), (S::SUCCESS, 1, 1));
    assert_eq!((answer.lobby_filter_type, answer.filter_mask_level.0), (LobbyFilterType(1), 32));
    let rows = player.list(all_channels()).await;
    assert_eq!(rows.iter().map(|row| row.lobby_name.to_string()).collect::<Vec<_>>(), ["City"]);
    player.ask(filter([1, 2, 0, 0], 1, 32)).await;
    assert_empty(&player.list(all_channels()).await);
    let everything = filter([u32::MAX; 4], 0, 0);
    let everything = SetLobbyWorldFilterRequest1 {
        filter_mask1: everything.filter_mask1,
        filter_mask2: everything.filter_mask2,
        filter_mask3: everything.filter_mask3,
        filter_mask4: everything.filter_mask4,
        ..Default::default()
    };
    assert_eq!(player.ask(everything).await.filter_mask4, u32::MAX);
    assert_eq!(player.list(all_channels()).await.len(), 5);
}

#[tokio::test]
async fn the_lobby_filter_is_denied_on_mas_before_any_session() {
    let host = Host::start().await;
    let mut mas = host.mas(110, APP).await;
    assert_eq!(mas.ask(filter([1, 1, 0, 0], 1, 32)).await.status_code, S::REQUEST_DENIED);
}

#[tokio::test]
async fn channel_info_counts_players_who_are_in_games() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let mut player = host.player("Badger41").await;
    let (game, _) = player.host_game(&dme, "Battledome").await;
    host.until("in the game", move |state| state.game(game).is_some_and(|game| game.player_count() == 1))
        .await;
    let info = |id| ChannelInfoRequest { world_id: id, ..Default::default() };
    let answer = player.ask(info(player.channel.0)).await;
    assert_eq!((answer.status_code, answer.lobby_name), (S::SUCCESS, Text::new("General")));
    assert_eq!((answer.active_player_count, answer.max_players), (1, 8));
    assert_eq!(player.ask(info(4711)).await.status_code, S::NO_RESULT);
}

#[tokio::test]
async fn a_created_channel_is_there_and_its_name_is_taken() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    let create = |name: &str, password: &str| CreateChannelRequest {
        lobby_name: Text::new(name),
        lobby_password: Text::new(password),
        max_players: 16,
        generic_field1: 1,
        generic_field2: 4,
        generic_field_level: WorldGenericFieldLevelType(32),
        ..Default::default()
    };
    let made = player.ask(create("CY00000002-00", "")).await;
    assert_eq!(made.status_code, S::SUCCESS);
    let row = channel_named(&mut player, "CY00000002-00").await;
    assert_eq!((row.medius_world_id.0, row.max_players, row.player_count), (made.world_id, 16, 0));
    assert_eq!((row.generic_field2, row.security_level), (Some(4), WorldSecurityLevelType::NONE));
    let again = player.ask(create("cy00000002-00", "")).await;
    assert_eq!((again.status_code, again.world_id), (S::CHANNEL_NAME_EXISTS, made.world_id));
    assert_eq!(player.ask(create("darnation", "")).await.status_code, S::FAIL);
    assert_eq!(player.ask(create("Secret", "pw")).await.status_code, S::SUCCESS);
    assert_eq!(
        channel_named(&mut player, "Secret").await.security_level,
        WorldSecurityLevelType::PLAYER_PASSWORD
    );
    let form1 = CreateChannelRequest1 { lobby_name: Text::new("Plain"), ..Default::default() };
    assert_eq!(player.ask(form1).await.status_code, S::SUCCESS);
    assert_eq!(player.ask(CreateChannelRequest0::default()).await.status_code, S::SUCCESS);
    assert_eq!(channel_named(&mut player, "Badger41").await.max_players, 1024);
    assert_eq!(player.ask(create("One more", "")).await.status_code, S::REQUEST_DENIED);
}

#[tokio::test]
async fn channels_have_a_limit() {
    let host = Host::with(
        "name = \"T\"\n[[app]]\nid = 11184\n[[channel]]\nname = \"A\"\n[limits]\nmax_channels = 1\n",
    )
    .await;
    let mut player = host.player("Badger41").await;
    let create = CreateChannelRequest { lobby_name: Text::new("B"), ..Default::default() };
    assert_eq!(player.ask(create).await.status_code, S::EXCEEDS_MAX_WORLDS);
}

#[tokio::test]
async fn a_player_moves_to_a_channel_by_a_new_connection_with_a_new_key() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    let city = channel_named(&mut player, "City").await.medius_world_id;
    let answer = player.ask(join(city, "")).await;
    let info = &answer.connect_info;
    assert_eq!(
        (answer.status_code, info.connection_type),
        (S::SUCCESS, NetConnectionType::CLIENT_SERVER_TCP)
    );
    let [mls, unused] = info.address_list.address_list;
    assert_eq!(
        (mls.address_type, mls.port),
        (NetAddressType::EXTERNAL, host.handle.bound().mls.port().into())
    );
    assert_eq!(unused, NetAddress::UNUSED);
    assert_eq!((info.session_key, info.access_key.as_bytes().len()), (player.session, 16));
    // Until the new connection comes the player stays where it is.
    let where_is = |id: MediusWorldId| ChannelInfoRequest { world_id: id.0, ..Default::default() };
    assert_eq!(player.ask(where_is(player.channel)).await.active_player_count, 1);
    player.client = host.mls(110, APP, info).await;
    assert_eq!(player.ask(where_is(player.channel)).await.active_player_count, 0);
    assert_eq!(player.ask(where_is(city)).await.active_player_count, 1);
}

#[tokio::test]
async fn joining_a_channel_is_refused_for_each_reason() {
    let host = Host::start().await;
    let (mut player, mut other) = (host.player("Badger41").await, host.player("Otter").await);
    let locked = channel_named(&mut player, "Locked").await.medius_world_id;
    let shut = channel_named(&mut player, "Shut").await.medius_world_id;
    let closet = channel_named(&mut player, "Closet").await.medius_world_id;
    let mut refused = async |request: JoinChannelRequest, status| {
        let answer = player.ask(request).await;
        assert_eq!(answer.status_code, status);
        assert!(answer.connect_info.access_key.is_empty());
    };
    refused(join(MediusWorldId(4711), ""), S::CHANNEL_NOT_FOUND).await;
    refused(join(locked, ""), S::INVALID_PASSWORD).await;
    refused(join(locked, "Sesame"), S::INVALID_PASSWORD).await;
    refused(join(shut, ""), S::REQUEST_DENIED).await;
    go_to(&host, &mut other, closet).await;
    refused(join(closet, ""), S::WORLD_IS_FULL).await;
    let foreign = JoinChannelRequest { session_key: Text::new("1"), ..join(locked, "sesame") };
    refused(foreign, S::SESSION_KEY_INVALID).await;
    assert_eq!(player.ask(join(locked, "sesame")).await.status_code, S::SUCCESS);
}

#[tokio::test]
async fn the_least_populated_channel_is_one_that_is_open() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    let city = channel_named(&mut player, "City").await.medius_world_id;
    let answer = player.ask(JoinLeastPopulatedChannelRequest::default()).await;
    assert_eq!((answer.status_code, answer.medius_world_id), (S::SUCCESS, city));
    assert_eq!(answer.connect_info.address_list.address_list[1], NetAddress::UNUSED);
    let foreign = JoinLeastPopulatedChannelRequest { session_key: Text::new("1"), ..Default::default() };
    assert_eq!(player.ask(foreign).await.status_code, S::SESSION_KEY_INVALID);
}

#[tokio::test]
async fn who_is_in_the_least_populated_channel_already_gets_the_way_in_all_the_same() {
    let host = Host::with("name = \"T\"\n[[app]]\nid = 11184\n[[channel]]\nname = \"A\"\n").await;
    let mut player = host.player("Badger41").await;
    let answer = player.ask(JoinLeastPopulatedChannelRequest::default()).await;
    assert_eq!(answer.status_code, S::ALREADY_IN_LEAST_POPULATED_CHANNEL);
    assert_eq!(
        (answer.medius_world_id, answer.connect_info.access_key.as_bytes().len()),
        (player.channel, 16)
    );
    let always = JoinLeastPopulatedChannelRequest {
        always_leave_current_lobby_server: true.into(),
        ..Default::default()
    };
    assert_eq!(player.ask(always).await.status_code, S::SUCCESS);
}

#[tokio::test]
async fn the_players_of_a_channel_include_the_asker() {
    let host = Host::start().await;
    let (mut player, other) = (host.player("Badger41").await, host.player("Otter").await);
    let names = |id| GetLobbyPlayerNamesRequest { medius_world_id: id, ..Default::default() };
    let mut rows = player.list(names(player.channel)).await;
    rows.sort_by_key(|row| row.account_id);
    let row = |row: &GetLobbyPlayerNamesResponse| (row.account_id, row.account_name.to_string());
    assert_eq!(
        rows.iter().map(row).collect::<Vec<_>>(),
        [(player.account, "Badger41".to_owned()), (other.account, "Otter".to_owned())]
    );
    assert_empty(&player.list(names(MediusWorldId(4711))).await);

    let names = |id| GetLobbyPlayerNames_ExtraInfoRequest { medius_world_id: id, ..Default::default() };
    let rows = player.list(names(player.channel)).await;
    assert_eq!(rows.len(), 2);
    let state = &rows[0].online_state;
    assert_eq!(state.connect_status, PlayerStatus::PLAYER_IN_CHAT_WORLD);
    assert_eq!((state.medius_lobby_world_id, state.medius_game_world_id.0), (player.channel, 0));
    assert_eq!((state.lobby_name, state.game_name), (Text::new("General"), Text::EMPTY));
    assert_empty(&player.list(names(MediusWorldId(4711))).await);

    let list = |id: MediusWorldId| LobbyWorldPlayerListRequest { world_id: id.0, ..Default::default() };
    let rows = player.list(list(player.channel)).await;
    assert_eq!((rows.len(), rows[1].player_status), (2, PlayerStatus::PLAYER_IN_CHAT_WORLD));
    assert_empty(&player.list(list(MediusWorldId(4711))).await);
}

#[tokio::test]
async fn worlds_are_found_by_name_and_kind() {
    let host = Host::start().await;
    let dme = host.dme().await;
    let mut player = host.player("Badger41").await;
    let (id, _) = player.host_game(&dme, "city").await;
    player.send(WorldReport { game_name: Text::new("city"), ..crate::reports::staging(id) }).await;
    let find =
        |kind| FindWorldByNameRequest { name: Text::new("CITY"), world_type: kind, ..Default::default() };
    host.until("staging", move |state| state.game(id).is_some_and(medley_universe::Game::is_listed)).await;
    let rows = player.list(find(FindWorldType::FIND_ALL_WORLDS)).await;
    assert_eq!(rows.len(), 2);
    let found = &rows[0];
    assert_eq!((found.application_type, found.medius_world_id), (ApplicationType::APP_TYPE_GAME, id));
    assert_eq!((found.application_id.0, found.application_name), (APP, Text::new("RATCHET3_4")));
    assert_eq!(rows[1].application_type, ApplicationType::LOBBY_CHAT_CHANNEL);
    assert_eq!(player.list(find(FindWorldType::FIND_GAME_WORLD)).await.len(), 1);
    assert_eq!(player.list(find(FindWorldType::FIND_LOBBY_WORLD)).await[0].world_name, "City");
    let nothing =
        FindWorldByNameRequest { name: Text::new("Nowhere"), ..find(FindWorldType::FIND_ALL_WORLDS) };
    assert_empty(&player.list(nothing).await);
}

#[tokio::test]
async fn security_levels_are_told_of_games_and_channels() {
    let host = Host::start().await;
    let _dme = host.dme().await;
    let mut player = host.player("Badger41").await;
    let open = player.ask(game("Open")).await.medius_world_id;
    let spectated = CreateGameRequest {
        game_password: Text::new("a"),
        spectator_password: Text::new("b"),
        ..game("Both")
    };
    let both = player.ask(spectated).await.medius_world_id;
    let locked = channel_named(&mut player, "Locked").await.medius_world_id;
    let (in_game, in_lobby) = (ApplicationType::APP_TYPE_GAME, ApplicationType::LOBBY_CHAT_CHANNEL);
    for (id, app_type, status, level) in [
        (open, in_game, S::SUCCESS, 0),
        (both, in_game, S::SUCCESS, 5),
        (locked, in_lobby, S::SUCCESS, 1),
        (locked, in_game, S::GAME_NOT_FOUND, 0),
        (open, in_lobby, S::CHANNEL_NOT_FOUND, 0),
    ] {
        let request = GetWorldSecurityLevelRequest { medius_world_id: id, app_type, ..Default::default() };
        let answer = player.ask(request).await;
        assert_eq!((answer.status_code, answer.security_level.0), (status, level));
        assert_eq!((answer.medius_world_id, answer.app_type), (id, app_type));
    }
}

#[tokio::test]
async fn the_lobbys_requests_are_refused_before_the_login() {
    let host = Host::start().await;
    let mut mas = host.mas(110, APP).await;
    let list = ChannelListRequest { page_id: 1, page_size: 5, ..Default::default() };
    assert_eq!(mas.ask(list.clone()).await.status_code, S::SESSION_KEY_INVALID);
    mas.ask(SessionBeginRequest::default()).await;
    assert_eq!(mas.ask(list).await.status_code, S::PLAYER_NOT_PRIVILEGED);
    // What only the lobby answers is refused here, with the request's default.
    assert_eq!(mas.ask(ChannelInfoRequest::default()).await.status_code, S::NO_RESULT);
    assert_eq!(mas.ask(game("Early")).await.status_code, S::FAIL);
}

#[tokio::test]
async fn requests_that_come_together_are_answered_in_their_order() {
    let host = Host::start().await;
    let mut player = host.player("Badger41").await;
    // All of Deadlocked's carry the MessageID "1" (`dl_ps2_full_session`, lines 91 to 99).
    let id = || "1".into();
    player.send(GenericChatSetFilterRequest { message_id: id(), ..Default::default() }).await;
    player.send(SetAutoChatHistoryRequest { message_id: id(), ..Default::default() }).await;
    player.send(GetMyClansRequest { message_id: id(), ..Default::default() }).await;
    player.send(FileDownloadRequest { message_id: id(), ..Default::default() }).await;
    let answers = player.settle().await;
    assert_eq!(
        answers,
        [
            "MediusGenericChatSetFilterResponse",
            "MediusSetAutoChatHistoryResponse",
            "MediusGetMyClansResponse",
            "MediusFileDownloadResponse"
        ]
    );
}
