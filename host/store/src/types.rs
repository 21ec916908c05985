//! What is kept: ids, records and their limits.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::error::{Result, StoreError};

/// Seconds since 1970-01-01 UTC. Always an argument: the store reads no clock.
pub type UnixSeconds = i64;

/// Limits of what a record may hold. Lengths are bytes unless said otherwise.
pub mod limits {
    /// Key of a title community, e.g. `ratchet-uya`.
    pub const TITLE: usize = 64;
    /// Account name. The SDK's field is 32 bytes with the NUL; ticket accounts may carry a suffix such as `@RPCN`.
    pub const NAME: usize = 48;
    /// Password as typed. The SDK's field is 32 bytes with the NUL; the rest is room for operators' tools.
    pub const PASSWORD: usize = 128;
    /// Machine id as posted by the console.
    pub const MACHINE_ID: usize = 128;
    /// Free JSON of an account or a game.
    pub const METADATA: usize = 64 * 1024;
    /// Custom stats, in elements.
    pub const CUSTOM_STATS: usize = 1024;
    /// Opaque stats blob of an account (`AccountUpdateStats`), exactly.
    pub const STATS_BLOB: usize = 256;
    /// Wide stats (`UpdateLadderStatsWide`), elements, exactly.
    pub const WIDE_STATS: usize = 100;
    /// Narrow stats (`UpdateLadderStats`), elements, exactly.
    pub const LADDER_STATS: usize = 15;
    /// Buddies of one account, in entries. Same for its ignore list and the invitations waiting for it.
    pub const LIST: usize = 512;
    /// Name of a clan. The SDK's field is 32 bytes with the NUL.
    pub const CLAN_NAME: usize = 31;
    /// Members of a clan.
    pub const CLAN_MEMBERS: usize = 256;
    /// Invitations that a clan keeps, answered ones included; also those that wait for one account.
    pub const CLAN_INVITATIONS: usize = 256;
    /// Messages that a clan keeps.
    pub const CLAN_MESSAGES: usize = 200;
    /// Text of a clan message, an invitation, a challenge or an answer to one. The SDK's longest field is 2048 bytes.
    pub const CLAN_TEXT: usize = 2048;
    /// Team challenges that a clan keeps, those made to it included.
    pub const CLAN_CHALLENGES: usize = 200;
    /// Disbanded clans that a title remembers.
    pub const DISBANDED_CLANS: usize = 1000;
    /// Text of an announcement.
    pub const ANNOUNCEMENT: usize = 4000;
    /// Announcements of one title, in entries.
    pub const ANNOUNCEMENTS: usize = 64;
    /// Text of a policy.
    pub const POLICY: usize = 64 * 1024;
    /// Reason of a ban.
    pub const REASON: usize = 1000;
    /// Name of a game in the history. The SDK's field is 64 bytes with the NUL.
    pub const GAME_NAME: usize = 64;
    /// Players of one game in the history, in entries. A DME world has at most 256 indices, players may come and go.
    pub const GAME_PLAYERS: usize = 1024;
    /// Final status of a game in the history.
    pub const GAME_STATUS: usize = 64;
    /// Key of plugin data.
    pub const PLUGIN_KEY: usize = 256;
    /// Value of plugin data.
    pub const PLUGIN_VALUE: usize = 64 * 1024;
    /// Keys and values that one scan of plugin data returns, together; at least one row comes in any case.
    pub const PLUGIN_SCAN: usize = 1024 * 1024;
    /// Name of a file. The SDK's field is 128 bytes with the NUL.
    pub const FILE_NAME: usize = 127;
    /// Content of a file. A title's own bound is lower (`files.max_file_bytes`).
    pub const FILE: u32 = 16 * 1024 * 1024;
    /// A chunk of a file's content, exactly, but for the last one.
    pub const FILE_CHUNK: u32 = 32 * 1024;
    /// What a title says about a file. The SDK's field.
    pub const FILE_DESCRIPTION: usize = 256;
    /// Metadata of one file, in words.
    pub const FILE_METADATA: usize = 64;
    /// Key of a word of metadata. The SDK's field is 56 bytes with the NUL.
    pub const FILE_METADATA_KEY: usize = 55;
    /// Value of a word of metadata. The SDK's field is 256 bytes with the NUL.
    pub const FILE_METADATA_VALUE: usize = 255;
    /// A token. The SDK's field.
    pub const TOKEN: usize = 8;
    /// Tokens of one account or clan.
    pub const TOKENS: usize = 32;
    /// Rows that one listing call returns at most, whatever was asked for.
    pub const PAGE: usize = 1000;
}

/// Which community data belongs to: a title with all its app ids, e.g. `ratchet-uya` for NTSC and PAL.
///
/// 1 to [`limits::TITLE`] characters of `a-z 0-9 - _ .`; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TitleId(Arc<str>);

impl TitleId {
    /// Checks and takes a key.
    pub fn new(key: &str) -> Result<Self> {
        if key.len() > limits::TITLE {
            return Err(StoreError::TooLong { field: "title", max: limits::TITLE, found: key.len() });
        }
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        if key.is_empty() || !key.bytes().all(legal) {
            return Err(StoreError::Invalid {
                field: "title",
                wanted: "characters of a-z 0-9 - _ .",
                found: key.to_owned(),
            });
        }
        Ok(Self(Arc::from(key)))
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TitleId {
    type Error = StoreError;

    fn try_from(key: String) -> Result<Self> {
        Self::new(&key)
    }
}

impl From<TitleId> for String {
    fn from(title: TitleId) -> Self {
        title.as_str().to_owned()
    }
}

impl std::str::FromStr for TitleId {
    type Err = StoreError;

    fn from_str(key: &str) -> Result<Self> {
        Self::new(key)
    }
}

impl fmt::Display for TitleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who stands on a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ranked {
    /// The title's accounts.
    Accounts,
    /// The title's clans, without those that were disbanded.
    Clans,
}

/// What a ladder ranks accounts or clans by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LadderStat {
    /// A LadderStatIndex, 0 to 99: of the wide stats if any of them is not zero, else of the narrow ones (and 0 beyond
    /// them). A title keeps one of the two kinds.
    Index(u8),
    /// 1, 2 or 4 bytes of the stats blob as a little-endian number, of 4 bytes a signed one. No source says how Sony's
    /// server read the bytes that old titles name.
    Bytes {
        /// The first byte.
        start: u8,
        /// How many.
        width: u8,
    },
}

/// From which end a ladder counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LadderOrder {
    /// Position 1 has the highest value; of equal ones the lower number comes first.
    HighestFirst,
    /// The same ladder from its other end.
    LowestFirst,
}

/// Where an account or a clan stands on a ladder. All of the title stand there, also those with 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LadderPlace<Id = AccountId> {
    /// Who.
    pub id: Id,
    /// Its value.
    pub value: i32,
    /// From 1; no two have the same.
    pub position: u32,
    /// How many are on the ladder.
    pub total: u32,
}

/// Number of an account, from 1. One counter serves all titles of a store and no number is used twice, not even
/// after a delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub struct AccountId(i32);

impl AccountId {
    /// Takes a positive number; `None` for the others (Medius uses -1 for "nobody").
    pub const fn new(id: i32) -> Option<Self> {
        if id > 0 { Some(Self(id)) } else { None }
    }

    /// The number as it goes on the wire.
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl TryFrom<i32> for AccountId {
    type Error = StoreError;

    fn try_from(id: i32) -> Result<Self> {
        Self::new(id).ok_or_else(|| StoreError::Invalid {
            field: "account id",
            wanted: "1 to 2147483647",
            found: id.to_string(),
        })
    }
}

impl From<AccountId> for i32 {
    fn from(id: AccountId) -> Self {
        id.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

pub(crate) use number_id;

number_id! {
    /// Number of a ban, from 1, one counter for the whole store.
    BanId(u32)
}
number_id! {
    /// Number of an announcement, from 1, one counter for the whole store.
    AnnouncementId(u32)
}
number_id! {
    /// Number of a game in the history, from 1, one counter for the whole store. Not the live game's Medius id.
    GameRecordId(u32)
}

/// Bytes that are nearly always text: names, chat-like texts. Kept as typed. In JSON they are a string where they
/// are UTF-8 and `{"hex": "..."}` where not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(pub Vec<u8>);

impl Text {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// For people: what is not UTF-8 shows as the replacement character.
    pub fn to_string_lossy(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_string_lossy())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

/// A password as it is kept: an argon2id PHC string. Made by [`crate::Passwords::hash`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(pub(crate) String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// What an account is made from.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Name as typed, 1 to [`limits::NAME`] bytes without a NUL. Unique in its title, ASCII case ignored.
    pub name: Text,
    /// `None`: no password login (accounts of NP tickets).
    pub password: Option<PasswordHash>,
    /// Now.
    pub created: UnixSeconds,
}

/// An account, without its stats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// Name as typed at creation.
    pub name: Text,
    /// `None`: no password login.
    pub password: Option<PasswordHash>,
    /// The next login sets the password, whatever it is (an operator's tool for lost passwords).
    pub reset_password: bool,
    /// When it was created.
    pub created: UnixSeconds,
    /// Last successful login.
    pub last_login: Option<UnixSeconds>,
    /// Address of that login.
    pub last_ip: Option<IpAddr>,
    /// Machine id of that login, at most [`limits::MACHINE_ID`] bytes.
    #[serde(with = "crate::codec::optional_hex")]
    pub machine_id: Option<Vec<u8>>,
    /// Free JSON text for plugins and operators, at most [`limits::METADATA`] bytes; empty = none.
    pub metadata: String,
}

/// Member of an account's metadata that puts it on the white-list.
pub(crate) const WHITELISTED: &str = "whitelisted";

impl Account {
    /// Whether it is on its title's white-list.
    pub fn is_whitelisted(&self) -> bool {
        let metadata = serde_json::from_str::<serde_json::Value>(&self.metadata).unwrap_or_default();
        metadata.get(WHITELISTED) == Some(&serde_json::Value::Bool(true))
    }
}

/// All stats of an account. A new account has zeros.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stats {
    /// Opaque to the host (`AccountUpdateStats`).
    #[serde(with = "crate::codec::hex_array")]
    pub blob: [u8; limits::STATS_BLOB],
    /// `UpdateLadderStatsWide`, wire order, index 0 first.
    #[serde(with = "crate::codec::int_array")]
    pub wide: [i32; limits::WIDE_STATS],
    /// `UpdateLadderStats`.
    #[serde(with = "crate::codec::int_array")]
    pub ladder: [i32; limits::LADDER_STATS],
    /// Server-side stats of plugins, at most [`limits::CUSTOM_STATS`] elements.
    pub custom: Vec<i32>,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            blob: [0; limits::STATS_BLOB],
            wide: [0; limits::WIDE_STATS],
            ladder: [0; limits::LADDER_STATS],
            custom: Vec::new(),
        }
    }
}

/// Which part of the stats an update replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatsUpdate {
    /// The blob (`AccountUpdateStats`).
    Blob(Box<[u8; limits::STATS_BLOB]>),
    /// The narrow stats (`UpdateLadderStats`).
    Ladder([i32; limits::LADDER_STATS]),
    /// The wide stats (`UpdateLadderStatsWide`).
    Wide(Box<[i32; limits::WIDE_STATS]>),
    /// The custom stats, at most [`limits::CUSTOM_STATS`] elements.
    Custom(Vec<i32>),
}

/// What a successful login leaves behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRecord {
    /// Now.
    pub at: UnixSeconds,
    /// Address of the console.
    pub ip: Option<IpAddr>,
    /// Machine id if the console posted one; `None` keeps the one known.
    pub machine_id: Option<Vec<u8>>,
}

/// A row of a buddy or ignore list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedAccount {
    /// Who.
    pub id: AccountId,
    /// Their name.
    pub name: Text,
    /// When they were put on the list.
    pub since: UnixSeconds,
}

/// Which list of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListKind {
    /// `AddToBuddyList` and friends.
    Buddies,
    /// `AddToIgnoreList` and friends.
    Ignored,
}

/// A buddy invitation that waits for its target (`AddToBuddyListConfirmation` to somebody offline).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Who asks.
    pub originator: AccountId,
    /// Their name.
    pub originator_name: Text,
    /// AddType of the request: 0 single, 1 symmetric; others are kept as they came.
    pub add_type: i32,
    /// When it was asked.
    pub created: UnixSeconds,
}

/// Where a ban holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BanScope {
    /// In every title of the host.
    #[serde(rename = "host")]
    Host,
    /// In one title.
    #[serde(rename = "title")]
    Title(TitleId),
}

/// Whom a ban hits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BanSubject {
    /// An account.
    #[serde(rename = "account")]
    Account(AccountId),
    /// An address or a network; an address is a network of full length. IPv4-mapped IPv6 counts as IPv4.
    #[serde(rename = "network")]
    Network(IpNet),
    /// A machine id, 1 to [`limits::MACHINE_ID`] bytes.
    #[serde(rename = "machine", with = "crate::codec::hex_bytes")]
    Machine(Vec<u8>),
}

/// What a ban is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewBan {
    /// Where it holds.
    pub scope: BanScope,
    /// Whom it hits.
    pub subject: BanSubject,
    /// For operators and the message to the player, at most [`limits::REASON`] bytes.
    pub reason: Text,
    /// Now.
    pub created: UnixSeconds,
    /// First second at which it no longer holds; `None` = for good.
    pub expires: Option<UnixSeconds>,
}

/// A ban.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// Its number.
    pub id: BanId,
    /// What it says.
    pub ban: NewBan,
}

/// Who might be banned: any of the known things, looked up together.
#[derive(Debug, Clone, Default)]
pub struct BanQuery {
    /// Title asked for; `None` (a connection that has not said its app id) finds host-wide bans only.
    pub title: Option<TitleId>,
    /// Account, if known.
    pub account: Option<AccountId>,
    /// Address, if known.
    pub ip: Option<IpAddr>,
    /// Machine id, if known.
    pub machine_id: Option<Vec<u8>>,
}

/// An announcement of a title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Its number.
    pub id: AnnouncementId,
    /// When it was made.
    pub created: UnixSeconds,
    /// At most [`limits::ANNOUNCEMENT`] bytes, in the title's character set.
    pub text: Text,
}

/// Which policy (the SDK's `MediusPolicyType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyKind {
    /// 0.
    Usage,
    /// 1.
    Privacy,
}

/// A game as the history keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GameRecord {
    /// Name, at most [`limits::GAME_NAME`] bytes.
    pub name: Text,
    /// App id of the game.
    pub app_id: i32,
    /// When it was created.
    pub created: UnixSeconds,
    /// When play began.
    pub started: Option<UnixSeconds>,
    /// When it was over.
    pub ended: Option<UnixSeconds>,
    /// Who hosted; `None` when the host's account is not known (anonymous login).
    pub host: Option<AccountId>,
    /// Everyone who was in it, at most [`limits::GAME_PLAYERS`].
    pub players: Vec<AccountId>,
    /// How it ended, in a word (`finished`, `host_left`, `timed_out` ...), at most [`limits::GAME_STATUS`] bytes;
    /// empty while it runs.
    pub status: String,
    /// Free JSON text for plugins, at most [`limits::METADATA`] bytes; empty = none.
    pub metadata: String,
}

/// Whose plugin data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PluginScope {
    /// The title's own.
    Title,
    /// One account's; it goes when the account is deleted.
    Account(AccountId),
}

/// A page of a listing in key order: rows with keys greater than `after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<K> {
    /// Key of the last row of the page before; `None` = from the start.
    pub after: Option<K>,
    /// Rows wanted; never more than [`limits::PAGE`] are returned.
    pub limit: usize,
}

impl<K> Default for Page<K> {
    fn default() -> Self {
        Self { after: None, limit: limits::PAGE }
    }
}

impl<K> Page<K> {
    /// The first rows.
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }

    /// The rows behind `key`.
    pub fn after(key: K, limit: usize) -> Self {
        Self { after: Some(key), limit }
    }

    pub(crate) fn rows(&self) -> usize {
        self.limit.min(limits::PAGE)
    }
}
