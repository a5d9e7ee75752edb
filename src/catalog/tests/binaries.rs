//! What ELF files say.

use super::samples::{crates as list_of_crates, elf, old_go};
use super::{ask, purls};
use crate::catalog::fixtures::elf::{Elf, crates, go_inline, note};
use crate::catalog::{Cataloguer, Question};

#[test]
fn one_file_can_say_everything() {
    assert_eq!(
        purls(Question::Elf, "libcrypto.so.3", &elf()),
        [
            "pkg:cargo/app@0.1.0",
            "pkg:cargo/serde@1.0.200",
            "pkg:generic/openssl@3.0.11",
            "pkg:golang/example.com/cmd@v0.0.0-20240102150405-0123456789ab",
            "pkg:golang/example.com/local@v0.0.1",
            "pkg:golang/github.com/BurntSushi/toml@v1.4.0",
            "pkg:golang/github.com/fork/net@v2.0.1#v2",
            "pkg:golang/stdlib@1.22.3",
            "pkg:rpm/fedora/bash@5.2-1.fc40?distro=fedora-40",
        ]
    );
    let found = ask(Question::Elf, "libcrypto.so.3", &elf()).unwrap();
    assert!(found.iter().all(|found| found.build_id.as_deref() == Some(&*"ab".repeat(20))));
}

#[test]
fn old_go_programs_point_to_their_modules() {
    for (is_64, is_big) in [(false, false), (false, true), (true, false), (true, true)] {
        let purls = purls(Question::Elf, "old", &old_go(is_64, is_big));
        assert_eq!(purls.len(), 5, "{purls:?}");
        assert!(purls.contains(&"pkg:golang/stdlib@1.15.2".to_owned()), "{purls:?}");
        assert!(purls.contains(&"pkg:golang/github.com/fork/net@v2.0.1#v2".to_owned()), "{purls:?}");
    }
}

#[test]
fn versions_of_go_programs_are_taken_from_the_linkers_flags() {
    let version = |flags: &str| {
        let modules = format!("path\ta.org/b\nmod\ta.org/b\t(devel)\nbuild\t-ldflags={flags}\n");
        let elf = Elf::new(vec![(".go.buildinfo", go_inline("go1.22.3", &modules))]).bytes();
        purls(Question::Elf, "b", &elf).remove(0)
    };
    assert_eq!(version("-s -w -X main.version=1.2.3"), "pkg:golang/a.org/b@v1.2.3");
    assert_eq!(version("-X 'a.org/b/cmd.Version=v1.2.3-rc.1'"), "pkg:golang/a.org/b@v1.2.3-rc.1");
    assert_eq!(version("-X main.commit=1.2.3"), "pkg:golang/a.org/b", "nobody knows it");
    assert_eq!(version("-X main.version=main"), "pkg:golang/a.org/b");
}

#[test]
fn go_programs_outside_of_modules_are_named_by_what_was_built() {
    let programs = |modules: &str| {
        let elf = Elf::new(vec![(".go.buildinfo", go_inline("go1.22.3", modules))]).bytes();
        purls(Question::Elf, "docker", &elf)
    };
    let flags = r#"" -X \"github.com/docker/cli/cli/version.Version=28.2.2\" -static""#;
    let docker = &format!("path\tgithub.com/docker/cli/cmd/docker\nbuild\t-ldflags={flags}\n");
    assert_eq!(programs(docker), ["pkg:golang/github.com/docker/cli@v28.2.2#cmd/docker", "pkg:golang/stdlib@1.22.3"]);
    assert_eq!(programs("path\tcommand-line-arguments\n"), ["pkg:golang/stdlib@1.22.3"]);
}

#[test]
fn crates_that_only_built_are_left_out() {
    let found = ask(Question::Elf, "app", &Elf::new(vec![(".dep-v0", list_of_crates())]).bytes()).unwrap();
    let names: Vec<&str> = found.iter().map(|found| found.name.as_str()).collect();
    assert_eq!(names, ["app", "serde"]);
    assert!(found.iter().all(|found| found.by == Cataloguer::CargoAuditable));
}

#[test]
fn notes_are_found_without_sections() {
    let json = br#"{"type":"deb","os":"debian","osVersion":"13","name":"a","version":"1"}"#;
    let notes =
        [note(b"GNU\0", 3, &[0xcd; 20]), note(b"GNU\0", 1, &[0; 16]), note(b"FDO\0", 0xcafe_1a7e, json)].concat();
    let elf = Elf { has_sections: false, is_note: true, ..Elf::new(vec![("", notes)]) }.bytes();
    assert_eq!(purls(Question::Elf, "a", &elf), ["pkg:deb/debian/a@1?distro=debian-13"]);
    let found = ask(Question::Elf, "a", &elf).unwrap();
    assert_eq!(found[0].build_id.as_deref(), Some(&*"cd".repeat(20)));
}

#[test]
fn well_known_programs_have_versions() {
    let cases: [(&str, &[u8], &[&str]); 18] = [
        ("node", b"x node.js/v22.9.0 y", &["pkg:generic/node@22.9.0"]),
        ("python3.11", b"\x003.11.2+\x00", &["pkg:generic/python@3.11.2%2B"]),
        ("libpython3.11.so.1.0", b"\x002.5.0\x00\x003.11\x00\x003.11.9\x00", &["pkg:generic/python@3.11.9"]),
        ("libpython3.11.so.1.0", b"\0/opt/python/3.11.7\0", &["pkg:generic/python@3.11.7"]),
        ("ruby", b"ruby 3.2.1 (2023-02-08 revision 31819e82c8) [x86_64-linux]", &["pkg:generic/ruby@3.2.1"]),
        ("php", b"X-Powered-By: PHP/8.3.1\0", &["pkg:generic/php-cli@8.3.1"]),
        ("perl", b"/usr/share/perl/5.36\0/usr/share/perl/5.36.0\0", &["pkg:generic/perl@5.36.0"]),
        ("nginx", b"\0nginx version: nginx/1.25.1\0", &["pkg:generic/nginx@1.25.1"]),
        ("httpd", b"Apache/2.4.58 (Unix)", &["pkg:generic/httpd@2.4.58"]),
        ("redis-server", b"\x007.0.14buildkitsandbox-1702957741000000000", &["pkg:generic/redis@7.0.14"]),
        ("postgres", b"\0PostgreSQL 15.1 on x86", &["pkg:generic/postgresql@15.1"]),
        ("mysqld", b"/build/mysql-8.0.37/mysys", &["pkg:generic/mysql@8.0.37"]),
        ("mysqld", b"10.6.15-MariaDB", &["pkg:generic/mariadb@10.6.15"]),
        ("busybox", b"BusyBox v1.36.1 (2024)", &["pkg:generic/busybox@1.36.1"]),
        ("libssl.so.1.1", b"OpenSSL 1.1.1w  11 Sep 2023\0", &["pkg:generic/openssl@1.1.1w"]),
        ("libz.so.1", b" deflate 1.2.13 Copyright 1995", &["pkg:generic/zlib@1.2.13"]),
        ("curl", b"curl/8.5.0 (x86", &["pkg:generic/curl@8.5.0"]),
        ("other", b"node.js/v22.9.0 OpenSSL 1.1.1w  11 Sep 2023", &[]),
    ];
    for (name, content, expected) in cases {
        let elf = Elf::new(vec![(".rodata", content.to_vec())]).bytes();
        assert_eq!(purls(Question::Elf, name, &elf), expected, "{name}");
    }
}

#[test]
fn versions_are_found_across_windows() {
    let text = b"node.js/v22.9.11 ";
    for before in [1_048_576 - 0x100, 1_048_576 - 0x100 - 8, 1_048_576 - 0x100 - 15, 2_100_000] {
        let mut content = vec![0; before];
        content.extend_from_slice(text);
        content.resize(before + 2_000_000, 0);
        let elf = Elf::new(vec![(".rodata", content)]).bytes();
        assert_eq!(purls(Question::Elf, "node", &elf), ["pkg:generic/node@22.9.11"], "{before}");
    }
}

#[test]
fn other_files_say_nothing() {
    for content in [&b"#!/bin/sh\nexec node.js/v22.9.0\n"[..], b"\x7fELF", b"\x7fELF\x09\x09", &[0; 100]] {
        assert_eq!(ask(Question::Elf, "node", content).unwrap(), []);
    }
}

#[test]
fn lists_of_crates_are_no_bombs() {
    let bomb = Elf::new(vec![(".dep-v0", crates(&vec![b' '; 64 << 20]))]).bytes();
    let error = ask(Question::Elf, "app", &bomb).unwrap_err();
    assert!(error.to_string().contains("more than 16777216 bytes"), "{error}");
    let deep = Elf::new(vec![(".dep-v0", crates("[".repeat(100_000).as_bytes()))]).bytes();
    let error = ask(Question::Elf, "app", &deep).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
}
