//! What is looked for: rules as data.

use super::rules::RULES;
use crate::rules::Confidence;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One kind of secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rule {
    /// Its name, which lists of exceptions use and which never changes: lower case with dashes.
    pub id: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// How sure a finding is.
    pub confidence: Confidence,
    /// What to do with a secret of this kind that got out.
    pub what_to_do: &'static str,
}

impl Rule {
    /// The rule with this name.
    pub fn named(id: &str) -> Option<&'static Rule> {
        RULES.binary_search_by(|rule| rule.id.cmp(id)).ok().and_then(|i| RULES.get(i))
    }
}

impl Serialize for Rule {
    /// A rule is written as its name.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id)
    }
}

impl<'de> Deserialize<'de> for &'static Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        Rule::named(&id).ok_or_else(|| serde::de::Error::custom("it names a rule that this version does not have"))
    }
}
