//! Plugins' own data: bounded keys and values, per title and per account.

use crate::accounts::check_length;
use crate::commit::Pending;
use crate::database::{Database, key};
use crate::engine::{Engine, Tree};
use crate::error::{Result, StoreError};
use crate::traits::PluginData;
use crate::types::{AccountId, Page, PluginScope, TitleId, limits};

const TITLE: u8 = b't';
const ACCOUNT: u8 = b'a';

pub(crate) fn account_prefix(title: &TitleId, id: AccountId) -> Vec<u8> {
    scope_prefix(title, PluginScope::Account(id))
}

fn scope_prefix(title: &TitleId, scope: PluginScope) -> Vec<u8> {
    let mut prefix = key::title(title);
    match scope {
        PluginScope::Title => prefix.push(TITLE),
        PluginScope::Account(id) => {
            prefix.push(ACCOUNT);
            prefix.extend_from_slice(&id.get().to_be_bytes());
        }
    }
    prefix
}

pub(crate) fn full_key(title: &TitleId, scope: PluginScope, key: &[u8]) -> Vec<u8> {
    let mut full = scope_prefix(title, scope);
    full.extend_from_slice(key);
    full
}

/// Takes a stored key apart: scope and the plugin's key. The title is off already.
pub(crate) fn split_key(rest: &[u8]) -> Option<(PluginScope, &[u8])> {
    match rest.split_first()? {
        (&TITLE, key) => Some((PluginScope::Title, key)),
        (&ACCOUNT, rest) => {
            let (id, key) = rest.split_first_chunk::<4>()?;
            Some((PluginScope::Account(AccountId::new(i32::from_be_bytes(*id))?), key))
        }
        _ => None,
    }
}

pub(crate) fn check_key(key: &[u8]) -> Result<()> {
    check_length("plugin key", limits::PLUGIN_KEY, key.len())?;
    if key.is_empty() {
        return Err(StoreError::Invalid {
            field: "plugin key",
            wanted: "at least one byte",
            found: String::new(),
        });
    }
    Ok(())
}

pub(crate) fn check_value(value: &[u8]) -> Result<()> {
    check_length("plugin value", limits::PLUGIN_VALUE, value.len())
}

impl<E: Engine> PluginData for Database<E> {
    fn plugin_set(
        &self,
        title: &TitleId,
        scope: PluginScope,
        key: &[u8],
        value: &[u8],
    ) -> Result<Pending<()>> {
        check_key(key)?;
        check_value(value)?;
        self.write(|tx| {
            if let PluginScope::Account(id) = scope {
                tx.require_account(title, id)?;
            }
            // The bytes are the plugin's own: no layout byte of ours.
            tx.put_raw(Tree::PluginData, &full_key(title, scope, key), value.to_vec());
            Ok(())
        })
    }

    fn plugin_remove(&self, title: &TitleId, scope: PluginScope, key: &[u8]) -> Result<Pending<bool>> {
        check_key(key)?;
        self.write(|tx| {
            let key = full_key(title, scope, key);
            let found = tx.contains(Tree::PluginData, &key)?;
            if found {
                tx.remove(Tree::PluginData, &key);
            }
            Ok(found)
        })
    }

    fn plugin_get(&self, title: &TitleId, scope: PluginScope, key: &[u8]) -> Result<Option<Vec<u8>>> {
        check_key(key)?;
        self.engine().get(Tree::PluginData, &full_key(title, scope, key))
    }

    fn plugin_scan(
        &self,
        title: &TitleId,
        scope: PluginScope,
        prefix: &[u8],
        page: Page<Vec<u8>>,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        check_length("plugin key", limits::PLUGIN_KEY, prefix.len())?;
        let rows = page.rows();
        let after = page.after.map(|key| full_key(title, scope, &key));
        let own = scope_prefix(title, scope).len();
        let mut found = Vec::new();
        let mut bytes = 0;
        for row in
            self.engine().scan(Tree::PluginData, &full_key(title, scope, prefix), after.as_deref(), false)
        {
            if found.len() == rows || bytes >= limits::PLUGIN_SCAN {
                break;
            }
            let (key, value) = row?;
            let key = key.get(own..).unwrap_or_default().to_vec();
            bytes += key.len() + value.len();
            found.push((key, value));
        }
        Ok(found)
    }
}
