use super::*;
use crate::oci::media_type;
use crate::tree::tar::fixtures::Archive;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn plain_layer(store: &Store, archive: &[u8]) -> Descriptor {
    store.put(archive).unwrap();
    Descriptor::of(media_type::LAYER, archive)
}

/// Plain layers have one digest.
fn flat(layers: &[Descriptor], store: &Store) -> Result<Flat, FlattenError> {
    flat_within(layers, store, &Limits::default())
}

fn flat_within(layers: &[Descriptor], store: &Store, limits: &Limits) -> Result<Flat, FlattenError> {
    flatten(&layers.iter().map(|layer| (layer, layer.digest)).collect::<Vec<_>>(), store, limits)
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
    let flat = |count: usize| shown(&flat(&layers[..count], &store).unwrap());
    assert_eq!(flat(0), [""; 0]);
    assert_eq!(flat(1), ["0/a/", "0/a/gone", "0/a/keep", "0/b/", "0/b/x", "0/c"]);
    assert_eq!(flat(2), ["0/a/", "0/a/keep", "1/a/new", "0/b/", "1/b/y", "0/c"]);
    assert_eq!(flat(3), ["0/a/", "2/a/keep", "1/a/new", "2/b", "2/c/", "2/c/z"]);
    assert_eq!(flat(4), ["3/a/", "2/a/keep", "1/a/new", "2/b", "2/c/", "2/c/z"]);
}

#[test]
fn a_file_that_is_taken_away_twice_is_hidden_once() {
    let (_folder, store) = store();
    let layers = [
        Archive::new().dir("a").dir("a/b").file("a/b/c", "1").finish(),
        Archive::new().file(".wh.a", "").file("a/b/.wh..wh..opq", "").file("a/b/.wh.c", "").finish(),
    ];
    let layers = layers.map(|archive| plain_layer(&store, &archive));
    let first = flat(&layers, &store).unwrap();
    let hidden: Vec<String> = first.hidden.iter().map(|(layer, path, _)| format!("{layer}{path}")).collect();
    assert_eq!(hidden, ["0/a/b/c"]);
    assert_eq!(flat(&layers, &store).unwrap().hidden, first.hidden, "as it is remembered");
}

#[test]
fn a_layer_that_unpacks_to_something_else_is_refused() {
    let (_folder, store) = store();
    let layer = plain_layer(&store, &Archive::new().file("a", "x").finish());
    let refused = flatten(&[(&layer, Digest::of("something else"))], &store, &Limits::default());
    assert!(matches!(refused, Err(FlattenError::WrongDiffId { .. })));
}

#[test]
fn hostile_layers_are_refused() {
    let (folder, store) = store();
    let error = |layer: Descriptor| flat(&[layer], &store).unwrap_err();
    let escape = plain_layer(&store, &Archive::new().file("../x", "x").finish());
    assert!(error(escape).to_string().contains("`..`"));
    let mut unknown = plain_layer(&store, &Archive::new().finish());
    unknown.media_type = "text/plain".into();
    assert!(matches!(error(unknown), FlattenError::UnknownKind { .. }));
    let large = plain_layer(&store, &Archive::new().file("a", [0; 9000]).finish());
    let limits = Limits { size: 5000, ..Limits::default() };
    assert!(flat_within(&[large], &store, &limits).unwrap_err().to_string().contains("more"));
    // A blob that was damaged in the store.
    let layer = plain_layer(&store, &Archive::new().file("a", "x").finish());
    let hex = layer.digest.hex();
    let blob = folder.path().join("blobs/sha256").join(&hex[..2]).join(&hex[2..]);
    let mut bytes = std::fs::read(&blob).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    let store = Store::open(folder.path()).unwrap();
    let lost = flat(&[layer], &store).unwrap_err();
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
    let first = flat(&layers, &store).unwrap();
    // Not out of the layers, which are gone.
    for layer in &layers {
        let hex = layer.digest.hex();
        std::fs::remove_file(folder.path().join("blobs/sha256").join(&hex[..2]).join(&hex[2..])).unwrap();
    }
    let second = flat(&layers, &store).unwrap();
    assert_eq!((&second.tree, &second.layer_of), (&first.tree, &first.layer_of));
    assert_eq!((first.is_explicit, second.is_explicit), (true, true));
    assert!(flat(&layers[..1], &store).is_err(), "other layers are something else");
    let hex = first.tree.digest().hex();
    std::fs::remove_file(folder.path().join("blobs/sha256").join(&hex[..2]).join(&hex[2..])).unwrap();
    assert!(flat(&layers, &store).is_err(), "without its tree it must be made anew");
}

#[test]
fn layers_that_leave_something_to_who_unpacks_them_are_told_from_others() {
    let (_folder, store) = store();
    let is_explicit = |archives: &[Vec<u8>]| {
        let layers: Vec<_> = archives.iter().map(|archive| plain_layer(&store, archive)).collect();
        (flat(&layers, &store).unwrap().is_explicit, flat(&layers, &store).unwrap().is_explicit)
    };
    let lower = Archive::new().dir("d").file("d/a", "x").finish();
    assert_eq!(is_explicit(&[lower.clone(), Archive::new().dir("d").file("d/b", "y").finish()]), (true, true));
    assert_eq!(is_explicit(&[Archive::new().file("d/a", "x").dir("d").finish()]), (true, true), "later is soon enough");
    assert_eq!(is_explicit(&[Archive::new().file("d/a", "x").finish()]), (false, false));
    assert_eq!(is_explicit(&[lower.clone(), Archive::new().file("d/b", "y").finish()]), (false, false));
    assert_eq!(is_explicit(&[lower, Archive::new().file("d/.wh.a", "").finish()]), (false, false));
    let timed = |time: &str| Archive::new().pax(&[("mtime", time.as_bytes())]).file("a", "x").finish();
    assert_eq!(is_explicit(&[timed("5.0")]), (true, true));
    assert_eq!(is_explicit(&[timed("5.25")]), (false, false));
}
