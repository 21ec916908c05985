//! The instance that serves: its health, its timers, and its replacement by another.
//!
//! | state | a hook is | leaves it by |
//! |---|---|---|
//! | serving | called | a failure (trap, deadline, bad answer): restarting, or quarantined if there were too many |
//! | restarting | not called: its declared default | the time to wait is over, at the next call: serving; or that fails: as above |
//! | quarantined | not subscribed: native rules | [`Guest::swap`], [`Guest::resume`]: serving |

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::{Store, WasmBacktrace};

use crate::api::{Role, SessionId};
use crate::bulk::Outcome;
use crate::error::{FailureKind, LoadError, LoadFailure, Overtime};
use crate::exports::Exports;
use crate::hook::{Hook, Subscriptions};
use crate::host::{Host, LobbyHost};
use crate::http::HttpDone;
use crate::instance::{Carried, Live, State, Time, describe};
use crate::limits::MAX_BACKOFF;
use crate::log::printable;
use crate::meter::Meter;
use crate::plugin::{Candidate, Env, Plugin};

/// Timers and finished transfers that one [`Guest::run_timers`] handles; the rest waits for the next.
const MAX_FIRED: usize = 1000;
/// Longest backtrace in a line of log, in bytes.
const MAX_BACKTRACE: usize = 8 << 10;

/// How a guest does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It serves.
    Serving,
    /// Its instance failed; the next one is made at that time on [`Clock::monotonic`](crate::Clock::monotonic). Hooks have their declared defaults.
    Restarting {
        /// When.
        at: Duration,
    },
    /// It failed too often. The title goes on natively, until [`Guest::swap`] or [`Guest::resume`].
    Quarantined {
        /// The last failure.
        why: String,
        /// Since when, on [`Clock::monotonic`](crate::Clock::monotonic).
        since: Duration,
    },
}

/// An instance that has been replaced. Dropping it frees its memory: better elsewhere than in the actor.
pub struct Retired {
    _live: Option<Live>,
    _plugin: Arc<Plugin>,
}

/// The plugin as it serves in one place: its instance, its timers and transfers, its health.
pub struct Guest {
    plugin: Arc<Plugin>,
    env: Arc<Env>,
    role: Role,
    meter: Arc<Meter>,
    /// What the hooks are asked by; empty while it is quarantined.
    subscriptions: Arc<Subscriptions>,
    live: Option<Live>,
    /// What is waiting for a new instance while there is none.
    carried: Option<Carried>,
    health: Health,
    failures: u64,
    /// When the failures in the window were.
    recent: VecDeque<Duration>,
    /// A hook was called since the last save.
    dirty: bool,
    next_save: Duration,
}

impl Guest {
    /// Lets the candidate serve: `start(role)`.
    pub fn install(candidate: Candidate, mut host: Host<'_>) -> Result<Self, LoadError> {
        let Candidate { plugin, env, role, mut live, meter } = candidate;
        live.start(host.reborrow(), Time::hook(&env.limits)).map_err(|why| why.at(plugin.origin()))?;
        let guest = Self {
            subscriptions: Arc::clone(plugin.hooks()),
            next_save: host.monotonic() + env.limits.save_every,
            plugin,
            env,
            role,
            meter,
            live: Some(live),
            carried: None,
            health: Health::Serving,
            failures: 0,
            recent: VecDeque::new(),
            dirty: false,
        };
        tracing::info!(
            title = %guest.env.title,
            plugin = %guest.plugin.manifest().description.name,
            generation = guest.env.generation,
            digest = guest.plugin.digest(),
            "plugin serves"
        );
        Ok(guest)
    }

    /// Exact hand-over between two calls: the old one's `save`, the new one's `restore` of that and `start(role)`, then the new one serves, and the
    /// old one's `stop`. If the new one fails, the old one goes on serving. An old one that cannot save, or does not serve, hands over what it
    /// kept or saved last. Ends a quarantine.
    pub fn swap(&mut self, candidate: Candidate, mut host: Host<'_>) -> Result<Retired, LoadError> {
        let begun = Instant::now();
        let result = self.try_swap(candidate, &mut host);
        self.meter.swapped(if result.is_ok() { "done" } else { "refused" }, begun.elapsed());
        result
    }

    fn try_swap(&mut self, candidate: Candidate, host: &mut Host<'_>) -> Result<Retired, LoadError> {
        self.save(host);
        let Candidate { plugin, env, role: _, mut live, meter } = candidate;
        let time = Time::hook(&env.limits);
        let state = self.carried().and_then(|carried| carried.kept.clone());
        self.exchange(&mut live);
        let taken_over = live
            .restore(Some(host.reborrow()), state.as_deref(), time)
            .and_then(|()| live.start(host.reborrow(), time));
        if let Err(why) = taken_over {
            self.exchange(&mut live);
            if let Some(carried) = self.carried() {
                // What the refused one kept is not the old one's.
                carried.kept = state;
            }
            return Err(why.at(plugin.origin()));
        }
        let old = self.live.replace(live);
        let (old_plugin, old_env) =
            (mem::replace(&mut self.plugin, plugin), mem::replace(&mut self.env, env));
        self.meter = meter;
        self.subscriptions = Arc::clone(self.plugin.hooks());
        self.carried = None;
        self.health = Health::Serving;
        self.failures = 0;
        self.recent.clear();
        self.dirty = false;
        self.next_save = host.monotonic() + self.env.limits.save_every;
        tracing::info!(
            title = %self.env.title,
            plugin = %self.plugin.manifest().description.name,
            generation = self.env.generation,
            digest = self.plugin.digest(),
            "plugin replaced"
        );
        let old = old.map(|live| Self::stop_live(live, host.reborrow(), &old_env));
        Ok(Retired { _live: old, _plugin: old_plugin })
    }

    /// Exchanges what goes from one plugin to the next with that of another instance. Rates do not: the limits may be others.
    fn exchange(&mut self, live: &mut Live) {
        if let Some(own) = self.carried() {
            let other = &mut live.store.data_mut().carried;
            mem::swap(&mut own.kept, &mut other.kept);
            mem::swap(&mut own.bulks, &mut other.bulks);
            mem::swap(&mut own.own, &mut other.own);
        }
    }

    /// `stop`, and the end.
    pub fn stop(mut self, host: Host<'_>) -> Retired {
        let live = self.live.take().map(|live| Self::stop_live(live, host, &self.env));
        Retired { _live: live, _plugin: self.plugin }
    }

    /// The last call of an instance. Whether it fails makes no difference to anybody but its author.
    fn stop_live(mut live: Live, host: Host<'_>, env: &Env) -> Live {
        let Some(function) = live.exports.stop else { return live };
        let time = Time::hook(&env.limits);
        let stopped = live.call(Some(host), Hook::Stop, time, |_, store| function.call(store, ()));
        if let Err(error) = stopped {
            tracing::warn!(
                title = %env.title,
                generation = env.generation,
                hook = Hook::Stop.name(),
                why = describe(&error),
                "plugin failed in its last call"
            );
        }
        live
    }

    /// Ends a quarantine or a wait: a new instance is made at once, with the state kept last.
    pub fn resume(&mut self, mut host: Host<'_>) {
        if self.live.is_some() {
            return;
        }
        self.recent.clear();
        self.subscriptions = Arc::clone(self.plugin.hooks());
        self.health = Health::Restarting { at: host.monotonic() };
        self.ready(&mut host);
    }

    /// The state to try a candidate with: what was kept or saved last.
    pub fn state(&self) -> Option<&[u8]> {
        match (&self.live, &self.carried) {
            (Some(live), _) => live.store.data().carried.kept.as_deref(),
            (None, carried) => carried.as_ref()?.kept.as_deref(),
        }
    }

    /// What the plugin is called for. Nothing while it is quarantined: another allocation then, so that a copy elsewhere can be compared
    /// by [`Arc::ptr_eq`] after each call.
    pub fn subscriptions(&self) -> &Arc<Subscriptions> {
        &self.subscriptions
    }

    /// The plugin that serves.
    pub fn plugin(&self) -> &Arc<Plugin> {
        &self.plugin
    }

    /// Its environment.
    pub fn env(&self) -> &Arc<Env> {
        &self.env
    }

    /// Where it serves.
    pub fn role(&self) -> Role {
        self.role
    }

    /// How it does.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Failures since the plugin was installed or swapped in.
    pub fn failures(&self) -> u64 {
        self.failures
    }

    /// Bytes of linear memory of its instance.
    pub fn memory(&self) -> usize {
        self.live.as_ref().map_or(0, |live| live.store.data().memory())
    }

    /// The caller cannot use what a hook answered: `replace` does not fit the wire's fields, say. Counts and acts like a trap; the hook's
    /// declared default is what [`Subscriptions::on_failure`] says.
    pub fn bad_answer(&mut self, host: Host<'_>, hook: Hook, why: &str) {
        self.fail(&host, hook, FailureKind::BadAnswer, why, None);
    }

    /// When [`Guest::run_timers`] is next to be called, on [`Clock::monotonic`](crate::Clock::monotonic): a timer, a transfer that times out or is over, a new
    /// instance, a save. Ask after each call of the guest. Zero: at once, but in a job of its own.
    pub fn next_timer(&self) -> Option<Duration> {
        match (&self.live, &self.health) {
            (Some(live), _) => {
                let state = live.store.data();
                let save = (self.dirty && live.exports.save.is_some()).then_some(self.next_save);
                [state.timers.next(), state.carried.bulks.next(), save].into_iter().flatten().min()
            }
            (None, Health::Restarting { at }) => Some(*at),
            (None, _) => None,
        }
    }

    /// Does what is due.
    pub fn run_timers(&mut self, mut host: Host<'_>) {
        let now = host.monotonic();
        if !self.ready(&mut host) {
            return;
        }
        if let Some(carried) = self.carried() {
            carried.bulks.expire(now);
        }
        for _ in 0..MAX_FIRED {
            let Some(live) = &mut self.live else { return };
            let state = live.store.data_mut();
            if let Some((transfer, outcome)) = state.carried.bulks.take_done() {
                self.bulk_done(&mut host, transfer, outcome);
            } else if let Some(timer) = state.timers.take(now) {
                self.fired(&mut host, timer);
            } else {
                break;
            }
        }
        if self.dirty && now >= self.next_save {
            self.save(&mut host);
        }
    }

    /// A session is over: its timers and transfers go. Call it before telling [`Event::SessionEnded`](crate::api::Event::SessionEnded).
    pub fn session_ended(&mut self, session: SessionId) {
        if let Some(live) = &mut self.live {
            live.store.data_mut().timers.session_ended(session);
        }
        if let Some(carried) = self.carried() {
            carried.bulks.session_ended(session);
        }
    }

    /// `answers.http-done`, if the instance that asked still serves.
    pub fn http_done(&mut self, host: &mut dyn LobbyHost, done: HttpDone) {
        let Some(live) = &mut self.live else { return };
        let state = live.store.data_mut();
        if state.incarnation != done.incarnation {
            return;
        }
        state.http_requests = state.http_requests.saturating_sub(1);
        let Some(function) = live.exports.http_done else { return };
        let response = done.response.as_ref().map_err(String::as_str);
        self.call(&mut Host::Lobby(host), Hook::HttpDone, |_, store| {
            function.call(store, (done.request, response))
        });
    }

    fn fired(&mut self, host: &mut Host<'_>, timer: u64) {
        let Some(function) = self.live.as_ref().and_then(|live| live.exports.fired) else { return };
        self.call(host, Hook::Fired, |_, store| function.call(store, (timer,)));
    }

    fn bulk_done(&mut self, host: &mut Host<'_>, transfer: u64, outcome: Outcome) {
        let Some(function) = self.live.as_ref().and_then(|live| live.exports.bulk_done) else { return };
        self.call(host, Hook::BulkDone, |_, store| function.call(store, (transfer, outcome as u8)));
    }

    /// `lifecycle.save`, if there is one; what it gives is kept.
    fn save(&mut self, host: &mut Host<'_>) {
        self.dirty = false;
        self.next_save = host.monotonic() + self.env.limits.save_every;
        let Some(function) = self.live.as_ref().and_then(|live| live.exports.save) else { return };
        let Some((state,)) = self.call(host, Hook::Save, |_, store| function.call(store, ())) else { return };
        self.dirty = false;
        let limit = self.env.limits.state;
        if state.len() > limit {
            let why = format!("saved a state of {} bytes, at most {limit} are possible", state.len());
            self.fail(host, Hook::Save, FailureKind::BadAnswer, &why, None);
        } else if let Some(carried) = self.carried() {
            carried.kept = Some(state.into());
        }
    }

    fn carried(&mut self) -> Option<&mut Carried> {
        match &mut self.live {
            Some(live) => Some(&mut live.store.data_mut().carried),
            None => self.carried.as_mut(),
        }
    }

    /// Calls a function of the instance. `None`: there is none now, or it failed, which has been dealt with.
    #[inline]
    pub(crate) fn call<R>(
        &mut self,
        host: &mut Host<'_>,
        hook: Hook,
        run: impl FnOnce(&Exports, &mut Store<State>) -> wasmtime::Result<R>,
    ) -> Option<R> {
        if self.live.is_none() && !self.ready(host) {
            return None;
        }
        let live = self.live.as_mut()?;
        let limits = &self.env.limits;
        let cpu = if hook == Hook::Packets { limits.packets_cpu } else { limits.hook_cpu };
        let time = Time { cpu, wall: limits.hook_wall };
        self.dirty = true;
        let result = live.call(Some(host.reborrow()), hook, time, run);
        self.meter.called(hook, live.store.data().budget.elapsed());
        match result {
            Ok(answer) => Some(answer),
            Err(error) => {
                let backtrace = error.downcast_ref::<WasmBacktrace>();
                let kind = if error.is::<Overtime>() {
                    FailureKind::Deadline
                } else if backtrace.is_some() || error.is::<wasmtime::Trap>() {
                    FailureKind::Trap
                } else {
                    // The guest returned, and what it returned could not be read.
                    FailureKind::BadAnswer
                };
                self.fail(host, hook, kind, &describe(&error), backtrace);
                None
            }
        }
    }

    /// Asks something about the functions of the instance; false if there is none and none can be made now.
    pub(crate) fn exports(&self, ask: impl FnOnce(&Exports) -> bool) -> bool {
        self.live.as_ref().is_some_and(|live| ask(&live.exports))
    }

    /// An answer that no plugin may give.
    pub(crate) fn refuse_answer(&mut self, host: &Host<'_>, hook: Hook, why: &str) {
        self.fail(host, hook, FailureKind::BadAnswer, why, None);
    }

    /// Whether there is an instance; makes one if it is time.
    fn ready(&mut self, host: &mut Host<'_>) -> bool {
        if self.live.is_some() {
            return true;
        }
        match self.health {
            Health::Restarting { at } if host.monotonic() >= at => self.restart(host),
            _ => false,
        }
    }

    fn restart(&mut self, host: &mut Host<'_>) -> bool {
        let time = Time::hook(&self.env.limits);
        self.meter.restarted();
        let made = self.plugin.instance(self.role, &self.env, &self.meter, time).and_then(|mut live| {
            if let Some(carried) = self.carried.take() {
                live.store.data_mut().carried = carried;
            }
            let state = live.store.data().carried.kept.clone();
            let begun = live
                .restore(Some(host.reborrow()), state.as_deref(), time)
                .and_then(|()| live.start(host.reborrow(), time));
            match begun {
                Ok(()) => Ok(live),
                Err(why) => {
                    let mut carried = live.store.into_data().carried;
                    carried.kept = state;
                    self.carried = Some(carried);
                    Err(why)
                }
            }
        });
        match made {
            Ok(live) => {
                self.live = Some(live);
                self.health = Health::Serving;
                true
            }
            Err(why) => {
                let (hook, why) = restart_failure(&why);
                self.fail(host, hook, FailureKind::Restart, &why, None);
                false
            }
        }
    }

    /// Drops the instance, tells, counts, and decides when there is to be another.
    fn fail(
        &mut self,
        host: &Host<'_>,
        hook: Hook,
        kind: FailureKind,
        why: &str,
        backtrace: Option<&WasmBacktrace>,
    ) {
        let now = host.monotonic();
        let limits = &self.env.limits;
        self.failures += 1;
        self.meter.failed(hook, kind);
        if let Some(live) = self.live.take() {
            self.carried = Some(live.store.into_data().carried);
        }
        let since = now.saturating_sub(limits.failure_window);
        self.recent.retain(|failure| *failure >= since);
        self.recent.push_back(now);
        let why = printable(why, MAX_BACKTRACE);
        let backtrace = backtrace.map(WasmBacktrace::to_string).unwrap_or_default();
        tracing::warn!(
            title = %self.env.title,
            plugin = %self.plugin.manifest().description.name,
            generation = self.env.generation,
            hook = hook.name(),
            kind = kind.label(),
            why,
            backtrace = printable_lines(&backtrace),
            "plugin failed"
        );
        let count = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        if count >= limits.failures {
            tracing::error!(
                title = %self.env.title,
                plugin = %self.plugin.manifest().description.name,
                generation = self.env.generation,
                failures = count,
                why,
                "plugin quarantined: the title goes on without it"
            );
            self.meter.quarantined();
            self.subscriptions = Arc::default();
            self.health = Health::Quarantined { why: format!("{}: {why}", hook.name()), since: now };
            return;
        }
        let wait = match count {
            0 | 1 => Duration::ZERO,
            _ => limits
                .backoff
                .saturating_mul(1_u32.checked_shl(count - 2).unwrap_or(u32::MAX))
                .min(MAX_BACKOFF),
        };
        self.health = Health::Restarting { at: now + wait };
    }
}

/// A guest is made on one thread and serves on another.
const _: () = {
    const fn can_be_sent<T: Send>() {}
    can_be_sent::<Guest>();
    can_be_sent::<Candidate>();
    can_be_sent::<Retired>();
};

/// A failure to make an instance, without the file's name, and where it was.
fn restart_failure(why: &LoadFailure) -> (Hook, String) {
    let hook = match why {
        LoadFailure::Failed { function, .. } | LoadFailure::Refused { function, .. } => Hook::parse(function),
        _ => None,
    };
    (hook.unwrap_or(Hook::Start), why.to_string())
}

/// A backtrace, bounded, its lines apart by ` | `.
fn printable_lines(backtrace: &str) -> String {
    let lines: Vec<&str> = backtrace.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    printable(&lines.join(" | "), MAX_BACKTRACE)
}
