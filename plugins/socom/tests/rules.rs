//! The plugin of SOCOM against the SDK's host for tests.

use medley_plugin::prelude::*;
use medley_plugin::testing::Harness;
use socom::Socom;

type Test = Harness<Socom>;

/// A clan led by `leader`, with `member` in it.
fn clan(test: &Test, leader: &Who, member: &Who) -> ClanId {
    let id = ClanId(7);
    let clan = Clan { id, name: "SEALs".into(), leader: leader.account, ..Clan::default() };
    test.host(|world| world.clans.insert(id, (clan, [leader.account, member.account].into())));
    id
}

#[test]
fn a_clans_stats_are_its_members_to_write_or_its_leaders_alone() {
    let mut test = Test::new();
    let (ann, bob, cid) = (test.login("Ann"), test.login("Bob"), test.login("Cid"));
    let clan = clan(&test, &ann, &bob);
    let denied = Verdict::Deny(Status::REQUEST_DENIED);
    assert_eq!(test.update_blob(&ann, clan, vec![0; 256]), Verdict::Pass);
    assert_eq!(test.update_blob(&bob, clan, vec![0; 256]), Verdict::Pass);
    assert_eq!(test.update_blob(&cid, clan, vec![0; 256]), denied);
    test.set("leader_writes_clan_stats", true);
    assert_eq!(test.update_blob(&ann, clan, vec![0; 256]), Verdict::Pass);
    assert_eq!(test.update_blob(&bob, clan, vec![0; 256]), denied);
    // A player's own blob is another matter.
    assert_eq!(test.update_blob(&cid, ClanId::NONE, vec![0; 256]), Verdict::Pass);
}

#[test]
fn ladder_stats_are_written_for_oneself_and_ones_clan_alone() {
    let mut test = Test::new();
    let (ann, bob, cid) = (test.login("Ann"), test.login("Bob"), test.login("Cid"));
    let clan = clan(&test, &ann, &bob);
    let own = |who: &Who| LadderStats {
        account: who.account,
        wide: true,
        stats: vec![1; 100],
        ..LadderStats::default()
    };
    let denied = Verdict::Deny(Status::REQUEST_DENIED);
    assert_eq!(test.update_ladder(&cid, own(&cid)), Verdict::Pass);
    assert_eq!(test.update_ladder(&cid, own(&ann)), denied);
    assert_eq!(test.update_ladder(&bob, LadderStats { clan, ..own(&bob) }), Verdict::Pass);
    assert_eq!(test.update_ladder(&cid, LadderStats { clan, ..own(&cid) }), denied);
}

#[test]
fn games_have_sixteen_players_unless_the_operator_says_otherwise() {
    let mut test = Test::new();
    let ann = test.login("Ann");
    let asked = |players| CreateGameRequest { max_players: players, ..CreateGameRequest::default() };
    assert_eq!(test.create_game(&ann, asked(32)), Verdict::Replace(asked(16)));
    test.set("max_players", 32);
    assert_eq!(test.create_game(&ann, asked(32)), Verdict::Pass);
}

#[test]
fn operators_see_clans_and_ladders() {
    let mut test = Test::new();
    let (ann, bob) = (test.login("Ann"), test.login("Bob"));
    clan(&test, &ann, &bob);
    let seen = test.command("clan", &["SEALs"]);
    assert_eq!(seen, Ok(format!("SEALs: led by account {}, 2 members, 2 online", ann.account)));
    assert_eq!(test.command("clan", &["No", "such"]), Err(Refusal("there is no clan `No such`".into())));
    assert_eq!(test.command("top", &["3"]), Ok("nobody has anything in column 3".into()));
    assert!(test.command("top", &["third"]).is_err());
}
