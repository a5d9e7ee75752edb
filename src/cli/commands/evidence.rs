//! `verify`, `sbom`, `provenance`, `why` and `diff`.

use super::build::platform;
use super::in_session;
use crate::cli::args::{Diff, Format, Global, ImageArgs, Sbom, SbomFormat, Shown, Verify, Why};
use crate::cli::output::{Failure, Output};
use crate::cli::{Environment, exit, render};
use crate::pipeline::{self, ImageChoice, Predicate};

/// The image that the arguments mean.
fn choice(args: &ImageArgs) -> Result<ImageChoice, Failure> {
    Ok(ImageChoice { image: args.image.clone(), platform: args.platform.as_deref().map(platform).transpose()? })
}

pub(super) fn verify(
    args: &Verify,
    global: &Global,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Failure> {
    let choice = choice(&args.image)?;
    let report = in_session(global, false, environment, |session| {
        pipeline::verify(session, &choice, &args.key, args.policy.as_deref())
    })?;
    match args.format {
        Format::Json => output.json(&report)?,
        Format::Text => output.result(render::verification(&report).as_bytes())?,
    }
    Ok(match report.verified {
        true => exit::DONE,
        false if report.is_denied() => exit::POLICY,
        false => exit::VERIFICATION,
    })
}

pub(super) fn sbom(
    args: &Sbom,
    global: &Global,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Failure> {
    let choice = choice(&args.image)?;
    let predicate = match args.format {
        SbomFormat::Cyclonedx | SbomFormat::Text => Predicate::Cyclonedx,
        SbomFormat::Spdx => Predicate::Spdx,
    };
    let document =
        in_session(global, false, environment, |session| pipeline::predicate_of(session, &choice, predicate))?;
    match args.format {
        SbomFormat::Text => output.result(render::packages(&document).as_bytes())?,
        SbomFormat::Cyclonedx | SbomFormat::Spdx => output.json(&document)?,
    }
    Ok(exit::DONE)
}

pub(super) fn provenance(
    args: &Shown,
    global: &Global,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Failure> {
    let choice = choice(&args.image)?;
    let predicate = Predicate::Provenance;
    let document =
        in_session(global, false, environment, |session| pipeline::predicate_of(session, &choice, predicate))?;
    match args.format {
        Format::Json => output.json(&document)?,
        Format::Text => output.result(render::provenance(&document).as_bytes())?,
    }
    Ok(exit::DONE)
}

pub(super) fn why(args: &Why, global: &Global, environment: &Environment, output: &mut Output) -> Result<u8, Failure> {
    let choice = choice(&args.image)?;
    let reason = in_session(global, false, environment, |session| pipeline::why(session, &choice, &args.path))?;
    match args.format {
        Format::Json => output.json(&reason)?,
        Format::Text => output.result(render::reason(&reason).as_bytes())?,
    }
    Ok(exit::DONE)
}

pub(super) fn diff(
    args: &Diff,
    global: &Global,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Failure> {
    let platform = args.platform.as_deref().map(platform).transpose()?;
    let of = |image: &str| ImageChoice { image: image.to_owned(), platform: platform.clone() };
    let (old, new) = (of(&args.old), of(&args.new));
    let difference = in_session(global, false, environment, |session| pipeline::diff(session, &old, &new))?;
    match args.format {
        Format::Json => output.json(&difference)?,
        Format::Text => output.result(render::difference(&difference).as_bytes())?,
    }
    Ok(exit::DONE)
}
