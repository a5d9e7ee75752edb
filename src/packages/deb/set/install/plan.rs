//! In which order dpkg is called for which packages.
//!
//! What a system begins with is unpacked before dpkg runs for the first time, and dpkg then installs it once more, with
//! its scripts, whatever it depends on: as debootstrap and mmdebstrap do it. After that the rules of Debian's policy
//! hold: a package is unpacked when what it pre-depends on is configured, and everything is configured when what it
//! depends on is.

use super::super::super::unpack::Unpacked;
use super::super::order::{self, Relations};
use std::collections::BTreeSet;

/// These are installed first, one after the other: the accounts and the folders of a system are theirs.
const FIRST: [&str; 2] = ["base-passwd", "base-files"];

/// One call of dpkg, for these packages in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    Unpack { packages: Vec<usize>, force: bool },
    Configure { packages: Vec<usize>, force: bool },
}

/// The packages that a system begins with: the essential ones with all that they need, in order.
pub(super) fn system(packages: &[Unpacked]) -> Vec<usize> {
    let essential = (0..packages.len()).filter(|i| packages[*i].stanza.is_essential());
    let closure = Relations::new(packages).closure(essential);
    order::order(packages).into_iter().filter(|i| closure.contains(i)).collect()
}

/// The calls that install the packages; those of `system` are unpacked already and come first.
pub(super) fn plan(packages: &[Unpacked], system: &[usize]) -> Vec<Call> {
    let mut calls = Vec::new();
    let is_named = |i: &usize, name: &str| packages[*i].stanza.name() == name;
    let first = FIRST.iter().map(|name| system.iter().copied().filter(|i| is_named(i, name)).collect::<Vec<_>>());
    let others: Vec<usize> = system.iter().copied().filter(|i| !FIRST.iter().any(|name| is_named(i, name))).collect();
    for group in first.chain([others]).filter(|group| !group.is_empty()) {
        calls.push(Call::Unpack { packages: group.clone(), force: true });
        calls.push(Call::Configure { packages: group, force: true });
    }
    let relations = Relations::new(packages);
    let mut planning =
        Planning { configured: system.iter().copied().collect(), unpacked: Vec::new(), waiting: Vec::new() };
    for package in order::order(packages).into_iter().filter(|i| !system.contains(i)) {
        let before = relations.closure(relations.needs_by(package, "Pre-Depends"));
        planning.unpack(package, &before, &mut calls);
    }
    planning.flush(&mut calls);
    calls
}

struct Planning {
    configured: BTreeSet<usize>,
    /// Unpacked and not configured, in order.
    unpacked: Vec<usize>,
    /// To be unpacked by the next call.
    waiting: Vec<usize>,
}

impl Planning {
    /// Plans to unpack a package; those of `before` that are there are configured before that.
    fn unpack(&mut self, package: usize, before: &BTreeSet<usize>, calls: &mut Vec<Call>) {
        let is_open = |i: &usize| before.contains(i) && *i != package;
        if self.unpacked.iter().chain(&self.waiting).any(is_open) {
            self.flush(calls);
            let (ready, others): (Vec<usize>, Vec<usize>) = self.unpacked.iter().partition(|i| is_open(i));
            self.configured.extend(&ready);
            self.unpacked = others;
            calls.push(Call::Configure { packages: ready, force: false });
        }
        self.waiting.push(package);
    }

    fn flush(&mut self, calls: &mut Vec<Call>) {
        if !self.waiting.is_empty() {
            let packages = std::mem::take(&mut self.waiting);
            self.unpacked.extend(&packages);
            calls.push(Call::Unpack { packages, force: false });
        }
    }
}
