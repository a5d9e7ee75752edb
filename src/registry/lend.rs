//! What opens one repository, for another who pushes there in kiln's place.

use super::RegistryError;
use super::repository::Repository;
use crate::http::Authority;
use crate::http::header::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What opens a repository for reading and writing. Nothing of it can be printed.
#[derive(Debug, Clone)]
pub enum Lent {
    /// It is open to all.
    Nothing,
    /// A token, which the registry takes as it is.
    Token(SecretString),
    /// A name and a password: the registry knows nothing else.
    Password {
        /// The name.
        user: SecretString,
        /// The password.
        password: SecretString,
    },
}

impl Repository {
    /// The registry's host with its port, as it is spoken to.
    pub fn host(&self) -> String {
        self.home.root().authority()
    }

    /// Whether the registry is spoken to without TLS.
    pub fn is_plain(&self) -> bool {
        self.home.root().scheme() == "http"
    }

    /// What opens the repository for pushing now: where the registry has a token server, a token for this repository alone.
    ///
    /// # Errors
    /// [`RegistryError::Denied`] where the registry asks for credentials, and there are none that allow it.
    pub async fn lend(&self) -> Result<Lent, RegistryError> {
        let authority = self.home.pushing(None);
        match known(&authority).await? {
            Some(lent) => Ok(lent),
            None => self.try_to_push().await,
        }
    }

    /// Begins to push, and goes no further: what opens the repository, now that the registry has said what that takes.
    ///
    /// # Errors
    /// As [`lend`](Self::lend), and where the registry takes nothing for another reason.
    pub async fn try_to_push(&self) -> Result<Lent, RegistryError> {
        const DOING: &str = "pushing";
        let authority = self.home.pushing(None);
        let answer = self.home.open_upload(self.home.uploads()?, &authority).await?;
        match answer.status().is_success() {
            true => Ok(known(&authority).await?.unwrap_or(Lent::Nothing)),
            false => Err(self.home.refusal(DOING, answer, &authority).await),
        }
    }
}

/// What the header of requests holds; none where they need none, as far as is known.
async fn known(authority: &Arc<dyn Authority>) -> Result<Option<Lent>, RegistryError> {
    Ok(authority.header().await?.as_ref().and_then(of_header))
}

fn of_header(header: &HeaderValue) -> Option<Lent> {
    let (scheme, sent) = header.to_str().ok()?.split_once(' ')?;
    if scheme != "Basic" {
        return Some(Lent::Token(sent.into()));
    }
    let pair = Zeroizing::new(STANDARD.decode(sent).ok()?);
    let (user, password) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
    Some(Lent::Password { user: user.into(), password: password.into() })
}
