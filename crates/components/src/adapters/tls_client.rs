//! TLS towards a server: whom to trust, and who one is.

use std::path::Path;
use std::sync::Arc;

use model::{Checks, Failure};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsConnector;

use super::tls::{bad, certificates, no_pair, read};

/// Where systems keep the certificates that they trust.
const SYSTEM: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// How a server is spoken to over TLS.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TlsClient {
    /// The PEM file with the certificates that the server's has to be signed with; relative to the data
    /// directory. Without it those are trusted that the system trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// The PEM file with one's own certificate, for a server that asks for one; relative to the data
    /// directory. Only together with `key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The PEM file with the private key of `certificate`; relative to the data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The name that the server's certificate has to be for; without it the host of the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Whether the server's certificate and name are checked. Without that anybody on the way may read
    /// and change what is sent.
    pub verify: bool,
}

impl Default for TlsClient {
    fn default() -> Self {
        TlsClient { ca: None, certificate: None, key: None, server_name: None, verify: true }
    }
}

impl TlsClient {
    /// Reports what is wrong with the settings at `path`.
    pub(crate) fn check(&self, path: &str, checks: &mut Checks) {
        let (there, missing) = match (&self.certificate, &self.key) {
            (Some(_), None) => ("certificate", "key"),
            (None, Some(_)) => ("key", "certificate"),
            _ => ("", ""),
        };
        if !there.is_empty() {
            checks.error(path, format!("{path} has a {there} and no {missing}; expected both or none"));
        }
        if let Some(name) = &self.server_name
            && ServerName::try_from(name.as_str()).is_err()
        {
            let text = format!("server_name is \"{name}\"; expected a host name or an IP address");
            checks.error(format!("{path}.server_name"), text);
        }
        if !self.verify {
            let text = "verify is false: anybody on the way may read and change what is sent";
            checks.warning(format!("{path}.verify"), text);
            checks.help("name the certificate that the server's is signed with in ca, and the name it has in server_name");
        }
    }

    /// The name that the server's certificate has to be for, when it is reached as `host`.
    ///
    /// # Errors
    /// When a certificate cannot be for such a host.
    pub(crate) fn server_name(&self, host: &str) -> Result<ServerName<'static>, String> {
        let name = self.server_name.as_deref().unwrap_or(host).trim_matches(['[', ']']);
        let wrong =
            |_| format!("\"{name}\" is no name of a TLS server; expected a host name or an IP address");
        ServerName::try_from(name.to_owned()).map_err(wrong)
    }
}

/// Reads the files, and makes what puts TLS on a connection. `protocols` are the names under which the
/// protocol inside is asked for (ALPN); none where that is not usual.
pub(crate) async fn connector(
    tls: &TlsClient,
    dir: &Path,
    protocols: &[&str],
) -> Result<TlsConnector, Failure> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::Fatal(format!("TLS cannot be used: {error}")))?;
    let builder = match tls.verify {
        true => builder.with_root_certificates(roots(tls, dir).await?),
        false => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider))),
    };
    let mut config = match (&tls.certificate, &tls.key) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(dir, certificate).await?;
            let pem = read(dir, key).await?;
            let private = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| bad(key, &error))?;
            builder
                .with_client_auth_cert(chain, private)
                .map_err(|error| no_pair(certificate, key, &error))?
        }
        _ => builder.with_no_client_auth(),
    };
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Whose signatures are trusted.
async fn roots(tls: &TlsClient, dir: &Path) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = &tls.ca {
        for root in certificates(dir, file).await? {
            roots.add(root).map_err(|error| bad(file, &error))?;
        }
        return Ok(roots);
    }
    for file in SYSTEM {
        // A system may keep some that are of no use here.
        if let Ok(found) = certificates(dir, file).await {
            let (_usable, _other) = roots.add_parsable_certificates(found);
            return Ok(roots);
        }
    }
    Err(Failure::Temporary(
        "this system has no list of trusted certificates; name a PEM file in ca".to_owned(),
    ))
}

/// Takes any certificate, as `verify: false` wants it. The handshake itself is checked all the same.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_at_its_place() {
        let said = |tls: TlsClient| {
            let mut checks = Checks::default();
            tls.check("tls", &mut checks);
            checks
                .notes
                .into_iter()
                .map(|note| format!("{}: {}", note.path, note.message))
                .collect::<Vec<_>>()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(said(TlsClient::default()), [""; 0]);
        assert_eq!(
            said(TlsClient { certificate: some("c.pem"), ..TlsClient::default() }),
            ["tls: tls has a certificate and no key; expected both or none"]
        );
        assert_eq!(
            said(TlsClient { server_name: some("a b"), ..TlsClient::default() }),
            ["tls.server_name: server_name is \"a b\"; expected a host name or an IP address"]
        );
        assert!(said(TlsClient { verify: false, ..TlsClient::default() })[0].starts_with("tls.verify:"));
    }

    #[tokio::test]
    async fn files_that_are_not_there_are_named() {
        let dir = testkit::data_dir();
        let tls = TlsClient { ca: Some("ca.pem".into()), ..TlsClient::default() };
        let failure = connector(&tls, dir.path(), &[]).await.err().unwrap();
        assert!(matches!(&failure, Failure::Temporary(text) if text.contains("ca.pem")), "{failure}");
        std::fs::write(dir.path().join("ca.pem"), "none").unwrap();
        let failure = connector(&tls, dir.path(), &[]).await.err().unwrap();
        assert!(matches!(&failure, Failure::Fatal(text) if text.contains("no certificate")), "{failure}");
    }

    #[test]
    fn the_name_is_that_of_the_setting_or_of_the_address() {
        let tls = TlsClient { server_name: Some("lab.example".into()), ..TlsClient::default() };
        assert_eq!(tls.server_name("10.0.0.1").unwrap().to_str(), "lab.example");
        assert_eq!(TlsClient::default().server_name("[::1]").unwrap().to_str(), "::1");
        assert!(TlsClient::default().server_name("a b").is_err());
    }
}
