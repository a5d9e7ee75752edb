//! Certificates for registries, in the form of Docker's `certs.d`: in a folder for each registry `*.crt` are
//! authorities that are trusted, `*.cert` with `*.key` is what kiln says to be.

use super::RegistryError;
use super::local::read;
use crate::http::{Identity, check_roots};
use std::io;
use std::path::{Path, PathBuf};

/// Files of a folder that are looked at.
const MOST: usize = 200;

/// What folders say about one registry.
#[derive(Default)]
pub(super) struct Certificates {
    /// Authorities, one or several in each.
    pub roots: Vec<Vec<u8>>,
    /// What kiln says to be: the first by name of the first folder that has any.
    pub identity: Option<Identity>,
}

impl Certificates {
    /// Reads what folders have for a registry under any of its names. A folder that is not there says nothing.
    pub fn read(folders: &[PathBuf], names: &[&str]) -> Result<Self, RegistryError> {
        let mut all = Certificates::default();
        for folder in folders.iter().flat_map(|folder| names.iter().map(move |name| folder.join(name))) {
            for path in files(&folder)? {
                let failed = |reason: String| RegistryError::Certificate { path: path.clone(), reason };
                let load = |path: &Path| read(path).map_err(|e| failed(format!("cannot be read: {e}")));
                match path.extension().and_then(|extension| extension.to_str()) {
                    Some("crt") => {
                        let bundle = load(&path)?;
                        check_roots(&bundle).map_err(|e| failed(e.to_string()))?;
                        all.roots.push(bundle.to_vec());
                    }
                    Some("cert") if all.identity.is_none() => {
                        let key = path.with_extension("key");
                        let key = read(&key).map_err(|e| failed(format!("needs {}: {e}", key.display())))?;
                        let identity = Identity::from_pem(&load(&path)?, &key);
                        all.identity = Some(identity.map_err(|e| failed(e.to_string()))?);
                    }
                    _ => {}
                }
            }
        }
        Ok(all)
    }
}

/// The files of a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, RegistryError> {
    let failed = |reason: String| RegistryError::Certificate { path: folder.to_owned(), reason };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(e) => return Err(failed(format!("cannot be read: {e}"))),
    };
    let paths: Result<Vec<PathBuf>, io::Error> = entries.take(MOST + 1).map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(|e| failed(format!("cannot be read: {e}")))?;
    if paths.len() > MOST {
        return Err(failed(format!("has more than {MOST} files")));
    }
    paths.sort();
    Ok(paths)
}
