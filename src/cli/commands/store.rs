//! `key` and `cache`.

use super::store_folder;
use crate::cli::args::{Cache, Format, Global, Key};
use crate::cli::output::{Failure, Output};
use crate::cli::{Environment, exit, render};
use crate::pipeline;
use secrecy::SecretString;
use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

pub(super) fn key(args: &Key, environment: &Environment, output: &mut Output) -> Result<u8, Failure> {
    let Key::Generate { output: path } = args;
    let passphrase = match passphrase(environment, path, "passphrase for the new key (empty for none): ") {
        Ok(Some(passphrase)) => passphrase,
        Ok(None) => return Err(Failure::usage(NO_PASSPHRASE)),
        Err(reason) => return Err(Failure::machine(reason)),
    };
    let (private, public) = pipeline::generate_key(path, &passphrase)?;
    let text = format!(
        "private key  {} (mode 0600; keep it secret)\npublic key   {} (give it to whoever verifies)\n",
        private.display(),
        public.display()
    );
    output.result(text.as_bytes()).map(|()| exit::DONE)
}

const NO_PASSPHRASE: &str = "there is no terminal to ask for a passphrase: set KILN_KEY_PASSWORD (it may be empty)";

/// The passphrase of a key: from `KILN_KEY_PASSWORD`, else asked for on the terminal; none where there is neither.
pub(super) fn passphrase(environment: &Environment, _: &Path, prompt: &str) -> Result<Option<SecretString>, String> {
    if let Some(passphrase) = environment.secret("KILN_KEY_PASSWORD") {
        return Ok(Some(passphrase));
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    let unreadable = |error: std::io::Error| format!("cannot read from the terminal: {error}");
    write!(std::io::stderr(), "{prompt}").map_err(unreadable)?;
    let line = without_echo(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    let _ = writeln!(std::io::stderr());
    Ok(Some(SecretString::from(line.map_err(unreadable)?.trim_end_matches(['\r', '\n']).to_owned())))
}

/// Switches the terminal's echo off while `read` runs.
fn without_echo<T>(read: impl FnOnce() -> std::io::Result<T>) -> std::io::Result<T> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let stdin = std::io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &silent)?;
    let result = read();
    tcsetattr(&stdin, OptionalActions::Flush, &before)?;
    result
}

pub(super) fn cache(
    args: &Cache,
    global: &Global,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Failure> {
    let folder = store_folder(global, environment)?;
    match args {
        Cache::Show { format } => {
            let usage = pipeline::cache_show(&folder)?;
            match format {
                Format::Json => output.json(&usage)?,
                Format::Text => {
                    let mut text = format!("{}\n", folder.display());
                    for row in &usage.kinds {
                        text.push_str(&format!("{:<16} {:>8} {:>10}\n", row.kind, row.count, render::size(row.bytes)));
                    }
                    output.result(text.as_bytes())?;
                }
            }
        }
        Cache::Prune { older_than, keep_storage } => {
            let bounds = pipeline::Bounds { older_than: *older_than, keep: *keep_storage };
            let pruned = pipeline::cache_prune(&folder, bounds)?;
            let text = format!("removed {} files, {}\n", pruned.count, render::size(pruned.bytes));
            output.result(text.as_bytes())?;
        }
    }
    Ok(exit::DONE)
}
