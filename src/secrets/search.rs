//! The search in a content from its beginning to its end, in pieces, and in archives.

use super::archive::{Archive, Bounds};
use super::leak::{self, Gap, Hit, Leak, Leaks, MAX_LEAKS};
use super::marks::{self, AHEAD, BEHIND};
use super::place::Place;
use super::{files, published, utf16};
use crate::oci::Digest;
use crate::rules::Confidence;
use std::cmp::Reverse;
use std::io::{self, Cursor, Read};
use zeroize::Zeroize;

/// As much is read at once: what the processor's cache holds.
const PIECE: usize = 256 << 10;
/// Half of the files of an image are smaller.
const SMALL: usize = 16 << 10;
/// Files whose lines say what is a secret are read whole up to this size. What is larger was written by no person.
const WHOLE: usize = 1 << 20;
/// More hits than this are not sorted: several rules may find one secret.
const MAX_HITS: usize = 4 * MAX_LEAKS;

/// Why a content could not be searched.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// It cannot be read.
    #[error("it cannot be read: {0}; see that the disk is sound and the store was not changed while kiln ran")]
    Read(io::Error),
}

/// Looks for secrets in a content, and in what is in it where it is an archive.
///
/// It is read once from its beginning to its end, in pieces; the result does not depend on how large these are.
///
/// # Errors
/// Where `content` cannot be read. An archive that is damaged is no error but a [`Gap`].
pub fn search(place: Place, content: impl Read) -> Result<Leaks, SearchError> {
    search_within(Bounds::default(), place, content)
}

/// As [`search`], with other bounds on what archives may unpack to.
pub(super) fn search_within(bounds: Bounds, place: Place, content: impl Read) -> Result<Leaks, SearchError> {
    let mut content = Honest { input: content, error: None };
    let mut search = Search { bounds, ..Search::default() };
    let ended = search.content(place, &mut content, 0);
    match (content.error, ended) {
        (Some(error), _) | (None, Err(error)) => Err(SearchError::Read(error)),
        (None, Ok(())) => Ok(search.leaks),
    }
}

/// Looks for secrets in a text that is in memory: a variable, a label, a command. At most [`MAX_LEAKS`].
pub fn search_text(text: impl AsRef<[u8]>, context: Place) -> Vec<Leak> {
    let text = text.as_ref();
    let mut page = Page::default();
    files::search(context, text, |hit| page.hit(text, hit));
    marks::search(context, text, 0..text.len(), |hit| page.hit(text, hit));
    let mut search = Search::default();
    search.turn(page);
    search.leaks.found
}

/// An input that remembers its error, so that it is not taken for one of an archive.
struct Honest<R> {
    input: R,
    error: Option<io::Error>,
}

impl<R: Read> Read for Honest<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.input.read(buffer);
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.error.get_or_insert_with(|| io::Error::new(error.kind(), error.to_string()));
        }
        result
    }
}

/// A search under way.
#[derive(Default)]
pub(super) struct Search {
    leaks: Leaks,
    /// The way to what is searched now.
    inside: Vec<String>,
    pub(super) bounds: Bounds,
}

impl Search {
    /// Searches a content, or an archive's member, that is `depth` archives deep.
    pub(super) fn content(&mut self, place: Place, input: &mut dyn Read, depth: usize) -> io::Result<()> {
        let mut buffer = Vec::new();
        let size = if place.is_read_whole() { WHOLE } else { PIECE };
        let ended = fill(&mut buffer, input, size)?;
        if let Some(archive) = Archive::detect(&buffer) {
            let mut input = Cursor::new(buffer).chain(input);
            archive.search(self, place, &mut input, depth);
            return self.rest(&mut input);
        }
        if let Some(mut decoded) = utf16::detect(&buffer, input) {
            let mut buffer = Vec::new();
            let ended = fill(&mut buffer, &mut decoded, size)?;
            return self.plain(place, buffer, &mut decoded, ended);
        }
        self.plain(place, buffer, input, ended)
    }

    /// Searches the member of an archive that has a name.
    pub(super) fn member(&mut self, name: String, place: Place, input: &mut dyn Read, depth: usize) -> io::Result<()> {
        self.inside.push(name);
        let result = self.content(place, input, depth);
        self.inside.pop();
        result
    }

    /// Searches what stands behind an archive, or behind the place where it is damaged.
    pub(super) fn rest(&mut self, input: &mut dyn Read) -> io::Result<()> {
        let mut buffer = Vec::new();
        let ended = fill(&mut buffer, input, PIECE)?;
        self.plain(Place::Plain, buffer, input, ended)
    }

    /// Tells of a part that is not searched.
    pub(super) fn gap(&mut self, gap: Gap) {
        self.leaks.gaps.insert(gap);
    }

    /// Whether nothing more is to be told.
    pub(super) fn is_full(&self) -> bool {
        self.leaks.more
    }

    /// Searches what begins with `buffer` and goes on, if it has not ended, with `input`.
    fn plain(&mut self, place: Place, mut buffer: Vec<u8>, input: &mut dyn Read, mut ended: bool) -> io::Result<()> {
        let mut page =
            Page { is_binary: memchr::memchr(0, &buffer[..buffer.len().min(8 << 10)]).is_some(), ..Page::default() };
        if ended && place.is_read_whole() {
            files::search(place, &buffer, |hit| page.hit(&buffer, hit));
        }
        let mut from = 0;
        loop {
            let limit = if ended { buffer.len() } else { buffer.len() - AHEAD };
            marks::search(place, &buffer, from..limit, |hit| page.hit(&buffer, hit));
            if ended || self.is_full() || page.hits.len() >= MAX_HITS {
                break;
            }
            let passed = limit.saturating_sub(BEHIND);
            page.pass(&buffer[..passed]);
            buffer.drain(..passed);
            from = limit - passed;
            ended = fill(&mut buffer, input, PIECE)?;
        }
        if !page.hits.is_empty() {
            buffer.zeroize();
        }
        self.turn(page);
        Ok(())
    }

    /// Takes the leaks of a page: of hits on the same bytes the one that knows best what they are.
    fn turn(&mut self, page: Page) {
        let mut hits = page.hits;
        self.leaks.more |= hits.len() >= MAX_HITS;
        hits.sort_by_key(|hit| (Reverse(hit.weight), hit.leak.offset));
        let mut kept: Vec<Found> = Vec::new();
        for hit in hits {
            if kept.iter().all(|other| hit.end <= other.leak.offset || other.end <= hit.leak.offset) {
                kept.push(hit);
            }
        }
        kept.sort_by_key(|hit| hit.leak.offset);
        for hit in kept {
            if self.leaks.found.len() == MAX_LEAKS {
                self.leaks.more = true;
                break;
            }
            self.leaks.found.push(Leak { inside: self.inside.clone(), ..hit.leak });
        }
    }
}

/// What was found in a content, and where in it its reader is.
#[derive(Default)]
struct Page {
    hits: Vec<Found>,
    is_binary: bool,
    /// Bytes, line feeds, and bytes since the last line feed, before the buffer.
    offset: u64,
    lines: u64,
    column: u64,
}

struct Found {
    leak: Leak,
    end: u64,
    weight: (leak::Source, Confidence, u64),
}

impl Page {
    /// Takes a hit in the buffer.
    fn hit(&mut self, buffer: &[u8], hit: Hit) {
        let Some(secret) = buffer.get(hit.range.clone()).filter(|secret| !secret.is_empty()) else { return };
        if self.hits.len() >= MAX_HITS {
            return;
        }
        let (start, digest) = (hit.range.start, Digest::of(secret));
        if published::is_known(&digest) {
            return;
        }
        let (line, column) = self.position(&buffer[..start]);
        let leak = Leak {
            rule: hit.rule,
            inside: Vec::new(),
            line,
            column,
            offset: self.offset + start as u64,
            shown: leak::masked(secret, hit.known),
            digest,
        };
        let weight = (hit.source, hit.rule.confidence, secret.len() as u64);
        self.hits.push(Found { leak, end: self.offset + hit.range.end as u64, weight });
    }

    fn position(&self, before: &[u8]) -> (Option<u32>, Option<u32>) {
        if self.is_binary {
            return (None, None);
        }
        let lines = self.lines + line_feeds(before);
        let column = match memchr::memrchr(b'\n', before) {
            Some(last) => (before.len() - last - 1) as u64,
            None => self.column + before.len() as u64,
        };
        (u32::try_from(lines + 1).ok(), u32::try_from(column + 1).ok())
    }

    /// Takes note of what goes out of the buffer.
    fn pass(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        if !self.is_binary {
            self.lines += line_feeds(bytes);
            self.column = match memchr::memrchr(b'\n', bytes) {
                Some(last) => (bytes.len() - last - 1) as u64,
                None => self.column + bytes.len() as u64,
            };
        }
    }
}

fn line_feeds(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// Reads on until the buffer has `size` bytes; says whether the input has ended.
fn fill(buffer: &mut Vec<u8>, input: &mut dyn Read, size: usize) -> io::Result<bool> {
    let missing = size.saturating_sub(buffer.len());
    // Most files are small: room for them at once saves copies.
    buffer.reserve(missing.min(SMALL));
    let missing = missing as u64;
    input.take(missing).read_to_end(buffer)?;
    Ok(buffer.len() < size)
}
