//! From sources to indexes that can be searched: fetched, verified, read once.

use super::error::MirrorProblem;
use super::index::{self, Index};
use super::release::{Release, Wanted};
use super::source::LockedIndex;
use super::{DebError, Source};
use crate::http::{Client, HttpError, Request, Url};
use crate::oci::Digest;
use crate::store::Store;
use futures_util::future::try_join_all;
use jiff::Timestamp;
use std::io::Read;

/// Release files are smaller than this: Debian's has 140 KB.
const RELEASE_LIMIT: u64 = 16 << 20;
/// Indexes are smaller than this, compressed or not.
const INDEX_LIMIT: u64 = 1 << 30;
/// Names this form of the compact index; to be raised with every change of what is written there.
const FORMAT: &str = "1";
/// Records that say where the compact form of an index is.
const INDEX_RECORD: &str = "deb-index";
/// Records of the newest state of a suite that this store has seen.
const SEEN_RECORD: &str = "deb-release";
/// Indexes in snapshots of the archive lie here, below the archive's name and the date.
const SNAPSHOT: &str = "http://snapshot.debian.org/archive";

/// The indexes of all sources for one architecture.
pub struct Indexes {
    /// The architecture.
    pub architecture: String,
    /// In the order of the sources and their components.
    pub list: Vec<OpenIndex>,
}

/// An index with what is known of its origin.
pub struct OpenIndex {
    /// What a lock keeps of it.
    pub locked: LockedIndex,
    /// What is in it.
    pub index: Index,
}

/// Fetches and verifies the indexes of all sources, or takes them from the store where it has them.
pub async fn open_indexes(
    http: &Client,
    store: &Store,
    sources: &[Source],
    architecture: &str,
    now: Timestamp,
) -> Result<Indexes, DebError> {
    let opened =
        sources.iter().map(|source| async move { Opener { http, store, source, architecture, now }.open().await });
    let list = try_join_all(opened).await?.into_iter().flatten().collect();
    Ok(Indexes { architecture: architecture.into(), list })
}

struct Opener<'a> {
    http: &'a Client,
    store: &'a Store,
    source: &'a Source,
    architecture: &'a str,
    now: Timestamp,
}

impl Opener<'_> {
    async fn open(&self) -> Result<Vec<OpenIndex>, DebError> {
        if self.source.mirrors.is_empty() {
            return Err(DebError::NoMirror { archive: self.source.archive.clone() });
        }
        if let Some(kept) = self.open_locked().await? {
            return Ok(kept);
        }
        let release = self.release().await?;
        let mut indexes = Vec::new();
        for component in &self.source.components {
            for architecture in self.architectures(&release) {
                if let Some(locked) = self.choose(&release, component, architecture)? {
                    indexes.push((locked, self.plain_size(&release, component, architecture)));
                }
            }
        }
        try_join_all(indexes.into_iter().map(|(locked, plain)| self.index(locked, plain))).await
    }

    /// The indexes that the lock names, where all of them can still be had.
    async fn open_locked(&self) -> Result<Option<Vec<OpenIndex>>, DebError> {
        let source = self.source;
        let ours = |index: &&LockedIndex| {
            index.archive == source.archive
                && index.suite == source.suite
                && (index.architecture == self.architecture || index.architecture == "all")
        };
        let mut kept = Vec::new();
        for component in &source.components {
            let found: Vec<_> = source.locked.iter().filter(ours).filter(|i| i.component == *component).collect();
            if found.is_empty() {
                return Ok(None);
            }
            for index in found {
                match self.index(index.clone(), None).await {
                    Ok(index) => kept.push(index),
                    Err(DebError::Unavailable { .. } | DebError::Http(HttpError::Offline { .. })) => return Ok(None),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(Some(kept))
    }

    /// The newest acceptable state of the suite, from the first mirror that has one.
    async fn release(&self) -> Result<Release, DebError> {
        let (archive, suite) = (self.source.archive.clone(), self.source.suite.clone());
        let seen = self.seen()?;
        if self.http.settings().offline && !self.source.mirrors.iter().any(Url::is_file) {
            let Some((_, digest)) = seen.filter(|(_, digest)| self.store.has(digest)) else {
                return Err(DebError::OfflineRelease { archive, suite });
            };
            let bytes = self.store.read(&digest, RELEASE_LIMIT)?;
            return self.verify(&bytes, None).map_err(|source| {
                let url = self.source.mirrors[0].clone();
                DebError::NoRelease { archive, suite, problems: vec![MirrorProblem::Release { url, source }] }
            });
        }
        let floor = self.source.floor.max(seen.map(|(date, _)| date));
        let mut problems = Vec::new();
        for mirror in &self.source.mirrors {
            match self.release_of(mirror, floor).await {
                Ok((release, bytes)) => {
                    self.remember(release.date, &bytes)?;
                    return Ok(release);
                }
                Err(problem) => problems.push(problem),
            }
        }
        Err(DebError::NoRelease { archive, suite, problems })
    }

    async fn release_of(&self, mirror: &Url, floor: Option<Timestamp>) -> Result<(Release, Vec<u8>), MirrorProblem> {
        let path = format!("dists/{}/InRelease", self.source.suite);
        let url = mirror.below(&path).ok_or_else(|| HttpError::NotFound { url: mirror.clone() })?;
        let request = Request::get(url.clone()).limit(RELEASE_LIMIT).allow_file();
        let bytes = self.http.fetch(request).await?.bytes().await?;
        match self.verify(&bytes, floor) {
            Ok(release) => Ok((release, bytes)),
            Err(source) => Err(MirrorProblem::Release { url, source }),
        }
    }

    fn verify(&self, bytes: &[u8], floor: Option<Timestamp>) -> Result<Release, super::release::ReleaseError> {
        let source = self.source;
        let check_valid_until = source.check_valid_until;
        Release::verify(
            bytes,
            &source.keyring,
            &Wanted { suite: &source.suite, check_valid_until, floor, now: self.now },
        )
    }

    /// The date and the content of the newest state that this store has seen, whatever mirror it came from.
    fn seen(&self) -> Result<Option<(Timestamp, Digest)>, DebError> {
        let Some(record) = self.store.record(SEEN_RECORD, &self.seen_key())? else { return Ok(None) };
        let Some((date, digest)) = record.split_first_chunk::<8>() else { return Ok(None) };
        let date = Timestamp::from_second(i64::from_le_bytes(*date)).ok();
        Ok(date.zip(digest.try_into().ok().map(Digest::from_bytes)))
    }

    /// Keyed by the keyring too: an archive of the same name that others sign is another archive.
    fn seen_key(&self) -> Digest {
        let (source, keys) = (self.source, self.source.keyring.digest());
        Digest::of(format!("{}\n{}\n{keys}", source.archive, source.suite))
    }

    fn remember(&self, date: Timestamp, bytes: &[u8]) -> Result<(), DebError> {
        let _lock = self.store.lock("deb-release")?;
        if self.seen()?.is_some_and(|(seen, digest)| seen >= date && self.store.has(&digest)) {
            return Ok(());
        }
        let digest = self.store.put(bytes)?;
        let record = [date.as_second().to_le_bytes().as_slice(), digest.as_bytes()].concat();
        Ok(self.store.set_record(SEEN_RECORD, &self.seen_key(), &record)?)
    }

    fn architectures(&self, release: &Release) -> Vec<&str> {
        if release.separate_all { vec![self.architecture, "all"] } else { vec![self.architecture] }
    }

    /// The index of a component in the smallest form that kiln reads.
    fn choose(&self, release: &Release, component: &str, architecture: &str) -> Result<Option<LockedIndex>, DebError> {
        let source = self.source;
        let plain = format!("{component}/binary-{architecture}/Packages");
        let forms = [format!("{plain}.xz"), format!("{plain}.gz"), plain];
        let Some((name, (sha256, size))) = forms.iter().find_map(|f| release.files.get_key_value(f.as_str())) else {
            if architecture != self.architecture {
                return Ok(None);
            }
            return Err(DebError::NoComponent {
                archive: source.archive.clone(),
                suite: source.suite.clone(),
                component: component.into(),
                architecture: architecture.into(),
                known: components(release, architecture),
            });
        };
        let mut signed_by: Vec<_> = release.signers.iter().map(|signer| signer.key.clone()).collect();
        signed_by.sort();
        Ok(Some(LockedIndex {
            archive: source.archive.clone(),
            suite: source.suite.clone(),
            component: component.into(),
            architecture: architecture.into(),
            path: format!("dists/{}/{name}", source.suite),
            sha256: *sha256,
            size: *size,
            date: release.date,
            priority: release.priority,
            valid_until_checked: source.check_valid_until,
            signed_by,
        }))
    }

    fn plain_size(&self, release: &Release, component: &str, architecture: &str) -> Option<u64> {
        release.files.get(&format!("{component}/binary-{architecture}/Packages")).map(|(_, size)| *size)
    }

    /// One index: its compact form from the store, made anew where the store does not have it.
    async fn index(&self, locked: LockedIndex, plain: Option<u64>) -> Result<OpenIndex, DebError> {
        let key = Digest::of(format!("{FORMAT}\n{}\n{}", self.architecture, locked.sha256));
        let (store, record_key) = (self.store.clone(), key);
        if let Some(index) = blocking(move || stored(&store, &record_key)).await? {
            return Ok(OpenIndex { locked, index });
        }
        let mut again = true;
        loop {
            if !self.store.has(&locked.sha256) {
                self.fetch(&locked).await?;
            }
            let (store, compressed) = (self.store.clone(), locked.clone());
            let architecture = self.architecture.to_owned();
            match blocking(move || compact(&store, &compressed, plain, &architecture, &key)).await {
                Ok(index) => return Ok(OpenIndex { locked, index }),
                // Damaged on this disk, and gone from the store by now: it is fetched anew.
                Err(_) if again && !self.store.has(&locked.sha256) => again = false,
                Err(error) => return Err(error),
            }
        }
    }

    /// Puts the index into the store: by digest, by name, or from a snapshot of the archive.
    async fn fetch(&self, locked: &LockedIndex) -> Result<(), DebError> {
        if locked.size > INDEX_LIMIT {
            let source = index::IndexError::TooLarge(format!("{INDEX_LIMIT} bytes"));
            return Err(DebError::Index { what: locked.path.clone(), source });
        }
        let snapshot = snapshot(&locked.archive, locked.date);
        let mut places = Vec::new();
        for root in self.source.mirrors.iter().chain(&snapshot) {
            places.extend(root.below(&locked.path_by_hash()));
            places.extend(root.below(&locked.path));
        }
        let what = format!("the index {} of {}", locked.path, locked.archive);
        super::fetch::into_store(self.http, self.store, &places, &locked.sha256, locked.size, &|_| {})
            .await?
            .map_err(|problems| DebError::Unavailable { what, problems })
    }
}

/// Where the archive as it was at a date can be found, for Debian's own archives.
pub(super) fn snapshot(archive: &str, date: Timestamp) -> Option<Url> {
    if !matches!(archive, "debian" | "debian-security") {
        return None;
    }
    format!("{SNAPSHOT}/{archive}/{}/", date.strftime("%Y%m%dT%H%M%SZ")).parse().ok()
}

/// The components that have packages of an architecture.
fn components(release: &Release, architecture: &str) -> Vec<String> {
    let folder = format!("/binary-{architecture}/Packages");
    let mut known: Vec<String> =
        release.files.keys().filter_map(|path| path.split_once(&folder).map(|(name, _)| name.to_owned())).collect();
    known.retain(|name| !name.contains('/'));
    known.dedup();
    known
}

/// The compact form of an index, where the store has it.
fn stored(store: &Store, key: &Digest) -> Result<Option<Index>, DebError> {
    let Some(place) = store.record(INDEX_RECORD, key)? else { return Ok(None) };
    let Ok(place) = place.as_slice().try_into().map(Digest::from_bytes) else { return Ok(None) };
    match store.read(&place, INDEX_LIMIT) {
        Ok(bytes) => Ok(Index::open(bytes).ok()),
        Err(error) if error.is_lost_content() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Makes the compact form of an index and stores it.
fn compact(
    store: &Store,
    locked: &LockedIndex,
    plain: Option<u64>,
    architecture: &str,
    key: &Digest,
) -> Result<Index, DebError> {
    let text = decoder(&locked.path, store.reader(&locked.sha256)?);
    let built = index::build(Bounded::new(text, plain.unwrap_or(INDEX_LIMIT)), architecture);
    let built = built.and_then(|bytes| {
        let place = store.put(&bytes);
        Ok((Index::open(bytes)?, place))
    });
    match built {
        Ok((index, place)) => {
            store.set_record(INDEX_RECORD, key, place?.as_bytes())?;
            Ok(index)
        }
        Err(source) => {
            // Was it the archive or this disk? Read to its end, damaged content is found and removed.
            let _ = std::io::copy(&mut store.reader(&locked.sha256)?, &mut std::io::sink());
            Err(DebError::Index { what: format!("{} of {}", locked.path, locked.archive), source })
        }
    }
}

fn decoder<'a>(path: &str, reader: impl Read + Send + 'a) -> Box<dyn Read + Send + 'a> {
    let reader = std::io::BufReader::with_capacity(1 << 16, reader);
    if path.ends_with(".xz") {
        Box::new(lzma_rust2::XzReader::new_mem_limit(reader, true, XZ_MEMORY_KIB))
    } else if path.ends_with(".gz") {
        Box::new(flate2::bufread::MultiGzDecoder::new(reader))
    } else {
        Box::new(reader)
    }
}

/// What xz may need: the dictionary of its highest preset and some.
const XZ_MEMORY_KIB: u32 = 80 << 10;

/// Fails where more comes than was announced, so that a small file cannot become a huge one.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R> Bounded<R> {
    fn new(inner: R, limit: u64) -> Self {
        Bounded { inner, left: limit }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| {
            std::io::Error::new(std::io::ErrorKind::InvalidData, "it unpacks to more than the archive says")
        })?;
        Ok(n)
    }
}

/// Runs what computes or waits for the disk beside the tasks that wait for the network.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
