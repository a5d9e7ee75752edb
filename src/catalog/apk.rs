//! apk's list of what is installed (apk-package(5)): a letter, a colon and a value a line, an empty line between
//! packages.

use super::content::Lines;
use super::dpkg::{FileList, MOST_PACKAGES};
use super::error::CatalogError;
use super::found::{Cataloguer, Found, Kind};
use std::io::Read;

const WHAT: &str = "database of apk";

/// The packages that are installed, with their files.
pub(super) fn packages(content: &mut impl Read) -> Result<Vec<Found>, CatalogError> {
    let mut lines = Lines::new(content, WHAT);
    let mut files = FileList::new(WHAT);
    let mut packages = Vec::new();
    let mut package = blank();
    let mut folder = String::new();
    while let Some(line) = lines.next()? {
        let line = String::from_utf8_lossy(line);
        let Some((key, value)) = line.split_once(':') else {
            if line.trim().is_empty() {
                packages.extend(finish(std::mem::replace(&mut package, blank()), files.take()));
                folder.clear();
            }
            continue;
        };
        let value = value.trim();
        match key {
            "P" => package.name = value.to_owned(),
            "V" => package.version = value.to_owned(),
            "A" => package.architecture = Some(value.to_owned()),
            "L" => package.licence = Some(value.to_owned()),
            "o" => package.upstream = Some(value.to_owned()),
            "m" => package.supplier = Some(value.to_owned()),
            "F" => folder = value.to_owned(),
            "R" if folder.is_empty() => files.push(value)?,
            "R" => files.push(&format!("{folder}/{value}"))?,
            _ => {}
        }
        if packages.len() > MOST_PACKAGES {
            return Err(CatalogError::TooMuch { what: WHAT, limit: MOST_PACKAGES as u64, unit: "packages" });
        }
    }
    packages.extend(finish(package, files.take()));
    Ok(packages)
}

fn blank() -> Found {
    Found::new(Kind::Apk, Cataloguer::ApkInstalled, "", "")
}

fn finish(mut package: Found, files: Vec<String>) -> Option<Found> {
    if package.name.is_empty() || package.version.is_empty() {
        return None;
    }
    package.upstream = package.upstream.filter(|origin| *origin != package.name);
    package.files = files;
    package.sound()
}
