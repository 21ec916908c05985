//! Ratchet & Clank: Up Your Arsenal (Ratchet & Clank 3 in Europe), PS2: what its lobby knows besides the protocol.
//!
//! - **Cities** ([`city`]): put right where a client asks for one oddly; made at the start if the operator wants it.
//! - **Games** ([`game`]): what the generic fields say goes, as JSON, with the game into the history; a game that has begun
//!   can be marked `[IG]` in the list, as the community's servers do.
//! - **Stats** ([`stats`]): what each player of a match had before and after goes into the game's record; counts that fall are
//!   refused where the operator says so.
//! - **Words**: starred or refused, in chat and names.
//! - **Chat commands**: `!roll`, `!help`, `!game`.
//! - **Patch** ([`ratchet::patch`]): uploaded by memory poke, if the operator put one into `assets` and grants `memory`.
//!
//! What is not known: GenericField2, the upper bytes of PlayerSkillLevel, the unnamed ladder columns, and the patch's messages
//! beyond those handled here. They pass untouched.

pub mod city;
pub mod game;
pub mod stats;

use std::collections::BTreeMap;

use medley_plugin::host::{accounts, admin, channels, games, ladders, players, send, timers};
use medley_plugin::prelude::*;
use ratchet::chat;
use ratchet::custom::{self, Custom};
use ratchet::download::Numbers;
use ratchet::patch::{self, Patches, Setup};
use ratchet::state;
use rules::Words;
use serde::{Deserialize, Serialize};

use crate::city::City;

/// Addresses and numbers of the community's patch, the same for NTSC and PAL.
const PATCH: Setup = Setup {
    hook: 0x0013_9E94,
    patch: 0x000D_0000,
    unpatch: 0x000C_E000,
    exception: 0x000C_8000,
    config: 0x000D_0008,
    hash: 0x000C_FFD0,
    numbers: Numbers { piece: 1, received: RECEIVED, batch: 10 },
};
/// Custom messages of the patch.
const RECEIVED: u8 = 2;
const SET_PLAYER_CONFIG: u8 = 8;
const SET_GAME_CONFIG: u8 = 9;
const GAME_CONFIG: u8 = 10;
const SEND_PATCH: u8 = 13;
const MACHINE_ID: u8 = 14;
/// Bytes of a game's configuration in the patch, and of a player's.
const GAME_CONFIG_LENGTH: usize = 49;
const PLAYER_CONFIG_LENGTH: usize = 22;
/// WorldStatus.
const ACTIVE: i32 = 2;
const CLOSED: i32 = 3;
/// The timer that looks whether the cities are there.
const CITIES: u64 = 1;
const CITIES_MILLIS: u64 = 60_000;
const STARTED: &str = "[IG] ";
/// GameName on the wire.
const GAME_NAME: usize = 63;

/// `[plugin.settings]`.
#[derive(Settings)]
pub struct Options {
    /// Make the four known cities at the start, instead of each when its first player travels there, as with Sony's servers.
    #[setting(default = false)]
    pub make_cities: bool,
    /// Mark games that have begun with `[IG]` in the list of games, as the community's servers do. Sony's did not.
    #[setting(default = false)]
    pub mark_started: bool,
    /// Most players of a game; the game itself takes 8.
    #[setting(default = 8, min = 2, max = 8)]
    pub max_players: i32,
    /// Words that are starred in chat and refused in names.
    pub words: Vec<String>,
    /// Refuse lines with such a word instead of starring it.
    #[setting(default = false)]
    pub refuse_words: bool,
    /// Answer `!roll`, `!game` and `!help` in the chat.
    #[setting(default = true)]
    pub chat_commands: bool,
    /// Refuse ladder stats in which a count (kills, games, ...) is lower than before. Off: the meaning of the columns is known from public tools, not from Sony.
    #[setting(default = false)]
    pub refuse_falling_stats: bool,
    /// Upload the patch of `assets` to players; needs the grant `memory`.
    #[setting(default = true)]
    pub patch: bool,
}

impl Options {
    fn filter(&self) -> Words<'_> {
        Words { words: &self.words, refuse: self.refuse_words }
    }
}

/// Of what [`UpYourArsenal`] hands to its successor.
const STATE: u8 = 1;

/// What the players of a match had before it and after it, by account.
#[derive(Default, Deserialize, Serialize)]
struct Match {
    before: BTreeMap<i32, [i32; stats::TOTALS.len()]>,
    after: BTreeMap<i32, [i32; stats::TOTALS.len()]>,
}

/// The plugin.
#[derive(Default, Deserialize, Serialize)]
pub struct UpYourArsenal {
    patches: Patches,
    /// Matches that go on, by game.
    matches: BTreeMap<i32, Match>,
    /// The patch's configuration of each game, for who joins later.
    configs: BTreeMap<i32, Vec<u8>>,
}

#[plugin(
    app_ids = [10680, 10681, 10683, 10684],
    settings = Options,
    capabilities = [
        ("memory", "uploads the community's patch, if one is in assets"),
        ("kick", "puts out machines that are banned"),
    ],
    notes = "Cities and games agree with captures of Sony's servers; field layouts, ladder columns and the patch's messages are those of the community's public projects.",
)]
impl Plugin for UpYourArsenal {
    fn start(&mut self, role: Role) -> Result<(), Refusal> {
        if role == Role::Lobby {
            make_cities();
            timers::every(CITIES, CITIES_MILLIS)?;
            self.patches.resume();
        }
        Ok(())
    }

    fn save(&mut self) -> Vec<u8> {
        state::save(STATE, self)
    }

    fn restore(&mut self, saved: &[u8]) -> Result<(), Refusal> {
        *self = state::restore(STATE, saved)?;
        Ok(())
    }

    fn fired(&mut self, timer: u64) {
        if timer == CITIES {
            make_cities();
        } else {
            self.patches.fired(&PATCH, timer);
        }
    }

    fn create_channel(&mut self, _: &Who, request: CreateChannelRequest) -> Verdict<CreateChannelRequest> {
        match City::of_channel(&request.name).and_then(|city| city.put_right(&request)) {
            Some(right) => Verdict::Replace(right),
            None => Verdict::Pass,
        }
    }

    fn create_game(&mut self, _: &Who, request: CreateGameRequest) -> Verdict<CreateGameRequest> {
        rules::at_most(Options::current().max_players, request)
    }

    fn world_report(&mut self, _: &Who, report: WorldStatusReport) -> Verdict<WorldStatusReport, Never> {
        if report.world_status != ACTIVE || !Options::current().mark_started {
            return Verdict::Pass;
        }
        let mut name = report.name.to_vec();
        if name.starts_with(STARTED.as_bytes()) {
            return Verdict::Pass;
        }
        name.splice(0..0, STARTED.bytes());
        name.truncate(GAME_NAME);
        Verdict::Replace(WorldStatusReport { name: name.into(), ..report })
    }

    fn chat(&mut self, who: &Who, line: ChatLine) -> Verdict<ChatLine> {
        let options = Options::current();
        if options.chat_commands {
            let verdict = chat::answer(who, &line, |game| settings_of(game).to_string());
            if verdict != Verdict::Pass {
                return verdict;
            }
        }
        options.filter().chat(line)
    }

    fn filter_text(&mut self, _: &Who, kind: u8, text: Text) -> Verdict<Text, Never> {
        Options::current().filter().text(kind, &text)
    }

    #[on_failure(Status::DB_ERROR)]
    fn update_ladder(&mut self, who: &Who, stats: LadderStats) -> Verdict<Vec<i32>, Never> {
        if !stats.wide || !stats.clan.is_none() || stats.delta {
            return Verdict::Pass;
        }
        if Options::current().refuse_falling_stats
            && let Some(before) = ladders::get(stats.account, ladders::Kind::Wide)
            && let Some(count) = stats::falls(&before, &stats.stats)
        {
            warn!("stats of account {} are refused: {count} would fall", stats.account);
            return Verdict::Deny(Status::FAIL);
        }
        let game = players::get(who.session).map_or(GameId::NONE, |player| player.game);
        if let Some(played) = self.matches.get_mut(&game.0) {
            played.after.insert(stats.account.0, stats::totals(&stats.stats));
            self.record(game);
        }
        Verdict::Pass
    }

    /// The policy is what a client asks for once it is ready: the moment to look for the patch.
    fn texts(&mut self, who: &Who, kind: u8) -> Verdict<Vec<Text>> {
        if kind == 0 && !who.account.is_none() && Options::current().patch {
            self.patches.begin(&PATCH, who);
        }
        Verdict::Pass
    }

    #[messages((0, 8))]
    fn incoming(&mut self, who: &Who, message: Message) -> Verdict<Message> {
        let Some(custom) = Custom::parse(&message) else { return Verdict::Pass };
        match custom.number {
            RECEIVED => {
                self.patches.received(who.session, &custom);
            }
            SEND_PATCH if Options::current().patch => self.patches.again(&PATCH, who),
            SET_PLAYER_CONFIG if custom.body.len() >= PLAYER_CONFIG_LENGTH => {
                patch::keep_config(who.account, &custom.body[..PLAYER_CONFIG_LENGTH]);
            }
            SET_GAME_CONFIG if custom.body.len() >= GAME_CONFIG_LENGTH => {
                self.set_game_config(who, &custom.body[..GAME_CONFIG_LENGTH]);
            }
            MACHINE_ID => self.look_at_machine(who, custom.body),
            _ => return Verdict::Pass,
        }
        Verdict::Reply(Vec::new())
    }

    fn cheat_reply(&mut self, who: &Who, _: u8, sequence: u32, data: &[u8]) {
        self.patches.cheat_reply(&PATCH, who, sequence, data);
    }

    fn bulk_done(&mut self, transfer: u64, outcome: u8) {
        self.patches.bulk_done(&PATCH, transfer, outcome);
    }

    fn session_ended(&mut self, session: SessionId, _: AccountId, _: u8) {
        self.patches.forget(session);
    }

    fn game_created(&mut self, game: GameId) {
        self.record(game);
    }

    fn game_status(&mut self, game: GameId, from: i32, to: i32) {
        if to == ACTIVE && from != ACTIVE {
            let mut played = Match::default();
            for session in players::in_game(game) {
                let Some(player) = players::get(session) else { continue };
                if let Some(stats) = ladders::get(player.account, ladders::Kind::Wide) {
                    played.before.insert(player.account.0, stats::totals(&stats));
                }
            }
            self.matches.insert(game.0, played);
        }
        if to == ACTIVE || to == CLOSED {
            self.record(game);
        }
    }

    fn joined_game(&mut self, session: SessionId, game: GameId) {
        let Some(config) = self.configs.get(&game.0) else { return };
        if games::get(game).is_some_and(|game| game.host == session) {
            return;
        }
        tell_config(session.into(), config);
    }

    fn game_removed(&mut self, game: GameId) {
        self.matches.remove(&game.0);
        self.configs.remove(&game.0);
    }

    /// The open games, with what their fields say.
    #[command]
    fn games(&mut self, _: &[String]) -> Result<String, Refusal> {
        let mut lines = Vec::new();
        for game in games::all().into_iter().filter_map(games::get) {
            let settings = settings_of(&game);
            lines.push(format!(
                "{} {:?}: {settings}, {} of {} players",
                game.id, game.name, game.players, game.max_players
            ));
        }
        Ok(if lines.is_empty() { "no games".into() } else { lines.join("\n") })
    }

    /// The first places by a rank.
    #[command(usage = "[overall|siege|ctf|deathmatch]")]
    fn top(&mut self, arguments: &[String]) -> Result<String, Refusal> {
        let wanted = arguments.first().map_or("overall", String::as_str);
        let Some((_, column)) = stats::RANKS.iter().find(|(name, _)| *name == wanted) else {
            return Err(Refusal(format!("`{wanted}` is none of overall, siege, ctf, deathmatch")));
        };
        let page = ladders::page(ladders::Kind::Wide, *column as u32, false, 1, 10);
        let lines: Vec<String> = page
            .iter()
            .map(|place| {
                let name = accounts::get(place.account).map_or_else(Text::default, |account| account.name);
                format!("{}. {name} ({})", place.position, place.score)
            })
            .collect();
        Ok(lines.join("\n"))
    }

    /// Players whose patch is on its way.
    #[command]
    fn patching(&mut self, _: &[String]) -> Result<String, Refusal> {
        Ok(format!("{} players are being patched", self.patches.len()))
    }
}

impl UpYourArsenal {
    /// What a game is and what its players' stats were goes with it into the history.
    fn record(&self, id: GameId) {
        let Some(game) = games::get(id) else { return };
        let settings = settings_of(&game);
        let weapons: Vec<_> = settings.weapons().collect();
        let mut players = Vec::new();
        if let Some(played) = self.matches.get(&id.0) {
            for (account, before) in &played.before {
                let after = played.after.get(account);
                let added: Vec<String> = after
                    .map(|after| {
                        stats::added(before, after).map(|(name, by)| format!("\"{name}\":{by}")).collect()
                    })
                    .unwrap_or_default();
                players.push(format!(
                    "{{\"account\":{account},\"reported\":{},\"added\":{{{}}}}}",
                    after.is_some(),
                    added.join(",")
                ));
            }
        }
        let json = format!(
            "{{\"mode\":\"{}\",\"map\":\"{}\",\"minutes\":{},\"weapons\":\"{}\",\"players\":[{}]}}",
            settings.mode_name(),
            settings.map(),
            settings.minutes,
            weapons.join(", "),
            players.join(","),
        );
        if let Err(error) = games::change(id, [games::Edit::Metadata(json)]) {
            debug!("what game {id} is cannot be noted: {error}");
        }
    }

    /// The host's configuration of a game goes to the others in it.
    fn set_game_config(&mut self, who: &Who, config: &[u8]) {
        let Some(game) = players::get(who.session).map(|player| player.game).and_then(games::get) else {
            return;
        };
        if game.host != who.session || self.configs.get(&game.id.0).is_some_and(|known| known == config) {
            return;
        }
        self.configs.insert(game.id.0, config.to_vec());
        for session in players::in_game(game.id) {
            if session != who.session {
                tell_config(session.into(), config);
            }
        }
    }

    /// The patch tells the console's network address; a machine that is banned by it is put out.
    fn look_at_machine(&self, who: &Who, machine: &[u8]) {
        let Some(machine) = machine.get(..6) else { return };
        if let Some(reason) = admin::banned(admin::Subject::Machine(machine.to_vec())) {
            info!("session {} is on a banned machine: {reason}", who.session);
            if let Err(error) = admin::kick(who.session, "You have been banned!") {
                warn!("session {} cannot be put out: {error}", who.session);
            }
        }
    }
}

fn tell_config(to: send::Target, config: &[u8]) {
    if let Err(error) = send::message_as(to, custom::message(GAME_CONFIG, config), Encryption::Clear) {
        debug!("a game's configuration is not sent: {error}");
    }
}

fn settings_of(game: &Game) -> game::Settings {
    game::Settings::of(game.generic_fields.get(2).copied().unwrap_or(0), game.player_skill_level)
}

/// Cities that are missing. One that a client makes in the same moment is found by its name, and is the same.
fn make_cities() {
    if !Options::current().make_cities {
        return;
    }
    for city in City::all() {
        let asked = city.as_asked();
        if channels::by_name(&asked.name).is_some() {
            continue;
        }
        let edits = [
            channels::Edit::MaxPlayers(city::PLAYERS as u32),
            channels::Edit::GenericFields(asked.generic_fields),
            channels::Edit::GenericFieldLevel(asked.generic_field_level),
        ];
        if let Err(error) = channels::create(&asked.name, edits) {
            warn!("{} cannot be made: {error}", city.name());
        }
    }
}
