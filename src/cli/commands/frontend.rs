//! `frontend`: what daemons run, and nobody else.

use super::in_session;
use crate::cli::args::{Frontend, FrontendCommand, Global, ProgressMode};
use crate::cli::output::{Failure, Output};
use crate::cli::{Environment, exit};
use crate::pipeline::{self, BringOptions, CheckOutOptions};

pub(super) fn frontend(
    args: &Frontend,
    global: &Global,
    environment: &Environment,
    _: &mut Output,
) -> Result<u8, Failure> {
    let global = Global { progress: ProgressMode::Quiet, ..global.clone() };
    let answered = match &args.command {
        None => in_session(&global, true, environment, |session| {
            let streams = (std::io::stdin(), std::io::stdout());
            let explain = |error| Output::explain(&Failure::from(error));
            pipeline::frontend(session, &environment.frontend(), streams, &explain)
        })?,
        Some(FrontendCommand::Bring { spec, target, platform, args }) => {
            let options = BringOptions {
                spec: spec.clone(),
                args: args.iter().cloned().collect(),
                target: target.clone(),
                platform: super::build::platform(platform)?,
            };
            in_session(&global, true, environment, |session| pipeline::bring(session, &options)).map(|()| true)?
        }
        Some(FrontendCommand::CheckOut { spec, source, args }) => {
            let args = args.iter().cloned().collect();
            let options = CheckOutOptions { spec: spec.clone(), args, source: source.clone() };
            in_session(&global, true, environment, |session| pipeline::check_out(session, &options)).map(|()| true)?
        }
    };
    Ok(if answered { exit::DONE } else { exit::FAILURE })
}
