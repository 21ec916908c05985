//! The instance that serves: calls of hooks, its health, swapping.

use std::sync::Arc;
use std::time::Duration;

use crate::api::*;
use crate::error::LoadError;
use crate::hook::{Hook, Subscriptions};
use crate::host::{Host, LobbyHost, RelayHost};
use crate::http::HttpDone;
use crate::plugin::{Candidate, Env, Plugin};

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
    _candidate: Candidate,
}

/// The plugin as it serves in one place: its instance, its timers and transfers, its health.
pub struct Guest {
    current: Candidate,
}

macro_rules! verdicts {
    ($($(#[$doc:meta])* $method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {$(
        $(#[$doc])*
        pub fn $method(&mut self, host: &mut dyn LobbyHost, who: &Who $(, $argument: $type)*) -> $answer {
            let _ = (host, who $(, $argument)*);
            <$answer>::Pass
        }
    )*};
}

impl Guest {
    /// Lets the candidate serve: `start(role)`.
    pub fn install(candidate: Candidate, host: Host<'_>) -> Result<Self, LoadError> {
        let _ = host;
        Ok(Self { current: candidate })
    }

    /// Exact hand-over between two calls: the old one's `save`, the new one's `restore` of that and `start(role)`, then the new one serves, and the
    /// old one's `stop`. If anything fails, the old one goes on serving. Also ends a quarantine; then the state is that kept last.
    pub fn swap(&mut self, candidate: Candidate, host: Host<'_>) -> Result<Retired, LoadError> {
        let _ = host;
        Ok(Retired { _candidate: std::mem::replace(&mut self.current, candidate) })
    }

    /// `stop`, and the end.
    pub fn stop(self, host: Host<'_>) -> Retired {
        let _ = host;
        Retired { _candidate: self.current }
    }

    /// Ends a quarantine: a new instance is made at once, with the state kept last.
    pub fn resume(&mut self, host: Host<'_>) {
        let _ = host;
    }

    /// The state to try a candidate with: what was kept or saved last.
    pub fn state(&self) -> Option<&[u8]> {
        None
    }

    /// What the plugin is called for. Nothing while it is quarantined.
    pub fn subscriptions(&self) -> &Arc<Subscriptions> {
        self.current.plugin.hooks()
    }

    /// The plugin that serves.
    pub fn plugin(&self) -> &Arc<Plugin> {
        &self.current.plugin
    }

    /// Its environment.
    pub fn env(&self) -> &Arc<Env> {
        &self.current.env
    }

    /// How it does.
    pub fn health(&self) -> Health {
        Health::Serving
    }

    /// Failures since the plugin was installed or swapped in.
    pub fn failures(&self) -> u64 {
        0
    }

    /// Bytes of linear memory of its instance.
    pub fn memory(&self) -> usize {
        0
    }

    verdicts! {
        /// `lobby.session-begin`. Never [`Verdict::Replace`].
        session_begin(request: &SessionBeginRequest) -> Verdict<SessionBeginRequest>;
        /// `lobby.login`.
        login(request: &LoginRequest) -> Verdict<LoginRequest>;
        /// `lobby.registration`.
        registration(request: &RegistrationRequest) -> Verdict<RegistrationRequest>;
        /// `lobby.logout`. Never [`Verdict::Replace`].
        logout() -> Verdict<()>;
        /// `lobby.create-channel`.
        create_channel(request: &CreateChannelRequest) -> Verdict<CreateChannelRequest>;
        /// `lobby.join-channel`.
        join_channel(request: &JoinChannelRequest) -> Verdict<JoinChannelRequest>;
        /// `lobby.create-game`.
        create_game(request: &CreateGameRequest) -> Verdict<CreateGameRequest>;
        /// `lobby.join-game`.
        join_game(request: &JoinGameRequest) -> Verdict<JoinGameRequest>;
        /// `lobby.join-answer`. Never [`Verdict::Reply`].
        join_answer(answer: &JoinGameAnswer) -> Verdict<JoinGameAnswer>;
        /// `lobby.end-game`. Never [`Verdict::Reply`].
        end_game(report: &EndGameReport) -> Verdict<EndGameReport>;
        /// `lobby.world-report`. Never [`Verdict::Reply`].
        world_report(report: &WorldStatusReport) -> Verdict<WorldStatusReport>;
        /// `lobby.player-report`. Never [`Verdict::Reply`].
        player_report(report: &PlayerStatsReport) -> Verdict<PlayerStatsReport>;
        /// `lobby.chat`.
        chat(line: &ChatLine) -> Verdict<ChatLine>;
        /// `lobby.find-player`.
        find_player(request: &FindPlayerRequest) -> Verdict<FindPlayerRequest>;
        /// `lobby.texts`.
        texts(kind: u8) -> Verdict<Vec<Text>>;
        /// `lobby.filter-text`. Never [`Verdict::Reply`].
        filter_text(kind: u8, text: &Text) -> Verdict<Text>;
        /// `stats.update-blob`. Never [`Verdict::Reply`].
        update_blob(clan: ClanId, stats: &[u8]) -> Verdict<Vec<u8>>;
        /// `stats.update-ladder`. Never [`Verdict::Reply`].
        update_ladder(stats: &LadderStats) -> Verdict<Vec<i32>>;
        /// `messages.incoming`, if [`Subscriptions::message`] says so.
        incoming(message: &Message) -> Verdict<Message>;
        /// `messages.outgoing`, likewise.
        outgoing(message: &Message) -> Verdict<Message>;
        /// `messages.rt-incoming`, if [`Subscriptions::rt`] says so.
        rt_incoming(id: u8, body: &[u8]) -> RtVerdict;
        /// `messages.rt-outgoing`, likewise.
        rt_outgoing(id: u8, body: &[u8]) -> RtVerdict;
    }

    /// `lobby.hidden`: which of `ids` are not to be shown. Empty where the hook fails.
    pub fn hidden(&mut self, host: &mut dyn LobbyHost, who: &Who, kind: u8, ids: &[i32]) -> Vec<i32> {
        let _ = (host, who, kind, ids);
        Vec::new()
    }

    /// `stats.told-ladder`: other columns to tell, as many as there were. `None`: as they are.
    pub fn told_ladder(
        &mut self,
        host: &mut dyn LobbyHost,
        who: &Who,
        stats: &LadderStats,
    ) -> Option<Vec<i32>> {
        let _ = (host, who, stats);
        None
    }

    /// `events.happened`, if subscribed.
    pub fn happened(&mut self, host: Host<'_>, event: &Event) {
        let _ = (host, event);
    }

    /// `commands.run`.
    pub fn command(&mut self, host: &mut dyn LobbyHost, name: &str, arguments: &[String]) -> CommandOutcome {
        let _ = (host, name, arguments);
        CommandOutcome::Unknown
    }

    /// `answers.cheat-reply`.
    pub fn cheat_reply(&mut self, host: &mut dyn LobbyHost, who: &Who, kind: u8, sequence: u32, data: &[u8]) {
        let _ = (host, who, kind, sequence, data);
    }

    /// `answers.http-done`, if the instance that asked still serves.
    pub fn http_done(&mut self, host: &mut dyn LobbyHost, done: HttpDone) {
        let _ = (host, done);
    }

    /// The caller cannot use what a hook answered: `replace` does not fit the wire's fields, say. Counts and acts like a trap; the hook's
    /// declared default is what [`Subscriptions::on_failure`] says.
    pub fn bad_answer(&mut self, host: Host<'_>, hook: Hook, why: &str) {
        let _ = (host, hook, why);
    }

    /// When [`Guest::run_timers`] is next to be called, on [`Clock::monotonic`](crate::Clock::monotonic): a timer, a transfer that times out, a new instance, a save.
    pub fn next_timer(&self) -> Option<Duration> {
        None
    }

    /// Does what is due.
    pub fn run_timers(&mut self, host: Host<'_>) {
        let _ = host;
    }

    /// A session is over: its timers and transfers go. Call it before telling [`Event::SessionEnded`].
    pub fn session_ended(&mut self, host: &mut dyn LobbyHost, session: SessionId) {
        let _ = (host, session);
    }

    /// `relay.joined`.
    pub fn joined(&mut self, host: &mut dyn RelayHost, seat: &Seat) {
        let _ = (host, seat);
    }

    /// `relay.left`.
    pub fn left(&mut self, host: &mut dyn RelayHost, world: u32, index: u16) {
        let _ = (host, world, index);
    }

    /// `relay.packets`: the packets of a batch that do not pass, in order of their places.
    pub fn packets(&mut self, host: &mut dyn RelayHost, batch: &[Packet]) -> Vec<(u32, PacketVerdict)> {
        let _ = (host, batch);
        Vec::new()
    }
}
