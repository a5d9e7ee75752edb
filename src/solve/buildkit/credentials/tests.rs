//! What a daemon gets to open a registry, and what it does not get.

use super::*;
use crate::oci::Reference;
use crate::registry::fixtures::{self, Options, Registry};
use crate::registry::{CredentialPlaces, Given, Registries, Secret, Settings};

/// The name in the registry that is pushed to.
const REPOSITORY: &str = "acme/image";

/// A registry that is guarded like this, and what opens a repository of it.
fn guarded(auth: fixtures::Auth) -> (Registry, Credentials) {
    let registry = Registry::start(Options { auth, ..Options::default() });
    let Options { user, password, .. } = Options::default();
    let secret = Secret::Password { user: user.into(), password: password.into() };
    let given = Some(Given { registry: registry.host(), secret });
    let credentials = CredentialPlaces { given, ..CredentialPlaces::default() };
    let registries = Registries::new(Settings { credentials, ..Settings::default() }).unwrap();
    let reference: Reference = format!("{}/{REPOSITORY}", registry.host()).parse().unwrap();
    let repository = registries.repository(&reference).unwrap();
    (registry, Credentials::new(repository, 1000))
}

fn token(host: &str, scopes: &[&str]) -> Request<FetchTokenRequest> {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    // Where tokens are had is none of the daemon's business.
    let realm = "http://127.0.0.1:1/elsewhere".to_owned();
    Request::new(FetchTokenRequest { host: host.to_owned(), realm, scopes, ..FetchTokenRequest::default() })
}

fn credentials(host: &str) -> Request<CredentialsRequest> {
    Request::new(CredentialsRequest { host: host.to_owned() })
}

fn authority(host: &str) -> Request<GetTokenAuthorityRequest> {
    Request::new(GetTokenAuthorityRequest { host: host.to_owned(), salt: Vec::new() })
}

const OWN: &str = "repository:acme/image:pull,push";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_the_repository_and_the_password_stays() {
    let (registry, own) = guarded(fixtures::Auth::Bearer);
    let host = registry.host();
    let given = own.fetch_token(token(&host, &[OWN])).await.unwrap().into_inner();
    assert!(given.token.starts_with("token-"), "{}", given.token);
    assert!((1000..1100).contains(&given.issued_at) && given.expires_in == LIFE);
    // The same until it ends, whatever of it is needed; for others it is not, though daemons ask for them beside.
    for scopes in [&["repository:acme/image:pull"][..], &[OWN, "repository:library/debian:pull"]] {
        let again = own.fetch_token(token(&host, scopes)).await.unwrap().into_inner();
        assert_eq!(again.token, given.token);
    }
    let asked: Vec<_> = registry.log().into_iter().filter(|seen| seen.target.starts_with("/token")).collect();
    assert!(asked.iter().all(|seen| !seen.target.contains("debian")), "{asked:?}");
    let refused = own.credentials(credentials(&host)).await.unwrap_err();
    assert_eq!(refused.message(), "the registry takes tokens: no password is given");
    // Each session has another name for what gives it tokens, and none passes for another.
    let name = own.get_token_authority(authority(&host)).await.unwrap().into_inner().public_key;
    assert_eq!(name.len(), 32);
    assert_ne!(own.get_token_authority(authority(&host)).await.unwrap().into_inner().public_key, name);
    own.verify_token_authority(Request::new(VerifyTokenAuthorityRequest::default())).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_given_for_others() {
    for auth in [fixtures::Auth::Bearer, fixtures::Auth::Basic, fixtures::Auth::None] {
        let (registry, own) = guarded(auth);
        let host = registry.host();
        for scopes in [
            &["repository:acme/other:pull"][..],
            &["repository:acme/other:pull,push"],
            &[OWN, "repository:acme/other:push"],
            &["repository:acme/image:delete"],
            &["repository:acme/image:*"],
            &["repository:acme/image:pull,push,"],
            &["registry:catalog:*"],
            &["repository:acme/image"],
            &["acme/image"],
            &[""],
            &[],
        ] {
            let refused = own.fetch_token(token(&host, scopes)).await.unwrap_err();
            assert_eq!(refused.code(), tonic::Code::PermissionDenied, "{scopes:?}");
        }
        let other = "registry.example.com".to_owned();
        for host in [&other, &format!("{host}:1"), &format!("user@{host}"), &String::new(), &"x".repeat(1 << 20)] {
            let refused = [
                own.fetch_token(token(host, &[OWN])).await.map(|_| ()).unwrap_err(),
                own.credentials(credentials(host)).await.map(|_| ()).unwrap_err(),
                own.get_token_authority(authority(host)).await.map(|_| ()).unwrap_err(),
            ];
            let is_short = |status: &Status| status.message().len() < 200;
            assert!(refused.iter().all(|status| status.code() == tonic::Code::PermissionDenied && is_short(status)));
        }
        // None of that was worth a question.
        assert!(registry.log().is_empty(), "{:?}", registry.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_given_where_there_is_no_other_way() {
    let (registry, own) = guarded(fixtures::Auth::Basic);
    let host = registry.host();
    let Options { user, password, .. } = Options::default();
    let given = own.credentials(credentials(&host)).await.unwrap().into_inner();
    assert_eq!((given.username, given.secret), (user, password));
    // That there are no tokens is what makes a daemon ask for it.
    let code = own.get_token_authority(authority(&host)).await.unwrap_err().code();
    assert_eq!(code, tonic::Code::Unavailable);
    let (registry, own) = guarded(fixtures::Auth::None);
    let given = own.credentials(credentials(&registry.host())).await.unwrap().into_inner();
    assert_eq!((given.username, given.secret), (String::new(), String::new()));
}
