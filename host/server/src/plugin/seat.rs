//! The place of a title's plugin in the title's actor: calls between two messages, events after them, timers, replacing it.
//!
//! | state | what the title does |
//! |---|---|
//! | empty | runs on the host's own rules; a message costs one look at the subscriptions, which are none |
//! | serving | calls the plugin for what it subscribes to |
//! | restarting, quarantined | as empty; the guest itself comes back, or waits for [`TitleHandle::resume_plugin`] or another plugin |

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use medley_runtime::api::{
    ChannelEvent, Command, CommandOutcome, Event, GameEvent, GameStatus, Role, SessionEvent,
};
use medley_runtime::{Candidate, Guest, Health, Hook, Host, HttpDone, LoadError, Retired, Settings};
use medley_universe::{EndReason, Notice, Time};
use serde::Serialize;

use crate::actor::{Actor, TitleGone, TitleHandle};
use crate::plugin::host::{TitleHost, Write};

/// Events that one job may raise; what is over is dropped and counted. A plugin whose answers to events raise events never
/// ends otherwise.
const EVENTS_A_JOB: usize = 4096;

/// A title's plugin in its actor.
#[derive(Default)]
pub(crate) struct Seat {
    guest: Option<Guest>,
    events: VecDeque<Event>,
}

/// What a plugin is and how it does, for operators.
#[derive(Clone, Debug, Serialize)]
pub struct PluginView {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// Where it came from.
    pub origin: String,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// The version of the interface that it is built against.
    pub interface: String,
    /// Counts the loads and reloads of the title's plugin.
    pub generation: u64,
    /// `serving`, `restarting` or `quarantined`.
    pub health: &'static str,
    /// Why it is quarantined.
    pub why: Option<String>,
    /// Failures since it was taken in.
    pub failures: u64,
    /// Linear memory of its instance in the lobby, bytes.
    pub memory: usize,
    /// What it asks for.
    pub wants: Vec<String>,
    /// What of that `game.toml` does not grant.
    pub not_granted: Vec<String>,
    /// Hooks and events that it is called for.
    pub hooks: Vec<&'static str>,
    /// Operators' commands: name, usage, help.
    pub commands: Vec<(String, String, String)>,
}

impl PluginView {
    fn of(guest: &Guest) -> Self {
        let (plugin, env) = (guest.plugin(), guest.env());
        let manifest = plugin.manifest();
        let (health, why) = match guest.health() {
            Health::Serving => ("serving", None),
            Health::Restarting { .. } => ("restarting", None),
            Health::Quarantined { why, .. } => ("quarantined", Some(why)),
        };
        let names = |grants: &medley_runtime::Grants| grants.iter().map(ToString::to_string).collect();
        Self {
            name: manifest.description.name.clone(),
            version: manifest.description.version.clone(),
            summary: manifest.description.summary.clone(),
            origin: plugin.origin().to_owned(),
            digest: plugin.digest().to_owned(),
            interface: manifest.interface.clone(),
            generation: env.generation,
            health,
            why,
            failures: guest.failures(),
            memory: guest.memory(),
            wants: names(&manifest.wanted),
            not_granted: names(&manifest.wanted.without(&env.grants)),
            hooks: Hook::ALL
                .iter()
                .filter(|hook| plugin.hooks().wants(**hook))
                .map(|hook| hook.name())
                .collect(),
            commands: plugin.hooks().commands().iter().map(command).collect(),
        }
    }
}

fn command(command: &Command) -> (String, String, String) {
    (command.name.clone(), command.usage.clone(), command.help.clone())
}

/// How a plugin was taken in.
pub struct Installed {
    /// For how long the title waited.
    pub pause: Duration,
    /// What served before. Dropping it frees its memory, which is why it is not dropped in the actor.
    pub retired: Option<Retired>,
}

impl std::fmt::Debug for Installed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Installed").field("pause", &self.pause).finish_non_exhaustive()
    }
}

impl Actor {
    /// Calls the plugin, if there is one, and gathers what it wrote.
    pub(crate) fn consult<T>(
        &mut self,
        now: Time,
        call: impl FnOnce(&mut Guest, &mut TitleHost<'_>) -> T,
    ) -> Option<(T, Vec<Write>)> {
        let shared = self.shared.upgrade()?;
        let guest = self.seat.guest.as_mut()?;
        let mut host = TitleHost {
            universe: &mut self.universe,
            connections: &mut self.connections,
            title: &self.title,
            shared: &shared,
            now,
            most_keys: guest.env().limits.keys,
            writes: Vec::new(),
        };
        let value = call(guest, &mut host);
        let writes = host.writes;
        self.publish_hooks();
        Some((value, writes))
    }

    /// Lets connections know what the plugin is called for; that changes with its health too.
    fn publish_hooks(&self) {
        let Some(handle) = self.handle() else { return };
        let now = self.seat.guest.as_ref().map(Guest::subscriptions);
        let published = handle.hooks();
        let same = match (&*published, now) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (None, None) => true,
            _ => false,
        };
        if !same {
            handle.set_hooks(now.cloned());
        }
    }

    /// Notes what happened for the plugin, to be told when the job is over.
    pub(crate) fn note_for_plugin(&mut self, notice: &Notice) {
        let Some(guest) = &self.seat.guest else { return };
        let Some(event) = event(notice) else { return };
        // The end of a session also takes its timers and transfers, which the guest has to hear of in any case.
        let wanted = guest.subscriptions().wants_event(&event) || matches!(event, Event::SessionEnded(_));
        if !wanted {
            return;
        }
        if self.seat.events.len() < EVENTS_A_JOB {
            self.seat.events.push_back(event);
        } else {
            metrics::counter!(crate::events::PLUGIN_EVENTS_LOST, "title" => self.title.as_str().to_owned())
                .increment(1);
        }
    }

    /// Tells the plugin what happened during the job, and what came of telling it.
    pub(crate) fn tell_plugin(&mut self, now: Time) {
        for _ in 0..EVENTS_A_JOB {
            let Some(event) = self.seat.events.pop_front() else { return };
            self.consult(now, |guest, host| {
                if let Event::SessionEnded((ended, _)) = &event {
                    guest.session_ended(ended.session);
                }
                if guest.subscriptions().wants_event(&event) {
                    guest.happened(Host::Lobby(host), &event);
                }
            });
            self.carry_out();
        }
        let lost = self.seat.events.len();
        self.seat.events.clear();
        if lost > 0 {
            tracing::warn!(lost, "a plugin's answers to events raise more events without end");
            metrics::counter!(crate::events::PLUGIN_EVENTS_LOST, "title" => self.title.as_str().to_owned())
                .increment(lost as u64);
        }
    }

    /// When the plugin wants to be called by itself, on the clock of [`medley_runtime::Clock::monotonic`].
    pub(crate) fn plugin_deadline(&self) -> Option<Duration> {
        self.seat.guest.as_ref().and_then(Guest::next_timer)
    }

    /// Does what of the plugin is due.
    pub(crate) fn run_plugin_timers(&mut self, now: Time) {
        let shared = self.shared.upgrade();
        let due =
            self.plugin_deadline().zip(shared).is_some_and(|(at, shared)| at <= shared.clock.session_now().0);
        if due {
            self.consult(now, |guest, host| guest.run_timers(Host::Lobby(host)));
        }
    }

    /// Puts a candidate into the seat, instead of whatever serves. On an error that goes on serving.
    fn seat_plugin(&mut self, now: Time, candidate: Candidate) -> Result<Installed, LoadError> {
        let began = Instant::now();
        let retired = if self.seat.guest.is_some() {
            let swapped = self.consult(now, |guest, host| guest.swap(candidate, Host::Lobby(host)));
            swapped.map(|(swapped, _)| swapped).transpose()?
        } else {
            let Some(shared) = self.shared.upgrade() else {
                return Ok(Installed { pause: Duration::ZERO, retired: None });
            };
            let mut host = TitleHost {
                universe: &mut self.universe,
                connections: &mut self.connections,
                title: &self.title,
                shared: &shared,
                now,
                most_keys: candidate.env().limits.keys,
                writes: Vec::new(),
            };
            self.seat.guest = Some(Guest::install(candidate, Host::Lobby(&mut host))?);
            self.publish_hooks();
            None
        };
        Ok(Installed { pause: began.elapsed(), retired })
    }
}

impl TitleHandle {
    /// Takes a plugin in, instead of whatever serves. On an error that goes on serving, or nothing as before.
    pub async fn install_plugin(
        &self,
        candidate: Candidate,
    ) -> Result<Result<Installed, LoadError>, TitleGone> {
        debug_assert_eq!(candidate.role(), Role::Lobby);
        self.job(move |actor, now| actor.seat_plugin(now, candidate)).await
    }

    /// Lets the title run on the host's own rules. Gives what served, to be dropped where that disturbs nobody.
    pub async fn remove_plugin(&self) -> Result<Option<Retired>, TitleGone> {
        self.job(move |actor, now| {
            actor.seat.events.clear();
            // The seat is empty while the last call runs, so what it changes is told to nobody.
            let guest = actor.seat.guest.take()?;
            let shared = actor.shared.upgrade()?;
            let mut host = TitleHost {
                universe: &mut actor.universe,
                connections: &mut actor.connections,
                title: &actor.title,
                shared: &shared,
                now,
                most_keys: guest.env().limits.keys,
                writes: Vec::new(),
            };
            let retired = guest.stop(Host::Lobby(&mut host));
            actor.publish_hooks();
            Some(retired)
        })
        .await
    }

    /// What the plugin kept or saved last, to try another version with.
    pub async fn plugin_state(&self) -> Result<Option<Vec<u8>>, TitleGone> {
        self.job(|actor, _| actor.seat.guest.as_ref().and_then(Guest::state).map(<[u8]>::to_vec)).await
    }

    /// What the plugin is and how it does; `None` without one.
    pub async fn plugin(&self) -> Result<Option<PluginView>, TitleGone> {
        self.job(|actor, _| actor.seat.guest.as_ref().map(PluginView::of)).await
    }

    /// Ends a quarantine. `None`: there is no plugin.
    pub async fn resume_plugin(&self) -> Result<Option<PluginView>, TitleGone> {
        self.job(|actor, now| {
            actor.consult(now, |guest, host| {
                guest.resume(Host::Lobby(host));
                PluginView::of(guest)
            })
        })
        .await
        .map(|view| view.map(|(view, _)| view))
    }

    /// Runs an operator's command of the plugin and waits until what it wrote is durable. `None`: there is no plugin.
    pub async fn plugin_command(
        &self,
        name: String,
        arguments: Vec<String>,
    ) -> Result<Option<CommandOutcome>, TitleGone> {
        let run = self
            .job(move |actor, now| actor.consult(now, |guest, host| guest.command(host, &name, &arguments)));
        let Some((outcome, writes)) = run.await? else { return Ok(None) };
        for write in writes {
            if let Err(error) = write.await {
                return Ok(Some(CommandOutcome::Failed(error.to_string())));
            }
        }
        Ok(Some(outcome))
    }

    /// Gives a running plugin other settings, which were checked against its manifest. Says what changed; `None` without a
    /// plugin.
    pub async fn set_plugin_settings(&self, settings: Settings) -> Result<Option<Vec<String>>, TitleGone> {
        let set = move |actor: &mut Actor, now| {
            actor.consult(now, |guest, host| {
                let before = guest.env().settings.swap(Arc::new(settings));
                let changed = guest.env().settings.load().changed(&before);
                if !changed.is_empty() && guest.subscriptions().wants(Hook::SettingsChanged) {
                    guest.happened(Host::Lobby(host), &Event::SettingsChanged(changed.clone()));
                }
                changed
            })
        };
        self.job(set).await.map(|changed| changed.map(|(changed, _)| changed))
    }

    /// Hands a message of the plugin's instances in the relay to that in the lobby. Nobody waits for it; a title with a
    /// full queue misses it.
    pub fn plugin_link(&self, from: Role, data: Vec<u8>) {
        self.try_job(move |actor, now| {
            actor.consult(now, |guest, host| {
                if guest.subscriptions().wants(Hook::Link) {
                    guest.happened(Host::Lobby(host), &Event::Link((from as u8, data)));
                }
            });
        });
    }

    /// Hands a finished HTTP request to the plugin, if the instance that asked still serves.
    pub fn http_done(&self, done: HttpDone) {
        self.try_job(move |actor, now| {
            actor.consult(now, |guest, host| guest.http_done(host, done));
        });
    }

    /// Tells the plugin of an event that the universe knows nothing of.
    pub(crate) async fn tell_event(&self, event: Event) {
        let told = self.job(move |actor, now| {
            actor.consult(now, |guest, host| {
                if guest.subscriptions().wants_event(&event) {
                    guest.happened(Host::Lobby(host), &event);
                }
            });
        });
        // Without a title there is nobody to tell.
        let _ = told.await;
    }
}

fn end_reason(reason: EndReason) -> u8 {
    match reason {
        EndReason::Left => 1,
        EndReason::TimedOut => 2,
        EndReason::Replaced => 3,
        EndReason::Kicked => 4,
        EndReason::Banned => 5,
        EndReason::TooManyConnections => 6,
    }
}

/// A notice of the universe as plugins are told it.
fn event(notice: &Notice) -> Option<Event> {
    Some(match *notice {
        Notice::LoggedIn { session, account } => {
            Event::LoggedIn(SessionEvent { session: session.0, account: account.0 })
        }
        Notice::SessionEnded { session, account, reason } => {
            let ended = SessionEvent { session: session.0, account: account.map_or(0, |id| id.0) };
            Event::SessionEnded((ended, end_reason(reason)))
        }
        Notice::EnteredChannel { session, channel } => {
            Event::EnteredChannel(ChannelEvent { session: session.0, channel: channel.0 })
        }
        Notice::ChannelCreated(channel) => Event::ChannelCreated(channel.0),
        Notice::ChannelRemoved(channel) => Event::ChannelRemoved(channel.0),
        Notice::GameCreated(game) => Event::GameCreated(game.0),
        Notice::GameStatus { game, from, to } => {
            Event::GameStatus(GameStatus { game: game.0, from: from.0, to: to.0 })
        }
        Notice::JoinedGame { session, game } => {
            Event::JoinedGame(GameEvent { session: session.0, game: game.0 })
        }
        Notice::LeftGame { session, game } => Event::LeftGame(GameEvent { session: session.0, game: game.0 }),
        Notice::HostLeft { game, new_host } => {
            Event::HostLeft(GameEvent { session: new_host.map_or(0, |key| key.0), game: game.0 })
        }
        Notice::GameRemoved(game) => Event::GameRemoved(game.0),
        Notice::GameServerLost(_) => return None,
    })
}
