mod found;
mod stages;

use super::purl::{git_purl, oci_purl};
use super::*;
use crate::evidence::claims::{ClaimedPackage, Claims};
use crate::evidence::fixtures::{catalogued, file, golden, inventory, package, staged};
use crate::evidence::inventory::{File, GitCommit, Inventory, Owner};
use crate::evidence::stage::Stage;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn documents(inventory: &Inventory) -> (String, String) {
    let graph = Graph::new(inventory).unwrap();
    let text = |document: &dyn Fn() -> Vec<u8>| String::from_utf8(document()).unwrap();
    (
        text(&|| serde_json::to_vec_pretty(&graph.cyclonedx()).unwrap()),
        text(&|| serde_json::to_vec_pretty(&graph.spdx()).unwrap()),
    )
}

#[test]
fn the_small_image_is_told_in_both_forms() {
    for (folder, inventory) in [("", inventory()), ("stages/", staged()), ("found/", catalogued())] {
        let (cyclonedx, spdx) = documents(&inventory);
        golden(&format!("{folder}cyclonedx.json"), &cyclonedx);
        golden(&format!("{folder}spdx.json"), &spdx);
    }
}

#[test]
fn the_order_of_the_inventory_does_not_matter() {
    let first = documents(&inventory());
    let mut other = inventory();
    other.files.reverse();
    other.packages.swap(0, 1);
    other.edges = vec![(1, 0)];
    for file in &mut other.files {
        match &mut file.owner {
            Owner::Package(package) | Owner::Emulated { package } => *package = 1 - *package,
            _ => {}
        }
    }
    assert_eq!(documents(&other), first);

    let first = documents(&catalogued());
    let mut other = catalogued();
    other.files.reverse();
    other.catalogued.packages.reverse();
    assert_eq!(documents(&other), first);
}

/// Path → digest → name of the component that it is inside of.
fn files_of_cyclonedx(text: &str) -> BTreeMap<String, (String, String)> {
    let document: Value = serde_json::from_str(text).unwrap();
    let mut files = BTreeMap::new();
    for component in document["components"].as_array().unwrap() {
        for file in component["components"].as_array().into_iter().flatten() {
            let digest = file["hashes"][0]["content"].as_str().unwrap().to_owned();
            let owner = component["name"].as_str().unwrap().to_owned();
            assert!(files.insert(file["name"].as_str().unwrap().to_owned(), (digest, owner)).is_none());
        }
    }
    files
}

fn files_of_spdx(text: &str) -> BTreeMap<String, (String, String)> {
    let document: Value = serde_json::from_str(text).unwrap();
    let rows = |name: &str| document[name].as_array().unwrap().clone();
    let names: BTreeMap<_, _> = rows("packages").into_iter().map(|p| (p["SPDXID"].clone().to_string(), p)).collect();
    let owners: BTreeMap<_, _> = rows("relationships")
        .into_iter()
        .filter(|row| row["relationshipType"] == "CONTAINS")
        .map(|row| (row["relatedSpdxElement"].to_string(), row["spdxElementId"].to_string()))
        .collect();
    let file = |file: Value| {
        let owner = names[&owners[&file["SPDXID"].to_string()]]["name"].as_str().unwrap().to_owned();
        let digest = file["checksums"][1]["checksumValue"].as_str().unwrap().to_owned();
        (file["fileName"].as_str().unwrap()[1..].to_owned(), (digest, owner))
    };
    rows("files").into_iter().map(file).collect()
}

#[test]
fn every_file_is_there_with_its_digest_and_its_owner() {
    let inventory = staged();
    fn name(inventory: &Inventory, stage: Option<&Stage>, owner: &Owner) -> String {
        let packages = stage.map_or(&inventory.packages, |stage| &stage.packages);
        let bases = stage.map_or(&inventory.bases, |stage| &stage.bases);
        match owner {
            Owner::Package(i) | Owner::Emulated { package: i } => packages[*i].name.clone(),
            Owner::Source { source, .. } => inventory.sources[*source].name.clone(),
            Owner::Spec(location) => inventory.specs[location.spec].path.clone(),
            Owner::Base(i) => bases[*i].reference.clone(),
            Owner::Step(_) => stage.map_or("commands of the image".to_owned(), |stage| stage.name.clone()),
            Owner::Stage { stage, owner, .. } => name(inventory, Some(&inventory.stages[*stage]), owner),
        }
    }
    let owner = |file: &File| name(&inventory, None, &file.owner);
    let expected: BTreeMap<_, _> =
        inventory.files.iter().map(|file| (file.path.clone(), (file.sha256.hex(), owner(file)))).collect();
    let (cyclonedx, spdx) = documents(&inventory);
    assert_eq!(files_of_cyclonedx(&cyclonedx), expected);
    assert_eq!(files_of_spdx(&spdx), expected);
}

#[test]
fn names_within_a_document_are_unique() {
    let mut inventory = inventory();
    // Names that become the same when what SPDX does not allow is replaced.
    for name in ["lib-a", "lib+a"] {
        inventory.packages.push(package(name, "1"));
    }
    let (cyclonedx, spdx) = documents(&inventory);
    let spdx: Value = serde_json::from_str(&spdx).unwrap();
    let rows = ["packages", "files"].into_iter().flat_map(|name| spdx[name].as_array().unwrap());
    let mut ids: Vec<&str> = rows.map(|row| row["SPDXID"].as_str().unwrap()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
    assert_eq!(cyclonedx.matches("\"bom-ref\"").count(), {
        let lines = cyclonedx.lines().filter(|line| line.contains("\"bom-ref\""));
        lines.collect::<std::collections::BTreeSet<_>>().len()
    });
}

/// Why an inventory is refused.
fn broken(inventory: &Inventory) -> Option<String> {
    Graph::new(inventory).err().map(|error| error.to_string())
}

#[test]
fn an_inventory_that_contradicts_itself_is_refused() {
    let broken = |change: &dyn Fn(&mut Inventory)| {
        let mut inventory = inventory();
        change(&mut inventory);
        broken(&inventory)
    };
    assert_eq!(broken(&|_| {}), None);
    let twice = |i: &mut Inventory| i.files.push(file("/srv/app", b"x", Owner::Base(0), 0));
    assert_eq!(broken(&twice).unwrap(), "`/srv/app` is listed twice in the inventory");
    let dangling: [&dyn Fn(&mut Inventory); 9] = [
        &|i| i.files[0].owner = Owner::Package(2),
        &|i| i.files[0].owner = Owner::Emulated { package: 2 },
        &|i| i.files[0].owner = Owner::Source { source: 4, location: None },
        &|i| i.files[0].owner = Owner::Source { source: 0, location: Some(Location { spec: 2, line: 1 }) },
        &|i| i.files[0].owner = Owner::Spec(Location { spec: 2, line: 1 }),
        &|i| i.files[0].owner = Owner::Base(1),
        &|i| i.files[0].layer = 2,
        &|i| i.edges.push((0, 2)),
        &|i| i.packages[0].index = Some(1),
    ];
    for (n, change) in dangling.into_iter().enumerate() {
        assert!(broken(&|i| change(i)).unwrap().contains("which the inventory does not have"), "{n}");
    }
    assert!(broken(&|i| i.sources[0].location = Some(Location { spec: 9, line: 1 })).is_some());
    assert!(broken(&|i| i.bases[0].location = Some(Location { spec: 9, line: 1 })).is_some());
    assert!(broken(&|i| i.files[0].path = "srv".into()).is_some());
    assert!(broken(&|i| i.files[0].sha1 = None).is_some());
    assert!(broken(&|i| i.packages.push(i.packages[0].clone())).is_some());
}

#[test]
fn every_component_is_reached_from_the_image_even_through_cycles() {
    let mut inventory = inventory();
    for name in ["a", "b", "c"] {
        inventory.packages.push(package(name, "1"));
    }
    inventory.edges.extend([(2, 3), (3, 2), (4, 4)]);
    let (cyclonedx, _) = documents(&inventory);
    let document: Value = serde_json::from_str(&cyclonedx).unwrap();
    let roots: Vec<_> = document["dependencies"][0]["dependsOn"].as_array().unwrap().clone();
    let asked = |name: &str| roots.iter().any(|root| root.as_str().unwrap().contains(&format!("/{name}@")));
    assert_eq!(["a", "b", "c", "base-files", "libssl3t64"].map(asked), [true, false, true, true, true]);
}

#[test]
fn package_urls_are_those_that_scanners_look_up() {
    let mut package = package("libstdc++6", "1:14.2.0-19~x");
    assert_eq!(deb_purl(&package), "pkg:deb/debian/libstdc%2B%2B6@1:14.2.0-19~x?arch=amd64&distro=debian-13");
    package.source = "gcc-14".into();
    assert!(deb_purl(&package).ends_with("&upstream=gcc-14"));
    package.source_version = "14.2.0-19".into();
    package.distro_version = None;
    assert!(deb_purl(&package).ends_with("?arch=amd64&distro=debian&upstream=gcc-14%4014.2.0-19"));

    // The reference library reads what was meant.
    let read: ::purl::GenericPurl<String> = deb_purl(&package).parse().unwrap();
    assert_eq!((read.package_type().as_str(), read.namespace(), read.name()), ("deb", Some("debian"), "libstdc++6"));
    assert_eq!((read.version(), read.qualifiers().get("upstream")), (Some("1:14.2.0-19~x"), Some("gcc-14@14.2.0-19")));
    let commit = |uri: &str, subdir: &str| GitCommit {
        uri: uri.into(),
        reference: None,
        id: "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12".into(),
        subdir: subdir.into(),
    };
    for (uri, subdir, kind, name) in [
        ("https://github.com/Acme/Docs.git", "", "github", "docs"),
        ("ssh://git@github.com/acme/docs", "a/b c", "github", "docs"),
        ("https://github.com/acme/docs/more", "", "generic", "manual"),
        ("ssh://git@example.com/acme/docs.git", "a b", "generic", "manual"),
    ] {
        let read: ::purl::GenericPurl<String> = git_purl("manual", &commit(uri, subdir)).parse().unwrap();
        assert_eq!((read.package_type().as_str(), read.name()), (kind, name), "{uri}");
        assert_eq!(read.version(), Some("2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"));
        assert_eq!(read.subpath().unwrap_or_default(), subdir);
    }
    let read: ::purl::GenericPurl<String> = oci_purl(&inventory().image).parse().unwrap();
    assert_eq!(read.version(), Some(inventory().image.digest.to_string().as_str()));
    assert_eq!(read.qualifiers().get("repository_url"), Some("registry.example.com/acme/hello"));
}

#[test]
fn addresses_are_taken_apart_and_never_carry_credentials() {
    let contact = contact("Some Body <a@example.com>");
    assert_eq!((contact.name, contact.email), ("Some Body", Some("a@example.com")));
    assert_eq!(super::contact("Nobody <x").email, None);
    assert_eq!(web_address("https://u:p@example.com/x").as_deref(), Some("https://example.com/x"));
    for bad in ["", "www.example.com", "javascript:alert(1)", "file:///etc/passwd", "https://"] {
        assert_eq!(web_address(bad), None, "{bad}");
    }
}

#[test]
fn sha1_digests_come_from_the_store_and_are_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let store = crate::store::Store::open(folder.path()).unwrap();
    let expected = inventory();
    let contents: [&[u8]; 10] = [
        b"ELF",
        b"(c)",
        b"Package: libssl3t64",
        b"# profile",
        b"app",
        b"<svg/>",
        b"tool",
        b"page",
        b"root:x:0:0",
        b"old",
    ];
    for content in contents {
        store.put(content).unwrap();
    }
    let forget = |inventory: &mut Inventory| inventory.files.iter_mut().for_each(|file| file.sha1 = None);
    let mut filled = expected.clone();
    forget(&mut filled);
    fill_sha1(&mut filled.files, &store).unwrap();
    assert_eq!(filled, expected);

    // Without the contents, what was remembered is enough; what is new needs its content.
    std::fs::remove_dir_all(folder.path().join("blobs")).unwrap();
    forget(&mut filled);
    fill_sha1(&mut filled.files, &store).unwrap();
    assert_eq!(filled, expected);
    filled.files.push(File { sha1: None, ..file("/new", b"new", Owner::Base(0), 0) });
    assert!(fill_sha1(&mut filled.files, &store).is_err());
}

#[test]
fn fifty_thousand_files_are_written_as_a_stream() {
    let mut inventory = inventory();
    for i in 0..50_000 {
        inventory.files.push(file(&format!("/srv/data/{:03}/file-{i}", i % 500), b"x", Owner::Package(0), 1));
    }
    let graph = Graph::new(&inventory).unwrap();
    // The longest piece that a writer gets shows that nothing is collected on the way.
    struct Pieces(usize, usize);
    impl std::io::Write for Pieces {
        fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
            (self.0, self.1) = (self.0.max(piece.len()), self.1 + piece.len());
            Ok(piece.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for write in [
        &(|to: &mut Pieces| serde_json::to_writer(to, &graph.cyclonedx()).unwrap()) as &dyn Fn(&mut Pieces),
        &|to: &mut Pieces| serde_json::to_writer(to, &graph.spdx()).unwrap(),
    ] {
        let mut pieces = Pieces(0, 0);
        write(&mut pieces);
        assert!(pieces.0 < 1000 && pieces.1 > 5_000_000, "{} of {}", pieces.0, pieces.1);
    }
}

#[test]
fn packages_of_a_base_stand_as_its_makers_word() {
    let mut inventory = inventory();
    let package = |name: &str, purl: Option<&str>| ClaimedPackage {
        name: name.into(),
        version: Some("1".into()),
        purl: purl.map(str::to_owned),
    };
    inventory.bases[0].claims = Some(Claims {
        document: Digest::of("document"),
        form: "https://spdx.dev/Document".into(),
        signed: false,
        packages: vec![package("musl", Some("pkg:apk/alpine/musl@1")), package("odd", None)],
    });
    let (cyclonedx, spdx) = documents(&inventory);
    let cyclonedx: Value = serde_json::from_str(&cyclonedx).unwrap();
    let named = |name: &str| {
        let all = cyclonedx["components"].as_array().unwrap();
        all.iter().find(|component| component["name"] == name).unwrap().clone()
    };
    let musl = named("musl");
    assert_eq!(musl["purl"], "pkg:apk/alpine/musl@1");
    let said = |name: &str, value: String| json!({ "name": format!("kiln:claimed-by{name}"), "value": value });
    for property in [said("", Digest::of("document").to_string()), said(":signed", "false".into())] {
        assert!(musl["properties"].as_array().unwrap().contains(&property), "{musl}");
    }
    let needs = cyclonedx["dependencies"].as_array().unwrap();
    let of_base = needs.iter().find(|row| row["ref"] == named("../base")["bom-ref"]).unwrap();
    assert_eq!(of_base["dependsOn"], json!([named("odd")["bom-ref"], musl["bom-ref"]]));
    let unknown = &cyclonedx["compositions"][1];
    assert_eq!(unknown["aggregate"], "unknown", "nobody has looked into it");
    assert!(unknown["assemblies"].as_array().unwrap().contains(&musl["bom-ref"]));
    let spdx: Value = serde_json::from_str(&spdx).unwrap();
    let musl = spdx["packages"].as_array().unwrap().iter().find(|package| package["name"] == "musl").unwrap();
    assert!(musl["comment"].as_str().unwrap().contains("not verified by anybody"), "{musl}");
}
