//! What a call of a plugin costs, next to the same rule written in the host: an empty hook, a chat filter over a line of 64 bytes there and
//! back, a rule for new games, a filter over a batch of relayed packets of 64 bytes.
//!
//! Guests are hand-written modules: what is measured is the crossing, not a language. The line after each is the quickest of twenty rounds, and
//! its ratio to the native rule: what else the machine does disturbs it least.
#![allow(clippy::unwrap_used, reason = "a bench that cannot begin has nothing to say")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medley_runtime::api::*;
use medley_runtime::{Env, Guest, Host, Runtime, RuntimeConfig};

#[path = "../tests/runtime/fixture.rs"]
mod fixture;
#[path = "../tests/runtime/host.rs"]
mod host;

use fixture::{Fixture, SCRATCH, pass};
use host::{Lobby, Relay};

const WHO: Who = Who { connection: 1, session: 7, account: 3, app: 1, medius_version: 110, server: 3 };

fn guest(fixture: &Fixture, role: Role) -> Guest {
    let runtime = Runtime::new(RuntimeConfig::default()).unwrap();
    let plugin = runtime.load(&fixture.build(), "bench.wasm").unwrap_or_else(|error| panic!("{error}"));
    let candidate = plugin.prepare(role, &Arc::new(Env::new("bench", vec![1], 1)), None);
    let candidate = candidate.unwrap_or_else(|error| panic!("{error}"));
    let (mut lobby, mut relay) = (Lobby::default(), Relay::default());
    let host = match role {
        Role::Lobby => Host::Lobby(&mut lobby),
        Role::Relay => Host::Relay(&mut relay),
    };
    Guest::install(candidate, host).unwrap_or_else(|error| panic!("{error}"))
}

#[inline(never)]
fn native_nothing(who: &Who) -> Verdict<()> {
    if who.server == 0 { Verdict::Deny(-1) } else { Verdict::Pass }
}

/// Raises small letters: each byte of the line is read, changed and written to memory that the guest allocates.
fn chat_filter() -> Fixture {
    let body = format!(
        "(local i32 i32 i32)
        (local.set 10 (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (local.get 9)))
        (loop
            (local.set 12 (i32.load8_u (i32.add (local.get 8) (local.get 11))))
            (local.set 12 (i32.sub (local.get 12)
                (i32.shl (i32.lt_u (i32.sub (local.get 12) (i32.const 97)) (i32.const 26)) (i32.const 5))))
            (i32.store8 (i32.add (local.get 10) (local.get 11)) (local.get 12))
            (local.set 11 (i32.add (local.get 11) (i32.const 1)))
            (br_if 0 (i32.lt_u (local.get 11) (local.get 9))))
        (i32.store (i32.const {SCRATCH}) (i32.const 1))
        (i32.store offset=4 (i32.const {SCRATCH}) (local.get 6))
        (i32.store offset=8 (i32.const {SCRATCH}) (local.get 7))
        (i32.store offset=12 (i32.const {SCRATCH}) (local.get 10))
        (i32.store offset=16 (i32.const {SCRATCH}) (local.get 9))
        (i32.const {SCRATCH})"
    );
    Fixture::new().hook("chat", &body)
}

#[inline(never)]
fn native_filter(line: &ChatLine) -> ChatLine {
    ChatLine { kind: line.kind, target: line.target, text: line.text.to_ascii_uppercase() }
}

/// Refuses games of more than 16 players. All arguments are behind one pointer: `who` has 32 bytes, then name, password and
/// spectator password of 8 each, then the two numbers of players.
fn create_rule() -> Fixture {
    let body = format!(
        "(i32.store (i32.const {SCRATCH}) (i32.mul (i32.gt_s (i32.load offset=60 (local.get 0)) (i32.const 16)) (i32.const 3)))
        (i32.store offset=4 (i32.const {SCRATCH}) (i32.const -991))
        (i32.const {SCRATCH})"
    );
    Fixture::new().hook("create-game", &body)
}

#[inline(never)]
fn native_rule(request: &CreateGameRequest) -> Verdict<CreateGameRequest> {
    if request.max_players > 16 { Verdict::Deny(-991) } else { Verdict::Pass }
}

/// Drops packets that begin with 0xff: looks at the first byte of each and answers an empty list.
fn packet_filter() -> Fixture {
    let body = "(local i32 i32)
        (loop
            (local.set 3 (i32.add (local.get 3)
                (i32.eq (i32.load8_u (i32.load offset=16 (i32.add (local.get 0) (i32.mul (local.get 2) (i32.const 24))))) (i32.const 0xff))))
            (local.set 2 (i32.add (local.get 2) (i32.const 1)))
            (br_if 0 (i32.lt_u (local.get 2) (local.get 1))))
        (i32.store (i32.const 0x9000) (i32.const 0x9100))
        (i32.store offset=4 (i32.const 0x9000) (i32.const 0))
        (if (local.get 3) (then unreachable))
        (i32.const 0x9000)";
    Fixture::new().subscribe_packets(3, &[]).function("relay", "packets", body)
}

#[inline(never)]
fn native_packets(batch: &[Packet]) -> usize {
    batch.iter().filter(|packet| packet.payload.first() == Some(&0xff)).count()
}

/// The quickest of several rounds, per call: what the machine's other work does to a round is not the call's cost.
fn per_call(mut run: impl FnMut()) -> Duration {
    const CALLS: u32 = 5000;
    let round = |run: &mut dyn FnMut()| {
        let begun = Instant::now();
        (0..CALLS).for_each(|_| run());
        begun.elapsed() / CALLS
    };
    (0..20).map(|_| round(&mut run)).min().unwrap_or_default()
}

fn ratio(name: &str, guest: impl FnMut(), native: impl FnMut()) {
    let (guest, native) = (per_call(guest), per_call(native));
    let times = guest.as_secs_f64() / native.as_secs_f64().max(1e-9);
    println!("{name}: guest {guest:?}, native {native:?}, ratio {times:.0}");
}

fn hooks(criterion: &mut Criterion) {
    let mut lobby = Lobby::default();
    let line = ChatLine { kind: 0, target: 0, text: vec![b'a'; 64] };

    let mut empty = guest(&Fixture::new().hook("logout", &pass()), Role::Lobby);
    criterion
        .bench_function("empty hook", |bencher| bencher.iter(|| empty.logout(&mut lobby, black_box(&WHO))));
    ratio(
        "empty hook",
        || drop(black_box(empty.logout(&mut lobby, black_box(&WHO)))),
        || drop(black_box(native_nothing(black_box(&WHO)))),
    );
    let mut unsubscribed = Lobby::default();
    ratio(
        "hook that is not subscribed",
        || drop(black_box(empty.chat(&mut unsubscribed, black_box(&WHO), &line))),
        || drop(black_box(native_nothing(black_box(&WHO)))),
    );
    criterion.bench_function("hook that is not subscribed", |bencher| {
        bencher.iter(|| empty.chat(&mut lobby, black_box(&WHO), &line));
    });

    let mut filter = guest(&chat_filter(), Role::Lobby);
    assert_eq!(filter.chat(&mut lobby, &WHO, &line), Verdict::Replace(native_filter(&line)));
    criterion.bench_function("chat line of 64 bytes there and back", |bencher| {
        bencher.iter(|| filter.chat(&mut lobby, black_box(&WHO), &line));
    });
    ratio(
        "chat line",
        || drop(black_box(filter.chat(&mut lobby, black_box(&WHO), &line))),
        || drop(black_box(native_filter(black_box(&line)))),
    );

    let request = CreateGameRequest {
        name: b"a game".to_vec(),
        password: Vec::new(),
        spectator_password: Vec::new(),
        min_players: 2,
        max_players: 17,
        game_level: 0,
        player_skill_level: 0,
        rules_set: 0,
        generic_fields: vec![0; 8],
        host_type: 0,
        attributes: 0,
    };
    let mut rule = guest(&create_rule(), Role::Lobby);
    assert_eq!(rule.create_game(&mut lobby, &WHO, &request), Verdict::Deny(-991));
    criterion.bench_function("rule for a new game", |bencher| {
        bencher.iter(|| rule.create_game(&mut lobby, black_box(&WHO), &request));
    });
    ratio(
        "rule for a new game",
        || drop(black_box(rule.create_game(&mut lobby, black_box(&WHO), &request))),
        || drop(black_box(native_rule(black_box(&request)))),
    );
}

fn packets(criterion: &mut Criterion) {
    let mut relay = Relay::default();
    let mut filter = guest(&packet_filter(), Role::Relay);
    let mut group = criterion.benchmark_group("relayed packets of 64 bytes");
    for count in [1, 8, 64] {
        let packet = Packet { world: 1, source: 0, target: -1, udp: true, payload: vec![1; 64] };
        let batch = vec![packet; count];
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("batch of {count}"), |bencher| {
            bencher.iter(|| filter.packets(&mut relay, black_box(&batch)));
        });
        ratio(
            &format!("batch of {count}"),
            || drop(black_box(filter.packets(&mut relay, black_box(&batch)))),
            || {
                black_box(native_packets(black_box(&batch)));
            },
        );
    }
    group.finish();
    assert_eq!(filter.failures(), 0);
}

criterion_group!(benches, hooks, packets);
criterion_main!(benches);
