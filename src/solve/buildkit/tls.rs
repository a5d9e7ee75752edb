//! TLS to the port of a daemon: who it must be, and who this client says to be.

use secrecy::{ExposeSecret, SecretSlice};
use std::fmt;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WantsClientCert;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ConfigBuilder, RootCertStore};

/// What daemons that speak gRPC want to hear: newer ones hang up without it.
const HTTP_2: &[u8] = b"h2";

/// What a Docker daemon speaks until it is asked for something else.
const HTTP_1: &[u8] = b"http/1.1";

/// What TLS is made of.
#[derive(Default)]
pub struct TlsParts {
    /// The authorities whose certificates a daemon may show, in PEM; those that the system trusts for none.
    pub roots: Option<Vec<u8>>,
    /// This client's own certificate and what leads to its authority, in PEM.
    pub certificates: Option<Vec<u8>>,
    /// The key of that certificate, in PEM, without passphrase.
    pub key: Option<SecretSlice<u8>>,
    /// The name that the daemon's certificate must have; the host of its address for none.
    pub name: Option<String>,
}

/// How connections with a daemon are protected. It holds a key, so it cannot be printed.
#[derive(Clone)]
pub struct Tls {
    config: ClientConfig,
    name: Option<ServerName<'static>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(***)")
    }
}

impl Tls {
    /// Puts the parts together.
    ///
    /// # Errors
    /// In words, which part is missing or malformed, or does not fit another.
    pub fn new(parts: TlsParts) -> Result<Self, String> {
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|e| e.to_string())?;
        let builder = match &parts.roots {
            Some(pem) => builder.with_root_certificates(roots(pem)?),
            None => trusted_by_the_system(builder)?,
        };
        let config = match (&parts.certificates, &parts.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificates), Some(key)) => {
                let certificates =
                    certificates_of(certificates).map_err(|e| format!("the client's certificate: {e}"))?;
                // What the parser says is not repeated: it has seen the key.
                let key = PrivateKeyDer::from_pem_slice(key.expose_secret())
                    .map_err(|_| "the client's key is none in PEM without passphrase".to_owned())?;
                builder
                    .with_client_auth_cert(certificates, key)
                    .map_err(|e| format!("the client's certificate: {e}"))?
            }
            (Some(_), None) => return Err("a client's certificate needs its key".to_owned()),
            (None, Some(_)) => return Err("a client's key needs its certificate".to_owned()),
        };
        let name = parts.name.map(|name| server_name(&name)).transpose()?;
        Ok(Tls { config, name })
    }

    /// TLS with the daemon at `host`, over `stream`.
    pub(super) async fn over<S>(&self, host: &str, stream: S, protocol: Protocol) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => server_name(host).map_err(io::Error::other)?,
        };
        let mut config = self.config.clone();
        config.alpn_protocols = match protocol {
            Protocol::Grpc => vec![HTTP_2.to_vec()],
            Protocol::Docker => vec![HTTP_1.to_vec()],
        };
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

/// What is spoken below TLS.
#[derive(Debug, Clone, Copy)]
pub(super) enum Protocol {
    /// gRPC.
    Grpc,
    /// Docker's own, and gRPC once that was asked for.
    Docker,
}

fn trusted_by_the_system(
    builder: ConfigBuilder<ClientConfig, tokio_rustls::rustls::WantsVerifier>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    use rustls_platform_verifier::BuilderVerifierExt;
    builder.with_platform_verifier().map_err(|e| format!("the system names no authorities that it trusts: {e}"))
}

fn roots(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates_of(pem).map_err(|e| format!("the authorities' certificates: {e}"))? {
        roots.add(certificate).map_err(|e| format!("the authorities' certificates: {e}"))?;
    }
    Ok(roots)
}

fn certificates_of(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
    if found.is_empty() { Err("there is none in PEM".to_owned()) } else { Ok(found) }
}

fn server_name(host: &str) -> Result<ServerName<'static>, String> {
    ServerName::try_from(host.to_owned()).map_err(|_| format!("`{host}` is no name that a certificate can have"))
}

#[cfg(test)]
mod tests;
