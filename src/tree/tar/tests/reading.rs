//! What honest archives mean.

use super::*;
use crate::oci::Digest;
use crate::tree::tar::header;

fn lower() -> Tree {
    let mut tree = Tree::new();
    for (p, entry) in [
        ("bin", Entry::symlink("usr/bin")),
        ("etc", Entry::dir(0o700).owned_by(5, 6)),
        ("etc/conf", Entry::file(Digest::of("old"), 3, 0o600)),
        ("etc/d", Entry::dir(0o750)),
        ("etc/d/x", Entry::file(Digest::of("x"), 1, 0o644)),
        ("usr", Entry::dir(0o755)),
        ("usr/bin", Entry::dir(0o751)),
    ] {
        tree.insert(path(p), entry).unwrap();
    }
    tree
}

fn over(lower: &Tree, archive: &[u8]) -> Change {
    read_with(archive, &Options { lower: Some(lower), ..layer_options() }).unwrap()
}

#[test]
fn all_that_a_header_says_is_kept() {
    let archive = Archive::new()
        .edited(b'0', "./usr/bin/x", "", b"hello", |block| {
            header::MODE.put_octal(block, 0o104_755);
            header::UID.put_octal(block, 12);
            header::GID.put_octal(block, 34);
        })
        .entry(b'6', "run/pipe", "", b"")
        .finish();
    let (_folder, store) = store();
    let change = read(&archive[..], &store, &Options::default()).unwrap();
    let entry = change.entries.get(&path("usr/bin/x")).unwrap();
    let expected = Entry::file(Digest::of("hello"), 5, 0o4755).owned_by(12, 34).modified_at(Some(1_000_000_000));
    assert_eq!(*entry, expected);
    assert_eq!(store.read(&Digest::of("hello"), 100).unwrap(), b"hello");
    assert_eq!(change.entries.get(&path("run/pipe")).unwrap().node, Node::Fifo);
}

#[test]
fn extended_headers_override() {
    let long = format!("usr/{}/{}", "a".repeat(200), "b".repeat(200));
    let archive = Archive::new()
        .pax(&[
            ("path", long.as_bytes()),
            ("uid", b"4000000000"),
            ("mtime", b"-1.5"),
            ("SCHILY.xattr.security.capability", b"\x01\0\n="),
            ("SCHILY.xattr.user.note", b""),
        ])
        .file("short", "x")
        .entry(b'L', "././@LongLink", "", &[b"gnu/".as_slice(), &[b'n'; 150], b"\0"].concat())
        .entry(b'K', "././@LongLink", "", &[&[b't'; 150][..], b"\0"].concat())
        .symlink("short", "short")
        .finish();
    let change = read_plain(&archive).unwrap();
    let entry = change.entries.get(&path(&long)).unwrap();
    assert_eq!((entry.uid, entry.mtime), (4_000_000_000, Some(-2)));
    assert_eq!(entry.xattrs.keys().map(|k| &k[..]).collect::<Vec<_>>(), [b"security.capability"]);
    assert_eq!(&entry.xattrs[&b"security.capability"[..]][..], b"\x01\0\n=");
    let link = change.entries.get(&path(&format!("gnu/{}", "n".repeat(150)))).unwrap();
    assert_eq!(link.link_target().unwrap(), [b't'; 150]);
    let all = read_with(&archive, &Options { xattrs: true, ..Options::default() }).unwrap();
    assert_eq!(all.entries.get(&path(&long)).unwrap().xattrs.len(), 2);
}

#[test]
fn archives_of_the_tar_crate_are_read() {
    let mut builder = tar::Builder::new(Vec::new());
    let deep = format!("{}/file", "folder".repeat(20));
    for (name, content) in [("a", "1"), (&deep, "2")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        header.set_mode(0o640);
        header.set_mtime(5);
        builder.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    let change = read_plain(&builder.into_inner().unwrap()).unwrap();
    assert_eq!(change.entries.get(&path(&deep)).unwrap().content(), Some(&Digest::of("2")));
}

#[test]
fn v7_directories_are_known_by_their_names() {
    let archive = Archive::new()
        .edited(0, "d/", "", b"", |block| header::MAGIC.put(block, &[0; 8]))
        .edited(0, "d/f", "", b"x", |block| header::MAGIC.put(block, &[0; 8]))
        .finish();
    assert_eq!(listing(&read_plain(&archive).unwrap().entries), ["/d/", "/d/f"]);
}

#[test]
fn hard_links_are_one_file() {
    let archive = Archive::new().file("a", "x").hard_link("d/b", "./a").hard_link("c", "d/b").file("e", "x").finish();
    let (_folder, store) = store();
    let of = |origin: &'static [u8]| read(&archive[..], &store, &Options { origin, ..Options::default() }).unwrap();
    let change = of(b"one");
    let entry = |p: &str| change.entries.get(&path(p)).unwrap();
    assert!(entry("a") == entry("d/b") && entry("a") == entry("c"));
    assert_ne!(entry("a"), entry("e"));
    // The same paths in another archive are other files.
    assert_ne!(of(b"two").entries.get(&path("a")), change.entries.get(&path("a")));
}

#[test]
fn the_last_of_several_wins() {
    let archive = Archive::new()
        .file("a", "1")
        .hard_link("b", "a")
        .file("a", "2")
        .dir("d")
        .file("d/x", "")
        .file("d", "now a file")
        .file("e", "")
        .dir("e")
        .file("e/x", "")
        .finish();
    let change = read_plain(&archive).unwrap();
    assert_eq!(change.entries.get(&path("a")).unwrap().content(), Some(&Digest::of("2")));
    assert_eq!(change.entries.get(&path("b")).unwrap().content(), Some(&Digest::of("1")));
    assert_eq!(listing(&change.entries), ["/a", "/b", "/d", "/e/", "/e/x"]);
}

#[test]
fn whiteouts_take_away_and_are_plain_names_elsewhere() {
    let archive = Archive::new().file("etc/.wh.conf", "").file("usr/.wh..wh..opq", "").file("usr/new", "").finish();
    let change = over(&lower(), &archive);
    assert_eq!(change.removed.iter().collect::<Vec<_>>(), [&path("etc/conf")]);
    assert_eq!(change.opaque.iter().collect::<Vec<_>>(), [&path("usr")]);
    let mut tree = lower();
    change.apply(&mut tree).unwrap();
    assert_eq!(listing(&tree), ["/bin -> usr/bin", "/etc/", "/etc/d/", "/etc/d/x", "/usr/", "/usr/new"]);
    let plain = read_plain(&archive).unwrap();
    assert!(plain.takes_nothing_away() && plain.entries.get(&path("etc/.wh.conf")).is_some());
}

#[test]
fn folders_that_a_layer_does_not_mention_are_those_below() {
    let change = over(&lower(), &Archive::new().file("etc/new", "").file("bin/sh", "").file("opt/x", "").finish());
    assert_eq!(listing(&change.entries), ["/etc/", "/etc/new", "/opt/", "/opt/x", "/usr/", "/usr/bin/", "/usr/bin/sh"]);
    let entry = |p: &str| change.entries.get(&path(p)).unwrap();
    assert_eq!(
        (entry("etc").mode, entry("etc").uid, entry("usr/bin").mode, entry("opt").mode),
        (0o700, 5, 0o751, 0o755)
    );
}

#[test]
fn hard_links_to_files_below_bring_them_along() {
    let change = over(&lower(), &Archive::new().hard_link("etc/again", "etc/conf").finish());
    let entry = |p: &str| change.entries.get(&path(p)).unwrap();
    assert_eq!(entry("etc/again"), entry("etc/conf"));
    assert_eq!(entry("etc/again").content(), Some(&Digest::of("old")));
    let gone = Archive::new().file("etc/.wh.conf", "").hard_link("etc/again", "etc/conf").finish();
    assert!(read_with(&gone, &Options { lower: Some(&lower()), ..layer_options() }).is_err());
}

#[test]
fn what_replaced_a_folder_keeps_the_old_content_away() {
    let archive = Archive::new().file("etc/d", "a file").dir("etc/d").file("etc/d/y", "").finish();
    let mut tree = lower();
    over(&lower(), &archive).apply(&mut tree).unwrap();
    assert_eq!(listing(&tree.subtree(&path("etc/d"))), ["//", "/y"]);
}

#[test]
fn a_map_renames_and_leaves_out() {
    let archive = Archive::new()
        .dir("./")
        .dir("./bin/")
        .file("./bin/sh", "x")
        .hard_link("./bin/dash", "./bin/sh")
        .dir("./usr/")
        .file("./usr/man", "")
        .finish();
    let map = |p: &TreePath| {
        let merged = p.relative_to(&path("bin")).map(|rest| path("usr/bin").join_path(&rest));
        (*p != path("usr/man")).then(|| merged.unwrap_or_else(|| p.clone()))
    };
    let change = read_with(&archive, &Options { map: Some(&map), ..Options::default() }).unwrap();
    assert_eq!(listing(&change.entries), ["//", "/usr/", "/usr/bin/", "/usr/bin/dash", "/usr/bin/sh"]);
    let linked = Archive::new().file("usr/man", "").hard_link("x", "usr/man").finish();
    let error = read_with(&linked, &Options { map: Some(&map), ..Options::default() }).unwrap_err();
    assert!(error.to_string().contains("left out"), "{error}");
}

#[test]
fn a_reader_gives_entries_one_by_one_and_passes_over_what_is_not_read() {
    let archive = Archive::new().file("a", [1; 5000]).dir("d").file("b", "bee").finish();
    let mut reader = Reader::new(&archive[..], Limits::default());
    let mut seen = Vec::new();
    while let Some(mut member) = reader.next_member().unwrap() {
        let mut content = Vec::new();
        if member.header().size < 100 {
            std::io::Read::read_to_end(&mut member, &mut content).unwrap();
        }
        seen.push((member.header().path.to_string(), content));
    }
    assert_eq!(seen, [("/a".into(), vec![]), ("/d".into(), vec![]), ("/b".into(), b"bee".to_vec())]);
    assert!(reader.next_member().unwrap().is_none());
}

#[test]
fn large_files_are_streamed_into_the_store() {
    let content: Vec<u8> = (0..700_000u32).map(|i| (i % 251) as u8).collect();
    let (_folder, store) = store();
    let change = read(&Archive::new().file("a", &content).finish()[..], &store, &Options::default()).unwrap();
    assert_eq!(change.entries.get(&path("a")).unwrap().content(), Some(&Digest::of(&content)));
    assert_eq!(store.read(&Digest::of(&content), 1 << 20).unwrap(), content);
    let cut = &Archive::new().file("a", &content).finish()[..300_000];
    assert!(matches!(read(cut, &store, &Options::default()), Err(TarError::Truncated(_))));
}
