//! The plugin of Up Your Arsenal against the SDK's host for tests, with no game console in sight.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::time::Duration;

use medley_plugin::host::admin::Subject;
use medley_plugin::host::ladders::Kind;
use medley_plugin::prelude::*;
use medley_plugin::testing::{Done, Harness};
use ratchet_uya::UpYourArsenal;

type Test = Harness<UpYourArsenal>;

const NTSC: u32 = 10_684;

fn custom(number: u8, body: &[u8]) -> Message {
    ratchet::custom::message(number, body)
}

/// DataDownload's answer: id 101, bytes that the client has.
fn received(bytes: u32) -> Message {
    custom(2, &[101u32.to_le_bytes(), bytes.to_le_bytes()].concat())
}

fn with_patch() -> Test {
    let mut test = Test::prepared(|world| {
        world.assets.insert(format!("patch-{NTSC}.bin"), vec![0xAA; 3000]);
        world.assets.insert(format!("unpatch-{NTSC}.bin"), vec![0xBB; 500]);
        world.assets.insert("exceptiondisplay.bin".into(), vec![0xCC; 100]);
    });
    test.app = NTSC;
    test.medius_version = 108;
    test
}

fn pokes(done: &[Done]) -> Vec<(u32, Vec<u8>)> {
    done.iter()
        .filter_map(|done| match done {
            Done::Poked { address, data, encryption: Encryption::Clear, .. } => {
                Some((*address, data.clone()))
            }
            _ => None,
        })
        .collect()
}

fn patch_hash() -> Vec<u8> {
    let all = [vec![0xAA; 3000], vec![0xCC; 100]].concat();
    host::hash::digest(host::hash::Algorithm::Sha256, &all)
}

#[test]
fn a_client_without_the_patch_gets_it_in_the_communitys_order() {
    let mut test = with_patch();
    let ann = test.login("Ann");
    assert_eq!(test.texts(&ann, 0), Verdict::Pass);
    assert_eq!(
        test.done(),
        [Done::Queried { session: ann.session, kind: 0, sequence: 101, address: 0x000C_FFD0, length: 32 }]
    );

    // Another hash: the hook sleeps, and the code that takes an old patch out goes in pieces of 480 bytes, 25 ms apart.
    test.cheat_reply(&ann, 0, 101, &[0; 32]);
    assert_eq!(
        pokes(&test.done()),
        [(0x0013_9E94, 0x03E0_0008u32.to_le_bytes().to_vec()), (0x000C_E000, vec![0xBB; 480])]
    );
    test.advance(Duration::from_millis(25));
    assert_eq!(pokes(&test.done()), [(0x000C_E000 + 480, vec![0xBB; 20])]);
    test.advance(Duration::from_millis(25));
    assert_eq!(
        pokes(&test.done()),
        [(0x0013_9E94, (0x0800_0000u32 | (0x000C_E000 / 4)).to_le_bytes().to_vec())]
    );

    // Half a second later it travels: 3000 bytes in three pieces, the helper, the hash.
    test.advance(Duration::from_millis(499));
    assert_eq!(test.done(), []);
    test.advance(Duration::from_millis(1));
    let done = test.done();
    let [Done::Bulk { transfer, to, chunks, window, encryption }] = done.as_slice() else {
        panic!("{done:?}")
    };
    assert_eq!((*to, chunks.len(), *window, *encryption), (ann.session, 5, 10, Encryption::Clear));
    assert_eq!(chunks[4].body[24..], patch_hash());

    assert_eq!(test.incoming(&ann, received(1362 * 2)), Verdict::Reply(Vec::new()));
    assert_eq!(test.done(), [Done::Acknowledged { transfer: *transfer, chunks: 2 }]);
    test.incoming(&ann, received(3132));
    assert_eq!(test.done(), [Done::Acknowledged { transfer: *transfer, chunks: 5 }]);
    test.bulk_done(*transfer, 0);
    assert_eq!(
        pokes(&test.done()),
        [(0x0013_9E94, (0x0800_0000u32 | (0x000D_0000 / 4)).to_le_bytes().to_vec())]
    );
    assert_eq!(test.command("patching", &[]), Ok("0 players are being patched".into()));
}

#[test]
fn a_client_with_the_patch_gets_its_players_settings_alone() {
    let mut test = with_patch();
    let ann = test.login("Ann");
    let settings: Vec<u8> = (0..22).collect();
    assert_eq!(test.incoming(&ann, custom(8, &settings)), Verdict::Reply(Vec::new()));
    test.texts(&ann, 0);
    test.done();
    test.cheat_reply(&ann, 0, 101, &patch_hash());
    assert_eq!(pokes(&test.done()), [(0x000D_0008, settings)]);
    test.advance(Duration::from_secs(10));
    assert_eq!(test.done(), []);
}

#[test]
fn a_client_that_does_not_answer_is_patched_after_five_seconds() {
    let mut test = with_patch();
    let ann = test.login("Ann");
    test.texts(&ann, 0);
    test.done();
    test.advance(Duration::from_millis(4999));
    assert_eq!(test.done(), []);
    test.advance(Duration::from_millis(1));
    assert_eq!(pokes(&test.done()).len(), 2);
    // And one that leaves in the middle is forgotten.
    test.logout(&ann);
    test.done();
    test.advance(Duration::from_secs(5));
    assert_eq!(test.done(), []);
}

#[test]
fn a_reload_in_the_middle_leaves_nobody_half_patched_and_no_match_forgotten() {
    let mut test = with_patch();
    let (ann, bob) = (test.login("Ann"), test.login("Bob"));
    let game = test.game(&bob, captured_game());
    test.join(&bob, game);
    test.host(|world| world.ladders.insert((Kind::Wide as u8, bob.account), vec![0; 100]));
    test.status(game, 2);
    test.texts(&ann, 0);
    test.cheat_reply(&ann, 0, 101, &[0; 32]);
    test.done();
    test.reload().unwrap();
    test.advance(Duration::from_millis(25));
    assert_eq!(pokes(&test.done()), [(0x000C_E000 + 480, vec![0xBB; 20])]);
    test.advance(Duration::from_millis(525));
    let done = test.done();
    let Some(Done::Bulk { transfer, .. }) = done.last() else { panic!("{done:?}") };
    test.reload().unwrap();
    test.incoming(&ann, received(3132));
    assert_eq!(test.done(), [Done::Acknowledged { transfer: *transfer, chunks: 5 }]);
    test.bulk_done(*transfer, 0);
    assert_eq!(pokes(&test.done()).len(), 1);

    let mut after = vec![0; 100];
    after[2] = 1;
    let stats = LadderStats { account: bob.account, wide: true, stats: after, ..LadderStats::default() };
    test.update_ladder(&bob, stats);
    assert!(test.host(|world| world.games[&game].metadata.contains("\"added\":{\"wins\":1}")));
}

#[test]
fn nothing_is_asked_where_there_is_no_patch_or_no_grant() {
    let mut test = Test::new();
    let ann = test.login("Ann");
    test.texts(&ann, 0);
    assert_eq!(test.done(), []);

    let mut test = with_patch();
    test.host(|world| world.grants.clear());
    let ann = test.login("Ann");
    test.texts(&ann, 0);
    assert_eq!(test.done(), []);
    assert!(test.log().iter().any(|line| line.text.contains("not granted")), "{:?}", test.log());
}

#[test]
fn a_city_that_is_asked_for_oddly_is_put_right_and_other_channels_pass() {
    let mut test = Test::new();
    let ann = test.login("Ann");
    let odd = CreateChannelRequest {
        name: "CY00000003-00".into(),
        max_players: 2,
        ..CreateChannelRequest::default()
    };
    let Verdict::Replace(city) = test.create_channel(&ann, odd) else { panic!("it passed") };
    assert_eq!(
        (city.max_players, city.generic_fields.as_slice(), city.generic_field_level),
        (224, [1, 8, 0, 0].as_slice(), 32)
    );
    let clan_room =
        CreateChannelRequest { name: "Our room".into(), max_players: 2, ..CreateChannelRequest::default() };
    assert_eq!(test.create_channel(&ann, clan_room), Verdict::Pass);
}

#[test]
fn the_cities_are_made_where_the_operator_wants_them() {
    let test = Test::prepared(|world| {
        world.settings.insert("make_cities".into(), Value::Flag(true));
    });
    let cities = test.host(|world| {
        world
            .channels
            .values()
            .map(|city| (city.name.to_string(), city.generic_fields.clone()))
            .collect::<Vec<_>>()
    });
    assert_eq!(cities[1], ("CY00000001-00".to_owned(), vec![1, 2, 0, 0]));
    assert_eq!(cities.len(), 4);
    let test = Test::new();
    assert!(test.host(|world| world.channels.is_empty()));
}

/// The game of uya_ps2_browse_game, line 10.
fn captured_game() -> Game {
    Game {
        name: "Pj's 000000280000".into(),
        status: 1,
        max_players: 8,
        game_level: 1861,
        player_skill_level: 0x0400_0000,
        generic_fields: vec![40, 0, 300_154_888, 0, 0, 0, 0, 0],
        ..Game::default()
    }
}

#[test]
fn a_match_leaves_what_it_was_and_what_its_players_did() {
    let mut test = Test::new();
    let ann = test.login("Ann");
    let mut before = vec![0; 100];
    before[5] = 10;
    test.host(|world| world.ladders.insert((Kind::Wide as u8, ann.account), before.clone()));
    let game = test.game(&ann, captured_game());
    test.join(&ann, game);
    test.status(game, 2);
    let mut after = before;
    after[5] = 17;
    after[11] = 1;
    let stats = LadderStats { account: ann.account, wide: true, stats: after, ..LadderStats::default() };
    assert_eq!(test.update_ladder(&ann, stats), Verdict::Pass);
    let metadata = test.host(|world| world.games[&game].metadata.clone());
    let expected = format!(
        "{{\"mode\":\"Siege\",\"map\":\"Bakisi Isles\",\"minutes\":0,\"weapons\":\"Lava Gun, Morph-O-Ray, Mine Glove, Gravity Bomb, \
         Rocket Tube, Blitz Gun, N60 Storm, Flux Rifle\",\"players\":[{{\"account\":{},\"reported\":true,\
         \"added\":{{\"kills\":7,\"games\":1}}}}]}}",
        ann.account
    );
    assert_eq!(metadata, expected);
}

#[test]
fn counts_that_fall_are_refused_only_where_the_operator_says_so() {
    let mut test = Test::new();
    let ann = test.login("Ann");
    let mut before = vec![0; 100];
    before[5] = 10;
    test.host(|world| world.ladders.insert((Kind::Wide as u8, ann.account), before));
    let fallen =
        LadderStats { account: ann.account, wide: true, stats: vec![0; 100], ..LadderStats::default() };
    assert_eq!(test.update_ladder(&ann, fallen.clone()), Verdict::Pass);
    test.set("refuse_falling_stats", true);
    assert_eq!(test.update_ladder(&ann, fallen), Verdict::Deny(Status::FAIL));
}

#[test]
fn a_game_that_has_begun_is_marked_once_where_the_operator_wants_it() {
    let mut test = Test::new();
    let ann = test.login("Ann");
    let report = |name: &str, status| WorldStatusReport {
        name: name.into(),
        world_status: status,
        ..WorldStatusReport::default()
    };
    assert_eq!(test.world_report(&ann, report("Pj's", 2)), Verdict::Pass);
    test.set("mark_started", true);
    assert_eq!(test.world_report(&ann, report("Pj's", 2)), Verdict::Replace(report("[IG] Pj's", 2)));
    assert_eq!(test.world_report(&ann, report("[IG] Pj's", 2)), Verdict::Pass);
    assert_eq!(test.world_report(&ann, report("Pj's", 1)), Verdict::Pass);
    let long = "x".repeat(63);
    let Verdict::Replace(marked) = test.world_report(&ann, report(&long, 2)) else { panic!("it passed") };
    assert_eq!(marked.name.len(), 63);
}

#[test]
fn chat_commands_are_answered_and_swallowed_and_words_starred() {
    let mut test = Test::new();
    let (ann, bob) = (test.login("Ann"), test.login("Bob"));
    let city = test.channel("CY00000000-00");
    test.enter(&ann, city);
    test.enter(&bob, city);
    assert_eq!(test.say(&ann, "!roll"), Verdict::Reply(Vec::new()));
    let lines = test.done();
    assert_eq!(lines.len(), 2, "both hear it: {lines:?}");
    let game = test.game(&ann, captured_game());
    test.join(&ann, game);
    test.done();
    assert_eq!(test.say(&ann, "A!game"), Verdict::Reply(Vec::new()));
    let done = test.done();
    let [Done::Message { message, .. }] = done.as_slice() else { panic!("{done:?}") };
    let line: wire::messages::ChatFwdMessage = message.decode(&ann).unwrap();
    assert_eq!(line.message, "Siege on Bakisi Isles, no time limit");
    assert_eq!(test.say(&bob, "gg"), Verdict::Pass);
    test.set("words", vec!["darn".to_owned()]);
    let Verdict::Replace(line) = test.say(&bob, "Darn!") else { panic!("it passed") };
    assert_eq!(line.text, "****!");
    test.set("chat_commands", false);
    assert_eq!(test.say(&bob, "!roll"), Verdict::Pass);
}

#[test]
fn a_games_configuration_goes_from_its_host_to_the_others_and_to_who_joins_later() {
    let mut test = Test::new();
    let (ann, bob, cid) = (test.login("Ann"), test.login("Bob"), test.login("Cid"));
    let game = test.game(&ann, captured_game());
    test.join(&ann, game);
    test.join(&bob, game);
    test.host(|world| world.games.get_mut(&game).unwrap().host = ann.session);
    test.done();
    let config = vec![7u8; 60];
    let told = |to: SessionId| Done::Message {
        to: to.into(),
        message: custom(10, &[7; 49]),
        encryption: Encryption::Clear,
    };
    test.incoming(&ann, custom(9, &config));
    assert_eq!(test.done(), [told(bob.session)]);
    // The same again, and somebody else's, say nothing new.
    test.incoming(&ann, custom(9, &config));
    test.incoming(&bob, custom(9, &[8; 60]));
    assert_eq!(test.done(), []);
    test.join(&cid, game);
    assert_eq!(test.done(), [told(cid.session)]);
    // A message that is cut is not the plugin's.
    assert_eq!(test.incoming(&ann, custom(9, &[7; 48])), Verdict::Pass);
}

#[test]
fn a_banned_machine_is_put_out() {
    let mut test = Test::new();
    let ann = test.login("Ann");
    let mac = [0u8, 4, 0x1F, 1, 2, 3];
    test.incoming(&ann, custom(14, &mac));
    assert_eq!(test.done(), []);
    test.host(|world| world.bans.insert(1, (Subject::Machine(mac.to_vec()), "cheats".into())));
    test.incoming(&ann, custom(14, &mac));
    assert_eq!(test.done(), [Done::Kicked { session: ann.session, text: "You have been banned!".into() }]);
    // Too short to be a machine.
    test.incoming(&ann, custom(14, &mac[..5]));
    assert_eq!(test.done(), []);
}

#[test]
fn operators_see_games_and_ranks() {
    let mut test = Test::new();
    let ann = test.login("Ann");
    assert_eq!(test.command("games", &[]), Ok("no games".into()));
    let game = test.game(&ann, captured_game());
    let listed = test.command("games", &[]).unwrap();
    assert!(
        listed.starts_with(&format!("{game} ")) && listed.contains("Siege on Bakisi Isles, no time limit"),
        "{listed}"
    );
    let mut stats = vec![0; 100];
    stats[17] = 2500;
    test.host(|world| world.ladders.insert((Kind::Wide as u8, ann.account), stats));
    assert_eq!(test.command("top", &["siege"]), Ok("1. Ann (2500)".into()));
    assert!(test.command("top", &["golf"]).is_err());
}
