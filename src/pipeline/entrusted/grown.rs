//! The states of a graph, as far as they are known after a daemon has made an image of it.
//!
//! Daemons make times of their own: an entry of which nothing else has changed counts as the one that was there before.

use super::arrival::Arrived;
use super::links::{Link, Links};
use super::{Entrusted, Known};
use crate::compile::Move;
use crate::llb::Output;
use crate::oci::Digest;
use crate::pipeline::assemble::Solution;
use crate::pipeline::commands::{self, RanFact};
use crate::pipeline::error::Error;
use crate::solve::buildkit::Pushed;
use crate::tree::{Entry, Node, Tree};
use std::sync::Arc;

/// What the states are made of.
pub(super) struct States<'a> {
    pub work: &'a Entrusted<'a>,
    pub known: &'a Known,
    pub links: &'a Links,
    pub arrived: &'a Arrived,
}

impl States<'_> {
    /// The file system as it grew, with what is known of the stages and of the commands.
    pub(super) fn solution(&self, pushed: &Pushed) -> Result<Solution, Error> {
        let compiled = self.work.of.compiled;
        let trees = self.grown(&compiled.recipe.moves)?;
        if let Some(lost) = compiled.recipe.moves.get(trees.len()) {
            return Err(Error::Usage(format!(
                "what `{}` leaves cannot be told apart in the layers of a daemon: build without `--engine-output`",
                self.work.vertex_name(&lost.state)
            )));
        }
        let stages = compiled.stages.iter().map(|(name, moves)| Ok((name.clone(), self.grown(moves)?)));
        let stages = stages.collect::<Result<_, Error>>()?;
        let ran = compiled.commands.iter().map(|command| self.ran(&command.vertex, pushed));
        Ok(Solution {
            trees,
            changes: self.arrived.changes.clone(),
            created_by: self.arrived.created_by.clone(),
            stages,
            ran: ran.collect::<Result<_, _>>()?,
            results: commands::results_of(compiled, &pushed.files),
        })
    }

    /// The states after moves, until the first that is not known.
    fn grown(&self, moves: &[Move]) -> Result<Vec<Arc<Tree>>, Error> {
        let mut trees: Vec<Arc<Tree>> = Vec::new();
        for one in moves {
            let Some(tree) = self.tree(&one.state)? else { break };
            let tree = match trees.last() {
                Some(before) => Arc::new(settled(before, &tree)),
                None => tree,
            };
            trees.push(tree);
        }
        Ok(trees)
    }

    /// The tree of an output, where it is known.
    fn tree(&self, output: &Output) -> Result<Option<Arc<Tree>>, Error> {
        if self.work.reach.holds(output) {
            return Ok(self.known.0.get(output).map(|solved| solved.tree.clone()));
        }
        let links = self.links.get(output);
        if let Some(tree) = self.arrived.state(links) {
            return Ok(Some(tree));
        }
        let mut tree = Tree::new();
        for link in links {
            match link {
                Link::Known(digest) => self.known.change(digest)?.apply(&mut tree)?,
                Link::Made(output) => match self.arrived.change(output) {
                    Some(change) => change.apply(&mut tree)?,
                    None => return Ok(None),
                },
            }
        }
        Ok((!links.is_empty()).then(|| Arc::new(tree)))
    }

    fn ran(&self, command: &Digest, pushed: &Pushed) -> Result<RanFact, Error> {
        let vertex = self.work.graph.vertex(command);
        let vertex = vertex.ok_or_else(|| Error::Mistake("a command is not in the graph".into()))?;
        let digest = |output: &Output| Ok(self.tree(output)?.map(|tree| tree.digest()));
        let outputs = (0..vertex.outputs()).map(|index| Output { vertex: *command, index });
        Ok(RanFact {
            vertex: *command,
            key: None,
            inputs: vertex.inputs.iter().map(digest).collect::<Result<_, Error>>()?,
            outputs: outputs.map(|output| digest(&output)).collect::<Result<_, Error>>()?,
            // A daemon takes no other for success.
            exit_code: 0,
            milliseconds: pushed.milliseconds.get(command).copied(),
        })
    }
}

/// A tree with the entries of the one before where nothing but their times is another.
fn settled(before: &Tree, now: &Tree) -> Tree {
    let pairs = before.pairs(now).filter_map(|(path, old, new)| Some((path, old, new?)));
    let same = |old: &&Entry, new: &Entry| plain(old) == plain(new);
    pairs.map(|(path, old, new)| (path.clone(), old.filter(|old| same(old, new)).unwrap_or(new).clone())).collect()
}

/// Whether two trees are the same but for times.
pub(super) fn is_same(one: &Tree, other: &Tree) -> bool {
    one.pairs(other).all(|(_, here, there)| here.map(plain) == there.map(plain))
}

/// An entry without its time, and without what tells its file from others with the same content.
fn plain(entry: &Entry) -> Entry {
    let node = match &entry.node {
        Node::File { content, size, .. } => Node::File { content: *content, size: *size, link: None },
        other => other.clone(),
    };
    Entry { mtime: None, node, ..entry.clone() }
}
