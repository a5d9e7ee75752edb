//! Secrets for one step, by the names that its graph has for them.

use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::Secrets as Service;
use bollard_buildkit_proto::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use secrecy::{ExposeSecret, SecretSlice};
use std::collections::BTreeMap;
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
