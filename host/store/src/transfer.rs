//! Export and import as JSON lines: a header, one record a line, and a last line that counts them, so that a file cut
//! short is noticed. Indexes are not exported: an import makes them anew.

use std::io::{BufRead, Read, Write};

use serde::{Deserialize, Serialize};

use crate::accounts::{check_account, check_stats};
use crate::bans::check_ban;
use crate::clans::{Clan, ClanChallenge, ClanId, ClanInvitation, ClanMessage, Membership};
use crate::codec;
use crate::database::{Database, SCHEMA, Transaction, counter, key};
use crate::engine::{Engine, Tree};
use crate::error::{Result, StoreError};
use crate::files::{FileId, FileRecord, UploadId, content_of_chunk};
use crate::games::check_game;
use crate::notices::{AnnouncementRow, check_announcement, check_policy, policy_key, policy_of_key};
use crate::plugin_data;
use crate::social::{Invited, Listed};
use crate::tokens::Token;
use crate::traits::Store;
use crate::types::{
    Account, AccountId, AnnouncementId, BanId, GameRecord, GameRecordId, NewBan, PluginScope, PolicyKind,
    Stats, Text, TitleId, UnixSeconds,
};

/// Value of `format` in the header.
const FORMAT: &str = "medley-store";

/// Longest line in bytes. The longest legal record is a policy of 64 KiB whose every byte is escaped.
const MAX_LINE: u64 = 1024 * 1024;

/// An import is applied in portions of about this many bytes of text.
const PORTION: usize = 1024 * 1024;

/// What an import may meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// Only an empty store.
    Empty,
    /// Any store: a record of the file replaces the one of the same key; an account whose name belongs to another
    /// number is an error. Numbers are those of the file: a merge of two hosts that gave the same numbers is not what this is
    /// for.
    Merge,
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// Records taken, header and end not counted.
    pub records: u64,
}

/// Reads a whole export file as [`Store::import`] into an empty store would, and keeps nothing. Needs as much memory as
/// the records do.
pub fn check_import(from: &mut dyn BufRead) -> Result<Imported> {
    Database::in_memory()?.import(from, ImportMode::Empty)
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Header {
        format: String,
        schema: u32,
    },
    Counter {
        name: String,
        last: u32,
    },
    Account {
        title: TitleId,
        account: Account,
    },
    Stats {
        title: TitleId,
        account: AccountId,
        stats: Box<Stats>,
    },
    Buddy {
        title: TitleId,
        owner: AccountId,
        other: AccountId,
        since: UnixSeconds,
    },
    Ignored {
        title: TitleId,
        owner: AccountId,
        other: AccountId,
        since: UnixSeconds,
    },
    Invitation {
        title: TitleId,
        target: AccountId,
        originator: AccountId,
        add_type: i32,
        created: UnixSeconds,
    },
    Ban {
        id: BanId,
        ban: NewBan,
    },
    Announcement {
        title: TitleId,
        id: AnnouncementId,
        created: UnixSeconds,
        text: Text,
    },
    Policy {
        title: TitleId,
        policy: PolicyKind,
        text: Text,
    },
    Game {
        title: TitleId,
        id: GameRecordId,
        game: GameRecord,
    },
    PluginData {
        title: TitleId,
        account: Option<AccountId>,
        key: Text,
        value: Text,
    },
    Clan {
        title: TitleId,
        clan: Clan,
    },
    ClanMember {
        title: TitleId,
        clan: ClanId,
        account: AccountId,
        since: UnixSeconds,
    },
    ClanStats {
        title: TitleId,
        clan: ClanId,
        stats: Box<Stats>,
    },
    ClanInvitation {
        title: TitleId,
        invitation: ClanInvitation,
    },
    ClanMessage {
        title: TitleId,
        clan: ClanId,
        message: ClanMessage,
    },
    ClanChallenge {
        title: TitleId,
        challenge: ClanChallenge,
    },
    File {
        title: TitleId,
        file: FileRecord,
    },
    FileMetadata {
        title: TitleId,
        file: FileId,
        key: Text,
        value: Text,
    },
    FileChunk {
        title: TitleId,
        content: UploadId,
        index: u32,
        #[serde(with = "crate::codec::hex_bytes")]
        bytes: Vec<u8>,
    },
    Token {
        title: TitleId,
        token: Token,
    },
    End {
        records: u64,
    },
}

/// The line of a stored record; `None` for what an import makes anew.
fn line_of(tree: Tree, key: &[u8], value: &[u8]) -> Result<Option<Line>> {
    let bad_key = || StoreError::Record {
        tree: tree.name(),
        key: hex::encode(key),
        wanted: "a key of this tree".to_owned(),
        found: format!("{} other bytes", key.len()),
    };
    let titled = || key::split_title(key).ok_or_else(bad_key);
    let number =
        |rest: &[u8]| -> Result<u32> { rest.try_into().map(u32::from_be_bytes).map_err(|_| bad_key()) };
    let account = |bytes: [u8; 4]| AccountId::new(i32::from_be_bytes(bytes)).ok_or_else(bad_key);
    let two_accounts = |rest: &[u8]| -> Result<(AccountId, AccountId)> {
        let (a, b) = rest.split_first_chunk::<4>().ok_or_else(bad_key)?;
        Ok((account(*a)?, account(b.try_into().map_err(|_| bad_key())?)?))
    };
    Ok(Some(match tree {
        Tree::Meta | Tree::AccountNames | Tree::AccountCounts => return Ok(None),
        Tree::ClanNames | Tree::ClanCounts | Tree::ClanOf | Tree::ClanInvited | Tree::ClanChallengesOf => {
            return Ok(None);
        }
        Tree::FileNames | Tree::FileContents | Tree::FileUploads | Tree::FileUsage | Tree::TokensOf => {
            return Ok(None);
        }
        Tree::Counters => {
            let name = std::str::from_utf8(key).map_err(|_| bad_key())?.to_owned();
            Line::Counter { name, last: codec::decode(tree, key, value)? }
        }
        Tree::Accounts => Line::Account { title: titled()?.0, account: codec::decode(tree, key, value)? },
        Tree::AccountStats => {
            let (title, rest) = titled()?;
            let account = account(rest.try_into().map_err(|_| bad_key())?)?;
            Line::Stats { title, account, stats: Box::new(codec::decode(tree, key, value)?) }
        }
        Tree::Buddies => {
            let (title, rest) = titled()?;
            let (owner, other) = two_accounts(rest)?;
            let Listed { since } = codec::decode(tree, key, value)?;
            Line::Buddy { title, owner, other, since }
        }
        Tree::Ignored => {
            let (title, rest) = titled()?;
            let (owner, other) = two_accounts(rest)?;
            let Listed { since } = codec::decode(tree, key, value)?;
            Line::Ignored { title, owner, other, since }
        }
        Tree::Invitations => {
            let (title, rest) = titled()?;
            let (target, originator) = two_accounts(rest)?;
            let Invited { add_type, created } = codec::decode(tree, key, value)?;
            Line::Invitation { title, target, originator, add_type, created }
        }
        Tree::Bans => Line::Ban { id: BanId(number(key)?), ban: codec::decode(tree, key, value)? },
        Tree::Announcements => {
            let (title, rest) = titled()?;
            let AnnouncementRow { created, text } = codec::decode(tree, key, value)?;
            Line::Announcement { title, id: AnnouncementId(number(rest)?), created, text }
        }
        Tree::Policies => Line::Policy {
            title: titled()?.0,
            policy: policy_of_key(key).ok_or_else(bad_key)?,
            text: codec::decode(tree, key, value)?,
        },
        Tree::Games => {
            let (title, rest) = titled()?;
            Line::Game { title, id: GameRecordId(number(rest)?), game: codec::decode(tree, key, value)? }
        }
        Tree::PluginData => {
            let (title, rest) = titled()?;
            let (scope, key) = plugin_data::split_key(rest).ok_or_else(bad_key)?;
            let account = match scope {
                PluginScope::Title => None,
                PluginScope::Account(id) => Some(id),
            };
            Line::PluginData { title, account, key: Text::from(key), value: Text::from(value) }
        }
        Tree::Clans | Tree::DisbandedClans => {
            Line::Clan { title: titled()?.0, clan: codec::decode(tree, key, value)? }
        }
        Tree::ClanMembers => {
            let (title, rest) = titled()?;
            let (clan, member) = rest.split_first_chunk::<4>().ok_or_else(bad_key)?;
            let Membership { since } = codec::decode(tree, key, value)?;
            let account = account(member.try_into().map_err(|_| bad_key())?)?;
            Line::ClanMember { title, clan: ClanId(u32::from_be_bytes(*clan)), account, since }
        }
        Tree::ClanStats => {
            let (title, rest) = titled()?;
            let stats = Box::new(codec::decode(tree, key, value)?);
            Line::ClanStats { title, clan: ClanId(number(rest)?), stats }
        }
        Tree::ClanInvitations => {
            Line::ClanInvitation { title: titled()?.0, invitation: codec::decode(tree, key, value)? }
        }
        Tree::ClanMessages => {
            let (title, rest) = titled()?;
            let clan = rest.first_chunk::<4>().ok_or_else(bad_key)?;
            let clan = ClanId(u32::from_be_bytes(*clan));
            Line::ClanMessage { title, clan, message: codec::decode(tree, key, value)? }
        }
        Tree::ClanChallenges => {
            Line::ClanChallenge { title: titled()?.0, challenge: codec::decode(tree, key, value)? }
        }
        Tree::Files => Line::File { title: titled()?.0, file: codec::decode(tree, key, value)? },
        Tree::FileMetadata => {
            let (title, rest) = titled()?;
            let (file, word) = rest.split_first_chunk::<4>().ok_or_else(bad_key)?;
            let file = FileId(u32::from_be_bytes(*file));
            Line::FileMetadata { title, file, key: Text::from(word), value: codec::decode(tree, key, value)? }
        }
        Tree::FileChunks => {
            let (title, rest) = titled()?;
            let (content, index) = rest.split_first_chunk::<4>().ok_or_else(bad_key)?;
            let content = UploadId(u32::from_be_bytes(*content));
            Line::FileChunk { title, content, index: number(index)?, bytes: value.to_vec() }
        }
        Tree::Tokens => Line::Token { title: titled()?.0, token: codec::decode(tree, key, value)? },
    }))
}

impl Transaction<'_> {
    fn raise_counter(&mut self, name: &'static str, last: u32) -> Result<()> {
        if last == 0 || last > i32::MAX as u32 {
            return Err(StoreError::Invalid {
                field: "number",
                wanted: "1 to 2147483647",
                found: last.to_string(),
            });
        }
        let known: u32 = self.get(Tree::Counters, name.as_bytes())?.unwrap_or(0);
        if last > known { self.put(Tree::Counters, name.as_bytes(), &last) } else { Ok(()) }
    }

    fn import_line(&mut self, line: Line) -> Result<()> {
        match line {
            Line::Header { .. } | Line::End { .. } => Ok(()),
            Line::Counter { name, last } => {
                let known = [
                    counter::ACCOUNT,
                    counter::ANNOUNCEMENT,
                    counter::BAN,
                    counter::CLAN,
                    counter::CLAN_CHALLENGE,
                    counter::CLAN_INVITATION,
                    counter::CLAN_MESSAGE,
                    counter::FILE,
                    counter::FILE_CONTENT,
                    counter::GAME,
                ];
                match known.into_iter().find(|known| *known == name) {
                    Some(known) => self.raise_counter(known, last),
                    None => Err(StoreError::Invalid {
                        field: "counter",
                        wanted: "account, announcement, ban, a clan's, a file's or game",
                        found: name,
                    }),
                }
            }
            Line::Account { title, account } => {
                check_account(&account)?;
                self.raise_counter(counter::ACCOUNT, account.id.get().unsigned_abs())?;
                self.put_account(&title, &account)
            }
            Line::Stats { title, account, stats } => {
                check_stats(&stats)?;
                self.require_account(&title, account)?;
                self.put(Tree::AccountStats, &key::account(&title, account), &*stats)
            }
            Line::Buddy { title, owner, other, since } => {
                self.import_pair(Tree::Buddies, &title, owner, other, &Listed { since })
            }
            Line::Ignored { title, owner, other, since } => {
                self.import_pair(Tree::Ignored, &title, owner, other, &Listed { since })
            }
            Line::Invitation { title, target, originator, add_type, created } => self.import_pair(
                Tree::Invitations,
                &title,
                target,
                originator,
                &Invited { add_type, created },
            ),
            Line::Ban { id, ban } => {
                check_ban(&ban)?;
                self.raise_counter(counter::BAN, id.0)?;
                self.put(Tree::Bans, &id.0.to_be_bytes(), &ban)
            }
            Line::Announcement { title, id, created, text } => {
                check_announcement(&text.0)?;
                self.raise_counter(counter::ANNOUNCEMENT, id.0)?;
                self.put(
                    Tree::Announcements,
                    &key::numbered(&title, id.0),
                    &AnnouncementRow { created, text },
                )
            }
            Line::Policy { title, policy, text } => {
                check_policy(&text.0)?;
                self.put(Tree::Policies, &policy_key(&title, policy), &text)
            }
            Line::Game { title, id, game } => {
                check_game(&game)?;
                self.raise_counter(counter::GAME, id.0)?;
                self.put(Tree::Games, &key::numbered(&title, id.0), &game)
            }
            Line::PluginData { title, account, key, value } => {
                plugin_data::check_key(&key.0)?;
                plugin_data::check_value(&value.0)?;
                let scope = match account {
                    Some(id) => {
                        self.require_account(&title, id)?;
                        PluginScope::Account(id)
                    }
                    None => PluginScope::Title,
                };
                self.put_raw(Tree::PluginData, &plugin_data::full_key(&title, scope, &key.0), value.0);
                Ok(())
            }
            Line::Clan { title, clan } => {
                self.raise_counter(counter::CLAN, clan.id.0)?;
                self.import_clan(&title, &clan)
            }
            Line::ClanMember { title, clan, account, since } => {
                self.import_clan_member(&title, clan, account, since)
            }
            Line::ClanStats { title, clan, stats } => self.import_clan_stats(&title, clan, &stats),
            Line::ClanInvitation { title, invitation } => {
                self.raise_counter(counter::CLAN_INVITATION, invitation.id.0)?;
                self.import_clan_invitation(&title, &invitation)
            }
            Line::ClanMessage { title, clan, message } => {
                self.raise_counter(counter::CLAN_MESSAGE, message.id.0)?;
                self.import_clan_message(&title, clan, &message)
            }
            Line::ClanChallenge { title, challenge } => {
                self.raise_counter(counter::CLAN_CHALLENGE, challenge.id.0)?;
                self.import_clan_challenge(&title, &challenge)
            }
            Line::File { title, file } => {
                self.raise_counter(counter::FILE, file.id.0)?;
                if let Some(content) = file.content {
                    self.raise_counter(counter::FILE_CONTENT, content.0)?;
                }
                self.import_file(&title, &file)
            }
            Line::FileMetadata { title, file, key, value } => {
                self.import_file_metadata(&title, file, &key, &value)
            }
            Line::FileChunk { title, content, index, bytes } => {
                self.import_file_chunk(&title, content, index, bytes)
            }
            Line::Token { title, token } => self.import_token(&title, &token),
        }
    }

    fn import_pair<T: Serialize>(
        &mut self,
        tree: Tree,
        title: &TitleId,
        owner: AccountId,
        other: AccountId,
        row: &T,
    ) -> Result<()> {
        self.require_account(title, owner)?;
        self.require_account(title, other)?;
        self.put(tree, &key::pair(title, owner, other), row)
    }
}

fn first_filled<E: Engine>(engine: &E) -> Result<Option<Tree>> {
    for tree in Tree::ALL {
        // Counters alone are not data: they outlive what they counted.
        if !matches!(tree, Tree::Meta | Tree::Counters | Tree::AccountCounts)
            && engine.scan(*tree, b"", None, false).next().transpose()?.is_some()
        {
            return Ok(Some(*tree));
        }
    }
    Ok(None)
}

/// Lines of an import, each with its number.
struct Lines<'r> {
    from: &'r mut dyn BufRead,
    number: u64,
}

impl Lines<'_> {
    fn error(&self, detail: impl ToString) -> StoreError {
        StoreError::Import { line: self.number, detail: detail.to_string() }
    }

    /// The next line that is not empty, and its length.
    fn next(&mut self) -> Result<Option<(Line, usize)>> {
        loop {
            self.number += 1;
            let mut bytes = Vec::new();
            Read::take(&mut *self.from, MAX_LINE + 1)
                .read_until(b'\n', &mut bytes)
                .map_err(|error| self.error(format_args!("cannot be read: {error}")))?;
            if bytes.is_empty() {
                return Ok(None);
            }
            if bytes.len() as u64 > MAX_LINE {
                return Err(self.error(format_args!("longer than {MAX_LINE} bytes")));
            }
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            // The JSON error counts lines too, and to it this is line 1.
            let wrong =
                |error: serde_json::Error| error.to_string().replace(" at line 1 column ", ", column ");
            let line = serde_json::from_slice(&bytes).map_err(|error| self.error(wrong(error)))?;
            return Ok(Some((line, bytes.len())));
        }
    }
}

impl<E: Engine> Store for Database<E> {
    fn export(&self, to: &mut dyn Write) -> Result<u64> {
        fn put(to: &mut dyn Write, line: &Line) -> Result<()> {
            let failed = |detail: String| StoreError::Export { detail };
            serde_json::to_writer(&mut *to, line).map_err(|error| failed(error.to_string()))?;
            to.write_all(b"\n").map_err(|error| failed(error.to_string()))
        }
        self.write_notes()?;
        self.frozen(|engine| {
            put(to, &Line::Header { format: FORMAT.to_owned(), schema: SCHEMA })?;
            let mut records = 0;
            for tree in Tree::ALL {
                for row in engine.scan(*tree, b"", None, false) {
                    let (key, value) = row?;
                    // Of a file, or of an upload that is not finished, which nobody could finish after an import.
                    if *tree == Tree::FileChunks
                        && engine.get(Tree::FileContents, content_of_chunk(&key))?.is_none()
                    {
                        continue;
                    }
                    if let Some(line) = line_of(*tree, &key, &value)? {
                        put(to, &line)?;
                        records += 1;
                    }
                }
            }
            put(to, &Line::End { records })?;
            to.flush().map_err(|error| StoreError::Export { detail: error.to_string() })?;
            Ok(records)
        })
    }

    fn import(&self, from: &mut dyn BufRead, mode: ImportMode) -> Result<Imported> {
        if mode == ImportMode::Empty
            && let Some(tree) = first_filled(self.engine())?
        {
            return Err(StoreError::NotEmpty { tree: tree.name() });
        }
        let mut lines = Lines { from, number: 0 };
        match lines.next()? {
            Some((Line::Header { format, schema }, _)) => {
                if format != FORMAT {
                    return Err(lines.error(format_args!("format is `{format}`, wanted `{FORMAT}`")));
                }
                if !(1..=SCHEMA).contains(&schema) {
                    return Err(lines.error(format_args!("schema is {schema}, wanted 1 to {SCHEMA}")));
                }
            }
            Some(_) => return Err(lines.error("wanted a line of kind `header` first")),
            None => return Err(lines.error("the file is empty, wanted a line of kind `header` first")),
        }
        // A login of before the import must not be laid over what the file says.
        self.write_notes()?;
        let mut records = 0;
        loop {
            let end = self
                .write(|tx| {
                    let mut bytes = 0;
                    while bytes < PORTION {
                        match lines.next()? {
                            None => {
                                return Err(lines.error(format_args!(
                                    "the file ends after {records} records without a line of kind `end`: it was cut short"
                                )));
                            }
                            Some((Line::Header { .. }, _)) => {
                                return Err(lines.error("a second line of kind `header`"));
                            }
                            Some((Line::End { records: wanted }, _)) => {
                                if wanted != records {
                                    return Err(lines.error(format_args!(
                                        "the end counts {wanted} records, the file has {records}"
                                    )));
                                }
                                return Ok(true);
                            }
                            Some((line, length)) => {
                                tx.import_line(line).map_err(|error| lines.error(error))?;
                                records += 1;
                                bytes += length;
                            }
                        }
                    }
                    Ok(false)
                })?
                .wait()?;
            if end {
                break;
            }
        }
        if lines.next()?.is_some() {
            return Err(lines.error("a line behind the one of kind `end`"));
        }
        Ok(Imported { records })
    }

    fn is_empty(&self) -> Result<bool> {
        Ok(first_filled(self.engine())?.is_none())
    }

    fn flush(&self) -> Result<()> {
        self.write_notes()?;
        self.engine().sync()
    }
}
