use super::*;
use proptest::prelude::*;

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

fn file(content: &str) -> Entry {
    Entry::file(Digest::of(content), content.len() as u64, 0o644)
}

/// A tree from `path` or `path -> target` or `path/` or `path = content` lines.
fn tree(lines: &[&str]) -> Tree {
    let mut tree = Tree::new();
    for line in lines {
        if let Some((p, target)) = line.split_once(" -> ") {
            tree.insert(path(p), Entry::symlink(target)).unwrap();
        } else if let Some((p, content)) = line.split_once(" = ") {
            tree.make_dirs(&path(p).parent().unwrap(), &Entry::dir(0o755)).unwrap();
            tree.insert(path(p), file(content)).unwrap();
        } else {
            tree.make_dirs(&path(line.trim_end_matches('/')), &Entry::dir(0o755)).unwrap();
        }
    }
    tree
}

fn names(tree: &Tree) -> Vec<String> {
    tree.iter().map(|(p, _)| p.to_string()).collect()
}

#[test]
fn paths_that_could_escape_are_refused() {
    for bad in ["/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "a\0b", &"x".repeat(256), &"x/".repeat(3000)] {
        assert!(TreePath::new(bad).is_err(), "{bad:?}");
    }
    assert_eq!(TreePath::from_user("//usr/./bin/").unwrap(), path("usr/bin"));
    assert!(TreePath::from_user("/usr/../etc").is_err());
    assert!(path("usr").join("a/b").is_err() && path("usr").join("..").is_err() && path("usr").join("").is_err());
}

#[test]
fn path_relations() {
    let p = path("usr/lib/x");
    assert_eq!(p.parent(), Some(path("usr/lib")));
    assert_eq!(path("usr").parent(), Some(TreePath::root()));
    assert_eq!(TreePath::root().parent(), None);
    assert_eq!(p.ancestors().collect::<Vec<_>>(), [path("usr"), path("usr/lib"), p.clone()]);
    assert_eq!(TreePath::root().ancestors().count(), 0);
    assert_eq!((p.depth(), TreePath::root().depth()), (3, 0));
    assert_eq!(p.relative_to(&path("usr")), Some(path("lib/x")));
    assert_eq!(p.relative_to(&p), Some(TreePath::root()));
    assert_eq!(path("usrx").relative_to(&path("usr")), None);
    assert_eq!(TreePath::new(b"a\xffb").unwrap().to_string(), "/a\\xffb");
}

#[test]
fn below_does_not_confuse_neighbours_with_children() {
    let t = tree(&["a/x = 1", "a-b = 2", "a.c/y = 3", "a0 = 4"]);
    assert_eq!(t.below(&path("a")).map(|(p, _)| p.to_string()).collect::<Vec<_>>(), ["/a/x"]);
    assert_eq!(t.children(&TreePath::root()).count(), 4);
    assert_eq!(names(&t.subtree(&path("a"))), ["/", "/x"]);
}

#[test]
fn an_entry_needs_its_folder_and_a_file_takes_the_place_of_a_folder() {
    let mut t = tree(&["d/e/f = 1", "s -> d"]);
    assert!(matches!(t.insert(path("x/y"), file("")), Err(TreeError::NoParent { .. })));
    assert!(matches!(t.insert(path("s/y"), file("")), Err(TreeError::NotADirectory { .. })));
    assert!(matches!(t.make_dirs(&path("s/y"), &Entry::dir(0o755)), Err(TreeError::NotADirectory { .. })));
    t.insert(path("d"), file("now a file")).unwrap();
    assert_eq!(names(&t), ["/d", "/s"]);
}

#[test]
fn links_are_followed_inside_the_root_only() {
    let t = tree(&[
        "usr/bin/",
        "bin -> usr/bin",
        "up -> ../../../etc",
        "abs -> /usr",
        "usr/loop -> loop",
        "two -> abs/bin",
    ]);
    assert_eq!(t.resolve("/bin/sh").unwrap(), path("usr/bin/sh"));
    assert_eq!(t.resolve("two/../x").unwrap(), path("usr/x"));
    assert_eq!(t.resolve("up/passwd").unwrap(), path("etc/passwd"));
    assert_eq!(t.resolve("../../a/..//b").unwrap(), path("b"));
    assert_eq!(t.resolve("abs").unwrap(), path("usr"));
    assert_eq!(t.resolve_parent("abs").unwrap(), path("abs"));
    assert_eq!(t.resolve_parent("two/x").unwrap(), path("usr/bin/x"));
    assert!(matches!(t.resolve("usr/loop/x"), Err(TreeError::Links { .. })));
}

#[test]
fn a_link_bomb_ends() {
    let mut t = Tree::new();
    for i in 0..64 {
        t.insert(path(&format!("l{i}")), Entry::symlink(format!("l{0}/l{0}/l{0}/l{0}", i + 1))).unwrap();
    }
    assert!(matches!(t.resolve("l0"), Err(TreeError::Links { .. })));
}

#[test]
fn a_change_takes_away_and_puts() {
    let lower = tree(&["a/b = 1", "a/c = 2", "d/e/f = 3", "k = 4", "t/u = 5"]);
    let upper = tree(&["a/b = 9", "d = now a file", "k/l = dir now", "t/u = 5"]);
    let change = Change::between(&lower, &upper);
    assert_eq!(change.removed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["/a/c"]);
    assert_eq!(names(&change.entries), ["/a", "/a/b", "/d", "/k", "/k/l"]);
    let mut result = lower.clone();
    change.apply(&mut result).unwrap();
    assert_eq!(result, upper);
}

#[test]
fn an_opaque_directory_hides_what_was_there() {
    let mut t = tree(&["a/b/c = 1", "a/d = 2"]);
    let mut change = Change::from(tree(&["a/new = 3"]));
    change.opaque.insert(path("a"));
    change.apply(&mut t).unwrap();
    assert_eq!(names(&t), ["/a", "/a/new"]);
}

#[test]
fn hard_links_and_everything_else_survive_the_canonical_form() {
    let mut t = tree(&["a/b = 1", "l -> a"]);
    let mut e = file("2");
    let Node::File { link, .. } = &mut e.node else { unreachable!() };
    *link = Some(LinkId::new("test", &path("h")));
    e.xattrs.insert(b"security.capability"[..].into(), b"\x01\0"[..].into());
    t.insert(path("h"), e.clone()).unwrap();
    t.insert(path("i"), e.owned_by(1, 2).modified_at(Some(-5))).unwrap();
    t.insert(path("c"), Entry::new(Node::CharDevice { major: 1, minor: 3 }, 0o666)).unwrap();
    t.insert(path("p"), Entry::new(Node::Fifo, 0o4755)).unwrap();
    assert_eq!(Tree::decode(&t.encode()).unwrap(), t);
}

#[test]
fn damaged_trees_are_refused() {
    let bytes = tree(&["a/b = 1", "l -> a"]).encode();
    for end in 0..bytes.len() {
        let cut = Tree::decode(&bytes[..end]);
        assert!(cut.is_err() || cut.unwrap().len() < 3, "cut at {end}");
    }
    for i in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[i] ^= 0x80;
        // Flips in owners, times and digests give another valid tree, whose digest differs; none may panic.
        let _ = Tree::decode(&flipped);
    }
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let part = prop::sample::select(vec!["a", "b", "a-", "a.", "c"]);
    let line = (prop::collection::vec(part, 1..4), 0..3u8, 0..3u32);
    prop::collection::vec(line, 0..12).prop_map(|lines| {
        let mut t = Tree::new();
        for (parts, kind, uid) in lines {
            let p = path(&parts.join("/"));
            let entry = match kind {
                0 => Entry::dir(0o755),
                1 => file(&uid.to_string()),
                _ => Entry::symlink("c"),
            };
            if t.make_dirs(&p.parent().unwrap(), &Entry::dir(0o755)).is_ok() {
                t.insert(p, entry.owned_by(uid, 0)).unwrap();
            }
        }
        t
    })
}

proptest! {
    #[test]
    fn the_canonical_form_is_read_back(t in any_tree()) {
        prop_assert_eq!(Tree::decode(&t.encode()).unwrap(), t);
    }

    #[test]
    fn a_change_between_two_trees_leads_from_one_to_the_other(lower in any_tree(), upper in any_tree()) {
        let change = Change::between(&lower, &upper);
        let mut result = lower.clone();
        change.apply(&mut result).unwrap();
        prop_assert_eq!(&result, &upper);
        prop_assert!(Change::between(&upper, &upper).is_empty());
    }

    #[test]
    fn two_changes_in_turn_are_one(a in any_tree(), b in any_tree(), c in any_tree()) {
        let both = Change::between(&a, &b).then(&Change::between(&b, &c)).unwrap();
        let mut result = a.clone();
        both.apply(&mut result).unwrap();
        prop_assert_eq!(result, c);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Tree::decode(&[&b"kiln tree 1\n"[..], &bytes].concat());
    }
}
