//! Layers of images: archives that are laid over each other to a tree, which comes back from the store, as the difference
//! to the layers below, and from the archive that is written of it.
#![no_main]

use flate2::Compression;
use flate2::write::GzEncoder;
use kiln::oci::{Descriptor, Digest};
use kiln::store::Store;
use kiln::tree::flatten::{Packed, flatten, known, unpack};
use kiln::tree::tar::{Limits, Options, read, write};
use kiln::tree::{Change, Tree};
use kiln_fuzz::{Input, part, plant, with_store, within};
use libfuzzer_sys::fuzz_target;
use std::io::Write;

/// Names in which entries meet, take each other away, or lead out.
const NAMES: [&str; 18] = [
    "a",
    "a/",
    "a/b",
    "a/b/c",
    "b",
    "b/c",
    "b/c/d",
    "./",
    "c",
    ".wh.a",
    "a/.wh.b",
    "a/.wh..wh..opq",
    "b/.wh..wh..plnk",
    "../x",
    "/etc/passwd",
    "a/../b",
    "a//b",
    "usr/lib/x",
];

fuzz_target!(init: plant(seeds), |input: &[u8]| {
    let mut input = Input::new(input);
    within(64, || {
        with_store(|store| {
            let mut layers: Vec<(Descriptor, Digest)> = vec![];
            while !input.is_empty() && layers.len() < 4 {
                layers.push(layer(store, &mut input));
            }
            check(store, &layers);
        });
    });
});

fn check(store: &Store, layers: &[(Descriptor, Digest)]) {
    let limits = Limits { entries: 10_000, size: 16 << 20, depth: 64, extension: 64 << 10 };
    let layers: Vec<Packed<'_>> = layers.iter().map(|(blob, diff_id)| (blob, *diff_id)).collect();
    let Ok(flat) = flatten(&layers, store, &limits) else { return };
    let again = known(&layers, store).expect("it was stored").expect("it was remembered");
    assert_eq!((&again.tree, &again.layer_of, &again.hidden), (&flat.tree, &flat.layer_of, &flat.hidden));
    assert!(flat.layer_of.keys().all(|path| flat.tree.get(path).is_some()));

    let lower = unpack(&layers[..layers.len() / 2], store, &limits).expect("all of it can be unpacked").tree;
    let mut upper = Tree::clone(&lower);
    Change::between(&lower, &flat.tree).apply(&mut upper).expect("it fits");
    assert_eq!(upper, *flat.tree, "the difference to the layers below");

    let Some(archive) = written(&flat.tree, store) else { return };
    let options = Options { devices: true, xattrs: true, ..Options::default() };
    let read = read(archive.as_slice(), store, &options).expect("what was written can be read");
    assert_eq!(written(&read.entries, store), Some(archive), "the archive of the archive");
}

/// The archive of a tree; none where a name in it would be read as a removal.
fn written(tree: &Tree, store: &Store) -> Option<Vec<u8>> {
    let mut archive = vec![];
    write(&Change::from(tree.clone()), store, 2_000_000_000, &mut archive).ok()?;
    Some(archive)
}

fn layer(store: &Store, input: &mut Input<'_>) -> (Descriptor, Digest) {
    let archive = match input.byte() % 8 {
        0 => input.part().to_vec(),
        _ => {
            let count = input.byte() % 16;
            let mut archive: Vec<u8> = (0..count).flat_map(|_| entry(input)).collect();
            archive.resize(archive.len() + 1024, 0);
            archive
        }
    };
    let (media_type, blob) = match input.byte() % 4 {
        0 => ("application/vnd.oci.image.layer.v1.tar+gzip", gzip(&archive)),
        1 => (
            "application/vnd.oci.image.layer.v1.tar+zstd",
            zstd::bulk::compress(&archive, 1).expect("memory is written"),
        ),
        _ => ("application/vnd.oci.image.layer.v1.tar", archive.clone()),
    };
    store.put(&blob).expect("there is room for a layer");
    (Descriptor::of(media_type, &blob), Digest::of(&archive))
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(vec![], Compression::fast());
    encoder.write_all(content).and_then(|()| encoder.finish()).expect("memory can be written")
}

/// An entry with its header and content, whose checksum is right.
fn entry(input: &mut Input<'_>) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    let kind = input.one_of(b"0015234567xgLKS");
    let (name, link) = (name(input), name(input));
    let content = input.part();
    let fields = header.as_mut_bytes();
    put(&mut fields[..100], name);
    put(&mut fields[157..257], link);
    fields[156] = kind;
    header.set_mode(0o644);
    header.set_mtime(1_000_000_000);
    header.set_size(content.len() as u64);
    // One field, with anything in it.
    let [at, length] = input.bytes();
    let start = usize::from(at) * 2;
    if let Some(field) = header.as_mut_bytes().get_mut(start..start + usize::from(length % 16)) {
        field.fill_with(|| input.byte());
    }
    header.set_cksum();
    let mut entry = header.as_bytes().to_vec();
    entry.extend(content);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

fn name<'i>(input: &mut Input<'i>) -> &'i [u8] {
    match input.byte() {
        0xff => input.part(),
        number => NAMES[usize::from(number) % NAMES.len()].as_bytes(),
    }
}

fn put(field: &mut [u8], text: &[u8]) {
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text[..length]);
}

/// An entry of the kind at a position, with names and a content, and no field that is wrong.
fn seed(kind: u8, name: u8, link: u8, content: &[u8]) -> Vec<u8> {
    [&[kind, name, link], part(content).as_slice(), &[0xff, 0]].concat()
}

fn seeds() -> Vec<Vec<u8>> {
    let layer = |entries: &[Vec<u8>], packing: u8| {
        [&[1, entries.len() as u8], entries.concat().as_slice(), &[packing]].concat()
    };
    let [file, hard, folder, link] = [0, 2, 3, 4];
    let first =
        layer(&[seed(folder, 0, 0, b""), seed(file, 2, 0, b"x"), seed(hard, 4, 2, b""), seed(link, 8, 0, b"")], 0);
    let second =
        layer(&[seed(file, 10, 0, b""), seed(file, 11, 0, b""), seed(folder, 4, 0, b""), seed(file, 5, 0, b"y")], 1);
    let pax = seed(10, 0, 0, b"22 path=a/b/c/long/name\n30 SCHILY.xattr.user.a=content\n19 size=1234567890\n");
    let long = seed(12, 0, 0, &[b'n'; 200]);
    let sparse = seed(14, 2, 0, b"");
    let third = layer(&[pax, seed(file, 0, 0, b"z"), long, seed(file, 0, 0, b"z"), sparse], 2);
    let raw = [&[0], part([0; 1024]).as_slice(), &[2]].concat();
    vec![[first.clone(), second.clone()].concat(), [first, second, third.clone()].concat(), third, raw]
}
