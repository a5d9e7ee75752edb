//! Zips of advisories, one a file, read on all cores.

use super::cursor::Cursor;
use super::limits::{MAX_DIRECTORY, MAX_DOCUMENT, MAX_FILES, MAX_TOTAL};
use super::osv::{self, Parsed};
use super::{Intake, Stop};
use crate::oci::{Digest, Digester};
use rayon::prelude::*;
use std::io::Read;
use std::sync::atomic::Ordering;
use zip::ZipArchive;

/// Files that are read before what they tell is handed on. What all of them tell is in memory until then.
const BATCH: usize = 64;

/// Reads all files of a zip whose names end in `.json`; returns the digest of what they hold.
pub fn read(cursor: Cursor<'_>, intake: &mut Intake<'_>) -> Result<Digest, Stop> {
    let refused = |reason: String| Stop::Malformed(reason);
    cursor.allow(MAX_DIRECTORY);
    let allowance = cursor.allowance();
    let archive = ZipArchive::new(cursor).map_err(|e| refused(format!("its directory is not readable: {e}")))?;
    if archive.len() > MAX_FILES {
        return Err(refused(format!("it has {} files, more than the {MAX_FILES} that are read", archive.len())));
    }
    let mut files = vec![];
    for index in 0..archive.len() {
        let named = archive.name_for_index(index).and_then(Result::ok);
        if named.is_some_and(|name| name.ends_with(".json")) {
            files.push(index);
        }
    }
    allowance.store(u64::MAX, Ordering::Relaxed);

    let mut digests = Vec::with_capacity(files.len());
    let mut total = 0u64;
    for batch in files.chunks(BATCH) {
        let read: Vec<File> =
            batch.par_iter().map_init(|| archive.clone(), |archive, index| file(archive, *index)).collect();
        for file in read {
            total = total.saturating_add(file.size);
            if total > MAX_TOTAL {
                return Err(refused(format!("its files have more than {MAX_TOTAL} bytes")));
            }
            digests.extend(file.digest);
            match file.parsed {
                Ok(parsed) => osv::accept(parsed, intake)?,
                Err(reason) => intake.skip(&file.name, &reason),
            }
        }
    }
    digests.sort_unstable();
    let mut whole = Digester::new();
    for digest in digests {
        whole.update(format!("{digest}\n").as_bytes());
    }
    Ok(whole.finish())
}

struct File {
    name: String,
    size: u64,
    digest: Option<Digest>,
    parsed: Result<Parsed, String>,
}

fn file(archive: &mut ZipArchive<Cursor<'_>>, index: usize) -> File {
    let name = archive.name_for_index(index).and_then(Result::ok).map(|name| name.into_owned()).unwrap_or_default();
    let mut bytes = vec![];
    let opened = archive.by_index(index).map_err(|e| e.to_string());
    // Sizes in directories are what somebody says, so they are neither believed nor reserved.
    let read = opened.and_then(|file| file.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes).map_err(|e| e.to_string()));
    let size = bytes.len() as u64;
    let parsed = read.and_then(|_| match size > MAX_DOCUMENT {
        true => Err(format!("it has more than {MAX_DOCUMENT} bytes")),
        false => osv::parse(&bytes),
    });
    File { name, size, digest: (size <= MAX_DOCUMENT).then(|| Digest::of(&bytes)), parsed }
}
