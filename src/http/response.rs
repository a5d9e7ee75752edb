//! Reading answers: limits, stalls, and going on where a connection broke.

use super::client::causes;
use super::retry::{back_off, is_transient, retry_after};
use super::{Client, HttpError, Request, Settings, Url};
use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, LAST_MODIFIED, RANGE};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use std::io::Write;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;

/// A stretch of this length without a break makes up for earlier breaks.
const FRESH_START: u64 = 1 << 20;
/// So much of an answer that is an error may be read, whatever the request's limit.
const ERROR_LIMIT: u64 = 64 << 10;
/// Local files are read in pieces of this size.
const PIECE: usize = 128 << 10;

/// An answer whose body is still to be read.
pub struct Response {
    request: Request,
    url: Url,
    status: StatusCode,
    headers: HeaderMap,
    source: Source,
    /// The length of the whole body, where it is known.
    length: Option<u64>,
    /// How much of it was handed out.
    taken: u64,
}

enum Source {
    File(tokio::fs::File),
    Wire(Box<Wire>),
}

struct Wire {
    client: Client,
    answer: reqwest::Response,
    /// Bytes that come again after a break and are passed over.
    skip: u64,
    breaks: u32,
    since_break: u64,
    pace: Pace,
}

impl Response {
    pub(super) fn new(
        client: Client,
        request: Request,
        answer: reqwest::Response,
        url: Url,
    ) -> Result<Self, HttpError> {
        let bodiless = request.method == Method::HEAD;
        let length = if bodiless { None } else { number(answer.headers(), CONTENT_LENGTH) };
        let (status, headers) = (answer.status(), answer.headers().clone());
        let wire = Wire { client, answer, skip: 0, breaks: 0, since_break: 0, pace: Pace::default() };
        let source = Source::Wire(Box::new(wire));
        let response = Response { request, url, status, headers, source, length, taken: 0 };
        if !bodiless {
            response.check_length(length.unwrap_or(0), length.is_some())?;
        }
        Ok(response)
    }

    pub(super) async fn open_file(request: Request) -> Result<Self, HttpError> {
        let url = request.url.clone();
        if !request.file_allowed || request.method != Method::GET {
            return Err(HttpError::FileRefused { url });
        }
        let failed = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::NotFound => HttpError::NotFound { url: url.clone() },
            _ => HttpError::File { url: url.clone(), source },
        };
        let path = url.secret().to_file_path().map_err(|()| HttpError::FileRefused { url: url.clone() })?;
        // Looked at before it is opened: opening a pipe would wait for its writer.
        let metadata = tokio::fs::metadata(&path).await.map_err(failed)?;
        if !metadata.is_file() {
            return Err(failed(std::io::Error::other("not a regular file")));
        }
        let file = tokio::fs::File::open(&path).await.map_err(failed)?;
        let response = Response {
            url: url.clone(),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            source: Source::File(file),
            length: Some(metadata.len()),
            taken: 0,
            request,
        };
        response.check_length(metadata.len(), true)?;
        Ok(response)
    }

    /// The URL that answered, after redirects.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// A header's value, where it is plain text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the server says "not now" rather than "no".
    pub fn is_transient(&self) -> bool {
        is_transient(self.status)
    }

    /// How long the server wants us to wait before the next attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers)
    }

    /// The length of the body, where the server told it.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The next piece of the body, at its end nothing.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        loop {
            let piece = match &mut self.source {
                Source::File(file) => read_file(file, &self.url).await?,
                Source::Wire(wire) => match wire.next(self.length, self.taken).await {
                    Ok(piece) => piece,
                    Err(reason) => {
                        self.resume(reason).await?;
                        continue;
                    }
                },
            };
            let Some(piece) = piece else {
                self.check_length(self.taken, true)?;
                return Ok(None);
            };
            self.taken += piece.len() as u64;
            let limit = if self.status.is_success() { self.request.limit } else { self.request.limit.max(ERROR_LIMIT) };
            if self.taken > limit {
                return Err(match self.request.size {
                    Some(expected) => HttpError::WrongSize { url: self.url.clone(), expected, actual: self.taken },
                    None => HttpError::TooLarge { url: self.url.clone(), limit: self.request.limit },
                });
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    /// The whole body, within the request's limit.
    pub async fn bytes(mut self) -> Result<Vec<u8>, HttpError> {
        let mut all = Vec::new();
        while let Some(piece) = self.chunk().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }

    /// Writes the whole body to `sink`; gives its length.
    pub async fn copy_to(mut self, sink: &mut impl Write) -> Result<u64, HttpError> {
        while let Some(piece) = self.chunk().await? {
            sink.write_all(&piece).map_err(|source| HttpError::Sink { url: self.url.clone(), source })?;
        }
        Ok(self.taken)
    }

    /// Judges an announced or a final length.
    fn check_length(&self, length: u64, known: bool) -> Result<(), HttpError> {
        if !self.status.is_success() {
            return Ok(());
        }
        match self.request.size {
            Some(expected) if known && length != expected => {
                Err(HttpError::WrongSize { url: self.url.clone(), expected, actual: length })
            }
            None if length > self.request.limit => {
                Err(HttpError::TooLarge { url: self.url.clone(), limit: self.request.limit })
            }
            _ => Ok(()),
        }
    }

    /// Goes on after a break, from where the body stopped.
    async fn resume(&mut self, reason: String) -> Result<(), HttpError> {
        let Source::Wire(wire) = &mut self.source else { return Ok(()) };
        if wire.since_break >= FRESH_START {
            wire.breaks = 0;
        }
        wire.breaks += 1;
        wire.since_break = 0;
        let settings = wire.client.settings();
        let give_up = |reason| HttpError::Connection { url: self.url.clone(), reason, attempts: wire.breaks };
        if wire.breaks > settings.retries || self.request.method != Method::GET || self.status != StatusCode::OK {
            return Err(give_up(reason));
        }
        let validator = validator(&self.headers);
        if self.taken > 0 && validator.is_none() && !self.request.immutable {
            return Err(give_up(format!("{reason}; going on is not possible, as the server does not name versions")));
        }
        tokio::time::sleep(back_off(settings.back_off, settings.longest_wait, wire.breaks - 1)).await;

        let (answer, url) = wire.client.answer(&self.request, &range(self.taken, validator.as_ref())).await?;
        let same_version = validator.is_none() || self::validator(answer.headers()) == validator;
        wire.skip = match answer.status() {
            StatusCode::PARTIAL_CONTENT if continues(answer.headers(), self.taken, self.length) => 0,
            StatusCode::OK if same_version || self.request.immutable || self.taken == 0 => self.taken,
            _ => return Err(give_up(format!("{reason}; the server cannot go on from there"))),
        };
        wire.answer = answer;
        wire.pace = Pace::default();
        self.url = url;
        Ok(())
    }
}

impl Wire {
    /// The next piece that is new; the error says how the connection broke.
    async fn next(&mut self, length: Option<u64>, taken: u64) -> Result<Option<Bytes>, String> {
        loop {
            let started = Instant::now();
            let settings = self.client.settings();
            let idle = settings.idle_timeout;
            let piece = match tokio::time::timeout(idle, self.answer.chunk()).await {
                Ok(Ok(piece)) => piece,
                Ok(Err(error)) => return Err(format!("the connection broke: {}", causes(&error.without_url()))),
                Err(_) => return Err(format!("the server sent nothing for {idle:?}")),
            };
            let Some(mut piece) = piece else {
                return match length {
                    Some(length) if taken < length => Err(format!("the server stopped at {taken} of {length} bytes")),
                    _ => Ok(None),
                };
            };
            self.pace.check(settings, started.elapsed(), piece.len() as u64)?;
            let old = self.skip.min(piece.len() as u64);
            self.skip -= old;
            let new = piece.split_off(old as usize);
            if !new.is_empty() {
                self.since_break += new.len() as u64;
                return Ok(Some(new));
            }
        }
    }
}

/// Measures how fast a server sends, over the time that is spent waiting for it.
#[derive(Default)]
struct Pace {
    waited: Duration,
    bytes: u64,
}

impl Pace {
    fn check(&mut self, settings: &Settings, waited: Duration, bytes: u64) -> Result<(), String> {
        self.waited += waited;
        self.bytes += bytes;
        if self.waited < settings.rate_window {
            return Ok(());
        }
        let rate = self.bytes as f64 / self.waited.as_secs_f64();
        *self = Pace::default();
        if rate < settings.minimum_rate as f64 {
            return Err(format!("the server sends only {rate:.0} bytes a second"));
        }
        Ok(())
    }
}

async fn read_file(file: &mut tokio::fs::File, url: &Url) -> Result<Option<Bytes>, HttpError> {
    let mut piece = vec![0; PIECE];
    let n = file.read(&mut piece).await.map_err(|source| HttpError::File { url: url.clone(), source })?;
    piece.truncate(n);
    Ok((n > 0).then(|| piece.into()))
}

fn number(headers: &HeaderMap, name: HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// What names this version of the body: a strong entity tag, else the date of the last change.
fn validator(headers: &HeaderMap) -> Option<HeaderValue> {
    let strong = headers.get(ETAG).filter(|tag| !tag.as_bytes().starts_with(b"W/"));
    strong.or_else(|| headers.get(LAST_MODIFIED)).cloned()
}

fn range(from: u64, validator: Option<&HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if from == 0 {
        return headers;
    }
    let range = HeaderValue::from_str(&format!("bytes={from}-")).expect("digits are valid in a header");
    headers.insert(RANGE, range);
    if let Some(validator) = validator {
        headers.insert(IF_RANGE, validator.clone());
    }
    headers
}

/// Whether a partial answer begins at `from` and belongs to a body of the same length.
fn continues(headers: &HeaderMap, from: u64, length: Option<u64>) -> bool {
    let Some((span, total)) = headers
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.strip_prefix("bytes "))
        .and_then(|text| text.split_once('/'))
    else {
        return false;
    };
    let starts = span.split_once('-').and_then(|(start, _)| start.parse::<u64>().ok()) == Some(from);
    let same = match (length, total.parse::<u64>()) {
        (Some(length), Ok(total)) => length == total,
        _ => true,
    };
    starts && same
}
