//! What a database's manifest says of it.

use super::PART;
use crate::advisories::feed::seconds;
use crate::oci::{Descriptor, Digest, Manifest, document::clip};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The date.
pub const CREATED: &str = "org.opencontainers.image.created";
/// A part's ecosystem.
pub const TITLE: &str = "org.opencontainers.image.title";
/// The feeds, as JSON.
pub const FEEDS: &str = "vnd.kiln.advisories.feeds";
/// The digest of a part's index.
pub const INDEX: &str = "vnd.kiln.advisories.index";
/// The bytes of a part's index, which stands at its end.
pub const INDEX_SIZE: &str = "vnd.kiln.advisories.index.size";
/// How many records a part has.
pub const RECORDS: &str = "vnd.kiln.advisories.records";

/// What a database was compiled from, and when that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// How old what it knows is: the newest time that its feeds name; RFC 3339, UTC.
    pub date: String,
    /// The feeds, sorted.
    pub feeds: Vec<FeedFacts>,
    /// How many records there are of each ecosystem, and under `CVE` of how many CVEs something is known.
    pub records: BTreeMap<String, u64>,
}

/// A feed that a database was compiled from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FeedFacts {
    /// What it consists of: `osv`, `debian-tracker`, `kev`, `epss`.
    pub form: String,
    /// Where it is from, as whoever compiled the database calls it.
    pub name: String,
    /// The digest of its contents (see [`Account::digest`](crate::advisories::feed::Account::digest)).
    pub digest: Digest,
    /// The newest time that it names; RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub date: Option<String>,
    /// How many documents were read of it.
    pub count: u64,
    /// How many were passed over, because they are unreadable.
    pub skipped: u64,
}

/// Where a part is, and how to check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The part.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
    /// The digest of its index.
    pub index: Digest,
    /// The bytes of its index.
    pub index_size: u64,
    /// How many records it has.
    pub records: u64,
}

impl Layer {
    /// Reads a manifest's row; the error continues "it is refused:".
    pub fn of(row: &Descriptor) -> Result<(String, Layer), String> {
        if row.media_type != PART {
            return Err(format!("it has a layer of the type `{}`", clip(&row.media_type)));
        }
        let get = |name: &str| row.annotations.get(name).ok_or_else(|| format!("a part has no `{name}`"));
        let number = |name: &str| get(name)?.parse::<u64>().map_err(|_| format!("a part's `{name}` is no number"));
        let index = get(INDEX)?.parse().map_err(|_| "a part's index has no digest".to_owned())?;
        let layer = Layer {
            digest: row.digest,
            size: row.size,
            index,
            index_size: number(INDEX_SIZE)?,
            records: number(RECORDS)?,
        };
        Ok((get(TITLE)?.clone(), layer))
    }

    /// The row for the part in a manifest.
    pub fn row(&self, title: &str) -> Descriptor {
        let mut row = Descriptor::new(PART, self.digest, self.size);
        row.annotations = BTreeMap::from([
            (TITLE.to_owned(), title.to_owned()),
            (INDEX.to_owned(), self.index.to_string()),
            (INDEX_SIZE.to_owned(), self.index_size.to_string()),
            (RECORDS.to_owned(), self.records.to_string()),
        ]);
        row
    }
}

impl Facts {
    /// Reads a manifest's annotations.
    pub fn of(manifest: &Manifest, layers: &BTreeMap<String, Layer>) -> Result<Facts, String> {
        let get = |name: &str| manifest.annotations.get(name).ok_or_else(|| format!("it has no `{name}`"));
        let date = get(CREATED)?.clone();
        seconds(&date).ok_or("it has no date")?;
        let feeds = serde_json::from_str(get(FEEDS)?).map_err(|e| format!("its list of feeds is not readable: {e}"))?;
        let records = layers.iter().map(|(title, layer)| (title.clone(), layer.records)).collect();
        Ok(Facts { date, feeds, records })
    }

    /// The annotations that say so.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        let feeds = crate::oci::to_json(&self.feeds);
        BTreeMap::from([
            (CREATED.to_owned(), self.date.clone()),
            (FEEDS.to_owned(), String::from_utf8_lossy(&feeds).into_owned()),
        ])
    }
}
