//! Finds the files of a context, level by level.
//!
//! Folders of one level are listed in parallel, and no folder is held open for the
//! ones in it: so neither depth nor width costs files or stack. A folder in which
//! nothing can belong to the context is not even opened.

use super::ContextError;
use super::folder::{Folder, Name};
use super::index::Stamp;
use crate::solve::glob::{Patterns, Verdict};
use crate::tree::TreePath;
use rayon::prelude::*;
use rustix::fs::{FileType, Stat};

/// Which paths belong to a context.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) include: Patterns,
    pub(super) exclude: Patterns,
}

/// Something that belongs to a context.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: TreePath,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Directory,
    Link(Vec<u8>),
    File { stamp: Stamp, executable: bool },
}

/// A folder that is to be listed, with what the patterns say of it.
struct Open {
    path: TreePath,
    include: Verdict,
    exclude: Verdict,
}

/// Everything in a folder that a filter lets through, in no particular order.
///
/// Folders that the filter does not let through are left out, even if something in them is not.
pub(super) fn walk(folder: &Folder, filter: &Filter) -> Result<Vec<Found>, ContextError> {
    let root = Open { path: TreePath::root(), include: filter.include.root(), exclude: filter.exclude.root() };
    let mut found = Vec::new();
    let mut level = vec![root];
    while !level.is_empty() {
        let listed: Vec<_> = level.par_iter().map(|open| list(folder, filter, open)).collect::<Result<_, _>>()?;
        level = Vec::new();
        for (here, below) in listed {
            found.extend(here);
            level.extend(below);
        }
    }
    Ok(found)
}

fn list(folder: &Folder, filter: &Filter, open: &Open) -> Result<(Vec<Found>, Vec<Open>), ContextError> {
    let directory = folder.directory(&open.path)?;
    let (mut found, mut below) = (Vec::new(), Vec::new());
    for Name { name, kind } in folder.names(&open.path, &directory)? {
        let path = open.path.join(&name)?;
        let include = filter.include.judge(path.as_bytes(), &open.include);
        let exclude = filter.exclude.judge(path.as_bytes(), &open.exclude);
        let belongs = (include.matches || filter.include.is_empty()) && !exclude.matches;
        let mut stat = None;
        let mut kind = kind;
        if kind == FileType::Unknown {
            let looked_up = folder.stat(&path, &directory, &name)?;
            kind = FileType::from_raw_mode(looked_up.st_mode);
            stat = Some(looked_up);
        }
        match kind {
            FileType::Directory => {
                if belongs || filter.may_hold_something(&path, &include, &exclude) {
                    below.push(Open { path: path.clone(), include, exclude });
                }
                if belongs {
                    found.push(Found { path, what: What::Directory });
                }
            }
            _ if !belongs => {}
            FileType::Symlink => {
                let target = folder.link(&path, &directory, &name)?;
                found.push(Found { path, what: What::Link(target) });
            }
            FileType::RegularFile => {
                let stat = match stat {
                    Some(stat) => stat,
                    None => folder.stat(&path, &directory, &name)?,
                };
                let what = file(&stat).ok_or_else(|| ContextError::Changing(folder.shown(&path)))?;
                found.push(Found { path, what });
            }
            other => return Err(ContextError::Special { path: folder.shown(&path), kind: word(other) }),
        }
    }
    Ok((found, below))
}

impl Filter {
    fn may_hold_something(&self, path: &TreePath, include: &Verdict, exclude: &Verdict) -> bool {
        let path = path.as_bytes();
        let included = self.include.is_empty() || include.matches || self.include.can_change_below(path, include);
        included && (!exclude.matches || self.exclude.can_change_below(path, exclude))
    }
}

fn file(stat: &Stat) -> Option<What> {
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    is_file.then(|| What::File { stamp: Stamp::of(stat), executable: stat.st_mode & 0o100 != 0 })
}

fn word(kind: FileType) -> &'static str {
    match kind {
        FileType::Socket => "socket",
        FileType::Fifo => "named pipe",
        FileType::CharacterDevice | FileType::BlockDevice => "device",
        _ => "special file",
    }
}
