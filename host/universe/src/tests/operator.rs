use medley_wire::enums::WorldSecurityLevelType;

use super::*;

fn named(name: &str) -> ChannelChange {
    ChannelChange { name: Some(name.into()), ..ChannelChange::default() }
}

#[test]
fn a_channel_made_from_outside_stays_empty_until_it_is_removed() {
    let mut lobby = Lobby::new();
    let change = ChannelChange {
        password: Some("pw".into()),
        max_players: Some(3),
        generic_fields: Some([1, 2, 3, 4]),
        generic_field_level: Some(64),
        ..named("Event")
    };
    let id = lobby.run(AddChannel { channel: change }).unwrap();
    assert_eq!(lobby.outputs.last(), Some(&Output::Notice(Notice::ChannelCreated(id))));
    lobby.wait(10 * 60_000);
    let channel = lobby.universe.channel(id).unwrap();
    assert_eq!((channel.max_players, channel.generic_fields), (3, [1, 2, 3, 4]));
    assert_eq!(channel.security, WorldSecurityLevelType::PLAYER_PASSWORD);

    assert_eq!(lobby.run(AddChannel { channel: named("EVENT") }), Err(ChangeRefused::NameTaken));
    assert_eq!(lobby.run(AddChannel { channel: ChannelChange::default() }), Err(ChangeRefused::NoName));

    let player = lobby.player(5);
    lobby.run(MovePlayer { session: player, channel: id }).unwrap();
    assert_eq!(lobby.universe.session(player).unwrap().channel, Some(id));
    assert_eq!(lobby.run(RemoveChannel { channel: id }), Err(ChangeRefused::InUse));
    let general = lobby.channel("General");
    assert_eq!(lobby.run(RemoveChannel { channel: general }), Err(ChangeRefused::Configured));
    lobby.run(MovePlayer { session: player, channel: general }).unwrap();
    assert_eq!(lobby.run(RemoveChannel { channel: id }), Ok(()));
    assert_eq!(lobby.run(RemoveChannel { channel: id }), Err(ChangeRefused::NotFound));
    assert_eq!(
        lobby.run(MovePlayer { session: player, channel: id }),
        Err(ChangeRefused::NotFound),
        "the channel is gone"
    );
}

#[test]
fn a_channel_is_changed_as_far_as_named() {
    let mut lobby = Lobby::new();
    let general = lobby.channel("General");
    let change = ChannelChange { max_players: Some(7), ..named("Lounge") };
    lobby.run(ChangeChannel { channel: general, change }).unwrap();
    let channel = lobby.universe.channel(general).unwrap();
    assert_eq!((channel.name.as_bytes(), channel.max_players), (&b"Lounge"[..], 7));
    assert_eq!(lobby.channel("lounge"), general);
    let taken = ChangeChannel { channel: general, change: named("Other") };
    assert_eq!(lobby.run(taken), Err(ChangeRefused::NameTaken));
    let own = ChangeChannel { channel: general, change: named("LOUNGE") };
    assert_eq!(lobby.run(own), Ok(()), "its own name in another case");
    let nowhere = ChangeChannel { channel: MediusWorldId(999), change: named("x") };
    assert_eq!(lobby.run(nowhere), Err(ChangeRefused::NotFound));
}

#[test]
fn a_game_is_changed_and_its_text_goes_into_the_history() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let (host, guest) = (lobby.player(5), lobby.player(6));
    let game = lobby.staged(host, spec("Match"));
    lobby.play(guest, game, 1);
    let change = GameChange {
        name: Some("Final".into()),
        password: Some("pw".into()),
        max_players: Some(4000),
        generic_fields: Some([1, 2, 3, 4, 5, 6, 7, 8]),
        host: Some(guest),
        metadata: Some("{\"map\":3}".to_owned()),
        ..GameChange::default()
    };
    lobby.run(ChangeGame { game, change }).unwrap();
    let found = lobby.universe.game(game).unwrap();
    assert_eq!((found.spec.name.as_bytes(), found.spec.password.as_bytes()), (&b"Final"[..], &b"pw"[..]));
    assert_eq!(found.spec.max_players, lobby.universe.config().limits.players_per_game);
    assert_eq!((found.spec.generic_fields[7], found.host), (8, Some(guest)));

    let stranger = lobby.player(7);
    let change = GameChange { host: Some(stranger), ..GameChange::default() };
    assert_eq!(lobby.run(ChangeGame { game, change }), Err(ChangeRefused::NotInGame));
    let unknown = ChangeGame { game: MediusWorldId(999), change: GameChange::default() };
    assert_eq!(lobby.run(unknown), Err(ChangeRefused::NotFound));
    lobby.staged(stranger, spec("Second"));
    let change = GameChange { name: Some("second".into()), ..GameChange::default() };
    assert_eq!(lobby.run(ChangeGame { game, change }), Err(ChangeRefused::NameTaken));

    lobby.report(guest, game, WorldStatus::ACTIVE).unwrap();
    assert!(lobby.run(CloseGame { game }));
    for player in [host, guest] {
        lobby.notify(player, game, false);
    }
    lobby.wait(60_000);
    let record = lobby.outputs.iter().find_map(|output| match output {
        Output::Store(StoreEffect::GameEnded(record)) if record.game == game => Some(record),
        _ => None,
    });
    assert_eq!(record.unwrap().metadata, "{\"map\":3}");
}

#[test]
fn a_session_is_put_out_also_before_its_login() {
    let mut lobby = Lobby::new();
    let (session, connection) = lobby.begin();
    assert!(lobby.run(PutOut { session, reason: EndReason::Kicked }));
    let closed = Output::Close { session, connection, reason: EndReason::Kicked };
    assert!(lobby.outputs.contains(&closed));
    assert!(!lobby.run(PutOut { session, reason: EndReason::Kicked }));
}
