//! Clans, on both engines.

// Helpers of tests assert by unwrapping, as the tests themselves do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, its helpers too")]

use medley_store::{
    AccountId, Clan, ClanChallengeStatus, ClanId, ClanInvitationId, ClanInvitationStatus, ClanMessageStatus,
    ClanRefusal, Database, ImportMode, NewAccount, NewClan, Page, Result, SledOptions, StatsUpdate, Store,
    StoreError, Text, TitleId, limits,
};

/// Runs a test on the in-memory engine and on sled.
fn on_both(test: impl Fn(&dyn Store)) {
    test(&Database::in_memory().unwrap());
    let folder = tempfile::tempdir().unwrap();
    test(&Database::open(&folder.path().join("db"), &options()).unwrap());
}

fn options() -> SledOptions {
    SledOptions { cache_bytes: 8 * 1024 * 1024, ..SledOptions::default() }
}

fn title() -> TitleId {
    TitleId::new("ratchet-uya").unwrap()
}

fn account(store: &dyn Store, name: &str) -> AccountId {
    let new = NewAccount { name: Text::from(name), password: None, created: 1 };
    store.create_account(&title(), &new).unwrap().wait().unwrap().id
}

fn try_found(store: &dyn Store, leader: AccountId, name: &str) -> Result<Clan> {
    let new = NewClan { name: Text::from(name), leader, app_id: 11184, created: 5 };
    store.create_clan(&title(), &new).and_then(medley_store::Pending::wait)
}

fn found(store: &dyn Store, leader: AccountId, name: &str) -> Clan {
    try_found(store, leader, name).unwrap()
}

fn invite(store: &dyn Store, leader: AccountId, who: AccountId) -> ClanInvitationId {
    store.invite_to_clan(&title(), leader, who, b"come", 10).unwrap().wait().unwrap()
}

/// Brings `who` into the clan that `leader` leads.
fn enlist(store: &dyn Store, leader: AccountId, who: AccountId, at: i64) {
    let id = invite(store, leader, who);
    store.answer_clan_invitation(&title(), who, id, true, b"yes", at).unwrap().wait().unwrap();
}

fn refusal<T>(result: Result<T>) -> ClanRefusal {
    match result {
        Err(error @ StoreError::Clan { refusal, .. }) => {
            assert!(error.is_refusal());
            refusal
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("not refused"),
    }
}

fn members(store: &dyn Store, clan: ClanId) -> Vec<AccountId> {
    store.clan_members(&title(), clan).unwrap().iter().map(|member| member.id).collect()
}

#[test]
fn a_clan_is_found_by_number_by_name_in_any_case_and_by_its_member() {
    on_both(|store| {
        let leader = account(store, "Qwark");
        let clan = found(store, leader, "Q-Force");
        assert_eq!((clan.id, clan.leader, clan.app_id, clan.created), (ClanId(1), leader, 11184, 5));
        assert_eq!(store.clan(&title(), clan.id).unwrap(), Some(clan.clone()));
        assert_eq!(store.clan_by_name(&title(), b"q-fORCE").unwrap(), Some(clan.clone()));
        assert_eq!(store.clan_of(&title(), leader).unwrap(), Some(clan.clone()));
        assert_eq!(members(store, clan.id), [leader]);
        assert_eq!(store.clan_count(&title()).unwrap(), 1);
        assert_eq!(store.clans(&title(), Page::default()).unwrap(), [clan]);
        assert_eq!(store.clan_by_name(&title(), b"Other").unwrap(), None);
        assert_eq!(store.clan_by_name(&title(), &[b'x'; 500]).unwrap(), None);
        assert_eq!(store.clan(&TitleId::new("socom").unwrap(), ClanId(1)).unwrap(), None);
    });
}

#[test]
fn names_are_unique_and_an_account_has_one_clan() {
    on_both(|store| {
        let (a, b) = (account(store, "A"), account(store, "B"));
        found(store, a, "Rangers");
        assert_eq!(refusal(try_found(store, b, "RANGERS")), ClanRefusal::NameTaken);
        assert_eq!(refusal(try_found(store, a, "Others")), ClanRefusal::AlreadyInClan);
        for bad in ["", "a\0b", "12345678901234567890123456789012"] {
            assert!(try_found(store, b, bad).unwrap_err().is_refusal(), "{bad:?}");
        }
        let other = found(store, b, "Others");
        assert_eq!(other.id, ClanId(2), "a refusal costs no number");
        let rename = |by, id, name: &str| store.rename_clan(&title(), by, id, name.as_bytes()).map(drop);
        assert_eq!(refusal(rename(a, other.id, "Mine")), ClanRefusal::NotLeader);
        assert_eq!(refusal(rename(b, other.id, "rangers")), ClanRefusal::NameTaken);
        assert_eq!(refusal(rename(b, ClanId(9), "Mine")), ClanRefusal::NoClan);
        rename(b, other.id, "OTHERS").unwrap();
        rename(b, other.id, "Pirates").unwrap();
        assert_eq!(store.clan_by_name(&title(), b"others").unwrap(), None);
        assert_eq!(store.clan_by_name(&title(), b"pirates").unwrap().unwrap().id, other.id);
        assert_eq!(store.clan_count(&title()).unwrap(), 2);
    });
}

#[test]
fn an_invitation_goes_from_undecided_to_accepted_and_makes_a_member() {
    on_both(|store| {
        let (leader, guest) = (account(store, "A"), account(store, "B"));
        let clan = found(store, leader, "Rangers").id;
        let id = invite(store, leader, guest);
        let waiting = store.invitations_to_clans(&title(), guest).unwrap();
        assert_eq!((waiting.len(), waiting[0].id, waiting[0].clan), (1, id, clan));
        assert_eq!((waiting[0].message.clone(), waiting[0].created), (Text::from("come"), 10));
        let again = store.invite_to_clan(&title(), leader, guest, b"", 11).map(drop);
        assert_eq!(refusal(again), ClanRefusal::AlreadyInvited);
        let answer =
            |who, id, yes| store.answer_clan_invitation(&title(), who, id, yes, b"with joy", 20).map(drop);
        assert_eq!(refusal(answer(leader, id, true)), ClanRefusal::NoInvitation);
        answer(guest, id, true).unwrap();
        assert_eq!(refusal(answer(guest, id, false)), ClanRefusal::NoInvitation);
        assert_eq!(members(store, clan), [leader, guest]);
        assert!(store.invitations_to_clans(&title(), guest).unwrap().is_empty());
        let sent = store.clan_invitations(&title(), clan).unwrap();
        assert_eq!(sent.len(), 1);
        assert_eq!((sent[0].status, sent[0].responded), (ClanInvitationStatus::Accepted, Some(20)));
        assert_eq!(sent[0].response, Text::from("with joy"));
        let member = store.invite_to_clan(&title(), leader, guest, b"", 11).map(drop);
        assert_eq!(refusal(member), ClanRefusal::AlreadyInClan);
        let by_member = store.invite_to_clan(&title(), guest, leader, b"", 11).map(drop);
        assert_eq!(refusal(by_member), ClanRefusal::NotLeader);
        let unknown = AccountId::new(4711).unwrap();
        assert!(matches!(
            store.invite_to_clan(&title(), leader, unknown, b"", 1),
            Err(StoreError::NotFound { .. })
        ));
        let long = vec![b'x'; limits::CLAN_TEXT + 1];
        assert!(matches!(
            store.invite_to_clan(&title(), leader, guest, &long, 1),
            Err(StoreError::TooLong { max: 2048, found: 2049, .. })
        ));
    });
}

#[test]
fn declined_and_revoked_invitations_make_nobody_a_member_and_a_new_one_replaces_them() {
    on_both(|store| {
        let (leader, guest) = (account(store, "A"), account(store, "B"));
        let clan = found(store, leader, "Rangers").id;
        let first = invite(store, leader, guest);
        store.answer_clan_invitation(&title(), guest, first, false, b"no", 20).unwrap().wait().unwrap();
        let status = || store.clan_invitations(&title(), clan).unwrap()[0].status;
        assert_eq!(status(), ClanInvitationStatus::Declined);
        let second = invite(store, leader, guest);
        assert_eq!(store.clan_invitations(&title(), clan).unwrap().len(), 1);
        let revoke = |by| store.revoke_clan_invitation(&title(), by, guest, 30).map(drop);
        assert_eq!(refusal(revoke(guest)), ClanRefusal::NotLeader);
        revoke(leader).unwrap();
        assert_eq!(refusal(revoke(leader)), ClanRefusal::NoInvitation);
        assert_eq!(status(), ClanInvitationStatus::Revoked);
        let late = store.answer_clan_invitation(&title(), guest, second, true, b"", 40).map(drop);
        assert_eq!(refusal(late), ClanRefusal::NoInvitation);
        assert_eq!(members(store, clan), [leader]);
    });
}

#[test]
fn of_two_invitations_one_can_be_accepted() {
    on_both(|store| {
        let (a, b, guest) = (account(store, "A"), account(store, "B"), account(store, "C"));
        let first = found(store, a, "Rangers").id;
        found(store, b, "Pirates");
        let (one, other) = (invite(store, a, guest), invite(store, b, guest));
        store.answer_clan_invitation(&title(), guest, one, true, b"", 1).unwrap().wait().unwrap();
        let second = store.answer_clan_invitation(&title(), guest, other, true, b"", 1).map(drop);
        assert_eq!(refusal(second), ClanRefusal::AlreadyInClan);
        assert_eq!(store.clan_of(&title(), guest).unwrap().unwrap().id, first);
        // It still waits: who leaves may accept it.
        assert_eq!(store.invitations_to_clans(&title(), guest).unwrap().len(), 1);
    });
}

#[test]
fn members_leave_or_are_removed_and_the_leader_stays_until_another_leads() {
    on_both(|store| {
        let (leader, b, c) = (account(store, "A"), account(store, "B"), account(store, "C"));
        let clan = found(store, leader, "Rangers").id;
        enlist(store, leader, b, 20);
        enlist(store, leader, c, 21);
        let remove = |by, who| store.remove_clan_member(&title(), by, clan, who).map(drop);
        assert_eq!(refusal(remove(b, c)), ClanRefusal::NotLeader);
        assert_eq!(refusal(remove(leader, leader)), ClanRefusal::LeaderCannotLeave);
        let stranger = account(store, "D");
        assert_eq!(refusal(remove(leader, stranger)), ClanRefusal::NotMember);
        remove(c, c).unwrap();
        assert_eq!(store.clan_of(&title(), c).unwrap(), None);
        let transfer = |by, to| store.transfer_clan(&title(), by, to).map(drop);
        assert_eq!(refusal(transfer(b, b)), ClanRefusal::NotLeader);
        assert_eq!(refusal(transfer(leader, c)), ClanRefusal::NotMember);
        transfer(leader, b).unwrap();
        remove(b, leader).unwrap();
        assert_eq!(members(store, clan), [b]);
        let found = store.remove_clan_member(&title(), b, ClanId(77), b).map(drop);
        assert_eq!(refusal(found), ClanRefusal::NoClan);
    });
}

#[test]
fn a_disbanded_clan_leaves_its_number_and_nothing_else() {
    on_both(|store| {
        let (leader, b, rival) = (account(store, "A"), account(store, "B"), account(store, "C"));
        let clan = found(store, leader, "Rangers").id;
        let other = found(store, rival, "Pirates").id;
        enlist(store, leader, b, 20);
        let guest = account(store, "D");
        invite(store, leader, guest);
        store.send_clan_message(&title(), leader, b"hello", 1).unwrap().wait().unwrap();
        store.challenge_clan(&title(), leader, other, b"fight", 2).unwrap().wait().unwrap();
        let wide = StatsUpdate::Wide(Box::new([4; 100]));
        store.update_clan_stats(&title(), b, clan, &[wide]).unwrap().wait().unwrap();
        assert_eq!(refusal(store.disband_clan(&title(), b, clan, 9).map(drop)), ClanRefusal::NotLeader);
        let gone = store.disband_clan(&title(), leader, clan, 9).unwrap().wait().unwrap();
        assert_eq!(gone, [leader, b]);
        assert!(store.clan(&title(), clan).unwrap().unwrap().disbanded);
        assert_eq!(store.clan_by_name(&title(), b"Rangers").unwrap(), None);
        assert_eq!(store.clan_of(&title(), b).unwrap(), None);
        assert!(members(store, clan).is_empty());
        assert!(store.invitations_to_clans(&title(), guest).unwrap().is_empty());
        assert!(store.clan_messages(&title(), clan).unwrap().is_empty());
        assert_eq!(store.clan_stats(&title(), clan).unwrap(), None);
        assert_eq!(store.clan_count(&title()).unwrap(), 1);
        let kept = store.clan_challenges(&title(), other).unwrap();
        assert_eq!((kept.len(), kept[0].status), (1, ClanChallengeStatus::Revoked));
        assert_eq!(kept[0].responded, Some(9));
        assert_eq!(refusal(store.disband_clan(&title(), leader, clan, 9).map(drop)), ClanRefusal::NoClan);
        assert_eq!(found(store, b, "rangers").id, ClanId(3), "the name is free, the number is not");
    });
}

#[test]
fn messages_are_unread_modified_read_or_deleted_for_each_member() {
    on_both(|store| {
        let (leader, b) = (account(store, "A"), account(store, "B"));
        let clan = found(store, leader, "Rangers").id;
        enlist(store, leader, b, 20);
        let send = |text: &[u8]| store.send_clan_message(&title(), leader, text, 1).unwrap().wait().unwrap();
        let (first, second) = (send(b"one"), send(b"two"));
        let status = |who| -> Vec<ClanMessageStatus> {
            let messages = store.clan_messages(&title(), clan).unwrap();
            messages.iter().map(|message| message.status_for(who)).collect()
        };
        use ClanMessageStatus::{Deleted, Modified, Read, Unread};
        assert_eq!(status(b), [Unread, Unread]);
        store.read_clan_message(&title(), b, first).unwrap().wait().unwrap();
        store.read_clan_message(&title(), b, first).unwrap().wait().unwrap();
        assert_eq!((status(b), status(leader)), (vec![Read, Unread], vec![Unread, Unread]));
        store.modify_clan_message(&title(), leader, first, b"uno").unwrap().wait().unwrap();
        assert_eq!(status(b), [Modified, Unread]);
        store.delete_clan_message(&title(), leader, second).unwrap().wait().unwrap();
        assert_eq!(status(b), [Modified, Deleted]);
        assert_eq!(store.clan_messages(&title(), clan).unwrap()[0].text, Text::from("uno"));
        let modify = |by, id| store.modify_clan_message(&title(), by, id, b"x").map(drop);
        assert_eq!(refusal(modify(b, first)), ClanRefusal::NotLeader);
        assert_eq!(refusal(modify(leader, second)), ClanRefusal::NoMessage);
        let stranger = account(store, "C");
        let read = |who, id| store.read_clan_message(&title(), who, id).map(drop);
        assert_eq!(refusal(read(stranger, first)), ClanRefusal::NotMember);
        assert_eq!(refusal(read(b, second)), ClanRefusal::NoMessage);
        assert_eq!(refusal(store.send_clan_message(&title(), b, b"x", 1).map(drop)), ClanRefusal::NotLeader);
    });
}

#[test]
fn the_oldest_message_gives_way_and_deleted_ones_before_it() {
    let store = Database::in_memory().unwrap();
    let store: &dyn Store = &store;
    let leader = account(store, "A");
    let clan = found(store, leader, "Rangers").id;
    let mut ids = Vec::new();
    for _ in 0..limits::CLAN_MESSAGES {
        ids.push(store.send_clan_message(&title(), leader, b"x", 1).unwrap().wait().unwrap());
    }
    drop(store.delete_clan_message(&title(), leader, ids[5]).unwrap());
    drop(store.send_clan_message(&title(), leader, b"y", 1).unwrap());
    drop(store.send_clan_message(&title(), leader, b"z", 1).unwrap());
    let kept: Vec<_> = store.clan_messages(&title(), clan).unwrap().iter().map(|row| row.id).collect();
    assert_eq!(kept.len(), limits::CLAN_MESSAGES);
    assert!(!kept.contains(&ids[5]) && !kept.contains(&ids[0]) && kept.contains(&ids[1]));
}

#[test]
fn stats_are_written_by_members_and_deltas_stop_at_the_ends() {
    on_both(|store| {
        let (leader, stranger) = (account(store, "A"), account(store, "B"));
        let clan = found(store, leader, "Rangers").id;
        assert_eq!(store.clan_stats(&title(), clan).unwrap().unwrap().wide, [0; 100]);
        let mut wide = [0; 100];
        (wide[0], wide[1]) = (i32::MAX, 5);
        let updates = [StatsUpdate::Wide(Box::new(wide)), StatsUpdate::Blob(Box::new([9; 256]))];
        let update = |by, id| store.update_clan_stats(&title(), by, id, &updates).map(drop);
        assert_eq!(refusal(update(stranger, clan)), ClanRefusal::NotMember);
        assert_eq!(refusal(update(leader, ClanId(9))), ClanRefusal::NoClan);
        update(leader, clan).unwrap();
        store.add_to_clan_stats(&title(), leader, clan, &[3; 100]).unwrap().wait().unwrap();
        let stats = store.clan_stats(&title(), clan).unwrap().unwrap();
        assert_eq!((stats.wide[..3].to_vec(), stats.blob), (vec![i32::MAX, 8, 3], [9; 256]));
        assert_eq!(store.clan_stats(&title(), ClanId(9)).unwrap(), None);
    });
}

#[test]
fn a_challenge_is_requested_accepted_and_confirmed_each_by_whose_turn_it_is() {
    on_both(|store| {
        let (a, b) = (account(store, "A"), account(store, "B"));
        let (one, other) = (found(store, a, "Rangers").id, found(store, b, "Pirates").id);
        let challenge = |by, against| store.challenge_clan(&title(), by, against, b"fight", 1);
        let id = challenge(a, other).unwrap().wait().unwrap();
        assert_eq!(refusal(challenge(a, other).map(drop)), ClanRefusal::WrongState);
        assert_eq!(refusal(challenge(a, one).map(drop)), ClanRefusal::WrongState);
        assert_eq!(refusal(challenge(a, ClanId(9)).map(drop)), ClanRefusal::NoClan);
        assert_eq!(refusal(challenge(account(store, "C"), one).map(drop)), ClanRefusal::NotLeader);
        let answer = |by, yes| store.answer_clan_challenge(&title(), by, id, yes, b"ok", 2).map(drop);
        let confirm = |by| store.confirm_clan_challenge(&title(), by, id, 3).map(drop);
        let revoke = |by| store.revoke_clan_challenge(&title(), by, id, 4).map(drop);
        assert_eq!(refusal(answer(a, true)), ClanRefusal::NotLeader);
        assert_eq!(refusal(confirm(a)), ClanRefusal::WrongState);
        answer(b, true).unwrap();
        assert_eq!(refusal(answer(b, false)), ClanRefusal::WrongState);
        assert_eq!(refusal(confirm(b)), ClanRefusal::NotLeader);
        confirm(a).unwrap();
        assert_eq!(refusal(revoke(a)), ClanRefusal::WrongState);
        for clan in [one, other] {
            let rows = store.clan_challenges(&title(), clan).unwrap();
            assert_eq!(rows.len(), 1);
            assert_eq!((rows[0].status, rows[0].responded), (ClanChallengeStatus::Confirmed, Some(3)));
            assert_eq!((&rows[0].message, &rows[0].response), (&Text::from("fight"), &Text::from("ok")));
        }
        // Over: the next one may be made, in either direction.
        challenge(b, one).unwrap().wait().unwrap();
        assert_eq!(store.clan_challenges(&title(), one).unwrap().len(), 2);
    });
}

#[test]
fn finished_challenges_give_way_and_leave_the_other_clans_list_alone() {
    let store = Database::in_memory().unwrap();
    let store: &dyn Store = &store;
    let (a, b) = (account(store, "A"), account(store, "B"));
    let (one, other) = (found(store, a, "Rangers").id, found(store, b, "Pirates").id);
    for _ in 0..=limits::CLAN_CHALLENGES {
        let id = store.challenge_clan(&title(), a, other, b"", 1).unwrap().wait().unwrap();
        store.revoke_clan_challenge(&title(), a, id, 2).unwrap().wait().unwrap();
    }
    for clan in [one, other] {
        let rows = store.clan_challenges(&title(), clan).unwrap();
        assert_eq!((rows.len(), rows[0].id.0), (limits::CLAN_CHALLENGES, 2));
    }
    let mut bytes = Vec::new();
    store.export(&mut bytes).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap().matches("\"clan_challenge\",\"title\"").count(), 200);
}

#[test]
fn a_deleted_account_leaves_its_clan_to_the_longest_standing_member() {
    on_both(|store| {
        let (leader, b, c) = (account(store, "A"), account(store, "B"), account(store, "C"));
        let clan = found(store, leader, "Rangers").id;
        enlist(store, leader, b, 30);
        enlist(store, leader, c, 20);
        let guest = account(store, "D");
        invite(store, leader, guest);
        let delete = |who| store.delete_account(&title(), who).unwrap().wait().unwrap();
        delete(guest);
        delete(leader);
        assert_eq!(store.clan(&title(), clan).unwrap().unwrap().leader, c);
        assert_eq!(members(store, clan), [b, c]);
        let open = store.clan_invitations(&title(), clan).unwrap();
        assert!(open.iter().all(|row| row.account != guest));
        delete(c);
        delete(b);
        assert!(store.clan(&title(), clan).unwrap().unwrap().disbanded);
        assert_eq!(store.clan_count(&title()).unwrap(), 0);
    });
}

/// A store with something in every tree of clans.
fn fill(store: &dyn Store) -> (AccountId, AccountId, AccountId) {
    let (a, b, c) = (account(store, "A"), account(store, "B"), account(store, "C"));
    let one = found(store, a, "Rangers").id;
    let other = found(store, b, "Pirates").id;
    enlist(store, a, c, 20);
    invite(store, b, c);
    store.send_clan_message(&title(), a, b"hello \xff", 1).unwrap().wait().unwrap();
    store.update_clan_stats(&title(), a, one, &[StatsUpdate::Ladder([3; 15])]).unwrap().wait().unwrap();
    store.challenge_clan(&title(), a, other, b"fight", 1).unwrap().wait().unwrap();
    let d = account(store, "D");
    let third = found(store, d, "Short").id;
    store.disband_clan(&title(), d, third, 9).unwrap().wait().unwrap();
    (a, b, c)
}

fn exported(store: &dyn Store) -> Vec<u8> {
    let mut bytes = Vec::new();
    store.export(&mut bytes).unwrap();
    bytes
}

#[test]
fn an_export_of_clans_comes_back_the_same_with_its_indexes() {
    on_both(|store| {
        let (_, b, c) = fill(store);
        let before = exported(store);
        let copy = Database::in_memory().unwrap();
        let copy: &dyn Store = &copy;
        copy.import(&mut before.as_slice(), ImportMode::Empty).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&exported(copy)).into_owned(),
            String::from_utf8_lossy(&before).into_owned()
        );
        assert_eq!(copy.clan_by_name(&title(), b"rangers").unwrap().unwrap().id, ClanId(1));
        assert_eq!(copy.clan_of(&title(), c).unwrap().unwrap().id, ClanId(1));
        assert_eq!(copy.invitations_to_clans(&title(), c).unwrap().len(), 1);
        assert_eq!(copy.clan_challenges(&title(), ClanId(2)).unwrap().len(), 1);
        assert_eq!(copy.clan_count(&title()).unwrap(), 2);
        assert!(copy.clan(&title(), ClanId(3)).unwrap().unwrap().disbanded);
        let next = account(copy, "E");
        assert_eq!(found(copy, next, "New").id, ClanId(4));
        assert_eq!(copy.clan_of(&title(), b).unwrap().unwrap().id, ClanId(2));
    });
}

#[test]
fn a_line_of_a_clan_that_is_not_there_is_refused_with_its_number() {
    let store = Database::in_memory().unwrap();
    let header =
        format!("{{\"kind\":\"header\",\"format\":\"medley-store\",\"schema\":{}}}\n", medley_store::SCHEMA);
    let line = "{\"kind\":\"clan_member\",\"title\":\"t\",\"clan\":7,\"account\":1,\"since\":0}\n";
    let text = format!("{header}{line}");
    let error = Store::import(&store, &mut text.as_bytes(), ImportMode::Empty).unwrap_err().to_string();
    assert!(error.starts_with("line 2: ") && error.contains("no such clan"), "{error}");
}

#[test]
fn what_was_acknowledged_is_there_after_the_database_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let before = {
        let store = Database::open(&path, &options()).unwrap();
        fill(&store);
        exported(&store)
    };
    let store = Database::open(&path, &options()).unwrap();
    assert_eq!(exported(&store), before);
    assert_eq!(store.is_empty().ok(), Some(false));
}
