//! Plugins written by hand in WebAssembly text, so that tests can have hostile ones and need no guest toolchain.
//!
//! A fixture is a core module: the functions that a test gives it, `unreachable` for the rest of each interface, a manifest as data, and an
//! allocator that only counts up (and starts anew after each answer). `wit-component` makes a component of it, as it does for real plugins.
#![allow(dead_code, unreachable_pub, reason = "each test uses its own part")]
#![allow(clippy::unwrap_used, reason = "a fixture that cannot be made is a failure of its test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Function, InterfaceId, Resolve, WorldItem};

/// Where the manifest's data are, and the answers of functions that have some.
const DATA: u32 = 1024;
/// Free for a test's own data.
pub const SCRATCH: u32 = 32 * 1024;
/// Where the allocator begins.
const HEAP: u32 = 64 * 1024;
/// `who` before the other arguments: connection, session, account, app, version, server.
pub const WHO: u32 = 6;

enum Subscription {
    Hook(String, Option<i32>),
    Message(u8, Option<u8>, u8),
    Rt(u8, u8),
    Packets(u8, Vec<u8>),
    Command(String),
    Other(u32),
}

pub enum Default {
    Int(i64),
    Text(String),
}

/// A plugin in the making.
pub struct Fixture {
    version: String,
    name: String,
    apps: Vec<u32>,
    subscriptions: Vec<Subscription>,
    capabilities: Vec<String>,
    settings: Vec<(String, Default)>,
    imports: Vec<(String, String)>,
    bodies: BTreeMap<(String, String), String>,
    extra: String,
    pages: u32,
    realloc: Option<String>,
    manifest: bool,
}

impl Fixture {
    pub fn new() -> Self {
        Self {
            version: "0.1.0".to_owned(),
            name: "fixture".to_owned(),
            apps: Vec::new(),
            subscriptions: Vec::new(),
            capabilities: Vec::new(),
            settings: Vec::new(),
            imports: Vec::new(),
            bodies: BTreeMap::new(),
            extra: String::new(),
            pages: 4,
            realloc: None,
            manifest: true,
        }
    }

    pub fn version(mut self, version: &str) -> Self {
        self.version = version.to_owned();
        self
    }

    pub fn name(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    pub fn apps(mut self, apps: &[u32]) -> Self {
        self.apps = apps.to_vec();
        self
    }

    pub fn pages(mut self, pages: u32) -> Self {
        self.pages = pages;
        self
    }

    pub fn without_manifest(mut self) -> Self {
        self.manifest = false;
        self
    }

    /// The body of a hook of `lobby` and a subscription to it.
    pub fn hook(self, name: &str, body: &str) -> Self {
        self.subscribe(name, None).function("lobby", name, body)
    }

    pub fn subscribe(mut self, name: &str, on_failure: Option<i32>) -> Self {
        self.subscriptions.push(Subscription::Hook(name.to_owned(), on_failure));
        self
    }

    pub fn subscribe_message(mut self, class: u8, id: Option<u8>, direction: u8) -> Self {
        self.subscriptions.push(Subscription::Message(class, id, direction));
        self
    }

    pub fn subscribe_rt(mut self, id: u8, direction: u8) -> Self {
        self.subscriptions.push(Subscription::Rt(id, direction));
        self
    }

    pub fn subscribe_packets(mut self, transports: u8, prefix: &[u8]) -> Self {
        self.subscriptions.push(Subscription::Packets(transports, prefix.to_vec()));
        self
    }

    pub fn subscribe_other(mut self, kind: u32) -> Self {
        self.subscriptions.push(Subscription::Other(kind));
        self
    }

    pub fn command(mut self, name: &str) -> Self {
        self.subscriptions.push(Subscription::Command(name.to_owned()));
        self
    }

    pub fn capability(mut self, name: &str) -> Self {
        self.capabilities.push(name.to_owned());
        self
    }

    pub fn setting(mut self, name: &str, default: Default) -> Self {
        self.settings.push((name.to_owned(), default));
        self
    }

    /// Imports a host call as `$interface.function`.
    pub fn import(mut self, interface: &str, function: &str) -> Self {
        self.imports.push((interface.to_owned(), function.to_owned()));
        self
    }

    /// Gives a function a body; parameters are by number, the result is on the stack (a pointer where it does not fit one value).
    pub fn function(mut self, interface: &str, function: &str, body: &str) -> Self {
        self.bodies.insert((interface.to_owned(), function.to_owned()), body.to_owned());
        self
    }

    /// Anything else of the module: globals, functions, data.
    pub fn extra(mut self, text: &str) -> Self {
        self.extra.push_str(text);
        self
    }

    /// Another allocator: parameters 0 to 3 are old pointer, old size, alignment, new size.
    pub fn realloc(mut self, body: &str) -> Self {
        self.realloc = Some(body.to_owned());
        self
    }

    /// The component.
    pub fn build(&self) -> Vec<u8> {
        let mut resolve = Resolve::default();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/0.1.0");
        let text = ["types", "hooks", "host", "world"].map(|name| {
            let text = std::fs::read_to_string(folder.join(format!("{name}.wit"))).unwrap();
            // The package is declared once in what becomes one file.
            text.replacen("package medley:plugin@0.1.0;", "", 1)
        });
        let version = &self.version;
        resolve
            .push_str("plugin.wit", &format!("package medley:plugin@{version};\n{}", text.concat()))
            .unwrap();
        let mut world = "package test:fixture;\nworld fixture {\n".to_owned();
        let mut interfaces: Vec<&str> =
            self.imports.iter().map(|(interface, _)| interface.as_str()).collect();
        interfaces.sort_unstable();
        interfaces.dedup();
        for interface in interfaces {
            writeln!(world, "import medley:plugin/{interface}@{version};").unwrap();
        }
        let mut exports: Vec<&str> = self.bodies.keys().map(|(interface, _)| interface.as_str()).collect();
        if self.manifest {
            exports.push("manifest");
        }
        exports.sort_unstable();
        exports.dedup();
        for interface in exports {
            writeln!(world, "export medley:plugin/{interface}@{version};").unwrap();
        }
        world.push('}');
        let package = resolve.push_str("fixture.wit", &world).unwrap();
        let world = resolve.select_world(&[package], Some("fixture")).unwrap();

        let mut module =
            wat::parse_str(self.module(&resolve, world)).unwrap_or_else(|error| panic!("{error}"));
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
    }

    fn module(&self, resolve: &Resolve, world: wit_parser::WorldId) -> String {
        let mut data = Data::new();
        let answers = self.answers(&mut data);
        let mut text = "(module\n".to_owned();
        let interface_of = |name: &str| -> (String, InterfaceId) {
            let items = resolve.worlds[world].imports.iter().chain(&resolve.worlds[world].exports);
            let wanted = format!("medley:plugin/{name}@{}", self.version);
            items
                .filter_map(|(key, item)| match item {
                    WorldItem::Interface { id, .. } => Some((resolve.name_world_key(key), *id)),
                    _ => None,
                })
                .find(|(key, _)| *key == wanted)
                .unwrap()
        };
        for (interface, function) in &self.imports {
            let (key, id) = interface_of(interface);
            let signature =
                signature(resolve, AbiVariant::GuestImport, &resolve.interfaces[id].functions[function]);
            writeln!(text, "(import \"{key}\" \"{function}\" (func ${interface}.{function} {signature}))")
                .unwrap();
        }
        writeln!(text, "(memory (export \"memory\") {})", self.pages).unwrap();
        writeln!(text, "(global $heap (mut i32) (i32.const {HEAP}))").unwrap();
        let realloc = self.realloc.as_deref().unwrap_or(
            "(local i32)
            (local.set 4 (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
            (global.set $heap (i32.add (local.get 4) (local.get 3)))
            (local.get 4)",
        );
        writeln!(
            text,
            "(func $realloc (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) {realloc})"
        )
        .unwrap();
        for (key, item) in &resolve.worlds[world].exports {
            let WorldItem::Interface { id, .. } = item else { continue };
            let interface = &resolve.interfaces[*id];
            let (name, key) = (interface.name.as_deref().unwrap(), resolve.name_world_key(key));
            for (function, shape) in &interface.functions {
                let signature = signature(resolve, AbiVariant::GuestExport, shape);
                let own = self.bodies.get(&(name.to_owned(), function.clone()));
                let body = own.cloned().or_else(|| {
                    answers.get(&(name, function.as_str())).map(|at| format!("(i32.const {at})"))
                });
                let body = body.unwrap_or_else(|| idle(name, function));
                writeln!(text, "(func (export \"{key}#{function}\") {signature} {body})").unwrap();
                if signature.contains("(result i32)") {
                    writeln!(
                        text,
                        "(func (export \"cabi_post_{key}#{function}\") (param i32) (global.set $heap (i32.const {HEAP})))"
                    )
                    .unwrap();
                }
            }
        }
        writeln!(text, "{}", self.extra).unwrap();
        let escaped: String = data.bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        writeln!(text, "(data (i32.const {DATA}) \"{escaped}\"))").unwrap();
        assert!(DATA as usize + data.bytes.len() < SCRATCH as usize);
        text
    }

    /// Lays the manifest out as the canonical ABI has it in memory; where each function's answer is.
    fn answers(&self, data: &mut Data) -> BTreeMap<(&'static str, &'static str), u32> {
        let mut record = Vec::new();
        for text in [self.name.as_str(), "1.0", "A fixture."] {
            data.string(&mut record, text);
        }
        let apps: Vec<u8> = self.apps.iter().flat_map(|app| app.to_le_bytes()).collect();
        data.list(&mut record, &apps, self.apps.len());
        data.string(&mut record, "");
        let describe = data.put(&record);

        let mut list = Vec::new();
        for (name, default) in &self.settings {
            data.string(&mut list, name);
            match default {
                Default::Int(number) => {
                    list.extend(0_u64.to_le_bytes());
                    list.extend(number.to_le_bytes());
                }
                Default::Text(text) => {
                    list.extend(3_u64.to_le_bytes());
                    data.string(&mut list, text);
                }
            }
            list.extend([0; 32]);
            data.string(&mut list, "help");
        }
        let settings = data.put_list(&list, self.settings.len());

        let mut list = Vec::new();
        for subscription in &self.subscriptions {
            let mut case = Vec::new();
            let kind: u32 = match subscription {
                Subscription::Hook(name, on_failure) => {
                    data.string(&mut case, name);
                    case.extend(u32::from(on_failure.is_some()).to_le_bytes());
                    case.extend(on_failure.unwrap_or(0).to_le_bytes());
                    0
                }
                Subscription::Message(class, id, direction) => {
                    case.extend([*class, u8::from(id.is_some()), id.unwrap_or(0), *direction]);
                    1
                }
                Subscription::Rt(id, direction) => {
                    case.extend([*id, *direction]);
                    2
                }
                Subscription::Packets(transports, prefix) => {
                    case.extend(u32::from(*transports).to_le_bytes());
                    data.list(&mut case, prefix, prefix.len());
                    3
                }
                Subscription::Command(name) => {
                    for text in [name.as_str(), "<player>", "Helps."] {
                        data.string(&mut case, text);
                    }
                    4
                }
                Subscription::Other(kind) => {
                    case.extend(kind.to_le_bytes());
                    5
                }
            };
            case.resize(24, 0);
            list.extend(kind.to_le_bytes());
            list.extend(case);
        }
        let subscriptions = data.put_list(&list, self.subscriptions.len());

        let mut list = Vec::new();
        for name in &self.capabilities {
            data.string(&mut list, name);
            data.string(&mut list, "Because.");
        }
        let capabilities = data.put_list(&list, self.capabilities.len());
        BTreeMap::from([
            (("manifest", "describe"), describe),
            (("manifest", "settings"), settings),
            (("manifest", "subscriptions"), subscriptions),
            (("manifest", "capabilities"), capabilities),
        ])
    }
}

/// Static data of the module.
struct Data {
    bytes: Vec<u8>,
}

impl Data {
    fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    fn put(&mut self, bytes: &[u8]) -> u32 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let at = DATA + u32::try_from(self.bytes.len()).unwrap();
        self.bytes.extend(bytes);
        at
    }

    fn list(&mut self, record: &mut Vec<u8>, bytes: &[u8], count: usize) {
        let at = self.put(bytes);
        record.extend(at.to_le_bytes());
        record.extend(u32::try_from(count).unwrap().to_le_bytes());
    }

    fn string(&mut self, record: &mut Vec<u8>, text: &str) {
        self.list(record, text.as_bytes(), text.len());
    }

    fn put_list(&mut self, bytes: &[u8], count: usize) -> u32 {
        let mut record = Vec::new();
        self.list(&mut record, bytes, count);
        self.put(&record)
    }
}

fn signature(resolve: &Resolve, variant: AbiVariant, function: &Function) -> String {
    let signature = resolve.wasm_signature(variant, function);
    let names = |types: &[WasmType]| {
        types
            .iter()
            .map(|kind| match kind {
                WasmType::I32 | WasmType::Pointer | WasmType::Length => " i32",
                WasmType::I64 | WasmType::PointerOrI64 => " i64",
                WasmType::F32 => " f32",
                WasmType::F64 => " f64",
            })
            .collect::<String>()
    };
    let mut text = String::new();
    if !signature.params.is_empty() {
        write!(text, "(param{})", names(&signature.params)).unwrap();
    }
    if !signature.results.is_empty() {
        write!(text, "(result{})", names(&signature.results)).unwrap();
    }
    text
}

/// What a function does that no test gave a body: a life without events, and for the rest a trap.
fn idle(interface: &str, function: &str) -> String {
    match (interface, function) {
        ("lifecycle", "start" | "restore" | "self-check") => ok(),
        ("lifecycle", "save") => {
            format!("(i64.store (i32.const {SCRATCH}) (i64.const 0)) (i32.const {SCRATCH})")
        }
        ("lifecycle", "stop") => String::new(),
        _ => "unreachable".to_owned(),
    }
}

/// Stores a value of a variant without payload, or with one of four bytes, in the scratch area; the pointer to it is left.
pub fn variant(kind: u32, payload: i32) -> String {
    format!(
        "(i32.store (i32.const {SCRATCH}) (i32.const {kind}))
         (i32.store offset=4 (i32.const {SCRATCH}) (i32.const {payload}))
         (i32.const {SCRATCH})"
    )
}

/// `pass`.
pub fn pass() -> String {
    variant(0, 0)
}

/// `ok` of `result<_, string>`.
pub fn ok() -> String {
    variant(0, 0)
}
