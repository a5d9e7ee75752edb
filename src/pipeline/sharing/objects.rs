//! Stores of objects: S3 and Azure differ in addresses, in how requests are signed, and in nothing else that matters here.

use super::super::error::Error;
use super::fields::{Fields, usage};
use super::shelf::{Content, Later, Name, Shelf, Size, refused};
use crate::http::header::CONTENT_LENGTH;
use crate::http::{Client, HttpError, Method, Request, Response, StatusCode, Url};
use crate::oci::Digest;

/// As many contents may be asked to be sent at a time.
const MOST_PARALLEL: usize = 64;

/// The word of S3 for what is somewhere else, which it does not always say itself.
const ELSEWHERE: &str = "PermanentRedirect";

/// So much is read of an answer that says why something is refused.
const LONGEST_REFUSAL: u64 = 16 << 10;

/// What a store's interface is like.
pub(super) trait Dialect: Send + Sync {
    /// The store, in messages.
    fn name(&self) -> &str;

    /// Where an object is.
    fn address(&self, key: &str) -> Url;

    /// A request, signed. `body` is what will be sent with it.
    fn request(&self, method: Method, url: Url, body: Option<(&Digest, u64)>) -> Request;

    /// The request that makes the store, where that is done when it is missing.
    fn make(&self) -> Option<Request>;

    /// What to do about an error, by the store's own word for it.
    fn advice(&self, code: &str) -> &'static str;

    /// The most bytes that one request may send.
    fn largest(&self) -> u64;
}

/// What objects are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keys {
    /// Before digests.
    contents: String,
    /// Those of claims: all are written, the first is read.
    claims: Vec<String>,
    /// As many are sent at a time.
    parallel: usize,
}

impl Keys {
    /// The names that fields say, put together with `join`.
    pub fn read(
        fields: &Fields,
        prefix: &str,
        defaults: [&str; 2],
        join: fn(&[&str]) -> String,
    ) -> Result<Keys, Error> {
        let blobs = fields.text("blobs_prefix").unwrap_or(defaults[0]);
        let manifests = fields.text("manifests_prefix").unwrap_or(defaults[1]);
        let names = fields.text("name").unwrap_or("results").split(';').filter(|name| !name.is_empty());
        // Beside what BuildKit keeps under the same name: neither could read the other's.
        let claims: Vec<String> = names.map(|name| join(&[prefix, manifests, &format!("{name}.kiln")])).collect();
        let contents = join(&[prefix, blobs, ""]);
        let is_clean = |key: &String| key.split('/').all(|part| !matches!(part, "." | ".."));
        if claims.is_empty() || !claims.iter().chain([&contents]).all(is_clean) {
            return Err(usage(format!("`type={}` needs names without `.` and `..` as parts of paths", fields.kind())));
        }
        Ok(Keys { contents, claims, parallel: parallel(fields)? })
    }

    fn content(&self, digest: &Digest) -> String {
        format!("{}{digest}", self.contents)
    }
}

/// How many contents are sent at a time.
fn parallel(fields: &Fields) -> Result<usize, Error> {
    let Some(said) = fields.number("upload_parallelism") else { return Ok(super::MOST_AT_A_TIME) };
    let count = usize::try_from(said).ok().filter(|count| (1..=MOST_PARALLEL).contains(count));
    count.ok_or_else(|| {
        let kind = fields.kind();
        usage(format!("the field `upload_parallelism` of `type={kind}` must be from 1 to {MOST_PARALLEL}"))
    })
}

/// A store that is spoken to.
pub(super) struct Objects<D> {
    pub client: Client,
    pub dialect: D,
    pub keys: Keys,
}

impl<D: Dialect> Objects<D> {
    async fn put_at(&self, key: &str, content: &Content) -> Result<(), Error> {
        let mut answer = self.send(key, content).await?;
        if let (StatusCode::NOT_FOUND, Some(make)) = (answer.status(), self.dialect.make()) {
            // Somebody else may have made it meanwhile.
            self.ask(make).await?;
            answer = self.send(key, content).await?;
        }
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(self.refusal(answer).await),
        }
    }

    /// Sends content until there is an answer for good. Each attempt is signed anew: the one before may have taken longer
    /// than signatures hold.
    async fn send(&self, key: &str, content: &Content) -> Result<Response, Error> {
        let mut attempt = 0;
        loop {
            let about = Some((&content.digest, content.size));
            let request = self.dialect.request(Method::PUT, self.dialect.address(key), about);
            let sent = self.ask(content.sent_with(request).repeatable(false)).await;
            let asked = match &sent {
                Ok(answer) if answer.is_transient() => answer.retry_after(),
                Err(Error::Http(HttpError::Connection { .. })) => None,
                _ => return sent,
            };
            let Some(wait) = self.client.patience(attempt, asked) else { return sent };
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    /// Sends a request. It leads to no other server: it is signed for this one.
    async fn ask(&self, request: Request) -> Result<Response, Error> {
        self.client.fetch(request.any_status().stay()).await.map_err(|error| match error {
            HttpError::Redirect { .. } => self.refused(error.to_string(), ELSEWHERE),
            error => error.into(),
        })
    }

    /// The error for a request that is not met, with what to do about that word of the store.
    fn refused(&self, told: String, code: &str) -> Error {
        let advice = self.dialect.advice(code);
        let told = if advice.is_empty() { told } else { format!("{told}: {advice}") };
        refused(self.dialect.name(), told)
    }

    async fn refusal(&self, answer: Response) -> Error {
        let status = answer.status().as_u16();
        let code = between(&start_of(answer).await, "<Code>", "</Code>").unwrap_or_default();
        let told = if code.is_empty() { String::new() } else { format!(" ({code})") };
        self.refused(format!("it answers with status {status}{told}"), &code)
    }
}

impl<D: Dialect> Shelf for Objects<D> {
    fn open<'a>(&'a self, name: Name<'a>, size: Size) -> Later<'a, Option<Response>> {
        Box::pin(async move {
            let key = match name {
                Name::Claim => self.keys.claims[0].clone(),
                Name::Content(digest) => self.keys.content(digest),
            };
            let request = self.dialect.request(Method::GET, self.dialect.address(&key), None);
            let answer = self.ask(size.bound(request)).await?;
            match answer.status() {
                StatusCode::NOT_FOUND => Ok(None),
                status if status.is_success() => Ok(Some(answer)),
                _ => Err(self.refusal(answer).await),
            }
        })
    }

    fn has<'a>(&'a self, digest: &'a Digest, size: u64) -> Later<'a, bool> {
        Box::pin(async move {
            let address = self.dialect.address(&self.keys.content(digest));
            let answer = self.ask(self.dialect.request(Method::HEAD, address, None)).await?;
            let told = answer.header(&CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
            // Why something may not be asked for is not told here; sending it will.
            Ok(answer.status().is_success() && told.is_none_or(|told| told == size))
        })
    }

    fn put<'a>(&'a self, name: Name<'a>, content: &'a Content) -> Later<'a, ()> {
        Box::pin(async move {
            match name {
                Name::Content(digest) => self.put_at(&self.keys.content(digest), content).await,
                Name::Claim => {
                    for key in &self.keys.claims {
                        self.put_at(key, content).await?;
                    }
                    Ok(())
                }
            }
        })
    }

    fn largest(&self) -> u64 {
        self.dialect.largest()
    }

    fn at_a_time(&self) -> usize {
        self.keys.parallel
    }
}

/// The beginning of an answer, as text.
async fn start_of(mut answer: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > LONGEST_REFUSAL {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A word between two others, if it is a plain one.
fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    let (word, _) = rest.split_once(after)?;
    plain(word)
}

/// A server's word, if it can be shown as it is.
pub(super) fn plain(word: &str) -> Option<String> {
    let is_plain = (1..=64).contains(&word.len()) && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_plain.then(|| word.to_owned())
}

#[cfg(test)]
mod tests;
