//! The plugin of Jak X against the SDK's host for tests.

use jak_x::JakX;
use medley_plugin::prelude::*;
use medley_plugin::testing::Harness;

#[test]
fn a_race_has_at_most_six_drivers() {
    let mut test = Harness::<JakX>::new();
    let ann = test.login("Ann");
    let asked = |players| CreateGameRequest { max_players: players, ..CreateGameRequest::default() };
    assert_eq!(test.create_game(&ann, asked(6)), Verdict::Pass);
    assert_eq!(test.create_game(&ann, asked(16)), Verdict::Replace(asked(6)));
    test.set("max_players", 4);
    assert_eq!(test.create_game(&ann, asked(6)), Verdict::Replace(asked(4)));
}

#[test]
fn words_are_starred_in_chat_and_refused_in_names() {
    let mut test = Harness::<JakX>::new();
    let ann = test.login("Ann");
    test.set("words", vec!["darn".to_owned()]);
    let Verdict::Replace(line) = test.say(&ann, "darn corner") else { panic!("it passed") };
    assert_eq!(line.text, "**** corner");
    assert_eq!(test.filter_text(&ann, 4, "Darn race".into()), Verdict::Deny(Status::FAIL));
    test.set("refuse_words", true);
    assert_eq!(test.say(&ann, "darn corner"), Verdict::Reply(Vec::new()));
}
