//! Outgoing HTTP of plugins: a few threads that ask, and tell the title when there is an answer.
//!
//! A request goes to the host that its URL names and nowhere else: redirects are given to the plugin as they are. Time and size are bounded, and so
//! is the queue.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use ureq::http;

use crate::api::{Error, HttpRequest, HttpResponse};
use crate::grants::Grant;
use crate::plugin::Env;

/// Requests that wait for a thread, of all plugins together.
const QUEUE: usize = 256;
/// From the connection to the last byte of the answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer, in bytes.
const MAX_RESPONSE: u64 = 1 << 20;
/// Most headers of a request, and as many of an answer are told.
const MAX_HEADERS: usize = 64;
/// Longest URL, in bytes.
const MAX_URL: usize = 4096;

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

/// A request of legal form.
#[derive(Debug)]
pub(crate) struct Checked {
    request: http::Request<Vec<u8>>,
    host: String,
    port: Option<u16>,
    plain: bool,
}

impl Checked {
    pub(crate) fn new(asked: HttpRequest) -> Result<Self, Error> {
        let invalid = |what: String| Error::Invalid(what);
        if asked.url.len() > MAX_URL || asked.headers.len() > MAX_HEADERS {
            return Err(invalid(format!(
                "a URL has at most {MAX_URL} bytes, a request at most {MAX_HEADERS} headers"
            )));
        }
        if !matches!(asked.method.as_str(), "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE") {
            return Err(invalid(
                "the method; GET, HEAD, POST, PUT, PATCH and DELETE are possible".to_owned(),
            ));
        }
        let uri: http::Uri = asked.url.parse().map_err(|error| invalid(format!("the URL: {error}")))?;
        let plain = match uri.scheme_str() {
            Some("https") => false,
            Some("http") => true,
            _ => return Err(invalid("the URL does not begin with https://".to_owned())),
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let authority =
            authority.ok_or_else(|| invalid("the URL has no host, or a password in it".to_owned()))?;
        let (host, port) = (authority.host().to_ascii_lowercase(), authority.port_u16());
        let mut builder = http::Request::builder().method(asked.method.as_str()).uri(uri);
        for (name, value) in asked.headers {
            // The framing of the request, and whom it is for, are the host's.
            let own =
                ["host", "content-length", "transfer-encoding", "connection", "te", "upgrade", "trailer"];
            if own.contains(&name.to_ascii_lowercase().as_str()) {
                return Err(invalid(format!("the header {name} is set by the host")));
            }
            builder = builder.header(name, value);
        }
        let request = builder.body(asked.body).map_err(|error| invalid(error.to_string()))?;
        Ok(Self { request, host, port, plain })
    }

    /// The capabilities that allow it: with the port, and for any port.
    pub(crate) fn grants(&self) -> [Grant; 2] {
        let port = self.port.unwrap_or(if self.plain { 80 } else { 443 });
        [Grant::Http(format!("{}:{port}", self.host)), Grant::Http(self.host.clone())]
    }

    /// Not enciphered.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }
}

struct Job {
    request: http::Request<Vec<u8>>,
    env: Arc<Env>,
    incarnation: u64,
    number: u64,
}

/// The threads that ask. None is there before the first request; they end with the pool.
pub(crate) struct HttpPool {
    threads: usize,
    queue: OnceLock<Result<SyncSender<Job>, String>>,
    numbers: AtomicU64,
}

impl HttpPool {
    pub(crate) fn new(threads: usize) -> Self {
        Self { threads: threads.max(1), queue: OnceLock::new(), numbers: AtomicU64::new(1) }
    }

    /// Queues a request; its number.
    pub(crate) fn start(&self, checked: Checked, env: &Arc<Env>, incarnation: u64) -> Result<u64, Error> {
        let queue = self.queue.get_or_init(|| self.spawn());
        let queue = queue.as_ref().map_err(|why| Error::Unavailable(why.clone()))?;
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let job = Job { request: checked.request, env: Arc::clone(env), incarnation, number };
        queue.try_send(job).map(|()| number).map_err(|error| match error {
            TrySendError::Full(_) => Error::Full(format!("{QUEUE} HTTP requests wait")),
            TrySendError::Disconnected(_) => Error::Unavailable("the HTTP threads have ended".to_owned()),
        })
    }

    fn spawn(&self) -> Result<SyncSender<Job>, String> {
        let (sender, receiver) = sync_channel(QUEUE);
        let receiver = Arc::new(Mutex::new(receiver));
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .user_agent("medley")
            .build()
            .new_agent();
        for number in 0..self.threads {
            let (receiver, agent) = (Arc::clone(&receiver), agent.clone());
            std::thread::Builder::new()
                .name(format!("medley-http-{number}"))
                .spawn(move || work(&receiver, &agent))
                .map_err(|error| format!("the HTTP threads do not start: {error}"))?;
        }
        Ok(sender)
    }
}

/// Asks for one job after another, until the pool is gone.
fn work(queue: &Mutex<Receiver<Job>>, agent: &ureq::Agent) {
    loop {
        // The lock is held while waiting: the others wait for the lock instead of the queue.
        let job = match queue.lock() {
            Ok(queue) => queue.recv(),
            Err(_) => return,
        };
        let Ok(job) = job else { return };
        let response = ask(agent, job.request);
        if let Some(done) = &job.env.http {
            done(HttpDone { incarnation: job.incarnation, request: job.number, response });
        }
    }
}

fn ask(agent: &ureq::Agent, request: http::Request<Vec<u8>>) -> Result<HttpResponse, String> {
    let response = if request.body().is_empty() {
        let (parts, _) = request.into_parts();
        agent.run(http::Request::from_parts(parts, ()))
    } else {
        agent.run(request)
    };
    let (parts, mut body) = response.map_err(|error| error.to_string())?.into_parts();
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = parts.headers.iter().take(MAX_HEADERS);
    let headers = headers.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let body = body.with_config().limit(MAX_RESPONSE).read_to_vec().map_err(|error| error.to_string())?;
    Ok(HttpResponse { status: parts.status.as_u16(), headers, body })
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    fn request(url: &str) -> HttpRequest {
        HttpRequest { method: "GET".to_owned(), url: url.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// Answers one connection with fixed bytes and gives back what was asked.
    fn server(answer: Vec<u8>) -> (SocketAddr, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while reader.read_line(&mut head).unwrap() > 2 {}
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            reader.read_exact(&mut body).unwrap();
            // The client may have heard enough and be gone.
            let _ = reader.get_mut().write_all(&answer);
            head + &String::from_utf8(body).unwrap()
        });
        (address, asked)
    }

    fn run(request: HttpRequest) -> Result<HttpResponse, String> {
        let (sender, receiver) = mpsc::channel();
        let mut env = Env::new("title", vec![1], 1);
        env.http = Some(Box::new(move |done| sender.send(done).unwrap()));
        let pool = HttpPool::new(1);
        let number = pool.start(Checked::new(request).unwrap(), &Arc::new(env), 7).unwrap();
        let done = receiver.recv().unwrap();
        assert_eq!((done.request, done.incarnation), (number, 7));
        done.response
    }

    #[test]
    fn a_request_goes_with_its_headers_and_body_and_the_answer_comes_back() {
        let (address, asked) =
            server(b"HTTP/1.1 201 Created\r\nx-a: b\r\ncontent-length: 2\r\n\r\nhi".to_vec());
        let mut request = request(&format!("http://{address}/path?q=1"));
        request.method = "POST".to_owned();
        request.headers = vec![("x-key".to_owned(), "secret".to_owned())];
        request.body = b"{}".to_vec();
        let response = run(request).unwrap();
        assert_eq!((response.status, response.body.as_slice()), (201, &b"hi"[..]));
        assert!(response.headers.contains(&("x-a".to_owned(), "b".to_owned())));
        let asked = asked.join().unwrap();
        assert!(asked.starts_with("POST /path?q=1 HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("x-key: secret\r\n") && asked.ends_with("\r\n\r\n{}"), "{asked}");
    }

    #[test]
    fn a_redirect_is_told_and_not_followed() {
        let answer =
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_vec();
        let (address, _) = server(answer);
        let response = run(request(&format!("http://{address}/"))).unwrap();
        assert_eq!(response.status, 302);
        assert!(response.headers.contains(&("location".to_owned(), "http://127.0.0.1:1/".to_owned())));
    }

    #[test]
    fn an_answer_beyond_the_bound_is_an_error() {
        let mut answer =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", MAX_RESPONSE + 1).into_bytes();
        answer.resize(answer.len() + MAX_RESPONSE as usize + 1, b'x');
        let (address, _) = server(answer);
        assert!(run(request(&format!("http://{address}/"))).is_err());
    }

    #[test]
    fn a_request_of_illegal_form_is_refused_before_anything_is_asked() {
        for url in ["ftp://example.org/", "https://user:secret@example.org/", "/path", "https://", "nonsense"]
        {
            assert!(matches!(Checked::new(request(url)), Err(Error::Invalid(_))), "{url}");
        }
        let mut framing = request("https://example.org/");
        framing.headers = vec![("Host".to_owned(), "other.org".to_owned())];
        assert!(matches!(Checked::new(framing), Err(Error::Invalid(_))));
        let mut split = request("https://example.org/");
        split.headers = vec![("x".to_owned(), "a\r\nb: c".to_owned())];
        assert!(matches!(Checked::new(split), Err(Error::Invalid(_))));
        let mut method = request("https://example.org/");
        method.method = "CONNECT".to_owned();
        assert!(matches!(Checked::new(method), Err(Error::Invalid(_))));
    }

    #[test]
    fn a_capability_is_for_a_host_and_in_the_clear_for_its_port() {
        let grants = |url: &str| Checked::new(request(url)).unwrap().grants().map(|grant| grant.to_string());
        assert_eq!(
            grants("https://Stats.Example.org/x"),
            ["http:stats.example.org:443", "http:stats.example.org"]
        );
        assert_eq!(grants("http://127.0.0.1:8080/"), ["http:127.0.0.1:8080", "http:127.0.0.1"]);
    }
}
