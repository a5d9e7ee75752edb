//! Who needs whom within a set of packages.

use crate::packages::deb::dependency::{Atom, Operator, atoms, clauses};
use std::collections::HashMap;

/// What must be known of a package to draw its edges; all of it stands in its control file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Whether its `Multi-Arch` field says `allowed`.
    pub multi_arch_allowed: bool,
    /// Its relations, as they stand in the control file.
    pub pre_depends: &'a str,
    /// See [`Facts::pre_depends`].
    pub depends: &'a str,
    /// See [`Facts::pre_depends`].
    pub recommends: &'a str,
    /// See [`Facts::pre_depends`].
    pub provides: &'a str,
}

/// An arrow to another package of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The number of the package that is needed.
    pub to: usize,
    /// How much it is needed.
    pub kind: EdgeKind,
}

/// How much a package needs another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeKind {
    /// Before it can be unpacked.
    PreDepends,
    /// To work.
    Depends,
    /// To be what people expect.
    Recommends,
}

/// For each package its edges to others of the set, sorted and without repetition.
///
/// Of several alternatives the first counts that is in the set; of several packages that provide a name, all that
/// are in the set. Relations that nothing in the set meets have no edge.
pub fn edges(set: &[Facts<'_>]) -> Vec<Vec<Edge>> {
    let offers = Offers::of(set);
    let edges_of = |(number, package): (usize, &Facts<'_>)| {
        let fields = [
            (package.pre_depends, EdgeKind::PreDepends),
            (package.depends, EdgeKind::Depends),
            (package.recommends, EdgeKind::Recommends),
        ];
        let mut edges = Vec::new();
        for (field, kind) in fields {
            for clause in clauses(field) {
                let met = clause.0.iter().map(|atom| offers.meeting(atom)).find(|found| !found.is_empty());
                let others = met.unwrap_or_default().into_iter().filter(|to| *to != number);
                edges.extend(others.map(|to| Edge { to, kind }));
            }
        }
        edges.sort();
        // The strongest edge to a package says it all.
        edges.dedup_by_key(|edge| edge.to);
        edges
    };
    set.iter().enumerate().map(edges_of).collect()
}

/// What each name is offered by.
struct Offers<'a> {
    set: &'a [Facts<'a>],
    by_name: HashMap<&'a str, Vec<(usize, Atom<'a>)>>,
}

impl<'a> Offers<'a> {
    fn of(set: &'a [Facts<'a>]) -> Self {
        let mut by_name: HashMap<&str, Vec<(usize, Atom<'_>)>> = HashMap::new();
        for (number, package) in set.iter().enumerate() {
            let own = Atom { name: package.name, qualifier: None, limit: Some((Operator::Equal, package.version)) };
            for atom in std::iter::once(own).chain(atoms(package.provides)) {
                by_name.entry(atom.name).or_default().push((number, atom));
            }
        }
        Offers { set, by_name }
    }

    /// The packages that meet an atom: the one of the name, else all that provide it.
    fn meeting(&self, atom: &Atom<'_>) -> Vec<usize> {
        let any = atom.qualifier == Some("any");
        let offers = self.by_name.get(atom.name).map(Vec::as_slice).unwrap_or_default();
        let fits = |(number, offer): &(usize, Atom<'a>)| {
            let reaches = !any || offer.qualifier == Some("any") || self.set[*number].multi_arch_allowed;
            let version_fits = match (atom.limit, offer.limit) {
                (None, _) => true,
                (Some(_), Some((Operator::Equal, version))) => atom.accepts(version),
                (Some(_), _) => false,
            };
            reaches && version_fits
        };
        let mut found: Vec<usize> = offers.iter().filter(|offer| fits(offer)).map(|(number, _)| *number).collect();
        if let Some(own) = found.iter().copied().find(|number| self.set[*number].name == atom.name) {
            return vec![own];
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}
