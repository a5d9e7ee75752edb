//! `signer`: who must have signed images of a repository.

use super::{POLICY, key};
use crate::diagnostic::Span;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// Who must have signed images of a repository before they are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The repositories: host and path, where `*` is any part of a name, `?` a character, `**` any folders.
    pub repository: Spanned<String>,
    /// A file with a public key: absolute, or relative to the folder of the policy's file.
    pub key: Spanned<String>,
    /// The whole node.
    pub span: Span,
}

const SIGNER: Form = Form::within(POLICY, "signer", "signer \"registry.example.com/base/**\" key=\"keys/base.pub\"");

/// Reads `signer`.
pub(super) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Signer> {
    let mut reader = Reader::new(cx, item, SIGNER);
    let span = reader.span();
    let written = reader.word("the pattern of a repository");
    let repository = written.filter(|written| is_repository(&mut reader, written));
    let key = reader.required_text("key").and_then(|path| key(&mut reader, path));
    reader.finish();
    Some(Signer { repository: repository?, key: key?, span })
}

/// Whether a text can fit a repository at all: a pattern that fits none would ask for nothing, and nobody would see it.
fn is_repository(reader: &mut Reader<'_, '_>, written: &Spanned<String>) -> bool {
    let shown = mistake::clip(written);
    let (host, path) = written.split_once('/').unwrap_or((written, ""));
    let names_host = host.contains(['.', ':', '*', '?']) || host == "localhost";
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-*?".contains(c);
    let is_part = |part: &str| {
        !part.is_empty() && part.chars().all(plain) && (part == "**" || !part.contains("**")) && part.len() <= 255
    };
    let mistake = if !names_host || path.is_empty() {
        Some((format!("`{shown}` names no registry and repository"), "write `\"registry.example.com/base/**\"`"))
    } else if !path.split('/').all(is_part) || !host.chars().all(|c| plain(c) || c == ':') {
        let help = "a repository has neither tag nor digest; `*` stands for any part of a name, `**` for any folders";
        Some((format!("`{shown}` is no pattern of repositories"), help))
    } else if ["index.docker.io", "registry-1.docker.io"].contains(&host) {
        Some((format!("`{host}` is called `docker.io`"), "write `\"docker.io/…\"`"))
    } else if host == "docker.io" && !path.contains('/') && path != "**" {
        Some((format!("`{shown}` has no owner"), "Docker's own images are `\"docker.io/library/*\"`"))
    } else {
        None
    };
    let is_one = mistake.is_none();
    if let Some((message, help)) = mistake {
        reader.report(mistake::bad_value(written.span, message, help));
    }
    is_one
}
