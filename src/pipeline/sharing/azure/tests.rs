use super::super::asked::{Asked, Kind, Service, Way};
use super::super::shelf::{Content, Name};
use super::*;
use crate::store::Store;

fn container(fields: &str, defaults: &PlaceDefaults) -> Container {
    let text = format!("type=azblob,container=c,{fields}");
    match Asked::read(&text, Way::To, defaults).unwrap().kind {
        Kind::Service(Service::Azure(container)) => container,
        _ => panic!("{text}"),
    }
}

/// The example of "Authorize with Shared Key" in the reference of Azure Storage.
#[test]
fn the_published_text_that_is_signed() {
    let url = "https://myaccount.blob.core.windows.net/mycontainer?timeout=20&restype=container&comp=metadata";
    let headers = [("x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"), ("x-ms-version", "2015-02-21")];
    assert_eq!(
        said("GET", 0, &headers, "myaccount", &url.parse().unwrap()),
        "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n\
         /myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20"
    );
    let at = "2015-06-26T23:39:12Z".parse().unwrap();
    assert_eq!(date(at), "Fri, 26 Jun 2015 23:39:12 GMT");
}

#[test]
fn names_of_blobs_are_buildkits_beside_its_own() {
    let container = container(
        "account_url=https://me.blob.test/,secret_access_key=aGk=,prefix=a/,name=x;y",
        &PlaceDefaults::default(),
    );
    assert_eq!(container.account_name, "me");
    let clock = Clock::new("2026-01-02T03:04:05Z".parse().unwrap());
    let signed = Signed { container, clock };
    let digest = Digest::of("x");
    let address = signed.address(&format!("a/blobs/{digest}"));
    assert_eq!(address.to_string(), format!("https://me.blob.test/c/a/blobs/sha256%3A{}", digest.hex()));
    assert_eq!(joined(&["a/", "blobs", ""]), "a/blobs/");
    assert_eq!(joined(&["", "manifests", "x.kiln"]), "manifests/x.kiln");
    assert_eq!(joined(&["", "", ""]), "");
}

#[test]
fn a_signature_of_the_environment_goes_behind_the_address_and_into_no_message() {
    let defaults = PlaceDefaults { azure_signature: Some("?sv=1&sig=hunter2%3D".into()), ..PlaceDefaults::default() };
    let container = container("account_url=http://127.0.0.1:1/acc,account_name=acc", &defaults);
    let url = container.below("c/b b");
    assert_eq!(url.secret().as_str(), "http://127.0.0.1:1/acc/c/b%20b?sv=1&sig=hunter2%3D");
    assert_eq!(url.to_string(), "http://127.0.0.1:1/acc/c/b%20b?***");
    assert!(!format!("{container:?}").contains("hunter"));
}

#[test]
fn what_is_said_first_opens_the_door() {
    let defaults = PlaceDefaults {
        azure_key: Some("aGk=".into()),
        azure_signature: Some("sig=hunter2".into()),
        ..PlaceDefaults::default()
    };
    for (fields, address, has_key) in [
        ("account_url=https://a.test/?sig=x,secret_access_key=aGk=", "https://a.test/", true),
        ("account_url=https://a.test/?sig=x", "https://a.test/?sig=x", false),
        ("account_url=https://a.test/", "https://a.test/", true),
    ] {
        let container = container(fields, &defaults);
        assert_eq!((container.account.secret().as_str(), container.key.is_some()), (address, has_key), "{fields}");
    }
}

#[tokio::test]
async fn a_container_that_is_missing_is_made() {
    use crate::http::fixtures::{Reply, Server, client};
    let server = Server::start(|seen| match (seen.target.as_str(), seen.before) {
        ("/c/blobs/x.kiln" | "/c?restype=container", _) => Reply::new(201, ""),
        (_, 0) => Reply::new(404, "<Error><Code>ContainerNotFound</Code></Error>"),
        _ => Reply::new(201, ""),
    });
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let digest = store.put(b"content").unwrap();
    let address = format!("account_url={},account_name=a,secret_access_key=aGk=", server.url(""));
    let shelf = container(&address, &PlaceDefaults::default())
        .shelf(client(), Clock::new("2026-01-02T03:04:05Z".parse().unwrap()));
    let content = Content::of(&store, &digest).unwrap();
    shelf.put(Name::Content(&digest), &content).await.unwrap();
    let seen: Vec<_> = server.seen().iter().map(|seen| (seen.method.clone(), seen.target.clone())).collect();
    let blob = ("PUT".to_owned(), format!("/c/blobs/sha256%3A{}", digest.hex()));
    assert_eq!(seen, [blob.clone(), ("PUT".to_owned(), "/c?restype=container".to_owned()), blob]);
    assert_eq!(server.seen()[1].headers["content-length"], "0");
    assert!(server.seen().iter().all(|seen| seen.headers["authorization"].starts_with("SharedKey a:")));
}

#[tokio::test]
async fn a_large_blob_goes_in_blocks() {
    use crate::http::fixtures::{Reply, Server, client};
    let server = Server::start(|seen| match seen.target.contains("comp=block&") && seen.before == 0 {
        true => Reply::new(404, "<Error><Code>ContainerNotFound</Code></Error>"),
        false => Reply::new(201, ""),
    });
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let bytes: Vec<u8> = (0..10_000_u32).map(|number| (number / 7) as u8).collect();
    let digest = store.put(&bytes).unwrap();
    let address = format!("account_url={},account_name=a,secret_access_key=aGk=", server.url(""));
    let container = container(&address, &PlaceDefaults::default());
    let (keys, clock) = (container.keys.clone(), Clock::new("2026-01-02T03:04:05Z".parse().unwrap()));
    let shelf = Objects { client: client(), dialect: Signed { container, clock }, keys, part: 4 << 10 };
    shelf.put(Name::Content(&digest), &Content::of(&store, &digest).unwrap()).await.unwrap();
    let seen = server.seen();
    let names = ["MDAwMDAx", "MDAwMDAy", "MDAwMDAz"];
    let blocks =
        names.map(|name| seen.iter().rfind(|seen| seen.target.ends_with(&format!("&blockid={name}"))).unwrap());
    assert_eq!(blocks.iter().flat_map(|block| block.body.clone()).collect::<Vec<u8>>(), bytes);
    let last = seen.last().unwrap();
    assert!(last.target.ends_with("?comp=blocklist"), "{}", last.target);
    let list = names.map(|name| format!("<Latest>{name}</Latest>")).concat();
    assert!(String::from_utf8_lossy(&last.body).ends_with(&format!("<BlockList>{list}</BlockList>")));
    assert!(seen.iter().all(|seen| seen.headers["authorization"].starts_with("SharedKey a:")));
    assert!(blocks.iter().all(|block| !block.headers.contains_key("x-ms-blob-type")));
}
