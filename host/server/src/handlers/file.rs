//! Files of a title: there are none.

use medley_wire::enums::CallbackStatus;
use medley_wire::messages::{FileDownloadRequest, Request};

use crate::context::{Context, HandlerResult};

/// FileDownload of a file that is not there: one answer with DBError, size 0 and XferStatus 0, as Sony's server gave
/// Deadlocked for `Post_Score_11101001.post` (`dl_ps2_full_session`, lines 94 and 99).
pub(super) async fn download(ctx: &mut Context, request: &FileDownloadRequest) -> HandlerResult {
    tracing::debug!(file = %request.medius_file_info.file_name, "a file that is not there was asked for");
    ctx.reply(request.answer_with(CallbackStatus::DB_ERROR));
    Ok(())
}
