use super::*;
use crate::image::assemble::{Image, Recipe, Step, assemble, assemble_index};
use crate::image::layer::{Compression, Packer};
use crate::image::output::{Content, write_layout, write_oci_archive};
use crate::oci::{Config, to_json};
use crate::store::Store;
use crate::tree::{Entry, Tree, TreePath};
use serde_json::json;
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

    fn image(&self, architecture: &str) -> Image {
        let content = self.store.put(architecture.as_bytes()).unwrap();
        let entry = Entry::file(content, architecture.len() as u64, 0o644);
        let tree: Tree = [(TreePath::new("file").unwrap(), entry)].into_iter().collect();
        let layer = Packer::on_all_cores().unwrap().pack(&tree.into(), &self.store, 7, Compression::default()).unwrap();
        let settings = Step { created_by: "user".into(), comment: None, created: None, layer: None };
        let recipe = Recipe {
            platform: Platform::linux(architecture, None),
            author: None,
            config: Config::default(),
            steps: vec![settings, Step::new("copy", layer)],
            annotations: BTreeMap::new(),
        };
        assemble(&recipe, &self.store, 7).unwrap()
    }

    fn document(&self, media_type: &str, value: &serde_json::Value) -> Descriptor {
        let bytes = serde_json::to_vec(value).unwrap();
        self.store.put(&bytes).unwrap();
        Descriptor::of(media_type, &bytes)
    }

    /// An image for two platforms with a signature, as layout `out` and archive `out.tar`.
    fn written(&self) -> (Descriptor, Descriptor) {
        let images = ["amd64", "arm64"].map(|arch| self.image(arch));
        let image = assemble_index(&images, &BTreeMap::new(), &self.store, 7).unwrap();
        self.store.put(b"signature").unwrap();
        self.store.put(b"{}").unwrap();
        let mut signature = Manifest::artifact("application/x", Descriptor::of("application/x", b"signature"));
        signature.subject = Some(image.clone());
        signature.annotations.insert("a".into(), "b".into());
        let signature = self.document(media_type::MANIFEST, &serde_json::to_value(&signature).unwrap());
        let content = Content {
            image: image.clone(),
            names: vec!["example.com/hello:1".parse().unwrap()],
            referrers: vec![signature.clone()],
        };
        write_layout(&content, &self.store, &self.path("out"), 7).unwrap();
        write_oci_archive(&content, &self.store, &self.path("out.tar"), 7).unwrap();
        (image, signature)
    }

    /// A layout written by hand with these rows and the blobs that are in the store.
    fn layout(&self, rows: &[Descriptor], blobs: &[Descriptor]) -> Layout {
        let out = self.path("hand");
        let _ = std::fs::remove_dir_all(&out);
        std::fs::create_dir_all(out.join("blobs/sha256")).unwrap();
        std::fs::write(out.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        std::fs::write(out.join("index.json"), to_json(&Index::new(rows.to_vec()))).unwrap();
        for blob in rows.iter().chain(blobs) {
            let bytes = self.store.read(&blob.digest, 1 << 20).unwrap();
            std::fs::write(out.join("blobs/sha256").join(blob.digest.hex()), bytes).unwrap();
        }
        Layout::open(&out).unwrap()
    }
}

#[test]
fn folder_and_archive_give_the_same() {
    let f = fixture();
    let (image, signature) = f.written();
    for name in ["out", "out.tar"] {
        let layout = Layout::open(f.path(name)).unwrap();
        for wanted in [None, Some("1"), Some("example.com/hello:1"), Some(&image.digest.to_string()[..])] {
            assert_eq!(layout.image(wanted).unwrap().digest, image.digest, "{wanted:?}");
        }
        let platforms = layout.platforms(&image).unwrap();
        let names: Vec<String> = platforms.iter().map(|row| row.platform.as_ref().unwrap().to_string()).collect();
        assert_eq!(names, ["linux/amd64", "linux/arm64"]);
        assert_eq!(layout.platform(&image, &Platform::linux("arm64", None)).unwrap(), platforms[1]);
        let error = layout.platform(&image, &Platform::linux("riscv64", None)).unwrap_err().to_string();
        assert_eq!(error, "the image is not for linux/riscv64; it is for linux/amd64, linux/arm64");
        let referrers = layout.referrers(&image.digest).unwrap();
        assert_eq!((referrers.len(), referrers[0].digest), (1, signature.digest));
        assert_eq!(referrers[0].artifact_type.as_deref(), Some("application/x"));
        assert_eq!(referrers[0].annotations["a"], "b");
        assert!(layout.referrers(&signature.digest).unwrap().is_empty());
    }
}

#[test]
fn an_image_is_imported_whole() {
    let f = fixture();
    let (image, _) = f.written();
    let made = f.image("arm64");
    for name in ["out", "out.tar"] {
        let other = Store::open(f.path(&format!("store of {name}"))).unwrap();
        let layout = Layout::open(f.path(name)).unwrap();
        let manifest = layout.platform(&image, &Platform::linux("arm64", None)).unwrap();
        let imported = layout.import(&manifest, &other).unwrap();
        assert_eq!((imported.image.manifest.digest, &imported.image.config), (made.manifest.digest, &made.config));
        assert_eq!(imported.image.layers[0].diff_id, made.layers[0].diff_id);
        for digest in [made.manifest.digest, made.config.digest, made.layers[0].descriptor.digest] {
            assert_eq!(other.read(&digest, 1 << 20).unwrap(), f.store.read(&digest, 1 << 20).unwrap());
        }
        let steps = imported.steps();
        assert_eq!((steps.len(), &steps[0].layer), (2, &None));
        assert_eq!((&steps[1].created_by[..], steps[1].layer.as_ref()), ("copy", Some(&imported.image.layers[0])));
        assert_eq!(steps[1].created.as_deref(), Some("1970-01-01T00:00:07Z"));
    }
}

#[test]
fn a_history_that_does_not_fit_is_left_out() {
    let f = fixture();
    let (image, _) = f.written();
    let layout = Layout::open(f.path("out")).unwrap();
    let manifest = layout.platform(&image, &Platform::linux("arm64", None)).unwrap();
    let mut imported = layout.import(&manifest, &f.store).unwrap();
    imported.config.history.clear();
    assert_eq!(imported.steps().iter().map(|step| &step.created_by[..]).collect::<Vec<_>>(), ["base"]);
}

#[test]
fn damage_is_noticed() {
    let f = fixture();
    let (image, _) = f.written();
    let manifest = Layout::open(f.path("out")).unwrap().platform(&image, &Platform::linux("arm64", None)).unwrap();
    let made = f.image("arm64");
    let import = || {
        let folder = tempfile::tempdir().unwrap();
        let other = Store::open(folder.path()).unwrap();
        Layout::open(f.path("out")).unwrap().import(&manifest, &other).unwrap_err().to_string()
    };
    for digest in [made.manifest.digest, made.config.digest, made.layers[0].descriptor.digest] {
        let path = f.path("out/blobs/sha256").join(digest.hex());
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        bad[10] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        assert!(import().contains("not what it claims"), "{}", import());
        std::fs::write(&path, &good[1..]).unwrap();
        assert!(import().contains("bytes, not"), "{}", import());
        std::fs::remove_file(&path).unwrap();
        assert!(import().contains("has no content with the digest"), "{}", import());
        std::fs::write(&path, &good).unwrap();
    }
    // In an archive, too: nothing but its digest tells.
    let bytes = std::fs::read(f.path("out.tar")).unwrap();
    let blob = f.store.read(&made.layers[0].descriptor.digest, 1 << 20).unwrap();
    let at = bytes.windows(blob.len()).position(|w| w == blob).unwrap();
    let mut bad = bytes.clone();
    bad[at + 20] ^= 1;
    std::fs::write(f.path("bad.tar"), &bad).unwrap();
    let other = Store::open(f.path("other")).unwrap();
    assert!(Layout::open(f.path("bad.tar")).unwrap().import(&manifest, &other).is_err());
    std::fs::write(f.path("cut.tar"), &bytes[..bytes.len() / 2]).unwrap();
    assert!(Layout::open(f.path("cut.tar")).is_err());
}

#[test]
fn what_is_no_layout_is_told_apart() {
    let f = fixture();
    f.written();
    let error = |path: &Path| Layout::open(path).unwrap_err().to_string();
    assert!(error(&f.path("nothing")).contains("cannot read"));
    assert!(error(&f.path("store")).contains("no file `oci-layout`"));
    std::fs::write(f.path("text"), "hello").unwrap();
    assert!(error(&f.path("text")).contains("cut short"));
    std::fs::write(f.path("packed"), [0x1f, 0x8b, 8, 0, 0, 0]).unwrap();
    assert!(error(&f.path("packed")).contains("compressed"));
    let with = |name: &str, content: &str| {
        let path = f.path("out").join(name);
        let good = std::fs::read(&path).unwrap();
        std::fs::write(&path, content).unwrap();
        let error = error(&f.path("out"));
        std::fs::write(&path, good).unwrap();
        error
    };
    assert!(with("oci-layout", "{").contains("malformed"));
    assert!(with("oci-layout", "{}").contains("no version"));
    assert!(with("oci-layout", r#"{"imageLayoutVersion":"2.0.0"}"#).contains("unknown"));
    assert!(with("index.json", "[]").contains("version 2"));
    assert!(with("index.json", r#"{"schemaVersion":2,"manifests":[],"layers":[]}"#).contains("something else"));
    assert!(with("index.json", &" ".repeat(5 << 20)).contains("more than"));
    std::fs::remove_file(f.path("out/index.json")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        f.path("out/index.json"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    assert!(error(&f.path("out")).contains("not a file"));
}

#[test]
fn documents_that_could_be_two_things_are_refused() {
    let f = fixture();
    let image = f.image("amd64");
    let manifest: serde_json::Value =
        serde_json::from_slice(&f.store.read(&image.manifest.digest, 1 << 20).unwrap()).unwrap();
    let refused = |edit: &dyn Fn(&mut serde_json::Value), listed_as: &str, words: &str| {
        let mut value = manifest.clone();
        edit(&mut value);
        let row = f.document(listed_as, &value);
        let error = f
            .layout(std::slice::from_ref(&row), &[])
            .image(None)
            .and_then(|row| f.layout(std::slice::from_ref(&row), &[]).platforms(&row));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    refused(&|v| v["manifests"] = json!([]), media_type::MANIFEST, "field `manifests`");
    refused(&|_| {}, media_type::INDEX, "field `layers`");
    refused(&|v| v["mediaType"] = json!(media_type::INDEX), media_type::MANIFEST, "is listed as");
    refused(&|v| v["schemaVersion"] = json!(1), media_type::MANIFEST, "version 2");
    refused(&|v| v["config"]["digest"] = json!("sha256:12"), media_type::MANIFEST, "not a sha256 digest");
}

#[test]
fn indexes_within_indexes_end() {
    let f = fixture();
    let image = f.image("amd64");
    let mut blobs = vec![image.manifest.clone(), image.config.clone()];
    let mut row = image.manifest.clone();
    for depth in 1..=6 {
        let index = serde_json::to_value(Index::new(vec![row.clone()])).unwrap();
        row = f.document(media_type::INDEX, &index);
        blobs.push(row.clone());
        let found = f.layout(std::slice::from_ref(&row), &blobs).platforms(&row);
        match depth {
            1..=4 => assert_eq!(found.unwrap()[0].digest, image.manifest.digest),
            _ => assert!(found.unwrap_err().to_string().contains("too deeply")),
        }
    }
}

#[test]
fn what_builders_put_beside_images_is_no_platform() {
    let f = fixture();
    let image = f.image("amd64");
    let mut attestation: serde_json::Value =
        serde_json::from_slice(&f.store.read(&image.manifest.digest, 1 << 20).unwrap()).unwrap();
    attestation["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    let mut attestation = f.document(media_type::MANIFEST, &attestation);
    attestation.platform = Some(Platform { architecture: "unknown".into(), os: "unknown".into(), variant: None });
    let mut plain = image.manifest.clone();
    plain.platform = None;
    let index =
        f.document(media_type::INDEX, &serde_json::to_value(Index::new(vec![plain, attestation.clone()])).unwrap());
    let layout = f.layout(std::slice::from_ref(&index), &[image.manifest.clone(), attestation, image.config.clone()]);
    let platforms = layout.platforms(&index).unwrap();
    assert_eq!(platforms.iter().map(|row| row.platform.clone().unwrap()).collect::<Vec<_>>(), [image.platform]);
}

#[test]
fn one_of_several_images_must_be_named() {
    let f = fixture();
    let named = |architecture: &str| {
        let image = f.image(architecture);
        let mut row = image.manifest.clone();
        row.annotations.insert(REF_NAME.into(), format!("v-{architecture}"));
        (row, image)
    };
    let ((a, a_image), (b, b_image)) = (named("amd64"), named("arm64"));
    let layout = f.layout(&[a.clone(), b.clone()], &[a_image.config, b_image.config]);
    assert_eq!(layout.image(Some("v-arm64")).unwrap(), b);
    assert_eq!(layout.image(None).unwrap_err().to_string(), "there are several images; name one of v-amd64, v-arm64");
    assert_eq!(layout.image(Some("x")).unwrap_err().to_string(), "there is no image `x`; there is v-amd64, v-arm64");
    let empty = f.layout(&[], &[]);
    assert!(empty.image(None).is_err());
}

#[test]
fn foreign_layers_are_refused() {
    let f = fixture();
    let image = f.image("amd64");
    let mut manifest: Manifest =
        serde_json::from_slice(&f.store.read(&image.manifest.digest, 1 << 20).unwrap()).unwrap();
    manifest.layers[0].media_type = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip".into();
    let row = f.document(media_type::MANIFEST, &serde_json::to_value(&manifest).unwrap());
    let layout = f.layout(std::slice::from_ref(&row), &[image.config.clone(), image.layers[0].descriptor.clone()]);
    assert!(layout.import(&row, &f.store).unwrap_err().to_string().contains("unknown kind"));
    manifest.layers.clear();
    let row = f.document(media_type::MANIFEST, &serde_json::to_value(&manifest).unwrap());
    let layout = f.layout(std::slice::from_ref(&row), &[image.config]);
    assert!(layout.import(&row, &f.store).unwrap_err().to_string().contains("it names 1 layers, its manifest 0"));
}

#[test]
fn of_other_platforms_nothing_need_be_there() {
    let f = fixture();
    let images = ["amd64", "arm64"].map(|arch| f.image(arch));
    let index = assemble_index(&images, &BTreeMap::new(), &f.store, 7).unwrap();
    let [amd64, _] = images;
    let layout = f.layout(std::slice::from_ref(&index), &[amd64.manifest.clone(), amd64.config]);
    assert_eq!(layout.platform(&index, &amd64.platform).unwrap().digest, amd64.manifest.digest);
    assert!(layout.platform(&index, &Platform::linux("arm64", None)).is_err());
    let error = layout.platform(&index, &Platform::linux("riscv64", None)).unwrap_err().to_string();
    assert_eq!(error, "the image is not for linux/riscv64; it is for linux/amd64, linux/arm64");
}

#[test]
fn layers_of_docker_become_those_of_oci_with_the_same_bytes() {
    let f = fixture();
    let image = f.image("amd64");
    let mut manifest: Manifest =
        serde_json::from_slice(&f.store.read(&image.manifest.digest, 1 << 20).unwrap()).unwrap();
    manifest.media_type = media_type::DOCKER_MANIFEST.into();
    manifest.config.media_type = media_type::DOCKER_CONFIG.into();
    manifest.layers[0].media_type = media_type::DOCKER_LAYER_GZIP.into();
    let row = f.document(media_type::DOCKER_MANIFEST, &serde_json::to_value(&manifest).unwrap());
    let imported = Layout::of_store(&f.store, Vec::new()).import(&row, &f.store).unwrap();
    assert_eq!(imported.image.layers[0].descriptor, image.layers[0].descriptor);
    assert_eq!(imported.image.layers[0].descriptor.media_type, media_type::LAYER_GZIP);
}
