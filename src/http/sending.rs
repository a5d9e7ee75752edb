//! Sending bodies: from memory or out of a file, watched so that a connection that stands still is noticed.

use super::request::Body;
use super::{HttpError, Settings, Url};
use bytes::Bytes;
use futures_util::stream;
use reqwest::header::CONTENT_LENGTH;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Files are read in pieces of this size, one ahead of what is sent.
const READ: u64 = 1 << 20;
/// Pieces of this size are handed to the connection: as long as each leaves in time, it does not stand still.
const PIECE: usize = 256 << 10;

/// How far a body has come.
#[derive(Clone)]
pub(super) struct Watch(Arc<Mutex<State>>);

struct State {
    /// When the request began, or the last piece was handed over.
    moved: Instant,
    begun: bool,
    left: u64,
    /// Why the file could not be read.
    unreadable: Option<io::Error>,
}

impl Watch {
    fn new(left: u64) -> Self {
        Watch(Arc::new(Mutex::new(State { moved: Instant::now(), begun: false, left, unreadable: None })))
    }

    fn with<T>(&self, see: impl FnOnce(&mut State) -> T) -> T {
        see(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The time at which it is given up if nothing moves until then, and why.
    fn deadline(&self, settings: &Settings) -> (Instant, String) {
        let (idle, answer) = (settings.idle_timeout, settings.answer_timeout);
        self.with(|state| match (state.left, state.begun) {
            (0, _) => (state.moved + answer, format!("no answer within {answer:?}")),
            (_, true) => (state.moved + idle, format!("the server took nothing for {idle:?}")),
            (_, false) => (state.moved + settings.connect_timeout + idle, "the server takes nothing".into()),
        })
    }
}

/// Adds a body to a message, to be sent from its beginning.
pub(super) fn attach(message: reqwest::RequestBuilder, body: Option<&Body>) -> (reqwest::RequestBuilder, Watch) {
    match body {
        None => (message, Watch::new(0)),
        Some(Body::Bytes(bytes)) => (message.body(bytes.clone()), Watch::new(0)),
        Some(Body::Part { file, at, size, sent }) => {
            let watch = Watch::new(*size);
            let reading = Reading {
                next: None,
                ready: Bytes::new(),
                file: file.clone(),
                at: *at,
                unread: *size,
                used: Used::default(),
            };
            let state = (reading, watch.clone(), sent.clone());
            let pieces = stream::unfold(state, |(mut reading, watch, sent)| async move {
                let piece = match reading.piece().await {
                    Ok(piece) if piece.is_empty() => return None,
                    Ok(piece) => piece,
                    Err(error) => {
                        let copy = io::Error::new(error.kind(), error.to_string());
                        watch.with(|state| state.unreadable = Some(error));
                        return Some((Err(copy), (reading, watch, sent)));
                    }
                };
                let count = piece.len() as u64;
                watch.with(|state| {
                    (state.moved, state.begun, state.left) = (Instant::now(), true, state.left.saturating_sub(count));
                });
                sent(count);
                Some((Ok::<_, io::Error>(piece), (reading, watch, sent)))
            });
            (message.header(CONTENT_LENGTH, *size).body(reqwest::Body::wrap_stream(pieces)), watch)
        }
    }
}

/// Waits for the head of the answer for as long as the body moves, and then for as long as an answer may take.
pub(super) async fn watched(
    message: reqwest::RequestBuilder,
    watch: &Watch,
    settings: &Settings,
    url: &Url,
) -> Result<reqwest::Response, HttpError> {
    let mut answer = std::pin::pin!(message.send());
    let reason = loop {
        let (deadline, reason) = watch.deadline(settings);
        let left = deadline.saturating_duration_since(Instant::now());
        if left == Duration::ZERO {
            break reason;
        }
        match tokio::time::timeout(left, &mut answer).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => {
                if let Some(source) = watch.with(|state| state.unreadable.take()) {
                    return Err(HttpError::Source { url: url.clone(), source });
                }
                break plainly(&error.without_url());
            }
            Err(_) => {}
        }
    };
    Err(HttpError::Connection { url: url.clone(), reason, attempts: 1 })
}

/// What a client puts before the reason: names of its own parts, which tell the user nothing.
const LAYERS: [&str; 6] = [
    "error sending request: ",
    "client error (Connect): ",
    "client error (SendRequest): ",
    "tcp connect error: ",
    "dns error: ",
    "error resolving DNS: ",
];

/// Why there is no answer, and what to do where that is known.
fn plainly(error: &reqwest::Error) -> String {
    let causes = super::client::causes(error);
    let reason = LAYERS.iter().fold(causes.as_str(), |text, layer| text.strip_prefix(layer).unwrap_or(text));
    if reason.contains("InvalidContentType") {
        return "what answers there does not speak TLS; how plain http is allowed is in specs/registries.md".into();
    }
    if let Some(problem) = reason.strip_prefix("invalid peer certificate: ") {
        return format!("its certificate is not accepted ({problem}); whose are accepted is in specs/registries.md");
    }
    match error.is_connect() {
        true => format!("cannot connect: {reason}"),
        false => reason.to_owned(),
    }
}

/// A stretch of a file, read piece by piece in blocking threads.
struct Reading {
    next: Option<JoinHandle<io::Result<Bytes>>>,
    ready: Bytes,
    file: Arc<File>,
    at: u64,
    unread: u64,
    used: Used,
}

impl Reading {
    /// The next piece; empty at the end.
    async fn piece(&mut self) -> io::Result<Bytes> {
        if self.ready.is_empty() {
            let Some(next) = self.next.take().or_else(|| self.ahead()) else { return Ok(Bytes::new()) };
            self.ready = next.await.map_err(io::Error::other)??;
            self.next = self.ahead();
        }
        Ok(self.ready.split_to(PIECE.min(self.ready.len())))
    }

    fn ahead(&mut self) -> Option<JoinHandle<io::Result<Bytes>>> {
        let (at, count) = (self.at, READ.min(self.unread));
        if count == 0 {
            return None;
        }
        self.at += count;
        self.unread -= count;
        let (file, used) = (self.file.clone(), self.used.clone());
        Some(tokio::task::spawn_blocking(move || {
            let bytes = used.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut buffer =
                Buffer { bytes: bytes.unwrap_or_else(|| vec![0; READ as usize]), count: count as usize, used };
            file.read_exact_at(&mut buffer.bytes[..buffer.count], at)?;
            Ok(Bytes::from_owner(buffer))
        }))
    }
}

/// A buffer of [`READ`] bytes that is read into again once all of it was sent: new memory would be cleared each time.
struct Buffer {
    bytes: Vec<u8>,
    count: usize,
    used: Used,
}

/// Buffers that wait to be read into.
type Used = Arc<Mutex<Vec<Vec<u8>>>>;

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.count]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.bytes));
    }
}
