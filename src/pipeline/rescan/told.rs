//! What is said about an image by whoever counts: its packages, and what was known of it when it was judged last.

use super::super::judging::component;
use super::super::session::Session;
use super::super::statements::{MAX_STATEMENT, said};
use super::gather::{FORMS, Gathered};
use super::report::{BillReport, LastScan};
use crate::advisories::Identity;
use crate::evidence::scan::Component;
use crate::evidence::sign::PublicKey;
use crate::evidence::{MAX_BUNDLE, Statement, claims, predicate};
use crate::oci::{Digest, document::clip};
use crate::policy::report::{Summary, Vulnerabilities, Vulnerability};
use crate::store::{Store, StoreError};
use jiff::Timestamp;
use purl::GenericPurl;
use std::collections::{BTreeMap, BTreeSet};

/// What is said about an image.
#[derive(Default)]
pub(super) struct Told {
    /// The bills of materials that count.
    pub bills: Vec<BillReport>,
    /// The packages, by their package URLs: those of the bills, and those in which scans found holes.
    pub packages: BTreeMap<String, Component>,
    /// How many of them the bills name.
    pub listed: usize,
    /// Why bills cannot be read, in words.
    pub problems: Vec<String>,
    /// The last scan, with the holes that it found.
    pub last: Option<(LastScan, Vec<KnownHole>)>,
    /// The verdicts, newest first. Of the same time, one that failed counts as the newer one.
    pub verdicts: Vec<Summary>,
}

/// A hole that was found before.
pub(super) struct KnownHole {
    pub id: String,
    /// All its names.
    pub names: Vec<String>,
    /// The package; none where the scanner does not tell.
    pub package: Option<String>,
    /// By what it is told from others.
    pub identity: Option<String>,
}

/// A statement that counts.
struct Document {
    digest: Digest,
    form: &'static str,
    statement: Vec<u8>,
    signed: bool,
}

impl Told {
    /// Reads all that was gathered about an image. With keys, what none of them signed does not count.
    pub(super) fn read(
        session: &Session<'_>,
        image: &Digest,
        gathered: &Gathered,
        keys: &[PublicKey],
    ) -> Result<Self, StoreError> {
        let documents = documents(&session.store, image, gathered, keys)?;
        let mut told = Told::default();
        told.read_bills(&documents);
        told.listed = told.packages.len();
        told.read_scans(session, &documents);
        let summaries = documents.iter().filter(|document| document.form == Summary::TYPE);
        told.verdicts = summaries.filter_map(|document| predicate_of(session, document)).collect();
        told.verdicts.sort_by_key(|verdict: &Summary| {
            (std::cmp::Reverse(verdict.time_verified.parse::<Timestamp>().ok()), verdict.passed())
        });
        Ok(told)
    }

    /// All bills of the first form that has any: none of them takes a package out of sight that another one names.
    fn read_bills(&mut self, documents: &[Document]) {
        for form in [predicate::CYCLONEDX, predicate::SPDX] {
            for document in documents.iter().filter(|document| document.form == form) {
                match claims::packages(&document.statement, form) {
                    Ok(packages) => {
                        let Document { digest, signed, .. } = *document;
                        self.bills.push(BillReport { digest, form: form.to_owned(), signed });
                        let components = packages.into_iter().filter_map(component);
                        self.packages.extend(components.map(|component| (component.purl.clone(), component)));
                    }
                    Err(reason) => self.problems.push(format!(
                        "its bill of materials {} cannot be read: {}",
                        document.digest,
                        clip(&reason)
                    )),
                }
            }
            if !self.bills.is_empty() {
                return;
            }
        }
    }

    /// The newest scan, by what it says of its end and of its database. Packages in which any of them found holes are in the
    /// image, whether or not the bills name them: scans look into files.
    fn read_scans(&mut self, session: &Session<'_>, documents: &[Document]) {
        let scans = documents.iter().filter(|document| document.form == Vulnerabilities::TYPE);
        let scans: Vec<(Digest, Vulnerabilities)> =
            scans.filter_map(|document| Some((document.digest, predicate_of(session, document)?))).collect();
        self.add_packages(scans.iter().flat_map(|(_, scan)| &scan.scanner.result));
        let newest = scans.into_iter().max_by_key(|(digest, scan)| {
            let time = |text: &str| text.parse::<Timestamp>().ok();
            (time(&scan.metadata.scan_finished_on), time(&scan.scanner.db.last_update), *digest)
        });
        let Some((digest, scan)) = newest else { return };
        let holes: Vec<KnownHole> = scan.scanner.result.into_iter().map(KnownHole::of).collect();
        let (time, database) = (scan.metadata.scan_finished_on, scan.scanner.db.version);
        self.last = Some((LastScan { digest, time, database }, holes));
    }

    /// Adds the packages of holes, where no bill names them.
    fn add_packages<'h>(&mut self, holes: impl Iterator<Item = &'h Vulnerability>) {
        let named: BTreeMap<String, &str> =
            holes.filter_map(package).map(|package| (identity(package), package)).collect();
        if named.is_empty() {
            return;
        }
        let listed: BTreeSet<String> = self.packages.keys().map(|package| identity(package)).collect();
        for (_, package) in named.iter().filter(|(identity, _)| !listed.contains(*identity)) {
            self.packages.extend(component_of(package).map(|component| ((*package).to_owned(), component)));
        }
    }
}

/// By what a package is told from others: tools write the package URL of one package differently.
pub(super) fn identity(package: &str) -> String {
    Identity::of(package).map_or_else(
        || package.to_owned(),
        |Identity { base, names, version, .. }| format!("{base} {} {version}", names.join(" ")),
    )
}

fn package(hole: &Vulnerability) -> Option<&str> {
    hole.annotations.iter().find_map(|told| told.get("package")?.as_str())
}

impl KnownHole {
    fn of(hole: Vulnerability) -> Self {
        let aliases = hole.annotations.iter().filter_map(|told| told.get("aliases")?.as_array()).flatten();
        let aliases = aliases.filter_map(|alias| alias.as_str().map(str::to_owned));
        let names = aliases.chain([hole.id.clone()]).collect();
        let package = package(&hole).map(str::to_owned);
        KnownHole { names, identity: package.as_deref().map(identity), package, id: hole.id }
    }
}

/// The longest package URL that is taken over from a scan.
const MAX_PURL: usize = 1024;

/// A package of which nothing but its package URL is known.
fn component_of(package: &str) -> Option<Component> {
    let parsed: GenericPurl<String> = Some(package).filter(|text| text.len() <= MAX_PURL)?.parse().ok()?;
    let (name, version) = (parsed.name().to_owned(), parsed.version().unwrap_or_default().to_owned());
    Some(Component { purl: package.to_owned(), name, version, licence: None, places: Vec::new() })
}

/// The statements that count, in an order of their own.
fn documents(
    store: &Store,
    image: &Digest,
    gathered: &Gathered,
    keys: &[PublicKey],
) -> Result<Vec<Document>, StoreError> {
    let mut documents = Vec::new();
    let mut add = |digest: Digest, statement: Vec<u8>, signed: bool| {
        let form = claims::form(&statement, &[*image], &FORMS).filter(|_| signed || keys.is_empty());
        documents.extend(form.map(|form| Document { digest, form, statement, signed }));
    };
    for bundle in &gathered.bundles {
        if let Some((statement, signed)) = said(&store.read(&bundle.digest, MAX_BUNDLE)?, keys) {
            add(bundle.digest, statement, signed);
        }
    }
    for (statement, signed) in &gathered.in_indexes {
        add(statement.digest, store.read(&statement.digest, MAX_STATEMENT)?, *signed);
    }
    documents.sort_by_key(|document| (document.form, document.digest));
    documents.dedup_by_key(|document| document.digest);
    Ok(documents)
}

/// A document's predicate; one that cannot be read says nothing, and that is told.
fn predicate_of<P: for<'de> serde::Deserialize<'de>>(session: &Session<'_>, document: &Document) -> Option<P> {
    match serde_json::from_slice::<Statement<P>>(&document.statement) {
        Ok(statement) => Some(statement.predicate),
        Err(error) => {
            let error = clip(&error.to_string());
            session.warn(&format!("the verdict {} is left out, as it cannot be read: {error}", document.digest));
            None
        }
    }
}
