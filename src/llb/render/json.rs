//! JSON: everything that the graph says, in the order of its vertices.

use crate::llb::graph::without_secrets;
use crate::llb::{Graph, Output, Place, Vertex, pb};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// The graph as JSON: `output`, `vertices` with inputs first, `texts`.
pub fn json(graph: &Graph) -> String {
    let vertices: Vec<Value> = graph.vertices().iter().map(vertex).collect();
    let texts: Vec<Value> = graph.texts().iter().map(|text| json!({ "name": text.name })).collect();
    let document = json!({ "output": output(&graph.output()), "vertices": vertices, "texts": texts });
    let mut text = serde_json::to_string_pretty(&document).expect("a JSON value always has a text");
    text.push('\n');
    text
}

fn vertex(vertex: &Vertex) -> Value {
    let mut object = Map::new();
    object.insert("digest".into(), json!(vertex.digest));
    object.insert("name".into(), json!(vertex.name()));
    object.insert("kind".into(), json!(vertex.kind()));
    object.insert("inputs".into(), vertex.inputs.iter().map(output).collect());
    if let Some(platform) = &vertex.platform {
        let parts = [&platform.os, &platform.architecture, &platform.variant];
        let parts: Vec<&str> = parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        object.insert("platform".into(), json!(parts.join("/")));
    }
    if !vertex.limits.is_empty() {
        object.insert("limits".into(), json!(vertex.limits));
    }
    if !vertex.places.is_empty() {
        object.insert("places".into(), vertex.places.iter().map(place).collect());
    }
    object.insert("op".into(), op(&vertex.op));
    Value::Object(object)
}

fn output(output: &Output) -> Value {
    json!({ "vertex": output.vertex, "index": output.index })
}

fn place(place: &Place) -> Value {
    let position = |(line, character)| json!({ "line": line, "character": character });
    json!({ "text": place.text, "start": position(place.start), "end": position(place.end) })
}

fn op(op: &pb::op::Op) -> Value {
    match op {
        pb::op::Op::Source(source) => {
            json!({ "identifier": without_secrets(&source.identifier), "attrs": source.attrs })
        }
        pb::op::Op::File(file) => json!({ "actions": file.actions.iter().map(action).collect::<Vec<_>>() }),
        pb::op::Op::Merge(merge) => {
            json!({ "inputs": merge.inputs.iter().map(|input| input.input).collect::<Vec<_>>() })
        }
        pb::op::Op::Diff(diff) => json!({
            "lower": diff.lower.map(|lower| lower.input),
            "upper": diff.upper.map(|upper| upper.input),
        }),
        pb::op::Op::Exec(exec) => self::exec(exec),
        pb::op::Op::Build(build) => json!({ "attrs": build.attrs }),
    }
}

fn exec(exec: &pb::ExecOp) -> Value {
    let meta = exec.meta.clone().unwrap_or_default();
    let hosts = meta.extra_hosts.iter().map(|host| json!({ "name": host.host, "address": host.ip }));
    let secrets = exec
        .secretenv
        .iter()
        .map(|secret| json!({ "id": secret.id, "name": secret.name, "optional": secret.optional }));
    json!({
        "args": meta.args, "env": meta.env, "cwd": meta.cwd, "user": meta.user, "hostname": meta.hostname,
        "extraHosts": hosts.collect::<Vec<_>>(), "validExitCodes": meta.valid_exit_codes,
        "mounts": exec.mounts.iter().map(mount).collect::<Vec<_>>(),
        "secretEnv": secrets.collect::<Vec<_>>(),
        "network": exec.network().as_str_name(), "security": exec.security().as_str_name(),
    })
}

fn mount(mount: &pb::Mount) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| drop(object.insert(name.into(), value));
    put("dest", json!(mount.dest));
    put("type", json!(mount.mount_type().as_str_name()));
    let file = |id: &str, uid: u32, gid: u32, mode: u32, optional: bool| json!({ "id": id, "uid": uid, "gid": gid, "mode": format!("{mode:04o}"), "optional": optional });
    match mount.mount_type() {
        pb::MountType::Bind => {
            put("input", json!(mount.input));
            put("output", json!(mount.output));
            put("readonly", json!(mount.readonly));
            put("selector", json!(mount.selector));
        }
        pb::MountType::Cache => {
            let cache = mount.cache_opt.clone().unwrap_or_default();
            put("input", json!(mount.input));
            put("selector", json!(mount.selector));
            put("cache", json!({ "id": cache.id, "sharing": cache.sharing().as_str_name() }));
        }
        pb::MountType::Tmpfs => put("size", json!(mount.tmpfs_opt.unwrap_or_default().size)),
        pb::MountType::Secret => {
            let secret = mount.secret_opt.clone().unwrap_or_default();
            put("secret", file(&secret.id, secret.uid, secret.gid, secret.mode, secret.optional));
        }
        pb::MountType::Ssh => {
            let ssh = mount.ssh_opt.clone().unwrap_or_default();
            put("ssh", file(&ssh.id, ssh.uid, ssh.gid, ssh.mode, ssh.optional));
        }
    }
    Value::Object(object)
}

fn action(action: &pb::FileAction) -> Value {
    let (kind, fields) = match &action.action {
        Some(pb::file_action::Action::Copy(copy)) => ("copy", self::copy(copy)),
        Some(pb::file_action::Action::Mkfile(mkfile)) => (
            "mkfile",
            json!({
                "path": mkfile.path, "mode": octal(mkfile.mode), "data": STANDARD.encode(&mkfile.data),
                "owner": owner(mkfile.owner.as_ref()), "timestamp": mkfile.timestamp,
            }),
        ),
        Some(pb::file_action::Action::Mkdir(mkdir)) => (
            "mkdir",
            json!({
                "path": mkdir.path, "mode": octal(mkdir.mode), "makeParents": mkdir.make_parents,
                "owner": owner(mkdir.owner.as_ref()), "timestamp": mkdir.timestamp,
            }),
        ),
        Some(pb::file_action::Action::Rm(rm)) => {
            ("rm", json!({ "path": rm.path, "allowNotFound": rm.allow_not_found, "allowWildcard": rm.allow_wildcard }))
        }
        Some(pb::file_action::Action::Symlink(symlink)) => (
            "symlink",
            json!({
                "oldpath": symlink.oldpath, "newpath": symlink.newpath,
                "owner": owner(symlink.owner.as_ref()), "timestamp": symlink.timestamp,
            }),
        ),
        None => ("none", Value::Null),
    };
    let mut object = Map::new();
    object.insert("input".into(), json!(action.input));
    object.insert("secondaryInput".into(), json!(action.secondary_input));
    object.insert("output".into(), json!(action.output));
    object.insert(kind.into(), fields);
    Value::Object(object)
}

fn copy(copy: &pb::FileActionCopy) -> Value {
    json!({
        "src": copy.src, "dest": copy.dest, "owner": owner(copy.owner.as_ref()),
        "mode": if copy.mode_str.is_empty() { octal(copy.mode) } else { json!(copy.mode_str) },
        "followSymlink": copy.follow_symlink, "dirCopyContents": copy.dir_copy_contents,
        "attemptUnpack": copy.attempt_unpack_docker_compatibility, "createDestPath": copy.create_dest_path,
        "allowWildcard": copy.allow_wildcard, "allowEmptyWildcard": copy.allow_empty_wildcard,
        "timestamp": copy.timestamp, "includePatterns": copy.include_patterns,
        "excludePatterns": copy.exclude_patterns,
        "alwaysReplaceExistingDestPaths": copy.always_replace_existing_dest_paths,
        "requiredPaths": copy.required_paths,
    })
}

fn owner(owner: Option<&pb::ChownOpt>) -> Value {
    let account = |account: Option<&pb::UserOpt>| match account.and_then(|account| account.user.as_ref()) {
        Some(pb::user_opt::User::ByName(named)) => json!({ "name": named.name, "input": named.input }),
        Some(pb::user_opt::User::ById(id)) => json!(id),
        None => Value::Null,
    };
    match owner {
        Some(owner) => json!({ "user": account(owner.user.as_ref()), "group": account(owner.group.as_ref()) }),
        None => Value::Null,
    }
}

/// Permission bits as people write them; none where the source's are kept.
fn octal(mode: i32) -> Value {
    if mode < 0 { Value::Null } else { json!(format!("{mode:04o}")) }
}
