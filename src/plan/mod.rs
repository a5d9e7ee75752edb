//! Names to digests: what a spec asks for from outside, found, verified and
//! written down in `kiln.lock`, so that a build from the lock asks nobody.

pub mod lock;

pub use lock::{Lock, LockError, LockedDownload, LockedEntry, LockedLayout, LockedSet};
