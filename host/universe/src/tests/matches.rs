use medley_wire::enums::{CallbackStatus, MatchOptions, MgclErrorCode};

use super::*;

fn wish() -> MatchWish {
    MatchWish {
        superset: 3,
        min_players: 1,
        max_players: 4,
        host_types: 0,
        options: MatchOptions::OPTIONS_NONE,
        group: Vec::new(),
    }
}

fn find(session: SessionKey, wish: MatchWish) -> FindMatch {
    FindMatch {
        session,
        wish,
        join_type: JoinType::PLAYER,
        request_data: [session.0 as u8; 16],
        application_data: vec![1, 2],
    }
}

/// Who was told what: the game, or why there is none.
fn told(lobby: &mut Lobby) -> Vec<(SessionKey, Result<MediusWorldId, CallbackStatus>)> {
    let assigned = |(session, push)| match push {
        Push::Assigned(outcome) => Some((session, outcome.result.map(|matched| matched.game))),
        _ => None,
    };
    lobby.pushes().into_iter().filter_map(assigned).collect()
}

/// The relay makes the world that was asked for last.
fn stand(lobby: &mut Lobby) -> MediusWorldId {
    let asked = lobby.commands().into_iter().find_map(|command| match command {
        ServerCommand::Create { request, game, .. } => Some((request, game)),
        _ => None,
    });
    let (request, game) = asked.expect("a game is made");
    let world = lobby.number() as i32;
    assert!(lobby.run(GameServerCreated { server: DME, request, result: Ok(world) }));
    game
}

#[test]
fn without_a_game_one_is_made_and_those_who_look_later_are_sent_to_it() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (a, b, c) = (lobby.player(5), lobby.player(6), lobby.player(7));
    assert_eq!(lobby.run(find(a, wish())), Ok(()));
    assert!(lobby.universe.waits_for_match(a));
    let game = stand(&mut lobby);
    let pushes = lobby.pushes();
    let [(to, Push::Assigned(outcome))] = &pushes[..] else { panic!("{pushes:?}") };
    let matched = outcome.result.as_ref().unwrap();
    assert_eq!((*to, matched.game, outcome.request_data), (a, game, [a.0 as u8; 16]));
    assert_eq!((matched.spec.max_players, &outcome.application_data[..]), (4, &[1, 2][..]));
    assert!(!lobby.universe.waits_for_match(a));
    assert_eq!(lobby.universe.game(game).unwrap().superset, Some(3));
    lobby.play(a, game, 0);
    lobby.report(a, game, WorldStatus::STAGING).unwrap();
    lobby.run(find(b, wish())).unwrap();
    assert_eq!(told(&mut lobby), [(b, Ok(game))]);
    // Another superset is another matter.
    lobby.run(find(c, MatchWish { superset: 4, ..wish() })).unwrap();
    assert_eq!(told(&mut lobby), []);
    let other = stand(&mut lobby);
    assert_eq!(told(&mut lobby), [(c, Ok(other))]);
}

#[test]
fn as_many_wait_as_want_to_play_and_the_first_one_is_host() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (a, b, c) = (lobby.player(5), lobby.player(6), lobby.player(7));
    let three = MatchWish { min_players: 3, ..wish() };
    lobby.run(find(a, three.clone())).unwrap();
    lobby.run(find(b, three.clone())).unwrap();
    assert!(lobby.commands().is_empty() && told(&mut lobby).is_empty());
    lobby.run(find(c, three)).unwrap();
    let game = stand(&mut lobby);
    assert_eq!(told(&mut lobby), [(a, Ok(game)), (b, Ok(game)), (c, Ok(game))]);
    assert_eq!(lobby.universe.game(game).unwrap().host, Some(a));
}

#[test]
fn a_game_fits_by_size_room_host_type_and_stage() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (host, a) = (lobby.player(5), lobby.player(6));
    let request = lobby.run(CreateGame {
        session: host,
        spec: GameSpec { max_players: 3, password: "pw".into(), ..spec("Own") },
        superset: Some(3),
    });
    lobby.run(GameServerCreated { server: DME, request: request.unwrap(), result: Ok(1) });
    let game = lobby.universe.all_games().next().unwrap().id;
    lobby.play(host, game, 0);
    lobby.report(host, game, WorldStatus::STAGING).unwrap();
    let ask = |lobby: &mut Lobby, wish| {
        lobby.run(MatchParty { session: a, wish }).map(|matched| matched.map(|matched| matched.game))
    };
    for unfit in [
        MatchWish { superset: 4, ..wish() },
        MatchWish { min_players: 4, ..wish() },
        MatchWish { max_players: 2, ..wish() },
        MatchWish { group: vec![AccountId(1), AccountId(2)], ..wish() },
        MatchWish { host_types: 1 << GameHostType::CLIENT_SERVER.0, ..wish() },
    ] {
        assert_eq!(ask(&mut lobby, unfit.clone()), Ok(None), "{unfit:?}");
    }
    assert_eq!(
        ask(&mut lobby, MatchWish { group: vec![AccountId(1); 300], ..wish() }),
        Err(CallbackStatus::REQUEST_DENIED)
    );
    let usual = 1 << GameHostType::CLIENT_SERVER_AUX_UDP.0;
    assert_eq!(ask(&mut lobby, MatchWish { host_types: usual, max_players: 0, ..wish() }), Ok(Some(game)));
    // Two places are taken or kept, so one is left, until the kept one is given up.
    let along = MatchWish { group: vec![AccountId(1)], ..wish() };
    assert_eq!(ask(&mut lobby, along.clone()), Ok(None));
    lobby.wait(15_000);
    assert_eq!(ask(&mut lobby, along), Ok(Some(game)));
    lobby.wait(15_000);
    lobby.report(host, game, WorldStatus::ACTIVE).unwrap();
    assert_eq!(ask(&mut lobby, wish()), Ok(None));
    let late = MatchWish { options: MatchOptions::LATE_JOIN, ..wish() };
    assert_eq!(ask(&mut lobby, late), Ok(Some(game)));
}

#[test]
fn a_place_that_becomes_free_is_given_to_who_waits() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (a, b, c) = (lobby.player(5), lobby.player(6), lobby.player(7));
    let two = MatchWish { min_players: 2, max_players: 2, ..wish() };
    lobby.run(find(a, two.clone())).unwrap();
    lobby.run(find(b, two.clone())).unwrap();
    let game = stand(&mut lobby);
    lobby.play(a, game, 0);
    lobby.play(b, game, 1);
    told(&mut lobby);
    lobby.run(find(c, two)).unwrap();
    assert_eq!(told(&mut lobby), []);
    lobby.notify(b, game, false);
    assert_eq!(told(&mut lobby), [(c, Ok(game))]);
}

#[test]
fn who_waits_too_long_or_gives_up_or_goes_waits_no_more() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (a, b, c) = (lobby.player(5), lobby.player(6), lobby.player(7));
    let many = MatchWish { min_players: 4, ..wish() };
    for session in [a, b, c] {
        lobby.run(find(session, many.clone())).unwrap();
    }
    assert_eq!(lobby.run(CancelMatch { session: a, superset: 4 }), Err(CallbackStatus::NO_RESULT));
    assert_eq!(lobby.run(CancelMatch { session: a, superset: 3 }), Ok(()));
    assert_eq!(lobby.run(CancelMatch { session: a, superset: 3 }), Err(CallbackStatus::NO_RESULT));
    lobby.run(EndSession { session: b }).unwrap();
    lobby.wait(59_999);
    assert_eq!(told(&mut lobby), []);
    lobby.wait(1);
    assert_eq!(told(&mut lobby), [(c, Err(CallbackStatus::NO_RESULT))]);
}

#[test]
fn a_match_is_refused_to_spectators_and_fails_where_no_game_can_be_made() {
    let mut lobby = Lobby::new();
    let (a, b) = (lobby.player(5), lobby.player(6));
    let watch = FindMatch { join_type: JoinType::SPECTATOR, ..find(a, wish()) };
    assert_eq!(lobby.run(watch), Err(CallbackStatus::REQUEST_DENIED));
    let nobody = lobby.begin().0;
    assert_eq!(lobby.run(find(nobody, wish())), Err(CallbackStatus::PLAYER_NOT_PRIVILEGED));
    let failed = CallbackStatus::MATCH_GAME_CREATION_FAILED;
    assert_eq!(lobby.run(find(a, wish())), Ok(()));
    assert_eq!(told(&mut lobby), [(a, Err(failed))]);
    lobby.relay();
    lobby.run(find(a, wish())).unwrap();
    lobby.run(find(b, wish())).unwrap();
    let [ServerCommand::Create { request, .. }] = lobby.commands()[..] else { panic!("one game is made") };
    lobby.run(GameServerCreated { server: DME, request, result: Err(MgclErrorCode::UNSUCCESSFUL) });
    assert_eq!(told(&mut lobby), [(a, Err(failed)), (b, Err(failed))]);
    assert_eq!(lobby.universe.all_games().count(), 0);
}

#[test]
fn those_of_the_own_party_are_sent_along_and_nobody_else() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (a, b, stranger) = (lobby.player(5), lobby.player(6), lobby.player(7));
    let request = lobby.run(CreateParty { session: a, spec: spec("Us") }).unwrap();
    lobby.run(GameServerCreated { server: DME, request, result: Ok(1) });
    let party = lobby.universe.parties().next().unwrap().id;
    for (index, session) in [a, b].into_iter().enumerate() {
        let request = lobby.run(JoinParty {
            session,
            party,
            password: Name::default(),
            host_type: GameHostType::CLIENT_SERVER_AUX_UDP,
            addresses: NOWHERE,
            index: None,
        });
        lobby.grant(request.unwrap(), index as i32);
    }
    lobby.commands();
    let group = vec![AccountId(6), AccountId(7), AccountId(99)];
    lobby.run(find(a, MatchWish { group, ..wish() })).unwrap();
    let game = stand(&mut lobby);
    assert_eq!(told(&mut lobby), [(b, Ok(game)), (a, Ok(game))]);
    assert!(!lobby.universe.waits_for_match(stranger));
}
