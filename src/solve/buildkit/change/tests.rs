use super::*;
use crate::oci::{Descriptor, media_type, to_json};
use tempfile::TempDir;

/// When the command began.
const BEGAN: i64 = 1_700_000_000;

struct Room {
    store: Store,
    _folder: TempDir,
}

impl Room {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Room { store: Store::open(folder.path()).unwrap(), _folder: folder }
    }

    fn file(&self, text: &str) -> Entry {
        Entry::file(self.store.put(text.as_bytes()).unwrap(), text.len() as u64, 0o644)
    }

    fn linked(&self, text: &str, link: u8) -> Entry {
        let mut entry = self.file(text);
        if let Node::File { link: place, .. } = &mut entry.node {
            *place = Some(LinkId([link; 16]));
        }
        entry
    }

    /// An archive, with times as they are.
    fn archive(&self, change: &Change) -> Vec<u8> {
        let mut bytes = Vec::new();
        tar::write(change, &self.store, i64::MAX, &mut bytes).unwrap();
        bytes
    }

    fn after(&self, lower: &Tree, archive: &[u8], stubs: &[&str]) -> Result<After, String> {
        let stubs = stubs.iter().map(|path| TreePath::new(path).unwrap()).collect();
        Seen { lower, began: BEGAN, store: &self.store }.layers(archive, &stubs)
    }
}

fn tree(entries: &[(&str, Entry)]) -> Tree {
    let mut tree = Tree::new();
    for (path, entry) in entries {
        tree.insert(TreePath::new(path).unwrap(), entry.clone()).unwrap();
    }
    tree
}

/// A layout as an archive, with files by name.
fn layout(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ::tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = ::tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, *content).unwrap();
    }
    archive.into_inner().unwrap()
}

/// A layout with one layer, which is called by `name` if there is one.
fn of_layer(layer: &[u8], name: Option<Digest>) -> Vec<u8> {
    let mut row = Descriptor::of(media_type::LAYER, layer);
    row.digest = name.unwrap_or(row.digest);
    let (place, config) = (blob(&row.digest), Descriptor::of(media_type::CONFIG, b"{}"));
    let manifest = to_json(&serde_json::json!({ "schemaVersion": 2, "config": config, "layers": [row] }));
    let image = Descriptor::of(media_type::MANIFEST, &manifest);
    let index = to_json(&Index::new(vec![image.clone()]));
    layout(&[("index.json", &index), (&blob(&image.digest), &manifest), (&place, layer)])
}

#[test]
fn layers_become_what_a_sandbox_finds() {
    let room = Room::new();
    let (epoch, early, late) = (Some(STEP_EPOCH), Some(1_000_000_000), Some(BEGAN + 1));
    let kept = room.linked("k", 1);
    let lower = tree(&[
        ("bin", Entry::dir(0o755).modified_at(early)),
        ("bin/sh", room.file("sh")),
        ("gone", room.file("g")),
        ("k1", kept.clone()),
        ("k2", kept.clone()),
    ]);
    let change = Change {
        entries: tree(&[
            // Something was made in it.
            ("bin", Entry::dir(0o755).modified_at(late)),
            ("bin/new", room.file("new").modified_at(late)),
            // Its rights were changed.
            ("bin/sh", Entry { mode: 0o755, ..room.file("sh").modified_at(epoch) }),
            ("k1", kept.clone().modified_at(epoch)),
            ("k2", kept.clone().modified_at(epoch)),
            ("l1", room.linked("l", 2).modified_at(late)),
            ("l2", room.linked("l", 2).modified_at(late)),
            ("mnt", Entry::dir(0o755).modified_at(late)),
            ("mnt/point", room.file("").modified_at(late)),
            ("old", room.file("old").modified_at(early)),
        ]),
        removed: [TreePath::new("gone").unwrap()].into(),
        opaque: BTreeSet::new(),
    };
    let archive = of_layer(&room.archive(&change), None);
    let After { tree: after, taken } = room.after(&lower, &archive, &["mnt", "mnt/point", "bin"]).unwrap();
    let mut linked = room.file("l");
    if let Node::File { content, link, .. } = &mut linked.node {
        *link = Some(LinkId::new(content.as_bytes(), &TreePath::new("l1").unwrap()));
    }
    let expected = tree(&[
        ("bin", Entry::dir(0o755).modified_at(early)),
        ("bin/new", room.file("new")),
        ("bin/sh", Entry { mode: 0o755, ..room.file("sh") }),
        ("k1", kept.clone()),
        ("k2", kept),
        ("l1", linked.clone()),
        ("l2", linked),
        ("old", room.file("old").modified_at(early)),
    ]);
    assert_eq!(after, expected);
    assert_eq!(taken.iter().map(ToString::to_string).collect::<Vec<_>>(), ["/mnt/point", "/mnt"]);
}

#[test]
fn an_archive_of_all_files_becomes_the_same() {
    let room = Room::new();
    let late = Some(BEGAN + 1);
    let lower = tree(&[("etc", Entry::dir(0o755)), ("etc/a", room.file("a")), ("etc/b", room.file("b"))]);
    let found = tree(&[
        // Old daemons make the folders of what is sent to them just before.
        ("etc", Entry::dir(0o755).modified_at(Some(BEGAN - 1))),
        ("etc/a", room.file("a").modified_at(Some(STEP_EPOCH))),
        ("etc/c", room.file("c").modified_at(late)),
        ("etc/hosts", room.file("").modified_at(late)),
        ("proc", Entry::dir(0o755).modified_at(late)),
        ("empty", Entry::dir(0o755).modified_at(late)),
    ]);
    let archive = room.archive(&Change::from(found));
    let stubs = ["etc/hosts", "proc"].map(|path| TreePath::new(path).unwrap()).into();
    let seen = Seen { lower: &lower, began: BEGAN, store: &room.store };
    let After { tree: after, taken } = seen.whole(archive.as_slice(), &stubs).unwrap();
    let expected = tree(&[
        ("etc", Entry::dir(0o755)),
        ("etc/a", room.file("a")),
        ("etc/c", room.file("c")),
        ("empty", Entry::dir(0o755)),
    ]);
    assert_eq!(after, expected);
    assert_eq!(taken.len(), 2);
    let removed: Vec<_> = Change::between(&lower, &after).removed.into_iter().collect();
    assert_eq!(removed, [TreePath::new("etc/b").unwrap()]);
}

#[test]
fn a_part_is_laid_over_what_was_there_and_nothing_else_of_it() {
    let room = Room::new();
    let old = room.file("old").modified_at(Some(5));
    let lower = tree(&[("etc", Entry::dir(0o755)), ("etc/old", old)]);
    let sent = tree(&[
        ("etc", Entry::dir(0o711).modified_at(Some(BEGAN + 1))),
        ("etc/more", room.file("not asked for")),
        ("out", Entry::dir(0o700).modified_at(Some(BEGAN + 2))),
        ("out/app", room.linked("app", 1).modified_at(Some(BEGAN + 3))),
        ("out/link", Entry::symlink("same")),
        ("out/same", room.linked("app", 1).modified_at(Some(BEGAN + 3))),
    ]);
    let part = |paths: &[&str]| {
        let archive = of_layer(&room.archive(&sent.clone().into()), None);
        let paths = paths.iter().map(|path| TreePath::new(path).unwrap()).collect();
        let seen = Seen { lower: &lower, began: BEGAN, store: &room.store };
        seen.part(archive.as_slice(), &paths).unwrap()
    };
    let app = part(&["out/app", "out/same"]).unwrap();
    let paths: Vec<_> = app.iter().map(|(path, entry)| format!("{path} {:o} {:?}", entry.mode, entry.mtime)).collect();
    let expected =
        ["/etc 755 None", "/etc/old 644 Some(5)", "/out 700 None", "/out/app 644 None", "/out/same 644 None"];
    assert_eq!(paths, expected);
    let link = |path: &str| match app.get(&TreePath::new(path).unwrap()).unwrap().node {
        Node::File { link, .. } => link,
        _ => None,
    };
    assert!(link("out/app").is_some() && link("out/app") == link("out/same"));
    assert!(part(&["out/app", "way/x"]).is_none(), "it may be behind a link");
    assert!(part(&["out/link"]).is_none(), "what it leads to may be wanted");
}

#[test]
fn what_is_no_layout_is_refused() {
    let room = Room::new();
    let layer = room.archive(&Change::from(tree(&[("a", room.file("a"))])));
    let none = to_json(&Index::new(Vec::new()));
    let cases = [
        (Vec::new(), "cut short"),
        (b"no archive, whatever else it may be".to_vec(), "cut short"),
        (layout(&[("oci-layout", b"{}")]), "index.json is missing"),
        (layout(&[("index.json", b"[")]), "cannot be read"),
        (layout(&[("index.json", &none)]), "not one image"),
        (of_layer(&layer, Some(Digest::of("another"))), "another digest"),
        (of_layer(b"no layer", None), ""),
    ];
    for (archive, said) in cases {
        let error = room.after(&Tree::new(), &archive, &[]).err().unwrap();
        assert!(error.contains(said), "{said}: {error}");
    }
}
