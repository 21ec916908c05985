//! Jak X: Combat Racing, PS2: rules of its lobby.
//!
//! - **Races**: at most six drivers (the game's own number), or what the operator sets.
//! - **Words**: starred or refused, in chat and names.
//!
//! What else public servers know of the title is in its `game.toml`: the PAL disc has no registration screen, and the relay is
//! joined by plain TCP. No traffic was recorded; fields, ladder columns and the files it keeps (`folder/*`) are in no source and
//! pass untouched.

use medley_plugin::prelude::*;
use rules::Words;

/// `[plugin.settings]`.
#[derive(Settings)]
pub struct Options {
    /// Most drivers of a race.
    #[setting(default = 6, min = 2, max = 6)]
    pub max_players: i32,
    /// Words that are starred in chat and refused in names.
    pub words: Vec<String>,
    /// Refuse lines with such a word instead of starring it.
    #[setting(default = false)]
    pub refuse_words: bool,
}

impl Options {
    fn filter(&self) -> Words<'_> {
        Words { words: &self.words, refuse: self.refuse_words }
    }
}

/// The plugin.
#[derive(Default)]
pub struct JakX;

#[plugin(
    app_ids = [10994, 11203, 11204],
    settings = Options,
    notes = "No traffic was recorded; what is known is that of public server projects.",
)]
impl Plugin for JakX {
    fn create_game(&mut self, _: &Who, request: CreateGameRequest) -> Verdict<CreateGameRequest> {
        rules::at_most(Options::current().max_players, request)
    }

    fn chat(&mut self, _: &Who, line: ChatLine) -> Verdict<ChatLine> {
        Options::current().filter().chat(line)
    }

    fn filter_text(&mut self, _: &Who, kind: u8, text: Text) -> Verdict<Text, Never> {
        Options::current().filter().text(kind, &text)
    }
}
