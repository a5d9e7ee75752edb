//! Where commands run: what the command line and the environment say of engines, and Docker's contexts: `specs/engines.md`.

use super::Environment;
use crate::cli::args::EngineArgs;
use crate::oci::Digest;
use crate::pipeline::{Address, DaemonAt, EngineChoice, Tls, TlsParts};
use secrecy::SecretSlice;
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Where BuildKit's own client looks for a daemon when nobody says.
const BUILDKIT_SOCKET: &str = "unix:///run/buildkit/buildkitd.sock";

/// Docker's name for what it does when there is no context.
const NO_CONTEXT: &str = "default";

/// The largest file of certificates, or of Docker's settings, in bytes.
const LARGEST: u64 = 1 << 20;

impl Environment {
    /// Where commands run.
    ///
    /// # Errors
    /// In words, why that is no engine.
    pub(in crate::cli) fn engine(&self, args: &EngineArgs) -> Result<EngineChoice, String> {
        let engine = args.engine.as_deref().or_else(|| self.text("KILN_ENGINE")).unwrap_or("embedded");
        let addresses = match engine.split_once(':') {
            None if engine == "embedded" => return Ok(EngineChoice::Embedded),
            None if engine == "buildkit" => self.text("BUILDKIT_HOST").unwrap_or(BUILDKIT_SOCKET),
            Some(("buildkit", addresses)) => addresses,
            _ => return Err(format!("`{engine}` is no engine: write embedded, buildkit or buildkit:ADDRESS")),
        };
        let tls = self.tls_of_buildkit(args)?;
        let daemon = |address: &str| match address.trim().parse::<Address>().map_err(|error| error.to_string())? {
            Address::Docker { context, .. } => self.docker(context),
            address => {
                let tls = tls.clone().filter(|_| matches!(address, Address::Tcp { .. }));
                Ok(DaemonAt { address, tls })
            }
        };
        addresses.split(',').map(daemon).collect::<Result<_, _>>().map(EngineChoice::BuildKit)
    }

    /// How daemons at ports are reached; none without TLS.
    fn tls_of_buildkit(&self, args: &EngineArgs) -> Result<Option<Tls>, String> {
        let said = |argument: &Option<PathBuf>, variable| argument.clone().or_else(|| self.path(variable));
        let (mut roots, mut certificate, mut key) = (
            said(&args.tlscacert, "BUILDKIT_TLS_CACERT"),
            said(&args.tlscert, "BUILDKIT_TLS_CERT"),
            said(&args.tlskey, "BUILDKIT_TLS_KEY"),
        );
        let has_none = roots.is_none() && certificate.is_none() && key.is_none();
        if let Some(folder) = said(&args.tlsdir, "BUILDKIT_TLS_DIR").filter(|_| has_none) {
            let file = |name| Some(folder.join(name));
            (roots, certificate, key) = (file("ca.pem"), file("cert.pem"), file("key.pem"));
        }
        let name = args.tlsservername.clone().or_else(|| self.text("BUILDKIT_TLS_SERVERNAME").map(str::to_owned));
        if roots.is_none() && certificate.is_none() && key.is_none() && name.is_none() {
            return Ok(None);
        }
        tls(roots.as_deref(), certificate.as_deref(), key.as_deref(), name).map(Some)
    }

    /// A Docker daemon: that of a context; else that which `DOCKER_HOST`, `DOCKER_CONTEXT` or Docker's settings name; else
    /// that of this machine.
    fn docker(&self, context: Option<String>) -> Result<DaemonAt, String> {
        let at = |host: Option<Address>, tls, context: Option<String>| DaemonAt {
            address: Address::Docker { context, host: host.map(Box::new) },
            tls,
        };
        if let (None, Some(host)) = (&context, self.text("DOCKER_HOST")) {
            let host = Address::docker(host).map_err(|error| format!("DOCKER_HOST: {error}"))?;
            let folder = self.docker_certificates(&host);
            let file = |name| folder.as_ref().map(|folder| folder.join(name));
            let (roots, certificate, key) = (file("ca.pem"), file("cert.pem"), file("key.pem"));
            let tls = match folder.is_some() {
                true => Some(tls(roots.as_deref(), certificate.as_deref(), key.as_deref(), None)?),
                false => None,
            };
            return Ok(at(Some(host), tls, None));
        }
        let folder = self.path("DOCKER_CONFIG").or_else(|| self.path("HOME").map(|home| home.join(".docker")));
        let Some(folder) = folder else { return Ok(at(None, None, context)) };
        let named = context.clone().or_else(|| self.text("DOCKER_CONTEXT").map(str::to_owned));
        let named = named.map_or_else(|| current_context(&folder), |name| Ok(Some(name)))?;
        match named.filter(|name| name != NO_CONTEXT) {
            None => Ok(at(None, None, context)),
            Some(name) => {
                let (host, tls) = context_of(&folder, &name)?;
                Ok(at(Some(host), tls, Some(name)))
            }
        }
    }

    /// The folder of certificates for the port that `DOCKER_HOST` names; none where it is reached without TLS.
    fn docker_certificates(&self, host: &Address) -> Option<PathBuf> {
        let wanted = matches!(host, Address::Tcp { .. }) && self.text("DOCKER_TLS_VERIFY").is_some();
        let usual = || self.path("HOME").map(|home| home.join(".docker"));
        wanted.then(|| self.path("DOCKER_CERT_PATH").or_else(usual)).flatten()
    }
}

/// The part of Docker's settings that says which context is meant.
#[derive(Deserialize)]
struct Settings {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

/// A context as Docker keeps it.
#[derive(Deserialize)]
struct Context {
    #[serde(rename = "Endpoints")]
    endpoints: std::collections::BTreeMap<String, Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(rename = "Host", default)]
    host: String,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_tls_verify: bool,
}

/// The context that Docker's client uses when nobody says.
fn current_context(folder: &Path) -> Result<Option<String>, String> {
    let path = folder.join("config.json");
    if !path.exists() {
        return Ok(None);
    }
    Ok(json::<Settings>(&path)?.current_context.filter(|name| !name.is_empty()))
}

/// Where a context leads, and how.
fn context_of(folder: &Path, name: &str) -> Result<(Address, Option<Tls>), String> {
    let id = Digest::of(name.as_bytes()).hex();
    let path = folder.join("contexts/meta").join(&id).join("meta.json");
    if !path.exists() {
        return Err(format!("Docker has no context `{name}` in {}", folder.display()));
    }
    let context: Context = json(&path)?;
    let wrong = |reason: String| format!("Docker's context `{name}`: {reason}");
    let endpoint = context.endpoints.get("docker").ok_or_else(|| wrong("it names no Docker daemon".to_owned()))?;
    if endpoint.skip_tls_verify {
        return Err(wrong(
            "it does not verify who the daemon is, and kiln does: give the context its certificates".into(),
        ));
    }
    let host = Address::docker(&endpoint.host).map_err(|error| wrong(error.to_string()))?;
    let certificates = folder.join("contexts/tls").join(&id).join("docker");
    let file = |name: &str| Some(certificates.join(name)).filter(|path| path.exists());
    let (roots, certificate, key) = (file("ca.pem"), file("cert.pem"), file("key.pem"));
    let tls = match certificates.is_dir() && matches!(host, Address::Tcp { .. }) {
        true => Some(tls(roots.as_deref(), certificate.as_deref(), key.as_deref(), None).map_err(wrong)?),
        false => None,
    };
    Ok((host, tls))
}

fn tls(
    roots: Option<&Path>,
    certificate: Option<&Path>,
    key: Option<&Path>,
    name: Option<String>,
) -> Result<Tls, String> {
    Tls::new(TlsParts {
        roots: roots.map(read).transpose()?,
        certificates: certificate.map(read).transpose()?,
        key: key.map(read).transpose()?.map(SecretSlice::from),
        name,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let mut bytes = Vec::new();
    std::fs::File::open(path).map_err(failed)?.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > LARGEST {
        true => Err(format!("{} is larger than {LARGEST} bytes", path.display())),
        false => Ok(bytes),
    }
}

fn json<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, String> {
    // What the parser says could repeat what stands there, credentials included.
    serde_json::from_slice(&read(path)?).map_err(|_| format!("{} is not as Docker writes it", path.display()))
}

#[cfg(test)]
mod tests;
