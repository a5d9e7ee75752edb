//! Images that the lock pins: of registries, which the daemon asks, and of layouts, which the client lends.

use super::Building;
use crate::compile;
use crate::llb::{Builder, Note, Output, attr};
use crate::oci::{Digest, Platform};
use crate::pipeline::error::Error;
use crate::pipeline::locking::Leveled;
use crate::pipeline::project::Project;
use crate::plan::Lock;
use crate::solve::gateway::Place;
use crate::spec::{Base, Layout, Source, SourceKind, Spanned};
use std::collections::BTreeMap;

/// The name that stands for the image of a source in graphs, which name images by their digests for one platform.
pub(super) fn name(source: &str) -> Digest {
    Digest::of(format!("kiln frontend: image of {source}"))
}

/// The names of all images, by those of their sources.
pub(super) fn names(project: &Project, lock: &Lock) -> BTreeMap<String, Digest> {
    let images = project.spec.sources.iter().filter(|source| pinned(source, lock).is_some());
    images.map(|source| (source.name.value.clone(), name(&source.name))).collect()
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
            building.project.spec.source(name).map_or(Ok(None), |source| of_source(building, source))
        }
        _ => Ok(None),
    }
}

/// The image of a source; none where the source is none.
pub(super) fn of_source<'a>(building: &Building<'a>, source: &'a Source) -> Result<Option<Image<'a>>, Error> {
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

    /// The source of a graph that brings it.
    pub(super) fn source(&self, builder: &mut Builder, note: Note) -> Output {
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
