//! Commands of this program in a daemon: in the frontend's own image, without network.

use super::{Building, bring, files};
use crate::llb::exec::{Exec, Mount, MountKind, Sharing};
use crate::llb::{Action, Builder, FileOp, Mkdir, Mkfile, Note, Output};
use crate::oci::{Platform, Reference};
use crate::pipeline::error::Error;
use std::path::Path;

/// What is run.
pub(super) struct Command<'a> {
    /// The command below `kiln frontend`.
    pub name: &'static str,
    /// What stands before the spec, and what behind it.
    pub words: [Vec<String>; 2],
    /// What it can read, beside the files that the spec consists of.
    pub mounts: Vec<Mount>,
    /// How many trees it makes.
    pub outputs: usize,
    /// What people see of it.
    pub note: &'a str,
}

/// A tree that a command can read.
pub(super) fn readable(target: String, tree: Output) -> Mount {
    mount(target, Some(tree), false)
}

fn mount(target: String, from: Option<Output>, writable: bool) -> Mount {
    Mount { target, kind: MountKind::Tree { from, selector: "/".into(), writable } }
}

impl Command<'_> {
    /// Runs it on the daemon's own platform; the trees that it makes.
    pub(super) fn run(self, builder: &mut Builder, building: &Building<'_>) -> Result<Vec<Output>, Error> {
        let asked_for = builder.platform().clone();
        builder.set_platform(Platform::host());
        let asked = building.asked;
        let local = [("image.resolvemode".to_owned(), "local".to_owned())].into();
        let note = Note::named("[internal] load kiln");
        let program = builder.source(&format!("docker-image://{}", with_tag(&asked.frontend)), local, note);
        let store = MountKind::Cache { id: "kiln".into(), sharing: Sharing::Shared };
        let mut mounts: Vec<Mount> =
            (0..self.outputs).map(|number| mount(format!("{}/{number}", bring::OUTPUTS), None, true)).collect();
        mounts.push(Mount { target: bring::STORE.into(), kind: store });
        mounts.push(Mount { target: "/tmp".into(), kind: MountKind::Tmpfs { size: 0 } });
        mounts.push(readable(bring::SPEC.into(), spec(builder, building)?));
        mounts.extend(self.mounts);
        let words = ["/usr/bin/kiln", "frontend", self.name, "--store", bring::STORE, "--progress", "quiet"];
        let args = asked.args.iter().flat_map(|(name, value)| ["--arg".to_owned(), format!("{name}={value}")]);
        let [before, behind] = self.words;
        let spec = format!("{}/{}", bring::SPEC, asked.file);
        let words = words.into_iter().map(str::to_owned).chain(args).chain(before).chain([spec]).chain(behind);
        let words: Vec<String> = words.collect();
        let exec = Exec { mounts, ..Exec::new(Some(program), words.iter().map(String::as_str)) };
        let made = builder.exec(exec, Note::named(self.note)).mounts;
        builder.set_platform(asked_for);
        Ok(made.into_iter().take(self.outputs).flatten().collect())
    }
}

/// A tree with the files that the spec consists of.
fn spec(builder: &mut Builder, building: &Building<'_>) -> Result<Output, Error> {
    let mut actions = Vec::new();
    for (path, text) in files::texts(building.folder)? {
        if let Some(parent) = Path::new(&path).parent().and_then(Path::to_str).filter(|path| !path.is_empty()) {
            actions.push(Action::Mkdir(Mkdir::new(format!("/{parent}"), 0o755)));
        }
        actions.push(Action::Mkfile(Mkfile::new(format!("/{path}"), 0o644, text)));
    }
    Ok(builder.file(FileOp { actions, ..FileOp::default() }, Note::named("[internal] the spec and its lock")))
}

/// The frontend's own image, as the daemon names it.
fn with_tag(reference: &Reference) -> String {
    match (&reference.tag, &reference.digest) {
        (None, None) => format!("{reference}:latest"),
        _ => reference.to_string(),
    }
}
