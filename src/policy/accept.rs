//! Which findings an acceptance is about.

use crate::evidence::scan::{Detail, Finding, Weight};
use crate::spec::{Accept, Accepted};

/// The places of a finding, as positions, that an acceptance is about; whether it still counts is another question. A
/// finding without places counts as one place.
pub(super) fn accepted_places(accept: &Accept, finding: &Finding) -> Vec<usize> {
    let named = match (&accept.what.value, &finding.detail) {
        (Accepted::Hole(name), Detail::Hole(hole)) => is_called(hole, name),
        (Accepted::Rule(rule), _) => rule.id == finding.rule.id,
        (Accepted::Hole(_), _) => false,
    };
    if !named || !is_of_package(accept, finding) || !is_of_stage(accept, finding) || !is_content(accept, finding) {
        return Vec::new();
    }
    let Some(pattern) = &accept.path else { return (0..finding.places.len().max(1)).collect() };
    let places = finding.places.iter().enumerate();
    let meant = places.filter(|(_, place)| place.path.as_deref().is_some_and(|path| matches(pattern, path)));
    meant.map(|(position, _)| position).collect()
}

fn is_called(hole: &Weight, name: &str) -> bool {
    hole.id == name || hole.aliases.iter().any(|alias| alias == name)
}

fn is_of_package(accept: &Accept, finding: &Finding) -> bool {
    let Some(wanted) = &accept.package else { return true };
    let is = |name: &str, purl: &str| {
        // A package URL counts with or without its version and qualifiers.
        let beginning = purl.strip_prefix(wanted.as_str());
        name == wanted.value || beginning.is_some_and(|rest| rest.is_empty() || rest.starts_with(['@', '?', '#', '&']))
    };
    match &finding.detail {
        Detail::Hole(hole) => is(&hole.name, &hole.package),
        Detail::Licence { name, package, .. } => is(name, package),
        _ => false,
    }
}

fn is_of_stage(accept: &Accept, finding: &Finding) -> bool {
    let Some(wanted) = &accept.stage else { return true };
    matches!(&finding.detail, Detail::Command { stage: Some(stage) } if *stage == wanted.value)
}

fn is_content(accept: &Accept, finding: &Finding) -> bool {
    let Some(wanted) = &accept.digest else { return true };
    matches!(&finding.detail, Detail::Secret { digest, .. } if *digest == wanted.value)
}

/// Whether a path fits a pattern: `*` is any part of a name, `?` a character, `**` any folders.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    // Of each row only the one before is needed: a hostile pattern costs its length times the path's.
    let mut row = vec![false; path.len() + 1];
    row[0] = true;
    for part in pattern {
        let mut next = vec![false; path.len() + 1];
        for at in 0..=path.len() {
            next[at] = match part {
                "**" => row[at] || (at > 0 && next[at - 1]),
                part => at > 0 && row[at - 1] && fits(part.as_bytes(), path[at - 1].as_bytes()),
            };
        }
        row = next;
    }
    row[path.len()]
}

/// The same within a name.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(b) if *b == b'?' || *b == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}
