//! Texts that are signed in place (RFC 9580, section 7).

use super::{Keyring, Signer};
use pgp::armor::Dearmor;
use pgp::packet::{Packet, PacketParser, SignatureType};
use std::io::BufReader;

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";
/// More signatures than this are not looked at.
const SIGNATURES: usize = 16;

/// A text that a trusted key has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Exactly what was signed, with plain line feeds.
    pub text: String,
    /// Whose signatures are good; never empty.
    pub signers: Vec<Signer>,
}

/// Why a text is not taken for signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It is not a clearsigned text, or has something beside it.
    #[error("not a clearsigned text: {0}")]
    Malformed(String),
    /// There is no good signature by a trusted key.
    #[error("no good signature by a trusted key: {}", .0.join("; "))]
    Untrusted(Vec<String>),
}

impl Keyring {
    /// Checks a clearsigned text at the time `now`, in seconds since 1970: one good signature suffices.
    ///
    /// Text outside of the signed part is refused, so that nobody can take it for signed.
    pub fn verify(&self, clearsigned: &[u8], now: i64) -> Result<Signed, SignatureError> {
        let parts = split(clearsigned).map_err(|problem| SignatureError::Malformed(problem.into()))?;
        let hashed = parts.lines.join("\r\n");
        let (mut signers, mut problems) = (Vec::new(), Vec::new());
        for packet in PacketParser::new(BufReader::new(Dearmor::new(parts.signatures.as_bytes()))).take(SIGNATURES) {
            let signature = match packet {
                Ok(Packet::Signature(signature)) => signature,
                Ok(_) => return Err(SignatureError::Malformed("something else than signatures at its end".into())),
                Err(error) => {
                    problems.push(format!("a signature cannot be read: {error}"));
                    break;
                }
            };
            if !matches!(signature.typ(), Some(SignatureType::Text | SignatureType::Binary)) {
                problems.push("a signature is not one of a text".into());
                continue;
            }
            match self.check(&signature, hashed.as_bytes(), now) {
                Ok(signer) => signers.push(signer),
                Err(problem) => problems.push(problem),
            }
        }
        signers.sort();
        signers.dedup();
        if signers.is_empty() {
            return Err(SignatureError::Untrusted(problems));
        }
        Ok(Signed { text: parts.lines.join("\n") + "\n", signers })
    }
}

/// The signed lines, unescaped and without the white space at their ends, and the armored signatures.
struct Parts<'a> {
    lines: Vec<&'a str>,
    signatures: &'a str,
}

fn split(clearsigned: &[u8]) -> Result<Parts<'_>, &'static str> {
    let text = std::str::from_utf8(clearsigned).map_err(|_| "it is not UTF-8")?;
    let mut rest = text;
    if next_line(&mut rest) != Some(BEGIN) {
        return Err("it does not begin with a signed message");
    }
    loop {
        match next_line(&mut rest) {
            Some("") => break,
            Some(line) if line.starts_with("Hash: ") => {}
            _ => return Err("its head is damaged"),
        }
    }
    let mut lines = Vec::new();
    let signatures = loop {
        let before = rest;
        match next_line(&mut rest) {
            Some(SIGNATURE) => break before,
            Some(line) if line.starts_with('-') => lines.push(line.strip_prefix("- ").ok_or("a line is not escaped")?),
            Some(line) => lines.push(line),
            None => return Err("it has no signature"),
        }
    };
    // Signatures see every kind of line end as the same; here only one kind is, so the others must not occur.
    if lines.iter().any(|line| line.contains('\r')) {
        return Err("a line has a carriage return inside");
    }
    let end = signatures.find(END).ok_or("its signature has no end")? + END.len();
    if !signatures[end..].trim_ascii().is_empty() {
        return Err("there is text after the signature");
    }
    Ok(Parts { lines, signatures: &signatures[..end] })
}

/// Takes a line off, without its end and the white space before that, which is not signed.
fn next_line<'a>(rest: &mut &'a str) -> Option<&'a str> {
    if rest.is_empty() {
        return None;
    }
    let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
    *rest = after;
    Some(line.trim_end_matches([' ', '\t', '\r']))
}
