//! What is in an image and where it comes from, as plain data.
//!
//! Whoever builds an image fills an [`Inventory`] from the lock, the trees and
//! the recipe; the bills of materials are made from it and from nothing else.
//! Every file names its owner by type, so that a file without one cannot be written down.

use super::claims::Claims;
use super::contents::Catalogued;
use super::licence::Licence;
use super::stage::{Stage, Step};
use crate::oci::{Digest, Platform};

/// Everything that one image of one platform holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// The image itself.
    pub image: ImageIdentity,
    /// Seconds since 1970: the only time that evidence knows.
    pub epoch: i64,
    /// The version of kiln that built it.
    pub kiln_version: String,
    /// The layers, lowest first.
    pub layers: Vec<Layer>,
    /// The packages that are installed, those of a stage that the image stands on included. Of a package that is only in
    /// a stage's own list the image has no more than the files that were taken.
    pub packages: Vec<Package>,
    /// `(a, b)`: package `a` depends on package `b`, both as positions in `packages`.
    pub edges: Vec<(usize, usize)>,
    /// The signed indexes that the packages were found in.
    pub indexes: Vec<PackageIndex>,
    /// The sources that files were copied from, here or in a stage, and those that commands saw.
    pub sources: Vec<Source>,
    /// The images that this one was built upon and whose layers it keeps.
    pub bases: Vec<Base>,
    /// The spec and the files that it includes; the first is the spec itself.
    pub specs: Vec<SpecFile>,
    /// The lock that pinned everything, if there was anything to pin.
    pub lock: Option<SpecFile>,
    /// The stages that the image was made with.
    pub stages: Vec<Stage>,
    /// The commands that ran in the image itself, in order.
    pub steps: Vec<Step>,
    /// Everything in the final root but its folders, in any order; each path once.
    pub files: Vec<File>,
    /// The packages that these files tell of, those that are in `packages` or that a base claims included.
    pub catalogued: Catalogued,
}

/// The image as others name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageIdentity {
    /// The name from the spec, without tag and digest: `registry.example.com/acme/hello`.
    pub name: String,
    /// The digest of its manifest.
    pub digest: Digest,
    /// What it runs on.
    pub platform: Platform,
    /// The supplier that the image names (`org.opencontainers.image.vendor`), if it does.
    pub supplier: Option<String>,
    /// The version that the image names (`org.opencontainers.image.version`), if it does.
    pub version: Option<String>,
}

/// One layer of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The digest of the layer's blob.
    pub digest: Digest,
    /// The digest of the uncompressed layer.
    pub diff_id: Digest,
}

/// An index of packages that a signed file vouches for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageIndex {
    /// The suite: `trixie-security`.
    pub suite: String,
    /// Where the archive stands in public; never the mirror of one machine.
    pub url: String,
    /// Where the index stands below it: `dists/trixie/main/binary-amd64/Packages.xz`.
    pub path: String,
    /// The digest of the index as it stands there.
    pub digest: Digest,
    /// The date that it names, as written in the lock.
    pub date: String,
    /// The fingerprints of the keys whose signatures were good.
    pub keys: Vec<String>,
}

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// `libssl3t64`.
    pub name: String,
    /// The full version, with epoch and revision.
    pub version: String,
    /// The package's own architecture: `amd64`, `all`.
    pub architecture: String,
    /// The distribution's identifier in `os-release`: `debian`.
    pub distro: String,
    /// The distribution's version: `13`; none for a suite that never gets one.
    pub distro_version: Option<String>,
    /// The source package; equal to `name` where the package does not say otherwise.
    pub source: String,
    /// The version of the source package.
    pub source_version: String,
    /// The digest of the package file.
    pub sha256: Digest,
    /// The size of the package file.
    pub size: u64,
    /// The path of the package file below the archive: `pool/main/o/openssl/…`.
    pub path: String,
    /// Position in [`Inventory::indexes`] of the index that names it.
    pub index: Option<usize>,
    /// Who supplies it, by the archive's own word: `Debian`.
    pub supplier: String,
    /// Who maintains it there: `Name <address>`.
    pub maintainer: Option<String>,
    /// What its copyright file says.
    pub licence: Licence,
    /// The upstream's page.
    pub homepage: Option<String>,
    /// The archive's section: `libs`.
    pub section: Option<String>,
    /// The first line of its description.
    pub summary: Option<String>,
    /// Whether the distribution calls it essential.
    pub essential: bool,
    /// Whether the spec (or a base) asks for it by name; the others came as dependencies.
    pub requested: bool,
    /// The line that asks for it, where one does.
    pub location: Option<Location>,
}

/// A source that files were copied from or that commands saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name in the spec.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
    /// The digest of its content: of the tree for a folder or a commit, of the file for a download, of the manifest for an image.
    pub digest: Digest,
    /// Where the spec declares it.
    pub location: Option<Location>,
}

/// What a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// A folder beside the spec.
    Context,
    /// A download.
    Http {
        /// From where.
        url: String,
    },
    /// A commit of a git repository.
    Git(GitCommit),
    /// An image, in an OCI layout or of a registry.
    Oci {
        /// The reference, as the spec writes it.
        reference: String,
    },
}

/// A commit of a git repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitCommit {
    /// The URI of the repository, without credentials.
    pub uri: String,
    /// The whole name of the reference that meant the commit; none where the spec says the commit itself.
    pub reference: Option<String>,
    /// The commit in hexadecimal digits.
    pub id: String,
    /// The folder that was taken; empty for all.
    pub subdir: String,
}

/// An image whose layers were kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The reference, as the spec writes it.
    pub reference: String,
    /// The digest of the manifest for the image's platform.
    pub digest: Digest,
    /// Where the spec names it.
    pub location: Option<Location>,
    /// What its own bill of materials says.
    pub claims: Option<Claims>,
}

/// A file of the user's that says how to build: the spec, an include, the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecFile {
    /// Its path relative to the spec's folder.
    pub path: String,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// A line of a spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Position in [`Inventory::specs`].
    pub spec: usize,
    /// Counted from 1.
    pub line: u32,
}

/// Something in the image that is not a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The absolute path as text: see [`path_text`].
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// The SHA-256 of what [`FileKind`] says.
    pub sha256: Digest,
    /// The SHA-1 of the same, which SPDX 2.3 requires of every file; see [`super::sbom::fill_sha1`].
    pub sha1: Option<[u8; 20]>,
    /// The size in bytes.
    pub size: u64,
    /// Who put it there.
    pub owner: Owner,
    /// Position in [`Inventory::layers`] of the layer that it comes from.
    pub layer: usize,
}

/// What a file is; decides what its digests cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file: digests of its content.
    Regular,
    /// A symbolic link: digests of the link's text.
    Symlink {
        /// The link's text, by [`path_text`]'s rule for bytes that are no text.
        target: String,
    },
    /// A device node or a pipe: digests of nothing.
    Special,
}

/// Who put a file into the image, or into a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// Unpacked from a package.
    Package(usize),
    /// Made by kiln in place of what a package's maintainer script or trigger would have made.
    Emulated {
        /// The package whose script it was.
        package: usize,
    },
    /// Copied from a source.
    Source {
        /// Position in [`Inventory::sources`].
        source: usize,
        /// The line that copies it.
        location: Option<Location>,
    },
    /// Written by a line of the spec: inline content, a link, an account.
    Spec(Location),
    /// In a layer of a base that was kept.
    Base(usize),
    /// Made by a command of the image itself.
    Step(usize),
    /// Taken from a stage: copied, or there because the image stands on it.
    Stage {
        /// Position in [`Inventory::stages`].
        stage: usize,
        /// Who put it there. Positions of packages, bases and steps are those of the stage's own lists.
        owner: Box<Owner>,
        /// The line that takes it.
        location: Option<Location>,
    },
}

impl Owner {
    /// Whether it is a package that kiln installed, here or in a stage.
    pub fn is_package(&self) -> bool {
        match self {
            Owner::Package(_) | Owner::Emulated { .. } => true,
            Owner::Stage { owner, .. } => owner.is_package(),
            _ => false,
        }
    }
}

/// A path of bytes as text, without loss: `/` first; bytes that are no UTF-8, and the
/// replacement character itself, become U+FFFD followed by two hexadecimal digits each.
pub fn path_text(relative: &[u8]) -> String {
    let mut text = String::with_capacity(relative.len() + 1);
    text.push('/');
    push_bytes(&mut text, relative);
    text
}

/// Bytes as text by the rule of [`path_text`], without the leading `/`: for the targets of links.
pub fn bytes_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    push_bytes(&mut text, bytes);
    text
}

/// The bytes that [`bytes_text`] wrote as text.
pub fn bytes_of(text: &str) -> Vec<u8> {
    let mut parts = text.split('\u{fffd}');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|hex| Some((u8::from_str_radix(hex, 16).ok()?, &part[2..]))) {
            Some((byte, rest)) => {
                bytes.push(byte);
                bytes.extend(rest.as_bytes());
            }
            // Nobody wrote this by the rule: the character stands for itself.
            None => bytes.extend(["\u{fffd}".as_bytes(), part.as_bytes()].concat()),
        }
    }
    bytes
}

fn push_bytes(text: &mut String, bytes: &[u8]) {
    let escape = |text: &mut String, bytes: &[u8]| {
        for byte in bytes {
            text.push_str(&format!("\u{fffd}{byte:02x}"));
        }
    };
    for chunk in bytes.utf8_chunks() {
        for (i, part) in chunk.valid().split('\u{fffd}').enumerate() {
            if i > 0 {
                escape(text, "\u{fffd}".as_bytes());
            }
            text.push_str(part);
        }
        escape(text, chunk.invalid());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_text_without_two_sharing_one() {
        assert_eq!(path_text(b"etc/passwd"), "/etc/passwd");
        assert_eq!(path_text("srv/dev-disk\\x2d\u{e9}".as_bytes()), "/srv/dev-disk\\x2d\u{e9}");
        assert_eq!(path_text(b"a\xff\xfeb"), "/a\u{fffd}ff\u{fffd}feb");
        assert_eq!(path_text("a\u{fffd}ff".as_bytes()), "/a\u{fffd}ef\u{fffd}bf\u{fffd}bdff");
        assert_eq!(bytes_text(b"../x"), "../x");
        for bytes in [b"a\xff\xfeb".as_slice(), "a\u{fffd}ff\u{e9}".as_bytes(), b"", b"\xff"] {
            assert_eq!(bytes_of(&bytes_text(bytes)), bytes);
        }
    }
}
