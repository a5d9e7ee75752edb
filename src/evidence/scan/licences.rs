//! On what terms the packages of an image are given away.

use super::component::Component;
use super::finding::{Detail, Finding};
use crate::rules::Rule;

/// A finding for each package that has a licence, which a policy then allows or refuses; and for each that tells none.
pub fn licences(components: &[Component], rule: &'static Rule) -> Vec<Finding> {
    let of = |component: &Component| {
        let licence = component.licence.clone().unwrap_or_else(|| UNKNOWN.to_owned());
        let title = match &component.licence {
            Some(licence) => format!("{} {} is licensed as {licence}", component.name, component.version),
            None => format!("{} {} does not say on what terms it is given away", component.name, component.version),
        };
        let detail = Detail::Licence { package: component.purl.clone(), name: component.name.clone(), licence };
        Finding::new(rule, Some(rule.severity), title, detail, component.places.clone())
    };
    components.iter().map(of).collect()
}

/// SPDX's word for a licence that nobody told.
pub const UNKNOWN: &str = "NOASSERTION";
