//! What the store needs of a database: ordered trees of bytes, one atomic batch at a time, and a flush.

mod memory;
mod sled;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;

pub use self::memory::MemoryEngine;
pub(crate) use self::sled::panic_text;
pub use self::sled::{SledEngine, SledOptions};
use crate::error::Result;

/// The trees (keyspaces) of the store. A new tree is a new line here: engines make it when they open.
macro_rules! trees {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A tree of the store.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Tree {
            $($(#[$doc])* $variant,)*
        }

        impl Tree {
            /// Every tree, in the order of an export.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name in the database and in messages. Never changed once released.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

trees! {
    /// Schema version and write generation.
    Meta = "meta",
    /// Counter name -> last number given.
    Counters = "counters",
    /// Title, account -> account.
    Accounts = "accounts",
    /// Title, folded name -> account number.
    AccountNames = "account_names",
    /// Title, account -> stats.
    AccountStats = "account_stats",
    /// Title -> number of accounts.
    AccountCounts = "account_counts",
    /// Title, owner, other -> since.
    Buddies = "buddies",
    /// Title, owner, other -> since.
    Ignored = "ignored",
    /// Title, target, originator -> invitation.
    Invitations = "invitations",
    /// Ban number -> ban.
    Bans = "bans",
    /// Title, announcement -> announcement.
    Announcements = "announcements",
    /// Title, policy kind -> text.
    Policies = "policies",
    /// Title, game record -> game.
    Games = "games",
    /// Title, scope, key -> value.
    PluginData = "plugin_data",
    /// Title, clan -> clan.
    Clans = "clans",
    /// Title, clan -> clan that is no more.
    DisbandedClans = "disbanded_clans",
    /// Title, folded name -> clan number.
    ClanNames = "clan_names",
    /// Title -> number of clans.
    ClanCounts = "clan_counts",
    /// Title, clan, account -> membership.
    ClanMembers = "clan_members",
    /// Title, account -> clan number.
    ClanOf = "clan_of",
    /// Title, clan -> stats.
    ClanStats = "clan_stats",
    /// Title, clan, invitation -> invitation.
    ClanInvitations = "clan_invitations",
    /// Title, account, open invitation -> clan number.
    ClanInvited = "clan_invited",
    /// Title, clan, message -> message.
    ClanMessages = "clan_messages",
    /// Title, challenge -> challenge.
    ClanChallenges = "clan_challenges",
    /// Title, clan, challenge -> nothing.
    ClanChallengesOf = "clan_challenges_of",
    /// Title, file -> file.
    Files = "files",
    /// Title, folded name -> file number.
    FileNames = "file_names",
    /// Title, file, key -> value.
    FileMetadata = "file_metadata",
    /// Title, content -> file number.
    FileContents = "file_contents",
    /// Title, content, index -> bytes. Also of uploads that are not finished.
    FileChunks = "file_chunks",
    /// Title, content -> upload that is not finished.
    FileUploads = "file_uploads",
    /// Title, or title and account -> what files take.
    FileUsage = "file_usage",
    /// Title, category, folded token -> token.
    Tokens = "tokens",
    /// Title, owner, category, folded token -> nothing.
    TokensOf = "tokens_of",
}

/// Writes of one atomic step: `None` removes.
pub type Batch = BTreeMap<(Tree, Vec<u8>), Option<Vec<u8>>>;

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// An ordered, transactional database of bytes. Calls may block on the disk.
///
/// The store serialises its commits: an engine never sees two at the same time. Reads come from any thread at any time.
pub trait Engine: Send + Sync + 'static {
    /// Where it is, for messages; empty for an engine without a place.
    fn path(&self) -> &Path;

    /// One value.
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Pairs whose keys begin with `prefix`, ascending (or descending with `reverse`), only those strictly behind
    /// `after` in that direction.
    fn scan(
        &self,
        tree: Tree,
        prefix: &[u8],
        after: Option<&[u8]>,
        reverse: bool,
    ) -> Box<dyn Iterator<Item = Result<Pair>> + '_>;

    /// Applies a batch: readers and a later recovery see all of it or nothing. Not durable before [`Engine::sync`].
    fn commit(&self, batch: &Batch) -> Result<()>;

    /// Makes every batch durable that was applied before this call.
    fn sync(&self) -> Result<()>;

    /// Notes, beside the database, that every write up to `generation` is durable. Cheap, need not be durable itself:
    /// an older note only makes [`Engine::watermark`] say less.
    fn set_watermark(&self, generation: u64) -> Result<()>;

    /// The last note of [`Engine::set_watermark`]. A database that knows fewer writes than this has lost some.
    fn watermark(&self) -> Result<Option<u64>>;

    /// False for an engine whose data ends with the process: nobody waits for a flush then.
    fn is_durable(&self) -> bool;
}

pub(crate) type KeyRange = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// The range of keys of a scan; `None` if it holds none. Never inverted (`BTreeMap::range` panics on those).
pub(crate) fn scan_range(prefix: &[u8], after: Option<&[u8]>, reverse: bool) -> Option<KeyRange> {
    let mut low = Bound::Included(prefix.to_vec());
    let mut high = prefix_end(prefix).map_or(Bound::Unbounded, Bound::Excluded);
    match after {
        Some(after) if reverse => match &high {
            Bound::Excluded(end) if end.as_slice() <= after => {}
            _ => high = Bound::Excluded(after.to_vec()),
        },
        Some(after) if after >= prefix => low = Bound::Excluded(after.to_vec()),
        _ => {}
    }
    match (&low, &high) {
        (Bound::Included(low) | Bound::Excluded(low), Bound::Excluded(high)) if low >= high => None,
        _ => Some((low, high)),
    }
}

/// The smallest key behind all keys with `prefix`; `None` if there is none (all bytes 0xff).
fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}
