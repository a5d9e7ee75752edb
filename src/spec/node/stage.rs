//! `stage`: what is built on the way and not shipped.

use super::image::{self, Image, Known};
use crate::diagnostic::Span;
use crate::oci::Reference;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::node::base::Base;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;
use std::collections::BTreeMap;

/// A file system in which commands run, and which others copy from or stand on.
///
/// A stage is an image that is not shipped: the same nodes make its file system, and its commands run in it in the
/// order written, between the other steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// What `copy`, `base`, `mount` and the command line call it.
    pub name: Spanned<String>,
    /// What it is made of. The name is `stage` and the stage's own, which no image can have; without platforms it is
    /// for those of the images that use it; what says how an image is started is empty.
    pub image: Image,
    /// The whole node.
    pub span: Span,
}

const STAGE: Form = Form::new("stage", "stage \"compile\" { … }");

/// Reads a stage's name, which others may name before it is read itself.
pub(in crate::spec) fn name<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Spanned<String>> {
    let mut reader = Reader::new(cx, item, STAGE);
    let name = reader.identifier("a name", "a stage");
    if let Some(name) = name.as_ref().filter(|name| Base::OWN.contains(&name.as_str())) {
        let rule = "one of kiln's own bases has this name, and `base` could mean both";
        reader.report(mistake::bad_name(name.span, "a stage", name, rule));
    }
    reader.children();
    reader.finish();
    name
}

/// Reads what a stage is made of.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>, name: Spanned<String>, known: &Known) -> Stage {
    let mut reader = Reader::new(cx, item, STAGE);
    let children = reader.required_children("what the stage is made of");
    let span = reader.span();
    let repository = format!("stage {}", name.value);
    let reference = Reference { registry: String::new(), repository, tag: None, digest: None };
    let image = image::body(cx, children, Spanned::new(reference, name.span), span, known, true);
    if let [_, second, ..] = image.platforms.as_slice() {
        let help = "leave it out: a stage is built for whatever platforms the images want that use it";
        cx.report(mistake::bad_value(second.span, "a stage is for one platform", help), STAGE, &item.scope);
    }
    Stage { name, image, span }
}

/// Reports stages that use each other in a circle, the first that is found.
pub(in crate::spec) fn circle(cx: &mut Cx, stages: &[Stage]) {
    let uses: BTreeMap<&str, Vec<&str>> =
        stages.iter().map(|s| (s.name.as_str(), s.image.sources().collect())).collect();
    let mut done: BTreeMap<&str, bool> = BTreeMap::new();
    for start in stages {
        let mut path: Vec<(&str, usize)> = vec![(start.name.as_str(), 0)];
        while let Some((name, next)) = path.pop() {
            if done.get(name) == Some(&true) {
                continue;
            }
            done.insert(name, false);
            match uses.get(name).and_then(|uses| uses.get(next)) {
                None => drop(done.insert(name, true)),
                Some(used) => {
                    path.push((name, next + 1));
                    if !uses.contains_key(used) || done.get(used) == Some(&true) {
                        continue;
                    }
                    if let Some(at) = path.iter().position(|(open, _)| open == used) {
                        let chain: Vec<&str> = path[at..].iter().map(|(name, _)| *name).chain([*used]).collect();
                        let span = stages.iter().find(|stage| *stage.name == *used).map_or(start.span, |s| s.name.span);
                        cx.add(mistake::stage_circle(span, &chain).with_page(STAGE.path()));
                        return;
                    }
                    path.push((used, 0));
                }
            }
        }
    }
}
