use super::*;
use crate::image::layer::{Compression, Packer};
use crate::tree::{Change, Entry, Tree, TreePath};

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn layer(store: &Store, name: &str) -> Layer {
    let mut tree = Tree::new();
    let content = store.put(name.as_bytes()).unwrap();
    tree.insert(TreePath::new(name).unwrap(), Entry::file(content, name.len() as u64, 0o644)).unwrap();
    Packer::on_all_cores().unwrap().pack(&Change::from(tree), store, 0, Compression::None).unwrap()
}

fn recipe(store: &Store, architecture: &str) -> Recipe {
    let pairs = |list: &[(&str, &str)]| list.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    Recipe {
        platform: Platform::linux(architecture, None),
        author: Some("Someone".into()),
        config: Config {
            user: Some("65532".into()),
            env: Some(vec!["PATH=/bin".into()]),
            entrypoint: Some(vec!["/a".into()]),
            labels: Some(pairs(&[("z", "1"), ("a", "2")])),
            ..Config::default()
        },
        steps: vec![
            Step::new("packages", layer(store, "a")),
            Step { created: Some("2020-01-01T00:00:00Z".into()), ..Step::new("copy", layer(store, "b")) },
            Step { created_by: "user".into(), comment: Some("why".into()), created: None, layer: None },
        ],
        annotations: pairs(&[("org.example.z", "1"), ("org.example.a", "2")]),
    }
}

#[test]
fn the_documents_are_these_bytes() {
    let (_folder, store) = store();
    let image = assemble(&recipe(&store, "amd64"), &store, 86_400).unwrap();
    let text = |d: &Descriptor| String::from_utf8(store.read(&d.digest, 10_000).unwrap()).unwrap();
    let [a, b] = &image.layers[..] else { panic!("{image:?}") };
    assert_eq!(
        text(&image.config),
        format!(
            "{{\"created\":\"1970-01-02T00:00:00Z\",\"author\":\"Someone\",\"architecture\":\"amd64\",\"os\":\"linux\",\
             \"config\":{{\"User\":\"65532\",\"Env\":[\"PATH=/bin\"],\"Entrypoint\":[\"/a\"],\"Labels\":{{\"a\":\"2\",\"z\":\"1\"}}}},\
             \"rootfs\":{{\"type\":\"layers\",\"diff_ids\":[\"{}\",\"{}\"]}},\
             \"history\":[{{\"created\":\"1970-01-02T00:00:00Z\",\"created_by\":\"packages\"}},\
             {{\"created\":\"2020-01-01T00:00:00Z\",\"created_by\":\"copy\"}},\
             {{\"created\":\"1970-01-02T00:00:00Z\",\"created_by\":\"user\",\"comment\":\"why\",\"empty_layer\":true}}]}}",
            a.diff_id, b.diff_id
        )
    );
    assert_eq!(
        text(&image.manifest),
        format!(
            "{{\"schemaVersion\":2,\"mediaType\":\"{}\",\"config\":{{\"mediaType\":\"{}\",\"digest\":\"{}\",\"size\":{}}},\
             \"layers\":[{{\"mediaType\":\"{}\",\"digest\":\"{}\",\"size\":2048}},{{\"mediaType\":\"{}\",\"digest\":\"{}\",\"size\":2048}}],\
             \"annotations\":{{\"org.example.a\":\"2\",\"org.example.z\":\"1\",\"org.opencontainers.image.created\":\"1970-01-02T00:00:00Z\"}}}}",
            media_type::MANIFEST,
            media_type::CONFIG,
            image.config.digest,
            image.config.size,
            media_type::LAYER,
            a.descriptor.digest,
            media_type::LAYER,
            b.descriptor.digest
        )
    );
}

#[test]
fn several_platforms_make_an_index() {
    let (_folder, store) = store();
    let images = ["arm64", "amd64"].map(|arch| assemble(&recipe(&store, arch), &store, 0).unwrap());
    let index = assemble_index(&images, &BTreeMap::new(), &store, 0).unwrap();
    let read: Index = serde_json::from_slice(&store.read(&index.digest, 10_000).unwrap()).unwrap();
    assert_eq!(read.manifests, images.each_ref().map(|image| image.manifest.clone()));
    assert_eq!(read.manifests[0].platform, Some(Platform::linux("arm64", None)));
    assert_eq!(read.annotations[CREATED], "1970-01-01T00:00:00Z");
    let twice = [images[0].clone(), images[0].clone()];
    assert!(matches!(assemble_index(&twice, &BTreeMap::new(), &store, 0), Err(AssembleError::SamePlatform(_))));
    assert!(matches!(assemble_index(&[], &BTreeMap::new(), &store, 0), Err(AssembleError::NoImages)));
}

#[test]
fn a_layer_that_is_not_there_is_noticed() {
    let (_folder, full) = store();
    let recipe = recipe(&full, "amd64");
    let (_other, empty) = store();
    assert!(matches!(assemble(&recipe, &empty, 0), Err(AssembleError::MissingLayer(_))));
}

#[test]
fn times_that_cannot_be_said_are_errors() {
    assert_eq!(rfc3339(1_700_000_000).unwrap(), "2023-11-14T22:13:20Z");
    assert_eq!(rfc3339(253_402_207_200).unwrap(), "9999-12-30T22:00:00Z");
    assert!(rfc3339(-1).is_err() && rfc3339(i64::MAX).is_err());
}
