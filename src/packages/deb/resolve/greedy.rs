//! Apt's decisions in apt's order.
//!
//! For every wish apt walks down the relations: a relation that something already
//! chosen meets is passed over; else its alternatives are tried in their order, and
//! of the packages that meet one, the best by [`Marks::compare`]. A package whose
//! needs cannot be met is given up, and the next one is tried; what it had brought
//! along stays, until a sweep at the end takes away what nobody needs.
//!
//! Packages that a wish needs without any choice are fixed: what they conflict with
//! is out of the game from then on. Everything else may still be driven out.

use super::universe::{NameId, Requirement, Strength, Universe, VersionId, first};
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

/// Apt gives up on chains that are longer.
const DEPTH: usize = 3000;

/// The chosen packages with those that are there already; nothing where they contradict each other.
pub(super) fn solve(universe: &Universe<'_>) -> Option<Vec<VersionId>> {
    let mut marks = Marks { universe, states: HashMap::new() };
    for package in &universe.request.installed {
        marks.load(universe.name_id(&package.name));
    }
    for wish in &universe.wished {
        marks.state(*wish).fixed = true;
        marks.state(*wish).wished = true;
        marks.install(*wish, false, 0, true);
    }
    for wish in &universe.wished {
        marks.install(*wish, true, 0, true);
    }
    let unmet = universe.wished.iter().any(|wish| marks.states[wish].chosen.is_none());
    if unmet || marks.is_anything_broken() {
        return None;
    }
    let needed = marks.needed();
    let mut chosen: Vec<VersionId> = marks.states.values().filter_map(|state| state.chosen).collect();
    chosen.retain(|v| needed.contains(v));
    chosen.sort_unstable();
    Some(chosen)
}

/// What was decided about a name.
#[derive(Clone, Copy)]
struct State {
    /// What is there before anything happens.
    current: Option<VersionId>,
    /// What would be taken; nothing once it turned out to be impossible.
    candidate: Option<VersionId>,
    /// What will be there.
    chosen: Option<VersionId>,
    /// Whether it was chosen to be installed, as opposed to left as it is.
    installing: bool,
    /// Whether the decision stands.
    fixed: bool,
    wished: bool,
}

struct Marks<'a, 'u> {
    universe: &'u Universe<'a>,
    states: HashMap<NameId, State>,
}

impl Marks<'_, '_> {
    fn load(&mut self, name: NameId) -> State {
        *self.state(name)
    }

    fn state(&mut self, name: NameId) -> &mut State {
        let universe = self.universe;
        self.states.entry(name).or_insert_with(|| {
            let name = universe.name(name);
            State {
                current: name.installed,
                candidate: name.candidate,
                chosen: name.installed,
                installing: false,
                fixed: false,
                wished: false,
            }
        })
    }

    fn of(&mut self, version: VersionId) -> State {
        let name = self.universe.version(version).name;
        self.load(name)
    }

    fn is_chosen(&mut self, version: VersionId) -> bool {
        self.of(version).chosen == Some(version)
    }

    fn is_candidate(&mut self, version: VersionId) -> bool {
        self.of(version).candidate == Some(version)
    }

    /// Chooses a package's candidate; with `deep` also what it needs. Says whether that went well.
    fn install(&mut self, name: NameId, deep: bool, depth: usize, wished: bool) -> bool {
        let before = self.load(name);
        let settled =
            before.fixed && !before.installing && before.candidate.is_some() && before.candidate == before.current;
        if !settled && !wished && !before.installing && (depth > DEPTH || before.fixed) {
            return false;
        }
        let Some(candidate) = before.candidate else { return false };
        if !before.fixed && !self.is_broken(name) {
            if Some(candidate) == before.current {
                self.state(name).chosen = before.current;
                self.state(name).installing = false;
                return true;
            }
            if before.installing {
                return true;
            }
        }
        if deep && !self.can_be_met(name, candidate) {
            return false;
        }
        if wished {
            self.choose(name, candidate);
        }
        let fixed = before.fixed;
        let strict = !fixed && !wished;
        let mut good = true;
        let mut upgrades = Vec::new();
        if deep && !self.drive_out(candidate, fixed, wished, &mut upgrades) {
            if strict {
                return false;
            }
            good = false;
        }
        if !wished {
            self.choose(name, candidate);
        }
        if !deep {
            return good;
        }
        // While its needs are looked after, nobody may turn it off again.
        self.state(name).fixed = true;
        upgrades.extend(self.dependants_of_old(name, candidate));
        self.upgrade_siblings(name, candidate, depth);
        let done = self.upgrade(&upgrades, depth) && self.meet_needs(candidate, depth, fixed, wished);
        self.state(name).fixed = fixed;
        if !done && strict {
            self.give_up(name);
        }
        good && done
    }

    fn choose(&mut self, name: NameId, candidate: VersionId) {
        let state = self.state(name);
        if state.fixed && state.chosen == Some(candidate) {
            return;
        }
        state.chosen = Some(candidate);
        state.installing = state.current != Some(candidate);
    }

    fn give_up(&mut self, name: NameId) {
        let state = self.state(name);
        state.chosen = state.current;
        state.candidate = state.current;
        state.installing = false;
    }

    /// Whether each need of a candidate has something that could meet it; if not, the candidate is out.
    fn can_be_met(&mut self, name: NameId, candidate: VersionId) -> bool {
        if Some(candidate) == self.load(name).current {
            return true;
        }
        for need in self.universe.requirements(candidate).iter() {
            let all: Vec<VersionId> = need.solutions.iter().flat_map(|found| found.iter().copied()).collect();
            let possible = all.into_iter().any(|v| self.is_chosen(v) || self.is_candidate(v));
            if !possible && need.strength != Strength::Recommends {
                let state = self.state(name);
                if !state.fixed {
                    state.candidate = state.current;
                    state.chosen = state.current;
                    state.installing = false;
                }
                return false;
            }
        }
        true
    }

    /// Turns off what cannot stand beside a candidate; what is there already must be upgraded out of the way.
    fn drive_out(&mut self, candidate: VersionId, fixed: bool, wished: bool, upgrades: &mut Vec<NameId>) -> bool {
        let mut good = true;
        let mut bad: Vec<NameId> = Vec::new();
        for refusal in self.universe.refusals(candidate).iter() {
            let violated = refusal.refused.iter().any(|v| self.is_chosen(*v));
            if !violated && !fixed {
                continue;
            }
            for v in refusal.refused.iter().copied() {
                let name = self.universe.version(v).name;
                let state = self.load(name);
                if state.candidate == Some(v) && state.current != Some(v) {
                    if state.installing && !self.turn_off(name) {
                        good = false;
                    } else if fixed {
                        let state = self.state(name);
                        state.candidate = state.chosen;
                        state.fixed |= state.current.is_none();
                    } else {
                        bad.push(name);
                    }
                } else if state.current == Some(v) {
                    // Nothing that is there is ever removed.
                    let other = state.candidate.is_some() && state.candidate != Some(v) && !bad.contains(&name);
                    if other {
                        upgrades.push(name);
                    } else if state.chosen == Some(v) {
                        good = false;
                    }
                }
                if !good && !fixed && !wished {
                    return false;
                }
            }
        }
        good
    }

    fn turn_off(&mut self, name: NameId) -> bool {
        let state = self.state(name);
        if !state.installing {
            return true;
        }
        if state.fixed {
            return false;
        }
        state.chosen = state.current;
        state.installing = false;
        true
    }

    /// The packages that are there and need the version that is about to be replaced.
    fn dependants_of_old(&mut self, name: NameId, candidate: VersionId) -> Vec<NameId> {
        let Some(current) = self.load(name).current.filter(|current| *current != candidate) else { return Vec::new() };
        let universe = self.universe;
        let mut found = Vec::new();
        for package in &universe.request.installed {
            let other = universe.name_id(&package.name);
            let state = self.load(other);
            let Some(installed) = state.current.filter(|_| !state.installing && other != name) else { continue };
            let needs_old =
                |solutions: &std::rc::Rc<[VersionId]>| solutions.contains(&current) && !solutions.contains(&candidate);
            if universe.requirements(installed).iter().any(|need| need.solutions.iter().any(needs_old)) {
                found.push(other);
            }
        }
        found
    }

    /// Packages that are there and were built from the same source go along to its new version.
    fn upgrade_siblings(&mut self, name: NameId, candidate: VersionId, depth: usize) {
        let universe = self.universe;
        let new = universe.version(candidate);
        let mut siblings = Vec::new();
        for package in universe.request.installed.iter().filter(|package| package.source == new.source) {
            let other = universe.name_id(&package.name);
            let state = self.load(other);
            let same_source = |v: VersionId| {
                let version = universe.version(v);
                version.source == new.source && version.source_version == new.source_version
            };
            let waits = state.candidate != state.current && !state.installing;
            if other != name && waits && state.candidate.is_some_and(same_source) {
                siblings.push(other);
            }
        }
        for deep in [false, true] {
            for sibling in &siblings {
                self.install(*sibling, deep, depth + 1, false);
            }
        }
    }

    fn upgrade(&mut self, names: &[NameId], depth: usize) -> bool {
        names.iter().all(|name| self.load(*name).installing || self.install(*name, true, depth + 1, false))
    }

    /// Chooses something for each need that nothing chosen meets.
    fn meet_needs(&mut self, candidate: VersionId, depth: usize, fixed: bool, wished: bool) -> bool {
        let mut good = true;
        for need in self.universe.requirements(candidate).iter() {
            let critical = need.strength != Strength::Recommends;
            let met = need.solutions.iter().any(|found| found.iter().any(|v| self.is_chosen(*v)));
            if met {
                // What meets it without alternative is as fixed as who needs it.
                if fixed && critical && !self.fix_only(&need.solutions, depth) {
                    good = false;
                }
                continue;
            }
            let choices = self.choices(need);
            let only = choices.len() == 1;
            let mut found = false;
            for v in choices {
                if !self.is_candidate(v) {
                    continue;
                }
                let name = self.universe.version(v).name;
                if fixed && critical && only {
                    if !self.install(name, false, depth + 1, false) {
                        continue;
                    }
                    self.state(name).fixed = true;
                }
                if self.install(name, true, depth + 1, false) {
                    found = true;
                    break;
                }
            }
            if !found && critical {
                good = false;
                if !fixed && !wished {
                    return false;
                }
            }
        }
        good
    }

    fn fix_only(&mut self, solutions: &[std::rc::Rc<[VersionId]>], depth: usize) -> bool {
        let mut possible = BTreeSet::new();
        for v in solutions.iter().flat_map(|found| found.iter().copied()) {
            let state = self.of(v);
            let out = state.fixed && !state.installing && state.current.is_none();
            if !out && (state.candidate == Some(v) || state.current == Some(v)) {
                possible.insert(v);
            }
        }
        let Some(only) = possible.first().copied().filter(|_| possible.len() == 1) else { return true };
        let name = self.universe.version(only).name;
        if self.load(name).fixed {
            return true;
        }
        self.state(name).fixed = true;
        self.install(name, true, depth + 1, false)
    }

    /// The candidates that meet a need, the best first: by alternative, then by [`Marks::compare`].
    fn choices(&mut self, need: &Requirement<'_>) -> Vec<VersionId> {
        let (mut there, mut new): (Vec<VersionId>, Vec<VersionId>) = (Vec::new(), Vec::new());
        for (atom, solutions) in need.clause.0.iter().zip(&need.solutions) {
            let target = if atom.qualifier == Some("any") { "" } else { atom.name };
            let mut found: Vec<VersionId> = solutions.iter().copied().filter(|v| self.is_candidate(*v)).collect();
            found.sort_by(|a, b| self.compare(*a, *b, target));
            for v in found {
                if self.of(v).current.is_some() { there.push(v) } else { new.push(v) }
            }
        }
        there.extend(new);
        there.dedup();
        there.retain(|v| {
            let state = self.of(*v);
            !(state.fixed && !state.installing && state.current.is_none())
        });
        there
    }

    /// Which of two packages is the better one to meet a need for `target`.
    fn compare(&mut self, a: VersionId, b: VersionId, target: &str) -> Ordering {
        let (state_a, state_b) = (self.of(a), self.of(b));
        first(state_a.fixed, state_b.fixed)
            .then(first(state_a.current.is_some(), state_b.current.is_some()))
            .then_with(|| self.universe.compare(a, b, target))
    }

    fn is_broken(&mut self, name: NameId) -> bool {
        let Some(chosen) = self.load(name).chosen else { return false };
        let universe = self.universe;
        let needs = universe.requirements(chosen);
        if needs.iter().any(|need| !need.solutions.iter().any(|found| found.iter().any(|v| self.is_chosen(*v)))) {
            return true;
        }
        let refusals = universe.refusals(chosen);
        refusals.iter().any(|refusal| refusal.refused.iter().any(|v| self.is_chosen(*v)))
    }

    fn is_anything_broken(&mut self) -> bool {
        let universe = self.universe;
        let chosen: Vec<VersionId> = self.states.values().filter_map(|state| state.chosen).collect();
        chosen.into_iter().any(|v| {
            let needs = universe.requirements(v);
            let met = needs.iter().all(|need| {
                need.strength == Strength::Recommends
                    || need.solutions.iter().any(|found| found.iter().any(|v| self.is_chosen(*v)))
            });
            let refusals = universe.refusals(v);
            !met || refusals.iter().any(|refusal| refusal.refused.iter().any(|v| self.is_chosen(*v)))
        })
    }

    /// What the wishes, and what is there already, need in any way: the rest was brought along by a failed attempt.
    fn needed(&mut self) -> BTreeSet<VersionId> {
        let roots = self.states.values().filter(|state| {
            let chosen = state.chosen.map(|v| self.universe.version(v));
            state.wished || state.current.is_some() || chosen.is_some_and(|v| v.essential || v.protected)
        });
        let mut open: Vec<VersionId> = roots.filter_map(|state| state.chosen).collect();
        let mut needed = BTreeSet::new();
        while let Some(v) = open.pop() {
            if needed.insert(v) {
                let needs = self.universe.requirements(v);
                let met = needs.iter().flat_map(|need| need.solutions.iter()).flat_map(|found| found.iter().copied());
                let met: Vec<VersionId> = met.collect();
                open.extend(met.into_iter().filter(|v| self.is_chosen(*v)));
            }
        }
        needed
    }
}
