//! Whom policies trust to build, and what a policy asks of what is attached to an image.

use super::super::error::Error;
use super::super::verifying::public_key;
use super::bench::above;
use crate::diagnostic::Sources;
use crate::evidence::sign::PublicKey;
use crate::oci::Digest;
use crate::policy::{self, Reached, Standing, Told, Trusted};
use crate::spec::{Policy, Proof};
use std::collections::BTreeSet;
use std::path::Path;

/// The builders that policies trust.
#[derive(Default)]
pub(in super::super) struct Trust {
    trusted: Vec<Trusted>,
    /// The keys that they name.
    pub keys: Vec<PublicKey>,
}

impl Trust {
    /// Adds what a policy says; its keys lie beside the file that it stands in.
    pub(super) fn add(&mut self, standing: Standing, policy: &Policy, folder: &Path) -> Result<(), Error> {
        for builder in &policy.builders {
            let key = builder.key.as_ref().map(|key| public_key(&folder.join(&key.value))).transpose()?;
            let hint = key.as_ref().map(PublicKey::hint);
            self.trusted.push(Trusted { standing, builder: builder.clone(), key: hint });
            self.keys.extend(key.filter(|key| !self.keys.contains(key)));
        }
        Ok(())
    }

    /// The level of SLSA that provenance reaches; `key` is the one by which the image is verified.
    pub(in super::super) fn reached(&self, told: &[Told], key: &str) -> Option<Reached> {
        policy::reached(told, &self.trusted, key)
    }
}

/// What a policy in a file of its own asks of what is attached to an image.
pub(in super::super) struct Demands {
    /// The digests of the texts that it stands in.
    pub texts: Vec<Digest>,
    /// The level of SLSA that provenance must reach; none where it requires no provenance.
    pub level: Option<u8>,
    /// Whom it trusts.
    pub trust: Trust,
}

impl Demands {
    /// Reads the policy in a file.
    pub(in super::super) fn read(file: &Path) -> Result<Self, Error> {
        let (policies, sources) = above(Some(file), Sources::default())?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let mut trust = Trust::default();
        for policy in &policies {
            trust.add(Standing::Above, policy, folder)?;
        }
        let texts: BTreeSet<_> = policies.iter().map(|policy| policy.span.file).collect();
        let levels =
            policies.iter().flat_map(|policy| &policy.requires).filter_map(|require| match require.proof.value {
                Proof::Provenance(level) => Some(level),
                _ => None,
            });
        let level = levels.max();
        Ok(Demands {
            texts: texts.into_iter().map(|file| Digest::of(sources.file(file).text())).collect(),
            level,
            trust,
        })
    }
}
