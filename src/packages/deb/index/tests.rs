use super::*;
use crate::oci::Digest;

const TEXT: &str = "\
Package: hello
Version: 2.10-5
Architecture: amd64
Source: hello-src (2.10-4)
Essential: yes
Multi-Arch: allowed
Priority: important
Section: devel
Maintainer: Somebody <somebody@example.com>
Installed-Size: 280
Pre-Depends: libc6 (>= 2.38)
Depends: perl:any,
 zlib1g | libz
Provides: greeter (= 2), world
Filename: ./pool/main/h/hello_2.10-5_amd64.deb
Size: 53132
SHA256: 2222222222222222222222222222222222222222222222222222222222222222
Description: says hello
 at length

Package: hello
Version: 2.12-1
Architecture: all
Filename: pool/h.deb
Size: 1
SHA256: 3333333333333333333333333333333333333333333333333333333333333333

Package: foreign
Version: 1
Architecture: arm64
Filename: pool/f.deb
Size: 1
SHA256: 3333333333333333333333333333333333333333333333333333333333333333
";

fn index(text: &str) -> Index {
    Index::open(build(text.as_bytes(), "amd64").unwrap()).unwrap()
}

#[test]
fn packages_are_found_with_all_that_matters() {
    let index = index(TEXT);
    assert_eq!(index.len(), 2);
    let rows: Vec<Row<'_>> = index.name("hello").unwrap().rows().collect();
    assert_eq!(rows.iter().map(|row| row.version()).collect::<Vec<_>>(), ["2.12-1", "2.10-5"]);
    let (new, old) = (rows[0], rows[1]);
    assert_eq!((old.name(), old.architecture(), old.size(), old.installed_size()), ("hello", "amd64", 53132, 280));
    assert_eq!((old.source(), old.source_version()), ("hello-src", "2.10-4"));
    assert_eq!(old.path(), "pool/main/h/hello_2.10-5_amd64.deb");
    assert_eq!(old.sha256(), Digest::from_hex(&"2".repeat(64)).unwrap());
    assert_eq!((old.pre_depends(), old.depends()), ("libc6 (>= 2.38)", "perl:any,\n zlib1g | libz"));
    assert_eq!((old.section(), old.maintainer()), ("devel", "Somebody <somebody@example.com>"));
    assert!(old.is_essential() && old.is_multi_arch_allowed() && old.priority() == 2);
    assert_eq!((new.source(), new.source_version(), new.architecture()), ("hello", "2.12-1", "all"));
    assert!(!new.is_essential() && new.depends().is_empty());
    for unknown in ["foreign", "hell", "hello2", ""] {
        assert!(index.name(unknown).is_none_or(|name| name.rows().next().is_none()), "{unknown}");
    }
}

#[test]
fn provided_names_lead_to_their_packages() {
    let index = index(TEXT);
    let providers = |name: &str| -> Vec<(String, String)> {
        let found = index.name(name).into_iter().flat_map(|name| name.providers());
        found.map(|p| (p.row.version().to_owned(), p.version.to_owned())).collect()
    };
    assert_eq!(providers("greeter"), [("2.10-5".to_owned(), "2".to_owned())]);
    assert_eq!(providers("world"), [("2.10-5".to_owned(), String::new())]);
    // What may serve other architectures provides its names for any of them too.
    assert_eq!(providers("world:any").len(), 1);
    assert!(providers("hello").is_empty());
}

#[test]
fn names_are_ranked_as_they_are_first_mentioned() {
    let index = index(TEXT);
    let rank = |name: &str| index.name(name).unwrap().rank();
    let order = ["hello", "libc6", "zlib1g", "libz", "greeter", "world"];
    assert!(order.windows(2).all(|pair| rank(pair[0]) < rank(pair[1])));
}

#[test]
fn what_cannot_be_fetched_or_trusted_is_left_out() {
    let changes = [
        ("SHA256: 2222", "SHA1: 2222"),
        ("SHA256: 2222", "SHA256: zz"),
        ("Size: 53132", "Size: many"),
        ("Package: hello\nVersion: 2.10", "Package: ../hello\nVersion: 2.10"),
        ("Package: hello\nVersion: 2.10", "Package: H\nVersion: 2.10"),
        ("Version: 2.10-5", "Version: two"),
        ("Filename: ./pool/main/h/hello_2.10-5_amd64.deb", "Filename:"),
    ];
    for (from, to) in changes {
        assert_eq!(index(&TEXT.replacen(from, to, 1)).len(), 1, "{to}");
    }
}

#[test]
fn any_bytes_give_an_index_or_an_error() {
    assert!(index("").is_empty());
    assert_eq!(Index::open(build(&[0xff, b'\n', 0xfe][..], "amd64").unwrap()).unwrap().len(), 0);
    let endless = std::io::Read::take(std::io::repeat(b'x'), 6 << 20);
    assert!(matches!(build(endless, "amd64"), Err(IndexError::TooLarge(_))));
    let failing = std::io::Read::chain(TEXT.as_bytes(), Failing);
    assert!(matches!(build(failing, "amd64"), Err(IndexError::Io(_))));
}

struct Failing;

impl std::io::Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("broken"))
    }
}

#[test]
fn paragraphs_may_lie_across_the_pieces_that_are_read() {
    let many: String = (0..20_000)
        .map(|n| format!("Package: package-{n:05}\nVersion: 1\nArchitecture: all\nFilename: p/{n}\nSize: {n}\nSHA256: {}\nDescription: {}\n\n", "4".repeat(64), "x".repeat(n % 90)))
        .collect();
    let index = index(&many);
    assert_eq!(index.len(), 20_000);
    assert!(index.rows().enumerate().all(|(n, row)| row.number() == n && row.size() == n as u64));
}

#[test]
fn damaged_compact_forms_never_crash() {
    let good = build(TEXT.as_bytes(), "amd64").unwrap();
    for length in 0..good.len() {
        assert!(Index::open(good[..length].to_vec()).is_err());
    }
    for position in 0..good.len() {
        let mut bytes = good.clone();
        bytes[position] ^= 0x81;
        let Ok(index) = Index::open(bytes) else { continue };
        for name in index.names() {
            name.providers().for_each(|provider| {
                let _ = provider.row.version();
            });
            for row in name.rows() {
                let _ = (row.name(), row.path(), row.depends(), row.sha256(), row.maintainer(), row.size());
            }
        }
        let _ = (index.name("hello").is_some(), index.architecture());
    }
}
