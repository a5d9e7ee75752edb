//! Results of commands in the store.
//!
//! A result counts as long as its trees are there and the contents that the command brought. What it took over from its
//! inputs is there if their sources are: these look at that themselves.

use super::super::value::Value;
use crate::llb::exec::is_output;
use crate::llb::pb;
use crate::oci::Digest;
use crate::solve::Facts;
use crate::store::{Store, StoreError};
use crate::tree::{Change, Node};
use rayon::ThreadPool;
use rayon::prelude::*;
use std::collections::BTreeSet;

const KIND: &str = "exec";

/// Fewer contents are looked for without the help of other threads.
const FEW: usize = 256;

/// What a command left.
#[derive(Debug)]
pub(super) struct Made {
    /// Its outputs, in order.
    pub(super) values: Vec<Value>,
    /// What was seen when it ran.
    pub(super) facts: Facts,
    /// The contents that it brought, with their sizes.
    pub(super) brought: BTreeSet<(Digest, u64)>,
}

/// The contents of files that a change puts.
pub(super) fn brought(change: &Change) -> impl Iterator<Item = (Digest, u64)> + '_ {
    change.entries.iter().filter_map(|(_, entry)| match entry.node {
        Node::File { content, size, .. } => Some((content, size)),
        _ => None,
    })
}

/// The result under the first of these keys that has one of which all is there, with that key.
pub(super) fn find(
    store: &Store,
    keys: &[Digest],
    op: &pb::ExecOp,
    pool: &ThreadPool,
) -> Result<Option<(Digest, Made)>, StoreError> {
    let find = |key: &Digest| find_one(store, key, op, pool).transpose().map(|made| Ok((*key, made?)));
    keys.iter().find_map(find).transpose()
}

fn find_one(store: &Store, key: &Digest, op: &pb::ExecOp, pool: &ThreadPool) -> Result<Option<Made>, StoreError> {
    let outputs = op.mounts.iter().filter(|mount| is_output(mount)).count();
    let Some((_, made)) = read(store, key)?.filter(|(_, made)| made.values.len() == outputs) else { return Ok(None) };
    let has_trees = made.values.iter().all(|value| store.has(&value.tree_digest()));
    let is_there = |(content, size): &(Digest, u64)| store.size(content) == Some(*size);
    let has_contents = || match made.brought.len() {
        0..FEW => made.brought.iter().all(is_there),
        _ => pool.install(|| made.brought.par_iter().all(is_there)),
    };
    Ok((has_trees && has_contents()).then_some(made))
}

/// The record under a key and what it says, whether or not that is there.
pub(super) fn read(store: &Store, key: &Digest) -> Result<Option<(Vec<u8>, Made)>, StoreError> {
    let Some(bytes) = store.record(KIND, key)? else { return Ok(None) };
    Ok(decode(&bytes).map(|made| (bytes, made)))
}

/// Remembers a result.
pub(super) fn remember(store: &Store, key: &Digest, made: &Made) -> Result<(), StoreError> {
    store.set_record(KIND, key, &encode(made))
}

fn encode(made: &Made) -> Vec<u8> {
    let mut bytes = (made.values.len() as u64).to_le_bytes().to_vec();
    bytes.extend(made.values.iter().flat_map(Value::encode));
    bytes.extend_from_slice(&(made.brought.len() as u64).to_le_bytes());
    for (content, size) in &made.brought {
        bytes.extend_from_slice(content.as_bytes());
        bytes.extend_from_slice(&size.to_le_bytes());
    }
    bytes.extend(serde_json::to_vec(&made.facts).expect("facts have string keys only"));
    bytes
}

/// Reads a record; none where it is none.
pub(super) fn decode(mut bytes: &[u8]) -> Option<Made> {
    let values = (0..take_number(&mut bytes)?).map(|_| Value::decode(&mut bytes)).collect::<Option<_>>()?;
    let mut brought = BTreeSet::new();
    for _ in 0..take_number(&mut bytes)? {
        let (content, rest) = bytes.split_first_chunk::<32>()?;
        bytes = rest;
        brought.insert((Digest::from_bytes(*content), take_number(&mut bytes)?));
    }
    Some(Made { values, facts: serde_json::from_slice(bytes).ok()?, brought })
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}
