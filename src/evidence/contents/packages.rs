//! Packages that the files of an image tell of.

use super::{ContentError, Remembered, content, remembered, small_file};
use crate::catalog::{self, Found, OsRelease, Package, Question};
use crate::oci::Digest;
use crate::store::{Ledger, Store, StoreError};
use crate::tree::{Entry, Tree, TreePath};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::io;

/// The packages that the files of a file system tell of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogued {
    /// The distribution that the file system says to be, or that is known otherwise.
    pub distribution: Option<OsRelease>,
    /// The packages, by package URL.
    pub packages: Vec<Package>,
    /// What could not be read, and why, by path; what packages it tells of is not known.
    pub unread: Vec<(TreePath, String)>,
}

/// The kind of record that answers are.
const ANSWERS: &str = "catalogued";

/// Why a database of packages is as good as not read.
const NAMELESS: &str = "nothing says which distribution's packages these are: there is no etc/os-release";

/// What one content says, or why it does not.
type Answer = Result<Vec<Found>, String>;

/// Catalogues the files of a file system, those that no layer hides.
///
/// `known` is the distribution where the file system names none: without it nobody could look its packages up.
/// `is_owned` says whether a package that kiln installed owns a path. Such a file is asked for nothing but other
/// packages' files: what is in it comes with its owner.
///
/// # Errors
/// Where the store fails. A file that is damaged is named in [`Catalogued::unread`].
pub fn catalogue(
    tree: &Tree,
    known: Option<OsRelease>,
    is_owned: impl Fn(&TreePath) -> bool,
    store: &Store,
) -> Result<Catalogued, ContentError> {
    let distribution = distribution(tree, store)?.or(known);
    let asked = tree.iter().filter_map(|(path, entry)| Asked::of(path, entry));
    let asked: Vec<Asked<'_>> = asked.filter(|asked| asked.question.is_database() || !is_owned(asked.path)).collect();
    let answers = answers(&asked, store)?;
    let mut found: Vec<(&TreePath, Vec<Found>)> = Vec::new();
    let mut unread = Vec::new();
    for asked in &asked {
        match answers.get(&asked.key) {
            Some(Ok(packages)) if !packages.is_empty() => {
                found.push((asked.path, packages.clone()));
                let is_nameless = asked.question.is_database() && packages.iter().any(|found| found.distro.is_none());
                if is_nameless && distribution.is_none() {
                    unread.push((asked.path.clone(), NAMELESS.to_owned()));
                }
            }
            Some(Err(reason)) => unread.push((asked.path.clone(), reason.clone())),
            _ => {}
        }
    }
    unread.sort();
    let packages = catalog::assemble(found, distribution.as_ref(), is_owned);
    Ok(Catalogued { distribution, packages, unread })
}

/// The answers by the keys of what was asked.
fn answers(asked: &[Asked<'_>], store: &Store) -> Result<BTreeMap<Digest, Answer>, ContentError> {
    let ledger = Ledger::open(store, ANSWERS);
    // The same content at several places has one answer.
    let tasks: BTreeMap<Digest, &Asked<'_>> = asked.iter().map(|asked| (asked.key, asked)).collect();
    let answers = tasks.par_iter().map(|(key, task)| Ok((*key, remembered(&ledger, key, || task.ask(store))?)));
    let answers = answers.collect::<Result<BTreeMap<Digest, Answer>, ContentError>>()?;
    ledger.save()?;
    Ok(answers)
}

/// The distribution that a file system says to be.
fn distribution(tree: &Tree, store: &Store) -> Result<Option<OsRelease>, StoreError> {
    for path in OsRelease::PATHS {
        if let Some(content) = small_file(tree, path, store)? {
            return Ok(OsRelease::parse(&content));
        }
    }
    Ok(None)
}

/// A file with what it is asked.
struct Asked<'a> {
    path: &'a TreePath,
    content: Digest,
    size: u64,
    question: Question,
    /// The digest of all that decides the answer.
    key: Digest,
}

impl<'a> Asked<'a> {
    fn of(path: &'a TreePath, entry: &'a Entry) -> Option<Self> {
        let (content, size) = content(entry)?;
        let question = catalog::question(path, size, entry.mode)?;
        let version = catalog::VERSION.to_le_bytes();
        let name = if question.depends_on_name() { name(path) } else { b"" };
        let parts = [content.as_bytes(), version.as_slice(), question.name().as_bytes(), b"\0", name];
        Some(Asked { path, content, size, question, key: Digest::of(parts.concat()) })
    }

    fn ask(&self, store: &Store) -> Result<Answer, ContentError> {
        let fail = ContentError::reading(self.content);
        let mut reader = store.reader(&self.content)?;
        // Only what was read to its end is known to be what its name says.
        if reader.checked_file().is_none() {
            io::copy(&mut reader, &mut io::sink()).map_err(&fail)?;
            reader = store.reader(&self.content)?;
        }
        let mut file = reader.into_file().map_err(&fail)?;
        let answer = catalog::answer(self.question, name(self.path), &mut file, self.size);
        Ok(answer.map_err(|error| error.to_string()))
    }
}

fn name(path: &TreePath) -> &[u8] {
    path.file_name().unwrap_or_default()
}

/// What could not be read may have failed for reasons that pass.
impl Remembered for Answer {
    fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() { Some(Ok(Vec::new())) } else { serde_json::from_slice(bytes).ok().map(Ok) }
    }

    fn written(&self) -> Option<Vec<u8>> {
        let found = self.as_ref().ok()?;
        if found.is_empty() { Some(Vec::new()) } else { serde_json::to_vec(found).ok() }
    }
}
