//! Two corpora, each judged by all rules: of what is wrong with images, where everything must be told at its place and
//! nothing else, and of what only looks so, where nothing may be told.

mod clean;
mod configuration;
mod packages;
mod secrets;

use crate::support::deb::{Archive, Mirror};
use crate::support::program::{Outcome, World};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The day of all judgements.
const DAY: &str = "2026-11-30";

/// What a spec says of an image with which nothing is wrong.
const WELL_MADE: &str = r#"    user 65532
    entrypoint "/usr/bin/tool"
    healthcheck "/usr/bin/tool" "--check"
    port 8080
    label "org.opencontainers.image.source"="https://git.corp.net/tool" "org.opencontainers.image.vendor"="Corp"
    label "org.opencontainers.image.version"="1.0"
"#;

/// What a verdict must tell: lines of the rule, what it is about, and the place. See [`told`].
type Told = BTreeSet<String>;

/// An image in the making: files that are copied to its root, and what must be told of it.
#[derive(Default)]
struct Image {
    files: BTreeMap<String, Vec<u8>>,
    /// What the spec says of the image beside.
    nodes: String,
    told: Told,
}

impl Image {
    fn well_made() -> Self {
        Image { nodes: WELL_MADE.into(), ..Image::default() }
    }

    fn file(&mut self, path: &str, content: impl AsRef<[u8]>) {
        let before = self.files.insert(path.to_owned(), content.as_ref().to_vec());
        assert!(before.is_none(), "{path} is there twice");
    }

    /// What a spec says of it.
    fn spec(&self, name: &str) -> String {
        let (source, copy) = match self.files.is_empty() {
            true => Default::default(),
            false => (
                format!("source \"{name}\" {{ context \"{name}\" }}\n"),
                format!("    copy \".\" from=\"{name}\" to=\"/\"\n"),
            ),
        };
        format!("{source}image \"registry.test/{name}\" {{\n{copy}{}}}\n", self.nodes)
    }

    fn expect(&mut self, line: impl Into<String>) {
        let line = line.into();
        assert!(self.told.insert(line.clone()), "{line} is expected twice");
    }
}

/// A project whose images are judged.
struct Project {
    world: World,
    /// Answers as long as it is there.
    _mirror: Mirror,
}

impl Project {
    /// With Debian packages of an archive, and a database of advisories in OSV's form.
    fn new(archive: &Archive, advisories: &[Value]) -> Project {
        let (mut world, mirror) = (World::new(), Mirror::of(archive));
        world.set("KILN_KEY_PASSWORD", "a passphrase of a test").set("KILN_DEBIAN_MIRROR", mirror.url());
        world.write("archive.asc", mirror.key.certificate());
        world.write("osv.json", Value::from(advisories.to_vec()).to_string());
        world.kiln(["db", "update", "--from", "osv.json"]).run().done();
        Project { world, _mirror: mirror }
    }

    /// Builds images that are made of files, and compares what is told of each with what must be.
    #[track_caller]
    fn judge(&self, images: &BTreeMap<&str, Image>) {
        let mut spec = "kiln 1\napt \"debian\" { suite \"trixie\"; keyring \"archive.asc\" }\n".to_owned();
        for (name, image) in images {
            for (path, content) in &image.files {
                self.world.write(&format!("{name}/{path}"), content);
            }
            spec += &image.spec(name);
        }
        self.build(&format!("{spec}{}", policy())).done();
        for (name, image) in images {
            // Where kiln installs packages, the line that asks for them is their place.
            let place = format!("line {}", line_of_packages(&spec, name));
            let expected = image.told.iter().map(|line| line.replace("PACKAGES", &place)).collect();
            self.compare(name, &expected, images.len());
        }
    }

    /// Compares what the last build told of one of its images with what must be told.
    #[track_caller]
    fn compare(&self, image: &str, expected: &Told, images: usize) {
        let verdict = match images {
            1 => "verdict.json".to_owned(),
            _ => format!("verdict.{image}.linux-amd64.json"),
        };
        compare(image, expected, &told(&serde_json::from_slice(&self.world.read(&verdict)).unwrap()));
    }

    fn build(&self, spec: &str) -> Outcome {
        self.world.write("kiln.kdl", spec);
        let arguments =
            ["build", "--progress", "quiet", "--as-of", DAY, "--verdict", "json:verdict.json", "-o", "oci:out"];
        self.world.kiln(arguments).run()
    }
}

/// The line on which a spec asks for an image's packages; 0 where it does not.
fn line_of_packages(spec: &str, image: &str) -> usize {
    let begins = format!("image \"registry.test/{image}\"");
    let mut of_image = spec.lines().enumerate().skip_while(|(_, line)| !line.starts_with(&begins));
    let asked = of_image.by_ref().take_while(|(_, line)| *line != "}").find(|(_, line)| line.contains("packages "));
    asked.map_or(0, |(before, _)| before + 1)
}

/// A policy that has something to say of every rule, and lets everything pass.
fn policy() -> String {
    let of_their_own = ["old-database", "licence", "foreign-host"];
    let ids = kiln::rules::RULES.iter().map(|rule| rule.id).filter(|id| !of_their_own.contains(id));
    let names: Vec<String> = ids.map(|id| format!("\"{id}\"")).collect();
    let names = names.join(" ");
    format!(
        "policy {{\n    warn {names}\n    warn \"old-database\" age=\"30d\"\n    warn \"licence\" {{ refuse \"AGPL-3.0-only\" }}\n    \
         warn \"foreign-host\" {{ only \"127.0.0.1\" \"git.test\" }}\n}}\n"
    )
}

/// What a verdict tells: a line for each place of each finding that a clause is about.
fn told(verdict: &Value) -> Told {
    let mut lines = Told::new();
    for finding in verdict["findings"].as_array().unwrap().iter().filter(|finding| finding["outcome"] != "noted") {
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let (rule, detail) = (word(&finding["rule"]), &finding["detail"]);
        let about = match detail["kind"].as_str().unwrap() {
            "hole" => format!(" {} {}", word(&detail["id"]), word(&detail["name"])),
            "secret" => format!(" {}", word(&detail["form"])),
            "licence" => format!(" {} {}", word(&detail["name"]), word(&detail["licence"])),
            _ => String::new(),
        };
        for place in finding["places"].as_array().unwrap() {
            lines.insert(format!("{rule}{about} {}", place_of(place)));
        }
    }
    lines
}

/// `/srv/a.jar!b/c.txt:7`, `variable TOKEN`, or `line 4` of the spec where nothing nearer is told.
fn place_of(place: &Value) -> String {
    let Some(path) = place["path"].as_str() else {
        let line = || format!("line {}", place["origin"]["spec"]["line"]);
        return place["part"].as_str().map_or_else(line, str::to_owned);
    };
    let inside = place["inside"].as_array().into_iter().flatten();
    let inside: String = inside.map(|step| format!("!{}", step.as_str().unwrap())).collect();
    let line = place["line"].as_u64().map(|line| format!(":{line}")).unwrap_or_default();
    let covered = place["part"].as_str().map(|part| format!(" ({part})")).unwrap_or_default();
    format!("{path}{inside}{line}{covered}")
}

#[track_caller]
fn compare(image: &str, expected: &Told, told: &Told) {
    let lines = |lines: Vec<&String>| lines.into_iter().map(|line| format!("\n  {line}")).collect::<String>();
    let missed = lines(expected.difference(told).collect());
    let false_alarms = lines(told.difference(expected).collect());
    assert!(missed.is_empty() && false_alarms.is_empty(), "{image}\nmissed:{missed}\nfalse alarms:{false_alarms}");
}

fn lines(words: &[&str]) -> Told {
    words.iter().map(|line| (*line).to_owned()).collect()
}

/// How large the corpora are, and that nothing is left out: each rule, and each kind of secret.
#[test]
fn the_corpora_are_whole() {
    let told = [packages::planted(), BTreeMap::from([("secrets", secrets::planted())]), configuration::planted()];
    let images: Vec<Told> = told.into_iter().flatten().map(|(_, image)| image.told).collect();
    let others = [configuration::MIXED, configuration::BASED, configuration::OF_OTHERS].map(lines);
    let planted: Vec<String> = images.into_iter().chain(others).flatten().collect();
    let second = |line: &String| line.split(' ').nth(1).unwrap().to_owned();
    let rules: BTreeSet<&str> = planted.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(rules, kiln::rules::RULES.iter().map(|rule| rule.id).collect());
    let kinds: BTreeSet<String> = planted.iter().filter(|line| line.starts_with("secret ")).map(second).collect();
    assert_eq!(kinds, kiln::secrets::RULES.iter().map(|rule| rule.id.to_owned()).collect());
    let clean = clean::size();
    assert!(
        planted.len() >= 150 && kinds.len() >= 40 && clean >= planted.len(),
        "{} {} {clean}",
        planted.len(),
        kinds.len()
    );
}
