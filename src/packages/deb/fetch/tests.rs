use super::*;
use crate::http::Settings;
use crate::http::fixtures::{Manner, Reply, Server, client, settings};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

fn content(name: &str) -> Vec<u8> {
    name.repeat(20_000).into_bytes()
}

fn package(name: &str) -> LockedPackage {
    LockedPackage {
        name: name.into(),
        version: "1.0".into(),
        architecture: "all".into(),
        source: name.into(),
        source_version: "1.0".into(),
        sha256: Digest::of(content(name)),
        size: content(name).len() as u64,
        path: format!("pool/main/{name}.deb"),
        archive: "debian".into(),
        suite: "trixie".into(),
    }
}

fn files(names: &[&str]) -> BTreeMap<String, Vec<u8>> {
    names.iter().map(|name| (format!("pool/main/{name}.deb"), content(name))).collect()
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

async fn fetch_all(http: &Client, store: &Store, packages: &[LockedPackage], mirrors: &[Url]) -> Result<u64, DebError> {
    let date = Some("2025-08-01T09:00:00Z".parse().unwrap());
    let wanted: Vec<Wanted<'_>> = packages.iter().map(|package| Wanted { package, mirrors, date }).collect();
    let bytes = AtomicU64::new(0);
    let count = |n| {
        bytes.fetch_add(n, Ordering::Relaxed);
    };
    fetch(http, store, &wanted, &count).await?;
    Ok(bytes.into_inner())
}

#[tokio::test]
async fn archives_come_in_parallel_and_once() {
    let (_folder, store) = store();
    let names = ["aa", "bb", "cc", "dd"];
    let (busy, most) = (AtomicUsize::new(0), std::sync::Arc::new(AtomicUsize::new(0)));
    let (all, seen) = (files(&names), most.clone());
    let server = Server::start(move |request| {
        seen.fetch_max(busy.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(50));
        busy.fetch_sub(1, Ordering::SeqCst);
        Reply::file(request, &all[request.target.trim_start_matches('/')], "\"1\"")
    });
    let packages: Vec<_> = names.iter().map(|name| package(name)).collect();
    let total: u64 = packages.iter().map(|package| package.size).sum();
    for _ in 0..2 {
        assert_eq!(fetch_all(&client(), &store, &packages, &[server.url("")]).await.unwrap(), total);
    }
    assert!(packages.iter().all(|package| store.has(&package.sha256)));
    assert_eq!(server.seen().len(), names.len());
    assert!(most.load(Ordering::SeqCst) > 1);
}

#[tokio::test]
async fn broken_connections_and_broken_mirrors_are_survived() {
    let (_folder, store) = store();
    let good = files(&["aa"]);
    let flaky = Server::start(move |request| {
        let manner = if request.before == 0 { Manner::DropAfter(10_000) } else { Manner::Whole };
        Reply::file(request, &good[request.target.trim_start_matches('/')], "\"1\"").in_manner(manner)
    });
    fetch_all(&client(), &store, &[package("aa")], &[flaky.url("")]).await.unwrap();
    assert!(store.has(&package("aa").sha256));
    let other = Server::of_files(BTreeMap::from([("pool/main/bb.deb".into(), content("xx"))]));
    let good = Server::of_files(files(&["bb"]));
    fetch_all(&client(), &store, &[package("bb")], &[other.url(""), good.url("")]).await.unwrap();
    assert_eq!(store.read(&package("bb").sha256, 1 << 20).unwrap(), content("bb"));
}

#[tokio::test]
async fn what_mirrors_dropped_comes_from_the_snapshot_of_its_day() {
    let (_folder, store) = store();
    let below = |(path, bytes): (String, Vec<u8>)| (format!("archive/debian/20250801T090000Z/{path}"), bytes);
    let snapshots = Server::of_files(files(&["aa"]).into_iter().map(below).collect());
    let hosts = vec![("snapshot.debian.org".to_owned(), snapshots.address())];
    let http = Client::new(Settings { hosts, ..settings() }).unwrap();
    let empty = Server::of_files(BTreeMap::new());
    fetch_all(&http, &store, &[package("aa")], &[empty.url("")]).await.unwrap();
    assert!(store.has(&package("aa").sha256));
    let error = fetch_all(&http, &store, &[package("bb")], &[empty.url("")]).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, DebError::PackageGone { .. }) && !error.is_of_service(), "{text}");
    assert!(text.contains("bb 1.0 is locked") && text.contains("kiln lock --update bb"), "{text}");
    assert!(text.contains("snapshot.debian.org/archive/debian/20250801T090000Z/pool/main/bb.deb: not found"), "{text}");
    // Out of reach is not gone.
    let dead: Url = "http://127.0.0.1:1/".parse().unwrap();
    let error = fetch_all(&http, &store, &[package("bb")], &[empty.url(""), dead]).await.unwrap_err();
    assert!(matches!(error, DebError::Unavailable { .. }) && error.is_of_service(), "{error}");
    // Other archives have no snapshots.
    let own = LockedPackage { archive: "mine".into(), ..package("aa") };
    let (_folder, store) = self::store();
    assert!(fetch_all(&http, &store, &[own], &[empty.url("")]).await.is_err());
}

#[tokio::test]
async fn other_content_never_reaches_the_store() {
    let (_folder, store) = store();
    let mut wrong = content("aa");
    wrong[77] ^= 1;
    let mut short = content("aa");
    short.pop();
    for bytes in [wrong, short, [content("aa"), vec![0]].concat(), vec![]] {
        let server = Server::of_files(BTreeMap::from([("pool/main/aa.deb".into(), bytes.clone())]));
        let error =
            fetch_all(&client_without_snapshots(), &store, &[package("aa")], &[server.url("")]).await.unwrap_err();
        assert!(matches!(error, DebError::Unavailable { .. }) && error.is_of_service(), "{error}");
        assert!(!store.has(&package("aa").sha256) && !store.has(&Digest::of(bytes)));
    }
}

/// Where the name of the snapshots leads to a port that nobody listens on.
fn client_without_snapshots() -> Client {
    let hosts = vec![("snapshot.debian.org".to_owned(), "127.0.0.1:1".parse().unwrap())];
    Client::new(Settings { hosts, ..settings() }).unwrap()
}

#[tokio::test]
async fn paths_that_lead_out_of_the_archive_are_refused() {
    let (_folder, store) = store();
    let server = Server::of_files(files(&["aa"]));
    for path in ["../secret", "pool/../../x", "/etc/passwd", "pool//x", ""] {
        let package = LockedPackage { path: path.into(), ..package("aa") };
        let error = fetch_all(&client(), &store, &[package], &[server.url("")]).await.unwrap_err();
        assert!(matches!(error, DebError::BadPath { .. }), "{error}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn offline_only_what_is_there_serves() {
    let (_folder, store) = store();
    let server = Server::of_files(files(&["aa"]));
    let offline = Client::new(Settings { offline: true, ..settings() }).unwrap();
    let error = fetch_all(&offline, &store, &[package("aa")], &[server.url("")]).await.unwrap_err();
    assert!(error.to_string().contains("offline"), "{error}");
    fetch_all(&client(), &store, &[package("aa")], &[server.url("")]).await.unwrap();
    fetch_all(&offline, &store, &[package("aa")], &[server.url("")]).await.unwrap();
}

#[tokio::test]
async fn a_mirror_may_be_a_folder() {
    let (_folder, store) = store();
    let mirror = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(mirror.path().join("pool/main")).unwrap();
    std::fs::write(mirror.path().join("pool/main/aa.deb"), content("aa")).unwrap();
    let url: Url = format!("file://{}", mirror.path().display()).parse().unwrap();
    fetch_all(&client(), &store, &[package("aa")], &[url]).await.unwrap();
    assert!(store.has(&package("aa").sha256));
}
