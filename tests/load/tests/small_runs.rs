//! Small bounded runs. Counts are asserted, times are not.

#![allow(clippy::unwrap_used, reason = "the lint's exception for tests does not reach their helpers")]

use std::path::Path;
use std::time::Duration;

use medley_load::fleet::{Fleet, LoadError, Style};
use medley_load::meter::Subject;
use medley_load::own::Program;
use medley_load::relay_host::{self, Offer, RelayProcess, RelaySpec};
use medley_load::traffic::{Arena, Ears, Progress, Way};
use medley_load::{bare, idle};
use medley_session::{Cover, ServerKind, Transport};
use tokio_util::sync::CancellationToken;

const DEADLOCKED: u32 = 11184;

/// Runs `work` against a relay of this process.
fn with_relay<T>(spec: &RelaySpec, work: impl FnOnce(&Offer) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let stop = CancellationToken::new();
    let (relay, offer) = runtime.block_on(relay_host::start(spec, stop.clone())).unwrap();
    let result = work(&offer);
    stop.cancel();
    runtime.block_on(relay.stopped());
    result
}

fn every_message_is_heard(way: Way) {
    let style = Style::new(110, DEADLOCKED, true).unwrap();
    with_relay(&RelaySpec::one_world(4, DEADLOCKED), |offer| {
        let udp = way.transport == Transport::Udp;
        let mut arena = Arena::direct(offer, &style, udp, Subject::Threads("relay-")).unwrap();
        assert_eq!(arena.len(), 4);
        let row = arena.paced(way, 50, Duration::from_millis(200), &mut Progress::new(false)).unwrap();
        // 4 players, 10 messages each, 3 who hear.
        assert_eq!((row.expected, row.done), (120, 120), "{row:?}");
        assert!(row.latency.is_some() && row.cpu_us.is_some(), "{row:?}");
        let row = arena.blast(way, 300, &mut Progress::new(false)).unwrap();
        assert_eq!((row.expected, row.done, row.note.as_str()), (3600, 3600, ""), "{row:?}");
    });
}

#[test]
fn players_hear_each_other_over_tcp_in_clear() {
    every_message_is_heard(Way { transport: Transport::Tcp, cover: Cover::Clear });
}

#[test]
fn players_hear_each_other_over_tcp_enciphered() {
    every_message_is_heard(Way { transport: Transport::Tcp, cover: Cover::Enciphered });
}

#[test]
fn players_hear_each_other_over_udp_under_null_hashes() {
    every_message_is_heard(Way { transport: Transport::Udp, cover: Cover::NullHash });
}

#[test]
fn players_hear_each_other_over_udp_enciphered() {
    every_message_is_heard(Way { transport: Transport::Udp, cover: Cover::Enciphered });
}

#[test]
fn those_who_count_without_deciphering_hear_as_much() {
    let style = Style::new(110, DEADLOCKED, true).unwrap();
    for transport in [Transport::Tcp, Transport::Udp] {
        with_relay(&RelaySpec::one_world(4, DEADLOCKED), |offer| {
            let udp = transport == Transport::Udp;
            let mut arena = Arena::direct(offer, &style, udp, Subject::Unknown).unwrap();
            arena.set_ears(Ears::First);
            let way = Way { transport, cover: Cover::Enciphered };
            let row = arena.blast(way, 300, &mut Progress::new(false)).unwrap();
            assert_eq!((row.expected, row.done, row.note.as_str()), (3600, 3600, ""), "{row:?}");
            // And back again, on the same connections.
            arena.set_ears(Ears::All);
            let row = arena.blast(way, 30, &mut Progress::new(false)).unwrap();
            assert_eq!((row.expected, row.done), (360, 360), "{row:?}");
        });
    }
}

#[test]
fn two_worlds_hear_only_their_own() {
    let style = Style::new(110, DEADLOCKED, true).unwrap();
    let spec = RelaySpec { worlds: 2, ..RelaySpec::one_world(3, DEADLOCKED) };
    with_relay(&spec, |offer| {
        let mut arena = Arena::direct(offer, &style, true, Subject::Unknown).unwrap();
        let way = Way { transport: Transport::Udp, cover: Cover::Clear };
        let row = arena.blast(way, 50, &mut Progress::new(false)).unwrap();
        assert_eq!((row.expected, row.done, row.cpu_us), (600, 600, None), "{row:?}");
    });
}

#[test]
fn the_baseline_does_the_same_work() {
    for (limit, transport) in
        [(584, Transport::Udp), (1400, Transport::Udp), (0, Transport::Udp), (584, Transport::Tcp)]
    {
        let mut arena = Arena::bare(2, 4, limit, transport == Transport::Udp).unwrap();
        assert_eq!(arena.subject, Subject::Threads(bare::THREAD));
        let row =
            arena.blast(Way { transport, cover: Cover::Clear }, 100, &mut Progress::new(false)).unwrap();
        assert_eq!((row.expected, row.done), (2400, 2400), "{row:?}");
    }
}

#[test]
fn a_relay_in_its_own_process_offers_its_worlds_and_ends_with_us() {
    let program = Program::new(env!("CARGO_BIN_EXE_medley-load"), &[], None);
    let spec = RelaySpec { worlds: 2, ..RelaySpec::one_world(4, DEADLOCKED) };
    let process = RelayProcess::start(&program, &spec).unwrap();
    let pid = process.offer.pid;
    assert_ne!(pid, std::process::id());
    assert_eq!(process.offer.worlds.len(), 2);
    let style = Style::new(110, DEADLOCKED, true).unwrap();
    let rows = idle::relay(
        &process.offer,
        &style,
        &[0, 3, 8],
        true,
        Duration::from_millis(10),
        &mut Progress::new(false),
    );
    let rows = rows.unwrap();
    assert_eq!(rows.iter().map(|row| row.clients).collect::<Vec<_>>(), [0, 3, 8]);
    assert!(rows.iter().all(|row| row.rss_kib.is_some()), "{rows:?}");
    drop(process);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn load_goes_nowhere_but_to_loopback_and_the_address_given() {
    let style = Style::new(110, DEADLOCKED, true).unwrap();
    let mut fleet = Fleet::new(vec!["192.0.2.7".parse().unwrap()]).unwrap();
    let refused = fleet.dial(style.to(ServerKind::Mas), "192.0.2.8:10075".parse().unwrap());
    assert!(matches!(refused, Err(LoadError::Elsewhere { address }) if address.to_string() == "192.0.2.8"));
    assert!(fleet.is_empty());
}
