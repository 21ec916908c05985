//! What serving plugins do, and above all what they cannot do.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::time::Duration;

use medley_runtime::api::*;
use medley_runtime::{Candidate, Env, Grants, Guest, Health, Hook, Host, Limits, Settings};

use crate::fixture::{Default, Fixture, SCRATCH, ok, pass, variant};
use crate::host::{Lobby, Relay};
use crate::load::load;

const WHO: Who = Who { connection: 1, session: 7, account: 3, app: 1, medius_version: 110, server: 3 };

fn line(text: &str) -> ChatLine {
    ChatLine { kind: 0, target: 0, text: text.as_bytes().to_vec() }
}

/// Time enough for a machine that is busy with other tests; those about time say what they have.
fn limits() -> Limits {
    Limits { hook_cpu: Duration::from_secs(2), hook_wall: Duration::from_secs(60), ..Limits::default() }
}

fn env() -> Env {
    Env { limits: limits(), ..Env::new("title", vec![1], 1) }
}

fn candidate_in(fixture: &Fixture, env: Env) -> Candidate {
    load(fixture).prepare(Role::Lobby, &Arc::new(env), None).unwrap_or_else(|error| panic!("{error}"))
}

fn guest_in(fixture: &Fixture, env: Env) -> (Guest, Lobby) {
    let mut lobby = Lobby::at(1000);
    let guest = Guest::install(candidate_in(fixture, env), Host::Lobby(&mut lobby)).unwrap();
    (guest, lobby)
}

fn guest(fixture: &Fixture) -> (Guest, Lobby) {
    guest_in(fixture, env())
}

fn say(guest: &mut Guest, lobby: &mut Lobby) -> Verdict<ChatLine> {
    guest.chat(lobby, &WHO, &line("hello"))
}

/// A chat hook that counts its calls in a global and denies with minus that number, so that a test sees the instance's state.
fn counting() -> Fixture {
    let body = format!(
        "(global.set $count (i32.add (global.get $count) (i32.const 1)))
        (i32.store (i32.const {SCRATCH}) (i32.const 3))
        (i32.store offset=4 (i32.const {SCRATCH}) (i32.sub (i32.const 0) (global.get $count)))
        (i32.const {SCRATCH})"
    );
    Fixture::new().extra("(global $count (mut i32) (i32.const 0))").hook("chat", &body)
}

/// `save` and `restore` of that number, in four bytes.
fn counting_with_state() -> Fixture {
    counting()
        .function(
            "lifecycle",
            "save",
            "(i32.store (i32.const 0x9000) (global.get $count))
            (i32.store (i32.const 0x9010) (i32.const 0x9000))
            (i32.store (i32.const 0x9014) (i32.const 4))
            (i32.const 0x9010)",
        )
        .function("lifecycle", "restore", &format!("(global.set $count (i32.load (local.get 0))) {}", ok()))
        .function("lifecycle", "start", &ok())
        .function("lifecycle", "stop", "")
        .function("lifecycle", "self-check", &ok())
}

// What hooks say.

#[test]
fn a_chat_line_is_replaced_by_what_the_plugin_says() {
    // replace({kind: 0, target: 0, text: the text without its first letter})
    let body = format!(
        "(i32.store (i32.const {SCRATCH}) (i32.const 1))
        (i32.store offset=4 (i32.const {SCRATCH}) (local.get 6))
        (i32.store offset=8 (i32.const {SCRATCH}) (local.get 7))
        (i32.store offset=12 (i32.const {SCRATCH}) (i32.add (local.get 8) (i32.const 1)))
        (i32.store offset=16 (i32.const {SCRATCH}) (i32.sub (local.get 9) (i32.const 1)))
        (i32.const {SCRATCH})"
    );
    let (mut guest, mut lobby) = guest(&Fixture::new().hook("chat", &body));
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Replace(line("ello")));
    assert_eq!(guest.health(), Health::Serving);
    assert!(guest.memory() >= 4 << 16);
}

#[test]
fn a_hook_that_is_not_subscribed_is_not_called() {
    let (mut guest, mut lobby) =
        guest(&Fixture::new().hook("chat", "unreachable").function("lobby", "login", "unreachable"));
    let request = LoginRequest { kind: 1, name: b"a".to_vec(), password: b"b".to_vec() };
    assert_eq!(guest.login(&mut lobby, &WHO, &request), Verdict::Pass);
    assert_eq!(guest.failures(), 0);
}

#[test]
fn events_messages_commands_and_lists_reach_their_functions() {
    let fixture = Fixture::new()
        .function(
            "lobby",
            "hidden",
            &format!(
                "(i32.store (i32.const {SCRATCH}) (local.get 7))
            (i32.store offset=4 (i32.const {SCRATCH}) (i32.const 1))
            (i32.const {SCRATCH})"
            ),
        )
        .subscribe("hidden", None)
        .function("messages", "rt-incoming", &variant(2, 0))
        .subscribe_rt(5, 1)
        .function(
            "commands",
            "run",
            &format!(
                "(i32.store (i32.const {SCRATCH}) (i32.const 0))
            (i32.store offset=4 (i32.const {SCRATCH}) (local.get 0))
            (i32.store offset=8 (i32.const {SCRATCH}) (local.get 1))
            (i32.const {SCRATCH})"
            ),
        )
        .command("echo")
        .function("events", "happened", "unreachable")
        .subscribe("game-created", None);
    let (mut guest, mut lobby) = guest(&fixture);
    assert_eq!(guest.hidden(&mut lobby, &WHO, 1, &[4, 5, 6]), [4]);
    assert_eq!(guest.rt_incoming(&mut lobby, &WHO, 5, &[1]), RtVerdict::Drop);
    assert!(
        guest.subscriptions().rt(5, Direction::FromClient)
            && !guest.subscriptions().rt(6, Direction::FromClient)
    );
    assert_eq!(guest.command(&mut lobby, "echo", &[]), CommandOutcome::Done("echo".to_owned()));
    assert_eq!(guest.command(&mut lobby, "sing", &[]), CommandOutcome::Unknown);
    guest.happened(Host::Lobby(&mut lobby), &Event::GameRemoved(3));
    assert_eq!(guest.failures(), 0);
    guest.happened(Host::Lobby(&mut lobby), &Event::GameCreated(3));
    assert_eq!(guest.failures(), 1);
}

#[test]
fn relayed_packets_are_judged_in_one_call() {
    // [(2, drop), (0, replace(empty))]
    let body = format!(
        "(i32.store (i32.const {SCRATCH}) (i32.const 2)) (i32.store offset=4 (i32.const {SCRATCH}) (i32.const 0))
        (i32.store offset=16 (i32.const {SCRATCH}) (i32.const 0)) (i32.store offset=20 (i32.const {SCRATCH}) (i32.const 1))
        (i32.store (i32.const 0x9000) (i32.const {SCRATCH})) (i32.store offset=4 (i32.const 0x9000) (i32.const 2))
        (i32.const 0x9000)"
    );
    let fixture = Fixture::new().subscribe_packets(2, &[0xaa]).function("relay", "packets", &body);
    let plugin = load(&fixture);
    assert!(plugin.hooks().wants_relay());
    assert!(plugin.hooks().packet(true, &[0xaa, 1]) && !plugin.hooks().packet(false, &[0xaa, 1]));
    let candidate = plugin.prepare(Role::Relay, &Arc::new(env()), None).unwrap();
    let mut relay = Relay::default();
    let mut guest = Guest::install(candidate, Host::Relay(&mut relay)).unwrap();
    let packet = Packet { world: 1, source: 0, target: -1, udp: true, payload: vec![0xaa; 64] };
    let verdicts = guest.packets(&mut relay, &vec![packet.clone(); 3]);
    assert_eq!(verdicts, [(0, PacketVerdict::Replace(Vec::new())), (2, PacketVerdict::Drop)]);
    // The same answer for two packets names one that is not there.
    assert_eq!(guest.packets(&mut relay, &vec![packet; 2]), []);
    assert_eq!(guest.failures(), 1);
}

// What no plugin can do.

/// Calls the chat hook of a hostile plugin: its declared default comes back, it failed once, and the next call meets a new instance.
fn hostile(fixture: Fixture, limits: Limits) -> (Guest, Lobby) {
    let env = Env { limits, ..env() };
    let (mut guest, mut lobby) = guest_in(&fixture.subscribe("chat", Some(-77)), env);
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-77));
    assert_eq!(guest.failures(), 1);
    assert_eq!(guest.health(), Health::Restarting { at: lobby.now });
    (guest, lobby)
}

#[test]
fn an_endless_loop_ends_at_its_deadline_and_the_default_is_the_answer() {
    let begun = std::time::Instant::now();
    hostile(
        Fixture::new().hook("chat", "(loop (br 0)) unreachable"),
        Limits { hook_cpu: Duration::from_millis(20), ..limits() },
    );
    // 20 ms of processor time; a busy machine may take longer, but it ends.
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_memory_bomb_gets_no_more_than_its_limit() {
    // Grows as long as it gets something, then traps.
    let body = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    hostile(Fixture::new().hook("chat", body), limits());
    // The same without a trap: the size that it got is the answer.
    let body = format!(
        "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
        (i32.store (i32.const {SCRATCH}) (i32.const 3))
        (i32.store offset=4 (i32.const {SCRATCH}) (i32.sub (i32.const 0) (memory.size)))
        (i32.const {SCRATCH})"
    );
    let limits = Limits { memory: 1 << 20, ..limits() };
    let (mut guest, mut lobby) = guest_in(&Fixture::new().hook("chat", &body), Env { limits, ..env() });
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-16));
    assert_eq!(guest.memory(), 1 << 20);
}

#[test]
fn a_stack_overflow_is_a_trap() {
    let body = "(call $deep) unreachable";
    hostile(Fixture::new().extra("(func $deep (call $deep) (call $deep))").hook("chat", body), limits());
}

#[test]
fn a_trap_is_an_outcome() {
    hostile(Fixture::new().hook("chat", "unreachable"), limits());
    hostile(Fixture::new().hook("chat", "(i32.load (i32.const -4))"), limits());
}

#[test]
fn a_slow_host_call_is_the_guests_time() {
    let body = format!("(call $players.all (i32.const {SCRATCH})) {}", pass());
    let fixture = Fixture::new().import("players", "all").hook("chat", &body).subscribe("chat", Some(-77));
    let limits = Limits { hook_wall: Duration::from_secs(2), ..limits() };
    let (mut guest, mut lobby) = guest_in(&fixture, Env { limits, ..env() });
    lobby.slow = Duration::from_millis(2010);
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-77));
    assert_eq!((guest.failures(), lobby.calls), (1, 1));
    lobby.slow = Duration::ZERO;
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Pass);
}

#[test]
fn a_giant_answer_is_not_copied() {
    let answer = |pointer: u32, length: u32| {
        format!(
            "(i32.store (i32.const {SCRATCH}) (i32.const 1))
            (i32.store offset=12 (i32.const {SCRATCH}) (i32.const {pointer}))
            (i32.store offset=16 (i32.const {SCRATCH}) (i32.const {length}))
            (i32.const {SCRATCH})"
        )
    };
    // Within its memory and beyond what may cross; beyond its memory.
    hostile(Fixture::new().pages(128).hook("chat", &answer(0, 5 << 20)), limits());
    hostile(Fixture::new().hook("chat", &answer(0, u32::MAX)), limits());
    // A reply of a thousand messages that are all the same megabyte.
    let body = format!(
        "(local i32)
        (loop
            (i32.store offset=0x10004 (i32.mul (local.get 10) (i32.const 12)) (i32.const 0x20000))
            (i32.store offset=0x10008 (i32.mul (local.get 10) (i32.const 12)) (i32.const 0x100000))
            (local.set 10 (i32.add (local.get 10) (i32.const 1)))
            (br_if 0 (i32.lt_u (local.get 10) (i32.const 1000))))
        (i32.store (i32.const {SCRATCH}) (i32.const 2))
        (i32.store offset=4 (i32.const {SCRATCH}) (i32.const 0x10000))
        (i32.store offset=8 (i32.const {SCRATCH}) (i32.const 1000))
        (i32.const {SCRATCH})"
    );
    hostile(Fixture::new().pages(64).hook("chat", &body), limits());
    let body = body.replace("0x100000", "0");
    hostile(Fixture::new().pages(64).hook("chat", &body), limits());
}

#[test]
fn forged_verdicts_are_bad_answers() {
    for (kind, payload) in [(3, 0), (3, 5), (4, 9), (5, 0), (255, 0)] {
        hostile(Fixture::new().hook("chat", &variant(kind, payload)), limits());
    }
    // A verdict outside of memory, and one that is not aligned.
    hostile(Fixture::new().hook("chat", "(i32.const -8)"), limits());
    hostile(Fixture::new().hook("chat", "(i32.const 32769)"), limits());
}

#[test]
fn a_list_with_more_than_was_asked_is_a_bad_answer() {
    let body = format!(
        "(i32.store (i32.const {SCRATCH}) (i32.const 0)) (i32.store offset=4 (i32.const {SCRATCH}) (i32.const 100))
        (i32.const {SCRATCH})"
    );
    let fixture = Fixture::new()
        .hook("hidden", &body)
        .function("stats", "told-ladder", &body)
        .subscribe("told-ladder", None);
    let (mut guest, mut lobby) = guest(&fixture);
    assert_eq!(guest.hidden(&mut lobby, &WHO, 1, &[1]), [0; 0]);
    let stats = LadderStats { account: 1, clan: 0, wide: false, delta: false, stats: vec![0; 15] };
    assert_eq!(guest.told_ladder(&mut lobby, &WHO, &stats), None);
    assert_eq!(guest.failures(), 2);
}

#[test]
fn a_guest_cannot_be_entered_while_it_is_entered() {
    // Its allocator calls the host, which would have to write the answer through the allocator.
    let fixture = Fixture::new()
        .import("players", "all")
        .realloc(&format!("(call $players.all (i32.const {SCRATCH})) (i32.const 0)"))
        .hook("chat", &pass());
    let (_, lobby) = hostile(fixture, limits());
    assert_eq!(lobby.calls, 0);
    // A message to itself is not delivered to itself.
    let body = format!(
        "(call $link.send (i32.const 0) (i32.const 0) (i32.const 4) (i32.const {SCRATCH})) {}",
        pass()
    );
    let fixture = Fixture::new()
        .import("link", "send")
        .hook("chat", &body)
        .function("events", "happened", "unreachable")
        .subscribe("link", None);
    let (mut guest, mut lobby) = guest(&fixture);
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Pass);
    assert_eq!((guest.failures(), lobby.linked), (0, vec![(0, vec![0; 4])]));
}

#[test]
fn a_log_flood_is_cut_and_counted_and_each_line_names_its_origin() {
    let body = format!(
        "(local i32)
        (loop
            (call $log.write (i32.const 3) (i32.const {SCRATCH}) (i32.const 2) (i32.const 0) (i32.const 0))
            (local.set 10 (i32.add (local.get 10) (i32.const 1)))
            (br_if 0 (i32.lt_u (local.get 10) (i32.const 1000))))
        {}",
        pass()
    );
    let fixture = Fixture::new()
        .name("chatty")
        .import("log", "write")
        .extra(&format!("(data (i32.const {SCRATCH}) \"hi\")"))
        .hook("chat", &body);
    let lines = Lines::default();
    let logged = tracing::subscriber::with_default(lines.clone().subscriber(), || {
        let (mut guest, mut lobby) = guest_in(&fixture, Env { generation: 42, ..env() });
        assert_eq!(say(&mut guest, &mut lobby), Verdict::Pass);
        lines.take("medley_plugin")
    });
    assert_eq!(logged.len(), Limits::default().log_lines as usize);
    for field in ["title=title", "plugin=chatty", "generation=42", "hook=\"chat\""] {
        assert!(logged[0].contains(field), "{field} is not in {}", logged[0]);
    }
}

#[test]
fn a_store_flood_is_refused_beyond_its_rate() {
    // Writes 1000 times 4 KiB; denies with minus the number of refusals.
    let body = format!(
        "(local i32 i32)
        (loop
            (call $store.set (i32.const 0) (i32.const {SCRATCH}) (i32.const 4) (i32.const 0) (i32.const 4096) (i32.const 0x9000))
            (local.set 11 (i32.add (local.get 11) (i32.load8_u (i32.const 0x9000))))
            (local.set 10 (i32.add (local.get 10) (i32.const 1)))
            (br_if 0 (i32.lt_u (local.get 10) (i32.const 1000))))
        (i32.store (i32.const {SCRATCH}) (i32.const 3))
        (i32.store offset=4 (i32.const {SCRATCH}) (i32.sub (i32.const 0) (local.get 11)))
        (i32.const {SCRATCH})"
    );
    let (mut guest, mut lobby) = guest(&Fixture::new().import("store", "set").hook("chat", &body));
    // A burst of 512 KiB is 127 times 4100 bytes.
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-873));
    // Five seconds later, as much again, and no more.
    lobby.now += Duration::from_secs(5);
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-873));
}

#[test]
fn sends_of_one_hook_are_bounded() {
    let body = format!(
        "(local i32)
        (loop
            (call $send.system-message (i32.const 3) (i64.const 0) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0x9000))
            (local.set 10 (i32.add (local.get 10) (i32.const 1)))
            (br_if 0 (i32.lt_u (local.get 10) (i32.const 100))))
        {}",
        pass()
    );
    let limits = Limits { sends: 10, ..limits() };
    let (mut guest, mut lobby) = guest_in(
        &Fixture::new().import("send", "system-message").hook("chat", &body),
        Env { limits, ..env() },
    );
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Pass);
    assert_eq!(lobby.system.len(), 10);
    say(&mut guest, &mut lobby);
    assert_eq!(lobby.system.len(), 20);
}

#[test]
fn a_capability_must_be_declared_and_granted() {
    // Kicks, and denies with minus one more than the case of the error; 0 is that it was done.
    let body = format!(
        "(call $admin.kick (i64.const 7) (i32.const 0) (i32.const 0) (i32.const 0x9000))
        (i32.store (i32.const {SCRATCH}) (i32.const 3))
        (i32.store offset=4 (i32.const {SCRATCH}) (i32.sub (i32.const -10) (i32.load8_u (i32.const 0x9000))))
        (i32.const {SCRATCH})"
    );
    let fixture = || Fixture::new().import("admin", "kick").hook("chat", &body);
    let kick = || Grants::parse(["kick"]).unwrap();
    for (fixture, grants, kicked) in [
        (fixture().capability("kick"), kick(), true),
        (fixture().capability("kick"), Grants::default(), false),
        (fixture(), kick(), false),
    ] {
        let (mut guest, mut lobby) = guest_in(&fixture, Env { grants, ..env() });
        assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(if kicked { -10 } else { -11 }));
        assert_eq!(lobby.kicked, if kicked { vec![7] } else { Vec::new() });
    }
}

#[test]
fn settings_and_assets_are_what_the_title_has_now() {
    // Denies with minus the value of the setting `max`.
    let body = format!(
        "(call $settings.get (i32.const {SCRATCH}) (i32.const 3) (i32.const 0x9000))
        (i32.store (i32.const 0xa000) (i32.const 3))
        (i32.store offset=4 (i32.const 0xa000) (i32.sub (i32.const 0) (i32.load offset=16 (i32.const 0x9000))))
        (i32.const 0xa000)"
    );
    let fixture = Fixture::new()
        .setting("max", Default::Int(4))
        .import("settings", "get")
        .extra(&format!("(data (i32.const {SCRATCH}) \"max\")"))
        .hook("chat", &body);
    let check = |text: &str| {
        let plugin = load(&fixture);
        Arc::new(Settings::check(&plugin.manifest().settings, &text.parse().unwrap()).unwrap())
    };
    let env = env();
    env.settings.store(check(""));
    let (mut guest, mut lobby) = guest_in(&fixture, env);
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-4));
    guest.env().settings.store(check("max = 9"));
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-9));
}

// Restart, quarantine.

#[test]
fn after_a_trap_a_new_instance_serves_with_the_state_that_was_kept() {
    // Counts, keeps the number, and traps at every third call.
    let body = format!(
        "(global.set $count (i32.add (global.get $count) (i32.const 1)))
        (i32.store (i32.const 0x9000) (global.get $count))
        (call $state.keep (i32.const 0x9000) (i32.const 4))
        (if (i32.eqz (i32.rem_u (global.get $count) (i32.const 3))) (then unreachable))
        (i32.store (i32.const {SCRATCH}) (i32.const 3))
        (i32.store offset=4 (i32.const {SCRATCH}) (i32.sub (i32.const 0) (global.get $count)))
        (i32.const {SCRATCH})"
    );
    let fixture = counting_with_state().import("state", "keep").function("lobby", "chat", &body);
    let (mut guest, mut lobby) = guest(&fixture);
    let said: Vec<_> = (0..5).map(|_| say(&mut guest, &mut lobby)).collect();
    assert_eq!(
        said,
        [Verdict::Deny(-1), Verdict::Deny(-2), Verdict::Pass, Verdict::Deny(-4), Verdict::Deny(-5)]
    );
    assert_eq!((guest.failures(), guest.health()), (1, Health::Serving));
}

#[test]
fn state_is_saved_now_and_then_and_outlives_a_trap() {
    let fixture =
        counting_with_state().function("events", "happened", "unreachable").subscribe("connected", None);
    let (mut guest, mut lobby) = guest(&fixture);
    assert_eq!(guest.next_timer(), None);
    say(&mut guest, &mut lobby);
    say(&mut guest, &mut lobby);
    let due = guest.next_timer().unwrap();
    assert_eq!(due, Duration::from_secs(61));
    lobby.now = due;
    guest.run_timers(Host::Lobby(&mut lobby));
    assert_eq!((guest.next_timer(), guest.state()), (None, Some(&[2, 0, 0, 0][..])));
    say(&mut guest, &mut lobby);
    guest.happened(Host::Lobby(&mut lobby), &Event::Connected(WHO));
    // The third call came after the save.
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-3));
}

#[test]
fn failures_are_waited_out_longer_each_time_and_then_quarantined() {
    let (mut guest, mut lobby) =
        guest(&Fixture::new().hook("chat", "unreachable").subscribe("chat", Some(-1)));
    let mut waits = Vec::new();
    while let Health::Serving | Health::Restarting { .. } = guest.health() {
        if let Health::Restarting { at } = guest.health() {
            assert_eq!(guest.next_timer(), Some(at));
            waits.push((at - lobby.now).as_millis());
            if at > lobby.now {
                // Not yet: the default, and no failure.
                let failures = guest.failures();
                assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-1));
                assert_eq!(guest.failures(), failures);
            }
            lobby.now = at;
        }
        assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-1));
    }
    assert_eq!(waits, [0, 1000, 2000, 4000]);
    let Health::Quarantined { why, since } = guest.health() else { panic!("{:?}", guest.health()) };
    assert!(why.starts_with("chat: wasm trap: "), "{why}");
    assert_eq!(since, lobby.now);
    // Native rules: not even the default of the hook.
    assert!(!guest.subscriptions().wants(Hook::Chat));
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Pass);
    assert_eq!(guest.next_timer(), None);

    guest.resume(Host::Lobby(&mut lobby));
    assert_eq!(guest.health(), Health::Serving);
    assert!(guest.subscriptions().wants(Hook::Chat));
}

#[test]
fn failures_far_apart_are_not_added_up() {
    let (mut guest, mut lobby) = guest(&Fixture::new().hook("chat", "unreachable"));
    for _ in 0..20 {
        assert_eq!(say(&mut guest, &mut lobby), Verdict::Pass);
        assert_eq!(guest.health(), Health::Restarting { at: lobby.now });
        lobby.now += Duration::from_secs(61);
    }
}

#[test]
fn an_instance_that_cannot_begin_again_ends_in_quarantine() {
    let fixture = Fixture::new()
        .import("players", "all")
        .hook("chat", "unreachable")
        // Begins the first time only: the host knows no players then.
        .function(
            "lifecycle",
            "start",
            &format!(
                "(call $players.all (i32.const 0x9000))
            (if (i32.load offset=4 (i32.const 0x9000)) (then unreachable)) {}",
                ok()
            ),
        );
    let plugin = load(&fixture);
    let candidate = plugin.prepare(Role::Lobby, &Arc::new(env()), None).unwrap();
    let mut relay = Relay::default();
    // A relay instance has no players to ask for.
    let mut guest = Guest::install(candidate, Host::Relay(&mut relay)).unwrap();
    let mut lobby = Lobby::at(0);
    for _ in 0..10 {
        say(&mut guest, &mut lobby);
        lobby.now += Duration::from_secs(5);
    }
    assert!(matches!(guest.health(), Health::Quarantined { .. }), "{:?}", guest.health());
}

#[test]
fn what_the_caller_cannot_use_counts_as_a_failure() {
    let (mut guest, mut lobby) = guest(&counting());
    say(&mut guest, &mut lobby);
    guest.bad_answer(Host::Lobby(&mut lobby), Hook::Chat, "the text has 300 bytes, a line has 64");
    assert_eq!(guest.failures(), 1);
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-1));
}

#[test]
fn a_failure_is_logged_with_the_guests_backtrace_and_its_generation() {
    let fixture = Fixture::new()
        .extra("(func $decide_badly unreachable)")
        .hook("chat", "(call $decide_badly) unreachable");
    let lines = Lines::default();
    let logged = tracing::subscriber::with_default(lines.clone().subscriber(), || {
        let (mut guest, mut lobby) = guest_in(&fixture, Env { generation: 42, ..env() });
        say(&mut guest, &mut lobby);
        lines.take("plugin failed")
    });
    let [line] = logged.try_into().unwrap();
    for part in ["generation=42", "kind=\"trap\"", "hook=\"chat\"", "decide_badly", "unreachable"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
}

// Swap.

fn generation(fixture: &Fixture, generation: u64) -> Candidate {
    candidate_in(fixture, Env { generation, ..env() })
}

#[test]
fn a_swap_hands_over_the_state_of_that_moment() {
    let (mut guest, mut lobby) = guest(&counting_with_state());
    say(&mut guest, &mut lobby);
    let candidate = generation(&counting_with_state().name("second"), 2);
    // What happens between the preparation and the swap is not lost.
    say(&mut guest, &mut lobby);
    say(&mut guest, &mut lobby);
    guest.swap(candidate, Host::Lobby(&mut lobby)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(guest.env().generation, 2);
    assert_eq!(guest.plugin().manifest().description.name, "second");
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-4));
}

#[test]
fn a_swap_that_fails_leaves_the_old_one_serving_as_it_was() {
    let broken = [
        counting_with_state().function("lifecycle", "restore", "unreachable"),
        counting_with_state().function("lifecycle", "restore", "(loop (br 0)) unreachable"),
        counting_with_state().function("lifecycle", "start", "unreachable"),
        counting_with_state().function("lifecycle", "start", &variant(1, 0)),
    ];
    let (mut guest, mut lobby) = guest(&counting_with_state());
    for (count, fixture) in (1..).zip(broken) {
        assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-count));
        let refused = guest.swap(generation(&fixture, 9), Host::Lobby(&mut lobby)).err().unwrap();
        assert!(refused.to_string().starts_with("plugin.wasm: its "), "{refused}");
        assert_eq!(guest.env().generation, 1);
    }
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-5));
    assert_eq!((guest.failures(), guest.health()), (0, Health::Serving));
}

#[test]
fn an_old_one_that_cannot_save_is_replaced_with_what_it_kept_last() {
    let fixture = counting_with_state().function("lifecycle", "save", "unreachable");
    let (mut guest, mut lobby) = guest(&fixture);
    say(&mut guest, &mut lobby);
    guest
        .swap(generation(&counting_with_state(), 2), Host::Lobby(&mut lobby))
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-1));
    assert_eq!(guest.failures(), 0);
}

#[test]
fn a_swap_ends_a_quarantine() {
    let limits = Limits { failures: 1, ..limits() };
    let (mut guest, mut lobby) =
        guest_in(&Fixture::new().hook("chat", "unreachable"), Env { limits, ..env() });
    say(&mut guest, &mut lobby);
    assert!(matches!(guest.health(), Health::Quarantined { .. }));
    guest.swap(generation(&counting(), 2), Host::Lobby(&mut lobby)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-1));
}

// Timers, transfers.

/// Sets timer 5 for 100 ms at `start`; `fired` tells by a system message.
fn ticking() -> Fixture {
    Fixture::new()
        .import("timers", "set")
        .import("send", "system-message")
        .function("lifecycle", "start", &format!(
            "(call $timers.set (i64.const 5) (i64.const 100) (i32.const 0) (i32.const 0x9000)) {}",
            ok()
        ))
        .function("timers-fired", "fired", "(call $send.system-message (i32.const 3) (i64.const 0) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0x9000))")
        .hook("chat", "unreachable")
}

#[test]
fn timers_fire_when_they_are_due() {
    let (mut guest, mut lobby) = guest(&ticking());
    assert_eq!(guest.next_timer(), Some(Duration::from_millis(1100)));
    lobby.now = Duration::from_millis(1099);
    guest.run_timers(Host::Lobby(&mut lobby));
    assert_eq!(lobby.system.len(), 0);
    lobby.now = Duration::from_millis(1100);
    guest.run_timers(Host::Lobby(&mut lobby));
    assert_eq!(lobby.system.len(), 1);
}

#[test]
fn timers_of_an_instance_that_is_gone_never_fire() {
    let (mut guest, mut lobby) = guest(&ticking());
    lobby.now = Duration::from_millis(1050);
    guest.swap(generation(&ticking(), 2), Host::Lobby(&mut lobby)).unwrap_or_else(|error| panic!("{error}"));
    // That of the new one, and no other.
    lobby.now = Duration::from_millis(1100);
    guest.run_timers(Host::Lobby(&mut lobby));
    assert_eq!(lobby.system.len(), 0);
    say(&mut guest, &mut lobby);
    lobby.now = Duration::from_millis(1150);
    guest.run_timers(Host::Lobby(&mut lobby));
    // The trap made it anew at 1150.
    assert_eq!((lobby.system.len(), guest.next_timer()), (0, Some(Duration::from_millis(1250))));
}

#[test]
fn a_bulk_transfer_goes_on_as_it_is_acknowledged() {
    // Chat starts a transfer of three chunks to session 7, two at a time; a command acknowledges two.
    let chunk = |at: u32, id: u32| {
        format!(
            "(i32.store16 (i32.const {at}) (i32.const {}))
            (i32.store offset=4 (i32.const {at}) (i32.const 0)) (i32.store offset=8 (i32.const {at}) (i32.const 1))",
            id << 8
        )
    };
    let start = format!(
        "{}{}{}
        (call $send.start-bulk (i64.const 7) (i32.const {SCRATCH}) (i32.const 3) (i32.const 2) (i32.const 5000) (i32.const 1) (i32.const 0x9000))
        {}",
        chunk(SCRATCH, 1),
        chunk(SCRATCH + 12, 2),
        chunk(SCRATCH + 24, 3),
        pass()
    );
    let fixture = Fixture::new()
        .import("send", "start-bulk")
        .import("send", "acknowledge")
        .import("send", "system-message")
        .hook("chat", &start)
        .command("acknowledge")
        .function("commands", "run", &format!("(call $send.acknowledge (i64.load offset=8 (i32.const 0x9000)) (i32.const 2)) {}", ok()))
        .function("answers", "bulk-done", "(call $send.system-message (i32.const 3) (i64.const 0) (local.get 1) (i32.const 0) (i32.const 0) (i32.const 0x9000))");
    let (mut guest, mut lobby) = guest(&fixture);
    say(&mut guest, &mut lobby);
    let ids = |lobby: &Lobby| lobby.sent.iter().map(|(_, message)| message.id).collect::<Vec<_>>();
    assert_eq!(ids(&lobby), [1, 2]);
    assert_eq!(guest.next_timer(), Some(Duration::from_secs(6)));
    guest.command(&mut lobby, "acknowledge", &[]);
    assert_eq!(ids(&lobby), [1, 2, 3]);
    guest.session_ended(7);
    assert_eq!(guest.next_timer(), Some(Duration::ZERO));
    guest.run_timers(Host::Lobby(&mut lobby));
    assert_eq!((lobby.system.len(), guest.failures()), (1, 0));
}

// HTTP.

/// Answers connections with `hi`, and says how many there were.
fn web() -> (u16, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, asked) = (listener.local_addr().unwrap().port(), Arc::new(AtomicU32::new(0)));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi").unwrap();
        }
    });
    (port, asked)
}

/// Chat asks the web; denies with -10 if the request is on its way, -11 if not. The answer is told by a system message.
fn asking(port: u16) -> Fixture {
    let url = format!("http://127.0.0.1:{port}/");
    let body = format!(
        "(call $http.start (i32.const 0x8700) (i32.const 3) (i32.const 0x8800) (i32.const {}) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0x9000))
        (i32.store (i32.const {SCRATCH}) (i32.const 3))
        (i32.store offset=4 (i32.const {SCRATCH}) (i32.sub (i32.const -10) (i32.load8_u (i32.const 0x9000))))
        (i32.const {SCRATCH})",
        url.len()
    );
    Fixture::new()
        .import("http", "start")
        .import("send", "system-message")
        .extra(&format!("(data (i32.const 0x8700) \"GET\") (data (i32.const 0x8800) \"{url}\")"))
        .capability(&format!("http:127.0.0.1:{port}"))
        .hook("chat", &body)
        .function("answers", "http-done", "(call $send.system-message (i32.const 3) (i64.const 0) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0x9000))")
}

#[test]
fn an_http_answer_reaches_the_instance_that_asked_and_no_other() {
    let (port, asked) = web();
    let (sender, done) = mpsc::channel();
    let env = Env {
        grants: Grants::parse([format!("http:127.0.0.1:{port}").as_str()]).unwrap(),
        http: Some(Box::new(move |answer| sender.send(answer).unwrap())),
        ..env()
    };
    let (mut guest, mut lobby) = guest_in(&asking(port), env);
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-10));
    guest.http_done(&mut lobby, done.recv().unwrap());
    assert_eq!(lobby.system.len(), 1);
    assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-10));
    guest.bad_answer(Host::Lobby(&mut lobby), Hook::Chat, "to have a new instance");
    guest.run_timers(Host::Lobby(&mut lobby));
    assert_eq!(guest.health(), Health::Serving);
    guest.http_done(&mut lobby, done.recv().unwrap());
    assert_eq!((lobby.system.len(), asked.load(Ordering::SeqCst)), (1, 2));
}

#[test]
fn a_host_that_is_not_granted_is_not_asked() {
    let (port, asked) = web();
    // In the clear, the port must be in the capability.
    for grants in [Grants::default(), Grants::parse(["http:127.0.0.1"]).unwrap()] {
        let env = Env { grants, http: Some(Box::new(|_| {})), ..env() };
        let (mut guest, mut lobby) = guest_in(&asking(port).capability("http:127.0.0.1"), env);
        assert_eq!(say(&mut guest, &mut lobby), Verdict::Deny(-11));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

/// Lines of log, as text.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn subscriber(self) -> impl tracing::Subscriber + Send + Sync {
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || self.clone()).finish()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap()
    }

    fn take(&self, with: &str) -> Vec<String> {
        let text = String::from_utf8(std::mem::take(&mut *self.lock())).unwrap();
        text.lines().filter(|line| line.contains(with)).map(str::to_owned).collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.lock().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
