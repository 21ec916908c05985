//! Clans: members, invitations, messages, stats, team challenges.
//!
//! Who may do what is decided here, inside the atomic step that does it: two leaders' requests that cross, or a player
//! who accepts two invitations at once, cannot leave a clan with two leaders or an account with two clans. An account is
//! in one clan at most (servers.md 7.9).

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::accounts::{check_length, check_stats, fold};
use crate::commit::Pending;
use crate::database::{Database, Transaction, counter, key};
use crate::engine::{Engine, Tree};
use crate::error::{ClanRefusal, Result, StoreError};
use crate::tokens::TokenOwner;
use crate::traits::Accounts;
use crate::types::{AccountId, Page, Stats, StatsUpdate, Text, TitleId, UnixSeconds, limits};

macro_rules! clan_number {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

clan_number! {
    /// Number of a clan, 1 to `i32::MAX`, one counter for the whole store; no number is used twice.
    ClanId
    /// Number of a clan invitation, as [`ClanId`].
    ClanInvitationId
    /// Number of a clan message, as [`ClanId`].
    ClanMessageId
    /// Number of a team challenge, as [`ClanId`].
    ClanChallengeId
}

/// A clan, without its stats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clan {
    /// Its number.
    pub id: ClanId,
    /// Name as typed, 1 to [`limits::CLAN_NAME`] bytes without a NUL. Unique in its title, ASCII case ignored.
    pub name: Text,
    /// Its leader, a member.
    pub leader: AccountId,
    /// App id under which it was made.
    pub app_id: i32,
    /// When it was made.
    pub created: UnixSeconds,
    /// It is no more: no members, its name free for another. The newest [`limits::DISBANDED_CLANS`] of a title are
    /// remembered, so that who looks one up by number learns its fate.
    pub disbanded: bool,
}

/// What a clan is made from.
#[derive(Debug, Clone)]
pub struct NewClan {
    /// See [`Clan::name`].
    pub name: Text,
    /// Who makes it: its leader and first member.
    pub leader: AccountId,
    /// App id of the request.
    pub app_id: i32,
    /// Now.
    pub created: UnixSeconds,
}

/// A member of a clan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClanMember {
    /// Who.
    pub id: AccountId,
    /// Their name.
    pub name: Text,
    /// When they came.
    pub since: UnixSeconds,
}

/// State of an invitation (the SDK's `MediusClanInvitationsResponseStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClanInvitationStatus {
    /// 0: not answered.
    Undecided,
    /// 1.
    Accepted,
    /// 2.
    Declined,
    /// 3: taken back by the clan.
    Revoked,
}

/// An invitation to a clan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClanInvitation {
    /// Its number.
    pub id: ClanInvitationId,
    /// To which clan.
    pub clan: ClanId,
    /// Who is invited.
    pub account: AccountId,
    /// What the leader wrote, at most [`limits::CLAN_TEXT`] bytes.
    pub message: Text,
    /// When.
    pub created: UnixSeconds,
    /// What became of it.
    pub status: ClanInvitationStatus,
    /// What the invited player wrote, at most [`limits::CLAN_TEXT`] bytes.
    pub response: Text,
    /// When it was answered or taken back.
    pub responded: Option<UnixSeconds>,
}

/// A message of a clan's leader to its members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClanMessage {
    /// Its number.
    pub id: ClanMessageId,
    /// At most [`limits::CLAN_TEXT`] bytes.
    pub text: Text,
    /// When it was written.
    pub created: UnixSeconds,
    /// Written anew since.
    pub modified: bool,
    /// Taken back. Kept until younger messages need its place.
    pub deleted: bool,
    /// Members who read it in its present words.
    pub readers: Vec<AccountId>,
}

/// Status of a message for one member (the SDK's `MediusClanMessageStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClanMessageStatus {
    /// 0.
    Unread,
    /// 1: changed, not read since.
    Modified,
    /// 2.
    Deleted,
    /// 3.
    Read,
}

impl ClanMessage {
    /// What it is to `reader`.
    pub fn status_for(&self, reader: AccountId) -> ClanMessageStatus {
        if self.deleted {
            ClanMessageStatus::Deleted
        } else if self.readers.contains(&reader) {
            ClanMessageStatus::Read
        } else if self.modified {
            ClanMessageStatus::Modified
        } else {
            ClanMessageStatus::Unread
        }
    }
}

/// State of a team challenge (the SDK's `MediusClanChallengeStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClanChallengeStatus {
    /// 0: asked, not answered.
    Requested,
    /// 1: the other clan will play.
    Accepted,
    /// 2: taken back by the challenger, or one of the clans is no more.
    Revoked,
    /// 3: the other clan will not play.
    Refused,
    /// 4: confirmed by the challenger after it was accepted.
    Confirmed,
}

impl ClanChallengeStatus {
    /// True while something may still come of it.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Requested | Self::Accepted)
    }
}

/// A challenge of one clan to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClanChallenge {
    /// Its number.
    pub id: ClanChallengeId,
    /// The clan that challenges.
    pub challenger: ClanId,
    /// The clan that is challenged.
    pub against: ClanId,
    /// What it came to.
    pub status: ClanChallengeStatus,
    /// The challenger's words, at most [`limits::CLAN_TEXT`] bytes.
    pub message: Text,
    /// The other clan's words, likewise.
    pub response: Text,
    /// When it was made.
    pub created: UnixSeconds,
    /// When its status changed last.
    pub responded: Option<UnixSeconds>,
}

/// Row of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Membership {
    pub(crate) since: UnixSeconds,
}

/// Clans. `by` is who asks: rights are checked here, see [`ClanRefusal`].
pub trait Clans {
    /// Makes a clan with its leader as the only member. Refused: the name is taken, the leader is in a clan.
    fn create_clan(&self, title: &TitleId, new: &NewClan) -> Result<Pending<Clan>>;
    /// Looks a clan up by number; disbanded ones too, as long as they are remembered.
    fn clan(&self, title: &TitleId, id: ClanId) -> Result<Option<Clan>>;
    /// Looks a clan up by name, ASCII case ignored. Never a disbanded one.
    fn clan_by_name(&self, title: &TitleId, name: &[u8]) -> Result<Option<Clan>>;
    /// Clans in ascending number, disbanded ones left out.
    fn clans(&self, title: &TitleId, page: Page<ClanId>) -> Result<Vec<Clan>>;
    /// Number of clans, disbanded ones left out.
    fn clan_count(&self, title: &TitleId) -> Result<u32>;
    /// The clan that an account is in.
    fn clan_of(&self, title: &TitleId, account: AccountId) -> Result<Option<Clan>>;
    /// Members in ascending account number; empty for an unknown clan.
    fn clan_members(&self, title: &TitleId, id: ClanId) -> Result<Vec<ClanMember>>;
    /// Gives a clan another name. The leader's right.
    fn rename_clan(&self, title: &TitleId, by: AccountId, id: ClanId, name: &[u8]) -> Result<Pending<()>>;
    /// Ends a clan, its invitations and messages; its open challenges are revoked. Says who was in it. The leader's right.
    fn disband_clan(
        &self,
        title: &TitleId,
        by: AccountId,
        id: ClanId,
        now: UnixSeconds,
    ) -> Result<Pending<Vec<AccountId>>>;
    /// Takes a member out of a clan: oneself, or anybody by the leader. The leader cannot leave.
    fn remove_clan_member(
        &self,
        title: &TitleId,
        by: AccountId,
        id: ClanId,
        account: AccountId,
    ) -> Result<Pending<()>>;
    /// Makes another member the leader. The leader's right.
    fn transfer_clan(&self, title: &TitleId, by: AccountId, to: AccountId) -> Result<Pending<()>>;
    /// Invites an account to the clan that `by` leads. Refused: an unknown account, a member of the clan, one who has not
    /// answered an earlier invitation.
    fn invite_to_clan(
        &self,
        title: &TitleId,
        by: AccountId,
        account: AccountId,
        message: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<ClanInvitationId>>;
    /// Invitations of a clan in any state, in the order in which they were made.
    fn clan_invitations(&self, title: &TitleId, id: ClanId) -> Result<Vec<ClanInvitation>>;
    /// Invitations that wait for an answer of the account, oldest first.
    fn invitations_to_clans(&self, title: &TitleId, account: AccountId) -> Result<Vec<ClanInvitation>>;
    /// The answer of the invited account. Accepting makes it a member; refused if it is in a clan. Says which clan.
    fn answer_clan_invitation(
        &self,
        title: &TitleId,
        account: AccountId,
        id: ClanInvitationId,
        accept: bool,
        response: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<ClanId>>;
    /// Takes the open invitation of an account back. The leader's right.
    fn revoke_clan_invitation(
        &self,
        title: &TitleId,
        by: AccountId,
        account: AccountId,
        now: UnixSeconds,
    ) -> Result<Pending<()>>;
    /// Writes a message to the clan that `by` leads. The oldest one makes room when there are
    /// [`limits::CLAN_MESSAGES`], deleted ones first.
    fn send_clan_message(
        &self,
        title: &TitleId,
        by: AccountId,
        text: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<ClanMessageId>>;
    /// Replaces the text; nobody has read it then. The leader's right.
    fn modify_clan_message(
        &self,
        title: &TitleId,
        by: AccountId,
        id: ClanMessageId,
        text: &[u8],
    ) -> Result<Pending<()>>;
    /// Marks a message as deleted. The leader's right.
    fn delete_clan_message(&self, title: &TitleId, by: AccountId, id: ClanMessageId) -> Result<Pending<()>>;
    /// Notes that a member read a message of their clan.
    fn read_clan_message(&self, title: &TitleId, reader: AccountId, id: ClanMessageId)
    -> Result<Pending<()>>;
    /// Messages of a clan, oldest first, deleted ones included.
    fn clan_messages(&self, title: &TitleId, id: ClanId) -> Result<Vec<ClanMessage>>;
    /// Stats of a clan; zeros for one that never wrote any, `None` for an unknown or disbanded one.
    fn clan_stats(&self, title: &TitleId, id: ClanId) -> Result<Option<Stats>>;
    /// Replaces parts of the stats, together. A member's right.
    fn update_clan_stats(
        &self,
        title: &TitleId,
        by: AccountId,
        id: ClanId,
        updates: &[StatsUpdate],
    ) -> Result<Pending<()>>;
    /// Adds to the wide stats; sums stop at the ends of 32 bits. A member's right.
    fn add_to_clan_stats(
        &self,
        title: &TitleId,
        by: AccountId,
        id: ClanId,
        deltas: &[i32; limits::WIDE_STATS],
    ) -> Result<Pending<()>>;
    /// Challenges another clan in the name of the one that `by` leads. Refused while an earlier challenge to it is open.
    fn challenge_clan(
        &self,
        title: &TitleId,
        by: AccountId,
        against: ClanId,
        message: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<ClanChallengeId>>;
    /// Answer of the challenged clan's leader to a challenge that has none.
    fn answer_clan_challenge(
        &self,
        title: &TitleId,
        by: AccountId,
        id: ClanChallengeId,
        accept: bool,
        response: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<()>>;
    /// The challenger's leader takes an open challenge back.
    fn revoke_clan_challenge(
        &self,
        title: &TitleId,
        by: AccountId,
        id: ClanChallengeId,
        now: UnixSeconds,
    ) -> Result<Pending<()>>;
    /// The challenger's leader confirms an accepted challenge.
    fn confirm_clan_challenge(
        &self,
        title: &TitleId,
        by: AccountId,
        id: ClanChallengeId,
        now: UnixSeconds,
    ) -> Result<Pending<()>>;
    /// Challenges of a clan, made by it or to it, oldest first.
    fn clan_challenges(&self, title: &TitleId, id: ClanId) -> Result<Vec<ClanChallenge>>;
}

fn clan_key(title: &TitleId, id: ClanId) -> Vec<u8> {
    key::numbered(title, id.0)
}

/// Key of a thing of a clan: title, clan, number.
fn part_key(title: &TitleId, clan: ClanId, number: u32) -> Vec<u8> {
    let mut key = clan_key(title, clan);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

fn member_key(title: &TitleId, clan: ClanId, account: AccountId) -> Vec<u8> {
    part_key(title, clan, account.get().unsigned_abs())
}

/// Key in the index of invitations by account: title, account, invitation.
fn invited_key(title: &TitleId, account: AccountId, id: ClanInvitationId) -> Vec<u8> {
    let mut key = key::account(title, account);
    key.extend_from_slice(&id.0.to_be_bytes());
    key
}

fn name_key(title: &TitleId, name: &[u8]) -> Vec<u8> {
    let mut key = key::title(title);
    key.extend_from_slice(&fold(name));
    key
}

fn check_clan_name(name: &[u8]) -> Result<()> {
    check_length("clan name", limits::CLAN_NAME, name.len())?;
    if name.is_empty() || name.contains(&0) {
        return Err(StoreError::Invalid {
            field: "clan name",
            wanted: "at least one byte and no NUL",
            found: String::from_utf8_lossy(name).into_owned(),
        });
    }
    Ok(())
}

fn check_text(text: &[u8]) -> Result<()> {
    check_length("clan text", limits::CLAN_TEXT, text.len())
}

fn refusal(title: &TitleId, refusal: ClanRefusal) -> StoreError {
    StoreError::Clan { title: title.to_string(), refusal }
}

fn full(what: &'static str, owner: impl std::fmt::Display, max: usize) -> StoreError {
    StoreError::LimitReached { what, owner: owner.to_string(), max }
}

fn row_number(tree: Tree, key: &[u8]) -> Result<u32> {
    key::last_number(key).ok_or_else(|| StoreError::Record {
        tree: tree.name(),
        key: hex::encode(key),
        wanted: "a key that ends with a number".to_owned(),
        found: "another key".to_owned(),
    })
}

fn row_account(tree: Tree, key: &[u8]) -> Result<AccountId> {
    key::last_account(key).ok_or_else(|| StoreError::Record {
        tree: tree.name(),
        key: hex::encode(key),
        wanted: "a key that ends with an account number".to_owned(),
        found: "another key".to_owned(),
    })
}

impl Transaction<'_> {
    /// Rows below a prefix as they were before this step.
    fn rows<T: DeserializeOwned>(&self, tree: Tree, prefix: &[u8]) -> Result<Vec<T>> {
        self.scan_before(tree, prefix)
            .map(|row| row.and_then(|(key, value)| crate::codec::decode(tree, &key, &value)))
            .collect()
    }

    fn keys(&self, tree: Tree, prefix: &[u8]) -> Result<Vec<Vec<u8>>> {
        self.scan_before(tree, prefix).map(|row| row.map(|(key, _)| key)).collect()
    }

    pub(crate) fn require_clan(&self, title: &TitleId, id: ClanId) -> Result<Clan> {
        self.get(Tree::Clans, &clan_key(title, id))?.ok_or_else(|| refusal(title, ClanRefusal::NoClan))
    }

    fn clan_id_of(&self, title: &TitleId, account: AccountId) -> Result<Option<ClanId>> {
        self.get(Tree::ClanOf, &key::account(title, account))
    }

    /// The clan that the account leads.
    fn led_by(&self, title: &TitleId, account: AccountId) -> Result<Clan> {
        let not_leader = || refusal(title, ClanRefusal::NotLeader);
        let id = self.clan_id_of(title, account)?.ok_or_else(not_leader)?;
        let clan = self.require_clan(title, id)?;
        if clan.leader == account { Ok(clan) } else { Err(not_leader()) }
    }

    /// The clan of that number, which the account leads.
    fn leads(&self, title: &TitleId, account: AccountId, id: ClanId) -> Result<Clan> {
        let clan = self.require_clan(title, id)?;
        if clan.leader == account { Ok(clan) } else { Err(refusal(title, ClanRefusal::NotLeader)) }
    }

    pub(crate) fn require_leader(&self, title: &TitleId, account: AccountId, id: ClanId) -> Result<()> {
        self.leads(title, account, id).map(drop)
    }

    fn is_member(&self, title: &TitleId, clan: ClanId, account: AccountId) -> Result<bool> {
        self.contains(Tree::ClanMembers, &member_key(title, clan, account))
    }

    fn change_clan_count(&mut self, title: &TitleId, up: bool) -> Result<()> {
        let key = key::title(title);
        let count: u32 = self.get(Tree::ClanCounts, &key)?.unwrap_or(0);
        let count = if up { count.saturating_add(1) } else { count.saturating_sub(1) };
        if count == 0 {
            self.remove(Tree::ClanCounts, &key);
            return Ok(());
        }
        self.put(Tree::ClanCounts, &key, &count)
    }

    /// Writes a living clan under its number and name. The name must be free or its own.
    fn put_clan(&mut self, title: &TitleId, clan: &Clan) -> Result<()> {
        let (key, names) = (clan_key(title, clan.id), name_key(title, &clan.name.0));
        if self.get::<ClanId>(Tree::ClanNames, &names)?.is_some_and(|owner| owner != clan.id) {
            return Err(refusal(title, ClanRefusal::NameTaken));
        }
        match self.get::<Clan>(Tree::Clans, &key)? {
            Some(before) => self.remove(Tree::ClanNames, &name_key(title, &before.name.0)),
            None => self.change_clan_count(title, true)?,
        }
        self.put(Tree::ClanNames, &names, &clan.id)?;
        self.put(Tree::Clans, &key, clan)
    }

    fn put_member(
        &mut self,
        title: &TitleId,
        clan: ClanId,
        account: AccountId,
        since: UnixSeconds,
    ) -> Result<()> {
        if self.clan_id_of(title, account)?.is_some_and(|other| other != clan) {
            return Err(refusal(title, ClanRefusal::AlreadyInClan));
        }
        self.put(Tree::ClanMembers, &member_key(title, clan, account), &Membership { since })?;
        self.put(Tree::ClanOf, &key::account(title, account), &clan)
    }

    fn remove_member(&mut self, title: &TitleId, clan: ClanId, account: AccountId) {
        self.remove(Tree::ClanMembers, &member_key(title, clan, account));
        self.remove(Tree::ClanOf, &key::account(title, account));
    }

    fn put_invitation(&mut self, title: &TitleId, row: &ClanInvitation) -> Result<()> {
        let index = invited_key(title, row.account, row.id);
        if row.status == ClanInvitationStatus::Undecided {
            self.put(Tree::ClanInvited, &index, &row.clan)?;
        } else {
            self.remove(Tree::ClanInvited, &index);
        }
        self.put(Tree::ClanInvitations, &part_key(title, row.clan, row.id.0), row)
    }

    fn put_challenge(&mut self, title: &TitleId, row: &ClanChallenge) -> Result<()> {
        self.put(Tree::ClanChallenges, &key::numbered(title, row.id.0), row)
    }

    fn index_challenge(&mut self, title: &TitleId, row: &ClanChallenge) {
        for clan in [row.challenger, row.against] {
            self.put_raw(Tree::ClanChallengesOf, &part_key(title, clan, row.id.0), Vec::new());
        }
    }

    fn challenge(&self, title: &TitleId, id: ClanChallengeId) -> Result<ClanChallenge> {
        self.get(Tree::ClanChallenges, &key::numbered(title, id.0))?
            .ok_or_else(|| refusal(title, ClanRefusal::NoChallenge))
    }

    fn challenges_of(&self, title: &TitleId, clan: ClanId) -> Result<Vec<ClanChallenge>> {
        let mut rows = Vec::new();
        for key in self.keys(Tree::ClanChallengesOf, &clan_key(title, clan))? {
            let id = ClanChallengeId(row_number(Tree::ClanChallengesOf, &key)?);
            rows.push(self.challenge(title, id)?);
        }
        Ok(rows)
    }

    /// Takes a challenge out of one clan's list; gone when it is in no list any more.
    fn drop_challenge(&mut self, title: &TitleId, clan: ClanId, row: &ClanChallenge) -> Result<()> {
        self.remove(Tree::ClanChallengesOf, &part_key(title, clan, row.id.0));
        let other = if row.challenger == clan { row.against } else { row.challenger };
        if !self.contains(Tree::ClanChallengesOf, &part_key(title, other, row.id.0))? {
            self.remove(Tree::ClanChallenges, &key::numbered(title, row.id.0));
        }
        Ok(())
    }

    /// Room for one more challenge in a clan's list: the oldest one that is over makes it.
    fn make_room_for_challenge(&mut self, title: &TitleId, clan: ClanId) -> Result<()> {
        let rows = self.challenges_of(title, clan)?;
        if rows.len() < limits::CLAN_CHALLENGES {
            return Ok(());
        }
        match rows.iter().find(|row| !row.status.is_open()) {
            Some(oldest) => self.drop_challenge(title, clan, oldest),
            None => Err(full("the challenges", format_args!("clan {clan}"), limits::CLAN_CHALLENGES)),
        }
    }

    /// Changes a challenge that is in one of the states `from`.
    fn move_challenge(
        &mut self,
        title: &TitleId,
        mut row: ClanChallenge,
        from: &[ClanChallengeStatus],
        to: ClanChallengeStatus,
        now: UnixSeconds,
    ) -> Result<()> {
        if !from.contains(&row.status) {
            return Err(refusal(title, ClanRefusal::WrongState));
        }
        row.status = to;
        row.responded = Some(now);
        self.put_challenge(title, &row)
    }

    fn disband(
        &mut self,
        title: &TitleId,
        mut clan: Clan,
        now: Option<UnixSeconds>,
    ) -> Result<Vec<AccountId>> {
        let prefix = clan_key(title, clan.id);
        let mut members = Vec::new();
        for key in self.keys(Tree::ClanMembers, &prefix)? {
            let account = row_account(Tree::ClanMembers, &key)?;
            self.remove_member(title, clan.id, account);
            members.push(account);
        }
        for row in self.rows::<ClanInvitation>(Tree::ClanInvitations, &prefix)? {
            self.remove(Tree::ClanInvited, &invited_key(title, row.account, row.id));
            self.remove(Tree::ClanInvitations, &part_key(title, clan.id, row.id.0));
        }
        for key in self.keys(Tree::ClanMessages, &prefix)? {
            self.remove(Tree::ClanMessages, &key);
        }
        for mut row in self.challenges_of(title, clan.id)? {
            if row.status.is_open() {
                row.status = ClanChallengeStatus::Revoked;
                row.responded = now.or(row.responded);
                self.put_challenge(title, &row)?;
            }
            self.drop_challenge(title, clan.id, &row)?;
        }
        self.forget_tokens(title, TokenOwner::Clan(clan.id))?;
        self.remove(Tree::ClanStats, &prefix);
        self.remove(Tree::ClanNames, &name_key(title, &clan.name.0));
        self.remove(Tree::Clans, &prefix);
        self.change_clan_count(title, false)?;
        clan.disbanded = true;
        self.bury(title, &clan)?;
        Ok(members)
    }

    /// Remembers a disbanded clan; the oldest one is forgotten when there are too many.
    fn bury(&mut self, title: &TitleId, clan: &Clan) -> Result<()> {
        let known = self.keys(Tree::DisbandedClans, &key::title(title))?;
        if known.len() >= limits::DISBANDED_CLANS
            && let Some(oldest) = known.first()
        {
            self.remove(Tree::DisbandedClans, oldest);
        }
        self.put(Tree::DisbandedClans, &clan_key(title, clan.id), clan)
    }

    /// Takes a deleted account out of its clan and drops the invitations to it. Of a clan that it led the longest-standing
    /// member becomes the leader; a clan without one is disbanded.
    pub(crate) fn forget_in_clans(&mut self, title: &TitleId, account: AccountId) -> Result<()> {
        for key in self.keys(Tree::ClanInvited, &key::account(title, account))? {
            let id = row_number(Tree::ClanInvited, &key)?;
            if let Some(clan) = self.get::<ClanId>(Tree::ClanInvited, &key)? {
                self.remove(Tree::ClanInvitations, &part_key(title, clan, id));
            }
            self.remove(Tree::ClanInvited, &key);
        }
        let Some(id) = self.clan_id_of(title, account)? else { return Ok(()) };
        let mut clan = self.require_clan(title, id)?;
        if clan.leader == account {
            let mut heir: Option<(UnixSeconds, AccountId)> = None;
            for key in self.keys(Tree::ClanMembers, &clan_key(title, id))? {
                let member = row_account(Tree::ClanMembers, &key)?;
                if let Some(Membership { since }) = self.get(Tree::ClanMembers, &key)?
                    && member != account
                {
                    heir = heir.into_iter().chain([(since, member)]).min();
                }
            }
            let Some((_, heir)) = heir else { return self.disband(title, clan, None).map(drop) };
            clan.leader = heir;
            self.put_clan(title, &clan)?;
        }
        self.remove_member(title, id, account);
        Ok(())
    }

    fn message(&self, title: &TitleId, clan: ClanId, id: ClanMessageId) -> Result<ClanMessage> {
        self.get::<ClanMessage>(Tree::ClanMessages, &part_key(title, clan, id.0))?
            .filter(|message| !message.deleted)
            .ok_or_else(|| refusal(title, ClanRefusal::NoMessage))
    }

    fn put_message(&mut self, title: &TitleId, clan: ClanId, row: &ClanMessage) -> Result<()> {
        self.put(Tree::ClanMessages, &part_key(title, clan, row.id.0), row)
    }

    fn stats_for_update(&self, title: &TitleId, by: AccountId, id: ClanId) -> Result<Stats> {
        self.require_clan(title, id)?;
        if !self.is_member(title, id, by)? {
            return Err(refusal(title, ClanRefusal::NotMember));
        }
        Ok(self.get(Tree::ClanStats, &clan_key(title, id))?.unwrap_or_default())
    }

    // ---- what an import writes: one row, checked as if it came from a player ----

    pub(crate) fn import_clan(&mut self, title: &TitleId, clan: &Clan) -> Result<()> {
        check_clan_name(&clan.name.0)?;
        if clan.disbanded {
            return self.bury(title, clan);
        }
        self.require_account(title, clan.leader)?;
        self.put_clan(title, clan)
    }

    pub(crate) fn import_clan_member(
        &mut self,
        title: &TitleId,
        clan: ClanId,
        account: AccountId,
        since: UnixSeconds,
    ) -> Result<()> {
        self.require_clan(title, clan)?;
        self.require_account(title, account)?;
        self.put_member(title, clan, account, since)
    }

    pub(crate) fn import_clan_stats(&mut self, title: &TitleId, clan: ClanId, stats: &Stats) -> Result<()> {
        check_stats(stats)?;
        self.require_clan(title, clan)?;
        self.put(Tree::ClanStats, &clan_key(title, clan), stats)
    }

    pub(crate) fn import_clan_invitation(&mut self, title: &TitleId, row: &ClanInvitation) -> Result<()> {
        check_text(&row.message.0)?;
        check_text(&row.response.0)?;
        self.require_clan(title, row.clan)?;
        self.require_account(title, row.account)?;
        self.put_invitation(title, row)
    }

    pub(crate) fn import_clan_message(
        &mut self,
        title: &TitleId,
        clan: ClanId,
        row: &ClanMessage,
    ) -> Result<()> {
        check_text(&row.text.0)?;
        check_length("readers of a clan message", limits::CLAN_MEMBERS, row.readers.len())?;
        self.require_clan(title, clan)?;
        self.put_message(title, clan, row)
    }

    pub(crate) fn import_clan_challenge(&mut self, title: &TitleId, row: &ClanChallenge) -> Result<()> {
        check_text(&row.message.0)?;
        check_text(&row.response.0)?;
        let mut known = false;
        for clan in [row.challenger, row.against] {
            if self.contains(Tree::Clans, &clan_key(title, clan))? {
                known = true;
                self.put_raw(Tree::ClanChallengesOf, &part_key(title, clan, row.id.0), Vec::new());
            }
        }
        if known { self.put_challenge(title, row) } else { Err(refusal(title, ClanRefusal::NoClan)) }
    }
}

impl<E: Engine> Database<E> {
    fn parts<T: DeserializeOwned>(&self, tree: Tree, title: &TitleId, clan: ClanId) -> Result<Vec<T>> {
        self.engine()
            .scan(tree, &clan_key(title, clan), None, false)
            .map(|row| row.and_then(|(key, value)| crate::codec::decode(tree, &key, &value)))
            .collect()
    }
}

impl<E: Engine> Clans for Database<E> {
    fn create_clan(&self, title: &TitleId, new: &NewClan) -> Result<Pending<Clan>> {
        check_clan_name(&new.name.0)?;
        self.write(|tx| {
            tx.require_account(title, new.leader)?;
            if tx.clan_id_of(title, new.leader)?.is_some() {
                return Err(refusal(title, ClanRefusal::AlreadyInClan));
            }
            if tx.contains(Tree::ClanNames, &name_key(title, &new.name.0))? {
                return Err(refusal(title, ClanRefusal::NameTaken));
            }
            let clan = Clan {
                id: ClanId(tx.next_number(counter::CLAN)?),
                name: new.name.clone(),
                leader: new.leader,
                app_id: new.app_id,
                created: new.created,
                disbanded: false,
            };
            tx.put_clan(title, &clan)?;
            tx.put_member(title, clan.id, new.leader, new.created)?;
            Ok(clan)
        })
    }

    fn clan(&self, title: &TitleId, id: ClanId) -> Result<Option<Clan>> {
        let key = clan_key(title, id);
        match self.get(Tree::Clans, &key)? {
            Some(clan) => Ok(Some(clan)),
            None => self.get(Tree::DisbandedClans, &key),
        }
    }

    fn clan_by_name(&self, title: &TitleId, name: &[u8]) -> Result<Option<Clan>> {
        if name.len() > limits::CLAN_NAME {
            return Ok(None);
        }
        match self.get::<ClanId>(Tree::ClanNames, &name_key(title, name))? {
            Some(id) => self.get(Tree::Clans, &clan_key(title, id)),
            None => Ok(None),
        }
    }

    fn clans(&self, title: &TitleId, page: Page<ClanId>) -> Result<Vec<Clan>> {
        let after = page.after.map(|id| clan_key(title, id));
        self.engine()
            .scan(Tree::Clans, &key::title(title), after.as_deref(), false)
            .take(page.rows())
            .map(|row| row.and_then(|(key, value)| crate::codec::decode(Tree::Clans, &key, &value)))
            .collect()
    }

    fn clan_count(&self, title: &TitleId) -> Result<u32> {
        Ok(self.get(Tree::ClanCounts, &key::title(title))?.unwrap_or(0))
    }

    fn clan_of(&self, title: &TitleId, account: AccountId) -> Result<Option<Clan>> {
        match self.get::<ClanId>(Tree::ClanOf, &key::account(title, account))? {
            // Disbanded between the two reads: in none.
            Some(id) => self.get(Tree::Clans, &clan_key(title, id)),
            None => Ok(None),
        }
    }

    fn clan_members(&self, title: &TitleId, id: ClanId) -> Result<Vec<ClanMember>> {
        let mut members = Vec::new();
        for row in self.engine().scan(Tree::ClanMembers, &clan_key(title, id), None, false) {
            let (key, value) = row?;
            let account = row_account(Tree::ClanMembers, &key)?;
            let Membership { since } = crate::codec::decode(Tree::ClanMembers, &key, &value)?;
            if let Some(name) = self.account(title, account)?.map(|account| account.name) {
                members.push(ClanMember { id: account, name, since });
            }
        }
        Ok(members)
    }

    fn rename_clan(&self, title: &TitleId, by: AccountId, id: ClanId, name: &[u8]) -> Result<Pending<()>> {
        check_clan_name(name)?;
        self.write(|tx| {
            let mut clan = tx.leads(title, by, id)?;
            clan.name = Text::from(name);
            tx.put_clan(title, &clan)
        })
    }

    fn disband_clan(
        &self,
        title: &TitleId,
        by: AccountId,
        id: ClanId,
        now: UnixSeconds,
    ) -> Result<Pending<Vec<AccountId>>> {
        self.write(|tx| {
            let clan = tx.leads(title, by, id)?;
            tx.disband(title, clan, Some(now))
        })
    }

    fn remove_clan_member(
        &self,
        title: &TitleId,
        by: AccountId,
        id: ClanId,
        account: AccountId,
    ) -> Result<Pending<()>> {
        self.write(|tx| {
            let clan = tx.require_clan(title, id)?;
            if !tx.is_member(title, id, account)? {
                return Err(refusal(title, ClanRefusal::NotMember));
            }
            if by != account && by != clan.leader {
                return Err(refusal(title, ClanRefusal::NotLeader));
            }
            if account == clan.leader {
                return Err(refusal(title, ClanRefusal::LeaderCannotLeave));
            }
            tx.remove_member(title, id, account);
            Ok(())
        })
    }

    fn transfer_clan(&self, title: &TitleId, by: AccountId, to: AccountId) -> Result<Pending<()>> {
        self.write(|tx| {
            let mut clan = tx.led_by(title, by)?;
            if !tx.is_member(title, clan.id, to)? {
                return Err(refusal(title, ClanRefusal::NotMember));
            }
            clan.leader = to;
            tx.put_clan(title, &clan)
        })
    }

    fn invite_to_clan(
        &self,
        title: &TitleId,
        by: AccountId,
        account: AccountId,
        message: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<ClanInvitationId>> {
        check_text(message)?;
        self.write(|tx| {
            let clan = tx.led_by(title, by)?;
            tx.require_account(title, account)?;
            if tx.is_member(title, clan.id, account)? {
                return Err(refusal(title, ClanRefusal::AlreadyInClan));
            }
            let rows: Vec<ClanInvitation> = tx.rows(Tree::ClanInvitations, &clan_key(title, clan.id))?;
            let open = |row: &ClanInvitation| row.status == ClanInvitationStatus::Undecided;
            if rows.iter().any(|row| row.account == account && open(row)) {
                return Err(refusal(title, ClanRefusal::AlreadyInvited));
            }
            // An answered one of the same account gives way to the new one, so that a player stands in the list once.
            for row in rows.iter().filter(|row| row.account == account) {
                tx.remove(Tree::ClanInvitations, &part_key(title, clan.id, row.id.0));
            }
            if rows.iter().filter(|row| row.account != account).count() >= limits::CLAN_INVITATIONS {
                let Some(oldest) = rows.iter().find(|row| !open(row)) else {
                    return Err(full(
                        "the invitations",
                        format_args!("clan {}", clan.id),
                        limits::CLAN_INVITATIONS,
                    ));
                };
                tx.remove(Tree::ClanInvitations, &part_key(title, clan.id, oldest.id.0));
            }
            let waiting = tx.scan_before(Tree::ClanInvited, &key::account(title, account));
            if waiting.take(limits::CLAN_INVITATIONS).count() == limits::CLAN_INVITATIONS {
                return Err(full(
                    "the clan invitations",
                    format_args!("account {account}"),
                    limits::CLAN_INVITATIONS,
                ));
            }
            let id = ClanInvitationId(tx.next_number(counter::CLAN_INVITATION)?);
            tx.put_invitation(
                title,
                &ClanInvitation {
                    id,
                    clan: clan.id,
                    account,
                    message: Text::from(message),
                    created: now,
                    status: ClanInvitationStatus::Undecided,
                    response: Text::default(),
                    responded: None,
                },
            )?;
            Ok(id)
        })
    }

    fn clan_invitations(&self, title: &TitleId, id: ClanId) -> Result<Vec<ClanInvitation>> {
        self.parts(Tree::ClanInvitations, title, id)
    }

    fn invitations_to_clans(&self, title: &TitleId, account: AccountId) -> Result<Vec<ClanInvitation>> {
        let mut rows = Vec::new();
        for row in self.engine().scan(Tree::ClanInvited, &key::account(title, account), None, false) {
            let (key, value) = row?;
            let clan: ClanId = crate::codec::decode(Tree::ClanInvited, &key, &value)?;
            let id = row_number(Tree::ClanInvited, &key)?;
            let found: Option<ClanInvitation> =
                self.get(Tree::ClanInvitations, &part_key(title, clan, id))?;
            rows.extend(found.filter(|row| row.status == ClanInvitationStatus::Undecided));
        }
        Ok(rows)
    }

    fn answer_clan_invitation(
        &self,
        title: &TitleId,
        account: AccountId,
        id: ClanInvitationId,
        accept: bool,
        response: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<ClanId>> {
        check_text(response)?;
        self.write(|tx| {
            let none = || refusal(title, ClanRefusal::NoInvitation);
            let clan: ClanId =
                tx.get(Tree::ClanInvited, &invited_key(title, account, id))?.ok_or_else(none)?;
            let mut row: ClanInvitation =
                tx.get(Tree::ClanInvitations, &part_key(title, clan, id.0))?.ok_or_else(none)?;
            if accept {
                if tx.clan_id_of(title, account)?.is_some() {
                    return Err(refusal(title, ClanRefusal::AlreadyInClan));
                }
                let members = tx.scan_before(Tree::ClanMembers, &clan_key(title, clan));
                if members.take(limits::CLAN_MEMBERS).count() == limits::CLAN_MEMBERS {
                    return Err(full("the members", format_args!("clan {clan}"), limits::CLAN_MEMBERS));
                }
                tx.put_member(title, clan, account, now)?;
            }
            row.status = if accept { ClanInvitationStatus::Accepted } else { ClanInvitationStatus::Declined };
            row.response = Text::from(response);
            row.responded = Some(now);
            tx.put_invitation(title, &row)?;
            Ok(clan)
        })
    }

    fn revoke_clan_invitation(
        &self,
        title: &TitleId,
        by: AccountId,
        account: AccountId,
        now: UnixSeconds,
    ) -> Result<Pending<()>> {
        self.write(|tx| {
            let clan = tx.led_by(title, by)?;
            let rows: Vec<ClanInvitation> = tx.rows(Tree::ClanInvitations, &clan_key(title, clan.id))?;
            let row = rows
                .into_iter()
                .find(|row| row.account == account && row.status == ClanInvitationStatus::Undecided);
            let mut row = row.ok_or_else(|| refusal(title, ClanRefusal::NoInvitation))?;
            row.status = ClanInvitationStatus::Revoked;
            row.responded = Some(now);
            tx.put_invitation(title, &row)
        })
    }

    fn send_clan_message(
        &self,
        title: &TitleId,
        by: AccountId,
        text: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<ClanMessageId>> {
        check_text(text)?;
        self.write(|tx| {
            let clan = tx.led_by(title, by)?.id;
            let rows: Vec<ClanMessage> = tx.rows(Tree::ClanMessages, &clan_key(title, clan))?;
            if rows.len() >= limits::CLAN_MESSAGES
                && let Some(oldest) = rows.iter().find(|row| row.deleted).or_else(|| rows.first())
            {
                tx.remove(Tree::ClanMessages, &part_key(title, clan, oldest.id.0));
            }
            let id = ClanMessageId(tx.next_number(counter::CLAN_MESSAGE)?);
            let row = ClanMessage {
                id,
                text: Text::from(text),
                created: now,
                modified: false,
                deleted: false,
                readers: Vec::new(),
            };
            tx.put_message(title, clan, &row)?;
            Ok(id)
        })
    }

    fn modify_clan_message(
        &self,
        title: &TitleId,
        by: AccountId,
        id: ClanMessageId,
        text: &[u8],
    ) -> Result<Pending<()>> {
        check_text(text)?;
        self.write(|tx| {
            let clan = tx.led_by(title, by)?.id;
            let mut row = tx.message(title, clan, id)?;
            row.text = Text::from(text);
            row.modified = true;
            row.readers.clear();
            tx.put_message(title, clan, &row)
        })
    }

    fn delete_clan_message(&self, title: &TitleId, by: AccountId, id: ClanMessageId) -> Result<Pending<()>> {
        self.write(|tx| {
            let clan = tx.led_by(title, by)?.id;
            let mut row = tx.message(title, clan, id)?;
            row.deleted = true;
            row.readers.clear();
            tx.put_message(title, clan, &row)
        })
    }

    fn read_clan_message(
        &self,
        title: &TitleId,
        reader: AccountId,
        id: ClanMessageId,
    ) -> Result<Pending<()>> {
        self.write(|tx| {
            let not_member = || refusal(title, ClanRefusal::NotMember);
            let clan = tx.clan_id_of(title, reader)?.ok_or_else(not_member)?;
            let mut row = tx.message(title, clan, id)?;
            if row.readers.contains(&reader) {
                return Ok(());
            }
            // Who left gives up the place, so that there are never more readers than members.
            let mut readers = vec![reader];
            for known in row.readers {
                if tx.is_member(title, clan, known)? {
                    readers.push(known);
                }
            }
            row.readers = readers;
            tx.put_message(title, clan, &row)
        })
    }

    fn clan_messages(&self, title: &TitleId, id: ClanId) -> Result<Vec<ClanMessage>> {
        self.parts(Tree::ClanMessages, title, id)
    }

    fn clan_stats(&self, title: &TitleId, id: ClanId) -> Result<Option<Stats>> {
        let key = clan_key(title, id);
        if let Some(stats) = self.get(Tree::ClanStats, &key)? {
            return Ok(Some(stats));
        }
        Ok(self.engine().get(Tree::Clans, &key)?.map(|_| Stats::default()))
    }

    fn update_clan_stats(
        &self,
        title: &TitleId,
        by: AccountId,
        id: ClanId,
        updates: &[StatsUpdate],
    ) -> Result<Pending<()>> {
        self.write(|tx| {
            let mut stats = tx.stats_for_update(title, by, id)?;
            for update in updates {
                match update {
                    StatsUpdate::Blob(blob) => stats.blob = **blob,
                    StatsUpdate::Ladder(ladder) => stats.ladder = *ladder,
                    StatsUpdate::Wide(wide) => stats.wide = **wide,
                    StatsUpdate::Custom(custom) => stats.custom.clone_from(custom),
                }
            }
            check_stats(&stats)?;
            tx.put(Tree::ClanStats, &clan_key(title, id), &stats)
        })
    }

    fn add_to_clan_stats(
        &self,
        title: &TitleId,
        by: AccountId,
        id: ClanId,
        deltas: &[i32; limits::WIDE_STATS],
    ) -> Result<Pending<()>> {
        self.write(|tx| {
            let mut stats = tx.stats_for_update(title, by, id)?;
            for (stat, delta) in stats.wide.iter_mut().zip(deltas) {
                *stat = stat.saturating_add(*delta);
            }
            tx.put(Tree::ClanStats, &clan_key(title, id), &stats)
        })
    }

    fn challenge_clan(
        &self,
        title: &TitleId,
        by: AccountId,
        against: ClanId,
        message: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<ClanChallengeId>> {
        check_text(message)?;
        self.write(|tx| {
            let challenger = tx.led_by(title, by)?.id;
            tx.require_clan(title, against)?;
            let rows = tx.challenges_of(title, challenger)?;
            let pending = rows.iter().any(|row| row.against == against && row.status.is_open());
            if pending || challenger == against {
                return Err(refusal(title, ClanRefusal::WrongState));
            }
            tx.make_room_for_challenge(title, challenger)?;
            tx.make_room_for_challenge(title, against)?;
            let row = ClanChallenge {
                id: ClanChallengeId(tx.next_number(counter::CLAN_CHALLENGE)?),
                challenger,
                against,
                status: ClanChallengeStatus::Requested,
                message: Text::from(message),
                response: Text::default(),
                created: now,
                responded: None,
            };
            tx.index_challenge(title, &row);
            tx.put_challenge(title, &row)?;
            Ok(row.id)
        })
    }

    fn answer_clan_challenge(
        &self,
        title: &TitleId,
        by: AccountId,
        id: ClanChallengeId,
        accept: bool,
        response: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<()>> {
        check_text(response)?;
        self.write(|tx| {
            let mut row = tx.challenge(title, id)?;
            tx.leads(title, by, row.against)?;
            row.response = Text::from(response);
            let to = if accept { ClanChallengeStatus::Accepted } else { ClanChallengeStatus::Refused };
            tx.move_challenge(title, row, &[ClanChallengeStatus::Requested], to, now)
        })
    }

    fn revoke_clan_challenge(
        &self,
        title: &TitleId,
        by: AccountId,
        id: ClanChallengeId,
        now: UnixSeconds,
    ) -> Result<Pending<()>> {
        self.write(|tx| {
            let row = tx.challenge(title, id)?;
            tx.leads(title, by, row.challenger)?;
            let open = [ClanChallengeStatus::Requested, ClanChallengeStatus::Accepted];
            tx.move_challenge(title, row, &open, ClanChallengeStatus::Revoked, now)
        })
    }

    fn confirm_clan_challenge(
        &self,
        title: &TitleId,
        by: AccountId,
        id: ClanChallengeId,
        now: UnixSeconds,
    ) -> Result<Pending<()>> {
        self.write(|tx| {
            let row = tx.challenge(title, id)?;
            tx.leads(title, by, row.challenger)?;
            let accepted = [ClanChallengeStatus::Accepted];
            tx.move_challenge(title, row, &accepted, ClanChallengeStatus::Confirmed, now)
        })
    }

    fn clan_challenges(&self, title: &TitleId, id: ClanId) -> Result<Vec<ClanChallenge>> {
        let mut rows = Vec::new();
        for row in self.engine().scan(Tree::ClanChallengesOf, &clan_key(title, id), None, false) {
            let id = row_number(Tree::ClanChallengesOf, &row?.0)?;
            rows.extend(self.get::<ClanChallenge>(Tree::ClanChallenges, &key::numbered(title, id))?);
        }
        Ok(rows)
    }
}
