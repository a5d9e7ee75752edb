//! Where the texts of a spec come from: its own file and what it includes.

use crate::syntax::MAX_TEXT;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Reads the files of a spec's folder.
pub trait Loader {
    /// The content of a file, by its clean path relative to the spec's folder; `/` separates.
    ///
    /// At most one byte more than [`MAX_TEXT`] need be given.
    fn read(&self, path: &str) -> Result<Vec<u8>, LoadError>;

    /// The name under which the user knows this file.
    fn shown(&self, path: &str) -> String {
        path.to_owned()
    }
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// There is none.
    #[error("there is no such file")]
    NotFound,
    /// It is reached through a link that leads out of the spec's folder.
    #[error("it leads out of the spec's folder")]
    Outside,
    /// A folder, a pipe or a device.
    #[error("it is no regular file")]
    NotAFile,
    /// The machine's own words.
    #[error("{0}")]
    Other(String),
}

impl From<std::io::Error> for LoadError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => LoadError::NotFound,
            _ => LoadError::Other(error.to_string()),
        }
    }
}

/// A folder on disk. Nothing outside of it is read, links included.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    shown: String,
}

impl Folder {
    /// The folder that holds a spec's file; what it is called in messages is the path as given.
    pub fn new(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        let path = path.as_ref();
        let shown = match path.to_string_lossy().trim_end_matches('/') {
            "" if path.is_absolute() => "/".to_owned(),
            "" | "." => String::new(),
            shown => format!("{}/", shown.strip_prefix("./").unwrap_or(shown)),
        };
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        Ok(Folder { root: path.canonicalize()?, shown })
    }
}

impl Loader for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>, LoadError> {
        let real = self.root.join(path).canonicalize()?;
        if !real.starts_with(&self.root) {
            return Err(LoadError::Outside);
        }
        // Asked before opening: to open a pipe would wait for its writer.
        if !real.metadata()?.is_file() {
            return Err(LoadError::NotAFile);
        }
        let mut bytes = Vec::new();
        File::open(real)?.take(MAX_TEXT as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn shown(&self, path: &str) -> String {
        format!("{}{path}", self.shown)
    }
}

/// Texts in memory, by their paths: kiln's own bases, tests.
impl Loader for BTreeMap<String, String> {
    fn read(&self, path: &str) -> Result<Vec<u8>, LoadError> {
        self.get(path).map(|text| text.as_bytes().to_vec()).ok_or(LoadError::NotFound)
    }
}
