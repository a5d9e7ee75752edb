//! Content from mirrors into the store.

use super::error::MirrorProblem;
use super::open::snapshot;
use super::{DebError, LockedPackage};
use crate::http::{Client, HttpError, Request, Url};
use crate::oci::Digest;
use crate::store::Store;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use std::io::Write;

/// No package is larger; Debian's largest has 2 GB.
const PACKAGE_LIMIT: u64 = 8 << 30;
/// How many archives are fetched at the same time.
const PARALLEL: usize = 8;

/// A package to be fetched.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The package.
    pub package: &'a LockedPackage,
    /// Where its archive lies, in the order in which the places are tried.
    pub mirrors: &'a [Url],
    /// The date of the index that it was taken from: snapshots of that time have it.
    pub date: Option<Timestamp>,
}

impl Wanted<'_> {
    /// All places where the archive may be had, in the order in which they are tried: mirrors, and then the snapshot.
    ///
    /// # Errors
    /// Where the package has a path that leads out of them.
    pub fn places(&self) -> Result<Vec<Url>, DebError> {
        let package = self.package;
        let snapshot = self.date.and_then(|date| snapshot(&package.archive, date));
        let places = self.mirrors.iter().chain(&snapshot).map(|root| root.below(&package.path));
        let bad_path = || DebError::BadPath { what: package.name.clone(), path: package.path.clone() };
        places.collect::<Option<Vec<_>>>().ok_or_else(bad_path)
    }
}

/// Brings the archives of all packages into the store, many at a time; those that are there are left alone.
///
/// Every archive is checked against its locked digest and size while it comes. `progress` is told how many bytes
/// came in, as they come, and of archives that are there already, all at once.
pub async fn fetch(
    http: &Client,
    store: &Store,
    wanted: &[Wanted<'_>],
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(), DebError> {
    stream::iter(wanted)
        .map(|wanted| fetch_one(http, store, wanted, progress))
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await
}

async fn fetch_one(
    http: &Client,
    store: &Store,
    wanted: &Wanted<'_>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(), DebError> {
    let package = wanted.package;
    if store.has(&package.sha256) {
        progress(package.size);
        return Ok(());
    }
    let places = wanted.places()?;
    if package.size > PACKAGE_LIMIT {
        let (url, limit) = (places[0].clone(), PACKAGE_LIMIT);
        return Err(HttpError::TooLarge { url, limit }.into());
    }
    into_store(http, store, &places, &package.sha256, package.size, progress).await?.map_err(|problems| {
        // Mirrors that lie or cannot be reached say nothing about what the archive has.
        let of_mirrors = &problems[..wanted.mirrors.len().min(problems.len())];
        let (name, version) = (package.name.clone(), package.version.clone());
        match of_mirrors.iter().all(MirrorProblem::is_not_found) {
            true => DebError::PackageGone { package: name, version, problems },
            false => DebError::Unavailable { what: format!("{name} {version}"), problems },
        }
    })
}

/// Brings one content into the store from the first place that has it; the inner error tells what is wrong with each.
pub(super) async fn into_store(
    http: &Client,
    store: &Store,
    places: &[Url],
    digest: &Digest,
    size: u64,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Result<(), Vec<MirrorProblem>>, DebError> {
    let mut problems = Vec::new();
    for place in places {
        let mut sink = Counted { inner: store.writer()?, progress };
        let request = Request::get(place.clone()).allow_file();
        match http.download(request, Some((*digest, size)), &mut sink).await {
            Ok(_) => {
                sink.inner.commit_as(digest)?;
                return Ok(Ok(()));
            }
            Err(error) if error.is_of_server() => problems.push(error.into()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Err(problems))
}

struct Counted<'a, W> {
    inner: W,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.inner.write(bytes)?;
        (self.progress)(n as u64);
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests;
