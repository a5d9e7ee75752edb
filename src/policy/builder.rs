//! Which level of SLSA provenance reaches: by what policies say of its builders, and not by what it says of itself.

use super::accept::matches;
use super::judge::Standing;
use crate::spec::TrustedBuilder;
use std::collections::BTreeSet;

/// The level of SLSA's build track that attached provenance reaches; 0 where nobody trusts its builders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reached {
    /// By all policies.
    pub level: u8,
    /// By those alone that stand above the spec: it cannot say for them whom they trust.
    pub above: u8,
}

impl Reached {
    /// The level for what a policy requires.
    pub fn by(self, standing: Standing) -> u8 {
        match standing {
            Standing::Own => self.level,
            Standing::Above => self.above,
        }
    }
}

/// Provenance whose signature is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The id of its builder.
    pub builder: String,
    /// Whether it is of kiln's own build type.
    pub is_kiln: bool,
    /// The keys that signed it, as bundles name them.
    pub keys: BTreeSet<String>,
}

/// A `builder` of a policy, with its key read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// Whose policy says so.
    pub standing: Standing,
    /// What it says.
    pub builder: TrustedBuilder,
    /// The key that must have signed, as bundles name it; none for the one by which the image is verified.
    pub key: Option<String>,
}

/// What kiln's own builds reach by themselves: provenance is there, and is signed by whoever has the key.
const OF_KILN: u8 = 1;

/// The level that provenance reaches; none where there is none. `key` is the one by which the image is verified.
pub fn reached(told: &[Told], trusted: &[Trusted], key: &str) -> Option<Reached> {
    let level = |told: &Told, counts: fn(Standing) -> bool| {
        let by_itself = if told.is_kiln && told.keys.contains(key) { OF_KILN } else { 0 };
        let fitting = trusted.iter().filter(|trusted| {
            let signed = told.keys.contains(trusted.key.as_deref().unwrap_or(key));
            signed && counts(trusted.standing) && matches(&trusted.builder.id, &told.builder)
        });
        fitting.map(|trusted| trusted.builder.level).chain([by_itself]).max().unwrap_or(by_itself)
    };
    let above = told.iter().map(|told| level(told, |standing| standing == Standing::Above)).max();
    let all = told.iter().map(|told| level(told, |_| true)).max();
    all.zip(above).map(|(level, above)| Reached { level, above })
}
