use super::*;
use secrecy::ExposeSecret as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Whatever is secret in these tests has this in it.
const SECRET: &str = "hunter2";

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Home(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, content: &str) -> CredentialFile {
        fs::write(self.path(name), content).unwrap();
        CredentialFile { path: self.path(name), required: false }
    }

    /// A helper: a shell script that finds the server's name in `$server`. Written by another process, so that none
    /// that is started meanwhile holds it open.
    fn helper(&self, name: &str, script: &str) {
        let draft = self.file("draft", &format!("#!/bin/sh\n[ \"$1\" = get ] || exit 9\nserver=$(cat)\n{script}\n"));
        let program = self.path(&format!("docker-credential-{name}"));
        let done = std::process::Command::new("install").arg("-m755").arg(draft.path).arg(program).status().unwrap();
        assert!(done.success());
    }

    fn keyring(&self, files: Vec<CredentialFile>) -> Arc<Keyring> {
        Keyring::new(CredentialPlaces { given: None, files, programs: vec![self.0.path().to_owned()] })
    }
}

/// What was found, in the open.
async fn found(keyring: &Keyring, registry: &str, repository: &str) -> Option<String> {
    let found = keyring.find(registry, repository).await.unwrap()?;
    Some(open(&found.secret))
}

fn open(secret: &Secret) -> String {
    match secret {
        Secret::Password { user, password } => format!("{}:{}", user.expose_secret(), password.expose_secret()),
        Secret::Identity { user, token } => {
            format!("identity {:?} {}", user.as_ref().map(|u| u.expose_secret()), token.expose_secret())
        }
        Secret::Registry(token) => format!("registry {}", token.expose_secret()),
        Secret::Token(token) => format!("token {}", token.expose_secret()),
    }
}

async fn refused(keyring: &Keyring) -> String {
    let error = keyring.find("example.com", "a/b").await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
    error.to_string()
}

#[tokio::test]
async fn every_form_of_an_entry_is_understood() {
    let home = Home::new();
    // `me:hunter2`, with and without padding, and with the zeros of old writers; `me:`; `me:a:b`
    let file = home.file(
        "config.json",
        r#"{"auths": {
            "a.example": {"auth": "bWU6aHVudGVyMg=="}, "b.example": {"auth": "bWU6aHVudGVyMg"},
            "c.example": {"auth": "bWU6aHVudGVyMgAA"}, "d.example": {"username": "me", "password": "hunter2"},
            "e.example": {"auth": "bWU6", "identitytoken": "hunter2"}, "f.example": {"registrytoken": "hunter2"},
            "g.example": {"auth": "bWU6YTpi"}, "h.example": {}, "i.example": null, "j.example": {"auth": ""}
        }, "HttpHeaders": {"x": "y"}, "credsStore": "", "credHelpers": null}"#,
    );
    let keyring = home.keyring(vec![file]);
    for (host, expected) in [
        ("a", Some("me:hunter2")),
        ("b", Some("me:hunter2")),
        ("c", Some("me:hunter2")),
        ("d", Some("me:hunter2")),
        ("e", Some("identity Some(\"me\") hunter2")),
        ("f", Some("registry hunter2")),
        ("g", Some("me:a:b")),
        ("h", None),
        ("i", None),
        ("j", None),
        ("k", None),
    ] {
        assert_eq!(found(&keyring, &format!("{host}.example"), "x").await.as_deref(), expected, "{host}");
    }
}

#[tokio::test]
async fn hosts_are_found_under_the_names_that_docker_gives_them() {
    let home = Home::new();
    let auth = |name: &str| format!(r#"{{"auths": {{"{name}": {{"username": "me", "password": "hunter2"}}}}}}"#);
    for name in ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"] {
        let keyring = home.keyring(vec![home.file("config.json", &auth(name))]);
        assert!(found(&keyring, "docker.io", "library/debian").await.is_some(), "{name}");
        assert!(found(&keyring, "example.com", "library/debian").await.is_none(), "{name}");
    }
    for name in ["https://Example.com:5000/v2/", "example.com:5000", "http://example.com:5000/v1"] {
        let keyring = home.keyring(vec![home.file("config.json", &auth(name))]);
        assert!(found(&keyring, "example.com:5000", "x").await.is_some(), "{name}");
        for other in ["example.com", "example.com:5001", "evil.example.com:5000", "example.com:50000"] {
            assert!(found(&keyring, other, "x").await.is_none(), "{name} for {other}");
        }
    }
}

#[tokio::test]
async fn the_longest_name_that_fits_counts() {
    let home = Home::new();
    let names = ["example.com", "example.com/a", "example.com/a/b", "docker.io/library"];
    let entries: Vec<String> =
        names.iter().map(|name| format!(r#""{name}": {{"username": "{name}", "password": "hunter2"}}"#)).collect();
    let keyring = home.keyring(vec![home.file("auth.json", &format!(r#"{{"auths": {{{}}}}}"#, entries.join(",")))]);
    for (registry, repository, expected) in [
        ("example.com", "a/b", Some("example.com/a/b")),
        ("example.com", "a/b/c", Some("example.com/a/b")),
        ("example.com", "a/bc", Some("example.com/a")),
        ("example.com", "ab", Some("example.com")),
        ("docker.io", "library/debian", Some("docker.io/library")),
        ("docker.io", "acme/hello", None),
    ] {
        let expected = expected.map(|name| format!("{name}:{SECRET}"));
        assert_eq!(found(&keyring, registry, repository).await, expected, "{registry}/{repository}");
    }
}

#[tokio::test]
async fn places_are_asked_in_order_and_the_environment_opens_its_registry_alone() {
    let home = Home::new();
    let auth =
        |user: &str| format!(r#"{{"auths": {{"example.com": {{"username": "{user}", "password": "hunter2"}}}}}}"#);
    let files = vec![home.file("1", "{}"), home.file("2", &auth("two")), home.file("3", &auth("three"))];
    let keyring = home.keyring(files.clone());
    let first = keyring.find("example.com", "x").await.unwrap().unwrap();
    assert_eq!((open(&first.secret).as_str(), first.place), ("two:hunter2", Place::File(home.path("2"))));
    let given = Given { registry: "example.com".into(), secret: Secret::Token(SECRET.into()) };
    let keyring = Keyring::new(CredentialPlaces { given: Some(given), files, programs: vec![] });
    assert_eq!(found(&keyring, "example.com", "x").await.as_deref(), Some("token hunter2"));
    for other in ["example.com:443", "a.example.com", "example.org", "docker.io"] {
        assert_eq!(found(&keyring, other, "x").await, None);
    }
}

#[tokio::test]
async fn broken_files_are_errors_that_name_the_file_and_repeat_nothing() {
    let home = Home::new();
    for broken in [
        "hunter2",
        r#"{"auths": "hunter2"}"#,
        r#"{"auths": {"example.com": "hunter2"}}"#,
        r#"{"auths": {"example.com": {"auth": ["hunter2"]}}}"#,
        r#"{"auths": {"example.com": {"auth": "hunter2"}}}"#,
        r#"{"auths": {"example.com": {"auth": "aHVudGVyMg=="}}}"#,
        r#"{"auths": {"example.com": {"password": "hunter2"#,
    ] {
        let error = refused(&home.keyring(vec![home.file("config.json", broken)])).await;
        assert!(error.contains("config.json has "), "{error}");
    }
    let large = home.file("config.json", &" ".repeat((1 << 20) + 1));
    assert!(refused(&home.keyring(vec![large])).await.contains("larger than"));
    let folder = CredentialFile { path: home.path(""), required: false };
    assert!(refused(&home.keyring(vec![folder])).await.contains("no regular file"));
    let mut missing = CredentialFile { path: home.path("missing"), required: false };
    assert!(found(&home.keyring(vec![missing.clone()]), "example.com", "x").await.is_none());
    missing.required = true;
    assert!(refused(&home.keyring(vec![missing])).await.contains("No such file"));
}

#[tokio::test]
async fn a_broken_file_disturbs_nobody_before_a_registry_asks() {
    let home = Home::new();
    let keyring = home.keyring(vec![home.file("config.json", "hunter2")]);
    fs::write(home.path("config.json"), "{}").unwrap();
    assert!(found(&keyring, "example.com", "x").await.is_none());
}

#[tokio::test]
async fn helpers_are_asked_and_asked_once() {
    let home = Home::new();
    home.helper(
        "store",
        r#"echo "$server" >> "$0.asked"; echo "{\"ServerURL\":\"$server\",\"Username\":\"me@$server\",\"Secret\":\"hunter2\"}""#,
    );
    home.helper("token", r#"echo '{"Username":"<token>","Secret":"hunter2"}'"#);
    home.helper("none", "echo 'credentials not found in native keychain'; exit 1");
    let config = r#"{"credsStore": "store", "credHelpers": {"t.example": "token", "n.example": "none"},
        "auths": {"n.example": {"username": "file", "password": "hunter2"}, "s.example": {}}}"#;
    let keyring = home.keyring(vec![home.file("config.json", config)]);
    assert_eq!(found(&keyring, "t.example", "x").await.as_deref(), Some("identity None hunter2"));
    assert_eq!(found(&keyring, "n.example", "x").await.as_deref(), Some("file:hunter2"));
    for _ in 0..3 {
        assert_eq!(found(&keyring, "s.example", "x").await.as_deref(), Some("me@s.example:hunter2"));
    }
    let hub = found(&keyring, "docker.io", "x").await;
    assert_eq!(hub.as_deref(), Some("me@https://index.docker.io/v1/:hunter2"));
    let asked = fs::read_to_string(home.path("docker-credential-store.asked")).unwrap();
    assert_eq!(asked, "s.example\nhttps://index.docker.io/v1/\n");
    let place = keyring.find("s.example", "x").await.unwrap().unwrap().place.to_string();
    assert!(place.starts_with("docker-credential-store, which ") && place.ends_with("config.json names"), "{place}");
}

#[tokio::test]
async fn helpers_that_fail_are_errors_that_name_them_and_repeat_no_secret() {
    let home = Home::new();
    home.helper("broken", "echo 'the keychain is locked'; exit 1");
    home.helper("leaky", "echo '{\"Username\":\"me\",\"Secret\":\"hunter2\"}'; exit 1");
    home.helper("chatty", "echo hunter2 >&2; echo hunter2");
    home.helper("endless", "yes hunter2");
    home.helper("quiet", "exit 3");
    for (name, expected) in [
        ("broken", "failed: the keychain is locked"),
        ("leaky", "failed"),
        ("chatty", "answers with no JSON at line 1"),
        ("endless", "says more than"),
        ("quiet", "failed"),
        ("absent", "is not on PATH"),
        ("../../bin/sh", "has a name that no helper can have"),
        ("a b", "has a name that no helper can have"),
    ] {
        let file = home.file("config.json", &format!(r#"{{"credsStore": "{name}"}}"#));
        let error = refused(&home.keyring(vec![file])).await;
        assert!(error.contains(expected) && error.contains("config.json"), "{error}");
    }
}

#[tokio::test]
async fn a_helper_that_takes_too_long_is_given_up() {
    let home = Home::new();
    home.helper("slow", "exec sleep 60");
    let started = Instant::now();
    let folders = [home.0.path().to_owned()];
    let error = helper::ask(&folders, "slow", "example.com", Duration::from_millis(300)).await.unwrap_err();
    assert!(error.contains("did not answer within"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn helpers_are_looked_for_in_absolute_folders_only() {
    let folders = [PathBuf::from("."), PathBuf::new(), Path::new("bin").to_owned()];
    let error = helper::ask(&folders, "store", "example.com", Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error, "is not on PATH");
}

#[test]
fn nothing_secret_can_be_printed() {
    let secret = || secrecy::SecretString::from(SECRET);
    let secrets = [
        Secret::Password { user: secret(), password: secret() },
        Secret::Identity { user: Some(secret()), token: secret() },
        Secret::Registry(secret()),
        Secret::Token(secret()),
    ];
    for secret in secrets {
        let given = Given { registry: "example.com".into(), secret: secret.clone() };
        let found = Found { secret, place: Place::Environment };
        let places = CredentialPlaces { given: Some(given), files: vec![], programs: vec![] };
        assert!(!format!("{found:?} {places:?} {}", found.place).contains(SECRET));
    }
}
