//! Where images go: OCI layouts, archives, and plain folders.
//!
//! Every output is written beside its place and moved there whole, so a killed
//! or failed write leaves the old one untouched. Blobs are copied, never
//! shared with the store, as whoever has the output may change it; those that
//! the layout before had, untouched, are taken over from there.
//!
//! An OCI layout that kiln wrote is replaced by the next one. It carries, in
//! its index, a digest of the index's rows: a layout to which another tool has
//! added something, and any other folder that is not empty, is left alone.
//!
//! Nothing is written where the output is there already, byte for byte. The
//! store remembers the files that were written by their inodes and times of
//! change, so that this needs no reading.

mod docker;
mod layout;
mod remembered;
mod staging;

pub use layout::{Content, layout_tree};

use crate::oci::{Descriptor, Digest, Platform};
use crate::store::{Store, StoreError};
use crate::tree::materialise::{self, Loss, MaterialiseError, materialise};
use crate::tree::tar::{self, TarError};
use crate::tree::{Change, Entry, Tree, TreeError, TreePath};
use staging::Staging;
use std::fmt;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where an image goes, as users write it: `oci:DIR`, `oci-archive:FILE`, `docker-archive:FILE`, `tree:DIR`, `tar:FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A folder as the image layout specification says.
    Oci(PathBuf),
    /// Such a folder as one tar archive.
    OciArchive(PathBuf),
    /// What `docker load` reads; one platform.
    DockerArchive(PathBuf),
    /// The root filesystem as plain files; one platform.
    Tree(PathBuf),
    /// The root filesystem as a tar archive; one platform.
    Tar(PathBuf),
}

/// What writing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// There was nothing before.
    New,
    /// An older output was there.
    Replaced,
    /// The same was there already.
    Unchanged,
}

/// Why an output could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// No such kind of output.
    #[error("`{0}` is no output: write oci:DIR, oci-archive:FILE, docker-archive:FILE, tree:DIR or tar:FILE")]
    Unknown(String),
    /// There is something that is not kiln's to replace.
    #[error("{} is left alone: {reason}; remove it or choose another place", path.display())]
    NotOurs {
        /// What is there.
        path: PathBuf,
        /// Why it is not replaced.
        reason: &'static str,
    },
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A manifest or index in the store is none.
    #[error("{digest} is not a manifest or index that can be written out: {reason}")]
    Document {
        /// The document.
        digest: Digest,
        /// What is wrong with it.
        reason: String,
    },
    /// A form that holds one platform was asked to hold several.
    #[error("this output holds one platform, and the image is for {}; choose one", list(.0))]
    SeveralPlatforms(Vec<Platform>),
    /// The archive could not be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Archive {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong.
        source: TarError,
    },
    /// The files could not be made.
    #[error(transparent)]
    Materialise(#[from] MaterialiseError),
    /// A path cannot be.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn list(platforms: &[Platform]) -> String {
    platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl FromStr for Output {
    type Err = OutputError;

    fn from_str(text: &str) -> Result<Self, OutputError> {
        let unknown = || OutputError::Unknown(text.chars().take(80).collect());
        let (kind, path) = text.split_once(':').filter(|(_, path)| !path.is_empty()).ok_or_else(unknown)?;
        match kind {
            "oci" => Ok(Output::Oci(path.into())),
            "oci-archive" => Ok(Output::OciArchive(path.into())),
            "docker-archive" => Ok(Output::DockerArchive(path.into())),
            "tree" => Ok(Output::Tree(path.into())),
            "tar" => Ok(Output::Tar(path.into())),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, path) = match self {
            Output::Oci(path) => ("oci", path),
            Output::OciArchive(path) => ("oci-archive", path),
            Output::DockerArchive(path) => ("docker-archive", path),
            Output::Tree(path) => ("tree", path),
            Output::Tar(path) => ("tar", path),
        };
        write!(f, "{kind}:{}", path.display())
    }
}

/// Writes an OCI layout into the folder `target`, which is missing, empty, or a layout that kiln wrote.
///
/// # Errors
/// [`OutputError::NotOurs`] for anything else that is there.
pub fn write_layout(content: &Content, store: &Store, target: &Path, epoch: i64) -> Result<Written, OutputError> {
    let tree = layout_tree(content, store)?;
    let key = identity(&tree, epoch, "oci")?;
    if remembered::holds(store, target, &key)? {
        return Ok(Written::Unchanged);
    }
    let present = layout::check_replaceable(target)?;
    let staging = Staging::beside(target)?;
    let kept = if present { remembered::intact(store, target)? } else { Vec::new() };
    write_blobs(tree, &kept, store, target, staging.new_path(), epoch)?;
    staging.move_folder(target)?;
    remembered::remember(store, target, &key)?;
    Ok(if present { Written::Replaced } else { Written::New })
}

/// Makes the layout `tree` in the folder `new`. Blobs that the `old` layout has in one of the files `kept`
/// are not copied again: the file becomes part of both, until the old layout goes.
fn write_blobs(
    mut tree: Tree,
    kept: &[PathBuf],
    store: &Store,
    old: &Path,
    new: &Path,
    epoch: i64,
) -> Result<(), OutputError> {
    std::fs::create_dir_all(new).map_err(failed("make the folder", new))?;
    for file in kept.iter().filter(|file| file.starts_with("blobs")) {
        let Ok(path) = TreePath::new(file.as_os_str().as_bytes()) else { continue };
        let (from, to) = (old.join(file), new.join(file));
        // Another build may be replacing the old layout: what is gone is copied like the others.
        let Ok(metadata) = std::fs::metadata(&from) else { continue };
        let same = |entry: &Entry| metadata.mtime() == epoch && metadata.len() == entry.size();
        if !tree.get(&path).is_some_and(same) {
            continue;
        }
        let folder = to.parent().unwrap_or(new);
        std::fs::create_dir_all(folder).map_err(failed("make the folder", folder))?;
        // Where there can be no second link, the blob is copied like the others.
        if std::fs::hard_link(from, to).is_ok() {
            tree.remove(&path);
        }
    }
    // As an ordinary user everything is that user's, which is as it should be here.
    let _ = materialise(&tree, store, new, materialise::Options { epoch, over_existing: true, ..Default::default() })?;
    Ok(())
}

/// Writes an OCI layout as a tar archive to the file `target`.
///
/// # Errors
/// [`OutputError::NotOurs`] where something else than an archive is there.
pub fn write_oci_archive(content: &Content, store: &Store, target: &Path, epoch: i64) -> Result<Written, OutputError> {
    write_archive(&layout_tree(content, store)?, store, target, epoch)
}

/// Writes what `docker load` reads to the file `target`: one platform of the image, without what refers to it.
///
/// It is an OCI layout as well, as Docker itself writes it since version 25.
///
/// # Errors
/// [`OutputError::SeveralPlatforms`] where the image has more than one and `platform` does not choose.
pub fn write_docker_archive(
    content: &Content,
    platform: Option<&Platform>,
    store: &Store,
    target: &Path,
    epoch: i64,
) -> Result<Written, OutputError> {
    write_archive(&docker::archive_tree(content, platform, store)?, store, target, epoch)
}

/// Writes a root filesystem into the folder `target`, which is missing or empty; returns what could not be kept.
///
/// # Errors
/// [`OutputError::NotOurs`] where there is something: what was done to it since could not be told.
pub fn write_tree(tree: &Tree, store: &Store, target: &Path, epoch: i64) -> Result<Vec<(TreePath, Loss)>, OutputError> {
    if staging::is_there(target)? && !staging::is_empty_folder(target)? {
        return Err(OutputError::NotOurs { path: target.to_owned(), reason: "it is not empty" });
    }
    let staging = Staging::beside(target)?;
    let options = materialise::Options { epoch, ..Default::default() };
    let losses = materialise(tree, store, staging.new_path(), options)?;
    staging.move_folder(target)?;
    Ok(losses)
}

/// Writes a root filesystem as a tar archive to the file `target`, owners and modes as they are.
///
/// # Errors
/// [`OutputError::NotOurs`] where something else than an archive is there.
pub fn write_tree_archive(tree: &Tree, store: &Store, target: &Path, epoch: i64) -> Result<Written, OutputError> {
    write_archive(tree, store, target, epoch)
}

fn write_archive(tree: &Tree, store: &Store, target: &Path, epoch: i64) -> Result<Written, OutputError> {
    let key = identity(tree, epoch, "archive")?;
    if remembered::holds(store, target, &key)? {
        return Ok(Written::Unchanged);
    }
    let change = Change::from(tree.clone());
    let present = match check_archive(target)? {
        Present::Nothing => false,
        Present::Archive => true,
        Present::Stream => {
            let file = std::fs::File::options().write(true).open(target).map_err(failed("open", target))?;
            write_tar(&change, store, epoch, file, target)?;
            return Ok(Written::New);
        }
    };
    let staging = Staging::beside(target)?;
    let path = staging.new_path();
    let file = std::fs::File::create_new(path).map_err(failed("create", path))?;
    write_tar(&change, store, epoch, file, target)?;
    staging.move_file(target)?;
    remembered::remember(store, target, &key)?;
    Ok(if present { Written::Replaced } else { Written::New })
}

fn write_tar(
    change: &Change,
    store: &Store,
    epoch: i64,
    file: std::fs::File,
    target: &Path,
) -> Result<(), OutputError> {
    let mut out = BufWriter::with_capacity(256 << 10, file);
    tar::write(change, store, epoch, &mut out)
        .map_err(|source| OutputError::Archive { path: target.to_owned(), source })?;
    out.flush().map_err(failed("write", target))
}

enum Present {
    Nothing,
    Archive,
    /// A pipe or a device, such as `/dev/stdout`: written to, never replaced.
    Stream,
}

/// What is there, if an archive may take its place.
fn check_archive(target: &Path) -> Result<Present, OutputError> {
    use std::os::unix::fs::FileTypeExt;
    let kind = match std::fs::metadata(target) {
        Ok(metadata) => metadata.file_type(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Present::Nothing),
        Err(e) => return Err(failed("look at", target)(e)),
    };
    if kind.is_fifo() || kind.is_char_device() {
        return Ok(Present::Stream);
    }
    let not_ours = |reason| OutputError::NotOurs { path: target.to_owned(), reason };
    if !kind.is_file() {
        return Err(not_ours("it is not a file"));
    }
    let mut start = Vec::new();
    let file = std::fs::File::open(target).map_err(failed("read", target))?;
    file.take(512).read_to_end(&mut start).map_err(failed("read", target))?;
    match start.get(257..262) {
        Some(b"ustar") => Ok(Present::Archive),
        _ if start.is_empty() => Ok(Present::Archive),
        _ => Err(not_ours("it is not a tar archive")),
    }
}

/// Names all that an output consists of.
fn identity(tree: &Tree, epoch: i64, kind: &str) -> Result<Digest, OutputError> {
    Ok(Digest::of(format!("kiln output 1\n{kind}\n{epoch}\n{}", tree.digest())))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OutputError {
    let path = path.to_owned();
    move |source| OutputError::Io { action, path, source }
}

/// The descriptor under which an image's own row stands, without what only its place in an index says.
fn bare(descriptor: &Descriptor) -> Descriptor {
    Descriptor { annotations: std::collections::BTreeMap::new(), ..descriptor.clone() }
}

#[cfg(test)]
mod tests;
