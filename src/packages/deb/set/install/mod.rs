//! Packages that dpkg installs, with their scripts, in a sandbox: what is made ready for that.
//!
//! dpkg finds a new system, in which the essential packages are unpacked and nothing else, or one that is there already;
//! and beside it a folder, the *kit*, with the archives and with the program that calls it ([`PROGRAM`]). What the
//! program does depends on the system and on the kit alone, and it leaves nothing behind that tells when and where it
//! ran.

mod plan;

use super::super::LockedPackage;
use super::super::unpack::{Unpacked, unpack_all};
use super::filter::{Filter, folders, is_copyright};
use super::{Keep, Options, Scripts, SetError, compose};
use crate::oci::Digest;
use crate::store::Store;
use crate::tree::{Entry, LinkId, Node, Tree, TreeError, TreePath};
use plan::Call;
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

/// Programs that scripts find in place of others.
const STAND_INS: [&str; 2] = ["pg_createcluster", "start-stop-daemon"];

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
    let unpacked = unpack_all(store, packages)?;
    let system = if new { plan::system(&unpacked) } else { Vec::new() };
    if new && !system.iter().any(|i| unpacked[*i].stanza.name() == "dpkg") {
        return Err(SetError::NoDpkg);
    }
    let kit = kit(store, packages, &unpacked, &system, options.keep, ignore)?;
    let begun = new.then(|| -> Result<Digest, SetError> {
        let packages: Vec<LockedPackage> = system.iter().map(|i| packages[*i].clone()).collect();
        let options = Options { scripts: Scripts::Leave, ..options.clone() };
        Ok(compose(store, &packages, &options, None)?.digest)
    });
    Ok(Installation { system: begun.transpose()?, kit: kit.save(store)? })
}

fn kit(
    store: &Store,
    packages: &[LockedPackage],
    unpacked: &[Unpacked],
    system: &[usize],
    keep: Keep,
    ignore: &BTreeSet<String>,
) -> Result<Tree, SetError> {
    let mut kit = Tree::new();
    let mut put = |path: &str, mode: u16, content: Digest, size: u64| -> Result<(), TreeError> {
        let path = TreePath::new(path)?;
        for folder in path.ancestors().filter(|folder| *folder != path && !folder.is_root()) {
            kit.insert(folder, Entry::dir(0o755))?;
        }
        kit.insert(path, Entry::file(content, size, mode)).map(drop)
    };
    let mut write = |path: &str, mode: u16, text: &str| -> Result<(), SetError> {
        Ok(put(path, mode, store.put(text.as_bytes())?, text.len() as u64)?)
    };
    write("install", 0o755, include_str!("install.sh"))?;
    write("keystore", 0o644, include_str!("keystore.pl"))?;
    write("plan", 0o644, &plan_text(unpacked, system))?;
    write("options", 0o644, &options_text(unpacked, keep, ignore))?;
    write("folders", 0o644, &folders(keep).map(|folder| format!("/{folder}\n")).collect::<String>())?;
    write("links", 0o644, &links_text(unpacked, keep))?;
    for name in STAND_INS {
        write(&format!("programs/{name}"), 0o755, include_str!("stand_in.sh"))?;
    }
    for (package, unpacked) in packages.iter().zip(unpacked) {
        put(&format!("debs/{}", file_name(unpacked)), 0o644, package.sha256, package.size)?;
    }
    Ok(kit)
}

/// No package has an underscore in its name.
fn file_name(package: &Unpacked) -> String {
    format!("{}_{}.deb", package.stanza.name(), package.stanza.architecture())
}

/// A line for each call of dpkg: what it does, and to which packages.
fn plan_text(packages: &[Unpacked], system: &[usize]) -> String {
    let line = |call: &Call| {
        let (what, force, words): (_, _, Vec<String>) = match call {
            Call::Unpack { packages: list, force } => {
                ("unpack", force, list.iter().map(|i| file_name(&packages[*i])).collect())
            }
            Call::Configure { packages: list, force } => {
                ("configure", force, list.iter().map(|i| packages[*i].stanza.name().to_owned()).collect())
            }
        };
        format!("{}{what} {}\n", if *force { "force-" } else { "" }, words.join(" "))
    };
    plan::plan(packages, system).iter().map(line).collect()
}

/// What dpkg is told in every call, a word a line.
fn options_text(packages: &[Unpacked], keep: Keep, ignore: &BTreeSet<String>) -> String {
    let mut options: Vec<String> =
        ["--force-unsafe-io", "--force-confdef", "--force-confold"].map(str::to_owned).into();
    if !ignore.is_empty() {
        let names: Vec<&str> = ignore.iter().map(String::as_str).collect();
        options.push(format!("--ignore-depends={}", names.join(",")));
    }
    let stays = |filter: &Filter<'_>, path: &TreePath, entry: &Entry| {
        filter.looks_at(path) && !entry.is_dir() && !filter.leaves_out(path, entry)
    };
    let kept: BTreeSet<String> = packages.iter().flat_map(|package| found(package, keep, stays)).collect();
    options.extend(folders(keep).map(|folder| format!("--path-exclude=/{folder}/*")));
    // No file has this name, but by such a pattern dpkg makes the folders below: scripts put links there.
    options.extend(folders(keep).map(|folder| format!("--path-include=/{folder}/*/.")));
    options.extend(kept.iter().map(|pattern| format!("--path-include={pattern}")));
    options.iter().map(|option| format!("{option}\n")).collect()
}

/// The symbolic links that are left out, a path a line: with the folders dpkg makes these too.
fn links_text(packages: &[Unpacked], keep: Keep) -> String {
    let goes = |filter: &Filter<'_>, path: &TreePath, entry: &Entry| {
        entry.link_target().is_some() && filter.leaves_out(path, entry)
    };
    let links: BTreeSet<String> = packages.iter().flat_map(|package| found(package, keep, goes)).collect();
    links.iter().map(|link| format!("{link}\n")).collect()
}

/// What of a package is chosen, as patterns.
fn found(package: &Unpacked, keep: Keep, choose: impl Fn(&Filter<'_>, &TreePath, &Entry) -> bool) -> Vec<String> {
    let filter = Filter::new(keep, &package.tree);
    package
        .tree
        .iter()
        .filter(|(path, entry)| choose(&filter, path, entry))
        .filter_map(|(path, _)| pattern(path))
        .collect()
}

/// The pattern by which dpkg keeps a path; none for one that no pattern could name.
fn pattern(path: &TreePath) -> Option<String> {
    let text = std::str::from_utf8(path.as_bytes()).ok()?;
    if text.starts_with("usr/share/doc/") && path.file_name().is_some_and(is_copyright) {
        return Some("/usr/share/doc/*/copyright*".to_owned());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._+-@:~".contains(c);
    text.chars().all(plain).then(|| format!("/{text}"))
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
