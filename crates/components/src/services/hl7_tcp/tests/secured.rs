//! TLS, with and without certificates of clients.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn issuer() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn issue(issuer: &Issuer, name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.signed_by(&key, issuer).unwrap(), key)
}

/// Writes what the service needs.
fn write(dir: &Path, issuer: &Issuer) {
    let (certificate, key) = issue(issuer, "localhost");
    std::fs::write(dir.join("cert.pem"), certificate.pem()).unwrap();
    std::fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
    std::fs::write(dir.join("ca.pem"), issuer.pem()).unwrap();
}

/// Connects, with a certificate of `own` if there is one.
async fn connect(served: &Served, issuer: &Issuer, own: Option<&Issuer>) -> Option<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(issuer.der().clone()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        None => config.with_no_client_auth(),
        Some(own) => {
            let (certificate, key) = issue(own, "client");
            let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
            config.with_client_auth_cert(vec![certificate.der().clone()], key).unwrap()
        }
    };
    let stream = served.client().await;
    let connector = TlsConnector::from(std::sync::Arc::new(config));
    connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.ok()
}

#[tokio::test]
async fn messages_come_over_tls() {
    let host = TestHost::new("In");
    let issuer = issuer();
    write(host.dir(), &issuer);
    let served = serve(&host, json!({ "tls": { "certificate": "cert.pem", "key": "key.pem" } })).await;
    let mut client = connect(&served, &issuer, None).await.unwrap();
    let large = format!("{}OBX|1|ED|||{}\r", adt("1"), "QUJD".repeat(500_000));
    client.write_all(&framed(&large)).await.unwrap();
    client.write_all(&framed(&adt("2"))).await.unwrap();
    client.flush().await.unwrap();
    assert_eq!(answer(&mut client).await, "AA 1");
    assert_eq!(answer(&mut client).await, "AA 2");
    // Who speaks no TLS is refused, and nobody else notices.
    let mut plain = served.client().await;
    plain.write_all(&framed(&adt("3"))).await.unwrap();
    served.until_said("refused: TLS failed").await;
    client.write_all(&framed(&adt("4"))).await.unwrap();
    assert_eq!(answer(&mut client).await, "AA 4");
    served.stop().await;
}

#[tokio::test]
async fn with_a_client_ca_only_its_clients_are_served() {
    let host = TestHost::new("In");
    let (issuer, stranger) = (super::secured::issuer(), super::secured::issuer());
    write(host.dir(), &issuer);
    let tls = json!({ "certificate": "cert.pem", "key": "key.pem", "client_ca": "ca.pem" });
    let served = serve(&host, json!({ "tls": tls })).await;
    for own in [None, Some(&stranger)] {
        // The client may think that it is connected until it reads.
        if let Some(mut client) = connect(&served, &issuer, own).await {
            let _sent = client.write_all(&framed(&adt("1"))).await;
            assert_eq!(answer(&mut client).await, "closed");
        }
    }
    served.until_said("refused: TLS failed").await;
    let mut client = connect(&served, &issuer, Some(&issuer)).await.unwrap();
    client.write_all(&framed(&adt("2"))).await.unwrap();
    assert_eq!(answer(&mut client).await, "AA 2");
    assert_eq!(host.arrivals().len(), 1);
}
