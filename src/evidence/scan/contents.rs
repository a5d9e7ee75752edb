//! What the contents of an image's files say: packages and secrets. Each content is read once, by whatever scan.

use crate::catalog::{self, Found, OsRelease, Package, Question};
use crate::oci::Digest;
use crate::secrets::{self, Leaks, SearchError};
use crate::store::{Ledger, Store, StoreError};
use crate::tree::{Entry, Node, TreePath};
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
    /// Whether a layer above takes it away or puts something else in its place. It can be read all the same.
    pub is_hidden: bool,
}

/// What the contents of an image's files say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// The packages, by package URL.
    pub packages: Vec<Package>,
    /// The secrets, by layer and path.
    pub leaks: Vec<LeakyFile>,
    /// What could not be read, and why; what stands there is not known.
    pub unread: Vec<(TreePath, String)>,
    /// How many bytes were read; of what was read before none are.
    pub bytes: u64,
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

/// Why contents could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A content could not be read from the store.
    #[error("cannot read the content {digest}: {source}")]
    Read {
        /// The content.
        digest: Digest,
        /// What the system said.
        source: io::Error,
    },
}

/// The kinds of records that answers are.
const PACKAGES: &str = "catalogued";
const SECRETS: &str = "searched";

/// Reads the contents of an image's files, as far as nobody did before.
///
/// `os` is the distribution that the image says to be, and `is_owned` whether a package that kiln installed owns a path.
///
/// # Errors
/// Where the store fails. A file that is damaged is named in [`Contents::unread`].
pub fn contents(
    files: &[LayeredFile<'_>],
    os: Option<&OsRelease>,
    is_owned: impl Fn(&TreePath) -> bool,
    store: &Store,
) -> Result<Contents, ContentError> {
    let (catalogued, searched) = (Ledger::open(store, PACKAGES), Ledger::open(store, SECRETS));
    let desk = Desk { store, catalogued: &catalogued, searched: &searched };
    // The same content at several places has one answer.
    let mut tasks: BTreeMap<Digest, &Asked<'_>> = BTreeMap::new();
    let asked: Vec<Asked<'_>> = files.iter().filter_map(Asked::of).collect();
    for asked in &asked {
        tasks.entry(asked.key).or_insert(asked);
    }
    let answers = tasks.par_iter().map(|(key, task)| Ok((*key, desk.answer(task)?)));
    let answers = answers.collect::<Result<BTreeMap<Digest, Answer>, ContentError>>()?;
    catalogued.save()?;
    searched.save()?;
    Ok(put_together(&asked, &answers, os, is_owned))
}

fn put_together(
    asked: &[Asked<'_>],
    answers: &BTreeMap<Digest, Answer>,
    os: Option<&OsRelease>,
    is_owned: impl Fn(&TreePath) -> bool,
) -> Contents {
    let mut contents = Contents { bytes: answers.values().map(|answer| answer.bytes).sum(), ..Contents::default() };
    let mut found: Vec<(&TreePath, Vec<Found>)> = Vec::new();
    for asked in asked {
        let Some(answer) = answers.get(&asked.key) else { continue };
        let file = asked.file;
        match &answer.packages {
            Ok(packages) if !file.is_hidden && !packages.is_empty() => found.push((file.path, packages.clone())),
            Err(reason) if !file.is_hidden => contents.unread.push((file.path.clone(), reason.clone())),
            _ => {}
        }
        if let Some(reason) = not_searched(&answer.leaks) {
            contents.unread.push((file.path.clone(), reason));
        }
        if !answer.leaks.found.is_empty() {
            let (layer, path, is_hidden) = (file.layer, file.path.clone(), file.is_hidden);
            contents.leaks.push(LeakyFile { layer, path, is_hidden, leaks: answer.leaks.clone() });
        }
    }
    contents.leaks.sort_by(|a, b| (a.layer, &a.path).cmp(&(b.layer, &b.path)));
    contents.unread.sort();
    contents.unread.dedup();
    contents.packages = catalog::assemble(found, os, is_owned);
    contents
}

/// Why not all of a content was searched for secrets, if so.
fn not_searched(leaks: &Leaks) -> Option<String> {
    let gaps: Vec<&str> = leaks.gaps.iter().map(|gap| gap.reason()).collect();
    let more = leaks.more.then_some("it has more secrets than are told");
    let reasons: Vec<&str> = gaps.into_iter().chain(more).collect();
    (!reasons.is_empty()).then(|| format!("not all of it was searched for secrets: {}", reasons.join(", ")))
}

/// A file with what it is asked.
struct Asked<'a> {
    file: &'a LayeredFile<'a>,
    content: Digest,
    size: u64,
    question: Option<Question>,
    place: secrets::Place,
    /// The digest of all that decides the answers.
    key: Digest,
}

impl<'a> Asked<'a> {
    fn of(file: &'a LayeredFile<'a>) -> Option<Self> {
        let Node::File { content, size, .. } = file.entry.node else { return None };
        if size == 0 {
            return None;
        }
        let question = catalog::question(file.path, size, file.entry.mode);
        let mut asked = Asked { file, content, size, question, place: secrets::place(file.path), key: content };
        let (name, place) =
            (question.map_or(&[][..], |question| asked.name_in(question)), asked.place.name().as_bytes());
        let question = question.map_or("", Question::name).as_bytes();
        asked.key = Digest::of([content.as_bytes(), question, b"\0", place, b"\0", name].concat());
        Some(asked)
    }

    fn name(&self) -> &'a [u8] {
        self.file.path.file_name().unwrap_or_default()
    }

    /// The file's name, where the answer depends on it.
    fn name_in(&self, question: Question) -> &'a [u8] {
        if question.depends_on_name() { self.name() } else { b"" }
    }

    fn key_of_packages(&self, question: Question) -> Digest {
        let name = self.name_in(question);
        let version = catalog::VERSION.to_le_bytes();
        Digest::of([self.content.as_bytes(), version.as_slice(), question.name().as_bytes(), b"\0", name].concat())
    }

    fn key_of_secrets(&self) -> Digest {
        let version = secrets::VERSION.to_le_bytes();
        Digest::of([self.content.as_bytes(), version.as_slice(), self.place.name().as_bytes()].concat())
    }
}

/// What a content says.
struct Answer {
    packages: Result<Vec<Found>, String>,
    leaks: Leaks,
    bytes: u64,
}

/// Where contents are read, and answers kept.
struct Desk<'a> {
    store: &'a Store,
    catalogued: &'a Ledger<'a>,
    searched: &'a Ledger<'a>,
}

impl Desk<'_> {
    fn answer(&self, task: &Asked<'_>) -> Result<Answer, ContentError> {
        let mut bytes = 0;
        // The search reads the whole, and checks the content on the way; the catalogue then reads parts of it.
        let leaks = self.remembered(self.searched, &task.key_of_secrets(), || self.search(task, &mut bytes))?;
        let packages = match task.question {
            None => Ok(Vec::new()),
            Some(question) => {
                self.remembered(self.catalogued, &task.key_of_packages(question), || self.ask(task, question))?
            }
        };
        Ok(Answer { packages, leaks, bytes })
    }

    fn remembered<T: Remembered>(
        &self,
        ledger: &Ledger<'_>,
        key: &Digest,
        find: impl FnOnce() -> Result<T, ContentError>,
    ) -> Result<T, ContentError> {
        if let Some(known) = ledger.get(key)?.as_deref().and_then(T::read) {
            return Ok(known);
        }
        let found = find()?;
        if let Some(bytes) = found.written() {
            ledger.put(key, bytes)?;
        }
        Ok(found)
    }

    fn search(&self, task: &Asked<'_>, bytes: &mut u64) -> Result<Leaks, ContentError> {
        let fail = |source| ContentError::Read { digest: task.content, source };
        let mut reader = self.store.reader(&task.content)?;
        let leaks = secrets::search(task.place, &mut reader).map_err(|SearchError::Read(source)| fail(source))?;
        // Only what was read to its end is known to be what its name says.
        io::copy(&mut reader, &mut io::sink()).map_err(fail)?;
        *bytes = task.size;
        Ok(leaks)
    }

    fn ask(&self, task: &Asked<'_>, question: Question) -> Result<Result<Vec<Found>, String>, ContentError> {
        let fail = |source| ContentError::Read { digest: task.content, source };
        let mut reader = self.store.reader(&task.content)?;
        if reader.checked_file().is_none() {
            io::copy(&mut reader, &mut io::sink()).map_err(fail)?;
            reader = self.store.reader(&task.content)?;
        }
        let mut file = reader.into_file().map_err(fail)?;
        let answer = catalog::answer(question, task.name(), &mut file, task.size);
        Ok(answer.map_err(|error| error.to_string()))
    }
}

/// An answer that a ledger keeps. Most say nothing, and are empty there.
trait Remembered: Sized {
    /// None for what cannot be read any more.
    fn read(bytes: &[u8]) -> Option<Self>;

    /// None for what is to be found out again.
    fn written(&self) -> Option<Vec<u8>>;
}

impl Remembered for Leaks {
    fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() { Some(Leaks::default()) } else { serde_json::from_slice(bytes).ok() }
    }

    fn written(&self) -> Option<Vec<u8>> {
        if *self == Leaks::default() { Some(Vec::new()) } else { serde_json::to_vec(self).ok() }
    }
}

/// What could not be read may have failed for reasons that pass.
impl Remembered for Result<Vec<Found>, String> {
    fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() { Some(Ok(Vec::new())) } else { serde_json::from_slice(bytes).ok().map(Ok) }
    }

    fn written(&self) -> Option<Vec<u8>> {
        let found = self.as_ref().ok()?;
        if found.is_empty() { Some(Vec::new()) } else { serde_json::to_vec(found).ok() }
    }
}
