//! Secrets and agents that the caller brings for commands.

use super::Environment;
use secrecy::SecretSlice;
use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The most bytes that a secret may have: more is no secret but a file.
const MAX_SECRET: u64 = 512 << 10;

impl Environment {
    /// The secrets that `--secret` names, with their values.
    pub(in crate::cli) fn secrets(&self, given: &[String]) -> Result<BTreeMap<String, SecretSlice<u8>>, String> {
        let mut secrets = BTreeMap::new();
        for text in given {
            let (name, origin) = match text.split_once('=') {
                Some((name, origin)) => (name, Origin::parse(origin)?),
                None => (text.as_str(), Origin::Variable(text)),
            };
            if name.is_empty() {
                return Err(format!("`--secret {text}` names no secret: write NAME=env:VARIABLE"));
            }
            if secrets.insert(name.to_owned(), origin.value(name, self)?).is_some() {
                return Err(format!("the secret `{name}` is given twice"));
            }
        }
        Ok(secrets)
    }

    /// The sockets of the agents that `--ssh` names.
    pub(in crate::cli) fn agents(&self, given: &[String]) -> Result<BTreeMap<String, PathBuf>, String> {
        let mut agents = BTreeMap::new();
        for text in given {
            let (name, path) = match text.split_once('=') {
                Some((name, path)) => (name, PathBuf::from(path)),
                None => match self.text("SSH_AUTH_SOCK") {
                    Some(path) => (text.as_str(), PathBuf::from(path)),
                    None => {
                        return Err(format!(
                            "`--ssh {text}` takes the agent that SSH_AUTH_SOCK names, and it is not set: \
                             start an agent, or write `--ssh {text}=SOCKET`"
                        ));
                    }
                },
            };
            if agents.insert(name.to_owned(), path).is_some() {
                return Err(format!("the agent `{name}` is given twice"));
            }
        }
        Ok(agents)
    }
}

/// Where a secret's value is.
enum Origin<'a> {
    /// In a variable of the environment.
    Variable(&'a str),
    /// In a file, all of it.
    File(&'a str),
    /// What a command of the shell writes, without the last line's end.
    Command(&'a str),
}

impl<'a> Origin<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Origin::Variable(name)),
            Some(("file", path)) if !path.is_empty() => Ok(Origin::File(path)),
            Some(("command", command)) if !command.is_empty() => Ok(Origin::Command(command)),
            // What was written may be the secret itself: it is not repeated.
            _ => Err("a secret's value never stands on the command line, where others can read it: write \
                 NAME=env:VARIABLE, NAME=file:PATH or NAME=command:COMMAND"
                .into()),
        }
    }

    fn value(&self, name: &str, environment: &Environment) -> Result<SecretSlice<u8>, String> {
        let value = match self {
            Origin::Variable(variable) => {
                let value = environment.vars.get(*variable).map(|value| value.as_bytes().to_vec());
                value.ok_or_else(|| {
                    format!(
                        "the secret `{name}` is to come from the variable {variable}, which is not set: set it, or \
                         write `--secret {name}=file:PATH`"
                    )
                })?
            }
            Origin::File(path) => {
                let read = std::fs::File::open(path).and_then(bounded);
                read.map_err(|e| format!("cannot read the secret `{name}` from {path}: {e}"))?
            }
            Origin::Command(command) => {
                output(command).map_err(|e| format!("the command that brings the secret `{name}` failed: {e}"))?
            }
        };
        Ok(value.into())
    }
}

fn bounded(input: impl Read) -> std::io::Result<Vec<u8>> {
    let mut value = Vec::new();
    input.take(MAX_SECRET + 1).read_to_end(&mut value)?;
    match value.len() as u64 > MAX_SECRET {
        true => Err(std::io::Error::other(format!("it is larger than {MAX_SECRET} bytes"))),
        false => Ok(value),
    }
}

fn output(command: &str) -> std::io::Result<Vec<u8>> {
    let mut child =
        Command::new("/bin/sh").args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().map_or_else(|| Ok(Vec::new()), bounded);
    if output.is_err() {
        // It may still be writing, to nobody.
        child.kill()?;
    }
    let status = child.wait()?;
    let mut value = output?;
    if !status.success() {
        return Err(std::io::Error::other(status.to_string()));
    }
    if value.last() == Some(&b'\n') {
        value.pop();
    }
    Ok(value)
}

#[cfg(test)]
mod tests;
