//! Where registries are and how they are spoken to: addresses, mirrors, TLS.

use super::RegistryError;
use super::certificates::Certificates;
use super::credentials::{CredentialPlaces, DOCKER_HUB, Keyring};
use super::endpoint::Endpoint;
use super::mirror::{Mirror, Rule};
use super::probe::is_plain;
use super::repository::Repository;
use super::token::Access;
use crate::http::{self, Url};
use crate::oci::Reference;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Where Docker Hub answers.
const DOCKER_HUB_HOST: &str = "registry-1.docker.io";

/// How registries are reached.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// How the client behaves.
    pub http: http::Settings,
    /// Where else a registry's content may be had.
    pub mirrors: Vec<Mirror>,
    /// Registries, `host[:port]`, that are spoken to without TLS; those on loopback may always be.
    pub plain_http: BTreeSet<String>,
    /// Folders with a folder for each registry, in the form of Docker's `/etc/docker/certs.d`.
    pub certificates: Vec<PathBuf>,
    /// Where credentials may be.
    pub credentials: CredentialPlaces,
}

/// All registries: a cheap handle, to be cloned and shared.
#[derive(Clone)]
pub struct Registries(Arc<Inner>);

struct Inner {
    settings: Settings,
    /// The most specific first.
    mirrors: Vec<Rule>,
    keyring: Arc<Keyring>,
    /// For all registries that need no certificates of their own: the system's are read once.
    client: Mutex<Option<http::Client>>,
    hosts: Mutex<BTreeMap<Place, Arc<Host>>>,
}

/// A registry's name, with a scheme where the user has said one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    host: String,
    plain: Option<bool>,
}

/// One registry.
pub(super) struct Host {
    /// `https://host/v2/`
    pub root: Url,
    pub client: http::Client,
    pub access: Arc<Access>,
}

impl Place {
    /// A place, if `host` is a host with an optional port and nothing else.
    pub fn new(host: &str, plain: Option<bool>) -> Option<Self> {
        let url: Url = format!("https://{host}/").parse().ok()?;
        let bare = !host.is_empty() && !host.contains(['/', '?', '#', '@', '\\']) && url.path() == "/";
        bare.then(|| Place { host: host.to_ascii_lowercase(), plain })
    }

    fn root(&self, scheme: &str) -> Result<Url, RegistryError> {
        let host = if self.host == DOCKER_HUB { DOCKER_HUB_HOST } else { &self.host };
        let wrong = |e| RegistryError::Setting(format!("`{}` is no registry: {e}", self.host));
        format!("{scheme}://{host}/v2/").parse().map_err(wrong)
    }
}

impl Registries {
    /// Nothing is asked before it is needed.
    ///
    /// # Errors
    /// Where a rule for a mirror has no meaning, or wants plain http where it is not allowed.
    pub fn new(mut settings: Settings) -> Result<Self, RegistryError> {
        settings.plain_http = settings.plain_http.iter().map(|host| host.to_ascii_lowercase()).collect();
        let rules: Result<Vec<Rule>, RegistryError> = settings.mirrors.iter().map(Rule::read).collect();
        let mut mirrors = rules?;
        mirrors.sort_by_key(|rule| std::cmp::Reverse(rule.reach()));
        let keyring = Keyring::new(settings.credentials.clone());
        let (client, hosts) = (Mutex::default(), Mutex::default());
        let inner = Inner { settings, mirrors, keyring, client, hosts };
        for rule in &inner.mirrors {
            inner.check(rule.place())?;
        }
        Ok(Registries(Arc::new(inner)))
    }

    /// The repository that a reference names; its tag and digest do not matter here.
    ///
    /// Of a registry on loopback that is not in [`Settings::plain_http`], this finds out once whether it speaks TLS;
    /// this blocks until it answers, half a second at most.
    pub fn repository(&self, reference: &Reference) -> Result<Repository, RegistryError> {
        let (home, mirrors) = self.endpoints(reference)?;
        Ok(Repository::new(reference, home, mirrors))
    }

    /// Where a repository is at home, and the mirrors that may have its content. Only the most specific rules count.
    fn endpoints(&self, reference: &Reference) -> Result<(Endpoint, Vec<Endpoint>), RegistryError> {
        let place = Place { host: reference.registry.to_ascii_lowercase(), plain: None };
        let home = self.endpoint(&place, &reference.repository)?;
        let mut reach = 0;
        let mut mirrors = Vec::new();
        for rule in &self.0.mirrors {
            let Some((place, repository)) = rule.apply(reference).filter(|_| rule.reach() >= reach) else { continue };
            reach = rule.reach();
            mirrors.push(self.endpoint(place, &repository)?);
        }
        Ok((home, mirrors))
    }

    fn endpoint(&self, place: &Place, repository: &str) -> Result<Endpoint, RegistryError> {
        let mut hosts = self.0.hosts.lock().unwrap_or_else(|e| e.into_inner());
        let host = match hosts.get(place) {
            Some(host) => host.clone(),
            None => {
                let host = Arc::new(self.0.host(place)?);
                hosts.insert(place.clone(), host.clone());
                host
            }
        };
        Ok(Endpoint::new(host, &place.host, repository))
    }
}

impl Inner {
    /// Whether plain http is allowed where a place wants it.
    fn check(&self, place: &Place) -> Result<(), RegistryError> {
        let allowed = self.settings.plain_http.contains(&place.host) || place.root("https")?.is_loopback();
        match place.plain == Some(true) && !allowed {
            true => Err(RegistryError::Setting(format!(
                "`http://{host}` is no mirror: {host} is not among the hosts that may be spoken to without TLS",
                host = place.host
            ))),
            false => Ok(()),
        }
    }

    fn host(&self, place: &Place) -> Result<Host, RegistryError> {
        let settings = &self.settings;
        let secure = place.root("https")?;
        let plain = match place.plain {
            Some(plain) => plain,
            None if settings.plain_http.contains(&place.host) => true,
            None => secure.is_loopback() && !settings.http.offline && is_plain(&secure, &settings.http.hosts),
        };
        let root = if plain { place.root("http")? } else { secure };
        let names: &[&str] = if place.host == DOCKER_HUB { &[DOCKER_HUB, DOCKER_HUB_HOST] } else { &[&place.host] };
        let certificates = Certificates::read(&settings.certificates, names)?;
        let client = self.client(&root, certificates)?;
        let access = Access::new(place.host.clone(), plain, client.clone(), self.keyring.clone());
        Ok(Host { root, client, access })
    }

    fn client(&self, root: &Url, certificates: Certificates) -> Result<http::Client, RegistryError> {
        let mut settings = self.settings.http.clone();
        if root.is_loopback() || !certificates.roots.is_empty() || certificates.identity.is_some() {
            settings.roots.extend(certificates.roots);
            settings.identity = certificates.identity.or(settings.identity);
            // What stays on this machine is no proxy's business.
            settings.proxies &= !root.is_loopback();
            return Ok(http::Client::new(settings)?);
        }
        let mut shared = self.client.lock().unwrap_or_else(|e| e.into_inner());
        match &*shared {
            Some(client) => Ok(client.clone()),
            None => Ok(shared.insert(http::Client::new(settings)?).clone()),
        }
    }
}

#[cfg(test)]
mod tests;
