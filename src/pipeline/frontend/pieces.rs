//! What kiln itself makes of packages and accounts, known by its place in the spec before it is made.
//!
//! A graph names trees by their digests, which nobody knows before the packages are unpacked. Here each has a name made of
//! what it is; the graph that a daemon gets has the outputs of a command in their place, in the order of this list. The
//! command makes the same list of the same spec and lock.

use super::{commits, images};
use crate::compile::{self, Compiled, Inputs, Installation};
use crate::diagnostic;
use crate::oci::{Digest, Platform};
use crate::packages::deb::LockedPackage;
use crate::pipeline::error::Error;
use crate::pipeline::inputs::{has_accounts, packages_up_to};
use crate::pipeline::locking::{Buildable, Leveled, request};
use crate::pipeline::project::Project;
use crate::plan::{Lock, Request};
use std::collections::BTreeMap;

/// An image or a stage with the names of what it takes.
pub(super) struct Subject<'a> {
    /// The stage's name; none for the target.
    pub stage: Option<&'a str>,
    /// The image or the stage.
    pub leveled: &'a Leveled<'a>,
    /// What it is for.
    pub platform: &'a Platform,
    /// What it takes.
    pub inputs: Inputs,
}

/// A tree that is made of packages or accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The packages up to a level.
    Packages,
    /// The account files up to a level.
    Accounts,
    /// The new system that dpkg installs packages into.
    System,
    /// What dpkg takes to install packages.
    Kit,
}

/// Which tree it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// The position of the subject.
    pub subject: usize,
    /// The level of it.
    pub level: usize,
    /// What is made there.
    pub kind: Kind,
}

impl Piece {
    /// The name that stands for the tree's digest.
    fn name(self) -> Digest {
        Digest::of(format!("kiln frontend: {:?} of level {} of {}", self.kind, self.level, self.subject))
    }
}

/// All trees that a target takes.
pub(super) struct Pieces<'a> {
    /// The stages, each behind those that it uses, and the target last.
    pub subjects: Vec<Subject<'a>>,
    /// The trees, in the order in which the command makes them.
    pub list: Vec<Piece>,
    /// The archives of all packages, by their digests, with what tells where they are.
    pub archives: BTreeMap<Digest, (LockedPackage, Request)>,
}

impl<'a> Pieces<'a> {
    /// Lists what `target` takes for a platform.
    pub(super) fn plan(
        project: &'a Project,
        buildable: &'a Buildable<'a>,
        target: &'a Leveled<'a>,
        platform: &'a Platform,
        lock: &Lock,
    ) -> Result<Self, Error> {
        let mut pieces = Pieces { subjects: Vec::new(), list: Vec::new(), archives: BTreeMap::new() };
        let stages = buildable.stages_of(project, target.image, platform).into_iter();
        let stages = stages.map(|(name, leveled, platform)| (Some(name), leveled, platform));
        for (stage, leveled, platform) in stages.chain([(None, target, platform)]) {
            pieces.add(project, lock, stage, leveled, platform)?;
        }
        Ok(pieces)
    }

    fn add(
        &mut self,
        project: &'a Project,
        lock: &Lock,
        stage: Option<&'a str>,
        leveled: &'a Leveled<'a>,
        platform: &'a Platform,
    ) -> Result<(), Error> {
        let subject = self.subjects.len();
        let mut inputs = Inputs { images: images::names(project, lock), ..Inputs::default() };
        inputs.commits =
            lock.commits.iter().map(|commit| (commit.source.clone(), commits::name(&commit.source))).collect();
        inputs.http = lock.downloads.iter().map(|download| (download.source.clone(), download.sha256)).collect();
        let locked = lock.set(&leveled.image.name.value.to_string(), platform);
        let request = request(project, &leveled.levels, platform)?;
        for level in 0..leveled.levels.len() {
            let mut name = |is_there: bool, kind| {
                let piece = Piece { subject, level, kind };
                self.list.extend(is_there.then_some(piece));
                is_there.then(|| piece.name())
            };
            let mut packages = locked.zip(request.as_ref()).into_iter().flat_map(|(locked, request)| {
                packages_up_to(&leveled.levels, locked, level).map(move |package| (package, request))
            });
            let first = packages.next();
            inputs.sets.push(name(first.is_some(), Kind::Packages));
            if let (Some((_, request)), Some(_)) = (&first, leveled.image.runs_scripts()) {
                let system = name(!request.on_base, Kind::System);
                inputs.installations.push(name(true, Kind::Kit).map(|kit| Installation { system, kit }));
            }
            inputs.accounts.push(name(leveled.levels[..=level].iter().any(has_accounts), Kind::Accounts));
            let archives = first.into_iter().chain(packages);
            self.archives.extend(archives.map(|(package, r)| (package.sha256, (package.clone(), r.clone()))));
        }
        self.subjects.push(Subject { stage, leveled, platform, inputs });
        Ok(())
    }

    /// The position of the tree with a name.
    pub(super) fn position(&self, name: &Digest) -> Option<usize> {
        self.list.iter().position(|piece| piece.name() == *name)
    }

    /// The graph of the target.
    pub(super) fn compile(&self, texts: &diagnostic::Sources) -> Result<Compiled, Error> {
        let Some((target, stages)) = self.subjects.split_last() else {
            return Err(Error::Mistake("nothing was asked for".into()));
        };
        let stages = stages.iter().map(|stage| (stage.stage.unwrap_or_default(), super::subject(stage)));
        Ok(compile::compile(super::subject(target), stages, texts)?)
    }
}

#[cfg(test)]
mod tests;
