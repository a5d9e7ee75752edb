//! The list that images of Azure Linux without rpm have in the place of its database: a package a line, with tabs
//! between its values.

use super::super::content::Lines;
use super::super::error::CatalogError;
use super::super::found::{Cataloguer, Found, Kind};
use super::{Packages, WHAT};
use std::io::Read;

/// The packages of a list.
pub(in crate::catalog) fn packages(content: &mut impl Read) -> Result<Vec<Found>, CatalogError> {
    let mut lines = Lines::new(content, WHAT);
    let mut packages = Packages::new();
    while let Some(line) = lines.next()? {
        packages.push(package(&String::from_utf8_lossy(line)))?;
    }
    Ok(packages.found)
}

/// Name, version and release, when it was installed and built, vendor, epoch, size, architecture, the epoch as a
/// number, and the source package.
fn package(line: &str) -> Option<Found> {
    let mut values = line.trim().split('\t');
    let (name, version) = (values.next()?, values.next()?);
    let mut values = values.skip(2);
    let (vendor, epoch, _size, architecture) = (values.next()?, values.next()?, values.next()?, values.next()?);
    let source = values.nth(1).filter(|source| *source != "(none)");
    Some(Found {
        supplier: Some(vendor.to_owned()),
        epoch: epoch.parse().ok(),
        architecture: Some(architecture.to_owned()),
        upstream: source.map(str::to_owned),
        ..Found::new(Kind::Rpm, Cataloguer::RpmDatabase, name, version)
    })
}
