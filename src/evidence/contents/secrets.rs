//! Secrets in the files of an image's layers, those that others hide included: they can be read all the same.

use super::{ContentError, Remembered, content, remembered};
use crate::oci::Digest;
use crate::secrets::{self, Leaks, SearchError};
use crate::store::{Ledger, Store};
use crate::tree::{Entry, TreePath};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::io;

/// A file of some layer of an image.
#[derive(Debug, Clone, Copy)]
pub struct LayeredFile<'a> {
    /// The position of the layer; none where nobody knows it.
    pub layer: Option<usize>,
    /// Where it stands.
    pub path: &'a TreePath,
    /// What stands there.
    pub entry: &'a Entry,
    /// Whether a layer above takes it away or puts something else in its place.
    pub is_hidden: bool,
}

/// The secrets of an image's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Searched {
    /// The secrets, by layer and path.
    pub leaks: Vec<LeakyFile>,
    /// What was not searched to its end, and why, by path.
    pub unread: Vec<(TreePath, String)>,
}

/// A file with secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeakyFile {
    /// The position of its layer.
    pub layer: Option<usize>,
    /// Its path.
    pub path: TreePath,
    /// Whether a layer above covers it.
    pub is_hidden: bool,
    /// The secrets.
    pub leaks: Leaks,
}

/// The kind of record that answers are.
const ANSWERS: &str = "searched";

/// Searches the files of an image's layers for secrets.
///
/// # Errors
/// Where the store fails. A file that cannot be searched to its end is named in [`Searched::unread`].
pub fn search(files: &[LayeredFile<'_>], store: &Store) -> Result<Searched, ContentError> {
    let ledger = Ledger::open(store, ANSWERS);
    let asked: Vec<Asked<'_>> = files.iter().filter_map(Asked::of).collect();
    // The same content at several places of a kind has one answer.
    let tasks: BTreeMap<Digest, &Asked<'_>> = asked.iter().map(|asked| (asked.key, asked)).collect();
    let answers = tasks.par_iter().map(|(key, task)| Ok((*key, remembered(&ledger, key, || task.search(store))?)));
    let answers = answers.collect::<Result<BTreeMap<Digest, Leaks>, ContentError>>()?;
    ledger.save()?;
    Ok(put_together(&asked, &answers))
}

fn put_together(asked: &[Asked<'_>], answers: &BTreeMap<Digest, Leaks>) -> Searched {
    let mut searched = Searched::default();
    for asked in asked {
        let Some(leaks) = answers.get(&asked.key) else { continue };
        let LayeredFile { layer, path, is_hidden, .. } = *asked.file;
        if let Some(reason) = not_searched(leaks) {
            searched.unread.push((path.clone(), reason));
        }
        if !leaks.found.is_empty() {
            searched.leaks.push(LeakyFile { layer, path: path.clone(), is_hidden, leaks: leaks.clone() });
        }
    }
    searched.leaks.sort_by(|a, b| (a.layer, &a.path).cmp(&(b.layer, &b.path)));
    searched.unread.sort();
    searched.unread.dedup();
    searched
}

/// Why not all of a content was searched for secrets, if so.
fn not_searched(leaks: &Leaks) -> Option<String> {
    let gaps: Vec<&str> = leaks.gaps.iter().map(|gap| gap.reason()).collect();
    let more = leaks.more.then_some("it has more secrets than are told");
    let reasons: Vec<&str> = gaps.into_iter().chain(more).collect();
    (!reasons.is_empty()).then(|| format!("not all of it was searched for secrets: {}", reasons.join(", ")))
}

/// A file with what decides where secrets are looked for in it.
struct Asked<'a> {
    file: &'a LayeredFile<'a>,
    content: Digest,
    place: secrets::Place,
    /// The digest of all that decides the answer.
    key: Digest,
}

impl<'a> Asked<'a> {
    fn of(file: &'a LayeredFile<'a>) -> Option<Self> {
        let (content, _) = content(file.entry)?;
        let place = secrets::place(file.path);
        let version = secrets::VERSION.to_le_bytes();
        let key = Digest::of([content.as_bytes(), version.as_slice(), place.name().as_bytes()].concat());
        Some(Asked { file, content, place, key })
    }

    fn search(&self, store: &Store) -> Result<Leaks, ContentError> {
        let fail = ContentError::reading(self.content);
        let mut reader = store.reader(&self.content)?;
        let leaks = secrets::search(self.place, &mut reader).map_err(|SearchError::Read(source)| fail(source))?;
        // Only what was read to its end is known to be what its name says.
        io::copy(&mut reader, &mut io::sink()).map_err(fail)?;
        Ok(leaks)
    }
}

impl Remembered for Leaks {
    fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() { Some(Leaks::default()) } else { serde_json::from_slice(bytes).ok() }
    }

    fn written(&self) -> Option<Vec<u8>> {
        if *self == Leaks::default() { Some(Vec::new()) } else { serde_json::to_vec(self).ok() }
    }
}
