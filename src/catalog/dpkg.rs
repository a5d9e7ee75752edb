//! dpkg's database: who is installed (deb-status), and which files are whose.

use super::content::Lines;
use super::error::CatalogError;
use super::found::{Cataloguer, Found, Kind};
use super::paragraph::{Paragraph, Paragraphs};
use std::io::Read;

/// The most packages of one database. All of Debian has 65 000.
pub(super) const MOST_PACKAGES: usize = 100_000;

/// The most files of one database, and of one package. The largest installations have some hundred thousand.
pub(super) const MOST_FILES: usize = 1_000_000;

/// The most bytes that the names of these files take.
pub(super) const MOST_FILE_BYTES: usize = 128 << 20;

const WHAT: &str = "database of dpkg";

/// The packages that are installed.
pub(super) fn packages(content: &mut impl Read) -> Result<Vec<Found>, CatalogError> {
    let wanted = &["Package", "Version", "Architecture", "Status", "Source", "Maintainer"];
    let mut paragraphs = Paragraphs::new(content, wanted, WHAT);
    let mut packages = Vec::new();
    while let Some(paragraph) = paragraphs.next()? {
        packages.extend(package(&paragraph).and_then(Found::sound));
        if packages.len() > MOST_PACKAGES {
            return Err(CatalogError::TooMuch { what: WHAT, limit: MOST_PACKAGES as u64, unit: "packages" });
        }
    }
    Ok(packages)
}

fn package(paragraph: &Paragraph) -> Option<Found> {
    // Files of `status.d` have no status: who has a file there is installed.
    let is_installed = paragraph.get("Status").is_none_or(|status| {
        let state = status.split_ascii_whitespace().next_back();
        !matches!(state, Some("config-files" | "not-installed" | "half-installed"))
    });
    let (name, version) = (paragraph.get("Package")?, paragraph.get("Version")?);
    if !is_installed || version.is_empty() {
        return None;
    }
    Some(Found {
        architecture: paragraph.get("Architecture").map(str::to_owned),
        upstream: paragraph.get("Source").map(|source| upstream(source, version)).filter(|source| source != name),
        supplier: paragraph.get("Maintainer").map(str::to_owned),
        ..Found::new(Kind::Deb, Cataloguer::DpkgStatus, name, version)
    })
}

/// `gcc-14` for `gcc-14`, and `gcc-14@14.2.0-19` for `gcc-14 (14.2.0-19)` where the binary's version is another.
fn upstream(source: &str, version: &str) -> String {
    match source.split_once(" (").and_then(|(name, rest)| Some((name, rest.strip_suffix(')')?))) {
        Some((name, of_source)) if of_source != version => format!("{}@{of_source}", name.trim()),
        Some((name, _)) => name.trim().to_owned(),
        None => source.to_owned(),
    }
}

/// The files of one package by `NAME.list`, a path a line, or `NAME.md5sums`, a sum and a path a line.
pub(super) fn files(content: &mut impl Read, name: &str) -> Result<Vec<Found>, CatalogError> {
    let Some((package, form)) = name.rsplit_once('.') else { return Ok(Vec::new()) };
    let package = package.split(':').next().unwrap_or(package);
    let mut lines = Lines::new(content, "list of files of dpkg");
    let mut files = FileList::new("list of files of dpkg");
    while let Some(line) = lines.next()? {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let path = if form == "md5sums" { line.split_once("  ").map_or("", |(_, path)| path) } else { line };
        files.push(path)?;
    }
    let owner = Found::new(Kind::Deb, Cataloguer::DpkgFiles, package, "");
    Ok(vec![Found { files: files.into_inner(), ..owner }])
}

/// Paths that a package owns, counted.
pub(super) struct FileList {
    what: &'static str,
    files: Vec<String>,
    count: usize,
    bytes: usize,
}

impl FileList {
    /// An empty list; errors call its origin `what`.
    pub(super) fn new(what: &'static str) -> Self {
        FileList { what, files: Vec::new(), count: 0, bytes: 0 }
    }

    /// Adds a path; one that no file can have is passed over.
    ///
    /// # Errors
    /// Where there are more than any system has.
    pub(super) fn push(&mut self, path: &str) -> Result<(), CatalogError> {
        let path = path.strip_prefix("./").unwrap_or(path).trim_start_matches('/');
        if path.is_empty() || path == "." {
            return Ok(());
        }
        self.count += 1;
        self.bytes += path.len();
        if self.count > MOST_FILES {
            return Err(CatalogError::TooMuch { what: self.what, limit: MOST_FILES as u64, unit: "files" });
        }
        if self.bytes > MOST_FILE_BYTES {
            let limit = MOST_FILE_BYTES as u64;
            return Err(CatalogError::TooMuch { what: self.what, limit, unit: "bytes of file names" });
        }
        self.files.push(path.to_owned());
        Ok(())
    }

    /// What was added since the last call; the count goes on.
    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.files)
    }

    /// All that was added.
    fn into_inner(self) -> Vec<String> {
        self.files
    }
}
