//! Results of commands in a registry: under a tag of their own, or beside the image that they went into.

use super::super::error::Error;
use super::super::place;
use super::super::project::Project;
use super::super::publish::{Release, publish};
use super::super::session::Session;
use super::super::verifying::Subjects;
use super::offer::Found;
use super::{LARGEST_CLAIM, Listed, MOST_CLAIMS, is_claim};
use crate::image::layout::Layout;
use crate::oci::{Descriptor, Digest, Manifest, Reference, document, media_type};
use crate::registry::{Document, Name, Registries, RegistryError, Repository};

/// Writes a list, and lets a tag name it.
pub(super) fn send(
    session: &Session<'_>,
    project: &Project,
    listed: &Listed,
    reference: &Reference,
    plain: bool,
) -> Result<(), Error> {
    let layout = Layout::of_store(&session.store, vec![listed.list.clone(), listed.claim.clone()]);
    let subjects = || Ok(Subjects { index: None, manifests: Vec::new() });
    let targets = [reference.clone()];
    let release = Release {
        layout: &layout,
        image: &listed.list,
        targets: &targets,
        clobber: true,
        key: None,
        subjects: &subjects,
    };
    publish(session, &registries(session, project, reference, plain)?, &[release])?;
    Ok(())
}

/// The repository that results are looked for in.
pub(super) fn repository(
    session: &Session<'_>,
    project: &Project,
    reference: &Reference,
    plain: bool,
) -> Result<Repository, Error> {
    Ok(registries(session, project, reference, plain)?.repository(reference)?)
}

fn registries(session: &Session<'_>, project: &Project, place: &Reference, plain: bool) -> Result<Registries, Error> {
    match plain {
        true => session.registries_with_plain(project, &place.registry),
        false => Ok(session.registries_of(project)?.clone()),
    }
}

/// The lists that a reference leads to: the one that it names, or those that refer to the image that it names.
pub(super) async fn find(repository: &Repository, reference: &Reference) -> Result<Vec<Found>, Error> {
    let named = match place::name_of(reference) {
        Name::Digest(digest) => repository.by_digest(&digest).await?,
        Name::Tag(tag) => repository.by_tag(&tag).await?,
    };
    let named = named.ok_or_else(|| RegistryError::NoSuchImage(place::with_tag(reference.clone())))?;
    let digest = named.descriptor.digest;
    if let Some(list) = as_list(&named) {
        return Ok(vec![Found { list: digest, manifest: list, claims: claims(repository, &digest).await? }]);
    }
    let mut found = Vec::new();
    let is_list = |row: &&Descriptor| row.artifact_type.as_deref() == Some(media_type::RESULTS);
    for row in repository.referrers(&digest).await?.iter().filter(is_list).take(MOST_CLAIMS) {
        let Some(document) = repository.by_digest(&row.digest).await? else { continue };
        if let Some(manifest) = as_list(&document) {
            found.push(Found { list: row.digest, manifest, claims: claims(repository, &row.digest).await? });
        }
    }
    match found.is_empty() {
        true => Err(Error::NotThere("there is an image, and no results of commands went with it".to_owned())),
        false => Ok(found),
    }
}

/// A document as a list of results, if it is one.
fn as_list(document: &Document) -> Option<Manifest> {
    let manifest = document::manifest(&document.bytes, &document.descriptor.media_type).ok()?;
    (manifest.artifact_type.as_deref() == Some(media_type::RESULTS)).then_some(manifest)
}

/// The claims about a list.
async fn claims(repository: &Repository, list: &Digest) -> Result<Vec<Vec<u8>>, RegistryError> {
    let mut claims = Vec::new();
    let rows = repository.referrers(list).await?;
    for row in rows.iter().filter(|row| is_claim(row)).take(MOST_CLAIMS) {
        let Some(claim) = repository.by_digest(&row.digest).await? else { continue };
        let Ok(manifest) = document::manifest(&claim.bytes, &claim.descriptor.media_type) else { continue };
        if let Some(bundle) = manifest.layers.first() {
            claims.push(repository.read_blob(bundle, LARGEST_CLAIM).await?);
        }
    }
    Ok(claims)
}
