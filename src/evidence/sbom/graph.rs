//! The one graph that both forms of the bill of materials are written from.

use super::found::Shown;
use super::places::{self, Places, Room, Row, claimed, materials, row_of};
use super::purl::deb_purl;
use crate::catalog;
use crate::evidence::claims::{ClaimedPackage, Claims};
use crate::evidence::inventory::{Base, File, Inventory, Location, Owner, Package, Source, SpecFile, path_text};
use crate::evidence::stage::{Stage, Step};
use crate::oci::Digest;
use std::collections::{BTreeMap, BTreeSet};

/// The components of an image, their files and what they depend on, checked and in canonical order; and what
/// the image was built with.
///
/// The order does not depend on that of the inventory, except for specs, stages and steps, whose order has a meaning.
pub struct Graph<'a> {
    pub(super) inventory: &'a Inventory,
    /// Those of the image, then those that were only built with.
    all: Vec<Component<'a>>,
    /// How many are of the image.
    shipped: usize,
    places: Places,
    /// Positions of the components that the image asks for itself.
    pub(super) roots: Vec<usize>,
    /// Why what some files tell of is not known, by path.
    pub(super) unread: BTreeMap<String, &'a str>,
}

/// A part of the image that owns files, or something that it was built with.
pub(super) struct Component<'a> {
    pub(super) what: What<'a>,
    /// Its name within the document, unique.
    pub(super) reference: String,
    /// How much of it is in the image.
    pub(super) presence: Presence,
    /// Its files, by path.
    pub(super) files: Vec<&'a File>,
    /// The files of others that tell of it.
    pub(super) shown: Vec<Shown<'a>>,
    /// Positions of the components that it depends on, ascending.
    pub(super) depends: Vec<usize>,
}

/// How much of a component is in the image.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Presence {
    Whole,
    /// The files that are listed, which were taken out of a stage, and no others.
    Partial,
    /// Nothing: it was only built with.
    Absent,
}

/// What a component is.
#[derive(Clone, Copy)]
pub(super) enum What<'a> {
    /// The distribution that packages come from.
    System {
        id: &'a str,
        version: Option<&'a str>,
    },
    Package(&'a Package),
    Source(&'a Source),
    Base(&'a Base),
    /// A package of a base, by the word of a document that came with it.
    Claimed(Claimed<'a>),
    /// A package that nobody speaks of but files of the image.
    Found(&'a catalog::Package),
    Spec(&'a SpecFile),
    /// A stage, with what its commands made.
    Stage(&'a Stage),
    /// The commands of the image itself, with what they made.
    Run,
}

/// A package of a base, and who says so.
#[derive(Clone, Copy)]
pub(super) struct Claimed<'a> {
    pub(super) base: &'a Base,
    pub(super) claims: &'a Claims,
    pub(super) package: &'a ClaimedPackage,
}

/// Why an inventory cannot be told as a bill of materials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    /// Two files with one path.
    #[error("`{0}` is listed twice in the inventory")]
    DuplicatePath(String),
    /// A path that is not absolute.
    #[error("`{0}` is not an absolute path")]
    RelativePath(String),
    /// Two components with one name.
    #[error("`{0}` is in the inventory twice")]
    DuplicateComponent(String),
    /// A position that points nowhere.
    #[error("{what} points at {kind} {position}, which the inventory does not have")]
    Dangling {
        /// Who points.
        what: String,
        /// At what.
        kind: &'static str,
        /// The position.
        position: usize,
    },
    /// A name that nothing has.
    #[error("{what} is made from `{name}`, which is no source and no stage of the inventory")]
    NoSuchName {
        /// What is made from it.
        what: String,
        /// The name.
        name: String,
    },
    /// A package that is told by a file which is not there.
    #[error("`{package}` is told of by `{path}`, which the inventory does not have")]
    NoSuchFile {
        /// The package URL.
        package: String,
        /// The file.
        path: String,
    },
    /// A file without the digest that SPDX requires.
    #[error("`{0}` has no SHA-1 digest, which SPDX 2.3 requires")]
    NoSha1(String),
}

impl<'a> Graph<'a> {
    /// Checks an inventory and puts it in order.
    pub fn new(inventory: &'a Inventory) -> Result<Self, InventoryError> {
        let (all, places, shipped) = places::components(inventory)?;
        let unread = inventory.catalogued.unread.iter();
        let unread = unread.map(|(path, reason)| (path_text(path.as_bytes()), reason.as_str())).collect();
        let mut graph = Graph { inventory, all, shipped, places, roots: Vec::new(), unread };
        graph.check_names()?;
        graph.add_needs()?;
        for file in &inventory.files {
            let owner = graph.owner_of(file)?;
            graph.all[owner].files.push(file);
        }
        check_files(&mut graph.all)?;
        graph.roots = roots(graph.components());
        Ok(graph)
    }

    /// About the size of a document, in bytes: most of it is files.
    pub fn size(&self) -> usize {
        const OF_A_FILE: usize = 512;
        const OF_A_COMPONENT: usize = 4 << 10;
        self.inventory.files.len() * OF_A_FILE + self.all.len() * OF_A_COMPONENT
    }

    /// The components of the image.
    pub(super) fn components(&self) -> &[Component<'a>] {
        &self.all[..self.shipped]
    }

    /// What was only used to build.
    pub(super) fn tools(&self) -> &[Component<'a>] {
        &self.all[self.shipped..]
    }

    /// The component that a row became.
    pub(super) fn at(&self, row: Row) -> Option<&Component<'a>> {
        self.places.find(row).map(|place| &self.all[place])
    }

    /// The component of a source or a stage.
    pub(super) fn named(&self, name: &str) -> Option<&Component<'a>> {
        self.row_named(name).and_then(|row| self.at(row))
    }

    /// The packages and bases that commands of a stage found there, and the packages that are said to be in bases.
    pub(super) fn installed(&self, stage: usize) -> impl Iterator<Item = &Component<'a>> {
        let Stage { packages, bases, .. } = &self.inventory.stages[stage];
        let lists = [("package", packages.len()), ("base", bases.len()), ("claimed", claimed(bases).count())];
        let rows = lists.into_iter().flat_map(move |(kind, count)| (0..count).map(move |i| (kind, Some(stage), i)));
        rows.filter_map(|row| self.at(row))
    }

    /// The sources that a command saw, itself or through the stages that it saw.
    pub(super) fn sources_behind(&self, step: &Step) -> Vec<&Component<'a>> {
        let mut sources = BTreeSet::new();
        let mut known = BTreeSet::new();
        let mut names: Vec<&String> = materials(step).collect();
        while let Some(name) = names.pop() {
            match self.row_named(name) {
                Some(("stage", _, stage)) if known.insert(stage) => {
                    let stage = &self.inventory.stages[stage];
                    names.extend(stage.from.iter().chain(stage.steps.iter().flat_map(materials)));
                }
                Some(row @ ("source", ..)) => sources.extend(self.places.find(row)),
                _ => {}
            }
        }
        sources.into_iter().map(|place| &self.all[place]).collect()
    }

    /// The stages that a file went through with the lines that took it from them, the one that the image took it from
    /// first; and who put it into the last of them.
    pub(super) fn way<'f>(&self, file: &'f File) -> (Vec<(usize, Option<Location>)>, &'f Owner) {
        let (mut way, mut owner) = (Vec::new(), &file.owner);
        while let Owner::Stage { stage, owner: inner, location } = owner {
            way.push((*stage, *location));
            owner = inner;
        }
        (way, owner)
    }

    /// The command that made a file: whose it is, and which.
    pub(super) fn maker(&self, file: &File) -> Option<(Room, usize)> {
        match self.way(file) {
            (way, Owner::Step(step)) => Some((way.last().map(|(stage, _)| *stage), *step)),
            _ => None,
        }
    }

    /// The commands of a stage, or of the image itself.
    pub(super) fn steps(&self, room: Room) -> &'a [Step] {
        room.map_or(&self.inventory.steps, |stage| &self.inventory.stages[stage].steps)
    }

    fn row_named(&self, name: &str) -> Option<Row> {
        let Inventory { sources, stages, .. } = self.inventory;
        let source = sources.iter().position(|source| source.name == name).map(|i| ("source", None, i));
        source.or_else(|| stages.iter().position(|stage| stage.name == name).map(|i| ("stage", None, i)))
    }

    fn check_names(&self) -> Result<(), InventoryError> {
        for (what, location) in places::lines(self.inventory) {
            self.places.get(("spec", None, location.spec), || what.clone())?;
        }
        let Inventory { stages, sources, .. } = self.inventory;
        if let Some(stage) = stages.iter().find(|stage| sources.iter().any(|source| source.name == stage.name)) {
            return Err(InventoryError::DuplicateComponent(stage.name.clone()));
        }
        let steps = self.inventory.steps.iter().chain(stages.iter().flat_map(|stage| &stage.steps));
        let steps = steps.flat_map(|step| materials(step).map(|name| (&step.name, name)));
        let names = stages.iter().flat_map(|stage| stage.from.iter().map(|name| (&stage.name, name)));
        match names.chain(steps).find(|(_, name)| self.row_named(name).is_none()) {
            Some((what, name)) => Err(InventoryError::NoSuchName { what: what.clone(), name: name.clone() }),
            None => Ok(()),
        }
    }

    /// Lets packages need packages, and bases what is claimed to be in them.
    fn add_needs(&mut self) -> Result<(), InventoryError> {
        let Inventory { packages, edges, bases, stages, .. } = self.inventory;
        let of_stages = stages.iter().enumerate().map(|(i, s)| (Some(i), &s.packages, &s.edges, &s.bases));
        for (room, packages, edges, bases) in std::iter::once((None, packages, edges, bases)).chain(of_stages) {
            for package in packages {
                if let Some(position) = package.index.filter(|index| *index >= self.inventory.indexes.len()) {
                    return Err(InventoryError::Dangling { what: package.name.clone(), kind: "index", position });
                }
            }
            for (a, b) in edges {
                let what = || format!("the dependency {a} → {b}");
                let (from, to) =
                    (self.places.get(("package", room, *a), what)?, self.places.get(("package", room, *b), what)?);
                // What an installed package needs is what the image says of it, and of a few files of one nobody knows.
                if from != to && (room.is_none() || from >= self.shipped) {
                    self.all[from].depends.push(to);
                }
            }
            for (i, (base, _)) in claimed(bases).enumerate() {
                let what = || format!("the packages of base {base}");
                let from = self.places.get(("base", room, base), what)?;
                let to = self.places.get(("claimed", room, i), what)?;
                if room.is_none() || from >= self.shipped {
                    self.all[from].depends.push(to);
                }
            }
        }
        self.add_found()?;
        for component in &mut self.all {
            component.depends.sort_unstable();
            component.depends.dedup();
        }
        Ok(())
    }

    /// Lets whoever put a file there need the packages that it tells of.
    fn add_found(&mut self) -> Result<(), InventoryError> {
        let shown = self.components().iter().enumerate();
        let shown = shown.flat_map(|(to, component)| component.shown.iter().map(move |shown| (shown.file, to)));
        let needs = shown.map(|(file, to)| Ok((self.owner_of(file)?, to)));
        for (from, to) in needs.collect::<Result<BTreeSet<_>, InventoryError>>()? {
            self.all[from].depends.push(to);
        }
        Ok(())
    }

    fn owner_of(&self, file: &File) -> Result<usize, InventoryError> {
        let what = || file.path.clone();
        let dangling = |kind, position| Err(InventoryError::Dangling { what: what(), kind, position });
        if file.layer >= self.inventory.layers.len() {
            return dangling("layer", file.layer);
        }
        let (mut room, mut owner) = (None, &file.owner);
        loop {
            match owner {
                Owner::Source { location: Some(location), .. } | Owner::Stage { location: Some(location), .. } => {
                    self.places.get(("spec", None, location.spec), what)?;
                }
                Owner::Step(step) if *step >= self.steps(room).len() => return dangling("step", *step),
                _ => {}
            }
            let Owner::Stage { stage, owner: inner, .. } = owner else { break };
            self.places.get(("stage", None, *stage), what)?;
            (room, owner) = (Some(*stage), inner);
        }
        self.places.get(row_of(&file.owner, None), what)
    }
}

impl What<'_> {
    pub(super) fn rank(&self) -> u8 {
        match self {
            What::System { .. } => 0,
            What::Package(_) => 1,
            What::Source(_) => 2,
            What::Base(_) => 3,
            What::Claimed(_) => 4,
            What::Found(_) => 5,
            What::Spec(_) => 6,
            What::Stage(_) => 7,
            What::Run => 8,
        }
    }

    pub(super) fn reference(&self) -> String {
        match self {
            What::System { id, version } => {
                format!("system:{id}{}", version.map(|v| format!("-{v}")).unwrap_or_default())
            }
            What::Package(package) => deb_purl(package),
            What::Source(source) => format!("source:{}", source.name),
            What::Base(base) => format!("base:{}@{}", base.reference, base.digest),
            What::Claimed(Claimed { base, package, .. }) => {
                format!("claimed:{}:{}", &base.digest.hex()[..12], package.identity())
            }
            What::Found(package) => package.purl.clone(),
            What::Spec(spec) => format!("spec:{}", spec.path),
            What::Stage(stage) => format!("stage:{}", stage.name),
            What::Run => "run:image".into(),
        }
    }

    /// The digest of the component as a whole, where it has one.
    pub(super) fn digest(&self) -> Option<Digest> {
        match self {
            What::System { .. } | What::Claimed(_) | What::Found(_) | What::Stage(_) | What::Run => None,
            What::Package(package) => Some(package.sha256),
            What::Source(source) => Some(source.digest),
            What::Base(base) => Some(base.digest),
            What::Spec(spec) => Some(spec.digest),
        }
    }

    /// Whether kiln knows everything inside: it cannot look into what a user copies in, builds or builds upon, whatever
    /// its maker says of it.
    pub(super) fn is_complete(&self) -> bool {
        !matches!(
            self,
            What::Source(_) | What::Base(_) | What::Claimed(_) | What::Found(_) | What::Stage(_) | What::Run
        )
    }
}

fn check_files(components: &mut [Component<'_>]) -> Result<(), InventoryError> {
    let mut seen = BTreeSet::new();
    for component in components {
        component.files.sort_by(|a, b| a.path.cmp(&b.path));
        for file in &component.files {
            if !file.path.starts_with('/') {
                return Err(InventoryError::RelativePath(file.path.clone()));
            }
            if !seen.insert(file.path.as_str()) {
                return Err(InventoryError::DuplicatePath(file.path.clone()));
            }
            if file.sha1.is_none() {
                return Err(InventoryError::NoSha1(file.path.clone()));
            }
        }
    }
    Ok(())
}

/// What the image asks for: everything but packages, the packages that were asked for by name, and as
/// many more as it takes to reach every one of them.
fn roots(components: &[Component<'_>]) -> Vec<usize> {
    let asked = |component: &Component<'_>| match component.what {
        What::Package(package) => package.requested,
        What::Claimed(_) | What::Found(_) => false,
        _ => true,
    };
    let mut roots: Vec<usize> = (0..components.len()).filter(|i| asked(&components[*i])).collect();
    let mut reached = vec![false; components.len()];
    roots.iter().for_each(|root| reach(components, *root, &mut reached));
    for i in 0..components.len() {
        if !reached[i] {
            roots.push(i);
            reach(components, i, &mut reached);
        }
    }
    roots.sort_unstable();
    roots
}

fn reach(components: &[Component<'_>], from: usize, reached: &mut [bool]) {
    let mut waiting = vec![from];
    while let Some(i) = waiting.pop() {
        if !std::mem::replace(&mut reached[i], true) {
            waiting.extend(&components[i].depends);
        }
    }
}
