//! The form of SLSA provenance v1, and what kiln's build type puts into it.

use super::build::{Build, Builder, Dependency, UsedImage};
use super::step::{StepRun, network_steps, step_runs};
use crate::evidence::inventory::SpecFile;
use crate::evidence::statement::{Statement, predicate};
use crate::evidence::time::rfc3339;
use crate::oci::{Digest, media_type};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The build type, described in `specs/build-type.md`.
pub const BUILD_TYPE: &str = "urn:kiln:build-type:v1";

/// The predicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// What was built, from what.
    pub build_definition: BuildDefinition,
    /// Who built it.
    pub run_details: RunDetails,
}

/// What was built, from what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildDefinition {
    /// Always [`BUILD_TYPE`].
    pub build_type: String,
    /// What the user asked for.
    pub external_parameters: ExternalParameters,
    /// What kiln decided.
    pub internal_parameters: InternalParameters,
    /// Everything from outside, by digest.
    pub resolved_dependencies: Vec<Resource>,
}

/// What the user asked for. A reader must refuse fields that it does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalParameters {
    /// The name of the `image` node.
    pub image: String,
    /// The path of the spec.
    pub spec: String,
    /// Arguments.
    pub args: BTreeMap<String, String>,
    /// Platforms, `linux/amd64`.
    pub platforms: Vec<String>,
    /// Options that change the image.
    pub options: BTreeMap<String, String>,
}

/// What kiln decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InternalParameters {
    /// The version of kiln.
    pub kiln_version: String,
    /// The only time in the image, in seconds since 1970.
    pub epoch: i64,
    /// The compressors that decide the bytes of layers.
    pub compressors: BTreeMap<String, String>,
    /// Suites whose Valid-Until was not honoured.
    pub unchecked_valid_until: Vec<String>,
    /// Commands that could reach the network, each with its stage.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub network_steps: Vec<String>,
    /// What made the layers that any command had a part in, where that is not kiln.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub layers_by: Option<String>,
}

/// Something from outside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Its role.
    pub name: String,
    /// What it is called outside.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub uri: Option<String>,
    /// Algorithm → hexadecimal digits.
    pub digest: BTreeMap<String, String>,
    /// Where it can be had.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub download_location: Option<String>,
    /// What the digest is over, where that is not a plain file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub media_type: Option<String>,
    /// More about it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub annotations: BTreeMap<String, String>,
}

/// Who built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunDetails {
    /// The builder.
    pub builder: BuilderId,
    /// What differs from run to run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub metadata: Option<Metadata>,
    /// The commands that ran, stage by stage.
    #[serde(rename = "kiln_steps", skip_serializing_if = "Vec::is_empty", default)]
    pub steps: Vec<StepRun>,
}

/// The builder by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuilderId {
    /// Which builder, in which mode.
    pub id: String,
    /// Versions of what it consists of.
    pub version: BTreeMap<String, String>,
    /// The SLSA build level that this mode can claim.
    #[serde(rename = "kiln_slsaBuildLevel")]
    pub level: u8,
}

/// What differs from run to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The run's name.
    pub invocation_id: String,
    /// When it began.
    pub started_on: String,
    /// When it ended.
    pub finished_on: String,
}

impl Builder {
    /// `builder.id`: names the mode, because modes deserve different trust.
    pub fn id(&self) -> String {
        match self {
            Builder::Local => "urn:kiln:builder:local".into(),
            Builder::Ci { service } => format!("urn:kiln:builder:ci:{service}"),
        }
    }

    /// The SLSA build level of the mode. Level 2 wants provenance that the service's control plane made and signed:
    /// a program that runs inside of the job and holds the key itself is not that.
    pub fn level(&self) -> u8 {
        match self {
            Builder::Local | Builder::Ci { .. } => 1,
        }
    }
}

impl Provenance {
    /// Tells of a build. The order of its dependencies does not matter.
    pub fn of(build: &Build) -> Self {
        let own: BTreeSet<Resource> =
            own_files(build).into_iter().chain(build.dependencies.iter().map(resource)).collect();
        let of_stages = of_stages(build, &own);
        let mut dependencies: Vec<Resource> = own.into_iter().chain(of_stages).collect();
        dependencies.sort_by(|a, b| (rank(&a.name), a).cmp(&(rank(&b.name), b)));
        Provenance {
            build_definition: BuildDefinition {
                build_type: BUILD_TYPE.into(),
                external_parameters: ExternalParameters {
                    image: build.image.clone(),
                    spec: build.spec.path.clone(),
                    args: build.args.clone(),
                    platforms: build.platforms.iter().map(ToString::to_string).collect(),
                    options: build.options.clone(),
                },
                internal_parameters: InternalParameters {
                    kiln_version: build.kiln_version.clone(),
                    epoch: build.epoch,
                    compressors: build.compressors.clone(),
                    unchecked_valid_until: build.unchecked_valid_until.clone(),
                    network_steps: network_steps(build),
                    layers_by: build.layers_by.clone(),
                },
                resolved_dependencies: dependencies,
            },
            run_details: RunDetails {
                builder: BuilderId {
                    id: build.builder.id(),
                    version: [("kiln".to_owned(), build.kiln_version.clone())].into(),
                    level: build.builder.level(),
                },
                metadata: build.run.as_ref().map(|run| Metadata {
                    invocation_id: run.invocation_id.clone(),
                    started_on: rfc3339(run.started_on),
                    finished_on: rfc3339(run.finished_on),
                }),
                steps: step_runs(build),
            },
        }
    }
}

/// The roles of dependencies in the order in which they are listed.
const ROLES: [&str; 11] =
    ["spec", "include", "lock", "repository", "index", "package", "http", "git", "context", "oci", "base"];

fn rank(role: &str) -> usize {
    ROLES.iter().position(|known| *known == role).unwrap_or(ROLES.len())
}

fn own_files(build: &Build) -> Vec<Resource> {
    let file = |role: &str, file: &SpecFile| Resource {
        annotations: [("path".to_owned(), file.path.clone())].into(),
        ..plain(role, &file.digest)
    };
    let mut files = vec![file("spec", &build.spec)];
    files.extend(build.includes.iter().map(|include| file("include", include)));
    files.extend(build.lock.iter().map(|lock| file("lock", lock)));
    files.extend(build.repository.iter().map(|repository| Resource {
        uri: Some(format!("git+{}", repository.url)),
        ..bare("repository", "gitCommit", repository.commit.clone())
    }));
    files
}

/// What stages took and the image itself did not, each once, with the names of the stages.
fn of_stages(build: &Build, own: &BTreeSet<Resource>) -> Vec<Resource> {
    let mut taken: BTreeMap<Resource, BTreeSet<&str>> = BTreeMap::new();
    for stage in &build.stages {
        let others = stage.dependencies.iter().map(resource).filter(|resource| !own.contains(resource));
        for resource in others {
            taken.entry(resource).or_default().insert(stage.name.as_deref().unwrap_or_default());
        }
    }
    let annotated = taken.into_iter().map(|(mut resource, stages)| {
        let stages: Vec<&str> = stages.into_iter().collect();
        // What the image itself took has no annotation, whoever took it as well.
        if !stages.contains(&"") {
            resource.annotations.insert("stage".into(), stages.join(" "));
        }
        resource
    });
    annotated.collect()
}

pub(in crate::evidence) fn plain(role: &str, digest: &Digest) -> Resource {
    bare(role, "sha256", digest.hex())
}

fn bare(role: &str, algorithm: &str, hex: String) -> Resource {
    Resource {
        name: role.into(),
        uri: None,
        digest: [(algorithm.to_owned(), hex)].into(),
        download_location: None,
        media_type: None,
        annotations: BTreeMap::new(),
    }
}

fn resource(dependency: &Dependency) -> Resource {
    match dependency {
        Dependency::Index(index) => Resource {
            uri: Some(format!("{}/{}", index.url.trim_end_matches('/'), index.path)),
            annotations: [("date".to_owned(), index.date.clone()), ("keys".to_owned(), index.keys.join(" "))].into(),
            ..plain("index", &index.digest)
        },
        Dependency::Package { purl, sha256, url } => {
            Resource { uri: Some(purl.clone()), download_location: url.clone(), ..plain("package", sha256) }
        }
        Dependency::Http { url, digest } => Resource { uri: Some(url.clone()), ..plain("http", digest) },
        Dependency::Git { name, commit, tree, submodule } => {
            let subdir = Some(&commit.subdir).filter(|subdir| !subdir.is_empty()).cloned();
            let facts = [
                ("source", Some(name.clone())),
                ("tree", tree.map(|tree| tree.to_string())),
                ("subdir", subdir),
                ("submodule", submodule.clone()),
            ];
            let facts = facts.into_iter().filter_map(|(fact, value)| Some((fact.to_owned(), value?)));
            let at = commit.reference.as_ref().unwrap_or(&commit.id);
            Resource {
                uri: Some(format!("git+{}@{at}", commit.uri)),
                annotations: facts.collect(),
                ..bare("git", "gitCommit", commit.id.clone())
            }
        }
        Dependency::Context { name, tree } => Resource {
            media_type: Some(media_type::TREE.into()),
            annotations: [("source".to_owned(), name.clone())].into(),
            ..plain("context", tree)
        },
        Dependency::Oci(used) => image("oci", used),
        Dependency::Base(used) => image("base", used),
    }
}

fn image(role: &str, image: &UsedImage) -> Resource {
    let mut annotations = BTreeMap::from([("reference".to_owned(), image.reference.clone())]);
    annotations.extend(image.index.map(|index| ("index".to_owned(), index.to_string())));
    annotations.extend(image.signed_by.as_ref().map(|key| ("signedBy".to_owned(), key.clone())));
    for document in &image.documents {
        annotations.insert(document.role.clone(), document.digest.to_string());
        let key = document.signed_by.iter().map(|key| (format!("{}SignedBy", document.role), key.clone()));
        annotations.extend(key);
    }
    Resource { uri: image.uri.clone(), annotations, ..plain(role, &image.digest) }
}

/// Reads the provenance in a statement; one that is not of kiln's build type, or that has
/// external parameters that kiln does not know, is refused in words.
pub fn read(statement: &[u8]) -> Result<Provenance, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Head {
        build_definition: HeadDefinition,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct HeadDefinition {
        build_type: String,
    }
    let text = |error: serde_json::Error| error.to_string();
    let head: Statement<Head> = serde_json::from_slice(statement).map_err(text)?;
    let build_type = head.predicate.build_definition.build_type;
    if build_type != BUILD_TYPE {
        let build_type: String = build_type.chars().take(120).collect();
        return Err(format!("its build type is `{build_type}`, not `{BUILD_TYPE}`"));
    }
    let statement: Statement<Provenance> = serde_json::from_slice(statement).map_err(text)?;
    Ok(statement.predicate)
}

/// The id of the builder that a statement with provenance names, of SLSA 1 or 0.2 and of any build type; and whether it is
/// of kiln's own.
pub fn builder(statement: &[u8]) -> Result<(String, bool), String> {
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    #[derive(Deserialize)]
    struct Run {
        builder: Named,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Head {
        run_details: Option<Run>,
        builder: Option<Named>,
    }
    let head: Statement<Head> = serde_json::from_slice(statement).map_err(|error| error.to_string())?;
    let named = match head.predicate_type.as_str() {
        predicate::PROVENANCE => head.predicate.run_details.map(|run| run.builder),
        predicate::PROVENANCE_0_2 => head.predicate.builder,
        other => return Err(format!("`{}` is no provenance", other.chars().take(120).collect::<String>())),
    };
    let id = named.ok_or("it names no builder")?.id;
    Ok((id, read(statement).is_ok()))
}
