//! Files of a title (servers.md 7.10). Names, rights and space are the store's affair, inside the step that needs them;
//! here they become statuses. Transfers are [`crate::transfers`].
//!
//! A file that is not there is DBError in every answer, as Sony's server had it for a download; FileDoesNotExist, which
//! public servers use, was never seen.

use medley_store::{
    FileId, FilePermissions, FileRecord, FileSpace, FileUser, NewFile, Page, Store, StoreError,
    Text as StoredText, TitleId, check_file_name,
};
use medley_wire::enums::{CallbackStatus, ComparisonOperator, FileSortBy, SortOrder};
use medley_wire::messages::{
    File, FileAttributes, FileCancelOperationRequest, FileCloseRequest, FileCreateRequest, FileDeleteRequest,
    FileDownloadRequest, FileGetAttributesRequest, FileGetMetaDataRequest, FileListExtRequest,
    FileListRequest, FileMetaData, FileUpdateAuxMetaDataRequest, FileUpdateMetaDataRequest,
    FileUploadRequest, FileUploadResponse, Request,
};
use medley_wire::types::{Blob, Text};

use super::rows::row_of;
use crate::context::{Context, HandlerResult, Refusal, StoreFailure};
use crate::dispatch::aux_metadata_response;
use crate::transfers::{self, Closed};

// ---- files on the wire and in the store ----

fn unsigned_time(at: i64) -> u32 {
    u32::try_from(at).unwrap_or(if at < 0 { 0 } else { u32::MAX })
}

fn number(account: Option<medley_store::AccountId>) -> u32 {
    account.map_or(0, |account| account.get().unsigned_abs())
}

/// A file as it travels. ServerOperationID stays 0: transfers are told apart by their file.
fn wire_file(file: &FileRecord) -> File {
    File {
        file_name: Text::new(file.name.as_bytes()),
        server_checksum: Blob(file.checksum),
        file_id: file.id.0,
        file_size: file.size,
        creation_time_stamp: unsigned_time(file.created),
        owner_id: number(file.owner),
        group_id: file.group,
        owner_permission_rwx: file.permissions.owner,
        group_permission_rwx: file.permissions.group,
        global_permission_rwx: file.permissions.global,
        server_operation_id: 0,
    }
}

fn user(ctx: &Context) -> Result<FileUser, Refusal> {
    Ok(ctx.player()?.stored().map_or(FileUser::Anonymous, FileUser::Account))
}

fn enabled(ctx: &Context) -> bool {
    ctx.app().title().config.files.enabled
}

fn space(ctx: &Context) -> FileSpace {
    let app = ctx.app();
    let rules = &app.title().config.files;
    FileSpace {
        file_bytes: rules.max_file_bytes,
        account_files: rules.max_account_files,
        account_bytes: rules.max_account_bytes,
        title_files: rules.max_files,
        title_bytes: rules.max_bytes,
    }
}

/// A change that the store refused, as a status.
fn refusal(failure: StoreFailure) -> Refusal {
    match &failure {
        StoreFailure::Store(StoreError::AlreadyExists { .. }) => CallbackStatus::FILE_ALREADY_EXISTS.into(),
        StoreFailure::Store(StoreError::LimitReached { .. }) => CallbackStatus::FILE_QUOTA_EXCEEDED.into(),
        StoreFailure::Store(StoreError::Forbidden { .. }) => CallbackStatus::FILE_NO_PERMISSIONS.into(),
        _ => failure.into(),
    }
}

/// The file that a request names: by its name, without one by its number.
fn look_up(store: &dyn Store, title: &TitleId, wanted: &File) -> Result<Option<FileRecord>, StoreError> {
    if wanted.file_name.is_empty() {
        store.file(title, FileId(wanted.file_id))
    } else {
        store.file_by_name(title, wanted.file_name.as_bytes())
    }
}

/// The file that a request names; DBError if there is none.
async fn find(ctx: &Context, wanted: &File) -> Result<FileRecord, Refusal> {
    if !enabled(ctx) {
        return Err(CallbackStatus::DB_ERROR.into());
    }
    let (title, wanted) = (ctx.title_id(), wanted.clone());
    let found = ctx.read(move |store| look_up(store, &title, &wanted)).await?;
    found.ok_or(Refusal::Status(CallbackStatus::DB_ERROR))
}

/// As [`find`], for who may read it.
async fn find_readable(ctx: &Context, wanted: &File) -> Result<FileRecord, Refusal> {
    let file = find(ctx, wanted).await?;
    let (title, by) = (ctx.title_id(), user(ctx)?);
    let (may, file) =
        ctx.read(move |store| store.may_read_file(&title, by, &file).map(|may| (may, file))).await?;
    if may { Ok(file) } else { Err(CallbackStatus::FILE_NO_PERMISSIONS.into()) }
}

// ---- one file ----

/// FileCreate: zeros of the size that the request names. Its owner is who asks, whatever OwnerID says.
pub(super) async fn create(ctx: &mut Context, request: &FileCreateRequest) -> HandlerResult {
    let wanted = &request.medius_file_to_create;
    if !enabled(ctx) || check_file_name(wanted.file_name.as_bytes()).is_err() {
        return Err(CallbackStatus::FILE_INTERNAL_ACCESS_ERROR.into());
    }
    let FileUser::Account(owner) = user(ctx)? else { return Err(CallbackStatus::FILE_NO_PERMISSIONS.into()) };
    let attributes = &request.medius_file_create_attributes;
    let description = &attributes.description.0;
    let length = description.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let new = NewFile {
        name: StoredText::from(wanted.file_name.as_bytes()),
        owner: Some(owner),
        group: wanted.group_id,
        permissions: FilePermissions {
            owner: wanted.owner_permission_rwx,
            group: wanted.group_permission_rwx,
            global: wanted.global_permission_rwx,
        },
        size: wanted.file_size,
        description: description.get(..length).unwrap_or_default().to_vec(),
        streamable: attributes.streamable_flag,
        data_rate: attributes.streaming_data_rate,
        created: ctx.unix_now(),
    };
    let (title, space) = (ctx.title_id(), space(ctx));
    let file = ctx.write(move |store| store.create_file(&title, &new, &space)).await.map_err(refusal)?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.medius_file_info = wire_file(&file);
    ctx.reply(answer);
    Ok(())
}

/// FileDelete.
pub(super) async fn delete(ctx: &mut Context, request: &FileDeleteRequest) -> HandlerResult {
    let file = find(ctx, &request.medius_file_to_delete).await?;
    let (title, by) = (ctx.title_id(), user(ctx)?);
    ctx.write(move |store| store.delete_file(&title, by, file.id)).await.map_err(refusal)?;
    ctx.reply(request.answer_with(CallbackStatus::SUCCESS));
    Ok(())
}

/// FileGetAttributes.
pub(super) async fn get_attributes(ctx: &mut Context, request: &FileGetAttributesRequest) -> HandlerResult {
    let file = find_readable(ctx, &request.medius_file_info).await?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.medius_file_info = wire_file(&file);
    answer.medius_file_attributes_response = FileAttributes {
        description: Blob::new(&file.description),
        last_changed_time_stamp: unsigned_time(file.changed),
        last_changed_by_user_id: number(file.changed_by),
        number_accesses: file.accesses,
        streamable_flag: file.streamable,
        streaming_data_rate: file.data_rate,
    };
    ctx.reply(answer);
    Ok(())
}

// ---- metadata ----

/// FileGetMetaData of one key, or of all with no key or `*`.
pub(super) async fn get_metadata(ctx: &mut Context, request: &FileGetMetaDataRequest) -> HandlerResult {
    let file = find_readable(ctx, &request.medius_file_info).await?;
    let (title, id, key) = (ctx.title_id(), file.id, request.medius_meta_data_requested_key.key);
    let words = ctx.read(move |store| {
        if matches!(key.as_bytes(), b"" | b"*") {
            return store.all_file_metadata(&title, id);
        }
        let value = store.file_metadata(&title, id, key.as_bytes())?;
        Ok(value.map(|value| (StoredText::from(key.as_bytes()), value)).into_iter().collect())
    });
    let words = words.await?;
    let row = row_of(request);
    let rows = words.iter().map(|(key, value)| {
        let mut row = row.clone();
        row.medius_file_info = wire_file(&file);
        row.medius_meta_data_response_key =
            FileMetaData { key: Text::new(key.as_bytes()), value: Text::new(value.as_bytes()) };
        row
    });
    let rows = rows.collect();
    ctx.reply_list(rows)
}

/// FileUpdateMetaData; an empty value takes the key away.
pub(super) async fn update_metadata(ctx: &mut Context, request: &FileUpdateMetaDataRequest) -> HandlerResult {
    let file = set_metadata(ctx, &request.medius_file_info, &request.medius_update_meta_data).await?;
    let mut answer = request.answer_with(CallbackStatus::SUCCESS);
    answer.medius_file = wire_file(&file);
    ctx.reply(answer);
    Ok(())
}

/// FileUpdateAuxMetaData: no source tells how it differs from FileUpdateMetaData, so it does not.
pub(super) async fn update_aux_metadata(
    ctx: &mut Context,
    request: &FileUpdateAuxMetaDataRequest,
) -> HandlerResult {
    let file = set_metadata(ctx, &request.medius_file_info, &request.medius_update_meta_data).await?;
    ctx.reply(aux_metadata_response(request.message_id, CallbackStatus::SUCCESS, wire_file(&file)));
    Ok(())
}

async fn set_metadata(ctx: &Context, of: &File, word: &FileMetaData) -> Result<FileRecord, Refusal> {
    let file = find(ctx, of).await?;
    let (title, by, word, now) = (ctx.title_id(), user(ctx)?, word.clone(), ctx.unix_now());
    let set = ctx.write(move |store| {
        store.set_file_metadata(&title, by, file.id, word.key.as_bytes(), word.value.as_bytes(), now)
    });
    set.await.map_err(refusal)
}

// ---- lists ----

/// What a list request asks for.
struct Query {
    pattern: Vec<u8>,
    larger_than: u32,
    smaller_than: u32,
    owner: u32,
    newer_than: u32,
    /// Rows left out, and rows wanted.
    skip: usize,
    rows: usize,
    key: Vec<u8>,
    value: Vec<u8>,
    operator: ComparisonOperator,
    sort: FileSortBy,
    descending: bool,
}

impl Query {
    /// Numbers that are 0 leave things as they are; so does the largest size, and owner -1.
    fn admits(&self, file: &FileRecord, value: Option<&StoredText>) -> bool {
        name_fits(&self.pattern, file.name.as_bytes())
            && (self.larger_than == 0 || file.size > self.larger_than)
            && (matches!(self.smaller_than, 0 | u32::MAX) || file.size < self.smaller_than)
            && (matches!(self.owner, 0 | u32::MAX) || number(file.owner) == self.owner)
            && (self.newer_than == 0 || unsigned_time(file.changed) > self.newer_than)
            && (self.value.is_empty()
                || value.is_some_and(|value| compares(value.as_bytes(), self.operator, &self.value)))
    }

    fn sort(&self, files: &mut [(FileRecord, Option<StoredText>)]) {
        let number_of =
            |value: &Option<StoredText>| value.as_ref().and_then(|value| as_number(value.as_bytes()));
        match self.sort {
            FileSortBy::FILE_SIZE => files.sort_by_key(|(file, _)| file.size),
            FileSortBy::TIME_STAMP => files.sort_by_key(|(file, _)| file.created),
            FileSortBy::GROUP_ID => files.sort_by_key(|(file, _)| file.group),
            FileSortBy::POPULARITY => files.sort_by_key(|(file, _)| file.accesses),
            FileSortBy::META_VALUE => files.sort_by_key(|(_, value)| number_of(value)),
            FileSortBy::META_STRING => files.sort_by(|(_, a), (_, b)| a.cmp(b)),
            // They come by name.
            _ => {}
        }
        if self.descending && self.sort != FileSortBy::NOTHING {
            files.reverse();
        }
    }

    /// The page. Only files that `by` may read are told of.
    fn run(
        &self,
        store: &dyn Store,
        title: &TitleId,
        by: FileUser,
    ) -> Result<Vec<(FileRecord, Option<StoredText>)>, StoreError> {
        let prefix = self.pattern.split(|byte| *byte == b'*').next().unwrap_or_default();
        let in_order = matches!(self.sort, FileSortBy::NOTHING | FileSortBy::NAME) && !self.descending;
        let enough = self.skip.saturating_add(self.rows);
        let (mut found, mut page) = (Vec::new(), Page::default());
        loop {
            let files = store.files(title, prefix, page.clone())?;
            let Some(last) = files.last() else { break };
            page.after = Some(last.name.clone());
            for file in files {
                let value = if self.key.is_empty() {
                    None
                } else {
                    store.file_metadata(title, file.id, &self.key)?
                };
                if self.admits(&file, value.as_ref()) && store.may_read_file(title, by, &file)? {
                    found.push((file, value));
                }
            }
            if in_order && found.len() >= enough {
                break;
            }
        }
        self.sort(&mut found);
        Ok(found.into_iter().skip(self.skip).take(self.rows).collect())
    }
}

/// FileNameBeginsWith: ASCII case ignored, `*` stands for anything, and anything may follow.
fn name_fits(pattern: &[u8], name: &[u8]) -> bool {
    let (pattern, name) = (pattern.to_ascii_lowercase(), name.to_ascii_lowercase());
    let mut parts = pattern.split(|byte| *byte == b'*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    for part in parts.filter(|part| !part.is_empty()) {
        let Some(at) = rest.windows(part.len()).position(|window| window == part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    true
}

fn as_number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// Numbers as numbers, everything else as text.
fn compares(value: &[u8], operator: ComparisonOperator, with: &[u8]) -> bool {
    let order = match as_number(value).zip(as_number(with)) {
        Some((value, with)) => value.cmp(&with),
        None => value.cmp(with),
    };
    match operator {
        ComparisonOperator::LESS_THAN => order.is_lt(),
        ComparisonOperator::LESS_THAN_OR_EQUAL_TO => order.is_le(),
        ComparisonOperator::GREATER_THAN_OR_EQUAL_TO => order.is_ge(),
        ComparisonOperator::GREATER_THAN => order.is_gt(),
        ComparisonOperator::NOT_EQUALS => order.is_ne(),
        _ => order.is_eq(),
    }
}

async fn run(ctx: &Context, query: Query) -> Result<Vec<(FileRecord, Option<StoredText>)>, Refusal> {
    if !enabled(ctx) || query.rows == 0 {
        return Err(CallbackStatus::NO_RESULT.into());
    }
    let (title, by) = (ctx.title_id(), user(ctx)?);
    Ok(ctx.read(move |store| query.run(store, &title, by)).await?)
}

/// Rows of a page: StartingEntryNumber counts from 1.
fn page(start: u32, size: u32) -> (usize, usize) {
    let rows = usize::try_from(size).unwrap_or(usize::MAX).min(medley_store::limits::PAGE);
    (usize::try_from(start.saturating_sub(1)).unwrap_or(usize::MAX), rows)
}

/// FileListFiles.
pub(super) async fn list(ctx: &mut Context, request: &FileListRequest) -> HandlerResult {
    let (skip, rows) = page(request.starting_entry_number, request.page_size);
    let query = Query {
        pattern: request.file_name_begins_with.as_bytes().to_vec(),
        larger_than: request.filesize_greater_than,
        smaller_than: request.filesize_less_than,
        owner: request.owner_by_id,
        newer_than: request.newer_than_timestamp,
        skip,
        rows,
        key: Vec::new(),
        value: Vec::new(),
        operator: ComparisonOperator::EQUAL_TO,
        sort: FileSortBy::NOTHING,
        descending: false,
    };
    let found = run(ctx, query).await?;
    let row = row_of(request);
    let rows = found.iter().map(|(file, _)| {
        let mut row = row.clone();
        row.medius_file_to_list = wire_file(file);
        row
    });
    let rows = rows.collect();
    ctx.reply_list(rows)
}

/// FileListExt: as FileListFiles, with a word of metadata to compare (no value: all files), which is told too, and an order.
pub(super) async fn list_ext(ctx: &mut Context, request: &FileListExtRequest) -> HandlerResult {
    let (skip, rows) = page(request.starting_entry_number, request.page_size);
    let query = Query {
        pattern: request.file_name_begins_with.as_bytes().to_vec(),
        larger_than: request.filesize_greater_than,
        smaller_than: request.filesize_less_than,
        owner: request.owner_by_id.cast_unsigned(),
        newer_than: request.newer_than_timestamp,
        skip,
        rows,
        key: request.meta_data.key.as_bytes().to_vec(),
        value: request.meta_data.value.as_bytes().to_vec(),
        operator: request.meta_operator,
        sort: request.sort_by,
        descending: request.sort_order == SortOrder::DESCENDING,
    };
    let found = run(ctx, query).await?;
    let row = row_of(request);
    let rows = found.iter().map(|(file, value)| {
        let mut row = row.clone();
        row.medius_file_info = wire_file(file);
        row.meta_value = value.as_ref().map_or(Text::EMPTY, |value| Text::new(value.as_bytes()));
        row
    });
    let rows = rows.collect();
    ctx.reply_list(rows)
}

// ---- transfers ----

/// FileUpload: answered with a FileUploadServerRequest for the first bytes.
pub(super) async fn upload(ctx: &mut Context, request: &FileUploadRequest) -> HandlerResult {
    let file = find(ctx, &request.medius_file_info).await?;
    let (title, by, space) = (ctx.title_id(), user(ctx)?, space(ctx));
    let (id, size) = (file.id, request.ui_data_size);
    let begun = ctx.write(move |store| store.begin_upload(&title, by, id, size, &space));
    let upload = begun.await.map_err(refusal)?;
    transfers::begin_upload(ctx, request.message_id, id, upload, size).await
}

/// FileUploadResponse: the bytes that were asked for.
pub(super) async fn upload_data(ctx: &mut Context, packet: &FileUploadResponse) -> HandlerResult {
    transfers::upload_packet(ctx, packet).await
}

/// FileClose: Success for an upload that is complete; DBError if this connection uploads nothing to the file
/// (servers.md 7.10), TransactionCanceled if its upload was not complete, of which nothing is kept.
pub(super) async fn close(ctx: &mut Context, request: &FileCloseRequest) -> HandlerResult {
    let file = find(ctx, &request.medius_file_info).await?;
    let status = match transfers::close(ctx, file.id).await {
        Closed::Complete => CallbackStatus::SUCCESS,
        Closed::GivenUp => CallbackStatus::TRANSACTION_CANCELED,
        Closed::Nothing => CallbackStatus::DB_ERROR,
    };
    let mut answer = request.answer_with(status);
    answer.medius_file_info = wire_file(&file);
    ctx.reply(answer);
    Ok(())
}

/// FileCancelOperation: stops what goes on with the file; NoResult if nothing does.
pub(super) async fn cancel(ctx: &mut Context, request: &FileCancelOperationRequest) -> HandlerResult {
    let file = find(ctx, &request.medius_file_info).await?;
    let stopped = transfers::cancel(ctx, file.id).await;
    let status = if stopped { CallbackStatus::SUCCESS } else { CallbackStatus::NO_RESULT };
    ctx.reply(request.answer_with(status));
    Ok(())
}

/// FileDownload. Of a file that is not there: one answer with DBError, size 0 and XferStatus 0, as Sony's server gave
/// Deadlocked for `Post_Score_11101001.post` (`dl_ps2_full_session`, lines 94 and 99).
pub(super) async fn download(ctx: &mut Context, request: &FileDownloadRequest) -> HandlerResult {
    let file = match find_readable(ctx, &request.medius_file_info).await {
        Ok(file) => file,
        Err(refusal) => {
            tracing::debug!(file = %request.medius_file_info.file_name, ?refusal, "a download is refused");
            return Err(refusal);
        }
    };
    let (title, id) = (ctx.title_id(), file.id);
    transfers::begin_download(ctx, request.message_id, file).await?;
    // Not waited for: a count is not worth a flush.
    if let Err(error) = ctx.read(move |store| store.count_file_access(&title, id).map(drop)).await {
        tracing::debug!(?error, "a download is not counted");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_the_beginning_of_a_name_with_stars() {
        let fits = [
            ("", "a"),
            ("*", "a"),
            ("fol", "Folder/a"),
            ("FOLDER/*", "folder/a/b"),
            ("f*.dat", "folder/x.dat"),
            ("f*d*a", "fda"),
        ];
        for (pattern, name) in fits {
            assert!(name_fits(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
        for (pattern, name) in
            [("b", "a"), ("folder/*", "folders"), ("f*.dat", "f.txt"), ("*aa", "ba"), ("ab", "a")]
        {
            assert!(!name_fits(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
    }

    #[test]
    fn values_that_are_numbers_compare_as_numbers() {
        use ComparisonOperator as Op;
        assert!(compares(b"9", Op::LESS_THAN, b"10"));
        assert!(!compares(b"9a", Op::LESS_THAN, b"10"));
        assert!(compares(b" 7 ", Op::EQUAL_TO, b"7"));
        assert!(compares(b"b", Op::GREATER_THAN, b"a") && compares(b"a", Op::LESS_THAN_OR_EQUAL_TO, b"a"));
        assert!(compares(b"a", Op::NOT_EQUALS, b"b") && !compares(b"1", Op::GREATER_THAN_OR_EQUAL_TO, b"2"));
    }
}
