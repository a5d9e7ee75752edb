//! What one file tells of.

use serde::{Deserialize, Serialize};

/// The world that a package is of: who numbers its versions and who reports its holes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Debian and what descends from it.
    Deb,
    /// Alpine and Wolfi.
    Apk,
    /// Fedora, Red Hat, SUSE and others.
    Rpm,
    /// Rust crates.
    Cargo,
    /// Go modules, and Go's standard library as `stdlib`.
    Go,
    /// Python distributions.
    Python,
    /// npm packages.
    Npm,
    /// Java archives by their Maven coordinates.
    Java,
    /// Ruby gems.
    Gem,
    /// Composer packages of PHP.
    Composer,
    /// NuGet packages.
    Dotnet,
    /// A program that no package manager knows.
    Binary,
}

impl Kind {
    /// The type in package URLs (purl-spec, PURL-TYPES).
    pub fn purl_type(self) -> &'static str {
        match self {
            Kind::Deb => "deb",
            Kind::Apk => "apk",
            Kind::Rpm => "rpm",
            Kind::Cargo => "cargo",
            Kind::Go => "golang",
            Kind::Python => "pypi",
            Kind::Npm => "npm",
            Kind::Java => "maven",
            Kind::Gem => "gem",
            Kind::Composer => "composer",
            Kind::Dotnet => "nuget",
            Kind::Binary => "generic",
        }
    }
}

/// Who found it: the reader of one format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cataloguer {
    /// dpkg's `status` and `status.d`.
    DpkgStatus,
    /// dpkg's lists of files. What they tell of is no package but the files of one.
    DpkgFiles,
    /// apk's list of what is installed.
    ApkInstalled,
    /// rpm's database.
    RpmDatabase,
    /// The dependencies that cargo-auditable puts into programs.
    CargoAuditable,
    /// The modules that Go's linker puts into programs.
    GoBuildInfo,
    /// The note of the package that an ELF file was built for.
    ElfPackageNote,
    /// A version that stands in a well-known program.
    VersionString,
    /// The metadata of installed Python distributions.
    PythonMetadata,
    /// `package.json`.
    NpmPackage,
    /// Java archives.
    JavaArchive,
    /// The `release` file of Java runtimes.
    JvmRelease,
    /// Specifications of installed gems.
    Gemspec,
    /// Composer's list of what is installed.
    ComposerInstalled,
    /// What a .NET program needs and brings.
    DotnetDeps,
    /// The `VERSION` file of Go's toolchain.
    GoToolchain,
}

impl Cataloguer {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Cataloguer::DpkgStatus => "dpkg-status",
            Cataloguer::DpkgFiles => "dpkg-files",
            Cataloguer::ApkInstalled => "apk-installed",
            Cataloguer::RpmDatabase => "rpm-database",
            Cataloguer::CargoAuditable => "cargo-auditable",
            Cataloguer::GoBuildInfo => "go-build-info",
            Cataloguer::ElfPackageNote => "elf-package-note",
            Cataloguer::VersionString => "version-string",
            Cataloguer::PythonMetadata => "python-metadata",
            Cataloguer::NpmPackage => "npm-package",
            Cataloguer::JavaArchive => "java-archive",
            Cataloguer::JvmRelease => "jvm-release",
            Cataloguer::Gemspec => "gemspec",
            Cataloguer::ComposerInstalled => "composer-installed",
            Cataloguer::DotnetDeps => "dotnet-deps",
            Cataloguer::GoToolchain => "go-toolchain",
        }
    }

    /// Whether it reads a database of a distribution's package manager, which owns files.
    pub fn is_database(self) -> bool {
        use Cataloguer::{ApkInstalled, DpkgFiles, DpkgStatus, RpmDatabase};
        matches!(self, DpkgStatus | DpkgFiles | ApkInstalled | RpmDatabase)
    }
}

/// A package as one file tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// Who found it.
    pub by: Cataloguer,
    /// What stands before the name in a package URL: a scope (`@babel`), a Maven group, the owner of a Composer
    /// package. Packages of a database have none: theirs is the distribution, which another file tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name, without the namespace. For Go the whole path of the module.
    pub name: String,
    /// The version as written; without an rpm's epoch. Empty where the file does not know it.
    pub version: String,
    /// The architecture, where the package has one: `amd64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// An rpm's epoch, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// What it was built from, where that has another name or version: `gcc-14@14.2.0-19`, `bash-5.2-1.src.rpm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// The distribution that the package itself names: `fedora-40`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distro: Option<String>,
    /// Where the program's source is, as a qualifier of package URLs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The licence in the file's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Who made it or maintains it, in the file's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<String>,
    /// The way from the file to the package where it is inside of an archive: `WEB-INF/lib/a.jar`, then a path in that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<String>,
    /// The id that the linker gave to the ELF file, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
    /// The files that the package owns, without a slash in front, where the file says so. Names that are no UTF-8 are
    /// left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// The longest name of a package and of each other word about it, in bytes.
const LONGEST_NAME: usize = 512;

/// The longest version, in bytes. Go's pseudo-versions have 40.
const LONGEST_VERSION: usize = 256;

impl Found {
    /// A package with a name and a version and nothing else.
    pub(super) fn new(kind: Kind, by: Cataloguer, name: impl Into<String>, version: impl Into<String>) -> Self {
        Found {
            kind,
            by,
            namespace: None,
            name: name.into(),
            version: version.into(),
            architecture: None,
            epoch: None,
            upstream: None,
            distro: None,
            repository: None,
            licence: None,
            supplier: None,
            inside: Vec::new(),
            build_id: None,
            files: Vec::new(),
        }
    }

    /// The package, if it can be one of any world: its name and version are short and printable. What else calls itself
    /// a package is nobody's, and would only do harm where it is shown. Licence and supplier, which are prose, are cut to
    /// a line. Readers that keep many packages ask at once, so that memory does not grow with words that go anyway.
    pub(super) fn sound(mut self) -> Option<Self> {
        let is_word = |text: &str, longest: usize| text.len() <= longest && !text.chars().any(char::is_control);
        let is_optional_word = |text: &Option<String>| text.as_deref().is_none_or(|text| is_word(text, LONGEST_NAME));
        let words = [&self.namespace, &self.architecture, &self.upstream, &self.distro, &self.repository];
        let is_sound = !self.name.trim().is_empty()
            && is_word(&self.name, LONGEST_NAME)
            && is_word(&self.version, LONGEST_VERSION)
            && words.into_iter().all(is_optional_word);
        self.licence = self.licence.as_deref().and_then(tidy);
        self.supplier = self.supplier.as_deref().and_then(tidy);
        is_sound.then_some(self)
    }
}

/// The first line of a text that has one, without control characters; none for texts that only a document could hold.
fn tidy(text: &str) -> Option<String> {
    let line = text.trim().lines().next()?.trim();
    (!line.is_empty() && line.len() <= LONGEST_NAME).then(|| line.chars().filter(|c| !c.is_control()).collect())
}
