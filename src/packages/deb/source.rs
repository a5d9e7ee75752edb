//! Where packages come from: archives, suites, and what a lock keeps of their state.

use super::trust::Keyring;
use crate::http::Url;
use crate::oci::{Digest, Platform};
use jiff::Timestamp;

/// One suite of an archive, as somebody asks for it.
#[derive(Clone)]
pub struct Source {
    /// The archive's name: `debian`, `debian-security`, or the name that the user gave to one of their own.
    pub archive: String,
    /// The suite: `trixie`.
    pub suite: String,
    /// The components, as `main`, in the order in which they are searched.
    pub components: Vec<String>,
    /// Where the archive lies, in the order in which the places are tried.
    pub mirrors: Vec<Url>,
    /// Who may vouch for it.
    pub keyring: Keyring,
    /// Whether a state past its `Valid-Until` is refused.
    pub check_valid_until: bool,
    /// The date of the newest state that a lock knows: older ones are replays.
    pub floor: Option<Timestamp>,
    /// The state to use where it can still be had, whatever the archive offers today.
    pub locked: Vec<LockedIndex>,
}

/// One index, pinned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedIndex {
    /// The archive's name.
    pub archive: String,
    /// The suite.
    pub suite: String,
    /// The component.
    pub component: String,
    /// The Debian architecture.
    pub architecture: String,
    /// Where the index lies, relative to the root of the archive: `dists/trixie/main/binary-amd64/Packages.xz`.
    pub path: String,
    /// Its digest, of the compressed form.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// When the suite's state was made.
    pub date: Timestamp,
    /// How much its packages are wanted, in apt's numbers: 500, or less for suites that only serve on demand.
    pub priority: u16,
    /// Whether `Valid-Until` was to be kept when the state was accepted.
    pub valid_until_checked: bool,
    /// The fingerprints of the keys whose signatures were good, sorted.
    pub signed_by: Vec<String>,
}

impl LockedIndex {
    /// Below the root of the archive: the path by digest, which never changes its content.
    pub(super) fn path_by_hash(&self) -> String {
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{folder}/by-hash/SHA256/{}", self.sha256.hex())
    }
}

/// The priority of a suite whose packages are there for everybody.
pub const NORMAL_PRIORITY: u16 = 500;

/// The archive of Debian's that holds a suite.
pub fn archive_of(suite: &str) -> &'static str {
    if suite.ends_with("-security") { "debian-security" } else { "debian" }
}

/// Debian's name of a platform's architecture; nothing where Debian has none.
pub fn architecture(platform: &Platform) -> Option<&'static str> {
    Some(match (platform.os.as_str(), platform.architecture.as_str(), platform.variant.as_deref()) {
        ("linux", "amd64", _) => "amd64",
        ("linux", "arm64", _) => "arm64",
        ("linux", "arm", None | Some("v7")) => "armhf",
        ("linux", "386", _) => "i386",
        ("linux", "ppc64le", _) => "ppc64el",
        ("linux", "riscv64", _) => "riscv64",
        ("linux", "s390x", _) => "s390x",
        _ => return None,
    })
}
