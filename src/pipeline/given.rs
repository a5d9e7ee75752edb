//! What the caller brings for commands, held against what the spec asks for.

use super::error::Error;
use super::project::Project;
use super::session::Session;
use crate::spec::{Image, Surroundings};
use std::collections::BTreeSet;

/// Refuses a secret or an agent that no command of the spec asks for: it was meant to be another one.
pub(super) fn check(session: &Session<'_>, project: &Project) -> Result<(), Error> {
    let images = project.spec.stages.iter().map(|stage| &stage.image).chain(&project.spec.images);
    let around: Vec<&Surroundings> = images.flat_map(surroundings).collect();
    let secrets = around.iter().flat_map(|around| &around.secrets).map(|secret| secret.name.as_str()).collect();
    let agents = around.iter().flat_map(|around| &around.ssh).map(|agent| agent.name.as_str()).collect();
    let given = &session.settings.given;
    known("secret", given.secrets.keys(), &secrets)?;
    known("agent", given.ssh.keys(), &agents)
}

fn surroundings(image: &Image) -> impl Iterator<Item = &Surroundings> {
    image.runs().map(|run| &run.surroundings).chain([&image.surroundings])
}

fn known<'a>(what: &str, given: impl Iterator<Item = &'a String>, known: &BTreeSet<&str>) -> Result<(), Error> {
    for name in given {
        if !known.contains(name.as_str()) {
            let near = crate::diagnostic::nearest(name, known.iter().copied());
            let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(Error::Usage(format!("no command of the spec asks for the {what} `{name}`{hint}")));
        }
    }
    Ok(())
}
