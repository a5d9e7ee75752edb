//! From files to a spec: includes, args, then the nodes, everything with all its mistakes.

use super::expand::{Cx, Item, Scope};
use super::include::Files;
use super::loader::Loader;
use super::node::apt::{self, Apt};
use super::node::arg::{self, Arg, ArgOrigin, ArgValue};
use super::node::base::Base;
use super::node::image::{self, Image, Known};
use super::node::policy::{self, Policy, Whose};
use super::node::registry::{self, Registry};
use super::node::sign::{self, Sign};
use super::node::stage::{self, Stage};
use super::node::{source, template};
use super::vocabulary::{self, Form, page};
use super::{Spanned, Spec, mistake};
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Severity, Sources, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A spec that was read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it says.
    pub spec: Spec,
    /// The files it was read from, the spec's own first, behind those that were there before.
    pub sources: Sources,
    /// What is allowed, but probably not what was meant.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a spec with all that it includes; `args` are those of the command line.
///
/// `name` is the spec's file, relative to the loader's folder.
pub fn load(loader: &dyn Loader, name: &str, args: &BTreeMap<String, String>) -> Result<Loaded, Diagnostics> {
    load_beside(loader, name, args, Sources::default())
}

/// As [`load`], with the texts added to others, so that spans of several specs can be told apart.
pub fn load_beside(
    loader: &dyn Loader,
    name: &str,
    args: &BTreeMap<String, String>,
    others: Sources,
) -> Result<Loaded, Diagnostics> {
    let files = match Files::read(loader, name, others) {
        Ok(files) => files,
        Err((mistakes, sources)) => return Err(Diagnostics::new(mistakes, sources)),
    };
    let mut sources = files.sources;
    let mut cx = Cx::new(&sources);
    let top = Scope::top([]);
    let items: Vec<Item> = files.nodes.iter().map(|node| Item { node, scope: Rc::clone(&top) }).collect();
    let (args, refused) = set_args(&mut cx, &items, args);
    let spec = spec(&mut cx, items, args, files.main);
    let mut mistakes = cx.into_mistakes();
    for refused in refused {
        mistakes.push(refused.explain(&mut sources));
    }
    let (errors, warnings): (Vec<_>, Vec<_>) = mistakes.into_iter().partition(|d| d.severity == Severity::Error);
    match spec {
        Some(spec) if errors.is_empty() => Ok(Loaded { spec, sources, warnings }),
        _ => Err(Diagnostics::new(errors, sources)),
    }
}

/// Something on the command line that the spec cannot take.
struct Refused {
    given: String,
    name: String,
    why: Why,
}

enum Why {
    Unknown { known: Vec<String> },
    Type { expected: &'static str, declared: Span },
}

impl Refused {
    fn explain(self, sources: &mut Sources) -> Diagnostic {
        let file = sources.add("--arg", self.given.as_str());
        let whole = Span::new(file, 0, self.given.len());
        let name = Span::new(file, 0, self.name.len());
        let mistake = match self.why {
            Why::Unknown { known } => mistake::unknown_arg(name, &self.name, known.iter().map(String::as_str)),
            Why::Type { expected, declared } => mistake::bad_arg(whole, &self.name, expected, Some(declared)),
        };
        mistake.with_page(page("arg"))
    }
}

/// Reads all `arg` nodes and gives them their values.
fn set_args<'n>(
    cx: &mut Cx<'n>,
    items: &[Item<'n>],
    given: &BTreeMap<String, String>,
) -> (Vec<(Option<ArgValue>, Arg)>, Vec<Refused>) {
    let mut args = Vec::new();
    let mut refused = Vec::new();
    let mut first: BTreeMap<String, Span> = BTreeMap::new();
    for item in items.iter().filter(|item| item.node.name.text == "arg") {
        if cx.full() {
            break;
        }
        let Some(declared) = arg::read(cx, item) else { continue };
        let name = &declared.name;
        if let Some(first) = first.insert(name.value.clone(), name.span) {
            cx.add(mistake::duplicate_name(name.span, first, "arg", name).with_page(page("arg")));
            continue;
        }
        let (value, origin) = match given.get(&name.value) {
            Some(text) => {
                let value = declared.kind.parse(text);
                if value.is_none() {
                    let why = Why::Type { expected: declared.kind.describe(), declared: name.span };
                    refused.push(Refused { given: format!("{}={text}", name.value), name: name.value.clone(), why });
                }
                (value, ArgOrigin::CommandLine)
            }
            None => {
                if declared.default.is_none() {
                    cx.add(mistake::unset_arg(name.span, name).with_page(page("arg")));
                }
                (declared.default, ArgOrigin::Default)
            }
        };
        let placeholder = value.clone().unwrap_or(ArgValue::Bool(false));
        args.push((value, Arg { name: declared.name, value: placeholder, origin, span: declared.span }));
    }
    for (name, text) in given.iter().filter(|(name, _)| !first.contains_key(*name)) {
        let known = first.keys().cloned().collect();
        refused.push(Refused { given: format!("{name}={text}"), name: name.clone(), why: Why::Unknown { known } });
    }
    (args, refused)
}

/// Reads all nodes; None if there is no image, which is reported.
fn spec<'n>(cx: &mut Cx<'n>, items: Vec<Item<'n>>, args: Vec<(Option<ArgValue>, Arg)>, main: FileId) -> Option<Spec> {
    let (templates, items): (Vec<_>, Vec<_>) = items
        .into_iter()
        .filter(|item| item.node.name.text != "arg")
        .partition(|item| item.node.name.text == "template");
    declare(cx, &templates);
    let scope = Scope::top(args.iter().map(|(value, arg)| (arg.name.value.clone(), value.clone())));
    let items = items.into_iter().map(|item| Item { scope: Rc::clone(&scope), ..item }).collect();
    let items = template::expand(cx, items);
    let (images, items): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| item.node.name.text == "image");
    let (stages, inputs): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| item.node.name.text == "stage");
    let mut top = Top::default();
    for item in &inputs {
        if cx.full() {
            break;
        }
        top.take(cx, item);
    }
    let (stages, found) = top.built(cx, &stages, &images);
    let named = std::mem::take(&mut cx.named);
    if images.is_empty() && !cx.cut {
        cx.add(mistake::no_image(Span::new(main, 0, 0)).with_page(page("image")));
    }
    let args = args.into_iter().map(|(_, arg)| arg).collect();
    let spec = top.finish(args, stages, found, named);
    warn_of_unused(cx, &spec, main);
    (!spec.images.is_empty()).then_some(spec)
}

/// Makes the templates known.
fn declare<'n>(cx: &mut Cx<'n>, items: &[Item<'n>]) {
    for item in items {
        if cx.full() {
            break;
        }
        let Some(template) = template::read(cx, item) else { continue };
        // The reader of the template saw a string there.
        let Some(name) = item.node.args.first().and_then(|argument| argument.value.as_text()) else { continue };
        if let Some(first) = cx.templates.get(name) {
            let mistake = mistake::duplicate_name(template.name.span, first.name.span, "template", name);
            cx.add(mistake.with_page(page("template")));
            continue;
        }
        cx.templates.insert(name, template);
    }
}

/// What stands at the top of a spec, but for its images.
#[derive(Default)]
struct Top {
    apts: Vec<Apt>,
    registries: Vec<Registry>,
    sources: Vec<source::Read>,
    policies: Vec<Policy>,
    sign: Option<Sign>,
    signed: Option<Span>,
    names: BTreeMap<(&'static str, String), Span>,
}

impl Top {
    fn take<'n>(&mut self, cx: &mut Cx<'n>, item: &Item<'n>) {
        match item.node.name.text.as_str() {
            "apt" => {
                if let Some(apt) = apt::read(cx, item)
                    && self.is_new(cx, "package source", "apt", &apt.name)
                {
                    self.apts.push(apt);
                }
            }
            "registry" => {
                if let Some(registry) = registry::read(cx, item)
                    && self.is_new(cx, "registry", "registry", &registry.name)
                {
                    self.registries.push(registry);
                }
            }
            "source" => match source::read(cx, item) {
                Some(source) => {
                    if self.is_new(cx, "source", "source", &source.name) {
                        self.sources.push(source);
                    }
                }
                // It may be the one that others mean.
                None => cx.cut = true,
            },
            "policy" => self.policies.push(policy::read(cx, item, Whose::Spec)),
            "sign" => {
                if let Some(first) = self.signed.replace(item.node.span) {
                    let mistake = mistake::duplicate_node(item.node.span, first, "sign", "a spec");
                    cx.add(mistake.with_page(page("sign")));
                }
                self.sign = sign::read(cx, item);
            }
            name @ ("arg" | "template" | "include" | "kiln") => {
                cx.report(mistake::not_in_template(item.node.name.span, name), Form::new(TEMPLATE, ""), &item.scope);
            }
            name => {
                let mistake = mistake::unknown_node(item.node.name.span, name, None, vocabulary::TOP);
                cx.report(mistake, Form::new(README, ""), &item.scope);
            }
        }
    }

    /// The stages and the images.
    fn built<'n>(&mut self, cx: &mut Cx<'n>, stage_items: &[Item<'n>], items: &[Item<'n>]) -> (Vec<Stage>, Vec<Image>) {
        let mut named = Vec::new();
        for item in stage_items {
            if cx.full() {
                break;
            }
            match stage::name(cx, item) {
                Some(name) => {
                    // What takes from both has one name for each.
                    if self.is_new(cx, "source", "stage", &name) {
                        named.push((item, name));
                    }
                }
                // It may be the one that others mean.
                None => cx.cut = true,
            }
        }
        let mut apts = self.apts.clone();
        if let (Some(first), true) = (items.first(), self.apts.iter().all(|apt| *apt.name != "debian")) {
            apts.push(Apt::debian(first.node.name.span));
        }
        let names = |image: bool| self.sources.iter().filter(move |source| source.image == image);
        let known = Known {
            apts: &apts,
            images: names(true).map(|source| source.name.as_str()).collect(),
            others: names(false).map(|source| source.name.as_str()).collect(),
            sources: self
                .sources
                .iter()
                .map(|source| source.name.as_str())
                .chain(named.iter().map(|(_, name)| name.as_str()))
                .collect(),
            stages: named.iter().map(|(_, name)| name.as_str()).collect(),
        };
        let mut stages: Vec<Stage> = Vec::new();
        for (item, name) in &named {
            if cx.full() {
                break;
            }
            stages.push(stage::read(cx, item, name.clone(), &known));
        }
        stage::circle(cx, &stages);
        let mut images: Vec<Image> = Vec::new();
        for item in items {
            if cx.full() {
                break;
            }
            images.extend(image::read(cx, item, &known));
        }
        let uses_debian = |image: &Image| {
            image.packages.iter().any(|packages| *packages.apt == "debian")
                || matches!(image.base.as_ref().map(|base| &base.value), Some(Base::Own(_)))
        };
        if stages.iter().map(|stage| &stage.image).chain(&images).any(uses_debian) {
            self.apts = apts;
        }
        let mut unique = Vec::new();
        for image in images {
            let name = Spanned::new(image.name.to_string(), image.name.span);
            if self.is_new(cx, "image", "image", &name) {
                unique.push(image);
            }
        }
        (stages, unique)
    }

    fn finish(self, args: Vec<Arg>, stages: Vec<Stage>, images: Vec<Image>, named: Vec<source::Source>) -> Spec {
        let sources = self.sources.into_iter().filter_map(|source| source.source).chain(named).collect();
        Spec {
            args,
            apts: self.apts,
            registries: self.registries,
            sources,
            stages,
            images,
            policies: self.policies,
            sign: self.sign,
        }
    }

    /// Whether a name is new; one that is not is reported.
    fn is_new(&mut self, cx: &mut Cx, what: &'static str, node: &str, name: &Spanned<String>) -> bool {
        let Some(first) = self.names.get(&(what, name.value.clone())) else {
            self.names.insert((what, name.value.clone()), name.span);
            return true;
        };
        cx.add(mistake::duplicate_name(name.span, *first, what, name).with_page(page(node)));
        false
    }
}

const TEMPLATE: &str = "template";
const README: &str = "README";

/// Warns of what the spec's own file declares and never uses; files that are shared may hold more than one needs.
fn warn_of_unused(cx: &mut Cx, spec: &Spec, main: FileId) {
    let unused_args = spec.args.iter().map(|arg| ("arg", &arg.name));
    let unused_args = unused_args.filter(|(what, name)| !cx.used.contains(&(*what, name.value.clone())));
    let templates = cx.templates.values().map(|template| ("template", &template.name));
    let templates = templates.filter(|(what, name)| !cx.used.contains(&(*what, name.value.clone())));
    let stages: Vec<&Stage> = spec.images.iter().flat_map(|image| spec.stages_of(image)).collect();
    let unused_stages = spec.stages.iter().filter(|stage| !stages.iter().any(|used| used.name == stage.name));
    let unused_stages = unused_stages.map(|stage| ("stage", &stage.name));
    let all = spec.stages.iter().map(|stage| &stage.image).chain(&spec.images);
    let used: BTreeSet<&str> = all.flat_map(Image::sources).collect();
    let sources = spec.sources.iter().map(|source| ("source", &source.name));
    let sources = sources.filter(|(_, name)| !used.contains(name.as_str()));
    let unused =
        unused_args.chain(templates).chain(sources).chain(unused_stages).filter(|(_, name)| name.span.file == main);
    let warnings: Vec<Diagnostic> =
        unused.map(|(what, name)| mistake::unused(name.span, what, name).with_page(page(what))).collect();
    for warning in warnings {
        cx.add(warning);
    }
}
