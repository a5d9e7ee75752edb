//! Folders that outlive commands.
//!
//! They are below `caches/` of the store, a folder for each cache with numbered folders in it: the first is the one that
//! commands share or wait for, those that want one for themselves take the first that nobody uses. Beside each stands a
//! file whose lock says who uses it, which ends with the process that holds it in any way. Nothing in a cache decides
//! what is built: it enters no key and no result, and can be removed at any time when nobody uses it.
//!
//! A command takes the locks of all its caches in the order of their names, each once, so that commands that use the
//! same ones never wait for each other in a circle.

use super::error::ExecError;
use crate::llb::exec::Sharing;
use crate::oci::Digest;
use crate::store::Store;
use crate::tree::Tree;
use crate::tree::materialise::{Options, materialise};
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The longest time between two attempts to get a lock.
const PAUSE: Duration = Duration::from_millis(50);

/// A cache that a command wants.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Who may use it at the same time.
    pub(super) sharing: Sharing,
    /// What it begins with.
    pub(super) seed: Option<Arc<Tree>>,
}

/// The folders of a command's caches by name; locked until this is dropped.
#[derive(Debug, Default)]
pub(super) struct Held(BTreeMap<Digest, (PathBuf, File)>);

impl Held {
    /// The folder of a cache.
    pub(super) fn folder(&self, name: &Digest) -> Option<&Path> {
        self.0.get(name).map(|(folder, _)| folder.as_path())
    }
}

/// Names a cache by what it is called and what it begins with.
pub(super) fn name(id: &str, seed: Option<&Digest>) -> Digest {
    let seed = seed.map_or(&[][..], |seed| seed.as_bytes());
    Digest::of([b"kiln cache 1\n", seed, b"\n", id.as_bytes()].concat())
}

/// The stricter of two ways to use one cache in one command.
pub(super) fn stricter(a: Sharing, b: Sharing) -> Sharing {
    match (a, b) {
        (Sharing::Locked, _) | (_, Sharing::Locked) => Sharing::Locked,
        (Sharing::Private, _) | (_, Sharing::Private) => Sharing::Private,
        (Sharing::Shared, Sharing::Shared) => Sharing::Shared,
    }
}

/// Waits for all caches of a command; none where `gave_up` ended the wait.
pub(super) fn hold(
    store: &Store,
    wanted: BTreeMap<Digest, Wanted>,
    gave_up: &dyn Fn() -> bool,
) -> Result<Option<Held>, ExecError> {
    let mut held = Held::default();
    for (name, Wanted { sharing, seed }) in wanted {
        let cache = store.root().join("caches").join(name.hex());
        std::fs::create_dir_all(&cache).map_err(failed("make", &cache))?;
        let Some((number, lock)) = take(&cache, sharing, gave_up)? else { return Ok(None) };
        let folder = cache.join(number.to_string());
        if !begin(&cache, &folder, seed.as_deref(), store, gave_up)? {
            return Ok(None);
        }
        held.0.insert(name, (folder, lock));
    }
    Ok(Some(held))
}

/// Which folder of a cache to use, and its lock.
fn take(cache: &Path, sharing: Sharing, gave_up: &dyn Fn() -> bool) -> Result<Option<(usize, File)>, ExecError> {
    let lock_file = |number: usize| cache.join(format!("{number}.lock"));
    match sharing {
        Sharing::Shared => Ok(lock(&lock_file(0), File::try_lock_shared, gave_up)?.map(|lock| (0, lock))),
        Sharing::Locked => Ok(lock(&lock_file(0), File::try_lock, gave_up)?.map(|lock| (0, lock))),
        Sharing::Private => {
            for number in 0.. {
                if let Some(lock) = lock(&lock_file(number), File::try_lock, &|| true)? {
                    return Ok(Some((number, lock)));
                }
            }
            Ok(None)
        }
    }
}

/// Makes a cache's folder where it is missing, with what it begins with; false where the wait for it was ended.
fn begin(
    cache: &Path,
    folder: &Path,
    seed: Option<&Tree>,
    store: &Store,
    gave_up: &dyn Fn() -> bool,
) -> Result<bool, ExecError> {
    if folder.is_dir() {
        return Ok(true);
    }
    let Some(_alone) = lock(&cache.join("lock"), File::try_lock, gave_up)? else { return Ok(false) };
    if folder.is_dir() {
        return Ok(true);
    }
    let unfinished = folder.with_extension("new");
    match std::fs::remove_dir_all(&unfinished) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed("clear", &unfinished)(e)),
        _ => {}
    }
    match seed {
        Some(seed) => drop(materialise(seed, store, &unfinished, Options::default())?),
        None => std::fs::create_dir(&unfinished).map_err(failed("make", &unfinished))?,
    }
    std::fs::rename(&unfinished, folder).map_err(failed("make", folder))?;
    Ok(true)
}

fn lock(
    path: &Path,
    attempt: fn(&File) -> Result<(), TryLockError>,
    gave_up: &dyn Fn() -> bool,
) -> Result<Option<File>, ExecError> {
    let options = File::options().create(true).truncate(false).read(true).write(true).clone();
    let file = options.open(path).map_err(failed("open", path))?;
    let mut pause = Duration::from_millis(1);
    loop {
        match attempt(&file) {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(e)) => return Err(failed("lock", path)(e)),
        }
        if gave_up() {
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSE);
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> ExecError + use<> {
    let path = path.to_owned();
    move |source| ExecError::Cache { action, path, source }
}
