//! Tells somebody else what was found: the report, sent to an address.

use super::super::error::Error;
use super::super::session::Session;
use super::report::RescanReport;
use crate::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use crate::http::{Method, Request, Url};
use crate::oci::to_json;
use secrecy::{ExposeSecret, SecretString};

/// Where a report goes. Addresses of webhooks are often secrets themselves: of this one nobody is shown more than the host.
#[derive(Debug)]
pub struct Webhook {
    url: Url,
    token: Option<SecretString>,
}

/// No answer is longer, in bytes: it is not read.
const ANSWER: u64 = 1 << 20;

impl Webhook {
    /// An address, and what opens it.
    ///
    /// # Errors
    /// [`Error::Usage`] where it is no address to send to, or a token would travel in the clear.
    pub fn new(url: &str, token: Option<SecretString>) -> Result<Self, Error> {
        let url: Url = url.parse().map_err(|error| Error::Usage(format!("the address of the webhook: {error}")))?;
        if url.is_file() {
            return Err(Error::Usage("the address of the webhook: it must be https:// or http://".to_owned()));
        }
        let hook = Webhook { url, token };
        if hook.token.is_some() && hook.url.scheme() != "https" && !hook.url.is_loopback() {
            let shown = hook.shown();
            return Err(Error::Usage(format!(
                "{shown}: a token is not sent there in the clear: name it with https://"
            )));
        }
        Ok(hook)
    }

    fn shown(&self) -> String {
        format!("{}://{}", self.url.scheme(), self.url.authority())
    }

    fn request(&self, report: &RescanReport) -> Result<Request, Error> {
        let request = Request::new(Method::POST, self.url.clone()).repeatable(true).stay().limit(ANSWER);
        let request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(to_json(report));
        let Some(token) = &self.token else { return Ok(request) };
        let value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
        let value =
            value.map_err(|_| Error::Usage("the token of the webhook has signs that no header may have".into()))?;
        Ok(request.secret_header(AUTHORIZATION, value))
    }
}

/// Sends a report in which something is new or denied; what has nothing to tell is not sent.
pub fn notify(session: &Session<'_>, report: &RescanReport, webhook: &Webhook) -> Result<(), Error> {
    if !report.is_news() {
        return Ok(());
    }
    session.phase("notifying");
    let request = webhook.request(report)?;
    let sent = session.wait(session.client()?.fetch(request));
    sent.map(|_| ()).map_err(|error| Error::Refused {
        place: format!("the webhook at {}", webhook.shown()),
        reason: error.to_string().replace(&webhook.url.to_string(), "it"),
    })
}
