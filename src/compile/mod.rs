//! From what a spec says, with all names brought to digests, to the graph that
//! an engine solves and the recipe by which its results become an image.
//!
//! Pure: the same values always give the same graph and recipe, and nothing is
//! read or asked for on the way. What the graph takes from outside stands in
//! [`Inputs`] by digest.
//!
//! # How an image's file system comes about
//!
//! An image has *levels*: kiln's own bases below it, lowest first, then the
//! image itself. Each level adds its packages, then the accounts, then runs its
//! steps. Package sets are made for all packages up to a level, and what a
//! level adds is the difference to the set below (or, where their scripts are executed, dpkg installs them): so the layers of a base are
//! the same in every image that stands on it, although the packages of all
//! levels were resolved and put together as one. Each of these moves from one
//! state of the file system to the next has one vertex, so that for each path
//! it can be told who put it there: the last move that changed it.

mod config;
mod error;
mod file_system;
mod inputs;
mod install;
mod layers;
mod recipe;
mod run;
mod step;

pub use error::CompileError;
pub use inputs::{Inputs, Installation};
pub use recipe::{CheckPlan, CommandPlan, LayerPlan, Move, Origin, Recipe, ResultsFile, User};

use crate::diagnostic::{Diagnostics, Sources};
use crate::llb::{Builder, Definition, Note, Output, attr};
use crate::oci::{Digest, Platform};
use crate::plan::Level;
use crate::spec::{Context, Source, SourceKind, Spanned};
use file_system::FileSystem;
use std::collections::BTreeMap;

/// A graph and what is to be made of its results.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The graph; its output is the image's whole file system. The checks are in it too.
    pub graph: Definition,
    /// The contexts that the graph reads, by the spec's names for them.
    pub contexts: BTreeMap<String, Output>,
    /// What is made of the graph's states.
    pub recipe: Recipe,
    /// The file system of each stage as it grew, by name.
    pub stages: BTreeMap<String, Vec<Move>>,
    /// All commands, the stages' first, each in its order. The checks among them must succeed for the image to be
    /// released.
    pub commands: Vec<CommandPlan>,
}

/// The folder beside a spec that images go to where nothing is said.
pub const OUTPUT_FOLDER: &str = "kiln-out";

/// The name under which the store's own images stand in a graph.
pub const STORE: &str = "kiln.local";

impl Compiled {
    /// The command that a vertex is.
    pub fn command(&self, vertex: &Digest) -> Option<&CommandPlan> {
        self.commands.iter().find(|command| command.vertex == *vertex)
    }

    /// What must be solved to know how the checks went, in their order: see [`CheckPlan::outputs`].
    pub fn checked(&self) -> impl Iterator<Item = Output> {
        checked(&self.commands)
    }
}

fn checked(commands: &[CommandPlan]) -> impl Iterator<Item = Output> {
    commands.iter().filter_map(|command| command.check.as_ref()).flat_map(CheckPlan::outputs)
}

/// An image or a stage for one platform, with all that it takes from outside.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its levels, the lowest first and itself last.
    pub levels: &'a [Level],
    /// What it is for.
    pub platform: &'a Platform,
    /// What it takes, by digest.
    pub inputs: &'a Inputs,
}

/// Compiles an image, or a stage that is wanted by itself, with the `stages` that it uses, each behind those that it
/// uses itself.
///
/// # Errors
/// [`CompileError::Spec`] for what only shows when a spec is put together with its
/// inputs, and [`CompileError::Graph`] where the graph breaks a limit of its format.
pub fn compile<'a>(
    subject: Subject<'a>,
    stages: impl IntoIterator<Item = (&'a str, Subject<'a>)>,
    sources: &Sources,
) -> Result<Compiled, CompileError> {
    compile_all(subject, stages, sources, None)
}

/// Compiles as [`compile`] does, with one more command behind those of the subject, the last of
/// [`Compiled::commands`]: it sees what the last one left.
///
/// # Errors
/// As [`compile`].
pub fn compile_with_command<'a>(
    subject: Subject<'a>,
    stages: impl IntoIterator<Item = (&'a str, Subject<'a>)>,
    sources: &Sources,
    command: &[String],
) -> Result<Compiled, CompileError> {
    compile_all(subject, stages, sources, Some(command))
}

fn compile_all<'a>(
    subject: Subject<'a>,
    stages: impl IntoIterator<Item = (&'a str, Subject<'a>)>,
    sources: &Sources,
    command: Option<&[String]>,
) -> Result<Compiled, CompileError> {
    let mut compiler = Compiler {
        builder: Builder::new(subject.platform.clone()),
        stages: BTreeMap::new(),
        contexts: BTreeMap::new(),
        mistakes: Vec::new(),
    };
    let mut order = Vec::new();
    for (name, stage) in stages {
        order.push(name);
        compiler.builder.set_platform(stage.platform.clone());
        let made = compiler.file_system(stage);
        compiler.stages.insert(name, made);
    }
    compiler.builder.set_platform(subject.platform.clone());
    let mut made = compiler.file_system(subject);
    let behind = command.and_then(|command| run::behind(&mut compiler, subject, command, &mut made));
    if !compiler.mistakes.is_empty() {
        return Err(CompileError::Spec(Diagnostics::new(compiler.mistakes, sources.clone())));
    }
    let image = &subject.levels.last().ok_or(CompileError::NoLevel)?.image;
    let output = made.state().ok_or_else(|| CompileError::Empty { image: image.name.to_string() })?;
    let layers = layers::plan(subject.levels, &made.moves);
    let beside: Vec<Output> = compiler.stages.values().chain([&made]).flat_map(install::beside).collect();
    let FileSystem { moves, commands, .. } = made;
    let of_stages = order.iter().flat_map(|name| compiler.stages[name].commands.iter().cloned());
    let commands: Vec<CommandPlan> = of_stages.chain(commands).collect();
    let (config, user) = config::merge(subject.levels, subject.inputs.base_config.as_ref());
    let recipe = Recipe {
        platform: subject.platform.clone(),
        packing: image.layers,
        annotations: config::pairs(&image.annotations),
        moves,
        layers,
        config,
        user,
    };
    let others: Vec<Output> = checked(&commands).chain(behind).chain(beside).collect();
    let graph = compiler.builder.finish_with(output, &others, sources)?;
    let stages = compiler.stages.into_iter().map(|(name, made)| (name.to_owned(), made.moves)).collect();
    Ok(Compiled { graph, contexts: compiler.contexts, recipe, stages, commands })
}

struct Compiler<'a> {
    builder: Builder,
    /// The stages that are made so far, by name.
    stages: BTreeMap<&'a str, FileSystem>,
    contexts: BTreeMap<String, Output>,
    mistakes: Vec<crate::diagnostic::Diagnostic>,
}

impl<'a> Compiler<'a> {
    /// The vertex of the input of that name; none where it has no digest, which is reported.
    fn source(&mut self, subject: Subject<'a>, level: usize, name: &Spanned<String>) -> Option<Output> {
        let source = subject.levels[level].spec.source(name);
        let found = source.and_then(|source| self.input(subject.inputs, source));
        if found.is_none() {
            self.mistakes.push(error::unpinned(name, name.span));
        }
        found
    }

    fn input(&mut self, inputs: &Inputs, source: &Source) -> Option<Output> {
        let name = &source.name.value;
        let note = Note::named(format!("source {name}")).and_at(source.span);
        match &source.kind {
            SourceKind::Context(context) => {
                let output = self.builder.source(&format!("local://{name}"), local_attrs(context), note);
                self.contexts.insert(name.clone(), output);
                Some(output)
            }
            SourceKind::Http(http) => {
                let digest = inputs.http.get(name)?;
                let attrs = attr::http(digest, Some(&http.filename), http.mode);
                let file = self.builder.source(&http.url, attrs, note);
                Some(if http.unpack {
                    step::unpack(&mut self.builder, file, &http.filename, source.span)
                } else {
                    file
                })
            }
            SourceKind::Git(_) => {
                let manifest = *inputs.commits.get(name)?;
                Some(self.store_image(name, &manifest, note))
            }
            SourceKind::Oci(_) | SourceKind::Image(_) => {
                let manifest = *inputs.images.get(name)?;
                Some(self.store_image(store_name(source), &manifest, note))
            }
        }
    }

    fn store_image(&mut self, name: &str, manifest: &Digest, note: Note) -> Output {
        self.builder.source(&attr::oci_layout(&format!("{STORE}/{name}"), manifest), BTreeMap::new(), note)
    }
}

/// The name of a source's image in the store, as a part of a reference: no tag and no digest of its own.
fn store_name(source: &Source) -> &str {
    match &source.kind {
        SourceKind::Image(image) => &image.reference.repository,
        _ => &source.name.value,
    }
}

fn local_attrs(context: &Context) -> BTreeMap<String, String> {
    let patterns = |list: &[Spanned<String>]| list.iter().map(|p| step::at_any_depth(p)).collect();
    let exclude: Vec<String> = patterns(&context.exclude);
    let local = attr::Local {
        include: patterns(&context.include),
        // What builds leave beside the spec is never part of what the next one reads.
        exclude: exclude.into_iter().chain([OUTPUT_FOLDER.to_owned()]).collect(),
        follow: Vec::new(),
        ignore_file: Some(".dockerignore".into()),
    };
    local.attrs()
}

#[cfg(test)]
mod tests;
