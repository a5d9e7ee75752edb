//! What an image's bill of materials says, read back from the CycloneDX document that is attached to it.

use super::error::Error;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// An image's content as its bill of materials tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bill {
    /// The packages by their references in the document.
    pub packages: BTreeMap<String, BilledPackage>,
    /// Everything in the file system but folders, by path.
    pub files: BTreeMap<String, BilledFile>,
    /// What needs what, by reference.
    pub needs: BTreeMap<String, Vec<String>>,
    /// The packages that were only built with, by their references.
    pub tools: BTreeMap<String, BilledPackage>,
    /// For each stage, by name, the references of what it was made from.
    pub stages: BTreeMap<String, Vec<String>>,
    /// The commands that ran, by their references.
    pub steps: BTreeMap<String, BilledStep>,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BilledPackage {
    pub name: String,
    pub version: String,
    pub purl: String,
    /// Whether the spec or a base asks for it by name.
    pub requested: bool,
    /// Whether only some of its files are there, taken from a stage.
    pub partial: bool,
    /// Where files tell of it that others put there; of what kiln installed none do.
    pub shown: Vec<String>,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BilledStep {
    pub name: String,
    /// The stage in which it ran; none for the image itself.
    pub stage: Option<String>,
    /// The command in a line.
    pub command: String,
    /// What it reached over the network.
    pub network: String,
    /// The references of the sources and stages that it saw.
    pub from: Vec<String>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BilledFile {
    /// The SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// Who owns it: a reference in the document.
    pub owner: String,
    /// What kind of thing the owner is, and its name.
    pub owner_type: String,
    /// The owner's name.
    pub owner_name: String,
    /// Its version, for a commit its name; empty where it has none.
    pub owner_version: String,
    /// The lines of specs that put it there, the one that the image has it by first; or what kiln did.
    pub made_by: Vec<String>,
    /// The stages that it was taken from, the one that the image took it from first.
    pub stages: Vec<String>,
    /// The reference of the command that made it.
    pub step: Option<String>,
}

impl Bill {
    /// Reads a CycloneDX document of kiln's.
    ///
    /// # Errors
    /// Where it is none.
    pub(super) fn read(document: &Value) -> Result<Self, Error> {
        let wrong = || Error::NotThere("the image's bill of materials is none that kiln wrote".into());
        let mut bill = Bill::default();
        for component in document["components"].as_array().ok_or_else(wrong)? {
            let reference = text(component, "bom-ref");
            bill.packages.extend(package(component).map(|package| (reference.clone(), package)));
            for file in component["components"].as_array().into_iter().flatten() {
                if file["type"] != "file" {
                    continue;
                }
                let billed = BilledFile {
                    sha256: sha256(file).unwrap_or_default(),
                    owner: reference.clone(),
                    owner_type: text(component, "type"),
                    owner_name: text(component, "name"),
                    owner_version: text(component, "version"),
                    made_by: properties(file, "made-by"),
                    stages: properties(file, "stage"),
                    step: properties(file, "step").pop(),
                };
                bill.files.insert(text(file, "name"), billed);
            }
        }
        for row in document["dependencies"].as_array().into_iter().flatten() {
            let needed = row["dependsOn"].as_array().into_iter().flatten();
            let needed = needed.filter_map(|r| r.as_str().map(str::to_owned)).collect();
            bill.needs.insert(text(row, "ref"), needed);
        }
        for formula in document["formulation"].as_array().into_iter().flatten() {
            bill.read_formula(formula);
        }
        Ok(bill)
    }

    fn read_formula(&mut self, formula: &Value) {
        for tool in formula["components"].as_array().into_iter().flatten() {
            self.tools.extend(package(tool).map(|package| (text(tool, "bom-ref"), package)));
        }
        for workflow in formula["workflows"].as_array().into_iter().flatten() {
            let stage = text(workflow, "bom-ref").strip_prefix("workflow:").map(str::to_owned);
            let used = workflow["resourceReferences"].as_array().into_iter().flatten();
            let used = used.map(|used| text(used, "ref")).collect();
            self.stages.extend(stage.clone().map(|stage| (stage, used)));
            for task in workflow["tasks"].as_array().into_iter().flatten() {
                let inputs = task["inputs"].as_array().into_iter().flatten();
                let step = BilledStep {
                    name: text(task, "name"),
                    stage: stage.clone(),
                    command: text(&task["steps"][0]["commands"][0], "executed"),
                    network: properties(task, "network").pop().unwrap_or_default(),
                    from: inputs.flat_map(|input| properties(input, "from")).collect(),
                };
                self.steps.insert(text(task, "bom-ref"), step);
            }
        }
    }

    /// A package of the image, or one that was built with.
    pub(super) fn package(&self, reference: &str) -> Option<&BilledPackage> {
        self.packages.get(reference).or_else(|| self.tools.get(reference))
    }

    /// The references of all that a command could read: sources, stages and packages, also those behind stages.
    pub(super) fn behind(&self, step: &BilledStep) -> BTreeSet<String> {
        let mut waiting = step.from.clone();
        match &step.stage {
            Some(stage) => {
                let used = self.stages.get(stage).into_iter().flatten();
                // Of sources and stages it saw what it says itself.
                waiting.extend(used.filter(|r| !r.starts_with("source:") && !r.starts_with("stage:")).cloned());
            }
            None => {
                let was_there = |package: &BilledPackage| !package.partial && package.shown.is_empty();
                let before = self.packages.iter().filter(|(_, package)| was_there(package));
                waiting.extend(before.map(|(reference, _)| reference.clone()));
            }
        }
        let mut behind = BTreeSet::new();
        while let Some(reference) = waiting.pop() {
            let stage = reference.strip_prefix("stage:").and_then(|stage| self.stages.get(stage));
            if behind.insert(reference.clone()) {
                waiting.extend(stage.into_iter().flatten().cloned());
            }
        }
        behind
    }

    /// The packages that a file, or the files below a folder, tell of.
    pub(super) fn told_by(&self, path: &str) -> Vec<&BilledPackage> {
        let path = path.trim_end_matches('/');
        let is_there = |place: &String| {
            let rest = place.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with("!/"))
        };
        self.packages.values().filter(|package| package.shown.iter().any(is_there)).collect()
    }

    /// The shortest way from something that was asked for to `reference`, by who needs whom; ends with `reference`.
    pub(super) fn chain(&self, reference: &str) -> Vec<String> {
        let mut needed_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (who, needs) in &self.needs {
            for need in needs.iter().filter(|_| self.packages.contains_key(who)) {
                needed_by.entry(need).or_default().push(who);
            }
        }
        let mut from: BTreeMap<&str, Option<&str>> = BTreeMap::from([(reference, None)]);
        let mut queue = std::collections::VecDeque::from([reference]);
        while let Some(at) = queue.pop_front() {
            if self.packages.get(at).is_some_and(|package| package.requested) {
                let mut chain = vec![at.to_owned()];
                let mut step = at;
                while let Some(Some(next)) = from.get(step) {
                    chain.push((*next).to_owned());
                    step = next;
                }
                return chain;
            }
            for who in needed_by.get(at).into_iter().flatten() {
                if !from.contains_key(who) {
                    from.insert(who, Some(at));
                    queue.push_back(who);
                }
            }
        }
        vec![reference.to_owned()]
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn sha256(component: &Value) -> Option<String> {
    let hashes = component["hashes"].as_array()?;
    hashes.iter().find(|hash| hash["alg"] == "SHA-256").map(|hash| text(hash, "content"))
}

/// The values of one of kiln's properties, in order.
fn properties(component: &Value, name: &str) -> Vec<String> {
    let list = component["properties"].as_array().into_iter().flatten();
    let named = list.filter(|property| text(property, "name").strip_prefix("kiln:") == Some(name));
    named.map(|property| text(property, "value")).collect()
}

fn occurrences(component: &Value) -> Vec<String> {
    let list = component["evidence"]["occurrences"].as_array().into_iter().flatten();
    list.map(|occurrence| text(occurrence, "location")).collect()
}

fn package(component: &Value) -> Option<BilledPackage> {
    let is_package = component["type"] == "library" || text(component, "bom-ref").starts_with("pkg:");
    is_package.then(|| BilledPackage {
        name: text(component, "name"),
        version: text(component, "version"),
        purl: text(component, "purl"),
        requested: properties(component, "requested") == ["true"],
        partial: !properties(component, "partial").is_empty(),
        shown: if properties(component, "found-by").is_empty() { Vec::new() } else { occurrences(component) },
    })
}
