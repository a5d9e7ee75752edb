use super::super::fixtures::{Answer, FakeDaemon};
use super::super::{Address, connect};
use super::*;
use crate::http::tls::fixtures::Issuer;
use tokio::runtime::Runtime;

/// What comes of connecting with a daemon behind a door of `issuer` for `name` with these parts.
fn connect_with(issuer: &Issuer, name: &str, mutual: bool, parts: TlsParts) -> Result<(), String> {
    let runtime = Runtime::new().unwrap();
    let (daemon, _daemon) = FakeDaemon::at_port(Answer::Exit(0));
    let front = issuer.front(name, mutual, daemon);
    let address = Address::Tcp { host: "127.0.0.1".into(), port: front.address.port() };
    let tls = Tls::new(parts)?;
    runtime.block_on(async {
        let channel = connect::connect(&address, Some(&tls)).await?;
        // Whether a client may come in is seen once it says something.
        let mut control = bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient::new(channel);
        control
            .list_workers(bollard_buildkit_proto::moby::buildkit::v1::ListWorkersRequest::default())
            .await
            .map(drop)
            .map_err(|status| status.message().to_owned())
    })
}

fn trusting(issuer: &Issuer) -> TlsParts {
    TlsParts { roots: Some(issuer.certificate().into_bytes()), ..TlsParts::default() }
}

#[test]
fn a_daemon_shows_who_it_is_and_is_shown_who_asks() {
    let issuer = Issuer::new();
    connect_with(&issuer, "127.0.0.1", false, trusting(&issuer)).unwrap();
    let named = TlsParts { name: Some("build.test".into()), ..trusting(&issuer) };
    connect_with(&issuer, "build.test", false, named).unwrap();
    let (certificate, key) = issuer.client();
    let both = TlsParts {
        certificates: Some(certificate.into_bytes()),
        key: Some(SecretSlice::from(key.into_bytes())),
        ..trusting(&issuer)
    };
    connect_with(&issuer, "127.0.0.1", true, both).unwrap();
}

#[test]
fn whoever_cannot_show_who_they_are_is_refused() {
    let (issuer, other) = (Issuer::new(), Issuer::new());
    let error = connect_with(&issuer, "127.0.0.1", false, trusting(&other)).unwrap_err();
    assert!(error.contains("certificate"), "{error}");
    let error = connect_with(&issuer, "build.test", false, trusting(&issuer)).unwrap_err();
    assert!(error.contains("certificate"), "{error}");
    assert!(connect_with(&issuer, "127.0.0.1", true, trusting(&issuer)).is_err());
    let (certificate, key) = other.client();
    let stranger = TlsParts {
        certificates: Some(certificate.into_bytes()),
        key: Some(SecretSlice::from(key.into_bytes())),
        ..trusting(&issuer)
    };
    assert!(connect_with(&issuer, "127.0.0.1", true, stranger).is_err());
}

#[test]
fn parts_that_are_missing_or_malformed_are_told() {
    let issuer = Issuer::new();
    let (certificate, key) = issuer.client();
    let certificate = || Some(certificate.clone().into_bytes());
    let key = || Some(SecretSlice::from(key.clone().into_bytes()));
    let parts = |certificates, key| TlsParts { certificates, key, ..trusting(&issuer) };
    let error = |parts| Tls::new(parts).unwrap_err();
    assert_eq!(error(parts(certificate(), None)), "a client's certificate needs its key");
    assert_eq!(error(parts(None, key())), "a client's key needs its certificate");
    assert_eq!(error(parts(Some(b"x".to_vec()), key())), "the client's certificate: there is none in PEM");
    let wrong = Some(SecretSlice::from(b"secret".to_vec()));
    assert_eq!(error(parts(certificate(), wrong)), "the client's key is none in PEM without passphrase");
    let (_, other) = issuer.client();
    assert!(
        error(parts(certificate(), Some(SecretSlice::from(other.into_bytes()))))
            .starts_with("the client's certificate: ")
    );
    assert!(error(TlsParts { name: Some("a b".into()), ..trusting(&issuer) }).contains("`a b` is no name"));
    let none = TlsParts { roots: Some(Vec::new()), ..TlsParts::default() };
    assert_eq!(error(none), "the authorities' certificates: there is none in PEM");
    assert_eq!(format!("{:?}", Tls::new(parts(certificate(), key())).unwrap()), "Tls(***)");
}
