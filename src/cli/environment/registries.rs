//! What the environment says about registries: `specs/registries.md`.

use super::Environment;
use crate::pipeline::{
    CredentialFile, CredentialPlaces, GivenCredentials, RegistryMirror, RegistrySecret, RegistrySettings,
};
use secrecy::{ExposeSecret as _, SecretString};
use std::path::PathBuf;

impl Environment {
    /// How registries are reached, and where their credentials may be. No file of credentials is looked at here.
    pub(in crate::cli) fn registries(&self) -> Result<RegistrySettings, String> {
        Ok(RegistrySettings {
            mirrors: self.registry_mirrors()?,
            plain_http: self
                .list("KILN_PLAIN_HTTP")
                .map(|host| plain_host("KILN_PLAIN_HTTP", host))
                .collect::<Result<_, _>>()?,
            certificates: self.registry_certificates()?,
            credentials: CredentialPlaces {
                given: self.given_credentials()?,
                files: self.credential_files(),
                programs: self.path("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default(),
            },
            ..RegistrySettings::default()
        })
    }

    /// The parts of a list that is separated by commas.
    fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.text(name).unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty())
    }

    fn registry_mirrors(&self) -> Result<Vec<RegistryMirror>, String> {
        let rule = |part: &str| {
            let (of, at) = part.split_once('=')?;
            Some(RegistryMirror { of: of.trim().to_owned(), at: at.trim().to_owned() })
        };
        // What is wrong is not repeated: an address may hold a password.
        let wrong =
            || "KILN_REGISTRY_MIRRORS must read like `docker.io=mirror.example.com/hub,REGISTRY=MIRROR`".to_owned();
        self.list("KILN_REGISTRY_MIRRORS").map(|part| rule(part).ok_or_else(wrong)).collect()
    }

    fn registry_certificates(&self) -> Result<Vec<PathBuf>, String> {
        let own = self.path("KILN_REGISTRY_CERTS");
        if let Some(folder) = own.as_ref().filter(|folder| !folder.is_dir()) {
            return Err(format!("KILN_REGISTRY_CERTS is {}, which is no folder", folder.display()));
        }
        let users = self.xdg("XDG_CONFIG_HOME", ".config").map(|config| config.join("containers/certs.d"));
        let machines = ["/etc/containers/certs.d", "/etc/docker/certs.d"].map(PathBuf::from);
        Ok(own.into_iter().chain(users).chain(machines).collect())
    }

    fn credential_files(&self) -> Vec<CredentialFile> {
        let docker = self.path("DOCKER_CONFIG").or_else(|| self.path("HOME").map(|home| home.join(".docker")));
        let runtime = self.path("XDG_RUNTIME_DIR").filter(|path| path.is_absolute());
        let config = self.xdg("XDG_CONFIG_HOME", ".config");
        let usual = [
            docker.map(|folder| folder.join("config.json")),
            runtime.map(|folder| folder.join("containers/auth.json")),
            config.map(|folder| folder.join("containers/auth.json")),
        ];
        let named = self.path("REGISTRY_AUTH_FILE").map(|path| CredentialFile { path, required: true });
        let usual = usual.into_iter().flatten().map(|path| CredentialFile { path, required: false });
        named.into_iter().chain(usual).collect()
    }

    fn given_credentials(&self) -> Result<Option<GivenCredentials>, String> {
        let secret = |name| self.secret(name).filter(|secret: &SecretString| !secret.expose_secret().is_empty());
        let (user, password) = (secret("KILN_REGISTRY_USER"), secret("KILN_REGISTRY_PASSWORD"));
        let token = secret("KILN_REGISTRY_TOKEN");
        let Some(registry) = self.text("KILN_REGISTRY") else {
            let any = [&user, &password, &token].iter().any(|secret| secret.is_some());
            let forgotten =
                "there are credentials in KILN_REGISTRY_*, but KILN_REGISTRY does not say for which registry";
            return if any { Err(forgotten.to_owned()) } else { Ok(None) };
        };
        let registry = plain_host("KILN_REGISTRY", registry)?;
        let secret = match (user, password, token) {
            (Some(user), Some(password), None) => RegistrySecret::Password { user, password },
            (None, None, Some(token)) => RegistrySecret::Token(token),
            (_, _, Some(_)) => {
                return Err(
                    "KILN_REGISTRY_TOKEN stands for KILN_REGISTRY_USER and KILN_REGISTRY_PASSWORD: set it or them"
                        .into(),
                );
            }
            // The registry of a whole pipeline, in a step that needs no credentials.
            (None, None, None) => return Ok(None),
            _ => {
                return Err(
                    "of KILN_REGISTRY_USER and KILN_REGISTRY_PASSWORD one is empty or unset: both are needed".into()
                );
            }
        };
        Ok(Some(GivenCredentials { registry, secret }))
    }
}

/// A host with an optional port, in lower case.
fn plain_host(name: &str, text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    match text.chars().all(plain) {
        true => Ok(text.to_ascii_lowercase()),
        false => {
            Err(format!("{name} must name a registry by its host and port alone, like `registry.example.com:5000`"))
        }
    }
}

#[cfg(test)]
mod tests;
