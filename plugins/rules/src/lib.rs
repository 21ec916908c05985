//! Rules that the plugins of several titles share, so that they say them once.

use medley_plugin::{ChatLine, CreateGameRequest, Never, Status, Text, Verdict};

/// Kinds of `filter_text` that are names: of accounts, channels, games and clans. A starred name would be another name.
const NAMES: [u8; 4] = [2, 3, 4, 5];

/// Words that nobody is to read.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// The words; case does not matter.
    pub words: &'a [String],
    /// Refuse a text with such a word; else the word is starred.
    pub refuse: bool,
}

impl Words<'_> {
    /// For `Plugin::chat`. A refused line is swallowed: chat has no answer.
    pub fn chat(&self, line: ChatLine) -> Verdict<ChatLine> {
        match self.starred(&line.text) {
            None => Verdict::Pass,
            Some(_) if self.refuse => Verdict::Reply(Vec::new()),
            Some(text) => Verdict::Replace(ChatLine { text, ..line }),
        }
    }

    /// For `Plugin::filter_text`. A name is refused in either case.
    pub fn text(&self, kind: u8, text: &Text) -> Verdict<Text, Never> {
        match self.starred(text) {
            None => Verdict::Pass,
            Some(_) if self.refuse || NAMES.contains(&kind) => Verdict::Deny(Status::FAIL),
            Some(text) => Verdict::Replace(text),
        }
    }

    /// `text` with stars for each letter of the words in it. None: there are no such words in it.
    pub fn starred(&self, text: &Text) -> Option<Text> {
        let mut out = text.clone();
        for word in self.words.iter().filter(|word| text.has(word)) {
            out = out.replaced(word, &"*".repeat(word.len()));
        }
        (out != *text).then_some(out)
    }
}

/// For `Plugin::create_game`: a game of at most so many players.
pub fn at_most(players: i32, request: CreateGameRequest) -> Verdict<CreateGameRequest> {
    if request.max_players <= players {
        return Verdict::Pass;
    }
    let min_players = request.min_players.min(players);
    Verdict::Replace(CreateGameRequest { min_players, max_players: players, ..request })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: u8 = 1;
    const GAME_NAME: u8 = 4;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn words_are_starred_whatever_their_case_and_other_lines_pass() {
        let list = words(&["darn", "heck"]);
        let filter = Words { words: &list, refuse: false };
        let line = |text: &str| ChatLine { text: text.into(), ..ChatLine::default() };
        assert_eq!(filter.chat(line("Darn HECK it")), Verdict::Replace(line("**** **** it")));
        assert_eq!(filter.chat(line("fine")), Verdict::Pass);
        let nothing = words(&[""]);
        assert_eq!(Words { words: &nothing, refuse: true }.chat(line("fine")), Verdict::Pass);
    }

    #[test]
    fn a_line_with_a_refused_word_is_swallowed() {
        let list = words(&["darn"]);
        let line = ChatLine { text: "darn".into(), ..ChatLine::default() };
        assert_eq!(Words { words: &list, refuse: true }.chat(line), Verdict::Reply(Vec::new()));
    }

    #[test]
    fn a_name_is_refused_and_not_starred() {
        let list = words(&["darn"]);
        let filter = Words { words: &list, refuse: false };
        assert_eq!(filter.text(GAME_NAME, &"Darn it".into()), Verdict::Deny(Status::FAIL));
        assert_eq!(filter.text(CHAT, &"Darn it".into()), Verdict::Replace("**** it".into()));
        assert_eq!(filter.text(GAME_NAME, &"Fine".into()), Verdict::Pass);
    }

    #[test]
    fn a_game_keeps_its_size_up_to_the_bound() {
        let request = CreateGameRequest { min_players: 9, max_players: 32, ..CreateGameRequest::default() };
        let Verdict::Replace(smaller) = at_most(8, request.clone()) else { panic!("it was let through") };
        assert_eq!((smaller.min_players, smaller.max_players), (8, 8));
        assert_eq!(at_most(32, request), Verdict::Pass);
    }
}
