//! A small image whose inventory has one of everything.

use super::claims::{ClaimedPackage, Claims};
use super::contents::Catalogued;
use super::inventory::*;
use super::licence::Licence;
use super::sign::{LocalKey, PublicKey, SignError, Signer};
use super::stage::{Material, Network, Stage, Step};
use crate::catalog::{self, Cataloguer, Kind, OsRelease};
use crate::oci::{Digest, Platform};
use crate::tree::TreePath;

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
        location: None,
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

/// A command in an environment without network that left nothing.
pub(crate) fn step(name: &str, command: &[&str]) -> Step {
    Step {
        name: name.into(),
        command: command.iter().map(|argument| (*argument).to_owned()).collect(),
        environment: vec!["PATH=/usr/bin:/bin".into()],
        user: "0:0".into(),
        workdir: "/".into(),
        network: Network::None,
        secrets: vec![],
        agents: vec![],
        caches: vec![],
        check: None,
        inputs: vec![],
        outputs: vec![],
        location: None,
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
            Source {
                name: "docs".into(),
                kind: SourceKind::Git(GitCommit {
                    uri: "https://example.com/acme/docs.git".into(),
                    reference: Some("refs/tags/v1.2".into()),
                    id: "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12".into(),
                    subdir: "manual".into(),
                }),
                digest: Digest::of("docs"),
                location: Some(line(6)),
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
        stages: vec![],
        steps: vec![],
        files: vec![
            file("/usr/lib/libssl.so.3", b"ELF", Owner::Package(0), 0),
            file("/usr/share/doc/libssl3t64/copyright", b"(c)", Owner::Package(0), 0),
            file("/var/lib/dpkg/status.d/libssl3t64", b"Package: libssl3t64", Owner::Package(0), 0),
            link,
            file("/etc/profile", b"# profile", Owner::Emulated { package: 1 }, 0),
            file("/srv/app", b"app", Owner::Source { source: 0, location: Some(line(20)) }, 1),
            file("/srv/logo.svg", b"<svg/>", Owner::Source { source: 1, location: None }, 1),
            file("/srv/tool", b"tool", Owner::Source { source: 2, location: Some(line(22)) }, 1),
            file("/srv/page", b"page", Owner::Source { source: 3, location: Some(line(23)) }, 1),
            file("/etc/passwd", b"root:x:0:0", Owner::Spec(Location { spec: 1, line: 3 }), 1),
            file("/opt/old", b"old", Owner::Base(0), 0),
        ],
        catalogued: Catalogued::default(),
    }
}

fn material(path: &str, content: &str, from: &[&str]) -> Material {
    let from = from.iter().map(|name| (*name).to_owned()).collect();
    Material { path: path.into(), digest: Digest::of(content), from }
}

/// The same image with what was built in stages: of a toolchain with a package that is in the image too, of commands
/// that saw a source, a download that is not in the image, a secret and the network, and of a base that was built with.
pub(crate) fn staged() -> Inventory {
    let line = |line| Location { spec: 0, line };
    let cc = Package { requested: true, section: Some("devel".into()), ..package("gcc-14", "14.2.0-19") };
    let runtime = Package { source: "gcc-14".into(), ..package("libgcc-s1", "14.2.0-19") };
    let toolchain = Stage {
        name: "toolchain".into(),
        platform: Platform::linux("amd64", None),
        location: Some(line(10)),
        packages: vec![cc, runtime, inventory().packages[1].clone()],
        edges: vec![(0, 1), (1, 2)],
        bases: vec![],
        from: vec![],
        steps: vec![],
    };
    let sources = ["app", "toolchain"];
    let compile = Step {
        environment: vec!["PATH=/usr/bin:/bin".into(), "CFLAGS=-O2 -g".into()],
        workdir: "/src".into(),
        secrets: vec!["token".into()],
        caches: vec!["/root/.ccache".into()],
        inputs: vec![material("/", "toolchain", &["toolchain"]), material("/src", "app", &["app"])],
        outputs: vec![material("/", "built", &[])],
        location: Some(line(13)),
        ..step("make hello", &["/bin/sh", "-c", "make hello"])
    };
    let fetch = Step {
        user: "1000:1000".into(),
        network: Network::Host,
        agents: vec!["default".into()],
        inputs: vec![material("/", "built", &sources)],
        outputs: vec![material("/", "fetched", &[])],
        location: Some(line(14)),
        ..step("fetch-data", &["fetch-data", "--all"])
    };
    let check = Step {
        check: Some("unit tests".into()),
        inputs: vec![material("/", "fetched", &sources), material("/data", "data", &["data"])],
        location: Some(line(15)),
        ..step("unit tests", &["/bin/sh", "-c", "make check"])
    };
    let built = Stage {
        name: "compile".into(),
        location: Some(line(12)),
        packages: vec![],
        edges: vec![],
        from: ["app", "data", "toolchain"].map(str::to_owned).to_vec(),
        steps: vec![compile, fetch, check],
        ..toolchain.clone()
    };
    let claims = Claims {
        document: Digest::of("document"),
        form: "https://spdx.dev/Document".into(),
        signed: false,
        packages: vec![ClaimedPackage { name: "musl".into(), version: Some("1".into()), purl: None }],
    };
    let lint = Stage {
        name: "lint".into(),
        location: None,
        packages: vec![],
        edges: vec![],
        bases: vec![Base {
            reference: "docker.io/acme/lint:1".into(),
            digest: Digest::of("lint"),
            location: Some(line(17)),
            claims: Some(claims),
        }],
        from: vec!["compile".into()],
        ..toolchain.clone()
    };
    let index = Step {
        inputs: vec![material("/", "image", &["compile"]), material("/mnt", "data", &["data"])],
        outputs: vec![material("/", "indexed", &[])],
        location: Some(line(30)),
        ..step("index /mnt", &["index", "/mnt"])
    };
    let from = |stage, owner, at| Owner::Stage { stage, owner: Box::new(owner), location: Some(line(at)) };
    let readme = Owner::Source { source: 0, location: Some(line(13)) };
    let mut inventory = inventory();
    inventory.sources.push(Source {
        name: "data".into(),
        kind: SourceKind::Http { url: "https://example.com/data.tar".into() },
        digest: Digest::of("data.tar"),
        location: Some(line(6)),
    });
    inventory.stages = vec![toolchain, built, lint];
    inventory.steps = vec![index];
    inventory.files.extend([
        file("/usr/bin/hello", b"hello", from(1, Owner::Step(0), 28), 1),
        file("/usr/lib/libgcc_s.so.1", b"gcc", from(1, from(0, Owner::Package(1), 12), 28), 1),
        file("/etc/toolchain", b"made", from(0, Owner::Emulated { package: 2 }, 29), 1),
        file("/usr/share/doc/hello", b"readme", from(1, readme, 28), 1),
        file("/etc/hello", b"config", from(1, Owner::Spec(line(16)), 28), 1),
        file("/usr/share/lint", b"rules", from(2, Owner::Base(0), 29), 1),
        file("/var/lib/index", b"index", Owner::Step(0), 1),
    ]);
    inventory
}

/// A package that a file tells of.
pub(crate) fn found(kind: Kind, by: Cataloguer, purl: &str, path: &str, inside: &[&str]) -> catalog::Package {
    let (name, version) = purl.split_once('?').map_or(purl, |(name, _)| name).split_once('@').unwrap_or((purl, ""));
    let place = catalog::Place {
        path: TreePath::new(path.trim_start_matches('/')).unwrap(),
        inside: inside.iter().map(|step| (*step).to_owned()).collect(),
        build_id: None,
        by,
    };
    catalog::Package {
        purl: purl.into(),
        kind,
        name: name.rsplit('/').next().unwrap_or_default().into(),
        version: version.into(),
        architecture: None,
        upstream: None,
        licence: None,
        supplier: None,
        places: vec![place],
    }
}

/// The same image with files that tell of packages: in folders, in an archive, in a program, in the database of the base,
/// and in that of what is installed; and with one that cannot be read.
pub(crate) fn catalogued() -> Inventory {
    use Cataloguer::{DpkgStatus, GoBuildInfo, JavaArchive, PythonMetadata, VersionString};
    let app = || Owner::Source { source: 0, location: Some(Location { spec: 0, line: 20 }) };
    let (metadata, war, tool) = ("/srv/lib/requests.dist-info/METADATA", "/srv/app.war", "/opt/tool");
    let (own, status) = ("/var/lib/dpkg/status.d/libssl3t64", "/var/lib/dpkg/status");
    let mut requests = found(Kind::Python, PythonMetadata, "pkg:pypi/requests@2.31.0", metadata, &[]);
    requests.licence = Some("Apache 2".into());
    requests.supplier = Some("Some Body <some.body@example.com>".into());
    let again = found(Kind::Python, PythonMetadata, "pkg:pypi/requests@2.31.0", "/opt/requests.egg-info", &[]);
    requests.places.extend(again.places);
    requests.places.sort();
    let maven = "pkg:maven/org.apache.commons/commons-lang3@3.12.0";
    let mut lang = found(Kind::Java, JavaArchive, maven, war, &["WEB-INF/lib/commons-lang3.jar"]);
    lang.licence = Some("Apache-2.0".into());
    let mut module = found(Kind::Go, GoBuildInfo, "pkg:golang/golang.org/x/net@v0.1.0", tool, &[]);
    module.places[0].build_id = Some("ab".repeat(20));
    let of_base = found(Kind::Deb, DpkgStatus, "pkg:deb/debian/zlib1g@1:1.3?arch=amd64&distro=debian-13", status, &[]);
    // What is installed, by its own database and by another.
    let libssl =
        "pkg:deb/debian/libssl3t64@3.5.4-1~deb13u1%2Bb1?arch=amd64&distro=debian-13&upstream=openssl%403.5.4-1~deb13u1";
    let base_files = "pkg:deb/debian/base-files@13.8%2Bdeb13u1?arch=amd64&distro=debian-13";
    let mut inventory = inventory();
    inventory.catalogued = Catalogued {
        distribution: OsRelease::parse(b"ID=debian\nVERSION_ID=13\n"),
        packages: vec![
            found(Kind::Deb, DpkgStatus, base_files, status, &[]),
            found(Kind::Deb, DpkgStatus, libssl, own, &[]),
            of_base,
            found(Kind::Binary, VersionString, "pkg:generic/redis", "/opt/redis", &[]),
            module,
            lang,
            requests,
        ],
        unread: vec![(TreePath::new("srv/broken.jar").unwrap(), "it ends too early".into())],
    };
    inventory.files.extend([
        file(metadata, b"Name: requests", app(), 1),
        file("/opt/requests.egg-info", b"Name: requests", Owner::Base(0), 0),
        file(war, b"PK", app(), 1),
        file("/srv/broken.jar", b"P", app(), 1),
        file(tool, b"go", Owner::Base(0), 0),
        file("/opt/redis", b"redis", Owner::Spec(Location { spec: 1, line: 3 }), 1),
        file(status, b"Package: zlib1g", Owner::Base(0), 0),
    ]);
    inventory
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
