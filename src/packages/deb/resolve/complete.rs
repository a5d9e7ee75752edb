//! Any consistent choice, found by a SAT solver, where apt's way leads into a conflict.
//!
//! The solver is told apt's preferences: which version of a package, which
//! alternative, which provider comes first. It follows them as long as they lead to
//! an answer.

use super::explain::{Unsatisfiable, explain};
use super::universe::{NameId, Strength, Universe, VersionId};
use resolvo::id::DenseIndex;
use resolvo::{
    Candidates, Condition, ConditionId, ConditionalRequirement, Dependencies, DependencyProvider, Interner,
    KnownDependencies, Problem, SolvableId, Solver, SolverCache, StringId, VersionSetId, VersionSetUnionId,
};
use std::cell::RefCell;
use std::fmt::Display;

/// How often the solver is asked again for recommended packages that were missing.
const ROUNDS: usize = 8;

/// The chosen packages, with those that are there already.
pub(super) fn solve(universe: &Universe<'_>) -> Result<Vec<VersionId>, Unsatisfiable> {
    let mut chosen = attempt(universe, &[]).ok_or_else(|| explain(universe))?;
    let mut recommended: Vec<VersionId> = Vec::new();
    for _ in 0..ROUNDS {
        let missing = missing_recommendations(universe, &chosen);
        let new: Vec<_> = missing.into_iter().filter(|v| !recommended.contains(v)).collect();
        if new.is_empty() {
            break;
        }
        recommended.extend(new);
        chosen = attempt(universe, &recommended).unwrap_or(chosen);
    }
    Ok(chosen)
}

/// Whether a version may be chosen at all: what is there or newer, and of suites that only serve on demand nothing
/// but what apt would take.
pub(super) fn is_allowed(universe: &Universe<'_>, v: VersionId) -> bool {
    let name = universe.name(universe.version(v).name);
    if name.candidate == Some(v) || name.installed == Some(v) {
        return true;
    }
    let pinned =
        universe.request.wishes.iter().any(|w| w.name == name.text && (w.version.is_some() || w.suite.is_some()));
    !pinned && universe.is_automatic(v) && name.installed.is_none_or(|installed| universe.is_newer(v, installed))
}

fn attempt(universe: &Universe<'_>, soft: &[VersionId]) -> Option<Vec<VersionId>> {
    let provider = Provider { universe, sets: RefCell::default(), unions: RefCell::default() };
    let mut requirements = Vec::new();
    for name in &universe.wished {
        requirements.push(provider.any_of(&[*name]));
    }
    for package in &universe.request.installed {
        requirements.push(provider.any_of(&[universe.name_id(&package.name)]));
    }
    let soft: Vec<SolvableId> = soft.iter().map(|v| solvable(*v)).collect();
    let problem = Problem::new().requirements(requirements).soft_requirements(soft);
    let solution = Solver::new(provider).solve(problem).ok()?;
    let mut chosen: Vec<VersionId> = solution.into_iter().map(DenseIndex::to_index).collect();
    chosen.sort_unstable();
    Some(reachable(universe, &chosen))
}

/// What the wishes and the installed packages need of a solution; solvers may leave more than that in it.
fn reachable(universe: &Universe<'_>, chosen: &[VersionId]) -> Vec<VersionId> {
    let is_root = |v: &VersionId| {
        let name = universe.version(*v).name;
        universe.wished.contains(&name) || universe.name(name).installed.is_some()
    };
    let mut open: Vec<VersionId> = chosen.iter().copied().filter(is_root).collect();
    let mut found = std::collections::BTreeSet::new();
    while let Some(v) = open.pop() {
        if found.insert(v) {
            for need in universe.requirements(v).iter() {
                open.extend(need.solutions.iter().flat_map(|all| all.iter().copied()).filter(|v| chosen.contains(v)));
            }
        }
    }
    found.into_iter().collect()
}

fn missing_recommendations(universe: &Universe<'_>, chosen: &[VersionId]) -> Vec<VersionId> {
    let mut missing = Vec::new();
    for v in chosen {
        for need in universe.requirements(*v).iter().filter(|need| need.strength == Strength::Recommends) {
            let mut all = need.solutions.iter().flat_map(|found| found.iter().copied());
            if !all.clone().any(|v| chosen.contains(&v)) {
                missing.extend(all.find(|v| is_allowed(universe, *v)));
            }
        }
    }
    missing
}

struct Provider<'a, 'u> {
    universe: &'u Universe<'a>,
    /// Version sets: a name and those of its versions that are in the set.
    sets: RefCell<Vec<(NameId, Vec<VersionId>)>>,
    unions: RefCell<Vec<Vec<VersionSetId>>>,
}

impl Provider<'_, '_> {
    /// Any version of one of these names.
    fn any_of(&self, names: &[NameId]) -> ConditionalRequirement {
        self.require(names.iter().flat_map(|name| self.universe.name(*name).versions.clone()).collect())
    }

    /// One of these packages, the earlier the better.
    fn require(&self, solutions: Vec<VersionId>) -> ConditionalRequirement {
        let mut groups: Vec<(NameId, Vec<VersionId>)> = Vec::new();
        for v in solutions {
            let name = self.universe.version(v).name;
            match groups.iter_mut().find(|(other, _)| *other == name) {
                Some((_, versions)) if versions.contains(&v) => {}
                Some((_, versions)) => versions.push(v),
                None => groups.push((name, vec![v])),
            }
        }
        let sets: Vec<VersionSetId> = groups.into_iter().map(|(name, versions)| self.set(name, versions)).collect();
        match sets.as_slice() {
            [single] => (*single).into(),
            _ => {
                let mut unions = self.unions.borrow_mut();
                unions.push(sets);
                VersionSetUnionId::from_index(unions.len() - 1).into()
            }
        }
    }

    fn set(&self, name: NameId, versions: Vec<VersionId>) -> VersionSetId {
        let mut sets = self.sets.borrow_mut();
        sets.push((name, versions));
        VersionSetId::from_index(sets.len() - 1)
    }

    /// What may stand beside a package: of every name that it refuses in part, the other versions.
    fn constraints(&self, v: VersionId) -> Vec<VersionSetId> {
        let mut refused: Vec<VersionId> =
            self.universe.refusals(v).iter().flat_map(|refusal| refusal.refused.to_vec()).collect();
        refused.sort_unstable();
        refused.dedup();
        let mut names: Vec<NameId> = refused.iter().map(|v| self.universe.version(*v).name).collect();
        names.sort_unstable();
        names.dedup();
        let others = |name: &NameId| {
            let versions = &self.universe.name(*name).versions;
            self.set(*name, versions.iter().copied().filter(|v| !refused.contains(v)).collect())
        };
        names.iter().map(others).collect()
    }
}

impl Interner for Provider<'_, '_> {
    type NameId = resolvo::NameId;
    type SolvableId = SolvableId;

    fn display_solvable(&self, solvable: SolvableId) -> impl Display + '_ {
        self.universe.label(solvable.to_index())
    }

    fn display_name(&self, name: resolvo::NameId) -> impl Display + '_ {
        self.universe.name(name.to_index()).text.to_owned()
    }

    fn display_version_set(&self, _: VersionSetId) -> impl Display + '_ {
        ""
    }

    fn display_string(&self, _: StringId) -> impl Display + '_ {
        ""
    }

    fn version_set_name(&self, set: VersionSetId) -> resolvo::NameId {
        resolvo::NameId::from_index(self.sets.borrow()[set.to_index()].0)
    }

    fn solvable_name(&self, solvable: SolvableId) -> resolvo::NameId {
        resolvo::NameId::from_index(self.universe.version(solvable.to_index()).name)
    }

    fn version_sets_in_union(&self, union: VersionSetUnionId) -> impl Iterator<Item = VersionSetId> {
        self.unions.borrow()[union.to_index()].clone().into_iter()
    }

    fn resolve_condition(&self, _: ConditionId) -> Condition {
        unreachable!("no requirement has a condition")
    }
}

impl DependencyProvider for Provider<'_, '_> {
    async fn filter_candidates(&self, candidates: &[SolvableId], set: VersionSetId, inverse: bool) -> Vec<SolvableId> {
        let sets = self.sets.borrow();
        let versions = &sets[set.to_index()].1;
        candidates.iter().copied().filter(|v| versions.contains(&v.to_index()) != inverse).collect()
    }

    async fn get_candidates(&self, name: resolvo::NameId) -> Option<Candidates<SolvableId>> {
        let name = self.universe.name(name.to_index());
        let allowed = name.versions.iter().copied().filter(|v| is_allowed(self.universe, *v));
        Some(Candidates {
            candidates: allowed.map(solvable).collect(),
            favored: name.candidate.map(solvable),
            ..Candidates::default()
        })
    }

    async fn sort_candidates(&self, _: &SolverCache<Self>, solvables: &mut [SolvableId]) {
        // Of one name, as they stand in its list; across names the solver keeps the order of the union.
        let place = |v: &SolvableId| {
            let name = self.universe.name(self.universe.version(v.to_index()).name);
            let favored = name.candidate != Some(v.to_index());
            (favored, name.versions.iter().position(|other| *other == v.to_index()))
        };
        solvables.sort_by_key(place);
    }

    async fn get_dependencies(&self, solvable: SolvableId) -> Dependencies {
        let v = solvable.to_index();
        let needs = self.universe.requirements(v);
        let critical = needs.iter().filter(|need| need.strength != Strength::Recommends);
        let requirements = critical.map(|need| {
            let mut solutions = Vec::new();
            for (atom, found) in need.clause.0.iter().zip(&need.solutions) {
                let mut found = found.to_vec();
                found.sort_by(|a, b| self.universe.compare(*a, *b, atom.name));
                solutions.extend(found);
            }
            self.require(solutions)
        });
        Dependencies::Known(KnownDependencies { requirements: requirements.collect(), constrains: self.constraints(v) })
    }
}

fn solvable(v: VersionId) -> SolvableId {
    SolvableId::from_index(v)
}
