use medley_wire::enums::{CallbackStatus, MgclErrorCode};

use super::*;

fn create(lobby: &mut Lobby, session: SessionKey, spec: GameSpec) -> MediusWorldId {
    let request = lobby.run(CreateParty { session, spec }).unwrap();
    let world = lobby.number() as i32;
    assert!(lobby.run(GameServerCreated { server: DME, request, result: Ok(world) }));
    match lobby.answer(request) {
        Answer::Created(Ok(created)) => created.game,
        other => panic!("{other:?}"),
    }
}

fn join(session: SessionKey, party: MediusWorldId) -> JoinParty {
    JoinParty {
        session,
        party,
        password: Name::default(),
        host_type: GameHostType::CLIENT_SERVER_AUX_UDP,
        addresses: NOWHERE,
        index: None,
    }
}

/// Joins and connects; the place.
fn come(lobby: &mut Lobby, join: JoinParty, dme_index: i32) -> i32 {
    let (session, party) = (join.session, join.party);
    let request = lobby.run(join).unwrap();
    let joined = lobby.grant(request, dme_index);
    assert!(notify(lobby, session, party, true));
    joined.party_index.unwrap()
}

fn notify(lobby: &mut Lobby, session: SessionKey, party: MediusWorldId, connected: bool) -> bool {
    let dme_world = lobby.universe.party(party).unwrap().dme_world.unwrap();
    lobby.run(PlayerConnection { server: DME, dme_world, session, connected })
}

#[test]
fn a_party_is_made_joined_and_led_until_the_last_one_leaves() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (leader, second, third) = (lobby.player(5), lobby.player(6), lobby.player(7));
    let party = create(&mut lobby, leader, GameSpec { max_players: 4, ..spec("Us") });
    assert_eq!(come(&mut lobby, join(leader, party), 0), 0);
    assert_eq!(come(&mut lobby, join(third, party), 1), 1);
    assert_eq!(come(&mut lobby, join(second, party), 2), 2);
    let seen = lobby.universe.party(party).unwrap();
    assert_eq!((seen.player_count(), seen.host, seen.spec.name.as_bytes()), (3, Some(leader), &b"Us"[..]));
    assert_eq!(lobby.universe.session(second).unwrap().party, Some(party));
    notify(&mut lobby, leader, party, false);
    assert_eq!(lobby.universe.party(party).unwrap().host, Some(third), "the first who came of the others");
    lobby.commands();
    lobby.run(LeaveParty { session: third });
    let told = lobby.commands();
    assert!(matches!(told[..], [ServerCommand::Disconnect { dme_index: 1, .. }]), "{told:?}");
    lobby.run(LeaveParty { session: second });
    lobby.wait(1_000);
    assert!(lobby.universe.party(party).is_none());
    assert!(matches!(lobby.commands()[..], [.., ServerCommand::End { brutal: false, .. }]));
    assert!(lobby.outputs.iter().all(|output| !matches!(output, Output::Store(_))), "no game history");
}

#[test]
fn a_party_is_no_game_and_goes_from_game_to_game() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (leader, second) = (lobby.player(5), lobby.player(6));
    let party = create(&mut lobby, leader, spec("Same"));
    come(&mut lobby, join(leader, party), 0);
    come(&mut lobby, join(second, party), 1);
    let state = &lobby.universe;
    assert!(state.game(party).is_none() && state.game_players(party).is_none());
    assert_eq!(
        (state.total_games(), state.games(second, Page::ALL).len(), state.total_users()),
        (0, 0, (2, 0))
    );
    let found = state.find_world(&"Same".into(), medley_wire::enums::FindWorldType::FIND_ALL_WORLDS, APP);
    assert!(found.is_empty());
    assert_eq!(lobby.run(lobby.join(second, party)), Err(CallbackStatus::GAME_NOT_FOUND));
    let closed = WorldUpdate { status: Some(WorldStatus::CLOSED), ..WorldUpdate::default() };
    let report = ReportWorld { session: leader, game: party, update: closed };
    assert_eq!(lobby.run(report), Err(IgnoredReport::UnknownGame));
    // Its name is its own affair.
    for name in ["Same", "Other"] {
        let game = lobby.staged(leader, spec(name));
        lobby.play(second, game, 1);
        let session = lobby.universe.session(second).unwrap();
        assert_eq!((session.party, session.game, session.in_game()), (Some(party), Some(game), true));
        assert_eq!(lobby.run(join(second, game)), Err(CallbackStatus::GAME_NOT_FOUND));
        lobby.notify(second, game, false);
        assert_eq!(lobby.universe.session(second).unwrap().party, Some(party));
    }
}

#[test]
fn joins_of_a_party_are_refused_as_joins_of_a_game_are() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let players = [5, 6, 7].map(|account| lobby.player(account));
    let spec = GameSpec { max_players: 2, password: "sesame".into(), ..spec("Us") };
    let party = create(&mut lobby, players[0], spec);
    let right = |session| JoinParty { password: "sesame".into(), ..join(session, party) };
    assert_eq!(lobby.run(join(players[0], MediusWorldId(4711))), Err(CallbackStatus::GAME_NOT_FOUND));
    assert_eq!(lobby.run(join(players[0], party)), Err(CallbackStatus::INVALID_PASSWORD));
    let other_type = JoinParty { host_type: GameHostType::CLIENT_SERVER, ..right(players[0]) };
    assert_eq!(lobby.run(other_type), Err(CallbackStatus::REQUEST_DENIED));
    let at = |session, index| JoinParty { index: Some(index), ..right(session) };
    assert_eq!(come(&mut lobby, at(players[0], 1), 0), 1);
    for taken in [1, 2, i32::MAX] {
        assert_eq!(lobby.run(at(players[1], taken)), Err(CallbackStatus::WORLD_IS_FULL), "{taken}");
    }
    // It may come again to its own place; a negative one is no wish.
    assert_eq!(come(&mut lobby, at(players[0], 1), 0), 1);
    assert_eq!(come(&mut lobby, at(players[1], -1), 1), 0);
    assert_eq!(lobby.run(right(players[2])), Err(CallbackStatus::WORLD_IS_FULL));
    assert!(lobby.run(CloseGame { game: party }));
    assert_eq!(lobby.run(right(players[1])), Err(CallbackStatus::WORLD_CLOSED));
    let nobody = lobby.begin().0;
    assert_eq!(lobby.run(right(nobody)), Err(CallbackStatus::PLAYER_NOT_PRIVILEGED));
}

#[test]
fn parties_are_refused_beyond_their_limits_and_without_a_relay() {
    let mut config = config();
    config.limits.games = 3;
    config.limits.games_per_player = 2;
    let mut lobby = Lobby::with(config);
    let (a, b) = (lobby.player(5), lobby.player(6));
    let one = |session| CreateParty { session, spec: spec("Us") };
    assert_eq!(lobby.run(one(a)), Err(CallbackStatus::EXCEEDS_MAX_WORLDS));
    lobby.relay();
    create(&mut lobby, a, spec("Us"));
    create(&mut lobby, a, spec("Us"));
    assert_eq!(lobby.run(one(a)), Err(CallbackStatus::REQUEST_DENIED));
    create(&mut lobby, b, spec("Us"));
    assert_eq!(lobby.run(one(b)), Err(CallbackStatus::EXCEEDS_MAX_WORLDS));
    // Games are counted apart.
    lobby.create(b, spec("Game"));
    // Nobody comes.
    lobby.wait(31_000);
    assert_eq!(lobby.universe.parties().count(), 0);
    let request = lobby.run(one(b)).unwrap();
    lobby.run(GameServerCreated { server: DME, request, result: Err(MgclErrorCode::UNSUCCESSFUL) });
    assert_eq!(lobby.answer(request), Answer::Created(Err(CallbackStatus::FAIL)));
    assert_eq!(lobby.universe.parties().count(), 0);
}

#[test]
fn a_member_may_change_its_place_and_nobody_takes_anothers() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (a, b, c) = (lobby.player(5), lobby.player(6), lobby.player(7));
    let party = create(&mut lobby, a, GameSpec { max_players: 3, ..spec("Us") });
    come(&mut lobby, join(a, party), 0);
    come(&mut lobby, join(b, party), 1);
    let place = |lobby: &Lobby, session| lobby.universe.party(party).unwrap().members[&session].party_index;
    let report = |session, index| ReportParty { session, party, index };
    assert_eq!(lobby.run(report(b, 2)), Ok(()));
    assert_eq!(place(&lobby, b), Some(2));
    for index in [0, 3, -1] {
        assert_eq!(lobby.run(report(b, index)), Ok(()));
        assert_eq!(place(&lobby, b), Some(2), "{index}");
    }
    assert_eq!(lobby.run(report(c, 1)), Err(IgnoredReport::NotInGame));
    let unknown = ReportParty { party: MediusWorldId(4711), ..report(a, 1) };
    assert_eq!(lobby.run(unknown), Err(IgnoredReport::UnknownGame));
    assert_eq!(come(&mut lobby, join(c, party), 2), 1, "the place that became free");
}

#[test]
fn a_player_is_in_one_party_and_leaves_it_with_the_session() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (a, b) = (lobby.player(5), lobby.player(6));
    let (first, second) = (create(&mut lobby, a, spec("A")), create(&mut lobby, b, spec("B")));
    come(&mut lobby, join(a, first), 0);
    come(&mut lobby, join(a, second), 0);
    assert!(lobby.universe.party(first).unwrap().members.is_empty());
    assert_eq!(lobby.universe.party(second).unwrap().members.len(), 1);
    // A join of a party and one of a game wait beside each other.
    let game = lobby.create(a, spec("Game"));
    let (to_party, to_game) = (lobby.run(join(b, second)).unwrap(), lobby.run(lobby.join(b, game)).unwrap());
    assert_eq!(lobby.grant(to_party, 1).game, second);
    assert_eq!(lobby.grant(to_game, 0).game, game);
    lobby.run(EndSession { session: a }).unwrap();
    lobby.run(LoseGameServer { server: DME });
    assert_eq!((lobby.universe.parties().count(), lobby.universe.session(b).unwrap().party), (0, None));
}
