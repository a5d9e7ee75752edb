//! What an image's bill of materials says, read back from the CycloneDX document that is attached to it.

use super::error::Error;
use serde_json::Value;
use std::collections::BTreeMap;

/// An image's content as its bill of materials tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bill {
    /// The packages by their references in the document.
    pub packages: BTreeMap<String, BilledPackage>,
    /// Everything in the file system but folders, by path.
    pub files: BTreeMap<String, BilledFile>,
    /// What needs what, by reference.
    pub needs: BTreeMap<String, Vec<String>>,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BilledPackage {
    pub name: String,
    pub version: String,
    pub purl: String,
    /// Whether the spec or a base asks for it by name.
    pub requested: bool,
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
    /// Remarks of the document: `kiln:made-by`, `kiln:spec` and their like.
    pub properties: BTreeMap<String, String>,
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
            if component["type"] == "library" {
                let requested = properties(component).get("kiln:requested").is_some_and(|value| value == "true");
                let package = BilledPackage {
                    name: text(component, "name"),
                    version: text(component, "version"),
                    purl: text(component, "purl"),
                    requested,
                };
                bill.packages.insert(reference.clone(), package);
            }
            for file in component["components"].as_array().into_iter().flatten() {
                if file["type"] != "file" {
                    continue;
                }
                let billed = BilledFile {
                    sha256: sha256(file).unwrap_or_default(),
                    owner: reference.clone(),
                    owner_type: text(component, "type"),
                    owner_name: text(component, "name"),
                    properties: properties(file),
                };
                bill.files.insert(text(file, "name"), billed);
            }
        }
        for row in document["dependencies"].as_array().into_iter().flatten() {
            let needed = row["dependsOn"].as_array().into_iter().flatten();
            let needed = needed.filter_map(|r| r.as_str().map(str::to_owned)).collect();
            bill.needs.insert(text(row, "ref"), needed);
        }
        Ok(bill)
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

fn properties(component: &Value) -> BTreeMap<String, String> {
    let list = component["properties"].as_array().into_iter().flatten();
    list.map(|property| (text(property, "name"), text(property, "value"))).collect()
}
