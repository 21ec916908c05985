//! The plugin of Deadlocked against the SDK's host for tests.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::time::Duration;

use medley_plugin::prelude::*;
use medley_plugin::testing::{Done, Harness};
use ratchet_deadlocked::Deadlocked;

type Test = Harness<Deadlocked>;

/// dl_ps2_full_session, line 278.
fn captured_game() -> Game {
    Game {
        name: "Badger41's".into(),
        status: 1,
        max_players: 10,
        game_level: 53,
        rules_set: 2,
        generic_fields: vec![0, 28035, 10, 1, 1, -1_066_975_243, 34_434_824, 96677],
        ..Game::default()
    }
}

#[test]
fn a_game_leaves_what_it_was() {
    let mut test = Test::new();
    let ann = test.login("Ann");
    let game = test.game(&ann, captured_game());
    test.join(&ann, game);
    test.status(game, 2);
    let metadata = test.host(|world| world.games[&game].metadata.clone());
    let expected = format!(
        "{{\"mode\":\"Deathmatch\",\"map\":\"Maraxus Prison\",\"score\":10,\"minutes\":0,\"players\":[{}]}}",
        ann.account
    );
    assert_eq!(metadata, expected);
    assert!(
        test.command("games", &[])
            .unwrap()
            .contains("Deathmatch in Maraxus Prison, 10 kills, 1 of 10 players")
    );
}

#[test]
fn a_game_has_at_most_ten_players() {
    let mut test = Test::new();
    let ann = test.login("Ann");
    let asked = |players| CreateGameRequest { max_players: players, ..CreateGameRequest::default() };
    assert_eq!(test.create_game(&ann, asked(10)), Verdict::Pass);
    assert_eq!(test.create_game(&ann, asked(64)), Verdict::Replace(asked(10)));
}

#[test]
fn the_patch_travels_in_batches_of_five_under_its_own_numbers() {
    let mut test = Test::prepared(|world| {
        world.assets.insert("patch-11184.bin".into(), vec![1; 1362 * 6]);
    });
    let ann = test.login("Ann");
    test.texts(&ann, 0);
    test.done();
    // Without code that takes an old one out, it travels at once.
    test.cheat_reply(&ann, 0, 101, &[0; 32]);
    let done = test.done();
    let Some(Done::Bulk { transfer, chunks, window, .. }) = done.last() else { panic!("{done:?}") };
    assert_eq!((chunks.len(), *window, chunks[0].body[0]), (7, 5, 13));
    let received = |bytes: u32, stop: u32| {
        let words = [101u32, bytes, stop].map(u32::to_le_bytes).concat();
        ratchet::custom::message(14, &words)
    };
    assert_eq!(test.incoming(&ann, received(1362 * 5, 0)), Verdict::Reply(Vec::new()));
    assert_eq!(test.done(), [Done::Acknowledged { transfer: *transfer, chunks: 5 }]);
    // The client gives up.
    test.incoming(&ann, received(1362 * 5, 1));
    assert_eq!(test.done(), [Done::CancelledBulk(*transfer)]);
    test.advance(Duration::from_secs(60));
    assert_eq!(test.done(), []);
    // Messages of other numbers are not the plugin's.
    assert_eq!(test.incoming(&ann, ratchet::custom::message(99, &[])), Verdict::Pass);
}
