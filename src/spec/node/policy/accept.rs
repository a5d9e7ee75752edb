//! `accept`: what is known and taken on all the same.

use super::{POLICY, rule_names};
use crate::diagnostic::{Span, nearest};
use crate::oci::Digest;
use crate::rules::{Family, Justification, Rule};
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;
use jiff::civil::Date;

/// Something that is known and taken on all the same, for a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept {
    /// What it is.
    pub what: Spanned<Accepted>,
    /// The last day on which it counts.
    pub until: Option<Spanned<Date>>,
    /// Why.
    pub reason: Spanned<String>,
    /// The name or the package URL of the only package for which it counts.
    pub package: Option<Spanned<String>>,
    /// The only paths for which it counts: one, or a pattern. Other paths of the same finding stay findings.
    pub path: Option<Spanned<String>>,
    /// Why a hole is no danger, where it is none; without it the danger is taken on.
    pub justification: Option<Justification>,
    /// The only stage for which it counts.
    pub stage: Option<Spanned<String>>,
    /// The only content for which it counts: of a secret, the digest that a finding tells.
    pub digest: Option<Spanned<Digest>>,
    /// The whole node.
    pub span: Span,
}

/// What is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// A hole, by any of its names.
    Hole(String),
    /// The findings of a rule.
    Rule(&'static Rule),
}

const ACCEPT: Form =
    Form::within(POLICY, "accept", "accept \"CVE-2026-1234\" until=\"2027-01-31\" reason=\"not reachable\"");

/// Reads `accept`.
pub(super) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Accept> {
    let mut reader = Reader::new(cx, item, ACCEPT);
    let span = reader.span();
    let what = reader.word("the name of a hole or a rule").and_then(|word| accepted(&mut reader, word));
    let until = reader.text_property("until").and_then(|text| date(&mut reader, &text));
    let reason = reader.required_text("reason");
    let reason = reason.filter(|reason| {
        let said = !reason.trim().is_empty();
        if !said {
            reader.report(mistake::bad_value(reason.span, "the reason is empty", "say why this is no danger here"));
        }
        said
    });
    let family = what.as_ref().map(|what| what.family());
    let is_of_database = what.as_ref().is_some_and(|what| what.is_rule("old-database"));
    let package = match family {
        Some(Family::Vulnerability | Family::Licence) | None if !is_of_database => reader.text_property("package"),
        _ => None,
    };
    let path = match family {
        Some(Family::Licence | Family::Vulnerability | Family::Origin) => None,
        _ => reader.text_property("path").and_then(|path| pattern(&mut reader, path)),
    };
    let justification = match what.as_ref().map(|what| &what.value) {
        Some(Accepted::Rule(_)) => None,
        _ => {
            let choices = Justification::ALL.map(|known| (known.name(), known));
            reader.choice_property("justification", "justification", &choices)
        }
    };
    let stage = match family {
        Some(Family::Origin) | None => reader.text_property("stage"),
        _ => None,
    };
    let digest = match family {
        Some(Family::Secret) | None => reader.text_property("digest").and_then(|text| digest(&mut reader, &text)),
        _ => None,
    };
    if let Some(Accepted::Hole(_)) = what.as_ref().map(|what| &what.value)
        && !item.node.props.iter().any(|property| property.name.text == "until")
    {
        reader.missing_property("until");
    }
    if let Some(what) = what.as_ref().filter(|what| what.is_rule("secret"))
        && path.is_none()
        && digest.is_none()
        && !item.node.props.iter().any(|property| ["path", "digest"].contains(&property.name.text.as_str()))
    {
        let help = "say which with `path=` or `digest=`: a finding tells both";
        reader.report(mistake::bad_value(what.span, "not all secrets can be accepted at once", help));
    }
    reader.finish();
    Some(Accept { what: what?, until, reason: reason?, package, path, justification, stage, digest, span })
}

impl Accepted {
    fn is_rule(&self, id: &str) -> bool {
        matches!(self, Accepted::Rule(rule) if rule.id == id)
    }

    fn family(&self) -> Family {
        match self {
            Accepted::Hole(_) => Family::Vulnerability,
            Accepted::Rule(rule) => rule.family,
        }
    }
}

/// A path with the wildcards that a policy knows.
fn pattern(reader: &mut Reader<'_, '_>, path: Spanned<String>) -> Option<Spanned<String>> {
    let path = reader.absolute_pattern(path)?;
    if path.contains('[') {
        let help = "`*` stands for any part of a name, `?` for one character, `**` for any folders";
        reader.report(mistake::bad_value(path.span, "a policy knows no `[…]` in paths", help));
        return None;
    }
    Some(path)
}

fn accepted(reader: &mut Reader<'_, '_>, word: Spanned<String>) -> Option<Spanned<Accepted>> {
    if let Some(rule) = Rule::named(&word) {
        if rule.id == "vulnerability" {
            let help = "name the hole: `accept \"CVE-2026-1234\"`";
            reader.report(mistake::bad_value(word.span, "not all holes can be accepted at once", help));
            return None;
        }
        return Some(Spanned::new(Accepted::Rule(rule), word.span));
    }
    if is_hole(&word) && nearest(&word, rule_names()).is_none() {
        return Some(Spanned::new(Accepted::Hole(word.value), word.span));
    }
    reader.report(mistake::unknown_choice(word.span, "name of a hole or a rule", &word, &rule_names()));
    None
}

/// Whether a text can be the name of an advisory: `CVE-2026-1234`, `GHSA-xxxx-xxxx-xxxx`, `RUSTSEC-2026-0001`, `DSA-1-1`.
fn is_hole(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    let (family, number) = text.split_once('-').unwrap_or((text, ""));
    !number.is_empty()
        && text.len() <= 100
        && text.chars().all(plain)
        && family.len() >= 2
        && family.starts_with(|c: char| c.is_ascii_uppercase())
}

fn date(reader: &mut Reader<'_, '_>, text: &Spanned<String>) -> Option<Spanned<Date>> {
    let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text.value);
    if date.is_none() {
        let message = format!("`{}` is no day", mistake::clip(text));
        reader.report(mistake::bad_value(text.span, message, "write year, month and day: `\"2027-01-31\"`"));
    }
    date.map(|date| Spanned::new(date, text.span))
}

fn digest(reader: &mut Reader<'_, '_>, text: &Spanned<String>) -> Option<Spanned<Digest>> {
    let digest = text.parse::<Digest>().ok();
    if digest.is_none() {
        let message = format!("`{}` is no digest", mistake::clip(text));
        reader.report(mistake::bad_value(text.span, message, "write it as a finding tells it: `\"sha256:…\"`"));
    }
    digest.map(|digest| Spanned::new(digest, text.span))
}
