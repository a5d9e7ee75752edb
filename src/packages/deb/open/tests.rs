use super::fixtures::{TestSuite, compress, now};
use super::*;
use crate::http::Settings;
use crate::http::fixtures::{Manner, Reply, Seen, Server, client, settings};
use crate::packages::deb::release::ReleaseError;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

type Files = BTreeMap<String, Vec<u8>>;

struct Bench {
    _folder: tempfile::TempDir,
    store: Store,
    http: Client,
}

impl Bench {
    fn new() -> Self {
        Self::with(client())
    }

    fn with(http: Client) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        Bench { _folder: folder, store, http }
    }

    async fn open(&self, source: &Source) -> Result<Indexes, DebError> {
        open_indexes(&self.http, &self.store, std::slice::from_ref(source), "amd64", now()).await
    }
}

fn suite() -> TestSuite {
    TestSuite::new("trixie").with("hello 1.0 | Depends: libc6\nlibc6 2.41")
}

fn serve(files: Files) -> Server {
    Server::of_files(files)
}

/// The only reason why no mirror was acceptable.
fn refusal(result: Result<Indexes, DebError>) -> ReleaseError {
    match result.err().unwrap() {
        DebError::NoRelease { mut problems, .. } => match problems.remove(0) {
            MirrorProblem::Release { source, .. } => source,
            other => panic!("{other}"),
        },
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn indexes_are_fetched_once_and_searched() {
    let (bench, suite) = (Bench::new(), suite());
    let server = serve(suite.publish());
    let source = suite.source(vec![server.url("")]);
    for _ in 0..2 {
        let indexes = bench.open(&source).await.unwrap();
        let open = &indexes.list[0];
        assert_eq!((open.index.len(), open.index.name("hello").unwrap().rows().count()), (2, 1));
        assert_eq!(open.locked.path, "dists/trixie/main/binary-amd64/Packages.xz");
        assert_eq!(open.locked.date.to_string(), "2025-08-01T09:00:00Z");
        assert_eq!(open.locked.signed_by, suite.key.keyring().fingerprints());
    }
    let targets: Vec<String> = server.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(targets.len(), 3, "{targets:?}");
    assert!(targets[1].contains("/by-hash/SHA256/"));
}

#[tokio::test]
async fn plain_paths_gzip_and_uncompressed_indexes_do_too() {
    let cases: [(bool, Vec<&'static str>); 4] =
        [(false, vec![".xz"]), (true, vec![".gz"]), (false, vec![".gz"]), (true, vec![])];
    for (by_hash, forms) in cases {
        let mut suite = suite();
        (suite.by_hash, suite.forms) = (by_hash, forms);
        let server = serve(suite.publish());
        let indexes = Bench::new().open(&suite.source(vec![server.url("")])).await.unwrap();
        assert_eq!(indexes.list[0].index.len(), 2);
    }
}

#[tokio::test]
async fn the_next_mirror_is_asked_when_one_fails() {
    let suite = suite();
    let good = serve(suite.publish());
    let mut stale = suite.publish();
    stale.retain(|path, _| path.ends_with("InRelease"));
    let (dead, stale) = (serve(Files::new()), serve(stale));
    let bench = Bench::new();
    let indexes = bench.open(&suite.source(vec![dead.url(""), stale.url(""), good.url("")])).await.unwrap();
    assert_eq!(indexes.list[0].index.len(), 2);
    let error = Bench::new().open(&suite.source(vec![dead.url(""), stale.url("")])).await.err().unwrap();
    assert!(matches!(error, DebError::Unavailable { .. }), "{error}");
    let error = Bench::new().open(&suite.source(vec![])).await.err().unwrap();
    assert!(matches!(error, DebError::NoMirror { .. }), "{error}");
}

#[tokio::test]
async fn a_mirror_that_lies_about_an_index_is_not_believed() {
    let suite = suite();
    let honest = suite.publish();
    let changes: [fn(&mut Vec<u8>); 4] = [
        |bytes| bytes[20] ^= 1,
        |bytes| bytes.truncate(30),
        |bytes| bytes.push(0),
        |bytes| *bytes = compress(".xz", "Package: evil\n"),
    ];
    for change in changes {
        let mut files = honest.clone();
        files.iter_mut().filter(|(path, _)| !path.ends_with("InRelease")).for_each(|(_, bytes)| change(bytes));
        let (server, bench) = (serve(files), Bench::new());
        let error = bench.open(&suite.source(vec![server.url("")])).await.err().unwrap();
        assert!(matches!(error, DebError::Unavailable { .. }), "{error}");
    }
}

#[tokio::test]
async fn an_index_that_unpacks_to_more_than_announced_is_refused() {
    for form in [".xz", ".gz"] {
        let mut suite = suite();
        suite.forms = vec![form];
        // Signed, but the sizes of the plain and of the compressed form do not belong together.
        let big = format!("{}{}", suite.packages["main"], "X: y\n".repeat(1000));
        let (digest, bytes) = (Digest::of(compress(form, &big)), compress(form, &big));
        let text = String::from_utf8(suite.publish()["dists/trixie/InRelease"].clone()).unwrap();
        let body: Vec<&str> =
            text.split("\n\n").nth(1).unwrap().split("\n-----BEGIN").next().unwrap().lines().collect();
        let lines = body.iter().map(|line| match line.ends_with(&format!("Packages{form}")) {
            true => format!(" {} {} main/binary-amd64/Packages{form}\n", digest.hex(), bytes.len()),
            false => format!("{line}\n"),
        });
        let mut files = suite.publish();
        files.insert("dists/trixie/InRelease".into(), suite.key.sign(&lines.collect::<String>()).into_bytes());
        files.insert(format!("dists/trixie/main/binary-amd64/Packages{form}"), bytes);
        let (server, bench) = (serve(files), Bench::new());
        let error = bench.open(&suite.source(vec![server.url("")])).await.err().unwrap();
        assert!(error.to_string().contains("unpacks to more"), "{error}");
    }
}

#[tokio::test]
async fn unsigned_and_foreign_states_are_refused() {
    let (suite, other) = (suite(), suite());
    let server = serve(suite.publish());
    let bench = Bench::new();
    let mut source = suite.source(vec![server.url("")]);
    source.keyring = other.key.keyring();
    assert!(matches!(refusal(bench.open(&source).await), ReleaseError::Signature(_)));
    let mut files = suite.publish();
    files.insert("dists/sid/InRelease".into(), files["dists/trixie/InRelease"].clone());
    let server = serve(files);
    let mut source = suite.source(vec![server.url("")]);
    source.suite = "sid".into();
    assert!(matches!(refusal(bench.open(&source).await), ReleaseError::OtherSuite { .. }));
}

#[tokio::test]
async fn replays_are_refused_whatever_the_mirror() {
    let mut suite = suite();
    let (old, bench) = (serve(suite.publish()), Bench::new());
    suite.date = "Fri, 01 Aug 2025 10:00:00 UTC".into();
    let new = serve(suite.publish());
    assert!(bench.open(&suite.source(vec![old.url("")])).await.is_ok());
    assert!(bench.open(&suite.source(vec![new.url("")])).await.is_ok());
    assert!(matches!(refusal(bench.open(&suite.source(vec![old.url("")])).await), ReleaseError::Replay { .. }));
    // A mirror behind it that is up to date saves the day.
    assert!(bench.open(&suite.source(vec![old.url(""), new.url("")])).await.is_ok());
    // What the lock knows counts as much, in a store that has seen nothing.
    let mut source = suite.source(vec![old.url("")]);
    source.floor = Some("2025-08-01T10:00:00Z".parse().unwrap());
    assert!(matches!(refusal(Bench::new().open(&source).await), ReleaseError::Replay { .. }));
    // An archive of the same name that others sign is another one.
    let other = TestSuite { key: crate::packages::deb::trust::fixtures::TestKey::new(), ..self::suite() };
    let server = serve(other.publish());
    assert!(bench.open(&other.source(vec![server.url("")])).await.is_ok());
}

#[tokio::test]
async fn a_state_past_its_time_is_accepted_on_request_only() {
    let mut suite = suite();
    suite.more = "Valid-Until: Fri, 01 Aug 2025 11:00:00 UTC\n".into();
    let (server, bench) = (serve(suite.publish()), Bench::new());
    let mut source = suite.source(vec![server.url("")]);
    assert!(matches!(refusal(bench.open(&source).await), ReleaseError::Expired(_)));
    source.check_valid_until = false;
    assert!(!bench.open(&source).await.unwrap().list[0].locked.valid_until_checked);
}

#[tokio::test]
async fn offline_the_newest_state_that_was_seen_serves() {
    let (suite, bench) = (suite(), Bench::new());
    let server = serve(suite.publish());
    let source = suite.source(vec![server.url("")]);
    let offline = Bench {
        http: Client::new(Settings { offline: true, ..settings() }).unwrap(),
        store: bench.store.clone(),
        _folder: tempfile::tempdir().unwrap(),
    };
    let error = offline.open(&source).await.err().unwrap();
    assert!(matches!(error, DebError::OfflineRelease { .. }), "{error}");
    bench.open(&source).await.unwrap();
    let requests = server.seen().len();
    assert_eq!(offline.open(&source).await.unwrap().list[0].index.len(), 2);
    assert_eq!(server.seen().len(), requests);
}

#[tokio::test]
async fn a_locked_state_is_kept_while_it_can_be_had() {
    let mut suite = suite();
    let files = Arc::new(Mutex::new(suite.publish()));
    let shared = files.clone();
    let server = Server::start(move |seen| answer(&shared.lock().unwrap(), seen));
    let first = Bench::new();
    let locked = first.open(&suite.source(vec![server.url("")])).await.unwrap().list[0].locked.clone();
    // The suite moves on; the mirror still has the old index by its digest.
    suite.date = "Fri, 01 Aug 2025 10:00:00 UTC".into();
    suite.packages.insert("main".into(), super::fixtures::packages("hello 2.0"));
    files.lock().unwrap().extend(suite.publish());
    let mut source = suite.source(vec![server.url("")]);
    source.locked = vec![locked.clone()];
    for bench in [&first, &Bench::new()] {
        let kept = bench.open(&source).await.unwrap();
        assert_eq!((kept.list[0].locked.clone(), kept.list[0].index.len()), (locked.clone(), 2));
    }
    // Gone from the mirror too: today's state it is.
    files.lock().unwrap().retain(|path, _| !path.contains(&locked.sha256.hex()));
    let fresh = Bench::new().open(&source).await.unwrap();
    assert_eq!(fresh.list[0].index.name("hello").unwrap().rows().next().unwrap().version(), "2.0");
}

fn answer(files: &Files, seen: &Seen) -> Reply {
    match files.get(seen.target.trim_start_matches('/')) {
        Some(content) => Reply::file(seen, content, "\"1\""),
        None => Reply::new(404, ""),
    }
}

#[tokio::test]
async fn a_locked_state_of_debian_is_taken_from_the_snapshots() {
    let mut suite = suite();
    suite.archive = "debian".into();
    let locked = {
        let server = serve(suite.publish());
        Bench::new().open(&suite.source(vec![server.url("")])).await.unwrap().list[0].locked.clone()
    };
    let below = |(path, bytes): (String, Vec<u8>)| (format!("archive/debian/20250801T090000Z/{path}"), bytes);
    let snapshots = serve(suite.publish().into_iter().map(below).collect());
    let hosts = vec![("snapshot.debian.org".to_owned(), snapshots.address())];
    let bench = Bench::with(Client::new(Settings { hosts, ..settings() }).unwrap());
    let empty = serve(Files::new());
    let mut source = suite.source(vec![empty.url("")]);
    source.locked = vec![locked];
    assert_eq!(bench.open(&source).await.unwrap().list[0].index.len(), 2);
}

#[tokio::test]
async fn missing_components_are_named_with_those_that_there_are() {
    let suite = suite();
    let server = serve(suite.publish());
    let mut source = suite.source(vec![server.url("")]);
    source.components = vec!["contrib".into()];
    let error = Bench::new().open(&source).await.err().unwrap().to_string();
    assert!(error.contains("no component contrib") && error.contains("it has main"), "{error}");
}

#[tokio::test]
async fn damaged_caches_are_made_anew() {
    let (suite, mut bench) = (suite(), Bench::new());
    let server = serve(suite.publish());
    let source = suite.source(vec![server.url("")]);
    bench.open(&source).await.unwrap();
    let mut stack = vec![bench.store.root().join("blobs")];
    while let Some(path) = stack.pop() {
        if path.is_dir() {
            stack.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[10] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
    }
    bench.store = Store::open(bench.store.root()).unwrap();
    // The compact index is dropped and so is the compressed one, one run later at most all is well.
    let _ = bench.open(&source).await;
    assert_eq!(bench.open(&source).await.unwrap().list[0].index.len(), 2);
}

#[tokio::test]
async fn a_mirror_that_stalls_is_left_for_the_next() {
    let suite = suite();
    let good = serve(suite.publish());
    let stalled = Server::start(|_| Reply::ok(vec![b'x'; 5000]).in_manner(Manner::StallAfter(100)));
    let indexes = Bench::new().open(&suite.source(vec![stalled.url(""), good.url("")])).await.unwrap();
    assert_eq!(indexes.list[0].index.len(), 2);
}
