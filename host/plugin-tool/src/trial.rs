//! `medley plugin test` and `bench`: a plugin's hooks with made-up requests and with recorded messages.

use std::fmt::Debug;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use medley_plugin::testing::Capture;
use medley_runtime::api::{
    ChannelEvent, ChatLine, CreateChannelRequest, CreateGameRequest, Direction, EndGameReport, Event,
    FindPlayerRequest, GameEvent, GameStatus, JoinChannelRequest, JoinGameAnswer, JoinGameRequest,
    LadderStats, LoginRequest, Message, Packet, PlayerStatsReport, RegistrationRequest, Role, Seat,
    SessionBeginRequest, SessionEvent, WorldStatusReport,
};
use medley_runtime::{Env, Grants, Guest, Hook, Host, Limits, Plugin, Settings};
use medley_wire::enums::NetMessageClass;

use crate::ToolError;
use crate::quiet::Quiet;

/// A plugin that serves a host of one player, with everything granted that it asks for.
pub(crate) struct Trial {
    lobby: Guest,
    relay: Option<Guest>,
    host: Quiet,
}

impl Trial {
    pub(crate) fn new(plugin: &Arc<Plugin>, medius_version: u16, set: &[String]) -> Result<Self, ToolError> {
        let refused = |error: &dyn std::fmt::Display| ToolError::Refused(error.to_string());
        let manifest = plugin.manifest();
        let app = manifest.description.app_ids.first().copied().unwrap_or_default();
        let table: toml::Table =
            set.join("\n").parse().map_err(|error: toml::de::Error| refused(&error.message()))?;
        let settings = Settings::check(&manifest.settings, &table).map_err(|error| refused(&error))?;
        // What is measured is the plugin, and not how it is held back.
        let limits =
            Limits { log_lines: u32::MAX, store_bytes: u32::MAX, sends: u32::MAX, ..Limits::default() };
        let env = Arc::new(Env {
            settings: ArcSwap::from_pointee(settings),
            grants: Grants::clone(&manifest.wanted),
            limits,
            ..Env::new("trial", vec![app], 1)
        });
        let mut host = Quiet::new(app, medius_version);
        let prepared = plugin.prepare(Role::Lobby, &env, None).map_err(|error| refused(&error))?;
        let lobby = Guest::install(prepared, Host::Lobby(&mut host)).map_err(|error| refused(&error))?;
        let relay = if plugin.hooks().wants_relay() {
            let prepared = plugin.prepare(Role::Relay, &env, None).map_err(|error| refused(&error))?;
            Some(Guest::install(prepared, Host::Relay(&mut host)).map_err(|error| refused(&error))?)
        } else {
            None
        };
        Ok(Self { lobby, relay, host })
    }

    /// Hooks that the plugin is called for and that a request can be made up for.
    fn hooks(&self) -> Vec<Hook> {
        let subscriptions = Arc::clone(self.lobby.subscriptions());
        Hook::ALL.iter().copied().filter(|hook| subscriptions.wants(*hook)).collect()
    }

    fn failures(&self) -> u64 {
        self.lobby.failures() + self.relay.as_ref().map_or(0, Guest::failures)
    }

    /// Calls each hook once and prints what it says. How many failed.
    pub(crate) fn samples(&mut self) -> u64 {
        let before = self.failures();
        for hook in self.hooks() {
            let failures = self.failures();
            let Some(verdict) = self.call(hook) else { continue };
            let verdict = if self.failures() > failures { "FAILED".to_owned() } else { verdict };
            println!("{:<20} {verdict}", hook.name());
        }
        self.failures() - before
    }

    /// Shows the plugin the messages of a capture that it subscribes to, and prints what it says. How many calls failed.
    pub(crate) fn capture(&mut self, path: &Path) -> Result<u64, ToolError> {
        let capture = Capture::read(path).map_err(|error| ToolError::Refused(error.to_string()))?;
        let before = self.failures();
        let mut shown = 0;
        let who = self.host.who;
        for recorded in &capture.messages {
            let (class, id) = (recorded.message.class, recorded.message.id);
            let direction = if recorded.from_client { Direction::FromClient } else { Direction::ToClient };
            if !self.lobby.subscriptions().message(class, id, direction) {
                continue;
            }
            shown += 1;
            let message = Message { class, id, body: recorded.message.body.clone() };
            let failures = self.failures();
            let verdict = match direction {
                Direction::FromClient => self.lobby.incoming(&mut self.host, &who, &message),
                Direction::ToClient => self.lobby.outgoing(&mut self.host, &who, &message),
            };
            let said = if self.failures() > failures { "FAILED".to_owned() } else { summary(&verdict) };
            let name = medley_wire::messages::info(NetMessageClass(class), id.into())
                .map_or("unknown", |info| info.name);
            println!("{:<20} {name} ({class}, {id}), {} bytes: {said}", recorded.server, message.body.len());
        }
        println!(
            "{}: {} messages, {shown} of them subscribed, {} more still enciphered",
            path.display(),
            capture.messages.len(),
            capture.closed
        );
        Ok(self.failures() - before)
    }

    /// Times each hook and prints a line for each.
    pub(crate) fn bench(&mut self, calls: u32) {
        for hook in self.hooks() {
            let failures = self.failures();
            // The first calls fill what the plugin keeps.
            for _ in 0..calls.min(100) {
                if black_box(self.call(hook)).is_none() {
                    break;
                }
            }
            let begun = Instant::now();
            let mut done = 0_u32;
            for _ in 0..calls {
                if black_box(self.call(hook)).is_none() || self.failures() > failures {
                    break;
                }
                done += 1;
            }
            let taken = begun.elapsed();
            if self.failures() > failures {
                println!("{:<20} failed", hook.name());
            } else if done > 0 {
                let each = taken.as_nanos() / u128::from(done);
                println!(
                    "{:<20} {each:>8} ns a call, made-up request and its copies included, {done} calls",
                    hook.name()
                );
            }
        }
    }

    /// Calls a hook with a made-up request; `None`: there is none for it (messages come of captures).
    fn call(&mut self, hook: Hook) -> Option<String> {
        let Self { lobby, relay, host } = self;
        let who = host.who;
        let (session, account) = (who.session, who.account);
        let name = || b"Badger41".to_vec();
        let of_session = SessionEvent { session, account };
        let of_channel = ChannelEvent { session, channel: 1 };
        let of_game = GameEvent { session, game: 1 };
        let mut told = |event: Event| {
            lobby.happened(Host::Lobby(host), &event);
            Some("told".to_owned())
        };
        Some(match hook {
            Hook::Connected => return told(Event::Connected(who)),
            Hook::Disconnected => return told(Event::Disconnected(who)),
            Hook::AccountCreated => return told(Event::AccountCreated(account)),
            Hook::LoggedIn => return told(Event::LoggedIn(of_session)),
            Hook::SessionEnded => return told(Event::SessionEnded((of_session, 1))),
            Hook::EnteredChannel => return told(Event::EnteredChannel(of_channel)),
            Hook::ChannelCreated => return told(Event::ChannelCreated(1)),
            Hook::ChannelRemoved => return told(Event::ChannelRemoved(1)),
            Hook::GameCreated => return told(Event::GameCreated(1)),
            Hook::GameStatus => return told(Event::GameStatus(GameStatus { game: 1, from: 1, to: 2 })),
            Hook::JoinedGame => return told(Event::JoinedGame(of_game)),
            Hook::LeftGame => return told(Event::LeftGame(of_game)),
            Hook::HostLeft => return told(Event::HostLeft(of_game)),
            Hook::GameRemoved => return told(Event::GameRemoved(1)),
            Hook::SettingsChanged => return told(Event::SettingsChanged(Vec::new())),
            Hook::SessionBegin => {
                summary(&lobby.session_begin(host, &who, SessionBeginRequest { connection_class: 1 }))
            }
            Hook::Login => {
                let request = LoginRequest { kind: 1, name: name(), password: b"secret".to_vec() };
                summary(&lobby.login(host, &who, &request))
            }
            Hook::Registration => {
                let (password, account_type) = (b"secret".to_vec(), 1);
                let request = RegistrationRequest { name: name(), password, account_type, by_login: false };
                summary(&lobby.registration(host, &who, &request))
            }
            Hook::Logout => summary(&lobby.logout(host, &who)),
            Hook::CreateChannel => {
                let request = CreateChannelRequest {
                    name: b"Lobby".to_vec(),
                    password: Vec::new(),
                    max_players: 32,
                    generic_fields: vec![0; 4],
                    generic_field_level: 0,
                };
                summary(&lobby.create_channel(host, &who, &request))
            }
            Hook::JoinChannel => {
                let request =
                    JoinChannelRequest { channel: 1, name: b"Lobby".to_vec(), password: Vec::new() };
                summary(&lobby.join_channel(host, &who, &request))
            }
            Hook::CreateGame => {
                let request = CreateGameRequest {
                    name: b"Badger41's game".to_vec(),
                    password: Vec::new(),
                    spectator_password: Vec::new(),
                    min_players: 0,
                    max_players: 10,
                    game_level: 0,
                    player_skill_level: 0,
                    rules_set: 0,
                    generic_fields: vec![0; 8],
                    host_type: 0,
                    attributes: 0,
                };
                summary(&lobby.create_game(host, &who, &request))
            }
            Hook::JoinGame => {
                let request = JoinGameRequest { game: 1, join_type: 0, password: Vec::new() };
                summary(&lobby.join_game(host, &who, &request))
            }
            Hook::JoinAnswer => {
                let answer = JoinGameAnswer {
                    game: 1,
                    status: 0,
                    address: "192.0.2.1".to_owned(),
                    port: 10_073,
                    connection_type: 1,
                    max_players: 8,
                };
                summary(&lobby.join_answer(host, &who, &answer))
            }
            Hook::EndGame => {
                let report = EndGameReport { game: 1, winning_team: Vec::new(), winning_player: name() };
                summary(&lobby.end_game(host, &who, &report))
            }
            Hook::WorldReport => {
                let report = WorldStatusReport {
                    game: 1,
                    world_status: 2,
                    name: b"Badger41's game".to_vec(),
                    player_count: 1,
                    max_players: 8,
                    game_level: 0,
                    player_skill_level: 0,
                    rules_set: 0,
                    generic_fields: vec![0; 8],
                    stats: vec![0; 256],
                };
                summary(&lobby.world_report(host, &who, &report))
            }
            Hook::PlayerReport => {
                summary(&lobby.player_report(host, &who, &PlayerStatsReport { game: 1, stats: vec![0; 256] }))
            }
            Hook::Chat => {
                let text = b"good game everybody, lag was bad tonight, see you all tomorrow!".to_vec();
                summary(&lobby.chat(host, &who, &ChatLine { kind: 0, target: 0, text }))
            }
            Hook::FindPlayer => {
                summary(&lobby.find_player(host, &who, &FindPlayerRequest { account: 0, name: name() }))
            }
            Hook::Texts => summary(&lobby.texts(host, &who, 0)),
            Hook::FilterText => summary(&lobby.filter_text(host, &who, 1, b"good game everybody")),
            Hook::Hidden => format!("hides {:?}", lobby.hidden(host, &who, 2, &[1, 2, 3])),
            Hook::UpdateBlob => summary(&lobby.update_blob(host, &who, 0, &[0; 256])),
            Hook::UpdateLadder => summary(&lobby.update_ladder(host, &who, &ladder(account))),
            Hook::ToldLadder => match lobby.told_ladder(host, &who, &ladder(account)) {
                Some(stats) => format!("tells {stats:?}"),
                None => "as it is".to_owned(),
            },
            Hook::Joined => {
                let session_key = vec![0; 17];
                let seat = Seat {
                    world: 1,
                    index: 0,
                    app: who.app,
                    medius_version: who.medius_version,
                    session_key,
                };
                relay.as_mut()?.joined(host, &seat);
                "told".to_owned()
            }
            Hook::Left => {
                relay.as_mut()?.left(host, 1, 0);
                "told".to_owned()
            }
            Hook::Packets => {
                let packet = Packet { world: 1, source: 0, target: -1, udp: true, payload: vec![2; 64] };
                summary(&relay.as_mut()?.packets(host, &[packet]))
            }
            _ => return None,
        })
    }
}

fn ladder(account: i32) -> LadderStats {
    LadderStats { account, clan: 0, wide: true, delta: false, stats: vec![0; 100] }
}

/// The verdict in a line; long ones are cut.
fn summary(verdict: &impl Debug) -> String {
    let text = format!("{verdict:?}");
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text,
    }
}
