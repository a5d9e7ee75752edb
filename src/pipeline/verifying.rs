//! Checking an image and all that is attached to it with a public key, wherever both are.

use super::error::Error;
use super::judging::Demands;
use super::opened::{ImageChoice, files};
use super::place::{self, Found, Place};
use super::session::Session;
use crate::evidence::provenance;
use crate::evidence::sign::PublicKey;
use crate::evidence::verify::{self, Check, Kind, Outcome, Report, Request, Target, ids};
use crate::image::layout::Layout;
use crate::oci::{Descriptor, Digest};
use crate::policy::Told;
use crate::registry::{Repository, Want};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

/// Where what is attached to an image is read.
pub(super) trait Attached {
    /// What refers to a manifest.
    fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error>;

    /// A manifest that refers to another, of so many bytes.
    fn read_manifest(&self, digest: &Digest, size: u64) -> Result<Vec<u8>, Error>;

    /// A blob of so many bytes.
    fn read_blob(&self, digest: &Digest, size: u64) -> Result<Vec<u8>, Error>;
}

impl Attached for Layout {
    fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        Ok(Layout::referrers(self, subject)?)
    }

    fn read_manifest(&self, digest: &Digest, size: u64) -> Result<Vec<u8>, Error> {
        self.read_blob(digest, size)
    }

    fn read_blob(&self, digest: &Digest, size: u64) -> Result<Vec<u8>, Error> {
        Ok(self.read(&Descriptor::new("", *digest, size), size)?)
    }
}

/// A repository, read over the network and from nowhere else.
pub(super) struct Remote<'a> {
    pub session: &'a Session<'a>,
    pub repository: &'a Repository,
}

impl Attached for Remote<'_> {
    fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        Ok(self.session.wait(self.repository.referrers(subject))?)
    }

    fn read_manifest(&self, digest: &Digest, _: u64) -> Result<Vec<u8>, Error> {
        let document = self.session.wait(self.repository.by_digest(digest))?;
        let document = document.ok_or_else(|| Error::NotThere(format!("the manifest {digest} is listed, but gone")))?;
        Ok(document.bytes)
    }

    fn read_blob(&self, digest: &Digest, size: u64) -> Result<Vec<u8>, Error> {
        let blob = Descriptor::new("", *digest, size);
        Ok(self.session.wait(self.repository.read_blob(&blob, size))?)
    }
}

/// What must be verified of an image: its index, where it has one, and its platforms' manifests with their files.
pub(super) struct Subjects {
    /// The index.
    pub index: Option<Digest>,
    /// The manifests; each with everything in its file system but folders.
    pub manifests: Vec<(Digest, BTreeMap<String, Digest>)>,
}

/// Checks what is attached to `subjects` with a key.
pub(super) fn check(subjects: &Subjects, attached: &dyn Attached, key: &PublicKey) -> Result<Report, Error> {
    check_by(subjects, attached, key, None)
}

/// The same, where verdicts must be by the policy with these texts.
fn check_by(
    subjects: &Subjects,
    attached: &dyn Attached,
    key: &PublicKey,
    policy: Option<&[Digest]>,
) -> Result<Report, Error> {
    let mut targets = Vec::new();
    if let Some(digest) = subjects.index {
        targets.push(Target { digest, kind: Kind::Index, referrers: attached.referrers(&digest)? });
    }
    for (digest, files) in &subjects.manifests {
        let (digest, kind) = (*digest, Kind::Image { files: Some(files.clone()) });
        targets.push(Target { digest, kind, referrers: attached.referrers(&digest)? });
    }
    let blob = reader(attached, &targets);
    let blob: &dyn Fn(&Digest, u64) -> io::Result<Vec<u8>> = &blob;
    Ok(verify::verify(&Request { key, targets: targets.clone(), policy, blob }))
}

/// What reads documents that refer to these targets, and their blobs.
fn reader<'a>(attached: &'a dyn Attached, targets: &[Target]) -> impl Fn(&Digest, u64) -> io::Result<Vec<u8>> + 'a {
    let manifests: BTreeSet<Digest> =
        targets.iter().flat_map(|target| &target.referrers).map(|row| row.digest).collect();
    move |digest, size| {
        let read = match manifests.contains(digest) {
            true => attached.read_manifest(digest, size),
            false => attached.read_blob(digest, size),
        };
        read.map_err(io::Error::other)
    }
}

/// The provenance about an image that one of some keys signed; `names` are its manifest, and the index that holds it.
pub(super) fn told(names: &[Digest], attached: &dyn Attached, keys: &[PublicKey]) -> Result<Vec<Told>, Error> {
    let mut told = Vec::new();
    for digest in names {
        let target = Target { digest: *digest, kind: Kind::Index, referrers: attached.referrers(digest)? };
        let blob = reader(attached, std::slice::from_ref(&target));
        for key in keys {
            let request = Request { key, targets: Vec::new(), policy: None, blob: &blob };
            let signed = verify::provenance_of(&request, &target);
            // What names no builder has none that could be trusted.
            let builders = signed.iter().filter_map(|statement| provenance::builder(&statement.payload).ok());
            let keys = || [key.hint()].into();
            told.extend(builders.map(|(builder, is_kiln)| Told { builder, is_kiln, keys: keys() }));
        }
    }
    Ok(told)
}

/// An error, with the reasons, where the image at a place did not verify.
pub(super) fn verified(report: &Report, place: &str) -> Result<(), Error> {
    if report.verified {
        return Ok(());
    }
    let failed = report.checks.iter().filter(|check| check.result == Outcome::Failed);
    let lines: Vec<String> = failed
        .map(|check| format!("{} of {}: {}", check.what, check.subject, check.detail.as_deref().unwrap_or("failed")))
        .collect();
    let reasons = match lines.is_empty() {
        true => "nothing could be checked".to_owned(),
        false => lines.join("\n  "),
    };
    Err(Error::NotVerified { place: place.to_owned(), reasons })
}

/// What must be verified of an image in a layout.
pub(super) fn subjects(
    session: &Session<'_>,
    layout: &Layout,
    image: &Descriptor,
    manifests: &[Descriptor],
) -> Result<Subjects, Error> {
    let index = manifests.iter().all(|manifest| manifest.digest != image.digest).then_some(image.digest);
    let manifests = manifests.iter().map(|manifest| Ok((manifest.digest, files(session, layout, manifest)?)));
    Ok(Subjects { index, manifests: manifests.collect::<Result<_, Error>>()? })
}

/// The public key in a file.
pub(super) fn public_key(path: &Path) -> Result<PublicKey, Error> {
    let pem = super::read_bounded(path, 64 << 10).map_err(|source| Error::Unreadable {
        what: "the public key",
        path: path.to_owned(),
        source,
    })?;
    PublicKey::from_pem(&pem).map_err(|error| Error::PublicKey { path: path.to_owned(), error })
}

/// Checks an image and all that is attached to it with a public key. Where a policy is named, the verdict that is attached
/// must be by it, and the provenance must reach the level that it requires, by the builders that it trusts.
///
/// With several platforms all of them are checked, or the one that is chosen.
pub fn verify(session: &Session<'_>, choice: &ImageChoice, key: &Path, policy: Option<&Path>) -> Result<Report, Error> {
    let key = public_key(key)?;
    let demands = policy.map(Demands::read).transpose()?;
    let want = Want { platform: choice.platform.as_ref(), layers: true, referrers: true, ..Want::default() };
    let Found { layout, subject } = place::find(session, &Place::parse(&choice.image)?, want)?;
    let manifests = match &choice.platform {
        Some(platform) => vec![layout.platform(&subject, platform)?],
        None => layout.platforms(&subject)?,
    };
    let subjects = subjects(session, &layout, &subject, &manifests)?;
    let texts = demands.as_ref().map(|demands| demands.texts.as_slice());
    let mut report = check_by(&subjects, &layout, &key, texts)?;
    if let Some(demands) = &demands {
        report.add(levels(&subjects, &layout, &key, demands)?);
    }
    Ok(report)
}

/// Whether provenance reaches the level that a policy requires, where it requires one.
fn levels(
    subjects: &Subjects,
    attached: &dyn Attached,
    key: &PublicKey,
    demands: &Demands,
) -> Result<Vec<Check>, Error> {
    let Some(wanted) = demands.level else { return Ok(Vec::new()) };
    let keys: Vec<PublicKey> = std::iter::once(key).chain(&demands.trust.keys).cloned().collect();
    let digests = subjects.index.into_iter().chain(subjects.manifests.iter().map(|(digest, _)| *digest));
    let check = |digest: Digest| {
        // What is said of an index is said of the images that it names.
        let names: BTreeSet<Digest> = subjects.index.into_iter().chain([digest]).collect();
        let names: Vec<Digest> = names.into_iter().collect();
        let told = told(&names, attached, &keys)?;
        let reached = demands.trust.reached(&told, &key.hint()).map_or(0, |reached| reached.above);
        let result = match reached >= wanted {
            true => Ok(format!("it reaches SLSA level {reached} of build")),
            false => Err(format!("it reaches SLSA level {reached} of build, and the policy requires {wanted}")),
        };
        Ok(Check::of(ids::LEVEL, digest, result))
    };
    digests.map(check).collect()
}
