//! All that an ELF file says.

use super::elf::Elf;
use super::error::CatalogError;
use super::found::Found;
use super::{cargo, go, note, version_string};
use std::io::{Read, Seek};

/// The crates, modules and programs in a file called `name`, and the package that it was built for. A file that is no
/// ELF file says nothing.
pub(super) fn packages(content: &mut (impl Read + Seek), size: u64, name: &str) -> Result<Vec<Found>, CatalogError> {
    let Some(elf) = Elf::read(content, size)? else { return Ok(Vec::new()) };
    let notes = note::notes(content, &elf)?;
    let mut packages: Vec<Found> = notes.package.into_iter().collect();
    packages.extend(cargo::packages(content, &elf)?);
    packages.extend(go::packages(content, &elf)?);
    packages.extend(version_string::packages(content, name)?);
    Ok(packages.into_iter().map(|found| Found { build_id: notes.build_id.clone(), ..found }).collect())
}
