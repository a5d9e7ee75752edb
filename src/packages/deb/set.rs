//! Temporary stand-in.
#![allow(missing_docs)]
use super::LockedPackage;
use super::stanza::Stanza;
use crate::oci::Digest;
use crate::store::Store;
use crate::tree::{Tree, TreePath};
use std::collections::{BTreeMap, BTreeSet};
pub struct Options { pub architecture: String, pub keep: Keep, pub database: Database, pub skip_scripts: BTreeSet<String> }
impl Options { pub fn new(a: impl Into<String>) -> Self { Options { architecture: a.into(), keep: Keep::default(), database: Database::StatusD, skip_scripts: BTreeSet::new() } } }
#[derive(Default)] pub struct Keep { pub man: bool, pub doc: bool, pub locale: bool }
pub enum Database { StatusD, Full }
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner { pub package: u32, pub made: bool }
#[derive(Debug, Clone)]
pub struct Warning { pub package: String, pub text: String }
#[derive(Debug, Clone)]
pub struct PackageSet { pub tree: Tree, pub digest: Digest, pub owners: Vec<Owner>, pub packages: Vec<Stanza>, pub warnings: Vec<Warning> }
impl PackageSet { pub fn owned(&self) -> impl Iterator<Item = (&TreePath, Owner)> { self.tree.iter().map(|(path, _)| path).zip(self.owners.iter().copied()) } }
#[derive(Debug, thiserror::Error)]
pub enum SetError { #[error(transparent)] Unpack(#[from] super::unpack::UnpackError), #[error(transparent)] Tree(#[from] crate::tree::TreeError) }
pub fn compose(store: &Store, packages: &[LockedPackage], _o: &Options, _b: Option<&Tree>) -> Result<PackageSet, SetError> {
    let un = super::unpack::unpack_all(store, packages)?;
    let mut tree = Tree::new(); let mut owners = BTreeMap::new();
    for (i,u) in un.iter().enumerate() { tree.graft(&TreePath::root(), &u.tree)?; for (p,_) in u.tree.iter() { owners.insert(p.clone(), Owner{package:i as u32, made:false}); } }
    Ok(PackageSet { digest: tree.save(store)?, owners: tree.iter().map(|(p,_)| owners[p]).collect(), tree, packages: un.into_iter().map(|u| u.control).collect(), warnings: vec![] })
}
