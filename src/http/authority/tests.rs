use super::*;
use crate::http::fixtures::{Manner, Reply, Seen, Server, client};
use crate::http::{Method, Request};
use reqwest::header::WWW_AUTHENTICATE;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Knows keys by number, and takes the next one where one is refused.
struct Keys {
    at: AtomicUsize,
    last: usize,
    refused: Mutex<Vec<Option<String>>>,
}

impl Keys {
    fn from_to(first: usize, last: usize) -> Arc<Self> {
        Arc::new(Keys { at: AtomicUsize::new(first), last, refused: Mutex::default() })
    }

    fn refused(&self) -> Vec<Option<String>> {
        self.refused.lock().unwrap().clone()
    }
}

impl Authority for Keys {
    fn header(&self) -> Answer<'_, Option<HeaderValue>> {
        let at = self.at.load(Ordering::Relaxed);
        Box::pin(async move { Ok((at > 0).then(|| format!("key {at}").parse().unwrap())) })
    }

    fn challenged<'a>(&'a self, answer: &'a HeaderMap, refused: Option<HeaderValue>) -> Answer<'a, bool> {
        assert_eq!(answer[WWW_AUTHENTICATE], "keys");
        self.refused.lock().unwrap().push(refused.map(|value| value.to_str().unwrap().to_owned()));
        let better = self.at.load(Ordering::Relaxed) < self.last;
        if better {
            self.at.fetch_add(1, Ordering::Relaxed);
        }
        Box::pin(async move { Ok(better) })
    }

    fn advice(&self) -> String {
        "look under the mat".into()
    }
}

fn key(seen: &Seen) -> Option<&str> {
    seen.headers.get("authorization").map(String::as_str)
}

fn closed() -> Reply {
    Reply::new(401, "").with("WWW-Authenticate", "keys")
}

/// A door that opens with one key.
fn opens_with(number: usize) -> Server {
    Server::start(move |seen| match key(seen) == Some(&format!("key {number}")) {
        true => Reply::ok("content"),
        false => closed(),
    })
}

async fn get(server: &Server, keys: &Arc<Keys>) -> Result<Vec<u8>, HttpError> {
    client().fetch(Request::get(server.url("x")).authority(keys.clone())).await?.bytes().await
}

#[tokio::test]
async fn a_key_is_sent_at_once_and_a_better_one_is_asked_for_twice_at_most() {
    let (server, keys) = (opens_with(1), Keys::from_to(1, 1));
    assert_eq!(get(&server, &keys).await.unwrap(), b"content");
    assert_eq!((server.seen().len(), keys.refused().len()), (1, 0));
    let (server, keys) = (opens_with(1), Keys::from_to(0, 1));
    assert_eq!(get(&server, &keys).await.unwrap(), b"content");
    assert_eq!((server.seen().len(), keys.refused()), (2, vec![None]));
    let (server, keys) = (opens_with(3), Keys::from_to(1, 3));
    assert_eq!(get(&server, &keys).await.unwrap(), b"content");
    let (server, keys) = (opens_with(4), Keys::from_to(1, 4));
    let error = get(&server, &keys).await.unwrap_err();
    assert!(error.to_string().ends_with("denied with status 401: look under the mat"), "{error}");
    assert_eq!((server.seen().len(), keys.refused()), (3, ["key 1", "key 2"].map(|key| Some(key.into())).to_vec()));
}

#[tokio::test]
async fn what_was_sent_to_a_closed_door_is_sent_again() {
    let (server, keys) = (opens_with(1), Keys::from_to(0, 1));
    let request = Request::new(Method::POST, server.url("x")).body("pay").authority(keys);
    assert!(client().fetch(request).await.is_ok());
    assert!(server.seen().iter().all(|seen| seen.body == b"pay"));
}

#[tokio::test]
async fn keys_are_not_shown_to_others_and_others_ask_in_vain() {
    let other = Server::start(|_| closed());
    let to = other.url("y").to_string();
    let server = Server::start(move |seen| match seen.target.as_str() {
        "/x" => Reply::redirect("/z"),
        _ => Reply::redirect(to.clone()),
    });
    let keys = Keys::from_to(1, 9);
    let error = get(&server, &keys).await.unwrap_err();
    // Not this registry's credentials were refused: nothing is said about them.
    assert!(matches!(error, HttpError::Status { status: 401, .. }), "{error}");
    assert_eq!(server.seen().iter().map(key).collect::<Vec<_>>(), [Some("key 1"); 2]);
    assert_eq!((key(&other.seen()[0]), keys.refused().len()), (None, 0));
}

#[tokio::test]
async fn a_broken_download_goes_on_with_a_better_key() {
    let content: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
    let expected = content.clone();
    let server = Server::start(move |seen| match (seen.before, key(seen)) {
        (0, _) => Reply::file(seen, &content, "\"1\"").in_manner(Manner::DropAfter(500_000)),
        (_, Some("key 2")) => Reply::file(seen, &content, "\"1\""),
        _ => closed(),
    });
    let keys = Keys::from_to(1, 2);
    assert_eq!(get(&server, &keys).await.unwrap(), expected);
    assert_eq!(keys.refused(), [Some("key 1".into())]);
    assert!(server.seen()[2].range().is_some());
}

#[tokio::test]
async fn keys_are_asked_for_in_each_attempt() {
    let server = Server::start(|seen| match (seen.before, key(seen)) {
        (0 | 2, _) => closed(),
        (1, _) => Reply::new(503, ""),
        _ => Reply::ok("content"),
    });
    let keys = Keys::from_to(0, 2);
    assert_eq!(get(&server, &keys).await.unwrap(), b"content");
    assert_eq!(server.seen().iter().map(key).collect::<Vec<_>>(), [None, Some("key 1"), Some("key 1"), Some("key 2")]);
}
