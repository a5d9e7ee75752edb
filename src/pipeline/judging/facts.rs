//! What a build knows of its image, as the rules look at it.

use super::super::inventory::location;
use super::super::project::Project;
use crate::diagnostic::{Sources, Span};
use crate::evidence::provenance::{Build, Dependency};
use crate::evidence::scan::configuration::{Command, Input, InputKind};
use crate::evidence::scan::{Place, SpecLine};
use crate::evidence::{Inventory, Network, Owner, Step};
use crate::git::Revision;
use crate::spec::{Base, Image, Pair, SourceKind};
use crate::tree::TreePath;
use std::collections::BTreeSet;

/// What the image and the stages that it uses were made of; `told` is what provenance tells of it.
pub(super) fn inputs(
    project: &Project,
    image: &Image,
    told: &Build,
    inventory: &Inventory,
    sources: &Sources,
) -> Vec<Input> {
    let stages = project.spec.stages_of(image).into_iter().map(|stage| &stage.image);
    let parts: Vec<&Image> = stages.chain([image]).collect();
    let used: BTreeSet<&str> = parts.iter().flat_map(|image| image.sources()).collect();
    let bases: BTreeSet<&str> = parts.iter().filter_map(|image| base(image)).collect();
    let used = project.spec.sources.iter().filter(|source| used.contains(source.name.value.as_str()));
    let inputs = used.flat_map(|source| {
        let (kind, span) = match &source.kind {
            SourceKind::Context(_) | SourceKind::Oci(_) => return Vec::new(),
            SourceKind::Http(http) => {
                let (url, pinned) = (http.url.value.clone(), http.sha256.is_some());
                (InputKind::Download { url, pinned, runs: false }, http.span)
            }
            SourceKind::Git(git) => {
                let pinned = matches!(git.revision.as_ref().map(|r| &r.value), Some(Revision::Commit(_)));
                (InputKind::Repository { url: git.address.value.to_string(), pinned }, git.span)
            }
            SourceKind::Image(image) => {
                let reference = image.reference.value.to_string();
                let is_base = bases.contains(source.name.value.as_str());
                // What must be signed and is not has no image that could be judged.
                let signed = Some(!project.demands(image).is_empty());
                let pinned = image.reference.digest.is_some();
                (InputKind::Image { reference, is_base, signed, pinned }, image.span)
            }
        };
        let submodules = submodules(told, &source.name.value);
        let submodules = submodules.map(|url| InputKind::Repository { url, pinned: true });
        let input = |kind| Input { name: source.name.value.clone(), kind, place: said(inventory, sources, span) };
        std::iter::once(kind).chain(submodules).map(input).collect::<Vec<_>>()
    });
    inputs.collect()
}

/// The addresses of the submodules of a source: its commit names them, and not the spec.
fn submodules<'b>(told: &'b Build, source: &'b str) -> impl Iterator<Item = String> + 'b {
    let of_stages = told.stages.iter().flat_map(|stage| &stage.dependencies);
    let urls = told.dependencies.iter().chain(of_stages).filter_map(move |dependency| match dependency {
        Dependency::Git { name, commit, submodule: Some(_), .. } if name == source => Some(commit.uri.clone()),
        _ => None,
    });
    urls.collect::<BTreeSet<String>>().into_iter()
}

fn base(image: &Image) -> Option<&str> {
    match image.base.as_ref().map(|base| &base.value) {
        Some(Base::Source(name)) => Some(name),
        _ => None,
    }
}

/// The commands that ran for the image, those of packages' own scripts included.
pub(super) fn commands(project: &Project, image: &Image, inventory: &Inventory, sources: &Sources) -> Vec<Command> {
    let command = |step: &Step, stage: Option<&str>| Command {
        name: step.name.clone(),
        stage: stage.map(str::to_owned),
        network: step.network == Network::Host,
        scripts: false,
        place: Place::said(inventory, step.location),
    };
    let of_stages =
        inventory.stages.iter().flat_map(|stage| stage.steps.iter().map(move |step| (step, Some(stage.name.as_str()))));
    let all = of_stages.chain(inventory.steps.iter().map(|step| (step, None)));
    let mut commands: Vec<Command> = all.map(|(step, stage)| command(step, stage)).collect();
    let stages = project.spec.stages_of(image).into_iter().map(|stage| (Some(stage.name.value.clone()), &stage.image));
    for (stage, image) in stages.chain([(None, image)]) {
        let Some(span) = image.runs_scripts() else { continue };
        let place = said(inventory, sources, span);
        commands.push(Command { name: "`packages`".to_owned(), stage, network: false, scripts: true, place });
    }
    commands
}

/// The files of which nobody says where they come from: those of bases without a bill of materials.
pub(super) fn unattributed(inventory: &Inventory) -> Vec<TreePath> {
    let of_base = |owner: &Owner| match owner {
        Owner::Base(base) => inventory.bases.get(*base).is_some_and(|base| base.claims.is_none()),
        Owner::Stage { stage, owner, .. } => match (inventory.stages.get(*stage), owner.as_ref()) {
            (Some(stage), Owner::Base(base)) => stage.bases.get(*base).is_some_and(|base| base.claims.is_none()),
            _ => false,
        },
        _ => false,
    };
    let files = inventory.files.iter().filter(|file| of_base(&file.owner));
    let bytes = files.map(|file| crate::evidence::bytes_of(file.path.trim_start_matches('/')));
    bytes.filter_map(|bytes| TreePath::new(bytes).ok()).collect()
}

/// The line of the spec that says a part of how an image starts, as [`Place::part`] names it; where none does, that of the
/// image, where it is to be said.
pub(super) fn line_of_part(image: &Image, inventory: &Inventory, sources: &Sources, part: &str) -> Option<SpecLine> {
    let pair =
        |pairs: &[Pair], name: &str| pairs.iter().find(|pair| pair.name.value == name).map(|pair| pair.name.span);
    let span = match part.split_once(' ').unwrap_or((part, "")) {
        ("user", _) => image.user.as_ref().map(|user| user.span),
        ("entrypoint", _) => image.entrypoint.as_ref().or(image.cmd.as_ref()).map(|words| words.span),
        ("cmd", _) => image.cmd.as_ref().map(|words| words.span),
        ("healthcheck", _) => image.healthcheck.as_ref().map(|check| check.span),
        ("port", written) => image.ports.iter().find(|port| port.value.to_string() == written).map(|port| port.span),
        ("label", name) => pair(&image.labels, name),
        ("annotation", name) => pair(&image.annotations, name),
        ("variable", name) => pair(&image.env, name),
        ("distribution", _) => image.base.as_ref().map(|base| base.span),
        // A database and a line of an image's history stand in no spec.
        ("database" | "history", _) => return None,
        _ => None,
    };
    said(inventory, sources, span.unwrap_or(image.name.span)).origin.spec
}

fn said(inventory: &Inventory, sources: &Sources, span: Span) -> Place {
    Place::said(inventory, Some(location(sources, span)))
}
