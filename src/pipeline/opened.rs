//! An image of a layout or a registry, opened to be looked at.

use super::error::Error;
use super::place::{self, Found, Place};
use super::session::Session;
use super::verifying;
use crate::evidence::sign::PublicKey;
use crate::evidence::{Bundle, MAX_BUNDLE, Statement, path_text, predicate};
use crate::image::layout::{Imported, Layout};
use crate::oci::{Descriptor, Digest, Platform, media_type};
use crate::policy::Told;
use crate::registry::Want;
use crate::tree::flatten::Flat;
use crate::tree::{Entry, Node, Tree};
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Which image is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageChoice {
    /// A layout, in a folder or an archive (`oci:` or `oci-archive:` may stand in front), or an image in a registry.
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

/// An image of one platform.
pub(super) struct Opened {
    layout: Layout,
    /// The manifest of the platform.
    manifest: Descriptor,
    /// What was named: the manifest, or the index that holds it.
    subject: Digest,
}

/// Something that is attached to an image, as nobody checked it.
pub(super) struct Attachment {
    /// The manifest that carries it.
    pub digest: Digest,
    /// The bundle, as it was read and as it is.
    pub bundle: Bundle,
    pub content: Vec<u8>,
    /// The type of the statement in it.
    pub predicate_type: String,
}

/// As many attachments are told of.
const MAX_ATTACHMENTS: usize = 1_000;

/// No manifest is larger.
const MAX_MANIFEST: u64 = 4 << 20;

impl Opened {
    /// Opens an image to look at its files.
    pub(super) fn open(session: &Session<'_>, choice: &ImageChoice) -> Result<Self, Error> {
        Self::find(session, choice, true)
    }

    /// Opens an image of which no layer will be needed.
    pub(super) fn without_layers(session: &Session<'_>, choice: &ImageChoice) -> Result<Self, Error> {
        Self::find(session, choice, false)
    }

    fn find(session: &Session<'_>, choice: &ImageChoice, layers: bool) -> Result<Self, Error> {
        let want = Want { platform: choice.platform.as_ref(), layers, referrers: true, ..Want::default() };
        let Found { layout, subject } = place::find(session, &Place::parse(&choice.image)?, want)?;
        let manifest = match (&choice.platform, layout.platforms(&subject)?.as_slice()) {
            (Some(platform), _) => layout.platform(&subject, platform)?,
            (None, [only]) => only.clone(),
            (None, _) => layout.platform(&subject, &Platform::host())?,
        };
        Ok(Opened { layout, manifest, subject: subject.digest })
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

    /// What the manifest says beside.
    pub(super) fn annotations(&self) -> Result<BTreeMap<String, String>, Error> {
        Ok(self.layout.manifest(&self.manifest)?.annotations)
    }

    /// The image and what its layers amount to.
    pub(super) fn unpacked(&self, session: &Session<'_>) -> Result<(Imported, Flat), Error> {
        let imported = self.layout.import(&self.manifest, &session.store)?;
        let flat = flat(session, &imported)?;
        Ok((imported, flat))
    }

    /// The file system.
    pub(super) fn tree(&self, session: &Session<'_>) -> Result<Arc<Tree>, Error> {
        let imported = self.layout.import(&self.manifest, &session.store)?;
        Ok(flat(session, &imported)?.tree)
    }

    /// The provenance about the image, or about the index that it was named by, that one of some keys signed.
    pub(super) fn told(&self, keys: &[PublicKey]) -> Result<Vec<Told>, Error> {
        let names: BTreeSet<Digest> = [self.subject, self.manifest.digest].into();
        verifying::told(&names.into_iter().collect::<Vec<_>>(), &self.layout, keys)
    }

    /// The bundles that are attached to the image, one after the other; what is none is left out.
    pub(super) fn attachments(&self) -> Result<impl Iterator<Item = Result<Attachment, Error>> + '_, Error> {
        let rows = self.layout.referrers(&self.manifest.digest)?;
        let read = |row: Descriptor| -> Result<Option<Attachment>, Error> {
            let manifest = self.layout.manifest(&row)?;
            let [layer] = manifest.layers.as_slice() else { return Ok(None) };
            if layer.media_type != media_type::SIGSTORE_BUNDLE {
                return Ok(None);
            }
            let content = self.layout.read(layer, MAX_BUNDLE)?;
            let Ok(bundle) = Bundle::from_json(&content) else { return Ok(None) };
            let Ok(statement) = serde_json::from_slice::<Statement<IgnoredAny>>(&bundle.payload) else {
                return Ok(None);
            };
            Ok(Some(Attachment { digest: row.digest, bundle, content, predicate_type: statement.predicate_type }))
        };
        Ok(rows.into_iter().take(MAX_ATTACHMENTS).filter_map(move |row| read(row).transpose()))
    }

    /// A predicate about the image, out of the bundles that are attached to it. Signatures are not checked here.
    ///
    /// # Errors
    /// [`Error::NotThere`] where none is attached.
    pub(super) fn predicate(&self, wanted: Predicate) -> Result<Value, Error> {
        let none =
            || Error::NotThere(format!("the image {} has no {} attached to it", self.manifest.digest, wanted.words()));
        for attachment in self.attachments()? {
            let attachment = attachment?;
            if attachment.predicate_type == wanted.type_name() {
                let statement = serde_json::from_slice::<Statement<Value>>(&attachment.bundle.payload);
                return Ok(statement.map_err(|error| Error::NotThere(error.to_string()))?.predicate);
            }
        }
        Err(none())
    }
}

fn flat(session: &Session<'_>, imported: &Imported) -> Result<Flat, Error> {
    Ok(imported.flat(&session.store)?)
}

/// What is said about an image, without checking who said it.
pub fn predicate_of(session: &Session<'_>, choice: &ImageChoice, wanted: Predicate) -> Result<Value, Error> {
    Opened::without_layers(session, choice)?.predicate(wanted)
}

/// Everything in an image's file system but folders, with its digest.
pub(super) fn files(
    session: &Session<'_>,
    layout: &Layout,
    manifest: &Descriptor,
) -> Result<BTreeMap<String, Digest>, Error> {
    Ok(files_of(&flat(session, &layout.import(manifest, &session.store)?)?.tree))
}

/// The same of a tree.
pub(super) fn files_of(tree: &Tree) -> BTreeMap<String, Digest> {
    let files = tree.iter().filter(|(_, entry)| !entry.is_dir());
    let digest = |entry: &Entry| match &entry.node {
        Node::File { content, .. } => *content,
        Node::Symlink { target } => Digest::of(target),
        _ => Digest::of([]),
    };
    files.map(|(path, entry)| (path_text(path.as_bytes()), digest(entry))).collect()
}
