//! An exec operation as what a sandbox runs: names looked up, secrets and caches at hand.

use super::super::sandbox::{EnvValue, Mount, MountKind, Step};
use super::super::value::Value;
use super::caches::{self, Held, Wanted};
use super::error::ExecError;
use super::key;
use super::part::Parts;
use super::user;
use crate::llb::exec::{Network, Sharing, is_output};
use crate::llb::pb;
use crate::llb::{self, Vertex};
use crate::oci::Digest;
use crate::solve::Request;
use crate::store::Store;
use crate::tree::{Change, Tree, TreePath};
use secrecy::{ExposeSecret, SecretSlice};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

/// Where programs are looked for when nobody says.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The name of the machine when nobody says.
const HOSTNAME: &str = "kiln";

/// The agent when nobody says which.
const AGENT: &str = "default";

/// The most bytes that a secret has.
const SECRET: usize = 512 << 10;

/// A command ready to run.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) step: Step,
    /// For each mount of the step, which of the operation's it is.
    pub(super) origins: Vec<usize>,
    /// For each mount of the operation the tree behind it; the empty one where it begins with nothing.
    pub(super) bases: Vec<Option<Value>>,
    /// What people should know.
    pub(super) warnings: Vec<String>,
    /// Locked as long as the command runs.
    _caches: Held,
}

/// Brings together what a command takes; none where the wait for a cache was ended.
pub(super) fn ready(
    request: &Request<'_>,
    vertex: &Vertex,
    op: &pb::ExecOp,
    inputs: &[Value],
    parts: &Parts,
    store: &Store,
    gave_up: &dyn Fn() -> bool,
) -> Result<Option<Ready>, ExecError> {
    let meta = op.meta.clone().unwrap_or_default();
    let bases = bases(op, inputs, store)?;
    let root = op.mounts.iter().zip(&bases).find(|(mount, _)| is_root(mount)).and_then(|(_, base)| base.as_ref());
    let root = root.map_or_else(|| Ok(Arc::default()), |root| root.tree(store))?;
    let identity = user::look_up(&meta.user, &root, store)?;
    let network = key::network_of(op, request.network);
    let env = environment(op, &meta, network, &identity.home, request)?;
    let kinds = op.mounts.iter().zip(&bases).enumerate().map(|(i, (mount, base))| {
        let part = parts.paths(i).cloned();
        mount_kind(mount, base.as_ref(), part, request)
    });
    let mut kinds: Vec<Option<MountKind>> = kinds.collect::<Result<_, _>>()?;

    let caches = caches(op, &bases, store)?;
    let Some(held) = caches::hold(store, wanted(&caches), gave_up)? else { return Ok(None) };
    for (kind, cache) in kinds.iter_mut().zip(&caches) {
        let folder = cache.as_ref().and_then(|(name, ..)| held.folder(name));
        *kind = kind.take().or_else(|| folder.map(|path| MountKind::Folder { path: path.to_owned() }));
    }
    // Folders before what is mounted in them; of two at one place the later wins.
    let mut places: Vec<(String, usize, MountKind)> = Vec::new();
    for (i, (mount, kind)) in op.mounts.iter().zip(kinds).enumerate() {
        places.extend(kind.map(|kind| Ok::<_, ExecError>((absolute(&mount.dest)?, i, kind))).transpose()?);
    }
    places.sort_by(|(a, i, _), (b, j, _)| (a, i).cmp(&(b, j)));
    let origins = places.iter().map(|(_, i, _)| *i).collect();
    let mounts = places.into_iter().map(|(target, _, kind)| Mount { target, kind }).collect();
    let step = Step {
        name: vertex.name(),
        platform: llb::platform(vertex.platform.as_ref()),
        args: meta.args.clone(),
        env,
        cwd: absolute(&meta.cwd)?,
        user: identity.user,
        hostname: if meta.hostname.is_empty() { HOSTNAME.to_owned() } else { meta.hostname.clone() },
        hosts: meta.extra_hosts.iter().map(|host| (host.host.clone(), host.ip.clone())).collect(),
        network,
        limits: vertex.limits,
        mounts,
        interactive: false,
    };
    let ulimits = meta.ulimit.iter().map(|ulimit| format!("the ulimit `{}` is not applied", ulimit.name));
    Ok(Some(Ready { step, origins, bases, warnings: ulimits.collect(), _caches: held }))
}

/// The tree behind each mount that shows one. What becomes an output must be a directory.
pub(super) fn bases(op: &pb::ExecOp, inputs: &[Value], store: &Store) -> Result<Vec<Option<Value>>, ExecError> {
    let base = |mount: &pb::Mount| match (mount.mount_type(), key::input(mount, inputs)) {
        (pb::MountType::Bind, None) => Ok(Some(Value::store(Change::default(), Vec::new(), store)?)),
        (pb::MountType::Bind | pb::MountType::Cache, Some(value)) => {
            if is_output(mount) && !key::selector(mount)?.is_root() {
                directory(mount, &*value.tree(store)?)?;
            }
            Ok(Some(value.clone()))
        }
        _ => Ok(None),
    };
    op.mounts.iter().map(base).collect()
}

/// Where in a tree the directory is that a mount shows.
pub(super) fn directory(mount: &pb::Mount, tree: &Tree) -> Result<TreePath, ExecError> {
    let selector = key::selector(mount)?;
    let path = tree.resolve(selector.as_bytes())?;
    let target = || mount.dest.clone();
    match tree.get(&path) {
        _ if path.is_root() => Ok(path),
        Some(entry) if entry.is_dir() => Ok(path),
        Some(entry) => Err(ExecError::NoDirectory { selector, target: target(), kind: entry.kind() }),
        None => Err(ExecError::NoSelection { selector, target: target() }),
    }
}

/// The name of a cache, who may use it, and what it begins with.
type Cache = (Digest, Sharing, Option<Arc<Tree>>);

/// The caches of a command; none for mounts of other kinds.
fn caches(op: &pb::ExecOp, bases: &[Option<Value>], store: &Store) -> Result<Vec<Option<Cache>>, ExecError> {
    let cache = |(mount, base): (&pb::Mount, &Option<Value>)| {
        let options = mount.cache_opt.as_ref().filter(|_| mount.mount_type() == pb::MountType::Cache);
        let Some(options) = options else { return Ok(None) };
        let sharing = match options.sharing() {
            pb::CacheSharingOpt::Shared => Sharing::Shared,
            pb::CacheSharingOpt::Private => Sharing::Private,
            pb::CacheSharingOpt::Locked => Sharing::Locked,
        };
        let seed = match base {
            Some(base) => {
                let tree = base.tree(store)?;
                Some(Arc::new(tree.subtree(&directory(mount, &tree)?)))
            }
            None => None,
        };
        let digest = seed.as_ref().map(|seed| seed.digest());
        Ok(Some((caches::name(&options.id, digest.as_ref()), sharing, seed)))
    };
    op.mounts.iter().zip(bases).map(cache).collect()
}

/// What to wait for: each cache once, however often it is mounted.
fn wanted(caches: &[Option<Cache>]) -> BTreeMap<Digest, Wanted> {
    let mut all: BTreeMap<Digest, Wanted> = BTreeMap::new();
    for (name, sharing, seed) in caches.iter().flatten() {
        let wanted = all.entry(*name).or_insert_with(|| Wanted { sharing: *sharing, seed: seed.clone() });
        wanted.sharing = caches::stricter(wanted.sharing, *sharing);
    }
    all
}

/// What is mounted; none for what is optional and was not given, and for caches, which have no folder yet.
fn mount_kind(
    mount: &pb::Mount,
    base: Option<&Value>,
    part: Option<BTreeSet<TreePath>>,
    request: &Request<'_>,
) -> Result<Option<MountKind>, ExecError> {
    let permissions = |mode: u32| u16::try_from(mode & 0o7777).unwrap_or(0);
    match mount.mount_type() {
        pb::MountType::Bind => {
            let (selector, writable) = (key::selector(mount)?, !mount.readonly);
            Ok(base.map(|base| MountKind::Tree { tree: base.tree_ref(), selector, writable, part }))
        }
        pb::MountType::Cache => Ok(None),
        pb::MountType::Tmpfs => {
            let size = mount.tmpfs_opt.and_then(|tmpfs| u64::try_from(tmpfs.size).ok());
            Ok(Some(MountKind::Tmpfs { size: size.filter(|size| *size > 0) }))
        }
        pb::MountType::Secret => {
            let options = mount.secret_opt.clone().unwrap_or_default();
            let content = secret(request, &options.id, options.optional)?;
            let (owner, mode) = ((options.uid, options.gid), permissions(options.mode));
            Ok(content.map(|content| MountKind::Secret { content, owner, mode }))
        }
        pb::MountType::Ssh => {
            let options = mount.ssh_opt.clone().unwrap_or_default();
            let path = agent(request, &options.id, options.optional)?;
            let (owner, mode) = ((options.uid, options.gid), permissions(options.mode));
            Ok(path.map(|path| MountKind::Agent { path, owner, mode }))
        }
    }
}

fn secret(request: &Request<'_>, id: &str, optional: bool) -> Result<Option<SecretSlice<u8>>, ExecError> {
    match request.secrets.get(id) {
        Some(secret) if secret.expose_secret().len() > SECRET => {
            Err(ExecError::LargeSecret { id: id.to_owned(), limit: SECRET })
        }
        None if !optional => Err(ExecError::NoSecret(id.to_owned())),
        secret => Ok(secret.cloned()),
    }
}

fn agent(request: &Request<'_>, id: &str, optional: bool) -> Result<Option<PathBuf>, ExecError> {
    let id = if id.is_empty() { AGENT } else { id };
    match request.agents.get(id) {
        None if !optional => Err(ExecError::NoAgent(id.to_owned())),
        agent => Ok(agent.cloned()),
    }
}

/// The environment: what the operation says, what BuildKit adds where it is missing, then proxies and secrets. Of what
/// is said twice the last counts. Proxies are for those that reach the network, and never decide a result.
fn environment(
    op: &pb::ExecOp,
    meta: &pb::Meta,
    network: Network,
    home: &str,
    request: &Request<'_>,
) -> Result<Vec<(String, EnvValue)>, ExecError> {
    let mut env: Vec<(String, EnvValue)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut set = |name: &str, value: EnvValue| match places.get(name) {
        Some(place) => env[*place].1 = value,
        None => {
            places.insert(name.to_owned(), env.len());
            env.push((name.to_owned(), value));
        }
    };
    let said = || meta.env.iter().filter_map(|variable| variable.split_once('='));
    for (name, value) in [("PATH", PATH), ("HOME", home)] {
        if !said().any(|(known, _)| known == name) {
            set(name, EnvValue::Plain(value.to_owned()));
        }
    }
    for (name, value) in said() {
        set(name, EnvValue::Plain(value.to_owned()));
    }
    if let (Some(proxy), Network::Host) = (&meta.proxy_env, network) {
        let all = [
            ("HTTP_PROXY", &proxy.http_proxy),
            ("HTTPS_PROXY", &proxy.https_proxy),
            ("FTP_PROXY", &proxy.ftp_proxy),
            ("NO_PROXY", &proxy.no_proxy),
            ("ALL_PROXY", &proxy.all_proxy),
        ];
        for (name, value) in all.into_iter().filter(|(_, value)| !value.is_empty()) {
            set(name, EnvValue::Plain(value.clone()));
            set(&name.to_lowercase(), EnvValue::Plain(value.clone()));
        }
    }
    for asked in &op.secretenv {
        let Some(value) = secret(request, &asked.id, asked.optional)? else { continue };
        if value.expose_secret().contains(&0) {
            return Err(ExecError::NulSecret(asked.id.clone()));
        }
        set(&asked.name, EnvValue::Secret(value));
    }
    Ok(env)
}

/// A path without what does not count in it.
fn absolute(path: &str) -> Result<String, ExecError> {
    let clean = TreePath::from_user(path)?;
    Ok(format!("/{}", String::from_utf8_lossy(clean.as_bytes())))
}

fn is_root(mount: &pb::Mount) -> bool {
    TreePath::from_user(&mount.dest).is_ok_and(|path| path.is_root())
}

/// The output that a mount is; none for all that is none.
pub(super) fn output(mount: &pb::Mount) -> Option<usize> {
    is_output(mount).then(|| usize::try_from(mount.output).ok()).flatten()
}
