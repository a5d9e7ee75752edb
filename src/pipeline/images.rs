//! The images that a spec names, of OCI layouts and of registries: brought into the store, the same from there on.

use super::attached::{self, Attached};
use super::endorsed::{self, Endorsement};
use super::error::Error;
use super::place::Transfer;
use super::project::Project;
use super::session::Session;
use crate::evidence::claims::Claims;
use crate::evidence::provenance::UsedImage;
use crate::evidence::{sbom, vex};
use crate::image::assemble::Step;
use crate::image::layout::{Imported, Layout};
use crate::oci::{Descriptor, Digest, ImageConfig, Platform};
use crate::plan::{Lock, PlanError};
use crate::registry::{self, Name, Repository, Want};
use crate::spec::{self, RegistryImage, SourceKind};
use crate::tree::Tree;
use crate::tree::flatten::Flat;
use std::sync::{Arc, OnceLock};

/// An image whose blobs are in the store.
pub(super) struct SourceImage {
    /// What is told of it.
    pub used: UsedImage,
    /// What its own bill of materials says.
    pub claims: Option<Claims>,
    /// What its maker says of its holes, oldest first.
    pub vex: Vec<vex::Statement>,
    /// Its manifest.
    pub manifest: Descriptor,
    /// Its configuration.
    pub config: ImageConfig,
    /// Its history with its layers.
    pub steps: Vec<Step>,
    imported: Imported,
    flat: OnceLock<Arc<Flat>>,
}

/// What an image is wanted for.
pub(super) struct Asked<'a> {
    /// What pins it.
    pub lock: &'a Lock,
    /// Whether the image that is built stands on it, and not only copies from it.
    pub is_base: bool,
}

/// How a spec names an image, for people; none where the source is none.
pub(super) fn shown(kind: &SourceKind) -> Option<String> {
    match kind {
        SourceKind::Context(_) | SourceKind::Http(_) | SourceKind::Git(_) => None,
        SourceKind::Image(image) => Some(image.reference.to_string()),
        SourceKind::Oci(layout) => {
            let path = if layout.path.value.is_empty() { "." } else { &layout.path.value };
            Some(match &layout.reference {
                Some(reference) => format!("oci:{path}:{}", reference.value),
                None => format!("oci:{path}"),
            })
        }
    }
}

/// The manifest or index that a spec's layout names.
pub(super) fn named(project: &Project, layout: &spec::Layout) -> Result<Descriptor, Error> {
    let open = Layout::open(project.folder.join(&layout.path.value))?;
    Ok(open.image(layout.reference.as_ref().map(|reference| reference.value.as_str()))?)
}

/// Brings a source's image for a platform into the store; none where the source is none.
pub(super) fn import(
    session: &Session<'_>,
    project: &Project,
    kind: &SourceKind,
    platform: &Platform,
    asked: &Asked<'_>,
) -> Result<Option<SourceImage>, Error> {
    match kind {
        SourceKind::Context(_) | SourceKind::Http(_) | SourceKind::Git(_) => Ok(None),
        SourceKind::Oci(layout) => {
            let open = Layout::open(project.folder.join(&layout.path.value))?;
            let image = open.image(layout.reference.as_ref().map(|reference| reference.value.as_str()))?;
            let platform = layout.platform.as_ref().map_or(platform, |platform| &platform.value);
            let manifest = open.platform(&image, platform)?;
            let imported = open.import(&manifest, &session.store)?;
            let reference = shown(kind).unwrap_or_default();
            let used = UsedImage {
                reference,
                digest: manifest.digest,
                uri: None,
                index: None,
                signed_by: None,
                documents: Vec::new(),
            };
            Ok(Some(SourceImage::new(used, manifest, imported)))
        }
        SourceKind::Image(image) => fetch(session, project, image, platform, asked).map(Some),
    }
}

/// Brings an image of a registry into the store: first its documents, then, where its signer is known, its layers.
fn fetch(
    session: &Session<'_>,
    project: &Project,
    image: &RegistryImage,
    platform: &Platform,
    asked: &Asked<'_>,
) -> Result<SourceImage, Error> {
    let reference = &image.reference.value;
    let missing = || Error::Mistake(format!("the lock has no digest of {reference}"));
    let locked = asked.lock.image(reference).ok_or_else(missing)?;
    let pinned = locked.sha256;
    let Examined { repository, manifest, endorsement } = examine(session, project, image, &pinned, platform)?;
    session.phase("fetching");
    let of =
        attached::Of { repository: &repository, locked, manifest: &manifest.digest, endorsement: endorsement.as_ref() };
    let Attached { claims, vex, documents } =
        if asked.is_base { attached::read(session, &of)? } else { Attached::default() };
    pull(session, &repository, &pinned, image.platform(platform), true)?;
    let imported = Layout::of_store(&session.store, Vec::new()).import(&manifest, &session.store)?;
    let used = UsedImage {
        reference: reference.to_string(),
        digest: manifest.digest,
        uri: Some(sbom::image_purl(reference, &manifest.digest, &imported.image.platform)),
        index: (pinned != manifest.digest).then_some(pinned),
        signed_by: endorsement.map(|endorsement| endorsement.hint),
        documents,
    };
    Ok(SourceImage { claims, vex, ..SourceImage::new(used, manifest, imported) })
}

/// An image of a registry whose documents are in the store, and its signature checked.
pub(super) struct Examined {
    repository: Repository,
    /// The manifest for the platform.
    pub manifest: Descriptor,
    /// Who signed it, where it must be signed; where several must have, the first.
    endorsement: Option<Endorsement>,
}

/// Reads the documents of an image, and refuses it where it must be signed and is not.
///
/// # Errors
/// [`Error::Unsigned`] before anything but its documents is asked for.
pub(super) fn examine(
    session: &Session<'_>,
    project: &Project,
    image: &RegistryImage,
    pinned: &Digest,
    platform: &Platform,
) -> Result<Examined, Error> {
    let platform = image.platform(platform);
    let repository = session.registries_of(project)?.repository(&image.reference)?;
    let found = pull(session, &repository, pinned, platform, false)?;
    let manifest = Layout::of_store(&session.store, Vec::new()).platform(&found, platform)?;
    let candidates = endorsed::Candidates { image, digests: [*pinned, manifest.digest] };
    let demands = project.demands(image);
    let endorsements = demands.iter().map(|demand| endorsed::require(session, &repository, &candidates, demand));
    let endorsements = endorsements.collect::<Result<Vec<_>, _>>()?;
    Ok(Examined { repository, manifest, endorsement: endorsements.into_iter().next() })
}

fn pull(
    session: &Session<'_>,
    repository: &Repository,
    digest: &Digest,
    platform: &Platform,
    layers: bool,
) -> Result<Descriptor, Error> {
    let want = Want { platform: Some(platform), layers, ..Want::default() };
    let name = Name::Digest(*digest);
    let pulled = session.wait(registry::pull(repository, &name, want, &session.store, &Transfer(session)));
    Ok(pulled.map_err(PlanError::Registry)?.image)
}

impl SourceImage {
    fn new(used: UsedImage, manifest: Descriptor, imported: Imported) -> Self {
        let (config, steps) = (imported.config.clone(), imported.steps());
        let (claims, vex) = (None, Vec::new());
        SourceImage { used, claims, vex, manifest, config, steps, imported, flat: OnceLock::new() }
    }

    /// Its file system.
    pub(super) fn tree(&self, session: &Session<'_>) -> Result<Arc<Tree>, Error> {
        Ok(self.flat(session)?.tree.clone())
    }

    /// Reads its file system where the store knows what its layers came to.
    pub(super) fn recall(&self, session: &Session<'_>) {
        // What is wrong with it is told whoever needs it.
        if let Ok(Some(flat)) = self.imported.known_flat(&session.store) {
            self.flat.get_or_init(|| Arc::new(flat));
        }
    }

    /// The same with the layer of each of its paths.
    pub(super) fn flat(&self, session: &Session<'_>) -> Result<Arc<Flat>, Error> {
        if let Some(flat) = self.flat.get() {
            return Ok(flat.clone());
        }
        let flat = Arc::new(self.imported.flat(&session.store)?);
        Ok(self.flat.get_or_init(|| flat).clone())
    }
}
