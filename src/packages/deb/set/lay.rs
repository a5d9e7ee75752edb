//! Laying the files of a package into the root as dpkg does.

use super::super::dependency::atoms;
use super::super::emulate::Diversion;
use super::super::root::{Owner, Root};
use super::super::stanza::Stanza;
use super::super::unpack::Unpacked;
use super::filter::Filter;
use super::merge::{MERGED, merged};
use super::{Conflict, SetError};
use crate::tree::{Entry, Tree, TreePath};
use std::collections::BTreeMap;

/// The packages of a base and what they own: they must not be overwritten unasked.
#[derive(Debug, Default)]
pub(super) struct BaseOwners {
    /// Name and version.
    pub(super) packages: Vec<(String, String)>,
    /// Positions in `packages`.
    pub(super) paths: BTreeMap<TreePath, usize>,
}

/// What came of laying a package.
#[derive(Debug, Default)]
pub(super) struct Laid {
    /// What was laid: as the package names it, and where.
    pub(super) kept: Vec<(TreePath, TreePath)>,
    /// What was left out, as the package names it.
    pub(super) left_out: Vec<TreePath>,
    /// What is not quite as the package wants it.
    pub(super) warnings: Vec<String>,
}

/// What laying needs to know beside the root.
pub(super) struct Ground<'a> {
    pub(super) packages: &'a [Unpacked],
    pub(super) base: &'a BaseOwners,
    pub(super) diversions: &'a [Diversion],
    /// Of two entries for one place the first stays, where they would be in conflict: somebody else decides.
    pub(super) lenient: bool,
}

/// Lays the package at a position; `filter` says what is left out.
pub(super) fn lay(
    root: &mut Root,
    ground: &Ground<'_>,
    position: usize,
    filter: &Filter<'_>,
) -> Result<Laid, SetError> {
    let package = &ground.packages[position];
    let owner = Owner { package: position as u32, made: false };
    let mut laid = Laid::default();
    for (path, entry) in package.tree.iter().filter(|(path, _)| !path.is_root()) {
        let place = merged(path, entry.is_dir());
        if filter.leaves_out(&place, entry) {
            laid.left_out.push(path.clone());
            continue;
        }
        let place = diverted(&place, entry, &package.stanza, ground.diversions);
        let place = root.tree.resolve_parent(place.as_bytes())?;
        if let Some(parent) = place.parent() {
            make_folders(root, &parent, entry, owner)?;
        }
        laid.kept.push((path.clone(), place.clone()));
        match root.tree.get(&place) {
            None => root.put(place, entry.clone(), owner)?,
            Some(old) => {
                let old = old.clone();
                match meet(root, ground, position, place, entry, &old, &mut laid) {
                    Err(SetError::Conflict(_)) if ground.lenient => {}
                    met => met?,
                }
            }
        }
    }
    link_merged(root, owner)?;
    Ok(laid)
}

/// Folders that a package relies on without shipping them are like those that all ship.
fn make_folders(root: &mut Root, folder: &TreePath, entry: &Entry, owner: Owner) -> Result<(), SetError> {
    for ancestor in folder.ancestors() {
        if root.tree.get(&ancestor).is_none() {
            root.put(ancestor, Entry::dir(0o755).modified_at(entry.mtime), owner)?;
        }
    }
    Ok(())
}

fn diverted(path: &TreePath, entry: &Entry, stanza: &Stanza, diversions: &[Diversion]) -> TreePath {
    let applies = |d: &&Diversion| {
        merged(&d.from, false) == *path && d.package.as_deref() != Some(stanza.name()) && !entry.is_dir()
    };
    diversions.iter().find(applies).map_or_else(|| path.clone(), |d| merged(&d.to, false))
}

/// Two entries for one place.
fn meet(
    root: &mut Root,
    ground: &Ground<'_>,
    position: usize,
    place: TreePath,
    new: &Entry,
    old: &Entry,
    laid: &mut Laid,
) -> Result<(), SetError> {
    let owner = Owner { package: position as u32, made: false };
    let leads_to_dir = |entry: &Entry| {
        entry.is_dir()
            || entry.link_target().is_some()
                && root.tree.resolve(place.as_bytes()).ok().and_then(|p| root.tree.get(&p)).is_some_and(Entry::is_dir)
    };
    if new.is_dir() && leads_to_dir(old) {
        // The first package's metadata stays. A folder that a script made is taken over.
        if old.is_dir() && root.owner(&place).is_some_and(|o| o.made) {
            root.put(place, new.clone(), owner)?;
        }
        return Ok(());
    }
    if new.link_target().is_some() && old.is_dir() {
        laid.warnings.push(format!(
            "{place} is a directory, so the symbolic link that {} has there is not made, as with dpkg",
            ground.packages[position].stanza.name()
        ));
        return Ok(());
    }
    let conflict = |other: String| {
        let package = ground.packages[position].stanza.name().to_owned();
        SetError::Conflict(Box::new(Conflict { path: place.clone(), package, other, kind: old.kind() }))
    };
    let stanza = &ground.packages[position].stanza;
    let Some(present) = root.owner(&place) else {
        // It is the base's, or nobody's.
        let holder = ground.base.paths.get(&place).map(|i| &ground.base.packages[*i]);
        let allowed = holder.is_none_or(|(name, version)| name == stanza.name() || replaces(stanza, name, version));
        return match holder {
            Some((name, _)) if !allowed || old.is_dir() => Err(conflict(format!("{name} of the base"))),
            _ if old.is_dir() => Err(conflict("the base".to_owned())),
            _ => Ok(root.put(place, new.clone(), owner)?),
        };
    };
    let other = &ground.packages[present.package as usize].stanza;
    if present.made && !old.is_dir() {
        return Ok(root.put(place, new.clone(), owner)?);
    }
    if present.package == owner.package {
        return same_package(root, place.clone(), new, old, owner, conflict);
    }
    if old.is_dir() || new.is_dir() {
        return Err(conflict(other.name().to_owned()));
    }
    if replaces(stanza, other.name(), other.version()) {
        return Ok(root.put(place, new.clone(), owner)?);
    }
    if replaces(other, stanza.name(), stanza.version()) {
        return Ok(());
    }
    Err(conflict(other.name().to_owned()))
}

/// One package that has a path twice on a merged `/usr`: a file and a link to it, as old ones did.
fn same_package(
    root: &mut Root,
    place: TreePath,
    new: &Entry,
    old: &Entry,
    owner: Owner,
    conflict: impl Fn(String) -> SetError,
) -> Result<(), SetError> {
    let name = || "itself, in `/` and in `/usr`".to_owned();
    match (old.link_target(), new.link_target()) {
        (Some(_), None) if !new.is_dir() => Ok(root.put(place, new.clone(), owner)?),
        (None, Some(_)) if !old.is_dir() => Ok(()),
        _ if old.node == new.node => Ok(()),
        _ => Err(conflict(name())),
    }
}

/// Whether a package says that it replaces files of another.
fn replaces(stanza: &Stanza, name: &str, version: &str) -> bool {
    atoms(stanza.get("Replaces").unwrap_or_default()).any(|atom| atom.name == name && atom.accepts(version))
}

/// Makes the links of a merged `/usr` for the folders that exist there.
fn link_merged(root: &mut Root, owner: Owner) -> Result<(), SetError> {
    for folder in MERGED {
        let link = TreePath::new(folder).expect("it is a clean path");
        let target = TreePath::new(format!("usr/{folder}")).expect("it is a clean path");
        let Some(mtime) = root.tree.get(&target).filter(|e| e.is_dir()).map(|e| e.mtime) else { continue };
        if root.tree.get(&link).is_none() {
            let entry = Entry::symlink(target.as_bytes()).modified_at(mtime);
            root.put(link, entry, Owner { made: true, ..owner })?;
        }
    }
    Ok(())
}

/// The newest time in a package: what its scripts make has it.
pub(super) fn newest(tree: &Tree) -> Option<i64> {
    tree.iter().filter_map(|(_, entry)| entry.mtime).max()
}
