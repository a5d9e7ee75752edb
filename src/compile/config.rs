//! The configuration of an image: its levels' settings, the upper ones winning.

use super::recipe::User;
use crate::oci::{self, Config, Empty};
use crate::plan::Level;
use crate::spec::{Healthcheck, Image, Pair, RunAs};
use std::collections::BTreeMap;

/// The user and group that run an image of whose user the spec says nothing.
const NONROOT: u32 = 65532;

/// Merges a base's configuration and that of all levels.
pub(super) fn merge(levels: &[Level], base: Option<&Config>) -> (Config, User) {
    let mut config = base.cloned().unwrap_or_default();
    let mut user = User::Fixed(format!("{NONROOT}:{NONROOT}"));
    // A base's user and labels speak of the base: an image says its own.
    config.user = None;
    config.labels = None;
    for level in levels {
        let image = &level.image;
        lay_over(&mut config, image);
        if let Some(run_as) = &image.user {
            user = match &run_as.value {
                RunAs::Id { uid, gid: Some(gid) } => User::Fixed(format!("{uid}:{gid}")),
                RunAs::Id { uid, gid: None } => User::Fixed(uid.to_string()),
                RunAs::Account(account) => User::Fixed(format!("{}:{}", account.uid.value, account.gid)),
                RunAs::Name(name) => match declared(levels, name) {
                    Some((uid, gid)) => User::Fixed(format!("{uid}:{gid}")),
                    None => User::Named(name.clone()),
                },
            };
        }
    }
    (config, user)
}

fn declared(levels: &[Level], name: &str) -> Option<(u32, u32)> {
    let accounts = levels.iter().rev().flat_map(|level| &level.image.accounts);
    accounts.into_iter().find(|a| a.name.value == name).map(|a| (a.uid.value, a.gid))
}

fn lay_over(config: &mut Config, image: &Image) {
    for pair in &image.env {
        let list = config.env.get_or_insert_default();
        let prefix = format!("{}=", pair.name.value);
        list.retain(|line| !line.starts_with(&prefix));
        list.push(format!("{prefix}{}", pair.value.value));
    }
    if let Some(entrypoint) = &image.entrypoint {
        config.entrypoint = Some(entrypoint.value.clone());
        config.cmd = None;
    }
    if let Some(cmd) = &image.cmd {
        config.cmd = Some(cmd.value.clone());
    }
    if let Some(workdir) = &image.workdir {
        config.working_dir = Some(workdir.value.clone());
    }
    for port in &image.ports {
        config.exposed_ports.get_or_insert_default().insert(port.value.to_string(), Empty {});
    }
    for volume in &image.volumes {
        config.volumes.get_or_insert_default().insert(volume.value.clone(), Empty {});
    }
    if !image.labels.is_empty() {
        config.labels.get_or_insert_default().extend(pairs(&image.labels));
    }
    if let Some(signal) = &image.stop_signal {
        config.stop_signal = Some(signal.value.clone());
    }
    if let Some(healthcheck) = &image.healthcheck {
        config.healthcheck = Some(check(&healthcheck.value));
    }
}

fn check(healthcheck: &Healthcheck) -> oci::Healthcheck {
    let nanoseconds = |n: Option<u64>| n.map_or(0, |n| i64::try_from(n).unwrap_or(i64::MAX));
    match healthcheck {
        Healthcheck::Off => oci::Healthcheck { test: vec!["NONE".into()], ..oci::Healthcheck::default() },
        Healthcheck::Probe(probe) => oci::Healthcheck {
            test: std::iter::once("CMD".to_owned()).chain(probe.command.iter().cloned()).collect(),
            interval: nanoseconds(probe.interval),
            timeout: nanoseconds(probe.timeout),
            start_period: nanoseconds(probe.start_period),
            retries: probe.retries.map_or(0, i64::from),
        },
    }
}

pub(super) fn pairs(list: &[Pair]) -> BTreeMap<String, String> {
    list.iter().map(|pair| (pair.name.value.clone(), pair.value.value.clone())).collect()
}
