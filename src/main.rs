//! The `kiln` program: see [`kiln::cli`].

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// Trees and documents are many small pieces that several threads make and drop.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(kiln::cli::run(std::env::args_os(), &kiln::cli::Environment::of_process()))
}
