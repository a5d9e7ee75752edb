//! Which findings of a rule are meant.

use crate::rules::{Confidence, Family, Rule, Severity};
use crate::spec::Spanned;
use crate::spec::expand::Item;
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// Which findings of a rule are meant: those for which all of this holds that is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// At least so bad.
    pub severity: Option<Severity>,
    /// Whether there is a version in which it is fixed.
    pub fixable: Option<bool>,
    /// Whether it is known to be exploited.
    pub exploited: Option<bool>,
    /// At least so likely to be exploited within 30 days, by EPSS.
    pub epss: Option<Share>,
    /// Known for at least so long; of a database, at least so old.
    pub age: Option<Days>,
    /// At least so certain, of secrets.
    pub confidence: Option<Confidence>,
    /// The labels that are wanted.
    pub labels: Vec<Spanned<String>>,
    /// The stages that are meant; none for all of the build.
    pub stages: Vec<Spanned<String>>,
    /// Which licences are refused.
    pub licences: Licences,
    /// The only hosts that are allowed, as patterns: `*.example.org` is every host below that one.
    pub hosts: Vec<Spanned<String>>,
}

/// A number of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Days(pub u32);

/// A share of one, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(pub u32);

/// Which licences are refused: those that one list has, or those that the other lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Licences {
    /// The only ones that are allowed; none where nothing is said.
    pub only: Vec<Spanned<String>>,
    /// Those that are refused.
    pub refused: Vec<Spanned<String>>,
}

const ONLY: Form = Form::within(super::POLICY, "only", "only \"MIT\" \"Apache-2.0\"");
const HOSTS: Form = Form::within(super::POLICY, "only", "only \"example.com\" \"*.example.org\"");
const REFUSE: Form = Form::within(super::POLICY, "refuse", "refuse \"AGPL-3.0-only\"");

/// The longest time that counts: ten years.
const MAX_DAYS: u32 = 3650;

/// Reads what a clause says of the findings of `rules`; where not all of them are known, nothing is missed.
pub(super) fn read<'n>(reader: &mut Reader<'_, 'n>, rules: &[Spanned<&'static Rule>], known: bool) -> Condition {
    let all = |family: Family, ids: &[&str]| {
        !known
            || rules.iter().all(|rule| rule.value.family == family && (ids.is_empty() || ids.contains(&rule.value.id)))
    };
    let of_holes = all(Family::Vulnerability, &["vulnerability"]);
    // Every finding has a severity, also where the rule fixes it.
    let mut condition = Condition { severity: severity(reader), ..Condition::default() };
    if of_holes {
        condition.fixable = reader.flag_property("fixable");
        condition.exploited = reader.flag_property("exploited");
        condition.epss = reader.text_property("epss").and_then(|text| share(reader, &text));
    }
    if of_holes || all(Family::Vulnerability, &["old-database"]) {
        condition.age = reader.text_property("age").and_then(|text| days(reader, &text));
    }
    if all(Family::Secret, &[]) {
        let choices = Confidence::ALL.map(|confidence| (confidence.name(), confidence));
        condition.confidence = reader.choice_property("confidence", "confidence", &choices);
    }
    if all(Family::Configuration, &["missing-label"]) {
        condition.labels.extend(reader.text_property("label"));
    }
    if all(Family::Origin, &["network", "maintainer-script"]) {
        condition.stages.extend(reader.text_property("stage"));
    }
    if all(Family::Licence, &[]) {
        condition.licences = licences(reader, known);
    }
    if known && all(Family::Origin, &["foreign-host"]) {
        condition.hosts = hosts(reader);
    }
    needs_age(reader, rules, &condition);
    stands_alone(reader, rules);
    condition
}

/// A list of hosts says nothing about findings of other rules.
fn stands_alone(reader: &mut Reader<'_, '_>, rules: &[Spanned<&'static Rule>]) {
    let of_hosts = |rule: &&Spanned<&'static Rule>| rule.value.id == "foreign-host";
    if let (Some(rule), Some(_)) = (rules.iter().find(of_hosts), rules.iter().find(|rule| !of_hosts(rule))) {
        let help = "give it a clause of its own: `deny \"foreign-host\" { only \"example.com\" }`";
        reader.report(mistake::bad_value(rule.span, "`foreign-host` stands with no other rule", help));
    }
}

/// A database has no age by itself that everybody would call old.
fn needs_age(reader: &mut Reader<'_, '_>, rules: &[Spanned<&'static Rule>], condition: &Condition) {
    let old = rules.iter().find(|rule| rule.value.id == "old-database");
    let given = reader.node().props.iter().any(|property| property.name.text == "age");
    if let (Some(rule), None, false) = (old, condition.age, given) {
        let help = "say from when on it is old: `deny \"old-database\" age=\"7d\"`";
        reader.report(mistake::bad_value(rule.span, "`old-database` needs `age=`", help));
    }
}

fn severity(reader: &mut Reader<'_, '_>) -> Option<Severity> {
    let choices = Severity::ALL.map(|severity| (severity.name(), severity));
    reader.choice_property("severity", "severity", &choices)
}

/// `10%` or `0.5%`.
fn share(reader: &mut Reader<'_, '_>, text: &Spanned<String>) -> Option<Share> {
    let parsed = text.strip_suffix('%').and_then(|number| {
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let is_number = digits(whole) && whole.len() <= 3 && part.len() <= 4 && (part.is_empty() || digits(part));
        let millionths = format!("{whole}{part:0<4}").parse::<u32>().ok()?;
        (is_number && !number.ends_with('.') && millionths <= 1_000_000).then_some(Share(millionths))
    });
    if parsed.is_none() {
        let message = format!("`{}` is no share", mistake::clip(text));
        reader.report(mistake::bad_value(text.span, message, "write it in percent: `\"10%\"` or `\"0.5%\"`"));
    }
    parsed
}

/// `30d` or `2w`.
fn days(reader: &mut Reader<'_, '_>, text: &Spanned<String>) -> Option<Days> {
    let units = [('d', 1), ('w', 7)];
    let parsed = units.into_iter().find_map(|(unit, days)| {
        let number = text.strip_suffix(unit)?;
        let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let count = number.parse::<u32>().ok().filter(|_| plain)?.checked_mul(days)?;
        (1..=MAX_DAYS).contains(&count).then_some(Days(count))
    });
    if parsed.is_none() {
        let message = format!("`{}` is no time from a day to ten years", mistake::clip(text));
        reader.report(mistake::bad_value(text.span, message, "write it in days or weeks: `\"30d\"` or `\"2w\"`"));
    }
    parsed
}

/// Reads the block of a clause about licences.
fn licences<'n>(reader: &mut Reader<'_, 'n>, known: bool) -> Licences {
    let mut licences = Licences::default();
    let children: Vec<Item<'n>> = match known {
        true => reader.required_children("an `only` or a `refuse`"),
        false => reader.children(),
    };
    for child in children {
        let form = match child.node.name.text.as_str() {
            "only" => ONLY,
            "refuse" => REFUSE,
            _ => {
                reader.unknown_child(&child, &["only", "refuse"]);
                continue;
            }
        };
        let mut inner = Reader::new(reader.cx, &child, form);
        let names = inner.words("a licence");
        let names: Vec<_> = names.into_iter().filter(|name| is_licence(&mut inner, name)).collect();
        inner.finish();
        if form.name == "only" { licences.only.extend(names) } else { licences.refused.extend(names) }
    }
    licences
}

/// Reads the block of a clause about hosts.
fn hosts(reader: &mut Reader<'_, '_>) -> Vec<Spanned<String>> {
    let mut hosts = Vec::new();
    for child in reader.required_children("an `only`") {
        if child.node.name.text != "only" {
            reader.unknown_child(&child, &["only"]);
            continue;
        }
        let mut inner = Reader::new(reader.cx, &child, HOSTS);
        let names = inner.words("a host");
        hosts.extend(names.into_iter().filter(|name| is_host(&mut inner, name)));
        inner.finish();
    }
    hosts
}

/// Whether a text is a host, with a port or without, or stands for all below one.
fn is_host(reader: &mut Reader<'_, '_>, name: &Spanned<String>) -> bool {
    let (host, port) = name.split_once(':').map_or((name.as_str(), None), |(host, port)| (host, Some(port)));
    let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    let is_host = host.strip_prefix("*.").unwrap_or(host).split('.').all(label)
        && host.len() <= 253
        && port.is_none_or(|port| port.parse::<u16>().is_ok());
    if !is_host {
        let message = format!("`{}` is no host", mistake::clip(name));
        let help = "write its name alone: `\"example.com\"`, or `\"*.example.org\"` for all hosts below one";
        reader.report(mistake::bad_value(name.span, message, help));
    }
    is_host
}

/// Whether a text is a licence of SPDX's list, with or without an exception, or a reference of the user's own.
fn is_licence(reader: &mut Reader<'_, '_>, name: &Spanned<String>) -> bool {
    let single = spdx::Expression::parse(name).ok().filter(|expression| expression.requirements().count() == 1);
    if single.is_none() {
        let message = format!("`{}` is no licence", mistake::clip(name));
        let help = "write one of SPDX's names, such as `\"MIT\"` or `\"GPL-2.0-only WITH Classpath-exception-2.0\"`";
        reader.report(mistake::bad_value(name.span, message, help));
        return false;
    }
    true
}
