//! Images whose layers are those that the graph makes, and others.

use super::*;
use crate::oci::{Config, Digest, History, Platform, RootFs, media_type};
use crate::tree::TreePath;

fn layer(content: &str) -> Layer {
    let descriptor = Descriptor::new(media_type::LAYER_GZIP, Digest::of(format!("packed {content}")), 7);
    Layer { descriptor, diff_id: Digest::of(content), plain_size: None }
}

fn given(content: &str, is_of_base: bool) -> Given {
    let removed = [TreePath::new("gone").unwrap()].into();
    let change = (!is_of_base).then(|| Change { removed, ..Change::default() });
    Given { layer: layer(content), created_by: content.to_owned(), change }
}

/// An image with these layers; one without a name would be empty.
fn image(layers: &[Option<&Layer>]) -> (Manifest, ImageConfig) {
    let there: Vec<&Layer> = layers.iter().flatten().copied().collect();
    let rows = there.iter().map(|layer| layer.descriptor.clone()).collect();
    let config = ImageConfig {
        created: None,
        author: None,
        platform: Platform::linux("amd64", None),
        config: Config::default(),
        rootfs: RootFs { kind: "layers".into(), diff_ids: there.iter().map(|layer| layer.diff_id).collect() },
        history: layers.iter().map(|layer| History { empty_layer: layer.is_none(), ..History::default() }).collect(),
    };
    (Manifest::image(Descriptor::of(media_type::CONFIG, b"{}"), rows), config)
}

/// What is said of an image with these layers, which should be the two given ones, two that were made, and a given one.
fn judged(found: &[Option<&Layer>]) -> Result<Vec<Option<Layer>>, String> {
    let (base, own, later) = (given("base", true), given("own", false), given("later", false));
    let made = |name: &str| Slot::Made(name.to_owned());
    let slots = [Slot::Given(&base), Slot::Given(&own), made("one"), made("two"), Slot::Given(&later)];
    let (manifest, config) = image(found);
    layers(&manifest, &config, slots.iter())
}

#[test]
fn layers_stand_where_the_graph_has_them() {
    let [base, own, one, two, later] = ["base", "own", "one", "two", "later"].map(layer);
    let all = [&base, &own, &one, &two, &later].map(|layer| Some(layer.clone()));
    assert_eq!(judged(&[Some(&base), Some(&own), Some(&one), Some(&two), Some(&later)]).unwrap(), all);
    // One that would change nothing is left out.
    let placed = judged(&[Some(&base), Some(&own), None, Some(&two), Some(&later)]).unwrap();
    assert_eq!(placed, [all[0].clone(), all[1].clone(), None, all[3].clone(), all[4].clone()]);
}

#[test]
fn the_same_layer_may_be_packed_in_another_way() {
    let repacked = |content: &str, kind: &str| Layer {
        descriptor: Descriptor::new(kind, Digest::of(format!("repacked {content}")), 9),
        ..layer(content)
    };
    let (one, two) = (layer("one"), layer("two"));
    let (base, own) = (repacked("base", media_type::LAYER_GZIP), repacked("own", media_type::LAYER_GZIP));
    let later = repacked("later", media_type::LAYER);
    let placed = judged(&[Some(&base), Some(&own), Some(&one), Some(&two), Some(&later)]).unwrap();
    assert_eq!(placed, [Some(layer("base")), Some(own), Some(one), Some(two), Some(layer("later"))]);
}

#[test]
fn other_layers_are_refused() {
    let [base, own, one, two, later, other] = ["base", "own", "one", "two", "later", "other"].map(layer);
    let refused = |found: &[Option<&Layer>]| judged(found).unwrap_err();
    let all = [Some(&base), Some(&own), Some(&one), Some(&two), Some(&later)];
    assert_eq!(refused(&all[..4]), "it has fewer layers than the graph makes, 4");
    assert_eq!(refused(&[&all[..], &[Some(&other)]].concat()), "it has more layers than the graph makes, 5");
    assert_eq!(refused(&[]), "it has fewer layers than the graph makes, 0");
    let said = format!(
        "it has {} where the layer {} of `own` should be, which the daemon got",
        other.descriptor.digest, own.descriptor.digest
    );
    assert_eq!(refused(&[Some(&base), Some(&other), Some(&one), Some(&two), Some(&later)]), said);
    assert!(refused(&[None, Some(&own), Some(&one), Some(&two), Some(&later)]).starts_with("it has nothing where"));
    // Nor is one that the daemon got for empty.
    assert!(refused(&[Some(&base), Some(&own), Some(&one), Some(&two), None]).starts_with("it has nothing where"));
    // What came later is compared by its files.
    judged(&[Some(&base), Some(&own), Some(&one), Some(&two), Some(&other)]).unwrap();
    // A history that fits no layers.
    let (mut manifest, config) = image(&all);
    manifest.layers.truncate(4);
    let slots = [(); 5].map(|()| Slot::Made("it".to_owned()));
    let said = layers(&manifest, &config, slots.iter()).unwrap_err();
    assert_eq!(said, "its history has more layers than it has");
}
