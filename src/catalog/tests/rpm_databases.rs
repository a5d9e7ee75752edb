//! What rpm's databases say.

use super::samples::RPM_MANIFEST;
use super::{ask, os, packages_of};
use crate::catalog::fixtures::bdb::{self, bdb};
use crate::catalog::fixtures::ndb::ndb;
use crate::catalog::fixtures::rpm::{Value, header, package};
use crate::catalog::fixtures::sqlite::{self, sqlite};
use crate::catalog::{CatalogError, Found, Question};

fn read(database: &[u8]) -> Result<Vec<Found>, CatalogError> {
    ask(Question::RpmDatabase, "Packages", database)
}

fn blobs() -> Vec<Vec<u8>> {
    let key = header(&[(1000, Value::Text("gpg-pubkey")), (1001, Value::Text("1")), (1002, Value::Text("2"))]);
    // Of sizes on both sides of what a page of SQLite keeps for itself.
    let sizes = [0usize, 400, 500, 560, 600, 700, 1000, 5000, 100_000];
    let packages = sizes.iter().enumerate().map(|(i, size)| package(&format!("package{i}"), *size));
    packages.chain([key]).collect()
}

#[test]
fn all_containers_hold_the_same() {
    let expected = read(&sqlite(&blobs())).unwrap();
    assert_eq!(expected.len(), 9, "the key is no package");
    for database in [ndb(&blobs()), bdb(&blobs(), false), bdb(&blobs(), true)] {
        assert_eq!(read(&database).unwrap(), expected);
    }
}

#[test]
fn a_header_tells_all_of_a_package() {
    let found = read(&ndb(&[package("bash", 0)])).unwrap();
    assert_eq!(found[0].files, ["usr/bin/bash", "usr/lib64/lib.so"]);
    let of = |id, version| packages_of("var/lib/rpm/Packages.db", &os(id, version), found.clone()).remove(0);
    let fedora = of("fedora", "40");
    assert_eq!(
        fedora.purl,
        "pkg:rpm/fedora/bash@5.2.15-3.fc40?arch=x86_64&distro=fedora-40&epoch=1&upstream=bash-5.2.15-3.fc40.src.rpm"
    );
    assert_eq!(fedora.version, "1:5.2.15-3.fc40");
    assert_eq!(fedora.licence.as_deref(), Some("GPL-3.0-or-later"));
    assert_eq!(fedora.supplier.as_deref(), Some("Fedora Project"));
    assert!(of("rhel", "9.4").purl.starts_with("pkg:rpm/redhat/bash@"));
    assert!(of("opensuse-leap", "15.6").purl.starts_with("pkg:rpm/opensuse/bash@"));
    assert!(of("opensuse-leap", "15.6").purl.contains("distro=opensuse-leap-15.6"));
}

#[test]
fn images_without_rpm_have_a_list() {
    let found = ask(Question::RpmManifest, "container-manifest-2", RPM_MANIFEST).unwrap();
    let packages = packages_of("var/lib/rpmmanifest/container-manifest-2", &os("azurelinux", "3.0"), found);
    let purls: Vec<&str> = packages.iter().map(|package| package.purl.as_str()).collect();
    assert_eq!(
        purls,
        [
            "pkg:rpm/azurelinux/glibc@2.38-8.azl3?arch=x86_64&distro=azurelinux-3.0&upstream=glibc-2.38-8.azl3.src.rpm",
            "pkg:rpm/azurelinux/tzdata@2024a-1.azl3?arch=noarch&distro=azurelinux-3.0&epoch=1",
        ]
    );
    assert_eq!(ask(Question::RpmManifest, "container-manifest-2", b"a\tb\n\n").unwrap(), []);
}

#[test]
fn empty_databases_are_empty() {
    for database in [sqlite(&[]), ndb(&[]), bdb(&[], false)] {
        assert_eq!(read(&database).unwrap(), []);
    }
}

fn is_damaged(database: &[u8]) -> bool {
    matches!(read(database), Err(CatalogError::Damaged { .. }))
}

#[test]
fn trees_of_sqlite_have_no_circles() {
    let mut database = sqlite(&[package("a", 0), package("b", 5000)]);
    // The right child of the root becomes the root.
    database[sqlite::PAGE + 8..sqlite::PAGE + 12].copy_from_slice(&2u32.to_be_bytes());
    assert!(is_damaged(&database));
    let mut database = sqlite(&[package("a", 5000)]);
    // The second page of the chain leads to itself: pages 1 and 2, the row's, and the chain.
    let second = 4 * sqlite::PAGE;
    database[second..second + 4].copy_from_slice(&5u32.to_be_bytes());
    assert!(is_damaged(&database));
}

#[test]
fn chains_of_berkeley_db_have_no_circles() {
    let mut database = bdb(&[package("a", 20_000)], false);
    let second = 3 * bdb::PAGE;
    database[second + 16..second + 20].copy_from_slice(&3u32.to_le_bytes());
    assert!(is_damaged(&database));
    database[second + 16..second + 20].copy_from_slice(&1u32.to_le_bytes());
    assert!(is_damaged(&database), "a page of another type");
}

#[test]
fn blobs_are_not_shared() {
    let mut database = ndb(&[package("a", 9000), package("b", 9000)]);
    let first: Vec<u8> = database[32..48].to_vec();
    for slot in database[48..4096].chunks_exact_mut(16) {
        slot.copy_from_slice(&first);
    }
    assert!(is_damaged(&database));
}

/// What would be read for each place that leads to it: the keys that rpm keeps are not even counted.
#[test]
fn rows_of_sqlite_are_not_shared() {
    let key = header(&[(1000, Value::Text("gpg-pubkey")), (1001, Value::Text(&"1".repeat(300)))]);
    let mut database = sqlite(&[key]);
    let leaf = 2 * sqlite::PAGE;
    let row: [u8; 2] = database[leaf + 8..leaf + 10].try_into().unwrap();
    let count = 100u16;
    database[leaf + 3..leaf + 5].copy_from_slice(&count.to_be_bytes());
    database[leaf + 8..leaf + 8 + 2 * usize::from(count)].as_chunks_mut().0.fill(row);
    assert!(is_damaged(&database));
}

#[test]
fn headers_lie_within_their_blobs() {
    let good = package("bash", 0);
    let wrong_count = [&u32::MAX.to_be_bytes()[..], &good[4..]].concat();
    let wrong_length = [&good[..4], &u32::MAX.to_be_bytes(), &good[8..]].concat();
    let nameless = header(&[(1001, Value::Text("1"))]);
    for blob in [wrong_count, wrong_length, nameless, vec![], vec![0; 3]] {
        assert!(is_damaged(&ndb(&[blob])));
    }
    // A tag whose value is not in the store is no value.
    let mut outside = good;
    outside[8 + 3 * 16 + 8..8 + 3 * 16 + 12].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(read(&ndb(&[outside])).unwrap()[0].epoch, None);
}

#[test]
fn other_files_are_no_databases() {
    assert!(is_damaged(b"Package: bash\n"));
    assert!(is_damaged(b"SQLite format 3\0"));
    assert!(is_damaged(b""));
}
