//! Java runtimes, by the `release` file in their folder: `KEY="value"` a line.

use super::content::Lines;
use super::error::CatalogError;
use super::found::{Cataloguer, Found, Kind};
use std::io::Read;

/// The most bytes that are read; a list of modules makes it long.
const LONGEST: u64 = 512 << 10;

/// The runtime that the file tells of; nothing for the many other files of this name.
pub(super) fn runtime(content: &mut impl Read) -> Result<Vec<Found>, CatalogError> {
    let mut lines = Lines::new(content.take(LONGEST), "release file of a Java runtime");
    let mut release = Release::default();
    while let Some(line) = lines.next()? {
        let line = String::from_utf8_lossy(line);
        let Some((key, value)) = line.split_once('=') else { continue };
        let place = match key.trim() {
            "JAVA_VERSION" => &mut release.version,
            "JAVA_RUNTIME_VERSION" => &mut release.runtime_version,
            "FULL_VERSION" => &mut release.full_version,
            "IMPLEMENTOR" => &mut release.implementor,
            "IMAGE_TYPE" => &mut release.image_type,
            "SOURCE_REPO" => &mut release.source,
            "BUILD_SOURCE_REPO" => &mut release.build_source,
            _ => continue,
        };
        *place = value.trim().trim_matches('"').to_owned();
    }
    Ok(release.found().into_iter().collect())
}

#[derive(Default)]
struct Release {
    version: String,
    runtime_version: String,
    full_version: String,
    implementor: String,
    image_type: String,
    source: String,
    build_source: String,
}

impl Release {
    fn found(&self) -> Option<Found> {
        let version = self.most_exact_version()?;
        let (vendor, product) = self.vendor_and_product();
        Some(Found {
            namespace: Some(vendor.to_owned()),
            repository: [&self.source, &self.build_source].into_iter().find(|url| url.contains("://")).cloned(),
            supplier: Some(self.implementor.clone()),
            ..Found::new(Kind::Binary, Cataloguer::JvmRelease, product, version)
        })
    }

    /// The version with its build number, where that is of the same numbering: Java 8 calls itself 1.8 and 8.
    fn most_exact_version(&self) -> Option<&str> {
        let major = |version: &str| version.split('.').next().map(str::to_owned);
        if self.version.is_empty() && self.runtime_version.is_empty() {
            return None;
        }
        if !self.runtime_version.is_empty() {
            return Some(&self.runtime_version);
        }
        let is_same = !self.full_version.is_empty() && major(&self.full_version) == major(&self.version);
        Some(if is_same { &self.full_version } else { &self.version })
    }

    /// Under which names holes are reported: those of OpenJDK under `oracle/openjdk`, whoever built it.
    fn vendor_and_product(&self) -> (&'static str, &'static str) {
        let implementor = self.implementor.to_lowercase();
        let product = if self.image_type.eq_ignore_ascii_case("jre") { "jre" } else { "jdk" };
        let of = |name: &str| implementor.contains(name);
        if of("azul") {
            ("azul", "zulu")
        } else if of("sun") {
            ("sun", product)
        } else if of("oracle") {
            ("oracle", product)
        } else {
            ("oracle", "openjdk")
        }
    }
}
