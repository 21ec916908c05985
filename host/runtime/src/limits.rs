//! What an instance may use, and the part of it that wasmtime asks for: memory and tables.

use std::time::Duration;

/// What one instance of a plugin may use. All are enforced by the runtime, except [`keys`](Self::keys).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of linear memory.
    pub memory: usize,
    /// Processor time of one hook.
    pub hook_cpu: Duration,
    /// Time of one hook by the wall, host calls included.
    pub hook_wall: Duration,
    /// Processor time of one `relay.packets`.
    pub packets_cpu: Duration,
    /// Processor time of each call while a plugin is loaded and tried aside.
    pub load_cpu: Duration,
    /// Lines of log a second.
    pub log_lines: u32,
    /// Bytes written to the store a second, keys included; twice that in one burst.
    pub store_bytes: u32,
    /// Keys in the store. The host that keeps the store counts them.
    pub keys: u32,
    /// Entries of one `store.scan`.
    pub scan: u32,
    /// Timers set at a time.
    pub timers: usize,
    /// Bulk transfers at a time.
    pub bulks: usize,
    /// Sends, pokes, kicks, injected packets and link messages of one hook together.
    pub sends: u32,
    /// Bytes that cross in one call, answer of a hook or arguments of a host call: its strings and lists together.
    pub answer: usize,
    /// HTTP requests on the way at a time.
    pub http_requests: usize,
    /// Bytes of state that is handed to a new instance.
    pub state: usize,
    /// So many failures within [`failure_window`](Self::failure_window) quarantine the plugin.
    pub failures: u32,
    /// See [`failures`](Self::failures).
    pub failure_window: Duration,
    /// How long the second failure in the window keeps a new instance waiting; each further one doubles it, to a minute. The first
    /// one does not wait.
    pub backoff: Duration,
    /// How often `lifecycle.save` is asked, if hooks were called in between.
    pub save_every: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            hook_cpu: Duration::from_millis(20),
            hook_wall: Duration::from_millis(250),
            packets_cpu: Duration::from_millis(5),
            load_cpu: Duration::from_secs(2),
            log_lines: 50,
            store_bytes: 256 << 10,
            keys: 100_000,
            scan: 1000,
            timers: 10_000,
            bulks: 256,
            sends: 4096,
            answer: 4 << 20,
            http_requests: 16,
            state: 1 << 20,
            failures: 5,
            failure_window: Duration::from_secs(60),
            backoff: Duration::from_secs(1),
            save_every: Duration::from_secs(60),
        }
    }
}

/// Longest key of the store, in bytes.
pub const MAX_KEY: usize = 512;
/// Longest value of the store, in bytes, and longest metadata.
pub const MAX_VALUE: usize = 64 << 10;
/// Longest body of a message, payload of a packet or chunk of a bulk transfer, in bytes.
pub(crate) const MAX_BODY: usize = 64 << 10;
/// Longest text for a person, in bytes.
pub(crate) const MAX_TEXT: usize = 4096;
/// Longest message between instances, in bytes.
pub(crate) const MAX_LINK: usize = 64 << 10;
/// Most bytes of one poke.
pub(crate) const MAX_POKE: usize = 1 << 20;
/// Bytes of all bulk transfers of an instance that wait to be sent.
pub(crate) const MAX_BULK_BYTES: usize = 64 << 20;
/// Largest window of a bulk transfer.
pub(crate) const MAX_BULK_WINDOW: u32 = 256;
/// Longest wait for a new instance.
pub(crate) const MAX_BACKOFF: Duration = Duration::from_secs(60);
