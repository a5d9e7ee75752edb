//! Licences of packages, as SPDX expressions.

use std::collections::BTreeMap;

/// What a package's copyright file says about its licences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Licence {
    /// An SPDX expression over everything in the package; none where the file does not say it in a form that can be trusted.
    pub expression: Option<String>,
    /// The texts of the `LicenseRef-…` names in the expression.
    pub texts: BTreeMap<String, String>,
}
