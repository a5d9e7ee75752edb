//! Specs as texts: checked without network, formatted.

use super::error::Error;
use super::project::{Project, locate};
use crate::diagnostic::{Diagnostics, Severity, Sources};
use crate::spec;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Reads a spec and says what is accepted, but probably not what was meant.
///
/// # Errors
/// Its mistakes, all of them.
pub fn check(spec: &Path, args: &BTreeMap<String, String>) -> Result<Diagnostics, Error> {
    let project = Project::load(spec, args)?;
    Ok(Diagnostics::new(project.warnings, project.sources))
}

/// Diagnostics for programs: an array with the places of each.
pub fn diagnostics_as_json(diagnostics: &Diagnostics) -> Value {
    let place = |span: crate::diagnostic::Span, text: &str| {
        let file = diagnostics.sources.file(span.file);
        let ((line, column), (end_line, end_column)) = (file.position(span.start), file.position(span.end));
        json!({
            "file": file.name(), "line": line, "column": column, "end_line": end_line, "end_column": end_column,
            "text": text,
        })
    };
    let list = diagnostics.list.iter().map(|diagnostic| {
        let severity = match diagnostic.severity {
            Severity::Advice => "advice",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let places: Vec<Value> = diagnostic.labels.iter().map(|label| place(label.span, &label.text)).collect();
        json!({
            "code": diagnostic.code, "severity": severity, "message": diagnostic.message, "places": places,
            "help": diagnostic.help, "page": diagnostic.page,
        })
    });
    Value::Array(list.collect())
}

/// Formats a text; `name` is what diagnostics call it.
pub fn format(name: &str, text: &[u8]) -> Result<String, Error> {
    let text = std::str::from_utf8(text).map_err(|error| {
        let mut sources = Sources::default();
        let file = sources.add(name, String::from_utf8_lossy(&text[..error.valid_up_to()]));
        let span = crate::diagnostic::Span::new(file, error.valid_up_to(), error.valid_up_to());
        let mistake = crate::diagnostic::Diagnostic::error("syntax::encoding", "the text is not UTF-8", span, "here");
        Error::Spec(Diagnostics::new(vec![mistake], sources))
    })?;
    spec::format(name, text).map_err(Error::Spec)
}

/// Formats a spec on disk; says whether that changes it. Only with `write` is it changed.
pub fn format_file(path: &Path, write: bool) -> Result<bool, Error> {
    let (folder, name) = locate(path)?;
    let file = folder.join(&name);
    let text = super::read_bounded(&file, MAX_TEXT).map_err(|source| Error::Unreadable {
        what: "the spec",
        path: file.clone(),
        source,
    })?;
    let formatted = format(&file.display().to_string(), &text)?;
    let changed = formatted.as_bytes() != text;
    if changed && write {
        super::write_file(&file, formatted.as_bytes())?;
    }
    Ok(changed)
}

/// More than any spec that is read.
const MAX_TEXT: u64 = 16 << 20;
