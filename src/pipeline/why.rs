//! Who put a file into an image, and why.

use super::bill::{Bill, BilledFile, BilledStep};
use super::error::Error;
use super::opened::{ImageChoice, Opened, Predicate};
use super::session::Session;
use serde::Serialize;

/// Who put a path into an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The path that was asked for.
    pub path: String,
    /// The path that it leads to, where symbolic links lead elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leads_to: Option<String>,
    /// Who owns what is there; for a folder, everybody who has something in it.
    pub owners: Vec<OwnerReason>,
    /// Whether it is a folder.
    pub folder: bool,
    /// The packages that the file, or files of the folder, tell of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tells_of: Vec<ToldPackage>,
}

/// A package that files tell of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ToldPackage {
    /// Its name and its version.
    pub name: String,
    /// The package's URL.
    pub purl: String,
}

/// Somebody who put something there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct OwnerReason {
    /// `package`, `source`, `spec`, `base`, `stage` for what commands of a stage made, or `run` for a command of the image
    /// itself.
    pub kind: &'static str,
    /// Its name, and for a package its version, for a commit of a repository the commit.
    pub name: String,
    /// The package's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// The stages that it was taken from, the one that the image took it from first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<String>,
    /// The line of the spec, or what kiln did in place of a maintainer script; for what was taken from stages a line for
    /// each, with `←` between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_by: Option<String>,
    /// The command that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<StepReason>,
    /// For a package: from what the spec asks for to this package, each needing the next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wanted_by: Vec<String>,
    /// How many files of a folder.
    pub files: usize,
}

/// A command, and all that it could read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct StepReason {
    /// How people call it.
    pub name: String,
    /// The command in a line.
    pub command: String,
    /// What it reached over the network: `none` or `host`.
    pub network: String,
    /// The sources, by name; also those behind stages.
    pub sources: Vec<String>,
    /// The stages, by name; also those behind stages.
    pub stages: Vec<String>,
    /// The images that the stages stood on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<String>,
    /// The packages that were installed where it ran and in the stages that it saw.
    pub packages: Vec<ReadPackage>,
}

/// A package that a command could read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ReadPackage {
    /// Its name and its version.
    pub name: String,
    /// The package's URL.
    pub purl: String,
    /// Whether the spec asks for it by name; the others came as dependencies.
    pub requested: bool,
}

/// Says who put `path` into an image.
///
/// # Errors
/// Where the image has no such path or no bill of materials.
pub fn why(session: &Session<'_>, choice: &ImageChoice, path: &str) -> Result<Reason, Error> {
    let opened = Opened::open(session, choice)?;
    let tree = opened.tree(session)?;
    let place = tree.resolve_parent(path)?;
    let Some(entry) = tree.get(&place) else {
        return Err(Error::NotThere(format!("the image has no {path}")));
    };
    let bill = Bill::read(&opened.predicate(Predicate::Cyclonedx)?)?;
    let text = crate::evidence::path_text(place.as_bytes());
    let asked = format!("/{}", path.trim_matches('/'));
    let leads_to = (asked != text).then(|| text.clone());
    let tells_of = told_by(&bill, &text);
    if !entry.is_dir() {
        let file = bill.files.get(&text);
        let file = file.ok_or_else(|| Error::NotThere(format!("the bill of materials does not list {text}")))?;
        let owners = vec![reason(&bill, file)];
        return Ok(Reason { path: path.into(), leads_to, owners, folder: false, tells_of });
    }
    let below = format!("{}/", text.trim_end_matches('/'));
    let mut owners: Vec<OwnerReason> = Vec::new();
    for (_, file) in bill.files.iter().filter(|(name, _)| name.starts_with(&below)) {
        let found = OwnerReason { made_by: None, step: None, ..reason(&bill, file) };
        match owners.iter_mut().find(|known| (known.kind, &known.name) == (found.kind, &found.name)) {
            Some(known) => known.files += 1,
            None => owners.push(found),
        }
    }
    owners.sort();
    Ok(Reason { path: path.into(), leads_to, owners, folder: true, tells_of })
}

fn told_by(bill: &Bill, path: &str) -> Vec<ToldPackage> {
    let packages = bill.told_by(path).into_iter();
    let mut told: Vec<ToldPackage> = packages
        .map(|package| ToldPackage {
            name: format!("{} {}", package.name, package.version).trim_end().to_owned(),
            purl: package.purl.clone(),
        })
        .collect();
    told.sort();
    told
}

/// Who owns a file.
pub(super) fn reason(bill: &Bill, file: &BilledFile) -> OwnerReason {
    let package = bill.packages.get(&file.owner);
    let step = file.step.as_ref().and_then(|reference| bill.steps.get(reference));
    let name = |reference: &String| match bill.packages.get(reference) {
        Some(package) => package.name.clone(),
        None => reference.clone(),
    };
    let kind = match file.owner.split_once(':') {
        Some(("source", _)) => "source",
        Some(("base", _)) => "base",
        Some(("spec", _)) => "spec",
        Some(("stage", _)) => "stage",
        Some(("run", _)) => "run",
        _ => "package",
    };
    // Of a package that the image does not install, nobody wants more than was taken.
    let wanted = package.filter(|package| !package.partial);
    OwnerReason {
        kind,
        name: match (package, step) {
            (Some(package), _) => format!("{} {}", package.name, package.version),
            (None, Some(step)) if kind == "run" => step.name.clone(),
            // A commit of a repository.
            _ if kind == "source" && !file.owner_version.is_empty() => {
                format!("{} {}", file.owner_name, file.owner_version)
            }
            _ => file.owner_name.clone(),
        },
        purl: package.map(|package| package.purl.clone()),
        stages: file.stages.clone(),
        made_by: (!file.made_by.is_empty()).then(|| file.made_by.join(" ← ")),
        step: step.map(|step| step_reason(bill, step)),
        wanted_by: wanted.map(|_| bill.chain(&file.owner).iter().map(name).collect()).unwrap_or_default(),
        files: 1,
    }
}

fn step_reason(bill: &Bill, step: &BilledStep) -> StepReason {
    let behind = bill.behind(step);
    let named = |prefix: &str| behind.iter().filter_map(|r| r.strip_prefix(prefix).map(str::to_owned)).collect();
    let packages = behind.iter().filter_map(|reference| bill.package(reference)).map(|package| ReadPackage {
        name: format!("{} {}", package.name, package.version),
        purl: package.purl.clone(),
        requested: package.requested,
    });
    StepReason {
        name: step.name.clone(),
        command: step.command.clone(),
        network: step.network.clone(),
        sources: named("source:"),
        stages: named("stage:"),
        bases: named("base:"),
        packages: packages.collect(),
    }
}

#[cfg(test)]
mod tests;
