//! [`Plugin`]: what a plugin may answer, a method each.

use crate::manifest::{Capability, Description, Setting, Subscription};
use crate::types::{
    AccountId, ChannelId, ChatLine, ClanId, CreateChannelRequest, CreateGameRequest, EndGameReport,
    FindPlayerRequest, GameId, HttpResponse, JoinChannelRequest, JoinGameAnswer, JoinGameRequest,
    LadderStats, LoginRequest, Message, Never, Packet, PacketVerdict, PlayerStatsReport, Refusal,
    RegistrationRequest, Role, RtVerdict, Seat, SessionBeginRequest, SessionId, Text, Verdict, Who,
    WorldStatusReport,
};

/// A title plugin. Each method has a default that changes nothing; [`plugin`](macro@crate::plugin) on the `impl` subscribes
/// to those that are written, and to no others, so that what is not written costs nothing.
///
/// The order of calls: `default()`, [`restore`](Self::restore) if there is something to restore, [`start`](Self::start),
/// [`self_check`](Self::self_check), then hooks and events one at a time; [`save`](Self::save) and [`stop`](Self::stop)
/// when another version takes over. A panic, a call that takes too long or an impossible answer ends the instance: the
/// request goes as the hook's `#[on_failure]` says, and a new instance begins with what was kept last.
pub trait Plugin: Default + 'static {
    // Life.

    /// The instance is about to serve. An error refuses the plugin.
    fn start(&mut self, role: Role) -> Result<(), Refusal> {
        let _ = role;
        Ok(())
    }

    /// What the next instance gets. Called before a swap and now and then. Bounded by the host.
    fn save(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// What an earlier instance saved, maybe of another version of the plugin. Called before `start`. An error refuses the
    /// plugin, and the old one goes on.
    fn restore(&mut self, state: &[u8]) -> Result<(), Refusal> {
        let _ = state;
        Ok(())
    }

    /// Called last, before a new instance takes over. An error refuses the plugin.
    fn self_check(&mut self) -> Result<(), Refusal> {
        Ok(())
    }

    /// The instance has served its last call.
    fn stop(&mut self) {}

    // Requests of the lobby.

    /// SessionBegin of any form.
    fn session_begin(&mut self, who: &Who, request: SessionBeginRequest) -> Verdict {
        let _ = (who, request);
        Verdict::Pass
    }

    /// AccountLogin, AnonymousLogin and TicketLogin, before the password is looked at.
    fn login(&mut self, who: &Who, request: LoginRequest) -> Verdict<LoginRequest> {
        let _ = (who, request);
        Verdict::Pass
    }

    /// AccountRegistration, and the account that a login with an unknown name would make.
    fn registration(&mut self, who: &Who, request: RegistrationRequest) -> Verdict<RegistrationRequest> {
        let _ = (who, request);
        Verdict::Pass
    }

    /// AccountLogout.
    fn logout(&mut self, who: &Who) -> Verdict {
        let _ = who;
        Verdict::Pass
    }

    /// CreateChannel of any form.
    fn create_channel(&mut self, who: &Who, request: CreateChannelRequest) -> Verdict<CreateChannelRequest> {
        let _ = (who, request);
        Verdict::Pass
    }

    /// JoinChannel and JoinLeastPopulatedChannel.
    fn join_channel(&mut self, who: &Who, request: JoinChannelRequest) -> Verdict<JoinChannelRequest> {
        let _ = (who, request);
        Verdict::Pass
    }

    /// CreateGame of any form.
    fn create_game(&mut self, who: &Who, request: CreateGameRequest) -> Verdict<CreateGameRequest> {
        let _ = (who, request);
        Verdict::Pass
    }

    /// JoinGame of any form.
    fn join_game(&mut self, who: &Who, request: JoinGameRequest) -> Verdict<JoinGameRequest> {
        let _ = (who, request);
        Verdict::Pass
    }

    /// What JoinGameResponse is about to tell.
    fn join_answer(&mut self, who: &Who, answer: JoinGameAnswer) -> Verdict<JoinGameAnswer, Never> {
        let _ = (who, answer);
        Verdict::Pass
    }

    /// EndGameReport.
    fn end_game(&mut self, who: &Who, report: EndGameReport) -> Verdict<EndGameReport, Never> {
        let _ = (who, report);
        Verdict::Pass
    }

    /// WorldReport of any form. A denied report is dropped: it has no answer.
    fn world_report(&mut self, who: &Who, report: WorldStatusReport) -> Verdict<WorldStatusReport, Never> {
        let _ = (who, report);
        Verdict::Pass
    }

    /// PlayerReport. A denied report is dropped: it has no answer.
    fn player_report(&mut self, who: &Who, report: PlayerStatsReport) -> Verdict<PlayerStatsReport, Never> {
        let _ = (who, report);
        Verdict::Pass
    }

    /// ChatMessage and GenericChatMessage of any form. With a reply the line is not relayed; the reply goes to the sender.
    fn chat(&mut self, who: &Who, line: ChatLine) -> Verdict<ChatLine> {
        let _ = (who, line);
        Verdict::Pass
    }

    /// FindPlayer.
    fn find_player(&mut self, who: &Who, request: FindPlayerRequest) -> Verdict<FindPlayerRequest> {
        let _ = (who, request);
        Verdict::Pass
    }

    /// GetPolicy (`kind` 0 usage, 1 privacy), GetAnnouncements (16) and GetAllAnnouncements (17). A replacement is a row each.
    fn texts(&mut self, who: &Who, kind: u8) -> Verdict<Vec<Text>> {
        let _ = (who, kind);
        Verdict::Pass
    }

    /// TextFilter (`kind` 1), and names that players give: 2 account, 3 channel, 4 game, 5 clan. Others may come.
    fn filter_text(&mut self, who: &Who, kind: u8, text: Text) -> Verdict<Text, Never> {
        let _ = (who, kind, text);
        Verdict::Pass
    }

    /// Which of these this player is not to see in a list. `kind` 1: `ids` are channels; 2: games. Others may come.
    fn hidden(&mut self, who: &Who, kind: u8, ids: &[i32]) -> Vec<i32> {
        let _ = (who, kind, ids);
        Vec::new()
    }

    // Stats and ladders.

    /// A 256-byte blob: AccountUpdateStats, or with a clan UpdateClanStats.
    fn update_blob(&mut self, who: &Who, clan: ClanId, stats: Vec<u8>) -> Verdict<Vec<u8>, Never> {
        let _ = (who, clan, stats);
        Verdict::Pass
    }

    /// Ladder stats about to be written. A replacement has as many columns.
    fn update_ladder(&mut self, who: &Who, stats: LadderStats) -> Verdict<Vec<i32>, Never> {
        let _ = (who, stats);
        Verdict::Pass
    }

    /// Ladder stats about to be told: what is computed from others goes in here. As many columns.
    fn told_ladder(&mut self, who: &Who, stats: LadderStats) -> Vec<i32> {
        let _ = who;
        stats.stats
    }

    // Messages by number. Which ones: `#[messages(..)]` and `#[rt(..)]` on the method.

    /// An application message from a client, before any other hook and handler, after the handshake.
    fn incoming(&mut self, who: &Who, message: Message) -> Verdict<Message> {
        let _ = (who, message);
        Verdict::Pass
    }

    /// An application message to a client: an answer or a push. A reply is sent instead.
    fn outgoing(&mut self, who: &Who, message: Message) -> Verdict<Message> {
        let _ = (who, message);
        Verdict::Pass
    }

    /// An RT message from a client that is not part of the handshake, without its header.
    fn rt_incoming(&mut self, who: &Who, id: u8, body: Vec<u8>) -> RtVerdict {
        let _ = (who, id, body);
        RtVerdict::Pass
    }

    /// An RT message to a client that is not part of the handshake.
    fn rt_outgoing(&mut self, who: &Who, id: u8, body: Vec<u8>) -> RtVerdict {
        let _ = (who, id, body);
        RtVerdict::Pass
    }

    // The game relay: called in instances of their own, one for each of its threads.

    /// A player's connection to a world is up.
    fn joined(&mut self, seat: Seat) {
        let _ = seat;
    }

    /// A player's connection to a world is gone.
    fn left(&mut self, world: u32, index: u16) {
        let _ = (world, index);
    }

    /// A relayed packet. Which ones: `#[packets(..)]` on the method.
    fn packet(&mut self, packet: &Packet) -> PacketVerdict {
        let _ = packet;
        PacketVerdict::Pass
    }

    // What happened. Nothing can be changed any more.

    /// A connection's handshake is over.
    fn connected(&mut self, who: &Who) {
        let _ = who;
    }

    /// A connection is gone.
    fn disconnected(&mut self, who: &Who) {
        let _ = who;
    }

    /// An account exists, of either way to make one; nobody is logged in as it yet.
    fn account_created(&mut self, account: AccountId) {
        let _ = account;
    }

    /// A player logged in.
    fn logged_in(&mut self, session: SessionId, account: AccountId) {
        let _ = (session, account);
    }

    /// A session ended: `reason` 1 left, 2 timed out, 3 replaced, 4 kicked, 5 banned, 6 too many connections. Others may come.
    fn session_ended(&mut self, session: SessionId, account: AccountId, reason: u8) {
        let _ = (session, account, reason);
    }

    /// A player is in a channel.
    fn entered_channel(&mut self, session: SessionId, channel: ChannelId) {
        let _ = (session, channel);
    }

    /// There is a channel.
    fn channel_created(&mut self, channel: ChannelId) {
        let _ = channel;
    }

    /// A channel is gone.
    fn channel_removed(&mut self, channel: ChannelId) {
        let _ = channel;
    }

    /// There is a game.
    fn game_created(&mut self, game: GameId) {
        let _ = game;
    }

    /// A game's WorldStatus changed. It starts when `to` is 2 (active) for the first time and ends when it is 3 (closed).
    fn game_status(&mut self, game: GameId, from: i32, to: i32) {
        let _ = (game, from, to);
    }

    /// A player's connection to a game is up.
    fn joined_game(&mut self, session: SessionId, game: GameId) {
        let _ = (session, game);
    }

    /// A player left a game.
    fn left_game(&mut self, session: SessionId, game: GameId) {
        let _ = (session, game);
    }

    /// The host of a game left; `session` is the new one, if there is one.
    fn host_left(&mut self, session: SessionId, game: GameId) {
        let _ = (session, game);
    }

    /// A game is gone.
    fn game_removed(&mut self, game: GameId) {
        let _ = game;
    }

    /// Settings whose values changed.
    fn settings_changed(&mut self, names: &[String]) {
        let _ = names;
    }

    /// A message from the title's other instances (`host::link::send`), and the role of who sent it.
    fn link(&mut self, from: Role, data: &[u8]) {
        let _ = (from, data);
    }

    // Answers to what was asked for earlier.

    /// A timer of `host::timers`.
    fn fired(&mut self, timer: u64) {
        let _ = timer;
    }

    /// A reply to `host::memory::query`, by its sequence number.
    fn cheat_reply(&mut self, who: &Who, kind: u8, sequence: u32, data: &[u8]) {
        let _ = (who, kind, sequence, data);
    }

    /// A bulk transfer is over: 0 all acknowledged, 1 timed out, 2 the player left, 3 cancelled.
    fn bulk_done(&mut self, transfer: u64, outcome: u8) {
        let _ = (transfer, outcome);
    }

    /// The response to `host::http::start`, or what went wrong.
    fn http_done(&mut self, request: u64, response: Result<HttpResponse, String>) {
        let _ = (request, response);
    }

    /// An operator's command. Not to be written by hand: each method with `#[command]` is one.
    fn command(&mut self, name: &str, arguments: &[String]) -> Result<String, Refusal> {
        let _ = arguments;
        Err(Refusal(format!("there is no command `{name}`")))
    }
}

/// What a plugin says about itself. [`plugin`](macro@crate::plugin) writes it.
pub trait Manifest: Plugin {
    /// Who it is.
    fn description() -> Description;
    /// Its settings.
    fn settings() -> Vec<Setting>;
    /// What it wants to be called for.
    fn subscriptions() -> Vec<Subscription>;
    /// What it may do only if granted.
    fn capabilities() -> Vec<Capability>;
}
