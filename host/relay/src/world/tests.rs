//! Whole lives of worlds in virtual time.

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::*;

const ID: DmeWorldId = DmeWorldId(3);
const APP: AppId = AppId(11184);

struct Bench {
    worlds: Worlds,
    now: Time,
    rng: ChaCha20Rng,
}

impl Bench {
    fn new(max_clients: u16) -> Self {
        let now = Time::from_millis(77_000);
        let mut worlds = Worlds::new();
        let rules = WorldRules { max_clients, ..WorldRules::default() };
        assert_eq!(worlds.create(ID, APP, rules, now), Some(0));
        Self { worlds, now, rng: ChaCha20Rng::seed_from_u64(1) }
    }

    fn pass(&mut self, seconds: u64) -> Tick {
        self.now = self.now + Duration::from_secs(seconds);
        self.worlds.tick(self.now)
    }

    fn allot(&mut self, session: &str) -> Result<Allotment, Refused> {
        self.worlds.allot(self.now, ID, session.into(), &mut self.rng, (0, 1))
    }

    fn enter(&mut self, allotment: Allotment, session: &str, old: bool) -> Result<Located, KeyRefused> {
        self.worlds.enter(self.now, allotment.access_key.as_bytes(), &session.into(), old)
    }

    fn world(&mut self) -> &mut World {
        self.worlds.at_mut(0).unwrap()
    }

    /// A 1.10 player that has joined and takes everything.
    fn player(&mut self, session: &str) -> DmeIndex {
        let allotment = self.allot(session).unwrap();
        self.enter(allotment, session, false).unwrap();
        let now = self.now;
        self.world().join(now, allotment.index).unwrap();
        self.world().set_receive_flags(allotment.index, 0x0f);
        allotment.index
    }
}

fn indices(mask: Mask) -> Vec<u8> {
    mask.iter().map(|index| index.0).collect()
}

fn owned(token: u16, owner: u8) -> TokenEntry {
    TokenEntry { token_type: 7, token: Some(token), owner: Some(owner.into()) }
}

fn plain(token_type: u8, token: u16) -> TokenEntry {
    TokenEntry { token_type, token: Some(token), owner: None }
}

#[test]
fn the_lowest_free_index_is_allotted_until_the_world_is_full() {
    let mut bench = Bench::new(3);
    for wanted in 0..3 {
        assert_eq!(bench.player(&format!("s{wanted}")), DmeIndex(wanted));
    }
    assert_eq!(bench.allot("late"), Err(Refused::Allot(AllotError::Full { limit: 3 })));
    assert!(bench.world().leave(DmeIndex(1)).unwrap().was_joined);
    assert_eq!(bench.player("late"), DmeIndex(1));
    assert_eq!(bench.world().player_count(), 3);
}

#[test]
fn a_world_of_256_uses_every_index_and_not_one_more() {
    let mut bench = Bench::new(1000);
    for wanted in 0..=255 {
        assert_eq!(bench.player(&format!("s{wanted}")), DmeIndex(wanted));
    }
    assert_eq!(bench.allot("late"), Err(Refused::Allot(AllotError::Full { limit: 256 })));
    assert_eq!(bench.world().receivers(DmeIndex(255), Route::Broadcast).len(), 255);
}

#[test]
fn an_access_key_opens_its_slot_once_and_for_its_session_only() {
    let mut bench = Bench::new(8);
    let allotment = bench.allot("13088").unwrap();
    assert!(allotment.access_key.as_bytes().iter().all(|byte| BASE64.contains(byte)));
    assert_eq!(bench.enter(allotment, "666", false), Err(KeyRefused::WrongSession));
    let located = bench.enter(allotment, "13088", false).unwrap();
    assert_eq!((located.world, located.entered.index), (ID, DmeIndex(0)));
    assert_eq!(bench.enter(allotment, "13088", false), Err(KeyRefused::Unknown));
    assert_eq!(bench.worlds.pending_keys(), 0);
}

#[test]
fn a_key_cut_to_15_characters_opens_its_slot_and_a_shorter_one_does_not() {
    let mut bench = Bench::new(8);
    let allotment = bench.allot("a").unwrap();
    let key = *allotment.access_key.as_bytes();
    let mut wrong = key;
    wrong[15] ^= 1;
    for refused in [&key[..14], &wrong, &[], &[0; 64]] {
        let entered = bench.worlds.enter(bench.now, refused, &"a".into(), false);
        assert_eq!(entered, Err(KeyRefused::Unknown));
    }
    assert!(bench.worlds.enter(bench.now, &key[..15], &"a".into(), false).is_ok());
}

#[test]
fn an_access_key_dies_after_15_seconds_and_its_index_is_free() {
    let mut bench = Bench::new(1);
    let allotment = bench.allot("a").unwrap();
    bench.now = bench.now + Duration::from_secs(15);
    assert_eq!(bench.enter(allotment, "a", false), Err(KeyRefused::Expired));
    assert_eq!(bench.allot("b"), Err(Refused::Allot(AllotError::Full { limit: 1 })));
    assert_eq!(bench.worlds.deadline(), Some(bench.now));
    // The world dies with it: it is empty and 15 s old.
    assert_eq!(bench.pass(0), Tick { expired: 1, removed: vec![(0, ID)] });
    assert_eq!(bench.enter(allotment, "a", false), Err(KeyRefused::Unknown));
}

#[test]
fn a_session_that_asks_again_keeps_its_index_and_its_last_key_alone_is_good() {
    let mut bench = Bench::new(8);
    let first = bench.allot("a").unwrap();
    let second = bench.allot("a").unwrap();
    assert_eq!((first.index, second.index), (DmeIndex(0), DmeIndex(0)));
    assert_ne!(first.access_key, second.access_key);
    assert_eq!(bench.enter(first, "a", false), Err(KeyRefused::Unknown));
    assert!(bench.enter(second, "a", false).is_ok());
    assert_eq!(bench.world().player_count(), 1);
}

#[test]
fn a_player_that_comes_back_displaces_its_old_connection_at_the_same_index() {
    let mut bench = Bench::new(8);
    let (a, b) = (bench.player("a"), bench.player("b"));
    let again = bench.allot("a").unwrap();
    assert_eq!(again.index, a);
    // The old connection plays on until the new one is here.
    assert_eq!(indices(bench.world().receivers(b, Route::Broadcast)), [0]);
    let entered = bench.enter(again, "a", false).unwrap().entered;
    let left = entered.displaced.unwrap();
    assert_eq!((left.index, left.was_joined, indices(left.notify)), (a, true, vec![1]));
    assert_eq!(indices(bench.world().receivers(b, Route::Broadcast)), Vec::<u8>::new());
}

#[test]
fn a_slot_whose_session_is_on_its_way_back_survives_the_old_connection() {
    let mut bench = Bench::new(1);
    bench.player("a");
    let again = bench.allot("a").unwrap();
    assert!(bench.world().leave(again.index).is_some());
    assert_eq!(bench.world().player_count(), 1);
    assert!(bench.enter(again, "a", false).unwrap().entered.displaced.is_none());
}

#[test]
fn a_broadcast_reaches_all_others_who_joined_and_want_it() {
    let mut bench = Bench::new(8);
    let source = bench.player("a");
    let (_b, c) = (bench.player("b"), bench.player("c"));
    let on_its_way = bench.allot("d").unwrap();
    bench.enter(on_its_way, "d", true).unwrap();
    assert_eq!(indices(bench.world().receivers(source, Route::Broadcast)), [1, 2]);
    bench.world().set_receive_flags(c, receive_flags::SINGLE);
    assert_eq!(indices(bench.world().receivers(source, Route::Broadcast)), [1]);
    assert_eq!(bench.world().receivers(on_its_way.index, Route::Broadcast), Mask::EMPTY, "not joined yet");
}

#[test]
fn list_and_single_obey_mask_and_flags_and_never_come_back() {
    let mut bench = Bench::new(16);
    let players: Vec<_> = (0..10).map(|n| bench.player(&format!("s{n}"))).collect();
    let everyone = Route::List(Mask::from_list(&[0xff, 0xff, 0xff]));
    assert_eq!(indices(bench.world().receivers(players[3], everyone)), [0, 1, 2, 4, 5, 6, 7, 8, 9]);
    let some = Route::List(Mask::from_list(&[0b1000_0010, 0b10]));
    assert_eq!(indices(bench.world().receivers(players[1], some)), [7, 9]);
    bench.world().set_receive_flags(players[7], receive_flags::BROADCAST);
    assert_eq!(indices(bench.world().receivers(players[1], some)), [9]);
    assert_eq!(indices(bench.world().receivers(players[0], Route::Single(7))), Vec::<u8>::new());
    assert_eq!(indices(bench.world().receivers(players[0], Route::Single(9))), [9]);
    for nobody in [0, 10, 255, 256, 0xffff] {
        assert!(bench.world().receivers(players[0], Route::Single(nobody)).is_empty(), "{nobody}");
    }
}

#[test]
fn flags_before_ready_tcp_are_list_and_single_and_1_08_gets_everything_always() {
    let mut bench = Bench::new(8);
    let source = bench.player("a");
    let (new, old) = (bench.allot("new").unwrap(), bench.allot("old").unwrap());
    bench.enter(new, "new", false).unwrap();
    bench.enter(old, "old", true).unwrap();
    let now = bench.now;
    bench.world().join(now, new.index).unwrap();
    bench.world().join(now, old.index).unwrap();
    assert_eq!(indices(bench.world().receivers(source, Route::Broadcast)), [2]);
    assert_eq!(indices(bench.world().receivers(source, Route::Single(1))), [1]);
    // 02 00: broadcasts off, which no server obeys for 1.08.
    bench.world().set_receive_flags(old.index, 0);
    assert_eq!(indices(bench.world().receivers(source, Route::Broadcast)), [2]);
}

#[test]
fn a_newcomer_is_announced_to_joined_clients_with_the_notification_flag() {
    let mut bench = Bench::new(8);
    let (_a, b) = (bench.player("a"), bench.player("b"));
    bench.world().set_receive_flags(b, receive_flags::BROADCAST);
    let c = bench.allot("c").unwrap();
    let entered = bench.enter(c, "c", false).unwrap().entered;
    assert_eq!(entered.player_count, 3);
    let now = bench.now;
    let joined = bench.world().join(now, c.index).unwrap();
    assert_eq!((joined.player_count, indices(joined.notify)), (3, vec![0]));
    assert_eq!(bench.world().join(now, c.index), None, "twice");
    let left = bench.world().leave(c.index).unwrap();
    assert_eq!((left.was_joined, indices(left.notify), left.session_key), (true, vec![0], "c".into()));
    assert_eq!(bench.world().leave(c.index), None);
}

#[test]
fn a_power_off_before_the_join_frees_the_slot_and_tells_nobody() {
    let mut bench = Bench::new(8);
    bench.player("a");
    let b = bench.allot("b").unwrap();
    bench.enter(b, "b", false).unwrap();
    let left = bench.world().leave(b.index).unwrap();
    assert_eq!((left.was_joined, left.notify), (false, Mask::EMPTY));
    assert_eq!(bench.world().player_count(), 1);
}

#[test]
fn the_clock_starts_with_the_first_player_and_is_shared() {
    let mut bench = Bench::new(8);
    bench.now = bench.now + Duration::from_secs(5);
    let start = bench.now;
    assert_eq!(bench.world().time_base(start), 0);
    bench.player("a");
    assert_eq!(bench.world().time_base(start + Duration::from_millis(976)), 976);
    bench.player("b");
    assert_eq!(bench.world().time_base(start + Duration::from_millis(3003)), 3003);
}

#[test]
fn the_lowest_connected_index_is_session_master() {
    let mut bench = Bench::new(8);
    assert_eq!(bench.world().session_master(), None);
    for name in ["a", "b", "c"] {
        bench.player(name);
    }
    assert_eq!(bench.world().session_master(), Some(DmeIndex(0)));
    bench.world().leave(DmeIndex(0));
    assert_eq!(bench.world().session_master(), Some(DmeIndex(1)));
}

#[test]
fn a_free_token_goes_to_its_asker_and_everybody_hears_it() {
    let mut bench = Bench::new(8);
    let (a, b) = (bench.player("a"), bench.player("b"));
    let c = bench.player("c");
    bench.world().set_receive_flags(c, receive_flags::SINGLE);
    let (to, entry) = bench.world().token(b, token_type::CLIENT_REQUEST, 5).unwrap();
    assert_eq!((indices(to), entry), (vec![0, 1], owned(5, 1)));
    let (to, entry) = bench.world().token(a, token_type::CLIENT_REQUEST, 5).unwrap();
    assert_eq!((indices(to), entry), (vec![0], plain(8, 5)));
    let (to, entry) = bench.world().token(c, token_type::CLIENT_QUERY, 5).unwrap();
    assert_eq!((indices(to), entry), (vec![2], owned(5, 1)));
    let (_, entry) = bench.world().token(c, token_type::CLIENT_QUERY, 6).unwrap();
    assert_eq!(entry, plain(9, 6));
}

#[test]
fn a_release_is_answered_by_who_gives_up_what() {
    let mut bench = Bench::new(8);
    let (a, b, c) = (bench.player("a"), bench.player("b"), bench.player("c"));
    bench.world().token(a, token_type::CLIENT_REQUEST, 5).unwrap();
    bench.world().token(b, token_type::CLIENT_REQUEST, 5).unwrap();
    for releaser in [b, c] {
        let (to, entry) = bench.world().token(releaser, token_type::CLIENT_RELEASE, 5).unwrap();
        assert_eq!((indices(to), entry), (vec![releaser.0], plain(0x0a, 5)));
    }
    let (to, entry) = bench.world().token(a, token_type::CLIENT_RELEASE, 5).unwrap();
    assert_eq!((indices(to), entry), (vec![0, 1, 2], plain(9, 5)));
    let (to, entry) = bench.world().token(a, token_type::CLIENT_RELEASE, 5).unwrap();
    assert_eq!((indices(to), entry), (vec![0], TokenEntry { token_type: 0x0f, token: None, owner: None }));
    assert_eq!(bench.world().token(a, token_type::CLIENT_REQUEST, INVALID_TOKEN), None);
    assert_eq!(bench.world().token(a, 4, 5), None, "list forms have no known layout");
}

#[test]
fn a_leavers_tokens_are_freed_and_a_newcomer_hears_who_owns_what() {
    let mut bench = Bench::new(8);
    let (a, b) = (bench.player("a"), bench.player("b"));
    bench.world().token(a, token_type::CLIENT_REQUEST, 5).unwrap();
    bench.world().token(a, token_type::CLIENT_REQUEST, 9).unwrap();
    bench.world().token(b, token_type::CLIENT_REQUEST, 7).unwrap();
    bench.world().token(a, token_type::CLIENT_REQUEST, 7).unwrap();
    let left = bench.world().leave(a).unwrap();
    assert_eq!((indices(left.freed.0), left.freed.1), (vec![1], vec![5, 9]));
    let c = bench.allot("c").unwrap();
    bench.enter(c, "c", false).unwrap();
    let now = bench.now;
    assert_eq!(bench.world().join(now, c.index).unwrap().tokens, [owned(7, 1)]);
}

#[test]
fn a_client_cannot_make_a_world_remember_more_tokens_than_the_bound() {
    let mut bench = Bench::new(8);
    let a = bench.player("a");
    for token in 0..MAX_TOKENS as u16 {
        assert!(bench.world().token(a, token_type::CLIENT_REQUEST, token).is_some());
    }
    assert_eq!(bench.world().token(a, token_type::CLIENT_REQUEST, MAX_TOKENS as u16), None);
    assert_eq!(bench.world().leave(a).unwrap().freed.1.len(), MAX_TOKENS);
}

#[test]
fn an_empty_world_lives_15_seconds_and_an_emptied_old_one_dies_at_once() {
    let mut bench = Bench::new(8);
    assert_eq!(bench.worlds.deadline(), Some(bench.now + Duration::from_secs(15)));
    assert_eq!(bench.pass(14).removed, []);
    let a = bench.player("a");
    assert_eq!(bench.worlds.deadline(), None);
    assert_eq!(bench.pass(3600).removed, []);
    bench.world().leave(a);
    assert_eq!(bench.pass(0).removed, [(0, ID)]);
    assert!(bench.worlds.is_empty());
}

#[test]
fn a_young_world_survives_its_only_players_power_off() {
    let mut bench = Bench::new(8);
    let a = bench.player("a");
    bench.world().leave(a);
    assert_eq!(bench.pass(1).removed, []);
    bench.player("a");
    assert_eq!(bench.pass(60).removed, []);
}

#[test]
fn a_polite_end_waits_for_the_last_player_and_lets_nobody_in() {
    let mut bench = Bench::new(8);
    let a = bench.player("a");
    assert_eq!(bench.worlds.end(ID, false), Some(Ending::WhenEmpty));
    assert_eq!(bench.allot("b"), Err(Refused::Allot(AllotError::Ending)));
    assert_eq!(bench.pass(1).removed, []);
    bench.world().leave(a);
    assert_eq!(bench.pass(0).removed, [(0, ID)]);
    assert_eq!(bench.worlds.end(ID, false), None);
    assert_eq!(bench.allot("b"), Err(Refused::NoWorld(ID)));
}

#[test]
fn a_brutal_end_puts_everybody_out_and_kills_keys_on_their_way() {
    let mut bench = Bench::new(8);
    let a = bench.player("a");
    let b = bench.allot("b").unwrap();
    let Some(Ending::PutOut(out)) = bench.worlds.end(ID, true) else { panic!("somebody is in") };
    assert_eq!(indices(out), [0]);
    assert_eq!(bench.enter(b, "b", false), Err(KeyRefused::Unknown));
    bench.world().leave(a);
    assert_eq!(bench.pass(0).removed, [(0, ID)]);
    let mut empty = Bench::new(8);
    assert_eq!(empty.worlds.end(ID, true), Some(Ending::Now));
    assert_eq!(empty.pass(0).removed, [(0, ID)]);
}

#[test]
fn worlds_with_one_number_are_refused_and_worlds_do_not_hear_each_other() {
    let mut bench = Bench::new(8);
    assert_eq!(bench.worlds.create(ID, APP, WorldRules::default(), bench.now), None);
    let other = DmeWorldId(4);
    assert_eq!(bench.worlds.create(other, APP, WorldRules::default(), bench.now), Some(1));
    let a = bench.player("a");
    let there = bench.worlds.allot(bench.now, other, "a".into(), &mut bench.rng, (0, 1)).unwrap();
    assert_eq!(bench.enter(there, "a", true).unwrap().world, other);
    assert_eq!(bench.world().receivers(a, Route::Broadcast), Mask::EMPTY);
}

#[test]
fn a_key_says_which_shard_minted_it() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    for shards in [1, 2, 3, 7, 64, 1000] {
        for shard in 0..usize::min(shards, 64) {
            for _ in 0..20 {
                let key = AccessKey::mint_for(&mut rng, shard, shards);
                assert_eq!(AccessKey::shard(key.as_bytes(), shards), shard, "{shards}");
            }
        }
    }
    assert_eq!((AccessKey::shard(b"", 4), AccessKey::shard(b"\xff", 4)), (0, 0));
    assert!(format!("{:?}", AccessKey(*b"XiiFHEibnt2n4t+0")).find("Xii").is_none());
}
