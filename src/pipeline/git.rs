//! What git knows of a project: the commit, its time, where it comes from.
//!
//! The repository is somebody's data. Only plumbing is asked, with everything
//! switched off by which a repository's own configuration could start programs;
//! whether files were changed is asked only of a repository that belongs to the
//! user, because answering may run the filters that its configuration names.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// The commit that a project stands at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its name in hexadecimal digits.
    pub id: String,
    /// When it was made: seconds since 1970.
    pub time: i64,
    /// Whether the files are those of the commit: nothing changed, nothing added.
    /// None where git would not say, because the repository belongs to somebody else.
    pub clean: Option<bool>,
    /// The public address of the repository, without credentials; none where it has none.
    pub origin: Option<String>,
}

/// What git says of the project in `folder`; none without git, repository or commit.
pub fn commit(folder: &Path) -> Option<Commit> {
    let root = folder.ancestors().find(|folder| folder.join(".git").exists())?;
    let git = Git { folder, root };
    // To start git takes longer than most answers, so all is asked at once.
    std::thread::scope(|threads| {
        let head = threads.spawn(|| git.ask(&["rev-list", "--max-count=1", "--timestamp", "HEAD"]));
        let origin = threads.spawn(|| git.ask(&["config", "--get", "remote.origin.url"]));
        let status = ["status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=none", "."];
        let clean = belongs_to_user(root)
            .then(|| git.ask(&status))
            .map(|status| status.is_some_and(|text| text.trim().is_empty()));
        let [head, origin] = [head, origin].map(|answer| answer.join().ok().flatten());
        let head = head?;
        let (time, id) = head.trim_end().split_once(' ')?;
        let origin = origin.and_then(|url| public(url.trim()));
        Some(Commit { id: id.to_owned(), time: time.parse().ok()?, clean, origin })
    })
}

/// Somebody's repository.
struct Git<'a> {
    /// The folder that is asked about.
    folder: &'a Path,
    /// The folder above it, or itself, that has a `.git`.
    root: &'a Path,
}

impl Git<'_> {
    /// Runs git with nothing of the repository's configuration that could start a program.
    fn ask(&self, args: &[&str]) -> Option<String> {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.folder)
            .args(["--no-pager", "--no-optional-locks", "--no-replace-objects"])
            .args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"])
            .args(["-c", &format!("safe.directory={}", self.root.display())])
            .args(args)
            .env("LC_ALL", "C")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null())
            .output()
            .ok()?;
        output.status.success().then(|| String::from_utf8(output.stdout).ok()).flatten()
    }
}

fn belongs_to_user(root: &Path) -> bool {
    let user = rustix::process::geteuid().as_raw();
    [root.to_owned(), root.join(".git")].iter().all(|p| std::fs::metadata(p).is_ok_and(|m| m.uid() == user))
}

/// A remote's address if others can use it: neither a path of this machine nor its credentials.
fn public(url: &str) -> Option<String> {
    if let Ok(mut parsed) = url::Url::parse(url)
        && matches!(parsed.scheme(), "https" | "http" | "ssh" | "git")
        && parsed.host_str().is_some_and(|host| !host.is_empty())
    {
        parsed.set_password(None).ok()?;
        if parsed.scheme() != "ssh" {
            parsed.set_username("").ok()?;
        }
        parsed.set_query(None);
        return Some(parsed.to_string());
    }
    // The short form of ssh: `git@example.com:acme/hello.git`.
    let (host, path) = url.split_once(':')?;
    (host.contains('@') && !host.contains('/') && !path.starts_with('/')).then(|| format!("ssh://{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_secrets_and_paths_of_this_machine_do_not_count() {
        let cases = [
            ("https://user:token@example.com/a/b.git?x=1", Some("https://example.com/a/b.git")),
            ("git@example.com:a/b.git", Some("ssh://git@example.com/a/b.git")),
            ("ssh://git@example.com/a", Some("ssh://git@example.com/a")),
            ("/home/somebody/project", None),
            ("../project", None),
            ("file:///srv/git/x", None),
            ("", None),
        ];
        for (url, expected) in cases {
            assert_eq!(public(url).as_deref(), expected, "{url}");
        }
    }
}
