//! Packages whose scripts are not read but handled by name, each with the reason.

use super::{Root, Scene, Script, certificates};
use crate::packages::deb::root::Fault;

/// A script that is handled by name.
pub(super) struct ByName {
    pub(super) package: &'static str,
    pub(super) script: Script,
    /// What is done instead.
    pub(super) does: fn(&mut Root, &mut Scene) -> Result<(), Fault>,
    /// Why, for the documentation.
    #[cfg_attr(not(test), expect(dead_code, reason = "the documentation is checked by a test"))]
    pub(super) why: &'static str,
}

/// All of them.
pub(super) const TABLE: &[ByName] = &[
    ByName {
        package: "ca-certificates-java",
        script: Script::Postinst,
        does: |root, _| certificates::update_java(root),
        why: "it runs a Java program; the store of certificates that this makes is made here",
    },
    ByName {
        package: "erlang-base",
        script: Script::Postinst,
        does: nothing,
        why: "it only looks for services to be started",
    },
    ByName {
        package: "locales",
        script: Script::Config,
        does: nothing,
        why: "it asks which locales are to be generated; the answer is none",
    },
];

#[allow(clippy::unnecessary_wraps, reason = "the table's functions may fail")]
fn nothing(_: &mut Root, _: &mut Scene) -> Result<(), Fault> {
    Ok(())
}

/// What is done in place of a package's script.
pub(super) fn find(package: &str, script: Script) -> Option<&'static ByName> {
    TABLE.iter().find(|entry| entry.package == package && entry.script == script)
}
