//! Where the rows of an inventory stand among the components of its graph.
//!
//! The image and each of its stages have lists of their own. What is in several of them is one component, and what
//! of a stage's rows is in the image is decided by the files that were taken from them.

use super::found::{self, Shown, Told};
use super::graph::{Claimed, Component, InventoryError, Presence, What};
use super::identity::Known;
use super::purl::deb_purl;
use crate::evidence::inventory::{Base, Inventory, Location, Owner};
use crate::evidence::stage::Step;
use crate::oci::Digest;
use std::collections::{BTreeMap, BTreeSet};

/// Whose list a position points into: a stage's, or the image's own.
pub(super) type Room = Option<usize>;

/// A row of an inventory: which list, whose, and the position in it.
pub(super) type Row = (&'static str, Room, usize);

/// For each row of an inventory the position of its component.
pub(super) struct Places(BTreeMap<Row, usize>);

impl Places {
    pub(super) fn get(&self, row: Row, what: impl Fn() -> String) -> Result<usize, InventoryError> {
        let (kind, _, position) = row;
        self.find(row).ok_or_else(|| InventoryError::Dangling { what: what(), kind, position })
    }

    pub(super) fn find(&self, row: Row) -> Option<usize> {
        self.0.get(&row).copied()
    }
}

/// The component that owns what an owner put into a room.
pub(super) fn row_of(owner: &Owner, room: Room) -> Row {
    match (owner, room) {
        (Owner::Package(package) | Owner::Emulated { package }, room) => ("package", room, *package),
        (Owner::Source { source, .. }, _) => ("source", None, *source),
        (Owner::Spec(location), _) => ("spec", None, location.spec),
        (Owner::Base(base), room) => ("base", room, *base),
        (Owner::Step(_), Some(stage)) => ("stage", None, stage),
        (Owner::Step(_), None) => ("run", None, 0),
        (Owner::Stage { stage, owner, .. }, _) => row_of(owner, Some(*stage)),
    }
}

/// The rows of an inventory as components in order, those of which something is in the image first; and how many
/// these are.
pub(super) fn components(inventory: &Inventory) -> Result<(Vec<Component<'_>>, Places, usize), InventoryError> {
    let taken: BTreeSet<Row> = inventory.files.iter().map(|file| row_of(&file.owner, None)).collect();
    let seen = seen(inventory);
    let told = found::told(inventory)?;
    let mut parts: Parts<'_> = BTreeMap::new();
    for (row, what) in rows(inventory, &taken, &told) {
        let room = row.1;
        let shipped = match what {
            What::Stage(_) => taken.contains(&row),
            What::Source(source) => taken.contains(&row) || !seen.contains(source.name.as_str()),
            _ => room.is_none() || taken.contains(&row),
        };
        let part = parts.entry(key(&what)).or_insert_with(|| Part::new(what));
        if part.rows.iter().any(|(_, known, _)| *known == room) {
            return Err(InventoryError::DuplicateComponent(what.reference()));
        }
        part.shipped |= shipped;
        part.own |= room.is_none();
        part.rows.push(row);
    }
    add_told(&mut parts, told);

    let mut named: Vec<_> = parts
        .into_iter()
        .map(|((rank, name, digest), part)| (part.presence(), rank, part.name(name, digest), part))
        .collect();
    named.sort_by(|a, b| (a.0 == Presence::Absent, a.1, &a.2).cmp(&(b.0 == Presence::Absent, b.1, &b.2)));
    let shipped = named.iter().take_while(|(presence, ..)| *presence != Presence::Absent).count();
    let mut places = BTreeMap::new();
    let mut names = BTreeSet::new();
    let mut components: Vec<Component<'_>> = Vec::with_capacity(named.len());
    for (presence, _, reference, part) in named {
        if !names.insert(reference.clone()) {
            return Err(InventoryError::DuplicateComponent(reference));
        }
        places.extend(part.rows.iter().map(|row| (*row, components.len())));
        let Part { what, shown, .. } = part;
        components.push(Component { what, reference, presence, files: Vec::new(), shown, depends: Vec::new() });
    }
    Ok((components, Places(places), shipped))
}

/// Components by their rank, their name and their digest.
type Parts<'a> = BTreeMap<(u8, String, Option<Digest>), Part<'a>>;

fn key(what: &What<'_>) -> (u8, String, Option<Digest>) {
    (what.rank(), what.reference(), what.digest())
}

/// Adds the packages that files tell of. Of one that kiln installed they tell nothing new; for one that a base claims they
/// are proof; any other is a component of its own.
fn add_told<'a>(parts: &mut Parts<'a>, told: Vec<Told<'a>>) {
    let known = Known::of(parts.values().filter(|part| part.shipped).filter_map(|part| match part.what {
        What::Package(package) => Some((deb_purl(package), part.what)),
        What::Claimed(Claimed { package, .. }) => Some((package.purl.clone()?, part.what)),
        _ => None,
    }));
    for Told { package, shown } in told {
        let what = known.find(&package.purl).unwrap_or(What::Found(package));
        let part = parts.entry(key(&what)).or_insert_with(|| Part { shipped: true, own: true, ..Part::new(what) });
        if !matches!(what, What::Package(_)) {
            part.shown.extend(shown);
        }
    }
}

/// One component, before the order is known.
struct Part<'a> {
    what: What<'a>,
    rows: Vec<Row>,
    /// The files that tell of it.
    shown: Vec<Shown<'a>>,
    /// Something of it is in the image.
    shipped: bool,
    /// The image has it in a list of its own, and so as a whole.
    own: bool,
}

impl<'a> Part<'a> {
    fn new(what: What<'a>) -> Self {
        Part { what, rows: Vec::new(), shown: Vec::new(), shipped: false, own: false }
    }

    fn presence(&self) -> Presence {
        match (self.shipped, self.own) {
            (true, true) => Presence::Whole,
            (true, false) => Presence::Partial,
            (false, _) => Presence::Absent,
        }
    }

    /// Packages of stages are told from their namesakes by their digests: stages may have them from other archives.
    fn name(&self, name: String, digest: Option<Digest>) -> String {
        match (self.what, digest) {
            (What::Package(_), Some(digest)) if !self.own => format!("{name}#{}", &digest.hex()[..12]),
            _ => name,
        }
    }
}

fn rows<'a>(inventory: &'a Inventory, taken: &BTreeSet<Row>, told: &[Told<'a>]) -> Vec<(Row, What<'a>)> {
    let mut rows: Vec<(Row, What<'_>)> = Vec::new();
    let mut systems = BTreeSet::new();
    let stages = inventory.stages.iter().enumerate().map(|(i, stage)| (Some(i), &stage.packages, &stage.bases));
    for (room, packages, bases) in std::iter::once((None, &inventory.packages, &inventory.bases)).chain(stages) {
        for (i, package) in packages.iter().enumerate() {
            let row = ("package", room, i);
            rows.push((row, What::Package(package)));
            if room.is_none() || taken.contains(&row) {
                systems.insert((package.distro.as_str(), package.distro_version.as_deref()));
            }
        }
        rows.extend(bases.iter().enumerate().map(|(i, base)| (("base", room, i), What::Base(base))));
        rows.extend(claimed(bases).enumerate().map(|(i, (_, claimed))| (("claimed", room, i), What::Claimed(claimed))));
    }
    if let Some(distribution) = &inventory.catalogued.distribution
        && told.iter().any(|told| found::is_of_system(told.package))
    {
        systems.insert((distribution.id.as_str(), distribution.version.as_deref()));
    }
    let own = |kind, position| (kind, None, position);
    rows.extend(
        systems.into_iter().enumerate().map(|(i, (id, version))| (own("system", i), What::System { id, version })),
    );
    rows.extend(inventory.sources.iter().enumerate().map(|(i, source)| (own("source", i), What::Source(source))));
    rows.extend(inventory.specs.iter().enumerate().map(|(i, spec)| (own("spec", i), What::Spec(spec))));
    rows.extend(inventory.stages.iter().enumerate().map(|(i, stage)| (own("stage", i), What::Stage(stage))));
    rows.extend(taken.contains(&own("run", 0)).then_some((own("run", 0), What::Run)));
    rows
}

/// The packages of bases, each with the position of its base.
pub(super) fn claimed(bases: &[Base]) -> impl Iterator<Item = (usize, Claimed<'_>)> {
    bases.iter().enumerate().flat_map(|(i, base)| {
        let all = base.claims.iter().flat_map(|claims| claims.packages.iter().map(move |package| (claims, package)));
        all.map(move |(claims, package)| (i, Claimed { base, claims, package }))
    })
}

/// The names of what stages are made from and commands saw.
fn seen(inventory: &Inventory) -> BTreeSet<&str> {
    let stages = inventory.stages.iter();
    let steps = inventory.steps.iter().chain(stages.clone().flat_map(|stage| &stage.steps));
    let seen = stages.flat_map(|stage| &stage.from).chain(steps.flat_map(materials));
    seen.map(String::as_str).collect()
}

/// The names of what a command saw.
pub(super) fn materials(step: &Step) -> impl Iterator<Item = &String> {
    step.inputs.iter().flat_map(|input| &input.from)
}

/// The lines of a spec that an inventory names beside those of its files, each with who names it.
pub(super) fn lines(inventory: &Inventory) -> impl Iterator<Item = (String, Location)> {
    let stages = &inventory.stages;
    let sources = inventory.sources.iter().map(|source| (&source.name, source.location));
    let bases = inventory.bases.iter().chain(stages.iter().flat_map(|stage| &stage.bases));
    let bases = bases.map(|base| (&base.reference, base.location));
    let steps = inventory.steps.iter().chain(stages.iter().flat_map(|stage| &stage.steps));
    let steps = steps.map(|step| (&step.name, step.location));
    let stages = stages.iter().map(|stage| (&stage.name, stage.location));
    let all = sources.chain(bases).chain(stages).chain(steps);
    all.filter_map(|(name, location)| Some((name.clone(), location?)))
}
