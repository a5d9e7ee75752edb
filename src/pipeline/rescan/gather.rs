//! What is attached to images, brought into the store. Of the images themselves nothing is asked for.

use super::super::error::Error;
use super::super::statements::{Reader, said};
use super::target::Target;
use super::{PARALLEL, passing};
use crate::evidence::sign::PublicKey;
use crate::evidence::{MAX_BUNDLE, PREDICATE_TYPE, claims, predicate};
use crate::oci::{Descriptor, Digest, Index, document, media_type};
use crate::policy::report::{Summary, Vulnerabilities};
use crate::registry::RegistryError;
use crate::store::Store;
use futures_util::stream::{self, StreamExt};

/// As many manifests may refer to an image.
const MAX_REFERRERS: usize = 1_000;

/// So many bytes of statements about an image are read.
const MAX_BYTES: u64 = 1 << 30;

/// The kinds of statements by which an image is judged again.
pub(super) const FORMS: [&str; 4] = [predicate::CYCLONEDX, predicate::SPDX, Vulnerabilities::TYPE, Summary::TYPE];

/// What is attached to an image, all in the store.
pub(super) struct Gathered {
    /// What refers to it, as the registry lists it.
    pub referrers: Vec<Descriptor>,
    /// Bundles with statements about it, each once.
    pub bundles: Vec<Descriptor>,
    /// Statements that stand in indexes, each with whether a key signed that index.
    pub in_indexes: Vec<(Descriptor, bool)>,
}

/// What is wanted of it.
pub(super) struct Wanted<'a> {
    pub store: &'a Store,
    /// Whose word counts; anybody's where there are none.
    pub keys: &'a [PublicKey],
    /// Whether everything is of use, and not the kinds above alone.
    pub everything: bool,
}

/// Reads what is attached to each image; a problem, in words, where that fails for one of them.
pub(super) async fn gather(targets: &[Target], wanted: &Wanted<'_>) -> Result<Vec<Result<Gathered, String>>, Error> {
    let all: Vec<_> = targets.iter().map(|target| attached(target, wanted)).collect();
    let found: Vec<_> = stream::iter(all).buffered(PARALLEL).collect().await;
    found.into_iter().map(passing).collect()
}

async fn attached(target: &Target, wanted: &Wanted<'_>) -> Result<Gathered, RegistryError> {
    let (image, reader) = (target.manifest.digest, Reader { repository: &target.repository, store: wanted.store });
    let refuse =
        |reason| RegistryError::Refused { place: target.repository.reference().to_string(), digest: image, reason };
    let referrers = bundles(target.repository.referrers(&image).await?);
    if referrers.len() > MAX_REFERRERS {
        return Err(refuse(format!("more than {MAX_REFERRERS} manifests refer to it")));
    }
    let mut bundles = Vec::new();
    for row in referrers.iter().filter(|row| wanted.everything || is_told(row, &FORMS)) {
        bundles.extend(reader.bundle(&row.digest, &[image]).await?);
    }
    let mut in_indexes = Vec::new();
    for digest in &target.indexes {
        let index: Index = serde_json::from_slice(&wanted.store.read(digest, document::MAX_SIZE)?)
            .map_err(|error| refuse(format!("its index cannot be read: {error}")))?;
        let statements = reader.in_index(&index, &image).await?;
        if !statements.is_empty() {
            let signed = is_signed(&reader, digest, wanted.keys).await?;
            in_indexes.extend(statements.into_iter().map(|statement| (statement, signed)));
        }
    }
    let all = || bundles.iter().chain(in_indexes.iter().map(|(statement, _)| statement));
    if all().map(|blob| blob.size).fold(0, u64::saturating_add) > MAX_BYTES {
        return Err(refuse(format!("what is said about it has more than {MAX_BYTES} bytes")));
    }
    for blob in all() {
        reader.bring(blob).await?;
    }
    Ok(Gathered { referrers, bundles, in_indexes })
}

fn bundles(rows: Vec<Descriptor>) -> Vec<Descriptor> {
    let is_bundle = |row: &Descriptor| {
        row.media_type == media_type::MANIFEST
            && row.artifact_type.as_deref().is_none_or(|kind| kind == media_type::SIGSTORE_BUNDLE)
    };
    rows.into_iter().filter(is_bundle).collect()
}

/// Whether a bundle may make one of these claims. What its row says is a hint: a row that says nothing is looked into, and
/// whoever writes a wrong one could as well have left it out.
fn is_told(row: &Descriptor, forms: &[&str]) -> bool {
    row.annotations.get(PREDICATE_TYPE).is_none_or(|kind| forms.contains(&kind.as_str()))
}

/// Whether one of the keys signed an index, and so the statements in it.
async fn is_signed(reader: &Reader<'_>, index: &Digest, keys: &[PublicKey]) -> Result<bool, RegistryError> {
    if keys.is_empty() {
        return Ok(false);
    }
    let rows = bundles(reader.repository.referrers(index).await?);
    for row in rows.iter().filter(|row| is_told(row, &[predicate::SIGNATURE])).take(MAX_REFERRERS) {
        let Some(bundle) = reader.bundle(&row.digest, &[*index]).await? else { continue };
        reader.bring(&bundle).await?;
        let signature = said(&reader.store.read(&bundle.digest, MAX_BUNDLE)?, keys);
        let is_good = |(statement, signed): (Vec<u8>, bool)| {
            signed && claims::form(&statement, &[*index], &[predicate::SIGNATURE]).is_some()
        };
        if signature.is_some_and(is_good) {
            return Ok(true);
        }
    }
    Ok(false)
}
