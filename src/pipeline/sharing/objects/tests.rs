//! Hostile stores, and those that say no.

use super::super::asked::{Asked, Kind, Way};
use super::super::shelf::{self, Clock};
use super::super::{LARGEST_CLAIM, PlaceDefaults};
use super::*;
use crate::http::HttpError;
use crate::http::fixtures::{Manner, Reply, Seen, Server, client};
use crate::oci::{Descriptor, document};
use crate::store::Store;

fn shelf(server: &Server) -> Box<dyn Shelf> {
    let fields = format!("endpoint_url={},use_path_style=true,bucket=b,region=r", server.url(""));
    let text =
        format!("type=s3,{fields},access_key_id=id,secret_access_key=hunter2,session_token=hunter3,prefix=p/,name=n");
    let asked = Asked::read(&text, Way::From, &PlaceDefaults::default()).unwrap();
    let Kind::Service(service) = asked.kind else { panic!("{}", asked.shown) };
    service.shelf(client(), Clock::new("2026-01-02T03:04:05Z".parse().unwrap()))
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn serving(reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(reply)
}

#[tokio::test]
async fn a_claim_that_does_not_end_is_cut_off() {
    let endless = serving(|_| Reply::ok(vec![b'x'; 64 << 10]).announcing(None).in_manner(Manner::Endless));
    let error = shelf::claim(shelf(&endless).as_ref()).await.unwrap_err();
    assert!(matches!(error, Error::Http(HttpError::TooLarge { limit: LARGEST_CLAIM, .. })), "{error}");
    let announced = serving(|_| Reply::ok("x").announcing(Some(LARGEST_CLAIM + 1)));
    let error = shelf::claim(shelf(&announced).as_ref()).await.unwrap_err();
    assert!(matches!(error, Error::Http(HttpError::TooLarge { .. })), "{error}");
}

#[tokio::test]
async fn a_list_that_is_too_large_or_another_is_refused() {
    let wanted = Digest::of("the list");
    let large = serving(|_| Reply::ok(vec![b'x'; document::MAX_SIZE as usize + 1]));
    let error = shelf::list(shelf(&large).as_ref(), &wanted).await.unwrap_err();
    assert!(matches!(error, Error::Http(HttpError::TooLarge { .. })), "{error}");
    let other = serving(|_| Reply::ok("another"));
    let error = shelf::list(shelf(&other).as_ref(), &wanted).await.unwrap_err();
    assert_eq!(error.to_string(), format!("what is there as the list {wanted} is something else"));
}

#[tokio::test]
async fn a_pack_that_is_not_what_the_list_says_does_not_reach_the_store() {
    let (_folder, store) = store();
    let pack = Descriptor::of("pack", b"right");
    let other = serving(|_| Reply::ok("wrong"));
    shelf::bring(shelf(&other).as_ref(), &pack, &store).await.unwrap_err();
    for length in [4, 6] {
        let other = serving(move |_| Reply::ok(vec![b'x'; length]));
        let error = shelf::bring(shelf(&other).as_ref(), &pack, &store).await.unwrap_err();
        assert!(matches!(error, Error::Http(HttpError::WrongSize { expected: 5, .. })), "{error}");
    }
    assert!(!store.has(&pack.digest));
    let right = serving(|_| Reply::ok("right"));
    shelf::bring(shelf(&right).as_ref(), &pack, &store).await.unwrap();
    assert!(store.has(&pack.digest));
}

#[tokio::test]
async fn no_request_follows_a_redirect_to_another_server() {
    let (_folder, store) = store();
    let digest = store.put(b"content").unwrap();
    let thief = serving(|_| Reply::ok("x"));
    let to = thief.url("caught").secret().to_string();
    let server = serving(move |_| Reply::new(307, "").with("Location", to.clone()));
    let shelf = shelf(&server);
    for error in [
        shelf::claim(shelf.as_ref()).await.map(drop).unwrap_err(),
        shelf.has(&digest, 7).await.map(drop).unwrap_err(),
        shelf.put(Name::Claim, &Content::of(&store, &digest).unwrap()).await.unwrap_err(),
    ] {
        assert!(error.to_string().contains("where this request must not go"), "{error}");
    }
    assert!(thief.seen().is_empty());
}

#[tokio::test]
async fn a_bucket_that_is_elsewhere_is_told_of() {
    let server = serving(|_| Reply::new(301, "<Error><Code>PermanentRedirect</Code></Error>"));
    let error = shelf::claim(shelf(&server).as_ref()).await.unwrap_err();
    assert!(error.to_string().ends_with("without saying where to: the bucket is in another region: check `region`"));
}

#[tokio::test]
async fn what_a_store_says_no_to_is_told_with_what_to_do() {
    for (body, told) in [
        (
            "<Error><Code>SignatureDoesNotMatch</Code></Error>",
            "the bucket b: it answers with status 403 (SignatureDoesNotMatch): check the secret access key and `region`",
        ),
        ("<Error><Code>Odd</Code></Error>", "the bucket b: it answers with status 403 (Odd)"),
        ("<Error><Code>\u{1b}[31mred</Code></Error>", "the bucket b: it answers with status 403"),
        ("", "the bucket b: it answers with status 403"),
    ] {
        let server = serving(move |_| Reply::new(403, body));
        let error = shelf::claim(shelf(&server).as_ref()).await.unwrap_err();
        assert_eq!(error.to_string(), told);
    }
    let endless = serving(|_| Reply::new(403, vec![b'x'; 64 << 10]).announcing(None).in_manner(Manner::Endless));
    let error = shelf::claim(shelf(&endless).as_ref()).await.unwrap_err();
    assert_eq!(error.to_string(), "the bucket b: it answers with status 403");
}

#[tokio::test]
async fn what_breaks_is_tried_again_and_signed_anew() {
    let (_folder, store) = store();
    let digest = store.put(b"content").unwrap();
    let server = serving(|seen| match (seen.method.as_str(), seen.before) {
        ("PUT", 0) => Reply::new(503, "").with("Retry-After", "1"),
        ("GET", 1) => Reply::ok("content").in_manner(Manner::DropAfter(3)),
        // Whoever signs the whole may have no part of it.
        ("GET", 2) => Reply::new(403, ""),
        _ => Reply::ok("content"),
    });
    let shelf = shelf(&server);
    shelf.put(Name::Claim, &Content::of(&store, &digest).unwrap()).await.unwrap();
    let puts = server.seen();
    assert_eq!(puts.len(), 2);
    assert_ne!(puts[0].headers["x-amz-date"], puts[1].headers["x-amz-date"]);
    let (_other, store) = self::store();
    let pack = Descriptor::of("pack", b"content");
    shelf.open(Name::Content(&digest), Size::AtMost(7)).await.unwrap();
    shelf::bring(shelf.as_ref(), &pack, &store).await.unwrap();
    assert!(store.has(&digest));
}

#[tokio::test]
async fn what_is_there_is_not_sent_again_and_the_claim_comes_last() {
    let (_folder, store) = store();
    let digests = [b"pack", b"list", b"said"].map(|content| store.put(content).unwrap());
    let there = format!("/b/p/blobs/sha256%3A{}", digests[0].hex());
    let server = serving(move |seen| match (seen.method.as_str(), seen.target == there) {
        ("HEAD", true) => Reply::ok("pack"),
        ("HEAD", false) => Reply::new(404, ""),
        _ => Reply::ok(""),
    });
    let pack = Descriptor::new("pack", digests[0], 4);
    shelf::share(shelf(&server).as_ref(), &store, &[pack], &digests[1], &digests[2]).await.unwrap();
    let puts: Vec<Seen> = server.seen().into_iter().filter(|seen| seen.method == "PUT").collect();
    let targets: Vec<&str> = puts.iter().map(|seen| seen.target.as_str()).collect();
    assert_eq!(targets, [format!("/b/p/blobs/sha256%3A{}", digests[1].hex()), "/b/p/manifests/n.kiln".to_owned()]);
    for put in puts {
        assert_eq!(put.headers["x-amz-content-sha256"], Digest::of(&put.body).hex());
        assert_eq!(put.headers["x-amz-security-token"], "hunter3");
        assert!(put.headers["authorization"].contains("Credential=id/20260102/r/s3/aws4_request,"));
    }
}
