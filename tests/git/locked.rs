//! What the lock pins, and what is asked for and when.

use super::Site;
use crate::support::files;
use crate::support::http::{Reply, Server};
use crate::support::program::World;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

/// The same as whoever runs the test, and, where that is root, as an ordinary user.
fn everybody(test: impl Fn(World) -> Vec<String>) {
    let own = test(World::new());
    if rustix::process::geteuid().is_root() {
        assert_eq!(test(World::of_user(4711)), own, "an ordinary user gets the same");
    }
}

#[test]
#[ignore = "needs git"]
fn a_commit_is_locked_built_and_built_again_without_anybody() {
    everybody(|world| {
        let site = Site::within(world, "git \"https://git.test/docs\" ref=\"v1\"");
        let docs = site.repo("docs");
        let commit = docs.manual("first\n");
        docs.tag("v1", &commit);
        site.docs("git \"https://git.test/docs\" ref=\"v1\"");
        site.lock(&[]).run().done().says("wrote [root]/project/kiln.lock\n").warns("");
        let lock = site.lock_text();
        let row = lock.lines().last().unwrap();
        let tree = row.rsplit('"').nth(1).unwrap();
        assert_eq!(
            row,
            format!(
                "git \"docs\" url=\"https://git.test/docs\" ref=\"refs/tags/v1\" commit=\"{commit}\" tree=\"{tree}\""
            )
        );
        site.lock(&["--check"]).run().done().says("[root]/project/kiln.lock is up to date\n").warns("");
        site.build(&["--locked"]).run().done();
        assert_eq!(site.text("docs/manual/page.txt"), "first\n");
        let listing = files::contents(&site.world.path("home/tree"));
        // What was read is never asked for again, by nobody.
        fs::remove_dir_all(site.world.project().join("repositories")).unwrap();
        site.build(&["--locked", "--offline"]).run().done();
        assert_eq!(files::contents(&site.world.path("home/tree")), listing);
        // Content that was lost is fetched again, which needs the repository.
        fs::remove_dir_all(site.world.path("store/blobs")).unwrap();
        let said = site.build(&["--locked", "--offline"]).run().code(1);
        assert_eq!(
            said.stderr,
            format!(
                "error: source docs: commit {commit} of https://git.test/docs is needed, but kiln runs offline: run it once without `--offline`\n"
            )
        );
        listing.into_iter().chain([lock]).collect()
    });
}

#[test]
#[ignore = "needs git"]
fn a_moved_tag_changes_nothing_until_it_is_to_be_updated() {
    let site = Site::new("git \"https://git.test/docs\"");
    let docs = site.repo("docs");
    let first = docs.manual("first\n");
    site.build(&[]).run().done();
    assert!(site.lock_text().contains(&format!("ref=\"HEAD\" commit=\"{first}\"")), "{}", site.lock_text());
    let second = docs.manual("second\n");
    site.lock(&[]).run().done().says("[root]/project/kiln.lock is up to date\n");
    fs::remove_dir_all(site.world.path("store")).unwrap();
    site.build(&["--locked"]).run().done();
    assert_eq!(site.text("docs/manual/page.txt"), "first\n", "the first commit is still in the repository");
    site.lock(&["--update", "docs"]).run().done().says("wrote [root]/project/kiln.lock\n");
    assert!(site.lock_text().contains(&second), "{}", site.lock_text());
    site.build(&["--locked"]).run().done();
    assert_eq!(site.text("docs/manual/page.txt"), "second\n");
    site.docs("git \"https://git.test/docs\" subdir=\"manual\"");
    let said = site.build(&["--locked"]).run().code(3);
    assert_eq!(
        said.stderr,
        "error: the lock is stale: source docs has another address, `ref` or part of it\n\
         run `kiln lock` and commit [root]/project/kiln.lock\n"
    );
    // A part of it is a part of the commit that is locked.
    docs.manual("third\n");
    site.build(&[]).run().done();
    assert_eq!(site.text("docs/page.txt"), "second\n");
    site.docs(&format!("git \"https://git.test/docs\" ref=\"{first}\""));
    site.build(&[]).run().done();
    assert_eq!(site.text("docs/manual/page.txt"), "first\n");
    assert!(!site.lock_text().contains("ref="), "{}", site.lock_text());
}

#[test]
#[ignore = "needs git"]
fn what_the_store_lost_is_fetched_again() {
    let site = Site::new("git \"https://git.test/docs\"");
    site.repo("docs").manual("kept and lost\n");
    site.build(&[]).run().done();
    let content = kiln::oci::Digest::of("kept and lost\n").hex();
    let blob = site.world.path("store/blobs/sha256").join(&content[..2]).join(&content[2..]);
    for damage in ["gone", "other content"] {
        match damage {
            "gone" => fs::remove_file(&blob).unwrap(),
            other => fs::write(&blob, other).unwrap(),
        }
        site.build(&["--locked"]).run().done();
        assert_eq!(site.text("docs/manual/page.txt"), "kept and lost\n", "{damage}");
    }
    // What has nothing to do with it can be made anew without the repository.
    fs::remove_dir_all(site.world.project().join("repositories")).unwrap();
    let lock = site.lock_text();
    let tree = lock.trim_end().rsplit('"').nth(1).unwrap().to_owned();
    let kept = [tree, content, kiln::oci::Digest::of("#!/bin/sh\n").hex()];
    for folder in fs::read_dir(site.world.path("store/blobs/sha256")).unwrap().map(|entry| entry.unwrap()) {
        for blob in fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap()) {
            let digest = format!("{}{}", folder.file_name().display(), blob.file_name().display());
            if !kept.contains(&digest) {
                fs::remove_file(blob.path()).unwrap();
            }
        }
    }
    site.build(&["--locked", "--offline"]).run().done();
    assert_eq!(site.text("docs/manual/page.txt"), "kept and lost\n");
}

#[test]
#[ignore = "needs git"]
fn what_is_not_there_is_pointed_at() {
    let site = Site::new("git \"https://git.test/docs\" ref=\"v2\"");
    let docs = site.repo("docs");
    let commit = docs.manual("first\n");
    docs.tag("v1", &commit);
    site.lock(&[]).run().code(3).says("").warns(
        "lock::git\n\n  × https://git.test/docs has no branch and no tag `v2`; did you mean `v1`?\n   ╭─[kiln.kdl:2:49]\n \
         1 │ kiln 1\n 2 │ source \"docs\" { git \"https://git.test/docs\" ref=\"v2\" }\n   \
         ·                                                 ──┬─\n   \
         ·                                                   ╰── not there\n \
         3 │ image \"registry.test/x\" { copy \".\" from=\"docs\" to=\"/docs\" }\n   ╰────\n  \
         help: see specs/language/source.md\n\n",
    );
    site.docs("git \"https://git.test/docs\" subdir=\"manuel\"");
    let said = site.lock(&[]).run().code(3).stderr;
    let words = said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    assert!(words.contains(&format!("× commit {commit} of https://git.test/docs has no folder `manuel`")), "{said}");
    assert!(said.contains("╭─[kiln.kdl:2:52]"), "{said}");
    site.docs(&format!("git \"https://git.test/docs\" ref=\"{}\"", "f".repeat(40)));
    let said = site.lock(&[]).run().code(3).stderr;
    assert!(said.contains("https://git.test/docs does not have the commit"), "{said}");
    assert!(said.contains("╭─[kiln.kdl:2:49]"), "{said}");
    site.docs("git \"https://git.test/nowhere\"");
    site.lock(&[]).run().code(7).says("").warns(
        "error: source docs: git cannot list the references of https://git.test/nowhere:\n  \
         fatal: '[root]/project/repositories/nowhere' does not appear to be a git repository\n  \
         fatal: Could not read from remote repository.\n  \
         Please make sure you have the correct access rights\n  and the repository exists.\n\
         kiln asks as `git ls-remote https://git.test/nowhere` does, but lets git ask nobody for a password: see \
         whether that answers\n",
    );
}

#[test]
#[ignore = "needs git"]
fn another_tree_than_the_locked_one_is_refused() {
    let site = Site::new("git \"https://git.test/docs\"");
    site.repo("docs").manual("first\n");
    site.lock(&[]).run().done();
    let lock = site.lock_text();
    let tree = lock.trim_end().rsplit('"').nth(1).unwrap();
    site.world.write("kiln.lock", lock.replace(tree, &"0".repeat(64)));
    site.build(&["--locked"]).run().code(3).says("").warns(
        "error: source docs: the lock says that the tree of its commit is sha256:[digest], but what was fetched has \
         sha256:[digest]: either the lock was changed by hand, or another commit goes by the same name\n",
    );
    site.world.write("kiln.lock", lock.replace("commit=\"", "commit=\"x"));
    let said = site.build(&["--locked"]).run().code(3);
    assert!(said.stderr.contains("`commit` is not 40 or 64 hexadecimal digits"), "{}", said.stderr);
}

#[test]
fn a_machine_without_git_is_told_what_to_install() {
    let site = Site::new("git \"https://git.test/docs\"");
    let nowhere = site.world.path("tmp").display().to_string();
    site.lock(&[]).env("PATH", nowhere).run().code(1).says("").warns(
        "error: source docs: https://git.test/docs is to be asked by git, and there is no program `git`: install it \
         (Debian and Ubuntu: `apt-get install git`)\n",
    );
}

#[test]
fn an_interrupt_ends_git_and_all_that_it_started() {
    let site = Site::new("git \"https://git.test/docs\"");
    let (folder, pid) = (site.world.path("tmp/bin"), site.world.path("tmp/pid"));
    fs::create_dir(&folder).unwrap();
    let script = format!("#!/bin/sh\n/bin/sleep 1000 & echo $! > {}.new\n/bin/mv {0}.new {0}; wait\n", pid.display());
    fs::write(folder.join("git"), script).unwrap();
    fs::set_permissions(folder.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let child = site.lock(&[]).env("PATH", folder.display().to_string()).start();
    let began = Instant::now();
    while !pid.exists() {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(10));
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "interrupted: what runs is ended, what is finished is kept\nerror: source docs: interrupted\n");
    let sleeper = fs::read_to_string(pid).unwrap();
    let state = fs::read_to_string(format!("/proc/{}/stat", sleeper.trim()));
    assert!(state.is_err() || state.unwrap().contains(") Z "), "what git started runs on");
}

/// A folder of files on a server, which can be asked for nothing but files: all that has a name is fetched then.
#[test]
#[ignore = "needs git"]
fn servers_that_are_only_folders_will_do() {
    let site = Site::new("context \".\"");
    let docs = site.repo("docs");
    let commit = docs.manual("first\n");
    docs.manual("second\n");
    docs.tag("first", &commit);
    docs.git(&["update-server-info"], b"");
    let root = site.world.project().join("repositories");
    let server = Server::start(move |seen| {
        let path = seen.target.split('?').next().unwrap_or_default().trim_start_matches('/');
        match fs::read(root.join(path)) {
            Ok(content) => Reply::ok(content),
            Err(_) => Reply::new(404, "no such file"),
        }
    });
    site.docs(&format!("git \"{}\" ref=\"{commit}\"", server.url("docs").secret()));
    site.build(&[]).run().done();
    assert_eq!(site.text("docs/manual/page.txt"), "first\n");
    // Over http, nothing but a commit will do.
    site.docs(&format!("git \"{}\" ref=\"first\"", server.url("docs").secret()));
    let said = site.build(&[]).run().code(2).stderr;
    assert!(said.contains("plain `http` needs a commit as `ref`"), "{said}");
}
