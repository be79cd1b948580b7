//! TLS, with the operation of the same name on the other side.

use std::path::Path;

use model::Decision;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use testkit::message;

use super::*;
use crate::operations::hl7_http::HL7HttpOperation;

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn issuer() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Writes a certificate of that name, with its key and who signed it.
fn write(dir: &Path, issuer: &Issuer, name: &str) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, issuer).unwrap();
    std::fs::write(dir.join(format!("{name}.pem")), certificate.pem()).unwrap();
    std::fs::write(dir.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    std::fs::write(dir.join("ca.pem"), issuer.pem()).unwrap();
}

/// Sends one message to the service, with these settings of TLS.
async fn sent(served: &Served, dir: &Path, tls: Value, password: &str) -> Decision {
    let host = TestHost::new("Out").data_dir(dir);
    let settings = json!({
        "url": format!("https://localhost:{}/", served.address.port()),
        "tls": tls,
        "credentials": { "user": "his", "password": password },
    });
    let built = HL7HttpOperation::build(serde_json::from_value(settings).unwrap(), &Library::default());
    let Ok(Built::Operation(mut operation)) = built else { panic!("no operation is built") };
    operation.on_message(&message(1, &adt("1")), &host.context()).await
}

#[tokio::test]
async fn messages_come_over_tls_from_those_who_are_known() {
    let (host, issuer, other) = (TestHost::new("In"), issuer(), issuer());
    let client = testkit::data_dir();
    write(host.dir(), &issuer, "localhost");
    write(client.path(), &issuer, "client");
    let tls = json!({ "certificate": "localhost.pem", "key": "localhost.key", "client_ca": "ca.pem" });
    let served = serve(&host, json!({ "tls": tls, "users": { "his": "sesame" } })).await;
    served.until_said("listening on https://").await;

    let known = json!({ "ca": "ca.pem", "certificate": "client.pem", "key": "client.key" });
    let decision = sent(&served, client.path(), known.clone(), "sesame").await;
    assert!(matches!(decision, Decision::Completed { .. }), "{decision:?}");
    let decision = sent(&served, client.path(), known.clone(), "wrong").await;
    let Decision::Retry { reason, .. } = decision else { panic!("{decision:?}") };
    assert!(reason.ends_with("answered 401 Unauthorized"), "{reason}");

    // Without a certificate, and with one of somebody else.
    let decision = sent(&served, client.path(), json!({ "ca": "ca.pem" }), "sesame").await;
    assert!(matches!(decision, Decision::Retry { .. }), "{decision:?}");
    write(client.path(), &other, "client");
    std::fs::write(client.path().join("ca.pem"), issuer.pem()).unwrap();
    let decision = sent(&served, client.path(), known, "sesame").await;
    assert!(matches!(decision, Decision::Retry { .. }), "{decision:?}");
    served.until_said("refused: TLS failed").await;
    assert_eq!(host.arrivals().len(), 1);
}
