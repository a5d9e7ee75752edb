//! One change, one archive.

use super::*;
use crate::oci::Digest;
use crate::tree::{LinkId, tar::header};
use proptest::prelude::*;

fn written(change: &Change, store: &Store, epoch: i64) -> Vec<u8> {
    let mut out = Vec::new();
    write(change, store, epoch, &mut out).unwrap();
    out
}

fn file(store: &Store, content: &str) -> Entry {
    Entry::file(store.put(content.as_bytes()).unwrap(), content.len() as u64, 0o644)
}

/// Something of everything, put together in the given order.
fn sample(store: &Store, order: &[usize]) -> Change {
    let mut linked = file(store, "linked").modified_at(Some(5));
    let Node::File { link, .. } = &mut linked.node else { unreachable!() };
    *link = Some(LinkId::new("sample", &path("usr/bin/z")));
    let mut capable = file(store, "capable");
    capable.mode = 0o4755;
    capable.xattrs.insert(b"security.capability"[..].into(), b"\x01\0\0\x02\n="[..].into());
    let mut folders = Tree::new();
    for folder in ["dev", "etc", "usr/bin", "usr/lib"] {
        folders.make_dirs(&path(folder), &Entry::dir(0o755)).unwrap();
    }
    let mut change = Change::from(folders);
    let entries = [
        (TreePath::root(), Entry::dir(0o711)),
        (path("etc/passwd"), file(store, "root:x:0:0::/:\n").modified_at(Some(-3))),
        (path("usr-merged"), Entry::symlink("usr")),
        (path("usr/bin/z"), linked.clone()),
        (path("usr/bin/a"), linked),
        (path("usr/bin/cap"), capable),
        (path(&format!("usr/lib/{}", "n".repeat(120))), Entry::symlink("t".repeat(101))),
        (path("dev/null"), Entry::new(Node::CharDevice { major: 1, minor: 3 }, 0o666)),
        (path("dev/pipe"), Entry::new(Node::Fifo, 0o600).owned_by(3_000_000, 4_000_000_000).modified_at(Some(1 << 40))),
    ];
    for index in order {
        let (p, entry) = &entries[index % entries.len()];
        change.entries.insert(p.clone(), entry.clone()).unwrap();
    }
    change.removed.extend([path("etc/shadow"), path("etc/alternatives"), path("bin")]);
    change.opaque.insert(path("usr/lib"));
    change
}

const ALL: [usize; 9] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

/// Kind, name and target of each entry, by a reader that is not ours.
fn foreign_listing(archive: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().unwrap().map(|entry| {
        let entry = entry.unwrap();
        let link = entry.link_name().unwrap().map(|l| format!(" -> {}", l.display())).unwrap_or_default();
        format!("{} {}{link}", entry.header().entry_type().as_byte() as char, entry.path().unwrap().display())
    });
    entries.collect()
}

/// Layers that were made once are named by these bytes for ever: a change here breaks the
/// promise of stable diff_ids and needs a new major version.
#[test]
fn the_bytes_of_a_layer_never_change() {
    let (_folder, store) = store();
    let archive = written(&sample(&store, &ALL), &store, 1_700_000_000);
    assert_eq!(
        foreign_listing(&archive),
        [
            "5 ./",
            "0 .wh.bin",
            "5 dev/",
            "3 dev/null",
            "6 dev/pipe",
            "5 etc/",
            "0 etc/.wh.alternatives",
            "0 etc/.wh.shadow",
            "0 etc/passwd",
            "5 usr/",
            "2 usr-merged -> usr",
            "5 usr/bin/",
            "0 usr/bin/a",
            "0 usr/bin/cap",
            "1 usr/bin/z -> usr/bin/a",
            "5 usr/lib/",
            "0 usr/lib/.wh..wh..opq",
            &format!("2 usr/lib/{} -> {}", "n".repeat(120), "t".repeat(101)),
        ]
    );
    assert_eq!(
        Digest::of(&archive).to_string(),
        "sha256:ded87a4c9abfbb8daffb627cbc9bc792ce2775cabb53ed0c00b3e11cd4778524"
    );
}

#[test]
fn the_order_in_which_a_change_was_made_does_not_matter() {
    let (_folder, store) = store();
    let orders = [ALL, [8, 7, 6, 5, 4, 3, 2, 1, 0], [4, 0, 8, 2, 6, 1, 3, 7, 5]];
    let archives = orders.map(|order| written(&sample(&store, &order), &store, 9));
    assert!(archives.iter().all(|archive| *archive == archives[0]));
}

#[test]
fn what_was_written_is_read_back() {
    let (_folder, store) = store();
    let mut change = sample(&store, &ALL);
    let archive = written(&change, &store, 1 << 41);
    let options = Options { devices: true, whiteouts: true, xattrs: true, origin: b"sample", ..Options::default() };
    let read = read(&archive[..], &store, &options).unwrap();
    // The first path in the archive gives the id now, and what was left to the epoch has its time.
    let expected: Vec<(TreePath, Entry)> = change
        .entries
        .iter()
        .map(|(p, e)| {
            let mut e = e.clone();
            if let Node::File { link: Some(link), .. } = &mut e.node {
                *link = LinkId::new("sample", &path("usr/bin/a"));
            }
            e.mtime = Some(e.mtime.unwrap_or(1 << 41).max(0));
            (p.clone(), e)
        })
        .collect();
    change.entries = expected.into_iter().collect();
    assert_eq!(read, change);
}

#[test]
fn times_are_clamped_to_the_epoch() {
    let (_folder, store) = store();
    let times = |epoch| {
        let archive = written(&sample(&store, &ALL), &store, epoch);
        let change = read_with(&archive, &Options { devices: true, ..layer_options() }).unwrap();
        ["dev/pipe", "etc/passwd", "usr", "usr/bin/a"].map(|p| change.entries.get(&path(p)).unwrap().mtime.unwrap())
    };
    assert_eq!(times(1000), [1000, 0, 1000, 5]);
    assert_eq!(times(2), [2, 0, 2, 2]);
    assert_eq!(times(-7), [0, 0, 0, 0]);
}

#[test]
fn names_are_in_ustar_fields_as_long_as_they_fit() {
    let (_folder, store) = store();
    let pax_of = |name: &str| {
        let mut tree = Tree::new();
        tree.make_dirs(&path(name).parent().unwrap(), &Entry::dir(0o755)).unwrap();
        tree.insert(path(name), file(&store, "x")).unwrap();
        let archive = written(&tree.clone().into(), &store, 0);
        assert_eq!(
            read_plain(&archive).unwrap().entries.iter().map(|(p, _)| p.clone()).collect::<Vec<_>>(),
            tree.iter().map(|(p, _)| p.clone()).collect::<Vec<_>>()
        );
        assert_eq!(foreign_listing(&archive).last().unwrap(), &format!("0 {name}"));
        archive.chunks(512).filter(|block| block[156] == b'x' && block[257..].starts_with(b"ustar")).count()
    };
    assert_eq!(pax_of(&"x".repeat(100)), 0);
    assert_eq!(pax_of(&"x".repeat(101)), 1);
    assert_eq!(pax_of(&format!("{}/{}", "p".repeat(90), "x".repeat(100))), 0);
    assert_eq!(pax_of(&format!("{}/{}/{}", "p".repeat(90), "q".repeat(64), "x".repeat(100))), 0);
    // The folder's own name with its slash is one byte too long, and so is the prefix.
    assert_eq!(pax_of(&format!("{}/{}/{}", "p".repeat(90), "q".repeat(65), "x".repeat(100))), 1);
    assert_eq!(pax_of(&format!("{}/{}", "p".repeat(100), "x".repeat(10))), 1);
}

#[test]
fn names_that_are_no_text_survive() {
    let (_folder, store) = store();
    let name = TreePath::new([&[0xff; 3][..], &[b'x'; 150]].concat()).unwrap();
    let mut tree = Tree::new();
    tree.insert(name.clone(), Entry::symlink([0xfe; 120])).unwrap();
    let archive = written(&tree.into(), &store, 0);
    assert!(archive.windows(20).any(|w| w == b"21 hdrcharset=BINARY"));
    let change = read_plain(&archive).unwrap();
    assert_eq!(change.entries.get(&name).unwrap().link_target().unwrap(), [0xfe; 120]);
}

#[test]
fn an_ordinary_root_is_not_written() {
    let (_folder, store) = store();
    let mut tree = Tree::new();
    tree.insert(TreePath::root(), Entry::dir(0o755).modified_at(Some(7))).unwrap();
    assert_eq!(written(&tree.into(), &store, 0), [0; 1024]);
}

#[test]
fn names_that_mean_removal_are_refused() {
    let (_folder, store) = store();
    for name in [".wh.x", "d/.wh..wh..opq", ".wh.d/x"] {
        let mut tree = Tree::new();
        tree.make_dirs(&path(name).parent().unwrap(), &Entry::dir(0o755)).unwrap();
        tree.insert(path(name), file(&store, "")).unwrap();
        assert!(matches!(write(&tree.into(), &store, 0, &mut Vec::new()), Err(TarError::ReservedName(_))), "{name}");
    }
}

#[test]
fn removals_are_written_once_and_never_beside_what_they_remove() {
    let (_folder, store) = store();
    let mut tree = Tree::new();
    tree.make_dirs(&path("a/d"), &Entry::dir(0o755)).unwrap();
    tree.insert(path("a/f"), file(&store, "x")).unwrap();
    let mut change = Change::from(tree);
    change.removed.extend(["a/d", "a/d/x", "a/f", "gone", "gone/x"].map(path));
    change.opaque.extend(["gone/o", "a/d/o", "lone"].map(path));
    assert_eq!(
        foreign_listing(&written(&change, &store, 0)),
        ["0 .wh.gone", "5 a/", "5 a/d/", "0 a/d/.wh..wh..opq", "0 a/f", "0 lone/.wh..wh..opq"]
    );
}

#[test]
fn missing_damaged_and_misjudged_content_fails() {
    let (folder, store) = store();
    let archive = |entry: Entry| {
        let mut tree = Tree::new();
        tree.insert(path("f"), entry).unwrap();
        // Another stay in the store, which has not seen what it holds.
        let store = Store::open(store.root()).unwrap();
        write(&tree.into(), &store, 0, &mut Vec::new())
    };
    let content = store.put(b"content").unwrap();
    assert!(archive(Entry::file(content, 7, 0o644)).is_ok());
    for size in [6, 8] {
        assert!(archive(Entry::file(content, size, 0o644)).unwrap_err().to_string().contains("another size"));
    }
    assert!(matches!(archive(Entry::file(Digest::of("no"), 2, 0o644)), Err(TarError::Store(_))));
    let hex = content.hex();
    std::fs::write(folder.path().join("blobs/sha256").join(&hex[..2]).join(&hex[2..]), "CONTENT").unwrap();
    let error = archive(Entry::file(content, 7, 0o644)).unwrap_err();
    assert!(matches!(&error, TarError::Store(e) if e.is_lost_content()), "{error}");
}

#[test]
fn sizes_beyond_eight_gibibytes_have_a_record() {
    let mut block = [0; 512];
    assert!(header::SIZE.put_octal(&mut block, (8 << 30) - 1));
    assert!(!header::SIZE.put_octal(&mut block, 8 << 30));
    assert_eq!(header::SIZE.number(&block), Some((8 << 30) - 1));
}

fn any_change() -> impl Strategy<Value = (Tree, Tree)> {
    let part = prop::sample::select(vec!["a", "b", "a-", "a.", "c"]);
    let line = (prop::collection::vec(part, 1..4), 0..3u8, 0..3u32);
    let tree = || {
        prop::collection::vec(line.clone(), 0..12).prop_map(|lines| {
            let mut tree = Tree::new();
            for (parts, kind, uid) in lines {
                let p = path(&parts.join("/"));
                let entry = match kind {
                    0 => Entry::dir(0o755),
                    1 => Entry::file(Digest::of(""), 0, 0o644),
                    _ => Entry::symlink("c"),
                };
                if tree.make_dirs(&p.parent().unwrap(), &Entry::dir(0o755).modified_at(Some(1))).is_ok() {
                    tree.insert(p, entry.owned_by(uid, 0).modified_at(Some(1))).unwrap();
                }
            }
            tree
        })
    };
    (tree(), tree())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What a change does to a tree, its layer does when it is read over that tree.
    #[test]
    fn a_layer_does_what_its_change_does((lower, upper) in any_change()) {
        let (_folder, store) = store();
        store.put(b"").unwrap();
        let archive = written(&Change::between(&lower, &upper), &store, 5);
        let options = Options { lower: Some(&lower), ..layer_options() };
        let change = read(&archive[..], &store, &options).unwrap();
        let mut result = lower.clone();
        change.apply(&mut result).unwrap();
        prop_assert_eq!(result, upper);
    }
}
