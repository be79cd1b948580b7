//! TLS: whom to trust, and who one is.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use testkit::Caller;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::*;
use crate::adapters::tls::{Tls, acceptor};

/// Writes an authority, a certificate for the server `lab.example`, and one for a client.
fn certify(dir: &Path) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(dir.join("ca.pem"), authority.pem()).unwrap();
    for (file, name) in [("server", "lab.example"), ("client", "orris.example")] {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        std::fs::write(dir.join(format!("{file}.pem")), certificate.pem()).unwrap();
        std::fs::write(dir.join(format!("{file}.key")), key.serialize_pem()).unwrap();
    }
}

/// A server that speaks TLS, and asks for a client's certificate if it is mutual.
async fn server(dir: &Path, mutual: bool) -> TlsAcceptor {
    let client_ca = mutual.then(|| "ca.pem".to_owned());
    let tls = Tls { certificate: "server.pem".into(), key: "server.key".into(), client_ca };
    acceptor(&tls, dir, &[]).await.unwrap()
}

async fn accept(peer: &Peer, server: &TlsAcceptor) -> std::io::Result<Caller<TlsStream<TcpStream>>> {
    server.accept(peer.accept().await.into_inner()).await.map(Caller::new)
}

/// What becomes of one message, sent with these settings of TLS.
async fn sent(tls: Value, mutual: bool) -> Vec<Decision> {
    let peer = Peer::listen().await;
    let mut rig = Rig::new(peer.address(), json!({ "tls": tls }));
    certify(rig.host.dir());
    let server = server(rig.host.dir(), mutual).await;
    let (decisions, ()) = rig
        .send(&[adt(1)], async {
            if let Ok(mut caller) = accept(&peer, &server).await {
                let _refused = caller.take("AA").await;
            }
        })
        .await;
    decisions
}

#[tokio::test]
async fn a_server_is_trusted_by_its_authority_and_its_name() {
    for (tls, mutual, wanted) in [
        (json!({ "ca": "ca.pem", "server_name": "lab.example" }), false, Ok(())),
        (json!({ "ca": "ca.pem", "server_name": "other.example" }), false, Err("cannot connect to")),
        (json!({ "ca": "ca.pem" }), false, Err("cannot connect to")),
        (json!({ "ca": "client.pem", "server_name": "lab.example" }), false, Err("cannot connect to")),
        (json!({ "verify": false }), false, Ok(())),
        (
            json!({ "ca": "ca.pem", "server_name": "lab.example", "certificate": "client.pem", "key": "client.key" }),
            true,
            Ok(()),
        ),
        // A server that wants a certificate says so after the handshake is over for the client.
        (json!({ "ca": "ca.pem", "server_name": "lab.example" }), true, Err("lost the connection")),
    ] {
        let decisions = sent(tls.clone(), mutual).await;
        match wanted {
            Ok(()) => assert_eq!(letters(&decisions), "C", "{tls}: {decisions:?}"),
            Err(says) => assert!(reason(&decisions).contains(says), "{tls}: {}", reason(&decisions)),
        }
    }
}

#[tokio::test]
async fn a_connection_over_tls_is_kept_and_its_end_is_noticed() {
    let peer = Peer::listen().await;
    let tls = json!({ "ca": "ca.pem", "server_name": "lab.example" });
    let mut rig = Rig::new(peer.address(), json!({ "tls": tls, "window": 8 }));
    certify(rig.host.dir());
    let server = server(rig.host.dir(), false).await;
    let context = rig.host.context();
    let (started, caller) = tokio::join!(rig.operation.start(&context), accept(&peer, &server));
    started.unwrap();
    let mut caller = caller.unwrap();
    for first in [1, 21, 41] {
        let (decisions, ()) = rig
            .send(&adts(first..first + 20), async {
                for _ in 0..20 {
                    caller.take("AA").await.unwrap();
                }
            })
            .await;
        assert_eq!(letters(&decisions), "C".repeat(20));
    }
    drop(caller);
    let (decisions, id) =
        rig.send(&[adt(99)], async { accept(&peer, &server).await.unwrap().take("AA").await }).await;
    assert_eq!((letters(&decisions), id.unwrap().as_str()), ("C".into(), "M99"));
}

#[tokio::test]
async fn files_that_are_missing_stop_the_start() {
    let mut rig = Rig::new("127.0.0.1:1", json!({ "tls": { "ca": "ca.pem" } }));
    let failure = rig.operation.start(&rig.host.context()).await.unwrap_err();
    assert!(matches!(&failure, Failure::Temporary(text) if text.contains("ca.pem")), "{failure}");
}
