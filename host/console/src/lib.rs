//! The operator's side of the host, on MUM's port (10076, loopback unless configured): a read-only JSON view of every
//! title's universe, Prometheus metrics, and the two probes that service managers ask.
//!
//! It knows no titles and no sockets of players: what it shows comes through [`Source`], which the binary implements
//! over the running host. Nothing here changes anything.
//!
//! | path | answer |
//! |---|---|
//! | `/live` | 200 while the process runs |
//! | `/ready` | 200 while every listener accepts; 503 with the reasons while starting or draining |
//! | `/metrics` | Prometheus text |
//! | `/api/v1/host` | version, start time, listeners, titles |
//! | `/api/v1/titles` | one row a title with its totals |
//! | `/api/v1/titles/{title}` | channels, games and players of one title |
//! | `/api/v1/titles/{title}/{part}` | `channels`, `games` or `players` alone |

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A boxed answer of a [`Source`].
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where the console's figures come from.
pub trait Source: Send + Sync + 'static {
    /// Version, start time, listeners, titles.
    fn host(&self) -> Value;
    /// Why the host is not ready; empty if it is.
    fn not_ready(&self) -> Vec<String>;
    /// Brings the gauges up to date; called before `/metrics` is rendered.
    fn refresh_gauges(&self) {}
    /// One row a title with its totals.
    fn titles(&self) -> Answer<'_, Vec<Value>>;
    /// Channels, games and players of a title as one object; `None` for a title that is not served.
    fn title<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Value>>;
}

/// Why the console could not start.
#[derive(Debug, Error)]
#[error("the console cannot listen on {address}: {error}; set listen.console to another port, or 0 for any")]
pub struct BindError {
    /// The address asked for.
    pub address: SocketAddr,
    /// The system's answer.
    #[source]
    pub error: std::io::Error,
}

/// A bound console, not serving yet.
#[derive(Debug)]
pub struct Console {
    listener: TcpListener,
    address: SocketAddr,
}

#[derive(Clone)]
struct Shared {
    source: Arc<dyn Source>,
    metrics: Option<PrometheusHandle>,
}

impl Console {
    /// Binds the console's port; port 0 takes any.
    ///
    /// # Errors
    /// The address is taken or not ours.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let wrap = |error| BindError { address, error };
        let listener = TcpListener::bind(address).await.map_err(wrap)?;
        let address = listener.local_addr().map_err(wrap)?;
        Ok(Self { listener, address })
    }

    /// The address that was bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`. Without `metrics`, `/metrics` answers 404.
    pub async fn serve(
        self,
        source: Arc<dyn Source>,
        metrics: Option<PrometheusHandle>,
        shutdown: CancellationToken,
    ) {
        let router = router(Shared { source, metrics });
        let served =
            axum::serve(self.listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(%error, "the console stopped");
        }
    }
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/live", get(|| async { "ok\n" }))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route(
            "/api/v1/host",
            get(|State(shared): State<Shared>| async move { axum::Json(shared.source.host()) }),
        )
        .route("/api/v1/titles", get(titles))
        .route("/api/v1/titles/{title}", get(title))
        .route("/api/v1/titles/{title}/{part}", get(title_part))
        .fallback(|| async {
            refusal("no such page; see /api/v1/host, /api/v1/titles, /metrics, /live, /ready".into())
        })
        .with_state(shared)
}

async fn ready(State(shared): State<Shared>) -> Response {
    let reasons = shared.source.not_ready();
    if reasons.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n").into_response()
}

async fn metrics(State(shared): State<Shared>) -> Response {
    let Some(metrics) = &shared.metrics else {
        return refusal("metrics are off; set metrics.enabled = true".into());
    };
    shared.source.refresh_gauges();
    metrics.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render()).into_response()
}

async fn titles(State(shared): State<Shared>) -> Response {
    axum::Json(shared.source.titles().await).into_response()
}

async fn title(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    match shared.source.title(&id).await {
        Some(title) => axum::Json(title).into_response(),
        None => refusal(format!("title {id:?} is not served; /api/v1/titles lists those that are")),
    }
}

async fn title_part(State(shared): State<Shared>, Path((id, part)): Path<(String, String)>) -> Response {
    let Some(mut title) = shared.source.title(&id).await else {
        return refusal(format!("title {id:?} is not served; /api/v1/titles lists those that are"));
    };
    match (part.as_str(), title.get_mut(&part)) {
        ("channels" | "games" | "players", Some(rows)) => axum::Json(rows.take()).into_response(),
        _ => refusal(format!("a title has channels, games and players, not {part:?}")),
    }
}

fn refusal(error: String) -> Response {
    (StatusCode::NOT_FOUND, axum::Json(json!({ "error": error }))).into_response()
}
