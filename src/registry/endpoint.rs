//! One repository in one place: at home or in a mirror.

use super::host::Host;
use crate::http::{self, Authority, Url};
use std::sync::Arc;

/// A repository of a registry, with all that is needed to speak to it.
#[derive(Clone)]
pub(super) struct Endpoint {
    /// The client with the registry's certificates.
    pub client: http::Client,
    /// The registry's name: `host[:port]`.
    pub registry: String,
    /// The path below it.
    pub repository: String,
    base: Url,
    host: Arc<Host>,
}

impl Endpoint {
    pub fn new(host: Arc<Host>, registry: &str, repository: &str) -> Self {
        let parts: Vec<&str> = repository.split('/').collect();
        Endpoint {
            client: host.client.clone(),
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            base: host.root.with_segments(&parts),
            host,
        }
    }

    /// An address of the repository's interface: `https://HOST/v2/REPOSITORY/` and what follows.
    pub fn url(&self, path: &[&str]) -> Url {
        self.base.with_segments(path)
    }

    /// Where the registry answers: `https://HOST/v2/`.
    pub fn root(&self) -> &Url {
        &self.host.root
    }

    /// Opens the repository for reading.
    pub fn pulling(&self) -> Arc<dyn Authority> {
        self.host.access.door(&self.repository, vec![self.scope("pull")])
    }

    /// Opens the repository for writing, and another of the same registry for taking blobs over from it.
    pub fn pushing(&self, mount_from: Option<&str>) -> Arc<dyn Authority> {
        let other = mount_from.filter(|other| *other != self.repository);
        let other = other.map(|other| format!("repository:{other}:pull"));
        self.host.access.door(&self.repository, [self.scope("pull,push")].into_iter().chain(other).collect())
    }

    /// A text of the registry's, for messages: without it where it repeats a secret.
    pub(super) fn discreet(&self, text: String) -> String {
        match self.host.access.betrays(&text) {
            true => ", and says something secret".to_owned(),
            false => text,
        }
    }

    fn scope(&self, actions: &str) -> String {
        format!("repository:{}:{actions}", self.repository)
    }
}
