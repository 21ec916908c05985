//! The engine, shared by all plugins of a process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use semver::Version;
use sha2::{Digest, Sha256};
use wasmtime::component::{Component, Linker};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, WasmBacktraceDetails,
};

use crate::api::Role;
use crate::cache::Cache;
use crate::error::{LoadError, LoadFailure, RuntimeError};
use crate::exports::Indices;
use crate::grants::Grants;
use crate::http::HttpPool;
use crate::instance::{self, Live, Mould, Purpose, State, TABLE_ELEMENTS, Time};
use crate::interface::{Names, linker, published};
use crate::manifest;
use crate::meter::Meter;
use crate::plugin::{Env, Plugin};

/// How often a running guest is looked at.
const TICK: Duration = Duration::from_millis(1);
/// How often it is looked whether there is one.
const IDLE_TICK: Duration = Duration::from_millis(20);
/// Stack of a guest; the thread that calls needs as much more.
const STACK: usize = 512 << 10;

/// What a runtime is made with.
#[derive(Clone, Debug)]
pub struct RuntimeConfig {
    /// Folder for compiled code, made if it is missing; it must belong to this user alone. `None`: nothing is kept.
    pub cache: Option<PathBuf>,
    /// Largest plugin, in bytes.
    pub max_size: usize,
    /// Most instances at a time, where there is address space for a pool of them.
    pub instances: u32,
    /// Threads for outgoing HTTP, started when first needed.
    pub http_threads: usize,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self { cache: None, max_size: 16 << 20, instances: 1024, http_threads: 4 }
    }
}

/// What runs plugins. Cheap to clone.
#[derive(Clone)]
pub struct Runtime(Arc<Shared>);

struct Shared {
    engine: Engine,
    linker: Linker<State>,
    served: Vec<Version>,
    cache: Option<Cache>,
    http: Arc<HttpPool>,
    max_size: usize,
}

impl Runtime {
    /// Probes for address space and starts the thread that watches deadlines; it ends with the last plugin.
    pub fn new(config: RuntimeConfig) -> Result<Self, RuntimeError> {
        Self::serving(config, published())
    }

    /// A runtime that serves other versions than the published ones, to try what a later version will meet.
    pub(crate) fn serving(config: RuntimeConfig, served: Vec<Version>) -> Result<Self, RuntimeError> {
        let engine = engine(config.instances)?;
        let failed = |error: wasmtime::Error| RuntimeError::Engine { message: format!("{error:#}") };
        let linker = linker(&engine, &served).map_err(failed)?;
        let cache = config.cache.and_then(|path| match Cache::open(&path, &engine) {
            Ok(cache) => Some(cache),
            Err(why) => {
                tracing::warn!(why, "compiled plugins are not kept");
                None
            }
        });
        tick(&engine)?;
        let http = Arc::new(HttpPool::new(config.http_threads));
        Ok(Self(Arc::new(Shared { engine, linker, served, cache, http, max_size: config.max_size })))
    }

    /// Checks interface version and imports, compiles (or takes compiled code from the cache), and reads the manifest in an instance
    /// that is thrown away. `origin` is the file's name for messages. Blocking, up to seconds: off the actor.
    pub fn load(&self, bytes: &[u8], origin: &str) -> Result<Arc<Plugin>, LoadError> {
        self.read(bytes, origin).map(Arc::new).map_err(|why| why.at(origin))
    }

    fn read(&self, bytes: &[u8], origin: &str) -> Result<Plugin, LoadFailure> {
        let shared = &self.0;
        if bytes.len() > shared.max_size {
            return Err(LoadFailure::TooLarge { size: bytes.len(), limit: shared.max_size });
        }
        let names = Names::read(bytes, &shared.served)?;
        let served = names.version.to_string();
        let digest = hex(&Sha256::digest(bytes));
        let component = self.compile(bytes, &digest)?;
        let indices = Indices::find(&component, &names);
        if let Some(function) = indices.missing_manifest() {
            return Err(LoadFailure::Type { function, served, message: "it is not there".to_owned() });
        }
        let pre = shared.linker.instantiate_pre(&component).map_err(|error| LoadFailure::Type {
            function: "imports".to_owned(),
            served: served.clone(),
            message: format!("{error:#}"),
        })?;
        let mut mould = Mould {
            pre,
            indices,
            name: Arc::from("(unnamed)"),
            wanted: Grants::default(),
            http: Arc::clone(&shared.http),
        };
        let env = Arc::new(Env::new(origin, Vec::new(), 0));
        let meter = Arc::new(Meter::none());
        let mut live =
            Live::new(&mould, &env, Role::Lobby, Purpose::Manifest, &meter, Time::aside(&env.limits))
                .map_err(|failure| match failure {
                    LoadFailure::Type { function, message, .. } => {
                        LoadFailure::Type { function, served, message }
                    }
                    other => other,
                })?;
        let manifest = manifest::read(&mut live, &mould.indices, names.version.to_string())?;
        mould.name = Arc::from(manifest.description.name.as_str());
        mould.wanted = manifest.wanted.clone();
        Ok(Plugin::new(origin.to_owned(), digest, manifest, mould))
    }

    fn compile(&self, bytes: &[u8], digest: &str) -> Result<Component, LoadFailure> {
        let shared = &self.0;
        if let Some(component) = shared.cache.as_ref().and_then(|cache| cache.get(&shared.engine, digest)) {
            return Ok(component);
        }
        let component = Component::from_binary(&shared.engine, bytes)
            .map_err(|error| LoadFailure::Compile { message: format!("{error:#}") })?;
        if let Some(Err(error)) = shared.cache.as_ref().map(|cache| cache.put(digest, &component)) {
            tracing::warn!(%error, "a compiled plugin is not kept");
        }
        Ok(component)
    }
}

/// The engine: with a pool of instances if the address space has room, else without.
fn engine(instances: u32) -> Result<Engine, RuntimeError> {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(STACK)
        .cranelift_opt_level(OptLevel::Speed)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .concurrency_support(false);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(4))
        .total_memories(instances)
        .total_tables(instances.saturating_mul(4))
        .max_memories_per_component(1)
        .max_core_instances_per_component(32)
        .max_tables_per_component(32)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .table_elements(TABLE_ELEMENTS);
    let mut pooled = config.clone();
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&pooled).or_else(|error| {
        tracing::info!(%error, "there is no address space for a pool of plugin instances");
        Engine::new(&config).map_err(|error| RuntimeError::Engine { message: format!("{error:#}") })
    })
}

fn tick(engine: &Engine) -> Result<(), RuntimeError> {
    let weak = engine.weak();
    let beat = move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(if instance::any() { TICK } else { IDLE_TICK });
        }
    };
    let spawned = std::thread::Builder::new().name("medley-epoch".to_owned()).spawn(beat);
    spawned.map(drop).map_err(|error| RuntimeError::Thread { thread: "medley-epoch", error })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, pass};

    #[test]
    fn a_plugin_of_a_published_version_still_loads_when_a_later_one_is_served() {
        let old = Fixture::new().version("0.1.0").import("players", "all").hook("chat", &pass()).build();
        let new = Fixture::new().version("0.1.1").import("players", "all").hook("chat", &pass()).build();
        let version = |patch| Version::new(0, 1, patch);
        let config = || RuntimeConfig { instances: 16, ..RuntimeConfig::default() };
        // A later host serves both under the names of the later one, and under those of both.
        for served in
            [vec![version(1)], vec![version(0), version(1)], vec![version(0), Version::new(0, 2, 0)]]
        {
            let runtime = Runtime::serving(config(), served).unwrap();
            let plugin = runtime.load(&old, "old.wasm").unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(plugin.manifest().interface, "0.1.0");
            let env = Arc::new(Env::new("title", Vec::new(), 1));
            assert!(plugin.prepare(Role::Lobby, &env, None).is_ok());
        }
        let runtime = Runtime::serving(config(), vec![version(1)]).unwrap();
        assert_eq!(runtime.load(&new, "new.wasm").unwrap().manifest().interface, "0.1.1");
        // And a later plugin says what it wants of an earlier host.
        let refused = Runtime::serving(config(), vec![version(0)]).unwrap().load(&new, "new.wasm");
        assert_eq!(
            refused.err().unwrap().to_string(),
            "new.wasm: it wants interface version 0.1.1, and this host serves 0.1.0"
        );
    }
}
