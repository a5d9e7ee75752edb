//! Archives that are unpacked where they are copied.

use super::*;
use std::io::Write;

fn archive(build: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    build(&mut builder);
    builder.into_inner().unwrap()
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(5);
    header.set_gid(6);
    header.set_mtime(7);
    header
}

fn file(builder: &mut tar::Builder<Vec<u8>>, path: &str, content: &str) {
    let mut header = header(tar::EntryType::Regular, 0o640, content.len() as u64);
    let name = &mut header.as_mut_bytes()[..path.len()];
    name.copy_from_slice(path.as_bytes());
    header.set_cksum();
    builder.append(&header, content.as_bytes()).unwrap();
}

fn link(builder: &mut tar::Builder<Vec<u8>>, path: &str, target: &str) {
    let mut header = header(tar::EntryType::Symlink, 0o777, 0);
    header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
    header.as_mut_bytes()[157..157 + target.len()].copy_from_slice(target.as_bytes());
    header.set_cksum();
    builder.append(&header, std::io::empty()).unwrap();
}

fn unpack(base: &[&str], content: &[u8], owner: Option<pb::ChownOpt>) -> Result<Vec<String>, FileError> {
    let bench = Bench::new();
    let mut from = Tree::new();
    let digest = bench.store.put(content).unwrap();
    from.insert(TreePath::new("a.tgz").unwrap(), Entry::file(digest, content.len() as u64, 0o644)).unwrap();
    let action = FileActionCopy { attempt_unpack_docker_compatibility: true, owner, ..copy("/a.tgz", "/opt/app") };
    let change = bench.run(&bench.tree(base), &from, vec![Action::Copy(action)])?;
    Ok(change
        .entries
        .iter()
        .map(|(path, entry)| format!("{path} {} {}:{}", entry.kind(), entry.uid, entry.gid))
        .collect())
}

#[test]
fn archives_are_unpacked_into_the_destination_whatever_their_compression() {
    let plain = archive(|tar| {
        file(tar, "bin/tool", "x");
        link(tar, "tool", "bin/tool");
    });
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let zstd = zstd::encode_all(plain.as_slice(), 1).unwrap();
    for bytes in [plain.clone(), gzip.finish().unwrap(), zstd] {
        let shown = unpack(&[], &bytes, None).unwrap();
        assert_eq!(
            shown,
            [
                "/opt directory 0:0",
                "/opt/app directory 0:0",
                "/opt/app/bin directory 0:0",
                "/opt/app/bin/tool file 5:6",
                "/opt/app/tool symbolic link 5:6",
            ]
        );
    }
    let shown = unpack(&[], &plain, owner("8", None)).unwrap();
    assert!(shown.iter().all(|line| line.ends_with("8:8")), "{shown:?}");
}

#[test]
fn what_is_no_archive_is_copied() {
    for content in [&b""[..], b"hello", &[0; 1024], b"\x1f\x8b not gzip"] {
        assert_eq!(unpack(&[], content, None).unwrap(), ["/opt directory 0:0", "/opt/app file 0:0"]);
    }
}

#[test]
fn archives_that_cannot_be_unpacked_are_named() {
    let bzip2 = b"BZh91AY&SY rest";
    assert!(unpack(&[], bzip2, None).unwrap_err().to_string().contains("bzip2"));
    let mut cut = archive(|tar| file(tar, "a", &"x".repeat(2000)));
    cut.truncate(1024);
    assert!(unpack(&[], &cut, None).unwrap_err().to_string().contains("cannot unpack /a.tgz"));
}

#[test]
fn archives_cannot_reach_outside_of_the_destination() {
    for path in ["../../etc/evil", "/../etc/evil", "a/../../../etc/evil"] {
        let error = unpack(&["etc/ 755"], &archive(|tar| file(tar, path, "x")), None);
        let inside =
            error.as_ref().is_ok_and(|shown| shown.iter().all(|l| l.starts_with("/opt") || l == "/etc directory 0:0"));
        assert!(error.is_err() || inside, "{path}: {error:?}");
    }
    // A link first, then a file through it: the link leads nowhere but below the destination.
    for target in ["/etc", "../../etc", "../../../../etc"] {
        let bytes = archive(|tar| {
            link(tar, "out", target);
            file(tar, "out/evil", "x");
        });
        let shown = unpack(&["etc/ 755"], &bytes, None);
        let inside = shown.as_ref().is_ok_and(|shown| !shown.iter().any(|line| line.starts_with("/etc/")));
        assert!(shown.is_err() || inside, "{target}: {shown:?}");
    }
    // The same with a link that stands there already.
    let bytes = archive(|tar| file(tar, "out/evil", "x"));
    let shown = unpack(&["etc/ 755", "opt/app/out -> /etc"], &bytes, None);
    let inside = shown.as_ref().is_ok_and(|shown| !shown.iter().any(|line| line.starts_with("/etc/")));
    assert!(shown.is_err() || inside, "{shown:?}");
}
