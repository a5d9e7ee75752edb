use super::fixtures::Issuer;
use super::*;
use crate::http::fixtures::{Reply, Server, settings};
use crate::http::{Client, Request, Settings, Url};

/// Settings under which `registry.test` is at this address.
fn at(address: std::net::SocketAddr) -> (Settings, Url) {
    let settings = Settings { hosts: vec![("registry.test".into(), address)], ..settings() };
    (settings, format!("https://registry.test:{}/x", address.port()).parse().unwrap())
}

async fn get(settings: Settings, url: &Url) -> Result<Vec<u8>, HttpError> {
    Client::new(settings)?.fetch(Request::get(url.clone())).await?.bytes().await
}

#[tokio::test]
async fn an_authority_is_trusted_where_it_was_named_and_for_its_names_alone() {
    let (issuer, server) = (Issuer::new(), Server::start(|_| Reply::ok("content")));
    let front = issuer.front("registry.test", false, server.address());
    let (settings, url) = at(front.address);
    let error = get(settings.clone(), &url).await.unwrap_err();
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    let bundle = format!("# ours\n{}{}", Issuer::new().certificate(), issuer.certificate());
    check_roots(bundle.as_bytes()).unwrap();
    let trusting = Settings { roots: vec![bundle.into_bytes()], ..settings };
    assert_eq!(get(trusting.clone(), &url).await.unwrap(), b"content");
    let other = issuer.front("other.test", false, server.address());
    let (_, url) = at(other.address);
    let trusting = Settings { hosts: vec![("registry.test".into(), other.address)], ..trusting };
    let error = get(trusting, &url).await.unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_gets_it() {
    let (issuer, server) = (Issuer::new(), Server::start(|_| Reply::ok("content")));
    let front = issuer.front("registry.test", true, server.address());
    let (settings, url) = at(front.address);
    let stranger = Settings { roots: vec![issuer.certificate().into_bytes()], ..settings };
    assert!(matches!(get(stranger.clone(), &url).await, Err(HttpError::Connection { .. })));
    let (certificate, key) = issuer.client();
    let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let known = Settings { identity: Some(identity), ..stranger.clone() };
    assert_eq!(get(known, &url).await.unwrap(), b"content");
    let (certificate, key) = Issuer::new().client();
    let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    assert!(get(Settings { identity: Some(identity), ..stranger }, &url).await.is_err());
}

#[test]
fn broken_files_are_errors_and_keys_are_not_shown() {
    let (certificate, key) = Issuer::new().client();
    let (_, other) = Issuer::new().client();
    let secret = key.lines().nth(1).unwrap();
    let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let all = Settings { identity: Some(identity), ..settings() };
    assert!(!format!("{all:?}").contains(secret));
    let broken = key.replace("END", "DNE");
    for (certificate, key) in [
        ("", key.as_str()),
        (certificate.as_str(), ""),
        (certificate.as_str(), broken.as_str()),
        ("hunter2", "hunter2"),
    ] {
        let error = Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("needs a certificate and a key"), "{error}");
        assert!(!format!("{error:?}").contains(secret));
    }
    // Of two keys that do not belong together the client knows.
    let strange = Identity::from_pem(certificate.as_bytes(), other.as_bytes()).unwrap();
    let error = Client::new(Settings { identity: Some(strange), ..settings() }).err().unwrap();
    assert!(matches!(error, HttpError::Setup(_)), "{error}");
    for bundle in ["", "hunter2", "-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n"] {
        assert!(check_roots(bundle.as_bytes()).is_err(), "{bundle}");
    }
}
