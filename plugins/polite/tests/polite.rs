//! The plugin of twenty lines does what it says, and its manifest asks for what is written and nothing else.

use medley_plugin::Manifest as _;
use medley_plugin::manifest::hook;
use medley_plugin::prelude::*;
use medley_plugin::testing::Harness;
use polite::Polite;

#[test]
fn a_word_is_replaced_and_the_rest_of_the_line_stays() {
    let mut test = Harness::<Polite>::new();
    let ann = test.login("Ann");
    assert_eq!(test.say(&ann, "hello"), Verdict::Pass);
    let Verdict::Replace(line) = test.say(&ann, "what a Lag") else { panic!("the line is to be replaced") };
    assert_eq!(line.text, "what a fun");
}

#[test]
fn a_game_has_eight_players_at_most() {
    let mut test = Harness::<Polite>::new();
    let ann = test.login("Ann");
    let asked = CreateGameRequest { max_players: 10, ..CreateGameRequest::default() };
    let got = test.create_game(&ann, asked.clone());
    assert_eq!(got, Verdict::Replace(CreateGameRequest { max_players: 8, ..asked }));
}

#[test]
fn the_manifest_asks_for_what_is_written() {
    assert_eq!(
        Polite::subscriptions(),
        [hook("chat", None), hook("create-game", Some(Status::REQUEST_DENIED))]
    );
    assert_eq!(Polite::description().name, "polite");
    assert_eq!(Polite::description().summary, "Keeps chat polite and games small");
    assert_eq!(Polite::settings(), []);
    assert_eq!(Polite::capabilities(), []);
}
