//! What a lock keeps of a package.

use crate::oci::Digest;

/// One package, pinned: enough to fetch, verify, unpack and describe it without any index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedPackage {
    /// The binary package's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `all` or a Debian architecture.
    pub architecture: String,
    /// The source package's name.
    pub source: String,
    /// The source package's version; often, not always, the binary's.
    pub source_version: String,
    /// The digest of the `.deb`.
    pub sha256: Digest,
    /// The size of the `.deb` in bytes.
    pub size: u64,
    /// Where the `.deb` lies, relative to the root of the archive: `pool/main/…`.
    pub path: String,
    /// The archive: `debian`, `debian-security`, or the name that the user gave to one of their own.
    pub archive: String,
    /// The suite that it was taken from: `trixie`.
    pub suite: String,
}
