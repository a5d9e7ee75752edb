//! Attributes of source operations.
//!
//! The names are BuildKit's, except those that begin with `kiln.`: a daemon passes
//! over these, and what they ask for is done by the client that serves the source.

use crate::oci::Digest;
use std::collections::BTreeMap;

/// Patterns, as a JSON list: only files that one of them matches belong to a context.
pub const INCLUDE_PATTERNS: &str = "local.includepattern";
/// Patterns, as a JSON list: files that they match do not belong to a context.
pub const EXCLUDE_PATTERNS: &str = "local.excludepatterns";
/// Paths, as a JSON list: these belong to a context, and what links in them point at.
pub const FOLLOW_PATHS: &str = "local.followpaths";
/// Lets a daemon compare a context with an earlier one.
pub const SHARED_KEY_HINT: &str = "local.sharedkeyhint";
/// Which session serves a context.
pub const LOCAL_SESSION: &str = "local.session";
/// How a daemon compares a context with an earlier one.
pub const LOCAL_DIFFER: &str = "local.differ";
/// Makes a context's vertex unlike any other.
pub const LOCAL_UNIQUE: &str = "local.unique";
/// Name of a file at the root of a context with more exclude patterns, such as `.dockerignore`.
pub const IGNORE_FILE: &str = "kiln.ignorefile";

/// Digest that a download must have.
pub const HTTP_CHECKSUM: &str = "http.checksum";
/// Name of the downloaded file in the tree.
pub const HTTP_FILENAME: &str = "http.filename";
/// Permission bits of the downloaded file, octal.
pub const HTTP_PERM: &str = "http.perm";
/// Owner of the downloaded file.
pub const HTTP_UID: &str = "http.uid";
/// Group of the downloaded file.
pub const HTTP_GID: &str = "http.gid";

/// Address of a repository, as git takes it.
pub const GIT_URL: &str = "git.fullurl";
/// Commit that a repository must give.
pub const GIT_CHECKSUM: &str = "git.checksum";
/// Leaves submodules out.
pub const GIT_SKIP_SUBMODULES: &str = "git.skipsubmodules";
/// Name of the secret with a token for a repository.
pub const GIT_TOKEN: &str = "git.authtokensecret";
/// Name of the secret with a whole header for a repository.
pub const GIT_HEADER: &str = "git.authheadersecret";
/// Name of the ssh agent for a repository.
pub const GIT_AGENT: &str = "git.mountsshsock";

/// Which session serves an OCI layout.
pub const OCI_SESSION: &str = "oci.session";
/// Which store of the session has an OCI layout.
pub const OCI_STORE: &str = "oci.store";
/// How many of an image's layers to take, from the lowest.
pub const OCI_LAYER_LIMIT: &str = "oci.layerlimit";

/// Attributes of a `local://` source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Local {
    /// Where not empty, only files that one of these patterns matches.
    pub include: Vec<String>,
    /// No files that these patterns match; `!` takes a match back.
    pub exclude: Vec<String>,
    /// These paths, and what links in them point at.
    pub follow: Vec<String>,
    /// Name of a file at the root with patterns to put before `exclude`.
    pub ignore_file: Option<String>,
}

impl Local {
    /// The attributes, without those that say nothing.
    pub fn attrs(&self) -> BTreeMap<String, String> {
        let lists =
            [(INCLUDE_PATTERNS, &self.include), (EXCLUDE_PATTERNS, &self.exclude), (FOLLOW_PATHS, &self.follow)];
        let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
        let lists = lists.map(|(name, list)| (name.to_owned(), serde_json::Value::from(list.clone()).to_string()));
        lists.chain(self.ignore_file.iter().map(|name| (IGNORE_FILE.to_owned(), name.clone()))).collect()
    }
}

/// Reads what [`Local::attrs`] wrote; lists that are none say nothing.
impl From<&BTreeMap<String, String>> for Local {
    fn from(attrs: &BTreeMap<String, String>) -> Self {
        let list = |name| attrs.get(name).and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default();
        Local {
            include: list(INCLUDE_PATTERNS),
            exclude: list(EXCLUDE_PATTERNS),
            follow: list(FOLLOW_PATHS),
            ignore_file: attrs.get(IGNORE_FILE).cloned(),
        }
    }
}

/// Attributes of an `http://` or `https://` source: the digest, the name in the tree, permission bits.
pub fn http(checksum: &Digest, filename: Option<&str>, perm: Option<u16>) -> BTreeMap<String, String> {
    let filename = filename.map(|name| (HTTP_FILENAME.to_owned(), name.to_owned()));
    let perm = perm.map(|perm| (HTTP_PERM.to_owned(), format!("0{:o}", perm & 0o7777)));
    [(HTTP_CHECKSUM.to_owned(), checksum.to_string())].into_iter().chain(filename).chain(perm).collect()
}

/// The identifier of an `oci-layout://` source: `name` is shown to people, the digest names a manifest.
pub fn oci_layout(name: &str, manifest: &Digest) -> String {
    format!("oci-layout://{name}@{manifest}")
}
