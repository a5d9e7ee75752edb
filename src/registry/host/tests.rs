use super::super::credentials::{Given, Secret};
use super::*;
use crate::http::fixtures::{Reply, Server, settings};
use crate::http::tls::fixtures::Issuer;
use crate::http::{HttpError, Request};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn registries(change: impl FnOnce(&mut Settings)) -> Registries {
    let mut settings = Settings { http: settings(), ..Settings::default() };
    change(&mut settings);
    Registries::new(settings).unwrap()
}

fn home(registries: &Registries, name: &str) -> Endpoint {
    registries.endpoints(&name.parse().unwrap()).unwrap().0
}

fn mirror(of: &str, at: &str) -> Mirror {
    Mirror { of: of.into(), at: at.into() }
}

async fn get(endpoint: &Endpoint) -> Result<Vec<u8>, HttpError> {
    let request = Request::get(endpoint.url(&["tags", "list"])).authority(endpoint.pulling());
    endpoint.client.fetch(request).await?.bytes().await
}

/// A server that wants a password, and says what it got.
fn guarded() -> Server {
    Server::start(|seen| match seen.headers.get("authorization") {
        Some(given) => Reply::ok(given.clone()),
        None => Reply::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\""),
    })
}

#[test]
fn addresses_are_below_the_repository_and_https() {
    let all = registries(|_| {});
    for (name, expected) in [
        ("example.com/a/b", "https://example.com/v2/a/b/manifests/sha256:abc"),
        ("Example.com:5000/a", "https://example.com:5000/v2/a/manifests/sha256:abc"),
        ("debian", "https://registry-1.docker.io/v2/library/debian/manifests/sha256:abc"),
        ("127.0.0.1:1/a", "https://127.0.0.1:1/v2/a/manifests/sha256:abc"),
    ] {
        assert_eq!(home(&all, name).url(&["manifests", "sha256:abc"]).to_string(), expected);
    }
    let uploads = home(&all, "example.com/a").url(&["blobs", "uploads", ""]);
    assert_eq!(uploads.to_string(), "https://example.com/v2/a/blobs/uploads/");
    let odd = home(&all, "example.com/a").url(&["manifests", "..", "a/b?c"]);
    assert_eq!(odd.to_string(), "https://example.com/v2/a/manifests/a%2Fb%3Fc");
    assert_eq!(home(&all, "debian").registry, "docker.io");
}

#[test]
fn plain_http_is_for_hosts_that_are_named() {
    let all = registries(|settings| settings.plain_http = BTreeSet::from(["example.com:5000".into()]));
    assert!(home(&all, "example.com:5000/a").url(&[]).to_string().starts_with("http://example.com:5000/"));
    for other in ["example.com/a", "example.com:5001/a", "a.example.com:5000/a"] {
        assert!(home(&all, other).url(&[]).to_string().starts_with("https://"), "{other}");
    }
}

#[test]
fn on_loopback_plain_http_is_taken_where_nothing_speaks_tls() {
    let scheme = |address: SocketAddr, name: &str| {
        home(&registries(|_| {}), &format!("{name}:{}/a", address.port())).url(&[]).scheme().to_owned()
    };
    let server = Server::start(|_| Reply::ok(""));
    assert_eq!(scheme(server.address(), "127.0.0.1"), "http");
    assert_eq!(scheme(server.address(), "localhost"), "http");
    assert_eq!(scheme(server.address(), "127.1"), "http");
    assert!(server.seen().is_empty());
    for mutual in [false, true] {
        let front = Issuer::new().front("localhost", mutual, server.address());
        assert_eq!(scheme(front.address, "127.0.0.1"), "https");
    }
    // One that takes its time is not thought to be without TLS.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let started = Instant::now();
    assert_eq!(scheme(silent.local_addr().unwrap(), "127.0.0.1"), "https");
    assert!(started.elapsed() < Duration::from_secs(5));
    let offline = registries(|settings| settings.http.offline = true);
    assert_eq!(home(&offline, &format!("{}/a", server.address())).url(&[]).scheme(), "https");
}

#[test]
fn loopback_is_asked_once_and_in_a_way_that_ends_for_servers_that_read_lines() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            counter.fetch_add(1, Ordering::Relaxed);
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                head.push(byte[0]);
            }
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        }
    });
    let all = registries(|_| {});
    let started = Instant::now();
    for name in ["a", "b", "a/b"] {
        assert_eq!(home(&all, &format!("{address}/{name}")).url(&[]).scheme(), "http");
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
    assert!(started.elapsed() < Duration::from_millis(400));
}

#[test]
fn mirrors_stand_in_for_what_they_mirror_and_the_most_specific_rule_counts() {
    let all = registries(|settings| {
        settings.mirrors = vec![
            mirror("docker.io", "mirror.example.com/hub"),
            mirror("docker.io/library", "https://library.example.com:5000"),
            mirror("docker.io", "second.example.com/"),
            mirror("example.com/a/b/", "http://127.0.0.1:1/x"),
        ];
    });
    for (name, expected) in [
        ("debian", &["https://library.example.com:5000/v2/debian"] as &[&str]),
        ("acme/hello", &["https://mirror.example.com/v2/hub/acme/hello", "https://second.example.com/v2/acme/hello"]),
        ("example.com/a/b/c", &["http://127.0.0.1:1/v2/x/c"]),
        ("example.com/a/bc", &[]),
        ("example.com/a/b", &[]),
        ("example.org/a", &[]),
    ] {
        let (_, mirrors) = all.endpoints(&name.parse().unwrap()).unwrap();
        let urls: Vec<String> = mirrors.iter().map(|mirror| mirror.url(&[]).to_string()).collect();
        assert_eq!(urls, expected, "{name}");
    }
}

#[test]
fn rules_without_a_meaning_are_errors() {
    for (of, at, expected) in [
        ("docker.io", "ftp://example.com", "https or http"),
        ("docker.io", "", "no host"),
        ("docker.io", "me:hunter2@example.com", "no host"),
        ("docker.io", "example.com:99999", "no host"),
        ("docker.io", "example.com/Hub", "lower-case"),
        ("docker.io", "example.com/a//b", "lower-case"),
        ("docker.io", "example.com/../b", "lower-case"),
        ("", "example.com", "no host"),
        ("docker.io/library?", "example.com", "lower-case"),
        ("docker.io", "http://example.com", "not among the hosts"),
    ] {
        let error = Registries::new(Settings { mirrors: vec![mirror(of, at)], ..Settings::default() }).err().unwrap();
        assert!(error.to_string().contains(expected), "{of}={at}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let plain_http = BTreeSet::from(["example.com".to_owned()]);
    let settings =
        Settings { mirrors: vec![mirror("docker.io", "http://example.com")], plain_http, ..Settings::default() };
    assert!(Registries::new(settings).is_ok());
}

#[tokio::test]
async fn mirrors_never_see_the_credentials_of_the_registry() {
    let server = guarded();
    let given = |registry: &str| Given {
        registry: registry.into(),
        secret: Secret::Password { user: "me".into(), password: "hunter2".into() },
    };
    let at = server.address().to_string();
    let with = |registry: &str| {
        registries(|settings| {
            settings.mirrors = vec![mirror("docker.io", &at)];
            settings.credentials.given = Some(given(registry));
        })
    };
    let (_, mirrors) = with("docker.io").endpoints(&"debian".parse().unwrap()).unwrap();
    let error = get(&mirrors[0]).await.unwrap_err().to_string();
    assert!(error.contains(&format!("there are no credentials for {at}")) && !error.contains("hunter2"), "{error}");
    assert!(server.seen().iter().all(|seen| !seen.headers.contains_key("authorization")));
    let (_, mirrors) = with(&at).endpoints(&"debian".parse().unwrap()).unwrap();
    assert_eq!(get(&mirrors[0]).await.unwrap(), b"Basic bWU6aHVudGVyMg==");
}

#[tokio::test]
async fn folders_of_certificates_open_registries_with_tls_of_their_own() {
    let (issuer, server) = (Issuer::new(), guarded());
    let front = issuer.front("registry.test", true, server.address());
    let name = format!("registry.test:{}", front.address.port());
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = issuer.client();
    let place = folder.path().join(&name);
    let with = |folders: &[&std::path::Path]| {
        registries(|settings| {
            settings.http.hosts = vec![("registry.test".into(), front.address)];
            settings.certificates = folders.iter().map(|folder| folder.to_path_buf()).collect();
            let secret = Secret::Password { user: "me".into(), password: "hunter2".into() };
            settings.credentials.given = Some(Given { registry: name.clone(), secret });
        })
    };
    let reference: Reference = format!("{name}/a").parse().unwrap();
    let missing = folder.path().join("missing");
    let endpoint = with(&[&missing, folder.path()]).endpoints(&reference).unwrap().0;
    assert!(matches!(get(&endpoint).await, Err(HttpError::Connection { .. })));

    std::fs::create_dir(&place).unwrap();
    std::fs::write(place.join("ca.crt"), issuer.certificate()).unwrap();
    std::fs::write(place.join("notes.txt"), "nonsense").unwrap();
    let endpoint = with(&[folder.path()]).endpoints(&reference).unwrap().0;
    assert!(matches!(get(&endpoint).await, Err(HttpError::Connection { .. })));

    std::fs::write(place.join("client.cert"), &certificate).unwrap();
    let error = with(&[folder.path()]).endpoints(&reference).err().unwrap().to_string();
    assert!(error.contains("client.cert") && error.contains("client.key"), "{error}");
    std::fs::write(place.join("client.key"), "nonsense").unwrap();
    let error = with(&[folder.path()]).endpoints(&reference).err().unwrap().to_string();
    assert!(error.contains("client.cert") && !error.contains("nonsense"), "{error}");
    std::fs::write(place.join("client.key"), &key).unwrap();
    let endpoint = with(&[&missing, folder.path()]).endpoints(&reference).unwrap().0;
    assert_eq!(get(&endpoint).await.unwrap(), b"Basic bWU6aHVudGVyMg==");

    std::fs::write(place.join("other.crt"), "nonsense").unwrap();
    let error = with(&[folder.path()]).endpoints(&reference).err().unwrap().to_string();
    assert!(error.contains("other.crt") && error.contains("certificate"), "{error}");
}

#[test]
fn nothing_secret_can_be_printed() {
    let secret = Secret::Password { user: "hunter2".into(), password: "hunter2".into() };
    let given = Some(Given { registry: "example.com".into(), secret });
    let credentials = CredentialPlaces { given, ..CredentialPlaces::default() };
    let all = Settings { credentials, ..Settings::default() };
    assert!(!format!("{all:?}").contains("hunter2"));
}
