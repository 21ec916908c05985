//! Buddies, ignore lists and buddy invitations.

use serde::{Deserialize, Serialize};

use crate::codec;
use crate::commit::Pending;
use crate::database::{Database, Transaction, key};
use crate::engine::{Engine, Tree};
use crate::error::{Result, StoreError};
use crate::traits::{Accounts, Social};
use crate::types::{AccountId, Invitation, ListKind, ListedAccount, Text, TitleId, UnixSeconds, limits};

/// Row of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) since: UnixSeconds,
}

/// Row of the invitations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invited {
    pub(crate) add_type: i32,
    pub(crate) created: UnixSeconds,
}

impl ListKind {
    pub(crate) const fn tree(self) -> Tree {
        match self {
            Self::Buddies => Tree::Buddies,
            Self::Ignored => Tree::Ignored,
        }
    }

    const fn row(self) -> &'static str {
        match self {
            Self::Buddies => "buddy",
            Self::Ignored => "ignored account",
        }
    }

    const fn whole(self) -> &'static str {
        match self {
            Self::Buddies => "the buddy list",
            Self::Ignored => "the ignore list",
        }
    }
}

impl Transaction<'_> {
    fn check_pair(&self, title: &TitleId, a: AccountId, b: AccountId) -> Result<()> {
        if a == b {
            return Err(StoreError::Invalid {
                field: "other account",
                wanted: "somebody else",
                found: format!("account {a} itself"),
            });
        }
        self.require_account(title, a)?;
        self.require_account(title, b)
    }

    fn check_room(&self, tree: Tree, what: &'static str, title: &TitleId, owner: AccountId) -> Result<()> {
        if self.scan_before(tree, &key::account(title, owner)).take(limits::LIST).count() == limits::LIST {
            return Err(StoreError::LimitReached {
                what,
                owner: format!("account {owner}"),
                max: limits::LIST,
            });
        }
        Ok(())
    }

    fn list_add(
        &mut self,
        title: &TitleId,
        kind: ListKind,
        owner: AccountId,
        other: AccountId,
        now: UnixSeconds,
    ) -> Result<()> {
        self.check_room(kind.tree(), kind.whole(), title, owner)?;
        self.put(kind.tree(), &key::pair(title, owner, other), &Listed { since: now })
    }
}

fn row_account(tree: Tree, key: &[u8]) -> Result<AccountId> {
    key::last_account(key).ok_or_else(|| StoreError::Record {
        tree: tree.name(),
        key: hex::encode(key),
        wanted: "a key that ends with an account number".to_owned(),
        found: "another key".to_owned(),
    })
}

impl<E: Engine> Social for Database<E> {
    fn add_to_list(
        &self,
        title: &TitleId,
        kind: ListKind,
        owner: AccountId,
        other: AccountId,
        now: UnixSeconds,
    ) -> Result<Pending<()>> {
        self.write(|tx| {
            tx.check_pair(title, owner, other)?;
            if tx.contains(kind.tree(), &key::pair(title, owner, other))? {
                return Err(StoreError::AlreadyExists {
                    what: kind.row(),
                    title: title.to_string(),
                    key: other.to_string(),
                });
            }
            tx.list_add(title, kind, owner, other, now)
        })
    }

    fn add_mutual_buddies(
        &self,
        title: &TitleId,
        a: AccountId,
        b: AccountId,
        now: UnixSeconds,
    ) -> Result<Pending<()>> {
        self.write(|tx| {
            tx.check_pair(title, a, b)?;
            for (owner, other) in [(a, b), (b, a)] {
                if !tx.contains(Tree::Buddies, &key::pair(title, owner, other))? {
                    tx.list_add(title, ListKind::Buddies, owner, other, now)?;
                }
                let invitation = key::pair(title, owner, other);
                if tx.contains(Tree::Invitations, &invitation)? {
                    tx.remove(Tree::Invitations, &invitation);
                }
            }
            Ok(())
        })
    }

    fn remove_from_list(
        &self,
        title: &TitleId,
        kind: ListKind,
        owner: AccountId,
        other: AccountId,
    ) -> Result<Pending<()>> {
        self.write(|tx| {
            let key = key::pair(title, owner, other);
            if !tx.contains(kind.tree(), &key)? {
                return Err(StoreError::NotFound {
                    what: kind.row(),
                    title: title.to_string(),
                    key: other.to_string(),
                });
            }
            tx.remove(kind.tree(), &key);
            Ok(())
        })
    }

    fn list(&self, title: &TitleId, kind: ListKind, owner: AccountId) -> Result<Vec<ListedAccount>> {
        let mut rows = Vec::new();
        for row in
            self.engine().scan(kind.tree(), &key::account(title, owner), None, false).take(limits::LIST)
        {
            let (key, value) = row?;
            let id = row_account(kind.tree(), &key)?;
            let listed: Listed = codec::decode(kind.tree(), &key, &value)?;
            // An account that is deleted between the two reads takes its rows with it.
            if let Some(account) = self.account(title, id)? {
                rows.push(ListedAccount { id, name: account.name, since: listed.since });
            }
        }
        Ok(rows)
    }

    fn is_listed(&self, title: &TitleId, kind: ListKind, owner: AccountId, other: AccountId) -> Result<bool> {
        Ok(self.engine().get(kind.tree(), &key::pair(title, owner, other))?.is_some())
    }

    fn invite_buddy(
        &self,
        title: &TitleId,
        originator: AccountId,
        target: AccountId,
        add_type: i32,
        now: UnixSeconds,
    ) -> Result<Pending<()>> {
        self.write(|tx| {
            tx.check_pair(title, originator, target)?;
            let key = key::pair(title, target, originator);
            if !tx.contains(Tree::Invitations, &key)? {
                tx.check_room(Tree::Invitations, "the list of invitations", title, target)?;
            }
            tx.put(Tree::Invitations, &key, &Invited { add_type, created: now })
        })
    }

    fn remove_invitation(
        &self,
        title: &TitleId,
        originator: AccountId,
        target: AccountId,
    ) -> Result<Pending<()>> {
        self.write(|tx| {
            let key = key::pair(title, target, originator);
            if !tx.contains(Tree::Invitations, &key)? {
                return Err(StoreError::NotFound {
                    what: "buddy invitation",
                    title: title.to_string(),
                    key: format!("{originator} to {target}"),
                });
            }
            tx.remove(Tree::Invitations, &key);
            Ok(())
        })
    }

    fn invitations(&self, title: &TitleId, target: AccountId) -> Result<Vec<Invitation>> {
        let mut rows = Vec::new();
        for row in self
            .engine()
            .scan(Tree::Invitations, &key::account(title, target), None, false)
            .take(limits::LIST)
        {
            let (key, value) = row?;
            let originator = row_account(Tree::Invitations, &key)?;
            let invited: Invited = codec::decode(Tree::Invitations, &key, &value)?;
            if let Some(Text(name)) = self.account(title, originator)?.map(|account| account.name) {
                rows.push(Invitation {
                    originator,
                    originator_name: Text(name),
                    add_type: invited.add_type,
                    created: invited.created,
                });
            }
        }
        Ok(rows)
    }
}
