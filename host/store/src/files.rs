//! Files that titles keep on the host (MediusFile): a record, some metadata, and the content in chunks.
//!
//! A file's name is a key and nothing else: no path of the machine is ever made of it. Content is written under a number of
//! its own while it arrives, and becomes the file's in one step when it is whole, so readers see the old content or the
//! new one. What a crash leaves of an upload is swept away when the database is opened.
//!
//! Who may do what and how much fits is decided here, inside the atomic step that does it.

use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use crate::accounts::{check_length, name_key};
use crate::clans::ClanId;
use crate::commit::Pending;
use crate::database::{Database, Transaction, counter, key};
use crate::engine::{Engine, Tree};
use crate::error::{Result, StoreError};
use crate::types::{AccountId, Page, Text, TitleId, UnixSeconds, limits, number_id};

number_id! {
    /// Number of a file, 1 to `i32::MAX`, one counter for the whole store; no number is used twice.
    FileId(u32)
}
number_id! {
    /// Number of the content that an upload writes, as [`FileId`].
    UploadId(u32)
}

/// Who asks for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileUser {
    /// The host itself: an operator. May do everything.
    Host,
    /// A player.
    Account(AccountId),
    /// A player without an account.
    Anonymous,
}

/// Which of a file's three sets of permission bits.
///
/// No source says what the bits mean. Of the three, the middle one is "write" whether they are read as 4-2-1 or as 1-2-4;
/// any bit lets read, and a file with no bit at all, which is what a title that does not care sends, may be read by all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilePermissions {
    /// OwnerPermissionRWX. Kept as sent; an owner may always do everything.
    pub owner: u16,
    /// GroupPermissionRWX: for members of the clan whose number is the file's group.
    pub group: u16,
    /// GlobalPermissionRWX: for everybody.
    pub global: u16,
}

/// The bit that lets write.
const WRITE: u16 = 2;

/// A file, without metadata and content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// Its number.
    pub id: FileId,
    /// Name as typed; see [`check_file_name`]. Unique in its title, ASCII case ignored.
    pub name: Text,
    /// Whose it is; `None`: the host's own.
    pub owner: Option<AccountId>,
    /// GroupID as the title sent it.
    pub group: u32,
    /// Who besides the owner may do what.
    pub permissions: FilePermissions,
    /// Bytes of content, at most [`limits::FILE`].
    pub size: u32,
    /// MD5 of the content: the SDK has 16 bytes for a checksum and no source says of which kind.
    #[serde(with = "crate::codec::hex_array")]
    pub checksum: [u8; 16],
    /// Where the content is; `None`: zeros, as FileCreate leaves it.
    pub content: Option<UploadId>,
    /// When it was made.
    pub created: UnixSeconds,
    /// When content, or metadata, was written last.
    pub changed: UnixSeconds,
    /// Who wrote last; `None`: the host.
    pub changed_by: Option<AccountId>,
    /// Downloads that were begun.
    pub accesses: u32,
    /// What the title says about it, at most [`limits::FILE_DESCRIPTION`] bytes.
    #[serde(with = "crate::codec::hex_bytes")]
    pub description: Vec<u8>,
    /// StreamableFlag as the title sent it.
    pub streamable: u32,
    /// StreamingDataRate as the title sent it.
    pub data_rate: u32,
}

impl FileRecord {
    /// Chunks of its content.
    pub fn chunks(&self) -> u32 {
        chunks(self.size)
    }

    fn allows(&self, by: FileUser, clan: Option<ClanId>, write: bool) -> bool {
        let FileUser::Account(account) = by else {
            return by == FileUser::Host || self.open_to_all(write);
        };
        let lets = |bits: u16| if write { bits & WRITE != 0 } else { bits != 0 };
        let in_group = self.group != 0 && clan.is_some_and(|clan| clan.0 == self.group);
        self.owner == Some(account) || self.open_to_all(write) || (in_group && lets(self.permissions.group))
    }

    fn open_to_all(&self, write: bool) -> bool {
        let FilePermissions { owner, group, global } = self.permissions;
        if write { global & WRITE != 0 } else { global != 0 || (owner == 0 && group == 0) }
    }
}

/// What a file is made from.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// See [`FileRecord::name`].
    pub name: Text,
    /// Whose it will be; `None`: the host's own.
    pub owner: Option<AccountId>,
    /// See [`FileRecord::group`].
    pub group: u32,
    /// See [`FileRecord::permissions`].
    pub permissions: FilePermissions,
    /// Bytes; they are zeros until something is uploaded.
    pub size: u32,
    /// See [`FileRecord::description`].
    pub description: Vec<u8>,
    /// See [`FileRecord::streamable`].
    pub streamable: u32,
    /// See [`FileRecord::data_rate`].
    pub data_rate: u32,
    /// Now.
    pub created: UnixSeconds,
}

/// How much files may take. The host's own files count for the title only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSpace {
    /// Bytes of one file; [`limits::FILE`] holds in any case.
    pub file_bytes: u32,
    /// Files of one account.
    pub account_files: u32,
    /// Bytes of all files of one account.
    pub account_bytes: u64,
    /// Files of the title.
    pub title_files: u32,
    /// Bytes of all files of the title.
    pub title_bytes: u64,
}

impl FileSpace {
    /// For what an operator does: [`limits::FILE`] alone holds.
    pub const UNBOUNDED: Self = Self {
        file_bytes: limits::FILE,
        account_files: u32::MAX,
        account_bytes: u64::MAX,
        title_files: u32::MAX,
        title_bytes: u64::MAX,
    };
}

/// What files take, uploads that are not finished included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FileUsage {
    /// Files.
    pub files: u32,
    /// Bytes.
    pub bytes: u64,
}

/// An upload that is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UploadRow {
    file: FileId,
    owner: Option<AccountId>,
    by: Option<AccountId>,
    size: u32,
}

/// Files of a title. `by` is who asks; what they may not do is [`Forbidden`](StoreError::Forbidden), what does not fit is
/// [`LimitReached`](StoreError::LimitReached).
pub trait Files {
    /// Makes a file of zeros. Refused: a name that is taken or not legal, no room.
    fn create_file(&self, title: &TitleId, new: &NewFile, space: &FileSpace) -> Result<Pending<FileRecord>>;
    /// Looks a file up by number.
    fn file(&self, title: &TitleId, id: FileId) -> Result<Option<FileRecord>>;
    /// Looks a file up by name, ASCII case ignored.
    fn file_by_name(&self, title: &TitleId, name: &[u8]) -> Result<Option<FileRecord>>;
    /// Whether `by` may read a file.
    fn may_read_file(&self, title: &TitleId, by: FileUser, file: &FileRecord) -> Result<bool>;
    /// Files whose names begin with `prefix`, ASCII case ignored, in the order of their names; `page.after` is a name.
    fn files(&self, title: &TitleId, prefix: &[u8], page: Page<Text>) -> Result<Vec<FileRecord>>;
    /// Deletes a file with its metadata and content.
    fn delete_file(&self, title: &TitleId, by: FileUser, id: FileId) -> Result<Pending<()>>;
    /// Makes room for new content of `size` bytes. Nothing of the file changes before [`Files::finish_upload`].
    fn begin_upload(
        &self,
        title: &TitleId,
        by: FileUser,
        id: FileId,
        size: u32,
        space: &FileSpace,
    ) -> Result<Pending<UploadId>>;
    /// Writes a chunk: [`limits::FILE_CHUNK`] bytes, the last one what is left. Durable with the upload's end, not before.
    fn upload_chunk(&self, title: &TitleId, upload: UploadId, index: u32, bytes: &[u8]) -> Result<()>;
    /// Makes what was uploaded the content of its file. Refused while a chunk is missing, and if the file is no more.
    fn finish_upload(
        &self,
        title: &TitleId,
        upload: UploadId,
        now: UnixSeconds,
    ) -> Result<Pending<FileRecord>>;
    /// Forgets an upload, if there is one of that number. The file keeps what it had.
    fn abort_upload(&self, title: &TitleId, upload: UploadId) -> Result<Pending<()>>;
    /// A chunk of the content that `file` had when it was looked up; [`NotFound`](StoreError::NotFound) once that is
    /// replaced or deleted, or behind its end.
    fn file_chunk(&self, title: &TitleId, file: &FileRecord, index: u32) -> Result<Vec<u8>>;
    /// Counts a download.
    fn count_file_access(&self, title: &TitleId, id: FileId) -> Result<Pending<()>>;
    /// Sets a word of metadata; an empty value removes it. At most [`limits::FILE_METADATA`] words.
    fn set_file_metadata(
        &self,
        title: &TitleId,
        by: FileUser,
        id: FileId,
        key: &[u8],
        value: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<FileRecord>>;
    /// One word of metadata.
    fn file_metadata(&self, title: &TitleId, id: FileId, key: &[u8]) -> Result<Option<Text>>;
    /// All metadata of a file: keys and values, in byte order of the keys.
    fn all_file_metadata(&self, title: &TitleId, id: FileId) -> Result<Vec<(Text, Text)>>;
    /// What an account's files take; `None`: all files of the title.
    fn file_usage(&self, title: &TitleId, account: Option<AccountId>) -> Result<FileUsage>;
}

/// Says whether a name can be a file's: 1 to [`limits::FILE_NAME`] bytes, folders apart by `/` (Jak X has them), none of
/// them empty, `.` or `..`; no control characters, no `\`, and no `*`, which is the wildcard of lists.
pub fn check_file_name(name: &[u8]) -> Result<()> {
    check_length("file name", limits::FILE_NAME, name.len())?;
    let legal = |byte: &u8| !byte.is_ascii_control() && !b"\\*".contains(byte);
    let parts = || name.split(|byte| *byte == b'/');
    if name.iter().all(legal) && parts().all(|part| !matches!(part, b"" | b"." | b"..")) {
        return Ok(());
    }
    Err(StoreError::Invalid {
        field: "file name",
        wanted: "names apart by single slashes, none of them . or .., without control characters, \\ and *",
        found: String::from_utf8_lossy(name).into_owned(),
    })
}

fn chunks(size: u32) -> u32 {
    size.div_ceil(limits::FILE_CHUNK)
}

/// Bytes of a chunk; 0 behind the end.
fn chunk_length(size: u32, index: u32) -> usize {
    let left = u64::from(size).saturating_sub(u64::from(index) * u64::from(limits::FILE_CHUNK));
    left.min(u64::from(limits::FILE_CHUNK)) as usize
}

fn file_key(title: &TitleId, id: FileId) -> Vec<u8> {
    key::numbered(title, id.0)
}

fn upload_key(title: &TitleId, upload: UploadId) -> Vec<u8> {
    key::numbered(title, upload.0)
}

pub(crate) fn chunk_key(title: &TitleId, content: UploadId, index: u32) -> Vec<u8> {
    let mut key = upload_key(title, content);
    key.extend_from_slice(&index.to_be_bytes());
    key
}

fn metadata_key(title: &TitleId, id: FileId, word: &[u8]) -> Vec<u8> {
    let mut key = file_key(title, id);
    key.extend_from_slice(word);
    key
}

/// The key that a file's content has in the index of contents, from the key of a chunk.
pub(crate) fn content_of_chunk(key: &[u8]) -> &[u8] {
    key.get(..key.len().saturating_sub(4)).unwrap_or_default()
}

fn missing(title: &TitleId, what: &'static str, key: impl std::fmt::Display) -> StoreError {
    StoreError::NotFound { what, title: title.to_string(), key: key.to_string() }
}

fn full(what: &'static str, owner: String, max: u64) -> StoreError {
    StoreError::LimitReached { what, owner, max: usize::try_from(max).unwrap_or(usize::MAX) }
}

fn check_word(key: &[u8], value: &[u8]) -> Result<()> {
    check_length("metadata key", limits::FILE_METADATA_KEY, key.len())?;
    check_length("metadata value", limits::FILE_METADATA_VALUE, value.len())?;
    if key.is_empty() || key.contains(&0) {
        return Err(StoreError::Invalid {
            field: "metadata key",
            wanted: "at least one byte and no NUL",
            found: String::from_utf8_lossy(key).into_owned(),
        });
    }
    Ok(())
}

fn checksum_of_zeros(size: u32) -> [u8; 16] {
    let zeros = [0; 4096];
    let (mut hash, mut left) = (Md5::new(), size as usize);
    while left > 0 {
        let next = left.min(zeros.len());
        hash.update(zeros.get(..next).unwrap_or_default());
        left -= next;
    }
    hash.finalize().into()
}

impl Transaction<'_> {
    fn require_file(&self, title: &TitleId, id: FileId) -> Result<FileRecord> {
        self.get(Tree::Files, &file_key(title, id))?.ok_or_else(|| missing(title, "file", id))
    }

    /// The file, which `by` may change.
    fn writable_file(&self, title: &TitleId, by: FileUser, id: FileId) -> Result<FileRecord> {
        let file = self.require_file(title, id)?;
        let clan = match by {
            FileUser::Account(account) => self.get(Tree::ClanOf, &key::account(title, account))?,
            FileUser::Host | FileUser::Anonymous => None,
        };
        if file.allows(by, clan, true) {
            return Ok(file);
        }
        Err(StoreError::Forbidden { what: "file", title: title.to_string(), key: file.name.to_string() })
    }

    fn usage(&self, key: &[u8]) -> Result<FileUsage> {
        Ok(self.get(Tree::FileUsage, key)?.unwrap_or_default())
    }

    fn change_usage(
        &mut self,
        title: &TitleId,
        owner: Option<AccountId>,
        change: impl Fn(FileUsage) -> FileUsage,
    ) -> Result<()> {
        for key in
            [Some(key::title(title)), owner.map(|owner| key::account(title, owner))].into_iter().flatten()
        {
            let usage = change(self.usage(&key)?);
            if usage == FileUsage::default() {
                self.remove(Tree::FileUsage, &key);
            } else {
                self.put(Tree::FileUsage, &key, &usage)?;
            }
        }
        Ok(())
    }

    fn take_space(
        &mut self,
        title: &TitleId,
        owner: Option<AccountId>,
        files: u32,
        bytes: u32,
    ) -> Result<()> {
        self.change_usage(title, owner, |usage| FileUsage {
            files: usage.files.saturating_add(files),
            bytes: usage.bytes.saturating_add(bytes.into()),
        })
    }

    fn give_space(
        &mut self,
        title: &TitleId,
        owner: Option<AccountId>,
        files: u32,
        bytes: u32,
    ) -> Result<()> {
        self.change_usage(title, owner, |usage| FileUsage {
            files: usage.files.saturating_sub(files),
            bytes: usage.bytes.saturating_sub(bytes.into()),
        })
    }

    /// Refuses what does not fit: `files` more, and `bytes` in the place of `before`.
    fn check_space(
        &self,
        title: &TitleId,
        owner: Option<AccountId>,
        (files, bytes, before): (u32, u32, u32),
        space: &FileSpace,
    ) -> Result<()> {
        let file_bytes = space.file_bytes.min(limits::FILE);
        if bytes > file_bytes {
            return Err(full("a file", title.to_string(), file_bytes.into()));
        }
        let check = |key: &[u8], max_files: u32, max_bytes: u64, whose: &dyn Fn() -> String| {
            let usage = self.usage(key)?;
            if usage.files.saturating_add(files) > max_files {
                return Err(full("the list of files", whose(), max_files.into()));
            }
            let wanted = usage.bytes.saturating_add(bytes.into()).saturating_sub(before.into());
            if wanted > max_bytes {
                return Err(full("the space for files", whose(), max_bytes));
            }
            Ok(())
        };
        if let Some(owner) = owner {
            let whose = || format!("account {owner}");
            check(&key::account(title, owner), space.account_files, space.account_bytes, &whose)?;
        }
        check(&key::title(title), space.title_files, space.title_bytes, &|| format!("title {title}"))
    }

    fn put_file(&mut self, title: &TitleId, file: &FileRecord) -> Result<()> {
        self.put(Tree::Files, &file_key(title, file.id), file)
    }

    fn drop_chunks(&mut self, title: &TitleId, content: UploadId, size: u32) {
        for index in 0..chunks(size) {
            self.remove(Tree::FileChunks, &chunk_key(title, content, index));
        }
    }

    /// Takes a file's content away; its space stays taken.
    fn drop_content(&mut self, title: &TitleId, file: &FileRecord) {
        if let Some(content) = file.content {
            self.remove(Tree::FileContents, &upload_key(title, content));
            self.drop_chunks(title, content, file.size);
        }
    }

    fn remove_file(&mut self, title: &TitleId, file: &FileRecord) -> Result<()> {
        let key = file_key(title, file.id);
        self.remove(Tree::Files, &key);
        self.remove(Tree::FileNames, &name_key(title, &file.name.0));
        let words: Vec<_> = self
            .scan_before(Tree::FileMetadata, &key)
            .map(|row| row.map(|(key, _)| key))
            .collect::<Result<_>>()?;
        for word in words {
            self.remove(Tree::FileMetadata, &word);
        }
        self.drop_content(title, file);
        self.give_space(title, file.owner, 1, file.size)
    }

    fn drop_upload(&mut self, title: &TitleId, upload: UploadId, row: &UploadRow) -> Result<()> {
        self.remove(Tree::FileUploads, &upload_key(title, upload));
        self.drop_chunks(title, upload, row.size);
        self.give_space(title, row.owner, 0, row.size)
    }

    /// Deletes the files of an account. They have no index by owner: accounts are rarely deleted.
    pub(crate) fn forget_files(&mut self, title: &TitleId, account: AccountId) -> Result<()> {
        let mut own = Vec::new();
        for row in self.scan_before(Tree::Files, &key::title(title)) {
            let (key, value) = row?;
            let file: FileRecord = crate::codec::decode(Tree::Files, &key, &value)?;
            if file.owner == Some(account) {
                own.push(file);
            }
        }
        own.iter().try_for_each(|file| self.remove_file(title, file))
    }

    pub(crate) fn import_file(&mut self, title: &TitleId, file: &FileRecord) -> Result<()> {
        check_file_name(&file.name.0)?;
        check_length("description of a file", limits::FILE_DESCRIPTION, file.description.len())?;
        check_length("file", limits::FILE as usize, file.size as usize)?;
        if let Some(owner) = file.owner {
            self.require_account(title, owner)?;
        }
        if let Some(before) = self.get::<FileRecord>(Tree::Files, &file_key(title, file.id))? {
            self.remove_file(title, &before)?;
        }
        let names = name_key(title, &file.name.0);
        if self.contains(Tree::FileNames, &names)? {
            return Err(taken(title, &file.name));
        }
        self.put(Tree::FileNames, &names, &file.id)?;
        if let Some(content) = file.content {
            self.put(Tree::FileContents, &upload_key(title, content), &file.id)?;
        }
        self.take_space(title, file.owner, 1, file.size)?;
        self.put_file(title, file)
    }

    pub(crate) fn import_file_metadata(
        &mut self,
        title: &TitleId,
        id: FileId,
        word: &Text,
        value: &Text,
    ) -> Result<()> {
        check_word(&word.0, &value.0)?;
        self.require_file(title, id)?;
        self.put(Tree::FileMetadata, &metadata_key(title, id, &word.0), value)
    }

    pub(crate) fn import_file_chunk(
        &mut self,
        title: &TitleId,
        content: UploadId,
        index: u32,
        bytes: Vec<u8>,
    ) -> Result<()> {
        let owner: Option<FileId> = self.get(Tree::FileContents, &upload_key(title, content))?;
        let file =
            self.require_file(title, owner.ok_or_else(|| missing(title, "content of a file", content))?)?;
        check_chunk(file.size, index, &bytes)?;
        self.put_raw(Tree::FileChunks, &chunk_key(title, content, index), bytes);
        Ok(())
    }
}

fn taken(title: &TitleId, name: &Text) -> StoreError {
    StoreError::AlreadyExists { what: "file", title: title.to_string(), key: name.to_string() }
}

fn check_chunk(size: u32, index: u32, bytes: &[u8]) -> Result<()> {
    let wanted = chunk_length(size, index);
    if wanted == bytes.len() && wanted > 0 {
        return Ok(());
    }
    Err(StoreError::Invalid {
        field: "chunk of a file",
        wanted: "as many bytes as its place in the file has",
        found: format!("{} bytes at {index}, where {wanted} belong", bytes.len()),
    })
}

impl<E: Engine> Database<E> {
    /// Removes what uploads left that were not finished when the last process ended.
    pub(crate) fn sweep_uploads(&self) -> Result<()> {
        let mut left = Vec::new();
        for row in self.engine().scan(Tree::FileUploads, b"", None, false) {
            let (key, value) = row?;
            let Some((title, number)) = key::split_title(&key).zip(key::last_number(&key)) else { continue };
            left.push((title.0, UploadId(number), crate::codec::decode(Tree::FileUploads, &key, &value)?));
        }
        for (title, upload, row) in left {
            self.write(|tx| tx.drop_upload(&title, upload, &row))?.wait()?;
        }
        Ok(())
    }

    /// A chunk of a content of `size` bytes.
    fn stored_chunk(&self, title: &TitleId, content: UploadId, size: u32, index: u32) -> Result<Vec<u8>> {
        let key = chunk_key(title, content, index);
        let bytes = self.engine().get(Tree::FileChunks, &key)?;
        let bytes = bytes.ok_or_else(|| missing(title, "content of a file", content))?;
        let wanted = chunk_length(size, index);
        if bytes.len() == wanted {
            return Ok(bytes);
        }
        Err(StoreError::Record {
            tree: Tree::FileChunks.name(),
            key: hex::encode(key),
            wanted: format!("{wanted} bytes"),
            found: format!("{} bytes", bytes.len()),
        })
    }
}

impl<E: Engine> Files for Database<E> {
    fn create_file(&self, title: &TitleId, new: &NewFile, space: &FileSpace) -> Result<Pending<FileRecord>> {
        check_file_name(&new.name.0)?;
        check_length("description of a file", limits::FILE_DESCRIPTION, new.description.len())?;
        // Before the hash, which is work for whoever asks.
        if new.size > space.file_bytes.min(limits::FILE) {
            return Err(full("a file", title.to_string(), space.file_bytes.min(limits::FILE).into()));
        }
        let checksum = checksum_of_zeros(new.size);
        self.write(|tx| {
            let names = name_key(title, &new.name.0);
            if tx.contains(Tree::FileNames, &names)? {
                return Err(taken(title, &new.name));
            }
            if let Some(owner) = new.owner {
                tx.require_account(title, owner)?;
            }
            tx.check_space(title, new.owner, (1, new.size, 0), space)?;
            let file = FileRecord {
                id: FileId(tx.next_number(counter::FILE)?),
                name: new.name.clone(),
                owner: new.owner,
                group: new.group,
                permissions: new.permissions,
                size: new.size,
                checksum,
                content: None,
                created: new.created,
                changed: new.created,
                changed_by: new.owner,
                accesses: 0,
                description: new.description.clone(),
                streamable: new.streamable,
                data_rate: new.data_rate,
            };
            tx.put(Tree::FileNames, &names, &file.id)?;
            tx.take_space(title, file.owner, 1, file.size)?;
            tx.put_file(title, &file)?;
            Ok(file)
        })
    }

    fn file(&self, title: &TitleId, id: FileId) -> Result<Option<FileRecord>> {
        self.get(Tree::Files, &file_key(title, id))
    }

    fn file_by_name(&self, title: &TitleId, name: &[u8]) -> Result<Option<FileRecord>> {
        if name.len() > limits::FILE_NAME {
            return Ok(None);
        }
        match self.get(Tree::FileNames, &name_key(title, name))? {
            Some(id) => self.file(title, id),
            None => Ok(None),
        }
    }

    fn may_read_file(&self, title: &TitleId, by: FileUser, file: &FileRecord) -> Result<bool> {
        let clan = match by {
            FileUser::Account(account) if file.group != 0 => {
                self.get(Tree::ClanOf, &key::account(title, account))?
            }
            _ => None,
        };
        Ok(file.allows(by, clan, false))
    }

    fn files(&self, title: &TitleId, prefix: &[u8], page: Page<Text>) -> Result<Vec<FileRecord>> {
        let rows = page.rows();
        let after = page.after.map(|name| name_key(title, &name.0));
        let mut files = Vec::new();
        for row in
            self.engine().scan(Tree::FileNames, &name_key(title, prefix), after.as_deref(), false).take(rows)
        {
            let (key, value) = row?;
            let id: FileId = crate::codec::decode(Tree::FileNames, &key, &value)?;
            // One that was deleted meanwhile is no error.
            files.extend(self.file(title, id)?);
        }
        Ok(files)
    }

    fn delete_file(&self, title: &TitleId, by: FileUser, id: FileId) -> Result<Pending<()>> {
        self.write(|tx| {
            let file = tx.writable_file(title, by, id)?;
            tx.remove_file(title, &file)
        })
    }

    fn begin_upload(
        &self,
        title: &TitleId,
        by: FileUser,
        id: FileId,
        size: u32,
        space: &FileSpace,
    ) -> Result<Pending<UploadId>> {
        self.write(|tx| {
            let file = tx.writable_file(title, by, id)?;
            tx.check_space(title, file.owner, (0, size, file.size), space)?;
            let upload = UploadId(tx.next_number(counter::FILE_CONTENT)?);
            let by = if let FileUser::Account(account) = by { Some(account) } else { None };
            let row = UploadRow { file: id, owner: file.owner, by, size };
            tx.put(Tree::FileUploads, &upload_key(title, upload), &row)?;
            tx.take_space(title, file.owner, 0, size)?;
            Ok(upload)
        })
    }

    fn upload_chunk(&self, title: &TitleId, upload: UploadId, index: u32, bytes: &[u8]) -> Result<()> {
        // Not waited for: the flush of the upload's end covers it.
        let written = self.write(|tx| {
            let row: Option<UploadRow> = tx.get(Tree::FileUploads, &upload_key(title, upload))?;
            let row = row.ok_or_else(|| missing(title, "upload", upload))?;
            check_chunk(row.size, index, bytes)?;
            tx.put_raw(Tree::FileChunks, &chunk_key(title, upload, index), bytes.to_vec());
            Ok(())
        })?;
        drop(written);
        Ok(())
    }

    fn finish_upload(
        &self,
        title: &TitleId,
        upload: UploadId,
        now: UnixSeconds,
    ) -> Result<Pending<FileRecord>> {
        let of = upload_key(title, upload);
        let row: Option<UploadRow> = self.get(Tree::FileUploads, &of)?;
        let row = row.ok_or_else(|| missing(title, "upload", upload))?;
        // Of what is stored, not of what was sent. Nobody but the uploader writes here, so it needs no writer's turn.
        let mut hash = Md5::new();
        for index in 0..chunks(row.size) {
            hash.update(self.stored_chunk(title, upload, row.size, index)?);
        }
        let checksum = hash.finalize().into();
        self.write(|tx| {
            if !tx.contains(Tree::FileUploads, &of)? {
                return Err(missing(title, "upload", upload));
            }
            let mut file = tx.require_file(title, row.file)?;
            tx.drop_content(title, &file);
            tx.give_space(title, file.owner, 0, file.size)?;
            tx.remove(Tree::FileUploads, &of);
            file.size = row.size;
            file.checksum = checksum;
            file.content = (row.size > 0).then_some(upload);
            file.changed = now;
            file.changed_by = row.by;
            if row.size > 0 {
                tx.put(Tree::FileContents, &of, &file.id)?;
            }
            tx.put_file(title, &file)?;
            Ok(file)
        })
    }

    fn abort_upload(&self, title: &TitleId, upload: UploadId) -> Result<Pending<()>> {
        self.write(|tx| match tx.get::<UploadRow>(Tree::FileUploads, &upload_key(title, upload))? {
            Some(row) => tx.drop_upload(title, upload, &row),
            None => Ok(()),
        })
    }

    fn file_chunk(&self, title: &TitleId, file: &FileRecord, index: u32) -> Result<Vec<u8>> {
        if index >= file.chunks() {
            return Err(missing(title, "chunk of a file", index));
        }
        match file.content {
            Some(content) => self.stored_chunk(title, content, file.size, index),
            None => Ok(vec![0; chunk_length(file.size, index)]),
        }
    }

    fn count_file_access(&self, title: &TitleId, id: FileId) -> Result<Pending<()>> {
        self.write(|tx| {
            let mut file = tx.require_file(title, id)?;
            file.accesses = file.accesses.saturating_add(1);
            tx.put_file(title, &file)
        })
    }

    fn set_file_metadata(
        &self,
        title: &TitleId,
        by: FileUser,
        id: FileId,
        key: &[u8],
        value: &[u8],
        now: UnixSeconds,
    ) -> Result<Pending<FileRecord>> {
        check_word(key, value)?;
        self.write(|tx| {
            let mut file = tx.writable_file(title, by, id)?;
            let word = metadata_key(title, id, key);
            if value.is_empty() {
                tx.remove(Tree::FileMetadata, &word);
            } else {
                let words = tx.scan_before(Tree::FileMetadata, &file_key(title, id)).count();
                if words >= limits::FILE_METADATA && !tx.contains(Tree::FileMetadata, &word)? {
                    return Err(full("the metadata", format!("file {id}"), limits::FILE_METADATA as u64));
                }
                tx.put(Tree::FileMetadata, &word, &Text::from(value))?;
            }
            file.changed = now;
            file.changed_by = if let FileUser::Account(account) = by { Some(account) } else { None };
            tx.put_file(title, &file)?;
            Ok(file)
        })
    }

    fn file_metadata(&self, title: &TitleId, id: FileId, key: &[u8]) -> Result<Option<Text>> {
        self.get(Tree::FileMetadata, &metadata_key(title, id, key))
    }

    fn all_file_metadata(&self, title: &TitleId, id: FileId) -> Result<Vec<(Text, Text)>> {
        let prefix = file_key(title, id);
        let rows = self.engine().scan(Tree::FileMetadata, &prefix, None, false).map(|row| {
            let (key, value) = row?;
            let value = crate::codec::decode(Tree::FileMetadata, &key, &value)?;
            Ok((Text::from(key.get(prefix.len()..).unwrap_or_default()), value))
        });
        rows.collect()
    }

    fn file_usage(&self, title: &TitleId, account: Option<AccountId>) -> Result<FileUsage> {
        let key = account.map_or_else(|| key::title(title), |account| key::account(title, account));
        Ok(self.get(Tree::FileUsage, &key)?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_key_and_never_a_path() {
        for good in
            ["Post_Score_11101001.post", "folder/a", "a b", "\u{e9}", ".hidden", "a..b", &"x".repeat(127)]
        {
            assert!(check_file_name(good.as_bytes()).is_ok(), "{good}");
        }
        let long = "x".repeat(128);
        let bad = [
            "", "/etc", "a/", "a//b", "..", "../a", "a/../b", "a/.", ".", "a\\b", "a\nb", "a\0b", "\x7f",
            "a*", &long,
        ];
        for bad in bad {
            assert!(check_file_name(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn chunks_cover_a_file_to_its_last_byte() {
        let chunk = limits::FILE_CHUNK;
        assert_eq!((chunks(0), chunks(1), chunks(chunk), chunks(chunk + 1)), (0, 1, 1, 2));
        assert_eq!(chunk_length(chunk + 1, 0), chunk as usize);
        assert_eq!(chunk_length(chunk + 1, 1), 1);
        assert_eq!(chunk_length(chunk + 1, u32::MAX), 0);
    }

    #[test]
    fn the_checksum_of_zeros_is_their_md5() {
        // `head -c 5000 /dev/zero | md5sum`
        assert_eq!(hex::encode(checksum_of_zeros(5000)), "6bf95a48f366bdf8af3a198c7b723c77");
        assert_eq!(hex::encode(checksum_of_zeros(0)), "d41d8cd98f00b204e9800998ecf8427e");
    }
}
