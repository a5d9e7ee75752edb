//! Packages of distributions, in the databases that their package managers keep.

use super::{Advised, Image, Version};
use crate::support::catalog::rpm::{Value, header};
use crate::support::catalog::{bdb::bdb, ndb::ndb, sqlite::sqlite};
use crate::support::deb::{Archive, Deb};
use std::collections::BTreeMap;

/// How a distribution keeps what is installed.
#[derive(Debug, Clone, Copy)]
enum Database {
    Dpkg,
    /// A file for each package, as images without dpkg have it.
    DpkgFiles,
    Apk,
    Sqlite,
    Ndb,
    Bdb,
    RpmManifest,
}

/// A distribution: the image's name, what its `os-release` says, the ecosystem of its advisories and the one of another release.
struct Distribution {
    image: &'static str,
    id: &'static str,
    version: &'static str,
    ecosystem: &'static str,
    other_release: &'static str,
    database: Database,
    /// Packages with what they were made of, a version with holes, the one without them, and the holes.
    packages: &'static [(&'static str, &'static str, &'static str, &'static str, &'static [&'static str])],
}

const OF_DEBIAN: &[(&str, &str, &str, &str, &[&str])] = &[
    ("libssl3t64", "openssl", "3.5.1-1", "3.5.1-1+deb13u1", &["CVE-2025-9230", "CVE-2025-9231"]),
    ("libxml2", "libxml2", "2.12.7+dfsg-2", "2.12.7+dfsg+really2.9.14-2.1+deb13u1", &["CVE-2025-49794"]),
    ("perl-base", "perl", "5.40.1-5", "5.40.1-6", &["CVE-2025-40909"]),
];

const OF_RPM: &[(&str, &str, &str, &str, &[&str])] = &[
    ("openssl-libs", "openssl", "3.0.7-24", "3.0.7-25", &["CVE-2023-5363", "CVE-2023-5678"]),
    ("expat", "expat", "2.5.0-1", "2.5.0-2", &["CVE-2023-52425"]),
    ("glibc-common", "glibc", "2.34-60", "2.34-83", &["CVE-2023-4911"]),
];

const OF_ALPINE: &[(&str, &str, &str, &str, &[&str])] = &[
    ("libcrypto3", "openssl", "3.5.0-r0", "3.5.1-r0", &["CVE-2025-4575"]),
    ("busybox-binsh", "busybox", "1.37.0-r17", "1.37.0-r18", &["CVE-2025-46394"]),
    ("zlib", "zlib", "1.3.1-r1", "1.3.1-r2", &["CVE-2026-22184"]),
];

const DISTRIBUTIONS: &[Distribution] = &[
    Distribution {
        image: "debian",
        id: "debian",
        version: "13",
        ecosystem: "Debian:13",
        other_release: "Debian:12",
        database: Database::Dpkg,
        packages: OF_DEBIAN,
    },
    Distribution {
        image: "distroless",
        id: "debian",
        version: "13",
        ecosystem: "Debian:13",
        other_release: "Debian:12",
        database: Database::DpkgFiles,
        packages: OF_DEBIAN,
    },
    Distribution {
        image: "ubuntu",
        id: "ubuntu",
        version: "24.04",
        ecosystem: "Ubuntu:24.04:LTS",
        other_release: "Ubuntu:22.04:LTS",
        database: Database::Dpkg,
        packages: OF_DEBIAN,
    },
    Distribution {
        image: "alpine",
        id: "alpine",
        version: "3.22.1",
        ecosystem: "Alpine:v3.22",
        other_release: "Alpine:v3.21",
        database: Database::Apk,
        packages: OF_ALPINE,
    },
    Distribution {
        image: "wolfi",
        id: "wolfi",
        version: "20230201",
        ecosystem: "Wolfi",
        other_release: "Chainguard",
        database: Database::Apk,
        packages: OF_ALPINE,
    },
    Distribution {
        image: "rhel",
        id: "rhel",
        version: "9.4",
        ecosystem: "Red Hat:enterprise_linux:9::baseos",
        other_release: "Red Hat:enterprise_linux:8::baseos",
        database: Database::Sqlite,
        packages: OF_RPM,
    },
    Distribution {
        image: "rocky",
        id: "rocky",
        version: "9.4",
        ecosystem: "Rocky Linux:9",
        other_release: "Rocky Linux:8",
        database: Database::Sqlite,
        packages: OF_RPM,
    },
    Distribution {
        image: "alma",
        id: "almalinux",
        version: "8.10",
        ecosystem: "AlmaLinux:8",
        other_release: "AlmaLinux:9",
        database: Database::Bdb,
        packages: OF_RPM,
    },
    Distribution {
        image: "suse",
        id: "sles",
        version: "15.6",
        ecosystem: "SUSE:Linux Enterprise Server 15 SP6",
        other_release: "SUSE:Linux Enterprise Server 15 SP5",
        database: Database::Ndb,
        packages: OF_RPM,
    },
    Distribution {
        image: "azure",
        id: "azurelinux",
        version: "3.0",
        ecosystem: "Azure Linux:3",
        other_release: "Azure Linux:2",
        database: Database::RpmManifest,
        packages: OF_RPM,
    },
];

impl Database {
    /// The files of a database of these packages: name, source and version.
    fn files(self, packages: &[(&str, &str, &str)]) -> BTreeMap<String, Vec<u8>> {
        let each = |line: &dyn Fn(&(&str, &str, &str)) -> String| packages.iter().map(line).collect::<String>();
        let rpm = || packages.iter().map(|(name, source, version)| rpm(name, source, version)).collect::<Vec<_>>();
        let (path, content) = match self {
            Database::DpkgFiles => {
                let file = |package: &(&str, &str, &str)| {
                    (format!("var/lib/dpkg/status.d/{}", package.0), stanza(package).into_bytes())
                };
                return packages.iter().map(file).collect();
            }
            Database::Dpkg => ("var/lib/dpkg/status", each(&stanza).into_bytes()),
            Database::Apk => {
                let of = |(name, source, version): &(&str, &str, &str)| {
                    format!("P:{name}\nV:{version}\nA:x86_64\nL:MIT\no:{source}\n\n")
                };
                ("lib/apk/db/installed", each(&of).into_bytes())
            }
            Database::RpmManifest => {
                let of = |(name, source, version): &(&str, &str, &str)| {
                    format!(
                        "{name}\t{version}\t1700000000\t1600000000\tSomeone\t(none)\t100\tx86_64\t0\t{source}-{version}.src.rpm\n"
                    )
                };
                ("var/lib/rpmmanifest/container-manifest-2", each(&of).into_bytes())
            }
            Database::Sqlite => ("var/lib/rpm/rpmdb.sqlite", sqlite(&rpm())),
            Database::Ndb => ("usr/lib/sysimage/rpm/Packages.db", ndb(&rpm())),
            Database::Bdb => ("var/lib/rpm/Packages", bdb(&rpm(), false)),
        };
        BTreeMap::from([(path.to_owned(), content)])
    }
}

fn stanza((name, source, version): &(&str, &str, &str)) -> String {
    format!(
        "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nSource: {source}\nVersion: {version}\n\n"
    )
}

fn rpm(name: &str, source: &str, version: &str) -> Vec<u8> {
    let (number, release) = version.rsplit_once('-').unwrap();
    let file = format!("{source}-{version}.src.rpm");
    header(&[
        (1000, Value::Text(name)),
        (1001, Value::Text(number)),
        (1002, Value::Text(release)),
        (1022, Value::Text("x86_64")),
        (1044, Value::Text(&file)),
    ])
}

/// An image of a distribution, by its database.
fn distribution(of: &Distribution, which: Version) -> Image {
    let mut image = Image::well_made();
    image.file("etc/os-release", format!("ID={}\nVERSION_ID=\"{}\"\n", of.id, of.version));
    let packages = of.packages.iter();
    let installed = packages.map(|(name, source, affected, fixed, _)| (*name, *source, which.of(affected, fixed)));
    let files = of.database.files(&installed.collect::<Vec<_>>());
    for (name, _, _, _, holes) in of.packages {
        let place = files.keys().find(|path| path.ends_with(name)).or(files.keys().next()).unwrap();
        for hole in holes.iter().filter(|_| which == Version::Affected) {
            image.expect(format!("vulnerability {hole}-{} {name} /{place}", of.id));
        }
    }
    files.into_iter().for_each(|(path, content)| image.file(&path, content));
    image
}

/// An image with packages that kiln installed.
fn installed(which: Version) -> Image {
    let mut image = Image::well_made();
    let names = OF_DEBIAN.iter().map(|(name, ..)| format!(" \"{name}\"")).collect::<String>();
    image.nodes += &format!("    packages \"debian\" {{ add{names} }}\n");
    for (name, _, _, _, holes) in OF_DEBIAN.iter().filter(|_| which == Version::Affected) {
        holes.iter().for_each(|hole| image.expect(format!("vulnerability {hole}-debian {name} PACKAGES")));
    }
    image
}

/// An image of each distribution, and one with packages that kiln installed.
pub(super) fn images(which: Version) -> BTreeMap<&'static str, Image> {
    let of_distributions = DISTRIBUTIONS.iter().map(|of| (of.image, distribution(of, which)));
    of_distributions.chain([("installed", installed(which))]).collect()
}

/// Debian's packages as kiln installs them.
pub(super) fn archive(which: Version) -> Archive {
    OF_DEBIAN.iter().fold(Archive::new("trixie"), |archive, (name, source, affected, fixed, _)| {
        archive.with(Deb::new(name, which.of(affected, fixed)).field("Source", source))
    })
}

/// What advisories tell of: each hole, and a like one in another release. Two images may be of one distribution.
pub(super) fn advised() -> Vec<Advised> {
    let mut all = BTreeMap::new();
    for of in DISTRIBUTIONS {
        for (_, name, _, fixed, holes) in of.packages {
            for hole in *holes {
                let id = format!("{hole}-{}", of.id);
                let (ecosystem, elsewhere) = (of.ecosystem, of.other_release);
                all.insert(id.clone(), Advised { id, ecosystem, elsewhere, name, fixed });
            }
        }
    }
    all.into_values().collect()
}

pub(super) fn count() -> usize {
    OF_DEBIAN.len() + DISTRIBUTIONS.iter().map(|of| of.packages.len()).sum::<usize>()
}
