//! Which findings a clause means.

use super::licence;
use crate::diagnostic::{Sources, Span};
use crate::evidence::scan::configuration::is_host;
use crate::evidence::scan::{Detail, Finding, SpecLine, Weight};
use crate::spec::{Clause, Condition};

/// The labels that a clause about labels wants where it names none.
pub const WANTED_LABELS: [&str; 3] =
    ["org.opencontainers.image.source", "org.opencontainers.image.vendor", "org.opencontainers.image.version"];

/// Whether a clause is about a finding.
pub(super) fn is_meant(clause: &Clause, finding: &Finding) -> bool {
    let condition = &clause.condition;
    clause.rule.value.id == finding.rule.id
        && condition.severity.is_none_or(|least| finding.severity >= Some(least))
        && fits(condition, finding)
}

fn fits(condition: &Condition, finding: &Finding) -> bool {
    match &finding.detail {
        Detail::Plain => true,
        Detail::Hole(hole) => fits_hole(condition, hole),
        Detail::Secret { confidence, .. } => condition.confidence.is_none_or(|least| *confidence >= least),
        Detail::Licence { licence, .. } => licence::is_refused(&condition.licences, licence),
        Detail::Label { name } => match condition.labels.as_slice() {
            [] => WANTED_LABELS.contains(&name.as_str()),
            wanted => wanted.iter().any(|wanted| wanted.value == *name),
        },
        Detail::Command { stage } => {
            let of = |wanted: &str| stage.as_deref() == Some(wanted);
            condition.stages.is_empty() || condition.stages.iter().any(|wanted| of(wanted))
        }
        Detail::Host { host } => !condition.hosts.iter().any(|pattern| is_host(pattern, host)),
        Detail::Database { days } => condition.age.is_none_or(|least| *days >= i64::from(least.0)),
    }
}

fn fits_hole(condition: &Condition, hole: &Weight) -> bool {
    condition.fixable.is_none_or(|wanted| wanted != hole.fixed.is_empty())
        && condition.exploited.is_none_or(|wanted| wanted == hole.exploited.is_some())
        && condition.epss.is_none_or(|least| hole.epss.is_some_and(|share| share >= least.0))
        && condition.age.is_none_or(|least| hole.days.is_none_or(|days| days >= i64::from(least.0)))
}

/// Where something stands.
pub fn line(sources: &Sources, span: Span) -> SpecLine {
    let file = sources.file(span.file);
    SpecLine { file: file.name().to_owned(), line: u32::try_from(file.position(span.start).0).unwrap_or(u32::MAX) }
}

/// The first line of what stands at a span.
pub(super) fn shown(sources: &Sources, span: Span) -> String {
    let text = sources.file(span.file).text().get(span.range()).unwrap_or_default();
    text.lines().next().unwrap_or_default().trim_end_matches(['{', ' ', ';']).to_owned()
}
