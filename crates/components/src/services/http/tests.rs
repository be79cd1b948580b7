//! The service from outside: raw sockets on a free port, and a host that is watched.

use std::time::Duration;

use futures_util::FutureExt;
use serde_json::{Value, json};
use testkit::{FakeClock, TestHost};

use super::*;
use crate::adapters::http_listener::testing::{self, Answered, Served, post};

async fn serve(host: &TestHost, mut settings: Value) -> Served {
    settings["listen"] = json!("127.0.0.1:0");
    match HttpService::build(serde_json::from_value(settings).unwrap(), &Library::default()) {
        Ok(Built::Service(service)) => testing::serve(host, service).await,
        Ok(_) => panic!("no service"),
        Err(error) => panic!("{error}"),
    }
}

/// Status, type and body.
fn short(answer: &Answered) -> (u16, &str, &str) {
    (answer.status, answer.header("content-type").unwrap_or_default(), &answer.body)
}

#[test]
fn settings_are_checked() {
    let checked = |mut settings: Value| {
        settings["listen"] = json!("127.0.0.1:8080");
        let mut checks = Checks::default();
        HttpService::check(&serde_json::from_value(settings).unwrap(), &mut checks);
        checks.notes.into_iter().map(|note| format!("{}: {}", note.path, note.message)).collect::<Vec<_>>()
    };
    assert_eq!(checked(json!({ "methods": ["PATCH"] })), [""; 0]);
    for (settings, expect) in [
        (json!({ "methods": [] }), "methods: methods is empty"),
        (json!({ "methods": ["POST", "get"] }), "methods[1]: method is \"get\"; expected POST"),
        (json!({ "path": "in" }), "path: path is \"in\""),
        (json!({ "response_timeout": "1ms" }), "response_timeout: response_timeout is 1ms"),
    ] {
        let found = checked(settings);
        assert!(found.len() == 1 && found[0].starts_with(expect), "{found:?}");
    }
}

#[tokio::test]
async fn content_is_taken_as_it_comes_and_answered_when_it_is_durable() {
    let host = TestHost::new("In").targets(["Out"]);
    host.hold_durability();
    let served = serve(&host, json!({})).await;
    let mut client = served.client().await;
    client.send(post("/", "Content-Type: application/json\r\n", "{\"a\": 1}")).await;
    served.until_taken(1).await;
    // Others are answered meanwhile.
    assert_eq!(served.ask(post("/x", "", "")).await.status, 404);
    assert!(client.answer().now_or_never().is_none());
    host.release_durability();
    assert_eq!(short(&client.answer().await.unwrap()), (202, "", ""));
    let arrival = &host.arrivals()[0];
    let body = &arrival.body;
    assert_eq!((body.class(), body.doc_type()), (BodyClass::TEXT, "application/json"));
    assert!(body.content() == "{\"a\": 1}" && !arrival.wants_reply);
}

#[tokio::test]
async fn class_charset_and_name_are_what_the_client_says() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({ "path": "/in/*" })).await;
    let named = "Content-Disposition: attachment; filename=\"../b.pdf\"\r\nContent-Type: application/pdf\r\n";
    for (path, headers, expect) in [
        ("/in/a/orders.csv", "Content-Type: text/csv; charset=latin1\r\n", ("Text", "latin1", "orders.csv")),
        ("/in/orders", named, ("Bytes", "", "b.pdf")),
        ("/in/x", "", ("Bytes", "", "x")),
    ] {
        assert_eq!(served.ask(post(path, headers, "abc")).await.status, 202, "{path}");
        let body = host.arrivals().pop().unwrap().body;
        assert_eq!((body.class().0, body.charset(), body.name()), expect, "{path}");
    }
    assert_eq!(served.ask(post("/in", "", "")).await.status, 202, "no content is content, too");
    assert!(host.arrivals().pop().unwrap().body.name().starts_with("127.0.0.1_"));
    assert_eq!(served.ask(post("/out", "", "abc")).await.status, 404);
}

#[tokio::test]
async fn only_the_methods_that_are_set_are_taken() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({ "methods": ["PATCH", "DELETE"] })).await;
    let request = post("/", "", "abc");
    assert_eq!(served.ask(request.replacen("POST", "PATCH", 1)).await.status, 202);
    let answer = served.ask(request).await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("PATCH, DELETE")));
}

#[tokio::test]
async fn the_target_answers_where_it_is_asked() {
    let text = |text: &str| MessageBody::new(BodyClass::TEXT, text.to_owned());
    let kind = |kind: &str| {
        let kind = kind.to_owned();
        MessageBody::described(BodyClass::TEXT, "{}", kind, "UTF-8".into(), String::new())
    };
    for (body, error, expect) in [
        (Some(text("done")), None, (200, "text/plain", "done")),
        (Some(kind("application/json")), None, (200, "application/json; charset=UTF-8", "{}")),
        (Some(MessageBody::new(BodyClass::BYTES, "x")), None, (200, "application/octet-stream", "x")),
        (Some(MessageBody::new(BodyClass::HL7, "MSH")), None, (200, "application/hl7-v2", "MSH")),
        (None, None, (204, "", "")),
        (None, Some("no"), (502, "text/plain; charset=utf-8", "not delivered: no\n")),
        (Some(text("why")), Some("no"), (502, "text/plain", "why")),
    ] {
        let host = TestHost::new("In").targets(["Out"]);
        let error = error.map(str::to_owned);
        host.answer_with(move |_| Reply { body: body.clone(), error: error.clone() });
        let served = serve(&host, json!({ "reply": "application" })).await;
        assert_eq!(short(&served.ask(post("/", "", "abc")).await), expect);
    }
}

#[tokio::test]
async fn what_is_not_stored_or_not_answered_says_so() {
    let clock = FakeClock::new();
    let host = TestHost::new("In").targets(["Out"]).clock(clock.clone());
    let served = serve(&host, json!({ "reply": "application" })).await;
    for failure in [Failure::Stopping, Failure::Temporary("disk full".into())] {
        host.refuse_next_intake(failure);
        let answer = served.ask(post("/", "", "abc")).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")));
    }
    host.hold_replies();
    let mut client = served.client().await;
    client.send(post("/", "", "abc")).await;
    served.until_taken(1).await;
    clock.advance(Duration::from_secs(31));
    let answer = client.answer().await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (504, "stored, and no answer within 30s\n"));
    host.hold_durability();
    let mut client = served.client().await;
    client.send(post("/", "", "abc")).await;
    served.until_taken(2).await;
    clock.advance(Duration::from_secs(31));
    assert_eq!(client.answer().await.unwrap().status, 503);
}
