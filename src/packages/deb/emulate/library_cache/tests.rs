use super::*;
use crate::store::Store;
use crate::tree::Tree;

/// A small library for amd64: a header, two segments, and a list that names the library.
fn library(name: &str) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(64, 0);
    bytes[16] = 3;
    bytes[18] = 62;
    bytes[32] = 64;
    (bytes[54], bytes[56]) = (56, 2);
    let mut segment = |kind: u32, offset: u64, size: u64| {
        let mut entry = kind.to_le_bytes().to_vec();
        entry.extend([0; 4]);
        for word in [offset, offset, offset, size, size, 8] {
            entry.extend(word.to_le_bytes());
        }
        bytes.extend(entry);
    };
    segment(1, 0, 4096);
    segment(2, 176, 48);
    for (tag, value) in [(5u64, 224u64), (14, 1), (0, 0)] {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.push(0);
    bytes.extend(name.as_bytes());
    bytes.push(0);
    bytes
}

fn machine() -> elf::Machine {
    elf::Machine::of_debian("amd64").unwrap()
}

fn name_of(bytes: &[u8]) -> Option<Option<String>> {
    let part = |start: u64, length: usize| {
        let start = usize::try_from(start).ok()?.min(bytes.len());
        Some(bytes[start..start.saturating_add(length).min(bytes.len())].to_vec())
    };
    elf::Library::read(part, machine()).map(|library| library.name)
}

#[test]
fn libraries_tell_their_names() {
    assert_eq!(name_of(&library("libx.so.1")), Some(Some("libx.so.1".into())));
    assert_eq!(name_of(&library("../x")), Some(None), "a name is no path");
    let mut other = library("libx.so.1");
    other[18] = 183;
    assert_eq!(name_of(&other), None);
    assert_eq!(name_of(b"#!/bin/sh"), None);
}

#[test]
fn damaged_libraries_are_passed_over() {
    let whole = library("libx.so.1");
    for length in 0..whole.len() {
        name_of(&whole[..length]);
    }
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        name_of(&damaged);
    }
}

#[test]
fn folders_that_are_configured_are_searched_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut root = Root::new(&Store::open(folder.path()).unwrap(), Tree::new());
    for made in ["/etc/ld.so.conf.d", "/usr/lib/x86_64-linux-gnu/own", "/opt/lib"] {
        root.make_dirs(made, 0o755).unwrap();
    }
    root.write(CONFIGURATION, b"include /etc/ld.so.conf.d/*.conf\ninclude /etc/ld.so.conf\n", 0o644).unwrap();
    root.write("/etc/ld.so.conf.d/a.conf", b"# mine\n/opt/lib\n", 0o644).unwrap();
    root.write("/opt/lib/libx.so.1", &library("libx.so.1"), 0o644).unwrap();
    root.write("/usr/lib/x86_64-linux-gnu/libx.so.1", &library("libx.so.1"), 0o644).unwrap();
    root.write("/usr/lib/x86_64-linux-gnu/liby.so.2.5", &library("liby.so.2"), 0o644).unwrap();
    root.make("/usr/lib/x86_64-linux-gnu/liby.so.2", Entry::symlink("liby.so.2.5")).unwrap();
    root.make("/usr/lib/x86_64-linux-gnu/liby.so", Entry::symlink("liby.so.2")).unwrap();
    let found = libraries(&root, machine()).unwrap();
    let expected: Libraries = [
        ("libx.so.1", vec!["/opt/lib/libx.so.1", "/usr/lib/x86_64-linux-gnu/libx.so.1"]),
        ("liby.so.2", vec!["/usr/lib/x86_64-linux-gnu/liby.so.2"]),
    ]
    .map(|(name, paths)| (name.to_owned(), paths.into_iter().map(str::to_owned).collect()))
    .into();
    assert_eq!(found, expected);
    let cache = encode(&found, machine());
    assert!(cache.starts_with(MAGIC) && cache[20..24] == [3, 0, 0, 0] && cache.ends_with(b"\0"));
}

#[test]
fn numbers_in_names_count_as_numbers() {
    assert!(compare(b"libx.so.10", b"libx.so.9").is_gt());
    assert!(compare(b"libx.so.1", b"libx.so").is_gt());
    assert!(compare(b"lib1", b"liba").is_gt());
    assert!(compare(b"liba", b"liba").is_eq());
}
