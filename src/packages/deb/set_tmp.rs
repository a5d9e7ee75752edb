//! Temporary stand-in.
#![allow(missing_docs)]
use super::LockedPackage;
use super::stanza::Stanza;
use crate::oci::Digest;
use crate::store::Store;
use crate::tree::{Tree, TreePath};
use std::collections::{BTreeMap, BTreeSet};
#[derive(Debug, Clone, Default)]
pub struct SetOptions { pub keep_doc: bool, pub keep_man: bool, pub keep_locale: bool, pub full_dpkg: bool, pub skip_scripts: BTreeSet<String> }
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner { pub package: u32, pub made: bool }
#[derive(Debug, Clone)]
pub struct PackageSet { pub tree_digest: Digest, pub packages: Vec<LockedPackage>, pub controls: Vec<Stanza>, pub edges: Vec<(usize, usize)>, pub owners: BTreeMap<TreePath, Owner>, pub warnings: Vec<String> }
#[derive(Debug, thiserror::Error)]
pub enum SetError { #[error(transparent)] Unpack(#[from] super::unpack::UnpackError), #[error(transparent)] Tree(#[from] crate::tree::TreeError) }
pub fn compose(store: &Store, packages: &[LockedPackage], _o: &SetOptions) -> Result<PackageSet, SetError> {
    let un = super::unpack::unpack_all(store, packages)?;
    let mut tree = Tree::new(); let mut owners = BTreeMap::new();
    for (i,u) in un.iter().enumerate() { tree.graft(&TreePath::root(), &u.tree)?; for (p,e) in u.tree.iter() { if !e.is_dir() { owners.insert(p.clone(), Owner{package:i as u32, made:false}); } } }
    Ok(PackageSet { tree_digest: tree.save(store)?, packages: packages.to_vec(), controls: un.into_iter().map(|u| u.control).collect(), edges: vec![], owners, warnings: vec![] })
}
pub fn distro_version(suite: &str) -> Option<&'static str> { match suite.split('-').next() { Some("bookworm") => Some("12"), Some("trixie") => Some("13"), Some("forky") => Some("14"), _ => None } }
pub fn public_url(archive: &str) -> String { match archive { "debian-security" => "http://security.debian.org/debian-security".into(), _ => "http://ftp.debian.org/debian".into() } }
