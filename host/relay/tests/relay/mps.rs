//! The link to MPS, byte for byte as servers.md 9.3 has it, against an MPS made of a `ServerSession`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use medley_crypto::KeyStore;
use medley_relay::{MPS_SESSION_KEY, MpsLink, Relay, RelayConfig, RelayRules, RelayTitle, mps_access_key};
use medley_session::{Accept, ConnectRequest, Event, ServerConfig, ServerKind, ServerSession, Time, Usual};
use medley_wire::AppId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use medley_relay::world::DmeWorldId;

use crate::console::{Console, DEADLOCKED, Defect, Host, PATIENCE, UYA};

struct Mps {
    stream: TcpStream,
    session: ServerSession,
    request: Option<ConnectRequest>,
    inbox: Vec<Vec<u8>>,
    started: Instant,
}

impl Mps {
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, peer) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        let config = Arc::new(ServerConfig::with_medius_global(ServerKind::Mps).unwrap());
        let SocketAddr::V4(peer) = peer else { panic!("{peer}") };
        let session = ServerSession::new(config, Arc::new(Usual), *peer.ip(), [3; 32], Time::ZERO);
        Self { stream, session, request: None, inbox: Vec::new(), started: Instant::now() }
    }

    async fn pump(&mut self) {
        let output = self.session.take_output();
        self.stream.write_all(&output).await.unwrap();
        let mut buffer = [0; 4096];
        let count = timeout(PATIENCE, self.stream.read(&mut buffer)).await.unwrap().unwrap();
        assert_ne!(count, 0, "the relay hung up");
        let now = Time(self.started.elapsed());
        let (request, inbox) = (&mut self.request, &mut self.inbox);
        let received = self.session.receive(now, &mut buffer[..count], |session, event| match event {
            Event::Connect(connect) => {
                *request = Some(connect);
                session.accept(Accept { player_count: 1, ..Accept::default() }, now).unwrap();
            }
            Event::App { payload, .. } => inbox.push(payload.to_vec()),
            _ => {}
        });
        received.unwrap();
        let output = self.session.take_output();
        self.stream.write_all(&output).await.unwrap();
    }

    /// Reads until the relay hangs up.
    async fn gone(&mut self) {
        let mut buffer = [0; 4096];
        while timeout(PATIENCE, self.stream.read(&mut buffer)).await.unwrap().is_ok_and(|count| count > 0) {}
    }

    /// The next message of class 3 with this id.
    async fn next(&mut self, id: u8) -> Vec<u8> {
        loop {
            if let Some(at) = self.inbox.iter().position(|payload| payload.starts_with(&[3, id])) {
                return self.inbox.remove(at);
            }
            self.pump().await;
        }
    }

    async fn say(&mut self, payload: &[u8]) {
        self.session.send_app_payload(payload).unwrap();
        let output = self.session.take_output();
        self.stream.write_all(&output).await.unwrap();
    }

    /// 3: create a world for `max_clients`.
    async fn create(&mut self, message_id: &[u8], max_clients: i32) -> Vec<u8> {
        let numbers =
            [i32::try_from(DEADLOCKED.0).unwrap(), max_clients, 0, 28036].map(i32::to_le_bytes).concat();
        self.say(&[&[3, 0x18][..], &padded(message_id, 24), &numbers].concat()).await;
        self.next(0x19).await
    }

    /// 5: a place for a session.
    async fn join(&mut self, world: u32, session_key: &[u8]) -> Vec<u8> {
        let mut info = 3u32.to_le_bytes().to_vec();
        info.extend([0; 48]);
        info.extend(world.to_le_bytes());
        info.extend([0; 64]);
        info.extend(padded(session_key, 17));
        info.extend([0; 17 + 2]);
        let payload = [&[3, 9][..], &padded(b"7-2-x", 24), &info].concat();
        assert_eq!(payload.len(), 182);
        self.say(&payload).await;
        self.next(0x0a).await
    }
}

fn padded(text: &[u8], width: usize) -> Vec<u8> {
    let mut bytes = text.to_vec();
    bytes.resize(width, 0);
    bytes
}

async fn relay(secret: Option<&str>, change: impl FnOnce(&mut RelayConfig)) -> (Host, TcpListener) {
    relay_with(Arc::new(RelayTitle::default()), secret, change).await
}

async fn relay_with(
    rules: Arc<dyn RelayRules>,
    secret: Option<&str>,
    change: impl FnOnce(&mut RelayConfig),
) -> (Host, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let link = MpsLink::new(listener.local_addr().unwrap(), secret.map(str::to_owned));
    let link = MpsLink { reconnect: Duration::from_millis(50), ..link };
    let mut config = RelayConfig { mps: Some(link), ..RelayConfig::ephemeral() };
    change(&mut config);
    let keys = Arc::new(KeyStore::embedded().unwrap());
    let stop = CancellationToken::new();
    let relay = Relay::start(config, rules, Arc::clone(&keys), stop.clone()).unwrap();
    (Host { relay, keys, stop }, listener)
}

#[tokio::test]
async fn the_exchange_with_mps_is_byte_for_byte_as_the_emulators_speak_it() {
    let (host, listener) = relay(Some("open sesame"), |config| {
        config.public_address = Some(Ipv4Addr::LOCALHOST);
    })
    .await;
    let mut mps = Mps::accept(&listener).await;

    // 1: attributes, and its proof in the connect message.
    let attributes = mps.next(0x16).await;
    let port = u32::from(host.relay.tcp_addr().port());
    let wanted =
        [&[3, 0x16][..], &padded(b"1", 24), &[0; 4], &[0; 4], &padded(b"127.0.0.1", 16), &port.to_le_bytes()]
            .concat();
    assert_eq!((attributes.len(), attributes), (54, wanted));
    let request = mps.request.clone().unwrap();
    assert_eq!((request.app_id, request.session_key), (AppId(0), MPS_SESSION_KEY.into()));
    assert_eq!(request.access_key, mps_access_key("open sesame"));
    assert_eq!(request.access_key.as_bytes().len(), 16);
    mps.say(&[&[3, 0x17][..], &padded(b"1", 21), &[0]].concat()).await;

    // 10: the load.
    let report = mps.next(0).await;
    let load = |worlds: u8, players: u8| {
        let numbers = [0, 1, 0, 1, worlds, 0, players, 0, 0, 0, 0, 0, 0, 0];
        [&[3, 0][..], &padded(b"MEDLEY-RELAY", 18), &numbers].concat()
    };
    assert_eq!((report.len(), report), (34, load(0, 0)));

    // 3, 4: a world.
    let created = mps.create(b"1-7-1", 10).await;
    let wanted = [&[3, 0x19][..], &padded(b"1-7-1", 21), &[0, 0, 0], &[1, 0, 0, 0]].concat();
    assert_eq!((created.len(), created), (30, wanted));
    assert_eq!(mps.next(0).await, load(1, 0));

    // 5, 6: a place.
    let joined = mps.join(1, b"13088").await;
    assert_eq!(joined.len(), 110);
    assert_eq!(joined[..24], [&[3, 0x0a][..], &padded(b"7-2-x", 21), &[0]].concat());
    let access_key = &joined[24..40];
    assert!(access_key.iter().all(u8::is_ascii_graphic), "{access_key:?}");
    assert_eq!(joined[40..42], [0, 0]);
    assert_eq!(joined[42..106], host.relay.server_key(DEADLOCKED));
    assert_eq!(joined[106..], [0; 4]);

    // 7: the player comes and goes.
    let mut console = Console::dial(&host, &host.style(110, true), 1, "13088", access_key).await;
    console.ready().await;
    let notice = |event: u8| [&[3, 0x1c, event, 0, 0, 0, 1, 0, 0, 0][..], &padded(b"13088", 20)].concat();
    let came = mps.next(0x1c).await;
    assert_eq!((came.len(), came), (30, notice(1)));
    assert_eq!(mps.next(0).await, load(1, 1));

    // Kick: world and index.
    mps.say(&[&[3, 0x1e][..], &padded(b"k", 24), &[1, 0, 0, 0, 0, 0, 0, 0]].concat()).await;
    assert_eq!(mps.next(0x1c).await, notice(0));

    // 8, 9: the end.
    mps.say(&[&[3, 0x0b][..], &padded(b"e", 24), &[1, 0, 0, 0, 0, 0, 0, 0]].concat()).await;
    let ended = [&[3, 0x0c][..], &padded(b"e", 21), &[0]].concat();
    assert_eq!(mps.next(0x0c).await, ended);
    host.counted("worlds", 0).await;

    // The older request.
    let older = [&[3, 7][..], &padded(b"o", 24), &DEADLOCKED.0.to_le_bytes(), &[4, 0, 0, 0]].concat();
    mps.say(&older).await;
    let made = mps.next(8).await;
    assert_eq!(made, [&[3, 8][..], &padded(b"o", 21), &[0, 0, 0, 2, 0, 0, 0]].concat());
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_the_codes_of_the_sdk() {
    let (_host, listener) = relay(None, |config| config.max_worlds = 1).await;
    let mut mps = Mps::accept(&listener).await;
    mps.next(0x16).await;
    assert!(mps.request.clone().unwrap().access_key.is_empty());
    let code = |payload: &[u8]| payload[23] as i8;
    assert_eq!(code(&mps.create(b"1", 1).await), 0);
    assert_eq!(code(&mps.create(b"2", 1).await), -12, "full");
    assert_eq!(code(&mps.join(1, b"a").await), 0);
    assert_eq!(code(&mps.join(1, b"b").await), -12, "full");
    assert_eq!(code(&mps.join(99, b"b").await), -13, "no such world");
    mps.say(&[&[3, 0x0b][..], &padded(b"e", 24), &[99, 0, 0, 0, 0, 0, 0, 0]].concat()).await;
    assert_eq!(code(&mps.next(0x0c).await), -13);
}

#[tokio::test]
async fn a_lost_mps_is_found_again_and_the_worlds_live_on() {
    let (host, listener) = relay(None, |_| {}).await;
    let mut mps = Mps::accept(&listener).await;
    mps.next(0x16).await;
    mps.create(b"1", 8).await;
    drop(mps);
    let mut mps = Mps::accept(&listener).await;
    mps.next(0x16).await;
    assert_eq!(mps.next(0).await[24..26], [1, 0], "a world still");
    assert_eq!(mps.join(1, b"a").await[23], 0);
    drop(host);
    // Reports may still come first.
    while timeout(PATIENCE, mps.stream.read(&mut [0; 64])).await.unwrap().is_ok_and(|count| count > 0) {}
}

/// Waits until the relay says so of its link.
async fn joined(host: &Host, joined: bool) {
    let waiting = async {
        while host.relay.joined() != joined {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap();
}

#[tokio::test]
async fn the_relay_has_joined_when_mps_took_its_attributes_and_not_without_a_link() {
    let (host, listener) = relay(None, |_| {}).await;
    let mut mps = Mps::accept(&listener).await;
    mps.next(0x16).await;
    assert!(!host.relay.joined(), "no answer yet");
    mps.say(&[&[3, 0x17][..], &padded(b"1", 21), &[0]].concat()).await;
    joined(&host, true).await;
    drop(mps);
    joined(&host, false).await;
    let mut mps = Mps::accept(&listener).await;
    mps.next(0x16).await;
    mps.say(&[&[3, 0x17][..], &padded(b"1", 21), &[0]].concat()).await;
    joined(&host, true).await;
    mps.say(&[&[3, 0x17][..], &padded(b"1", 21), &[0xff]].concat()).await;
    joined(&host, false).await;
}

#[tokio::test]
async fn a_changed_public_address_is_told_to_mps_and_to_new_players() {
    let (host, listener) = relay(None, |_| {}).await;
    let mut mps = Mps::accept(&listener).await;
    let address = |attributes: &[u8]| attributes[34..50].to_vec();
    assert_eq!(address(&mps.next(0x16).await), padded(b"0.0.0.0", 16));
    let (first, second) = (Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2));
    for ip in [first, second] {
        host.relay.set_public_address(Some(ip));
        assert_eq!(address(&mps.next(0x16).await), padded(ip.to_string().as_bytes(), 16));
    }
    let world = host.world().await;
    let key = host.allot(world, "a").await.access_key;
    let mut player = Console::dial(&host, &host.style(110, true), world.0, "a", key.as_bytes()).await;
    // Nobody answers datagrams there: the handshake goes no further.
    while player.server_udp.is_none() {
        player.pump().await;
    }
    assert_eq!(player.server_udp.map(|address| address.ip()), Some(second.into()));
    host.relay.set_public_address(None);
    assert_eq!(address(&mps.next(0x16).await), padded(b"0.0.0.0", 16));
}

#[test]
fn secrets_make_different_keys_that_fit_the_field() {
    let (a, b) = (mps_access_key("a"), mps_access_key("b"));
    assert_ne!(a, b);
    assert_eq!((a.as_bytes().len(), mps_access_key("").as_bytes().len()), (16, 16));
}

#[tokio::test]
async fn a_dead_shard_ends_its_worlds_at_mps_and_a_relay_without_shards_leaves() {
    let (host, listener) = relay_with(Arc::new(Defect), None, |config| config.shards = 2).await;
    let mut mps = Mps::accept(&listener).await;
    mps.next(0x16).await;
    // Two worlds, one on each shard; the third is made by the first shard, which dies of it.
    let world = |answer: Vec<u8>| u32::from_le_bytes(answer[answer.len() - 4..].try_into().unwrap());
    let first = world(mps.create(b"1", 8).await);
    let second = world(mps.create(b"2", 8).await);
    let dying = host.relay.create_world(UYA, 2).await;
    assert!(dying.is_err());
    let ended = mps.next(0x11).await;
    assert_eq!(u32::from_le_bytes(ended[ended.len() - 4..].try_into().unwrap()), first);
    assert_eq!(host.relay.app_of(DmeWorldId(first)), None);
    assert_eq!(host.relay.app_of(DmeWorldId(second)), Some(DEADLOCKED));
    // And the second.
    assert!(host.relay.create_world(UYA, 2).await.is_err());
    mps.gone().await;
    assert!(!host.relay.joined());
    let again = timeout(Duration::from_millis(500), listener.accept()).await;
    assert!(again.is_err(), "it does not come back");
}
