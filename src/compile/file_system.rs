//! The file system of an image or a stage, grown move by move.

use super::recipe::{CommandPlan, Move, Origin};
use super::{Compiler, Subject, error, install, run, step, store_name};
use crate::llb::{Note, Output};
use crate::plan::Level;
use crate::spec::{Base, CopyStep, Spanned, Step};
use std::collections::BTreeMap;

/// A file system while it is made, and when it is.
#[derive(Default)]
pub(super) struct FileSystem {
    /// From one state to the next, in order.
    pub(super) moves: Vec<Move>,
    /// What its mounts hold that commands may change, by where they are mounted.
    pub(super) writable: BTreeMap<String, Mounted>,
    /// Where its commands see what they must not change.
    pub(super) readonly: BTreeMap<String, String>,
    /// The sources and stages whose files are in it.
    pub(super) from: Vec<String>,
    /// Its commands so far.
    pub(super) commands: Vec<CommandPlan>,
}

/// What a mount holds.
#[derive(Debug, Clone)]
pub(super) struct Mounted {
    /// The source or the stage that it began as.
    pub(super) from: String,
    /// The tree that a part of is mounted.
    pub(super) tree: Output,
    /// The part of it, empty for all of it.
    pub(super) path: String,
}

/// Something that is copied: a path or a pattern in a tree.
pub(super) struct Piece {
    /// The tree; none for the empty one.
    pub(super) from: Option<Output>,
    /// Relative to the tree's root.
    pub(super) path: String,
}

impl FileSystem {
    /// The state after all moves so far; none while it is empty.
    pub(super) fn state(&self) -> Option<Output> {
        self.moves.last().map(|m| m.state)
    }

    pub(super) fn advance(&mut self, state: Output, level: usize, origin: Origin) {
        let taken = match &origin {
            Origin::Base { source } | Origin::Step { source: Some(source), .. } => Some(source),
            Origin::Stage { name, .. } => Some(name),
            _ => None,
        };
        self.from.extend(taken.filter(|taken| !self.from.contains(taken)).cloned());
        self.moves.push(Move { state, level, origin });
    }

    /// Where a path of it, absolute but without its first slash, is found: in the state, or in what a mount holds.
    ///
    /// # Errors
    /// The name of what is mounted there read-only: it is no part of this file system.
    fn piece(&self, path: &str) -> Result<Piece, &str> {
        let below = |target: &str| match path.strip_prefix(target.trim_start_matches('/')) {
            Some("") => Some(""),
            Some(rest) => rest.strip_prefix('/'),
            None => None,
        };
        if let Some((mounted, rest)) = self.writable.iter().rev().find_map(|(to, m)| Some((m, below(to)?))) {
            let path = match (mounted.path.as_str(), rest) {
                ("", path) | (path, "") => path.to_owned(),
                (part, rest) => format!("{part}/{rest}"),
            };
            return Ok(Piece { from: Some(mounted.tree), path });
        }
        match self.readonly.iter().find(|(to, _)| below(to).is_some()) {
            Some((_, from)) => Err(from),
            None => Ok(Piece { from: self.state(), path: path.to_owned() }),
        }
    }
}

impl<'a> Compiler<'a> {
    /// Makes the file system of an image or a stage whose own stages are made already.
    pub(super) fn file_system(&mut self, subject: Subject<'a>) -> FileSystem {
        let mut made = FileSystem::default();
        self.base(subject, &mut made);
        for level in 0..subject.levels.len() {
            self.packages(subject, level, &mut made);
            self.accounts(subject, level, &mut made);
            self.steps(subject, level, &mut made);
        }
        made
    }

    fn base(&mut self, subject: Subject<'a>, made: &mut FileSystem) {
        let Some(Level { spec, image, .. }) = subject.levels.first() else { return };
        let Some(base) = &image.base else { return };
        match &base.value {
            Base::Own(_) => {}
            Base::Source(name) => match subject.inputs.images.get(name) {
                Some(manifest) => {
                    let note = Note::named(format!("base {name}")).and_at(base.span);
                    let state = self.store_image(spec.source(name).map_or(name, store_name), manifest, note);
                    made.advance(state, 0, Origin::Base { source: name.clone() });
                }
                None => self.mistakes.push(error::unpinned(name, base.span)),
            },
            Base::Stage(name) => {
                let state = self.stages.get(name.as_str()).and_then(FileSystem::state);
                match state {
                    Some(state) => made.advance(state, 0, Origin::Stage { name: name.clone(), span: base.span }),
                    None => self.mistakes.push(error::empty_stage(name, base.span)),
                }
            }
        }
    }

    /// Lays what this level adds to the package set of the level below over the state.
    fn packages(&mut self, subject: Subject<'a>, level: usize, made: &mut FileSystem) {
        let set = |level: usize| subject.inputs.sets.get(level).copied().flatten();
        let lower = level.checked_sub(1).and_then(set);
        let Some(upper) = set(level).filter(|upper| Some(*upper) != lower) else { return };
        let spans = subject.levels[level].image.packages.iter().map(|p| p.span).collect();
        let name = subject.levels[level].name();
        let upper = self.store_image("packages", &upper, Note::named(format!("packages of {name}")));
        let lower = lower.map(|lower| self.store_image("packages", &lower, Note::default()));
        let added = match lower {
            Some(lower) => self.builder.diff(Some(lower), Some(upper), Note::default()).unwrap_or(upper),
            None => upper,
        };
        let below: Vec<Output> = made.state().into_iter().chain([added]).collect();
        let note = Note { spans, ..Note::named(format!("install packages of {name}")) };
        let state = self.builder.merge(&below, note).unwrap_or(added);
        let before = made.state();
        made.advance(state, level, Origin::Packages);
        install::lower(self, subject, level, before, made);
    }

    /// Lays the account files, made for all accounts up to this level, over the state.
    fn accounts(&mut self, subject: Subject<'a>, level: usize, made: &mut FileSystem) {
        let Some(manifest) = subject.inputs.accounts.get(level).copied().flatten() else { return };
        let image = &subject.levels[level].image;
        let spans = image.groups.iter().map(|g| g.span).chain(image.accounts.iter().map(|a| a.span)).collect();
        let files = self.store_image("accounts", &manifest, Note::default());
        let below: Vec<Output> = made.state().into_iter().chain([files]).collect();
        let note = Note { spans, ..Note::named(format!("accounts of {}", subject.levels[level].name())) };
        let state = self.builder.merge(&below, note).unwrap_or(files);
        made.advance(state, level, Origin::Accounts);
    }

    fn steps(&mut self, subject: Subject<'a>, level: usize, made: &mut FileSystem) {
        let declared = step::Declared::up_to(&subject.levels[..=level]);
        for (index, step) in subject.levels[level].image.steps.iter().enumerate() {
            let (source, pieces) = match step {
                Step::Run(command) => {
                    if let Some(state) = run::lower(self, subject, level, command, made) {
                        made.advance(state, level, Origin::Step { index, source: None, span: step.span() });
                    }
                    continue;
                }
                Step::Copy(copy) => match self.pieces(subject, level, copy) {
                    Some(pieces) => (Some(copy.from.value.clone()), pieces),
                    None => continue,
                },
                _ => (None, Vec::new()),
            };
            match step::lower(&mut self.builder, step, &pieces, made.moves.last(), &declared) {
                Ok(state) => made.advance(state, level, Origin::Step { index, source, span: step.span() }),
                Err(mistake) => self.mistakes.push(*mistake),
            }
        }
    }

    /// Where each path of a copy is found; none where that is a mistake, which is reported.
    fn pieces(&mut self, subject: Subject<'a>, level: usize, copy: &CopyStep) -> Option<Vec<Piece>> {
        let of_stage = self.stages.get(copy.from.as_str()).map(|stage| {
            let found = copy.paths.iter().map(|path| {
                stage.piece(path).map_err(|from| error::mounted_readonly(path, from, path.span, &copy.from))
            });
            found.collect::<Result<Vec<_>, _>>()
        });
        match of_stage {
            Some(Ok(pieces)) => Some(pieces),
            Some(Err(mistake)) => {
                self.mistakes.push(mistake);
                None
            }
            None => {
                let from = self.source(subject, level, &copy.from)?;
                let piece = |path: &Spanned<String>| Piece { from: Some(from), path: path.value.clone() };
                Some(copy.paths.iter().map(piece).collect())
            }
        }
    }
}
