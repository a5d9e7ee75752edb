//! Everything from outside, brought into the store: packages as trees, downloads, images, account files.

use super::commits;
use super::error::Error;
use super::images::{self, Asked, SourceImage};
use super::installing;
use super::locking::{Buildable, Leveled, request};
use super::project::Project;
use super::session::Session;
use crate::compile::{self, Compiled, Inputs};
use crate::diagnostic::Sources;
use crate::evidence::provenance::UsedImage;
use crate::image::accounts::{self, Accounts};
use crate::oci::{Descriptor, Digest, Manifest, Platform, document, media_type, to_json};
use crate::packages::deb::set::{self, Database, Owner, PackageSet};
use crate::packages::deb::{self, LockedPackage};
use crate::plan::{self, Level, Lock, LockedSet, Request};
use crate::spec::{Base, Dpkg, Image, Keep, ScriptChoice, SourceKind};
use crate::store::Store;
use crate::tree::{Tree, TreePath};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// What an image for one platform is made of, in the store.
pub(super) struct Realised {
    /// By digest, for the graph.
    pub inputs: Inputs,
    /// For each level all packages up to it.
    pub sets: Vec<Option<Installed>>,
    /// The packages of the image, as they are locked.
    pub locked: Option<LockedSet>,
    /// The base that is not kiln's own.
    pub base: Option<SourceImage>,
    /// What is told of the images, by the names of their sources.
    pub used: BTreeMap<String, UsedImage>,
}

/// Packages as they are installed together.
pub(super) struct Installed {
    /// The files and their owners.
    pub set: PackageSet,
    /// The packages, as the owners count them.
    pub packages: Vec<LockedPackage>,
    owners: OnceLock<BTreeMap<TreePath, Owner>>,
}

impl Installed {
    /// Packages that were put together, with the packages themselves as the owners count them.
    pub(super) fn new(set: PackageSet, packages: Vec<LockedPackage>) -> Self {
        Installed { set, packages, owners: OnceLock::new() }
    }

    /// Who put each path there.
    pub(super) fn owners(&self) -> &BTreeMap<TreePath, Owner> {
        self.owners.get_or_init(|| self.set.owned().map(|(path, owner)| (path.clone(), owner)).collect())
    }

    /// Who put a path there.
    pub(super) fn owner(&self, path: &TreePath) -> Option<Owner> {
        self.owners().get(path).copied()
    }
}

/// What an image for one platform is made of, and what its stages are made of.
pub(super) struct Prepared<'a> {
    /// The image's own.
    pub image: Realised,
    /// Its stages, each behind those that it uses itself.
    pub stages: Vec<PreparedStage<'a>>,
}

/// What a stage is made of.
pub(super) struct PreparedStage<'a> {
    /// Its name.
    pub name: &'a str,
    /// The stage.
    pub leveled: &'a Leveled<'a>,
    /// What it is built for.
    pub platform: &'a Platform,
    /// What it is made of.
    pub realised: Realised,
}

/// Brings everything that an image for one platform and its stages are made of into the store.
pub(super) fn prepare<'a>(
    session: &Session<'_>,
    project: &'a Project,
    buildable: &'a Buildable<'a>,
    leveled: &Leveled<'_>,
    platform: &'a Platform,
    lock: &Lock,
) -> Result<Prepared<'a>, Error> {
    let mut stages: Vec<PreparedStage<'_>> = Vec::new();
    for (name, leveled, platform) in buildable.stages_of(project, leveled.image, platform) {
        let realised = realise(session, project, leveled, platform, lock, &stages)?;
        stages.push(PreparedStage { name, leveled, platform, realised });
    }
    Ok(Prepared { image: realise(session, project, leveled, platform, lock, &stages)?, stages })
}

impl Prepared<'_> {
    /// The graph of the image with its stages.
    pub(super) fn compile(
        &self,
        leveled: &Leveled<'_>,
        platform: &Platform,
        sources: &Sources,
    ) -> Result<Compiled, Error> {
        self.compile_with(leveled, platform, sources, None)
    }

    /// The same of a stage, with a command behind all of its own.
    pub(super) fn compile_with_shell(
        &self,
        leveled: &Leveled<'_>,
        platform: &Platform,
        sources: &Sources,
        command: &[String],
    ) -> Result<Compiled, Error> {
        self.compile_with(leveled, platform, sources, Some(command))
    }

    fn compile_with(
        &self,
        leveled: &Leveled<'_>,
        platform: &Platform,
        sources: &Sources,
        command: Option<&[String]>,
    ) -> Result<Compiled, Error> {
        let subject = compile::Subject { levels: &leveled.levels, platform, inputs: &self.image.inputs };
        let stages = self.stages.iter().map(|stage| {
            let inputs = &stage.realised.inputs;
            (stage.name, compile::Subject { levels: &stage.leveled.levels, platform: stage.platform, inputs })
        });
        Ok(match command {
            None => compile::compile(subject, stages, sources)?,
            Some(command) => compile::compile_with_command(subject, stages, sources, command)?,
        })
    }
}

/// Brings everything that an image or a stage for one platform is made of into the store; `stages` are those that it
/// uses.
fn realise(
    session: &Session<'_>,
    project: &Project,
    leveled: &Leveled<'_>,
    platform: &Platform,
    lock: &Lock,
    stages: &[PreparedStage<'_>],
) -> Result<Realised, Error> {
    let mut inputs = Inputs::default();
    for download in &lock.downloads {
        inputs.http.insert(download.source.clone(), download.sha256);
    }
    let mut base = None;
    let lowest = leveled.levels.first().and_then(|level| level.image.base.as_ref()).map(|base| &base.value);
    // Only those that this image uses: others may not be for its platform.
    let named: BTreeSet<&str> = leveled.levels.iter().flat_map(|level| Image::sources(&level.image)).collect();
    let mut used = BTreeMap::new();
    for source in project.spec.sources.iter().filter(|source| named.contains(source.name.as_str())) {
        if let SourceKind::Git(_) = &source.kind {
            let tree = commits::bring(session, project, lock, &source.name)?;
            inputs.commits.insert(source.name.value.clone(), stored_tree(&session.store, &tree)?);
        }
        let is_base = lowest == Some(&Base::Source(source.name.value.clone()));
        let asked = Asked { lock, is_base };
        let Some(imported) = images::import(session, project, &source.kind, platform, &asked)? else { continue };
        inputs.images.insert(source.name.value.clone(), imported.manifest.digest);
        used.insert(source.name.value.clone(), imported.used.clone());
        if is_base {
            inputs.base_config = Some(imported.config.config.clone());
            base = Some(imported);
        }
    }
    // Its layers are unpacked only for those who look into it.
    let looked_into = looks_below(project, leveled, platform)?;
    let below = base.as_ref().filter(|_| looked_into).map(|base| base.tree(session)).transpose()?;
    let installed = install(session, project, leveled, platform, lock, stages, below.as_deref())?;
    let (sets, installations, accounts) =
        (installed.inputs.sets, installed.inputs.installations, installed.inputs.accounts);
    inputs = Inputs { sets, installations, accounts, ..inputs };
    Ok(Realised { inputs, base, used, ..installed })
}

/// Whether somebody looks at the files of the base that an image or a stage stands on.
pub(super) fn looks_below(project: &Project, leveled: &Leveled<'_>, platform: &Platform) -> Result<bool, Error> {
    Ok(request(project, &leveled.levels, platform)?.is_some() || leveled.levels.iter().any(has_accounts))
}

/// Whether a level makes groups or accounts.
pub(super) fn has_accounts(level: &Level) -> bool {
    !level.image.groups.is_empty() || !level.image.accounts.is_empty()
}

/// The packages and accounts of an image or a stage, upon the files of its base; `stages` are those that it uses.
pub(super) fn install(
    session: &Session<'_>,
    project: &Project,
    leveled: &Leveled<'_>,
    platform: &Platform,
    lock: &Lock,
    stages: &[PreparedStage<'_>],
    below: Option<&Tree>,
) -> Result<Realised, Error> {
    let mut inputs = Inputs::default();
    let locked = lock.set(&leveled.image.name.value.to_string(), platform).cloned();
    let request = request(project, &leveled.levels, platform)?;
    let sets = match (&locked, request) {
        (Some(locked), Some(request)) => {
            fetch(session, locked, &request, lock)?;
            if let Some(span) = leveled.image.runs_scripts() {
                let upon = installing::Upon { project, leveled, base: below, stages };
                let packages = upon.missing(session, locked)?;
                let installed = installing::prepare(session, leveled, &request, packages, below, &mut inputs);
                vec![installed.map_err(|error| installing::at(error, span, project))?]
            } else {
                sets(session, &leveled.levels, locked, below)?
            }
        }
        _ => leveled.levels.iter().map(|_| None).collect(),
    };
    for installed in &sets {
        let manifest = installed.as_ref().map(|i| stored_tree(&session.store, &i.set.digest)).transpose()?;
        inputs.sets.push(manifest);
    }
    for (level, set) in sets.iter().enumerate() {
        let files = account_files(session, &leveled.levels[..=level], below, set.as_ref())?;
        inputs.accounts.push(files);
    }
    Ok(Realised { inputs, sets, locked, base: None, used: BTreeMap::new() })
}

/// For each level all packages up to it: unpacked and put together.
fn sets(
    session: &Session<'_>,
    levels: &[Level],
    locked: &LockedSet,
    base: Option<&Tree>,
) -> Result<Vec<Option<Installed>>, Error> {
    session.phase("unpacking");
    let architecture =
        deb::architecture(&locked.platform).ok_or_else(|| plan::PlanError::Platform(locked.platform.to_string()))?;
    let mut sets = Vec::new();
    for position in 0..levels.len() {
        let packages: Vec<LockedPackage> = packages_up_to(levels, locked, position).cloned().collect();
        if packages.is_empty() {
            sets.push(None);
            continue;
        }
        let set = set::compose(&session.store, &packages, &options(architecture, &levels[..=position]), base)?;
        for warning in &set.warnings {
            session.warn(&format!("{}: {}", warning.package, warning.text));
        }
        sets.push(Some(Installed::new(set, packages)));
    }
    Ok(sets)
}

/// The locked packages of all levels up to one.
pub(super) fn packages_up_to<'l>(
    levels: &'l [Level],
    locked: &'l LockedSet,
    position: usize,
) -> impl Iterator<Item = &'l LockedPackage> {
    let own: Vec<&str> = levels.iter().filter_map(|level| level.own.as_deref()).collect();
    let up_to = move |base: &Option<String>| match base {
        Some(base) => own.iter().position(|own| own == base).is_none_or(|needed| needed <= position),
        None => levels[position].own.is_none(),
    };
    locked.packages.iter().filter(move |entry| up_to(&entry.base)).map(|entry| &entry.package)
}

/// How packages are put together, as all levels up to one ask for it.
pub(super) fn options(architecture: &str, levels: &[Level]) -> set::Options {
    let mut options = set::Options::new(architecture);
    for packages in levels.iter().flat_map(|level| &level.image.packages) {
        for keep in &packages.keep {
            match keep.value {
                Keep::Doc => options.keep.doc = true,
                Keep::Man => options.keep.man = true,
                Keep::Locale => options.keep.locale = true,
            }
        }
        if packages.dpkg == Dpkg::Full {
            options.database = Database::Full;
        }
        let skipped = packages.scripts.iter().filter(|s| s.choice == ScriptChoice::Skip);
        options.skip_scripts.extend(skipped.map(|s| s.package.value.clone()));
    }
    options
}

fn fetch(session: &Session<'_>, locked: &LockedSet, request: &Request, lock: &Lock) -> Result<(), Error> {
    let missing = locked.packages.iter().map(|entry| &entry.package);
    let missing: Vec<_> = missing.filter(|package| session.store.size(&package.sha256) != Some(package.size)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    session.phase("fetching");
    session.progress.expect(missing.iter().map(|package| package.size).sum());
    let mut places = Vec::new();
    for package in &missing {
        places.push(mirrors_of(&session.settings.mirrors, package, request)?);
    }
    let wanted: Vec<deb::Wanted<'_>> = missing
        .iter()
        .zip(&places)
        .map(|(package, mirrors)| deb::Wanted { package, mirrors, date: date_of(package, lock) })
        .collect();
    let advance = |bytes| session.progress.advance(bytes);
    Ok(session.wait(deb::fetch(session.client()?, &session.store, &wanted, &advance))?)
}

/// Where a package may be had: the mirrors of the package source that has its suite.
pub(super) fn mirrors_of(
    mirrors: &deb::MirrorConfig,
    package: &deb::LockedPackage,
    request: &Request,
) -> Result<Vec<crate::http::Url>, Error> {
    let mut places = Vec::new();
    for source in &request.sources {
        if source.apt.suites.iter().any(|suite| suite.name.value == package.suite) {
            for place in plan::mirrors(source, &package.suite, mirrors)? {
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
    }
    Ok(places)
}

/// The date of the index that a package was taken from.
pub(super) fn date_of(package: &deb::LockedPackage, lock: &Lock) -> Option<Timestamp> {
    let of_suite = |index: &&deb::LockedIndex| index.archive == package.archive && index.suite == package.suite;
    lock.indexes.iter().filter(of_suite).map(|index| index.date).max()
}

/// The account files with the accounts of all these levels; none where no level has any.
fn account_files(
    session: &Session<'_>,
    levels: &[Level],
    base: Option<&Tree>,
    installed: Option<&Installed>,
) -> Result<Option<Digest>, Error> {
    if levels.iter().all(|level| level.image.groups.is_empty() && level.image.accounts.is_empty()) {
        return Ok(None);
    }
    let mut below = base.cloned().unwrap_or_default();
    if let Some(installed) = installed {
        below.graft(&TreePath::root(), &installed.set.tree)?;
    }
    let known = Accounts::read(&below, &session.store)?;
    let (mut users, mut groups) = (Vec::new(), Vec::new());
    for level in levels {
        // A base's accounts give way to those that packages above it bring under the same names.
        let wanted = |known: bool| !known || level.own.is_none();
        let of_image = &level.image;
        groups.extend(of_image.groups.iter().filter(|g| wanted(known.group(&g.name.value).is_some())).map(group));
        users.extend(of_image.accounts.iter().filter(|a| wanted(known.user(&a.name.value).is_some())).map(user));
    }
    let change = accounts::add(&below, &session.store, &users, &groups)?;
    if change.is_empty() {
        return Ok(None);
    }
    let digest = change.entries.save(&session.store)?;
    stored_tree(&session.store, &digest).map(Some)
}

fn group(group: &crate::spec::Group) -> accounts::Group {
    accounts::Group { name: group.name.value.clone(), gid: group.gid.value }
}

fn user(account: &crate::spec::Account) -> accounts::User {
    accounts::User {
        name: account.name.value.clone(),
        uid: account.uid.value,
        gid: account.gid,
        gecos: String::new(),
        home: account.home.clone(),
        shell: account.shell.clone(),
        groups: account.groups.iter().map(|group| group.value.clone()).collect(),
    }
}

/// The manifest of a stored tree or image.
pub(super) fn read_stored(store: &Store, manifest: &Digest) -> Result<Manifest, Error> {
    let bytes = store.read(manifest, document::MAX_SIZE)?;
    serde_json::from_slice(&bytes).map_err(|e| Error::Mistake(format!("{manifest} is no manifest: {e}")))
}

/// Stores the manifest by which a graph names a stored tree; its digest follows from the tree's.
pub(super) fn stored_tree(store: &Store, tree: &Digest) -> Result<Digest, Error> {
    let size = store.size(tree).ok_or(crate::store::StoreError::Missing(*tree))?;
    let layer = Descriptor::new(media_type::TREE, *tree, size);
    store.put(b"{}")?;
    Ok(store.put(&to_json(&Manifest::artifact(media_type::TREE, layer)))?)
}
