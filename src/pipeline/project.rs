//! A spec on disk with what lies beside it.

use super::error::Error;
use super::git::{self, Commit};
use super::signers::{Demand, Signers};
use crate::diagnostic::{Diagnostic, Sources};
use crate::plan::lock;
use crate::spec::{self, Loader as _, RegistryImage, Spec};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The name of a spec in a project's folder.
pub const SPEC_FILE: &str = "kiln.kdl";

/// A spec that was read, and where it was read.
#[derive(Debug)]
pub struct Project {
    /// The folder that holds the spec; all its paths begin there.
    pub folder: PathBuf,
    /// The spec's file name.
    pub file: String,
    /// What it says.
    pub spec: Spec,
    /// Its text and those of the files that it includes; the spec is the first.
    pub sources: Sources,
    /// What is accepted, but probably not what was meant.
    pub warnings: Vec<Diagnostic>,
    /// The values that `--arg` set.
    pub args: BTreeMap<String, String>,
    /// Who must have signed the images of registries that it uses.
    signers: Signers,
}

impl Project {
    /// Reads the spec at `path`: a file, or a folder with a `kiln.kdl`.
    ///
    /// # Errors
    /// Where it cannot be read, and all mistakes that it has.
    pub fn load(path: &Path, args: &BTreeMap<String, String>) -> Result<Self, Error> {
        let (given, file) = locate(path)?;
        let unreadable = |e: spec::LoadError| Error::Unreadable {
            what: "the spec",
            path: given.join(&file),
            source: std::io::Error::other(e.to_string()),
        };
        let files = spec::Folder::new(&given).map_err(unreadable)?;
        let loaded = spec::load(&files, &file, args).map_err(Error::Spec)?;
        // From here on names are relative to the spec's folder: they go into graphs and evidence.
        let prefix = files.shown("");
        let sources = loaded.sources.renamed(|name| name.strip_prefix(&prefix).unwrap_or(name).to_owned());
        let folder = std::fs::canonicalize(&given).map_err(|source| Error::Unreadable {
            what: "the spec",
            path: given.clone(),
            source,
        })?;
        let signers = Signers::of_spec(&loaded.spec.policies, &folder, &sources);
        let (spec, warnings, args) = (loaded.spec, loaded.warnings, args.clone());
        Ok(Project { folder, file, spec, sources, warnings, args, signers })
    }

    /// The same where a policy stands above the spec, and says who must have signed images.
    pub(super) fn under(mut self, policy: Option<&Path>) -> Result<Self, Error> {
        if let Some(policy) = policy {
            self.signers.add_above(policy)?;
        }
        Ok(self)
    }

    /// The keys that must have signed an image: what the spec says of it, then what policies say.
    pub(super) fn demands(&self, image: &RegistryImage) -> Vec<Demand> {
        let own = image.signed_by.as_ref().map(|key| Demand { keys: vec![self.folder.join(&key.value)], at: None });
        own.into_iter().chain(self.signers.demands(&image.reference)).collect()
    }

    /// Where the lock is.
    pub fn lock_path(&self) -> PathBuf {
        match self.file.as_str() {
            SPEC_FILE => self.folder.join(lock::FILE_NAME),
            other => self.folder.join(Path::new(other).with_extension("lock")),
        }
    }

    /// What git knows of the project.
    pub fn commit(&self) -> Option<Commit> {
        git::commit(&self.folder)
    }
}

/// The folder, as it was given, and the file name of the spec that a path means.
pub(super) fn locate(path: &Path) -> Result<(PathBuf, String), Error> {
    let file = if path.is_dir() { path.join(SPEC_FILE) } else { path.to_owned() };
    let unreadable = |source| Error::Unreadable { what: "the spec", path: file.clone(), source };
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::metadata(&file).map_err(unreadable)?;
    let name = file.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let name = name.ok_or_else(|| unreadable(std::io::ErrorKind::InvalidFilename.into()))?;
    Ok((folder.to_owned(), name))
}
