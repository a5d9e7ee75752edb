//! What a build did, for people and programs: `specs/report.md`.
//!
//! Everything that differs from run to run (times, durations, paths) stands here
//! and nowhere in an image.

use super::judging::Judgement;
use crate::oci::{Digest, Platform};
use crate::policy::Outcome;
use crate::policy::report::{Attestation, Signature};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a build did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BuildReport {
    /// The version of this report's form.
    pub report: u32,
    /// The version of kiln.
    pub kiln: String,
    /// The epoch of the build: seconds since 1970.
    pub epoch: i64,
    /// What became of the lock.
    pub lock: LockReport,
    /// The images, in the order of the spec; none where one was denied.
    pub images: Vec<ImageReport>,
    /// What policies say of the images, one a platform.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<VerdictReport>,
    /// Where results of commands were shared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<SharedReport>,
    /// Phases with their durations in seconds.
    pub phases: Vec<PhaseReport>,
    /// When the run began: seconds since 1970.
    pub started_on: i64,
    /// When the run ended: seconds since 1970.
    pub finished_on: i64,
    /// What was found out about commands.
    #[serde(flatten)]
    pub findings: Findings,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// What was found out about commands, where somebody wanted to know it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Why commands ran.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<CommandReasons>,
    /// What two runs of one command left differently.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<CommandDifference>,
}

/// Why a command ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandReasons {
    /// The command's name.
    pub command: String,
    /// Each in a sentence.
    pub why: Vec<String>,
}

/// Something that two runs of one command left differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandDifference {
    /// The command's name.
    pub command: String,
    /// Where.
    pub path: String,
    /// What of it.
    pub what: String,
}

/// A graph that was solved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SolveReport {
    /// The digest of what it yields, in kiln's own form.
    pub tree: Digest,
    /// How many files and links that has.
    pub files: usize,
    /// The sizes of the files, in bytes.
    pub unpacked_size: u64,
    /// Where it went.
    pub outputs: Vec<OutputReport>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// A stage that was built by itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TargetReport {
    /// The stage.
    pub stage: String,
    /// What it was built for: `linux/amd64`.
    pub platform: String,
    /// The digest of its file system in kiln's own form.
    pub tree: Digest,
    /// How many files and links it has.
    pub files: usize,
    /// The sizes of the files, in bytes.
    pub unpacked_size: u64,
    /// Where it went.
    pub outputs: Vec<OutputReport>,
    /// Where results of commands were shared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<SharedReport>,
    /// What was found out about commands.
    #[serde(flatten)]
    pub findings: Findings,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// What became of the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LockReport {
    /// Where it is; none where nothing had to be pinned.
    pub path: Option<String>,
    /// Whether it was written or changed.
    pub changed: bool,
}

/// How long a phase took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseReport {
    /// Its name.
    pub name: &'static str,
    /// Its duration.
    pub seconds: f64,
}

/// What policies say of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerdictReport {
    /// The image: its name in the spec, or as it was named to be scanned.
    pub image: String,
    /// What it is for.
    pub platform: Platform,
    /// The digest of its manifest.
    pub digest: Digest,
    /// The spec, relative to the project; of an image of others where one would be.
    pub spec: String,
    /// The level of SLSA's build track that its provenance reaches, as far as that was looked at.
    pub level: Option<u8>,
    /// What is attached to it, or will be, but for the verdict itself. A report of a build tells it with the image.
    #[serde(skip)]
    pub attestations: Vec<Attestation>,
    /// Who signed it, or will have.
    #[serde(skip)]
    pub signatures: Vec<Signature>,
    /// What is said.
    #[serde(flatten)]
    pub judgement: Judgement,
}

impl VerdictReport {
    /// Whether there is more to tell than that all is well.
    pub fn is_worth_telling(&self) -> bool {
        let verdict = &self.judgement.verdict;
        !verdict.passed || verdict.count(Outcome::Warned) > 0 || !verdict.unused.is_empty()
    }
}

/// An image as it was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageReport {
    /// Its name in the spec.
    pub name: String,
    /// The digest of the manifest or, for several platforms, of the index.
    pub digest: Digest,
    /// The media type of what the digest names.
    pub media_type: String,
    /// The size of that document in bytes.
    pub descriptor_size: u64,
    /// Its names in outputs and registries.
    pub tags: Vec<String>,
    /// One a platform.
    pub platforms: Vec<PlatformReport>,
    /// The signed statements about the image itself, where it has several platforms.
    pub attestations: Vec<AttestationReport>,
    /// Who signed.
    pub signer: SignerReport,
    /// Where it went: `oci:kiln-out/hello`.
    pub outputs: Vec<OutputReport>,
    /// The registries that it was released to.
    pub published: Vec<PublishedReport>,
}

/// An image for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlatformReport {
    /// `linux/amd64`.
    pub platform: String,
    /// The digest of its manifest.
    pub digest: Digest,
    /// The sizes of manifest, config and layers together, in bytes.
    pub size: u64,
    /// The sizes of the files, in bytes.
    pub unpacked_size: u64,
    /// Its layers, lowest first.
    pub layers: Vec<LayerReport>,
    /// How many packages it has.
    pub packages: usize,
    /// How many files and links it has.
    pub files: usize,
    /// The bills of materials by their formats: digests of the documents.
    pub sboms: BTreeMap<String, Digest>,
    /// The signed statements about it.
    pub attestations: Vec<AttestationReport>,
}

/// A layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerReport {
    /// The digest of its blob.
    pub digest: Digest,
    /// The digest of its content, uncompressed.
    pub diff_id: Digest,
    /// The size of its blob in bytes.
    pub size: u64,
    /// What made it.
    pub created_by: String,
}

/// A signed statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttestationReport {
    /// What it states.
    pub predicate_type: String,
    /// The digest of the manifest that carries it.
    pub digest: Digest,
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignerReport {
    /// The private key's file.
    pub key: String,
    /// The public key's file, if kiln knows one.
    pub public_key: Option<String>,
    /// Whether it is the key that kiln made for this machine's user.
    pub local: bool,
    /// Whether that key was made in this very run.
    pub created: bool,
}

/// An output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutputReport {
    /// `oci`, `oci-archive`, `docker-archive`, `tree` or `tar`.
    pub kind: &'static str,
    /// Where it is.
    pub path: String,
    /// Whether it was there already, as it had to be.
    pub unchanged: bool,
}

/// A place that results of commands were shared in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SharedReport {
    /// Where it is, as the user wrote it.
    pub place: String,
    /// The digest of the list of results.
    pub digest: Digest,
    /// How many results it has.
    pub results: usize,
}

/// An image as it was released to a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublishedReport {
    /// `registry.example.com/acme/hello`.
    pub repository: String,
    /// The digest by which it is there.
    pub digest: Digest,
    /// The tags that name it now.
    pub tags: Vec<TagReport>,
    /// How many blobs were sent.
    pub sent: usize,
    /// Their bytes.
    pub bytes: u64,
    /// How many blobs another repository of the registry had.
    pub mounted: usize,
    /// How many blobs were there.
    pub present: usize,
    /// Whether it was verified there.
    pub verified: bool,
}

/// A tag of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TagReport {
    /// The tag.
    pub tag: String,
    /// Whether it was made or moved now.
    pub moved: bool,
    /// What it named before, where that was something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Digest>,
}

/// What a copy did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyReport {
    /// The digest of the manifest or index.
    pub digest: Digest,
    /// The registries that it went to.
    pub published: Vec<PublishedReport>,
    /// The layouts that it went to.
    pub outputs: Vec<OutputReport>,
}
