//! Answers put together.

use super::samples::*;
use super::{ask, os, path};
use crate::catalog::fixtures::ndb::ndb;
use crate::catalog::fixtures::rpm::package;
use crate::catalog::{Cataloguer, Found, Kind, OsRelease, Package, Question, assemble, question};
use crate::tree::TreePath;

/// The packages of a file system of these files.
fn catalogue(files: &[(&str, &[u8])], os: Option<&OsRelease>) -> Vec<Package> {
    let answers: Vec<(TreePath, Vec<Found>)> = files
        .iter()
        .map(|(name, content)| {
            let path = path(name);
            let question = question(&path, content.len() as u64, 0o755).unwrap();
            let name = String::from_utf8_lossy(path.file_name().unwrap()).into_owned();
            (path, ask(question, &name, content).unwrap())
        })
        .collect();
    assemble(answers.iter().map(|(path, found)| (path, found.clone())), os, |_| false)
}

fn purls(packages: &[Package]) -> Vec<&str> {
    packages.iter().map(|package| package.purl.as_str()).collect()
}

const SIX: &[u8] = b"Name: six\nVersion: 1.16.0\n";
const PYTHON_SIX: &[u8] = b"Package: python3-six\nVersion: 1.16.0-7\nArchitecture: all\n";

#[test]
fn what_a_distributions_package_owns_is_told_once() {
    let debian = os("debian", "13");
    let list = b"/.\n/usr/lib/python3/dist-packages/six.egg-info/PKG-INFO\n";
    let packages = catalogue(
        &[
            ("usr/lib/python3/dist-packages/six.egg-info/PKG-INFO", SIX),
            ("usr/local/lib/python3.13/site-packages/six.dist-info/METADATA", SIX),
            ("var/lib/dpkg/status", PYTHON_SIX),
            ("var/lib/dpkg/info/python3-six.list", list),
        ],
        Some(&debian),
    );
    assert_eq!(
        purls(&packages),
        ["pkg:deb/debian/python3-six@1.16.0-7?arch=all&distro=debian-13", "pkg:pypi/six@1.16.0"]
    );
    let places: Vec<String> = packages[1].places.iter().map(|place| place.path.to_string()).collect();
    assert_eq!(places, ["/usr/local/lib/python3.13/site-packages/six.dist-info/METADATA"]);
}

#[test]
fn sums_own_as_lists_do() {
    let sums = b"0123456789abcdef0123456789abcdef  usr/lib/six.dist-info/METADATA\n";
    let packages = catalogue(
        &[
            ("usr/lib/six.dist-info/METADATA", SIX),
            ("var/lib/dpkg/status.d/python3-six", PYTHON_SIX),
            ("var/lib/dpkg/status.d/python3-six.md5sums", sums),
        ],
        Some(&os("debian", "13")),
    );
    assert_eq!(packages.len(), 1, "{:?}", purls(&packages));
}

#[test]
fn merged_folders_have_two_spellings() {
    let elf = elf();
    let packages = catalogue(
        &[
            ("lib/apk/db/installed", b"P:openssl\nV:3\nA:x86_64\nF:lib\nR:libcrypto.so.3\n"),
            ("usr/lib/libcrypto.so.3", &elf),
        ],
        Some(&os("alpine", "3.22")),
    );
    assert_eq!(purls(&packages), ["pkg:apk/alpine/openssl@3?arch=x86_64&distro=alpine-3.22"]);
}

#[test]
fn a_root_below_the_root_owns_its_own_files() {
    let rpms = ndb(&[package("bash", 0)]);
    let elf = elf();
    let files: [(&str, &[u8]); 3] =
        [("srv/root/var/lib/rpm/Packages.db", &rpms), ("srv/root/usr/bin/bash", &elf), ("usr/bin/bash", &elf)];
    let packages = catalogue(&files, None);
    let serde = packages.iter().find(|package| package.name == "serde").unwrap();
    assert_eq!(serde.places.len(), 1);
    assert_eq!(serde.places[0].path, path("usr/bin/bash"));
    assert_eq!(serde.places[0].build_id.as_deref(), Some(&*"ab".repeat(20)));
}

#[test]
fn files_that_are_known_otherwise_are_passed_over() {
    let found = ask(Question::PythonMetadata, "METADATA", SIX).unwrap();
    let here = path("six.dist-info/METADATA");
    assert_eq!(assemble([(&here, found.clone())], None, |_| true), []);
    assert_eq!(assemble([(&here, found)], None, |_| false).len(), 1);
}

#[test]
fn the_same_package_in_several_places_is_one() {
    let files: [(&str, &[u8]); 3] = [
        ("b/six.dist-info/METADATA", SIX),
        ("a/six.dist-info/METADATA", b"Name: Six\nVersion: 1.16.0\nLicense: MIT\n"),
        ("a/other.dist-info/METADATA", b"Name: other\nVersion: 1\n"),
    ];
    let packages = catalogue(&files, None);
    let mut turned = files;
    turned.reverse();
    assert_eq!(catalogue(&turned, None), packages, "the order of files does not matter");
    assert_eq!(purls(&packages), ["pkg:pypi/other@1", "pkg:pypi/six@1.16.0"]);
    let six = &packages[1];
    assert_eq!((six.name.as_str(), six.kind, six.places[0].by), ("six", Kind::Python, Cataloguer::PythonMetadata));
    assert_eq!(six.licence.as_deref(), Some("MIT"));
    let places: Vec<String> = six.places.iter().map(|place| place.path.to_string()).collect();
    assert_eq!(places, ["/a/six.dist-info/METADATA", "/b/six.dist-info/METADATA"]);
}

#[test]
fn names_are_those_of_advisories() {
    let war = war();
    let packages = catalogue(
        &[("package.json", NPM_PACKAGE), ("vendor/composer/installed.json", COMPOSER_INSTALLED), ("app.war", &war)],
        None,
    );
    for name in ["@babel/core", "psr/log", "org.apache.commons:commons-lang3"] {
        assert!(packages.iter().any(|package| package.name == name), "{name}");
    }
}

#[test]
fn answers_can_be_kept() {
    for (question, name, content) in samples() {
        let found = ask(question, name, &content).unwrap();
        assert!(!found.is_empty(), "{name}");
        let kept = serde_json::to_vec(&found).unwrap();
        assert_eq!(serde_json::from_slice::<Vec<Found>>(&kept).unwrap(), found);
    }
}

#[test]
fn systems_name_themselves() {
    let debian = OsRelease::parse(b"PRETTY_NAME=\"Debian\"\nID=debian\nVERSION_ID=\"13\"\n").unwrap();
    assert_eq!((debian.id.as_str(), debian.version.as_deref()), ("debian", Some("13")));
    let sid = OsRelease::parse(b"ID='Wolfi'\nID_LIKE=\"alpine x\"\n").unwrap();
    assert_eq!((sid.id.as_str(), sid.version, sid.like), ("wolfi", None, vec!["alpine".to_owned(), "x".to_owned()]));
    for none in [&b""[..], b"NAME=x\n", b"ID=\n", b"ID=a/b\n", b"\xff\xfe"] {
        assert_eq!(OsRelease::parse(none), None);
    }
}
