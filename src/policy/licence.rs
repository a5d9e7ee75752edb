//! Whether the terms of a package are refused.

use crate::spec::{Licences, Spanned};
use spdx::{Expression, LicenseReq};

/// Whether a licence is refused: no choice that it offers is among the only ones that are allowed, or each choice needs one
/// that is refused. What is no SPDX expression, or says nothing, is allowed by no list.
pub(super) fn is_refused(licences: &Licences, licence: &str) -> bool {
    let Ok(expression) = Expression::parse(licence) else { return !licences.only.is_empty() };
    let is_in = |list: &[Spanned<String>], wanted: &LicenseReq| list.iter().any(|name| is(name, wanted));
    let outside = !licences.only.is_empty() && !expression.evaluate(|wanted| is_in(&licences.only, wanted));
    let refused = !licences.refused.is_empty() && !expression.evaluate(|wanted| !is_in(&licences.refused, wanted));
    outside || refused
}

/// Whether a name of a list is what an expression wants.
fn is(name: &str, wanted: &LicenseReq) -> bool {
    let Ok(listed) = Expression::parse(name) else { return false };
    listed.requirements().any(|listed| listed.req == *wanted)
}
