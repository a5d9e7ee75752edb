use super::fixtures::{Repo, repo};
use super::*;
use crate::oci::Digest;
use crate::store::Store;
use crate::tree::Tree;
use std::path::Path;
use tempfile::TempDir;

fn address(text: &str) -> Result<String, String> {
    text.parse::<Address>().map(|address| address.to_string()).map_err(|error| error.to_string())
}

#[test]
fn addresses_are_read_and_told_as_uris() {
    let cases = [
        ("https://example.com/acme/docs.git", "https://example.com/acme/docs.git"),
        ("https://EXAMPLE.com:8443/a%20b/", "https://example.com:8443/a%20b/"),
        ("http://example.com/a", "http://example.com/a"),
        ("ssh://git@example.com:2222/acme/docs", "ssh://git@example.com:2222/acme/docs"),
        ("ssh://[::1]/a", "ssh://[::1]/a"),
        ("git@example.com:acme/docs.git", "ssh://git@example.com/acme/docs.git"),
        ("alias:docs", "ssh://alias/docs"),
        ("git@example.com:/srv/docs.git", "ssh://git@example.com/srv/docs.git"),
        ("file:///srv/docs.git", "file:///srv/docs.git"),
    ];
    for (text, uri) in cases {
        let read: Address = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(read.uri(), uri, "{text}");
        assert_eq!(read.to_string().parse::<Address>(), Ok(read), "{text}");
    }
}

#[test]
fn what_git_could_take_for_something_else_is_no_address() {
    let cases = [
        ("--upload-pack=x", "git would take it for an option"),
        ("ext::sh -c id", "`ext::` names a helper, a program that git would start"),
        ("file::/srv/x", "`file::` names a helper, a program that git would start"),
        ("fd::17", "`fd::` names a helper, a program that git would start"),
        ("git://example.com/x", "git is not asked over `git:`: only https, ssh, http and file are allowed"),
        ("ftp://example.com/x", "git is not asked over `ftp:`: only https, ssh, http and file are allowed"),
        ("https://me:secret@example.com/x", "the address holds a password"),
        ("https://token@example.com/x", "the address holds a user name or a token"),
        ("ssh://me:secret@example.com/x", "the address holds a password"),
    ];
    for (text, said) in cases {
        assert_eq!(address(text), Err(said.to_owned()), "{text}");
    }
    let malformed = [
        "",
        " ",
        "https://",
        "https://example.com",
        "https://example.com/",
        "https://example.com/x?a=1",
        "https://example.com/x#y",
        "https://example.com/a%0ab",
        "https://exa mple.com/x",
        "ssh://-oProxyCommand=x/y",
        "ssh://-o@example.com/y",
        "ssh://a%20-o@example.com/y",
        "ssh://%2Dx/y",
        "-oProxyCommand=x:y",
        "git@-oProxyCommand=x:y",
        "git@example.com:-x",
        "docs",
        "../docs",
        "/srv/docs",
        "file://example.com/srv",
        "file:///",
        "git@exa\\mple.com:x",
    ];
    for text in malformed {
        assert!(address(text).is_err(), "{text}");
    }
}

#[test]
fn submodules_are_where_git_looks_for_them() {
    let cases = [
        ("https://example.com/acme/docs.git", "../lib.git", Some("https://example.com/acme/lib.git")),
        ("https://example.com/acme/docs/", "./lib", Some("https://example.com/acme/docs/lib")),
        ("https://example.com/docs", "../../lib", None),
        ("git@example.com:acme/docs.git", "../lib.git", Some("git@example.com:acme/lib.git")),
        ("git@example.com:docs.git", "../lib.git", Some("git@example.com:lib.git")),
        ("git@example.com:/srv/docs.git", "../lib.git", Some("git@example.com:/srv/lib.git")),
        ("file:///srv/docs", "../lib", Some("file:///srv/lib")),
        ("file:///srv/docs", "http://example.com/lib", None),
        ("http://example.com/docs", "http://example.com/lib", Some("http://example.com/lib")),
        ("ssh://example.com/docs", "http://example.com/lib", None),
        ("ssh://example.com/docs", "https://example.com/lib", Some("https://example.com/lib")),
        ("https://example.com/docs", "file:///home", None),
        ("https://example.com/docs", "ext::sh -c id", None),
        ("https://example.com/docs", "-x", None),
        ("https://example.com/docs", "lib", None),
    ];
    for (parent, url, expected) in cases {
        let found = parent.parse::<Address>().unwrap().submodule(url).ok().map(|address| address.to_string());
        assert_eq!(found.as_deref(), expected, "{parent} {url}");
    }
}

#[test]
fn revisions_are_names_that_git_knows_or_commits() {
    for name in ["main", "v1.2", "feature/x", "refs/heads/x", "HEAD", "a@b", "ünï", "deadbeef"] {
        assert_eq!(Revision::parse(name), Ok(Revision::Name(name.into())));
    }
    let commit = "0123456789ABCDEF0123456789abcdef01234567";
    assert_eq!(Revision::parse(commit), Ok(Revision::Commit(commit.to_lowercase().parse().unwrap())));
    let wrong = [
        "",
        "-x",
        "--upload-pack=x",
        "a b",
        "a..b",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "a*",
        "a[",
        "a\\b",
        "a@{1}",
        "@",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a/.b",
        "a.lock",
        "a.",
        "a\n",
        "main:refs/heads/x",
    ];
    for name in wrong {
        assert!(Revision::parse(name).is_err(), "{name}");
    }
    let id: CommitId = "1".repeat(40).parse().unwrap();
    let name = |name: &str| Revision::Name(name.into());
    assert!(name("v1").is_at(Some("refs/tags/v1"), &id) && name("refs/tags/v1").is_at(Some("refs/tags/v1"), &id));
    assert!(!name("v1").is_at(Some("refs/tags/v2"), &id) && !name("v1").is_at(None, &id));
    assert!(Revision::Commit(id.clone()).is_at(None, &id));
}

/// A store, a place for repositories, and a client.
struct Bench {
    folder: TempDir,
    store: Store,
    settings: Settings,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        Bench { folder, store, settings: Settings::default() }
    }

    fn repo(&self, name: &str) -> Repo {
        repo(self.folder.path(), name)
    }

    fn client(&self) -> Client<'_> {
        Client::new(&self.settings, &self.store, &|| false)
    }

    fn resolve(&self, repo: &Repo, name: &str) -> Result<Resolved, GitError> {
        self.client().resolve(&repo.address().parse().unwrap(), Some(&Revision::parse(name).unwrap()))
    }

    fn content(&self, repo: &Repo, commit: &str, subdir: &str, submodules: bool) -> Result<Content, GitError> {
        let (address, commit) = (repo.address().parse().unwrap(), commit.parse().unwrap());
        self.client().content(&Wanted { address, commit, subdir: subdir.into(), submodules })
    }

    /// What is in a tree, a line an entry.
    fn listed(&self, tree: &Digest) -> Vec<String> {
        let tree = Tree::load(&self.store, tree).unwrap();
        let line = |(path, entry): (&crate::tree::TreePath, &crate::tree::Entry)| {
            let what = match (entry.link_target(), entry.content()) {
                (Some(target), _) => format!("-> {}", String::from_utf8_lossy(target)),
                (_, Some(content)) => {
                    format!("{:?}", String::from_utf8(self.store.read(content, 1000).unwrap()).unwrap())
                }
                _ => "folder".into(),
            };
            format!("{path} {:o} {}:{} {what}", entry.mode, entry.uid, entry.gid)
        };
        tree.iter().map(line).collect()
    }

    fn refused(&self, repo: &Repo, commit: &str, submodules: bool) -> String {
        let said = self.content(repo, commit, "", submodules).unwrap_err().to_string();
        said.replace(self.folder.path().to_str().unwrap(), "[root]").replace(commit, "[commit]")
    }

    /// Nothing of git stays in the store.
    fn is_clear(&self) -> bool {
        let tmp = walk(&self.store.root().join("tmp"));
        !tmp.iter().any(|path| path.ends_with("HEAD"))
    }
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
#[ignore = "needs git"]
fn a_commit_becomes_a_tree_without_a_checkout() {
    for format in ["sha1", "sha256"] {
        let bench = Bench::new();
        let repo = Repo::new(bench.folder.path().join("docs"), format);
        // What a checkout would convert or leave out stays as it is.
        let attributes = repo.blob("* text eol=crlf ident export-ignore filter=lfs\n");
        let (page, link) = (repo.blob("$Id$\na\n"), repo.blob("/etc/passwd"));
        let inner = repo.tree(&[("100755", "run", &page), ("120000", "way-out", &link)]);
        let tree =
            repo.tree(&[("100644", ".gitattributes", &attributes), ("100664", "a", &page), ("40000", "b", &inner)]);
        let commit = repo.commit("main", &tree);
        let content = bench.content(&repo, &commit, "", false).unwrap();
        let expected = [
            "/.gitattributes 644 0:0 \"* text eol=crlf ident export-ignore filter=lfs\\n\"",
            "/a 644 0:0 \"$Id$\\na\\n\"",
            "/b 755 0:0 folder",
            "/b/run 755 0:0 \"$Id$\\na\\n\"",
            "/b/way-out 777 0:0 -> /etc/passwd",
        ];
        assert_eq!(bench.listed(&content.tree), expected, "{format}");
        assert_eq!(bench.resolve(&repo, "main").unwrap().commit.as_str(), commit, "{format}");
        let part = bench.content(&repo, &commit, "b", false).unwrap();
        assert_eq!(bench.listed(&part.tree).len(), 2);
        assert!(bench.is_clear());
        // It is never fetched twice.
        std::fs::remove_dir_all(bench.folder.path().join("docs")).unwrap();
        assert_eq!(bench.content(&repo, &commit, "", false).unwrap(), content);
    }
}

#[test]
#[ignore = "needs git"]
fn names_mean_what_git_means_by_them() {
    let bench = Bench::new();
    let repo = bench.repo("docs");
    let first = repo.manual("1\n");
    repo.tag("v1", &first);
    repo.git(&["tag", "-a", "-m", "of a tag", "twice", "v1"], b"");
    repo.git(&["tag", "light", &first], b"");
    let second = repo.manual("2\n");
    repo.commit("v2", "HEAD^{tree}");
    repo.git(&["tag", "v2", &first], b"");
    let found = |name: &str| {
        let resolved = bench.resolve(&repo, name).unwrap();
        (resolved.reference.unwrap_or_default(), resolved.commit.to_string())
    };
    for (name, reference, commit) in [
        ("v1", "refs/tags/v1", &first),
        ("twice", "refs/tags/twice", &first),
        ("light", "refs/tags/light", &first),
        ("main", "refs/heads/main", &second),
        ("refs/heads/main", "refs/heads/main", &second),
        ("HEAD", "HEAD", &second),
        ("refs/tags/v2", "refs/tags/v2", &first),
    ] {
        assert_eq!(found(name), (reference.to_owned(), commit.clone()), "{name}");
    }
    let said = |name: &str| bench.resolve(&repo, name).unwrap_err().to_string().replace(&repo.address(), "[docs]");
    assert_eq!(said("v2"), "`v2` is a branch and a tag of [docs]: write `refs/tags/v2` or `refs/heads/v2`");
    assert_eq!(said("mian"), "[docs] has no branch and no tag `mian`; did you mean `main`?");
    assert_eq!(
        said(&first[..12]),
        format!("[docs] has no branch and no tag `{}`; a commit is named with all its 40 digits", &first[..12])
    );
    let tree = repo.git(&["rev-parse", "main^{tree}"], b"");
    repo.git(&["tag", "files", &tree], b"");
    let files = found("files").1;
    let error = bench.content(&repo, &files, "", false).unwrap_err();
    assert!(matches!(error, GitError::NotACommit { .. } | GitError::Failed { .. }), "{error}");
    let empty = bench.repo("empty");
    let error = bench.client().resolve(&empty.address().parse().unwrap(), None).unwrap_err();
    assert!(matches!(error, GitError::NoHead(_)), "{error}");
    let missing = "f".repeat(40);
    assert!(
        bench.refused(&repo, &missing, false).ends_with("does not have the commit [commit], or does not give it away")
    );
    let none = bench.content(&repo, &second, "manual/page.txt", false).unwrap_err().to_string();
    assert!(none.ends_with("has no folder `manual/page.txt`: it is a file"), "{none}");
    let none = bench.content(&repo, &second, "nowhere", false).unwrap_err().to_string();
    assert!(none.ends_with("has no folder `nowhere`"), "{none}");
}

#[test]
#[ignore = "needs git"]
fn submodules_are_followed_one_in_another_and_are_empty_folders_otherwise() {
    let bench = Bench::new();
    let (docs, lib, deep) = (bench.repo("docs"), bench.repo("lib"), bench.repo("deep"));
    let at_deep = deep.manual("deep\n");
    let at_lib = lib.with_modules(&[("deep", &deep.address(), &at_deep)]);
    let commit = docs.with_modules(&[("lib", "../lib", &at_lib)]);
    let content = bench.content(&docs, &commit, "", true).unwrap();
    let modules: Vec<String> = content
        .submodules
        .iter()
        .map(|module| format!("{} {} {}", module.path, module.address, module.commit))
        .collect();
    let expected = [format!("lib {} {at_lib}", lib.address()), format!("lib/deep {} {at_deep}", deep.address())];
    assert_eq!(modules, expected);
    assert!(bench.listed(&content.tree).contains(&"/lib/deep/manual/page.txt 644 0:0 \"deep\\n\"".into()));
    let without = bench.content(&docs, &commit, "", false).unwrap();
    assert_eq!(bench.listed(&without.tree)[1..], ["/lib 755 0:0 folder"]);
    let below = bench.content(&docs, &commit, "lib/deep/manual", true).unwrap();
    assert_eq!(bench.listed(&below.tree), ["/page.txt 644 0:0 \"deep\\n\""]);
    // A commit can stand in a repository that it names again; nobody goes round for ever.
    let mut commit = docs.manual("x\n");
    for _ in 0..10 {
        commit = docs.with_modules(&[("again", "../docs", &commit)]);
    }
    let said = bench.refused(&docs, &commit, true);
    assert!(said.ends_with("is refused: submodules are more than 8 deep in one another"), "{said}");
}

#[test]
#[ignore = "needs git"]
fn hostile_repositories_are_refused() {
    let bench = Bench::new();
    let repo = bench.repo("docs");
    let blob = repo.blob("x");
    for name in ["..", ".", ".git", ".GiT", "a/b"] {
        let inner = repo.tree(&[("100644", name, &blob)]);
        let commit = repo.commit("main", &repo.tree(&[("40000", "a", &inner)]));
        let said = bench.refused(&repo, &commit, false);
        assert!(said.starts_with("git cannot fetch from file://[root]/docs:") && said.contains("fsck error"), "{said}");
    }
    // git lets this one pass.
    let commit = repo.commit("main", &repo.tree(&[("100644", "a", &blob), ("120000", "b", &repo.blob("x\0y"))]));
    let said = bench.refused(&repo, &commit, false);
    assert!(said.contains("is refused: the symbolic link /b leads nowhere") || said.contains("fsck error"), "{said}");
    let there = repo.manual("x\n");
    for url in ["ext::sh -c touch% /tmp/x", "--upload-pack=touch /tmp/x", "git://example.com/x"] {
        let commit = repo.with_modules(&[("lib", url, &there)]);
        let said = bench.refused(&repo, &commit, true);
        let by_kiln =
            said.starts_with("the submodule `lib` of file://[root]/docs at [commit] is refused: its address is");
        assert!(by_kiln || said.contains("fsck error"), "{url}: {said}");
        assert!(!by_kiln || said.contains(url), "{said}");
    }
    let commit = repo.commit("main", &repo.tree(&[("160000", "lib", &there)]));
    let said = bench.refused(&repo, &commit, true);
    assert!(said.ends_with("is refused: `.gitmodules` does not say where it is"), "{said}");
    assert!(bench.is_clear());
}

#[test]
fn nothing_is_asked_offline_or_without_git() {
    let mut bench = Bench::new();
    let address: Address = "https://example.com/docs.git".parse().unwrap();
    bench.settings.program = Some(bench.folder.path().join("git"));
    let said = bench.client().resolve(&address, None).unwrap_err().to_string();
    assert_eq!(
        said,
        "https://example.com/docs.git is to be asked by git, and there is no program `git`: install it (Debian and \
         Ubuntu: `apt-get install git`)"
    );
    bench.settings.offline = true;
    let said = bench.client().resolve(&address, None).unwrap_err().to_string();
    assert_eq!(
        said,
        "the commit of HEAD of https://example.com/docs.git is needed, but kiln runs offline: run it once without `--offline`"
    );
    let commit: CommitId = "1".repeat(40).parse().unwrap();
    let wanted = Wanted { address, commit: commit.clone(), subdir: String::new(), submodules: false };
    let said = bench.client().content(&wanted).unwrap_err().to_string();
    assert_eq!(
        said,
        format!(
            "commit {commit} of https://example.com/docs.git is needed, but kiln runs offline: run it once without `--offline`"
        )
    );
}
