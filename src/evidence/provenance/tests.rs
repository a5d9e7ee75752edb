use super::*;
use crate::evidence::fixtures::{golden, inventory, staged};
use crate::evidence::statement::{Statement, Subject, predicate};
use crate::evidence::{Inventory, Network, Source, SourceKind, SpecFile};
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
        stages: vec![],
        epoch,
        kiln_version,
        compressors: [("gzip".to_owned(), "libdeflate 1.25".to_owned())].into(),
        unchecked_valid_until: vec![],
        layers_by: None,
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
    let sources = inventory.sources.iter().map(of_source);
    let bases = inventory.bases.iter().map(|base| Dependency::Base(used(&base.reference, &base.digest)));
    indexes.chain(packages).chain(sources).chain(bases).collect()
}

fn of_source(source: &Source) -> Dependency {
    match &source.kind {
        SourceKind::Context => Dependency::Context { name: source.name.clone(), tree: source.digest },
        SourceKind::Git(commit) => Dependency::Git {
            name: source.name.clone(),
            commit: commit.clone(),
            tree: Some(source.digest),
            submodule: None,
        },
        SourceKind::Http { url } => Dependency::Http { url: url.clone(), digest: source.digest },
        SourceKind::Oci { reference } => Dependency::Oci(used(reference, &source.digest)),
    }
}

/// A build of the image with stages.
pub(crate) fn staged_build() -> Build {
    let inventory = staged();
    let stages = inventory.stages.iter().map(|stage| {
        let packages = stage.packages.iter().map(|package| Dependency::of_package(package, &inventory.indexes));
        let sources = inventory.sources.iter().filter(|source| stage.from.contains(&source.name)).map(of_source);
        let bases = stage.bases.iter().map(|base| Dependency::Base(used(&base.reference, &base.digest)));
        BuiltStage {
            name: Some(stage.name.clone()),
            platform: stage.platform.clone(),
            dependencies: packages.chain(sources).chain(bases).collect(),
            steps: stage.steps.clone(),
        }
    });
    let own = BuiltStage {
        name: None,
        platform: inventory.image.platform.clone(),
        dependencies: vec![],
        steps: inventory.steps.clone(),
    };
    Build { stages: stages.chain([own]).collect(), ..build() }
}

#[test]
fn the_build_is_told() {
    for (name, build) in [("provenance.json", build()), ("stages/provenance.json", staged_build())] {
        let subject = vec![Subject::new(&inventory().image.digest).named("registry.example.com/acme/hello")];
        let statement = Statement::new(subject, predicate::PROVENANCE, Provenance::of(&build));
        let text = serde_json::to_string_pretty(&statement).unwrap();
        golden(name, &text);
        assert_eq!(read(text.as_bytes()).unwrap(), statement.predicate);
    }
}

#[test]
fn what_only_stages_took_says_which() {
    let told = Provenance::of(&staged_build());
    let stage = |of: &str| {
        let named = told.build_definition.resolved_dependencies.iter();
        let resource = named.filter(|resource| resource.uri.as_deref().unwrap_or_default().contains(of));
        resource.map(|resource| resource.annotations.get("stage").map(String::as_str)).collect::<Vec<_>>()
    };
    assert_eq!(stage("/gcc-14@"), [Some("toolchain")]);
    assert_eq!(stage("/base-files@"), [None], "the image has it too");
    assert_eq!(stage("data.tar"), [Some("compile")]);
    // Two stages that took the same are named both; the image's own commands are the image.
    let mut build = staged_build();
    let taken = build.stages[0].dependencies.clone();
    build.stages[2].dependencies.extend(taken.clone());
    let stages = |build: &Build| {
        let all = Provenance::of(build).build_definition.resolved_dependencies;
        let cc = all.into_iter().find(|resource| resource.uri.as_deref().unwrap_or_default().contains("/gcc-14@"));
        cc.unwrap().annotations.remove("stage")
    };
    assert_eq!(stages(&build).unwrap(), "lint toolchain");
    build.stages[3].dependencies.extend(taken);
    assert_eq!(stages(&build), None);
}

#[test]
fn commands_are_told_once_and_those_with_a_network_by_name() {
    let told = Provenance::of(&staged_build());
    assert_eq!(told.build_definition.internal_parameters.network_steps, ["compile: fetch-data"]);
    let names = |told: &Provenance| told.run_details.steps.iter().map(|step| step.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&told), ["make hello", "fetch-data", "unit tests", "index /mnt"]);
    let mut build = staged_build();
    build.stages.extend(staged_build().stages);
    assert_eq!(names(&Provenance::of(&build)), names(&told));
    for stage in &mut build.stages[4..] {
        stage.platform = Platform::linux("arm64", None);
    }
    assert_eq!(Provenance::of(&build).run_details.steps.len(), 8);
    build.stages[3].steps[0].network = Network::Host;
    assert_eq!(Provenance::of(&build).build_definition.internal_parameters.network_steps.len(), 2);
}

#[test]
fn the_example_in_the_build_type_is_what_the_code_writes() {
    let page = include_str!("../../../specs/build-type.md");
    let example = page.split("```json\n").nth(1).and_then(|rest| rest.split("\n```").next()).unwrap();
    let golden = include_str!("../../../tests/golden/evidence/stages/provenance.json");
    assert_eq!(example, golden);
    for role in ["spec", "include", "lock", "repository", "index", "package", "http", "git", "context", "oci", "base"] {
        assert!(page.contains(&format!("| `{role}` |")), "{role}");
        assert!(golden.contains(&format!("\"name\": \"{role}\"")), "{role}");
    }
    for field in ["stage", "check", "environment", "secrets", "sshAgents", "caches", "inputs", "outputs"] {
        assert!(page.contains(&format!("| `{field}` |")), "{field}");
        assert!(golden.contains(&format!("\"{field}\"")), "{field}");
    }
    assert!(page.contains("| `networkSteps` |") && golden.contains("\"networkSteps\""));
    assert!(page.contains(BUILD_TYPE));
    assert_eq!(read(example.as_bytes()).unwrap(), Provenance::of(&staged_build()));
}

#[test]
fn who_made_layers_is_told_where_it_was_not_kiln() {
    let page = include_str!("../../../specs/build-type.md");
    assert!(page.contains("| `layersBy` |"));
    let (own, theirs) = (staged_build(), Build { layers_by: Some("buildkit".into()), ..staged_build() });
    let told =
        |build: &Build| serde_json::to_value(Provenance::of(build).build_definition.internal_parameters).unwrap();
    assert_eq!(told(&own).get("layersBy"), None);
    assert_eq!(told(&theirs)["layersBy"], "buildkit");
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
