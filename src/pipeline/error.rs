//! What can go wrong, and whose fault it is.

use super::failure::Failure;
use crate::advisories::database::{CompileError, DatabaseError};
use crate::compile;
use crate::diagnostic::Diagnostics;
use crate::evidence::contents::ContentError;
use crate::evidence::sbom::InventoryError;
use crate::evidence::scan::SpecLine;
use crate::evidence::sign::{KeyError, SignError};
use crate::evidence::test_result::ReportError;
use crate::git::GitError;
use crate::http::HttpError;
use crate::llb::LlbError;
use crate::oci::Digest;
use crate::packages::deb;
use crate::plan::{LevelError, LockError, PlanError};
use crate::registry::RegistryError;
use crate::solve::SolveError;
use crate::solve::gateway::GatewayError;
use crate::store::StoreError;
use crate::tree::TreeError;
use std::path::PathBuf;
use std::time::Duration;

/// Why kiln's work could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The spec has mistakes.
    #[error("{0}")]
    Spec(Diagnostics),
    /// The lock has mistakes.
    #[error("{0}")]
    Lock(#[from] LockError),
    /// What the spec names outside is not there.
    #[error("{0}")]
    Unpinned(Diagnostics),
    /// The lock does not fit the spec, and it must not be changed.
    #[error("{reason}\nrun `kiln lock` and commit {}", path.display())]
    LockStale {
        /// The lock.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The options of the command line do not fit the spec.
    #[error("{0}")]
    Usage(String),
    /// A file that the user named cannot be read.
    #[error("cannot read {what} {}: {source}", path.display())]
    Unreadable {
        /// What it is.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Unwritable {
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No key is configured where none is made.
    #[error(
        "no signing key is configured, and in continuous integration ({service}) kiln makes none: \
         make one with `kiln key generate`, keep NAME.key as a secret of the service, and name it with \
         `--key FILE`, the environment variable KILN_KEY or `sign {{ key \"FILE\" }}` in the spec \
         (its passphrase goes into KILN_KEY_PASSWORD)"
    )]
    NoKeyInCi {
        /// Which service it is.
        service: String,
    },
    /// A key cannot be used.
    #[error("signing key {}: {error}", path.display())]
    Key {
        /// The key's file.
        path: PathBuf,
        /// What is wrong.
        error: KeyError,
    },
    /// The key of others cannot be used.
    #[error("the public key {}: {error}", path.display())]
    PublicKey {
        /// The key's file.
        path: PathBuf,
        /// What is wrong.
        error: KeyError,
    },
    /// An image is not signed by a key that the spec or a policy names.
    #[error("{reference} ({digest}) is refused: {}; {found}", unsigned(keys, at.as_ref()))]
    Unsigned {
        /// The image.
        reference: String,
        /// What the lock pins.
        digest: Digest,
        /// The files of the keys, of which one is enough.
        keys: Vec<PathBuf>,
        /// The line of the policy that asks for it; none where the spec does so beside the image.
        at: Option<SpecLine>,
        /// What is attached to it, in words.
        found: String,
    },
    /// The passphrase of a key cannot be had.
    #[error("the passphrase of {} cannot be had: {reason}", path.display())]
    Passphrase {
        /// The key's file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Something could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The bill of materials cannot be made: a mistake in kiln.
    #[error("the bill of materials cannot be made: {0}; this is a mistake in kiln, please report it")]
    Inventory(#[from] InventoryError),
    /// The packages could not be had.
    #[error(transparent)]
    Packages(#[from] deb::DebError),
    /// A base of kiln's own.
    #[error(transparent)]
    Level(#[from] LevelError),
    /// The spec and its inputs do not fit together.
    #[error(transparent)]
    Compile(compile::CompileError),
    /// The graph is malformed.
    #[error(transparent)]
    Graph(#[from] LlbError),
    /// A step failed.
    #[error("{0}")]
    Solve(Box<Failure>),
    /// A check left no results where the spec says that it does.
    #[error("the check `{check}` succeeded and left no file {path}, where the spec says that its results are")]
    NoResults {
        /// The check.
        check: String,
        /// The file.
        path: String,
    },
    /// The results of a check cannot be read.
    #[error("the results of `{check}` cannot be attested: {error}")]
    BadResults {
        /// The check.
        check: String,
        /// What is wrong with them.
        error: ReportError,
    },
    /// Accounts do not fit together.
    #[error(transparent)]
    Account(#[from] crate::image::accounts::AccountError),
    /// A layer.
    #[error(transparent)]
    Layer(#[from] crate::image::layer::LayerError),
    /// An image's documents.
    #[error(transparent)]
    Assemble(#[from] crate::image::assemble::AssembleError),
    /// An output.
    #[error(transparent)]
    Output(#[from] crate::image::output::OutputError),
    /// An image in a layout.
    #[error(transparent)]
    Layout(#[from] crate::image::layout::LayoutError),
    /// The layers of an image.
    #[error(transparent)]
    Flatten(#[from] crate::tree::flatten::FlattenError),
    /// The SHA-1 digests for a bill of materials.
    #[error(transparent)]
    Sha1(#[from] crate::evidence::sbom::Sha1Error),
    /// A tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The network.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// What was pushed is not there.
    #[error("{0}; no tag was moved")]
    NotArrived(String),
    /// A daemon that makes and pushes images cannot do it.
    #[error("{0}")]
    Daemon(String),
    /// A daemon has pushed something else than was to be built.
    #[error(
        "the image {digest} that the daemon pushed to {place} is refused: {reason}; nothing was signed, and no tag was moved"
    )]
    NotAsBuilt {
        /// Where it is.
        place: String,
        /// Its manifest.
        digest: Digest,
        /// What is wrong with it.
        reason: String,
    },
    /// A daemon has pushed the value of a secret.
    #[error(
        "`{command}` leaves the value of the secret `{secret}` in the layer {layer}, which the daemon has pushed: take it for \
         known, and give the secret another value; nothing was signed, and no tag was moved"
    )]
    Leaked {
        /// The secret's name.
        secret: String,
        /// What made the layer.
        command: String,
        /// The layer.
        layer: Digest,
    },
    /// What has arrived somewhere does not verify.
    #[error("the image at {place} is not verified, and no tag was moved:\n  {reasons}")]
    NotVerified {
        /// Where it is.
        place: String,
        /// What failed.
        reasons: String,
    },
    /// kiln contradicts itself.
    #[error("{0}; this is a mistake in kiln, please report it")]
    Mistake(String),
    /// Inputs cannot be pinned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A set of packages does not fit together as files.
    #[error(transparent)]
    Set(#[from] deb::set::SetError),
    /// The daemon that runs kiln as its frontend.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The files of a base cannot be read.
    #[error("cannot read the base: {0}")]
    Base(#[from] crate::tree::capture::CaptureError),
    /// A tree cannot be laid out as files.
    #[error(transparent)]
    Materialise(#[from] crate::tree::materialise::MaterialiseError),
    /// What was asked for is not in the image.
    #[error("{0}")]
    NotThere(String),
    /// A database of advisories is not in the store.
    #[error(
        "the database of advisories {0} is not in this store: bring it with `kiln db pull`, say in the policy where it is \
         (`database \"registry.example.com/security/advisories\"`), or take the newest with `kiln lock --update advisories`"
    )]
    NoDatabase(Digest),
    /// No database could be made of feeds.
    #[error(transparent)]
    Feeds(#[from] CompileError),
    /// A database of advisories cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Contents cannot be scanned.
    #[error(transparent)]
    Contents(#[from] ContentError),
    /// A place for results of commands says no.
    #[error("{place}: {reason}")]
    Refused {
        /// Which one.
        place: String,
        /// Why, and what to do.
        reason: String,
    },
    /// Results of commands took longer on their way than they may.
    #[error("it took longer than the {limit:?} that `timeout` allows")]
    Late {
        /// How long they may take.
        limit: Duration,
    },
}

/// Whose fault an error is: decides the exit code (`specs/exit-codes.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// kiln or the machine failed.
    Failure,
    /// The spec or the command line is wrong.
    Usage,
    /// The lock is missing, stale or cannot be met.
    Lock,
    /// A build step failed.
    Step,
    /// Verification failed.
    Verification,
    /// An outside service failed after retries.
    Service,
    /// Somebody interrupted it.
    Interrupted,
}

impl From<compile::CompileError> for Error {
    fn from(error: compile::CompileError) -> Self {
        match error {
            compile::CompileError::Spec(mistakes) => Error::Spec(mistakes),
            other => Error::Compile(other),
        }
    }
}

impl Error {
    /// Whose fault it is.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Spec(_) | Error::Usage(_) | Error::NoKeyInCi { .. } => Kind::Usage,
            Error::Unreadable {
                what:
                    "the spec" | "the public key" | "the policy" | "the feed" | "the VEX document" | "the policy's cases",
                ..
            } => Kind::Usage,
            Error::Compile(_) => Kind::Usage,
            Error::Lock(_) | Error::LockStale { .. } | Error::Unpinned(_) => Kind::Lock,
            Error::Plan(PlanError::Git { error, .. }) => of_git(error),
            Error::Plan(PlanError::WrongTree { .. } | PlanError::WrongSubmodules { .. }) => Kind::Lock,
            Error::Plan(PlanError::Unsatisfiable { .. } | PlanError::NothingToUpdate(_)) => Kind::Lock,
            Error::Plan(PlanError::NoAdvisories) | Error::NoDatabase(_) => Kind::Lock,
            Error::Plan(PlanError::WrongDownload { .. } | PlanError::NoSuchImage(_)) => Kind::Lock,
            Error::Plan(PlanError::Registry(RegistryError::NoSuchImage(_))) => Kind::Lock,
            Error::Plan(PlanError::Registry(RegistryError::Setting(_)))
            | Error::Registry(RegistryError::Setting(_)) => Kind::Usage,
            Error::Plan(PlanError::Registry(RegistryError::NoSuchPlatform { .. })) => Kind::Usage,
            Error::Plan(PlanError::Registry(error)) | Error::Registry(error) if error.is_of_service() => Kind::Service,
            Error::Unsigned { .. } => Kind::Verification,
            Error::Plan(PlanError::Packages(error)) if error.is_of_service() => Kind::Service,
            Error::Plan(PlanError::Http(error)) if error.is_of_server() => Kind::Service,
            Error::Packages(deb::DebError::PackageGone { .. }) => Kind::Lock,
            Error::Packages(error) if error.is_of_service() => Kind::Service,
            Error::Http(error) if error.is_of_server() => Kind::Service,
            Error::NotArrived(_) | Error::Refused { .. } | Error::Late { .. } | Error::Daemon(_) => Kind::Service,
            Error::NotVerified { .. } | Error::NotAsBuilt { .. } => Kind::Verification,
            Error::Solve(failure) if matches!(failure.error, SolveError::Cancelled) => Kind::Interrupted,
            Error::Solve(_) | Error::Leaked { .. } | Error::NoResults { .. } | Error::BadResults { .. } => Kind::Step,
            _ => Kind::Failure,
        }
    }
}

/// Who should have signed, and who says so.
fn unsigned(keys: &[PathBuf], at: Option<&SpecLine>) -> String {
    let keys: Vec<String> = keys.iter().map(|key| key.display().to_string()).collect();
    let nobody = match keys.as_slice() {
        [one] => format!("{one} did not sign it"),
        several => format!("none of {} signed it", several.join(", ")),
    };
    match at {
        Some(at) => format!("{nobody}, as the policy asks at {}:{}", at.file, at.line),
        None => nobody,
    }
}

fn of_git(error: &GitError) -> Kind {
    match error {
        GitError::Cancelled => Kind::Interrupted,
        error if error.is_missing() => Kind::Lock,
        error if error.is_of_service() => Kind::Service,
        _ => Kind::Failure,
    }
}
