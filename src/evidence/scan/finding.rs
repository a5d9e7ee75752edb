//! One thing that is wrong.

use super::place::Place;
use crate::oci::Digest;
use crate::rules::{Confidence, Rule, Severity};
use serde::{Deserialize, Serialize};

/// One thing that is wrong with an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// By which rule.
    #[serde(with = "by_name")]
    pub rule: RuleRef,
    /// How bad it is; none where nobody weighed it.
    #[serde(with = "by_word")]
    pub severity: Option<Severity>,
    /// What is wrong, in a line: `openssl 3.0.1-1 has CVE-2026-1234`.
    pub title: String,
    /// What the rule's family adds.
    pub detail: Detail,
    /// Where it is; sorted, each once.
    pub places: Vec<Place>,
    /// What to do, in a sentence.
    pub remedy: String,
}

/// A rule that findings of are sorted by its place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleRef(pub &'static Rule);

impl std::ops::Deref for RuleRef {
    type Target = Rule;

    fn deref(&self) -> &Rule {
        self.0
    }
}

impl PartialOrd for RuleRef {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RuleRef {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.family, self.id).cmp(&(other.family, other.id))
    }
}

/// What the rule's family adds to a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Detail {
    /// Nothing: rule and places say it all.
    Plain,
    /// Of a hole, or of a package that nobody maintains.
    Hole(Box<Weight>),
    /// Of a secret.
    Secret {
        /// Which kind of secret: `github-token`.
        form: String,
        /// How sure it is.
        confidence: Confidence,
        /// The digest of the secret itself, by which it can be accepted.
        digest: Digest,
    },
    /// Of a licence.
    Licence {
        /// The package: its package URL.
        package: String,
        /// The package's name.
        name: String,
        /// The expression.
        licence: String,
    },
    /// Of a label.
    Label {
        /// Its name.
        name: String,
    },
    /// Of a command.
    Command {
        /// The stage in which it ran; none for the image itself.
        stage: Option<String>,
    },
    /// Of an input.
    Host {
        /// The host that it comes from, with its port where one is said.
        host: String,
    },
    /// Of the database of advisories.
    Database {
        /// How many days it is old.
        days: i64,
    },
}

/// What is known of a hole.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Weight {
    /// Its name: `CVE-2026-1234`.
    pub id: String,
    /// Its other names, sorted.
    pub aliases: Vec<String>,
    /// The package that has it: its package URL.
    pub package: String,
    /// The package's name.
    pub name: String,
    /// The package's version.
    pub version: String,
    /// What it is, in a sentence.
    pub summary: String,
    /// The versions in which it is fixed, nearest first.
    pub fixed: Vec<String>,
    /// What the distribution says of it beside that: `end-of-life`, `will not fix`.
    pub state: Option<String>,
    /// CVSS vectors with their scores in tenths, newest version first.
    pub scores: Vec<(String, u8)>,
    /// The distribution's own word for how urgent it is.
    pub urgency: Option<String>,
    /// The kinds of weaknesses: `CWE-79`.
    pub weaknesses: Vec<String>,
    /// Since when it is known to be exploited: a day.
    pub exploited: Option<String>,
    /// Whether that was for ransom.
    pub ransomware: bool,
    /// How likely it is to be exploited within 30 days, in millionths, by EPSS.
    pub epss: Option<u32>,
    /// When it was published: a day, or a time that begins with one.
    pub published: Option<String>,
    /// For how many days it was known on the day of the scan.
    pub days: Option<i64>,
    /// Pages about it.
    pub references: Vec<String>,
}

impl Finding {
    /// A finding without more to say than where it is.
    pub fn plain(rule: &'static Rule, title: impl Into<String>, places: Vec<Place>) -> Self {
        Finding::new(rule, Some(rule.severity), title, Detail::Plain, places)
    }

    /// A finding whose remedy is the rule's.
    pub fn new(
        rule: &'static Rule,
        severity: Option<Severity>,
        title: impl Into<String>,
        detail: Detail,
        places: Vec<Place>,
    ) -> Self {
        let (title, remedy) = (title.into(), rule.remedy.to_owned());
        Finding { rule: RuleRef(rule), severity, title, detail, places, remedy }
    }

    /// A name that the same finding has in each scan of the image or of its next version: what it is about, and neither
    /// versions, layers nor lines.
    pub fn fingerprint(&self) -> Digest {
        let about = match &self.detail {
            Detail::Hole(hole) => format!("{}\n{}", hole.id, hole.name),
            Detail::Secret { digest, .. } => digest.to_string(),
            Detail::Licence { name, licence, .. } => format!("{name}\n{licence}"),
            Detail::Label { name } => name.clone(),
            Detail::Plain | Detail::Command { .. } | Detail::Host { .. } => {
                let paths = self.places.iter().filter_map(|place| place.path.as_deref());
                let paths: Vec<&str> = paths.collect();
                if paths.is_empty() { self.title.clone() } else { paths.join("\n") }
            }
            Detail::Database { .. } => String::new(),
        };
        Digest::of(format!("{}\n{about}", self.rule.id))
    }
}

mod by_name {
    use super::RuleRef;
    use crate::rules::Rule;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(rule: &RuleRef, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(rule.0.id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RuleRef, D::Error> {
        let id = String::deserialize(deserializer)?;
        Rule::named(&id).map(RuleRef).ok_or_else(|| D::Error::custom(format!("there is no rule {id}")))
    }
}

mod by_word {
    use crate::rules::Severity;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(severity: &Option<Severity>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(severity.map_or("unknown", Severity::name))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Severity>, D::Error> {
        Ok(String::deserialize(deserializer)?.parse().ok())
    }
}
