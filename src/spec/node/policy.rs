//! `policy`: what a release must satisfy.

mod accept;
mod builder;
mod condition;
mod require;
mod signer;

pub use accept::{Accept, Accepted};
pub use builder::TrustedBuilder;
pub use condition::{Condition, Days, Licences, Share};
pub use require::{Proof, Require};
pub use signer::Signer;

use crate::diagnostic::Span;
use crate::oci::Reference;
use crate::rules::{RULES, Rule};
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// What a release must satisfy. Several of them add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Where the database of advisories is: a repository with its artifact.
    pub database: Option<Spanned<Reference>>,
    /// What is refused and what is told, in the order written.
    pub clauses: Vec<Clause>,
    /// What is accepted all the same.
    pub accepts: Vec<Accept>,
    /// What must be attached to the image.
    pub requires: Vec<Require>,
    /// Who must have signed the images that are built upon.
    pub signers: Vec<Signer>,
    /// Which builders are trusted, and how far.
    pub builders: Vec<TrustedBuilder>,
    /// Files that say which holes do not matter, relative to the spec's folder.
    pub vex: Vec<Spanned<String>>,
    /// The whole node.
    pub span: Span,
}

/// What becomes of findings of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// What becomes of them.
    pub effect: Effect,
    /// The rule.
    pub rule: Spanned<&'static Rule>,
    /// Which of its findings are meant.
    pub condition: Condition,
    /// Whether a spec may accept what this clause of a policy of others refuses.
    pub waivable: bool,
    /// The whole node.
    pub span: Span,
}

/// What becomes of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It is told.
    Warn,
    /// Nothing is released.
    Deny,
}

/// Whose policy it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::spec) enum Whose {
    /// The spec's own.
    Spec,
    /// Of those who say what specs must satisfy: a file of its own.
    Others,
}

pub(super) const POLICY: Form = Form::new("policy", "policy { deny \"vulnerability\" severity=\"high\" }");
const DENY: Form = Form::within(POLICY, "deny", "deny \"vulnerability\" severity=\"high\"");
const WARN: Form = Form::within(POLICY, "warn", "warn \"shell\" \"package-manager\"");
const DATABASE: Form = Form::within(POLICY, "database", "database \"registry.example.com/security/advisories\"");
const VEX: Form = Form::within(POLICY, "vex", "vex \"security/app.openvex.json\"");

/// What may stand in a `policy`.
pub(in crate::spec) const CHILDREN: &[&str] =
    &["deny", "warn", "accept", "require", "signer", "builder", "database", "vex"];

/// Each clause is held against each finding.
const MAX_CLAUSES: usize = 1_000;

/// Reads `policy`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>, whose: Whose) -> Policy {
    let mut reader = Reader::new(cx, item, POLICY);
    let span = reader.span();
    let mut policy = Policy {
        database: None,
        clauses: Vec::new(),
        accepts: Vec::new(),
        requires: Vec::new(),
        signers: Vec::new(),
        builders: Vec::new(),
        vex: Vec::new(),
        span,
    };
    for child in reader.required_children("a `deny`, a `warn` or an `accept`") {
        if reader.cx.full() {
            break;
        }
        match child.node.name.text.as_str() {
            "deny" => policy.clauses.extend(clauses(reader.cx, &child, Effect::Deny, whose)),
            "warn" => policy.clauses.extend(clauses(reader.cx, &child, Effect::Warn, whose)),
            "accept" => policy.accepts.extend(accept::read(reader.cx, &child)),
            "require" => policy.requires.extend(require::read(reader.cx, &child)),
            "signer" => policy.signers.extend(signer::read(reader.cx, &child)),
            "builder" => policy.builders.extend(builder::read(reader.cx, &child)),
            "database" => {
                let found = database(reader.cx, &child);
                match (&policy.database, found) {
                    (Some(first), Some(found)) => {
                        reader.report(mistake::duplicate_node(found.span, first.span, "database", "`policy`"));
                    }
                    (None, found) => policy.database = found,
                    (Some(_), None) => {}
                }
            }
            "vex" => {
                let mut inner = Reader::new(reader.cx, &child, VEX);
                for path in inner.words("the path of a VEX document") {
                    policy.vex.extend(inner.project_file(path));
                }
                inner.finish();
            }
            _ => reader.unknown_child(&child, CHILDREN),
        }
        if policy.len() > MAX_CLAUSES {
            reader.report(mistake::bad_value(child.node.span, "a policy has at most 1000 clauses", "use fewer"));
            break;
        }
    }
    reader.finish();
    policy
}

impl Policy {
    /// How much there is that everything is held against.
    fn len(&self) -> usize {
        self.clauses.len() + self.accepts.len() + self.signers.len() + self.builders.len()
    }
}

/// The path of a public key. Keys of machines are kept out of projects: an absolute path is allowed here.
fn key(reader: &mut Reader<'_, '_>, path: Spanned<String>) -> Option<Spanned<String>> {
    if path.starts_with('/') { reader.absolute(path) } else { reader.project_file(path) }
}

/// Reads `deny` or `warn`: a clause for each rule that it names.
fn clauses<'n>(cx: &mut Cx<'n>, item: &Item<'n>, effect: Effect, whose: Whose) -> Vec<Clause> {
    let form = if effect == Effect::Deny { DENY } else { WARN };
    let mut reader = Reader::new(cx, item, form);
    let span = reader.span();
    let names = reader.words("the name of a rule");
    let rules: Vec<Spanned<&'static Rule>> = names.iter().filter_map(|name| rule(&mut reader, name)).collect();
    let known = !rules.is_empty() && rules.len() == names.len();
    let condition = condition::read(&mut reader, &rules, known);
    let waivable = match whose {
        Whose::Others => reader.flag_property("waivable"),
        Whose::Spec => None,
    };
    if let (Whose::Spec, Some(property)) = (whose, item.node.props.iter().find(|p| p.name.text == "waivable")) {
        let help =
            "a spec may accept what its own policy refuses: `waivable` is for a policy of others, `--policy FILE`";
        reader.report(mistake::bad_value(property.span, "`waivable` says nothing in a spec", help));
        reader.leave();
    } else {
        reader.finish();
    }
    let clause =
        |rule| Clause { effect, rule, condition: condition.clone(), waivable: waivable.unwrap_or(false), span };
    rules.into_iter().map(clause).collect()
}

/// The rule of a name.
fn rule(reader: &mut Reader<'_, '_>, name: &Spanned<String>) -> Option<Spanned<&'static Rule>> {
    let found = Rule::named(name);
    if found.is_none() {
        reader.report(mistake::unknown_choice(name.span, "rule", name, &rule_names()));
    }
    found.map(|rule| Spanned::new(rule, name.span))
}

/// The names of all rules.
fn rule_names() -> Vec<&'static str> {
    RULES.iter().map(|rule| rule.id).collect()
}

/// Reads `database`.
fn database<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Spanned<Reference>> {
    let mut reader = Reader::new(cx, item, DATABASE);
    let written = reader.word("the reference of an artifact");
    let reference = written.and_then(|written| match written.parse::<Reference>() {
        Ok(reference) if reference.digest.is_none() => Some(Spanned::new(reference, written.span)),
        Ok(_) => {
            let message = "the lock pins the database, and not the spec";
            reader.report(mistake::bad_value(written.span, message, "leave out the digest"));
            None
        }
        Err(error) => {
            let help = "it is written as an image is: `\"registry.example.com/security/advisories\"`";
            reader.report(mistake::bad_value(written.span, error.to_string(), help));
            None
        }
    });
    reader.finish();
    reference
}
