//! Small packages made by code, for tests of whoever needs packages.

use super::LockedPackage;
use crate::oci::Digest;
use crate::store::Store;
use std::io::Write;
use tar::{Builder, EntryType, Header};

/// The time that all entries of fixtures have unless they are told otherwise.
pub(crate) const MTIME: u64 = 1_600_000_000;

/// How a member is compressed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Packing {
    None,
    Gzip,
    Xz,
    Zstd,
}

/// A package in the making.
pub(crate) struct Deb {
    fields: Vec<(String, String)>,
    control: Vec<(String, Vec<u8>)>,
    data: Builder<Vec<u8>>,
    packing: Packing,
    mtime: u64,
}

impl Deb {
    /// A package of architecture amd64 that holds nothing.
    pub(crate) fn new(name: &str, version: &str) -> Self {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = vec![
            field("Package", name),
            field("Version", version),
            field("Architecture", "amd64"),
            field("Maintainer", "Someone <someone@example.com>"),
            field("Description", "a fixture"),
        ];
        let data = Builder::new(Vec::new());
        Deb { fields, control: Vec::new(), data, packing: Packing::None, mtime: MTIME }
    }

    /// Sets a field of the control paragraph.
    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(other, _)| other != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a file to the control member: a maintainer script, conffiles, triggers.
    pub(crate) fn control_file(mut self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.control.push((name.to_owned(), content.as_ref().to_vec()));
        self
    }

    /// Compresses both members.
    pub(crate) fn packed(mut self, packing: Packing) -> Self {
        self.packing = packing;
        self
    }

    /// The time of the entries that follow.
    pub(crate) fn at(mut self, mtime: u64) -> Self {
        self.mtime = mtime;
        self
    }

    pub(crate) fn dir(self, path: &str, mode: u32) -> Self {
        self.entry(path, EntryType::Directory, mode, "", &[])
    }

    pub(crate) fn file(self, path: &str, mode: u32, content: impl AsRef<[u8]>) -> Self {
        self.entry(path, EntryType::Regular, mode, "", content.as_ref())
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(path, EntryType::Symlink, 0o777, target, &[])
    }

    pub(crate) fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(path, EntryType::Link, 0o644, target, &[])
    }

    /// Adds any entry, under the very name that is given.
    pub(crate) fn entry(mut self, path: &str, kind: EntryType, mode: u32, target: &str, content: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.mtime);
        header.set_size(content.len() as u64);
        // The crate's own setters clean names, which hostile archives do not.
        let gnu = header.as_gnu_mut().expect("it was made as a GNU header");
        gnu.name[..path.len()].copy_from_slice(path.as_bytes());
        gnu.linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_device_major(0).expect("a GNU header has device numbers");
        header.set_device_minor(0).expect("a GNU header has device numbers");
        header.set_cksum();
        self.data.append(&header, content).expect("writing to memory");
        self
    }

    /// Adds an extended attribute to the entry that is added next.
    pub(crate) fn xattr(mut self, name: &str, value: &[u8]) -> Self {
        let key = format!("SCHILY.xattr.{name}");
        self.data.append_pax_extensions([(key.as_str(), value)]).expect("writing to memory");
        self
    }

    /// The bytes of the package.
    pub(crate) fn build(self) -> Vec<u8> {
        let (control, data) = (self.control_member(), self.data.into_inner().expect("writing to memory"));
        let suffix = self.packing.suffix();
        ar(&[
            ("debian-binary", b"2.0\n"),
            (&format!("control.tar{suffix}"), &self.packing.pack(&control)),
            (&format!("data.tar{suffix}"), &self.packing.pack(&data)),
        ])
    }

    /// Its control paragraph, as the package and the index have it.
    pub(crate) fn paragraph(&self) -> String {
        self.fields.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
    }

    /// Puts the package into the store; returns what a lock would say of it.
    pub(crate) fn store(self, store: &Store) -> LockedPackage {
        let get = |name: &str| {
            let field = self.fields.iter().find(|(field, _)| field == name);
            field.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let (name, version, architecture) = (get("Package"), get("Version"), get("Architecture"));
        locked(store, &name, &version, &architecture, &self.build())
    }

    fn control_member(&self) -> Vec<u8> {
        let mut tar = Builder::new(Vec::new());
        let paragraph = self.paragraph();
        let files = std::iter::once(("control", paragraph.as_bytes()))
            .chain(self.control.iter().map(|(name, content)| (name.as_str(), content.as_slice())));
        for (name, content) in files {
            let mut header = Header::new_gnu();
            header.set_mode(0o755);
            header.set_mtime(MTIME);
            header.set_size(content.len() as u64);
            let gnu = header.as_gnu_mut().expect("it was made as a GNU header");
            let name = if name.starts_with(['.', '/']) { name.to_owned() } else { format!("./{name}") };
            gnu.name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            tar.append(&header, content).expect("writing to memory");
        }
        tar.into_inner().expect("writing to memory")
    }
}

impl Packing {
    fn suffix(self) -> &'static str {
        match self {
            Packing::None => "",
            Packing::Gzip => ".gz",
            Packing::Xz => ".xz",
            Packing::Zstd => ".zst",
        }
    }

    /// Compresses.
    pub(crate) fn pack(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Packing::None => bytes.to_vec(),
            Packing::Gzip => {
                let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
                out.write_all(bytes).expect("writing to memory");
                out.finish().expect("writing to memory")
            }
            Packing::Xz => {
                let options = lzma_rust2::XzOptions::with_preset(1);
                let mut out = lzma_rust2::XzWriter::new(Vec::new(), options).expect("the preset is valid");
                out.write_all(bytes).expect("writing to memory");
                out.finish().expect("writing to memory")
            }
            Packing::Zstd => zstd::encode_all(bytes, 1).expect("writing to memory"),
        }
    }
}

/// An ar archive of these members.
pub(crate) fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len());
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(content);
        if content.len() % 2 == 1 {
            out.push(b'\n');
        }
    }
    out
}

/// Puts the bytes of a package into the store; returns what a lock would say of it.
pub(crate) fn locked(store: &Store, name: &str, version: &str, architecture: &str, deb: &[u8]) -> LockedPackage {
    LockedPackage {
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: architecture.to_owned(),
        source: name.to_owned(),
        source_version: version.to_owned(),
        sha256: store.put(deb).expect("the test's store can be written"),
        size: deb.len() as u64,
        path: format!("pool/main/{name}.deb"),
        archive: "debian".to_owned(),
        suite: "trixie".to_owned(),
    }
}

/// What the store has under a digest.
pub(crate) fn content(store: &Store, digest: &Digest) -> Vec<u8> {
    store.read(digest, 1 << 30).expect("the content is stored")
}

/// Real packages: those in the folder that `KILN_TEST_DEBS` names, else `names` as the machine's apt has them.
///
/// Returns what a lock would say of each; their bytes are in the store.
#[expect(clippy::disallowed_methods, reason = "where a test finds its packages")]
pub(crate) fn real(store: &Store, names: &[&str]) -> Vec<(std::path::PathBuf, LockedPackage)> {
    let folder = match std::env::var_os("KILN_TEST_DEBS") {
        Some(folder) => std::path::PathBuf::from(folder),
        None => {
            let folder = store.root().join("debs");
            std::fs::create_dir_all(&folder).expect("the test's folder can be written");
            let status = std::process::Command::new("apt-get")
                .args(["-q", "download"])
                .args(names)
                .current_dir(&folder)
                .status()
                .expect("this test needs a machine with apt");
            assert!(status.success(), "apt-get cannot download; the machine's package lists may be old");
            folder
        }
    };
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of packages can be read")
        .map(|entry| entry.expect("the folder of packages can be read").path())
        .filter(|path| path.extension().is_some_and(|e| e == "deb"))
        .collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), locked_file(store, &path))).collect()
}

fn locked_file(store: &Store, path: &std::path::Path) -> LockedPackage {
    let show = ["--show", "--showformat=${Package}\n${Version}\n${Architecture}"];
    let output = std::process::Command::new("dpkg-deb").args(show).arg(path).output().expect("dpkg-deb runs");
    let text = String::from_utf8(output.stdout).expect("dpkg-deb prints text");
    let [name, version, architecture] = text.lines().collect::<Vec<_>>()[..] else {
        panic!("dpkg-deb prints three lines, not {text}")
    };
    locked(store, name, version, architecture, &std::fs::read(path).expect("the package can be read"))
}
