use super::super::asked::{Asked, Kind, Way};
use super::super::shelf;
use super::*;
use crate::http::fixtures::{Reply, Seen, Server, client};
use crate::oci::Descriptor;
use crate::store::Store;
use serde_json::json;

fn shelf(server: &Server) -> Box<dyn Shelf> {
    let text = format!("type=gha,url_v2={},token=hunter2,scope=s", server.url(""));
    let asked = Asked::read(&text, Way::From, &PlaceDefaults::default()).unwrap();
    assert!(!asked.shown.contains("hunter2"));
    let Kind::Service(service) = asked.kind else { panic!("{}", asked.shown) };
    service.shelf(client(), Clock::new("2026-01-02T03:04:05Z".parse().unwrap()))
}

fn serving(reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(reply)
}

#[tokio::test]
async fn the_token_goes_to_the_service_alone() {
    let thief = serving(|_| Reply::ok("x"));
    let to = thief.url("caught").secret().to_string();
    let server = serving(move |_| Reply::new(308, "").with("Location", to.clone()));
    let error = shelf::claim(shelf(&server).as_ref()).await.unwrap_err();
    assert!(error.to_string().contains("where this request must not go"), "{error}");
    assert!(thief.seen().is_empty());
    // The store behind it is asked without.
    let store = serving(|_| Reply::ok("right"));
    let pack = Descriptor::of("pack", b"right");
    let (url, key) = (store.url("blob?sig=hunter3").secret().to_string(), content_key(&pack.digest));
    let server = serving(move |seen| {
        assert_eq!(seen.headers["authorization"], "Bearer hunter2");
        Reply::ok(json!({ "ok": true, "signed_download_url": url, "matched_key": key }).to_string())
    });
    let folder = tempfile::tempdir().unwrap();
    shelf::bring(shelf(&server).as_ref(), &pack, &Store::open(folder.path()).unwrap()).await.unwrap();
    assert!(store.seen().iter().all(|seen| !seen.headers.contains_key("authorization")));
}

#[tokio::test]
async fn an_answer_that_leads_elsewhere_is_not_followed() {
    let found =
        |url: &str, key: &str| json!({ "ok": true, "signed_download_url": url, "matched_key": key }).to_string();
    let claims = format!("kiln-results-1-{}-1", &Digest::of("s").hex()[..16]);
    for (body, told) in [
        (found("file:///etc/passwd", &claims), Some("an address that must not be asked")),
        (found("not an address", &claims), Some("an address that must not be asked")),
        ("[".to_owned(), Some("its answer cannot be read")),
        (found("http://127.0.0.1:1/", "another"), None),
        (json!({ "ok": false }).to_string(), None),
    ] {
        let server = serving(move |_| Reply::ok(body.clone()));
        match (shelf::claim(shelf(&server).as_ref()).await, told) {
            (Err(error), Some(told)) => assert!(error.to_string().contains(told), "{error}"),
            (Ok(None), None) => {}
            (other, _) => panic!("{other:?}"),
        }
    }
    let large = serving(|_| Reply::ok(vec![b' '; LONGEST_ANSWER as usize + 1]));
    assert!(shelf::claim(shelf(&large).as_ref()).await.unwrap_err().to_string().contains("more than the allowed"));
}

#[tokio::test]
async fn a_service_that_limits_is_waited_for_and_then_told_of() {
    let key = format!("kiln-results-1-{}-1", &Digest::of("s").hex()[..16]);
    let busy = serving(move |seen| match seen.before {
        0 => Reply::new(429, "").with("Retry-After", "0"),
        _ => Reply::ok(json!({ "ok": false, "matched_key": key }).to_string()),
    });
    assert!(shelf::claim(shelf(&busy).as_ref()).await.unwrap().is_none());
    let closed = serving(|_| Reply::new(429, r#"{"code":"resource_exhausted"}"#).with("Retry-After", "600"));
    let error = shelf::claim(shelf(&closed).as_ref()).await.unwrap_err();
    let told =
        "the cache of GitHub Actions: it answers with status 429 (resource_exhausted): it limits how often it may be";
    assert!(error.to_string().starts_with(told), "{error}");
    assert_eq!(closed.seen().len(), 1);
    let denied = serving(|_| Reply::new(401, r#"{"code":"unauthenticated"}"#));
    let error = shelf::claim(shelf(&denied).as_ref()).await.unwrap_err();
    assert!(error.to_string().contains("ACTIONS_RUNTIME_TOKEN"), "{error}");
}

#[tokio::test]
async fn a_content_that_somebody_else_sends_is_left_to_them_and_a_claim_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let digest = store.put(b"content").unwrap();
    let content = Content::of(&store, &digest).unwrap();
    let create = |reply: fn() -> Reply| {
        serving(move |seen| match seen.target.ends_with("CreateCacheEntry") {
            true => reply(),
            false => Reply::ok(r#"{"ok":false}"#),
        })
    };
    let begun = create(|| Reply::new(409, r#"{"code":"already_exists"}"#));
    let shelf = shelf(&begun);
    shelf.put(Name::Content(&digest), &content).await.unwrap();
    assert!(shelf.put(Name::Claim, &content).await.unwrap_err().to_string().ends_with("not finished; share again"));
    let closed = create(|| Reply::ok(r#"{"ok":false}"#));
    let error = self::shelf(&closed).put(Name::Content(&digest), &content).await.unwrap_err();
    assert!(error.to_string().contains("it takes no new entries from this job"), "{error}");
}

#[test]
fn scopes_do_not_run_into_each_other() {
    let of = |scope: &str| Cache {
        service: "https://results.test/".parse().unwrap(),
        token: "hunter2".into(),
        scope: scope.into(),
    };
    assert!(!of("a-b").claims().starts_with(&of("a").claims()));
    assert!(!format!("{:?}", of("a")).contains("hunter"));
}

#[tokio::test]
async fn a_large_entry_goes_in_blocks_and_is_as_long_as_all_of_them() {
    let store = serving(|_| Reply::new(201, ""));
    let upload = store.url("blob?sig=hunter3").secret().to_string();
    let service = serving(move |_| Reply::ok(json!({ "ok": true, "signed_upload_url": upload }).to_string()));
    let folder = tempfile::tempdir().unwrap();
    let kept = Store::open(folder.path()).unwrap();
    let bytes: Vec<u8> = (0..10_000_u32).map(|number| (number / 7) as u8).collect();
    let digest = kept.put(&bytes).unwrap();
    let cache = Cache { service: service.url(""), token: "hunter2".into(), scope: "s".into() };
    let clock = Clock::new("2026-01-02T03:04:05Z".parse().unwrap());
    let entries = Entries { cache, client: client(), clock, part: 4 << 10 };
    entries.put(Name::Content(&digest), &Content::of(&kept, &digest).unwrap()).await.unwrap();
    let mut seen = store.seen();
    assert!(seen.iter().all(|seen| seen.target.starts_with("/blob?sig=hunter3&comp=block")));
    let list = seen.pop().unwrap();
    assert!(list.target.ends_with("&comp=blocklist") && list.body.ends_with(b"<Latest>MDAwMDAz</Latest></BlockList>"));
    seen.sort_by(|a, b| a.target.cmp(&b.target));
    assert_eq!(seen.iter().flat_map(|block| block.body.clone()).collect::<Vec<u8>>(), bytes);
    let told: serde_json::Value = serde_json::from_slice(&service.seen().last().unwrap().body).unwrap();
    assert_eq!(told["size_bytes"], "10000");
}
