//! `template`, `param` and `use`: what images have in common.

use super::arg;
use crate::spec::expand::{Cx, Item, Param, Scope, Template};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

const TEMPLATE: Form = Form::new("template", "template \"service\" { param \"port\" type=\"int\"; port \"${port}\" }");
const PARAM: Form = Form::within(TEMPLATE, "param", "param \"port\" type=\"int\" default=8080");
const USE: Form = Form::new("use", "use \"service\" port=8080");

/// How many templates may be within each other.
const MAX_DEPTH: usize = 16;

/// Reads `template`. What is in it is looked at where it is used.
pub(in crate::spec) fn read<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Template<'n>> {
    let mut reader = Reader::new(cx, item, TEMPLATE);
    let name = reader.identifier("a name", "a template");
    let mut params: Vec<Param> = Vec::new();
    let mut first = BTreeMap::new();
    let mut body = Vec::new();
    for child in reader.required_children("nodes") {
        if child.node.name.text != "param" {
            body.push(child.node);
            continue;
        }
        let mut inner = Reader::new(reader.cx, &child, PARAM);
        let name = arg::variable_name(&mut inner, "a parameter");
        let (kind, default) = arg::kind_and_default(&mut inner);
        if let Some(name) = name {
            match first.insert(name.value.clone(), name.span) {
                Some(first) => inner.report(mistake::duplicate_name(name.span, first, "parameter", &name)),
                None => params.push(Param { name, kind, default }),
            }
        }
        inner.finish();
    }
    reader.finish();
    Some(Template { name: name?, params, body })
}

/// Puts templates in place of all `use` nodes.
pub(in crate::spec) fn expand<'n>(cx: &mut Cx<'n>, items: Vec<Item<'n>>) -> Vec<Item<'n>> {
    let mut expanded = Vec::with_capacity(items.len());
    for item in items {
        if cx.full() {
            break;
        }
        if item.node.name.text == "use" {
            let body = used(cx, &item).unwrap_or_default();
            expanded.extend(expand(cx, body));
        } else {
            expanded.push(item);
        }
    }
    expanded
}

/// The nodes for which a `use` stands; None after a mistake, after which much that is named may be missing.
fn used<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Vec<Item<'n>>> {
    let mut reader = Reader::new(cx, item, USE);
    let nodes = reader.word("the name of a template").and_then(|name| {
        let Some(template) = reader.cx.templates.get(name.as_str()).cloned() else {
            let known: Vec<&str> = reader.cx.templates.keys().copied().collect();
            reader.report(mistake::unknown_name(name.span, "template", &name, known));
            return None;
        };
        reader.cx.used.insert(("template", name.value.clone()));
        let chain: Vec<String> = reader.item.scope.chain().map(Into::into).collect();
        if chain.contains(&name.value) {
            let mut chain: Vec<&str> = chain.iter().map(String::as_str).collect();
            chain.push(&name);
            reader.report(mistake::template_cycle(name.span, &chain));
            return None;
        }
        if chain.len() == MAX_DEPTH {
            reader.report(mistake::template_too_deep(name.span, MAX_DEPTH));
            return None;
        }
        let scope = scope(&mut reader, &template)?;
        let cost = template.body.len() + template.params.len();
        let afforded = reader.cx.afford_nodes(cost, item.node.span);
        afforded.then(|| template.body.iter().map(|node| Item { node, scope: Rc::clone(&scope) }).collect())
    });
    reader.leave();
    cx.cut |= nodes.is_none();
    nodes
}

/// The scope in which a template's nodes are read: its parameters as `use` gives them.
fn scope(reader: &mut Reader, template: &Template) -> Option<Rc<Scope>> {
    let node = reader.node();
    let mut values = BTreeMap::new();
    let mut given = BTreeMap::new();
    let mut right = true;
    for property in &node.props {
        if reader.cx.full() {
            return None;
        }
        let name = &property.name;
        let Some(param) = template.params.iter().find(|param| param.name.value == name.text) else {
            let known: Vec<&str> = template.params.iter().map(|param| param.name.as_str()).collect();
            reader.report(mistake::unknown_parameter(name.span, &name.text, &template.name, &known));
            right = false;
            continue;
        };
        if let Some(first) = given.insert(name.text.as_str(), property.span) {
            reader.report(mistake::repeated_property(property.span, first, &name.text));
        }
        match arg::typed(reader, &property.value, param.kind, Some(&param.name)) {
            Some(value) => {
                values.insert(name.text.clone(), value);
            }
            None => right = false,
        }
    }
    let missing: BTreeSet<&str> =
        template.params.iter().map(|param| param.name.as_str()).filter(|name| !given.contains_key(name)).collect();
    for param in template.params.iter().filter(|param| missing.contains(param.name.as_str())) {
        match &param.default {
            Some(default) => {
                values.insert(param.name.value.clone(), default.clone());
            }
            None => {
                reader.report(mistake::unset_parameter(reader.name_span(), &param.name, &template.name));
                right = false;
            }
        }
    }
    right.then(|| reader.item.scope.within(&template.name, node.span, values))
}
