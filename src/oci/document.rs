//! Manifests and indexes of strangers: how much of them is read, and what they must not be.

use super::{Index, Manifest, media_type};
use serde_json::Value;

/// No document is larger, in bytes; registries refuse larger ones too.
pub const MAX_SIZE: u64 = 4 << 20;

/// As many indexes may lie inside each other.
pub const MAX_DEPTH: usize = 4;

/// As many manifests may belong together.
pub const MAX_MANIFESTS: usize = 10_000;

/// A manifest whose descriptor has the given media type; the error continues "it is refused:".
pub fn manifest(bytes: &[u8], media_type: &str) -> Result<Manifest, String> {
    let value = object(bytes, &["manifests", "fsLayers"])?;
    let own = value.get("mediaType").and_then(Value::as_str).unwrap_or(media_type);
    if own != media_type {
        return Err(format!("it says to be `{}`, and is listed as `{}`", clip(own), clip(media_type)));
    }
    serde_json::from_value(value).map_err(|e| e.to_string())
}

/// An index.
pub fn index(bytes: &[u8]) -> Result<Index, String> {
    let value = object(bytes, &["layers", "config", "fsLayers"])?;
    match value.get("mediaType").and_then(Value::as_str) {
        None | Some("" | media_type::INDEX | media_type::DOCKER_INDEX) => {}
        Some(other) => return Err(format!("says to be `{}`", clip(other))),
    }
    serde_json::from_value(value).map_err(|e| e.to_string())
}

/// A JSON object of version 2 with none of the fields by which it could be taken for something else.
fn object(bytes: &[u8], foreign: &[&str]) -> Result<Value, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|e| format!("is malformed: {e}"))?;
    if value.get("schemaVersion").and_then(Value::as_u64) != Some(2) {
        return Err("has not the version 2".into());
    }
    match foreign.iter().find(|field| value.get(**field).is_some()) {
        Some(field) => Err(format!("could be taken for something else, as it has the field `{field}`")),
        None => Ok(value),
    }
}

/// Foreign text for a message: short, and without signs that a terminal would obey.
pub fn clip(text: &str) -> String {
    text.chars().take(100).flat_map(char::escape_debug).collect()
}
