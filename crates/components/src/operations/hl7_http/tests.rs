//! Against a server that follows a script.

use std::future::Future;
use std::sync::Arc;

use model::{MessageBody, Note};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use testkit::{FakeClock, Peer, TestHost, message};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::adapters::http_client::testing::{Asked, Asker, accept};

const PATIENCE: Duration = Duration::from_secs(30);

/// An operation under test, its host and its clock.
struct Rig {
    operation: Box<dyn BusinessOperation>,
    host: TestHost,
    clock: FakeClock,
    peer: Peer,
}

impl Rig {
    /// An operation that sends to a server of the test's own, with these settings besides.
    async fn new(settings: Value) -> Self {
        Self::under("http", settings).await
    }

    async fn under(scheme: &str, mut settings: Value) -> Self {
        let (peer, clock) = (Peer::listen().await, FakeClock::new());
        let port = peer.address().rsplit_once(':').unwrap().1.to_owned();
        settings["url"] = json!(format!("{scheme}://localhost:{port}/hl7?x=1"));
        let settings = serde_json::from_value(settings).unwrap();
        let Ok(Built::Operation(operation)) = HL7HttpOperation::build(settings, &Library::default()) else {
            panic!("no operation is built");
        };
        Rig { operation, host: TestHost::new("Out").clock(clock.clone()), clock, peer }
    }

    /// Sends messages while `script` plays the server.
    async fn send<T>(
        &mut self,
        messages: &[Message],
        script: impl AsyncFnOnce(&Peer) -> T,
    ) -> (Vec<Decision>, T) {
        let context = self.host.context();
        let both = async { tokio::join!(self.operation.on_messages(messages, &context), script(&self.peer)) };
        in_time(both).await
    }

    /// What becomes of one message that is answered so, on a new connection.
    async fn decided(&mut self, status: &str, headers: &str, body: &str) -> Decision {
        let headers = format!("{headers}Connection: close\r\n");
        let script = async |peer: &Peer| accept(peer).await.take(status, &headers, body).await;
        self.send(&[adt(1)], script).await.0.pop().unwrap()
    }
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("an end of it")
}

/// A message with a control id of its own.
fn adt(id: u64) -> Message {
    message(id, &format!("MSH|^~\\&|HIS||||||ADT^A01|M{id}|P|2.5\rPID|1||{id}||Mustermann^Max\r"))
}

fn ack(code: &str, id: u64) -> String {
    format!("MSH|^~\\&|LAB||||1||ACK|9|P|2.5\rMSA|{code}|M{id}\r")
}

/// One letter for a decision, and its reason.
fn short(decision: &Decision) -> (char, &str) {
    match decision {
        Decision::Completed { .. } => ('C', ""),
        Decision::Retry { reason, .. } => ('R', reason),
        Decision::Suspend { reason, .. } => ('S', reason),
        Decision::Reject { reason, .. } => ('F', reason),
        Decision::Fatal(reason) => ('D', reason),
        other => panic!("{other:?}"),
    }
}

fn pause(decision: &Decision) -> Option<Duration> {
    match decision {
        Decision::Retry { after, .. } => *after,
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

fn notes(mut settings: Value) -> Vec<Note> {
    if settings.get("url").is_none() {
        settings["url"] = json!("https://lab.example/hl7");
    }
    let mut checks = Checks::default();
    HL7HttpOperation::check(&serde_json::from_value(settings).unwrap(), &mut checks);
    checks.notes
}

#[test]
fn what_is_wrong_with_settings_is_said_at_its_place() {
    let right = json!({ "credentials": { "user": "a", "password": "b" }, "headers": { "X-A": "1" } });
    assert_eq!(notes(right), []);
    assert_eq!(notes(json!({ "url": "http://localhost:1/", "credentials": { "token": "b" } })), []);
    let tls = json!({ "key": "k.pem" });
    for (settings, path, says) in [
        (json!({ "url": "lab:80" }), "url", "expected one as in https://"),
        (json!({ "url": "http://a:b@lab/" }), "url", "set credentials"),
        (json!({ "url": "http://lab/", "credentials": { "token": "b" } }), "credentials", "over http"),
        (json!({ "url": "http://lab/", "tls": {} }), "tls", "begins with http://"),
        (json!({ "tls": tls }), "tls", "no certificate"),
        (json!({ "credentials": { "user": "a" } }), "credentials", "expected user and password"),
        (json!({ "credentials": { "user": "a:b", "password": "c" } }), "credentials", "colon"),
        (json!({ "headers": { "a b": "1" } }), "headers.a b", "expected a name"),
        (json!({ "headers": { "a": "1\n2" } }), "headers.a", "no header can have"),
        (json!({ "headers": { "Content-Type": "x/y" } }), "headers.Content-Type", "set content_type"),
        (json!({ "connect_timeout": "0s" }), "connect_timeout", "at least 1ms"),
        (json!({ "response_timeout": "0s" }), "response_timeout", "at least 1ms"),
        (json!({ "content_type": "hl7" }), "content_type", "\"hl7\""),
        (json!({ "reply_code_actions": ":?A=Z" }), "reply_code_actions", "Z"),
        (json!({ "get_reply": false, "reply_code_actions": ":?A=C" }), "reply_code_actions", "nobody"),
    ] {
        let notes = notes(settings);
        assert_eq!((notes.len(), notes[0].path.as_str()), (1, path), "{notes:?}");
        assert!(notes[0].message.contains(says), "{notes:?}");
    }
}

#[test]
fn secrets_are_marked_and_never_shown() {
    let spec = model::ComponentSpec::of::<HL7HttpOperation>();
    let schema = spec.schema().to_value();
    assert_eq!(schema["properties"]["headers"]["additionalProperties"]["writeOnly"], true);
    let text = schema["properties"]["credentials"].to_string();
    assert_eq!(text.matches("writeOnly").count(), 2, "{text}");
    let settings: Settings = serde_json::from_value(json!({
        "url": "https://lab/", "headers": { "X-Key": "hunter2" }, "credentials": { "token": "hunter3" }
    }))
    .unwrap();
    let shown = format!("{settings:?} {}", serde_json::to_string(&settings).unwrap());
    assert!(!shown.contains("hunter"), "{shown}");
}

#[tokio::test]
async fn messages_are_posted_one_after_the_other_over_one_connection() {
    let settings = json!({ "headers": { "X-Sender": "orris" }, "credentials": { "user": "his", "password": "open:sesame" } });
    let mut rig = Rig::new(settings).await;
    let script = async |peer: &Peer| {
        let mut asker = accept(peer).await;
        let mut all: Vec<Asked> = Vec::new();
        for id in 1..=3 {
            all.extend(asker.take("200 OK", "", &ack("AA", id)).await);
        }
        all
    };
    let messages = [adt(1), adt(2), adt(3)];
    let (decisions, all) = rig.send(&messages, script).await;
    assert!(decisions.iter().all(|decision| short(decision).0 == 'C'), "{decisions:?}");
    assert_eq!(all.len(), 3);
    assert_eq!(all[0].body.as_bytes(), &messages[0].body.content()[..]);
    assert_eq!(all[0].first, "POST /hl7?x=1 HTTP/1.1");
    let port = rig.peer.address().rsplit_once(':').unwrap().1;
    for (name, value) in [
        ("host", format!("localhost:{port}").as_str()),
        ("content-type", "application/hl7-v2"),
        ("x-sender", "orris"),
        ("user-agent", "orris"),
        ("authorization", "Basic aGlzOm9wZW46c2VzYW1l"),
    ] {
        assert_eq!(all[0].header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn the_charset_of_a_message_is_named() {
    for (settings, msh_18, expect) in [
        (json!({}), "UNICODE UTF-8", "application/hl7-v2; charset=UTF-8"),
        (json!({}), "8859/1", "application/hl7-v2; charset=ISO-8859-1"),
        (json!({ "content_type": "text/plain; charset=x" }), "8859/1", "text/plain; charset=x"),
    ] {
        let mut rig = Rig::new(settings).await;
        let text = format!("MSH|^~\\&|HIS||||||ADT^A01|M1|P|2.5||||||{msh_18}\rPID|1\r");
        let script = async |peer: &Peer| accept(peer).await.take("200 OK", "", &ack("AA", 1)).await;
        let (_, asked) = rig.send(&[message(1, &text)], script).await;
        assert_eq!(asked.unwrap().header("content-type"), Some(expect));
    }
}

#[tokio::test]
async fn an_answer_decides_by_acknowledgement_and_status() {
    for (settings, status, body, letter, says) in [
        (json!({}), "200 OK", ack("AA", 1), 'C', ""),
        (json!({}), "202 Accepted", ack("CA", 1), 'C', ""),
        (json!({}), "200 OK", ack("AE", 1), 'S', "answered AE"),
        (json!({}), "400 Bad Request", ack("AE", 1), 'S', "answered AE"),
        (json!({}), "500 Internal Server Error", ack("AR", 1), 'R', "answered AR"),
        (json!({}), "500 Internal Server Error", ack("AA", 1), 'R', "answered 500 Internal Server Error"),
        (json!({}), "200 OK", format!("{}{}", ack("AA", 1), ack("AE", 1)), 'S', "answered AE"),
        (json!({}), "200 OK", "<html>Mustermann".to_owned(), 'S', "without a segment MSA"),
        (json!({}), "204 No Content", String::new(), 'S', "without a segment MSA"),
        (json!({ "get_reply": false }), "202 Accepted", String::new(), 'C', ""),
        (json!({ "get_reply": false }), "200 OK", ack("AE", 1), 'C', ""),
        (json!({ "get_reply": false }), "503 Service Unavailable", String::new(), 'R', "answered 503"),
        (json!({ "reply_code_actions": ":~=C" }), "200 OK", "ok".to_owned(), 'C', ""),
        (json!({}), "401 Unauthorized", "no".to_owned(), 'R', "answered 401 Unauthorized"),
        (json!({}), "404 Not Found", "no".to_owned(), 'R', "answered 404"),
        (json!({}), "413 Payload Too Large", "no".to_owned(), 'S', "answered 413"),
        (json!({}), "302 Found", String::new(), 'S', "redirections are not followed"),
        (json!({ "http_error_action": "fail" }), "422 X", "no".to_owned(), 'F', "answered 422"),
        (json!({ "http_error_action": "retry" }), "422 X", "no".to_owned(), 'R', "answered 422"),
        (json!({ "http_error_action": "disable" }), "422 X", "no".to_owned(), 'D', "answered 422"),
    ] {
        let mut rig = Rig::new(settings.clone()).await;
        // 204 has no body, and no length.
        let body = if status.starts_with("204") { "" } else { &body };
        let decision = rig.decided(status, "", body).await;
        let (found, reason) = short(&decision);
        assert_eq!(found, letter, "{settings} {status} {decision:?}");
        assert!(reason.contains(says) && !reason.contains("Mustermann"), "{reason}");
    }
}

#[tokio::test]
async fn a_server_may_ask_for_a_pause() {
    let mut rig = Rig::new(json!({})).await;
    let busy = rig.decided("503 Service Unavailable", "Retry-After: 90\r\n", "").await;
    assert_eq!(pause(&busy), Some(Duration::from_secs(90)));
    let busy = rig.decided("429 Too Many Requests", "", "").await;
    assert_eq!(pause(&busy), None, "the item's retry_interval");
    let busy = rig.decided("503 Service Unavailable", "Retry-After: 7\r\n", &ack("AR", 1)).await;
    assert_eq!(pause(&busy), Some(Duration::from_secs(7)));
    let date = "Retry-After: Tue, 14 Nov 2023 22:13:25 GMT\r\n";
    assert_eq!(pause(&rig.decided("503 X", date, "").await), Some(Duration::from_secs(5)));
}

#[tokio::test]
async fn answers_are_kept_as_wanted() {
    for (keep, positive, negative) in [("none", false, false), ("errors", false, true), ("all", true, true)] {
        for (code, wanted) in [("AA", positive), ("AE", negative)] {
            let mut rig = Rig::new(json!({ "save_replies": keep })).await;
            let decision = rig.decided("200 OK", "", &ack(code, 1)).await;
            assert_eq!(response(&decision).is_some(), wanted, "{keep} {code}");
        }
    }
    let mut waited = adt(1);
    waited.header.return_queue = "In#1".into();
    let mut rig = Rig::new(json!({ "save_replies": "none" })).await;
    let script = async |peer: &Peer| accept(peer).await.take("200 OK", "", &ack("AA", 1)).await;
    let (decisions, _) = rig.send(&[waited], script).await;
    assert_eq!(response(&decisions[0]).unwrap().content(), &ack("AA", 1));
}

#[tokio::test]
async fn a_server_out_of_reach_is_tried_again_with_pauses_that_grow() {
    let mut rig = Rig::new(json!({})).await;
    let address = rig.peer.address().to_owned();
    rig.peer = Peer::listen().await;
    let port = address.rsplit_once(':').unwrap().1;
    for seconds in [1, 2, 4, 8, 16, 30, 30] {
        let (decisions, ()) = rig.send(&[adt(1)], async |_| ()).await;
        assert_eq!(pause(&decisions[0]), Some(Duration::from_secs(seconds)));
        let reason = short(&decisions[0]).1;
        assert_eq!(reason, format!("cannot connect to localhost:{port} (connection refused)"));
    }
    for (left_out, expected) in [(false, true), (true, false)] {
        let mut rig = Rig::new(json!({ "no_fail_while_disconnected": left_out })).await;
        rig.peer = Peer::listen().await;
        let (decisions, ()) = rig.send(&[adt(1)], async |_| ()).await;
        assert!(matches!(decisions[0], Decision::Retry { counts, .. } if counts == expected));
    }
}

#[tokio::test]
async fn no_answer_and_half_an_answer_are_tried_again() {
    let mut rig = Rig::new(json!({})).await;
    for (sent, says) in [
        ("", "closed the connection before it answered"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nMSH|", "lost the connection within its answer"),
        ("MSH|^~\\&|Mustermann\r\n\r\n", "sent something that is no HTTP answer"),
    ] {
        let script = async |peer: &Peer| {
            let mut asker = accept(peer).await;
            let asked = asker.asked().await;
            asker.send(sent).await;
            asked
        };
        let (decisions, asked) = rig.send(&[adt(1)], script).await;
        let (letter, reason) = short(&decisions[0]);
        assert!(asked.is_some() && letter == 'R' && reason.ends_with(says), "{reason}");
    }
    let clock = rig.clock.clone();
    let script = async |peer: &Peer| {
        let mut asker = accept(peer).await;
        let asked = asker.asked().await;
        clock.until_sleeping(1).await;
        clock.advance(Duration::from_secs(31));
        (asked, asker)
    };
    let (decisions, (_, mut asker)) = rig.send(&[adt(1)], script).await;
    let reason = short(&decisions[0]).1;
    assert!(reason.starts_with("no answer from localhost:") && reason.ends_with("within 30s"), "{reason}");
    assert!(asker.asked().await.is_none(), "a late answer is never taken for another message's");
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_made_anew() {
    let mut rig = Rig::new(json!({})).await;
    let script = async |peer: &Peer| accept(peer).await.take("200 OK", "", &ack("AA", 1)).await;
    assert_eq!(short(&rig.send(&[adt(1)], script).await.0[0]).0, 'C');
    // The server closes it only when the next request is there.
    let mut rig = Rig::new(json!({})).await;
    let script = async |peer: &Peer| {
        let mut asker = accept(peer).await;
        asker.take("200 OK", "", &ack("AA", 1)).await;
        let lost = asker.asked().await;
        drop(asker);
        let again = accept(peer).await.take("200 OK", "", &ack("AA", 2)).await;
        (lost.unwrap().body, again.unwrap().body)
    };
    let (decisions, (lost, again)) = rig.send(&[adt(1), adt(2)], script).await;
    assert_eq!((decisions.len(), lost), (2, again));
    assert!(decisions.iter().all(|decision| short(decision).0 == 'C'), "{decisions:?}");
}

#[tokio::test]
async fn a_connection_is_not_used_again_when_it_was_unused_for_long() {
    for (stay, again) in [("0s", false), ("1m", false), ("10m", true), ("forever", true)] {
        let mut rig = Rig::new(json!({ "stay_connected": stay })).await;
        let script = async |peer: &Peer| {
            let mut asker = accept(peer).await;
            asker.take("200 OK", "", &ack("AA", 1)).await;
            asker
        };
        let (_, mut asker) = rig.send(&[adt(1)], script).await;
        rig.clock.advance(Duration::from_secs(120));
        let script = async |peer: &Peer| match again {
            true => asker.take("200 OK", "", &ack("AA", 2)).await,
            false => accept(peer).await.take("200 OK", "", &ack("AA", 2)).await,
        };
        let (decisions, asked) = rig.send(&[adt(2)], script).await;
        assert!(asked.is_some() && short(&decisions[0]).0 == 'C', "{stay}");
    }
}

#[tokio::test]
async fn a_stop_ends_the_making_of_a_connection() {
    let mut rig = Rig::under("https", json!({ "tls": { "verify": false } })).await;
    let host = rig.host.clone();
    let script = async |peer: &Peer| {
        let silent = accept(peer).await;
        host.stop();
        silent
    };
    let (decisions, _) = rig.send(&[adt(1)], script).await;
    assert_eq!(short(&decisions[0]), ('R', "the item is stopping"));
}

#[tokio::test]
async fn a_server_is_spoken_to_over_tls() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let mut rig = Rig::under("https", json!({ "tls": { "ca": "ca.pem" } })).await;
    std::fs::write(rig.host.dir().join("ca.pem"), made.cert.pem()).unwrap();
    rig.operation.start(&rig.host.context()).await.unwrap();
    let script = async |peer: &Peer| {
        let stream = peer.accept().await.into_inner();
        let mut asker = Asker(acceptor.accept(stream).await.unwrap());
        asker.take("200 OK", "", &ack("AA", 1)).await
    };
    let (decisions, asked) = rig.send(&[adt(1)], script).await;
    assert!(asked.is_some() && short(&decisions[0]).0 == 'C', "{decisions:?}");

    // Who is not trusted gets nothing.
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut rig = Rig::under("https", json!({ "tls": { "ca": "ca.pem" } })).await;
    std::fs::write(rig.host.dir().join("ca.pem"), other.cert.pem()).unwrap();
    let script =
        async |peer: &Peer| acceptor.accept(peer.accept().await.into_inner()).await.map(drop).is_ok();
    let (decisions, taken) = rig.send(&[adt(1)], script).await;
    let (letter, reason) = short(&decisions[0]);
    assert!(!taken && letter == 'R' && reason.contains("TLS"), "{reason}");
}
