//! What came with the image that another one stands on: bills of materials, provenance, and what is said of its holes, by
//! the word of its maker.
//!
//! They are in the index itself, as BuildKit puts them there, or bundles that referred to the image when the lock was
//! written. Either way a digest that is pinned says which: the same lock gives the same evidence.

use super::endorsed::Endorsement;
use super::error::Error;
use super::session::Session;
use super::statements::{MAX_STATEMENT, Reader, said};
use crate::evidence::claims::{self, Claims};
use crate::evidence::provenance::UsedDocument;
use crate::evidence::{MAX_BUNDLE, Statement, predicate, vex};
use crate::oci::{Digest, Index, document};
use crate::plan::{LockedImage, PlanError};
use crate::registry::{RegistryError, Repository};
use crate::store::Store;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What came with an image.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Attached {
    /// What its bill of materials says.
    pub claims: Option<Claims>,
    /// What its maker says of its holes, oldest first, as far as the key signed it that the spec asks for: a word of
    /// anybody else's makes no hole go away.
    pub vex: Vec<vex::Statement>,
    /// The documents that are of use.
    pub documents: Vec<UsedDocument>,
}

/// The image that was pinned, and who vouches for it.
pub(super) struct Of<'a> {
    pub repository: &'a Repository,
    pub locked: &'a LockedImage,
    /// The digest of the manifest for the platform.
    pub manifest: &'a Digest,
    /// The key that must have signed it, and what it signed.
    pub endorsement: Option<&'a Endorsement>,
}

/// A statement that came with an image.
struct Document {
    digest: Digest,
    statement: Vec<u8>,
    form: &'static str,
    signed: bool,
}

/// The kind of record that is made of what came with an image; to be raised with what is read of it.
const RECORD: &str = "image-statements";

/// What came with an image, read once: all of it is named by digest.
pub(super) fn read(session: &Session<'_>, of: &Of<'_>) -> Result<Attached, Error> {
    let endorsed = of.endorsement.map(|endorsement| (&endorsement.hint, endorsement.over));
    let key = Digest::of(format!("{:?}", (of.locked, of.manifest, endorsed)));
    let known = session.store.record(RECORD, &key)?;
    if let Some(known) = known.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return Ok(known);
    }
    let attached = examine(session, of)?;
    let bytes = serde_json::to_vec(&attached).map_err(|error| Error::Mistake(error.to_string()))?;
    session.store.set_record(RECORD, &key, &bytes)?;
    Ok(attached)
}

/// Reads of each kind one document, those that its key signed before all others.
fn examine(session: &Session<'_>, of: &Of<'_>) -> Result<Attached, Error> {
    let mut documents = session.wait(of.bundles(&session.store)).map_err(PlanError::Registry)?;
    documents.extend(session.wait(of.in_index(&session.store)).map_err(PlanError::Registry)?);
    documents.sort_by_key(|document| (!document.signed, document.form, document.digest));
    let mut attached = Attached { vex: said_of_holes(session, of, &documents), ..Attached::default() };
    let used = |role: &str, document: &Document| UsedDocument {
        role: role.to_owned(),
        digest: document.digest,
        signed_by: of.endorsement.filter(|_| document.signed).map(|endorsement| endorsement.hint.clone()),
    };
    for document in &documents {
        let known = |role: &str| attached.documents.iter().any(|known: &UsedDocument| known.role == role);
        if document.form == predicate::PROVENANCE {
            if !known("provenance") {
                attached.documents.push(used("provenance", document));
            }
        } else if document.form == predicate::OPENVEX {
            if document.signed && !known("vex") {
                attached.documents.push(used("vex", document));
            }
        } else if !known("sbom") {
            match claims::packages(&document.statement, document.form) {
                Ok(packages) => {
                    let Document { digest, form, signed, .. } = *document;
                    attached.claims = Some(Claims { document: digest, form: form.to_owned(), signed, packages });
                    attached.documents.push(used("sbom", document));
                }
                Err(reason) => {
                    session.warn(&format!(
                        "{}: its bill of materials {} is left out: {reason}",
                        of.locked.reference, document.digest
                    ));
                }
            }
        }
    }
    attached.documents.sort();
    Ok(attached)
}

/// What documents say of holes: OpenVEX, and bills of materials that analyse them.
fn said_of_holes(session: &Session<'_>, of: &Of<'_>, documents: &[Document]) -> Vec<vex::Statement> {
    let mut said = Vec::new();
    for document in documents {
        let is_own = document.form == predicate::OPENVEX;
        if !is_own && (document.form != predicate::CYCLONEDX || !document.signed) {
            continue;
        }
        let warn = |why: &str| {
            session
                .warn(&format!("{}: what {} says of holes is left out: {why}", of.locked.reference, document.digest));
        };
        if !document.signed {
            warn("nobody vouches for it: the spec names its signer with `signed-by`");
            continue;
        }
        match serde_json::from_slice::<Statement<&RawValue>>(&document.statement) {
            Ok(statement) => match vex::read(statement.predicate.get().as_bytes()) {
                Ok(document) => said.push(document),
                Err(error) => warn(&error.to_string()),
            },
            Err(error) => warn(&error.to_string()),
        }
    }
    said.sort_by_key(|document| document.written);
    said.into_iter().flat_map(|document| document.statements).collect()
}

impl Of<'_> {
    fn images(&self) -> [Digest; 2] {
        [self.locked.sha256, *self.manifest]
    }

    /// The statements in the bundles that the lock names.
    async fn bundles(&self, store: &Store) -> Result<Vec<Document>, RegistryError> {
        let reader = Reader { repository: self.repository, store };
        let mut found = Vec::new();
        for digest in &self.locked.attached {
            // Those of other platforms are not asked for.
            let Some(bundle) = reader.bundle(digest, &self.images()).await? else { continue };
            reader.bring(&bundle).await?;
            let key = self.endorsement.map(|endorsement| &endorsement.key);
            let Some((statement, signed)) = said(&store.read(&bundle.digest, MAX_BUNDLE)?, key) else { continue };
            found.extend(self.document(bundle.digest, statement, signed));
        }
        Ok(found)
    }

    /// The statements that BuildKit put into the index. Whoever signed the index signed them too.
    async fn in_index(&self, store: &Store) -> Result<Vec<Document>, RegistryError> {
        let pinned = self.locked.sha256;
        if pinned == *self.manifest {
            return Ok(Vec::new());
        }
        let Ok(index) = serde_json::from_slice::<Index>(&store.read(&pinned, document::MAX_SIZE)?) else {
            return Ok(Vec::new());
        };
        let signed = self.endorsement.is_some_and(|endorsement| endorsement.over == pinned);
        let reader = Reader { repository: self.repository, store };
        let mut found = Vec::new();
        for row in reader.in_index(&index, self.manifest).await? {
            reader.bring(&row).await?;
            found.extend(self.document(row.digest, store.read(&row.digest, MAX_STATEMENT)?, signed));
        }
        Ok(found)
    }

    /// A statement that is of use; none where it is not.
    fn document(&self, digest: Digest, statement: Vec<u8>, signed: bool) -> Option<Document> {
        let form = claims::form(&statement, &self.images(), &claims::OF_USE)?;
        Some(Document { digest, statement, form, signed })
    }
}
