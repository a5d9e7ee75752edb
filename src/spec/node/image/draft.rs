//! An image while its nodes are read: what may stand once, and which names may be given once.

use super::{Image, Known, Step};
use crate::diagnostic::Span;
use crate::spec::expand::{Cx, Item};
use crate::spec::mistake;
use crate::spec::node::account::{self, Account, RunAs};
use crate::spec::node::surroundings::Gathering;
use crate::spec::node::{
    annotation, base, command, copy, env, file, healthcheck, label, layers, mkdir, packages, platform, port, remove,
    run, stop_signal, symlink, volume, workdir,
};
use crate::spec::vocabulary::{self, Form};
use std::collections::BTreeMap;

pub(super) struct Draft {
    image: Image,
    /// Whether it is a stage's: then what is said of the environment, the folder and the user is for its commands.
    stage: bool,
    around: Gathering,
    /// Where each node stood first of which there may be only one.
    first: BTreeMap<&'static str, Span>,
    /// Where each name stood first that may be given only once, by what it is the name of.
    names: BTreeMap<(&'static str, String), Span>,
}

impl Draft {
    pub(super) fn new(image: Image, stage: bool) -> Self {
        Draft { image, stage, around: Gathering::default(), first: BTreeMap::new(), names: BTreeMap::new() }
    }

    pub(super) fn finish(self) -> Image {
        Image { surroundings: self.around.finish(), ..self.image }
    }

    /// Reads one node of the image.
    pub(super) fn take<'n>(&mut self, cx: &mut Cx<'n>, item: &Item<'n>, known: &Known) {
        let name = item.node.name.text.as_str();
        if self.stage && !vocabulary::STAGE.contains(&name) {
            let mistake = mistake::unknown_node(item.node.name.span, name, Some("stage"), vocabulary::STAGE);
            cx.report(mistake, Form::new("stage", ""), &item.scope);
            return;
        }
        let around = vocabulary::AROUND.contains(&name) && (self.stage || !OF_IMAGES.contains(&name));
        if around && self.around.take(cx, item, &known.sources) {
            return;
        }
        if let Some(name) = ONCE.iter().find(|once| **once == name) {
            self.once(cx, item, name);
        }
        let image = &mut self.image;
        match name {
            "base" => image.base = base::read(cx, item, &known.images, &known.others, &known.stages),
            "packages" => {
                if let Some(packages) = packages::read(cx, item) {
                    packages::check(cx, item, &packages, known.apts);
                    image.packages.push(packages);
                }
            }
            "copy" => image.steps.extend(copy::read(cx, item, &known.sources).map(Step::Copy)),
            "mkdir" => image.steps.extend(mkdir::read(cx, item).map(Step::Mkdir)),
            "file" => image.steps.extend(file::read(cx, item).map(Step::File)),
            "symlink" => image.steps.extend(symlink::read(cx, item).map(Step::Symlink)),
            "remove" => image.steps.extend(remove::read(cx, item).map(Step::Remove)),
            "run" => image.steps.extend(run::read(cx, item, &known.sources).map(|run| Step::Run(Box::new(run)))),
            "check" => {
                if let Some(check) = run::read_check(cx, item, &known.sources) {
                    let name = check.check.as_ref().map(|check| check.name.clone());
                    if name.is_none_or(|name| self.is_new(cx, item, "check", &name, name.span)) {
                        self.image.steps.push(Step::Run(Box::new(check)));
                    }
                }
            }
            "layers" => image.layers = layers::read(cx, item),
            "healthcheck" => image.healthcheck = healthcheck::read(cx, item),
            "entrypoint" => image.entrypoint = command::read_entrypoint(cx, item),
            "cmd" => image.cmd = command::read_cmd(cx, item),
            "workdir" => image.workdir = workdir::read(cx, item),
            "stop-signal" => image.stop_signal = stop_signal::read(cx, item),
            "user" => self.user(cx, item),
            _ => self.take_named(cx, item),
        }
    }

    /// Reads a node that gives names to things.
    fn take_named<'n>(&mut self, cx: &mut Cx<'n>, item: &Item<'n>) {
        match item.node.name.text.as_str() {
            "platform" => {
                let found = platform::read(cx, item);
                let new = found.into_iter().filter(|p| self.is_new(cx, item, "platform", &p.to_string(), p.span));
                let new: Vec<_> = new.collect();
                self.image.platforms.extend(new);
            }
            "account" => {
                if let Some(account) = account::read_account(cx, item) {
                    self.add_account(cx, item, account);
                }
            }
            "group" => {
                let Some(group) = account::read_group(cx, item) else { return };
                let new = self.is_new(cx, item, "gid", &group.gid.to_string(), group.gid.span);
                if self.is_new(cx, item, "group", &group.name, group.name.span) && new {
                    self.image.groups.push(group);
                }
            }
            "env" => {
                let mut pairs = env::read(cx, item);
                pairs.retain(|pair| self.is_new(cx, item, "variable", &pair.name, pair.name.span));
                self.image.env.extend(pairs);
            }
            "label" => {
                let mut pairs = label::read(cx, item);
                pairs.retain(|pair| self.is_new(cx, item, "label", &pair.name, pair.name.span));
                self.image.labels.extend(pairs);
            }
            "annotation" => {
                let mut pairs = annotation::read(cx, item);
                pairs.retain(|pair| self.is_new(cx, item, "annotation", &pair.name, pair.name.span));
                self.image.annotations.extend(pairs);
            }
            "port" => {
                let mut ports = port::read(cx, item);
                ports.retain(|port| self.is_new(cx, item, "port", &port.to_string(), port.span));
                self.image.ports.extend(ports);
            }
            "volume" => {
                let mut paths = volume::read(cx, item);
                paths.retain(|path| self.is_new(cx, item, "volume", path, path.span));
                self.image.volumes.extend(paths);
            }
            name => {
                let mistake = mistake::unknown_node(item.node.name.span, name, Some("image"), vocabulary::IMAGE);
                cx.report(mistake, super::IMAGE, &item.scope);
            }
        }
    }

    fn user<'n>(&mut self, cx: &mut Cx<'n>, item: &Item<'n>) {
        let Some(user) = account::read_user(cx, item) else { return };
        if let RunAs::Account(account) = &user.value {
            self.add_account(cx, item, account.clone());
        }
        self.image.user = Some(user);
    }

    fn add_account<'n>(&mut self, cx: &mut Cx<'n>, item: &Item<'n>, account: Account) {
        let new = self.is_new(cx, item, "uid", &account.uid.to_string(), account.uid.span);
        if self.is_new(cx, item, "account", &account.name, account.name.span) && new {
            self.image.accounts.push(account);
        }
    }

    /// Reports a node that stands twice.
    fn once<'n>(&mut self, cx: &mut Cx<'n>, item: &Item<'n>, name: &'static str) {
        let Some(first) = self.first.get(name) else {
            self.first.insert(name, item.node.span);
            return;
        };
        let parent = if self.stage { "a stage" } else { "an image" };
        let mistake = mistake::duplicate_node(item.node.span, *first, name, parent);
        let mistake = match name {
            "user" => mistake.with_help("it says who runs the image; make further accounts with `account`"),
            _ => mistake,
        };
        cx.report(mistake, Form::new(name, ""), &item.scope);
    }

    /// Whether a name is new; one that is not is reported.
    fn is_new<'n>(&mut self, cx: &mut Cx<'n>, item: &Item<'n>, what: &'static str, name: &str, span: Span) -> bool {
        let Some(first) = self.names.get(&(what, name.to_owned())) else {
            self.names.insert((what, name.to_owned()), span);
            return true;
        };
        // All nodes that come here have a page of their own.
        let page = vocabulary::IMAGE
            .iter()
            .chain(vocabulary::STAGE)
            .find(|page| **page == item.node.name.text)
            .copied()
            .unwrap_or("image");
        cx.report(mistake::duplicate_name(span, *first, what, name), Form::new(page, ""), &item.scope);
        false
    }
}

/// What an image says of itself and a stage of its commands.
const OF_IMAGES: [&str; 3] = ["env", "user", "workdir"];

/// What an image may say only once.
const ONCE: [&str; 8] = ["base", "user", "entrypoint", "cmd", "workdir", "stop-signal", "healthcheck", "layers"];
