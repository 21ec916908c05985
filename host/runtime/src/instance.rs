//! One instance: its store, what it may still use, and the call of a function under a deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::component::InstancePre;
use wasmtime::{Engine, ResourceLimiter, Store, UpdateDeadline};

use crate::api::{Error, Role};
use crate::bulk::Bulks;
use crate::error::{LoadFailure, Overtime};
use crate::exports::{Exports, Indices};
use crate::grants::{Grant, Grants};
use crate::hook::Hook;
use crate::host::Host;
use crate::http::HttpPool;
use crate::limits::Limits;
use crate::meter::Meter;
use crate::own_metrics::OwnMetrics;
use crate::plugin::Env;
use crate::rate::Rate;
use crate::timers::Timers;
use crate::unchecked::{Lent, lend};

/// What an instance is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be asked for its manifest.
    Manifest,
    /// To be tried aside.
    Trial,
    /// To serve.
    Serve,
}

/// What goes from a failed instance to the one in its place.
pub(crate) struct Carried {
    /// The state kept or saved last.
    pub(crate) kept: Option<Arc<[u8]>>,
    pub(crate) bulks: Bulks,
    pub(crate) log: Rate,
    pub(crate) store: Rate,
    pub(crate) own: OwnMetrics,
}

impl Carried {
    pub(crate) fn new(env: &Env) -> Self {
        let limits = &env.limits;
        Self {
            kept: None,
            bulks: Bulks::default(),
            log: Rate::new(limits.log_lines, limits.log_lines),
            store: Rate::new(limits.store_bytes, limits.store_bytes.saturating_mul(2)),
            own: OwnMetrics::default(),
        }
    }
}

/// The data of an instance's store: what its host calls work with.
pub(crate) struct State {
    pub(crate) env: Arc<Env>,
    /// The plugin's name, for its log.
    pub(crate) plugin: Arc<str>,
    pub(crate) purpose: Purpose,
    pub(crate) role: Role,
    /// Declared and granted.
    pub(crate) grants: Grants,
    pub(crate) lent: Lent,
    pub(crate) meter: Arc<Meter>,
    pub(crate) http: Arc<HttpPool>,
    /// Counts instances of the process: an answer to what another instance asked is told by it.
    pub(crate) incarnation: u64,
    pub(crate) hook: Hook,
    pub(crate) budget: Budget,
    /// Of the hook that runs.
    pub(crate) sends: u32,
    pub(crate) unix_millis: Option<u64>,
    pub(crate) http_requests: usize,
    pub(crate) timers: Timers,
    pub(crate) carried: Carried,
    memory: Memory,
    _counted: Counted,
}

impl State {
    /// Whether the capability is declared and granted.
    pub(crate) fn granted(&self, grant: &Grant) -> Result<(), Error> {
        if self.grants.has(grant) {
            return Ok(());
        }
        self.meter.refused("not-granted");
        Err(Error::NotGranted(grant.to_string()))
    }

    /// Counts something sent by the hook that runs.
    pub(crate) fn sending(&mut self) -> Result<(), Error> {
        let limit = self.env.limits.sends;
        if self.sends >= limit {
            return Err(self.full(format!("{limit} sends in one hook")));
        }
        self.sends += 1;
        Ok(())
    }

    /// Counts and tells a limit that is used up.
    pub(crate) fn full(&self, what: String) -> Error {
        self.meter.refused("full");
        Error::Full(what)
    }

    /// What the guest has of linear memory, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.memory.bytes
    }
}

/// How much time a call has: of the processor, and by the wall.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
}

impl Time {
    /// Of a hook, and of all else that keeps the owner waiting.
    pub(crate) fn hook(limits: &Limits) -> Self {
        Self { cpu: limits.hook_cpu, wall: limits.hook_wall }
    }

    /// Of what is done aside. The machine may be busy, so the wall is far off.
    pub(crate) fn aside(limits: &Limits) -> Self {
        Self { cpu: limits.load_cpu, wall: limits.load_cpu.saturating_mul(5) }
    }
}

/// What a call has of its time.
#[derive(Debug)]
pub(crate) struct Budget {
    begun: Instant,
    cpu: Duration,
    wall: Duration,
    /// Processor time of the thread when the first tick of the call came: a call shorter than a tick never asks for it.
    cpu_begun: Option<Duration>,
}

impl Budget {
    fn new(Time { cpu, wall }: Time) -> Self {
        Self { begun: Instant::now(), cpu, wall, cpu_begun: None }
    }

    /// Asked at each tick of the epoch, and after each call of the host.
    fn check(&mut self) -> Result<(), Overtime> {
        self.check_wall()?;
        let now = thread_cpu();
        let begun = *self.cpu_begun.get_or_insert(now);
        if now.saturating_sub(begun) > self.cpu { Err(Overtime::Cpu(self.cpu)) } else { Ok(()) }
    }

    pub(crate) fn check_wall(&self) -> Result<(), Overtime> {
        if self.begun.elapsed() > self.wall { Err(Overtime::Wall(self.wall)) } else { Ok(()) }
    }

    /// Since the call began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

/// Processor time that this thread has used.
fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Bounds memories and tables; wasmtime asks before it makes or grows one.
struct Memory {
    limit: usize,
    bytes: usize,
    meter: Arc<Meter>,
}

/// Elements of all tables: functions that are called by pointer.
pub(crate) const TABLE_ELEMENTS: usize = 20_000;

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let all = self.bytes.saturating_sub(current).saturating_add(desired);
        if all > self.limit {
            return Ok(false);
        }
        self.meter.memory(self.bytes, all);
        self.bytes = all;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        32
    }

    fn tables(&self) -> usize {
        32
    }

    fn memories(&self) -> usize {
        8
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.meter.memory(self.bytes, 0);
    }
}

/// Instances of this process so far.
static INCARNATIONS: AtomicU64 = AtomicU64::new(1);

/// Instances of this process now: deadlines are watched closely while there are any.
static INSTANCES: AtomicUsize = AtomicUsize::new(0);

/// Whether any instance exists.
pub(crate) fn any() -> bool {
    INSTANCES.load(Ordering::Relaxed) != 0
}

/// An instance that counts.
struct Counted;

impl Counted {
    fn new() -> Self {
        INSTANCES.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        INSTANCES.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What instances of a plugin are made of.
#[derive(Clone)]
pub(crate) struct Mould {
    pub(crate) pre: InstancePre<State>,
    pub(crate) indices: Indices,
    pub(crate) name: Arc<str>,
    /// What the manifest asks for.
    pub(crate) wanted: Grants,
    pub(crate) http: Arc<HttpPool>,
}

/// An instance with its functions.
pub(crate) struct Live {
    pub(crate) store: Store<State>,
    pub(crate) exports: Exports,
}

impl Live {
    /// Makes an instance. Its limits are set before anything of it exists.
    pub(crate) fn new(
        mould: &Mould,
        env: &Arc<Env>,
        role: Role,
        purpose: Purpose,
        meter: &Arc<Meter>,
        time: Time,
    ) -> Result<Self, LoadFailure> {
        let engine: &Engine = mould.pre.engine();
        let limits: &Limits = &env.limits;
        let memory = Memory { limit: limits.memory, bytes: 0, meter: Arc::clone(meter) };
        let state = State {
            env: Arc::clone(env),
            plugin: Arc::clone(&mould.name),
            purpose,
            role,
            grants: mould.wanted.and(&env.grants),
            lent: Lent::Nobody,
            meter: Arc::clone(meter),
            http: Arc::clone(&mould.http),
            incarnation: INCARNATIONS.fetch_add(1, Ordering::Relaxed),
            hook: Hook::Start,
            budget: Budget::new(time),
            sends: 0,
            unix_millis: None,
            http_requests: 0,
            timers: Timers::default(),
            carried: Carried::new(env),
            memory,
            _counted: Counted::new(),
        };
        let message = |error: wasmtime::Error| format!("{:#}", error.root_cause());
        let mut store = Store::try_new(engine, state)
            .map_err(|error| LoadFailure::Instance { message: message(error) })?;
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(limits.answer);
        store.epoch_deadline_callback(|mut context| {
            context.data_mut().budget.check()?;
            Ok(UpdateDeadline::Continue(1))
        });
        store.set_epoch_deadline(1);
        let instance = mould
            .pre
            .instantiate(&mut store)
            .map_err(|error| LoadFailure::Instance { message: describe(&error) })?;
        let exports =
            mould.indices.load(&mut store, &instance).map_err(|(function, error)| LoadFailure::Type {
                function: function.to_owned(),
                served: String::new(),
                message: message(error),
            })?;
        Ok(Self { store, exports })
    }

    /// Calls a function under a deadline, with the host at hand if there is one.
    #[inline]
    pub(crate) fn call<R>(
        &mut self,
        host: Option<Host<'_>>,
        hook: Hook,
        time: Time,
        run: impl FnOnce(&Exports, &mut Store<State>) -> wasmtime::Result<R>,
    ) -> wasmtime::Result<R> {
        let state = self.store.data_mut();
        state.hook = hook;
        state.sends = 0;
        state.unix_millis = None;
        state.budget = Budget::new(time);
        self.store.set_epoch_deadline(1);
        match host {
            Some(host) => lend(&mut self.store, host, |store| run(&self.exports, store)),
            None => run(&self.exports, &mut self.store),
        }
    }
}

impl Live {
    /// `lifecycle.restore`, if there is a state and the function.
    pub(crate) fn restore(
        &mut self,
        host: Option<Host<'_>>,
        state: Option<&[u8]>,
        time: Time,
    ) -> Result<(), LoadFailure> {
        let (Some(state), Some(function)) = (state, self.exports.restore) else { return Ok(()) };
        let said = self.call(host, Hook::Restore, time, |_, store| function.call(store, (state,)));
        outcome(Hook::Restore, said)
    }

    /// `lifecycle.self-check`, if there is one.
    pub(crate) fn self_check(&mut self, time: Time) -> Result<(), LoadFailure> {
        let Some(function) = self.exports.self_check else { return Ok(()) };
        let said = self.call(None, Hook::SelfCheck, time, |_, store| function.call(store, ()));
        outcome(Hook::SelfCheck, said)
    }

    /// `lifecycle.start`, if there is one.
    pub(crate) fn start(&mut self, host: Host<'_>, time: Time) -> Result<(), LoadFailure> {
        let Some(function) = self.exports.start else { return Ok(()) };
        let role = self.store.data().role as u8;
        let said = self.call(Some(host), Hook::Start, time, |_, store| function.call(store, (role,)));
        outcome(Hook::Start, said)
    }
}

fn outcome(hook: Hook, said: wasmtime::Result<(Result<(), String>,)>) -> Result<(), LoadFailure> {
    match said {
        Ok((Ok(()),)) => Ok(()),
        Ok((Err(message),)) => Err(LoadFailure::Refused {
            function: hook.name(),
            message: crate::log::printable(&message, MAX_MESSAGE),
        }),
        Err(error) => Err(LoadFailure::Failed { function: hook.name(), message: describe(&error) }),
    }
}

/// Longest message of a plugin in an error, in bytes.
const MAX_MESSAGE: usize = 512;

/// What went wrong in a call, in a few words without a backtrace.
pub(crate) fn describe(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<Overtime>() {
        Some(overtime) => overtime.to_string(),
        None => match error.downcast_ref::<wasmtime::Trap>() {
            Some(trap) => trap.to_string(),
            None => error.root_cause().to_string(),
        },
    }
}
