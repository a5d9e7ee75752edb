//! Public feeds of advisories, read as streams.
//!
//! A feed is a stranger's file. What one of its documents may be is bounded by the constants of `limits`; a document
//! that is unreadable is passed over and told of, and a feed with many of these is refused.

mod cursor;
mod date;
mod debian;
mod detect;
mod document;
mod epss;
mod kev;
mod limits;
mod osv;
mod zipped;

use super::cve::{Exploited, Likelihood};
use super::record::Record;
use crate::oci::{Digest, Digester};
use cursor::Cursor;
use flate2::read::MultiGzDecoder;
use limits::{HEAD, MAX_SKIPPED, MAX_TOTAL};
use std::fs::File;
use std::io::{self, Read};

pub(super) use date::{rfc3339, seconds};
pub use limits::{MAX_CVES, MAX_NAMES, MAX_RECORD, MAX_RECORDS, MAX_REFERENCES, MAX_SUMMARY, MAX_WEAKNESSES};

/// What a feed's file consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// Advisories in OSV's form: a zip of JSON files, one of them, or an array (OSV schema 1.7).
    Osv,
    /// All that Debian's security tracker knows: `https://security-tracker.debian.org/tracker/data/json`.
    DebianTracker,
    /// CISA's catalogue of exploited holes, as JSON.
    Kev,
    /// FIRST's likelihoods of exploitation, as CSV.
    Epss,
}

impl Form {
    /// All of them.
    pub const ALL: [Form; 4] = [Form::Osv, Form::DebianTracker, Form::Kev, Form::Epss];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Form::Osv => "osv",
            Form::DebianTracker => "debian-tracker",
            Form::Kev => "kev",
            Form::Epss => "epss",
        }
    }

    /// What a file is that begins with these bytes, unpacked where it was gzip; 4 KiB are enough.
    pub fn detect(head: &[u8]) -> Option<Form> {
        detect::form(head)
    }
}

/// A file of advisories.
#[derive(Debug)]
pub struct Feed {
    /// How people call it: where it is from. It stands in the database.
    pub name: String,
    /// What it consists of; found out where it is not said.
    pub form: Option<Form>,
    /// The file. JSON and CSV may be packed as gzip.
    pub file: File,
}

/// One thing that a feed tells.
#[derive(Debug)]
pub enum Told {
    /// An advisory about a package.
    Advisory {
        /// The ecosystem without its release.
        base: String,
        /// The package, as its ecosystem compares names.
        name: String,
        /// The advisory.
        record: Box<Record>,
    },
    /// A CVE is exploited.
    Exploited(String, Exploited),
    /// How likely it is that a CVE is exploited.
    Likely(String, Likelihood),
}

/// A document of a feed that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The feed's name.
    pub feed: String,
    /// The document: a file's name in a zip, a package, a row.
    pub document: String,
    /// Why.
    pub reason: String,
}

/// What was read of a feed.
#[derive(Debug)]
pub struct Account {
    /// What it consists of.
    pub form: Form,
    /// The digest of its contents: of a zip that of the sorted digests of its files, one a line, else that of the unpacked file.
    /// So a feed that was packed again is the same feed.
    pub digest: Digest,
    /// The newest time that it names itself, as seconds since 1970.
    pub date: Option<i64>,
    /// How many documents were read.
    pub count: u64,
    /// How many were passed over.
    pub skipped: u64,
    /// The first of these.
    pub examples: Vec<Skipped>,
}

/// Why a feed is not taken.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The file cannot be read, or what was read cannot be kept.
    #[error("cannot read the feed `{name}`: {source}")]
    Io {
        /// The feed.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody knows what it is.
    #[error(
        "the feed `{0}` is neither OSV (zip or JSON) nor Debian's tracker, KEV or EPSS; name a file that is one of these"
    )]
    Unknown(String),
    /// It is not what it should be.
    #[error("the feed `{name}` is not readable as {form}: {reason}; download it again", form = form.name())]
    Malformed {
        /// The feed.
        name: String,
        /// What it should be.
        form: Form,
        /// What is wrong.
        reason: String,
    },
    /// Too much of it cannot be read.
    #[error(
        "the feed `{name}` has {skipped} unreadable documents and {count} readable ones; the first is `{}`: {}; download it again",
        example.document, example.reason
    )]
    Spoiled {
        /// The feed.
        name: String,
        /// How many cannot be read.
        skipped: u64,
        /// How many can.
        count: u64,
        /// The first.
        example: Box<Skipped>,
    },
}

/// Reads a feed and hands on all that it tells; what `take` refuses ends it.
///
/// # Errors
/// See [`FeedError`]. What was handed on before counts for nothing then.
pub fn read(feed: &Feed, take: &mut dyn FnMut(Told) -> io::Result<()>) -> Result<Account, FeedError> {
    let failed = |source| FeedError::Io { name: feed.name.clone(), source };
    let cursor = Cursor::new(&feed.file).map_err(failed)?;
    let head = head(cursor.clone()).map_err(failed)?;
    let packed = head.starts_with(GZIP);
    let unpacked = if packed { self::head(MultiGzDecoder::new(cursor.clone())).map_err(failed)? } else { head };
    let form = feed.form.or_else(|| Form::detect(&unpacked)).ok_or_else(|| FeedError::Unknown(feed.name.clone()))?;

    let mut intake = Intake::new(&feed.name, form, take);
    if form == Form::Osv && detect::is_zip(&unpacked) {
        let digest = zipped::read(cursor, &mut intake);
        return intake.finish(digest);
    }
    let content: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(cursor)) } else { Box::new(cursor) };
    let mut content = Hashed { content: content.take(MAX_TOTAL), digester: Digester::new() };
    let done = match form {
        Form::Osv => osv::read(&mut content, &mut intake),
        Form::DebianTracker => debian::read(&mut content, &mut intake),
        Form::Kev => kev::read(&mut content, &mut intake),
        Form::Epss => epss::read(&mut content, &mut intake),
    };
    // A reader may stop before the last byte; the digest is that of all.
    let done = done.and_then(|()| io::copy(&mut content, &mut io::sink()).map(|_| ()).map_err(Stop::of));
    let whole = done.and_then(|()| match content.content.limit() {
        0 => Err(Stop::Malformed(format!("it has more than {MAX_TOTAL} bytes"))),
        _ => Ok(content.digester.finish()),
    });
    intake.finish(whole)
}

const GZIP: &[u8] = &[0x1f, 0x8b];

fn head(content: impl Read) -> io::Result<Vec<u8>> {
    let mut head = vec![];
    content.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

/// Why reading stops before the end.
#[derive(Debug)]
enum Stop {
    Io(io::Error),
    Malformed(String),
}

impl Stop {
    /// Why reading failed: the machine, or what was read, such as a stream that is packed wrongly.
    fn of(error: io::Error) -> Stop {
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
                Stop::Malformed(error.to_string())
            }
            _ => Stop::Io(error),
        }
    }
}

/// Where readers put what they find, with the count of it.
struct Intake<'t> {
    feed: &'t str,
    form: Form,
    take: &'t mut dyn FnMut(Told) -> io::Result<()>,
    date: Option<i64>,
    count: u64,
    skipped: u64,
    examples: Vec<Skipped>,
}

impl<'t> Intake<'t> {
    fn new(feed: &'t str, form: Form, take: &'t mut dyn FnMut(Told) -> io::Result<()>) -> Self {
        Intake { feed, form, take, date: None, count: 0, skipped: 0, examples: vec![] }
    }

    /// Hands on one thing.
    fn take(&mut self, told: Told) -> Result<(), Stop> {
        (self.take)(told).map_err(Stop::Io)
    }

    /// A document was read.
    fn read(&mut self) {
        self.count += 1;
    }

    /// A document was passed over.
    fn skip(&mut self, document: &str, reason: &str) {
        self.skipped += 1;
        if self.examples.len() < MAX_SKIPPED {
            let (document, reason) = (document::line(document), document::line(reason));
            self.examples.push(Skipped { feed: self.feed.to_owned(), document, reason });
        }
    }

    /// The feed names a time.
    fn date(&mut self, date: Option<i64>) {
        self.date = self.date.max(date);
    }

    fn finish(self, digest: Result<Digest, Stop>) -> Result<Account, FeedError> {
        let (name, form) = (self.feed.to_owned(), self.form);
        let digest = digest.map_err(|stop| match stop {
            Stop::Io(source) => FeedError::Io { name: name.clone(), source },
            Stop::Malformed(reason) => {
                FeedError::Malformed { name: name.clone(), form, reason: document::line(&reason) }
            }
        })?;
        let Intake { date, count, skipped, examples, .. } = self;
        match examples.first() {
            Some(example) if limits::is_spoiled(count, skipped) => {
                Err(FeedError::Spoiled { name, skipped, count, example: Box::new(example.clone()) })
            }
            _ => Ok(Account { form, digest, date, count, skipped, examples }),
        }
    }
}

/// Content whose digest is made on the way.
struct Hashed<R> {
    content: io::Take<R>,
    digester: Digester,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(buffer)?;
        self.digester.update(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
