use super::*;
use proptest::prelude::*;

fn package(name: &str, source: &str) -> LockedPackage {
    LockedPackage {
        name: name.into(),
        version: "1:2.0-3+b1".into(),
        architecture: "amd64".into(),
        source: source.into(),
        source_version: "1:2.0-3".into(),
        sha256: Digest::of(name),
        size: 1234,
        path: format!("pool/main/{name}.deb"),
        archive: "debian".into(),
        suite: "trixie".into(),
    }
}

fn lock() -> Lock {
    let mut lock = Lock {
        indexes: vec![LockedIndex {
            archive: "debian".into(),
            suite: "sid".into(),
            component: "main".into(),
            architecture: "armhf".into(),
            path: "dists/sid/main/binary-armhf/Packages.xz".into(),
            sha256: Digest::of("Packages"),
            size: 77,
            priority: 100,
            date: "2023-11-14T22:13:20Z".parse().unwrap(),
            valid_until_checked: false,
            signed_by: vec!["A1".into(), "B2".into()],
        }],
        downloads: vec![LockedDownload {
            source: "logo".into(),
            url: "https://example.com/a?b=\"c\\d\"".into(),
            sha256: Digest::of("logo"),
            size: 4,
        }],
        commits: vec![LockedCommit {
            source: "docs".into(),
            address: "https://example.com/docs.git".parse().unwrap(),
            reference: Some("refs/tags/v1.2".into()),
            subdir: "manual".into(),
            with_submodules: true,
            commit: "1".repeat(40).parse().unwrap(),
            tree: Digest::of("docs"),
            submodules: vec![Submodule {
                path: "lib".into(),
                address: "git@example.com:lib.git".parse().unwrap(),
                commit: "2".repeat(40).parse().unwrap(),
            }],
        }],
        layouts: vec![LockedLayout { source: "base".into(), sha256: Digest::of("base") }],
        images: vec![LockedImage {
            reference: "docker.io/library/debian:13".into(),
            sha256: Digest::of("debian"),
            attached: vec![Digest::of("bill")],
        }],
        sets: vec![LockedSet {
            image: "registry.example.com/acme/hello".into(),
            platform: Platform::linux("arm", Some("v7")),
            request: Digest::of("request"),
            packages: vec![
                LockedEntry { package: package("libz", "zed"), base: None },
                LockedEntry { package: package("base-files", "base-files"), base: Some("static".into()) },
            ],
        }],
        advisories: Some(LockedAdvisories {
            reference: Some("registry.example.com/security/advisories".into()),
            sha256: Digest::of("advisories"),
            date: jiff::civil::date(2026, 11, 30),
        }),
    };
    lock.sort();
    lock
}

#[test]
fn a_lock_reads_as_what_it_says() {
    let expected = r#"// Written by kiln, not by hand. `kiln lock` brings it up to date with the spec,
// `kiln lock --update` takes what is newest, `--locked` builds from it as it stands.
lock 1

index "debian" "sid" "main" "armhf" date="2023-11-14T22:13:20Z" valid-until-checked=#false priority=100 path="dists/sid/main/binary-armhf/Packages.xz" size=77 sha256="PACKAGES" {
    key "A1"
    key "B2"
}

http "logo" url="https://example.com/a?b=\"c\\d\"" size=4 sha256="LOGO"
git "docs" url="https://example.com/docs.git" ref="refs/tags/v1.2" subdir="manual" submodules=#true commit="1111111111111111111111111111111111111111" tree="DOCS" {
    submodule "lib" url="git@example.com:lib.git" commit="2222222222222222222222222222222222222222"
}
oci "base" sha256="BASE"
image "docker.io/library/debian:13" sha256="DEBIAN" {
    attached sha256="BILL"
}

packages "registry.example.com/acme/hello" platform="linux/arm/v7" request="REQUEST" {
    package "base-files" "1:2.0-3+b1" "amd64" source-version="1:2.0-3" base="static" suite="trixie" archive="debian" path="pool/main/base-files.deb" size=1234 sha256="BASE-FILES"
    package "libz" "1:2.0-3+b1" "amd64" source="zed" source-version="1:2.0-3" suite="trixie" archive="debian" path="pool/main/libz.deb" size=1234 sha256="LIBZ"
}

advisories "registry.example.com/security/advisories" date="2026-11-30" sha256="ADVISORIES"
"#;
    let mut text = lock().to_text();
    for (name, content) in [
        ("PACKAGES", "Packages"),
        ("LOGO", "logo"),
        ("DOCS", "docs"),
        ("REQUEST", "request"),
        ("BASE-FILES", "base-files"),
        ("BASE", "base"),
        ("DEBIAN", "debian"),
        ("BILL", "bill"),
        ("LIBZ", "libz"),
        ("ADVISORIES", "advisories"),
    ] {
        text = text.replace(&Digest::of(content).hex(), name);
    }
    assert_eq!(text, expected);
}

#[test]
fn a_lock_is_read_back_as_it_was() {
    assert_eq!(Lock::from_text("kiln.lock", lock().to_text().as_bytes()).unwrap(), lock());
    assert_eq!(Lock::from_text("kiln.lock", Lock::default().to_text().as_bytes()).unwrap(), Lock::default());
}

#[test]
fn the_order_of_a_lock_does_not_depend_on_how_it_was_made() {
    let mut shuffled = lock();
    shuffled.sets[0].packages.reverse();
    assert_eq!(shuffled.to_text(), lock().to_text());
}

#[test]
fn wrong_locks_are_refused_with_the_place() {
    let cases = [
        ("", "kiln.lock:1:1: the lock is empty"),
        ("lock 2", "kiln.lock:1:1: this is no lock that this kiln can read: it must begin with `lock 1`"),
        ("lock 1\nhttp \"x\" url=\"u\" size=-1 sha256=\"00\"", "kiln.lock:2:1: `http` lacks `size`, a number"),
        ("lock 1\noci \"x\" sha256=\"00\"", "kiln.lock:2:1: `sha256` is not 64 hexadecimal digits"),
        ("lock 1\noci sha256=\"00\"", "kiln.lock:2:1: `oci` lacks its argument 1, a text"),
        (
            "lock 1\nadvisories date=\"soon\" sha256=\"00\"",
            "kiln.lock:2:1: `date` is no day like `2026-01-31`\n\
             kiln.lock:2:1: `sha256` is not 64 hexadecimal digits",
        ),
        ("lock 1\nrun \"sh\"", "kiln.lock:2:1: a lock has no `run`"),
    ];
    for (text, message) in cases {
        assert_eq!(Lock::from_text("kiln.lock", text.as_bytes()).unwrap_err().to_string(), message, "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_survives(text in any::<String>()) {
        let mut lock = lock();
        lock.downloads[0].url = text.clone();
        let written = lock.to_text();
        // What KDL cannot hold at all is refused; whatever is accepted is what was written.
        if let Ok(read) = Lock::from_text("kiln.lock", written.as_bytes()) {
            prop_assert_eq!(&read.downloads[0].url, &text);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Lock::from_text("kiln.lock", &[&b"lock 1\n"[..], &bytes].concat());
    }
}
