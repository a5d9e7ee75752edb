//! What Maven writes into archives: `pom.properties`, and the `pom.xml` that the archive was built from.

use quick_xml::Reader;
use quick_xml::events::Event;
use std::collections::BTreeMap;

/// An artefact as Maven names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coordinates {
    /// `org.apache.commons`.
    pub(super) group: String,
    /// `commons-lang3`.
    pub(super) name: String,
    /// `3.12.0`.
    pub(super) version: String,
    /// The licences that the project names.
    pub(super) licence: Option<String>,
}

/// Reads `key=value` lines; none where the name or the version is missing.
pub(super) fn properties(text: &str) -> Option<Coordinates> {
    let value = |key: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once(['=', ':']));
        let (_, value) = pairs.find(|(name, _)| name.trim() == key)?;
        Some(value.trim().to_owned()).filter(|value| is_known(value))
    };
    let (name, version) = (value("artifactId")?, value("version")?);
    // Some write the group into the name.
    let group = value("groupId").unwrap_or_else(|| name.clone());
    Some(Coordinates { group, name, version, licence: None })
}

/// Whether a value is one, and not an expression that was to be replaced.
fn is_known(value: &str) -> bool {
    !value.is_empty() && !value.contains(['$', '{'])
}

/// How deep elements are followed, and how many values are kept.
const DEEPEST: usize = 64;
const MOST_VALUES: usize = 4096;

/// Reads a project. What it inherits from a parent is the parent's group and version; none where that is not enough,
/// as the parent itself is not at hand.
pub(super) fn project(xml: &str) -> Option<Coordinates> {
    let values = values(xml)?;
    let get = |path: &str| values.get(path).and_then(|value| resolve(value, &values));
    let group = get("project/groupId").or_else(|| get("project/parent/groupId"))?;
    let version = get("project/version").or_else(|| get("project/parent/version"))?;
    let name = get("project/artifactId")?;
    Some(Coordinates { group, name, version, licence: get("project/licenses/license/name") })
}

/// The texts of the elements that matter, by their paths; the first of each. None where it is no XML.
fn values(xml: &str) -> Option<BTreeMap<String, String>> {
    let mut reader = Reader::from_str(xml);
    let mut path: Vec<String> = Vec::new();
    let mut values = BTreeMap::new();
    let mut text = String::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                if path.len() >= DEEPEST {
                    return None;
                }
                path.push(element.local_name().as_ref().to_owned());
                text.clear();
            }
            Event::Text(more) => text.push_str(&more),
            Event::CData(more) => text.push_str(&more),
            Event::End(_) => {
                let value = text.trim();
                if !value.is_empty() && matters(&path) && values.len() < MOST_VALUES {
                    values.entry(path.join("/")).or_insert_with(|| value.to_owned());
                }
                path.pop();
                text.clear();
            }
            Event::Eof => return Some(values),
            _ => {}
        }
    }
}

fn matters(path: &[String]) -> bool {
    let mut parts = path.iter().map(String::as_str);
    match (parts.next(), parts.next(), parts.next()) {
        (Some("project"), Some("groupId" | "artifactId" | "version"), None) => true,
        (Some("project"), Some("parent"), Some("groupId" | "version")) => path.len() == 3,
        (Some("project"), Some("properties"), Some(_)) => path.len() == 3,
        (Some("project"), Some("licenses"), Some("license")) => path.len() == 4,
        _ => false,
    }
}

/// How often a value may name another.
const MOST_STEPS: usize = 8;

/// A value with its `${…}` replaced; none where one is not known here.
fn resolve(value: &str, values: &BTreeMap<String, String>) -> Option<String> {
    let mut value = value.to_owned();
    for _ in 0..MOST_STEPS {
        let Some((before, rest)) = value.split_once("${") else { return Some(value) };
        let (name, after) = rest.split_once('}')?;
        let known = match name.strip_prefix("project.").or_else(|| name.strip_prefix("pom.")) {
            Some("version") => values.get("project/version").or_else(|| values.get("project/parent/version")),
            Some("groupId") => values.get("project/groupId").or_else(|| values.get("project/parent/groupId")),
            Some("parent.version") => values.get("project/parent/version"),
            Some("parent.groupId") => values.get("project/parent/groupId"),
            _ => values.get(&format!("project/properties/{name}")),
        };
        value = format!("{before}{}{after}", known?);
        if value.len() > 512 {
            return None;
        }
    }
    None
}
