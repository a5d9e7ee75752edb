//! Results of commands, shared between machines.
//!
//! What is shared is a list of packs, one for each result, and a statement about it that the key of the build has signed. A
//! list that it did not sign is not used: whoever can write to the place could otherwise say what a command leaves. What a
//! list offers is fetched only where a command would run without it.
//!
//! Places are of three kinds: layouts, registries, and shelves, which keep contents by name.

mod asked;
mod azure;
mod fields;
mod github;
mod layout;
mod objects;
mod offer;
mod parts;
mod profile;
mod registry;
mod s3;
mod shelf;
mod sigv4;

use super::error::Error;
use super::identity::Identity;
use super::project::Project;
use super::report::SharedReport;
use super::session::Session;
use crate::evidence::sign;
use crate::evidence::{Nothing, PREDICATE_TYPE, Referrer, Statement, Subject};
use crate::oci::{Descriptor, Digest, Manifest, media_type, to_json};
use crate::solve::embedded::pack;
use asked::{Asked, Kind, Way};
pub(super) use offer::Offer;
use rayon::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};
use shelf::Clock;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

/// The claim that a list of results is the signer's; the predicate is empty.
const PREDICATE: &str = "urn:kiln:results:v1";

/// A pack's type.
const PACK: &str = "application/vnd.kiln.result.v1+zstd";

/// The annotation of a pack that says which result it is.
const KEY: &str = "kiln.result.key";

/// As many claims about one list are looked at, and as many lists about one image.
const MOST_CLAIMS: usize = 16;

/// A claim is no larger, in bytes.
const LARGEST_CLAIM: u64 = 1 << 20;

/// As many packs are sent at a time where nothing else is said.
const MOST_AT_A_TIME: usize = 4;

/// Where results come from and go to, as the user wrote it: `specs/results.md`. What stands there may be secret.
#[derive(Debug, Clone, Default)]
pub struct SharingOptions {
    /// Where they are looked for, in this order.
    pub from: Vec<SecretString>,
    /// Where those of this build go.
    pub to: Vec<SecretString>,
    /// What places do not say of themselves.
    pub defaults: PlaceDefaults,
}

/// What the environment says about places; filled by the command line.
#[derive(Debug, Clone, Default)]
pub struct PlaceDefaults {
    /// `AWS_BUCKET`
    pub aws_bucket: Option<String>,
    /// `AWS_REGION`
    pub aws_region: Option<String>,
    /// `AWS_ACCESS_KEY_ID`
    pub aws_access_key_id: Option<String>,
    /// `AWS_SECRET_ACCESS_KEY`
    pub aws_secret_access_key: Option<SecretString>,
    /// `AWS_SESSION_TOKEN`
    pub aws_session_token: Option<SecretString>,
    /// The file with access keys, which need not be there.
    pub aws_credentials_file: Option<PathBuf>,
    /// `AWS_PROFILE`
    pub aws_profile: Option<String>,
    /// `BUILDKIT_AZURE_STORAGE_ACCOUNT_URL`
    pub azure_account_url: Option<SecretString>,
    /// `BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME`
    pub azure_account_name: Option<String>,
    /// `BUILDKIT_AZURE_STORAGE_CONTAINER`
    pub azure_container: Option<String>,
    /// `BUILDKIT_AZURE_STORAGE_PREFIX`
    pub azure_prefix: Option<String>,
    /// `AZURE_STORAGE_KEY`
    pub azure_key: Option<SecretString>,
    /// `AZURE_STORAGE_SAS_TOKEN`
    pub azure_signature: Option<SecretString>,
    /// `ACTIONS_RESULTS_URL`
    pub github_results_url: Option<String>,
    /// `ACTIONS_CACHE_URL`
    pub github_cache_url: Option<String>,
    /// `ACTIONS_RUNTIME_TOKEN`
    pub github_token: Option<SecretString>,
}

/// Where results come from and go to.
pub(super) struct Sharing {
    from: Vec<Asked>,
    to: Vec<Asked>,
}

impl Sharing {
    /// Reads what the user wrote, before any work.
    pub fn read(options: &SharingOptions) -> Result<Sharing, Error> {
        let read = |places: &[SecretString], way| {
            let places = places.iter().map(|text| Asked::read(text.expose_secret(), way, &options.defaults));
            places.collect::<Result<Vec<_>, Error>>()
        };
        Ok(Sharing { from: read(&options.from, Way::From)?, to: read(&options.to, Way::To)? })
    }

    /// Whether anything is shared at all.
    pub fn is_wanted(&self) -> bool {
        !self.from.is_empty() || !self.to.is_empty()
    }

    /// Whether results go with the image.
    pub fn is_inline(&self) -> bool {
        self.inline().is_some()
    }

    fn inline(&self) -> Option<&Asked> {
        self.to.iter().find(|place| matches!(place.kind, Kind::Inline))
    }
}

/// Opens the places that results are looked for in. One that has none yet, cannot be reached or is not signed by the key
/// of the build is told of and left aside: without it the build takes longer, and that is all.
pub(super) fn offers(
    session: &Session<'_>,
    project: &Project,
    identity: &Identity<'_>,
    sharing: &Sharing,
) -> Result<Vec<Offer>, Error> {
    if sharing.from.is_empty() {
        return Ok(Vec::new());
    }
    let key = identity.public_key()?;
    let offers = sharing.from.iter().filter_map(|place| {
        let opened = Offer::open(session, project, place, &key);
        opened
            .map_err(|why| session.warn(&format!("no results of commands are taken from {}: {why}", place.shown)))
            .ok()
    });
    Ok(offers.collect())
}

/// A list of results with the signed claim about it, all in the store.
struct Listed {
    list: Descriptor,
    packs: Vec<Descriptor>,
    claim: Descriptor,
    /// The claim itself, without the manifest around it.
    bundle: Digest,
}

/// Packs results and sends them where they were asked for, beside what goes with an image.
pub(super) fn share(
    session: &Session<'_>,
    project: &Project,
    identity: &Identity<'_>,
    sharing: &Sharing,
) -> Result<Vec<SharedReport>, Error> {
    let places: Vec<&Asked> = sharing.to.iter().filter(|place| !matches!(place.kind, Kind::Inline)).collect();
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let Some(listed) = listed(session, identity, None)? else { return Ok(Vec::new()) };
    session.phase("sharing results");
    let sent = places.into_iter().map(|place| {
        let sent = send(session, project, &listed, place).map(|()| Some(listed.report(place)));
        forgiven(session, place, sent)
    });
    sent.filter_map(Result::transpose).collect()
}

/// What goes with an image where that was asked for: the rows of a list that refers to it and of the claim about that.
pub(super) fn inline(
    session: &Session<'_>,
    identity: &Identity<'_>,
    sharing: &Sharing,
    image: &Descriptor,
) -> Result<Option<(Vec<Descriptor>, SharedReport)>, Error> {
    let Some(place) = sharing.inline() else { return Ok(None) };
    let listed = forgiven(session, place, listed(session, identity, Some(image)))?;
    Ok(listed.map(|listed| (vec![listed.list.clone(), listed.claim.clone()], listed.report(place))))
}

/// What came of sharing in a place; a warning and nothing, where it failed and the user has said that the build goes on.
fn forgiven<T>(session: &Session<'_>, place: &Asked, came: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match came {
        Err(why) if place.ignore_error => {
            session.warn(&format!("results of commands are not shared in {}: {why}", place.shown));
            Ok(None)
        }
        came => came,
    }
}

impl Listed {
    fn report(&self, place: &Asked) -> SharedReport {
        SharedReport { place: place.shown.clone(), digest: self.list.digest, results: self.packs.len() }
    }
}

/// Packs the results of this build and signs the list of them; none where there are no results.
fn listed(session: &Session<'_>, identity: &Identity<'_>, about: Option<&Descriptor>) -> Result<Option<Listed>, Error> {
    let keys = session.results();
    if keys.is_empty() {
        return Ok(None);
    }
    session.phase("packing results");
    let store = &session.store;
    let pack = |key: &Digest| {
        let packed = pack(store, key).map_err(|error| Error::NotThere(format!("the result of a command: {error}")))?;
        Ok(packed.map(|(digest, size)| {
            let mut row = Descriptor::new(PACK, digest, size);
            row.annotations.insert(KEY.to_owned(), key.hex());
            row
        }))
    };
    let packs = keys.par_iter().map(pack).collect::<Result<Vec<_>, Error>>()?.into_iter().flatten();
    let packs: Vec<Descriptor> = packs.collect();
    let list = list(session, packs.clone(), about)?;
    let signer = identity.open()?;
    let statement = Statement::new(vec![Subject::new(&list.digest)], PREDICATE, Nothing {});
    let signed = sign::sign(signer.as_ref(), &statement)?;
    let bundle = signed.digest;
    let claim = Referrer::new(signed, &list, 0);
    store.put(&claim.manifest)?;
    claim.blobs.iter().try_for_each(|(_, content)| store.put(content).map(drop))?;
    Ok(Some(Listed { list, packs, claim: claim.descriptor, bundle }))
}

/// Makes the list of packs; one that refers to an image, where it goes with one.
fn list(session: &Session<'_>, packs: Vec<Descriptor>, about: Option<&Descriptor>) -> Result<Descriptor, Error> {
    let empty = session.store.put(b"{}")?;
    let config = Descriptor::new(media_type::EMPTY, empty, 2);
    let mut list = Manifest::image(config, packs);
    list.artifact_type = Some(media_type::RESULTS.to_owned());
    list.subject = about.map(|image| Descriptor::new(&image.media_type, image.digest, image.size));
    let bytes = to_json(&list);
    session.store.put(&bytes)?;
    let mut row = Descriptor::of(media_type::MANIFEST, &bytes);
    row.artifact_type = list.artifact_type;
    Ok(row)
}

fn send(session: &Session<'_>, project: &Project, listed: &Listed, place: &Asked) -> Result<(), Error> {
    match &place.kind {
        Kind::Layout(path, _) => layout::send(session, listed, path),
        Kind::Registry(reference, plain) => registry::send(session, project, listed, reference, *plain),
        // With the image.
        Kind::Inline => Ok(()),
        Kind::Service(service) => {
            let shelf = service.shelf(session.client()?.clone(), Clock::new(session.clock()));
            let sharing =
                shelf::share(shelf.as_ref(), &session.store, &listed.packs, &listed.list.digest, &listed.bundle);
            session.wait(in_time(place.timeout, sharing))
        }
    }
}

/// Work that may take no longer, where there is an end to it.
async fn in_time<T>(limit: Option<Duration>, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let Some(limit) = limit else { return work.await };
    let late = |_| Error::Late { limit };
    tokio::time::timeout(limit, work).await.map_err(late)?
}

/// Whether a row of a list of referrers says that it is a claim about results.
fn is_claim(row: &Descriptor) -> bool {
    row.annotations.get(PREDICATE_TYPE).is_some_and(|kind| kind == PREDICATE)
}
