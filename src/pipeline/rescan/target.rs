//! From names to images: the tags of repositories, and the images of indexes. Of an image only its digest is found out.

use super::super::error::Error;
use super::super::place::{self, Place};
use super::super::session::Session;
use super::super::statements::{REFERENCE_TYPE, Reader};
use super::report::UnreadableName;
use super::{PARALLEL, passing};
use crate::oci::{Descriptor, Digest, Index, Manifest, Platform, Reference, document, media_type};
use crate::registry::{Name, RegistryError, Repository, stands_for_referrers};
use crate::store::Store;
use futures_util::stream::{self, StreamExt};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// No more images are looked at in a run.
const MAX_IMAGES: usize = 20_000;

/// An image of one platform in a repository.
pub(super) struct Target {
    pub repository: Repository,
    /// Its manifest, as whoever refers to it names it.
    pub manifest: Descriptor,
    /// The tags that lead to it.
    pub tags: BTreeSet<String>,
    pub platform: Option<Platform>,
    /// The indexes that hold it, all in the store.
    pub indexes: BTreeSet<Digest>,
}

/// What names lead to.
#[derive(Default)]
pub(super) struct Targets {
    /// By repository and digest, each image once.
    pub images: Vec<Target>,
    pub unreadable: Vec<UnreadableName>,
    /// How many tags name something else.
    pub others: usize,
}

/// A repository, or one thing in it.
pub(super) struct Asked {
    repository: Repository,
    reference: Reference,
}

/// What the command line names; what is there is read at home, as mirrors may be behind.
pub(super) fn asked(session: &Session<'_>, images: &[String]) -> Result<Vec<Asked>, Error> {
    let one = |text: &String| match Place::parse(text)? {
        Place::Registry(reference) => {
            Ok(Asked { repository: session.registries()?.repository(&reference)?.without_mirrors(), reference })
        }
        Place::Layout(_) => Err(Error::Usage(format!(
            "{text} is no repository: what was published is named with its registry, as registry.example.com/acme/hello"
        ))),
    };
    images.iter().map(one).collect()
}

/// Finds all images that are meant.
pub(super) async fn find(asked: &[Asked], store: &Store) -> Result<Targets, Error> {
    let mut targets = Targets::default();
    let listing: Vec<_> = asked.iter().map(names).collect();
    let mut listed: Vec<(&Repository, Name)> = Vec::new();
    for (asked, found) in asked.iter().zip(stream::iter(listing).buffered(PARALLEL).collect::<Vec<_>>().await) {
        match passing(found)? {
            Ok(names) => listed.extend(names.into_iter().map(|name| (&asked.repository, name))),
            Err(problem) => targets.unreadable.push(UnreadableName { name: asked.reference.to_string(), problem }),
        }
    }
    let leading: Vec<_> = listed.iter().map(|(repository, name)| leaves(repository, name, store)).collect();
    let mut images = BTreeMap::new();
    let mut leading = stream::iter(leading).buffered(PARALLEL);
    for (repository, name) in &listed {
        let Some(found) = leading.next().await else { break };
        match passing(found)? {
            Ok(leaves) if leaves.is_empty() => targets.others += 1,
            Ok(leaves) => leaves.into_iter().for_each(|leaf| add(&mut images, repository, name, leaf)),
            Err(problem) => targets.unreadable.push(UnreadableName { name: shown(repository, name), problem }),
        }
        if images.len() > MAX_IMAGES {
            return Err(Error::Usage(format!("these are more than {MAX_IMAGES} images: name fewer repositories")));
        }
    }
    targets.images = images.into_values().collect();
    targets.unreadable.sort();
    targets.unreadable.dedup();
    Ok(targets)
}

/// The names in a repository that are meant.
async fn names(asked: &Asked) -> Result<Vec<Name>, RegistryError> {
    if asked.reference.tag.is_some() || asked.reference.digest.is_some() {
        return Ok(vec![place::name_of(&asked.reference)]);
    }
    let tags = asked.repository.tags().await?;
    Ok(tags.into_iter().filter(|tag| !stands_for_referrers(tag)).map(Name::Tag).collect())
}

/// An image that a name leads to.
struct Leaf {
    manifest: Descriptor,
    platform: Option<Platform>,
    index: Option<Digest>,
}

fn add(images: &mut BTreeMap<(String, Digest), Target>, repository: &Repository, name: &Name, leaf: Leaf) {
    let key = (repository.reference().to_string(), leaf.manifest.digest);
    let target = images.entry(key).or_insert_with(|| Target {
        repository: repository.clone(),
        manifest: leaf.manifest,
        tags: BTreeSet::new(),
        platform: None,
        indexes: BTreeSet::new(),
    });
    if let Name::Tag(tag) = name {
        target.tags.insert(tag.clone());
    }
    target.platform = target.platform.take().or(leaf.platform);
    target.indexes.extend(leaf.index);
}

fn shown(repository: &Repository, name: &Name) -> String {
    let (tag, digest) = match name {
        Name::Tag(tag) => (Some(tag.clone()), None),
        Name::Digest(digest) => (None, Some(*digest)),
    };
    Reference { tag, digest, ..repository.reference().clone() }.to_string()
}

/// The images that a name leads to: the one that it names, or those of an index. None where it names something else.
async fn leaves(repository: &Repository, name: &Name, store: &Store) -> Result<Vec<Leaf>, RegistryError> {
    let digest = match name {
        Name::Digest(digest) => Some(*digest),
        // A question that costs nothing where reading is counted, as at Docker's hub.
        Name::Tag(tag) => repository.tagged(tag).await?,
    };
    let Some(digest) = digest else {
        let tag = if let Name::Tag(tag) = name { Some(tag.clone()) } else { None };
        return Err(RegistryError::NoSuchImage(Reference { tag, ..repository.reference().clone() }));
    };
    let reader = Reader { repository, store };
    let refuse = |digest, reason: String| RegistryError::Refused {
        place: repository.reference().to_string(),
        digest,
        reason: format!("it {reason}"),
    };
    let mut found = Vec::new();
    let (mut seen, mut level) = (BTreeSet::from([digest]), vec![digest]);
    for depth in 0.. {
        if depth > document::MAX_DEPTH || seen.len() > document::MAX_MANIFESTS {
            return Err(refuse(digest, "has more manifests than are allowed, or too deep".into()));
        }
        let mut below = Vec::new();
        for digest in level {
            match Parsed::read(&reader.document(&digest).await?, &digest).map_err(|reason| refuse(digest, reason))? {
                Parsed::Image(manifest) => found.push(Leaf { manifest, platform: None, index: None }),
                Parsed::Index(index) => {
                    let rows = index.manifests.into_iter().filter(is_of_image).filter(|row| seen.insert(row.digest));
                    let (indexes, images): (Vec<_>, Vec<_>) = rows.partition(is_index);
                    below.extend(indexes.into_iter().map(|row| row.digest));
                    found.extend(images.into_iter().map(|row| Leaf {
                        manifest: Descriptor::new(&row.media_type, row.digest, row.size),
                        platform: row.platform,
                        index: Some(digest),
                    }));
                }
                Parsed::Other => {}
            }
        }
        if below.is_empty() {
            break;
        }
        level = below;
    }
    Ok(found)
}

/// A document, as far as it matters here.
enum Parsed {
    Image(Descriptor),
    Index(Index),
    /// An artifact of another kind.
    Other,
}

impl Parsed {
    fn read(bytes: &[u8], digest: &Digest) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Mark {
            media_type: Option<String>,
        }
        if let Ok(index) = document::index(bytes) {
            return Ok(Parsed::Index(index));
        }
        let mark: Mark = serde_json::from_slice(bytes).map_err(|error| format!("is malformed: {error}"))?;
        let kind = mark.media_type.unwrap_or_else(|| media_type::MANIFEST.to_owned());
        let manifest: Manifest = document::manifest(bytes, &kind)?;
        Ok(match manifest.is_image() {
            true => Parsed::Image(Descriptor::new(kind, *digest, bytes.len() as u64)),
            false => Parsed::Other,
        })
    }
}

/// Whether a row of an index leads to images: what tells about others does not.
fn is_of_image(row: &Descriptor) -> bool {
    let is_known = row.platform.as_ref().is_none_or(|platform| platform.os != "unknown");
    let is_manifest = matches!(row.media_type.as_str(), media_type::MANIFEST | media_type::DOCKER_MANIFEST);
    is_known && !row.annotations.contains_key(REFERENCE_TYPE) && (is_manifest || is_index(row))
}

fn is_index(row: &Descriptor) -> bool {
    matches!(row.media_type.as_str(), media_type::INDEX | media_type::DOCKER_INDEX)
}
