//! Against a server that follows a script.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{FakeClock, Peer, TestHost, request};

use super::*;
use crate::adapters::http_client::testing::{Asked, accept};

/// What becomes of `body`, and what the server is asked, when it answers so.
async fn sent(mut settings: Value, body: MessageBody, status: &str, headers: &str) -> (Decision, Asked) {
    let peer = Peer::listen().await;
    settings["url"] = json!(format!("http://{}/in", peer.address()));
    let settings = serde_json::from_value(settings).unwrap();
    let Ok(Built::Operation(mut operation)) = HttpOperation::build(settings, &Library::default()) else {
        panic!("no operation is built");
    };
    let host = TestHost::new("Out").clock(FakeClock::new()).context();
    let message = request(1, body);
    let both = async {
        tokio::join!(operation.on_message(&message, &host), async {
            accept(&peer).await.take(status, headers, "Beispiel").await
        })
    };
    let (decision, asked) = tokio::time::timeout(Duration::from_secs(30), both).await.unwrap();
    (decision, asked.expect("a request"))
}

fn text() -> MessageBody {
    MessageBody::new(BodyClass::TEXT, "a,b")
}

#[test]
fn settings_are_checked() {
    let checked = |mut settings: Value| {
        settings["url"] = json!("https://lab.example/");
        let mut checks = Checks::default();
        HttpOperation::check(&serde_json::from_value(settings).unwrap(), &mut checks);
        checks.notes.into_iter().map(|note| format!("{}: {}", note.path, note.message)).collect::<Vec<_>>()
    };
    assert_eq!(checked(json!({ "method": "PATCH", "content_type": "text/csv; charset=x" })), [""; 0]);
    for (settings, expect) in [
        (json!({ "method": "GET" }), "method: method is \"GET\"; expected POST"),
        (json!({ "method": "put" }), "method: "),
        (json!({ "method": "A B" }), "method: "),
        (json!({ "content_type": "csv" }), "content_type: content_type is \"csv\""),
    ] {
        let found = checked(settings);
        assert!(found.len() == 1 && found[0].starts_with(expect), "{found:?}");
    }
}

#[tokio::test]
async fn a_body_is_sent_as_it_is_with_its_type() {
    let json = MessageBody::described(
        BodyClass::TEXT,
        "{}",
        "application/json".into(),
        "UTF-8".into(),
        String::new(),
    );
    let hl7 = MessageBody::described(
        BodyClass::HL7,
        "MSH|^~\\&|\r",
        "ADT_A01".into(),
        "8859/1".into(),
        String::new(),
    );
    for (settings, body, kind) in [
        (json!({}), text(), "text/plain"),
        (json!({}), json.clone(), "application/json; charset=UTF-8"),
        (json!({ "content_type": "application/x" }), json, "application/x"),
        (json!({}), hl7, "application/hl7-v2; charset=ISO-8859-1"),
        (json!({}), MessageBody::new(BodyClass::BYTES, ""), "application/octet-stream"),
    ] {
        let (decision, asked) = sent(settings, body.clone(), "200 OK", "").await;
        assert!(matches!(decision, Decision::Completed { .. }), "{decision:?}");
        assert_eq!(asked.header("content-type"), Some(kind));
        assert_eq!(asked.body.as_bytes(), &body.content()[..]);
    }
    let (_, asked) = sent(json!({ "method": "PUT" }), text(), "200 OK", "").await;
    assert_eq!(asked.first, "PUT /in HTTP/1.1");
}

#[tokio::test]
async fn a_status_decides_and_the_answer_is_kept_as_wanted() {
    for (settings, status, letter, kept) in [
        (json!({}), "200 OK", 'C', false),
        (json!({ "save_replies": "all" }), "200 OK", 'C', true),
        (json!({}), "422 Unprocessable Content", 'S', true),
        (json!({ "save_replies": "none" }), "422 Unprocessable Content", 'S', false),
        (json!({ "http_error_action": "fail" }), "301 Moved Permanently", 'F', true),
        (json!({}), "404 Not Found", 'R', false),
        (json!({}), "503 Service Unavailable", 'R', false),
    ] {
        let headers = "Content-Type: text/plain; charset=utf-8\r\nRetry-After: 3\r\n";
        let (decision, _) = sent(settings.clone(), text(), status, headers).await;
        let (found, response) = match &decision {
            Decision::Completed { response, .. } => ('C', response.as_ref()),
            Decision::Suspend { response, .. } => ('S', response.as_ref()),
            Decision::Reject { response, .. } => ('F', response.as_ref()),
            Decision::Retry { after, .. } => {
                assert_eq!(*after, Some(Duration::from_secs(3)));
                ('R', None)
            }
            other => panic!("{other:?}"),
        };
        assert_eq!((found, response.is_some()), (letter, kept), "{settings} {status}");
        assert!(!format!("{decision:?}").contains("Beispiel"), "{decision:?}");
        if let Some(body) = response {
            assert_eq!((body.class(), body.charset()), (BodyClass::TEXT, "utf-8"));
            assert_eq!(body.content(), "Beispiel");
        }
    }
}
