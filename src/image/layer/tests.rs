use super::*;
use crate::oci::media_type;
use crate::tree::flatten::flatten;
use crate::tree::tar::{Limits, Sink};
use crate::tree::{Entry, Tree, TreePath};
use std::io::Read;

const GZIP: Compression = Compression::Gzip { level: 6 };
const ZSTD: Compression = Compression::Zstd { level: 3 };

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn packer(threads: usize) -> Packer {
    Packer::new(NonZeroUsize::new(threads).unwrap()).unwrap()
}

/// Files of together some megabytes, neither all alike nor all noise.
fn large(store: &Store, seed: u32) -> Change {
    let mut tree = Tree::new();
    let mut state = seed;
    for number in 0..8u32 {
        let content: Vec<u8> = (0..600_000u32)
            .map(|i| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if i % 3 == 0 { (state >> 24) as u8 } else { (i % 61) as u8 }
            })
            .collect();
        let digest = store.put(&content).unwrap();
        tree.insert(path(&format!("f{number}")), Entry::file(digest, content.len() as u64, 0o644)).unwrap();
    }
    tree.into()
}

fn tiny(store: &Store) -> Change {
    let mut tree = Tree::new();
    tree.insert(path("etc"), Entry::dir(0o755)).unwrap();
    let content = store.put(b"hello\n").unwrap();
    tree.insert(path("etc/motd"), Entry::file(content, 6, 0o644)).unwrap();
    tree.into()
}

fn blob(store: &Store, layer: &Layer) -> Vec<u8> {
    store.read(&layer.descriptor.digest, 1 << 30).unwrap()
}

fn plain(store: &Store, layer: &Layer) -> Vec<u8> {
    let mut out = Vec::new();
    tar::decompress(&blob(store, layer)[..], 1 << 30).unwrap().read_to_end(&mut out).unwrap();
    out
}

/// The diff_id is a promise for ever; the blobs' digests are promises for one version of the compressor.
/// Where only the latter change, the version in `Compression::compressor` must change with them.
#[test]
fn the_bytes_of_a_tiny_layer_never_change() {
    let (_folder, store) = store();
    let pack = |compression| packer(2).pack(&tiny(&store), &store, 1_700_000_000, compression).unwrap();
    for compression in [Compression::None, GZIP, ZSTD] {
        assert_eq!(
            pack(compression).diff_id.to_string(),
            "sha256:d9714b470965480ffefff7e938832b1d383697bdc951b2dedce69213037d538b"
        );
        assert_eq!(pack(compression).plain_size, Some(2560));
    }
    assert_eq!(pack(Compression::None).descriptor.digest, pack(GZIP).diff_id);
    assert_eq!(
        pack(GZIP).descriptor.digest.to_string(),
        "sha256:9f31190503e830bb79868d152ae8207d496a2b14e73c692f3505476aeed5648f"
    );
    assert_eq!(
        pack(ZSTD).descriptor.digest.to_string(),
        "sha256:5e64752a25124c9f99be64f9566b2b910cbad09245ebe52254c347048238df71"
    );
    assert_eq!(zstd::zstd_safe::version_string(), ZSTD.compressor().strip_prefix("zstd ").unwrap());
    assert_eq!(pack(GZIP).descriptor.media_type, media_type::LAYER_GZIP);
    assert_eq!(pack(ZSTD).descriptor.media_type, media_type::LAYER_ZSTD);
}

#[test]
fn any_number_of_threads_makes_the_same_bytes() {
    for compression in [Compression::None, GZIP, Compression::Gzip { level: 1 }, ZSTD, Compression::Zstd { level: 9 }] {
        let made = [1, 2, 7].map(|threads| {
            let (_folder, store) = store();
            let layer = packer(threads).pack(&large(&store, 1), &store, 0, compression).unwrap();
            assert_eq!(Digest::of(plain(&store, &layer)), layer.diff_id);
            layer
        });
        assert!(made.iter().all(|layer| *layer == made[0]), "{compression:?}");
        assert!(compression == Compression::None || Some(made[0].descriptor.size) < made[0].plain_size);
    }
}

#[test]
fn however_the_bytes_arrive_the_blob_is_the_same() {
    let content: Vec<u8> = (0..5_000_000u32).map(|i| (i.wrapping_mul(i) >> 9) as u8).collect();
    for compression in [GZIP, ZSTD] {
        let (_folder, store) = store();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let digests = [1usize << 23, 1 << 20, 65_536, 4_999, 512].map(|size| {
            let joined = blocks::compress(&pool, &budget::Budget::new(2), compression, &store, |out| {
                content.chunks(size).try_for_each(|piece| out.frame(piece)).map_err(TarError::Write)
            });
            joined.unwrap().commit(&store).unwrap()
        });
        assert!(digests.iter().all(|digest| *digest == digests[0]));
    }
}

#[test]
fn several_layers_come_in_the_order_of_their_changes() {
    let (_folder, store) = store();
    let changes: Vec<Change> = (0..5).map(|seed| large(&store, seed)).collect();
    let together = packer(2).pack_all(&changes, &store, 0, ZSTD).unwrap();
    let (_other_folder, other) = self::store();
    for (seed, layer) in together.iter().enumerate() {
        assert_eq!(*layer, packer(1).pack(&large(&other, seed as u32), &other, 0, ZSTD).unwrap());
    }
}

#[test]
fn a_gzip_header_says_nothing_about_this_machine() {
    let (_folder, store) = store();
    let layer = packer(1).pack(&tiny(&store), &store, 0, GZIP).unwrap();
    assert_eq!(blob(&store, &layer)[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
}

#[test]
fn an_unchanged_layer_is_made_once() {
    let (folder, store) = store();
    let change = tiny(&store);
    let layer = packer(1).pack(&change, &store, 7, GZIP).unwrap();
    // Its content is not needed any more.
    let remove = |digest: &Digest| {
        let hex = digest.hex();
        std::fs::remove_file(folder.path().join("blobs/sha256").join(&hex[..2]).join(&hex[2..])).unwrap();
    };
    remove(&Digest::of("hello\n"));
    assert_eq!(packer(2).pack(&change, &store, 7, GZIP).unwrap(), layer);
    // A record without its blob does not count, and other settings are another layer.
    assert!(packer(2).pack(&change, &store, 8, GZIP).is_err());
    assert!(packer(2).pack(&change, &store, 7, ZSTD).is_err());
    remove(&layer.descriptor.digest);
    let error = packer(2).pack(&change, &store, 7, GZIP).unwrap_err();
    assert!(matches!(&error, LayerError::Tar(TarError::Store(e)) if e.is_lost_content()), "{error}");
    store.put(b"hello\n").unwrap();
    assert_eq!(packer(2).pack(&change, &store, 7, GZIP).unwrap(), layer);
}

/// A thousand small files, and one between them that is larger than a block.
fn many(store: &Store, first: &[u8]) -> Change {
    let mut tree = Tree::new();
    let mut put = |name: String, content: &[u8]| {
        let digest = store.put(content).unwrap();
        tree.insert(path(&name), Entry::file(digest, content.len() as u64, 0o644)).unwrap();
    };
    put("f0".into(), first);
    for number in 1..1000u32 {
        let content: Vec<u8> = (0..9000 + number).map(|i| (i.wrapping_mul(i + number) >> 9) as u8).collect();
        put(format!("f{number}"), &content);
    }
    put("f500x".into(), &(0..3_000_000u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect::<Vec<_>>());
    tree.into()
}

fn known_blocks(store: &Store) -> u64 {
    store.usage().unwrap().iter().find(|usage| usage.kind == "block").map_or(0, |usage| usage.count)
}

#[test]
fn after_a_change_only_the_blocks_around_it_are_new() {
    for compression in [GZIP, ZSTD] {
        let (_folder, store) = store();
        packer(2).pack(&many(&store, b"old"), &store, 0, compression).unwrap();
        let before = known_blocks(&store);
        assert!(before >= 4, "{compression:?}: {before}");
        // Everything after it moves by some kilobytes.
        let change = many(&store, &[7; 5000]);
        let layer = packer(2).pack(&change, &store, 0, compression).unwrap();
        let new = known_blocks(&store) - before;
        assert!((1..=2).contains(&new), "{compression:?}: {new} of {before}");
        let (_other_folder, other) = self::store();
        assert_eq!(packer(1).pack(&many(&other, &[7; 5000]), &other, 0, compression).unwrap(), layer);
    }
}

#[test]
fn blocks_of_a_damaged_layer_are_made_anew() {
    let (folder, store) = store();
    let old = packer(2).pack(&many(&store, b"old"), &store, 0, GZIP).unwrap();
    let hex = old.descriptor.digest.hex();
    let file = folder.path().join("blobs/sha256").join(&hex[..2]).join(&hex[2..]);
    let (_other_folder, other) = self::store();
    let expected = packer(1).pack(&many(&other, b"new"), &other, 0, GZIP).unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    for position in (0..bytes.len()).step_by(1000) {
        bytes[position] ^= 1;
    }
    std::fs::write(&file, &bytes).unwrap();
    let store = Store::open(store.root()).unwrap();
    assert_eq!(packer(2).pack(&many(&store, b"new"), &store, 0, GZIP).unwrap(), expected);
    // Cut short, and now it is the layer that the records name.
    let hex = expected.descriptor.digest.hex();
    let file = folder.path().join("blobs/sha256").join(&hex[..2]).join(&hex[2..]);
    std::fs::write(&file, &std::fs::read(&file).unwrap()[..5000]).unwrap();
    let store = Store::open(store.root()).unwrap();
    assert_eq!(packer(2).pack(&many(&store, b"old"), &store, 0, GZIP).unwrap(), old);
}

#[test]
fn what_takes_away_is_part_of_the_key() {
    let (_folder, store) = store();
    let with = |removed: &[&str], opaque: &[&str]| {
        let mut change = tiny(&store);
        change.removed.extend(removed.iter().map(|p| path(p)));
        change.opaque.extend(opaque.iter().map(|p| path(p)));
        packer(1).pack(&change, &store, 0, GZIP).unwrap().diff_id
    };
    let ids = [with(&[], &[]), with(&["a"], &[]), with(&[], &["a"]), with(&["a", "b"], &[]), with(&["a"], &["b"])];
    for (i, id) in ids.iter().enumerate() {
        assert!(!ids[..i].contains(id));
    }
}

#[test]
fn a_failure_in_the_middle_leaves_no_blob_and_no_record() {
    let (_folder, store) = store();
    let mut change = large(&store, 3);
    let missing = Digest::of("never stored");
    change.entries.insert(path("zz"), Entry::file(missing, 12, 0o644)).unwrap();
    let blobs = store.usage().unwrap()[0].count;
    for compression in [Compression::None, GZIP, ZSTD] {
        let error = packer(2).pack(&change, &store, 0, compression).unwrap_err();
        assert!(error.to_string().contains(&missing.to_string()), "{error}");
    }
    let usage = store.usage().unwrap();
    assert_eq!((usage[0].count, usage.len()), (blobs, 1));
    let error = packer(2).pack(&tiny(&store), &store, 0, Compression::Gzip { level: 13 }).unwrap_err();
    assert!(error.to_string().contains("no level 13"), "{error}");
}

#[test]
fn what_was_packed_is_flattened_back() {
    let (_folder, store) = store();
    let packer = packer(2);
    let content = store.put(b"x").unwrap();
    let mut lower = Tree::new();
    for p in ["usr", "usr/bin", "etc"] {
        lower.insert(path(p), Entry::dir(0o755).modified_at(Some(3))).unwrap();
    }
    for p in ["usr/bin/a", "usr/bin/b", "etc/c"] {
        lower.insert(path(p), Entry::file(content, 1, 0o4755).owned_by(7, 8).modified_at(Some(4))).unwrap();
    }
    let mut upper = lower.clone();
    upper.remove(&path("etc"));
    upper.insert(path("usr/bin/b"), Entry::symlink("a").modified_at(Some(5))).unwrap();
    for compression in [Compression::None, GZIP, ZSTD] {
        let changes = [Change::from(lower.clone()), Change::between(&lower, &upper)];
        let layers = packer.pack_all(&changes, &store, 10, compression).unwrap();
        let packed: Vec<_> = layers.iter().map(Layer::packed).collect();
        let flat = flatten(&packed, &store, &Limits::default()).unwrap();
        assert_eq!((&*flat.tree, flat.is_explicit), (&upper, true));
    }
}
