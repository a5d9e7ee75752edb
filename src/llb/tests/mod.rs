//! Tests of the graph: one file for each direction, and one for attacks.

mod adopting;
mod attacks;
mod building;
mod execs;
mod properties;
mod rendering;

use super::*;
use crate::diagnostic::{FileId, Sources, Span};
use crate::oci::{Digest, Platform};
use std::collections::BTreeMap;

fn builder() -> Builder {
    Builder::new(Platform::linux("amd64", None))
}

fn local(builder: &mut Builder, name: &str) -> Output {
    builder.source(&format!("local://{name}"), BTreeMap::new(), Note::default())
}

fn spec() -> (Sources, FileId) {
    let mut sources = Sources::default();
    let id = sources.add("kiln.kdl", "kiln 1\nimage \"x\" {\n    copy \"/a\"\n}\n");
    (sources, id)
}

/// A graph with every operation that the builder makes, and its definition.
fn everything() -> Definition {
    let (sources, id) = spec();
    let mut builder = builder();
    let attrs = attr::Local {
        include: vec!["src/**".into()],
        exclude: vec!["target".into(), "!target/keep".into()],
        follow: vec!["link".into()],
        ignore_file: Some(".dockerignore".into()),
    };
    let context = builder.source("local://app", attrs.attrs(), Note::named("the context"));
    let packages = builder.source(
        &attr::oci_layout("kiln.local/packages", &Digest::of("manifest")),
        BTreeMap::new(),
        Note::at(Span::new(id, 7, 16)),
    );
    let download = builder.source(
        "https://example.com/a.tgz",
        attr::http(&Digest::of("a"), Some("a.tgz"), Some(0o600)),
        Note::default(),
    );
    let mut copy = Copy::new(Some(context), "/src/*", "/usr/bin/");
    copy.owner = Some(Owner { user: Some(Account::Name("www-data".into())), group: Some(Account::Id(7)) });
    copy.mode = Mode::Bits(0o755);
    copy.allow_wildcard = true;
    copy.exclude = vec!["*.o".into()];
    let mut unpack = Copy::new(Some(download), "/a.tgz", "/opt/");
    unpack.unpack = true;
    unpack.mode = Mode::Symbolic("u=rwX".into());
    let files = builder.file(
        FileOp {
            base: Some(packages),
            accounts: None,
            actions: vec![
                Action::Mkdir(Mkdir::new("/srv", 0o755)),
                Action::Copy(copy),
                Action::Copy(unpack),
                Action::Mkfile(Mkfile::new("/etc/motd", 0o644, "hello\n")),
                Action::Symlink(Symlink::new("../motd", "/etc/x/motd")),
                Action::Remove(Remove { path: "/tmp/*".into(), allow_not_found: true, allow_wildcard: true }),
            ],
        },
        Note::named("the files").and_at(Span::new(id, 23, 32)),
    );
    let changed = builder.diff(Some(packages), Some(files), Note::default()).expect("there is a lower tree");
    let merged = builder.merge(&[packages, changed], Note::default()).expect("there are trees");
    let ran = builder.exec(execs::every_kind(merged, context), Note::named("the command"));
    builder.finish(ran.root.expect("the root is writable"), &sources).expect("the graph is valid")
}
