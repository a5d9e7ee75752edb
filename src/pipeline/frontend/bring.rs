//! The command that makes trees of packages and accounts, run by a daemon in the frontend's own image.

use super::pieces::{Kind, Pieces};
use crate::diagnostic;
use crate::llb::exec::STEP_EPOCH;
use crate::oci::{Digest, Platform};
use crate::pipeline::error::Error;
use crate::pipeline::inputs::{self, PreparedStage, Realised, read_stored};
use crate::pipeline::locking;
use crate::pipeline::project::Project;
use crate::pipeline::session::Session;
use crate::pipeline::{find_image, is_called, target};
use crate::store::Store;
use crate::tree::Tree;
use crate::tree::capture::{self, CaptureOptions, Captured};
use crate::tree::materialise::{self, materialise};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The folder with the spec and all that it consists of.
pub(super) const SPEC: &str = "/run/kiln/spec";
/// The folder with the archives of packages, named by their digests.
pub(super) const ARCHIVES: &str = "/run/kiln/archives";
/// The folder with the bases that are images, by the positions of what stands on them.
pub(super) const BASES: &str = "/run/kiln/bases";
/// The folder of the store, which the daemon keeps.
pub(super) const STORE: &str = "/run/kiln/store";
/// The folder with one for each tree.
pub(super) const OUTPUTS: &str = "/run/kiln/trees";

/// What is brought.
#[derive(Debug, Clone)]
pub struct BringOptions {
    /// The spec.
    pub spec: PathBuf,
    /// The values of its args.
    pub args: BTreeMap<String, String>,
    /// The image or the stage.
    pub target: String,
    /// What it is for.
    pub platform: Platform,
}

/// Makes the trees that a frontend's graph takes, each in its folder.
pub fn bring(session: &Session<'_>, options: &BringOptions) -> Result<(), Error> {
    let project = Project::load(&options.spec, &options.args)?;
    let mut texts: diagnostic::Sources = project.sources.clone();
    let buildable = locking::buildable(&project, &mut texts)?;
    let lock = locking::unseen(&project, &buildable)?;
    let images = project.spec.images.iter();
    let (leveled, platform) = match images.clone().any(|image| is_called(image, &options.target)) {
        true => {
            let image = find_image(&project, &options.target)?;
            let leveled = buildable.images.iter().find(|leveled| std::ptr::eq(leveled.image, image));
            (leveled.ok_or_else(|| Error::Mistake("the image has no levels".into()))?, &options.platform)
        }
        false => target::stage(&project, &buildable, &options.target, Some(&options.platform))?,
    };
    let pieces = Pieces::plan(&project, &buildable, leveled, platform, &lock)?;
    for digest in pieces.archives.keys() {
        take(&session.store, digest)?;
    }
    let mut stages: Vec<PreparedStage<'_>> = Vec::new();
    let mut last = None;
    for (number, subject) in pieces.subjects.iter().enumerate() {
        let base = Path::new(BASES).join(number.to_string());
        let below = base.is_dir().then(|| read_folder(&session.store, &base)).transpose()?;
        let (leveled, platform) = (subject.leveled, subject.platform);
        let realised = inputs::install(session, &project, leveled, platform, &lock, &stages, below.as_ref())?;
        match subject.stage {
            Some(name) => stages.push(PreparedStage { name, leveled, platform, realised }),
            None => last = Some(realised),
        }
    }
    let realised: Vec<&Realised> = stages.iter().map(|stage| &stage.realised).chain(&last).collect();
    for (number, piece) in pieces.list.iter().enumerate() {
        let tree = tree(&session.store, realised[piece.subject], piece.kind, piece.level)?;
        put(&tree, &session.store, &Path::new(OUTPUTS).join(number.to_string()))?;
    }
    Ok(())
}

/// Makes a tree in the folder that a daemon takes as an output.
pub(super) fn put(tree: &Tree, store: &Store, folder: &Path) -> Result<(), Error> {
    let options = materialise::Options { epoch: STEP_EPOCH, later_times: true, over_existing: true };
    match materialise(tree, store, folder, options)?.first() {
        Some((path, loss)) => Err(Error::Mistake(format!("{path} cannot be made as it should be: {loss:?}"))),
        None => Ok(()),
    }
}

/// Takes an archive into the store, if it is what its name says.
fn take(store: &Store, digest: &Digest) -> Result<(), Error> {
    if store.has(digest) {
        return Ok(());
    }
    let path = Path::new(ARCHIVES).join(digest.hex());
    let mut writer = store.writer()?;
    let copied = File::open(&path).and_then(|mut file| std::io::copy(&mut file, &mut writer));
    copied.map_err(|source| Error::Unreadable { what: "the package", path, source })?;
    writer.commit_as(digest)?;
    Ok(())
}

/// What is in a folder that a daemon has mounted.
pub(super) fn read_folder(store: &Store, folder: &Path) -> Result<Tree, Error> {
    let keep = |from: &mut dyn Read, to: &mut dyn Write| std::io::copy(from, to).map(|_| true);
    let options = CaptureOptions {
        keep: &keep,
        since: (i64::MAX, 0),
        epoch: STEP_EPOCH,
        ownership: Captured::Mapped,
        settle: false,
    };
    Ok(capture::whole(&Tree::new(), folder, store, &options)?)
}

/// One of the trees that were made; an empty one where there turned out to be nothing to do.
fn tree(store: &Store, realised: &Realised, kind: Kind, level: usize) -> Result<Tree, Error> {
    let inputs = &realised.inputs;
    let installation = || {
        let known = inputs.installations.get(level).copied().flatten();
        known.ok_or_else(|| Error::Usage("there is nothing to install: the base has all of the packages".into()))
    };
    let manifest = match kind {
        Kind::Packages => {
            let set = realised.sets.get(level).and_then(Option::as_ref);
            return Ok(set.map(|set| set.set.tree.clone()).unwrap_or_default());
        }
        Kind::Accounts => inputs.accounts.get(level).copied().flatten(),
        Kind::System => installation()?.system,
        Kind::Kit => Some(installation()?.kit),
    };
    let Some(manifest) = manifest else { return Ok(Tree::new()) };
    match read_stored(store, &manifest)?.layers.as_slice() {
        [layer] => Ok(Tree::load(store, &layer.digest)?),
        _ => Err(Error::Mistake(format!("{manifest} is no tree"))),
    }
}
