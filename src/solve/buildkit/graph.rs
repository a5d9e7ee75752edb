//! How a daemon makes the trees that a command begins with.

use super::agents::Agents;
use super::images::Images;
use super::secrets::Secrets;
use crate::llb::exec::{Mount, MountKind as Kind, SecretEnv, Sharing};
use crate::llb::{Action, Builder, Copy, Exec, FileOp, LlbError, Mkfile, Note, Output, Remove, attr, pb};
use crate::oci::{Digest, Platform};
use crate::solve::embedded::sandbox::{self, EnvValue, MountKind, Step, TreeRef};
use crate::store::Store;
use crate::tree::{Change, Entry, Tree, TreeError, TreePath};
use secrecy::SecretSlice;
use std::collections::{BTreeMap, BTreeSet};

/// The name of the store of images that the session offers.
const STORE: &str = "kiln";

/// The name of its images, for people.
const IMAGE: &str = "kiln.local/root";

/// What is known of how a daemon makes trees, as far as it was asked for them in this build.
pub(super) struct Graph {
    builder: Builder,
    /// The session in which it asks for trees.
    session: String,
    made: BTreeMap<Digest, Source>,
    /// How many operations there were that are unlike any other.
    unique: u64,
    /// The trees that the daemon may ask for, by the names of their folders.
    folders: BTreeMap<String, Digest>,
}

/// What makes a tree.
#[derive(Clone, Copy)]
struct Source {
    output: Output,
    /// When the first command began that it was made by: times since then say only when commands ran.
    began: Option<i64>,
}

impl Source {
    /// A tree that no command of this build has made.
    fn given(output: Output) -> Self {
        Source { output, began: None }
    }
}

/// Why a tree cannot be told to a daemon.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct GraphError(#[from] TreeError);

/// A command as a vertex, with what its session offers.
pub(super) struct Made {
    /// When the first of the commands began that made what it begins with; none where none did.
    pub(super) began: Option<i64>,
    /// For each mount of the step whose changes are told, what shows them.
    pub(super) results: Vec<Option<Told>>,
    pub(super) secrets: Secrets,
    pub(super) agents: Agents,
}

/// What shows what a command changed in a tree.
#[derive(Clone, Copy)]
pub(super) struct Told {
    /// The tree after it.
    pub(super) after: Output,
    /// The difference to what it began with; the tree after it where that was empty.
    pub(super) change: Output,
    /// The part of the tree after it that is needed, where it is not all of that.
    pub(super) part: Option<Output>,
}

impl Graph {
    pub(super) fn new(session: String) -> Self {
        let builder = Builder::new(Platform::host());
        Graph { builder, session, made: BTreeMap::new(), unique: 0, folders: BTreeMap::new() }
    }

    /// How many of the trees that a command begins with come out of the graph.
    pub(super) fn has(&self, step: &Step) -> usize {
        let is_made = |mount: &&sandbox::Mount| match &mount.kind {
            MountKind::Tree { tree, .. } => self.made.contains_key(&tree.tree),
            _ => false,
        };
        step.mounts.iter().filter(is_made).count()
    }

    /// The tree in a folder that the daemon asks for.
    pub(super) fn folder(&self, name: &str) -> Option<Digest> {
        self.folders.get(name).copied()
    }

    /// A tree came out of the graph, made by commands the first of which began then; once some paths are taken away that the
    /// daemon has made for itself.
    pub(super) fn learn(&mut self, tree: Digest, output: Output, taken: &[TreePath], began: i64) {
        let output = self.without(output, taken, "kiln: what the daemon made");
        self.made.entry(tree).or_insert(Source { output, began: Some(began) });
    }

    /// Forgets how trees are made: the daemon cannot do it like that.
    pub(super) fn forget(&mut self) {
        self.made.clear();
    }

    /// The definition of an output.
    pub(super) fn definition(&self, output: Output) -> Result<pb::Definition, LlbError> {
        Ok(self.builder.finish_without_places(output)?.message().clone())
    }

    /// Adds a command; what its root lies over can be one of these images, if the daemon reads any.
    pub(super) fn add(&mut self, step: &Step, images: Option<&Images>) -> Result<Made, GraphError> {
        let (mut secrets, mut agents) = (Secrets::default(), Agents::default());
        let mut secret = |content: &SecretSlice<u8>| {
            let id = format!("kiln-{}", secrets.0.len());
            secrets.0.insert(id.clone(), content.clone());
            id
        };
        let mut exec = Exec::new(None, step.args.iter().map(String::as_str));
        exec.cwd.clone_from(&step.cwd);
        exec.user = match step.user.groups.as_slice() {
            [] | [_] => format!("{}:{}", step.user.uid, step.user.gid),
            // The daemon looks its groups up where kiln found them.
            _ => step.user.uid.to_string(),
        };
        exec.hostname.clone_from(&step.hostname);
        exec.hosts.clone_from(&step.hosts);
        exec.network = step.network;
        for (name, value) in &step.env {
            match value {
                EnvValue::Plain(value) => exec.env.push(format!("{name}={value}")),
                EnvValue::Secret(content) => {
                    let (id, name) = (secret(content), name.clone());
                    exec.secret_env.push(SecretEnv { id, name, optional: false });
                }
            }
        }
        // For each mount what it begins with, and its place among those of the operation: the root has none.
        let mut begins = Vec::new();
        let mut began: Option<i64> = None;
        for mount in &step.mounts {
            let kind = match &mount.kind {
                MountKind::Tree { tree, selector, writable, part } => {
                    let source = self.tree(tree, step, &mount.target, images)?;
                    began = began.into_iter().chain(source.and_then(|source| source.began)).min();
                    let from = source.map(|source| source.output);
                    if mount.target == "/" {
                        (exec.root, exec.readonly_root) = (from, !writable);
                        begins.push(writable.then_some((from, None, part.as_ref())));
                        continue;
                    }
                    begins.push(writable.then_some((from, Some(exec.mounts.len()), part.as_ref())));
                    Kind::Tree { from, selector: format!("/{selector}"), writable: *writable }
                }
                other => {
                    begins.push(None);
                    match other {
                        MountKind::Folder { path } => {
                            let name = path.file_name().unwrap_or_default().to_string_lossy();
                            Kind::Cache { id: format!("kiln-{name}"), sharing: Sharing::Shared }
                        }
                        MountKind::Secret { content, owner, mode } => {
                            Kind::Secret { id: secret(content), owner: *owner, mode: *mode, optional: false }
                        }
                        MountKind::Agent { path, owner, mode } => {
                            let id = format!("kiln-{}", agents.0.len());
                            agents.0.insert(id.clone(), path.clone());
                            Kind::Ssh { id, owner: *owner, mode: *mode, optional: false }
                        }
                        MountKind::Tmpfs { size } => Kind::Tmpfs { size: size.unwrap_or(0) },
                        MountKind::Tree { .. } => unreachable!("handled above"),
                    }
                }
            };
            exec.mounts.push(Mount { target: mount.target.clone(), kind });
        }
        exec.mounts.push(self.never_mounted());
        self.builder.set_platform(step.platform.clone());
        let outputs = self.builder.exec(exec, Note::named(&step.name));
        let note = Note::named(format!("kiln: what changes by {}", step.name));
        let results = begins.into_iter().map(|begin| {
            let (from, at, part) = begin?;
            let after = at.map_or(outputs.root, |at| outputs.mounts[at])?;
            let change = self.builder.diff(from, Some(after), note.clone())?;
            let part = part.and_then(|paths| self.part(after, paths, step));
            Some(Told { after, change, part })
        });
        let results: Vec<Option<Told>> = results.collect();
        Ok(Made { began, results, secrets, agents })
    }

    /// What makes a command another one each time, and is not there: a secret that nobody has and that need not be. Times in a
    /// result of another build would mean nothing, what is run twice is to be compared, and kiln knows itself what need not
    /// run.
    fn never_mounted(&mut self) -> Mount {
        let name = self.unique_name();
        let kind = Kind::Secret { id: name.clone(), owner: (0, 0), mode: 0o400, optional: true };
        Mount { target: format!("/{name}"), kind }
    }

    fn unique_name(&mut self) -> String {
        self.unique += 1;
        format!(".kiln-{}-{}", self.session, self.unique)
    }

    /// A file that is made and removed again, of which nothing is to be seen, so that the daemon takes no earlier result.
    fn never_seen(&mut self) -> Vec<Action> {
        let path = format!("/{}", self.unique_name());
        let made = Action::Mkfile(Mkfile::new(&path, 0o600, Vec::new()));
        vec![made, Action::Remove(Remove { path, allow_not_found: false, allow_wildcard: false })]
    }

    /// The part of a tree at paths. A daemon tells what is copied by the contents alone, and would take times of another build.
    fn part(&mut self, of: Output, paths: &BTreeSet<TreePath>, step: &Step) -> Option<Output> {
        let include = patterns(paths)?;
        let copy = Copy { contents_only: true, include, ..Copy::new(Some(of), "/", "/") };
        let mut actions = self.never_seen();
        actions.push(Action::Copy(copy));
        let note = Note::named(format!("kiln: what is taken of {}", step.name));
        Some(self.builder.file(FileOp { base: None, accounts: None, actions }, note))
    }

    /// A tree as an output: none for the empty one.
    ///
    /// The root of a command that the graph does not make is an image, and what is new in it since a tree that the graph has,
    /// or that is one for more than this command, lies over that. All else is asked for as a folder.
    fn tree(
        &mut self,
        tree: &TreeRef,
        step: &Step,
        target: &str,
        images: Option<&Images>,
    ) -> Result<Option<Source>, GraphError> {
        if tree.tree == empty() {
            return Ok(None);
        }
        if let Some(source) = self.made.get(&tree.tree) {
            return Ok(Some(*source));
        }
        let source = match images.filter(|_| target == "/") {
            Some(images) => match self.base(tree, step, images) {
                Some((base, below)) => self.over(base, below, tree, step, images.store())?,
                None => Source::given(self.copy_of(&tree.tree, step)),
            },
            None if target == "/" => Source::given(self.copy_of(&tree.tree, step)),
            None => Source::given(self.folder_of(&tree.tree, step, target)),
        };
        self.made.insert(tree.tree, source);
        Ok(Some(source))
    }

    /// The tree that becomes an image when the command is added. That takes a while, in which others need the graph: better it
    /// is one before.
    pub(super) fn lacks(&self, step: &Step) -> Option<Digest> {
        let root = step.mounts.iter().find(|mount| mount.target == "/")?;
        let MountKind::Tree { tree, .. } = &root.kind else { return None };
        let is_there = [&tree.tree].into_iter().chain(history(tree)).any(|tree| self.made.contains_key(tree));
        let first = first(tree);
        (!is_there && first != empty()).then_some(first)
    }

    /// What a tree lies over, and which tree that is: the nearest of those it was made of that the graph has, else an image of
    /// the one that it began with, which can be itself. None where that cannot be one.
    fn base(&mut self, tree: &TreeRef, step: &Step, images: &Images) -> Option<(Source, Digest)> {
        if let Some(known) = history(tree).find_map(|older| Some((*self.made.get(older)?, *older))) {
            return Some(known);
        }
        let first = first(tree);
        let manifest = images.offer(&first, &step.platform).ok()?;
        let source = Source::given(self.image(&manifest, &step.platform));
        self.made.insert(first, source);
        Some((source, first))
    }

    /// An image that is offered.
    fn image(&mut self, manifest: &Digest, platform: &Platform) -> Output {
        self.builder.set_platform(platform.clone());
        let attrs = [(attr::OCI_STORE, STORE), (attr::OCI_SESSION, self.session.as_str())];
        let attrs = attrs.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        self.builder.source(&attr::oci_layout(IMAGE, manifest), attrs, Note::named("kiln: a root"))
    }

    /// What a command begins with that begins with an image: the image is unpacked for it.
    pub(super) fn begin_with(&mut self, manifest: &Digest, platform: &Platform) -> Result<pb::Definition, LlbError> {
        let image = self.image(manifest, platform);
        let op = FileOp { base: Some(image), accounts: None, actions: self.never_seen() };
        let root = self.builder.file(op, Note::named("kiln: a root"));
        self.definition(root)
    }

    /// A tree over another one: what goes is removed, and what is new is a folder that is laid over it, with all folders that
    /// lead there, as their times change when something in them does.
    fn over(
        &mut self,
        base: Source,
        below: Digest,
        tree: &TreeRef,
        step: &Step,
        store: &Store,
    ) -> Result<Source, GraphError> {
        if below == tree.tree {
            return Ok(base);
        }
        let (lower, upper) = (Tree::load(store, &below)?, Tree::load(store, &tree.tree)?);
        let change = Change::between(&lower, &upper);
        let is_replaced =
            |path: &&TreePath, entry: &Entry| lower.get(path).is_some_and(|old| old.is_dir() != entry.is_dir());
        let replaced = change.entries.iter().filter(|(path, entry)| is_replaced(path, entry)).map(|(path, _)| path);
        let gone: Vec<TreePath> = change.removed.iter().chain(replaced).cloned().collect();
        let output = self.without(base.output, &gone, "kiln: what goes");
        if change.entries.is_empty() {
            return Ok(Source { output, ..base });
        }
        let new = self.copy_of(&change.entries.save(store)?, step);
        let merged = self.builder.merge(&[output, new], Note::named("kiln: the root of a command"));
        Ok(Source { output: merged.unwrap_or(new), ..base })
    }

    /// A tree without some paths of it.
    fn without(&mut self, tree: Output, paths: &[TreePath], name: &str) -> Output {
        let remove = |path: &TreePath| {
            Action::Remove(Remove { path: path.to_string(), allow_not_found: true, allow_wildcard: false })
        };
        match paths {
            [] => tree,
            _ => {
                let op = FileOp { base: Some(tree), accounts: None, actions: paths.iter().map(remove).collect() };
                self.builder.file(op, Note::named(name))
            }
        }
    }

    /// A tree that is asked for. Its folder has a name by what is made of the same place in each build, so that the daemon
    /// lacks little of it.
    fn folder_of(&mut self, tree: &Digest, step: &Step, target: &str) -> Output {
        let place = Digest::of([step.name.as_bytes(), b"\0", target.as_bytes()].concat()).hex();
        let mut names = (0..).map(|number| format!("kiln-{}-{number}", &place[..16]));
        let is_free = |name: &String| self.folders.get(name).is_none_or(|known| known == tree);
        let name = names.find(is_free).unwrap_or_default();
        self.folders.insert(name.clone(), *tree);
        let attrs = [(attr::LOCAL_SESSION, self.session.as_str()), (attr::SHARED_KEY_HINT, name.as_str())];
        let attrs = attrs.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let note = Note::named(format!("kiln: {target} of {}", step.name));
        self.builder.source(&format!("local://{name}"), attrs, note)
    }

    /// A part of a root that is asked for. As a copy it has a name that its content decides, whatever the session, and so has
    /// the root, which the daemon need not put together anew.
    fn copy_of(&mut self, tree: &Digest, step: &Step) -> Output {
        let folder = self.folder_of(tree, step, "/");
        let copy = Copy { contents_only: true, ..Copy::new(Some(folder), "/", "/") };
        let op = FileOp { base: None, accounts: None, actions: vec![Action::Copy(copy)] };
        self.builder.file(op, Note::named(format!("kiln: the root of {}", step.name)))
    }
}

/// Paths as patterns that match them alone; none where one has a sign of another meaning, or there are none.
fn patterns(paths: &BTreeSet<TreePath>) -> Option<Vec<String>> {
    let plain = |path: &TreePath| {
        let path = std::str::from_utf8(path.as_bytes()).ok()?;
        (!path.contains(['*', '?', '[', ']', '\\', '!'])).then(|| path.to_owned())
    };
    let patterns = paths.iter().map(plain).collect::<Option<Vec<_>>>()?;
    (!patterns.is_empty()).then_some(patterns)
}

/// The trees that a tree was made of and that hold something, nearest first.
fn history(tree: &TreeRef) -> impl DoubleEndedIterator<Item = &Digest> {
    tree.history.iter().filter(|older| **older != empty())
}

/// The tree that a tree began with, which can be itself.
fn first(tree: &TreeRef) -> Digest {
    *history(tree).next_back().unwrap_or(&tree.tree)
}

fn empty() -> Digest {
    Tree::new().digest()
}
