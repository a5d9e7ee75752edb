//! What the environment says about places for results of commands: `specs/results.md`.

use super::Environment;
use crate::pipeline::PlaceDefaults;
use secrecy::{ExposeSecret as _, SecretString};

impl Environment {
    /// What places do not say of themselves. No file is looked at here.
    pub(in crate::cli) fn places(&self) -> PlaceDefaults {
        let text = |name| self.text(name).map(str::to_owned);
        let secret = |name| self.secret(name).filter(|secret: &SecretString| !secret.expose_secret().is_empty());
        let of_home = || self.path("HOME").map(|home| home.join(".aws/credentials"));
        PlaceDefaults {
            aws_bucket: text("AWS_BUCKET"),
            aws_region: text("AWS_REGION").or_else(|| text("AWS_DEFAULT_REGION")),
            aws_access_key_id: text("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key: secret("AWS_SECRET_ACCESS_KEY"),
            aws_session_token: secret("AWS_SESSION_TOKEN"),
            aws_credentials_file: self.path("AWS_SHARED_CREDENTIALS_FILE").or_else(of_home),
            aws_profile: text("AWS_PROFILE"),
            azure_account_url: secret("BUILDKIT_AZURE_STORAGE_ACCOUNT_URL"),
            azure_account_name: text("BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME"),
            azure_container: text("BUILDKIT_AZURE_STORAGE_CONTAINER"),
            azure_prefix: text("BUILDKIT_AZURE_STORAGE_PREFIX"),
            azure_key: secret("AZURE_STORAGE_KEY"),
            azure_signature: secret("AZURE_STORAGE_SAS_TOKEN"),
            github_results_url: text("ACTIONS_RESULTS_URL"),
            github_cache_url: text("ACTIONS_CACHE_URL"),
            github_token: secret("ACTIONS_RUNTIME_TOKEN"),
        }
    }
}

#[cfg(test)]
mod tests;
