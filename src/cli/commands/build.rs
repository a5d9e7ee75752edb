//! `build`, `lock` and `graph`.

use super::judging::{judge_options, write_verdicts};
use super::{given, in_session, in_session_with, spec_args, store};
use crate::cli::args::{Build, Global, Graph, GraphFormat, Lock, ProgressMode, Shell};
use crate::cli::output::{Failure, Output};
use crate::cli::{Environment, ci, exit, render};
use crate::oci::Platform;
use crate::pipeline::{
    self, BuildOptions, Findings, Given, GraphForm, GraphOptions, KeySettings, LockMode, Refresh, SharingOptions,
    ShellOptions, TargetOptions, VerdictForm, VerdictReport,
};
use secrecy::SecretString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

pub(super) fn build(
    args: &Build,
    global: &Global,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Failure> {
    if let Some(stage) = &args.target {
        return target(args, stage, global, environment, output);
    }
    let passphrase = |path: &std::path::Path| passphrase(environment, path);
    let options = BuildOptions {
        spec: args.spec.spec.clone(),
        args: spec_args(&args.spec),
        lock: LockMode { locked: args.lock.locked },
        images: args.image.clone(),
        platforms: platforms(&args.platform)?,
        tags: args.tag.iter().map(|tag| reference(tag)).collect::<Result<_, _>>()?,
        outputs: args.output.clone(),
        push: args.push,
        engine_output: args.engine_output,
        clobber: !args.no_clobber,
        epoch: environment.epoch().map_err(Failure::usage)?,
        keys: keys(args.key.clone(), environment, &passphrase)?,
        record_run: args.record_run,
        sharing: sharing(args, environment),
        judge: judge_options(&args.judge, !args.verdict.is_empty()),
    };
    let given = given_to_build(args, environment)?;
    let report =
        in_session_with(global, args.lock.offline, given, environment, |session| pipeline::build(session, &options))?;
    if let Some(path) = &args.report {
        write_report(path, &report)?;
    }
    ci::tell(&report, args.metadata_file.as_deref(), args.dotenv.as_deref(), environment)?;
    output.result(render::build(&report).as_bytes())?;
    write_verdicts(&report.verdicts, &args.verdict)?;
    let code = findings(&report.findings, args, output)?;
    Ok(verdicts(&report.verdicts, output)?.unwrap_or(code))
}

/// Shows what policies say, where they say something; what they deny has an exit code of its own.
fn verdicts(verdicts: &[VerdictReport], output: &mut Output) -> Result<Option<u8>, Failure> {
    for verdict in verdicts.iter().filter(|verdict| verdict.is_worth_telling()) {
        output.result(&pipeline::written(verdict, VerdictForm::Text))?;
    }
    Ok(verdicts.iter().any(|verdict| !verdict.judgement.verdict.passed).then_some(exit::POLICY))
}

/// With what is signed; `passphrase` opens a key.
pub(super) fn keys<'a>(
    key: Option<PathBuf>,
    environment: &Environment,
    passphrase: &'a dyn Fn(&Path) -> Result<Option<SecretString>, String>,
) -> Result<KeySettings<'a>, Failure> {
    let keys =
        environment.keys().ok_or_else(|| Failure::usage("there is no place for keys: set XDG_DATA_HOME or HOME"))?;
    Ok(KeySettings { key, keys, ci: environment.ci(), passphrase })
}

pub(super) fn passphrase(environment: &Environment, path: &Path) -> Result<Option<SecretString>, String> {
    store::passphrase(environment, path, &format!("passphrase of {}: ", path.display()))
}

fn sharing(args: &Build, environment: &Environment) -> SharingOptions {
    let secret = |places: &[String]| places.iter().map(|place| SecretString::from(place.as_str())).collect();
    SharingOptions { from: secret(&args.cache_from), to: secret(&args.cache_to), defaults: environment.places() }
}

fn given_to_build(args: &Build, environment: &Environment) -> Result<Given, Failure> {
    let given = given(&args.given, environment)?;
    Ok(Given { explain: !args.why.is_empty(), twice: args.check_reproducible, ..given })
}

/// Shows what was found out about commands; differences end the program with an exit code of their own.
fn findings(findings: &Findings, args: &Build, output: &mut Output) -> Result<u8, Failure> {
    output.result(render::findings(findings, &args.why).as_bytes())?;
    Ok(if findings.differences.is_empty() { exit::DONE } else { exit::STEP })
}

pub(super) fn shell(
    args: &Shell,
    global: &Global,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("a shell needs a terminal, and standard input is none"));
    }
    let options = ShellOptions {
        spec: args.spec.spec.clone(),
        args: spec_args(&args.spec),
        lock: LockMode { locked: args.lock.locked },
        stage: args.stage.clone(),
        platform: args.platform.as_deref().map(platform).transpose()?,
        command: args.command.clone(),
    };
    let given = given(&args.given, environment)?;
    let entrance = in_session_with(global, args.lock.offline, given.clone(), environment, |session| {
        pipeline::entrance(session, &options)
    })?;
    match &entrance.failed {
        Some(failed) => output.note(&format!("{failed}\nthis is where it ran; what you change here is not kept")),
        None => output.note(&format!("the stage {} as its commands leave it; what you change is not kept", args.stage)),
    }
    let quiet = Global { progress: ProgressMode::Quiet, ..global.clone() };
    let code = in_session_with(&quiet, args.lock.offline, given, environment, |session| {
        pipeline::enter(session, &options, &entrance)
    })?;
    Ok(u8::try_from(code).unwrap_or(exit::FAILURE))
}

/// Builds a stage by itself.
fn target(
    args: &Build,
    stage: &str,
    global: &Global,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Failure> {
    let platform = match args.platform.as_slice() {
        [] => None,
        [one] => Some(platform(one)?),
        _ => return Err(Failure::usage("a stage is built for one platform at a time")),
    };
    let passphrase = |path: &Path| passphrase(environment, path);
    let options = TargetOptions {
        spec: args.spec.spec.clone(),
        args: spec_args(&args.spec),
        policy: args.judge.policy.clone(),
        lock: LockMode { locked: args.lock.locked },
        stage: stage.to_owned(),
        platform,
        outputs: args.output.clone(),
        epoch: environment.epoch().map_err(Failure::usage)?,
        sharing: sharing(args, environment),
        keys: keys(args.key.clone(), environment, &passphrase)?,
    };
    let given = given_to_build(args, environment)?;
    let report =
        in_session_with(global, args.lock.offline, given, environment, |session| pipeline::target(session, &options))?;
    if let Some(path) = &args.report {
        write_report(path, &report)?;
    }
    output.result(render::target(&report).as_bytes())?;
    findings(&report.findings, args, output)
}

fn write_report(path: &std::path::Path, report: &impl serde::Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_vec_pretty(report).map_err(|e| Failure::machine(e.to_string()))?;
    text.push(b'\n');
    Ok(pipeline::write_file(path, &text)?)
}

pub(super) fn lock(
    args: &Lock,
    global: &Global,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Failure> {
    let refresh = match &args.update {
        None => Refresh::Nothing,
        Some(names) if names.is_empty() => Refresh::Everything,
        Some(names) => Refresh::Named(names.iter().cloned().collect()),
    };
    let mode = LockMode { locked: args.check };
    let spec_args = spec_args(&args.spec);
    let report = in_session(global, args.offline, environment, |session| {
        pipeline::lock(session, &args.spec.spec, &spec_args, args.policy.as_deref(), mode, &refresh)
    })?;
    output.result(render::lock(&report).as_bytes())?;
    Ok(exit::DONE)
}

pub(super) fn graph(
    args: &Graph,
    global: &Global,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Failure> {
    let options = GraphOptions {
        spec: args.spec.spec.clone(),
        args: spec_args(&args.spec),
        lock: LockMode { locked: args.lock.locked },
        image: args.image.clone(),
        platform: args.platform.as_deref().map(platform).transpose()?,
        deps: args.deps.clone(),
        form: match args.format {
            GraphFormat::Llb => GraphForm::Llb,
            GraphFormat::Json => GraphForm::Json,
            GraphFormat::Dot => GraphForm::Dot,
            GraphFormat::Mermaid => GraphForm::Mermaid,
        },
    };
    let graph = in_session(global, args.lock.offline, environment, |session| pipeline::graph(session, &options))?;
    output.result(&graph)?;
    Ok(exit::DONE)
}

pub(super) fn platform(text: &str) -> Result<Platform, Failure> {
    text.parse::<Platform>().map_err(|error| Failure::usage(error.to_string()))
}

fn platforms(list: &[String]) -> Result<Vec<Platform>, Failure> {
    list.iter().map(|text| platform(text)).collect()
}

fn reference(text: &str) -> Result<crate::oci::Reference, Failure> {
    text.parse::<crate::oci::Reference>().map_err(|error| Failure::usage(error.to_string()))
}
