use super::{Elsewhere, portable};
use crate::llb::{Action, Builder, Copy, FileOp, Note, Output, Remove, attr, render};
use crate::oci::{Digest, Platform};
use crate::pipeline::error::Error;
use std::collections::BTreeMap;

/// Gives each source another name, and remembers what was asked for.
#[derive(Default)]
struct Renamed(Vec<String>);

impl Elsewhere for Renamed {
    fn stored(&mut self, builder: &mut Builder, name: &str, manifest: &Digest, note: Note) -> Result<Output, Error> {
        self.0.push(format!("{name} {manifest} for {}", builder.platform()));
        Ok(builder.source("docker-image://elsewhere", BTreeMap::new(), note))
    }

    fn context(&mut self, builder: &mut Builder, name: &str, attrs: attr::Local, note: Note) -> Result<Output, Error> {
        self.0.push(format!("{name} without {:?} and {:?}", attrs.exclude, attrs.ignore_file));
        Ok(builder.source("local://elsewhere", BTreeMap::new(), note))
    }
}

#[test]
fn sources_that_only_kiln_knows_are_asked_for_and_others_stay() {
    let mut builder = Builder::new(Platform::linux("arm64", None));
    let local = attr::Local { exclude: vec!["a".into()], ignore_file: Some(".i".into()), ..attr::Local::default() };
    let context = builder.source("local://app", local.attrs(), Note::default());
    let manifest = Digest::of("manifest");
    let stored = builder.source(&attr::oci_layout("kiln.local/x", &manifest), BTreeMap::new(), Note::default());
    let http = builder.source("https://example.com/a", attr::http(&Digest::of("a"), None, None), Note::default());
    let remove = Action::Remove(Remove { path: "/link".into(), allow_not_found: false, allow_wildcard: false });
    let actions = [context, http].map(|from| Action::Copy(Copy::new(Some(from), "/a", "/b")));
    let actions = actions.into_iter().chain([remove]).collect();
    let output = builder.file(FileOp { base: Some(stored), accounts: None, actions }, Note::default());
    let definition = builder.finish_without_places(output).unwrap();

    let mut renamed = Renamed::default();
    let (builder, adopted) = portable(&definition, Builder::new(Platform::linux("amd64", None)), &mut renamed).unwrap();
    let asked = ["app without [\"a\"] and Some(\".i\")".to_owned(), format!("kiln.local/x {manifest} for linux/arm64")];
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    assert_eq!(sorted(renamed.0), sorted(asked.into()));
    let definition = builder.finish_without_places(adopted.output(output)).unwrap();
    let shown = render::json(&definition.graph().unwrap());
    for words in ["docker-image://elsewhere", "local://elsewhere", "https://example.com/a", "\"allowNotFound\": true"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!shown.contains("local://app") && !shown.contains("kiln.local"), "{shown}");
}
