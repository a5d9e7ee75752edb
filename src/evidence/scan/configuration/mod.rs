//! How an image starts, what stands in it, and what it was made of: the rules that need no database.
//!
//! Each file holds rules that look at the same thing; each rule is named in [`crate::rules`].

mod history;
mod host;
mod life;
mod origin;
mod programs;
mod rights;
mod start;
#[cfg(test)]
mod tests;

pub use history::history;
pub use host::is_host;
pub use origin::{Command, Input, InputKind};

use super::finding::Finding;
use crate::catalog::OsRelease;
use crate::oci::Config;
use crate::rules::Rule;
use crate::tree::{Tree, TreePath};
use jiff::civil::Date;
use std::collections::BTreeMap;

/// What is judged.
pub struct Facts<'a> {
    /// How the image starts.
    pub config: &'a Config,
    /// Labels and annotations of the image.
    pub labels: &'a BTreeMap<String, String>,
    /// The file system.
    pub tree: &'a Tree,
    /// The accounts and groups that it has: the contents of `/etc/passwd` and `/etc/group`.
    pub accounts: &'a Accounts,
    /// What distribution it says to be.
    pub distribution: Option<&'a OsRelease>,
    /// What the image and its stages were made of; empty where nobody knows.
    pub inputs: &'a [Input],
    /// The commands that ran.
    pub commands: &'a [Command],
    /// The files of which nobody knows where they come from; none where nobody knows of any file.
    pub unattributed: &'a [TreePath],
    /// The labels that are wanted.
    pub wanted_labels: &'a [String],
    /// Lists of hosts, each of the only ones that a clause allows; the patterns are those of [`is_host`].
    pub allowed_hosts: &'a [Vec<String>],
    /// The day of the judgement.
    pub day: Date,
}

/// The names in `/etc/passwd` and `/etc/group`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    /// Users with their numbers.
    pub users: BTreeMap<String, u32>,
    /// Groups.
    pub groups: BTreeMap<String, u32>,
}

impl Accounts {
    /// Reads both files; lines that are none are left out.
    pub fn read(passwd: &[u8], group: &[u8]) -> Self {
        Accounts { users: numbers(passwd), groups: numbers(group) }
    }
}

fn numbers(file: &[u8]) -> BTreeMap<String, u32> {
    let text = String::from_utf8_lossy(file);
    let rows = text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        Some((name, fields.nth(1)?.parse().ok()?))
    });
    rows.collect()
}

/// All that is wrong by these rules.
pub fn configuration(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings = start::findings(facts);
    findings.extend(rights::findings(facts.tree));
    findings.extend(programs::findings(facts.tree));
    findings.extend(life::findings(facts));
    findings.extend(origin::findings(facts));
    findings.extend(host::findings(facts));
    findings
}

/// A rule of the table.
///
/// # Panics
/// Where the table has none of this name: a mistake of this module, which its tests meet.
fn rule(id: &str) -> &'static Rule {
    Rule::named(id).expect("rules of this module are in the table")
}
