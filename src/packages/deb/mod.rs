//! Debian packages.
//!
//! The first half goes from a package source to a verified, resolved list of
//! packages and their archives in the store; the second half turns archives into
//! trees. What stands between the two is [`LockedPackage`]: all that a locked build
//! knows about a package.

pub mod control;
mod locked;
pub mod release;
pub mod trust;
pub mod version;

pub use locked::LockedPackage;
