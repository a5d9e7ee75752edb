//! Exec operations: commands.
//!
//! A result is found by what the command means and by the contents that it sees ([`key`], [`result`]); inputs are not
//! read for that. Only where none is found the command is made ready ([`step`], with [`user`] and [`caches`]) and given to
//! the sandbox. What it writes goes to whoever listens, without secrets ([`output`], [`mask`](super::mask)), and what it changed
//! becomes new trees.
//!
//! Whoever runs a command holds a lock of its key, so that of equal commands in several builds one runs and the others
//! take its result. A result is remembered as soon as it is there, whatever becomes of the build.

mod caches;
mod error;
mod key;
mod output;
mod pack;
mod part;
mod result;
mod step;
mod twice;
mod user;
mod why;

pub use error::{ExecError, Written};
pub(in crate::solve) use output::Hearing;
pub use pack::{PackError, pack, unpack};

use super::mask::Masks;
use super::sandbox::{Ended, Sandbox, SandboxError, Status};
use super::value::Value;
use super::{Problem, Run};
use crate::llb::exec::is_output;
use crate::llb::{Vertex, pb};
use crate::oci::{Digest, Platform};
use crate::solve::{Difference, Facts, Progress, Ran, Reason};
use crate::tree::Change;
use part::Parts;
use result::Made;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use step::Ready;
use why::Seen;

/// The longest command in a message.
const SHOWN: usize = 200;

/// Said with the first command that runs.
const ONE_ID: &str = "this user has no subordinate ids, so that commands have one id: changes of owners fail in them, and \
                      permissions between users do not hold; lines for this user in /etc/subuid and /etc/subgid and the \
                      programs newuidmap and newgidmap (Debian's package uidmap) give them all ids";

/// A shorter wait is nothing to tell of.
const SOON: Duration = Duration::from_secs(2);

/// What a command asks for that no engine without a daemon can give; none if there is nothing of it.
pub(super) fn refusal(op: &pb::ExecOp) -> Option<String> {
    let meta = op.meta.clone().unwrap_or_default();
    if op.security() == pb::SecurityMode::Insecure {
        return Some("it asks for `security` INSECURE, and this engine runs nothing outside of a sandbox".to_owned());
    }
    if let Some(device) = op.cdi_devices.iter().find(|device| !device.optional) {
        let name: String = device.name.chars().take(SHOWN).collect();
        return Some(format!("it asks for the device `{name}` in `cdiDevices`, and this engine gives none"));
    }
    let parent = "it asks for a `cgroupParent`, and this engine chooses control groups itself";
    (!meta.cgroup_parent.is_empty()).then(|| parent.to_owned())
}

/// The outputs of a command, and whether they were found.
pub(super) fn run(
    run: &Run<'_>,
    vertex: &Vertex,
    op: &pb::ExecOp,
    inputs: &[Value],
) -> Result<(Vec<Value>, bool), Problem> {
    let (store, request) = (&run.engine.store, run.request);
    let meaning = key::meaning(op, request.network);
    let contents = key::contents(op, inputs, store)?;
    let command = Command { run, vertex, op, inputs, parts: Parts::of(vertex, op, run.taken) };
    // What was made where there are all ids is as good here, and not the other way round.
    let mut keys = vec![key::key(&meaning, &contents)];
    if command.has_one_id() {
        keys.push(key::with_one_id(&keys[0]));
    }
    let key = keys[keys.len() - 1];
    let found = || match vertex.ignore_cache {
        true => Ok(None),
        false => command.find(&keys),
    };
    if let Some((key, made)) = found()? {
        return command.found(key, made);
    }
    if let Some(sandbox) = &run.engine.sandbox {
        sandbox.prepare(store);
    }
    let wait = Wait::new(&command, "another build runs the same command");
    let Some(lock) = store.lock_passing(&format!("exec-{}", key.hex()), &|| wait.is_over())? else {
        return Err(Problem::Cancelled);
    };
    // Another build may have run it meanwhile, here or elsewhere.
    let brought = || !vertex.ignore_cache && command.names(&keys).iter().any(|key| request.shared.bring(key));
    let made = match found()? {
        None if brought() => found()?,
        made => made,
    };
    if let Some((key, made)) = made {
        return command.found(key, made);
    }
    let seen = Seen::now(request.graph, vertex, &meaning, &contents, op, inputs);
    let why = if request.explain { Some(command.reasons(&seen)?) } else { None };
    let (made, is_part) = command.once(request.progress)?;
    if !is_part {
        result::remember(store, &key, &made)?;
    }
    let (key, made) = command.part(key, made)?;
    seen.remember(vertex, store)?;
    drop(lock);
    command.tell(key, &made, false, why);
    if request.twice {
        command.again(&made)?;
    }
    Ok((made.values, false))
}

/// Runs something else in a command's place, at the terminal of whoever calls; nothing of it is kept.
pub(super) fn enter(
    run: &Run<'_>,
    vertex: &Vertex,
    op: &pb::ExecOp,
    inputs: &[Value],
    args: Vec<String>,
) -> Result<Status, Problem> {
    let command = Command { run, vertex, op, inputs, parts: Parts::default() };
    let mut ready = command.ready()?;
    (ready.step.args, ready.step.interactive) = (args, true);
    let is_stopped = || run.is_stopped();
    let hearing = Hearing::new(vertex, &(), &is_stopped, run.masks());
    let ended = command.sandbox()?.run(&ready.step, &run.engine.store, &hearing);
    Ok(ended.map_err(|error| command.explained(error))?.status)
}

/// A command with what it takes.
struct Command<'a> {
    run: &'a Run<'a>,
    vertex: &'a Vertex,
    op: &'a pb::ExecOp,
    inputs: &'a [Value],
    /// What of its outputs is no part of the result.
    parts: Parts,
}

impl Command<'_> {
    /// What an earlier result can be called: the part that is taken, or all of it.
    fn names(&self, keys: &[Digest]) -> Vec<Digest> {
        let parts = keys.iter().filter(|_| !self.parts.is_empty()).map(|key| self.parts.key(key));
        parts.chain(keys.iter().copied()).collect()
    }

    /// An earlier result under one of these keys, with the key that it has.
    fn find(&self, keys: &[Digest]) -> Result<Option<(Digest, Made)>, Problem> {
        let (store, pool) = (&self.run.engine.store, self.run.pool);
        match result::find(store, &self.names(keys), self.op, pool)? {
            Some((key, whole)) if keys.contains(&key) => Ok(Some(self.part(key, whole)?)),
            found => Ok(found),
        }
    }

    /// The part of a result that is taken, which is remembered too; with its key.
    fn part(&self, key: Digest, whole: Made) -> Result<(Digest, Made), ExecError> {
        if self.parts.is_empty() {
            return Ok((key, whole));
        }
        let (store, key) = (&self.run.engine.store, self.parts.key(&key));
        let made = self.in_part(whole)?;
        result::remember(store, &key, &made)?;
        Ok((key, made))
    }

    fn in_part(&self, whole: Made) -> Result<Made, ExecError> {
        let store = &self.run.engine.store;
        let bases = step::bases(self.op, self.inputs, store)?;
        let mut made = Made { values: Vec::new(), brought: BTreeSet::new(), ..whole };
        let outputs = self.op.mounts.iter().enumerate().filter(|(_, mount)| is_output(mount));
        for ((i, _), value) in outputs.zip(whole.values) {
            let Some(base) = &bases[i] else { continue };
            let (lower, upper) = (base.tree(store)?, value.tree(store)?);
            let Some(paths) = self.parts.paths(i) else {
                made.brought.extend(result::brought(&Change::between(&lower, &upper)));
                made.values.push(value);
                continue;
            };
            let change = Change::between(&lower, &part::part(&lower, &upper, paths)?);
            made.brought.extend(result::brought(&change));
            made.values.push(Value::store(base.change(store)?.then(&change)?, base.lineage(), store)?);
        }
        Ok(made)
    }

    /// Uses an earlier result.
    fn found(&self, key: Digest, made: Made) -> Result<(Vec<Value>, bool), Problem> {
        self.tell(key, &made, true, None);
        if self.run.request.twice {
            self.again(&made)?;
        }
        Ok((made.values, true))
    }

    fn tell(&self, key: Digest, made: &Made, cached: bool, why: Option<Vec<Reason>>) {
        let trees = |values: &[Value]| values.iter().map(Value::tree_digest).collect();
        self.run.tell(Ran {
            vertex: self.vertex.digest,
            key,
            inputs: trees(self.inputs),
            outputs: trees(&made.values),
            cached,
            facts: made.facts.clone(),
            why,
        });
    }

    fn reasons(&self, seen: &Seen) -> Result<Vec<Reason>, Problem> {
        if self.vertex.ignore_cache {
            return Ok(vec![Reason::Always]);
        }
        let store = &self.run.engine.store;
        let Some(last) = Seen::last(self.vertex, store)? else { return Ok(vec![Reason::First]) };
        let reasons = seen.reasons(&last, self.op, store);
        Ok(if reasons.is_empty() { vec![Reason::Gone] } else { reasons })
    }

    /// Runs it once more and compares; how that ends changes nothing.
    fn again(&self, first: &Made) -> Result<(), Problem> {
        let differences = match self.once(&()) {
            Ok((second, _)) => {
                let second = if self.parts.is_empty() { second } else { self.in_part(second)? };
                let store = &self.run.engine.store;
                twice::differences(self.vertex, self.op, &first.values, &second.values, store)?
            }
            Err(Problem::Exec(error @ ExecError::Ended { .. })) => {
                let (target, path) = ("/".to_owned(), "/".to_owned());
                let what = format!("the second run failed: {error}");
                vec![Difference { vertex: self.vertex.digest, target, path, what }]
            }
            Err(other) => return Err(other),
        };
        self.run.tell_differences(differences);
        Ok(())
    }

    /// Runs it; says whether what is not taken is left out.
    fn once(&self, progress: &dyn Progress) -> Result<(Made, bool), Problem> {
        let Command { run, vertex, op, .. } = self;
        let ready = self.ready()?;
        let is_stopped = || run.is_stopped();
        let hearing = Hearing::new(vertex, progress, &is_stopped, run.masks());
        progress.running(vertex);
        if self.has_one_id() && !run.one_id_is_told.swap(true, Ordering::Relaxed) {
            progress.warning(vertex, ONE_ID);
        }
        let began = Instant::now();
        let ended = self.sandbox()?.run(&ready.step, &run.engine.store, &hearing);
        let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let written = hearing.finish();
        let Ended { status, changes, is_part, warnings } = ended.map_err(|error| self.explained(error))?;
        let warnings: Vec<String> =
            ready.warnings.iter().chain(&warnings).map(|warning| run.masks().text(warning)).collect();
        warnings.iter().for_each(|warning| progress.warning(vertex, warning));

        let valid = op.meta.as_ref().map_or(&[][..], |meta| &meta.valid_exit_codes);
        let exit_code = match status {
            Status::Exited(code) if valid.contains(&code) || (valid.is_empty() && code == 0) => code,
            Status::Cancelled => return Err(Problem::Cancelled),
            status => {
                let (command, limits) = (shown(op, run.masks()), vertex.limits);
                return Err(ExecError::Ended { status, command, limits, written }.into());
            }
        };
        let network = ready.step.network;
        let facts = Facts { milliseconds, exit_code, network, warnings };
        Ok((self.outputs(&ready, changes, facts)?, is_part))
    }

    fn has_one_id(&self) -> bool {
        self.run.engine.sandbox.as_deref().is_some_and(Sandbox::has_one_id)
    }

    fn sandbox(&self) -> Result<&dyn Sandbox, ExecError> {
        self.run.engine.sandbox.as_deref().ok_or(ExecError::NoSandbox)
    }

    /// What it takes, when all of it is there.
    fn ready(&self) -> Result<Ready, Problem> {
        let Command { run, vertex, op, inputs, .. } = self;
        let wait = Wait::new(self, "another command uses the same cache");
        let ready = step::ready(run.request, vertex, op, inputs, &self.parts, &run.engine.store, &|| wait.is_over())?;
        ready.filter(|_| !run.is_stopped()).ok_or(Problem::Cancelled)
    }

    /// The outputs: what each mount showed, with what the command changed in it.
    fn outputs(&self, ready: &Ready, changes: Vec<Option<Change>>, facts: Facts) -> Result<Made, ExecError> {
        let store = &self.run.engine.store;
        let mut changes: Vec<(usize, Option<Change>)> = ready.origins.iter().copied().zip(changes).collect();
        let mut made = Made { values: Vec::new(), facts, brought: BTreeSet::new() };
        // Outputs are numbered in the order of the operation's mounts.
        for (i, mount) in self.op.mounts.iter().enumerate().filter(|(_, mount)| step::output(mount).is_some()) {
            let Some(base) = ready.bases[i].as_ref() else { continue };
            let change = changes.iter_mut().find(|(origin, _)| *origin == i).and_then(|(_, change)| change.take());
            let value = match change {
                _ if mount.readonly => base.clone(),
                Some(change) if change.is_empty() => base.clone(),
                Some(change) => {
                    made.brought.extend(result::brought(&change));
                    Value::store(base.change(store)?.then(&change)?, base.lineage(), store)?
                }
                None => {
                    let lost = format!("it does not say what the command changed at {}", mount.dest);
                    return Err(self.explained(SandboxError::Lost(lost)));
                }
            };
            made.values.push(value);
        }
        Ok(made)
    }

    /// An error of the sandbox with what is to be known of it.
    fn explained(&self, error: SandboxError) -> ExecError {
        let wanted = self.vertex.platform.as_ref().filter(|platform| !platform.architecture.is_empty());
        let host = Platform::host();
        let advice = match (&error, wanted) {
            (SandboxError::Program { .. }, Some(wanted)) if wanted.architecture != host.architecture => format!(
                "; the step is for {}/{}, and this machine, which is {host}, runs that only with an emulator",
                wanted.os, wanted.architecture
            ),
            _ => String::new(),
        };
        let error = match error {
            SandboxError::Leaked { secret, path } => {
                SandboxError::Leaked { secret, path: self.run.masks().text(&path) }
            }
            other => other,
        };
        ExecError::Sandbox { error, advice }
    }
}

/// A command on one line, shortened, without secrets.
pub(in crate::solve) fn shown(op: &pb::ExecOp, masks: &Masks) -> String {
    let args = op.meta.as_ref().map(|meta| meta.args.join(" ")).unwrap_or_default();
    let line: String = args.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut shown: String = masks.text(&line).chars().take(SHOWN).collect();
    if line.chars().count() > SHOWN {
        shown.push('…');
    }
    shown
}

/// A command that waits for another; people are told where it takes long.
struct Wait<'a> {
    command: &'a Command<'a>,
    reason: &'static str,
    began: Instant,
    told: Cell<bool>,
}

impl<'a> Wait<'a> {
    fn new(command: &'a Command<'a>, reason: &'static str) -> Self {
        Wait { command, reason, began: Instant::now(), told: Cell::new(false) }
    }

    /// Whether nobody wants it any more.
    fn is_over(&self) -> bool {
        let Command { run, vertex, .. } = self.command;
        if self.began.elapsed() > SOON && !self.told.replace(true) {
            run.request.progress.warning(vertex, &format!("it waits: {}", self.reason));
        }
        run.is_stopped()
    }
}

#[cfg(test)]
mod tests;
