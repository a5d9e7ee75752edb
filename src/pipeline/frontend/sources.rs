//! Where a daemon gets what the graph of a spec takes.

use super::archives::Archives;
use super::pieces::Pieces;
use super::program::{Command, readable};
use super::{Building, bring, commits, files};
use crate::compile;
use crate::llb::exec::Mount;
use crate::llb::{Action, Builder, Copy, FileOp, Note, Output, attr};
use crate::oci::{Digest, Platform};
use crate::pipeline::error::Error;
use crate::pipeline::inputs::looks_below;
use crate::pipeline::locking::Leveled;
use crate::pipeline::portable::Elsewhere;
use crate::pipeline::project::Project;
use crate::plan::Lock;
use crate::solve::embedded::patterns_of;
use crate::solve::gateway::Place;
use crate::spec::{Base, Layout, Source, SourceKind, Spanned};
use std::collections::BTreeMap;

/// The sources of one graph.
pub(super) struct Sources<'a> {
    pub building: &'a Building<'a>,
    pub pieces: &'a Pieces<'a>,
    pub target: &'a Leveled<'a>,
    pub platform: &'a Platform,
    /// Where the archives of packages are.
    pub archives: &'a Archives,
    /// The outputs of the command that makes trees of packages and accounts, once somebody takes one.
    pub made: Vec<Output>,
}

/// The digests of all images, by the names of their sources.
pub(super) fn images(project: &Project, lock: &Lock) -> BTreeMap<String, Digest> {
    let images =
        project.spec.sources.iter().filter_map(|source| Some((source.name.value.clone(), pinned(source, lock)?)));
    images.collect()
}

/// The digest that the lock has for the image of a source; none where the source is none.
fn pinned(source: &Source, lock: &Lock) -> Option<Digest> {
    match &source.kind {
        SourceKind::Image(image) => Some(lock.image(&image.reference)?.sha256),
        SourceKind::Oci(_) => Some(lock.layout(&source.name)?.sha256),
        _ => None,
    }
}

/// An image that the lock pins, and where the daemon finds it.
pub(super) struct Image<'a> {
    /// What it is called there, without what can move.
    pub name: String,
    pub digest: Digest,
    pub place: Place<'a>,
    /// The platform that is always meant, if there is one.
    platform: Option<&'a Platform>,
}

/// The image that an image or a stage stands on; none where it stands on none, or on one of kiln's own.
pub(super) fn base<'a>(building: &Building<'a>, leveled: &Leveled<'_>) -> Result<Option<Image<'a>>, Error> {
    let base = leveled.levels.first().and_then(|level| level.image.base.as_ref());
    match base.map(|base| &base.value) {
        Some(Base::Source(name)) => {
            building.project.spec.source(name).map_or(Ok(None), |source| image(building, source))
        }
        _ => Ok(None),
    }
}

/// The image of a source; none where the source is none.
fn image<'a>(building: &Building<'a>, source: &'a Source) -> Result<Option<Image<'a>>, Error> {
    let Some(digest) = pinned(source, building.lock) else { return Ok(None) };
    let own = |platform: &'a Option<Spanned<Platform>>| platform.as_ref().map(|platform| &platform.value);
    Ok(match &source.kind {
        SourceKind::Image(image) => {
            let name = format!("{}/{}", image.reference.registry, image.reference.repository);
            Some(Image { name, digest, place: Place::Registry, platform: own(&image.platform) })
        }
        SourceKind::Oci(layout) => {
            let place = lent(building, &source.name, layout, &digest)?;
            let name = format!("{}/{}", compile::STORE, source.name.value);
            Some(Image { name, digest, place, platform: own(&layout.platform) })
        }
        _ => None,
    })
}

/// Where a layout is that the client lends.
fn lent<'a>(building: &Building<'a>, name: &str, layout: &Layout, pinned: &Digest) -> Result<Place<'a>, Error> {
    let asked = building.asked;
    let path = if layout.path.value.is_empty() { "." } else { &layout.path.value };
    let add = format!(
        "`--build-context {name}=oci-layout://{path}@{pinned}`, with the layout's path as it is seen from where you are"
    );
    match asked.layouts.get(name) {
        Some(lent) if lent.image == *pinned => Ok(Place::Layout { session: &asked.session, store: &lent.store }),
        Some(lent) => Err(Error::Usage(format!(
            "the layout that was given for the source \"{name}\" is of the image {}, and the lock pins {pinned}: give that \
             one, {add}; or run `kiln lock` and commit the lock, if the other one is meant",
            lent.image
        ))),
        None => Err(Error::Usage(format!(
            "the source \"{name}\" is an OCI layout, which the daemon sees only where it is given: add {add}"
        ))),
    }
}

impl Image<'_> {
    /// The platform that is meant where one is built for.
    pub(super) fn platform<'p>(&'p self, built: &'p Platform) -> &'p Platform {
        self.platform.unwrap_or(built)
    }

    fn source(&self, builder: &mut Builder, note: Note) -> Output {
        let built = builder.platform().clone();
        builder.set_platform(self.platform(&built).clone());
        let (name, digest) = (&self.name, &self.digest);
        let (identifier, attrs) = match self.place {
            Place::Registry => (format!("docker-image://{name}@{digest}"), BTreeMap::new()),
            Place::Layout { session, store } => {
                let attrs = [(attr::OCI_SESSION, session), (attr::OCI_STORE, store)];
                let attrs = attrs.map(|(name, value)| (name.to_owned(), value.to_owned()));
                (attr::oci_layout(name, digest), attrs.into())
            }
        };
        let output = builder.source(&identifier, attrs, note);
        builder.set_platform(built);
        output
    }
}

impl Elsewhere for Sources<'_> {
    fn stored(&mut self, builder: &mut Builder, name: &str, manifest: &Digest, note: Note) -> Result<Output, Error> {
        let building = self.building;
        if let Some(position) = self.pieces.position(manifest) {
            if self.made.is_empty() {
                self.made = self.make(builder)?;
            }
            let made = self.made.get(position).copied();
            return made.ok_or_else(|| Error::Mistake(format!("nobody makes the {name}")));
        }
        if let Some(locked) = building.lock.commits.iter().find(|commit| commits::name(&commit.source) == *manifest) {
            return commits::tree(builder, building, locked);
        }
        let mut sources = building.project.spec.sources.iter();
        let source = sources.find(|source| pinned(source, building.lock) == Some(*manifest));
        let image = source.map_or(Ok(None), |source| image(building, source))?;
        let image = image.ok_or_else(|| Error::Mistake(format!("the spec has no image {manifest}")))?;
        Ok(image.source(builder, note))
    }

    fn context(&mut self, builder: &mut Builder, name: &str, attrs: attr::Local, note: Note) -> Result<Output, Error> {
        let asked = self.building.asked;
        if asked.layouts.contains_key(name) {
            return Err(Error::Usage(format!("the source \"{name}\" is a folder, and a layout was given for it")));
        }
        let (folder, below) = match asked.contexts.get(name) {
            Some(folder) => (folder, ""),
            None => (&asked.context, self.path_of(name)?),
        };
        let inside = |path: &str| if below.is_empty() { path.to_owned() } else { format!("{below}/{path}") };
        let mut exclude = Vec::new();
        if let Some(file) = &attrs.ignore_file
            && let Some(text) = files::read(self.building.gateway, asked, folder, &inside(file))?
        {
            exclude = patterns_of(&String::from_utf8_lossy(&text));
        }
        exclude.extend(attrs.exclude);
        let put = |pattern: &String| match pattern.strip_prefix('!') {
            Some(pattern) => format!("!{}", inside(pattern)),
            None => inside(pattern),
        };
        let mut include: Vec<String> = attrs.include.iter().map(put).collect();
        if include.is_empty() && !below.is_empty() {
            include.push(below.to_owned());
        }
        let local = attr::Local { include, exclude: exclude.iter().map(put).collect(), ..attr::Local::default() };
        let more = [
            (attr::LOCAL_SESSION.to_owned(), asked.session.clone()),
            (attr::SHARED_KEY_HINT.to_owned(), format!("{folder}:{name}")),
        ];
        let attrs = local.attrs().into_iter().chain(more).collect();
        let source = builder.source(&format!("local://{folder}"), attrs, note.clone());
        if below.is_empty() {
            return Ok(source);
        }
        let copy = Copy { contents_only: true, ..Copy::new(Some(source), format!("/{below}"), "/") };
        Ok(builder.file(FileOp { actions: vec![Action::Copy(copy)], ..FileOp::default() }, note))
    }
}

impl Sources<'_> {
    /// The folder of one of the spec's contexts.
    fn path_of(&self, name: &str) -> Result<&str, Error> {
        match self.building.project.spec.source(name).map(|source| &source.kind) {
            Some(SourceKind::Context(context)) => Ok(&context.path.value),
            _ => Err(Error::Mistake(format!("the spec has no context {name}"))),
        }
    }

    /// The command that makes trees of packages and accounts.
    fn make(&self, builder: &mut Builder) -> Result<Vec<Output>, Error> {
        let platform = builder.platform().clone();
        let archives = self.archives.tree(builder);
        let mut mounts: Vec<Mount> =
            archives.into_iter().map(|archives| readable(bring::ARCHIVES.into(), archives)).collect();
        for (number, subject) in self.pieces.subjects.iter().enumerate() {
            let Some(image) = base(self.building, subject.leveled)? else { continue };
            if looks_below(self.building.project, subject.leveled, subject.platform)? {
                builder.set_platform(subject.platform.clone());
                mounts.push(readable(format!("{}/{number}", bring::BASES), image.source(builder, Note::default())));
            }
        }
        builder.set_platform(platform);
        let name = self.target.image.name.value.to_string();
        let name = name.strip_prefix("stage ").unwrap_or(&name).to_owned();
        let words = [vec![format!("--platform={}", self.platform)], vec![name]];
        let outputs = self.pieces.list.len();
        Command { name: "bring", words, mounts, outputs, note: "unpack packages" }.run(builder, self.building)
    }
}
