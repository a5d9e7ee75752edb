//! The packages that a base already has, and which files are theirs.

use super::super::control::paragraphs;
use super::SetError;
use super::lay::BaseOwners;
use super::merge::merged;
use crate::store::Store;
use crate::tree::{Entry, Tree, TreePath};

/// The largest database that is read.
const MAX_DATABASE: u64 = 256 << 20;

const STATUS: &str = "var/lib/dpkg/status";
const INFO: &str = "var/lib/dpkg/info";
const STATUS_D: &str = "var/lib/dpkg/status.d";

/// Reads whichever database of dpkg's the base has.
pub(super) fn owners(store: &Store, base: &Tree) -> Result<BaseOwners, SetError> {
    let mut owners = BaseOwners::default();
    let read = |entry: &Entry| -> Result<String, SetError> {
        let Some(content) = entry.content() else { return Ok(String::new()) };
        Ok(String::from_utf8_lossy(&store.read(content, MAX_DATABASE)?).into_owned())
    };
    let path = |text: &str| TreePath::new(text).expect("the places of the database are clean paths");
    if let Some(entry) = base.get(&path(STATUS)) {
        for (name, version, architecture) in installed(&read(entry)?) {
            let lists = [format!("{INFO}/{name}.list"), format!("{INFO}/{name}:{architecture}.list")];
            let list = lists.iter().filter_map(|l| TreePath::new(l).ok()).find_map(|l| base.get(&l));
            let text = list.map(&read).transpose()?.unwrap_or_default();
            owners.add(base, name, version, text.lines());
        }
    }
    for (file, entry) in base.children(&path(STATUS_D)) {
        let Some(name) = file.file_name().and_then(|n| std::str::from_utf8(n).ok()) else { continue };
        if name.ends_with(".md5sums") || !entry.is_file() {
            continue;
        }
        for (package, version, _) in installed(&read(entry)?) {
            let sums = TreePath::new(format!("{STATUS_D}/{name}.md5sums")).ok().and_then(|p| base.get(&p));
            let text = sums.map(&read).transpose()?.unwrap_or_default();
            let paths = text.lines().filter_map(|line| line.split_once("  ").map(|(_, path)| path));
            owners.add(base, package, version, paths);
        }
    }
    Ok(owners)
}

/// Name, version and architecture of what a text says is installed.
fn installed(text: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for paragraph in paragraphs(text) {
        let is_gone = paragraph.get("Status").is_some_and(|status| !status.ends_with(" installed"));
        if let (Some(name), Some(version), false) = (paragraph.get("Package"), paragraph.get("Version"), is_gone) {
            let architecture = paragraph.get("Architecture").unwrap_or("all");
            found.push((name.to_owned(), version.to_owned(), architecture.to_owned()));
        }
    }
    found
}

impl BaseOwners {
    fn add<'a>(&mut self, base: &Tree, name: String, version: String, paths: impl Iterator<Item = &'a str>) {
        let position = self.packages.len();
        self.packages.push((name, version));
        for path in paths {
            let Ok(path) = TreePath::from_user(path) else { continue };
            let place = merged(&path, false);
            if base.get(&place).is_some_and(|entry| !entry.is_dir()) {
                self.paths.insert(place, position);
            }
        }
    }
}
