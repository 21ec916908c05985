//! The async front: passwords, warm logins, bounded queues, closing.

// Helpers of tests assert by unwrapping, as the tests themselves do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, its helpers too")]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use medley_store::{
    Database, HandleOptions, PasswordCheck, PasswordOptions, SledOptions, StoreError, StoreHandle, Text,
    TitleId,
};

fn title() -> TitleId {
    TitleId::new("jak-x").unwrap()
}

fn options() -> HandleOptions {
    HandleOptions { passwords: PasswordOptions::cheapest(), ..HandleOptions::default() }
}

fn in_memory() -> StoreHandle {
    StoreHandle::new(Arc::new(Database::in_memory().unwrap()), &options()).unwrap()
}

#[tokio::test]
async fn a_password_is_checked_changed_and_reset() {
    let store = in_memory();
    let account = store.create_account(&title(), Text::from("Jak"), Some(b"eco"), 1).await.unwrap();
    let check = async |password: &[u8]| store.verify_password(&title(), account.id, password).await.unwrap();
    assert_eq!(check(b"eco").await, PasswordCheck::Match);
    assert_eq!(check(b"Eco").await, PasswordCheck::Mismatch);
    assert_eq!(check(&[b'x'; 5000]).await, PasswordCheck::Mismatch);

    store.set_password(&title(), account.id, Some(b"dark")).await.unwrap();
    assert_eq!(check(b"eco").await, PasswordCheck::Mismatch);
    assert_eq!(check(b"dark").await, PasswordCheck::Match);

    let id = account.id;
    store.write(move |store| store.set_reset_password(&title(), id, true)).await.unwrap();
    assert_eq!(check(b"dark").await, PasswordCheck::ResetPending);
    store.set_password(&title(), account.id, Some(b"new")).await.unwrap();
    assert_eq!(check(b"new").await, PasswordCheck::Match);

    store.set_password(&title(), account.id, None).await.unwrap();
    assert_eq!(check(b"new").await, PasswordCheck::NoPassword);
}

#[tokio::test]
async fn a_taken_name_and_an_unknown_account_are_refusals() {
    let store = in_memory();
    let account = store.create_account(&title(), Text::from("Daxter"), None, 1).await.unwrap();
    assert_eq!(account.password, None);
    let taken = store.create_account(&title(), Text::from("DAXTER"), Some(b"x"), 1).await.unwrap_err();
    assert!(matches!(taken, StoreError::AlreadyExists { .. }), "{taken}");
    let other = TitleId::new("socom").unwrap();
    let unknown = store.verify_password(&other, account.id, b"x").await.unwrap_err();
    assert!(matches!(unknown, StoreError::NotFound { .. }), "{unknown}");
}

#[tokio::test]
async fn a_second_login_of_a_warm_account_does_not_hash() {
    let store = in_memory();
    let account = store.create_account(&title(), Text::from("Torn"), Some(b"pw"), 1).await.unwrap();
    // Without the threads that hash, only what needs none can be answered.
    store.close().await;
    for _ in 0..100 {
        assert_eq!(store.verify_account(&account, b"pw").await.unwrap(), PasswordCheck::Match);
    }
    // A wrong guess pays the full price even while its owner is warm.
    let wrong = store.verify_account(&account, b"wp").await;
    assert!(matches!(wrong, Err(StoreError::Closed)), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_concurrent_writers_are_all_durable_after_a_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let open = || Arc::new(Database::open(&path, &SledOptions::default()).unwrap());
    // Fewer places than callers: the others wait for one.
    let options = HandleOptions { queue: NonZeroUsize::new(8).unwrap(), ..options() };
    let store = StoreHandle::new(open(), &options).unwrap();
    let writers: Vec<_> = (0..1000)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let name = Text(format!("racer{number}").into_bytes());
                store.create_account(&title(), name, None, number).await.unwrap()
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    store.close().await;
    let closed = store.read(|store| store.account_count(&title())).await;
    assert!(matches!(closed, Err(StoreError::Closed)), "{closed:?}");

    let store = StoreHandle::new(open(), &options).unwrap();
    assert_eq!(store.read(|store| store.account_count(&title())).await.unwrap(), 1000);
    store.close().await;
}

#[tokio::test]
async fn a_call_that_panics_is_an_error_of_that_call_alone() {
    let store = in_memory();
    let error = store.read(|_| -> Result<(), _> { panic!("a bug in a caller") }).await.unwrap_err();
    assert!(error.to_string().contains("a bug in a caller"), "{error}");
    for _ in 0..10 {
        assert_eq!(store.read(|store| store.account_count(&title())).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn calls_that_were_queued_before_the_closing_are_carried_out() {
    let store = in_memory();
    let done = Arc::new(AtomicUsize::new(0));
    let mut calls = Vec::new();
    for _ in 0..100 {
        let done = Arc::clone(&done);
        let mut call = Box::pin(store.read(move |_| {
            done.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }));
        // The first poll puts the call into the queue; unconstrained, for a task that polls this often is else made to wait.
        let first = std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx)));
        let first = tokio::task::unconstrained(first).await;
        if first.is_pending() {
            calls.push(call);
        }
    }
    store.close().await;
    assert_eq!(done.load(Ordering::SeqCst), 100);
    for call in calls {
        call.await.unwrap();
    }
}
