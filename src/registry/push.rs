//! Whole images, to a registry.

use super::document::{Document, Written};
use super::endpoint::Endpoint;
use super::outgoing::{self, Load};
use super::pull::Name;
use super::repository::Repository;
use super::upload::{Arrived, Travelled, Upload};
use super::{Progress, RegistryError, seen};
use crate::http::header::HeaderMap;
use crate::oci::{Descriptor, Digest};
use crate::store::Store;
use futures_util::future;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// As many questions whether something is there are asked at a time.
const QUESTIONS: usize = 8;

/// As many blobs are sent at a time, and as many manifests.
const PARALLEL: usize = 4;

/// So often progress is told.
const TICK: Duration = Duration::from_millis(100);

/// A stretch of a file.
#[derive(Debug, Clone)]
pub struct Part {
    /// The file.
    pub file: Arc<File>,
    /// Where the stretch begins.
    pub at: u64,
    /// How many bytes it has.
    pub size: u64,
}

/// Where the bytes are that are to be pushed.
pub trait Contents: Send + Sync {
    /// The place of the content with this digest.
    fn open(&self, digest: &Digest) -> io::Result<Part>;
}

/// What is to be pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The manifest or index.
    pub image: Descriptor,
    /// The manifests that refer to it or to its platforms' manifests, as rows for lists of referrers.
    pub referrers: Vec<Descriptor>,
}

/// What a push did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Blobs that were sent.
    pub sent: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs that were taken over from another repository of the registry.
    pub mounted: usize,
    /// Blobs that were there.
    pub present: usize,
}

impl Pushed {
    fn and(self, other: &Pushed) -> Pushed {
        Pushed {
            sent: self.sent + other.sent,
            bytes: self.bytes + other.bytes,
            mounted: self.mounted + other.mounted,
            present: self.present + other.present,
        }
    }
}

/// Pushes an image and what refers to it, all by digest: blobs, then manifests, then indexes, then referrers.
/// No tag is touched, but for the lists of referrers where the registry has no interface for them.
///
/// # Errors
/// Where the registry or the network fails after all attempts, and where the content is not at hand as it should be.
pub async fn push(
    repository: &Repository,
    outgoing: &Outgoing,
    contents: &dyn Contents,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Pushed, RegistryError> {
    deliver(&repository.home, &Load::of(outgoing, contents)?, contents, store, progress).await
}

/// Pushes what refers to manifests that the repository has. Nothing of an image is looked at, and no tag is touched, but
/// for the lists as above.
///
/// # Errors
/// As [`push`].
pub async fn push_referrers(
    repository: &Repository,
    referrers: &[Descriptor],
    contents: &dyn Contents,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Pushed, RegistryError> {
    deliver(&repository.home, &Load::of_referrers(referrers, contents)?, contents, store, progress).await
}

async fn deliver(
    place: &Endpoint,
    load: &Load,
    contents: &dyn Contents,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Pushed, RegistryError> {
    let sending = send_missing(place, load, contents, store, progress);
    let (documents, pushed) = future::try_join(documents_there(place, load), sending).await?;
    for level in &load.levels {
        put_all(place, level.iter().filter(|document| !documents.contains(&document.descriptor.digest))).await?;
    }
    attach(place, load, &documents, store).await?;
    Ok(pushed)
}

/// Asks for each blob whether it is in its place, and sends those that are not while others are asked for.
async fn send_missing(
    place: &Endpoint,
    load: &Load,
    contents: &dyn Contents,
    store: &Store,
    progress: &dyn Progress,
) -> Result<Pushed, RegistryError> {
    let authority = place.pushing(None);
    let travelled = Arc::default();
    // One future does all for a blob, so that none that waits for a token is left aside while others wait for it: who
    // has the turn at a door must go on, whatever else is full.
    let sends = Semaphore::new(PARALLEL);
    let bring = async |blob: &Descriptor| {
        let brought = match place.has_blob(blob, &authority).await? {
            true => Pushed { present: 1, ..Pushed::default() },
            false => {
                let _one = sends.acquire().await;
                progress.expect(blob.size);
                send(place, blob, contents, store, &travelled).await?
            }
        };
        seen::note(store, place, &blob.digest)?;
        Ok::<_, RegistryError>(brought)
    };
    let mut blobs: Vec<&Descriptor> = load.blobs.values().collect();
    // The largest first, so that none is left alone at the end.
    blobs.sort_by_key(|blob| std::cmp::Reverse(blob.size));
    let all: Vec<_> = blobs.into_iter().map(bring).collect();
    let sending = stream::iter(all).buffer_unordered(QUESTIONS);
    let all = sending.try_fold(Pushed::default(), async |all, one| Ok(all.and(&one)));
    told(all, &travelled, progress).await
}

/// Those of the documents that are in their place already.
async fn documents_there(place: &Endpoint, load: &Load) -> Result<BTreeSet<Digest>, RegistryError> {
    let authority = place.pushing(None);
    let ask = async |row: &Descriptor| Ok(place.has_document(row, &authority).await?.then_some(row.digest));
    gathered(load.documents().map(|document| ask(&document.descriptor)).collect(), QUESTIONS).await
}

/// Brings one blob to its place.
async fn send(
    place: &Endpoint,
    blob: &Descriptor,
    contents: &dyn Contents,
    store: &Store,
    travelled: &Arc<AtomicU64>,
) -> Result<Pushed, RegistryError> {
    let part = outgoing::open(blob, contents)?;
    let others = seen::repositories(store, &place.registry, &blob.digest)?;
    let from = others.iter().find(|other| **other != place.repository);
    let upload = Upload { place, blob, part, travelled: Travelled::of(travelled) };
    Ok(match upload.run(from.map(String::as_str)).await? {
        Arrived::Mounted => Pushed { mounted: 1, ..Pushed::default() },
        Arrived::Sent => Pushed { sent: 1, bytes: blob.size, ..Pushed::default() },
    })
}

/// Writes documents by digest; gives the digests of those that the registry has listed as referrers.
async fn put_all<'a>(
    place: &Endpoint,
    documents: impl Iterator<Item = &'a Document>,
) -> Result<BTreeSet<Digest>, RegistryError> {
    let put = async |document: &Document| {
        let digest = document.descriptor.digest;
        let written = place.put_document(&Name::Digest(digest), document, &HeaderMap::new()).await?;
        Ok((written == Written::There { listed: true }).then_some(digest))
    };
    gathered(documents.map(put).collect(), PARALLEL).await
}

/// The digests among the answers to all questions, so many of them asked at a time.
async fn gathered(
    questions: Vec<impl Future<Output = Result<Option<Digest>, RegistryError>>>,
    parallel: usize,
) -> Result<BTreeSet<Digest>, RegistryError> {
    stream::iter(questions).buffer_unordered(parallel).try_filter_map(future::ok).try_collect().await
}

/// Writes what refers to the image, and sees to it that it is found.
async fn attach(place: &Endpoint, load: &Load, present: &BTreeSet<Digest>, store: &Store) -> Result<(), RegistryError> {
    let documents = load.referrers.iter().map(|(document, ..)| document);
    let listed = put_all(place, documents.filter(|document| !present.contains(&document.descriptor.digest))).await?;
    let mut unlisted: BTreeMap<Digest, Vec<&(Document, Digest, Descriptor)>> = BTreeMap::new();
    for entry in load.referrers.iter().filter(|(_, _, row)| !listed.contains(&row.digest)) {
        unlisted.entry(entry.1).or_default().push(entry);
    }
    let authority = place.pushing(None);
    for (subject, entries) in unlisted {
        let Some(rows) = place.listed(&subject, &authority).await? else {
            let rows: Vec<Descriptor> = entries.into_iter().map(|(_, _, row)| row.clone()).collect();
            place.list(&subject, &rows, store).await?;
            continue;
        };
        // What was there before the registry had lists is listed when it is written again.
        let is_listed = |row: &Descriptor| {
            let digest = row.digest.to_string();
            rows.iter().any(|own| own.get("digest").and_then(|own| own.as_str()) == Some(&digest))
        };
        let again = entries.into_iter().filter(|(_, _, row)| present.contains(&row.digest) && !is_listed(row));
        put_all(place, again.map(|(document, ..)| document)).await?;
    }
    Ok(())
}

/// Waits for work, and tells how far it has come.
async fn told<T>(work: impl Future<Output = T>, travelled: &AtomicU64, progress: &dyn Progress) -> T {
    let (mut work, mut last) = (pin!(work), 0);
    loop {
        let done = tokio::time::timeout(TICK, &mut work).await;
        let now = travelled.load(Ordering::Relaxed);
        progress.advance(now - last);
        last = now;
        if let Ok(done) = done {
            return done;
        }
    }
}
