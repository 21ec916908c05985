//! What is refused before it serves, and in which words.

use std::sync::Arc;
use std::time::Duration;

use medley_runtime::api::Role;
use medley_runtime::{Env, Hook, Limits, Plugin, Runtime, RuntimeConfig};

use crate::fixture::{Default, Fixture};

/// The engine of all tests.
pub(crate) fn runtime() -> Runtime {
    static RUNTIME: std::sync::OnceLock<Runtime> = std::sync::OnceLock::new();
    RUNTIME
        .get_or_init(|| Runtime::new(RuntimeConfig { instances: 64, ..RuntimeConfig::default() }).unwrap())
        .clone()
}

pub(crate) fn load(fixture: &Fixture) -> Arc<Plugin> {
    runtime().load(&fixture.build(), "plugin.wasm").unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(bytes: &[u8]) -> String {
    runtime().load(bytes, "plugin.wasm").err().unwrap().to_string()
}

/// Which of the two deadlines comes first depends on how busy the machine is.
fn is_overtime(refused: &str, before: &str, cpu: u64) -> bool {
    let said = refused.strip_prefix(before);
    said == Some(&format!("used more than {cpu} ms of processor time"))
        || said == Some(&format!("took more than {} ms", cpu * 5))
}

#[test]
fn a_plugin_loads_and_says_what_it_is() {
    let fixture = Fixture::new()
        .name("ratchet")
        .apps(&[10_683, 10_684])
        .hook("chat", "unreachable")
        .subscribe("create-game", Some(-991))
        .setting("max", Default::Int(4))
        .setting("greeting", Default::Text("hi".to_owned()))
        .capability("kick")
        .capability("http:example.org");
    let plugin = load(&fixture);
    let manifest = plugin.manifest();
    assert_eq!(manifest.description.name, "ratchet");
    assert_eq!(manifest.description.app_ids, [10_683, 10_684]);
    assert_eq!(manifest.interface, "0.1.0");
    assert_eq!(manifest.settings.len(), 2);
    assert_eq!(
        manifest.wanted.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["kick", "http:example.org"]
    );
    assert_eq!(plugin.digest().len(), 64);
    let hooks = plugin.hooks();
    assert!(hooks.wants(Hook::Chat) && hooks.wants(Hook::CreateGame) && !hooks.wants(Hook::JoinGame));
    assert_eq!((hooks.on_failure(Hook::CreateGame), hooks.on_failure(Hook::Chat)), (Some(-991), None));
    assert!(!hooks.wants_relay());
}

#[test]
fn bytes_that_are_no_component_are_refused_in_one_sentence() {
    let refused = refusal(b"hello");
    assert!(refused.starts_with("plugin.wasm: it does not parse: "), "{refused}");
    let mut cut = Fixture::new().build();
    cut.truncate(cut.len() / 2);
    assert!(refusal(&cut).starts_with("plugin.wasm: it does not parse: "));
    let module = wat::parse_str("(module)").unwrap();
    assert_eq!(
        refusal(&module),
        "plugin.wasm: it is a core WebAssembly module and not a component; `medley plugin build` makes components"
    );
    let large = vec![0; (16 << 20) + 1];
    assert_eq!(refusal(&large), "plugin.wasm: it has 16777217 bytes, and a plugin has at most 16777216");
}

#[test]
fn a_damaged_component_does_not_compile_and_harms_nothing() {
    let good = Fixture::new().hook("chat", "unreachable").build();
    for place in (8..good.len()).step_by(211) {
        let mut bytes = good.clone();
        bytes[place] ^= 0xff;
        // Whatever it is now, it is an answer.
        let _ = runtime().load(&bytes, "plugin.wasm");
    }
}

#[test]
fn an_interface_version_that_is_not_served_is_named_with_the_one_that_is() {
    for version in ["0.0.9", "0.1.7", "0.2.0", "1.0.0"] {
        let bytes = Fixture::new().version(version).build();
        assert_eq!(
            refusal(&bytes),
            format!("plugin.wasm: it wants interface version {version}, and this host serves 0.1.0")
        );
    }
}

#[test]
fn imports_of_the_world_outside_are_refused_by_name() {
    let component =
        |import: &str| wat::parse_str(format!("(component (import \"{import}\" (instance)))")).unwrap();
    assert_eq!(
        refusal(&component("wasi:cli/environment@0.2.0")),
        "plugin.wasm: it imports wasi:cli/environment@0.2.0, which plugins are not allowed; they may import medley:plugin interfaces only"
    );
    assert_eq!(
        refusal(&component("medley:plugin/disk@0.1.0")),
        "plugin.wasm: it imports medley:plugin/disk@0.1.0, which interface version 0.1.0 does not have"
    );
    assert_eq!(
        refusal(&component("medley:plugin/log")),
        "plugin.wasm: it wants interface version (none), and this host serves 0.1.0"
    );
}

#[test]
fn a_component_of_another_world_is_refused() {
    assert_eq!(
        refusal(&wat::parse_str("(component)").unwrap()),
        "plugin.wasm: it does not export medley:plugin/manifest, so it says neither what it is nor what it wants"
    );
    let bytes = Fixture::new().without_manifest().function("lobby", "chat", "unreachable").build();
    assert!(refusal(&bytes).contains("does not export medley:plugin/manifest"));
    // The right names with other types.
    let other = wat::parse_str(
        "(component
            (core module $m (func (export \"f\")))
            (core instance $m (instantiate $m))
            (func $f (canon lift (core func $m \"f\")))
            (instance $i (export \"describe\" (func $f)) (export \"settings\" (func $f))
                (export \"subscriptions\" (func $f)) (export \"capabilities\" (func $f)))
            (export \"medley:plugin/manifest@0.1.0\" (instance $i)))",
    );
    let refused = refusal(&other.unwrap());
    assert!(
        refused.starts_with("plugin.wasm: its manifest.describe is not what interface version 0.1.0 says: "),
        "{refused}"
    );
}

#[test]
fn a_manifest_that_contradicts_itself_is_refused() {
    let cases = [
        (
            Fixture::new().name("My Plugin"),
            "its manifest has the name \"My Plugin\"; a name has 1 to 64 of a-z, 0-9 and -",
        ),
        (
            Fixture::new().subscribe("chatt", None),
            "its manifest subscribes to `chatt`, which is no hook; did you mean `chat`?",
        ),
        (
            Fixture::new().hook("chat", "unreachable").subscribe("chat", Some(0)),
            "its manifest refuses with status 0 where chat fails; a refusal is negative",
        ),
        (
            Fixture::new().hook("hidden", "unreachable").subscribe("hidden", Some(-1)),
            "its manifest gives a status for a failure of hidden, which has nothing to refuse",
        ),
        (Fixture::new().subscribe("chat", None), "it subscribes to chat and does not export lobby.chat"),
        (
            Fixture::new().subscribe("game-created", None),
            "it subscribes to game-created and does not export events.happened",
        ),
        (
            Fixture::new().subscribe_packets(2, &[]),
            "it subscribes to packets and does not export relay.packets",
        ),
        (
            Fixture::new().subscribe_message(1, None, 3),
            "it subscribes to incoming and does not export messages.incoming",
        ),
        (Fixture::new().command("hello"), "it subscribes to a command and does not export commands.run"),
        (
            Fixture::new().subscribe_rt(5, 4),
            "its manifest has a filter with direction or transport 4; 1, 2 and 3 are known",
        ),
        (
            Fixture::new().subscribe_other(9),
            "its manifest subscribes to something of kind 9, which this host does not know",
        ),
        (
            Fixture::new().capability("fly"),
            "its manifest asks for what does not exist: `fly` is no capability: there are kick, ban, memory, accounts, \
             send-raw, relay-inject and http:<host>",
        ),
        (
            Fixture::new().setting("a", Default::Int(1)).setting("a", Default::Int(2)),
            "its manifest has the setting a twice",
        ),
    ];
    for (fixture, sentence) in cases {
        assert_eq!(refusal(&fixture.build()), format!("plugin.wasm: {sentence}"));
    }
}

#[test]
fn a_manifest_that_traps_or_never_ends_is_refused() {
    let traps = Fixture::new().function("manifest", "settings", "unreachable").build();
    assert_eq!(
        refusal(&traps),
        "plugin.wasm: its manifest.settings failed: wasm trap: wasm `unreachable` instruction executed"
    );
    let endless = Fixture::new().function("manifest", "describe", "(loop (br 0)) unreachable").build();
    assert!(is_overtime(&refusal(&endless), "plugin.wasm: its manifest.describe failed: ", 2000));
}

#[test]
fn a_plugin_of_other_titles_is_refused_for_this_one() {
    let plugin = load(&Fixture::new().apps(&[1, 2]));
    let env = Arc::new(Env::new("socom", vec![10_472, 10_473], 1));
    let refused = plugin.prepare(Role::Lobby, &env, None).err().unwrap().to_string();
    assert_eq!(refused, "plugin.wasm: it is made for app ids 1, 2, and the title socom has 10472, 10473");
}

#[test]
fn a_plugin_that_needs_more_memory_than_it_may_have_is_refused() {
    // 64 MiB are 1024 pages.
    let refused = refusal(&Fixture::new().pages(1025).build());
    assert!(refused.starts_with("plugin.wasm: no instance can be made: "), "{refused}");
}

#[test]
fn what_fails_aside_is_refused_before_it_is_in_anybodys_way() {
    let refused = |fixture: Fixture, trial: Option<&[u8]>| {
        let limits = Limits { load_cpu: Duration::from_millis(50), ..Limits::default() };
        let env = Arc::new(Env { limits, ..Env::new("title", vec![1], 1) });
        load(&fixture).prepare(Role::Lobby, &env, trial).err().unwrap().to_string()
    };
    let endless = Fixture::new().function("lifecycle", "self-check", "(loop (br 0)) unreachable");
    assert!(is_overtime(&refused(endless, None), "plugin.wasm: its self-check ", 50));
    let traps = Fixture::new().function("lifecycle", "restore", "unreachable");
    assert_eq!(
        refused(traps, Some(b"state")),
        "plugin.wasm: its restore wasm trap: wasm `unreachable` instruction executed"
    );
    // err("no"): the text is behind the variant.
    let says = "(i32.store (i32.const 0x8000) (i32.const 1))
        (i32.store offset=4 (i32.const 0x8000) (i32.const 0x8100))
        (i32.store offset=8 (i32.const 0x8000) (i32.const 2))
        (i32.store16 (i32.const 0x8100) (i32.const 0x6f6e))
        (i32.const 0x8000)";
    let says = Fixture::new().function("lifecycle", "self-check", says);
    assert_eq!(refused(says, None), "plugin.wasm: its self-check says: no");
}

#[test]
fn compiled_code_is_taken_from_the_cache_and_not_when_it_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("code");
    let config = RuntimeConfig { cache: Some(path.clone()), instances: 16, ..RuntimeConfig::default() };
    let bytes = Fixture::new().hook("chat", "unreachable").build();
    Runtime::new(config.clone()).unwrap().load(&bytes, "plugin.wasm").unwrap();
    let entries = || std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let [entry] = entries().try_into().unwrap();
    let whole = std::fs::read(&entry).unwrap();
    Runtime::new(config.clone()).unwrap().load(&bytes, "plugin.wasm").unwrap();
    assert_eq!(std::fs::read(&entry).unwrap(), whole);
    std::fs::write(&entry, &whole[..whole.len() - 1]).unwrap();
    Runtime::new(config).unwrap().load(&bytes, "plugin.wasm").unwrap();
    assert_eq!(std::fs::read(&entry).unwrap(), whole, "the damaged entry was not replaced");
}

#[test]
fn without_address_space_for_a_pool_instances_are_made_one_by_one() {
    // 100,000 times 4 GiB is more than any process has.
    let runtime = Runtime::new(RuntimeConfig { instances: 100_000, ..RuntimeConfig::default() }).unwrap();
    let plugin = runtime.load(&Fixture::new().build(), "plugin.wasm").unwrap();
    let env = Arc::new(Env::new("title", vec![1], 1));
    assert!(plugin.prepare(Role::Lobby, &env, None).is_ok());
}
