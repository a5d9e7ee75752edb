//! Manifests and indexes at one place: read and written, never believed.

use super::RegistryError;
use super::endpoint::Endpoint;
use super::pull::Name;
use crate::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use crate::http::{Authority, Method, Request, Response, StatusCode};
use crate::oci::{Descriptor, Digest, Index, Manifest, document, media_type};
use std::sync::Arc;

/// The kinds of documents that kiln reads.
const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// What the registry takes a body for.
pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// Says that the registry has put a manifest into a list of referrers.
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// A manifest or an index with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Media type, digest and size.
    pub descriptor: Descriptor,
    /// What it says.
    pub bytes: Vec<u8>,
}

/// A document that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Parsed {
    Manifest(Box<Manifest>),
    Index(Box<Index>),
}

impl Document {
    /// A document of a known or, where nothing is given, of its own media type; the error says what is wrong with it.
    pub(super) fn new(bytes: Vec<u8>, media_type: Option<&str>) -> Result<(Document, Parsed), Wrong> {
        let kind = media_type.map_or_else(|| own_kind(&bytes), |kind| Ok(kind.to_owned()))?;
        let parsed = match kind.as_str() {
            media_type::MANIFEST | media_type::DOCKER_MANIFEST => {
                Parsed::Manifest(document::manifest(&bytes, &kind).map_err(Wrong::Malformed)?.into())
            }
            media_type::INDEX | media_type::DOCKER_INDEX => {
                let index = document::index(&bytes).map_err(|reason| Wrong::Malformed(format!("it {reason}")))?;
                if !index.media_type.is_empty() && index.media_type != kind {
                    let reason = format!("it says to be `{}`, and comes as `{kind}`", index.media_type);
                    return Err(Wrong::Malformed(reason));
                }
                Parsed::Index(index.into())
            }
            other => return Err(Wrong::of_kind(other)),
        };
        Ok((Document { descriptor: Descriptor::of(kind, &bytes), bytes }, parsed))
    }
}

/// What is wrong with a document.
#[derive(Debug)]
pub(super) enum Wrong {
    /// It is not what it says to be.
    Malformed(String),
    /// It is something else.
    Unknown(String),
}

impl Wrong {
    fn of_kind(kind: &str) -> Wrong {
        match kind.starts_with("application/vnd.docker.distribution.manifest.v1+") {
            true => Self::schema_1(),
            false => Wrong::Unknown(format!("it is a document of the unknown kind `{}`", document::clip(kind))),
        }
    }

    fn schema_1() -> Wrong {
        Wrong::Unknown("it is in Docker's old format, schema 1; push it again with a client of this decade".into())
    }

    /// The error that tells of it.
    pub(super) fn at(self, place: &str, digest: &Digest) -> RegistryError {
        match self {
            Wrong::Malformed(reason) => RegistryError::Refused { place: place.into(), digest: *digest, reason },
            Wrong::Unknown(reason) => {
                RegistryError::Unsupported { place: place.into(), what: digest.to_string(), reason }
            }
        }
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Wrong::Malformed(reason) | Wrong::Unknown(reason)) = self;
        f.write_str(reason)
    }
}

/// What a document says to be, or else looks like.
fn own_kind(bytes: &[u8]) -> Result<String, Wrong> {
    let value: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|e| Wrong::Malformed(format!("it is malformed: {e}")))?;
    if let Some(own) = value.get("mediaType").and_then(|own| own.as_str()) {
        return Ok(own.to_owned());
    }
    match value.get("schemaVersion").and_then(|version| version.as_u64()) {
        Some(1) => Err(Wrong::schema_1()),
        _ if value.get("manifests").is_some() => Ok(media_type::INDEX.into()),
        _ => Ok(media_type::MANIFEST.into()),
    }
}

/// What became of a document that was to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// It is there; `listed` where the registry has put it into its lists of referrers.
    There { listed: bool },
    /// A condition does not hold: somebody else was faster.
    Overtaken,
}

impl Endpoint {
    /// The document that a tag or a digest names here.
    pub(super) async fn document(&self, name: &Name) -> Result<Option<(Document, Parsed)>, RegistryError> {
        Ok(self.versioned(name, &self.pulling()).await?.map(|(document, parsed, _)| (document, parsed)))
    }

    /// The document that a name stands for, with its entity tag.
    pub(super) async fn versioned(
        &self,
        name: &Name,
        authority: &Arc<dyn Authority>,
    ) -> Result<Option<(Document, Parsed, Option<HeaderValue>)>, RegistryError> {
        let request = Request::get(self.manifest(name)).limit(document::MAX_SIZE);
        let request = request.header(ACCEPT, HeaderValue::from_static(ACCEPTED));
        let (answer, bytes) = self.ask_whole(request, authority).await?;
        let Some(answer) = self.expect("reading the manifest", answer, authority).await? else { return Ok(None) };
        let (told, kind) = (content_digest(&answer), content_type(&answer));
        let version = answer.header(&crate::http::header::ETAG).and_then(|tag| HeaderValue::from_str(tag).ok());
        let digest = Digest::of(&bytes);
        let refuse = |reason| RegistryError::Refused { place: self.place(), digest, reason };
        if let Name::Digest(wanted) = name
            && *wanted != digest
        {
            return Err(refuse(format!("{wanted} was asked for")));
        }
        if let Some(told) = told
            && told != digest
        {
            return Err(refuse(format!("the registry says that it is {told}")));
        }
        let (document, parsed) = Document::new(bytes, kind.as_deref()).map_err(|w| w.at(&self.place(), &digest))?;
        Ok(Some((document, parsed, version)))
    }

    /// The digest that a tag names here.
    pub(super) async fn tagged(
        &self,
        tag: &str,
        authority: &Arc<dyn Authority>,
    ) -> Result<Option<Digest>, RegistryError> {
        let name = Name::Tag(tag.into());
        let Some(answer) = self.head(&name, authority).await? else { return Ok(None) };
        match content_digest(&answer) {
            Some(digest) => Ok(Some(digest)),
            None => Ok(self.versioned(&name, authority).await?.map(|(document, ..)| document.descriptor.digest)),
        }
    }

    /// Whether a document is here.
    pub(super) async fn has_document(
        &self,
        document: &Descriptor,
        authority: &Arc<dyn Authority>,
    ) -> Result<bool, RegistryError> {
        let answer = self.head(&Name::Digest(document.digest), authority).await?;
        let fits = |answer: Response| {
            let size = answer.header(&CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
            size.is_none_or(|size| size == document.size)
                && content_digest(&answer).is_none_or(|digest| digest == document.digest)
        };
        Ok(answer.is_some_and(fits))
    }

    async fn head(&self, name: &Name, authority: &Arc<dyn Authority>) -> Result<Option<Response>, RegistryError> {
        let request = Request::new(Method::HEAD, self.manifest(name));
        let request = request.header(ACCEPT, HeaderValue::from_static(ACCEPTED));
        let answer = self.ask(request, authority).await?;
        self.expect("looking for the manifest", answer, authority).await
    }

    /// Writes a document under a name.
    pub(super) async fn put_document(
        &self,
        name: &Name,
        document: &Document,
        conditions: &HeaderMap,
    ) -> Result<Written, RegistryError> {
        const DOING: &str = "writing the manifest";
        let authority = self.pushing(None);
        let kind = HeaderValue::from_str(&document.descriptor.media_type)
            .map_err(|_| self.broken(DOING, "its media type is no header"))?;
        let mut request = Request::new(Method::PUT, self.manifest(name)).header(CONTENT_TYPE, kind);
        for (name, value) in conditions {
            request = request.header(name.clone(), value.clone());
        }
        let answer = self.ask(request.body(document.bytes.clone()), &authority).await?;
        if answer.status() == StatusCode::PRECONDITION_FAILED && !conditions.is_empty() {
            return Ok(Written::Overtaken);
        }
        if !answer.status().is_success() {
            return Err(self.refusal(DOING, answer, &authority).await);
        }
        match content_digest(&answer) {
            Some(told) if told != document.descriptor.digest => {
                let problem = format!("the registry took {} for {told}", document.descriptor.digest);
                Err(self.broken(DOING, problem))
            }
            _ => Ok(Written::There { listed: answer.header(&SUBJECT).is_some() }),
        }
    }

    fn manifest(&self, name: &Name) -> crate::http::Url {
        match name {
            Name::Tag(tag) => self.url(&["manifests", tag]),
            Name::Digest(digest) => self.url(&["manifests", &digest.to_string()]),
        }
    }
}

/// The digest that the registry says the content has; none where it says nothing that kiln understands.
pub(super) fn content_digest(answer: &Response) -> Option<Digest> {
    answer.header(&CONTENT_DIGEST)?.trim().parse().ok()
}

/// The media type of a body; none where it says only how it is written.
pub(super) fn content_type(answer: &Response) -> Option<String> {
    let kind = answer.header(&CONTENT_TYPE)?.split(';').next()?.trim().to_ascii_lowercase();
    (!matches!(kind.as_str(), "" | "application/json" | "text/plain" | "application/octet-stream")).then_some(kind)
}
