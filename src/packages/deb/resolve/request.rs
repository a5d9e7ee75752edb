//! What is asked of the resolver, and what it answers.

use super::edges::Edge;
use crate::packages::deb::LockedPackage;
use crate::packages::deb::control;
use std::collections::{BTreeMap, BTreeSet};

/// A package that is wished for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wish {
    /// Its name, or a name that exactly one package provides.
    pub name: String,
    /// Exactly this version.
    pub version: Option<String>,
    /// Only from this suite.
    pub suite: Option<String>,
}

impl Wish {
    /// A package in whatever version is best.
    pub fn named(name: impl Into<String>) -> Self {
        Wish { name: name.into(), version: None, suite: None }
    }

    /// Reads `name`, `name=version` or `name/suite`, as apt does.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, version, suite) = match (text.split_once('='), text.split_once('/')) {
            (Some((name, version)), _) => (name, Some(version), None),
            (None, Some((name, suite))) => (name, None, Some(suite)),
            (None, None) => (text, None, None),
        };
        let valid = crate::packages::deb::index::is_name(name)
            && version.is_none_or(crate::packages::deb::version::is_valid)
            && suite.is_none_or(|suite| !suite.is_empty());
        valid.then(|| Wish { name: name.into(), version: version.map(Into::into), suite: suite.map(Into::into) })
    }
}

impl std::fmt::Display for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        if let Some(version) = &self.version {
            write!(f, "={version}")?;
        }
        if let Some(suite) = &self.suite {
            write!(f, "/{suite}")?;
        }
        Ok(())
    }
}

/// What to resolve.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The wished packages, in the order in which they were written: the order can matter.
    pub wishes: Vec<Wish>,
    /// Whether recommended packages come along.
    pub recommends: bool,
    /// Dependencies that do not count: for a package the names that it need not have.
    pub ignore_depends: BTreeMap<String, BTreeSet<String>>,
    /// The packages that are there already, as those of a base image. They stay, or are replaced by newer versions.
    pub installed: Vec<Installed>,
    /// The versions that are taken where nothing speaks against them: those of the lock, by name.
    pub preferred: BTreeMap<String, String>,
}

/// A package that is there already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installed {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture, or `all`.
    pub architecture: String,
    /// The name of its source package.
    pub source: String,
    /// The version of its source package.
    pub source_version: String,
    /// The text of its `Multi-Arch` field.
    pub multi_arch: String,
    /// Its relations, as they stand in its control file.
    pub pre_depends: String,
    /// See [`Installed::pre_depends`].
    pub depends: String,
    /// See [`Installed::pre_depends`].
    pub recommends: String,
    /// See [`Installed::pre_depends`].
    pub conflicts: String,
    /// See [`Installed::pre_depends`].
    pub breaks: String,
    /// See [`Installed::pre_depends`].
    pub provides: String,
}

impl Installed {
    /// Reads a dpkg `status` file, or a file of `status.d`: all packages in it that are installed.
    pub fn read(status: &str) -> Vec<Self> {
        control::paragraphs(status).filter_map(Self::of).collect()
    }

    fn of(paragraph: control::Paragraph<'_>) -> Option<Self> {
        let text = |name| paragraph.get(name).unwrap_or_default().to_owned();
        // Files of `status.d` name no status: what stands there is installed.
        let status = paragraph.get("Status").unwrap_or("install ok installed");
        let (name, version) = (text("Package"), text("Version"));
        if name.is_empty() || version.is_empty() || status.split_ascii_whitespace().nth(2) != Some("installed") {
            return None;
        }
        let source = text("Source");
        let (source, source_version) = match source.split_once('(') {
            Some((source, version)) => (source.trim().to_owned(), version.trim().trim_end_matches(')').to_owned()),
            None if source.is_empty() => (name.clone(), version.clone()),
            None => (source, version.clone()),
        };
        Some(Installed {
            architecture: text("Architecture"),
            source,
            source_version,
            multi_arch: text("Multi-Arch"),
            pre_depends: text("Pre-Depends"),
            depends: text("Depends"),
            recommends: text("Recommends"),
            conflicts: text("Conflicts"),
            breaks: text("Breaks"),
            provides: text("Provides"),
            name,
            version,
        })
    }
}

/// The packages to add, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The packages.
    pub packages: Vec<Resolved>,
}

/// A package that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What a lock keeps of it.
    pub locked: LockedPackage,
    /// The number, in [`super::super::Indexes::list`], of the index that it is from.
    pub index: usize,
    /// Its section.
    pub section: String,
    /// Who maintains it.
    pub maintainer: String,
    /// The space that it takes, in KiB.
    pub installed_size: u64,
    /// Whether a Debian system cannot be without it.
    pub essential: bool,
    /// Whether it was wished for by name.
    pub wished: bool,
    /// The version that it takes the place of, where an older one is there already.
    pub replaces: Option<String>,
    /// What it needs: the numbers are those of [`Resolution::packages`].
    pub edges: Vec<Edge>,
}
