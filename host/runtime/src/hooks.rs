//! The hooks of a guest, a method each: the call, the check of the answer, the declared default where it fails.

use crate::api::*;
use crate::bindings::exports::medley::plugin::{lobby, messages, relay, stats};
use crate::guest::{Guest, Health};
use crate::hook::Hook;
use crate::host::{Host, LobbyHost, RelayHost};

/// Most messages of a reply, and most texts.
const MAX_MESSAGES: usize = 256;

/// A verdict of the interface as that of the host; the error says why no plugin may answer so.
trait Check {
    type Checked;
    fn check(self) -> Result<Self::Checked, String>;
}

macro_rules! verdict {
    ($($verdict:ty => $replaced:ty $(, replace = $replace:ident)? $(, reply = $reply:ident)?;)*) => {$(
        impl Check for $verdict {
            type Checked = Verdict<$replaced>;

            fn check(self) -> Result<Self::Checked, String> {
                match self {
                    Self::Pass => Ok(Verdict::Pass),
                    $( Self::$replace(value) => Ok(Verdict::Replace(value)), )?
                    $( Self::$reply(messages) => reply(messages), )?
                    Self::Deny(status) => deny(status),
                    Self::Other(kind) => Err(unknown(kind)),
                }
            }
        }
    )*};
}

verdict! {
    lobby::SessionVerdict => SessionBeginRequest, reply = Reply;
    lobby::LoginVerdict => LoginRequest, replace = Replace, reply = Reply;
    lobby::RegistrationVerdict => RegistrationRequest, replace = Replace, reply = Reply;
    lobby::Verdict => (), reply = Reply;
    lobby::CreateChannelVerdict => CreateChannelRequest, replace = Replace, reply = Reply;
    lobby::JoinChannelVerdict => JoinChannelRequest, replace = Replace, reply = Reply;
    lobby::CreateGameVerdict => CreateGameRequest, replace = Replace, reply = Reply;
    lobby::JoinGameVerdict => JoinGameRequest, replace = Replace, reply = Reply;
    lobby::JoinAnswerVerdict => JoinGameAnswer, replace = Replace;
    lobby::EndGameVerdict => EndGameReport, replace = Replace;
    lobby::WorldReportVerdict => WorldStatusReport, replace = Replace;
    lobby::PlayerReportVerdict => PlayerStatsReport, replace = Replace;
    lobby::ChatVerdict => ChatLine, replace = Replace, reply = Reply;
    lobby::FindPlayerVerdict => FindPlayerRequest, replace = Replace, reply = Reply;
    lobby::TextsVerdict => Vec<Text>, replace = Replace, reply = Reply;
    lobby::TextVerdict => Text, replace = Replace;
    stats::BlobVerdict => Vec<u8>, replace = Replace;
    stats::LadderVerdict => Vec<i32>, replace = Replace;
    messages::MessageVerdict => Message, replace = Replace, reply = Reply;
}

impl Check for messages::RtVerdict {
    type Checked = RtVerdict;

    fn check(self) -> Result<RtVerdict, String> {
        match self {
            Self::Pass => Ok(RtVerdict::Pass),
            Self::Replace(body) => Ok(RtVerdict::Replace(body)),
            Self::Drop => Ok(RtVerdict::Drop),
            Self::Other(kind) => Err(unknown(kind)),
        }
    }
}

fn reply<T>(messages: Vec<Message>) -> Result<Verdict<T>, String> {
    if messages.len() > MAX_MESSAGES {
        return Err(format!("replied with {} messages, at most {MAX_MESSAGES} are possible", messages.len()));
    }
    Ok(Verdict::Reply(messages))
}

fn deny<T>(status: Status) -> Result<Verdict<T>, String> {
    if status >= 0 {
        return Err(format!("denied with status {status}, and a refusal is negative"));
    }
    Ok(Verdict::Deny(status))
}

fn unknown(kind: u32) -> String {
    format!("answered a verdict of kind {kind}, which this host does not know")
}

macro_rules! hooks {
    ($($(#[$doc:meta])* $hook:ident $method:ident($($argument:ident: $type:ty),*) -> $replaced:ty;)*) => {$(
        $(#[$doc])*
        #[inline]
        pub fn $method(&mut self, host: &mut dyn LobbyHost, who: &Who $(, $argument: $type)*) -> Verdict<$replaced> {
            if !self.subscriptions().wants(Hook::$hook) {
                return Verdict::Pass;
            }
            let mut host = Host::Lobby(host);
            let answer = self.call(&mut host, Hook::$hook, |exports, store| {
                let function = exports.$method.ok_or_else(missing)?;
                function.call(store, (*who, $($argument,)*)).map(|(answer,)| answer)
            });
            match answer.map(Check::check) {
                Some(Ok(verdict)) => verdict,
                Some(Err(why)) => {
                    self.refuse_answer(&host, Hook::$hook, &why);
                    self.default_of(Hook::$hook)
                }
                None => self.default_of(Hook::$hook),
            }
        }
    )*};
}

macro_rules! rt_hooks {
    ($($(#[$doc:meta])* $hook:ident $method:ident;)*) => {$(
        $(#[$doc])*
        pub fn $method(&mut self, host: &mut dyn LobbyHost, who: &Who, id: u8, body: &[u8]) -> RtVerdict {
            if !self.subscriptions().wants(Hook::$hook) {
                return RtVerdict::Pass;
            }
            let mut host = Host::Lobby(host);
            let answer = self.call(&mut host, Hook::$hook, |exports, store| {
                let function = exports.$method.ok_or_else(missing)?;
                function.call(store, (*who, id, body)).map(|(answer,)| answer)
            });
            match answer.map(Check::check) {
                Some(Ok(verdict)) => verdict,
                Some(Err(why)) => {
                    self.refuse_answer(&host, Hook::$hook, &why);
                    RtVerdict::Pass
                }
                None => RtVerdict::Pass,
            }
        }
    )*};
}

impl Guest {
    hooks! {
        /// `lobby.session-begin`. Never [`Verdict::Replace`].
        SessionBegin session_begin(request: SessionBeginRequest) -> SessionBeginRequest;
        /// `lobby.login`.
        Login login(request: &LoginRequest) -> LoginRequest;
        /// `lobby.registration`.
        Registration registration(request: &RegistrationRequest) -> RegistrationRequest;
        /// `lobby.logout`. Never [`Verdict::Replace`].
        Logout logout() -> ();
        /// `lobby.create-channel`.
        CreateChannel create_channel(request: &CreateChannelRequest) -> CreateChannelRequest;
        /// `lobby.join-channel`.
        JoinChannel join_channel(request: &JoinChannelRequest) -> JoinChannelRequest;
        /// `lobby.create-game`.
        CreateGame create_game(request: &CreateGameRequest) -> CreateGameRequest;
        /// `lobby.join-game`.
        JoinGame join_game(request: &JoinGameRequest) -> JoinGameRequest;
        /// `lobby.join-answer`. Never [`Verdict::Reply`].
        JoinAnswer join_answer(answer: &JoinGameAnswer) -> JoinGameAnswer;
        /// `lobby.end-game`. Never [`Verdict::Reply`].
        EndGame end_game(report: &EndGameReport) -> EndGameReport;
        /// `lobby.world-report`. Never [`Verdict::Reply`].
        WorldReport world_report(report: &WorldStatusReport) -> WorldStatusReport;
        /// `lobby.player-report`. Never [`Verdict::Reply`].
        PlayerReport player_report(report: &PlayerStatsReport) -> PlayerStatsReport;
        /// `lobby.chat`.
        Chat chat(line: &ChatLine) -> ChatLine;
        /// `lobby.find-player`.
        FindPlayer find_player(request: &FindPlayerRequest) -> FindPlayerRequest;
        /// `lobby.texts`.
        Texts texts(kind: u8) -> Vec<Text>;
        /// `lobby.filter-text`. Never [`Verdict::Reply`].
        FilterText filter_text(kind: u8, text: &[u8]) -> Text;
        /// `stats.update-blob`. Never [`Verdict::Reply`].
        UpdateBlob update_blob(clan: ClanId, stats: &[u8]) -> Vec<u8>;
        /// `stats.update-ladder`. Never [`Verdict::Reply`].
        UpdateLadder update_ladder(stats: &LadderStats) -> Vec<i32>;
        /// `messages.incoming`, if [`Subscriptions::message`](crate::Subscriptions::message) says so.
        Incoming incoming(message: &Message) -> Message;
        /// `messages.outgoing`, likewise.
        Outgoing outgoing(message: &Message) -> Message;
    }

    rt_hooks! {
        /// `messages.rt-incoming`, if [`Subscriptions::rt`](crate::Subscriptions::rt) says so.
        RtIncoming rt_incoming;
        /// `messages.rt-outgoing`, likewise.
        RtOutgoing rt_outgoing;
    }

    /// `lobby.hidden`: which of `ids` are not to be shown. Empty where the hook fails.
    pub fn hidden(&mut self, host: &mut dyn LobbyHost, who: &Who, kind: u8, ids: &[i32]) -> Vec<i32> {
        if !self.subscriptions().wants(Hook::Hidden) {
            return Vec::new();
        }
        let mut host = Host::Lobby(host);
        let answer = self.call(&mut host, Hook::Hidden, |exports, store| {
            exports.hidden.ok_or_else(missing)?.call(store, (*who, kind, ids)).map(|(answer,)| answer)
        });
        let Some(hidden) = answer else { return Vec::new() };
        if hidden.len() > ids.len() {
            let why = format!("hid {} of {} ids", hidden.len(), ids.len());
            self.refuse_answer(&host, Hook::Hidden, &why);
            return Vec::new();
        }
        hidden
    }

    /// `stats.told-ladder`: other columns to tell, as many as there were. `None`: as they are.
    pub fn told_ladder(
        &mut self,
        host: &mut dyn LobbyHost,
        who: &Who,
        stats: &LadderStats,
    ) -> Option<Vec<i32>> {
        if !self.subscriptions().wants(Hook::ToldLadder) {
            return None;
        }
        let mut host = Host::Lobby(host);
        let told = self.call(&mut host, Hook::ToldLadder, |exports, store| {
            exports.told_ladder.ok_or_else(missing)?.call(store, (*who, stats)).map(|(answer,)| answer)
        })?;
        let (found, wanted) = (told.len(), stats.stats.len());
        if found != wanted {
            self.refuse_answer(&host, Hook::ToldLadder, &format!("told {found} columns of {wanted}"));
            return None;
        }
        Some(told)
    }

    /// `events.happened`, if subscribed.
    pub fn happened(&mut self, mut host: Host<'_>, event: &Event) {
        let Some(hook) = Hook::of(event).filter(|hook| self.subscriptions().wants(*hook)) else { return };
        self.call(&mut host, hook, |exports, store| {
            exports.happened.ok_or_else(missing)?.call(store, (event,))
        });
    }

    /// `commands.run`.
    pub fn command(&mut self, host: &mut dyn LobbyHost, name: &str, arguments: &[String]) -> CommandOutcome {
        if !self.plugin().hooks().commands().iter().any(|command| command.name == name) {
            return CommandOutcome::Unknown;
        }
        if let Health::Quarantined { why, .. } = self.health() {
            return CommandOutcome::Failed(format!("the plugin is quarantined: {why}"));
        }
        let answer = self.call(&mut Host::Lobby(host), Hook::Run, |exports, store| {
            exports.run.ok_or_else(missing)?.call(store, (name, arguments)).map(|(answer,)| answer)
        });
        match answer {
            Some(Ok(text)) => CommandOutcome::Done(text),
            Some(Err(text)) => CommandOutcome::Refused(text),
            None => CommandOutcome::Failed("the plugin failed; the log says how".to_owned()),
        }
    }

    /// `answers.cheat-reply`.
    pub fn cheat_reply(&mut self, host: &mut dyn LobbyHost, who: &Who, kind: u8, sequence: u32, data: &[u8]) {
        if !self.exports(|exports| exports.cheat_reply.is_some()) {
            return;
        }
        self.call(&mut Host::Lobby(host), Hook::CheatReply, |exports, store| {
            exports.cheat_reply.ok_or_else(missing)?.call(store, (*who, kind, sequence, data))
        });
    }

    /// `relay.joined`.
    pub fn joined(&mut self, host: &mut dyn RelayHost, seat: &Seat) {
        if !self.subscriptions().wants(Hook::Joined) {
            return;
        }
        self.call(&mut Host::Relay(host), Hook::Joined, |exports, store| {
            exports.joined.ok_or_else(missing)?.call(store, (seat,))
        });
    }

    /// `relay.left`.
    pub fn left(&mut self, host: &mut dyn RelayHost, world: u32, index: u16) {
        if !self.subscriptions().wants(Hook::Left) {
            return;
        }
        self.call(&mut Host::Relay(host), Hook::Left, |exports, store| {
            exports.left.ok_or_else(missing)?.call(store, (world, index))
        });
    }

    /// `relay.packets`: the packets of a batch that do not pass, in order of their places.
    pub fn packets(&mut self, host: &mut dyn RelayHost, batch: &[Packet]) -> Vec<(u32, PacketVerdict)> {
        if batch.is_empty() || !self.subscriptions().wants(Hook::Packets) {
            return Vec::new();
        }
        let mut host = Host::Relay(host);
        let answer = self.call(&mut host, Hook::Packets, |exports, store| {
            exports.packets.ok_or_else(missing)?.call(store, (batch,)).map(|(answer,)| answer)
        });
        match answer.map(|verdicts| check_packets(verdicts, batch.len())) {
            Some(Ok(verdicts)) => verdicts,
            Some(Err(why)) => {
                self.refuse_answer(&host, Hook::Packets, &why);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn default_of<T>(&self, hook: Hook) -> Verdict<T> {
        self.plugin().hooks().on_failure(hook).map_or(Verdict::Pass, Verdict::Deny)
    }
}

/// Verdicts in order of their places, each place once and in the batch.
fn check_packets(
    said: Vec<(u32, relay::PacketVerdict)>,
    batch: usize,
) -> Result<Vec<(u32, PacketVerdict)>, String> {
    let mut verdicts = Vec::with_capacity(said.len().min(batch));
    for (place, verdict) in said {
        if usize::try_from(place).map_or(true, |place| place >= batch) {
            return Err(format!("answered for packet {place} of {batch}"));
        }
        verdicts.push((
            place,
            match verdict {
                relay::PacketVerdict::Drop => PacketVerdict::Drop,
                relay::PacketVerdict::Replace(payload) => PacketVerdict::Replace(payload),
                relay::PacketVerdict::Other(kind) => return Err(unknown(kind)),
            },
        ));
    }
    verdicts.sort_by_key(|(place, _)| *place);
    match verdicts.windows(2).find(|pair| matches!(pair, [(first, _), (second, _)] if first == second)) {
        Some(pair) => Err(format!("answered twice for packet {}", pair[0].0)),
        None => Ok(verdicts),
    }
}

/// A subscribed hook has its function: that was checked when the plugin was loaded.
fn missing() -> wasmtime::Error {
    wasmtime::Error::msg("the function is not exported")
}
