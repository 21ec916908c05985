use medley_wire::enums::{
    CallbackStatus, ComparisonOperator, GameListFilterField, GameListSortDirection, MgclErrorCode,
    WorldAttributesType, WorldSecurityLevelType,
};

use super::*;

fn filter(
    session: SessionKey,
    field: GameListFilterField,
    operator: ComparisonOperator,
    baseline: i32,
) -> AddGameFilter {
    AddGameFilter { session, without_id: true, field, mask: u32::MAX, operator, baseline }
}

fn listed(lobby: &Lobby, session: SessionKey) -> Vec<MediusWorldId> {
    lobby.universe.games(session, Page::ALL).into_iter().map(|game| game.id).collect()
}

fn status(lobby: &Lobby, game: MediusWorldId) -> Option<WorldStatus> {
    lobby.universe.game(game).map(|game| game.status)
}

#[test]
fn a_game_goes_from_creation_through_its_reports_to_its_end_and_into_the_history() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (host, guest) = (lobby.player(5), lobby.player(6));
    let request = lobby.run(CreateGame { session: host, spec: spec("Match"), superset: None }).unwrap();
    let commands = lobby.commands();
    let [ServerCommand::Create { game, max_clients: 8, .. }] = commands[..] else { panic!("{commands:?}") };
    assert_eq!(status(&lobby, game), Some(WorldStatus::PENDING_CREATION));
    lobby.run(GameServerCreated { server: DME, request, result: Ok(3) });
    let expected = Answer::Created(Ok(GameCreated { game, status: CallbackStatus::SUCCESS }));
    assert_eq!(lobby.answer(request), expected);
    assert!(listed(&lobby, guest).is_empty());
    lobby.play(host, game, 0);
    lobby.report(host, game, WorldStatus::STAGING).unwrap();
    assert_eq!(listed(&lobby, guest), [game]);
    lobby.play(guest, game, 1);
    assert_eq!(lobby.universe.game(game).unwrap().player_count(), 2);
    lobby.wait(3_000);
    lobby.report(host, game, WorldStatus::ACTIVE).unwrap();
    lobby.run(ReportPlayer { session: guest, game, stats: vec![9; 300] }).unwrap();
    let players = lobby.universe.game_players(game).unwrap();
    assert_eq!(players.iter().map(|(player, _)| player.key).collect::<Vec<_>>(), [host, guest]);
    assert_eq!(players[1].1.stats.len(), 256);
    lobby.wait(7_000);
    lobby.report(host, game, WorldStatus::CLOSED).unwrap();
    let report = EndReport { winning_team: "red".into(), winning_player: "Player5".into(), final_score: 30 };
    lobby.run(EndGame { session: host, game, report: report.clone() }).unwrap();
    assert_eq!(lobby.report(host, game, WorldStatus::ACTIVE), Err(IgnoredReport::Closed));
    assert_eq!(status(&lobby, game), Some(WorldStatus::CLOSED));
    lobby.wait(100_000);
    assert!(lobby.universe.game(game).is_some(), "its players are still in it");
    lobby.notify(host, game, false);
    lobby.notify(guest, game, false);
    lobby.wait(999);
    assert!(lobby.universe.game(game).is_some());
    lobby.wait(1);
    assert!(lobby.universe.game(game).is_none());
    assert!(lobby.commands().contains(&ServerCommand::End { dme_world: 3, brutal: false }));
    let record = lobby.outputs.iter().find_map(|output| match output {
        Output::Store(StoreEffect::GameEnded(record)) => Some(record),
        _ => None,
    });
    let record = record.unwrap();
    assert_eq!((record.started, record.ended), (Some(1_000_003), 1_000_010));
    assert_eq!(record.players_at_start, [AccountId(5), AccountId(6)]);
    assert_eq!(record.result, Some(report));
}

#[test]
fn create_game_is_refused_for_names_limits_and_want_of_a_relay() {
    let mut config = config();
    config.limits.games_per_player = 2;
    config.limits.games_per_channel = 3;
    let mut lobby = Lobby::with(config);
    let (a, b, c) = (lobby.player(5), lobby.player(6), lobby.player(7));
    let create = |session, name| CreateGame { session, spec: spec(name), superset: None };
    assert_eq!(lobby.run(create(a, "x")), Err(CallbackStatus::EXCEEDS_MAX_WORLDS));
    lobby.relay();
    lobby.create(a, spec("One"));
    assert_eq!(lobby.run(create(b, "oNE")), Err(CallbackStatus::GAME_NAME_EXISTS));
    lobby.create(a, spec("Two"));
    assert_eq!(lobby.run(create(a, "Three")), Err(CallbackStatus::REQUEST_DENIED));
    lobby.create(b, spec("Three"));
    assert_eq!(lobby.run(create(b, "Four")), Err(CallbackStatus::NUM_GAME_WORLDS_PER_LOBBY_WORLD_EXCEEDED));
    let other = lobby.channel("Other");
    lobby.move_to(c, other);
    lobby.register(DME, 0, 3);
    assert_eq!(lobby.run(create(c, "Four")), Err(CallbackStatus::EXCEEDS_MAX_WORLDS));
    lobby.run(Kick { account: AccountId(6), reason: EndReason::Kicked });
    lobby.register(DME, 0, 9);
    lobby.create(c, spec("three"));
    let (begun, _) = lobby.begin();
    assert_eq!(lobby.run(create(begun, "y")), Err(CallbackStatus::PLAYER_NOT_PRIVILEGED));
}

#[test]
fn a_relay_that_refuses_or_does_not_answer_fails_the_creation_and_the_game_is_gone() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let host = lobby.player(5);
    let create = CreateGame { session: host, spec: spec("Match"), superset: None };
    let request = lobby.run(create.clone()).unwrap();
    lobby.run(GameServerCreated { server: DME, request, result: Err(MgclErrorCode::UNSUCCESSFUL) });
    assert_eq!(lobby.answer(request), Answer::Created(Err(CallbackStatus::FAIL)));
    let request = lobby.run(create).unwrap();
    lobby.wait(4_999);
    assert_eq!(lobby.universe.all_games().count(), 1);
    lobby.wait(1);
    assert_eq!(lobby.answer(request), Answer::Created(Err(CallbackStatus::TRANSACTION_TIMED_OUT)));
    assert_eq!(lobby.universe.all_games().count(), 0);
    lobby.commands();
    assert!(!lobby.run(GameServerCreated { server: DME, request, result: Ok(7) }));
    assert_eq!(
        lobby.commands(),
        [ServerCommand::End { dme_world: 7, brutal: true }],
        "nobody needs that world"
    );
}

#[test]
fn more_players_than_allowed_reduce_the_size() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let host = lobby.player(5);
    let spec = GameSpec { max_players: 99, ..spec("Big") };
    let request = lobby.run(CreateGame { session: host, spec, superset: None }).unwrap();
    lobby.run(GameServerCreated { server: DME, request, result: Ok(1) });
    let Answer::Created(Ok(created)) = lobby.answer(request) else { panic!("not created") };
    assert_eq!(created.status, CallbackStatus::WORLD_CREATED_SIZE_REDUCED);
    assert_eq!(lobby.universe.game(created.game).unwrap().spec.max_players, 16);
}

#[test]
fn join_game_checks_in_the_documented_order() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (host, guest, third) = (lobby.player(5), lobby.player(6), lobby.player(7));
    let game = lobby.staged(host, GameSpec { password: "pw".into(), max_players: 2, ..spec("Match") });
    let good = JoinGame { password: "pw".into(), ..lobby.join(guest, game) };
    let refused = |lobby: &mut Lobby, join: JoinGame| lobby.run(join).unwrap_err();
    let unknown = JoinGame { game: MediusWorldId(999), password: "x".into(), ..good.clone() };
    assert_eq!(refused(&mut lobby, unknown), CallbackStatus::GAME_NOT_FOUND);
    let other_type = GameHostType::CLIENT_SERVER_UDP;
    let wrong = JoinGame { password: "no".into(), host_type: other_type, ..good.clone() };
    assert_eq!(refused(&mut lobby, wrong), CallbackStatus::INVALID_PASSWORD);
    let mismatch = JoinGame { host_type: other_type, ..good.clone() };
    assert_eq!(refused(&mut lobby, mismatch.clone()), CallbackStatus::REQUEST_DENIED);
    let watch = JoinGame { join_type: JoinType::MASS_SPECTATOR, password: Name::default(), ..good.clone() };
    assert_eq!(refused(&mut lobby, watch.clone()), CallbackStatus::REQUEST_DENIED);
    lobby.run(good).unwrap();
    let late = JoinGame { session: third, ..mismatch };
    assert_eq!(refused(&mut lobby, late), CallbackStatus::WORLD_IS_FULL);
    lobby.wait(20_000);
    lobby.report(host, game, WorldStatus::CLOSED).unwrap();
    let closed = JoinGame { session: third, password: "pw".into(), ..lobby.join(third, game) };
    assert_eq!(refused(&mut lobby, closed), CallbackStatus::WORLD_CLOSED);
    let (begun, _) = lobby.begin();
    assert_eq!(
        refused(&mut lobby, JoinGame { session: begun, ..watch }),
        CallbackStatus::PLAYER_NOT_PRIVILEGED
    );
    assert_eq!(lobby.universe.game(game).unwrap().security(), WorldSecurityLevelType::PLAYER_PASSWORD);
}

#[test]
fn a_title_may_ignore_the_host_type() {
    let mut config = config();
    config.rules.check_host_type = false;
    let mut lobby = Lobby::with(config);
    lobby.relay();
    let (host, guest) = (lobby.player(5), lobby.player(6));
    let game = lobby.staged(host, spec("Match"));
    let join = JoinGame { host_type: GameHostType::CLIENT_SERVER, ..lobby.join(guest, game) };
    assert!(lobby.run(join).is_ok());
}

#[test]
fn spectators_use_their_own_password_and_do_not_count() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (host, guest, watcher) = (lobby.player(5), lobby.player(6), lobby.player(7));
    let spec = GameSpec {
        spectator_password: "see".into(),
        max_players: 2,
        attributes: WorldAttributesType::ALLOW_SPECTATOR,
        ..spec("Match")
    };
    let game = lobby.staged(host, spec);
    let watch = JoinGame { join_type: JoinType::SPECTATOR, ..lobby.join(watcher, game) };
    assert_eq!(lobby.run(watch.clone()), Err(CallbackStatus::INVALID_PASSWORD));
    let request = lobby.run(JoinGame { password: "see".into(), ..watch }).unwrap();
    lobby.grant(request, 1);
    lobby.notify(watcher, game, true);
    lobby.play(guest, game, 2);
    let game = lobby.universe.game(game).unwrap();
    assert_eq!((game.player_count(), game.connected().count()), (2, 3));
    assert_eq!(game.security(), WorldSecurityLevelType::SPECTATOR_PASSWORD);
}

#[test]
fn a_relay_that_refuses_or_does_not_answer_frees_the_joiners_place() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (host, guest) = (lobby.player(5), lobby.player(6));
    let game = lobby.staged(host, GameSpec { max_players: 2, ..spec("Match") });
    let join = lobby.join(guest, game);
    let request = lobby.run(join.clone()).unwrap();
    lobby.run(GameServerJoined { server: DME, request, result: Err(MgclErrorCode::INVALID_ARG) });
    assert_eq!(lobby.answer(request), Answer::Joined(Err(CallbackStatus::FAIL)));
    assert_eq!(lobby.universe.session(guest).unwrap().game, None);
    let request = lobby.run(join.clone()).unwrap();
    lobby.wait(5_000);
    assert_eq!(lobby.answer(request), Answer::Joined(Err(CallbackStatus::TRANSACTION_TIMED_OUT)));
    let first = lobby.run(join.clone()).unwrap();
    let second = lobby.run(join).unwrap();
    assert_eq!(lobby.answer(first), Answer::Joined(Err(CallbackStatus::TRANSACTION_CANCELED)));
    let joined = lobby.grant(second, 1);
    assert_eq!((joined.game, joined.dme_index, joined.max_players), (game, 1, 2));
}

#[test]
fn a_session_waits_for_one_join_at_a_time() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (a, b, me) = (lobby.player(5), lobby.player(6), lobby.player(7));
    let (first, second) = (lobby.staged(a, spec("A")), lobby.staged(b, spec("B")));
    let (to_first, to_second) = (lobby.join(me, first), lobby.join(me, second));
    let given_up = lobby.run(to_first).unwrap();
    let request = lobby.run(to_second).unwrap();
    assert_eq!(lobby.answer(given_up), Answer::Joined(Err(CallbackStatus::TRANSACTION_CANCELED)));
    assert_eq!(lobby.grant(request, 1).game, second);
    assert!(!lobby.universe.game(first).unwrap().members.contains_key(&me));
}

#[test]
fn a_place_that_nobody_takes_is_free_after_fifteen_seconds() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (host, guest, third) = (lobby.player(5), lobby.player(6), lobby.player(7));
    let game = lobby.staged(host, GameSpec { max_players: 2, ..spec("Match") });
    let join = lobby.join(guest, game);
    let request = lobby.run(join).unwrap();
    lobby.grant(request, 1);
    lobby.commands();
    lobby.wait(14_999);
    let late = lobby.join(third, game);
    assert_eq!(lobby.run(late.clone()), Err(CallbackStatus::WORLD_IS_FULL));
    lobby.wait(1);
    let dme_world = lobby.universe.game(game).unwrap().dme_world.unwrap();
    assert_eq!(lobby.commands(), [ServerCommand::Disconnect { dme_world, dme_index: 1 }]);
    assert!(lobby.run(late).is_ok());
    assert!(!lobby.notify(guest, game, true));
}

#[test]
fn a_game_whose_host_never_comes_is_closed_and_its_name_is_free() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let host = lobby.player(5);
    let game = lobby.create(host, spec("Match"));
    lobby.wait(29_999);
    assert_eq!(status(&lobby, game), Some(WorldStatus::PENDING_CREATION));
    lobby.wait(1);
    assert_eq!(status(&lobby, game), Some(WorldStatus::CLOSED));
    lobby.create(host, spec("Match"));
    lobby.wait(1_000);
    assert_eq!(status(&lobby, game), None);
}

#[test]
fn the_next_host_is_who_came_first_from_1_09_on_and_nobody_before() {
    for (version, migrates) in [(110, true), (108, false)] {
        let mut lobby = Lobby::new();
        lobby.relay();
        let (host, _) = lobby.begin_as(APP, version);
        lobby.enter(host, 5);
        let (second, third) = (lobby.player(7), lobby.player(6));
        let game = lobby.staged(host, spec("Match"));
        lobby.play(second, game, 2);
        lobby.play(third, game, 1);
        lobby.notify(host, game, false);
        let new_host = migrates.then_some(second);
        assert_eq!(lobby.universe.game(game).unwrap().host, new_host);
        assert!(lobby.outputs.contains(&Output::Notice(Notice::HostLeft { game, new_host })));
        // The session master, who has the lowest index, may report in either case.
        lobby.report(third, game, WorldStatus::ACTIVE).unwrap();
        let by_second = lobby.report(second, game, WorldStatus::ACTIVE);
        assert_eq!(by_second, if migrates { Ok(()) } else { Err(IgnoredReport::NotHost) });
        lobby.notify(second, game, false);
        lobby.notify(third, game, false);
        lobby.wait(0);
        assert_eq!(status(&lobby, game), Some(WorldStatus::CLOSED));
    }
}

#[test]
fn reports_count_only_from_the_host_of_the_game() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (host, guest, third) = (lobby.player(5), lobby.player(6), lobby.player(7));
    let game = lobby.staged(host, spec("Match"));
    lobby.play(guest, game, 1);
    assert_eq!(lobby.report(guest, game, WorldStatus::CLOSED), Err(IgnoredReport::NotHost));
    assert_eq!(lobby.report(third, game, WorldStatus::CLOSED), Err(IgnoredReport::NotInGame));
    assert_eq!(lobby.report(host, MediusWorldId(99), WorldStatus::CLOSED), Err(IgnoredReport::UnknownGame));
    assert_eq!(
        lobby.run(ReportPlayer { session: third, game, stats: Vec::new() }),
        Err(IgnoredReport::NotInGame)
    );
    lobby.report(host, game, WorldStatus::PENDING_CREATION).unwrap();
    assert_eq!(status(&lobby, game), Some(WorldStatus::STAGING));
    let update = WorldUpdate {
        name: Some("New".into()),
        max_players: Some(60_000),
        generic_fields: vec![1, 2, 3],
        game_level: Some(4),
        ..WorldUpdate::default()
    };
    lobby.run(ReportWorld { session: host, game, update }).unwrap();
    let spec = &lobby.universe.game(game).unwrap().spec;
    assert_eq!((&spec.name, spec.max_players, spec.game_level), (&"New".into(), 256, 4));
    assert_eq!(spec.generic_fields, [1, 2, 3, 0, 0, 0, 0, 0]);
    assert_eq!(lobby.universe.counters().reports_ignored, 4);
}

#[test]
fn a_session_that_ends_leaves_its_game_and_the_relay_is_told() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (host, guest) = (lobby.player(5), lobby.player(6));
    let game = lobby.staged(host, spec("Match"));
    lobby.play(guest, game, 1);
    lobby.commands();
    lobby.run(Kick { account: AccountId(6), reason: EndReason::Kicked });
    let dme_world = lobby.universe.game(game).unwrap().dme_world.unwrap();
    assert_eq!(lobby.commands(), [ServerCommand::Disconnect { dme_world, dme_index: 1 }]);
    assert_eq!(lobby.universe.game(game).unwrap().player_count(), 1);
}

#[test]
fn a_match_outlives_the_lobby_connection_of_its_players() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let host = lobby.player(5);
    let game = lobby.staged(host, spec("Match"));
    let connection = lobby.universe.session(host).unwrap().lobby_connection().unwrap();
    lobby.run(Disconnect { connection });
    lobby.wait(1_000_000);
    assert!(lobby.universe.session(host).is_some());
    lobby.notify(host, game, false);
    lobby.wait(8_000);
    assert!(lobby.universe.session(host).is_none());
}

#[test]
fn game_list_filters_work_as_the_captures_of_up_your_arsenal_show() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (host, other, me) = (lobby.player(5), lobby.player(6), lobby.player(7));
    let skilled = GameSpec { game_level: 1861, player_skill_level: 0x0400_0000, ..spec("A") };
    let running = GameSpec { game_level: 1861, player_skill_level: 0x0c00_0000, ..spec("B") };
    let (a, b) = (lobby.staged(host, skilled), lobby.staged(other, running));
    assert_eq!(listed(&lobby, me), [a, b]);
    let (level, skill) = (GameListFilterField::GAME_LEVEL, GameListFilterField::PLAYER_SKILL_LEVEL);
    lobby.run(filter(me, skill, ComparisonOperator::LESS_THAN, 0x0800_0000)).unwrap();
    assert_eq!(listed(&lobby, me), [a]);
    lobby.run(filter(me, level, ComparisonOperator::EQUAL_TO, 68459)).unwrap();
    assert!(listed(&lobby, me).is_empty(), "all filters must hold");
    lobby.run(filter(me, level, ComparisonOperator::EQUAL_TO, 1861)).unwrap();
    assert_eq!(listed(&lobby, me), [a], "the 0-form replaces the filter of its field");
    let clear = |field| RemoveGameFilter { session: me, filter: FilterKey::Field(field) };
    lobby.run(clear(level)).unwrap();
    lobby.run(clear(skill)).unwrap();
    assert_eq!(lobby.run(clear(GameListFilterField::RULES_SET)), Err(CallbackStatus::FILTER_NOT_FOUND));
    assert_eq!(lobby.universe.total_games_filtered(me), 2);
}

#[test]
fn every_field_and_operator_of_a_filter_compares_the_field_on_the_left() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (host, me) = (lobby.player(5), lobby.player(6));
    let spec = GameSpec {
        min_players: 2,
        max_players: 3,
        game_level: 4,
        player_skill_level: 5,
        rules_set: 6,
        generic_fields: [7, 8, 9, 11, 12, 13, 14, -15],
        ..spec("A")
    };
    lobby.staged(host, spec);
    let general = lobby.channel("General").0;
    let values = [1, 2, 3, 4, 5, 6, 7, 8, 9, general, 11, 12, 13, 14, -15, 0, 0, 0, 0, 0];
    for (number, value) in (1..).zip(values) {
        let operators = [
            (ComparisonOperator::LESS_THAN, [false, false, true]),
            (ComparisonOperator::LESS_THAN_OR_EQUAL_TO, [false, true, true]),
            (ComparisonOperator::EQUAL_TO, [false, true, false]),
            (ComparisonOperator::GREATER_THAN_OR_EQUAL_TO, [true, true, false]),
            (ComparisonOperator::GREATER_THAN, [true, false, false]),
            (ComparisonOperator::NOT_EQUALS, [true, false, true]),
        ];
        for (operator, holds) in operators {
            for (offset, holds) in (-1..).zip(holds) {
                let field = GameListFilterField(number);
                lobby.run(filter(me, field, operator, value + offset)).unwrap();
                assert_eq!(listed(&lobby, me).len() == 1, holds, "{field:?} {operator:?} {offset}");
                lobby.run(RemoveGameFilter { session: me, filter: FilterKey::Field(field) }).unwrap();
            }
        }
    }
    lobby.run(AddBuddy { session: me, buddy: Buddy { account: AccountId(5), name: "x".into() } }).unwrap();
    lobby.run(filter(me, GameListFilterField::BUDDY_COUNT, ComparisonOperator::EQUAL_TO, 1)).unwrap();
    assert_eq!(listed(&lobby, me).len(), 1);
}

#[test]
fn filters_with_an_id_add_up_to_their_limit_and_go_by_their_id() {
    let mut config = config();
    config.limits.filters = 2;
    config.limits.sort_criteria = 1;
    let mut lobby = Lobby::with(config);
    lobby.relay();
    let (host, me) = (lobby.player(5), lobby.player(6));
    lobby.staged(host, GameSpec { rules_set: 0x12, ..spec("A") });
    let field = GameListFilterField::RULES_SET;
    let add = AddGameFilter {
        without_id: false,
        mask: 0xf0,
        ..filter(me, field, ComparisonOperator::EQUAL_TO, 0x10)
    };
    let first = lobby.run(add).unwrap();
    let second = lobby.run(AddGameFilter { mask: 0x0f, ..add }).unwrap();
    assert_eq!(lobby.run(add), Err(CallbackStatus::NUM_FILTERS_AT_MAX));
    assert!(listed(&lobby, me).is_empty());
    lobby.run(RemoveGameFilter { session: me, filter: FilterKey::Id(second) }).unwrap();
    assert_eq!(listed(&lobby, me).len(), 1);
    assert_ne!(first, second);
    let unknown = AddGameFilter { field: GameListFilterField(99), ..add };
    assert_eq!(lobby.run(unknown), Err(CallbackStatus::SET_GAME_LIST_FILTER_FAILED));
    let sort = |priority, field| SetGameSort {
        session: me,
        sort: GameSort { priority, field, mask: u32::MAX, direction: GameListSortDirection::DESCENDING },
    };
    lobby.run(sort(1, field)).unwrap();
    assert_eq!(lobby.run(sort(2, field)), Err(CallbackStatus::NUM_SORT_CRITERIA_AT_MAX));
    assert_eq!(
        lobby.run(sort(1, GameListFilterField(0))),
        Err(CallbackStatus::GAME_LIST_SORT_OPERATION_FAILED)
    );
    assert_eq!(
        lobby.run(ClearGameSort { session: me, priority: Some(7) }),
        Err(CallbackStatus::SORT_CRITERIA_NOT_FOUND)
    );
    lobby.run(ClearGameSort { session: me, priority: None }).unwrap();
}

#[test]
fn game_lists_are_sorted_and_paged() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let games = (0..4)
        .map(|number| {
            let host = lobby.player(50 + number);
            lobby.staged(
                host,
                GameSpec { game_level: number % 2, rules_set: number, ..spec(&format!("g{number}")) },
            )
        })
        .collect::<Vec<_>>();
    let me = lobby.player(9);
    let page = |lobby: &Lobby, id, size| {
        lobby.universe.games(me, Page { id, size }).into_iter().map(|game| game.id).collect::<Vec<_>>()
    };
    assert_eq!(page(&lobby, 2, 3), [games[3]]);
    let sort = |priority, field, direction| SetGameSort {
        session: me,
        sort: GameSort { priority, field, mask: u32::MAX, direction },
    };
    lobby.run(sort(2, GameListFilterField::RULES_SET, GameListSortDirection::ASCENDING)).unwrap();
    lobby.run(sort(1, GameListFilterField::GAME_LEVEL, GameListSortDirection::DESCENDING)).unwrap();
    assert_eq!(page(&lobby, 1, 9), [games[1], games[3], games[0], games[2]]);
    assert_eq!(lobby.universe.total_games(), 4);
}

#[test]
fn the_relay_is_of_the_players_location_and_has_the_fewest_worlds() {
    let mut lobby = Lobby::new();
    for (id, location) in [(1, 0), (2, 40), (3, 40)] {
        lobby.register(GameServerId(id), location, 2);
    }
    let host = lobby.player(5);
    lobby.run(SetLocation { session: host, location: 40 }).unwrap();
    let mut chosen = Vec::new();
    for name in ["a", "b", "c", "d"] {
        lobby.run(CreateGame { session: host, spec: spec(name), superset: None }).unwrap();
        chosen.extend(lobby.universe.all_games().last().map(|game| game.server.0));
    }
    assert_eq!(chosen, [2, 3, 2, 3]);
    let (far, _) = lobby.begin();
    lobby.enter(far, 6);
    lobby.run(SetLocation { session: far, location: 40 }).unwrap();
    lobby.run(CreateGame { session: far, spec: spec("e"), superset: None }).unwrap();
    assert_eq!(lobby.universe.all_games().last().map(|game| game.server.0), Some(1));
    let full = ReportLoad {
        server: GameServerId(1),
        max_worlds: 0,
        max_players_per_world: 0,
        worlds: 2,
        players: 9,
    };
    assert!(lobby.run(full));
    let refused = lobby.run(CreateGame { session: far, spec: spec("f"), superset: None });
    assert_eq!(refused, Err(CallbackStatus::EXCEEDS_MAX_WORLDS));
    assert!(!lobby.run(ReportLoad { server: GameServerId(77), ..full }));
}

#[test]
fn a_lost_relay_takes_its_games_and_fails_who_waits_for_it() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (host, guest) = (lobby.player(5), lobby.player(6));
    let game = lobby.staged(host, spec("Match"));
    let join = lobby.join(guest, game);
    let joining = lobby.run(join).unwrap();
    let creating = lobby.run(CreateGame { session: guest, spec: spec("Two"), superset: None }).unwrap();
    lobby.run(LoseGameServer { server: DME });
    assert_eq!(lobby.answer(joining), Answer::Joined(Err(CallbackStatus::DME_ERROR)));
    assert_eq!(lobby.answer(creating), Answer::Created(Err(CallbackStatus::DME_ERROR)));
    assert_eq!(lobby.universe.all_games().count(), 0);
    assert_eq!(lobby.universe.total_users(), (2, 0));
}

#[test]
fn a_player_in_two_games_is_in_the_later_one() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (host, other) = (lobby.player(5), lobby.player(6));
    let (first, second) = (lobby.staged(host, spec("A")), lobby.staged(other, spec("B")));
    lobby.play(host, second, 1);
    assert_eq!(lobby.universe.game(first).unwrap().connected().count(), 0);
    assert_eq!(lobby.universe.total_users(), (2, 2));
    lobby.notify(host, first, false);
    assert_eq!(lobby.universe.session(host).unwrap().game, Some(second), "the late goodbye of the first one");
    lobby.run(LeaveGame { session: host });
    assert_eq!(lobby.universe.total_users(), (2, 1));
}

#[test]
fn a_game_may_take_a_new_id_that_is_free() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (host, guest) = (lobby.player(5), lobby.player(6));
    let game = lobby.staged(host, spec("A"));
    let new = MediusWorldId(5000);
    let reassign = |session, new| ReassignWorld { session, old: game, new };
    assert_eq!(lobby.run(reassign(guest, new)), Err(CallbackStatus::GAME_NOT_FOUND));
    let general = lobby.channel("General");
    assert_eq!(lobby.run(reassign(host, general)), Err(CallbackStatus::REQUEST_DENIED));
    assert_eq!(lobby.run(reassign(host, MediusWorldId(0))), Err(CallbackStatus::REQUEST_DENIED));
    lobby.run(reassign(host, new)).unwrap();
    assert_eq!(listed(&lobby, guest), [new]);
    lobby.report(host, new, WorldStatus::CLOSED).unwrap();
    lobby.notify(host, new, false);
    lobby.wait(2_000);
    assert_eq!(status(&lobby, new), None);
}

#[test]
fn an_operator_may_close_a_game() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let host = lobby.player(5);
    let game = lobby.staged(host, spec("A"));
    let dme_world = lobby.universe.game(game).unwrap().dme_world.unwrap();
    assert!(lobby.run(CloseGame { game }));
    assert!(!lobby.run(CloseGame { game: MediusWorldId(999) }));
    assert!(lobby.commands().contains(&ServerCommand::End { dme_world, brutal: true }));
    assert_eq!(status(&lobby, game), Some(WorldStatus::CLOSED));
}

/// A player who is a peer-to-peer host on MPS.
fn peer(lobby: &mut Lobby, account: i32) -> (SessionKey, GameServerId) {
    let session = lobby.player(account);
    let connection = ConnectionId(lobby.number());
    // The access key of the login is used up: the session key from the same address must do.
    let connect = ConnectGameServer {
        connection,
        app_id: APP,
        access_key: None,
        session_key: Some(session),
        client_ip: ip(session),
    };
    assert_eq!(
        lobby.run(ConnectGameServer { client_ip: Ipv4Addr::LOCALHOST.into(), ..connect.clone() }),
        Err(ConnectRefused::UnknownKey)
    );
    lobby.run(connect).unwrap();
    let id = GameServerId(connection.0);
    let register = RegisterGameServer {
        id,
        kind: GameServerKind::Peer { session },
        app_ids: Vec::new(),
        location: 0,
        address: NOWHERE[0],
        max_worlds: 1,
        max_players_per_world: 8,
    };
    lobby.run(register).unwrap();
    (session, id)
}

#[test]
fn a_peer_to_peer_game_lives_on_its_host() {
    let mut lobby = Lobby::new();
    let (host, server) = peer(&mut lobby, 5);
    let guest = lobby.player(6);
    let addresses = [PeerAddress { address_type: NetAddressType::EXTERNAL, address: [1; 16], port: 7 }; 2];
    let spec = GameSpec { host_type: GameHostType::PEER_TO_PEER, ..spec("P2P") };
    let create = CreateGameOnHost { server, account: AccountId(5), world: 77, spec, addresses };
    let stolen = CreateGameOnHost { account: AccountId(6), ..create.clone() };
    assert_eq!(lobby.run(stolen), Err(MgclErrorCode::INVALID_ARG));
    let unknown = CreateGameOnHost { server: GameServerId(1), ..create.clone() };
    assert_eq!(lobby.run(unknown), Err(MgclErrorCode::INVALID_ARG));
    let game = lobby.run(create.clone()).unwrap();
    assert_eq!(lobby.run(create.clone()), Err(MgclErrorCode::GAME_NAME_EXISTS));
    let same_world =
        CreateGameOnHost { spec: GameSpec { name: "Two".into(), ..create.spec.clone() }, ..create };
    assert_eq!(lobby.run(same_world), Err(MgclErrorCode::WORLDID_INUSE));
    let update =
        WorldUpdate { status: Some(WorldStatus::STAGING), player_count: Some(1), ..WorldUpdate::default() };
    lobby.run(ReportWorldOnHost { server, world: 77, update: update.clone() }).unwrap();
    let join = JoinGame { host_type: GameHostType::PEER_TO_PEER, ..lobby.join(guest, game) };
    let request = lobby.run(join).unwrap();
    assert!(matches!(lobby.commands()[..], [ServerCommand::Join { dme_world: 77, .. }]));
    let grant = ServerJoinGrant { access_key: "key".into(), server_key: vec![0; 64], dme_index: 1 };
    lobby.run(GameServerJoined { server, request, result: Ok(grant) });
    let Answer::Joined(Ok(joined)) = lobby.answer(request) else { panic!("not joined") };
    assert_eq!(joined.addresses, Some(addresses));
    assert!(lobby.run(PlayerConnection { server, dme_world: game.0, session: guest, connected: true }));
    assert_eq!(lobby.universe.total_users(), (2, 2));
    let move_to = |current, new| MoveGameOnHost { server, current, new, addresses: NOWHERE };
    lobby.run(move_to(77, 78)).unwrap();
    assert_eq!(lobby.run(move_to(77, 79)), Err(MgclErrorCode::UNSUCCESSFUL));
    lobby.wait(29_000);
    lobby.run(ReportWorldOnHost { server, world: 78, update: update.clone() }).unwrap();
    lobby.wait(29_000);
    assert_eq!(status(&lobby, game), Some(WorldStatus::STAGING));
    lobby.run(EndGameOnHost { server, world: 78 }).unwrap();
    assert_eq!(lobby.run(EndGameOnHost { server, world: 78 }), Err(MgclErrorCode::INVALID_ARG));
    assert_eq!(lobby.run(ReportWorldOnHost { server, world: 78, update }), Err(IgnoredReport::UnknownGame));
    assert_eq!(lobby.universe.session(host).unwrap().game, None);
}

#[test]
fn a_peer_to_peer_game_ends_with_its_host_or_without_reports() {
    let mut lobby = Lobby::new();
    let (_, server) = peer(&mut lobby, 5);
    let create = |name| CreateGameOnHost {
        server,
        account: AccountId(0),
        world: 1,
        spec: GameSpec { host_type: GameHostType::PEER_TO_PEER, ..spec(name) },
        addresses: NOWHERE,
    };
    let game = lobby.run(create("A")).unwrap();
    lobby.wait(30_000);
    assert_eq!(status(&lobby, game), Some(WorldStatus::CLOSED));
    lobby.run(EndGameOnHost { server, world: 1 }).unwrap();
    let game = lobby.run(create("B")).unwrap();
    lobby.run(Kick { account: AccountId(5), reason: EndReason::Kicked });
    assert_eq!(status(&lobby, game), None);
    assert!(lobby.universe.game_server(server).is_none());
}

#[test]
fn hosting_consoles_leave_the_places_of_relays_alone() {
    let mut config = config();
    config.limits.game_servers = 2;
    let mut lobby = Lobby::with(config);
    let relay = |id| RegisterGameServer {
        id: GameServerId(id),
        kind: GameServerKind::Dedicated,
        app_ids: Vec::new(),
        location: 0,
        address: NOWHERE[0],
        max_worlds: 1,
        max_players_per_world: 8,
    };
    peer(&mut lobby, 5);
    peer(&mut lobby, 6);
    let session = lobby.player(7);
    let third = RegisterGameServer { kind: GameServerKind::Peer { session }, ..relay(900) };
    assert_eq!(lobby.run(third), Err(CallbackStatus::SERVER_BUSY));
    assert_eq!(lobby.run(relay(901)), Ok(()));
    assert_eq!(lobby.run(relay(902)), Ok(()));
    assert_eq!(lobby.run(relay(903)), Err(CallbackStatus::SERVER_BUSY));
}

#[test]
fn peer_to_peer_hosts_are_refused_where_the_title_has_none() {
    let mut config = config();
    config.rules.peer_to_peer = false;
    let mut lobby = Lobby::with(config);
    let session = lobby.player(5);
    let register = RegisterGameServer {
        id: GameServerId(1),
        kind: GameServerKind::Peer { session },
        app_ids: Vec::new(),
        location: 0,
        address: NOWHERE[0],
        max_worlds: 1,
        max_players_per_world: 8,
    };
    assert_eq!(lobby.run(register), Err(CallbackStatus::FEATURE_NOT_ENABLED));
}
