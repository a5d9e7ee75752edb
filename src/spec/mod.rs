//! The vocabulary of kiln's specs: what `kiln.kdl` may say, as plain data.
//!
//! Every piece that can be blamed carries its [`Span`](crate::diagnostic::Span). Each node has one file below
//! `node/`, which holds its data and how it is read, and one page below `specs/language/`.

mod check;
mod expand;
mod include;
mod load;
mod loader;
mod mistake;
mod node;
mod policy_file;
mod reader;
mod vocabulary;

pub use crate::syntax::format;
pub use load::{Loaded, load, load_beside};
pub use loader::{Folder, LoadError, Loader};
pub use policy_file::load_policy;

pub use node::account::{Account, Group, Owner, Principal, RunAs};
pub use node::apt::{Apt, Suite};
pub use node::arg::{Arg, ArgKind, ArgOrigin, ArgValue};
pub use node::base::Base;
pub use node::copy::CopyStep;
pub use node::file::FileStep;
pub use node::git::Git;
pub use node::healthcheck::{Healthcheck, Probe};
pub use node::image::{Image, Pair, Step};
pub use node::layers::{Compression, Layers};
pub use node::mkdir::MkdirStep;
pub use node::packages::{Dpkg, IgnoreDepends, Keep, Packages, ScriptChoice, ScriptMode, Scripts, Wish};
pub use node::policy::{
    Accept, Accepted, Clause, Condition, Days, Effect, Licences, Policy, Proof, Require, Share, Signer, TrustedBuilder,
};
pub use node::port::{Port, Protocol};
pub use node::registry::{Registry, RegistryMirror};
pub use node::registry_image::RegistryImage;
pub use node::remove::RemoveStep;
pub use node::run::{
    Cache, Check, Command, Limits, Mount, Network, RunStep, Secret, SecretForm, Sharing, Ssh, Surroundings, Tmpfs,
};
pub use node::sign::Sign;
pub use node::source::{Context, Http, Layout, Source, SourceKind};
pub use node::stage::Stage;
pub use node::symlink::SymlinkStep;

use crate::diagnostic::Span;
use std::collections::BTreeSet;

/// A value with the place where it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// A value at a place.
    pub fn new(value: T, span: Span) -> Self {
        Spanned { value, span }
    }
}

impl<T> std::ops::Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A whole spec, with all includes, templates and args resolved.
///
/// Every name in it refers to something that exists: what `copy` copies from and what `base` and `packages` name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The args with the values that this run uses, in the order of their declaration.
    pub args: Vec<Arg>,
    /// The package sources; holds `debian` with its defaults where an image uses it undeclared.
    pub apts: Vec<Apt>,
    /// How registries are reached.
    pub registries: Vec<Registry>,
    /// The other inputs: those that the spec declares, then the images of registries that `base` and `copy` name
    /// directly, under their references as written.
    pub sources: Vec<Source>,
    /// What is built on the way, in the order written.
    pub stages: Vec<Stage>,
    /// The images, at least one.
    pub images: Vec<Image>,
    /// What releases must satisfy; all of them count.
    pub policies: Vec<Policy>,
    /// How images are signed, where the spec says so.
    pub sign: Option<Sign>,
}

impl Spec {
    /// The package source of this name.
    pub fn apt(&self, name: &str) -> Option<&Apt> {
        self.apts.iter().find(|apt| *apt.name == name)
    }

    /// The stage of this name.
    pub fn stage(&self, name: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| *stage.name == name)
    }

    /// The stages that an image uses, by whatever way; each stands behind those that it uses itself.
    pub fn stages_of(&self, image: &Image) -> Vec<&Stage> {
        let of = |image: &'_ Image| -> Vec<&Stage> { image.sources().filter_map(|name| self.stage(name)).collect() };
        let mut order: Vec<&Stage> = Vec::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<(Option<&Stage>, Vec<&Stage>)> = vec![(None, of(image))];
        while let Some((stage, mut rest)) = open.pop() {
            match rest.pop() {
                Some(next) => {
                    open.push((stage, rest));
                    if seen.insert(next.name.as_str()) {
                        open.push((Some(next), of(&next.image)));
                    }
                }
                None => order.extend(stage),
            }
        }
        order
    }

    /// The input of this name.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| *source.name == name)
    }
}

#[cfg(test)]
mod tests;
