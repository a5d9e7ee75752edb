//! SARIF 2.1.0: what analysers found, by rule.

use super::report::{Outcome, Tests};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;
use std::marker::PhantomData;

/// No list that is kept is longer, and results do not differ in more ways.
const MAX: usize = 200_000;

/// The rules of a document's results, or in words why there are none.
pub(super) fn read(mut content: impl BufRead) -> Result<Tests, String> {
    let text = |error: serde_json::Error| error.to_string();
    // Some analysers put a byte order mark in front.
    let mark = "\u{feff}".as_bytes();
    if content.fill_buf().map_err(|error| error.to_string())?.starts_with(mark) {
        content.consume(mark.len());
    }
    let mut document = serde_json::Deserializer::from_reader(content);
    let Log { version, runs } = Log::deserialize(&mut document).map_err(text)?;
    document.end().map_err(text)?;
    if version != "2.1.0" {
        return Err(format!("its version is {}, not 2.1.0", version.chars().take(20).collect::<String>()));
    }
    let mut tests = Tests::default();
    runs.into_iter().for_each(|run| run.add_to(&mut tests));
    Ok(tests)
}

#[derive(Deserialize)]
struct Log {
    version: String,
    #[serde(deserialize_with = "few")]
    runs: Vec<Run>,
}

/// One run of one tool.
#[derive(Deserialize)]
struct Run {
    tool: Tool,
    /// The results, counted by what they say.
    #[serde(default, deserialize_with = "counted")]
    results: BTreeMap<Said, u64>,
    #[serde(default, deserialize_with = "few")]
    invocations: Vec<Invocation>,
}

#[derive(Deserialize)]
struct Tool {
    driver: Driver,
}

#[derive(Deserialize)]
struct Driver {
    name: String,
    #[serde(default, deserialize_with = "few")]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    #[serde(default)]
    default_configuration: Configuration,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Configuration {
    level: Option<Level>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
enum Level {
    None,
    Note,
    Warning,
    Error,
}

#[derive(Deserialize, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
enum Kind {
    NotApplicable,
    Pass,
    Informational,
    Review,
    Open,
    #[default]
    Fail,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Found {
    rule_id: Option<String>,
    rule_index: Option<i64>,
    rule: RuleReference,
    kind: Kind,
    level: Option<Level>,
    #[serde(deserialize_with = "few")]
    suppressions: Vec<Suppression>,
    baseline_state: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RuleReference {
    id: Option<String>,
    index: Option<i64>,
}

#[derive(Deserialize)]
struct Suppression {
    #[serde(default)]
    status: Option<String>,
}

/// What a result says: its rule by name and by position, how bad it is, and whether somebody has accepted it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    rule: Option<String>,
    index: Option<i64>,
    kind: Kind,
    level: Option<Level>,
    suppressed: bool,
}

impl From<Found> for Said {
    fn from(found: Found) -> Self {
        let accepted = |s: &Suppression| !matches!(s.status.as_deref(), Some("underReview" | "rejected"));
        Said {
            rule: found.rule_id.or(found.rule.id),
            index: found.rule_index.or(found.rule.index),
            kind: found.kind,
            level: found.level,
            suppressed: !found.suppressions.is_empty() && found.suppressions.iter().all(accepted),
        }
    }
}

impl Run {
    /// Adds the rules by which something was found; and the tool itself, where it says that it did not get to its end.
    fn add_to(self, tests: &mut Tests) {
        let Driver { name: tool, rules } = self.tool.driver;
        let by_id: BTreeMap<&str, &Rule> = rules.iter().map(|rule| (rule.id.as_str(), rule)).collect();
        for (said, count) in self.results {
            let at = said.index.and_then(|index| rules.get(usize::try_from(index).ok()?));
            let rule = at.or_else(|| by_id.get(said.rule.as_deref()?).copied());
            let name = said.rule.as_deref().or(rule.map(|rule| rule.id.as_str())).unwrap_or_default();
            let level = said.level.or_else(|| rule?.default_configuration.level).unwrap_or(Level::Warning);
            let outcome = match (said.suppressed, said.kind, level) {
                (true, ..) | (_, Kind::NotApplicable, _) => Outcome::Skipped,
                (_, Kind::Pass | Kind::Informational, _) => Outcome::Passed,
                (_, Kind::Review | Kind::Open, _) => Outcome::Warned,
                (_, Kind::Fail, Level::None | Level::Note) => Outcome::Passed,
                (_, Kind::Fail, Level::Warning) => Outcome::Warned,
                (_, Kind::Fail, Level::Error) => Outcome::Failed,
            };
            tests.add(name, outcome, count);
        }
        if self.invocations.iter().any(|invocation| !invocation.execution_successful) {
            tests.add(&tool, Outcome::Warned, 1);
        }
    }
}

/// The results of a list; what only an earlier run found is none.
fn counted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Said, u64>, D::Error> {
    let mut counted: BTreeMap<Said, u64> = BTreeMap::new();
    each(deserializer, |found: Found| {
        if found.baseline_state.as_deref() != Some("absent") {
            *counted.entry(found.into()).or_default() += 1;
        }
        counted.len() <= MAX
    })?;
    Ok(counted)
}

fn few<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let mut list = Vec::new();
    each(deserializer, |row| {
        list.push(row);
        list.len() <= MAX
    })?;
    Ok(list)
}

/// Hands on the rows of a list as long as there is room; `null` is an empty one.
fn each<'de, D, T, F>(deserializer: D, take: F) -> Result<(), D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
    F: FnMut(T) -> bool,
{
    struct Rows<T, F>(F, PhantomData<T>);
    impl<'de, T: Deserialize<'de>, F: FnMut(T) -> bool> Visitor<'de> for Rows<T, F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
            while let Some(row) = list.next_element()? {
                if !(self.0)(row) {
                    return Err(A::Error::custom(format!("a list has more than {MAX} rows")));
                }
            }
            Ok(())
        }
    }
    deserializer.deserialize_any(Rows(take, PhantomData))
}
