//! What the attribute makes of the methods that are written, and how the harness lives with the plugin.

use std::time::Duration;

use medley_plugin::manifest::{capability, command, hook, message, message_of, packets, rt};
use medley_plugin::prelude::*;
use medley_plugin::testing::{Done, Harness};
use medley_plugin::{Error, Manifest as _};
use wire::messages::DnasSignaturePost;

#[derive(Settings)]
struct Config {
    /// How many.
    #[setting(default = 3, min = 1, max = 9)]
    count: u32,
    /// What is said.
    #[setting(default = "hello")]
    text: String,
}

#[derive(Default)]
struct Everything {
    fired: Vec<u64>,
    state: Vec<u8>,
}

#[plugin(
    name = "everything",
    version = "2.0",
    summary = "Of each kind one",
    app_ids = [10_683, 10_684],
    settings = Config,
    capabilities = [("memory", "Looks")]
)]
impl Plugin for Everything {
    fn save(&mut self) -> Vec<u8> {
        self.state.clone()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Refusal> {
        if state == b"poison" {
            return Err(Refusal("the state is no good".into()));
        }
        self.state = state.to_vec();
        Ok(())
    }

    #[on_failure(Status::REQUEST_DENIED)]
    fn chat(&mut self, _: &Who, _: ChatLine) -> Verdict<ChatLine> {
        Verdict::Pass
    }

    #[messages(DnasSignaturePost, (0, 8), (4, _))]
    fn incoming(&mut self, _: &Who, _: Message) -> Verdict<Message> {
        Verdict::Reply(Vec::new())
    }

    #[rt(0x1E, 3)]
    fn rt_outgoing(&mut self, _: &Who, _: u8, _: Vec<u8>) -> RtVerdict {
        RtVerdict::Drop
    }

    #[packets(udp, prefix = [2, 9])]
    #[packets(tcp)]
    fn packet(&mut self, _: &Packet) -> PacketVerdict {
        PacketVerdict::Drop
    }

    fn fired(&mut self, timer: u64) {
        self.fired.push(timer);
    }

    fn cheat_reply(&mut self, _: &Who, _: u8, _: u32, _: &[u8]) {}

    /// Looks at a player's memory.
    ///
    /// Twice.
    #[command(usage = "<player>")]
    fn look_at(&mut self, arguments: &[String]) -> Result<String, Refusal> {
        let name = arguments.first().ok_or("say whom")?;
        let session = host::players::by_name(name).ok_or(Error::NotFound)?;
        host::memory::query(session, 1, 101, 0x000C_FFD0, 32)?;
        Ok(format!("asked {name}"))
    }
}

#[test]
fn subscriptions_are_those_of_the_methods_that_are_written() {
    let expected = [
        hook("chat", Some(Status::REQUEST_DENIED)),
        message_of::<DnasSignaturePost>(1),
        message(0, Some(8), 1),
        message(4, None, 1),
        rt(0x1E, 2),
        rt(3, 2),
        packets(2, &[2, 9]),
        packets(1, &[]),
        hook("cheat-reply", None),
        command("look-at", "<player>", "Looks at a player's memory. Twice."),
        hook("settings-changed", None),
    ];
    assert_eq!(Everything::subscriptions(), expected);
    let description = Everything::description();
    assert_eq!((description.name.as_str(), description.version.as_str()), ("everything", "2.0"));
    assert_eq!(description.app_ids, [10_683, 10_684]);
    assert_eq!(Everything::capabilities(), [capability("memory", "Looks")]);
}

#[test]
fn settings_have_their_defaults_and_bounds_and_are_read_anew_when_they_change() {
    let settings = Everything::settings();
    assert_eq!((settings[0].name.as_str(), settings[0].help.as_str()), ("count", "How many."));
    assert_eq!((settings[0].minimum, settings[0].maximum), (Some(1), Some(9)));
    assert_eq!(settings[1].default, Value::Text("hello".into()));
    let mut test = Harness::<Everything>::new();
    assert_eq!((Config::current().count, Config::current().text.as_str()), (3, "hello"));
    test.set("count", 5_u32);
    assert_eq!(Config::current().count, 5);
    test.host(|world| world.settings.insert("count".into(), Value::Text("of another type".into())));
    assert_eq!(Config::current().count, 5, "nobody said that it changed");
    test.set("text", String::from("bye"));
    assert_eq!((Config::current().count, Config::current().text.as_str()), (3, "bye"));
}

#[test]
fn a_command_finds_its_method_and_its_errors_are_for_the_operator() {
    let mut test = Harness::<Everything>::new();
    assert_eq!(test.command("look-at", &[]), Err(Refusal("say whom".into())));
    assert_eq!(test.command("look-at", &["Ann"]), Err(Refusal("there is none".into())));
    assert_eq!(test.command("jump", &[]), Err(Refusal("there is no command `jump`".into())));
    let ann = test.login("Ann");
    assert_eq!(test.command("look-at", &["ann"]), Ok("asked ann".into()));
    let asked =
        Done::Queried { session: ann.session, kind: 1, sequence: 101, address: 0x000C_FFD0, length: 32 };
    assert_eq!(test.done(), [asked]);
    test.host(|world| world.grants.clear());
    let refused = Refusal("the capability `memory` is not granted".into());
    assert_eq!(test.command("look-at", &["Ann"]), Err(refused));
}

#[test]
fn timers_fire_in_order_and_go_with_their_session_or_at_a_reload() {
    let mut test = Harness::<Everything>::new();
    let ann = test.login("Ann");
    assert_eq!(host::timers::after(2, 50), Ok(()));
    assert_eq!(host::timers::every(1, 20), Ok(()));
    assert_eq!(host::timers::after_for(ann.session, 3, 70), Ok(()));
    test.advance(Duration::from_millis(60));
    assert_eq!(test.fired, [1, 1, 2, 1]);
    test.logout(&ann);
    assert_eq!(host::timers::after_for(ann.session, 3, 70), Err(Error::NotFound));
    assert_eq!(test.reload(), Ok(()));
    test.advance(Duration::from_secs(10));
    assert!(test.fired.is_empty(), "{:?}", test.fired);
}

#[test]
fn state_goes_through_a_reload_and_what_was_kept_through_a_trap() {
    let mut test = Harness::<Everything>::new();
    test.state = b"now".to_vec();
    host::state::keep(b"then");
    assert_eq!(test.reload(), Ok(()));
    assert_eq!(test.state, b"now");
    assert_eq!(test.trap(), Ok(()));
    assert_eq!(test.state, b"then");
    host::state::keep(b"poison");
    assert_eq!(test.trap(), Err(Refusal("the state is no good".into())));
}

#[test]
fn captured_messages_reach_incoming_where_they_are_subscribed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture.jsonl");
    let row = |dir: &str, name: &str, plain: &str| {
        format!("{{\"dir\":\"{dir}\",\"server\":\"MLS\",\"rt_name\":\"{name}\",\"plain_hex\":{plain}}}\n")
    };
    let rows = [
        row("c2s", "CLIENT_APP_TOSERVER", "\"0008aabb\""),
        row("c2s", "CLIENT_APP_TOSERVER", "\"0108\""),
        row("s2c", "SERVER_APP", "\"0008\""),
        row("c2s", "CLIENT_APP_TOSERVER", "null"),
        row("c2s", "CLIENT_ECHO", "\"00\""),
    ];
    std::fs::write(&path, rows.concat()).unwrap();
    let capture = medley_plugin::testing::Capture::read(&path).unwrap();
    assert_eq!((capture.messages.len(), capture.closed), (3, 1));
    let mut test = Harness::<Everything>::new();
    let ann = test.login("Ann");
    let verdicts = test.replay(&ann, &capture);
    assert_eq!(verdicts.len(), 1);
    assert_eq!(verdicts[0].0.message, Message { class: 0, id: 8, body: vec![0xAA, 0xBB] });
    std::fs::write(&path, "{}\nno json\n").unwrap();
    let error = medley_plugin::testing::Capture::read(&path).unwrap_err();
    assert!(error.to_string().contains("capture.jsonl:2:"), "{error}");
}

#[test]
fn the_store_keeps_each_owner_apart_and_scans_in_order() {
    let _test = Harness::<Everything>::new();
    let ann = AccountId(7);
    for (key, value) in [("b/2", "two"), ("b/1", "one"), ("c", "other")] {
        assert_eq!(host::store::set(ann, key, value), Ok(()));
    }
    assert_eq!(host::store::get(host::store::TITLE, "b/1"), Ok(None));
    let rows = host::store::scan(ann, "b/", None, 10).unwrap();
    assert_eq!(rows, [(b"b/1".to_vec(), b"one".to_vec()), (b"b/2".to_vec(), b"two".to_vec())]);
    assert_eq!(host::store::scan(ann, "b/", Some(b"b/1"), 10).unwrap().len(), 1);
    assert_eq!(host::store::remove(ann, "c"), Ok(true));
    assert!(matches!(host::store::get(ann, ""), Err(Error::Invalid(_))));
}

#[test]
fn hashes_are_those_of_their_test_vectors() {
    use host::hash::{Algorithm, digest, hmac};
    let sha256 = digest(Algorithm::Sha256, b"abc");
    assert_eq!(sha256[..4], [0xBA, 0x78, 0x16, 0xBF]);
    assert_eq!(digest(Algorithm::Md5, b"")[..4], [0xD4, 0x1D, 0x8C, 0xD9]);
    let mac = hmac(Algorithm::Sha1, b"Jefe", b"what do ya want for nothing?");
    assert_eq!(mac[..4], [0xEF, 0xFC, 0xDF, 0x6A]);
}
