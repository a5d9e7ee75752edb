//! Small archives of packages, made and signed when a test runs.

use crate::oci::Digest;
use crate::packages::deb::trust::fixtures::TestKey;
use crate::packages::deb::{Indexes, LockedIndex, OpenIndex, Source, index};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

/// A suite with its packages, before it is published.
pub(crate) struct TestSuite {
    pub key: TestKey,
    pub archive: String,
    pub suite: String,
    /// Further lines of the Release file.
    pub more: String,
    pub date: String,
    /// The text of `Packages`, by component.
    pub packages: BTreeMap<String, String>,
    /// Which forms of the indexes there are: `.xz`, `.gz`, or none of both.
    pub forms: Vec<&'static str>,
    pub by_hash: bool,
}

/// The time of the tests.
pub(crate) fn now() -> jiff::Timestamp {
    "2025-08-01T12:00:00Z".parse().unwrap()
}

impl TestSuite {
    pub fn new(suite: &str) -> Self {
        TestSuite {
            key: TestKey::new(),
            archive: "test".into(),
            suite: suite.into(),
            more: String::new(),
            date: "Fri, 01 Aug 2025 09:00:00 UTC".into(),
            packages: BTreeMap::new(),
            forms: vec![".xz", ".gz"],
            by_hash: true,
        }
    }

    /// Adds packages to the component `main`, in the short form of [`packages`].
    pub fn with(mut self, list: &str) -> Self {
        *self.packages.entry("main".into()).or_default() += &packages(list);
        self
    }

    /// Where to find this suite.
    pub fn source(&self, mirrors: Vec<crate::http::Url>) -> Source {
        Source {
            archive: self.archive.clone(),
            suite: self.suite.clone(),
            components: self.packages.keys().cloned().collect(),
            mirrors,
            keyring: self.key.keyring(),
            check_valid_until: true,
            floor: None,
            locked: vec![],
        }
    }

    /// All files, by their path below the archive.
    pub fn publish(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut list = String::new();
        let folder = format!("dists/{}", self.suite);
        for (component, text) in &self.packages {
            let name = format!("{component}/binary-amd64/Packages");
            let mut forms = vec![("", text.clone().into_bytes())];
            forms.extend(self.forms.iter().map(|form| (*form, compress(form, text))));
            for (form, bytes) in forms {
                let digest = Digest::of(&bytes).hex();
                writeln!(list, " {digest} {} {name}{form}", bytes.len()).unwrap();
                // As in Debian's archive, the plain form is listed and not there.
                if !form.is_empty() || self.forms.is_empty() {
                    if self.by_hash {
                        files.insert(
                            format!("{folder}/{component}/binary-amd64/by-hash/SHA256/{digest}"),
                            bytes.clone(),
                        );
                    }
                    files.insert(format!("{folder}/{name}{form}"), bytes);
                }
            }
        }
        let release = format!(
            "Origin: Test\nCodename: {}\nDate: {}\n{}Acquire-By-Hash: yes\nNo-Support-for-Architecture-all: Packages\n\
             Architectures: all amd64\nComponents: main\nSHA256:\n{list}",
            self.suite, self.date, self.more
        );
        files.insert(format!("{folder}/InRelease"), self.key.sign(&release).into_bytes());
        files
    }
}

/// Paragraphs of `Packages` from lines as `name 1.0 | Depends: a, b|c | Conflicts: d`: the fields are set apart by
/// bars with spaces, so alternatives are written without.
pub(crate) fn packages(list: &str) -> String {
    let mut text = String::new();
    for line in list.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut parts = line.split(" | ").map(str::trim);
        let (name, version) = parts.next().and_then(|head| head.split_once(' ')).unwrap();
        let digest = Digest::of(format!("{name} {version}")).hex();
        let path = format!("pool/main/{name}_{version}_amd64.deb");
        writeln!(text, "Package: {name}\nVersion: {version}\nArchitecture: amd64").unwrap();
        parts.for_each(|field| writeln!(text, "{field}").unwrap());
        writeln!(text, "Filename: {path}\nSize: 7\nSHA256: {digest}\n").unwrap();
    }
    text
}

/// Indexes without any archive: each suite with its priority and its packages.
pub(crate) fn indexes(suites: &[(&str, u16, &str)]) -> Indexes {
    let open = |(suite, priority, list): &(&str, u16, &str)| OpenIndex {
        locked: LockedIndex {
            archive: "test".into(),
            suite: (*suite).into(),
            component: "main".into(),
            architecture: "amd64".into(),
            path: format!("dists/{suite}/main/binary-amd64/Packages.xz"),
            sha256: Digest::of(list),
            size: list.len() as u64,
            date: now(),
            priority: *priority,
            valid_until_checked: true,
            signed_by: vec![],
        },
        index: index::Index::open(index::build(packages(list).as_bytes(), "amd64").unwrap()).unwrap(),
    };
    Indexes { architecture: "amd64".into(), list: suites.iter().map(open).collect() }
}

pub(crate) fn compress(form: &str, text: &str) -> Vec<u8> {
    match form {
        ".xz" => {
            let mut writer = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
            writer.finish().unwrap()
        }
        ".gz" => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            writer.write_all(text.as_bytes()).unwrap();
            writer.finish().unwrap()
        }
        _ => text.into(),
    }
}
