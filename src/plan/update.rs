//! Bringing a lock up to date with what is wanted, by the smallest change.
//!
//! What is locked stays as it is while the spec asks for the same. Where the spec
//! asks for other packages, they are resolved against the indexes that the lock
//! names while these can still be had, and with the locked versions preferred:
//! so adding one package does not move the others. `--update` takes what is newest.

use super::advisories::{self, WantedAdvisories};
use super::attached;
use super::commits::{self, WantedCommit};
use super::error::PlanError;
use super::lock::{Lock, LockedAdvisories, LockedDownload, LockedEntry, LockedImage, LockedLayout, LockedSet};
use super::own::own_base;
use super::request::{Request, RequestedSource};
use crate::git;
use crate::http::{self, Url};
use crate::oci::{Digest, Reference};
use crate::packages::deb::{self, Keyring, LockedIndex};
use crate::registry::Registries;
use crate::store::Store;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

/// Everything from outside that a spec asks for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// What each image asks of package sources, for each platform.
    pub sets: Vec<WantedSet>,
    /// The files from the web.
    pub downloads: Vec<WantedDownload>,
    /// The commits of git repositories.
    pub commits: Vec<WantedCommit>,
    /// The images of layouts, as they are on disk.
    pub layouts: Vec<LockedLayout>,
    /// The images of registries.
    pub images: Vec<WantedImage>,
    /// The database that releases are judged by.
    pub advisories: Option<WantedAdvisories>,
}

/// The packages of an image for a platform.
#[derive(Debug, Clone)]
pub struct WantedSet {
    /// The image's name.
    pub image: String,
    /// What it asks for.
    pub request: Request,
    /// For each of its levels the base of kiln's own that it is; none for the image itself.
    pub levels: Vec<Option<String>>,
}

/// A file from the web.
#[derive(Debug, Clone)]
pub struct WantedDownload {
    /// The name of the spec's source.
    pub source: String,
    /// Its address.
    pub url: String,
    /// The digest that the spec says.
    pub sha256: Option<Digest>,
}

/// An image of a registry.
#[derive(Debug, Clone)]
pub struct WantedImage {
    /// The name of the spec's source.
    pub source: String,
    /// Where it is.
    pub reference: Reference,
}

/// What is taken anew although the lock has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Refresh {
    /// Nothing.
    #[default]
    Nothing,
    /// Everything.
    Everything,
    /// Packages and sources of these names, and images of these references.
    Named(BTreeSet<String>),
}

impl Refresh {
    /// Whether a source is taken anew.
    pub(super) fn touches(&self, source: &str) -> bool {
        match self {
            Refresh::Nothing => false,
            Refresh::Everything => true,
            Refresh::Named(names) => names.contains(source),
        }
    }
}

/// Where inputs are sought.
pub struct Outside<'a> {
    /// The network.
    pub http: &'a http::Client,
    /// Where indexes and downloads are kept.
    pub store: &'a Store,
    /// Where commits are.
    pub git: git::Client<'a>,
    /// Where images are.
    pub registries: &'a Registries,
    /// The claims about images, by the types of their predicates, that are pinned with them.
    pub predicates: &'a [&'a str],
    /// The newest database of advisories that was found, where one was sought.
    pub advisories: Option<LockedAdvisories>,
    /// Where Debian's archives are.
    pub mirrors: &'a deb::MirrorConfig,
    /// The present time, for keys and indexes that expire.
    pub now: Timestamp,
}

impl Lock {
    /// What in the lock does not fit what is wanted, in words; nothing where it fits.
    pub fn stale(&self, wanted: &Wanted) -> Vec<String> {
        let mut reasons = Vec::new();
        for set in &wanted.sets {
            let (image, platform) = (&set.image, &set.request.platform);
            match self.set(image, platform) {
                None => reasons.push(format!("it has no packages of {image} for {platform}")),
                Some(locked) if locked.request != set.request.digest() => {
                    reasons.push(format!("{image} for {platform} asks for other packages than when it was locked"));
                }
                Some(_) => {}
            }
        }
        for download in &wanted.downloads {
            match self.download(&download.source) {
                None => reasons.push(format!("it has no digest of source {}", download.source)),
                Some(locked) if !fits(locked, download) => {
                    reasons.push(format!("source {} has another address or digest", download.source));
                }
                Some(_) => {}
            }
        }
        for commit in &wanted.commits {
            match self.commit(&commit.source) {
                None => reasons.push(format!("it has no commit of source {}", commit.source)),
                Some(locked) if !commit.fits(locked) => {
                    reasons.push(format!("source {} has another address, `ref` or part of it", commit.source));
                }
                Some(_) => {}
            }
        }
        for layout in &wanted.layouts {
            match self.layout(&layout.source) {
                None => reasons.push(format!("it has no digest of source {}", layout.source)),
                Some(locked) if locked != layout => {
                    reasons.push(format!("the layout of source {} holds another image", layout.source));
                }
                Some(_) => {}
            }
        }
        for WantedImage { reference, .. } in &wanted.images {
            match self.image(reference) {
                None => reasons.push(format!("it has no digest of the image {reference}")),
                Some(locked) if reference.digest.is_some_and(|digest| digest != locked.sha256) => {
                    reasons.push(format!("it has another digest of the image {reference} than the reference itself"));
                }
                Some(_) => {}
            }
        }
        if let Some(wanted) = &wanted.advisories {
            match &self.advisories {
                None => reasons.push("it pins no database of advisories".into()),
                Some(locked) if !wanted.fits(locked) => {
                    reasons.push("it pins a database of advisories of another place".into());
                }
                Some(_) => {}
            }
        }
        if reasons.is_empty() && self.kept(wanted) != *self {
            reasons.push("it pins what the spec does not ask for any more".into());
        }
        reasons
    }

    /// The lock without what is no longer wanted.
    fn kept(&self, wanted: &Wanted) -> Lock {
        let mut kept = self.clone();
        let is_wanted =
            |s: &LockedSet| wanted.sets.iter().any(|w| w.image == s.image && w.request.platform == s.platform);
        kept.sets.retain(is_wanted);
        kept.downloads.retain(|d| wanted.downloads.iter().any(|w| w.source == d.source));
        kept.commits.retain(|c| wanted.commits.iter().any(|w| w.source == c.source));
        kept.layouts.retain(|l| wanted.layouts.iter().any(|w| w.source == l.source));
        kept.images.retain(|i| wanted.images.iter().any(|w| w.reference.to_string() == i.reference));
        let keys: BTreeSet<_> = wanted.sets.iter().flat_map(index_keys).collect();
        kept.indexes.retain(|index| keys.contains(&key_of(index)));
        kept.advisories = kept.advisories.filter(|_| wanted.advisories.is_some());
        kept
    }
}

/// Brings `old` up to date with what is wanted.
///
/// # Errors
/// Where something cannot be had or does not fit together; the old lock still stands then.
pub async fn update(old: &Lock, wanted: &Wanted, refresh: &Refresh, outside: &Outside<'_>) -> Result<Lock, PlanError> {
    check_names(old, wanted, refresh)?;
    let mut lock = Lock { layouts: wanted.layouts.clone(), ..Lock::default() };
    let mut indexes: BTreeMap<_, LockedIndex> = BTreeMap::new();
    for set in &wanted.sets {
        let (locked, used) = update_set(old, set, refresh, outside).await?;
        lock.sets.push(locked);
        for index in used {
            let newest = indexes.entry(key_of(&index)).or_insert_with(|| index.clone());
            if newest.date < index.date {
                *newest = index;
            }
        }
    }
    lock.indexes = indexes.into_values().collect();
    for download in &wanted.downloads {
        lock.downloads.push(update_download(old, download, refresh, outside).await?);
    }
    for commit in &wanted.commits {
        lock.commits.push(commits::update(old, commit, refresh.touches(&commit.source), &outside.git)?);
    }
    for image in &wanted.images {
        if lock.image(&image.reference).is_none() {
            lock.images.push(update_image(old, image, wanted, refresh, outside).await?);
        }
    }
    let advisories = wanted.advisories.as_ref();
    lock.advisories = advisories.map(|wanted| wanted.update(old, refresh, outside.advisories.as_ref())).transpose()?;
    lock.sort();
    Ok(lock)
}

fn check_names(old: &Lock, wanted: &Wanted, refresh: &Refresh) -> Result<(), PlanError> {
    let Refresh::Named(names) = refresh else { return Ok(()) };
    let references: Vec<String> = wanted.images.iter().map(|image| image.reference.to_string()).collect();
    let known: BTreeSet<&str> = old
        .sets
        .iter()
        .flat_map(|set| set.packages.iter().map(|entry| entry.package.name.as_str()))
        .chain(wanted.sets.iter().flat_map(|set| set.request.wishes.iter().map(|wish| wish.name.as_str())))
        .chain(wanted.downloads.iter().map(|download| download.source.as_str()))
        .chain(wanted.commits.iter().map(|commit| commit.source.as_str()))
        .chain(wanted.layouts.iter().map(|layout| layout.source.as_str()))
        .chain(wanted.images.iter().map(|image| image.source.as_str()))
        .chain(references.iter().map(String::as_str))
        .chain(wanted.advisories.iter().map(|_| advisories::NAME))
        .collect();
    match names.iter().find(|name| !known.contains(name.as_str())) {
        Some(name) => Err(PlanError::NothingToUpdate(name.clone())),
        None => Ok(()),
    }
}

async fn update_set(
    old: &Lock,
    set: &WantedSet,
    refresh: &Refresh,
    outside: &Outside<'_>,
) -> Result<(LockedSet, Vec<LockedIndex>), PlanError> {
    let locked = old.set(&set.image, &set.request.platform);
    let touched = |locked: &LockedSet| match refresh {
        Refresh::Nothing => false,
        Refresh::Everything => true,
        Refresh::Named(names) => {
            locked.packages.iter().any(|entry| names.contains(&entry.package.name))
                || set.request.wishes.iter().any(|wish| names.contains(&wish.name))
        }
    };
    if let Some(locked) = locked.filter(|locked| locked.request == set.request.digest() && !touched(locked)) {
        let keys = index_keys(set);
        let used = old.indexes.iter().filter(|index| keys.contains(&key_of(index))).cloned().collect();
        return Ok((locked.clone(), used));
    }
    let architecture = deb::architecture(&set.request.platform)
        .ok_or_else(|| PlanError::Platform(set.request.platform.to_string()))?;
    let reuse: &[LockedIndex] = if *refresh == Refresh::Nothing { &old.indexes } else { &[] };
    let sources = sources(set, old, reuse, outside)?;
    let indexes = deb::open_indexes(outside.http, outside.store, &sources, architecture, outside.now).await?;
    let stays = |name: &str| match refresh {
        Refresh::Nothing => true,
        Refresh::Everything => false,
        Refresh::Named(names) => !names.contains(name),
    };
    let packages = locked.iter().flat_map(|locked| &locked.packages).map(|entry| &entry.package);
    let preferred = packages.filter(|package| stays(&package.name));
    let preferred = preferred.map(|package| (package.name.clone(), package.version.clone())).collect();
    let packages = resolve(&indexes, set, preferred)?;
    let locked = LockedSet {
        image: set.image.clone(),
        platform: set.request.platform.clone(),
        request: set.request.digest(),
        packages,
    };
    Ok((locked, indexes.list.iter().map(|open| open.locked.clone()).collect()))
}

/// Resolves the wishes of all levels as one and tells which base needs which package.
fn resolve(
    indexes: &deb::Indexes,
    set: &WantedSet,
    preferred: BTreeMap<String, String>,
) -> Result<Vec<LockedEntry>, PlanError> {
    let wishes = set.request.wishes.iter();
    let wishes = wishes.map(|w| deb::Wish { name: w.name.clone(), version: w.version.clone(), suite: w.suite.clone() });
    let mut essential = if set.request.wants_essential() { indexes.essential() } else { BTreeSet::new() };
    essential.retain(|name| set.request.wishes.iter().all(|wish| wish.name != *name));
    let request = deb::Request {
        wishes: essential.into_iter().map(deb::Wish::named).chain(wishes).collect(),
        recommends: set.request.wishes.iter().any(|wish| wish.recommends),
        ignore_depends: set.request.ignore_depends.clone(),
        preferred,
        ..deb::Request::default()
    };
    let resolution = indexes.resolve(&request).map_err(|reason| PlanError::Unsatisfiable {
        image: set.image.clone(),
        platform: set.request.platform.to_string(),
        explanation: reason.to_string(),
    })?;
    let lowest = lowest_levels(set, &resolution.packages);
    let base = |level: Option<usize>| level.and_then(|level| set.levels.get(level).cloned().flatten());
    let chosen = resolution.packages.into_iter().zip(lowest);
    Ok(chosen.map(|(chosen, level)| LockedEntry { package: chosen.locked, base: base(level) }).collect())
}

/// For each package the lowest level that needs it, by its wishes or by what they need in turn.
fn lowest_levels(set: &WantedSet, packages: &[deb::Resolved]) -> Vec<Option<usize>> {
    let named = |name: &str| packages.iter().position(|package| package.locked.name == name);
    let mut lowest = vec![None; packages.len()];
    for level in 0..set.levels.len() {
        let wishes = set.request.wishes.iter().filter(|wish| wish.level == level);
        let mut todo: Vec<usize> = wishes.filter_map(|wish| named(&wish.name)).collect();
        if level + 1 == set.levels.len() {
            // A wish for a name that a package only provides.
            todo.extend((0..packages.len()).filter(|i| packages[*i].wished));
        }
        while let Some(package) = todo.pop() {
            if lowest[package].is_none() {
                lowest[package] = Some(level);
                let ignored = set.request.ignore_depends.get(&packages[package].locked.name);
                let counts = |to: &usize| ignored.is_none_or(|names| !names.contains(&packages[*to].locked.name));
                todo.extend(packages[package].edges.iter().map(|edge| edge.to).filter(counts));
            }
        }
    }
    lowest
}

/// The archive that holds a suite: one of Debian's where Debian's keys vouch for it, else the user's own.
fn archive(source: &RequestedSource, suite: &str) -> String {
    match source.keyrings.is_empty() {
        true => deb::archive_of(suite).to_owned(),
        false => source.apt.name.value.clone(),
    }
}

fn sources(
    set: &WantedSet,
    old: &Lock,
    reuse: &[LockedIndex],
    outside: &Outside<'_>,
) -> Result<Vec<deb::Source>, PlanError> {
    let mut sources = Vec::new();
    for source in &set.request.sources {
        let keyring = keyring(source)?;
        for suite in &source.apt.suites {
            let archive = archive(source, &suite.name);
            sources.push(deb::Source {
                mirrors: mirrors(source, &suite.name, outside.mirrors)?,
                suite: suite.name.value.clone(),
                components: source.apt.components.iter().map(|c| c.value.clone()).collect(),
                keyring: keyring.clone(),
                check_valid_until: suite.check_valid_until,
                floor: floor(set, old, &archive, &suite.name),
                locked: reuse.to_vec(),
                archive,
            });
        }
    }
    Ok(sources)
}

fn keyring(source: &RequestedSource) -> Result<Keyring, PlanError> {
    if source.keyrings.is_empty() {
        return Ok(Keyring::debian());
    }
    let wrong = |error| PlanError::Keyring { apt: source.apt.name.value.clone(), error };
    Keyring::parse(&source.keyrings.concat()).map_err(wrong)
}

/// The places where a suite's archive is, in the order in which they are tried.
pub fn mirrors(source: &RequestedSource, suite: &str, config: &deb::MirrorConfig) -> Result<Vec<Url>, PlanError> {
    let of_suite = source.apt.suites.iter().find(|s| s.name.value == suite).and_then(|s| s.mirror.as_ref());
    let named = of_suite.or(source.apt.mirror.as_ref());
    let named = named.map(|mirror| mirror.value.parse::<Url>()).transpose();
    let named = named.map_err(|error| PlanError::Mirror { apt: source.apt.name.value.clone(), error })?;
    match (&named, source.keyrings.is_empty()) {
        // What belongs to somebody else lies where the spec says, under whatever name.
        (Some(url), false) => Ok(vec![url.clone()]),
        _ => Ok(config.places(&archive(source, suite), named.as_ref())),
    }
}

/// The date of the newest state of a suite that is known: of the lock, and of the locks built into kiln.
fn floor(set: &WantedSet, old: &Lock, archive: &str, suite: &str) -> Option<Timestamp> {
    let built_in = set.levels.iter().flatten().filter_map(|name| own_base(name));
    let built_in = built_in.filter_map(|base| Lock::from_text("kiln.lock", base.lock.as_bytes()).ok());
    let of_suite = |index: &LockedIndex| index.archive == archive && index.suite == suite;
    let dates = |lock: &Lock| lock.indexes.iter().filter(|i| of_suite(i)).map(|i| i.date).max();
    built_in.map(|lock| dates(&lock)).chain([dates(old)]).flatten().max()
}

/// Archive with component, suite and architecture.
type IndexKey = (String, String, String);

fn key_of(index: &LockedIndex) -> IndexKey {
    let place = format!("{}/{}", index.archive, index.component);
    (place, index.suite.clone(), index.architecture.clone())
}

/// The indexes that a set may have been resolved from.
fn index_keys(set: &WantedSet) -> BTreeSet<IndexKey> {
    let architectures = deb::architecture(&set.request.platform).into_iter().chain(["all"]);
    architectures
        .flat_map(|architecture| {
            set.request.sources.iter().flat_map(move |source| {
                source.apt.suites.iter().flat_map(move |suite| {
                    source.apt.components.iter().map(move |component| {
                        let place = format!("{}/{}", archive(source, &suite.name), component.value);
                        (place, suite.name.value.clone(), architecture.to_owned())
                    })
                })
            })
        })
        .collect()
}

async fn update_download(
    old: &Lock,
    wanted: &WantedDownload,
    refresh: &Refresh,
    outside: &Outside<'_>,
) -> Result<LockedDownload, PlanError> {
    let touched = refresh.touches(&wanted.source);
    if let Some(locked) = old.download(&wanted.source).filter(|locked| fits(locked, wanted) && !touched) {
        return Ok(locked.clone());
    }
    let wrong = |error| PlanError::Address { source_name: wanted.source.clone(), error };
    let url: Url = wanted.url.parse().map_err(wrong)?;
    let mut writer = outside.store.writer()?;
    let request = http::Request::get(url).limit(MAX_DOWNLOAD);
    outside.http.download(request, None, &mut writer).await?;
    writer.flush().map_err(crate::store::StoreError::from)?;
    let (sha256, size) = match wanted.sha256 {
        None => writer.commit()?,
        Some(expected) => match writer.commit_as(&expected) {
            Ok(size) => (expected, size),
            Err(crate::store::StoreError::WrongDigest { expected, actual }) => {
                return Err(PlanError::WrongDownload { source_name: wanted.source.clone(), expected, actual });
            }
            Err(error) => return Err(error.into()),
        },
    };
    Ok(LockedDownload { source: wanted.source.clone(), url: wanted.url.clone(), sha256, size })
}

/// Pins an image and what is attached to it now. Where the reference has a digest, that counts.
async fn update_image(
    old: &Lock,
    image: &WantedImage,
    wanted: &Wanted,
    refresh: &Refresh,
    outside: &Outside<'_>,
) -> Result<LockedImage, PlanError> {
    let reference = &image.reference;
    let touched = match refresh {
        Refresh::Nothing => false,
        Refresh::Everything => true,
        Refresh::Named(names) => {
            let same = wanted.images.iter().filter(|other| other.reference == *reference);
            same.map(|other| &other.source).chain([&reference.to_string()]).any(|name| names.contains(name))
        }
    };
    let fits = |locked: &&LockedImage| reference.digest.is_none_or(|digest| digest == locked.sha256);
    if let Some(locked) = old.image(reference).filter(fits).filter(|_| !touched) {
        return Ok(locked.clone());
    }
    let repository = outside.registries.repository(reference)?;
    let sha256 = match (&reference.digest, &reference.tag) {
        (Some(digest), _) => Some(*digest),
        (None, Some(tag)) => repository.tagged(tag).await?,
        (None, None) => None,
    };
    let sha256 = sha256.ok_or_else(|| PlanError::NoSuchImage(reference.clone()))?;
    let attached = attached::list(&repository, reference, &sha256, outside.predicates).await?;
    Ok(LockedImage { reference: reference.to_string(), sha256, attached })
}

/// The largest file from the web, in bytes.
const MAX_DOWNLOAD: u64 = 16 << 30;

fn fits(locked: &LockedDownload, wanted: &WantedDownload) -> bool {
    locked.url == wanted.url && wanted.sha256.is_none_or(|sha256| sha256 == locked.sha256)
}

#[cfg(test)]
mod tests;
