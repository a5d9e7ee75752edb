//! Folders that live as long as a step.

use super::SandboxError;
use super::helper::Last;
use super::job::{Job, Reply};
use super::workers::Workers;
use crate::store::Store;
use std::io;
use std::path::{Path, PathBuf};

/// A folder of the store for one step; removed with all that is in it when this is dropped.
#[derive(Debug)]
pub(super) struct Scratch<'a> {
    path: PathBuf,
    remover: Remover<'a>,
    is_left_to_worker: bool,
}

/// Removes folders in which files may belong to any of the ids that steps have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Remover<'a> {
    pub(super) workers: &'a Workers,
    pub(super) store: &'a Store,
}

impl<'a> Scratch<'a> {
    pub(super) fn new(remover: Remover<'a>) -> Result<Self, SandboxError> {
        Ok(Scratch { path: remover.store.scratch_folder()?, remover, is_left_to_worker: false })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its path in the store.
    pub(super) fn name(&self) -> String {
        self.remover.name(&self.path)
    }

    /// The worker removes it, and nobody else may at the same time.
    pub(super) fn leave_to_worker(&mut self) {
        self.is_left_to_worker = true;
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        if !self.is_left_to_worker {
            // What cannot be removed now, the next stay in the store tries to remove again.
            let _ = self.remover.remove(&self.path);
        }
    }
}

impl Remover<'_> {
    /// Removes a folder of the store.
    pub(super) fn remove(&self, folder: &Path) -> Result<(), SandboxError> {
        match crate::store::remove_folder(folder) {
            Ok(()) => return Ok(()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            // Files of other ids: in their user namespace, kiln is root over them.
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {}
            Err(source) => return Err(SandboxError::Io { action: format!("remove {}", folder.display()), source }),
        }
        let job = Job::Remove(vec![self.name(folder)]);
        let last = self.workers.give(self.store, &job, &[], Vec::new(), |helper| {
            helper.attend(Vec::new(), &super::Deaf, None, None, || false)
        });
        match last? {
            Last::Reply(Reply::Removed) | Last::Stopped => Ok(()),
            Last::Reply(Reply::Failed(failure)) => Err(failure.into()),
            Last::Reply(other) => Err(SandboxError::Lost(format!("it said {other:?}"))),
        }
    }

    fn name(&self, folder: &Path) -> String {
        let inside = folder.strip_prefix(self.store.root()).ok().and_then(Path::to_str);
        inside.unwrap_or_default().to_owned()
    }
}
