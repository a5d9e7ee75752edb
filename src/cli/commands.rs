//! The commands: each asks the pipeline and shows what it says.

mod build;
mod evidence;
mod frontend;
mod judging;
mod rescan;
mod signals;
mod store;
mod transfer;

use super::args::{Check, Cli, Command, Fmt, Format, GivenArgs, Global, Solve, SpecArgs};
use super::output::{Failure, Message, Output};
use super::progress::{listener, shows_output};
use super::{Environment, exit, render};
use crate::pipeline::{self, Given, MirrorConfig, Session, Settings, SolveOptions};
use clap::CommandFactory;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Runs a command; its exit code, or why it failed.
pub(super) fn run(cli: Cli, environment: &Environment, output: &mut Output) -> Result<u8, Failure> {
    let Cli { command, global } = cli;
    match command {
        Command::Build(args) => build::build(&args, &global, environment, output),
        Command::Lock(args) => build::lock(&args, &global, environment, output),
        Command::Graph(args) => build::graph(&args, &global, environment, output),
        Command::Frontend(args) => frontend::frontend(&args, &global, environment, output),
        Command::Shell(args) => build::shell(&args, &global, environment, output),
        Command::Solve(args) => solve(&args, &global, environment, output),
        Command::Check(args) => check(&args, output),
        Command::Fmt(args) => fmt(&args, output),
        Command::Push(args) => transfer::push(&args, &global, environment, output),
        Command::Copy(args) => transfer::copy(&args, &global, environment, output),
        Command::Verify(args) => evidence::verify(&args, &global, environment, output),
        Command::Scan(args) => judging::scan(&args, &global, environment, output),
        Command::Rescan(args) => rescan::rescan(&args, &global, environment, output),
        Command::Db(args) => judging::db(&args, &global, environment, output),
        Command::Policy(args) => judging::policy(&args, output),
        Command::Sbom(args) => evidence::sbom(&args, &global, environment, output),
        Command::Provenance(args) => evidence::provenance(&args, &global, environment, output),
        Command::Why(args) => evidence::why(&args, &global, environment, output),
        Command::Diff(args) => evidence::diff(&args, &global, environment, output),
        Command::Key(args) => store::key(&args, environment, output),
        Command::Cache(args) => store::cache(&args, &global, environment, output),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "kiln", &mut script);
            output.result(&script).map(|()| exit::DONE)
        }
    }
}

/// Opens a session in which no command is run, and does some work in it.
fn in_session<T>(
    global: &Global,
    offline: bool,
    environment: &Environment,
    work: impl FnOnce(&Session<'_>) -> Result<T, pipeline::Error>,
) -> Result<T, Failure> {
    in_session_with(global, offline, Given::default(), environment, work)
}

/// Opens a session and does some work in it; commands that it runs get what is `given`.
fn in_session_with<T>(
    global: &Global,
    offline: bool,
    given: Given,
    environment: &Environment,
    work: impl FnOnce(&Session<'_>) -> Result<T, pipeline::Error>,
) -> Result<T, Failure> {
    let mirror = environment.text("KILN_DEBIAN_MIRROR");
    let mirrors = MirrorConfig::read(Path::new("/"), mirror);
    let mirrors = mirrors.map_err(|e| Failure::usage(format!("KILN_DEBIAN_MIRROR cannot be used: {e}")))?;
    let settings = Settings {
        store: store_folder(global, environment)?,
        offline,
        jobs: jobs(global),
        mirrors,
        registries: environment.registries().map_err(Failure::usage)?,
        git: environment.git(),
        given,
        program: program()?,
        cancelled: Arc::default(),
        now: now(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|e| Failure::machine(format!("cannot start threads: {e}")))?;
    signals::watch(&runtime, settings.cancelled.clone(), global.progress);
    let progress = listener(global.progress);
    // Where threads were started already, as in tests, their number stays.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(settings.jobs).build_global();
    let session = Session::open(settings, runtime.handle().clone(), progress.as_ref())?;
    let result = work(&session);
    drop(session);
    drop(progress);
    result.map_err(|error| {
        let mut failure = Failure::from(error);
        if let (Message::Command { output, .. }, true) = (&mut failure.message, shows_output(global.progress)) {
            *output = None;
        }
        failure
    })
}

fn store_folder(global: &Global, environment: &Environment) -> Result<PathBuf, Failure> {
    let folder = global.store.clone().or_else(|| environment.store());
    folder.ok_or_else(|| Failure::usage("there is no place for the store: set KILN_STORE, XDG_CACHE_HOME or HOME"))
}

/// This program, by which sandboxes are started. Named by what the system runs, so that a newer one that was put in
/// its place meanwhile is not mistaken for it.
fn program() -> Result<PathBuf, Failure> {
    match Path::new("/proc/self/exe") {
        path if path.exists() => Ok(path.to_owned()),
        _ => std::env::current_exe().map_err(|e| Failure::machine(format!("cannot tell where kiln itself is: {e}"))),
    }
}

/// What commands get of the caller.
fn given(args: &GivenArgs, environment: &Environment) -> Result<Given, Failure> {
    let secrets = environment.secrets(&args.secret).map_err(Failure::usage)?;
    let ssh = environment.agents(&args.ssh).map_err(Failure::usage)?;
    let engine = environment.engine(&args.engine).map_err(Failure::usage)?;
    Ok(Given { secrets, ssh, engine, ..Given::default() })
}

fn jobs(global: &Global) -> usize {
    let of_machine = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    global.jobs.map_or_else(of_machine, std::num::NonZero::get)
}

fn now() -> jiff::Timestamp {
    #[expect(clippy::disallowed_methods, reason = "for keys and indexes that expire; never part of what is built")]
    jiff::Timestamp::now()
}

/// The args of a spec; one that is set twice has the last value.
fn spec_args(args: &SpecArgs) -> BTreeMap<String, String> {
    args.args.iter().cloned().collect()
}

fn check(args: &Check, output: &mut Output) -> Result<u8, Failure> {
    let result = pipeline::check(&args.spec.spec, &spec_args(&args.spec));
    let (code, list) = match result {
        Ok(warnings) => (exit::DONE, warnings),
        Err(pipeline::Error::Spec(list)) => (exit::USAGE, list),
        Err(error) => return Err(error.into()),
    };
    match args.format {
        Format::Json => output.json(&pipeline::diagnostics_as_json(&list))?,
        Format::Text => {
            output.diagnostics(&list);
            if code == exit::DONE {
                output.note("the spec is right");
            }
        }
    }
    Ok(code)
}

fn solve(args: &Solve, global: &Global, environment: &Environment, output: &mut Output) -> Result<u8, Failure> {
    let mut definition = Vec::new();
    let read = match args.definition.as_os_str() == "-" {
        true => std::io::stdin().lock().take(MAX_DEFINITION).read_to_end(&mut definition),
        false => std::fs::File::open(&args.definition)
            .and_then(|file| file.take(MAX_DEFINITION).read_to_end(&mut definition)),
    };
    let name = args.definition.display();
    read.map_err(|e| Failure::usage(format!("cannot read the definition {name}: {e}")))?;
    let options = SolveOptions {
        definition,
        contexts: args.context.iter().map(|(name, folder)| (name.clone(), PathBuf::from(folder))).collect(),
        outputs: args.output.clone(),
        epoch: environment.epoch().map_err(Failure::usage)?,
    };
    let given = given(&args.given, environment)?;
    let report =
        in_session_with(global, args.offline, given, environment, |session| pipeline::solve(session, &options))?;
    match args.format {
        Format::Json => output.json(&report)?,
        Format::Text => output.result(render::solve(&report).as_bytes())?,
    }
    Ok(exit::DONE)
}

fn fmt(args: &Fmt, output: &mut Output) -> Result<u8, Failure> {
    let mut code = exit::DONE;
    for spec in &args.specs {
        if spec.as_os_str() == "-" {
            let mut text = Vec::new();
            let read = std::io::stdin().lock().take(MAX_STDIN).read_to_end(&mut text);
            read.map_err(|e| Failure::machine(format!("cannot read standard input: {e}")))?;
            let formatted = pipeline::format("standard input", &text)?;
            if !args.check {
                output.result(formatted.as_bytes())?;
            } else if formatted.as_bytes() != text {
                code = exit::FAILURE;
                output.note("standard input is not formatted");
            }
            continue;
        }
        let changed = pipeline::format_file(spec, !args.check)?;
        if changed && args.check {
            code = exit::FAILURE;
            output.note(&format!("{} is not formatted: run `kiln fmt`", spec.display()));
        }
    }
    Ok(code)
}

/// More than any definition that is accepted.
const MAX_DEFINITION: u64 = 128 << 20;

/// More than any spec that is read.
const MAX_STDIN: u64 = 16 << 20;
