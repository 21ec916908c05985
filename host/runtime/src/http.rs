//! Outgoing HTTP of plugins.

use crate::api::HttpResponse;

/// A finished HTTP request, to be handed to [`Guest::http_done`](crate::Guest::http_done).
#[derive(Debug)]
pub struct HttpDone {
    /// Which instance asked: one that is gone gets no answer.
    pub(crate) incarnation: u64,
    /// The number that `http.start` returned.
    pub(crate) request: u64,
    /// The response, or what went wrong.
    pub(crate) response: Result<HttpResponse, String>,
}
