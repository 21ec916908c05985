//! Durable data of a Medius host: accounts and their stats, buddies, ignore lists, clans, files,
//! tokens, bans, announcements, policies, game
//! history, and plugins' own data, per title community ([`TitleId`]).
//!
//! What it is: [`Store`], a port that may block, its default on an embedded sled database
//! ([`Database::open`]), one in memory for tests ([`Database::in_memory`]), and [`StoreHandle`], the front for async code:
//! bounded threads of its own, `.await` on writes that share a flush. Passwords ([`Passwords`]) are argon2id with a warm
//! cache, so that a player who comes back soon does not cost a second hash.
//!
//! What it is not: live state (that is the universe's), a clock (times are arguments), a policy (who may log in, what a
//! refusal is called on the wire is the server's).
//!
//! Promises, each with a test: a write is acknowledged only when it is durable (`tests/kill.rs`); one operation is one
//! atomic step; a damaged, newer or busy database is refused with its path and left as it is; garbage in a record is an
//! error that names tree and key.

mod accounts;
mod bans;
mod clans;
mod codec;
mod commit;
mod database;
mod engine;
mod error;
mod files;
mod games;
mod handle;
mod ladders;
mod login_notes;
mod notices;
mod password;
mod plugin_data;
mod social;
mod tokens;
mod traits;
mod transfer;
mod types;

pub use self::clans::{
    Clan, ClanChallenge, ClanChallengeId, ClanChallengeStatus, ClanId, ClanInvitation, ClanInvitationId,
    ClanInvitationStatus, ClanMember, ClanMessage, ClanMessageId, ClanMessageStatus, Clans, NewClan,
};
pub use self::commit::{Durable, Pending};
pub use self::database::{Database, Migration, SCHEMA, Transaction};
pub use self::engine::{Batch, Engine, MemoryEngine, Pair, SledEngine, SledOptions, Tree};
pub use self::error::{ClanRefusal, Result, StoreError};
pub use self::files::{
    FileId, FilePermissions, FileRecord, FileSpace, FileUsage, FileUser, Files, NewFile, UploadId,
    check_file_name,
};
pub use self::handle::{HandleOptions, PasswordCheck, StoreHandle};
pub use self::password::{PasswordOptions, Passwords};
pub use self::tokens::{Token, TokenCategory, TokenOwner, Tokens};
pub use self::traits::{Accounts, Bans, Games, Ladders, Notices, PluginData, Social, Store};
pub use self::transfer::{ImportMode, Imported, check_import};
pub use self::types::*;
