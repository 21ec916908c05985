//! Everything that can go wrong, with the numbers and names a reader needs to act.

use std::path::PathBuf;
use std::sync::Arc;

/// Shorthand used throughout the crate.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why something about a clan is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClanRefusal {
    /// There is no clan of that number.
    #[error("there is no such clan")]
    NoClan,
    /// Another clan has the name.
    #[error("another clan has that name")]
    NameTaken,
    /// The account is in a clan.
    #[error("the account is in a clan")]
    AlreadyInClan,
    /// Who asks does not lead the clan.
    #[error("only the leader of the clan may do that")]
    NotLeader,
    /// The account is not in the clan.
    #[error("the account is not in the clan")]
    NotMember,
    /// The leader has to hand the clan over, or disband it.
    #[error("the leader cannot leave the clan")]
    LeaderCannotLeave,
    /// The account has an invitation of the clan that it did not answer.
    #[error("the account is invited already")]
    AlreadyInvited,
    /// There is no open invitation.
    #[error("there is no open invitation")]
    NoInvitation,
    /// The clan has no message of that number.
    #[error("the clan has no such message")]
    NoMessage,
    /// There is no challenge of that number.
    #[error("there is no such challenge")]
    NoChallenge,
    /// The challenge has another state, or there is an open one already, or a clan challenged itself.
    #[error("the state of the challenge does not allow that")]
    WrongState,
}

/// What the store refuses or fails at.
///
/// Two kinds live here. *Refusals* ([`StoreError::is_refusal`]) are answers to what a player or operator asked
/// (name taken, no such account, value too long) and map to a Medius status. Everything else is the host's own trouble.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A unique thing is there already.
    #[error("{what} `{key}` exists already in title `{title}`")]
    AlreadyExists {
        /// Kind of thing, e.g. `account name`.
        what: &'static str,
        /// Title community.
        title: String,
        /// The name or number that is taken.
        key: String,
    },
    /// The thing that the operation wants to change does not exist.
    #[error("no {what} `{key}` in title `{title}`")]
    NotFound {
        /// Kind of thing, e.g. `account`.
        what: &'static str,
        /// Title community.
        title: String,
        /// The name or number that was looked up.
        key: String,
    },
    /// A value is longer than its field allows.
    #[error("{field} is {found} long, the limit is {max}")]
    TooLong {
        /// Name of the field.
        field: &'static str,
        /// Largest length (bytes, or elements for lists).
        max: usize,
        /// Length that was given.
        found: usize,
    },
    /// A value is not legal for its field.
    #[error("{field} must be {wanted}, found `{found}`")]
    Invalid {
        /// Name of the field.
        field: &'static str,
        /// What is legal.
        wanted: &'static str,
        /// What was given.
        found: String,
    },
    /// A bounded list is full.
    #[error("{what} of {owner} is full: {max} entries")]
    LimitReached {
        /// Kind of list.
        what: &'static str,
        /// Whose list.
        owner: String,
        /// Entries it can hold.
        max: usize,
    },
    /// It belongs to somebody else.
    #[error("{what} `{key}` of title `{title}` belongs to somebody else")]
    Forbidden {
        /// Kind of thing, e.g. `file`.
        what: &'static str,
        /// Title community.
        title: String,
        /// Its name or number.
        key: String,
    },
    /// Something about a clan is not possible.
    #[error("title `{title}`: {refusal}")]
    Clan {
        /// Title community.
        title: String,
        /// Why.
        refusal: ClanRefusal,
    },
    /// A stored record does not decode.
    #[error("record {key} of tree `{tree}` is damaged: wanted {wanted}, found {found}")]
    Record {
        /// Tree that holds it.
        tree: &'static str,
        /// Its key in hexadecimal.
        key: String,
        /// What a legal record looks like.
        wanted: String,
        /// What is there.
        found: String,
    },
    /// The database was written by a newer version of the host. It was not changed.
    #[error(
        "the database at {} has schema {found}, this version of Medley knows schemas up to {supported}; it was left \
         untouched. Run the version that wrote it, or export with that version and import here", path.display()
    )]
    NewerSchema {
        /// Folder of the database.
        path: PathBuf,
        /// Newest schema that this build can read.
        supported: u32,
        /// Schema found.
        found: u32,
    },
    /// The database is damaged. It was not changed.
    #[error(
        "the database at {} is damaged ({detail}); it was left untouched. Move it away, then restore a backup in its \
         place, or start empty and `medley import` the last export", path.display()
    )]
    Damaged {
        /// Folder of the database.
        path: PathBuf,
        /// What was seen.
        detail: String,
    },
    /// Another process has the database open.
    #[error(
        "the database at {} is in use by another process; stop the other host first",
        path.display()
    )]
    Locked {
        /// Folder of the database.
        path: PathBuf,
    },
    /// The operating system refused a file operation.
    #[error("{action} {}: {detail}", path.display())]
    Io {
        /// What was tried, e.g. `create folder`.
        action: &'static str,
        /// File or folder.
        path: PathBuf,
        /// Its words.
        detail: String,
    },
    /// The engine failed at an operation.
    #[error("tree `{tree}` of the database at {}: {detail}", path.display())]
    Engine {
        /// Folder of the database (empty for the in-memory engine).
        path: PathBuf,
        /// Tree concerned, `*` for the whole.
        tree: &'static str,
        /// Its words.
        detail: String,
    },
    /// The flush that should have made a write durable failed: the write may or may not be there after a crash.
    #[error("the write could not be made durable: {0}")]
    Flush(Arc<str>),
    /// A migration to a newer schema failed. The database keeps the schema it had.
    #[error("migration from schema {from} to {to} failed: {detail}")]
    Migration {
        /// Schema before.
        from: u32,
        /// Schema wanted.
        to: u32,
        /// Cause.
        detail: String,
    },
    /// A line of an import file is unusable.
    #[error("line {line}: {detail}")]
    Import {
        /// Line number, from 1.
        line: u64,
        /// What is wrong with it.
        detail: String,
    },
    /// An import would mix with data that is there.
    #[error(
        "the store is not empty (tree `{tree}` has records); import into an empty one, or ask for a merge"
    )]
    NotEmpty {
        /// First tree with data.
        tree: &'static str,
    },
    /// An export could not be written.
    #[error("export: {detail}")]
    Export {
        /// Cause.
        detail: String,
    },
    /// Hashing or checking of a password failed for a reason other than a wrong password.
    #[error("password of {account}: {detail}")]
    Password {
        /// Whose.
        account: String,
        /// Cause.
        detail: String,
    },
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// True for expected refusals: the caller's request was understood and is not possible. False when the host
    /// itself is in trouble (disk, damage, shutdown) and an operator should hear of it.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::AlreadyExists { .. }
                | Self::NotFound { .. }
                | Self::TooLong { .. }
                | Self::Invalid { .. }
                | Self::LimitReached { .. }
                | Self::Forbidden { .. }
                | Self::Clan { .. }
        )
    }
}
