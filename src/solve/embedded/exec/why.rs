//! Why a command ran again: what it was told and saw when it last succeeded, beside what it is told and sees now.
//!
//! What is remembered is found by the name that people gave the command and its platform. It explains and decides
//! nothing.

use super::super::value::Value;
use super::error::ExecError;
use super::key;
use crate::llb::{Graph, Vertex, pb};
use crate::oci::Digest;
use crate::solve::{Changes, Reason};
use crate::store::{Store, StoreError};
use crate::tree::{Change, Tree};
use prost::Message;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const KIND: &str = "exec-last";

/// As many paths are named.
const NAMED: usize = 10;

/// What a command was told and saw.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// What the operation says, part by part.
    parts: BTreeMap<String, Digest>,
    /// What was mounted, by its place.
    mounted: BTreeMap<String, Mounted>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mounted {
    /// How people call it.
    name: String,
    /// What counts of it.
    content: Digest,
    /// The tree that it is, or is a part of.
    tree: Digest,
}

impl Seen {
    /// What a command that means `meaning` is told and sees.
    pub(super) fn now(
        graph: &Graph,
        vertex: &Vertex,
        meaning: &pb::ExecOp,
        contents: &[Option<Digest>],
        op: &pb::ExecOp,
        inputs: &[Value],
    ) -> Self {
        let mut mounted = BTreeMap::new();
        for (mount, content) in op.mounts.iter().zip(contents) {
            let index = usize::try_from(mount.input).ok();
            let (Some(content), Some(index)) = (content, index) else { continue };
            let (Some(output), Some(value)) = (vertex.inputs.get(index), inputs.get(index)) else { continue };
            let name = graph.vertex(&output.vertex).map(Vertex::name).unwrap_or_default();
            mounted.insert(mount.dest.clone(), Mounted { name, content: *content, tree: value.tree_digest() });
        }
        Seen { parts: parts(meaning), mounted }
    }

    /// What was remembered of a command of that name.
    pub(super) fn last(vertex: &Vertex, store: &Store) -> Result<Option<Self>, StoreError> {
        let bytes = store.record(KIND, &name(vertex))?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Remembers it.
    pub(super) fn remember(&self, vertex: &Vertex, store: &Store) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(self).expect("all keys are strings");
        store.set_record(KIND, &name(vertex), &bytes)
    }

    /// In what this differs from an earlier time.
    pub(super) fn reasons(&self, last: &Seen, op: &pb::ExecOp, store: &Store) -> Vec<Reason> {
        let changed = self.parts.iter().filter(|(part, digest)| last.parts.get(*part) != Some(digest));
        let mut reasons: Vec<Reason> = changed.map(|(part, _)| Reason::Operation { part: part.clone() }).collect();
        for (target, now) in &self.mounted {
            let Some(then) = last.mounted.get(target).filter(|then| then.content != now.content) else { continue };
            let mount = op.mounts.iter().find(|mount| mount.dest == *target);
            // Trees that are gone or damaged leave a reason without paths.
            let changes = mount.and_then(|mount| changes(mount, then, now, store).ok());
            reasons.push(Reason::Input { name: now.name.clone(), target: target.clone(), changes });
        }
        reasons
    }
}

fn name(vertex: &Vertex) -> Digest {
    let platform = vertex.platform.clone().unwrap_or_default();
    let platform = [platform.os, platform.architecture, platform.variant].join("/");
    Digest::of([vertex.name().as_bytes(), b"\0", platform.as_bytes()].concat())
}

/// The digests of what an operation says, by the words in which people think of it.
fn parts(meaning: &pb::ExecOp) -> BTreeMap<String, Digest> {
    let meta = meaning.meta.clone().unwrap_or_default();
    let only = |change: &dyn Fn(&mut pb::Meta)| {
        let mut part = pb::Meta::default();
        change(&mut part);
        Digest::of(part.encode_to_vec())
    };
    let mounts = pb::ExecOp { mounts: meaning.mounts.clone(), ..pb::ExecOp::default() };
    let secrets = pb::ExecOp { secretenv: meaning.secretenv.clone(), ..pb::ExecOp::default() };
    let network = pb::ExecOp { network: meaning.network, security: meaning.security, ..pb::ExecOp::default() };
    let parts = [
        ("command", only(&|part| part.args.clone_from(&meta.args))),
        ("environment", only(&|part| part.env.clone_from(&meta.env))),
        ("working directory", only(&|part| part.cwd.clone_from(&meta.cwd))),
        ("user", only(&|part| part.user.clone_from(&meta.user))),
        ("host name", only(&|part| part.hostname.clone_from(&meta.hostname))),
        ("list of hosts", only(&|part| part.extra_hosts.clone_from(&meta.extra_hosts))),
        ("list of exit codes", only(&|part| part.valid_exit_codes.clone_from(&meta.valid_exit_codes))),
        ("list of ulimits", only(&|part| part.ulimit.clone_from(&meta.ulimit))),
        ("list of mounts", Digest::of(mounts.encode_to_vec())),
        ("list of secrets", Digest::of(secrets.encode_to_vec())),
        ("network", Digest::of(network.encode_to_vec())),
    ];
    parts.into_iter().map(|(part, digest)| (part.to_owned(), digest)).collect()
}

/// The paths that differ in what a mount showed then and shows now.
fn changes(mount: &pb::Mount, then: &Mounted, now: &Mounted, store: &Store) -> Result<Changes, ExecError> {
    let shown = |mounted: &Mounted| key::part(mount, &Tree::load(store, &mounted.tree)?);
    let (then, now) = (shown(then)?, shown(now)?);
    let Change { entries, removed, .. } = Change::between(&then, &now);
    // The folders above a change come with it.
    let put = entries.iter().filter(|(path, entry)| then.get(path) != Some(entry)).map(|(path, _)| path);
    let mut paths: Vec<String> = put.chain(&removed).map(ToString::to_string).collect();
    paths.sort_unstable();
    let count = paths.len();
    paths.truncate(NAMED);
    Ok(Changes { count, first: paths })
}
