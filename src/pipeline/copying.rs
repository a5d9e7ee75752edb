//! Images with their evidence, moved between layouts and registries.

use super::error::Error;
use super::output::path_of;
use super::place::{self, Found, Place};
use super::publish::{Release, publish};
use super::report::{CopyReport, OutputReport};
use super::session::Session;
use super::verifying::{self, public_key, verified};
use crate::image::layout::Layout;
use crate::image::output::{self, Content, Output, Written};
use crate::oci::{Descriptor, Reference};
use crate::registry::Want;
use std::path::PathBuf;

/// What is to be moved where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyOptions {
    /// A layout, or an image in a registry.
    pub source: String,
    /// Where it goes: references, or layouts with `oci:` or `oci-archive:` in front.
    pub targets: Vec<String>,
    /// The public key by which it is verified where it arrives; none to move it without.
    pub key: Option<PathBuf>,
    /// Whether tags may be moved from other images.
    pub clobber: bool,
}

/// Pushes a layout: a copy whose source is on disk, and whose targets are in registries.
///
/// # Errors
/// As [`copy`].
pub fn push(session: &Session<'_>, options: &CopyOptions) -> Result<CopyReport, Error> {
    if let Place::Registry(reference) = Place::parse(&options.source)? {
        return Err(Error::Usage(format!("{reference} is in a registry already: `kiln copy` takes it from there")));
    }
    for target in &options.targets {
        if is_layout(target) {
            return Err(Error::Usage(format!("{target} is no place in a registry: `kiln copy` writes layouts")));
        }
    }
    copy(session, options)
}

/// Moves an image and all that refers to it, and verifies it where it has arrived.
///
/// # Errors
/// A copy that does not verify leaves tags as they were.
pub fn copy(session: &Session<'_>, options: &CopyOptions) -> Result<CopyReport, Error> {
    let key = options.key.as_deref().map(public_key).transpose()?;
    let (layouts, references) = targets(&options.targets)?;
    let source = Place::parse(&options.source)?;
    let Found { layout, subject } =
        place::find(session, &source, Want { platform: None, layers: true, referrers: true, ..Want::default() })?;
    let manifests = layout.platforms(&subject)?;
    let subjects = || verifying::subjects(session, &layout, &subject, &manifests);
    let mut report = CopyReport { digest: subject.digest, published: Vec::new(), outputs: Vec::new() };
    if !references.is_empty() {
        let release = Release {
            layout: &layout,
            image: &subject,
            targets: &references,
            clobber: options.clobber,
            key: key.as_ref(),
            subjects: &subjects,
        };
        report.published = publish(session, session.registries()?, &[release])?.into_iter().flatten().collect();
    }
    if layouts.is_empty() {
        return Ok(report);
    }
    // Unpacks the layers: once for the source and for all that is written of it.
    let expected = key.as_ref().map(|key| Ok::<_, Error>((key, subjects()?))).transpose()?;
    if let Some((key, subjects)) = &expected {
        // Nothing that does not verify replaces what is there.
        verified(&verifying::check(subjects, &layout, key)?, &options.source)?;
    }
    session.phase("writing");
    let content = Content {
        image: subject.clone(),
        names: names(&source, &layout, &subject),
        referrers: collect(session, &layout, &subject)?,
    };
    for target in layouts {
        report.outputs.push(write(session, &target, &content)?);
        let Some((key, subjects)) = &expected else { continue };
        let written = Layout::open(path_of(&target))?;
        verified(&verifying::check(subjects, &written, key)?, &target.to_string())?;
    }
    Ok(report)
}

fn is_layout(target: &str) -> bool {
    target.starts_with("oci:") || target.starts_with("oci-archive:")
}

/// Where the copy goes: layouts, and places in registries with a tag or digest.
fn targets(list: &[String]) -> Result<(Vec<Output>, Vec<Reference>), Error> {
    let (mut layouts, mut references) = (Vec::new(), Vec::new());
    for target in list {
        if is_layout(target) {
            layouts.push(target.parse()?);
            continue;
        }
        let text = match target.strip_prefix("docker://") {
            Some(text) => text,
            None if place::names_host(target) => target,
            // Otherwise the mistyped name of a folder would be sent to Docker Hub.
            None => {
                let advice = "write `oci:` or `oci-archive:` before a layout, and the registry's host before an image, \
                              as in registry.example.com/acme/hello:1.0";
                return Err(Error::Usage(format!("{target} is no place to write to: {advice}")));
            }
        };
        let reference: Reference = text.parse().map_err(|error: crate::oci::ReferenceError| {
            Error::Usage(format!("{error}; a layout is written with `oci:` or `oci-archive:` in front"))
        })?;
        references.push(place::with_tag(reference));
    }
    Ok((layouts, references))
}

/// The names that the image has in a layout: those of the layout that it comes from, or of its tag.
fn names(source: &Place, layout: &Layout, subject: &Descriptor) -> Vec<Reference> {
    match source {
        Place::Registry(reference) => reference.tag.iter().map(|_| reference.clone()).collect(),
        Place::Layout(_) => layout.names(subject),
    }
}

/// Brings an image and all that refers to it into the store; gives the rows of what refers to it.
fn collect(session: &Session<'_>, layout: &Layout, image: &Descriptor) -> Result<Vec<Descriptor>, Error> {
    let rows = layout.all_referrers(image)?;
    for row in rows.iter().chain([image]) {
        layout.import_all(row, &session.store)?;
    }
    Ok(rows)
}

fn write(session: &Session<'_>, target: &Output, content: &Content) -> Result<OutputReport, Error> {
    let store = &session.store;
    let (kind, written) = match target {
        Output::OciArchive(path) => ("oci-archive", output::write_oci_archive(content, store, path, 0)?),
        other => ("oci", output::write_layout(content, store, path_of(other), 0)?),
    };
    Ok(OutputReport { kind, path: path_of(target).display().to_string(), unchanged: written == Written::Unchanged })
}
