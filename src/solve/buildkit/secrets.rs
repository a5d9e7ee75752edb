//! Secrets for one step, by the names that its graph has for them.

use crate::solve::embedded::mask::Sought;
use crate::solve::embedded::sandbox::{EnvValue, MountKind, SandboxError, Step};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::Secrets as Service;
use bollard_buildkit_proto::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use secrecy::{ExposeSecret, SecretSlice};
use std::collections::BTreeMap;
use std::fs::File;
use tonic::{Request, Response, Status};

/// Offers secrets by name.
#[derive(Default, Clone)]
pub(super) struct Secrets(pub(super) BTreeMap<String, SecretSlice<u8>>);

#[tonic::async_trait]
impl Service for Secrets {
    async fn get_secret(&self, request: Request<GetSecretRequest>) -> Result<Response<GetSecretResponse>, Status> {
        let id = request.into_inner().id;
        let secret = self.0.get(&id).ok_or_else(|| Status::not_found(format!("there is no secret `{id}`")))?;
        Ok(Response::new(GetSecretResponse { data: secret.expose_secret().to_vec() }))
    }
}

/// Refuses what a step left in one of its mounts where a secret of it is in there: nothing of that was kept yet.
pub(super) fn look_for_secrets(step: &Step, number: usize, left: &mut File) -> Result<(), SandboxError> {
    let in_env = step.env.iter().filter_map(|(name, value)| match value {
        EnvValue::Secret(secret) => Some((format!("${name}"), secret)),
        EnvValue::Plain(_) => None,
    });
    let in_files = step.mounts.iter().filter_map(|mount| match &mount.kind {
        MountKind::Secret { content, .. } => Some((mount.target.clone(), content)),
        _ => None,
    });
    let (names, secrets): (Vec<String>, Vec<_>) = in_env.chain(in_files).map(|(name, s)| (name, s.clone())).unzip();
    if secrets.is_empty() {
        return Ok(());
    }
    let found = Sought::new(&secrets).copy(left, &mut std::io::sink());
    let found = found.map_err(|source| SandboxError::Io { action: "look for secrets".to_owned(), source })?;
    match found.and_then(|secret| names.get(secret)) {
        Some(secret) => Err(SandboxError::Leaked { secret: secret.clone(), path: step.mounts[number].target.clone() }),
        None => Ok(()),
    }
}
