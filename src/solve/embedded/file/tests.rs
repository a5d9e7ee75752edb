//! File operations, one action at a time and in chains.
//!
//! Trees are written as lines: `a/ 755`, `a/f 644 content`, `a/l -> target`, with
//! `@uid:gid` where the owner is not root and `t=seconds` where there is a time.

use super::*;
use crate::llb::pb::{FileActionCopy, FileActionMkDir, FileActionMkFile, FileActionRm, FileActionSymlink};
use crate::tree::{Entry, LinkId, Node};
use file_action::Action;

mod archives;
mod patterns;
mod recorded;

struct Bench {
    store: Store,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Bench { store: Store::open(dir.path()).unwrap(), _dir: dir }
    }

    fn tree(&self, lines: &[&str]) -> Tree {
        let mut tree = Tree::new();
        for line in lines {
            let (path, entry) = self.entry(line);
            if let Some(parent) = path.parent() {
                tree.make_dirs(&parent, &Entry::dir(0o755)).unwrap();
            }
            tree.insert(path, entry).unwrap();
        }
        tree
    }

    fn entry(&self, line: &str) -> (TreePath, Entry) {
        let mut words = line.split(' ');
        let name = words.next().unwrap();
        let rest: Vec<&str> = words.collect();
        let mut entry = match rest.first().copied() {
            Some("->") => Entry::symlink(rest[1]),
            mode => {
                let mode = u16::from_str_radix(mode.unwrap_or("755"), 8).unwrap();
                if name.ends_with('/') {
                    Entry::dir(mode)
                } else {
                    let content = rest.get(1).filter(|w| !w.starts_with('@') && !w.starts_with("t=")).unwrap_or(&"");
                    Entry::file(self.store.put(content.as_bytes()).unwrap(), content.len() as u64, mode)
                }
            }
        };
        for word in rest {
            if let Some((uid, gid)) = word.strip_prefix('@').and_then(|owner| owner.split_once(':')) {
                entry = entry.owned_by(uid.parse().unwrap(), gid.parse().unwrap());
            } else if let Some(time) = word.strip_prefix("t=") {
                entry = entry.modified_at(Some(time.parse().unwrap()));
            }
        }
        (TreePath::from_user(name).unwrap(), entry)
    }

    fn show(&self, tree: &Tree) -> Vec<String> {
        let line = |(path, entry): (&TreePath, &Entry)| {
            let path = path.to_string();
            let path = path.trim_start_matches('/');
            let mut line = match &entry.node {
                Node::Dir => format!("{path}/ {:o}", entry.mode),
                Node::Symlink { target } => format!("{path} -> {}", String::from_utf8_lossy(target)),
                Node::File { content, .. } => {
                    let text = String::from_utf8(self.store.read(content, 1000).unwrap()).unwrap();
                    format!("{path} {:o} {text}", entry.mode).trim_end().to_owned()
                }
                _ => format!("{path} {}", entry.kind()),
            };
            if (entry.uid, entry.gid) != (0, 0) {
                line += &format!(" @{}:{}", entry.uid, entry.gid);
            }
            if let Some(time) = entry.mtime {
                line += &format!(" t={time}");
            }
            line
        };
        tree.iter().map(line).collect()
    }

    /// Runs actions one after the other on `base`; copies take from `from`.
    fn run(&self, base: &Tree, from: &Tree, actions: Vec<Action>) -> Result<Change, FileError> {
        let input = |tree: &Tree| Input { tree: Arc::new(tree.clone()), ..Input::default() };
        let last = actions.len() - 1;
        let actions = actions.into_iter().enumerate().map(|(i, action)| pb::FileAction {
            input: if i == 0 { 0 } else { i as i64 + 1 },
            secondary_input: 1,
            output: if i == last { 0 } else { -1 },
            action: Some(action),
        });
        let op = pb::FileOp { actions: actions.collect() };
        Ok(run(&op, vec![input(base), input(from)], &self.store)?.remove(0))
    }

    fn check(&self, base: &[&str], from: &[&str], actions: Vec<Action>, expected: &[&str]) {
        let words = format!("{actions:?}");
        match self.run(&self.tree(base), &self.tree(from), actions) {
            Ok(change) => assert_eq!(self.show(&change.entries), expected, "{words}"),
            Err(error) => panic!("{error}: {words}"),
        }
    }

    fn fail(&self, base: &[&str], from: &[&str], action: Action, words: &str) {
        let shown = format!("{action:?}");
        match self.run(&self.tree(base), &self.tree(from), vec![action]) {
            Ok(change) => panic!("{:?} came out of {shown}", self.show(&change.entries)),
            Err(error) => assert!(error.to_string().contains(words), "{error}: {shown}"),
        }
    }
}

fn copy(src: &str, dest: &str) -> FileActionCopy {
    FileActionCopy {
        src: src.into(),
        dest: dest.into(),
        mode: -1,
        timestamp: -1,
        create_dest_path: true,
        ..FileActionCopy::default()
    }
}

fn mkdir(path: &str, mode: i32) -> FileActionMkDir {
    FileActionMkDir { path: path.into(), mode, timestamp: -1, ..FileActionMkDir::default() }
}

fn mkfile(path: &str, data: &str) -> FileActionMkFile {
    FileActionMkFile { path: path.into(), mode: 0o644, data: data.into(), timestamp: -1, ..FileActionMkFile::default() }
}

fn symlink(path: &str, target: &str) -> FileActionSymlink {
    let (newpath, oldpath) = (path.into(), target.into());
    FileActionSymlink { newpath, oldpath, timestamp: -1, ..FileActionSymlink::default() }
}

fn rm(path: &str) -> FileActionRm {
    FileActionRm { path: path.into(), ..FileActionRm::default() }
}

fn owner(user: &str, group: Option<&str>) -> Option<pb::ChownOpt> {
    let account = |name: &str| pb::UserOpt {
        user: Some(match name.parse() {
            Ok(id) => pb::user_opt::User::ById(id),
            Err(_) => pb::user_opt::User::ByName(pb::NamedUserOpt { name: name.into(), input: 0 }),
        }),
    };
    Some(pb::ChownOpt { user: (!user.is_empty()).then(|| account(user)), group: group.map(account) })
}

#[test]
fn where_a_copied_file_goes() {
    let bench = Bench::new();
    for (base, dest, expected) in [
        (&[][..], "/g", &["g 644 x"][..]),
        (&[], "/d/", &["d/ 755", "d/f 644 x"]),
        (&[], "/d/e/g", &["d/ 755", "d/e/ 755", "d/e/g 644 x"]),
        (&["d/ 700"], "/d", &["d/ 700", "d/f 644 x"]),
        (&["d/ 700"], "/d/.", &["d/ 700", "d/f 644 x"]),
        (&["g 600 old @5:5"], "/g", &["g 644 x"]),
        (&["d/ 700", "l -> d"], "/l", &["d/ 700", "d/f 644 x", "l -> d"]),
        (&["d/ 700", "l -> d"], "/l/", &["d/ 700", "d/f 644 x", "l -> d"]),
        (&["d/ 700", "l -> /d"], "/l/g", &["d/ 700", "d/g 644 x", "l -> /d"]),
        (&["g 600 old", "l -> g"], "/l", &["g 644 x", "l -> g"]),
        (&["d/f -> ../elsewhere"], "/d/", &["d/ 755", "d/f 644 x"]),
        (&[], "/", &["f 644 x"]),
        (&[], ".", &["f 644 x"]),
        (&[], "", &["f 644 x"]),
    ] {
        bench.check(base, &["a/f 644 x"], vec![Action::Copy(copy("/a/f", dest))], expected);
    }
}

#[test]
fn where_a_copied_directory_goes() {
    let bench = Bench::new();
    let from = &["a/ 711", "a/b/ 700", "a/b/f 644 x", "a/l -> b/f"];
    let whole = |target: &str| Action::Copy(copy("/a", target));
    let contents = |target: &str| Action::Copy(FileActionCopy { dir_copy_contents: true, ..copy("/a", target) });
    bench.check(&[], from, vec![whole("/n")], &["n/ 711", "n/b/ 700", "n/b/f 644 x", "n/l -> b/f"]);
    bench.check(
        &["n/ 755"],
        from,
        vec![whole("/n")],
        &["n/ 755", "n/a/ 711", "n/a/b/ 700", "n/a/b/f 644 x", "n/a/l -> b/f"],
    );
    bench.check(&[], from, vec![contents("/n")], &["n/ 755", "n/b/ 700", "n/b/f 644 x", "n/l -> b/f"]);
    // The topmost keeps its metadata, those in it take that of the source.
    bench.check(
        &["n/ 701 @7:7", "n/b/ 702 @7:7"],
        from,
        vec![contents("/n")],
        &["n/ 701 @7:7", "n/b/ 700", "n/b/f 644 x", "n/l -> b/f"],
    );
    let root = |dest: &str| Action::Copy(FileActionCopy { dir_copy_contents: true, ..copy("/", dest) });
    bench.check(&[], &["f 644 x"], vec![root("/")], &["f 644 x"]);
    bench.check(&[], &["f 644 x"], vec![root("/n")], &["n/ 755", "n/f 644 x"]);
}

#[test]
fn what_meets_a_copy() {
    let bench = Bench::new();
    let plain = |src: &str, dest: &str| Action::Copy(copy(src, dest));
    let replace = |src: &str, dest: &str| {
        Action::Copy(FileActionCopy { always_replace_existing_dest_paths: true, ..copy(src, dest) })
    };
    let from = &["f 644 x", "d/g 644 y", "l -> f"];
    bench.fail(&["n/f/ 755"], from, plain("/f", "/n/"), "is a directory");
    bench.fail(&["d 644 old"], from, plain("/d", "/"), "not a directory");
    bench.fail(&["n/d -> /elsewhere"], from, plain("/d", "/n/"), "not a directory");
    bench.fail(&["n 644 x"], from, plain("/f", "/n/"), "not a directory");
    bench.fail(&["n 644 x"], from, plain("/f", "/n/m/o"), "not a directory");
    bench.fail(&["n 644 x"], from, plain("/d", "/n"), "not a directory");
    bench.check(&["n/f/deep 644 old"], from, vec![replace("/f", "/n/")], &["n/ 755", "n/f 644 x"]);
    bench.check(&["n/d 644 old"], from, vec![replace("/d", "/n/")], &["n/ 755", "n/d/ 755", "n/d/g 644 y"]);
    bench.check(&["l 644 old"], from, vec![plain("/l", "/")], &["l -> f"]);
    bench.fail(&[], from, plain("/missing", "/"), "/missing does not exist");
    let strict = Action::Copy(FileActionCopy { create_dest_path: false, ..copy("/f", "/n/m") });
    bench.fail(&[], from, strict, "/n does not exist");
}

#[test]
fn links_in_a_source_are_followed_on_request_only() {
    let bench = Bench::new();
    let from = &["d/f 644 x", "dir -> d", "file -> d/f", "up -> ../../../d/f", "loop -> loop"];
    let follow = |src: &str| Action::Copy(FileActionCopy { follow_symlink: true, ..copy(src, "/n") });
    bench.check(&[], from, vec![Action::Copy(copy("/file", "/n"))], &["n -> d/f"]);
    bench.check(&[], from, vec![follow("/file")], &["n 644 x"]);
    bench.check(&[], from, vec![follow("/up")], &["n 644 x"]);
    bench.check(&[], from, vec![follow("/dir")], &["n/ 755", "n/f 644 x"]);
    bench.check(&[], from, vec![Action::Copy(copy("/dir/f", "/n"))], &["n 644 x"]);
    bench.fail(&[], from, follow("/loop"), "too many symbolic links");
}

#[test]
fn owners_modes_and_times_of_copies() {
    let bench = Bench::new();
    let from = &["d/ 750 @5:5 t=10", "d/f 4711 x @6:6 t=11", "d/l -> f @7:7"];
    let with = |change: &dyn Fn(&mut FileActionCopy)| {
        let mut action = copy("/d", "/n/m");
        change(&mut action);
        Action::Copy(action)
    };
    bench.check(
        &[],
        from,
        vec![with(&|_| {})],
        &["n/ 755", "n/m/ 750 @5:5 t=10", "n/m/f 4711 x @6:6 t=11", "n/m/l -> f @7:7"],
    );
    bench.check(
        &[],
        from,
        vec![with(&|c| c.owner = owner("1", Some("2")))],
        &["n/ 755 @1:2", "n/m/ 750 @1:2 t=10", "n/m/f 4711 x @1:2 t=11", "n/m/l -> f @1:2"],
    );
    bench.check(
        &[],
        from,
        vec![with(&|c| c.mode = 0o1604)],
        &["n/ 755", "n/m/ 1604 @5:5 t=10", "n/m/f 1604 x @6:6 t=11", "n/m/l -> f @7:7"],
    );
    bench.check(
        &[],
        from,
        vec![with(&|c| c.mode_str = "a=,u+rwX".into())],
        &["n/ 755", "n/m/ 700 @5:5 t=10", "n/m/f 700 x @6:6 t=11", "n/m/l -> f @7:7"],
    );
    bench.check(
        &[],
        from,
        vec![with(&|c| c.timestamp = 99_500_000_000)],
        &["n/ 755 t=99", "n/m/ 750 @5:5 t=99", "n/m/f 4711 x @6:6 t=99", "n/m/l -> f @7:7 t=99"],
    );
    bench.fail(&[], from, with(&|c| c.mode_str = "rwx".into()), "is no mode");
    bench.fail(&[], from, with(&|c| c.mode = 0o17777), "is no mode");
    bench.fail(&[], from, with(&|c| c.mode = -2), "is no mode");
}

#[test]
fn named_owners_are_looked_up_in_the_tree() {
    let bench = Bench::new();
    let accounts = |passwd: &str, group: &str| {
        let mut tree = Tree::new();
        for (path, text) in [("etc/passwd", passwd), ("etc/group", group)] {
            tree.make_dirs(&TreePath::new("etc").unwrap(), &Entry::dir(0o755)).unwrap();
            let content = bench.store.put(text.as_bytes()).unwrap();
            let entry = Entry::file(content, text.len() as u64, 0o644);
            tree.insert(TreePath::new(path).unwrap(), entry).unwrap();
        }
        tree
    };
    let base = accounts("root:x:0:0::/:\n# www\nwww:x:33:34:www:/:\nbad:x:no:1\n", "root:x:0:\nweb:x:80:www\n");
    let owned = |owner: Option<pb::ChownOpt>| {
        let action = Action::Mkfile(FileActionMkFile { owner, ..mkfile("/f", "") });
        let change = bench.run(&base, &Tree::new(), vec![action])?;
        let entry = change.entries.get(&TreePath::new("f").unwrap()).unwrap().clone();
        Ok::<_, FileError>((entry.uid, entry.gid))
    };
    assert_eq!(owned(None).unwrap(), (0, 0));
    assert_eq!(owned(owner("www", None)).unwrap(), (33, 34));
    assert_eq!(owned(owner("www", Some("web"))).unwrap(), (33, 80));
    assert_eq!(owned(owner("7", None)).unwrap(), (7, 7));
    assert_eq!(owned(owner("7", Some("8"))).unwrap(), (7, 8));
    assert_eq!(owned(owner("", Some("web"))).unwrap(), (0, 80));
    for (owner, words) in [
        (owner("nobody", None), "the user `nobody` is not in /etc/passwd"),
        (owner("www", Some("www")), "the group `www` is not in /etc/group"),
        (owner("bad", None), "has no number"),
        (owner("# www", None), "is not in"),
    ] {
        assert!(owned(owner).unwrap_err().to_string().contains(words), "{words}");
    }
    bench.fail(&[], &[], Action::Mkdir(FileActionMkDir { owner: owner("www", None), ..mkdir("/d", 0o755) }), "not in");
}

#[test]
fn directories_are_made() {
    let bench = Bench::new();
    let parents = |path: &str| FileActionMkDir { make_parents: true, ..mkdir(path, 0o1777) };
    bench.check(&[], &[], vec![Action::Mkdir(mkdir("/tmp", 0o1777))], &["tmp/ 1777"]);
    bench.check(&["a/ 700"], &[], vec![Action::Mkdir(parents("/a/b/c"))], &["a/ 700", "a/b/ 1777", "a/b/c/ 1777"]);
    bench.check(&["a/ 700"], &[], vec![Action::Mkdir(parents("/a"))], &["a/ 700"]);
    bench.check(&["a/ 700"], &[], vec![Action::Mkdir(mkdir("/a", 0o755))], &["a/ 700"]);
    bench.check(
        &["a/ 700", "l -> a"],
        &[],
        vec![Action::Mkdir(mkdir("/l/b", 0o755))],
        &["a/ 700", "a/b/ 755", "l -> a"],
    );
    bench.check(&[], &[], vec![Action::Mkdir(mkdir("/", 0o755))], &[]);
    let owned = FileActionMkDir { owner: owner("3", None), timestamp: 5_000_000_000, ..parents("/a/b") };
    bench.check(&[], &[], vec![Action::Mkdir(owned)], &["a/ 1777 @3:3 t=5", "a/b/ 1777 @3:3 t=5"]);
    bench.fail(&[], &[], Action::Mkdir(mkdir("/a/b", 0o755)), "/a does not exist");
    bench.fail(&["a 644 x"], &[], Action::Mkdir(mkdir("/a", 0o755)), "not a directory");
    bench.fail(&["a 644 x"], &[], Action::Mkdir(parents("/a/b")), "not a directory");
    bench.fail(&[], &[], Action::Mkdir(mkdir("/a", -1)), "is no mode");
}

#[test]
fn directories_inherit_the_set_group_bit() {
    let bench = Bench::new();
    let base = &["d/ 2775 @0:50"];
    let parents = FileActionMkDir { make_parents: true, ..mkdir("/d/e/f", 0o755) };
    bench.check(base, &[], vec![Action::Mkdir(parents)], &["d/ 2775 @0:50", "d/e/ 2755", "d/e/f/ 2755"]);
    let copied = vec![Action::Copy(copy("/g", "/d/e/"))];
    bench.check(base, &["g/h 644 x"], copied, &["d/ 2775 @0:50", "d/e/ 2755", "d/e/g/ 755", "d/e/g/h 644 x"]);
}

#[test]
fn files_are_made() {
    let bench = Bench::new();
    bench.check(&[], &[], vec![Action::Mkfile(mkfile("/f", "x"))], &["f 644 x"]);
    bench.check(&["f 700 old @4:4"], &[], vec![Action::Mkfile(mkfile("/f", "x"))], &["f 644 x"]);
    bench.check(
        &["d/ 755", "l -> d/f"],
        &[],
        vec![Action::Mkfile(mkfile("/l", "x"))],
        &["d/ 755", "d/f 644 x", "l -> d/f"],
    );
    bench.check(&["l -> ../../etc"], &[], vec![Action::Mkfile(mkfile("/l", "x"))], &["etc 644 x", "l -> ../../etc"]);
    bench.fail(&[], &[], Action::Mkfile(mkfile("/d/f", "x")), "/d does not exist");
    bench.fail(&["d/ 755"], &[], Action::Mkfile(mkfile("/d", "x")), "is a directory");
    bench.fail(&[], &[], Action::Mkfile(mkfile("/", "x")), "the root directory");
    bench.fail(&["d 644 x"], &[], Action::Mkfile(mkfile("/d/f", "x")), "not a directory");
    bench.fail(&[], &[], Action::Mkfile(mkfile(&"a/".repeat(3000), "x")), "Linux allows");
}

#[test]
fn links_are_made() {
    let bench = Bench::new();
    bench.check(&[], &[], vec![Action::Symlink(symlink("/l", "../any/where"))], &["l -> ../any/where"]);
    bench.fail(&["l 644 x"], &[], Action::Symlink(symlink("/l", "a")), "exists already");
    bench.fail(&[], &[], Action::Symlink(symlink("/d/l", "a")), "/d does not exist");
    bench.fail(&[], &[], Action::Symlink(symlink("/", "a")), "exists already");
    for target in ["", "a\0b", &"x".repeat(5000)] {
        bench.fail(&[], &[], Action::Symlink(symlink("/l", target)), "target");
    }
}

#[test]
fn paths_are_removed() {
    let bench = Bench::new();
    let base = &["d/a/f 644 x", "d/b 644 y", "e 644 z", "l -> d"];
    let wild = |path: &str| Action::Rm(FileActionRm { allow_wildcard: true, ..rm(path) });
    let lax = |path: &str| Action::Rm(FileActionRm { allow_not_found: true, ..rm(path) });
    bench.check(base, &[], vec![Action::Rm(rm("/d"))], &["e 644 z", "l -> d"]);
    bench.check(base, &[], vec![Action::Rm(rm("/l/a"))], &["d/ 755", "d/b 644 y", "e 644 z", "l -> d"]);
    bench.check(base, &[], vec![Action::Rm(rm("/l"))], &["d/ 755", "d/a/ 755", "d/a/f 644 x", "d/b 644 y", "e 644 z"]);
    bench.check(base, &[], vec![wild("/d/*")], &["d/ 755", "e 644 z", "l -> d"]);
    bench.check(base, &[], vec![wild("/*/b")], &["d/ 755", "d/a/ 755", "d/a/f 644 x", "e 644 z", "l -> d"]);
    bench.check(&["a 644 x"], &[], vec![wild("/none*"), lax("/b/c/d")], &["a 644 x"]);
    bench.check(&["a 644 x"], &[], vec![Action::Rm(rm("/../../a"))], &[]);
    bench.fail(base, &[], Action::Rm(rm("/none")), "/none does not exist");
    for path in ["/", "", "/..", "/."] {
        bench.fail(base, &[], Action::Rm(rm(path)), "the root directory");
    }
}

/// A copy cannot reach outside of its tree, whatever it is told: the root is the end of the world.
#[test]
fn nothing_leads_out_of_a_tree() {
    let bench = Bench::new();
    let from = &["etc/passwd 644 inside", "evil -> /etc/passwd", "up -> ../../../../etc", "a/b/ 755"];
    for src in
        ["/../../../etc/passwd", "../../etc/passwd", "/a/../../etc/passwd", "/up/passwd", "/a/b/../../../etc/passwd"]
    {
        bench.check(&[], from, vec![Action::Copy(copy(src, "/n"))], &["n 644 inside"]);
    }
    for dest in ["/../../../n", "../n", "/a/../../../n", "/x/../../n"] {
        let action = FileActionCopy { follow_symlink: true, ..copy("/evil", dest) };
        let change = bench.run(&Tree::new(), &bench.tree(from), vec![Action::Copy(action)]).unwrap();
        assert!(bench.show(&change.entries).contains(&"n 644 inside".to_owned()), "{dest}");
    }
    let base = &["out -> /", "up -> ../..", "etc/ 755"];
    for dest in ["/out/etc/n", "/up/up/etc/n", "/up/../etc/n", "/etc/../../etc/n"] {
        bench.check(
            base,
            from,
            vec![Action::Copy(copy("/a", dest))],
            &["etc/ 755", "etc/n/ 755", "etc/n/b/ 755", "out -> /", "up -> ../.."],
        );
    }
}

#[test]
fn files_with_several_names_stay_one() {
    let bench = Bench::new();
    let mut from = bench.tree(&["s/a 644 x", "s/b 644 x", "s/c 644 x"]);
    let id = LinkId::new("origin", &TreePath::new("s/a").unwrap());
    for path in ["s/a", "s/b"] {
        let path = TreePath::new(path).unwrap();
        let mut entry = from.get(&path).unwrap().clone();
        if let Node::File { link, .. } = &mut entry.node {
            *link = Some(id);
        }
        from.insert(path, entry).unwrap();
    }
    let link = |tree: &Tree, path: &str| match tree.get(&TreePath::new(path).unwrap()).unwrap().node {
        Node::File { link, .. } => link,
        _ => None,
    };
    let twice = vec![Action::Copy(copy("/s", "/one")), Action::Copy(copy("/s", "/two"))];
    let change = bench.run(&Tree::new(), &from, twice).unwrap();
    let one = link(&change.entries, "one/a");
    assert!(one.is_some() && one == link(&change.entries, "one/b") && link(&change.entries, "one/c").is_none());
    assert!(one != link(&change.entries, "two/a"), "two copies are two files");
}

#[test]
fn what_was_removed_is_taken_away_below_too() {
    let bench = Bench::new();
    let base = bench.tree(&["d/a 644 x", "d/b 644 y", "e/f 644 z", "g 644 w"]);
    let paths = |set: &BTreeSet<TreePath>| set.iter().map(ToString::to_string).collect::<Vec<_>>();
    let run = |actions| bench.run(&base, &bench.tree(&["new 644 n"]), actions).unwrap();

    let change = run(vec![Action::Rm(rm("/d/a")), Action::Rm(rm("/e"))]);
    assert_eq!((paths(&change.removed), paths(&change.opaque)), (vec!["/d/a".into(), "/e".into()], vec![]));
    // What comes back is not gone; a directory that comes back is another one.
    let change = run(vec![
        Action::Rm(rm("/g")),
        Action::Mkfile(mkfile("/g", "again")),
        Action::Rm(rm("/d")),
        Action::Mkdir(mkdir("/d", 0o700)),
    ]);
    assert_eq!((paths(&change.removed), paths(&change.opaque)), (vec![], vec!["/d".into()]));
    // What was made and removed on the way was never there.
    let change = run(vec![Action::Mkfile(mkfile("/x", "")), Action::Rm(rm("/x"))]);
    assert!(change.takes_nothing_away());
    // One name for what goes together.
    let change = run(vec![Action::Rm(rm("/d/a")), Action::Rm(rm("/d"))]);
    assert_eq!(paths(&change.removed), ["/d"]);
}

#[test]
fn actions_may_branch_and_have_several_outputs() {
    let bench = Bench::new();
    let action = |input, output, path: &str| pb::FileAction {
        input,
        secondary_input: -1,
        output,
        action: Some(Action::Mkfile(mkfile(path, ""))),
    };
    // One input; 1 and 2 both begin with it, 3 goes on from 1, and what 4 needs comes later.
    let op = pb::FileOp {
        actions: vec![
            action(0, 1, "/one"),
            action(0, 0, "/two"),
            action(1, 2, "/three"),
            action(5, 3, "/four"),
            action(-1, -1, "/five"),
        ],
    };
    let input = Input { tree: Arc::new(bench.tree(&["base 644"])), ..Input::default() };
    let outputs = run(&op, vec![input], &bench.store).unwrap();
    let shown: Vec<_> = outputs.iter().map(|change| bench.show(&change.entries).join(" ")).collect();
    assert_eq!(shown, ["base 644 two 644", "base 644 one 644", "base 644 one 644 three 644", "five 644 four 644"]);
}
