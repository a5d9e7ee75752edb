//! Against real mirrors: ignored by default, as they need the network.

mod varied;

pub(super) use varied::VARIED;

use super::trust::Keyring;
use super::*;
use crate::http::{Client, Settings};
use crate::store::Store;
use std::time::Instant;

pub(super) fn source(suite: &str) -> Source {
    #[expect(clippy::disallowed_methods, reason = "the machine's mirror, as the command line would find it")]
    let environment = std::env::var("KILN_DEBIAN_MIRROR").ok();
    let config = MirrorConfig::read("/".as_ref(), environment.as_deref()).unwrap();
    let archive = archive_of(suite);
    Source {
        archive: archive.into(),
        suite: suite.into(),
        components: vec!["main".into()],
        mirrors: config.places(archive, None),
        keyring: Keyring::debian(),
        check_valid_until: true,
        floor: None,
        locked: vec![],
    }
}

#[tokio::test]
#[ignore = "needs a Debian mirror"]
#[expect(clippy::disallowed_methods, reason = "a real archive holds for the real time")]
async fn trixie_is_verified_resolved_and_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let http = Client::new(Settings::default()).unwrap();
    let sources = [source("trixie"), source("trixie-security")];
    let wishes = vec![Wish::named("python3-minimal"), Wish::named("ca-certificates")];
    let request = Request { wishes, ..Request::default() };
    let indexes = open_indexes(&http, &store, &sources, "amd64", jiff::Timestamp::now()).await.unwrap();
    let resolution = indexes.resolve(&request).unwrap();
    let wanted: Vec<Wanted<'_>> =
        resolution.packages.iter().map(|package| wanted(package, &sources, &indexes)).collect();
    fetch(&http, &store, &wanted, &|_| {}).await.unwrap();
    assert!(resolution.packages.iter().all(|package| store.has(&package.locked.sha256)));
    assert!(resolution.packages.iter().any(|package| package.locked.name == "python3.13-minimal"));
}

pub(super) fn wanted<'a>(package: &'a Resolved, sources: &'a [Source], indexes: &Indexes) -> Wanted<'a> {
    let source = sources.iter().find(|source| source.suite == package.locked.suite).unwrap();
    Wanted { package: &package.locked, mirrors: &source.mirrors, date: Some(indexes.list[package.index].locked.date) }
}

/// How long it takes from a full store to 200 resolved packages; printed, as it depends on the machine.
#[tokio::test]
#[ignore = "needs a Debian mirror"]
#[expect(clippy::disallowed_methods, reason = "a real archive holds for the real time")]
async fn resolving_200_packages_warm() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let http = Client::new(Settings::default()).unwrap();
    let sources = [source("trixie")];
    let mut request = Request::default();
    for round in 0..4 {
        let started = Instant::now();
        let indexes = open_indexes(&http, &store, &sources, "amd64", jiff::Timestamp::now()).await.unwrap();
        let opened = started.elapsed();
        if round == 0 {
            // A set that is known to fit together, asked for name by name.
            let wishes = ["libreoffice-core", "ffmpeg", "nginx", "git"].map(Wish::named).to_vec();
            let found = indexes.resolve(&Request { wishes, ..Request::default() }).unwrap();
            request.wishes = found.packages.iter().take(200).map(|package| Wish::named(&package.locked.name)).collect();
        }
        let packages = indexes.resolve(&request).unwrap().packages;
        assert!(request.wishes.len() == 200 && packages.len() >= 200);
        let resolved = started.elapsed() - opened;
        eprintln!("round {round}: opened in {opened:?}, {} packages resolved in {resolved:?}", packages.len());
    }
}

#[tokio::test]
#[ignore = "needs a Debian mirror"]
#[expect(clippy::disallowed_methods, reason = "a real archive holds for the real time")]
async fn every_platform_has_its_packages() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let http = Client::new(Settings::default()).unwrap();
    let request = Request { wishes: vec![Wish::named("python3-minimal")], ..Request::default() };
    for name in crate::oci::Platform::NAMES {
        let architecture = architecture(&name.parse().unwrap()).unwrap();
        let now = jiff::Timestamp::now();
        let indexes = open_indexes(&http, &store, &[source("trixie")], architecture, now).await.unwrap();
        let packages = indexes.resolve(&request).unwrap().packages;
        let own = packages.iter().filter(|package| package.locked.architecture == architecture).count();
        assert!(
            own > 5 && packages.iter().all(|p| p.locked.architecture == architecture || p.locked.architecture == "all")
        );
    }
}
