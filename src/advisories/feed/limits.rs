//! How much of a feed is read. The largest feeds of today are about a tenth of what is allowed here.

/// So much of a file tells what it is.
pub const HEAD: u64 = 4096;
/// Bytes of a feed, unpacked: the whole of OSV is about 5 GB.
pub const MAX_TOTAL: u64 = 64 << 30;
/// Bytes of a zip's directory, of which all is held: a name and 46 bytes a file.
pub const MAX_DIRECTORY: u64 = 192 << 20;
/// Files in a zip.
pub const MAX_FILES: usize = 3_000_000;
/// Bytes of one document: an advisory, or what the tracker says of one hole of a package. Kernels have some of 2 MB.
pub const MAX_DOCUMENT: u64 = 16 << 20;
/// Bytes of a line of a table.
pub const MAX_LINE: u64 = 4096;

/// Bytes of a record as it is kept.
pub const MAX_RECORD: usize = 4 << 20;
/// Bytes of all records of an advisory: what it tells of the hole is repeated for each package.
pub const MAX_TOLD: usize = 16 << 20;
/// Records of a database; each takes about 150 bytes of memory while it is compiled.
pub const MAX_RECORDS: u64 = 12_000_000;
/// CVEs of which something is known.
pub const MAX_CVES: usize = 4_000_000;

/// Packages of an advisory, each release counted.
pub const MAX_AFFECTED: usize = 20_000;
/// Events of an advisory.
pub const MAX_EVENTS: usize = 100_000;
/// Versions of an advisory.
pub const MAX_VERSIONS: usize = 200_000;
/// Comparisons that are made to find out which versions a range holds already.
pub const MAX_COMPARISONS: usize = 2_000_000;
/// Other names of a hole, and holes that an advisory is about.
pub const MAX_NAMES: usize = 4_000;

/// Characters of an identifier.
pub const MAX_ID: usize = 128;
/// Characters of a package's name.
pub const MAX_NAME: usize = 512;
/// Characters of a version.
pub const MAX_VERSION: usize = 512;
/// Characters of a CVSS vector, and of a word.
pub const MAX_VECTOR: usize = 256;
/// Characters of an address; longer ones are left out.
pub const MAX_ADDRESS: usize = 1024;
/// Characters of a summary, which is cut there.
pub const MAX_SUMMARY: usize = 300;
/// Addresses that are kept.
pub const MAX_REFERENCES: usize = 6;
/// CWEs that are kept.
pub const MAX_WEAKNESSES: usize = 16;
/// Functions that are kept; where there are more, the whole package is meant.
pub const MAX_FUNCTIONS: usize = 32;

/// Examples of documents that were passed over.
pub const MAX_SKIPPED: usize = 100;

/// Whether so much of a feed is unreadable that the rest is not believed: more than one in twenty.
pub fn is_spoiled(count: u64, skipped: u64) -> bool {
    skipped.saturating_mul(20) > count.saturating_add(skipped)
}
