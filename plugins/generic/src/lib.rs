//! Rules of any title, by `[plugin.settings]` in its `game.toml` alone: a filter of words in chat and names, a welcome, limits for
//! the names and sizes of games. With no settings it changes nothing. No title ships with it.
//!
//! It knows no title: what it does is in the requests that all of them share.

use medley_plugin::prelude::*;

/// `[plugin.settings]`.
#[derive(Settings)]
struct Rules {
    /// Words that are not to be said, whatever their case.
    words: Vec<String>,
    /// What is put in a word's place; empty: a line or name with such a word is refused.
    replacement: String,
    /// Shown to each player after the login; empty: nothing.
    #[setting(max = 250)]
    welcome: String,
    /// How loud the welcome is, as the title's system messages go.
    #[setting(max = 255, min = 0)]
    welcome_severity: u8,
    /// Fewest letters of a game's name.
    #[setting(max = 64, min = 0)]
    game_name_min: u32,
    /// Most players of a game; 0: as the client asks.
    #[setting(max = 256, min = 0)]
    max_players: i32,
    /// Fewest players of a game; 0: as the client asks.
    #[setting(max = 256, min = 0)]
    min_players: i32,
}

impl Rules {
    /// The text without the words. `None`: one of them is in it, and nothing is to be put in its place.
    fn clean(&self, text: Text) -> Option<Text> {
        let mut text = text;
        for word in self.words.iter().filter(|word| !word.is_empty()) {
            if text.has(word) {
                if self.replacement.is_empty() {
                    return None;
                }
                text = text.replaced(word, &self.replacement);
            }
        }
        Some(text)
    }
}

/// The plugin. Its settings are all it has.
#[derive(Default)]
pub struct Generic;

#[plugin(settings = Rules, notes = "Works for any title: it uses only what all of them share.")]
impl Plugin for Generic {
    fn logged_in(&mut self, session: SessionId, _: AccountId) {
        let rules = Rules::current();
        if rules.welcome.is_empty() {
            return;
        }
        let severity = host::send::Severity(rules.welcome_severity);
        if let Err(error) = host::send::system_message(session, severity, &rules.welcome) {
            warn!("the welcome was not sent: {error}");
        }
    }

    fn chat(&mut self, _: &Who, line: ChatLine) -> Verdict<ChatLine> {
        match Rules::current().clean(line.text.clone()) {
            Some(text) if text == line.text => Verdict::Pass,
            Some(text) => Verdict::Replace(ChatLine { text, ..line }),
            None => Verdict::Reply(Vec::new()),
        }
    }

    fn filter_text(&mut self, _: &Who, _: u8, text: Text) -> Verdict<Text, Never> {
        match Rules::current().clean(text.clone()) {
            Some(clean) if clean == text => Verdict::Pass,
            Some(clean) => Verdict::Replace(clean),
            None => Verdict::Deny(Status::REQUEST_DENIED),
        }
    }

    fn create_game(&mut self, _: &Who, game: CreateGameRequest) -> Verdict<CreateGameRequest> {
        let rules = Rules::current();
        if game.name.len() < rules.game_name_min as usize {
            return Verdict::Deny(Status::REQUEST_DENIED);
        }
        let most =
            if rules.max_players > 0 { game.max_players.min(rules.max_players) } else { game.max_players };
        let fewest = game.min_players.max(rules.min_players).min(most);
        if (fewest, most) == (game.min_players, game.max_players) {
            return Verdict::Pass;
        }
        Verdict::Replace(CreateGameRequest { min_players: fewest, max_players: most, ..game })
    }
}
