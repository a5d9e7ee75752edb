//! kiln's work as functions that return reports. Nothing here prints, and nothing
//! reads the environment: whoever calls says all that matters in plain values.

mod advisories;
mod assemble;
mod attached;
mod attribution;
mod attest;
mod bill;
mod build;
mod cache;
mod commands;
mod commits;
mod copying;
mod dependencies;
mod diff;
mod endorsed;
mod engines;
mod entrusted;
mod epoch;
mod error;
mod failure;
mod frontend;
mod git;
mod given;
mod graph;
mod identity;
mod images;
mod inputs;
mod installing;
mod inventory;
mod judging;
mod listening;
mod locking;
mod opened;
mod output;
mod place;
mod portable;
mod project;
mod provenance;
mod publish;
mod report;
mod rescan;
mod session;
mod sharing;
mod shell;
mod signers;
mod solving;
mod statements;
mod states;
mod target;
mod text;
mod verifying;
mod why;

pub use crate::evidence::verify::{Outcome, Report as VerificationReport};
pub use crate::git::{Settings as GitSettings, Ssh as GitSsh};
pub use crate::packages::deb::MirrorConfig;
pub use crate::plan::Refresh;
pub use crate::registry::{
    CredentialFile, CredentialPlaces, Given as GivenCredentials, Mirror as RegistryMirror, Secret as RegistrySecret,
    Settings as RegistrySettings,
};
pub use crate::solve::embedded::sandbox::helper_process as sandbox_helper;
pub use crate::store::Bounds;
pub use advisories::{DatabaseReport, UpdateOptions, database_pull, database_push, database_show, database_update};
pub use build::{BuildOptions, build};
pub use cache::{CacheKind, CacheReport, cache_prune, cache_show};
pub use copying::{CopyOptions, copy, push};
pub use diff::{Changed, Difference, diff};
pub use engines::{Address, DaemonAt, EngineChoice, Tls, TlsParts};
pub use error::{Error, Kind};
pub use failure::Failure;
pub use frontend::{BringOptions, CheckOutOptions, FrontendOptions, bring, check_out, frontend};
pub use graph::{GraphForm, GraphOptions, graph};
pub use identity::{KeySettings, generate_key};
pub use judging::{CaseReport, CasesReport, JudgeOptions, VerdictForm, policy_test, scan, written};
pub use locking::{LockMode, lock};
pub use opened::{ImageChoice, Predicate, predicate_of};
pub use project::{Project, SPEC_FILE};
pub use report::{
    AttestationReport, BuildReport, CommandDifference, CommandReasons, CopyReport, Findings, ImageReport, LayerReport,
    LockReport, OutputReport, PhaseReport, PlatformReport, PublishedReport, SharedReport, SignerReport, SolveReport,
    TagReport, TargetReport, VerdictReport,
};
pub use rescan::{
    AskedDatabase, BillReport, GoneHole, HoleReport, LastScan, OtherFinding, RescanOptions, RescanReport,
    RescannedImage, Standing as ImageStanding, Totals as RescanTotals, UnreadableName, Webhook, notify, rescan,
};
pub use session::{Given, Progress, Session, Settings, Silent};
pub use sharing::{PlaceDefaults, SharingOptions};
pub use shell::{Entrance, ShellOptions, enter, entrance};
pub use solving::{SolveOptions, solve};
pub use target::{TargetOptions, target};
pub use text::{check, diagnostics_as_json, format, format_file};
pub use verifying::verify;
pub use why::{OwnerReason, ReadPackage, Reason, StepReason, ToldPackage, why};

use crate::spec::Image;
use std::io::{self, Read, Write as _};
use std::path::Path;

/// Reads a file that the user named, if it is a regular file of at most so many bytes.
fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut content = Vec::new();
    std::fs::File::open(path)?.take(limit + 1).read_to_end(&mut content)?;
    match content.len() as u64 > limit {
        true => Err(io::Error::other(format!("it is larger than {limit} bytes"))),
        false => Ok(content),
    }
}

/// Writes a file whole or not at all: beside its place, then moved there.
pub fn write_file(path: &Path, content: &[u8]) -> Result<(), Error> {
    let unwritable = |source| Error::Unwritable { path: path.to_owned(), source };
    // What is no regular file, such as `/dev/stdout`, is written to and not replaced.
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return std::fs::write(path, content).map_err(unwritable);
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut beside = folder.to_path_buf();
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    beside.push(format!(".{name}.{}", std::process::id()));
    let result = std::fs::File::create(&beside)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, path));
    result.map_err(|error| {
        // Should this fail too, what is left has a name that says where it comes from.
        let _ = std::fs::remove_file(&beside);
        unwritable(error)
    })
}

/// Whether `name` means this image: its whole name, or the last part of it.
fn is_called(image: &Image, name: &str) -> bool {
    let reference = &image.name.value;
    reference.to_string() == name
        || reference.repository == name
        || reference.repository.rsplit('/').next() == Some(name)
}

/// The image of a project that `name` means.
fn find_image<'a>(project: &'a Project, name: &str) -> Result<&'a Image, Error> {
    let found = project.spec.images.iter().find(|image| is_called(image, name));
    found.ok_or_else(|| {
        let known: Vec<String> = project.spec.images.iter().map(|image| image.name.value.to_string()).collect();
        let near = crate::diagnostic::nearest(name, known.iter().map(String::as_str));
        let hint = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        Error::Usage(format!("the spec has no image `{name}`, only {}{hint}", known.join(", ")))
    })
}
