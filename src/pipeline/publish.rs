//! A release as a transaction: everything is pushed by digest, read back and verified as a consumer would; only then
//! do tags move.
//!
//! Whatever ends a release early, tags stand as they stood, and the next run sends only what is missing.

use super::error::Error;
use super::place::Transfer;
use super::report::{PublishedReport, TagReport};
use super::session::Session;
use super::verifying::{self, Remote, Subjects};
use crate::evidence::sign::PublicKey;
use crate::image::layout::Layout;
use crate::oci::{Descriptor, Digest, Index, Reference, document, media_type};
use crate::registry::{self, Contents, Document, Moved, Outgoing, Part, Pushed, Registries, Repository};
use std::collections::BTreeSet;
use std::io;

/// What is to be released.
pub(super) struct Release<'a> {
    /// Where its contents are.
    pub layout: &'a Layout,
    /// The manifest or index.
    pub image: &'a Descriptor,
    /// Where it goes: repositories with tags. One with a digest gets no tag.
    pub targets: &'a [Reference],
    /// Whether tags may be moved from other images.
    pub clobber: bool,
    /// With what it is verified where it has arrived; none for no verification.
    pub key: Option<&'a PublicKey>,
    /// Says what must be verified of it; asked while the image travels.
    pub subjects: &'a (dyn Fn() -> Result<Subjects, Error> + Sync),
}

/// Releases images; no tag of any of them moves before all of them have arrived. For each image a report for each
/// repository.
pub(super) fn publish(
    session: &Session<'_>,
    registries: &Registries,
    releases: &[Release<'_>],
) -> Result<Vec<Vec<PublishedReport>>, Error> {
    let underway = releases
        .iter()
        .map(|release| Underway::prepare(session, registries, release))
        .collect::<Result<Vec<_>, _>>()?;
    session.phase("pushing");
    let arrived = underway.iter().map(|release| release.send(session)).collect::<Result<Vec<_>, _>>()?;
    session.phase("verifying");
    for (release, arrived) in underway.iter().zip(&arrived) {
        release.verify(session, arrived)?;
    }
    session.phase("tagging");
    underway.iter().zip(&arrived).map(|(release, arrived)| release.tag(session, arrived)).collect()
}

/// A release on its way.
struct Underway<'a> {
    release: &'a Release<'a>,
    outgoing: Outgoing,
    document: Document,
    places: Vec<Place>,
}

/// A release that was sent: what that took for each place, and what must be verified there.
struct Arrived {
    pushed: Vec<Pushed>,
    subjects: Option<Subjects>,
}

impl<'a> Underway<'a> {
    /// Finds out all that can be wrong before anything travels.
    fn prepare(session: &Session<'_>, registries: &Registries, release: &'a Release<'a>) -> Result<Self, Error> {
        for target in release.targets {
            let other = target.digest.filter(|digest| *digest != release.image.digest);
            if let Some(digest) = other {
                return Err(Error::Usage(format!(
                    "{target} names {digest}, and the image is {}",
                    release.image.digest
                )));
            }
        }
        let outgoing =
            Outgoing { image: release.image.clone(), referrers: release.layout.all_referrers(release.image)? };
        let places = places(registries, release.targets)?;
        if !release.clobber {
            refuse_taken_tags(session, &places, release.image.digest)?;
        }
        Ok(Underway { release, outgoing, document: document(release)?, places })
    }

    fn send(&self, session: &Session<'_>) -> Result<Arrived, Error> {
        std::thread::scope(|scope| {
            let subjects = scope.spawn(|| self.release.key.map(|_| (self.release.subjects)()).transpose());
            let pushed = self.places.iter().map(|place| push(session, place, &self.outgoing, self.release.layout));
            let pushed = pushed.collect::<Result<Vec<Pushed>, Error>>();
            let subjects = subjects.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Ok(Arrived { pushed: pushed?, subjects: subjects? })
        })
    }

    fn verify(&self, session: &Session<'_>, arrived: &Arrived) -> Result<(), Error> {
        for place in &self.places {
            read_back(session, place, &self.outgoing)?;
            if let (Some(key), Some(subjects)) = (self.release.key, &arrived.subjects) {
                verify(session, place, subjects, key)?;
            }
        }
        Ok(())
    }

    fn tag(&self, session: &Session<'_>, arrived: &Arrived) -> Result<Vec<PublishedReport>, Error> {
        let reports = self.places.iter().zip(&arrived.pushed).map(|(place, pushed)| {
            let tags = place.tags.iter().map(|tag| {
                let moving = registry::tag(&place.repository, tag, &self.document, self.release.clobber);
                Ok(tag_report(tag, session.wait(moving)?))
            });
            Ok(PublishedReport {
                repository: place.repository.reference().to_string(),
                digest: self.release.image.digest,
                tags: tags.collect::<Result<_, Error>>()?,
                sent: pushed.sent,
                bytes: pushed.bytes,
                mounted: pushed.mounted,
                present: pushed.present,
                verified: self.release.key.is_some(),
            })
        });
        reports.collect()
    }
}

/// A repository with the tags that are to move there.
struct Place {
    repository: Repository,
    tags: Vec<String>,
}

/// The repositories among the targets, each once.
fn places(registries: &Registries, targets: &[Reference]) -> Result<Vec<Place>, Error> {
    let mut places: Vec<Place> = Vec::new();
    for target in targets {
        let repository = registries.repository(target)?.without_mirrors();
        let known = places.iter().position(|place| place.repository.reference() == repository.reference());
        let at = known.unwrap_or_else(|| {
            places.push(Place { repository, tags: Vec::new() });
            places.len() - 1
        });
        let tag = target.tag.clone().filter(|tag| target.digest.is_none() && !places[at].tags.contains(tag));
        places[at].tags.extend(tag);
    }
    Ok(places)
}

/// Before anything travels: a tag that must not move ends the release here.
fn refuse_taken_tags(session: &Session<'_>, places: &[Place], image: Digest) -> Result<(), Error> {
    for place in places {
        for tag in &place.tags {
            let named = session.wait(place.repository.tagged(tag))?;
            if let Some(other) = named.filter(|named| *named != image) {
                let tag = Reference { tag: Some(tag.clone()), ..place.repository.reference().clone() };
                return Err(registry::RegistryError::TagTaken { tag, named: other, wanted: image }.into());
            }
        }
    }
    Ok(())
}

fn push(session: &Session<'_>, place: &Place, outgoing: &Outgoing, layout: &Layout) -> Result<Pushed, Error> {
    let contents = OfLayout(layout);
    let transfer = Transfer(session);
    Ok(session.wait(registry::push(&place.repository, outgoing, &contents, &session.store, &transfer))?)
}

/// A layout as what is pushed from.
pub(super) struct OfLayout<'a>(pub &'a Layout);

impl Contents for OfLayout<'_> {
    fn open(&self, digest: &Digest) -> io::Result<Part> {
        let (file, at, size) = self.0.part(digest).map_err(io::Error::other)?;
        Ok(Part { file, at, size })
    }
}

/// The image's own document, as tags will name it.
fn document(release: &Release<'_>) -> Result<Document, Error> {
    let bytes = release.layout.read(release.image, document::MAX_SIZE)?;
    Ok(Document { descriptor: release.image.clone(), bytes })
}

/// Reads what was pushed as somebody would who has nothing of it: documents by digest, and what refers to them from the
/// lists of referrers. Of blobs the registry has said, by digest, that it has them. The documents are those that were
/// pushed, as their digests say, and so neither more nor of other kinds than a push allows.
fn read_back(session: &Session<'_>, place: &Place, outgoing: &Outgoing) -> Result<(), Error> {
    let repository = &place.repository;
    let missing = |what: &str, digest: &Digest| {
        Error::NotArrived(format!("{}: {what} {digest} was pushed and cannot be read back", repository.reference()))
    };
    session.wait(async {
        let (mut listed, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut waiting = vec![outgoing.image.clone()];
        while let Some(row) = waiting.pop() {
            if !seen.insert(row.digest) {
                continue;
            }
            let document = repository.by_digest(&row.digest).await?;
            let document = document.ok_or_else(|| missing("the manifest", &row.digest))?;
            if matches!(row.media_type.as_str(), media_type::INDEX | media_type::DOCKER_INDEX) {
                let index: Index = serde_json::from_slice(&document.bytes).map_err(|error| {
                    Error::NotArrived(format!("{}: {} cannot be read: {error}", repository.reference(), row.digest))
                })?;
                waiting.extend(index.manifests);
            }
            if !outgoing.referrers.is_empty() {
                listed.extend(repository.referrers(&row.digest).await?.into_iter().map(|row| row.digest));
            }
        }
        for row in outgoing.referrers.iter().filter(|row| row.artifact_type.as_deref() == Some(media_type::RESULTS)) {
            listed.extend(repository.referrers(&row.digest).await?.into_iter().map(|row| row.digest));
        }
        match outgoing.referrers.iter().find(|row| !listed.contains(&row.digest)) {
            Some(lost) => Err(missing("what refers to it,", &lost.digest)),
            None => Ok(()),
        }
    })
}

/// Verifies what a consumer finds in a repository.
fn verify(session: &Session<'_>, place: &Place, subjects: &Subjects, key: &PublicKey) -> Result<(), Error> {
    let remote = Remote { session, repository: &place.repository };
    verifying::verified(&verifying::check(subjects, &remote, key)?, &place.repository.reference().to_string())
}

fn tag_report(tag: &str, moved: Moved) -> TagReport {
    match moved {
        Moved::New => TagReport { tag: tag.to_owned(), moved: true, from: None },
        Moved::From(digest) => TagReport { tag: tag.to_owned(), moved: true, from: Some(digest) },
        Moved::Already => TagReport { tag: tag.to_owned(), moved: false, from: None },
    }
}
