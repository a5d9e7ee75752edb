//! The folder that dpkg is shown: archives, and what is to be done with them.

use super::super::super::LockedPackage;
use super::super::super::unpack::Unpacked;
use super::super::filter::{Filter, folders, is_copyright};
use super::super::{Keep, SetError};
use super::plan::{self, Call};
use crate::oci::Digest;
use crate::store::Store;
use crate::tree::{Entry, Tree, TreeError, TreePath};
use std::collections::BTreeSet;

/// Programs that scripts find in place of others.
const STAND_INS: [&str; 2] = ["pg_createcluster", "start-stop-daemon"];

/// The texts that are the same in each kit.
pub(super) const TEXTS: [&str; 3] =
    [include_str!("install.sh"), include_str!("keystore.pl"), include_str!("stand_in.sh")];

/// The kit, all contents of which are in the store.
pub(super) fn kit(
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
    write("install", 0o755, TEXTS[0])?;
    write("keystore", 0o644, TEXTS[1])?;
    write("plan", 0o644, &plan_text(unpacked, system))?;
    write("options", 0o644, &options_text(unpacked, keep, ignore))?;
    write("folders", 0o644, &folders(keep).map(|folder| format!("/{folder}\n")).collect::<String>())?;
    write("links", 0o644, &links_text(unpacked, keep))?;
    for name in STAND_INS {
        write(&format!("programs/{name}"), 0o755, TEXTS[2])?;
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
