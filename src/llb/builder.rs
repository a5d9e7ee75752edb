//! Builds a graph vertex by vertex and marshals it as BuildKit's own client does.
//!
//! A vertex is marshalled as soon as it is added: its inputs are already there, so
//! their digests are known, and with them its own. Equal vertices thereby become one
//! without being looked for. What is *not* part of a vertex (its name, its place in
//! the spec, bounds) is kept beside it and never changes a digest.

use super::exec::{Exec, ExecOutputs, LIMITS};
use super::{Action, CUSTOM_NAME, Definition, LlbError, Output, caps, pb, source_map::SourceMap, validate};
use crate::diagnostic::{Sources, Span};
use crate::oci::{Digest, Platform};
use prost::Message;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What people see of a vertex: nothing in here changes what is built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// How progress and errors call the vertex; without one, a name is made from the operation.
    pub name: Option<String>,
    /// Where the spec asks for it.
    pub spans: Vec<Span>,
    /// What else is to be said of it, by keys.
    pub description: BTreeMap<String, String>,
}

impl Note {
    /// A note with a name.
    pub fn named(name: impl Into<String>) -> Self {
        Note { name: Some(name.into()), ..Note::default() }
    }

    /// A note with a place.
    pub fn at(span: Span) -> Self {
        Note { spans: vec![span], ..Note::default() }
    }

    /// Adds a place.
    #[must_use]
    pub fn and_at(mut self, span: Span) -> Self {
        self.spans.push(span);
        self
    }

    /// Says one thing more.
    #[must_use]
    pub fn and_says(mut self, key: impl Into<String>, text: impl Into<String>) -> Self {
        self.description.insert(key.into(), text.into());
        self
    }
}

/// Actions that are done to a tree one after the other, as one vertex.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileOp {
    /// The tree to begin with; the empty tree where there is none.
    pub base: Option<Output>,
    /// The tree whose `/etc/passwd` and `/etc/group` give named owners their numbers; `base` where there is none.
    pub accounts: Option<Output>,
    /// What to do; not empty.
    pub actions: Vec<Action>,
}

/// Builds one graph.
pub struct Builder {
    platform: Platform,
    vertices: HashMap<Digest, Built>,
}

struct Built {
    bytes: Vec<u8>,
    inputs: Vec<Digest>,
    caps: BTreeMap<String, bool>,
    description: BTreeMap<String, String>,
    spans: BTreeSet<Span>,
}

impl Builder {
    /// An empty graph; `platform` is what its platform-dependent sources are asked for, and its commands run for.
    pub fn new(platform: Platform) -> Self {
        Builder { platform, vertices: HashMap::new() }
    }

    /// What is added from now on is for another platform.
    pub fn set_platform(&mut self, platform: Platform) {
        self.platform = platform;
    }

    /// What is added is for this platform.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// Adds a source: a context, a download, an image.
    ///
    /// Attributes with an empty value say nothing and are left out.
    pub fn source(&mut self, identifier: &str, mut attrs: BTreeMap<String, String>, note: Note) -> Output {
        attrs.retain(|_, value| !value.is_empty());
        let depends_on_platform = ["docker-image://", "oci-layout://"].iter().any(|s| identifier.starts_with(s));
        let platform = depends_on_platform.then(|| platform_to_pb(&self.platform));
        let op = pb::op::Op::Source(pb::SourceOp { identifier: identifier.to_owned(), attrs });
        self.add(op, Vec::new(), platform, note)
    }

    /// Adds a file operation.
    pub fn file(&mut self, op: FileOp, note: Note) -> Output {
        let mut inputs = Inputs::default();
        let base = inputs.index(op.base);
        let secondary: Vec<i64> = op.actions.iter().map(|action| inputs.index(action.secondary())).collect();
        let accounts = match op.accounts {
            Some(accounts) if op.actions.iter().any(Action::names_owner) => inputs.index(Some(accounts)),
            _ => base,
        };
        let last = op.actions.len().saturating_sub(1);
        let steps = op.actions.iter().zip(secondary).enumerate();
        let actions = steps.map(|(i, (action, secondary_input))| pb::FileAction {
            input: if i == 0 { base } else { to_i64(inputs.0.len() + i - 1) },
            secondary_input,
            output: if i == last { 0 } else { -1 },
            action: Some(action.to_pb(accounts)),
        });
        let op = pb::op::Op::File(pb::FileOp { actions: actions.collect() });
        self.add(op, inputs.0, None, note)
    }

    /// Adds a merge: the trees laid over one another, the first lowest. No trees give none, one gives itself.
    pub fn merge(&mut self, trees: &[Output], note: Note) -> Option<Output> {
        if trees.len() < 2 {
            return trees.first().copied();
        }
        let inputs = (0..trees.len()).map(|i| pb::MergeInput { input: to_i64(i) }).collect();
        Some(self.add(pb::op::Op::Merge(pb::MergeOp { inputs }), trees.to_vec(), None, note))
    }

    /// Adds a difference: what `upper` changed in `lower`. Nothing is the empty tree.
    pub fn diff(&mut self, lower: Option<Output>, upper: Option<Output>, note: Note) -> Option<Output> {
        if lower.is_none() {
            return upper;
        }
        let mut inputs = Vec::new();
        let mut index = |output: Option<Output>| {
            output.map_or(-1, |output| {
                inputs.push(output);
                to_i64(inputs.len() - 1)
            })
        };
        let lower = pb::LowerDiffInput { input: index(lower) };
        let upper = pb::UpperDiffInput { input: index(upper) };
        let op = pb::op::Op::Diff(pb::DiffOp { lower: Some(lower), upper: Some(upper) });
        Some(self.add(op, inputs, None, note))
    }

    /// Adds a command. Where an equal one is there already, the bounds that it has remain.
    pub fn exec(&mut self, exec: Exec, mut note: Note) -> ExecOutputs {
        let mut inputs = Inputs::default();
        let (op, numbers) = exec.to_pb(&mut inputs);
        if !exec.limits.is_empty() {
            note = note.and_says(LIMITS, serde_json::to_string(&exec.limits).expect("numbers always have a text"));
        }
        let platform = platform_to_pb(&self.platform);
        let output = self.add(pb::op::Op::Exec(op), inputs.0, Some(platform), note);
        ExecOutputs::of(output.vertex, numbers)
    }

    /// The definition that yields `output`, with the vertices that this takes and no others.
    pub fn finish(&self, output: Output, sources: &Sources) -> Result<Definition, LlbError> {
        self.finish_with(output, &[], sources)
    }

    /// The same without places in a spec.
    pub fn finish_without_places(&self, output: Output) -> Result<Definition, LlbError> {
        self.finish(output, &Sources::default())
    }

    /// The definition that yields `output`, with the vertices that this and `others` take.
    pub fn finish_with(&self, output: Output, others: &[Output], sources: &Sources) -> Result<Definition, LlbError> {
        let mut message = pb::Definition::default();
        let mut map = SourceMap::new(sources);
        let mut spans = BTreeMap::new();
        let mut described = false;
        for digest in self.order(others.iter().chain([&output]))? {
            let built = &self.vertices[&digest];
            described |= !built.description.is_empty();
            let places: Vec<Span> = built.spans.iter().copied().collect();
            map.add(&digest, &places);
            spans.insert(digest, places);
            message.metadata.insert(digest.to_string(), built.metadata());
            message.def.push(built.bytes.clone());
        }
        let last = pb::Op { inputs: vec![input(&output)], ..Default::default() }.encode_to_vec();
        let metadata = pb::OpMetadata { caps: caps::of_definition(described), ..Default::default() };
        message.metadata.insert(Digest::of(&last).to_string(), metadata);
        message.def.push(last);
        message.source = Some(map.finish());
        Ok(Definition::new(message, output, spans))
    }

    pub(super) fn add(
        &mut self,
        op: pb::op::Op,
        inputs: Vec<Output>,
        platform: Option<pb::Platform>,
        note: Note,
    ) -> Output {
        let caps = caps::of(&op);
        let message = pb::Op {
            inputs: inputs.iter().map(input).collect(),
            platform,
            constraints: Some(pb::WorkerConstraints::default()),
            op: Some(op),
        };
        let bytes = message.encode_to_vec();
        let digest = Digest::of(&bytes);
        let built = self.vertices.entry(digest).or_insert_with(|| Built {
            bytes,
            inputs: inputs.iter().map(|input| input.vertex).collect(),
            caps,
            description: BTreeMap::new(),
            spans: BTreeSet::new(),
        });
        let name = note.name.map(|name| (CUSTOM_NAME.to_owned(), name));
        for (key, text) in note.description.into_iter().chain(name) {
            built.description.entry(key).or_insert(text);
        }
        built.spans.extend(note.spans);
        Output { vertex: digest, index: 0 }
    }

    /// The vertices that `roots` take, depth first, inputs before the vertex.
    fn order<'o>(&self, roots: impl Iterator<Item = &'o Output>) -> Result<Vec<Digest>, LlbError> {
        let mut order = Vec::new();
        let mut seen = HashSet::new();
        for root in roots.map(|root| root.vertex) {
            if seen.insert(root) {
                self.walk(root, &mut seen, &mut order)?;
            }
        }
        Ok(order)
    }

    fn walk(&self, root: Digest, seen: &mut HashSet<Digest>, order: &mut Vec<Digest>) -> Result<(), LlbError> {
        let mut path = vec![(root, 0)];
        while let Some((digest, next)) = path.pop() {
            let built = self.vertices.get(&digest).ok_or(LlbError::MissingInput { digest, of: root })?;
            match built.inputs.get(next) {
                Some(input) => {
                    path.push((digest, next + 1));
                    if seen.insert(*input) {
                        path.push((*input, 0));
                    }
                }
                None => {
                    validate::vertex(&digest, &validate::decode(&built.bytes)?)?;
                    order.push(digest);
                }
            }
        }
        Ok(())
    }
}

impl Built {
    fn metadata(&self) -> pb::OpMetadata {
        let (description, caps) = (self.description.clone(), self.caps.clone());
        pb::OpMetadata { description, caps, ..Default::default() }
    }
}

/// The inputs of an operation, each once, in the order of their first use.
#[derive(Default)]
pub(super) struct Inputs(Vec<Output>);

impl Inputs {
    /// The number of a tree; −1 for none.
    pub(super) fn index(&mut self, output: Option<Output>) -> i64 {
        let Some(output) = output else { return -1 };
        let known = self.0.iter().position(|input| *input == output);
        to_i64(known.unwrap_or_else(|| {
            self.0.push(output);
            self.0.len() - 1
        }))
    }
}

fn input(output: &Output) -> pb::Input {
    pb::Input { digest: output.vertex.to_string(), index: i64::from(output.index) }
}

fn platform_to_pb(platform: &Platform) -> pb::Platform {
    pb::Platform {
        architecture: platform.architecture.clone(),
        os: platform.os.clone(),
        variant: platform.variant.clone().unwrap_or_default(),
        ..Default::default()
    }
}

fn to_i64(index: usize) -> i64 {
    i64::try_from(index).expect("a list in memory has fewer than 2^63 items")
}
