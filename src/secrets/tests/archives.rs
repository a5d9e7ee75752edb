//! Secrets in archives, and archives that are attacks.

use super::{Place, leaks, one};
use crate::secrets::Gap;
use crate::secrets::archive::Bounds;
use crate::secrets::fixtures::{Fill, Random, secret};
use crate::secrets::search::search_within;
use crate::tree::tar::fixtures::Archive;
use std::io::{Cursor, Write};

fn token() -> String {
    secret("gh|p_{a30}{crc62}", &mut Random::new(5), Fill::Random)
}

fn gzip(content: impl AsRef<[u8]>) -> Vec<u8> {
    gzip_at(flate2::Compression::fast(), content)
}

fn gzip_at(level: flate2::Compression, content: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
    encoder.write_all(content.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// A zip of these members; `stream`: as one that is written to a pipe, without sizes in front.
fn zip(members: &[(&str, &[u8])], stream: bool) -> Vec<u8> {
    fn write<W: Write + std::io::Seek>(mut writer: zip::ZipWriter<W>, members: &[(&str, &[u8])]) {
        for (name, content) in members {
            let method = if name.ends_with(".stored") {
                zip::CompressionMethod::Stored
            } else {
                zip::CompressionMethod::Deflated
            };
            writer.start_file(*name, zip::write::SimpleFileOptions::default().compression_method(method)).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap();
    }
    let mut file = Cursor::new(Vec::new());
    write(zip::ZipWriter::new(&mut file), members);
    let mut bytes = file.into_inner();
    if stream {
        bytes = opened(&bytes, members);
    }
    bytes
}

/// The same archive with sizes behind the members.
fn opened(zip: &[u8], members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    for _ in members {
        let number = |from: usize| u32::from_le_bytes(zip[at + from..at + from + 4].try_into().unwrap()) as usize;
        let short = |from: usize| usize::from(u16::from_le_bytes(zip[at + from..at + from + 2].try_into().unwrap()));
        let (size, start) = (number(18), at + 30 + short(26) + short(28));
        let mut header = zip[at..start].to_vec();
        let sums = header[14..26].to_vec();
        header[6] |= 8;
        header[14..26].fill(0);
        out.extend(header);
        out.extend(&zip[start..start + size]);
        out.extend(b"PK\x07\x08");
        out.extend(sums);
        at = start + size;
    }
    out.extend(&zip[at..]);
    out
}

#[test]
fn secrets_are_found_in_archives_of_every_kind() {
    let token = token();
    let file = format!("one\n two {token}\n");
    let file = file.as_bytes();
    let tar = Archive::new().file("a/x.txt", b"nothing").dir("b").file("b/key.txt", file).finish();
    let zstd = |content: &[u8]| zstd::encode_all(content, 1).unwrap();
    let xz = |content: &[u8]| {
        let mut writer = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
        writer.write_all(content).unwrap();
        writer.finish().unwrap()
    };
    let members: &[(&str, &[u8])] = &[("META-INF/MANIFEST.MF", b"x"), ("b/key.txt", file), ("c/other", b"y")];
    for content in [tar.clone(), gzip(&tar), zstd(&tar), xz(&tar), zip(members, false), zip(members, true)] {
        let leak = one("srv/archive", &content, "github-token", &token);
        assert_eq!(leak.inside, ["b/key.txt"]);
        assert_eq!((leak.line, leak.column, leak.offset), (Some(2), Some(6), 9));
    }
    let leak = one("var/log/x.gz", gzip(file), "github-token", &token);
    assert_eq!((leak.inside.len(), leak.line), (0, Some(2)));
    let leak = one("srv/x", zip(&[("x.stored", file)], false), "github-token", &token);
    assert_eq!(leak.inside, ["x.stored"]);
}

#[test]
fn archives_in_archives_are_searched_and_places_hold_in_them() {
    let token = token();
    let wheel = zip(&[("pkg/settings.py", token.as_bytes())], true);
    let tar = gzip(Archive::new().file("dist/pkg.whl", &wheel).finish());
    let jar = zip(&[("lib/pkg.tar.gz", &tar)], false);
    let leak = one("srv/app.jar", &jar, "github-token", &token);
    assert_eq!(leak.inside, ["lib/pkg.tar.gz", "dist/pkg.whl", "pkg/settings.py"]);
    let password = "tr0ub4dor-Xy9";
    let tar = Archive::new().file("home/me/.env", format!("DB_PASSWORD={password}\n")).finish();
    one("srv/backup.tar", &tar, "generic-password", password);
}

#[test]
fn packages_of_debian_and_static_libraries_are_searched() {
    let token = token();
    let data = gzip(Archive::new().file("./usr/lib/x.py", &token).finish());
    let member = |name: &str, content: &[u8]| {
        let padding = &b"\n"[..content.len() % 2];
        [format!("{name:<16}0           0     0     100644  {:<10}`\n", content.len()).as_bytes(), content, padding]
            .concat()
    };
    let deb = [b"!<arch>\n", &member("debian-binary", b"2.0\n")[..], &member("data.tar.gz/", &data)].concat();
    let leak = one("var/cache/apt/archives/x.deb", &deb, "github-token", &token);
    assert_eq!(leak.inside, ["data.tar.gz", "./usr/lib/x.py"]);
    let leaks = leaks("x.deb", &deb[..deb.len() - data.len() / 2]);
    assert!(leaks.gaps.contains(&Gap::Damaged));
    // A text that only begins so is searched all the same.
    let leaks = super::leaks("x.a", format!("!<arch>\n{:60} {token}", ""));
    assert_eq!((leaks.found.len(), leaks.gaps.contains(&Gap::Damaged)), (1, true));
}

#[test]
fn what_pax_says_of_a_member_holds() {
    let token = token();
    let long = format!("{}/x.py", "folder".repeat(30));
    let size = token.len().to_string();
    let member = |tar: Archive| tar.edited(b'0', "short", "", token.as_bytes(), |header| header[124..135].fill(b'0'));
    let tar =
        member(Archive::new().pax(&[("path", long.as_bytes()), ("size", size.as_bytes())])).file("next", b"x").finish();
    assert_eq!(one("x.tar", &tar, "github-token", &token).inside, [long]);
    for records in
        [&b"99 path=x\n"[..], b"0 path=x\n", b"x path=x\n", b"7 size=\n", b" ", b"18446744073709551615 size=1\n"]
    {
        let tar = Archive::new().entry(b'x', "pax", "", records).file("x", &token).finish();
        assert_eq!(one("x.tar", &tar, "github-token", &token).inside.len(), 1);
    }
}

#[test]
fn what_stands_behind_an_archive_is_searched() {
    let token = token();
    let tar = Archive::new().file("x", b"y").finish();
    one("srv/x.tar", [&tar[..], token.as_bytes()].concat(), "github-token", &token);
    one("srv/x.zip", [&zip(&[("x", b"y")], false)[..], token.as_bytes()].concat(), "github-token", &token);
    // Only the beginning of an archive.
    one(
        "srv/x.zip",
        format!("PK\x03\x04 and {token}, which is no archive at all, however it begins"),
        "github-token",
        &token,
    );
}

#[test]
fn a_damaged_archive_is_a_gap() {
    let tar = gzip(Archive::new().file("x", Random::new(1).bytes(100_000)).finish());
    assert!(leaks("x.tgz", &tar[..tar.len() / 2]).gaps.contains(&Gap::Damaged));
    let zip = zip(&[("x", &Random::new(2).bytes(100_000))], false);
    assert!(leaks("x.zip", &zip[..zip.len() / 2]).gaps.contains(&Gap::Damaged));
    let mut encrypted = zip.clone();
    encrypted[6] |= 1;
    assert!(leaks("x.zip", &encrypted).gaps.contains(&Gap::Encrypted));
}

#[test]
fn a_thousand_archives_in_each_other_end_at_a_bound() {
    let mut content = token().into_bytes();
    for _ in 0..1000 {
        // The fastest level would let what is packed already grow by a share each time.
        content = gzip_at(flate2::Compression::default(), &content);
    }
    let leaks = leaks("x.gz", &content);
    assert_eq!((leaks.found.len(), leaks.gaps.contains(&Gap::Depth)), (0, true));
}

/// Each has a window of its own, so that eight would take a gibibyte.
#[test]
fn streams_with_large_windows_in_each_other_end_at_a_bound() {
    let packed = |times: u32| {
        let zstd = |content: Vec<u8>, _| zstd::stream::encode_all(content.as_slice(), 1).unwrap();
        (0..times).fold(token().into_bytes(), zstd)
    };
    assert_eq!(leaks("x.zst", packed(3)).gaps, [].into());
    assert_eq!(leaks("x.zst", packed(4)).gaps, [Gap::Depth].into());
}

#[test]
fn an_archive_bomb_ends_at_a_bound() {
    let bounds = || Bounds { bytes: 8 << 20, ..Bounds::default() };
    let bomb = gzip(vec![0; 64 << 20]);
    let many: Vec<(String, Vec<u8>)> = (0..20).map(|i| (format!("{i}"), vec![0; 1 << 20])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    for content in [bomb.clone(), zip(&[("x", &bomb)], false), zip(&many, false), zip(&many, true)] {
        let leaks = search_within(bounds(), Place::Plain, &content[..]).unwrap();
        assert_eq!(leaks.gaps, [Gap::Size].into());
        assert_eq!(leaks.found, []);
    }
}

#[test]
fn more_members_than_anyone_packs_end_at_a_bound() {
    let tar = (0..20).fold(Archive::new(), |archive, i| archive.file(&i.to_string(), b"x")).finish();
    let bounds = |members| Bounds { members, ..Bounds::default() };
    assert_eq!(search_within(bounds(19), Place::Plain, &tar[..]).unwrap().gaps, [Gap::Members].into());
    assert!(search_within(bounds(20), Place::Plain, &tar[..]).unwrap().gaps.is_empty());
}
