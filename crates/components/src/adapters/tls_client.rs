//! TLS towards a server: whom to trust, and who one is.

use std::path::Path;
use std::sync::Arc;

use model::{Checks, Failure};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsConnector;

use super::tls::{bad, certificates, no_pair, read};
use super::tls_files;

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
    /// The PEM file with the certificates that the server's has to be signed with, or with the server's
    /// own, as devices have them; relative to the data directory. Without it those are trusted that the
    /// system trusts.
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
        tls_files::check_client(self, path, checks);
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
        true => builder.dangerous().with_custom_certificate_verifier(trust(tls, dir, &provider).await?),
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

/// Whose signatures, or which server itself, are trusted.
async fn trust(
    tls: &TlsClient,
    dir: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Failure> {
    let mut roots = RootCertStore::empty();
    let pinned = match &tls.ca {
        Some(file) => certificates(dir, file).await?,
        None => Vec::new(),
    };
    let named = tls.ca.as_deref().unwrap_or_default();
    for root in &pinned {
        roots.add(root.clone()).map_err(|error| bad(named, &error))?;
    }
    if tls.ca.is_none() {
        system(dir, &mut roots).await?;
    }
    let by_signature = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| bad(named, &error))?;
    Ok(Arc::new(Trusted { by_signature, pinned }))
}

/// Those that the system trusts.
async fn system(dir: &Path, roots: &mut RootCertStore) -> Result<(), Failure> {
    for file in SYSTEM {
        // A system may keep some that are of no use here.
        if let Ok(found) = certificates(dir, file).await {
            let (_usable, _other) = roots.add_parsable_certificates(found);
            return Ok(());
        }
    }
    Err(Failure::Temporary(
        "this system has no list of trusted certificates; name a PEM file in ca".to_owned(),
    ))
}

/// Takes certificates that are signed by one that is trusted, and those that are trusted themselves.
/// Devices often show a certificate that they signed themselves as an authority, which is what
/// `openssl req -x509` makes; as a server's, signatures alone would not do (RFC 5280 §4.2.1.9).
#[derive(Debug)]
struct Trusted {
    by_signature: Arc<WebPkiServerVerifier>,
    pinned: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Trusted {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.by_signature.verify_server_cert(own, chain, name, ocsp, now) {
            // An expired one, or one for another name, has an error of its own.
            Err(Error::InvalidCertificate(CertificateError::Other(_))) if self.pinned.contains(own) => {
                verify_server_name(&ParsedCertificate::try_from(own)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_signature.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_signature.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_signature.supported_verify_schemes()
    }
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

    /// Whether a client that trusts `ca` takes a server at `name` that shows `certificate`.
    async fn trusts(ca: &str, shown: &rcgen::CertifiedKey<rcgen::KeyPair>, name: &str) -> Result<(), String> {
        let dir = testkit::data_dir();
        std::fs::write(dir.path().join("ca.pem"), ca).unwrap();
        let chain = vec![shown.cert.der().clone()];
        let key = PrivateKeyDer::from_pem_slice(shown.signing_key.serialize_pem().as_bytes()).unwrap();
        let server = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let (here, there) = tokio::io::duplex(16 << 10);
        let serving = tokio::spawn(tokio_rustls::TlsAcceptor::from(Arc::new(server)).accept(there));
        let tls = TlsClient { ca: Some("ca.pem".to_owned()), ..TlsClient::default() };
        let connector = connector(&tls, dir.path(), &[]).await.unwrap();
        let joined = connector.connect(ServerName::try_from(name.to_owned()).unwrap(), here).await;
        let served = serving.await.unwrap();
        assert_eq!(joined.is_ok(), served.is_ok());
        joined.map(drop).map_err(|error| error.to_string())
    }

    fn signed_by_itself(days: (i32, i32)) -> rcgen::CertifiedKey<rcgen::KeyPair> {
        let mut params = rcgen::CertificateParams::new(vec!["device".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        (params.not_before, params.not_after) =
            (rcgen::date_time_ymd(days.0, 1, 1), rcgen::date_time_ymd(days.1, 1, 1));
        let signing_key = rcgen::KeyPair::generate().unwrap();
        rcgen::CertifiedKey { cert: params.self_signed(&signing_key).unwrap(), signing_key }
    }

    #[tokio::test]
    async fn a_device_that_is_its_own_authority_is_trusted_by_its_certificate() {
        let (device, other) = (signed_by_itself((2020, 2100)), signed_by_itself((2020, 2100)));
        assert_eq!(trusts(&device.cert.pem(), &device, "device").await, Ok(()));
        for (ca, shown, name) in [
            (&device, &device, "somebody"),
            (&other, &device, "device"),
            (&signed_by_itself((2020, 2021)), &signed_by_itself((2020, 2021)), "device"),
        ] {
            let refused = trusts(&ca.cert.pem(), shown, name).await.unwrap_err();
            assert!(refused.contains("invalid peer certificate"), "{refused}");
        }
        let old = signed_by_itself((2020, 2021));
        let refused = trusts(&old.cert.pem(), &old, "device").await.unwrap_err();
        assert!(refused.contains("expired"), "{refused}");
    }
}
