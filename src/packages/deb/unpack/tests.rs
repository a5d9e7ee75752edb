use super::*;
use crate::packages::deb::fixtures::{self, Deb, MTIME, Packing, ar, content};
use crate::tree::Node;
use ::tar::EntryType;

struct Place {
    store: Store,
    _folder: tempfile::TempDir,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    Place { store: Store::open(folder.path()).unwrap(), _folder: folder }
}

fn path(text: &str) -> TreePath {
    TreePath::from_user(text).unwrap()
}

fn refused(deb: Deb) -> String {
    let place = place();
    let package = deb.store(&place.store);
    unpack(&place.store, &package).expect_err("it is hostile").to_string()
}

fn sample() -> Deb {
    Deb::new("sample", "1.0-1")
        .dir("./", 0o755)
        .dir("./usr/", 0o755)
        .dir("./usr/bin/", 0o755)
        .file("./usr/bin/tool", 0o4755, "tool")
        .hard_link("./usr/bin/same", "./usr/bin/tool")
        .symlink("./usr/bin/link", "tool")
        .xattr("security.capability", b"\x01\0\0\x02")
        .file("./usr/bin/ping", 0o755, "ping")
        .dir("./etc/", 0o755)
        .at(MTIME + 7)
        .file("./etc/sample.conf", 0o640, "a=b\n")
        .control_file("conffiles", "/etc/sample.conf\n")
        .control_file("md5sums", "0123  usr/bin/tool\n")
        .control_file("postinst", "#!/bin/sh\nset -e\n")
}

#[test]
fn everything_that_a_package_holds_is_kept_with_every_compression() {
    let mut seen = Vec::new();
    for packing in [Packing::None, Packing::Gzip, Packing::Xz, Packing::Zstd] {
        let Place { store, _folder } = place();
        let package = sample().packed(packing).store(&store);
        let unpacked = unpack(&store, &package).unwrap();
        let tree = &unpacked.tree;
        let tool = tree.get(&path("usr/bin/tool")).unwrap();
        assert_eq!((tool.mode, tool.uid, tool.gid, tool.mtime), (0o4755, 0, 0, Some(MTIME as i64)));
        assert_eq!(content(&store, tool.content().unwrap()), b"tool");
        let Node::File { link: Some(_), .. } = tool.node else { panic!("it has two names") };
        assert_eq!(tree.get(&path("usr/bin/same")), Some(tool));
        assert_eq!(tree.get(&path("usr/bin/link")).unwrap().link_target(), Some(b"tool".as_slice()));
        assert_eq!(tree.get(&path("usr/bin/ping")).unwrap().xattrs.len(), 1);
        assert_eq!(tree.get(&path("etc/sample.conf")).unwrap().mtime, Some(MTIME as i64 + 7));
        let names: Vec<&str> = unpacked.files.keys().map(String::as_str).collect();
        assert_eq!(names, ["conffiles", "control", "md5sums", "postinst"]);
        assert_eq!(content(&store, &unpacked.files["postinst"]), b"#!/bin/sh\nset -e\n");
        let mut plain = tree.clone();
        plain.remove(&path("usr/bin"));
        seen.push(plain);
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_package_is_unpacked_once() {
    let Place { store, _folder } = place();
    let package = sample().store(&store);
    let first = unpack(&store, &package).unwrap();
    std::fs::remove_file(blob(&store, &package.sha256)).unwrap();
    assert_eq!(unpack(&store, &package).unwrap(), first);
    // What is lost is made anew, which needs the package again.
    let tool = first.tree.get(&path("usr/bin/tool")).unwrap().content().unwrap();
    std::fs::remove_file(blob(&store, tool)).unwrap();
    let reason = unpack(&store, &package).unwrap_err().reason;
    assert!(matches!(reason, UnpackReason::Store(e) if e.is_lost_content()));
}

fn blob(store: &Store, digest: &Digest) -> std::path::PathBuf {
    let hex = digest.hex();
    store.root().join("blobs/sha256").join(&hex[..2]).join(&hex[2..])
}

#[test]
fn a_damaged_blob_is_told_from_a_bad_package_and_nothing_is_recorded() {
    let Place { store, _folder } = place();
    let package = sample().store(&store);
    let file = blob(&store, &package.sha256);
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 3000;
    bytes[last] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let store = Store::open(store.root()).unwrap();
    unpack(&store, &package).unwrap_err();
    assert!(store.record(RECORD, &record_key(&package.sha256)).unwrap().is_none());
}

#[test]
fn the_identity_must_be_the_locked_one() {
    let Place { store, _folder } = place();
    let good = sample().store(&store);
    type Change = fn(&mut LockedPackage);
    let changes: [(Change, &str); 3] = [
        (|p| p.name = "other".into(), "its name is `sample`, but the lock says `other`"),
        (|p| p.version = "1.0-2".into(), "its version is `1.0-1`, but the lock says `1.0-2`"),
        (|p| p.architecture = "all".into(), "its architecture is `amd64`, but the lock says `all`"),
    ];
    // The same holds when the package was unpacked before.
    for _ in 0..2 {
        for (change, message) in changes {
            let mut package = good.clone();
            change(&mut package);
            let actual = unpack(&store, &package).unwrap_err().to_string();
            assert!(actual.contains(message), "{actual}");
        }
        unpack(&store, &good).unwrap();
    }
}

#[test]
fn paths_that_leave_the_root_are_refused() {
    for name in ["../etc/passwd", "./usr/../../etc/passwd", "usr/.."] {
        let message = refused(Deb::new("evil", "1").file(name, 0o644, "x"));
        assert!(message.contains("is refused"), "{name}: {message}");
    }
    // A slash in front means the same as none.
    let Place { store, _folder } = place();
    let package = Deb::new("evil", "1").file("/etc/passwd", 0o644, "x").store(&store);
    assert!(unpack(&store, &package).unwrap().tree.get(&path("etc/passwd")).is_some());
}

#[test]
fn files_through_links_of_the_same_package_are_refused() {
    for target in ["/etc", "../../etc", "."] {
        let deb = Deb::new("evil", "1").dir("usr", 0o755).symlink("usr/x", target).file("usr/x/passwd", 0o644, "x");
        let message = refused(deb);
        assert!(message.contains("through a symbolic link of its own"), "{target}: {message}");
    }
}

#[test]
fn hard_links_lead_to_files_of_the_package() {
    for target in ["/etc/shadow", "../x", "usr"] {
        let message = refused(Deb::new("evil", "1").dir("usr", 0o755).hard_link("usr/x", target));
        assert!(message.contains("refused"), "{target}: {message}");
    }
}

#[test]
fn device_nodes_and_unknown_kinds_are_refused() {
    for kind in [EntryType::Char, EntryType::Block, EntryType::GNUSparse, EntryType::new(b'Z')] {
        let message = refused(Deb::new("evil", "1").entry("dev", kind, 0o666, "", &[]));
        assert!(message.contains("data.tar") && message.contains("refused"), "{message}");
    }
}

#[test]
fn bombs_stop_early() {
    let Place { store, _folder } = place();
    let zeros = vec![0u8; 96 << 20];
    for packing in [Packing::Gzip, Packing::Xz, Packing::Zstd] {
        let data = packing.pack(&zeros);
        let suffix = match packing {
            Packing::Gzip => ".gz",
            Packing::Xz => ".xz",
            _ => ".zst",
        };
        for (control, data) in [(data.as_slice(), b"".as_slice()), (&control(packing), &data)] {
            let names = (format!("control.tar{suffix}"), format!("data.tar{suffix}"));
            let deb = ar(&[("debian-binary", b"2.0\n"), (&names.0, control), (&names.1, data)]);
            let package = fixtures::locked(&store, "evil", "1", "all", &deb);
            unpack(&store, &package).unwrap_err();
        }
    }
}

/// A packed control member.
fn control(packing: Packing) -> Vec<u8> {
    let mut tar = ::tar::Builder::new(Vec::new());
    let text = b"Package: evil\nVersion: 1\nArchitecture: all\n";
    let mut header = ::tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "control", text.as_slice()).unwrap();
    packing.pack(&tar.into_inner().unwrap())
}

#[test]
fn a_bomb_of_one_huge_file_is_refused_before_it_is_written() {
    let Place { store, _folder } = place();
    let deb = Deb::new("evil", "1").file("zeros", 0o644, vec![0u8; 70 << 20]).packed(Packing::Xz);
    let package = deb.store(&store);
    assert!(package.size < 20_000);
    let message = unpack(&store, &package).unwrap_err().to_string();
    assert!(message.contains("bytes"), "{message}");
}

#[test]
fn members_are_compressed_as_their_names_say() {
    let Place { store, _folder } = place();
    let members: [(&str, &[u8]); 3] =
        [("debian-binary", b"2.0\n"), ("control.tar.xz", &control(Packing::Gzip)), ("data.tar.xz", b"")];
    let package = fixtures::locked(&store, "evil", "1", "all", &ar(&members));
    let message = unpack(&store, &package).unwrap_err().to_string();
    assert!(message.contains("not compressed as its name says"), "{message}");
}

#[test]
fn the_control_member_holds_plain_files_only() {
    for name in ["./../x", "/etc/x", "./a/b", "./-x", "./.x", "./a b", "./a\nb", "./$(x)"] {
        let message = refused(Deb::new("evil", "1").control_file(name, "x"));
        assert!(message.contains("control"), "{name}: {message}");
    }
    let message = refused(Deb::new("evil", "1").control_file("postinst", "a").control_file("postinst", "b"));
    assert!(message.contains("postinst (twice)"), "{message}");
}

#[test]
fn lists_of_paths_stay_inside() {
    let cases = [
        ("md5sums", "0123  ../../etc/passwd\n"),
        ("md5sums", "0123  /etc/passwd\n"),
        ("md5sums", "nothing\n"),
        ("conffiles", "/../x\n"),
        ("conffiles", "etc/x\n"),
        ("conffiles", "/\n"),
    ];
    for (file, text) in cases {
        let message = refused(Deb::new("evil", "1").control_file(file, text));
        assert!(message.contains(&format!("its {file} names the path")), "{text:?}: {message}");
    }
}

#[test]
fn every_truncation_of_a_package_is_refused() {
    let whole = sample().packed(Packing::Xz).build();
    let Place { store, _folder } = place();
    for length in (0..whole.len() - 1).step_by(37) {
        let package = fixtures::locked(&store, "sample", "1.0-1", "amd64", &whole[..length]);
        assert!(unpack(&store, &package).is_err(), "{length}");
    }
}

#[test]
fn names_with_shell_characters_and_line_ends_are_only_names() {
    let Place { store, _folder } = place();
    let deb = Deb::new("odd", "1").file("usr/$(reboot)", 0o644, "a").file("usr/a\nb;c'\"", 0o644, "b");
    let unpacked = unpack(&store, &deb.store(&store)).unwrap();
    assert!(unpacked.tree.get(&path("usr/a\nb;c'\"")).is_some());
}

#[test]
fn many_packages_come_in_the_order_asked_and_the_first_error_wins() {
    let Place { store, _folder } = place();
    let make = |i: usize| {
        let deb = Deb::new(&format!("pkg{i}"), "1").file("f", 0o644, vec![b'x'; 1000 * (20 - i)]);
        deb.store(&store)
    };
    let mut packages: Vec<LockedPackage> = (0..20).map(make).collect();
    let names: Vec<String> =
        unpack_all(&store, &packages).unwrap().iter().map(|u| u.stanza.name().to_owned()).collect();
    assert_eq!(names, packages.iter().map(|p| p.name.clone()).collect::<Vec<_>>());
    packages[15].version = "2".into();
    packages[4].version = "2".into();
    assert!(unpack_all(&store, &packages).unwrap_err().package.starts_with("pkg4 "));
}
