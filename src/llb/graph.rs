//! A graph that was read and found valid.

use super::{CUSTOM_NAME, Output, exec, pb};
use crate::oci::{Digest, Platform};
use std::collections::{BTreeMap, HashMap};

/// A valid graph: every input is there, nothing needs itself.
#[derive(Debug, Clone)]
pub struct Graph {
    pub(super) vertices: Vec<Vertex>,
    pub(super) index: HashMap<Digest, usize>,
    pub(super) output: Output,
    pub(super) texts: Vec<SourceText>,
}

/// One operation with its inputs.
#[derive(Debug, Clone)]
pub struct Vertex {
    /// Computed from the bytes of the operation.
    pub digest: Digest,
    /// What the operation does.
    pub op: pb::op::Op,
    /// The trees that it takes, in the order in which the operation numbers them.
    pub inputs: Vec<Output>,
    /// What it is built for, where that matters.
    pub platform: Option<pb::Platform>,
    /// For people.
    pub description: BTreeMap<String, String>,
    /// What it may use; of commands only.
    pub limits: exec::Limits,
    /// Where the spec asks for it.
    pub places: Vec<Place>,
    /// Whether an earlier result must not be used.
    pub ignore_cache: bool,
}

/// A range in one of the graph's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which text.
    pub text: usize,
    /// Line and character of the beginning, from 1 and from 0.
    pub start: (u32, u32),
    /// Line and character of the end.
    pub end: (u32, u32),
}

/// A text that places point into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    /// The file's name.
    pub name: String,
    /// Its content.
    pub data: Vec<u8>,
}

impl Graph {
    /// The vertices, inputs before the vertex that takes them.
    pub fn vertices(&self) -> &[Vertex] {
        &self.vertices
    }

    /// The vertex of that digest.
    pub fn vertex(&self, digest: &Digest) -> Option<&Vertex> {
        self.position(digest).map(|position| &self.vertices[position])
    }

    /// Where a vertex stands in [`vertices`](Self::vertices).
    pub fn position(&self, digest: &Digest) -> Option<usize> {
        self.index.get(digest).copied()
    }

    /// What the graph yields.
    pub fn output(&self) -> Output {
        self.output
    }

    /// The texts that places point into.
    pub fn texts(&self) -> &[SourceText] {
        &self.texts
    }
}

/// A platform of a message; this machine's where none is said.
pub fn platform(message: Option<&pb::Platform>) -> Platform {
    match message.filter(|platform| !platform.architecture.is_empty()) {
        Some(platform) => Platform {
            architecture: platform.architecture.clone(),
            os: platform.os.clone(),
            variant: (!platform.variant.is_empty()).then(|| platform.variant.clone()),
        },
        None => Platform::host(),
    }
}

impl Vertex {
    /// How people call the vertex: the name that it was given, or what it does.
    pub fn name(&self) -> String {
        self.description.get(CUSTOM_NAME).cloned().unwrap_or_else(|| self.describe())
    }

    /// The kind of operation, in one word.
    pub fn kind(&self) -> &'static str {
        match self.op {
            pb::op::Op::Exec(_) => "exec",
            pb::op::Op::Source(_) => "source",
            pb::op::Op::File(_) => "file",
            pb::op::Op::Build(_) => "build",
            pb::op::Op::Merge(_) => "merge",
            pb::op::Op::Diff(_) => "diff",
        }
    }

    /// How many outputs the vertex has.
    pub fn outputs(&self) -> u32 {
        let count = match &self.op {
            pb::op::Op::File(file) => file.actions.iter().filter(|action| action.output >= 0).count(),
            pb::op::Op::Exec(op) => op.mounts.iter().filter(|mount| exec::is_output(mount)).count(),
            _ => 1,
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn describe(&self) -> String {
        match &self.op {
            pb::op::Op::Source(source) => without_secrets(&source.identifier),
            pb::op::Op::Exec(exec) => exec.meta.as_ref().map(|meta| meta.args.join(" ")).unwrap_or_default(),
            pb::op::Op::File(file) => file
                .actions
                .iter()
                .filter_map(|a| a.action.as_ref())
                .map(describe_action)
                .collect::<Vec<_>>()
                .join(", "),
            pb::op::Op::Merge(merge) => format!("merge {} trees", merge.inputs.len()),
            pb::op::Op::Diff(_) => "diff".to_owned(),
            pb::op::Op::Build(_) => "build".to_owned(),
        }
    }
}

/// An identifier as it may be shown: without user name, password and the values of a query.
pub(super) fn without_secrets(identifier: &str) -> String {
    let Some((scheme, rest)) = identifier.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
    else {
        return identifier.to_owned();
    };
    let (address, query) = match rest.find(['?', '#']) {
        Some(end) => (&rest[..end], if rest[end..].starts_with('?') { "?***" } else { "" }),
        None => (rest, ""),
    };
    let (host, path) = address.split_at(address.find('/').unwrap_or(address.len()));
    match host.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://***@{host}{path}{query}"),
        None => format!("{scheme}://{host}{path}{query}"),
    }
}

fn describe_action(action: &pb::file_action::Action) -> String {
    match action {
        pb::file_action::Action::Copy(copy) => format!("copy {} {}", copy.src, copy.dest),
        pb::file_action::Action::Mkfile(mkfile) => format!("mkfile {}", mkfile.path),
        pb::file_action::Action::Mkdir(mkdir) => format!("mkdir {}", mkdir.path),
        pb::file_action::Action::Rm(rm) => format!("rm {}", rm.path),
        pb::file_action::Action::Symlink(symlink) => format!("symlink {} -> {}", symlink.newpath, symlink.oldpath),
    }
}
