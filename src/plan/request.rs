//! What an image asks of package sources: all levels as one.

use super::level::Level;
use crate::oci::{Digest, Platform};
use crate::spec::{Apt, Spec};
use std::collections::{BTreeMap, BTreeSet};

/// What one image for one platform asks of package sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The platform.
    pub platform: Platform,
    /// The package sources that the wishes name, by name.
    pub sources: Vec<RequestedSource>,
    /// The wishes of all levels, the lowest level's first.
    pub wishes: Vec<RequestedWish>,
    /// Dependencies that do not count: the package, and the names that it does not need here.
    pub ignore_depends: BTreeMap<String, BTreeSet<String>>,
    /// Whether dpkg executes maintainer scripts; without a base that takes all that a Debian system begins with.
    pub runs_scripts: bool,
    /// Whether a base is below, which has that already.
    pub on_base: bool,
}

/// A package source with its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedSource {
    /// As the spec says it.
    pub apt: Apt,
    /// The contents of its keyring files; empty for Debian's own keys.
    pub keyrings: Vec<Vec<u8>>,
}

/// A package that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedWish {
    /// The position of the level that wants it.
    pub level: usize,
    /// The package source.
    pub apt: String,
    /// The package.
    pub name: String,
    /// Exactly this version.
    pub version: Option<String>,
    /// Only from this suite.
    pub suite: Option<String>,
    /// Whether what it recommends is wanted too.
    pub recommends: bool,
}

impl Request {
    /// What the last of `levels` asks for; none where no level wants a package.
    ///
    /// A package source that the image's own spec declares stands for a base's of the same name.
    /// `keyring` gives the content of a file that the image's spec names.
    pub fn of<E>(
        levels: &[Level],
        platform: &Platform,
        mut keyring: impl FnMut(&str) -> Result<Vec<u8>, E>,
    ) -> Result<Option<Self>, E> {
        let wishes: Vec<RequestedWish> = levels.iter().enumerate().flat_map(|(i, level)| wishes_of(i, level)).collect();
        let Some(top) = levels.last().filter(|_| !wishes.is_empty()) else { return Ok(None) };
        let mut sources = BTreeMap::new();
        for wish in &wishes {
            if sources.contains_key(&wish.apt) {
                continue;
            }
            let own = |spec: &Spec| spec.apt(&wish.apt).cloned();
            let Some(apt) = own(&top.spec).or_else(|| levels.iter().find_map(|level| own(&level.spec))) else {
                continue;
            };
            let keyrings = apt.keyrings.iter().map(|path| keyring(path)).collect::<Result<_, E>>()?;
            sources.insert(wish.apt.clone(), RequestedSource { apt, keyrings });
        }
        let ignored = levels.iter().flat_map(|level| &level.image.packages).flat_map(|p| &p.ignore_depends);
        let mut ignore_depends: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for ignore in ignored {
            let names = ignore_depends.entry(ignore.package.value.clone()).or_default();
            names.extend(ignore.names.iter().map(|name| name.value.clone()));
        }
        let sources = sources.into_values().collect();
        Ok(Some(Request {
            platform: platform.clone(),
            sources,
            wishes,
            ignore_depends,
            runs_scripts: top.image.runs_scripts().is_some(),
            on_base: top.image.base.is_some(),
        }))
    }

    /// Whether the packages are wanted that every Debian system has.
    pub fn wants_essential(&self) -> bool {
        self.runs_scripts && !self.on_base
    }

    /// The digest of all that decides the answer but for the archives' content: where
    /// mirrors stand is not part of it, because it never matters for the result.
    pub fn digest(&self) -> Digest {
        let sources: Vec<_> = self.sources.iter().map(source_key).collect();
        let wishes: Vec<_> = self
            .wishes
            .iter()
            .map(|w| serde_json::json!([w.level, w.apt, w.name, w.version, w.suite, w.recommends]))
            .collect();
        let mut key = serde_json::json!({ "platform": self.platform.to_string(), "sources": sources, "wishes": wishes,
            "ignore-depends": self.ignore_depends });
        if self.runs_scripts {
            key["scripts"] = serde_json::json!({ "run": true, "essential": self.wants_essential() });
        }
        Digest::of(key.to_string())
    }
}

fn source_key(source: &RequestedSource) -> serde_json::Value {
    let apt = &source.apt;
    let suites: Vec<_> = apt.suites.iter().map(|s| serde_json::json!([s.name.value, s.check_valid_until])).collect();
    let components: Vec<_> = apt.components.iter().map(|c| &c.value).collect();
    let keyrings: Vec<_> = source.keyrings.iter().map(|bytes| Digest::of(bytes).to_string()).collect();
    serde_json::json!([apt.name.value, suites, components, keyrings])
}

fn wishes_of(position: usize, level: &Level) -> Vec<RequestedWish> {
    let packages = level.image.packages.iter();
    packages
        .flat_map(|packages| {
            packages.add.iter().map(move |wish| RequestedWish {
                level: position,
                apt: packages.apt.value.clone(),
                name: wish.name.value.clone(),
                version: wish.version.clone(),
                suite: wish.suite.as_ref().map(|s| s.value.clone()),
                recommends: packages.recommends,
            })
        })
        .collect()
}
