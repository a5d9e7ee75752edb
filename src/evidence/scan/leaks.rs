//! Secrets as findings.

use super::finding::{Detail, Finding};
use super::place::Place;
use crate::evidence::contents::LeakyFile;
use crate::oci::{Digest, ImageConfig};
use crate::rules::{Confidence, Rule, Severity};
use crate::secrets::{self, Leak};
use std::collections::BTreeMap;

/// The secrets in files; the same secret at several places is one finding.
pub fn in_files(files: &[LeakyFile], layers: &[Digest], rule: &'static Rule) -> Vec<Finding> {
    let mut gathered = Gathered::new(rule);
    for file in files {
        for leak in &file.leaks.found {
            let mut place = Place::at(&file.path);
            place.inside = leak.inside.clone();
            place.line = leak.line;
            place.origin.layer = file.layer.and_then(|layer| layers.get(layer)).copied();
            place.part = file.is_hidden.then(|| "a layer below, covered by another".to_owned());
            gathered.add(leak, place);
        }
    }
    gathered.findings()
}

/// The secrets in what an image says of itself: variables, labels, commands, history, annotations.
pub fn in_config(config: &ImageConfig, annotations: &BTreeMap<String, String>, rule: &'static Rule) -> Vec<Finding> {
    use secrets::Place::{Command, Label, Variables};
    let mut gathered = Gathered::new(rule);
    let mut look = |text: &str, context: secrets::Place, part: String| {
        for leak in secrets::search_text(text, context) {
            gathered.add(&leak, Place::part(part.clone()));
        }
    };
    let started = &config.config;
    for variable in started.env.iter().flatten() {
        look(variable, Variables, format!("variable {}", variable.split('=').next().unwrap_or_default()));
    }
    for (name, value) in started.labels.iter().flatten() {
        look(&format!("{name}={value}"), Label, format!("label {name}"));
    }
    for (name, value) in annotations {
        look(&format!("{name}={value}"), Label, format!("annotation {name}"));
    }
    for (name, words) in [("entrypoint", &started.entrypoint), ("cmd", &started.cmd)] {
        look(&words.as_deref().unwrap_or_default().join(" "), Command, name.to_owned());
    }
    if let Some(check) = &started.healthcheck {
        look(&check.test.join(" "), Command, "healthcheck".to_owned());
    }
    for (number, line) in config.history.iter().enumerate() {
        for text in line.created_by.iter().chain(&line.comment) {
            look(text, Command, format!("history {}", number + 1));
        }
    }
    gathered.findings()
}

/// Secrets by what they are.
struct Gathered {
    rule: &'static Rule,
    secrets: BTreeMap<(Digest, &'static str), (Leak, Vec<Place>)>,
}

impl Gathered {
    fn new(rule: &'static Rule) -> Self {
        Gathered { rule, secrets: BTreeMap::new() }
    }

    fn add(&mut self, leak: &Leak, place: Place) {
        let entry = self.secrets.entry((leak.digest, leak.rule.id)).or_insert_with(|| (leak.clone(), Vec::new()));
        entry.1.push(place);
    }

    fn findings(self) -> Vec<Finding> {
        let finding = |(leak, mut places): (Leak, Vec<Place>)| {
            places.sort();
            places.dedup();
            let kind = leak.rule;
            let severity = match kind.confidence {
                Confidence::Certain => Severity::Critical,
                Confidence::Likely => Severity::High,
                Confidence::Possible => Severity::Medium,
            };
            let detail = Detail::Secret { form: kind.id.to_owned(), confidence: kind.confidence, digest: leak.digest };
            let title = format!("{} ({})", kind.title, leak.shown);
            let mut finding = Finding::new(self.rule, Some(severity), title, detail, places);
            finding.remedy = kind.what_to_do.to_owned();
            finding
        };
        self.secrets.into_values().map(finding).collect()
    }
}
