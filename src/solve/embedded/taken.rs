//! What of each result others take.
//!
//! Of what a command leaves in a stage, an image often takes a few files: the rest then need not come from where the
//! command ran, and is no part of the result. That is read off the graph alone, so every engine leaves the same out.

use super::file::owner_inputs;
use crate::llb::exec::is_output;
use crate::llb::{Output, Vertex, pb};
use crate::tree::TreePath;
use pb::file_action::Action;
use std::collections::{BTreeMap, BTreeSet};

/// What is taken of one output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// All, or nobody knows what.
    All,
    /// What stands at these paths, with all below; none is below another.
    Paths(BTreeSet<TreePath>),
}

impl Part {
    fn path(path: TreePath) -> Self {
        if path.is_root() { Part::All } else { Part::Paths(BTreeSet::from([path])) }
    }

    fn and(&mut self, more: Part) {
        match (&mut *self, more) {
            (Part::Paths(paths), Part::Paths(more)) => {
                paths.extend(more);
                let all = paths.clone();
                paths.retain(|path| {
                    path.parent().is_none_or(|above| above.ancestors().all(|path| !all.contains(&path)))
                });
            }
            (_, Part::All) => *self = Part::All,
            (Part::All, _) => {}
        }
    }
}

/// What is taken of each output that anything is taken of.
#[derive(Debug, Default)]
pub(super) struct Taken(BTreeMap<Output, Part>);

impl Taken {
    /// What these vertices take of one another, and whoever wants the targets.
    pub(super) fn of(vertices: &[&Vertex], targets: &[Output]) -> Self {
        let mut taken = Taken::default();
        targets.iter().for_each(|target| taken.take(target, Part::All));
        for vertex in vertices {
            match &vertex.op {
                pb::op::Op::Exec(exec) => taken.by_command(vertex, exec),
                pb::op::Op::File(file) => taken.by_files(vertex, file),
                _ => vertex.inputs.iter().for_each(|input| taken.take(input, Part::All)),
            }
        }
        taken
    }

    /// What is taken of an output.
    pub(super) fn part(&self, output: &Output) -> Part {
        self.0.get(output).cloned().unwrap_or(Part::Paths(BTreeSet::new()))
    }

    fn take(&mut self, output: &Output, part: Part) {
        match self.0.get_mut(output) {
            Some(known) => known.and(part),
            None => drop(self.0.insert(*output, part)),
        }
    }

    /// A command sees the part that is mounted.
    fn by_command(&mut self, vertex: &Vertex, exec: &pb::ExecOp) {
        for mount in &exec.mounts {
            let Some(input) = input(vertex, mount.input) else { continue };
            let part = match TreePath::from_user(&mount.selector) {
                Ok(selector) if !is_output(mount) => Part::path(selector),
                _ => Part::All,
            };
            self.take(input, part);
        }
    }

    /// A copy takes what it copies, and everything else all of a tree.
    fn by_files(&mut self, vertex: &Vertex, file: &pb::FileOp) {
        for action in &file.actions {
            let from = match &action.action {
                Some(Action::Copy(copy)) => source(copy),
                _ => Part::All,
            };
            let names = action.action.as_ref().map(owner_inputs).unwrap_or_default();
            let names = names.into_iter().map(|index| (index, Part::All));
            for (index, part) in [(action.input, Part::All), (action.secondary_input, from)].into_iter().chain(names) {
                if let Some(input) = input(vertex, index) {
                    self.take(input, part);
                }
            }
        }
    }
}

fn input(vertex: &Vertex, index: i64) -> Option<&Output> {
    vertex.inputs.get(usize::try_from(index).ok()?)
}

/// What a copy reads: of a pattern, the folder in front of it. What a link leads to may be anywhere.
fn source(copy: &pb::FileActionCopy) -> Part {
    let is_pattern = |part: &&str| copy.allow_wildcard && part.contains(['*', '?', '[', '\\']);
    let fixed: Vec<&str> = copy.src.split('/').take_while(|part| !is_pattern(part)).collect();
    match TreePath::from_user(fixed.join("/")) {
        Ok(path) if !copy.follow_symlink => Part::path(path),
        _ => Part::All,
    }
}

#[cfg(test)]
mod tests;
