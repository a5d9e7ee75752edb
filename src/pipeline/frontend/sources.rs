//! Where a daemon gets what the graph of a spec takes.

use super::archives::Archives;
use super::pieces::Pieces;
use super::program::{Command, readable};
use super::{Building, bring, commits, files, images};
use crate::llb::exec::Mount;
use crate::llb::{Action, Builder, Copy, FileOp, Note, Output, attr};
use crate::oci::{Digest, Platform};
use crate::pipeline::error::Error;
use crate::pipeline::inputs::looks_below;
use crate::pipeline::locking::Leveled;
use crate::pipeline::portable::Elsewhere;
use crate::solve::embedded::patterns_of;
use crate::spec::SourceKind;

/// The sources of one graph.
pub(super) struct Sources<'a> {
    pub building: &'a Building<'a>,
    pub pieces: &'a Pieces<'a>,
    pub target: &'a Leveled<'a>,
    pub platform: &'a Platform,
    /// Where the archives of packages are.
    pub archives: &'a Archives,
    /// The outputs of the command that makes trees of packages and accounts, once somebody takes one.
    pub made: Vec<Output>,
}

impl Elsewhere for Sources<'_> {
    fn stored(&mut self, builder: &mut Builder, name: &str, manifest: &Digest, note: Note) -> Result<Output, Error> {
        let building = self.building;
        if let Some(position) = self.pieces.position(manifest) {
            if self.made.is_empty() {
                self.made = self.make(builder)?;
            }
            let made = self.made.get(position).copied();
            return made.ok_or_else(|| Error::Mistake(format!("nobody makes the {name}")));
        }
        if let Some(locked) = building.lock.commits.iter().find(|commit| commits::name(&commit.source) == *manifest) {
            return commits::tree(builder, building, locked);
        }
        let source = building.project.spec.sources.iter().find(|source| images::name(&source.name) == *manifest);
        let image = source.map_or(Ok(None), |source| images::of_source(building, source))?;
        let image = image.ok_or_else(|| Error::Mistake(format!("the spec has no source {name}")))?;
        Ok(image.source(builder, note))
    }

    fn context(&mut self, builder: &mut Builder, name: &str, attrs: attr::Local, note: Note) -> Result<Output, Error> {
        let asked = self.building.asked;
        if asked.layouts.contains_key(name) {
            return Err(Error::Usage(format!("the source \"{name}\" is a folder, and a layout was given for it")));
        }
        let (folder, below) = match asked.contexts.get(name) {
            Some(folder) => (folder, ""),
            None => (&asked.context, self.path_of(name)?),
        };
        let inside = |path: &str| if below.is_empty() { path.to_owned() } else { format!("{below}/{path}") };
        let mut exclude = Vec::new();
        if let Some(file) = &attrs.ignore_file
            && let Some(text) = files::read(self.building.gateway, asked, folder, &inside(file))?
        {
            exclude = patterns_of(&String::from_utf8_lossy(&text));
        }
        exclude.extend(attrs.exclude);
        let put = |pattern: &String| match pattern.strip_prefix('!') {
            Some(pattern) => format!("!{}", inside(pattern)),
            None => inside(pattern),
        };
        let mut include: Vec<String> = attrs.include.iter().map(put).collect();
        if include.is_empty() && !below.is_empty() {
            include.push(below.to_owned());
        }
        let local = attr::Local { include, exclude: exclude.iter().map(put).collect(), ..attr::Local::default() };
        let more = [
            (attr::LOCAL_SESSION.to_owned(), asked.session.clone()),
            (attr::SHARED_KEY_HINT.to_owned(), format!("{folder}:{name}")),
        ];
        let attrs = local.attrs().into_iter().chain(more).collect();
        let source = builder.source(&format!("local://{folder}"), attrs, note.clone());
        if below.is_empty() {
            return Ok(source);
        }
        let copy = Copy { contents_only: true, ..Copy::new(Some(source), format!("/{below}"), "/") };
        Ok(builder.file(FileOp { actions: vec![Action::Copy(copy)], ..FileOp::default() }, note))
    }
}

impl Sources<'_> {
    /// The folder of one of the spec's contexts.
    fn path_of(&self, name: &str) -> Result<&str, Error> {
        match self.building.project.spec.source(name).map(|source| &source.kind) {
            Some(SourceKind::Context(context)) => Ok(&context.path.value),
            _ => Err(Error::Mistake(format!("the spec has no context {name}"))),
        }
    }

    /// The command that makes trees of packages and accounts.
    fn make(&self, builder: &mut Builder) -> Result<Vec<Output>, Error> {
        let platform = builder.platform().clone();
        let archives = self.archives.tree(builder);
        let mut mounts: Vec<Mount> =
            archives.into_iter().map(|archives| readable(bring::ARCHIVES.into(), archives)).collect();
        for (number, subject) in self.pieces.subjects.iter().enumerate() {
            let Some(image) = images::base(self.building, subject.leveled)? else { continue };
            if looks_below(self.building.project, subject.leveled, subject.platform)? {
                builder.set_platform(subject.platform.clone());
                mounts.push(readable(format!("{}/{number}", bring::BASES), image.source(builder, Note::default())));
            }
        }
        builder.set_platform(platform);
        let name = self.target.image.name.value.to_string();
        let name = name.strip_prefix("stage ").unwrap_or(&name).to_owned();
        let words = [vec![format!("--platform={}", self.platform)], vec![name]];
        let outputs = self.pieces.list.len();
        Command { name: "bring", words, mounts, outputs, note: "unpack packages" }.run(builder, self.building)
    }
}
