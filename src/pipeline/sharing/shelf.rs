//! Places that keep contents by name and know nothing else of them.
//!
//! What is read first is the claim: the statement about the list that the key of the build signed. It names the list by its
//! digest, and the list names the packs. So all that counts is the signature, and whoever can write there can take
//! results away and nothing else.

use super::super::error::Error;
use super::MOST_AT_A_TIME;
use crate::http::{HttpError, Request, Response};
use crate::oci::{Descriptor, Digest, Digester, Manifest, document};
use crate::store::Store;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::Instant;

/// What will be there later.
pub(super) type Later<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// A place that keeps contents by name.
pub(super) trait Shelf: Send + Sync {
    /// Begins to read what has a name; none where nothing has it. No more than `size` says will come.
    fn open<'a>(&'a self, name: Name<'a>, size: Size) -> Later<'a, Option<Response>>;

    /// Whether something of this digest and size seems to be there.
    fn has<'a>(&'a self, digest: &'a Digest, size: u64) -> Later<'a, bool>;

    /// Keeps something under a name.
    fn put<'a>(&'a self, name: Name<'a>, content: &'a Content) -> Later<'a, ()>;

    /// As many contents are sent at a time.
    fn at_a_time(&self) -> usize {
        MOST_AT_A_TIME
    }
}

/// A name on a shelf.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name<'a> {
    /// That of the claim, which the user chose.
    Claim,
    /// A digest, of what never changes.
    Content(&'a Digest),
}

/// How many bytes may come.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size {
    AtMost(u64),
    Exactly(u64),
}

impl Size {
    /// A request that takes no more.
    pub fn bound(self, request: Request) -> Request {
        match self {
            Size::AtMost(limit) => request.limit(limit),
            Size::Exactly(size) => request.size(size).immutable(),
        }
    }
}

/// Something to be put on a shelf, out of the store: all of a content, or a part of it.
pub(super) struct Content {
    pub digest: Digest,
    pub size: u64,
    file: Arc<File>,
    /// Where it begins in the file.
    at: u64,
}

impl Content {
    /// Content of the store, which is checked here unless it was in this run.
    pub fn of(store: &Store, digest: &Digest) -> Result<Content, Error> {
        let mut reader = store.reader(digest)?;
        if reader.checked_file().is_none() {
            let checked = io::copy(&mut reader, &mut io::sink());
            checked.map_err(|error| Error::NotThere(format!("{digest}: {error}")))?;
        }
        let file = reader.into_file().map_err(|error| Error::NotThere(format!("{digest}: {error}")))?;
        let size = store.size(digest).ok_or(crate::store::StoreError::Missing(*digest))?;
        Ok(Content { digest: *digest, size, file: Arc::new(file), at: 0 })
    }

    /// A part of it, from `at` on.
    pub async fn part(&self, at: u64, size: u64) -> Result<Content, Error> {
        let (file, at) = (self.file.clone(), self.at + at);
        let read = file.clone();
        let digest = tokio::task::spawn_blocking(move || digest_of(&read, at, size)).await;
        let digest = digest.unwrap_or_else(|error| Err(io::Error::other(error)));
        let digest = digest.map_err(|error| Error::NotThere(format!("{}: {error}", self.digest)))?;
        Ok(Content { digest, size, file, at })
    }

    /// A request that sends it.
    pub fn sent_with(&self, request: Request) -> Request {
        request.body_part(self.file.clone(), self.at, self.size, Arc::new(|_| ()))
    }
}

/// The digest of a stretch of a file.
fn digest_of(file: &File, at: u64, size: u64) -> io::Result<Digest> {
    let (mut digester, mut buffer, mut done) = (Digester::new(), vec![0; 1 << 20], 0);
    while done < size {
        let piece = &mut buffer[..(size - done).min(1 << 20) as usize];
        file.read_exact_at(piece, at + done)?;
        digester.update(piece);
        done += piece.len() as u64;
    }
    Ok(digester.finish())
}

/// What time it is, for requests that say when they were made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    then: Timestamp,
    began: Instant,
}

impl Clock {
    /// A clock that shows `now` now.
    pub fn new(now: Timestamp) -> Self {
        Clock { then: now, began: Instant::now() }
    }

    pub fn now(&self) -> Timestamp {
        self.then.checked_add(self.began.elapsed()).unwrap_or(self.then)
    }
}

/// What a shelf answers to a request, in words that say what to do.
pub(super) fn refused(place: &str, reason: impl Into<String>) -> Error {
    Error::Refused { place: place.to_owned(), reason: reason.into() }
}

/// The claim; none where there is none.
pub(super) async fn claim(shelf: &dyn Shelf) -> Result<Option<Vec<u8>>, Error> {
    let Some(answer) = shelf.open(Name::Claim, Size::AtMost(super::LARGEST_CLAIM)).await? else { return Ok(None) };
    Ok(Some(answer.bytes().await?))
}

/// The list of a digest.
pub(super) async fn list(shelf: &dyn Shelf, digest: &Digest) -> Result<Manifest, Error> {
    let answer = shelf.open(Name::Content(digest), Size::AtMost(document::MAX_SIZE)).await?;
    let bytes = answer.ok_or_else(|| gone("the list", digest))?.bytes().await?;
    if Digest::of(&bytes) != *digest {
        return Err(Error::NotThere(format!("what is there as the list {digest} is something else")));
    }
    document::manifest(&bytes, crate::oci::media_type::MANIFEST)
        .map_err(|reason| Error::NotThere(format!("the list {digest} {reason}")))
}

/// Brings a pack into the store, checked. Where a transfer breaks and cannot go on from there, as with signatures that
/// are for the whole, it begins once more.
pub(super) async fn bring(shelf: &dyn Shelf, pack: &Descriptor, store: &Store) -> Result<(), Error> {
    let mut again = true;
    loop {
        let answer = shelf.open(Name::Content(&pack.digest), Size::Exactly(pack.size)).await?;
        let answer = answer.ok_or_else(|| gone("the pack", &pack.digest))?;
        let mut writer = store.writer()?;
        match answer.copy_to(&mut writer).await {
            Ok(_) => {
                writer.commit_as(&pack.digest)?;
                return Ok(());
            }
            Err(HttpError::Connection { .. }) if again => again = false,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Puts packs and their list on a shelf where they are not there yet, and then the claim.
pub(super) async fn share(
    shelf: &dyn Shelf,
    store: &Store,
    packs: &[Descriptor],
    list: &Digest,
    claim: &Digest,
) -> Result<(), Error> {
    let put = async |digest: Digest| {
        let content = Content::of(store, &digest)?;
        match shelf.has(&digest, content.size).await? {
            true => Ok(()),
            false => shelf.put(Name::Content(&digest), &content).await,
        }
    };
    let all: Vec<_> = packs.iter().map(|pack| put(pack.digest)).collect();
    stream::iter(all).buffer_unordered(shelf.at_a_time()).try_collect::<()>().await?;
    put(*list).await?;
    shelf.put(Name::Claim, &Content::of(store, claim)?).await
}

fn gone(what: &str, digest: &Digest) -> Error {
    Error::NotThere(format!("{what} {digest} is no longer there"))
}
