//! The word filter of a title: names, chat, TextFilter.

use medley_titles::TitleConfig;

/// True if one of `words` stands in `text`, without regard to ASCII case.
pub fn has_word<'a>(text: &[u8], words: impl IntoIterator<Item = &'a String>) -> bool {
    words.into_iter().any(|word| find(text, word.as_bytes()).is_some())
}

/// `text` without the `words` that stand in it, trimmed.
pub fn without_words(text: &[u8], words: &[String]) -> Vec<u8> {
    // A byte at a time, so that what a word leaves behind makes no other word, and the work grows with the length of the
    // text and not with its square.
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        out.push(*byte);
        let ended = words.iter().find(|word| !word.is_empty() && ends_with(&out, word.as_bytes()));
        if let Some(word) = ended {
            out.truncate(out.len() - word.len());
        }
    }
    out.trim_ascii().to_vec()
}

/// True if a player may bear `name`: neither a filtered nor a forbidden word stands in it. Reserved names and lengths
/// are matters of registration, see [`may_register`].
pub fn name_passes(name: &[u8], title: &TitleConfig) -> bool {
    !has_word(name, title.text_filter.words.iter().chain(&title.accounts.forbidden_in_names))
}

/// True if an account may be made under `name`.
pub fn may_register(name: &[u8], title: &TitleConfig) -> bool {
    let rules = &title.accounts;
    let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
    let reserved = rules.reserved_names.iter().chain(rules.system.iter().map(|account| &account.name));
    (rules.name_min..=rules.name_max).contains(&length)
        && name_passes(name, title)
        && !reserved.into_iter().any(|reserved| reserved.as_bytes().eq_ignore_ascii_case(name))
}

fn ends_with(text: &[u8], word: &[u8]) -> bool {
    let end = text.len().checked_sub(word.len()).and_then(|at| text.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(word))
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    if word.is_empty() {
        return None;
    }
    text.windows(word.len()).position(|window| window.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Vec<String> {
        vec!["Darn".to_owned(), "heck".to_owned(), String::new()]
    }

    #[test]
    fn words_are_found_wherever_they_stand_and_however_they_are_written() {
        assert!(has_word(b"oh dARN it", &words()));
        assert!(!has_word(b"oh dear", &words()));
        assert!(!has_word(b"", &words()));
    }

    #[test]
    fn what_is_left_without_the_words_has_none_of_them() {
        assert_eq!(without_words(b" what the HECK, darn ", &words()), b"what the ,");
        assert_eq!(without_words(b"dadarnrn", &words()), b"");
        assert_eq!(without_words(b"daheckrn, hedarnck", &words()), b",", "a word around another");
    }

    #[test]
    fn names_keep_to_length_reservation_and_words() {
        let mut title = TitleConfig::default();
        title.accounts.name_min = 3;
        title.accounts.name_max = 8;
        title.accounts.reserved_names = vec!["Admin".to_owned()];
        title.accounts.forbidden_in_names = vec!["mod".to_owned()];
        title.text_filter.words = words();
        for (name, may) in [
            ("Badger", true),
            ("ab", false),
            ("longername", false),
            ("ADMIN", false),
            ("Admins", true),
            ("xModx", false),
            ("darnit", false),
        ] {
            assert_eq!(may_register(name.as_bytes(), &title), may, "{name}");
        }
    }
}
