//! What senders are answered, and when.

use model::{Arrival, MessageBody, Reply};
use testkit::FakeClock;

use super::*;

fn done() -> Reply {
    Reply { body: None, error: None }
}

fn reply(text: String) -> Reply {
    Reply { body: Some(MessageBody::new(BodyClass::HL7, text)), error: None }
}

fn failed(reason: &str) -> Reply {
    Reply { body: None, error: Some(reason.into()) }
}

#[tokio::test]
async fn each_mode_has_its_answers() {
    let (long, alone) = ("2.5", "2.2");
    for (mode, settings, version, rest, expected) in [
        ("immediate", json!({}), long, "", "AA 7"),
        ("immediate", json!({}), long, "|||AL|NE", "CA 7"),
        ("immediate", json!({}), alone, "|||AL|NE", "AA 7"),
        ("immediate", json!({ "use_ack_commit_codes": false }), long, "|||AL|NE", "AA 7"),
        ("application", json!({}), long, "", "AA 7"),
        ("msh_determined", json!({}), long, "", "AA 7"),
        ("msh_determined", json!({}), long, "|||AL|NE", "CA 7"),
        ("msh_determined", json!({}), long, "|||NE|AL", "AA 7"),
        ("msh_determined", json!({}), long, "|||SU|ER", "CA 7"),
        ("msh_determined", json!({}), long, "|||AL|AL", "CA 7, AA 7"),
        ("msh_determined", json!({}), long, "|||NE|NE", ""),
        ("msh_determined", json!({}), long, "|||ER|ER", ""),
        ("never", json!({}), long, "", ""),
    ] {
        let host = TestHost::new("In").targets(["Out"]);
        let mut settings = settings;
        settings["ack_mode"] = json!(mode);
        let served = serve(&host, settings).await;
        let mut client = served.client().await;
        client.write_all(&framed(&adt_with("7", version, rest))).await.unwrap();
        client.shutdown().await.unwrap();
        let mut found = Vec::new();
        loop {
            match answer(&mut client).await {
                end if end == "closed" => break,
                answer => found.push(answer),
            }
        }
        assert_eq!(found.join(", "), expected, "{mode} {version} {rest}");
        let arrivals = host.arrivals();
        assert_eq!((arrivals.len(), arrivals[0].body.doc_type()), (1, &*format!("{version}:ADT_A01")));
        served.stop().await;
    }
}

#[tokio::test]
async fn with_bytes_one_byte_says_it() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({ "ack_mode": "byte" })).await;
    let mut client = served.client().await;
    let mut both = framed(&adt("1"));
    both.extend(framed("no message"));
    client.write_all(&both).await.unwrap();
    let mut answer = [0; 2];
    tokio::time::timeout(PATIENCE, client.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, [0x06, 0x15]);
}

#[tokio::test]
async fn nothing_is_answered_before_it_is_durable() {
    for mode in ["immediate", "application", "byte"] {
        let host = TestHost::new("In").targets(["Out"]);
        host.hold_durability();
        let served = serve(&host, json!({ "ack_mode": mode })).await;
        let mut client = served.client().await;
        client.write_all(&framed(&adt("1"))).await.unwrap();
        client.write_all(&framed("no message")).await.unwrap();
        served.until_taken(1).await;
        // Whatever could be told wrongly has had its turn when another connection has been served.
        let mut other = served.client().await;
        other.write_all(&framed(&adt("2"))).await.unwrap();
        served.until_taken(2).await;
        assert!(client.try_read(&mut [0; 1]).is_err(), "{mode}");
        host.release_durability();
        assert!(client.read_u8().await.is_ok(), "{mode}");
    }
}

#[tokio::test]
async fn an_engine_that_stops_answers_nothing_and_closes() {
    let host = TestHost::new("In");
    host.fail_durability();
    let served = serve(&host, json!({})).await;
    let mut client = served.client().await;
    assert_eq!(ask(&mut client, &adt("1")).await, "closed");
    host.release_durability();
    host.refuse_next_intake(Failure::Stopping);
    let mut client = served.client().await;
    assert_eq!(ask(&mut client, &adt("1")).await, "closed");
}

#[tokio::test]
async fn what_is_not_stored_is_refused_and_what_is_wrong_with_it_is_told_by_its_kind() {
    for (nack, content, system) in
        [("content_e", "AE", "AR"), ("content_r", "AR", "AE"), ("all_e", "AE", "AE"), ("all_r", "AR", "AR")]
    {
        let host = TestHost::new("In");
        let served = serve(&host, json!({ "nack_error_code": nack, "use_ack_commit_codes": false })).await;
        let mut client = served.client().await;
        let said = ask(&mut client, "no message").await;
        assert!(said.starts_with(&format!("{content}  ")), "{nack}: {said}");
        host.refuse_next_intake(Failure::Temporary("the disk is full".into()));
        assert_eq!(ask(&mut client, &adt("1")).await, format!("{system} 1 not stored; send it again"));
        assert_eq!(ask(&mut client, &adt("2")).await, "AA 2");
    }
}

#[tokio::test]
async fn an_acknowledgement_of_the_target_goes_back_as_it_is() {
    let host = TestHost::new("In").targets(["Out"]);
    let ack =
        |id: &str| format!("MSH|^~\\&|HIS|THERE|LAB|HERE|2026||ACK|99|P|2.5\rMSA|AE|{id}|why not\rZZZ|1\r");
    let mut count = 0;
    host.answer_with(move |_: &Arrival| {
        count += 1;
        match count {
            1 => reply(ack("1")),
            2 => reply(ack("renamed")),
            3 => reply(adt("3")),
            4 => failed("Out suspended it"),
            5 => Reply { error: Some("refused".into()), ..reply(ack("5")) },
            _ => done(),
        }
    });
    let served = serve(&host, json!({ "ack_mode": "application" })).await;
    let mut client = served.client().await;
    let mut said = Vec::new();
    for id in 1..=6 {
        client.write_all(&framed(&adt(&id.to_string()))).await.unwrap();
        said.push(next(&mut client).await.unwrap());
    }
    assert_eq!(said[0], ack("1"));
    assert_eq!(said[1], ack("2"), "MSA-2 is put right");
    assert!(said[2].contains("MSA|AA|3\r"), "what is no acknowledgement is not passed on: {}", said[2]);
    assert!(said[3].contains("MSA|AE|4|not delivered: Out suspended it\r"), "{}", said[3]);
    assert_eq!(said[4], ack("5"));
    assert!(said[5].contains("MSA|AA|6\r"), "{}", said[5]);
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_an_error() {
    let clock = FakeClock::new();
    let host = TestHost::new("In").targets(["Out"]).clock(clock.clone());
    host.hold_replies();
    let served = serve(&host, json!({ "ack_mode": "application" })).await;
    let mut client = served.client().await;
    client.write_all(&framed(&adt("1"))).await.unwrap();
    clock.until_sleeping(1).await;
    clock.advance(Duration::from_secs(31));
    assert_eq!(answer(&mut client).await, "AE 1 no answer within 30s");
    host.release_replies();
    assert_eq!(ask(&mut client, &adt("2")).await, "AA 2");
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_messages() {
    let host = TestHost::new("In").targets(["Out"]);
    host.hold_replies();
    let served = serve(&host, json!({ "ack_mode": "application" })).await;
    let mut client = served.client().await;
    let mut all = framed(&adt("1"));
    all.extend(framed("no message"));
    all.extend(framed(&adt("3")));
    client.write_all(&all).await.unwrap();
    served.until_taken(3).await;
    host.release_replies();
    assert_eq!(answer(&mut client).await, "AA 1");
    let said = answer(&mut client).await;
    assert!(said.starts_with("AE  "), "{said}");
    assert_eq!(answer(&mut client).await, "AA 3");
}

#[tokio::test]
async fn who_asks_for_two_answers_gets_the_first_without_waiting_for_the_second() {
    let host = TestHost::new("In").targets(["Out"]);
    host.hold_replies();
    let served = serve(&host, json!({ "ack_mode": "msh_determined" })).await;
    let mut client = served.client().await;
    for id in ["1", "2"] {
        assert_eq!(ask(&mut client, &adt_with(id, "2.5", "|||AL|AL")).await, format!("CA {id}"));
    }
    host.release_replies();
    assert_eq!(answer(&mut client).await, "AA 1");
    assert_eq!(answer(&mut client).await, "AA 2");
}

#[tokio::test]
async fn acknowledgements_are_never_answered() {
    let ack = "MSH|^~\\&|A|B|C|D|2026||ACK^A01|5|P|2.5\rMSA|AA|4\r";
    for (ignore, fate) in [(true, "keep"), (false, "deliver")] {
        let host = TestHost::new("In").targets(["Out"]);
        let served = serve(&host, json!({ "ignore_inbound_ack": ignore, "ack_mode": "application" })).await;
        let mut client = served.client().await;
        client.write_all(&framed(ack)).await.unwrap();
        assert_eq!(ask(&mut client, &adt("6")).await, "AA 6");
        assert_eq!(served.taken()[0], (fate, ack.to_owned()));
    }
}

#[tokio::test]
async fn an_invalid_message_is_kept_and_refused_without_its_values() {
    let host = TestHost::new("In");
    let served = serve(&host, json!({ "validation": "fields", "add_nack_err": true })).await;
    let mut client = served.client().await;
    client.write_all(&framed(&adt("1"))).await.unwrap();
    let said = next(&mut client).await.unwrap();
    assert!(said.contains("MSA|AE|1|invalid: ") && said.contains("\rERR||"), "{said}");
    assert!(said.contains("EVN") && !said.contains("Beispiel"), "{said}");
    let arrival = &host.arrivals()[0];
    let Fate::Refuse(reason) = &arrival.fate else { panic!("{:?}", arrival.fate) };
    assert!(reason.contains("EVN") && !reason.contains("Beispiel"), "{reason}");
    assert_eq!((arrival.body.class(), arrival.body.content().len()), (BodyClass::HL7, adt("1").len()));
    let unknown = ask(&mut client, &adt_with("2", "2.3.9", "")).await;
    assert!(unknown.starts_with("AE 2 invalid: no schema is known"), "{unknown}");
}

#[tokio::test]
async fn a_z_segment_is_tolerated_or_makes_a_message_invalid() {
    let text = "MSH|^~\\&|A|B|C|D|2026||ADT^A08^ADT_A01|9|P|2.5\rEVN||2026\rPID|1||1||A\rPV1||I\rZPD|1\r";
    for (z_segments, code) in [("tolerate", "AA"), ("reject", "AE")] {
        let host = TestHost::new("In");
        let settings = json!({ "validation": "structure", "z_segments": z_segments });
        let served = serve(&host, settings).await;
        let said = ask(&mut served.client().await, text).await;
        assert_eq!((&said[..4], said.contains("ZPD")), (&*format!("{code} 9"), code == "AE"), "{said}");
    }
}

#[tokio::test]
async fn an_answer_goes_from_whom_it_should_and_names_its_time() {
    let host = TestHost::new("In").clock(FakeClock::new());
    let served = serve(&host, json!({ "local_facility_application": "CLINIC:ORRIS" })).await;
    let mut client = served.client().await;
    client.write_all(&framed(&adt("7"))).await.unwrap();
    let said = next(&mut client).await.unwrap();
    let fields: Vec<_> = said.split(['|', '\r']).collect();
    assert_eq!(fields[2..6], ["ORRIS", "CLINIC", "LAB", "HERE"], "{said}");
    assert_eq!((fields[6].len(), fields[9], fields[11]), (19, "7", "2.5"), "{said}");
    assert!(FakeClock::new().now().to_utc().starts_with("2023-11-14") && fields[6].starts_with("202311"));
}
