mod archives;
mod layouts;

use super::*;
use crate::image::assemble::{Image, Recipe, Step, assemble, assemble_index};
use crate::image::layer::{Compression, Packer};
use crate::oci::{Config, Manifest, Reference, media_type, to_json};
use crate::tree::Entry;
use std::collections::BTreeMap;

struct Fixture {
    folder: tempfile::TempDir,
    store: Store,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    Fixture { folder, store }
}

impl Fixture {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tree(&self, text: &str) -> Tree {
        let content = self.store.put(text.as_bytes()).unwrap();
        let path = TreePath::new("file").unwrap();
        [(path, Entry::file(content, text.len() as u64, 0o644))].into_iter().collect()
    }

    fn image(&self, architecture: &str, text: &str) -> Image {
        let packer = Packer::on_all_cores().unwrap();
        let layer = packer.pack(&self.tree(text).into(), &self.store, 7, Compression::default()).unwrap();
        let recipe = Recipe {
            platform: Platform::linux(architecture, None),
            author: None,
            config: Config::default(),
            steps: vec![Step::new("test", layer)],
            annotations: BTreeMap::new(),
        };
        assemble(&recipe, &self.store, 7).unwrap()
    }

    fn content(&self, text: &str) -> Content {
        let names = vec!["registry.example.com/a/b:1.0".parse().unwrap()];
        Content { image: self.image("amd64", text).manifest, names, referrers: vec![] }
    }

    fn index(&self) -> Content {
        let images = ["amd64", "arm64"].map(|arch| self.image(arch, arch));
        let image = assemble_index(&images, &BTreeMap::new(), &self.store, 7).unwrap();
        Content { image, names: vec![], referrers: vec![] }
    }

    /// A manifest that refers to `subject`.
    fn referrer(&self, subject: &Descriptor, text: &str) -> Descriptor {
        let layer = Descriptor::of("application/x", text.as_bytes());
        self.store.put(text.as_bytes()).unwrap();
        self.store.put(b"{}").unwrap();
        let mut manifest = Manifest::artifact("application/x-artifact", layer);
        manifest.subject = Some(bare(subject));
        manifest.annotations.insert("note".into(), text.into());
        let json = to_json(&manifest);
        self.store.put(&json).unwrap();
        Descriptor::of(media_type::MANIFEST, &json)
    }
}

/// All files below a folder with their bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            todo.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        } else {
            files.insert(path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap());
        }
    }
    files
}

/// The names in a folder: what a write left behind would be seen.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn outputs_are_written_as_users_write_them() {
    for text in ["oci:a/b", "oci-archive:x.tar", "docker-archive:/x:y", "tree:."] {
        assert_eq!(text.parse::<Output>().unwrap().to_string(), text);
    }
    for bad in ["", "oci", "oci:", "docker:x", "OCI:x"] {
        assert!(bad.parse::<Output>().is_err(), "{bad}");
    }
}

#[test]
fn a_tree_is_written_into_a_folder_that_is_empty_or_missing() {
    let f = fixture();
    let (tree, out) = (f.tree("x"), f.path("deep/out"));
    write_tree(&tree, &f.store, &out, 0).unwrap();
    assert_eq!(std::fs::read(out.join("file")).unwrap(), b"x");
    assert!(matches!(write_tree(&tree, &f.store, &out, 0), Err(OutputError::NotOurs { .. })));
    let empty = f.path("empty");
    std::fs::create_dir(&empty).unwrap();
    write_tree(&tree, &f.store, &empty, 0).unwrap();
    std::fs::write(f.path("a file"), "mine").unwrap();
    assert!(matches!(write_tree(&tree, &f.store, &f.path("a file"), 0), Err(OutputError::NotOurs { .. })));
    assert_eq!(names(f.folder.path()), ["a file", "deep", "empty", "store"]);
    assert_eq!(names(&f.path("deep")), ["out"]);
}

#[test]
fn leftovers_of_the_dead_are_cleared_and_those_of_the_living_kept() {
    let f = fixture();
    let out = f.path("out");
    let dead = f.path(".out.kiln-1-0");
    std::fs::create_dir_all(dead.join("new/blobs")).unwrap();
    std::fs::set_permissions(dead.join("new"), std::os::unix::fs::PermissionsExt::from_mode(0o500)).unwrap();
    let living = Staging::beside(&out).unwrap();
    write_layout(&f.content("x"), &f.store, &out, 0).unwrap();
    assert!(!dead.exists() && living.new_path().parent().unwrap().exists());
    drop(living);
    assert_eq!(names(f.folder.path()), ["out", "store"]);
}
