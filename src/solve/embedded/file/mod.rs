//! File operations on trees.
//!
//! What an action does is what BuildKit's file backend does to a directory: same
//! rules for destinations, links, owners and modes, so that a graph gives the same
//! tree with either engine. On a tree, a link can lead nowhere but into the tree,
//! no name is a device of this machine, and nothing can change between a check and
//! its use; so the care that a backend on a real disk must take is not needed here.
//!
//! Tests replay what BuildKit's copier made of random operations on random trees. There is
//! one known difference: where a link's target goes through another link and back by
//! `..`, it leads here where Linux leads, and there the text is shortened first.
//!
//! Three things are stricter than there: an owner's name that the tree does not know
//! is an error and not root, `mkdir` where something else than a directory stands is
//! an error too, and special bits of a mode are kept, which BuildKit's `mkdir` and
//! `mkfile` drop.
//!
//! # What an operation took away
//!
//! A result is not only a tree: merged over another tree, it takes away there what
//! the operation removed from its own base, as a layer would. So each draft knows the
//! tree that it began with and what was removed on the way, and says at the end which
//! of it is gone for good.

mod copy;
mod make;
mod mode;
mod owner;
mod unpack;

use crate::llb::pb::{self, file_action};
use crate::store::{Store, StoreError};
use crate::tree::tar::TarError;
use crate::tree::{Change, PathError, Tree, TreeError, TreePath};
use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::glob::BadPattern;
use owner::Ids;
pub(super) use owner::inputs as owner_inputs;

/// Why a file operation cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is nothing at a path.
    #[error("{0} does not exist")]
    NotFound(String),
    /// A pattern matches nothing.
    #[error("nothing matches `{0}`")]
    NoMatch(String),
    /// A directory is needed, and something else is there.
    #[error("{path} is a {kind}, not a directory")]
    NotADirectory {
        /// Where.
        path: TreePath,
        /// What is there.
        kind: &'static str,
    },
    /// A directory is in the way.
    #[error("{0} is a directory and cannot be replaced by something else")]
    IsADirectory(TreePath),
    /// Something is there already.
    #[error("{0} exists already")]
    Exists(TreePath),
    /// The root itself cannot be removed or replaced.
    #[error("the root directory itself cannot be {0}")]
    Root(&'static str),
    /// A name that the account files do not have.
    #[error("the {kind} `{name}` is not in {file} of the tree in which it is looked up")]
    UnknownAccount {
        /// User or group.
        kind: &'static str,
        /// The name.
        name: String,
        /// The account file.
        file: &'static str,
    },
    /// A line of an account file has no number where it must.
    #[error("{file} is malformed: the entry of `{name}` has no number")]
    MalformedAccounts {
        /// The name whose line it is.
        name: String,
        /// The account file.
        file: &'static str,
    },
    /// Permission bits that cannot be read.
    #[error("`{0}` is no mode: write it as chmod takes it")]
    BadMode(String),
    /// A pattern that is none.
    #[error(transparent)]
    Pattern(#[from] BadPattern),
    /// An archive of a kind that cannot be unpacked.
    #[error("{path} is compressed with {kind}, which this version cannot unpack; compress it with gzip, xz or zstd")]
    Compression {
        /// The archive.
        path: TreePath,
        /// Its compression.
        kind: &'static str,
    },
    /// An archive that is damaged or refused.
    #[error("cannot unpack {path}: {source}")]
    Archive {
        /// The archive.
        path: TreePath,
        /// What is wrong with it.
        source: TarError,
    },
    /// A path that no tree can hold.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The tree cannot be changed so.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A tree that an operation takes.
#[derive(Debug, Clone, Default)]
pub(super) struct Input {
    /// What is there.
    pub(super) tree: Arc<Tree>,
    /// What it takes away from a tree below.
    pub(super) removed: BTreeSet<TreePath>,
    /// Folders whose content in a tree below it takes away.
    pub(super) opaque: BTreeSet<TreePath>,
}

/// A tree that is being changed.
#[derive(Debug, Clone, Default)]
struct Draft {
    /// What it is, and what the trees that it was made from take away.
    change: Change,
    /// The tree that it began with.
    base: Arc<Tree>,
    /// What was removed on the way; some of it may be there again.
    gone: BTreeSet<TreePath>,
}

impl Draft {
    fn of(input: &Input) -> Self {
        let Input { tree, removed, opaque } = input;
        let change = Change { entries: (**tree).clone(), removed: removed.clone(), opaque: opaque.clone() };
        Draft { change, base: tree.clone(), gone: BTreeSet::new() }
    }

    fn tree(&self) -> &Tree {
        &self.change.entries
    }

    /// Puts an entry, whatever stands there.
    fn put(&mut self, path: TreePath, entry: crate::tree::Entry) -> Result<(), TreeError> {
        self.change.entries.insert(path, entry)?;
        Ok(())
    }

    /// Removes a path and all below it; says whether there was anything.
    fn remove(&mut self, path: &TreePath) -> bool {
        let was_there = self.change.entries.remove(path);
        if was_there {
            self.gone.insert(path.clone());
        }
        was_there
    }

    /// The result.
    fn finish(self) -> Change {
        let Draft { mut change, base, gone } = self;
        for path in gone {
            match (base.get(&path), change.entries.get(&path)) {
                (Some(_), None) => drop(change.removed.insert(path)),
                (Some(old), Some(new)) if old.is_dir() && new.is_dir() => drop(change.opaque.insert(path)),
                _ => {}
            }
        }
        normalise(&mut change);
        change
    }
}

/// Brings what a change takes away into one form: nothing that it puts anyway, nothing twice.
pub(super) fn normalise(change: &mut Change) {
    for path in std::mem::take(&mut change.removed) {
        match change.entries.get(&path) {
            Some(entry) if entry.is_dir() => drop(change.opaque.insert(path)),
            Some(_) => {}
            None => drop(change.removed.insert(path)),
        }
    }
    let is_dir = |path: &TreePath| change.entries.get(path).is_some_and(crate::tree::Entry::is_dir);
    change.opaque.retain(is_dir);
    // Below what goes anyway nothing needs to be named.
    let replaced = |path: &TreePath| change.entries.get(path).is_some_and(|entry| !entry.is_dir());
    let goes_with_another = |path: &TreePath, removed: &BTreeSet<TreePath>, opaque: &BTreeSet<TreePath>| {
        let above = path.parent();
        above.is_some_and(|above| {
            let mut folders = std::iter::once(TreePath::root()).chain(above.ancestors());
            folders.any(|folder| removed.contains(&folder) || opaque.contains(&folder) || replaced(&folder))
        })
    };
    let (removed, opaque) = (change.removed.clone(), change.opaque.clone());
    change.removed.retain(|path| !goes_with_another(path, &removed, &opaque));
    change.opaque.retain(|path| !goes_with_another(path, &removed, &opaque));
}

/// Runs the actions of a file operation; gives its outputs in order.
///
/// The operation was checked when the graph was read: indexes are in range and no
/// action needs its own result. Actions run in the order of their needs; a draft that
/// nobody else needs is changed in place.
pub(super) fn run(op: &pb::FileOp, inputs: Vec<Input>, store: &Store) -> Result<Vec<Change>, FileError> {
    let count = inputs.len();
    let mut slots = Slots::new(op, inputs);
    for i in order(op, count) {
        let action = &op.actions[i];
        let secondary = slots.look(action.secondary_input);
        let mut draft = slots.take(action.input);
        if let Some(kind) = &action.action {
            act(kind, &mut draft, secondary.tree(), &slots, store)?;
        }
        slots.slots[count + i] = Slot::Draft(Arc::new(draft));
        for index in needed(action) {
            slots.needs[index] -= 1;
        }
    }
    let numbered = op.actions.iter().enumerate().map(|(i, action)| (action.output, count + i));
    let mut outputs: Vec<(i64, usize)> = numbered.filter(|(output, _)| *output >= 0).collect();
    outputs.sort_unstable();
    let mut finish = |(_, slot): (i64, usize)| slots.take(i64::try_from(slot).unwrap_or(-1)).finish();
    Ok(outputs.into_iter().map(&mut finish).collect())
}

fn act(
    action: &file_action::Action,
    draft: &mut Draft,
    from: &Tree,
    slots: &Slots,
    store: &Store,
) -> Result<(), FileError> {
    let ids = |owner: &Option<pb::ChownOpt>| Ids::of(owner.as_ref(), |index| slots.look(index), store);
    match action {
        file_action::Action::Copy(copy) => copy::copy(draft, from, copy, ids(&copy.owner)?, store),
        file_action::Action::Mkdir(mkdir) => make::mkdir(draft, mkdir, ids(&mkdir.owner)?),
        file_action::Action::Mkfile(mkfile) => make::mkfile(draft, mkfile, ids(&mkfile.owner)?, store),
        file_action::Action::Rm(rm) => make::remove(draft, rm),
        file_action::Action::Symlink(symlink) => make::symlink(draft, symlink, ids(&symlink.owner)?),
    }
}

/// The trees that actions take and make, by the numbers that the operation gives them.
struct Slots {
    slots: Vec<Slot>,
    /// How often each is still to be taken: by actions, and once more if it is an output.
    needs: Vec<usize>,
}

#[derive(Debug, Clone)]
enum Slot {
    Input(Input),
    Draft(Arc<Draft>),
}

impl Slot {
    fn tree(&self) -> &Tree {
        match self {
            Slot::Input(input) => &input.tree,
            Slot::Draft(draft) => draft.tree(),
        }
    }
}

impl Slots {
    fn new(op: &pb::FileOp, inputs: Vec<Input>) -> Self {
        let count = inputs.len();
        let mut needs = vec![0; count + op.actions.len()];
        for (i, action) in op.actions.iter().enumerate() {
            for index in needed(action) {
                needs[index] += 1;
            }
            needs[count + i] += usize::from(action.output >= 0);
        }
        let mut slots: Vec<_> = inputs.into_iter().map(Slot::Input).collect();
        slots.resize(needs.len(), Slot::Input(Input::default()));
        Slots { slots, needs }
    }

    /// The tree of that number, to be read only.
    fn look(&self, index: i64) -> Slot {
        let slot = usize::try_from(index).ok().and_then(|index| self.slots.get(index));
        slot.cloned().unwrap_or_else(|| Slot::Input(Input::default()))
    }

    /// The tree of that number, to be changed: a draft itself where nobody else needs it, else a copy.
    fn take(&mut self, index: i64) -> Draft {
        let Ok(index) = usize::try_from(index) else { return Draft::default() };
        let slot = if self.needs[index] == 1 {
            std::mem::replace(&mut self.slots[index], Slot::Input(Input::default()))
        } else {
            self.slots[index].clone()
        };
        match slot {
            Slot::Input(input) => Draft::of(&input),
            Slot::Draft(draft) => Arc::unwrap_or_clone(draft),
        }
    }
}

/// All trees that an action takes, as often as it takes them.
fn needed(action: &pb::FileAction) -> Vec<usize> {
    let owners = action.action.as_ref().map(owner::inputs).unwrap_or_default();
    let all = [action.input, action.secondary_input].into_iter().chain(owners);
    all.filter_map(|index| usize::try_from(index).ok()).collect()
}

/// The actions in an order in which each comes after those whose results it takes.
fn order(op: &pb::FileOp, inputs: usize) -> Vec<usize> {
    let mut order = Vec::with_capacity(op.actions.len());
    let mut entered = vec![false; op.actions.len()];
    for start in 0..op.actions.len() {
        let mut path = vec![(start, false)];
        while let Some((i, ready)) = path.pop() {
            if ready {
                order.push(i);
            } else if !std::mem::replace(&mut entered[i], true) {
                path.push((i, true));
                let before = needed(&op.actions[i]).into_iter().filter_map(|index| index.checked_sub(inputs));
                path.extend(before.map(|i| (i, false)));
            }
        }
    }
    order
}

#[cfg(test)]
mod tests;
