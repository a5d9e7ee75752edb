//! Which file had which content: so that an unchanged file is never read twice.
//!
//! # When an entry may be trusted
//!
//! A file is taken to be unchanged when device, inode, size and both times are as they
//! were. The time of modification can be set by anyone; the time of change can't, and
//! every write and every rename of a file moves it. So two different contents with
//! the same five numbers can only come from writes within one tick of the clock that
//! filesystems take these times from. That is git's racy-timestamp problem: a file is
//! written, read, and written again before the clock moves on.
//!
//! The answer is the same as git's: an entry is written down only if, when reading
//! began, the file's times were already in the past by more than such a tick. Whatever
//! is written to the file from then on gets a later time. A file that is too young is
//! read again by the next build, which costs a little, and is never wrong. A tick is
//! a few milliseconds on the filesystems that Linux keeps itself; on others (and where
//! times have no fractions) it is taken to be 3 seconds, for a server's clock may go
//! differently. Times in the future are never trusted.
//!
//! What this does not see is a program that changes a file through a shared memory map
//! that it had already written to before: the kernel then moves the times when it next
//! writes the page back. Nothing short of reading every file would.

use crate::oci::Digest;
use crate::store::{Store, StoreError};
use rustix::fs::Stat;
use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::time::{Duration, SystemTime};

const KIND: &str = "context-index";
const MAGIC: &[u8] = b"kiln context index 1\n";
const ROW: usize = 80;

/// Filesystems whose times are this machine's and have fractions: ext4, xfs, btrfs, tmpfs, overlayfs, f2fs, zfs, bcachefs.
const PRECISE: [i64; 8] =
    [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0xf2f5_2010, 0x2fc1_2fc1, 0xca45_1a4e];

const TICK: Duration = Duration::from_millis(50);
const COARSE_TICK: Duration = Duration::from_secs(3);

/// A time of a file: seconds and nanoseconds.
type Time = (i64, u32);

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) size: u64,
    pub(super) mtime: Time,
    pub(super) ctime: Time,
}

impl Stamp {
    pub(super) fn of(stat: &Stat) -> Self {
        // The fields' types differ between architectures; negative sizes and fractions do not occur.
        #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss, clippy::cast_possible_truncation)]
        Stamp {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            size: stat.st_size as u64,
            mtime: (stat.st_mtime as i64, stat.st_mtime_nsec as u32),
            ctime: (stat.st_ctime as i64, stat.st_ctime_nsec as u32),
        }
    }

    fn encode(&self, digest: &Digest) -> [u8; ROW] {
        let mut row = [0; ROW];
        row[..8].copy_from_slice(&self.device.to_be_bytes());
        row[8..16].copy_from_slice(&self.inode.to_be_bytes());
        row[16..24].copy_from_slice(&self.size.to_be_bytes());
        row[24..32].copy_from_slice(&self.mtime.0.to_be_bytes());
        row[32..36].copy_from_slice(&self.mtime.1.to_be_bytes());
        row[36..44].copy_from_slice(&self.ctime.0.to_be_bytes());
        row[44..48].copy_from_slice(&self.ctime.1.to_be_bytes());
        row[48..].copy_from_slice(digest.as_bytes());
        row
    }
}

/// Tells whether a file's times were in the past when reading it began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    device: u64,
    precise: bool,
}

impl Clock {
    /// The clock of the filesystem that holds a folder.
    pub(super) fn of(folder: impl AsFd) -> Self {
        let device = rustix::fs::fstat(&folder).map_or(0, |stat| Stamp::of(&stat).device);
        #[allow(clippy::unnecessary_cast)]
        let precise = rustix::fs::fstatfs(&folder).is_ok_and(|statfs| PRECISE.contains(&(statfs.f_type as i64)));
        Clock { device, precise }
    }

    /// The time now, as filesystems know it.
    #[expect(clippy::disallowed_methods, reason = "no result depends on it: it only decides what is read once more")]
    pub(super) fn now() -> Duration {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }

    /// Whether whatever is written from `start` on gets other times than `stamp` has.
    pub(super) fn is_settled(self, stamp: &Stamp, start: Duration) -> bool {
        let whole_seconds = stamp.mtime.1 == 0 && stamp.ctime.1 == 0;
        let precise = self.precise && stamp.device == self.device && !whole_seconds;
        let tick = if precise { TICK } else { COARSE_TICK };
        let latest = stamp.mtime.max(stamp.ctime);
        let Ok(seconds) = u64::try_from(latest.0) else { return true };
        Duration::new(seconds, latest.1) + tick < start
    }
}

/// The files of one folder as they were.
#[derive(Debug, Default)]
pub(super) struct Index {
    rows: Vec<u8>,
}

impl Index {
    /// The key under which a folder's index stands: its path, as the folders of one machine have one each.
    pub(super) fn key(folder: &std::path::Path) -> Digest {
        use std::os::unix::ffi::OsStrExt;
        Digest::of(folder.as_os_str().as_bytes())
    }

    /// The index of a folder; an empty one where there is none.
    pub(super) fn load(store: &Store, key: &Digest) -> Result<Self, StoreError> {
        let rows = store.record(KIND, key)?.and_then(|bytes| Some(bytes.strip_prefix(MAGIC)?.to_vec()));
        Ok(Index { rows: rows.filter(|rows| rows.len() % ROW == 0).unwrap_or_default() })
    }

    /// The content of a file in this very state.
    pub(super) fn find(&self, stamp: &Stamp) -> Option<Digest> {
        let row = self.row(stamp)?;
        let digest = Digest::from_bytes(row[48..].try_into().ok()?);
        (row == stamp.encode(&digest)).then_some(digest)
    }

    /// Stores the index with what was found out now, if that is anything.
    ///
    /// `known` are all files that may be trusted, `fresh` is how many of them the index did not
    /// have. Files that other builds of the folder read are kept, but not without bound, as
    /// nobody tells when they are gone.
    pub(super) fn update(
        &self,
        store: &Store,
        key: &Digest,
        known: &[(Stamp, Digest)],
        fresh: usize,
    ) -> Result<(), StoreError> {
        if fresh == 0 {
            return Ok(());
        }
        let mut rows: BTreeMap<[u8; 16], [u8; ROW]> = BTreeMap::new();
        if self.rows.len() / ROW <= 4 * known.len() + 4096 {
            rows.extend(self.rows.chunks_exact(ROW).filter_map(|row| Some((name(row)?, row.try_into().ok()?))));
        }
        for (stamp, digest) in known {
            let row = stamp.encode(digest);
            if let Some(name) = name(&row) {
                rows.insert(name, row);
            }
        }
        let bytes: Vec<u8> = MAGIC.iter().copied().chain(rows.into_values().flatten()).collect();
        store.set_record(KIND, key, &bytes)
    }

    fn row(&self, stamp: &Stamp) -> Option<&[u8]> {
        let wanted = stamp.encode(&Digest::from_bytes([0; 32]));
        let (mut low, mut high) = (0, self.rows.len() / ROW);
        while low < high {
            let middle = usize::midpoint(low, high);
            let row = &self.rows[middle * ROW..(middle + 1) * ROW];
            match row[..16].cmp(&wanted[..16]) {
                std::cmp::Ordering::Equal => return Some(row),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

/// Device and inode of a row.
fn name(row: &[u8]) -> Option<[u8; 16]> {
    row.get(..16)?.try_into().ok()
}
