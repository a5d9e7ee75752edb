//! What differs between two images, and why.

use super::bill::{Bill, BilledPackage};
use super::error::Error;
use super::opened::{ImageChoice, Opened, Predicate};
use super::session::Session;
use super::why::reason;
use crate::oci::Digest;
use crate::tree::{Entry, Node, Tree};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What differs between two images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The image as it was.
    pub old: Digest,
    /// The image as it is.
    pub new: Digest,
    /// Whether they are the same, byte for byte.
    pub same: bool,
    /// Packages that came, went or changed their version, by name.
    pub packages: Vec<Changed>,
    /// Files that came, went or changed, by path.
    pub files: Vec<Changed>,
    /// Settings of the configuration that differ.
    pub config: Vec<Changed>,
}

/// Something that differs; none where it is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// What it is called.
    pub name: String,
    /// What it was.
    pub old: Option<String>,
    /// What it is.
    pub new: Option<String>,
    /// Who or what is behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Compares two images.
pub fn diff(session: &Session<'_>, old: &ImageChoice, new: &ImageChoice) -> Result<Difference, Error> {
    let (old, new) = (Opened::open(session, old)?, Opened::open(session, new)?);
    let bills = (bill(&old)?, bill(&new)?);
    Ok(Difference {
        old: old.digest(),
        new: new.digest(),
        same: old.digest() == new.digest(),
        packages: packages(&bills.0, &bills.1),
        files: files((&*old.tree(session)?, &bills.0), (&*new.tree(session)?, &bills.1)),
        config: config(&old.config_json()?, &new.config_json()?),
    })
}

/// The bill of materials; an empty one for an image that carries none, whose files can be compared all the same.
fn bill(opened: &Opened) -> Result<Bill, Error> {
    match opened.predicate(Predicate::Cyclonedx) {
        Ok(document) => Bill::read(&document),
        Err(Error::NotThere(_)) => Ok(Bill::default()),
        Err(error) => Err(error),
    }
}

fn packages(old: &Bill, new: &Bill) -> Vec<Changed> {
    let wanted = |bill: &Bill, name: &str| {
        let (reference, package) = bill.packages.iter().find(|(_, package)| called(package) == name)?;
        let chain: Vec<String> = bill.chain(reference).iter().map(|r| short(bill, r)).collect();
        let place = || package.shown.first().map(|place| format!("in {place}"));
        (chain.len() > 1).then(|| format!("needed: {}", chain.join(" → "))).or_else(place)
    };
    compare(&versions(old), &versions(new), |name, was, is| match (was, is) {
        (_, Some(_)) => wanted(new, name),
        _ => wanted(old, name),
    })
}

/// The versions of each package, by what it is called. Of what stands in folders of programs there may be several.
fn versions(bill: &Bill) -> BTreeMap<String, String> {
    let mut versions: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for package in bill.packages.values() {
        versions.entry(called(package)).or_default().insert(&package.version);
    }
    versions.into_iter().map(|(name, all)| (name, all.into_iter().collect::<Vec<_>>().join(", "))).collect()
}

/// A package's name; of one that no distribution has, with the world that it is of: names of several worlds may be the
/// same.
fn called(package: &BilledPackage) -> String {
    let kind = package.purl.strip_prefix("pkg:").and_then(|rest| rest.split_once('/')).map(|(kind, _)| kind);
    match kind {
        Some(kind) if !["deb", "apk", "rpm"].contains(&kind) => format!("{} ({kind})", package.name),
        _ => package.name.clone(),
    }
}

fn short(bill: &Bill, reference: &str) -> String {
    bill.packages.get(reference).map_or_else(|| reference.to_owned(), |package| package.name.clone())
}

fn files(old: (&Tree, &Bill), new: (&Tree, &Bill)) -> Vec<Changed> {
    let shown = |tree: &Tree| -> BTreeMap<String, String> {
        tree.iter().map(|(path, entry)| (crate::evidence::path_text(path.as_bytes()), describe(entry))).collect()
    };
    let owner = |bill: &Bill, path: &str| {
        let owner = reason(bill, bill.files.get(path)?);
        Some(format!("{} {}", owner.kind, owner.name))
    };
    compare(&shown(old.0), &shown(new.0), |path, _, _| {
        let (was, is) = (owner(old.1, path), owner(new.1, path));
        match (was, is) {
            (Some(was), Some(is)) if was != is => Some(format!("{was} → {is}")),
            (was, is) => is.or(was),
        }
    })
}

/// Everything about an entry but its time, in a line.
fn describe(entry: &Entry) -> String {
    let what = match &entry.node {
        Node::File { content, size, .. } => format!("{size} bytes {}", &content.hex()[..12]),
        Node::Symlink { target } => format!("→ {}", crate::evidence::bytes_text(target)),
        _ => entry.kind().to_owned(),
    };
    let attributes = match entry.xattrs.len() {
        0 => String::new(),
        count => format!(" {count} attributes"),
    };
    format!("{:04o} {}:{} {what}{attributes}", entry.mode, entry.uid, entry.gid)
}

fn config(old: &serde_json::Value, new: &serde_json::Value) -> Vec<Changed> {
    let mut lists = (BTreeMap::new(), BTreeMap::new());
    flatten("", old, &mut lists.0);
    flatten("", new, &mut lists.1);
    // What only repeats the layers says nothing that the files do not say.
    for list in [&mut lists.0, &mut lists.1] {
        list.retain(|name, _| !name.starts_with("rootfs") && !name.starts_with("history"));
    }
    compare(&lists.0, &lists.1, |_, _, _| None)
}

fn flatten(name: &str, value: &serde_json::Value, list: &mut BTreeMap<String, String>) {
    match value {
        serde_json::Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                flatten(&if name.is_empty() { key.clone() } else { format!("{name}.{key}") }, value, list);
            }
        }
        other => {
            list.insert(name.to_owned(), other.to_string());
        }
    }
}

fn compare(
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    reason: impl Fn(&str, Option<&String>, Option<&String>) -> Option<String>,
) -> Vec<Changed> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differing = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
    differing
        .map(|name| Changed {
            name: name.clone(),
            old: old.get(name).cloned(),
            new: new.get(name).cloned(),
            reason: reason(name, old.get(name), new.get(name)),
        })
        .collect()
}
