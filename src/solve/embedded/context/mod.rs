//! A folder on disk as a tree.
//!
//! Only what a build can use is looked at: patterns decide before anything is opened.
//! What depends on the machine does not enter the tree: everything is root's, files have
//! mode 0644 or, where their owner may execute them, 0755, folders 0755, and times are
//! the build's. Links are kept as they are; sockets, devices and pipes are errors, as no
//! image can mean them. Names need not be text.
//!
//! Reading has three stages. [`walk`](walk::walk) lists and stats. The [`Index`] tells
//! the content of each file that is as it was. [`file::read`] brings the others into
//! the store, in parallel, the largest first.

mod file;
mod folder;
mod follow;
mod ignore;
mod index;
mod walk;

use crate::llb::attr;
use crate::oci::Digest;
use crate::solve::ContextRead;
use crate::solve::glob::{BadPattern, Patterns};
use crate::store::{Store, StoreError};
use crate::tree::{Entry, PathError, Tree, TreeError, TreePath};
use folder::Folder;
use index::{Clock, Index, Stamp};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use walk::{Filter, Found, What};

/// The most that an ignore file may have.
const IGNORE_LIMIT: u64 = 4 << 20;

/// Why a folder cannot be read as a context.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// The graph asks for a context that was not given.
    #[error("the context `{0}` was not given to this build")]
    Unknown(String),
    /// The folder does not exist.
    #[error("the folder {} does not exist", .0.display())]
    NoFolder(PathBuf),
    /// It is no folder.
    #[error("{} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// The operating system refused; what was attempted stands first.
    #[error("{action} {path}: {source}", path = path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something that no image can hold in this form.
    #[error("{path} is a {kind}, which cannot be part of an image; exclude it", path = path.display())]
    Special {
        /// Where.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// Something changed while it was read.
    #[error("{} changed while it was being read; build again when nothing writes to it", .0.display())]
    Changing(PathBuf),
    /// Links lead on and on.
    #[error("too many symbolic links on the way to {0}")]
    Links(String),
    /// A source's attribute cannot be read.
    #[error("the attribute {name} of the source is malformed: it must be {expected}")]
    Attribute {
        /// Which.
        name: String,
        /// What it must be.
        expected: &'static str,
    },
    /// An ignore file is too large.
    #[error("{} is larger than an ignore file may be", .0.display())]
    IgnoreFile(PathBuf),
    /// A pattern is none.
    #[error(transparent)]
    Pattern(#[from] BadPattern),
    /// A path that no tree can hold.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The tree cannot be made.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ContextError {
    fn io(action: &'static str, path: &Path, errno: rustix::io::Errno) -> Self {
        match errno {
            // It was there when its folder was listed.
            rustix::io::Errno::NOENT => ContextError::Changing(path.to_owned()),
            other => ContextError::Io { action, path: path.to_owned(), source: other.into() },
        }
    }
}

/// Reads a folder as the attributes of its source ask for.
pub(super) fn read(
    path: &Path,
    attrs: &BTreeMap<String, String>,
    store: &Store,
) -> Result<(Tree, ContextRead), ContextError> {
    let folder = Folder::open(path)?;
    let filter = filter(&folder, attrs)?;
    let key = Index::key(&std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()));
    collect(&folder, &filter, &key, store)
}

fn collect(folder: &Folder, filter: &Filter, key: &Digest, store: &Store) -> Result<(Tree, ContextRead), ContextError> {
    let found = walk::walk(folder, filter)?;
    let index = Index::load(store, key)?;
    let clock = Clock::of(folder.fd());
    // Most files are known: that is decided in large portions, and what must be read one by one.
    let looked_up: Vec<Looked> = found.into_par_iter().map(|found| look_up(found, &index, store)).collect();
    let (mut taken, mut unknown) = (Vec::with_capacity(looked_up.len()), Vec::new());
    for looked in looked_up {
        match looked {
            Looked::Known(known) => taken.push(known),
            Looked::Unknown { path, size } => unknown.push((std::cmp::Reverse(size), path)),
        }
    }
    // The largest first, so that none is left for the end when all others are done.
    unknown.sort_unstable();
    let read = unknown
        .par_iter()
        .with_max_len(1)
        .map_init(Vec::new, |buffer, (_, path)| take(path, folder, clock, store, buffer))
        .collect::<Result<Vec<Taken>, _>>()?;
    taken.extend(read);

    let known: Vec<(Stamp, Digest)> = taken.iter().filter_map(|taken| taken.known).collect();
    let fresh = taken.iter().filter(|taken| taken.was_read && taken.known.is_some()).count();
    index.update(store, key, &known, fresh)?;
    let mut read = ContextRead::default();
    for taken in &taken {
        read.files += u64::from(taken.entry.is_file());
        read.read += u64::from(taken.was_read);
        read.bytes += if taken.was_read { taken.entry.size() } else { 0 };
    }
    Ok((tree(taken)?, read))
}

/// A path with its entry.
struct Taken {
    path: TreePath,
    entry: Entry,
    /// What the index may say of it.
    known: Option<(Stamp, Digest)>,
    was_read: bool,
}

/// What could be said of something without reading it.
#[expect(clippy::large_enum_variant, reason = "nearly all are the large one")]
enum Looked {
    Known(Taken),
    Unknown { path: TreePath, size: u64 },
}

fn look_up(found: Found, index: &Index, store: &Store) -> Looked {
    let Found { path, what } = found;
    let (stamp, executable) = match what {
        What::Directory => return Looked::known(path, Entry::dir(0o755), None),
        What::Link(target) => return Looked::known(path, Entry::symlink(target), None),
        What::File { stamp, executable } => (stamp, executable),
    };
    match index.find(&stamp).filter(|digest| store.size(digest) == Some(stamp.size)) {
        Some(digest) => {
            let entry = Entry::file(digest, stamp.size, mode(executable));
            Looked::known(path, entry, Some((stamp, digest)))
        }
        None => Looked::Unknown { path, size: stamp.size },
    }
}

impl Looked {
    fn known(path: TreePath, entry: Entry, known: Option<(Stamp, Digest)>) -> Self {
        Looked::Known(Taken { path, entry, known, was_read: false })
    }
}

fn take(
    path: &TreePath,
    folder: &Folder,
    clock: Clock,
    store: &Store,
    buffer: &mut Vec<u8>,
) -> Result<Taken, ContextError> {
    buffer.resize(file::PIECE, 0);
    let content = file::read(folder, path, clock, store, buffer)?;
    let entry = Entry::file(content.digest, content.stamp.size, mode(content.executable));
    let known = content.settled.then_some((content.stamp, content.digest));
    Ok(Taken { path: path.clone(), entry, known, was_read: true })
}

/// The tree of what was taken, with the folders that hold it.
fn tree(taken: Vec<Taken>) -> Result<Tree, TreeError> {
    let mut entries: BTreeMap<TreePath, Entry> = taken.into_iter().map(|taken| (taken.path, taken.entry)).collect();
    let mut folders: Vec<TreePath> = entries.keys().filter_map(TreePath::parent).collect();
    folders.dedup();
    for folder in folders.iter().flat_map(TreePath::ancestors) {
        entries.entry(folder).or_insert_with(|| Entry::dir(0o755));
    }
    Ok(entries.into_iter().collect())
}

fn mode(executable: bool) -> u16 {
    if executable { 0o755 } else { 0o644 }
}

fn filter(folder: &Folder, attrs: &BTreeMap<String, String>) -> Result<Filter, ContextError> {
    let mut include = list(attrs, attr::INCLUDE_PATTERNS)?;
    let follow = list(attrs, attr::FOLLOW_PATHS)?;
    if !follow.is_empty() {
        // Where one of the paths is the whole folder, they choose nothing.
        include.extend(follow::follow(folder, &follow)?.unwrap_or_default());
    }
    let mut exclude = match attrs.get(attr::IGNORE_FILE) {
        Some(name) => ignore_file(folder, name)?,
        None => Vec::new(),
    };
    exclude.extend(list(attrs, attr::EXCLUDE_PATTERNS)?);
    Ok(Filter { include: Patterns::new(include)?, exclude: Patterns::new(exclude)? })
}

fn list(attrs: &BTreeMap<String, String>, name: &str) -> Result<Vec<String>, ContextError> {
    let Some(value) = attrs.get(name) else { return Ok(Vec::new()) };
    let malformed = |_| ContextError::Attribute { name: name.to_owned(), expected: "a JSON list of strings" };
    serde_json::from_str(value).map_err(malformed)
}

/// What the ignore file `name` of a folder excludes, in the form in which graphs have it; nothing where there is none.
///
/// # Errors
/// Where folder or file cannot be read.
pub fn excluded(path: &Path, name: &str) -> Result<Vec<String>, ContextError> {
    ignore_file(&Folder::open(path)?, name)
}

/// The patterns of an ignore file's text, in the form in which graphs have them.
pub fn patterns_of(text: &str) -> Vec<String> {
    ignore::patterns(text)
}

/// The patterns of an ignore file; none where there is no such file.
fn ignore_file(folder: &Folder, name: &str) -> Result<Vec<String>, ContextError> {
    let path = TreePath::from_user(name)?;
    let shown = folder.shown(&path);
    let file = match folder.file(&path) {
        Ok(file) => std::fs::File::from(file),
        Err(ContextError::Changing(_)) if std::fs::symlink_metadata(&shown).is_err() => return Ok(Vec::new()),
        Err(other) => return Err(other),
    };
    let mut text = Vec::new();
    let read = file.take(IGNORE_LIMIT + 1).read_to_end(&mut text);
    read.map_err(|source| ContextError::Io { action: "cannot read", path: shown.clone(), source })?;
    if text.len() as u64 > IGNORE_LIMIT {
        return Err(ContextError::IgnoreFile(shown));
    }
    Ok(ignore::patterns(&String::from_utf8_lossy(&text)))
}

#[cfg(test)]
mod tests;
