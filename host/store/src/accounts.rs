//! Accounts, their name index and their stats.

use crate::commit::Pending;
use crate::database::{Database, Transaction, counter, key};
use crate::engine::{Engine, Tree};
use crate::error::{Result, StoreError};
use crate::tokens::TokenOwner;
use crate::traits::Accounts;
use crate::types::{
    Account, AccountId, LoginRecord, NewAccount, Page, PasswordHash, Stats, StatsUpdate, Text, TitleId,
    WHITELISTED, limits,
};

/// How names are compared: ASCII letters without case, every other byte as it is. Unicode folding would change with
/// the Unicode version and could make two stored names one.
pub(crate) fn fold(name: &[u8]) -> Vec<u8> {
    name.to_ascii_lowercase()
}

pub(crate) fn name_key(title: &TitleId, name: &[u8]) -> Vec<u8> {
    let mut key = key::title(title);
    key.extend_from_slice(&fold(name));
    key
}

pub(crate) fn check_length(field: &'static str, max: usize, found: usize) -> Result<()> {
    if found > max { Err(StoreError::TooLong { field, max, found }) } else { Ok(()) }
}

fn check_name(name: &Text) -> Result<()> {
    check_length("account name", limits::NAME, name.0.len())?;
    if name.0.is_empty() || name.0.contains(&0) {
        return Err(StoreError::Invalid {
            field: "account name",
            wanted: "at least one byte and no NUL",
            found: name.to_string_lossy().into_owned(),
        });
    }
    Ok(())
}

pub(crate) fn check_metadata(metadata: &str) -> Result<()> {
    check_length("metadata", limits::METADATA, metadata.len())?;
    if !metadata.is_empty()
        && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(metadata)
    {
        return Err(StoreError::Invalid { field: "metadata", wanted: "JSON text", found: error.to_string() });
    }
    Ok(())
}

/// Checks what the types alone do not: lengths and forms. For records from outside (imports).
pub(crate) fn check_account(account: &Account) -> Result<()> {
    check_name(&account.name)?;
    check_metadata(&account.metadata)?;
    if let Some(password) = &account.password {
        PasswordHash::from_phc(password.as_phc())?;
    }
    check_length("machine id", limits::MACHINE_ID, account.machine_id.as_ref().map_or(0, Vec::len))
}

pub(crate) fn check_stats(stats: &Stats) -> Result<()> {
    check_length("custom stats", limits::CUSTOM_STATS, stats.custom.len())
}

pub(crate) fn no_account(title: &TitleId, id: AccountId) -> StoreError {
    StoreError::NotFound { what: "account", title: title.to_string(), key: id.to_string() }
}

impl Transaction<'_> {
    pub(crate) fn require_account(&self, title: &TitleId, id: AccountId) -> Result<()> {
        if self.contains(Tree::Accounts, &key::account(title, id))? {
            Ok(())
        } else {
            Err(no_account(title, id))
        }
    }

    pub(crate) fn change_account_count(&mut self, title: &TitleId, up: bool) -> Result<()> {
        let key = key::title(title);
        let count: u32 = self.get(Tree::AccountCounts, &key)?.unwrap_or(0);
        let count = if up { count.saturating_add(1) } else { count.saturating_sub(1) };
        self.put(Tree::AccountCounts, &key, &count)
    }

    /// Writes an account under its number and name. The name must be free or its own.
    pub(crate) fn put_account(&mut self, title: &TitleId, account: &Account) -> Result<()> {
        let key = key::account(title, account.id);
        let names = name_key(title, &account.name.0);
        if let Some(owner) = self.get::<AccountId>(Tree::AccountNames, &names)?
            && owner != account.id
        {
            return Err(StoreError::AlreadyExists {
                what: "account name",
                title: title.to_string(),
                key: account.name.to_string(),
            });
        }
        match self.get::<Account>(Tree::Accounts, &key)? {
            Some(before) => self.remove(Tree::AccountNames, &name_key(title, &before.name.0)),
            None => self.change_account_count(title, true)?,
        }
        self.put(Tree::AccountNames, &names, &account.id)?;
        self.put(Tree::Accounts, &key, account)
    }
}

impl<E: Engine> Database<E> {
    fn change_account(
        &self,
        title: &TitleId,
        id: AccountId,
        change: impl FnOnce(&mut Account),
    ) -> Result<Pending<()>> {
        self.write(|tx| {
            let key = key::account(title, id);
            let mut account: Account = tx.get(Tree::Accounts, &key)?.ok_or_else(|| no_account(title, id))?;
            change(&mut account);
            tx.put(Tree::Accounts, &key, &account)
        })
    }
}

impl<E: Engine> Accounts for Database<E> {
    fn create_account(&self, title: &TitleId, new: &NewAccount) -> Result<Pending<Account>> {
        check_name(&new.name)?;
        self.write(|tx| {
            if tx.contains(Tree::AccountNames, &name_key(title, &new.name.0))? {
                return Err(StoreError::AlreadyExists {
                    what: "account name",
                    title: title.to_string(),
                    key: new.name.to_string(),
                });
            }
            let number = tx.next_number(counter::ACCOUNT)?;
            let account = Account {
                // The counter stops at i32::MAX.
                id: AccountId::try_from(number as i32)?,
                name: new.name.clone(),
                password: new.password.clone(),
                reset_password: false,
                created: new.created,
                last_login: None,
                last_ip: None,
                machine_id: None,
                metadata: String::new(),
            };
            tx.put_account(title, &account)?;
            Ok(account)
        })
    }

    fn account(&self, title: &TitleId, id: AccountId) -> Result<Option<Account>> {
        let key = key::account(title, id);
        self.login_notes().over(&key, || self.get(Tree::Accounts, &key))
    }

    fn account_by_name(&self, title: &TitleId, name: &[u8]) -> Result<Option<Account>> {
        // Longer ones cannot exist, and need no copy.
        if name.len() > limits::NAME {
            return Ok(None);
        }
        match self.get(Tree::AccountNames, &name_key(title, name))? {
            Some(id) => self.account(title, id),
            None => Ok(None),
        }
    }

    fn accounts(&self, title: &TitleId, page: Page<AccountId>) -> Result<Vec<Account>> {
        let after = page.after.map(|id| key::account(title, id));
        self.engine()
            .scan(Tree::Accounts, &key::title(title), after.as_deref(), false)
            .take(page.rows())
            .filter_map(|row| {
                let noted = |(key, value): (Vec<u8>, Vec<u8>)| {
                    let stored = || crate::codec::decode(Tree::Accounts, &key, &value).map(Some);
                    self.login_notes().over(&key, stored)
                };
                row.and_then(noted).transpose()
            })
            .collect()
    }

    fn account_count(&self, title: &TitleId) -> Result<u32> {
        Ok(self.get(Tree::AccountCounts, &key::title(title))?.unwrap_or(0))
    }

    fn account_titles(&self) -> Result<Vec<TitleId>> {
        let rows = self.engine().scan(Tree::AccountCounts, b"", None, false);
        rows.map(|row| {
            let (key, _) = row?;
            let title = key::split_title(&key).map(|(title, _)| title);
            title.ok_or_else(|| StoreError::Record {
                tree: Tree::AccountCounts.name(),
                key: hex::encode(&key),
                wanted: "a title and a NUL".to_owned(),
                found: "another key".to_owned(),
            })
        })
        .collect()
    }

    fn set_password(
        &self,
        title: &TitleId,
        id: AccountId,
        password: Option<PasswordHash>,
    ) -> Result<Pending<()>> {
        self.change_account(title, id, |account| {
            account.password = password;
            account.reset_password = false;
        })
    }

    fn set_reset_password(&self, title: &TitleId, id: AccountId, reset: bool) -> Result<Pending<()>> {
        self.change_account(title, id, |account| account.reset_password = reset)
    }

    fn set_account_metadata(&self, title: &TitleId, id: AccountId, metadata: &str) -> Result<Pending<()>> {
        check_metadata(metadata)?;
        self.change_account(title, id, |account| account.metadata = metadata.to_owned())
    }

    fn set_whitelisted(&self, title: &TitleId, id: AccountId, listed: bool) -> Result<Pending<()>> {
        self.write(|tx| {
            let key = key::account(title, id);
            let mut account: Account = tx.get(Tree::Accounts, &key)?.ok_or_else(|| no_account(title, id))?;
            let empty = serde_json::Value::Object(serde_json::Map::new());
            let known =
                if account.metadata.is_empty() { Ok(empty) } else { serde_json::from_str(&account.metadata) };
            let Ok(serde_json::Value::Object(mut members)) = known else {
                return Err(StoreError::Invalid {
                    field: "metadata",
                    wanted: "a JSON object, for the white-list",
                    found: account.metadata,
                });
            };
            if listed {
                members.insert(WHITELISTED.to_owned(), true.into());
            } else {
                members.remove(WHITELISTED);
            }
            account.metadata = if members.is_empty() {
                String::new()
            } else {
                serde_json::Value::Object(members).to_string()
            };
            check_metadata(&account.metadata)?;
            tx.put(Tree::Accounts, &key, &account)
        })
    }

    fn record_login(&self, title: &TitleId, id: AccountId, login: &LoginRecord) -> Result<Pending<()>> {
        check_length("machine id", limits::MACHINE_ID, login.machine_id.as_ref().map_or(0, Vec::len))?;
        let key = key::account(title, id);
        if self.engine().get(Tree::Accounts, &key)?.is_none() {
            return Err(no_account(title, id));
        }
        self.note_login(key, login)?;
        Ok(Pending::ready(()))
    }

    fn delete_account(&self, title: &TitleId, id: AccountId) -> Result<Pending<()>> {
        self.write(|tx| {
            let account_key = key::account(title, id);
            let account: Account =
                tx.get(Tree::Accounts, &account_key)?.ok_or_else(|| no_account(title, id))?;
            tx.remove(Tree::Accounts, &account_key);
            tx.remove(Tree::AccountNames, &name_key(title, &account.name.0));
            tx.remove(Tree::AccountStats, &account_key);
            tx.change_account_count(title, false)?;
            tx.forget_in_clans(title, id)?;
            tx.forget_files(title, id)?;
            tx.forget_tokens(title, TokenOwner::Account(id))?;
            // Rows of others that name this account have no index of their own: deletes are rare, scans of one title's
            // lists are short.
            let mut gone = Vec::new();
            for tree in [Tree::Buddies, Tree::Ignored, Tree::Invitations] {
                for row in tx.scan_before(tree, &key::title(title)) {
                    let (key, _) = row?;
                    if key.starts_with(&account_key) || key::last_account(&key) == Some(id) {
                        gone.push((tree, key));
                    }
                }
            }
            for row in tx.scan_before(Tree::PluginData, &crate::plugin_data::account_prefix(title, id)) {
                gone.push((Tree::PluginData, row?.0));
            }
            for (tree, key) in gone {
                tx.remove(tree, &key);
            }
            Ok(())
        })
    }

    fn stats(&self, title: &TitleId, id: AccountId) -> Result<Option<Stats>> {
        let key = key::account(title, id);
        if let Some(stats) = self.get(Tree::AccountStats, &key)? {
            return Ok(Some(stats));
        }
        Ok(self.engine().get(Tree::Accounts, &key)?.map(|_| Stats::default()))
    }

    fn update_stats(&self, title: &TitleId, id: AccountId, updates: &[StatsUpdate]) -> Result<Pending<()>> {
        self.write(|tx| {
            tx.require_account(title, id)?;
            let key = key::account(title, id);
            let mut stats: Stats = tx.get(Tree::AccountStats, &key)?.unwrap_or_default();
            for update in updates {
                match update {
                    StatsUpdate::Blob(blob) => stats.blob = **blob,
                    StatsUpdate::Ladder(ladder) => stats.ladder = *ladder,
                    StatsUpdate::Wide(wide) => stats.wide = **wide,
                    StatsUpdate::Custom(custom) => stats.custom.clone_from(custom),
                }
            }
            check_stats(&stats)?;
            tx.put(Tree::AccountStats, &key, &stats)
        })
    }
}
