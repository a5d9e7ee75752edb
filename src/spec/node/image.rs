//! `image`: what is built.

mod draft;

use super::account::{Account, Group, RunAs};
use super::apt::Apt;
use super::base::Base;
use super::copy::CopyStep;
use super::file::FileStep;
use super::healthcheck::Healthcheck;
use super::layers::Layers;
use super::mkdir::MkdirStep;
use super::packages::{self, Packages, ScriptMode};
use super::port::Port;
use super::remove::RemoveStep;
use super::run::{RunStep, Surroundings};
use super::symlink::SymlinkStep;
use super::template;
use crate::diagnostic::Span;
use crate::oci::{Platform, Reference};
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;
use draft::Draft;

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
    /// What the commands among the steps find around them.
    pub surroundings: Surroundings,
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
    /// Runs a command.
    Run(Box<RunStep>),
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
            Step::Run(step) => step.span,
        }
    }
}

impl Image {
    /// The names of the sources and stages that it stands on, copies from or mounts; one may come several times.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        let copies = self.steps.iter().filter_map(|step| match step {
            Step::Copy(copy) => Some(copy.from.as_str()),
            _ => None,
        });
        let base = self.base.iter().filter_map(|base| match &base.value {
            Base::Source(name) | Base::Stage(name) => Some(name.as_str()),
            Base::Own(_) => None,
        });
        let around = self.runs().map(|run| &run.surroundings).chain([&self.surroundings]);
        let mounts = around.flat_map(|around| &around.mounts).map(|mount| mount.from.as_str());
        copies.chain(base).chain(mounts)
    }

    /// Where it says that dpkg executes maintainer scripts: the whole node; none where they are emulated.
    pub fn runs_scripts(&self) -> Option<Span> {
        let says = |p: &&Packages| p.script_mode.as_ref().is_some_and(|said| said.value == ScriptMode::Run);
        self.packages.iter().find(says).map(|packages| packages.span)
    }

    /// Its commands, checks among them, in the order written.
    pub fn runs(&self) -> impl Iterator<Item = &RunStep> {
        self.steps.iter().filter_map(|step| match step {
            Step::Run(run) => Some(&**run),
            _ => None,
        })
    }
}

const IMAGE: Form = Form::new("image", "image \"registry.example.com/acme/hello\" { … }");

/// What an image can refer to.
pub(in crate::spec) struct Known<'k> {
    /// The package sources.
    pub(in crate::spec) apts: &'k [Apt],
    /// The names of the sources that are images.
    pub(in crate::spec) images: Vec<&'k str>,
    /// The names of all other sources.
    pub(in crate::spec) others: Vec<&'k str>,
    /// The names of all sources and stages.
    pub(in crate::spec) sources: Vec<&'k str>,
    /// The names of all stages.
    pub(in crate::spec) stages: Vec<&'k str>,
}

/// Reads `image`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>, known: &Known) -> Option<Image> {
    let mut reader = Reader::new(cx, item, IMAGE);
    let written = reader.word("a name");
    let name = written.and_then(|name| reference(&mut reader, &name));
    let children = reader.required_children("what the image is made of");
    let span = reader.span();
    reader.finish();
    let mut image = body(cx, children, named(name.as_ref(), span), span, known, false);
    if image.platforms.is_empty() {
        image.platforms.push(Spanned::new(Platform::linux("amd64", None), span));
    }
    name.map(|_| image)
}

/// Reads the nodes of an image or, with other words, of a stage.
pub(super) fn body<'n>(
    cx: &mut Cx<'n>,
    children: Vec<Item<'n>>,
    name: Spanned<Reference>,
    span: Span,
    known: &Known,
    stage: bool,
) -> Image {
    let mut draft = Draft::new(empty(name, span), stage);
    for child in template::expand(cx, children) {
        if cx.full() {
            break;
        }
        draft.take(cx, &child, known);
    }
    let image = draft.finish();
    packages::agree(cx, &image);
    image
}

/// The name of an image; a missing one is the reader's mistake already.
fn named(name: Option<&Spanned<Reference>>, span: Span) -> Spanned<Reference> {
    let nameless = || Reference { registry: String::new(), repository: String::new(), tag: None, digest: None };
    name.cloned().unwrap_or_else(|| Spanned::new(nameless(), span))
}

/// An image of which nothing was said yet.
fn empty(name: Spanned<Reference>, span: Span) -> Image {
    Image {
        name,
        platforms: Vec::new(),
        base: None,
        packages: Vec::new(),
        groups: Vec::new(),
        accounts: Vec::new(),
        steps: Vec::new(),
        surroundings: Surroundings::default(),
        user: None,
        env: Vec::new(),
        entrypoint: None,
        cmd: None,
        workdir: None,
        ports: Vec::new(),
        volumes: Vec::new(),
        labels: Vec::new(),
        annotations: Vec::new(),
        stop_signal: None,
        healthcheck: None,
        layers: Layers::default(),
        span,
    }
}

/// An image's name: a reference without tag and digest, which are given when it is built.
fn reference(reader: &mut Reader, name: &Spanned<String>) -> Option<Spanned<Reference>> {
    let reference = match name.parse::<Reference>() {
        Ok(reference) => reference,
        Err(error) => {
            let help = "for example `\"registry.example.com/acme/hello\"`, or just `\"hello\"`";
            reader.report(mistake::bad_value(name.span, mistake::printable(error.to_string().chars()), help));
            return None;
        }
    };
    if reference.tag.is_some() || reference.digest.is_some() {
        let bare = Reference { tag: None, digest: None, ..reference };
        let help = format!("write `\"{bare}\"`; tags are given when it is built: `kiln build -t …`");
        reader.report(mistake::bad_value(name.span, "an image's name has neither tag nor digest", help));
        return None;
    }
    Some(Spanned::new(reference, name.span))
}
