//! A month of random commands: the invariants hold after each, everything ends, and the log replays to the same state.

use std::sync::{Arc, Mutex};

use medley_wire::enums::{ChatMessageType, MatchOptions, MgclErrorCode};
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::*;

fn walk(seed: u64, steps: usize, longest_pause: u64) -> (Lobby, Vec<Record>) {
    let mut config = config();
    config.limits.sessions = 40;
    config.limits.channels = 8;
    config.limits.games = 8;
    let mut lobby = Lobby::with(config);
    let log = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&log);
    lobby.universe.record_to(Box::new(move |record| sink.lock().unwrap().push(record.clone())));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut claimed = BTreeSet::new();
    let mut waiting: Vec<(RequestId, GameServerId, bool)> = Vec::new();
    let mut worlds = 0;
    lobby.relay();
    for _ in 0..steps {
        let sessions = lobby.universe.sessions().map(|session| session.key).collect::<Vec<_>>();
        let games = lobby.universe.all_games().map(|game| game.id).collect::<Vec<_>>();
        let channels =
            lobby.universe.snapshot().channels.iter().map(|row| MediusWorldId(row.id)).collect::<Vec<_>>();
        let session = sessions.choose(&mut rng).copied().unwrap_or(SessionKey(1));
        let game = games.choose(&mut rng).copied().unwrap_or(MediusWorldId(1));
        let channel = channels.choose(&mut rng).copied().unwrap_or(MediusWorldId(1));
        let account = rng.gen_range(1..30);
        match rng.gen_range(0..32) {
            0 | 1 => {
                let (key, connection) = (SessionKey(lobby.number()), ConnectionId(lobby.number()));
                let version = *[108, 110, 113].choose(&mut rng).unwrap();
                let _ = lobby.run(BeginSession {
                    key,
                    connection,
                    app_id: *[APP, PAL].choose(&mut rng).unwrap(),
                    version,
                    connection_class: ConnectionType::ETHERNET,
                    client_ip: ip(key),
                });
            }
            2 | 3 => {
                let login = lobby.login(session, account);
                let _ = lobby.run(login);
            }
            4 => {
                let _ = lobby.run(LoginAnonymously { session, name: "guest".into(), stats: Vec::new() });
            }
            5..=7 => {
                let key = lobby
                    .universe
                    .session(session)
                    .and_then(|session| session.keys.choose(&mut rng).copied());
                if let Some(key) = key {
                    let connection = ConnectionId(lobby.number());
                    let connect = lobby.connect(session, connection, key);
                    if lobby.run(connect).is_ok() {
                        assert!(claimed.insert(key), "an access key was good twice");
                    }
                }
            }
            8 => {
                let connections = lobby.universe.session(session).map(|session| session.connections.clone());
                if let Some((connection, _)) = connections.unwrap_or_default().choose(&mut rng) {
                    lobby.run(Disconnect { connection: *connection });
                }
            }
            9 => {
                let _ = lobby.run(JoinChannel { session, channel, password: Name::default() });
            }
            10 => {
                let name = Name::new(format!("channel {account}"));
                let _ = lobby.run(CreateChannel {
                    session,
                    name,
                    password: Name::default(),
                    max_players: account,
                    generic_fields: [0; 4],
                    generic_field_level: 0,
                });
            }
            11 | 12 => {
                let spec = GameSpec { max_players: 3, ..spec(&format!("game {account}")) };
                let superset = rng.gen_bool(0.3).then_some(0);
                let _ = lobby.run(CreateGame { session, spec, superset });
            }
            13 | 14 => {
                let join = lobby.join(session, game);
                let _ = lobby.run(join);
            }
            15 | 16 | 28 | 29 if !waiting.is_empty() => {
                let (request, server, join) =
                    waiting.swap_remove(rng.gen_range(waiting.len().saturating_sub(9)..waiting.len()));
                let yes = rng.gen_bool(0.8);
                if join {
                    let grant =
                        ServerJoinGrant { access_key: "k".into(), server_key: vec![], dme_index: account };
                    let result = if yes { Ok(grant) } else { Err(MgclErrorCode::UNSUCCESSFUL) };
                    lobby.run(GameServerJoined { server, request, result });
                } else {
                    worlds += 1;
                    let result = if yes { Ok(worlds) } else { Err(MgclErrorCode::UNSUCCESSFUL) };
                    lobby.run(GameServerCreated { server, request, result });
                }
            }
            17 | 18 => {
                let game = lobby.universe.session(session).and_then(|session| session.game).unwrap_or(game);
                lobby.notify(session, game, rng.gen_bool(0.7));
            }
            19 => {
                let game = lobby.universe.session(session).and_then(|session| session.game).unwrap_or(game);
                let _ = lobby.report(session, game, WorldStatus(rng.gen_range(0..6)));
            }
            20 => {
                let _ = lobby.run(SendChat {
                    session,
                    kind: ChatKind::Plain,
                    message_type: ChatMessageType(rng.gen_range(0..6)),
                    target: AccountId(account),
                    text: "hi".into(),
                });
            }
            21 if rng.gen_bool(0.1) => {
                lobby.run(LoseGameServer { server: DME });
                lobby.relay();
            }
            22 if rng.gen_bool(0.2) => {
                lobby.run(Kick { account: AccountId(account), reason: EndReason::Kicked });
            }
            23 => {
                let _ = lobby.run(CreateParty { session, spec: spec("party") });
            }
            24 | 25 => {
                let parties = lobby.universe.parties().map(|party| party.id).collect::<Vec<_>>();
                let JoinGame { password, host_type, addresses, .. } = lobby.join(session, game);
                let party = parties.choose(&mut rng).copied().unwrap_or(game);
                let index = rng.gen_bool(0.5).then(|| rng.gen_range(-1..9));
                let join = JoinParty { session, party, password, host_type, addresses, index };
                let _ = lobby.run(join);
            }
            26 => {
                let party = lobby.universe.session(session).and_then(|session| session.party);
                let world = party.and_then(|id| lobby.universe.party(id)).and_then(|party| party.dme_world);
                if let Some(dme_world) = world {
                    let connected = rng.gen_bool(0.7);
                    lobby.run(PlayerConnection { server: DME, dme_world, session, connected });
                }
            }
            27 => {
                let wish = MatchWish {
                    superset: rng.gen_range(0..2),
                    min_players: rng.gen_range(0..4),
                    max_players: rng.gen_range(0..5),
                    host_types: 0,
                    options: MatchOptions(rng.gen_range(0..2)),
                    group: vec![AccountId(account); rng.gen_range(0..2)],
                };
                let _ = lobby.run(FindMatch {
                    session,
                    wish,
                    join_type: JoinType::PLAYER,
                    request_data: [0; 16],
                    application_data: Vec::new(),
                });
            }
            _ => {
                let pause = rng.gen_range(0..longest_pause);
                lobby.wait(pause);
            }
        }
        let asked = lobby.outputs.drain(..).filter_map(|output| match output {
            Output::GameServer { server, command: ServerCommand::Create { request, .. } } => {
                Some((request, server, false))
            }
            Output::GameServer { server, command: ServerCommand::Join { request, .. } } => {
                Some((request, server, true))
            }
            _ => None,
        });
        waiting.extend(asked);
    }
    let log = std::mem::take(&mut *log.lock().unwrap());
    (lobby, log)
}

#[test]
fn a_month_of_random_commands_breaks_nothing() {
    let (mut lobby, _) = walk(1, 20_000, 2_000_000);
    assert!(lobby.now.millis > 30 * 86_400_000, "{}", lobby.now.millis);
    for connection in lobby.universe.by_connection.keys().copied().collect::<Vec<_>>() {
        lobby.run(Disconnect { connection });
    }
    lobby.run(LoseGameServer { server: DME });
    lobby.wait(200_000);
    assert_eq!(lobby.universe.sessions().count(), 0);
    assert_eq!((lobby.universe.all_games().count(), lobby.universe.parties().count()), (0, 0));
    assert!(lobby.universe.tickets.is_empty());
    assert_eq!(lobby.universe.snapshot().channels.len(), 2);
    assert_eq!(lobby.universe.next_deadline(), None, "nothing is left to wait for");
    assert!(lobby.universe.keys.is_empty() && lobby.universe.pending.is_empty());
}

#[test]
fn busy_evenings_break_nothing_either() {
    for seed in 2..8 {
        let (lobby, _) = walk(seed, 6_000, 3_000);
        let counters = lobby.universe.counters();
        assert!(counters.logins > 50 && counters.games_created > 5 && counters.joins > 5, "{counters:?}");
    }
}

#[test]
fn a_recorded_log_replays_to_the_same_state() {
    let (lobby, log) = walk(9, 6_000, 3_000);
    let mut config = config();
    config.limits.sessions = 40;
    config.limits.channels = 8;
    config.limits.games = 8;
    let mut again = Universe::new(config.clone(), [7; 32]);
    let mut other = Universe::new(config, [8; 32]);
    for record in log {
        let bytes = postcard::to_allocvec(&record).unwrap();
        let read: Record = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(read, record);
        again.replay(read.clone());
        other.replay(read);
        again.drain().for_each(drop);
        other.drain().for_each(drop);
    }
    let state = lobby.universe.encoded().unwrap();
    assert!(state.len() > 1000);
    assert_eq!(again.encoded().unwrap(), state);
    assert_ne!(other.encoded().unwrap(), state, "another seed makes other keys");
}

#[test]
fn the_operators_view_has_no_secrets() {
    let mut lobby = Lobby::new();
    lobby.relay();
    let host = lobby.player(5);
    lobby.staged(host, GameSpec { password: "hunter2".into(), ..spec("Match") });
    let text = serde_json::to_string(&lobby.universe.snapshot()).unwrap();
    assert!(text.contains("\"Match\"") && text.contains("WorldStaging") && text.contains("Player5"));
    assert!(!text.contains("hunter2"));
    assert_eq!(lobby.universe.games_by_status()[&WorldStatus::STAGING], 1);
}
