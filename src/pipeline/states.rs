//! The states of an image's file system: what each layer changes, and who put each path there.

use crate::compile::{LayerPlan, Move, Origin};
use crate::tree::{Change, Tree, TreeError, TreePath};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The file system after each move of a recipe.
pub(super) struct States<'a> {
    moves: &'a [Move],
    trees: &'a [Arc<Tree>],
}

/// A layer that is to be made.
#[derive(Debug)]
pub(super) struct PlannedLayer<'a> {
    /// The recipe's plan for it.
    pub plan: &'a LayerPlan,
    /// What it changes; empty for a base's own layers, which are kept.
    pub change: Change,
}

impl<'a> States<'a> {
    /// States after moves, one tree a move.
    pub(super) fn new(moves: &'a [Move], trees: &'a [Arc<Tree>]) -> Self {
        debug_assert_eq!(moves.len(), trees.len());
        States { moves, trees }
    }

    /// The finished file system.
    pub(super) fn last(&self) -> Arc<Tree> {
        self.trees.last().cloned().unwrap_or_default()
    }

    /// What each planned layer changes; together they make the finished file system.
    ///
    /// What a level removes itself of what it put leaves no trace: it is taken out
    /// of the layers below instead of being hidden by the one above. Layers
    /// that change nothing are left out.
    pub(super) fn layers(&self, plans: &'a [LayerPlan]) -> Vec<PlannedLayer<'a>> {
        let mut layers = Vec::new();
        let mut below = Tree::new();
        for plan in plans {
            let last = match plan {
                LayerPlan::Kept => 0,
                LayerPlan::Packages { at, .. } => *at,
                LayerPlan::Steps { moves, .. } => moves.end - 1,
            };
            let state = self.lasting(last);
            if *plan == LayerPlan::Kept {
                layers.push(PlannedLayer { plan, change: Change::default() });
            } else {
                let change = Change::between(&below, &state);
                if !change.is_empty() {
                    layers.push(PlannedLayer { plan, change });
                }
            }
            below = state;
        }
        layers
    }

    /// The state after a move without what the same level removes later on.
    fn lasting(&self, position: usize) -> Tree {
        let state = &self.trees[position];
        let here = &self.moves[position];
        if matches!(here.origin, Origin::Base { .. }) {
            return Tree::clone(state);
        }
        let end = self.moves.iter().rposition(|m| m.level == here.level).unwrap_or(position);
        let end = &self.trees[end];
        state.iter().filter(|(path, _)| path.is_root() || end.get(path).is_some()).map(cloned).collect()
    }

    /// For everything in the finished file system but folders: the last move that changed it.
    pub(super) fn credits(&self) -> BTreeMap<TreePath, usize> {
        let last = self.last();
        let mut credits = BTreeMap::new();
        for (path, entry) in last.iter().filter(|(_, entry)| !entry.is_dir()) {
            let position = (0..self.trees.len())
                .rev()
                .take_while(|i| self.trees[*i].get(path) == Some(entry))
                .last()
                .expect("the last state has every entry of the last state");
            credits.insert(path.clone(), position);
        }
        credits
    }
}

fn cloned((path, entry): (&TreePath, &crate::tree::Entry)) -> (TreePath, crate::tree::Entry) {
    (path.clone(), entry.clone())
}

/// Lays planned layers over one another: the file system that a runtime will see.
///
/// # Errors
/// Where they do not fit together, which would be a mistake in this program.
pub(super) fn stack<'c>(base: &Tree, changes: impl IntoIterator<Item = &'c Change>) -> Result<Tree, TreeError> {
    let mut tree = base.clone();
    for change in changes {
        change.apply(&mut tree)?;
    }
    Ok(tree)
}
