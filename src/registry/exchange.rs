//! Questions to one place, and how its answers are judged.

use super::RegistryError;
use super::endpoint::Endpoint;
use crate::http::{Authority, HttpError, Request, Response, StatusCode, Url};
use crate::oci::document::clip;
use std::sync::Arc;

/// So much of an answer that says no is looked at, in bytes.
const SAID: usize = 16 << 10;

/// As many of the errors in one answer are shown.
const ERRORS: usize = 3;

impl Endpoint {
    /// How the repository is called in messages.
    pub(super) fn place(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// Sends a request and hands over the answer whatever its status.
    pub(super) async fn ask(
        &self,
        request: Request,
        authority: &Arc<dyn Authority>,
    ) -> Result<Response, RegistryError> {
        // What the authority says is for this place alone.
        let request = match self.is_own(request.url()) {
            true => request.authority(authority.clone()),
            false => request,
        };
        Ok(self.client.fetch(request.any_status()).await?)
    }

    /// Sends a request and hands over the answer, with its body where it says yes.
    ///
    /// What breaks off where the client cannot go on, as the content may be another one by now, is asked for again.
    pub(super) async fn ask_whole(
        &self,
        request: Request,
        authority: &Arc<dyn Authority>,
    ) -> Result<(Response, Vec<u8>), RegistryError> {
        let mut breaks = 0;
        loop {
            let (mut answer, mut body) = (self.ask(request.clone(), authority).await?, Vec::new());
            if !answer.status().is_success() {
                return Ok((answer, body));
            }
            let error = loop {
                match answer.chunk().await {
                    Ok(Some(piece)) => body.extend_from_slice(&piece),
                    Ok(None) => return Ok((answer, body)),
                    Err(error) => break error,
                }
            };
            let HttpError::Connection { attempts, .. } = &error else { return Err(error.into()) };
            breaks += attempts;
            let Some(pause) = self.client.patience(breaks.saturating_sub(1), None) else { return Err(error.into()) };
            tokio::time::sleep(pause).await;
        }
    }

    /// The answer where it says yes, none where the thing is not there.
    pub(super) async fn expect(
        &self,
        doing: &'static str,
        answer: Response,
        authority: &Arc<dyn Authority>,
    ) -> Result<Option<Response>, RegistryError> {
        match answer.status() {
            status if status.is_success() => Ok(Some(answer)),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            _ => Err(self.refusal(doing, answer, authority).await),
        }
    }

    /// The error for an answer that says no.
    pub(super) async fn refusal(
        &self,
        doing: &'static str,
        answer: Response,
        authority: &Arc<dyn Authority>,
    ) -> RegistryError {
        let (status, url) = (answer.status(), answer.url().clone());
        self.refused(doing, status, &url, &Said::read(answer).await, authority)
    }

    /// The error for an answer whose body was read.
    pub(super) fn refused(
        &self,
        doing: &'static str,
        status: StatusCode,
        url: &Url,
        said: &Said,
        authority: &Arc<dyn Authority>,
    ) -> RegistryError {
        let (place, said, status) = (self.place(), self.discreet(said.to_string()), status.as_u16());
        match status {
            401 | 403 if self.is_own(url) => {
                RegistryError::Denied { place, doing, status, said, advice: authority.advice() }
            }
            _ => RegistryError::Answer { place, doing, status, said },
        }
    }

    /// Whether an address is at this place, so that its credentials may go there.
    fn is_own(&self, url: &Url) -> bool {
        self.url(&["manifests"]).same_origin(url)
    }

    /// The error for an answer that the specification does not know.
    pub(super) fn broken(&self, doing: &'static str, problem: impl Into<String>) -> RegistryError {
        RegistryError::Protocol { place: self.place(), doing, problem: problem.into() }
    }
}

/// The errors of a registry's answer (distribution-spec, "Error Codes").
#[derive(Debug, Default)]
pub(super) struct Said(Vec<(String, String)>);

impl Said {
    /// What an answer says; nothing where that makes no sense.
    pub(super) async fn read(mut answer: Response) -> Said {
        let mut text = Vec::new();
        // An answer that breaks off says less; its status counts.
        while let Ok(Some(piece)) = answer.chunk().await {
            text.extend_from_slice(&piece[..piece.len().min(SAID - text.len())]);
            if text.len() == SAID {
                break;
            }
        }
        Self::of(&text)
    }

    pub(super) fn of(text: &[u8]) -> Said {
        #[derive(serde::Deserialize)]
        struct Answer {
            errors: Vec<Error>,
        }
        #[derive(serde::Deserialize)]
        struct Error {
            #[serde(default)]
            code: String,
            #[serde(default)]
            message: String,
            #[serde(default)]
            detail: serde_json::Value,
        }
        let Ok(answer) = serde_json::from_slice::<Answer>(text) else { return Said::default() };
        let error = |error: Error| match error.detail {
            serde_json::Value::Null => (error.code, error.message),
            detail => (error.code, format!("{} {}", clip(&error.message), detail)),
        };
        Said(answer.errors.into_iter().take(ERRORS).map(error).collect())
    }

    /// Whether one of the errors has this code.
    pub(super) fn has(&self, code: &str) -> bool {
        self.0.iter().any(|(own, _)| own == code)
    }
}

impl std::fmt::Display for Said {
    /// Made to follow something: `, CODE: message`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (code, message) in &self.0 {
            write!(f, ", {}: {}", clip(code), clip(message))?;
        }
        Ok(())
    }
}
