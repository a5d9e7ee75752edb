//! Where the files of an image that is scanned come from, as its own bill of materials tells. Nobody's word is checked here,
//! so it explains findings and makes none go away.

use super::super::bill::Bill;
use super::super::error::Error;
use super::super::opened::{Attachment, Opened, Predicate};
use crate::catalog::OsRelease;
use crate::evidence::scan::{Place, SpecLine};
use crate::evidence::sign::PublicKey;
use crate::evidence::verify::check_signed;
use crate::evidence::{Identity, predicate};
use crate::policy::report::{Attestation, Signature};
use purl::GenericPurl;
use serde_json::Value;

/// What is attached to an image.
#[derive(Default)]
pub(super) struct Attached {
    bill: Option<Bill>,
    /// The distribution whose packages the bill of materials names.
    pub distribution: Option<OsRelease>,
    /// The claims, each with whether the key signed it, where there is one.
    pub claims: Vec<Attestation>,
    /// The signatures, likewise.
    pub signatures: Vec<Signature>,
}

/// Reads it; what is not there, or of other tools, explains nothing. With a key it is told what of it the key signed.
pub(super) fn read(opened: &Opened, key: Option<&PublicKey>) -> Result<Attached, Error> {
    let document = match opened.predicate(Predicate::Cyclonedx) {
        Ok(document) => Some(document),
        Err(Error::NotThere(_)) => None,
        Err(error) => return Err(error),
    };
    let bill = document.as_ref().and_then(|document| Bill::read(document).ok());
    let distribution = document.as_ref().and_then(distribution);
    let mut attached = Attached { bill, distribution, ..Attached::default() };
    for attachment in opened.attachments()? {
        let Attachment { digest, bundle, content, predicate_type } = attachment?;
        let is_signed = |key| check_signed(&content, key).is_ok_and(|said| said.is_about(&opened.digest()));
        let verified = key.map(is_signed);
        match predicate_type.as_str() {
            predicate::SIGNATURE => {
                let by = match bundle.signer {
                    Identity::Key { hint } => hint,
                    Identity::Certificate(_) => "a certificate".to_owned(),
                };
                attached.signatures.push(Signature { by, digest, verified });
            }
            _ => attached.claims.push(Attestation { predicate: predicate_type, digest, uri: None, verified }),
        }
    }
    Ok(attached)
}

/// The distribution that the first package of one names in its package URL.
fn distribution(document: &Value) -> Option<OsRelease> {
    let of = |component: &Value| {
        let purl: GenericPurl<String> = component["purl"].as_str()?.parse().ok()?;
        let is_of_system = ["deb", "apk", "rpm"].contains(&purl.package_type().as_str());
        let (id, version) = purl.qualifiers().get("distro").filter(|_| is_of_system)?.split_once('-')?;
        Some(OsRelease { id: id.to_owned(), version: Some(version.to_owned()), like: Vec::new() })
    };
    document["components"].as_array()?.iter().find_map(of)
}

impl Attached {
    /// Says of a path where it comes from.
    pub(super) fn locate(&self, place: &mut Place) {
        let file = place.path.as_ref().and_then(|path| self.bill.as_ref()?.files.get(path));
        let Some(file) = file else { return };
        let word = match file.owner_type.as_str() {
            "library" => "package",
            "container" => "base",
            _ => "source",
        };
        place.origin.owner = Some(format!("{word} {} {}", file.owner_name, file.owner_version).trim_end().to_owned());
        place.origin.stages = file.stages.clone();
        place.origin.spec = file.made_by.first().and_then(|line| {
            let (file, line) = line.rsplit_once(':')?;
            Some(SpecLine { file: file.to_owned(), line: line.parse().ok()? })
        });
    }
}
