//! The `kiln` program: see [`kiln::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let code = kiln::cli::sandboxed(&arguments)
        .unwrap_or_else(|| kiln::cli::run(arguments, &kiln::cli::Environment::of_process()));
    ExitCode::from(code)
}
