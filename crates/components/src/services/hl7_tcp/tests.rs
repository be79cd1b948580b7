//! The service from outside: raw sockets on a free port, and a host that is watched.

mod acks;
mod connections;
mod frames;
mod secured;

use std::net::SocketAddr;
use std::time::Duration;

use model::{BodyClass, Clock, Fate};
use serde_json::{Value, json};
use testkit::{TestHost, eventually};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::*;

/// Long enough for a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(60);

/// A service that runs, and where.
struct Served {
    host: TestHost,
    address: SocketAddr,
    task: JoinHandle<Result<(), Failure>>,
}

fn build(mut settings: Value) -> Box<dyn BusinessService> {
    if settings.get("listen").is_none() {
        settings["listen"] = json!("127.0.0.1:0");
    }
    match HL7TcpService::build(serde_json::from_value(settings).unwrap(), &Library::default()) {
        Ok(Built::Service(service)) => service,
        Ok(_) => panic!("no service"),
        Err(error) => panic!("{error}"),
    }
}

/// Runs the service on a free port, with these settings.
async fn serve(host: &TestHost, settings: Value) -> Served {
    let mut service = build(settings);
    let context = host.context();
    let task = tokio::spawn(async move { service.run(&context).await });
    eventually(PATIENCE, || host.has_started() || task.is_finished()).await;
    let said = host
        .events()
        .into_iter()
        .find_map(|event| event.text.strip_prefix("listening on ")?.split(' ').next()?.parse().ok());
    Served { host: host.clone(), address: said.expect("it listens"), task }
}

impl Served {
    async fn client(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Returns when an event has this text in it.
    async fn until_said(&self, text: &str) {
        eventually(PATIENCE, || self.host.events().iter().any(|event| event.text.contains(text))).await;
    }

    /// Returns when so much has been handed in.
    async fn until_taken(&self, count: usize) {
        eventually(PATIENCE, || self.host.arrivals().len() >= count).await;
    }

    async fn stop(self) {
        self.host.stop();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
    }

    /// What was taken in: its fate and its bytes.
    fn taken(&self) -> Vec<(&'static str, String)> {
        self.host.taken()
    }
}

/// A message of HL7 2.5 with that control id.
fn adt(id: &str) -> String {
    adt_with(id, "2.5", "")
}

/// The same of another version, with what follows MSH-12.
fn adt_with(id: &str, version: &str, rest: &str) -> String {
    format!(
        "MSH|^~\\&|LAB|HERE|HIS|THERE|20261123||ADT^A01|{id}|P|{version}{rest}\rPID|1||4711^^^H||Beispiel^Eva\r"
    )
}

/// In a frame of MLLP.
fn framed(message: &str) -> Vec<u8> {
    format!("\u{b}{message}\u{1c}\r").into_bytes()
}

/// The next frame, without its marks; none when the other side has closed.
async fn next<R: AsyncRead + Unpin>(client: &mut R) -> Option<String> {
    let mut frame = Vec::new();
    let read = async {
        while !frame.ends_with(b"\x1c\r") {
            match client.read_u8().await {
                Ok(byte) => frame.push(byte),
                Err(_) => return None,
            }
        }
        Some(())
    };
    tokio::time::timeout(PATIENCE, read).await.expect("something comes in time")?;
    Some(String::from_utf8(frame[1..frame.len() - 2].to_vec()).unwrap())
}

/// The code and id of the next answer, as in `AA 7`, and its text.
async fn answer<R: AsyncRead + Unpin>(client: &mut R) -> String {
    let Some(ack) = next(client).await else { return "closed".into() };
    let msa = ack.split('\r').find(|segment| segment.starts_with("MSA")).expect("a segment MSA");
    msa[4..].replace('|', " ")
}

/// Sends a message and gives the answer.
async fn ask(client: &mut TcpStream, message: &str) -> String {
    client.write_all(&framed(message)).await.unwrap();
    answer(client).await
}

fn checked(mut settings: Value) -> Vec<String> {
    if settings.get("listen").is_none() {
        settings["listen"] = json!("127.0.0.1:2575");
    }
    let mut checks = Checks::default();
    HL7TcpService::check(&serde_json::from_value(settings).unwrap(), &mut checks);
    checks.notes.into_iter().map(|note| format!("{}: {}", note.path, note.message)).collect()
}

#[test]
fn settings_are_checked() {
    for (settings, expect) in [
        (json!({}), None),
        (
            json!({ "listen": "256.1.1.1:2575" }),
            Some("listen: listen is \"256.1.1.1:2575\"; \"256.1.1.1\" is no"),
        ),
        (json!({ "listen": "host:99999" }), Some("listen: listen is \"host:99999\"; its port is \"99999\"")),
        (json!({ "listen": "2575" }), Some("listen: listen is \"2575\"; expected an address and a port")),
        (json!({ "framing": "mllp11/28" }), None),
        (json!({ "framing": "mlp" }), Some("framing: framing is \"mlp\"; expected one of flexible")),
        (json!({ "max_message_size": "2GiB" }), Some("max_message_size: ")),
        (json!({ "max_connections": 0 }), Some("max_connections: max_connections is 0; expected 1 to")),
        (json!({ "allowed_addresses": ["10.0.0.0/8", "::1"] }), None),
        (json!({ "allowed_addresses": ["::1", "10.0.0.0/40"] }), Some("allowed_addresses[1]: ")),
        (json!({ "idle_timeout": "10ms" }), Some("idle_timeout: idle_timeout is 10ms; expected 1s to 7d")),
        (json!({ "idle_timeout": "1h" }), None),
        (json!({ "read_timeout": "1h" }), Some("read_timeout: ")),
        (json!({ "keep_alive": "3h" }), Some("keep_alive: ")),
        (json!({ "response_timeout": "0s" }), Some("response_timeout: ")),
        (json!({ "charset": "klingon" }), Some("charset: charset is \"klingon\"")),
        (json!({ "message_schema_category": "ADT_A01=2.5,*=2.3.1" }), None),
        (json!({ "message_schema_category": "2.55" }), Some("message_schema_category: unknown schema")),
        (json!({ "z_segments": "reject" }), Some("z_segments: z_segments is reject, and validation is none")),
        (json!({ "z_segments": "reject", "validation": "structure" }), None),
        (json!({ "local_facility_application": "HIS" }), Some("local_facility_application: ")),
        (json!({ "local_facility_application": "THERE:HIS" }), None),
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
    let spec = model::ComponentSpec::of::<HL7TcpService>();
    let schema = spec.schema().to_value();
    assert_eq!(schema["additionalProperties"], false);
    for name in ["listen", "ack_mode", "response_timeout", "validation"] {
        assert!(schema["properties"][name]["description"].is_string(), "{name}");
    }
    assert_eq!(schema["properties"]["ack_mode"]["default"], "immediate");
    assert_eq!(schema["required"], json!(["listen"]));
    assert!(spec.fits(json!({ "listen": "a:1", "ack_mode": "never" })).is_ok());
    let typo = spec.fits(json!({ "listen": "a:1", "ack_mod": "never" })).unwrap_err().to_string();
    assert!(typo.contains("unknown field `ack_mod`"), "{typo}");
}
