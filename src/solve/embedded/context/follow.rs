//! Paths that belong to a context together with what links in them lead to.
//!
//! A copy of `/bin/tool` needs more than that path where `bin` is a link to `lib/bin`:
//! it needs the link and where it leads. So each path is walked part by part, and each
//! link on the way adds itself and begins a new path. Links are read, never followed:
//! one that leads out of the folder leads to its root, as it would in the tree. Where
//! links lead on and on, what they lead to is nothing, as it is to Linux.

use super::ContextError;
use super::folder::Folder;
use crate::solve::glob::Wildcard;
use crate::tree::TreePath;
use std::collections::BTreeSet;

/// As many links as Linux follows before it gives up.
const MAX_LINKS: usize = 40;

/// As many paths may come out of links.
const LIMIT: usize = 10_000;

/// The patterns that the paths stand for; none where the whole folder is meant.
pub(super) fn follow(folder: &Folder, paths: &[String]) -> Result<Option<Vec<String>>, ContextError> {
    let mut patterns: BTreeSet<String> = BTreeSet::new();
    let mut todo: Vec<(String, usize)> = paths.iter().rev().map(|path| (path.clone(), 0)).collect();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    while let Some((path, links)) = todo.pop() {
        let path = rooted(&path);
        if links > MAX_LINKS || !seen.insert(path.clone()) {
            continue;
        }
        if seen.len() > LIMIT {
            return Err(ContextError::Links(paths.join(" ")));
        }
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            return Ok(None);
        }
        let way = (1..=parts.len()).find_map(|end| match targets(folder, &parts[..end]) {
            Ok(targets) if targets.is_empty() => None,
            found => Some(found.map(|targets| (end, targets))),
        });
        match way.transpose()? {
            None => drop(patterns.insert(parts.join("/"))),
            Some((end, targets)) => {
                patterns.insert(parts[..end].join("/"));
                let rest = parts[end..].join("/");
                todo.extend(targets.into_iter().map(|target| (format!("{target}/{rest}"), links + 1)));
            }
        }
    }
    Ok(Some(patterns.into_iter().collect()))
}

/// Where the links lead that a path names; its last part may have wildcards.
fn targets(folder: &Folder, parts: &[&str]) -> Result<Vec<String>, ContextError> {
    let Some((last, above)) = parts.split_last() else { return Ok(Vec::new()) };
    if above.iter().any(|part| Wildcard::is_in(part)) {
        return Ok(Vec::new());
    }
    let Ok(path) = TreePath::new(above.join("/")) else { return Ok(Vec::new()) };
    // What is not there, or no folder, has no links in it: the copy will say so.
    let Ok(directory) = folder.directory(&path) else { return Ok(Vec::new()) };
    let mut names = vec![last.as_bytes().to_vec()];
    if Wildcard::is_in(last) {
        let wildcard = Wildcard::new(last)?;
        names = folder.names(&path, &directory)?.into_iter().map(|name| name.name).collect();
        names.retain(|name| wildcard.matches(name));
        names.sort();
    }
    // What is no link has no target.
    let targets = names.iter().filter_map(|name| folder.link(&path, &directory, name).ok());
    let targets = targets.map(|target| String::from_utf8_lossy(&target).into_owned());
    let from_root =
        |target: String| if target.starts_with('/') { target } else { format!("{}/{target}", above.join("/")) };
    Ok(targets.map(from_root).collect())
}

/// A path from the folder's root, from which `..` does not lead out.
fn rooted(path: &str) -> String {
    crate::solve::glob::clean(&format!("/{path}"))
}
