//! Results of commands, shared between machines through a registry or a folder.
//!
//! What is shared is an artifact: a manifest that lists packs, one for each result, and a statement about it that the key of
//! the build has signed. A list that it did not sign is not used: whoever can write to the place could otherwise say what a
//! command leaves. What a list offers is fetched only where a command would run without it.

use super::error::Error;
use super::identity::Identity;
use super::place::{self, Place, Transfer};
use super::project::Project;
use super::publish::{Release, publish};
use super::report::SharedReport;
use super::session::Session;
use super::verifying::Subjects;
use crate::evidence::sign::{self, PublicKey};
use crate::evidence::verify::check_signed;
use crate::evidence::{Nothing, PREDICATE_TYPE, Referrer, Statement, Subject};
use crate::image::layout::Layout;
use crate::image::output::{self, Content};
use crate::oci::{Descriptor, Digest, Manifest, Reference, document, media_type, to_json};
use crate::registry::{self, Name, RegistryError, Repository};
use crate::solve;
use crate::solve::embedded::{pack, unpack};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The claim that a list of results is the signer's; the predicate is empty.
const PREDICATE: &str = "urn:kiln:results:v1";

/// The list's type.
const LIST: &str = "application/vnd.kiln.results.v1+json";

/// A pack's type.
const PACK: &str = "application/vnd.kiln.result.v1+zstd";

/// The annotation of a pack that says which result it is.
const KEY: &str = "kiln.result.key";

/// As many claims about one list are looked at.
const MOST_CLAIMS: usize = 16;

/// A claim is no larger, in bytes.
const LARGEST_CLAIM: u64 = 1 << 20;

/// Where results come from and go to, as the user wrote it: `oci:DIR`, or a reference with or without a tag.
#[derive(Debug, Clone, Default)]
pub struct SharingOptions {
    /// Where they are looked for, in this order.
    pub from: Vec<String>,
    /// Where those of this build go.
    pub to: Vec<String>,
}

/// A list of results that the key of the build has signed.
pub(super) struct Offer {
    place: String,
    source: Source,
    packs: BTreeMap<Digest, Descriptor>,
}

/// Where packs are.
enum Source {
    Layout(Box<Layout>),
    Registry(Box<Repository>),
}

/// Where results go, with a tag.
enum Target {
    Layout(PathBuf),
    Registry(Reference),
}

/// Checks what the user wrote, before any work.
pub(super) fn check(options: &SharingOptions) -> Result<(), Error> {
    options.from.iter().try_for_each(|place| Place::parse(&in_full(place)?).map(drop))?;
    options.to.iter().try_for_each(|place| target(place).map(drop))
}

fn target(text: &str) -> Result<Target, Error> {
    match Place::parse(&in_full(text)?)? {
        Place::Layout(path) => Ok(Target::Layout(path)),
        Place::Registry(reference) if reference.digest.is_some() => {
            Err(Error::Usage(format!("{text} names a digest, and results go to a tag")))
        }
        Place::Registry(reference) => Ok(Target::Registry(place::with_tag(reference))),
    }
}

/// A place in kiln's own words: BuildKit's are understood, as pipelines have them already.
fn in_full(text: &str) -> Result<String, Error> {
    let advice = "write `oci:DIR` for a folder, or an image reference such as registry.example.com/acme/hello:results";
    let Some(rest) = text.strip_prefix("type=") else {
        return match text.starts_with("oci:") || place::names_host(text) {
            true => Ok(text.to_owned()),
            false => Err(Error::Usage(format!("`{text}` is no place for results of commands: {advice}"))),
        };
    };
    let (kind, fields) = rest.split_once(',').unwrap_or((rest, ""));
    let field = |names: &[&str]| {
        let found = fields.split(',').filter_map(|field| field.split_once('=')).find(|(name, _)| names.contains(name));
        found.map(|(_, value)| value)
    };
    match kind {
        "local" => field(&["dest", "src"]).map(|path| format!("oci:{path}")),
        "registry" => field(&["ref"]).map(|reference| format!("docker://{reference}")),
        _ => None,
    }
    .ok_or_else(|| {
        Error::Usage(format!("`{text}` is no place for results of commands that this engine knows: {advice}"))
    })
}

/// Opens the places that results are looked for in. One that has none yet, cannot be reached or is not signed by the key
/// of the build is told of and left aside: without it the build takes longer, and that is all.
pub(super) fn offers(
    session: &Session<'_>,
    project: &Project,
    identity: &Identity<'_>,
    from: &[String],
) -> Result<Vec<Offer>, Error> {
    if from.is_empty() {
        return Ok(Vec::new());
    }
    let key = identity.public_key()?;
    let offers = from.iter().filter_map(|place| {
        let opened = open(session, project, place, &key);
        opened.map_err(|why| session.warn(&format!("no results of commands are taken from {place}: {why}"))).ok()
    });
    Ok(offers.collect())
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
    fn bring(&self, session: &Session<'_>, key: &Digest, pack: &Descriptor) -> Result<(), Error> {
        let store = &session.store;
        if store.size(&pack.digest) != Some(pack.size) {
            match &self.source {
                Source::Layout(layout) => {
                    let mut writer = store.writer()?;
                    std::io::copy(&mut layout.blob(pack)?, &mut writer)
                        .map_err(|error| Error::NotThere(format!("{}: {error}", pack.digest)))?;
                    writer.commit_as(&pack.digest)?;
                }
                Source::Registry(repository) => {
                    session.wait(repository.pull_blob(pack, store, &Transfer(session)))?;
                }
            }
        }
        unpack(store, key, &pack.digest).map_err(|error| Error::NotThere(format!("{}: {error}", pack.digest)))
    }
}

/// The list at a place, if the key signed it.
fn open(session: &Session<'_>, project: &Project, text: &str, key: &PublicKey) -> Result<Offer, Error> {
    let (source, list, manifest, claims) = match Place::parse(&in_full(text)?)? {
        Place::Layout(path) => {
            let layout = Layout::open(&path)?;
            let (list, manifest) = list_in(&layout)?;
            let rows = layout.referrers(&list.digest)?;
            let claims = rows.iter().filter(|row| is_claim(row)).take(MOST_CLAIMS).map(|row| {
                let manifest = layout.manifest(row)?;
                manifest.layers.first().map(|bundle| layout.read(bundle, LARGEST_CLAIM)).transpose()
            });
            let claims = claims.collect::<Result<Vec<_>, _>>()?;
            (Source::Layout(Box::new(layout)), list.digest, manifest, claims)
        }
        Place::Registry(reference) => {
            let repository = session.registries_of(project)?.repository(&reference)?;
            let (list, manifest, claims) = session.wait(read(&repository, &reference))?;
            (Source::Registry(Box::new(repository)), list, manifest, claims)
        }
    };
    let is_good = |bundle: &Vec<u8>| {
        let claim = check_signed(bundle, key).ok();
        claim.is_some_and(|claim| claim.predicate_type == PREDICATE && claim.is_about(&list))
    };
    if !claims.iter().flatten().any(is_good) {
        return Err(Error::NotThere("its list is not signed by the key of this build".to_owned()));
    }
    let packs = manifest.layers.into_iter().filter(|layer| layer.media_type == PACK);
    let packs = packs.filter_map(|layer| Some((Digest::from_hex(layer.annotations.get(KEY)?).ok()?, layer)));
    Ok(Offer { place: text.to_owned(), source, packs: packs.collect() })
}

/// The list in a folder.
fn list_in(layout: &Layout) -> Result<(Descriptor, Manifest), Error> {
    for row in &layout.index().manifests {
        let manifest = layout.manifest(row)?;
        if manifest.artifact_type.as_deref() == Some(LIST) {
            return Ok((row.clone(), manifest));
        }
    }
    Err(Error::NotThere("the layout has no results of commands".to_owned()))
}

/// Whether a row of a list of referrers says that it is a claim about results.
fn is_claim(row: &Descriptor) -> bool {
    row.annotations.get(PREDICATE_TYPE).is_some_and(|kind| kind == PREDICATE)
}

/// A list in a registry: its digest, what it says, and the bundles with claims about it.
async fn read(
    repository: &Repository,
    reference: &Reference,
) -> Result<(Digest, Manifest, Vec<Option<Vec<u8>>>), RegistryError> {
    let list = match place::name_of(reference) {
        Name::Digest(digest) => repository.by_digest(&digest).await?,
        Name::Tag(tag) => repository.by_tag(&tag).await?,
    };
    let list = list.ok_or_else(|| RegistryError::NoSuchImage(place::with_tag(reference.clone())))?;
    let digest = list.descriptor.digest;
    let manifest = |document: &registry::Document| {
        let read = document::manifest(&document.bytes, &document.descriptor.media_type);
        read.map_err(|reason| RegistryError::Refused {
            place: repository.reference().to_string(),
            digest: document.descriptor.digest,
            reason,
        })
    };
    let mut claims = Vec::new();
    let rows = repository.referrers(&digest).await?;
    for row in rows.iter().filter(|row| is_claim(row)).take(MOST_CLAIMS) {
        let Some(claim) = repository.by_digest(&row.digest).await? else { continue };
        claims.push(match manifest(&claim)?.layers.first() {
            Some(bundle) => Some(repository.read_blob(bundle, LARGEST_CLAIM).await?),
            None => None,
        });
    }
    Ok((digest, manifest(&list)?, claims))
}

/// Packs results and sends them where they were asked for.
pub(super) fn share(
    session: &Session<'_>,
    project: &Project,
    identity: &Identity<'_>,
    to: &[String],
) -> Result<Vec<SharedReport>, Error> {
    let keys = session.results();
    if to.is_empty() || keys.is_empty() {
        return Ok(Vec::new());
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
    let list = list(session, packs.clone())?;
    let signer = identity.open()?;
    let statement = Statement::new(vec![Subject::new(&list.digest)], PREDICATE, Nothing {});
    let claim = Referrer::new(sign::sign(signer.as_ref(), &statement)?, &list, 0);
    store.put(&claim.manifest)?;
    claim.blobs.iter().try_for_each(|(_, content)| store.put(content).map(drop))?;
    let sent = |place: &String| {
        send(session, project, &list, &claim.descriptor, place)?;
        Ok(SharedReport { place: place.clone(), digest: list.digest, results: packs.len() })
    };
    to.iter().map(sent).collect()
}

/// Makes the list of packs.
fn list(session: &Session<'_>, packs: Vec<Descriptor>) -> Result<Descriptor, Error> {
    let empty = session.store.put(b"{}")?;
    let config = Descriptor::new(media_type::EMPTY, empty, 2);
    let mut list = Manifest::image(config, packs);
    list.artifact_type = Some(LIST.to_owned());
    let bytes = to_json(&list);
    session.store.put(&bytes)?;
    let mut row = Descriptor::of(media_type::MANIFEST, &bytes);
    row.artifact_type = list.artifact_type;
    Ok(row)
}

fn send(
    session: &Session<'_>,
    project: &Project,
    list: &Descriptor,
    claim: &Descriptor,
    place: &str,
) -> Result<(), Error> {
    let store = &session.store;
    match target(place)? {
        Target::Layout(path) => {
            let content = Content { image: list.clone(), names: Vec::new(), referrers: vec![claim.clone()] };
            output::write_layout(&content, store, &path, 0)?;
        }
        Target::Registry(reference) => {
            let layout = Layout::of_store(store, vec![list.clone(), claim.clone()]);
            let subjects = || Ok(Subjects { index: None, manifests: Vec::new() });
            let targets = [reference];
            let release = Release {
                layout: &layout,
                image: list,
                targets: &targets,
                clobber: true,
                key: None,
                subjects: &subjects,
            };
            publish(session, session.registries_of(project)?, &[release])?;
        }
    }
    Ok(())
}
