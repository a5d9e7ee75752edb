//! From a `.deb` in the store to a tree in the store, once for ever.
//!
//! What comes out depends on the package's bytes alone: nothing is left out,
//! moved or decided here. The result is kept as a record under the package's
//! digest, so a package that was ever unpacked costs one look-up.

use super::LockedPackage;
use super::archive::{Archive, ArchiveError};
use super::stanza::{Stanza, StanzaError};
use crate::oci::Digest;
use crate::store::{BlobReader, Store, StoreError};
use crate::tree::tar::{self, Compression, Decompressed, Kind, Limits, TarError};
use crate::tree::{Tree, TreeError, TreePath};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;

/// The kind of record that unpacked packages are.
const RECORD: &str = "unpacked-deb";

/// Part of each record's key: to be raised when the same bytes would be unpacked differently.
const FORMAT: &[u8] = b"1";

/// The most that a package's control member may unpack to.
const MAX_CONTROL: u64 = 64 << 20;

/// The most files in it.
const MAX_CONTROL_FILES: u64 = 200;

/// The longest control paragraph.
const MAX_PARAGRAPH: u64 = 1 << 20;

/// What a package may unpack to beyond a multiple of its size: small ones may be all zeros.
const DATA_ALLOWANCE: u64 = 64 << 20;

/// How many times its own size a package may unpack to; real ones stay below 40.
const DATA_RATIO: u64 = 200;

/// A package as it stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// The digest of the `.deb`.
    pub sha256: Digest,
    /// What the package says of itself.
    pub stanza: Stanza,
    /// The files of its control member, by name, `control` among them.
    pub files: BTreeMap<String, Digest>,
    /// What it installs: all of it, at the places that it names.
    pub tree: Tree,
}

/// Why a package cannot be unpacked; the message begins with its name.
#[derive(Debug, thiserror::Error)]
#[error("cannot unpack {package}: {reason}")]
pub struct UnpackError {
    /// Name and version, as the lock has them.
    pub package: String,
    /// What is wrong.
    pub reason: UnpackReason,
}

/// What is wrong with a package.
#[derive(Debug, thiserror::Error)]
pub enum UnpackReason {
    /// It is no Debian package.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A member is compressed in another way than its name says.
    #[error("its member {0} is not compressed as its name says")]
    Disguised(&'static str),
    /// A member of it cannot be read.
    #[error("in its member {member}: {source}")]
    Member {
        /// `control.tar` or `data.tar`.
        member: &'static str,
        /// What is wrong there.
        source: TarError,
    },
    /// The control member holds something else than plain files with plain names.
    #[error("its control member has the entry `{0}`, which is no plain file with a plain name")]
    ControlEntry(String),
    /// The control paragraph is malformed.
    #[error(transparent)]
    Control(#[from] StanzaError),
    /// The control paragraph is missing.
    #[error("it has no control file")]
    NoControl,
    /// It is another package than the one that was locked.
    #[error(
        "it says that its {field} is `{actual}`, but the lock says `{expected}`; if the lock is right, the archive is not"
    )]
    OtherPackage {
        /// The field that differs.
        field: &'static str,
        /// What the lock says.
        expected: String,
        /// What the package says.
        actual: String,
    },
    /// It installs a file through a symbolic link of its own.
    #[error("it installs {0} through a symbolic link of its own, which would end up elsewhere")]
    ThroughLink(TreePath),
    /// A list of paths in its control member leads out of the root.
    #[error("its {file} names the path `{path}`, which is refused")]
    ListedPath {
        /// The list.
        file: &'static str,
        /// The path.
        path: String,
    },
    /// A tree cannot be stored or read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is kept of an unpacked package; the tree and the files are blobs.
#[derive(Serialize, Deserialize)]
struct Record {
    control: String,
    tree: Digest,
    files: BTreeMap<String, Digest>,
}

/// Unpacks packages, those that were not yet; in the order of `packages`.
///
/// # Errors
/// The first one in that order.
pub fn unpack_all(store: &Store, packages: &[LockedPackage]) -> Result<Vec<Unpacked>, UnpackError> {
    // The largest first, so that no core is left alone with it at the end.
    let mut order: Vec<usize> = (0..packages.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(packages[*i].size));
    let mut results: Vec<(usize, Result<Unpacked, UnpackError>)> =
        order.into_par_iter().with_max_len(1).map(|i| (i, unpack(store, &packages[i]))).collect();
    results.sort_by_key(|(i, _)| *i);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Unpacks one package whose `.deb` is in the store.
///
/// # Errors
/// Where the bytes are no package, another one than the lock says, or hostile.
pub fn unpack(store: &Store, package: &LockedPackage) -> Result<Unpacked, UnpackError> {
    let run = || -> Result<Unpacked, UnpackReason> {
        if let Some(unpacked) = recorded(store, &package.sha256)? {
            check_identity(&unpacked.stanza, package)?;
            return Ok(unpacked);
        }
        unpack_anew(store, package)
    };
    run().map_err(|reason| UnpackError { package: format!("{} {}", package.name, package.version), reason })
}

fn record_key(sha256: &Digest) -> Digest {
    Digest::of([FORMAT, sha256.as_bytes()].concat())
}

/// The package from its record, if all that it speaks of is still in the store.
fn recorded(store: &Store, sha256: &Digest) -> Result<Option<Unpacked>, UnpackReason> {
    let Some(bytes) = store.record(RECORD, &record_key(sha256))? else { return Ok(None) };
    let Ok(record) = serde_json::from_slice::<Record>(&bytes) else { return Ok(None) };
    let Ok(stanza) = Stanza::parse(&record.control) else { return Ok(None) };
    let tree = match Tree::load(store, &record.tree) {
        Ok(tree) => tree,
        Err(TreeError::Store(e)) if !e.is_lost_content() => return Err(e.into()),
        Err(_) => return Ok(None),
    };
    let is_whole = record.files.values().all(|d| store.has(d)) && has_contents(store, &tree);
    Ok(is_whole.then_some(Unpacked { sha256: *sha256, stanza, files: record.files, tree }))
}

/// Whether all contents of a tree are in the store.
pub(super) fn has_contents(store: &Store, tree: &Tree) -> bool {
    tree.iter().filter_map(|(_, entry)| entry.content()).all(|content| store.has(content))
}

fn unpack_anew(store: &Store, package: &LockedPackage) -> Result<Unpacked, UnpackReason> {
    let size = store.size(&package.sha256).ok_or(StoreError::Missing(package.sha256))?;
    let mut archive = Archive::open(store.reader(&package.sha256)?, size)?;
    let compression = archive.control()?;
    let (stanza, files) = read_control(member("control.tar", compression, &mut archive, MAX_CONTROL)?, store)?;
    check_identity(&stanza, package)?;
    let limit = DATA_ALLOWANCE.saturating_add(size.saturating_mul(DATA_RATIO));
    let compression = archive.data()?;
    let input = member("data.tar", compression, &mut archive, limit)?;
    let tree = read_data(input, store, &package.sha256, limit)?;
    // Only now it is known that the bytes were those that the lock names.
    archive.finish().map_err(corruption)?;
    check_lists(store, &files)?;
    let record = Record { control: stanza.text().to_owned(), tree: tree.save(store)?, files };
    let bytes = serde_json::to_vec(&record).expect("strings and digests make JSON");
    store.set_record(RECORD, &record_key(&package.sha256), &bytes)?;
    Ok(Unpacked { sha256: package.sha256, stanza, files: record.files, tree })
}

/// Finds the store's own error, a damaged blob, in what came through the archive.
fn corruption(error: ArchiveError) -> UnpackReason {
    match error {
        ArchiveError::Read(e) if e.get_ref().is_some_and(|inner| inner.is::<StoreError>()) => {
            UnpackReason::Store(StoreError::from(e))
        }
        other => other.into(),
    }
}

fn check_identity(stanza: &Stanza, package: &LockedPackage) -> Result<(), UnpackReason> {
    let fields = [
        ("name", &package.name, stanza.name()),
        ("version", &package.version, stanza.version()),
        ("architecture", &package.architecture, stanza.architecture()),
    ];
    for (field, expected, actual) in fields {
        if expected != actual {
            let (expected, actual) = (expected.clone(), actual.to_owned());
            return Err(UnpackReason::OtherPackage { field, expected, actual });
        }
    }
    Ok(())
}

type ControlFiles = BTreeMap<String, Digest>;

/// The present member's bytes without their compression, `limit` of them at most.
fn member<'a>(
    member: &'static str,
    stated: Compression,
    archive: &'a mut Archive<BlobReader>,
    limit: u64,
) -> Result<Decompressed<&'a mut Archive<BlobReader>>, UnpackReason> {
    let input = tar::decompress(archive, limit).map_err(|source| UnpackReason::Member { member, source })?;
    if input.compression() == stated { Ok(input) } else { Err(UnpackReason::Disguised(member)) }
}

/// Reads the control member: plain files with plain names, nothing else.
fn read_control(input: impl Read, store: &Store) -> Result<(Stanza, ControlFiles), UnpackReason> {
    let fail = |source| UnpackReason::Member { member: "control.tar", source };
    let limits = Limits { entries: MAX_CONTROL_FILES, size: MAX_CONTROL, depth: 1, ..Limits::default() };
    let mut reader = tar::Reader::new(input, limits);
    let mut control = None;
    let mut files = ControlFiles::new();
    while let Some(mut member) = reader.next_member().map_err(fail)? {
        let path = member.header().path.clone();
        if path.is_root() {
            continue;
        }
        let name = std::str::from_utf8(path.as_bytes()).ok().filter(|n| is_plain(n)).map(str::to_owned);
        let (Some(name), Kind::File) = (name, &member.header().kind) else {
            return Err(UnpackReason::ControlEntry(path.to_string()));
        };
        if name == "control" {
            let mut bytes = Vec::new();
            let read = (&mut member).take(MAX_PARAGRAPH + 1).read_to_end(&mut bytes);
            read.map_err(|e| fail(TarError::Read(e)))?;
            let text = String::from_utf8(bytes).ok().filter(|text| text.len() as u64 <= MAX_PARAGRAPH);
            let text = text.ok_or_else(|| UnpackReason::ControlEntry("control (too long, or no UTF-8)".into()))?;
            control = Some(Stanza::parse(&text)?);
            files.insert(name, store.put(text.as_bytes())?);
            continue;
        }
        let digest = member.store(store).map_err(fail)?;
        if files.insert(name.clone(), digest).is_some() {
            return Err(UnpackReason::ControlEntry(format!("{name} (twice)")));
        }
    }
    Ok((control.ok_or(UnpackReason::NoControl)?, files))
}

fn is_plain(name: &str) -> bool {
    !name.starts_with(['.', '-']) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b))
}

/// Reads the data member into a tree.
fn read_data(input: impl Read, store: &Store, sha256: &Digest, limit: u64) -> Result<Tree, UnpackReason> {
    let fail = |source| UnpackReason::Member { member: "data.tar", source };
    let named = RefCell::new(Vec::new());
    let note = |path: &TreePath| {
        named.borrow_mut().push(path.clone());
        Some(path.clone())
    };
    let options = tar::Options {
        limits: Limits { size: limit, ..Limits::default() },
        origin: sha256.as_bytes(),
        map: Some(&note),
        ..tar::Options::default()
    };
    let tree = tar::read(input, store, &options).map_err(fail)?.entries;
    // Whoever goes through a link of the same archive wants to end up where nobody looks.
    match named.into_inner().into_iter().find(|path| tree.get(path).is_none()) {
        Some(path) => Err(UnpackReason::ThroughLink(path)),
        None => Ok(tree),
    }
}

/// The lists of paths must be paths: others read them too.
fn check_lists(store: &Store, files: &ControlFiles) -> Result<(), UnpackReason> {
    for (file, prefix) in [("md5sums", ""), ("conffiles", "/")] {
        let Some(digest) = files.get(file) else { continue };
        let bytes = store.read(digest, MAX_CONTROL)?;
        for line in bytes.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            let path = match file {
                "md5sums" => line.iter().position(|b| *b == b' ').map(|at| line[at..].trim_ascii_start()),
                // A conffile that the package gives up is marked so in front.
                _ => Some(line.strip_prefix(b"remove-on-upgrade ").unwrap_or(line).trim_ascii()),
            };
            let clean = path
                .and_then(|p| p.strip_prefix(prefix.as_bytes()))
                .and_then(|p| TreePath::new(p.strip_prefix(b"./").unwrap_or(p)).ok())
                .filter(|p| !p.is_root());
            if clean.is_none() {
                let path = line[..line.len().min(200)].escape_ascii().to_string();
                return Err(UnpackReason::ListedPath { file, path });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod peer;
#[cfg(test)]
mod tests;
