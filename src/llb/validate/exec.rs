//! What an exec operation must fulfil.
//!
//! Frontends write targets with slashes at the end and selectors without one in front, which is accepted; a part `..`
//! never is. `resultID` and `contentCache` say nothing to an engine that compares contents, and are passed over.

use super::check_index;
use crate::llb::exec::is_output;
use crate::llb::pb;
use std::net::IpAddr;

/// The most arguments, and the most environment variables.
const WORDS: usize = 1 << 16;

/// The most mounts, secrets, hosts, exit codes, ulimits.
const ITEMS: usize = 1 << 12;

/// The longest name of a machine that Linux takes.
const HOSTNAME: usize = 64;

pub(super) fn check(exec: &pb::ExecOp, inputs: usize) -> Result<(), String> {
    check_meta(exec.meta.as_ref().ok_or("a run step without a command")?)?;
    if pb::NetMode::try_from(exec.network).is_err() {
        return Err(format!("the network mode {} is unknown", exec.network));
    }
    if pb::SecurityMode::try_from(exec.security).is_err() {
        return Err(format!("the security mode {} is unknown", exec.security));
    }
    count("secrets in the environment", exec.secretenv.len(), ITEMS)?;
    for secret in &exec.secretenv {
        check_id("a secret", &secret.id)?;
        check_name(&secret.name)?;
    }
    count("mounts", exec.mounts.len(), ITEMS)?;
    exec.mounts.iter().try_for_each(|mount| {
        check_mount(mount, inputs).map_err(|problem| format!("the mount at `{}`: {problem}", shown(&mount.dest)))
    })?;
    match exec.mounts.iter().filter(|mount| is_root(mount)).count() {
        1 => check_outputs(&exec.mounts),
        count => Err(format!("a run step has one root file system, and this one has {count}")),
    }
}

fn check_meta(meta: &pb::Meta) -> Result<(), String> {
    if meta.args.first().is_none_or(String::is_empty) {
        return Err("a run step without a command".to_owned());
    }
    count("arguments", meta.args.len(), WORDS)?;
    meta.args.iter().try_for_each(|argument| without_nul("an argument", argument))?;
    count("environment variables", meta.env.len(), WORDS)?;
    for variable in &meta.env {
        without_nul("an environment variable", variable)?;
        let (name, _) = variable
            .split_once('=')
            .ok_or_else(|| format!("`{}` is no environment variable: NAME=value is", shown(variable)))?;
        check_name(name)?;
    }
    if !meta.cwd.is_empty() {
        check_path("the working directory", &meta.cwd)?;
    }
    if meta.user.chars().any(char::is_control) {
        return Err(format!("`{}` is no user", shown(&meta.user)));
    }
    if meta.hostname.len() > HOSTNAME || !meta.hostname.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!("`{}` is no name of a machine", shown(&meta.hostname)));
    }
    count("names of hosts", meta.extra_hosts.len(), ITEMS)?;
    for host in &meta.extra_hosts {
        let is_name = !host.host.is_empty() && host.host.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
        if !is_name || host.ip.parse::<IpAddr>().is_err() {
            return Err(format!("`{}` with the address `{}` is no host", shown(&host.host), shown(&host.ip)));
        }
    }
    count("exit codes", meta.valid_exit_codes.len(), ITEMS)?;
    count("ulimits", meta.ulimit.len(), ITEMS)
}

fn check_mount(mount: &pb::Mount, inputs: usize) -> Result<(), String> {
    check_path("the target", &mount.dest)?;
    check_index(mount.input, inputs)?;
    without_nul("the selector", &mount.selector)?;
    if mount.selector.split('/').any(|part| part == "..") {
        return Err(format!("the selector `{}` leads out of the tree", shown(&mount.selector)));
    }
    if mount.output < -1 {
        return Err(format!("there is no output {}", mount.output));
    }
    let kind = pb::MountType::try_from(mount.mount_type).map_err(|_| "its type is unknown".to_owned())?;
    if is_root(mount) && (kind != pb::MountType::Bind || !matches!(mount.selector.as_str(), "" | "/")) {
        return Err("the root file system is a whole tree".to_owned());
    }
    let lacks = |what: &str| format!("it says not which {what} it is");
    match kind {
        pb::MountType::Bind => Ok(()),
        pb::MountType::Cache => {
            let cache = mount.cache_opt.as_ref().ok_or_else(|| lacks("cache"))?;
            check_id("a cache", &cache.id)?;
            if mount.output >= 0 && mount.input >= 0 {
                return Err("a cache is no output".to_owned());
            }
            let known = pb::CacheSharingOpt::try_from(cache.sharing).is_ok();
            if known { Ok(()) } else { Err(format!("the sharing mode {} is unknown", cache.sharing)) }
        }
        pb::MountType::Tmpfs if mount.input >= 0 => Err("a folder in memory begins empty".to_owned()),
        pb::MountType::Tmpfs => match mount.tmpfs_opt {
            Some(tmpfs) if tmpfs.size < 0 => Err(format!("a size of {} bytes", tmpfs.size)),
            _ => Ok(()),
        },
        pb::MountType::Secret => {
            let secret = mount.secret_opt.as_ref().ok_or_else(|| lacks("secret"))?;
            check_id("a secret", &secret.id)?;
            check_mode(secret.mode)
        }
        // An agent without a name is the one that is called `default`.
        pb::MountType::Ssh => {
            let ssh = mount.ssh_opt.as_ref().ok_or_else(|| lacks("agent"))?;
            if !ssh.id.is_empty() {
                check_id("an agent", &ssh.id)?;
            }
            check_mode(ssh.mode)
        }
    }
}

/// Outputs are numbered in the order of their mounts, as every client does it and as daemons count them.
fn check_outputs(mounts: &[pb::Mount]) -> Result<(), String> {
    let outputs = mounts.iter().filter(|mount| is_output(mount));
    if outputs.enumerate().any(|(i, mount)| i64::try_from(i) != Ok(mount.output)) {
        return Err("the outputs of a run step must be numbered from 0 in the order of its mounts".to_owned());
    }
    Ok(())
}

fn is_root(mount: &pb::Mount) -> bool {
    mount.dest.starts_with('/') && mount.dest.split('/').all(|part| matches!(part, "" | "."))
}

fn check_path(what: &str, path: &str) -> Result<(), String> {
    without_nul(what, path)?;
    if !path.starts_with('/') || path.split('/').any(|part| part == "..") || path.len() > 4095 {
        return Err(format!("{what} `{}` is no absolute path without `..`", shown(path)));
    }
    Ok(())
}

fn check_id(what: &str, id: &str) -> Result<(), String> {
    without_nul(&format!("the name of {what}"), id)?;
    if id.is_empty() { Err(format!("{what} without a name")) } else { Ok(()) }
}

/// A name that an environment variable can have.
fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.contains(|c: char| c == '=' || c.is_whitespace() || c.is_control()) {
        return Err(format!("`{}` is no name of an environment variable", shown(name)));
    }
    Ok(())
}

fn check_mode(mode: u32) -> Result<(), String> {
    if mode > 0o7777 { Err(format!("{mode:o} are no permission bits")) } else { Ok(()) }
}

fn without_nul(what: &str, text: &str) -> Result<(), String> {
    if text.contains('\0') { Err(format!("{what} has a NUL byte")) } else { Ok(()) }
}

fn count(what: &str, count: usize, most: usize) -> Result<(), String> {
    if count > most { Err(format!("{count} {what}: at most {most} are accepted")) } else { Ok(()) }
}

/// The beginning of a text, for messages.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}
