//! Where a daemon gets what the graph of a spec takes.

use super::pieces::Pieces;
use super::{Building, bring, files};
use crate::llb::exec::{Exec, Mount, MountKind, Sharing};
use crate::llb::{Action, Builder, Copy, FileOp, Mkfile, Note, Output, attr};
use crate::oci::{Digest, Platform, Reference};
use crate::packages::deb::MirrorConfig;
use crate::pipeline::error::Error;
use crate::pipeline::inputs::looks_below;
use crate::pipeline::locking::Leveled;
use crate::pipeline::portable::Elsewhere;
use crate::pipeline::project::Project;
use crate::plan::{self, Lock};
use crate::solve::embedded::patterns_of;
use crate::spec::{Base, RegistryImage, SourceKind};
use std::collections::BTreeMap;
use std::path::Path;

/// The sources of one graph.
pub(super) struct Sources<'a> {
    pub building: &'a Building<'a>,
    pub pieces: &'a Pieces<'a>,
    pub target: &'a Leveled<'a>,
    pub platform: &'a Platform,
    /// The outputs of the command that makes trees of packages and accounts, once somebody takes one.
    pub made: Option<Vec<Output>>,
}

/// The digests of all images of registries, by the names of their sources.
pub(super) fn images(project: &Project, lock: &Lock) -> BTreeMap<String, Digest> {
    let images = project.spec.sources.iter().filter_map(|source| match &source.kind {
        SourceKind::Image(image) => Some((source.name.value.clone(), lock.image(&image.reference)?.sha256)),
        _ => None,
    });
    images.collect()
}

/// The image of a registry that an image or a stage stands on, with its digest.
pub(super) fn base<'a>(
    project: &'a Project,
    leveled: &Leveled<'_>,
    lock: &Lock,
) -> Option<(&'a RegistryImage, Digest)> {
    let base = leveled.levels.first()?.image.base.as_ref()?;
    let Base::Source(name) = &base.value else { return None };
    match &project.spec.source(name)?.kind {
        SourceKind::Image(image) => Some((image, lock.image(&image.reference)?.sha256)),
        _ => None,
    }
}

/// The name of an image without what can move.
pub(super) fn without_tag(reference: &Reference) -> String {
    format!("{}/{}", reference.registry, reference.repository)
}

impl Elsewhere for Sources<'_> {
    fn stored(&mut self, builder: &mut Builder, name: &str, manifest: &Digest, note: Note) -> Result<Output, Error> {
        if let Some(position) = self.pieces.position(manifest) {
            if self.made.is_none() {
                let platform = builder.platform().clone();
                self.made = Some(self.make(builder)?);
                builder.set_platform(platform);
            }
            let made = self.made.as_ref().and_then(|made| made.get(position).copied());
            return made.ok_or_else(|| Error::Mistake(format!("nobody makes the {name}")));
        }
        let project = self.building.project;
        let pinned = |image: &&RegistryImage| {
            self.building.lock.image(&image.reference).is_some_and(|locked| locked.sha256 == *manifest)
        };
        let images = project.spec.sources.iter().filter_map(|source| match &source.kind {
            SourceKind::Image(image) => Some(image),
            _ => None,
        });
        let image = images.into_iter().find(pinned);
        let image = image.ok_or_else(|| Error::Mistake(format!("the spec has no image {manifest}")))?;
        Ok(of_registry(builder, image, manifest, note))
    }

    fn context(&mut self, builder: &mut Builder, name: &str, attrs: attr::Local, note: Note) -> Result<Output, Error> {
        let asked = self.building.asked;
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

fn of_registry(builder: &mut Builder, image: &RegistryImage, digest: &Digest, note: Note) -> Output {
    let built = builder.platform().clone();
    builder.set_platform(image.platform(&built).clone());
    let identifier = format!("docker-image://{}@{digest}", without_tag(&image.reference));
    let output = builder.source(&identifier, BTreeMap::new(), note);
    builder.set_platform(built);
    output
}

impl Sources<'_> {
    /// The folder of one of the spec's contexts.
    fn path_of(&self, name: &str) -> Result<&str, Error> {
        match self.building.project.spec.source(name).map(|source| &source.kind) {
            Some(SourceKind::Context(context)) => Ok(&context.path.value),
            _ => Err(Error::Mistake(format!("the spec has no context {name}"))),
        }
    }

    /// The command that makes trees of packages and accounts: this program, in its own image, without network.
    fn make(&self, builder: &mut Builder) -> Result<Vec<Output>, Error> {
        builder.set_platform(Platform::host());
        let asked = self.building.asked;
        let local = [("image.resolvemode".to_owned(), "local".to_owned())].into();
        let note = Note::named("[internal] load kiln");
        let program = builder.source(&format!("docker-image://{}", with_tag(&asked.frontend)), local, note);
        let tree = |target: String, from, writable| Mount {
            target,
            kind: MountKind::Tree { from, selector: "/".into(), writable },
        };
        let store = MountKind::Cache { id: "kiln".into(), sharing: Sharing::Shared };
        let mut mounts: Vec<Mount> = (0..self.pieces.list.len())
            .map(|number| tree(format!("{}/{number}", bring::OUTPUTS), None, true))
            .collect();
        let outputs = mounts.len();
        mounts.push(Mount { target: bring::STORE.into(), kind: store });
        mounts.push(Mount { target: "/tmp".into(), kind: MountKind::Tmpfs { size: 0 } });
        let files = self.files(builder)?;
        mounts.push(tree(bring::SPEC.into(), Some(files), false));
        let archives = self.archives(builder)?;
        mounts.extend(archives.map(|archives| tree(bring::ARCHIVES.into(), Some(archives), false)));
        for (number, subject) in self.pieces.subjects.iter().enumerate() {
            let base = base(self.building.project, subject.leveled, self.building.lock);
            let Some((image, digest)) = base else { continue };
            if looks_below(self.building.project, subject.leveled, subject.platform)? {
                builder.set_platform(subject.platform.clone());
                let base = of_registry(builder, image, &digest, Note::default());
                mounts.push(tree(format!("{}/{number}", bring::BASES), Some(base), false));
            }
        }
        builder.set_platform(Platform::host());
        let words = self.words();
        let exec = Exec { mounts, ..Exec::new(Some(program), words.iter().map(String::as_str)) };
        let made = builder.exec(exec, Note::named("unpack packages")).mounts;
        Ok(made.into_iter().take(outputs).flatten().collect())
    }

    /// How this program is called to make them.
    fn words(&self) -> Vec<String> {
        let asked = self.building.asked;
        let spec = format!("{}/{}", bring::SPEC, asked.file);
        let name = self.target.image.name.value.to_string();
        let name = name.strip_prefix("stage ").unwrap_or(&name).to_owned();
        let words = ["/usr/bin/kiln", "frontend", "bring", "--store", bring::STORE, "--progress", "quiet"];
        let words = words.into_iter().map(str::to_owned);
        let args = asked.args.iter().flat_map(|(name, value)| ["--arg".to_owned(), format!("{name}={value}")]);
        words.chain(args).chain([format!("--platform={}", self.platform), spec, name]).collect()
    }

    /// A tree with the files that the spec consists of.
    fn files(&self, builder: &mut Builder) -> Result<Output, Error> {
        let mut actions = Vec::new();
        for (path, text) in files::texts(self.building.folder)? {
            if let Some(parent) = Path::new(&path).parent().and_then(Path::to_str).filter(|path| !path.is_empty()) {
                actions.push(Action::Mkdir(crate::llb::Mkdir::new(format!("/{parent}"), 0o755)));
            }
            actions.push(Action::Mkfile(Mkfile::new(format!("/{path}"), 0o644, text)));
        }
        Ok(builder.file(FileOp { actions, ..FileOp::default() }, Note::named("[internal] the spec and its lock")))
    }

    /// A tree with the archives of all packages, which the daemon downloads and checks; none where there are none.
    fn archives(&self, builder: &mut Builder) -> Result<Option<Output>, Error> {
        let mirror = self.building.asked.mirror.as_deref();
        let mirrors = MirrorConfig::read(Path::new("/"), mirror);
        let mirrors = mirrors.map_err(|e| Error::Usage(format!("KILN_DEBIAN_MIRROR cannot be used: {e}")))?;
        let mut all = Vec::new();
        for (digest, (package, request)) in &self.pieces.archives {
            let of_suite = request
                .sources
                .iter()
                .filter(|source| source.apt.suites.iter().any(|suite| suite.name.value == package.suite));
            let mut places = Vec::new();
            for source in of_suite {
                places.extend(plan::mirrors(source, &package.suite, &mirrors)?);
            }
            let place = places.first().and_then(|place| place.below(&package.path));
            let place = place.ok_or_else(|| Error::Usage(format!("nobody says where {} is", package.name)))?;
            let attrs = attr::http(digest, Some(&digest.hex()), Some(0o644));
            let note = Note::named(format!("fetch {} {}", package.name, package.version));
            all.push(builder.source(place.secret().as_str(), attrs, note));
        }
        Ok(builder.merge(&all, Note::named("[internal] archives of packages")))
    }
}

/// The frontend's own image, as the daemon names it.
fn with_tag(reference: &Reference) -> String {
    match (&reference.tag, &reference.digest) {
        (None, None) => format!("{reference}:latest"),
        _ => reference.to_string(),
    }
}
