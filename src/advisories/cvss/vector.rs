//! The metrics of a vector, read by the table of its version.

use super::CvssError;

/// A metric of a version of CVSS.
pub(super) struct Metric {
    name: &'static str,
    /// What it may be, with what each weighs in thousandths; what weights are is a matter of each version.
    values: &'static [(&'static str, u16)],
    is_mandatory: bool,
}

impl Metric {
    /// A metric that every vector has.
    pub(super) const fn mandatory(name: &'static str, values: &'static [(&'static str, u16)]) -> Metric {
        Metric { name, values, is_mandatory: true }
    }

    /// A metric that may be left out.
    pub(super) const fn optional(name: &'static str, values: &'static [(&'static str, u16)]) -> Metric {
        Metric { name, values, is_mandatory: false }
    }
}

/// What a metric was given: the value's name and weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) name: &'static str,
    pub(super) weight: u16,
}

/// Reads a vector without its prefix; the values stand in the places of their metrics in the table.
pub(super) fn read<const N: usize>(text: &str, table: &'static [Metric; N]) -> Result<[Option<Value>; N], CvssError> {
    let mut values = [None; N];
    for part in text.split('/') {
        let (name, value) = part.split_once(':').ok_or_else(|| CvssError::Malformed(shown(part)))?;
        let known = table.iter().zip(&mut values).find(|(metric, _)| metric.name == name);
        let (metric, place) = known.ok_or_else(|| CvssError::Metric(shown(name)))?;
        if place.is_some() {
            return Err(CvssError::Repeated(metric.name));
        }
        *place = Some(metric.value(value)?);
    }
    match table.iter().zip(&values).find(|(metric, value)| metric.is_mandatory && value.is_none()) {
        Some((metric, _)) => Err(CvssError::Missing(metric.name)),
        None => Ok(values),
    }
}

impl Metric {
    fn value(&self, text: &str) -> Result<Value, CvssError> {
        let known = self.values.iter().find(|(name, _)| *name == text);
        known.map(|&(name, weight)| Value { name, weight }).ok_or_else(|| CvssError::Value {
            metric: self.name,
            value: shown(text),
            allowed: self.values.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
        })
    }
}

/// The beginning of an outside text, safe to show.
pub(super) fn shown(text: &str) -> String {
    const MAX_SHOWN: usize = 40;
    text.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect()
}
