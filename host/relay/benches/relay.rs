//! What a relayed message costs: CPU time of the relay's own thread per delivered message, against a bare loop that
//! does the same work without any Medius state. Both in one run, the same senders.
//!
//! `cargo bench -p medley-relay`. Linux: the time is read from `/proc/self/task/*/schedstat`.

#![allow(clippy::unwrap_used, reason = "a bench stops at what it cannot do")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use medley_crypto::KeyStore;
use medley_relay::{Relay, RelayConfig, RelayHandle, RelayTitle};
use medley_session::{ClientConfig, ClientEvent, ClientSession, Cover, ServerKind, State, Time, Transport};
use medley_wire::types::{AppId, Text};
use medley_wire::{RtMessage, rt};
use tokio_util::sync::CancellationToken;

const PLAYERS: usize = 8;
const PAYLOAD: [u8; 64] = [0x5a; 64];
/// Messages of one player in one round.
const BURSTS: [usize; 3] = [1, 8, 32];
const SECONDS: f64 = 1.0;

struct Player {
    udp: UdpSocket,
    to: SocketAddr,
    tcp: Option<TcpStream>,
    datagram: Vec<u8>,
    stream: Vec<u8>,
}

/// CPU time of the thread with this name.
fn cpu(thread: &str) -> Duration {
    let start = Instant::now();
    // A thread that was just started has its name a little later.
    while start.elapsed() < Duration::from_secs(5) {
        if let Some(time) = cpu_now(thread) {
            return time;
        }
        std::thread::yield_now();
    }
    panic!("no thread {thread}")
}

fn cpu_now(thread: &str) -> Option<Duration> {
    for entry in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        if name.trim() == thread {
            let stat = std::fs::read_to_string(entry.path().join("schedstat")).unwrap();
            return Some(Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap()));
        }
    }
    None
}

fn connect(relay: &RelayHandle, keys: &KeyStore, number: usize, access: &[u8], enciphered: bool) -> Player {
    let mut config = ClientConfig::new(110, AppId(11184), ServerKind::Dme);
    config.echo = None;
    config.keys = Some((Text::new(format!("s{number}")), Text::new(access)));
    let address = relay.tcp_addr();
    config.server_address = (Text::new(address.ip().to_string()), address.port());
    if enciphered {
        let pair = keys.default_server_key().unwrap().pair.clone();
        let public = pair.public().clone();
        config = config.with_keys(Arc::new(pair), public);
    }
    let mut session = ClientSession::new(Arc::new(config), [number as u8; 32], Time::ZERO).unwrap();
    let mut tcp = TcpStream::connect(address).unwrap();
    tcp.set_nodelay(true).unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut to = address;
    tcp.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    udp.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let mut buffer = [0; 4096];
    while session.state() != State::Ready {
        tcp.write_all(&session.take_output()).unwrap();
        if let Some(datagrams) = session.datagrams() {
            for datagram in datagrams.iter() {
                udp.send_to(datagram, to).unwrap();
            }
            datagrams.clear();
        }
        let mut sink = |_: &mut ClientSession, event: ClientEvent<'_>| {
            if let ClientEvent::AuxUdp { port, .. } = event {
                to.set_port(port);
            }
        };
        if let Ok(count) = tcp.read(&mut buffer) {
            assert_ne!(count, 0, "refused");
            session.receive(Time::ZERO, &mut buffer[..count], &mut sink).unwrap();
        }
        if let Ok((count, _)) = udp.recv_from(&mut buffer) {
            session.receive_datagram(Time::ZERO, &mut buffer[..count], &mut sink);
        }
    }
    let flags = rt::ClientSetRecvFlag { kind: None, flags: 0x07 };
    session.send_rt(Transport::Tcp, &RtMessage::ClientSetRecvFlag(flags)).unwrap();
    tcp.write_all(&session.take_output()).unwrap();
    session.broadcast(Transport::Udp, Cover::Enciphered, &PAYLOAD).unwrap();
    let datagram = session.datagrams().unwrap().iter().next().unwrap().to_vec();
    session.broadcast(Transport::Tcp, Cover::Enciphered, &PAYLOAD).unwrap();
    let stream = session.take_output();
    udp.set_nonblocking(true).unwrap();
    tcp.set_nonblocking(true).unwrap();
    Player { udp, to, tcp: Some(tcp), datagram, stream }
}

/// Rounds: everybody sends `burst` messages, then everybody reads until all have come or 20 ms have passed without
/// one. Returns deliveries wanted and found.
fn rounds(players: &mut [Player], burst: usize, transport: Transport, frame: usize) -> (u64, u64) {
    let start = Instant::now();
    let mut buffer = vec![0; 256 * 1024];
    let (mut wanted, mut found) = (0u64, 0u64);
    while start.elapsed().as_secs_f64() < SECONDS {
        for player in players.iter_mut() {
            match (&mut player.tcp, transport) {
                (Some(tcp), Transport::Tcp) => {
                    for _ in 0..burst {
                        while tcp.write(&player.stream).is_err() {}
                    }
                }
                _ => {
                    for _ in 0..burst {
                        while player.udp.send_to(&player.datagram, player.to).is_err() {}
                    }
                }
            }
        }
        let round = (PLAYERS * (PLAYERS - 1) * burst) as u64;
        let mut bytes = 0;
        let mut last = Instant::now();
        while bytes < round * frame as u64 && last.elapsed() < Duration::from_millis(20) {
            for player in players.iter_mut() {
                loop {
                    let read = match (&mut player.tcp, transport) {
                        (Some(tcp), Transport::Tcp) => tcp.read(&mut buffer),
                        _ => player.udp.recv(&mut buffer),
                    };
                    match read {
                        Ok(count) => {
                            bytes += count as u64;
                            last = Instant::now();
                        }
                        Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        }
        wanted += round;
        found += bytes / frame as u64;
    }
    (wanted, found)
}

/// The same with nothing but sockets: reads all there is, copies each message for the others, sends each what it has
/// in datagrams of at most `limit` bytes.
fn bare(limit: usize, stop: Arc<AtomicBool>) -> (SocketAddr, std::thread::JoinHandle<()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let socket = socket2::Socket::from(socket);
    socket.set_recv_buffer_size(4 << 20).unwrap();
    socket.set_send_buffer_size(4 << 20).unwrap();
    let socket = UdpSocket::from(socket);
    let address = socket.local_addr().unwrap();
    let body = move || {
        let mut socket = mio::net::UdpSocket::from_std({
            socket.set_nonblocking(true).unwrap();
            socket
        });
        let mut poll = mio::Poll::new().unwrap();
        let mut events = mio::Events::with_capacity(16);
        poll.registry().register(&mut socket, mio::Token(0), mio::Interest::READABLE).unwrap();
        let mut known: Vec<SocketAddr> = Vec::new();
        let mut outputs: Vec<Vec<u8>> = Vec::new();
        let mut buffer = [0; 2048];
        while !stop.load(Ordering::Relaxed) {
            poll.poll(&mut events, Some(Duration::from_millis(50))).unwrap();
            while let Ok((count, from)) = socket.recv_from(&mut buffer) {
                let source = known.iter().position(|at| *at == from).unwrap_or_else(|| {
                    known.push(from);
                    outputs.push(Vec::new());
                    known.len() - 1
                });
                for (_, output) in outputs.iter_mut().enumerate().filter(|(at, _)| *at != source) {
                    output.extend_from_slice(&[3, 66, 0, source as u8, 0]);
                    output.extend_from_slice(&buffer[3..count]);
                }
            }
            for (to, output) in known.iter().zip(&mut outputs) {
                for datagram in output.chunks(limit) {
                    let _ = socket.send_to(datagram, *to);
                }
                output.clear();
            }
        }
    };
    let thread = std::thread::Builder::new().name("bare".to_owned()).spawn(body).unwrap();
    (address, thread)
}

fn per_message(before: Duration, thread: &str, found: u64) -> f64 {
    (cpu(thread) - before).as_nanos() as f64 / found.max(1) as f64
}

fn main() {
    // `cargo test --benches` builds and runs this; measuring then would only take time.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    println!(
        "{PLAYERS} players, {} bytes a message; CPU of the relay's thread per delivered message",
        PAYLOAD.len()
    );
    for burst in BURSTS {
        // Whole frames of 69 bytes in 584: eight of them.
        let mut baselines = Vec::new();
        for limit in [69, 69 * 8] {
            let stop = Arc::new(AtomicBool::new(false));
            let (to, thread) = bare(limit, Arc::clone(&stop));
            let datagram = [&[2, 64, 0][..], &PAYLOAD].concat();
            let player = |_| {
                let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
                udp.set_nonblocking(true).unwrap();
                Player { udp, to, tcp: None, datagram: datagram.clone(), stream: Vec::new() }
            };
            let mut players: Vec<Player> = (0..PLAYERS).map(player).collect();
            let before = cpu("bare");
            let (wanted, found) = rounds(&mut players, burst, Transport::Udp, 69);
            let cost = per_message(before, "bare", found);
            baselines.push(cost);
            println!(
                "burst {burst:2}  bare loop, {limit:4} bytes a datagram  {cost:7.0} ns   {found} of {wanted}"
            );
            stop.store(true, Ordering::Relaxed);
            thread.join().unwrap();
        }
        for (name, enciphered, shared, transport, frame) in [
            ("clear UDP", false, false, Transport::Udp, 69),
            ("clear TCP", false, false, Transport::Tcp, 69),
            ("enciphered UDP", true, false, Transport::Udp, 73),
            ("enciphered TCP", true, false, Transport::Tcp, 73),
            ("one key, UDP", true, true, Transport::Udp, 73),
        ] {
            let stop = CancellationToken::new();
            let keys = Arc::new(KeyStore::embedded().unwrap());
            let config = RelayConfig {
                messages_per_second: 0,
                queue_bytes: 8 << 20,
                shared_world_key: shared,
                ..RelayConfig::ephemeral()
            };
            let rules = Arc::new(RelayTitle::default());
            let (relay, accesses) = runtime.block_on(async {
                let relay = Relay::start(config, rules, Arc::clone(&keys), stop.clone()).unwrap();
                let world = relay.create_world(AppId(11184), 0).await.unwrap();
                let mut accesses = Vec::new();
                for number in 0..PLAYERS {
                    let allotment = relay.allot(world, Text::new(format!("s{number}"))).await.unwrap();
                    accesses.push(*allotment.access_key.as_bytes());
                }
                (relay, accesses)
            });
            let connected = accesses.iter().enumerate();
            let mut players: Vec<Player> = connected
                .map(|(number, access)| connect(&relay, &keys, number, access, enciphered))
                .collect();
            let before = cpu("relay-0");
            let (wanted, found) = rounds(&mut players, burst, transport, frame);
            let cost = per_message(before, "relay-0", found);
            let ratio = cost / baselines[1];
            println!("burst {burst:2}  {name:32}  {cost:7.0} ns   {found} of {wanted}   {ratio:.2} x bare");
            stop.cancel();
            runtime.block_on(relay.stopped());
        }
    }
}
