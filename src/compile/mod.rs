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
//! level adds is the difference to the set below: so the layers of a base are
//! the same in every image that stands on it, although the packages of all
//! levels were resolved and put together as one. Each of these moves from one
//! state of the file system to the next has one vertex, so that for each path
//! it can be told who put it there: the last move that changed it.

mod config;
mod error;
mod inputs;
mod layers;
mod recipe;
mod step;

pub use error::CompileError;
pub use inputs::Inputs;
pub use recipe::{LayerPlan, Move, Origin, Recipe, User};

use crate::diagnostic::{Diagnostics, Sources};
use crate::llb::{Builder, Definition, Note, Output, attr};
use crate::oci::{Digest, Platform};
use crate::plan::Level;
use crate::spec::{Base, Context, Source, SourceKind, Spanned, Step};
use std::collections::BTreeMap;

/// A graph and what is to be made of its results.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The graph; its output is the image's whole file system.
    pub graph: Definition,
    /// The contexts that the graph reads, by the spec's names for them.
    pub contexts: BTreeMap<String, Output>,
    /// What is made of the graph's states.
    pub recipe: Recipe,
}

/// The folder beside a spec that images go to where nothing is said.
pub const OUTPUT_FOLDER: &str = "kiln-out";

/// The name under which the store's own images stand in a graph.
pub const STORE: &str = "kiln.local";

/// Compiles the last of `levels`, the image that is asked for, for one platform.
///
/// # Errors
/// [`CompileError::Spec`] for what only shows when a spec is put together with its
/// inputs, and [`CompileError::Graph`] where the graph breaks a limit of its format.
pub fn compile(
    levels: &[Level],
    platform: &Platform,
    inputs: &Inputs,
    sources: &Sources,
) -> Result<Compiled, CompileError> {
    let mut compiler = Compiler {
        builder: Builder::new(platform.clone()),
        inputs,
        levels,
        contexts: BTreeMap::new(),
        moves: Vec::new(),
        mistakes: Vec::new(),
    };
    compiler.base();
    for level in 0..levels.len() {
        compiler.packages(level);
        compiler.accounts(level);
        compiler.steps(level);
    }
    if !compiler.mistakes.is_empty() {
        return Err(CompileError::Spec(Diagnostics::new(compiler.mistakes, sources.clone())));
    }
    let image = &levels.last().ok_or(CompileError::NoLevel)?.image;
    let output = compiler.state().ok_or_else(|| CompileError::Empty { image: image.name.to_string() })?;
    let layers = layers::plan(levels, &compiler.moves);
    let (config, user) = config::merge(levels, inputs.base_config.as_ref());
    let recipe = Recipe {
        platform: platform.clone(),
        packing: image.layers,
        annotations: config::pairs(&image.annotations),
        moves: compiler.moves,
        layers,
        config,
        user,
    };
    let graph = compiler.builder.finish(output, sources)?;
    Ok(Compiled { graph, contexts: compiler.contexts, recipe })
}

struct Compiler<'a> {
    builder: Builder,
    inputs: &'a Inputs,
    levels: &'a [Level],
    contexts: BTreeMap<String, Output>,
    moves: Vec<Move>,
    mistakes: Vec<crate::diagnostic::Diagnostic>,
}

impl Compiler<'_> {
    /// The file system as it is after all moves so far; none while it is empty.
    fn state(&self) -> Option<Output> {
        self.moves.last().map(|m| m.state)
    }

    fn advance(&mut self, state: Output, level: usize, origin: Origin) {
        self.moves.push(Move { state, level, origin });
    }

    fn base(&mut self) {
        let levels = self.levels;
        let Some(Level { spec, image, .. }) = levels.first() else { return };
        let Some((Base::Source(name), base)) = image.base.as_ref().map(|base| (&base.value, base)) else { return };
        let Some(manifest) = self.inputs.images.get(name).copied() else {
            self.mistakes.push(error::unpinned(name, base.span));
            return;
        };
        let note = Note::named(format!("base {name}")).and_at(base.span);
        let state = self.store_image(spec.source(name).map_or(name, store_name), &manifest, note);
        self.advance(state, 0, Origin::Base { source: name.clone() });
    }

    /// Lays what this level adds to the package set of the level below over the state.
    fn packages(&mut self, level: usize) {
        let upper = self.inputs.sets.get(level).copied().flatten();
        let lower = level.checked_sub(1).and_then(|below| self.inputs.sets.get(below).copied().flatten());
        let Some(upper) = upper.filter(|upper| Some(*upper) != lower) else { return };
        let spans = self.levels[level].image.packages.iter().map(|p| p.span).collect();
        let note = |name: String| Note { name: Some(name), spans, ..Note::default() };
        let name = self.levels[level].name();
        let upper = self.store_image("packages", &upper, Note::named(format!("packages of {name}")));
        let lower = lower.map(|lower| self.store_image("packages", &lower, Note::default()));
        let added = match lower {
            Some(lower) => self.builder.diff(Some(lower), Some(upper), Note::default()).unwrap_or(upper),
            None => upper,
        };
        let below: Vec<Output> = self.state().into_iter().chain([added]).collect();
        let state = self.builder.merge(&below, note(format!("install packages of {name}"))).unwrap_or(added);
        self.advance(state, level, Origin::Packages);
    }

    /// Lays the account files, made for all accounts up to this level, over the state.
    fn accounts(&mut self, level: usize) {
        let Some(manifest) = self.inputs.accounts.get(level).copied().flatten() else { return };
        let image = &self.levels[level].image;
        let spans = image.groups.iter().map(|g| g.span).chain(image.accounts.iter().map(|a| a.span)).collect();
        let files = self.store_image("accounts", &manifest, Note::default());
        let below: Vec<Output> = self.state().into_iter().chain([files]).collect();
        let note = Note { name: Some(format!("accounts of {}", self.levels[level].name())), spans, ..Note::default() };
        let state = self.builder.merge(&below, note).unwrap_or(files);
        self.advance(state, level, Origin::Accounts);
    }

    fn steps(&mut self, level: usize) {
        let levels = self.levels;
        let Level { spec, image, .. } = &levels[level];
        for (index, step) in image.steps.iter().enumerate() {
            let source = match step {
                Step::Copy(copy) => match spec.source(&copy.from).and_then(|source| self.source(source)) {
                    Some(output) => Some((copy.from.value.clone(), output)),
                    None => {
                        self.mistakes.push(error::unpinned(&copy.from, copy.from.span));
                        continue;
                    }
                },
                _ => None,
            };
            let declared = step::Declared::up_to(&levels[..=level]);
            let lowered =
                step::lower(&mut self.builder, step, source.as_ref().map(|s| s.1), self.moves.last(), &declared);
            match lowered {
                Ok(state) => {
                    let origin = Origin::Step { index, source: source.map(|s| s.0), span: step.span() };
                    self.advance(state, level, origin);
                }
                Err(mistake) => self.mistakes.push(*mistake),
            }
        }
    }

    /// The vertex of an input; none where it has no digest.
    fn source(&mut self, source: &Source) -> Option<Output> {
        let name = &source.name.value;
        let note = Note::named(format!("source {name}")).and_at(source.span);
        match &source.kind {
            SourceKind::Context(context) => {
                let output = self.builder.source(&format!("local://{name}"), local_attrs(context), note);
                self.contexts.insert(name.clone(), output);
                Some(output)
            }
            SourceKind::Http(http) => {
                let digest = self.inputs.http.get(name)?;
                let attrs = attr::http(digest, Some(&http.filename), http.mode);
                let file = self.builder.source(&http.url, attrs, note);
                Some(if http.unpack {
                    step::unpack(&mut self.builder, file, &http.filename, source.span)
                } else {
                    file
                })
            }
            SourceKind::Oci(_) | SourceKind::Image(_) => {
                let manifest = *self.inputs.images.get(name)?;
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
