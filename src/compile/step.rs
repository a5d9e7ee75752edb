//! Steps of a spec as file operations.

use super::file_system::Piece;
use super::{Move, error, run};
use crate::diagnostic::{Diagnostic, Span};
use crate::llb::{self, Action, Builder, Copy, FileOp, Mkdir, Mkfile, Mode, Note, Output, Remove, Symlink};
use crate::plan::Level;
use crate::spec::{CopyStep, FileStep, MkdirStep, Owner, Principal, RemoveStep, Step, SymlinkStep};
use std::collections::BTreeMap;

/// The accounts and groups that specs declare; other names are looked up in the file system.
pub(super) struct Declared {
    users: BTreeMap<String, (u32, u32)>,
    groups: BTreeMap<String, u32>,
}

impl Declared {
    /// What these levels declare; upper ones win.
    pub(super) fn up_to(levels: &[Level]) -> Self {
        let mut declared = Declared { users: BTreeMap::new(), groups: BTreeMap::new() };
        declared.users.insert("root".into(), (0, 0));
        declared.groups.insert("root".into(), 0);
        for image in levels.iter().map(|level| &level.image) {
            for account in &image.accounts {
                declared.users.insert(account.name.value.clone(), (account.uid.value, account.gid));
                declared.groups.entry(account.name.value.clone()).or_insert(account.gid);
            }
            declared.groups.extend(image.groups.iter().map(|g| (g.name.value.clone(), g.gid.value)));
        }
        declared
    }

    fn owner(&self, owner: &Owner) -> llb::Owner {
        let user = match &owner.user {
            Principal::Id(id) => llb::Account::Id(*id),
            Principal::Name(name) => match self.users.get(name) {
                Some((uid, _)) => llb::Account::Id(*uid),
                None => llb::Account::Name(name.clone()),
            },
        };
        let group = match (&owner.group, &owner.user) {
            (Some(Principal::Id(id)), _) => Some(llb::Account::Id(*id)),
            (Some(Principal::Name(name)), _) => Some(match self.groups.get(name) {
                Some(gid) => llb::Account::Id(*gid),
                None => llb::Account::Name(name.clone()),
            }),
            (None, Principal::Id(id)) => Some(llb::Account::Id(*id)),
            (None, Principal::Name(name)) => self.users.get(name).map(|(_, gid)| llb::Account::Id(*gid)),
        };
        llb::Owner { user: Some(user), group }
    }
}

/// Adds a step to the graph; returns the state after it.
pub(super) fn lower(
    builder: &mut Builder,
    step: &Step,
    pieces: &[Piece],
    before: Option<&Move>,
    declared: &Declared,
) -> Result<Output, Box<Diagnostic>> {
    let actions = match step {
        Step::Copy(copy) => copy_actions(builder, copy, pieces, declared)?,
        Step::Mkdir(mkdir) => mkdir_actions(builder, mkdir, before, declared),
        Step::File(file) => file_actions(file, declared),
        Step::Symlink(link) => symlink_actions(link),
        Step::Remove(remove) => remove_actions(remove),
        Step::Run(_) => Vec::new(),
    };
    let note = Note::named(describe(step)).and_at(step.span());
    Ok(builder.file(FileOp { base: before.map(|m| m.state), accounts: None, actions }, note))
}

/// A step in a few words.
pub(super) fn describe(step: &Step) -> String {
    match step {
        Step::Copy(copy) => format!("copy from {} to {}", copy.from.value, copy.to.value),
        Step::Mkdir(mkdir) => format!("mkdir {}", words(mkdir.paths.iter().map(|p| p.value.as_str()))),
        Step::File(file) => format!("file {}", file.path.value),
        Step::Symlink(link) => format!("symlink {}", link.path.value),
        Step::Remove(remove) => format!("remove {}", words(remove.paths.iter().map(|p| p.value.as_str()))),
        Step::Run(command) => run::describe(command),
    }
}

fn words<'a>(mut list: impl Iterator<Item = &'a str>) -> String {
    let first = list.next().unwrap_or_default();
    match list.count() {
        0 => first.to_owned(),
        more => format!("{first} and {more} more"),
    }
}

/// A downloaded archive as the tree that it holds.
pub(super) fn unpack(builder: &mut Builder, archive: Output, filename: &str, span: Span) -> Output {
    let mut copy = Copy::new(Some(archive), format!("/{filename}"), "/");
    copy.unpack = true;
    let note = Note::named(format!("unpack {filename}")).and_at(span);
    builder.file(FileOp { base: None, accounts: None, actions: vec![Action::Copy(copy)] }, note)
}

/// A pattern in the form of the graph, where one without a slash matches at the top only.
pub(super) fn at_any_depth(pattern: &str) -> String {
    let (not, pattern) = match pattern.strip_prefix('!') {
        Some(rest) => ("!", rest),
        None => ("", pattern),
    };
    if pattern.trim_end_matches('/').contains('/') { format!("{not}{pattern}") } else { format!("{not}**/{pattern}") }
}

fn copy_actions(
    builder: &mut Builder,
    step: &CopyStep,
    pieces: &[Piece],
    declared: &Declared,
) -> Result<Vec<Action>, Box<Diagnostic>> {
    let into = step.to.ends_with('/');
    let mode = mode(step.mode, step.dir_mode, step.span)?;
    let mut actions = Vec::new();
    for Piece { from, path } in pieces {
        let from = match &mode {
            Mode::Symbolic(_) => from.map(|from| without_execute(builder, from, step.span)),
            _ => *from,
        };
        let (fixed, pattern) = split_pattern(path);
        let mut copy = Copy::new(from, format!("/{fixed}"), step.to.value.clone());
        copy.owner = step.owner.as_ref().map(|owner| declared.owner(owner));
        copy.mode = mode.clone();
        copy.exclude = step.exclude.iter().map(|p| at_any_depth(p)).collect();
        match pattern {
            Some(pattern) => {
                copy.contents_only = true;
                copy.required = vec![pattern.to_owned()];
                copy.include = vec![pattern.to_owned()];
            }
            None => copy.contents_only = path.is_empty() || !into,
        }
        actions.push(Action::Copy(copy));
    }
    Ok(actions)
}

/// A tree in which nothing is executable.
///
/// `X` of a mode is for folders and for what was executable in the source, whatever clauses
/// stand before it; only of such a tree it is for folders alone.
fn without_execute(builder: &mut Builder, from: Output, span: Span) -> Output {
    let mut copy = Copy::new(Some(from), "/", "/");
    copy.contents_only = true;
    copy.mode = Mode::Symbolic("a-x".to_owned());
    builder.file(FileOp { base: None, accounts: None, actions: vec![Action::Copy(copy)] }, Note::at(span))
}

/// The fixed folder of a path and the pattern below it; no pattern where there is no wildcard.
fn split_pattern(path: &str) -> (&str, Option<&str>) {
    let Some(wildcard) = path.find(['*', '?', '[']) else { return (path, None) };
    match path[..wildcard].rfind('/') {
        Some(slash) => (&path[..slash], Some(&path[slash + 1..])),
        None => ("", Some(path)),
    }
}

/// Modes for files and folders as one request.
///
/// Where only the files' mode is said, folders get `x` wherever files have `r`.
fn mode(file: Option<u16>, dir: Option<u16>, span: Span) -> Result<Mode, Box<Diagnostic>> {
    let Some(file) = file else {
        return match dir {
            None => Ok(Mode::Keep),
            Some(dir) => Err(Box::new(error::modes_apart(0o644, dir, span))),
        };
    };
    if file & 0o7000 != 0 && dir.is_none() || dir == Some(file) {
        return Ok(Mode::Bits(file));
    }
    let dir = dir.unwrap_or(file | (file & 0o444) >> 2);
    let apart = || Box::new(error::modes_apart(file, dir, span));
    if dir & !0o111 != file & !0o111 || file & 0o111 & !dir != 0 {
        return Err(apart());
    }
    if dir == file {
        return Ok(Mode::Bits(file));
    }
    let mut clauses = vec!["a=".to_owned()];
    for (who, shift) in [('u', 6), ('g', 3), ('o', 0)] {
        let (f, d) = ((file >> shift) & 7, (dir >> shift) & 7);
        let x = match (f & 1, d & 1) {
            (1, _) => "x",
            (0, 1) => "X",
            _ => "",
        };
        let bits: String = [(4, "r"), (2, "w")].iter().filter(|(bit, _)| f & bit != 0).map(|(_, c)| *c).collect();
        if !bits.is_empty() || !x.is_empty() {
            clauses.push(format!("{who}+{bits}{x}"));
        }
    }
    Ok(Mode::Symbolic(clauses.join(",")))
}

fn mkdir_actions(builder: &mut Builder, step: &MkdirStep, before: Option<&Move>, declared: &Declared) -> Vec<Action> {
    let owner = step.owner.as_ref().map(|owner| declared.owner(owner));
    let mut actions = Vec::new();
    for path in &step.paths {
        let (parent, name) = path.value.rsplit_once('/').unwrap_or(("", &path.value));
        let mkdir = Mkdir { owner: owner.clone(), ..Mkdir::new(format!("/{name}"), step.mode) };
        actions.push(folder(builder, mkdir, parent, before.map(|m| m.state), Note::at(step.span)));
    }
    actions
}

/// The action that brings a folder, which `mkdir` makes at the root of a tree of its own, into the folder `parent`.
///
/// A copy sets mode and owner also of a folder that is there already, and making one does not; and daemons take away
/// from the mode of what they make what their umask says, and all but permissions.
pub(super) fn folder(
    builder: &mut Builder,
    mkdir: Mkdir,
    parent: &str,
    accounts: Option<Output>,
    note: Note,
) -> Action {
    let mode = mkdir.mode;
    let folder = builder.file(FileOp { base: None, accounts, actions: vec![Action::Mkdir(mkdir)] }, note);
    let copy = Copy::new(Some(folder), "/", format!("{parent}/"));
    Action::Copy(Copy { contents_only: true, mode: Mode::Bits(mode), ..copy })
}

fn file_actions(step: &FileStep, declared: &Declared) -> Vec<Action> {
    let owner = step.owner.as_ref().map(|owner| declared.owner(owner));
    let file = Mkfile { owner, ..Mkfile::new(&step.path.value, step.mode, step.content.as_bytes()) };
    parent(&step.path).into_iter().chain([Action::Mkfile(file)]).collect()
}

fn symlink_actions(step: &SymlinkStep) -> Vec<Action> {
    let link = Action::Symlink(Symlink::new(&step.target.value, &step.path.value));
    parent(&step.path).into_iter().chain([link]).collect()
}

fn remove_actions(step: &RemoveStep) -> Vec<Action> {
    let remove = |path: &str| Remove {
        path: path.to_owned(),
        allow_not_found: false,
        allow_wildcard: path.contains(['*', '?', '[']),
    };
    step.paths.iter().map(|path| Action::Remove(remove(path))).collect()
}

/// The action that makes the folder above a path where it is missing; none below the root.
fn parent(path: &str) -> Option<Action> {
    let (parent, _) = path.rsplit_once('/')?;
    (!parent.is_empty()).then(|| Action::Mkdir(Mkdir::new(parent, 0o755)))
}
