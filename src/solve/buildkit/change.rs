//! What a command changed, out of what a daemon sends.

use crate::llb::exec::STEP_EPOCH;
use crate::oci::{Digest, Index, Manifest, document};
use crate::solve::embedded::sandbox::Step;
use crate::store::Store;
use crate::tree::tar::{self, Limits, Options};
use crate::tree::{Change, Entry, LinkId, Node, Tree, TreePath};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

/// How a command's changes are seen.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    /// The tree that it began with.
    pub(super) lower: &'a Tree,
    /// Times since then, in seconds since 1970, say only when something was made.
    pub(super) began: i64,
    pub(super) store: &'a Store,
}

/// What became of a tree.
pub(super) struct After {
    pub(super) tree: Tree,
    /// What the daemon had made in it, and left.
    pub(super) taken: Vec<TreePath>,
}

impl Seen<'_> {
    /// The tree after the command, by an OCI layout whose layers lie over the tree before it; without what the daemon made at
    /// `stubs`.
    pub(super) fn layers(&self, archive: impl Read, stubs: &BTreeSet<TreePath>) -> Result<After, String> {
        let after = self.unpack(self.lower.clone(), archive)?;
        Ok(self.without(after, stubs))
    }

    /// The tree before the command, and at these paths, where nothing was before, what the command left, by an OCI layout of
    /// that. None where the layout has nothing at one of them, as the way there may lead through a link, or has a link there.
    pub(super) fn part(&self, archive: impl Read, paths: &BTreeSet<TreePath>) -> Result<Option<Tree>, String> {
        let found = self.unpack(Tree::new(), archive)?;
        if paths.iter().any(|path| found.get(path).is_none_or(|entry| entry.link_target().is_some())) {
            return Ok(None);
        }
        let mut after = self.lower.clone();
        for (path, entry) in found.iter() {
            let on_the_way =
                || entry.is_dir() && paths.iter().any(|taken| taken.ancestors().any(|above| above == *path));
            if on_the_way() || path.ancestors().any(|above| paths.contains(&above)) {
                after.insert(path.clone(), entry.clone()).map_err(|e| e.to_string())?;
            }
        }
        Ok(Some(after))
    }

    /// A tree with the layers of an OCI layout over it.
    fn unpack(&self, mut after: Tree, archive: impl Read) -> Result<Tree, String> {
        let layout = tar::read(archive, self.store, &Options::default()).map_err(|e| e.to_string())?.entries;
        let index: Index = json(&layout, "index.json", self.store)?;
        let [image] = index.manifests.as_slice() else { return Err("it sends not one image".to_owned()) };
        let manifest: Manifest = json(&layout, &blob(&image.digest), self.store)?;
        for layer in &manifest.layers {
            let content = file(&layout, &blob(&layer.digest))?;
            if content != layer.digest {
                return Err(format!("the layer {} that it sends has another digest", layer.digest));
            }
            let blob = self.store.reader(&content).map_err(|e| e.to_string())?;
            let plain = tar::decompress(blob, Limits::default().size).map_err(|e| e.to_string())?;
            let origin = layer.digest.as_bytes();
            let options = Options { origin, whiteouts: true, lower: Some(&after), ..Options::default() };
            let change = tar::read(plain, self.store, &options).map_err(|e| e.to_string())?;
            let entries = self.settled(&change.entries, false)?;
            Change { entries, ..change }.apply(&mut after).map_err(|e| e.to_string())?;
        }
        Ok(after)
    }

    /// The same, by an archive of all files.
    pub(super) fn whole(&self, archive: impl Read, stubs: &BTreeSet<TreePath>) -> Result<After, String> {
        let found = tar::read(archive, self.store, &Options::default()).map_err(|e| e.to_string())?.entries;
        let mut after = self.settled(&found, true)?;
        if let Some(root) = self.lower.get(&TreePath::root()) {
            after.insert(TreePath::root(), root.clone()).map_err(|e| e.to_string())?;
        }
        Ok(self.without(after, stubs))
    }

    /// Takes away what is empty at a place of `stubs` and was not there before.
    fn without(&self, mut tree: Tree, stubs: &BTreeSet<TreePath>) -> After {
        let mut taken = Vec::new();
        // What is in a folder goes before it.
        for path in stubs.iter().rev().filter(|path| !path.is_root() && self.lower.get(path).is_none()) {
            let is_empty = match tree.get(path) {
                Some(entry) if entry.is_dir() => tree.children(path).next().is_none(),
                Some(entry) => entry.is_file() && entry.size() == 0,
                None => false,
            };
            if is_empty && tree.remove(path) {
                taken.push(path.clone());
            }
        }
        After { tree, taken }
    }

    /// Entries as a sandbox of this machine finds them: with the times that were set, and none where they only tell when
    /// something was made; and files with several paths are named by their content, or as they were where these paths are.
    ///
    /// Old daemons give all folders of a tree that is sent to them the time at which it came: where they were there before
    /// (`keep_folders`), they have the time that they had.
    fn settled(&self, found: &Tree, keep_folders: bool) -> Result<Tree, String> {
        let known: BTreeMap<_, _> = paths_of_links(self.lower).into_iter().map(|(link, paths)| (paths, link)).collect();
        let name = |(link, paths): (LinkId, Vec<&TreePath>)| {
            let content = paths.first().and_then(|first| Some((first, found.get(first)?.content()?)));
            let new = content.map(|(first, content)| LinkId::new(content.as_bytes(), first));
            Some((link, known.get(&paths).copied().or(new)?))
        };
        let links: BTreeMap<LinkId, LinkId> = paths_of_links(found).into_iter().filter_map(name).collect();
        let mut settled = Tree::new();
        for (path, entry) in found.iter() {
            let before = self.lower.get(path).filter(|before| before.kind() == entry.kind());
            let before_time = before.and_then(|before| before.mtime);
            let is_kept = keep_folders && entry.is_dir() && before.is_some();
            let mtime = match entry.mtime {
                _ if is_kept => before_time,
                // What is made in a folder changes its time; that says nothing of the folder.
                Some(time) if time >= self.began => before_time.filter(|_| entry.is_dir()),
                Some(STEP_EPOCH) => before_time,
                set => set,
            };
            let mut now = Entry { mtime, ..entry.clone() };
            if let Node::File { link: Some(link), .. } = &mut now.node {
                *link = links.get(link).copied().unwrap_or(*link);
            }
            let now = before.filter(|before| now.is_as(before)).cloned().unwrap_or(now);
            settled.insert(path.clone(), now).map_err(|e| e.to_string())?;
        }
        Ok(settled)
    }
}

/// What daemons make in a file system to mount their own files at, and leave behind.
const STUBS: [&str; 8] = ["dev", "dev/console", "dev/pts", "dev/shm", "etc/hosts", "etc/resolv.conf", "proc", "sys"];

/// Where a daemon may have made something empty in a tree so that it could mount something there.
pub(super) fn stubs(step: &Step, number: usize) -> BTreeSet<TreePath> {
    let Ok(root) = TreePath::from_user(&step.mounts[number].target) else { return BTreeSet::new() };
    let own = STUBS.iter().filter_map(|path| TreePath::new(path).ok());
    let mounted = step.mounts.iter().filter_map(|mount| TreePath::from_user(&mount.target).ok());
    let inside = own.chain(mounted).filter_map(|path| path.relative_to(&root));
    inside.flat_map(|path| path.ancestors().chain([path.clone()]).collect::<Vec<_>>()).collect()
}

/// The paths of each file that has several.
fn paths_of_links(tree: &Tree) -> BTreeMap<LinkId, Vec<&TreePath>> {
    let mut links: BTreeMap<LinkId, Vec<&TreePath>> = BTreeMap::new();
    for (path, entry) in tree.iter() {
        if let Node::File { link: Some(link), .. } = entry.node {
            links.entry(link).or_default().push(path);
        }
    }
    links
}

fn blob(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

fn file(layout: &Tree, path: &str) -> Result<Digest, String> {
    let place = TreePath::new(path).map_err(|e| e.to_string())?;
    let content = layout.get(&place).and_then(Entry::content);
    content.copied().ok_or_else(|| format!("{path} is missing in the layout that it sends"))
}

fn json<T: DeserializeOwned>(layout: &Tree, path: &str, store: &Store) -> Result<T, String> {
    let bytes = store.read(&file(layout, path)?, document::MAX_SIZE).map_err(|e| e.to_string())?;
    serde_json::from_slice(&bytes).map_err(|e| format!("{path} in the layout that it sends cannot be read: {e}"))
}

#[cfg(test)]
mod tests;
