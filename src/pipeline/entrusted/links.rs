//! Of which layers BuildKit makes the outputs of a graph.
//!
//! That is a simple recursion: a command and a file operation put one upon those of what they begin with, a merge puts those of
//! its inputs upon one another, and a difference is what one has more than the other, where it begins with all of the other, and
//! else one of its own. So it is known of which state each layer of an image is, and nothing in it need be guessed.

use crate::llb::{Graph, Output, Vertex, exec, pb};
use crate::oci::Digest;
use crate::pipeline::error::Error;
use std::collections::BTreeMap;

/// One of the layers of an output, or several that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Link {
    /// All layers of what kiln made itself, by what names that.
    Known(Digest),
    /// The layer that makes this output of what it begins with.
    Made(Output),
}

/// Of what the outputs consist, lowest first.
pub(super) struct Links(BTreeMap<Output, Vec<Link>>);

impl Links {
    /// Of all outputs of a graph beyond those that are `known`.
    pub(super) fn of(graph: &Graph, known: &BTreeMap<Output, Digest>) -> Result<Self, Error> {
        let known = known.iter().map(|(output, digest)| (*output, vec![Link::Known(*digest)]));
        let mut links = Links(known.collect());
        for vertex in graph.vertices() {
            for index in 0..vertex.outputs() {
                let output = Output { vertex: vertex.digest, index };
                if !links.0.contains_key(&output)
                    && let Some(chain) = links.chain(vertex, output)?
                {
                    links.0.insert(output, chain);
                }
            }
        }
        Ok(links)
    }

    /// The links of an output; nothing of one that nobody beyond what is known takes.
    pub(super) fn get(&self, output: &Output) -> &[Link] {
        self.0.get(output).map_or(&[], Vec::as_slice)
    }

    /// The links of an output whose inputs have theirs; none where they have not, as nobody needs it.
    fn chain(&self, vertex: &Vertex, output: Output) -> Result<Option<Vec<Link>>, Error> {
        let is_source = matches!(vertex.op, pb::op::Op::Source(_));
        if is_source || !vertex.inputs.iter().all(|input| self.0.contains_key(input)) {
            return Ok(None);
        }
        let input = |number: i64| {
            let input = usize::try_from(number).ok().and_then(|number| vertex.inputs.get(number));
            input.map_or(&[][..], |input| self.get(input))
        };
        let upon = |below: &[Link]| below.iter().copied().chain([Link::Made(output)]).collect();
        Ok(Some(match &vertex.op {
            pb::op::Op::File(file) => upon(input(base(file, vertex.inputs.len(), output.index))),
            pb::op::Op::Exec(op) => {
                let mount =
                    op.mounts.iter().find(|mount| exec::is_output(mount) && mount.output == i64::from(output.index));
                let mount = mount.ok_or_else(|| mistake(vertex))?;
                if mount.readonly { input(mount.input).to_vec() } else { upon(input(mount.input)) }
            }
            pb::op::Op::Merge(merge) => merge.inputs.iter().flat_map(|one| input(one.input)).copied().collect(),
            pb::op::Op::Diff(diff) => {
                let lower = diff.lower.as_ref().map_or(&[][..], |lower| input(lower.input));
                let upper = diff.upper.as_ref().map_or(&[][..], |upper| input(upper.input));
                upper.strip_prefix(lower).map_or_else(|| vec![Link::Made(output)], <[Link]>::to_vec)
            }
            pb::op::Op::Source(_) | pb::op::Op::Build(_) => return Err(mistake(vertex)),
        }))
    }
}

fn mistake(vertex: &Vertex) -> Error {
    Error::Mistake(format!("it is not known of which layers `{}` consists", vertex.name()))
}

/// The input that the actions begin with which make an output; −1 for none.
fn base(file: &pb::FileOp, inputs: usize, output: u32) -> i64 {
    let mut at = file.actions.iter().position(|action| action.output == i64::from(output));
    while let Some(action) = at.and_then(|at| file.actions.get(at)) {
        match usize::try_from(action.input).ok().and_then(|input| input.checked_sub(inputs)) {
            Some(earlier) if Some(earlier) < at => at = Some(earlier),
            Some(_) => break,
            None => return action.input,
        }
    }
    -1
}

#[cfg(test)]
mod tests;
