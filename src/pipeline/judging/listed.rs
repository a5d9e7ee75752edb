//! What a bill of materials tells, judged without its image.

use super::super::error::Error;
use super::super::project::SPEC_FILE;
use super::super::read_bounded;
use super::super::report::VerdictReport;
use super::bench::Bench;
use super::scene::Found;
use crate::evidence::claims::{self, ClaimedPackage};
use crate::evidence::scan::{self, Component};
use crate::oci::{Digest, Platform};
use crate::policy::Proofs;
use std::path::Path;

/// A bill of materials.
pub(super) struct Listed {
    digest: Digest,
    packages: Vec<ClaimedPackage>,
}

/// The largest bill of materials, in bytes.
const MAX_DOCUMENT: u64 = 512 << 20;

/// The bill of materials in a file; none where the path is something else: an image.
pub(super) fn read(path: &Path) -> Result<Option<Listed>, Error> {
    if !path.is_file() {
        return Ok(None);
    }
    let unreadable = |source| Error::Unreadable { what: "the bill of materials", path: path.to_owned(), source };
    // Archives of layouts are files too, and can be larger than any document.
    let mut first = [0; 1];
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let is_text =
        std::io::Read::read(&mut file, &mut first).map_err(unreadable)? == 1 && matches!(first[0], b'{' | b' ' | b'\n');
    if !is_text {
        return Ok(None);
    }
    let content = read_bounded(path, MAX_DOCUMENT).map_err(unreadable)?;
    let packages =
        claims::packages_of_document(&content).map_err(|reason| unreadable(std::io::Error::other(reason)))?;
    Ok(packages.map(|packages| Listed { digest: Digest::of(&content), packages }))
}

/// Judges it: there are packages, and neither files nor a configuration.
pub(super) fn judge(bench: &Bench, name: &str, bill: Listed) -> Result<VerdictReport, Error> {
    let components: Vec<Component> = bill.packages.into_iter().filter_map(component).collect();
    let mut findings = Vec::new();
    if let Some(database) = &bench.database {
        findings.extend(scan::holes(&components, database, bench.day)?);
        findings.extend(scan::age(database, bench.day));
    }
    let proofs = Proofs { sbom: true, ..Proofs::default() };
    let judgement = bench.judge(Found { findings, components }, name, &proofs, Vec::new());
    let (image, spec) = (name.to_owned(), SPEC_FILE.to_owned());
    let platform = Platform::host();
    let (level, attestations, signatures) = (None, Vec::new(), Vec::new());
    Ok(VerdictReport { image, platform, digest: bill.digest, spec, level, attestations, signatures, judgement })
}

/// A package that a bill of materials names; none where its name has no meaning to advisories.
pub(in super::super) fn component(package: ClaimedPackage) -> Option<Component> {
    let (purl, version) = (package.purl?, package.version.unwrap_or_default());
    Some(Component { purl, name: package.name, version, licence: None, places: Vec::new() })
}
