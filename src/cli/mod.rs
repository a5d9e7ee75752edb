//! The command line: arguments in, text out, an exit code (`specs/exit-codes.md`).
//!
//! Results go to standard output; progress, diagnostics and errors to standard
//! error. This module alone reads the terminal and the environment.

mod args;
mod ci;
mod commands;
mod diagnostics;
mod environment;
mod lines;
mod output;
mod progress;
mod render;

pub use environment::Environment;

use args::Cli;
use clap::Parser;
use output::Output;
use std::ffi::OsString;
use std::io::Write;

/// Runs one command; returns the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>, environment: &Environment) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(code) = args.get(1).and_then(|argument| crate::pipeline::sandbox_helper(argument)) {
        return code;
    }
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and versions are results, mistakes are not; clap knows where each goes.
            let _ = error.print();
            return if error.use_stderr() { exit::USAGE } else { exit::DONE };
        }
    };
    let mut output = Output::new(cli.global.progress, environment);
    let result = commands::run(cli, environment, &mut output);
    let code = match result {
        Ok(code) => code,
        Err(failure) => {
            output.failure(&failure);
            failure.code
        }
    };
    let _ = std::io::stdout().flush();
    code
}

/// The exit codes: `specs/exit-codes.md`.
mod exit {
    pub(super) const DONE: u8 = 0;
    pub(super) const FAILURE: u8 = 1;
    pub(super) const USAGE: u8 = 2;
    pub(super) const LOCK: u8 = 3;
    pub(super) const STEP: u8 = 4;
    pub(super) const POLICY: u8 = 5;
    pub(super) const VERIFICATION: u8 = 6;
    pub(super) const SERVICE: u8 = 7;
    pub(super) const INTERRUPTED: u8 = 130;
}
