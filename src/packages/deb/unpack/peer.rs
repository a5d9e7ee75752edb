//! Real packages against dpkg's own unpacking.

use super::*;
use crate::packages::deb::fixtures;
use crate::tree::{Entry, Node};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

/// Packages with setuid files, hard links, capabilities, many files, odd modes and doc links.
const NAMES: [&str; 8] = [
    "base-files",
    "python3.11-minimal",
    "ca-certificates",
    "passwd",
    "perl-base",
    "libgcc-s1",
    "iputils-ping",
    "tzdata",
];

#[test]
#[ignore = "needs a Debian machine: real packages, apt and dpkg-deb"]
fn the_tree_is_what_dpkg_deb_unpacks() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    for (file, package) in fixtures::real(&store, &NAMES) {
        let unpacked = unpack(&store, &package).unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir(&root).unwrap();
        let status = Command::new("dpkg-deb").arg("-x").args([&file, &root]).status().unwrap();
        assert!(status.success());
        let mut count = 0;
        compare(&root, &root, &unpacked.tree, &package.name, &mut count);
        let expected = unpacked.tree.iter().filter(|(p, _)| !p.is_root()).count();
        assert_eq!(count, expected, "{}", package.name);
        std::fs::remove_dir_all(&root).unwrap();
    }
}

fn compare(root: &Path, folder: &Path, tree: &Tree, package: &str, count: &mut usize) {
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let inside = TreePath::new(path.strip_prefix(root).unwrap().as_os_str().as_bytes()).unwrap();
        let entry = tree.get(&inside).unwrap_or_else(|| panic!("{package}: {inside} is missing"));
        compare_entry(&path, entry, package);
        *count += 1;
        if entry.is_dir() {
            compare(root, &path, tree, package, count);
        }
    }
}

fn compare_entry(path: &Path, entry: &Entry, package: &str) {
    let metadata = std::fs::symlink_metadata(path).unwrap();
    let shown = path.display();
    match &entry.node {
        Node::File { content, size, link } => {
            assert!(metadata.is_file() && metadata.len() == *size, "{package}: {shown}");
            assert_eq!(metadata.nlink() > 1, link.is_some(), "{package}: {shown}");
            assert_eq!(Digest::of(std::fs::read(path).unwrap()), *content, "{package}: {shown}");
        }
        Node::Dir => assert!(metadata.is_dir(), "{package}: {shown}"),
        Node::Symlink { target } => {
            assert_eq!(std::fs::read_link(path).unwrap().as_os_str().as_bytes(), &**target, "{package}: {shown}");
        }
        _ => panic!("{package}: {shown} is a device"),
    }
    if entry.link_target().is_none() {
        assert_eq!(metadata.mode() & 0o7777, u32::from(entry.mode), "{package}: {shown}");
    }
    // dpkg-deb's tar touches some directories again after it set their times.
    if !entry.is_dir() {
        assert_eq!(Some(metadata.mtime()), entry.mtime, "{package}: {shown}");
    }
    // An ordinary user cannot give files away.
    if metadata.uid() == 0 {
        assert_eq!((metadata.uid(), metadata.gid()), (entry.uid, entry.gid), "{package}: {shown}");
    }
}
