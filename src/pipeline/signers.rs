//! The keys that must have signed images of registries: what policies say, and what the spec says itself.

use super::error::Error;
use super::judging;
use crate::diagnostic::Sources;
use crate::evidence::scan::SpecLine;
use crate::oci::Reference;
use crate::policy::{self, Standing};
use crate::spec::{Policy, Signer};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What policies say of who must have signed images.
#[derive(Debug, Clone, Default)]
pub(super) struct Signers(Vec<Wanted>);

#[derive(Debug, Clone)]
struct Wanted {
    standing: Standing,
    repository: String,
    key: PathBuf,
    at: SpecLine,
}

/// Keys of which one must have signed an image.
pub(super) struct Demand {
    /// The files of the keys, at least one.
    pub keys: Vec<PathBuf>,
    /// The line of the policy that asks for it; none where the spec does so beside the image.
    pub at: Option<SpecLine>,
}

impl Signers {
    /// What the spec's own policies say.
    pub(super) fn of_spec(policies: &[Policy], folder: &Path, sources: &Sources) -> Self {
        let mut signers = Signers::default();
        signers.add(Standing::Own, policies, folder, sources);
        signers
    }

    /// Adds what the policies in a file say that stands above the spec.
    pub(super) fn add_above(&mut self, file: &Path) -> Result<(), Error> {
        let (policies, sources) = judging::above(Some(file), Sources::default())?;
        self.add(Standing::Above, &policies, file.parent().unwrap_or(Path::new("")), &sources);
        Ok(())
    }

    fn add(&mut self, standing: Standing, policies: &[Policy], folder: &Path, sources: &Sources) {
        let wanted = |signer: &Signer| Wanted {
            standing,
            repository: signer.repository.value.clone(),
            key: folder.join(&signer.key.value),
            at: policy::line(sources, signer.span),
        };
        self.0.extend(policies.iter().flat_map(|policy| &policy.signers).map(wanted));
    }

    /// What is asked of an image: one demand for each pattern that its repository fits. Keys of one pattern stand in for
    /// each other only where the same policy names them: the spec's own adds none to one that stands above it.
    pub(super) fn demands(&self, image: &Reference) -> Vec<Demand> {
        let mut demands: BTreeMap<(bool, &str), Demand> = BTreeMap::new();
        for wanted in self.0.iter().filter(|wanted| policy::is_of(&wanted.repository, image)) {
            let demand = demands
                .entry((wanted.standing == Standing::Own, &wanted.repository))
                .or_insert_with(|| Demand { keys: Vec::new(), at: Some(wanted.at.clone()) });
            demand.keys.push(wanted.key.clone());
        }
        demands.into_values().collect()
    }
}
