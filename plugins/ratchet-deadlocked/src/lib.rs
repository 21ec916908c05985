//! Ratchet: Deadlocked (Ratchet: Gladiator in Europe), PS2: what its lobby knows besides the protocol.
//!
//! - **Games** ([`game`]): what the fields say goes, as JSON, with the game into the history; sizes are bounded.
//! - **Words**: starred or refused, in chat and names.
//! - **Chat commands**: `!roll`, `!help`, `!game`.
//! - **Patch** ([`ratchet::patch`]): uploaded by memory poke, if the operator put one into `assets` and grants `memory`.
//!
//! What is not known: GenericField4 to 6, the weapons' bits of GenericField7, the ladder columns, and the patch's messages beyond
//! those handled here. They pass untouched.

pub mod game;

use medley_plugin::host::{games, players};
use medley_plugin::prelude::*;
use ratchet::chat;
use ratchet::custom::Custom;
use ratchet::download::Numbers;
use ratchet::patch::{Patches, Setup};
use ratchet::state;
use rules::Words;

use crate::game::Settings as GameSettings;

/// Addresses and numbers of the community's patch for NTSC (11184); none is known for the others.
const PATCH: Setup = Setup {
    hook: 0x0013_8DFC,
    patch: 0x000D_0000,
    unpatch: 0x000C_E000,
    exception: 0x000C_8000,
    config: 0x000D_0008,
    hash: 0x000C_FFD0,
    numbers: Numbers { piece: 13, received: RECEIVED, batch: 5 },
};
/// The patch's answer to a piece: id, bytes that it has, and a word that is not 0 where it gives up.
const RECEIVED: u8 = 14;

/// Of what [`Deadlocked`] hands to its successor.
const STATE: u8 = 1;

/// `[plugin.settings]`.
#[derive(Settings)]
pub struct Options {
    /// Most players of a game; the game itself takes 10.
    #[setting(default = 10, min = 2, max = 10)]
    pub max_players: i32,
    /// Words that are starred in chat and refused in names.
    pub words: Vec<String>,
    /// Refuse lines with such a word instead of starring it.
    #[setting(default = false)]
    pub refuse_words: bool,
    /// Answer `!roll`, `!game` and `!help` in the chat.
    #[setting(default = true)]
    pub chat_commands: bool,
    /// Upload the patch of `assets` to players; needs the grant `memory`.
    #[setting(default = true)]
    pub patch: bool,
}

impl Options {
    fn filter(&self) -> Words<'_> {
        Words { words: &self.words, refuse: self.refuse_words }
    }
}

/// The plugin.
#[derive(Default)]
pub struct Deadlocked {
    patches: Patches,
}

#[plugin(
    app_ids = [11184, 11354],
    settings = Options,
    capabilities = [("memory", "uploads the community's patch, if one is in assets")],
    notes = "Fields of games agree with a capture of Sony's servers; their layout and the patch's messages are those of the community's public projects.",
)]
impl Plugin for Deadlocked {
    fn start(&mut self, role: Role) -> Result<(), Refusal> {
        if role == Role::Lobby {
            self.patches.resume();
        }
        Ok(())
    }

    fn save(&mut self) -> Vec<u8> {
        state::save(STATE, &self.patches)
    }

    fn restore(&mut self, saved: &[u8]) -> Result<(), Refusal> {
        self.patches = state::restore(STATE, saved)?;
        Ok(())
    }

    fn create_game(&mut self, _: &Who, request: CreateGameRequest) -> Verdict<CreateGameRequest> {
        rules::at_most(Options::current().max_players, request)
    }

    fn chat(&mut self, who: &Who, line: ChatLine) -> Verdict<ChatLine> {
        let options = Options::current();
        if options.chat_commands {
            let verdict = chat::answer(who, &line, describe);
            if verdict != Verdict::Pass {
                return verdict;
            }
        }
        options.filter().chat(line)
    }

    fn filter_text(&mut self, _: &Who, kind: u8, text: Text) -> Verdict<Text, Never> {
        Options::current().filter().text(kind, &text)
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
        match Custom::parse(&message) {
            Some(custom) if custom.number == RECEIVED => {
                let gives_up = custom.u32_at(8).is_some_and(|stop| stop != 0);
                if gives_up {
                    self.patches.forget(who.session);
                } else {
                    self.patches.received(who.session, &custom);
                }
                Verdict::Reply(Vec::new())
            }
            _ => Verdict::Pass,
        }
    }

    fn fired(&mut self, timer: u64) {
        self.patches.fired(&PATCH, timer);
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
        record(game);
    }

    fn game_status(&mut self, game: GameId, _: i32, _: i32) {
        record(game);
    }

    /// The open games, with what their fields say.
    #[command]
    fn games(&mut self, _: &[String]) -> Result<String, Refusal> {
        let lines: Vec<String> = games::all()
            .into_iter()
            .filter_map(games::get)
            .map(|game| {
                let what = GameSettings::of(&game);
                format!(
                    "{} {:?}: {what}, {} of {} players",
                    game.id, game.name, game.players, game.max_players
                )
            })
            .collect();
        Ok(if lines.is_empty() { "no games".into() } else { lines.join("\n") })
    }
}

fn describe(game: &Game) -> String {
    GameSettings::of(game).to_string()
}

/// What a game is goes with it into the history.
fn record(id: GameId) {
    let Some(game) = games::get(id) else { return };
    let settings = GameSettings::of(&game);
    let accounts: Vec<String> = players::in_game(id)
        .into_iter()
        .filter_map(players::get)
        .map(|player| player.account.to_string())
        .collect();
    let json = format!(
        "{{\"mode\":\"{}\",\"map\":\"{}\",\"score\":{},\"minutes\":{},\"players\":[{}]}}",
        settings.mode(),
        settings.map(),
        settings.score,
        settings.minutes,
        accounts.join(","),
    );
    if let Err(error) = games::change(id, [games::Edit::Metadata(json)]) {
        debug!("what game {id} is cannot be noted: {error}");
    }
}
