//! Announcements and policies that operators set.

use serde::{Deserialize, Serialize};

use crate::accounts::check_length;
use crate::codec;
use crate::commit::Pending;
use crate::database::{Database, counter, key};
use crate::engine::{Engine, Tree};
use crate::error::{Result, StoreError};
use crate::traits::Notices;
use crate::types::{Announcement, AnnouncementId, PolicyKind, Text, TitleId, UnixSeconds, limits};

/// Row of the announcements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AnnouncementRow {
    pub(crate) created: UnixSeconds,
    pub(crate) text: Text,
}

pub(crate) fn check_announcement(text: &[u8]) -> Result<()> {
    check_length("announcement", limits::ANNOUNCEMENT, text.len())
}

pub(crate) fn check_policy(text: &[u8]) -> Result<()> {
    check_length("policy", limits::POLICY, text.len())
}

pub(crate) fn policy_key(title: &TitleId, kind: PolicyKind) -> Vec<u8> {
    // The numbers of the SDK's MediusPolicyType.
    let number = match kind {
        PolicyKind::Usage => 0,
        PolicyKind::Privacy => 1,
    };
    key::numbered(title, number)
}

pub(crate) fn policy_of_key(key: &[u8]) -> Option<PolicyKind> {
    match key::last_number(key)? {
        0 => Some(PolicyKind::Usage),
        1 => Some(PolicyKind::Privacy),
        _ => None,
    }
}

impl<E: Engine> Notices for Database<E> {
    fn add_announcement(
        &self,
        title: &TitleId,
        text: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<Announcement>> {
        check_announcement(text)?;
        self.write(|tx| {
            let there =
                tx.scan_before(Tree::Announcements, &key::title(title)).take(limits::ANNOUNCEMENTS).count();
            if there == limits::ANNOUNCEMENTS {
                return Err(StoreError::LimitReached {
                    what: "the list of announcements",
                    owner: format!("title {title}"),
                    max: limits::ANNOUNCEMENTS,
                });
            }
            let id = AnnouncementId(tx.next_number(counter::ANNOUNCEMENT)?);
            let row = AnnouncementRow { created: now, text: Text::from(text) };
            tx.put(Tree::Announcements, &key::numbered(title, id.0), &row)?;
            Ok(Announcement { id, created: row.created, text: row.text })
        })
    }

    fn remove_announcement(&self, title: &TitleId, id: AnnouncementId) -> Result<Pending<()>> {
        self.write(|tx| {
            let key = key::numbered(title, id.0);
            if !tx.contains(Tree::Announcements, &key)? {
                return Err(StoreError::NotFound {
                    what: "announcement",
                    title: title.to_string(),
                    key: id.to_string(),
                });
            }
            tx.remove(Tree::Announcements, &key);
            Ok(())
        })
    }

    fn announcements(&self, title: &TitleId) -> Result<Vec<Announcement>> {
        let mut rows = Vec::new();
        for row in self
            .engine()
            .scan(Tree::Announcements, &key::title(title), None, true)
            .take(limits::ANNOUNCEMENTS)
        {
            let (key, value) = row?;
            let Some(number) = key::last_number(&key) else { continue };
            let row: AnnouncementRow = codec::decode(Tree::Announcements, &key, &value)?;
            rows.push(Announcement { id: AnnouncementId(number), created: row.created, text: row.text });
        }
        Ok(rows)
    }

    fn set_policy(&self, title: &TitleId, kind: PolicyKind, text: Option<&[u8]>) -> Result<Pending<()>> {
        check_policy(text.unwrap_or_default())?;
        self.write(|tx| {
            let key = policy_key(title, kind);
            match text {
                Some(text) => tx.put(Tree::Policies, &key, &Text::from(text)),
                None => {
                    tx.remove(Tree::Policies, &key);
                    Ok(())
                }
            }
        })
    }

    fn policy(&self, title: &TitleId, kind: PolicyKind) -> Result<Option<Vec<u8>>> {
        Ok(self.get::<Text>(Tree::Policies, &policy_key(title, kind))?.map(|text| text.0))
    }
}
