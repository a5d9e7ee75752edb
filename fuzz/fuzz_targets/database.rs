//! A database of advisories that somebody made to do harm, under digests that are right: its records, the index of a part,
//! a part as it is packed, its manifest, and numbers that lie.
#![no_main]

use kiln::advisories::database::{ARTIFACT, Database, PART, compile};
use kiln::advisories::feed::Feed;
use kiln::oci::{Descriptor, Digest, Manifest, to_json};
use kiln::store::Store;
use kiln_fuzz::asked::PACKAGES;
use kiln_fuzz::{Input, part, plant, samples, with_store, within};
use libfuzzer_sys::fuzz_target;
use std::io::{Seek, Write};

/// The parts that the packages are looked up in, and that of CVEs.
const TITLES: [&str; 8] = ["CVE", "Debian", "Red Hat", "crates.io", "Go", "npm", "PyPI", "Maven"];

/// A part as it is in the store, with what the manifest says of it.
struct Stored {
    title: &'static str,
    bytes: Vec<u8>,
    index: Digest,
    /// The bytes of the part and of its index.
    sizes: [u64; 2],
}

fuzz_target!(init: plant(seeds), |input: &[u8]| {
    let mut input = Input::new(input);
    let is_manifest = input.byte() == 0xff;
    within(64, || {
        with_store(|store| {
            let manifest = if is_manifest { input.rest().to_vec() } else { manifest(store, &mut input) };
            check(store, &manifest);
        });
    });
});

fn check(store: &Store, manifest: &[u8]) {
    let digest = store.put(manifest).expect("there is room for a manifest");
    let Ok(database) = Database::open(store, &digest) else { return };
    let found = database.find(&PACKAGES);
    let again = database.find(&PACKAGES);
    assert_eq!(found.is_ok(), again.is_ok(), "{found:?} {again:?}");
    let Ok(hits) = found else { return };
    assert!(hits.is_sorted_by_key(|hit| (hit.package, hit.hole.id.clone())));
    assert_eq!(again.ok(), Some(hits), "another answer");
}

fn manifest(store: &Store, input: &mut Input<'_>) -> Vec<u8> {
    let mut layers: Vec<Descriptor> = vec![];
    while !input.is_empty() && layers.len() < 4 {
        let stored = stored(input);
        let digest = store.put(&stored.bytes).expect("there is room for a part");
        let [size, index_size] = stored.sizes;
        let mut row = Descriptor::new(PART, digest, size);
        row.annotations = [
            ("org.opencontainers.image.title", stored.title.to_owned()),
            ("vnd.kiln.advisories.index", stored.index.to_string()),
            ("vnd.kiln.advisories.index.size", index_size.to_string()),
            ("vnd.kiln.advisories.records", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        layers.push(row);
    }
    let mut manifest = Manifest::image(Descriptor::of("application/vnd.oci.empty.v1+json", b"{}"), layers);
    manifest.artifact_type = Some(ARTIFACT.into());
    manifest.annotations = [("org.opencontainers.image.created", "2025-01-01"), ("vnd.kiln.advisories.feeds", "[]")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    to_json(&manifest)
}

fn stored(input: &mut Input<'_>) -> Stored {
    let title = input.one_of(&TITLES);
    let kind = input.byte() % 4;
    let (mut bytes, packed) = match kind {
        // Blocks of records, with an index that is right.
        0 | 1 => {
            let count = input.byte() % 4;
            let blocks: Vec<[&[u8]; 2]> = (0..count).map(|_| [input.part(), input.part()]).collect();
            written(&blocks)
        }
        // An index, and what it is about.
        2 => {
            let index = input.part();
            (input.part().to_vec(), framed(index, index.len() as u64))
        }
        // A part, whose index is not packed by zstd as it should be.
        _ => {
            let packed = input.part().to_vec();
            (input.part().to_vec(), packed)
        }
    };
    bytes.extend(&packed);
    let mut sizes = [bytes.len() as u64, packed.len() as u64];
    if kind == 1 {
        sizes = [u64::from_le_bytes(input.bytes()), u64::from_le_bytes(input.bytes())];
    }
    Stored { title, bytes, index: Digest::of(&packed), sizes }
}

/// Blocks, each by its first key and its records, and their index.
fn written(blocks: &[[&[u8]; 2]]) -> (Vec<u8>, Vec<u8>) {
    let (mut bytes, mut index) = (vec![], number(blocks.len() as u64));
    for [first, records] in blocks {
        let packed = zstd::bulk::compress(records, 1).expect("memory can be packed");
        index.extend(number(first.len() as u64));
        index.extend(*first);
        index.extend(number(packed.len() as u64));
        index.extend(number(records.len() as u64));
        index.extend(number(32));
        index.extend(Digest::of(&packed).as_bytes());
        bytes.extend(packed);
    }
    let packed = framed(&index, index.len() as u64);
    (bytes, packed)
}

/// An index as it stands at the end of a part, which says to be so large.
fn framed(index: &[u8], size: u64) -> Vec<u8> {
    [&size.to_le_bytes()[..], &zstd::bulk::compress(index, 1).expect("memory can be packed")].concat()
}

/// A number of seven bits a byte, lowest first.
fn number(mut number: u64) -> Vec<u8> {
    let mut bytes = vec![];
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// The parts of databases that kiln itself compiles.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![];
    for advisory in samples::advisories() {
        let feeds = [advisory, samples::tracker(), samples::kev(), samples::epss()];
        with_store(|store| seeds.extend(compiled(store, &feeds)));
    }
    seeds
}

fn compiled(store: &Store, feeds: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let feed = |content: &Vec<u8>| {
        let mut file = tempfile::tempfile().expect("there is room for a file");
        file.write_all(content).and_then(|()| file.rewind()).expect("there is room for a feed");
        Feed { name: "feed".into(), form: None, file }
    };
    let feeds: Vec<Feed> = feeds.iter().map(feed).collect();
    let compiled = compile(store, &feeds, Some("2025-01-01")).expect("the samples are feeds");
    let manifest = store.read(&compiled.digest, 1 << 20).expect("it is there");
    let read: Manifest = serde_json::from_slice(&manifest).expect("it is a manifest");
    let (mut records, mut indexes) = (vec![0], vec![0]);
    for row in read.layers {
        let title = TITLES.iter().position(|title| *title == row.annotations["org.opencontainers.image.title"]);
        let Some(title) = title else { continue };
        let bytes = store.read(&row.digest, 1 << 20).expect("it is there");
        let index_size: usize = row.annotations["vnd.kiln.advisories.index.size"].parse().expect("it is a number");
        let (blocks, index) = bytes.split_at(bytes.len() - index_size);
        let unpack = |frame| zstd::bulk::decompress(frame, 1 << 20).expect("it is a frame");
        // Samples are so small that there is one block.
        records.extend([title as u8, 0, 1]);
        records.extend([part("a"), part(unpack(blocks))].concat());
        indexes.extend([title as u8, 2]);
        indexes.extend([part(unpack(&index[8..])), part(blocks)].concat());
    }
    vec![[&[0xff], manifest.as_slice()].concat(), records, indexes]
}
