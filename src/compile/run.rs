//! Commands of a spec as exec operations.
//!
//! All that a command may depend on stands in its operation, so that each engine runs the same: the environment, the
//! name of the machine, what is mounted. The release's own time is not part of it, or every commit would run every
//! command again; commands see a fixed time instead.

use super::file_system::{FileSystem, Mounted};
use super::recipe::{CheckPlan, CommandPlan, ResultsFile};
use super::{Compiler, Subject, config, error, step};
use crate::llb::exec::{self, Exec, Limits, MountKind, Network, STEP_EPOCH, SecretEnv, Sharing};
use crate::llb::{FileOp, Mkdir, Note, Output};
use crate::spec::{self, Command, Owner, Principal, RunStep, SecretForm, Spanned, Surroundings};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where programs are looked for if nothing is said.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The name of the machine that every command sees.
pub(super) const HOSTNAME: &str = "kiln";

/// Adds a command to the graph; the state after it, or none where it changes nothing.
pub(super) fn lower<'a>(
    compiler: &mut Compiler<'a>,
    subject: Subject<'a>,
    level: usize,
    run: &RunStep,
    made: &mut FileSystem,
) -> Option<Output> {
    let image = &subject.levels[level].image;
    let around = [&image.surroundings, &run.surroundings];
    let mut env = environment(subject, around);
    let mounts = mounts(compiler, subject, level, around, made, &mut env)?;
    let first = |pick: fn(&Surroundings) -> Option<String>| around.iter().rev().find_map(|around| pick(around));
    let exec = Exec {
        root: with_tmp(compiler, subject, made.state()),
        readonly_root: false,
        args: arguments(&run.command, around),
        env: env.into_iter().map(|(name, value)| format!("{name}={value}")).collect(),
        cwd: first(|around| around.workdir.as_ref().map(|path| path.value.clone()))
            .or_else(|| config::merge(subject.levels, subject.inputs.base_config.as_ref()).0.working_dir)
            .unwrap_or_else(|| "/".into()),
        user: first(|around| around.user.as_ref().map(|owner| account(owner))).unwrap_or_default(),
        hostname: HOSTNAME.into(),
        hosts: Vec::new(),
        valid_exit_codes: Vec::new(),
        network: network(around),
        secret_env: secret_env(around),
        limits: limits(around),
        mounts: mounts.iter().map(|one| one.mount.clone()).collect(),
    };
    let seen = mounts.iter().filter_map(|one| Some((one.mount.target.clone(), one.from.clone()?))).collect();
    let owner = subject.levels[level].name();
    let note = Note::named(format!("{owner}: {}", describe(run))).and_at(run.span);
    let outputs = compiler.builder.exec(exec, note);
    let root = outputs.root?;
    made.commands.push(CommandPlan {
        stage: owner.strip_prefix("stage ").map(str::to_owned),
        vertex: root.vertex,
        name: describe(run),
        installs: false,
        from: made.from.clone(),
        mounted: seen,
        check: run.check.as_ref().map(|check| check_plan(check, root, &mounts, &outputs.mounts)),
        span: run.span,
    });
    if run.check.is_some() {
        return None;
    }
    for (one, output) in mounts.into_iter().zip(outputs.mounts) {
        if let (Some(before), Some(tree)) = (one.before, output) {
            made.writable.insert(one.mount.target, Mounted { tree, ..before });
        }
    }
    Some(root)
}

fn check_plan(check: &spec::Check, root: Output, mounts: &[One], outputs: &[Option<Output>]) -> CheckPlan {
    let files = [(false, &check.junit), (true, &check.sarif)];
    let files = files.into_iter().filter_map(|(sarif, path)| Some((sarif, path.as_ref()?.value.clone())));
    let results = files.map(|(sarif, path)| {
        let (tree, within) = holder(&path, root, mounts, outputs);
        ResultsFile { sarif, path, tree, within }
    });
    CheckPlan { name: check.name.value.clone(), output: root, results: results.collect() }
}

/// The tree that holds what a command left at a path, and where in that tree: of the writable mounts above the path
/// the innermost, else its root.
fn holder(path: &str, root: Output, mounts: &[One], outputs: &[Option<Output>]) -> (Output, String) {
    let above = mounts.iter().zip(outputs).filter_map(|(one, output)| {
        let MountKind::Tree { selector, .. } = &one.mount.kind else { return None };
        let below = Path::new(path).strip_prefix(&one.mount.target).ok()?;
        let within: PathBuf = Path::new(selector.trim_matches('/')).join(below).components().collect();
        Some((one.mount.target.len(), (output.as_ref().copied()?, within.to_str()?.to_owned())))
    });
    let innermost = above.max_by_key(|(length, _)| *length);
    innermost.map_or_else(|| (root, path.trim_start_matches('/').to_owned()), |(_, holder)| holder)
}

/// Adds a command that sees what the last one left, and that nothing comes of.
pub(super) fn behind<'a>(
    compiler: &mut Compiler<'a>,
    subject: Subject<'a>,
    words: &[String],
    made: &mut FileSystem,
) -> Option<Output> {
    let level = subject.levels.len().checked_sub(1)?;
    let span = subject.levels[level].image.span;
    let command = Spanned::new(Command::Exec(words.to_vec()), span);
    lower(
        compiler,
        subject,
        level,
        &RunStep { command, check: None, surroundings: Surroundings::default(), span },
        made,
    )
}

/// The file system that a stage's command begins with has a folder for what is temporary, as tools expect of any
/// machine; an image has only what it says.
fn with_tmp(compiler: &mut Compiler<'_>, subject: Subject<'_>, state: Option<Output>) -> Option<Output> {
    let is_stage = subject.levels.last().is_some_and(|level| level.image.name.registry.is_empty());
    if !is_stage {
        return state;
    }
    let note = Note::named("mkdir /tmp");
    let folder = step::folder(&mut compiler.builder, Mkdir::new("/tmp", 0o1777), "", None, note.clone());
    let folder = compiler.builder.file(FileOp { base: None, accounts: None, actions: vec![folder] }, note.clone());
    let below: Vec<Output> = [Some(folder), state].into_iter().flatten().collect();
    // One that is there already stays as it is.
    compiler.builder.merge(&below, note)
}

/// A command in a few words.
pub(super) fn describe(run: &RunStep) -> String {
    match &run.check {
        Some(check) => format!("check {}", check.name.value),
        None => format!("run {}", text(&run.command)),
    }
}

/// The first line of a command, shortened.
fn text(command: &Command) -> String {
    let whole = match command {
        Command::Shell(text) => text.trim().to_owned(),
        Command::Exec(words) => words.join(" "),
    };
    let line = whole.lines().next().unwrap_or_default();
    let short: String = line.chars().take(72).collect();
    if short.len() < whole.len() { format!("{short}…") } else { short }
}

fn arguments(command: &Command, around: [&Surroundings; 2]) -> Vec<String> {
    match command {
        Command::Exec(words) => words.clone(),
        Command::Shell(text) => {
            let shell = around.iter().rev().find_map(|around| around.shell.as_ref());
            let shell = shell.map_or_else(|| vec!["/bin/sh".to_owned(), "-c".to_owned()], |shell| shell.value.clone());
            shell.into_iter().chain([text.clone()]).collect()
        }
    }
}

/// The variables in the order in which they were first said, each with what was said last.
fn environment(subject: Subject<'_>, around: [&Surroundings; 2]) -> Vec<(String, String)> {
    let fixed = [("PATH", PATH), ("LANG", "C.UTF-8"), ("TZ", "UTC"), ("SOURCE_DATE_EPOCH", &STEP_EPOCH.to_string())]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (config, _) = config::merge(subject.levels, subject.inputs.base_config.as_ref());
    let of_image = config.env.unwrap_or_default();
    let of_image = of_image.iter().filter_map(|line| line.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned())));
    let said = around.into_iter().flat_map(|around| &around.env);
    let said = said.map(|pair| (pair.name.value.clone(), pair.value.value.clone()));
    let mut env: Vec<(String, String)> = Vec::new();
    for (name, value) in fixed.into_iter().chain(of_image).chain(said) {
        set(&mut env, name, value);
    }
    env
}

fn set(env: &mut Vec<(String, String)>, name: String, value: String) {
    match env.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => *old = value,
        None => env.push((name, value)),
    }
}

/// A user as an exec operation names one.
fn account(owner: &Owner) -> String {
    let name = |principal: &Principal| match principal {
        Principal::Id(id) => id.to_string(),
        Principal::Name(name) => name.clone(),
    };
    match &owner.group {
        Some(group) => format!("{}:{}", name(&owner.user), name(group)),
        None => name(&owner.user),
    }
}

fn network(around: [&Surroundings; 2]) -> Network {
    match around.iter().rev().find_map(|around| around.network.as_ref()).map(|network| network.value) {
        Some(spec::Network::Host) => Network::Host,
        Some(spec::Network::None) | None => Network::None,
    }
}

pub(super) fn limits(around: [&Surroundings; 2]) -> Limits {
    let of = |pick: fn(&spec::Limits) -> Option<u64>| around.iter().rev().find_map(|a| pick(a.limits.as_ref()?));
    Limits {
        cpu: of(|l| l.cpu),
        memory: of(|l| l.memory),
        pids: of(|l| l.pids),
        disk: of(|l| l.disk),
        time: of(|l| l.time),
    }
}

fn secret_env(around: [&Surroundings; 2]) -> Vec<SecretEnv> {
    let mut list: Vec<SecretEnv> = Vec::new();
    for secret in around.into_iter().flat_map(|around| &around.secrets) {
        let SecretForm::Env(name) = &secret.form else { continue };
        list.retain(|known| known.name != name.value);
        list.push(SecretEnv { id: secret.name.value.clone(), name: name.value.clone(), optional: secret.optional });
    }
    list
}

/// Something mounted.
struct One {
    mount: exec::Mount,
    /// The source or the stage that it is.
    from: Option<String>,
    /// What it held before, where the command may change it.
    before: Option<Mounted>,
}

/// What is mounted, in the order of the paths.
///
/// What a command says of a path stands for what its stage says of it.
fn mounts<'a>(
    compiler: &mut Compiler<'a>,
    subject: Subject<'a>,
    level: usize,
    around: [&Surroundings; 2],
    made: &mut FileSystem,
    env: &mut Vec<(String, String)>,
) -> Option<Vec<One>> {
    let mut by_target: BTreeMap<String, One> = BTreeMap::new();
    let mut put = |target: &str, kind, from: Option<String>, before| {
        let mount = exec::Mount { target: target.to_owned(), kind };
        by_target.insert(target.to_owned(), One { mount, from, before });
    };
    for around in around {
        for mount in &around.mounts {
            let target = mount.to.value.clone();
            let known = made.writable.get(&target).filter(|known| known.from == mount.from.value);
            let mounted = match known.cloned() {
                Some(mounted) => mounted,
                None => {
                    let from = compiler.mountable(subject, level, mount)?;
                    Mounted { from: mount.from.value.clone(), tree: from.0, path: from.1 }
                }
            };
            if !mount.writable {
                made.readonly.insert(target.clone(), mount.from.value.clone());
            }
            let kind = MountKind::Tree {
                from: Some(mounted.tree),
                selector: format!("/{}", mounted.path),
                writable: mount.writable,
            };
            let before = mount.writable.then_some(mounted);
            put(&target, kind, Some(mount.from.value.clone()), before);
        }
        for cache in &around.caches {
            let sharing = match cache.sharing {
                spec::Sharing::Shared => Sharing::Shared,
                spec::Sharing::Private => Sharing::Private,
                spec::Sharing::Locked => Sharing::Locked,
            };
            put(&cache.to, MountKind::Cache { id: cache.id.value.clone(), sharing }, None, None);
        }
        for tmpfs in &around.tmpfs {
            put(&tmpfs.to, MountKind::Tmpfs { size: tmpfs.size.unwrap_or(0) }, None, None);
        }
        for secret in &around.secrets {
            let SecretForm::File { to, mode, owner } = &secret.form else { continue };
            let kind = MountKind::Secret {
                id: secret.name.value.clone(),
                owner: owner.unwrap_or((0, 0)),
                mode: mode.unwrap_or(0o400),
                optional: secret.optional,
            };
            put(to, kind, None, None);
        }
        // Whoever is in the step may use it: who runs the command may be a name here.
        for ssh in &around.ssh {
            let target = format!("/run/ssh-agent/{}", ssh.name.value);
            let id = ssh.name.value.clone();
            set(env, "SSH_AUTH_SOCK".into(), target.clone());
            put(&target, MountKind::Ssh { id, owner: (0, 0), mode: 0o666, optional: ssh.optional }, None, None);
        }
    }
    Some(by_target.into_values().collect())
}

impl<'a> Compiler<'a> {
    /// The tree that is mounted, and the part of it; none where that is a mistake, which is reported.
    fn mountable(&mut self, subject: Subject<'a>, level: usize, mount: &spec::Mount) -> Option<(Output, String)> {
        let path = mount.path.value.clone();
        if let Some(stage) = self.stages.get(mount.from.as_str()) {
            let state = stage.state();
            if state.is_none() {
                self.mistakes.push(error::empty_stage(&mount.from, mount.from.span));
            }
            return Some((state?, path));
        }
        Some((self.source(subject, level, &mount.from)?, path))
    }
}
