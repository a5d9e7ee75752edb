//! Reading a lock. It lies in a repository where anybody may have changed it, so nothing in it is believed by its looks.

use super::{Lock, LockedAdvisories, LockedCommit, LockedDownload, LockedEntry, LockedImage, LockedLayout, LockedSet};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, Span};
use crate::git::{Address, CommitId, Submodule};
use crate::oci::{Digest, Platform};
use crate::packages::deb::{self, LockedIndex, LockedPackage};
use crate::syntax::{self, Node, Value};
use jiff::civil::Date;

/// Why a lock cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LockError(pub Diagnostics);

impl Lock {
    /// Reads the text of `kiln.lock`; `name` is what diagnostics call the file.
    ///
    /// # Errors
    /// All mistakes with their places. A lock of a later version is one.
    pub fn from_text(name: &str, text: &[u8]) -> Result<Lock, LockError> {
        let mut sources = Sources::default();
        let nodes = syntax::add_up_to(&mut sources, name, text, MAX_SIZE)
            .and_then(|file| syntax::parse(file, sources.file(file).text()));
        let nodes = match nodes {
            Ok(nodes) => nodes,
            Err(list) => return Err(LockError(Diagnostics::new(list, sources))),
        };
        let mut reader = Reader { mistakes: Vec::new(), lock: Lock::default() };
        reader.document(&nodes, sources.iter().next().map(|(file, _)| Span::new(file, 0, 0)));
        if reader.mistakes.is_empty() {
            reader.lock.sort();
            Ok(reader.lock)
        } else {
            Err(LockError(Diagnostics::new(reader.mistakes, sources)))
        }
    }
}

/// The longest lock that is read, in bytes: some 100,000 packages.
const MAX_SIZE: usize = 32 << 20;

struct Reader {
    mistakes: Vec<Diagnostic>,
    lock: Lock,
}

impl Reader {
    fn document(&mut self, nodes: &[Node], start: Option<Span>) {
        let Some((first, rest)) = nodes.split_first() else {
            self.mistakes.extend(start.map(|span| mistake("the lock is empty", span)));
            return;
        };
        let version = first.args.first().map(|arg| &arg.value);
        if first.name.text != "lock" || version != Some(&Value::Int(1)) {
            self.mistakes.push(
                mistake("this is no lock that this kiln can read: it must begin with `lock 1`", first.span)
                    .with_help("a newer kiln may have written it; to make it anew, delete it and run `kiln lock`"),
            );
            return;
        }
        for node in rest {
            match node.name.text.as_str() {
                "index" => self.index(node),
                "http" => self.download(node),
                "git" => self.commit(node),
                "oci" => self.layout(node),
                "image" => self.image(node),
                "packages" => self.set(node),
                "advisories" => self.advisories(node),
                other => self.mistakes.push(mistake(&format!("a lock has no `{other}`"), node.name.span)),
            }
        }
    }

    fn index(&mut self, node: &Node) {
        let date = self.text(node, "date").and_then(|text| match text.parse::<jiff::Timestamp>() {
            Ok(date) => Some(date),
            Err(_) => {
                self.mistakes.push(mistake("`date` is no time like `2026-01-31T00:00:00Z`", node.span));
                None
            }
        });
        let keys = node.children.iter().flatten().filter(|child| child.name.text == "key");
        let keys = keys.filter_map(|key| self.arg(key, 0)).collect();
        let index = (|| {
            Some(LockedIndex {
                archive: self.arg(node, 0)?,
                suite: self.arg(node, 1)?,
                component: self.arg(node, 2)?,
                architecture: self.arg(node, 3)?,
                path: self.text(node, "path")?,
                sha256: self.digest(node, "sha256")?,
                size: self.number(node, "size")?,
                priority: match prop(node, "priority") {
                    None => deb::NORMAL_PRIORITY,
                    Some(_) => u16::try_from(self.number(node, "priority")?).unwrap_or(u16::MAX),
                },
                date: date?,
                valid_until_checked: prop(node, "valid-until-checked") != Some(&Value::Bool(false)),
                signed_by: keys,
            })
        })();
        self.lock.indexes.extend(index);
    }

    fn download(&mut self, node: &Node) {
        let download = (|| {
            Some(LockedDownload {
                source: self.arg(node, 0)?,
                url: self.text(node, "url")?,
                size: self.number(node, "size")?,
                sha256: self.digest(node, "sha256")?,
            })
        })();
        self.lock.downloads.extend(download);
    }

    fn commit(&mut self, node: &Node) {
        let modules = node.children.iter().flatten().filter(|child| child.name.text == "submodule");
        let modules = modules.filter_map(|child| {
            Some(Submodule { path: self.arg(child, 0)?, address: self.address(child)?, commit: self.commit_id(child)? })
        });
        let submodules = modules.collect();
        let commit = (|| {
            Some(LockedCommit {
                source: self.arg(node, 0)?,
                address: self.address(node)?,
                reference: prop(node, "ref").and_then(as_text),
                subdir: prop(node, "subdir").and_then(as_text).unwrap_or_default(),
                with_submodules: prop(node, "submodules") == Some(&Value::Bool(true)),
                commit: self.commit_id(node)?,
                tree: self.digest(node, "tree")?,
                submodules,
            })
        })();
        self.lock.commits.extend(commit);
    }

    fn address(&mut self, node: &Node) -> Option<Address> {
        let text = self.text(node, "url")?;
        text.parse().map_err(|error| self.mistakes.push(mistake(&format!("`url`: {error}"), node.span))).ok()
    }

    fn commit_id(&mut self, node: &Node) -> Option<CommitId> {
        let id = self.text(node, "commit")?.parse().ok();
        if id.is_none() {
            self.mistakes.push(mistake("`commit` is not 40 or 64 hexadecimal digits", node.span));
        }
        id
    }

    fn layout(&mut self, node: &Node) {
        let layout = (|| Some(LockedLayout { source: self.arg(node, 0)?, sha256: self.digest(node, "sha256")? }))();
        self.lock.layouts.extend(layout);
    }

    fn image(&mut self, node: &Node) {
        let attached = node.children.iter().flatten().filter(|child| child.name.text == "attached");
        let attached = attached.filter_map(|child| self.digest(child, "sha256")).collect();
        let image =
            (|| Some(LockedImage { reference: self.arg(node, 0)?, sha256: self.digest(node, "sha256")?, attached }))();
        self.lock.images.extend(image);
    }

    fn advisories(&mut self, node: &Node) {
        let date = self.text(node, "date").and_then(|text| match text.parse::<Date>() {
            Ok(date) => Some(date),
            Err(_) => {
                self.mistakes.push(mistake("`date` is no day like `2026-01-31`", node.span));
                None
            }
        });
        let reference = node.args.first().and_then(|arg| as_text(&arg.value));
        let sha256 = self.digest(node, "sha256");
        if self.lock.advisories.is_some() {
            self.mistakes.push(mistake("a lock has only one `advisories`", node.span));
        }
        self.lock.advisories = (|| Some(LockedAdvisories { reference, sha256: sha256?, date: date? }))();
    }

    fn set(&mut self, node: &Node) {
        let platform = self.text(node, "platform").and_then(|text| match text.parse::<Platform>() {
            Ok(platform) => Some(platform),
            Err(error) => {
                self.mistakes.push(mistake(&error.to_string(), node.span));
                None
            }
        });
        let packages: Vec<LockedEntry> = node.children.iter().flatten().filter_map(|n| self.entry(n)).collect();
        let set = (|| {
            Some(LockedSet {
                image: self.arg(node, 0)?,
                platform: platform?,
                request: self.digest(node, "request")?,
                packages,
            })
        })();
        self.lock.sets.extend(set);
    }

    fn entry(&mut self, node: &Node) -> Option<LockedEntry> {
        if node.name.text != "package" {
            self.mistakes.push(mistake("only `package` can stand here", node.name.span));
            return None;
        }
        let (name, version) = (self.arg(node, 0)?, self.arg(node, 1)?);
        let optional = |name: &str| prop(node, name).and_then(as_text);
        let package = LockedPackage {
            architecture: self.arg(node, 2)?,
            source: optional("source").unwrap_or_else(|| name.clone()),
            source_version: optional("source-version").unwrap_or_else(|| version.clone()),
            sha256: self.digest(node, "sha256")?,
            size: self.number(node, "size")?,
            path: self.text(node, "path")?,
            archive: self.text(node, "archive")?,
            suite: self.text(node, "suite")?,
            name,
            version,
        };
        Some(LockedEntry { package, base: optional("base") })
    }

    fn arg(&mut self, node: &Node, position: usize) -> Option<String> {
        let text = node.args.get(position).and_then(|arg| as_text(&arg.value));
        if text.is_none() {
            let what = format!("`{}` lacks its argument {}, a text", node.name.text, position + 1);
            self.mistakes.push(mistake(&what, node.span));
        }
        text
    }

    fn text(&mut self, node: &Node, name: &str) -> Option<String> {
        let text = prop(node, name).and_then(as_text);
        if text.is_none() {
            self.mistakes.push(mistake(&format!("`{}` lacks `{name}`, a text", node.name.text), node.span));
        }
        text
    }

    fn number(&mut self, node: &Node, name: &str) -> Option<u64> {
        let number = match prop(node, name) {
            Some(Value::Int(n)) => u64::try_from(*n).ok(),
            _ => None,
        };
        if number.is_none() {
            self.mistakes.push(mistake(&format!("`{}` lacks `{name}`, a number", node.name.text), node.span));
        }
        number
    }

    fn digest(&mut self, node: &Node, name: &str) -> Option<Digest> {
        let text = self.text(node, name)?;
        match Digest::from_hex(&text) {
            Ok(digest) => Some(digest),
            Err(_) => {
                self.mistakes.push(mistake(&format!("`{name}` is not 64 hexadecimal digits"), node.span));
                None
            }
        }
    }
}

fn prop<'a>(node: &'a Node, name: &str) -> Option<&'a Value> {
    node.props.iter().rev().find(|prop| prop.name.text == name).map(|prop| &prop.value.value)
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String { text, .. } => Some(text.clone()),
        _ => None,
    }
}

fn mistake(message: &str, span: Span) -> Diagnostic {
    Diagnostic::error("lock::malformed", message, span, "here")
        .with_help("`kiln lock` writes this file; restore it from version control, or delete it and run `kiln lock`")
        .with_page("specs/lock.md")
}
