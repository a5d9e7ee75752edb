mod attacks;
mod files;
mod images;
mod pages;
mod spans;
mod values;

use super::*;
use crate::diagnostic::Diagnostics;
use std::collections::BTreeMap;

/// Files in memory: the first one is `kiln.kdl`.
fn files(main: &str, others: &[(&str, &str)]) -> BTreeMap<String, String> {
    let others = others.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    std::iter::once(("kiln.kdl".to_owned(), main.to_owned())).chain(others).collect()
}

fn args(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(main: &str) -> Result<Loaded, Diagnostics> {
    load(&files(main, &[]), "kiln.kdl", &args(&[]))
}

/// A spec that must be accepted.
#[track_caller]
fn accepted(main: &str) -> Spec {
    read(main).unwrap_or_else(|diagnostics| panic!("refused:\n{diagnostics}")).spec
}

/// The diagnostics of a spec that must be refused, one a line.
#[track_caller]
fn refused(main: &str) -> String {
    match read(main) {
        Ok(_) => panic!("accepted"),
        Err(diagnostics) => diagnostics.to_string(),
    }
}

/// An image with these nodes; a source `app` is there to copy from.
fn image(nodes: &str) -> String {
    format!("kiln 1\nsource \"app\" {{ context \".\" }}\nimage \"x\" {{\n{nodes}\n}}\n")
}

#[track_caller]
fn accepted_image(nodes: &str) -> Image {
    let mut spec = accepted(&image(nodes));
    spec.images.remove(0)
}

/// The diagnostics of an image's nodes, without the file's name; lines count from the nodes' first.
#[track_caller]
fn refused_image(nodes: &str) -> String {
    let diagnostics = match read(&image(nodes)) {
        Ok(_) => panic!("accepted"),
        Err(diagnostics) => diagnostics,
    };
    let lines = diagnostics.to_string();
    let relative = lines.lines().map(|line| {
        let rest = line.strip_prefix("kiln.kdl:").expect("in the spec");
        let (number, rest) = rest.split_once(':').expect("a line");
        format!("{}:{rest}", number.parse::<i64>().expect("a number") - 3)
    });
    relative.collect::<Vec<_>>().join("\n")
}
