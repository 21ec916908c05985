//! Bad input: each is counted, and everybody else is unaffected.

use std::time::Duration;

use medley_server::Event;
use medley_session::ServerKind;
use medley_titles::HostConfig;
use medley_wire::AnyMessage;
use medley_wire::enums::CallbackStatus;
use medley_wire::messages::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::kit::*;

/// Somebody else, who must notice nothing.
async fn unaffected(other: &mut Console) {
    other.ask(GetMyIPRequest::default(), of!(GetMyIPResponse)).await;
}

async fn bystander(host: &Host) -> Console {
    let mut console = Console::connect(host, DEADLOCKED, ServerKind::Mas).await;
    console.begin().await;
    console
}

#[tokio::test]
async fn a_flood_of_half_open_connections_is_bounded_and_a_session_goes_on() {
    let mut config = HostConfig::ephemeral();
    config.limits.max_half_open = 8;
    config.limits.new_connections_per_ip = 0;
    let host = Host::with(config, titles(&[])).await;
    let mut other = bystander(&host).await;
    let mut flood = Vec::new();
    for _ in 0..40 {
        flood.push(TcpStream::connect(host.address(ServerKind::Mas)).await.unwrap());
    }
    host.counted(Event::RefusedHalfOpenFull, 32).await;
    assert_eq!(host.handle.shared().door.half_open(), 8);
    unaffected(&mut other).await;
    drop(flood);
    host.counted(Event::ClosedByPeer, 8).await;
    bystander(&host).await;
}

/// Set in the process that floods: how many descriptors it may have open.
const DESCRIPTORS: &str = "MEDLEY_TEST_DESCRIPTORS";
const FLOOD: &str = "bad_input::ten_thousand_half_open_connections_are_bounded_and_a_session_goes_on";

/// In a process of its own, with all descriptors that the system allows: the other tests need theirs.
#[test]
fn ten_thousand_half_open_connections_are_bounded_and_a_session_goes_on() {
    if let Ok(descriptors) = std::env::var(DESCRIPTORS) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // "unlimited" is no number.
        runtime.block_on(flood(descriptors.parse().unwrap_or(usize::MAX)));
        return;
    }
    let script = format!(
        "ulimit -n $(ulimit -Hn); {DESCRIPTORS}=$(ulimit -n) exec \"$0\" --exact {FLOOD} --nocapture"
    );
    let run = std::process::Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .output()
        .unwrap();
    eprintln!("{}", String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
}

async fn flood(descriptors: usize) {
    const HALF_OPEN: usize = 1000;
    const WANTED: usize = 10_000;
    // Both ends are here: those let in, some about to be refused, the store's files.
    let count = WANTED.min(descriptors.saturating_sub(HALF_OPEN + 500));
    if count < WANTED {
        eprintln!("{descriptors} descriptors are allowed: {count} connections instead of {WANTED}");
    }
    assert!(count > HALF_OPEN, "{descriptors} descriptors are too few to tell anything");
    let mut config = HostConfig::ephemeral();
    config.limits.max_half_open = HALF_OPEN as u32;
    config.limits.max_connections_per_ip = 20_000;
    config.limits.new_connections_per_ip = 0;
    config.timeouts.auth = Duration::from_secs(600);
    let host = Host::with(config, titles(&[])).await;
    let mut other = bystander(&host).await;
    let mut flood = Vec::new();
    for number in 1..=count {
        flood.push(TcpStream::connect(host.address(ServerKind::Mas)).await.unwrap());
        if number % 1000 == 0 {
            unaffected(&mut other).await;
        }
    }
    host.counted(Event::RefusedHalfOpenFull, (count - HALF_OPEN) as u64).await;
    assert_eq!(host.handle.shared().door.half_open(), HALF_OPEN as u32);
    assert_eq!(host.handle.count(Event::RefusedHalfOpenFull), (count - HALF_OPEN) as u64);
    unaffected(&mut other).await;
    eprintln!("{count} connections: {HALF_OPEN} half-open, {} refused", count - HALF_OPEN);
    drop(flood);
    host.counted(Event::ClosedByPeer, HALF_OPEN as u64).await;
    bystander(&host).await;
}

#[tokio::test]
async fn a_connection_that_never_identifies_itself_is_closed_in_time() {
    let mut config = HostConfig::ephemeral();
    config.timeouts.auth = Duration::from_millis(100);
    let host = Host::with(config, titles(&[])).await;
    let mut silent = TcpStream::connect(host.address(ServerKind::Mas)).await.unwrap();
    let mut connected = Console::connect(&host, UYA, ServerKind::Mas).await;
    assert_eq!(silent.read(&mut [0; 8]).await.unwrap_or(0), 0);
    assert_eq!(connected.until_closed().await, [Seen::Forced(1)]);
    host.counted(Event::ClosedHalfOpen, 2).await;
}

#[tokio::test]
async fn one_address_gets_so_many_connections_at_a_time() {
    let mut config = HostConfig::ephemeral();
    config.limits.max_connections_per_ip = 3;
    let host = Host::with(config, titles(&[])).await;
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(TcpStream::connect(host.address(ServerKind::Muis)).await.unwrap());
    }
    host.counted(Event::RefusedAddressFull, 2).await;
    drop(open);
    host.counted(Event::ClosedByPeer, 3).await;
    Console::connect(&host, UYA, ServerKind::Muis).await;
}

#[tokio::test]
async fn one_address_gets_so_many_new_connections_a_second() {
    let mut config = HostConfig::ephemeral();
    config.limits.new_connections_per_ip = 1;
    config.limits.new_connections_burst = 3;
    let host = Host::with(config, titles(&[])).await;
    let mut open = Vec::new();
    while host.handle.count(Event::RefusedAddressTooFast) < 5 {
        open.push(TcpStream::connect(host.address(ServerKind::Muis)).await.unwrap());
    }
    assert!(host.handle.count(Event::AcceptedMuis) >= 3);
}

#[tokio::test]
async fn an_oversized_frame_closes_its_connection() {
    let host = Host::start().await;
    let mut other = bystander(&host).await;
    let mut stream = TcpStream::connect(host.address(ServerKind::Mas)).await.unwrap();
    stream.write_all(&[0x24, 0xff, 0xff, 0, 0, 0]).await.unwrap();
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap_or(0), 0);
    host.counted(Event::ErrorSession, 1).await;
    host.counted(Event::ClosedProtocol, 1).await;
    unaffected(&mut other).await;
}

#[tokio::test]
async fn a_wrong_tag_closes_its_connection() {
    let host = Host::start().await;
    let mut other = bystander(&host).await;
    let mut console = Console::connect(&host, UYA, ServerKind::Mas).await;
    console.send_bytes(&[0x8b, 4, 0, 1, 2, 3, 0x64, 9, 9, 9, 9]).await;
    console.until_closed().await;
    host.counted(Event::ClosedProtocol, 1).await;
    unaffected(&mut other).await;
}

#[tokio::test]
async fn handshake_messages_in_the_wrong_order_close_their_connection() {
    let host = Host::start().await;
    let mut other = bystander(&host).await;
    let mut stream = TcpStream::connect(host.address(ServerKind::Mas)).await.unwrap();
    stream.write_all(&[0x21, 2, 0, 0x0e, 1]).await.unwrap();
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap_or(0), 0);
    host.counted(Event::ClosedProtocol, 1).await;
    unaffected(&mut other).await;
}

#[tokio::test]
async fn a_flood_of_requests_closes_its_connection() {
    let mut config = HostConfig::ephemeral();
    config.limits.messages_per_second = 1;
    config.limits.messages_burst = 10;
    let host = Host::with(config, titles(&[])).await;
    let mut other = bystander(&host).await;
    let mut console = Console::connect(&host, DEADLOCKED, ServerKind::Mas).await;
    console.begin().await;
    console.send_all((0..20).map(|_| GetMyIPRequest::default().into()).collect()).await;
    let seen = console.until_closed().await;
    assert_eq!(seen.len(), 10, "9 answers and the farewell");
    assert_eq!(seen.last(), Some(&Seen::Forced(1)));
    host.counted(Event::ClosedFlood, 1).await;
    unaffected(&mut other).await;
}

#[tokio::test]
async fn who_asks_and_never_reads_is_closed_and_memory_stays_bounded() {
    let mut config = HostConfig::ephemeral();
    config.limits.messages_per_second = 0;
    config.timeouts.client = Duration::from_secs(2);
    let host = Host::with(config, titles(&[])).await;
    let title = medley_store::TitleId::new("deadlocked").unwrap();
    let text = vec![b'x'; 60_000];
    let kind = medley_store::PolicyKind::Usage;
    host.store.write(move |store| store.set_policy(&title, kind, Some(&text))).await.unwrap();
    let mut console = Console::connect(&host, DEADLOCKED, ServerKind::Mas).await;
    console.begin().await;
    // 68 KB each: far more than the sockets' buffers hold.
    console.send_all((0..400).map(|_| GetPolicyRequest::default().into()).collect()).await;
    host.counted(Event::ClosedSlowReader, 1).await;
}

#[tokio::test]
async fn a_message_that_only_servers_send_is_counted_and_not_answered() {
    let host = Host::start().await;
    let mut mas = Console::connect(&host, DEADLOCKED, ServerKind::Mas).await;
    mas.begin().await;
    // The second one has a declared answer, itself.
    mas.send(AccountLoginResponse { message_id: "77".into(), ..Default::default() }).await;
    mas.send(GetWorldSecurityLevelResponse { message_id: "78".into(), ..Default::default() }).await;
    mas.send(GetServerTimeRequest { message_id: "79".into() }).await;
    assert_eq!(mas.next_app().await.message_id(), Some("79".into()));
    assert_eq!(host.handle.count(Event::Unhandled), 2);
}

#[tokio::test]
async fn a_request_on_the_wrong_server_gets_its_failure() {
    let host = Host::start().await;
    host.account("uya", "Badger41", "secret").await;
    let mut mls = Console::in_lobby(&host, UYA, "Badger41", "secret").await;
    let answer = mls.login("Badger41", "secret").await;
    assert_eq!(answer.status_code, CallbackStatus::FAIL);
    assert_eq!(host.handle.count(Event::ErrorWrongServer), 1);
}

#[tokio::test]
async fn a_request_that_does_not_decode_gets_its_failure_if_its_id_can_be_had() {
    let host = Host::start().await;
    let mut mas = Console::connect(&host, DEADLOCKED, ServerKind::Mas).await;
    mas.begin().await;
    let request = AccountLoginRequest { message_id: "42".into(), ..Default::default() };
    let whole = AnyMessage::from(request).encode(&mas.dialect());
    mas.send_payload(&whole[..40]).await;
    let AnyMessage::AccountLoginResponse(answer) = mas.next_app().await else { panic!("another") };
    assert_eq!((answer.status_code, answer.message_id), (CallbackStatus::FAIL, "42".into()));
    // Without an id there is nothing to answer with; an unknown message is ignored. Neither ends the connection.
    mas.send_payload(&whole[..10]).await;
    mas.send_payload(&[5, 99, 1, 2, 3]).await;
    mas.send_payload(&[1]).await;
    unaffected(&mut mas).await;
    assert_eq!(host.handle.count(Event::ErrorUndecodable), 3);
    assert_eq!(host.handle.count(Event::ErrorUnknownMessage), 1);
}

#[tokio::test]
async fn answers_keep_the_order_of_their_requests() {
    let host = Host::start().await;
    let mut mas = bystander(&host).await;
    let login: AnyMessage = AccountLoginRequest {
        message_id: "1".into(),
        username: "Newcomer".into(),
        password: "x".into(),
        ..Default::default()
    }
    .into();
    let ip = GetMyIPRequest { message_id: "2".into(), ..Default::default() }.into();
    let time = GetServerTimeRequest { message_id: "3".into() }.into();
    mas.send_all(vec![login, ip, time]).await;
    for id in ["1", "2", "3"] {
        assert_eq!(mas.next_app().await.message_id().unwrap(), id);
    }
}

#[tokio::test]
async fn the_nat_service_answers_probes_alone_and_so_many_a_second() {
    let mut config = HostConfig::ephemeral();
    config.limits.nat_per_second = 3;
    let host = Host::with(config, titles(&[])).await;
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(host.handle.bound().nat).await.unwrap();
    let port = socket.local_addr().unwrap().port().to_be_bytes();
    for datagram in [&[1, 2, 3][..], &[0, 0, 0, 0xd4], &[0; 9], &[0xa0, 0xe6, 0xe4, 0x01]] {
        socket.send(datagram).await.unwrap();
    }
    let mut answer = [0; 16];
    let length = socket.recv(&mut answer).await.unwrap();
    assert_eq!(&answer[..length], [127, 0, 0, 1, port[0], port[1]]);
    for _ in 0..10 {
        socket.send(&[0xa0, 0xe6, 0xe4, 0x01]).await.unwrap();
    }
    host.counted(Event::NatLimited, 7).await;
    host.counted(Event::NatIgnored, 2).await;
    host.counted(Event::NatKeepAlive, 1).await;
}
