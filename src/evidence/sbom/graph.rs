//! The one graph that both forms of the bill of materials are written from.

use super::purl::deb_purl;
use crate::evidence::claims::{ClaimedPackage, Claims};
use crate::evidence::inventory::{Base, File, Inventory, Location, Owner, Package, Source, SpecFile};
use crate::oci::Digest;
use std::collections::{BTreeMap, BTreeSet};

/// The components of an image, their files and what they depend on, checked and in canonical order.
///
/// The order does not depend on that of the inventory, except for specs, whose order has a meaning.
pub struct Graph<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) components: Vec<Component<'a>>,
    /// Positions of the components that the image asks for itself.
    pub(super) roots: Vec<usize>,
}

/// A part of the image that owns files.
pub(super) struct Component<'a> {
    pub(super) what: What<'a>,
    /// Its name within the document, unique.
    pub(super) reference: String,
    /// Its files, by path.
    pub(super) files: Vec<&'a File>,
    /// Positions of the components that it depends on, ascending.
    pub(super) depends: Vec<usize>,
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
    Spec(&'a SpecFile),
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
    /// A file without the digest that SPDX requires.
    #[error("`{0}` has no SHA-1 digest, which SPDX 2.3 requires")]
    NoSha1(String),
}

impl<'a> Graph<'a> {
    /// Checks an inventory and puts it in order.
    pub fn new(inventory: &'a Inventory) -> Result<Self, InventoryError> {
        let (mut components, places) = components(inventory)?;
        for (a, b) in &inventory.edges {
            let from = places.get("package", *a, || format!("the dependency {a} → {b}"))?;
            let to = places.get("package", *b, || format!("the dependency {a} → {b}"))?;
            if from != to {
                components[from].depends.push(to);
            }
        }
        for (i, (base, _)) in claimed(inventory).enumerate() {
            let from = places.get("base", base, || format!("the packages of base {base}"))?;
            let to = places.get("claimed", i, || format!("the packages of base {base}"))?;
            components[from].depends.push(to);
        }
        for component in &mut components {
            component.depends.sort_unstable();
            component.depends.dedup();
        }
        for file in &inventory.files {
            let owner = owner_of(file, inventory, &places)?;
            components[owner].files.push(file);
        }
        check_files(&mut components)?;
        let roots = roots(&components);
        Ok(Graph { inventory, components, roots })
    }
}

/// Where the lists of an inventory ended up among the components.
struct Places(BTreeMap<(&'static str, usize), usize>);

impl Places {
    fn get(&self, kind: &'static str, position: usize, what: impl Fn() -> String) -> Result<usize, InventoryError> {
        let place = self.0.get(&(kind, position)).copied();
        place.ok_or_else(|| InventoryError::Dangling { what: what(), kind, position })
    }
}

fn components(inventory: &Inventory) -> Result<(Vec<Component<'_>>, Places), InventoryError> {
    let mut systems = BTreeSet::new();
    let mut rows: Vec<(&'static str, usize, What<'_>)> = Vec::new();
    for (i, package) in inventory.packages.iter().enumerate() {
        systems.insert((package.distro.as_str(), package.distro_version.as_deref()));
        rows.push(("package", i, What::Package(package)));
        if let Some(index) = package.index
            && index >= inventory.indexes.len()
        {
            return Err(InventoryError::Dangling { what: package.name.clone(), kind: "index", position: index });
        }
    }
    rows.extend(systems.into_iter().enumerate().map(|(i, (id, version))| ("system", i, What::System { id, version })));
    rows.extend(inventory.sources.iter().enumerate().map(|(i, source)| ("source", i, What::Source(source))));
    rows.extend(inventory.bases.iter().enumerate().map(|(i, base)| ("base", i, What::Base(base))));
    rows.extend(claimed(inventory).enumerate().map(|(i, (_, claimed))| ("claimed", i, What::Claimed(claimed))));
    rows.extend(inventory.specs.iter().enumerate().map(|(i, spec)| ("spec", i, What::Spec(spec))));
    let declared = |name: &String, location: &Option<Location>| location.map(|location| (name.clone(), location.spec));
    let sources = inventory.sources.iter().filter_map(|source| declared(&source.name, &source.location));
    let bases = inventory.bases.iter().filter_map(|base| declared(&base.reference, &base.location));
    for (what, position) in sources.chain(bases) {
        if position >= inventory.specs.len() {
            return Err(InventoryError::Dangling { what, kind: "spec", position });
        }
    }

    let mut named: Vec<_> =
        rows.into_iter().map(|(kind, i, what)| (what.rank(), what.reference(), kind, i, what)).collect();
    named.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let mut places = BTreeMap::new();
    let mut components: Vec<Component<'_>> = Vec::with_capacity(named.len());
    for (_, reference, kind, i, what) in named {
        if components.last().is_some_and(|last| last.reference == reference) {
            return Err(InventoryError::DuplicateComponent(reference));
        }
        places.insert((kind, i), components.len());
        components.push(Component { what, reference, files: Vec::new(), depends: Vec::new() });
    }
    Ok((components, Places(places)))
}

/// The packages of bases, each with the position of its base.
fn claimed(inventory: &Inventory) -> impl Iterator<Item = (usize, Claimed<'_>)> {
    inventory.bases.iter().enumerate().flat_map(|(i, base)| {
        let all = base.claims.iter().flat_map(|claims| claims.packages.iter().map(move |package| (claims, package)));
        all.map(move |(claims, package)| (i, Claimed { base, claims, package }))
    })
}

impl What<'_> {
    fn rank(&self) -> u8 {
        match self {
            What::System { .. } => 0,
            What::Package(_) => 1,
            What::Source(_) => 2,
            What::Base(_) => 3,
            What::Claimed(_) => 4,
            What::Spec(_) => 5,
        }
    }

    fn reference(&self) -> String {
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
            What::Spec(spec) => format!("spec:{}", spec.path),
        }
    }

    /// The digest of the component as a whole, where it has one.
    pub(super) fn digest(&self) -> Option<Digest> {
        match self {
            What::System { .. } | What::Claimed(_) => None,
            What::Package(package) => Some(package.sha256),
            What::Source(source) => Some(source.digest),
            What::Base(base) => Some(base.digest),
            What::Spec(spec) => Some(spec.digest),
        }
    }

    /// Whether kiln knows everything inside: it cannot look into what a user copies in or builds upon, whatever its
    /// maker says of it.
    pub(super) fn is_complete(&self) -> bool {
        !matches!(self, What::Source(_) | What::Base(_) | What::Claimed(_))
    }
}

fn owner_of(file: &File, inventory: &Inventory, places: &Places) -> Result<usize, InventoryError> {
    let what = || file.path.clone();
    let line = |location: &Location| places.get("spec", location.spec, what);
    if file.layer >= inventory.layers.len() {
        return Err(InventoryError::Dangling { what: what(), kind: "layer", position: file.layer });
    }
    match &file.owner {
        Owner::Package(package) | Owner::Emulated { package } => places.get("package", *package, what),
        Owner::Source { source, location } => {
            location.as_ref().map(line).transpose()?;
            places.get("source", *source, what)
        }
        Owner::Spec(location) => line(location),
        Owner::Base(base) => places.get("base", *base, what),
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
        What::Claimed(_) => false,
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
