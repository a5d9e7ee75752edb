//! Packages whose scripts are not read but handled by name, each with the reason.

use super::{Root, Scene, Script};
use crate::packages::deb::root::Fault;

/// A script that is handled by name.
pub(super) struct ByName {
    package: &'static str,
    script: Script,
    /// What is done instead.
    pub(super) does: fn(&mut Root, &mut Scene) -> Result<(), Fault>,
    /// Why, for the documentation.
    pub(super) why: &'static str,
}

/// All of them.
pub(super) const TABLE: &[ByName] = &[];

/// What is done in place of a package's script.
pub(super) fn find(package: &str, script: Script) -> Option<&'static ByName> {
    TABLE.iter().find(|entry| entry.package == package && entry.script == script)
}
