use super::*;
use crate::tree::TreePath;
use crate::tree::tar::Options;

#[test]
fn an_image_is_the_tree_once_for_ever_and_nothing_else_is_offered() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut tree = Tree::new();
    let content = store.put(b"all is well\n").unwrap();
    tree.insert(TreePath::new("d").unwrap(), Entry::dir(0o1777)).unwrap();
    let late = Entry { mtime: Some(4_000_000_000), ..Entry::file(content, 12, 0o4755) };
    tree.insert(TreePath::new("d/late").unwrap(), late).unwrap();
    let digest = tree.save(&store).unwrap();
    let platform: Platform = "linux/arm64".parse().unwrap();

    let images = Images::new(store.clone());
    let manifest = images.offer(&digest, &platform).unwrap();
    assert_eq!(Images::new(store.clone()).offer(&digest, &platform).unwrap(), manifest);
    assert_ne!(images.offer(&digest, &Platform::linux("amd64", None)).unwrap(), manifest);

    let manifest: Manifest = serde_json::from_slice(&store.read(&manifest, 1 << 20).unwrap()).unwrap();
    let config: ImageConfig = serde_json::from_slice(&store.read(&manifest.config.digest, 1 << 20).unwrap()).unwrap();
    assert_eq!((config.platform, config.rootfs.diff_ids), (platform, vec![manifest.layers[0].digest]));
    let layer = store.reader(&manifest.layers[0].digest).unwrap();
    let read = crate::tree::tar::read(layer, &store, &Options::default()).unwrap().entries;
    let times: Vec<_> = read.iter().map(|(path, entry)| (path.to_string(), entry.mtime)).collect();
    assert_eq!(times, [("/d".to_owned(), Some(STEP_EPOCH)), ("/d/late".to_owned(), Some(4_000_000_000))]);

    let offered = images.offered.lock().unwrap();
    assert!(offered.contains(&manifest.layers[0].digest) && !offered.contains(&content) && !offered.contains(&digest));
}

#[test]
fn a_name_that_means_something_else_in_layers_is_no_image() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut tree = Tree::new();
    tree.insert(TreePath::new(".wh.x").unwrap(), Entry::dir(0o755)).unwrap();
    let digest = tree.save(&store).unwrap();
    assert!(Images::new(store).offer(&digest, &Platform::host()).is_err());
}

#[test]
fn a_tree_that_came_of_an_image_is_that_image_as_long_as_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut tree = Tree::new();
    tree.insert(TreePath::new("d").unwrap(), Entry::dir(0o755)).unwrap();
    let digest = tree.save(&store).unwrap();
    let (amd64, arm64) = (Platform::linux("amd64", None), Platform::linux("arm64", None));
    // Any image will do: nobody compares it with the tree.
    let other = Tree::new().save(&store).unwrap();
    let own = Images::new(store.clone()).offer(&other, &amd64).unwrap();
    store.set_record("image-of-tree", &digest, own.as_bytes()).unwrap();

    let images = Images::new(store.clone());
    assert_eq!(images.offer(&digest, &amd64).unwrap(), own);
    let manifest: Manifest = serde_json::from_slice(&store.read(&own, 1 << 20).unwrap()).unwrap();
    let is_offered = |digest: &Digest| images.offered.lock().unwrap().contains(digest);
    assert!(is_offered(&own) && is_offered(&manifest.config.digest) && is_offered(&manifest.layers[0].digest));
    assert_ne!(images.offer(&digest, &arm64).unwrap(), own, "it is for another platform");
    let hex = manifest.layers[0].digest.hex();
    std::fs::remove_file(folder.path().join("blobs/sha256").join(&hex[..2]).join(&hex[2..])).unwrap();
    assert_ne!(images.offer(&digest, &amd64).unwrap(), own, "a layer is gone");
}
