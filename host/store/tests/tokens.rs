//! Tokens: unique in a category, each for one entity, kept by who set them.

// Helpers of tests assert by unwrapping, as the tests themselves do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, its helpers too")]

use medley_store::{
    AccountId, ClanRefusal, Database, ImportMode, NewAccount, NewClan, Pending, SledOptions, Store,
    StoreError, Text, TitleId, TokenCategory, TokenOwner, Tokens, limits,
};

fn on_both(test: impl Fn(&dyn Store)) {
    test(&Database::in_memory().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let options = SledOptions { cache_bytes: 8 * 1024 * 1024, ..SledOptions::default() };
    test(&Database::open(&folder.path().join("db"), &options).unwrap());
}

fn title() -> TitleId {
    TitleId::new("socom-2").unwrap()
}

fn account(store: &dyn Store, name: &str) -> AccountId {
    let new = NewAccount { name: Text::from(name), password: None, created: 0 };
    store.create_account(&title(), &new).unwrap().wait().unwrap().id
}

fn clan(store: &dyn Store, leader: AccountId) -> u32 {
    let new = NewClan { name: Text::from(format!("Clan {leader}").as_str()), leader, app_id: 0, created: 0 };
    store.create_clan(&title(), &new).unwrap().wait().unwrap().id.0
}

fn done(result: Result<Pending<()>, StoreError>) {
    result.unwrap().wait().unwrap();
}

fn entity(store: &dyn Store, category: TokenCategory, token: &str) -> Option<u32> {
    store.token(&title(), category, token.as_bytes()).unwrap().map(|token| token.entity)
}

#[test]
fn a_token_is_unique_in_its_category_in_any_case_and_free_in_others() {
    on_both(|store| {
        let [a, b] = ["a", "b"].map(|name| account(store, name));
        let add = |by, category, entity, token: &str| {
            store.add_token(&title(), by, category, entity, token.as_bytes(), 5)
        };
        assert_eq!(entity(store, TokenCategory::Generic1, "SEAL"), None);
        done(add(a, TokenCategory::Generic1, 700, "SEAL"));
        done(add(a, TokenCategory::Generic1, 700, "SEAL"));
        let taken = add(b, TokenCategory::Generic1, 700, "seal").unwrap_err();
        assert!(matches!(&taken, StoreError::AlreadyExists { what: "token", .. }), "{taken}");
        assert!(add(a, TokenCategory::Generic1, 701, "SEAL").is_err());
        done(add(b, TokenCategory::Generic2, 1, "seal"));
        assert_eq!(entity(store, TokenCategory::Generic1, "sEAL"), Some(700));
        assert_eq!(entity(store, TokenCategory::Generic2, "SEAL"), Some(1));
        for wrong in ["", "123456789", "a\0b"] {
            assert!(add(a, TokenCategory::Generic3, 1, wrong).unwrap_err().is_refusal(), "{wrong:?}");
        }
    });
}

#[test]
fn a_token_is_replaced_and_removed_by_who_set_it() {
    on_both(|store| {
        let [a, b] = ["a", "b"].map(|name| account(store, name));
        let category = TokenCategory::Generic3;
        let update = |by, from: &str, to: &str| {
            store.update_token(&title(), by, category, 9, from.as_bytes(), to.as_bytes(), 6)
        };
        assert!(matches!(update(a, "OLD", "NEW"), Err(StoreError::NotFound { what: "token", .. })));
        done(store.add_token(&title(), a, category, 8, b"OLD", 5));
        done(store.add_token(&title(), b, category, 8, b"HIS", 5));
        assert!(matches!(update(a, "OLD", "his"), Err(StoreError::AlreadyExists { .. })));
        assert!(matches!(update(b, "OLD", "NEW"), Err(StoreError::Forbidden { .. })));
        done(update(a, "OLD", "NEW"));
        assert_eq!((entity(store, category, "OLD"), entity(store, category, "NEW")), (None, Some(9)));
        done(update(a, "new", "New"));
        assert_eq!(store.token(&title(), category, b"NEW").unwrap().unwrap().token, Text::from("New"));
        let remove = |by, token: &str| store.remove_token(&title(), by, category, 9, token.as_bytes());
        assert!(matches!(remove(b, "NEW"), Err(StoreError::Forbidden { .. })));
        done(remove(a, "NEW"));
        assert!(matches!(remove(a, "NEW"), Err(StoreError::NotFound { .. })));
    });
}

#[test]
fn an_account_names_itself_only_and_a_clans_token_is_its_leaders_affair() {
    on_both(|store| {
        let [a, b] = ["a", "b"].map(|name| account(store, name));
        let add = |by, category, entity, token: &str| {
            store.add_token(&title(), by, category, entity, token.as_bytes(), 5)
        };
        assert!(matches!(add(a, TokenCategory::Account, 2, "ME"), Err(StoreError::Forbidden { .. })));
        done(add(a, TokenCategory::Account, 1, "ME"));
        let clan = clan(store, a);
        let refusal = |result: Result<_, StoreError>| match result.map(drop) {
            Err(StoreError::Clan { refusal, .. }) => refusal,
            other => panic!("{other:?}"),
        };
        assert_eq!(refusal(add(b, TokenCategory::Clan, clan, "TAG")), ClanRefusal::NotLeader);
        assert_eq!(refusal(add(b, TokenCategory::Clan, clan + 1, "TAG")), ClanRefusal::NoClan);
        done(add(a, TokenCategory::Clan, clan, "TAG"));
        let remove = |by, entity| store.remove_token(&title(), by, TokenCategory::Clan, entity, b"TAG");
        assert_eq!(refusal(remove(b, clan)), ClanRefusal::NotLeader);
        // A disbanded clan's tag is free again.
        store.disband_clan(&title(), a, medley_store::ClanId(clan), 6).unwrap().wait().unwrap();
        assert_eq!(entity(store, TokenCategory::Clan, "TAG"), None);
        let clan = self::clan(store, b);
        done(add(b, TokenCategory::Clan, clan, "TAG"));
        assert_eq!(entity(store, TokenCategory::Clan, "TAG"), Some(clan));
    });
}

#[test]
fn tokens_of_one_owner_are_bounded_and_go_with_the_account() {
    on_both(|store| {
        let a = account(store, "a");
        let add = |token: usize| {
            store.add_token(&title(), a, TokenCategory::Generic1, 1, format!("T{token}").as_bytes(), 5)
        };
        for token in 0..limits::TOKENS {
            done(add(token));
        }
        assert!(matches!(add(99), Err(StoreError::LimitReached { .. })));
        assert_eq!(store.tokens_of(&title(), TokenOwner::Account(a)).unwrap().len(), limits::TOKENS);
        store.delete_account(&title(), a).unwrap().wait().unwrap();
        assert_eq!(entity(store, TokenCategory::Generic1, "T0"), None);
        assert_eq!(store.tokens_of(&title(), TokenOwner::Account(a)).unwrap(), []);
    });
}

#[test]
fn tokens_travel_by_export_and_import() {
    on_both(|store| {
        let a = account(store, "a");
        let clan = clan(store, a);
        done(store.add_token(&title(), a, TokenCategory::Clan, clan, b"TAG", 5));
        done(store.add_token(&title(), a, TokenCategory::Generic2, 77, b"x", 6));
        let mut lines = Vec::new();
        store.export(&mut lines).unwrap();
        let copy = Database::in_memory().unwrap();
        copy.import(&mut lines.as_slice(), ImportMode::Empty).unwrap();
        let mut again = Vec::new();
        copy.export(&mut again).unwrap();
        assert_eq!(String::from_utf8(again).unwrap(), String::from_utf8(lines).unwrap());
        assert_eq!(copy.tokens_of(&title(), TokenOwner::Account(a)).unwrap().len(), 1);
        done(copy.remove_token(&title(), a, TokenCategory::Clan, clan, b"tag"));
    });
}
