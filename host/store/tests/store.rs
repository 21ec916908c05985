//! Every operation of the store, on both engines.

// Helpers of tests assert by unwrapping, as the tests themselves do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, its helpers too")]

use std::net::IpAddr;
use std::sync::Arc;

use medley_store::{
    Account, AccountId, Accounts as _, Ban, BanId, BanQuery, BanScope, BanSubject, Bans as _, Database,
    GameRecord, ImportMode, ListKind, LoginRecord, NewAccount, NewBan, Page, PluginScope, PolicyKind,
    SledOptions, Stats, StatsUpdate, Store, StoreError, Text, TitleId, check_import, limits,
};

/// Runs a test on the in-memory engine and on sled.
fn on_both(test: impl Fn(&dyn Store)) {
    test(&Database::in_memory().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let options = SledOptions { cache_bytes: 8 * 1024 * 1024, ..SledOptions::default() };
    test(&Database::open(&folder.path().join("db"), &options).unwrap());
}

fn title() -> TitleId {
    TitleId::new("ratchet-uya").unwrap()
}

fn new(name: &str) -> NewAccount {
    NewAccount { name: Text::from(name), password: None, created: 1000 }
}

fn create(store: &dyn Store, name: &str) -> Account {
    store.create_account(&title(), &new(name)).unwrap().wait().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_created_account_is_found_by_number_and_by_name_in_any_case() {
    on_both(|store| {
        let account = create(store, "Clank_1");
        assert_eq!(account.id.get(), 1);
        assert_eq!(account.created, 1000);
        assert_eq!(store.account(&title(), account.id).unwrap(), Some(account.clone()));
        assert_eq!(store.account_by_name(&title(), b"cLANK_1").unwrap(), Some(account.clone()));
        assert_eq!(store.account_by_name(&title(), b"Clank_2").unwrap(), None);
        assert_eq!(store.account_by_name(&title(), &[b'x'; 5000]).unwrap(), None);
        assert_eq!(store.account(&TitleId::new("socom").unwrap(), account.id).unwrap(), None);
    });
}

#[test]
fn a_name_taken_in_another_case_is_refused_and_costs_no_number() {
    on_both(|store| {
        create(store, "Nefarious");
        let error = store.create_account(&title(), &new("NEFARIOUS")).unwrap_err();
        assert!(matches!(&error, StoreError::AlreadyExists { key, .. } if key == "NEFARIOUS"), "{error}");
        assert!(error.is_refusal());
        assert_eq!(create(store, "Qwark").id.get(), 2);
        assert_eq!(store.account_count(&title()).unwrap(), 2);
    });
}

#[test]
fn the_same_name_in_two_titles_makes_two_accounts_with_different_numbers() {
    on_both(|store| {
        let socom = TitleId::new("socom").unwrap();
        let one = create(store, "Seal");
        let two = store.create_account(&socom, &new("Seal")).unwrap().wait().unwrap();
        assert_ne!(one.id, two.id);
        assert_eq!(store.account_titles().unwrap(), [title(), socom.clone()]);
        assert_eq!(store.accounts(&socom, Page::default()).unwrap(), [two]);
    });
}

#[test]
fn names_outside_the_limits_are_refused() {
    on_both(|store| {
        for (name, what) in [("", "no NUL"), ("a\0b", "no NUL"), (&*"x".repeat(49), "limit is 48")] {
            let error = store.create_account(&title(), &new(name)).unwrap_err();
            assert!(error.is_refusal() && error.to_string().contains(what), "{error}");
        }
        // Bytes that are not UTF-8 are a name like any other.
        let bytes = NewAccount { name: Text(vec![0xff, 0x80, b'A']), password: None, created: 1 };
        let account = store.create_account(&title(), &bytes).unwrap().wait().unwrap();
        assert_eq!(store.account_by_name(&title(), &[0xff, 0x80, b'a']).unwrap(), Some(account));
    });
}

#[test]
fn a_deleted_account_takes_everything_with_it_and_its_number_is_not_used_again() {
    on_both(|store| {
        let (a, b, c) = (create(store, "a"), create(store, "b"), create(store, "c"));
        store.update_stats(&title(), b.id, &[StatsUpdate::Custom(vec![1])]).unwrap().wait().unwrap();
        store.add_mutual_buddies(&title(), a.id, b.id, 5).unwrap().wait().unwrap();
        store.add_to_list(&title(), ListKind::Ignored, c.id, b.id, 5).unwrap().wait().unwrap();
        store.invite_buddy(&title(), b.id, c.id, 0, 5).unwrap().wait().unwrap();
        store.invite_buddy(&title(), c.id, b.id, 0, 5).unwrap().wait().unwrap();
        store.plugin_set(&title(), PluginScope::Account(b.id), b"k", b"v").unwrap().wait().unwrap();
        store.delete_account(&title(), b.id).unwrap().wait().unwrap();

        assert_eq!(store.account(&title(), b.id).unwrap(), None);
        assert_eq!(store.account_by_name(&title(), b"b").unwrap(), None);
        assert_eq!(store.stats(&title(), b.id).unwrap(), None);
        assert_eq!(store.list(&title(), ListKind::Buddies, a.id).unwrap(), []);
        assert!(!store.is_listed(&title(), ListKind::Buddies, a.id, b.id).unwrap());
        assert!(!store.is_listed(&title(), ListKind::Ignored, c.id, b.id).unwrap());
        assert_eq!(store.invitations(&title(), c.id).unwrap(), []);
        assert_eq!(store.plugin_get(&title(), PluginScope::Account(b.id), b"k").unwrap(), None);
        assert_eq!(store.account_count(&title()).unwrap(), 2);
        assert!(matches!(store.delete_account(&title(), b.id), Err(StoreError::NotFound { .. })));

        let again = create(store, "b");
        assert_eq!(again.id.get(), 4);
        assert_eq!(store.stats(&title(), again.id).unwrap(), Some(Stats::default()));
    });
}

#[test]
fn a_login_is_noted_and_keeps_a_machine_id_that_was_known() {
    on_both(|store| {
        let id = create(store, "a").id;
        let login = LoginRecord { at: 50, ip: Some(ip("10.0.0.1")), machine_id: Some(vec![1, 2]) };
        store.record_login(&title(), id, &login).unwrap().wait().unwrap();
        let login = LoginRecord { at: 60, ip: Some(ip("::1")), machine_id: None };
        store.record_login(&title(), id, &login).unwrap().wait().unwrap();
        let account = store.account(&title(), id).unwrap().unwrap();
        assert_eq!((account.last_login, account.last_ip), (Some(60), Some(ip("::1"))));
        assert_eq!(account.machine_id, Some(vec![1, 2]));
    });
}

#[test]
fn noted_logins_are_in_every_view_at_once_and_survive_what_is_done_beside_them() {
    on_both(|store| {
        let (a, b, c) = (create(store, "a").id, create(store, "b").id, create(store, "c").id);
        for (id, at) in [(a, 50), (b, 51), (c, 52)] {
            let login = LoginRecord { at, ip: Some(ip("10.0.0.1")), machine_id: None };
            store.record_login(&title(), id, &login).unwrap().wait().unwrap();
        }
        store.set_account_metadata(&title(), a, "1").unwrap().wait().unwrap();
        store.delete_account(&title(), b).unwrap().wait().unwrap();
        let page = store.accounts(&title(), Page::default()).unwrap();
        let seen: Vec<_> = page.iter().map(|account| (account.id, account.last_login)).collect();
        assert_eq!(seen, [(a, Some(50)), (c, Some(52))]);
        assert_eq!(store.account_by_name(&title(), b"A").unwrap(), page.first().cloned());
        assert_eq!(page[0].metadata, "1");
        assert_eq!(store.account(&title(), b).unwrap(), None);
        let gone = store.record_login(&title(), b, &LoginRecord { at: 53, ip: None, machine_id: None });
        assert!(matches!(gone, Err(StoreError::NotFound { .. })));
        let export = exported(store);
        assert!(export.contains("\"last_login\":50") && export.contains("\"last_login\":52"), "{export}");
        // What an import says holds, also over a login that was noted before it.
        let older = export.replace("\"last_login\":50", "\"last_login\":7");
        let login = LoginRecord { at: 60, ip: None, machine_id: None };
        store.record_login(&title(), a, &login).unwrap().wait().unwrap();
        store.import(&mut older.as_bytes(), ImportMode::Merge).unwrap();
        assert_eq!(store.account(&title(), a).unwrap().unwrap().last_login, Some(7));
    });
}

#[test]
fn noted_logins_are_in_the_records_after_a_clean_end() {
    let folder = tempfile::tempdir().unwrap();
    let options = SledOptions { cache_bytes: 8 * 1024 * 1024, ..SledOptions::default() };
    let store = Database::open(folder.path(), &options).unwrap();
    // More than are written in one step.
    let ids: Vec<_> = (0..300).map(|number| create(&store, &format!("p{number}")).id).collect();
    for (at, id) in ids.iter().enumerate() {
        let machine_id = Some(vec![7]);
        let login = LoginRecord { at: at as i64, ip: None, machine_id };
        store.record_login(&title(), *id, &login).unwrap().wait().unwrap();
        let again = LoginRecord { at: at as i64 + 1000, ip: None, machine_id: None };
        store.record_login(&title(), *id, &again).unwrap().wait().unwrap();
    }
    drop(store);
    let store = Database::open(folder.path(), &options).unwrap();
    for (at, id) in ids.iter().enumerate() {
        let account = store.account(&title(), *id).unwrap().unwrap();
        assert_eq!((account.last_login, account.machine_id), (Some(at as i64 + 1000), Some(vec![7])));
    }
}

#[test]
fn a_flush_writes_noted_logins_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = Database::open(&folder.path().join("db"), &SledOptions::default()).unwrap();
    let id = create(&store, "a").id;
    let login = LoginRecord { at: 50, ip: None, machine_id: None };
    store.record_login(&title(), id, &login).unwrap().wait().unwrap();
    store.flush().unwrap();
    // What lies there now, as after a power cut.
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for file in ["db", "conf", "watermark"] {
        std::fs::copy(folder.path().join("db").join(file), copy.join(file)).unwrap();
    }
    let copy = Database::open(&copy, &SledOptions::default()).unwrap();
    assert_eq!(copy.account(&title(), id).unwrap().unwrap().last_login, Some(50));
}

#[test]
fn the_white_list_is_one_member_of_the_metadata_and_leaves_the_others() {
    on_both(|store| {
        let id = create(store, "Clank").id;
        let list = |listed| store.set_whitelisted(&title(), id, listed).map(|done| done.wait().unwrap());
        let account = || store.account(&title(), id).unwrap().unwrap();
        assert!(!account().is_whitelisted());
        list(true).unwrap();
        assert_eq!(
            (account().is_whitelisted(), account().metadata.as_str()),
            (true, r#"{"whitelisted":true}"#)
        );
        list(false).unwrap();
        assert_eq!((account().is_whitelisted(), account().metadata.as_str()), (false, ""));
        let set = |text: &str| store.set_account_metadata(&title(), id, text).unwrap().wait().unwrap();
        set(r#"{"rank": 3, "whitelisted": "yes"}"#);
        assert!(!account().is_whitelisted());
        list(true).unwrap();
        assert_eq!(account().metadata, r#"{"rank":3,"whitelisted":true}"#);
        set("[1]");
        assert!(matches!(list(true), Err(StoreError::Invalid { field: "metadata", .. })));
        assert!(store.set_whitelisted(&title(), AccountId::new(99).unwrap(), true).is_err());
    });
}

#[test]
fn stats_start_at_zero_and_each_update_replaces_its_part_only() {
    on_both(|store| {
        let id = create(store, "a").id;
        assert_eq!(store.stats(&title(), id).unwrap(), Some(Stats::default()));
        let wide: [i32; 100] = std::array::from_fn(|index| index as i32 * -3);
        let updates = [StatsUpdate::Blob(Box::new([0xee; 256])), StatsUpdate::Wide(Box::new(wide))];
        store.update_stats(&title(), id, &updates).unwrap().wait().unwrap();
        store.update_stats(&title(), id, &[StatsUpdate::Ladder([i32::MIN; 15])]).unwrap().wait().unwrap();
        store.update_stats(&title(), id, &[StatsUpdate::Custom(vec![7, 8])]).unwrap().wait().unwrap();
        let expected = Stats { blob: [0xee; 256], wide, ladder: [i32::MIN; 15], custom: vec![7, 8] };
        assert_eq!(store.stats(&title(), id).unwrap(), Some(expected));

        let nobody = AccountId::new(77).unwrap();
        assert!(matches!(store.update_stats(&title(), nobody, &[]), Err(StoreError::NotFound { .. })));
        let too_many = [StatsUpdate::Custom(vec![0; limits::CUSTOM_STATS + 1])];
        assert!(matches!(store.update_stats(&title(), id, &too_many), Err(StoreError::TooLong { .. })));
        assert_eq!(store.stats(&title(), nobody).unwrap(), None);
    });
}

#[test]
fn accounts_are_listed_in_pages_by_number() {
    on_both(|store| {
        let all: Vec<AccountId> = (0..300).map(|n| create(store, &format!("p{n}")).id).collect();
        let mut found = Vec::new();
        let mut page = Page::first(70);
        loop {
            let rows = store.accounts(&title(), page).unwrap();
            let Some(last) = rows.last() else { break };
            page = Page::after(last.id, 70);
            found.extend(rows.iter().map(|account| account.id));
        }
        assert_eq!(found, all);
    });
}

#[test]
fn buddies_come_with_names_in_ascending_number() {
    on_both(|store| {
        let (a, b, c) = (create(store, "a").id, create(store, "B").id, create(store, "C").id);
        store.add_to_list(&title(), ListKind::Buddies, a, c, 10).unwrap().wait().unwrap();
        store.add_to_list(&title(), ListKind::Buddies, a, b, 20).unwrap().wait().unwrap();
        let rows = store.list(&title(), ListKind::Buddies, a).unwrap();
        let rows: Vec<_> = rows.iter().map(|row| (row.id, row.name.to_string(), row.since)).collect();
        assert_eq!(rows, [(b, "B".to_owned(), 20), (c, "C".to_owned(), 10)]);
        assert_eq!(store.list(&title(), ListKind::Ignored, a).unwrap(), []);
        assert_eq!(store.list(&title(), ListKind::Buddies, b).unwrap(), []);

        store.remove_from_list(&title(), ListKind::Buddies, a, b).unwrap().wait().unwrap();
        assert!(!store.is_listed(&title(), ListKind::Buddies, a, b).unwrap());
        let gone = store.remove_from_list(&title(), ListKind::Buddies, a, b);
        assert!(matches!(gone, Err(StoreError::NotFound { .. })));
    });
}

#[test]
fn a_list_refuses_oneself_strangers_twice_and_too_many() {
    on_both(|store| {
        let a = create(store, "a").id;
        let b = create(store, "b").id;
        let add = |other| store.add_to_list(&title(), ListKind::Buddies, a, other, 1);
        assert!(matches!(add(a), Err(StoreError::Invalid { .. })));
        assert!(matches!(add(AccountId::new(99).unwrap()), Err(StoreError::NotFound { .. })));
        add(b).unwrap().wait().unwrap();
        assert!(matches!(add(b), Err(StoreError::AlreadyExists { .. })));
        for number in 1..limits::LIST {
            let other = store.create_account(&title(), &new(&format!("p{number}"))).unwrap().wait().unwrap();
            drop(add(other.id).unwrap());
        }
        let last = create(store, "one too many").id;
        assert!(matches!(add(last), Err(StoreError::LimitReached { max: limits::LIST, .. })));
    });
}

#[test]
fn an_accepted_invitation_makes_two_buddies_and_is_gone() {
    on_both(|store| {
        let (a, b) = (create(store, "a").id, create(store, "b").id);
        store.invite_buddy(&title(), a, b, 1, 30).unwrap().wait().unwrap();
        let waiting = store.invitations(&title(), b).unwrap();
        assert_eq!(waiting.len(), 1);
        assert_eq!((waiting[0].originator, waiting[0].add_type, waiting[0].created), (a, 1, 30));
        assert_eq!(waiting[0].originator_name, Text::from("a"));
        assert_eq!(store.invitations(&title(), a).unwrap(), []);

        store.add_mutual_buddies(&title(), a, b, 40).unwrap().wait().unwrap();
        assert_eq!(store.invitations(&title(), b).unwrap(), []);
        assert!(store.is_listed(&title(), ListKind::Buddies, a, b).unwrap());
        assert!(store.is_listed(&title(), ListKind::Buddies, b, a).unwrap());
        assert!(matches!(store.remove_invitation(&title(), a, b), Err(StoreError::NotFound { .. })));
    });
}

fn ban(scope: BanScope, subject: BanSubject, expires: Option<i64>) -> NewBan {
    NewBan { scope, subject, reason: Text::from("cheating"), created: 100, expires }
}

#[test]
fn bans_hit_accounts_networks_and_machines_in_their_scope_until_they_expire() {
    on_both(|store| {
        let a = create(store, "a").id;
        let add = |scope, subject, expires| {
            store.add_ban(&ban(scope, subject, expires)).unwrap().wait().unwrap().id
        };
        let query = |account, address: Option<&str>, machine: Option<&[u8]>| BanQuery {
            title: Some(title()),
            account,
            ip: address.map(ip),
            machine_id: machine.map(<[u8]>::to_vec),
        };
        let hit = |query: &BanQuery, now| store.is_banned(query, now).unwrap().map(|ban| ban.id);
        assert_eq!(hit(&query(Some(a), Some("10.1.2.3"), Some(b"m")), 0), None);

        let here = BanScope::Title(title());
        let account = add(here.clone(), BanSubject::Account(a), Some(200));
        assert_eq!(hit(&query(Some(a), None, None), 199), Some(account));
        assert_eq!(hit(&query(Some(a), None, None), 200), None);
        let elsewhere =
            BanQuery { title: Some(TitleId::new("socom").unwrap()), ..query(Some(a), None, None) };
        assert_eq!(hit(&elsewhere, 150), None);

        let net = add(BanScope::Host, BanSubject::Network("10.1.0.0/16".parse().unwrap()), None);
        assert_eq!(hit(&query(None, Some("10.1.255.255"), None), 0), Some(net));
        assert_eq!(hit(&query(None, Some("::ffff:10.1.2.3"), None), 0), Some(net));
        assert_eq!(hit(&query(None, Some("10.2.0.0"), None), 0), None);
        // Before the app id is known only host-wide bans can hit.
        assert_eq!(hit(&BanQuery { title: None, ..query(Some(a), Some("10.1.0.1"), None) }, 150), Some(net));
        // For good outlasts a day.
        assert_eq!(hit(&query(Some(a), Some("10.1.0.1"), None), 150), Some(net));

        let v6 = add(here.clone(), BanSubject::Network("2001:db8::/32".parse().unwrap()), None);
        assert_eq!(hit(&query(None, Some("2001:db8:1::7"), None), 0), Some(v6));
        assert_eq!(hit(&query(None, Some("2001:db9::"), None), 0), None);
        let mapped = add(here.clone(), BanSubject::Network("::ffff:192.0.2.0/120".parse().unwrap()), None);
        assert_eq!(hit(&query(None, Some("192.0.2.9"), None), 0), Some(mapped));

        let machine = add(here, BanSubject::Machine(b"machine".to_vec()), None);
        assert_eq!(hit(&query(None, None, Some(b"machine")), 0), Some(machine));
        assert_eq!(hit(&query(None, None, Some(b"machin")), 0), None);
        assert_eq!(hit(&query(None, None, Some(b"machine2")), 0), None);

        let all: Vec<_> = store.bans(Page::default()).unwrap().iter().map(|ban| ban.id).collect();
        assert_eq!(all, [account, net, v6, mapped, machine]);
        store.remove_ban(net).unwrap().wait().unwrap();
        assert_eq!(hit(&query(None, Some("10.1.0.1"), None), 0), None);
        assert!(matches!(store.remove_ban(net), Err(StoreError::NotFound { .. })));
        assert_eq!(store.remove_expired_bans(200).unwrap().wait().unwrap(), 1);
        assert_eq!(store.bans(Page::first(1)).unwrap()[0].id, v6);
    });
}

/// The ban that holds longest, found by reading them all.
fn banned_by_reading_all(store: &dyn Store, query: &BanQuery, now: i64) -> Option<BanId> {
    let all = store.bans(Page::default()).unwrap();
    let hits = all.into_iter().filter(|ban| {
        let here = match &ban.ban.scope {
            BanScope::Host => true,
            BanScope::Title(title) => query.title.as_ref() == Some(title),
        };
        let meant = match &ban.ban.subject {
            BanSubject::Account(id) => query.account == Some(*id),
            BanSubject::Network(net) => query.ip.is_some_and(|ip| net.contains(&ip)),
            BanSubject::Machine(machine) => query.machine_id.as_ref() == Some(machine),
        };
        here && meant && ban.ban.expires.is_none_or(|expires| expires > now)
    });
    let rank = |ban: &Ban| (ban.ban.expires.unwrap_or(i64::MAX), std::cmp::Reverse(ban.id));
    hits.max_by_key(rank).map(|ban| ban.id)
}

#[test]
fn the_answer_about_a_ban_is_exact_after_every_change_an_import_and_a_reopening() {
    let subjects: Vec<BanSubject> =
        ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "0.0.0.0/0", "2001:db8::/32", "::/0"]
            .iter()
            .map(|net| BanSubject::Network(net.parse().unwrap()))
            .chain((1..4).map(|id| BanSubject::Account(AccountId::new(id).unwrap())))
            .chain([b"m".to_vec(), b"mm".to_vec()].map(BanSubject::Machine))
            .collect();
    let other = TitleId::new("socom").unwrap();
    let scopes = [BanScope::Host, BanScope::Title(title()), BanScope::Title(other.clone())];
    let mut queries = Vec::new();
    for scope in [None, Some(title()), Some(other)] {
        for ip in
            [None, Some("10.1.2.3"), Some("10.200.0.1"), Some("192.0.2.1"), Some("2001:db8::1"), Some("::2")]
        {
            for (account, machine) in
                [(None, None), (Some(1), Some("m")), (Some(3), Some("mm")), (Some(9), None)]
            {
                queries.push(BanQuery {
                    title: scope.clone(),
                    account: account.and_then(AccountId::new),
                    ip: ip.map(self::ip),
                    machine_id: machine.map(|machine: &str| machine.as_bytes().to_vec()),
                });
            }
        }
    }
    let agree = |store: &dyn Store, step: usize| {
        for query in &queries {
            let found = store.is_banned(query, 50).unwrap().map(|ban| ban.id);
            assert_eq!(found, banned_by_reading_all(store, query, 50), "step {step}: {query:?}");
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let options = SledOptions { cache_bytes: 8 * 1024 * 1024, ..SledOptions::default() };
    let open = || Database::open(&folder.path().join("db"), &options).unwrap();
    let mut store = open();
    // A fixed course of changes in which every kind of each meets every other.
    let mut dice = 12345_u64;
    let mut roll = move |sides: usize| {
        dice = dice.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (dice >> 33) as usize % sides
    };
    for step in 0..120 {
        let known: Vec<_> = store.bans(Page::default()).unwrap().iter().map(|ban| ban.id).collect();
        match roll(8) {
            0..5 => {
                let expires = [None, Some(40), Some(50), Some(51), Some(90)][roll(5)];
                let ban = ban(scopes[roll(3)].clone(), subjects[roll(subjects.len())].clone(), expires);
                store.add_ban(&ban).unwrap().wait().unwrap();
            }
            5 if !known.is_empty() => {
                store.remove_ban(known[roll(known.len())]).unwrap().wait().unwrap();
            }
            6 => drop(store.remove_expired_bans([40, 50, 51][roll(3)]).unwrap().wait().unwrap()),
            _ => {
                // Numbers of the file replace those that are there, with other subjects.
                let lines = exported(&store)
                    .replace("10.1.0.0/16", "10.200.0.0/16")
                    .replace("\"cheating\"", "\"spam\"");
                store.import(&mut lines.as_bytes(), ImportMode::Merge).unwrap();
            }
        }
        agree(&store, step);
    }
    assert!(store.bans(Page::default()).unwrap().len() > 10);
    drop(store);
    store = open();
    agree(&store, 120);
    let copy = Database::in_memory().unwrap();
    copy.import(&mut exported(&store).as_bytes(), ImportMode::Empty).unwrap();
    agree(&copy, 121);
}

#[test]
fn announcements_are_newest_first_and_bounded() {
    on_both(|store| {
        let add = |text: &[u8]| store.add_announcement(&title(), text, 9);
        let one = add(b"one").unwrap().wait().unwrap();
        let two = add(&[0xe9; limits::ANNOUNCEMENT]).unwrap().wait().unwrap();
        assert_eq!(store.announcements(&title()).unwrap(), [two.clone(), one.clone()]);
        store.remove_announcement(&title(), one.id).unwrap().wait().unwrap();
        assert_eq!(store.announcements(&title()).unwrap(), [two]);
        assert!(matches!(store.remove_announcement(&title(), one.id), Err(StoreError::NotFound { .. })));
        assert!(matches!(add(&[b'x'; limits::ANNOUNCEMENT + 1]), Err(StoreError::TooLong { .. })));
        for _ in 1..limits::ANNOUNCEMENTS {
            drop(add(b"more").unwrap());
        }
        assert!(matches!(add(b"too many"), Err(StoreError::LimitReached { .. })));
        assert_eq!(store.announcements(&TitleId::new("socom").unwrap()).unwrap(), []);
    });
}

#[test]
fn policies_are_set_replaced_and_removed_by_kind() {
    on_both(|store| {
        assert_eq!(store.policy(&title(), PolicyKind::Usage).unwrap(), None);
        store.set_policy(&title(), PolicyKind::Usage, Some(b"be nice")).unwrap().wait().unwrap();
        store.set_policy(&title(), PolicyKind::Privacy, Some(b"none")).unwrap().wait().unwrap();
        assert_eq!(store.policy(&title(), PolicyKind::Usage).unwrap(), Some(b"be nice".to_vec()));
        store.set_policy(&title(), PolicyKind::Usage, None).unwrap().wait().unwrap();
        assert_eq!(store.policy(&title(), PolicyKind::Usage).unwrap(), None);
        assert_eq!(store.policy(&title(), PolicyKind::Privacy).unwrap(), Some(b"none".to_vec()));
    });
}

fn game(created: i64) -> GameRecord {
    GameRecord {
        name: Text::from("Metropolis"),
        app_id: 10684,
        created,
        started: None,
        ended: None,
        host: AccountId::new(1),
        players: vec![AccountId::new(1).unwrap(), AccountId::new(2).unwrap()],
        status: String::new(),
        metadata: String::new(),
    }
}

#[test]
fn games_are_kept_updated_listed_newest_first_and_pruned_by_age() {
    on_both(|store| {
        let ids: Vec<_> =
            (0..5).map(|n| store.add_game(&title(), &game(n)).unwrap().wait().unwrap()).collect();
        let over = GameRecord {
            started: Some(3),
            ended: Some(9),
            status: "finished".into(),
            metadata: r#"{"map":4}"#.into(),
            ..game(2)
        };
        store.update_game(&title(), ids[2], &over).unwrap().wait().unwrap();
        assert_eq!(store.game(&title(), ids[2]).unwrap(), Some(over));
        let rows =
            |page| -> Vec<_> { store.games(&title(), page).unwrap().into_iter().map(|(id, _)| id).collect() };
        assert_eq!(rows(Page::first(2)), [ids[4], ids[3]]);
        assert_eq!(rows(Page::after(ids[3], 9)), [ids[2], ids[1], ids[0]]);
        assert_eq!(store.remove_games_before(&title(), 3).unwrap().wait().unwrap(), 3);
        assert_eq!(rows(Page::default()), [ids[4], ids[3]]);
        assert!(matches!(store.update_game(&title(), ids[0], &game(0)), Err(StoreError::NotFound { .. })));
        let bad = GameRecord { metadata: "{".into(), ..game(0) };
        assert!(matches!(store.add_game(&title(), &bad), Err(StoreError::Invalid { .. })));
    });
}

#[test]
fn plugin_data_is_apart_per_title_and_account_and_scans_by_prefix() {
    on_both(|store| {
        let a = create(store, "a").id;
        let own = PluginScope::Account(a);
        for (scope, key) in [
            (PluginScope::Title, &b"x/1"[..]),
            (PluginScope::Title, b"x/2"),
            (PluginScope::Title, b"x\xff"),
            (PluginScope::Title, b"y"),
            (own, b"x/1"),
        ] {
            store.plugin_set(&title(), scope, key, &[key, b"!"].concat()).unwrap().wait().unwrap();
        }
        let keys = |scope, prefix: &[u8], page| -> Vec<Vec<u8>> {
            store
                .plugin_scan(&title(), scope, prefix, page)
                .unwrap()
                .into_iter()
                .map(|(key, _)| key)
                .collect()
        };
        assert_eq!(keys(PluginScope::Title, b"x/", Page::default()), [b"x/1", b"x/2"]);
        assert_eq!(keys(PluginScope::Title, b"", Page::after(b"x/1".to_vec(), 2)), [&b"x/2"[..], b"x\xff"]);
        assert_eq!(keys(own, b"", Page::default()), [b"x/1"]);
        assert_eq!(store.plugin_get(&title(), own, b"x/1").unwrap(), Some(b"x/1!".to_vec()));
        assert!(store.plugin_remove(&title(), own, b"x/1").unwrap().wait().unwrap());
        assert!(!store.plugin_remove(&title(), own, b"x/1").unwrap().wait().unwrap());
        assert_eq!(store.plugin_get(&title(), PluginScope::Title, b"x/1").unwrap(), Some(b"x/1!".to_vec()));

        // A scan ends a page early rather than fill memory.
        for n in 0..20 {
            let value = [n; limits::PLUGIN_VALUE];
            store.plugin_set(&title(), PluginScope::Title, &[b'z', n], &value).unwrap().wait().unwrap();
        }
        let first = keys(PluginScope::Title, b"z", Page::default());
        assert_eq!(first.len(), 16);
        let rest = keys(PluginScope::Title, b"z", Page::after(first[15].clone(), 1000));
        assert_eq!(rest, [b"z\x10", b"z\x11", b"z\x12", b"z\x13"]);

        let set = |scope, key: &[u8], value: &[u8]| store.plugin_set(&title(), scope, key, value).map(drop);
        assert!(matches!(set(PluginScope::Title, b"", b""), Err(StoreError::Invalid { .. })));
        assert!(matches!(set(PluginScope::Title, &[1; 257], b""), Err(StoreError::TooLong { .. })));
        let large = vec![0; limits::PLUGIN_VALUE + 1];
        assert!(matches!(set(PluginScope::Title, b"k", &large), Err(StoreError::TooLong { .. })));
        let nobody = PluginScope::Account(AccountId::new(50).unwrap());
        assert!(matches!(set(nobody, b"k", b""), Err(StoreError::NotFound { .. })));
    });
}

#[test]
fn titles_are_short_lower_case_words() {
    for bad in ["", "Ratchet", "a b", "a\0", "ü", &"x".repeat(65)] {
        assert!(TitleId::new(bad).unwrap_err().is_refusal(), "{bad}");
    }
    assert_eq!(TitleId::new("socom-2_v1.0").unwrap().as_str(), "socom-2_v1.0");
}

/// Something of everything.
fn fill(store: &dyn Store) {
    let phc = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$OqCxUjcRbINcFPPmyPXYHw";
    let password = Some(medley_store::PasswordHash::from_phc(phc).unwrap());
    let a = NewAccount { name: Text::from("Älice"), password, created: 5 };
    let a = store.create_account(&title(), &a).unwrap().wait().unwrap().id;
    let b = NewAccount { name: Text(vec![0xff, 0x01, b'b']), password: None, created: 6 };
    let b = store.create_account(&title(), &b).unwrap().wait().unwrap().id;
    let gone = create(store, "gone").id;
    store.delete_account(&title(), gone).unwrap().wait().unwrap();
    let login = LoginRecord { at: 50, ip: Some(ip("2001:db8::1")), machine_id: Some(vec![0, 255]) };
    store.record_login(&title(), a, &login).unwrap().wait().unwrap();
    store.set_account_metadata(&title(), a, r#"{"a": [1, 2.50]}"#).unwrap().wait().unwrap();
    store.set_reset_password(&title(), b, true).unwrap().wait().unwrap();
    let wide = Box::new(std::array::from_fn(|index| i32::MAX - index as i32));
    store
        .update_stats(&title(), a, &[StatsUpdate::Wide(wide), StatsUpdate::Custom(vec![-1])])
        .unwrap()
        .wait()
        .unwrap();
    store.add_to_list(&title(), ListKind::Buddies, a, b, 1).unwrap().wait().unwrap();
    store.add_to_list(&title(), ListKind::Ignored, b, a, 2).unwrap().wait().unwrap();
    store.invite_buddy(&title(), b, a, 1, 3).unwrap().wait().unwrap();
    for subject in [
        BanSubject::Account(b),
        BanSubject::Network("10.0.0.0/8".parse().unwrap()),
        BanSubject::Machine(vec![9, 8]),
    ] {
        store.add_ban(&ban(BanScope::Host, subject.clone(), Some(7))).unwrap().wait().unwrap();
        store.add_ban(&ban(BanScope::Title(title()), subject, None)).unwrap().wait().unwrap();
    }
    store.add_announcement(&title(), b"line 1\nline \"2\"", 4).unwrap().wait().unwrap();
    store.set_policy(&title(), PolicyKind::Privacy, Some(b"p")).unwrap().wait().unwrap();
    store.add_game(&title(), &game(8)).unwrap().wait().unwrap();
    store.plugin_set(&title(), PluginScope::Title, b"\xfe", b"\x00\xff").unwrap().wait().unwrap();
    store.plugin_set(&title(), PluginScope::Account(a), b"k", b"v").unwrap().wait().unwrap();
}

fn exported(store: &dyn Store) -> String {
    let mut out = Vec::new();
    store.export(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn an_export_imported_exports_the_same_lines() {
    on_both(|store| {
        assert!(store.is_empty().unwrap());
        fill(store);
        assert!(!store.is_empty().unwrap());
        let lines = exported(store);
        assert!(
            lines.starts_with("{\"kind\":\"header\",\"format\":\"medley-store\",\"schema\":1}\n"),
            "{lines}"
        );
        let copy = Database::in_memory().unwrap();
        let copy: &dyn Store = &copy;
        let imported = copy.import(&mut lines.as_bytes(), ImportMode::Empty).unwrap();
        assert_eq!(imported.records as usize, lines.lines().count() - 2);
        assert_eq!(exported(copy), lines);
        assert_eq!(check_import(&mut lines.as_bytes()).unwrap(), imported);

        // The indexes are there again, and no number comes twice.
        let a = copy.account_by_name(&title(), "Älice".as_bytes()).unwrap().unwrap();
        assert_eq!(copy.account_count(&title()).unwrap(), 2);
        let query = BanQuery { title: None, machine_id: Some(vec![9, 8]), ..BanQuery::default() };
        assert!(copy.is_banned(&query, 6).unwrap().is_some());
        assert_eq!(copy.list(&title(), ListKind::Buddies, a.id).unwrap().len(), 1);
        assert_eq!(create(copy, "next").id.get(), 4);
    });
}

#[test]
fn an_import_into_a_store_with_data_is_refused_unless_asked_for() {
    on_both(|store| {
        fill(store);
        let lines = exported(store);
        let refused = store.import(&mut lines.as_bytes(), ImportMode::Empty);
        assert!(matches!(refused, Err(StoreError::NotEmpty { tree: "accounts" })), "{refused:?}");
        create(store, "later");
        let with_later = exported(store);
        store.import(&mut lines.as_bytes(), ImportMode::Merge).unwrap();
        assert_eq!(exported(store), with_later);
    });
}

#[test]
fn import_errors_name_the_line_and_what_is_wrong() {
    let source = Database::in_memory().unwrap();
    fill(&source);
    let lines = exported(&source);
    let count = lines.lines().count();
    let header = lines.lines().next().unwrap();
    let account = lines.lines().find(|line| line.contains("\"account\",\"title\"")).unwrap();
    let cases = [
        (String::new(), 1, "empty"),
        (lines.replacen("medley-store", "other", 1), 1, "format is `other`"),
        (lines.replacen("\"schema\":1", "\"schema\":2", 1), 1, "schema is 2, wanted 1 to 1"),
        (lines.lines().skip(1).map(|line| format!("{line}\n")).collect(), 1, "header"),
        (format!("{header}\n\nnot json\n"), 3, "expected"),
        (format!("{header}\n{{\"kind\":\"guild\"}}\n"), 2, "unknown variant `guild`"),
        (format!("{header}\n{}\n", account.replace("\"id\":", "\"id\":-")), 2, "1 to 2147483647"),
        (
            format!(
                "{header}\n{}\n",
                account.replace("\"reset_password\"", "\"nonsense\":1,\"reset_password\"")
            ),
            2,
            "nonsense",
        ),
        (format!("{header}\n{account}\n{}\n", account.replace("\"id\":1", "\"id\":9")), 3, "exists already"),
        (lines[..lines.len() / 2].rsplit_once('\n').unwrap().0.to_owned(), 0, "cut short"),
        (lines.replacen("\"records\":", "\"records\":1", 1), count, "the end counts 1"),
        (format!("{lines}{account}\n"), count + 1, "behind"),
        (format!("{header}\n{}", "x".repeat(2_000_000)), 2, "longer than"),
    ];
    for (text, line, what) in cases {
        let error = check_import(&mut text.as_bytes()).unwrap_err();
        let StoreError::Import { line: found, detail } = &error else { panic!("{error}") };
        assert!(line == 0 || *found == line as u64, "wanted line {line}: {error}");
        assert!(detail.contains(what), "wanted `{what}`: {error}");
    }
}

#[test]
fn writers_of_many_threads_share_flushes_and_all_become_durable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = Arc::new(Database::open(&path, &SledOptions::default()).unwrap());
    let threads: Vec<_> = (0..16)
        .map(|thread| {
            let store = Arc::clone(&store);
            std::thread::spawn(move || {
                for n in 0..20 {
                    create(&*store, &format!("t{thread}-{n}"));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    drop(store);
    let store: &dyn Store = &Database::open(&path, &SledOptions::default()).unwrap();
    assert_eq!(store.account_count(&title()).unwrap(), 320);
}
