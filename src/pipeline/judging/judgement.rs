//! What is said of an image, with all that reports tell beside it.

use crate::advisories::database as advisories;
use crate::evidence::scan::Component;
use crate::evidence::{Inventory, Owner};
use crate::oci::Reference;
use crate::policy::Verdict;
use crate::policy::report::{Database, Layer, Share};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is said of an image, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// What policies say.
    pub verdict: Verdict,
    /// The image's packages.
    pub components: Vec<Component>,
    /// What takes room in it.
    pub shares: Vec<Share>,
    /// Its layers, lowest first.
    pub layers: Vec<Layer>,
    /// The database that was asked, if one was.
    pub database: Option<Database>,
}

/// A database as reports tell of it.
pub(super) fn asked(database: &advisories::Database, repository: Option<&Reference>) -> Database {
    let facts = database.facts();
    Database {
        name: repository.map_or_else(|| "this machine".to_owned(), ToString::to_string),
        digest: *database.digest(),
        // A database whose date is none cannot be opened.
        updated: facts.date.parse().unwrap_or(Timestamp::UNIX_EPOCH),
        feeds: facts.feeds.iter().map(|feed| (feed.name.clone(), feed.count)).collect(),
    }
}

/// Who put how much into an image, the largest first.
pub(super) fn shares(inventory: &Inventory) -> Vec<Share> {
    let mut sizes: BTreeMap<(String, Option<String>), u64> = BTreeMap::new();
    for file in &inventory.files {
        *sizes.entry(owner(inventory, &file.owner)).or_default() += file.size;
    }
    let mut shares: Vec<Share> = sizes.into_iter().map(|((name, purl), size)| Share { name, purl, size }).collect();
    shares.sort_by(|a, b| (b.size, &a.name).cmp(&(a.size, &b.name)));
    shares
}

fn owner(inventory: &Inventory, owner: &Owner) -> (String, Option<String>) {
    if let Owner::Package(package) | Owner::Emulated { package } = owner
        && let Some(package) = inventory.packages.get(*package)
    {
        return (package.name.clone(), Some(crate::evidence::sbom::deb_purl(package)));
    }
    let origin = crate::evidence::scan::of_owner(inventory, owner);
    (origin.owner.unwrap_or_else(|| "others".to_owned()), None)
}
