//! What kiln judges by: rules with their names, how bad a finding is and what standards say of it, as data that
//! the language, the findings and the verdict share. Each rule has a page in `specs/rules/`.

mod confidence;
mod control;
mod justification;
mod severity;
mod table;

pub use confidence::Confidence;
pub use control::{Control, Standard};
pub use justification::Justification;
pub use severity::Severity;
pub use table::RULES;

/// What is judged: one thing that is wrong with an image or with how it came about.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, as specs write it: `root-user`.
    pub id: &'static str,
    /// What it is about.
    pub family: Family,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// How bad it is, where a finding does not say it itself.
    pub severity: Severity,
    /// What to do, in a sentence.
    pub remedy: &'static str,
    /// What standards ask for it.
    pub controls: &'static [Control],
}

/// What rules are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Packages with known holes.
    Vulnerability,
    /// Secrets that everybody can read.
    Secret,
    /// How the image starts and what stands in it.
    Configuration,
    /// What the image was made of and how.
    Origin,
    /// On what terms its packages may be given away.
    Licence,
}

impl Family {
    /// All of them, in the order of reports.
    pub const ALL: [Family; 5] =
        [Family::Vulnerability, Family::Secret, Family::Configuration, Family::Origin, Family::Licence];

    /// The word for it in documents.
    pub fn name(self) -> &'static str {
        match self {
            Family::Vulnerability => "vulnerability",
            Family::Secret => "secret",
            Family::Configuration => "configuration",
            Family::Origin => "origin",
            Family::Licence => "licence",
        }
    }
}

impl Rule {
    /// The rule of this name.
    pub fn named(id: &str) -> Option<&'static Rule> {
        RULES.iter().find(|rule| rule.id == id)
    }

    /// The page that explains it, relative to the project.
    pub fn page(&self) -> String {
        format!("specs/rules/{}.md", self.id)
    }
}

#[cfg(test)]
mod tests;
