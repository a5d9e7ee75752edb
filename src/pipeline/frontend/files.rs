//! The files that a spec consists of, read through the daemon into a folder: the spec, what it includes, its lock, keys.

use super::asked::Asked;
use crate::llb::{Builder, Note, attr};
use crate::oci::Platform;
use crate::pipeline::error::Error;
use crate::pipeline::project::Project;
use crate::solve::gateway::{Gateway, GatewayError};
use crate::spec::{self, LoadError, Loader};
use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::sync::{Mutex, PoisonError};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 32 << 20;

/// Reads the spec that was asked for into `folder`, with all that it consists of.
pub(super) fn load(gateway: &Gateway, asked: &Asked, folder: &Path) -> Result<Project, Error> {
    let files = Files { gateway, asked, folder, failed: Mutex::default() };
    // What is wrong with the spec is told where it is read from the folder.
    let _ = spec::load(&files, &asked.file, &asked.args);
    if let Some(error) = files.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error.into());
    }
    let files = Files { gateway, asked, folder, failed: Mutex::default() };
    let project = Project::load(&folder.join(&asked.file), &asked.args)?;
    let lock = project.lock_path();
    files.bring(lock.file_name().and_then(|name| name.to_str()).unwrap_or_default())?;
    for keyring in project.spec.apts.iter().flat_map(|apt| &apt.keyrings) {
        files.bring(keyring)?;
    }
    Ok(project)
}

/// A file of one of the user's folders; none where it is not there.
pub(super) fn read(gateway: &Gateway, asked: &Asked, name: &str, path: &str) -> Result<Option<Vec<u8>>, Error> {
    let mut builder = Builder::new(Platform::host());
    let wanted = attr::Local { follow: vec![path.to_owned()], ..attr::Local::default() };
    let more = [
        (attr::LOCAL_SESSION.to_owned(), asked.session.clone()),
        (attr::SHARED_KEY_HINT.to_owned(), format!("{name}:{path}")),
        (attr::LOCAL_DIFFER.to_owned(), "none".to_owned()),
    ];
    let note = Note::named(format!("[internal] load {path}"));
    let source = builder.source(&format!("local://{name}"), wanted.attrs().into_iter().chain(more).collect(), note);
    let definition = builder.finish_without_places(source)?;
    let reference = gateway.solve(definition.message().clone(), false)?;
    let content = gateway.read(&reference, path, LARGEST)?;
    match content.as_ref().is_some_and(|content| content.len() as u64 > LARGEST) {
        true => Err(Error::Usage(format!("{path} is larger than {LARGEST} bytes"))),
        false => Ok(content),
    }
}

/// The files of the spec's folder.
struct Files<'a> {
    gateway: &'a Gateway,
    asked: &'a Asked,
    folder: &'a Path,
    failed: Mutex<Option<GatewayError>>,
}

impl Files<'_> {
    /// Brings a file into the folder; one that is not there stays away.
    fn bring(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        // Clean paths go nowhere else, but keys can be named by any.
        if !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(Error::Usage(format!("`{path}` is not below the spec's folder, which is all that is here")));
        }
        let Some(content) = read(self.gateway, self.asked, &self.asked.spec_folder, path)? else { return Ok(None) };
        let place = self.folder.join(path);
        let unwritable = |source| Error::Unwritable { path: place.clone(), source };
        std::fs::create_dir_all(place.parent().unwrap_or(self.folder)).map_err(unwritable)?;
        std::fs::write(&place, &content).map_err(unwritable)?;
        Ok(Some(content))
    }
}

impl Loader for Files<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, LoadError> {
        match self.bring(path) {
            Ok(Some(content)) => Ok(content),
            Ok(None) => Err(LoadError::NotFound),
            Err(error) => {
                let told = LoadError::Other(error.to_string());
                if let Error::Gateway(error) = error {
                    self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
                Err(told)
            }
        }
    }
}

/// The texts of a spec's files, by their paths below the folder that they were brought into.
pub(super) fn texts(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(place) = waiting.pop() {
        let unreadable = |source| Error::Unreadable { what: "the spec", path: place.clone(), source };
        for entry in std::fs::read_dir(&place).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).ok().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            found.insert(name, crate::pipeline::read_bounded(&path, LARGEST).map_err(unreadable)?);
        }
    }
    Ok(found)
}
