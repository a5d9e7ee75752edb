//! One blob on its way to a registry (distribution-spec, "Pushing Blobs").
//!
//! A blob goes as one `PUT`. Where that breaks, the registry is asked how much it has, and the rest goes in pieces;
//! where a proxy refuses large bodies, all of it does. Credentials go to the registry's own origin alone, wherever it
//! says that the upload is.

use super::RegistryError;
use super::document::content_digest;
use super::endpoint::Endpoint;
use super::exchange::Said;
use super::outgoing::unfit;
use super::push::Part;
use crate::http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RANGE};
use crate::http::{Authority, HttpError, Method, Request, Response, StatusCode, Url};
use crate::oci::{Descriptor, Digester};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The sizes of pieces that are tried where a blob does not go as a whole, in bytes.
const PIECES: [u64; 2] = [32 << 20, 8 << 20];

/// The smallest piece that the registry takes, but for the last.
const CHUNK_MIN: HeaderName = HeaderName::from_static("oci-chunk-min-length");

/// After so many new bytes, earlier trouble does not count.
const FRESH_START: u64 = 1 << 20;

const DOING: &str = "sending a blob";

/// One blob for one place.
pub(super) struct Upload<'a> {
    pub(super) place: &'a Endpoint,
    pub(super) blob: &'a Descriptor,
    pub(super) part: Part,
    pub(super) travelled: Travelled,
}

/// How a blob came to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrived {
    Sent,
    Mounted,
}

/// Counts the bytes of a blob that have travelled, each once.
#[derive(Clone, Default)]
pub(super) struct Travelled {
    all: Arc<AtomicU64>,
    own: Arc<AtomicU64>,
}

impl Travelled {
    /// A counter for one more blob, which adds to `all`.
    pub(super) fn of(all: &Arc<AtomicU64>) -> Self {
        Travelled { all: all.clone(), own: Arc::default() }
    }

    /// Hears of the bytes of one attempt to send those from `at` to `end`.
    fn from(&self, at: u64, end: u64) -> Arc<dyn Fn(u64) + Send + Sync> {
        let (position, counter) = (AtomicU64::new(at), self.clone());
        Arc::new(move |count| counter.reach((position.fetch_add(count, Ordering::Relaxed) + count).min(end)))
    }

    fn reach(&self, position: u64) {
        let before = self.own.fetch_max(position, Ordering::Relaxed);
        self.all.fetch_add(position.saturating_sub(before), Ordering::Relaxed);
    }
}

/// An upload that the registry has opened.
struct Session {
    url: Url,
    /// The smallest piece, in bytes.
    least: u64,
}

/// What one request has brought.
enum Step {
    /// The registry has taken the blob, and has said by digest what it took or not.
    Done { told: bool },
    /// The registry has so many bytes of it.
    At(u64),
    /// The body was too large for whoever stands before the registry.
    TooLarge,
    /// The registry takes what it got for other content.
    WrongDigest(Said),
    /// It did not work this time; the session may be gone.
    Trouble(RegistryError, Option<Duration>),
}

impl Endpoint {
    /// Opens an upload. One that nobody goes on with harms nobody.
    pub(super) async fn open_upload(
        &self,
        url: Url,
        authority: &Arc<dyn Authority>,
    ) -> Result<Response, RegistryError> {
        let request = Request::new(Method::POST, url).repeatable(true);
        self.ask(request.header(CONTENT_LENGTH, HeaderValue::from_static("0")), authority).await
    }

    /// Where uploads are opened.
    pub(super) fn uploads(&self) -> Result<Url, RegistryError> {
        // With the slash at its end, without which some registries answer by a redirect.
        self.url(&["blobs", "uploads"]).join("uploads/").map_err(|e| self.broken(DOING, e.to_string()))
    }
}

impl Upload<'_> {
    /// Brings the blob there, from another repository of the registry where that has it.
    pub(super) async fn run(&self, from: Option<&str>) -> Result<Arrived, RegistryError> {
        let Some(mut session) = self.begin(from).await? else {
            self.travelled.reach(self.blob.size);
            return Ok(Arrived::Mounted);
        };
        let (mut at, mut furthest, mut troubles, mut doubted) = (0, 0, 0, false);
        let mut piece = None;
        loop {
            let (error, asked) = match self.step(&mut session, at, piece).await? {
                Step::Done { told: true } => break,
                Step::Done { told: false } if self.is_there().await? => break,
                Step::Done { told: false } => {
                    let problem = format!("it has taken {} and does not have it", self.blob.digest);
                    return Err(self.place.broken(DOING, problem));
                }
                Step::At(next) => {
                    at = next;
                    if at >= furthest + FRESH_START {
                        (furthest, troubles) = (at, 0);
                    }
                    continue;
                }
                Step::TooLarge => {
                    piece = Some(self.smaller(piece, session.least)?);
                    continue;
                }
                Step::WrongDigest(said) => {
                    let error = self.doubt(&said).await?;
                    if std::mem::replace(&mut doubted, true) {
                        return Err(error);
                    }
                    // What was joined in the registry may not be what was sent.
                    (session, at) = (self.begin_anew().await?, 0);
                    continue;
                }
                Step::Trouble(error, asked) => (error, asked),
            };
            let Some(pause) = self.place.client.patience(troubles, asked) else { return Err(error) };
            troubles += 1;
            tokio::time::sleep(pause).await;
            match self.position(&mut session).await {
                Some(position) => at = position,
                // The answer alone may have been lost.
                None if self.is_there().await? => break,
                None => (session, at) = (self.begin_anew().await?, 0),
            }
            // Who is refused as too large does not always hear it before the connection is closed.
            if (at > 0 || troubles > 1)
                && let Ok(smaller) = self.smaller(piece, session.least)
            {
                piece = Some(smaller);
            }
        }
        self.travelled.reach(self.blob.size);
        Ok(Arrived::Sent)
    }

    /// Opens an upload; none where the blob could be taken over from the repository `from`.
    async fn begin(&self, from: Option<&str>) -> Result<Option<Session>, RegistryError> {
        if let Some(from) = from {
            let url = self.place.uploads()?.and("mount", &self.blob.digest.to_string()).and("from", from);
            let answer = self.place.open_upload(url, &self.place.pushing(Some(from))).await?;
            match answer.status() {
                StatusCode::CREATED => return Ok(None),
                StatusCode::ACCEPTED => return self.session(&answer).map(Some),
                // Whoever may not read there, or asks a registry that knows no mounts, has to send it.
                _ => {}
            }
        }
        self.begin_anew().await.map(Some)
    }

    async fn begin_anew(&self) -> Result<Session, RegistryError> {
        let authority = self.place.pushing(None);
        let answer = self.place.open_upload(self.place.uploads()?, &authority).await?;
        match answer.status() {
            StatusCode::ACCEPTED => self.session(&answer),
            status if status.is_success() => {
                Err(self.place.broken(DOING, format!("it opens no upload, but answers with status {status}")))
            }
            _ => Err(self.place.refusal(DOING, answer, &authority).await),
        }
    }

    fn session(&self, answer: &Response) -> Result<Session, RegistryError> {
        let url = self.location(answer)?;
        let url = url.ok_or_else(|| self.place.broken(DOING, "it opens an upload without a header `Location`"))?;
        let least = answer.header(&CHUNK_MIN).and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        Ok(Session { url, least })
    }

    fn location(&self, answer: &Response) -> Result<Option<Url>, RegistryError> {
        let Some(text) = answer.header(&LOCATION) else { return Ok(None) };
        let url = answer.url().join(text).map_err(|e| self.place.broken(DOING, format!("its `Location` is {e}")))?;
        if url.is_file() || (answer.url().scheme() == "https" && url.scheme() != "https") {
            return Err(self.place.broken(DOING, format!("its `Location` is {url}, where anybody could read it")));
        }
        Ok(Some(url))
    }

    /// Sends the next piece, or all; then, or with it, what closes the upload.
    async fn step(&self, session: &mut Session, at: u64, piece: Option<u64>) -> Result<Step, RegistryError> {
        let left = self.blob.size - at;
        let closing = left == 0 || (at == 0 && piece.is_none());
        let count = if closing { left } else { left.min(piece.unwrap_or(left)) };
        let mut request = match closing {
            true => Request::new(Method::PUT, session.url.and("digest", &self.blob.digest.to_string())),
            false => Request::new(Method::PATCH, session.url.clone()),
        };
        request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        if !closing {
            let range = format!("{at}-{}", at + count - 1);
            request = request.header(CONTENT_RANGE, HeaderValue::from_str(&range).expect("digits are a header"));
        }
        let sent = self.travelled.from(at, at + count);
        let request = request.body_part(self.part.file.clone(), self.part.at + at, count, sent).repeatable(false);
        let authority = self.place.pushing(None);
        let answer = match self.place.ask(request, &authority).await {
            Ok(answer) => answer,
            Err(RegistryError::Http(HttpError::Source { source, .. })) => {
                return Err(unfit(self.blob, source.to_string()));
            }
            Err(error @ RegistryError::Http(HttpError::Connection { .. })) => return Ok(Step::Trouble(error, None)),
            Err(error) => return Err(error),
        };
        if answer.status().is_success() {
            return if closing { self.close(&answer) } else { self.go_on(session, &answer, at, at + count) };
        }
        let (status, url, asked) = (answer.status(), answer.url().clone(), answer.retry_after());
        let transient = answer.is_transient();
        let said = Said::read(answer).await;
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            return Ok(Step::TooLarge);
        }
        if said.has("DIGEST_INVALID") {
            return Ok(Step::WrongDigest(said));
        }
        let error = self.place.refused(DOING, status, &url, &said, &authority);
        match status {
            StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::CONFLICT | StatusCode::RANGE_NOT_SATISFIABLE => {
                Ok(Step::Trouble(error, asked))
            }
            _ if transient => Ok(Step::Trouble(error, asked)),
            _ => Err(error),
        }
    }

    fn close(&self, answer: &Response) -> Result<Step, RegistryError> {
        match content_digest(answer) {
            Some(told) if told != self.blob.digest => {
                Err(self.place.broken(DOING, format!("it took {} for {told}", self.blob.digest)))
            }
            told => Ok(Step::Done { told: told.is_some() }),
        }
    }

    async fn is_there(&self) -> Result<bool, RegistryError> {
        self.place.has_blob(self.blob, &self.place.pushing(None)).await
    }

    fn go_on(&self, session: &mut Session, answer: &Response, at: u64, end: u64) -> Result<Step, RegistryError> {
        if let Some(url) = self.location(answer)? {
            session.url = url;
        }
        match answer.header(&RANGE).and_then(received) {
            Some(taken) if taken > at && taken <= end => Ok(Step::At(taken)),
            Some(taken) => {
                let problem = format!("it says to have {taken} bytes, and not more than {at} and at most {end}");
                Ok(Step::Trouble(self.place.broken(DOING, problem), None))
            }
            None => Ok(Step::At(end)),
        }
    }

    /// How much of the blob the registry has; none where it does not say, or not clearly.
    async fn position(&self, session: &mut Session) -> Option<u64> {
        let answer = self.place.ask(Request::get(session.url.clone()), &self.place.pushing(None)).await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        let position = answer.header(&RANGE).and_then(received).filter(|taken| *taken <= self.blob.size)?;
        if let Some(url) = self.location(&answer).ok()? {
            session.url = url;
        }
        Some(position)
    }

    /// The next smaller size of pieces.
    fn smaller(&self, piece: Option<u64>, least: u64) -> Result<u64, RegistryError> {
        let now = piece.unwrap_or(u64::MAX);
        let next = PIECES.into_iter().map(|size| size.max(least)).find(|size| *size < now);
        next.ok_or_else(|| RegistryError::TooLarge {
            place: self.place.place(),
            digest: self.blob.digest,
            piece: now.min(self.blob.size),
        })
    }

    /// Reads our own bytes again, after the registry took them for something else: gives its error where they are
    /// right, and ours where they are not.
    async fn doubt(&self, said: &Said) -> Result<RegistryError, RegistryError> {
        let part = self.part.clone();
        let reading = move || {
            let (mut digester, mut buffer, mut at) = (Digester::new(), vec![0; 1 << 20], 0);
            while at < part.size {
                let piece = &mut buffer[..(part.size - at).min(1 << 20) as usize];
                part.file.read_exact_at(piece, part.at + at)?;
                digester.update(piece);
                at += piece.len() as u64;
            }
            Ok::<_, std::io::Error>(digester.finish())
        };
        let read = tokio::task::spawn_blocking(reading).await.unwrap_or_else(|e| Err(std::io::Error::other(e)));
        let actual = read.map_err(|e| unfit(self.blob, e.to_string()))?;
        if actual != self.blob.digest {
            return Err(unfit(self.blob, format!("its content here is damaged: it is {actual}; make it anew")));
        }
        let said = self.place.discreet(said.to_string());
        let problem = format!("it takes {} for other content{said}; what was sent is right", self.blob.digest);
        Ok(self.place.broken(DOING, problem))
    }
}

/// How many bytes a registry has by its header `Range`: `0-N`, the last one included. `0-0` says nothing, as it stands
/// for one byte and for none.
pub(super) fn received(text: &str) -> Option<u64> {
    let text = text.trim();
    let span = text.strip_prefix("bytes").map_or(text, |rest| rest.trim_start_matches(['=', ' ']));
    let (start, last) = span.split_once('-')?;
    let last: u64 = last.parse().ok()?;
    (start == "0" && last > 0).then(|| last.checked_add(1)).flatten()
}
