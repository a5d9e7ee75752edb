//! A small image whose inventory has one of everything.

use super::inventory::*;
use super::licence::Licence;
use super::sign::{LocalKey, PublicKey, SignError, Signer};
use crate::oci::{Digest, Platform};

fn sha1(content: &[u8]) -> [u8; 20] {
    use sha1::Digest as _;
    sha1::Sha1::digest(content).into()
}

/// A package of trixie from the first index.
pub(crate) fn package(name: &str, version: &str) -> Package {
    Package {
        name: name.into(),
        version: version.into(),
        architecture: "amd64".into(),
        distro: "debian".into(),
        distro_version: Some("13".into()),
        source: name.into(),
        source_version: version.into(),
        sha256: Digest::of(name),
        size: 1000,
        path: format!("pool/main/{}/{name}/{name}_{version}_amd64.deb", &name[..1]),
        index: Some(0),
        supplier: "Debian".into(),
        maintainer: Some("Some Body <some.body@example.com>".into()),
        licence: Licence { expression: Some("MIT".into()), ..Licence::default() },
        homepage: Some("https://www.example.com/".into()),
        section: Some("libs".into()),
        summary: Some("a thing that others need".into()),
        essential: false,
        requested: false,
    }
}

/// A file of `content`.
pub(crate) fn file(path: &str, content: &[u8], owner: Owner, layer: usize) -> File {
    File {
        path: path.into(),
        kind: FileKind::Regular,
        sha256: Digest::of(content),
        sha1: Some(sha1(content)),
        size: content.len() as u64,
        owner,
        layer,
    }
}

/// The inventory of an image with two packages, three sources, a base and files of each kind and owner.
pub(crate) fn inventory() -> Inventory {
    let line = |line| Location { spec: 0, line };
    let mut base_files =
        Package { source: "base-files".into(), requested: true, ..package("base-files", "13.8+deb13u1") };
    let mut libssl = Package {
        source: "openssl".into(),
        source_version: "3.5.4-1~deb13u1".into(),
        section: None,
        homepage: Some("www.openssl.org".into()),
        ..package("libssl3t64", "3.5.4-1~deb13u1+b1")
    };
    libssl.licence = Licence {
        expression: Some("Apache-2.0 AND LicenseRef-debian-odd".into()),
        texts: [("LicenseRef-debian-odd".to_owned(), "Do what is right.\n".to_owned())].into(),
        guessed: false,
    };
    base_files.licence = Licence { guessed: true, ..base_files.licence };
    let link =
        File { kind: FileKind::Symlink { target: "/run".into() }, ..file("/var/run", b"/run", Owner::Package(1), 0) };
    Inventory {
        image: ImageIdentity {
            name: "registry.example.com/acme/hello".into(),
            digest: Digest::of("the manifest"),
            platform: Platform::linux("amd64", None),
            supplier: Some("Acme".into()),
            version: None,
        },
        epoch: 1_700_000_000,
        kiln_version: "0.1.0".into(),
        layers: vec![
            Layer { digest: Digest::of("layer 0"), diff_id: Digest::of("diff 0") },
            Layer { digest: Digest::of("layer 1"), diff_id: Digest::of("diff 1") },
        ],
        packages: vec![libssl, base_files],
        edges: vec![(0, 1), (0, 1)],
        indexes: vec![PackageIndex {
            suite: "trixie".into(),
            url: "http://ftp.debian.org/debian".into(),
            path: "dists/trixie/main/binary-amd64/Packages.xz".into(),
            digest: Digest::of("Packages"),
            date: "2026-09-06T08:12:13Z".into(),
            keys: vec!["B8E5F13176D2A7A75220028078DBA3BC47EF2265".into()],
        }],
        sources: vec![
            Source {
                name: "app".into(),
                kind: SourceKind::Context,
                digest: Digest::of("tree"),
                location: Some(line(4)),
            },
            Source {
                name: "logo".into(),
                kind: SourceKind::Http { url: "https://example.com/logo.svg".into() },
                digest: Digest::of("<svg/>"),
                location: Some(line(5)),
            },
            Source {
                name: "tools".into(),
                kind: SourceKind::Oci { reference: "../tools:latest".into() },
                digest: Digest::of("tools"),
                location: None,
            },
        ],
        bases: vec![Base {
            reference: "../base".into(),
            digest: Digest::of("base"),
            location: Some(line(8)),
            claims: None,
        }],
        specs: vec![
            SpecFile { path: "kiln.kdl".into(), digest: Digest::of("spec") },
            SpecFile { path: "team/common.kdl".into(), digest: Digest::of("common") },
        ],
        lock: Some(SpecFile { path: "kiln.lock".into(), digest: Digest::of("lock") }),
        files: vec![
            file("/usr/lib/libssl.so.3", b"ELF", Owner::Package(0), 0),
            file("/usr/share/doc/libssl3t64/copyright", b"(c)", Owner::Package(0), 0),
            file("/var/lib/dpkg/status.d/libssl3t64", b"Package: libssl3t64", Owner::Package(0), 0),
            link,
            file("/etc/profile", b"# profile", Owner::Emulated { package: 1 }, 0),
            file("/srv/app", b"app", Owner::Source { source: 0, location: Some(line(20)) }, 1),
            file("/srv/logo.svg", b"<svg/>", Owner::Source { source: 1, location: None }, 1),
            file("/srv/tool", b"tool", Owner::Source { source: 2, location: Some(line(22)) }, 1),
            file("/etc/passwd", b"root:x:0:0", Owner::Spec(Location { spec: 1, line: 3 }), 1),
            file("/opt/old", b"old", Owner::Base(0), 0),
        ],
    }
}

/// Compares `text` with the file of that name below `tests/golden/evidence`; `KILN_BLESS=1` writes it instead.
#[expect(clippy::disallowed_methods, reason = "the switch that writes golden files anew")]
pub(crate) fn golden(name: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/evidence").join(name);
    if std::env::var_os("KILN_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    let difference = golden.lines().zip(text.lines()).enumerate().find(|(_, (old, new))| old != new);
    assert!(golden == text, "{name} is another one, first at {difference:#?}");
}

/// A key that is the same in every run.
pub(crate) fn key(seed: u8) -> LocalKey {
    LocalKey::from(p256::SecretKey::from_slice(&[seed; 32]).unwrap())
}

/// A signer without a key of its own: answers with what it was told to.
pub(crate) struct FaultySigner {
    pub(crate) claims: LocalKey,
    pub(crate) answer: Result<Vec<u8>, String>,
}

impl Signer for FaultySigner {
    fn public_key(&self) -> &PublicKey {
        self.claims.public_key()
    }

    fn sign(&self, _: &Digest) -> Result<Vec<u8>, SignError> {
        self.answer.clone().map_err(SignError::Signer)
    }
}
