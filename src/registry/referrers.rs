//! Lists of what refers to a manifest (distribution-spec, "Listing Referrers"): the interface for them, and the tag
//! that stands for a list where there is none.

use super::RegistryError;
use super::document::{Document, Parsed, Written, content_type};
use super::endpoint::Endpoint;
use super::pull::Name;
use crate::http::header::{ACCEPT, HeaderMap, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use crate::http::{Authority, Request};
use crate::oci::{Descriptor, Digest, document, media_type, to_json};
use crate::store::{Store, StoreError};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As many pages of one list are read.
const PAGES: usize = 64;

/// As many rows of one list are read.
const ROWS: usize = 10_000;

/// As often a list is written again because others wrote at the same time.
const ROUNDS: u32 = 24;

/// The time between writing a list and reading it back is at least this long.
const SETTLING: Duration = Duration::from_millis(100);

/// As often a written list is read back before it counts.
const LOOKS: u32 = 2;

const DOING: &str = "listing what refers to the image";

/// A list as it stands under its tag.
struct Tagged {
    index: Value,
    version: Option<HeaderValue>,
}

impl Endpoint {
    /// What refers to a manifest, sorted by digest.
    pub(super) async fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, RegistryError> {
        let authority = self.pulling();
        let rows = match self.listed(subject, &authority).await? {
            Some(rows) => rows,
            None => self.tagged_list(subject, &authority).await?.map(|list| rows(&list.index)).unwrap_or_default(),
        };
        // Rows that name content by other digests than SHA-256 are nothing that kiln could check.
        let mut rows: Vec<Descriptor> = rows.into_iter().filter_map(|row| serde_json::from_value(row).ok()).collect();
        rows.sort_by_key(|row| row.digest);
        rows.dedup_by_key(|row| row.digest);
        Ok(rows)
    }

    /// The rows that the interface gives; none where there is no interface.
    pub(super) async fn listed(
        &self,
        subject: &Digest,
        authority: &Arc<dyn Authority>,
    ) -> Result<Option<Vec<Value>>, RegistryError> {
        let mut url = self.url(&["referrers", &subject.to_string()]);
        let mut all = Vec::new();
        for page in 0..PAGES {
            let request = Request::get(url.clone()).limit(document::MAX_SIZE);
            let request = request.header(ACCEPT, HeaderValue::from_static(media_type::INDEX));
            let (answer, bytes) = self.ask_whole(request, authority).await?;
            match answer.status().as_u16() {
                200 if content_type(&answer).as_deref() == Some(media_type::INDEX) => {}
                // A page for people, of a server that knows no such address.
                200 if page == 0 => return Ok(None),
                401 | 403 | 408 | 429 => return Err(self.refusal(DOING, answer, authority).await),
                400..=499 | 501 if page == 0 => return Ok(None),
                _ => return Err(self.refusal(DOING, answer, authority).await),
            }
            let next = self.next_page(DOING, &url, &answer)?;
            let index: Value = serde_json::from_slice(&bytes)
                .map_err(|e| self.broken(DOING, format!("the list is malformed: {e}")))?;
            all.extend(rows(&index));
            if all.len() > ROWS {
                return Err(self.broken(DOING, format!("the list has more than {ROWS} rows")));
            }
            url = match next {
                None => return Ok(Some(all)),
                Some(next) => next,
            };
        }
        Err(self.broken(DOING, format!("the list has more than {PAGES} pages")))
    }

    /// The list that stands under a tag; none where there is no such tag.
    async fn tagged_list(
        &self,
        subject: &Digest,
        authority: &Arc<dyn Authority>,
    ) -> Result<Option<Tagged>, RegistryError> {
        let found = self.versioned(&Name::Tag(list_tag(subject)), authority).await?;
        let Some((list, parsed, version)) = found else { return Ok(None) };
        let refuse = |reason: &str| RegistryError::Refused {
            place: self.place(),
            digest: list.descriptor.digest,
            reason: reason.into(),
        };
        if !matches!(parsed, Parsed::Index(_)) {
            return Err(refuse("its tag stands for a list of referrers, and it is none"));
        }
        let index = serde_json::from_slice(&list.bytes).map_err(|e| refuse(&e.to_string()))?;
        Ok(Some(Tagged { index, version }))
    }

    /// Sees to it that the rows are in the list of their subject, where the registry has no interface that does.
    ///
    /// Writers on one machine exclude each other; writers on several find out by reading back that one of them was
    /// overwritten, and merge again.
    pub(super) async fn list(&self, subject: &Digest, ours: &[Descriptor], store: &Store) -> Result<(), RegistryError> {
        let authority = self.pushing(None);
        let (guarded, name) = (store.clone(), Digest::of(format!("{}\n{subject}", self.place())));
        let lock = move || guarded.lock(&format!("referrers-{}", name.hex()));
        let _lock =
            tokio::task::spawn_blocking(lock).await.map_err(|e| StoreError::from(std::io::Error::other(e)))??;
        let tag = Name::Tag(list_tag(subject));
        let mut looks = 0;
        for round in 0..ROUNDS {
            let begun = Instant::now();
            let list = self.tagged_list(subject, &authority).await?;
            match merge(list.as_ref().map(|list| &list.index), ours) {
                None if looks <= 1 => return Ok(()),
                None => looks -= 1,
                Some(index) => {
                    let bytes = to_json(&index);
                    if bytes.len() as u64 > document::MAX_SIZE {
                        return Err(self.broken(DOING, "the list has grown larger than a manifest may be"));
                    }
                    let document = Document { descriptor: Descriptor::of(media_type::INDEX, &bytes), bytes };
                    looks = match self.put_document(&tag, &document, &unchanged(list.as_ref())).await? {
                        Written::There { .. } => LOOKS,
                        Written::Overtaken => 0,
                    };
                }
            }
            // Longer than anybody takes between reading and writing, and not the same for two writers.
            let pause = self.client.patience(round.min(1), None).unwrap_or_default().max(SETTLING);
            tokio::time::sleep(pause + begun.elapsed() * 3).await;
        }
        Err(RegistryError::Contended { place: self.place(), tag: list_tag(subject) })
    }
}

/// The condition that a list is still as it was read.
fn unchanged(list: Option<&Tagged>) -> HeaderMap {
    let condition = match list {
        None => Some((IF_NONE_MATCH, HeaderValue::from_static("*"))),
        // A weak tag never matches.
        Some(list) => list.version.clone().filter(|tag| !tag.as_bytes().starts_with(b"W/")).map(|tag| (IF_MATCH, tag)),
    };
    HeaderMap::from_iter(condition)
}

/// The tag that stands for the list of what refers to a manifest.
pub(super) fn list_tag(subject: &Digest) -> String {
    format!("sha256-{}", subject.hex())
}

fn rows(index: &Value) -> Vec<Value> {
    index.get("manifests").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// The list with our rows in it, sorted by digest, each digest once; none where they are in it already. Rows and fields
/// of others stay as they are.
pub(super) fn merge(list: Option<&Value>, ours: &[Descriptor]) -> Option<Value> {
    let mut index = match list {
        Some(index) => index.clone(),
        None => json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [] }),
    };
    let digest = |row: &Value| row.get("digest").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut all = rows(&index);
    let ours: Vec<Value> =
        ours.iter().map(|row| json!(row)).filter(|row| !all.iter().any(|own| tells(own, row))).collect();
    if ours.is_empty() {
        return None;
    }
    all.retain(|row| !ours.iter().any(|own| digest(own) == digest(row)));
    all.extend(ours);
    all.sort_by_key(digest);
    all.dedup_by_key(|row| digest(row));
    index["manifests"] = all.into();
    Some(index)
}

/// Whether a row tells all that another one does of the same manifest.
fn tells(row: &Value, other: &Value) -> bool {
    ["digest", "size", "mediaType", "artifactType"].iter().all(|field| row.get(field) == other.get(field))
        && other.get("annotations").and_then(Value::as_object).is_none_or(|wanted| {
            wanted.iter().all(|(key, value)| row.get("annotations").and_then(|own| own.get(key)) == Some(value))
        })
}
