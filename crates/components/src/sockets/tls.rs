//! TLS for a listener: a certificate chain and its key, from PEM files.

use std::path::Path;
use std::sync::Arc;

use model::Failure;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsAcceptor;

/// The files of a server's identity.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The PEM file with the certificate and what it is signed with; relative to the data directory.
    pub certificate: String,
    /// The PEM file with the certificate's private key; relative to the data directory.
    pub key: String,
}

/// Reads the files, and makes what takes TLS off a connection.
pub(crate) async fn acceptor(tls: &Tls, dir: &Path) -> Result<TlsAcceptor, Failure> {
    let chain = read(dir, &tls.certificate).await?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .map_err(|error| bad(&tls.certificate, &error))?;
    let key = read(dir, &tls.key).await?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| bad(&tls.key, &error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| bad(&tls.certificate, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn read(dir: &Path, file: &str) -> Result<Vec<u8>, Failure> {
    let path = dir.join(file);
    tokio::fs::read(&path).await.map_err(|error| {
        Failure::Temporary(format!(
            "cannot read {:?} ({error}); a tls file has to be there",
            path.display().to_string()
        ))
    })
}

fn bad(file: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::Fatal(format!(
        "tls file {file:?} cannot be used: {error}; expected PEM with a certificate or its key"
    ))
}
