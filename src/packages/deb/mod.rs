//! Debian packages.
//!
//! The first half goes from a package source to a verified, resolved list of
//! packages and their archives in the store; the second half turns archives into
//! trees. What stands between the two is [`LockedPackage`]: all that a locked build
//! knows about a package.

mod archive;
pub mod control;
#[cfg(test)]
pub(crate) mod fixtures;
mod locked;
pub mod release;
pub mod stanza;
pub mod trust;
pub mod unpack;
pub mod version;

pub use locked::LockedPackage;
