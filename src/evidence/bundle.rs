//! Sigstore bundles, version 0.3, around DSSE envelopes: a statement, its signature and what it takes to check it.

use crate::oci::{Digest, Digester, media_type};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;

/// The largest bundle that is read: an SBOM of some hundred thousand files fits.
pub const MAX_BUNDLE: u64 = 256 << 20;

/// The other spelling of the bundle's media type, which the specification allows.
const MEDIA_TYPE_WITH_PARAMETER: &str = "application/vnd.dev.sigstore.bundle+json;version=0.3";

/// How the payload begins. Within a text its quotes would be escaped: it stands in a bundle once.
const PAYLOAD: &str = "\"payload\":\"";

/// A signed payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// What the payload is.
    pub payload_type: String,
    /// The payload: the bytes of a statement.
    pub payload: Vec<u8>,
    /// ECDSA signature in ASN.1 DER over the [`pre_authentication_digest`].
    pub signature: Vec<u8>,
    /// By whom.
    pub signer: Identity,
    /// How many entries of transparency logs it carries.
    pub log_entries: usize,
    /// How many signed timestamps it carries.
    pub timestamps: usize,
}

/// How a bundle names its signer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A key that whoever verifies must have; the hint is not proof of anything.
    Key {
        /// Base64 of the SHA-256 of the key in DER.
        hint: String,
    },
    /// A certificate in DER.
    Certificate(Vec<u8>),
}

/// Why bytes are no bundle that can be verified.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Larger than anything that is read.
    #[error("a bundle of {size} bytes is larger than the limit of {MAX_BUNDLE}")]
    TooLarge {
        /// The size.
        size: u64,
    },
    /// Not the JSON of a bundle.
    #[error("not a sigstore bundle: {0}")]
    Malformed(String),
    /// Another version or something else.
    #[error("`{0}` is not the media type of a sigstore bundle of version 0.3")]
    MediaType(String),
    /// Signs a digest, not a statement.
    #[error("it holds no DSSE envelope")]
    NoEnvelope,
    /// DSSE allows several; sigstore exactly one.
    #[error("it has {0} signatures, where exactly one is allowed")]
    Signatures(usize),
    /// Both a key and a certificate, or neither.
    #[error("it must name either a public key or a certificate")]
    Identity,
}

/// The digest that is signed: of DSSE's encoding of type and payload, so that neither can pass for the other.
pub fn pre_authentication_digest(payload_type: &str, payload: &[u8]) -> Digest {
    let mut digester = Digester::new();
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    digester.update(head.as_bytes());
    digester.update(payload);
    digester.finish()
}

impl Bundle {
    /// The digest that the signature covers.
    pub fn signed_digest(&self) -> Digest {
        pre_authentication_digest(&self.payload_type, &self.payload)
    }

    /// The bytes of the bundle: compact JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let certificate = match &self.signer {
            Identity::Key { .. } => None,
            Identity::Certificate(der) => Some(CertificateOut { raw_bytes: Base64(der) }),
        };
        let public_key = match &self.signer {
            Identity::Key { hint } => Some(PublicKey { hint: hint.as_str().into() }),
            Identity::Certificate(_) => None,
        };
        let document = DocumentOut {
            media_type: media_type::SIGSTORE_BUNDLE,
            verification_material: MaterialOut { public_key, certificate },
            dsse_envelope: EnvelopeOut {
                payload: "",
                payload_type: &self.payload_type,
                signatures: [SignatureOut { sig: Base64(&self.signature) }],
            },
        };
        let document = serde_json::to_string(&document).expect("the document has string keys");
        // The payload is put in place by itself: it is large, and base64 has nothing to escape.
        let (before, after) = document.split_once(PAYLOAD).expect("the envelope has a payload");
        let mut json =
            String::with_capacity(base64::encoded_len(self.payload.len(), true).unwrap_or(0) + document.len());
        json.push_str(before);
        json.push_str(PAYLOAD);
        STANDARD.encode_string(&self.payload, &mut json);
        json.push_str(after);
        json.into_bytes()
    }

    /// Reads a bundle; nothing about it is verified yet.
    pub fn from_json(json: &[u8]) -> Result<Self, BundleError> {
        let Parsed { without, payload } = Parsed::read(json)?;
        Ok(Bundle { payload: decode(&payload)?, ..without })
    }

    /// Reads the bytes of a bundle without keeping the payload, and gives the signature in them; none where they say
    /// anything else than this bundle.
    pub fn read_back(&self, json: &[u8]) -> Result<Option<Vec<u8>>, BundleError> {
        let Parsed { without, payload } = Parsed::read(json)?;
        let own = Bundle {
            payload_type: self.payload_type.clone(),
            payload: Vec::new(),
            signature: self.signature.clone(),
            signer: self.signer.clone(),
            log_entries: self.log_entries,
            timestamps: self.timestamps,
        };
        Ok((without == own && says(&payload, &self.payload)).then_some(without.signature))
    }
}

fn malformed(error: impl std::fmt::Display) -> BundleError {
    BundleError::Malformed(error.to_string())
}

fn decode(text: &str) -> Result<Vec<u8>, BundleError> {
    STANDARD.decode(text).map_err(malformed)
}

/// Whether a base64 text says these bytes, piece by piece.
fn says(text: &str, mut bytes: &[u8]) -> bool {
    let mut piece = [0; 12 << 10];
    for part in text.as_bytes().chunks(16 << 10) {
        let Ok(length) = STANDARD.decode_slice(part, &mut piece) else { return false };
        match bytes.strip_prefix(&piece[..length]) {
            Some(rest) => bytes = rest,
            None => return false,
        }
    }
    bytes.is_empty()
}

/// A bundle as it is read: its payload is still text.
struct Parsed<'a> {
    without: Bundle,
    payload: Cow<'a, str>,
}

impl<'a> Parsed<'a> {
    fn read(json: &'a [u8]) -> Result<Self, BundleError> {
        if json.len() as u64 > MAX_BUNDLE {
            return Err(BundleError::TooLarge { size: json.len() as u64 });
        }
        let document: DocumentIn<'_> = serde_json::from_slice(json).map_err(malformed)?;
        if ![media_type::SIGSTORE_BUNDLE, MEDIA_TYPE_WITH_PARAMETER].contains(&document.media_type.as_ref()) {
            return Err(BundleError::MediaType(document.media_type.chars().take(120).collect()));
        }
        let material = document.verification_material;
        let signer = match (material.public_key, material.certificate) {
            (Some(key), None) => Identity::Key { hint: key.hint.into_owned() },
            (None, Some(certificate)) => Identity::Certificate(decode(&certificate.raw_bytes)?),
            _ => return Err(BundleError::Identity),
        };
        let envelope = document.dsse_envelope.ok_or(BundleError::NoEnvelope)?;
        let [signature] = envelope.signatures.as_slice() else {
            return Err(BundleError::Signatures(envelope.signatures.len()));
        };
        let without = Bundle {
            payload_type: envelope.payload_type.into_owned(),
            payload: Vec::new(),
            signature: decode(&signature.sig)?,
            signer,
            log_entries: material.tlog_entries.map_or(0, |entries| entries.len()),
            timestamps: material.timestamps.map_or(0, |data| data.timestamps.len()),
        };
        Ok(Parsed { without, payload: envelope.payload })
    }
}

/// Bytes that are written as base64.
struct Base64<'a>(&'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.0))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DocumentOut<'a> {
    media_type: &'a str,
    verification_material: MaterialOut<'a>,
    dsse_envelope: EnvelopeOut<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MaterialOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<PublicKey<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<CertificateOut<'a>>,
}

#[derive(Serialize, Deserialize)]
struct PublicKey<'a> {
    #[serde(borrow, default)]
    hint: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CertificateOut<'a> {
    raw_bytes: Base64<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EnvelopeOut<'a> {
    /// Left empty here.
    payload: &'a str,
    payload_type: &'a str,
    signatures: [SignatureOut<'a>; 1],
}

#[derive(Serialize)]
struct SignatureOut<'a> {
    sig: Base64<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DocumentIn<'a> {
    #[serde(borrow)]
    media_type: Cow<'a, str>,
    #[serde(borrow)]
    verification_material: MaterialIn<'a>,
    #[serde(borrow)]
    dsse_envelope: Option<EnvelopeIn<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MaterialIn<'a> {
    #[serde(borrow)]
    public_key: Option<PublicKey<'a>>,
    #[serde(borrow)]
    certificate: Option<CertificateIn<'a>>,
    tlog_entries: Option<Vec<serde::de::IgnoredAny>>,
    #[serde(rename = "timestampVerificationData")]
    timestamps: Option<TimestampsIn>,
}

#[derive(Deserialize)]
struct TimestampsIn {
    #[serde(rename = "rfc3161Timestamps", default)]
    timestamps: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CertificateIn<'a> {
    #[serde(borrow)]
    raw_bytes: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EnvelopeIn<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
    #[serde(borrow)]
    payload_type: Cow<'a, str>,
    #[serde(borrow)]
    signatures: Vec<SignatureIn<'a>>,
}

#[derive(Deserialize)]
struct SignatureIn<'a> {
    #[serde(borrow)]
    sig: Cow<'a, str>,
}
