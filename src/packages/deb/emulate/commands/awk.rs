//! `awk`, as far as scripts use it all the time.

use super::options::Known;
use super::pattern::{Style, compile};
use super::text::{inputs, lines};
use crate::packages::deb::emulate::shell::{Io, Run, Shell};

/// The one form of `awk` that scripts use all the time: a condition and `print` with fields.
pub(super) fn awk(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known { flags: "", valued: "F", long: &[] };
    let given = KNOWN.read(shell, arguments)?;
    let bad = || shell.obstacle("this `awk` program is not understood");
    let (program, files) = given.operands.split_first().ok_or_else(bad)?;
    let form = regex::Regex::new(
        r#"^\s*(?:/((?:[^/\\]|\\.)*)/|\$(\d+)\s*(==|!=|~)\s*(?:"([^"\\]*)"|/((?:[^/\\]|\\.)*)/))?\s*\{\s*print(?:\s+((?:\$\w+|"[^"\\]*")(?:\s*,?\s*(?:\$\w+|"[^"\\]*"))*))?\s*;?\s*(?:;\s*(exit)\s*;?\s*)?\}\s*$"#,
    )
    .expect("the expression is well-formed");
    let parts = form.captures(program).ok_or_else(bad)?;
    let regex = |i: usize| -> Run<Option<regex::bytes::Regex>> {
        let Some(text) = parts.get(i) else { return Ok(None) };
        compile(text.as_str(), Style { extended: true, ..Style::default() }).map(Some).ok_or_else(bad)
    };
    let (line_pattern, field_pattern) = (regex(1)?, regex(5)?);
    let operator = parts.get(3).map(|m| m.as_str());
    if (operator == Some("~")) != field_pattern.is_some() {
        return Err(bad());
    }
    let separator = given.value('F');
    let files = files.to_vec();
    let (bytes, status) = inputs(shell, "awk", &files, io)?;
    for line in lines(&bytes) {
        let line = String::from_utf8_lossy(line).into_owned();
        let fields: Vec<&str> = match separator {
            Some(separator) if separator != " " => line.split(separator).collect(),
            _ => line.split_ascii_whitespace().collect(),
        };
        let field = |name: &str| match name {
            "0" => line.as_str(),
            "NF" => fields.last().copied().unwrap_or_default(),
            _ => name.parse::<usize>().ok().and_then(|n| fields.get(n.wrapping_sub(1)).copied()).unwrap_or_default(),
        };
        let subject = parts.get(2).map(|m| field(m.as_str())).unwrap_or_default();
        let literal = parts.get(4).map(|m| m.as_str()).unwrap_or_default();
        let holds = match operator {
            Some("==") => subject == literal,
            Some("!=") => subject != literal,
            Some(_) => field_pattern.as_ref().is_some_and(|r| r.is_match(subject.as_bytes())),
            None => line_pattern.as_ref().is_none_or(|r| r.is_match(line.as_bytes())),
        };
        if !holds {
            continue;
        }
        let printed = match parts.get(6) {
            None => line.clone(),
            Some(list) => print_list(list.as_str(), field),
        };
        io.print(printed + "\n");
        if parts.get(7).is_some() {
            break;
        }
    }
    Ok(status)
}

/// What `print` prints: words with a comma between them are apart.
fn print_list<'a>(list: &str, field: impl Fn(&str) -> &'a str) -> String {
    let mut out = String::new();
    let mut rest = list.trim();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(',') {
            out.push(' ');
            rest = after;
        } else if let Some((text, after)) = rest.strip_prefix('"').and_then(|r| r.split_once('"')) {
            out.push_str(text);
            rest = after;
        } else {
            let name = rest.trim_start_matches('$');
            let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
            out.push_str(field(&name[..end]));
            rest = &name[end..];
        }
        rest = rest.trim_start();
    }
    out
}
