//! The verdict that is attached to an image: what it says, and by which policy.

use super::report::{Check, Outcome, ids};
use super::signed::SignedStatement;
use crate::evidence::statement::Statement;
use crate::oci::Digest;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

/// SLSA's summary of a verification, as far as it is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    time_verified: Timestamp,
    policy: Document,
    verification_result: String,
    /// The policies one by one, where kiln tells them; each with whether it stood above the spec's own.
    #[serde(rename = "kiln_policies", default)]
    policies: Vec<Document>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    uri: Option<String>,
    #[serde(default)]
    digest: BTreeMap<String, String>,
    #[serde(default)]
    above: bool,
}

impl Document {
    fn is(&self, digest: &Digest) -> bool {
        self.digest.get("sha256").is_some_and(|hex| *hex == digest.hex())
    }
}

impl Summary {
    /// Whether a policy was among those that decided, and above the spec's own where that is told: what a spec includes it
    /// can also weaken.
    fn is_by(&self, digest: &Digest) -> bool {
        match self.policies.is_empty() {
            true => self.policy.is(digest),
            false => self.policies.iter().any(|policy| policy.above && policy.is(digest)),
        }
    }

    fn policy(&self) -> String {
        let told: Vec<&str> = self.policies.iter().filter_map(|policy| policy.uri.as_deref()).collect();
        let of_one = self.policy.uri.as_deref().unwrap_or("a policy without a name");
        super::shown(&if told.is_empty() { of_one.to_owned() } else { told.join(", ") })
    }
}

/// Checks the verdict of a target. `wanted` are the texts of the policy that must have decided, where one is asked for; if
/// none is, an image may have no verdict, and one that it has must not say that it failed.
pub(super) fn checks(target: Digest, verdicts: &[&SignedStatement], wanted: Option<&[Digest]>) -> Vec<Check> {
    if verdicts.is_empty() && wanted.is_none() {
        return Vec::new();
    }
    match newest(verdicts, wanted) {
        Ok(summary) => {
            let by = format!("by {}", summary.policy());
            let result = match summary.verification_result.as_str() {
                "PASSED" => Ok(format!("of {}", summary.time_verified)),
                other => Err(format!("it says {} of {}", super::shown(other), summary.time_verified)),
            };
            vec![Check::of(ids::VERDICT, target, Ok(by)), Check::of(ids::VERDICT_PASSED, target, result)]
        }
        Err(reason) if wanted.is_some() => vec![Check::of(ids::VERDICT, target, Err(reason))],
        Err(reason) => vec![Check::new(ids::VERDICT, target, Outcome::NotDone).with(reason)],
    }
}

/// The newest verdict, of those by the policy that is wanted. Of several of one time one that did not pass counts.
fn newest(verdicts: &[&SignedStatement], wanted: Option<&[Digest]>) -> Result<Summary, String> {
    let read = verdicts.iter().map(|verdict| serde_json::from_slice::<Statement<Summary>>(&verdict.payload));
    let (read, unreadable): (Vec<_>, Vec<_>) = read.partition(Result::is_ok);
    let read: Vec<Summary> = read.into_iter().flatten().map(|statement| statement.predicate).collect();
    if read.is_empty() {
        let error = unreadable.into_iter().find_map(Result::err);
        return Err(error.map_or("there is no verdict of this key for this image".into(), |error| {
            format!("the verdict cannot be read: {error}")
        }));
    }
    let others: Vec<String> = read.iter().map(Summary::policy).collect();
    let by_it = |summary: &Summary| wanted.is_none_or(|texts| texts.iter().all(|text| summary.is_by(text)));
    let fitting = read.into_iter().filter(by_it);
    let newest = fitting.max_by_key(|summary| (summary.time_verified, summary.verification_result != "PASSED"));
    newest
        .ok_or_else(|| format!("the verdict is not by this policy, above the spec's own, but by {}", others.join("; ")))
}
