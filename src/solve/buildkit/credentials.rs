//! What opens one repository, for a daemon that pushes there: what BuildKit calls auth.
//!
//! Only the host of that repository is answered for, and only for reading and writing that repository. Where the registry
//! has a token server, kiln asks it, and the daemon gets the token: which server that is, and what the token is for, kiln
//! knows from the registry, and not from the daemon. A password is given where the registry knows nothing else.

use crate::registry::{Lent, Repository};
use bollard_buildkit_proto::moby::filesync::v1::auth_server::Auth;
use bollard_buildkit_proto::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse, GetTokenAuthorityRequest,
    GetTokenAuthorityResponse, VerifyTokenAuthorityRequest, VerifyTokenAuthorityResponse,
};
use p256::elliptic_curve::rand_core::{OsRng, RngCore};
use secrecy::ExposeSecret;
use std::time::Instant;
use tonic::{Request, Response, Status};

/// The methods that the daemon may call, as it wants them told.
pub(super) const METHODS: [&str; 4] = [
    "/moby.filesync.v1.Auth/Credentials",
    "/moby.filesync.v1.Auth/FetchToken",
    "/moby.filesync.v1.Auth/GetTokenAuthority",
    "/moby.filesync.v1.Auth/VerifyTokenAuthority",
];

/// So many seconds a token is good for at least when it is given: kiln renews it before.
const LIFE: i64 = 15;

/// What may be done with the repository.
const ACTIONS: [&str; 2] = ["pull", "push"];

/// What may be asked for beside: other repositories of the same registry are looked into for blobs that need not travel then.
/// The token is not for them, and the daemon goes on without.
const BESIDE: [&str; 1] = ["pull"];

/// Opens one repository.
#[derive(Clone)]
pub(super) struct Credentials {
    repository: Repository,
    /// What time it was then: seconds since 1970.
    began: (i64, Instant),
}

impl Credentials {
    /// What opens a repository; `now` is the present time, in seconds since 1970.
    pub(super) fn new(repository: Repository, now: i64) -> Self {
        Credentials { repository, began: (now, Instant::now()) }
    }

    /// What opens the repository now, if that is at this host.
    async fn lend(&self, host: &str) -> Result<Lent, Status> {
        if host != self.repository.host() {
            let shown: String = host.chars().take(80).collect();
            return Err(Status::permission_denied(format!("nothing is given for `{shown}`")));
        }
        self.repository.lend().await.map_err(|error| Status::permission_denied(error.to_string()))
    }

    /// Whether a scope goes no further than what the push needs, and whether it is for its repository.
    fn check(&self, scope: &str) -> Result<bool, Status> {
        let named = scope.strip_prefix("repository:").and_then(|rest| rest.rsplit_once(':'));
        let own = named.is_some_and(|(name, _)| name == self.repository.reference().repository);
        let allowed = if own { &ACTIONS[..] } else { &BESIDE };
        match named {
            Some((_, actions)) if actions.split(',').all(|action| allowed.contains(&action)) => Ok(own),
            _ => {
                let shown: String = scope.chars().take(80).collect();
                Err(Status::permission_denied(format!("no token is given for `{shown}`")))
            }
        }
    }
}

#[tonic::async_trait]
impl Auth for Credentials {
    async fn credentials(&self, asked: Request<CredentialsRequest>) -> Result<Response<CredentialsResponse>, Status> {
        match self.lend(&asked.into_inner().host).await? {
            Lent::Password { user, password } => Ok(Response::new(CredentialsResponse {
                username: user.expose_secret().to_owned(),
                secret: password.expose_secret().to_owned(),
            })),
            Lent::Token(_) => Err(Status::permission_denied("the registry takes tokens: no password is given")),
            Lent::Nothing => Ok(Response::new(CredentialsResponse::default())),
        }
    }

    async fn fetch_token(&self, asked: Request<FetchTokenRequest>) -> Result<Response<FetchTokenResponse>, Status> {
        let asked = asked.into_inner();
        let mut is_for_own = false;
        for scope in &asked.scopes {
            is_for_own |= self.check(scope)?;
        }
        if !is_for_own {
            return Err(Status::permission_denied("a token is given for the repository that is pushed to alone"));
        }
        match self.lend(&asked.host).await? {
            Lent::Token(token) => Ok(Response::new(FetchTokenResponse {
                token: token.expose_secret().to_owned(),
                expires_in: LIFE,
                issued_at: self.began.0.saturating_add_unsigned(self.began.1.elapsed().as_secs()),
            })),
            Lent::Password { .. } | Lent::Nothing => Err(Status::unavailable("the registry gives no tokens")),
        }
    }

    /// A key that says that tokens come from here. Nobody has its other half, so that no other session gets those of this one.
    async fn get_token_authority(
        &self,
        asked: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        match self.lend(&asked.into_inner().host).await? {
            Lent::Token(_) => {
                let mut public_key = vec![0; 32];
                OsRng.fill_bytes(&mut public_key);
                Ok(Response::new(GetTokenAuthorityResponse { public_key }))
            }
            Lent::Password { .. } | Lent::Nothing => Err(Status::unavailable("the registry gives no tokens")),
        }
    }

    async fn verify_token_authority(
        &self,
        _: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        Err(Status::unavailable("tokens are for one session"))
    }
}

#[cfg(test)]
mod tests;
