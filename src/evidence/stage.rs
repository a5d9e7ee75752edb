//! What was built on the way, as plain data: stages, their commands, and what commands saw and left.

use super::inventory::{Base, Location, Package};
use crate::oci::{Digest, Platform};

/// A file system that was made on the way and is not shipped as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its name in the spec; no source and no other stage of the image has it.
    pub name: String,
    /// What its commands ran for.
    pub platform: Platform,
    /// Where the spec declares it.
    pub location: Option<Location>,
    /// The packages that are installed in it.
    pub packages: Vec<Package>,
    /// `(a, b)`: package `a` depends on package `b`, both as positions in `packages`.
    pub edges: Vec<(usize, usize)>,
    /// The images that it stands on.
    pub bases: Vec<Base>,
    /// The names of the sources and the stages that it copies from, mounts or stands on.
    pub from: Vec<String>,
    /// Its commands, in order.
    pub steps: Vec<Step>,
}

/// A command that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How people call it.
    pub name: String,
    /// The program and its arguments, the shell included where a shell read the command.
    pub command: Vec<String>,
    /// What the spec or kiln put into its environment, `NAME=value`; nothing of a secret.
    pub environment: Vec<String>,
    /// Who ran it, by number: `0:0`.
    pub user: String,
    /// Where it started.
    pub workdir: String,
    /// What it reached over the network.
    pub network: Network,
    /// The names of the secrets that it had, never their values.
    pub secrets: Vec<String>,
    /// The names of the ssh agents that it could ask.
    pub agents: Vec<String>,
    /// The names of the folders that it shared with other builds. What was in them has no digest here.
    pub caches: Vec<String>,
    /// What the spec calls it, where it is a check.
    pub check: Option<String>,
    /// The trees that it saw; its root is the first.
    pub inputs: Vec<Material>,
    /// The trees that it left; none of a check.
    pub outputs: Vec<Material>,
    /// Where the spec says it.
    pub location: Option<Location>,
}

/// What a command reached over the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Network {
    /// Nothing but itself.
    #[default]
    None,
    /// All that the machine reaches: nobody knows by digest what came from there.
    Host,
}

/// A tree that a command saw or left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// Where it was: `/`, `/src`.
    pub path: String,
    /// The tree.
    pub digest: Digest,
    /// The names of the sources and the stages whose files are in it: of what is mounted the one that it is,
    /// of the root all that were copied into it before or that it stands on.
    pub from: Vec<String>,
}

impl Network {
    /// The word of the spec.
    pub fn name(self) -> &'static str {
        match self {
            Network::None => "none",
            Network::Host => "host",
        }
    }
}

impl Step {
    /// The command as one line, which a shell would read as the same arguments.
    pub fn line(&self) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-+=/.,:@%".contains(c);
        let quoted = |argument: &String| match !argument.is_empty() && argument.chars().all(plain) {
            true => argument.clone(),
            false => format!("'{}'", argument.replace('\'', r"'\''")),
        };
        self.command.iter().map(quoted).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use crate::evidence::fixtures::step;

    #[test]
    fn a_command_is_a_line_that_a_shell_reads_back() {
        let mut step = step("x", &["/bin/sh", "-c", "echo \"it's\" > /out"]);
        assert_eq!(step.line(), r#"/bin/sh -c 'echo "it'\''s" > /out'"#);
        step.command = vec!["cc".into(), String::new(), "--a=b".into(), "~".into()];
        assert_eq!(step.line(), "cc '' --a=b '~'");
    }
}
