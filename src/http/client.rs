//! Sending requests: offline mode, redirects, retries.

use super::retry::{back_off, is_transient, retry_after};
use super::{HttpError, Identity, Request, Response, Url, sending};
use crate::oci::{Digest, Digester};
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue, LOCATION, PROXY_AUTHORIZATION};
use reqwest::{Method, StatusCode};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How many redirects in a row are followed.
const REDIRECTS: usize = 8;
/// How many refusals in a row an authority is asked about: one by which it learns what is wanted, and one of what then
/// ended on the way.
const CHALLENGES: usize = 2;

/// How a [`Client`] behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether every request to a host is an error.
    pub offline: bool,
    /// Whether the proxies that the environment names are used.
    pub proxies: bool,
    /// Time to reach a host, with TLS.
    pub connect_timeout: Duration,
    /// Time from the request to the head of the answer.
    pub answer_timeout: Duration,
    /// Time without a single byte of the body.
    pub idle_timeout: Duration,
    /// A connection slower than so many bytes a second, over [`Settings::rate_window`], is given up.
    pub minimum_rate: u64,
    /// The time over which the rate is measured; only time spent waiting for the server counts.
    pub rate_window: Duration,
    /// How often something that failed is tried again.
    pub retries: u32,
    /// The wait before the first retry; it doubles from then on.
    pub back_off: Duration,
    /// The longest wait, and the longest that a server may ask for by `Retry-After`.
    pub longest_wait: Duration,
    /// How kiln calls itself.
    pub user_agent: String,
    /// Hosts whose addresses are given here instead of asked of the name service; the port counts where the URL has
    /// none.
    pub hosts: Vec<(String, SocketAddr)>,
    /// Certificates in PEM, one or several in each, that are trusted beside those of the system.
    pub roots: Vec<Vec<u8>>,
    /// Who kiln says to be where a server asks for a certificate.
    pub identity: Option<Identity>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            offline: false,
            proxies: true,
            connect_timeout: Duration::from_secs(15),
            answer_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(30),
            minimum_rate: 1024,
            rate_window: Duration::from_secs(30),
            retries: 4,
            back_off: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
            user_agent: concat!("kiln/", env!("CARGO_PKG_VERSION")).into(),
            hosts: Vec::new(),
            roots: Vec::new(),
            identity: None,
        }
    }
}

/// The HTTP client: a cheap handle, to be cloned and shared.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    settings: Settings,
    /// What speaks TLS. The system's certificates, a hundred files and more, are read when it is needed first.
    secure: OnceLock<reqwest::Client>,
    /// What speaks plain HTTP, with servers alone: a proxy may want TLS.
    plain: OnceLock<reqwest::Client>,
}

/// What [`Client::download`] has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Downloaded {
    /// The digest of the body.
    pub digest: Digest,
    /// Its length.
    pub size: u64,
}

impl Client {
    /// A client. Redirects are its own business, bodies are never decoded.
    ///
    /// # Errors
    /// Where certificates or the identity in its settings cannot be used.
    pub fn new(settings: Settings) -> Result<Self, HttpError> {
        let has_own = !settings.roots.is_empty() || settings.identity.is_some();
        let client = Client(Arc::new(Inner { settings, secure: OnceLock::new(), plain: OnceLock::new() }));
        if has_own {
            client.secure()?;
        }
        Ok(client)
    }

    /// What sends requests to this address.
    fn wire(&self, url: &Url) -> Result<&reqwest::Client, HttpError> {
        if url.scheme() == "https" || self.0.settings.proxies {
            return self.secure();
        }
        if let Some(plain) = self.0.plain.get() {
            return Ok(plain);
        }
        let plain = self.builder().tls_certs_only([]).build().map_err(|e| HttpError::Setup(causes(&e)))?;
        Ok(self.0.plain.get_or_init(|| plain))
    }

    fn secure(&self) -> Result<&reqwest::Client, HttpError> {
        if let Some(secure) = self.0.secure.get() {
            return Ok(secure);
        }
        let mut builder = self.builder();
        for bundle in &self.0.settings.roots {
            builder = builder.tls_certs_merge(super::tls::roots(bundle)?);
        }
        if let Some(identity) = &self.0.settings.identity {
            builder = builder.identity(identity.for_wire()?);
        }
        let secure = builder.build().map_err(|e| HttpError::Setup(causes(&e)))?;
        Ok(self.0.secure.get_or_init(|| secure))
    }

    fn builder(&self) -> reqwest::ClientBuilder {
        let settings = &self.0.settings;
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(settings.connect_timeout)
            .user_agent(&settings.user_agent)
            .referer(false);
        for (host, address) in &settings.hosts {
            builder = builder.resolve(host, *address);
        }
        match settings.proxies {
            true => builder,
            false => builder.no_proxy(),
        }
    }

    /// How this client behaves.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Sends a request and waits for the head of the answer; the body is then read from the [`Response`].
    ///
    /// What fails for a passing reason is tried again where that does no harm.
    pub async fn fetch(&self, request: Request) -> Result<Response, HttpError> {
        if request.url.is_file() {
            return Response::open_file(request).await;
        }
        let (answer, url) = self.answer(&request, &HeaderMap::new()).await?;
        Response::new(self.clone(), request, answer, url)
    }

    /// Writes the body to `sink`, bounded by the request's limit and checked against `expected` where given.
    ///
    /// Where this fails the sink has taken a part of the body, or another body: the caller must drop it.
    pub async fn download(
        &self,
        request: Request,
        expected: Option<(Digest, u64)>,
        sink: &mut impl Write,
    ) -> Result<Downloaded, HttpError> {
        let url = request.url.clone();
        let request = match expected {
            Some((_, size)) => request.size(size).immutable(),
            None => request,
        };
        let mut response = self.fetch(request).await?;
        let mut digester = Digester::new();
        while let Some(piece) = response.chunk().await? {
            digester.update(&piece);
            sink.write_all(&piece).map_err(|source| HttpError::Sink { url: url.clone(), source })?;
        }
        let (size, actual) = (digester.length(), digester.finish());
        match expected {
            Some((expected, _)) if expected != actual => Err(HttpError::WrongDigest { url, expected, actual }),
            _ => Ok(Downloaded { digest: actual, size }),
        }
    }

    /// Sends a request with additional headers until it is answered for good; gives the URL that answered.
    pub(super) async fn answer(
        &self,
        request: &Request,
        additional: &HeaderMap,
    ) -> Result<(reqwest::Response, Url), HttpError> {
        let settings = &self.0.settings;
        if settings.offline {
            return Err(HttpError::Offline { url: request.url.clone() });
        }
        let mut attempt = 0;
        loop {
            let last = attempt >= settings.retries || !request.repeatable;
            let mut wait = back_off(settings.back_off, settings.longest_wait, attempt);
            attempt += 1;
            match self.enter(request, additional).await {
                Ok((answer, url)) if is_transient(answer.status()) && !last => {
                    let asked = retry_after(answer.headers()).unwrap_or_default();
                    if asked > settings.longest_wait {
                        return self.judge(request, answer, url, attempt);
                    }
                    wait = wait.max(asked);
                }
                Ok((answer, url)) => return self.judge(request, answer, url, attempt),
                // What an authority has asked for in vain, with attempts of its own, is not asked for again.
                Err(HttpError::Connection { attempts: 1, .. }) if !last => {}
                Err(HttpError::Connection { url, reason, attempts }) => {
                    return Err(HttpError::Connection { url, reason, attempts: attempts.max(attempt) });
                }
                Err(other) => return Err(other),
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn judge(
        &self,
        request: &Request,
        answer: reqwest::Response,
        url: Url,
        attempts: u32,
    ) -> Result<(reqwest::Response, Url), HttpError> {
        match answer.status() {
            status if request.accepts(status) => Ok((answer, url)),
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(HttpError::NotFound { url }),
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
                if let Some(authority) = &request.authority
                    && url.same_origin(&request.url) =>
            {
                Err(HttpError::Denied { url, status: status.as_u16(), advice: authority.advice() })
            }
            status => Err(HttpError::Status { url, status: status.as_u16(), attempts }),
        }
    }

    /// One attempt, with what the request's authority knows. Where the origin that was asked answers that this does
    /// not open it, the authority may find something better; what was sent is then sent again, as it had no effect.
    async fn enter(&self, request: &Request, additional: &HeaderMap) -> Result<(reqwest::Response, Url), HttpError> {
        let Some(authority) = &request.authority else { return self.follow(request, additional, None).await };
        let mut challenges = 0;
        loop {
            let key = authority.header().await?;
            let (answer, url) = self.follow(request, additional, key.clone()).await?;
            let is_challenge = answer.status() == StatusCode::UNAUTHORIZED && url.same_origin(&request.url);
            if !is_challenge || challenges == CHALLENGES || !authority.challenged(answer.headers(), key).await? {
                return Ok((answer, url));
            }
            challenges += 1;
        }
    }

    /// Sends a request and goes where the server points, within bounds.
    async fn follow(
        &self,
        request: &Request,
        additional: &HeaderMap,
        key: Option<HeaderValue>,
    ) -> Result<(reqwest::Response, Url), HttpError> {
        let mut url = request.url.clone();
        let (mut method, mut body) = (request.method.clone(), request.body.clone());
        let mut headers = request.headers.clone();
        headers.extend(additional.clone());
        if let Some(mut key) = key {
            key.set_sensitive(true);
            headers.insert(AUTHORIZATION, key);
        }
        for _ in 0..=REDIRECTS {
            let message = self.wire(&url)?.request(method.clone(), url.secret().clone()).headers(headers.clone());
            let (message, watch) = sending::attach(message, body.as_ref());
            let answer = sending::watched(message, &watch, &self.0.settings, &url).await?;
            let Some(target) = redirect(&answer, &url)? else {
                return Ok((answer, url));
            };
            if request.stays && !url.same_origin(&target) {
                return Err(HttpError::Redirect { url, why: format!("to {target}, where this request must not go") });
            }
            if body.is_some() && !matches!(answer.status().as_u16(), 307 | 308) {
                (method, body) = (Method::GET, None);
            }
            if !url.same_origin(&target) {
                strip_secrets(&mut headers);
            }
            url = target;
        }
        Err(HttpError::Redirect { url: request.url.clone(), why: format!("more than {REDIRECTS} times") })
    }

    /// How long to wait before another attempt of something that this client does not repeat by itself: longer each
    /// time, and as long as the last answer `asked` for. None where it should be given up.
    pub fn patience(&self, attempt: u32, asked: Option<Duration>) -> Option<Duration> {
        let settings = &self.0.settings;
        let asked = asked.unwrap_or_default();
        let enough = attempt >= settings.retries || asked > settings.longest_wait;
        (!enough).then(|| back_off(settings.back_off, settings.longest_wait, attempt).max(asked))
    }
}

/// Where an answer points to; nothing where it is no redirect.
fn redirect(answer: &reqwest::Response, url: &Url) -> Result<Option<Url>, HttpError> {
    let refuse = |why: String| Err(HttpError::Redirect { url: url.clone(), why });
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok()) else {
        return refuse("without saying where to".into());
    };
    let target = match url.join(location) {
        Ok(target) => target,
        Err(error) => return refuse(format!("to something else than a web page: {error}")),
    };
    if target.is_file() {
        return refuse(format!("to the local file {target}, which a server must not do"));
    }
    if url.scheme() == "https" && target.scheme() != "https" {
        return refuse(format!("from https to {target}, which anyone could read and change"));
    }
    Ok(Some(target))
}

/// Removes what must not reach another host.
fn strip_secrets(headers: &mut HeaderMap) {
    let secret: Vec<_> = headers
        .iter()
        .filter(|(name, value)| value.is_sensitive() || [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION].contains(name))
        .map(|(name, _)| name.clone())
        .collect();
    for name in secret {
        headers.remove(name);
    }
}

/// An error with its causes in one line; reqwest shows only the outermost.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}
