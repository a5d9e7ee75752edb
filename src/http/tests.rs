use super::fixtures::{Manner, Reply, Server, client, settings};
use super::*;
use crate::oci::Digest;
use std::time::{Duration, Instant};

fn content() -> Vec<u8> {
    (0..300_000u32).flat_map(|n| n.to_le_bytes()).collect()
}

async fn get(url: Url) -> Result<Vec<u8>, HttpError> {
    client().fetch(Request::get(url)).await?.bytes().await
}

#[test]
fn urls_show_no_secrets() {
    let url: Url = "https://user:hunter2@example.com:8443/a/b?X-Token=hunter2#f".parse().unwrap();
    assert_eq!(url.to_string(), "https://***@example.com:8443/a/b?***");
    assert_eq!(format!("{url:?}"), url.to_string());
    assert!(url.secret().as_str().contains("hunter2"));
    let errors = ["http://user:hunter2@/x", "http://user:hunter2@exa mple/", "ftp://user:hunter2@example.com/"];
    for bad in errors {
        let error = bad.parse::<Url>().unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn paths_below_a_url_stay_below_it() {
    let base: Url = "http://example.com/debian/".parse().unwrap();
    assert_eq!(
        base.below("pool/g++/a b%c.deb").unwrap().to_string(),
        "http://example.com/debian/pool/g++/a%20b%25c.deb"
    );
    for bad in ["", "/etc/passwd", "a/../../b", "./a", "a//b", "a/"] {
        assert!(base.below(bad).is_none(), "{bad}");
    }
}

#[tokio::test]
async fn a_body_comes_as_it_was_sent() {
    let server = Server::start(|_| Reply::ok(content()).with("Content-Encoding", "gzip"));
    assert_eq!(get(server.url("x")).await.unwrap(), content());
    let seen = server.seen();
    assert!(seen[0].headers["user-agent"].starts_with("kiln/"));
    assert!(!seen[0].headers.contains_key("accept-encoding"));
}

#[tokio::test]
async fn broken_downloads_go_on_where_they_stopped() {
    for offset in [0, 1, 70_000, 1_199_999] {
        let server = Server::start(move |seen| {
            let manner = if seen.before == 0 { Manner::DropAfter(offset) } else { Manner::Whole };
            Reply::file(seen, &content(), "\"v1\"").in_manner(manner)
        });
        assert_eq!(get(server.url("x")).await.unwrap(), content(), "{offset}");
        let seen = server.seen();
        assert_eq!(seen.len(), 2);
        let taken = seen[1].range().unwrap_or(0);
        assert!(taken <= offset, "{taken} of {offset}");
        assert_eq!(seen[1].headers.contains_key("if-range"), taken > 0);
    }
}

#[tokio::test]
async fn a_stalled_download_goes_on_over_a_new_connection() {
    let server = Server::start(|seen| {
        let manner = if seen.before == 0 { Manner::StallAfter(500_000) } else { Manner::Whole };
        Reply::file(seen, &content(), "\"v1\"").in_manner(manner)
    });
    assert_eq!(get(server.url("x")).await.unwrap(), content());
}

#[tokio::test]
async fn a_server_without_ranges_sends_again_and_nothing_is_taken_twice() {
    let server = Server::start(|seen| {
        let manner = if seen.before == 0 { Manner::DropAfter(500_000) } else { Manner::Whole };
        Reply::ok(content()).with("Last-Modified", "Sat, 12 Sep 2026 07:55:41 GMT").in_manner(manner)
    });
    assert_eq!(get(server.url("x")).await.unwrap(), content());
}

#[tokio::test]
async fn two_versions_of_a_body_are_never_joined() {
    let server = Server::start(|seen| match seen.before {
        0 => Reply::file(seen, &content(), "\"v1\"").in_manner(Manner::DropAfter(500_000)),
        _ => Reply::file(seen, &vec![0; 1_200_000], "\"v2\""),
    });
    let error = get(server.url("x")).await.unwrap_err();
    assert!(error.to_string().contains("cannot go on"), "{error}");
}

#[tokio::test]
async fn without_versions_only_pinned_content_is_resumed() {
    let serve = || {
        Server::start(|seen| {
            let manner = if seen.before == 0 { Manner::DropAfter(500_000) } else { Manner::Whole };
            Reply::ok(content()).in_manner(manner)
        })
    };
    let server = serve();
    assert!(get(server.url("x")).await.unwrap_err().to_string().contains("does not name versions"));
    let (server, pinned) = (serve(), (Digest::of(content()), content().len() as u64));
    let mut sink = Vec::new();
    let done = client().download(Request::get(server.url("x")), Some(pinned), &mut sink).await.unwrap();
    assert_eq!((done.digest, sink), (pinned.0, content()));
}

#[tokio::test]
async fn a_server_that_breaks_every_time_is_given_up() {
    let server = Server::start(|seen| Reply::file(seen, &content(), "\"v1\"").in_manner(Manner::DropAfter(10)));
    let error = get(server.url("x")).await.unwrap_err();
    assert!(matches!(error, HttpError::Connection { .. }), "{error}");
    assert!(server.seen().len() <= 4);
}

#[tokio::test]
async fn silent_and_slow_servers_are_given_up_in_time() {
    for manner in [Manner::Silent, Manner::StallAfter(10), Manner::Drip(Duration::from_millis(20))] {
        let server = Server::start(move |_| Reply::ok(content()).in_manner(manner));
        let started = Instant::now();
        let error = get(server.url("x")).await.unwrap_err();
        assert!(matches!(error, HttpError::Connection { .. }), "{error}");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn lengths_are_bounded_whatever_the_server_says() {
    let limited = |url| async { client().fetch(Request::get(url).limit(1000)).await?.bytes().await };
    let server = Server::start(|_| Reply::ok(vec![1; 1001]));
    assert!(matches!(limited(server.url("x")).await, Err(HttpError::TooLarge { limit: 1000, .. })));
    let server = Server::start(|_| Reply::ok(vec![1; 900]).announcing(None).in_manner(Manner::Endless));
    assert!(matches!(limited(server.url("x")).await, Err(HttpError::TooLarge { .. })));
    // Less than announced: never taken for the whole.
    let server = Server::start(|_| Reply::ok(vec![1; 900]).announcing(Some(950)));
    assert!(matches!(limited(server.url("x")).await, Err(HttpError::Connection { .. })));
    // More than announced: the rest is not looked at.
    let server = Server::start(|_| Reply::ok(vec![1; 900]).announcing(Some(10)));
    assert_eq!(limited(server.url("x")).await.unwrap(), vec![1; 10]);
}

#[tokio::test]
async fn pinned_content_must_match_in_length_and_digest() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/chunked" => Reply::ok("abc").announcing(None),
        _ => Reply::ok("abc"),
    });
    for path in ["plain", "chunked"] {
        let pinned = |digest, size| {
            let request = Request::get(server.url(path));
            async move { client().download(request, Some((digest, size)), &mut Vec::new()).await }
        };
        assert!(pinned(Digest::of("abc"), 3).await.is_ok());
        for size in [2, 4] {
            assert!(matches!(pinned(Digest::of("abc"), size).await, Err(HttpError::WrongSize { .. })), "{size}");
        }
        assert!(matches!(pinned(Digest::of("abd"), 3).await, Err(HttpError::WrongDigest { .. })));
    }
}

#[tokio::test]
async fn statuses_are_errors_and_passing_ones_are_tried_again() {
    for (status, requests) in [(404, 1), (410, 1), (403, 1), (429, 3), (500, 3), (503, 3), (304, 1)] {
        let server = Server::start(move |_| Reply::new(status, "no"));
        let error = get(server.url("x")).await.unwrap_err();
        assert_eq!(error.is_not_found(), status == 404 || status == 410, "{error}");
        assert_eq!(server.seen().len(), requests, "{status}");
    }
    let server = Server::start(|seen| if seen.before < 2 { Reply::new(503, "busy") } else { Reply::ok("at last") });
    assert_eq!(get(server.url("x")).await.unwrap(), b"at last");
    let server = Server::start(|_| Reply::new(401, "who are you?"));
    let answer = client().fetch(Request::get(server.url("x")).any_status()).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.bytes().await.unwrap()), (401, b"who are you?".to_vec()));
}

#[tokio::test]
async fn what_must_not_happen_twice_is_not_tried_again() {
    let server = Server::start(|_| Reply::new(503, "busy"));
    let request = Request::new(Method::POST, server.url("x")).body("pay");
    assert!(client().fetch(request).await.is_err());
    assert_eq!((server.seen().len(), server.seen()[0].body.as_slice()), (1, b"pay".as_slice()));
}

#[tokio::test]
async fn servers_may_ask_for_patience_but_not_for_too_much() {
    let server = Server::start(|seen| match seen.before {
        0 => Reply::new(429, "").with("Retry-After", "1"),
        _ => Reply::ok("now"),
    });
    let started = Instant::now();
    assert_eq!(get(server.url("x")).await.unwrap(), b"now");
    assert!(started.elapsed() >= Duration::from_secs(1));
    let server = Server::start(|_| Reply::new(429, "").with("Retry-After", "86400"));
    let started = Instant::now();
    assert!(matches!(get(server.url("x")).await, Err(HttpError::Status { status: 429, .. })));
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn redirects_are_followed_within_bounds() {
    let other = Server::start(|_| Reply::ok("there"));
    let to = other.url("y?token=hunter2").secret().to_string();
    let server = Server::start(move |seen| match seen.target.as_str() {
        "/relative" => Reply::redirect("plain"),
        "/plain" => Reply::ok("here"),
        "/away" => Reply::redirect(&to),
        "/loop" => Reply::redirect("/loop"),
        "/file" => Reply::redirect("file:///etc/passwd"),
        "/ftp" => Reply::redirect("ftp://example.com/x"),
        _ => Reply::new(302, ""),
    });
    assert_eq!(get(server.url("relative")).await.unwrap(), b"here");
    let secret = header::HeaderValue::from_static("Bearer hunter2");
    let request = Request::get(server.url("away"))
        .secret_header(header::AUTHORIZATION, secret.clone())
        .secret_header(header::HeaderName::from_static("x-private"), secret)
        .header(header::ACCEPT, header::HeaderValue::from_static("text/plain"));
    let answer = client().fetch(request).await.unwrap();
    assert!(!answer.url().to_string().contains("hunter2"));
    assert_eq!(answer.bytes().await.unwrap(), b"there");
    let (first, second) = (&server.seen()[2].headers, &other.seen()[0].headers);
    assert!(first.contains_key("authorization") && first.contains_key("x-private"));
    assert!(!second.contains_key("authorization") && !second.contains_key("x-private"));
    assert!(second.contains_key("accept"));
    for path in ["loop", "file", "ftp", "nowhere"] {
        let error = get(server.url(path)).await.unwrap_err();
        assert!(matches!(error, HttpError::Redirect { .. }), "{error}");
    }
}

#[tokio::test]
async fn files_are_read_only_where_the_user_named_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    std::fs::write(&path, content()).unwrap();
    let url = |path: &std::path::Path| -> Url { format!("file://{}", path.display()).parse().unwrap() };
    assert!(matches!(get(url(&path)).await, Err(HttpError::FileRefused { .. })));
    let allowed = |url| async { client().fetch(Request::get(url).allow_file()).await?.bytes().await };
    assert_eq!(allowed(url(&path)).await.unwrap(), content());
    assert!(allowed(url(&folder.path().join("y"))).await.unwrap_err().is_not_found());
    assert!(matches!(allowed(url(folder.path())).await, Err(HttpError::File { .. })));
    assert!(matches!(allowed(url("/dev/zero".as_ref())).await, Err(HttpError::File { .. })));
    let tight = client().fetch(Request::get(url(&path)).allow_file().limit(10)).await;
    assert!(matches!(tight, Err(HttpError::TooLarge { .. })));
}

#[tokio::test]
async fn offline_means_no_host_at_all() {
    let server = Server::start(|_| Reply::ok("x"));
    let offline = Client::new(Settings { offline: true, ..settings() }).unwrap();
    assert!(matches!(offline.fetch(Request::get(server.url("x"))).await, Err(HttpError::Offline { .. })));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn an_unreachable_host_is_an_error_that_says_so() {
    let error = get("http://127.0.0.1:1/x?key=hunter2".parse().unwrap()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("/x?") && text.contains(": cannot connect: Connection refused"), "{text}");
    assert!(text.contains("tried 3 times") && !text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn a_server_without_tls_is_told_in_plain_words() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url: Url = format!("https://{}/x", listener.local_addr().unwrap()).parse().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.0 400 Bad Request\r\n\r\n");
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
        }
    });
    let text = get(url).await.unwrap_err().to_string();
    assert!(text.contains(": what answers there does not speak TLS; "), "{text}");
}

/// A file with `content` behind 1000 other bytes, and what to tell of it.
fn part(content: &[u8]) -> (std::sync::Arc<std::fs::File>, u64, u64) {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &[&vec![9; 1000], content, b"behind"].concat()).unwrap();
    (file.into(), 1000, content.len() as u64)
}

#[tokio::test]
async fn a_stretch_of_a_file_is_sent_whole_in_each_attempt_and_counted() {
    let server = Server::start(|seen| Reply::new(if seen.before == 0 { 503 } else { 201 }, ""));
    let (file, at, size) = part(&content());
    let count = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counter = count.clone();
    let sent = std::sync::Arc::new(move |n| {
        counter.fetch_add(n, std::sync::atomic::Ordering::Relaxed);
    });
    let request = Request::new(Method::PUT, server.url("x")).body_part(file, at, size, sent);
    assert_eq!(client().fetch(request).await.unwrap().status(), StatusCode::CREATED);
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    for attempt in seen {
        assert_eq!(attempt.body, content());
        assert!(!attempt.headers.contains_key("transfer-encoding"));
    }
    assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), 2 * size);
}

#[tokio::test]
async fn a_stretch_that_cannot_be_read_is_no_fault_of_the_server() {
    let server = Server::start(|_| Reply::new(201, ""));
    let (file, at, size) = part(b"short");
    let request = Request::new(Method::PUT, server.url("x")).body_part(file, at, size + 100, std::sync::Arc::new(drop));
    let error = client().fetch(request).await.err().unwrap();
    assert!(matches!(error, HttpError::Source { .. }) && !error.is_of_server(), "{error}");
}

#[tokio::test]
async fn a_server_that_stops_taking_a_body_is_given_up_in_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url: Url = format!("http://{}/x", listener.local_addr().unwrap()).parse().unwrap();
    let (file, at, size) = part(&vec![1; 30 << 20]);
    let started = Instant::now();
    let request = Request::new(Method::PUT, url).body_part(file, at, size, std::sync::Arc::new(drop)).repeatable(false);
    let error = client().fetch(request).await.err().unwrap();
    assert!(error.to_string().contains("took nothing"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}
