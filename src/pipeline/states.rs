//! The states of an image's file system: what each layer changes, and who put each path there.

use crate::compile::{LayerPlan, Move, Origin};
use crate::tree::{Change, Tree, TreeError, TreePath};
use std::collections::{BTreeMap, BTreeSet};
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
        let mut below = Arc::new(Tree::new());
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
    fn lasting(&self, position: usize) -> Arc<Tree> {
        let state = &self.trees[position];
        let here = &self.moves[position];
        let end = self.moves.iter().rposition(|m| m.level == here.level).unwrap_or(position);
        if matches!(here.origin, Origin::Base { .. }) || end == position {
            return state.clone();
        }
        let lost = state.pairs(&self.trees[end]).filter(|(_, now, then)| now.is_some() && then.is_none());
        let lost: BTreeSet<&TreePath> = lost.map(|(path, ..)| path).filter(|path| !path.is_root()).collect();
        match lost.is_empty() {
            true => state.clone(),
            false => Arc::new(state.iter().filter(|(path, _)| !lost.contains(path)).map(cloned).collect()),
        }
    }

    /// For everything in the finished file system but folders: the last move that changed it.
    pub(super) fn credits(&self) -> BTreeMap<TreePath, usize> {
        let last = self.last();
        let mut credits = vec![self.trees.len().saturating_sub(1); last.len()];
        for (i, tree) in self.trees.iter().enumerate().rev().skip(1) {
            let entries = tree.pairs(&last).filter(|(_, _, then)| then.is_some());
            for (credit, (_, now, then)) in credits.iter_mut().zip(entries) {
                if now == then && *credit == i + 1 {
                    *credit = i;
                }
            }
        }
        let all = last.iter().zip(credits).filter(|((_, entry), _)| !entry.is_dir());
        all.map(|((path, _), credit)| (path.clone(), credit)).collect()
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
