//! From unpacked packages to a *package set*: one tree, as if dpkg had installed
//! them into an empty root, with every entry's owner.
//!
//! The steps are dpkg's: packages are laid in the order of their dependencies,
//! each after its `preinst`; then each `postinst` configures. Scripts are not
//! run but [emulated](super::emulate). At last the database is written that
//! tells which packages are there.
//!
//! The result depends on the packages and the options alone. It is kept as a
//! record, so that asking again reads two files.

mod base;
mod database;
mod filter;
pub mod install;
mod lay;
mod merge;
mod order;
mod record;

use super::LockedPackage;
use super::emulate::{self, Scene, Script, ScriptProblem};
pub use super::root::Owner;
use super::root::Root;
use super::stanza::Stanza;
use super::unpack::{UnpackError, Unpacked, unpack_all};
use crate::oci::Digest;
use crate::store::{Store, StoreError};
use crate::tree::{Change, Tree, TreeError, TreePath};
use lay::{BaseOwners, Ground, Laid};
use std::collections::BTreeSet;

/// How a set is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The architecture, as Debian names it.
    pub architecture: String,
    /// What is kept of what is left out by default.
    pub keep: Keep,
    /// How the packages are listed.
    pub database: Database,
    /// What becomes of scripts.
    pub scripts: Scripts,
    /// Packages whose scripts are not looked at.
    pub skip_scripts: BTreeSet<String>,
}

/// What becomes of maintainer scripts when a set is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scripts {
    /// They are emulated, and packages count as installed.
    #[default]
    Emulate,
    /// Nothing: the packages' files are laid and nothing is written about them, as dpkg will do that itself. Two that
    /// have one file are no conflict then, since a script may divert one of them.
    Leave,
}

impl Options {
    /// The defaults for an architecture.
    pub fn new(architecture: impl Into<String>) -> Self {
        Options {
            architecture: architecture.into(),
            keep: Keep::default(),
            database: Database::default(),
            scripts: Scripts::default(),
            skip_scripts: BTreeSet::new(),
        }
    }
}

/// Kinds of files that are left out unless they are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// Manual and info pages.
    pub man: bool,
    /// `/usr/share/doc` and its like, beyond copyright files.
    pub doc: bool,
    /// Translations.
    pub locale: bool,
}

/// How an image lists its packages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Database {
    /// `/var/lib/dpkg/status.d`, which scanners read.
    #[default]
    StatusD,
    /// `/var/lib/dpkg/status` and `info`, which dpkg reads.
    Full,
}

/// Packages, installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageSet {
    /// The files; over a base, what comes to it.
    pub tree: Tree,
    /// The digest under which the tree is stored.
    pub digest: Digest,
    /// Who put each entry there, in the order of the tree's entries.
    pub owners: Vec<Owner>,
    /// What each package says of itself, in the order in which they were asked for.
    pub packages: Vec<Stanza>,
    /// What is not quite as on an installed system.
    pub warnings: Vec<Warning>,
}

/// Something that whoever builds the image should know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// The package.
    pub package: String,
    /// What it is, and what helps.
    pub text: String,
}

impl PackageSet {
    /// All entries with their owners.
    pub fn owned(&self) -> impl Iterator<Item = (&TreePath, Owner)> {
        self.tree.iter().map(|(path, _)| path).zip(self.owners.iter().copied())
    }
}

/// Why packages do not make a set.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// A package cannot be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// Two packages have one path.
    #[error(transparent)]
    Conflict(Box<Conflict>),
    /// One name is there twice.
    #[error("the package {0} is there twice")]
    Twice(String),
    /// A package is for another architecture.
    #[error("{package} is for {actual}, but the set is for {expected}")]
    Architecture {
        /// The package.
        package: String,
        /// Its architecture.
        actual: String,
        /// The set's.
        expected: String,
    },
    /// Scripts that kiln cannot carry out: all that there are.
    #[error(
        "kiln cannot do what some maintainer scripts would do:{}\nChoices: leave the package out, have its scripts \
         skipped (`scripts \"skip\" \"{}\"`, and do what matters of them yourself), or have dpkg execute all scripts, in a \
         whole Debian system (`packages … scripts=\"run\"`)",
        .0.iter().map(|p| format!("\n  {p}")).collect::<String>(), .0[0].package
    )]
    Scripts(Vec<ScriptProblem>),
    /// There is nothing to execute scripts with.
    #[error(
        "the package source has no essential packages, dpkg among them, and without these no scripts can be executed: \
         leave out `scripts=\"run\"`, or use a source that has them, such as Debian's"
    )]
    NoDpkg,
    /// A script takes away what is part of the base.
    #[error("a maintainer script removes {0}, which is part of the base and cannot be removed by a package")]
    RemovesFromBase(TreePath),
    /// The tree cannot hold an entry, or cannot be stored.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Two packages that have one path.
#[derive(Debug, thiserror::Error)]
#[error(
    "{package} and {other} both have {path} (there it is a {kind} of {other}), and neither says that it replaces the \
     other's files; leave one of them out"
)]
pub struct Conflict {
    /// The path.
    pub path: TreePath,
    /// The package that came second.
    pub package: String,
    /// The package that came first.
    pub other: String,
    /// What stands there.
    pub kind: &'static str,
}

/// Makes the set of `packages`, whose `.deb`s are in the store; `base` is what they are installed upon.
///
/// # Errors
/// Where a package is bad, two have one file, or a script cannot be emulated: then all such scripts are named.
pub fn compose(
    store: &Store,
    packages: &[LockedPackage],
    options: &Options,
    base: Option<&Tree>,
) -> Result<PackageSet, SetError> {
    let key = record::key(packages, options, base);
    if let Some(set) = record::load(store, &key, packages)? {
        return Ok(set);
    }
    check(packages, options)?;
    let unpacked = unpack_all(store, packages)?;
    let set = compose_anew(store, &unpacked, options, base)?;
    record::save(store, &key, &set)?;
    Ok(set)
}

fn check(packages: &[LockedPackage], options: &Options) -> Result<(), SetError> {
    let mut names = BTreeSet::new();
    for package in packages {
        if !names.insert(&package.name) {
            return Err(SetError::Twice(package.name.clone()));
        }
        if package.architecture != "all" && package.architecture != options.architecture {
            return Err(SetError::Architecture {
                package: package.name.clone(),
                actual: package.architecture.clone(),
                expected: options.architecture.clone(),
            });
        }
    }
    Ok(())
}

fn compose_anew(
    store: &Store,
    packages: &[Unpacked],
    options: &Options,
    base: Option<&Tree>,
) -> Result<PackageSet, SetError> {
    let base_owners = base.map(|tree| base::owners(store, tree)).transpose()?.unwrap_or_default();
    let mut making = Making {
        store,
        packages,
        options,
        base: &base_owners,
        root: Root::new(store, base.cloned().unwrap_or_default()),
        scene: scene(store, packages, options)?,
        laid: packages.iter().map(|_| Laid::default()).collect(),
        problems: Vec::new(),
    };
    let order = order::order(packages);
    for position in &order {
        making.script(*position, Script::Preinst)?;
        making.lay(*position)?;
    }
    for position in &order {
        making.script(*position, Script::Config)?;
        making.script(*position, Script::Postinst)?;
    }
    if !making.problems.is_empty() {
        return Err(SetError::Scripts(making.problems));
    }
    making.finish(&order, base)
}

/// What the scripts will find.
fn scene(store: &Store, packages: &[Unpacked], options: &Options) -> Result<Scene, SetError> {
    let mut scene = Scene::new(&options.architecture);
    for package in packages {
        scene.packages.push(emulate::Known { stanza: package.stanza.clone(), files: Vec::new() });
        if let Some(templates) = package.files.get("templates") {
            let bytes = store.read(templates, 16 << 20)?;
            scene.debconf.load(&String::from_utf8_lossy(&bytes));
        }
    }
    Ok(scene)
}

/// A set in the making.
struct Making<'a> {
    store: &'a Store,
    packages: &'a [Unpacked],
    options: &'a Options,
    base: &'a BaseOwners,
    root: Root,
    scene: Scene,
    laid: Vec<Laid>,
    problems: Vec<ScriptProblem>,
}

impl Making<'_> {
    fn script(&mut self, position: usize, script: Script) -> Result<(), SetError> {
        let package = &self.packages[position];
        let Some(digest) = package.files.get(script.name()) else { return Ok(()) };
        if self.options.scripts == Scripts::Leave || self.options.skip_scripts.contains(package.stanza.name()) {
            return Ok(());
        }
        let bytes = self.store.read(digest, 64 << 20)?;
        self.root.act_as(position as u32, lay::newest(&package.tree));
        match emulate::run(&mut self.root, &mut self.scene, position, script, &bytes)? {
            Ok(()) => {}
            Err(problem) => self.problems.push(problem),
        }
        Ok(())
    }

    fn lay(&mut self, position: usize) -> Result<(), SetError> {
        let package = &self.packages[position];
        let ground = Ground {
            packages: self.packages,
            base: self.base,
            diversions: &self.scene.diversions,
            lenient: self.options.scripts == Scripts::Leave,
        };
        let filter = filter::Filter::new(self.options.keep, &package.tree);
        let laid = lay::lay(&mut self.root, &ground, position, &filter)?;
        self.scene.packages[position].files = laid.kept.iter().map(|(path, _)| path.to_string()).collect();
        self.scene.left_out.extend(laid.left_out.iter().map(TreePath::to_string));
        self.laid[position] = laid;
        Ok(())
    }

    fn finish(mut self, order: &[usize], base: Option<&Tree>) -> Result<PackageSet, SetError> {
        if self.options.scripts == Scripts::Emulate {
            emulate::finish(&mut self.root, &mut self.scene)?;
        }
        let mut warnings: Vec<Warning> = Vec::new();
        for position in order {
            let name = self.packages[*position].stanza.name();
            let texts = self.laid[*position].warnings.iter().cloned().chain(self.missing_copyright(name));
            warnings.extend(texts.map(|text| Warning { package: name.to_owned(), text }));
        }
        let from_scripts = std::mem::take(&mut self.scene.warnings);
        warnings.extend(from_scripts.into_iter().map(|(package, text)| Warning { package, text }));
        if self.options.scripts == Scripts::Emulate {
            let full = self.options.database == Database::Full;
            let (packages, laid, scene) = (self.packages, &self.laid[..], &self.scene);
            database::write(&mut self.root, &database::Contents { packages, order, laid, scene, full })?;
        }
        let (mut tree, owners) = self.root.finish();
        if self.options.scripts == Scripts::Leave {
            tree = install::with_links_of_their_contents(&tree)?;
        }
        let tree = match base {
            None => tree,
            Some(base) => {
                let change = Change::between(base, &tree);
                if let Some(path) = change.removed.first() {
                    return Err(SetError::RemovesFromBase(path.clone()));
                }
                change.entries
            }
        };
        // Folders of the base that lead to something new belong to whoever put it there.
        let owner_of = |path: &TreePath| {
            owners.get(path).copied().or_else(|| {
                let below = tree.below(path).find_map(|(p, _)| owners.get(p).copied());
                below.map(|owner| Owner { made: true, ..owner })
            })
        };
        let first = Owner { package: order.first().copied().unwrap_or_default() as u32, made: true };
        let owners = tree.iter().map(|(path, _)| owner_of(path).unwrap_or(first)).collect();
        let packages = self.packages.iter().map(|package| package.stanza.clone()).collect();
        Ok(PackageSet { digest: tree.save(self.store)?, tree, owners, packages, warnings })
    }

    /// Every package must come with its copyright file.
    fn missing_copyright(&self, name: &str) -> Option<String> {
        let path = format!("/usr/share/doc/{name}/copyright");
        let is_there = self.root.stat(&path, true).is_some_and(|entry| entry.is_file());
        (!is_there).then(|| format!("it has no copyright file at {path}"))
    }
}

#[cfg(test)]
mod peer;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trixie;
