//! Against real mirrors: ignored by default, as they need the network.

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
async fn trixie_is_verified_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let http = Client::new(Settings::default()).unwrap();
    let sources = [source("trixie"), source("trixie-security")];
    for _ in 0..2 {
        let started = Instant::now();
        let indexes = open_indexes(&http, &store, &sources, "amd64", jiff::Timestamp::now()).await.unwrap();
        eprintln!("opened in {:?}", started.elapsed());
        let python = indexes.list[0].index.name("python3-minimal").unwrap().rows().next().unwrap();
        assert_eq!(python.source(), "python3-defaults");
        for open in &indexes.list {
            eprintln!("{:?} {} packages", open.locked, open.index.len());
        }
    }
}
