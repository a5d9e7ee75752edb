//! `push` and `copy`.

use super::in_session;
use crate::cli::args::{Copy, Format, Global, MoveArgs, Push};
use crate::cli::output::{Failure, Output};
use crate::cli::{Environment, exit, render};
use crate::pipeline::{self, CopyOptions, CopyReport};

pub(super) fn push(
    args: &Push,
    global: &Global,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Failure> {
    let options = options(&args.layout, &args.targets, &args.how)?;
    let report = in_session(global, false, environment, |session| pipeline::push(session, &options))?;
    show(&report, &args.how, output)
}

pub(super) fn copy(
    args: &Copy,
    global: &Global,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Failure> {
    let options = options(&args.source, &args.targets, &args.how)?;
    let report = in_session(global, false, environment, |session| pipeline::copy(session, &options))?;
    show(&report, &args.how, output)
}

fn options(source: &str, targets: &[String], how: &MoveArgs) -> Result<CopyOptions, Failure> {
    if how.key.is_none() && !how.unverified {
        return Err(Failure::usage(
            "say whose image this must be: `--key FILE` names the public key that it is verified with where it arrives, \
             `--unverified` moves it without",
        ));
    }
    Ok(CopyOptions {
        source: source.to_owned(),
        targets: targets.to_vec(),
        key: how.key.clone(),
        clobber: !how.no_clobber,
    })
}

fn show(report: &CopyReport, how: &MoveArgs, output: &mut Output) -> Result<u8, Failure> {
    match how.format {
        Format::Json => output.json(report)?,
        Format::Text => output.result(render::copy(report).as_bytes())?,
    }
    Ok(exit::DONE)
}
