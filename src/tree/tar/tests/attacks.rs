//! What hostile archives try.

use super::*;
use crate::tree::tar::header;
use proptest::prelude::*;
use std::io::Read;

#[track_caller]
fn refused(archive: &[u8], words: &str) {
    let error = read_with(archive, &layer_options()).expect_err("the archive must be refused").to_string();
    assert!(error.contains(words), "{error}");
}

#[test]
fn names_that_climb_out_are_refused() {
    for name in ["../x", "a/../../x", "a/..", "..", "./../x", "/../x"] {
        refused(&Archive::new().file(name, "x").finish(), "`..`");
    }
    refused(&Archive::new().file("a", "x").hard_link("b", "../../etc/passwd").finish(), "`..`");
    refused(&Archive::new().pax(&[("path", b"a/../../x")]).file("a", "x").finish(), "`..`");
    refused(&Archive::new().pax(&[("path", b"a\0b")]).file("a", "x").finish(), "NUL");
    refused(&Archive::new().entry(b'L', "././@LongLink", "", b"../x\0").file("a", "x").finish(), "`..`");
}

#[test]
fn absolute_names_stay_inside() {
    let change = read_plain(&Archive::new().file("/etc/x", "x").file("///y", "y").finish()).unwrap();
    assert_eq!(listing(&change.entries), ["/etc/", "/etc/x", "/y"]);
}

#[test]
fn entries_below_links_stay_inside() {
    let archive = Archive::new()
        .symlink("out", "../../../tmp")
        .file("out/x", "x")
        .symlink("abs", "/etc")
        .file("abs/y", "y")
        .finish();
    let change = read_plain(&archive).unwrap();
    assert_eq!(
        listing(&change.entries),
        ["/abs -> /etc", "/etc/", "/etc/y", "/out -> ../../../tmp", "/tmp/", "/tmp/x"]
    );
}

#[test]
fn links_in_circles_end() {
    let archive = Archive::new().symlink("a", "b").symlink("b", "a").file("a/x", "x").finish();
    refused(&archive, "too many symbolic links");
}

#[test]
fn a_file_is_no_folder() {
    refused(&Archive::new().file("a", "x").file("a/b", "y").finish(), "not a directory");
}

#[test]
fn devices_are_refused_unless_allowed() {
    for kind in [b'3', b'4'] {
        let archive = Archive::new()
            .edited(kind, "dev/x", "", b"", |block| {
                header::MAJOR.put_octal(block, 1);
                header::MINOR.put_octal(block, 3);
            })
            .finish();
        refused(&archive, "device nodes");
        assert!(read_with(&archive, &Options { devices: true, ..Options::default() }).is_ok());
    }
    // Overlayfs reads the device 0, 0 as a removal: never allowed.
    let archive = Archive::new().entry(b'3', "usr", "", b"").finish();
    let error = read_with(&archive, &Options { devices: true, ..Options::default() }).unwrap_err();
    assert!(error.to_string().contains("hides files"), "{error}");
}

#[test]
fn hard_links_need_a_file_that_came_before() {
    refused(&Archive::new().hard_link("a", "b").file("b", "x").finish(), "did not come before");
    refused(&Archive::new().dir("d").hard_link("a", "d").finish(), "a directory");
    refused(&Archive::new().file("a", "x").hard_link("a", "a").finish(), "itself");
    refused(&Archive::new().file("a", "x").hard_link("b", "").finish(), "");
}

#[test]
fn damage_is_noticed() {
    let good = Archive::new().file("a", "content").file("b", "more").finish();
    let mut flipped = good.clone();
    flipped[3] ^= 1;
    refused(&flipped, "checksum");
    for length in [0, 1, 511, 512, 600, 1024, 1500, 2048] {
        refused(&good[..length], "cut short");
    }
    refused(b"this is no archive at all", "cut short");
    refused(&[7; 1024], "checksum");
    refused(&[&[0; 512][..], &[1; 512]].concat(), "end mark");
    refused(&[&good[..], &good].concat(), "end mark");
    // One block of zeros is enough of an end mark, and so is any padding.
    assert!(read_plain(&good[..good.len() - 512]).is_ok());
    assert!(read_plain(&[&good[..], &[0; 9000]].concat()).is_ok());
}

#[test]
fn lying_numbers_are_refused() {
    let with_size = |field: &[u8; 12]| {
        let field = *field;
        Archive::new().edited(b'0', "a", "", b"", move |block| header::SIZE.put(block, &field)).finish()
    };
    refused(&with_size(b"77777777777\0"), "cut short");
    refused(&with_size(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "negative");
    refused(&with_size(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"), "more than");
    refused(&with_size(b"\x80\0\0\x01\0\0\0\0\0\0\0\0"), "malformed size");
    refused(&with_size(b"12x\0\0\0\0\0\0\0\0\0"), "malformed size");
    refused(&with_size(b"-1\0\0\0\0\0\0\0\0\0\0"), "malformed size");
    let owner = |field: &'static [u8; 8]| {
        Archive::new().edited(b'0', "a", "", b"", |block| header::UID.put(block, field)).finish()
    };
    refused(&owner(b"\x80\0\0\x01\0\0\0\0"), "32 bits");
    refused(&owner(b"\xff\xff\xff\xff\xff\xff\xff\xff"), "negative");
    for kind in [b'1', b'2', b'5', b'6'] {
        let archive = Archive::new().file("t", "").entry(kind, "a", "t", b"hidden").finish();
        refused(&archive, "claims to have content");
    }
}

#[test]
fn extended_headers_say_each_thing_once_and_about_something() {
    let file = |archive: Archive| archive.file("a", "x").finish();
    refused(&file(Archive::new().pax(&[("path", b"b"), ("path", b"c")])), "twice");
    refused(&file(Archive::new().pax(&[("path", b"b")]).pax(&[("path", b"c")])), "repeats");
    refused(&file(Archive::new().entry(b'L', "l", "", b"b\0").pax(&[("path", b"c")])), "two different");
    refused(&Archive::new().pax(&[("path", b"b")]).finish(), "before nothing");
    refused(&file(Archive::new().pax(&[("size", b"-5")])), "malformed number");
    refused(&file(Archive::new().pax(&[("size", b"99999999999999999999")])), "malformed number");
    refused(&file(Archive::new().pax(&[("size", b"4096")])), "cut short");
    for body in ["5 a=b\n", "99 a=b\n", "6 a=bc", "0 a=b\n", "a=b\n", "6 =bc\n\n", "18446744073709551617 a=b\n"] {
        refused(&file(Archive::new().entry(b'x', "p", "", body.as_bytes())), "malformed");
    }
    let global = |key: &str, value: &str| {
        let mut body = Vec::new();
        crate::tree::tar::pax::put_record(&mut body, key.as_bytes(), value.as_bytes());
        file(Archive::new().entry(b'g', "pax_global_header", "", &body))
    };
    assert!(read_plain(&global("comment", "0123456789abcdef")).is_ok());
    refused(&global("path", "etc/shadow"), "for all entries");
}

#[test]
fn unknown_and_sparse_kinds_are_refused() {
    refused(&Archive::new().entry(b'S', "a", "", b"x").finish(), "sparse");
    refused(&Archive::new().pax(&[("GNU.sparse.major", b"1")]).file("a", "x").finish(), "sparse");
    for kind in [b'8', b'A', b'D', b'M', b'V', b'N', 0x80] {
        refused(&Archive::new().entry(kind, "a", "", b"").finish(), "unknown kind");
    }
    refused(&Archive::new().file("a/", "x").finish(), "ends as a directory");
    refused(&Archive::new().file("", "x").finish(), "no name");
    refused(&Archive::new().file("./", "").finish(), "");
    refused(&Archive::new().symlink(".", "/etc").finish(), "root of a filesystem");
    refused(&Archive::new().symlink("a", "").finish(), "to nothing");
}

#[test]
fn whiteouts_that_mean_nothing_are_refused() {
    for name in [".wh.", ".wh..", ".wh...", ".wh..wh.plnk", "a/.wh..wh..wh.x"] {
        refused(&Archive::new().file(name, "").finish(), "no file can be called");
    }
    refused(&Archive::new().file(".wh.x", "content").finish(), "content");
    refused(&Archive::new().dir(".wh.x").finish(), "removals are files");
    refused(&Archive::new().symlink(".wh.x", "y").finish(), "removals are files");
    refused(&Archive::new().file("../.wh.x", "").finish(), "`..`");
}

#[test]
fn bombs_are_bounded() {
    let limited = |archive: &[u8], limits: Limits| {
        read_with(archive, &Options { limits, ..Options::default() }).expect_err("over the limit").to_string()
    };
    let many = (0..11).fold(Archive::new(), |archive, i| archive.file(&format!("f{i}"), "")).finish();
    assert!(limited(&many, Limits { entries: 10, ..Limits::default() }).contains("10 entries"));
    let large = Archive::new().file("a", [7; 5000]).finish();
    assert!(limited(&large, Limits { size: 4000, ..Limits::default() }).contains("4000 bytes"));
    let zeros = [Archive::new().finish(), vec![0; 8000]].concat();
    assert!(limited(&zeros, Limits { size: 4000, ..Limits::default() }).contains("4000 bytes"));
    let deep = Archive::new().file("a/b/c/d/e", "").finish();
    assert!(limited(&deep, Limits { depth: 4, ..Limits::default() }).contains("4 parts"));
    let wordy = Archive::new().pax(&[("comment", &[b'x'; 3000])]).file("a", "").finish();
    assert!(limited(&wordy, Limits { extension: 2999, ..Limits::default() }).contains("extended header"));
    // An extended header that claims gigabytes is refused before anything is reserved for it.
    let claim = Archive::new().edited(b'x', "p", "", b"", |b| header::SIZE.put(b, b"77777777777\0")).finish();
    assert!(limited(&claim, Limits::default()).contains("extended header"));
    // Extended headers count as entries, so that a chain of them ends.
    let chain = (0..20).fold(Archive::new(), |a, _| a.entry(b'g', "g", "", b"")).file("a", "").finish();
    assert!(limited(&chain, Limits { entries: 10, ..Limits::default() }).contains("10 entries"));
    let attribute = vec![b'x'; 65537];
    let heavy = Archive::new().pax(&[("SCHILY.xattr.user.x", &attribute)]).file("a", "").finish();
    assert!(read_plain(&heavy).unwrap_err().to_string().contains("does not allow"));
}

#[test]
fn a_zip_bomb_ends_at_the_limit() {
    let zeros = vec![0; 8 << 20];
    let bombs = [zstd::encode_all(&zeros[..], 3).unwrap(), gzip(&zeros), xz(&zeros)];
    for bomb in bombs {
        let mut out = Vec::new();
        let error = decompress(&bomb[..], 1 << 20).unwrap().read_to_end(&mut out).unwrap_err();
        assert!(error.to_string().contains("more bytes"), "{error}");
        assert!(out.len() <= 1 << 20);
    }
}

pub(super) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, content).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn xz(content: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    std::io::Write::write_all(&mut encoder, content).unwrap();
    encoder.finish().unwrap()
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..4096), seal in any::<bool>()) {
        if seal && let Some(block) = bytes.first_chunk_mut::<512>() {
            header::seal(block);
        }
        let _ = read_with(&bytes, &layer_options());
    }

    #[test]
    fn no_flipped_bit_makes_it_panic_or_escape(at in 0usize..2560, bit in 0u8..8) {
        let mut bytes = Archive::new().pax(&[("path", b"some/path"), ("mtime", b"1.5")]).file("a", "x").symlink("l", "/t").finish();
        bytes[at] ^= 1 << bit;
        for block in bytes.chunks_exact_mut(512).take(1) {
            header::seal(block.try_into().unwrap());
        }
        let _ = read_with(&bytes, &layer_options());
    }
}
