//! Results of commands in a folder.

use super::super::error::Error;
use super::super::session::Session;
use super::offer::Found;
use super::{LARGEST_CLAIM, Listed, MOST_CLAIMS, is_claim};
use crate::image::layout::Layout;
use crate::image::output::{self, Content};
use crate::oci::{Descriptor, Digest, media_type};
use crate::store::Store;
use std::path::Path;

/// Writes a list in place of the one that is there.
pub(super) fn send(session: &Session<'_>, listed: &Listed, path: &Path) -> Result<(), Error> {
    let content = Content { image: listed.list.clone(), names: Vec::new(), referrers: vec![listed.claim.clone()] };
    output::write_layout(&content, &session.store, path, 0)?;
    Ok(())
}

/// The lists in a layout: those of commands alone, and those that went with an image.
pub(super) fn find(layout: &Layout, wanted: Option<Digest>) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    for row in layout.index().manifests.iter().filter(|row| row.media_type == media_type::MANIFEST) {
        if wanted.is_some_and(|wanted| wanted != row.digest) {
            continue;
        }
        let manifest = layout.manifest(row)?;
        if manifest.artifact_type.as_deref() != Some(media_type::RESULTS) {
            continue;
        }
        let rows = layout.referrers(&row.digest)?;
        let claims = rows.iter().filter(|row| is_claim(row)).take(MOST_CLAIMS).filter_map(|row| {
            let manifest = layout.manifest(row).map(|manifest| manifest.layers.into_iter().next()).transpose()?;
            Some(manifest.and_then(|bundle| layout.read(&bundle, LARGEST_CLAIM)))
        });
        found.push(Found { list: row.digest, claims: claims.collect::<Result<_, _>>()?, manifest });
        if found.len() == MOST_CLAIMS {
            break;
        }
    }
    match found.is_empty() {
        true => Err(Error::NotThere("the layout has no results of commands".to_owned())),
        false => Ok(found),
    }
}

/// Brings a pack into the store, checked.
pub(super) fn bring(layout: &Layout, pack: &Descriptor, store: &Store) -> Result<(), Error> {
    let mut writer = store.writer()?;
    std::io::copy(&mut layout.blob(pack)?, &mut writer)
        .map_err(|error| Error::NotThere(format!("{}: {error}", pack.digest)))?;
    writer.commit_as(&pack.digest)?;
    Ok(())
}
