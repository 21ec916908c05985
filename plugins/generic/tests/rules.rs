//! The rules by settings, against the SDK's host.

use generic::Generic;
use medley_plugin::prelude::*;
use medley_plugin::testing::{Done, Harness};

fn words(test: &mut Harness<Generic>, words: &[&str]) {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    test.set("words", words);
}

#[test]
fn without_settings_nothing_changes() {
    let mut test = Harness::<Generic>::new();
    let ann = test.login("Ann");
    assert_eq!(test.done(), []);
    assert_eq!(test.say(&ann, "darn"), Verdict::Pass);
    assert_eq!(test.create_game(&ann, CreateGameRequest::default()), Verdict::Pass);
    assert_eq!(test.filter_text(&ann, 2, "darn".into()), Verdict::Pass);
}

#[test]
fn words_are_replaced_or_swallowed_with_their_line_and_refused_in_names() {
    let mut test = Harness::<Generic>::new();
    let ann = test.login("Ann");
    words(&mut test, &["darn", ""]);
    assert_eq!(test.say(&ann, "Oh DARN it"), Verdict::Reply(Vec::new()));
    assert_eq!(test.filter_text(&ann, 2, "xdarnx".into()), Verdict::Deny(Status::REQUEST_DENIED));
    test.set("replacement", String::from("****"));
    let Verdict::Replace(line) = test.say(&ann, "Oh DARN it") else { panic!("the line is to be replaced") };
    assert_eq!(line.text, "Oh **** it");
    assert_eq!(test.filter_text(&ann, 2, "xdarnx".into()), Verdict::Replace("x****x".into()));
}

#[test]
fn players_are_welcomed() {
    let mut test = Harness::<Generic>::new();
    test.set("welcome", String::from("Hello there"));
    let ann = test.login("Ann");
    let severity = host::send::Severity(0);
    assert_eq!(
        test.done(),
        [Done::SystemMessage { to: ann.session.into(), severity, text: "Hello there".into() }]
    );
}

#[test]
fn games_keep_to_their_limits() {
    let mut test = Harness::<Generic>::new();
    let ann = test.login("Ann");
    test.set("max_players", 6);
    test.set("min_players", 2);
    test.set("game_name_min", 3_u32);
    let game = |name: &str, max_players| CreateGameRequest {
        name: name.into(),
        max_players,
        ..CreateGameRequest::default()
    };
    assert_eq!(test.create_game(&ann, game("ab", 4)), Verdict::Deny(Status::REQUEST_DENIED));
    let Verdict::Replace(changed) = test.create_game(&ann, game("abc", 10)) else {
        panic!("it is to be smaller")
    };
    assert_eq!((changed.min_players, changed.max_players), (2, 6));
}
