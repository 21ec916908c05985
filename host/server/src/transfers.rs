//! File transfers of one connection: what a client uploads, packet by packet as it is asked for, and what it downloads, a
//! few packets whenever it has taken those before.
//!
//! Bounded: one upload and [`MAX_DOWNLOADS`] downloads at a time, a chunk of [`medley_store::limits::FILE_CHUNK`] bytes of
//! each in memory. An upload that is given up, or whose client is gone, leaves nothing behind (`medley_store::Files`).

use std::collections::VecDeque;

use medley_store::{FileId, FileRecord, UploadId, limits};
use medley_wire::AnyMessage;
use medley_wire::enums::{CallbackStatus, FileXferStatus};
use medley_wire::messages::{FileDownloadResponse, FileUploadResponse, FileUploadServerRequest};
use medley_wire::types::{Blob, MessageId};
use tokio::time::Instant;

use crate::context::{Context, Refusal};
use crate::dispatch::Incoming;

/// Bytes of data in one packet of a transfer (servers.md 7.10).
pub(crate) const PACKET: usize = 464;
/// Packets that go out in one turn; about 16 KiB.
const BURST: usize = 32;
/// Downloads of one connection at a time.
const MAX_DOWNLOADS: usize = 4;

/// What goes on.
#[derive(Debug, Default)]
pub(crate) struct Transfers {
    upload: Option<Upload>,
    /// The file of an upload that is complete and that FileClose may close.
    complete: Option<FileId>,
    /// The first one is being sent.
    downloads: VecDeque<Download>,
}

#[derive(Debug)]
struct Upload {
    file: FileId,
    id: UploadId,
    message_id: MessageId,
    size: u32,
    received: u32,
    packets: i32,
    /// What came of the chunk that is not whole yet.
    chunk: Vec<u8>,
    deadline: Instant,
}

#[derive(Debug)]
struct Download {
    file: FileRecord,
    message_id: MessageId,
    offset: u32,
    packets: i32,
    /// The chunk that `offset` lies in.
    chunk: Vec<u8>,
}

impl Upload {
    /// The request for the next packet, or the word that it was the last.
    fn ask(&self, status: FileXferStatus) -> FileUploadServerRequest {
        FileUploadServerRequest {
            i_req_start_byte_index: self.received.cast_signed(),
            i_packet_number: self.packets,
            i_xfer_status: status,
            status_code: CallbackStatus::SUCCESS,
            message_id: self.message_id,
        }
    }

    fn failed(&self, status: CallbackStatus) -> FileUploadServerRequest {
        FileUploadServerRequest { status_code: status, ..self.ask(FileXferStatus::ERROR) }
    }
}

impl Context {
    fn transfers_mut(&mut self) -> &mut Transfers {
        self.transfers.get_or_insert_default()
    }

    /// True while a download has packets to send.
    pub(crate) fn is_sending(&self) -> bool {
        self.transfers.as_ref().is_some_and(|transfers| !transfers.downloads.is_empty())
    }

    /// True for a packet of an upload: what the host asks for does not count as a flood.
    pub(crate) fn asked_for(&self, request: &Incoming) -> bool {
        let uploads = self.transfers.as_ref().is_some_and(|transfers| transfers.upload.is_some());
        uploads && matches!(request, Incoming::Message(AnyMessage::FileUploadResponse(_)))
    }

    /// When an upload is given up, if no packet comes before.
    pub(crate) fn upload_deadline(&self) -> Option<Instant> {
        Some(self.transfers.as_ref()?.upload.as_ref()?.deadline)
    }

    fn next_upload_deadline(&self) -> Instant {
        Instant::now() + self.app().title().config.files.upload_timeout
    }
}

// ---- uploads ----

/// Begins to ask for the content of a file. An upload that was going on is given up: a client has one at a time, so it has
/// forgotten that one.
pub(crate) async fn begin_upload(
    ctx: &mut Context,
    message_id: MessageId,
    file: FileId,
    id: UploadId,
    size: u32,
) -> Result<(), Refusal> {
    abandon_upload(ctx).await;
    let deadline = ctx.next_upload_deadline();
    let upload = Upload { file, id, message_id, size, received: 0, packets: 0, chunk: Vec::new(), deadline };
    let first = upload.ask(FileXferStatus::INITIAL);
    let transfers = ctx.transfers_mut();
    transfers.complete = None;
    transfers.upload = Some(upload);
    if size == 0 {
        return finish_upload(ctx).await;
    }
    ctx.reply(first);
    Ok(())
}

/// Takes a packet of an upload: asks for the next one, or says that it was the last.
pub(crate) async fn upload_packet(ctx: &mut Context, packet: &FileUploadResponse) -> Result<(), Refusal> {
    let deadline = ctx.next_upload_deadline();
    let Some(upload) = ctx.transfers.as_mut().and_then(|transfers| transfers.upload.as_mut()) else {
        // Clients may confirm our End with theirs; anything else has no upload to belong to.
        if !matches!(packet.i_xfer_status, FileXferStatus::END | FileXferStatus::ERROR) {
            ctx.reply(FileUploadServerRequest {
                message_id: packet.message_id,
                status_code: CallbackStatus::FILE_INTERNAL_ACCESS_ERROR,
                i_xfer_status: FileXferStatus::ERROR,
                ..FileUploadServerRequest::default()
            });
        }
        return Ok(());
    };
    if packet.i_xfer_status == FileXferStatus::ERROR {
        tracing::debug!("a client gave an upload up");
        abandon_upload(ctx).await;
        return Ok(());
    }
    let start = u32::try_from(packet.i_start_byte_index).ok();
    let data = usize::try_from(packet.i_data_size).ok().and_then(|length| packet.data.0.get(..length));
    let left = (upload.size - upload.received) as usize;
    let data = data.filter(|data| start == Some(upload.received) && (1..=left).contains(&data.len()));
    let Some(data) = data else {
        tracing::debug!(
            start = packet.i_start_byte_index,
            length = packet.i_data_size,
            wanted = upload.received,
            left,
            "a packet of an upload that was not asked for"
        );
        fail_upload(ctx, CallbackStatus::FILE_INTERNAL_ACCESS_ERROR).await;
        return Ok(());
    };
    upload.deadline = deadline;
    upload.packets = upload.packets.saturating_add(1);
    // At most 464 bytes; `left` bounds the sum.
    upload.received += data.len() as u32;
    upload.chunk.extend_from_slice(data);
    let (id, done) = (upload.id, upload.received == upload.size);
    let chunk_size = limits::FILE_CHUNK as usize;
    if upload.chunk.len() >= chunk_size || done {
        let rest = upload.chunk.split_off(upload.chunk.len().min(chunk_size));
        let bytes = std::mem::replace(&mut upload.chunk, rest);
        // What was received before this chunk's last byte, by chunks.
        let before = upload.received as usize - upload.chunk.len() - bytes.len();
        let index = (before / chunk_size) as u32;
        if write_chunk(ctx, id, index, bytes).await.is_err() {
            fail_upload(ctx, CallbackStatus::FILE_INTERNAL_ACCESS_ERROR).await;
            return Ok(());
        }
    }
    if done {
        return finish_upload(ctx).await;
    }
    if let Some(upload) = ctx.transfers.as_ref().and_then(|transfers| transfers.upload.as_ref()) {
        let next = upload.ask(FileXferStatus::MID);
        ctx.reply(next);
    }
    Ok(())
}

async fn write_chunk(ctx: &Context, id: UploadId, index: u32, bytes: Vec<u8>) -> Result<(), Refusal> {
    let title = ctx.title_id();
    // A writing call that nobody waits for: the upload's end does.
    Ok(ctx.read(move |store| store.upload_chunk(&title, id, index, &bytes)).await?)
}

/// Everything is there: makes it the file's content.
async fn finish_upload(ctx: &mut Context) -> Result<(), Refusal> {
    let Some(upload) = ctx.transfers.as_mut().and_then(|transfers| transfers.upload.take()) else {
        return Ok(());
    };
    if !upload.chunk.is_empty() {
        // The last packet crossed from one chunk into the next, which is the last.
        let index = (upload.size - 1) / limits::FILE_CHUNK;
        if let Err(refusal) = write_chunk(ctx, upload.id, index, upload.chunk.clone()).await {
            tracing::debug!(?refusal, "the end of an upload cannot be kept");
        }
    }
    let (title, id, now) = (ctx.title_id(), upload.id, ctx.unix_now());
    match ctx.write(move |store| store.finish_upload(&title, id, now)).await {
        Ok(file) => {
            tracing::debug!(file = %file.name, size = file.size, "a file was uploaded");
            ctx.transfers_mut().complete = Some(upload.file);
            ctx.reply(upload.ask(FileXferStatus::END));
        }
        Err(failure) => {
            // Deleted meanwhile, or the store is in trouble, which this logs.
            let _ = Refusal::from(failure);
            forget_upload(ctx, id).await;
            ctx.reply(upload.failed(CallbackStatus::FILE_INTERNAL_ACCESS_ERROR));
        }
    }
    Ok(())
}

/// Gives an upload up and tells the client why.
async fn fail_upload(ctx: &mut Context, status: CallbackStatus) {
    if let Some(upload) = abandon_upload(ctx).await {
        ctx.reply(upload.failed(status));
    }
}

/// Gives an upload up.
async fn abandon_upload(ctx: &mut Context) -> Option<Upload> {
    let upload = ctx.transfers.as_mut()?.upload.take()?;
    forget_upload(ctx, upload.id).await;
    Some(upload)
}

async fn forget_upload(ctx: &Context, id: UploadId) {
    let title = ctx.title_id();
    if let Err(error) = ctx.write(move |store| store.abort_upload(&title, id)).await {
        tracing::warn!(?error, "an upload stays in the store until the host starts again");
    }
}

/// Gives the upload up if no packet came for too long; the client is told.
pub(crate) async fn expire_upload(ctx: &mut Context) {
    if ctx.upload_deadline().is_some_and(|deadline| Instant::now() >= deadline) {
        tracing::debug!("an upload stood still for too long");
        fail_upload(ctx, CallbackStatus::TRANSACTION_TIMED_OUT).await;
    }
}

/// Ends everything: the connection does.
pub(crate) async fn abandon(ctx: &mut Context) {
    abandon_upload(ctx).await;
    ctx.transfers = None;
}

/// What FileClose finds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Closed {
    /// An upload that was complete.
    Complete,
    /// One that was not: nothing of it is kept.
    GivenUp,
    /// None.
    Nothing,
}

/// Closes the upload of a file.
pub(crate) async fn close(ctx: &mut Context, file: FileId) -> Closed {
    let Some(transfers) = ctx.transfers.as_mut() else { return Closed::Nothing };
    if transfers.complete.take_if(|complete| *complete == file).is_some() {
        return Closed::Complete;
    }
    if transfers.upload.as_ref().is_some_and(|upload| upload.file == file) {
        abandon_upload(ctx).await;
        return Closed::GivenUp;
    }
    Closed::Nothing
}

/// Stops the upload and the downloads of a file; says whether there were any.
pub(crate) async fn cancel(ctx: &mut Context, file: FileId) -> bool {
    let Some(transfers) = ctx.transfers.as_mut() else { return false };
    let before = transfers.downloads.len();
    transfers.downloads.retain(|download| download.file.id != file);
    let stopped = transfers.downloads.len() < before;
    let uploading = transfers.upload.as_ref().is_some_and(|upload| upload.file == file);
    if uploading {
        abandon_upload(ctx).await;
    }
    stopped || uploading
}

// ---- downloads ----

/// Sends the first packet of a file; the others follow as the client takes them.
pub(crate) async fn begin_download(
    ctx: &mut Context,
    message_id: MessageId,
    file: FileRecord,
) -> Result<(), Refusal> {
    if ctx.transfers.as_ref().is_some_and(|transfers| transfers.downloads.len() >= MAX_DOWNLOADS) {
        return Err(CallbackStatus::SERVER_BUSY.into());
    }
    let mut download = Download { file, message_id, offset: 0, packets: 0, chunk: Vec::new() };
    let packet = next_packet(ctx, &mut download).await?;
    let more = packet.i_xfer_status != FileXferStatus::END;
    ctx.reply(packet);
    if more {
        ctx.transfers_mut().downloads.push_back(download);
    }
    Ok(())
}

/// Sends the next packets of the first download.
pub(crate) async fn send_some(ctx: &mut Context) {
    let Some(mut download) = ctx.transfers.as_mut().and_then(|transfers| transfers.downloads.pop_front())
    else {
        return;
    };
    if ctx.player.is_none() {
        // The session is over, and with it what it asked for.
        return;
    }
    for _ in 0..BURST {
        match next_packet(ctx, &mut download).await {
            Ok(packet) => {
                let last = packet.i_xfer_status == FileXferStatus::END;
                ctx.reply(packet);
                if last {
                    return;
                }
            }
            Err(_) => {
                // Replaced or deleted meanwhile: what came so far is no file.
                ctx.reply(FileDownloadResponse {
                    i_start_byte_index: download.offset.cast_signed(),
                    i_packet_number: download.packets,
                    i_xfer_status: FileXferStatus::ERROR,
                    status_code: CallbackStatus::FILE_INTERNAL_ACCESS_ERROR,
                    message_id: download.message_id,
                    ..FileDownloadResponse::default()
                });
                return;
            }
        }
    }
    ctx.transfers_mut().downloads.push_front(download);
}

/// The next packet. A file of one packet, also an empty one, is its End: a client would wait for more after an Initial
/// (servers.md trap 2).
async fn next_packet(ctx: &Context, download: &mut Download) -> Result<FileDownloadResponse, Refusal> {
    let mut data = Vec::with_capacity(PACKET);
    let (start, size) = (download.offset, download.file.size);
    while data.len() < PACKET && download.offset < size {
        let within = (download.offset % limits::FILE_CHUNK) as usize;
        if within == 0 {
            let (title, file) = (ctx.title_id(), download.file.clone());
            let index = download.offset / limits::FILE_CHUNK;
            download.chunk = ctx.read(move |store| store.file_chunk(&title, &file, index)).await?;
        }
        let rest = download.chunk.get(within..).unwrap_or_default();
        let next = rest.get(..rest.len().min(PACKET - data.len())).unwrap_or_default();
        if next.is_empty() {
            // The store gives whole chunks, so this cannot be.
            return Err(Refusal::Default);
        }
        data.extend_from_slice(next);
        download.offset += next.len() as u32;
    }
    let status = if download.offset >= size {
        FileXferStatus::END
    } else if download.packets == 0 {
        FileXferStatus::INITIAL
    } else {
        FileXferStatus::MID
    };
    let packet = FileDownloadResponse {
        data: Blob::new(&data),
        i_start_byte_index: start.cast_signed(),
        i_data_size: data.len() as i32,
        i_packet_number: download.packets,
        i_xfer_status: status,
        status_code: CallbackStatus::SUCCESS,
        message_id: download.message_id,
    };
    download.packets = download.packets.saturating_add(1);
    Ok(packet)
}
