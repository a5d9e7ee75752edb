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
    let where_and_what = ask(folder, &["rev-parse", "--show-toplevel", "HEAD^{commit}"])?;
    let (root, id) = where_and_what.trim_end().rsplit_once('\n')?;
    let status = ["status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=none", "."];
    // Starting git takes longer than most answers.
    std::thread::scope(|threads| {
        let object = threads.spawn(|| ask(folder, &["cat-file", "commit", id]));
        let origin = threads.spawn(|| ask(folder, &["config", "--get", "remote.origin.url"]));
        let clean = belongs_to_user(Path::new(root))
            .then(|| ask(folder, &status))
            .map(|status| status.is_some_and(|text| text.trim().is_empty()));
        let [object, origin] = [object, origin].map(|answer| answer.join().ok().flatten());
        let origin = origin.and_then(|url| public(url.trim()));
        Some(Commit { id: id.to_owned(), time: committed_at(&object?)?, clean, origin })
    })
}

/// Runs git with nothing of the repository's configuration that could start a program.
fn ask(folder: &Path, args: &[&str]) -> Option<String> {
    let safe = format!("safe.directory={}", folder.ancestors().find(|f| f.join(".git").exists())?.display());
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["--no-pager", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"])
        .args(["-c", &safe])
        .args(args)
        .env("LC_ALL", "C")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).ok()).flatten()
}

fn belongs_to_user(root: &Path) -> bool {
    let user = rustix::process::geteuid().as_raw();
    [root.to_owned(), root.join(".git")].iter().all(|p| std::fs::metadata(p).is_ok_and(|m| m.uid() == user))
}

/// The time in a commit object's `committer` line.
fn committed_at(object: &str) -> Option<i64> {
    let line = object.lines().take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix("committer "))?;
    line.rsplit(' ').nth(1)?.parse().ok()
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

    #[test]
    fn the_committers_time_is_read_from_the_head_of_the_object_only() {
        let object =
            "tree 1\nauthor A <a@b> 5 +0000\ncommitter B C <b@c> 1700000000 +0100\n\ncommitter X <x> 9 +0000\n";
        assert_eq!(committed_at(object), Some(1_700_000_000));
        assert_eq!(committed_at("tree 1\n\ncommitter X <x> 9 +0000\n"), None);
    }
}
