use medley_wire::enums::{CallbackStatus, FindWorldType, WorldSecurityLevelType};

use super::*;

fn create(session: SessionKey, name: &str) -> CreateChannel {
    CreateChannel {
        session,
        name: name.into(),
        password: Name::default(),
        max_players: 4,
        generic_fields: [0; 4],
        generic_field_level: 0,
    }
}

fn join(session: SessionKey, channel: MediusWorldId) -> JoinChannel {
    JoinChannel { session, channel, password: Name::default() }
}

#[test]
fn a_player_moves_when_the_new_connection_comes_and_not_before() {
    let mut lobby = Lobby::new();
    let session = lobby.player(5);
    let (general, other) = (lobby.channel("General"), lobby.channel("Other"));
    let way = lobby.run(join(session, other)).unwrap();
    assert_eq!(way.net_world, lobby.universe.channel(other).unwrap().net_world);
    assert_eq!(lobby.universe.session(session).unwrap().channel, Some(general));
    let connect = lobby.connect(session, ConnectionId(1), way.access_key);
    assert!(!lobby.run(connect).unwrap().first);
    assert_eq!(lobby.universe.session(session).unwrap().channel, Some(other));
    assert_eq!(lobby.universe.channel_players(general).count(), 0);
    assert_eq!(lobby.universe.channel_players(other).count(), 1);
}

#[test]
fn join_channel_refuses_unknown_channels_wrong_passwords_full_and_closed_ones() {
    let mut config = config();
    let closed =
        ChannelConfig { security: WorldSecurityLevelType::CLOSED, ..ChannelConfig::new("Closed", 9) };
    let pal = ChannelConfig { app_ids: vec![PAL], ..ChannelConfig::new("Pal", 9) };
    let secret = ChannelConfig { password: "pw".into(), ..ChannelConfig::new("Secret", 9) };
    config.channels.extend([closed, pal, secret]);
    let mut lobby = Lobby::with(config);
    let session = lobby.player(5);
    let id = |lobby: &Lobby, name| lobby.channel(name);
    let refused = |lobby: &mut Lobby, channel| lobby.run(join(session, channel)).unwrap_err();
    assert_eq!(refused(&mut lobby, MediusWorldId(999)), CallbackStatus::CHANNEL_NOT_FOUND);
    let (pal, closed, secret, other) =
        (id(&lobby, "Pal"), id(&lobby, "Closed"), id(&lobby, "Secret"), id(&lobby, "Other"));
    assert_eq!(refused(&mut lobby, pal), CallbackStatus::CHANNEL_NOT_FOUND);
    assert_eq!(refused(&mut lobby, closed), CallbackStatus::REQUEST_DENIED);
    assert_eq!(refused(&mut lobby, secret), CallbackStatus::INVALID_PASSWORD);
    assert!(lobby.run(JoinChannel { session, channel: secret, password: "pw".into() }).is_ok());
    // Two places: one taken, one reserved.
    let (a, b) = (lobby.player(6), lobby.player(7));
    lobby.move_to(a, other);
    lobby.run(join(b, other)).unwrap();
    assert_eq!(refused(&mut lobby, other), CallbackStatus::WORLD_IS_FULL);
    lobby.wait(8_000);
    assert!(lobby.run(join(session, other)).is_ok(), "a reservation that nobody used is free again");
    let (begun, _) = lobby.begin();
    assert_eq!(lobby.run(join(begun, other)), Err(CallbackStatus::PLAYER_NOT_PRIVILEGED));
}

#[test]
fn channel_names_are_unique_without_regard_to_case() {
    let mut lobby = Lobby::new();
    let session = lobby.player(5);
    let id = lobby.run(create(session, "CY00000001-00")).unwrap();
    let refused = lobby.run(create(session, "cy00000001-00")).unwrap_err();
    assert_eq!(refused, ChannelRefused { status: CallbackStatus::CHANNEL_NAME_EXISTS, existing: Some(id) });
}

#[test]
fn channels_are_limited_by_player_and_in_all() {
    let mut config = config();
    config.limits.channels_per_player = 1;
    config.limits.channels = 4;
    let mut lobby = Lobby::with(config);
    let (a, b, c) = (lobby.player(5), lobby.player(6), lobby.player(7));
    lobby.run(create(a, "a")).unwrap();
    assert_eq!(lobby.run(create(a, "a2")).unwrap_err().status, CallbackStatus::REQUEST_DENIED);
    lobby.run(create(b, "b")).unwrap();
    assert_eq!(lobby.run(create(c, "c")).unwrap_err().status, CallbackStatus::EXCEEDS_MAX_WORLDS);
}

#[test]
fn an_empty_channel_of_a_player_goes_after_a_while_and_its_id_does_not_come_back() {
    let mut lobby = Lobby::new();
    let session = lobby.player(5);
    let first = lobby.run(create(session, "mine")).unwrap();
    lobby.wait(59_999);
    assert!(lobby.universe.channel(first).is_some());
    lobby.move_to(session, first);
    lobby.wait(200_000);
    assert!(lobby.universe.channel(first).is_some());
    let general = lobby.channel("General");
    lobby.move_to(session, general);
    lobby.wait(60_000);
    assert!(lobby.universe.channel(first).is_none());
    assert!(lobby.run(create(session, "mine")).unwrap() > first);
    assert_eq!(lobby.universe.channels(session, false, Page::ALL).len(), 3);
}

#[test]
fn the_lobby_filter_finds_all_with_ones_and_one_city_with_its_values() {
    let fields = |n| [1, n, 0, 0];
    let all = LobbyFilter { masks: [u32::MAX; 4], filter_type: 0, level: 32 };
    let city = LobbyFilter { masks: [1, 2, 0, 0], filter_type: 1, level: 32 };
    assert!(all.admits(&fields(1), 32) && all.admits(&fields(2), 32));
    assert!(!all.admits(&fields(1), 0));
    assert!(city.admits(&fields(2), 32) && !city.admits(&fields(1), 32) && !city.admits(&fields(2), 16));
    for (level, field) in [(1, 0), (2, 1), (4, 2), (8, 3), (16, 1), (64, 3), (128, 2), (256, 3), (512, 3)] {
        let mut masks = [0; 4];
        masks[field] = 4;
        let filter = LobbyFilter { masks, filter_type: 1, level };
        let mut fields = [0; 4];
        assert!(!filter.admits(&fields, level));
        fields[field] = 4;
        assert!(filter.admits(&fields, level));
    }
    assert!(LobbyFilter { level: 0, ..city }.admits(&fields(1), 0));

    let mut lobby = Lobby::new();
    let session = lobby.player(5);
    let created =
        CreateChannel { generic_fields: fields(2), generic_field_level: 32, ..create(session, "city") };
    let id = lobby.run(created).unwrap();
    lobby.run(SetLobbyFilter { session, filter: city }).unwrap();
    let found = lobby.universe.channels(session, true, Page::ALL);
    assert_eq!(found.iter().map(|channel| channel.id).collect::<Vec<_>>(), [id]);
    assert_eq!(lobby.universe.channels(session, false, Page::ALL).len(), 3);
    lobby.run(ClearLobbyFilter { session }).unwrap();
    assert_eq!(lobby.universe.channels(session, true, Page { id: 2, size: 2 }).len(), 1);
}

#[test]
fn the_least_populated_channel_is_found_and_being_there_is_told() {
    let mut lobby = Lobby::new();
    let (a, b) = (lobby.player(5), lobby.player(6));
    let other = lobby.channel("Other");
    let least = |session, always_leave| JoinLeastPopulatedChannel { session, always_leave };
    let way = lobby.run(least(a, false)).unwrap();
    assert_eq!((way.channel, way.status), (other, CallbackStatus::SUCCESS));
    let connect = lobby.connect(a, ConnectionId(1), way.access_key);
    lobby.run(connect).unwrap();
    let way = lobby.run(least(a, false)).unwrap();
    assert_eq!((way.channel, way.status), (other, CallbackStatus::ALREADY_IN_LEAST_POPULATED_CHANNEL));
    assert_eq!(lobby.run(least(b, true)).unwrap().status, CallbackStatus::SUCCESS);
    assert_eq!(lobby.run(least(SessionKey(1), true)), Err(CallbackStatus::SESSION_KEY_INVALID));
}

#[test]
fn nobody_is_locked_out_at_login_by_full_channels() {
    let mut lobby = Lobby::with(UniverseConfig {
        channels: vec![ChannelConfig::new("One", 1), ChannelConfig::new("Two", 1)],
        ..config()
    });
    let channels = (5..9).map(|account| {
        let session = lobby.player(account);
        lobby.universe.session(session).unwrap().channel.unwrap().0
    });
    assert_eq!(channels.collect::<Vec<_>>(), [1, 2, 1, 2]);
}

#[test]
fn a_new_configuration_adds_changes_and_retires_channels() {
    let mut lobby = Lobby::new();
    let session = lobby.player(5);
    let general = lobby.channel("General");
    let channels = vec![ChannelConfig::new("general", 3), ChannelConfig::new("New", 3)];
    lobby.run(Reconfigure(UniverseConfig { channels, ..config() }));
    assert_eq!(lobby.universe.channel(general).unwrap().max_players, 3);
    lobby.wait(60_000);
    assert!(lobby.universe.channel_named(&"Other".into()).is_none());
    let names = lobby.universe.channels(session, false, Page::ALL);
    assert_eq!(names.len(), 2);
    let found = |find| lobby.universe.find_world(&"NEW".into(), find, APP).len();
    assert_eq!(
        (
            found(FindWorldType::FIND_LOBBY_WORLD),
            found(FindWorldType::FIND_GAME_WORLD),
            found(FindWorldType::FIND_ALL_WORLDS)
        ),
        (1, 0, 1)
    );
}

#[test]
fn ids_of_worlds_start_where_the_configuration_says() {
    let first = |first_world| {
        let mut lobby = Lobby::with(UniverseConfig { first_world, ..config() });
        let session = lobby.player(5);
        lobby.universe.session(session).unwrap().channel.unwrap().0
    };
    assert_eq!((first(0), first(1), first(-7)), (1, 1, 1));
    assert_eq!((first(91_000_000), first(i32::MAX)), (91_000_000, i32::MAX));
}
