//! Stores of objects: S3 and Azure differ in addresses, in how requests are signed, and in nothing else that matters here.

use super::super::error::Error;
use super::fields::{Fields, usage};
use super::parts;
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

    /// A request, signed, and what will be sent with it.
    fn request(&self, method: Method, url: Url, sends: Option<Sends<'_>>) -> Request;

    /// The request that makes the store, where that is done when it is missing.
    fn make(&self) -> Option<Request>;

    /// What to do about an error, by the store's own word for it.
    fn advice(&self, code: &str) -> &'static str;

    /// The request that begins an upload in parts, where there is one: its answer names the upload.
    fn begin(&self, object: &Url) -> Option<Request>;

    /// Where a part goes.
    fn part(&self, object: &Url, upload: &str, number: usize) -> Url;

    /// What a part is called at the end, by the answer to it.
    fn tag(&self, number: usize, answer: &Response) -> Option<String>;

    /// The request that makes an object of the parts.
    fn end(&self, object: &Url, upload: &str, tags: &[String]) -> Request;

    /// Whether an answer to that, which began with success, says that there is an object.
    fn is_made(&self, said: &str) -> bool;

    /// The request that takes back what was sent, where it would stay.
    fn cancel(&self, object: &Url, upload: &str) -> Option<Request>;
}

/// What a request sends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sends<'a> {
    pub digest: &'a Digest,
    pub size: u64,
    /// Whether that is all of an object.
    pub whole: bool,
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
    /// What is larger goes in parts of this size.
    pub part: u64,
}

impl<D: Dialect> Objects<D> {
    async fn put_at(&self, key: &str, content: &Content) -> Result<(), Error> {
        let object = self.dialect.address(key);
        match content.size <= self.part {
            true => self.put_one(&object, content, true).await.map(drop),
            false => self.put_in_parts(&object, content).await,
        }
    }

    /// Sends content, for which the store may have to be made; the answer that it came.
    async fn put_one(&self, to: &Url, content: &Content, whole: bool) -> Result<Response, Error> {
        let mut answer = self.send(to, content, whole).await?;
        if let (StatusCode::NOT_FOUND, Some(make)) = (answer.status(), self.dialect.make()) {
            // Somebody else may have made it meanwhile.
            self.ask(make).await?;
            answer = self.send(to, content, whole).await?;
        }
        self.success(answer).await
    }

    async fn put_in_parts(&self, object: &Url, content: &Content) -> Result<(), Error> {
        let upload = match self.dialect.begin(object) {
            Some(begin) => self.begun(begin).await?,
            None => String::new(),
        };
        let put = self.put_all_parts(object, &upload, content).await;
        if let (Err(_), Some(cancel)) = (&put, self.dialect.cancel(object, &upload)) {
            // Why the upload failed says more than why what came of it cannot be taken back.
            let _ = self.ask(cancel).await;
        }
        put
    }

    /// Begins an upload; its name.
    async fn begun(&self, begin: Request) -> Result<String, Error> {
        let answer = self.ask(begin.repeatable(true)).await?;
        let said = start_of(self.success(answer).await?).await;
        let upload = said.split_once("<UploadId>").and_then(|(_, rest)| rest.split_once("</UploadId>"));
        let upload = upload.and_then(|(upload, _)| printable(upload));
        upload.ok_or_else(|| self.refused("it begins an upload in parts and does not name it".into(), ""))
    }

    async fn put_all_parts(&self, object: &Url, upload: &str, content: &Content) -> Result<(), Error> {
        let put = |number, part: Content| async move {
            let to = self.dialect.part(object, upload, number);
            let answer = self.put_one(&to, &part, false).await?;
            let unnamed = || self.refused("it takes a part and does not name it".into(), "");
            self.dialect.tag(number, &answer).ok_or_else(unnamed)
        };
        let tags = parts::each(content, self.part, put).await?;
        let answer = self.ask(self.dialect.end(object, upload, &tags).repeatable(true)).await?;
        let answer = self.success(answer).await?;
        let said = start_of(answer).await;
        if self.dialect.is_made(&said) {
            return Ok(());
        }
        let code = between(&said, "<Code>", "</Code>").unwrap_or_default();
        let told = if code.is_empty() { String::new() } else { format!(" ({code})") };
        Err(self.refused(format!("it does not put the parts of an upload together{told}"), &code))
    }

    /// Sends content until there is an answer for good. Each attempt is signed anew: the one before may have taken longer
    /// than signatures hold.
    async fn send(&self, to: &Url, content: &Content, whole: bool) -> Result<Response, Error> {
        let mut attempt = 0;
        loop {
            let sends = Sends { digest: &content.digest, size: content.size, whole };
            let request = self.dialect.request(Method::PUT, to.clone(), Some(sends));
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

    /// An answer, if it is one of success.
    async fn success(&self, answer: Response) -> Result<Response, Error> {
        match answer.status().is_success() {
            true => Ok(answer),
            false => Err(self.refusal(answer).await),
        }
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

/// A name of a server's that goes back to it, if it can stand in an address and in XML as it is told.
pub(super) fn printable(name: &str) -> Option<String> {
    let is_good = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '&');
    ((1..=1024).contains(&name.len()) && name.chars().all(is_good)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests;
