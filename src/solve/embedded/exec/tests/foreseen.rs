//! What a sandbox is told of before it runs anything.

use super::super::super::sandbox::MountKind;
use super::*;
use crate::llb::{Copy, attr};
use crate::oci::{Config, Descriptor, ImageConfig, Manifest, RootFs, media_type, to_json};
use crate::solve::embedded::image_of;
use crate::tree::tar::fixtures::Archive;

/// An image of the store with one layer.
fn image(store: &Store, layer: &[u8]) -> Digest {
    store.put(layer).unwrap();
    let layer = Descriptor::of(media_type::LAYER, layer);
    let config = to_json(&ImageConfig {
        created: None,
        author: None,
        platform: Platform::host(),
        config: Config::default(),
        rootfs: RootFs { kind: "layers".to_owned(), diff_ids: vec![layer.digest] },
        history: Vec::new(),
    });
    store.put(&config).unwrap();
    store.put(&to_json(&Manifest::image(Descriptor::of(media_type::CONFIG, &config), vec![layer]))).unwrap()
}

impl Bench {
    fn image(&mut self, manifest: &Digest) -> Output {
        self.builder.source(&attr::oci_layout("base", manifest), BTreeMap::new(), Note::default())
    }
}

#[test]
fn an_image_that_commands_begin_with_is_foreseen_while_it_is_unpacked() {
    let mut bench = Bench::new(|_| Status::Exited(0));
    let manifest = image(&bench.store, &Archive::new().dir("bin").file("bin/sh", "sh").finish());
    let base = bench.image(&manifest);
    let more = bench.tree_on(Some(base), &[("/etc/motd", "hello")]);
    let made = bench.run(Some(more), &["make"]);
    bench.solve(made);
    let foreseen = || vec![(manifest, Platform::host().to_string())];
    assert_eq!(*bench.fake.foreseen.lock().unwrap(), foreseen());
    // It is there now.
    let again = bench.run(Some(more), &["make", "again"]);
    bench.solve(again);
    assert_eq!((bench.fake.count(), bench.fake.foreseen.lock().unwrap().clone()), (2, foreseen()));
}

#[test]
fn what_is_merged_comes_of_its_largest_part() {
    static HISTORY: Mutex<Vec<Digest>> = Mutex::new(Vec::new());
    let mut bench = Bench::new(|shell| {
        let MountKind::Tree { tree, .. } = &shell.step.mounts[0].kind else { panic!("no root") };
        HISTORY.lock().unwrap().clone_from(&tree.history);
        Status::Exited(0)
    });
    let manifest = image(&bench.store, &Archive::new().dir("bin").file("bin/sh", "sh").finish());
    let base = bench.image(&manifest);
    let folder = bench.tree(&[("/tmp", "")]);
    let root = bench.builder.merge(&[folder, base], Note::default());
    let made = bench.run(root, &["make"]);
    bench.solve(made);
    let base = bench.solve(base).results[0].tree_digest;
    assert_eq!(*HISTORY.lock().unwrap(), [base]);
    assert_eq!(bench.fake.foreseen.lock().unwrap().len(), 1);
}

#[test]
fn an_image_of_which_files_are_copied_is_not_foreseen() {
    let mut bench = Bench::new(|_| Status::Exited(0));
    let manifest = image(&bench.store, &Archive::new().file("tool", "t").finish());
    let from = bench.image(&manifest);
    let actions = vec![Action::Copy(Copy::new(Some(from), "/tool", "/"))];
    let root = bench.builder.file(FileOp { base: None, accounts: None, actions }, Note::default());
    let made = bench.run(Some(root), &["/tool"]);
    bench.solve(made);
    assert_eq!(*bench.fake.foreseen.lock().unwrap(), []);
}

#[test]
fn a_tree_is_an_images_where_its_layers_say_all_of_it() {
    let mut bench = Bench::new(|_| Status::Exited(0));
    let archives = [Archive::new().dir("d").file("d/a", "x"), Archive::new().file("d/a", "x")];
    let of_tree = archives.map(|archive| {
        let manifest = image(&bench.store, &archive.finish());
        let source = bench.image(&manifest);
        let tree = bench.solve(source).results[0].tree_digest;
        (manifest, image_of(&tree, &bench.store).unwrap())
    });
    assert_eq!(of_tree[0].1, Some(of_tree[0].0));
    assert_eq!(of_tree[1].1, None, "whoever unpacks it makes the folder as they like");
}
