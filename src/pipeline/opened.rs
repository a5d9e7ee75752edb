//! An image that lies in a layout, opened to be looked at.

use super::error::Error;
use super::session::Session;
use crate::evidence::sign::PublicKey;
use crate::evidence::verify::{self, Kind, Report, Request, Target};
use crate::evidence::{Bundle, MAX_BUNDLE, path_text, predicate};
use crate::image::flatten::{Flat, flatten};
use crate::image::layout::{Imported, Layout};
use crate::oci::{Descriptor, Digest, Platform, media_type};
use crate::tree::tar::Limits;
use crate::tree::{Node, Tree};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Which image is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageChoice {
    /// A layout, in a folder or an archive; `oci:` or `oci-archive:` may stand in front.
    pub image: String,
    /// The platform; none for this machine's where the image has several.
    pub platform: Option<Platform>,
}

/// What is said about an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Predicate {
    /// The bill of materials in CycloneDX.
    Cyclonedx,
    /// The bill of materials in SPDX.
    Spdx,
    /// SLSA provenance.
    Provenance,
}

impl Predicate {
    fn type_name(self) -> &'static str {
        match self {
            Predicate::Cyclonedx => predicate::CYCLONEDX,
            Predicate::Spdx => predicate::SPDX,
            Predicate::Provenance => predicate::PROVENANCE,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Predicate::Cyclonedx | Predicate::Spdx => "bill of materials",
            Predicate::Provenance => "provenance",
        }
    }
}

/// An image of one platform in a layout.
pub(super) struct Opened {
    layout: Layout,
    /// The manifest of the platform.
    manifest: Descriptor,
}

/// No manifest is larger.
const MAX_MANIFEST: u64 = 4 << 20;

impl Opened {
    pub(super) fn open(choice: &ImageChoice) -> Result<Self, Error> {
        let layout = open(&choice.image)?;
        let subject = layout.image(None)?;
        let manifest = match (&choice.platform, layout.platforms(&subject)?.as_slice()) {
            (Some(platform), _) => layout.platform(&subject, platform)?,
            (None, [only]) => only.clone(),
            (None, _) => layout.platform(&subject, &Platform::host())?,
        };
        Ok(Opened { layout, manifest })
    }

    /// The digest that names the image.
    pub(super) fn digest(&self) -> Digest {
        self.manifest.digest
    }

    /// The configuration as it stands there.
    pub(super) fn config_json(&self) -> Result<Value, Error> {
        let manifest = self.layout.manifest(&self.manifest)?;
        let bytes = self.layout.read(&manifest.config, MAX_MANIFEST)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::NotThere(format!("the configuration is damaged: {error}")))
    }

    /// The file system.
    pub(super) fn tree(&self, session: &Session<'_>) -> Result<Tree, Error> {
        let imported = self.layout.import(&self.manifest, &session.store)?;
        Ok(flat(session, &imported)?.tree)
    }

    /// A predicate about the image, out of the bundles that are attached to it. Signatures are not checked here.
    ///
    /// # Errors
    /// [`Error::NotThere`] where none is attached.
    pub(super) fn predicate(&self, wanted: Predicate) -> Result<Value, Error> {
        let none =
            || Error::NotThere(format!("the image {} has no {} attached to it", self.manifest.digest, wanted.words()));
        for referrer in self.layout.referrers(&self.manifest.digest)? {
            let manifest = self.layout.manifest(&referrer)?;
            let [layer] = manifest.layers.as_slice() else { continue };
            if layer.media_type != media_type::SIGSTORE_BUNDLE {
                continue;
            }
            let Ok(bundle) = Bundle::from_json(&self.layout.read(layer, MAX_BUNDLE)?) else { continue };
            let Ok(mut statement) = serde_json::from_slice::<Value>(&bundle.payload) else { continue };
            if statement["predicateType"] == wanted.type_name() {
                return Ok(statement["predicate"].take());
            }
        }
        Err(none())
    }
}

fn flat(session: &Session<'_>, imported: &Imported) -> Result<Flat, Error> {
    Ok(flatten(&imported.image.layers, &session.store, &Limits::default())?)
}

/// Opens the layout that the user names.
fn open(image: &str) -> Result<Layout, Error> {
    let path = image.strip_prefix("oci:").or_else(|| image.strip_prefix("oci-archive:")).unwrap_or(image);
    Ok(Layout::open(Path::new(path))?)
}

/// What is said about an image, without checking who said it.
pub fn predicate_of(choice: &ImageChoice, wanted: Predicate) -> Result<Value, Error> {
    Opened::open(choice)?.predicate(wanted)
}

/// Checks an image and all that is attached to it with a public key.
///
/// With several platforms all of them are checked, or the one that is chosen.
pub fn verify(session: &Session<'_>, choice: &ImageChoice, key: &Path) -> Result<Report, Error> {
    let pem = super::read_bounded(key, 64 << 10).map_err(|source| Error::Unreadable {
        what: "the public key",
        path: key.to_owned(),
        source,
    })?;
    let key = PublicKey::from_pem(&pem).map_err(|error| Error::Key { path: key.to_owned(), error })?;
    let layout = open(&choice.image)?;
    let subject = layout.image(None)?;
    let manifests = match &choice.platform {
        Some(platform) => vec![layout.platform(&subject, platform)?],
        None => layout.platforms(&subject)?,
    };
    let mut targets = Vec::new();
    let mut blobs: BTreeMap<Digest, Descriptor> = BTreeMap::new();
    if manifests.iter().all(|manifest| manifest.digest != subject.digest) {
        targets.push(Target {
            digest: subject.digest,
            kind: Kind::Index,
            referrers: layout.referrers(&subject.digest)?,
        });
    }
    for manifest in &manifests {
        let files = Some(files(session, &layout, manifest)?);
        let referrers = layout.referrers(&manifest.digest)?;
        targets.push(Target { digest: manifest.digest, kind: Kind::Image { files }, referrers });
    }
    for referrer in targets.iter().flat_map(|target| &target.referrers) {
        blobs.insert(referrer.digest, referrer.clone());
        for layer in layout.manifest(referrer).map(|manifest| manifest.layers).unwrap_or_default() {
            blobs.insert(layer.digest, layer);
        }
    }
    let blob = |digest: &Digest, limit: u64| {
        let descriptor = blobs.get(digest).ok_or_else(|| std::io::Error::other("it is not in the layout"))?;
        layout.read(descriptor, limit).map_err(std::io::Error::other)
    };
    Ok(verify::verify(&Request { key: &key, targets, blob: &blob }))
}

/// Everything in an image's file system but folders, with its digest.
fn files(session: &Session<'_>, layout: &Layout, manifest: &Descriptor) -> Result<BTreeMap<String, Digest>, Error> {
    let imported = layout.import(manifest, &session.store)?;
    let flat = Arc::new(flat(session, &imported)?);
    let files = flat.tree.iter().filter(|(_, entry)| !entry.is_dir());
    Ok(files
        .map(|(path, entry)| {
            let digest = match &entry.node {
                Node::File { content, .. } => *content,
                Node::Symlink { target } => Digest::of(target),
                _ => Digest::of([]),
            };
            (path_text(path.as_bytes()), digest)
        })
        .collect())
}
