//! What later steps of continuous integration are told (`specs/report.md`).

use super::Environment;
use super::output::Failure;
use crate::pipeline::{self, BuildReport, ImageReport};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// Writes what was asked for, and on GitHub what steps there expect.
pub(super) fn tell(
    report: &BuildReport,
    metadata: Option<&Path>,
    dotenv: Option<&Path>,
    environment: &Environment,
) -> Result<(), Failure> {
    if let Some(path) = metadata {
        let text = serde_json::to_string_pretty(&metadata_of(report)).map_err(|e| Failure::machine(e.to_string()))?;
        pipeline::write_file(path, format!("{text}\n").as_bytes())?;
    }
    if let Some(path) = dotenv {
        let lines =
            variables(report).into_iter().map(|(name, value)| format!("KILN_{}={value}\n", name.to_uppercase()));
        pipeline::write_file(path, lines.collect::<String>().as_bytes())?;
    }
    if environment.text("GITHUB_ACTIONS") != Some("true") {
        return Ok(());
    }
    if let Some(path) = environment.text("GITHUB_OUTPUT") {
        let lines = variables(report).into_iter().map(|(name, value)| format!("{name}={value}\n"));
        append(Path::new(path), &lines.collect::<String>())?;
    }
    if let Some(path) = environment.text("GITHUB_STEP_SUMMARY") {
        append(Path::new(path), &summary(report))?;
    }
    Ok(())
}

/// GitHub's files belong to the whole step: what others wrote stays.
fn append(path: &Path, text: &str) -> Result<(), Failure> {
    let written = File::options().append(true).create(true).open(path).and_then(|mut f| f.write_all(text.as_bytes()));
    written.map_err(|error| Failure::machine(format!("cannot write {}: {error}", path.display())))
}

/// As buildx has it; with several images, one such object for each by its name.
fn metadata_of(report: &BuildReport) -> Value {
    let of = |image: &ImageReport| {
        json!({
            "containerimage.digest": image.digest,
            "containerimage.descriptor": {
                "mediaType": image.media_type,
                "digest": image.digest,
                "size": image.descriptor_size,
            },
            "image.name": names(image).join(","),
        })
    };
    match report.images.as_slice() {
        [only] => of(only),
        several => Value::Object(several.iter().map(|image| (image.name.clone(), of(image))).collect::<Map<_, _>>()),
    }
}

/// The names under which the image is there: those in registries, else those in outputs.
fn names(image: &ImageReport) -> Vec<String> {
    let released = image
        .published
        .iter()
        .flat_map(|place| place.tags.iter().map(move |tag| format!("{}:{}", place.repository, tag.tag)));
    let released: Vec<String> = released.collect();
    if released.is_empty() { image.tags.clone() } else { released }
}

/// The image by digest in the place where it is.
fn pinned(image: &ImageReport) -> String {
    let place = image.published.first().map_or(image.name.as_str(), |place| place.repository.as_str());
    format!("{place}@{}", image.digest)
}

/// Names and values; of several images, the first has the short names, and each has its own as well.
///
/// Values are references and digests, which have no line breaks.
fn variables(report: &BuildReport) -> Vec<(String, String)> {
    let mut list = Vec::new();
    let several = report.images.len() > 1;
    for (position, image) in report.images.iter().enumerate() {
        let last = image.name.rsplit('/').next().unwrap_or_default();
        let own: String = last.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let values = [("digest", image.digest.to_string()), ("image", pinned(image)), ("tags", names(image).join(","))];
        for (name, value) in values {
            if position == 0 {
                list.push((name.to_owned(), value.clone()));
            }
            if several {
                list.push((format!("{name}_{own}"), value));
            }
        }
    }
    list
}

/// A table in Markdown.
fn summary(report: &BuildReport) -> String {
    let mut out = String::from("### kiln\n\n| image | digest | size | packages | names |\n|---|---|---|---|---|\n");
    for image in &report.images {
        let size: u64 = image.platforms.iter().map(|platform| platform.size).sum();
        let packages: usize = image.platforms.iter().map(|platform| platform.packages).sum();
        let size = super::render::size(size);
        let names = names(image).iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join("<br>");
        // Writing to a string never fails.
        let _ = writeln!(out, "| {} | `{}` | {size} | {packages} | {names} |", image.name, image.digest);
    }
    let verified = report.images.iter().flat_map(|image| &image.published).all(|place| place.verified);
    if verified && report.images.iter().any(|image| !image.published.is_empty()) {
        out.push_str("\nSigned, attested, read back from the registry and verified before the tags moved.\n");
    }
    out
}

#[cfg(test)]
mod tests;
