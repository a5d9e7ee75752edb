//! Where images go.

use super::attest::Attested;
use super::error::Error;
use super::project::Project;
use super::report::OutputReport;
use super::session::Session;
use crate::compile::OUTPUT_FOLDER;
use crate::image::assemble::Image;
use crate::image::output::{self, Content, Output, Written};
use crate::oci::{Descriptor, Digest, Reference};
use crate::spec::{Image as SpecImage, SourceKind};
use crate::tree::Tree;
use std::path::{Path, PathBuf};

/// An image with all that belongs to it.
pub(super) struct Bundle<'a> {
    /// The manifest or index.
    pub subject: &'a Descriptor,
    /// Its names.
    pub tags: &'a [Reference],
    /// The images of its platforms with their file systems.
    pub images: Vec<(&'a Image, Digest)>,
    /// The signed statements.
    pub attested: Vec<&'a Attested>,
    /// The epoch.
    pub epoch: i64,
}

/// The outputs of an image: those that were asked for, else a layout beside the spec.
///
/// # Errors
/// Where one is none, or lies in a context, whose content would change with every build.
pub(super) fn plan(project: &Project, image: &SpecImage, asked: &[String]) -> Result<Vec<Output>, Error> {
    if asked.is_empty() {
        let folder = project.folder.join(OUTPUT_FOLDER);
        return Ok(vec![Output::Oci(folder.join(folder_name(project, image)))]);
    }
    let several = project.spec.images.len() > 1;
    let mut outputs = Vec::new();
    for text in asked {
        let output: Output = text.parse()?;
        let output = match several {
            true => beside(output, &folder_name(project, image)),
            false => output,
        };
        check_outside_contexts(project, path_of(&output))?;
        outputs.push(output);
    }
    Ok(outputs)
}

/// With several images each gets an output of its own: a folder below the one that was named, or a file beside it.
fn beside(output: Output, name: &str) -> Output {
    let file = |path: PathBuf| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let ending = path.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
        path.with_file_name(format!("{stem}-{name}{ending}"))
    };
    match output {
        Output::Oci(path) => Output::Oci(path.join(name)),
        Output::Tree(path) => Output::Tree(path.join(name)),
        Output::Tar(path) => Output::Tar(file(path)),
        Output::OciArchive(path) => Output::OciArchive(file(path)),
        Output::DockerArchive(path) => Output::DockerArchive(file(path)),
    }
}

/// The last part of the image's name, or all of it where another image has the same.
fn folder_name(project: &Project, image: &SpecImage) -> String {
    let last = |image: &SpecImage| image.name.repository.rsplit('/').next().unwrap_or_default().to_owned();
    let name = last(image);
    match project.spec.images.iter().filter(|other| last(other) == name).count() {
        1 => name,
        _ => image.name.repository.replace('/', "-"),
    }
}

/// Refuses an output that lies in a context, whose content it would change.
pub(super) fn check_outside_contexts(project: &Project, output: &Path) -> Result<(), Error> {
    let parent = match output.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Where the folder above does not exist yet, writing will say so.
    let Ok(place) = parent.canonicalize().map(|parent| parent.join(output.file_name().unwrap_or_default())) else {
        return Ok(());
    };
    for source in &project.spec.sources {
        let SourceKind::Context(context) = &source.kind else { continue };
        let Ok(root) = project.folder.join(&context.path.value).canonicalize() else { continue };
        let Ok(inside) = place.strip_prefix(&root) else { continue };
        let first = inside.components().next().map(|c| c.as_os_str().to_string_lossy().into_owned());
        let excluded = |first: &String| {
            first == OUTPUT_FOLDER || context.exclude.iter().any(|pattern| pattern.trim_end_matches('/') == *first)
        };
        if !context.include.is_empty() || first.as_ref().is_some_and(excluded) {
            continue;
        }
        return Err(Error::Usage(format!(
            "the output {} lies in the source \"{}\", which it would change: choose another place, \
             or leave it out of the source with `exclude \"{}\"`",
            output.display(),
            source.name.value,
            first.unwrap_or_default(),
        )));
    }
    Ok(())
}

/// Where an output is.
pub(super) fn path_of(output: &Output) -> &Path {
    match output {
        Output::Oci(path)
        | Output::OciArchive(path)
        | Output::DockerArchive(path)
        | Output::Tree(path)
        | Output::Tar(path) => path,
    }
}

/// Writes an image to an output.
pub(super) fn write(session: &Session<'_>, output: &Output, bundle: &Bundle<'_>) -> Result<OutputReport, Error> {
    let store = &session.store;
    let content = Content {
        image: bundle.subject.clone(),
        names: bundle.tags.to_vec(),
        referrers: bundle.attested.iter().flat_map(|attested| attested.referrers.iter().cloned()).collect(),
    };
    make_parent(output)?;
    let (kind, written) = match output {
        Output::Oci(path) => ("oci", output::write_layout(&content, store, path, bundle.epoch)?),
        Output::OciArchive(path) => ("oci-archive", output::write_oci_archive(&content, store, path, bundle.epoch)?),
        Output::DockerArchive(path) => {
            ("docker-archive", output::write_docker_archive(&content, None, store, path, bundle.epoch)?)
        }
        Output::Tree(_) | Output::Tar(_) => {
            let [(_, tree)] = bundle.images.as_slice() else {
                return Err(Error::Usage(
                    "an image for several platforms is no single tree: choose one with `--platform`".into(),
                ));
            };
            return write_files(session, output, &Tree::load(store, tree)?, bundle.epoch);
        }
    };
    Ok(report(kind, output, written))
}

fn report(kind: &'static str, output: &Output, written: Written) -> OutputReport {
    OutputReport { kind, path: path_of(output).display().to_string(), unchanged: written == Written::Unchanged }
}

fn make_parent(output: &Output) -> Result<(), Error> {
    match path_of(output).parent().filter(|parent| !parent.as_os_str().is_empty()) {
        None => Ok(()),
        Some(parent) => {
            std::fs::create_dir_all(parent).map_err(|source| Error::Unwritable { path: parent.to_owned(), source })
        }
    }
}

/// Writes a file system to an output that holds nothing else: a folder or an archive.
///
/// # Errors
/// [`Error::Usage`] for an output of another kind.
pub(super) fn write_files(
    session: &Session<'_>,
    output: &Output,
    tree: &Tree,
    epoch: i64,
) -> Result<OutputReport, Error> {
    let store = &session.store;
    make_parent(output)?;
    match output {
        Output::Tar(path) => Ok(report("tar", output, output::write_tree_archive(tree, store, path, epoch)?)),
        Output::Tree(path) => {
            let losses = output::write_tree(tree, store, path, epoch)?;
            if let Some((first, _)) = losses.first() {
                session.warn(&format!(
                    "{} entries of {} could not keep everything (owners, devices or attributes need root); \
                     the first is {first}",
                    losses.len(),
                    path.display(),
                ));
            }
            Ok(report("tree", output, Written::New))
        }
        other => Err(Error::Usage(format!("a stage is no image: it goes to tree:DIR or tar:FILE, not to {other}"))),
    }
}

/// The outputs of a stage that was asked for by itself.
///
/// # Errors
/// As [`plan`], and where there is none.
pub(super) fn plan_files(project: &Project, asked: &[String]) -> Result<Vec<Output>, Error> {
    if asked.is_empty() {
        return Err(Error::Usage("say where the stage goes: `-o tree:DIR` or `-o tar:FILE`".into()));
    }
    let parsed = asked.iter().map(|text| {
        let output: Output = text.parse()?;
        check_outside_contexts(project, path_of(&output))?;
        Ok(output)
    });
    parsed.collect()
}
