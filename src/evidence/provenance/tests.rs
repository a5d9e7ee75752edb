use super::*;
use crate::evidence::fixtures::{golden, inventory};
use crate::evidence::statement::{Statement, Subject, predicate};
use crate::evidence::{Inventory, SourceKind, SpecFile};
use crate::oci::{Digest, Platform};

/// A build of the small image.
pub(crate) fn build() -> Build {
    let Inventory { specs, lock, kiln_version, epoch, image, .. } = inventory();
    let [spec, include] = <[SpecFile; 2]>::try_from(specs).unwrap();
    Build {
        image: image.name,
        spec,
        includes: vec![include],
        lock,
        args: [("version".to_owned(), "1.2".to_owned())].into(),
        platforms: vec![Platform::linux("amd64", None)],
        options: [("compression".to_owned(), "zstd".to_owned())].into(),
        repository: Some(Repository {
            url: "https://example.com/acme/hello.git".into(),
            commit: "5f0c2d7e0b6a4a0f9d6f2b7c1e8d3a4b5c6d7e8f".into(),
        }),
        dependencies: dependencies(&inventory()),
        epoch,
        kiln_version,
        compressors: [("gzip".to_owned(), "libdeflate 1.25".to_owned())].into(),
        unchecked_valid_until: vec![],
        builder: Builder::Local,
        run: None,
    }
}

fn used(reference: &str, digest: &Digest) -> UsedImage {
    UsedImage {
        reference: reference.to_owned(),
        digest: *digest,
        uri: None,
        index: None,
        signed_by: None,
        documents: vec![],
    }
}

/// What an image holds from outside.
fn dependencies(inventory: &Inventory) -> Vec<Dependency> {
    let indexes = inventory.indexes.iter().cloned().map(Dependency::Index);
    let packages = inventory.packages.iter().map(|package| Dependency::of_package(package, &inventory.indexes));
    let sources = inventory.sources.iter().map(|source| match &source.kind {
        SourceKind::Context => Dependency::Context { name: source.name.clone(), tree: source.digest },
        SourceKind::Http { url } => Dependency::Http { url: url.clone(), digest: source.digest },
        SourceKind::Oci { reference } => Dependency::Oci(used(reference, &source.digest)),
    });
    let bases = inventory.bases.iter().map(|base| Dependency::Base(used(&base.reference, &base.digest)));
    indexes.chain(packages).chain(sources).chain(bases).collect()
}

#[test]
fn the_build_is_told() {
    let subject = vec![Subject::new(&inventory().image.digest).named("registry.example.com/acme/hello")];
    let statement = Statement::new(subject, predicate::PROVENANCE, Provenance::of(&build()));
    let text = serde_json::to_string_pretty(&statement).unwrap();
    golden("provenance.json", &text);
    assert_eq!(read(text.as_bytes()).unwrap(), statement.predicate);
}

#[test]
fn the_example_in_the_build_type_is_what_the_code_writes() {
    let page = include_str!("../../../specs/build-type.md");
    let example = page.split("```json\n").nth(1).and_then(|rest| rest.split("\n```").next()).unwrap();
    let golden = include_str!("../../../tests/golden/evidence/provenance.json");
    assert_eq!(example, golden);
    for role in ["spec", "include", "lock", "repository", "index", "package", "http", "context", "oci", "base"] {
        assert!(page.contains(&format!("| `{role}` |")), "{role}");
        assert!(golden.contains(&format!("\"name\": \"{role}\"")), "{role}");
    }
    assert!(page.contains(BUILD_TYPE));
}

#[test]
fn dependencies_have_one_order_and_appear_once() {
    let first = Provenance::of(&build());
    let mut other = build();
    other.dependencies.reverse();
    other.dependencies.extend(build().dependencies);
    assert_eq!(Provenance::of(&other), first);
}

#[test]
fn the_builder_and_the_level_are_those_of_the_mode() {
    let ci = Build { builder: Builder::Ci { service: "gitlab-ci".into() }, ..build() };
    let builder = |build: &Build| Provenance::of(build).run_details.builder;
    assert_eq!((builder(&build()).id.as_str(), builder(&build()).level), ("urn:kiln:builder:local", 1));
    assert_eq!((builder(&ci).id.as_str(), builder(&ci).level), ("urn:kiln:builder:ci:gitlab-ci", 1));
}

#[test]
fn what_differs_from_run_to_run_is_there_only_when_asked_for() {
    let run = Run { invocation_id: "7".into(), started_on: 1_700_000_000, finished_on: 1_700_000_060 };
    let told = Provenance::of(&Build { run: Some(run), ..build() });
    assert_eq!(told.run_details.metadata.unwrap().finished_on, "2023-11-14T22:14:20Z");
    let text = serde_json::to_string(&Provenance::of(&build())).unwrap();
    assert!(!text.contains("startedOn") && !text.contains("invocationId"));
}

#[test]
fn every_dependency_says_by_which_digest_it_is_known() {
    for resource in Provenance::of(&build()).build_definition.resolved_dependencies {
        let (algorithm, hex) = resource.digest.iter().next().unwrap();
        assert!(matches!((algorithm.as_str(), hex.len()), ("sha256", 64) | ("gitCommit", 40)), "{resource:?}");
        assert_ne!(*hex, Digest::of("").hex());
    }
}
