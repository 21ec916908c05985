//! The lobby's mix: chat to the channel, lists of games, channels and players, reports.

use std::collections::HashMap;
use std::time::Duration;

use medley_session::Time;
use medley_wire::AnyMessage;
use medley_wire::enums::{ChatMessageType, WorldStatus};
use medley_wire::messages::{
    ChannelListRequest, ChatMessage, GameListRequest, LobbyWorldPlayerListRequest, WorldReport,
};
use medley_wire::types::Text;

use crate::fleet::{Fleet, Result, Style};
use crate::lobby::{self, Member, Target};
use crate::meter::{Subject, Watch};
use crate::report::{Latencies, Row};
use crate::traffic::Progress;

/// Rows that a list request asks for.
const PAGE: i16 = 20;
/// Players of a channel: each chat message is heard by one fewer.
pub const CROWD: usize = 50;
/// Games at one time: what a relay takes by default has to be enough.
const GAMES: u32 = 200;

/// `clients` anonymous players share channels of [`CROWD`] and each makes `rate` requests a second for `duration`, in turn: game list,
/// channel list, player list, chat (heard by all others), and a report of their game by those who have one. An
/// operation is a request; its latency ends with the last row of its answer.
///
/// # Errors
/// The server refuses one of them.
pub fn mix(
    target: &Target,
    style: &Style,
    clients: usize,
    rate: f64,
    duration: Duration,
    progress: &mut Progress,
) -> Result<Row> {
    let mut fleet = Fleet::new(target.allowed())?;
    fleet.spread();
    let mut members = Vec::new();
    let (mut channel, mut games) = (None, 0);
    for number in 0..clients {
        let mut member = lobby::enter(&mut fleet, style, target, &format!("Chat{number}"), true)?;
        // As many as fit into the first channel stay where they arrived.
        if number >= CROWD {
            let max = i32::try_from(CROWD).unwrap_or(i32::MAX);
            let id = match channel.filter(|_| number % CROWD != 0) {
                Some(id) => id,
                None => lobby::create_channel(&mut fleet, style, &member, &format!("Load {number}"), max)?,
            };
            channel = Some(id);
            lobby::join_channel(&mut fleet, style, &mut member, id)?;
        }
        // One in eight hosts a game, so that lists have rows.
        let game = if number % 8 == 0 && games < GAMES {
            games += 1;
            Some(lobby::create_game(&mut fleet, style, &member, &format!("Chat {number}"), 8)?)
        } else {
            None
        };
        members.push((member, game, None::<Time>));
        progress.tell(|| format!("{number} of {clients} clients in the lobby"));
    }
    let of: HashMap<usize, usize> = members.iter().enumerate().map(|(at, (m, _, _))| (m.lobby, at)).collect();
    let d = style.config.dialect;
    let subject = Subject::of(target.pid);
    let mut latencies = Latencies::default();
    let (mut done, mut pushes) = (0, 0_u64);
    let step = 1e9 / (rate * clients as f64);
    let count = (duration.as_nanos() as f64 / step) as u64;
    let watch = Watch::start(&subject);
    let start = fleet.now();
    let due = |number: u64| start + Duration::from_nanos((number as f64 * step) as u64);
    let (mut sent, mut expected, mut busy) = (0, 0, 0_u64);
    let mut last = start;
    loop {
        let now = fleet.now();
        while sent < count && due(sent) <= now {
            let at = (sent % clients as u64) as usize;
            let kind = (sent / clients as u64 + at as u64) % 5;
            sent += 1;
            let Some((member, game, waiting)) = members.get_mut(at) else { continue };
            if waiting.is_some() {
                // Consoles ask one thing at a time.
                busy += 1;
                continue;
            }
            let report = game.map(report);
            let request = match (kind, report) {
                (0, _) => list_games(member, style),
                (1, _) => list_channels(member),
                (2, _) => list_players(member),
                (3, Some(report)) => report,
                _ => chat(member, sent),
            };
            let answered = matches!(
                request,
                AnyMessage::GameListRequest(_)
                    | AnyMessage::ChannelListRequest(_)
                    | AnyMessage::LobbyWorldPlayerListRequest(_)
            );
            expected += 1;
            if answered {
                *waiting = Some(now);
            } else {
                done += 1;
            }
            let number = member.lobby;
            if let Some(session) = fleet.get(number).and_then(|connection| connection.session()) {
                session.send_app(&request)?;
            }
            fleet.touch(number);
        }
        let open = members.iter().any(|(_, _, waiting)| waiting.is_some());
        if sent == count && (!open || now.since(last) > Duration::from_secs(2)) {
            break;
        }
        let until = if sent < count { due(sent) } else { now + Duration::from_millis(100) };
        fleet.turn(until, &mut |_| {})?;
        let now = fleet.now();
        let mut changed = core::mem::take(&mut fleet.changed);
        for number in changed.drain(..) {
            let Some((_, _, waiting)) = of.get(&number).and_then(|at| members.get_mut(*at)) else { continue };
            let Some(connection) = fleet.get(number) else { continue };
            while let Some(payload) = connection.inbox.pop_front() {
                last = now;
                let ends = match AnyMessage::decode(&payload, &d) {
                    Ok(AnyMessage::GameListResponse(row)) => row.end_of_list.is_set(),
                    Ok(AnyMessage::ChannelListResponse(row)) => row.end_of_list.is_set(),
                    Ok(AnyMessage::LobbyWorldPlayerListResponse(row)) => row.end_of_list.is_set(),
                    _ => {
                        pushes += 1;
                        false
                    }
                };
                if ends && let Some(since) = waiting.take() {
                    done += 1;
                    latencies.record(now.since(since).as_nanos() as u64);
                }
            }
        }
        fleet.changed = changed;
        progress.tell(|| format!("{sent} of {count} requests"));
    }
    let mut row = watch.row(format!("lobby mix {rate}/s"), clients, expected, done);
    row.latency = latencies.summary();
    row.note = format!("{pushes} chat pushes heard, {busy} requests left out: the last had no answer yet");
    Ok(row)
}

fn list_games(member: &Member, style: &Style) -> AnyMessage {
    GameListRequest {
        message_id: Text::new("1"),
        session_key: member.session_key,
        application_id: style.config.dialect.app_id,
        page_id: 1,
        page_size: PAGE.cast_unsigned(),
    }
    .into()
}

fn list_channels(member: &Member) -> AnyMessage {
    ChannelListRequest {
        message_id: Text::new("1"),
        session_key: member.session_key,
        page_id: 1,
        page_size: PAGE,
    }
    .into()
}

fn list_players(member: &Member) -> AnyMessage {
    LobbyWorldPlayerListRequest {
        message_id: Text::new("1"),
        session_key: member.session_key,
        world_id: member.channel,
    }
    .into()
}

fn chat(member: &Member, number: u64) -> AnyMessage {
    ChatMessage {
        message_id: Text::new("1"),
        session_key: member.session_key,
        message_type: ChatMessageType(0),
        message: Text::new(format!("load {number}")),
        ..Default::default()
    }
    .into()
}

fn report(game: medley_wire::MediusWorldId) -> AnyMessage {
    WorldReport {
        medius_world_id: game,
        max_players: 8,
        game_name: Text::new("Chat"),
        world_status: WorldStatus(2),
        ..Default::default()
    }
    .into()
}
