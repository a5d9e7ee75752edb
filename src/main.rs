//! The `kiln` program: see [`kiln::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(kiln::cli::run(std::env::args_os(), &kiln::cli::Environment::of_process()))
}
