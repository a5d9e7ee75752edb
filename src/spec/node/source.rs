//! `source`: inputs other than packages.

use super::base::Base;
use super::git::{self, Git};
use super::registry_image::{self, RegistryImage};
use crate::diagnostic::Span;
use crate::oci::{Digest, Platform};
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;

/// An input with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What `copy` and `base` call it; the reference as written of an image that they name without declaring it.
    pub name: Spanned<String>,
    /// What it is.
    pub kind: SourceKind,
    /// The whole node.
    pub span: Span,
}

/// The kinds of inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// A folder of the project.
    Context(Context),
    /// A file from the web.
    Http(Http),
    /// A commit of a git repository.
    Git(Git),
    /// An image in an OCI layout on disk.
    Oci(Layout),
    /// An image of a registry.
    Image(RegistryImage),
}

/// A folder of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Clean and relative to the spec's folder, never above it; the folder itself is empty.
    pub path: Spanned<String>,
    /// Where there are any, only what matches one of these patterns is part of it.
    pub include: Vec<Spanned<String>>,
    /// What is not part of it: patterns; without a slash they match names at any depth.
    pub exclude: Vec<Spanned<String>>,
    /// The `context` node.
    pub span: Span,
}

/// A file from the web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// `https`, or `http` if the digest is said.
    pub url: Spanned<String>,
    /// The digest that its content must have. None: the lock says it.
    pub sha256: Option<Spanned<Digest>>,
    /// Whether it is an archive whose content is meant: tar (plain, gzip, xz, zstd).
    pub unpack: bool,
    /// The file's mode; 0644 where nothing is said. Never with `unpack`.
    pub mode: Option<u16>,
    /// The file's name in the source: the URL's last part where nothing is said. Empty with `unpack`.
    pub filename: String,
    /// The `http` node.
    pub span: Span,
}

/// An image in an OCI layout on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Clean and relative to the spec's folder, never above it; the folder itself is empty.
    pub path: Spanned<String>,
    /// A tag in the layout's index, or a digest. None: the layout holds just one image.
    pub reference: Option<Spanned<String>>,
    /// The platform to take. None: that of the image being built.
    pub platform: Option<Spanned<Platform>>,
    /// The `oci` node.
    pub span: Span,
}

pub(in crate::spec) const SOURCE: Form = Form::new("source", "source \"app\" { context \".\" }");
const CONTEXT: Form = Form::within(SOURCE, "context", "context \".\" { exclude \"target\" }");
const INCLUDE: Form = Form::within(SOURCE, "include", "include \"src/**\"");
const EXCLUDE: Form = Form::within(SOURCE, "exclude", "exclude \"target\" \".git\"");
const HTTP: Form = Form::within(SOURCE, "http", "http \"https://example.com/app.tgz\" unpack=#true");
const OCI: Form = Form::within(SOURCE, "oci", "oci \"layouts/base\"");
const IMAGE: Form = Form::within(SOURCE, "image", "image \"docker.io/library/debian:13\"");

/// What a source can be.
pub(in crate::spec) const KINDS: &[&str] = &["context", "http", "git", "oci", "image"];
/// What may stand in a `context`.
pub(in crate::spec) const FILTERS: &[&str] = &["include", "exclude"];

/// A source as far as it could be read: its name is known even where its content is wrong, so that nobody who
/// uses it is blamed.
pub(in crate::spec) struct Read {
    pub(in crate::spec) name: Spanned<String>,
    /// Whether it is an image, which others can stand on.
    pub(in crate::spec) image: bool,
    pub(in crate::spec) source: Option<Source>,
}

/// Reads `source`.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Read> {
    let mut reader = Reader::new(cx, item, SOURCE);
    let name = reader.identifier("a name", "a source");
    let span = reader.span();
    let mut kinds: Vec<(Span, Option<SourceKind>)> = Vec::new();
    let mut image = false;
    for child in reader.required_children("`context`, `http`, `git`, `oci` or `image`") {
        let kind = match child.node.name.text.as_str() {
            "context" => context(reader.cx, &child).map(SourceKind::Context),
            "http" => http(reader.cx, &child).map(SourceKind::Http),
            "git" => git::read(reader.cx, &child).map(SourceKind::Git),
            "oci" => {
                image = true;
                oci(reader.cx, &child).map(SourceKind::Oci)
            }
            "image" => {
                image = true;
                registry_image::read(reader.cx, &child, IMAGE).map(SourceKind::Image)
            }
            _ => {
                reader.unknown_child(&child, KINDS);
                continue;
            }
        };
        if let Some((first, _)) = kinds.first() {
            let message = "a source is one thing only";
            reader.report(mistake::conflict(child.node.span, message, *first, "make a second source of it"));
        }
        kinds.push((child.node.span, kind));
    }
    if let Some(name) = name.as_ref().filter(|name| image && Base::OWN.contains(&name.as_str())) {
        let rule = "one of kiln's own bases has this name, and `base` could mean both";
        reader.report(mistake::bad_name(name.span, "an image", name, rule));
    }
    reader.finish();
    let name = name?;
    let kind = kinds.into_iter().next().and_then(|(_, kind)| kind);
    let source = kind.map(|kind| Source { name: name.clone(), kind, span });
    Some(Read { name, image, source })
}

fn context<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Context> {
    let mut reader = Reader::new(cx, item, CONTEXT);
    let path = reader.word("the path of a folder").and_then(|path| reader.project_path(path));
    let (mut include, mut exclude) = (Vec::new(), Vec::new());
    for child in reader.children() {
        let (list, form) = match child.node.name.text.as_str() {
            "include" => (&mut include, INCLUDE),
            "exclude" => (&mut exclude, EXCLUDE),
            _ => {
                reader.unknown_child(&child, FILTERS);
                continue;
            }
        };
        let mut inner = Reader::new(reader.cx, &child, form);
        for pattern in inner.words("a pattern") {
            list.extend(inner.filter(pattern));
        }
        inner.finish();
    }
    let span = reader.span();
    reader.finish();
    Some(Context { path: path?, include, exclude, span })
}

fn http<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Http> {
    let mut reader = Reader::new(cx, item, HTTP);
    let url = reader.word("an address");
    let digest = reader.text_property("sha256");
    let digest_given = digest.is_some();
    let sha256 = digest.and_then(|digest| sha256(&mut reader, &digest));
    let unpack = reader.flag_property("unpack").unwrap_or(false);
    let mode = reader.mode("mode");
    let filename = reader.text_property("filename").and_then(|name| valid_filename(&mut reader, name));
    let span = reader.span();
    if unpack {
        let other = [mode.as_ref().map(|mode| mode.span), filename.as_ref().map(|name| name.span)];
        for other in other.into_iter().flatten() {
            let message = "an archive that is unpacked has neither a mode nor a name of its own";
            reader.report(mistake::conflict(other, message, reader.name_span(), "leave it out, or do not unpack"));
        }
    }
    let address = url.as_ref().and_then(|url| reader.address(url, &["https", "http"]));
    if let (Some(url), Some("http"), false) = (&url, address.as_ref().map(url::Url::scheme), digest_given) {
        let help = "use `https`, or say what must come: `sha256=\"…\"`";
        reader.report(mistake::bad_value(
            url.span,
            "plain `http` needs a `sha256`: anybody on the way could change what comes",
            help,
        ));
    }
    let name = match (&address, &filename) {
        _ if unpack => Some(String::new()),
        (_, Some(name)) => Some(name.value.clone()),
        (Some(address), None) => {
            let name = last_part(address);
            if name.is_none() {
                reader.missing_property("filename");
            }
            name
        }
        (None, None) => None,
    };
    reader.finish();
    address?;
    Some(Http { url: url?, sha256, unpack, mode: mode.map(|mode| mode.value), filename: name?, span })
}

fn sha256(reader: &mut Reader, digest: &Spanned<String>) -> Option<Spanned<Digest>> {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    match Digest::from_hex(hex) {
        Ok(value) => Some(Spanned::new(value, digest.span)),
        Err(_) => {
            let message = format!("`{}` is no SHA-256 digest", mistake::clip(digest));
            reader.report(mistake::bad_value(digest.span, message, "it has 64 digits, of 0-9 and a-f"));
            None
        }
    }
}

fn is_filename(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && name.len() <= 255 && !name.contains(['/', '\0'])
}

fn valid_filename(reader: &mut Reader, name: Spanned<String>) -> Option<Spanned<String>> {
    if !is_filename(&name) {
        reader.report(mistake::bad_name(name.span, "a file", &name, "a file's name has no slash"));
        return None;
    }
    Some(name)
}

/// The file's name as the address says it.
fn last_part(address: &url::Url) -> Option<String> {
    let part = address.path_segments()?.next_back()?;
    let name = percent_encoding::percent_decode_str(part).decode_utf8().ok()?;
    is_filename(&name).then(|| name.into_owned())
}

fn oci<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Layout> {
    let mut reader = Reader::new(cx, item, OCI);
    let path = reader.word("the path of an OCI layout").and_then(|path| reader.project_path(path));
    let reference = reader.text_property("ref").and_then(|reference| valid_reference(&mut reader, reference));
    let platform =
        reader.text_property("platform").and_then(|platform| super::platform::platform(&mut reader, &platform));
    let span = reader.span();
    reader.finish();
    Some(Layout { path: path?, reference, platform, span })
}

/// A tag or a digest; tags of layouts are free texts, names of images among them.
fn valid_reference(reader: &mut Reader, reference: Spanned<String>) -> Option<Spanned<String>> {
    let digest = !reference.starts_with("sha256:") || reference.parse::<Digest>().is_ok();
    if reference.is_empty() || reference.len() > 512 || !digest || reference.contains(char::is_control) {
        let message = format!("`{}` is neither a tag nor a digest", mistake::clip(&reference));
        reader.report(mistake::bad_value(reference.span, message, "write `\"latest\"` or `\"sha256:…\"`"));
        return None;
    }
    Some(reference)
}
