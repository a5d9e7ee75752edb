//! Folders on disk as trees.

use super::*;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

struct Bench {
    store: Store,
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("context")).unwrap();
        Bench { store: Store::open(dir.path().join("store")).unwrap(), dir }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join("context").join(path)
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Makes a file old, so that the index may trust it.
    fn age(&self, path: &str) {
        let file = fs::File::open(self.path(path)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 5)).unwrap();
    }

    fn read_with(&self, attrs: &attr::Local) -> Result<(Tree, ContextRead), ContextError> {
        read(&self.path(""), &attrs.attrs(), &self.store)
    }

    fn read(&self) -> (Tree, ContextRead) {
        self.read_with(&attr::Local::default()).unwrap()
    }

    fn paths(&self, attrs: &attr::Local) -> Vec<String> {
        let (tree, _) = self.read_with(attrs).unwrap();
        tree.iter().map(|(path, _)| path.to_string()).collect()
    }
}

fn exclude(patterns: &[&str]) -> attr::Local {
    attr::Local { exclude: patterns.iter().map(|p| (*p).to_owned()).collect(), ..attr::Local::default() }
}

fn include(patterns: &[&str]) -> attr::Local {
    attr::Local { include: patterns.iter().map(|p| (*p).to_owned()).collect(), ..attr::Local::default() }
}

/// Waits until what is written now is older than a tick.
fn settle() {
    std::thread::sleep(Duration::from_millis(80));
}

#[test]
fn what_depends_on_the_machine_does_not_enter_the_tree() {
    let bench = Bench::new();
    bench.write("plain", "a");
    bench.write("tool", "b");
    bench.write("private/secret", "c");
    symlink("../anywhere", bench.path("link")).unwrap();
    fs::create_dir(bench.path("empty")).unwrap();
    for (path, mode) in
        [("plain", 0o4604), ("tool", 0o700), ("private/secret", 0o400), ("private", 0o2700), ("empty", 0o1777)]
    {
        fs::set_permissions(bench.path(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    let (tree, read) = bench.read();
    let shown: Vec<String> = tree
        .iter()
        .map(|(path, e)| format!("{path} {} {:o} {}:{} {:?}", e.kind(), e.mode, e.uid, e.gid, e.mtime))
        .collect();
    assert_eq!(
        shown,
        [
            "/empty directory 755 0:0 None",
            "/link symbolic link 777 0:0 None",
            "/plain file 644 0:0 None",
            "/private directory 755 0:0 None",
            "/private/secret file 644 0:0 None",
            "/tool file 755 0:0 None",
        ]
    );
    assert_eq!((read.files, read.read, read.bytes), (3, 3, 3));
    let secret = tree.get(&TreePath::new("private/secret").unwrap()).unwrap();
    assert_eq!(bench.store.read(secret.content().unwrap(), 10).unwrap(), b"c");
    assert!(tree.iter().all(|(_, entry)| entry.xattrs.is_empty()));
}

#[test]
fn an_unchanged_file_is_read_once_and_a_changed_one_again() {
    let bench = Bench::new();
    bench.write("a", "one");
    bench.write("b/c", "two");
    settle();
    let (first, read) = bench.read();
    assert_eq!(read.read, 2);
    let (second, read) = bench.read();
    assert_eq!((read.files, read.read, read.bytes), (2, 0, 0));
    assert_eq!(first, second);
    bench.write("b/c", "TWO");
    let (third, read) = bench.read();
    assert_eq!((read.read, read.bytes), (1, 3));
    assert_ne!(first, third);
    bench.write("new", "three");
    assert_eq!(bench.read().1.files, 3);
    fs::remove_file(bench.path("a")).unwrap();
    assert_eq!(bench.read().1.files, 2);
}

/// The racy case: same size, and written so soon after reading that no clock has moved on.
#[test]
fn a_change_right_after_reading_is_never_missed() {
    let bench = Bench::new();
    for i in 0..200u32 {
        let content = format!("{i:04}");
        bench.write("racy", &content);
        let (tree, _) = bench.read();
        let entry = tree.get(&TreePath::new("racy").unwrap()).unwrap();
        assert_eq!(entry.content(), Some(&Digest::of(&content)), "round {i}");
    }
}

#[test]
fn a_change_that_hides_behind_its_time_of_modification_is_seen() {
    let bench = Bench::new();
    bench.write("f", "one");
    bench.age("f");
    settle();
    bench.read();
    assert_eq!(bench.read().1.read, 0);
    bench.write("f", "two");
    bench.age("f");
    let (tree, read) = bench.read();
    assert_eq!(read.read, 1);
    assert_eq!(tree.get(&TreePath::new("f").unwrap()).unwrap().content(), Some(&Digest::of("two")));
}

#[test]
fn a_file_that_takes_anothers_place_is_read() {
    let bench = Bench::new();
    bench.write("f", "one");
    bench.write("g", "two");
    settle();
    bench.read();
    fs::rename(bench.path("g"), bench.path("f")).unwrap();
    let (tree, _) = bench.read();
    assert_eq!(tree.get(&TreePath::new("f").unwrap()).unwrap().content(), Some(&Digest::of("two")));
}

#[test]
fn what_the_store_lost_is_read_again() {
    let bench = Bench::new();
    bench.write("f", "one");
    settle();
    bench.read();
    assert_eq!(bench.read().1.read, 0);
    let hex = Digest::of("one").hex();
    fs::remove_file(bench.dir.path().join("store/blobs/sha256").join(&hex[..2]).join(&hex[2..])).unwrap();
    assert_eq!(bench.read().1.read, 1);
    assert!(bench.store.has(&Digest::of("one")));
}

#[test]
fn a_damaged_index_is_no_index() {
    let bench = Bench::new();
    bench.write("f", "one");
    settle();
    let (first, _) = bench.read();
    let key = Index::key(&fs::canonicalize(bench.path("")).unwrap());
    for value in [&b""[..], b"garbage", b"kiln context index 1\n", b"kiln context index 1\nshort"] {
        bench.store.set_record("context-index", &key, value).unwrap();
        assert_eq!(bench.read().0, first);
    }
}

#[test]
fn clocks_decide_what_is_settled() {
    let fine = Clock::of(fs::File::open("/").unwrap());
    let stamp = |seconds, nanoseconds| Stamp {
        device: fs::symlink_metadata("/").map(|m| std::os::unix::fs::MetadataExt::dev(&m)).unwrap(),
        inode: 1,
        size: 1,
        mtime: (5, 7),
        ctime: (seconds, nanoseconds),
    };
    let at = |seconds, millis: u32| Duration::new(seconds, millis * 1_000_000);
    assert!(!fine.is_settled(&stamp(100, 1), at(100, 0)), "the present");
    assert!(!fine.is_settled(&stamp(200, 1), at(100, 0)), "the future");
    assert!(fine.is_settled(&stamp(100, 1), at(104, 0)));
    let whole = Stamp { mtime: (5, 0), ctime: (100, 0), ..stamp(100, 1) };
    assert!(!fine.is_settled(&whole, at(102, 900)), "times without fractions");
    let elsewhere = Stamp { device: 987_654_321, ..stamp(100, 1) };
    assert!(!fine.is_settled(&elsewhere, at(102, 900)), "another filesystem below the folder");
    assert!(fine.is_settled(&Stamp { mtime: (-5, 1), ctime: (-5, 1), ..stamp(0, 0) }, at(100, 0)));
}

#[test]
fn excluded_folders_are_not_entered() {
    let bench = Bench::new();
    bench.write("src/main.rs", "");
    bench.write("target/debug/out", "");
    bench.write("target/keep/me.txt", "");
    bench.write("target/keep/not.bin", "");
    let closed = bench.path("target/debug");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(bench.paths(&exclude(&["target"])), ["/src", "/src/main.rs"]);
    // An exception below opens the way to it, and no other.
    let expected = ["/src", "/src/main.rs", "/target", "/target/keep", "/target/keep/me.txt"];
    assert_eq!(bench.paths(&exclude(&["target", "!target/keep/*.txt"])), expected);
    assert_eq!(bench.paths(&include(&["src"])), ["/src", "/src/main.rs"]);
    assert_eq!(bench.paths(&include(&["*/keep/*.txt"])), ["/target", "/target/keep", "/target/keep/me.txt"]);
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(bench.paths(&exclude(&["**", "!**/*.rs"])), ["/src", "/src/main.rs"]);
}

/// What the root user could open anyway, the others cannot: so nothing of it may be needed.
#[test]
fn an_excluded_file_is_not_opened() {
    let bench = Bench::new();
    bench.write("a", "");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        bench.path("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let error = bench.read_with(&attr::Local::default()).unwrap_err();
    assert!(matches!(&error, ContextError::Special { kind: "named pipe", path } if path.ends_with("pipe")), "{error}");
    assert_eq!(bench.paths(&exclude(&["pipe"])), ["/a"]);
    let _socket = std::os::unix::net::UnixListener::bind(bench.path("sock")).unwrap();
    let error = bench.read_with(&exclude(&["pipe"])).unwrap_err();
    assert!(matches!(&error, ContextError::Special { kind: "socket", .. }), "{error}");
}

#[test]
fn ignore_files_count_only_where_they_are_named() {
    let bench = Bench::new();
    bench.write(".dockerignore", "# no objects\n*.o\n!keep.o\n/sub/\n");
    bench.write("a.o", "");
    bench.write("keep.o", "");
    bench.write("sub/x", "");
    let all = ["/.dockerignore", "/a.o", "/keep.o", "/sub", "/sub/x"];
    assert_eq!(bench.paths(&attr::Local::default()), all);
    let with = |name: &str, exclude: &[&str]| attr::Local {
        ignore_file: Some(name.into()),
        exclude: exclude.iter().map(|p| (*p).to_owned()).collect(),
        ..attr::Local::default()
    };
    assert_eq!(bench.paths(&with(".dockerignore", &[])), ["/.dockerignore", "/keep.o"]);
    assert_eq!(bench.paths(&with(".dockerignore", &["keep.o", "!sub"])), ["/.dockerignore", "/sub", "/sub/x"]);
    assert_eq!(bench.paths(&with("missing", &[])), all);
    bench.write("bad", "[\n");
    assert!(matches!(bench.read_with(&with("bad", &[])), Err(ContextError::Pattern(_))));
    symlink("/etc/passwd", bench.path("linked")).unwrap();
    assert!(bench.read_with(&with("linked", &[])).is_err(), "an ignore file is not looked for elsewhere");
    assert!(bench.read_with(&with("../outside", &[])).is_err());
}

#[test]
fn followed_paths_bring_what_their_links_lead_to() {
    let bench = Bench::new();
    bench.write("lib/bin/tool-1.2", "");
    bench.write("lib/bin/other", "");
    bench.write("etc/conf", "");
    symlink("lib/bin", bench.path("bin")).unwrap();
    symlink("tool-1.2", bench.path("lib/bin/tool")).unwrap();
    symlink("/etc/conf", bench.path("conf")).unwrap();
    symlink("../../../../etc/passwd", bench.path("evil")).unwrap();
    symlink("loop", bench.path("loop")).unwrap();
    let follow = |paths: &[&str]| {
        bench.paths(&attr::Local { follow: paths.iter().map(|p| (*p).to_owned()).collect(), ..attr::Local::default() })
    };
    assert_eq!(follow(&["bin/tool"]), ["/bin", "/lib", "/lib/bin", "/lib/bin/tool", "/lib/bin/tool-1.2"]);
    assert_eq!(follow(&["/conf"]), ["/conf", "/etc", "/etc/conf"]);
    assert_eq!(follow(&["c*"]), ["/conf", "/etc", "/etc/conf"]);
    assert_eq!(follow(&["evil"]), ["/evil"]);
    assert_eq!(follow(&["loop", "lib/bin/o*"]), ["/lib", "/lib/bin", "/lib/bin/other", "/loop"]);
    assert_eq!(follow(&["missing/x"]), [""; 0]);
    symlink("grows/more", bench.path("grows")).unwrap();
    assert_eq!(follow(&["grows/x"]), ["/grows"]);
    fs::remove_file(bench.path("grows")).unwrap();
    assert_eq!(follow(&["../.."]).len(), 11, "the root is everything");
}

#[test]
fn names_need_not_be_text_and_links_not_lead_anywhere() {
    use std::os::unix::ffi::OsStrExt;
    let bench = Bench::new();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
    fs::write(bench.path("").join(name), "x").unwrap();
    symlink(name, bench.path("l")).unwrap();
    let (tree, _) = bench.read();
    assert!(tree.get(&TreePath::new(b"caf\xe9").unwrap()).unwrap().is_file());
    assert_eq!(tree.get(&TreePath::new("l").unwrap()).unwrap().link_target(), Some(&b"caf\xe9"[..]));
}

#[test]
fn hard_links_are_plain_files() {
    let bench = Bench::new();
    bench.write("a", "x");
    fs::hard_link(bench.path("a"), bench.path("b")).unwrap();
    let (tree, _) = bench.read();
    let links = tree.iter().filter(|(_, e)| matches!(e.node, crate::tree::Node::File { link: Some(_), .. }));
    assert_eq!((tree.len(), links.count()), (2, 0));
}

#[test]
fn a_folder_that_is_none_is_said_so() {
    let bench = Bench::new();
    bench.write("file", "");
    let read = |path: &str| read(&bench.path(path), &BTreeMap::new(), &bench.store).unwrap_err();
    assert!(matches!(read("missing"), ContextError::NoFolder(_)));
    assert!(matches!(read("file"), ContextError::NotAFolder(_)));
    let attrs = BTreeMap::from([(attr::EXCLUDE_PATTERNS.to_owned(), "not json".to_owned())]);
    let error = super::read(&bench.path(""), &attrs, &bench.store).unwrap_err();
    assert!(error.to_string().contains("local.excludepatterns"), "{error}");
}

#[test]
fn a_large_file_comes_in_pieces() {
    let bench = Bench::new();
    let content = "0123456789abcdef".repeat(file::PIECE / 8);
    bench.write("large", &content);
    bench.write("exact", &content[..file::PIECE]);
    let (tree, read) = bench.read();
    for (path, content) in [("large", &content[..]), ("exact", &content[..file::PIECE])] {
        let entry = tree.get(&TreePath::new(path).unwrap()).unwrap();
        assert_eq!((entry.content(), entry.size()), (Some(&Digest::of(content)), content.len() as u64));
        assert!(bench.store.has(entry.content().unwrap()));
    }
    assert_eq!(read.bytes, (content.len() + file::PIECE) as u64);
}

/// Both ways of opening: with `openat2`, and part by part where the kernel does not have it.
#[test]
fn a_link_in_the_place_of_a_folder_is_no_way_out() {
    let bench = Bench::new();
    bench.write("d/inner/f", "x");
    fs::create_dir(bench.dir.path().join("outside")).unwrap();
    fs::write(bench.dir.path().join("outside/f"), "secret").unwrap();
    let path = |p: &str| TreePath::new(p).unwrap();
    for folder in [Folder::open(&bench.path("")).unwrap(), Folder::open(&bench.path("")).unwrap().stepping()] {
        assert!(folder.directory(&TreePath::root()).is_ok());
        assert!(folder.directory(&path("d/inner")).is_ok() && folder.file(&path("d/inner/f")).is_ok());
        fs::rename(bench.path("d"), bench.path("gone")).unwrap();
        symlink(bench.dir.path().join("outside"), bench.path("d")).unwrap();
        for result in [folder.directory(&path("d")), folder.file(&path("d/f")), folder.directory(&path("d/inner"))] {
            assert!(matches!(result, Err(ContextError::Changing(_))), "{result:?}");
        }
        symlink(bench.dir.path().join("outside/f"), bench.path("l")).unwrap();
        assert!(matches!(folder.file(&path("l")), Err(ContextError::Changing(_))));
        fs::remove_file(bench.path("l")).unwrap();
        fs::remove_file(bench.path("d")).unwrap();
        fs::rename(bench.path("gone"), bench.path("d")).unwrap();
    }
}

/// While a builder reads, somebody exchanges a folder for a link again and again: never does
/// anything from outside come in.
#[test]
fn a_folder_that_is_exchanged_while_it_is_read_never_leads_out() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let bench = Bench::new();
    bench.write("d/f", "inside");
    fs::create_dir(bench.dir.path().join("outside")).unwrap();
    fs::write(bench.dir.path().join("outside/f"), "outside").unwrap();
    symlink(bench.dir.path().join("outside"), bench.path("link")).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let _ = fs::rename(bench.path("d"), bench.path("away"));
                let _ = fs::rename(bench.path("link"), bench.path("d"));
                let _ = fs::rename(bench.path("d"), bench.path("link"));
                let _ = fs::rename(bench.path("away"), bench.path("d"));
            }
        });
        for _ in 0..300 {
            if let Ok((tree, _)) = bench.read_with(&attr::Local::default()) {
                let contents = tree.iter().filter_map(|(_, entry)| entry.content());
                assert!(contents.copied().all(|digest| digest == Digest::of("inside")));
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// A file that is written to while it is read is read again, or refused; what is stored is never half of each.
#[test]
fn a_file_that_changes_while_it_is_read_is_never_stored_half() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let bench = Bench::new();
    let (a, b) = ("a".repeat(3 << 20), "b".repeat(3 << 20));
    bench.write("f", &a);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut turn = 0;
            while !done.load(Ordering::Relaxed) {
                turn += 1;
                bench.write("next", if turn % 2 == 0 { &a } else { &b });
                fs::rename(bench.path("next"), bench.path("f")).unwrap();
            }
        });
        for _ in 0..20 {
            if let Ok((tree, _)) = bench.read_with(&include(&["f"])) {
                let content = *tree.get(&TreePath::new("f").unwrap()).unwrap().content().unwrap();
                // The file may also be caught between being made and being filled: never here, as it is renamed.
                assert!(content == Digest::of(&a) || content == Digest::of(&b));
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn deep_folders_need_no_deep_stack() {
    let bench = Bench::new();
    let deep = "d/".repeat(1500);
    fs::create_dir_all(bench.path(&deep)).unwrap();
    let (tree, _) = bench.read();
    assert_eq!(tree.len(), 1500);
}

/// What the walker of BuildKit's client lets through of random folders: `fsutil.jsonl` holds what
/// fsutil of April 2024 answered.
#[test]
fn what_buildkits_client_sends_is_what_we_read() {
    for (number, line) in include_str!("fsutil.jsonl").lines().enumerate() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let list = |key: &str| -> Vec<String> {
            case[key].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let bench = Bench::new();
        for file in list("files") {
            if let Some((path, target)) = file.split_once(" -> ") {
                let path = bench.path(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                symlink(target, path).unwrap();
            } else if file.ends_with('/') {
                fs::create_dir_all(bench.path(&file)).unwrap();
            } else {
                bench.write(&file, "x");
            }
        }
        let (include, exclude, follow) = (list("include"), list("exclude"), list("follow"));
        let attrs = attr::Local { include, exclude, follow, ignore_file: None };
        let paths: Vec<String> = list("paths").iter().map(|path| format!("/{path}")).collect();
        assert_eq!(bench.paths(&attrs), paths, "case {number}: {line}");
    }
}
