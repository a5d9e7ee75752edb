//! An image as it is judged, whether it was just built or comes from elsewhere.

use super::bench::Bench;
use crate::catalog::{self, OsRelease};
use crate::evidence::contents::{Catalogued, ContentError, LayeredFile, Searched, search, small_file};
use crate::evidence::scan::configuration::{Accounts, Command, Facts, Input, configuration};
use crate::evidence::scan::{self, Component, Finding, Origin, Place};
use crate::oci::{Digest, ImageConfig};
use crate::policy::WANTED_LABELS;
use crate::rules::Rule;
use crate::store::{Store, StoreError};
use crate::tree::{Entry, Tree, TreePath};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An image as it is judged.
pub(in super::super) struct Scene {
    /// How it starts.
    pub config: ImageConfig,
    /// What its manifest says beside.
    pub annotations: BTreeMap<String, String>,
    /// Its file system.
    pub tree: Arc<Tree>,
    /// The digests of its layers, lowest first.
    pub layers: Vec<Digest>,
    /// The layer of each path, as a position.
    pub layer_of: BTreeMap<TreePath, usize>,
    /// Files in layers that layers above cover.
    pub hidden: Vec<(usize, TreePath, Entry)>,
    /// The packages that are known without a look at files.
    pub components: Vec<Component>,
    /// What its files tell.
    pub catalogued: Catalogued,
    /// What it was made of.
    pub inputs: Vec<Input>,
    /// The commands that ran for it.
    pub commands: Vec<Command>,
    /// The files of which nobody knows where they come from.
    pub unattributed: Vec<TreePath>,
}

/// What was found in an image.
pub(in super::super) struct Found {
    pub findings: Vec<Finding>,
    pub components: Vec<Component>,
}

impl Scene {
    /// All that is wrong with the image, and its packages.
    pub(super) fn look(&self, bench: &Bench, store: &Store) -> Result<Found, super::super::error::Error> {
        let searched = self.searched(store)?;
        let components = self.all_components();
        let mut findings = self.configuration(bench, self.catalogued.distribution.as_ref(), store)?;
        findings.extend(self.secrets(&searched));
        findings.extend(self.unread(&searched));
        if let Some(database) = &bench.database {
            findings.extend(scan::holes(&components, database, bench.day)?);
            findings.extend(scan::age(database, bench.day));
        }
        if let Some(rule) = Rule::named("licence").filter(|rule| bench.asks_for(rule.id)) {
            findings.extend(scan::licences(&components, rule));
        }
        Ok(Found { findings, components })
    }

    fn searched(&self, store: &Store) -> Result<Searched, ContentError> {
        let seen = self.tree.iter().map(|(path, entry)| LayeredFile {
            layer: self.layer_of.get(path).copied(),
            path,
            entry,
            is_hidden: false,
        });
        let hidden = self.hidden.iter();
        let hidden =
            hidden.map(|(layer, path, entry)| LayeredFile { layer: Some(*layer), path, entry, is_hidden: true });
        let files: Vec<LayeredFile<'_>> = seen.chain(hidden).collect();
        search(&files, store)
    }

    /// What was known before, and what files tell beside; each package URL once. That a database lists a package which is
    /// known otherwise says nothing of where it is.
    fn all_components(&self) -> Vec<Component> {
        let mut all: BTreeMap<&str, Component> = BTreeMap::new();
        let found: Vec<Component> = self.catalogued.packages.iter().map(|package| self.component(package)).collect();
        let is_of_system = |purl: &str| ["pkg:deb/", "pkg:apk/", "pkg:rpm/"].iter().any(|kind| purl.starts_with(kind));
        for component in self.components.iter().chain(&found) {
            let known = all
                .entry(component.purl.as_str())
                .or_insert_with(|| Component { places: Vec::new(), ..component.clone() });
            if known.places.is_empty() || !is_of_system(&component.purl) {
                known.places.extend(component.places.iter().cloned());
            }
            known.licence = known.licence.take().or_else(|| component.licence.clone());
        }
        all.into_values().collect()
    }

    fn component(&self, package: &catalog::Package) -> Component {
        let places = package.places.iter().map(|place| Place {
            inside: place.inside.clone(),
            origin: Origin { layer: self.layer(&place.path), ..Origin::default() },
            ..Place::at(&place.path)
        });
        Component {
            purl: package.purl.clone(),
            name: package.name.clone(),
            version: package.version.clone(),
            licence: package.licence.clone(),
            places: places.collect(),
        }
    }

    fn layer(&self, path: &TreePath) -> Option<Digest> {
        self.layers.get(*self.layer_of.get(path)?).copied()
    }

    fn configuration(&self, bench: &Bench, os: Option<&OsRelease>, store: &Store) -> Result<Vec<Finding>, StoreError> {
        let (passwd, group) = (self.read("etc/passwd", store)?, self.read("etc/group", store)?);
        let accounts = Accounts::read(&passwd.unwrap_or_default(), &group.unwrap_or_default());
        let mut labels = self.annotations.clone();
        labels.extend(self.config.config.labels.clone().unwrap_or_default());
        let wanted = bench.policies().into_iter().flat_map(|(_, policy)| &policy.clauses);
        let wanted = wanted.flat_map(|clause| &clause.condition.labels).map(|label| label.value.clone());
        let wanted: BTreeSet<String> = wanted.chain(WANTED_LABELS.map(str::to_owned)).collect();
        let wanted: Vec<String> = wanted.into_iter().collect();
        let hosts = bench.policies().into_iter().flat_map(|(_, policy)| &policy.clauses);
        let hosts = hosts.map(|clause| &clause.condition.hosts).filter(|hosts| !hosts.is_empty());
        let hosts: Vec<Vec<String>> =
            hosts.map(|hosts| hosts.iter().map(|host| host.value.clone()).collect()).collect();
        let facts = Facts {
            config: &self.config.config,
            labels: &labels,
            tree: &self.tree,
            accounts: &accounts,
            distribution: os,
            inputs: &self.inputs,
            commands: &self.commands,
            unattributed: &self.unattributed,
            wanted_labels: &wanted,
            allowed_hosts: &hosts,
            day: bench.day,
        };
        let mut findings = configuration(&facts);
        for place in findings.iter_mut().flat_map(|finding| &mut finding.places) {
            let path = place.path.as_ref().map(|path| crate::evidence::bytes_of(path.trim_start_matches('/')));
            let path = path.and_then(|path| TreePath::new(path).ok());
            place.origin.layer = place.origin.layer.or_else(|| self.layer(path.as_ref()?));
        }
        Ok(findings)
    }

    fn secrets(&self, searched: &Searched) -> Vec<Finding> {
        let Some(rule) = Rule::named("secret") else { return Vec::new() };
        let mut findings = scan::in_files(&searched.leaks, &self.layers, rule);
        findings.extend(scan::in_config(&self.config, &self.annotations, rule));
        findings
    }

    fn read(&self, path: &str, store: &Store) -> Result<Option<Vec<u8>>, StoreError> {
        small_file(&self.tree, path, store)
    }

    /// Files of which nobody knows all that is in them.
    fn unread(&self, searched: &Searched) -> Vec<Finding> {
        let Some(rule) = Rule::named("unread-file") else { return Vec::new() };
        let all: BTreeSet<&(TreePath, String)> = self.catalogued.unread.iter().chain(&searched.unread).collect();
        let finding = |(path, reason): &(TreePath, String)| {
            let title = format!("{}: {reason}", crate::evidence::path_text(path.as_bytes()));
            Finding::plain(rule, title, vec![Place::at(path)])
        };
        all.into_iter().map(finding).collect()
    }
}
