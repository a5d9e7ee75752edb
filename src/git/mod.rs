//! Git repositories of others: names to commits, and commits to trees.
//!
//! The network is left to the `git` program of the machine, because the credentials of its users live there. It is
//! given nothing to do but to list references and to fetch objects into a repository of kiln's own, below the store,
//! that goes again. Nothing is checked out: kiln reads the objects and makes a tree of them, so that no filter,
//! attribute or hook has a say, and every user on every machine gets the same bytes.
//!
//! Repositories are taken for hostile: addresses and names are checked before git sees them, and entries of trees
//! before they become paths; sizes, counts, depths and times have limits.

mod address;
mod client;
mod commit;
mod contents;
mod entries;
mod error;
mod modules;
mod objects;
mod program;
mod repository;
mod revision;

pub use address::{Address, AddressError};
pub use client::{Client, Content, RECORD, Resolved, Submodule, Wanted};
pub use commit::CommitId;
pub use error::GitError;
pub use program::{Limits, Settings, Ssh};
pub use revision::Revision;

#[cfg(test)]
#[allow(dead_code, reason = "made for tests of the program as well, which need all of it")]
mod fixtures;
#[cfg(test)]
mod tests;
