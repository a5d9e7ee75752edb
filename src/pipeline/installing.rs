//! Packages that dpkg installs with their scripts: what is made ready for it, and what is told where it fails.

use super::error::Error;
use super::inputs::{Installed, PreparedStage, options, stored_tree};
use super::locking::Leveled;
use super::project::Project;
use super::session::Session;
use crate::compile::{CommandPlan, Inputs, Installation};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::packages::deb::resolve::Installed as Present;
use crate::packages::deb::set::install::{self, exit_code};
use crate::packages::deb::set::{self, Scripts, SetError};
use crate::packages::deb::{self, LockedPackage, version};
use crate::plan::{LockedSet, PlanError, Request};
use crate::spec::Base;
use crate::tree::{Entry, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// The largest database of dpkg that is read.
const MAX_STATUS: u64 = 256 << 20;

/// The page that tells of all this.
const PAGE: &str = "specs/language/packages.md";

/// What packages are installed upon.
pub(super) struct Upon<'a> {
    pub project: &'a Project,
    pub leveled: &'a Leveled<'a>,
    /// The files of a base that is an image.
    pub base: Option<&'a Tree>,
    /// The stages, one of which may be the base.
    pub stages: &'a [PreparedStage<'a>],
}

impl Upon<'_> {
    /// The locked packages that the base lacks, or has in an older version; without a base, all.
    pub(super) fn missing(&self, session: &Session<'_>, locked: &LockedSet) -> Result<Vec<LockedPackage>, Error> {
        let present = match self.base {
            Some(base) => self.of_image(session, base)?,
            None => self.of_stages(session)?,
        };
        let is_missing = |package: &&LockedPackage| {
            let present = present.get(&package.name);
            present.is_none_or(|present| version::compare(present, &package.version).is_lt())
        };
        Ok(locked.packages.iter().map(|entry| &entry.package).filter(is_missing).cloned().collect())
    }

    /// What dpkg says of itself in the base.
    fn of_image(&self, session: &Session<'_>, base: &Tree) -> Result<BTreeMap<String, String>, Error> {
        let at =
            |path: &str| base.resolve(path).ok().and_then(|place| base.get(&place)).filter(|entry| entry.is_file());
        let status = at("/var/lib/dpkg/status").and_then(Entry::content);
        let (Some(_), Some(status)) = (at("/usr/bin/dpkg"), status) else {
            return Err(no_dpkg(self.project, self.leveled));
        };
        let status = session.store.read(status, MAX_STATUS)?;
        let present = Present::read(&String::from_utf8_lossy(&status)).into_iter();
        Ok(present.map(|package| (package.name, package.version)).collect())
    }

    /// What is installed in the stage that is the base, and in those below it.
    fn of_stages(&self, session: &Session<'_>) -> Result<BTreeMap<String, String>, Error> {
        let mut present = BTreeMap::new();
        let mut upon = self.leveled;
        while let Some(Base::Stage(name)) = base_of(upon) {
            let Some(stage) = self.stages.iter().find(|stage| stage.name == name) else { break };
            upon = stage.leveled;
            let installed = stage.realised.sets.iter().flatten().flat_map(|set| &set.packages);
            // An upper stage has what is newer.
            for package in installed {
                present.entry(package.name.clone()).or_insert_with(|| package.version.clone());
            }
            if let Some(image) = &stage.realised.base {
                let below = Upon { leveled: upon, ..*self }.of_image(session, &*image.tree(session)?)?;
                for (name, version) in below {
                    present.entry(name).or_insert(version);
                }
            }
        }
        let is_upon_stage = matches!(base_of(self.leveled), Some(Base::Stage(_)));
        if is_upon_stage && !present.contains_key("dpkg") {
            return Err(no_dpkg(self.project, self.leveled));
        }
        Ok(present)
    }
}

fn base_of<'a>(leveled: &'a Leveled<'_>) -> Option<&'a Base> {
    leveled.image.base.as_ref().map(|base| &base.value)
}

fn no_dpkg(project: &Project, leveled: &Leveled<'_>) -> Error {
    let image = leveled.image;
    let span = image.base.as_ref().map_or(image.span, |base| base.span);
    let message = "the base has no dpkg, and so no scripts of packages can be executed in it";
    let help = "take a base with dpkg, such as `docker.io/library/debian` or a stage whose packages have \
        `scripts=\"run\"`, or none: then these bring all that a Debian system begins with";
    let diagnostic = Diagnostic::error("packages::no-dpkg", message, span, "there is no dpkg in it");
    let diagnostic = match image.runs_scripts() {
        Some(packages) => diagnostic.with_label(packages, "their scripts are to be executed"),
        None => diagnostic,
    };
    Error::Spec(Diagnostics::new(vec![diagnostic.with_help(help).with_page(PAGE)], project.sources.clone()))
}

/// Makes ready what dpkg takes to install `packages` upon a base or into a new system, and tells `inputs` of it. What
/// is returned has the packages' files as their archives have them.
pub(super) fn prepare(
    session: &Session<'_>,
    leveled: &Leveled<'_>,
    request: &Request,
    packages: Vec<LockedPackage>,
    base: Option<&Tree>,
    inputs: &mut Inputs,
) -> Result<Option<Installed>, Error> {
    if packages.is_empty() {
        return Ok(None);
    }
    session.phase("unpacking");
    let architecture =
        deb::architecture(&request.platform).ok_or_else(|| PlanError::Platform(request.platform.to_string()))?;
    let options = set::Options { scripts: Scripts::Leave, ..options(architecture, &leveled.levels) };
    let ignored: BTreeSet<String> = request.ignore_depends.values().flatten().cloned().collect();
    let ready = install::prepare(&session.store, &packages, &options, &ignored, !request.on_base)?;
    inputs.installations.push(Some(Installation {
        system: ready.system.map(|tree| stored_tree(&session.store, &tree)).transpose()?,
        kit: stored_tree(&session.store, &ready.kit)?,
    }));
    let set = set::compose(&session.store, &packages, &options, base)?;
    for warning in &set.warnings {
        session.warn(&format!("{}: {}", warning.package, warning.text));
    }
    Ok(Some(Installed::new(set, packages)))
}

/// An error that the spec's packages are to blame for, at their place.
pub(super) fn at(error: Error, span: Span, project: &Project) -> Error {
    let Error::Set(SetError::NoDpkg) = &error else { return error };
    let diagnostic = Diagnostic::error("packages::no-dpkg", error.to_string(), span, "asked for here").with_page(PAGE);
    Error::Spec(Diagnostics::new(vec![diagnostic], project.sources.clone()))
}

/// Why packages could not be installed, with what to do next, by what the program that calls dpkg said; none where
/// that says nothing.
pub(super) fn explained(command: &CommandPlan, code: i32, output: &str) -> Option<(String, String)> {
    let said = |kind: &str| -> Vec<String> {
        let mut lines: Vec<&str> = output.lines().filter_map(|line| line.trim_end().strip_prefix(kind)).collect();
        lines.dedup();
        lines.into_iter().map(str::to_owned).collect()
    };
    let shell = command.stage.as_ref().map(|stage| {
        format!(
            "; `kiln shell {stage}` opens a shell before any of them ran, in which `sh -x {}` runs them",
            install::PROGRAM
        )
    });
    let shell = shell.unwrap_or_default();
    match code {
        exit_code::NO_DPKG => Some((
            "the packages cannot be installed: there is no dpkg in what they are installed upon".into(),
            "take a base with dpkg, or none".into(),
        )),
        exit_code::ONE_USER => Some((
            "the packages cannot be installed: this user has one id here, and packages have files of several users".into(),
            "give this user subordinate ids (a line in /etc/subuid and in /etc/subgid, and the package `uidmap`), or build \
             as root"
                .into(),
        )),
        exit_code::PACKAGE => {
            let failed = said("kiln: failed: ");
            // Others fail because the first ones did.
            let own: Vec<&String> = failed.iter().filter(|line| !line.contains("dependency problems")).collect();
            let shown: Vec<String> = if own.is_empty() { failed.clone() } else { own.into_iter().cloned().collect() };
            let list: String = shown.iter().map(|line| format!("\n  {line}")).collect();
            let help = format!("see above what it said, then leave the package out or change what it finds{shell}");
            (!shown.is_empty()).then(|| (format!("dpkg cannot install the packages:{list}"), help))
        }
        exit_code::SECRET => {
            let list: String = said("kiln: secret: ").iter().map(|path| format!("\n  {path}")).collect();
            let help = "a key that everybody has is no secret: leave out the package, and have it made where the image runs";
            Some((format!("the scripts of the packages made private keys, which have no place in an image:{list}"), help.into()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
