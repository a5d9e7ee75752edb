//! How a build was done, as provenance tells it.

use super::assemble::{Made, compression};
use super::build::Build;
use super::commands;
use super::commits;
use super::error::Error;
use super::inputs::PreparedStage;
use super::inventory::{described, indexes, lock_file, spec_files};
use super::locking::Leveled;
use crate::compile::Compiled;
use crate::evidence::PackageIndex;
use crate::evidence::provenance::{self, Builder, BuiltStage, Dependency, Run, UsedImage};
use crate::llb::Graph;
use crate::oci::{Digest, Platform};
use crate::packages::deb;
use crate::spec::{self, Base, SourceKind};
use std::collections::{BTreeMap, BTreeSet};

/// What an image for one platform took from outside, as far as only its build knows.
pub(super) struct Used<'a> {
    /// The trees of its contexts.
    pub contexts: &'a BTreeMap<String, Digest>,
    /// The images that it stands on or copies from.
    pub images: &'a BTreeMap<String, UsedImage>,
    /// Where commands ran for it.
    pub stages: &'a [BuiltStage],
}

impl Build<'_> {
    /// What is told of a build of these platforms.
    pub(super) fn told(
        &self,
        leveled: &Leveled<'_>,
        platforms: &[Platform],
        used: &[Used<'_>],
    ) -> Result<provenance::Build, Error> {
        let mut specs = spec_files(self.sources).into_iter();
        let spec = specs.next().ok_or_else(|| Error::Mistake("a spec has no text".into()))?;
        let indexes = indexes(self.locked);
        let mut dependencies: BTreeSet<Dependency> = BTreeSet::new();
        for platform in platforms {
            self.add_packages(leveled, platform, &indexes, &mut dependencies);
        }
        for source in &self.project.spec.sources {
            for used in used {
                dependencies.extend(self.dependencies(leveled, source, used));
            }
        }
        let compression = compression(leveled.image.layers);
        let unchecked = self.project.spec.apts.iter().flat_map(|apt| &apt.suites).filter(|s| !s.check_valid_until);
        Ok(provenance::Build {
            image: leveled.image.name.value.to_string(),
            spec,
            includes: specs.collect(),
            lock: lock_file(self.project, self.locked),
            args: self.project.args.clone(),
            platforms: platforms.to_vec(),
            options: BTreeMap::new(),
            repository: self.revision.repository(),
            dependencies: dependencies.into_iter().collect(),
            stages: used.iter().flat_map(|used| used.stages).cloned().collect(),
            epoch: self.revision.epoch,
            kiln_version: env!("CARGO_PKG_VERSION").into(),
            compressors: [(compression.name(), compression.compressor().to_owned())].into(),
            unchecked_valid_until: unchecked.map(|suite| suite.name.value.clone()).collect(),
            layers_by: self.options.engine_output.then(|| "buildkit".to_owned()),
            builder: match (&self.options.keys.ci, self.identity.local) {
                (Some(service), false) => Builder::Ci { service: service.clone() },
                _ => Builder::Local,
            },
            run: self.options.record_run.then(|| Run {
                invocation_id: format!("{}-{}", self.started_on, std::process::id()),
                started_on: self.started_on.as_second(),
                finished_on: self.session.clock().as_second(),
            }),
        })
    }

    /// Where commands ran for an image for one platform: its stages, and the image itself.
    pub(super) fn stages(
        &self,
        stages: &[PreparedStage<'_>],
        compiled: &Compiled,
        graph: &Graph,
        made: &Made,
    ) -> Result<Vec<BuiltStage>, Error> {
        let indexes = indexes(self.locked);
        let steps = |stage| commands::steps(compiled, graph, made, self.sources, stage);
        let mut built = Vec::new();
        for stage in stages {
            let mut dependencies = BTreeSet::new();
            self.add_packages(stage.leveled, stage.platform, &indexes, &mut dependencies);
            let used = Used { contexts: &made.contexts, images: &stage.realised.used, stages: &[] };
            let named: BTreeSet<&str> = stage.leveled.image.sources().collect();
            let sources = self.project.spec.sources.iter().filter(|source| named.contains(source.name.as_str()));
            dependencies.extend(sources.flat_map(|source| self.dependencies(stage.leveled, source, &used)));
            built.push(BuiltStage {
                name: Some(stage.name.to_owned()),
                platform: stage.platform.clone(),
                dependencies: dependencies.into_iter().collect(),
                steps: steps(Some(stage.name))?,
            });
        }
        let own = steps(None)?;
        if !own.is_empty() {
            let platform = made.image.platform.clone();
            built.push(BuiltStage { name: None, platform, dependencies: Vec::new(), steps: own });
        }
        Ok(built)
    }

    fn add_packages(
        &self,
        leveled: &Leveled<'_>,
        platform: &Platform,
        indexes: &[PackageIndex],
        dependencies: &mut BTreeSet<Dependency>,
    ) {
        let Some(set) = self.locked.lock.set(&leveled.image.name.value.to_string(), platform) else { return };
        let architecture = deb::architecture(platform).unwrap_or_default();
        for entry in &set.packages {
            let package = &entry.package;
            let used = self.locked.lock.indexes.iter().position(|index| {
                index.archive == package.archive
                    && index.suite == package.suite
                    && (index.architecture == architecture || index.architecture == "all")
            });
            dependencies.extend(used.map(|i| Dependency::Index(indexes[i].clone())));
            dependencies.insert(Dependency::of_package(&described(package, used), indexes));
        }
    }

    /// What a source brought: nothing where it was not used, and of a commit its submodules too.
    fn dependencies(&self, leveled: &Leveled<'_>, source: &spec::Source, used: &Used<'_>) -> Vec<Dependency> {
        match &source.kind {
            SourceKind::Git(_) => {
                let is_used = leveled.image.sources().any(|name| *name == source.name.value);
                let locked = self.locked.lock.commit(&source.name).filter(|_| is_used);
                locked.map(commits::dependencies).unwrap_or_default()
            }
            _ => self.dependency(leveled, source, used).into_iter().collect(),
        }
    }

    fn dependency(&self, leveled: &Leveled<'_>, source: &spec::Source, used: &Used<'_>) -> Option<Dependency> {
        let name = &source.name.value;
        match &source.kind {
            SourceKind::Git(_) => None,
            SourceKind::Context(_) => {
                used.contexts.get(name).map(|tree| Dependency::Context { name: name.clone(), tree: *tree })
            }
            SourceKind::Http(http) => {
                let digest = self.locked.lock.download(name)?.sha256;
                Some(Dependency::Http { url: http.url.value.clone(), digest })
            }
            SourceKind::Oci(_) | SourceKind::Image(_) => {
                let image = used.images.get(name)?.clone();
                let base = leveled.levels.first()?.image.base.as_ref().map(|base| &base.value);
                Some(match base {
                    Some(Base::Source(base)) if base == name => Dependency::Base(image),
                    _ => Dependency::Oci(image),
                })
            }
        }
    }
}
