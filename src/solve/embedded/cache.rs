//! Results by what they were made from.
//!
//! The key is a digest of what the operation does and of the trees that it takes.
//! Names, places in the spec, the platform and the vertices' own digests are no part
//! of it: whoever does the same to the same trees finds the result. What an operation
//! *means* is part of it by [`VERSION`], which is to be raised with every change to it.
//!
//! A result counts only if its tree is in the store. The tree's bytes are checked when
//! they are read; if they turn out to be damaged then, the store has dropped them, and
//! solving once more finds no result and makes it anew. What a tree's *files* hold is
//! in the store if it was there when the sources were read: operations bring nothing of
//! their own but what [`brings_content`] tells, and for that the files are looked for.

use super::value::Value;
use crate::llb::Vertex;
use crate::llb::pb::{self, file_action};
use crate::oci::{Digest, Digester};
use crate::store::{Store, StoreError};
use crate::tree::{Entry, Node, Tree, TreeError};
use prost::Message;

const KIND: &str = "solved";

/// The kind of record that says of a tree the store's stamp when all of it was there.
const COMPLETE: &str = "complete";

/// The meaning of operations; results of another one are not found.
const VERSION: &[u8] = b"kiln solved 1\n";

/// The key of a vertex's result with these inputs.
pub(super) fn key(vertex: &Vertex, inputs: &[Value]) -> Digest {
    let op = pb::Op { op: Some(vertex.op.clone()), ..pb::Op::default() };
    let mut digester = Digester::new();
    digester.update(VERSION);
    digester.update(Digest::of(op.encode_to_vec()).as_bytes());
    for input in inputs {
        digester.update(input.digest().as_bytes());
    }
    digester.finish()
}

/// The outputs of an earlier run, if all of them are still there.
pub(super) fn find(store: &Store, key: &Digest, vertex: &Vertex) -> Result<Option<Vec<Value>>, TreeError> {
    let Some(bytes) = store.record(KIND, key)? else { return Ok(None) };
    let Some(values) = decode(&bytes, vertex.outputs() as usize) else { return Ok(None) };
    for value in &values {
        if !store.has(&value.tree_digest()) || (brings_content(&vertex.op) && !is_complete(value, store)?) {
            return Ok(None);
        }
    }
    Ok(Some(values))
}

/// Remembers a vertex's outputs.
pub(super) fn remember(store: &Store, key: &Digest, values: &[Value]) -> Result<(), StoreError> {
    store.set_record(KIND, key, &values.iter().flat_map(Value::encode).collect::<Vec<u8>>())
}

/// Whether the tree of a result and the contents of all its files are in the store. Once they were found there, they are as
/// long as the store loses nothing.
pub(super) fn is_complete(value: &Value, store: &Store) -> Result<bool, TreeError> {
    let (digest, stamp) = (value.tree_digest(), store.stamp());
    if !store.has(&digest) {
        return Ok(false);
    }
    if store.record(COMPLETE, &digest)?.is_some_and(|known| known == stamp.as_bytes()) {
        return Ok(true);
    }
    let is_complete = has_contents(&*value.tree(store)?, store);
    if is_complete {
        store.set_record(COMPLETE, &digest, stamp.as_bytes())?;
    }
    Ok(is_complete)
}

fn has_contents(tree: &Tree, store: &Store) -> bool {
    use rayon::prelude::*;
    let files: Vec<&Entry> = tree.iter().map(|(_, entry)| entry).filter(|entry| entry.is_file()).collect();
    files.par_iter().all(|entry| match entry.node {
        Node::File { content, size, .. } => store.size(&content) == Some(size),
        _ => true,
    })
}

/// Whether an operation puts contents into the store that its inputs do not have.
fn brings_content(op: &pb::op::Op) -> bool {
    let pb::op::Op::File(file) = op else { return false };
    file.actions.iter().any(|action| match &action.action {
        Some(file_action::Action::Mkfile(_)) => true,
        Some(file_action::Action::Copy(copy)) => copy.attempt_unpack_docker_compatibility,
        _ => false,
    })
}

fn decode(mut bytes: &[u8], outputs: usize) -> Option<Vec<Value>> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        values.push(Value::decode(&mut bytes)?);
    }
    (values.len() == outputs).then_some(values)
}
