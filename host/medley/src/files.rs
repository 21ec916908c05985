//! `medley file`: the files of a title, as an operator puts them there, reads them and takes them away. Rosters, patches
//! and the like, which a title's publisher kept on its servers; and whatever players uploaded.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use medley_store::{
    FilePermissions, FileRecord, FileSpace, FileUser, NewFile, Page, Store, StoreError, StoreHandle, Text,
    TitleId, UnixSeconds, limits,
};
use serde::{Deserialize, Serialize};

use crate::operations::{OperationError, create_new, or_none};
use crate::utc::utc;

/// Rows of one listing.
const LISTED: usize = 500;

/// What is done with a file of a title.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FileAction {
    /// Makes it, or replaces its content.
    Put { name: String, from: PathBuf },
    /// Writes its content into a file that is not there yet.
    Get { name: String, to: PathBuf },
    /// Deletes it.
    Remove { name: String },
    /// Lists those whose names begin so.
    List { prefix: String },
}

impl FileAction {
    /// Does it; the lines are for the operator.
    pub(crate) async fn perform(
        self,
        store: &StoreHandle,
        title: TitleId,
        now: UnixSeconds,
    ) -> Result<Vec<String>, OperationError> {
        match self {
            Self::Put { name, from } => {
                let content = read(&from)?;
                let file = store.read(move |store| put(store, &title, &name, &content, now)).await?;
                Ok(vec![format!("file {} `{}`: {} bytes", file.id, file.name, file.size)])
            }
            Self::Get { name, to } => {
                let (title, wanted) = (title, name);
                let found = store.read(move |store| find(store, &title, &wanted).map(|file| (title, file)));
                let (title, file) = found.await?;
                let mut out = create_new(&to)?;
                let size = file.size;
                let content = store.read(move |store| content(store, &title, &file)).await;
                let written = content.map_err(OperationError::from).and_then(|content| {
                    let write = out.write_all(&content).and_then(|()| out.sync_all());
                    write.map_err(|error| OperationError::File { file: to.clone(), error })
                });
                if let Err(error) = written {
                    // Half a file must not be taken for a whole one.
                    let _ = std::fs::remove_file(&to);
                    return Err(error);
                }
                Ok(vec![format!("{size} bytes written to {}", to.display())])
            }
            Self::Remove { name } => {
                let removed = store.read(move |store| {
                    let file = find(store, &title, &name)?;
                    store.delete_file(&title, FileUser::Host, file.id)?.wait()?;
                    Ok(file)
                });
                let file = removed.await?;
                Ok(vec![format!("file {} `{}` removed", file.id, file.name)])
            }
            Self::List { prefix } => {
                let listed =
                    store.read(move |store| store.files(&title, prefix.as_bytes(), Page::first(LISTED)));
                let files = listed.await?;
                let mut lines: Vec<_> = files.iter().map(describe).collect();
                if files.len() == LISTED {
                    lines.push("there may be more: give the beginning of a name".into());
                }
                Ok(or_none(lines, "no files"))
            }
        }
    }
}

fn describe(file: &FileRecord) -> String {
    let owner = file.owner.map_or_else(|| "the host".into(), |owner| format!("account #{owner}"));
    format!(
        "{}\t{}\t{} bytes\tof {owner}\tchanged {}\tdownloads {}",
        file.id,
        file.name,
        file.size,
        utc(file.changed),
        file.accesses
    )
}

fn read(from: &Path) -> Result<Vec<u8>, OperationError> {
    let failed = |error| OperationError::File { file: from.to_owned(), error };
    let mut content = Vec::new();
    let opened = File::open(from).map_err(failed)?;
    opened.take(u64::from(limits::FILE) + 1).read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}

fn find(store: &dyn Store, title: &TitleId, name: &str) -> Result<FileRecord, StoreError> {
    store.file_by_name(title, name.as_bytes())?.ok_or_else(|| StoreError::NotFound {
        what: "file",
        title: title.to_string(),
        key: name.to_owned(),
    })
}

/// A file that is there keeps its owner; a new one is the host's. Bounds of players do not hold for operators.
fn put(
    store: &dyn Store,
    title: &TitleId,
    name: &str,
    content: &[u8],
    now: UnixSeconds,
) -> Result<FileRecord, StoreError> {
    let space = FileSpace::UNBOUNDED;
    // One that is too long is refused by its first byte too many.
    let size = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let file = match store.file_by_name(title, name.as_bytes())? {
        Some(file) => file,
        None => {
            let new = NewFile {
                name: Text::from(name),
                owner: None,
                group: 0,
                permissions: FilePermissions::default(),
                size,
                description: Vec::new(),
                streamable: 0,
                data_rate: 0,
                created: now,
            };
            store.create_file(title, &new, &space)?.wait()?
        }
    };
    let upload = store.begin_upload(title, FileUser::Host, file.id, size, &space)?.wait()?;
    let written = (0..)
        .zip(content.chunks(limits::FILE_CHUNK as usize))
        .try_for_each(|(index, chunk)| store.upload_chunk(title, upload, index, chunk));
    let finished =
        written.and_then(|()| store.finish_upload(title, upload, now)).and_then(|done| done.wait());
    if finished.is_err() {
        // What failed is told already.
        let _ = store.abort_upload(title, upload).map(drop);
    }
    finished
}

fn content(store: &dyn Store, title: &TitleId, file: &FileRecord) -> Result<Vec<u8>, StoreError> {
    let mut content = Vec::with_capacity(file.size as usize);
    for index in 0..file.chunks() {
        content.extend_from_slice(&store.file_chunk(title, file, index)?);
    }
    Ok(content)
}
