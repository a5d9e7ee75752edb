//! The cache of GitHub's Actions, in the second version of its protocol: `type=gha`.
//!
//! The service is asked, with a token, where an entry is; the entry itself is a blob behind a signed address, which is asked
//! for without the token. An entry never changes. So each claim is a new entry whose key ends in its time, and the newest
//! whose key begins as it should is the one that counts.

use super::super::error::Error;
use super::PlaceDefaults;
use super::azure;
use super::fields::{Fields, Value, usage};
use super::objects::plain;
use super::parts::{self, PART};
use super::shelf::{Clock, Content, Later, Name, Shelf, Size, refused};
use crate::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use crate::http::{Client, Method, Request, Response, StatusCode, Url};
use crate::oci::Digest;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub(super) const FIELDS: &[(&str, Value)] = &[
    ("scope", Value::Text),
    ("url", Value::Address),
    ("url_v2", Value::Address),
    ("token", Value::Secret),
    ("version", Value::One(&["1", "2"])),
    ("repository", Value::Text),
    ("ghtoken", Value::Secret),
];

const NAME: &str = "the cache of GitHub Actions";

const SERVICE: [&str; 2] = ["twirp", "github.actions.results.api.v1.CacheService"];

/// The most bytes of an answer of the service.
const LONGEST_ANSWER: u64 = 64 << 10;

/// A cache.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    service: Url,
    token: SecretString,
    scope: String,
}

impl Cache {
    /// The cache that fields name; what they do not say, the environment does.
    pub fn read(fields: &Fields, defaults: &PlaceDefaults) -> Result<Cache, Error> {
        let service = fields.text("url_v2").or(defaults.github_results_url.as_deref());
        let older = fields.text("version") == Some("1");
        let has_older = fields.text("url").is_some() || defaults.github_cache_url.is_some();
        let service = match service.filter(|_| !older) {
            Some(service) => service,
            None if older || has_older => {
                return Err(usage(
                    "`type=gha` speaks the second version of the cache's protocol, as GitHub has shut down the first: set \
                     ACTIONS_RESULTS_URL, or add `url_v2=…`",
                ));
            }
            None => return Err(not_exported("ACTIONS_RESULTS_URL", "url_v2")),
        };
        let wrong =
            || usage("the address of the cache of GitHub Actions must be one such as https://results.example.com/");
        let url: Url = service.parse().map_err(|_| wrong())?;
        if url.is_file() || service.contains(['?', '#', '@']) {
            return Err(wrong());
        }
        let token = fields.secret("token").or_else(|| defaults.github_token.clone());
        let token = token.ok_or_else(|| not_exported("ACTIONS_RUNTIME_TOKEN", "token"))?;
        Ok(Cache { service: url, token, scope: fields.text("scope").unwrap_or("kiln").to_owned() })
    }

    /// The cache as a shelf.
    pub fn shelf(&self, client: Client, clock: Clock) -> Box<dyn Shelf> {
        Box::new(Entries { cache: self.clone(), client, clock, part: PART })
    }

    /// What the keys of claims of this scope begin with. A scope is a digest there: what is in it ends no key early.
    fn claims(&self) -> String {
        format!("kiln-results-1-{}-", &Digest::of(&self.scope).hex()[..16])
    }
}

fn not_exported(variable: &str, field: &str) -> Error {
    usage(format!(
        "`type=gha` needs {variable}, which GitHub shows to actions and not to commands: export it in a step before, as \
         crazy-max/ghaction-github-runtime does, or add `{field}=…`"
    ))
}

fn content_key(digest: &Digest) -> String {
    format!("kiln-result-1-{}", digest.hex())
}

/// What entries of this kind have in common beside their keys.
fn version() -> String {
    Digest::of("kiln results 1").hex()
}

/// A cache that is spoken to.
struct Entries {
    cache: Cache,
    client: Client,
    clock: Clock,
    /// What is larger goes in parts of this size.
    part: u64,
}

#[derive(Serialize)]
struct Question<'a> {
    key: &'a str,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    restore_keys: Option<Vec<&'a str>>,
    /// As the JSON form of protobuf has large numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<String>,
}

#[derive(Deserialize)]
struct Place {
    #[serde(default)]
    ok: bool,
    #[serde(default, alias = "signedDownloadUrl")]
    signed_download_url: String,
    #[serde(default, alias = "signedUploadUrl")]
    signed_upload_url: String,
    #[serde(default, alias = "matchedKey")]
    matched_key: String,
}

/// How the service says no.
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    code: String,
}

impl Entries {
    /// The key and the address of an entry: of the one with this key, or of the newest whose key begins with it.
    async fn find(&self, key: &str, beginning: bool) -> Result<Option<(String, Url)>, Error> {
        let restore_keys = if beginning { vec![key] } else { Vec::new() };
        let question = Question { key, version: version(), restore_keys: Some(restore_keys), size_bytes: None };
        let place: Option<Place> = self.ask("GetCacheEntryDownloadURL", &question).await?;
        let Some(place) = place.filter(|place| place.ok) else { return Ok(None) };
        let fits = if beginning { place.matched_key.starts_with(key) } else { place.matched_key == key };
        // The service also looks for keys that begin with one that has no entry.
        match fits {
            true => Ok(Some((place.matched_key, self.signed(&place.signed_download_url)?))),
            false => Ok(None),
        }
    }

    /// A signed address, which the service has made up: one with TLS, unless the service itself has none.
    fn signed(&self, address: &str) -> Result<Url, Error> {
        let url = address.parse::<Url>().ok();
        let is_good =
            |url: &Url| url.scheme() == "https" || (url.scheme() == "http" && self.cache.service.scheme() == "http");
        url.filter(is_good).ok_or_else(|| refused(NAME, "it answers with an address that must not be asked"))
    }

    /// Makes an entry. False where there is one with this key: somebody else is sending it, or has.
    async fn create(&self, key: &str, content: &Content) -> Result<bool, Error> {
        let question = Question { key, version: version(), restore_keys: None, size_bytes: None };
        let Some(place) = self.ask::<Place>("CreateCacheEntry", &question).await? else { return Ok(false) };
        if !place.ok {
            return Err(refused(NAME, "it takes no new entries from this job; those of forks may only read"));
        }
        self.send(&self.signed(&place.signed_upload_url)?, content).await?;
        let size_bytes = Some(content.size.to_string());
        let question = Question { key, version: version(), restore_keys: None, size_bytes };
        match self.ask::<Place>("FinalizeCacheEntryUpload", &question).await?.is_some_and(|place| place.ok) {
            true => Ok(true),
            false => Err(refused(NAME, "it does not take what was sent to it")),
        }
    }

    /// Sends a content to the store, which is one of Azure.
    async fn send(&self, blob: &Url, content: &Content) -> Result<(), Error> {
        if content.size <= self.part {
            let (name, value) = azure::WHOLE;
            let request = Request::new(Method::PUT, blob.clone());
            let request = request.header(HeaderName::from_static(name), HeaderValue::from_static(value));
            return self.deliver(content.sent_with(request)).await;
        }
        let put = |number, part: Content| async move {
            self.deliver(part.sent_with(Request::new(Method::PUT, azure::block(blob, number)))).await?;
            Ok(azure::block_name(number))
        };
        let names = parts::each(content, self.part, put).await?;
        self.deliver(Request::new(Method::PUT, azure::of_blocks(blob)).body(azure::block_list(&names))).await
    }

    async fn deliver(&self, request: Request) -> Result<(), Error> {
        let answer = self.client.fetch(request.any_status().stay()).await?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(refused(NAME, format!("the store behind it answers with status {}", status.as_u16()))),
        }
    }

    /// Asks the service; none where it says that there is no such thing, or that there is one already.
    async fn ask<T: DeserializeOwned>(&self, method: &str, question: &Question<'_>) -> Result<Option<T>, Error> {
        let url = self.cache.service.with_segments(&SERVICE).with_segments(&[method]);
        let bearer = format!("Bearer {}", self.cache.token.expose_secret());
        let bearer =
            HeaderValue::from_str(&bearer).map_err(|_| usage("the token of `type=gha` is not one line of text"))?;
        let request = Request::new(Method::POST, url)
            .secret_header(AUTHORIZATION, bearer)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(serde_json::to_vec(question).unwrap_or_default())
            .limit(LONGEST_ANSWER)
            .repeatable(true)
            .any_status()
            .stay();
        let answer = self.client.fetch(request).await?;
        let status = answer.status();
        if status.is_success() {
            let bytes = answer.bytes().await?;
            let read = serde_json::from_slice(&bytes);
            return read.map(Some).map_err(|_| refused(NAME, "its answer cannot be read"));
        }
        let bytes = answer.bytes().await.unwrap_or_default();
        let code = serde_json::from_slice::<Refusal>(&bytes).ok().and_then(|refusal| plain(&refusal.code));
        match code.as_deref() {
            Some("not_found" | "already_exists") => Ok(None),
            code => Err(refused(NAME, told(status, code))),
        }
    }
}

fn told(status: StatusCode, code: Option<&str>) -> String {
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    let advice = match status.as_u16() {
        401 | 403 => ": the token has ended or may not do that; it is good for one job, ACTIONS_RUNTIME_TOKEN has it",
        404 => ": it does not speak the second version of the protocol; check ACTIONS_RESULTS_URL",
        429 => ": it limits how often it may be asked; share less often, or from fewer jobs at a time",
        _ => "",
    };
    format!("it answers with status {}{code}{advice}", status.as_u16())
}

impl Shelf for Entries {
    fn open<'a>(&'a self, name: Name<'a>, size: Size) -> Later<'a, Option<Response>> {
        Box::pin(async move {
            let found = match name {
                Name::Claim => self.find(&self.cache.claims(), true).await?,
                Name::Content(digest) => self.find(&content_key(digest), false).await?,
            };
            let Some((_, url)) = found else { return Ok(None) };
            let answer = self.client.fetch(size.bound(Request::get(url)).any_status()).await?;
            match answer.status() {
                StatusCode::NOT_FOUND => Ok(None),
                status if status.is_success() => Ok(Some(answer)),
                status => Err(refused(NAME, format!("the store behind it answers with status {}", status.as_u16()))),
            }
        })
    }

    fn has<'a>(&'a self, digest: &'a Digest, _: u64) -> Later<'a, bool> {
        Box::pin(async move { Ok(self.find(&content_key(digest), false).await?.is_some()) })
    }

    fn put<'a>(&'a self, name: Name<'a>, content: &'a Content) -> Later<'a, ()> {
        Box::pin(async move {
            let Name::Claim = name else {
                return self.create(&content_key(&content.digest), content).await.map(drop);
            };
            let (beginning, end) = (self.cache.claims(), &content.digest.hex()[..16]);
            // Entries count against what a repository may have: the same is not said again.
            if self.find(&beginning, true).await?.is_some_and(|(newest, _)| newest.ends_with(end)) {
                return Ok(());
            }
            let key = format!("{beginning}{:013}-{end}", self.clock.now().as_millisecond());
            match self.create(&key, content).await? {
                true => Ok(()),
                false => Err(refused(NAME, "the entry for the list was begun and not finished; share again")),
            }
        })
    }
}

#[cfg(test)]
mod tests;
