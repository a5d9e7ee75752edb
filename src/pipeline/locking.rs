//! The lock of a project: read, checked against the spec, brought up to date.

use super::advisories;
use super::commits;
use super::error::Error;
use super::images;
use super::judging::{asks_for_holes, repository};
use super::project::Project;
use super::report::LockReport;
use super::session::Session;
use crate::diagnostic::Sources;
use crate::evidence::claims;
use crate::oci::{Digest, Platform};
use crate::plan::{
    self, Level, Lock, LockedLayout, Outside, Refresh, Request, Wanted, WantedAdvisories, WantedCommit, WantedDownload,
    WantedImage, WantedSet,
};
use crate::spec::{self, Image, SourceKind};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// How the lock may be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LockMode {
    /// It must not be changed.
    pub locked: bool,
}

/// The lock of a project as it fits its spec.
pub(super) struct Locked {
    /// What it pins.
    pub lock: Lock,
    /// Its text.
    pub text: String,
    /// What became of the file.
    pub report: LockReport,
}

/// An image or a stage of a project with the levels below it.
pub(super) struct Leveled<'a> {
    /// The image; a stage is one too.
    pub image: &'a Image,
    /// Its levels, the lowest first.
    pub levels: Vec<Level>,
}

/// All that a project says how to build.
pub(super) struct Buildable<'a> {
    /// The images, in the order of the spec.
    pub images: Vec<Leveled<'a>>,
    /// The stages by name.
    pub stages: BTreeMap<&'a str, Leveled<'a>>,
}

/// The images and stages of a project with their levels; the texts of bases are added to `sources`.
pub(super) fn buildable<'a>(project: &'a Project, sources: &mut Sources) -> Result<Buildable<'a>, Error> {
    let mut bases = plan::Bases::new();
    let mut leveled = |image: &'a Image| -> Result<Leveled<'a>, Error> {
        Ok(Leveled { image, levels: plan::levels(&project.spec, image, sources, &mut bases)? })
    };
    let images = project.spec.images.iter().map(&mut leveled).collect::<Result<_, _>>()?;
    let stages = project.spec.stages.iter();
    let stages = stages.map(|stage| Ok((stage.name.as_str(), leveled(&stage.image)?))).collect::<Result<_, Error>>()?;
    Ok(Buildable { images, stages })
}

impl<'a> Buildable<'a> {
    /// The stages that an image uses, each behind those that it uses itself, with what each is built for where the
    /// image is built for `platform`.
    pub(super) fn stages_of<'b>(
        &'b self,
        project: &'a Project,
        image: &Image,
        platform: &'b Platform,
    ) -> Vec<(&'a str, &'b Leveled<'a>, &'b Platform)> {
        let stages = project.spec.stages_of(image).into_iter();
        let with_platform = stages.filter_map(|stage| {
            let leveled = self.stages.get(stage.name.as_str())?;
            let own = leveled.image.platforms.first().map(|platform| &platform.value);
            Some((stage.name.as_str(), leveled, own.unwrap_or(platform)))
        });
        with_platform.collect()
    }

    /// What a stage is built for.
    pub(super) fn platforms_of<'b>(&'b self, project: &'a Project, stage: &Leveled<'_>) -> Vec<&'b Platform> {
        let subjects = self.subjects(project).into_iter();
        subjects.filter(|(subject, _)| std::ptr::eq(subject.image, stage.image)).map(|(_, platform)| platform).collect()
    }

    /// What is built for which platform, each once: the images, then the stages; those that no image uses too, for the
    /// platforms of the first image, as somebody may ask for them.
    fn subjects<'b>(&'b self, project: &'a Project) -> Vec<(&'b Leveled<'a>, &'b Platform)> {
        let mut subjects: Vec<(&Leveled<'_>, &Platform)> = Vec::new();
        let platforms = |image: &'b Leveled<'a>| image.image.platforms.iter().map(|platform| &platform.value);
        for image in &self.images {
            subjects.extend(platforms(image).map(|platform| (image, platform)));
        }
        let mut seen = BTreeSet::new();
        let users = self.images.iter().flat_map(|image| platforms(image).map(move |platform| (image, platform)));
        for (image, platform) in users {
            for (name, stage, platform) in self.stages_of(project, image.image, platform) {
                if seen.insert((name, platform)) {
                    subjects.push((stage, platform));
                }
            }
        }
        let unused = self.stages.iter().filter(|(name, _)| !seen.iter().any(|(used, _)| used == *name));
        let first = self.images.first();
        for (_, stage) in unused {
            let own = stage.image.platforms.first().map(|platform| &platform.value);
            subjects.extend(own.into_iter().chain(first.into_iter().flat_map(platforms)).map(|p| (stage, p)).take(1));
        }
        subjects
    }
}

/// Makes the lock fit the spec, or says why it does not.
pub(super) fn ensure(
    session: &Session<'_>,
    project: &Project,
    buildable: &Buildable<'_>,
    mode: LockMode,
    refresh: &Refresh,
) -> Result<Locked, Error> {
    let path = project.lock_path();
    let old = read(&path)?;
    let wanted = wanted(project, buildable, &|_, layout| Ok(images::named(project, layout)?.digest))?;
    let current = old.clone().unwrap_or_default();
    let stale = stale(old.as_ref(), &wanted, &path);
    let found = |lock: Lock, changed: bool| {
        let shown = (!lock.is_empty()).then(|| path.display().to_string());
        Locked { text: lock.to_text(), lock, report: LockReport { path: shown, changed } }
    };
    if stale.is_empty() && *refresh == Refresh::Nothing {
        return Ok(found(current, false));
    }
    if mode.locked {
        return Err(Error::LockStale { path, reason: reasons(&stale) });
    }
    session.phase("resolving");
    let sought = wanted.advisories.as_ref().filter(|wanted| wanted.kept(&current, refresh).is_none());
    let newest = sought.map(|wanted| advisories::newest(session, project, wanted.reference.as_ref())).transpose()?;
    let outside = Outside {
        advisories: newest,
        http: session.client()?,
        store: &session.store,
        git: session.git(),
        registries: session.registries_of(project)?,
        predicates: &claims::OF_USE,
        mirrors: &session.settings.mirrors,
        now: session.settings.now,
    };
    let lock = session.wait(plan::update(&current, &wanted, refresh, &outside));
    let lock = lock.map_err(|error| commits::located(project, error))?;
    check_signatures(session, project, buildable, &lock)?;
    if Some(&lock) == old.as_ref() || (old.is_none() && lock.is_empty()) {
        return Ok(found(lock, false));
    }
    let found = found(lock, true);
    super::write_file(&path, found.text.as_bytes())?;
    Ok(found)
}

/// The lock of a project whose layouts cannot be seen: it must fit the spec, and what layouts hold is what it says.
pub(super) fn unseen(project: &Project, buildable: &Buildable<'_>) -> Result<Lock, Error> {
    let path = project.lock_path();
    let old = read(&path)?;
    let outdated = |stale: &[String]| Error::LockStale { path: path.clone(), reason: reasons(stale) };
    let pinned = |name: &str, _: &spec::Layout| {
        let lock = old.as_ref().ok_or_else(|| outdated(&[is_missing(&path)]))?;
        let pinned = lock.layout(name).map(|layout| layout.sha256);
        pinned.ok_or_else(|| outdated(&[format!("it has no digest of source {name}")]))
    };
    let stale = stale(old.as_ref(), &wanted(project, buildable, &pinned)?, &path);
    match stale.is_empty() {
        true => Ok(old.unwrap_or_default()),
        false => Err(outdated(&stale)),
    }
}

/// What of the spec a lock does not fit.
fn stale(lock: Option<&Lock>, wanted: &Wanted, path: &Path) -> Vec<String> {
    match lock {
        Some(lock) => lock.stale(wanted),
        None if wanted_is_empty(wanted) => Vec::new(),
        None => vec![is_missing(path)],
    }
}

fn is_missing(lock: &Path) -> String {
    format!("{} does not exist", lock.display())
}

/// Refuses to pin an image that must be signed and is not.
fn check_signatures(
    session: &Session<'_>,
    project: &Project,
    buildable: &Buildable<'_>,
    lock: &Lock,
) -> Result<(), Error> {
    let subjects = buildable.subjects(project);
    for source in &project.spec.sources {
        let SourceKind::Image(image) = &source.kind else { continue };
        let Some(locked) = lock.image(&image.reference).filter(|_| !project.demands(image).is_empty()) else {
            continue;
        };
        let users = subjects.iter().filter(|(user, _)| user.image.sources().any(|name| *name == source.name.value));
        let platforms: BTreeSet<&Platform> = users.map(|(_, platform)| *platform).collect();
        for platform in platforms {
            images::examine(session, project, image, &locked.sha256, platform)?;
        }
    }
    Ok(())
}

fn reasons(stale: &[String]) -> String {
    match stale {
        [one] => format!("the lock is stale: {one}"),
        many => format!("the lock is stale:\n  {}", many.join("\n  ")),
    }
}

/// The lock of a project, if there is one.
fn read(path: &Path) -> Result<Option<Lock>, Error> {
    match super::read_bounded(path, MAX_LOCK) {
        Ok(text) => Ok(Some(Lock::from_text(&path.display().to_string(), &text)?)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Unreadable { what: "the lock", path: path.to_owned(), source }),
    }
}

/// The longest lock that is read, in bytes.
const MAX_LOCK: u64 = 32 << 20;

fn wanted_is_empty(wanted: &Wanted) -> bool {
    let files = wanted.downloads.is_empty() && wanted.commits.is_empty();
    let sources = files && wanted.layouts.is_empty() && wanted.images.is_empty();
    sources && wanted.sets.is_empty() && wanted.advisories.is_none()
}

/// Everything from outside that the spec asks for; `layout` says what a layout holds.
fn wanted(
    project: &Project,
    buildable: &Buildable<'_>,
    layout: &dyn Fn(&str, &spec::Layout) -> Result<Digest, Error>,
) -> Result<Wanted, Error> {
    let policies = &project.spec.policies;
    let asked = asks_for_holes(policies).then(|| WantedAdvisories { reference: repository(policies).cloned() });
    let mut wanted = Wanted { advisories: asked, ..Wanted::default() };
    for (Leveled { image, levels }, platform) in buildable.subjects(project) {
        let Some(request) = request(project, levels, platform)? else { continue };
        let levels = levels.iter().map(|level| level.own.clone()).collect();
        wanted.sets.push(WantedSet { image: image.name.value.to_string(), request, levels });
    }
    for source in &project.spec.sources {
        let name = source.name.value.clone();
        match &source.kind {
            SourceKind::Context(_) => {}
            SourceKind::Http(http) => wanted.downloads.push(WantedDownload {
                source: name,
                url: http.url.value.clone(),
                sha256: http.sha256.as_ref().map(|digest| digest.value),
            }),
            SourceKind::Git(git) => wanted.commits.push(WantedCommit {
                source: name,
                address: git.address.value.clone(),
                revision: git.revision.as_ref().map(|revision| revision.value.clone()),
                subdir: git.subdir.value.clone(),
                submodules: git.submodules,
            }),
            SourceKind::Oci(oci) => {
                let sha256 = layout(&name, oci)?;
                wanted.layouts.push(LockedLayout { source: name, sha256 });
            }
            SourceKind::Image(image) => {
                wanted.images.push(WantedImage { source: name, reference: image.reference.value.clone() });
            }
        }
    }
    Ok(wanted)
}

/// What an image asks of package sources for a platform.
pub(super) fn request(project: &Project, levels: &[Level], platform: &Platform) -> Result<Option<Request>, Error> {
    Request::of(levels, platform, |path| {
        let path: PathBuf = project.folder.join(path);
        super::read_bounded(&path, MAX_KEYRING).map_err(|source| Error::Unreadable {
            what: "the keyring",
            path,
            source,
        })
    })
}

/// The largest file that can be a keyring, in bytes.
const MAX_KEYRING: u64 = 16 << 20;

/// Brings the lock of a spec up to date; `policy` is one that stands above the spec's own.
pub fn lock(
    session: &Session<'_>,
    spec: &Path,
    args: &BTreeMap<String, String>,
    policy: Option<&Path>,
    mode: LockMode,
    refresh: &Refresh,
) -> Result<LockReport, Error> {
    let project = Project::load(spec, args)?.under(policy)?;
    let mut sources = project.sources.clone();
    let buildable = buildable(&project, &mut sources)?;
    Ok(ensure(session, &project, &buildable, mode, refresh)?.report)
}
