//! What a file is, by how it begins.

use super::Form;
use bstr::ByteSlice;

/// Whether it begins as a zip, also as one without files.
pub fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// What it is.
pub fn form(head: &[u8]) -> Option<Form> {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    match text.first()? {
        _ if is_zip(head) => Some(Form::Osv),
        b'#' if text.starts_with(b"#model_version") => Some(Form::Epss),
        b'c' if text.starts_with(b"cve,") => Some(Form::Epss),
        b'[' => Some(Form::Osv),
        b'{' if is_tracker(text) => Some(Form::DebianTracker),
        b'{' if has(text, &["catalogVersion", "dateReleased", "cveID"]) => Some(Form::Kev),
        b'{' if has(text, &["schema_version", "modified", "affected", "aliases", "summary", "details", "id"]) => {
            Some(Form::Osv)
        }
        _ => None,
    }
}

/// Whether one of these stands there as a key; what stands in texts could be anything, and is not looked for.
fn has(text: &[u8], keys: &[&str]) -> bool {
    keys.iter().any(|key| {
        let quoted = format!("\"{key}\"");
        text.find_iter(&quoted).any(|at| text[at + quoted.len()..].trim_ascii_start().starts_with(b":"))
    })
}

/// Packages with their holes: `{"openssl": {"CVE-…": {`.
fn is_tracker(text: &[u8]) -> bool {
    let inside = || {
        let rest = object(text)?;
        let rest = object(key(rest)?.1)?;
        Some(key(rest)?.0)
    };
    inside().is_some_and(|hole| hole.starts_with(b"CVE-") || hole.starts_with(b"TEMP-"))
}

fn object(text: &[u8]) -> Option<&[u8]> {
    text.trim_ascii_start().strip_prefix(b"{")
}

/// A key and what follows its colon.
fn key(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start().strip_prefix(b"\"")?;
    let (key, rest) = text.split_once_str("\"")?;
    Some((key, rest.trim_ascii_start().strip_prefix(b":")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feeds_are_known_by_their_beginning() {
        for (head, expected) in [
            ("PK\x03\x04rest", Some(Form::Osv)),
            ("PK\x05\x06", Some(Form::Osv)),
            ("#model_version:v2025.03.14,score_date:2025-03-20T00:00:00+0000\ncve,epss", Some(Form::Epss)),
            ("cve,epss,percentile\n", Some(Form::Epss)),
            ("[ {\"id\": 1}", Some(Form::Osv)),
            ("\u{feff} {\n \"id\" : \"GHSA-1\"", Some(Form::Osv)),
            ("{\"schema_version\":\"1.7.0\",\"summary\":\"say \\\"catalogVersion\\\"\"", Some(Form::Osv)),
            ("{\"title\":\"CISA Catalog\",\"catalogVersion\":\"2024\"", Some(Form::Kev)),
            ("{ \"0ad\": { \"CVE-2012-1\": {", Some(Form::DebianTracker)),
            ("{\"a\":{\"TEMP-0000000-AA\":{", Some(Form::DebianTracker)),
            ("{\"a\":{\"b\":{", None),
            ("<html>", None),
            ("{", None),
            ("", None),
        ] {
            assert_eq!(form(head.as_bytes()), expected, "{head}");
        }
    }
}
