//! What a spec calls a commit.

use super::CommitId;

/// What a spec calls a commit: a branch, a tag, or the commit itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    /// The commit itself: nothing need be asked.
    Commit(CommitId),
    /// A branch or a tag, in short or in full (`refs/…`), or `HEAD`.
    Name(String),
}

impl Revision {
    /// Reads a revision; in words, what is wrong with it.
    ///
    /// What git does not take for the name of a reference is refused, and so is what it could take for an option.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if let Ok(commit) = text.parse() {
            return Ok(Revision::Commit(commit));
        }
        if text.is_empty() || text == "@" {
            return Err("it names nothing");
        }
        if text.starts_with('-') {
            return Err("git would take it for an option");
        }
        if text.len() > MAX_NAME {
            return Err("it is too long");
        }
        let forbidden = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
        if text.contains(forbidden) || text.contains("@{") || text.contains("..") {
            return Err("a branch or a tag has no spaces, and none of `~ ^ : ? * [ \\ .. @{`");
        }
        let wrong = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
        if text.split('/').any(wrong) || text.ends_with('.') {
            return Err("no part of a branch or a tag is empty, begins or ends with a dot, or ends with `.lock`");
        }
        Ok(Revision::Name(text.to_owned()))
    }

    /// Whether what was locked under a whole name of a reference, none for a commit, is what this means.
    pub fn is_at(&self, reference: Option<&str>, commit: &CommitId) -> bool {
        match (self, reference) {
            (Revision::Commit(own), None) => own == commit,
            (Revision::Name(name), Some(reference)) => candidates(name).iter().any(|whole| whole == reference),
            _ => false,
        }
    }
}

/// The longest name.
const MAX_NAME: usize = 250;

/// The references that a name can mean.
pub(super) fn candidates(name: &str) -> Vec<String> {
    if name == "HEAD" || name.starts_with("refs/") {
        return vec![name.to_owned()];
    }
    vec![format!("refs/heads/{name}"), format!("refs/tags/{name}")]
}
