use super::super::credentials::{CredentialPlaces, Given};
use super::*;
use crate::http::fixtures::{Reply, Seen, Server, client};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Whatever is secret in these tests has this in it.
const SECRET: &str = "hunter2";
/// `me:hunter2`
const BASIC: &str = "Basic bWU6aHVudGVyMg==";

fn password() -> Secret {
    Secret::Password { user: "me".into(), password: SECRET.into() }
}

fn identity(user: Option<&str>) -> Secret {
    Secret::Identity { user: user.map(SecretString::from), token: SECRET.into() }
}

/// The registry at a server, spoken to without TLS.
fn access(secret: Option<Secret>) -> Arc<Access> {
    let given = secret.map(|secret| Given { registry: "example.com".into(), secret });
    let keyring = Keyring::new(CredentialPlaces { given, ..CredentialPlaces::default() });
    Access::new("example.com".into(), true, client(), keyring)
}

fn pull(access: &Arc<Access>) -> Arc<dyn Authority> {
    access.door("a/b", vec!["repository:a/b:pull".into()])
}

async fn get(server: &Server, authority: &Arc<dyn Authority>) -> Result<Vec<u8>, HttpError> {
    client().fetch(Request::get(server.url("v2/a/b/x")).authority(authority.clone())).await?.bytes().await
}

/// What no error may hold.
fn shown(error: &HttpError) -> String {
    let text = format!("{error} {error:?}");
    assert!(!text.contains(SECRET) && !text.contains("aHVudGVyMg"), "{text}");
    error.to_string()
}

fn authorization(seen: &Seen) -> &str {
    seen.headers.get("authorization").map_or("", String::as_str)
}

/// A registry and its token server: what is below `/v2/` opens with the token that was given last, `token` answers
/// for `/token`.
fn registry(token: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |seen| match seen.target.starts_with("/token") {
        true => token(seen),
        false if authorization(seen).starts_with("Bearer good") => Reply::ok("content"),
        false => {
            let host = &seen.headers["host"];
            let asks =
                format!(r#"Bearer realm="http://{host}/token",service="the \"service\"",scope="repository:a/b:pull""#);
            Reply::new(401, "").with("WWW-Authenticate", asks)
        }
    })
}

fn granted(token: &str) -> Reply {
    Reply::ok(format!(r#"{{"token": "{token}", "expires_in": 300, "issued_at": "2026-01-01T00:00:00Z"}}"#))
}

fn targets(server: &Server) -> Vec<String> {
    server
        .seen()
        .into_iter()
        .map(|seen| format!("{} {}", seen.method, seen.target.replace("%3A", ":").replace("%2F", "/")))
        .collect()
}

const FOR_PULL: &str = "GET /token?service=the+%22service%22&scope=repository:a/b:pull";

#[tokio::test]
async fn a_registry_that_is_open_to_all_gives_tokens_without_credentials_and_they_are_kept() {
    let server = registry(|seen| {
        assert_eq!(authorization(seen), "");
        granted("good")
    });
    let door = pull(&access(None));
    for _ in 0..3 {
        assert_eq!(get(&server, &door).await.unwrap(), b"content");
    }
    let path = "GET /v2/a/b/x";
    assert_eq!(targets(&server), [path, FOR_PULL, path, path, path]);
}

#[tokio::test]
async fn a_password_goes_to_the_token_server_and_not_to_a_registry_that_wants_a_token() {
    let server = registry(|seen| {
        assert_eq!(authorization(seen), BASIC);
        granted("good")
    });
    assert!(get(&server, &pull(&access(Some(password())))).await.is_ok());
    let to_registry = server.seen().into_iter().filter(|seen| seen.target.starts_with("/v2/"));
    assert_eq!(to_registry.map(|seen| authorization(&seen).to_owned()).collect::<Vec<_>>(), ["", "Bearer good"]);
}

#[tokio::test]
async fn other_scopes_get_their_token_at_once_and_mounts_name_both_repositories() {
    let server = registry(|_| granted("good"));
    let access = access(None);
    get(&server, &pull(&access)).await.unwrap();
    let scopes = vec!["repository:a/b:pull,push".into(), "repository:c:pull".into()];
    get(&server, &access.door("a/b", scopes.clone())).await.unwrap();
    get(&server, &access.door("a/b", scopes)).await.unwrap();
    let asked: Vec<String> = targets(&server).into_iter().skip(3).collect();
    let token = "GET /token?service=the+%22service%22&scope=repository:a/b:pull%2Cpush&scope=repository:c:pull";
    // `repository:a/b:pull` of the challenge goes no further than what is wanted.
    assert_eq!(asked, [&format!("{token}&scope=repository:a/b:pull"), "GET /v2/a/b/x", "GET /v2/a/b/x"]);
}

#[tokio::test]
async fn challenges_get_no_more_than_is_needed() {
    let server = |scopes: &[&str]| TokenServer {
        realm: "https://example.com/".parse().unwrap(),
        service: None,
        scopes: scopes.iter().map(|s| s.to_string()).collect(),
    };
    let wanted = ["repository:a:pull".to_owned()];
    let all =
        ["repository:x/a:pull", "repository:a:pull", "repository:b:pull,push", "registry:catalog:*", "repository:*"];
    assert_eq!(server(&all).scopes_with(&wanted), ["repository:a:pull", "repository:x/a:pull"]);
}

#[tokio::test]
async fn many_at_once_share_one_token() {
    let server = registry(|_| {
        std::thread::sleep(Duration::from_millis(100));
        granted("good")
    });
    let door = pull(&access(None));
    let all = futures_util::future::join_all((0..20).map(|_| get(&server, &door))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(server.seen().iter().filter(|seen| seen.target.starts_with("/token")).count(), 1);
}

#[tokio::test]
async fn identity_tokens_are_exchanged() {
    let server = registry(|seen| {
        assert_eq!((seen.method.as_str(), authorization(seen)), ("POST", ""));
        assert_eq!(seen.headers["content-type"], "application/x-www-form-urlencoded");
        let form = String::from_utf8(seen.body.clone()).unwrap();
        assert_eq!(
            form,
            "grant_type=refresh_token&client_id=kiln&service=the+%22service%22&scope=repository%3Aa%2Fb%3Apull&refresh_token=hunter2"
        );
        Reply::ok(r#"{"access_token": "good", "refresh_token": "hunter2-other"}"#)
    });
    assert_eq!(get(&server, &pull(&access(Some(identity(None))))).await.unwrap(), b"content");
    assert_eq!(targets(&server), ["GET /v2/a/b/x", "POST /token", "GET /v2/a/b/x"]);
}

#[tokio::test]
async fn token_servers_that_know_no_exchange_are_asked_in_the_older_way() {
    for (status, user, expected) in
        [(404, Some("me"), BASIC), (405, Some("me"), BASIC), (404, None, "Basic PHRva2VuPjpodW50ZXIy")]
    {
        let server = registry(move |seen| match seen.method.as_str() {
            "POST" => Reply::new(status, ""),
            _ => {
                assert_eq!(authorization(seen), expected);
                granted("good")
            }
        });
        assert!(get(&server, &pull(&access(Some(identity(user))))).await.is_ok());
    }
}

#[tokio::test]
async fn a_token_of_either_kind_is_exchanged_or_sent_as_it_is() {
    let token = || pull(&access(Some(Secret::Token("good-hunter2".into()))));
    let server = registry(|_| Reply::new(401, ""));
    assert!(get(&server, &token()).await.is_ok());
    assert_eq!(authorization(server.seen().last().unwrap()), "Bearer good-hunter2");
    let server = registry(|_| granted("good"));
    assert!(get(&server, &token()).await.is_ok());
    assert_eq!(authorization(server.seen().last().unwrap()), "Bearer good");
    let server = registry(|_| panic!("a registry token is nobody else's"));
    assert!(get(&server, &pull(&access(Some(Secret::Registry("good-hunter2".into()))))).await.is_ok());
}

#[tokio::test]
async fn passwords_are_sent_at_once_where_a_registry_wants_them() {
    let server = Server::start(|seen| match authorization(seen) {
        BASIC => Reply::ok("content"),
        _ => Reply::new(401, "").with("WWW-Authenticate", "Negotiate").with("WWW-Authenticate", "basic realm=\"x\""),
    });
    let access = access(Some(password()));
    for _ in 0..2 {
        get(&server, &pull(&access)).await.unwrap();
    }
    get(&server, &access.door("a/b", vec!["repository:a/b:pull,push".into()])).await.unwrap();
    assert_eq!(server.seen().iter().map(authorization).collect::<Vec<_>>(), ["", BASIC, BASIC, BASIC]);
}

#[tokio::test]
async fn tokens_are_renewed_before_they_end_and_when_they_are_refused() {
    let count = Arc::new(AtomicUsize::new(0));
    let server = registry(move |_| {
        let life = [0.4, 300.0][count.fetch_add(1, Ordering::Relaxed).min(1)];
        Reply::ok(format!(r#"{{"token": "good", "expires_in": {life}}}"#))
    });
    let door = pull(&access(None));
    get(&server, &door).await.unwrap();
    tokio::time::sleep(Duration::from_millis(350)).await;
    get(&server, &door).await.unwrap();
    // Nothing was refused: the token was renewed first.
    assert_eq!(targets(&server)[3..], [FOR_PULL, "GET /v2/a/b/x"]);

    let count = AtomicUsize::new(0);
    let server = Server::start(move |seen| {
        let host = &seen.headers["host"];
        let asks = format!(r#"Bearer realm="http://{host}/token""#);
        match (seen.target.as_str(), authorization(seen)) {
            ("/token?scope=repository%3Aa%2Fb%3Apull", _) => {
                granted(&format!("{}", count.fetch_add(1, Ordering::Relaxed)))
            }
            (_, "Bearer 0") if seen.before < 2 => Reply::ok("content"),
            (_, "Bearer 1") => Reply::ok("content"),
            _ => Reply::new(401, "").with("WWW-Authenticate", asks),
        }
    });
    let door = pull(&access(None));
    get(&server, &door).await.unwrap();
    get(&server, &door).await.unwrap();
    let keys: Vec<String> = server.seen().iter().map(|seen| authorization(seen).to_owned()).collect();
    assert_eq!(keys, ["", "", "Bearer 0", "Bearer 0", "", "Bearer 1"]);
}

#[tokio::test]
async fn who_is_denied_learns_whose_credentials_these_were_and_what_to_do() {
    // The token does not reach as far as the registry wants: that another one is the same is the end of it.
    let server = registry(|_| granted("bad"));
    let error = shown(&get(&server, &pull(&access(None))).await.unwrap_err());
    for part in
        ["status 401", "there are no credentials for example.com", "`docker login example.com`", "KILN_REGISTRY_USER"]
    {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(server.seen().len(), 4);
    // The token server knows better.
    for (secret, status) in [(password(), 401), (password(), 403), (identity(None), 400)] {
        let server = registry(move |_| Reply::new(status, "hunter2 is wrong"));
        let error = shown(&get(&server, &pull(&access(Some(secret)))).await.unwrap_err());
        assert!(
            error.contains("/token")
                && error.contains("the credentials from the environment (KILN_REGISTRY) are wrong"),
            "{error}"
        );
        assert_eq!(server.seen().len(), 2);
    }
    // No question was asked.
    let server = Server::start(|_| Reply::new(403, ""));
    let error = shown(&get(&server, &pull(&access(Some(password())))).await.unwrap_err());
    assert!(error.contains("status 403: the registry did not ask for credentials"), "{error}");
    let server = Server::start(|_| Reply::new(401, "").with("WWW-Authenticate", "Negotiate"));
    let error = shown(&get(&server, &pull(&access(Some(password())))).await.unwrap_err());
    assert!(error.contains("in a way that kiln does not know"), "{error}");
    assert!(server.seen().iter().all(|seen| authorization(seen).is_empty()));
}

#[tokio::test]
async fn token_servers_must_speak_tls_where_the_registry_does() {
    let server = registry(|_| granted("good"));
    let given = Given { registry: "example.com".into(), secret: password() };
    let keyring = Keyring::new(CredentialPlaces { given: Some(given), ..CredentialPlaces::default() });
    let access = Access::new("example.com".into(), false, client(), keyring);
    let error = shown(&get(&server, &pull(&access)).await.unwrap_err());
    assert!(error.contains("nothing secret goes over plain http"), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn nothing_secret_follows_a_redirect_of_a_token_server() {
    let elsewhere = Server::start(|_| granted("good"));
    let to = elsewhere.url("token").to_string();
    for (secret, status) in [(password(), 302), (identity(None), 307), (identity(None), 308)] {
        let to = to.clone();
        let server = registry(move |_| Reply::new(status, "").with("Location", to.clone()));
        let error = shown(&get(&server, &pull(&access(Some(secret)))).await.unwrap_err());
        assert!(error.contains("where this request must not go"), "{error}");
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn useless_answers_of_token_servers_are_errors_that_repeat_nothing() {
    let long = "x".repeat(2 << 20);
    for (answer, expected) in [
        ("hunter2", "not the JSON"),
        (r#"{"token": ["hunter2"]}"#, "not the JSON"),
        (r#"{"token": "hunter2\n"}"#, "characters that none can have"),
        (r#"{"token": "", "x": "hunter2"}"#, "has no token"),
        (long.as_str(), "more than the allowed"),
    ] {
        let answer = answer.to_owned();
        let server = registry(move |_| Reply::ok(answer.clone()));
        let error = shown(&get(&server, &pull(&access(Some(password())))).await.unwrap_err());
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn hostile_challenges_lead_nowhere() {
    for asks in [
        "Bearer",
        "Bearer realm=\"file:///etc/passwd\"",
        "Bearer realm=\"ftp://example.com/\"",
        "Bearer realm=\"nonsense\"",
        "Bearer realm=\"http://me:hunter2@127.0.0.1:1/\"",
        "Bearer realm=\"unfinished",
        "=\",=,Basic =",
    ] {
        let server = Server::start(move |_| Reply::new(401, "").with("WWW-Authenticate", asks));
        shown(&get(&server, &pull(&access(Some(password())))).await.unwrap_err());
        assert_eq!(server.seen().len(), 1, "{asks}");
    }
    let long = format!("Basic realm=\"{}\"", "x".repeat(10 << 10));
    let server = Server::start(move |_| Reply::new(401, "").with("WWW-Authenticate", long.clone()));
    assert!(get(&server, &pull(&access(Some(password())))).await.is_err());
}

#[tokio::test]
async fn a_silent_token_server_is_given_up() {
    let server = registry(|_| granted("good").in_manner(crate::http::fixtures::Manner::Silent));
    assert!(matches!(get(&server, &pull(&access(None))).await, Err(HttpError::Connection { .. })));
}

#[tokio::test]
async fn texts_that_repeat_what_was_sent_are_known() {
    let server = Server::start(|seen| match authorization(seen) {
        BASIC => Reply::ok("content"),
        _ => Reply::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\""),
    });
    let access = access(Some(password()));
    assert!(!access.betrays("hunter2 is wrong"));
    get(&server, &pull(&access)).await.unwrap();
    for text in ["hunter2 is wrong", "no: Basic bWU6aHVudGVyMg=="] {
        assert!(access.betrays(text), "{text}");
    }
    assert!(!access.betrays("me is unknown"));
}
