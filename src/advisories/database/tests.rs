use super::{ARTIFACT, CompileError, Compiled, Database, DatabaseError, PartError, compile};
use crate::advisories::feed::Feed;
use crate::advisories::fixtures::{advisory, epss, feed, holes, kev, osv, store, tracker, zip};
use crate::advisories::hole::Hit;
use crate::oci::{Descriptor, Digest, Manifest, to_json};
use crate::store::Store;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Feeds of every form, with enough in them for several blocks; `turn` changes the order of all that has none.
fn feeds(turn: usize) -> Vec<Feed> {
    let mut advisories: Vec<Value> = (0..1500)
        .map(|at| {
            let name = format!("package-{}", at % 350);
            let ecosystem = ["npm", "PyPI", "Debian:13"][at % 3];
            let mut told = advisory(&format!("X-{at:05}"), ecosystem, &name, &[("introduced", "0"), ("fixed", "2.0.0")]);
            told["aliases"] = json!([format!("CVE-2025-{at:05}")]);
            told["severity"] = json!([{ "type": "CVSS_V3", "score": format!("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:{}/I:N/A:N", ["H", "L"][at % 2]) }]);
            told
        })
        .collect();
    let mut older = advisories[0].clone();
    (older["modified"], older["summary"]) = (json!("2020-01-01T00:00:00Z"), json!("older"));
    advisories.push(older);
    let count = advisories.len();
    advisories.rotate_left(turn * 7 % count);
    let middle = advisories.split_off(count / 2);
    let holes = json!({ "CVE-2025-00002": { "description": "d", "releases": { "trixie": { "status": "open", "urgency": "low" } } } });
    let table = epss(&[("CVE-2025-00001", "0.5", "0.6"), ("CVE-2025-00002", "0.1", "0.2")]);
    let mut feeds = vec![
        osv(&advisories),
        osv(&middle),
        tracker("package-2", holes),
        kev(&["CVE-2025-00001"]),
        feed("epss", table),
    ];
    feeds.rotate_left(turn % 5);
    feeds
}

fn digest_of_parts(store: &Store, compiled: &Compiled) -> Vec<Digest> {
    let manifest: Manifest = serde_json::from_slice(&store.read(&compiled.digest, 1 << 20).unwrap()).unwrap();
    manifest.layers.iter().map(|layer| layer.digest).collect()
}

fn blob(store: &Store, digest: &Digest) -> PathBuf {
    let hex = digest.hex();
    store.root().join("blobs/sha256").join(&hex[..2]).join(&hex[2..])
}

const ASKED: [&str; 3] =
    ["pkg:npm/package-0@1.0.0", "pkg:pypi/package_1@1.0.0", "pkg:deb/debian/package-2@1?distro=debian-13"];

#[test]
fn the_order_of_what_is_read_and_threads_make_no_difference() {
    let (_folder, store) = store();
    let first = compile(&store, &feeds(0), None).unwrap();
    for turn in 1..5 {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(turn).build().unwrap();
        let other = threads.install(|| compile(&store, &feeds(turn), None).unwrap());
        assert_eq!(digest_of_parts(&store, &other), digest_of_parts(&store, &first));
    }
    // How advisories are spread over feeds is part of what the manifest tells; their order is not.
    let shuffled = |turn: usize| {
        let mut feeds = feeds(0);
        feeds.rotate_left(turn);
        compile(&store, &feeds, None).unwrap().digest
    };
    assert_eq!(shuffled(3), first.digest);
    let one = [("a.json", advisory("A-1", "npm", "a", &[])), ("b/c.json", advisory("A-2", "npm", "a", &[]))];
    let packed = |files: &[&(&str, Value)]| {
        let files: Vec<(&str, Vec<u8>)> =
            files.iter().map(|(name, told)| (*name, told.to_string().into_bytes())).collect();
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, told)| (*name, told.as_slice())).collect();
        compile(&store, &[feed("x", zip(&files))], None).unwrap().digest
    };
    assert_eq!(packed(&[&one[0], &one[1]]), packed(&[&one[1], &one[0]]));
}

#[test]
fn what_is_found_in_a_database_is_found_again_by_its_digest() {
    let (folder, store) = store();
    let compiled = compile(&store, &feeds(0), None).unwrap();
    let find = |store: &Store| Database::open(store, &compiled.digest).unwrap().find(&ASKED).unwrap();
    let first: Vec<Hit> = find(&store);
    let holes_of = |package| first.iter().filter(|hit| hit.package == package).count();
    assert_eq!([0, 1, 2].map(holes_of), [2, 2, 2]);
    compile(&store, &[osv(&[advisory("Z-1", "npm", "package-0", &[("introduced", "0")])])], None).unwrap();
    assert_eq!(
        find(&Store::open(folder.path().join("store")).unwrap()),
        first,
        "in another stay, beside another database"
    );
    let database = Database::open(&store, &compiled.digest).unwrap();
    assert_eq!((database.digest(), database.facts()), (&compiled.digest, &compiled.facts));
}

#[test]
fn the_newest_of_several_records_counts() {
    let (_folder, store) = store();
    let database = Database::open(&store, &compile(&store, &feeds(3), None).unwrap().digest).unwrap();
    let hole = holes(&database, "pkg:npm/package-0@1.0.0").remove(0);
    assert_eq!((hole.id.as_str(), hole.summary.as_str()), ("CVE-2025-00000", "About package-0"));
}

#[test]
fn a_database_is_an_artifact_that_tells_where_it_is_from() {
    let (_folder, store) = store();
    let compiled = compile(&store, &feeds(0), None).unwrap();
    let manifest: Manifest = serde_json::from_slice(&store.read(&compiled.digest, 1 << 20).unwrap()).unwrap();
    assert_eq!(manifest.artifact_type.as_deref(), Some(ARTIFACT));
    assert_eq!(store.read(&manifest.config.digest, 2).unwrap(), b"{}");
    let titles: Vec<_> =
        manifest.layers.iter().map(|l| l.annotations["org.opencontainers.image.title"].as_str()).collect();
    assert_eq!(titles, ["CVE", "Debian", "PyPI", "npm"]);
    assert!(manifest.layers.iter().all(|layer| store.size(&layer.digest) == Some(layer.size)));
    assert_eq!(manifest.annotations["org.opencontainers.image.created"], "2025-03-02T00:00:00Z");
    let mut told: Vec<_> = compiled.facts.feeds.iter().map(|f| (f.form.as_str(), f.count, f.date.as_deref())).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("debian-tracker", 1, None),
            ("epss", 2, Some("2025-03-02T00:00:00Z")),
            ("kev", 1, Some("2025-03-01T15:00:00Z")),
            ("osv", 750, Some("2025-02-01T00:00:00Z")),
            ("osv", 751, Some("2025-02-01T00:00:00Z")),
        ]
    );
    assert_eq!(compiled.facts.records["npm"], 500);
}

#[test]
fn a_date_can_be_given_and_must_be_one() {
    let (_folder, store) = store();
    let mut told = advisory("A-1", "npm", "a", &[]);
    (told["modified"], told["published"]) = (json!("0001-01-01T00:00:00Z"), Value::Null);
    let with = |date| compile(&store, &[osv(&[told.clone()])], date);
    assert!(matches!(with(None), Err(CompileError::NoDate)));
    assert!(matches!(with(Some("tomorrow")), Err(CompileError::BadDate(_))));
    assert_eq!(with(Some("2025-05-05")).unwrap().facts.date, "2025-05-05T00:00:00Z");
}

#[test]
fn damage_is_an_error_and_never_another_answer() {
    let (folder, store) = store();
    let advisories: Vec<Value> =
        (0..40).map(|at| advisory(&format!("X-{at}"), "npm", &format!("p{at}"), &[("introduced", "0")])).collect();
    let compiled = compile(&store, &[osv(&advisories)], None).unwrap();
    let manifest: Manifest = serde_json::from_slice(&store.read(&compiled.digest, 1 << 20).unwrap()).unwrap();
    let part = manifest.layers.iter().find(|layer| layer.annotations.values().any(|title| title == "npm")).unwrap();
    let path = blob(&store, &part.digest);
    let whole = std::fs::read(&path).unwrap();
    let find = || {
        let store = Store::open(folder.path().join("store")).unwrap();
        Database::open(&store, &compiled.digest).unwrap().find(&["pkg:npm/p7@1.0.0"])
    };
    assert_eq!(find().unwrap().len(), 1);
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&path, &damaged).unwrap();
        let error = find().unwrap_err();
        assert!(matches!(error, DatabaseError::Part { source: PartError::Damaged(_), .. }), "byte {at}: {error}");
    }
    for end in [0, 1, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..end]).unwrap();
        assert!(find().is_err());
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(find(), Err(DatabaseError::Store(_))));
    std::fs::write(blob(&store, &compiled.digest), b"{}").unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    assert!(matches!(Database::open(&store, &compiled.digest), Err(DatabaseError::Store(_))));
}

/// A database whose only part has the given blocks and index, both as they are.
fn forged(store: &Store, blocks: &[u8], index: &[u8], size: u64) -> Result<Vec<Hit>, DatabaseError> {
    let mut packed = size.to_le_bytes().to_vec();
    packed.extend(zstd::bulk::compress(index, 1).unwrap());
    let part = [blocks, packed.as_slice()].concat();
    let layer = super::Layer {
        digest: store.put(&part).unwrap(),
        size: part.len() as u64,
        index: Digest::of(&packed),
        index_size: packed.len() as u64,
        records: 1,
    };
    let facts = super::Facts { date: "2025-01-01T00:00:00Z".into(), feeds: vec![], records: [].into() };
    let mut manifest = Manifest::artifact(ARTIFACT, layer.row("npm"));
    manifest.annotations = facts.annotations();
    let digest = store.put(&to_json(&manifest)).unwrap();
    Database::open(store, &digest)?.find(&["pkg:npm/a@1.0.0"])
}

/// Memory is taken by sizes, so none is believed that the file has not.
#[test]
fn sizes_that_the_file_has_not_are_damage() {
    let (_folder, store) = store();
    let compiled = compile(&store, &[osv(&[advisory("A-1", "npm", "a", &[("introduced", "0")])])], None).unwrap();
    let good: Manifest = serde_json::from_slice(&store.read(&compiled.digest, 1 << 20).unwrap()).unwrap();
    let npm = |layer: &&mut Descriptor| layer.annotations.values().any(|title| title == "npm");
    for claimed in [0, 1 << 20, u64::MAX] {
        let mut manifest = good.clone();
        let layer = manifest.layers.iter_mut().find(npm).unwrap();
        layer.size = claimed;
        layer.annotations.insert(super::facts::INDEX_SIZE.into(), claimed.to_string());
        let digest = store.put(&to_json(&manifest)).unwrap();
        let database = Database::open(&store, &digest).unwrap();
        assert!(database.size() >= claimed, "sizes have a sum");
        let error = database.find(&["pkg:npm/a@1.0.0"]).unwrap_err();
        assert!(matches!(error, DatabaseError::Part { source: PartError::Damaged("the part"), .. }), "{error}");
    }
}

/// An index of one block, as the writer would write it.
fn index(first: &str, size: u64, unpacked: u64, digest: &Digest) -> Vec<u8> {
    let mut writer = crate::advisories::wire::Writer::new();
    writer.list(&[()], |writer, ()| {
        writer.text(first);
        writer.number(size);
        writer.number(unpacked);
        writer.bytes(digest.as_bytes());
    });
    writer.into_bytes()
}

#[test]
fn an_index_that_lies_is_an_error() {
    let (_folder, store) = store();
    let mut writer = crate::advisories::wire::Writer::new();
    writer.text("a");
    writer.bytes(b"no record");
    let records = writer.into_bytes();
    let block = zstd::bulk::compress(&records, 1).unwrap();
    let (size, unpacked, digest) = (block.len() as u64, records.len() as u64, Digest::of(&block));
    let good = index("a", size, unpacked, &digest);
    let malformed = |index: &[u8], length: u64| match forged(&store, &block, index, length) {
        Err(DatabaseError::Part { source: PartError::Malformed(what), .. }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(malformed(&good, good.len() as u64), "a record");
    assert_eq!(malformed(&good, good.len() as u64 + 1), "its index");
    assert_eq!(malformed(&good, u64::MAX), "its index");
    for index in [
        index("a", size + 1, unpacked, &digest),
        index("a", u64::MAX, unpacked, &digest),
        vec![0xff; 20],
        [good.as_slice(), b"x"].concat(),
    ] {
        assert_eq!(malformed(&index, index.len() as u64), "its index");
    }
    for unpacked in [0, unpacked - 1, unpacked + 1, u64::MAX] {
        let index = index("a", size, unpacked, &digest);
        assert_eq!(malformed(&index, index.len() as u64), "a block");
    }
    let other = index("a", size, unpacked, &Digest::of("other"));
    let error = forged(&store, &block, &other, other.len() as u64).unwrap_err();
    assert!(matches!(error, DatabaseError::Part { source: PartError::Damaged(_), .. }));
}

#[test]
fn a_block_that_swells_is_refused() {
    let (_folder, store) = store();
    let block = zstd::bulk::compress(&vec![0; 64 << 20], 19).unwrap();
    let index = index("a", block.len() as u64, 64 << 20, &Digest::of(&block));
    let error = forged(&store, &block, &index, index.len() as u64).unwrap_err();
    assert!(matches!(error, DatabaseError::Part { source: PartError::Malformed("a block"), .. }));
}

/// Blocks of zeros are small, and there may be many.
#[test]
fn records_that_swell_together_are_refused() {
    let (_folder, store) = store();
    let mut writer = crate::advisories::wire::Writer::new();
    writer.text("a");
    // It affects nothing, so nothing but its length counts.
    writer.bytes(&vec![0; 7 << 20]);
    let records = writer.into_bytes();
    let block = zstd::bulk::compress(&records, 1).unwrap();
    let count = 40;
    let mut writer = crate::advisories::wire::Writer::new();
    writer.list(&vec![(); count], |writer, ()| {
        writer.text("a");
        writer.number(block.len() as u64);
        writer.number(records.len() as u64);
        writer.bytes(Digest::of(&block).as_bytes());
    });
    let index = writer.into_bytes();
    let error = forged(&store, &block.repeat(count), &index, index.len() as u64).unwrap_err();
    assert!(matches!(error, DatabaseError::Part { source: PartError::TooMuch, .. }), "{error}");
}

#[test]
fn other_artifacts_are_no_databases() {
    let (_folder, store) = store();
    let layer = Descriptor::of(super::PART, b"x");
    let mut manifests = vec![Manifest::artifact("application/x", layer.clone()), Manifest::artifact(ARTIFACT, layer)];
    let compiled = compile(&store, &[osv(&[advisory("A-1", "npm", "a", &[])])], None).unwrap();
    let good: Manifest = serde_json::from_slice(&store.read(&compiled.digest, 1 << 20).unwrap()).unwrap();
    let mut change = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = good.clone();
        change(&mut manifest);
        manifests.push(manifest);
    };
    change(&|manifest| manifest.layers[0].media_type = "text/plain".into());
    change(&|manifest| manifest.layers.push(manifest.layers[0].clone()));
    change(&|manifest| manifest.annotations.clear());
    change(&|manifest| drop(manifest.annotations.insert("org.opencontainers.image.created".into(), "now".into())));
    change(&|manifest| drop(manifest.annotations.insert("vnd.kiln.advisories.feeds".into(), "{".into())));
    for annotation in ["index", "index.size", "records"] {
        let annotation = format!("vnd.kiln.advisories.{annotation}");
        change(&|manifest| drop(manifest.layers[0].annotations.insert(annotation.clone(), "-1".into())));
    }
    for manifest in manifests {
        let digest = store.put(&to_json(&manifest)).unwrap();
        let opened = Database::open(&store, &digest);
        assert!(matches!(opened, Err(DatabaseError::Foreign { .. })), "{opened:?}");
    }
}

#[test]
fn records_of_one_package_may_fill_many_blocks() {
    let (_folder, store) = store();
    let many = (0..500).map(|at| advisory(&format!("X-{at}"), "npm", "big", &[("introduced", "0")]));
    let few =
        ["a", "big-0", "bif", "z"].map(|name| advisory(&format!("Y-{name}"), "npm", name, &[("introduced", "0")]));
    let compiled = compile(&store, &[osv(&many.chain(few).collect::<Vec<_>>())], None).unwrap();
    let database = Database::open(&store, &compiled.digest).unwrap();
    let hits = database.find(&[
        "pkg:npm/big@1.0.0",
        "pkg:npm/a@1.0.0",
        "pkg:npm/z@1.0.0",
        "pkg:npm/big-0@1.0.0",
        "pkg:npm/c@1",
    ]);
    let mut counts = [0; 5];
    hits.unwrap().iter().for_each(|hit| counts[hit.package] += 1);
    assert_eq!(counts, [500, 1, 1, 1, 0]);
}
