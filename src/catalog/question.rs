//! What a file may say, by its path.

use crate::tree::TreePath;

/// What the content of a file is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// Packages by dpkg's `status`, or by one file of `status.d`.
    DpkgStatus,
    /// The files of a package by a list of dpkg.
    DpkgFiles,
    /// Packages and their files by apk's list.
    ApkInstalled,
    /// Packages and their files by rpm's database, in any of its three formats.
    RpmDatabase,
    /// Packages by the list that images without rpm have.
    RpmManifest,
    /// A Python distribution.
    PythonMetadata,
    /// An npm package.
    NpmPackage,
    /// The artefacts in a Java archive.
    JavaArchive,
    /// A Java runtime.
    JvmRelease,
    /// A gem.
    Gemspec,
    /// Packages of Composer.
    ComposerInstalled,
    /// Packages that a .NET program was built with.
    DotnetDeps,
    /// The runtime that a .NET program brings.
    DotnetRuntime,
    /// Go's toolchain.
    GoToolchain,
    /// All that an ELF file says: crates, Go modules, notes and versions of well-known programs.
    Elf,
}

impl Question {
    /// A short name that never changes, for keys of what is kept.
    pub fn name(self) -> &'static str {
        match self {
            Question::DpkgStatus => "dpkg-status",
            Question::DpkgFiles => "dpkg-files",
            Question::ApkInstalled => "apk-installed",
            Question::RpmDatabase => "rpm-database",
            Question::RpmManifest => "rpm-manifest",
            Question::PythonMetadata => "python-metadata",
            Question::NpmPackage => "npm-package",
            Question::JavaArchive => "java-archive",
            Question::JvmRelease => "jvm-release",
            Question::Gemspec => "gemspec",
            Question::ComposerInstalled => "composer-installed",
            Question::DotnetDeps => "dotnet-deps",
            Question::DotnetRuntime => "dotnet-runtime",
            Question::GoToolchain => "go-toolchain",
            Question::Elf => "elf",
        }
    }

    /// Whether it asks a database of a distribution's package manager, which tells whoever owns the file itself. All
    /// else that a file with an owner says is [told by the owner](super::assemble()).
    pub fn is_database(self) -> bool {
        use Question::{ApkInstalled, DpkgFiles, DpkgStatus, RpmDatabase, RpmManifest};
        matches!(self, DpkgStatus | DpkgFiles | ApkInstalled | RpmDatabase | RpmManifest)
    }

    /// Whether the same content can have two answers under two names.
    pub fn depends_on_name(self) -> bool {
        matches!(self, Question::DpkgFiles | Question::JavaArchive | Question::Gemspec | Question::Elf)
    }
}

/// The ends of names of Java archives; all are zip files.
pub(super) const JAVA_ARCHIVES: [&str; 9] = [".jar", ".war", ".ear", ".par", ".sar", ".nar", ".kar", ".jpi", ".hpi"];

/// The shortest ELF file: a header of 32 bits.
const SHORTEST_ELF: u64 = 52;

/// What a file may say by its path: none for files that say nothing. `mode` has the permissions.
///
/// It is asked for every file of an image, so it compares the file's name first and allocates nothing.
pub fn question(path: &TreePath, size: u64, mode: u16) -> Option<Question> {
    if size == 0 {
        return None;
    }
    let whole = path.as_bytes();
    let (folder, name) = match whole.iter().rposition(|b| *b == b'/') {
        Some(slash) => (&whole[..slash], &whole[slash + 1..]),
        None => (&[][..], whole),
    };
    if let Some(question) = by_name(folder, name) {
        return Some(question);
    }
    if is_in(folder, b"var/lib/dpkg/status.d") {
        return Some(Question::DpkgStatus);
    }
    let may_be_elf = size >= SHORTEST_ELF && (mode & 0o111 != 0 || is_library(name));
    may_be_elf.then_some(Question::Elf)
}

fn by_name(folder: &[u8], name: &[u8]) -> Option<Question> {
    let parent = folder.rsplit(|b| *b == b'/').next().unwrap_or_default();
    match name {
        b"package.json" => return Some(Question::NpmPackage),
        b"METADATA" if ends_with(parent, ".dist-info") => return Some(Question::PythonMetadata),
        b"PKG-INFO" if ends_with(parent, ".egg-info") || parent.eq_ignore_ascii_case(b"egg-info") => {
            return Some(Question::PythonMetadata);
        }
        b"status" if is_in(folder, b"var/lib/dpkg") => return Some(Question::DpkgStatus),
        b"installed" if is_in(folder, b"lib/apk/db") => return Some(Question::ApkInstalled),
        b"Packages" | b"Packages.db" | b"rpmdb.sqlite"
            if is_in(folder, b"var/lib/rpm")
                || is_in(folder, b"usr/lib/sysimage/rpm")
                || is_in(folder, b"usr/share/rpm") =>
        {
            return Some(Question::RpmDatabase);
        }
        b"container-manifest-2" if is_in(folder, b"var/lib/rpmmanifest") => return Some(Question::RpmManifest),
        b"installed.json" if parent == b"composer" => return Some(Question::ComposerInstalled),
        b"release" => return Some(Question::JvmRelease),
        b"VERSION" if parent.starts_with(b"go") => return Some(Question::GoToolchain),
        _ => {}
    }
    if ends_with(name, ".egg-info") {
        return Some(Question::PythonMetadata);
    }
    if ends_with(name, ".deps.json") {
        return Some(Question::DotnetDeps);
    }
    if ends_with(name, ".runtimeconfig.json") {
        return Some(Question::DotnetRuntime);
    }
    if ends_with(name, ".gemspec") && folder.split(|b| *b == b'/').any(|part| part == b"specifications") {
        return Some(Question::Gemspec);
    }
    if JAVA_ARCHIVES.iter().any(|end| ends_with(name, end)) {
        return Some(Question::JavaArchive);
    }
    // Where dpkg itself was at work its lists have all that its sums have, and more.
    let is_list = ends_with(name, ".list") && is_in(folder, b"var/lib/dpkg/info");
    let is_sums = ends_with(name, ".md5sums") && is_in(folder, b"var/lib/dpkg/status.d");
    (is_list || is_sums).then_some(Question::DpkgFiles)
}

/// Whether a folder is `known`, in the root or in a root that stands somewhere below.
fn is_in(folder: &[u8], known: &[u8]) -> bool {
    folder.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with(b"/"))
}

/// Whether a name ends with `end`, whatever the case, and has something before it.
fn ends_with(name: &[u8], end: &str) -> bool {
    name.len() > end.len() && name[name.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
}

/// Whether a file is a shared library by its name: `libz.so`, `libz.so.1.3`.
fn is_library(name: &[u8]) -> bool {
    name.ends_with(b".so") || name.windows(4).any(|part| part == b".so.")
}
