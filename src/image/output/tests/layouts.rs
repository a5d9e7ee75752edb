use super::*;
use crate::oci::Index;
use std::os::unix::fs::symlink;

fn index(layout: &Path) -> Index {
    serde_json::from_slice(&std::fs::read(layout.join("index.json")).unwrap()).unwrap()
}

#[test]
fn a_layout_holds_all_that_its_index_names() {
    let f = fixture();
    let mut content = f.content("x");
    content.names.push("registry.example.com/a/b".parse::<Reference>().unwrap());
    let referrers = ["one", "two", "three"].map(|text| f.referrer(&content.image, text));
    content.referrers = referrers.to_vec();
    let out = f.path("out");
    assert_eq!(write_layout(&content, &f.store, &out, 7).unwrap(), Written::New);
    let written = files(&out);
    assert_eq!(written[Path::new("oci-layout")], br#"{"imageLayoutVersion":"1.0.0"}"#);
    for (path, bytes) in &written {
        if let Ok(name) = path.strip_prefix("blobs/sha256") {
            assert_eq!(Digest::of(bytes).hex(), name.to_str().unwrap());
        }
    }
    // Manifest, configuration and layer; three referrers with a layer each, and their one empty configuration.
    assert_eq!(written.len(), 2 + 3 + 6 + 1);
    let rows = index(&out).manifests;
    let names: Vec<&str> = rows[..2].iter().map(|row| row.annotations[layout_ref_name()].as_str()).collect();
    assert_eq!(names, ["1.0", "latest"]);
    assert_eq!(rows[0].annotations["io.containerd.image.name"], "registry.example.com/a/b:1.0");
    assert_eq!(rows[0].platform, Some(Platform::linux("amd64", None)));
    assert_eq!(rows[2].artifact_type.as_deref(), Some("application/x-artifact"));
    assert!(rows[2].digest < rows[3].digest && rows[3].digest < rows[4].digest);
    let mut notes: Vec<&str> = rows[2..].iter().map(|row| row.annotations["note"].as_str()).collect();
    notes.sort();
    assert_eq!(notes, ["one", "three", "two"]);
}

fn layout_ref_name() -> &'static str {
    "org.opencontainers.image.ref.name"
}

#[test]
fn the_order_of_referrers_and_the_time_of_writing_do_not_matter() {
    let f = fixture();
    let mut content = f.content("x");
    let referrers = ["one", "two", "three"].map(|text| f.referrer(&content.image, text));
    content.referrers = referrers.to_vec();
    write_layout(&content, &f.store, &f.path("a"), 7).unwrap();
    content.referrers.reverse();
    write_layout(&content, &f.store, &f.path("b"), 7).unwrap();
    assert_eq!(files(&f.path("a")), files(&f.path("b")));
}

#[test]
fn an_index_brings_all_its_platforms() {
    let f = fixture();
    let out = f.path("out");
    write_layout(&f.index(), &f.store, &out, 7).unwrap();
    assert_eq!(files(&out).len(), 2 + 1 + 2 * 3);
    assert!(index(&out).manifests[0].annotations.is_empty());
}

#[test]
fn our_own_layout_is_replaced_and_an_equal_one_not_touched() {
    let f = fixture();
    let out = f.path("out");
    let (one, two) = (f.content("one"), f.content("two"));
    assert_eq!(write_layout(&one, &f.store, &out, 7).unwrap(), Written::New);
    let before = remembered::look_at(&out).unwrap();
    assert_eq!(write_layout(&one, &f.store, &out, 7).unwrap(), Written::Unchanged);
    assert_eq!(remembered::look_at(&out).unwrap(), before);
    let first = files(&out);
    assert_eq!(write_layout(&two, &f.store, &out, 7).unwrap(), Written::Replaced);
    assert_ne!(files(&out), first);
    assert_eq!(write_layout(&one, &f.store, &out, 7).unwrap(), Written::Replaced);
    assert_eq!(files(&out), first);
    assert_eq!(names(f.folder.path()), ["out", "store"]);
}

#[test]
fn a_damaged_layout_of_ours_is_mended() {
    let f = fixture();
    let out = f.path("out");
    let content = f.content("one");
    write_layout(&content, &f.store, &out, 7).unwrap();
    let good = files(&out);
    let blob = out.join("blobs/sha256").join(content.image.digest.hex());
    let mut bytes = std::fs::read(&blob).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    assert_eq!(write_layout(&content, &f.store, &out, 7).unwrap(), Written::Replaced);
    std::fs::remove_file(&blob).unwrap();
    assert_eq!(write_layout(&content, &f.store, &out, 7).unwrap(), Written::Replaced);
    assert_eq!(files(&out), good);
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let f = fixture();
    let content = f.content("x");
    let refused = |name: &str| {
        let before = files(&f.path(name));
        let error = write_layout(&content, &f.store, &f.path(name), 7).unwrap_err();
        assert!(matches!(error, OutputError::NotOurs { .. }), "{error}");
        assert_eq!(files(&f.path(name)), before);
    };
    std::fs::create_dir(f.path("documents")).unwrap();
    std::fs::write(f.path("documents/thesis"), "precious").unwrap();
    refused("documents");
    std::fs::write(f.path("file"), "precious").unwrap();
    refused("file");
    symlink(f.path("documents"), f.path("link")).unwrap();
    refused("link");
    // Ours, and then somebody put something into it.
    for addition in ["notes", "blobs/notes", "blobs/sha256/notes"] {
        let name = format!("with-{}", addition.replace('/', "-"));
        write_layout(&content, &f.store, &f.path(&name), 7).unwrap();
        std::fs::write(f.path(&name).join(addition), "precious").unwrap();
        if addition == "notes" {
            refused(&name);
        } else {
            let other = f.content("y");
            assert!(write_layout(&other, &f.store, &f.path(&name), 7).is_err());
        }
    }
    // Another tool added an image, or wrote the layout.
    for edit in [|i: &mut Index| i.manifests.push(i.manifests[0].clone()), |i: &mut Index| i.annotations.clear()] {
        let name = format!("edited-{}", names(f.folder.path()).len());
        write_layout(&content, &f.store, &f.path(&name), 7).unwrap();
        let mut index = index(&f.path(&name));
        edit(&mut index);
        std::fs::write(f.path(&name).join("index.json"), to_json(&index)).unwrap();
        refused(&name);
    }
}

#[test]
fn a_failed_write_leaves_the_old_layout_and_nothing_else() {
    let f = fixture();
    let out = f.path("out");
    write_layout(&f.content("one"), &f.store, &out, 7).unwrap();
    let before = files(&out);
    let two = f.content("two");
    let layer = f.image("amd64", "two").layers[0].descriptor.digest.hex();
    let blob = f.path("store/blobs/sha256").join(&layer[..2]).join(&layer[2..]);
    let mut bytes = std::fs::read(&blob).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    let store = Store::open(f.store.root()).unwrap();
    let error = write_layout(&two, &store, &out, 7).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    assert!(matches!(write_layout(&two, &store, &out, 7), Err(OutputError::Store(e)) if e.is_lost_content()));
    assert_eq!(files(&out), before);
    assert_eq!(names(f.folder.path()), ["out", "store"]);
}

#[test]
fn blobs_are_copies() {
    let f = fixture();
    let content = f.content("one");
    let out = f.path("out");
    write_layout(&content, &f.store, &out, 7).unwrap();
    std::fs::write(out.join("blobs/sha256").join(content.image.digest.hex()), "spoilt").unwrap();
    assert!(Store::open(f.store.root()).unwrap().read(&content.image.digest, 10_000).is_ok());
}

#[test]
fn blobs_that_the_layout_has_untouched_are_taken_over_and_others_are_not() {
    use std::os::unix::fs::MetadataExt;
    let f = fixture();
    let (one, two) = (f.image("amd64", "one"), f.image("arm64", "one"));
    let content = |image: &Image| Content { image: image.manifest.clone(), names: vec![], referrers: vec![] };
    let blob = |out: &Path, digest: Digest| out.join("blobs/sha256").join(digest.hex());
    let inode = |path: &Path| std::fs::metadata(path).unwrap().ino();
    let layer = one.layers[0].descriptor.digest;
    assert_eq!(layer, two.layers[0].descriptor.digest);
    let (out, fresh) = (f.path("out"), f.path("fresh"));
    write_layout(&content(&two), &f.store, &fresh, 7).unwrap();

    write_layout(&content(&one), &f.store, &out, 7).unwrap();
    let before = inode(&blob(&out, layer));
    assert_eq!(write_layout(&content(&two), &f.store, &out, 7).unwrap(), Written::Replaced);
    assert_eq!((inode(&blob(&out, layer)), files(&out)), (before, files(&fresh)));
    assert_eq!(std::fs::metadata(blob(&out, layer)).unwrap().nlink(), 1);
    assert_eq!(write_layout(&content(&two), &f.store, &out, 7).unwrap(), Written::Unchanged);

    // What somebody changed meanwhile is written anew, and so is everything for another time.
    let size = std::fs::metadata(blob(&out, layer)).unwrap().len();
    std::fs::write(blob(&out, layer), vec![b'x'; size as usize]).unwrap();
    write_layout(&content(&one), &f.store, &out, 7).unwrap();
    assert_eq!(Digest::of(std::fs::read(blob(&out, layer)).unwrap()), layer);
    let before = inode(&blob(&out, layer));
    write_layout(&content(&one), &f.store, &out, 8).unwrap();
    assert_ne!(inode(&blob(&out, layer)), before);
    assert_eq!(std::fs::metadata(blob(&out, layer)).unwrap().mtime(), 8);
}
