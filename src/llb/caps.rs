//! What a daemon must be capable of to run an operation.
//!
//! A daemon that lacks one of the capabilities named in a vertex's metadata refuses
//! the definition at once, with the capability's name, instead of building something
//! else. The names are those of BuildKit's `solver/pb/caps.go`.

use super::{attr, pb};
use std::collections::BTreeMap;

/// The capabilities that running `op` takes, as metadata holds them.
pub(super) fn of(op: &pb::op::Op) -> BTreeMap<String, bool> {
    let mut names = Vec::new();
    match op {
        pb::op::Op::Source(source) => of_source(source, &mut names),
        pb::op::Op::File(file) => {
            names.push("file.base");
            file.actions.iter().for_each(|action| of_action(action, &mut names));
        }
        pb::op::Op::Merge(_) => names.push("mergeop"),
        pb::op::Op::Diff(_) => names.push("diffop"),
        pb::op::Op::Exec(exec) => of_exec(exec, &mut names),
        pb::op::Op::Build(_) => {}
    }
    names.into_iter().map(|name| (name.to_owned(), true)).collect()
}

/// The capabilities that the last operation's metadata holds; `described` if any vertex has a description.
pub(super) fn of_definition(described: bool) -> BTreeMap<String, bool> {
    let description = described.then_some("meta.description");
    ["constraints", "platform"].into_iter().chain(description).map(|name| (name.to_owned(), true)).collect()
}

fn of_source(source: &pb::SourceOp, names: &mut Vec<&'static str>) {
    let (base, by_attribute): (&str, &[(&str, &str)]) = match source.identifier.split("://").next().unwrap_or_default()
    {
        "local" => (
            "source.local",
            &[
                (attr::INCLUDE_PATTERNS, "source.local.includepatterns"),
                (attr::EXCLUDE_PATTERNS, "source.local.excludepatterns"),
                (attr::FOLLOW_PATHS, "source.local.followpaths"),
                (attr::SHARED_KEY_HINT, "source.local.sharedkeyhint"),
                (attr::LOCAL_SESSION, "source.local.sessionid"),
                (attr::LOCAL_DIFFER, "source.local.differ"),
                (attr::LOCAL_UNIQUE, "source.local.unique"),
            ],
        ),
        "http" | "https" => (
            "source.http",
            &[
                (attr::HTTP_CHECKSUM, "source.http.checksum"),
                (attr::HTTP_PERM, "source.http.perm"),
                // Misspelled in BuildKit, where it stays so: the name is the protocol.
                (attr::HTTP_UID, "soruce.http.uidgid"),
                (attr::HTTP_GID, "soruce.http.uidgid"),
            ],
        ),
        "oci-layout" => ("source.ocilayout", &[]),
        "docker-image" => ("source.image", &[]),
        // A daemon that does not know the others passes over them: they only make sure.
        "git" => (
            "source.git",
            &[
                (attr::GIT_URL, "source.git.fullurl"),
                (attr::GIT_TOKEN, "source.git.httpauth"),
                (attr::GIT_HEADER, "source.git.httpauth"),
                (attr::GIT_AGENT, "source.git.mountsshsock"),
            ],
        ),
        _ => return,
    };
    names.push(base);
    names.extend(by_attribute.iter().filter(|(name, _)| source.attrs.contains_key(*name)).map(|(_, cap)| cap));
}

fn of_action(action: &pb::FileAction, names: &mut Vec<&'static str>) {
    match &action.action {
        Some(pb::file_action::Action::Copy(copy)) => {
            if !copy.include_patterns.is_empty() || !copy.exclude_patterns.is_empty() {
                names.push("file.copy.includeexcludepatterns");
            }
            if copy.always_replace_existing_dest_paths {
                names.push("file.copy.alwaysreplaceexistingdestpaths");
            }
            if !copy.mode_str.is_empty() {
                names.push("file.copy.modestring");
            }
        }
        Some(pb::file_action::Action::Rm(rm)) if rm.allow_wildcard => names.push("file.rm.wildcard"),
        Some(pb::file_action::Action::Symlink(_)) => names.push("file.symlink.create"),
        _ => {}
    }
}

fn of_exec(exec: &pb::ExecOp, names: &mut Vec<&'static str>) {
    let meta = exec.meta.clone().unwrap_or_default();
    let lacks_path = !meta.env.iter().any(|variable| variable.starts_with("PATH="));
    let has = |kind| exec.mounts.iter().any(|mount| mount.mount_type() == kind);
    let by_content = [
        (true, "exec.meta.base"),
        (lacks_path, "exec.meta.setsdefaultpath"),
        (exec.network() != pb::NetMode::Unset, "exec.meta.network"),
        (exec.security() != pb::SecurityMode::Sandbox, "exec.meta.security"),
        (meta.proxy_env.is_some(), "exec.meta.proxyenv"),
        (!meta.ulimit.is_empty(), "exec.meta.ulimit"),
        (!meta.valid_exit_codes.is_empty(), "exec.validexitcode"),
        (has(pb::MountType::Secret) || !exec.secretenv.is_empty(), "exec.mount.secret"),
        (!exec.secretenv.is_empty(), "exec.secretenv"),
        (has(pb::MountType::Ssh), "exec.mount.ssh"),
    ];
    names.extend(by_content.into_iter().filter(|(takes, _)| *takes).map(|(_, name)| name));
    for mount in &exec.mounts {
        match mount.mount_type() {
            pb::MountType::Bind if mount.input >= 0 => names.push("exec.mount.bind"),
            pb::MountType::Cache => names.extend(["exec.mount.cache", "exec.mount.cache.sharing"]),
            pb::MountType::Tmpfs => {
                let sized = mount.tmpfs_opt.is_some_and(|tmpfs| tmpfs.size > 0);
                names.extend(["exec.mount.tmpfs"].into_iter().chain(sized.then_some("exec.mount.tmpfs.size")));
            }
            _ => {}
        }
        if !mount.selector.is_empty() {
            names.push("exec.mount.selector");
        }
        if mount.content_cache() != pb::MountContentCache::Default {
            names.push("exec.mount.cache.content");
        }
    }
}
