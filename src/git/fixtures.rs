//! Repositories that tests make, object by object: also such as git itself would never make.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A repository on disk.
pub(crate) struct Repo {
    folder: PathBuf,
}

impl Repo {
    /// An empty one, with SHA-1 or with SHA-256.
    pub(crate) fn new(folder: impl Into<PathBuf>, format: &str) -> Self {
        let repo = Repo { folder: folder.into() };
        std::fs::create_dir_all(&repo.folder).unwrap();
        repo.git(&["init", "--quiet", "--bare", "--initial-branch=main", "--object-format", format, "."], b"");
        repo
    }

    /// One around the files of a folder, as users have it.
    pub(crate) fn around(folder: impl Into<PathBuf>) -> Self {
        let repo = Repo { folder: folder.into() };
        repo.git(&["init", "--quiet", "--initial-branch=main", "."], b"");
        repo
    }

    /// A commit of all files around it.
    pub(crate) fn commit_files(&self) -> String {
        self.git(&["add", "--all"], b"");
        self.git(&["commit", "--quiet", "-m", "a commit"], b"");
        self.git(&["rev-parse", "HEAD"], b"")
    }

    pub(crate) fn address(&self) -> String {
        format!("file://{}", self.folder.display())
    }

    /// What git answers.
    pub(crate) fn git(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut command = Command::new("git");
        command.current_dir(&self.folder).args(arguments).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        for (name, value) in [("HOME", "/nowhere"), ("GIT_CONFIG_NOSYSTEM", "1"), ("LC_ALL", "C")] {
            command.env(name, value);
        }
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@example.com");
            command.env(format!("GIT_{who}_DATE"), "1700000000 +0000");
        }
        let mut git = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        git.stdin.take().unwrap().write_all(input).unwrap();
        let output = git.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn blob(&self, content: &str) -> String {
        self.git(&["hash-object", "-w", "--stdin"], content.as_bytes())
    }

    /// A folder with entries of mode, name and object, as they are given.
    pub(crate) fn tree(&self, entries: &[(&str, &str, &str)]) -> String {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            bytes.extend((0..id.len() / 2).map(|i| u8::from_str_radix(&id[2 * i..2 * i + 2], 16).unwrap()));
        }
        self.git(&["hash-object", "-w", "-t", "tree", "--literally", "--stdin"], &bytes)
    }

    /// A commit without parents on a branch.
    pub(crate) fn commit(&self, branch: &str, tree: &str) -> String {
        let commit = self.git(&["commit-tree", tree, "-m", "a commit"], b"");
        self.git(&["update-ref", &format!("refs/heads/{branch}"), &commit], b"");
        commit
    }

    /// An annotated tag.
    pub(crate) fn tag(&self, name: &str, object: &str) {
        self.git(&["tag", "-a", "-m", "a tag", name, object], b"");
    }

    /// A commit on `main` with a small manual: a program, a link, a folder.
    pub(crate) fn manual(&self, text: &str) -> String {
        let (page, program, link) = (self.blob(text), self.blob("#!/bin/sh\n"), self.blob("manual/page.txt"));
        let manual = self.tree(&[("100644", "page.txt", &page)]);
        let entries =
            [("120000", "latest", link.as_str()), ("40000", "manual", &manual), ("100755", "run.sh", &program)];
        let tree = self.tree(&entries);
        self.commit("main", &tree)
    }

    /// A commit on `main` with submodules: path, address and commit of each.
    pub(crate) fn with_modules(&self, modules: &[(&str, &str, &str)]) -> String {
        let section =
            |(path, url, _): &(&str, &str, &str)| format!("[submodule \"{path}\"]\n\tpath = {path}\n\turl = {url}\n");
        let settings = self.blob(&modules.iter().map(section).collect::<String>());
        let mut entries = vec![("100644", ".gitmodules", settings.as_str())];
        entries.extend(modules.iter().map(|(path, _, commit)| ("160000", *path, *commit)));
        self.commit("main", &self.tree(&entries))
    }
}

/// A repository below a folder.
pub(crate) fn repo(folder: &Path, name: &str) -> Repo {
    Repo::new(folder.join(name), "sha1")
}
