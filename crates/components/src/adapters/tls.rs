//! TLS for a listener: a certificate chain and its key, from PEM files, and who may connect.

use std::path::Path;
use std::sync::Arc;

use model::Failure;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsAcceptor;

/// The files of a server's identity, and of those who may connect.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The PEM file with the certificate and what it is signed with; relative to the data directory.
    pub certificate: String,
    /// The PEM file with the certificate's private key; relative to the data directory.
    pub key: String,
    /// The PEM file with the certificates that those of clients have to be signed with; relative to the
    /// data directory. With it a client without such a certificate is refused; without it anybody may
    /// connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<String>,
}

/// Reads the files, and makes what takes TLS off a connection. `protocols` are the names under which
/// the protocol inside may be asked for (ALPN); none where that is not usual.
pub(crate) async fn acceptor(tls: &Tls, dir: &Path, protocols: &[&str]) -> Result<TlsAcceptor, Failure> {
    let chain = certificates(dir, &tls.certificate).await?;
    let key = read(dir, &tls.key).await?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| bad(&tls.key, &error))?;
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(&tls.certificate, &error))?;
    let builder = match &tls.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for root in certificates(dir, file).await? {
                roots.add(root).map_err(|error| bad(file, &error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| bad(file, &error))?)
        }
    };
    let mut config =
        builder.with_single_cert(chain, key).map_err(|error| no_pair(&tls.certificate, &tls.key, &error))?;
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(TlsAcceptor::from(Arc::new(config)))
}

pub(crate) async fn certificates(dir: &Path, file: &str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let text = read(dir, file).await?;
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|error| bad(file, &error))?;
    if found.is_empty() {
        return Err(bad(file, &"it has no certificate"));
    }
    Ok(found)
}

pub(crate) async fn read(dir: &Path, file: &str) -> Result<Vec<u8>, Failure> {
    let path = dir.join(file);
    tokio::fs::read(&path).await.map_err(|error| {
        Failure::Temporary(format!(
            "cannot read {:?} ({error}); a tls file has to be there",
            path.display().to_string()
        ))
    })
}

pub(crate) fn bad(file: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::Fatal(format!(
        "tls file {file:?} cannot be used: {error}; expected PEM with a certificate or its key"
    ))
}

/// A certificate and a key that cannot be used together.
pub(crate) fn no_pair(certificate: &str, key: &str, error: &rustls::Error) -> Failure {
    match error {
        rustls::Error::InconsistentKeys(_) => {
            Failure::Fatal(format!("the key in {key:?} is not that of the certificate in {certificate:?}"))
        }
        error => bad(certificate, error),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use rustls::ClientConfig;
    use rustls::pki_types::ServerName;
    use serde_json::json;
    use testkit::TestHost;
    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;
    use tokio_tungstenite::client_async;

    use super::*;
    use crate::sockets::testing::{PATH, PATIENCE, adt, serve, speaker};

    /// Writes a certificate for `localhost` and its key, and returns who trusts it.
    fn certify(dir: &Path) -> TlsConnector {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(dir.join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }

    #[tokio::test]
    async fn a_socket_over_tls_hears_messages_large_and_small() {
        let host = TestHost::new("Server");
        let connector = certify(host.dir());
        let served = serve(&host, json!({ "tls": { "certificate": "cert.pem", "key": "key.pem" } })).await;
        served.until_said("listening on wss://").await;
        let large = "x".repeat(300_000);
        let mut speaker = speaker(&host, &format!("{{{{ header.id }}}} {large}")).await;
        let stream = TcpStream::connect(served.address).await.unwrap();
        let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
        let (mut client, _) = client_async(format!("wss://localhost{PATH}"), stream).await.unwrap();
        served.until_hearing(1).await;
        speaker.tell(&[adt(1, "A01"), adt(2, "A01")]).await;
        for id in [1, 2] {
            let came = tokio::time::timeout(PATIENCE, client.next()).await.unwrap().unwrap().unwrap();
            assert_eq!(came.into_text().unwrap().as_str(), format!("{id} {large}"));
        }
        client.close(None).await.unwrap();
        served.until_said("the socket is closed").await;

        // Who speaks no TLS is refused, and nobody else notices.
        assert!(served.try_client(PATH).await.is_err());
        served.until_said("refused: TLS failed").await;
    }

    #[tokio::test]
    async fn files_that_are_not_there_or_hold_something_else_are_named() {
        let dir = testkit::data_dir();
        let tls = Tls { certificate: "cert.pem".into(), key: "key.pem".into(), client_ca: None };
        let missing = acceptor(&tls, dir.path(), &[]).await.err().unwrap();
        assert!(
            matches!(missing, Failure::Temporary(_)) && missing.to_string().contains("cert.pem"),
            "{missing}"
        );
        certify(dir.path());
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(dir.path().join("key.pem"), other.signing_key.serialize_pem()).unwrap();
        let pair = acceptor(&tls, dir.path(), &[]).await.err().unwrap();
        assert!(pair.to_string().ends_with("is not that of the certificate in \"cert.pem\""), "{pair}");
        std::fs::write(dir.path().join("key.pem"), "no key").unwrap();
        let wrong = acceptor(&tls, dir.path(), &[]).await.err().unwrap();
        assert!(matches!(wrong, Failure::Fatal(_)) && wrong.to_string().contains("\"key.pem\""), "{wrong}");
    }
}
