//! All that can be chosen, seen through names.
//!
//! Indexes have tens of thousands of packages, of which a request touches a few
//! hundred. So a name is looked up when it is first asked for and remembered, as are
//! the packages that meet a relation.

use super::explain::Unsatisfiable;
use super::request::{Installed, Request, Resolution, Resolved};
use super::{Facts, edges};
use crate::packages::deb::dependency::{Atom, Clause, Operator, atoms, clauses};
use crate::packages::deb::index::Row;
use crate::packages::deb::{Indexes, LockedPackage, version};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

/// The number of a name.
pub(super) type NameId = usize;
/// The number of a package in one version.
pub(super) type VersionId = usize;

/// What is known of a name.
pub(super) struct Name<'a> {
    pub text: &'a str,
    /// When apt would have met it first.
    pub rank: u64,
    /// The packages of this name, the highest version first.
    pub versions: Vec<VersionId>,
    pub installed: Option<VersionId>,
    /// What apt would install.
    pub candidate: Option<VersionId>,
}

/// A package in one version.
#[derive(Clone, Copy)]
pub(super) struct Version<'a> {
    pub name: NameId,
    pub version: &'a str,
    pub origin: Origin<'a>,
    pub source: &'a str,
    pub source_version: &'a str,
    pub pre_depends: &'a str,
    pub depends: &'a str,
    pub recommends: &'a str,
    pub conflicts: &'a str,
    pub breaks: &'a str,
    pub provides: &'a str,
    pub essential: bool,
    pub protected: bool,
    /// Whether `name:any` means it too.
    pub allowed: bool,
    pub priority: u32,
}

/// Where a package comes from.
#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    Index(usize, Row<'a>),
    Installed,
}

/// A relation of a package, with what meets each of its alternatives.
pub(super) struct Requirement<'a> {
    pub clause: Clause<'a>,
    pub strength: Strength,
    /// For each alternative the packages that meet it.
    pub solutions: Vec<Rc<[VersionId]>>,
}

/// How much a relation counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strength {
    PreDepends,
    Depends,
    Recommends,
}

/// What cannot stand beside a package.
pub(super) struct Refusal<'a> {
    pub atom: Atom<'a>,
    pub breaks: bool,
    pub refused: Rc<[VersionId]>,
}

pub(super) struct Universe<'a> {
    indexes: &'a Indexes,
    pub request: &'a Request,
    names: RefCell<Names<'a>>,
    solutions: RefCell<HashMap<Atom<'a>, Rc<[VersionId]>>>,
    requirements: RefCell<HashMap<VersionId, Rc<[Requirement<'a>]>>>,
    refusals: RefCell<HashMap<VersionId, Rc<[Refusal<'a>]>>>,
    /// What the installed packages provide: name, package, version.
    installed_provides: Vec<(Atom<'a>, &'a Installed)>,
    /// The wished names, in order, with what meets them.
    pub wished: Vec<NameId>,
}

#[derive(Default)]
struct Names<'a> {
    ids: HashMap<&'a str, NameId>,
    list: Vec<Rc<Name<'a>>>,
    versions: Vec<Version<'a>>,
}

impl<'a> Universe<'a> {
    pub fn new(indexes: &'a Indexes, request: &'a Request) -> Result<Self, Unsatisfiable> {
        let provides = |package: &'a Installed| atoms(&package.provides).map(move |atom| (atom, package));
        let mut universe = Universe {
            indexes,
            request,
            names: RefCell::default(),
            solutions: RefCell::default(),
            requirements: RefCell::default(),
            refusals: RefCell::default(),
            installed_provides: request.installed.iter().flat_map(provides).collect(),
            wished: Vec::new(),
        };
        for wish in &request.wishes {
            let name = universe.wish(wish)?;
            if !universe.wished.contains(&name) {
                universe.wished.push(name);
            }
        }
        Ok(universe)
    }

    pub fn name(&self, id: NameId) -> Rc<Name<'a>> {
        self.names.borrow().list[id].clone()
    }

    pub fn version(&self, id: VersionId) -> Version<'a> {
        self.names.borrow().versions[id]
    }

    /// `name version`, for messages.
    pub fn label(&self, id: VersionId) -> String {
        let version = self.version(id);
        format!("{} {}", self.name(version.name).text, version.version)
    }

    /// The suite that a package comes from; nothing where it is there already.
    pub fn suite(&self, id: VersionId) -> Option<&'a str> {
        match self.version(id).origin {
            Origin::Index(index, _) => Some(&self.indexes.list[index].locked.suite),
            Origin::Installed => None,
        }
    }

    /// Whether a version is of a suite that serves without being asked.
    pub fn is_automatic(&self, id: VersionId) -> bool {
        match self.version(id).origin {
            Origin::Index(index, _) => self.indexes.list[index].locked.priority >= 500,
            Origin::Installed => true,
        }
    }

    /// Whether one version is higher than another one.
    pub fn is_newer(&self, a: VersionId, b: VersionId) -> bool {
        is_newer(&self.names.borrow().versions, a, b)
    }

    /// Which of two packages apt would rather take for a need of `target`, as far as that does not depend on what was
    /// chosen so far.
    pub fn compare(&self, a: VersionId, b: VersionId, target: &str) -> Ordering {
        let (a, b) = (self.version(a), self.version(b));
        let (name_a, name_b) = (self.name(a.name), self.name(b.name));
        first(name_a.text == target, name_b.text == target)
            .then(first(a.essential, b.essential))
            .then(first(a.protected, b.protected))
            .then(a.priority.cmp(&b.priority))
            .then(name_b.rank.cmp(&name_a.rank))
    }

    /// The number of a name, looked up in all indexes when it is new.
    pub fn name_id(&self, text: &'a str) -> NameId {
        if let Some(id) = self.names.borrow().ids.get(text) {
            return *id;
        }
        let mut names = self.names.borrow_mut();
        let id = names.list.len();
        names.ids.insert(text, id);
        let (versions, rank) = self.load(text, id, &mut names.versions);
        let is_installed = |v: &VersionId| matches!(names.versions[*v].origin, Origin::Installed);
        let installed = versions.iter().copied().find(is_installed);
        let candidate = self.candidate(text, &versions, installed, &names.versions);
        names.list.push(Rc::new(Name { text, rank, versions, installed, candidate }));
        id
    }

    fn load(&self, text: &'a str, id: NameId, all: &mut Vec<Version<'a>>) -> (Vec<VersionId>, u64) {
        let mut versions: Vec<VersionId> = Vec::new();
        let mut rank = u64::MAX;
        for (number, open) in self.indexes.list.iter().enumerate() {
            let Some(name) = open.index.name(text) else { continue };
            rank = rank.min((number as u64) << 32 | u64::from(name.rank()));
            for row in name.rows() {
                let same = |v: &VersionId| match all[*v].origin {
                    Origin::Index(_, other) => other.version() == row.version() && other.sha256() == row.sha256(),
                    Origin::Installed => false,
                };
                // The same package in a second suite is no second choice.
                if !versions.iter().any(same) {
                    versions.push(all.len());
                    all.push(of_row(id, number, row));
                }
            }
        }
        if let Some(package) = self.request.installed.iter().find(|package| package.name == text) {
            versions.push(all.len());
            all.push(of_installed(id, package));
        }
        // Stable: of equal versions the one of the earlier index is first.
        versions.sort_by(|a, b| version::compare(all[*b].version, all[*a].version));
        (versions, rank)
    }

    /// The version that apt would install if nothing were said: wished, else locked, else the best suite's highest.
    fn candidate(
        &self,
        name: &str,
        versions: &[VersionId],
        installed: Option<VersionId>,
        all: &[Version<'a>],
    ) -> Option<VersionId> {
        let wish = self.request.wishes.iter().find(|w| w.name == name && (w.version.is_some() || w.suite.is_some()));
        if let Some(wish) = wish {
            return versions.iter().copied().find(|v| self.meets(wish, &all[*v]));
        }
        let locked = self.request.preferred.get(name).and_then(|preferred| {
            versions.iter().copied().find(|v| all[*v].version == *preferred && installed != Some(*v))
        });
        if let Some(locked) = locked.filter(|l| installed.is_none_or(|i| is_newer(all, *l, i))) {
            return Some(locked);
        }
        let priority = |v: VersionId| match all[v].origin {
            Origin::Index(index, _) => self.indexes.list[index].locked.priority,
            Origin::Installed => 100,
        };
        // `max_by_key` takes the last of equals, the list has the highest first.
        let best = versions.iter().copied().rev().max_by_key(|v| priority(*v))?;
        // Never a step back from what is there.
        match installed {
            Some(installed) if !is_newer(all, best, installed) => Some(installed),
            _ => Some(best),
        }
    }

    fn meets(&self, wish: &super::Wish, version: &Version<'a>) -> bool {
        let suite = |wanted: &String| match version.origin {
            Origin::Index(index, _) => self.indexes.list[index].locked.suite == *wanted,
            Origin::Installed => false,
        };
        wish.version.as_ref().is_none_or(|wanted| wanted == version.version) && wish.suite.as_ref().is_none_or(suite)
    }

    /// The name of the package that a wish means: its own, or that of the only package that provides it.
    fn wish(&self, wish: &'a super::Wish) -> Result<NameId, Unsatisfiable> {
        let id = self.name_id(&wish.name);
        let name = self.name(id);
        if name.candidate.is_some() {
            return Ok(id);
        }
        if !name.versions.is_empty() {
            let offered = name.versions.iter().map(|v| (self.version(*v).version, self.suite(*v))).collect();
            return Err(Unsatisfiable::no_such_version(wish, offered));
        }
        let atom = Atom { name: &wish.name, qualifier: None, limit: None };
        let providers: BTreeSet<NameId> = self.solutions(atom).iter().map(|v| self.version(*v).name).collect();
        match providers.iter().next() {
            Some(only) if providers.len() == 1 && wish.version.is_none() => Ok(*only),
            _ => {
                let mut names: Vec<_> = providers.iter().map(|id| self.name(*id).text.to_owned()).collect();
                names.sort();
                Err(Unsatisfiable::no_such_package(wish, names, self.similar(&wish.name)))
            }
        }
    }

    /// Names of packages that look like a misspelt one.
    fn similar(&self, name: &str) -> Vec<String> {
        let mut found = BTreeSet::new();
        for open in &self.indexes.list {
            let packages = open.index.names().filter(|n| n.rows().next().is_some()).map(|n| n.text());
            found.extend(packages.filter(|other| super::explain::looks_like(name, other)).map(str::to_owned));
        }
        found.into_iter().take(5).collect()
    }

    /// The packages that meet an atom: those of the name, then those that provide it.
    pub fn solutions(&self, atom: Atom<'a>) -> Rc<[VersionId]> {
        if let Some(known) = self.solutions.borrow().get(&atom) {
            return known.clone();
        }
        let found: Rc<[VersionId]> = self.find(atom).into();
        self.solutions.borrow_mut().insert(atom, found.clone());
        found
    }

    fn find(&self, atom: Atom<'a>) -> Vec<VersionId> {
        let architecture = self.indexes.architecture.as_str();
        let any = match atom.qualifier {
            None | Some("native") => false,
            Some("any") => true,
            // One architecture at a time: nothing of another one can be had.
            Some(other) if other != architecture => return Vec::new(),
            Some(_) => false,
        };
        let own = self.name(self.name_id(atom.name));
        let fits = |v: &VersionId| {
            let version = self.version(*v);
            atom.accepts(version.version) && (!any || version.allowed)
        };
        let mut found: Vec<VersionId> = own.versions.iter().copied().filter(fits).collect();
        let mut add = |v: VersionId| {
            if !found.contains(&v) {
                found.push(v);
            }
        };
        let provided = |version: &str| atom.limit.is_none() || (!version.is_empty() && atom.accepts(version));
        for open in &self.indexes.list {
            let name = if any { open.index.name(&format!("{}:any", atom.name)) } else { open.index.name(atom.name) };
            for provider in name.into_iter().flat_map(|name| name.providers()) {
                if provided(provider.version) {
                    self.of_provider(provider.row).into_iter().for_each(&mut add);
                }
            }
        }
        for (provides, package) in &self.installed_provides {
            let version = match provides.limit {
                None => "",
                Some((Operator::Equal, version)) => version,
                Some(_) => continue,
            };
            let reaches = !any || provides.qualifier == Some("any") || package.multi_arch == "allowed";
            if provides.name == atom.name && reaches && provided(version) {
                let name = self.name(self.name_id(&package.name));
                name.installed.into_iter().for_each(&mut add);
            }
        }
        found
    }

    /// The version that a row of an index has here.
    fn of_provider(&self, row: Row<'a>) -> Option<VersionId> {
        let name = self.name(self.name_id(row.name()));
        name.versions.iter().copied().find(|v| match self.version(*v).origin {
            Origin::Index(_, own) => own.version() == row.version() && own.sha256() == row.sha256(),
            Origin::Installed => false,
        })
    }

    /// What a package needs, in apt's order. Recommendations only where they are asked for.
    pub fn requirements(&self, id: VersionId) -> Rc<[Requirement<'a>]> {
        if let Some(known) = self.requirements.borrow().get(&id) {
            return known.clone();
        }
        let version = self.version(id);
        let recommends = if self.request.recommends { version.recommends } else { "" };
        let fields = [
            (version.pre_depends, Strength::PreDepends),
            (version.depends, Strength::Depends),
            (recommends, Strength::Recommends),
        ];
        let mut list = Vec::new();
        for (field, strength) in fields {
            for clause in clauses(field).filter(|clause| !self.is_ignored(version.name, clause)) {
                let solutions = clause.0.iter().map(|atom| self.solutions(*atom)).collect();
                list.push(Requirement { clause, strength, solutions });
            }
        }
        let list: Rc<[Requirement<'a>]> = list.into();
        self.requirements.borrow_mut().insert(id, list.clone());
        list
    }

    /// Whether the request says that a package does not need this here: one of the alternatives is named.
    fn is_ignored(&self, of: NameId, clause: &Clause<'a>) -> bool {
        let ignored = self.request.ignore_depends.get(self.name(of).text);
        ignored.is_some_and(|names| clause.0.iter().any(|atom| names.contains(atom.name)))
    }

    /// What cannot stand beside a package; a package never refuses its own name.
    pub fn refusals(&self, id: VersionId) -> Rc<[Refusal<'a>]> {
        if let Some(known) = self.refusals.borrow().get(&id) {
            return known.clone();
        }
        let version = self.version(id);
        let mut list = Vec::new();
        for (field, breaks) in [(version.conflicts, false), (version.breaks, true)] {
            for atom in atoms(field) {
                let meant = self.solutions(atom);
                let others = meant.iter().copied().filter(|v| self.version(*v).name != version.name);
                list.push(Refusal { atom, breaks, refused: others.collect() });
            }
        }
        let list: Rc<[Refusal<'a>]> = list.into();
        self.refusals.borrow_mut().insert(id, list.clone());
        list
    }

    /// The answer: what of the chosen packages is not there yet.
    pub fn resolution(&self, chosen: &[VersionId]) -> Resolution {
        let mut all: Vec<(VersionId, Version<'a>)> = chosen.iter().map(|v| (*v, self.version(*v))).collect();
        all.sort_by_key(|(_, version)| self.name(version.name).text);
        let new: Vec<_> = all.into_iter().filter(|(_, version)| matches!(version.origin, Origin::Index(..))).collect();
        let facts: Vec<Facts<'_>> = new.iter().map(|(_, version)| self.facts(version)).collect();
        let mut edges = edges(&facts);
        let packages = new.iter().zip(edges.drain(..));
        Resolution { packages: packages.map(|((_, version), edges)| self.resolved(version, edges)).collect() }
    }

    fn facts(&self, version: &Version<'a>) -> Facts<'a> {
        Facts {
            name: self.name(version.name).text,
            version: version.version,
            multi_arch_allowed: version.allowed,
            pre_depends: version.pre_depends,
            depends: version.depends,
            recommends: version.recommends,
            provides: version.provides,
        }
    }

    fn resolved(&self, version: &Version<'a>, edges: Vec<super::Edge>) -> Resolved {
        let Origin::Index(index, row) = version.origin else {
            unreachable!("only packages of indexes are new");
        };
        let origin = &self.indexes.list[index].locked;
        let name = self.name(version.name);
        Resolved {
            locked: LockedPackage {
                name: name.text.into(),
                version: version.version.into(),
                architecture: row.architecture().into(),
                source: version.source.into(),
                source_version: version.source_version.into(),
                sha256: row.sha256(),
                size: row.size(),
                path: row.path().into(),
                archive: origin.archive.clone(),
                suite: origin.suite.clone(),
            },
            index,
            section: row.section().into(),
            maintainer: row.maintainer().into(),
            installed_size: row.installed_size(),
            essential: version.essential,
            wished: self.wished.contains(&version.name),
            replaces: name.installed.map(|installed| self.version(installed).version.to_owned()),
            edges,
        }
    }
}

/// The order in which true comes before false.
pub(super) fn first(a: bool, b: bool) -> Ordering {
    b.cmp(&a)
}

fn is_newer(all: &[Version<'_>], a: VersionId, b: VersionId) -> bool {
    version::compare(all[a].version, all[b].version).is_gt()
}

fn of_row<'a>(name: NameId, index: usize, row: Row<'a>) -> Version<'a> {
    Version {
        name,
        version: row.version(),
        origin: Origin::Index(index, row),
        source: row.source(),
        source_version: row.source_version(),
        pre_depends: row.pre_depends(),
        depends: row.depends(),
        recommends: row.recommends(),
        conflicts: row.conflicts(),
        breaks: row.breaks(),
        provides: row.provides(),
        essential: row.is_essential(),
        protected: row.is_protected(),
        allowed: row.is_multi_arch_allowed(),
        priority: row.priority(),
    }
}

fn of_installed<'a>(name: NameId, package: &'a Installed) -> Version<'a> {
    Version {
        name,
        version: &package.version,
        origin: Origin::Installed,
        source: &package.source,
        source_version: &package.source_version,
        pre_depends: &package.pre_depends,
        depends: &package.depends,
        recommends: &package.recommends,
        conflicts: &package.conflicts,
        breaks: &package.breaks,
        provides: &package.provides,
        essential: false,
        protected: false,
        allowed: package.multi_arch == "allowed",
        priority: 0,
    }
}
