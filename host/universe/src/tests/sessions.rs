use medley_wire::enums::{CallbackStatus, PlayerStatus};

use super::*;

#[test]
fn a_login_reserves_the_first_channel_and_the_new_connection_enters_it_before_the_old_one_closes() {
    let mut lobby = Lobby::new();
    let (session, mas) = lobby.begin();
    let status = |lobby: &Lobby| lobby.universe.session(session).unwrap().status();
    assert_eq!(status(&lobby), PlayerStatus::PLAYER_IN_AUTH_WORLD);
    let login = lobby.login(session, 5);
    let info = lobby.run(login).unwrap();
    assert_eq!(info.channel, lobby.channel("General"));
    assert_eq!(status(&lobby), PlayerStatus::PLAYER_IN_AUTH_WORLD);
    assert_eq!(lobby.universe.session(session).unwrap().channel, None);
    let connect = lobby.connect(session, ConnectionId(1), info.access_key);
    let connected = lobby.run(connect).unwrap();
    assert_eq!((connected.session, connected.first, connected.channel), (session, true, Some(info.channel)));
    lobby.run(Disconnect { connection: mas });
    lobby.wait(100_000);
    assert_eq!(status(&lobby), PlayerStatus::PLAYER_IN_CHAT_WORLD);
    assert_eq!(lobby.universe.presence(AccountId(5)).lobby_name, Name::from("General"));
    assert_eq!(lobby.universe.total_users(), (1, 0));
}

#[test]
fn an_access_key_opens_one_connection_once() {
    let mut lobby = Lobby::new();
    let (session, _) = lobby.begin();
    let login = lobby.login(session, 5);
    let info = lobby.run(login).unwrap();
    let connect = lobby.connect(session, ConnectionId(1), info.access_key);
    lobby.run(connect).unwrap();
    let again = lobby.connect(session, ConnectionId(2), info.access_key);
    assert_eq!(lobby.run(again), Err(ConnectRefused::UnknownKey));
    let same = lobby.connect(session, ConnectionId(1), info.access_key);
    assert_eq!(lobby.run(same), Err(ConnectRefused::AlreadyConnected));
}

#[test]
fn an_access_key_is_of_no_use_elsewhere_or_to_others_or_later() {
    let mut lobby = Lobby::new();
    let (session, _) = lobby.begin();
    let (other, _) = lobby.begin();
    let login = lobby.login(session, 5);
    let key = lobby.run(login).unwrap().access_key;
    let good = lobby.connect(session, ConnectionId(1), key);
    assert_eq!(lobby.run(ConnectLobby { app_id: PAL, ..good.clone() }), Err(ConnectRefused::WrongPurpose));
    assert_eq!(
        lobby.run(ConnectLobby { session_key: Some(other), ..good.clone() }),
        Err(ConnectRefused::WrongPurpose)
    );
    let mps = lobby.run(IssueAccessKey { session, purpose: Purpose::GameServer }).unwrap();
    assert_eq!(
        lobby.run(ConnectLobby { access_key: Some(mps), ..good.clone() }),
        Err(ConnectRefused::WrongPurpose)
    );
    lobby.wait(8_000);
    assert_eq!(lobby.run(good), Err(ConnectRefused::UnknownKey));
}

#[test]
fn a_cut_access_key_is_forgiven_from_the_same_address_while_a_key_waits() {
    let mut lobby = Lobby::new();
    let (session, _) = lobby.begin();
    let login = lobby.login(session, 5);
    let key = lobby.run(login).unwrap().access_key;
    let cut = ConnectLobby { access_key: None, ..lobby.connect(session, ConnectionId(1), key) };
    let elsewhere = ConnectLobby { client_ip: Ipv4Addr::LOCALHOST.into(), ..cut.clone() };
    assert_eq!(lobby.run(elsewhere), Err(ConnectRefused::UnknownKey));
    assert!(lobby.run(cut.clone()).is_ok());
    assert_eq!(
        lobby.run(ConnectLobby { connection: ConnectionId(2), ..cut }),
        Err(ConnectRefused::UnknownKey)
    );
}

#[test]
fn a_session_without_a_socket_ends_after_its_grace_period_and_keep_alive_prolongs_it() {
    let mut lobby = Lobby::new();
    let session = lobby.player(5);
    let connection = lobby.universe.session(session).unwrap().lobby_connection().unwrap();
    lobby.run(Disconnect { connection });
    lobby.wait(7_999);
    lobby.run(KeepAlive { session }).unwrap();
    lobby.wait(7_999);
    assert!(lobby.universe.session(session).is_some());
    lobby.wait(1);
    assert!(lobby.universe.session(session).is_none());
    assert_eq!(lobby.universe.presence(AccountId(5)), Presence::default());
    let ended = Notice::SessionEnded { session, account: Some(AccountId(5)), reason: EndReason::TimedOut };
    assert!(lobby.outputs.contains(&Output::Notice(ended)));
}

#[test]
fn a_second_login_is_refused_while_the_first_is_alive_and_puts_it_out_when_it_is_silent_or_gone() {
    let mut lobby = Lobby::new();
    let first = lobby.player(5);
    let (second, _) = lobby.begin();
    let login = lobby.login(second, 5);
    lobby.wait(10_000);
    assert_eq!(lobby.universe.may_log_in(AccountId(5)), Err(CallbackStatus::ACCOUNT_LOGGED_IN));
    assert_eq!(lobby.run(login.clone()), Err(CallbackStatus::ACCOUNT_LOGGED_IN));
    lobby.wait(1);
    assert_eq!(lobby.universe.may_log_in(AccountId(5)), Ok(()));
    assert!(lobby.universe.session(first).is_some(), "asking puts nobody out");
    lobby.run(login).unwrap();
    assert!(lobby.universe.session(first).is_none());
    assert!(lobby.outputs.iter().any(|output| matches!(
        output,
        Output::Close { session, reason: EndReason::Replaced, .. } if *session == first
    )));

    let third = lobby.player(6);
    let connection = lobby.universe.session(third).unwrap().lobby_connection().unwrap();
    lobby.run(Disconnect { connection });
    let (fourth, _) = lobby.begin();
    let login = lobby.login(fourth, 6);
    lobby.run(login).unwrap();
    assert!(lobby.universe.session(third).is_none());
}

#[test]
fn logging_in_twice_on_one_session_is_an_incorrect_login_step() {
    let mut lobby = Lobby::new();
    let session = lobby.player(5);
    let login = lobby.login(session, 6);
    assert_eq!(lobby.run(login), Err(CallbackStatus::INCORRECT_LOGIN_STEP));
    let nobody = lobby.login(SessionKey(1), 6);
    assert_eq!(lobby.run(nobody), Err(CallbackStatus::SESSION_KEY_INVALID));
}

#[test]
fn anonymous_players_get_negative_ids_of_their_own() {
    let mut lobby = Lobby::new();
    let mut ids = BTreeSet::new();
    for _ in 0..3 {
        let (session, _) = lobby.begin();
        let info =
            lobby.run(LoginAnonymously { session, name: "guest".into(), stats: vec![0; 999] }).unwrap();
        assert!(info.account.0 < 0 && ids.insert(info.account));
        assert_eq!(lobby.universe.session(session).unwrap().stats.len(), 256);
    }
    assert_eq!(lobby.universe.players_named(&"GUEST".into()).count(), 3);
}

#[test]
fn begin_session_is_refused_for_foreign_app_ids_used_keys_and_a_full_universe() {
    let mut config = config();
    config.limits.sessions = 1;
    let mut lobby = Lobby::with(config);
    let (key, connection) = lobby.begin();
    let begin = |key, connection, app_id| BeginSession {
        key,
        connection,
        app_id,
        version: 110,
        connection_class: ConnectionType::MODEM,
        client_ip: ip(key),
    };
    let foreign = begin(SessionKey(1), ConnectionId(1), AppId(1));
    assert_eq!(lobby.run(foreign), Err(CallbackStatus::INCOMPATIBLE_APP_ID));
    assert_eq!(lobby.run(begin(SessionKey(1), ConnectionId(1), APP)), Err(CallbackStatus::SERVER_BUSY));
    lobby.run(EndSession { session: key }).unwrap();
    assert_eq!(lobby.run(EndSession { session: key }), Err(CallbackStatus::SESSION_KEY_INVALID));
    lobby.run(begin(SessionKey(1), connection, APP)).unwrap();
}

#[test]
fn logout_needs_a_login_and_the_own_key() {
    let mut lobby = Lobby::new();
    let (session, _) = lobby.begin();
    assert_eq!(lobby.run(Logout { session, key: session }), Err(CallbackStatus::FAIL));
    lobby.enter(session, 5);
    assert_eq!(lobby.run(Logout { session, key: SessionKey(1) }), Err(CallbackStatus::FAIL));
    lobby.run(Logout { session, key: session }).unwrap();
    assert_eq!(lobby.universe.total_users(), (0, 0));
}

#[test]
fn a_kick_closes_every_connection_of_the_session() {
    let mut lobby = Lobby::new();
    let session = lobby.player(5);
    assert!(lobby.run(Kick { account: AccountId(5), reason: EndReason::Banned }));
    assert!(!lobby.run(Kick { account: AccountId(5), reason: EndReason::Banned }));
    let closed = lobby
        .outputs
        .iter()
        .filter(|output| matches!(output, Output::Close { reason: EndReason::Banned, .. }));
    assert_eq!(closed.count(), 1);
    assert!(lobby.universe.session(session).is_none());
}

#[test]
fn more_connections_than_allowed_close_the_oldest() {
    let mut lobby = Lobby::new();
    let (session, mas) = lobby.begin();
    for _ in 0..4 {
        let key = lobby.run(IssueAccessKey { session, purpose: Purpose::GameServer }).unwrap();
        let connection = ConnectionId(lobby.number());
        let connect = ConnectGameServer {
            connection,
            app_id: APP,
            access_key: Some(key),
            session_key: Some(session),
            client_ip: ip(session),
        };
        lobby.run(connect).unwrap();
    }
    let reason = EndReason::TooManyConnections;
    assert!(lobby.outputs.contains(&Output::Close { session, connection: mas, reason }));
}

#[test]
fn a_key_of_many_is_bounded_and_a_new_redirection_voids_the_old_one() {
    let mut lobby = Lobby::new();
    let session = lobby.player(5);
    let channel = lobby.channel("Other");
    let join = JoinChannel { session, channel, password: Name::default() };
    let first = lobby.run(join.clone()).unwrap().access_key;
    let second = lobby.run(join).unwrap().access_key;
    let connect = lobby.connect(session, ConnectionId(1), first);
    // The session key alone would do from this address, so the claim must not name it.
    assert_eq!(lobby.run(ConnectLobby { session_key: None, ..connect }), Err(ConnectRefused::UnknownKey));
    let connect = lobby.connect(session, ConnectionId(1), second);
    assert!(lobby.run(connect).is_ok());
}
