//! What was built on the way: told, and never taken for a part of the image.

use super::{broken, documents};
use crate::evidence::fixtures::{file, package, staged};
use crate::evidence::inventory::{Inventory, Location, Owner};
use crate::evidence::stage::{Material, Step};
use crate::oci::Digest;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn read(inventory: &Inventory) -> (Value, Value) {
    let (cyclonedx, spdx) = documents(inventory);
    (serde_json::from_str(&cyclonedx).unwrap(), serde_json::from_str(&spdx).unwrap())
}

fn rows<'a>(value: &'a Value, list: &str) -> &'a [Value] {
    value[list].as_array().map_or(&[], Vec::as_slice)
}

fn named<'a>(list: &'a [Value], name: &str) -> &'a Value {
    list.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name} is not there"))
}

/// The values of a property.
fn properties<'a>(value: &'a Value, name: &str) -> Vec<&'a str> {
    let list = rows(value, "properties").iter().filter(|property| property["name"] == format!("kiln:{name}"));
    list.map(|property| property["value"].as_str().unwrap()).collect()
}

/// Everything below `value` under a key.
fn under<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(text) if name == key => found.push(text),
                    value => under(value, key, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| under(value, key, found)),
        _ => {}
    }
}

#[test]
fn what_was_only_built_with_is_no_component() {
    let (cyclonedx, spdx) = read(&staged());
    let formula = &cyclonedx["formulation"][0];
    for name in ["gcc-14", "data", "toolchain", "lint", "musl"] {
        assert!(!rows(&cyclonedx, "components").iter().any(|component| component["name"] == name), "{name}");
        assert_eq!(named(rows(formula, "components"), name)["scope"], "excluded");
        let element = named(rows(&spdx, "packages"), name);
        assert!(
            !related(&spdx, "CONTAINS").contains(&("SPDXRef-Image", element["SPDXID"].as_str().unwrap())),
            "{name}"
        );
    }
    let cc = named(rows(&spdx, "packages"), "gcc-14");
    assert_eq!(cc["externalRefs"][0]["referenceType"], "build-purl", "no scanner finds it: {cc}");
    // What is in the image as well stands there, and only there.
    let both = rows(formula, "components").iter().find(|component| component["name"] == "base-files");
    assert_eq!(both, None);
}

#[test]
fn a_package_of_which_a_file_was_copied_is_a_component_that_says_so() {
    let (cyclonedx, spdx) = read(&staged());
    let runtime = named(rows(&cyclonedx, "components"), "libgcc-s1");
    assert_eq!(runtime["purl"], "pkg:deb/debian/libgcc-s1@14.2.0-19?arch=amd64&distro=debian-13&upstream=gcc-14");
    assert_eq!((&runtime["version"], &runtime["licenses"][0]["expression"]), (&json!("14.2.0-19"), &json!("MIT")));
    assert_eq!(properties(runtime, "partial"), ["only the files listed here, from the stage compile"]);
    assert_eq!(runtime["scope"], Value::Null);
    let [copied] = rows(runtime, "components") else { panic!("{runtime}") };
    assert_eq!(copied["name"], "/usr/lib/libgcc_s.so.1");
    assert_eq!(properties(copied, "stage"), ["compile", "toolchain"]);
    let incomplete = &cyclonedx["compositions"][1];
    assert_eq!(
        (&incomplete["aggregate"], &incomplete["assemblies"]),
        (&json!("incomplete"), &json!([runtime["bom-ref"]]))
    );
    let element = named(rows(&spdx, "packages"), "libgcc-s1");
    assert!(element["comment"].as_str().unwrap().starts_with("only the files that it contains here"));
    assert_eq!(element["externalRefs"][0]["referenceType"], "purl");
    // What the image installs is no part of something.
    assert!(properties(named(rows(&cyclonedx, "components"), "base-files"), "partial").is_empty());
}

#[test]
fn a_built_file_leads_to_its_command_and_to_what_the_command_saw() {
    let (cyclonedx, spdx) = read(&staged());
    let built = named(rows(&cyclonedx, "components"), "compile");
    let hello = named(rows(built, "components"), "/usr/bin/hello");
    assert_eq!(properties(hello, "stage"), ["compile"]);
    assert_eq!(properties(hello, "made-by"), ["kiln.kdl:28", "kiln.kdl:13"]);
    let workflows = rows(&cyclonedx["formulation"][0], "workflows");
    let tasks = rows(named(workflows, "compile"), "tasks");
    let task = tasks.iter().find(|task| task["bom-ref"] == properties(hello, "step")[0]).unwrap();
    assert_eq!(task["steps"][0]["commands"][0]["executed"], "/bin/sh -c 'make hello'");
    assert_eq!(task["inputs"][0]["environmentVars"][1], json!({ "name": "CFLAGS", "value": "-O2 -g" }));
    assert_eq!(
        (properties(&task["inputs"][2], "path"), properties(&task["inputs"][2], "from")),
        (vec!["/src"], vec!["source:app"])
    );
    assert_eq!(properties(task, "secret"), ["token"]);
    assert_eq!(tasks[1]["inputs"][1]["resource"], task["outputs"][0]["resource"], "one leaves what the next takes");
    assert_eq!((properties(&tasks[1], "network"), properties(task, "network")), (vec!["host"], vec!["none"]));
    assert_eq!((&tasks[2]["taskTypes"], properties(&tasks[2], "check")), (&json!(["test"]), vec!["unit tests"]));
    let own = rows(&workflows[0], "tasks");
    assert_eq!(own[0]["steps"][0]["commands"][0]["executed"], "index /mnt");

    let id = |list: &str, name: &str| {
        let key = if list == "files" { "fileName" } else { "name" };
        let row = rows(&spdx, list).iter().find(|row| row[key] == name).unwrap();
        row["SPDXID"].as_str().unwrap().to_owned()
    };
    let (hello, index) = (id("files", "./usr/bin/hello"), id("files", "./var/lib/index"));
    let (app, data) = (id("packages", "app"), id("packages", "data"));
    let generated = related(&spdx, "GENERATED_FROM");
    // The image's own command saw the stage, and with it all that the stage was made from.
    let expected = [(&hello, &app), (&index, &app), (&index, &data)].map(|(a, b)| (a.as_str(), b.as_str()));
    assert_eq!(generated, BTreeSet::from(expected));
    let (compile, toolchain) = (id("packages", "compile"), id("packages", "toolchain"));
    assert!(related(&spdx, "BUILD_TOOL_OF").contains(&(id("packages", "gcc-14").as_str(), &toolchain)));
    let taken = related(&spdx, "BUILD_DEPENDENCY_OF");
    for (what, of) in [(&toolchain, &compile), (&app, &compile), (&toolchain, &"SPDXRef-Image".to_owned())] {
        assert!(taken.contains(&(what.as_str(), of.as_str())), "{what} {of}");
    }
    let told = named(rows(&spdx, "packages"), "compile")["annotations"].to_string();
    assert!(told.contains("network host") && told.contains("/bin/sh -c 'make hello'"), "{told}");
}

fn related<'a>(spdx: &'a Value, kind: &str) -> BTreeSet<(&'a str, &'a str)> {
    let related = rows(spdx, "relationships").iter().filter(|row| row["relationshipType"] == kind);
    related.map(|row| (row["spdxElementId"].as_str().unwrap(), row["relatedSpdxElement"].as_str().unwrap())).collect()
}

#[test]
fn every_reference_leads_somewhere() {
    let (cyclonedx, spdx) = read(&staged());
    let (mut names, mut references) = (Vec::new(), Vec::new());
    under(&cyclonedx, "bom-ref", &mut names);
    under(&cyclonedx, "ref", &mut references);
    let lists = ["dependencies", "compositions"].iter().flat_map(|list| rows(&cyclonedx, list));
    let lists = lists.flat_map(|row| ["dependsOn", "assemblies"].into_iter().flat_map(|list| rows(row, list)));
    references.extend(lists.map(|name| name.as_str().unwrap()));
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len());
    assert_eq!(references.iter().find(|name| !unique.contains(*name)), None);

    let (mut names, mut references) = (Vec::new(), Vec::new());
    under(&spdx, "SPDXID", &mut names);
    under(&spdx, "spdxElementId", &mut references);
    under(&spdx, "relatedSpdxElement", &mut references);
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len());
    assert_eq!(references.iter().find(|name| !unique.contains(*name)), None);
}

#[test]
fn packages_of_one_name_from_two_archives_stay_two() {
    let mut inventory = staged();
    // The image has one of its own, and another stage one with other bytes.
    inventory.packages.push(package("gcc-14", "14.2.0-19"));
    let mut other = package("gcc-14", "14.2.0-19");
    other.sha256 = Digest::of("rebuilt");
    inventory.stages[1].packages.push(other);
    let (cyclonedx, _) = read(&inventory);
    let count = |list: &[Value]| list.iter().filter(|component| component["name"] == "gcc-14").count();
    assert_eq!(count(rows(&cyclonedx, "components")), 1);
    assert_eq!(count(rows(&cyclonedx["formulation"][0], "components")), 1);
    // One stage cannot have it twice.
    inventory.stages[1].packages.push(package("gcc-14", "14.2.0-19"));
    inventory.stages[1].packages.push(package("gcc-14", "14.2.0-19"));
    assert!(broken(&inventory).unwrap().contains("is in the inventory twice"));
}

#[test]
fn stages_that_contradict_themselves_are_refused() {
    let from = |stage, owner| Owner::Stage { stage, owner: Box::new(owner), location: None };
    let far = Some(Location { spec: 9, line: 1 });
    let dangling: [&dyn Fn(&mut Inventory); 12] = [
        &|i| i.files[0].owner = from(3, Owner::Package(0)),
        &|i| i.files[0].owner = from(0, Owner::Package(3)),
        &|i| i.files[0].owner = from(1, Owner::Package(0)),
        &|i| i.files[0].owner = from(0, Owner::Step(0)),
        &|i| i.files[0].owner = from(1, Owner::Step(3)),
        &|i| i.files[0].owner = from(0, from(3, Owner::Step(0))),
        &|i| i.files[0].owner = Owner::Step(1),
        &|i| i.files[0].owner = Owner::Stage { stage: 0, owner: Box::new(Owner::Package(0)), location: far },
        &|i| i.stages[0].location = far,
        &|i| i.stages[0].edges.push((0, 3)),
        &|i| i.stages[0].packages[0].index = Some(1),
        &|i| i.steps[0].location = far,
    ];
    for (n, change) in dangling.into_iter().enumerate() {
        let mut inventory = staged();
        change(&mut inventory);
        let error = broken(&inventory).unwrap();
        assert!(error.contains("which the inventory does not have"), "{n}: {error}");
    }
    let names: [&dyn Fn(&mut Inventory); 3] = [
        &|i| i.stages[0].from.push("nobody".into()),
        &|i| i.stages[1].steps[0].inputs[0].from.push("nobody".into()),
        &|i| i.steps[0].inputs[0].from.push("nobody".into()),
    ];
    for change in names {
        let mut inventory = staged();
        change(&mut inventory);
        assert!(broken(&inventory).unwrap().contains("`nobody`, which is no source and no stage"));
    }
    let mut twice = staged();
    for name in ["compile", "app"] {
        twice.stages[2].name = name.into();
        assert!(broken(&twice).unwrap().contains("is in the inventory twice"));
    }
}

#[test]
fn stages_that_stand_on_each_other_in_a_circle_end() {
    let mut inventory = staged();
    inventory.stages[0].from = vec!["compile".into()];
    let (_, spdx) = read(&inventory);
    assert!(!related(&spdx, "GENERATED_FROM").is_empty());
}

#[test]
fn a_step_with_ten_thousand_files_names_its_sources_once_for_each() {
    let mut inventory = staged();
    let owner = |step| Owner::Stage { stage: 1, owner: Box::new(Owner::Step(step)), location: None };
    inventory.files.extend((0..10_000).map(|i| file(&format!("/opt/{i}"), b"x", owner(i % 2), 1)));
    let (cyclonedx, spdx) = read(&inventory);
    assert_eq!(rows(named(rows(&cyclonedx, "components"), "compile"), "components").len(), 10_001);
    assert_eq!(related(&spdx, "GENERATED_FROM").len(), 10_003);
}

#[test]
fn what_is_not_named_is_left_out() {
    let mut inventory = staged();
    let bare = |step: &mut Step| {
        *step = Step { environment: vec![], secrets: vec![], agents: vec![], caches: vec![], ..step.clone() };
        step.inputs = vec![Material { path: "/".into(), digest: Digest::of("x"), from: vec![] }];
    };
    inventory.stages.iter_mut().flat_map(|stage| &mut stage.steps).for_each(bare);
    let (cyclonedx, _) = documents(&inventory);
    let counted: BTreeMap<&str, usize> =
        ["kiln:secret", "kiln:ssh-agent", "kiln:cache"].map(|name| (name, cyclonedx.matches(name).count())).into();
    assert!(counted.values().all(|count| *count == 0), "{counted:?}");
}
