//! The console over a real socket.

#![allow(clippy::unwrap_used, reason = "a test's helpers may unwrap as its tests do")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use medley_console::{Answer, Console, Source};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

struct Fake {
    ready: AtomicBool,
}

impl Source for Fake {
    fn host(&self) -> Value {
        json!({ "version": "0.0.0" })
    }

    fn not_ready(&self) -> Vec<String> {
        if self.ready.load(Ordering::Relaxed) { Vec::new() } else { vec!["draining".into()] }
    }

    fn titles(&self) -> Answer<'_, Vec<Value>> {
        Box::pin(async { vec![json!({ "id": "ratchet-uya", "players": 2 })] })
    }

    fn title<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Value>> {
        Box::pin(async move {
            (id == "ratchet-uya").then(|| json!({ "channels": [{ "id": 1 }], "games": [], "players": [] }))
        })
    }
}

async fn start(ready: bool) -> (SocketAddr, CancellationToken) {
    let console = Console::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (address, shutdown) = (console.address(), CancellationToken::new());
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || metrics::counter!("medius_test_total").increment(3));
    tokio::spawn(console.serve(Arc::new(Fake { ready: ready.into() }), Some(handle), shutdown.clone()));
    (address, shutdown)
}

async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: medley\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn every_page_answers_and_an_unknown_title_is_told_where_to_look() {
    let (address, _shutdown) = start(true).await;
    assert_eq!(get(address, "/live").await, (200, "ok\n".into()));
    assert_eq!(get(address, "/ready").await, (200, "ready\n".into()));
    assert_eq!(get(address, "/api/v1/host").await, (200, r#"{"version":"0.0.0"}"#.into()));
    assert_eq!(get(address, "/api/v1/titles").await, (200, r#"[{"id":"ratchet-uya","players":2}]"#.into()));
    assert_eq!(get(address, "/api/v1/titles/ratchet-uya/channels").await, (200, r#"[{"id":1}]"#.into()));
    let (status, body) = get(address, "/api/v1/titles/socom").await;
    assert_eq!(status, 404);
    assert!(body.contains("/api/v1/titles lists those that are"), "{body}");
    let (status, body) = get(address, "/metrics").await;
    assert_eq!(status, 200);
    assert!(body.contains("medius_test_total 3"), "{body}");
    assert_eq!(get(address, "/nowhere").await.0, 404);
}

#[tokio::test]
async fn a_draining_host_is_live_but_not_ready() {
    let (address, _shutdown) = start(false).await;
    assert_eq!(get(address, "/live").await.0, 200);
    assert_eq!(get(address, "/ready").await, (503, "draining\n".into()));
}
