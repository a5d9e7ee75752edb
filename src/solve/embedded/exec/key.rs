//! What names the result of a command: what it is told and the contents that it sees.
//!
//! Of a mounted tree that the command cannot change, or whose changes nobody gets, only the part counts that is mounted:
//! a change elsewhere in it is no reason to run again. What bounds a command or says where it runs does not count
//! ([`Limits`](crate::llb::exec::Limits), the parent of its cgroup, proxies, the platform), nor how often something was
//! asked to be cached; nor does the content of a cache or the value of a secret, only that they are there. What a
//! command *means* is part of the key by [`VERSION`], which is to be raised with every change to it.

use super::super::value::Value;
use super::error::ExecError;
use crate::llb::exec::{Network, is_output};
use crate::llb::pb;
use crate::oci::{Digest, Digester};
use crate::store::Store;
use crate::tree::{Tree, TreePath};
use prost::Message;

/// The meaning of commands; results of another one are not found.
const VERSION: &[u8] = b"kiln exec 2\n";

/// Records of the digests of parts of trees.
const PARTS: &str = "tree-part";

/// What a command does, without what does not decide its result; `network` is what the engine gives those that leave it
/// open. Inputs are not numbered, as their contents stand beside it.
pub(super) fn meaning(op: &pb::ExecOp, network: Network) -> pb::ExecOp {
    let mut op = op.clone();
    op.set_network(match network_of(&op, network) {
        Network::None => pb::NetMode::None,
        Network::Host => pb::NetMode::Host,
    });
    if let Some(meta) = &mut op.meta {
        meta.proxy_env = None;
        meta.cgroup_parent = String::new();
        meta.remove_mount_stubs_recursive = false;
    }
    for mount in &mut op.mounts {
        mount.input = mount.input.min(0);
        mount.result_id = String::new();
        mount.set_content_cache(pb::MountContentCache::Default);
    }
    op
}

/// What a command reaches over the network.
pub(super) fn network_of(op: &pb::ExecOp, unsaid: Network) -> Network {
    match op.network() {
        pb::NetMode::Unset => unsaid,
        pb::NetMode::None => Network::None,
        pb::NetMode::Host => Network::Host,
    }
}

/// The key of a command that means this and sees these contents.
pub(super) fn key(meaning: &pb::ExecOp, contents: &[Option<Digest>]) -> Digest {
    let mut digester = Digester::new();
    digester.update(VERSION);
    digester.update(Digest::of(meaning.encode_to_vec()).as_bytes());
    for content in contents.iter().flatten() {
        digester.update(content.as_bytes());
    }
    digester.finish()
}

/// The key of the same command where its sandbox has one id alone: it may have failed to change an owner, or have written
/// to what another user should have. Where all ids are, such a result is not found.
pub(super) fn with_one_id(key: &Digest) -> Digest {
    Digest::of([key.as_bytes(), b"one id".as_slice()].concat())
}

/// What counts of the tree behind each mount; none where there is no tree.
pub(super) fn contents(op: &pb::ExecOp, inputs: &[Value], store: &Store) -> Result<Vec<Option<Digest>>, ExecError> {
    let content = |mount: &pb::Mount| input(mount, inputs).map(|value| content(mount, value, store)).transpose();
    op.mounts.iter().map(content).collect()
}

/// The tree behind a mount.
pub(super) fn input<'v>(mount: &pb::Mount, inputs: &'v [Value]) -> Option<&'v Value> {
    usize::try_from(mount.input).ok().and_then(|index| inputs.get(index))
}

/// The part of a tree that a mount shows.
pub(super) fn selector(mount: &pb::Mount) -> Result<TreePath, ExecError> {
    Ok(TreePath::from_user(&mount.selector)?)
}

/// What a mount shows of a tree, as a tree whose root it is: a directory with all below it, or one file.
pub(super) fn part(mount: &pb::Mount, tree: &Tree) -> Result<Tree, ExecError> {
    let selector = selector(mount)?;
    let path = tree.resolve(selector.as_bytes())?;
    match tree.get(&path) {
        _ if path.is_root() => Ok(tree.clone()),
        Some(entry) if entry.is_dir() => Ok(tree.subtree(&path)),
        Some(entry) => Ok([(TreePath::root(), entry.clone())].into_iter().collect()),
        None => Err(ExecError::NoSelection { selector, target: mount.dest.clone() }),
    }
}

fn content(mount: &pb::Mount, value: &Value, store: &Store) -> Result<Digest, ExecError> {
    if is_output(mount) {
        return Ok(value.digest());
    }
    let selector = selector(mount)?;
    if selector.is_root() {
        return Ok(value.tree_digest());
    }
    let name = Digest::of([value.tree_digest().as_bytes(), selector.as_bytes()].concat());
    if let Some(known) = store.record(PARTS, &name)?
        && let Ok(known) = known.as_slice().try_into()
    {
        return Ok(Digest::from_bytes(known));
    }
    let part = part(mount, &*value.tree(store)?)?.digest();
    store.set_record(PARTS, &name, part.as_bytes())?;
    Ok(part)
}
