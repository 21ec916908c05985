//! [`LoginNotes`]: logins that are noted and not written yet.
//!
//! No answer waits for the note of a login, and a commit of its own would cost more than the rest of the login: sled wakes
//! all of its threads for it. So notes gather here, readers see them laid over what is stored, and the flush thread writes
//! them together (`Core::write_notes`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::commit::lock;
use crate::error::Result;
use crate::types::{Account, LoginRecord};

/// Logins that may wait to be written. A full desk is written by who brings the next.
pub(crate) const MAX_NOTES: usize = 65_536;

/// Key of an account in its tree.
type Key = Vec<u8>;

/// The last login of each account whose record does not have it yet.
#[derive(Debug, Default)]
pub(crate) struct LoginNotes {
    waiting: Mutex<HashMap<Key, Arc<LoginRecord>>>,
}

impl LoginNotes {
    /// Adds a login, after those of the same account. Gives the number of notes that wait.
    pub(crate) fn add(&self, key: Key, mut login: LoginRecord) -> usize {
        let mut waiting = lock(&self.waiting);
        if let Some(before) = waiting.get(&key)
            && login.machine_id.is_none()
        {
            login.machine_id.clone_from(&before.machine_id);
        }
        waiting.insert(key, Arc::new(login));
        waiting.len()
    }

    /// Notes that wait.
    pub(crate) fn len(&self) -> usize {
        lock(&self.waiting).len()
    }

    /// What `stored` gives, with the login that waits for it. Both are looked at as one: a note that is written meanwhile
    /// is in one of them.
    pub(crate) fn over(
        &self,
        key: &[u8],
        stored: impl FnOnce() -> Result<Option<Account>>,
    ) -> Result<Option<Account>> {
        let waiting = lock(&self.waiting);
        let Some(login) = waiting.get(key) else {
            drop(waiting);
            return stored();
        };
        let mut account = stored()?;
        if let Some(account) = &mut account {
            account.note_login(login);
        }
        Ok(account)
    }

    /// Some notes, at most `count`. They keep waiting until [`LoginNotes::written`].
    pub(crate) fn some(&self, count: usize) -> Vec<(Key, Arc<LoginRecord>)> {
        let waiting = lock(&self.waiting);
        waiting.iter().take(count).map(|(key, login)| (key.clone(), Arc::clone(login))).collect()
    }

    /// These are in their records now. What was noted since for the same account waits on.
    pub(crate) fn written(&self, notes: &[(Key, Arc<LoginRecord>)]) {
        let mut waiting = lock(&self.waiting);
        for (key, login) in notes {
            if waiting.get(key).is_some_and(|now| Arc::ptr_eq(now, login)) {
                waiting.remove(key);
            }
        }
    }
}

impl Account {
    /// Takes a login in.
    pub(crate) fn note_login(&mut self, login: &LoginRecord) {
        self.last_login = Some(login.at);
        self.last_ip = login.ip;
        if login.machine_id.is_some() {
            self.machine_id.clone_from(&login.machine_id);
        }
    }
}
