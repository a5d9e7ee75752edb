use super::*;
use crate::image::layer::{Compression as Packing, Packer};
use crate::oci::{Descriptor, media_type};
use crate::tree::tar::fixtures::Archive;
use crate::tree::{Change, Entry};

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

fn plain_layer(store: &Store, archive: &[u8]) -> Layer {
    store.put(archive).unwrap();
    let descriptor = Descriptor::of(media_type::LAYER, archive);
    Layer { diff_id: descriptor.digest, descriptor, plain_size: None }
}

fn shown(flat: &Flat) -> Vec<String> {
    assert_eq!(flat.tree.len(), flat.layer_of.len());
    flat.tree.iter().map(|(p, e)| format!("{}{p}{}", flat.layer_of[p], if e.is_dir() { "/" } else { "" })).collect()
}

#[test]
fn later_layers_win_and_take_away() {
    let (_folder, store) = store();
    let layers = [
        Archive::new()
            .dir("a")
            .file("a/keep", "1")
            .file("a/gone", "1")
            .dir("b")
            .file("b/x", "1")
            .file("c", "1")
            .finish(),
        Archive::new().file("a/.wh.gone", "").file("b/.wh..wh..opq", "").file("b/y", "2").file("a/new", "2").finish(),
        Archive::new().file("b", "a file now").dir("c").file("c/z", "3").file("a/keep", "3").finish(),
        Archive::new().edited(b'5', "a", "", b"", |b| b[100..107].copy_from_slice(b"0000700")).finish(),
    ];
    let layers = layers.map(|archive| plain_layer(&store, &archive));
    let flat = |count: usize| shown(&flatten(&layers[..count], &store, &Limits::default()).unwrap());
    assert_eq!(flat(0), [""; 0]);
    assert_eq!(flat(1), ["0/a/", "0/a/gone", "0/a/keep", "0/b/", "0/b/x", "0/c"]);
    assert_eq!(flat(2), ["0/a/", "0/a/keep", "1/a/new", "0/b/", "1/b/y", "0/c"]);
    assert_eq!(flat(3), ["0/a/", "2/a/keep", "1/a/new", "2/b", "2/c/", "2/c/z"]);
    assert_eq!(flat(4), ["3/a/", "2/a/keep", "1/a/new", "2/b", "2/c/", "2/c/z"]);
}

#[test]
fn what_was_packed_is_flattened_back() {
    let (_folder, store) = store();
    let packer = Packer::on_all_cores().unwrap();
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
    for compression in [Packing::None, Packing::default(), Packing::Zstd { level: 3 }] {
        let changes = [Change::from(lower.clone()), Change::between(&lower, &upper)];
        let layers = packer.pack_all(&changes, &store, 10, compression).unwrap();
        assert_eq!(*flatten(&layers, &store, &Limits::default()).unwrap().tree, upper);
    }
}

#[test]
fn a_layer_that_unpacks_to_something_else_is_refused() {
    let (_folder, store) = store();
    let mut layer = plain_layer(&store, &Archive::new().file("a", "x").finish());
    layer.diff_id = Digest::of("something else");
    assert!(matches!(flatten(&[layer], &store, &Limits::default()), Err(FlattenError::WrongDiffId { .. })));
}

#[test]
fn hostile_layers_are_refused() {
    let (folder, store) = store();
    let error = |layer: Layer| flatten(&[layer], &store, &Limits::default()).unwrap_err();
    let escape = plain_layer(&store, &Archive::new().file("../x", "x").finish());
    assert!(error(escape).to_string().contains("`..`"));
    let mut unknown = plain_layer(&store, &Archive::new().finish());
    unknown.descriptor.media_type = "text/plain".into();
    assert!(matches!(error(unknown), FlattenError::UnknownKind { .. }));
    let large = plain_layer(&store, &Archive::new().file("a", [0; 9000]).finish());
    let limits = Limits { size: 5000, ..Limits::default() };
    assert!(flatten(&[large], &store, &limits).unwrap_err().to_string().contains("more"));
    // A blob that was damaged in the store.
    let layer = plain_layer(&store, &Archive::new().file("a", "x").finish());
    let hex = layer.descriptor.digest.hex();
    let blob = folder.path().join("blobs/sha256").join(&hex[..2]).join(&hex[2..]);
    let mut bytes = std::fs::read(&blob).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    let store = Store::open(folder.path()).unwrap();
    let lost = flatten(&[layer], &store, &Limits::default()).unwrap_err();
    assert!(matches!(&lost, FlattenError::Store(e) if e.is_lost_content()), "{lost}");
}

#[test]
fn what_layers_came_to_is_found_again_as_long_as_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let layers = [
        plain_layer(&store, &Archive::new().dir("d").file("d/a", "x").file("b", "y").finish()),
        plain_layer(&store, &Archive::new().dir("d").file("d/.wh.a", "").file("d/c", "z").finish()),
    ];
    let first = flatten(&layers, &store, &Limits::default()).unwrap();
    // Not out of the layers, which are gone.
    for layer in &layers {
        let hex = layer.descriptor.digest.hex();
        std::fs::remove_file(folder.path().join("blobs/sha256").join(&hex[..2]).join(&hex[2..])).unwrap();
    }
    let second = flatten(&layers, &store, &Limits::default()).unwrap();
    assert_eq!((&second.tree, &second.layer_of), (&first.tree, &first.layer_of));
    assert!(flatten(&layers[..1], &store, &Limits::default()).is_err(), "other layers are something else");
    let hex = first.tree.digest().hex();
    std::fs::remove_file(folder.path().join("blobs/sha256").join(&hex[..2]).join(&hex[2..])).unwrap();
    assert!(flatten(&layers, &store, &Limits::default()).is_err(), "without its tree it must be made anew");
}
