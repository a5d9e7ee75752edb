//! What an image was made of, and how.

use super::{Facts, rule};
use crate::evidence::scan::finding::{Detail, Finding};
use crate::evidence::scan::place::Place;
use crate::oci::Reference;

/// Something that came from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// What it is called where it is used.
    pub name: String,
    /// What it is.
    pub kind: InputKind,
    /// Where the spec names it.
    pub place: Place,
}

/// What came from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputKind {
    /// An image.
    Image {
        /// The reference, as it is written.
        reference: String,
        /// Whether the image stands on it.
        is_base: bool,
        /// Whether a key that was asked for signed it; none where nobody can know what was asked for.
        signed: Option<bool>,
        /// Whether its digest is known.
        pinned: bool,
    },
    /// A download.
    Download {
        /// From where.
        url: String,
        /// Whether its digest was written down before.
        pinned: bool,
        /// Whether what comes is run as it comes.
        runs: bool,
    },
    /// A git repository.
    Repository {
        /// From where.
        url: String,
        /// Whether the spec names the commit.
        pinned: bool,
    },
}

/// A command that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// How people call it.
    pub name: String,
    /// The stage in which it ran; none for the image itself.
    pub stage: Option<String>,
    /// Whether it reached the network.
    pub network: bool,
    /// Whether it is packages' own scripts.
    pub scripts: bool,
    /// Where the spec says it.
    pub place: Place,
}

pub(super) fn findings(facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = facts.inputs.iter().flat_map(input).collect();
    findings.extend(facts.commands.iter().flat_map(command));
    if !facts.unattributed.is_empty() {
        let places = facts.unattributed.iter().map(Place::at).collect();
        let title = match facts.unattributed.len() {
            1 => "nobody knows where a file comes from".to_owned(),
            many => format!("nobody knows where {many} files come from"),
        };
        findings.push(Finding::plain(rule("unattributed-file"), title, places));
    }
    findings
}

fn input(input: &Input) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |id: &str, title: String| findings.push(Finding::plain(rule(id), title, vec![input.place.clone()]));
    match &input.kind {
        InputKind::Image { reference, is_base, signed, pinned } => {
            let parsed = reference.parse::<Reference>().ok();
            if let Some(parsed) = parsed.filter(|parsed| parsed.digest.is_none()) {
                match parsed.tag.as_deref() {
                    None | Some("latest") => add("latest-tag", format!("{reference} is whatever is newest")),
                    Some(_) => {}
                }
            }
            if !pinned {
                add("unpinned-input", format!("{reference} is named without a digest"));
            }
            if *is_base && *signed == Some(false) {
                add("unsigned-base", format!("nobody vouches for {reference}, on which the image stands"));
            }
        }
        InputKind::Download { url, pinned, runs } => {
            if url.starts_with("http://") {
                add("http-source", format!("{url} is fetched without encryption"));
            }
            if *runs {
                add("unpinned-input", format!("what {url} gives is run as it comes"));
            } else if !pinned {
                add("unpinned-input", format!("{url} is named without a digest"));
            }
        }
        InputKind::Repository { url, pinned } => {
            if url.starts_with("http://") || url.starts_with("git://") {
                add("http-source", format!("{url} is fetched without encryption"));
            }
            if !pinned {
                add("unpinned-input", format!("{url} is named without a commit"));
            }
        }
    }
    findings
}

fn command(command: &Command) -> Vec<Finding> {
    let detail = || Detail::Command { stage: command.stage.clone() };
    let add = |id: &str, title: String| {
        let rule = rule(id);
        Finding::new(rule, Some(rule.severity), title, detail(), vec![command.place.clone()])
    };
    let within = command.stage.as_ref().map(|stage| format!(" of stage {stage}")).unwrap_or_default();
    let mut findings = Vec::new();
    if command.network {
        findings.push(add("network", format!("the command {}{within} reached the network", command.name)));
    }
    if command.scripts {
        findings.push(add("maintainer-script", format!("{}{within} ran packages' own scripts", command.name)));
    }
    findings
}
