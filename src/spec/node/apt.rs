//! `apt`: a Debian package source.

use crate::diagnostic::Span;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// A Debian archive, or one in its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apt {
    /// What `packages` calls it.
    pub name: Spanned<String>,
    /// The suites, in the order in which they were written; never empty.
    pub suites: Vec<Suite>,
    /// The components; `main` where nothing is said.
    pub components: Vec<Spanned<String>>,
    /// Where all suites without one of their own are found: `http` or `https`, without a slash at the end.
    /// None: `KILN_DEBIAN_MIRROR`, the machine's apt sources, the built-in fallback.
    pub mirror: Option<Spanned<String>>,
    /// Files with the public keys that may sign the suites, relative to the spec's folder. Empty: Debian's keys.
    pub keyrings: Vec<Spanned<String>>,
    /// The whole node.
    pub span: Span,
}

/// One suite of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// Its name: `trixie`, `trixie-security`.
    pub name: Spanned<String>,
    /// Where it is found, if elsewhere than its archive.
    pub mirror: Option<Spanned<String>>,
    /// Whether a release file past its `Valid-Until` is refused; as apt's `Check-Valid-Until`.
    pub check_valid_until: bool,
}

const APT: Form = Form::new("apt", "apt \"debian\" { suite \"trixie\" \"trixie-security\" }");
const SUITE: Form = Form::within(APT, "suite", "suite \"trixie\"");
const COMPONENTS: Form = Form::within(APT, "components", "components \"main\" \"contrib\"");
const MIRROR: Form = Form::within(APT, "mirror", "mirror \"http://ftp.debian.org/debian\"");
const KEYRING: Form = Form::within(APT, "keyring", "keyring \"keys/acme.asc\"");

/// What may stand in an `apt`.
pub(in crate::spec) const CHILDREN: &[&str] = &["suite", "components", "mirror", "keyring"];

/// The suites of an archive of which nothing more is said.
const SUITES: [&str; 2] = ["trixie", "trixie-security"];

impl Apt {
    /// The package source that `packages "debian"` means where no `apt "debian"` says otherwise.
    pub(in crate::spec) fn debian(span: Span) -> Self {
        Apt {
            name: Spanned::new("debian".into(), span),
            suites: SUITES.map(|name| Suite::plain(name, span)).into(),
            components: vec![Spanned::new("main".into(), span)],
            mirror: None,
            keyrings: Vec::new(),
            span,
        }
    }
}

impl Suite {
    fn plain(name: &str, span: Span) -> Self {
        Suite { name: Spanned::new(name.into(), span), mirror: None, check_valid_until: true }
    }
}

/// Reads `apt`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Apt> {
    let mut reader = Reader::new(cx, item, APT);
    let name = reader.identifier("a name", "a package source");
    let span = reader.span();
    let mut apt = Apt { suites: Vec::new(), components: Vec::new(), ..Apt::debian(span) };
    let mut mirror = None;
    for child in reader.children() {
        match child.node.name.text.as_str() {
            "suite" => suites(reader.cx, &child, &mut apt.suites),
            "components" => components(reader.cx, &child, &mut apt.components),
            "keyring" => keyrings(reader.cx, &child, &mut apt.keyrings),
            "mirror" => {
                if let Some(first) = mirror.replace(child.node.span) {
                    reader.report(mistake::duplicate_node(child.node.span, first, "mirror", "an `apt`"));
                }
                let mut inner = Reader::new(reader.cx, &child, MIRROR);
                apt.mirror = inner.word("an address").and_then(|address| self::mirror(&mut inner, address));
                inner.finish();
            }
            _ => reader.unknown_child(&child, CHILDREN),
        }
    }
    let name = name.inspect(|name| apt.name = name.clone());
    if apt.suites.is_empty() {
        // An archive of others has suites of its own.
        if name.is_some() && *apt.name != "debian" && mirror.is_some() {
            reader.report(mistake::missing_block(reader.name_span(), APT, "the `suite` of this mirror"));
        }
        apt.suites = SUITES.map(|name| Suite::plain(name, span)).into();
    }
    if apt.components.is_empty() {
        apt.components.push(Spanned::new("main".into(), span));
    }
    reader.finish();
    name.map(|_| apt)
}

fn suites<'n>(cx: &mut Cx<'n>, item: &Item<'n>, suites: &mut Vec<Suite>) {
    let mut reader = Reader::new(cx, item, SUITE);
    let names = reader.words("the name of a suite");
    let address = reader.text_property("mirror").and_then(|address| mirror(&mut reader, address));
    let check_valid_until = reader.flag_property("check-valid-until").unwrap_or(true);
    for name in names {
        if !is_archive_path(&name) {
            let rule = "letters, digits, `.`, `_`, `+`, `-` and `/`, as the archive's `dists/` has them";
            reader.report(mistake::bad_name(name.span, "a suite", &name, rule));
        } else if let Some(first) = suites.iter().find(|suite| suite.name.value == name.value) {
            reader.report(mistake::duplicate_name(name.span, first.name.span, "suite", &name));
        } else if suites.len() == MAX_SUITES {
            reader.report(mistake::bad_value(name.span, "an `apt` has at most 64 suites", "use fewer"));
            break;
        } else {
            suites.push(Suite { name, mirror: address.clone(), check_valid_until });
        }
    }
    reader.finish();
}

/// Each suite costs a download and a signature check.
const MAX_SUITES: usize = 64;

fn components<'n>(cx: &mut Cx<'n>, item: &Item<'n>, components: &mut Vec<Spanned<String>>) {
    let mut reader = Reader::new(cx, item, COMPONENTS);
    for name in reader.words("the name of a component") {
        if !is_archive_path(&name) {
            let rule = "letters, digits, `.`, `_`, `+`, `-` and `/`, such as `main`";
            reader.report(mistake::bad_name(name.span, "a component", &name, rule));
        } else if let Some(first) = components.iter().find(|other| other.value == name.value) {
            reader.report(mistake::duplicate_name(name.span, first.span, "component", &name));
        } else if components.len() == MAX_SUITES {
            reader.report(mistake::bad_value(name.span, "an `apt` has at most 64 components", "use fewer"));
            break;
        } else {
            components.push(name);
        }
    }
    reader.finish();
}

fn keyrings<'n>(cx: &mut Cx<'n>, item: &Item<'n>, keyrings: &mut Vec<Spanned<String>>) {
    let mut reader = Reader::new(cx, item, KEYRING);
    for path in reader.words("a file with public keys") {
        if let Some(path) = reader.project_file(path) {
            keyrings.push(path);
        }
    }
    reader.finish();
}

/// A name that becomes a part of an address: clean, and nothing that an address would read otherwise.
fn is_archive_path(name: &str) -> bool {
    name.len() <= 255
        && name.split('/').all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "._+-~".contains(c))
        })
}

fn mirror(reader: &mut Reader, address: Spanned<String>) -> Option<Spanned<String>> {
    reader.address(&address, &["http", "https"])?;
    Some(Spanned::new(address.trim_end_matches('/').to_owned(), address.span))
}
