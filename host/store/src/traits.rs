//! The store's port: what the host asks of durable data, area by area.

use std::io::{BufRead, Write};

use crate::clans::{ClanId, Clans};
use crate::commit::Pending;
use crate::error::Result;
use crate::files::Files;
use crate::tokens::Tokens;
use crate::transfer::{ImportMode, Imported};
use crate::types::{
    Account, AccountId, Announcement, AnnouncementId, Ban, BanId, BanQuery, GameRecord, GameRecordId,
    Invitation, LadderOrder, LadderPlace, LadderStat, ListKind, ListedAccount, LoginRecord, NewAccount,
    NewBan, Page, PasswordHash, PluginScope, PolicyKind, Ranked, Stats, StatsUpdate, TitleId, UnixSeconds,
};

/// Accounts and their stats.
pub trait Accounts {
    /// Makes an account. [`AlreadyExists`](crate::StoreError::AlreadyExists) if the name is taken, ASCII case ignored.
    fn create_account(&self, title: &TitleId, new: &NewAccount) -> Result<Pending<Account>>;
    /// Looks an account up by number.
    fn account(&self, title: &TitleId, id: AccountId) -> Result<Option<Account>>;
    /// Looks an account up by name, ASCII case ignored.
    fn account_by_name(&self, title: &TitleId, name: &[u8]) -> Result<Option<Account>>;
    /// Accounts in ascending number.
    fn accounts(&self, title: &TitleId, page: Page<AccountId>) -> Result<Vec<Account>>;
    /// Number of accounts of the title (the ladder's TotalRankings).
    fn account_count(&self, title: &TitleId) -> Result<u32>;
    /// Titles that have accounts, in order of their keys.
    fn account_titles(&self) -> Result<Vec<TitleId>>;
    /// Replaces the password (`None`: no password login) and clears the reset flag.
    fn set_password(
        &self,
        title: &TitleId,
        id: AccountId,
        password: Option<PasswordHash>,
    ) -> Result<Pending<()>>;
    /// Sets or clears the flag that makes the next login set the password.
    fn set_reset_password(&self, title: &TitleId, id: AccountId, reset: bool) -> Result<Pending<()>>;
    /// Replaces the free JSON text; empty removes it. Refused if it is not JSON.
    fn set_account_metadata(&self, title: &TitleId, id: AccountId, metadata: &str) -> Result<Pending<()>>;
    /// Puts an account on its title's white-list, or takes it off: the member `whitelisted` of its metadata, the rest of
    /// which stays. Refused if the metadata is no JSON object.
    fn set_whitelisted(&self, title: &TitleId, id: AccountId, listed: bool) -> Result<Pending<()>>;
    /// Notes a successful login. Readers and exports see it at once, it is durable within two seconds: no answer depends on
    /// it, and a write of its own would cost as much as the rest of the login. Microseconds; no write waits for the disk here.
    fn record_login(&self, title: &TitleId, id: AccountId, login: &LoginRecord) -> Result<Pending<()>>;
    /// Deletes the account with its stats, lists (also its rows on others' lists), invitations, membership of a
    /// clan (the longest-standing member leads on), files, tokens and plugin data. Its number is not used again. Bans and game history keep their rows.
    fn delete_account(&self, title: &TitleId, id: AccountId) -> Result<Pending<()>>;
    /// All stats; zeros for an account that never wrote any, `None` for an unknown account.
    fn stats(&self, title: &TitleId, id: AccountId) -> Result<Option<Stats>>;
    /// Replaces parts of the stats, together.
    fn update_stats(&self, title: &TitleId, id: AccountId, updates: &[StatsUpdate]) -> Result<Pending<()>>;
}

/// Accounts or clans in the order of a stat. A ladder is made at its first use (a fifth of a second for 100,000 accounts) and
/// kept in memory; after that a position or a page costs microseconds.
pub trait Ladders {
    /// True if it is in memory: a question about it does not have to make it first.
    fn ladder_is_loaded(&self, title: &TitleId, ranked: Ranked, stat: LadderStat) -> bool;
    /// Makes it, if it is not in memory.
    fn load_ladder(&self, title: &TitleId, ranked: Ranked, stat: LadderStat) -> Result<()>;
    /// Where an account stands; `None` for an unknown one.
    fn ladder_place(
        &self,
        title: &TitleId,
        stat: LadderStat,
        order: LadderOrder,
        account: AccountId,
    ) -> Result<Option<LadderPlace>>;
    /// Accounts in ascending position from `start` (1 and below: the first), at most `rows` and
    /// [`limits::PAGE`](crate::limits::PAGE).
    fn ladder_page(
        &self,
        title: &TitleId,
        stat: LadderStat,
        order: LadderOrder,
        start: u32,
        rows: usize,
    ) -> Result<Vec<LadderPlace>>;
    /// Where a clan stands; `None` for an unknown or disbanded one.
    fn clan_ladder_place(
        &self,
        title: &TitleId,
        stat: LadderStat,
        order: LadderOrder,
        clan: ClanId,
    ) -> Result<Option<LadderPlace<ClanId>>>;
    /// Clans, as [`Ladders::ladder_page`].
    fn clan_ladder_page(
        &self,
        title: &TitleId,
        stat: LadderStat,
        order: LadderOrder,
        start: u32,
        rows: usize,
    ) -> Result<Vec<LadderPlace<ClanId>>>;
}

/// Buddies, ignore lists, invitations.
pub trait Social {
    /// Puts `other` on a list of `owner`. Refused: themselves, unknown accounts, twice, more than
    /// [`limits::LIST`](crate::limits::LIST).
    fn add_to_list(
        &self,
        title: &TitleId,
        kind: ListKind,
        owner: AccountId,
        other: AccountId,
        now: UnixSeconds,
    ) -> Result<Pending<()>>;
    /// Makes two accounts each other's buddies (AddType symmetric) and removes the invitations between them, in one
    /// step. A side that is there already stays as it is.
    fn add_mutual_buddies(
        &self,
        title: &TitleId,
        a: AccountId,
        b: AccountId,
        now: UnixSeconds,
    ) -> Result<Pending<()>>;
    /// Takes `other` off a list of `owner`; [`NotFound`](crate::StoreError::NotFound) if they are not on it.
    fn remove_from_list(
        &self,
        title: &TitleId,
        kind: ListKind,
        owner: AccountId,
        other: AccountId,
    ) -> Result<Pending<()>>;
    /// The whole list in ascending account number (UYA's captured buddy list has that order).
    fn list(&self, title: &TitleId, kind: ListKind, owner: AccountId) -> Result<Vec<ListedAccount>>;
    /// True if `other` is on that list of `owner`.
    fn is_listed(&self, title: &TitleId, kind: ListKind, owner: AccountId, other: AccountId) -> Result<bool>;
    /// Keeps an invitation for `target`; a second one of the same originator replaces the first.
    fn invite_buddy(
        &self,
        title: &TitleId,
        originator: AccountId,
        target: AccountId,
        add_type: i32,
        now: UnixSeconds,
    ) -> Result<Pending<()>>;
    /// Removes an invitation; [`NotFound`](crate::StoreError::NotFound) if there is none.
    fn remove_invitation(
        &self,
        title: &TitleId,
        originator: AccountId,
        target: AccountId,
    ) -> Result<Pending<()>>;
    /// Invitations that wait for `target`, in ascending number of the originator.
    fn invitations(&self, title: &TitleId, target: AccountId) -> Result<Vec<Invitation>>;
}

/// Bans.
pub trait Bans {
    /// Makes a ban. Several may hit the same subject.
    fn add_ban(&self, ban: &NewBan) -> Result<Pending<Ban>>;
    /// Lifts a ban; [`NotFound`](crate::StoreError::NotFound) if there is none of that number.
    fn remove_ban(&self, id: BanId) -> Result<Pending<()>>;
    /// The ban that hits any of the things asked for at `now`: of several the one that holds longest, then the lowest
    /// number. Expired ones never hit.
    fn is_banned(&self, query: &BanQuery, now: UnixSeconds) -> Result<Option<Ban>>;
    /// Bans in ascending number, expired ones included.
    fn bans(&self, page: Page<BanId>) -> Result<Vec<Ban>>;
    /// Removes those that expired before `now`; says how many. At most [`limits::PAGE`](crate::limits::PAGE) at a time.
    fn remove_expired_bans(&self, now: UnixSeconds) -> Result<Pending<usize>>;
}

/// Announcements and policies.
pub trait Notices {
    /// Adds an announcement.
    fn add_announcement(
        &self,
        title: &TitleId,
        text: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<Announcement>>;
    /// Removes one; [`NotFound`](crate::StoreError::NotFound) if there is none of that number.
    fn remove_announcement(&self, title: &TitleId, id: AnnouncementId) -> Result<Pending<()>>;
    /// All announcements, newest first.
    fn announcements(&self, title: &TitleId) -> Result<Vec<Announcement>>;
    /// Sets a policy text; `None` removes it (the title's own text applies again).
    fn set_policy(&self, title: &TitleId, kind: PolicyKind, text: Option<&[u8]>) -> Result<Pending<()>>;
    /// The policy text that an operator set, if any.
    fn policy(&self, title: &TitleId, kind: PolicyKind) -> Result<Option<Vec<u8>>>;
}

/// Game history.
pub trait Games {
    /// Adds a game.
    fn add_game(&self, title: &TitleId, game: &GameRecord) -> Result<Pending<GameRecordId>>;
    /// Replaces a game's record; [`NotFound`](crate::StoreError::NotFound) if there is none of that number.
    fn update_game(&self, title: &TitleId, id: GameRecordId, game: &GameRecord) -> Result<Pending<()>>;
    /// One game.
    fn game(&self, title: &TitleId, id: GameRecordId) -> Result<Option<GameRecord>>;
    /// Games, newest first: those with numbers *lower* than `page.after`.
    fn games(&self, title: &TitleId, page: Page<GameRecordId>) -> Result<Vec<(GameRecordId, GameRecord)>>;
    /// Removes games created before `before`, oldest first; says how many. At most
    /// [`limits::PAGE`](crate::limits::PAGE) at a time.
    fn remove_games_before(&self, title: &TitleId, before: UnixSeconds) -> Result<Pending<usize>>;
}

/// Plugins' own data: a small key-value store per title and per account.
pub trait PluginData {
    /// Sets a value. Key 1 to [`limits::PLUGIN_KEY`](crate::limits::PLUGIN_KEY) bytes, value at most
    /// [`limits::PLUGIN_VALUE`](crate::limits::PLUGIN_VALUE). An account's data needs the account to exist.
    fn plugin_set(
        &self,
        title: &TitleId,
        scope: PluginScope,
        key: &[u8],
        value: &[u8],
    ) -> Result<Pending<()>>;
    /// Removes a value; says whether there was one.
    fn plugin_remove(&self, title: &TitleId, scope: PluginScope, key: &[u8]) -> Result<Pending<bool>>;
    /// One value.
    fn plugin_get(&self, title: &TitleId, scope: PluginScope, key: &[u8]) -> Result<Option<Vec<u8>>>;
    /// Keys that begin with `prefix`, with their values, in byte order. A page may end before its limit when it holds
    /// [`limits::PLUGIN_SCAN`](crate::limits::PLUGIN_SCAN) bytes; an empty one is the end.
    fn plugin_scan(
        &self,
        title: &TitleId,
        scope: PluginScope,
        prefix: &[u8],
        page: Page<Vec<u8>>,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>>;
}

/// Durable data of the host. **Every call may block** on the disk: async code goes through
/// [`StoreHandle`](crate::StoreHandle), which runs calls on its own threads.
///
/// A write answers [`Pending`]: it is applied, in full or not at all, and visible to readers, and is acknowledged
/// (`wait()` or `.await`) once it is durable. Writers that wait at the same time share a flush.
pub trait Store:
    Accounts
    + Ladders
    + Social
    + Clans
    + Files
    + Tokens
    + Bans
    + Notices
    + Games
    + PluginData
    + Send
    + Sync
    + 'static
{
    /// Writes everything as JSON lines, a header first; says how many lines. Writers wait meanwhile, so that the
    /// export is one moment's state.
    fn export(&self, to: &mut dyn Write) -> Result<u64>;
    /// Reads what [`Store::export`] wrote. Durable when it returns. Applied in portions: after an error the lines of
    /// earlier portions stay, so run [`check_import`](crate::check_import) over a file first.
    fn import(&self, from: &mut dyn BufRead, mode: ImportMode) -> Result<Imported>;
    /// True if it holds no records but its own bookkeeping.
    fn is_empty(&self) -> Result<bool>;
    /// Makes everything durable that was applied before.
    fn flush(&self) -> Result<()>;
}
