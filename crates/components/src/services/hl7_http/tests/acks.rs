//! What is answered, and when.

use std::time::Duration;

use futures_util::FutureExt;
use model::{BodyClass, MessageBody, Reply};
use testkit::FakeClock;

use super::*;

#[tokio::test]
async fn a_message_is_acknowledged_in_the_answer() {
    let host = TestHost::new("In").targets(["Out"]);
    let served = serve(&host, json!({ "path": "/adt" })).await;
    for (kind, answered) in [
        ("application/hl7-v2", "application/hl7-v2"),
        ("x-application/hl7-v2+er7; charset=utf-8", "x-application/hl7-v2+er7; charset=utf-8"),
        ("Text/Plain", "text/plain"),
        ("", "application/hl7-v2"),
    ] {
        let header = if kind.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
        let answer = served.ask(testing::post("/adt", &header, &adt("7"))).await;
        assert_eq!(short(&answer), "200 AA 7", "{kind}");
        assert_eq!(answer.header("content-type"), Some(answered), "{kind}");
        assert!(answer.body.starts_with("MSH|^~\\&|HIS|THERE|LAB|HERE|"), "{}", answer.body);
    }
    let put = post(&adt("8")).replacen("POST / ", "PUT /adt/ ", 1);
    assert_eq!(short(&served.ask(put).await), "200 AA 8");
    assert_eq!(host.taken().last(), Some(&("deliver", adt("8"))));
    assert!(host.arrivals()[0].body.name().starts_with("127.0.0.1_"));
}

#[tokio::test]
async fn nobody_is_answered_before_the_message_is_durable() {
    let host = TestHost::new("In");
    host.hold_durability();
    let served = serve(&host, json!({})).await;
    let mut client = served.client().await;
    client.send(post(&adt("1"))).await;
    served.until_taken(1).await;
    // Others are answered meanwhile.
    assert_eq!(served.ask(testing::post("/x", "", "")).await.status, 404);
    assert!(client.answer().now_or_never().is_none());
    host.release_durability();
    assert_eq!(short(&client.answer().await.unwrap()), "200 AA 1");
}

#[tokio::test]
async fn what_is_not_stored_is_to_be_sent_again() {
    let clock = FakeClock::new();
    let host = TestHost::new("In").clock(clock.clone());
    let served = serve(&host, json!({})).await;

    host.refuse_next_intake(Failure::Temporary("disk full".into()));
    let answer = served.ask(post(&adt("1"))).await;
    assert_eq!((short(&answer).as_str(), answer.header("retry-after")), ("503 AR 1", Some("5")));

    host.refuse_next_intake(Failure::Stopping);
    let answer = served.ask(post(&adt("2"))).await;
    assert_eq!((short(&answer).as_str(), answer.header("retry-after")), ("503", Some("5")));

    // The store takes nothing.
    host.hold_durability();
    let mut client = served.client().await;
    client.send(post(&adt("3"))).await;
    served.until_taken(1).await;
    clock.advance(Duration::from_secs(31));
    let answer = client.answer().await.unwrap();
    assert_eq!((short(&answer).as_str(), answer.header("retry-after")), ("503", Some("5")));
    assert_eq!(answer.body, "not stored within 30s; send it again\n");

    host.fail_durability();
    assert_eq!(short(&served.ask(post(&adt("4"))).await), "503");
}

#[tokio::test]
async fn each_mode_answers_in_its_way() {
    for (settings, rest, expect) in [
        (json!({ "ack_mode": "never" }), "", "202"),
        (json!({ "ack_mode": "immediate", "use_ack_commit_codes": false }), "", "200 AA 1"),
        (json!({ "ack_mode": "application" }), "", "200 AA 1"),
        (json!({ "ack_mode": "msh_determined" }), "", "200 AA 1"),
        (json!({ "ack_mode": "msh_determined" }), "|||AL|NE", "200 CA 1"),
        (json!({ "ack_mode": "msh_determined" }), "|||AL|AL", "200 AA 1"),
        (json!({ "ack_mode": "msh_determined" }), "|||AL|ER", "200 CA 1"),
        (json!({ "ack_mode": "msh_determined" }), "|||NE|NE", "202"),
        (json!({ "ack_mode": "msh_determined" }), "|||ER|ER", "202"),
    ] {
        let host = TestHost::new("In").targets(["Out"]);
        let served = serve(&host, settings.clone()).await;
        let answer = served.ask(post(&adt_with("1", rest))).await;
        assert_eq!(short(&answer), expect, "{settings} {rest}");
    }
}

#[tokio::test]
async fn what_is_no_message_is_kept_and_refused() {
    let wrong = "MSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.5\rPV1|1\r";
    for (settings, body, expect) in [
        (json!({}), "Guten Tag", "400 AE"),
        (json!({ "nack_status": "ok" }), "Guten Tag", "200 AE"),
        (json!({ "nack_error_code": "content_r" }), "Guten Tag", "400 AR"),
        (json!({ "ack_mode": "never" }), "Guten Tag", "400"),
        (json!({ "validation": "structure" }), wrong, "400 AE 1"),
    ] {
        let host = TestHost::new("In");
        let served = serve(&host, settings.clone()).await;
        let answer = served.ask(post(body)).await;
        assert_eq!(short(&answer), expect, "{settings}");
        assert_eq!(host.taken(), [("refuse", body.to_owned())]);
        assert!(!answer.body.contains("Guten"), "{}", answer.body);
    }
    let host = TestHost::new("In");
    let answer = serve(&host, json!({})).await.ask(post("")).await;
    assert_eq!((short(&answer).as_str(), host.taken().len()), ("400", 0));
}

#[tokio::test]
async fn the_target_answers() {
    let answer = |code: &str| {
        let text = format!("MSH|^~\\&|LIS||||1||ACK|9|P|2.5\rMSA|{code}|1\r");
        Some(MessageBody::new(BodyClass::HL7, text))
    };
    for (body, error, status, expect) in [
        (answer("AA"), None, "by_cause", "200 AA 1"),
        (answer("AE"), None, "by_cause", "400 AE 1"),
        (answer("AR"), None, "by_cause", "500 AR 1"),
        (answer("AR"), None, "ok", "200 AR 1"),
        (answer("CR"), Some("refused"), "by_cause", "500 CR 1"),
        (None, None, "by_cause", "200 AA 1"),
        (None, Some("refused"), "by_cause", "502 AE 1"),
    ] {
        let host = TestHost::new("In").targets(["Out"]);
        let error = error.map(str::to_owned);
        host.answer_with(move |_| Reply { body: body.clone(), error: error.clone() });
        let served = serve(&host, json!({ "ack_mode": "application", "nack_status": status })).await;
        assert_eq!(short(&served.ask(post(&adt("1"))).await), expect);
    }
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_not_waited_for_for_ever() {
    let clock = FakeClock::new();
    let host = TestHost::new("In").targets(["Out"]).clock(clock.clone());
    host.hold_replies();
    let served = serve(&host, json!({ "ack_mode": "application" })).await;
    let mut client = served.client().await;
    client.send(post(&adt("1"))).await;
    served.until_taken(1).await;
    clock.advance(Duration::from_secs(31));
    assert_eq!(short(&client.answer().await.unwrap()), "504 AE 1");
}

#[tokio::test]
async fn several_messages_are_one_change_and_answered_together() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({})).await;
    let two = format!("{}{}", adt("1"), adt("2"));
    assert_eq!(short(&served.ask(post(&two)).await), "200 AA 1, AA 2");
    let batch = format!("BHS|^~\\&\r{two}BTS|2\r");
    assert_eq!(short(&served.ask(post(&batch)).await), "200 AA 1, AA 2");
    assert_eq!(host.intakes().iter().map(|intake| intake.arrivals.len()).collect::<Vec<_>>(), [2, 4]);

    let host = TestHost::new("In");
    let served = serve(&host, json!({ "validation": "structure" })).await;
    let wrong = "MSH|^~\\&|A|B|C|D|1||ADT^A01|2|P|2.5\rPV1|1\r";
    let right = "MSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.5\rEVN||1\rPID|1||1||A\rPV1|1|I\r";
    let answer = served.ask(post(&format!("{right}{wrong}"))).await;
    assert_eq!(short(&answer), "400 AA 1, AE 2", "the worst one says the status");
}

#[tokio::test]
async fn an_acknowledgement_is_not_acknowledged() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({})).await;
    let answer = served.ask(post("MSH|^~\\&|A|B|C|D|1||ACK|1|P|2.5\rMSA|AA|9\r")).await;
    assert_eq!((short(&answer).as_str(), host.taken()[0].0), ("202", "keep"));
}

#[tokio::test]
async fn the_charset_of_the_content_type_goes_before_msh_18() {
    for (settings, kind, charset) in [
        (json!({}), "application/hl7-v2; charset=iso-8859-1", "iso-8859-1"),
        (json!({ "force_charset": true }), "application/hl7-v2; charset=iso-8859-1", ""),
        (json!({ "charset": "UNICODE UTF-8" }), "text/plain; charset=iso-8859-1", "UNICODE UTF-8"),
        (json!({}), "application/hl7-v2", ""),
    ] {
        let host = TestHost::new("In");
        let served = serve(&host, settings.clone()).await;
        let message = adt_with("1", "||||||UNICODE UTF-8");
        let answer = served.ask(testing::post("/", &format!("Content-Type: {kind}\r\n"), &message)).await;
        assert_eq!((answer.status, host.arrivals()[0].body.charset()), (200, charset), "{settings} {kind}");
    }
    let host = TestHost::new("In");
    let served = serve(&host, json!({})).await;
    for kind in ["application/hl7-v2; charset=utf-16", "text/plain; charset=klingon"] {
        let request = testing::post("/", &format!("Content-Type: {kind}\r\n"), &adt("1"));
        assert_eq!(served.ask(request).await.status, 415, "{kind}");
    }
    assert_eq!(host.arrivals().len(), 0);
}
