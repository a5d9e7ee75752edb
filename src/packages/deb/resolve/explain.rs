//! Why nothing satisfies: who wants what, and what stands against it.
//!
//! What must follow from the wishes is derived step by step, every step with its
//! reason, until two of them contradict each other. Where a choice is left that fails
//! either way, each way is told.

use super::Wish;
use super::complete::is_allowed;
use super::universe::{NameId, Strength, Universe, VersionId};
use std::collections::BTreeMap;

/// How many choices in a row are looked into.
const DEPTH: usize = 2;
/// How many ways of a choice are told.
const WAYS: usize = 6;

/// Why the wishes cannot be met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsatisfiable {
    /// No package has this name.
    #[error("{}", no_package(wish, providers, similar))]
    NoSuchPackage {
        /// The wish.
        wish: String,
        /// Packages that provide the name, where there are several.
        providers: Vec<String>,
        /// Packages whose names look alike.
        similar: Vec<String>,
    },
    /// The package is there, but not as wished.
    #[error("{wish}: there is no such version; there is {}", offered.join(", "))]
    NoSuchVersion {
        /// The wish.
        wish: String,
        /// The versions that there are, with their suites.
        offered: Vec<String>,
    },
    /// The wishes contradict each other or cannot be met.
    #[error("the packages cannot be installed together:{}", story.iter().map(|line| format!("\n  {line}")).collect::<String>())]
    Conflict {
        /// Step by step, from the wishes to the contradiction.
        story: Vec<String>,
    },
}

impl Unsatisfiable {
    pub(super) fn no_such_version(wish: &Wish, offered: Vec<(&str, Option<&str>)>) -> Self {
        let text = |(version, suite): (&str, Option<&str>)| match suite {
            Some(suite) => format!("{version} in {suite}"),
            None => format!("{version}, which is there already"),
        };
        Unsatisfiable::NoSuchVersion { wish: wish.to_string(), offered: offered.into_iter().map(text).collect() }
    }

    pub(super) fn no_such_package(wish: &Wish, providers: Vec<String>, similar: Vec<String>) -> Self {
        Unsatisfiable::NoSuchPackage { wish: wish.to_string(), providers, similar }
    }
}

fn no_package(wish: &str, providers: &[String], similar: &[String]) -> String {
    match (providers, similar) {
        ([], []) => format!("{wish}: there is no such package"),
        ([], _) => format!("{wish}: there is no such package; did you mean {}?", similar.join(" or ")),
        (providers, _) => format!(
            "{wish}: this is no package but a name that several provide; choose one of {}",
            providers.join(", ")
        ),
    }
}

/// Whether one name may be a slip of the other: one letter in three may be wrong, at most two.
pub(super) fn looks_like(a: &str, b: &str) -> bool {
    let limit = (a.len() / 3).clamp(1, 2);
    a.len().abs_diff(b.len()) <= limit && distance(a.as_bytes(), b.as_bytes()) <= limit
}

fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Tells why the wishes have no answer. Only for wishes that have none.
pub(super) fn explain(universe: &Universe<'_>) -> Unsatisfiable {
    let mut facts =
        Facts { universe, names: Vec::new(), must: BTreeMap::new(), out: BTreeMap::new(), fresh: Vec::new() };
    let story = match facts.begin() {
        Err(contradiction) => facts.tell(&contradiction),
        Ok(()) => facts.branch(DEPTH).unwrap_or_else(|| {
            let wishes: Vec<String> = universe.request.wishes.iter().map(Wish::to_string).collect();
            vec![format!("no combination of versions meets all of {} at once", wishes.join(", "))]
        }),
    };
    Unsatisfiable::Conflict { story }
}

/// Why a package must be there, or cannot be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    Wished,
    Installed,
    /// The need of this number of a package that must be there.
    NeededBy(VersionId, usize),
    /// The refusal of this number of a package that must be there.
    RefusedBy(VersionId, usize),
    /// Another version must be there.
    OtherVersion(VersionId),
    /// It is taken for a try.
    Tried,
    /// It may not be taken at all.
    NotAllowed,
}

enum Contradiction {
    /// A package that must be there needs something that cannot be.
    Unmet(VersionId, usize),
    /// A package must be there and cannot be.
    Both(VersionId, Reason, Reason),
    /// Nothing of a name can be there that must be, for the reason.
    NoVersion(NameId, Reason),
}

#[derive(Clone)]
struct Facts<'a, 'u> {
    universe: &'u Universe<'a>,
    /// What must be there in some version.
    names: Vec<(NameId, Reason)>,
    must: BTreeMap<VersionId, Reason>,
    out: BTreeMap<VersionId, Reason>,
    /// What must be there and was not looked at yet.
    fresh: Vec<VersionId>,
}

impl Facts<'_, '_> {
    fn begin(&mut self) -> Result<(), Contradiction> {
        let installed = self.universe.request.installed.iter().map(|package| self.universe.name_id(&package.name));
        let wished = self.universe.wished.iter().map(|name| (*name, Reason::Wished));
        self.names = wished.chain(installed.map(|name| (name, Reason::Installed))).collect();
        self.propagate()
    }

    /// Takes the only version that is left of a name that must be there in some version.
    fn settle(&mut self, name: NameId, reason: Reason) -> Result<(), Contradiction> {
        let versions = self.universe.name(name).versions.clone();
        if versions.iter().any(|v| self.must.contains_key(v)) {
            return Ok(());
        }
        let left: Vec<_> = versions.into_iter().filter(|v| self.is_possible(*v)).collect();
        match left.as_slice() {
            [] => Err(Contradiction::NoVersion(name, reason)),
            [only] => self.force(*only, reason),
            _ => Ok(()),
        }
    }

    /// Draws conclusions until there are no more.
    fn propagate(&mut self) -> Result<(), Contradiction> {
        loop {
            let before = (self.must.len(), self.out.len());
            for (name, reason) in self.names.clone() {
                self.settle(name, reason)?;
            }
            // What is new may exclude something, and then old needs may have fewer ways left.
            for v in self.must.keys().copied().collect::<Vec<_>>() {
                self.follow(v)?;
                while let Some(new) = self.fresh.pop() {
                    self.follow(new)?;
                }
            }
            if before == (self.must.len(), self.out.len()) {
                return Ok(());
            }
        }
    }

    /// Excludes what a package refuses, and takes what it needs without choice.
    fn follow(&mut self, v: VersionId) -> Result<(), Contradiction> {
        for (number, refusal) in self.universe.refusals(v).iter().enumerate() {
            for refused in refusal.refused.iter() {
                self.exclude(*refused, Reason::RefusedBy(v, number))?;
            }
        }
        for (number, need) in self.universe.requirements(v).iter().enumerate() {
            if need.strength == Strength::Recommends {
                continue;
            }
            match self.open(v, number).as_deref() {
                Some([]) => return Err(Contradiction::Unmet(v, number)),
                Some([only]) => self.force(*only, Reason::NeededBy(v, number))?,
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    /// What could still meet a need; nothing where it is met.
    fn open(&self, v: VersionId, number: usize) -> Option<Vec<VersionId>> {
        let needs = self.universe.requirements(v);
        let mut all: Vec<VersionId> = needs[number].solutions.iter().flat_map(|found| found.iter().copied()).collect();
        if all.iter().any(|v| self.must.contains_key(v)) {
            return None;
        }
        all.retain(|v| self.is_possible(*v));
        all.sort_unstable();
        all.dedup();
        Some(all)
    }

    fn is_possible(&self, v: VersionId) -> bool {
        !self.out.contains_key(&v) && is_allowed(self.universe, v)
    }

    fn force(&mut self, v: VersionId, reason: Reason) -> Result<(), Contradiction> {
        if self.must.contains_key(&v) {
            return Ok(());
        }
        if let Some(against) = self.out.get(&v) {
            return Err(Contradiction::Both(v, reason, *against));
        }
        self.must.insert(v, reason);
        self.fresh.push(v);
        let name = self.universe.name(self.universe.version(v).name);
        for other in name.versions.iter().copied().filter(|other| *other != v) {
            self.exclude(other, Reason::OtherVersion(v))?;
        }
        Ok(())
    }

    fn exclude(&mut self, v: VersionId, reason: Reason) -> Result<(), Contradiction> {
        if let Some(wanted) = self.must.get(&v) {
            return Err(Contradiction::Both(v, *wanted, reason));
        }
        self.out.entry(v).or_insert(reason);
        Ok(())
    }

    /// Tries every way of the narrowest choice that is left, and tells why each fails.
    fn branch(&self, depth: usize) -> Option<Vec<String>> {
        if depth == 0 {
            return None;
        }
        let choices = self.must.keys().flat_map(|v| {
            let needs = self.universe.requirements(*v).len();
            (0..needs).filter_map(|number| Some((*v, number, self.open(*v, number)?)))
        });
        let critical =
            choices.filter(|(v, number, _)| self.universe.requirements(*v)[*number].strength != Strength::Recommends);
        let mut narrow: Vec<_> = critical.filter(|(_, _, ways)| ways.len() <= WAYS).collect();
        narrow.sort_by_key(|(_, _, ways)| ways.len());
        narrow.into_iter().find_map(|(v, number, ways)| self.try_all(v, number, &ways, depth))
    }

    fn try_all(&self, v: VersionId, number: usize, ways: &[VersionId], depth: usize) -> Option<Vec<String>> {
        let mut story = self.reasons(v);
        story.push(format!("{}, but nothing of that can be taken:", self.need(v, number)));
        for way in ways {
            let mut facts = self.clone();
            let told = match facts.force(*way, Reason::Tried).and_then(|()| facts.propagate()) {
                Err(contradiction) => facts.tell(&contradiction),
                Ok(()) => facts.branch(depth - 1)?,
            };
            story.push(format!("- {}:", self.universe.label(*way)));
            story.extend(told.into_iter().map(|line| format!("  {line}")));
        }
        Some(story)
    }

    fn tell(&self, contradiction: &Contradiction) -> Vec<String> {
        let mut story = Vec::new();
        match contradiction {
            Contradiction::NoVersion(name, reason) => {
                let name = self.universe.name(*name);
                let why = if *reason == Reason::Installed { "is there already" } else { "is wished for" };
                story.push(format!("{} {why}", name.text));
                for v in &name.versions {
                    if let Some(reason) = self.out.get(v) {
                        story.extend(self.against(*v, *reason));
                    }
                }
            }
            Contradiction::Unmet(v, number) => {
                story.extend(self.reasons(*v));
                let needs = self.universe.requirements(*v);
                let all: Vec<VersionId> =
                    needs[*number].solutions.iter().flat_map(|found| found.iter().copied()).collect();
                if all.is_empty() {
                    story.push(format!(
                        "{}, which nothing offers{}",
                        self.need(*v, *number),
                        self.instead(*v, *number)
                    ));
                } else {
                    story.push(format!("{}, but:", self.need(*v, *number)));
                    for solution in all {
                        let reason = self.out.get(&solution).copied().unwrap_or(Reason::NotAllowed);
                        story.extend(self.against(solution, reason));
                    }
                }
            }
            Contradiction::Both(v, wanted, against) => {
                story.extend(self.reason(*v, *wanted));
                story.extend(self.against(*v, *against));
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        story.retain(|line| seen.insert(line.clone()));
        story
    }

    /// The chain of reasons from a wish to a package.
    fn reasons(&self, v: VersionId) -> Vec<String> {
        self.must.get(&v).map(|reason| self.reason(v, *reason)).unwrap_or_default()
    }

    fn reason(&self, v: VersionId, reason: Reason) -> Vec<String> {
        match reason {
            Reason::Wished => {
                let name = self.universe.name(self.universe.version(v).name);
                let wish = self.universe.request.wishes.iter().find(|wish| wish.name == name.text);
                vec![format!("{} is wished for", wish.map_or(name.text.to_owned(), Wish::to_string))]
            }
            Reason::Installed => vec![format!("{} is there already", self.universe.label(v))],
            Reason::NeededBy(by, number) => {
                let mut story = self.reasons(by);
                story.push(self.need(by, number));
                story
            }
            Reason::Tried | Reason::RefusedBy(..) | Reason::OtherVersion(_) | Reason::NotAllowed => Vec::new(),
        }
    }

    fn against(&self, v: VersionId, reason: Reason) -> Vec<String> {
        let label = self.universe.label(v);
        match reason {
            Reason::RefusedBy(by, number) => {
                let mut story = self.reasons(by);
                let refusals = self.universe.refusals(by);
                let verb = if refusals[number].breaks { "breaks" } else { "conflicts with" };
                let atom = refusals[number].atom;
                let name = self.universe.name(self.universe.version(v).name);
                let through = if atom.name == name.text { String::new() } else { format!(", which {label} provides") };
                story.push(format!("{} {verb} {atom}{through}", self.universe.label(by)));
                story
            }
            Reason::OtherVersion(other) => {
                let mut story = self.reasons(other);
                story.push(format!("{label} cannot stand beside {}", self.universe.label(other)));
                story
            }
            _ => {
                let suite = self.universe.suite(v).map(|suite| format!(" of {suite}")).unwrap_or_default();
                vec![format!("{label}{suite} is not taken unless it is wished for by version or suite")]
            }
        }
    }

    fn need(&self, v: VersionId, number: usize) -> String {
        format!("{} needs {}", self.universe.label(v), self.universe.requirements(v)[number].clause)
    }

    /// What there is of the names that a need asks for, in versions that do not meet it.
    fn instead(&self, v: VersionId, number: usize) -> String {
        let needs = self.universe.requirements(v);
        let names = needs[number].clause.0.iter().map(|atom| self.universe.name(self.universe.name_id(atom.name)));
        let there: Vec<String> = names.flat_map(|name| name.versions.clone()).map(|v| self.universe.label(v)).collect();
        if there.is_empty() { String::new() } else { format!("; there is {}", there.join(", ")) }
    }
}
