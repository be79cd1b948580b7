//! Against receivers that follow a script.

use std::future::Future;

use model::{AfterRetries, MessageBody, Note};
use serde_json::{Value, json};
use testkit::{Caller, FakeClock, Peer, TestHost, message};
use tokio::net::TcpStream;

use super::*;

mod answers;
mod connecting;
mod secure;
mod windows;

const PATIENCE: Duration = Duration::from_secs(30);

/// An operation under test, its host and its clock.
struct Rig {
    operation: Box<dyn BusinessOperation>,
    host: TestHost,
    clock: FakeClock,
}

impl Rig {
    /// An operation that sends to `address`, with these settings besides.
    fn new(address: &str, settings: Value) -> Self {
        let clock = FakeClock::new();
        Self::on(TestHost::new("Out").clock(clock.clone()), clock, address, settings)
    }

    fn on(host: TestHost, clock: FakeClock, address: &str, mut settings: Value) -> Self {
        settings["address"] = json!(address);
        let settings = serde_json::from_value(settings).unwrap();
        let Ok(Built::Operation(operation)) = HL7TcpOperation::build(settings, &Library::default()) else {
            panic!("no operation is built");
        };
        Rig { operation, host, clock }
    }

    /// Sends messages while `script` plays the receiver.
    async fn send<T>(&mut self, messages: &[Message], script: impl Future<Output = T>) -> (Vec<Decision>, T) {
        let context = self.host.context();
        let both = async { tokio::join!(self.operation.on_messages(messages, &context), script) };
        tokio::time::timeout(PATIENCE, both).await.expect("an end of it")
    }

    /// Sends a first message, which `peer` accepts, and gives the receiver's end of the connection.
    async fn begin(&mut self, peer: &Peer) -> Caller<TcpStream> {
        let accept = async {
            let mut caller = peer.accept().await;
            caller.take("AA").await;
            caller
        };
        self.send(&[adt(1)], accept).await.1
    }

    fn said(&self) -> Vec<String> {
        self.host.events().into_iter().map(|event| event.text).collect()
    }
}

/// A message with a control id of its own.
fn adt(id: u64) -> Message {
    message(id, &format!("MSH|^~\\&|HIS||||||ADT^A01|M{id}|P|2.5\rPID|1||{id}||Mustermann^Max\r"))
}

fn adts(ids: impl IntoIterator<Item = u64>) -> Vec<Message> {
    ids.into_iter().map(adt).collect()
}

/// One letter for each decision, and warnings as `w` before it.
fn letters(decisions: &[Decision]) -> String {
    decisions
        .iter()
        .map(|decision| match decision {
            Decision::Completed { events, .. } => format!("{}C", "w".repeat(events.len())),
            Decision::Retry { .. } => "R".into(),
            Decision::Suspend { .. } => "S".into(),
            Decision::Reject { .. } => "F".into(),
            Decision::Fatal(_) => "D".into(),
            Decision::Discarded(_) | Decision::Step(_) => "-".into(),
        })
        .collect()
}

/// The reason of the last decision.
fn reason(decisions: &[Decision]) -> &str {
    match decisions.last() {
        Some(Decision::Retry { reason, .. })
        | Some(Decision::Suspend { reason, .. })
        | Some(Decision::Reject { reason, .. })
        | Some(Decision::Fatal(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

fn response(decision: &Decision) -> Option<&MessageBody> {
    match decision {
        Decision::Completed { response, .. }
        | Decision::Suspend { response, .. }
        | Decision::Reject { response, .. } => response.as_ref(),
        _ => None,
    }
}

fn notes(settings: Value) -> Vec<Note> {
    let mut checks = Checks::default();
    HL7TcpOperation::check(&serde_json::from_value(settings).unwrap(), &mut checks);
    checks.notes
}

#[test]
fn what_is_wrong_with_settings_is_said_at_its_place() {
    assert_eq!(notes(json!({ "address": "lab:2575", "keep_alive": "0s" })), []);
    for (settings, path, says) in [
        (json!({ "address": "lab" }), "address", "expected an address and a port"),
        (json!({ "address": "lab..example:1" }), "address", "a dot with nothing before it"),
        (
            json!({ "address": "lab:1", "backup_address": ":1" }),
            "backup_address",
            "expected an address and a port",
        ),
        (json!({ "address": "lab:1", "framing": "mlp" }), "framing", "\"mlp\""),
        (json!({ "address": "lab:1", "window": 0 }), "window", "window is 0; expected 1 to 256"),
        (json!({ "address": "lab:1", "window": 257 }), "window", "window is 257; expected 1 to 256"),
        (
            json!({ "address": "lab:1", "window": 2, "stay_connected": "0s" }),
            "window",
            "one message at a time",
        ),
        (json!({ "address": "lab:1", "connect_timeout": "0s" }), "connect_timeout", "at least 1ms"),
        (json!({ "address": "lab:1", "response_timeout": "0s" }), "response_timeout", "at least 1ms"),
        (json!({ "address": "lab:1", "retries_to_failover": 0 }), "retries_to_failover", "at least 1"),
        (json!({ "address": "lab:1", "keep_alive": "1d" }), "keep_alive", "is 1d; expected 1s to 2h"),
        (json!({ "address": "lab:1", "tls": { "key": "k.pem" } }), "tls", "no certificate"),
    ] {
        let notes = notes(settings);
        assert_eq!((notes.len(), notes[0].path.as_str()), (1, path), "{notes:?}");
        assert!(notes[0].message.contains(says), "{notes:?}");
    }
    let notes = notes(json!({ "address": "lab:1", "reply_code_actions": ":?A=C,:?E=Z" }));
    assert_eq!((notes[0].range.clone(), notes.len()), (Some(10..11), 1));
    assert!(notes[0].help.is_some());
}
