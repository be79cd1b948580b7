//! The service from outside: raw sockets on a free port, and a host that is watched.

mod acks;
mod connections;
mod secured;

use serde_json::{Value, json};
use testkit::TestHost;

use super::*;
use crate::adapters::http_listener::testing::{self, Answered, Served};

fn build(mut settings: Value) -> Box<dyn BusinessService> {
    settings["listen"] = json!("127.0.0.1:0");
    match HL7HttpService::build(serde_json::from_value(settings).unwrap(), &Library::default()) {
        Ok(Built::Service(service)) => service,
        Ok(_) => panic!("no service"),
        Err(error) => panic!("{error}"),
    }
}

/// Runs the service on a free port, with these settings.
async fn serve(host: &TestHost, settings: Value) -> Served {
    testing::serve(host, build(settings)).await
}

/// A message of HL7 2.5 with that control id.
fn adt(id: &str) -> String {
    adt_with(id, "")
}

/// The same with what follows MSH-12.
fn adt_with(id: &str, rest: &str) -> String {
    format!(
        "MSH|^~\\&|LAB|HERE|HIS|THERE|20261123||ADT^A01|{id}|P|2.5{rest}\rPID|1||4711^^^H||Beispiel^Eva\r"
    )
}

/// A request with a message.
fn post(message: &str) -> String {
    testing::post("/", "Content-Type: application/hl7-v2\r\n", message)
}

/// Status and acknowledgements, as in `200 AA 1`.
fn short(answer: &Answered) -> String {
    format!("{} {}", answer.status, answer.acks()).trim().to_owned()
}

fn checked(mut settings: Value) -> Vec<String> {
    if settings.get("listen").is_none() {
        settings["listen"] = json!("127.0.0.1:8080");
    }
    let mut checks = Checks::default();
    HL7HttpService::check(&serde_json::from_value(settings).unwrap(), &mut checks);
    checks.notes.into_iter().map(|note| format!("{}: {}", note.path, note.message)).collect()
}

#[test]
fn settings_are_checked() {
    for (settings, expect) in [
        (json!({}), None),
        (json!({ "listen": "8080" }), Some("listen: listen is \"8080\"; expected an address and a port")),
        (json!({ "path": "/adt/*" }), None),
        (json!({ "path": "adt" }), Some("path: path is \"adt\"; expected one as in /adt")),
        (json!({ "ack_mode": "byte" }), Some("ack_mode: ack_mode is byte")),
        (json!({ "charset": "klingon" }), Some("charset: charset is \"klingon\"")),
        (json!({ "charset": "UTF-8", "force_charset": true }), Some("force_charset: ")),
        (json!({ "content_types": ["*/*", "application/x"] }), None),
        (json!({ "content_types": ["*/*", "hl7"] }), Some("content_types[1]: content type is \"hl7\"")),
        (json!({ "allowed_addresses": ["10.0.0.0/40"] }), Some("allowed_addresses[0]: ")),
        (json!({ "users": { "his": "" } }), Some("users.his: users.his is empty")),
        (json!({ "users": { "his": "secret" } }), None),
        (json!({ "listen": "0.0.0.0:80", "users": { "a": "b" } }), Some("users: users are set without tls")),
        (json!({ "max_message_size": "2GiB" }), Some("max_message_size: ")),
        (json!({ "max_connections": 0 }), Some("max_connections: ")),
        (json!({ "idle_timeout": "10ms" }), Some("idle_timeout: idle_timeout is 10ms; expected 1s to 7d")),
        (json!({ "read_timeout": "1h" }), Some("read_timeout: ")),
        (json!({ "request_timeout": "2d" }), Some("request_timeout: ")),
        (json!({ "response_timeout": "0s" }), Some("response_timeout: ")),
    ] {
        let found = checked(settings.clone());
        match expect {
            None => assert_eq!(found, Vec::<String>::new(), "{settings}"),
            Some(text) => assert!(found.len() == 1 && found[0].contains(text), "{settings}: {found:?}"),
        }
    }
}

#[test]
fn common_settings_stand_beside_the_others_and_typos_are_found() {
    let spec = model::ComponentSpec::of::<HL7HttpService>();
    let schema = spec.schema().to_value();
    assert_eq!(schema["additionalProperties"], false);
    for name in ["listen", "path", "ack_mode", "nack_status", "validation"] {
        assert!(schema["properties"][name]["description"].is_string(), "{name}");
    }
    assert_eq!(schema["required"], json!(["listen"]));
    assert_eq!(schema["properties"]["users"]["additionalProperties"]["writeOnly"], true);
    let typo = spec.fits(json!({ "listen": "a:1", "paht": "/" })).unwrap_err().to_string();
    assert!(typo.contains("unknown field `paht`"), "{typo}");
}
