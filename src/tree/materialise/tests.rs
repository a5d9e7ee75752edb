use super::*;
use crate::oci::Digest;
use crate::tree::LinkId;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    (folder, store)
}

fn file(store: &Store, content: &str, mode: u16) -> Entry {
    Entry::file(store.put(content.as_bytes()).unwrap(), content.len() as u64, mode)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// One of everything, all of it root's.
fn sample(store: &Store) -> Tree {
    let mut tree = Tree::new();
    let mut linked = file(store, "linked", 0o640).modified_at(Some(7));
    let Node::File { link, .. } = &mut linked.node else { unreachable!() };
    *link = Some(LinkId::new("x", &path("d/a")));
    for (p, entry) in [
        ("d", Entry::dir(0o2755).modified_at(Some(3))),
        ("d-", file(store, "between d and what is in it", 0o444)),
        ("d/a", linked.clone()),
        ("d/closed", Entry::dir(0o000)),
        ("d/closed/inner", file(store, "x", 0o000)),
        ("d/set", file(store, "set", 0o6755)),
        ("d/z", linked),
        ("l", Entry::symlink("/nowhere").modified_at(Some(9))),
        ("p", Entry::new(Node::Fifo, 0o622)),
        ("t", Entry::dir(0o1777)),
    ] {
        tree.insert(path(p), entry).unwrap();
    }
    tree
}

#[test]
fn everything_is_as_the_tree_says_whatever_the_umask() {
    let (folder, store) = store();
    let target = folder.path().join("out");
    let old = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let losses = materialise(&sample(&store), &store, &target, Options { epoch: 100, ..Options::default() });
    rustix::process::umask(old);
    let losses = losses.unwrap();
    let at = |p: &str| std::fs::symlink_metadata(target.join(p)).unwrap();
    let mode = |p: &str| at(p).mode() & 0o7777;
    assert_eq!((mode(""), mode("d"), mode("d/a"), mode("d-")), (0o755, 0o2755, 0o640, 0o444));
    assert_eq!((mode("t"), mode("p"), mode("d/closed")), (0o1777, 0o622, 0));
    assert!(at("p").file_type().is_fifo());
    assert_eq!(std::fs::read_link(target.join("l")).unwrap().to_str(), Some("/nowhere"));
    assert_eq!(["", "d", "d/a", "l", "t"].map(|p| at(p).mtime()), [100, 3, 7, 9, 100]);
    assert_eq!(at("d/a").ino(), at("d/z").ino());
    assert_eq!(std::fs::read(target.join("d/z")).unwrap(), b"linked");
    if is_root() {
        assert_eq!((mode("d/set"), mode("d/closed/inner")), (0o6755, 0));
        assert!(losses.is_empty(), "{losses:?}");
    } else {
        assert_eq!(mode("d/set"), 0o755, "setuid without its owner");
        assert!(losses.contains(&(path("d/set"), Loss::Owner)));
        std::fs::set_permissions(target.join("d/closed"), std::fs::Permissions::from_mode(0o700)).unwrap();
    }
}

#[test]
fn owners_devices_and_capabilities_are_kept_or_reported() {
    let (folder, store) = store();
    let mut capable = file(&store, "x", 0o755);
    let capability = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    capable.xattrs.insert(b"security.capability"[..].into(), capability[..].into());
    let tree: Tree = [
        (path("cap"), capable),
        (path("null"), Entry::new(Node::CharDevice { major: 1, minor: 3 }, 0o666)),
        (path("own"), file(&store, "x", 0o4711).owned_by(12, 34)),
        (path("own-link"), Entry::symlink("own").owned_by(12, 34)),
    ]
    .into_iter()
    .collect();
    let target = folder.path().join("out");
    let losses = materialise(&tree, &store, &target, Options::default()).unwrap();
    let at = |p: &str| std::fs::symlink_metadata(target.join(p)).unwrap();
    if is_root() {
        assert_eq!((at("own").uid(), at("own").gid(), at("own").mode() & 0o7777), (12, 34, 0o4711));
        assert_eq!((at("own-link").uid(), at("own-link").gid()), (12, 34));
        // Containers without CAP_MKNOD and filesystems without attributes are reported too.
        match losses.contains(&(path("null"), Loss::Device)) {
            true => assert!(!target.join("null").exists()),
            false => assert_eq!(at("null").rdev(), rustix::fs::makedev(1, 3)),
        }
        let mut value = [0; 64];
        let read = rustix::fs::lgetxattr(target.join("cap"), "security.capability", &mut value);
        assert_eq!(read.is_err(), losses.contains(&(path("cap"), Loss::Xattr)));
    } else {
        let expected = [
            ("cap", Loss::Owner),
            ("cap", Loss::Xattr),
            ("null", Loss::Device),
            ("own", Loss::Owner),
            ("own-link", Loss::Owner),
        ];
        assert_eq!(losses, expected.map(|(p, loss)| (path(p), loss)));
        assert_eq!(at("own").mode() & 0o7777, 0o711);
    }
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let (folder, store) = store();
    let target = folder.path().join("out");
    std::fs::create_dir(&target).unwrap();
    materialise(&Tree::new(), &store, &target, Options::default()).unwrap();
    std::fs::write(target.join("mine"), "precious").unwrap();
    let error = materialise(&sample(&store), &store, &target, Options::default()).unwrap_err();
    assert!(matches!(error, MaterialiseError::NotEmpty(_)), "{error}");
    assert_eq!(std::fs::read_dir(&target).unwrap().count(), 1);
}

#[test]
fn nothing_is_written_through_a_link() {
    let (folder, store) = store();
    let outside = folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("victim"), "old").unwrap();
    std::fs::set_permissions(outside.join("victim"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let over = Options { over_existing: true, ..Options::default() };

    let target = folder.path().join("one");
    std::fs::create_dir(&target).unwrap();
    symlink(&outside, target.join("d")).unwrap();
    let tree: Tree =
        [(path("d"), Entry::dir(0o755)), (path("d/victim"), file(&store, "new", 0o644))].into_iter().collect();
    assert!(materialise(&tree, &store, &target, over).is_err());

    let target = folder.path().join("two");
    std::fs::create_dir(&target).unwrap();
    symlink(outside.join("victim"), target.join("f")).unwrap();
    std::fs::hard_link(outside.join("victim"), target.join("h")).unwrap();
    let tree: Tree = ["f", "h"].map(|p| (path(p), file(&store, "new", 0o600))).into_iter().collect();
    materialise(&tree, &store, &target, over).unwrap();
    assert_eq!(std::fs::read(target.join("f")).unwrap(), b"new");
    assert_eq!(std::fs::read(outside.join("victim")).unwrap(), b"old");
    assert_eq!(std::fs::metadata(outside.join("victim")).unwrap().mode() & 0o777, 0o640);
}

#[test]
fn content_that_is_missing_damaged_or_misjudged_fails() {
    let (folder, store) = store();
    let make = |name: &str, entry: Entry| {
        let tree: Tree = [(path("f"), entry)].into_iter().collect();
        // Another stay in the store, which has not seen what it holds.
        let store = Store::open(store.root()).unwrap();
        materialise(&tree, &store, &folder.path().join(name), Options::default())
    };
    assert!(matches!(make("a", Entry::file(Digest::of("no"), 2, 0o644)), Err(MaterialiseError::Content { .. })));
    let mut wrong = file(&store, "content", 0o644);
    let Node::File { size, .. } = &mut wrong.node else { unreachable!() };
    *size = 3;
    assert!(matches!(make("b", wrong), Err(MaterialiseError::WrongSize(_))));
    let hex = Digest::of("content").hex();
    std::fs::write(folder.path().join("store/blobs/sha256").join(&hex[..2]).join(&hex[2..]), "CONTENT").unwrap();
    let error = make("c", Entry::file(Digest::of("content"), 7, 0o644)).unwrap_err();
    assert!(matches!(&error, MaterialiseError::Content { source, .. } if source.is_lost_content()), "{error}");
}

#[test]
fn deep_folders_need_no_more_open_files() {
    let (folder, store) = store();
    let mut tree = Tree::new();
    let deep = path(&vec!["d"; 1500].join("/"));
    tree.make_dirs(&deep, &Entry::dir(0o755)).unwrap();
    tree.insert(deep.join("f").unwrap(), file(&store, "x", 0o644)).unwrap();
    materialise(&tree, &store, &folder.path().join("out"), Options::default()).unwrap();
    assert_eq!(tree.len(), 1501);
}
