//! Everything in an image with its owner, for the bills of materials.

use super::assemble::{Assembly, Made, Solution};
use super::attribution::{Attribution, Grown};
use super::commands;
use super::commits;
use super::error::Error;
use super::images;
use super::inputs::{Installed, PreparedStage, Realised};
use super::locking::{Leveled, Locked};
use super::project::Project;
use crate::catalog::OsRelease;
use crate::compile::{Inputs, Move, Origin};
use crate::diagnostic::{Sources, Span};
use crate::evidence::contents::{Catalogued, catalogue};
use crate::evidence::{
    Base, File, FileKind, ImageIdentity, Inventory, Layer, Location, Owner, Package, PackageIndex, Source, SourceKind,
    SpecFile, Stage, Step, bytes_text, licence, path_text, sbom,
};
use crate::llb::Graph;
use crate::oci::Digest;
use crate::packages::deb;
use crate::packages::deb::resolve::{self, Facts};
use crate::spec;
use crate::store::Store;
use crate::tree::{Change, Entry, Node, Tree, TreePath};
use std::collections::{BTreeMap, BTreeSet};

/// What an inventory is taken of.
pub(super) struct Taking<'a> {
    /// What the image is made of.
    pub of: Assembly<'a>,
    pub stages: &'a [PreparedStage<'a>],
    pub graph: &'a Graph,
    pub locked: &'a Locked,
}

impl Taking<'_> {
    /// The files of an image, with their owners.
    pub(super) fn files(&self, solved: &Solution) -> Result<Vec<File>, Error> {
        let (image, stages, named) = (self.image(solved), self.grown(solved), self.used_sources());
        let (commands, sources) = (&self.of.compiled.commands, self.of.sources);
        let attribution = Attribution { sources, named: &named, commands, stages: &stages };
        let base = self.of.realised.base.as_ref().map(|base| base.flat(self.of.session)).transpose()?;
        let own = self.layers_above(&solved.changes);
        let tree = image.last();
        let owned = attribution.of(&image)?.into_iter();
        let files = owned.filter_map(|(path, owner)| {
            let layer = own.get(&path).or_else(|| base.as_ref()?.layer_of.get(&path)).copied().unwrap_or(0);
            Some(file(&path, tree.get(&path)?, owner, layer))
        });
        let mut files: Vec<File> = files.collect();
        sbom::fill_sha1(&mut files, &self.of.session.store)?;
        Ok(files)
    }

    /// The inventory of an image with these files.
    pub(super) fn take(&self, made: &Made, solved: &Solution, files: Vec<File>) -> Result<Inventory, Error> {
        let (grown, stages, named) = (self.image(solved), self.grown(solved), self.used_sources());
        let installed = self.of.realised.sets.last().and_then(Option::as_ref);
        let packages = self.packages(self.of.leveled, installed, &grown.last())?;
        let image = self.of.leveled.image;
        let label = |name: &str| {
            let of = |list: &[spec::Pair]| list.iter().find(|p| p.name.value == name).map(|p| p.value.value.clone());
            of(&image.labels).or_else(|| of(&image.annotations))
        };
        let distribution = packages.first().map(|package| OsRelease {
            id: package.distro.clone(),
            version: package.distro_version.clone(),
            like: Vec::new(),
        });
        let catalogued = self.catalogued(&grown.last(), distribution, &files)?;
        let mut inventory = Inventory {
            image: ImageIdentity {
                name: image.name.value.to_string(),
                digest: made.image.manifest.digest,
                platform: made.image.platform.clone(),
                supplier: label("org.opencontainers.image.vendor"),
                version: label("org.opencontainers.image.version"),
            },
            epoch: self.of.revision.epoch,
            kiln_version: env!("CARGO_PKG_VERSION").into(),
            layers: made.image.layers.iter().map(layer).collect(),
            packages,
            edges: installed.map(edges).unwrap_or_default(),
            indexes: indexes(self.locked),
            sources: named.iter().map(|source| self.source(source, made)).collect::<Result<_, _>>()?,
            bases: self.bases(self.of.leveled, self.of.realised),
            specs: spec_files(self.of.sources),
            lock: lock_file(self.of.project, self.locked),
            stages: stages.iter().map(|stage| self.stage(stage, made)).collect::<Result<_, _>>()?,
            steps: self.steps(None, made)?,
            files,
            catalogued,
        };
        stood_on(&mut inventory, &grown.moves[..1.min(grown.moves.len())]);
        Ok(inventory)
    }

    /// The packages that files tell of; `known` is the distribution of those that kiln installed.
    fn catalogued(&self, tree: &Tree, known: Option<OsRelease>, files: &[File]) -> Result<Catalogued, Error> {
        let session = self.of.session;
        session.phase("cataloguing");
        let owned = files.iter().filter(|file| file.owner.is_package()).map(|file| file.path.as_str());
        let owned: BTreeSet<&str> = owned.collect();
        let is_owned = |path: &TreePath| owned.contains(path_text(path.as_bytes()).as_str());
        let catalogued = catalogue(tree, known, is_owned, &session.store)?;
        session.phase("describing");
        if let [(path, reason), others @ ..] = catalogued.unread.as_slice() {
            let others =
                if others.is_empty() { String::new() } else { format!("; and so for {} more files", others.len()) };
            session.warn(&format!("the bill of materials lacks what is in {path}: {reason}{others}"));
        }
        Ok(catalogued)
    }

    fn image<'b>(&'b self, solved: &'b Solution) -> Grown<'b> {
        Grown::new(None, self.of.leveled, self.of.realised, &self.of.compiled.recipe.moves, &solved.trees)
    }

    fn grown<'b>(&'b self, solved: &'b Solution) -> Vec<Grown<'b>> {
        let grown = self.stages.iter().filter_map(|stage| {
            let (moves, trees) = (self.of.compiled.stages.get(stage.name)?, solved.stages.get(stage.name)?);
            // Of a stage that a daemon made not all states are known.
            let moves = &moves[..trees.len()];
            Some(Grown::new(Some(stage.name), stage.leveled, &stage.realised, moves, trees))
        });
        grown.collect()
    }

    /// A stage as evidence.
    fn stage(&self, grown: &Grown<'_>, made: &Made) -> Result<Stage, Error> {
        let name = grown.stage.unwrap_or_default();
        let installed = grown.realised.sets.last().and_then(Option::as_ref);
        let prepared = self.stages.iter().find(|stage| stage.name == name);
        let platform = prepared.map_or(&made.image.platform, |stage| stage.platform).clone();
        let from: BTreeSet<&str> = grown.leveled.image.sources().collect();
        Ok(Stage {
            name: name.to_owned(),
            platform,
            location: Some(self.location(grown.leveled.image.span)),
            packages: self.packages(grown.leveled, installed, &grown.last())?,
            edges: installed.map(edges).unwrap_or_default(),
            bases: self.bases(grown.leveled, grown.realised),
            from: from.into_iter().map(str::to_owned).collect(),
            steps: self.steps(Some(name), made)?,
        })
    }

    fn steps(&self, stage: Option<&str>, made: &Made) -> Result<Vec<Step>, Error> {
        commands::steps(self.of.compiled, self.graph, made, self.of.sources, stage)
    }

    /// The sources that anything of the image or of its stages takes, in the order of the spec.
    fn used_sources(&self) -> Vec<&spec::Source> {
        let images = self.stages.iter().map(|stage| stage.leveled.image).chain([self.of.leveled.image]);
        let moves = self.of.compiled.stages.values().flatten().chain(&self.of.compiled.recipe.moves);
        let copied = moves.filter_map(|m| match &m.origin {
            Origin::Step { source: Some(source), .. } => Some(source.as_str()),
            _ => None,
        });
        let around = images.flat_map(|image| {
            image.runs().map(|run| &run.surroundings).chain([&image.surroundings]).filter(|_| image.runs().count() > 0)
        });
        let mounted = around.flat_map(|around| &around.mounts).map(|mount| mount.from.as_str());
        // What commands ran in is something that they saw.
        let has_commands = |image: &&spec::Image| image.runs().next().is_some() || image.runs_scripts().is_some();
        let of_stages = self.stages.iter().map(|stage| stage.leveled.image);
        let stood_on = of_stages.chain(Some(self.of.leveled.image).filter(has_commands)).filter_map(|image| {
            let base = image.base.as_ref().map(|base| &base.value);
            if let Some(spec::Base::Source(name)) = base { Some(name.as_str()) } else { None }
        });
        let used: BTreeSet<&str> = copied.chain(mounted).chain(stood_on).collect();
        self.of.project.spec.sources.iter().filter(|source| used.contains(source.name.value.as_str())).collect()
    }

    fn source(&self, source: &spec::Source, made: &Made) -> Result<Source, Error> {
        let name = &source.name.value;
        let missing = || Error::Mistake(format!("source {name} was used and has no digest"));
        let (kind, digest) = match &source.kind {
            spec::SourceKind::Context(_) => (SourceKind::Context, made.contexts.get(name)),
            spec::SourceKind::Http(http) => {
                (SourceKind::Http { url: http.url.value.clone() }, self.input(|inputs| inputs.http.get(name)))
            }
            spec::SourceKind::Git(_) => {
                let locked = self.locked.lock.commit(name).ok_or_else(missing)?;
                (SourceKind::Git(commits::told(locked)), Some(&locked.tree))
            }
            image @ (spec::SourceKind::Oci(_) | spec::SourceKind::Image(_)) => {
                let reference = images::shown(image).unwrap_or_default();
                (SourceKind::Oci { reference }, self.input(|inputs| inputs.images.get(name)))
            }
        };
        let digest = *digest.ok_or_else(missing)?;
        Ok(Source { name: name.clone(), kind, digest, location: Some(self.location(source.span)) })
    }

    /// Something that the image or one of its stages takes.
    fn input(&self, pick: impl Fn(&Inputs) -> Option<&Digest>) -> Option<&Digest> {
        let all = self.stages.iter().map(|stage| &stage.realised.inputs).chain([&self.of.realised.inputs]);
        all.into_iter().find_map(pick)
    }

    fn bases(&self, leveled: &Leveled<'_>, realised: &Realised) -> Vec<Base> {
        let Some(base) = &realised.base else { return Vec::new() };
        let span = leveled.levels.first().and_then(|level| level.image.base.as_ref()).map(|base| base.span);
        let location = span.map(|span| self.location(span));
        let (reference, claims) = (base.used.reference.clone(), base.claims.clone());
        vec![Base { reference, digest: base.manifest.digest, location, claims }]
    }

    fn location(&self, span: Span) -> Location {
        location(self.of.sources, span)
    }

    fn packages(
        &self,
        leveled: &Leveled<'_>,
        installed: Option<&Installed>,
        tree: &Tree,
    ) -> Result<Vec<Package>, Error> {
        let Some(installed) = installed else { return Ok(Vec::new()) };
        let requested: BTreeMap<&str, Span> = leveled
            .levels
            .iter()
            .flat_map(|level| &level.image.packages)
            .flat_map(|packages| &packages.add)
            .map(|wish| (wish.name.value.as_str(), wish.name.span))
            .collect();
        let indexes = indexes(self.locked);
        let packages = installed.packages.iter().zip(&installed.set.packages);
        packages
            .map(|(package, control)| {
                let field = |name: &str| control.get(name).map(str::to_owned);
                Ok(Package {
                    maintainer: field("Maintainer"),
                    licence: copyright(&self.of.session.store, tree, &package.name)?,
                    homepage: field("Homepage"),
                    section: field("Section"),
                    summary: field("Description").and_then(|text| text.lines().next().map(str::to_owned)),
                    essential: control.get("Essential") == Some("yes"),
                    requested: requested.contains_key(package.name.as_str()),
                    location: requested.get(package.name.as_str()).map(|span| self.location(*span)),
                    ..described(package, index_of(package, &indexes))
                })
            })
            .collect()
    }

    /// For each path that a layer above the base's own puts, the uppermost of these layers.
    fn layers_above<'c>(&self, changes: &'c [Change]) -> BTreeMap<&'c TreePath, usize> {
        let base = self.of.realised.base.as_ref();
        let kept = base.map_or(0, |base| base.steps.iter().filter(|step| step.layer.is_some()).count());
        let of_change = |(position, change): (usize, &'c Change)| {
            let files = change.entries.iter().filter(|(_, entry)| !entry.is_dir());
            files.map(move |(path, _)| (path, kept + position))
        };
        changes.iter().enumerate().flat_map(of_change).collect()
    }
}

/// A place of a spec as evidence counts them.
pub(super) fn location(sources: &Sources, span: Span) -> Location {
    let spec = sources.iter().position(|(file, _)| file == span.file).unwrap_or(0);
    let line = sources.file(span.file).position(span.start).0;
    Location { spec, line: u32::try_from(line).unwrap_or(u32::MAX) }
}

/// The packages of a stage that the image stands on are the image's.
fn stood_on(inventory: &mut Inventory, first: &[Move]) {
    let [Move { origin: Origin::Stage { name, .. }, .. }] = first else { return };
    let Some(stage) = inventory.stages.iter().find(|stage| stage.name == *name).cloned() else { return };
    let before = inventory.packages.len();
    inventory.packages.extend(stage.packages);
    inventory.edges.extend(stage.edges.into_iter().map(|(from, to)| (from + before, to + before)));
}

/// Who needs whom, as positions among the packages.
fn edges(installed: &Installed) -> Vec<(usize, usize)> {
    let facts: Vec<Facts<'_>> = installed
        .set
        .packages
        .iter()
        .map(|control| {
            let field = |name: &str| control.get(name).unwrap_or_default();
            Facts {
                name: field("Package"),
                version: field("Version"),
                multi_arch_allowed: field("Multi-Arch") == "allowed",
                pre_depends: field("Pre-Depends"),
                depends: field("Depends"),
                recommends: "",
                provides: field("Provides"),
            }
        })
        .collect();
    let edges = resolve::edges(&facts);
    edges.iter().enumerate().flat_map(|(from, to)| to.iter().map(move |edge| (from, edge.to))).collect()
}

fn layer(layer: &crate::image::layer::Layer) -> Layer {
    Layer { digest: layer.descriptor.digest, diff_id: layer.diff_id }
}

fn file(path: &TreePath, entry: &Entry, owner: Owner, layer: usize) -> File {
    let (kind, sha256, size) = match &entry.node {
        Node::File { content, size, .. } => (FileKind::Regular, *content, *size),
        Node::Symlink { target } => {
            (FileKind::Symlink { target: bytes_text(target) }, Digest::of(target), target.len() as u64)
        }
        _ => (FileKind::Special, Digest::of([]), 0),
    };
    File { path: path_text(path.as_bytes()), kind, sha256, sha1: None, size, owner, layer }
}

/// What a package's copyright file says; links are followed.
fn copyright(store: &Store, tree: &Tree, package: &str) -> Result<licence::Licence, Error> {
    let path = tree.resolve(format!("usr/share/doc/{package}/copyright"))?;
    let Some(content) = tree.get(&path).and_then(Entry::content) else { return Ok(licence::Licence::default()) };
    Ok(licence::from_debian_copyright(&store.read(content, MAX_COPYRIGHT)?))
}

/// The largest copyright file; Debian's largest has some megabytes.
const MAX_COPYRIGHT: u64 = 64 << 20;

/// A package as far as the lock knows it; `index` is where it was found.
pub(super) fn described(package: &deb::LockedPackage, index: Option<usize>) -> Package {
    Package {
        name: package.name.clone(),
        version: package.version.clone(),
        architecture: package.architecture.clone(),
        distro: "debian".into(),
        distro_version: deb::distro_version(&package.suite).map(str::to_owned),
        source: package.source.clone(),
        source_version: package.source_version.clone(),
        sha256: package.sha256,
        size: package.size,
        path: package.path.clone(),
        index,
        supplier: supplier(&package.archive),
        maintainer: None,
        licence: licence::Licence::default(),
        homepage: None,
        section: None,
        summary: None,
        essential: false,
        requested: false,
        location: None,
    }
}

fn index_of(package: &deb::LockedPackage, indexes: &[PackageIndex]) -> Option<usize> {
    indexes.iter().position(|index| index.suite == package.suite)
}

fn supplier(archive: &str) -> String {
    match archive {
        "debian" | "debian-security" => "Debian".into(),
        other => other.into(),
    }
}

/// The signed indexes that the lock names.
pub(super) fn indexes(locked: &Locked) -> Vec<PackageIndex> {
    let of = |index: &deb::LockedIndex| PackageIndex {
        suite: index.suite.clone(),
        url: deb::public_url(&index.archive).to_owned(),
        path: index.path.clone(),
        digest: index.sha256,
        date: index.date.to_string(),
        keys: index.signed_by.clone(),
    };
    locked.lock.indexes.iter().map(of).collect()
}

/// The spec, what it includes and the bases it stands on.
pub(super) fn spec_files(sources: &Sources) -> Vec<SpecFile> {
    let of = |file: &crate::diagnostic::SourceFile| SpecFile {
        path: file.name().to_owned(),
        digest: Digest::of(file.text()),
    };
    sources.iter().map(|(_, file)| of(file)).collect()
}

/// The lock, where anything was pinned.
pub(super) fn lock_file(project: &Project, locked: &Locked) -> Option<SpecFile> {
    let path = project.lock_path();
    let name = path.file_name()?.to_string_lossy().into_owned();
    (!locked.lock.is_empty()).then(|| SpecFile { path: name, digest: Digest::of(&locked.text) })
}
