//! What a place offers: results on lists that the key of the build has signed.

use super::super::error::Error;
use super::super::place::Transfer;
use super::super::project::Project;
use super::super::session::Session;
use super::asked::{Asked, Kind};
use super::shelf::{self, Clock, Shelf};
use super::{KEY, PACK, PREDICATE, in_time, layout, registry};
use crate::evidence::sign::PublicKey;
use crate::evidence::verify::{SignedStatement, check_signed};
use crate::image::layout::Layout;
use crate::oci::{Descriptor, Digest, Manifest};
use crate::registry::Repository;
use crate::solve;
use crate::solve::embedded::unpack;
use std::collections::BTreeMap;
use std::time::Duration;

/// The results that a place offers.
pub(in crate::pipeline) struct Offer {
    place: String,
    source: Source,
    timeout: Option<Duration>,
    packs: BTreeMap<Digest, Descriptor>,
}

/// Where packs are.
enum Source {
    Layout(Box<Layout>),
    Registry(Box<Repository>),
    Shelf(Box<dyn Shelf>),
}

/// A list that was found, with bundles that may be claims about it.
pub(super) struct Found {
    pub list: Digest,
    pub manifest: Manifest,
    pub claims: Vec<Vec<u8>>,
}

impl solve::Shared for Session<'_> {
    fn bring(&self, key: &Digest) -> bool {
        self.offers().iter().any(|offer| {
            let Some(pack) = offer.packs.get(key) else { return false };
            let brought = offer.bring(self, key, pack);
            brought.map_err(|why| self.warn(&format!("a result of {} cannot be used: {why}", offer.place))).is_ok()
        })
    }
}

impl Offer {
    /// What is on those lists at a place that the key signed.
    pub(super) fn open(
        session: &Session<'_>,
        project: &Project,
        place: &Asked,
        key: &PublicKey,
    ) -> Result<Offer, Error> {
        let (source, lists) = match &place.kind {
            Kind::Layout(path, digest) => {
                let layout = Layout::open(path)?;
                let found = layout::find(&layout, *digest)?;
                (Source::Layout(Box::new(layout)), signed(found, key))
            }
            Kind::Registry(reference, plain) => {
                let repository = registry::repository(session, project, reference, *plain)?;
                let found = session.wait(in_time(place.timeout, registry::find(&repository, reference)))?;
                (Source::Registry(Box::new(repository)), signed(found, key))
            }
            Kind::Service(service) => {
                let shelf = service.shelf(session.client()?.clone(), Clock::new(session.clock()));
                let list = session.wait(in_time(place.timeout, on_shelf(shelf.as_ref(), key)))?;
                (Source::Shelf(shelf), list.into_iter().collect())
            }
            Kind::Inline => return Err(Error::NotThere("results that go with an image are beside it".to_owned())),
        };
        if lists.is_empty() {
            return Err(Error::NotThere("its list is not signed by the key of this build".to_owned()));
        }
        let packs = lists.into_iter().flat_map(|list| list.layers).filter(|layer| layer.media_type == PACK);
        let packs = packs.filter_map(|layer| Some((Digest::from_hex(layer.annotations.get(KEY)?).ok()?, layer)));
        Ok(Offer { place: place.shown.clone(), source, timeout: place.timeout, packs: packs.collect() })
    }

    fn bring(&self, session: &Session<'_>, key: &Digest, pack: &Descriptor) -> Result<(), Error> {
        let store = &session.store;
        if store.size(&pack.digest) != Some(pack.size) {
            match &self.source {
                Source::Layout(layout) => layout::bring(layout, pack, store)?,
                Source::Registry(repository) => {
                    let transfer = Transfer(session);
                    let pull = async { Ok(repository.pull_blob(pack, store, &transfer).await?) };
                    session.wait(in_time(self.timeout, pull))?;
                }
                Source::Shelf(shelf) => {
                    session.wait(in_time(self.timeout, shelf::bring(shelf.as_ref(), pack, store)))?
                }
            }
        }
        unpack(store, key, &pack.digest).map_err(|error| Error::NotThere(format!("{}: {error}", pack.digest)))
    }
}

/// The lists among those that were found that the key signed.
fn signed(found: Vec<Found>, key: &PublicKey) -> Vec<Manifest> {
    let is_signed = |found: &Found| {
        found.claims.iter().filter_map(|bundle| claim(bundle, key)).any(|claim| claim.is_about(&found.list))
    };
    found.into_iter().filter(is_signed).map(|found| found.manifest).collect()
}

/// The list on a shelf; none where the key did not sign the claim there.
async fn on_shelf(shelf: &dyn Shelf, key: &PublicKey) -> Result<Option<Manifest>, Error> {
    let bundle =
        shelf::claim(shelf).await?.ok_or_else(|| Error::NotThere("it has no results of commands yet".to_owned()))?;
    let Some(claim) = claim(&bundle, key) else { return Ok(None) };
    let digests = claim.subject.iter().filter_map(|subject| Digest::from_hex(subject.digest.get("sha256")?).ok());
    match digests.take(1).next() {
        Some(list) => Ok(Some(shelf::list(shelf, &list).await?)),
        None => Ok(None),
    }
}

/// What a bundle claims of a list, if the key signed it.
fn claim(bundle: &[u8], key: &PublicKey) -> Option<SignedStatement> {
    check_signed(bundle, key).ok().filter(|claim| claim.predicate_type == PREDICATE)
}
