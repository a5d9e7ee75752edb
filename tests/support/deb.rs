//! Debian packages, keys and whole archives, made when a test runs.

use super::http::{Reply, Seen, Server};
use kiln::oci::Digest;
use kiln::packages::deb::LockedPackage;
use kiln::packages::deb::trust::Keyring;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

#[allow(dead_code, reason = "made for the tests of unpacking, which need all of it")]
#[path = "../../src/packages/deb/fixtures.rs"]
mod packages;

#[allow(dead_code, reason = "made for the tests of signatures, which need all of it")]
#[path = "../../src/packages/deb/trust/fixtures.rs"]
mod keys;

pub(crate) use keys::TestKey;
pub(crate) use packages::{Deb, Packing, ar};

/// A Debian archive in the making: one suite with one component, for amd64.
pub struct Archive {
    /// The suite's name.
    pub suite: String,
    /// When its state was made, as Release files write it.
    pub date: String,
    pub valid_until: Option<String>,
    debs: Vec<(String, Vec<u8>)>,
}

impl Archive {
    pub fn new(suite: &str) -> Self {
        let date = "Mon, 01 Sep 2025 12:00:00 UTC".into();
        Archive { suite: suite.into(), date, valid_until: None, debs: Vec::new() }
    }

    pub fn with(mut self, deb: Deb) -> Self {
        self.debs.push((deb.paragraph(), deb.build()));
        self
    }

    /// All files of the archive by their paths, signed with the key.
    pub fn files(&self, key: &TestKey) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut index = String::new();
        for (paragraph, deb) in &self.debs {
            let name = paragraph.lines().next().and_then(|line| line.strip_prefix("Package: ")).unwrap();
            let digest = Digest::of(deb);
            let path = format!("pool/main/{}/{name}/{name}_{}.deb", &name[..1], &digest.hex()[..8]);
            index += &format!("{paragraph}Filename: {path}\nSize: {}\nSHA256: {}\n\n", deb.len(), digest.hex());
            files.insert(path, deb.clone());
        }
        let folder = "main/binary-amd64";
        let forms = [
            ("Packages", index.clone().into_bytes()),
            ("Packages.gz", Packing::Gzip.pack(index.as_bytes())),
            ("Packages.xz", Packing::Xz.pack(index.as_bytes())),
        ];
        let mut sums = String::new();
        for (name, content) in forms {
            let digest = Digest::of(&content);
            sums += &format!(" {} {} {folder}/{name}\n", digest.hex(), content.len());
            // The plain form is listed, and not there: Debian's own archive does the same.
            if name != "Packages" {
                let base = format!("dists/{}/{folder}", self.suite);
                files.insert(format!("{base}/by-hash/SHA256/{}", digest.hex()), content.clone());
                files.insert(format!("{base}/{name}"), content);
            }
        }
        let until = self.valid_until.iter().map(|date| format!("Valid-Until: {date}\n")).collect::<String>();
        let release = format!(
            "Origin: Test\nLabel: Test\nSuite: {suite}\nCodename: {suite}\nDate: {}\n{until}Acquire-By-Hash: yes\n\
             Architectures: amd64\nComponents: main\nSHA256:\n{sums}",
            self.date,
            suite = self.suite,
        );
        files.insert(format!("dists/{}/InRelease", self.suite), key.sign(&release).into_bytes());
        files
    }
}

/// What a mirror makes of an honest answer.
type Trick = Box<dyn Fn(&Seen, Reply) -> Reply + Send>;

/// An archive on a server of loopback, and the key that signs it.
pub struct Mirror {
    pub key: TestKey,
    server: Server,
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    trick: Arc<Mutex<Option<Trick>>>,
}

impl Mirror {
    pub fn of(archive: &Archive) -> Self {
        Self::signed_by(archive, TestKey::new())
    }

    pub fn signed_by(archive: &Archive, key: TestKey) -> Self {
        let files = Arc::new(Mutex::new(archive.files(&key)));
        let trick: Arc<Mutex<Option<Trick>>> = Arc::default();
        let (served, played) = (files.clone(), trick.clone());
        let server = Server::start(move |seen| {
            let honest = match served.lock().unwrap().get(seen.target.trim_start_matches('/')) {
                Some(content) => Reply::file(seen, content, "\"1\""),
                None => Reply::new(404, "no such file"),
            };
            match played.lock().unwrap().as_ref() {
                Some(trick) => trick(seen, honest),
                None => honest,
            }
        });
        Mirror { key, server, files, trick }
    }

    /// The address that a spec's `mirror` names.
    pub fn url(&self) -> String {
        self.server.url("").secret().to_string().trim_end_matches('/').to_owned()
    }

    /// What was asked for so far.
    pub fn asked(&self) -> Vec<String> {
        self.server.seen().into_iter().map(|seen| seen.target).collect()
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Seen> {
        self.server.seen()
    }

    /// Another state of the archive, signed with the same key. What the old one had and this one lacks is gone.
    pub fn publish(&self, archive: &Archive) {
        *self.files.lock().unwrap() = archive.files(&self.key);
    }

    /// Changes the files that are served.
    pub fn tamper(&self, change: impl FnOnce(&mut BTreeMap<String, Vec<u8>>)) {
        change(&mut self.files.lock().unwrap());
    }

    /// From now on, answers what the trick makes of the honest answer.
    pub fn misbehave(&self, trick: impl Fn(&Seen, Reply) -> Reply + Send + 'static) {
        *self.trick.lock().unwrap() = Some(Box::new(trick));
    }
}

#[test]
fn kiln_reads_what_the_archive_publishes() {
    let archive = Archive::new("trixie").with(Deb::new("hello", "1.0").file("./usr/bin/hello", 0o755, "#!"));
    let mirror = Mirror::of(&archive);
    let folder = tempfile::tempdir().unwrap();
    let store = kiln::store::Store::open(folder.path()).unwrap();
    let source = kiln::packages::deb::Source {
        archive: "test".into(),
        suite: "trixie".into(),
        components: vec!["main".into()],
        mirrors: vec![mirror.url().parse().unwrap()],
        keyring: mirror.key.keyring(),
        check_valid_until: true,
        floor: None,
        locked: vec![],
    };
    let client = super::http::client();
    let now = "2025-09-02T00:00:00Z".parse().unwrap();
    let opened = tokio::runtime::Runtime::new().unwrap().block_on(kiln::packages::deb::open_indexes(
        &client,
        &store,
        &[source],
        "amd64",
        now,
    ));
    assert_eq!(opened.unwrap().list.len(), 1);
    assert_eq!(mirror.asked()[0], "/dists/trixie/InRelease");
}
