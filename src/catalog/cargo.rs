//! Crates in Rust programs, by the section that cargo-auditable writes: JSON, packed with zlib.

use super::elf::{Elf, bytes_at};
use super::error::CatalogError;
use super::found::{Cataloguer, Found, Kind};
use flate2::read::ZlibDecoder;
use serde::Deserialize;
use std::io::{Read, Seek};

/// The longest list, in bytes, packed and unpacked. A thousand crates make 100 KiB.
const LONGEST_PACKED: u64 = 4 << 20;
const LONGEST: u64 = 16 << 20;

const WHAT: &str = "list of crates in a program";

#[derive(Deserialize)]
struct List {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    /// `runtime`, which is not written, or `build`.
    #[serde(default)]
    kind: Option<String>,
}

/// The crates that are in the program. Those that only built it are not in it.
pub(super) fn packages(content: &mut (impl Read + Seek), elf: &Elf) -> Result<Vec<Found>, CatalogError> {
    let Some(section) = elf.section(".dep-v0") else { return Ok(Vec::new()) };
    if section.size > LONGEST_PACKED {
        return Err(CatalogError::TooMuch { what: WHAT, limit: LONGEST_PACKED, unit: "packed bytes" });
    }
    let packed = bytes_at(content, section.offset, section.size)?;
    let mut json = Vec::new();
    ZlibDecoder::new(packed.as_slice())
        .take(LONGEST + 1)
        .read_to_end(&mut json)
        .map_err(|_| CatalogError::Damaged { what: WHAT, reason: "it is not packed with zlib" })?;
    if json.len() as u64 > LONGEST {
        return Err(CatalogError::TooMuch { what: WHAT, limit: LONGEST, unit: "bytes" });
    }
    let list: List = serde_json::from_slice(&json)
        .map_err(|_| CatalogError::Damaged { what: WHAT, reason: "it is no JSON of cargo-auditable's form" })?;
    let of_program = list.packages.into_iter().filter(|package| package.kind.as_deref() != Some("build"));
    Ok(of_program.map(|p| Found::new(Kind::Cargo, Cataloguer::CargoAuditable, p.name, p.version)).collect())
}
