//! Graphs that any BuildKit solves.
//!
//! kiln's own engine takes some sources under names that only it knows: trees and images of the store, and contexts
//! with an ignore file. Here they are written as what stands for them elsewhere.

use super::error::Error;
use crate::llb::{Adopted, Builder, Definition, Note, Output, attr, pb};
use crate::oci::Digest;

/// What stands for the sources that only kiln knows.
pub(super) trait Elsewhere {
    /// A tree or an image of the store, by the name and the manifest that the graph has for it.
    fn stored(&mut self, builder: &mut Builder, name: &str, manifest: &Digest, note: Note) -> Result<Output, Error>;

    /// A context of the spec.
    fn context(&mut self, builder: &mut Builder, name: &str, attrs: attr::Local, note: Note) -> Result<Output, Error>;
}

/// A graph with other sources: the builder that holds it, and what its outputs are called there.
pub(super) fn portable(
    definition: &Definition,
    mut builder: Builder,
    elsewhere: &mut dyn Elsewhere,
) -> Result<(Builder, Adopted), Error> {
    let adopted = builder.adopt(definition, |builder, _, op, note| {
        forgive(op);
        let pb::op::Op::Source(source) = op else { return Ok(None) };
        if let Some(name) = source.identifier.strip_prefix("local://") {
            return elsewhere.context(builder, name, attr::Local::from(&source.attrs), note).map(Some);
        }
        let Some(reference) = source.identifier.strip_prefix("oci-layout://") else { return Ok(None) };
        let named = reference.rsplit_once('@').and_then(|(name, digest)| Some((name, digest.parse().ok()?)));
        let (name, manifest) =
            named.ok_or_else(|| Error::Mistake(format!("the graph names no image by {reference}")))?;
        elsewhere.stored(builder, name, &manifest, note).map(Some)
    })?;
    Ok((builder, adopted))
}

/// A link is removed whatever it points at.
///
/// Where a daemon is to complain of what is not there, it follows links, and out of the root: it would complain of most
/// of them.
pub(super) fn forgive(op: &mut pb::op::Op) {
    let pb::op::Op::File(file) = op else { return };
    for action in file.actions.iter_mut().filter_map(|action| action.action.as_mut()) {
        if let pb::file_action::Action::Rm(remove) = action {
            remove.allow_not_found = true;
        }
    }
}

#[cfg(test)]
mod tests;
