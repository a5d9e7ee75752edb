//! What commands find around them: `mount`, `cache`, `tmpfs`, `secret`, `ssh`, `network`, `shell`, `limits`, and
//! `workdir`, `user` and `env` where they are for commands.

use super::run::{Cache, Limits, Mount, Network, Secret, SecretForm, Sharing, Ssh, Surroundings, Tmpfs};
use super::{copy, env, workdir};
use crate::diagnostic::Span;
use crate::spec::Spanned;
use crate::spec::expand::{Cx, Given, Item};
use crate::spec::mistake;
use crate::spec::reader::Reader;
use crate::spec::vocabulary::Form;
use crate::syntax::Value;
use std::collections::BTreeMap;

const MOUNT: Form = Form::new("mount", "mount \"app\" to=\"/src\"");
const CACHE: Form = Form::new("cache", "cache \"/root/.cache/pip\"");
const TMPFS: Form = Form::new("tmpfs", "tmpfs \"/tmp\"");
const SECRET: Form = Form::new("secret", "secret \"token\" env=\"TOKEN\"");
const SSH: Form = Form::new("ssh", "ssh");
const NETWORK: Form = Form::new("network", "network \"none\"");
const SHELL: Form = Form::new("shell", "shell \"/bin/bash\" \"-euo\" \"pipefail\" \"-c\"");
const LIMITS: Form = Form::new("limits", "limits memory=\"2GB\" time=\"30m\"");
const USER: Form = Form::new("user", "user \"app\"");

/// Gathers what is said of commands in one block.
#[derive(Default)]
pub(super) struct Gathering {
    around: Surroundings,
    /// Where each node stood first of which there may be only one.
    once: BTreeMap<&'static str, Span>,
    /// Where each path, variable and agent was given first.
    names: BTreeMap<(&'static str, String), Span>,
}

impl Gathering {
    pub(super) fn finish(self) -> Surroundings {
        self.around
    }

    /// Reads a node; false where it is none of these. `sources` are the names that `mount` may name.
    pub(super) fn take<'n>(&mut self, cx: &mut Cx<'n>, item: &Item<'n>, sources: &[&str]) -> bool {
        let name = item.node.name.text.as_str();
        if let Some(name) = ["network", "shell", "limits", "workdir", "user"].into_iter().find(|once| *once == name) {
            self.only_one(cx, item, name);
        }
        match name {
            "mount" => {
                if let Some(mount) = mount(cx, item, sources)
                    && self.is_new_path(cx, item, MOUNT, &mount.to)
                {
                    self.around.mounts.push(mount);
                }
            }
            "cache" => {
                if let Some(cache) = cache(cx, item)
                    && self.is_new_path(cx, item, CACHE, &cache.to)
                {
                    self.around.caches.push(cache);
                }
            }
            "tmpfs" => {
                if let Some(tmpfs) = tmpfs(cx, item)
                    && self.is_new_path(cx, item, TMPFS, &tmpfs.to)
                {
                    self.around.tmpfs.push(tmpfs);
                }
            }
            "secret" => {
                if let Some(secret) = secret(cx, item) {
                    let new = match &secret.form {
                        SecretForm::File { to, .. } => self.is_new_path(cx, item, SECRET, to),
                        SecretForm::Env(name) => self.is_new(cx, item, SECRET, "variable", name),
                    };
                    self.around.secrets.extend(Some(secret).filter(|_| new));
                }
            }
            "ssh" => {
                if let Some(ssh) = ssh(cx, item)
                    && self.is_new(cx, item, SSH, "agent", &ssh.name)
                {
                    self.around.ssh.push(ssh);
                }
            }
            "env" => {
                let mut pairs = env::read(cx, item);
                pairs.retain(|pair| self.is_new(cx, item, Form::new("env", ""), "variable", &pair.name));
                self.around.env.extend(pairs);
            }
            "network" => self.around.network = network(cx, item),
            "shell" => self.around.shell = shell(cx, item),
            "limits" => self.around.limits = Some(limits(cx, item)),
            "workdir" => self.around.workdir = workdir::read(cx, item),
            "user" => self.around.user = user(cx, item),
            _ => return false,
        }
        true
    }

    fn only_one<'n>(&mut self, cx: &mut Cx<'n>, item: &Item<'n>, name: &'static str) {
        if let Some(first) = self.once.get(name) {
            let mistake = mistake::duplicate_node(item.node.span, *first, name, "one place");
            cx.report(mistake, Form::new(name, ""), &item.scope);
            return;
        }
        self.once.insert(name, item.node.span);
    }

    fn is_new_path<'n>(&mut self, cx: &mut Cx<'n>, item: &Item<'n>, form: Form, path: &Spanned<String>) -> bool {
        self.is_new(cx, item, form, "mount point", path)
    }

    fn is_new<'n>(
        &mut self,
        cx: &mut Cx<'n>,
        item: &Item<'n>,
        form: Form,
        what: &'static str,
        name: &Spanned<String>,
    ) -> bool {
        let Some(first) = self.names.get(&(what, name.value.clone())) else {
            self.names.insert((what, name.value.clone()), name.span);
            return true;
        };
        cx.report(mistake::duplicate_name(name.span, *first, what, name), form, &item.scope);
        false
    }
}

/// Where something is mounted: nothing may hide what every command has.
fn mount_point(reader: &mut Reader, path: Spanned<String>) -> Option<Spanned<String>> {
    let path = reader.absolute(path)?;
    let is_in = |place: &str| path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let taken = ["/proc", "/sys", "/dev", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"];
    if let Some(place) = taken.into_iter().find(|place| is_in(place)) {
        let help = "choose another path";
        let message = format!("{place} is made for each command by kiln, and nothing else can be mounted there");
        reader.report(mistake::bad_value(path.span, message, help));
        return None;
    }
    Some(path)
}

fn mount<'n>(cx: &mut Cx<'n>, item: &Item<'n>, sources: &[&str]) -> Option<Mount> {
    let mut reader = Reader::new(cx, item, MOUNT);
    let from = reader.word("the name of a source or a stage").and_then(|from| copy::named(&mut reader, from, sources));
    let to = reader.required_text("to").and_then(|to| mount_point(&mut reader, to));
    let path = reader.text_property("path");
    let given = path.is_some();
    let path = path.and_then(|path| reader.source_part(path));
    let writable = reader.flag_property("writable").unwrap_or(false);
    let span = reader.span();
    reader.finish();
    let path = if given { path? } else { Spanned::new(String::new(), span) };
    Some(Mount { from: from?, to: to?, path, writable, span })
}

fn cache<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Cache> {
    let mut reader = Reader::new(cx, item, CACHE);
    let to = reader.word("a path").and_then(|to| mount_point(&mut reader, to));
    let id = reader.text_property("id");
    let choices = [("shared", Sharing::Shared), ("private", Sharing::Private), ("locked", Sharing::Locked)];
    let sharing = reader.choice_property("sharing", "way of sharing", &choices).unwrap_or_default();
    if let Some(id) = id.as_ref().filter(|id| id.is_empty() || id.len() > 512) {
        reader.report(mistake::bad_name(id.span, "a cache", id, "at most 512 characters"));
    }
    let span = reader.span();
    reader.finish();
    let to = to?;
    let id = id.unwrap_or_else(|| to.clone());
    Some(Cache { to, id, sharing, span })
}

fn tmpfs<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Tmpfs> {
    let mut reader = Reader::new(cx, item, TMPFS);
    let to = reader.word("a path").and_then(|to| mount_point(&mut reader, to));
    let size = size(&mut reader, "size");
    let span = reader.span();
    reader.finish();
    Some(Tmpfs { to: to?, size, span })
}

fn secret<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Secret> {
    let mut reader = Reader::new(cx, item, SECRET);
    let name = reader.identifier("a name", "a secret");
    let env = reader.text_property("env");
    let file = reader.text_property("file").and_then(|file| mount_point(&mut reader, file));
    let mode = reader.mode("mode");
    let owner = reader.text_property("owner").and_then(|owner| numbers(&mut reader, &owner));
    let optional = reader.flag_property("optional").unwrap_or(false);
    if let Some(value) = reader.property("value") {
        let help = "whoever builds brings it: `kiln build --secret NAME=env:VARIABLE`, `=file:PATH` or `=command:…`";
        reader.report(mistake::bad_value(value.span, "a secret's value never stands in a spec", help));
    }
    let as_file = [file.as_ref().map(|f| f.span), mode.as_ref().map(|m| m.span), owner.as_ref().map(|o| o.span)];
    if let (Some(env), Some(other)) = (&env, as_file.into_iter().flatten().next()) {
        let message = "a secret is a variable or a file";
        reader.report(mistake::conflict(other, message, env.span, "make a second `secret` of it"));
    }
    if let Some(env) = env.as_ref().filter(|env| env.is_empty() || env.contains(['=', '\n'])) {
        reader.report(mistake::bad_name(env.span, "a variable", env, "it is not empty and holds no `=`"));
    }
    let span = reader.span();
    reader.finish();
    let name = name?;
    let form = match env {
        Some(env) => SecretForm::Env(env),
        None => SecretForm::File {
            to: file.unwrap_or_else(|| Spanned::new(format!("/run/secrets/{}", name.value), name.span)),
            mode: mode.map(|mode| mode.value),
            owner: owner.map(|owner| owner.value),
        },
    };
    Some(Secret { name, form, optional, span })
}

/// An owner by numbers: secrets are handed over before the file system is looked at.
fn numbers(reader: &mut Reader, text: &Spanned<String>) -> Option<Spanned<(u32, u32)>> {
    let (user, group) = text.split_once(':').unwrap_or((text, text));
    match (user.parse(), group.parse()) {
        (Ok(user), Ok(group)) => Some(Spanned::new((user, group), text.span)),
        _ => {
            let message = format!("`{}` is no owner by numbers", mistake::clip(text));
            reader.report(mistake::bad_value(text.span, message, "write `\"1000\"` or `\"1000:1000\"`"));
            None
        }
    }
}

fn ssh<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Ssh> {
    let mut reader = Reader::new(cx, item, SSH);
    let given = !reader.node().args.is_empty();
    let span = reader.span();
    let name = match given {
        true => reader.identifier("a name", "an agent"),
        false => Some(Spanned::new("default".to_owned(), span)),
    };
    let optional = reader.flag_property("optional").unwrap_or(false);
    reader.finish();
    Some(Ssh { name: name?, optional, span })
}

fn network<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Spanned<Network>> {
    let mut reader = Reader::new(cx, item, NETWORK);
    let word = reader.word("`none` or `host`");
    let choices = [("none", Network::None), ("host", Network::Host)];
    let network = word.and_then(|word| Some(Spanned::new(reader.choice(&word, "network", &choices)?, word.span)));
    reader.finish();
    network
}

fn shell<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Spanned<Vec<String>>> {
    let mut reader = Reader::new(cx, item, SHELL);
    let words = reader.words("a program or an argument");
    let span = reader.span();
    let whole = words.len() == reader.node().args.len() && !words.is_empty();
    reader.finish();
    whole.then(|| Spanned::new(words.into_iter().map(|word| word.value).collect(), span))
}

fn user<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Option<Spanned<super::account::Owner>> {
    let mut reader = Reader::new(cx, item, USER);
    let argument = reader.required("a number or a name");
    let owner = argument.and_then(|argument| reader.owner_value(argument));
    reader.finish();
    owner
}

fn limits<'n>(cx: &mut Cx<'n>, item: &Item<'n>) -> Limits {
    let mut reader = Reader::new(cx, item, LIMITS);
    let limits = Limits {
        cpu: cpu(&mut reader),
        memory: size(&mut reader, "memory"),
        pids: reader.number_property("pids", 1, 1 << 22).and_then(|n| u64::try_from(n).ok()),
        disk: size(&mut reader, "disk"),
        time: time(&mut reader),
        span: Some(reader.span()),
    };
    if reader.node().props.is_empty() {
        reader.report(mistake::missing_argument(reader.name_span(), LIMITS, "what is bounded"));
    }
    reader.finish();
    limits
}

/// A number of processors, whole or with a fraction, in thousandths.
fn cpu(reader: &mut Reader) -> Option<u64> {
    let argument = reader.property("cpu")?;
    let text = match &argument.value {
        Value::Float(number) => number.to_string(),
        _ => match reader.value(argument)? {
            Given::Int(number) => number.to_string(),
            Given::AnyInt(number) => number.to_string(),
            Given::Text(text) => text,
            other => {
                reader.report(mistake::wrong_type(argument.span, "a number of processors", other.kind()));
                return None;
            }
        },
    };
    let parsed = thousandths(&text);
    if parsed.is_none() {
        let message = format!("`{}` is no number of processors", mistake::clip(&text));
        reader.report(mistake::bad_value(argument.span, message, "write `2`, `1.5` or `0.25`"));
    }
    parsed
}

fn thousandths(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || whole.is_empty() || !digits(fraction) {
        return None;
    }
    let fraction: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let number = whole.parse::<u64>().ok()? * 1000 + fraction;
    (number > 0).then_some(number)
}

/// A property that is a number of bytes.
fn size(reader: &mut Reader, name: &'static str) -> Option<u64> {
    let text = reader.text_property(name)?;
    let size = bytes(&text);
    if size.is_none() {
        let message = format!("`{}` is no size", mistake::clip(&text));
        reader.report(mistake::bad_value(text.span, message, "write `\"500MB\"`, `\"2GB\"` or `\"512KiB\"`"));
    }
    size
}

fn bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 7] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("B", 1),
    ];
    let (number, scale) = UNITS.iter().find_map(|(unit, scale)| Some((text.strip_suffix(unit)?, *scale)))?;
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| digits)?;
    number.checked_mul(scale).filter(|size| (1..=1 << 50).contains(size))
}

/// A property that is a time, in seconds.
fn time(reader: &mut Reader) -> Option<u64> {
    let text = reader.text_property("time")?;
    let units = [("s", 1), ("m", 60), ("h", 3600)];
    let parsed = units.iter().find_map(|(unit, scale)| {
        let number = text.strip_suffix(unit).filter(|n| (1..=6).contains(&n.len()))?;
        let number: u64 = number.bytes().all(|b| b.is_ascii_digit()).then(|| number.parse().ok())??;
        number.checked_mul(*scale).filter(|seconds| (1..=7 * 86_400).contains(seconds))
    });
    if parsed.is_none() {
        let message = format!("`{}` is no time from 1s to 168h", mistake::clip(&text));
        reader.report(mistake::bad_value(text.span, message, "write `\"90s\"`, `\"30m\"` or `\"2h\"`"));
    }
    parsed
}
