//! Debian packages.
//!
//! The first half goes from a package source to a verified, resolved list of
//! packages and their archives in the store; the second half turns archives into
//! trees. What stands between the two is [`LockedPackage`]: all that a locked build
//! knows about a package.

mod archive;
pub mod control;
pub mod dependency;
mod emulate;
mod error;
mod fetch;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod index;
mod locked;
mod mirror;
mod open;
mod public;
pub mod release;
pub mod resolve;
mod root;
pub mod set;
mod source;
pub mod stanza;
pub mod trust;
pub mod unpack;
pub mod version;

pub use error::{DebError, MirrorProblem};
pub use fetch::{Wanted, fetch};
pub use locked::LockedPackage;
pub use mirror::MirrorConfig;
pub use open::{Indexes, OpenIndex, open_indexes};
pub use public::{distro_version, public_url};
pub use resolve::{Request, Resolution, Resolved, Unsatisfiable, Wish};
pub use source::{LockedIndex, NORMAL_PRIORITY, Source, architecture, archive_of};
pub use trust::Keyring;

#[cfg(test)]
mod tests;
