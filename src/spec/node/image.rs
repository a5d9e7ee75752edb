//! `image`: what is built.

use super::account::{Account, Group, RunAs};
use super::base::Base;
use super::copy::CopyStep;
use super::file::FileStep;
use super::healthcheck::Healthcheck;
use super::layers::Layers;
use super::mkdir::MkdirStep;
use super::packages::Packages;
use super::port::Port;
use super::remove::RemoveStep;
use super::symlink::SymlinkStep;
use crate::diagnostic::Span;
use crate::oci::{Platform, Reference};
use crate::spec::Spanned;

/// One image, for one or several platforms.
///
/// Its file system is made in this order: the base, the packages, the groups and accounts, then the steps as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its name in a registry, without tag and digest.
    pub name: Spanned<Reference>,
    /// What it is built for, in the order written; `linux/amd64` where nothing is said, on every machine.
    pub platforms: Vec<Spanned<Platform>>,
    /// What it stands on; None is an empty file system.
    pub base: Option<Spanned<Base>>,
    /// The package wishes. Several nodes for one package source are one wish list.
    pub packages: Vec<Packages>,
    /// Groups to be made.
    pub groups: Vec<Group>,
    /// Accounts to be made, the one of [`RunAs::Account`] among them.
    pub accounts: Vec<Account>,
    /// What is done to the file system after that, in the order written.
    pub steps: Vec<Step>,
    /// Who runs it. None: 65532, whatever the base says.
    pub user: Option<Spanned<RunAs>>,
    /// Environment variables in the order written, names unique.
    pub env: Vec<Pair>,
    /// The program with its fixed arguments. None: the base's.
    pub entrypoint: Option<Spanned<Vec<String>>>,
    /// Arguments that a run may replace. None: the base's, if the entrypoint is the base's too.
    pub cmd: Option<Spanned<Vec<String>>>,
    /// Where the program starts; absolute and clean.
    pub workdir: Option<Spanned<String>>,
    /// The ports on which it listens.
    pub ports: Vec<Spanned<Port>>,
    /// The folders that hold data; absolute and clean.
    pub volumes: Vec<Spanned<String>>,
    /// Labels of the config, names unique.
    pub labels: Vec<Pair>,
    /// Annotations of the manifest and the index, names unique.
    pub annotations: Vec<Pair>,
    /// The signal that stops it, such as `SIGTERM`.
    pub stop_signal: Option<Spanned<String>>,
    /// How to tell that it is well.
    pub healthcheck: Option<Spanned<Healthcheck>>,
    /// How its files are split and compressed.
    pub layers: Layers,
    /// The whole node.
    pub span: Span,
}

/// A named text, as `env`, `label` and `annotation` have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The name.
    pub name: Spanned<String>,
    /// The text.
    pub value: Spanned<String>,
}

/// One thing done to the file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Copies files from a source.
    Copy(CopyStep),
    /// Makes a folder.
    Mkdir(MkdirStep),
    /// Writes a file.
    File(FileStep),
    /// Makes a symbolic link.
    Symlink(SymlinkStep),
    /// Removes files and folders.
    Remove(RemoveStep),
}

impl Step {
    /// The whole node.
    pub fn span(&self) -> Span {
        match self {
            Step::Copy(step) => step.span,
            Step::Mkdir(step) => step.span,
            Step::File(step) => step.span,
            Step::Symlink(step) => step.span,
            Step::Remove(step) => step.span,
        }
    }
}
