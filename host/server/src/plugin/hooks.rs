//! The title's plugin around the handlers: which hook a message is for, and what becomes of the verdict.
//!
//! A request passes `messages.rt-incoming`, `messages.incoming`, its typed hook, `filter-text` if it carries a name or text,
//! the handler; its answers pass `join-answer`, `hidden` or `told-ladder`, then `messages.outgoing` and
//! `messages.rt-outgoing`, as pushes do. What a plugin sends itself passes no hook. Writes of a hook are durable before
//! the request goes on.

use std::net::Ipv4Addr;

use medley_runtime::api::{
    Direction, JoinGameAnswer, LadderStats, Message, RegistrationRequest, RtVerdict, SessionBeginRequest,
    Verdict, Who,
};
use medley_runtime::{Guest, Hook, Host, LobbyHost, Subscriptions};
use medley_session::ServerKind;
use medley_universe::{LeaveGame, SessionKey};
use medley_wire::enums::{CallbackStatus, NetAddressType, NetConnectionType, PolicyType};
use medley_wire::messages::{
    GetAnnouncementsResponse, GetPolicyRequest, JoinGameResponse, NetAddress, Request,
};
use medley_wire::rt::{CheatQuery, RtMessage};
use medley_wire::types::{MessageId, Text, VarText};
use medley_wire::{AnyMessage, Dialect, RtId};

use crate::context::{Context, Out, Refusal};
use crate::plugin::host::TitleHost;
use crate::plugin::records::{Carries, HasText, Ladder, Misfit, StatsBlob, text_kind};

/// A row of GetPolicy.
const POLICY_ROW: usize = 256;

/// Kinds of `lobby.texts`.
mod texts_kind {
    pub(super) const USAGE: u8 = 0;
    pub(super) const PRIVACY: u8 = 1;
    pub(super) const NEWEST: u8 = 16;
    pub(super) const ALL: u8 = 17;
}

/// Kinds of `lobby.hidden`.
mod hidden_kind {
    pub(super) const CHANNELS: u8 = 1;
    pub(super) const GAMES: u8 = 2;
}

/// What becomes of a request after its hooks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flow {
    /// It goes to its handler, perhaps changed.
    Go,
    /// The plugin has answered, or swallowed it.
    Done,
    /// It is answered with its failure.
    Refuse(CallbackStatus),
}

impl Context {
    /// Who this connection is, for hooks.
    pub(crate) fn who(&self) -> Who {
        Who {
            connection: self.id.0,
            session: self.session.map_or(0, |key| key.0),
            account: self.player.as_ref().map_or(0, |player| player.id.0),
            app: self.dialect.app_id.0,
            medius_version: self.dialect.medius_version,
            server: match self.kind {
                ServerKind::Muis => 1,
                ServerKind::Mas => 2,
                ServerKind::Mls => 3,
                ServerKind::Mps => 4,
                ServerKind::Dme => 5,
            },
        }
    }

    /// Calls the title's plugin and waits until what it wrote is durable. `None`: there is none (any more).
    pub(crate) async fn consult<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Guest, &mut TitleHost<'_>) -> T + Send + 'static,
    ) -> Option<T> {
        let asked = self.title.job(move |actor, now| actor.consult(now, call));
        let (value, writes) = asked.await.ok()??;
        for write in writes {
            if let Err(error) = self.bounded(write).await {
                tracing::error!(?error, "a plugin's write is not durable");
            }
        }
        Some(value)
    }

    /// Tells the plugin that its answer is no use, and does what it declared for this hook's failures.
    async fn bad_answer(&self, hook: Hook, why: String) -> Flow {
        let told = self.consult(move |guest, host| {
            guest.bad_answer(Host::Lobby(host), hook, &why);
            guest.plugin().hooks().on_failure(hook)
        });
        told.await.flatten().map_or(Flow::Go, |status| Flow::Refuse(CallbackStatus(status)))
    }

    /// Adds messages of the plugin to the answers.
    fn reply_raw(&mut self, messages: Vec<Message>) {
        self.out.extend(messages.into_iter().map(|message| Out::Raw(payload(&message))));
    }

    /// Carries a verdict out; `take` takes what the plugin gave instead.
    async fn obey<R>(
        &mut self,
        hook: Hook,
        verdict: Option<Verdict<R>>,
        take: impl FnOnce(R) -> Result<(), Misfit>,
    ) -> Flow {
        match verdict {
            None | Some(Verdict::Pass) => Flow::Go,
            Some(Verdict::Replace(changed)) => match take(changed) {
                Ok(()) => Flow::Go,
                Err(misfit) => self.bad_answer(hook, misfit.to_string()).await,
            },
            Some(Verdict::Reply(messages)) => {
                self.reply_raw(messages);
                Flow::Done
            }
            Some(Verdict::Deny(status)) => Flow::Refuse(CallbackStatus(status)),
        }
    }
}

/// A plugin's message as a payload: class, id, body.
fn payload(message: &Message) -> Vec<u8> {
    [&[message.class, message.id], &message.body[..]].concat()
}

/// A payload as a plugin's message.
fn message_of(payload: &[u8]) -> Message {
    match payload {
        [class, id, body @ ..] => Message { class: *class, id: *id, body: body.to_vec() },
        _ => Message { class: 0, id: 0, body: Vec::new() },
    }
}

/// Whether a payload that came in is for `messages.incoming`.
pub(crate) fn wants_payload(hooks: &Subscriptions, payload: &[u8]) -> bool {
    matches!(payload, [class, id, ..] if hooks.message(*class, *id, Direction::FromClient))
}

/// `messages.incoming`: before the message is even decoded.
pub(crate) async fn incoming(ctx: &mut Context, body: &mut Vec<u8>) -> Flow {
    let (who, message) = (ctx.who(), message_of(body));
    let verdict = ctx.consult(move |guest, host| guest.incoming(host, &who, &message)).await;
    ctx.obey(Hook::Incoming, verdict, |changed| {
        *body = payload(&changed);
        Ok(())
    })
    .await
}

/// `messages.rt-incoming`. False: the message goes nowhere.
pub(crate) async fn rt_incoming(ctx: &Context, id: RtId, body: &mut Vec<u8>) -> bool {
    let (who, shown) = (ctx.who(), body.clone());
    match ctx.consult(move |guest, host| guest.rt_incoming(host, &who, id.0, &shown)).await {
        None | Some(RtVerdict::Pass) => true,
        Some(RtVerdict::Replace(changed)) => {
            *body = changed;
            true
        }
        Some(RtVerdict::Drop) => false,
    }
}

/// `answers.cheat-reply`.
pub(crate) async fn cheat_reply(ctx: &Context, reply: CheatQuery) {
    let who = ctx.who();
    let told = move |guest: &mut Guest, host: &mut TitleHost<'_>| {
        guest.cheat_reply(host, &who, reply.query_type.0, reply.sequence, &reply.data.0);
    };
    ctx.consult(told).await;
}

/// The hooks of a request, before its handler.
pub(crate) async fn before(ctx: &mut Context, hooks: &Subscriptions, message: &mut AnyMessage) -> Flow {
    let flow = typed(ctx, hooks, message).await;
    if flow != Flow::Go || !hooks.wants(Hook::FilterText) {
        return flow;
    }
    macro_rules! filter {
        ($($name:ident),*) => {
            match message {
                $(AnyMessage::$name(message) => filter(ctx, &mut **message).await,)*
                _ => Flow::Go,
            }
        };
    }
    filter!(
        TextFilterRequest,
        TextFilterRequest1,
        AccountRegistrationRequest,
        CreateChannelRequest,
        CreateChannelRequest1,
        CreateGameRequest,
        CreateGameRequest0,
        CreateGameRequest1,
        CreateClanRequest,
        ClanRenameRequest
    )
}

async fn typed(ctx: &mut Context, hooks: &Subscriptions, message: &mut AnyMessage) -> Flow {
    macro_rules! ask {
        ($($hook:ident, $call:ident: $($name:ident)|*;)*) => {
            match message {
                $($(AnyMessage::$name(message) => {
                    if !hooks.wants(Hook::$hook) {
                        return Flow::Go;
                    }
                    let call = |guest: &mut Guest, host: &mut TitleHost<'_>, who: &Who, record| {
                        guest.$call(host, who, &record)
                    };
                    ask(ctx, Hook::$hook, &mut **message, call).await
                })*)*
                AnyMessage::AccountLogoutRequest(_) | AnyMessage::SessionEndRequest(_) => logout(ctx, hooks).await,
                AnyMessage::GetPolicyRequest(request) => policy(ctx, hooks, request).await,
                AnyMessage::GetAnnouncementsRequest(request) => {
                    announcements(ctx, hooks, texts_kind::NEWEST, request.message_id).await
                }
                AnyMessage::GetAllAnnouncementsRequest(request) => {
                    announcements(ctx, hooks, texts_kind::ALL, request.message_id).await
                }
                AnyMessage::UpdateLadderStatsRequest(stats) => ladder(ctx, hooks, &mut **stats).await,
                AnyMessage::UpdateLadderStatsWideRequest(stats) => ladder(ctx, hooks, &mut **stats).await,
                AnyMessage::UpdateClanLadderStatsWide_DeltaRequest(stats) => ladder(ctx, hooks, &mut **stats).await,
                _ => Flow::Go,
            }
        };
    }
    ask! {
        SessionBegin, begin_session: SessionBeginRequest | SessionBeginRequest1 | ExtendedSessionBeginRequest;
        Login, login: AccountLoginRequest | AnonymousLoginRequest | TicketLoginRequest;
        Registration, registration: AccountRegistrationRequest;
        CreateChannel, create_channel: CreateChannelRequest | CreateChannelRequest0 | CreateChannelRequest1;
        JoinChannel, join_channel: JoinChannelRequest | JoinLeastPopulatedChannelRequest;
        CreateGame, create_game: CreateGameRequest | CreateGameRequest0 | CreateGameRequest1;
        JoinGame, join_game: JoinGameRequest | JoinGameRequest0;
        EndGame, end_game: EndGameReport;
        WorldReport, world_report: WorldReport | WorldReport0;
        PlayerReport, player_report: PlayerReport;
        Chat, chat: ChatMessage | GenericChatMessage | GenericChatMessage1;
        FindPlayer, find_player: FindPlayerRequest;
        UpdateBlob, update_stats_blob: AccountUpdateStatsRequest | AccountUpdateStats_OpenAccessRequest | UpdateClanStatsRequest;
    }
}

/// Calls of the guest in the form of the others.
trait Records {
    fn begin_session(
        &mut self,
        host: &mut dyn LobbyHost,
        who: &Who,
        record: &SessionBeginRequest,
    ) -> Verdict<SessionBeginRequest>;

    fn update_stats_blob(
        &mut self,
        host: &mut dyn LobbyHost,
        who: &Who,
        record: &StatsBlob,
    ) -> Verdict<StatsBlob>;
}

impl Records for Guest {
    fn begin_session(
        &mut self,
        host: &mut dyn LobbyHost,
        who: &Who,
        record: &SessionBeginRequest,
    ) -> Verdict<SessionBeginRequest> {
        self.session_begin(host, who, *record)
    }

    fn update_stats_blob(
        &mut self,
        host: &mut dyn LobbyHost,
        who: &Who,
        record: &StatsBlob,
    ) -> Verdict<StatsBlob> {
        match self.update_blob(host, who, record.clan, &record.stats) {
            Verdict::Pass => Verdict::Pass,
            Verdict::Replace(stats) => Verdict::Replace(StatsBlob { clan: record.clan, stats }),
            Verdict::Reply(messages) => Verdict::Reply(messages),
            Verdict::Deny(status) => Verdict::Deny(status),
        }
    }
}

/// Asks a typed hook about a request.
async fn ask<M: Carries<R> + Clone, R: Send + 'static>(
    ctx: &mut Context,
    hook: Hook,
    message: &mut M,
    call: fn(&mut Guest, &mut TitleHost<'_>, &Who, R) -> Verdict<R>,
) -> Flow {
    let (who, record) = (ctx.who(), message.record());
    let verdict = ctx.consult(move |guest, host| call(guest, host, &who, record)).await;
    ctx.obey(hook, verdict, |changed| {
        // A part of what does not fit must not stay.
        let mut taken = message.clone();
        taken.take(changed)?;
        *message = taken;
        Ok(())
    })
    .await
}

async fn filter<M: HasText>(ctx: &mut Context, message: &mut M) -> Flow {
    let (who, text) = (ctx.who(), message.text().to_vec());
    let verdict = ctx.consult(move |guest, host| guest.filter_text(host, &who, M::KIND, &text)).await;
    ctx.obey(Hook::FilterText, verdict, |text| message.put(&text)).await
}

async fn logout(ctx: &mut Context, hooks: &Subscriptions) -> Flow {
    if !hooks.wants(Hook::Logout) {
        return Flow::Go;
    }
    let who = ctx.who();
    let verdict = ctx.consult(move |guest, host| guest.logout(host, &who)).await;
    ctx.obey(Hook::Logout, verdict, |()| Ok(())).await
}

async fn ladder<M: Ladder>(ctx: &mut Context, hooks: &Subscriptions, message: &mut M) -> Flow {
    if !hooks.wants(Hook::UpdateLadder) {
        return Flow::Go;
    }
    let who = ctx.who();
    let (clan, columns) = (message.clan(), message.columns().to_vec());
    let call = move |guest: &mut Guest, host: &mut TitleHost<'_>| {
        let own = || host.universe.session(SessionKey(who.session)).and_then(|session| session.clan);
        let clan = match clan {
            // The sender's own.
            Some(clan) if clan.0 == 0 => own().map_or(0, |clan| clan.0),
            clan => clan.map_or(0, |clan| clan.0),
        };
        let stats =
            LadderStats { account: who.account, clan, wide: M::WIDE, delta: M::DELTA, stats: columns };
        guest.update_ladder(host, &who, &stats)
    };
    let verdict = ctx.consult(call).await;
    ctx.obey(Hook::UpdateLadder, verdict, |columns| message.put_columns(&columns)).await
}

async fn ask_texts(ctx: &Context, hooks: &Subscriptions, kind: u8) -> Option<Verdict<Vec<Vec<u8>>>> {
    if !hooks.wants(Hook::Texts) {
        return None;
    }
    let who = ctx.who();
    ctx.consult(move |guest, host| guest.texts(host, &who, kind)).await
}

/// Answers with the rows that are made of the plugin's texts.
async fn reply_texts<M: medley_wire::messages::Message>(
    ctx: &mut Context,
    verdict: Option<Verdict<Vec<Vec<u8>>>>,
    row: impl Fn(usize, &[u8]) -> Result<M, Misfit>,
) -> Flow {
    let mut rows = Vec::new();
    let flow = ctx.obey(Hook::Texts, verdict, |texts| {
        let made: Result<Vec<_>, _> = texts.iter().enumerate().map(|(at, text)| row(at, text)).collect();
        rows = made?;
        Ok(())
    });
    match flow.await {
        Flow::Go if !rows.is_empty() => match ctx.reply_list(rows) {
            Ok(()) => Flow::Done,
            Err(_) => Flow::Go,
        },
        flow => flow,
    }
}

async fn policy(ctx: &mut Context, hooks: &Subscriptions, request: &GetPolicyRequest) -> Flow {
    let privacy = request.policy == PolicyType::PRIVACY;
    let kind = if privacy { texts_kind::PRIVACY } else { texts_kind::USAGE };
    let mut verdict = ask_texts(ctx, hooks, kind).await;
    if let Some(Verdict::Replace(texts)) = &mut verdict
        && texts.is_empty()
    {
        // Without a row titles hang (servers.md trap 1).
        texts.push(Vec::new());
    }
    reply_texts(ctx, verdict, |_, text| {
        if text.len() > POLICY_ROW {
            return Err(Misfit::Long { field: "text", length: text.len(), most: POLICY_ROW });
        }
        let mut row = request.answer_with(CallbackStatus::SUCCESS);
        row.policy = Text::full(text);
        Ok(row)
    })
    .await
}

async fn announcements(ctx: &mut Context, hooks: &Subscriptions, kind: u8, message_id: MessageId) -> Flow {
    let verdict = ask_texts(ctx, hooks, kind).await;
    if matches!(&verdict, Some(Verdict::Replace(texts)) if texts.is_empty()) {
        return Flow::Refuse(CallbackStatus::NO_RESULT);
    }
    let most = ctx.dialect.announcement_width() - 1;
    reply_texts(ctx, verdict, |at, text| {
        if text.len() > most {
            return Err(Misfit::Long { field: "text", length: text.len(), most });
        }
        Ok(GetAnnouncementsResponse {
            message_id,
            status_code: CallbackStatus::SUCCESS,
            announcement_id: i32::try_from(at + 1).unwrap_or(i32::MAX),
            announcement: VarText::new(text),
            end_of_list: false.into(),
        })
    })
    .await
}

/// The account that a login with an unknown name is about to make: `registration`, then `filter-text` with its name. Gives
/// name and password.
pub(crate) async fn registration_at_login(
    ctx: &mut Context,
    name: &[u8],
    password: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
    let (mut name, mut password) = (name.to_vec(), password.to_vec());
    let Some(hooks) = ctx.title.hooks().clone() else { return Ok((name, password)) };
    let go = |flow| match flow {
        Flow::Go => Ok(()),
        Flow::Done => Err(Refusal::Answered),
        Flow::Refuse(status) => Err(Refusal::Status(status)),
    };
    if hooks.wants(Hook::Registration) {
        let who = ctx.who();
        let (shown, secret) = (name.clone(), password.clone());
        let request = RegistrationRequest { name: shown, password: secret, account_type: 0, by_login: true };
        let verdict = ctx.consult(move |guest, host| guest.registration(host, &who, &request)).await;
        let take = |changed: RegistrationRequest| {
            check_length("name", &changed.name)?;
            check_length("password", &changed.password)?;
            (name, password) = (changed.name, changed.password);
            Ok(())
        };
        go(ctx.obey(Hook::Registration, verdict, take).await)?;
    }
    if hooks.wants(Hook::FilterText) {
        let (who, text) = (ctx.who(), name.clone());
        let ask = move |guest: &mut Guest, host: &mut TitleHost<'_>| {
            guest.filter_text(host, &who, text_kind::ACCOUNT, &text)
        };
        let verdict = ctx.consult(ask).await;
        let take = |changed: Vec<u8>| {
            check_length("text", &changed)?;
            name = changed;
            Ok(())
        };
        go(ctx.obey(Hook::FilterText, verdict, take).await)?;
    }
    Ok((name, password))
}

/// Names and passwords of accounts are 32 bytes with the NUL.
fn check_length(field: &'static str, text: &[u8]) -> Result<(), Misfit> {
    if text.len() > 31 { Err(Misfit::Long { field, length: text.len(), most: 31 }) } else { Ok(()) }
}

/// The hooks of a request's answers, which begin at `from` in the connection's `out`. What it gives is a refusal that takes
/// the place of the answers.
pub(crate) async fn after(
    ctx: &mut Context,
    hooks: &Subscriptions,
    message: &AnyMessage,
    from: usize,
) -> Option<CallbackStatus> {
    match message {
        AnyMessage::JoinGameRequest(join) if hooks.wants(Hook::JoinAnswer) => {
            join_answer(ctx, join.medius_world_id.0, from).await
        }
        AnyMessage::JoinGameRequest0(join) if hooks.wants(Hook::JoinAnswer) => {
            join_answer(ctx, join.medius_world_id.0, from).await
        }
        AnyMessage::ChannelListRequest(_)
        | AnyMessage::ChannelList_ExtraInfoRequest(_)
        | AnyMessage::ChannelList_ExtraInfoRequest0(_)
        | AnyMessage::ChannelList_ExtraInfoRequest1(_)
            if hooks.wants(Hook::Hidden) =>
        {
            hide(ctx, hidden_kind::CHANNELS, from).await
        }
        AnyMessage::GameListRequest(_)
        | AnyMessage::GameList_ExtraInfoRequest(_)
        | AnyMessage::GameList_ExtraInfoRequest0(_)
            if hooks.wants(Hook::Hidden) =>
        {
            hide(ctx, hidden_kind::GAMES, from).await
        }
        AnyMessage::GetLadderStatsRequest(request) if hooks.wants(Hook::ToldLadder) => {
            told_ladder(ctx, request.account_id_or_clan_id.0, is_clan(request.ladder_type), from).await
        }
        AnyMessage::GetLadderStatsWideRequest(request) if hooks.wants(Hook::ToldLadder) => {
            told_ladder(ctx, request.account_id_or_clan_id.0, is_clan(request.ladder_type), from).await
        }
        _ => None,
    }
}

fn is_clan(ladder: medley_wire::enums::LadderType) -> bool {
    ladder != medley_wire::enums::LadderType::PLAYER
}

async fn join_answer(ctx: &mut Context, game: i32, from: usize) -> Option<CallbackStatus> {
    let answers = ctx.out.iter_mut().skip(from).enumerate();
    let (place, shown) = answers.into_iter().find_map(|(place, out)| match out {
        Out::App(AnyMessage::JoinGameResponse(answer)) => Some((place, join_game_answer(game, answer))),
        _ => None,
    })?;
    let who = ctx.who();
    let ask = shown.clone();
    let verdict = ctx.consult(move |guest, host| guest.join_answer(host, &who, &ask)).await;
    let flow = match verdict {
        Some(Verdict::Replace(changed)) => {
            let taken = match ctx.out.get_mut(from + place) {
                Some(Out::App(AnyMessage::JoinGameResponse(answer))) => {
                    take_join_game_answer(answer, &shown, changed)
                }
                _ => Ok(()),
            };
            match taken {
                Ok(()) => Flow::Go,
                Err(misfit) => ctx.bad_answer(Hook::JoinAnswer, misfit.to_string()).await,
            }
        }
        verdict => ctx.obey(Hook::JoinAnswer, verdict, |_| Ok(())).await,
    };
    let Flow::Refuse(status) = flow else { return None };
    // Nobody is on the way any more.
    if let Some(session) = ctx.session {
        ctx.title.tell(LeaveGame { session });
    }
    Some(status)
}

fn join_game_answer(game: i32, answer: &JoinGameResponse) -> JoinGameAnswer {
    let [first, _] = &answer.connect_info.address_list.address_list;
    JoinGameAnswer {
        game,
        status: answer.status_code.0,
        address: first.ip().map(|ip| ip.to_string()).unwrap_or_default(),
        port: u16::try_from(first.port).unwrap_or_default(),
        connection_type: answer.connect_info.connection_type.0,
        max_players: answer.max_players.unwrap_or_default(),
    }
}

fn take_join_game_answer(
    answer: &mut JoinGameResponse,
    shown: &JoinGameAnswer,
    changed: JoinGameAnswer,
) -> Result<(), Misfit> {
    if changed.game != shown.game {
        return Err(Misfit::NoField { field: "game" });
    }
    if (&changed.address, changed.port) != (&shown.address, shown.port) {
        let ip: Ipv4Addr = changed.address.parse().map_err(|_| Misfit::NoField { field: "address" })?;
        let [first, _] = &mut answer.connect_info.address_list.address_list;
        let kind = if first.address_type.0 <= 3 { first.address_type } else { NetAddressType::EXTERNAL };
        *first = NetAddress::text(kind, ip, changed.port);
    }
    answer.status_code = CallbackStatus(changed.status);
    answer.connect_info.connection_type = NetConnectionType(changed.connection_type);
    if changed.max_players != shown.max_players {
        // Clients before 1.12 are not told it.
        answer.max_players = Some(changed.max_players);
    }
    Ok(())
}

/// The id of a row of a list of channels or games.
fn row_id(out: &Out) -> Option<i32> {
    match out {
        Out::App(AnyMessage::ChannelListResponse(row)) => Some(row.medius_world_id.0),
        Out::App(AnyMessage::ChannelList_ExtraInfoResponse(row)) => Some(row.medius_world_id.0),
        Out::App(AnyMessage::GameListResponse(row)) => Some(row.medius_world_id.0),
        Out::App(AnyMessage::GameList_ExtraInfoResponse(row)) => Some(row.medius_world_id.0),
        Out::App(AnyMessage::GameList_ExtraInfoResponse0(row)) => Some(row.medius_world_id.0),
        _ => None,
    }
}

/// Leaves rows out of a page that is made already: a page may be shorter than was asked for.
async fn hide(ctx: &mut Context, kind: u8, from: usize) -> Option<CallbackStatus> {
    let ids: Vec<i32> = ctx.out.iter().skip(from).filter_map(row_id).collect();
    if ids.is_empty() {
        return None;
    }
    let who = ctx.who();
    let hidden = ctx.consult(move |guest, host| guest.hidden(host, &who, kind, &ids)).await?;
    if hidden.is_empty() {
        return None;
    }
    let mut at = 0;
    ctx.out.retain(|out| {
        at += 1;
        at <= from || row_id(out).is_none_or(|id| !hidden.contains(&id))
    });
    let last = ctx.out.iter_mut().skip(from).rev().find_map(|out| match out {
        Out::App(message) => Some(message),
        _ => None,
    });
    match last {
        Some(last) => {
            last.set_end_of_list(true);
            None
        }
        None => Some(CallbackStatus::NO_RESULT),
    }
}

async fn told_ladder(ctx: &mut Context, id: i32, clan: bool, from: usize) -> Option<CallbackStatus> {
    for place in from..ctx.out.len() {
        let (wide, stats) = match ctx.out.get(place) {
            Some(Out::App(AnyMessage::GetLadderStatsResponse(row)))
                if row.status_code == CallbackStatus::SUCCESS =>
            {
                (false, row.columns().to_vec())
            }
            Some(Out::App(AnyMessage::GetLadderStatsWideResponse(row)))
                if row.status_code == CallbackStatus::SUCCESS =>
            {
                (true, row.columns().to_vec())
            }
            _ => continue,
        };
        let (account, clan) = if clan { (0, id) } else { (id, 0) };
        let (who, shown) = (ctx.who(), LadderStats { account, clan, wide, delta: false, stats });
        let told = ctx.consult(move |guest, host| guest.told_ladder(host, &who, &shown)).await.flatten();
        let Some(columns) = told else { continue };
        let taken = match ctx.out.get_mut(place) {
            Some(Out::App(AnyMessage::GetLadderStatsResponse(row))) => row.put_columns(&columns),
            Some(Out::App(AnyMessage::GetLadderStatsWideResponse(row))) => row.put_columns(&columns),
            _ => Ok(()),
        };
        if let Err(misfit) = taken {
            ctx.bad_answer(Hook::ToldLadder, misfit.to_string()).await;
        }
    }
    None
}

/// What leaves, after its hooks.
pub(crate) enum Leaving {
    /// As it was.
    Same,
    /// These payloads instead.
    Payloads(Vec<Vec<u8>>),
}

/// `messages.outgoing` and, for what carries it, `messages.rt-outgoing`.
pub(crate) async fn outgoing(ctx: &Context, hooks: &Subscriptions, message: &AnyMessage) -> Leaving {
    let id = u8::try_from(message.id()).unwrap_or(u8::MAX);
    let app = hooks.message(message.class().0, id, Direction::ToClient);
    let rt = hooks.rt(RtId::SERVER_APP.0, Direction::ToClient);
    if !app && !rt {
        return Leaving::Same;
    }
    let whole = message.encode(&ctx.dialect);
    let mut payloads = vec![whole];
    if app {
        let (who, shown) = (ctx.who(), message_of(payloads.first().map_or(&[], Vec::as_slice)));
        match ctx.consult(move |guest, host| guest.outgoing(host, &who, &shown)).await {
            None | Some(Verdict::Pass) => {}
            Some(Verdict::Replace(changed)) => payloads = vec![payload(&changed)],
            Some(Verdict::Reply(messages)) => payloads = messages.iter().map(payload).collect(),
            // The answer's own failure: the same with another status.
            Some(Verdict::Deny(status)) => {
                let mut refused = message.clone();
                refused.set_status(CallbackStatus(status));
                payloads = vec![refused.encode(&ctx.dialect)];
            }
        }
    }
    if rt {
        let mut left = Vec::with_capacity(payloads.len());
        for body in payloads {
            left.extend(rt_outgoing(ctx, RtId::SERVER_APP, body).await);
        }
        payloads = left;
    }
    Leaving::Payloads(payloads)
}

/// `messages.rt-outgoing`. `None`: the message goes nowhere.
pub(crate) async fn rt_outgoing(ctx: &Context, id: RtId, body: Vec<u8>) -> Option<Vec<u8>> {
    let (who, shown) = (ctx.who(), body.clone());
    match ctx.consult(move |guest, host| guest.rt_outgoing(host, &who, id.0, &shown)).await {
        None | Some(RtVerdict::Pass) => Some(body),
        Some(RtVerdict::Replace(changed)) => Some(changed),
        Some(RtVerdict::Drop) => None,
    }
}

/// The body of an RT message.
pub(crate) fn rt_body(message: &RtMessage, dialect: &Dialect) -> Vec<u8> {
    let mut writer = medley_wire::codec::Writer::new();
    message.encode(&mut writer, dialect);
    writer.into_bytes()
}
