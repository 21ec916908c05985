//! Ladders: positions and pages, on both engines and through restarts.

// Helpers of tests assert by unwrapping, as the tests themselves do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, its helpers too")]

use std::sync::Arc;

use medley_store::{
    AccountId, ClanId, Database, HandleOptions, ImportMode, LadderOrder, LadderPlace, LadderStat, Ladders,
    NewAccount, NewClan, Ranked, SledOptions, StatsUpdate, Store, StoreError, StoreHandle, Text, TitleId,
    limits,
};

const BEST: LadderStat = LadderStat::Index(0);

fn title() -> TitleId {
    TitleId::new("ratchet-uya").unwrap()
}

fn create(store: &dyn Store, title: &TitleId, name: &str) -> AccountId {
    let new = NewAccount { name: Text::from(name), password: None, created: 0 };
    store.create_account(title, &new).unwrap().wait().unwrap().id
}

fn set(store: &dyn Store, id: AccountId, value: i32) {
    let mut wide = Box::new([0; limits::WIDE_STATS]);
    (wide[0], wide[99]) = (value, -1);
    store.update_stats(&title(), id, &[StatsUpdate::Wide(wide)]).unwrap().wait().unwrap();
}

/// The whole ladder as (account, value).
fn ladder(store: &dyn Store, order: LadderOrder) -> Vec<(i32, i32)> {
    let page = store.ladder_page(&title(), BEST, order, 1, limits::PAGE).unwrap();
    for (place, position) in page.iter().zip(1..) {
        assert_eq!((place.position, place.total as usize), (position, page.len()));
        let found = store.ladder_place(&title(), BEST, order, place.id).unwrap();
        assert_eq!(found.as_ref(), Some(place));
    }
    page.iter().map(|place| (place.id.get(), place.value)).collect()
}

fn on_both(test: impl Fn(&dyn Store)) {
    test(&Database::in_memory().unwrap());
    let folder = tempfile::tempdir().unwrap();
    test(&Database::open(&folder.path().join("db"), &small()).unwrap());
}

fn small() -> SledOptions {
    SledOptions { cache_bytes: 8 * 1024 * 1024, ..SledOptions::default() }
}

#[test]
fn every_account_is_ranked_from_the_highest_and_equal_ones_by_their_numbers() {
    on_both(|store| {
        let ids: Vec<AccountId> =
            ["a", "b", "c", "d", "e"].iter().map(|name| create(store, &title(), name)).collect();
        create(store, &TitleId::new("socom").unwrap(), "other");
        set(store, ids[3], 9);
        set(store, ids[1], 9);
        set(store, ids[4], -2);
        let down = vec![(2, 9), (4, 9), (1, 0), (3, 0), (5, -2)];
        assert_eq!(ladder(store, LadderOrder::HighestFirst), down);
        let up: Vec<(i32, i32)> = down.iter().rev().copied().collect();
        assert_eq!(ladder(store, LadderOrder::LowestFirst), up);
        let page = |start, rows| -> Vec<i32> {
            let page = store.ladder_page(&title(), BEST, LadderOrder::HighestFirst, start, rows).unwrap();
            page.iter().map(|place| place.id.get()).collect()
        };
        assert_eq!((page(0, 2), page(2, 2), page(5, 9)), (vec![2, 4], vec![4, 1], vec![5]));
        assert_eq!((page(6, 1), page(u32::MAX, 1), page(1, 0)), (vec![], vec![], vec![]));
    });
}

#[test]
fn whatever_changes_an_account_moves_it() {
    on_both(|store| {
        let a = create(store, &title(), "a");
        let b = create(store, &title(), "b");
        set(store, b, 5);
        // From here on the ladder is in memory.
        assert!(!store.ladder_is_loaded(&title(), Ranked::Accounts, BEST));
        assert_eq!(ladder(store, LadderOrder::HighestFirst), [(2, 5), (1, 0)]);
        assert!(store.ladder_is_loaded(&title(), Ranked::Accounts, BEST));
        set(store, a, 6);
        assert_eq!(ladder(store, LadderOrder::HighestFirst), [(1, 6), (2, 5)]);
        let c = create(store, &title(), "c");
        store.set_reset_password(&title(), a, true).unwrap().wait().unwrap();
        assert_eq!(ladder(store, LadderOrder::HighestFirst), [(1, 6), (2, 5), (3, 0)]);
        store.delete_account(&title(), b).unwrap().wait().unwrap();
        assert_eq!(ladder(store, LadderOrder::HighestFirst), [(1, 6), (3, 0)]);
        assert_eq!(store.ladder_place(&title(), BEST, LadderOrder::HighestFirst, b).unwrap(), None);
        set(store, a, -1);
        assert_eq!(ladder(store, LadderOrder::HighestFirst), [(3, 0), (1, -1)]);
        let last = LadderStat::Index(99);
        let at = store.ladder_place(&title(), last, LadderOrder::HighestFirst, c).unwrap();
        assert_eq!(at, Some(LadderPlace { id: c, value: 0, position: 1, total: 2 }));
    });
}

#[test]
fn an_import_moves_those_it_replaces() {
    let (from, to) = (Database::in_memory().unwrap(), Database::in_memory().unwrap());
    for name in ["a", "b"] {
        create(&from, &title(), name);
    }
    set(&from, AccountId::new(2).unwrap(), 7);
    create(&to, &title(), "a");
    set(&to, AccountId::new(1).unwrap(), 3);
    assert_eq!(ladder(&to, LadderOrder::HighestFirst), [(1, 3)]);
    let mut file = Vec::new();
    from.export(&mut file).unwrap();
    to.import(&mut &file[..], ImportMode::Merge).unwrap();
    assert_eq!(ladder(&to, LadderOrder::HighestFirst), [(2, 7), (1, 3)]);
}

#[test]
fn a_ladder_is_the_same_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Database::open(&folder.path().join("db"), &small()).unwrap();
    let store = open();
    for (name, value) in [("a", 1), ("b", 3), ("c", 0), ("d", 3)] {
        let id = create(&store, &title(), name);
        set(&store, id, value);
    }
    let before = ladder(&store, LadderOrder::HighestFirst);
    assert_eq!(before, [(2, 3), (4, 3), (1, 1), (3, 0)]);
    drop(store);
    assert_eq!(ladder(&open(), LadderOrder::HighestFirst), before);
}

#[test]
fn a_stat_that_no_account_has_is_refused() {
    let store = Database::in_memory().unwrap();
    let bytes = |start, width| LadderStat::Bytes { start, width };
    for stat in [LadderStat::Index(100), bytes(0, 0), bytes(0, 3), bytes(253, 4), bytes(255, 2)] {
        let refused = store.load_ladder(&title(), Ranked::Accounts, stat).unwrap_err();
        assert!(matches!(refused, StoreError::Invalid { field: "ladder stat", .. }), "{refused}");
    }
    assert!(store.ladder_page(&title(), bytes(255, 1), LadderOrder::HighestFirst, 1, 5).unwrap().is_empty());
}

#[test]
fn more_ladders_than_are_held_are_all_right() {
    let store = Database::in_memory().unwrap();
    let id = create(&store, &title(), "a");
    set(&store, id, 5);
    let held = || {
        (0..100)
            .filter(|at| store.ladder_is_loaded(&title(), Ranked::Accounts, LadderStat::Index(*at)))
            .count()
    };
    for round in 0..2 {
        for index in 0..100 {
            let place = store.ladder_place(&title(), LadderStat::Index(index), LadderOrder::HighestFirst, id);
            let value = place.unwrap().unwrap().value;
            assert_eq!(value, [0, 5, -1][usize::from(index == 0) + 2 * usize::from(index == 99)], "{round}");
        }
        assert_eq!(held(), 64);
    }
    assert!(!store.ladder_is_loaded(&title(), Ranked::Accounts, LadderStat::Index(0)));
}

#[test]
fn a_hundred_thousand_accounts_have_the_positions_of_a_sorted_list() {
    const ACCOUNTS: i32 = 100_000;
    let store = Database::in_memory().unwrap();
    // One in four has a value, of 0 to 9999, spread; the others are equal.
    let value_of = |id: i32| if id % 4 == 0 { (id % 10_000 * 7_919) % 10_000 } else { 0 };
    let mut model = Vec::new();
    for number in 1..=ACCOUNTS {
        let id = create(&store, &title(), &format!("p{number}"));
        let value = value_of(id.get());
        if value != 0 {
            set(&store, id, value);
        }
        model.push((std::cmp::Reverse(value), id.get()));
    }
    model.sort_unstable();
    for step in 0..300 {
        if step >= 100 {
            // Half of these before the ladder is asked again, half after.
            let id = (step * 331) % ACCOUNTS + 1;
            let index = model.iter().position(|(_, known)| *known == id).unwrap();
            model.remove(index);
            let entry = (std::cmp::Reverse(step * 37), id);
            model.insert(model.partition_point(|known| *known < entry), entry);
            set(&store, AccountId::new(id).unwrap(), step * 37);
        }
        let index = (step * 7_001 % ACCOUNTS) as usize;
        let (value, id) = model[index];
        let place =
            store.ladder_place(&title(), BEST, LadderOrder::HighestFirst, AccountId::new(id).unwrap());
        let place = place.unwrap().unwrap();
        assert_eq!((place.position as usize, place.value, place.total), (index + 1, value.0, 100_000));
        let page = store.ladder_page(&title(), BEST, LadderOrder::HighestFirst, place.position, 20).unwrap();
        let rows: Vec<_> = page.iter().map(|row| (std::cmp::Reverse(row.value), row.id.get())).collect();
        assert_eq!(rows, model[index..(index + 20).min(model.len())]);
    }
}

/// The whole ladder of clans as (clan, value).
fn clan_ladder(store: &dyn Store, order: LadderOrder) -> Vec<(u32, i32)> {
    let page = store.clan_ladder_page(&title(), BEST, order, 1, limits::PAGE).unwrap();
    for (place, position) in page.iter().zip(1..) {
        assert_eq!((place.position, place.total as usize), (position, page.len()));
        let found = store.clan_ladder_place(&title(), BEST, order, place.id).unwrap();
        assert_eq!(found.as_ref(), Some(place));
    }
    page.iter().map(|place| (place.id.0, place.value)).collect()
}

fn create_clan(store: &dyn Store, title: &TitleId, leader: AccountId, name: &str) -> ClanId {
    let new = NewClan { name: Text::from(name), leader, app_id: 10684, created: 0 };
    store.create_clan(title, &new).unwrap().wait().unwrap().id
}

fn set_clan(store: &dyn Store, leader: AccountId, clan: ClanId, value: i32) {
    let mut wide = Box::new([0; limits::WIDE_STATS]);
    wide[0] = value;
    store.update_clan_stats(&title(), leader, clan, &[StatsUpdate::Wide(wide)]).unwrap().wait().unwrap();
}

#[test]
fn clans_are_ranked_by_their_own_stats_for_as_long_as_they_are() {
    on_both(|store| {
        let leaders: Vec<AccountId> =
            ["a", "b", "c", "d"].iter().map(|name| create(store, &title(), name)).collect();
        set(store, leaders[0], 1_000);
        let other = TitleId::new("socom").unwrap();
        let stranger = create(store, &other, "other");
        create_clan(store, &other, stranger, "other");
        let clans: Vec<ClanId> = leaders
            .iter()
            .enumerate()
            .map(|(at, leader)| create_clan(store, &title(), *leader, &format!("clan {at}")))
            .collect();
        let first = clans[0].0;
        set_clan(store, leaders[2], clans[2], 9);
        assert!(!store.ladder_is_loaded(&title(), Ranked::Clans, BEST));
        let all = [(first + 2, 9), (first, 0), (first + 1, 0), (first + 3, 0)];
        assert_eq!(clan_ladder(store, LadderOrder::HighestFirst), all);
        assert!(store.ladder_is_loaded(&title(), Ranked::Clans, BEST));
        assert!(!store.ladder_is_loaded(&title(), Ranked::Accounts, BEST));
        // In memory from here on.
        set_clan(store, leaders[3], clans[3], 10);
        store.disband_clan(&title(), leaders[2], clans[2], 0).unwrap().wait().unwrap();
        store.delete_account(&title(), leaders[1]).unwrap().wait().unwrap();
        assert_eq!(clan_ladder(store, LadderOrder::HighestFirst), [(first + 3, 10), (first, 0)]);
        assert_eq!(clan_ladder(store, LadderOrder::LowestFirst), [(first, 0), (first + 3, 10)]);
        let gone = store.clan_ladder_place(&title(), BEST, LadderOrder::HighestFirst, clans[2]).unwrap();
        assert_eq!(gone, None);
    });
}

/// Writers that run while ladders are built: whatever the builder saw or missed, in the end they agree.
#[test]
fn writes_during_the_building_are_not_lost() {
    let store = Arc::new(Database::in_memory().unwrap());
    let ids: Vec<AccountId> = (0..300).map(|n| create(&*store, &title(), &format!("p{n}"))).collect();
    std::thread::scope(|scope| {
        for part in 0..2 {
            let (store, ids) = (Arc::clone(&store), &ids);
            scope.spawn(move || {
                for round in 0..20 {
                    for id in ids.iter().skip(part).step_by(2) {
                        set(&*store, *id, id.get() * 7 % 101 + round);
                    }
                }
            });
        }
        for _ in 0..2 {
            let store = Arc::clone(&store);
            scope.spawn(move || {
                // More than are held: each is built again and again.
                for index in (0..100).cycle().take(400) {
                    store.load_ladder(&title(), Ranked::Accounts, LadderStat::Index(index)).unwrap();
                }
            });
        }
    });
    let mut expected: Vec<(i32, i32)> = ids.iter().map(|id| (id.get(), id.get() * 7 % 101 + 19)).collect();
    expected.sort_by_key(|(id, value)| (std::cmp::Reverse(*value), *id));
    assert_eq!(ladder(&*store, LadderOrder::HighestFirst), expected);
}

#[tokio::test]
async fn the_handle_makes_a_ladder_once() {
    let store = Arc::new(Database::in_memory().unwrap());
    create(&*store, &title(), "a");
    let handle = StoreHandle::new(store.clone(), &HandleOptions::default()).unwrap();
    assert!(!store.ladder_is_loaded(&title(), Ranked::Accounts, BEST));
    for _ in 0..2 {
        handle.load_ladder(&title(), Ranked::Accounts, BEST).await.unwrap();
        assert!(store.ladder_is_loaded(&title(), Ranked::Accounts, BEST));
    }
    assert!(
        handle
            .load_ladder(&title(), Ranked::Accounts, LadderStat::Index(255))
            .await
            .unwrap_err()
            .is_refusal()
    );
    handle.close().await;
}
