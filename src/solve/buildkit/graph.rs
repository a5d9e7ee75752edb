//! How a daemon makes the trees that a command begins with.

use super::agents::Agents;
use super::secrets::Secrets;
use crate::llb::exec::{Mount, MountKind as Kind, SecretEnv, Sharing};
use crate::llb::{Action, Builder, Copy, Exec, FileOp, LlbError, Mkfile, Note, Output, Remove, pb};
use crate::oci::{Digest, Platform};
use crate::solve::embedded::sandbox::{self, EnvValue, MountKind, Step};
use crate::tree::TreePath;
use secrecy::SecretSlice;
use std::collections::BTreeMap;

/// What is known of how a daemon makes trees, as far as it was asked for them in this build.
pub(super) struct Graph {
    builder: Builder,
    /// The session in which it asks for trees.
    session: String,
    made: BTreeMap<Digest, Source>,
    /// How many commands there were.
    commands: u64,
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
}

impl Graph {
    pub(super) fn new(session: String) -> Self {
        let builder = Builder::new(Platform::host());
        Graph { builder, session, made: BTreeMap::new(), commands: 0, folders: BTreeMap::new() }
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
    pub(super) fn learn(&mut self, tree: Digest, mut output: Output, taken: &[TreePath], began: i64) {
        let remove = |path: &TreePath| {
            Action::Remove(Remove { path: path.to_string(), allow_not_found: true, allow_wildcard: false })
        };
        if !taken.is_empty() {
            let op = FileOp { base: Some(output), accounts: None, actions: taken.iter().map(remove).collect() };
            output = self.builder.file(op, Note::named("kiln: what the daemon made"));
        }
        self.made.entry(tree).or_insert(Source { output, began: Some(began) });
    }

    /// The definition of an output.
    pub(super) fn definition(&self, output: Output) -> Result<pb::Definition, LlbError> {
        Ok(self.builder.finish_without_places(output)?.message().clone())
    }

    /// Adds a command.
    pub(super) fn add(&mut self, step: &Step) -> Made {
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
                MountKind::Tree { tree, selector, writable } => {
                    let source = self.tree(&tree.tree, step, &mount.target);
                    began = began.into_iter().chain(source.and_then(|source| source.began)).min();
                    let mut from = source.map(|source| source.output);
                    if mount.target == "/" {
                        from = Some(self.root(from));
                        (exec.root, exec.readonly_root) = (from, !writable);
                        begins.push(writable.then_some((from, None)));
                        continue;
                    }
                    begins.push(writable.then_some((from, Some(exec.mounts.len()))));
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
        self.builder.set_platform(step.platform.clone());
        let outputs = self.builder.exec(exec, Note::named(&step.name));
        let note = Note::named(format!("kiln: what changes by {}", step.name));
        let results = begins.into_iter().map(|begin| {
            let (from, at) = begin?;
            let after = at.map_or(outputs.root, |at| outputs.mounts[at])?;
            let change = self.builder.diff(from, Some(after), note.clone())?;
            Some(Told { after, change })
        });
        let results: Vec<Option<Told>> = results.collect();
        Made { began, results, secrets, agents }
    }

    /// The root of one command: it has a file that was made and removed again, of which nothing is to be seen, so that the
    /// daemon takes no earlier result. Times in one of another build would mean nothing, what is run twice is to be compared,
    /// and kiln knows itself what need not run.
    fn root(&mut self, of: Option<Output>) -> Output {
        self.commands += 1;
        let path = format!("/.kiln-{}-{}", self.session, self.commands);
        let made = Action::Mkfile(Mkfile::new(&path, 0o600, Vec::new()));
        let op = FileOp {
            base: of,
            accounts: None,
            actions: vec![made, Action::Remove(Remove { path, allow_not_found: false, allow_wildcard: false })],
        };
        self.builder.file(op, Note::named("kiln: the root of a command"))
    }

    /// A tree as an output: none for the empty one. One that the graph does not make is asked for, and gets a name by what is
    /// made of the same place in each build, so that the daemon lacks little of it.
    fn tree(&mut self, tree: &Digest, step: &Step, target: &str) -> Option<Source> {
        if *tree == crate::tree::Tree::new().digest() {
            return None;
        }
        if let Some(source) = self.made.get(tree) {
            return Some(*source);
        }
        let place = Digest::of([step.name.as_bytes(), b"\0", target.as_bytes()].concat()).hex();
        let names = (0..).map(|number| format!("kiln-{}-{number}", &place[..16]));
        let name = names.into_iter().find(|name| self.folders.get(name).is_none_or(|known| known == tree))?;
        self.folders.insert(name.clone(), *tree);
        let attrs = [("local.session", self.session.as_str()), ("local.sharedkeyhint", name.as_str())];
        let attrs = attrs.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let note = Note::named(format!("kiln: {target} of {}", step.name));
        let source = self.builder.source(&format!("local://{name}"), attrs, note.clone());
        // As a copy it has a name that its content decides, whatever the session.
        let copy = Copy { contents_only: true, ..Copy::new(Some(source), "/", "/") };
        let op = FileOp { base: None, accounts: None, actions: vec![Action::Copy(copy)] };
        let source = Source { output: self.builder.file(op, note), began: None };
        self.made.insert(*tree, source);
        Some(source)
    }
}
