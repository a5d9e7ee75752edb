//! What must be attached to an image.

use super::builder::Reached;
use super::clause::line;
use super::judge::Standing;
use crate::diagnostic::Sources;
use crate::evidence::scan::SpecLine;
use crate::spec::{Proof, Require};
use serde::{Deserialize, Serialize};

/// What is attached to an image and right, or will be when it is released.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proofs {
    /// A signature.
    pub signature: bool,
    /// A bill of materials.
    pub sbom: bool,
    /// Provenance, with the level of SLSA that its builder reaches.
    pub provenance: Option<Reached>,
    /// Checks by name, and whether they passed.
    pub checks: Vec<(String, bool)>,
}

/// Something that must be attached to an image and is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// What is missing, in a sentence.
    pub what: String,
    /// The clause that asks for it.
    pub at: SpecLine,
}

/// What of `requires` is not there.
pub(super) fn missing<'a>(
    requires: impl Iterator<Item = (Standing, &'a Require)>,
    proofs: &Proofs,
    sources: &Sources,
) -> Vec<Missing> {
    let lacks = |(standing, require): (Standing, &Require)| {
        let what = match &require.proof.value {
            Proof::Signature if !proofs.signature => "the image is not signed".to_owned(),
            Proof::Sbom if !proofs.sbom => "the image has no bill of materials".to_owned(),
            Proof::Provenance(level) => match proofs.provenance.map(|reached| reached.by(standing)) {
                None => "the image has no provenance".to_owned(),
                Some(0) => "the image's provenance is of a builder that the policy does not name".to_owned(),
                Some(reached) if reached < *level => {
                    format!("the image's provenance reaches SLSA level {reached} of build, and not {level}")
                }
                Some(_) => return None,
            },
            Proof::Check(None) if !proofs.checks.iter().any(|(_, passed)| *passed) => {
                "no check passed for the image".to_owned()
            }
            Proof::Check(Some(name)) => match proofs.checks.iter().find(|(check, _)| check == name) {
                None => format!("the check {name} did not run for the image"),
                Some((_, false)) => format!("the check {name} did not pass"),
                Some((_, true)) => return None,
            },
            Proof::Signature | Proof::Sbom | Proof::Check(None) => return None,
        };
        Some(Missing { what, at: line(sources, require.span) })
    };
    requires.filter_map(lacks).collect()
}
