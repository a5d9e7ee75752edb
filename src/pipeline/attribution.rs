//! Who put a file into an image: a package, a source, a line of the spec, a command; of what was taken from a stage,
//! who put it there.
//!
//! What is copied from a stage can get another name, and belongs to whoever put the same content into the stage. What
//! is found nowhere in it stood in something that the stage mounts, and was made by its last command.

use super::error::Error;
use super::inputs::Realised;
use super::inventory::location;
use super::locking::Leveled;
use super::states::States;
use crate::compile::{CommandPlan, Move, Origin};
use crate::diagnostic::{Sources, Span};
use crate::evidence::{Location, Owner};
use crate::packages::deb::set;
use crate::spec;
use crate::tree::{Entry, Node, Tree, TreePath};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// The file system of an image or a stage as it grew, with what it was made of.
pub(super) struct Grown<'a> {
    /// The stage's name; none for the image.
    pub stage: Option<&'a str>,
    pub leveled: &'a Leveled<'a>,
    pub realised: &'a Realised,
    pub moves: &'a [Move],
    /// The tree after each move.
    pub trees: &'a [Arc<Tree>],
    credits: OnceLock<BTreeMap<TreePath, usize>>,
    contents: OnceLock<BTreeMap<Vec<u8>, Vec<TreePath>>>,
}

impl<'a> Grown<'a> {
    pub(super) fn new(
        stage: Option<&'a str>,
        leveled: &'a Leveled<'a>,
        realised: &'a Realised,
        moves: &'a [Move],
        trees: &'a [Arc<Tree>],
    ) -> Self {
        Grown { stage, leveled, realised, moves, trees, credits: OnceLock::new(), contents: OnceLock::new() }
    }

    /// The finished file system.
    pub(super) fn last(&self) -> Arc<Tree> {
        self.trees.last().cloned().unwrap_or_default()
    }

    /// Which move changed what last.
    fn credits(&self) -> &BTreeMap<TreePath, usize> {
        self.credits.get_or_init(|| States::new(self.moves, self.trees).credits())
    }

    /// The paths of what has the same content, for what got another name elsewhere.
    fn contents(&self) -> &BTreeMap<Vec<u8>, Vec<TreePath>> {
        self.contents.get_or_init(|| {
            let tree = self.last();
            let mut contents: BTreeMap<Vec<u8>, Vec<TreePath>> = BTreeMap::new();
            for path in self.credits().keys() {
                if let Some(key) = tree.get(path).and_then(content) {
                    contents.entry(key).or_default().push(path.clone());
                }
            }
            contents
        })
    }

    /// The path under which something that was taken from here most likely stood.
    fn path_of(&self, path: &TreePath, entry: &Entry) -> Option<&TreePath> {
        let same = self.contents().get(&content(entry)?)?;
        let by_name = same.iter().find(|known| known.file_name() == path.file_name());
        same.iter().find(|known| *known == path).or(by_name).or(same.first())
    }
}

/// What tells files and links apart from others, whatever they are called.
fn content(entry: &Entry) -> Option<Vec<u8>> {
    match &entry.node {
        Node::File { content, .. } => Some([b"f", content.as_bytes().as_slice()].concat()),
        Node::Symlink { target } => Some([b"l", &**target].concat()),
        _ => None,
    }
}

/// Finds out who put what into an image.
pub(super) struct Attribution<'a> {
    pub sources: &'a Sources,
    /// The names of all sources that anything was taken from, as evidence counts them.
    pub named: &'a [&'a spec::Source],
    /// The commands of all stages and of the image.
    pub commands: &'a [CommandPlan],
    /// The stages, as evidence counts them.
    pub stages: &'a [Grown<'a>],
}

impl Attribution<'_> {
    /// The owners of everything in a file system but folders.
    pub(super) fn of(&self, grown: &Grown<'_>) -> Result<Vec<(TreePath, Owner)>, Error> {
        let tree = grown.last();
        let owned = grown.credits().iter().map(|(path, position)| {
            let nobody = || Error::Mistake(format!("nobody owns {path}"));
            let entry = tree.get(path).ok_or_else(nobody)?;
            Ok((path.clone(), self.owner(grown, path, entry, *position)?))
        });
        owned.collect()
    }

    fn owner(&self, grown: &Grown<'_>, path: &TreePath, entry: &Entry, position: usize) -> Result<Owner, Error> {
        let nobody = || Error::Mistake(format!("nobody owns {path}"));
        let by = &grown.moves[position];
        match &by.origin {
            Origin::Base { .. } => Ok(Owner::Base(0)),
            Origin::Stage { name, span } => self.taken(name, path, entry, *span),
            Origin::Packages => {
                let installed = grown.realised.sets.iter().rev().flatten().next().ok_or_else(nobody)?;
                match installed.owner(path).ok_or_else(nobody)? {
                    set::Owner { package, made: false } => Ok(Owner::Package(package as usize)),
                    set::Owner { package, made: true } => Ok(Owner::Emulated { package: package as usize }),
                }
            }
            Origin::Accounts => {
                let image = &grown.leveled.levels[by.level].image;
                let span = image.accounts.first().map(|a| a.span).or(image.groups.first().map(|g| g.span));
                Ok(Owner::Spec(self.location(span.unwrap_or(image.span))))
            }
            Origin::Step { source: Some(name), span, .. } => {
                match self.named.iter().position(|source| source.name.value == *name) {
                    Some(source) => Ok(Owner::Source { source, location: Some(self.location(*span)) }),
                    None => self.taken(name, path, entry, *span),
                }
            }
            Origin::Scripts { span } | Origin::Step { source: None, span, .. } => {
                let mut own = self.commands.iter().filter(|command| command.stage.as_deref() == grown.stage);
                Ok(match own.position(|command| command.vertex == by.state.vertex) {
                    Some(step) => Owner::Step(step),
                    None => Owner::Spec(self.location(*span)),
                })
            }
        }
    }

    /// The owner of what was taken from a stage.
    fn taken(&self, name: &str, path: &TreePath, entry: &Entry, span: Span) -> Result<Owner, Error> {
        let stage = self.stages.iter().position(|stage| stage.stage == Some(name));
        let stage = stage.ok_or_else(|| Error::Mistake(format!("the stage {name} was used and is not known")))?;
        let grown = &self.stages[stage];
        let tree = grown.last();
        let inner = match grown.path_of(path, entry).and_then(|path| Some((path, tree.get(path)?))) {
            Some((path, entry)) => self.owner(grown, path, entry, grown.credits()[path])?,
            None => {
                let steps = self.commands.iter().filter(|command| command.stage.as_deref() == Some(name)).count();
                let span = grown.leveled.image.span;
                steps.checked_sub(1).map_or_else(|| Owner::Spec(self.location(span)), Owner::Step)
            }
        };
        Ok(Owner::Stage { stage, owner: Box::new(inner), location: Some(self.location(span)) })
    }

    fn location(&self, span: Span) -> Location {
        location(self.sources, span)
    }
}
