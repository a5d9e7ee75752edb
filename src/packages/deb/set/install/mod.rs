//! Packages that dpkg installs, with their scripts, in a sandbox: what is made ready for that.
//!
//! dpkg finds a new system, in which the essential packages are unpacked and nothing else, or one that is there already;
//! and beside it a folder, the *kit*, with the archives and with the program that calls it ([`PROGRAM`]). What the
//! program does depends on the system and on the kit alone, and it leaves nothing behind that tells when and where it
//! ran.

mod kit;
mod plan;

use super::super::LockedPackage;
use super::super::unpack::{has_contents, unpack_all};
use super::{Options, Scripts, SetError, compose, record};
use crate::oci::Digest;
use crate::store::Store;
use crate::tree::{Entry, LinkId, Node, Tree, TreeError, TreePath};
use std::collections::{BTreeMap, BTreeSet};

/// Where the kit is mounted, read-only.
pub const KIT: &str = "/run/kiln";

/// The program of the kit: a script for `/bin/sh`, run by root.
pub const PROGRAM: &str = "/run/kiln/install";

/// What is made ready for dpkg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Installation {
    /// The new system, as a stored tree; none where there is one already.
    pub system: Option<Digest>,
    /// The kit, as a stored tree.
    pub kit: Digest,
}

/// How the program ends where it fails; all lines that are its own begin with `kiln: `.
pub mod exit_code {
    /// The file system has no dpkg.
    pub const NO_DPKG: i32 = 71;
    /// The sandbox has a single user.
    pub const ONE_USER: i32 = 72;
    /// dpkg failed. A line `kiln: failed: PACKAGE: REASON` stands for each package.
    pub const PACKAGE: i32 = 73;
    /// Scripts left a secret. A line `kiln: secret: PATH` stands for each.
    pub const SECRET: i32 = 74;
}

/// Makes ready what dpkg takes to install `packages`, whose `.deb`s are in the store: into a new system, or into one
/// that has dpkg already. `ignore` names dependencies that do not count.
///
/// # Errors
/// Where a package is bad, and where a new system would have no dpkg.
pub fn prepare(
    store: &Store,
    packages: &[LockedPackage],
    options: &Options,
    ignore: &BTreeSet<String>,
    new: bool,
) -> Result<Installation, SetError> {
    let options = Options { scripts: Scripts::Leave, ..options.clone() };
    let key = key(packages, &options, ignore, new);
    if let Some(known) = found(store, &key)? {
        return Ok(known);
    }
    let unpacked = unpack_all(store, packages)?;
    let system = if new { plan::system(&unpacked) } else { Vec::new() };
    if new && !system.iter().any(|i| unpacked[*i].stanza.name() == "dpkg") {
        return Err(SetError::NoDpkg);
    }
    let kit = kit::kit(store, packages, &unpacked, &system, options.keep, ignore)?.save(store)?;
    let packages: Vec<LockedPackage> = system.iter().map(|i| packages[*i].clone()).collect();
    let begun = if new { Some(compose(store, &packages, &options, None)?.digest) } else { None };
    let made = Installation { system: begun, kit };
    let trees: Vec<u8> = [Some(kit), begun].iter().flatten().flat_map(|digest| *digest.as_bytes()).collect();
    store.set_record(RECORD, &key, &trees)?;
    Ok(made)
}

/// The kind of record that says which trees were made ready.
const RECORD: &str = "package-kit";

fn key(packages: &[LockedPackage], options: &Options, ignore: &BTreeSet<String>, new: bool) -> Digest {
    let said = format!("{new} {ignore:?} {:?}", kit::TEXTS);
    Digest::of([record::key(packages, options, None).as_bytes().as_slice(), said.as_bytes()].concat())
}

/// What was made ready before, if all of it is still there.
fn found(store: &Store, key: &Digest) -> Result<Option<Installation>, SetError> {
    let Some(bytes) = store.record(RECORD, key)? else { return Ok(None) };
    let digest = |bytes: &[u8]| Some(Digest::from_bytes(bytes.try_into().ok()?));
    let digests: Option<Vec<Digest>> = bytes.chunks(32).map(digest).collect();
    let (kit, system) = match digests.as_deref() {
        Some([kit]) => (*kit, None),
        Some([kit, system]) => (*kit, Some(*system)),
        _ => return Ok(None),
    };
    for tree in [Some(kit), system].iter().flatten() {
        match Tree::load(store, tree) {
            Ok(tree) if has_contents(store, &tree) => {}
            Err(TreeError::Store(error)) if !error.is_lost_content() => return Err(error.into()),
            _ => return Ok(None),
        }
    }
    Ok(Some(Installation { system, kit }))
}

/// A tree in which files with several paths are named as those are that were found on disk: by their contents and the
/// first path. So what dpkg left as it was in the package is no change.
pub(super) fn with_links_of_their_contents(tree: &Tree) -> Result<Tree, TreeError> {
    let mut paths: BTreeMap<LinkId, Vec<&TreePath>> = BTreeMap::new();
    for (path, entry) in tree.iter() {
        if let Node::File { link: Some(id), .. } = &entry.node {
            paths.entry(*id).or_default().push(path);
        }
    }
    let mut renamed = tree.clone();
    for (path, entry) in tree.iter() {
        let Node::File { content, size, link: Some(id) } = &entry.node else { continue };
        let paths = &paths[id];
        let link = (paths.len() > 1).then(|| LinkId::new(content.as_bytes(), paths[0]));
        let node = Node::File { content: *content, size: *size, link };
        renamed.insert(path.clone(), Entry { node, ..entry.clone() })?;
    }
    Ok(renamed)
}

#[cfg(test)]
mod tests;
