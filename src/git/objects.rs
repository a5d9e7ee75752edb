//! Reading objects: one `git cat-file --batch` that answers one question after the other.

use super::program::Running;
use super::repository::Repository;
use super::{CommitId, GitError};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout, Stdio};

/// A repository's objects.
pub(super) struct Objects {
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    _git: Running,
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Commit,
    Tree,
    Blob,
    Tag,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Commit => "commit",
            Kind::Tree => "tree",
            Kind::Blob => "file",
            Kind::Tag => "tag",
        }
    }
}

impl Objects {
    pub(super) fn open(repository: &Repository<'_>) -> Result<Self, GitError> {
        let mut command = repository.git();
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut git = Running(command.spawn().map_err(GitError::Start)?);
        let (Some(questions), Some(answers)) = (git.0.stdin.take(), git.0.stdout.take()) else {
            return Err(GitError::Protocol("it has no pipes"));
        };
        Ok(Objects { questions, answers: BufReader::with_capacity(64 << 10, answers), _git: git })
    }

    /// What an object is and how long it is; none where it is not there. Its content must be read next.
    pub(super) fn ask(&mut self, id: &CommitId) -> Result<Option<(Kind, u64)>, GitError> {
        writeln!(self.questions, "{id}").map_err(GitError::Pipe)?;
        let mut line = Vec::new();
        self.answers.by_ref().take(200).read_until(b'\n', &mut line).map_err(GitError::Pipe)?;
        let line = std::str::from_utf8(&line).map_err(|_| GitError::Protocol("a line is no text"))?;
        let mut words = line.split_whitespace();
        if words.next() != Some(id.as_str()) {
            return Err(GitError::Protocol("it answers about another object"));
        }
        let kind = match words.next() {
            Some("commit") => Kind::Commit,
            Some("tree") => Kind::Tree,
            Some("blob") => Kind::Blob,
            Some("tag") => Kind::Tag,
            Some("missing") => return Ok(None),
            _ => return Err(GitError::Protocol("an object is of no kind")),
        };
        let size = words.next().and_then(|size| size.parse().ok());
        Ok(Some((kind, size.ok_or(GitError::Protocol("an object has no size"))?)))
    }

    /// Copies the content of the object that was asked for last.
    pub(super) fn copy(&mut self, size: u64, to: &mut impl Write) -> Result<(), GitError> {
        let copied = std::io::copy(&mut self.answers.by_ref().take(size), to).map_err(GitError::Pipe)?;
        let mut end = [0];
        self.answers.read_exact(&mut end).map_err(GitError::Pipe)?;
        if copied != size || end != *b"\n" {
            return Err(GitError::Protocol("an object ends early"));
        }
        Ok(())
    }

    /// The content of the object that was asked for last.
    pub(super) fn content(&mut self, size: u64) -> Result<Vec<u8>, GitError> {
        let mut content = Vec::new();
        self.copy(size, &mut content)?;
        Ok(content)
    }
}
